"""Files that look odd and are right: each is read exactly."""

import csv as csv_module
import io
import json
import struct
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest

from geo_service.exchange.intake import read_table
from tests.hostile_files import (
    HEAD,
    cell,
    feature,
    geojson,
    gpkg,
    gpx,
    kml,
    packed,
    placemark,
    shp,
    shp_parts,
    workbook,
    written,
    xlsx_sheet,
)

pytestmark = pytest.mark.slow  # a child for each; a quick one of each format is in test_intake_confined.py

HEADINGS = ("名称", "经度", "纬度")
GOOD = ("驿站", "116.45", "39.96")
TEXT = "名称,经度,纬度\n驿站,116.45,39.96\n"


def read(tmp_path: Path, name: str, data: bytes, **options):
    path = tmp_path / name
    path.write_bytes(data)
    return read_table(path, **options)


def book(*rows, sheets=(), **sheet_options) -> bytes:
    workbook_ = openpyxl.Workbook()
    for row in rows:
        workbook_.active.append(row)
    for name, more in dict(sheets).items():
        sheet = workbook_.create_sheet(name)
        for row in more:
            sheet.append(row)
    for cells in sheet_options.get("merged", ()):
        workbook_.active.merge_cells(cells)
    buffer = io.BytesIO()
    workbook_.save(buffer)
    return buffer.getvalue()


# --- text -------------------------------------------------------------------------------

