"""From two labels that meet to the edges of the way: down the labels' parents, then shortcuts unpacked."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import HUB_MASK, LONG, NEVER, NONE, VIA_BITS, VIA_MASK
from geo_service.engine.dijkstra import Ends, Streets
from geo_service.engine.hierarchy import Arcs
from geo_service.engine.join import Desk, go_straight, lay, lay_point, meet_point
from geo_service.engine.labels import Labels
from geo_service.network.graph import IntArray, LongArray

STRAIGHT = -1
"""Slot of a way straight along one edge."""


class Trail(NamedTuple):
    """
    Where one thread writes the edges of a way.

    Parameters
    ----------
    edge
        Whole edges in the order of travel, shape ``(n,)``.
    stack
        Arcs still to be unpacked, ``arc << 1 | is_down``, shape ``(3 * n + 3,)``.
    """

    edge: IntArray
    stack: LongArray


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
    return Trail(np.empty(n_nodes, dtype=np.int32), np.empty(3 * n_nodes + 3, dtype=np.int64))


@njit(cache=True, nogil=True)
def _find_entry(first: LongArray, entry: LongArray, r: int, hub: int) -> int:
    """The entry of a hub in a label, `NONE` if it is not there."""
    for i in range(first[r], first[r + 1]):
        if (entry[i] >> VIA_BITS) & HUB_MASK == hub:
            return i
    return NONE


@njit(cache=True, nogil=True)
def _climb(
    arc_first: IntArray, arc_end: IntArray, first: LongArray, entry: LongArray, r: int, hub: int,
    stack: LongArray, size: int, is_down: int,
) -> int:  # fmt: skip
    """Push the arcs from a node to a hub as its labels name them; give the stack's new size."""
    while r != hub:
        via = entry[_find_entry(first, entry, r, hub)] & VIA_MASK
        a = LONG(arc_first[r]) + via
        stack[size] = (a << 1) | is_down
        size += 1
        r = LONG(arc_end[a])
    return size


@njit(cache=True, nogil=True)
def _unpack(up_half: IntArray, down_half: IntArray, stack: LongArray, size: int, edge: IntArray) -> int:
    """Take arcs off the stack, shortcuts as their halves; write edges in order and give their number."""
    count: int = LONG(0)
    while size > 0:
        size -= 1
        a = stack[size] >> 1
        half = down_half if stack[size] & 1 else up_half
        if half[a, 1] == NONE:
            edge[count] = half[a, 0]
            count += 1
        else:
            stack[size] = LONG(half[a, 1]) << 1
            stack[size + 1] = (LONG(half[a, 0]) << 1) | 1
            size += 2
    return count


@njit(cache=True, nogil=True)
def _meet_at(
    first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, stamp: int, r: int, key: int
) -> int:
    """The hub at which a label meets the board with just this key, the nearest; `NONE` if it does not."""
    for i in range(first[r], first[r + 1]):
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        if board[hub, 0] == stamp and board[hub, 1] + (entry[i] >> 32 << 32) + mm[i] == key:
            return hub
    return NONE


@njit(cache=True, nogil=True)
def trace(
    up: Arcs,
    down: Arcs,
    forward: Labels,
    backward: Labels,
    rank: IntArray,
    streets: Streets,
    sources: Ends,
    targets: Ends,
    desk: Desk,
    trail: Trail,
) -> tuple[int, int, int, int]:
    """
    Find the fastest way between two points, and the whole edges on it.

    Parameters
    ----------
    up
        Arcs from less to more important nodes.
    down
        Arcs from more to less important nodes.
    forward
        Labels of the direction of travel.
    backward
        Labels of the other one.
    rank
        Rank of each node.
    streets
        Edges, forward.
    sources
        How the origin hangs.
    targets
        How the destination hangs.
    desk
        Of this thread.
    trail
        Of this thread; whole edges are written on it.

    Returns
    -------
    way
        Key, `NEVER` if no way leads there; slots at origin and destination, for a way straight along an
        edge `STRAIGHT` and the edge; number of whole edges.
    """
    desk.clock[0] += 1
    stamp = desk.clock[0]
    board = desk.board
    row = LONG(0)
    lay_point(forward.first, forward.entry, forward.mm, rank, sources, row, board, stamp)
    over = meet_point(backward.first, backward.entry, backward.mm, rank, targets, row, board, stamp)
    straight, along = go_straight(streets.edge_ms, streets.edge_mm, sources, row, targets, row)
    if straight <= over:
        return straight, LONG(STRAIGHT), along, LONG(0)
    for slot in range(2):
        if sources.node[0, slot] == NONE:
            continue
        r = LONG(rank[sources.node[0, slot]])
        start = ((sources.ms[0, slot] + sources.gap_ms[0]) << 32) + sources.mm[0, slot] + sources.gap_mm[0]
        desk.clock[0] += 1
        lay(forward.first, forward.entry, forward.mm, board, desk.clock[0], r, start)
        for side in range(2):
            if targets.node[0, side] == NONE:
                continue
            t = LONG(rank[targets.node[0, side]])
            rest = ((targets.ms[0, side] + targets.gap_ms[0]) << 32) + targets.mm[0, side] + targets.gap_mm[0]
            hub = LONG(
                _meet_at(backward.first, backward.entry, backward.mm, board, desk.clock[0], t, over - rest)
            )
            if hub == NONE:
                continue
            stack = trail.stack
            size = _climb(
                down.first, down.end, backward.first, backward.entry, t, hub, stack, LONG(0), LONG(1)
            )
            low = size
            size = _climb(up.first, up.end, forward.first, forward.entry, r, hub, stack, size, LONG(0))
            stack[low:size] = stack[low:size][::-1].copy()
            return over, LONG(slot), LONG(side), _unpack(up.half, down.half, stack, size, trail.edge)
    return LONG(NEVER), LONG(NONE), LONG(NONE), LONG(0)
