"""Everything that goes out: the same bytes each time, nothing lost where nothing may be, datum and credit inside."""

import csv
import io
import json
import time
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import PurePath
from xml.etree import ElementTree

import openpyxl
import pyogrio
import pytest

from geo_service.errors import InvalidInputError
from geo_service.exchange.navlinks import decode_link
from geo_service.exchange.outgoing import FORMATS, export_places, file_name, fitting, format_of_file
from geo_service.geo import convert_datum, distance_m
from geo_service.layers import CATALOGUE, Area, Layer, Place, Provenance, Service, dump_layer
from geo_service.paper.writing import Sheet, pack_zip, write_csv, write_xlsx
from tests.outgoing_places import HOSTILE, WIDER, demo_layers, layers_from, random_layers

LOSSLESS = [one.name for one in FORMATS.values() if one.is_lossless]
STATION = Place(
    "s1", "station", 116.442, 39.957, "香河园全时驿站", hours="24/7", services=(Service("hot_water"),)
)
SQUARE = {"type": "Polygon", "coordinates": (((116.0, 39.0), (116.1, 39.0), (116.1, 39.1), (116.0, 39.0)),)}
BLOCK = Layer("block", (Area("b1", "block", "东街", SQUARE),))


def stations(*places: Place) -> Layer:
    return Layer("station", places or (STATION,))


def round_trip(layers, name, catalogue=WIDER):
    """Export, import by the shortest way, export again: the two files."""
    first = export_places(layers, name, catalogue=catalogue, district="d")
    again = layers_from(first, [layer.name for layer in layers], catalogue)
    return first.data, export_places(again, name, catalogue=catalogue, district="d").data, again


# --- nothing is lost --------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in LOSSLESS if name != "geojson"])
@pytest.mark.slow
def test_200_hostile_places_come_back_to_the_byte(name):
    layers = random_layers(seed=20261121, count=200)
    first, second, again = round_trip(layers, name)
    assert [dump_layer(layer) for layer in again] == [dump_layer(layer) for layer in layers]
    assert first == second


@pytest.mark.parametrize("district", ["xiangheyuan", "yingze"])
@pytest.mark.parametrize("name", [name for name in LOSSLESS if name != "geojson"])
@pytest.mark.slow
def test_a_demo_district_comes_back_to_the_byte(name, district):
    layers = demo_layers(district)
    first, second, again = round_trip(layers, name)
    assert [dump_layer(layer) for layer in again] == [dump_layer(layer) for layer in layers]
    assert first == second


@pytest.mark.parametrize("name", [name for name in LOSSLESS if name != "geojson"])
def test_a_few_hostile_places_come_back_to_the_byte(name):
    layers = random_layers(seed=7, count=12)
    first, second, again = round_trip(layers, name)
    assert [dump_layer(layer) for layer in again] == [dump_layer(layer) for layer in layers]
    assert first == second


def test_geojson_is_the_stores_own_form():
    for layer in random_layers(seed=3, count=40):
        first, second, _ = round_trip([layer], "geojson")
        assert first == second == dump_layer(layer)


def test_the_random_places_fill_every_field_and_use_every_hostile_text():
    layers = random_layers(seed=20261121, count=200)
    said = "".join(dump_layer(layer).decode() for layer in layers)
    assert all(json.dumps(text, ensure_ascii=False) in said for text in HOSTILE)
    used = {
        name
        for layer in layers
        for f in layer.features
        for name in json.loads(dump_layer(Layer(layer.name, (f,))))["features"][0]["properties"]
    }
    wanted = {name for layer in layers for name in WIDER[layer.name].fields}
    assert used == wanted


# --- the same bytes ---------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_layers_give_the_same_bytes_seconds_later():
    layers = {
        name: [stations(), BLOCK][: 1 + (one.holds_layers and one.holds_areas)]
        for name, one in FORMATS.items()
    }
    first = {name: export_places(layers[name], name).data for name in FORMATS}
    time.sleep(2.1)  # ZIP counts in steps of two seconds
    assert [name for name in FORMATS if export_places(layers[name], name).data != first[name]] == []


