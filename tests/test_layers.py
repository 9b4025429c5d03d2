"""The place model, its rules, GeoJSON in and out, and merging."""

import json
import re
import time
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.layers import (
    CATALOGUE,
    FIELDS,
    ORDERS,
    Access,
    Area,
    Checked,
    Conflict,
    Layer,
    Listing,
    Place,
    Power,
    Provenance,
    Service,
    areas_of,
    catalogue_with,
    changed_fields,
    check_features,
    contested_fields,
    dump_layer,
    edits_between,
    feature_from_json,
    feature_to_json,
    is_active,
    merge_features,
    parse_layer,
    read_json,
)
from tests import drawn_places as drawn

QUICK = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
STATION = Place("st-1", "station", 116.45, 39.96, "香新驿站")
SQUARE = {
    "type": "Polygon",
    "coordinates": (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)),),
}


def point(key="st-1", position=(116.45, 39.96), **properties):
    geometry = {"type": "Point", "coordinates": list(position)}
    return {
        "type": "Feature",
        "id": key,
        "geometry": geometry,
        "properties": {"name": "驿站", **properties},
    }


def polygon(*rings, kind="Polygon"):
    geometry = {"type": kind, "coordinates": list(rings)}
    return {"type": "Feature", "id": "b-1", "geometry": geometry, "properties": {"name": "街区"}}


def collection(*features, **members):
    return json.dumps({"type": "FeatureCollection", "features": list(features), **members}).encode()


def refusal(data, layer="station", **options):
    with pytest.raises(InvalidInputError) as caught:
        parse_layer(data, layer, **options)
    assert "\n" not in caught.value.message
    json.dumps(dict(caught.value.facts), allow_nan=False)  # the machine gets the same as JSON
    return caught.value


def faults(data, layer="station", **options):
    errors = refusal(data, layer, **options).facts["errors"]
    return [(error["feature"], error["field"]) for error in errors]


# --- round trips ---------------------------------------------------------------------------------


@pytest.mark.slow
@given(st.lists(drawn.places(layers=("station",)), max_size=4, unique_by=lambda place: place.id))
@QUICK
def test_export_import_export_of_random_places_is_byte_equal(places):
    layer = Layer("station", tuple(places))
    data = dump_layer(layer)
    assert dump_layer(parse_layer(data, "station")) == data


@given(drawn.places())
@QUICK
def test_a_random_place_survives_json_unchanged(place):
    assert feature_from_json(json.loads(json.dumps(feature_to_json(place))), place.layer) == place


@given(st.lists(drawn.areas(), max_size=3, unique_by=lambda area: area.id))
@QUICK
def test_export_import_export_of_random_areas_is_byte_equal(areas):
    layer = Layer("block", tuple(areas))
    data = dump_layer(layer)
    assert parse_layer(data, "block") == layer
    assert dump_layer(parse_layer(data, "block")) == data


@given(st.permutations([replace(STATION, id=f"st-{n}") for n in range(5)]))
@QUICK
def test_the_order_of_features_does_not_show_in_the_file(places):
    assert dump_layer(Layer("station", tuple(places))) == dump_layer(
        Layer("station", tuple(sorted(places, key=lambda p: p.id)))
    )


def test_one_edited_field_is_one_changed_line():
    before = replace(STATION, seats=4, services=(Service("rest"), Service("hot_water", hours="24/7")))
    after = replace(before, services=(Service("rest"), Service("hot_water", hours="Mo-Fr 08:00-20:00")))
    one, other = (dump_layer(Layer("station", (place,))).splitlines() for place in (before, after))
    assert len(one) == len(other)
    assert sum(a != b for a, b in zip(one, other, strict=True)) == 1


def test_coordinates_have_at_most_seven_decimals_and_no_exponent():
    layer = Layer("station", (replace(STATION, lon=116.123456789, lat=0.0000001),))
    assert b"[116.1234568, 0.0000001]" in dump_layer(layer)


def test_negative_zero_is_written_as_zero():
    assert b"[0, 0]" in dump_layer(Layer("station", (replace(STATION, lon=-0.0, lat=-1e-9),)))


