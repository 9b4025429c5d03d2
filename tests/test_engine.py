"""The door of the engine against its slow twin, on drawn and on random towns."""

import dataclasses
import hashlib
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath

import numba
import numpy as np
import pytest

from geo_service.engine import (
    buckets,
    climb,
    contraction,
    dijkstra,
    heap,
    join,
    labels,
    listed,
    path,
    scan,
    snap,
    sweep,
    tables,
    trace,
    unpack,
    what_if,
)
from geo_service.engine.router import NONE, UNREACHED, Windows
from geo_service.engine.warming import warm_up
from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.network.graph import load_network, save_network
from tests import towns
from tests.oracles import engine as oracle
from tests.towns import (
    METRIC,
    Street,
    line_m,
    make_network,
    make_router,
    random_network,
    random_points,
    show,
    with_weights,
)

ENGINE = (
    snap, heap, dijkstra, contraction, labels, climb, join, tables, buckets, scan, listed, sweep, trace, unpack, path,
    what_if,
)  # fmt: skip
HAS_JIT = not numba.config.DISABLE_JIT
SEEDS = range(60 if HAS_JIT else 10)
WIDE, HIGH = 116_442_000, 39_957_000


@pytest.fixture(autouse=True, params=["search", "labels", pytest.param("climb", marks=pytest.mark.slow)])
def kernel(request):
    """Every test asks all kernels: the search, saved labels, and, slowly, labels made for each question."""
    before, towns.KERNEL[0] = towns.KERNEL[0], request.param
    yield request.param
    towns.KERNEL[0] = before


def make_windows(lists):
    return Windows(
        np.cumsum([0] + [len(each) for each in lists]).astype(np.int32),
        np.array([a for each in lists for a, _ in each], dtype=np.int64),
        np.array([b for each in lists for _, b in each], dtype=np.int64),
    )


def random_windows(dice, table, n):
    """Up to three windows a facility, their edges often exactly on a cost."""
    seen = [found[0] for row in table for found in row if found] or [0]
    windows = []
    for _ in range(n):
        ends = [
            dice.choice(seen) + dice.choice([-1, 0, 0, 1, 50]) for _ in range(2 * dice.choice([0, 1, 1, 3]))
        ]
        windows.append([tuple(sorted(pair)) for pair in zip(ends[::2], ends[1::2], strict=True)])
    return windows


def plain(nearest, row):
    """(cost, facility, length) of one row of Nearest, padding checked and dropped."""
    is_none = nearest.facility[row] == NONE
    assert (nearest.cost_ms[row][is_none] == UNREACHED).all()
    assert (nearest.length_mm[row][is_none] == UNREACHED).all()
    columns = (nearest.cost_ms[row], nearest.facility[row], nearest.length_mm[row])
    return list(zip(*(column[~is_none].tolist() for column in columns), strict=True))


def assert_town_equals_oracle(network, seed, n_points=10):
    dice = random.Random(seed)
    points = random_points(network, seed, n_points)
    feet = [oracle.snap(network, *map(float, point)) for point in points]
    table = oracle.costs(network, feet, feet)
    router = make_router(network)
    snaps = router.snap(points)
    expected = [[found[0] if found else UNREACHED for found in row] for row in table]
    assert router.matrix(snaps, snaps).tolist() == expected, show(network)
    few = slice(0, 3)
    assert router.matrix(snaps, snaps.take(few)).tolist() == [row[few] for row in expected], show(network)
    windows = random_windows(dice, table, n_points)
    k = dice.randint(1, n_points + 2)
    freely, timed = router.nearest(snaps, snaps, k), router.nearest(snaps, snaps, k, make_windows(windows))
    for row in range(n_points):
        assert plain(freely, row) == oracle.nearest(table[row], k, None), show(network)
        assert plain(timed, row) == oracle.nearest(table[row], k, windows), f"{windows}\n{show(network)}"
    return router, snaps, table