def test_a_shapefile_is_dated_by_its_data():
    place = replace(STATION, status_from=date(2024, 5, 6))
    with zipfile.ZipFile(io.BytesIO(export_places([stations(place)], "shp").data)) as packed:
        assert tuple(packed.read("station.dbf")[1:4]) == (124, 5, 6)


def test_a_geopackage_is_dated_by_its_data():
    place = replace(STATION, status_from=date(2024, 5, 6))
    data = export_places([stations(place)], "gpkg").data
    assert b"2024-05-06T00:00:00" in data
    assert f"{date.today():%Y-%m-%d}".encode() not in data


def test_a_zip_tells_nothing_of_when_it_was_packed():
    with zipfile.ZipFile(io.BytesIO(pack_zip({"a": b"1"}))) as packed:
        assert packed.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def test_a_workbook_says_the_day_of_its_data():
    book = openpyxl.load_workbook(
        io.BytesIO(write_xlsx([Sheet("a", ["b"], [])], title="t", description="d", on=date(2026, 3, 4)))
    )
    assert str(book.properties.created) == str(book.properties.modified) == "2026-03-04 00:00:00"


# --- datums -----------------------------------------------------------------------------


def test_csv_has_both_datums_each_named():
    rows = list(csv.DictReader(io.StringIO(export_places([stations()], "csv").data.decode("utf-8-sig"))))
    assert rows[0]["经度_WGS84/lon_wgs84"] == "116.442"
    assert rows[0]["经度_GCJ02/lon_gcj02"] == "116.4482033"
    assert rows[0]["纬度_GCJ02/lat_gcj02"] == "39.9583715"


def test_a_gcj02_csv_says_so_in_name_and_headings_and_holds_no_other_datum():
    export = export_places([stations()], "csv", datum="gcj02", district="xhy")
    assert export.file_name == "xhy-station-gcj02.csv"
    head = export.data.decode("utf-8-sig").splitlines()[0]
    assert "lon_gcj02" in head
    assert "wgs84" not in head.lower()


@pytest.mark.parametrize(("datum", "mark"), [("wgs84", ""), ("gcj02", "g"), ("bd09", "b")])
def test_an_ovital_line_is_marked_and_decodes_to_within_a_metre(datum, mark):
    export = export_places([stations()], "ovital", datum=datum, district="xhy")
    fields = export.data.decode().split("\r\n")[0].split(" ")
    assert (fields[0] if mark else "") == mark
    lon, lat, name, _ = fields[-4:]
    found = convert_datum([float(lon), float(lat)], datum, "wgs84")
    assert float(distance_m(found, [STATION.lon, STATION.lat])) < 1
    assert name == STATION.name
    assert export.file_name == f"xhy-station-{datum}.txt"


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if "gcj02" not in one.datums])
def test_formats_not_meant_for_a_chinese_target_refuse_gcj02(name):
    with pytest.raises(InvalidInputError, match=r"datum='gcj02'.*gcj02 goes into csv, ovital"):
        export_places([stations()], name, datum="gcj02")


def test_every_link_decodes_to_the_entrance():
    place = replace(STATION, arrival=(116.4425, 39.9571))
    data = export_places([stations(place)], "links-csv").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(data)))
    targets = {"amap": "amap_web", "baidu": "baidu_web", "osmand": "osmand", "organic": "organic"}
    assert {row["坐标基准/datum"] for row in rows} == {"wgs84", "gcj02"}
    osmand = next(row for row in rows if row["应用/app"] == targets["osmand"])
    arrival = decode_link("osmand", osmand["链接/url"])
    assert (arrival.lon, arrival.lat) == place.arrival


def test_a_link_list_without_escaping_would_run_scripts():
    place = replace(STATION, name='<script>alert(1)</script>"', address="<img src=x onerror=1>")
    page = export_places([stations(place)], "links").data.decode()
    assert "<script" not in page
    assert "<img" not in page
    assert (
        "](javascript"
        not in export_places([stations(replace(STATION, name="](javascript:x)"))], "links-md").data.decode()
    )


