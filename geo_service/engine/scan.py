"""
The k nearest: the label of the origin against the buckets of the facilities.

A bucket holds, for one hub, what it costs from there to each facility, nearest first. The entries
of the origin's label are read nearest first too; both loops end where nothing can come before the
k-th best any more. Cost and facility are one number, ``cost << 32 | facility``, so that
equal costs come in the order of facilities.

A facility is met at several hubs, and only the last of the costs that are found is known to be the
fastest. So where it counts at one cost and then turns out to be reached sooner and not to count, what was
passed over on its account is looked for again. In the end every facility that costs no more than the k-th
has been met at the hub of its fastest way: what is known of it is exact, its length included.
"""

import numpy as np
from numba import njit

from geo_service.engine.buckets import PLACE, RESTS
from geo_service.engine.constants import (
    FEW,
    HUB_MASK,
    LONG,
    LOW_MASK,
    NEVER,
    NO_CUTOFF,
    NONE,
    SCAN_PER_FACILITY,
    UNREACHED,
    VIA_BITS,
)
from geo_service.engine.dijkstra import hang_slot
from geo_service.engine.join import EDGE, RANK, SUM, find_key, lay_point, wipe_point
from geo_service.engine.lines import LENGTH_MM, TAIL_RANK, WEIGHT
from geo_service.engine.snap import (
    BACKWARD_MS,
    FORWARD_MS,
    GAP_M,
    GAP_MS,
    SHARE,
    find_foot,
    is_on_globe,
)
from geo_service.network.graph import FloatArray, IntArray, LongArray

STAMP, KEY = range(2)
"""Columns of what is known of a facility: origin it belongs to, least key to it so far."""


