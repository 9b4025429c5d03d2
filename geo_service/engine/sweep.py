"""
All nodes at once: coverage as two sweeps over the hierarchy, matrices as one for many origins.

Arcs lead to more important nodes, which have lower ranks. A sweep up goes through the ranks from
the last to the first and tells more important nodes; a sweep down goes from the first to the last
and asks them [1]_. Both read arcs in the order they lie in memory.

References
----------
.. [1] D. Delling, A. Goldberg, A. Nowatzyk and R. Werneck, "PHAST: Hardware-Accelerated Shortest
   Path Trees", IPDPS 2011; and with A. Goldberg, R. Werneck, "Faster Batched Shortest Paths in Road
   Networks", ATMOS 2011, for the restriction to some destinations.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import (
    FAR_MS,
    HUB_MASK,
    LANES,
    LONG,
    LOW_MASK,
    NEVER,
    NONE,
    UNREACHED,
    VIA_BITS,
)
from geo_service.engine.hierarchy import Arcs
from geo_service.engine.join import RANK, SUM
from geo_service.engine.labels import Labels
from geo_service.network.graph import IntArray, LongArray

CostArray = IntArray
"""Costs in int32, `FAR_MS` where no way leads: twice as many side by side."""


class Coverage(NamedTuple):
    """
    What each node has nearest, the gap at the facility counted.

    Parameters
    ----------
    cost_ms
        Cost to the nearest facility, `UNREACHED` where no way leads to any, shape ``(n,)``.
    facility
        That facility, of equally near ones the lowest row; `NONE` where there is none, shape ``(n,)``.
    """

    cost_ms: LongArray
    facility: IntArray


@njit(cache=True, nogil=True)
def sow(at: LongArray, rows: LongArray, value: LongArray) -> None:
    """
    Write facilities at the nodes they hang on.

    Parameters
    ----------
    at
        Hooks of facilities.
    rows
        Which of them.
    value
        ``cost << 32 | facility`` by rank, shape ``(n,)``; what was in it is lost.
    """
    value[:] = NEVER
    for f in rows:
        for slot in range(2):
            r = at[f, slot, RANK]
            if r != NONE:
                value[r] = min(value[r], (at[f, slot, SUM] >> 32 << 32) | f)


class Flat(NamedTuple):
    """
    Arcs one after the other, so that a sweep is one loop: an inner one over the few arcs of each node ended
    unforeseen so often that it took thrice as long.

    Parameters
    ----------
    tail
        Rank of the less important end, ascending, shape ``(a,)``.
    arc
        ``cost << 32 | rank`` of the more important end, shape ``(a,)``.
    """

    tail: IntArray
    arc: LongArray


def flatten(arcs: Arcs) -> Flat:
    """
    Lay arcs out for sweeps.

    Parameters
    ----------
    arcs
        Arcs of one direction.

    Returns
    -------
    flat
        The same in the same order.
    """
    ranks = np.arange(len(arcs.first) - 1, dtype=np.int32)
    return Flat(np.repeat(ranks, np.diff(arcs.first)), (arcs.ms.astype(np.int64) << 32) | arcs.end)


@njit(cache=True, nogil=True)
def sweep_up(tail: IntArray, arc: LongArray, value: LongArray) -> None:
    """
    Tell more important nodes, from the last rank to the first.

    Parameters
    ----------
    tail
        As in `Flat`.
    arc
        As in `Flat`.
    value
        ``cost << 32 | facility`` by rank, `NEVER` at most, changed.
    """
    for a in range(len(arc) - 1, -1, -1):
        to = np.uint32(arc[a] & LOW_MASK)
        value[to] = min(value[to], value[np.uint32(tail[a])] + (arc[a] >> 32 << 32))


@njit(cache=True, nogil=True)
def sweep_down(tail: IntArray, arc: LongArray, value: LongArray) -> None:
    """
    Ask more important nodes, from the first rank to the last.

    Parameters
    ----------
    tail
        As in `Flat`.
    arc
        As in `Flat`.
    value
        ``cost << 32 | facility`` by rank, `NEVER` at most, changed.
    """
    for a in range(len(arc)):
        here = np.uint32(tail[a])
        value[here] = min(value[here], value[np.uint32(arc[a] & LOW_MASK)] + (arc[a] >> 32 << 32))


@njit(cache=True, nogil=True)
def sow_buckets(bucket_first: LongArray, bucket_entry: LongArray, value: LongArray) -> None:
    """
    Write at each hub the nearest facility of its bucket: what a sweep up would tell, where it matters.

    Parameters
    ----------
    bucket_first
        Offsets of buckets.
    bucket_entry
        ``cost << 32 | facility``, ascending at each hub.
    value
        Filled in by rank, shape ``(n,)``.
    """
    for h in range(len(value)):
        begin = bucket_first[h]
        value[h] = bucket_entry[begin] if begin < bucket_first[h + 1] else NEVER


@njit(cache=True, nogil=True)
def cover(
    up: Flat,
    down: Flat,
    rank: IntArray,
    at: LongArray,
    rows: LongArray,
    bucket_first: LongArray,
    bucket_entry: LongArray,
    value: LongArray,
    cost_ms: LongArray,
    facility: IntArray,
) -> None:
    """
    Find the nearest facility of every node.

    Parameters
    ----------
    up
        Arcs from less to more important nodes.
    down
        Arcs from more to less important nodes.
    rank
        Rank of each node.
    at
        Hooks of facilities.
    rows
        Which of them.
    bucket_first
        Offsets of their buckets; empty if there are none.
    bucket_entry
        Entries of their buckets.
    value
        Room for the sweeps, shape ``(n,)``.
    cost_ms
        Filled in, shape ``(n,)``.
    facility
        Filled in, shape ``(n,)``.
    """
    if len(bucket_first) > 0:
        sow_buckets(bucket_first, bucket_entry, value)
    else:
        sow(at, rows, value)
        sweep_up(down.tail, down.arc, value)
    sweep_down(up.tail, up.arc, value)
    for v in range(len(rank)):
        best = value[np.uint32(rank[v])]
        is_reached = best < NEVER
        cost_ms[v] = best >> 32 if is_reached else UNREACHED
        facility[v] = best & LOW_MASK if is_reached else NONE


@njit(cache=True, nogil=True)
def sweep_keys(first: IntArray, end: IntArray, ms: IntArray, mm: IntArray, value: LongArray) -> None:
    """
    Ask more important nodes for keys, from the first rank to the last.

    Parameters
    ----------
    first
        Offsets of arcs.
    end
        Their more important ends.
    ms
        Their costs.
    mm
        Their lengths.
    value
        Key by rank, `NEVER` where none is known, changed.
    """
    for v in range(len(first) - 1):
        best = value[v]
        for a in range(first[v], first[v + 1]):
            best = min(best, value[end[a]] + (LONG(ms[a]) << 32) + mm[a])
        value[v] = min(best, LONG(NEVER))


@inner
def _mark(down_first: IntArray, down_end: IntArray, targets: LongArray, place: IntArray) -> int:
    """Number the nodes from which a descent leads to a destination, most important first; how many."""
    n = len(place)
    place[:] = NONE
    for f in range(len(targets)):
        for slot in range(2):
            if targets[f, slot, RANK] != NONE:
                place[targets[f, slot, RANK]] = 0
    for r in range(n - 1, -1, -1):
        if place[r] != NONE:
            for a in range(down_first[r], down_first[r + 1]):
                place[down_end[a]] = 0
    count = 0
    for r in range(n):
        if place[r] != NONE:
            place[r] = count
            count += 1
    return count


@inner
def _restrict(down: Arcs, place: IntArray, n_kept: int) -> tuple[IntArray, IntArray]:
    """The arcs between numbered nodes: offsets, and ends with costs in two columns."""
    first = np.zeros(n_kept + 1, dtype=np.int32)
    size = 0
    for r in range(len(place)):
        if place[r] != NONE:
            size += down.first[r + 1] - down.first[r]
            first[place[r] + 1] = size
    arc = np.empty((size, 2), dtype=np.int32)
    size = 0
    for r in range(len(place)):
        if place[r] != NONE:
            for a in range(down.first[r], down.first[r + 1]):
                arc[size, 0] = place[down.end[a]]
                arc[size, 1] = down.ms[a]
                size += 1
    return first, arc


@inner
def _start_lane(
    first: LongArray,
    entry: LongArray,
    place: IntArray,
    sources: LongArray,
    row: int,
    lane: int,
    cost: CostArray,
) -> None:
    """Write the label of an origin into its lane."""
    for slot in range(2):
        r = sources[row, slot, RANK]
        if r == NONE:
            continue
        ms = sources[row, slot, SUM] >> 32
        for i in range(first[r], first[r + 1]):
            at = place[(entry[i] >> VIA_BITS) & HUB_MASK]
            if at != NONE:
                cost[at, lane] = min(cost[at, lane], np.int32((entry[i] >> 32) + ms))


@inner
def _sweep_lanes(first: IntArray, arc: IntArray, cost: CostArray) -> None:
    """
    Ask more important nodes for all lanes at once; compiled to a few wide instructions per arc.

    Rows of ``cost`` are addressed in one flat array: as rows of two dimensions they took twice as long.
    """
    for v in range(len(first) - 1):
        here = np.uint32(v * LANES)
        for a in range(first[v], first[v + 1]):
            end = np.uint32(arc[a, 0] * LANES)
            ms = arc[a, 1]
            for lane in range(LANES):
                there = np.int32(cost[end + np.uint32(lane)] + ms)
                cost[here + np.uint32(lane)] = min(cost[here + np.uint32(lane)], there)


@inner
def _write_lanes(
    place: IntArray, targets: LongArray, cost: CostArray, begin: int, n_lanes: int, cost_ms: LongArray
) -> None:
    """Write what the lanes hold at the destinations into the rows of their origins."""
    for f in range(len(targets)):
        for lane in range(n_lanes):
            cost_ms[begin + lane, f] = UNREACHED
        for slot in range(2):
            r = targets[f, slot, RANK]
            if r == NONE:
                continue
            rest = targets[f, slot, SUM] >> 32
            for lane in range(n_lanes):
                there = np.int64(cost[place[r], lane])
                before = cost_ms[begin + lane, f]
                if there < FAR_MS and (before == UNREACHED or there + rest < before):
                    cost_ms[begin + lane, f] = there + rest


@njit(cache=True, nogil=True)
def fill_matrix(
    down: Arcs, forward: Labels, sources: LongArray, targets: LongArray, cost_ms: LongArray
) -> None:
    """
    Costs over nodes from every origin to every destination.

    Parameters
    ----------
    down
        Arcs from more to less important nodes.
    forward
        Labels of the direction of travel.
    sources
        Hooks of origins, ``n`` of them.
    targets
        Hooks of destinations, ``m`` of them.
    cost_ms
        Filled in, `UNREACHED` where no way leads over nodes, shape ``(n, m)``.
    """
    place = np.empty(len(down.first) - 1, dtype=np.int32)
    n_kept = _mark(down.first, down.end, targets, place)
    first, arc = _restrict(down, place, n_kept)
    cost = np.empty((n_kept, LANES), dtype=np.int32)
    n = len(sources)
    for begin in range(0, n, LANES):
        cost[:] = FAR_MS
        n_lanes = min(LANES, n - begin)
        for lane in range(n_lanes):
            _start_lane(forward.first, forward.entry, place, sources, begin + lane, lane, cost)
        _sweep_lanes(first, arc, cost.ravel())
        _write_lanes(place, targets, cost, begin, n_lanes, cost_ms)
