"""What `check` finds in places: planted faults are named, and what is in order is left alone."""

from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from geo_service.desk.doubts import say_doubt
from geo_service.desk.rota import DEFAULT_AGES
from geo_service.desk.standards import find_standard
from geo_service.districts import DistrictConfig, open_district, write_config
from geo_service.districts.checks import check_district, judge_district
from geo_service.districts.place_checks import check_places, hours_faults
from geo_service.districts.stores import open_district_store
from geo_service.hours import SHANGHAI
from geo_service.layers import Access, Area, Checked, Place, Provenance, Service
from geo_service.store.base import Author
from geo_service.store.verbs import remove_feature
from tests.stores import DESK, add, new_district

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
TODAY = date(2026, 11, 18)


def station(key, lon=116.45, lat=39.95, checked=TODAY, **fields):
    kinds = ("existence", "hours", "services", "access")
    provenance = Provenance("test", "CC0-1.0", {kind: Checked(checked, "desk") for kind in kinds if checked})
    return Place(
        key, "station", lon, lat, f"驿站{key}", **({"hours": "24/7"} | fields), provenance=provenance
    )


def box(key, layer, west, east):
    ring = ((west, 39.9), (east, 39.9), (east, 40.0), (west, 40.0), (west, 39.9))
    return Area(key, layer, key, {"type": "Polygon", "coordinates": (ring,)})


@pytest.fixture
def district(tmp_path, request):
    """A district without streets, open, and a way to fill it."""
    directory = tmp_path / "d"
    directory.mkdir()
    config = DistrictConfig(
        new_district(),
        "区",
        "district",
        (116.4, 39.9, 116.5, 40.0),
        (116.45, 39.95),
        boundary=getattr(request, "param", ()),
    )
    write_config(config, directory / "district.toml", on=TODAY)
    open_district_store(directory, config, create=True).close()
    with closing(open_district(directory)) as opened:
        yield opened


def found(district, *features):
    district.store.apply(add(*features), **DESK)
    return [f for f in check_places(district, NOON, DEFAULT_AGES) if f.level == "warning"]


# -- where places lie ---------------------------------------------------------------------------------


def test_places_in_order_are_not_complained_of(district):
    assert found(district, station("a"), box("c-east", "community", 116.4, 116.5)) == []


def test_places_outside_of_the_box_are_named_together(district):
    (finding,) = found(district, station("a"), station("b", lon=116.51), station("c", lat=40.01))
    assert finding.subject == "station"
    assert finding.message == "2 lie outside of the district's box: b 驿站b, c 驿站c"
    assert finding.facts["ids"] == ["b", "c"]


TRIANGLE = ((116.4, 39.9), (116.5, 39.9), (116.4, 40.0), (116.4, 39.9))


@pytest.mark.parametrize("district", [TRIANGLE], indirect=True)
def test_places_outside_of_the_boundary_are_found_within_the_box(district):
    (finding,) = found(district, station("a", lon=116.41, lat=39.91), station("b", lon=116.49, lat=39.99))
    assert finding.message == "1 lie outside of the district's boundary: b 驿站b"


def test_places_in_no_community_are_found_once_communities_are_drawn(district):
    (finding,) = found(
        district,
        station("a", lon=116.41),
        station("b", lon=116.49),
        box("c-west", "community", 116.4, 116.45),
        box("b-1", "block", 116.4, 116.42),
    )
    assert finding.message == "1 lie in no community: b 驿站b"


def test_a_finding_names_a_few_of_many_and_holds_all(district):
    (finding,) = found(district, *(station(f"s{n}", lon=117.0) for n in range(8)))
    assert finding.message.endswith("s4 驿站s4 and 3 more")
    assert len(finding.facts["ids"]) == 8


def test_what_was_removed_is_not_complained_of(district):
    district.store.apply(add(station("a", lon=117.0)), **DESK)
    author = Author(**DESK)
    remove_feature(district.store, "station", "a", reason="拆除", author=author)
    assert found(district, station("b")) == []


# -- how old facts are --------------------------------------------------------------------------------


def test_facts_that_are_due_are_counted_by_kind_with_the_stalest(district):
    warnings = found(
        district,
        station("a", checked=TODAY - timedelta(days=61)),
        station("b", checked=TODAY - timedelta(days=90)),
        station("c", checked=None),
        station("d"),
    )
    told = {f.facts["kind"]: f for f in warnings}
    assert sorted(told) == ["existence", "hours"]
    assert told["hours"].message == (
        "hours: 3 due for a check (after 60 d); 1 never checked, the stalest b, 2026-08-20"
    )
    assert told["existence"].facts == {
        "kind": "existence",
        "due": 1,
        "never_checked": 1,
        "stalest": "c",
        "stalest_on": None,
    }