def test_chinese_is_written_as_it_reads_and_the_file_ends_in_a_newline():
    data = dump_layer(Layer("station", (STATION,)))
    assert "香新驿站".encode() in data
    assert data.endswith(b"}\n")


def test_a_file_of_synthetic_features_says_that_all_are():
    made_up = replace(STATION, provenance=Provenance("synthetic", "CC0-1.0"))
    written = json.loads(dump_layer(Layer("station", (made_up,))))
    assert written["synthetic"] is True
    assert "全部" in written["notice"]


def test_a_file_with_some_synthetic_features_says_which():
    made_up = replace(STATION, id="st-2", provenance=Provenance("synthetic", "CC0-1.0"))
    written = json.loads(dump_layer(Layer("station", (STATION, made_up))))
    assert written["synthetic"] is True
    assert "部分" in written["notice"]


def test_a_file_of_real_features_carries_no_notice():
    written = json.loads(dump_layer(Layer("station", (STATION,))))
    assert written.keys() == {"type", "name", "features"}


def test_nulls_as_desktop_programs_write_them_are_absent_fields():
    layer = parse_layer(collection(point(hours=None, services=None)), "station")
    assert layer.features[0] == replace(STATION, name="驿站")


def test_a_byte_order_mark_is_passed_over():
    assert parse_layer(b"\xef\xbb\xbf" + collection(point()), "station").features


def test_whole_numbers_written_as_decimals_are_whole():
    assert parse_layer(collection(point(seats=12.0)), "station").features[0].seats == 12


def test_the_crs_member_of_older_writers_is_accepted_for_wgs84():
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert parse_layer(collection(point(), crs=crs), "station").features


# --- refusals of positions -------------------------------------------------------------------------


def test_swapped_coordinates_are_refused_with_the_remedy():
    error = refusal(collection(point(position=(39.96, 116.45))))
    assert "were lon and lat swapped?" in error.message


def test_a_swap_that_stays_valid_is_noticed_by_the_district():
    bbox = (70.0, 10.0, 71.0, 11.0)
    error = refusal(collection(point(position=(10.5, 70.5))), bbox=bbox)
    assert "were lon and lat swapped?" in error.message


def test_a_place_in_another_city_is_refused_without_guessing():
    error = refusal(collection(point(position=(121.5, 31.2))), bbox=(116.4, 39.9, 116.5, 40.0))
    assert "must lie in or near the district" in error.message
    assert "swapped" not in error.message


def test_a_place_just_outside_of_the_district_is_accepted():
    assert parse_layer(
        collection(point(position=(116.55, 39.96))), "station", bbox=(116.4, 39.9, 116.5, 40.0)
    ).features


@pytest.mark.parametrize(
    "position",
    [
        [116.45],
        [116.45, 39.96, 12],
        ["116.45", "39.96"],
        [True, False],
        [None, None],
        116.45,
        {},
        [181, 10],
        [10, 91],
        [10**20, 10],
    ],
)
def test_a_position_that_is_none_is_refused(position):
    feature = point()
    feature["geometry"]["coordinates"] = position
    assert faults(collection(feature)) == [("st-1", "geometry.coordinates")]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 500])
def test_what_is_no_finite_number_is_refused(text):
    data = collection(point()).replace(b"116.45", text.encode())
    assert refusal(data).message


