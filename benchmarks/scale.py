"""
How each cost grows with the city, up to a million crossings.

Every size runs in a process of its own, so that its memory is its own; sizes that the JSON file already
holds for this code are not run again, so a long run may be interrupted. ``make bench`` stops early;
``python -m benchmarks.scale --most-nodes 1000000 --json scale.json`` goes all the way.
"""

import argparse
import hashlib
import json
import math
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import benchmarks.rig
from benchmarks.rig import ours as mine
from benchmarks.rig import report
from benchmarks.rig.city import build_city
from benchmarks.rig.clock import Job, Race
from benchmarks.rig.ours import NAME, Ours
from benchmarks.rig.peers import Scipy
from benchmarks.rig.streets import IntArray, LongArray, Streets, build_streets

import numpy as np  # isort: skip

assert benchmarks.rig.THREADS

SIZES = (3_000, 10_000, 30_000, 100_000, 215_000, 460_000, 1_000_000)
COUNTS = (60, 1_000, 20_000)
K, SEED, SIDE = 5, 1, 300
ASKED = 8
"""Questions that are compared with a search of the streets, for each task."""


def measure_size(n_nodes: int, seconds: float) -> dict[str, Any]:
    """Everything at one size, in the units of `COSTS`."""
    Ours(build_streets(build_city(400, seed=SEED)))  # compile first
    streets = build_streets(build_city(n_nodes, seed=SEED))
    empty_mb = report.resident_mb()
    start = time.process_time()
    ours = Ours(streets)
    told: dict[str, Any] = {
        "asked_nodes": n_nodes,
        "nodes": streets.n_nodes,
        "edges": streets.network.n_edges,
        "build_s": time.process_time() - start,
        "index_b": ours.index_bytes() / streets.n_nodes,
        "mapped_b": (ours.index_bytes() + mine.mapped_bytes(streets.network)) / streets.n_nodes,
        "grown_mb": report.resident_mb() - empty_mb,
    }
    digest = hashlib.sha256()
    for name, (job, questions, right) in _tasks(streets, ours).items():
        for question in questions[:ASKED]:
            answer = np.asarray(job.answer(question))
            expected = right(question)
            assert (answer[: len(expected)] == expected).all(), (name, n_nodes, question)
            digest.update(np.ascontiguousarray(answer, dtype="<i8").tobytes())
        told[name] = Race({NAME: job}, questions, budget_s=seconds).run()[NAME].cpu_s
    told["answers_sha256"] = digest.hexdigest()[:16]
    told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return told


class Asked(NamedTuple):
    """One kind of question: how it is answered, which are asked, and what is right."""

    job: Job
    questions: Sequence[Any]
    right: Callable[[Any], LongArray]


def _tasks(streets: Streets, ours: Ours) -> dict[str, Asked]:
    rng, n, scipy = np.random.default_rng(SEED), streets.n_nodes, Scipy(streets)
    starts = rng.integers(n, size=2000).tolist()
    tasks: dict[str, Asked] = {}
    for count in COUNTS:
        facilities = rng.permutation(n)[:count].astype(np.int32)
        tasks[f"nearest of {count:,}"] = Asked(
            ours.nearest(facilities, K), starts, _k_costs(scipy, facilities)
        )
        right = scipy.coverage(facilities, mine.NO_HINT)
        tasks[f"coverage by {count:,}"] = Asked(ours.coverage(facilities), [None], right.answer)
    pairs = list(zip(starts[:1000], starts[1000:], strict=True))
    tasks["route"] = Asked(ours.route(), pairs, scipy.one_cost)
    sources, targets = (rng.permutation(n)[:SIDE].astype(np.int32) for _ in range(2))
    matrix = ours.matrix(sources, targets)
    tasks[f"matrix {SIDE} x {SIDE}"] = Asked(
        matrix, [None], lambda _: scipy.matrix_whole(sources[:3], targets)
    )
    return tasks


def _k_costs(scipy: Scipy, facilities: IntArray) -> Callable[[int], LongArray]:
    return lambda node: scipy.k_costs([node], facilities, K)[0]


def sizes_to_run(most_nodes: int, known: Sequence[Mapping[str, Any]], code: str) -> Iterator[int]:
    """Sizes up to the most that are not known for this code."""
    done = {row["asked_nodes"] for row in known if row["code"] == code}
    return (size for size in (*(s for s in SIZES if s < most_nodes), most_nodes) if size not in done)


def growth(rows: Sequence[Mapping[str, Any]], cost: str) -> str:
    """Power of the number of nodes with which a cost grew from the first size to the last."""
    if len(rows) < 2:
        return ""
    first, last = rows[0], rows[-1]
    return f"{math.log(last[cost] / first[cost]) / math.log(last['nodes'] / first['nodes']):.2f}"


def print_report(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line for each cost, one column for each size."""
    rows = sorted(rows, key=lambda row: row["nodes"])
    last = rows[-1]
    print(
        f"{last['date']}, commit {last['commit']}, {last['machine']}, Python {last['python']}; CPU time, medians"
    )
    costs: dict[str, Callable[[float], str]] = {
        "edges": report.significant,
        "build_s": report.duration,
        "index_b": lambda size: f"{size:,.0f} B",
        "mapped_b": lambda size: f"{size:,.0f} B",
        "peak_mb": lambda size: f"{size:,.0f} MB",
    }
    words = {"build_s": "make the index", "index_b": "index for each node", "peak_mb": "most memory"}
    words |= {"mapped_b": "index and network for each node"}
    questions = [key for key in last if key.startswith(("nearest", "coverage", "route", "matrix"))]
    costs |= dict.fromkeys(questions, report.duration)
    head = ("nodes", *(f"{row['nodes']:,}" for row in rows), "grows as n to the")
    lines = [
        (words.get(cost, cost), *(tell(row[cost]) for row in rows), growth(rows, cost))
        for cost, tell in costs.items()
    ]
    print(report.table(head, lines))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most-nodes", type=int, default=30_000, help="largest city; default 30,000")
    parser.add_argument("--json", type=Path, help="file to keep figures in, and to go on from")
    parser.add_argument("--seconds", type=float, default=1.0, help="about, for each question at each size")
    options = parser.parse_args()
    known = json.loads(options.json.read_text()) if options.json and options.json.is_file() else []
    place = report.circumstances()
    rows = [row for row in known if row["code"] == place["code"]]
    for size in sizes_to_run(options.most_nodes, known, place["code"]):
        print(f"{size:,} crossings ...", file=sys.stderr, flush=True)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            told = pool.submit(measure_size, size, options.seconds).result()
        rows.append(told | place)
        if options.json:
            kept = [row for row in known if row["code"] != place["code"]] + rows
            options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print_report([row for row in rows if row["asked_nodes"] <= options.most_nodes])


if __name__ == "__main__":
    main()
