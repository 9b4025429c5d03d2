"""Snapping: the nearest street, bit for bit as written down, and what a foot point costs."""

import math

import numba
import numpy as np
import pyproj
import pytest

from geo_service.engine.router import NONE, SNAP_LIMIT_M, UNREACHED, Router
from geo_service.errors import InvalidInputError
from tests.oracles import engine as oracle
from tests.towns import METRIC, Street, make_network, random_network, random_points, show

HAS_JIT = not numba.config.DISABLE_JIT
SEEDS = range(60 if HAS_JIT else 12)


def metres_east(lon: float, metres: float) -> float:
    return lon + metres / METRIC.lon_m / 1e6


def metres_north(lat: float, metres: float) -> float:
    return lat + metres / METRIC.lat_m / 1e6


def assert_snaps_equal_oracle(network, points):
    snaps = Router(network).snap(points)
    for i, (lon, lat) in enumerate(points):
        foot = oracle.snap(network, float(lon), float(lat))
        link = None if snaps.link[i] == NONE else int(snaps.link[i])
        got = (link, snaps.share[i], snaps.foot_lon[i], snaps.foot_lat[i], snaps.gap_m[i])
        assert np.array_equal(
            np.array(got, dtype=np.float64), np.array(tuple(foot), dtype=np.float64), equal_nan=True
        ), f"point {lon!r},{lat!r}: {got} is not {foot}\n{show(network)}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_point_snaps_where_a_look_at_every_segment_puts_it_bit_for_bit(seed):
    network = random_network(seed)
    assert_snaps_equal_oracle(network, random_points(network, seed, 30))


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_points_far_outside_find_the_same_nearest_street_as_a_look_at_all(seed):
    network = random_network(seed, span_m=4000.0)
    assert_snaps_equal_oracle(network, random_points(network, seed, 30, spread_m=2500.0))


@pytest.mark.slow
@pytest.mark.skipif(not HAS_JIT, reason="too long without compiled kernels")
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_many_more_towns_snap_as_the_oracle_does(seed):
    network = random_network(seed, n_nodes=60, span_m=3000.0)
    assert_snaps_equal_oracle(network, random_points(network, seed, 60, spread_m=200.0))


def test_a_point_beside_a_street_snaps_to_its_foot_with_share_and_gap(draw):
    town = draw("a---------b", gap_ms_per_m=720.0)
    snaps = town.snap((4.0, -1.0))
    assert snaps.link[0] == 0
    assert snaps.share[0] == pytest.approx(0.4, abs=1e-9)
    assert snaps.gap_m[0] == pytest.approx(180 * METRIC.lat_m, abs=1e-6)
    assert snaps.gap_ms[0] == math.floor(snaps.gap_m[0] * 720.0)
    assert (snaps.forward_ms[0], snaps.backward_ms[0]) == (3600, 5400)


def test_the_delay_at_the_head_is_no_part_of_the_way_to_the_foot(draw):
    town = draw("a---------b", gates={"b": 20})
    snaps = town.snap((5.0, 0.0))
    assert town.network.edge_weight_ms[town.edge("ab")] == 29_000
    assert snaps.forward_ms[0] == 4500
    assert snaps.backward_ms[0] == 4500


def test_a_one_way_street_has_no_cost_in_the_direction_that_is_not_there(draw):
    snaps = draw("a→→→→b").snap((2.0, 0.0))
    assert snaps.forward_ms[0] >= 0
    assert snaps.backward_ms[0] == UNREACHED


def test_the_gap_is_the_distance_on_the_ellipsoid_to_the_millimetre():
    network = random_network(3)
    points = random_points(network, 3, 50)
    snaps = Router(network).snap(points)
    near = snaps.link != NONE
    _, _, crow_m = pyproj.Geod(ellps="WGS84").inv(
        points[near, 0], points[near, 1], snaps.foot_lon[near], snaps.foot_lat[near]
    )
    # the metric of these towns is rounded to seven digits, and a foot within a centimetre of a node moves there
    np.testing.assert_allclose(snaps.gap_m[near], crow_m, rtol=2e-5, atol=0.011)


def test_a_point_on_a_node_stands_exactly_on_the_end_of_its_link(draw):
    town = draw("""
        a--b--c
        |     |
        d-----e
    """)
    snaps = town.snap(*"abcde")
    assert set(snaps.share.tolist()) <= {0.0, 1.0}
    assert np.array_equal(snaps.foot_lon, town.network.node_lon_e6 / 1e6)
    assert np.array_equal(snaps.foot_lat, town.network.node_lat_e6 / 1e6)


def test_equally_near_streets_tie_to_the_lowest_edge(draw):
    town = draw("""
        a---b

        c---d
    """)
    assert town.snap((2.0, 1.0)).link[0] == town.network.edge_link[0]


def test_parallel_streets_with_one_drawing_tie_to_the_lowest_edge():
    nodes = [(116_442_000, 39_957_000), (116_443_000, 39_957_000)]
    network = make_network(nodes, [Street(0, 1, (), 9, 9), Street(0, 1, (), 5, 5)])
    assert Router(network).snap([[116.4425, 39.9571]]).link[0] == 0