@njit(cache=True, nogil=True)
def _insert(best: LongArray, candidate: int) -> int:
    """Put a candidate in its place unless it has none or the same facility stands before it; give the k-th best."""
    k = len(best)
    facility = candidate & LOW_MASK
    at = LONG(k - 1 if candidate < best[k - 1] else NONE)
    for i in range(k):
        if best[i] & LOW_MASK == facility and best[i] != NEVER:
            at = LONG(i if best[i] > candidate else NONE)
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
    best: LongArray,
) -> None:
    """
    Offer the facilities that the label of a node leads to.

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
    best
        The k best so far, ascending, `NEVER` where there is none.
    """
    worst = best[-1]
    for i in range(first[r], first[r + 1]):
        start = entry[i] >> 32 << 32
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
    found: LongArray,
) -> None:
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
    found
        Filled in: facilities and their costs, -1 where there is none, shape ``(2, k)``.
    """
    best = found[1]
    best[:] = NEVER
    scan(first, entry, bucket_first, bucket_entry, LONG(rank[node]), best)
    for i in range(len(best)):
        found[0, i] = best[i] & LOW_MASK if best[i] != NEVER else NONE
        found[1, i] = best[i] >> 32 if best[i] != NEVER else NONE


@njit(cache=True, nogil=True)
def nearest_to_nodes(
    rank: IntArray,
    first: LongArray,
    entry: LongArray,
    bucket_first: LongArray,
    bucket_entry: LongArray,
    nodes: LongArray,
    facility: IntArray,
    cost_ms: LongArray,
) -> None:
    """
    The k nearest from each of many nodes.

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
    nodes
        Where to start, shape ``(n,)``.
    facility
        Filled in, `NONE` where there is none left, shape ``(n, k)``.
    cost_ms
        Filled in, `UNREACHED` where there is none left, shape ``(n, k)``.
    """
    for i in range(len(nodes)):
        best = cost_ms[i]
        best[:] = NEVER
        scan(first, entry, bucket_first, bucket_entry, LONG(rank[nodes[i]]), best)
        for j in range(len(best)):
            is_none = best[j] == NEVER
            facility[i, j] = NONE if is_none else best[j] & LOW_MASK
            best[j] = UNREACHED if is_none else best[j] >> 32


@njit(cache=True, nogil=True)
def _hang_origin(
    links: IntArray, link: int, real: FloatArray, whole: LongArray, row: int, at: LongArray, turn: FloatArray
) -> None:
    """Hang an origin onto the hooks of its two slots."""
    gap = (whole[GAP_MS, row] << 32) + LONG(np.floor(real[GAP_M, row] * 1000.0))
    for slot in range(2):
        at[0, slot, RANK] = NONE
        at[0, slot, EDGE] = NONE
        if link == NONE:
            continue
        in_ms = whole[FORWARD_MS, row] if slot == 0 else whole[BACKWARD_MS, row]
        end, edge, ms, mm, turn[0, slot] = hang_slot(
            links, link, LONG(slot), real[SHARE, row], in_ms, LONG(1)
        )
        if end != NONE:
            at[0, slot, RANK] = links[link, TAIL_RANK + end]
            at[0, slot, SUM] = gap + (ms << 32) + mm
            at[0, slot, EDGE] = edge


@njit(cache=True, nogil=True)
def _counts(open_first: IntArray, open_ms: LongArray, close_ms: LongArray, owner: int, cost_ms: int) -> bool:
    """Whether who arrives at that cost arrives in one of the windows."""
    counts = False
    i = open_first[owner]
    while i < open_first[owner + 1] and not counts:
        counts = (open_ms[i] <= cost_ms) & (cost_ms < close_ms[i])
        i += 1
    return counts


@njit(cache=True, nogil=True)
def _remove(best: LongArray, facility: int) -> bool:
    """Take a facility out of the best; say whether it was there."""
    k = len(best)
    at = 0
    while at < k and (best[at] == NEVER or best[at] & LOW_MASK != facility):
        at += 1
    for i in range(at, k):
        best[i] = best[i + 1] if i + 1 < k else NEVER
    is_out: bool = at < k
    return is_out


@njit(cache=True, nogil=True)
def _offer(
    open_first: IntArray, open_ms: LongArray, close_ms: LongArray, step: int, low: LongArray, stamp: int,
    f: int, key: int, best: LongArray,
) -> bool:  # fmt: skip
    """Take note of a way no worse than what is known; say whether it took the facility out of the best."""
    is_known = low[f, STAMP] == stamp
    low[f, STAMP] = stamp
    low[f, KEY] = key
    if _counts(open_first, open_ms, close_ms, f * step, key >> 32):
        _insert(best, (key >> 32 << 32) | f)
        is_known = False
    return is_known and _remove(best, f)


@njit(cache=True, nogil=True)
def _scan_slot(
    own_first: LongArray, own_entry: LongArray, own_mm: IntArray, bucket_first: LongArray,
    bucket_entry: LongArray, bucket_mm: IntArray, r: int, rest: int, open_first: IntArray,
    open_ms: LongArray, close_ms: LongArray, step: int, low: LongArray, stamp: int, best: LongArray,
    budget: int,
) -> tuple[int, bool]:  # fmt: skip
    """
    Offer the facilities that the label of one slot leads to.

    Give what is left of the budget, negative if it ran out, and whether anything must be looked for again.
    """
    again = False
    for i in range(own_first[r], own_first[r + 1]):
        start = ((own_entry[i] >> 32) + (rest >> 32)) << 32
        if start > best[-1] or budget < 0:
            break
        hub = (own_entry[i] >> VIA_BITS) & HUB_MASK
        length = own_mm[i] + (rest & LOW_MASK)
        for j in range(bucket_first[hub], bucket_first[hub + 1]):
            candidate = bucket_entry[j] + start
            if candidate > best[-1]:
                break
            budget -= 1
            f = candidate & LOW_MASK
            key = (candidate >> 32 << 32) + length + bucket_mm[j]
            if low[f, STAMP] != stamp or key <= low[f, KEY]:
                again |= _offer(open_first, open_ms, close_ms, step, low, stamp, f, key, best)
    return budget, again


@njit(cache=True, nogil=True)
def _look_along(
    links: IntArray, link: int, slot: int, share: float, start: int, on_link: LongArray, on_share: FloatArray,
    open_first: IntArray, open_ms: LongArray, close_ms: LongArray, step: int, low: LongArray, stamp: int,
    best: LongArray,
) -> bool:  # fmt: skip
    """Offer who stands farther along the link of the origin, in one direction; say whether to look again."""
    again = False
    begin = LONG(0)
    end = LONG(len(on_link))
    while begin < end:
        middle = (begin + end) >> 1
        if on_link[middle, PLACE] >> 32 < link:
            begin = middle + 1
        else:
            end = middle
    whole = (LONG(links[link, WEIGHT + slot]) << 32) + links[link, LENGTH_MM]
    while begin < len(on_link) and on_link[begin, PLACE] >> 32 == link:
        f = on_link[begin, PLACE] & LOW_MASK
        rest = on_link[begin, RESTS + slot]
        is_farther = on_share[begin] >= share if slot == 0 else share >= on_share[begin]
        key = start + rest - whole
        if rest != NEVER and is_farther and (low[f, STAMP] != stamp or key <= low[f, KEY]):
            again |= _offer(open_first, open_ms, close_ms, step, low, stamp, f, key, best)
        begin += 1
    return again


@njit(cache=True, nogil=True)
def _find_one(
    links: IntArray, link: int, share: float, forward_ms: int, backward_ms: int, gap: int,
    own_first: LongArray, own_entry: LongArray, own_mm: IntArray, on_link: LongArray, on_share: FloatArray,
    bucket_first: LongArray, bucket_entry: LongArray, bucket_mm: IntArray, open_first: IntArray,
    open_ms: LongArray, close_ms: LongArray, step: int, low: LongArray, stamp: int, best: LongArray,
) -> bool:  # fmt: skip
    """
    Find the best of one origin on a link; say whether the budget sufficed.

    Each slot is left along its edge: to who stands farther along, and over the node at its end.
    """
    best[:] = NEVER
    budget = LONG(SCAN_PER_FACILITY) * (len(on_link) + FEW) if step > 0 else LONG(NO_CUTOFF)
    again = True
    while again and budget >= 0:
        again = False
        for slot in range(2):
            in_ms = forward_ms if slot == 0 else backward_ms
            end, edge, ms, mm, _ = hang_slot(links, link, LONG(slot), share, in_ms, LONG(1))
            start = gap + (ms << 32) + mm
            if edge != NONE:
                again |= _look_along(
                    links, link, LONG(slot), share, start, on_link, on_share, open_first, open_ms, close_ms,
                    step, low, stamp, best,
                )  # fmt: skip
            if end != NONE:
                budget, is_overturned = _scan_slot(
                    own_first, own_entry, own_mm, bucket_first, bucket_entry, bucket_mm,
                    LONG(links[link, TAIL_RANK + end]), start, open_first, open_ms, close_ms, step, low,
                    stamp, best, budget,
                )  # fmt: skip
                again |= is_overturned
    is_enough: bool = budget >= 0
    return is_enough


@njit(cache=True, nogil=True)
def _tell(
    low: LongArray, best: LongArray, row: int, facility: IntArray, cost_ms: LongArray, length_mm: LongArray
) -> None:
    """Write the best of one origin into its row, with their lengths."""
    for i in range(facility.shape[1]):
        facility[row, i] = NONE
        cost_ms[row, i] = UNREACHED
        length_mm[row, i] = UNREACHED
        if i < len(best) and best[i] != NEVER:
            f = best[i] & LOW_MASK
            facility[row, i] = f
            cost_ms[row, i] = best[i] >> 32
            length_mm[row, i] = low[f, KEY] & LOW_MASK


@njit(cache=True, nogil=True)
def find_nearest(
    link: IntArray, real: FloatArray, whole: LongArray, links: IntArray, own_first: LongArray,
    own_entry: LongArray, own_mm: IntArray, on_link: LongArray, on_share: FloatArray,
    bucket_first: LongArray, bucket_entry: LongArray, bucket_mm: IntArray, open_first: IntArray,
    open_ms: LongArray, close_ms: LongArray, step: int, low: LongArray, stamp: int, row: int, k: int,
    facility: IntArray, cost_ms: LongArray, length_mm: LongArray,
) -> int:  # fmt: skip
    """
    Find the k nearest facilities of origins by their buckets.

    Parameters
    ----------
    link
        Origins, as in `Columns`.
    real
        As in `Columns`.
    whole
        As in `Columns`.
    links
        ``link`` of `Lines`.
    own_first
        Offsets of forward labels.
    own_entry
        Their entries.
    own_mm
        Their lengths.
    on_link
        As in `Buckets`.
    on_share
        As in `Buckets`.
    bucket_first
        As in `Buckets`.
    bucket_entry
        As in `Buckets`.
    bucket_mm
        As in `Buckets`.
    open_first
        As in `Windows`.
    open_ms
        As in `Windows`.
    close_ms
        As in `Windows`.
    step
        1 if each facility has its own windows, 0 if all have those of the first.
    low
        Of this thread: `STAMP` and `KEY` by facility.
    stamp
        The first of as many fresh stamps as there are origins.
    row
        Origin to begin with.
    k
        How many, at most `FEW`, no more than there are columns.
    facility
        Filled in.
    cost_ms
        Filled in.
    length_mm
        Filled in.

    Returns
    -------
    row
        The origin at which too much that is near is closed, to be looked at one by one; else the number of
        origins.
    """
    best = np.empty(k, dtype=np.int64)
    is_enough = True
    n = LONG(len(link))
    while row < n and is_enough:
        best[:] = NEVER
        if link[row] != NONE:
            gap = (whole[GAP_MS, row] << 32) + LONG(np.floor(real[GAP_M, row] * 1000.0))
            is_enough = _find_one(
                links, LONG(link[row]), real[SHARE, row], whole[FORWARD_MS, row], whole[BACKWARD_MS, row],
                gap, own_first, own_entry, own_mm, on_link, on_share, bucket_first, bucket_entry, bucket_mm,
                open_first, open_ms, close_ms, step, low, stamp + row, best,
            )  # fmt: skip
        _tell(low, best, row, facility, cost_ms, length_mm)
        row += 1
    return row if is_enough else row - 1


@njit(cache=True, nogil=True)
def nearest_to_point(
    xy: IntArray, along_m: FloatArray, point_link: IntArray, links: IntArray, first: IntArray,
    segment: IntArray, frame: FloatArray, own_first: LongArray, own_entry: LongArray, own_mm: IntArray,
    on_link: LongArray, on_share: FloatArray, bucket_first: LongArray, bucket_entry: LongArray,
    bucket_mm: IntArray, open_first: IntArray, open_ms: LongArray, close_ms: LongArray, step: int,
    low: LongArray, stamp: int, lon: float, lat: float, found: LongArray,
) -> bool:  # fmt: skip
    """
    Snap one point and find its k nearest facilities, all in one call.

    Parameters
    ----------
    xy
        As in `Ground`.
    along_m
        As in `Ground`.
    point_link
        As in `Ground`.
    links
        As in `Ground`.
    first
        As in `Ground`.
    segment
        As in `Ground`.
    frame
        As in `Ground`.
    own_first
        As in `find_nearest`.
    own_entry
        As in `find_nearest`.
    own_mm
        As in `find_nearest`.
    on_link
        As in `find_nearest`.
    on_share
        As in `find_nearest`.
    bucket_first
        As in `find_nearest`.
    bucket_entry
        As in `find_nearest`.
    bucket_mm
        As in `find_nearest`.
    open_first
        As in `find_nearest`.
    open_ms
        As in `find_nearest`.
    close_ms
        As in `find_nearest`.
    step
        As in `find_nearest`.
    low
        As in `find_nearest`.
    stamp
        A fresh stamp.
    lon
        Degrees.
    lat
        Degrees.
    found
        Filled in: facilities, costs and lengths, -1 where there is none, shape ``(3, k)``.

    Returns
    -------
    is_found
        False if the point is not on the globe, or too much that is near is closed.
    """
    is_found = is_on_globe(lon, lat)
    best = found[1]
    best[:] = NEVER
    if is_found:
        foot = find_foot(xy, along_m, point_link, links, first, segment, frame, lon, lat)
        link, share, _, _, gap_m, forward_ms, backward_ms, gap_ms = foot
        if link != NONE:
            is_found = _find_one(
                links, link, share, forward_ms, backward_ms, (gap_ms << 32) + LONG(np.floor(gap_m * 1000.0)),
                own_first, own_entry, own_mm, on_link, on_share, bucket_first, bucket_entry, bucket_mm,
                open_first, open_ms, close_ms, step, low, stamp, best,
            )  # fmt: skip
    for i in range(len(best)):
        is_none = best[i] == NEVER
        f = LONG(NONE) if is_none else best[i] & LOW_MASK
        found[0, i] = f
        found[2, i] = UNREACHED if is_none else low[f, KEY] & LOW_MASK
        found[1, i] = UNREACHED if is_none else best[i] >> 32
    return is_found


@njit(cache=True, nogil=True)
def find_listed(
    link: IntArray, real: FloatArray, whole: LongArray, links: IntArray, own_first: LongArray,
    own_entry: LongArray, own_mm: IntArray, edge_key: LongArray, first: LongArray, entry: LongArray,
    mm: IntArray, target_at: LongArray, target_turn: FloatArray, rows: LongArray, open_first: IntArray,
    open_ms: LongArray, close_ms: LongArray, step: int, low: LongArray, board: LongArray, row: int, end: int,
    k: int, facility: IntArray, cost_ms: LongArray, length_mm: LongArray,
) -> None:  # fmt: skip
    """
    Find the k nearest facilities of origins by looking at all, one by one.

    For facilities that were not prepared, for more than `FEW` of them, and where buckets hold too much
    that is closed.

    Parameters
    ----------
    link
        As in `find_nearest`.
    real
        As in `find_nearest`.
    whole
        As in `find_nearest`.
    links
        As in `find_nearest`.
    own_first
        As in `find_nearest`.
    own_entry
        As in `find_nearest`.
    own_mm
        As in `find_nearest`.
    edge_key
        Key of each edge.
    first
        Offsets of backward labels.
    entry
        Their entries.
    mm
        Their lengths.
    target_at
        Hooks of facilities, to be arrived at.
    target_turn
        Their turns.
    rows
        Which facilities.
    open_first
        As in `find_nearest`.
    open_ms
        As in `find_nearest`.
    close_ms
        As in `find_nearest`.
    step
        As in `find_nearest`.
    low
        As in `find_nearest`; stamps are left alone.
    board
        Of this thread's desk.
    row
        Origin to begin with.
    end
        Origin to end before.
    k
        How many, no more than there are columns.
    facility
        Filled in.
    cost_ms
        Filled in.
    length_mm
        Filled in.
    """
    at = np.empty((1, 2, 3), dtype=np.int64)
    turn = np.empty((1, 2))
    best = np.empty(k, dtype=np.int64)
    for i in range(row, end):
        _hang_origin(links, LONG(link[i]), real, whole, i, at, turn)
        lay_point(own_first, own_entry, own_mm, at, LONG(0), board)
        for j in range(k):
            best[j] = NEVER
        for f in rows:
            key = find_key(first, entry, mm, edge_key, at, turn, LONG(0), target_at, target_turn, f, board)
            if key != NEVER and _counts(open_first, open_ms, close_ms, f * step, key >> 32):
                low[f, KEY] = key
                _place(best, (key >> 32 << 32) | f)
        _tell(low, best, i, facility, cost_ms, length_mm)
        wipe_point(own_first, own_entry, at, LONG(0), board)


@njit(cache=True, nogil=True)
def _place(best: LongArray, candidate: int) -> None:
    """Put a candidate that is not among the best yet in its place, if it has one."""
    at = len(best) - 1
    if candidate < best[at]:
        while at > 0 and best[at - 1] > candidate:
            best[at] = best[at - 1]
            at -= 1
        best[at] = candidate
