"""
The k nearest: the label of the origin against the buckets of the facilities.

A bucket holds, for one hub, what it costs from there to each facility, nearest first. The entries
of the origin's label are read nearest first too; both loops end where nothing can come before the
k-th best any more. Cost and facility are one number, ``cost << 32 | facility``, so that
equal costs come in the order of facilities.
"""

from typing import Any

import numpy as np
from numba import njit

from geo_service.engine.buckets import Buckets
from geo_service.engine.constants import (
    FEW,
    HUB_MASK,
    LONG,
    LOW_MASK,
    NEVER,
    NONE,
    SCAN_PER_FACILITY,
    UNREACHED,
    VIA_BITS,
)
from geo_service.engine.dijkstra import Windows
from geo_service.engine.join import (
    RANK,
    SUM,
    counts_at,
    find_key,
    find_key_near,
    go_straight,
    hang_left,
    lay_near,
    lay_point,
    wipe_point,
)
from geo_service.engine.labels import Labels
from geo_service.network.graph import FloatArray, IntArray, LongArray


@njit(cache=True, nogil=True)
def _insert(best: LongArray, candidate: int) -> int:
    """Put a candidate in its place unless the same facility stands before it; give the k-th best."""
    k = len(best)
    facility = candidate & LOW_MASK
    at = k - 1
    for i in range(k):
        if best[i] & LOW_MASK == facility and best[i] != NEVER:
            at = i if best[i] > candidate else NONE
            break
    while at > 0 and best[at - 1] > candidate:
        best[at] = best[at - 1]
        at -= 1
    if at != NONE:
        best[at] = candidate
    worst: int = best[k - 1]
    return worst


@njit(cache=True, nogil=True)
def scan(
    first: LongArray,
    entry: LongArray,
    bucket_first: LongArray,
    bucket_entry: LongArray,
    r: int,
    ms: int,
    best: LongArray,
) -> None:
    """
    Offer the facilities that the label of one node leads to.

    Parameters
    ----------
    first
        Offsets of forward labels.
    entry
        Their entries.
    bucket_first
        Offsets of buckets.
    bucket_entry
        Their entries.
    r
        Rank of the node.
    ms
        What it costs to get there.
    best
        The k best so far, ascending, `NEVER` where there is none.
    """
    worst = best[-1]
    for i in range(first[r], first[r + 1]):
        start = ((entry[i] >> 32) + ms) << 32
        if start > worst:
            break
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        for j in range(bucket_first[hub], bucket_first[hub + 1]):
            candidate = bucket_entry[j] + start
            if candidate >= worst:
                break
            worst = _insert(best, candidate)


@njit(cache=True, nogil=True)
def nearest_to_node(
    rank: IntArray,
    first: LongArray,
    entry: LongArray,
    bucket_first: LongArray,
    bucket_entry: LongArray,
    node: int,
    k: int,
) -> LongArray:
    """
    The k nearest from a node, with few arguments for one quick call.

    Parameters
    ----------
    rank
        Rank of each node.
    first
        Offsets of forward labels.
    entry
        Their entries.
    bucket_first
        Offsets of buckets.
    bucket_entry
        Their entries.
    node
        Where to start.
    k
        How many.

    Returns
    -------
    found
        Facilities and their costs, -1 where there is none, shape ``(2, k)``.
    """
    found = np.empty((2, k), dtype=np.int64)
    best = found[1]
    best[:] = NEVER
    scan(first, entry, bucket_first, bucket_entry, LONG(rank[node]), LONG(0), best)
    for i in range(k):
        found[0, i] = best[i] & LOW_MASK if best[i] != NEVER else NONE
        found[1, i] = best[i] >> 32 if best[i] != NEVER else NONE
    return found


