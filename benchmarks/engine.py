"""
The engine against its peers: same streets, same weights, same seeded questions, one thread, in turns.

`make bench` runs it on the demo district; ``python -m benchmarks.engine --osm FILE --json OUT`` on an
extract. Before anything is timed all exact peers must agree to the millisecond, the others up to float
rounding. Absolute times belong to the machine: quote ratios, peer over ours, medians of the runs.
"""

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import benchmarks.rig  # one thread for everybody: before anything heavy
from benchmarks.rig import ours as mine
from benchmarks.rig import report
from benchmarks.rig.city import build_city
from benchmarks.rig.clock import Job, Race, Times
from benchmarks.rig.field import PEERS
from benchmarks.rig.ours import NAME, Ours
from benchmarks.rig.peers import Hint, Leeway, Peer, RoutingKitCch, Scipy, version_of
from benchmarks.rig.start import first_answers
from benchmarks.rig.streets import FloatArray, IntArray, LongArray, Streets, build_streets, read_streets
from benchmarks.table import EVERY, SOME, print_report

import numpy as np  # isort: skip
from geo_service.engine.router import Router  # isort: skip

assert benchmarks.rig.THREADS

K = 5
SEED = 1
SHARES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
GOALS: Mapping[tuple[str, str], float] = {
    ("nearest 5 of 60", "routingkit-cch"): 60,
    ("nearest 5 of 20,000", "networkx"): 30,
    ("nearest 5 of 20,000", "scipy"): 80,
    ("batch, nearest 5 of 1,000", "pandana"): 150,
    ("route with geometry", "pyroutingkit"): 8,
    ("coverage by 60", "routingkit-cch"): 14,
    ("coverage by 60", "scipy"): 14,
    ("coverage by 1,000", "routingkit-cch"): 14,
    ("coverage by 1,000", "scipy"): 14,
    ("coverage by 20,000", "routingkit-cch"): 14,
    ("coverage by 20,000", "scipy"): 14,
    ("matrix 1,000 x 1,000", "pyroutingkit"): 40,
}
"""Peer over ours, at least."""

SELECTIVE_S, SNAPPED_S = 35e-6, 10e-6
"""Any selectivity, and the nearest question with everything on it, at most."""


@dataclass(frozen=True)
class Task:
    """
    One kind of question, who answers it, and what the answers must be.

    ``expected`` gives the right answer to a question, ``checked`` of them are looked at, ``pick`` chooses of
    an answer what is compared; a task without ``expected`` is only timed. ``leeway`` names the peers that need
    not be right to the millisecond, and how far they may be off.
    """

    name: str
    jobs: Mapping[str, Job]
    questions: Sequence[Any]
    expected: Callable[[Any], LongArray] | None = None
    checked: int = 12
    pick: Callable[[LongArray], LongArray] = field(default=lambda answer: answer)
    limit_s: float | None = None
    leeway: Mapping[str, Leeway] = field(default_factory=dict)


