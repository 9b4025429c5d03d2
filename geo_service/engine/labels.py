"""
Hub labels: for each node the hubs it needs, so that every fastest way is two entries that meet.

A node's forward label holds the more important nodes it can reach at least cost through less
important ones, the backward label those that reach it so. The label of a node is put together
from the labels of its neighbours up the hierarchy, then pruned: an entry goes if two others make
a way that is no worse [1]_. What stays is the canonical labelling of the order: a hub is kept if
it is the most important node on all fastest ways, so the way to a hub never leaves labels that hold it.

References
----------
.. [1] I. Abraham, D. Delling, A. Goldberg and R. Werneck, "Hierarchical Hub Labelings for Shortest
   Paths", ESA 2012.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import (
    CHUNK,
    HUB_BITS,
    HUB_MASK,
    LONG,
    LOW_MASK,
    MAX_CLIMB_MM,
    MAX_MM,
    MAX_MS,
    NEVER,
    VIA_BITS,
    VIA_MASK,
)
from geo_service.engine.hierarchy import Arcs, Hierarchy, Progress, too_long
from geo_service.engine.lines import freeze
from geo_service.engine.snap import BoolArray
from geo_service.errors import InvalidInputError
from geo_service.network.graph import ByteArray, IntArray, LongArray

DONE, NO_ROOM, TOO_LONG = -1, -2, -3
"""What labelling ends with, if not with the rank to go on from."""


class Labels(NamedTuple):
    """
    Labels of one direction, by rank.

    Parameters
    ----------
    first
        Entries of rank ``r`` are ``first[r]:first[r + 1]``, its own hub first, shape ``(n + 1,)``.
    entry
        ``cost << 32 | hub << VIA_BITS | via``, ascending at each node; ``via`` is the place among the arcs
        of the node of the one that leads towards the hub, shape ``(e,)``.
    mm
        Length of the shortest of the fastest ways, shape ``(e,)``.
    """

    first: LongArray
    entry: LongArray
    mm: IntArray


class _Growing(NamedTuple):
    """Labels with room for more."""

    first: LongArray
    entry: LongArray
    mm: IntArray


@njit(cache=True, nogil=True)
def _gather(
    first: IntArray,
    end: IntArray,
    arc_ms: IntArray,
    arc_mm: IntArray,
    own_first: LongArray,
    own_entry: LongArray,
    own_mm: IntArray,
    board: LongArray,
    via: LongArray,
    hubs: LongArray,
    v: int,
) -> int:
    """Lay what the neighbours up the hierarchy know on the board; list the hubs and give their number."""
    n_hubs: int = LONG(0)
    for a in range(first[v], first[v + 1]):
        w = end[a]
        step = (LONG(arc_ms[a]) << 32) + arc_mm[a]
        for i in range(own_first[w], own_first[w + 1]):
            hub = (own_entry[i] >> VIA_BITS) & HUB_MASK
            key = (own_entry[i] >> 32 << 32) + own_mm[i] + step
            before = board[hub]
            if key < before:
                board[hub] = key
                via[hub] = a - first[v]
                if before == NEVER:
                    hubs[n_hubs] = hub
                    n_hubs += 1
    return n_hubs


@njit(cache=True, nogil=True)
def _is_covered(first: LongArray, entry: LongArray, mm: IntArray, board: LongArray, hub: int) -> bool:
    """Whether a way through a more important hub is no worse than the one on the board."""
    key = board[hub]
    for i in range(first[hub] + 1, first[hub + 1]):
        rest = (entry[i] >> 32 << 32) + mm[i]
        if rest > key:
            return False
        if board[(entry[i] >> VIA_BITS) & HUB_MASK] + rest <= key:
            return True
    return False


@njit(cache=True, nogil=True)
def _keep(
    own_first: LongArray,
    own_entry: LongArray,
    own_mm: IntArray,
    other_first: LongArray,
    other_entry: LongArray,
    other_mm: IntArray,
    board: LongArray,
    via: LongArray,
    hubs: LongArray,
    n_hubs: int,
    v: int,
) -> bool:
    """Write the entries of a node that are not covered, nearest first; say whether they fit their limits."""
    begin = own_first[v]
    size = begin
    own_entry[size] = v << VIA_BITS
    own_mm[size] = 0
    size += 1
    fits = True
    for j in range(n_hubs):
        hub = hubs[j]
        if not _is_covered(other_first, other_entry, other_mm, board, hub):
            key = board[hub]
            fits = fits and key >> 32 < MAX_MS and key & LOW_MASK < MAX_MM
            own_entry[size] = (key >> 32 << 32) | (hub << VIA_BITS) | via[hub]
            size += 1
    own_entry[begin:size].sort()
    for i in range(begin + 1, size):
        own_mm[i] = board[(own_entry[i] >> VIA_BITS) & HUB_MASK] & LOW_MASK
    own_first[v + 1] = size
    return fits


@njit(cache=True, nogil=True)
def label_nodes(
    arcs: Arcs,
    own: _Growing,
    other: _Growing,
    board: LongArray,
    via: LongArray,
    hubs: LongArray,
    v: int,
) -> int:
    """
    Label one node in one direction; all more important ones have both labels.

    Parameters
    ----------
    arcs
        Arcs of this direction.
    own
        Labels of this direction; the node's are added.
    other
        Labels of the other direction.
    board
        Key by hub, `NEVER` before and after, shape ``(n,)``.
    via
        Room for the arc towards each hub, shape ``(n,)``.
    hubs
        Room to list hubs, shape ``(n,)``.
    v
        Rank of the node.

    Returns
    -------
    end
        `DONE`, `NO_ROOM`, or `TOO_LONG`.
    """
    n_hubs = _gather(
        arcs.first, arcs.end, arcs.ms, arcs.mm, own.first, own.entry, own.mm, board, via, hubs, v
    )
    end: int = LONG(NO_ROOM)
    if own.first[v] + n_hubs < len(own.entry):
        fits = _keep(
            own.first, own.entry, own.mm, other.first, other.entry, other.mm, board, via, hubs, n_hubs, v
        )
        end = LONG(DONE if fits else TOO_LONG)
    for j in range(n_hubs):
        board[hubs[j]] = NEVER
    return end


@njit(cache=True, nogil=True)
def label_chunk(
    up: Arcs,
    down: Arcs,
    forward: _Growing,
    backward: _Growing,
    board: LongArray,
    via: LongArray,
    hubs: LongArray,
    begin: int,
    n_nodes: int,
) -> int:
    """
    Label nodes in both directions, the most important first.

    Parameters
    ----------
    up
        Arcs from less to more important nodes.
    down
        Arcs from more to less important nodes.
    forward
        Labels of all ranks below ``begin``; the rest is added.
    backward
        The same for the other direction.
    board
        Key by hub, `NEVER` before and after, shape ``(n,)``.
    via
        Room for the arc towards each hub, shape ``(n,)``.
    hubs
        Room to list hubs, shape ``(n,)``.
    begin
        Rank to begin with.
    n_nodes
        How many to label before the caller is asked again.

    Returns
    -------
    end
        `TOO_LONG`, ``TOO_LONG - 1 - r`` if there is no room for rank ``r``, or the next rank.
    """
    n = len(forward.first) - 1
    for v in range(begin, min(begin + n_nodes, n)):
        end = label_nodes(up, forward, backward, board, via, hubs, LONG(v))
        if end == DONE:
            end = label_nodes(down, backward, forward, board, via, hubs, LONG(v))
        if end == TOO_LONG:
            return TOO_LONG
        if end == NO_ROOM:
            return TOO_LONG - 1 - v
    return min(begin + n_nodes, n)


def build_labels(hierarchy: Hierarchy, progress: Progress | None = None) -> tuple[Labels, Labels]:
    """
    Label every node in both directions.

    Parameters
    ----------
    hierarchy
        Nodes by importance, and their arcs.
    progress
        Told how many nodes are labelled, between chunks of work.

    Returns
    -------
    labels
        Forward and backward, read-only arrays.

    Raises
    ------
    InvalidInputError
        If there are more nodes, or more arcs at one, than an entry can name, or ways too long for it.
    """
    n = len(hierarchy.rank)
    check_size(hierarchy)
    forward, backward = _room(n), _room(n)
    board, (via, hubs) = np.full(n, NEVER, dtype=np.int64), np.empty((2, n), dtype=np.int64)
    done = 0
    while done < n:
        end = label_chunk(hierarchy.up, hierarchy.down, forward, backward, board, via, hubs, done, CHUNK)
        if end == TOO_LONG:
            raise too_long()
        if end < TOO_LONG:
            done = TOO_LONG - 1 - end
            forward, backward = _widen(forward, done), _widen(backward, done)
        else:
            done = end
        if progress is not None:
            progress("labels", done, n)
    return _trim(forward), _trim(backward)


def check_size(hierarchy: Hierarchy) -> None:
    """
    Refuse a hierarchy too large for its nodes to be named in a label.

    Parameters
    ----------
    hierarchy
        Nodes by importance, and their arcs.

    Raises
    ------
    InvalidInputError
        If there are more nodes, or more arcs at one, than an entry can name.
    """
    n = len(hierarchy.rank)
    most = max(int(np.diff(arcs.first).max(initial=0)) for arcs in (hierarchy.up, hierarchy.down))
    if n > HUB_MASK or most > VIA_MASK:
        raise InvalidInputError(
            f"{n} nodes with up to {most} arcs are too many for labels; "
            f"at most 2^{HUB_BITS} nodes with 2^{VIA_BITS} arcs are allowed",
            parameter="network",
            value=n,
        )


NO_LABELS = Labels(
    freeze(np.zeros(0, dtype=np.int64)),
    freeze(np.zeros(0, dtype=np.int64)),
    freeze(np.zeros(0, dtype=np.int32)),
)
"""Of an index that has none."""


@njit(cache=True, nogil=True)
def _longest(first: IntArray, end: IntArray, weight: IntArray, farthest: LongArray) -> int:
    """The most that any way up the hierarchy may add up to."""
    most: int = LONG(0)
    for v in range(len(first) - 1):
        farthest[v] = 0
        for a in range(first[v], first[v + 1]):
            farthest[v] = max(farthest[v], farthest[end[a]] + weight[a])
        most = max(most, farthest[v])
    return most


def check_climbs(hierarchy: Hierarchy) -> None:
    """
    Refuse a hierarchy in which a search upwards might meet costs that do not fit a label.

    Parameters
    ----------
    hierarchy
        Nodes by importance, and their arcs.

    Raises
    ------
    InvalidInputError
        If the longest way up does not fit, or there are too many nodes.
    """
    check_size(hierarchy)
    farthest = np.empty(len(hierarchy.rank), dtype=np.int64)
    for arcs in (hierarchy.up, hierarchy.down):
        longest_ms = _longest(arcs.first, arcs.end, arcs.ms, farthest)
        longest_mm = _longest(arcs.first, arcs.end, arcs.mm, farthest)
        if longest_ms >= MAX_MS or longest_mm >= MAX_CLIMB_MM:
            raise too_long()


def _room(n: int) -> _Growing:
    size = 32 * n + 64
    first = np.zeros(n + 1, dtype=np.int64)
    return _Growing(first, np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int32))


def _widen(labels: _Growing, done: int) -> _Growing:
    """Half as much room again, and at least for one whole label; what is written so far is kept."""
    used = int(labels.first[done])
    size = len(labels.entry) * 3 // 2 + len(labels.first)
    entry, mm = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int32)
    entry[:used], mm[:used] = labels.entry[:used], labels.mm[:used]
    return _Growing(labels.first, entry, mm)


def _trim(labels: _Growing) -> Labels:
    used = int(labels.first[-1])
    return Labels(freeze(labels.first), freeze(labels.entry[:used].copy()), freeze(labels.mm[:used].copy()))


@njit(cache=True, nogil=True)
def mark_fastest(arcs: Arcs, own: Labels, other: Labels, board: LongArray, is_fastest: ByteArray) -> None:
    """
    Mark the arcs that are themselves a fastest way; no fastest way uses another one.

    Parameters
    ----------
    arcs
        Arcs of one direction.
    own
        Labels of this direction.
    other
        Labels of the other direction.
    board
        Room for a key by hub, `NEVER` before and after, shape ``(n,)``.
    is_fastest
        Filled in, shape ``(a,)``.
    """
    for v in range(len(arcs.first) - 1):
        for i in range(own.first[v], own.first[v + 1]):
            board[(own.entry[i] >> VIA_BITS) & HUB_MASK] = (own.entry[i] >> 32 << 32) + own.mm[i]
        for a in range(arcs.first[v], arcs.first[v + 1]):
            best: int = LONG(NEVER)
            for i in range(other.first[arcs.end[a]], other.first[arcs.end[a] + 1]):
                rest = (other.entry[i] >> 32 << 32) + other.mm[i]
                best = min(best, board[(other.entry[i] >> VIA_BITS) & HUB_MASK] + rest)
            is_fastest[a] = (LONG(arcs.ms[a]) << 32) + arcs.mm[a] <= best
        for i in range(own.first[v], own.first[v + 1]):
            board[(own.entry[i] >> VIA_BITS) & HUB_MASK] = NEVER


def prune_hierarchy(
    hierarchy: Hierarchy, forward: Labels, backward: Labels
) -> tuple[Hierarchy, Labels, Labels]:
    """
    Drop the arcs that are slower than another way between their ends: sweeps then have less to read.

    Parameters
    ----------
    hierarchy
        Nodes by importance, and their arcs.
    forward
        Its labels.
    backward
        Its labels, backward.

    Returns
    -------
    pruned
        Hierarchy and labels, with shortcuts and labels pointing at the arcs that stay.
    """
    n = len(hierarchy.rank)
    keeps = []
    for arcs, own, other in ((hierarchy.up, forward, backward), (hierarchy.down, backward, forward)):
        is_fastest = np.zeros(len(arcs.end), dtype=np.uint8)
        mark_fastest(arcs, own, other, np.full(n, NEVER, dtype=np.int64), is_fastest)
        keeps.append(is_fastest.astype(np.bool_))
    place_up, place_down = (np.cumsum(keep) - 1 for keep in keeps)

    def pruned(arcs: Arcs, keep: BoolArray) -> Arcs:
        half = arcs.half[keep].copy()
        is_shortcut = half[:, 1] >= 0
        half[is_shortcut, 0] = place_down[half[is_shortcut, 0]]
        half[is_shortcut, 1] = place_up[half[is_shortcut, 1]]
        first = np.concatenate([[0], np.cumsum(keep)])[arcs.first].astype(np.int32)
        end, ms, mm = (freeze(column[keep]) for column in (arcs.end, arcs.ms, arcs.mm))
        return Arcs(freeze(first), end, ms, mm, freeze(half))

    up, down = pruned(hierarchy.up, keeps[0]), pruned(hierarchy.down, keeps[1])
    return (
        Hierarchy(hierarchy.rank, hierarchy.node, up, down),
        _point_anew(forward, hierarchy.up, up, place_up),
        _point_anew(backward, hierarchy.down, down, place_down),
    )


def _point_anew(labels: Labels, before: Arcs, after: Arcs, place: LongArray) -> Labels:
    """Each entry names its arc by the place it has now; the order of entries stays."""
    v = np.repeat(np.arange(len(labels.first) - 1), np.diff(labels.first))
    entry = labels.entry.copy()
    is_far = ((entry >> VIA_BITS) & HUB_MASK) != v
    v, far = v[is_far], entry[is_far]
    via = place[before.first[v] + (far & VIA_MASK)] - after.first[v]
    entry[is_far] = (far & ~np.int64(VIA_MASK)) | via
    return labels._replace(entry=freeze(entry))