# --- refusals of fields ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "长" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"colour": "red"}, "colour"),
        ({"hours": "Mo-Fr 8-18"}, "hours"),
        ({"hours": "每天"}, "hours"),
        ({"class": "grand"}, "class"),
        ({"seats": -1}, "seats"),
        ({"seats": 1.5}, "seats"),
        ({"seats": True}, "seats"),
        ({"seats": "12"}, "seats"),
        ({"seats": 2**70}, "seats"),
        ({"area_m2": -0.5}, "area_m2"),
        ({"phone": "call me"}, "phone"),
        ({"arrival": [39.96, 116.45]}, "arrival"),
        ({"ebike_parking": "yes"}, "ebike_parking"),
        ({"services": {"kind": "rest"}}, "services"),
        ({"services": [{"kind": "massage"}]}, "services[0].kind"),
        ({"services": [{"hours": "24/7"}]}, "services[0].kind"),
        ({"services": [{"kind": "rest", "hours": "noon"}]}, "services[0].hours"),
        ({"services": [{"kind": "rest", "valid_from": "2026-02-30"}]}, "services[0].valid_from"),
        ({"services": [{"kind": "rest", "valid_from": "20260101"}]}, "services[0].valid_from"),
        (
            {"services": [{"kind": "rest", "valid_from": "2026-02-01", "valid_until": "2026-01-01"}]},
            "services[0].valid_until",
        ),
        ({"services": [{"kind": "rest"}] * 101}, "services"),
        ({"access": [{"method": "key"}]}, "access[0].method"),
        ({"power": {"slots": 4}}, "power"),
        ({"photos": ["../secret"]}, "photos[0]"),
        ({"photos": ["https://example.org/a.jpg"]}, "photos[0]"),
        ({"open_to": ["Food Rider"]}, "open_to[0]"),
        ({"external_ids": {"osm": "12"}}, "external_ids.osm"),
        ({"external_ids": {"yelp": "12"}}, "external_ids.yelp"),
        ({"inspection": {"body": "街道", "date": "2026-01-01"}}, "inspection.result"),
        ({"listing": [{"vendor": "amap"}]}, "listing[0].status"),
        ({"status": "open"}, "status"),
        ({"status_from": "2026-02-01", "status_until": "2026-01-01"}, "status_until"),
        ({"provenance": "OSM"}, "provenance"),
        ({"provenance": {"checked": {"weather": {"on": "2026-01-01", "role": "desk"}}}}, "provenance.checked.weather"),
        ({"provenance": {"checked": {"hours": {"on": "2026-01-01"}}}}, "provenance.checked.hours.role"),
    ],
)  # fmt: skip
def test_a_value_that_breaks_its_rule_is_named_by_feature_and_field(properties, field):
    assert ("st-1", field) in faults(collection(point(**properties)))


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_refuses_a_value_of_an_impossible_kind(name):
    key = next(key for key, category in CATALOGUE.items() if name in category.fields)
    feature = (
        polygon(*[list(map(list, ring)) for ring in SQUARE["coordinates"]])
        if CATALOGUE[key].is_area
        else point()
    )
    feature["properties"][name] = {"a": [{}]} if name == "name" else [[[]]]
    assert any(field.startswith(name) for _, field in faults(collection(feature), key))


@pytest.mark.parametrize(
    "note",
    [
        "密码 1234",
        "门禁码：204578#",
        "密码是１２３４５６",
        "code: 4711",
        "Door code 47-11",
        "PIN 0000",
        "按 2468# 进门",
        "#13579",
        "口令一二三四",
        "密码为 8 8 6 6",
    ],
)
def test_a_door_code_in_a_note_is_refused_and_not_repeated(note):
    error = refusal(collection(point(access=[{"method": "code", "note": note}])))
    assert error.facts["errors"][0]["field"] == "access[0].note"
    code = max(re.split(r"[^0-9０-９一二三四 -]", note), key=len).strip()
    assert code not in json.dumps(dict(error.facts), ensure_ascii=False) + error.message


@pytest.mark.parametrize(
    "note",
    [
        "密码每月更换，问店员",
        "密码锁 22:00-08:00",
        "忘记密码请致电 010-64001234",
        "扫码进门",
        "二维码在门右侧",
        "密码锁 2026-11-21 起停用",
        "门卫 24 小时",
        "postcode 100028",
        "Shopping mall 2020",
    ],
)
def test_an_honest_note_about_access_is_accepted(note):
    layer = parse_layer(collection(point(access=[{"method": "code", "note": note}])), "station")
    assert layer.features[0].access == (Access("code", None, note),)


def test_a_door_code_in_a_field_nobody_asked_for_is_not_repeated():
    error = refusal(collection(point(door_code="4711")))
    assert "4711" not in error.message + json.dumps(dict(error.facts))


# --- refusals of files -----------------------------------------------------------------------------


