"""Columns guessed, words understood, rows planned against what stands there; and once from file to store."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from geo_service.errors import InvalidInputError
from geo_service.exchange.confined.rows import Row
from geo_service.exchange.intake import (
    ColumnMapping,
    Table,
    fingerprint_of,
    guess_mapping,
    hours_from_words,
    parse_degrees,
    parse_pair,
    place_by_hand,
    plan_import,
    points_of,
    read_table,
    role_of,
    services_from_words,
    source_of,
)
from geo_service.exchange.outgoing import export_places
from geo_service.geo import BBox, convert_datum
from geo_service.layers import CATALOGUE, Checked, Layer, Place, Service, parse_layer
from geo_service.store.sqlite import open_sqlite

ON = date(2026, 11, 21)
BOX = BBox(116.42, 39.94, 116.46, 39.975)


def table(*rows, columns=("名称", "经度", "纬度"), name="香河园驿站_2026.csv", **about) -> Table:
    made = tuple(Row(f"row {number}", tuple(cells)) for number, cells in enumerate(rows, 2))
    return Table(name, about.pop("format", "csv"), tuple(columns), made, **about)


def plan(source: Table, layer="station", present=(), mapping=None, **options):
    options = {"datum": "wgs84", "on": ON, "bbox": BOX} | options
    mapping = mapping or guess_mapping(source, layer, CATALOGUE, bbox=options["bbox"])
    return plan_import(source, mapping, layer, Layer(layer, tuple(present), 7), CATALOGUE, **options)


def fields_of(source: Table, layer="station") -> dict[str, str]:
    return {guess.column: guess.field for guess in guess_mapping(source, layer, CATALOGUE).columns}


# --- words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("24小时", "24/7"),
        ("全天24小时开放", "24/7"),
        ("7*24小时", "24/7"),
        ("全天候", "24/7"),
        ("周一至周五 9:00-18:00", "Mo-Fr 09:00-18:00"),
        ("8:30—17:30（周末休息）", "08:30-17:30; Sa,Su off"),
        ("８：３０～１７：３０", "08:30-17:30"),
        ("每天8点到20点", "08:00-20:00"),
        ("上午9点半至下午5点", "09:30-17:00"),
        ("上午9:00-12:00 下午1:00-5:00", "09:00-12:00,13:00-17:00"),
        ("9:00-12:00，14:00-18:00", "09:00-12:00,14:00-18:00"),
        ("周一到周五：8:30~17:30；周六、周日：9:00~16:00", "Mo-Fr 08:30-17:30; Sa,Su 09:00-16:00"),
        ("周一、三、五 9:00-17:00", "Mo,We,Fr 09:00-17:00"),
        ("工作日 8:30-17:30 法定节假日休息", "Mo-Fr 08:30-17:30; PH off"),
        ("工作日9:00-18:00，周末全天", "Mo-Fr 09:00-18:00; Sa,Su 00:00-24:00"),
        ("22:00-次日6:00", "22:00-06:00"),
        ("18:00-2:00", "18:00-02:00"),
        ("Mo-Fr 08:00-20:00; PH off", "Mo-Fr 08:00-20:00; PH off"),
        ("08:00-20:00", "08:00-20:00"),
    ],
)
def test_opening_hours_in_words_become_osm_text(text, hours):
    assert hours_from_words(text) == hours


@pytest.mark.parametrize(
    "text",
    ["9:00-5:00", "9-18", "视情况而定", "夏季8:00-18:00 冬季9:00-17:00", "9:00-12:00 2:00-5:00", "25:00-26:00",
     "周末休息", "周一至周五", "8:00-18:00左右", "8:00开门", "9:00-18:00，站长不在时关闭",
     "10:00-9:00", "不定时", "=1+1"],
)  # fmt: skip
def test_hours_that_can_mean_two_things_are_refused(text):
    with pytest.raises(InvalidInputError, match="without guessing"):
        hours_from_words(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("116.442", 116.442),
        ("１１６．４４２", 116.442),
        (" 116.442° ", 116.442),
        ("116°26′31.2″", 116.442),
        ("116度26分31.2秒", 116.442),
        ("116 26 31.2", 116.442),
        ("东经116.442度", 116.442),
        ("116.442E", 116.442),
        ("W 116.442", -116.442),
        ("39°57'07.2\"N", 39.952),
        ("-39.952", -39.952),
    ],
)
def test_degrees_are_read_as_people_write_them(text, value):
    found = parse_degrees(text)
    assert found is not None
    assert found.value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "nan",
        "inf",
        "1e3",
        "1_16",
        "116,44",
        "116°61′",
        "116°26′60″",
        "116.5°26′",
        "N39E",
        "--5",
        "N-5",
        "1234",
    ],
)
def test_what_is_no_degree_is_refused(text):
    assert parse_degrees(text) is None


@pytest.mark.parametrize(
    "text",
    ["116.442,39.952", "116.442，39.952", "(39.952 116.442)", "39.952 116.442", "N39.952 E116.442",
     "东经116.442北纬39.952", "经度:116.442,纬度:39.952",
     "39°57′07.2″N 116°26′31.2″E", "116°26′31.2″ 39°57′07.2″", "POINT(116.442 39.952)",
     "[116.442, 39.952]", "116.442;39.952", "北纬39°57′07.2″，东经116°26′31.2″"],
)  # fmt: skip
def test_both_coordinates_of_one_cell_are_read(text):
    pair = parse_pair(text)
    assert pair is not None
    assert (pair.lon, pair.lat) == pytest.approx((116.442, 39.952), abs=1e-9)


@pytest.mark.parametrize("text", ["", "116.442", "1,2,3", "a,b", "N39.9 N40.1", "示例街1号 2号楼"])
def test_what_is_no_pair_is_refused(text):
    assert parse_pair(text) is None


def test_services_are_found_and_what_is_left_is_named():
    kinds, unknown = services_from_words(
        "提供热水、微波炉；充电,空调 休息座椅/应急药箱、图书阅读、卫生间等、茶艺", CATALOGUE
    )
    assert kinds == (
        "hot_water", "microwave", "phone_charging", "air_conditioning", "rest", "first_aid", "reading", "toilet",
    )  # fmt: skip
    assert unknown == ("茶艺",)


# --- mapping ----------------------------------------------------------------------------


def test_chinese_headings_are_known():
    columns = {
        "序号": "", "站点名称": "name", "详细地址": "address", "联系电话": "phone", "经度": "lon", "纬度": "lat",
        "营业时间": "hours", "服务内容": "services", "站点类型": "host_type", "备注": "", "驿站编号": "station_code",
        "主管单位": "operator", "建筑面积（㎡）": "area_m2", "座位数": "seats", "负责人": "", "所属街道": "",
        "运营状态": "status", "高德POI": "amap_poiid",
    }  # fmt: skip
    cells = [
        "1",
        "驿站",
        "街1号",
        "010-6400",
        "116.45",
        "39.96",
        "24小时",
        "热水",
        "单位",
        "x",
        "S-1",
        "局",
        "5",
        "6",
        "张",
        "街",
        "正常",
        "B0",
    ]
    assert fields_of(table(cells, columns=columns)) == columns


def test_english_headings_are_known():
    columns = {
        "Name": "name",
        "Lng": "lon",
        "LAT": "lat",
        "Opening Hours": "hours",
        "Tel": "phone",
        "facilities": "services",
    }
    cells = ["a", "116.45", "39.96", "24/7", "010-6400", "rest"]
    assert fields_of(table(cells, columns=columns)) == columns


def test_a_column_says_yes_or_no_to_a_service():
    source = table(
        ["a", "116.45", "39.96", "有", "√"],
        ["b", "116.44", "39.96", "无", ""],
        columns=("名称", "经度", "纬度", "热水", "微波炉"),
    )
    assert fields_of(source)["热水"] == "service:hot_water"
    places = [one.feature for one in plan(source).added]
    assert [[service.kind for service in place.services] for place in places] == [
        ["hot_water", "microwave"],
        [],
    ]


def test_unknown_headings_are_guessed_by_their_cells():
    rows = [[f"站{n}", f"116.4{n},39.9{n}", "周一至周五 9:00-18:00", "13800000000"] for n in range(1, 6)]
    guessed = guess_mapping(table(*rows, columns=("名称", "甲", "乙", "丙")), "station", CATALOGUE)
    assert [guess.field for guess in guessed.columns] == ["name", "lonlat", "hours", "phone"]
    assert all(0 < guess.confidence < 0.9 for guess in guessed.columns[1:])
    assert guessed.columns[1].reason == "the cells are pairs of coordinates"


def test_of_several_datums_the_columns_of_wgs84_are_taken():
    source = table(
        ["a", "116.45", "39.96", "116.44", "39.95"],
        columns=("名称", "经度_gcj02", "纬度_gcj02", "经度_wgs84", "纬度_wgs84"),
    )
    mapping = guess_mapping(source, "station", CATALOGUE)
    assert (mapping.datum, mapping.column_of("lon")) == ("wgs84", "经度_wgs84")


@pytest.mark.parametrize(
    ("heading", "datum"), [("高德经度", "gcj02"), ("百度经度", "bd09"), ("GPS经度", "wgs84"), ("经度", "")]
)
def test_the_datum_of_a_heading_is_told(heading, datum):
    columns = ("名称", heading, heading.replace("经度", "纬度"))
    assert (
        guess_mapping(table(["a", "116.45", "39.96"], columns=columns), "station", CATALOGUE).datum == datum
    )


def test_a_running_number_is_no_id():
    source = table(
        ["1", "a", "116.45", "39.96"], ["2", "b", "116.44", "39.96"], columns=("编号", "名称", "经度", "纬度")
    )
    assert fields_of(source)["编号"] == ""


def test_one_field_is_held_by_one_column_only():
    source = table(["a", "x", "116.45", "39.96"], columns=("名称", "站名", "经度", "纬度"))
    assert list(fields_of(source).values()) == ["name", "", "lon", "lat"]


def test_a_mapping_survives_json_and_a_choice_by_hand():
    mapping = guess_mapping(table(["a", "116.45", "39.96"]), "station", CATALOGUE)
    again = ColumnMapping.from_json(json.loads(json.dumps(mapping.to_json())))
    assert again == mapping
    changed = again.with_field("经度", "lat")
    assert [guess.field for guess in changed.columns] == ["name", "lat", ""]
    assert changed.columns[1].reason == "chosen by hand"


def test_a_broken_mapping_is_refused():
    with pytest.raises(InvalidInputError, match="another form"):
        ColumnMapping.from_json({"columns": [{"column": 1}]})


@pytest.mark.parametrize(
    ("field", "reason"), [("seats_of_honour", "no such field"), ("name", "another column too")]
)
def test_a_mapping_to_nonsense_is_refused(field, reason):
    source = table(["a", "x", "116.45", "39.96"], columns=("名称", "乙", "经度", "纬度"))
    mapping = guess_mapping(source, "station", CATALOGUE)
    columns = tuple(
        guess._replace(field=field) if guess.column == "乙" else guess for guess in mapping.columns
    )
    with pytest.raises(InvalidInputError, match=reason):
        plan(source, mapping=replace(mapping, columns=columns))


def test_next_months_file_is_the_same_source():
    one, other = table(name="香河园驿站_2026-11.xlsx"), table(name="香河园驿站_2026-12 (1).xlsx")
    assert source_of(one) == source_of(other) == "香河园驿站"
    assert fingerprint_of(one, "station") == fingerprint_of(other, "station")
    assert fingerprint_of(one, "station") != fingerprint_of(replace(other, columns=("名称",)), "station")


# --- swapped coordinates ----------------------------------------------------------------


def test_swapped_columns_are_offered_and_not_exchanged_in_silence():
    source = table(["a", "39.96", "116.45"], ["b", "39.95", "116.44"])
    mapping = guess_mapping(source, "station", CATALOGUE, bbox=BOX)
    assert not mapping.is_swapped
    assert mapping.swap_hint == "2 of 2 rows lie in the district only if lon and lat are exchanged"
    refused = plan(source, mapping=mapping).refused
    assert [(one.where, one.column) for one in refused] == [("row 2", "经度"), ("row 3", "经度")]
    assert refused[0].reason.endswith("were lon and lat swapped?")
    swapped = plan(source, mapping=replace(mapping, is_swapped=True))
    assert [(one.feature.lon, one.feature.lat) for one in swapped.added] == [(116.45, 39.96), (116.44, 39.95)]
    assert "lon and lat were exchanged" in swapped.warnings


# --- rows -------------------------------------------------------------------------------


def test_a_place_is_moved_out_of_its_datum():
    lon, lat = convert_datum([116.45, 39.96], "wgs84", "bd09").tolist()
    place = plan(table(["a", str(lon), str(lat)]), datum="bd09").added[0].feature
    assert (place.lon, place.lat) == pytest.approx((116.45, 39.96), abs=2e-7)


def test_new_places_say_where_they_come_from_and_when_they_were_checked():
    place = plan(table(["a", "116.45", "39.96"])).added[0].feature
    assert place.provenance.source == "香河园驿站"
    assert {kind: (one.on, one.role) for kind, one in place.provenance.checked.items()} == {
        "existence": (ON, "import"),
        "position": (ON, "import"),
    }


def test_hours_services_and_ways_in_of_a_new_place_count_as_checked_on_the_day_of_import():
    columns = ("名称", "经度", "纬度", "开放时间", "服务内容")
    place = plan(table(["a", "116.45", "39.96", "24小时", "热水"], columns=columns)).added[0].feature
    assert set(place.provenance.checked) == {"existence", "position", "hours", "services"}
    assert place.provenance.checked["services"] == Checked(ON, "import")


def test_ids_are_the_same_whatever_the_order_of_rows():
    rows = [["a", "116.45", "39.96"], ["b", "116.44", "39.95"]]
    one, other = plan(table(*rows)), plan(table(*rows[::-1]))
    assert {e.id for e in one.edits} == {e.id for e in other.edits}
    assert len({e.id for e in one.edits}) == 2


def test_every_bad_row_is_named_and_nothing_is_imported():
    source = table(
        ["a", "116.45", "39.96", "010-6400"], ["b", "116.4x", "39.96", ""],
        ["c", "10.0", "39.96", "?!"], ["d", "116.45", "", ""],
        columns=("名称", "经度", "纬度", "电话"),
    )  # fmt: skip
    done = plan(source)
    assert [(one.where, one.column, one.value) for one in done.refused] == [
        ("row 3", "经度", "116.4x"),
        ("row 4", "经度", "10.000000,39.960000"),
        ("row 4", "电话", "?!"),
        ("row 5", "", ""),
    ]
    with pytest.raises(
        InvalidInputError, match="bad rows: row 3, row 4, row 5; nothing was imported"
    ) as refusal:
        done.check()
    assert len(refusal.value.facts["errors"]) == 4
    assert [edit.after.name for edit in done.edits] == ["a"]  # what an import of the rest would take


def test_rows_without_coordinates_are_kept_aside():
    source = table(
        ["a", None, None, "街1号"], [None, None, None, "注：以上"], columns=("名称", "经度", "纬度", "地址")
    )
    done = plan(source)
    assert [(one.where, one.name, one.address) for one in done.unplaced] == [
        ("row 2", "a", "街1号"),
        ("row 3", "", "注：以上"),
    ]
    assert done.edits == ()
    done.check()


def test_a_note_without_name_and_position_is_refused():
    source = table(
        ["a", "116.45", "39.96", "x"], [None, None, None, "合计：1"], columns=("名称", "经度", "纬度", "备注")
    )
    assert [(one.where, one.reason[:36]) for one in plan(source).refused] == [
        ("row 3", "has neither a name nor a position; t")
    ]


def test_hours_nobody_can_read_stay_unknown_and_are_named():
    source = table(["a", "116.45", "39.96", "视情况"], columns=("名称", "经度", "纬度", "开放时间"))
    done = plan(source)
    assert done.added[0].feature.hours is None
    assert [(one.where, one.column, one.value) for one in done.left_out] == [("row 2", "开放时间", "视情况")]


def test_units_full_width_and_placeholders_are_understood():
    source = table(
        ["a", "116.45", "39.96", "６０㎡", "12个", "０１０-６４００１２３４、13800000000", "暂无", "装修中"],
        columns=("名称", "经度", "纬度", "面积", "座位", "电话", "地址", "状态"),
    )
    place = plan(source).added[0].feature
    assert (place.area_m2, place.seats, place.phone, place.address) == (
        60.0,
        12,
        "010-64001234,13800000000",
        None,
    )
    assert (place.status, place.status_reason) == ("paused", "装修中")


def test_a_row_twice_is_refused_with_both_rows():
    done = plan(table(["a", "116.45", "39.96"], ["a", "116.45", "39.96"]))
    assert [(one.where, one.reason) for one in done.refused] == [
        ("row 3", "is the same place as row 2; leave one of them")
    ]


def test_an_entrance_in_another_town_is_refused():
    source = table(
        ["a", "116.45", "39.96", "116.55", "39.96"], columns=("名称", "经度", "纬度", "入口经度", "入口纬度")
    )
    assert "an entrance is at most 2000 m" in plan(source).refused[0].reason


def test_a_stated_datum_that_is_not_taken_is_a_warning():
    assert (
        "the file says gcj02; it was read as wgs84"
        in plan(table(["a", "116.45", "39.96"], declared_datum="gcj02")).warnings
    )


@pytest.mark.parametrize(
    "stuff", ["a", "热", "1", " ", "- ", "周一", "热水热", "°'", "(", "a b=", "#1", "门"]
)
def test_very_long_cells_are_answered_in_every_column(stuff):
    columns = ("名称", "经度", "纬度", "开放时间", "服务", "电话", "面积", "状态", "坐标", "地址")
    cell = (stuff * 131_072)[:131_072]
    done = plan(table([cell] * len(columns), columns=columns))
    assert done.edits == ()


def test_progress_is_told_for_long_lists():
    heard = []
    rows = [[f"站{n}", str(116.43 + n / 1e5), "39.96"] for n in range(1200)]
    plan(table(*rows), progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (1200, 1200)
    assert heard == sorted(heard)


# --- against what stands there ----------------------------------------------------------

HELD = Place("st-1", "station", 116.45, 39.96, "香新驿站", phone="010-1", hours="24/7", station_code="S-1",
             services=(Service("rest", note="门厅"), Service("toilet")),
             external_ids={"amap_poiid": "B0X"})  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        (("id", "名称", "经度", "纬度"), ["st-1", "新名", "116.44", "39.95"]),
        (("驿站编号", "名称", "经度", "纬度"), ["S-1", "新名", "116.44", "39.95"]),
        (("高德POI", "名称", "经度", "纬度"), ["B0X", "新名", "116.44", "39.95"]),
        (("名称", "经度", "纬度"), ["香新 驿站", "116.4505", "39.9601"]),
    ],
)
def test_a_row_is_matched_by_id_code_foreign_id_or_name_and_place(columns, cells):
    done = plan(table(cells, columns=columns), present=[HELD])
    assert [(one.before.id, one.after.id) for one in done.changed] == [("st-1", "st-1")]
    assert "position" in {change.field for change in done.changed[0].fields}


def test_the_same_name_far_away_is_another_place():
    assert len(plan(table(["香新驿站", "116.44", "39.95"]), present=[HELD]).added) == 1


def test_a_row_without_position_finds_its_place_by_name():
    done = plan(table(["香新驿站", "010-2"], columns=("名称", "电话")), present=[HELD])
    assert (done.changed[0].after.phone, done.changed[0].after.lon) == ("010-2", 116.45)


def test_what_a_list_does_not_say_stays_as_it_is():
    after = (
        plan(
            table(["香新驿站", "116.45", "39.96", "热水"], columns=("名称", "经度", "纬度", "服务")),
            present=[HELD],
        )
        .changed[0]
        .after
    )
    assert (after.phone, after.hours) == ("010-1", "24/7")
    assert after.services == (*HELD.services, Service("hot_water"))


def test_an_empty_status_does_not_open_what_is_paused():
    paused = replace(HELD, status="paused", status_reason="装修")
    columns = ("名称", "经度", "纬度", "状态")
    assert (
        plan(table(["香新驿站", "116.45", "39.96", None], columns=columns), present=[paused]).unchanged == 1
    )
    opened = (
        plan(table(["香新驿站", "116.45", "39.96", "正常"], columns=columns), present=[paused])
        .changed[0]
        .after
    )
    assert (opened.status, opened.status_reason) == ("active", None)


def test_a_hand_made_geojson_with_few_fields_wipes_no_others():
    point = {"type": "Point", "coordinates": [116.45, 39.96]}
    feature = {"type": "Feature", "id": "st-1", "geometry": point, "properties": {"name": "新名"}}
    source = Table(
        "a.geojson",
        "geojson",
        ("name", "id"),
        (Row("feature 1", ("新名", "st-1"), (116.45, 39.96), feature),),
    )
    after = plan(source, present=[HELD]).changed[0].after
    assert after == replace(HELD, name="新名", provenance=after.provenance)


def test_a_row_kept_aside_becomes_a_place_where_somebody_points():
    source = table(["a", "街1号", "24小时"], columns=("名称", "地址", "开放时间"))
    made = place_by_hand(plan(source).unplaced[0], (116.45, 39.96), "station", CATALOGUE, source="x", on=ON)
    assert (made.name, made.address, made.hours, made.lon, made.provenance.source) == (
        "a",
        "街1号",
        "24/7",
        116.45,
        "x",
    )


def test_an_equal_row_changes_nothing_not_even_a_check_date():
    done = plan(table(["香新驿站", "116.45", "39.96"]), present=[HELD])
    assert (done.unchanged, done.edits) == (1, ())


def test_a_list_imported_twice_takes_nothing_away_that_it_never_said():
    columns = ("名称", "经度", "纬度", "电话", "服务内容")
    source = table(["香新驿站", "116.45", "39.96", "", "热水"], columns=columns)
    first = plan(source, present=[HELD])
    after = first.changed[0].after
    assert (after.phone, after.services) == (HELD.phone, (*HELD.services, Service("hot_water")))
    again = plan(source, present=[after], known={one.id: one for one in first.snapshots})
    assert (again.changed, again.kept, again.unchanged) == ((), (), 1)


def test_a_service_a_source_named_once_and_names_no_more_goes():
    columns = ("名称", "经度", "纬度", "服务内容")
    first = plan(table(["香新驿站", "116.45", "39.96", "热水、微波炉"], columns=columns), present=[HELD])
    after, known = first.changed[0].after, {one.id: one for one in first.snapshots}
    less = plan(table(["香新驿站", "116.45", "39.96", "热水"], columns=columns), present=[after], known=known)
    assert less.changed[0].after.services == (*HELD.services, Service("hot_water"))


def test_a_desk_edit_survives_the_next_list_of_the_same_source():
    said = replace(HELD, phone="010-0", hours="Mo-Fr 09:00-18:00")
    columns = ("名称", "经度", "纬度", "电话", "开放时间")
    # the desk changed both since; the list changed only the phone
    done = plan(
        table(["香新驿站", "116.45", "39.96", "010-9", "周一至周五 9:00-18:00"], columns=columns),
        present=[HELD],
        known={"st-1": said},
    )
    assert done.changed == ()
    assert [(one.field, one.desk, one.file) for one in done.kept] == [("phone", "010-1", "010-9")]


def test_what_only_the_source_changed_is_taken_over():
    columns = ("名称", "经度", "纬度", "电话")
    done = plan(
        table(["香新驿站", "116.45", "39.96", "010-9"], columns=columns), present=[HELD], known={"st-1": HELD}
    )
    assert [(change.field, change.before, change.after) for change in done.changed[0].fields] == [
        ("phone", "010-1", "010-9")
    ]
    assert done.changed[0].after.provenance.checked["contact"].on == ON


def test_a_place_the_desk_moved_is_still_known_to_its_source():
    moved = replace(HELD, lon=116.44, name="改名驿站")
    done = plan(table(["香新驿站", "116.45", "39.96"]), present=[moved], known={"st-1": HELD})
    assert (done.added, done.changed, done.unchanged) == ((), (), 1)


def test_a_place_the_desk_removed_stays_removed():
    done = plan(table(["香新驿站", "116.45", "39.96"]), known={"st-1": HELD})
    assert done.edits == ()
    assert any("stays removed" in warning for warning in done.warnings)


def test_only_a_complete_list_removes():
    other = replace(HELD, id="st-2", name="别处", station_code="S-2", external_ids={})
    source = table(["香新驿站", "116.45", "39.96"])
    assert plan(source, present=[HELD, other]).removed == ()
    done = plan(source, present=[HELD, other], is_complete=True)
    assert [one.id for one in done.removed] == ["st-2"]
    assert [(edit.id, edit.after, edit.base_version) for edit in done.edits] == [("st-2", None, 7)]


def test_nothing_is_removed_while_rows_are_refused():
    done = plan(table(["香新驿站", "x", "39.96"]), present=[HELD], is_complete=True)
    assert done.removed == ()
    assert any("nothing is removed" in warning for warning in done.warnings)


# --- from file to store -----------------------------------------------------------------


def test_a_chinese_list_reaches_the_store_and_comes_again_unchanged(tmp_path):
    path = tmp_path / "香河园驿站_2026-11.csv"
    text = "香河园驿站一览表,,,,\n站点名称,经度,纬度,开放时间,服务内容\n香新驿站,116.4482,39.9584,24小时,热水、充电\n"
    path.write_bytes(text.encode("gb18030"))
    store = open_sqlite(tmp_path / "store.sqlite", create=True)
    at = datetime(2026, 11, 21, tzinfo=UTC)
    for count in (1, 0):
        source = read_table(path)
        mapping = guess_mapping(source, "station", CATALOGUE, bbox=BOX)
        known = store.last_by_role("station", role_of(source_of(source)))
        done = plan(
            source, present=store.layer("station").features, mapping=mapping, datum="gcj02", known=known
        )
        done.check()
        assert len(done.edits) == count
        if done.edits:
            store.apply(
                done.edits, actor="desk", role=done.role, source=done.note, at=at, snapshots=done.snapshots
            )
    place = store.layer("station").features[0]
    assert isinstance(place, Place)
    assert (place.hours, [service.kind for service in place.services]) == (
        "24/7",
        ["hot_water", "phone_charging"],
    )
    assert (place.lon, place.lat) == pytest.approx((116.442, 39.957), abs=1e-4)
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["station", "merchant", "charging", "block"])
@pytest.mark.parametrize("format", ["geojson", "csv", "xlsx", "kml", "kmz", "gpkg"])
def test_our_own_exports_come_back_whole(layer, format, tmp_path):
    from tests.conftest import CHECKOUT

    whole = parse_layer(
        (CHECKOUT / "data" / "geojson" / "xiangheyuan" / f"{layer}.geojson").read_bytes(), layer
    )
    file = export_places([whole], format, district="xiangheyuan")
    path = tmp_path / file[0]
    path.write_bytes(file[2])
    source = read_table(path, layer=layer)
    mapping = guess_mapping(source, layer, CATALOGUE)
    assert mapping.is_ours
    assert mapping.datum in ("wgs84", "")
    done = plan(source, layer, mapping=mapping)
    assert Layer(layer, tuple(one.feature for one in done.added)) == whole
    assert plan(source, layer, present=whole.features, mapping=mapping).unchanged == len(whole.features)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["gpx", "shp", "ovital"])
def test_formats_that_lose_something_destroy_nothing(format, tmp_path):
    from tests.conftest import CHECKOUT

    whole = parse_layer(
        (CHECKOUT / "data" / "geojson" / "xiangheyuan" / "station.geojson").read_bytes(), "station"
    )
    file = export_places([whole], format, district="xiangheyuan")
    path = tmp_path / file[0]
    path.write_bytes(file[2])
    source = read_table(path, layer="station")
    assert plan(source, present=whole.features).unchanged == len(whole.features)


SQUARE = {
    "type": "Polygon",
    "coordinates": [[[116.44, 39.95], [116.45, 39.95], [116.45, 39.96], [116.44, 39.95]]],
}


def area_table(name: str) -> Table:
    return Table(
        "街区.kml",
        "kml",
        ("name",),
        (Row("Placemark 1", (name,), None, None, "is an area; a place is one point", SQUARE),),
    )


def test_an_area_goes_into_a_layer_of_areas_only():
    added = plan(area_table("东街"), "block").added
    assert [(one.feature.name, type(one.feature).__name__) for one in added] == [("东街", "Area")]
    assert [(one.where, one.reason) for one in plan(area_table("东街"), "station").refused] == [
        ("Placemark 1", "is an area; a place is one point")
    ]


def test_an_area_is_known_again_by_its_name():
    held = plan(area_table("东街"), "block").added[0].feature
    assert plan(area_table("东 街"), "block", present=[held]).changed[0].after.id == held.id
    assert plan(area_table("东街"), "block", present=[held]).unchanged == 1


def test_areas_are_read_in_wgs84_only():
    with pytest.raises(InvalidInputError, match="areas are read in WGS 84 only"):
        plan(area_table("东街"), "block", datum="gcj02")


def test_points_are_given_in_the_files_own_datum():
    found = points_of(
        table(["a", "116.4482", "39.9584"], ["b", "", ""]),
        guess_mapping(table(["a", "116.4482", "39.9584"]), "station", CATALOGUE),
        CATALOGUE,
    )
    assert [(one.where, one.lon, one.lat, one.name) for one in found] == [("row 2", 116.4482, 39.9584, "a")]