@njit(cache=True, nogil=True)
def nearest_to_nodes(
    rank: IntArray,
    forward: Labels,
    buckets: Buckets,
    nodes: LongArray,
    found: LongArray,
) -> None:
    """
    The k nearest from each of many nodes.

    Parameters
    ----------
    rank
        Rank of each node.
    forward
        Labels of the direction of travel.
    buckets
        What is left at hubs.
    nodes
        Where to start, shape ``(n,)``.
    found
        Filled in: ``cost << 32 | facility``, `NEVER` where there is none, shape ``(n, k)``.
    """
    found[:] = NEVER
    for i in range(len(nodes)):
        scan(
            forward.first,
            forward.entry,
            buckets.first,
            buckets.entry,
            LONG(rank[nodes[i]]),
            LONG(0),
            found[i],
        )


@njit(cache=True, nogil=True)
def _scan_timed(
    own_first: LongArray, own_entry: LongArray, first: LongArray, entry: LongArray, mm: IntArray,
    edge_key: LongArray, source_at: LongArray, source_turn: FloatArray, row: int, slot: int,
    target_at: LongArray, target_turn: FloatArray, bucket_first: LongArray, bucket_entry: LongArray,
    windows: Windows, board: LongArray, seen: LongArray, stamp: int, best: LongArray, budget: int,
) -> int:  # fmt: skip
    """
    Offer the facilities that count on arrival; give what is left of the budget, negative if it ran out.

    A candidate that would count is looked up for its fastest cost before it is believed. One that
    would not is met again at the hub of its fastest way, if that is another.
    """
    r = source_at[row, slot, RANK]
    ms = source_at[row, slot, SUM] >> 32
    worst = best[-1]
    for i in range(own_first[r], own_first[r + 1]):
        start = ((own_entry[i] >> 32) + ms) << 32
        if start > worst:
            break
        hub = (own_entry[i] >> VIA_BITS) & HUB_MASK
        for j in range(bucket_first[hub], bucket_first[hub + 1]):
            candidate = bucket_entry[j] + start
            if candidate >= worst:
                break
            budget -= 1
            if budget < 0:
                return budget
            f = candidate & LOW_MASK
            if seen[f] == stamp or not counts_at(windows, f, candidate >> 32):
                continue
            seen[f] = stamp
            key = find_key_near(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, f,
                candidate >> 32, board,
            )  # fmt: skip
            if counts_at(windows, f, key >> 32):
                worst = _insert(best, (key >> 32 << 32) | f)
    return budget


@njit(cache=True, nogil=True)
def _place(best: LongArray, candidate: int) -> None:
    """Put a candidate that is not among the best yet in its place, if it has one."""
    at = len(best) - 1
    if candidate < best[at]:
        while at > 0 and best[at - 1] > candidate:
            best[at] = best[at - 1]
            at -= 1
        best[at] = candidate


@njit(cache=True, nogil=True)
def _look_at_timed(
    first: LongArray, entry: LongArray, mm: IntArray, edge_key: LongArray, source_at: LongArray,
    source_turn: FloatArray, row: int, target_at: LongArray, target_turn: FloatArray, rows: LongArray,
    begin: int, end: int, windows: Windows, board: LongArray, seen: LongArray, stamp: int, best: LongArray,
) -> None:  # fmt: skip
    """Offer facilities that count on arrival by their exact cost, one by one."""
    for i in range(begin, end):
        f = rows[i]
        seen[f] = stamp
        key = find_key(
            first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, f, board
        )
        if key != NEVER and counts_at(windows, f, key >> 32):
            _place(best, (key >> 32 << 32) | f)


@njit(cache=True, nogil=True)
def _find_link(links: IntArray, link: int) -> tuple[int, int]:
    """Where a link stands in an ascending list, as a half-open range."""
    low, high = LONG(0), LONG(len(links))
    while low < high:
        middle = (low + high) >> 1
        if links[middle] < link:
            low = middle + 1
        else:
            high = middle
    while high < len(links) and links[high] == link:
        high += 1
    return low, high


