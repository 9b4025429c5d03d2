"""Every verb equals the oracle on a thousand sampled queries of each real extract; see tests/every_verb.py."""

import random

import numpy as np
import pytest

from geo_service.engine.router import Router, build_index
from geo_service.network.osm import read_osm_file
from tests.counts import many
from tests.every_verb import (
    check_coverage,
    check_matrix,
    check_nearest,
    check_nodes,
    check_range,
    check_reach,
    check_trip,
    check_what_if,
    write_asked,
)
from tests.oracles import engine as oracle
from tests.test_engine import HAS_JIT

EXTRACTS = (
    "beijing-bupt-2025",
    "beijing-cau-2026",
    "beijing-drive-2017",
    "beijing-tsinghua-2017",
    "liechtenstein-2022",
    "shanghai-center-roads-2025",
    "xiangheyuan",
)
ORIGINS, PLACES, STARTS = many(150, 500), 60, 4
"""Origins in each of two profiles, facilities at most, and feet that are asked for their reach."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_JIT, reason="too long without compiled kernels"),
]


def sample_points(network, dice, count):
    """Points up to some thirty metres beside drawn streets, a few up to half a kilometre away."""
    points = []
    for i in range(count):
        at, far = dice.randrange(len(network.point_lon_e6)), 5000 if i % 25 == 0 else 300
        spot = (network.point_lon_e6[at], network.point_lat_e6[at])
        points.append([(float(e6) + dice.uniform(-far, far)) / 1e6 for e6 in spot])
    return np.array(points)


@pytest.fixture(scope="module", params=EXTRACTS)
def networks(request, shared_data):
    path = shared_data / f"{request.param}.osm.pbf"
    return read_osm_file(path, profiles=("ebike", "walk")).networks


@pytest.mark.parametrize("profile", ["ebike", "walk"])
def test_every_verb_equals_the_oracle_on_a_real_extract(networks, profile):
    network, dice = networks[profile], random.Random(profile)
    points = sample_points(network, dice, PLACES + ORIGINS)
    book = oracle.write_book(network, oracle.snap_many(network, points), STARTS, PLACES)
    for router, every in ((Router(network, build_index(network)), 1), (Router(network), 25)):
        origins = range(PLACES, PLACES + ORIGINS, every)
        asked = write_asked(router, book, points, dice, range(PLACES), origins, fewest=PLACES // 2)
        check_matrix(asked)
        check_nearest(asked)
        check_coverage(asked)
        check_what_if(asked)
        check_nodes(asked, dice.choices(range(network.n_nodes), k=20))
        for start in range(STARTS if router.index else 1):  # it is searched either way
            check_reach(asked, start)
        for _ in range(100 // every):
            check_trip(asked, dice.choice(origins), dice.choice(origins))
            check_range(asked, dice.choice(origins))


def test_the_city_wide_oracle_equals_the_plain_ones():
    """Floyd and Warshall, scipy and the heap of tuples; one look at all segments and one at each."""
    from tests.towns import random_network, random_points

    for seed in range(40):
        network, feet = random_network(seed, n_nodes=30), []
        points = random_points(network, seed, 8, spread_m=200.0)
        feet = oracle.snap_many(network, points)
        assert repr(feet) == repr([oracle.snap(network, *map(float, point)) for point in points])
        graph = oracle.flatten(network, feet)
        keys = oracle.floyd_warshall(graph, 38)
        assert keys.tolist() == oracle.by_scipy(graph, 38, np.arange(38)).tolist()
        for i in range(8):
            best = oracle.walk(oracle.cut(network, feet), ("foot", i))
            found = {v if v < 30 else ("foot", v - 30): key for v, key in enumerate(keys[30 + i].tolist())}
            assert best == {
                v: (key >> 32, key & 0xFFFFFFFF) for v, key in found.items() if key != oracle.NO_WAY
            }