TEXTS = {
    "utf8": (TEXT.encode(), "UTF-8", ","),
    "utf8-bom": (TEXT.encode("utf-8-sig"), "UTF-8 with byte-order mark", ","),
    "gb18030": (TEXT.encode("gb18030"), "GB18030", ","),
    "gbk-rare": (TEXT.replace("驿站", "㐀䶮站").encode("gb18030"), "GB18030", ","),
    "utf16-le": (TEXT.encode("utf-16"), "UTF-16 LE with byte-order mark", ","),
    "utf16-be": (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16 BE with byte-order mark", ","),
    "utf16-bare": (TEXT.encode("utf-16-le"), "UTF-16 LE", ","),
    "semicolon": (TEXT.replace(",", ";").encode(), "UTF-8", ";"),
    "tab": (TEXT.replace(",", "\t").encode(), "UTF-8", "\t"),
    "bar": (TEXT.replace(",", "|").encode(), "UTF-8", "|"),
    "chinese-comma": (TEXT.replace(",", "，").encode(), "UTF-8", "，"),
    "crlf": (TEXT.replace("\n", "\r\n").encode(), "UTF-8", ","),
    "cr": (TEXT.replace("\n", "\r").encode(), "UTF-8", ","),
    "no-last-newline": (TEXT.strip().encode(), "UTF-8", ","),
    "blank-lines": (TEXT.replace("\n", "\n\n\n").encode(), "UTF-8", ","),
    "blanks-around": (TEXT.replace(",", " , ").encode(), "UTF-8", ","),
    "all-quoted": ('"名称","经度","纬度"\n"驿站","116.45","39.96"\n'.encode(), "UTF-8", ","),
    "excel-sep": (b"sep=;\n" + TEXT.replace(",", ";").encode(), "UTF-8", ";"),
    "empty-columns-behind": (TEXT.replace("\n", ",,,\n").encode(), "UTF-8", ","),
    "title-above": (("驿站一览表,,\n" + TEXT).encode(), "UTF-8", ","),
    "two-titles-above": (("驿站一览表,,\n填报单位：示例街道,,\n" + TEXT).encode(), "UTF-8", ","),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_table_of_text_is_read_whatever_wrote_it(name, tmp_path):
    data, encoding, delimiter = TEXTS[name]
    table = read(tmp_path, "list.csv", data)
    assert (table.format, table.encoding, table.delimiter) == ("csv", encoding, delimiter)
    assert table.columns == HEADINGS
    assert [row.cells[1:] for row in table.rows] == [GOOD[1:]]
    assert table.rows[0].cells[0] in ("驿站", "㐀䶮站")


def test_quoted_delimiters_newlines_and_quotes_come_through(tmp_path):
    name = '驿,站\n"二号"'
    buffer = io.StringIO()
    csv_module.writer(buffer).writerows([HEADINGS, (name, "116.45", "39.96"), GOOD])
    table = read(tmp_path, "list.csv", buffer.getvalue().encode())
    assert [row.cells[0] for row in table.rows] == [name, "驿站"]
    assert [row.where for row in table.rows] == ["row 2", "row 4"]


def test_cells_escaped_against_formulas_come_back_unescaped(tmp_path):
    table = read(tmp_path, "list.csv", "名称,经度,纬度\n'=1+1,'-116.45,''x\n".encode())
    assert table.rows[0].cells == ("=1+1", "-116.45", "'x")


def test_repeated_and_blank_headings_are_told_apart(tmp_path):
    table = read(tmp_path, "list.csv", "名称,名称,,经度\n1,2,3,4\n".encode())
    assert table.columns == ("名称", "名称 (2)", "column 3", "经度")


def test_a_skipped_title_is_told(tmp_path):
    table = read(tmp_path, "list.csv", TEXTS["title-above"][0])
    assert table.notes == ("row 1: '驿站一览表' stands above the headings and was skipped",)
    assert table.rows[0].where == "row 3"


def test_a_wrong_suffix_is_told_and_does_not_matter(tmp_path):
    table = read(tmp_path, "list.csv", packed(workbook()))
    assert table.format == "xlsx"
    assert table.notes == ("the name ends in .csv, but the content is xlsx",)


@pytest.mark.parametrize(
    ("name", "heading", "datum"),
    [
        ("list_gcj02.csv", "经度", "gcj02"),
        ("list.csv", "经度_BD09", "bd09"),
        ("list-WGS84.csv", "经度", "wgs84"),
        ("list_wgs84_gcj02.csv", "经度", ""),
    ],
)
def test_the_datum_a_name_or_heading_states_is_reported(name, heading, datum, tmp_path):
    table = read(tmp_path, name, TEXT.replace("经度", heading).encode())
    assert table.declared_datum == datum


# --- workbooks --------------------------------------------------------------------------


def test_rows_outside_of_a_lying_dimension_are_read(tmp_path):
    rows = HEAD + "".join(f'<row r="{n}">{cell(f"A{n}", f"站{n}")}</row>' for n in range(2, 12))
    data = xlsx_sheet(rows).replace(b"x", b"x")
    parts = dict(workbook())
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<sheetData>", b'<dimension ref="A1:A2"/><sheetData>')
    table = read(tmp_path, "list.xlsx", packed(parts))
    assert [row.cells[0] for row in table.rows] == [f"站{n}" for n in range(2, 12)]


def test_values_are_the_text_a_person_sees(tmp_path):
    values = (
        "驿站",
        13800000000.0,
        116.45,
        date(2026, 5, 1),
        datetime(2026, 5, 1, 8, 30),
        time(8, 30),
        True,
        0.1 + 0.2,
    )
    table = read(tmp_path, "list.xlsx", book([f"c{n}" for n in range(8)], values))
    assert table.rows[0].cells == (
        "驿站", "13800000000", "116.45", "2026-05-01", "2026-05-01 08:30", "08:30", "true", "0.3",
    )  # fmt: skip


def test_merged_titles_and_gaps_above_the_headings_are_skipped(tmp_path):
    data = book(
        ["香河园驿站一览表"], [], ["填报：示例街道", None, "2026年"], HEADINGS, [], GOOD, merged=["A1:C1"]
    )
    table = read(tmp_path, "list.xlsx", data)
    assert table.columns in (HEADINGS, ("填报：示例街道", "column 2", "2026年"))
    assert table.rows[-1].cells == GOOD
    assert table.rows[-1].where == "sheet 'Sheet' row 6"


def test_the_only_filled_sheet_is_taken(tmp_path):
    table = read(tmp_path, "list.xlsx", book(sheets={"空": [], "站点": [HEADINGS, GOOD]}))
    assert (table.sheet, table.sheets) == ("站点", ("Sheet", "空", "站点"))


def test_a_sheet_is_chosen_by_name_or_by_layer(tmp_path):
    data = book(sheets={"商户 merchant": [HEADINGS, ("店", "1", "2")], "驿站 station": [HEADINGS, GOOD]})
    assert read(tmp_path, "a.xlsx", data, sheet="商户 merchant").rows[0].cells[0] == "店"
    assert read(tmp_path, "a.xlsx", data, layer="station").rows[0].cells[0] == "驿站"


def test_a_formula_counts_with_the_value_saved_with_it(tmp_path):
    row = f'<row r="2">{cell("A2", "站")}<c r="B2"><f>100+16.45</f><v>116.45</v></c><c r="C2"><f>NOW()</f></c></row>'
    table = read(tmp_path, "list.xlsx", xlsx_sheet(HEAD + row))
    assert table.rows[0].cells == ("站", "116.45", None)
    assert table.notes[-1].startswith("1 formulas have no value saved with them")


def test_a_workbook_with_pictures_and_a_macro_suffix_is_read(tmp_path):
    data = packed({**workbook(), "xl/media/image1.png": b"\x89PNG" + bytes(2000), "docProps/x.bin": b"abc"})
    assert read(tmp_path, "list.xlsm", data).rows[0].cells == GOOD


# --- XML --------------------------------------------------------------------------------

KMLS = {
    "folders": kml(f"<Folder><name>甲</name>{placemark()}</Folder>"),
    "gx-and-prefix": kml(placemark()).replace(b"<kml", b'<k:kml xmlns:k="x"').replace(b"</kml", b"</k:kml"),
    "height": kml(placemark("116.45,39.96,12.5")),
    "blanks": kml(placemark("\n   116.45,39.96\n ")),
    "cdata": kml(placemark(name="<![CDATA[驿站]]>")),
    "comment": kml(f"<!-- x -->{placemark()}"),
    "utf16": kml(placemark()).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    "gbk": kml(placemark()).decode().replace("UTF-8", "GBK").encode("gbk"),
    "bom": b"\xef\xbb\xbf" + kml(placemark()),
    "old-namespace": kml(placemark()).replace(b"www.opengis.net/kml/2.2", b"earth.google.com/kml/2.1"),
    "multigeometry": kml(
        placemark().replace("<Point>", "<MultiGeometry><Point>").replace("</Point>", "</Point></MultiGeometry>")
    ),
    "network-link": kml(f"<NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink>{placemark()}"),
}  # fmt: skip


@pytest.mark.parametrize("name", KMLS)
def test_kml_is_read_however_it_is_written(name, tmp_path):
    table = read(tmp_path, "list.kml", KMLS[name])
    assert [(row.cells[0], row.point) for row in table.rows] == [("驿站", (116.45, 39.96))]
    assert table.declared_datum == "wgs84"


def test_a_network_link_is_not_followed_and_that_is_told(tmp_path):
    assert "NetworkLink was not followed" in read(tmp_path, "list.kml", KMLS["network-link"]).notes[0]


def test_extended_data_and_schema_data_become_columns(tmp_path):
    data = (
        '<ExtendedData><Data name="电话"><value>010</value></Data>'
        '<SchemaData><SimpleData name="座位">5</SimpleData></SchemaData></ExtendedData>'
    )
    table = read(tmp_path, "a.kml", kml(placemark().replace("<Point>", data + "<Point>")))
    assert dict(zip(table.columns, table.rows[0].cells, strict=True)) == {
        "name": "驿站",
        "电话": "010",
        "座位": "5",
    }


def test_kmz_reads_doc_kml_beside_others(tmp_path):
    data = packed({"doc.kml": kml(placemark()), "files/other.kml": kml(""), "files/a.png": b"\x89PNG"})
    assert read(tmp_path, "a.kmz", data).rows[0].point == (116.45, 39.96)


def test_gpx_waypoints_are_read_and_tracks_told(tmp_path):
    body = (
        '<wpt lat="39.96" lon="116.45"><name>驿站</name><desc>热水</desc></wpt>'
        '<trk><trkseg><trkpt lat="1" lon="2"/></trkseg></trk>'
    )
    table = read(tmp_path, "a.gpx", gpx(body))
    assert [(row.cells, row.point) for row in table.rows] == [(("驿站", "热水"), (116.45, 39.96))]
    assert "tracks and routes were left out" in table.notes[0]


# --- GeoJSON ----------------------------------------------------------------------------

GEOJSONS = {
    "plain": geojson(feature()),
    "bom": b"\xef\xbb\xbf" + geojson(feature()),
    "record-separator": b"\x1e" + geojson(feature()),
    "one-feature": json.dumps(feature()).encode(),
    "crs84": geojson(
        feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    ),
    "bbox-and-name": geojson(feature(), name="x", bbox=[1, 2, 3, 4]),
    "height": geojson(feature(geometry={"type": "Point", "coordinates": [116.45, 39.96, 50]})),
    "indented": json.dumps(json.loads(geojson(feature())), indent=4, ensure_ascii=False).encode(),
}


@pytest.mark.parametrize("name", GEOJSONS)
def test_geojson_is_read_however_it_is_written(name, tmp_path):
    table = read(tmp_path, "a.geojson", GEOJSONS[name])
    assert [row.point for row in table.rows] == [(116.45, 39.96)]
    assert table.rows[0].feature is not None
    assert table.rows[0].feature["properties"] == {"name": "驿站"}


# --- GDAL -------------------------------------------------------------------------------


def test_a_geopackage_with_the_triggers_gdal_makes_is_read(tmp_path):
    table = read(tmp_path, "a.gpkg", gpkg())
    assert [(row.cells, row.point) for row in table.rows] == [(("驿站",), (116.45, 39.96))]


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:3857", "EPSG:32650", "EPSG:4547"])
def test_coordinates_of_other_systems_become_wgs84(crs, tmp_path):
    from pyproj import Transformer

    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(116.45, 39.96)
    data = written("GPKG", ".gpkg", struct.pack("<BI2d", 1, 1, x, y), crs=crs)[".gpkg"]
    table = read(tmp_path, "a.gpkg", data)
    assert table.rows[0].point == pytest.approx((116.45, 39.96), abs=1e-7)
    assert any("converted from" in note for note in table.notes) == (crs != "EPSG:4490")


def test_a_shapefile_is_read_in_the_encoding_its_cpg_names_or_shows(tmp_path):
    gbk = shp_parts()[".dbf"].replace("驿站".encode(), "驿站".encode("gbk") + b"  ")
    for name, data in (
        ("utf8.zip", shp()),
        ("gbk.zip", shp(dbf=gbk, cpg=b"GBK")),
        ("ansi.zip", shp(dbf=gbk, cpg=b"936")),
        ("bare.zip", shp((".cpg",), dbf=gbk)),
    ):
        assert read(tmp_path, name, data).rows[0].cells == ("驿站",), name


def test_a_shapefile_in_a_folder_with_a_chinese_name_is_read(tmp_path):
    parts = {f"数据/驿站{suffix}": part for suffix, part in shp_parts().items()}
    table = read(tmp_path, "a.zip", packed({**parts, "__MACOSX/._x": b"", "readme.txt": b"x"}))
    assert table.sheet == "驿站"
    assert table.rows[0].point == (116.45, 39.96)


def test_a_shapefile_without_prj_is_taken_for_degrees_and_that_is_told(tmp_path):
    table = read(tmp_path, "a.zip", shp((".prj",)))
    assert table.declared_datum == ""
    assert "not stated" in table.notes[0]


def test_an_area_comes_with_its_holes_and_in_wgs84(tmp_path):
    from pyproj import Transformer

    outer, inner = (
        [(116.0, 39.0), (117.0, 39.0), (117.0, 40.0), (116.0, 39.0)],
        [(116.5, 39.2), (116.6, 39.3), (116.5, 39.3), (116.5, 39.2)],
    )
    move = Transformer.from_crs(4326, 3857, always_xy=True)
    rings = [[move.transform(*one) for one in ring] for ring in (outer, inner)]
    wkb = struct.pack("<BII", 1, 3, 2) + b"".join(
        struct.pack("<I", 4) + b"".join(struct.pack("<2d", *one) for one in ring) for ring in rings
    )
    table = read(tmp_path, "a.gpkg", written("GPKG", ".gpkg", wkb, "Polygon", crs="EPSG:3857")[".gpkg"])
    area = table.rows[0].area
    assert area is not None
    for ring, wanted in zip(area["coordinates"], (outer, inner), strict=True):
        assert [tuple(one) for one in ring] == [pytest.approx(one, abs=1e-8) for one in wanted]


# --- Ovital -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "datum", "cells"),
    [
        ("g 驿站 116.45 39.96 热水 二", "gcj02", ("驿站", "116.45", "39.96", "热水 二")),
        ("b 驿站 116.45 39.96", "bd09", ("驿站", "116.45", "39.96", None)),
        ("驿站 116.45 39.96", "wgs84", ("驿站", "116.45", "39.96", None)),
        ("G\t116.45\t39.96\t香　站", "gcj02", ("香 站", "116.45", "39.96", None)),
        ("116°43'16.8618\" 34°42'29.0002\" a", "wgs84", ("a", "116°43'16.8618\"", "34°42'29.0002\"", None)),
    ],
)
def test_a_list_for_ovital_is_read_with_its_datum(line, datum, cells, tmp_path):
    table = read(tmp_path, "a.txt", f"{line}\r\n".encode())
    assert (table.format, table.declared_datum, table.rows[0].cells) == ("ovital", datum, cells)


def test_a_comma_separated_txt_is_no_list_for_ovital(tmp_path):
    assert read(tmp_path, "a.txt", TEXT.encode()).format == "csv"