def assert_path_is_sound(network, path, origin, destination):
    """Sums hold, pieces join, whole edges are whole, and what is drawn is as long as it says."""
    assert path.cost_ms == path.gap_ms.sum() + path.edge_cost_ms.sum()
    assert path.length_mm == path.gap_mm.sum() + path.edge_length_mm.sum()
    assert (network.edge_head[path.edge[:-1]] == network.edge_tail[path.edge[1:]]).all()
    inner = path.edge[1:-1]
    assert (path.edge_cost_ms[1:-1] == network.edge_weight_ms[inner]).all()
    assert (path.edge_length_mm[1:-1] == network.link_length_mm[network.edge_link[inner]]).all()
    assert path.lonlat[0].tolist() == [origin.lon[0], origin.lat[0]]
    assert path.lonlat[1].tolist() == [origin.foot_lon[0], origin.foot_lat[0]]
    assert path.lonlat[-1].tolist() == [destination.lon[0], destination.lat[0]]
    np.testing.assert_allclose(
        path.lonlat[-2], [destination.foot_lon[0], destination.foot_lat[0]], rtol=0, atol=1e-12
    )
    assert path.first_point[0] == 1
    assert path.first_point[-1] == len(path.lonlat) - 2
    joints = path.lonlat[path.first_point[1:-1]]
    heads = network.edge_head[path.edge[:-1]]
    assert joints[:, 0].tolist() == (network.node_lon_e6[heads] / 1e6).tolist()
    assert joints[:, 1].tolist() == (network.node_lat_e6[heads] / 1e6).tolist()
    for i in range(len(path.edge)):
        drawn = path.lonlat[path.first_point[i] : path.first_point[i + 1] + 1] * 1e6
        assert len(drawn) >= 2
        # whole millimetres; and the metric is taken in the middle of each segment, also of a cut one
        stated_m = path.edge_length_mm[i] / 1000
        assert line_m(drawn.tolist()) == pytest.approx(stated_m, abs=0.003, rel=3e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_matrix_and_nearest_equal_the_oracle_on_random_towns(seed):
    assert_town_equals_oracle(random_network(seed), seed)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_JIT, reason="too long without compiled kernels")
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_many_more_towns_equal_the_oracle(seed):
    n_nodes = 4 + seed % 90
    assert_town_equals_oracle(random_network(seed, n_nodes=n_nodes), seed, n_points=16)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_route_equals_the_oracle_to_the_millisecond_and_draws_what_it_says(seed):
    network = random_network(seed)
    router, snaps, table = assert_town_equals_oracle(network, seed, n_points=6)
    for i in range(6):
        for j in range(6):
            origin, destination = snaps.take(slice(i, i + 1)), snaps.take(slice(j, j + 1))
            if NONE in (origin.link[0], destination.link[0]):
                continue
            if table[i][j] is None:
                with pytest.raises(UnreachableError):
                    router.route(origin, destination)
                continue
            path = router.route(origin, destination)
            assert (path.cost_ms, path.length_mm) == table[i][j], show(network)
            assert_path_is_sound(network, path, origin, destination)


