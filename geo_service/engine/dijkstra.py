"""
The search behind every question: Dijkstra from the foot point of a source.

Facilities are nodes of their own, hung onto the nodes of their links for the length of one
call. Nodes are numbered ``0..n - 1``, facilities ``n + f``; labels come off the heap ordered by
(cost, number), so that a facility comes off when nothing can reach it sooner, nor as soon by a
shorter way, and equal costs come in the order of facilities. Forward and backward are one
function given different `Streets` and `Ends`.

Kernels that call one another stand in this file, but for the heap: numba's cache looks only at the file.
Numbers passed between them are widened with `LONG`: one type, one compilation. The loop holds
few arrays, with columns for what is used together, and its steps have one way out, because
numba counts references to arrays: handing a tuple of them to each step was six times slower.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import FOOT, LONG, NO_CUTOFF, NONE, UNREACHED
from geo_service.engine.heap import ITEM, KEY, drop_first, push
from geo_service.engine.lines import EDGES, LENGTH_MM, TAIL, WEIGHT
from geo_service.engine.snap import Snaps
from geo_service.network.graph import FloatArray, IntArray, LongArray

TO, MS, MM, EDGE = range(4)
"""Columns of an arc: node at the other end, weight, length, edge id."""

STAMP, COST, LENGTH, PARENT, VIA = range(5)
"""Columns of a label: search it belongs to, sums, item it came from, edge it came along."""

CALL, HOOK = range(2)
"""Columns of a bucket: call it belongs to, and the first of its hooks."""


class Streets(NamedTuple):
    """
    Edges as one direction of search meets them; arcs are edges in the order of that search.

    Parameters
    ----------
    first
        Arcs at node ``v`` are ``first[v]:first[v + 1]``, shape ``(n + 1,)``.
    arc
        `TO`, `MS`, `MM`, `EDGE` of each arc, shape ``(m, 4)``.
    near
        By edge id: node where this search enters an edge, shape ``(m,)``.
    far
        By edge id: node where this search comes out, shape ``(m,)``.
    edge_ms
        By edge id: weight, shape ``(m,)``.
    edge_mm
        By edge id: length, shape ``(m,)``.
    """

    first: IntArray
    arc: IntArray
    near: IntArray
    far: IntArray
    edge_ms: IntArray
    edge_mm: IntArray


class Ends(NamedTuple):
    """
    How points hang on nodes, by slot: 0 along the edge in drawn direction, 1 along the one against it.

    Parameters
    ----------
    node
        Node to leave to or to arrive from, `NONE` where the slot is not permitted, shape ``(n, 2)``.
    edge
        Edge between node and foot, `NONE` where the foot stands on the node itself, shape ``(n, 2)``.
    ms
        Cost between node and foot, shape ``(n, 2)``.
    mm
        Length between node and foot, shape ``(n, 2)``.
    turn
        Position in the direction of the edge, negative for a point that is left: the sum for two
        points on one edge is not negative if the way between them is permitted, shape ``(n, 2)``.
    gap_ms
        Cost of the gap, shape ``(n,)``.
    gap_mm
        Length of the gap, shape ``(n,)``.
    """

    node: IntArray
    edge: IntArray
    ms: LongArray
    mm: LongArray
    turn: FloatArray
    gap_ms: LongArray
    gap_mm: LongArray


class Windows(NamedTuple):
    """
    When facilities count for who arrives at an instant: that of departure and the whole cost, gaps included.

    Parameters
    ----------
    first
        Windows of facility ``f`` are ``first[f]:first[f + 1]``; none means never, shape ``(f + 1,)``.
    open_ms
        First instant that counts.
    close_ms
        First instant that counts no more.
    start_ms
        Departure. So the same windows serve whoever departs, and need not be moved.
    horizon_ms
        First cost that counts no more, whatever the windows say.
    """

    first: IntArray
    open_ms: LongArray
    close_ms: LongArray
    start_ms: int = 0
    horizon_ms: int = NO_CUTOFF

    @property
    def cutoff_ms(self) -> int:
        """Greatest cost that may count."""
        last_ms: int = self.close_ms.max(initial=self.start_ms) - self.start_ms
        return min(int(last_ms), self.horizon_ms, NO_CUTOFF + 1) - 1


class Nearest(NamedTuple):
    """
    Nearest facilities of ``n`` origins, nearest first.

    Parameters
    ----------
    facility
        Row of the facility, `NONE` where there is none left, shape ``(n, k)``.
    cost_ms
        Fastest cost with both gaps, `UNREACHED` where there is no facility, shape ``(n, k)``.
    length_mm
        Length of the shortest of the fastest ways, gaps included, or `UNREACHED`, shape ``(n, k)``.
    """

    facility: IntArray
    cost_ms: LongArray
    length_mm: LongArray


def nothing_found(n: int, k: int) -> Nearest:
    """
    Room for the nearest.

    Parameters
    ----------
    n
        Origins.
    k
        How many are wanted of each.

    Returns
    -------
    found
        Padding only.
    """
    return Nearest(
        np.full((n, k), NONE, dtype=np.int32),
        np.full((n, k), UNREACHED, dtype=np.int64),
        np.full((n, k), UNREACHED, dtype=np.int64),
    )


class Workspace(NamedTuple):
    """
    What one thread writes on; stamped, never cleared.

    Parameters
    ----------
    clock
        Last stamp given out, shape ``(1,)``.
    label
        `STAMP`, `COST`, `LENGTH`, `PARENT`, `VIA` of each node and facility, valid if the stamp is
        that of the running search. The parent is `FOOT` for a way that starts at the source itself;
        the edge is `NONE` if a foot stands on the node. Shape ``(n + f, 5)``.
    heap
        `KEY` and `ITEM` of the four-way heap, room for whatever can be pushed, shape ``(h, 2)``.
    bucket
        `CALL` and first `HOOK` at each node, valid if the call is the running one, shape ``(n, 2)``.
    hook_next
        Next hook at the same node, `NONE` at the last; hook ``2 * f + slot``, shape ``(2 * f,)``.
    """

    clock: LongArray
    label: LongArray
    heap: LongArray
    bucket: LongArray
    hook_next: LongArray


def build_workspace(n_nodes: int, n_edges: int, n_facilities: int) -> Workspace:
    """
    Lay out a workspace.

    Parameters
    ----------
    n_nodes
        Nodes of the network.
    n_edges
        Its directed edges.
    n_facilities
        Most facilities of one call.

    Returns
    -------
    work
        Nothing in it is valid yet.
    """
    labels, hooks = n_nodes + n_facilities, 2 * n_facilities
    # an entry is pushed when a label gets cheaper: once per arc, hook and direct way, and twice at the start
    pushes = n_edges + 2 * hooks + 2
    return Workspace(
        clock=np.zeros(1, dtype=np.int64),
        label=np.zeros((labels, 5), dtype=np.int64),
        heap=np.empty((pushes, 2), dtype=np.int64),
        bucket=np.zeros((n_nodes, 2), dtype=np.int64),
        hook_next=np.empty(hooks, dtype=np.int64),
    )


@inner
def hang_slot(
    links: IntArray, link: int, slot: int, share: float, in_ms: int, is_left: int
) -> tuple[int, int, int, int, float]:
    """
    Hang a point on the node at one end of its link.

    A foot with share 0 or 1 stands on a node. Where the link has no edge in a direction, such a
    point is still left to, or reached from, that node at no cost: a one-way street does not
    hold whoever stands at its mouth.

    Parameters
    ----------
    links
        ``link`` of `Lines`.
    link
        Its link.
    slot
        0 for the edge along the link, 1 for the one against it.
    share
        Where on the link the foot stands.
    in_ms
        Cost from the tail of that edge to the foot.
    is_left
        1 if the point is left (an origin), 0 if it is arrived at; a number, since numba compiles a literal anew.

    Returns
    -------
    hang
        Which end of the link, 0 or 1 (`NONE` if not permitted), edge, cost, length, and turn, as in `Ends`.
    """
    end = LONG(1 - slot if is_left == 1 else slot)
    edge = LONG(links[link, EDGES + slot])
    if edge == NONE:
        return end if share == end else LONG(NONE), LONG(NONE), LONG(0), LONG(0), 0.0
    length_mm = LONG(links[link, LENGTH_MM])
    at_mm = LONG(np.floor(length_mm * share))
    in_mm = at_mm if slot == 0 else length_mm - at_mm
    position = share if slot == 0 else -share
    if is_left == 1:
        return end, edge, links[link, WEIGHT + slot] - in_ms, length_mm - in_mm, -position
    return end, edge, in_ms, in_mm, position


@njit(cache=True, nogil=True)
def fill_ends(snaps: Snaps, links: IntArray, is_left: bool, ends: Ends) -> None:
    """
    Hang points on the nodes of their links, see `hang_slot`.

    Parameters
    ----------
    snaps
        Points on the streets.
    links
        ``link`` of `Lines`.
    is_left
        Points are left (origins); else they are arrived at.
    ends
        Filled in.
    """
    for i in range(len(snaps.link)):
        link = LONG(snaps.link[i])
        ends.node[i, 0] = NONE
        ends.node[i, 1] = NONE
        if link == NONE:
            continue
        ends.gap_ms[i] = snaps.gap_ms[i]
        ends.gap_mm[i] = LONG(np.floor(snaps.gap_m[i] * 1000.0))
        for slot in range(2):
            in_ms = snaps.forward_ms[i] if slot == 0 else snaps.backward_ms[i]
            end, edge, ms, mm, turn = hang_slot(links, link, LONG(slot), snaps.share[i], in_ms, LONG(is_left))
            ends.node[i, slot] = links[link, TAIL + end] if end != NONE else NONE
            ends.edge[i, slot] = edge
            ends.ms[i, slot] = ms
            ends.mm[i, slot] = mm
            ends.turn[i, slot] = turn


def build_ends(snaps: Snaps, links: IntArray, *, is_left: bool) -> Ends:
    """
    Hang points on the nodes of their links, see `hang_slot`.

    Parameters
    ----------
    snaps
        Points on the streets.
    links
        ``link`` of `Lines`.
    is_left
        Points are left (origins); else they are arrived at.

    Returns
    -------
    ends
        Two slots per point.
    """
    n = len(snaps.link)
    ends = Ends(
        np.empty((n, 2), dtype=np.int32),
        np.empty((n, 2), dtype=np.int32),
        np.empty((n, 2), dtype=np.int64),
        np.empty((n, 2), dtype=np.int64),
        np.empty((n, 2), dtype=np.float64),
        np.empty(n, dtype=np.int64),
        np.empty(n, dtype=np.int64),
    )
    fill_ends(snaps, links, is_left, ends)
    return ends


@inner
def _improve(label: LongArray, stamp: int, item: int, cost: int, length: int, parent: int, via: int) -> bool:
    """
    Offer a label: cheaper wins, then shorter, then the lower edge; say whether it became cheaper.

    Weights are at least 1, so whoever can offer an equal cost does so before the item comes off
    the heap: a change of length or edge alone needs no new entry.
    """
    is_cheaper: bool = label[item, STAMP] != stamp or cost < label[item, COST]
    if is_cheaper or (
        cost == label[item, COST]
        and (length < label[item, LENGTH] or (length == label[item, LENGTH] and via < label[item, VIA]))
    ):
        label[item, COST] = cost
        label[item, LENGTH] = length
        label[item, PARENT] = parent
        label[item, VIA] = via
    label[item, STAMP] = stamp
    return is_cheaper


@inner
def _hang(work: Workspace, facilities: Ends, windows: Windows, call: int) -> int:
    """Hook facilities that may count onto their nodes; give how many there are."""
    n_hung = 0
    has_windows = len(windows.first) > 0
    for f in range(len(facilities.gap_ms)):
        if has_windows and windows.first[f] == windows.first[f + 1]:
            continue
        for slot in range(2):
            node = facilities.node[f, slot]
            if node == NONE:
                continue
            hook = 2 * f + slot
            work.hook_next[hook] = work.bucket[node, HOOK] if work.bucket[node, CALL] == call else NONE
            work.bucket[node, HOOK] = hook
            work.bucket[node, CALL] = call
        n_hung += facilities.node[f, 0] != NONE or facilities.node[f, 1] != NONE
    return n_hung


@inner
def _start(
    streets: Streets, sources: Ends, row: int, facilities: Ends, work: Workspace, stamp: int, call: int
) -> int:
    """Offer the nodes next to the source, and facilities farther along its own link; give the heap's size."""
    n_nodes = len(streets.first) - 1
    size: int = LONG(0)
    foot = LONG(FOOT)
    gap_ms = sources.gap_ms[row]
    gap_mm = sources.gap_mm[row]
    for slot in range(2):
        node = LONG(sources.node[row, slot])
        if node == NONE:
            continue
        edge = LONG(sources.edge[row, slot])
        ms = gap_ms + sources.ms[row, slot]
        mm = gap_mm + sources.mm[row, slot]
        if _improve(work.label, stamp, node, ms, mm, foot, edge):
            size = push(work.heap, size, ms, node)
        if edge == NONE or work.bucket[streets.near[edge], CALL] != call:
            continue
        hook = work.bucket[streets.near[edge], HOOK]
        while hook != NONE:
            f = hook >> 1
            side = hook & 1
            if facilities.edge[f, side] == edge and sources.turn[row, slot] + facilities.turn[f, side] >= 0.0:
                cost = ms + facilities.ms[f, side] - streets.edge_ms[edge] + facilities.gap_ms[f]
                length = mm + facilities.mm[f, side] - streets.edge_mm[edge] + facilities.gap_mm[f]
                if _improve(work.label, stamp, n_nodes + f, cost, length, foot, edge):
                    size = push(work.heap, size, cost, n_nodes + f)
            hook = work.hook_next[hook]
    return size