def test_a_point_at_the_start_of_a_loop_has_share_zero():
    nodes = [(116_442_000, 39_957_000)]
    loop = Street(0, 0, ((116_442_500, 39_957_000), (116_442_500, 39_957_500)), 100, 100)
    snaps = Router(make_network(nodes, [loop])).snap([[116.442, 39.957]])
    assert snaps.share[0] == 0.0
    assert (snaps.forward_ms[0], snaps.backward_ms[0]) == (0, 100)


def test_a_link_without_length_takes_the_foot_at_its_start():
    nodes = [(116_442_000, 39_957_000), (116_442_000, 39_957_000)]
    snaps = Router(make_network(nodes, [Street(0, 1, (), 50, 50)])).snap([[116.442, 39.9571]])
    assert snaps.share[0] == 0.0
    assert snaps.gap_m[0] == pytest.approx(100 * METRIC.lat_m)


def test_a_point_within_the_limit_snaps_and_one_beyond_does_not_but_tells_its_gap(draw):
    town = draw("a---b")
    (lon, lat), _ = town.lonlat("a", "b")
    snaps = town.router.snap(
        [[lon, metres_north(lat, SNAP_LIMIT_M - 0.01)], [lon, metres_north(lat, SNAP_LIMIT_M + 0.01)]]
    )
    assert snaps.link.tolist() == [0, NONE]
    assert snaps.gap_m == pytest.approx([SNAP_LIMIT_M - 0.01, SNAP_LIMIT_M + 0.01], abs=1e-4)
    assert snaps.gap_ms[1] == UNREACHED
    assert math.isnan(snaps.share[1])


def test_a_point_on_another_continent_tells_a_large_gap(draw):
    town = draw("a---b")
    snaps = town.router.snap([[-70.0, -33.0], [0.0, 0.0], [116.442, 89.9]])
    assert snaps.link.tolist() == [NONE] * 3
    assert (snaps.gap_m > 4_000_000).all()


def test_a_part_with_less_than_a_twentieth_of_the_largest_is_an_island(draw):
    alphabet = "abcdefghijklmnopqrstuvwxyzCDEFGHIJKLMNOPQ"
    picture = "-".join(alphabet) + "\n\n\n\nA---B"
    town = draw(picture)
    assert len(alphabet) == 41
    (link,) = town.snap((2.0, 3.9)).link
    assert town.network.link_edge[link].max() != town.edge("BA")
    exact = draw("-".join(alphabet[:40]) + "\n\n\n\nA---B")
    (link,) = exact.snap((2.0, 3.9)).link
    assert exact.network.link_edge[link].max() == exact.edge("BA")


def test_an_island_is_taken_where_nothing_else_is_within_the_limit(draw):
    alphabet = "abcdefghijklmnopqrstuvwxyzCDEFGHIJKLMNOPQ"
    town = draw("-".join(alphabet) + "\n" * 30 + "A---B")
    (link,) = town.snap((2.0, 29.0)).link
    assert town.network.link_edge[link].max() == town.edge("BA")


def test_a_batch_gives_what_single_calls_give():
    network = random_network(11)
    router, points = Router(network), random_points(network, 11, 20)
    whole = router.snap(points)
    for i, point in enumerate(points):
        single = router.snap([point])
        for one, many in zip(single, whole.take(slice(i, i + 1)), strict=True):
            assert np.array_equal(one, many, equal_nan=one.dtype.kind == "f")


def test_no_points_give_no_snaps(draw):
    assert len(draw("a-b").router.snap(np.empty((0, 2))).link) == 0


def test_the_callers_array_is_left_alone(draw):
    points = draw("a-b").lonlat("a")
    points.flags.writeable = False
    assert draw("a-b").router.snap(points).link[0] == 0


def test_take_gives_rows_by_mask_and_by_number(draw):
    snaps = draw("a--b--c").snap(*"abc")
    assert snaps.take(np.array([True, False, True])).lon.tolist() == snaps.lon[[0, 2]].tolist()
    assert snaps.take(np.array([2, 0])).lon.tolist() == snaps.lon[[2, 0]].tolist()


def test_swapped_coordinates_are_refused_with_a_hint(draw):
    with pytest.raises(InvalidInputError, match="swapped"):
        draw("a-b").router.snap([[39.957, 116.442]])


@pytest.mark.parametrize("bad", [math.nan, math.inf, 200.0])
def test_coordinates_off_the_globe_are_refused(draw, bad):
    with pytest.raises(InvalidInputError, match="lon"):
        draw("a-b").router.snap([[bad, 39.957]])


def test_points_of_another_shape_are_refused(draw):
    with pytest.raises(InvalidInputError, match=r"shape \(n, 2\)"):
        draw("a-b").router.snap([116.442, 39.957])


@pytest.mark.skipif(not HAS_JIT, reason="kernels run as plain Python")
def test_compiled_kernels_fuse_nothing_and_equal_plain_python_bit_for_bit():
    network = random_network(5, n_nodes=60)
    router, points = Router(network), random_points(network, 5, 400)
    compiled = router.snap(points)
    for i in range(len(points)):
        foot = oracle.snap(network, float(points[i, 0]), float(points[i, 1]))
        assert compiled.gap_m[i].tobytes() == np.float64(foot.gap_m).tobytes()