@pytest.mark.parametrize("seed", SEEDS)
def test_reach_equals_the_oracle_on_random_towns(seed):
    network = random_network(seed)
    router, dice = make_router(network), random.Random(seed)
    for point in random_points(network, seed, 4):
        foot = oracle.snap(network, *map(float, point))
        if foot.link is None:
            continue
        typical = int(network.edge_weight_ms.mean())
        for cutoff_ms in (0, oracle.gap(network, foot)[0] + dice.randint(0, 6 * typical), 10**9):
            reach = router.reach(router.snap([point]), cutoff_ms)
            nodes, parts = oracle.reach(network, foot, cutoff_ms)
            expected = [nodes.get(v, UNREACHED) for v in range(network.n_nodes)]
            assert reach.node_cost_ms.tolist() == expected, show(network)
            columns = (reach.edge, reach.start_share, reach.end_share, reach.start_cost_ms)
            got = list(zip(*(column.tolist() for column in columns), strict=True))
            assert len(got) == len(set(got))
            assert set(got) == parts, show(network)
            assert got == sorted(got, key=lambda part: part[:2])


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not HAS_JIT, reason="too long without compiled kernels")
@pytest.mark.parametrize("extract", ["beijing-tsinghua-2017", "beijing-bupt-2025", "xiangheyuan"])
def test_a_real_district_equals_the_oracle(shared_data, extract):
    from geo_service.network.osm import read_osm_file

    extracts = read_osm_file(shared_data / f"{extract}.osm.pbf", profiles=("walk", "ebike"))
    for network in extracts.networks.values():
        router, snaps, table = assert_town_equals_oracle(network, 5, n_points=12)
        for i, row in enumerate(table):
            origin, destination = snaps.take(slice(i, i + 1)), snaps.take(slice(0, 1))
            if row[0] is not None:
                path = router.route(origin, destination)
                assert (path.cost_ms, path.length_mm) == row[0]
                assert path.lonlat[0].tolist() == [origin.lon[0], origin.lat[0]]


# --- drawn towns: one thing at a time -----------------------------------------------------


def test_one_way_streets_make_the_way_back_longer(draw):
    town = draw("""
        a→→b--c
        |     |
        d-----e
    """)
    assert town.cost("a", "b") == 2
    assert town.cost("b", "a") == 9


def test_bends_are_streets_too(draw):
    town = draw("""
        a--+
        b  |
        |  |
        +--+
    """)
    assert town.cost("a", "b") == 10
    assert len(town.path("a", "b").lonlat) == 7


def test_a_gate_costs_whoever_passes_it(draw):
    town = draw("a--b--c", gates={"b": 5})
    assert town.cost("a", "c") == 9


def test_a_gate_at_the_end_of_the_last_edge_is_not_passed(draw):
    town = draw("a----------b", gates={"b": 5})
    assert town.cost("a", (10.9, 0)) < 10
    assert town.cost("a", "b") == 10


def test_two_points_on_one_street_go_straight_along_it(draw):
    town = draw("a---------b")
    path = town.path((2.0, 0), (7.0, 0))
    assert path.cost_ms == pytest.approx(4500, abs=1)
    assert path.edge.tolist() == [town.edge("ab")]
    assert town.path((7.0, 0), (2.0, 0)).edge.tolist() == [town.edge("ba")]


def test_two_points_on_a_one_way_street_go_around_against_it(draw):
    town = draw("""
        a→→→→→→→→→b
        |         |
        +---------+
    """)
    assert town.cost((2.0, 0), (7.0, 0)) == pytest.approx(4.5, abs=0.001)
    around = 9 + 13
    assert town.cost((7.0, 0), (2.0, 0)) == pytest.approx(around - 4.5, abs=0.002)


def test_against_a_dead_end_one_way_street_there_is_no_way(draw):
    town = draw("a→→→→b")
    assert town.cost("a", "b") == 4
    with pytest.raises(UnreachableError, match="no way leads there"):
        town.path("b", "a")


def test_going_around_is_taken_where_it_is_faster_than_straight_along():
    nodes = [(WIDE, HIGH), (WIDE + 1000, HIGH)]
    slow, fast = Street(0, 1, (), 100_000, 100_000), Street(0, 1, ((WIDE + 500, HIGH + 900),), 10, 10)
    router = make_router(make_network(nodes, [slow, fast], gap_ms_per_m=0.0))
    ends = router.snap([[116.44201, 39.957], [116.44299, 39.957]])
    path = router.route(ends.take(slice(0, 1)), ends.take(slice(1, 2)))
    assert path.cost_ms == 2 * 1000 + 10
    assert len(path.edge) == 3


def test_a_point_is_reached_from_itself_at_no_cost_but_its_gaps(draw):
    town = draw("a→→→→b")
    path = town.path((2.0, 1.0), (2.0, 1.0))
    assert path.cost_ms == 2 * path.gap_ms[0] > 0
    assert len(path.edge) == 0
    assert path.first_point.tolist() == [1]
    assert len(path.lonlat) == 3


