"""
Two labels that meet: cost and length of the fastest way between two points.

The forward label of the origin is laid on a *board*, by hub; the backward labels of as many
destinations as there are then look their hubs up. Points hang on up to two nodes, so up to two
labels are laid and two looked up; points on one edge may also go straight along it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import HUB_MASK, LONG, LOW_MASK, NEVER, NONE, VIA_BITS
from geo_service.engine.dijkstra import Ends, Streets, Windows
from geo_service.engine.labels import Labels
from geo_service.network.graph import ByteArray, IntArray, LongArray

STAMP, KEY = range(2)
"""Columns of a board: join it belongs to, and least key to the hub."""


class Desk(NamedTuple):
    """
    What one thread writes on while labels meet; stamped, never cleared.

    Parameters
    ----------
    clock
        Last stamp given out, shape ``(1,)``.
    board
        `STAMP` and `KEY` by hub, shape ``(n, 2)``.
    seen
        Stamp of the search that decided about a facility, shape ``(f,)``.
    """

    clock: LongArray
    board: LongArray
    seen: LongArray


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
        np.zeros((n_nodes, 2), dtype=np.int64),
        np.zeros(n_facilities, dtype=np.int64),
    )


@njit(cache=True, nogil=True)
def lay(
    first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, stamp: int, r: int, start: int
) -> None:
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
    stamp
        What makes it valid.
    r
        Rank whose label is laid.
    start
        Key of what it takes to get to that node.
    """
    for i in range(first[r], first[r + 1]):
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        key = (entry[i] >> 32 << 32) + mm[i] + start
        if board[hub, STAMP] != stamp or key < board[hub, KEY]:
            board[hub, STAMP] = stamp
            board[hub, KEY] = key