@pytest.mark.parametrize("name", ["links", "links-md", "links-csv"])
def test_a_link_that_may_be_off_says_so(name):
    assert "may be off by about 550 m" in text_of(export_places([stations()], name)).replace("\\", "")


# --- what each file says of itself ------------------------------------------------------


def text_of(export) -> str:
    """All text of a file, unpacked where it is packed."""
    if not export.data.startswith(b"PK"):
        return export.data.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(export.data)) as packed:
        return "".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


@pytest.mark.parametrize("name", FORMATS)
def test_made_up_places_say_so_in_every_file(name):
    place = replace(STATION, provenance=Provenance("synthetic", "CC0-1.0"))
    said = text_of(export_places([stations(place)], name))
    assert "虚构" in said
    assert "made up" in said.replace("\u3000", " ")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "geojson"])
def test_places_from_openstreetmap_credit_it_in_every_file(name):
    place = replace(STATION, provenance=Provenance("OpenStreetMap", "ODbL-1.0"))
    said = text_of(export_places([stations(place)], name)).replace("\\", "").replace("\u3000", " ")
    assert "© OpenStreetMap 贡献者 contributors (ODbL" in said


@pytest.mark.parametrize("name", ["kml", "gpx", "gpkg", "shp", "xlsx"])
def test_files_with_room_for_it_say_their_datum(name):
    assert "WGS-84" in text_of(export_places([stations()], name))


# --- statuses ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpx", "ovital", "links", "links-md", "links-csv"])
def test_nobody_is_sent_to_a_removed_place_and_a_paused_one_says_so(name):
    places = (
        replace(STATION, id="a", name="拆了的", status="removed"),
        replace(STATION, id="b", name="停一停", status="paused"),
    )
    said = text_of(export_places([stations(*places)], name))
    assert "拆了的" not in said
    assert "停一停（暂停）" in said


def test_a_removed_place_is_hidden_in_kml_but_kept():
    said = text_of(export_places([stations(replace(STATION, status="removed"))], "kml"))
    assert "<visibility>0</visibility>" in said
    assert f'<Data name="name"><value>{STATION.name}</value></Data>' in said


def test_only_the_statuses_asked_for_go_out():
    places = (STATION, replace(STATION, id="s2", status="removed", name="拆了的"))
    assert "拆了的" not in text_of(export_places([stations(*places)], "csv", statuses=["active"]))


# --- areas, several layers, names, refusals ---------------------------------------------


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if not one.holds_areas])
def test_formats_of_points_refuse_areas_and_say_what_to_take(name):
    with pytest.raises(InvalidInputError, match=r"areas.*geojson"):
        export_places([BLOCK], name)


def test_areas_go_out_in_wgs84_only():
    with pytest.raises(InvalidInputError, match="block holds areas, which go out in wgs84 only"):
        export_places([BLOCK], "csv", datum="gcj02")


def test_an_outline_too_long_for_a_cell_is_refused_not_cut():
    ring = tuple((116 + i / 1e4 + 1e-7, 39.1234567) for i in range(1500))
    area = replace(
        BLOCK.features[0], geometry={"type": "Polygon", "coordinates": ((*ring, (116.05, 39.9), ring[0]),)}
    )
    with pytest.raises(InvalidInputError, match=r"'b1'.*32767; export this layer as geojson, gpkg or csv"):
        export_places([Layer("block", (area,))], "xlsx")


def test_geojson_holds_one_layer_a_file():
    with pytest.raises(InvalidInputError, match="one layer a file, not 2; name one layer, or take csv"):
        export_places([stations(), BLOCK], "geojson")


def test_without_a_choice_areas_stay_behind_where_they_do_not_fit():
    assert [one.name for one in fitting([stations(), BLOCK], FORMATS["gpx"], CATALOGUE)] == ["station"]
    assert len(fitting([stations(), BLOCK], FORMATS["kml"], CATALOGUE)) == 2