def test_a_one_way_street_does_not_hold_whoever_stands_at_its_mouth(draw):
    town = draw("""
        a→→b
        |
        c
    """)
    assert town.snap("a").link[0] == town.network.edge_link[town.edge("ab")]
    assert town.cost("a", "c") == 1
    assert town.cost("c", "a") == 1


def test_a_node_at_the_far_end_of_a_one_way_street_is_reached_from_other_streets(draw):
    town = draw("""
        a→→b
           |
           c
    """)
    assert town.snap("b").link[0] == town.network.edge_link[town.edge("ab")]
    assert town.cost("c", "b") == 1


def test_stopping_on_the_way_never_makes_it_shorter():
    for seed in SEEDS[:20]:
        network = random_network(seed)
        router = make_router(network)
        snaps = router.snap(random_points(network, seed, 12, spread_m=0.0))
        cost = router.matrix(snaps, snaps).astype(np.float64)
        cost[cost == UNREACHED] = np.inf
        detour = cost[:, :, None] + cost[None, :, :]
        assert (detour >= cost[:, None, :]).all(), show(network)


def test_a_loop_is_travelled_the_shorter_way_round():
    loop = Street(
        0, 0, ((WIDE + 1000, HIGH), (WIDE + 1000, HIGH + 1000), (WIDE, HIGH + 1000)), 40_000, 40_000
    )
    router = make_router(make_network([(WIDE, HIGH)], [loop], gap_ms_per_m=0.0))
    early, late = router.snap([[116.4421, 39.957]]), router.snap([[116.442, 39.9571]])
    around = router.route(early, late)
    assert around.cost_ms < 10_000
    assert len(around.edge) == 2
    assert_path_is_sound(router.network, around, early, late)


def test_the_faster_of_two_parallel_streets_is_taken():
    nodes = [(WIDE, HIGH), (WIDE + 1000, HIGH), (WIDE - 900, HIGH), (WIDE + 1900, HIGH)]
    streets = [Street(2, 0, (), 7, 7), Street(0, 1, (), 9, 9), Street(0, 1, (), 5, 5), Street(1, 3, (), 7, 7)]
    router = make_router(make_network(nodes, streets, gap_ms_per_m=0.0))
    ends = router.snap([[(WIDE - 900) / 1e6, 39.957], [(WIDE + 1900) / 1e6, 39.957]])
    assert router.matrix(ends, ends).tolist() == [[0, 19], [19, 0]]


def test_among_the_fastest_ways_the_shortest_is_taken():
    nodes = [(WIDE, HIGH), (WIDE + 1000, HIGH), (WIDE - 900, HIGH), (WIDE + 1900, HIGH)]
    bent = Street(0, 1, ((WIDE + 500, HIGH + 500),), 9, 9)
    streets = [Street(2, 0, (), 7, 7), bent, Street(0, 1, (), 9, 9), Street(1, 3, (), 7, 7)]
    router = make_router(make_network(nodes, streets))
    ends = router.snap([[(WIDE - 900) / 1e6, 39.957], [(WIDE + 1900) / 1e6, 39.957]])
    path = router.route(ends.take(slice(0, 1)), ends.take(slice(1, 2)))
    assert path.length_mm == pytest.approx(2800 * METRIC.lon_m * 1000, abs=3)
    assert router.nearest(ends.take(slice(0, 1)), ends.take(slice(1, 2)), 1).length_mm[0, 0] == path.length_mm


def test_ways_that_tie_in_cost_and_length_take_the_lowest_edge():
    nodes = [(WIDE, HIGH), (WIDE + 1000, HIGH), (WIDE - 900, HIGH), (WIDE + 1900, HIGH)]
    twins = [Street(0, 1, (), 9, 9), Street(0, 1, (), 9, 9)]
    network = make_network(nodes, [Street(2, 0, (), 7, 7), *twins, Street(1, 3, (), 7, 7)])
    router = make_router(network)
    ends = router.snap([[(WIDE - 900) / 1e6, 39.957], [(WIDE + 1900) / 1e6, 39.957]])
    path = router.route(ends.take(slice(0, 1)), ends.take(slice(1, 2)))
    choices = np.flatnonzero((network.edge_tail == 0) & (network.edge_head == 1))
    assert path.edge[1] == choices.min()


