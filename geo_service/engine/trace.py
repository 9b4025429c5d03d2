"""From two labels that meet to the edges of the way: along the labels or the searches, then shortcuts unpacked."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.climb import push_arcs
from geo_service.engine.constants import HUB_MASK, LONG, NEVER, NONE, VIA_BITS, VIA_MASK
from geo_service.engine.join import (
    RANK,
    SUM,
    Hooks,
    go_straight,
    lay,
    wipe,
)
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
def _turn(stack: LongArray, begin: int, end: int) -> None:
    """Turn a part of the stack round."""
    for i in range((end - begin) >> 1):
        stack[begin + i], stack[end - 1 - i] = stack[end - 1 - i], stack[begin + i]


@njit(cache=True, nogil=True)
def trace(
    up_first: IntArray, up_end: IntArray, up_half: IntArray, down_first: IntArray, down_end: IntArray,
    down_half: IntArray, own_first: LongArray, own_entry: LongArray, own_mm: IntArray, first: LongArray,
    entry: LongArray, mm: IntArray, came: IntArray, came_back: IntArray, edge_key: LongArray, sources: Hooks,
    targets: Hooks, board: LongArray, edge: IntArray, stack: LongArray,
) -> tuple[int, int, int, int]:  # fmt: skip
    """
    Find the fastest way between two points, and the whole edges on it.

    Parameters
    ----------
    up_first
        As in `Arcs`, from less to more important nodes.
    up_end
        As in `Arcs`.
    up_half
        As in `Arcs`.
    down_first
        As in `Arcs`, from more to less important nodes.
    down_end
        As in `Arcs`.
    down_half
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
    sources
        How the origin hangs.
    targets
        How the destination hangs.
    board
        Of this thread's desk.
    edge
        Of this thread's trail: whole edges are written on it.
    stack
        Of this thread's trail.

    Returns
    -------
    way
        Key, `NEVER` if no way leads there; slots at origin and destination, for a way straight along an
        edge `STRAIGHT` and the edge; number of whole edges.
    """
    row = LONG(0)
    best, along = go_straight(edge_key, sources.at, sources.turn, row, targets.at, targets.turn, row)
    hub = LONG(NONE)
    way = (LONG(STRAIGHT), along)
    for slot in range(2):
        r = sources.at[0, slot, RANK]
        if r == NONE:
            continue
        lay(own_first, own_entry, own_mm, board, r, sources.at[0, slot, SUM])
        for side in range(2):
            t = targets.at[0, side, RANK]
            if t != NONE:
                key, over = _meet_hub(first, entry, mm, board, t)
                key += targets.at[0, side, SUM]
                if key < best:
                    best = key
                    hub = over
                    way = (LONG(slot), LONG(side))
        wipe(own_first, own_entry, board, r)
    if hub == NONE:
        return best, way[0], way[1], LONG(0)
    t, r = targets.at[0, way[1], RANK], sources.at[0, way[0], RANK]
    if len(came) > 0:
        size = push_arcs(entry, came_back, first[t], hub, stack, LONG(0), LONG(1))
        _turn(stack, LONG(0), size)
        size = push_arcs(own_entry, came, own_first[r], hub, stack, size, LONG(0))
    else:
        low = _climb(down_first, down_end, first, entry, t, hub, stack, LONG(0), LONG(1))
        size = _climb(up_first, up_end, own_first, own_entry, r, hub, stack, low, LONG(0))
        _turn(stack, low, size)
    return best, way[0], way[1], _unpack(up_half, down_half, stack, size, edge)
