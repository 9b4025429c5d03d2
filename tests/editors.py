"""
Many editors of one store at once, over several processes, and the proof that none lost an edit.

Each editor reads a station, changes one field of it as people do, and tries again when told that
somebody was faster. What was acknowledged is printed; :func:`contest` holds it against the history.
``python -m tests.editors PLACE DISTRICT NAME EDITORS EDITS`` is one process of it.
"""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson

from geo_service.errors import StaleEditError
from geo_service.layers import Edit, Place
from geo_service.store.base import Change, Store
from tests.stores import CHECKOUT, Home, add, lines_of

STATIONS = 16
SEED = 20261121
AUTHOR = {"role": "editor", "source": "test"}
# What an editor writes says who wrote it: a value that is acknowledged and never overwritten must be there.
FIELDS = ("phone", "address", "operator", "seats")


def first_places() -> list[Place]:
    return [Place(f"st-{n}", "station", 116.45, 39.96, f"驿站{n}", seats=0) for n in range(STATIONS)]


@dataclass
class Told:
    """What one process was told: edits acknowledged as change id → (station, field), and refusals."""

    acknowledged: dict[int, tuple[str, str]]
    stale: int
    merged: int


def edit_many(store: Store, name: str, edits: int, told: Told, lock: threading.Lock) -> None:
    rng = random.Random(f"{SEED} {name}")
    for _ in range(edits):
        key, field = f"st-{rng.randrange(STATIONS)}", rng.choice(FIELDS)
        while True:
            (seen,) = store.features([key])
            assert isinstance(seen, Place)
            value = (seen.seats or 0) + 1 if field == "seats" else f"010-{rng.randrange(10**8):08d}"
            version = store.layer("station").version if rng.random() < 0.3 else None
            if version is not None:
                (seen_now,) = store.features([key])
                version = None if seen_now != seen else version
            edit = Edit("station", key, version, seen, replace(seen, **{field: value}))
            try:
                applied = store.apply([edit], actor=name, at=datetime.now(UTC), **AUTHOR)
            except StaleEditError:
                with lock:
                    told.stale += 1
                continue
            break
        with lock:
            told.merged += len(applied.merged)
            if applied.change_id is not None:
                told.acknowledged[applied.change_id] = (key, field)


def main(place: str, district: str, name: str, editors: str, edits: str) -> None:
    told, lock = Told({}, 0, 0), threading.Lock()
    store = Home(place, district).open()
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(int(editors)) as threads:
        jobs = [
            threads.submit(edit_many, store, f"{name}-{number}", int(edits), told, lock)
            for number in range(int(editors))
        ]
        for job in jobs:
            job.result()
    store.close()
    print(orjson.dumps(vars(told), option=orjson.OPT_NON_STR_KEYS).decode(), flush=True)


@dataclass(frozen=True)
class Outcome:
    """What came of a contest; `faults` is empty if no edit was lost and history is sound."""

    edits: int
    stale: int
    merged: int
    seconds: float
    faults: tuple[str, ...]


def contest(home: Home, *, processes: int, editors: int, edits: int) -> Outcome:
    """Let many editors make edits each, and judge the history against what they were told."""
    store = home.open(create=True)
    store.apply(add(*first_places()), actor="init", at=datetime.now(UTC), **AUTHOR)
    words = [sys.executable, "-m", "tests.editors", home.place, home.district]
    started = [
        subprocess.Popen(
            [*words, f"p{number}", str(editors // processes), str(edits)],
            cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(processes)
    ]  # fmt: skip
    lines = [lines_of(process) for process in started]
    assert [next(line) for line in lines] == ["ready"] * processes
    begin = time.monotonic()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    heard = [orjson.loads(next(line, "null")) for line in lines]
    seconds = time.monotonic() - begin
    codes = [process.wait() for process in started]
    for process in started:
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
    faults = [f"a process ended with {code}" for code in codes if code]
    acknowledged = {
        int(key): tuple(one) for part in heard if part for key, one in part["acknowledged"].items()
    }
    faults += [*_lost(store.history(), acknowledged), *_replay(store), *store.check()]
    store.close()
    stale, merged = (sum(part[name] for part in heard if part) for name in ("stale", "merged"))
    return Outcome(len(acknowledged), stale, merged, seconds, tuple(faults))


def _lost(history: tuple[Change, ...], acknowledged: dict[int, tuple[str, str]]) -> list[str]:
    """Edits that were acknowledged and are not what the history says of them."""
    faults, changes = [], {one.id: one for one in history}
    if sorted(changes) != list(range(1, len(changes) + 1)):
        faults.append("the ids of changes have gaps")
    for key, (station, field) in acknowledged.items():
        one = changes.get(key)
        if one is None or one.feature_id != station or one.before is None or one.after is None:
            faults.append(f"change {key} is not there")
        elif getattr(one.before, field) == getattr(one.after, field):
            faults.append(f"change {key} did not change {field}")
        elif any(
            getattr(one.before, other) != getattr(one.after, other) for other in FIELDS if other != field
        ):
            faults.append(f"change {key} changed more than {field}")  # it took another's edit away
    unknown = set(changes) - set(acknowledged) - {1}
    return faults + [f"change {key} was never acknowledged" for key in sorted(unknown)]


def _replay(store: Store) -> list[str]:
    """Walk the history from nothing to now: every step starts where the last one ended."""
    now: dict[str, object] = {}
    raised: Counter[str] = Counter()
    for change in reversed(store.history()):
        if now.get(change.feature_id) != change.before:
            return [f"change {change.id} does not start where the one before it ended"]
        now[change.feature_id] = change.after
        if isinstance(change.before, Place) and isinstance(change.after, Place):
            raised[change.feature_id] += change.before.seats != change.after.seats
    present = {feature.id: feature for feature in store.layer("station").features}
    if present != now:
        return ["history does not lead to the present"]
    return [
        f"{key}: seats are {place.seats} after {raised[key]} additions of one"
        for key, place in present.items()
        if isinstance(place, Place) and place.seats != raised[key]
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
