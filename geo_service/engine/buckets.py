"""
What facilities leave at the hubs of the labels: for one hub, what it costs from there to each, nearest first.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import HUB_MASK, LONG, LOW_MASK, NEVER, NONE, VIA_BITS
from geo_service.engine.join import RANK, SUM, Desk
from geo_service.engine.labels import Labels
from geo_service.network.graph import FloatArray, IntArray, LongArray

PLACE, RESTS = range(2)
"""Columns of what stands on links; rests are two."""


class Buckets(NamedTuple):
    """
    What is left at hubs, and who stands on which link.

    Parameters
    ----------
    first
        Entries at hub ``h`` are ``first[h]:first[h + 1]``, shape ``(n + 1,)``.
    entry
        ``cost << 32 | facility``, ascending at each hub, gap and part-edge counted, shape ``(b,)``.
    mm
        Length of the shortest of the fastest ways, gap and part-edge counted, shape ``(b,)``.
    on_link
        Who stands on which link, by link and row: `PLACE` is ``link << 32 | facility``, `RESTS` the keys from the
        tails of the edges along and against it, `NEVER` where there is none, shape ``(l, 3)``.
    on_share
        Where on its link each of those stands, shape ``(l,)``.
    """

    first: LongArray
    entry: LongArray
    mm: IntArray
    on_link: LongArray
    on_share: FloatArray


@inner
def _list_hubs(
    first: LongArray, entry: LongArray, mm: IntArray, at: LongArray, f: int, board: LongArray, hubs: LongArray
) -> int:
    """Lay the keys from each hub to a facility on the board; list the hubs and give their number."""
    n_hubs: int = LONG(0)
    for slot in range(2):
        r = at[f, slot, RANK]
        if r == NONE:
            continue
        for i in range(first[r], first[r + 1]):
            hub = (entry[i] >> VIA_BITS) & HUB_MASK
            if board[hub] == NEVER:
                hubs[n_hubs] = hub
                n_hubs += 1
            board[hub] = min(board[hub], (entry[i] >> 32 << 32) + mm[i] + at[f, slot, SUM])
    return n_hubs


@inner
def _sift(entry: LongArray, mm: IntArray, begin: int, at: int, size: int) -> None:
    """Let an entry of a heap, greatest first, sink to its place, and its length with it."""
    item, length = entry[begin + at], mm[begin + at]
    child = 2 * at + 1
    while child < size:
        if child + 1 < size and entry[begin + child + 1] > entry[begin + child]:
            child += 1
        if entry[begin + child] <= item:
            break
        entry[begin + at], mm[begin + at] = entry[begin + child], mm[begin + child]
        at = child
        child = 2 * at + 1
    entry[begin + at], mm[begin + at] = item, length


@inner
def _sort(entry: LongArray, mm: IntArray, begin: int, end: int) -> None:
    """Sort a bucket by heap: the library's sort takes two seconds to compile, this one a tenth."""
    size = end - begin
    for at in range((size >> 1) - 1, -1, -1):
        _sift(entry, mm, begin, at, size)
    for last in range(size - 1, 0, -1):
        entry[begin], entry[begin + last] = entry[begin + last], entry[begin]
        mm[begin], mm[begin + last] = mm[begin + last], mm[begin]
        _sift(entry, mm, begin, LONG(0), last)


@njit(cache=True, nogil=True)
def fill_buckets(
    backward: Labels, at: LongArray, rows: LongArray, desk: Desk, first: LongArray
) -> tuple[LongArray, IntArray]:
    """
    Leave the costs of some facilities at their hubs.

    Parameters
    ----------
    backward
        Labels against the direction of travel.
    at
        Hooks of facilities.
    rows
        Which of them.
    desk
        Of this thread.
    first
        Filled in: offsets of buckets, shape ``(n + 1,)``, zero before.

    Returns
    -------
    buckets
        Entries of all buckets, and their lengths.
    """
    board = desk.board
    hubs = np.empty(len(board), dtype=np.int64)
    for f in rows:
        for j in range(_list_hubs(backward.first, backward.entry, backward.mm, at, f, board, hubs)):
            first[hubs[j] + 1] += 1
            board[hubs[j]] = NEVER
    for h in range(len(first) - 1):
        first[h + 1] += first[h]
    free = first[:-1].copy()
    entry = np.empty(first[-1], dtype=np.int64)
    mm = np.empty(first[-1], dtype=np.int32)
    for f in rows:
        for j in range(_list_hubs(backward.first, backward.entry, backward.mm, at, f, board, hubs)):
            hub = hubs[j]
            entry[free[hub]] = (board[hub] >> 32 << 32) | f
            mm[free[hub]] = board[hub] & LOW_MASK
            free[hub] += 1
            board[hub] = NEVER
    for h in range(len(first) - 1):
        if first[h + 1] - first[h] > 1:
            _sort(entry, mm, first[h], first[h + 1])
    return entry, mm


@njit(cache=True, nogil=True)
def merge_buckets(old: Buckets, row: LongArray, new: Buckets, first: LongArray) -> tuple[LongArray, IntArray]:
    """
    Copy buckets without some facilities and with others; one pass, nothing is searched.

    Parameters
    ----------
    old
        The buckets that stand.
    row
        New row of each facility they name, `NONE` if it goes; those that stay keep their order.
    new
        The buckets to add.
    first
        Filled in: offsets of the merged buckets, shape ``(n + 1,)``.

    Returns
    -------
    buckets
        Merged entries, and their lengths.
    """
    old_first, old_entry, old_mm = old.first, old.entry, old.mm
    new_first, new_entry, new_mm = new.first, new.entry, new.mm
    entry = np.empty(len(old_entry) + len(new_entry), dtype=np.int64)
    mm = np.empty(len(entry), dtype=np.int32)
    size = 0
    for h in range(len(first) - 1):
        first[h] = size
        j = new_first[h]
        for i in range(old_first[h], old_first[h + 1]):
            f = row[old_entry[i] & LOW_MASK]
            if f == NONE:
                continue
            kept = (old_entry[i] >> 32 << 32) | f
            while j < new_first[h + 1] and new_entry[j] < kept:
                entry[size], mm[size] = new_entry[j], new_mm[j]
                size += 1
                j += 1
            entry[size], mm[size] = kept, old_mm[i]
            size += 1
        while j < new_first[h + 1]:
            entry[size], mm[size] = new_entry[j], new_mm[j]
            size += 1
            j += 1
    first[-1] = size
    return entry[:size].copy(), mm[:size].copy()
