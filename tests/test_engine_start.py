"""A filled cache compiles nothing: the first answers of a fresh process come from kernels that are loaded."""

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

FIRST_ANSWERS = """
import json, sys
from numba.core import dispatcher
from geo_service.engine.router import Router, build_index, load_index, save_index, warm_up
from pathlib import Path
from tests.towns import random_network, random_points

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
print(json.dumps(compiled))
"""


def ask_in_a_fresh_process(folder, cache, stage):
    root = Path(__file__).resolve().parents[1]
    env = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", FIRST_ANSWERS, str(folder), stage]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_after_the_cache_was_filled_no_first_answer_compiles_anything(tmp_path):
    filled = ask_in_a_fresh_process(tmp_path / "index", tmp_path / "jit", "fill")
    assert len(filled) >= 8
    files = set((tmp_path / "jit").rglob("*.nbc"))
    assert ask_in_a_fresh_process(tmp_path / "index", tmp_path / "jit", "ask") == []
    assert set((tmp_path / "jit").rglob("*.nbc")) == files