class Bench:
    """
    Peers on some streets, and the tasks for them.

    Parameters
    ----------
    streets
        What all of them stand on.
    peers
        By name, ours among them.
    counts
        Numbers of facilities to ask among.
    side
        Rows and columns of the matrix.
    """

    def __init__(
        self, streets: Streets, peers: Mapping[str, Peer], counts: Sequence[int], side: int = 1000
    ) -> None:
        self.streets, self.peers = streets, peers
        self.counts = tuple(min(count, streets.n_nodes) for count in counts)
        self.side = min(side, streets.n_nodes)
        self._rng = np.random.default_rng(SEED)
        self._scipy = Scipy(streets)
        self._hints: dict[int, Hint] = {}
        self._leeway = {name: peer.leeway for name, peer in peers.items() if not peer.is_exact}
        self.starts = self._nodes(2000, again=True).tolist()
        self.facilities = {count: self._nodes(count) for count in self.counts}

    @property
    def ours(self) -> Ours:
        """Our engine."""
        found = self.peers[NAME]
        assert isinstance(found, Ours)
        return found

    def tasks(self, stack: ExitStack) -> Iterator[Task]:
        """Every task, jobs prepared; what they hold open is closed with the stack."""
        yield from self.contests()
        for count in self.counts:
            yield self._some(count)
        yield from self._sweep(self.counts[-1])
        yield from self._changes()
        for count in self.counts:
            yield from self._snapped(count, stack)
        yield from self._others()

    def contests(self) -> Iterator[Task]:
        """Tasks from node to node, that peers have answers to."""
        for task in (self._nearest, self._batch, self._coverage):
            for count in self.counts:
                yield task(count)
        yield self._what_if(self.counts[0])
        yield self._route()
        yield self._matrix()

    # -- from node to node, against peers ------------------------------------------------------

    def _nearest(self, count: int) -> Task:
        facilities = self.facilities[count]
        return self._task(
            f"nearest {K} of {count:,}",
            lambda peer: peer.nearest(facilities, K, self._hint(count)),
            self.starts,
            self._k_costs(facilities),
        )

    def _batch(self, count: int) -> Task:
        """Every node asks; times are those for each node."""
        facilities, rows = self.facilities[count], self._nodes(40)
        task = self._task(
            f"batch, nearest {K} of {count:,}",
            lambda peer: peer.batch(facilities, K, self._hint(count)),
            [None],
            lambda _: self._scipy.k_costs(rows.tolist(), facilities, K),
            pick=lambda answer: answer[rows],
        )
        per_node = {name: job._replace(part=float(self.streets.n_nodes)) for name, job in task.jobs.items()}
        return replace(task, jobs=per_node)

    def _route(self) -> Task:
        pairs = list(zip(self.starts[:1000], self.starts[1000:], strict=False))
        return self._task("route with geometry", lambda peer: peer.route(), pairs, self._scipy.one_cost)

    def _coverage(self, count: int) -> Task:
        facilities = self.facilities[count]
        return self._task(
            f"coverage by {count:,}",
            lambda peer: peer.coverage(facilities, self._hint(count)),
            [None],
            lambda _: self._coverage_ms(facilities),
        )

    def _matrix(self) -> Task:
        sources, targets = self._nodes(self.side), self._nodes(self.side)
        return self._task(
            f"matrix {self.side:,} x {self.side:,}",
            lambda peer: peer.matrix(sources, targets),
            [None],
            lambda _: self._scipy.matrix_whole(sources, targets),
        )

    def _what_if(self, count: int) -> Task:
        """One more facility: peers cover anew, ours tries a thousand candidates at once."""
        router, facilities, candidates = self.ours.router, self.facilities[count], self._nodes(1000)
        more = np.append(facilities, candidates[:1])
        hint = self._hint(count)
        quick = {RoutingKitCch.package, Scipy.package}
        jobs = {name: peer.coverage(more, hint) for name, peer in self.peers.items() if name in quick}
        prepared = self.ours.prepare(facilities)
        base, come = router.coverage(prepared), router.snap(self.streets.lonlat[candidates])

        def read(changes: Any) -> LongArray:
            cost_ms, first = base.cost_ms.copy(), slice(changes.first[0], changes.first[1])
            cost_ms[changes.node[first]] = changes.cost_ms[first]
            return cost_ms

        trial = Job(lambda _: router.what_if(base, prepared, add=come), read, part=float(len(candidates)))
        return Task(
            f"what if one came to {count:,}",
            {NAME: trial} | {name: job for name, job in jobs.items() if job},
            [None],
            lambda _: self._coverage_ms(more),
            leeway=self._leeway,
        )

    # -- filters and changes -------------------------------------------------------------------

    def _some(self, count: int) -> Task:
        """30 % eligible, at random, in turns with all eligible among as many facilities."""
        facilities = self.facilities[count]
        is_eligible = self._rng.random(count) < 0.3
        is_eligible[:K] = True
        task = self._filtered(f"nearest {K} of {count:,}{SOME}", facilities, is_eligible, self.starts)
        return replace(task, jobs={**task.jobs, EVERY: self.ours.nearest(facilities, K)})

    def _sweep(self, count: int) -> Iterator[Task]:
        """
        Every selectivity: at random, all of a quarter closed, and all but a quarter closed.

        Whoever asks in the first and last case is anywhere, in the second in the middle of the closed quarter.
        """
        facilities = self.facilities[count]
        centre = self.streets.lonlat[self.starts[0]]
        away = np.abs(self.streets.lonlat - centre).sum(axis=1)
        by_distance = away[facilities].argsort(kind="stable")
        for share in SHARES:
            kept = max(K, round(share * count))
            chosen = {
                "random": self._rng.permutation(count)[:kept],
                "a quarter closed": by_distance[count - kept :],
                "a quarter open": by_distance[:kept],
            }
            for kind, rows in chosen.items():
                is_eligible = np.zeros(count, dtype=np.bool_)
                is_eligible[rows] = True
                inside = np.flatnonzero(away <= np.quantile(away, 0.2)).tolist()
                starts = (
                    self._rng.permutation(inside)[:500].tolist()
                    if kind == "a quarter closed"
                    else self.starts
                )
                name = f"nearest {K} of {count:,}, {share * 100:g} % eligible, {kind}"
                yield self._filtered(name, facilities, is_eligible, starts, limit_s=SELECTIVE_S)

    def _filtered(
        self,
        name: str,
        facilities: IntArray,
        is_eligible: np.ndarray[Any, np.dtype[np.bool_]],
        starts: Sequence[int],
        limit_s: float | None = None,
    ) -> Task:
        eligible = self.ours.prepare(facilities).where(is_eligible)
        job = self.ours.nearest_of(eligible, K)
        expected = self._k_costs(facilities[is_eligible])
        return Task(name, {NAME: job}, starts, expected, checked=4, limit_s=limit_s)

    def _changes(self) -> Iterator[Task]:
        """What serving must do now and then: move one facility, make a filter; peers pin anew."""
        for count in self.counts[-2:]:
            facilities = self.facilities[count]
            prepared = self.ours.router.facilities_at(facilities)
            spots = [self.ours.router.snap(self.streets.lonlat[node][None, :]) for node in self.starts[:50]]
            masks = [self._rng.random(count) < 0.3 for _ in range(5)]
            jobs = {NAME: Job(partial(prepared.move, np.zeros(1, dtype=np.int64)), _unread)}
            peer = self.peers.get(RoutingKitCch.package)
            if isinstance(peer, RoutingKitCch):
                jobs[RoutingKitCch.package] = peer.pin(facilities)
            yield Task(f"move one of {count:,}", jobs, spots)
            yield Task(f"make a filter of {count:,}", {NAME: Job(prepared.where, _unread)}, masks)

    # -- snapped, and in objects ---------------------------------------------------------------

    def _snapped(self, count: int, stack: ExitStack) -> Iterator[Task]:
        lonlat = mine.points_near(self.streets, count, self._rng)
        points = list(mine.points_near(self.streets, 500, self._rng)[:, None, :])
        plain, windows = Router(self.streets.network), mine.evening_windows(count)
        for name, job in mine.snapped_jobs(self.ours, lonlat, K).items():
            expected = mine.searched(plain, lonlat, K, windows if "open" in name else None)
            yield Task(f"nearest {K} of {count:,}, {name}", {NAME: job}, points, expected, limit_s=SNAPPED_S)
        ask = stack.enter_context(mine.finder_of(self.ours.router, lonlat))
        found = Job(ask, mine.read_found)
        name = f"nearest {K} of {count:,}, snapped, open on arrival, result objects"
        expected = mine.searched(plain, lonlat, K, windows)
        yield Task(name, {NAME: found}, points, expected, checked=2, limit_s=SNAPPED_S)

    def _others(self) -> Iterator[Task]:
        """Verbs that no peer has, or has from node to node only: snapped, checked by searching the streets."""
        points = mine.points_near(self.streets, 400, self._rng)
        lonlat = mine.points_near(self.streets, self.counts[min(1, len(self.counts) - 1)], self._rng)
        pairs = list(np.stack([points[:200], points[200:]], axis=1))
        plain = Router(self.streets.network)
        slow = mine.other_jobs(plain, plain.snap(lonlat))
        quick = mine.other_jobs(self.ours.router, self.ours.router.facilities(self.ours.router.snap(lonlat)))
        for name, job in quick.items():
            yield Task(name, {NAME: job}, pairs, slow[name].answer, checked=4)

    # -- what is right -------------------------------------------------------------------------

    def _task(
        self,
        name: str,
        verb: Callable[[Peer], Job | None],
        questions: Sequence[Any],
        expected: Callable[[Any], LongArray],
        pick: Callable[[LongArray], LongArray] = lambda answer: answer,
    ) -> Task:
        jobs = {peer: job for peer, it in self.peers.items() if (job := verb(it))}
        return Task(name, jobs, questions, expected, pick=pick, leeway=self._leeway)

    def _nodes(self, count: int, *, again: bool = False) -> IntArray:
        chosen = self._rng.choice(
            self.streets.n_nodes, min(count, self.streets.n_nodes) if not again else count, again
        )
        return chosen.astype(np.int32)

    def _k_costs(self, facilities: IntArray) -> Callable[[int], LongArray]:
        return lambda node: self._scipy.k_costs([node], facilities, K)[0]

    def _coverage_ms(self, facilities: IntArray) -> LongArray:
        job = self._scipy.coverage(facilities, mine.NO_HINT)
        return np.asarray(job.answer(None), dtype=np.int64)

    def _hint(self, count: int) -> Hint:
        """Worked out once for all peers and tasks: it takes seconds in a city."""
        if count not in self._hints:
            self._hints[count] = self._find_hint(self.facilities[count])
        return self._hints[count]

    def _find_hint(self, facilities: IntArray) -> Hint:
        kth = self._scipy.k_costs(self.starts[:150], facilities, K)[:, -1]
        farthest = self._coverage_ms(facilities).max()
        return Hint(float(np.median(kth)), 1.5 * float(max(kth.max(), farthest)), float(farthest))


