"""
Two labels that meet: cost and length of the fastest way between two points.

The forward label of the origin is laid on a *board*, by hub; the backward labels of as many
destinations as there are then look their hubs up. Points hang on up to two nodes, so up to two
labels are laid and two looked up; points on one edge may also go straight along it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import HUB_MASK, LONG, NEVER, NONE, VIA_BITS
from geo_service.engine.dijkstra import Ends, Windows, counts_at
from geo_service.network.graph import ByteArray, FloatArray, IntArray, LongArray

RANK, SUM, EDGE = range(3)
"""Columns of a hook: rank of the node, key between node and point, edge between; `NONE` where there is none."""


class Hooks(NamedTuple):
    """
    How points hang on nodes, as labels want it: two slots each, gaps counted.

    Parameters
    ----------
    at
        `RANK`, `SUM` and `EDGE`, shape ``(n, 2, 3)``.
    turn
        As in `Ends`, shape ``(n, 2)``.
    """

    at: LongArray
    turn: FloatArray


@njit(cache=True, nogil=True)
def fill_hooks(ends: Ends, rank: IntArray, at: LongArray) -> None:
    """
    Write hooks of points that hang.

    Parameters
    ----------
    ends
        How they hang.
    rank
        Rank of each node.
    at
        Filled in.
    """
    for i in range(len(at)):
        for slot in range(2):
            node = ends.node[i, slot]
            at[i, slot, RANK] = NONE
            at[i, slot, EDGE] = NONE
            if node != NONE:
                at[i, slot, RANK] = rank[node]
                ms = ends.ms[i, slot] + ends.gap_ms[i]
                at[i, slot, SUM] = (ms << 32) + ends.mm[i, slot] + ends.gap_mm[i]
                at[i, slot, EDGE] = ends.edge[i, slot]


def build_hooks(ends: Ends, rank: IntArray) -> Hooks:
    """
    Make hooks of points that hang.

    Parameters
    ----------
    ends
        How they hang.
    rank
        Rank of each node.

    Returns
    -------
    hooks
        Two slots per point.
    """
    at = np.empty((len(ends.gap_ms), 2, 3), dtype=np.int64)
    fill_hooks(ends, rank, at)
    return Hooks(at, ends.turn)


class Desk(NamedTuple):
    """
    What one thread writes on while labels meet.

    The board is wiped along the label that was laid, not stamped: looking up half as many bytes
    without a branch was four times faster, and that is what happens most.

    Parameters
    ----------
    clock
        Last stamp given out, shape ``(1,)``.
    board
        Least key to each hub, `NEVER` where none is laid, shape ``(n,)``.
    seen
        Stamp of the search that decided about a facility, shape ``(f,)``.
    value
        What a sweep carries, by rank, shape ``(n,)``.
    """

    clock: LongArray
    board: LongArray
    seen: LongArray
    value: LongArray


def build_desk(n_nodes: int, n_facilities: int) -> Desk:
    """
    Lay out a desk.

    Parameters
    ----------
    n_nodes
        Nodes of the network.
    n_facilities
        Most facilities of one call.

    Returns
    -------
    desk
        Nothing on it is valid yet.
    """
    return Desk(
        np.zeros(1, dtype=np.int64),
        np.full(n_nodes, NEVER, dtype=np.int64),
        np.zeros(n_facilities, dtype=np.int64),
        np.empty(n_nodes, dtype=np.int64),
    )


@njit(cache=True, nogil=True)
def lay(first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, r: int, start: int) -> None:
    """
    Lay a label on the board; of two ways to a hub the better stays.

    Parameters
    ----------
    first
        Offsets of labels.
    entry
        Their entries.
    mm
        Their lengths.
    board
        Written to.
    r
        Rank whose label is laid.
    start
        Key of what it takes to get to that node.
    """
    for i in range(first[r], first[r + 1]):
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        board[hub] = min(board[hub], (entry[i] >> 32 << 32) + mm[i] + start)


@njit(cache=True, nogil=True)
def wipe(first: LongArray, entry: LongArray, board: LongArray, r: int) -> None:
    """
    Take a label off the board.

    Parameters
    ----------
    first
        Offsets of labels.
    entry
        Their entries.
    board
        Written to.
    r
        Rank whose label was laid.
    """
    for i in range(first[r], first[r + 1]):
        board[(entry[i] >> VIA_BITS) & HUB_MASK] = NEVER


@njit(cache=True, nogil=True)
def meet(first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, r: int) -> int:
    """
    Look up a label on the board.

    Parameters
    ----------
    first
        Offsets of labels of the other direction.
    entry
        Their entries.
    mm
        Their lengths.
    board
        With labels laid.
    r
        Rank whose label is looked up.

    Returns
    -------
    key
        Key of the best way, `NEVER` and more if there is none.
    """
    best: int = LONG(NEVER)
    for i in range(first[r], first[r + 1]):
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        best = min(best, board[hub] + (entry[i] >> 32 << 32) + mm[i])
    return best


@njit(cache=True, nogil=True)
def lay_point(
    first: LongArray, entry: LongArray, mm: IntArray, at: LongArray, row: int, board: LongArray
) -> None:
    """
    Lay the labels of the nodes a point hangs on.

    Parameters
    ----------
    first
        Offsets of labels.
    entry
        Their entries.
    mm
        Their lengths.
    at
        Hooks of points.
    row
        The point.
    board
        Written to.
    """
    for slot in range(2):
        if at[row, slot, RANK] != NONE:
            lay(first, entry, mm, board, at[row, slot, RANK], at[row, slot, SUM])


@njit(cache=True, nogil=True)
def wipe_point(first: LongArray, entry: LongArray, at: LongArray, row: int, board: LongArray) -> None:
    """
    Take the labels of a point off the board.

    Parameters
    ----------
    first
        Offsets of labels.
    entry
        Their entries.
    at
        Hooks of points.
    row
        The point.
    board
        Written to.
    """
    for slot in range(2):
        if at[row, slot, RANK] != NONE:
            wipe(first, entry, board, at[row, slot, RANK])


@njit(cache=True, nogil=True)
def meet_point(
    first: LongArray, entry: LongArray, mm: IntArray, at: LongArray, row: int, board: LongArray
) -> int:
    """
    Look up the labels of the nodes a point hangs on.

    Parameters
    ----------
    first
        Offsets of labels of the other direction.
    entry
        Their entries.
    mm
        Their lengths.
    at
        Hooks of points.
    row
        The point.
    board
        With labels laid.

    Returns
    -------
    key
        Key of the best way over nodes, `NEVER` if there is none.
    """
    best: int = LONG(NEVER)
    for slot in range(2):
        if at[row, slot, RANK] != NONE:
            best = min(best, meet(first, entry, mm, board, at[row, slot, RANK]) + at[row, slot, SUM])
    return best


@njit(cache=True, nogil=True)
def go_straight(
    edge_key: LongArray,
    source_at: LongArray,
    source_turn: FloatArray,
    row: int,
    target_at: LongArray,
    target_turn: FloatArray,
    f: int,
) -> tuple[int, int]:
    """
    Key of the way straight along an edge on which both points stand.

    Parameters
    ----------
    edge_key
        Key of each edge.
    source_at
        Hooks of origins.
    source_turn
        Their turns.
    row
        The origin.
    target_at
        Hooks of destinations.
    target_turn
        Their turns.
    f
        The destination.

    Returns
    -------
    way
        Key with both gaps, `NEVER` if they do not stand so; and the edge.
    """
    best: int = LONG(NEVER)
    along: int = LONG(NONE)
    for slot in range(2):
        edge = source_at[row, slot, EDGE]
        if edge == NONE:
            continue
        for side in range(2):
            if target_at[f, side, EDGE] == edge and source_turn[row, slot] + target_turn[f, side] >= 0.0:
                key = source_at[row, slot, SUM] + target_at[f, side, SUM] - edge_key[edge]
                if key < best:
                    best = key
                    along = edge
    return best, along


@njit(cache=True, nogil=True)
def find_key(
    first: LongArray,
    entry: LongArray,
    mm: IntArray,
    edge_key: LongArray,
    source_at: LongArray,
    source_turn: FloatArray,
    row: int,
    target_at: LongArray,
    target_turn: FloatArray,
    f: int,
    board: LongArray,
) -> int:
    """
    Key of the fastest way from the point whose label lies on the board.

    Parameters
    ----------
    first
        Offsets of labels of the other direction.
    entry
        Their entries.
    mm
        Their lengths.
    edge_key
        Key of each edge.
    source_at
        Hooks of origins.
    source_turn
        Their turns.
    row
        The origin.
    target_at
        Hooks of destinations.
    target_turn
        Their turns.
    f
        The destination.
    board
        With the label of the origin.

    Returns
    -------
    key
        With both gaps; `NEVER` if no way leads there.
    """
    over = meet_point(first, entry, mm, target_at, f, board)
    straight, _ = go_straight(edge_key, source_at, source_turn, row, target_at, target_turn, f)
    return min(over, straight)


@njit(cache=True, nogil=True)
def lay_near(
    first: LongArray, entry: LongArray, mm: IntArray, at: LongArray, row: int, limit_ms: int,
    board: LongArray, is_wiped: int,
) -> None:  # fmt: skip
    """
    Lay of the labels of a point only what is not farther than a limit, or wipe it off again.

    Parameters
    ----------
    first
        Offsets of labels.
    entry
        Their entries.
    mm
        Their lengths.
    at
        Hooks of points.
    row
        The point.
    limit_ms
        Greatest cost that is laid, inclusive.
    board
        Written to.
    is_wiped
        1 to wipe instead; a number, since numba compiles a literal anew.
    """
    for slot in range(2):
        r = at[row, slot, RANK]
        if r == NONE:
            continue
        start = at[row, slot, SUM]
        for i in range(first[r], first[r + 1]):
            if (entry[i] >> 32) + (start >> 32) > limit_ms:
                break
            hub = (entry[i] >> VIA_BITS) & HUB_MASK
            key = (entry[i] >> 32 << 32) + mm[i] + start
            board[hub] = NEVER if is_wiped == 1 else min(board[hub], key)


@njit(cache=True, nogil=True)
def find_key_near(
    first: LongArray, entry: LongArray, mm: IntArray, edge_key: LongArray, source_at: LongArray,
    source_turn: FloatArray, row: int, target_at: LongArray, target_turn: FloatArray, f: int,
    limit_ms: int, board: LongArray,
) -> int:  # fmt: skip
    """
    Key of the fastest way, where it is known to cost no more than a limit: most of a label need not be read.

    Parameters
    ----------
    first
        As in `find_key`, and so on to ``f``.
    entry
        As in `find_key`.
    mm
        As in `find_key`.
    edge_key
        As in `find_key`.
    source_at
        As in `find_key`.
    source_turn
        As in `find_key`.
    row
        As in `find_key`.
    target_at
        As in `find_key`.
    target_turn
        As in `find_key`.
    f
        As in `find_key`.
    limit_ms
        A cost at which there is a way.
    board
        With the label of the origin, up to the limit at least.

    Returns
    -------
    key
        With both gaps.
    """
    best, _ = go_straight(edge_key, source_at, source_turn, row, target_at, target_turn, f)
    for slot in range(2):
        r = target_at[f, slot, RANK]
        if r == NONE:
            continue
        rest = target_at[f, slot, SUM]
        for i in range(first[r], first[r + 1]):
            if (entry[i] >> 32) + (rest >> 32) > limit_ms:
                break
            hub = (entry[i] >> VIA_BITS) & HUB_MASK
            best = min(best, board[hub] + (entry[i] >> 32 << 32) + mm[i] + rest)
    return best


@njit(cache=True, nogil=True)
def mark_counting(windows: Windows, rows: LongArray, cost_ms: LongArray, counts: ByteArray) -> None:
    """
    Mark facilities that count for who arrives at given costs.

    Parameters
    ----------
    windows
        When facilities count.
    rows
        Which facilities.
    cost_ms
        The cost of arriving at each.
    counts
        Filled in: 1 where it counts.
    """
    for i in range(len(rows)):
        counts[i] = counts_at(windows, rows[i], cost_ms[i])