def test_all_faults_of_a_file_are_told_at_once_and_the_rest_counted():
    error = refusal(
        collection(point("a", seats=-1), point("b", hours="x", class_="y")), path="station.geojson"
    )
    assert [(e["feature"], e["field"]) for e in error.facts["errors"]] == [
        ("a", "seats"), ("b", "hours"), ("b", "class_"),
    ]  # fmt: skip
    assert error.message.startswith("station.geojson: feature 'a': seats=-1: must be a whole number")
    assert error.message.endswith("and 2 more faults")


def test_of_very_many_faults_a_hundred_are_listed_and_all_counted():
    error = refusal(collection(*(point(f"p{n}", seats=-1) for n in range(250))))
    assert len(error.facts["errors"]) == 100
    assert error.facts["error_count"] == 250


def test_an_id_that_stands_twice_is_refused():
    assert faults(collection(point("a"), point("a"))) == [("a", "id")]


@pytest.mark.parametrize(
    "key", [None, 5, "", "a b", "-a", "驿站", "a" * 65, "a/b", "../a", "a\n", ["a"], "１"]
)
def test_an_id_out_of_pattern_is_refused(key):
    assert [field for _, field in faults(collection(point(key)))] == ["id"]


def test_a_key_that_stands_twice_is_refused_by_feature_and_field():
    data = collection(point()).replace(b'"name": ', b'"hours": "24/7", "hours": "24/7", "name": ')
    assert faults(data) == [("st-1", "properties.hours")]


def test_a_key_of_the_file_that_stands_twice_is_refused():
    data = collection(point(), name="station").replace(
        b'"name": "station"', b'"name": "a", "name": "station"'
    )
    assert faults(data) == [("station", "name")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 300 + b"]" * 300,
        "驿站".encode("gb18030"),
        b"\x00",
        b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": {}}',
        b'{"type": "FeatureCollection", "features": [], "name": []}',
        b'{"type": "FeatureCollection", "features": [], "crs": {"properties": []}}',
        b'{"type": "FeatureCollection", "features": [], "crs": {"properties": {"name": "EPSG:3857"}}}',
        b'{"type": "FeatureCollection", "features": [], "style": {}}',
        b'{"type": "FeatureCollection", "features": [], "name": "merchant"}',
        b'{"type": "FeatureCollection", "features": [null, 5, [], {}, {"type": "Feature"}]}',
    ],
)
def test_a_file_that_is_no_layer_is_refused_in_one_line(data):
    assert len(refusal(data).message) < 500


def test_a_file_that_is_not_utf8_names_the_byte_and_the_remedy():
    with pytest.raises(InvalidInputError, match=r"byte 1 \(0xd5\) is not UTF-8; convert it"):
        read_json('"驿"'.encode("gb18030").replace(b"\xe6", b"\xd5"), "file")


@pytest.mark.slow
def test_very_many_keys_that_stand_twice_are_told_in_time():
    data = collection(*(point(f"p{number}") for number in range(20_000)))
    data = data.replace(b'"name": ', b'"hours": "24/7", "hours": "24/7", "name": ')
    started = time.process_time()
    error = refusal(data)
    assert error.facts["error_count"] == 20_000
    assert time.process_time() - started < 20


def test_a_file_over_the_limit_is_refused_unread():
    with pytest.raises(InvalidInputError, match="at most 10 are read"):
        read_json(b" " * 11, "file", most_bytes=10)


def test_an_unknown_layer_is_not_found_and_the_known_ones_are_named():
    with pytest.raises(NotFoundError, match="known are station, merchant"):
        parse_layer(collection(), "stations")


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_random_bytes_are_refused_and_nothing_else_is_raised(data):
    with pytest.raises(InvalidInputError):
        parse_layer(data, "station")


keys = st.sampled_from(["kind", "on", "hours", "type", "coordinates", "x"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), json_values, max_size=5), json_values, json_values)
@settings(max_examples=100, deadline=None)
def test_random_json_is_loaded_or_refused_and_nothing_else_is_raised(properties, position, geometry):
    moved = point(**properties)
    moved["geometry"]["coordinates"] = position
    for obj, layer in (
        (point(**properties), "station"),
        (moved, "station"),
        (point() | {"geometry": geometry}, "block"),
    ):
        loaded = feature_or_none(obj, layer)
        assert loaded is None or feature_from_json(feature_to_json(loaded), layer) == loaded


