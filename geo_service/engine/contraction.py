"""
Nodes leave the streets one by one: lists of arcs, the search for witnesses, and what a node is worth.

The last arc of a witness is not searched for but looked at from its end [1]_, so a search ends one arc
early; and lists are sorted, so that it reads of each no more than it can use.

References
----------
.. [1] R. Geisberger, P. Sanders, D. Schultes and D. Delling, "Contraction Hierarchies", WEA 2008, section
   3.2, "1-hop backward search".
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import (
    ESTIMATE_SETTLED,
    LONG,
    LOW_MASK,
    MAX_MS,
    NEVER,
    NONE,
    WITNESS_SETTLED,
)
from geo_service.engine.heap import ITEM, KEY, drop_first, push
from geo_service.network.graph import IntArray, LongArray

FIRST, SIZE, ROOM = range(3)
"""Columns of a list of arcs: where it begins, how many there are, and how many there may be."""

SUM, NODE = range(2)
"""Columns of an arc: its key, and the node at its other end."""

HOPS, HALF, OTHER = range(3)
"""What an arc stands for: how many edges; the edge and `NONE`, or two arcs that left."""

STAMP, DIST, STEP, ASKED = range(4)
"""Columns of a witness label: search it belongs to, key, least key of an arc that leads there, and last call."""

N_OUT, N_INTO, N_UP, N_DOWN, N_QUEUED, N_GONE, CLOCK = range(7)
"""Counters of a draft."""

DONE, MORE, NO_ROOM, TOO_LONG = range(4)
"""What a chunk of work ends with."""


class Lists(NamedTuple):
    """
    Arcs out of each node, or into each, the shortest first; one that is full moves to where twice as many fit.

    Parameters
    ----------
    place
        `FIRST`, `SIZE` and `ROOM` at each node, shape ``(n, 3)``.
    arc
        `SUM` and `NODE` of each arc, shape ``(p, 2)``.
    means
        `HOPS`, `HALF` and `OTHER` of each arc, shape ``(p, 3)``.
    """

    place: LongArray
    arc: LongArray
    means: IntArray


class Draft(NamedTuple):
    """
    The streets while nodes leave them. When a node leaves, its arcs are copied out.

    Parameters
    ----------
    counts
        `N_OUT` to `CLOCK`, shape ``(7,)``.
    out
        Arcs by tail.
    into
        The same arcs by head.
    up
        `SUM` and `NODE` of arcs out of nodes that left, in the order they left, shape ``(a, 2)``.
    down
        The same of arcs into nodes that left.
    up_means
        `HOPS`, `HALF` and `OTHER` of each of ``up``.
    down_means
        `HOPS`, `HALF` and `OTHER` of each of ``down``.
    n_left
        Arcs in ``up`` and ``down`` when each node had left, shape ``(n, 2)``.
    level
        Nodes that left before and below each node, shape ``(n,)``.
    importance
        As last estimated, shape ``(n,)``.
    order
        Nodes in the order they leave, shape ``(n,)``.
    queue
        Heap of nodes by importance; what differs from ``importance`` is stale, shape ``(q, 2)``.
    label
        `STAMP` to `ASKED` of the witness search, shape ``(n, 4)``.
    heap
        Heap of the witness search, shape ``(h, 2)``.
    """

    counts: LongArray
    out: Lists
    into: Lists
    up: LongArray
    down: LongArray
    up_means: IntArray
    down_means: IntArray
    n_left: LongArray
    level: LongArray
    importance: LongArray
    order: LongArray
    queue: LongArray
    label: LongArray
    heap: LongArray


@njit(cache=True, nogil=True)
def _find(place: LongArray, arc: LongArray, v: int, to: int) -> int:
    """Where the arc to a node stands in the list of another; `NONE` if there is none."""
    for a in range(place[v, FIRST], place[v, FIRST] + place[v, SIZE]):
        if arc[a, NODE] == to:
            found: int = LONG(a)
            return found
    return NONE


@njit(cache=True, nogil=True)
def _remove(place: LongArray, arc: LongArray, means: IntArray, v: int, to: int) -> None:
    """Take the arc to a node off the list of another; those behind it move up."""
    a = _find(place, arc, v, to)
    place[v, SIZE] -= 1
    for i in range(a, place[v, FIRST] + place[v, SIZE]):
        arc[i] = arc[i + 1]
        means[i] = means[i + 1]


@njit(cache=True, nogil=True)
def _move(place: LongArray, arc: LongArray, means: IntArray, v: int, free: int) -> int:
    """Move the list of a node to where twice as many fit; give where room is free then."""
    first = place[v, FIRST]
    for i in range(place[v, SIZE]):
        arc[free + i] = arc[first + i]
        means[free + i] = means[first + i]
    place[v, FIRST] = free
    room: int = 2 * place[v, SIZE] + 2
    place[v, ROOM] = room
    return free + room


@njit(cache=True, nogil=True)
def _insert(
    place: LongArray, arc: LongArray, means: IntArray, v: int, to: int, total: int, hops: int, half: int,
    other: int,
) -> None:  # fmt: skip
    """Put an arc into the list of a node, behind all that are no longer."""
    a = place[v, FIRST] + place[v, SIZE]
    place[v, SIZE] += 1
    while a > place[v, FIRST] and arc[a - 1, SUM] > total:
        arc[a] = arc[a - 1]
        means[a] = means[a - 1]
        a -= 1
    arc[a, SUM] = total
    arc[a, NODE] = to
    means[a, HOPS] = hops
    means[a, HALF] = half
    means[a, OTHER] = other


@njit(cache=True, nogil=True)
def offer_arc(
    out: Lists, into: Lists, count: LongArray, tail: int, head: int, total: int, hops: int, half: int,
    other: int,
) -> None:  # fmt: skip
    """
    Add an arc, or better the one that stands: less cost, then less length, then first come.

    Parameters
    ----------
    out
        Arcs by tail.
    into
        Arcs by head.
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
    a = _find(out.place, out.arc, tail, head)
    if a != NONE:
        if out.arc[a, SUM] <= total:
            return
        _remove(out.place, out.arc, out.means, tail, head)
        _remove(into.place, into.arc, into.means, head, tail)
    if out.place[tail, SIZE] == out.place[tail, ROOM]:
        count[N_OUT] = _move(out.place, out.arc, out.means, tail, count[N_OUT])
    if into.place[head, SIZE] == into.place[head, ROOM]:
        count[N_INTO] = _move(into.place, into.arc, into.means, head, count[N_INTO])
    _insert(out.place, out.arc, out.means, tail, head, total, hops, half, other)
    _insert(into.place, into.arc, into.means, head, tail, total, hops, half, other)