@njit(cache=True, nogil=True)
def _look_along(
    edge_key: LongArray, source_at: LongArray, source_turn: FloatArray, row: int, target_at: LongArray,
    target_turn: FloatArray, bucket_link: IntArray, on_link: LongArray, link: int, best: LongArray,
) -> None:  # fmt: skip
    """Offer the facilities that stand farther along the link of the origin."""
    begin, end = _find_link(bucket_link, link)
    for i in range(begin, end):
        f = on_link[i]
        key, _ = go_straight(edge_key, source_at, source_turn, row, target_at, target_turn, f)
        if key != NEVER:
            _place(best, (key >> 32 << 32) | f)


@njit(cache=True, nogil=True)
def _tell(
    first: LongArray, entry: LongArray, mm: IntArray, edge_key: LongArray, source_at: LongArray,
    source_turn: FloatArray, row: int, target_at: LongArray, target_turn: FloatArray, board: LongArray,
    best: LongArray, facility: IntArray, cost_ms: LongArray, length_mm: LongArray,
) -> None:  # fmt: skip
    """Write the best of one origin into its row, with their lengths."""
    for i in range(facility.shape[1]):
        facility[row, i] = NONE
        cost_ms[row, i] = UNREACHED
        length_mm[row, i] = UNREACHED
        if i < len(best) and best[i] != NEVER:
            f = best[i] & LOW_MASK
            key = find_key_near(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, f,
                best[i] >> 32, board,
            )  # fmt: skip
            facility[row, i] = f
            cost_ms[row, i] = key >> 32
            length_mm[row, i] = key & LOW_MASK


@njit(cache=True, nogil=True)
def find_nearest(
    origins: tuple[Any, ...], ground: tuple[Any, ...], stand: tuple[Any, ...], board: LongArray, k: int,
    source_at: LongArray, source_turn: FloatArray, facility: IntArray, cost_ms: LongArray,
    length_mm: LongArray,
) -> None:  # fmt: skip
    """
    Find the k nearest facilities of each origin, at most `FEW`, by their buckets.

    Costs come from the buckets, lengths from labels laid no farther than the last of the k.

    Parameters
    ----------
    origins
        Points on the streets: columns of `Snaps` from ``link`` on.
    ground
        Streets and labels as `Router` packs them: tuples of plain arrays.
    stand
        Facilities as `Stand.packed` gives them.
    board
        Of this thread's desk.
    k
        How many, no more than there are columns.
    source_at
        Room for hooks of origins.
    source_turn
        Room for their turns.
    facility
        Filled in.
    cost_ms
        Filled in.
    length_mm
        Filled in.
    """
    streets, edge_key, (own_first, own_entry, own_mm), (first, entry, mm) = ground
    target_at, target_turn, _, bucket_first, bucket_entry, bucket_link, on_link = stand
    hang_left(origins, streets, source_at, source_turn)
    links = origins[0]
    best = np.empty(k, dtype=np.int64)
    for row in range(len(links)):
        for i in range(k):
            best[i] = NEVER
        _look_along(
            edge_key, source_at, source_turn, row, target_at, target_turn, bucket_link, on_link,
            LONG(links[row]), best,
        )  # fmt: skip
        for slot in range(2):
            r = source_at[row, slot, RANK]
            if r != NONE:
                ms = source_at[row, slot, SUM] >> 32
                scan(own_first, own_entry, bucket_first, bucket_entry, r, ms, best)
        farthest_ms = LONG(NONE)
        for i in range(k):
            if best[i] != NEVER:
                farthest_ms = best[i] >> 32
        lay_near(own_first, own_entry, own_mm, source_at, row, farthest_ms, board, LONG(0))
        _tell(
            first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, board, best,
            facility, cost_ms, length_mm,
        )  # fmt: skip
        lay_near(own_first, own_entry, own_mm, source_at, row, farthest_ms, board, LONG(1))


