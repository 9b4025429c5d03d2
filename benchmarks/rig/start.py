"""How long a process needs to its first answer: its own CPU time from exec to exit, imports and all."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from geo_service.engine.router import Index, save_index
from geo_service.network.graph import Network, save_network

TIMES_WARM = 3

FIRST_ANSWER = """
import sys
from pathlib import Path
import numpy as np
from geo_service.engine.router import Router, load_index
from geo_service.network.graph import load_network
folder = Path(sys.argv[1])
network = load_network(folder / "network")
router = Router(network, load_index(folder / "index", network))
nodes = np.arange(0, network.n_nodes, max(1, network.n_nodes // 60))
lonlat = np.column_stack([network.node_lon_e6[nodes], network.node_lat_e6[nodes]]) / 1e6
facilities = router.facilities(router.snap(lonlat))
assert router.nearest(router.snap(lonlat[:1]), facilities, 5).cost_ms[0, 0] >= 0
"""


def first_answers(network: Network, index: Index) -> dict[str, float]:
    """CPU seconds to the nearest five of sixty: with no kernel compiled, and the best of some with all of them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        save_network(network, folder / "network")
        save_index(index, folder / "index")
        cold_s = _cpu_of_a_process(folder)
        warm_s = min(_cpu_of_a_process(folder) for _ in range(TIMES_WARM))
    return {"first answer, cache filled": warm_s, "first answer, cache empty": cold_s}


def _cpu_of_a_process(folder: Path) -> float:
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder / "jit"), "PYTHONPATH": str(root)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", FIRST_ANSWER, str(folder)], env=env, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