@njit(cache=True, nogil=True)
def _search_witnesses(
    place: LongArray,
    arc: LongArray,
    label: LongArray,
    heap: LongArray,
    stamp: int,
    start: int,
    passed: int,
    limit: int,
    n_settled: int,
) -> None:
    """Label nodes by ways that avoid one node, up to a limit; fewer labels do no harm."""
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
        for a in range(place[v, FIRST], place[v, FIRST] + place[v, SIZE]):
            there = dist + arc[a, SUM]
            if there > limit:
                break
            to = arc[a, NODE]
            if to != passed and (label[to, STAMP] != stamp or there < label[to, DIST]):
                label[to, STAMP] = stamp
                label[to, DIST] = there
                if size < len(heap):
                    size = push(heap, size, there, to)


@njit(cache=True, nogil=True)
def _has_witness(
    place: LongArray, arc: LongArray, label: LongArray, stamp: int, passed: int, end: int, total: int
) -> bool:
    """Whether a way by a labelled neighbour is no worse than the one over the node to be passed."""
    if label[end, STAMP] == stamp and label[end, DIST] <= total:
        return True
    for a in range(place[end, FIRST], place[end, FIRST] + place[end, SIZE]):
        if arc[a, SUM] > total:
            break
        before = arc[a, NODE]
        if label[before, STAMP] == stamp and label[before, DIST] + arc[a, SUM] <= total and before != passed:
            return True
    return False


