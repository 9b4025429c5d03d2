"""Places as flat cells and back: nothing is lost, and what people type is read."""

import json

import pytest
from hypothesis import given

from geo_service.errors import InvalidInputError
from geo_service.exchange.cells import BY_KEY, COLUMNS, cells_of, columns_for, feature_of, rows_of
from geo_service.layers import (
    CATALOGUE,
    FIELDS,
    Layer,
    Place,
    catalogue_with,
    feature_from_json,
    feature_to_json,
)
from geo_service.paper.formulas import STARTS, decode_codes, encode_codes, escape_cell, unescape_cell
from tests.drawn_places import areas, places

CANTEEN = {"zh": "食堂", "en": "Canteen", "pin": "食", "colour": "#aa3300", "fields": ["cuisine", "source"]}
WIDER = catalogue_with({"canteen": CANTEEN})


def back(cells, layer, catalogue=CATALOGUE):
    """The Feature the cells say, through the check every reader applies."""
    return feature_to_json(feature_from_json(feature_of(cells, layer, catalogue), layer, catalogue))


@given(places(layers=("station", "merchant", "swap")))
def test_a_place_comes_back_from_its_cells(place):
    assert back(cells_of(place), place.layer) == feature_to_json(place)


@given(areas())
def test_an_area_comes_back_from_its_cells(area):
    assert back(cells_of(area), area.layer) == feature_to_json(area)


@pytest.mark.parametrize(
    "value",
    [
        "川菜",
        "12",
        "true",
        '"quoted"',
        "[1]",
        "=1",
        "-",
        "1e999",
        '["a"]',
        12,
        1.5,
        2.0,
        True,
        ("a, b", 'c"d'),
    ],
)
def test_a_field_of_the_district_keeps_its_type(value):
    place = Place("c1", "canteen", 116.4, 39.9, "食堂", extra={"cuisine": value, "source": "x"})
    cells = cells_of(place)
    found = back(cells, "canteen", WIDER)["properties"]["cuisine"]
    wanted = feature_to_json(place)["properties"]["cuisine"]
    assert json.dumps(found) == json.dumps(wanted)


def test_every_field_of_the_model_has_a_column():
    assert {column.path[0] for column in COLUMNS if column.path} | {"arrival"} == set(FIELDS)


def test_the_columns_of_a_layer_are_those_its_category_has():
    keys = [column.key for column in columns_for([Layer("canteen")], WIDER)]
    assert "services" in keys
    assert "extra_cuisine" in keys
    assert not {"class", "power_plan", "geometry_wkt"} & set(keys)
    assert "lon_wgs84" not in [column.key for column in columns_for([Layer("block")], CATALOGUE)]


def test_headings_name_both_datums_in_chinese_and_english():
    assert BY_KEY["lon_wgs84"].heading == "经度_WGS84/lon_wgs84"
    assert BY_KEY["lat_gcj02"].heading == "纬度_GCJ02/lat_gcj02"


def test_gcj02_columns_are_ignored_where_wgs84_ones_are_filled():
    cells = cells_of(Place("w1", "water", 116.442, 39.957, "水")) | {"lon_gcj02": "1", "lat_gcj02": "1"}
    assert feature_of(cells, "water", CATALOGUE)["geometry"]["coordinates"] == [116.442, 39.957]


def test_gcj02_columns_alone_are_converted():
    cells = {"id": "w1", "name": "水", "lon_gcj02": "116.44820328", "lat_gcj02": "39.95837150"}
    assert back(cells, "water")["geometry"]["coordinates"] == [116.442, 39.957]


def test_lists_are_read_as_people_type_them():
    cells = {"id": "s", "name": "驿站", "lon_wgs84": "116.4", "lat_wgs84": "39.9", "ebike_parking": "是"}
    cells |= {"services": "热水、rest；microwave hours=24/7", "open_to": "rider, courier"}
    properties = back(cells, "station")["properties"]
    assert [service["kind"] for service in properties["services"]] == ["hot_water", "rest", "microwave"]
    assert properties["open_to"] == ["rider", "courier"]
    assert properties["ebike_parking"] is True


@pytest.mark.parametrize(
    ("key", "cell"),
    [("services", 'rest note="open'), ("open_to", "rider hours=24/7"), ("services", "=;"), ("checked", ";;")],
)
def test_a_list_without_form_is_refused_by_column(key, cell):
    cells = {"id": "s", "name": "驿站", "lon_wgs84": "116.4", "lat_wgs84": "39.9", key: cell}
    with pytest.raises(InvalidInputError, match=key) as refused:
        feature_of(cells, "station", CATALOGUE)
    assert refused.value.facts["parameter"] == key


def test_a_cell_of_the_wrong_type_is_left_to_the_check_which_names_it():
    cells = {"id": "s", "name": "驿站", "lon_wgs84": "116.4", "lat_wgs84": "39.9", "seats": "many"}
    with pytest.raises(InvalidInputError, match="seats"):
        back(cells, "station")


def test_a_row_without_a_position_is_refused():
    with pytest.raises(InvalidInputError, match="lon_wgs84"):
        feature_of({"id": "s", "name": "驿站"}, "station", CATALOGUE)


@pytest.mark.parametrize(
    "wkt", ["", "POINT (1 2)", "POLYGON EMPTY", "POLYGON ((", "POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))"]
)
def test_an_outline_that_is_none_is_refused(wkt):
    with pytest.raises(InvalidInputError, match="geometry_wkt"):
        feature_of({"id": "b", "name": "街", "geometry_wkt": wkt}, "block", CATALOGUE)


@pytest.mark.parametrize("start", [*STARTS, "'"])
def test_a_cell_that_starts_like_a_formula_comes_back_unescaped(start):
    for text in (start, f"{start}1+1", f"{start}{start}x"):
        assert escape_cell(text) == "'" + text
        assert unescape_cell(escape_cell(text)) == text


@pytest.mark.parametrize("text", ["", "24/7", "驿站", " =1", "a=b", "12"])
def test_other_cells_are_not_touched(text):
    assert escape_cell(text) == text == unescape_cell(text)


@pytest.mark.parametrize(
    "text", [" leading", "trailing ", "\u3000x", '"', '""', '"quoted"', '" both "', '"\\" x"']
)
def test_blanks_at_the_ends_and_quotes_survive_readers_that_trim(text):
    cells = {key: cell.strip() for key, cell in cells_of(Place("w1", "water", 116.4, 39.9, text)).items()}
    assert back(cells, "water")["properties"]["name"] == text


@pytest.mark.parametrize("text", ['"好再来"', '"好', '"a" b "c"'])
def test_quotes_of_other_people_stay(text):
    cells = {"id": "w1", "name": text, "lon_wgs84": "116.4", "lat_wgs84": "39.9"}
    assert back(cells, "water")["properties"]["name"] == text


@pytest.mark.parametrize("text", ["_x0041_", "_x005F_", "a_x000A_b", "_x005f_x0041_", "_xZZZZ_", "plain"])
def test_what_looks_like_the_code_of_a_character_comes_back(text):
    assert decode_codes(encode_codes(text)) == text


def test_half_a_character_stays_a_code():
    assert decode_codes("_xD83D_") == "_xD83D_"


def test_rows_of_nothing_are_no_rows():
    assert rows_of([]) == []