def test_the_gap_is_paid_at_both_ends(draw):
    town = draw("a---------b", gap_ms_per_m=720.0)
    path = town.path((2.0, 2.0), (7.0, -1.0))
    assert path.gap_ms.tolist() == [int(2 * 180 * METRIC.lat_m * 720), int(180 * METRIC.lat_m * 720)]
    assert path.edge_cost_ms.sum() == pytest.approx(4500, abs=1)
    assert path.cost_ms == path.edge_cost_ms.sum() + path.gap_ms.sum()


# --- nearest ------------------------------------------------------------------------------


def test_nearest_facilities_come_in_order_and_are_padded_beyond_the_last(draw):
    town = draw("a--b-c----d")
    nearest = town.router.nearest(town.snap("b"), town.snap("a", "c", "d"), 5)
    assert nearest.facility.tolist() == [[1, 0, 2, NONE, NONE]]
    assert nearest.cost_ms.tolist() == [[1000, 2000, 5000, UNREACHED, UNREACHED]]


def test_equal_costs_are_ordered_by_row_of_the_facility(draw):
    town = draw("a--b--c")
    nearest = town.router.nearest(town.snap("b"), town.snap("c", "a", "c", "a"), 3)
    assert nearest.facility.tolist() == [[0, 1, 2]]


def test_a_facility_counts_from_its_opening_and_no_more_at_its_closing(draw):
    town = draw("a--b", gap_ms_per_m=0.0)
    for opens, closes, is_found in (
        (2000, 2001, True),
        (2001, 9000, False),
        (0, 2000, False),
        (-5, 2001, True),
    ):
        nearest = town.router.nearest(town.snap("a"), town.snap("b"), 1, make_windows([[(opens, closes)]]))
        assert bool(nearest.facility[0, 0] == 0) is is_found


def test_nobody_takes_a_slower_way_to_come_when_it_is_open(draw):
    town = draw("""
        a--b
        |  |
        +--+
    """)
    opens_later = make_windows([[(3000, 9000)]])
    assert town.router.nearest(town.snap("a"), town.snap("b"), 1, opens_later).facility[0, 0] == NONE


def test_a_closed_facility_gives_way_to_the_next(draw):
    town = draw("a--b--c--d")
    windows = make_windows([[(0, 1000)], [], [(6000, 7000), (0, 1)]])
    nearest = town.router.nearest(town.snap("a"), town.snap(*"bcd"), 2, windows)
    assert nearest.facility.tolist() == [[2, NONE]]


def test_origins_and_facilities_far_from_any_street_find_nothing_and_are_not_found(draw):
    town = draw("a--b--c")
    origins, facilities = town.snap("a", (50.0, 50.0)), town.snap((50.0, 50.0), "c")
    nearest = town.router.nearest(origins, facilities, 2)
    assert nearest.facility.tolist() == [[1, NONE], [NONE, NONE]]
    assert town.router.matrix(origins, facilities).tolist() == [[UNREACHED, 4000], [UNREACHED, UNREACHED]]


def test_no_facilities_no_origins_no_trouble(draw):
    town = draw("a--b")
    nobody = town.router.snap(np.empty((0, 2)))
    assert town.router.nearest(town.snap("a"), nobody, 2).facility.tolist() == [[NONE, NONE]]
    assert town.router.nearest(town.snap("a"), nobody, 1, make_windows([])).facility.tolist() == [[NONE]]
    assert town.router.nearest(nobody, town.snap("a"), 2).facility.shape == (0, 2)
    assert town.router.matrix(nobody, town.snap("a")).shape == (0, 1)
    assert town.router.matrix(town.snap("a"), nobody).shape == (1, 0)