def test_an_unknown_format_names_those_there_are():
    with pytest.raises(InvalidInputError, match=r"format='dwg' is unknown; allowed: geojson, csv, xlsx"):
        export_places([stations()], "dwg")


def test_no_layer_is_refused():
    with pytest.raises(InvalidInputError, match="no layer"):
        export_places([], "csv")


@pytest.mark.parametrize(
    ("file", "name"), [("a.CSV", "csv"), ("a.json", "geojson"), ("a.zip", "shp"), ("a.html", "links")]
)
def test_the_format_is_guessed_from_the_suffix(file, name):
    assert format_of_file(PurePath(file)).name == name


def test_an_unknown_suffix_is_refused_with_those_known():
    with pytest.raises(InvalidInputError, match=r"no format ends in '.dwg'; known are .geojson, .csv"):
        format_of_file(PurePath("a.dwg"))


def test_file_names_say_district_layer_and_datum():
    assert file_name(FORMATS["kml"], [stations(), BLOCK], "wgs84", "xhy") == "xhy-layers-wgs84.kml"
    assert file_name(FORMATS["links"], [stations()], "wgs84", "xhy") == "xhy-station-links.html"


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_layer_goes_out(name):
    assert export_places([Layer("station")], name).media_type


# --- single formats ---------------------------------------------------------------------


def test_cells_like_formulas_are_text_in_csv_and_xlsx():
    place = replace(STATION, name="=1+1", address="@x", phone="+86 10")
    row = next(csv.DictReader(io.StringIO(export_places([stations(place)], "csv").data.decode("utf-8-sig"))))
    assert (row["名称/name"], row["地址/address"], row["电话/phone"]) == ("'=1+1", "'@x", "'+86 10")
    sheet = openpyxl.load_workbook(io.BytesIO(export_places([stations(place)], "xlsx").data)).worksheets[0]
    cells = {cell.value: cell.data_type for cell in sheet[2] if cell.value is not None}
    assert cells["'=1+1"] == "s"
    assert "f" not in cells.values()


def test_a_western_longitude_stays_a_number():
    place = replace(STATION, lon=-0.1234567)
    row = next(csv.DictReader(io.StringIO(export_places([stations(place)], "csv").data.decode("utf-8-sig"))))
    assert row["经度_WGS84/lon_wgs84"] == "-0.1234567"


def test_csv_writes_small_numbers_without_exponent():
    assert (
        write_csv(["a", "b"], [[1e-7, True], [None, date(2026, 1, 2)]])
        == b"\xef\xbb\xbfa,b\r\n0.0000001,true\r\n,2026-01-02\r\n"
    )


def test_a_workbook_has_typed_cells_a_frozen_header_and_sheets_that_explain():
    book = openpyxl.load_workbook(
        io.BytesIO(export_places([stations(replace(STATION, seats=12)), BLOCK], "xlsx").data)
    )
    assert book.sheetnames == ["驿站 station", "友好街区 block", "说明 About", "列 Columns", "服务 Services"]
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    assert sheet["A2"].parent.freeze_panes == "A2"
    assert sheet.cell(2, heads.index("座位数/seats") + 1).value == 12
    assert sheet.cell(2, heads.index("经度_WGS84/lon_wgs84") + 1).value == 116.442


def test_a_sheet_is_printed_across_with_all_columns_on_a_page_and_its_header_on_each():
    data = write_xlsx([Sheet("a", ["b", "c"], [[1, 2]])], title="t", description="d", on=date(2026, 1, 1))
    sheet = openpyxl.load_workbook(io.BytesIO(data))["a"]
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.page_setup.fitToHeight in (0, False)
    assert sheet.print_title_rows == "$1:$1"


def test_sheet_titles_are_short_unique_and_legal():
    sheets = [Sheet(title, ["a"], []) for title in ("x" * 40, "X" * 40, "a/b?[c]", "")]
    names = openpyxl.load_workbook(
        io.BytesIO(write_xlsx(sheets, title="", description="", on=date(2026, 1, 1)))
    ).sheetnames
    assert names == ["x" * 31, "X" * 27 + " 2", "a b  c", "Sheet"]