# -- hours that cannot be meant -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"hours": "08:00-08:00"}, "hours '08:00-08:00' closes in the minute it opens (08:00-08:00)"),
        ({"hours": "off"}, "hours 'off' never opens in the coming year"),
        ({"hours": "2020 Jan 01-2020 Feb 01 08:00-20:00"}, "never opens in the coming year"),
        ({"hours": "Mo-Fr 8-18"}, "hours 'Mo-Fr 8-18' cannot be read"),
        (
            {"services": (Service("rest", valid_from=date(2026, 5, 2), valid_until=date(2026, 5, 1)),)},
            "rest ends 2026-05-01 before it begins 2026-05-02",
        ),
        (
            {"status_from": date(2026, 5, 2), "status_until": date(2026, 5, 1)},
            "its status ends 2026-05-01 before it begins 2026-05-02",
        ),
        (
            {"hours": "08:00-20:00", "services": (Service("haircut", "08:00-21:00"),)},
            "haircut '08:00-21:00' is offered 7.0 h a week while the door '08:00-20:00' is closed",
        ),
        ({"access": (Access("code", "24:00-24:00"),)}, "access by code '24:00-24:00'"),
    ],
)
def test_hours_that_cannot_be_meant_are_named(fields, fault):
    assert any(fault in told for told in hours_faults(station("a", **fields), NOON))


@pytest.mark.parametrize(
    "fields",
    [
        {"hours": "24/7"},
        {"hours": None},
        {"hours": "22:00-02:00", "services": (Service("rest", "23:00-01:00"),)},
        {"hours": "Mo-Fr 08:30-12:00,12:30-18:00; PH off"},
        {"hours": "Jul-Aug 08:00-20:00"},
        {"hours": "18:00-08:00"},
        {"hours": "off", "status": "paused"},
        {"services": (Service("rest", "09:00-12:00"), Service("water"))},
        {"hours": "08:00-20:00", "services": (Service("rest", "unknown"),)},
    ],
)
def test_hours_that_can_be_meant_are_left_alone(fields):
    assert list(hours_faults(station("a", **fields), NOON)) == []


# -- reports and states -------------------------------------------------------------------------------


def test_reports_that_wait_and_reports_about_what_is_gone_are_told_apart(district):
    district.store.apply(add(station("a"), station("b")), **DESK)
    for key in ("a", "b"):
        say_doubt(district.store, key, "wrong", NOON)
    remove_feature(district.store, "station", "b", reason="拆除", author=Author(**DESK))
    waits, gone = (f for f in check_places(district, NOON, DEFAULT_AGES) if f.subject == "reports")
    assert (waits.facts["ids"], gone.facts["ids"]) == (["a"], ["b"])
    assert "tidy" in gone.message


def test_the_states_that_are_counted_hear_what_is_said_on_the_spot(district):
    district.store.apply(add(station("a"), station("b")), **DESK)
    say_doubt(district.store, "a", "shut_now", NOON)
    (count,) = (f for f in check_places(district, NOON, DEFAULT_AGES) if f.level == "info")
    assert (count.facts["open"], count.facts["stale"]) == (1, 1)


# -- the whole, and standards -------------------------------------------------------------------------


def test_what_is_missing_of_the_streets_does_not_hide_what_the_places_lack(district):
    district.store.apply(add(station("a", lon=117.0)), **DESK)
    findings = check_district(district, NOON)
    assert [f.level for f in findings] == sorted(
        (f.level for f in findings), key=["error", "warning", "info"].index
    )
    assert {f.subject for f in findings if f.level == "error"} >= {"ebike", "walk"}
    assert any("outside of the district's box" in f.message for f in findings)


def test_a_standard_names_what_each_station_lacks_and_what_nobody_knows(district):
    rules = {rule.id: rule for rule in find_standard("union-2023").rules}
    has_all = tuple(Service(rule.any_service[0]) for rule in rules.values() if rule.any_service)
    district.store.apply(
        add(
            station("whole", services=has_all, seats=8, area_m2=60.0),
            station("bare", services=(Service("rest"),), seats=0, area_m2=60.0),
            station("silent", checked=None),
        ),
        **DESK,
    )
    findings = judge_district(district, find_standard("union-2023"))
    told = {f.facts.get("id"): f for f in findings}
    assert "whole" not in told
    assert (told["bare"].level, told["silent"].level) == ("warning", "info")
    assert "microwave" in told["bare"].facts["lacking"]
    assert "lacks " in told["bare"].message
    assert "Microwave" in told["bare"].message
    assert told["silent"].facts["lacking"] == []
    assert told["silent"].message.startswith("silent 驿站silent: not known: ")
    assert findings[-1].message.startswith("1 of 3 have all of union-2023")


def test_a_place_that_closes_its_pause_is_left_alone(district):
    place = replace(station("a"), status="paused", status_from=TODAY, status_until=TODAY)
    assert found(district, place) == []