@njit(cache=True, nogil=True)
def _last_step(place: LongArray, arc: LongArray, node: int, passed: int) -> int:
    """Least key of an arc into a node that does not come from the one to be passed: searches end that early."""
    step: int = LONG(NEVER)
    for a in range(place[node, FIRST], place[node, FIRST] + place[node, SIZE]):
        if arc[a, NODE] != passed:
            step = arc[a, SUM]
            break
    return step


@njit(cache=True, nogil=True)
def _farthest(arc: LongArray, label: LongArray, first: int, last: int, start: int, before: int) -> int:
    """Greatest key at which the last arc of a witness may begin; negative if none may."""
    limit: int = LONG(NONE)
    for a in range(first, last):
        if arc[a, NODE] != start:
            limit = max(limit, before + arc[a, SUM] - label[arc[a, NODE], STEP])
    return limit


@njit(cache=True, nogil=True)
def _find_shortcuts(draft: Draft, node: int, n_settled: int, is_real: int) -> tuple[int, int, int]:
    """Count the shortcuts a node needs, in arcs and in edges, and offer them if it leaves; greatest key."""
    out_place, out_arc, out_means = draft.out
    in_place, in_arc, in_means = draft.into
    label, heap, count = draft.label, draft.heap, draft.counts
    n_new: int = LONG(0)
    n_hops: int = LONG(0)
    greatest: int = LONG(0)
    first = out_place[node, FIRST]
    last = first + out_place[node, SIZE]
    for out in range(first, last):
        label[out_arc[out, NODE], STEP] = _last_step(in_place, in_arc, out_arc[out, NODE], node)
    for into in range(in_place[node, FIRST], in_place[node, FIRST] + in_place[node, SIZE]):
        start, before = in_arc[into, NODE], in_arc[into, SUM]
        limit = _farthest(out_arc, label, first, last, start, before)
        count[CLOCK] += 1
        stamp = count[CLOCK]
        if limit >= 0:
            _search_witnesses(out_place, out_arc, label, heap, stamp, start, node, limit, n_settled)
        for out in range(first, last):
            end, total = out_arc[out, NODE], before + out_arc[out, SUM]
            if end == start or _has_witness(in_place, in_arc, label, stamp, node, end, total):
                continue
            hops = in_means[into, HOPS] + out_means[out, HOPS]
            n_new += 1
            n_hops += hops
            greatest = max(greatest, total >> 32 << 32, (total & LOW_MASK) << 31)
            if is_real == 1:
                half = count[N_DOWN] + into - in_place[node, FIRST]
                offer_arc(
                    draft.out, draft.into, count, start, end, total, hops, half, count[N_UP] + out - first
                )
    return n_new, n_hops, greatest


@njit(cache=True, nogil=True)
def _count_hops(place: LongArray, means: IntArray, node: int) -> int:
    """Edges that the arcs of a node stand for."""
    n_hops: int = LONG(0)
    for a in range(place[node, FIRST], place[node, FIRST] + place[node, SIZE]):
        n_hops += means[a, HOPS]
    return n_hops


@njit(cache=True, nogil=True)
def _estimate(draft: Draft, node: int) -> None:
    """Estimate how important a node is now, and queue it so."""
    n_new, n_hops, _ = _find_shortcuts(draft, node, LONG(ESTIMATE_SETTLED), LONG(0))
    n_old = draft.out.place[node, SIZE] + draft.into.place[node, SIZE]
    old_hops = _count_hops(draft.out.place, draft.out.means, node)
    old_hops += _count_hops(draft.into.place, draft.into.means, node)
    share = (1000 * n_new) // max(n_old, 1) + (1000 * n_hops) // max(old_hops, 1)
    draft.importance[node] = 1000 * draft.level[node] + share
    draft.counts[N_QUEUED] = push(draft.queue, draft.counts[N_QUEUED], draft.importance[node], node)


@njit(cache=True, nogil=True)
def _copy_out(own: Lists, other: Lists, node: int, arc: LongArray, means: IntArray, n_left: int) -> int:
    """Copy the arcs of a node to those that left, and take them off the lists of its neighbours."""
    first = own.place[node, FIRST]
    for a in range(first, first + own.place[node, SIZE]):
        arc[n_left] = own.arc[a]
        means[n_left] = own.means[a]
        n_left += 1
        _remove(other.place, other.arc, other.means, own.arc[a, NODE], node)
    return n_left


