"""
Everything of one store into another, whichever databases the two are: to move house, and to keep a copy.

Rows travel as they are: versions, history, what sources said, accounts, sessions and notes. All of it arrives
in one transaction, or nothing does.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import orjson

from geo_service.errors import BadDataError, InvalidInputError
from geo_service.store.accounts import RESERVED
from geo_service.store.base import Store
from geo_service.store.link import MOVED, Link, Row

Progress = Callable[[str, int, int], None]
"""Hears of a table: its name, rows copied so far, rows there are."""

_ROWS_AT_ONCE = 1_000
_FLAGS = frozenset({"is_removed", "is_active", "must_change_password"})  # numbers in SQLite

# Tables in an order that every reference allows, their columns, and the order of their rows.
TABLES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("layers", ("name", "version"), "name"),
    ("changes", ("id", "at", "actor", "role", "source"), "id"),
    ("features", ("seq", "id", "layer", "version", "is_removed", "doc"), "seq"),
    ("history", ("seq", "change_id", "layer", "feature_id", "version", "previous", "doc"), "seq"),
    ("snapshots", ("layer", "role", "feature_id", "change_id", "doc"), "layer, role, feature_id"),
    (
        "accounts",
        (
            "name",
            "password_hash",
            "role",
            "created_at",
            "layers",
            "places",
            "is_active",
            "must_change_password",
        ),
        "name",
    ),
    ("sessions", ("digest", "account", "created_at", "seen_at", "expires_at"), "digest"),
    ("notes", ("key", "value"), "key"),
)


def copy_store(
    source: Store, target: Store, progress: Progress | None = None, *, is_move: bool = False
) -> dict[str, int]:
    """
    Copy everything of a store into an empty one.

    Parameters
    ----------
    source
        Where from. Others may go on editing it while it is copied; unless it moves.
    target
        Where to; it must be empty.
    progress
        Hears how far it is.
    is_move
        Let the source take no edit meanwhile nor ever after, so that nothing is written to the old place.

    Returns
    -------
    counts
        Rows copied, by table.

    Raises
    ------
    InvalidInputError
        If the target holds anything.
    BadDataError
        If fewer rows arrived than left; nothing is kept then.
    """
    with source.changing() if is_move else source.reading() as old:
        with target.writing() as new:
            _check_empty(target, new)
            counts = {name: _copy_table(old, new, name, progress) for name, _, _ in TABLES}
        if is_move:
            # Only now that the copy is safe: a crash before this line leaves the source the true one.
            shown = orjson.dumps(target.place).decode()
            old.run("INSERT INTO notes (key, value) VALUES (?, ?)", (MOVED, shown))
    return counts


def moved_to(store: Store) -> str | None:
    """
    Where everything of a store went.

    Parameters
    ----------
    store
        The old place.

    Returns
    -------
    place
        The new one as messages name it; None if the store was not moved.
    """
    with store.reading() as link:
        rows = link.rows("SELECT value FROM notes WHERE key = ?", (MOVED,))
    return str(orjson.loads(rows[0][0])) if rows else None


def _check_empty(target: Store, link: Link) -> None:
    for name, _, _ in TABLES:
        if _count(link, name):
            raise InvalidInputError(
                f"{target.place} is not empty: it holds {name}; name a new one", parameter="store", value=name
            )


def _own(table: str) -> str:
    """What the store notes for itself stays where it is."""
    return f" WHERE substr(key, 1, {len(RESERVED)}) <> '{RESERVED}'" if table == "notes" else ""


def _count(link: Link, table: str) -> int:
    return int(link.rows(f"SELECT count(*) FROM {table}{_own(table)}")[0][0])  # noqa: S608  # names of ours


def _copy_table(old: Link, new: Link, table: str, progress: Progress | None) -> int:
    ((columns, order),) = ((columns, order) for name, columns, order in TABLES if name == table)
    total, done = _count(old, table), 0
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    add = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    flags = [index for index, column in enumerate(columns) if column in _FLAGS]
    rows = old.stream(f"SELECT {names} FROM {table}{_own(table)} ORDER BY {order}")  # noqa: S608
    for batch in _batches(rows):
        new.run_many(add, [_with_flags(row, flags) for row in batch])
        done += len(batch)
        if progress is not None:
            progress(table, done, total)
    if not done == total == _count(new, table):
        raise BadDataError(
            f"{table}: {total} rows left and {done} arrived; nothing was kept, try again",
            parameter=table,
            value=done,
        )
    return done


def _with_flags(row: Row, flags: Iterable[int]) -> Row:
    held = list(row)
    for index in flags:
        held[index] = bool(held[index])
    return tuple(held)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch
