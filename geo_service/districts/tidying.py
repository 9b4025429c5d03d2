"""
What need not be kept: sessions that ended, leftovers of broken-off work, stores set aside long ago.

The history of places is never touched.
"""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from geo_service.desk.doubts import settle_doubts, standing_doubts
from geo_service.districts.stores import RESTORING, SQLITE_FILE
from geo_service.districts.working_copy import forget_layers
from geo_service.errors import BadDataError

if TYPE_CHECKING:
    from geo_service.districts.district import District

KEPT_DAYS = 30
"""How long a store that was set aside is kept."""

LEFT_HOURS = 24
"""How old a half-written file must be to count as left over: nothing takes that long to write."""


class Let(NamedTuple):
    """One thing that was let go of: which kind, its name, and how many or how large."""

    what: str
    name: str
    amount: int
    unit: str


def tidy(
    district: "District", at: datetime, *, days: int = KEPT_DAYS, is_dry_run: bool = False
) -> tuple[Let, ...]:
    """
    Let go of what need not be kept.

    Parameters
    ----------
    district
        An open district.
    at
        The instant, aware.
    days
        How long stores that were set aside are kept.
    is_dry_run
        Look, but let go of nothing.

    Returns
    -------
    gone
        What was let go of, or would be.

    Raises
    ------
    BadDataError
        If there is an old store to delete and the present one is not sound: then the old one may be needed.
    """
    store = district.store
    old = [path for path in _set_aside(district.directory) if _age_days(path, at) >= days]
    if old and (problems := store.check()):
        raise BadDataError(
            f"the store is not sound ({problems[0]}); nothing was tidied, {old[0].name} may be needed",
            path=str(old[0]),
        )
    n_sessions = store.expired(at) if is_dry_run else store.expire(at)
    known = [info.name for info in store.layers()]
    return (
        *([Let("ended", "sessions", n_sessions, "rows")] if n_sessions else []),
        *_orphaned_doubts(district, is_dry_run),
        *(
            Let("note of a file that is no more", f"{name}.geojson", 1, "notes")
            for name in forget_layers(district.directory, known, is_dry_run=is_dry_run)
        ),
        *(_delete(path, "left half-written", is_dry_run) for path in _leftovers(district.directory, at)),
        *(_delete(path, f"set aside {_age_days(path, at)} days ago", is_dry_run) for path in old),
    )


def gone_doubts(district: "District") -> tuple[str, ...]:
    """
    Ids that people spoke against and that are no more.

    Parameters
    ----------
    district
        An open district.

    Returns
    -------
    ids
        Sorted.
    """
    there = {
        feature.id for info in district.store.layers() for feature in district.store.layer(info.name).features
    }
    return tuple(sorted(set(standing_doubts(district.store)) - there))


def _orphaned_doubts(district: "District", is_dry_run: bool) -> Iterator[Let]:
    standing = standing_doubts(district.store)
    for place in gone_doubts(district):
        if not is_dry_run:
            settle_doubts(district.store, place)
        yield Let("reports about a place that is gone", place, len(standing[place]), "reports")


def _set_aside(directory: Path) -> list[Path]:
    endings = ("-wal", "-shm")
    return sorted(path for path in directory.glob(f"{SQLITE_FILE}.old-*") if not path.name.endswith(endings))


def _leftovers(directory: Path, at: datetime) -> list[Path]:
    """What a kill left behind; while it is younger, somebody may be writing it."""
    names = (f"{RESTORING}*", f"{SQLITE_FILE}.part*", "*.part", "layers/*.part")
    found = {path for name in names for path in directory.glob(name)}
    return sorted(path for path in found if _age_s(path, at) >= LEFT_HOURS * 3600)


def _age_s(path: Path, at: datetime) -> float:
    """Since it was last written or renamed, whichever is later: setting a store aside is a change of its name."""
    status = path.stat()
    return at.timestamp() - max(status.st_mtime, status.st_ctime)


def _age_days(path: Path, at: datetime) -> int:
    return int(_age_s(path, at) // 86_400)


def _delete(path: Path, what: str, is_dry_run: bool) -> Let:
    parts = [
        part for part in (path, *(path.with_name(path.name + e) for e in ("-wal", "-shm"))) if part.exists()
    ]
    n_bytes = sum(_bytes_of(part) for part in parts)
    for part in parts if not is_dry_run else ():
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    return Let(what, path.name, n_bytes, "bytes")


def _bytes_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())
