"""Whoever warmed up a district meets no compiler at any first question, in whatever process."""

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

PROGRAM = """
import json, sys
from datetime import datetime
from pathlib import Path
from numba.core import dispatcher

compiled = []
compile_anew = dispatcher.Dispatcher._compile_for_args
def told(self, *args, **kws):
    hits = sum(self.stats.cache_hits.values())
    try:
        return compile_anew(self, *args, **kws)
    finally:
        if sum(self.stats.cache_hits.values()) == hits and self.stats.cache_misses:
            compiled.append(self.py_func.__name__)
dispatcher.Dispatcher._compile_for_args = told

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
print(json.dumps(compiled))
"""


def in_a_fresh_process(directory, cache, stage):
    root = Path(__file__).resolve().parents[1]
    env = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", PROGRAM, str(directory), stage]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_no_first_question_of_a_warm_district_compiles_anything(own_district, tmp_path):
    assert len(in_a_fresh_process(own_district, tmp_path / "jit", "fill")) >= 8
    assert in_a_fresh_process(own_district, tmp_path / "jit", "ask") == []


VERBS = """
import json, random, sys
from numba.core import dispatcher

called = []
compile_anew = dispatcher.Dispatcher._compile_for_args
def told(self, *args, **kws):
    called.append(self.py_func.__name__)
    return compile_anew(self, *args, **kws)

from geo_service.districts.routers import warm_up
from geo_service.engine.router import Router, build_index
from tests.every_verb import check_every_verb, write_asked
from tests.test_engine_oracle import write_book
from tests.towns import random_network, random_points

network, points = random_network(8, n_nodes=40), random_points(random_network(8, n_nodes=40), 8, 24)
router = Router(network, build_index(network, labels=sys.argv[1] == "labels"))
warm_up(router)
dispatcher.Dispatcher._compile_for_args = told
book = write_book(network, points)
for seed in range(5):
    check_every_verb(write_asked(router, book, points, random.Random(seed), range(8), range(24)))
print(json.dumps(called))
"""


@pytest.mark.parametrize("labels", ["labels", "climbs"])
def test_no_verb_of_a_warm_router_waits_for_a_kernel(labels):
    """Compiled or loaded from the cache, by the first question of its kind: none is left."""
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", VERBS, labels]
    ran = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == []
