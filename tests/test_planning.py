"""Demand, coverage by the hour, and the menu of measures, against slow ways of saying the same."""

from itertools import combinations

import numpy as np
import pytest

from geo_service.errors import InvalidInputError
from geo_service.network.features import OsmArea, OsmFeatures, OsmPoi, ReadReport
from geo_service.planning.cover import (
    Clock,
    count_open,
    gini,
    left_out,
    nearest_open_ms,
    share_by_area,
    unreached_rows,
    within,
)
from geo_service.planning.demand import GROUPS, HOURS, KINDS, Group, Weights, build_demand, pack_demand, weigh
from geo_service.planning.measures import Measure, Menu, Part, build_menu, choose_best, choose_greedily

WEEK = [True] * 5 + [False] * 2


def drawn(seed: int, n: int = 12, n_places: int = 5, hours: int = HOURS):
    """Costs with holes, opening hours in blocks, and weights of three kinds."""
    random = np.random.default_rng(seed)
    cost = random.integers(1, 1000, (n, n_places))
    cost[random.random(cost.shape) < 0.2] = -1
    is_open = np.repeat(random.random((n_places, hours // 6)) < 0.6, 6, axis=1)
    weights = Weights(random.random(n), random.integers(0, 3, n), random.random((len(KINDS), hours)))
    return cost, is_open, weights


@pytest.mark.parametrize("seed", range(10))
def test_each_hour_of_the_clock_equals_that_hour_alone(seed):
    cost, is_open, weights = drawn(seed)
    clock = Clock(count_open(within(cost, 400), is_open), weights)
    for hour in range(0, HOURS, 5):
        reached = [
            sum(1 for f in range(cost.shape[1]) if is_open[f, hour] and 0 <= cost[row, f] <= 400)
            for row in range(len(cost))
        ]
        riders = [weights.share[row] * weights.hourly[weights.kind[row], hour] for row in range(len(cost))]
        one = sum(r for r, places in zip(riders, reached, strict=True) if places >= 1)
        two = sum(r for r, places in zip(riders, reached, strict=True) if places >= 2)
        assert clock.share[hour] == pytest.approx(one / sum(riders))
        assert clock.backup_share[hour] == pytest.approx(two / sum(riders))


def test_an_hour_without_riders_has_no_share():
    weights = Weights(np.ones(1), np.zeros(1, dtype=np.int64), np.zeros((len(KINDS), HOURS)))
    clock = Clock(np.ones((1, HOURS), dtype=np.int32), weights)
    assert np.isnan(clock.share).all()
    assert np.isnan(clock.covered_share)


@pytest.mark.parametrize("rank", [1, 2])
def test_the_nearest_open_place_is_found_by_rank(rank):
    cost, is_open, _ = drawn(3)
    found = nearest_open_ms(cost, is_open[:, 0], rank)
    for row in range(len(cost)):
        ways = sorted(cost[row, f] for f in range(cost.shape[1]) if is_open[f, 0] and cost[row, f] != -1)
        assert found[row] == (ways[rank - 1] if len(ways) >= rank else -1)


def test_what_is_left_out_is_named_once_per_name():
    demand = pack_demand(
        [
            ("way/1", "霖澜家园", "dwelling", 116.4, 39.9, 30.0),
            ("way/2", "霖澜家园", "dwelling", 116.4, 39.9, 10.0),
            ("node/3", "云朵面馆", "meal", 116.4, 39.9, 1.0),
        ]
    )
    weights = weigh(demand, GROUPS, WEEK)
    covered = np.zeros((3, HOURS), dtype=bool)
    covered[2] = True
    rows = left_out(demand, weights, covered, range(HOURS))
    assert [(row.name, row.kind, row.size, row.points) for row in rows] == [("霖澜家园", "dwelling", 40.0, 2)]
    assert rows[0].rider_hours == pytest.approx(weights.of_points(range(HOURS))[:2].sum())


def test_demand_without_a_way_to_any_place_is_a_finding():
    assert unreached_rows(np.array([[5, -1], [-1, -1], [-1, 3]])).tolist() == [1]


def test_shares_of_areas_add_up_to_the_whole():
    cost, is_open, weights = drawn(8)
    clock = Clock(count_open(within(cost, 500), is_open), weights)
    area = np.arange(len(cost)) % 3 - 1
    rows = share_by_area(weights, clock.is_covered, area, 2)
    assert [row.area for row in rows] == [0, 1, -1]
    assert sum(row.rider_hours for row in rows) == pytest.approx(weights.total.sum())
    assert sum(row.rider_hours * row.covered_share for row in rows) == pytest.approx(clock.rider_hours)


def test_gini_of_a_hand_made_case():
    # four equal communities with 0, 0, 0 and 1: mean difference 6/16 of pairs ... 0.75
    assert gini([0, 0, 0, 1], [1, 1, 1, 1]) == pytest.approx(0.75)
    with pytest.raises(InvalidInputError, match="not negative"):
        gini([-1.0], [1.0])


def test_every_rider_of_a_group_is_somewhere():
    demand = pack_demand([("a", "", "meal", 116.4, 39.9, 2.0), ("b", "", "dwelling", 116.4, 39.9, 7.0)])
    weights = weigh(demand, GROUPS, WEEK)
    expected = sum(group.hourly(WEEK) for group in GROUPS)
    assert weights.total == pytest.approx(expected)
    assert weights.of_points(range(HOURS)).sum() == pytest.approx(expected.sum())


def test_a_group_with_nowhere_to_go_is_refused_by_name():
    demand = pack_demand([("a", "", "office", 116.4, 39.9, 2.0)])
    lost = Group("lost", "无处", "Lost", 5.0, (1.0,) * 24, (1.0,) * 24, {"meal": 1.0})
    with pytest.raises(InvalidInputError, match="'lost' goes to meal"):
        weigh(demand, [lost], WEEK)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"riders": -1.0}, "riders=-1 is outside"),
        ({"workday": (1.0,) * 23}, "give 24"),
        ({"restday": (1.0,) * 23 + (1.5,)}, "restday=1.5"),
        ({"shares": {"moon": 1.0}}, "'moon' is no kind"),
    ],
)
def test_a_group_that_makes_no_sense_is_refused(change, said):
    whole = {"riders": 1.0, "workday": (1.0,) * 24, "restday": (1.0,) * 24, "shares": {"meal": 1.0}} | change
    with pytest.raises(InvalidInputError, match=said):
        Group("g", "组", "Group", **whole)