@njit(cache=True, nogil=True)
def _ask_neighbours(draft: Draft, arcs: Lists, node: int, call: int) -> None:
    """Estimate the neighbours of a node that left anew, each once."""
    first = arcs.place[node, FIRST]
    for a in range(first, first + arcs.place[node, SIZE]):
        near = arcs.arc[a, NODE]
        if draft.label[near, ASKED] != call:
            draft.label[near, ASKED] = call
            draft.level[near] = max(draft.level[near], draft.level[node] + 1)
            _estimate(draft, near)


@njit(cache=True, nogil=True)
def _leave(draft: Draft, node: int) -> int:
    """Take a node out of the streets, with shortcuts past it; give the greatest key they have."""
    count = draft.counts
    _, _, greatest = _find_shortcuts(draft, node, LONG(WITNESS_SETTLED), LONG(1))
    count[N_UP] = _copy_out(draft.out, draft.into, node, draft.up, draft.up_means, count[N_UP])
    count[N_DOWN] = _copy_out(draft.into, draft.out, node, draft.down, draft.down_means, count[N_DOWN])
    draft.order[count[N_GONE]] = node
    draft.n_left[count[N_GONE], 0] = count[N_UP]
    draft.n_left[count[N_GONE], 1] = count[N_DOWN]
    draft.importance[node] = -1
    count[N_GONE] += 1
    _ask_neighbours(draft, draft.out, node, count[N_GONE])
    _ask_neighbours(draft, draft.into, node, count[N_GONE])
    return greatest


@njit(cache=True, nogil=True)
def _room_to_move(own: Lists, other: Lists, node: int) -> int:
    """Most room that the lists of the neighbours may take when a node leaves."""
    most: int = LONG(0)
    for a in range(own.place[node, FIRST], own.place[node, FIRST] + own.place[node, SIZE]):
        most += 4 * (own.place[own.arc[a, NODE], SIZE] + other.place[node, SIZE] + 1)
    return most


@njit(cache=True, nogil=True)
def _has_room(draft: Draft, node: int) -> bool:
    """Whether all that may be written when a node leaves has room."""
    out, into, count = draft.out, draft.into, draft.counts
    n_out, n_in = out.place[node, SIZE], into.place[node, SIZE]
    fits: bool = (
        len(out.arc) - count[N_OUT] >= _room_to_move(into, out, node)
        and len(into.arc) - count[N_INTO] >= _room_to_move(out, into, node)
        and len(draft.queue) - count[N_QUEUED] >= n_out + n_in
        and len(draft.up) - count[N_UP] >= n_out
        and len(draft.down) - count[N_DOWN] >= n_in
    )
    return fits


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
        if least == draft.importance[node] and not _has_room(draft, node):
            return NO_ROOM
        draft.counts[N_QUEUED] = drop_first(draft.queue, draft.counts[N_QUEUED])
        if least != draft.importance[node]:
            continue
        if _leave(draft, node) >= MAX_MS << 32:
            return TOO_LONG
        n_nodes -= 1
    return MORE


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
                draft.out, draft.into, draft.counts, LONG(tail[e]), LONG(head[e]), total[e], LONG(1), LONG(e),
                LONG(NONE),
            )  # fmt: skip


def widen_draft(draft: Draft) -> Draft:
    """
    Twice the room for whatever grows, nothing lost.

    Parameters
    ----------
    draft
        The streets, where room ran out.

    Returns
    -------
    draft
        The same streets.
    """
    out, into = (
        Lists(lists.place, _twice(lists.arc), _twice(lists.means)) for lists in (draft.out, draft.into)
    )
    grow = ("up", "down", "up_means", "down_means", "queue")
    return draft._replace(out=out, into=into, **{name: _twice(getattr(draft, name)) for name in grow})


def _twice(array: Any) -> Any:
    longer = np.empty((2 * len(array), array.shape[1]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
