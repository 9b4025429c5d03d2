"""An hour of the clock on the streets: polygons, catchments and points against asking the router from many points."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely

from geo_service.districts.plans.areas import PARTS, HourAreas, areas_json
from geo_service.districts.plans.demand import draw_demand
from geo_service.districts.plans.planner import Planner
from geo_service.engine.router import UNREACHED, Router, build_index
from geo_service.errors import InvalidInputError
from geo_service.finder.catchments import catchments, in_both, rank_places, twice_covered
from geo_service.finder.lines import from_metres, stretch_lines, to_metres
from geo_service.finder.outline import THREAD_M
from geo_service.finder.stretches import Stretches
from geo_service.planning.parameters import PRESETS, Need, Parameters
from geo_service.planning.week import parse_hour
from tests.test_coverage import stand_on
from tests.towns import random_network, random_points

MONDAY = date(2026, 11, 23)
SHARES = np.linspace(0.0, 1.0, 41)
FAR = 1 << 50
SLACK_M = 0.02
"""Corners of an outline lie on a grid of a centimetre."""


def town_of(seed):
    network = random_network(seed, n_nodes=20)
    router = Router(network, build_index(network)) if seed % 2 else Router(network)
    places = router.snap(random_points(network, seed, 6))
    links, shares = (grid.ravel() for grid in np.meshgrid(np.arange(network.n_links), SHARES, indexing="ij"))
    cost_ms = router.matrix(stand_on(network, links, shares), places)
    return router, places, links, shares, np.where(cost_ms == UNREACHED, FAR, cost_ms)


def is_in(stretches, links, shares, margin):
    """Which points lie in stretches by more than a margin of a link; less than nothing is beside them."""
    inside = np.zeros(len(links), dtype=bool)
    for link, start, end in zip(*stretches, strict=True):
        inside |= (links == link) & (shares >= start + margin) & (shares <= end - margin)
    return inside


SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 14))]


@pytest.mark.parametrize("seed", SEEDS)
def test_two_places_are_near_enough_where_the_second_nearest_is(seed):
    router, places, links, shares, cost_ms = town_of(seed)
    second_ms = np.sort(cost_ms, axis=1)[:, 1]
    ranked = rank_places(router, places)
    for cutoff_ms in (5_000, 60_000, 10**7):
        twice = twice_covered(router.network, ranked, places, cutoff_ms)
        assert (second_ms[is_in(twice, links, shares, 1e-6)] <= cutoff_ms).all()
        # a lone point, as the end of a one-way street, is no stretch
        inner = (shares > 0) & (shares < 1)
        assert is_in(twice, links, shares, -1e-6)[inner & (second_ms < cutoff_ms - 1)].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stretch_belongs_to_the_place_that_is_nearest(seed):
    router, places, links, shares, cost_ms = town_of(seed)
    owned = catchments(router.network, rank_places(router, places), places)
    best_ms = cost_ms.min(axis=1)
    for row in range(len(places.link)):
        mine = owned.stretches.take(owned.place == row)
        # whole milliseconds: two ways may be a millisecond apart on paper only
        assert (
            cost_ms[is_in(mine, links, shares, 1e-6), row] <= best_ms[is_in(mine, links, shares, 1e-6)] + 1
        ).all()
    inner = (shares > 0) & (shares < 1)
    assert is_in(owned.stretches, links, shares, -1e-9)[inner & (best_ms < FAR)].all()
    assert not is_in(owned.stretches, links, shares, 1e-6)[best_ms == FAR].any()


def test_a_street_is_shared_where_two_places_are_equally_far(draw):
    town = draw("a---------b")
    router = Router(town.network)
    places = router.snap(town.lonlat("a", "b"))
    owned = catchments(town.network, rank_places(router, places), places)
    assert owned.place.tolist() in ([0, 1], [1, 0])
    assert owned.stretches.end[0] == pytest.approx(0.5)


def test_what_is_common_to_two_sets_of_stretches():
    some = Stretches(np.array([0, 1], dtype=np.int32), np.array([0.0, 0.2]), np.array([0.6, 0.8]))
    others = Stretches(np.array([0, 2], dtype=np.int32), np.array([0.5, 0.0]), np.array([1.0, 1.0]))
    common = in_both(some, others, 3)
    assert [column.tolist() for column in common] == [[0], [0.5], [0.6]]


# --- the demo district ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planner(demo_district) -> Planner:
    whole = draw_demand(demo_district)
    needs = Parameters(Need("merchant"), MONDAY, (Need("toilet"),), minutes=6.0, accept=("stale", "unknown"))
    return Planner(demo_district, needs, whole.take(np.arange(0, len(whole), 20)))


EVENING = parse_hour("We-21")


@pytest.fixture(scope="module")
def evening(planner):
    return areas_json(planner, EVENING)


def sampled(planner, count=6000, seed=6):
    """Points of streets thrown by length, where they lie, and their costs to open places and to what else is needed."""
    network, random = planner.router.network, np.random.default_rng(seed)
    length = network.link_length_mm / network.link_length_mm.sum(dtype=np.int64)
    links, shares = random.choice(network.n_links, count, p=length), random.random(count)
    stand = stand_on(network, links, shares)
    costs = []
    for each in (planner.stand, *planner.also):
        open_ = each.at.take(np.flatnonzero(each.places.is_open[:, EVENING]))
        cost_ms = planner.router.matrix(stand, open_)
        costs.append(np.where(cost_ms == UNREACHED, FAR, cost_ms))
    lines = stretch_lines(network, Stretches(links.astype(np.int32), np.zeros(count), np.ones(count)))
    points = shapely.transform(
        shapely.line_interpolate_point(lines, shares, normalized=True), from_metres(network)
    )
    return links, shares, points, costs


def near_lines(planner, stretches, points):
    """Which points lie within a thread of some stretches."""
    network = planner.router.network
    lonlat = shapely.get_coordinates(points)
    at = shapely.points(to_metres(network, lonlat[:, 0], lonlat[:, 1]))
    tree = shapely.STRtree(stretch_lines(network, stretches))
    near = np.zeros(len(points), dtype=bool)
    near[tree.query(at, predicate="dwithin", distance=THREAD_M + SLACK_M)[0]] = True
    return near


@pytest.mark.slow
@pytest.mark.parametrize("at_least", [1, 2])
def test_service_areas_hold_every_reached_point_of_a_street_and_no_other(planner, evening, at_least):
    _, _, points, (costs, toilets) = sampled(planner)
    nth_ms = np.sort(costs, axis=1)[:, at_least - 1]
    cutoff_ms = planner.cutoff_ms
    is_covered = (nth_ms <= cutoff_ms) & (toilets.min(axis=1) <= cutoff_ms)
    assert 0.02 < is_covered.mean() < 0.98
    feature = evening["service_areas"]["features"][at_least - 1]
    area = shapely.from_geojson(json.dumps(feature["geometry"]))
    inside = shapely.intersects(area, points)
    assert inside[is_covered].all()
    wrong = np.flatnonzero(inside & ~is_covered)
    assert near_lines(planner, HourAreas(planner, EVENING).covered(at_least), points[wrong]).all()


@pytest.mark.slow
def test_gaps_hold_every_other_point_of_a_street_and_no_reached_one(planner, evening):
    _, _, points, costs = sampled(planner, seed=7)
    is_covered = np.logical_and.reduce([cost.min(axis=1) <= planner.cutoff_ms for cost in costs])
    gaps = shapely.union_all(
        [shapely.from_geojson(json.dumps(one["geometry"])) for one in evening["gaps"]["features"]]
    )
    inside = shapely.intersects(gaps, points)
    assert inside[~is_covered].all()
    wrong = np.flatnonzero(inside & is_covered)
    assert near_lines(planner, HourAreas(planner, EVENING).uncovered, points[wrong]).all()


@pytest.mark.slow
def test_every_point_knows_its_nearest_two_and_the_clock_agrees(planner, evening):
    clock = planner.clock()
    ids = [place.id for place in planner.stand.places.places]
    is_open = planner.stand.places.is_open[:, EVENING]
    features = evening["demand"]["features"]
    assert len(features) == len(planner.demand)
    for row, feature in enumerate(features):
        told = feature["properties"]
        cost_ms = np.where(is_open, planner.stand.cost_ms[row], FAR)
        cost_ms = np.where(cost_ms == UNREACHED, FAR, cost_ms)
        first, second = np.sort(cost_ms)[:2]
        assert told["is_covered"] == bool(clock.is_covered[row, EVENING])
        assert told["has_backup"] == bool(clock.count[row, EVENING] >= 2)
        assert told["nearest_min"] == (None if first == FAR else pytest.approx(first / 60_000, abs=0.006))
        assert told["second_min"] == (None if second == FAR else pytest.approx(second / 60_000, abs=0.006))
        assert told["nearest"] is None or cost_ms[ids.index(told["nearest"])] == first
    share = evening["service_areas"]["features"][0]["properties"]["rider_share"]
    assert share == pytest.approx(clock.share[EVENING], abs=1e-6)


@pytest.mark.slow
def test_catchments_hold_each_open_place_once_and_all_demand_that_has_a_way(planner, evening):
    features = evening["catchments"]["features"]
    assert len(features) == int(planner.stand.places.is_open[:, EVENING].sum())
    reached = [one for one in evening["demand"]["features"] if one["properties"]["nearest"] is not None]
    assert sum(one["properties"]["points"] for one in features) == len(reached)
    for one in features[::9]:
        own = [point for point in reached if point["properties"]["nearest"] == one["properties"]["id"]]
        assert len(own) == one["properties"]["points"]


@pytest.mark.slow
def test_a_street_tells_the_minutes_from_its_middle(planner, evening):
    network = planner.router.network
    streets = evening["streets"]["features"]
    assert len(streets) == network.n_links
    links = np.arange(0, network.n_links, 97)
    at = planner.stand.at.take(np.flatnonzero(planner.stand.places.is_open[:, EVENING]))
    cost_ms = planner.router.matrix(stand_on(network, links, np.full(len(links), 0.5)), at)
    for link, costs in zip(links.tolist(), cost_ms, strict=True):
        ways = costs[costs != UNREACHED]
        told = streets[link]["properties"]["minutes"]
        assert told == (pytest.approx(ways.min() / 60_000, abs=0.006) if len(ways) else None)


@pytest.mark.slow
def test_gaps_name_who_is_left_out_and_the_minutes_that_would_reach_them(planner, evening):
    gaps = [one["properties"] for one in evening["gaps"]["features"]]
    assert [gap["riders"] for gap in gaps] == sorted((gap["riders"] for gap in gaps), reverse=True)
    assert gaps[0]["names"]
    assert gaps[0]["minutes_for_all"] is not None
    left = [one["properties"] for one in evening["demand"]["features"]]
    missing = sum(one["riders"] for one in left if not one["is_covered"])
    assert sum(gap["riders"] for gap in gaps) <= missing + 0.01
    assert all(one["properties"]["synthetic"] for part in evening.values() for one in part["features"])


def test_metres_and_two_stations_are_said_as_such(planner):
    asked = replace(planner.parameters, also=(), **PRESETS["1-km-two"])
    both = Planner(planner.district, asked, planner.demand)
    found = areas_json(both, EVENING, ["demand", "catchments"])
    assert (found["demand"]["metres"], found["demand"]["stations"]) == (1000.0, 2)
    is_covered = both.clock().is_covered[:, EVENING]
    for row, told in enumerate(one["properties"] for one in found["demand"]["features"]):
        assert told["is_covered"] == told["has_backup"] == bool(is_covered[row])
        assert told["is_covered"] == (told["second_m"] is not None and told["second_m"] <= 1000.0)
        assert "nearest_min" not in told
    assert all("farthest_m" in one["properties"] for one in found["catchments"]["features"])


def test_with_nothing_open_everything_is_a_gap(demo_district):
    whole = draw_demand(demo_district)
    closed = Parameters(Need("merchant"), MONDAY, accept=())
    planner = Planner(demo_district, closed, whole.take(np.arange(0, len(whole), 200)))
    hour = int(np.argmin(planner.stand.places.is_open.sum(axis=0)))
    if planner.stand.places.is_open[:, hour].any():
        planner.stand.places.is_open[:, hour] = False
    found = areas_json(planner, hour, ["catchments", "demand", "streets"])
    assert found["catchments"]["features"] == []
    assert {one["properties"]["nearest"] for one in found["demand"]["features"]} == {None}
    assert {one["properties"]["minutes"] for one in found["streets"]["features"]} == {None}


def test_a_part_or_an_hour_that_does_not_exist_is_refused(planner):
    with pytest.raises(InvalidInputError, match="part='moon' is unknown"):
        areas_json(planner, 2, ["moon"])
    with pytest.raises(InvalidInputError, match="hour=168 is outside"):
        areas_json(planner, 168, PARTS[:1])
    for text in ("Mo", "Xx-02", "Mo-24", "Mo-2a", "Mo_02"):
        with pytest.raises(InvalidInputError, match="no hour of the week"):
            parse_hour(text)


@pytest.mark.slow
def test_an_hour_is_written_as_one_file_at_the_command_line(run, demo_directory, tmp_path):
    path = tmp_path / "night.geojson"
    words = ["--layer", "station", "--accept", "stale,unknown", "--hour", "Mo-02"]
    code, out, _ = run("areas", demo_directory, *words, "--parts", "catchments,streets", "-o", path)
    assert code == 0
    assert "11 open" in out
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert {one["properties"]["part"] for one in features} == {"catchment", "street"}
    code, _, err = run("areas", demo_directory, *words)
    assert code == 2
    assert "give -o" in err
