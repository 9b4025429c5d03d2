"""From two labels that meet to the edges of the way: along the labels or the searches, then shortcuts unpacked."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.climb import push_arcs
from geo_service.engine.constants import HUB_MASK, LONG, NEVER, NONE, VIA_BITS, VIA_MASK
from geo_service.engine.hierarchy import Arcs
from geo_service.engine.join import (
    RANK,
    SUM,
    Desk,
    Hooks,
    go_straight,
    lay,
    lay_point,
    meet_point,
    wipe,
    wipe_point,
)
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
            place: int = LONG(i)
            return place
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
def _meet_at(first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, r: int, key: int) -> int:
    """The hub at which a label meets the board with just this key, the nearest; `NONE` if it does not."""
    for i in range(first[r], first[r + 1]):
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        if board[hub] + (entry[i] >> 32 << 32) + mm[i] == key:
            found: int = LONG(hub)
            return found
    return NONE


@njit(cache=True, nogil=True)
def trace(
    up: Arcs,
    down: Arcs,
    forward: Labels,
    backward: Labels,
    came: IntArray,
    came_back: IntArray,
    edge_key: LongArray,
    sources: Hooks,
    targets: Hooks,
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
    came
        How each entry of forward labels was come to, if they were made for this; else empty.
    came_back
        The same of backward ones.
    edge_key
        Key of each edge.
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
    board, stack = desk.board, trail.stack
    own_first, own_entry, own_mm = forward.first, forward.entry, forward.mm
    first, entry, mm = backward.first, backward.entry, backward.mm
    row = LONG(0)
    lay_point(own_first, own_entry, own_mm, sources.at, row, board)
    over = meet_point(first, entry, mm, targets.at, row, board)
    wipe_point(own_first, own_entry, sources.at, row, board)
    straight, along = go_straight(edge_key, sources.at, sources.turn, row, targets.at, targets.turn, row)
    if straight <= over:
        return straight, LONG(STRAIGHT), along, LONG(0)
    for slot in range(2):
        r = sources.at[0, slot, RANK]
        if r == NONE:
            continue
        hub = LONG(NONE)
        side = LONG(-1)
        t = r
        lay(own_first, own_entry, own_mm, board, r, sources.at[0, slot, SUM])
        while hub == NONE and side < 1:
            side += 1
            t = targets.at[0, side, RANK]
            if t != NONE:
                hub = LONG(_meet_at(first, entry, mm, board, t, over - targets.at[0, side, SUM]))
        wipe(own_first, own_entry, board, r)
        if hub != NONE:
            if len(came) > 0:
                low = push_arcs(entry, came_back, first[t], hub, stack, LONG(0), LONG(1))
                stack[:low] = stack[:low][::-1].copy()
                size = push_arcs(own_entry, came, own_first[r], hub, stack, low, LONG(0))
            else:
                low = _climb(down.first, down.end, first, entry, t, hub, stack, LONG(0), LONG(1))
                size = _climb(up.first, up.end, own_first, own_entry, r, hub, stack, low, LONG(0))
                stack[low:size] = stack[low:size][::-1].copy()
            return over, LONG(slot), side, _unpack(up.half, down.half, stack, size, trail.edge)
    return LONG(NEVER), LONG(NONE), LONG(NONE), LONG(0)