def test_a_text_too_long_for_a_cell_is_refused():
    with pytest.raises(InvalidInputError, match="32767"):
        write_xlsx([Sheet("a", ["b"], [["x" * 40_000]])], title="", description="", on=date(2026, 1, 1))


def test_kml_has_a_folder_for_each_layer_and_no_link_to_elsewhere():
    data = export_places([stations(), BLOCK], "kml").data
    space = "{http://www.opengis.net/kml/2.2}"
    root = ElementTree.fromstring(data)
    assert [one.findtext(f"{space}name") for one in root.iter(f"{space}Folder")] == [
        "驿站 Rest station",
        "友好街区 Friendly block",
    ]
    assert root.find(f".//{space}Placemark/{space}styleUrl").text == "#placemark-red"
    assert root.find(f".//{space}Placemark/{space}Style/{space}IconStyle/{space}color").text == "ff2e10c8"
    assert "href" not in data.decode()


def test_kmz_carries_its_pin():
    with zipfile.ZipFile(io.BytesIO(export_places([stations()], "kmz").data)) as packed:
        assert packed.namelist() == ["doc.kml", "files/pin.png"]
        assert packed.read("files/pin.png").startswith(b"\x89PNG")
        assert "<href>files/pin.png</href>" in packed.read("doc.kml").decode()


def test_gpx_groups_colours_and_icons_are_osmands():
    said = export_places(
        [stations(), Layer("toilet", (replace(STATION, layer="toilet"),))], "gpx"
    ).data.decode()
    assert "<osmand:icon>amenity_toilets</osmand:icon>" in said
    assert '<group name="驿站" color="#c8102e" icon="special_star" background="circle"/>' in said
    assert "<type>爱心公厕</type>" in said
    assert "营业时间 Hours: 24/7" in said


def test_markup_in_a_name_is_shown_not_run_by_apps_that_show_html():
    place = replace(STATION, address="<script>x</script>")
    said = ElementTree.fromstring(export_places([stations(place)], "kml").data)
    assert "&lt;script&gt;" in next(said.iter("{http://www.opengis.net/kml/2.2}Placemark"))[1].text


def test_a_shapefile_says_in_its_legend_what_was_cut(tmp_path):
    place = replace(STATION, address="很长" * 100)
    data = export_places([stations(place)], "shp").data
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        legend = packed.read("legend.txt").decode("utf-8-sig")
        assert packed.read("station.cpg") == b"UTF-8"
    assert "address: 地址 address —— 1 格截至 254 字节 cut to 254 bytes" in legend
    (tmp_path / "x.zip").write_bytes(data)
    meta, _, _, values = pyogrio.raw.read(f"/vsizip/{tmp_path}/x.zip/station.shp")
    assert dict(zip(meta["fields"], values, strict=True))["address"][0] == ("很长" * 100)[:84]


def test_a_shapefiles_names_fit_ten_characters_and_differ():
    data = export_places(random_layers(1, 20), "shp", catalogue=WIDER).data
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        legend = packed.read("legend.txt").decode("utf-8-sig")
    for part in legend.split("\r\n["):
        names = [line.split("=")[0].strip().lower() for line in part.splitlines() if " = " in line]
        assert len(set(names)) == len(names)
        assert all(len(name) <= 10 for name in names)


def test_a_geopackage_names_layers_and_types_columns(tmp_path):
    path = tmp_path / "x.gpkg"
    path.write_bytes(export_places([stations(replace(STATION, seats=12)), BLOCK], "gpkg").data)
    assert pyogrio.list_layers(path).tolist() == [["station", "Point"], ["block", "Polygon"]]
    info = pyogrio.read_info(path, layer="station")
    types = dict(zip(info["fields"], info["dtypes"], strict=True))
    assert (types["seats"], types["area_m2"], types["name"]) == ("int64", "float64", "object")
    assert info["crs"] == "EPSG:4326"
