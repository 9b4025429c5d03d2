"""What if: what is counted again in part equals what a planner counts whole."""

from base64 import b64decode
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from geo_service.districts.plans.checks import equity_json
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.what_if import WhatIf
from geo_service.errors import InvalidInputError
from geo_service.planning.changes import Change, change_of
from geo_service.planning.demand import GROUPS
from geo_service.planning.parameters import Need, Parameters, parameters_of

GIVEN = Parameters(Need("station"), date(2026, 11, 23))
TUESDAY_2 = 26


@pytest.fixture(scope="module")
def planner(demo_district):
    return Planner(demo_district, GIVEN)


@pytest.fixture(scope="module")
def what_if(planner):
    return WhatIf(planner, GIVEN.groups)


@pytest.fixture(scope="module")
def changes(planner):
    some, others = planner.stand.places.places[0].id, planner.stand.places.places[3].id
    lon, lat = planner.district.centre
    return (
        Change("site", lon=lon, lat=lat),
        Change("close", place=some),
        Change("hours", place=others, hours="Mo-Fr 07:00-23:00"),
        Change("site", lon=lon + 0.003, lat=lat + 0.002, hours="08:00-12:00", name="桥头"),
    )


def whole(planner, **other):
    return Planner(planner.district, replace(GIVEN, **other), planner.demand)


def same_as_whole(answer, planner):
    clock, fair = planner.clock_json(), equity_json(planner)
    assert answer["clock"] == pytest.approx(clock["clock"], abs=2e-6)
    assert answer["backup_clock"] == pytest.approx(clock["backup_clock"], abs=2e-6)
    assert answer["at"]["02:00"] == pytest.approx(clock["at"]["02:00"]["covered_share"], abs=2e-6)
    assert answer["always_covered_share"] == pytest.approx(clock["always_covered_share"], abs=2e-6)
    assert answer["gini"] == pytest.approx(fair["gini"], abs=2e-6)
    assert answer["worst"]["id"] == fair["worst"]["id"]


def test_without_changes_the_answer_is_what_stands(what_if, planner):
    same_as_whole(what_if.ask(), planner)


def test_a_trial_equals_a_planner_whose_parameters_hold_the_same_changes(what_if, planner, changes):
    answer = what_if.ask(changes, TUESDAY_2)
    other = whole(planner, changes=changes)
    same_as_whole(answer, other)
    held = np.unpackbits(np.frombuffer(b64decode(answer["hour"]["covered"]), np.uint8))
    assert (held[: len(planner.demand)] == other.clock().is_covered[:, TUESDAY_2]).all()


@pytest.mark.slow
def test_twenty_drags_each_equal_the_whole(what_if, planner, changes):
    rng = np.random.default_rng(11)
    for lon, lat in rng.uniform(planner.district.bbox[:2], planner.district.bbox[2:], (20, 2)).tolist():
        dragged = (replace(changes[0], lon=lon, lat=lat), *changes[1:])
        expected = whole(planner, changes=dragged).clock_json()["clock"]
        assert what_if.ask(dragged)["clock"] == pytest.approx(expected, abs=2e-6)


def test_what_else_is_needed_stays_a_condition(planner, changes):
    also = (Need("toilet"),)
    base = whole(planner, also=also)
    same_as_whole(WhatIf(base, GROUPS).ask(changes), whole(planner, also=also, changes=changes))


def test_two_stations_cover_what_the_first_and_a_spare_cover(planner, changes):
    answer = WhatIf(planner, GROUPS, stations=2).ask(changes)
    assert answer["clock"] == pytest.approx(
        whole(planner, changes=changes).clock_json()["backup_clock"], abs=2e-6
    )
    same_as_whole(answer, whole(planner, changes=changes, stations=2))


def test_metres_count_as_the_planner_counts_them(planner, changes):
    base = whole(planner, metres=700.0)
    same_as_whole(WhatIf(base, GROUPS).ask(changes), whole(planner, metres=700.0, changes=changes))


def test_measures_are_refused_for_two_stations(planner):
    with pytest.raises(InvalidInputError, match="one station"):
        whole(planner, stations=2).menu([])


def test_other_groups_weigh_otherwise(planner):
    couriers = WhatIf(planner, GROUPS[:1])
    expected = Planner(planner.district, replace(GIVEN, groups=GROUPS[:1]), planner.demand).clock_json()
    assert couriers.ask()["clock"] == pytest.approx(expected["clock"], abs=2e-6, nan_ok=True)


def test_a_site_and_longer_hours_have_their_price_and_closing_has_none(what_if, planner, changes):
    more = (
        planner.week.open_by_text("Mo-Fr 07:00-23:00", planner.cutoff_ms) & ~planner.stand.places.is_open[3]
    ).sum()
    assert what_if.ask(changes)["cost_yuan"] == 2 * 60_000 + int(more) * 1_000
    assert what_if.ask(changes[1:2])["cost_yuan"] == 0


def test_the_last_word_on_a_place_counts(what_if, changes):
    again = (*changes, Change("hours", place=changes[2].place, hours="24/7"))
    assert what_if.ask(again)["clock"] == what_if.ask((*changes[:2], changes[3], again[-1]))["clock"]


def test_changes_come_back_from_a_file(changes):
    given = replace(GIVEN, changes=changes, stations=2)
    assert parameters_of(given.to_json()) == given


@pytest.mark.parametrize(
    "change",
    [
        {"do": "move", "place": "a"},
        {"place": "a"},
        {"do": "close"},
        {"do": "hours", "place": "a"},
        {"do": "site", "lon": 200, "lat": 39},
        {"do": "site", "lon": True, "lat": 39},
        {"do": "site", "lon": 116, "lat": float("nan")},
        {"do": "close", "place": "a\n"},
        {"do": "close", "place": 7},
        {"do": "close", "place": "a", "also": 1},
        "close",
    ],
)
def test_a_change_that_makes_no_sense_is_refused(change):
    with pytest.raises(InvalidInputError):
        change_of(change)


def test_a_change_of_a_place_that_is_not_there_is_refused(what_if, planner):
    gone = (Change("close", place="nowhere"),)
    for ask in (lambda: what_if.ask(gone), lambda: whole(planner, changes=gone)):
        with pytest.raises(InvalidInputError, match="nowhere"):
            ask()


def test_hours_of_the_week_end_at_167(what_if):
    with pytest.raises(InvalidInputError, match="hour=168"):
        what_if.ask((), 168)
