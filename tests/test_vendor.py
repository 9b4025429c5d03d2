"""Our layer against a vendor's list: planted differences are found, all of them and no others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_service.errors import InvalidInputError
from geo_service.exchange.vendor import WORK_COLUMNS, VendorRow, compare_vendor, work_list
from geo_service.geo import convert_datum, distance_m
from geo_service.layers import Place

SIDE = 6
STEP_DEG = 0.01  # some 900 m: farther apart than any match reaches


def layer():
    """36 stations on a lattice; half of them are known to the vendor by id."""
    return [
        Place(
            f"s{i:03}",
            "station",
            116.40 + STEP_DEG * (i % SIDE),
            39.90 + STEP_DEG * (i // SIDE),
            f"驿站第{i}号",
            hours="Mo-Su 08:00-20:00",
            external_ids={"amap_poiid": f"B{i:04}"} if i % 2 else {},
        )
        for i in range(SIDE * SIDE)
    ]


def rows_of(places, datum="wgs84"):
    lonlat = convert_datum([(one.lon, one.lat) for one in places], "wgs84", datum).tolist()
    return [
        VendorRow(one.name, lon, lat, one.external_ids.get("amap_poiid"), hours=one.hours)
        for one, (lon, lat) in zip(places, lonlat, strict=True)
    ]


def compare(ours, theirs, datum="wgs84"):
    return compare_vendor(ours, theirs, register="amap_poiid", datum=datum)


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_an_equal_list_in_any_datum_gives_no_work(datum):
    ours = layer()
    diff = compare(ours, rows_of(ours, datum), datum)
    assert work_list(diff) == []
    assert diff.shown_share == 1.0


KINDS = ("same", "missing_there", "moved", "renamed", "other_hours")


@settings(max_examples=10)
@given(
    st.lists(st.sampled_from(KINDS), min_size=SIDE * SIDE, max_size=SIDE * SIDE),
    st.integers(0, 5),
    st.randoms(),
)
def test_planted_differences_are_found_exactly(kinds, new, random):
    ours = layer()
    rows = dict(zip((one.id for one in ours), rows_of(ours, "gcj02"), strict=True))
    planted = {kind: set() for kind in KINDS}
    for one, kind in zip(ours, kinds, strict=True):
        if kind == "renamed" and not one.external_ids:
            kind = "same"  # without an id another name at the door is another place
        planted[kind].add(one.id)
        row = rows[one.id]
        if kind == "missing_there":
            del rows[one.id]
        elif kind == "moved":
            rows[one.id] = row._replace(lat=row.lat + 0.001)
        elif kind == "renamed":
            rows[one.id] = row._replace(name="改了名的小店")
        elif kind == "other_hours":
            rows[one.id] = row._replace(hours="Mo-Su 09:00-20:00")
    strangers = [VendorRow(f"别家{i}", 116.405 + 0.01 * i, 39.905) for i in range(new)]
    theirs = [*rows.values(), *strangers]
    random.shuffle(theirs)
    diff = compare(ours, theirs, "gcj02")
    assert {one.id for one in diff.missing_there} == planted["missing_there"]
    assert {row.name for row, _ in diff.missing_here} == {row.name for row in strangers}
    assert {one.place.id for one in diff.moved} == planted["moved"]
    assert {one.place.id for one in diff.renamed} == planted["renamed"]
    assert {one.place.id for one in diff.other_hours} == planted["other_hours"]
    assert all(one.moved_m == pytest.approx(111.0, abs=0.5) for one in diff.moved)


def test_every_place_and_every_row_is_in_a_comparison_once():
    rng = np.random.default_rng(3)
    ours = layer()[:20]
    theirs = [
        row._replace(lon=row.lon + float(rng.normal(0.0, 3e-3)), external_id=None)
        for row in rows_of(layer())[10:34]
    ]
    diff = compare(ours, theirs)
    assert len(diff.matches) + len(diff.missing_there) == 20
    assert len(diff.matches) + len(diff.missing_here) == 24


def test_no_two_rows_would_rather_have_each_other():
    """Stability, by looking at all pairs: of two places of one name each has the nearer row."""
    ours = [Place(f"t{i}", "toilet", 116.44 + 1e-3 * i, 39.95, "公共厕所") for i in range(8)]
    theirs = [VendorRow("公共厕所", 116.44 + 1e-3 * i + 2e-4, 39.95) for i in range(8)]
    diff = compare(ours, theirs)
    given_m = {one.place.id: one.moved_m for one in diff.matches}
    row_m = {one.row: one.moved_m for one in diff.matches}
    for place in ours:
        for row in theirs:
            apart_m = float(distance_m((place.lon, place.lat), (row.lon, row.lat)))
            assert apart_m >= min(given_m[place.id], row_m[row]) - 1e-6


def test_an_id_matches_before_any_name():
    ours = [Place("a", "station", 116.44, 39.95, "甲站", external_ids={"amap_poiid": "B1"})]
    theirs = [VendorRow("甲站", 116.44, 39.95), VendorRow("乙站", 116.441, 39.95, "B1")]
    (match,) = compare(ours, theirs).matches
    assert (match.by, match.row.external_id, match.is_renamed) == ("id", "B1", True)


def test_a_new_sign_at_the_old_door_is_known_by_its_phone():
    ours = [Place("a", "merchant", 116.44, 39.95, "老王面馆", phone="010-64001234")]
    (match,) = compare(ours, [VendorRow("川香小厨", 116.44, 39.9501, phone="64001234")]).matches
    assert match.is_renamed


def test_the_entrance_counts_as_ours_too():
    ours = [Place("a", "station", 116.44, 39.95, "甲站", arrival=(116.442, 39.95))]
    (match,) = compare(ours, [VendorRow("甲站", 116.442, 39.95)]).matches
    assert match.moved_m < 0.01


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [
        ("24/7", "Mo-Su 00:00-24:00", False),
        ("Mo-Fr 08:00-20:00; Sa,Su 08:00-20:00", "08:00-20:00", False),
        ("08:00-20:00", "08:00-21:00", True),
        ("08:00-20:00", "周一至周日营业", True),
        ("08:00-20:00", None, False),
    ],
)
def test_hours_are_compared_by_the_week_they_mean(ours, theirs, differ):
    place = Place("a", "station", 116.44, 39.95, "甲站", hours=ours)
    diff = compare([place], [VendorRow("甲站", 116.44, 39.95, hours=theirs)])
    assert bool(diff.other_hours) is differ


def test_the_work_list_is_flat_text_with_links():
    ours = layer()[:3]
    theirs = [
        rows_of(ours)[0]._replace(lat=39.901, hours="24/7"),
        rows_of(ours)[1]._replace(name="新名"),
        VendorRow("别家", 116.5, 39.8),
    ]
    rows = work_list(compare(ours, theirs), link=lambda key: f"https://example.org/d/p/{key}")
    assert [row["action"].split("(")[1] for row in rows] == [
        "add there)", "check, add here)", "check position)", "check name)", "check hours)",
    ]  # fmt: skip
    assert all(tuple(row) == WORK_COLUMNS for row in rows)
    assert all(isinstance(value, str) for row in rows for value in row.values())
    assert rows[2]["detail"].startswith("111 m: 116.400000,39.900000 → 116.400000,39.901000")
    assert rows[0]["link"].endswith("/p/s002")


def test_empty_sides_are_no_trouble():
    assert compare([], []).shown_share == 0.0
    assert len(compare(layer(), []).missing_there) == SIDE * SIDE
    assert len(compare([], rows_of(layer())).missing_here) == SIDE * SIDE


def test_a_row_without_a_position_is_refused_by_name():
    with pytest.raises(InvalidInputError, match=r"theirs: lat=116\.4 is outside"):
        compare(layer(), [VendorRow("a", 39.9, 116.4)])