@njit(cache=True, nogil=True)
def meet(
    first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, stamp: int, r: int, best: int
) -> int:
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
    stamp
        What makes them valid.
    r
        Rank whose label is looked up.
    best
        Key of the best way known.

    Returns
    -------
    key
        Key of the best way, the known one included.
    """
    for i in range(first[r], first[r + 1]):
        rest = (entry[i] >> 32 << 32) + mm[i]
        if rest >= best:
            break
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        if board[hub, STAMP] == stamp:
            best = min(best, board[hub, KEY] + rest)
    return best


@njit(cache=True, nogil=True)
def lay_point(
    first: LongArray,
    entry: LongArray,
    mm: IntArray,
    rank: IntArray,
    points: Ends,
    row: int,
    board: LongArray,
    stamp: int,
) -> None:
    """
    Lay the labels of the nodes a point hangs on; its gap is counted.

    Parameters
    ----------
    first
        Offsets of labels.
    entry
        Their entries.
    mm
        Their lengths.
    rank
        Rank of each node.
    points
        How points hang.
    row
        The point.
    board
        Written to.
    stamp
        What makes it valid.
    """
    for slot in range(2):
        node = points.node[row, slot]
        if node != NONE:
            ms = points.ms[row, slot] + points.gap_ms[row]
            start = (ms << 32) + points.mm[row, slot] + points.gap_mm[row]
            lay(first, entry, mm, board, stamp, LONG(rank[node]), start)


@njit(cache=True, nogil=True)
def meet_point(
    first: LongArray,
    entry: LongArray,
    mm: IntArray,
    rank: IntArray,
    points: Ends,
    row: int,
    board: LongArray,
    stamp: int,
) -> int:
    """
    Look up the labels of the nodes a point hangs on; its gap is counted.

    Parameters
    ----------
    first
        Offsets of labels of the other direction.
    entry
        Their entries.
    mm
        Their lengths.
    rank
        Rank of each node.
    points
        How points hang.
    row
        The point.
    board
        With labels laid.
    stamp
        What makes them valid.

    Returns
    -------
    key
        Key of the best way over nodes, `NEVER` if there is none.
    """
    best: int = LONG(NEVER)
    for slot in range(2):
        node = points.node[row, slot]
        if node != NONE:
            ms = points.ms[row, slot] + points.gap_ms[row]
            rest = (ms << 32) + points.mm[row, slot] + points.gap_mm[row]
            here = meet(first, entry, mm, board, stamp, LONG(rank[node]), best - rest) + rest
            best = min(best, here)
    return best


@njit(cache=True, nogil=True)
def go_straight(
    edge_ms: IntArray, edge_mm: IntArray, sources: Ends, row: int, targets: Ends, f: int
) -> tuple[int, int]:
    """
    Key of the way straight along an edge on which both points stand.

    Parameters
    ----------
    edge_ms
        Weight of each edge.
    edge_mm
        Length of each edge.
    sources
        How origins hang.
    row
        The origin.
    targets
        How destinations hang.
    f
        The destination.

    Returns
    -------
    way
        Key with both gaps, `NEVER` if they do not stand so; and the edge.
    """
    best: int = LONG(NEVER)
    along: int = LONG(NONE)
    for s in range(2):
        edge = sources.edge[row, s]
        if edge == NONE or sources.node[row, s] == NONE:
            continue
        for t in range(2):
            if targets.edge[f, t] != edge or targets.node[f, t] == NONE:
                continue
            if sources.turn[row, s] + targets.turn[f, t] >= 0.0:
                ms = sources.ms[row, s] + targets.ms[f, t] - edge_ms[edge]
                mm = sources.mm[row, s] + targets.mm[f, t] - edge_mm[edge]
                ms += sources.gap_ms[row] + targets.gap_ms[f]
                key = (ms << 32) + mm + sources.gap_mm[row] + targets.gap_mm[f]
                if key < best:
                    best = key
                    along = LONG(edge)
    return best, along


@njit(cache=True, nogil=True)
def find_key(
    backward: Labels,
    rank: IntArray,
    edge_ms: IntArray,
    edge_mm: IntArray,
    sources: Ends,
    row: int,
    targets: Ends,
    f: int,
    board: LongArray,
    stamp: int,
) -> int:
    """
    Key of the fastest way from the point whose label lies on the board.

    Parameters
    ----------
    backward
        Labels of the other direction.
    rank
        Rank of each node.
    edge_ms
        Weight of each edge.
    edge_mm
        Length of each edge.
    sources
        How origins hang.
    row
        The origin.
    targets
        How destinations hang.
    f
        The destination.
    board
        With the label of the origin.
    stamp
        What makes it valid.

    Returns
    -------
    key
        With both gaps; `NEVER` if no way leads there.
    """
    over = meet_point(backward.first, backward.entry, backward.mm, rank, targets, f, board, stamp)
    return min(over, go_straight(edge_ms, edge_mm, sources, row, targets, f)[0])


@njit(cache=True, nogil=True)
def counts_at(windows: Windows, facility: int, cost: int) -> bool:
    """
    Whether a facility counts for who arrives at that cost.

    Parameters
    ----------
    windows
        When facilities count; with an empty ``first`` always.
    facility
        The facility.
    cost
        The whole cost of arriving.

    Returns
    -------
    counts
        True if the cost lies in one of its windows.
    """
    if len(windows.first) == 0:
        return True
    for i in range(windows.first[facility], windows.first[facility + 1]):
        if windows.open_ms[i] <= cost < windows.close_ms[i]:
            return True
    return False


@njit(cache=True, nogil=True)
def join_all(
    forward: Labels,
    backward: Labels,
    rank: IntArray,
    streets: Streets,
    sources: Ends,
    targets: Ends,
    rows: LongArray,
    desk: Desk,
    keys: LongArray,
) -> None:
    """
    Keys from every origin to some destinations.

    Parameters
    ----------
    forward
        Labels of the direction of travel.
    backward
        Labels of the other one.
    rank
        Rank of each node.
    streets
        Edges, forward.
    sources
        How origins hang, ``n`` of them.
    targets
        How destinations hang.
    rows
        Which destinations, ``m`` of them.
    desk
        Of this thread.
    keys
        Filled in, `NEVER` where no way leads, shape ``(n, m)``.
    """
    board = desk.board
    for row in range(len(sources.gap_ms)):
        desk.clock[0] += 1
        stamp = desk.clock[0]
        lay_point(forward.first, forward.entry, forward.mm, rank, sources, row, board, stamp)
        for j in range(len(rows)):
            keys[row, j] = find_key(
                backward, rank, streets.edge_ms, streets.edge_mm, sources, row, targets, rows[j], board, stamp
            )


@njit(cache=True, nogil=True)
def split_keys(keys: LongArray, cost_ms: LongArray, length_mm: LongArray) -> None:
    """
    Take keys apart.

    Parameters
    ----------
    keys
        Keys, `NEVER` where no way leads, shape ``(n,)``.
    cost_ms
        Filled in where a way leads, shape ``(n,)``.
    length_mm
        Filled in where a way leads, shape ``(n,)``.
    """
    for i in range(len(keys)):
        if keys[i] != NEVER:
            cost_ms[i] = keys[i] >> 32
            length_mm[i] = keys[i] & LOW_MASK


@njit(cache=True, nogil=True)
def straighten(
    streets: Streets, sources: Ends, links: IntArray, targets: Ends, on_link: IntArray, order: LongArray,
    cost_ms: LongArray,
) -> None:  # fmt: skip
    """
    Better the costs between points on one link by the way straight along it.

    Parameters
    ----------
    streets
        Edges, forward.
    sources
        How origins hang.
    links
        Their links.
    targets
        How destinations hang.
    on_link
        Their links, ascending.
    order
        The destination of each of those.
    cost_ms
        Changed, shape ``(n, m)``.
    """
    for row in range(len(links)):
        if links[row] == NONE:
            continue
        at = np.searchsorted(on_link, links[row])
        while at < len(on_link) and on_link[at] == links[row]:
            f = order[at]
            key, _ = go_straight(streets.edge_ms, streets.edge_mm, sources, row, targets, f)
            if key != NEVER and (cost_ms[row, f] < 0 or key >> 32 < cost_ms[row, f]):
                cost_ms[row, f] = key >> 32
            at += 1


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
