"""What the tests of every store share: places to keep one, features to put in, and short words for edits."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from geo_service.layers import Edit, Feature, Place
from geo_service.store.base import Store
from geo_service.store.opening import open_store

CHECKOUT = Path(__file__).resolve().parents[1]
AT = datetime(2026, 11, 21, 8, 30, tzinfo=timezone(timedelta(hours=8)))
DESK: dict[str, Any] = {"actor": "li", "role": "desk", "source": "page", "at": AT}
A, B = (Place(key, "station", 116.45, 39.96, "香新驿站") for key in ("st-a", "st-b"))
WATER = Place("w-1", "water", 116.46, 39.97, "饮水点")

_numbers = itertools.count()


@dataclass(frozen=True)
class Home:
    """Where a store is kept: a path or a URL, and its district."""

    place: str
    district: str

    def open(self, **words: Any) -> Store:
        return open_store(self.place, district=self.district, **words)

    def writer(self, verb: str, name: str, number: int) -> "subprocess.Popen[str]":
        """Start a process that writes; see `tests/store_writer.py`."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.store_writer", verb, self.place, self.district, name, str(number)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )


def new_district() -> str:
    """An id that no other test of this run has."""
    return f"t{os.getpid()}-{next(_numbers)}"


def add(*features: Feature) -> list[Edit]:
    return [Edit(feature.layer, feature.id, None, None, feature) for feature in features]


def change(before: Feature, **fields: Any) -> Edit:
    return Edit(before.layer, before.id, None, before, replace(before, **fields))


def remove(before: Feature) -> Edit:
    return Edit(before.layer, before.id, None, before, None)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout is not None
    yield from (line.strip() for line in process.stdout)