def test_another_part_of_town_is_not_reached(draw):
    town = draw("""
        a-b   c-d
    """)
    assert town.router.matrix(town.snap("a"), town.snap("b", "c")).tolist() == [[1000, UNREACHED]]


def test_more_facilities_than_ever_before_are_no_trouble(draw):
    town = draw("a--b")
    few, many = town.snap("b"), town.router.snap(np.repeat(town.lonlat("b"), 5000, axis=0))
    assert town.router.nearest(town.snap("a"), few, 1).cost_ms[0, 0] == 2000
    assert town.router.nearest(town.snap("a"), many, 3).facility.tolist() == [[0, 1, 2]]
    assert (town.router.matrix(town.snap("a"), many) == 2000).all()


# --- reach --------------------------------------------------------------------------------


def test_the_cutoff_is_inclusive(draw):
    town = draw("a--b--c")
    assert town.router.reach(town.snap("a"), 4000).node_cost_ms.tolist() == [0, 2000, 4000]
    assert town.router.reach(town.snap("a"), 3999).node_cost_ms.tolist() == [0, 2000, UNREACHED]


def test_reach_ends_in_the_middle_of_an_edge(draw):
    town = draw("a----b")
    reach = town.router.reach(town.snap("a"), 1000)
    assert (reach.edge.tolist(), reach.start_share.tolist(), reach.end_share.tolist()) == (
        [town.edge("ab")],
        [0.0],
        [0.25],
    )


def test_a_gap_longer_than_the_cutoff_reaches_nothing(draw):
    town = draw("a----b")
    reach = town.router.reach(town.snap((2.0, 3.0)), 10)
    assert (reach.node_cost_ms == UNREACHED).all()
    assert len(reach.edge) == 0


def test_an_edge_is_reached_to_its_last_metre_before_its_gate_is_passed(draw):
    town = draw("a----b", gates={"b": 9})
    reach = town.router.reach(town.snap("a"), 5000)
    assert reach.end_share.tolist() == [1.0]
    assert reach.node_cost_ms.tolist() == [0, UNREACHED]


# --- refusals -----------------------------------------------------------------------------


def test_less_than_one_is_refused(draw):
    town = draw("a--b")
    with pytest.raises(InvalidInputError, match="k=0"):
        town.router.nearest(town.snap("a"), town.snap("b"), 0)


def test_a_route_from_two_points_is_refused(draw):
    town = draw("a--b")
    with pytest.raises(InvalidInputError, match="origin has 2 points"):
        town.router.route(town.snap("a", "b"), town.snap("b"))


def test_a_route_to_a_point_far_from_any_street_is_refused_with_its_distance(draw):
    town = draw("a--b")
    with pytest.raises(InvalidInputError, match=r"destination is \d+ m from the nearest street") as refusal:
        town.router.route(town.snap("a"), town.snap((60.0, 0.0)))
    assert refusal.value.facts["gap_m"] == pytest.approx(57 * 234 * METRIC.lon_m, abs=0.1)


def test_a_negative_cutoff_is_refused(draw):
    town = draw("a--b")
    with pytest.raises(InvalidInputError, match="cutoff_ms=-1"):
        town.router.reach(town.snap("a"), -1)


def test_windows_of_other_facilities_are_refused(draw):
    town = draw("a--b")
    with pytest.raises(InvalidInputError, match=r"windows\.first"):
        town.router.nearest(town.snap("a"), town.snap("b"), 1, make_windows([[], []]))
    crooked = Windows(np.array([0, 3]), np.array([0]), np.array([1]))
    with pytest.raises(InvalidInputError, match="must rise"):
        town.router.nearest(town.snap("a"), town.snap("b"), 1, crooked)


def test_snaps_of_another_network_are_refused(draw):
    big = draw("a-b-c-d-e")
    with pytest.raises(InvalidInputError, match="snap the points on this router"):
        draw("a-b").router.reach(big.snap("e"), 1)