def feature_or_none(obj, layer):
    try:
        return feature_from_json(obj, layer)
    except InvalidInputError:
        return None


def test_features_made_in_memory_are_held_to_the_same_rules():
    with pytest.raises(InvalidInputError) as caught:
        check_features([replace(STATION, lon=float("nan")), replace(STATION, id="st-2", seats=-1)])
    assert [error["field"] for error in caught.value.facts["errors"]] == ["geometry.coordinates", "seats"]


def test_an_extra_field_cannot_shadow_one_of_the_model():
    with pytest.raises(InvalidInputError, match="is a field of the place model"):
        check_features([replace(STATION, extra={"hours": "24/7"})])


# --- the catalogue -----------------------------------------------------------------------------------


def test_a_district_adds_a_layer_a_field_and_a_service():
    canteen = {
        "zh": "食堂",
        "en": "Canteen",
        "pin": "食",
        "colour": "#aa3300",
        "fields": ["cuisine", "seats"],
    }
    shoes = {"zh": "修鞋", "en": "Shoe repair"}
    catalogue = catalogue_with({"canteen": canteen}, {"shoe_repair": shoes})
    data = collection(point(cuisine="川菜", seats=4, services=[{"kind": "shoe_repair"}]))
    layer = parse_layer(data, "canteen", catalogue)
    assert layer.features[0].extra == {"cuisine": "川菜"}
    assert dump_layer(parse_layer(dump_layer(layer), "canteen", catalogue)) == dump_layer(layer)


def test_a_district_widens_a_layer_that_exists():
    catalogue = catalogue_with({"water": {"fields": ["flavour"]}})
    assert catalogue["water"].extra_fields == ("flavour",)
    assert catalogue["water"].zh == "饮水点"


def test_an_area_layer_of_a_district_keeps_extra_fields_that_places_know():
    catalogue = catalogue_with({"block": {"fields": ["address", "shops"]}})
    feature = polygon([[0, 0], [1, 0], [1, 1], [0, 0]])
    feature["properties"] |= {"address": "左家庄西街", "shops": 52}
    layer = parse_layer(collection(feature), "block", catalogue)
    assert layer.features[0].extra == {"address": "左家庄西街", "shops": 52}
    assert parse_layer(dump_layer(layer), "block", catalogue) == layer


@pytest.mark.parametrize(
    ("categories", "services"),
    [
        ([], {}),
        ({"Canteen": {}}, {}),
        ({"canteen": "食堂"}, {}),
        ({"canteen": {"zh": "食堂"}}, {}),
        ({"canteen": {"zh": "食", "en": "C", "pin": "食堂", "colour": "#aa3300"}}, {}),
        ({"canteen": {"zh": "食", "en": "C", "pin": "食", "colour": "red"}}, {}),
        ({"canteen": {"zh": "食", "en": "C", "pin": "食", "colour": "#aa3300", "fields": ["a b"]}}, {}),
        ({"station": {"is_area": True}}, {}),
        ({"station": {"icon": "x"}}, {}),
        ({}, {"x": {"zh": "修鞋"}}),
        ({}, {"修鞋": {"zh": "修鞋", "en": "Shoes"}}),
    ],
)
def test_a_catalogue_that_breaks_a_rule_is_refused(categories, services):
    with pytest.raises(InvalidInputError, match="catalogue: "):
        catalogue_with(categories, services)


def test_every_pin_is_one_character_and_no_two_point_layers_share_it():
    pins = [category.pin for category in CATALOGUE.values() if not category.is_area]
    assert all(len(pin) == 1 for pin in pins)
    assert len(set(pins)) == len(pins)


# --- areas -------------------------------------------------------------------------------------------


