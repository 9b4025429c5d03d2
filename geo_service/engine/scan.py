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

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.buckets import PLACE, RESTS
from geo_service.engine.compiling import inner
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
from geo_service.engine.fetch import fetch
from geo_service.engine.kit import Kit
from geo_service.engine.lines import LENGTH_MM, TAIL_RANK, WEIGHT
from geo_service.engine.snap import BACKWARD_MS, FORWARD_MS, GAP_M, GAP_MS, SHARE, find_foot, is_on_globe
from geo_service.network.graph import FloatArray, IntArray, LongArray

ASKED = 8
"""As many hubs of a label are asked for beforehand: a line of it."""

STAMP, KEY = range(2)
"""Columns of what is known of a facility: origin it belongs to, least key to it so far."""


class Clock(NamedTuple):
    """
    How windows are read.

    Parameters
    ----------
    step
        1 if each facility has its own windows, 0 if all have those of the first.
    start_ms
        As in `Windows`.
    horizon_ms
        As in `Windows`.
    """

    step: int
    start_ms: int
    horizon_ms: int


class Foot(NamedTuple):
    """
    Where an origin stands.

    Parameters
    ----------
    link
        As in `Snaps`.
    share
        As in `Snaps`.
    forward_ms
        As in `Snaps`.
    backward_ms
        As in `Snaps`.
    gap
        Key of the gap.
    """

    link: int
    share: float
    forward_ms: int
    backward_ms: int
    gap: int


@inner
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
def scan(labels: Kit, buckets: Kit, r: int, best: LongArray) -> None:
    """
    Offer the facilities that the label of a node leads to.

    Parameters
    ----------
    labels
        Forward labels.
    buckets
        Of the facilities.
    r
        Rank of the node.
    best
        The k best so far, ascending, `NEVER` where there is none.
    """
    first, entry = labels.first, labels.entry
    bucket_first, bucket_entry = buckets.first, buckets.entry
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
def nearest_to_node(labels: Kit, buckets: Kit, node: int, found: LongArray) -> None:
    """
    The k nearest from a node.

    Parameters
    ----------
    labels
        Forward labels.
    buckets
        Of the facilities, with the rank of each node.
    node
        Where to start.
    found
        Filled in: facilities and their costs, -1 where there is none, shape ``(2, k)``.
    """
    best = found[1]
    for i in range(len(best)):
        best[i] = NEVER
    scan(labels, buckets, LONG(buckets.rank[node]), best)
    for i in range(len(best)):
        found[0, i] = best[i] & LOW_MASK if best[i] != NEVER else NONE
        found[1, i] = best[i] >> 32 if best[i] != NEVER else NONE


@njit(cache=True, nogil=True)
def nearest_to_nodes(
    labels: Kit, buckets: Kit, nodes: LongArray, facility: IntArray, cost_ms: LongArray
) -> None:
    """
    The k nearest from each of many nodes.

    Parameters
    ----------
    labels
        As in `nearest_to_node`.
    buckets
        As in `nearest_to_node`.
    nodes
        Where to start, shape ``(n,)``.
    facility
        Filled in, `NONE` where there is none left, shape ``(n, k)``.
    cost_ms
        Filled in, `UNREACHED` where there is none left, shape ``(n, k)``.
    """
    rank = buckets.rank
    for i in range(len(nodes)):
        best = cost_ms[i]
        best[:] = NEVER
        scan(labels, buckets, LONG(rank[nodes[i]]), best)
        for j in range(len(best)):
            is_none = best[j] == NEVER
            facility[i, j] = NONE if is_none else best[j] & LOW_MASK
            best[j] = UNREACHED if is_none else best[j] >> 32


@inner
def counts_in(windows: Kit, clock: Clock, f: int, cost_ms: int) -> bool:
    """
    Whether who arrives at that cost arrives in one of the windows.

    Parameters
    ----------
    windows
        As in `find_nearest`.
    clock
        How they are read.
    f
        The facility.
    cost_ms
        The whole cost of arriving.

    Returns
    -------
    counts
        True if the facility counts.
    """
    first = windows.first
    counts = False
    at_ms = cost_ms + clock.start_ms
    i = first[f * clock.step]
    end = first[f * clock.step + 1]
    while i < end and not counts:
        counts = (windows.open_ms[i] <= at_ms) & (at_ms < windows.close_ms[i])
        i += 1
    is_in: bool = counts and cost_ms < clock.horizon_ms
    return is_in


