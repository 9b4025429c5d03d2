"""
How many points a second the datum conversion turns, on one thread.

Run ``python -m benchmarks.datum`` from the checkout; prints the median and slowest of nine rounds
and a checksum of the answers. The clock counts the thread's own CPU seconds, so that a busy
neighbour does not pass for slow code.
"""

import platform
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from geo_service.geo import Datum, FloatArray, convert_datum

POINTS, ROUNDS = 1_000_000, 9
PAIRS: tuple[tuple[Datum, Datum], ...] = (
    ("wgs84", "gcj02"),
    ("wgs84", "bd09"),
    ("gcj02", "wgs84"),
    ("bd09", "wgs84"),
)


def towns(rng: np.random.Generator) -> FloatArray:
    """Points around two hundred places of the mainland, as districts are."""
    centres = np.column_stack([rng.uniform(103.0, 119.0, 200), rng.uniform(26.0, 40.0, 200)])
    return centres[rng.integers(0, 200, POINTS)] + rng.normal(0.0, 0.03, (POINTS, 2))


def anywhere(rng: np.random.Generator) -> FloatArray:
    """Points all over the customary box, half of them abroad, many near the outline."""
    return np.column_stack([rng.uniform(72.1, 137.7, POINTS), rng.uniform(1.0, 55.7, POINTS)])


def seconds(work: Callable[[], object]) -> list[float]:
    """CPU seconds of each round, sorted."""
    taken = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        work()
        taken.append(time.thread_time() - start)
    return sorted(taken)


def main() -> None:
    """Print one row per set of points and direction."""
    print(platform.processor() or platform.machine(), "numpy", np.__version__)
    for draw in (towns, anywhere):
        wgs = draw(np.random.default_rng(20261121))
        for source, target in PAIRS:
            start = convert_datum(wgs, "wgs84", source)
            taken = seconds(partial(convert_datum, start, source, target))
            checksum = float(convert_datum(start, source, target).sum())
            median, slowest = POINTS / taken[ROUNDS // 2] / 1e6, POINTS / taken[-1] / 1e6
            row = f"{draw.__name__:9}{source} -> {target}: median {median:5.2f}, slowest {slowest:5.2f}"
            print(f"{row} million/s, checksum {checksum:.6f}")


if __name__ == "__main__":
    main()
