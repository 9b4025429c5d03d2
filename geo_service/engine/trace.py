"""From two labels that meet to the edges of the way: along the labels or the searches, then shortcuts unpacked."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.climb import push_arcs
from geo_service.engine.constants import HUB_MASK, LONG, NEVER, NONE, VIA_BITS, VIA_MASK
from geo_service.engine.join import RANK, SUM, go_straight, lay, wipe
from geo_service.engine.unpack import draw_leaves, unpack
from geo_service.network.graph import FloatArray, IntArray, LongArray

STRAIGHT = -1
"""Slot of a way straight along one edge."""


class Trail(NamedTuple):
    """
    Where one thread writes a way; pages that no way needs take no memory.

    Parameters
    ----------
    queue
        Its arcs, shape ``(n,)``.
    stack
        Halves still to be unpacked, shape ``(n,)``.
    way
        The leaf of each edge, see `Shape`, shape ``(n,)``.
    edge
        The edges, shape ``(n,)``.
    ms
        Their costs, shape ``(n,)``.
    mm
        Their lengths, shape ``(n,)``.
    first_point
        As in `Path`, shape ``(n + 1,)``.
    lonlat
        As in `Path`, shape ``(p + 3, 2)``.
    """

    queue: LongArray
    stack: LongArray
    way: IntArray
    edge: IntArray
    ms: LongArray
    mm: LongArray
    first_point: IntArray
    lonlat: FloatArray


def build_trail(n_nodes: int, n_points: int) -> Trail:
    """
    Lay out a trail.

    Parameters
    ----------
    n_nodes
        Nodes of the network; no way passes one twice.
    n_points
        Drawn points; nor does it pass a link twice.

    Returns
    -------
    trail
        Nothing on it is valid yet.
    """
    return Trail(
        np.empty(n_nodes, dtype=np.int64),
        np.empty(n_nodes, dtype=np.int64),
        np.empty(n_nodes, dtype=np.int32),
        np.empty(n_nodes, dtype=np.int32),
        np.empty(n_nodes, dtype=np.int64),
        np.empty(n_nodes, dtype=np.int64),
        np.empty(n_nodes + 1, dtype=np.int32),
        np.empty((n_points + 3, 2), dtype=np.float64),
    )


@njit(cache=True, nogil=True)
def _find_entry(first: LongArray, entry: LongArray, r: int, hub: int) -> int:
    """The entry of a hub in a label, `NONE` if it is not there."""
    for i in range(first[r], first[r + 1]):
        if (entry[i] >> VIA_BITS) & HUB_MASK == hub:
            place: int = LONG(i)
            return place
    return NONE


@njit(cache=True, nogil=True)
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
    return size


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _turn(queue: LongArray, begin: int, end: int) -> None:
    """Turn a part of the queue round."""
    for i in range((end - begin) >> 1):
        queue[begin + i], queue[end - 1 - i] = queue[end - 1 - i], queue[begin + i]


@njit(cache=True, nogil=True)
def trace(
    up_first: IntArray, up_end: IntArray, down_first: IntArray, down_end: IntArray,
    own_first: LongArray, own_entry: LongArray, own_mm: IntArray, first: LongArray, entry: LongArray,
    mm: IntArray, came: IntArray, came_back: IntArray, edge_key: LongArray, source_at: LongArray,
    source_turn: FloatArray, target_at: LongArray, target_turn: FloatArray, board: LongArray,
    queue: LongArray,
) -> tuple[int, int, int, int]:  # fmt: skip
    """
    Find the fastest way between two points, and the arcs on it.

    Parameters
    ----------
    up_first
        As in `Arcs`, from less to more important nodes.
    up_end
        As in `Arcs`.
    down_first
        As in `Arcs`, from more to less important nodes.
    down_end
        As in `Arcs`.
    own_first
        Offsets of labels of the direction of travel.
    own_entry
        Their entries.
    own_mm
        Their lengths.
    first
        Offsets of labels of the other one.
    entry
        Their entries.
    mm
        Their lengths.
    came
        How each entry of forward labels was come to, if they were made for this; else empty.
    came_back
        The same of backward ones.
    edge_key
        Key of each edge.
    source_at
        How the origin hangs, as in `Hooks`.
    source_turn
        As in `Hooks`.
    target_at
        How the destination hangs.
    target_turn
        As in `Hooks`.
    board
        Of this thread's desk.
    queue
        Of this thread's trail: the arcs are written on it, those up and after them those down.

    Returns
    -------
    way
        Key, `NEVER` if no way leads there; slots at origin and destination, for a way straight along an
        edge `STRAIGHT` and the edge; number of arcs.
    """
    row = LONG(0)
    best, along = go_straight(edge_key, source_at, source_turn, row, target_at, target_turn, row)
    hub = LONG(NONE)
    way = (LONG(STRAIGHT), along)
    for slot in range(2):
        r = source_at[0, slot, RANK]
        if r == NONE:
            continue
        lay(own_first, own_entry, own_mm, board, r, source_at[0, slot, SUM])
        for side in range(2):
            t = target_at[0, side, RANK]
            if t != NONE:
                key, over = _meet_hub(first, entry, mm, board, t)
                key += target_at[0, side, SUM]
                if key < best:
                    best = key
                    hub = over
                    way = (LONG(slot), LONG(side))
        wipe(own_first, own_entry, board, r)
    if hub == NONE:
        return best, way[0], way[1], LONG(0)
    r, t = source_at[0, way[0], RANK], target_at[0, way[1], RANK]
    n_up = LONG(len(up_end))
    if len(came) > 0:
        half = push_arcs(own_entry, came, own_first[r], hub, queue, LONG(0), LONG(0))
        size = push_arcs(entry, came_back, first[t], hub, queue, half, n_up)
        _turn(queue, LONG(0), half)
    else:
        half = _climb(up_first, up_end, own_first, own_entry, r, hub, queue, LONG(0), LONG(0))
        size = _climb(down_first, down_end, first, entry, t, hub, queue, half, n_up)
        _turn(queue, half, size)
    return best, way[0], way[1], size


@njit(cache=True, nogil=True)
def trace_nodes(
    rank: IntArray, nodes: FloatArray, code: IntArray, half: IntArray, leaf: IntArray, points: FloatArray,
    up_first: IntArray, up_end: IntArray, down_first: IntArray, down_end: IntArray, own_first: LongArray,
    own_entry: LongArray, own_mm: IntArray, first: LongArray, entry: LongArray, mm: IntArray, came: IntArray,
    came_back: IntArray, edge_key: LongArray, source_at: LongArray, source_turn: FloatArray,
    target_at: LongArray, target_turn: FloatArray, board: LongArray, queue: LongArray, stack: LongArray,
    way: IntArray, edge: IntArray,
    edge_ms: LongArray, edge_mm: LongArray, first_point: IntArray, lonlat: FloatArray, tail: int, head: int,
) -> tuple[int, int, int]:  # fmt: skip
    """
    Find, tell and draw the fastest way between two nodes.

    Parameters
    ----------
    rank
        Rank of each node.
    nodes
        As in `draw_leaves`.
    code
        As in `Shape`.
    half
        As in `Shape`.
    leaf
        As in `Shape`.
    points
        As in `Shape`.
    up_first
        As in `trace`, and so on to ``queue``; of the hooks only the ranks are written anew.
    up_end
        As in `trace`.
    down_first
        As in `trace`.
    down_end
        As in `trace`.
    own_first
        As in `trace`.
    own_entry
        As in `trace`.
    own_mm
        As in `trace`.
    first
        As in `trace`.
    entry
        As in `trace`.
    mm
        As in `trace`.
    came
        As in `trace`.
    came_back
        As in `trace`.
    edge_key
        As in `trace`.
    source_at
        As in `trace`.
    source_turn
        As in `trace`.
    target_at
        As in `trace`.
    target_turn
        As in `trace`.
    board
        As in `trace`.
    queue
        As in `trace`.
    stack
        As in `unpack`.
    way
        As in `draw_leaves`, and so on to ``lonlat``; of this thread's trail.
    edge
        As in `draw_leaves`.
    edge_ms
        As in `draw_leaves`.
    edge_mm
        As in `draw_leaves`.
    first_point
        As in `draw_leaves`.
    lonlat
        As in `draw_leaves`.
    tail
        Where to start.
    head
        Where to end.

    Returns
    -------
    way
        Key, `NEVER` if no way leads there; numbers of edges and of points.
    """
    source_at[0, 0, RANK] = rank[tail]
    target_at[0, 0, RANK] = rank[head]
    key, _, _, n_arcs = trace(
        up_first, up_end, down_first, down_end, own_first, own_entry, own_mm, first, entry, mm, came, came_back,
        edge_key, source_at, source_turn, target_at, target_turn, board, queue,
    )  # fmt: skip
    if key == NEVER:
        return key, LONG(0), LONG(0)
    n_edges = unpack(code, half, queue, n_arcs, stack, way)
    n_points = draw_leaves(
        leaf, points, nodes, way, n_edges, tail, head, edge, edge_ms, edge_mm, first_point, lonlat
    )
    return key, n_edges, n_points