@inner
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


@inner
def _offer(windows: Kit, clock: Clock, low: LongArray, stamp: int, f: int, key: int, best: LongArray) -> bool:
    """Take note of a way no worse than what is known; say whether it took the facility out of the best."""
    is_known = low[f, STAMP] == stamp
    low[f, STAMP] = stamp
    low[f, KEY] = key
    if counts_in(windows, clock, f, key >> 32):
        _insert(best, (key >> 32 << 32) | f)
        is_known = False
    is_out: bool = is_known and _remove(best, f)
    return is_out


@inner
def _scan_slot(
    labels: Kit, buckets: Kit, r: int, rest: int, windows: Kit, clock: Clock, low: LongArray, stamp: int,
    best: LongArray, budget: int,
) -> tuple[int, bool]:  # fmt: skip
    """
    Offer the facilities that the label of one slot leads to.

    Give what is left of the budget, negative if it ran out, and whether anything must be looked for again.
    """
    first, entry, mm = labels.first, labels.entry, labels.mm
    bucket_first, bucket_entry, bucket_mm = buckets.first, buckets.entry, buckets.mm
    again = False
    worst = best[-1]
    for i in range(first[r], first[r + 1]):
        start = ((entry[i] >> 32) + (rest >> 32)) << 32
        if start > worst or budget < 0:
            break
        hub = (entry[i] >> VIA_BITS) & HUB_MASK
        length = mm[i] + (rest & LOW_MASK)
        for j in range(bucket_first[hub], bucket_first[hub + 1]):
            candidate = bucket_entry[j] + start
            if candidate > worst:
                break
            budget -= 1
            f = candidate & LOW_MASK
            key = (candidate >> 32 << 32) + length + bucket_mm[j]
            if low[f, STAMP] != stamp or key <= low[f, KEY]:
                again |= _offer(windows, clock, low, stamp, f, key, best)
                worst = best[-1]
    return budget, again


@inner
def _look_along(
    links: IntArray, foot: Foot, slot: int, start: int, buckets: Kit, windows: Kit, clock: Clock,
    low: LongArray, stamp: int, best: LongArray,
) -> bool:  # fmt: skip
    """Offer who stands farther along the link of the origin, in one direction; say whether to look again."""
    on_link, on_share, link = buckets.on_link, buckets.on_share, foot.link
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
        is_farther = on_share[begin] >= foot.share if slot == 0 else foot.share >= on_share[begin]
        key = start + rest - whole
        if rest != NEVER and is_farther and (low[f, STAMP] != stamp or key <= low[f, KEY]):
            again |= _offer(windows, clock, low, stamp, f, key, best)
        begin += 1
    return again


@inner
def _fetch_buckets(links: IntArray, link: int, labels: Kit, buckets: Kit) -> None:
    """Ask for what both slots of a link will read first: labels, then what stands where in the buckets, then those."""
    first, entry, bucket_first = labels.first, labels.entry, buckets.first
    for end in range(2):
        r = links[link, TAIL_RANK + end]
        fetch(entry, first[r])
        fetch(labels.mm, first[r])
    for end in range(2):
        r = links[link, TAIL_RANK + end]
        for i in range(first[r], min(first[r] + ASKED, first[r + 1])):
            fetch(bucket_first, (entry[i] >> VIA_BITS) & HUB_MASK)
    for end in range(2):
        r = links[link, TAIL_RANK + end]
        for i in range(first[r], min(first[r] + ASKED, first[r + 1])):
            begin = bucket_first[(entry[i] >> VIA_BITS) & HUB_MASK]
            fetch(buckets.entry, begin)
            fetch(buckets.mm, begin)


