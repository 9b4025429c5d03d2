"""From two labels that meet to the edges of the way: along the labels or the searches, then shortcuts unpacked."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.climb import push_arcs
from geo_service.engine.compiling import inner
from geo_service.engine.constants import HUB_MASK, LONG, NEVER, NONE, VIA_BITS, VIA_MASK
from geo_service.engine.fetch import fetch
from geo_service.engine.join import RANK, SUM, go_straight, lay, wipe
from geo_service.engine.kit import Kit
from geo_service.engine.unpack import draw_runs, list_edges, unpack
from geo_service.network.graph import FloatArray, IntArray, LongArray

STRAIGHT = -1
"""Slot of a way straight along one edge."""


class Trail(NamedTuple):
    """
    Where one thread writes a way; pages that no way needs take no memory.

    Parameters
    ----------
    board
        As in `Desk`.
    queue
        Its arcs, shape ``(n,)``.
    stack
        Halves still to be unpacked, shape ``(n,)``.
    run
        First leaf of each run of its edges and the leaf behind its last, shape ``(n, 2)``.
    """

    board: LongArray
    queue: LongArray
    stack: LongArray
    run: LongArray


def build_trail(n_nodes: int) -> Trail:
    """
    Lay out a trail.

    Parameters
    ----------
    n_nodes
        Nodes of the network; no way passes one twice.

    Returns
    -------
    trail
        Nothing on it is valid yet.
    """
    return Trail(
        np.full(n_nodes, NEVER, dtype=np.int64),
        np.empty(n_nodes, dtype=np.int64),
        np.empty(n_nodes, dtype=np.int64),
        np.empty((n_nodes, 2), dtype=np.int64),
    )


@inner
def _find_entry(first: LongArray, entry: LongArray, r: int, hub: int) -> int:
    """The entry of a hub in a label, `NONE` if it is not there."""
    for i in range(first[r], first[r + 1]):
        if (entry[i] >> VIA_BITS) & HUB_MASK == hub:
            place: int = LONG(i)
            return place
    return NONE


@inner
def _fetch_label(first: LongArray, entry: LongArray, r: int) -> None:
    """Ask for all entries of a label."""
    for i in range(first[r], first[r + 1], 8):
        fetch(entry, i)


@inner
def _climb(
    arc_first: IntArray, arc_end: IntArray, first: LongArray, entry: LongArray, r: int, hub: int,
    queue: LongArray, size: int, base: int,
) -> int:  # fmt: skip
    """Add the arcs from a node to a hub as its labels name them; give how many there are now."""
    while r != hub:
        via = entry[_find_entry(first, entry, r, hub)] & VIA_MASK
        a = LONG(arc_first[r]) + via
        queue[size] = a + base
        size += 1
        r = LONG(arc_end[a])
        _fetch_label(first, entry, r)
    return size


@inner
def _meet_hub(first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, r: int) -> tuple[int, int]:
    """Key of the best way over the board to a label, and the hub it leads over; `NEVER` and more if there is none."""
    best = LONG(NEVER)
    found = LONG(NONE)
    for i in range(first[r], first[r + 1]):
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        key = board[hub] + (entry[i] >> 32 << 32) + mm[i]
        if key < best:
            best = key
            found = hub
    return best, found


@inner
def _turn(queue: LongArray, begin: int, end: int) -> None:
    """Turn a part of the queue round."""
    for i in range((end - begin) >> 1):
        queue[begin + i], queue[end - 1 - i] = queue[end - 1 - i], queue[begin + i]


@inner
def _follow(chart: Kit, leave: Kit, arrive: Kit, r: int, t: int, hub: int, queue: LongArray) -> int:
    """Write the arcs from a node over a hub to another on the queue, those up and then those down; count them."""
    n_up = LONG(len(chart.up_end))
    if len(leave.came) > 0:
        half = push_arcs(leave.entry, leave.came, leave.first[r], hub, queue, LONG(0), LONG(0))
        size = push_arcs(arrive.entry, arrive.came, arrive.first[t], hub, queue, half, n_up)
        _turn(queue, LONG(0), half)
    else:
        half = _climb(chart.up_first, chart.up_end, leave.first, leave.entry, r, hub, queue, LONG(0), LONG(0))
        size = _climb(chart.down_first, chart.down_end, arrive.first, arrive.entry, t, hub, queue, half, n_up)
        _turn(queue, half, size)
    n_arcs: int = size
    return n_arcs


@njit(cache=True, nogil=True)
def trace(
    chart: Kit, leave: Kit, arrive: Kit, trail: Kit, source_at: LongArray, source_turn: FloatArray,
    target_at: LongArray, target_turn: FloatArray,
) -> tuple[int, int, int, IntArray]:  # fmt: skip
    """
    Find the fastest way between two points, and the whole edges on it.

    Parameters
    ----------
    chart
        Arcs as `Works.chart` has them.
    leave
        Labels of the direction of travel, and how they were come to if they were made for this.
    arrive
        The same of the other direction.
    trail
        Of this thread, see `Trail`.
    source_at
        How the origin hangs, as in `Hooks`.
    source_turn
        As in `Hooks`.
    target_at
        How the destination hangs.
    target_turn
        As in `Hooks`.

    Returns
    -------
    way
        Key, `NEVER` if no way leads there; slots at origin and destination, for a way straight along an
        edge `STRAIGHT` and the edge; the edges.
    """
    board, row = trail.board, LONG(0)
    best, along = go_straight(chart.edge_key, source_at, source_turn, row, target_at, target_turn, row)
    hub = LONG(NONE)
    way = (LONG(STRAIGHT), along)
    for slot in range(2):
        r = source_at[0, slot, RANK]
        if r == NONE:
            continue
        lay(leave.first, leave.entry, leave.mm, board, r, source_at[0, slot, SUM])
        for side in range(2):
            t = target_at[0, side, RANK]
            if t != NONE:
                key, over = _meet_hub(arrive.first, arrive.entry, arrive.mm, board, t)
                key += target_at[0, side, SUM]
                if key < best:
                    best = key
                    hub = over
                    way = (LONG(slot), LONG(side))
        wipe(leave.first, leave.entry, board, r)
    n_runs = LONG(0)
    if hub != NONE:
        r, t = source_at[0, way[0], RANK], target_at[0, way[1], RANK]
        n_runs = unpack(chart, trail, _follow(chart, leave, arrive, r, t, hub, trail.queue))
    return best, way[0], way[1], list_edges(chart, trail, n_runs)


@njit(cache=True, nogil=True)
def trace_nodes(
    chart: Kit, leave: Kit, arrive: Kit, trail: Kit, tail: int, head: int
) -> tuple[int, IntArray, FloatArray]:
    """
    Find, tell and draw the fastest way between two nodes.

    Parameters
    ----------
    chart
        As in `trace`.
    leave
        As in `trace`.
    arrive
        As in `trace`.
    trail
        As in `trace`.
    tail
        Where to start.
    head
        Where to end.

    Returns
    -------
    way
        Key, `NEVER` if no way leads there; ``piece`` and ``lonlat`` as in `Path`.
    """
    r, t, board = LONG(chart.rank[tail]), LONG(chart.rank[head]), trail.board
    _fetch_label(arrive.first, arrive.entry, t)
    lay(leave.first, leave.entry, leave.mm, board, r, LONG(0))
    key, hub = _meet_hub(arrive.first, arrive.entry, arrive.mm, board, t)
    wipe(leave.first, leave.entry, board, r)
    n_runs = LONG(0)
    if hub != NONE:
        n_runs = unpack(chart, trail, _follow(chart, leave, arrive, r, t, hub, trail.queue))
    piece, lonlat = draw_runs(chart, trail, n_runs, tail, head)
    return key, piece, lonlat