def test_a_network_without_streets_is_refused():
    with pytest.raises(InvalidInputError, match="no street"):
        make_router(make_network([(WIDE, HIGH)], []))


@pytest.mark.parametrize("pace", [-1.0, float("nan"), 1e9])
def test_a_senseless_pace_over_the_gap_is_refused(draw, pace):
    with pytest.raises(InvalidInputError, match="gap_ms_per_m"):
        make_router(dataclasses.replace(draw("a-b").network, gap_ms_per_m=pace))


# --- limits, threads, compilation ---------------------------------------------------------


def test_the_heaviest_weights_add_up_without_overflow(draw):
    heaviest = 2**31 - 1
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    town = draw("-".join(alphabet))
    router = make_router(with_weights(town.network, heaviest))
    ends = router.snap(town.lonlat("a", "Z"))
    assert router.matrix(ends, ends)[0, 1] == 51 * heaviest
    assert router.route(ends.take(slice(0, 1)), ends.take(slice(1, 2))).cost_ms == 51 * heaviest


def test_a_router_is_frozen(draw):
    router = draw("a-b").router
    with pytest.raises(dataclasses.FrozenInstanceError):
        router.network = router.network
    works = router._works
    arrays = [column for group in (works.lines, works.forward, works.backward) for column in group]
    assert not any(array.flags.writeable for array in arrays)


def ask_everything(router, points):
    """A digest of the answers to every kind of question."""
    digest = hashlib.sha256()
    snaps = router.snap(points)
    answers = [*snaps, *router.nearest(snaps, snaps, 4), router.matrix(snaps, snaps.take(slice(0, 3)))]
    for i in range(len(points)):
        one = snaps.take(slice(i, i + 1))
        if one.link[0] == NONE:
            continue
        answers.extend(router.reach(one, 60_000))
        path = router.route(one, one)
        answers.extend([np.array([path.cost_ms, path.length_mm]), path.lonlat])
    for array in answers:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def test_eight_threads_on_one_router_get_what_one_gets():
    network = random_network(8, n_nodes=40, n_streets=90)
    router = make_router(network)
    batches = [random_points(network, seed, 8) for seed in range(24)]
    alone = [ask_everything(router, batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda batch: ask_everything(router, batch), batches))
    assert together == alone


NO_JIT = """
from tests.test_engine import ask_everything
from tests.towns import random_network, random_points
from tests.towns import make_router
for seed in range(4):
    network = random_network(seed)
    print(ask_everything(make_router(network), random_points(network, seed, 8)))
"""


@pytest.mark.skipif(not HAS_JIT, reason="kernels run as plain Python")
def test_plain_python_gives_the_same_bytes_as_compiled_kernels():
    expected = []
    for seed in range(4):
        network = random_network(seed)
        expected.append(ask_everything(make_router(network), random_points(network, seed, 8)))
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(FilePath(__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", NO_JIT], env=env, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.stdout.split() == expected


@pytest.mark.skipif(not HAS_JIT, reason="kernels run as plain Python")
def test_every_kernel_is_compiled_once_whatever_arrays_come(draw, tmp_path):
    town = draw("a--b--c")
    save_network(town.network, tmp_path)
    warm_up(make_router(load_network(tmp_path)))
    points = np.repeat(town.lonlat(*"abc"), 2, axis=0)
    snaps = town.router.snap(np.asfortranarray(points)[::2])
    town.router.nearest(snaps.take(slice(None, None, 2)), snaps, np.int64(1), make_windows([[(0, 1)]] * 3))
    town.router.reach(snaps.take(slice(0, 1)), np.int32(500))
    kernels = [f for module in ENGINE for f in vars(module).values() if hasattr(f, "signatures")]
    assert len(kernels) >= 8
    counts = {kernel.py_func.__name__: len(kernel.signatures) for kernel in kernels}
    # those that only kernels call have no signature at all when they come from the cache
    assert {name for name, count in counts.items() if count > 1} == set()
    assert [counts[name] for name in ("snap_points", "fill_ends", "search")] == [1, 1, 1]
