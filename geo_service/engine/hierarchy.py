"""
Contraction hierarchy: nodes leave the streets one by one, the least important first.

When a node leaves, a shortcut joins two of its neighbours unless a witness, a way past the node
that is no worse, is found. What remains is for each node its arcs to more important nodes;
every fastest way climbs such arcs and then descends such arcs [1]_. Importance is level, plus
shortcuts over arcs removed, plus the same counted in edges, as in RoutingKit; neighbours of a
node that left are estimated anew.

Cost and length travel as one number, ``key = cost << 32 | length``: one comparison finds the
fastest and among the fastest the shortest. `constants` says why sums of keys never carry over.

References
----------
.. [1] R. Geisberger, P. Sanders, D. Schultes and D. Delling, "Contraction Hierarchies", WEA 2008.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import (
    CHUNK,
    ESTIMATE_SETTLED,
    LONG,
    MAX_MM,
    MAX_MS,
    NONE,
    WITNESS_SETTLED,
)
from geo_service.engine.heap import ITEM, KEY, drop_first, push
from geo_service.engine.lines import freeze
from geo_service.errors import InvalidInputError
from geo_service.network.graph import IntArray, LongArray, Network

Progress = Callable[[str, int, int], None]
"""Called with stage, done and total; whatever it raises ends the building."""

TAIL, HEAD, SUM, HOPS, HALF, OTHER, NEXT_OUT, NEXT_IN = range(8)
"""Columns of an arc, one cache line: its ends, key, edges it stands for, edge or both halves, list links."""

STAMP, DIST, WANTED = range(3)
"""Columns of a witness label: search it belongs to, key, search that looks for the node."""

N_ARCS, N_QUEUED, N_GONE, CLOCK = range(4)
"""Counters of a draft."""

DONE, MORE, NO_ROOM, TOO_LONG = range(4)
"""What a chunk of work ends with."""


class Arcs(NamedTuple):
    """
    Arcs between each node and more important ones, by the rank of the less important end.

    Parameters
    ----------
    first
        Arcs at rank ``r`` are ``first[r]:first[r + 1]``, shape ``(n + 1,)``.
    end
        Rank of the more important end, ascending at each node, shape ``(a,)``.
    ms
        Cost, shape ``(a,)``.
    mm
        Length of the shortest of the fastest, shape ``(a,)``.
    half
        The edge and `NONE`, or the two arcs a shortcut stands for: one of ``down`` and then one of
        ``up``, both at the node it passes, shape ``(a, 2)``.
    """

    first: IntArray
    end: IntArray
    ms: IntArray
    mm: IntArray
    half: IntArray


class Hierarchy(NamedTuple):
    """
    Nodes by importance, and the arcs by which every fastest way climbs and descends.

    Parameters
    ----------
    rank
        Rank of each node, 0 the most important, shape ``(n,)``.
    node
        Node of each rank, shape ``(n,)``.
    up
        Arcs from less to more important nodes.
    down
        Arcs from more to less important nodes.
    """

    rank: IntArray
    node: IntArray
    up: Arcs
    down: Arcs


class Draft(NamedTuple):
    """
    The streets while nodes leave them.

    Parameters
    ----------
    counts
        `N_ARCS`, `N_QUEUED`, `N_GONE`, `CLOCK`, shape ``(4,)``.
    arc
        Arcs, columns `TAIL` to `NEXT_IN`, with room for more, shape ``(a, 8)``.
    lists
        First arc out of and into each node, shape ``(n, 2)``.
    level
        Nodes that left before and below each node, shape ``(n,)``.
    importance
        As last estimated, shape ``(n,)``.
    order
        Nodes in the order they leave, shape ``(n,)``.
    queue
        Heap of nodes by importance; what differs from ``importance`` is stale, shape ``(q, 2)``.
    label
        `STAMP`, `DIST` and `WANTED` of the witness search, shape ``(n, 3)``.
    heap
        Heap of the witness search, shape ``(h, 2)``.
    """

    counts: LongArray
    arc: LongArray
    lists: LongArray
    level: LongArray
    importance: LongArray
    order: LongArray
    queue: LongArray
    label: LongArray
    heap: LongArray


@njit(cache=True, nogil=True)
def offer_arc(
    arc: LongArray,
    lists: LongArray,
    count: LongArray,
    tail: int,
    head: int,
    total: int,
    hops: int,
    half: int,
    other: int,
) -> None:
    """
    Add an arc, or better the one that stands: less cost, then less length, then first come.

    Parameters
    ----------
    arc
        Arcs of the draft.
    lists
        Their lists.
    count
        Counters of the draft.
    tail
        Node it leaves.
    head
        Node it enters.
    total
        Its key.
    hops
        Edges it stands for.
    half
        Its edge, or its first arc.
    other
        `NONE`, or its second arc.
    """
    a = lists[tail, 0]
    while a != NONE and arc[a, HEAD] != head:
        a = arc[a, NEXT_OUT]
    if a == NONE:
        a = count[N_ARCS]
        count[N_ARCS] = a + 1
        arc[a, TAIL] = tail
        arc[a, HEAD] = head
        arc[a, NEXT_OUT] = lists[tail, 0]
        arc[a, NEXT_IN] = lists[head, 1]
        lists[tail, 0] = a
        lists[head, 1] = a
    elif arc[a, SUM] <= total:
        return
    arc[a, SUM] = total
    arc[a, HOPS] = hops
    arc[a, HALF] = half
    arc[a, OTHER] = other


@njit(cache=True, nogil=True)
def _find_witnesses(
    arc: LongArray,
    lists: LongArray,
    label: LongArray,
    heap: LongArray,
    stamp: int,
    start: int,
    passed: int,
    limit: int,
    n_wanted: int,
    n_settled: int,
) -> None:
    """Label the wanted nodes by ways that avoid one node, up to a limit; fewer labels do no harm."""
    label[start, STAMP] = stamp
    label[start, DIST] = 0
    size = push(heap, LONG(0), LONG(0), start)
    while size > 0 and n_settled > 0:
        dist = heap[0, KEY]
        v = heap[0, ITEM]
        size = drop_first(heap, size)
        if dist > label[v, DIST]:
            continue
        n_settled -= 1
        n_wanted -= label[v, WANTED] == stamp
        if n_wanted == 0:
            return
        a = lists[v, 0]
        while a != NONE:
            to = arc[a, HEAD]
            there = dist + arc[a, SUM]
            if to != passed and there <= limit and (label[to, STAMP] != stamp or there < label[to, DIST]):
                label[to, STAMP] = stamp
                label[to, DIST] = there
                if size < len(heap):
                    size = push(heap, size, there, to)
            a = arc[a, NEXT_OUT]


@njit(cache=True, nogil=True)
def _join_neighbours(
    arc: LongArray,
    lists: LongArray,
    count: LongArray,
    label: LongArray,
    heap: LongArray,
    node: int,
    n_settled: int,
    is_real: bool,
) -> tuple[int, int, int]:
    """Count the shortcuts a node needs, in arcs and in edges, and write them if it leaves; greatest key."""
    n_new: int = LONG(0)
    n_hops: int = LONG(0)
    greatest: int = LONG(0)
    into = lists[node, 1]
    while into != NONE:
        start = arc[into, TAIL]
        limit: int = LONG(-1)
        n_wanted: int = LONG(0)
        count[CLOCK] += 1
        stamp = count[CLOCK]
        out = lists[node, 0]
        while out != NONE:
            if arc[out, HEAD] != start:
                limit = max(limit, arc[into, SUM] + arc[out, SUM])
                label[arc[out, HEAD], WANTED] = stamp
                n_wanted += 1
            out = arc[out, NEXT_OUT]
        if n_wanted > 0:
            _find_witnesses(arc, lists, label, heap, stamp, start, node, limit, n_wanted, n_settled)
            out = lists[node, 0]
            while out != NONE:
                end = arc[out, HEAD]
                total = arc[into, SUM] + arc[out, SUM]
                if end != start and (label[end, STAMP] != stamp or label[end, DIST] > total):
                    n_new += 1
                    n_hops += arc[into, HOPS] + arc[out, HOPS]
                    greatest = max(greatest, total >> 32 << 32, (total & 0xFFFFFFFF) << 31)
                    if is_real:
                        hops = arc[into, HOPS] + arc[out, HOPS]
                        offer_arc(arc, lists, count, start, end, total, hops, into, out)
                out = arc[out, NEXT_OUT]
        into = arc[into, NEXT_IN]
    return n_new, n_hops, greatest


@njit(cache=True, nogil=True)
def _count_arcs(arc: LongArray, lists: LongArray, node: int) -> tuple[int, int, int]:
    """Arcs into a node, out of it, and the edges they all stand for."""
    n_in: int = LONG(0)
    n_out: int = LONG(0)
    n_hops: int = LONG(0)
    a = lists[node, 1]
    while a != NONE:
        n_in += 1
        n_hops += arc[a, HOPS]
        a = arc[a, NEXT_IN]
    a = lists[node, 0]
    while a != NONE:
        n_out += 1
        n_hops += arc[a, HOPS]
        a = arc[a, NEXT_OUT]
    return n_in, n_out, n_hops


@njit(cache=True, nogil=True)
def _estimate(draft: Draft, node: int) -> None:
    """Estimate how important a node is now, and queue it so."""
    n_new, n_hops, _ = _join_neighbours(
        draft.arc, draft.lists, draft.counts, draft.label, draft.heap, node, LONG(ESTIMATE_SETTLED), False
    )
    n_in, n_out, old_hops = _count_arcs(draft.arc, draft.lists, node)
    share = (1000 * n_new) // max(n_in + n_out, 1) + (1000 * n_hops) // max(old_hops, 1)
    draft.importance[node] = 1000 * draft.level[node] + share
    draft.counts[N_QUEUED] = push(draft.queue, draft.counts[N_QUEUED], draft.importance[node], node)


@njit(cache=True, nogil=True)
def _unlink(arc: LongArray, lists: LongArray, a: int, side: int) -> None:
    """Take an arc off the list of its tail (side 0) or of its head (side 1)."""
    node = arc[a, TAIL] if side == 0 else arc[a, HEAD]
    link = NEXT_OUT if side == 0 else NEXT_IN
    if lists[node, side] == a:
        lists[node, side] = arc[a, link]
        return
    before = lists[node, side]
    while arc[before, link] != a:
        before = arc[before, link]
    arc[before, link] = arc[a, link]


@njit(cache=True, nogil=True)
def _leave(draft: Draft, node: int) -> int:
    """Take a node out of the streets, with shortcuts past it; give the greatest key they have."""
    arc = draft.arc
    lists = draft.lists
    _, _, greatest = _join_neighbours(
        arc, lists, draft.counts, draft.label, draft.heap, node, LONG(WITNESS_SETTLED), True
    )
    draft.order[draft.counts[N_GONE]] = node
    draft.counts[N_GONE] += 1
    draft.importance[node] = -1
    for side in range(2):
        a = lists[node, side]
        while a != NONE:
            _unlink(arc, lists, a, LONG(1 - side))
            near = arc[a, HEAD] if side == 0 else arc[a, TAIL]
            draft.level[near] = max(draft.level[near], draft.level[node] + 1)
            a = arc[a, NEXT_OUT] if side == 0 else arc[a, NEXT_IN]
    for side in range(2):
        a = lists[node, side]
        while a != NONE:
            near = arc[a, HEAD] if side == 0 else arc[a, TAIL]
            # a neighbour both ways is estimated once; its mark is the stamp of a search that never ran
            if draft.label[near, STAMP] != -node - 1:
                _estimate(draft, near)
                draft.label[near, STAMP] = -node - 1
            a = arc[a, NEXT_OUT] if side == 0 else arc[a, NEXT_IN]
    return greatest


@njit(cache=True, nogil=True)
def estimate_all(draft: Draft) -> None:
    """
    Estimate every node before the first one leaves.

    Parameters
    ----------
    draft
        The streets; its queue is filled.
    """
    for node in range(len(draft.level)):
        _estimate(draft, LONG(node))


@njit(cache=True, nogil=True)
def contract(draft: Draft, n_nodes: int) -> int:
    """
    Let the least important nodes leave.

    Parameters
    ----------
    draft
        The streets, changed.
    n_nodes
        How many may leave before the caller is asked again.

    Returns
    -------
    end
        `DONE`, `MORE`, `NO_ROOM` for the next node, or `TOO_LONG` if a shortcut does not fit its limits.
    """
    while n_nodes > 0:
        if draft.counts[N_GONE] == len(draft.order):
            return DONE
        least = draft.queue[0, KEY]
        node = draft.queue[0, ITEM]
        if least != draft.importance[node]:
            draft.counts[N_QUEUED] = drop_first(draft.queue, draft.counts[N_QUEUED])
            continue
        n_in, n_out, _ = _count_arcs(draft.arc, draft.lists, node)
        room_for_arcs = len(draft.arc) - draft.counts[N_ARCS]
        room_in_queue = len(draft.queue) - draft.counts[N_QUEUED]
        if room_for_arcs < n_in * n_out or room_in_queue < n_in + n_out:
            return NO_ROOM
        draft.counts[N_QUEUED] = drop_first(draft.queue, draft.counts[N_QUEUED])
        greatest = _leave(draft, node)
        if greatest >= MAX_MS << 32:
            return TOO_LONG
        n_nodes -= 1
    return MORE


def build_hierarchy(network: Network, progress: Progress | None = None) -> Hierarchy:
    """
    Contract a network; the same network gives the same hierarchy.

    Parameters
    ----------
    network
        Streets of one profile.
    progress
        Told how many nodes have left, between chunks of work.

    Returns
    -------
    hierarchy
        Read-only arrays.

    Raises
    ------
    InvalidInputError
        If an edge or a way is so long that sums might not fit.
    """
    draft = _draft(network)
    estimate_all(draft)
    end = MORE
    while end != DONE:
        end = contract(draft, CHUNK)
        if end == TOO_LONG:
            raise too_long()
        if end == NO_ROOM:
            draft = _widen(draft)
        if progress is not None:
            progress("hierarchy", int(draft.counts[N_GONE]), network.n_nodes)
    return _settle(network, draft)


def too_long() -> InvalidInputError:
    """
    Refuse a network whose ways do not fit the index.

    Returns
    -------
    error
        To be raised.
    """
    return InvalidInputError(
        f"a way of {MAX_MS} ms or {MAX_MM} mm and more does not fit an index; "
        "check the speeds of the profile, or route without an index",
        parameter="network",
        value=MAX_MS,
    )


def _draft(network: Network) -> Draft:
    n, m = network.n_nodes, network.n_edges
    length_mm = network.link_length_mm[network.edge_link]
    if (network.edge_weight_ms >= MAX_MS).any() or (length_mm >= MAX_MM).any():
        raise too_long()
    draft = Draft(
        counts=np.zeros(4, dtype=np.int64),
        arc=np.empty((3 * m + 64, 8), dtype=np.int64),
        lists=np.full((n, 2), NONE, dtype=np.int64),
        level=np.zeros(n, dtype=np.int64),
        importance=np.zeros(n, dtype=np.int64),
        order=np.empty(n, dtype=np.int64),
        queue=np.empty((8 * n + 64, 2), dtype=np.int64),
        label=np.zeros((n, 3), dtype=np.int64),
        heap=np.empty((16 * WITNESS_SETTLED, 2), dtype=np.int64),
    )
    total = (network.edge_weight_ms.astype(np.int64) << 32) | length_mm
    fill_draft(draft, freeze(network.edge_tail), freeze(network.edge_head), freeze(total.astype(np.int64)))
    return draft


@njit(cache=True, nogil=True)
def fill_draft(draft: Draft, tail: IntArray, head: IntArray, total: LongArray) -> None:
    """
    Make arcs of edges: of parallel ones the best, then the lowest; of self-loops none.

    Parameters
    ----------
    draft
        Empty, filled in.
    tail
        Node each edge leaves, shape ``(m,)``.
    head
        Node each edge enters, shape ``(m,)``.
    total
        Key of each edge, shape ``(m,)``.
    """
    for e in range(len(tail)):
        if tail[e] != head[e]:
            offer_arc(
                draft.arc,
                draft.lists,
                draft.counts,
                LONG(tail[e]),
                LONG(head[e]),
                total[e],
                LONG(1),
                LONG(e),
                LONG(NONE),
            )


def _widen(draft: Draft) -> Draft:
    """Twice the room for arcs and the queue, nothing lost."""
    arc = np.empty((2 * len(draft.arc), 8), dtype=np.int64)
    arc[: len(draft.arc)] = draft.arc
    queue = np.empty((2 * len(draft.queue), 2), dtype=np.int64)
    queue[: len(draft.queue)] = draft.queue
    return draft._replace(arc=arc, queue=queue)


def _settle(network: Network, draft: Draft) -> Hierarchy:
    """Sort the arcs by rank, and tell shortcuts where their halves came to stand."""
    n = network.n_nodes
    node = draft.order[::-1].astype(np.int32)
    rank = np.empty(n, dtype=np.int32)
    rank[node] = np.arange(n, dtype=np.int32)
    arc = draft.arc[: draft.counts[N_ARCS]]
    tail, head = rank[arc[:, TAIL]], rank[arc[:, HEAD]]
    low, high = np.maximum(tail, head), np.minimum(tail, head)
    is_up = tail > head
    order = np.lexsort((high, low, ~is_up))
    n_up = int(is_up.sum())
    place = np.empty(len(arc), dtype=np.int64)
    place[order] = np.arange(len(arc))
    place[~is_up] -= n_up
    is_shortcut = arc[:, OTHER] != NONE
    half = arc[:, [HALF, OTHER]].copy()
    half[is_shortcut] = place[half[is_shortcut]]

    def arcs(ids: LongArray) -> Arcs:
        return Arcs(
            first=freeze(np.searchsorted(low[ids], np.arange(n + 1)).astype(np.int32)),
            end=freeze(high[ids].astype(np.int32)),
            ms=freeze((arc[ids, SUM] >> 32).astype(np.int32)),
            mm=freeze((arc[ids, SUM] & 0xFFFFFFFF).astype(np.int32)),
            half=freeze(half[ids].astype(np.int32)),
        )

    return Hierarchy(freeze(rank), freeze(node), arcs(order[:n_up]), arcs(order[n_up:]))
