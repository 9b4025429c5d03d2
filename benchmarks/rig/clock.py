"""
Taking turns: every peer answers a few of the same questions, then the next peer, round after round.

A turn holds enough calls to be seen by the clock, one for the slow. Wall and CPU time are those of the
turn over its calls; what is reported is the median turn. CPU time is the process's, so that a library
that starts threads anyway does not hide them.
"""

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

TURN_S = 3e-3
"""A turn lasts at least about this long: the clocks are read in under a microsecond, and caches that the peer
before has swept are filled again within the first tenths."""

MIN_TURNS = 3
"""Turns in each run even of the slow, unless a single call takes longer than a whole run may."""

MAX_CALLS = 2000


class Job(NamedTuple):
    """
    One peer's way to answer the questions of a task.

    Parameters
    ----------
    ask
        Takes a question, gives the answer as the peer has it; this is timed.
    read
        Makes an array to compare of that answer; this is not.
    part
        Share of the question that is asked; time is scaled to the whole.
    """

    ask: Callable[[Any], Any]
    read: Callable[[Any], Any]
    part: float = 1.0

    def answer(self, question: Any) -> Any:
        """What is compared, timed or not."""
        return self.read(self.ask(question))


class Times(NamedTuple):
    """Seconds for each call: the medians of one run's turns, the slowest hundredth, and how many turns."""

    wall_s: float
    cpu_s: float
    wall_p99_s: float
    turns: int
    calls: int


class _Plan(NamedTuple):
    calls: int
    turns: int


class Race:
    """
    Jobs that take turns; how many calls each turn holds is found out once, before the first run.

    Parameters
    ----------
    jobs
        By peer.
    questions
        The same for all; a slow peer comes to fewer of them.
    budget_s
        About how long one run may take for each peer.
    rounds
        Most turns a peer takes in one run.
    """

    def __init__(
        self, jobs: Mapping[str, Job], questions: Sequence[Any], *, budget_s: float, rounds: int = 60
    ) -> None:
        self._jobs, self._questions, self._rounds = jobs, questions, rounds
        self._plans = {name: _plan(job, questions, budget_s, rounds) for name, job in jobs.items()}

    def run(self) -> dict[str, Times]:
        """One run: the medians of everybody's turns."""
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in self._jobs}
        with nothing_collected():
            for turn in range(self._rounds):
                for name in _rotated(list(self._jobs), turn):
                    calls, turns = self._plans[name]
                    if turn * turns // self._rounds < (turn + 1) * turns // self._rounds:
                        taken[name].append(_turn(self._jobs[name], self._block(turn, calls)))
        return {name: _times(taken[name], self._plans[name].calls) for name in self._jobs}

    def _block(self, turn: int, calls: int) -> list[Any]:
        n = len(self._questions)
        return [self._questions[(turn * calls + i) % n] for i in range(calls)]


@contextmanager
def nothing_collected() -> Iterator[None]:
    """No garbage is collected meanwhile; what there is, before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _plan(job: Job, questions: Sequence[Any], budget_s: float, rounds: int) -> _Plan:
    """How many calls make a turn, and how many turns fit the budget; two calls to find out."""
    job.ask(questions[0])
    wall_s = _turn(job, questions[:1])[0] * job.part
    calls = min(max(1, math.ceil(TURN_S / wall_s)), MAX_CALLS)
    turns = max(1 if wall_s > budget_s else MIN_TURNS, int(budget_s / (calls * wall_s)))
    return _Plan(calls, min(turns, rounds))


def _turn(job: Job, block: Sequence[Any]) -> tuple[float, float]:
    ask = job.ask
    cpu, wall = time.process_time(), time.perf_counter()
    for question in block:
        ask(question)
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return wall_s / len(block) / job.part, cpu_s / len(block) / job.part


def _times(taken: list[tuple[float, float]], calls: int) -> Times:
    wall = sorted(wall_s for wall_s, _ in taken)
    cpu_s = statistics.median(cpu_s for _, cpu_s in taken)
    return Times(
        statistics.median(wall), cpu_s, wall[math.ceil(0.99 * len(wall)) - 1], len(taken), len(taken) * calls
    )


def _rotated(names: list[str], by: int) -> list[str]:
    """Each round begins with another peer, so that nobody always follows the same one's cache."""
    by %= len(names)
    return names[by:] + names[:by]