# -- agreement ---------------------------------------------------------------------------------


def check(task: Task) -> bytes:
    """Assert that everybody is right; give our answers, to be summed up."""
    digest = hashlib.sha256(task.name.encode())
    for question in task.questions[: task.checked] if task.expected else ():
        assert task.expected is not None
        right = np.asarray(task.expected(question))
        for name, job in task.jobs.items():
            answer = task.pick(np.asarray(job.answer(question)))
            if name == EVERY:  # another question, there for its time
                continue
            _compare(task, name, question, answer, right)
            if name == NAME:
                digest.update(np.ascontiguousarray(answer, dtype="<i8").tobytes())
    return digest.digest()


def _unread(_: object) -> None:
    """Nothing to compare in what is only done, not answered."""


def _compare(task: Task, name: str, question: Any, answer: LongArray, right: LongArray) -> None:
    """Rows that a peer was not asked for are missing at the end, or -1 where nothing else is."""
    right = right[: len(answer)]
    assert answer.shape == right.shape, (task.name, name, question, answer.shape, right.shape)
    if name in task.leeway:
        asked, leeway = answer >= 0, task.leeway[name]
        wrong = np.abs(answer - right)[asked] > leeway.ms + leeway.share * right[asked]
        assert asked.any(), (task.name, name, question)
        assert wrong.mean() <= leeway.stray, (task.name, name, question, wrong.mean())
    else:
        assert (answer == right).all(), (task.name, name, question, answer, right)


