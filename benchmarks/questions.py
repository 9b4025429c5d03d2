"""
The two questions of a rider, against scipy and networkx on the same network, weights and queries.

`make bench` runs it on the demo district; `python -m benchmarks.questions --osm FILE` on an
extract. Answers are compared before anything is timed; peers take turns query by query, one
thread each. What is reported are medians and ratios: absolute times belong to the machine.
"""

import argparse
import hashlib
import json
import os
import platform
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "geo_service_bench_jit"))

import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo_service.demo import build_demo_osm
from geo_service.engine.router import UNREACHED, Router
from geo_service.network.graph import Network
from geo_service.network.osm import read_osm_file

K = 5


def read_network(osm: str | None) -> Network:
    if osm:
        return read_osm_file(Path(osm), profiles=("ebike",)).networks["ebike"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.osm.gz"
        build_demo_osm("yingze", path)
        return read_osm_file(path, profiles=("ebike",)).networks["ebike"]


class Peers:
    """The network as each peer wants it; parallel edges reduced to the fastest, self-loops left out."""

    def __init__(self, network: Network, facilities: np.ndarray) -> None:
        best: dict[tuple[int, int], int] = {}
        for tail, head, weight in zip(
            network.edge_tail, network.edge_head, network.edge_weight_ms, strict=True
        ):
            key = (int(tail), int(head))
            if key[0] != key[1]:
                best[key] = min(best.get(key, 2**31), int(weight))
        tails, heads = np.array(list(best)).T
        n = network.n_nodes
        self.matrix = csr_array(
            (np.array(list(best.values()), dtype=np.float64), (tails, heads)), shape=(n, n)
        )
        self.graph = nx.DiGraph()
        self.graph.add_weighted_edges_from((a, b, weight) for (a, b), weight in best.items())
        self.facilities = facilities

    def scipy_nearest(self, node: int) -> list[int]:
        cost = dijkstra(self.matrix, indices=node)[self.facilities]
        return [int(c) for c in np.sort(cost)[:K] if np.isfinite(c)]

    def networkx_nearest(self, node: int) -> list[int]:
        cost = nx.single_source_dijkstra_path_length(self.graph, node)
        return sorted(int(cost[f]) for f in self.facilities.tolist() if f in cost)[:K]

    def scipy_route(self, a: int, b: int) -> int:
        cost, _ = dijkstra(self.matrix, indices=a, return_predecessors=True)
        return int(cost[b]) if np.isfinite(cost[b]) else UNREACHED

    def networkx_route(self, a: int, b: int) -> int:
        try:
            return int(nx.bidirectional_dijkstra(self.graph, a, b)[0])
        except nx.NetworkXNoPath:
            return UNREACHED


class Ours:
    """The same questions through the door, from node to node, snapping included."""

    def __init__(self, network: Network, facilities: np.ndarray) -> None:
        self.router = Router(network)
        self.network = network
        self.facilities = self.router.snap(self.lonlat(facilities))

    def lonlat(self, nodes: np.ndarray) -> np.ndarray:
        return np.column_stack([self.network.node_lon_e6[nodes], self.network.node_lat_e6[nodes]]) / 1e6

    def nearest(self, node: int) -> list[int]:
        found = self.router.nearest(self.router.snap(self.lonlat(np.array([node]))), self.facilities, K)
        return [int(cost) for cost in found.cost_ms[0] if cost != UNREACHED]

    def route(self, a: int, b: int) -> int:
        ends = (self.router.snap(self.lonlat(np.array([node]))) for node in (a, b))
        return self.router.route(*ends).cost_ms


def timed(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return time.perf_counter() - start


def compare(tasks: dict[str, list[dict[str, Callable[[], object]]]]) -> dict[str, dict[str, float]]:
    """Ask every peer every query in turn; medians in microseconds."""
    medians = {}
    for task, queries in tasks.items():
        times: dict[str, list[float]] = {peer: [] for peer in queries[0]}
        for query in queries:
            for peer, ask in query.items():
                times[peer].append(timed(ask))
        medians[task] = {peer: statistics.median(values) * 1e6 for peer, values in times.items()}
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osm", help="extract to measure on; default: the demo district yingze")
    parser.add_argument("--json", help="file to write the figures to")
    parser.add_argument("--queries", type=int, default=30)
    options = parser.parse_args()
    network = read_network(options.osm)
    rng = random.Random(1)
    main_nodes = np.flatnonzero(network.node_component == 0).tolist()
    facilities = np.array([rng.choice(main_nodes) for _ in range(60)])
    ours, peers = Ours(network, facilities), Peers(network, facilities)
    pairs = [(rng.choice(main_nodes), rng.choice(main_nodes)) for _ in range(options.queries)]
    digest = hashlib.sha256()
    longest_delay_ms = int(network.edge_delay_ms.max())
    for a, b in pairs:
        theirs = peers.scipy_route(a, b)
        assert theirs == peers.networkx_route(a, b)
        mine = ours.route(a, b)
        # Who starts or stops at a junction need not wait for its signal; peers count nodes, we count points.
        assert abs(theirs - mine) <= longest_delay_ms, (a, b, mine, theirs)
        near = ours.nearest(a)
        assert peers.scipy_nearest(a) == peers.networkx_nearest(a)
        assert all(abs(t - m) <= longest_delay_ms for m, t in zip(near, peers.scipy_nearest(a), strict=True))
        digest.update(json.dumps([mine, near]).encode())
    tasks = {
        f"nearest {K} of 60": [
            {
                "ours": lambda a=a: ours.nearest(a),
                "scipy": lambda a=a: peers.scipy_nearest(a),
                "networkx": lambda a=a: peers.networkx_nearest(a),
            }
            for a, _ in pairs
        ],
        "route": [
            {
                "ours": lambda a=a, b=b: ours.route(a, b),
                "scipy": lambda a=a, b=b: peers.scipy_route(a, b),
                "networkx": lambda a=a, b=b: peers.networkx_route(a, b),
            }
            for a, b in pairs
        ],
    }
    medians = compare(tasks)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "network": {
            "nodes": network.n_nodes,
            "edges": network.n_edges,
            "source": options.osm or "demo yingze",
        },
        "answers_sha256": digest.hexdigest()[:16],
        "median_us": medians,
        "ratio_to_ours": {t: {p: v / row["ours"] for p, v in row.items()} for t, row in medians.items()},
    }
    for task, row in medians.items():
        for peer, value in row.items():
            print(f"{task:16} {peer:10} {value:12.0f} us  {value / row['ours']:8.1f} x")
    print(json.dumps({k: report[k] for k in ("date", "commit", "machine", "network", "answers_sha256")}))
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    else:
        print("on a real extract: python -m benchmarks.questions --osm FILE.osm.pbf")


if __name__ == "__main__":
    main()