@njit(cache=True, nogil=True)
def find_listed(
    origins: tuple[Any, ...], ground: tuple[Any, ...], stand: tuple[Any, ...], board: LongArray, k: int,
    source_at: LongArray, source_turn: FloatArray, facility: IntArray, cost_ms: LongArray,
    length_mm: LongArray,
) -> None:  # fmt: skip
    """
    Find the k nearest facilities of each origin by looking at all, one by one.

    For facilities that were not prepared, and for more than `FEW` of them.

    Parameters
    ----------
    origins
        As in `find_nearest`.
    ground
        As in `find_nearest`.
    stand
        As in `find_nearest`.
    board
        Of this thread's desk.
    k
        How many, no more than there are columns.
    source_at
        Room for hooks of origins.
    source_turn
        Room for their turns.
    facility
        Filled in.
    cost_ms
        Filled in.
    length_mm
        Filled in.
    """
    streets, edge_key, (own_first, own_entry, own_mm), (first, entry, mm) = ground
    target_at, target_turn, rows, _, _, _, _ = stand
    hang_left(origins, streets, source_at, source_turn)
    best = np.empty(k, dtype=np.int64)
    for row in range(len(source_at)):
        lay_point(own_first, own_entry, own_mm, source_at, row, board)
        for i in range(k):
            best[i] = NEVER
        for f in rows:
            key = find_key(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, f, board
            )
            if key != NEVER:
                _place(best, (key >> 32 << 32) | f)
        _tell(
            first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, board, best,
            facility, cost_ms, length_mm,
        )  # fmt: skip
        wipe_point(own_first, own_entry, source_at, row, board)


@njit(cache=True, nogil=True)
def find_nearest_timed(
    origins: tuple[Any, ...], ground: tuple[Any, ...], stand: tuple[Any, ...], board: LongArray, k: int,
    source_at: LongArray, source_turn: FloatArray, facility: IntArray, cost_ms: LongArray,
    length_mm: LongArray, plain_windows: tuple[Any, ...], clock: LongArray, seen: LongArray,
) -> None:  # fmt: skip
    """
    Find the k nearest facilities of each origin that count on arrival.

    Buckets are scanned with a budget; where it runs out, because all that is near is closed, the
    facilities are looked at one by one.

    Parameters
    ----------
    origins
        As in `find_nearest`.
    ground
        As in `find_nearest`.
    stand
        As in `find_nearest`.
    board
        Of this thread's desk.
    k
        How many, no more than there are columns.
    source_at
        Room for hooks of origins.
    source_turn
        Room for their turns.
    facility
        Filled in.
    cost_ms
        Filled in.
    length_mm
        Filled in.
    plain_windows
        When facilities count.
    clock
        Of this thread's desk.
    seen
        Of this thread's desk.
    """
    streets, edge_key, (own_first, own_entry, own_mm), (first, entry, mm) = ground
    target_at, target_turn, rows, bucket_first, bucket_entry, bucket_link, on_link = stand
    windows = Windows(*plain_windows)
    hang_left(origins, streets, source_at, source_turn)
    links = origins[0]
    best = np.empty(k, dtype=np.int64)
    for row in range(len(links)):
        clock[0] += 1
        stamp = clock[0]
        lay_point(own_first, own_entry, own_mm, source_at, row, board)
        for i in range(k):
            best[i] = NEVER
        budget: int = LONG(-1)
        if k <= FEW and len(bucket_first) > 0:
            budget = LONG(SCAN_PER_FACILITY) * (len(rows) + FEW)
            begin, end = _find_link(bucket_link, LONG(links[row]))
            _look_at_timed(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn,
                on_link, begin, end, windows, board, seen, stamp, best,
            )  # fmt: skip
        for slot in range(2):
            if source_at[row, slot, RANK] != NONE and budget >= 0:
                budget = _scan_timed(
                    own_first, own_entry, first, entry, mm, edge_key, source_at, source_turn, row,
                    LONG(slot), target_at, target_turn, bucket_first, bucket_entry, windows, board,
                    seen, stamp, best, budget,
                )  # fmt: skip
        if budget < 0:
            for i in range(k):
                best[i] = NEVER
            _look_at_timed(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn,
                rows, LONG(0), LONG(len(rows)), windows, board, seen, stamp, best,
            )  # fmt: skip
        _tell(
            first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, board, best,
            facility, cost_ms, length_mm,
        )  # fmt: skip
        wipe_point(own_first, own_entry, source_at, row, board)