def check_lines(task: Task, lonlat: FloatArray) -> None:
    """Assert that what peers draw begins and ends where it should."""
    for start, end in task.questions[: task.checked]:
        for name, job in task.jobs.items():
            raw = job.ask((start, end))
            line = next(part for part in raw if isinstance(part, np.ndarray) and part.ndim == 2)
            assert np.abs(line[[0, -1]] - lonlat[[start, end]]).max() < 2e-6, (name, start, end)


# -- measuring ---------------------------------------------------------------------------------


def build_peers(streets: Streets) -> tuple[dict[str, Peer], dict[str, dict[str, Any]], list[str]]:
    """Every peer that is installed, what making it cost, and who is missing."""
    small = build_streets(build_city(400, seed=SEED))
    peers: dict[str, Peer] = {}
    costs: dict[str, dict[str, Any]] = {}
    missing = []
    kinds: tuple[type[Peer], ...] = (Ours, *PEERS)
    for kind in kinds:
        name = NAME if kind is Ours else kind.package
        if kind is not Ours and version_of(kind) is None:
            missing.append(name)
            continue
        kind(small)  # import and compile first: what is measured is the work
        before_mb, wall, cpu = report.resident_mb(), time.perf_counter(), report.cpu_s()
        peers[name] = kind(streets)
        costs[name] = {
            "version": version_of(kind),
            "cpu_s": report.cpu_s() - cpu,
            "wall_s": time.perf_counter() - wall,
            "grown_mb": report.resident_mb() - before_mb,
            "index_bytes": peers[name].index_bytes(),
        }
        tell(f"made {name}: {report.duration(costs[name]['cpu_s'])} of CPU time")
    return peers, costs, missing


