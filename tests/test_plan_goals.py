"""The plain cases of siting for a district: against the siting solved alone, and what is told by name."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from geo_service.districts.plans.demand import draw_demand
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.siting import goal_json, name_refusal
from geo_service.errors import InvalidInputError
from geo_service.planning.parameters import Need, Parameters
from geo_service.planning.siting import Sites, least_longest
from geo_service.planning.week import parse_hour

STATIONS = Parameters(Need("station"), date(2026, 11, 23), accept=("stale", "unknown"))


@pytest.fixture(scope="module")
def planner(demo_district) -> Planner:
    whole = draw_demand(demo_district)
    made = Planner(demo_district, STATIONS, whole.take(np.arange(0, len(whole), 60)))
    # fewer candidates, so that slow ways stay quick
    made.candidates = made.candidates[::12]
    return made


@pytest.fixture(scope="module")
def cost_ms(planner):
    lonlat = np.array([(one.lon, one.lat) for one in planner.candidates])
    new = planner.router.matrix(planner.snaps, planner.router.snap(lonlat))
    return np.concatenate([planner.stand.cost_ms, new], axis=1)


def covered(planner, cost_ms, columns):
    ways = cost_ms[:, columns]
    return ((ways >= 0) & (ways <= planner.most_cost)).any(axis=1)


def test_one_site_that_covers_most_is_the_best_of_all_tried(planner, cost_ms):
    answer = goal_json(planner, "cover-most", 1)
    standing = list(range(len(planner.stand.places.places)))
    weight = planner.weights.of_points(range(168))
    tried = [
        float(weight[covered(planner, cost_ms, [*standing, column])].sum())
        for column in range(len(standing), cost_ms.shape[1])
    ]
    assert answer["is_proved"]
    assert answer["objective"] == pytest.approx(max(tried), rel=1e-4)
    assert answer["covered_share"] == pytest.approx(max(tried) / weight.sum(), rel=1e-4)


def test_cover_all_names_who_is_beyond_every_site_and_the_minutes(planner, cost_ms):
    answer = goal_json(planner, "cover-all", 0)
    everything = covered(planner, cost_ms, list(range(cost_ms.shape[1])))
    weight = planner.weights.of_points(range(168))
    assert answer["beyond_count"] == int((~everything & (weight > 0)).sum())
    assert answer["objective"] == len(answer["sites"])
    for row in answer["beyond"]:
        assert row["name"]
        assert row["minutes"] is None or row["minutes"] > planner.parameters.minutes


@pytest.mark.parametrize("goal", ["median", "center"])
def test_one_site_brings_the_way_down_as_far_as_any_could(planner, cost_ms, goal):
    answer = goal_json(planner, goal, 1)
    standing = len(planner.stand.places.places)
    weight = planner.weights.of_points(range(168))
    kept = (cost_ms >= 0).any(axis=1) & (weight > 0)
    tried = []
    for column in range(standing, cost_ms.shape[1]):
        ways = cost_ms[:, [*range(standing), column]]
        least = np.where(ways < 0, np.inf, ways).min(axis=1)[kept] / 60_000
        tried.append(float(least.max() if goal == "center" else weight[kept] @ least / weight[kept].sum()))
    assert answer["objective"] == pytest.approx(min(tried), abs=1e-3)
    assert answer["unit"].endswith("minutes")


def test_an_hour_counts_its_riders_and_the_places_open_then(planner):
    merchants = Planner(planner.district, replace(STATIONS, need=Need("merchant")), planner.demand)
    merchants.candidates = planner.candidates
    night = parse_hour("Mo-03")
    answer = goal_json(merchants, "cover-most", 1, hour=night)
    assert answer["standing"] == int(merchants.stand.places.is_open[:, night].sum())
    assert answer["hour_name"] == "Mo 03:00"
    assert answer["objective"] <= merchants.weights.total[night] + 1e-6


def test_capacities_leave_some_unserved(planner):
    free = goal_json(planner, "cover-most", 1)
    tight = goal_json(planner, "cover-most", 1, capacity=100.0)
    assert tight["objective"] < free["objective"]
    assert tight["objective"] <= 100.0 * (tight["standing"] + 1) + 1e-6


@pytest.mark.parametrize(
    ("goal", "options", "said"),
    [
        ("best", {}, "goal='best' is unknown"),
        ("center", {"capacity": 5.0}, "capacity=5 goes with cover-most, median only"),
        ("median", {"hour": 200}, "hour=200 is outside"),
        ("median", {"capacity": 0.001}, "have room for"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(planner, goal, options, said):
    with pytest.raises(InvalidInputError, match=said):
        goal_json(planner, goal, 1, **options)


def test_demand_that_no_choice_reaches_is_named(planner):
    apart = np.full((len(planner.demand), 3), -1, dtype=np.int64)
    apart[0, 1], apart[1:, 0], apart[1, 2] = 5, 5, 5
    apart[2] = [-1, -1, 7]
    parts = Sites(apart, np.ones(len(planner.demand)), np.array([True, False, False]))
    with pytest.raises(InvalidInputError) as unnamed:
        least_longest(parts, 1)
    told = str(name_refusal(planner, parts, 1, unnamed.value))
    assert "2 new sites would reach all" in told
    assert planner.demand.name[0] in told


@pytest.mark.slow
def test_plain_cases_at_the_command_line(run, demo_directory):
    words = ["--layer", "station", "--accept", "stale,unknown", "--preset", "15-minutes"]
    code, out, _ = run("site", demo_directory, *words, "--goal", "cover-most", "--add", "2", "--json")
    assert (code, len(json.loads(out)["sites"])) == (0, 2)
    code, out, _ = run("site", demo_directory, *words, "--goal", "cover-all", "--hour", "Mo-02")
    assert code == 0
    assert "cover-all" in out
    code, _, err = run("site", demo_directory, *words, "--hour", "Mo-02")
    assert code == 2
    assert "--hour goes with another --goal" in err