@inner
def _meet(facilities: Ends, work: Workspace, size: int, stamp: int, v: int, n_nodes: int) -> int:
    """Offer the facilities that hang on a node; give the heap's size."""
    hook = work.bucket[v, HOOK]
    while hook != NONE:
        f = hook >> 1
        side = hook & 1
        cost = work.label[v, COST] + facilities.ms[f, side] + facilities.gap_ms[f]
        length = work.label[v, LENGTH] + facilities.mm[f, side] + facilities.gap_mm[f]
        via = LONG(facilities.edge[f, side])
        if _improve(work.label, stamp, n_nodes + f, cost, length, v, via):
            size = push(work.heap, size, cost, n_nodes + f)
        hook = work.hook_next[hook]
    return size


@inner
def _expand(
    first: IntArray, arc: IntArray, label: LongArray, heap: LongArray, size: int, stamp: int, v: int
) -> int:
    """Offer the nodes at the other ends of the arcs of a node; give the heap's size."""
    for a in range(first[v], first[v + 1]):
        to = LONG(arc[a, TO])
        cost = label[v, COST] + arc[a, MS]
        length = label[v, LENGTH] + arc[a, MM]
        if _improve(label, stamp, to, cost, length, v, LONG(arc[a, EDGE])):
            size = push(heap, size, cost, to)
    return size


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
        True if who arrives so arrives in one of its windows.
    """
    if len(windows.first) == 0:
        return True
    at_ms = windows.start_ms + cost
    for i in range(windows.first[facility], windows.first[facility + 1]):
        if windows.open_ms[i] <= at_ms < windows.close_ms[i]:
            return cost < windows.horizon_ms
    return False


@njit(cache=True, nogil=True)
def search(
    streets: Streets,
    sources: Ends,
    facilities: Ends,
    windows: Windows,
    k: int,
    cutoff_ms: int,
    work: Workspace,
    found: Nearest,
) -> None:
    """
    Find the k nearest facilities of each source that count on arrival.

    The labels of the last source stay in the workspace: nodes within the cutoff, and the way
    to each facility found.

    Parameters
    ----------
    streets
        Edges in the direction of search.
    sources
        Where to start, hung on the side this direction leaves by.
    facilities
        What to look for, hung on the other side; if there are none, every node within the cutoff is labelled.
    windows
        When facilities count; with an empty ``first`` always.
    k
        Stop after this many, at least 1.
    cutoff_ms
        Greatest cost that counts, inclusive.
    work
        Workspace of this thread.
    found
        Filled in, `NONE` and `UNREACHED` before, at least ``k`` columns.
    """
    first, arc, label, heap, bucket = streets.first, streets.arc, work.label, work.heap, work.bucket
    n_nodes = len(first) - 1
    work.clock[0] += 1
    call = work.clock[0]
    n_hung = _hang(work, facilities, windows, call)
    if n_hung == 0 and len(facilities.gap_ms) > 0:
        return
    for row in range(len(sources.gap_ms)):
        work.clock[0] += 1
        stamp = work.clock[0]
        size = _start(streets, sources, row, facilities, work, stamp, call)
        n_found = 0
        n_seen = 0
        while size > 0 and n_found < k and (n_hung == 0 or n_seen < n_hung):
            cost = heap[0, KEY]
            item = heap[0, ITEM]
            if cost > cutoff_ms:
                break
            size = drop_first(heap, size)
            if cost > label[item, COST]:
                continue
            if item < n_nodes:
                size = _expand(first, arc, label, heap, size, stamp, item)
                if bucket[item, CALL] == call:
                    size = _meet(facilities, work, size, stamp, item, n_nodes)
                continue
            n_seen += 1
            if counts_at(windows, item - n_nodes, cost):
                found.facility[row, n_found] = item - n_nodes
                found.cost_ms[row, n_found] = cost
                found.length_mm[row, n_found] = label[item, LENGTH]
                n_found += 1