@inner
def _find_one(
    links: IntArray, foot: Foot, labels: Kit, buckets: Kit, windows: Kit, clock: Clock, low: LongArray,
    stamp: int, best: LongArray,
) -> bool:  # fmt: skip
    """
    Find the best of one origin on a link; say whether the budget sufficed.

    Each slot is left along its edge: to who stands farther along, and over the node at its end.
    """
    for i in range(len(best)):
        best[i] = NEVER
    budget = LONG(SCAN_PER_FACILITY) * (len(buckets.on_link) + FEW) if clock.step > 0 else LONG(NO_CUTOFF)
    again = foot.link != NONE
    if again:
        _fetch_buckets(links, foot.link, labels, buckets)
    while again and budget >= 0:
        again = False
        for slot in range(2):
            in_ms = foot.forward_ms if slot == 0 else foot.backward_ms
            end, edge, ms, mm, _ = hang_slot(links, foot.link, LONG(slot), foot.share, in_ms, LONG(1))
            start = foot.gap + (ms << 32) + mm
            if edge != NONE:
                again |= _look_along(
                    links, foot, LONG(slot), start, buckets, windows, clock, low, stamp, best
                )
            if end != NONE:
                r = LONG(links[foot.link, TAIL_RANK + end])
                budget, is_overturned = _scan_slot(
                    labels, buckets, r, start, windows, clock, low, stamp, best, budget
                )
                again |= is_overturned
    is_enough: bool = budget >= 0
    return is_enough


@inner
def foot_of(link: IntArray, real: FloatArray, whole: LongArray, row: int) -> Foot:
    """
    Where an origin stands that was snapped before.

    Parameters
    ----------
    link
        As in `Columns`.
    real
        As in `Columns`.
    whole
        As in `Columns`.
    row
        The origin.

    Returns
    -------
    foot
        The same.
    """
    gap = (whole[GAP_MS, row] << 32) + LONG(np.floor(real[GAP_M, row] * 1000.0))
    return Foot(LONG(link[row]), real[SHARE, row], whole[FORWARD_MS, row], whole[BACKWARD_MS, row], gap)


@inner
def tell_best(
    low: LongArray, best: LongArray, row: int, facility: IntArray, cost_ms: LongArray, length_mm: LongArray
) -> None:
    """
    Write the best of one origin into its row, with their lengths.

    Parameters
    ----------
    low
        As in `find_nearest`.
    best
        The best, ascending, `NEVER` where there is none.
    row
        The origin.
    facility
        Filled in.
    cost_ms
        Filled in.
    length_mm
        Filled in.
    """
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
    link: IntArray, real: FloatArray, whole: LongArray, links: IntArray, labels: Kit, buckets: Kit,
    windows: Kit, step: int, start_ms: int, horizon_ms: int, low: LongArray, stamp: int, row: int, k: int,
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
    labels
        Forward labels.
    buckets
        Of the facilities.
    windows
        As in `Windows`; those of one facility, if they hold for all.
    step
        As in `Clock`.
    start_ms
        As in `Clock`.
    horizon_ms
        As in `Clock`.
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
    best, clock = np.empty(k, dtype=np.int64), Clock(step, start_ms, horizon_ms)
    is_enough = True
    n = LONG(len(link))
    while row < n and is_enough:
        foot = foot_of(link, real, whole, row)
        is_enough = _find_one(links, foot, labels, buckets, windows, clock, low, stamp + row, best)
        tell_best(low, best, row, facility, cost_ms, length_mm)
        row += 1
    return row if is_enough else row - 1


@njit(cache=True, nogil=True)
def nearest_to_point(
    ground: Kit, labels: Kit, buckets: Kit, windows: Kit, step: int, start_ms: int, horizon_ms: int,
    low: LongArray, stamp: int, lon: float, lat: float, found: LongArray,
) -> bool:  # fmt: skip
    """
    Snap one point and find its k nearest facilities, all in one call.

    Parameters
    ----------
    ground
        As in `Ground`.
    labels
        As in `find_nearest`.
    buckets
        As in `find_nearest`.
    windows
        As in `find_nearest`.
    step
        As in `Clock`.
    start_ms
        As in `Clock`.
    horizon_ms
        As in `Clock`.
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
    if not is_on_globe(lon, lat):
        return False
    best, clock = found[1], Clock(step, start_ms, horizon_ms)
    link, share, _, _, gap_m, forward_ms, backward_ms, gap_ms = find_foot(ground, lon, lat)
    gap = (gap_ms << 32) + LONG(np.floor(gap_m * 1000.0))
    foot = Foot(link, share, forward_ms, backward_ms, gap)
    is_found: bool = _find_one(ground.link, foot, labels, buckets, windows, clock, low, stamp, best)
    for i in range(len(best)):
        is_none = best[i] == NEVER
        f = LONG(NONE) if is_none else best[i] & LOW_MASK
        found[0, i] = f
        found[2, i] = UNREACHED if is_none else low[f, KEY] & LOW_MASK
        found[1, i] = UNREACHED if is_none else best[i] >> 32
    return is_found