def tell(line: str) -> None:
    """Progress, beside the report."""
    print(line, file=sys.stderr, flush=True)


Run = Mapping[str, Mapping[str, Times]]
"""Times of one run, by task and peer."""


def measure(
    tasks: Sequence[Task],
    runs: int,
    budget_s: float,
    done: Sequence[Run] = (),
    keep: Callable[[Sequence[Run]], None] = lambda _: None,
) -> list[Run]:
    """Runs up to so many, those that are done already among them; each is kept as soon as it is whole."""
    measured = list(done[:runs])
    if len(measured) < runs:
        races = {task.name: Race(task.jobs, task.questions, budget_s=budget_s) for task in tasks}
    while len(measured) < runs:
        begin = time.perf_counter()
        measured.append({name: race.run() for name, race in races.items()})
        keep(measured)
        tell(f"run {len(measured)} of {runs} done in {time.perf_counter() - begin:.0f} s")
    return measured


def summarise(task: Task, runs: Sequence[Mapping[str, Times]]) -> dict[str, Any]:
    """Medians over the runs; a ratio is that of one run, CPU time."""
    peers: dict[str, Any] = {}
    for name in task.jobs:
        times = [run[name] for run in runs]
        ratios = sorted(run[name].cpu_s / run[NAME].cpu_s for run in runs)
        peers[name] = {
            "cpu_us": statistics.median(t.cpu_s for t in times) * 1e6,
            "wall_us": statistics.median(t.wall_s for t in times) * 1e6,
            "wall_p99_us": statistics.median(t.wall_p99_s for t in times) * 1e6,
            "calls": sum(t.calls for t in times),
            "cpu_us_runs": [t.cpu_s * 1e6 for t in times],
            "ratio": statistics.median(ratios),
            "ratio_lowest": ratios[0],
            "ratio_highest": ratios[-1],
            "part": task.jobs[name].part,
            "goal": GOALS.get((task.name, name)),
        }
    return {"limit_us": task.limit_s * 1e6 if task.limit_s else None, "peers": peers}