def test_rings_are_turned_by_the_right_hand_rule():
    clockwise = [[0, 0], [0, 4], [4, 4], [4, 0], [0, 0]]
    hole = [[1, 1], [2, 1], [2, 2], [1, 1]]
    layer = parse_layer(collection(polygon(clockwise, hole)), "block")
    assert layer.features[0].geometry["coordinates"] == (
        ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (0.0, 0.0)),
        ((1.0, 1.0), (2.0, 2.0), (2.0, 1.0), (1.0, 1.0)),
    )


@pytest.mark.parametrize(
    ("rings", "said"),
    [
        ([[[0, 0], [1, 0], [1, 1], [0, 1]]], "not closed"),
        ([[[0, 0], [1, 0], [0, 0]]], "at least four positions"),
        ([[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]], "must not cross"),
        ([[[0, 0], [1, 0], [2, 0], [0, 0]]], "must"),
        ([[[0, 0], [1, 0], [1, 1e-9], [0, 0]]], "must"),
        ([[[39, 116], [40, 116], [40, 117], [39, 116]]], "swapped"),
        ([], "closed rings"),
        ([[]], "closed rings"),
        ([5], "closed rings"),
        ([[[0, 0], [4, 0], [4, 4], [0, 0]], [[8, 8], [9, 8], [9, 9], [8, 8]]], "must not cross"),
    ],
)
def test_a_broken_polygon_is_refused_with_the_reason(rings, said):
    assert said in refusal(collection(polygon(*rings)), "block").message


def test_a_point_in_an_area_layer_is_refused():
    assert faults(collection(point()), "block") == [("st-1", "geometry")]


def test_a_place_belongs_to_the_areas_it_lies_in_or_on_the_edge_of():
    wide = Area("a", "block", "东街", SQUARE)
    tight = Area(
        "b",
        "grid",
        "格",
        {
            "type": "MultiPolygon",
            "coordinates": ((((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4)),),),
        },
    )
    places = [
        replace(STATION, lon=lon, lat=lat) for lon, lat in ((0.5, 0.5), (0.1, 0.1), (1.0, 0.5), (2.0, 2.0))
    ]
    assert areas_of(places, [wide, tight]) == ((wide, tight), (wide,), (wide,), ())


def test_without_places_or_areas_nothing_belongs_to_anything():
    assert areas_of([], [Area("a", "block", "东街", SQUARE)]) == ()
    assert areas_of([STATION], []) == ((),)


# --- values --------------------------------------------------------------------------------------------


def test_routes_aim_at_the_entrance_where_one_is_known():
    assert STATION.target == (116.45, 39.96)
    assert replace(STATION, arrival=(116.451, 39.961)).target == (116.451, 39.961)


@pytest.mark.parametrize(
    ("status", "day", "expected"),
    [
        ("active", 1, False), ("active", 2, True), ("active", 4, True), ("active", 5, False),
        ("paused", 1, True), ("paused", 2, False), ("paused", 4, False), ("paused", 5, True),
        ("removed", 3, False), ("removed", 1, False),
    ],
)  # fmt: skip
def test_a_status_holds_within_its_dates(status, day, expected):
    place = replace(STATION, status=status, status_from=date(2026, 1, 2), status_until=date(2026, 1, 4))
    assert is_active(place, date(2026, 1, day)) is expected


def test_a_service_is_offered_within_its_validity():
    service = Service("discount", valid_from=date(2026, 1, 2))
    assert [service.is_offered(date(2026, 1, day)) for day in (1, 2, 3)] == [False, True, True]


def test_a_check_date_is_found_by_kind_of_fact():
    provenance = Provenance("desk", "", {"hours": Checked(date(2026, 1, 1), "desk")})
    assert provenance.checked_on("hours") == date(2026, 1, 1)
    assert provenance.checked_on("access") is None


# --- changes and merges ------------------------------------------------------------------------------------


@pytest.mark.slow
@given(drawn.versions_of_one_place())
@QUICK
def test_merging_with_an_unchanged_side_gives_the_changed_one(states):
    base, other, _ = states
    assert merge_features(base, other, base) == (other, ())
    assert merge_features(base, base, other) == (other, ())
    assert merge_features(base, other, other) == (other, ())


