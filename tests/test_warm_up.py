"""Whoever warmed up meets no compiler at any first question, in whatever process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_engine import HAS_JIT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_JIT, reason="kernels run as plain Python"),
]

WATCH = """
import json, sys
from pathlib import Path
from numba.core import dispatcher

compiled, met = [], []
get_ready = dispatcher.Dispatcher._compile_for_args
def told(self, *args, **kws):
    hits, known = sum(self.stats.cache_hits.values()), set(self.signatures)
    try:
        return get_ready(self, *args, **kws)
    finally:
        if sum(self.stats.cache_hits.values()) == hits and self.stats.cache_misses:
            compiled.append(self.py_func.__name__)
        met.extend(f"{self.py_func.__name__}{signature}" for signature in self.signatures if signature not in known)
dispatcher.Dispatcher._compile_for_args = told
"""
"""Tells which kernels a process got ready, by name and types, and which of them it had to compile for that."""


def watched(program, *arguments, cache=None):
    """Run a program in a process of its own; returns the kernels it compiled, and all it got ready."""
    root = Path(__file__).resolve().parents[1]
    env = os.environ | {"PYTHONPATH": str(root)} | ({"NUMBA_CACHE_DIR": str(cache)} if cache else {})
    command = [sys.executable, "-c", WATCH + program, *map(str, arguments)]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


ONE_KERNEL = """
import numpy as np
from geo_service.engine.heap import push

push(np.zeros((8, 2), dtype=np.int64), 0, 5, 1)
print(json.dumps([compiled, met]))
"""


def test_the_watch_tells_what_was_compiled_from_what_was_loaded(tmp_path):
    (compiled,), cold = watched(ONE_KERNEL, cache=tmp_path)
    assert compiled == "push"
    assert watched(ONE_KERNEL, cache=tmp_path) == [[], cold]


ENGINE = """
from geo_service.engine.router import Router, build_index, load_index, save_index
from geo_service.engine.warming import warm_up
from tests.towns import random_network, random_points

folder, stage = Path(sys.argv[1]), sys.argv[2]
network = random_network(3, n_nodes=30, n_streets=60)
if stage == "fill":
    save_index(build_index(network), folder)
router = Router(network, load_index(folder, network))
if stage == "fill":
    warm_up(router)
snaps = router.snap(random_points(network, 3, 12, spread_m=5.0))
one, other = snaps.take(slice(0, 1)), snaps.take(slice(1, 2))
facilities = router.facilities(snaps)
router.nearest(one, facilities, 3)
router.route(one, one)
router.reach(one, 60000)
router.matrix(snaps, snaps)
router.what_if(router.coverage(facilities), facilities, close=[0], add=one)
router.onway(one, one, facilities, 2)
router.range(one, facilities, 10**6)
facilities.move([0], other)
facilities.add(other)
print(json.dumps([compiled, met]))
"""

DISTRICT = """
from datetime import datetime
from geo_service.districts import open_district
from geo_service.hours import SHANGHAI

district = open_district(Path(sys.argv[1]))
if sys.argv[2] == "fill":
    district.warm_up()
else:
    here, there = district.centre, (district.centre[0] + 0.004, district.centre[1] + 0.003)
    asked = {"layer": "swap", "at": datetime(2026, 11, 18, 12, tzinfo=SHANGHAI), "accept": ["stale", "unknown"]}
    for profile in district.profiles:
        for wish in ({}, {"operator": district.places("swap").features[0].power.operator}):
            words = asked | wish | {"profile": profile}
            district.nearest(origin=here, **words)
            district.nearest(origin=here, k=100, **words)
            district.onway(origin=here, destination=there, **words)
            district.within_range(origin=here, range_m=5000, **words)
            district.within_range(origin=here, range_m=5000, via=there, **words)
            district.coverage(layer="swap", minutes=5, profile=profile, **wish)
        district.route(origin=here, destination=there, profile=profile)
        district.reach(origin=here, minutes=[1], profile=profile)
        district.coverage(layer="swap", minutes=5, profile=profile, without=["xhy-swap-001"], with_=[there])
print(json.dumps([compiled, met]))
"""


@pytest.mark.parametrize("program", [ENGINE, DISTRICT], ids=["engine", "district"])
def test_what_was_warmed_up_is_never_compiled_again(program, own_district, tmp_path):
    """The first process fills the cache as far as it is empty; the second may meet only what the first met."""
    place = own_district if program is DISTRICT else tmp_path / "index"
    _, warmed = watched(program, place, "fill")
    compiled, met = watched(program, place, "ask")
    assert compiled == []
    assert len(met) >= 8
    assert set(met) <= set(warmed)


VERBS = """
import random
from geo_service.districts.routers import warm_up
from geo_service.engine.router import Router, build_index
from tests.every_verb import check_every_verb, write_asked
from tests.test_engine_oracle import write_book
from tests.towns import random_network, random_points

network, points = random_network(8, n_nodes=40), random_points(random_network(8, n_nodes=40), 8, 24)
router = Router(network, build_index(network, labels=sys.argv[1] == "labels"))
warm_up(router)
met.clear()
book = write_book(network, points)
for seed in range(5):
    check_every_verb(write_asked(router, book, points, random.Random(seed), range(8), range(24)))
print(json.dumps([compiled, met]))
"""


@pytest.mark.parametrize("labels", ["labels", "climbs"])
def test_no_verb_of_a_warm_router_waits_for_a_kernel(labels):
    """Compiled or loaded from the cache, by the first question of its kind: none is left."""
    assert watched(VERBS, labels)[1] == []
