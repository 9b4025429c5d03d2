"""
Facilities that were prepared: how they hang on the streets, and what they leave at hubs.

They may change while others ask. Each change makes a new *stand*, copied in one pass from the one
before, and puts it in place of that by one assignment; who reads took the stand once and keeps
it to the end of the question. So nobody ever sees half a change, and nobody waits.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from geo_service.engine.buckets import Buckets, fill_buckets, merge_buckets
from geo_service.engine.constants import LOW_MASK, NEVER, NONE
from geo_service.engine.dijkstra import Ends
from geo_service.engine.index import Index
from geo_service.engine.join import EDGE, SUM, Desk, Hooks, build_hooks
from geo_service.engine.kit import Kit
from geo_service.engine.labels import Labels
from geo_service.engine.snap import BoolArray, Snaps
from geo_service.errors import InvalidInputError
from geo_service.network.graph import FloatArray, LongArray


class Stand(NamedTuple):
    """
    Facilities as they stand between two changes; nothing in it is written to.

    Parameters
    ----------
    snaps
        Where they are, one row each; rows that are gone or left out have link `NONE`.
    targets
        How they hang to be arrived at.
    departs
        How they hang to be left.
    arrive
        ``targets`` as labels want them; empty without an index.
    leave
        ``departs`` as labels want them; empty without an index.
    rows
        Those with a link, ascending.
    buckets
        What they leave at hubs; empty without an index.
    kit
        What kernels read of all that: `Buckets`, and the rank of each node; none without buckets.
    """

    snaps: Snaps
    targets: Ends
    departs: Ends
    arrive: Hooks
    leave: Hooks
    rows: LongArray
    buckets: Buckets
    kit: Kit | None = None


@dataclass(frozen=True, eq=False)
class Machine:
    """
    What a router lends its facilities.

    Parameters
    ----------
    index
        Hierarchy and labels, if there are.
    take
        Checks snaps and gives them in plain columns.
    hang
        Hangs points on nodes, to be left or not.
    desk
        Gives the desk of this thread, with room for so many facilities.
    backward
        Gives labels of the nodes that hooks name, against the direction of travel.
    forward
        Labels of all nodes in the direction of travel, if they are saved.
    """

    index: Index | None
    take: Callable[[Snaps, str], Snaps]
    hang: Callable[[Snaps, bool], Ends]
    desk: Callable[[int], Desk]
    backward: Callable[[LongArray], Labels]
    forward: Kit | None


_NO_LONGS = np.empty(0, dtype=np.int64)

NO_HOOKS = Hooks(np.empty((0, 2, 3), dtype=np.int64), np.empty((0, 2)))
"""Where there is no index."""

NO_BUCKETS = Buckets(
    _NO_LONGS, _NO_LONGS, np.empty(0, dtype=np.int32), np.empty((0, 3), dtype=np.int64), np.empty(0)
)
"""Where there is no index, or no use for buckets."""


class Facilities:
    """
    Facilities by row, ready to be asked for; rows keep their numbers when others go.

    Parameters
    ----------
    machine
        What the router lends.
    stand
        How they stand at first.
    """

    def __init__(self, machine: Machine, stand: Stand) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._put(stand)

    def __len__(self) -> int:
        return len(self._stand.snaps.link)

    def _put(self, stand: Stand) -> None:
        """Let everybody who asks from now on see another stand."""
        index, forward = self._machine.index, self._machine.forward
        kit = None if index is None else Kit(stand.buckets, rank=index.hierarchy.rank)
        self._stand = stand._replace(kit=kit)
        self.quick = None if kit is None or forward is None else (forward, kit)
        """Labels and buckets, for one quick call; none, if labels are made for each question."""

    @property
    def stand(self) -> Stand:
        """How they stand now."""
        return self._stand

    def add(self, snaps: Snaps) -> LongArray:
        """
        Let facilities come.

        Parameters
        ----------
        snaps
            Where they are.

        Returns
        -------
        rows
            Their numbers: those that follow the last one.
        """
        with self._lock:
            rows = np.arange(len(self), len(self) + len(snaps.link))
            self._put(self._change(rows, self._machine.take(snaps, "facilities")))
        return rows

    def move(self, rows: LongArray, snaps: Snaps) -> None:
        """
        Let facilities stand elsewhere.

        Parameters
        ----------
        rows
            Which.
        snaps
            Where they are from now on, one for each.
        """
        rows = self._take_rows(rows)
        if len(rows) != len(snaps.link):
            raise InvalidInputError(
                f"{len(rows)} rows and {len(snaps.link)} points; give one point for each row",
                parameter="snaps",
                value=len(snaps.link),
            )
        with self._lock:
            self._put(self._change(rows, self._machine.take(snaps, "facilities")))

    def remove(self, rows: LongArray) -> None:
        """
        Let facilities go; their numbers are not given again.

        Parameters
        ----------
        rows
            Which.
        """
        rows = self._take_rows(rows)
        with self._lock:
            self._put(self._change(rows, nowhere(self._stand.snaps.take(rows))))

    def where(self, is_eligible: BoolArray) -> "Facilities":
        """
        Leave some out, for as long as a filter and a layer's version last; numbers stay.

        Parameters
        ----------
        is_eligible
            Whether each row counts, shape ``(f,)``.

        Returns
        -------
        facilities
            As fast to ask as if the others had never been.

        Raises
        ------
        InvalidInputError
            If there is not one value for each row.
        """
        stand = self._stand
        kept = np.asarray(is_eligible, dtype=np.bool_)
        if kept.shape != stand.snaps.link.shape:
            raise InvalidInputError(
                f"is_eligible has shape {kept.shape}; give one value for each of {len(stand.snaps.link)} rows",
                parameter="is_eligible",
                value=list(kept.shape),
            )
        left_out = np.flatnonzero(~kept)
        few = Facilities(self._machine, stand)
        few._put(few._change(left_out, nowhere(stand.snaps.take(left_out))))
        return few

    def later(self, kept: LongArray, come: Snaps) -> "Facilities":
        """
        Facilities of a later version of a layer; these stay as they are for whoever still asks for them.

        Parameters
        ----------
        kept
            For each row of the later ones the row that stands there now, ascending, or `NONE` for one that comes.
        come
            Where those stand that come, one for each `NONE`.

        Returns
        -------
        facilities
            As if they had been prepared anew; what it takes is a copy.

        Raises
        ------
        InvalidInputError
            If a row is not one of these, is named twice or out of order, or there is not one point for each that comes.
        """
        stand, is_kept = self._stand, np.asarray(kept) != NONE
        old, rows = self._take_rows(np.asarray(kept)[is_kept]), np.flatnonzero(~is_kept)
        if (np.diff(old) < 0).any() or len(rows) != len(come.link):
            raise InvalidInputError(
                f"{len(rows)} facilities come and {len(come.link)} points; give rows ascending and a point for each",
                parameter="kept",
                value=len(rows),
            )
        row = np.full(len(self), NONE, dtype=np.int64)
        row[old] = np.flatnonzero(is_kept)
        later = Facilities(self._machine, stand)
        later._put(later._renumber(row, len(is_kept), rows, self._machine.take(come, "come")))
        return later

    def _take_rows(self, rows: LongArray) -> LongArray:
        taken = np.asarray(rows, dtype=np.int64).ravel()
        if len(taken) and not (taken.min() >= 0 and taken.max() < len(self)):
            raise InvalidInputError(
                f"row {int(taken.max())} is not one of {len(self)} facilities",
                parameter="rows",
                value=int(taken.max()),
            )
        if len(np.unique(taken)) != len(taken):
            raise InvalidInputError(
                "a row is named twice; name each once", parameter="rows", value=len(taken)
            )
        return taken

    def _change(self, rows: LongArray, snaps: Snaps) -> Stand:
        """The stand with some rows written anew, perhaps behind the last one."""
        row = np.arange(len(self))
        row[rows[rows < len(self)]] = NONE
        return self._renumber(row, max(len(self), int(rows.max(initial=-1)) + 1), rows, snaps)

    def _renumber(self, row: LongArray, n: int, rows: LongArray, snaps: Snaps) -> Stand:
        """The stand with old rows where they are from now on, `NONE` for those that go, and some written anew."""
        old, machine = self._stand, self._machine
        kept = np.flatnonzero(row != NONE)
        targets, departs = machine.hang(snaps, False), machine.hang(snaps, True)

        def write(before: Any, new: Any) -> Any:
            out = np.empty((n, *before.shape[1:]), dtype=before.dtype)
            out[row[kept]] = before[kept]
            out[rows] = new
            return out

        whole = Stand(
            Snaps(*map(write, old.snaps, snaps)),
            Ends(*map(write, old.targets, targets)),
            Ends(*map(write, old.departs, departs)),
            NO_HOOKS,
            NO_HOOKS,
            _NO_LONGS,
            NO_BUCKETS,
        )
        whole = whole._replace(rows=np.flatnonzero(whole.snaps.link != NONE))
        if machine.index is None:
            return whole
        whole = _hook(machine.index, whole)
        return whole._replace(buckets=_merge(machine, old.buckets, row, whole, rows[snaps.link != NONE]))


def build_facilities(machine: Machine, snaps: Snaps) -> Facilities:
    """
    Prepare facilities.

    Parameters
    ----------
    machine
        What the router lends.
    snaps
        Where they are.

    Returns
    -------
    facilities
        Ready to be asked for.
    """
    return build_hung(machine, snaps, machine.hang(snaps, False), machine.hang(snaps, True))


def build_hung(machine: Machine, snaps: Snaps, targets: Ends, departs: Ends) -> Facilities:
    """
    Prepare facilities that hang already.

    Parameters
    ----------
    machine
        What the router lends.
    snaps
        Where they are.
    targets
        How they hang to be arrived at.
    departs
        How they hang to be left.

    Returns
    -------
    facilities
        Ready to be asked for.
    """
    rows = np.flatnonzero(snaps.link != NONE)
    stand = Stand(snaps, targets, departs, NO_HOOKS, NO_HOOKS, rows, NO_BUCKETS)
    if machine.index is not None:
        stand = _hook(machine.index, stand)
        stand = stand._replace(buckets=_fill(machine, stand, rows))
    return Facilities(machine, stand)


def nowhere(snaps: Snaps) -> Snaps:
    """
    Points as if they were far from any street.

    Parameters
    ----------
    snaps
        Points.

    Returns
    -------
    snaps
        The same without links.
    """
    return snaps._replace(link=np.full(len(snaps.link), NONE, dtype=np.int32))


def _hook(index: Index, stand: Stand) -> Stand:
    rank = index.hierarchy.rank
    return stand._replace(arrive=build_hooks(stand.targets, rank), leave=build_hooks(stand.departs, rank))


def _fill(machine: Machine, stand: Stand, rows: LongArray) -> Buckets:
    assert machine.index is not None
    index, desk = machine.index, machine.desk(0)
    first = np.zeros(len(index.hierarchy.rank) + 1, dtype=np.int64)
    entry, mm = fill_buckets(machine.backward(stand.arrive.at[rows]), stand.arrive.at, rows, desk, first)
    return Buckets(first, entry, mm, *_sort_links(stand))


def _merge(machine: Machine, old: Buckets, row: LongArray, stand: Stand, come: LongArray) -> Buckets:
    new = _fill(machine, stand, come)
    first = np.empty_like(old.first)
    entry, mm = merge_buckets(old, row, new, first)
    return new._replace(first=first, entry=entry, mm=mm)


def _sort_links(stand: Stand) -> tuple[LongArray, FloatArray]:
    """Who stands on which link, by link, and where."""
    place = np.sort((stand.snaps.link[stand.rows].astype(np.int64) << 32) | stand.rows)
    rows, at = place & LOW_MASK, stand.arrive.at
    rests = np.where(at[rows, :, EDGE] == NONE, NEVER, at[rows, :, SUM])
    return np.concatenate([place[:, None], rests], axis=1), stand.snaps.share[rows]