def run_all(
    streets: Streets,
    counts: Sequence[int],
    runs: int,
    budget_s: float,
    side: int = 1000,
    path: Path | None = None,
) -> dict[str, Any]:
    """Everything on some streets, as it is written to the JSON file; after each run, if there is one."""
    with report.told_beside():
        peers, costs, missing = build_peers(streets)
    for name in missing:
        tell(f"MISSING: {name}; pip install 'geo-service[bench]'")
    bench, digest = Bench(streets, peers, counts, side), hashlib.sha256()
    with ExitStack() as stack:
        tasks = []
        for task in bench.tasks(stack):
            digest.update(check(task))
            if task.name.startswith("route with"):
                check_lines(task, streets.lonlat)
            tasks.append(task)
            tell(f"agreed: {task.name} ({', '.join(task.jobs)})")
        told = _head(bench, costs, missing) | {
            "runs_wanted": runs,
            "asked": {"facilities": list(counts), "seconds": budget_s, "side": side},
            "answers_sha256": digest.hexdigest()[:16],
        }

        def keep(done: Sequence[Run]) -> None:
            told.update(_tell_runs(tasks, done))
            if path is not None:
                report.write_json(path, told)

        keep(measure(tasks, runs, budget_s, known_runs(path, told), keep))
    return told


def _head(bench: Bench, costs: Mapping[str, Any], missing: Sequence[str]) -> dict[str, Any]:
    n, network = bench.streets.n_nodes, bench.streets.network
    return {
        **report.circumstances(),
        "network": {"nodes": n, "edges": network.n_edges, "fingerprint": network.fingerprint},
        "missing": missing,
        "preprocessing": costs,
        "start": first_answers(network, bench.ours.index),
        "bytes_per_node": {
            "labels": bench.ours.label_bytes(with_lengths=False) / n,
            "labels with lengths": bench.ours.label_bytes(with_lengths=True) / n,
            "index": bench.ours.index_bytes() / n,
            "index and network": (bench.ours.index_bytes() + mine.mapped_bytes(network)) / n,
        },
    }


def _tell_runs(tasks: Sequence[Task], done: Sequence[Run]) -> dict[str, Any]:
    return {
        "runs": len(done),
        "tasks": {task.name: summarise(task, [run[task.name] for run in done]) for task in tasks if done},
        "times": [{task: {peer: [*t] for peer, t in run[task].items()} for task in run} for run in done],
    }


SAME = ("machine", "python", "code", "network", "missing", "asked", "answers_sha256")
"""What must be the same for runs to be put together."""


def known_runs(path: Path | None, told: Mapping[str, Any]) -> list[Run]:
    """Runs that the file already holds of this very measurement: an interrupted one goes on."""
    if path is None or not path.is_file():
        return []
    known = json.loads(path.read_text(encoding="utf-8"))
    differs = [what for what in SAME if known.get(what) != told[what]]
    if differs:
        tell(f"{path} holds another measurement ({', '.join(differs)} differ); it is written anew")
        return []
    tell(f"{path} holds {known['runs']} of these runs already")
    return [
        {task: {peer: Times(*t) for peer, t in peers.items()} for task, peers in run.items()}
        for run in known["times"]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--osm", help="extract to measure on; default: the demo district yingze")
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    parser.add_argument("--facilities", default="60,1000,20000", help="how many to ask among, ascending")
    parser.add_argument("--runs", type=int, help="default 5, or 1 with --quick")
    parser.add_argument(
        "--seconds", type=float, help="about, for each task and peer in a run; default 0.5, or 0.03"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short run: everything is asked, figures are rough"
    )
    options = parser.parse_args()
    counts = [int(count) for count in options.facilities.split(",")]
    runs = options.runs or (1 if options.quick else 5)
    seconds = options.seconds or (0.03 if options.quick else 0.5)
    streets, side = read_streets(options.osm), 200 if options.quick else 1000
    told = run_all(streets, counts, runs, seconds, side, options.json)
    told["source"] = Path(options.osm).name if options.osm else "demo yingze"
    print_report(told)
    if options.json:
        report.write_json(options.json, told)
    if not options.osm:
        print("\non a real extract: python -m benchmarks.engine --osm FILE.osm.pbf --json OUT.json")


if __name__ == "__main__":
    main()
