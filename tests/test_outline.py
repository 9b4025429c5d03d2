"""The outline of a reach: every reached point inside, no unreached one, by walking along every street."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
import shapely.ops

from geo_service.engine.router import Reach, Router
from geo_service.finder.outline import THREAD_M, reach_outlines
from geo_service.finder.stretches import Stretches, merge_stretches, other_stretches, reached_stretches
from geo_service.network.osm import read_osm_file
from tests.towns import Street, make_network, random_network, random_points

STEPS = np.linspace(0.0, 1.0, 21)
SLACK_M = 0.02
"""Corners of an outline lie on a grid of a centimetre."""


def reached_intervals(network, reach):
    """Of each link the intervals that some edge part covers, in the drawn direction; plain and slow."""
    intervals = {link: [] for link in range(network.n_links)}
    for edge, start, end in zip(reach.edge.tolist(), reach.start_share, reach.end_share, strict=True):
        link = int(network.edge_link[edge])
        is_along = network.link_edge[link, 0] == edge
        intervals[link].append((start, end) if is_along else (1.0 - end, 1.0 - start))
    return intervals


def line_of(network, link):
    first, last = network.first_point[link], network.first_point[link + 1]
    return np.column_stack([network.point_lon_e6[first:last], network.point_lat_e6[first:last]]) / 1e6


def points_at(network, link, shares):
    """Longitudes and latitudes at shares of a link, by length along its drawn points."""
    line = line_of(network, link)
    metres = np.hypot(*(np.diff(line, axis=0) * [network.metric.lon_m, network.metric.lat_m]).T)
    along = np.concatenate([[0.0], np.cumsum(metres)])
    at = np.asarray(shares) * along[-1]
    return np.column_stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])])


def in_metres(network, geometries):
    scale = np.array([network.metric.lon_m, network.metric.lat_m]) * 1e6
    return shapely.transform(geometries, lambda lonlat: lonlat * scale)


def part_of(network, link, start, end):
    """A part of a link as a line with all its corners."""
    line = in_metres(network, shapely.LineString(line_of(network, link)))
    return shapely.ops.substring(line, start, end, normalized=True)


def walk_all_streets(network, reach):
    """Reached points of all streets, and unreached ones that lie farther than a thread from what is reached."""
    inside, outside, parts = [], [], []
    for link, intervals in reached_intervals(network, reach).items():
        parts += [part_of(network, link, a, b) for a, b in intervals]
        shares = np.unique(np.concatenate([STEPS, *intervals, [0.0]]))
        is_in = np.array([any(a <= share <= b for a, b in intervals) for share in shares])
        places = points_at(network, link, shares)
        inside.append(places[is_in])
        outside.append(places[~is_in])
    unreached = np.concatenate(outside)
    tree = shapely.STRtree(np.array(parts, dtype=object))
    near = tree.query(
        in_metres(network, shapely.points(unreached)), predicate="dwithin", distance=THREAD_M + SLACK_M
    )[0]
    return np.concatenate(inside), np.delete(unreached, near, axis=0)


def check_outline(network, reach):
    (outline,) = check_outlines(network, [reach])
    return outline


def check_outlines(network, reaches):
    outlines = reach_outlines(network, reaches)
    for outline, reach in zip(outlines, reaches, strict=True):
        assert outline.is_valid
        reached, unreached = walk_all_streets(network, reach)
        shapely.prepare(outline)
        assert shapely.intersects_xy(outline, reached).all()
        assert not shapely.contains_xy(outline, unreached).any()
    for fewer, more in pairwise(outlines):
        # corners on a grid of a centimetre: what sticks out is thinner than that
        assert shapely.difference(fewer, more).buffer(-2e-7).is_empty
    return outlines


def start_somewhere(network, seed):
    router = Router(network)
    origin = router.snap(random_points(network, seed, 1))
    if origin.link[0] < 0:
        origin = router.snap(np.array([[network.node_lon_e6[0] / 1e6, network.node_lat_e6[0] / 1e6]]))
    return router, origin


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(s, marks=pytest.mark.slow) for s in range(4, 20))]
)
def test_random_towns(seed):
    network = random_network(seed)
    router, origin = start_somewhere(network, seed)
    for cutoff_ms in (1, 20_000, 200_000, 10**9):
        check_outline(network, router.reach(origin, cutoff_ms))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_many_more_random_towns(seed):
    network = random_network(seed, n_nodes=60, span_m=2500.0)
    router, origin = start_somewhere(network, seed)
    check_outlines(network, [router.reach(origin, s * 1000) for s in (30, 90, 300)])


CROSS = [
    (116_440_000, 39_957_000),
    (116_444_000, 39_957_000),
    (116_442_000, 39_955_500),
    (116_442_000, 39_958_500),
]


def crossing(weight_ms):
    """One street over another, without a junction: from west to east, and from south to north."""
    two = [Street(0, 1, (), 30_000, 30_000), Street(2, 3, (), weight_ms, weight_ms)]
    return make_network(CROSS, two)


def test_an_unreached_street_under_a_bridge_cuts_the_ribbon_but_not_the_bridge():
    network = crossing(30_000)
    router = Router(network)
    reach = router.reach(router.snap([[116.440, 39.957]]), 30_000)
    outline = check_outline(network, reach)
    assert len(outline.geoms) == 1
    crossed = in_metres(network, shapely.intersection(outline, shapely.LineString(np.array(CROSS[2:]) / 1e6)))
    assert crossed.length == pytest.approx(2 * THREAD_M, abs=SLACK_M)


def test_a_bridge_that_ends_in_the_air_of_another_street_is_followed_to_its_last_metre():
    network = crossing(30_000)
    router = Router(network)
    for cutoff_ms in (14_990, 15_000, 15_010):  # the crossing is half way
        check_outline(network, router.reach(router.snap([[116.440, 39.957]]), cutoff_ms))


def test_an_unreached_island_far_from_any_reached_street_keeps_its_hole():
    """A block of 400 m, and in its middle a lane that nobody can get to."""
    corner = [
        (116_440_000, 39_955_000),
        (116_444_700, 39_955_000),
        (116_444_700, 39_958_600),
        (116_440_000, 39_958_600),
    ]
    lane = [(116_442_300, 39_956_800), (116_442_400, 39_956_800)]
    sides = [Street(i, (i + 1) % 4, (), 60_000, 60_000) for i in range(4)]
    network = make_network(corner + lane, [*sides, Street(4, 5, (), 9_000, 9_000)])
    router = Router(network)
    outline = check_outline(network, router.reach(router.snap([[116.440, 39.955]]), 10**6))
    assert [len(part.interiors) for part in outline.geoms] == [1]


def test_a_garden_without_a_street_is_no_hole():
    corner = [
        (116_440_000, 39_955_000),
        (116_444_700, 39_955_000),
        (116_444_700, 39_958_600),
        (116_440_000, 39_958_600),
    ]
    network = make_network(corner, [Street(i, (i + 1) % 4, (), 60_000, 60_000) for i in range(4)])
    router = Router(network)
    outline = check_outline(network, router.reach(router.snap([[116.440, 39.955]]), 10**6))
    assert [len(part.interiors) for part in outline.geoms] == [0]


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["walk", "ebike"])
def test_bands_of_a_demo_district_are_true_and_nested(demo_district, profile):
    router = demo_district.routers[profile]
    origin = router.snap(np.array([demo_district.centre]))
    reaches = [router.reach(origin, minutes * 60_000) for minutes in (2, 5)]
    fewer, more = check_outlines(router.network, reaches)
    assert 0 < fewer.area < more.area


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("extract", ["xiangheyuan", "beijing-tsinghua-2017"])
def test_bands_of_a_real_extract_are_true_and_nested(shared_data, extract):
    network = read_osm_file(shared_data / f"{extract}.osm.pbf", ["walk"]).networks["walk"]
    router = Router(network)
    middle = np.flatnonzero(network.node_component == 0)[network.n_nodes // 3]
    origin = router.snap([[network.node_lon_e6[middle] / 1e6, network.node_lat_e6[middle] / 1e6]])
    check_outlines(network, [router.reach(origin, minutes * 60_000) for minutes in (4, 8, 12)])


def test_nothing_reached_has_an_empty_outline():
    network = random_network(1)
    nothing = Reach(
        np.full(network.n_nodes, -1), *(np.empty(0, dtype=d) for d in (np.int32, float, float, np.int64))
    )
    (outline,) = reach_outlines(network, [nothing])
    assert outline.is_empty


def test_stretches_and_what_they_leave_make_up_every_link():
    rng = np.random.default_rng(4)
    for _ in range(10):
        n_links, n = 6, int(rng.integers(0, 20))
        ends = np.sort(np.round(rng.random((n, 2)), 1), axis=1)
        some = Stretches(rng.integers(0, n_links, n).astype(np.int32), ends[:, 0], ends[:, 1])
        merged = merge_stretches(some)
        others = other_stretches(merged, n_links)
        for share in np.linspace(0.005, 0.995, 100):
            for link in range(n_links):
                is_in = (some.link == link) & (some.start <= share) & (share <= some.end)
                counts = [
                    int(((each.link == link) & (each.start <= share) & (share <= each.end)).sum())
                    for each in (merged, others)
                ]
                assert counts == ([1, 0] if is_in.any() else [0, 1])


def test_both_directions_of_a_street_are_one_stretch():
    network = random_network(3)
    router, origin = start_somewhere(network, 3)
    reach = router.reach(origin, 10**9)
    merged = reached_stretches(network, reach)
    assert len(np.unique(merged.link)) == len(merged.link)
    assert (merged.end - merged.start).max() == 1.0