def _square(lon: float, lat: float, side: float) -> dict[str, object]:
    ring = [[lon, lat], [lon + side, lat], [lon + side, lat + side], [lon, lat + side], [lon, lat]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_demand_is_drawn_from_kitchens_dwellings_and_offices():
    features = OsmFeatures(
        pois=(
            OsmPoi("node/1", 116.44, 39.95, {"amenity": "restaurant", "name": "面馆"}),
            OsmPoi("node/2", 116.44, 39.95, {"shop": "convenience"}),
            OsmPoi("node/3", 116.44, 39.95, {"barrier": "gate"}),
        ),
        buildings=(
            OsmArea(
                "way/1", _square(116.44, 39.95, 0.0005), {"building": "apartments", "building:levels": "6"}
            ),
            OsmArea("way/2", _square(116.45, 39.95, 0.0005), {"building": "office", "building:levels": "x"}),
            OsmArea("way/3", _square(116.45, 39.95, 0.0005), {"building": "roof"}),
        ),
        areas=(
            OsmArea("way/4", _square(116.43, 39.94, 0.1), {"landuse": "residential", "name": "大院"}),
            OsmArea("way/5", _square(116.4395, 39.9495, 0.002), {"landuse": "residential", "name": "小院"}),
        ),
        bbox=(116.4, 39.9, 116.5, 40.0),
        timestamp=None,
        report=ReadReport(),
    )
    demand = build_demand(features)
    rows = {demand.id[i]: (demand.name[i], KINDS[demand.kind[i]], demand.size[i]) for i in range(len(demand))}
    assert rows["node/1"] == ("面馆", "meal", 1.0)
    assert rows["node/2"] == ("", "shop", 1.0)
    # 42.7 m by 55.5 m on six storeys, three quarters of it lived in, 90 square metres each
    assert rows["way/1"] == ("小院", "dwelling", 119.0)
    assert rows["way/2"][1:] == ("office", 11.0)
    assert set(rows) == {"node/1", "node/2", "way/1", "way/2"}


def menu_of(seed: int, n_measures: int = 8) -> tuple[Menu, Weights, list[Part], list[Measure]]:
    random = np.random.default_rng(seed)
    cost, is_open, weights = drawn(seed, n=10, n_places=n_measures + 2, hours=24)
    near = within(cost, 300)
    standing = [Part(near[:, f], is_open[f]) for f in range(2)]
    measures = [
        Measure(
            f"m{m}", "site", f"m{m}", float(random.integers(1, 20)),
            (Part(near[:, m + 2], is_open[m + 2]), Part(near[:, m], ~is_open[m + 1])),
            group="hours-of-a" if m in (0, 1) else "",
        )
        for m in range(n_measures)
    ]  # fmt: skip
    return build_menu(measures, standing, weights), weights, standing, measures


def covered_hours(parts: list[Part], weights: Weights) -> float:
    """Rider-hours that parts cover, cell by cell."""
    total = 0.0
    for row in range(len(weights.share)):
        for hour in range(weights.hourly.shape[1]):
            if any(part.is_near[row] and part.is_open[hour] for part in parts):
                total += weights.share[row] * weights.hourly[weights.kind[row], hour]
    return total


def brute(
    menu: Menu, standing: list[Part], measures: list[Measure], weights: Weights, budget: float
) -> float:
    """The most that any choice adds, trying all of them on the cells themselves."""
    base, best = covered_hours(standing, weights), 0.0
    for size in range(len(measures) + 1):
        for chosen in combinations(measures, size):
            groups = [m.group for m in chosen if m.group]
            if sum(m.cost_yuan for m in chosen) > budget or len(groups) != len(set(groups)):
                continue
            parts = [*standing, *(part for m in chosen for part in m.parts)]
            best = max(best, covered_hours(parts, weights) - base)
    return best


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_the_best_choice_equals_trying_all(seed):
    menu, weights, standing, measures = menu_of(seed, n_measures=6)
    for budget in (0.0, 9.0, 25.0):
        best = choose_best(menu, budget)
        assert best.is_proved
        assert best.added == pytest.approx(brute(menu, standing, measures, weights, budget))
        assert best.added >= choose_greedily(menu, budget).added - 1e-9
        assert best.cost_yuan <= budget


@pytest.mark.parametrize("seed", range(6))
def test_merged_cells_weigh_what_the_cells_weigh(seed):
    menu, weights, standing, measures = menu_of(seed)
    assert menu.total == pytest.approx(weights.total.sum())
    assert menu.standing == pytest.approx(covered_hours(standing, weights))
    for chosen in ([0], [2, 5], list(range(8))):
        parts = [*standing, *(part for m in chosen for part in measures[m].parts)]
        assert menu.gain(chosen) == pytest.approx(covered_hours(parts, weights) - menu.standing)
    assert menu.alone == pytest.approx([menu.gain([m]) for m in range(8)])


def test_steps_tell_reach_added_and_cumulative():
    menu, *_ = menu_of(2)
    choice = choose_best(menu, 60.0)
    total = 0.0
    for i, step in enumerate(choice.steps):
        assert step.reach == pytest.approx(menu.gain([step.measure]))
        total += step.added
        assert step.cumulative == pytest.approx(total)
        assert step.cumulative == pytest.approx(menu.gain([one.measure for one in choice.steps[: i + 1]]))
    assert choice.covered_share == pytest.approx((menu.standing + total) / menu.total)


def test_measures_of_one_group_exclude_each_other():
    menu, *_ = menu_of(5)
    for choice in (choose_best(menu, 1e6), choose_greedily(menu, 1e6)):
        assert len({0, 1} & {step.measure for step in choice.steps}) <= 1


def test_at_most_so_many_measures_are_taken():
    menu, *_ = menu_of(4)
    assert len(choose_best(menu, 1e6, at_most=2).steps) <= 2
    assert len(choose_greedily(menu, 1e6, at_most=1).steps) == 1


def test_a_budget_for_nothing_chooses_nothing_and_proves_it():
    menu, *_ = menu_of(1)
    choice = choose_best(menu, 0.0)
    assert (choice.steps, choice.is_proved, choice.added) == ((), True, 0.0)


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_a_budget_that_is_none_is_refused(budget):
    menu, *_ = menu_of(1)
    with pytest.raises(InvalidInputError, match="number from 0 up"):
        choose_best(menu, budget)


@pytest.mark.parametrize(("kind", "cost"), [("moon", 5.0), ("site", 0.0), ("site", float("nan"))])
def test_a_measure_that_makes_no_sense_is_refused(kind, cost):
    with pytest.raises(InvalidInputError, match="measure 'm'"):
        Measure("m", kind, "m", cost, ())
