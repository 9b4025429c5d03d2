"""
How often the datum doctor is right on made-up lists: the numbers of ``docs/guide/datum-doctor.md``.

``python -m tests.doctor_table EXTRACT.osm.pbf …`` prints them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geo_service.exchange.doctor import CONFIDENCE_LINE, DATUMS, Ground, build_ground, diagnose
from geo_service.network.osm import read_osm_file
from tests.made_lists import Streets, confusion, disguised

Box = tuple[float, float, float, float]


class Score(NamedTuple):
    """Lists judged: how often the likeliest datum was right, was told for sure, and the surest wrong answer."""

    lists: int
    right: int
    sure: int
    sure_and_wrong: int
    surest_wrong: float
    table: dict[str, dict[str, int]]


def score(
    ground: Ground,
    streets: Streets,
    rows: int,
    noise_m: float,
    lists: int,
    *,
    seed: int,
    boxes: Sequence[Box | None] = (None,),
    with_addresses: bool = False,
) -> Score:
    """Judge so many lists, each datum in turn."""
    rng = np.random.default_rng(seed)
    answers: list[tuple[str, str]] = []
    sure = wrong = 0
    surest = 0.0
    for k in range(lists):
        truth = DATUMS[k % 3]
        made = streets.draw(rng, rows, noise_m, boxes[k % len(boxes)])
        found = diagnose(
            disguised(made.lonlat, truth), ground, addresses=made.addresses if with_addresses else ()
        )
        is_right = found.reading == truth
        answers.append((truth, found.reading or "none"))
        sure += found.status == "sure" and is_right
        wrong += found.status == "sure" and not is_right
        surest = surest if is_right else max(surest, found.confidence)
    right = sum(truth == answer for truth, answer in answers)
    return Score(lists, right, sure, wrong, surest, confusion(answers))


def windows(seed: int, count: int) -> list[Box]:
    """Boxes of a subdistrict's size inside Beijing's fourth ring."""
    rng = np.random.default_rng(seed)
    corners = zip(rng.uniform(116.28, 116.48, count), rng.uniform(39.83, 39.95, count), strict=True)
    return [(lon, lat, lon + 0.045, lat + 0.035) for lon, lat in corners]


def main() -> None:
    """Print one row per extract, size and noise."""
    print("| streets | rows | noise | right | sure | sure and wrong | surest wrong |")
    print("|---|---|---|---|---|---|---|")
    for path in map(Path, sys.argv[1:]):
        network = read_osm_file(path, ("walk",)).networks["walk"]
        ground, streets = build_ground([network]), Streets(network)
        boxes: list[Box | None] = [*windows(1, 60)] if ground.bbox.east - ground.bbox.west > 0.3 else [None]
        for rows, lists in ((5, 60), (20, 100), (150, 6)):
            for noise_m in (0.0, 5.0, 15.0):
                for with_addresses in (False, True) if boxes != [None] else (False,):
                    got = score(
                        ground,
                        streets,
                        rows,
                        noise_m,
                        lists,
                        seed=1,
                        boxes=boxes,
                        with_addresses=with_addresses,
                    )
                    name = path.name.split(".")[0] + (" with addresses" if with_addresses else "")
                    print(
                        f"| {name} | {rows} | {noise_m:.0f} m | {got.right / lists:.1%} | {got.sure / lists:.0%} "
                        f"| {got.sure_and_wrong} of {lists} | {got.surest_wrong:.2f} |",
                        flush=True,
                    )
    print(f"\nConfidence line {CONFIDENCE_LINE}.")


if __name__ == "__main__":
    main()
