"""
The k nearest of facilities that are looked at one by one.

For those that were not prepared, for more of them than `scan` keeps, and where buckets hold too much that is closed.
"""

import numpy as np
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import LONG, NEVER, NONE
from geo_service.engine.dijkstra import hang_slot
from geo_service.engine.join import EDGE, RANK, SUM, find_key, lay_point, wipe_point
from geo_service.engine.kit import Kit
from geo_service.engine.lines import TAIL_RANK
from geo_service.engine.scan import KEY, Clock, Foot, counts_in, foot_of, tell_best
from geo_service.network.graph import FloatArray, IntArray, LongArray


@inner
def _hang_origin(links: IntArray, foot: Foot, at: LongArray, turn: FloatArray) -> None:
    """Hang an origin onto the hooks of its two slots."""
    for slot in range(2):
        at[0, slot, RANK] = NONE
        at[0, slot, EDGE] = NONE
        if foot.link == NONE:
            continue
        in_ms = foot.forward_ms if slot == 0 else foot.backward_ms
        end, edge, ms, mm, turn[0, slot] = hang_slot(links, foot.link, LONG(slot), foot.share, in_ms, LONG(1))
        if end != NONE:
            at[0, slot, RANK] = links[foot.link, TAIL_RANK + end]
            at[0, slot, SUM] = foot.gap + (ms << 32) + mm
            at[0, slot, EDGE] = edge


@inner
def _place(best: LongArray, candidate: int) -> None:
    """Put a candidate that is not among the best yet in its place, if it has one."""
    at = len(best) - 1
    if candidate < best[at]:
        while at > 0 and best[at - 1] > candidate:
            best[at] = best[at - 1]
            at -= 1
        best[at] = candidate


@njit(cache=True, nogil=True)
def find_listed(
    link: IntArray, real: FloatArray, whole: LongArray, links: IntArray, labels: Kit, edge_key: LongArray,
    first: LongArray, entry: LongArray, mm: IntArray, target_at: LongArray, target_turn: FloatArray,
    rows: LongArray, windows: Kit, step: int, start_ms: int, horizon_ms: int, low: LongArray,
    board: LongArray, row: int, end: int, k: int, facility: IntArray, cost_ms: LongArray,
    length_mm: LongArray,
) -> None:  # fmt: skip
    """
    Find the k nearest facilities of origins by looking at all, one by one.

    Parameters
    ----------
    link
        As in `find_nearest`, and so on to ``labels``.
    real
        As in `find_nearest`.
    whole
        As in `find_nearest`.
    links
        As in `find_nearest`.
    labels
        As in `find_nearest`.
    edge_key
        Key of each edge.
    first
        Offsets of backward labels.
    entry
        Their entries.
    mm
        Their lengths.
    target_at
        Hooks of facilities, to be arrived at.
    target_turn
        Their turns.
    rows
        Which facilities.
    windows
        As in `find_nearest`, and so on to ``low``, whose stamps are left alone.
    step
        As in `Clock`.
    start_ms
        As in `Clock`.
    horizon_ms
        As in `Clock`.
    low
        As in `find_nearest`.
    board
        Of this thread's desk.
    row
        Origin to begin with.
    end
        Origin to end before.
    k
        How many, no more than there are columns.
    facility
        Filled in.
    cost_ms
        Filled in.
    length_mm
        Filled in.
    """
    at = np.empty((1, 2, 3), dtype=np.int64)
    turn = np.empty((1, 2))
    best, clock = np.empty(k, dtype=np.int64), Clock(step, start_ms, horizon_ms)
    for i in range(row, end):
        _hang_origin(links, foot_of(link, real, whole, i), at, turn)
        lay_point(labels.first, labels.entry, labels.mm, at, LONG(0), board)
        for j in range(k):
            best[j] = NEVER
        for f in rows:
            key = find_key(first, entry, mm, edge_key, at, turn, LONG(0), target_at, target_turn, f, board)
            if key != NEVER and counts_in(windows, clock, f, key >> 32):
                low[f, KEY] = key
                _place(best, (key >> 32 << 32) | f)
        tell_best(low, best, i, facility, cost_ms, length_mm)
        wipe_point(labels.first, labels.entry, at, LONG(0), board)
