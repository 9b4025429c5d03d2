"""
A process that writes to a store and says aloud what was acknowledged; tests start and kill it.

``python -m tests.store_writer count PLACE DISTRICT NAME N`` raises one counter N times against all others;
``… add PLACE DISTRICT NAME N`` adds features; after each acknowledged edit it prints one line.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime

from geo_service.errors import StaleEditError
from geo_service.layers import Edit, Place
from geo_service.store.base import Store
from geo_service.store.opening import open_store

COUNTER = Place("counter", "station", 116.45, 39.96, "计数", seats=0)


def write(store: Store, name: str, edit: Edit) -> None:
    store.apply([edit], actor=name, role="desk", source="test", at=datetime.now(UTC))


def count_up(store: Store, name: str) -> None:
    """Read, add one, write; and again from the start whenever another was faster."""
    while True:
        (before,) = store.features(["counter"])
        try:
            write(
                store, name, Edit("station", "counter", None, before, replace(before, seats=before.seats + 1))
            )
        except StaleEditError:
            continue
        return


def main(verb: str, place: str, district: str, name: str, number: str) -> None:
    store = open_store(place, district=district)
    for index in range(int(number)):
        if verb == "count":
            count_up(store, name)
        else:
            place = replace(COUNTER, id=f"{name}-{index}")
            write(store, name, Edit("station", place.id, None, None, place))
        print(f"{name}-{index}", flush=True)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