@pytest.mark.slow
@given(drawn.versions_of_one_place())
@QUICK
def test_every_field_changed_on_one_side_alone_survives_the_merge(states):
    base, ours, theirs = states
    merged, conflicts = merge_features(base, ours, theirs)
    mine, other = set(changed_fields(base, ours)), set(changed_fields(base, theirs))
    # Of what both sides list there is one order; the second of a kind is counted anew when the first goes.
    excused = ORDERS | {name for name in mine | other if "#" in name}
    assert not (mine - other - excused) & set(changed_fields(merged, ours))
    assert not (other - mine - excused) & set(changed_fields(merged, theirs))
    assert {conflict.field for conflict in conflicts} <= mine & other


@pytest.mark.slow
@given(drawn.versions_of_one_place())
@QUICK
def test_what_is_merged_from_valid_states_is_valid(states):
    merged, _ = merge_features(*states)
    check_features([merged])


@pytest.mark.slow
@given(drawn.versions_of_one_place(count=2))
@QUICK
def test_no_field_is_called_changed_exactly_when_the_files_are_equal(states):
    one, other = states
    written = [dump_layer(Layer("station", (state,))) for state in states]
    assert (changed_fields(one, other) == ()) == (written[0] == written[1])


def test_a_moved_pin_and_a_new_phone_number_are_no_conflict():
    merged, conflicts = merge_features(
        STATION, replace(STATION, lon=116.46), replace(STATION, phone="010-64001234")
    )
    assert (merged.lon, merged.phone, conflicts) == (116.46, "010-64001234", ())


def test_two_kinds_of_service_merge_by_kind():
    base = replace(STATION, services=(Service("rest"), Service("hot_water")))
    ours = replace(base, services=(Service("rest", hours="24/7"), Service("hot_water")))
    theirs = replace(base, services=(Service("rest"), Service("microwave")))
    merged, conflicts = merge_features(base, ours, theirs)
    assert merged.services == (Service("rest", hours="24/7"), Service("microwave"))
    assert conflicts == ()


def test_two_services_of_one_kind_are_told_apart():
    base = replace(STATION, services=(Service("discount", price="9折"), Service("discount", price="8折")))
    ours = replace(base, services=(base.services[0], Service("discount", price="7折")))
    theirs = replace(base, services=(Service("discount", price="6折"), base.services[1]))
    merged, conflicts = merge_features(base, ours, theirs)
    assert [service.price for service in merged.services] == ["6折", "7折"]
    assert conflicts == ()


def test_one_service_changed_twice_is_a_conflict_and_ours_stands():
    base = replace(STATION, services=(Service("rest"),))
    ours, theirs = (replace(base, services=(Service("rest", hours=text),)) for text in drawn.HOURS[:2])
    merged, conflicts = merge_features(base, ours, theirs)
    assert merged == ours
    assert conflicts == (Conflict("services.rest", ours.services[0], theirs.services[0]),)


def test_ways_in_photos_and_who_may_come_merge_one_by_one():
    base = replace(STATION, access=(Access("staff"),), photos=("a.jpg",), open_to=("courier",))
    ours = replace(base, access=(Access("staff", hours="24/7"),), photos=("a.jpg", "b.jpg"), open_to=())
    theirs = replace(
        base,
        access=(Access("staff"), Access("code")),
        photos=("c.jpg",),
        open_to=("courier", "public"),
    )
    merged, conflicts = merge_features(base, ours, theirs)
    assert isinstance(merged, Place)
    assert merged.access == (Access("staff", hours="24/7"), Access("code"))
    assert (merged.photos, merged.open_to) == (("b.jpg", "c.jpg"), ("public",))
    assert conflicts == ()


def test_a_field_that_both_changed_alike_is_contested_and_two_check_dates_are_not():
    checked = {"hours": Checked(date(2026, 1, 5), "desk")}
    ours = replace(STATION, seats=4, phone="010-6400", provenance=Provenance(checked=checked))
    theirs = replace(
        STATION, seats=4, provenance=Provenance(checked={"hours": Checked(date(2026, 1, 6), "x")})
    )
    assert contested_fields(STATION, ours, theirs) == ("seats",)


def test_of_two_check_dates_the_later_counts_without_conflict():
    def checked(day, role):
        return replace(
            STATION, provenance=Provenance("desk", "", {"hours": Checked(date(2026, 1, day), role)})
        )

    merged, conflicts = merge_features(checked(1, "import"), checked(5, "desk"), checked(3, "rider"))
    assert merged.provenance.checked == {"hours": Checked(date(2026, 1, 5), "desk")}
    assert conflicts == ()


def test_check_dates_of_different_facts_both_survive():
    ours = replace(STATION, provenance=Provenance(checked={"hours": Checked(date(2026, 1, 5), "desk")}))
    theirs = replace(STATION, provenance=Provenance(checked={"access": Checked(date(2026, 1, 4), "rider")}))
    merged, _ = merge_features(STATION, ours, theirs)
    assert set(merged.provenance.checked) == {"hours", "access"}


def test_a_status_changes_with_its_reason_as_one():
    paused = replace(STATION, status="paused", status_reason="装修")
    seasonal = replace(STATION, status_until=date(2026, 9, 1))
    merged, conflicts = merge_features(STATION, paused, seasonal)
    assert merged == paused
    assert [conflict.field for conflict in conflicts] == ["status"]


def test_foreign_ids_power_and_listings_merge_by_member():
    base = Place(
        "sw-1",
        "swap",
        116.45,
        39.96,
        "换电站",
        power=Power("甲", slots=4),
        listing=(Listing("amap", "missing"),),
    )
    ours = replace(base, power=Power("甲", slots=8), external_ids={"osm": "node/1"})
    theirs = replace(
        base,
        power=Power("乙", slots=4),
        external_ids={"baidu_uid": "b1"},
        listing=(Listing("amap", "listed"),),
    )
    merged, conflicts = merge_features(base, ours, theirs)
    assert (merged.power, merged.listing) == (Power("乙", slots=8), (Listing("amap", "listed"),))
    assert merged.external_ids == {"osm": "node/1", "baidu_uid": "b1"}
    assert conflicts == ()


def test_yes_and_one_parking_space_are_not_the_same_fact():
    assert changed_fields(replace(STATION, ebike_parking=True), replace(STATION, ebike_parking=1)) == (
        "ebike_parking",
    )


def test_both_sides_adding_one_feature_conflict_only_where_they_differ():
    _, conflicts = merge_features(None, replace(STATION, seats=4), replace(STATION, seats=5))
    assert [conflict.field for conflict in conflicts] == ["seats"]


def test_two_different_features_are_not_merged():
    with pytest.raises(InvalidInputError, match="are not one feature"):
        merge_features(STATION, STATION, replace(STATION, id="st-2"))


def test_the_edits_between_two_layers_turn_one_into_the_other():
    kept, changed, gone, added = (replace(STATION, id=f"st-{n}") for n in range(4))
    old = Layer("station", (kept, changed, gone), version=7)
    new = Layer("station", (kept, replace(changed, seats=4), added))
    edits = edits_between(old, new)
    assert [(e.id, e.base_version, e.before is None, e.after is None) for e in edits] == [
        ("st-1", 7, False, False), ("st-2", 7, False, True), ("st-3", 7, True, False),
    ]  # fmt: skip


# --- the guide -----------------------------------------------------------------------------------------------


GUIDE = (Path(__file__).resolve().parents[1] / "docs" / "guide" / "layers.md").read_text(encoding="utf-8")


def test_the_example_of_the_guide_is_a_station_in_its_canonical_form():
    example = re.search(r"```json\n(.+?)```", GUIDE, re.DOTALL).group(1)
    place = feature_from_json(json.loads(example), "station")
    assert example.encode() in dump_layer(Layer("station", (place,)))


def test_the_guide_has_every_field_and_every_layer():
    assert {name for name in (*FIELDS, *CATALOGUE) if f"`{name}`" not in GUIDE} == set()


def test_the_catalogue_of_the_guide_can_be_added():
    example = re.search(r"```toml\n(.+?)```", GUIDE, re.DOTALL).group(1)
    assert "canteen" in catalogue_with(tomllib.loads(example)["categories"])
