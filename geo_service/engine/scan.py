"""
The k nearest: the label of the origin against the buckets of the facilities.

A bucket holds, for one hub, what it costs from there to each facility, nearest first. The entries
of the origin's label are read nearest first too; both loops end where nothing can come before the
k-th best any more. Cost and facility are one number, ``cost << 32 | facility``, so that
equal costs come in the order of facilities.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

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
from geo_service.engine.dijkstra import Nearest, Windows
from geo_service.engine.join import RANK, SUM, Desk, Hooks, counts_at, find_key, lay_point, wipe_point
from geo_service.engine.labels import Labels
from geo_service.network.graph import ByteArray, FloatArray, IntArray, LongArray


class Buckets(NamedTuple):
    """
    What is left at hubs, and who stands on which link.

    Parameters
    ----------
    first
        Entries at hub ``h`` are ``first[h]:first[h + 1]``, shape ``(n + 1,)``.
    entry
        ``cost << 32 | facility``, ascending at each hub, gap and part-edge counted, shape ``(b,)``.
    link
        Link of each live facility, ascending, shape ``(l,)``.
    on_link
        The facility, shape ``(l,)``.
    """

    first: LongArray
    entry: LongArray
    link: IntArray
    on_link: LongArray


@njit(cache=True, nogil=True)
def _list_hubs(
    first: LongArray, entry: LongArray, at: LongArray, f: int, board: LongArray, hubs: LongArray
) -> int:
    """Lay what it costs from each hub to a facility on the board; list the hubs and give their number."""
    n_hubs: int = LONG(0)
    for slot in range(2):
        r = at[f, slot, RANK]
        if r == NONE:
            continue
        rest = at[f, slot, SUM] >> 32
        for i in range(first[r], first[r + 1]):
            hub = (entry[i] >> VIA_BITS) & HUB_MASK
            if board[hub] == NEVER:
                hubs[n_hubs] = hub
                n_hubs += 1
            board[hub] = min(board[hub], (entry[i] >> 32) + rest)
    return n_hubs


@njit(cache=True, nogil=True)
def fill_buckets(backward: Labels, at: LongArray, rows: LongArray, desk: Desk, first: LongArray) -> LongArray:
    """
    Leave the costs of some facilities at their hubs.

    Parameters
    ----------
    backward
        Labels against the direction of travel.
    at
        Hooks of facilities.
    rows
        Which of them.
    desk
        Of this thread.
    first
        Filled in: offsets of buckets, shape ``(n + 1,)``, zero before.

    Returns
    -------
    entry
        Entries of all buckets.
    """
    board = desk.board
    hubs = np.empty(len(board), dtype=np.int64)
    for f in rows:
        for j in range(_list_hubs(backward.first, backward.entry, at, f, board, hubs)):
            first[hubs[j] + 1] += 1
            board[hubs[j]] = NEVER
    for h in range(len(first) - 1):
        first[h + 1] += first[h]
    free = first[:-1].copy()
    entry = np.empty(first[-1], dtype=np.int64)
    for f in rows:
        for j in range(_list_hubs(backward.first, backward.entry, at, f, board, hubs)):
            hub = hubs[j]
            entry[free[hub]] = (board[hub] << 32) | f
            free[hub] += 1
            board[hub] = NEVER
    for h in range(len(first) - 1):
        if first[h + 1] - first[h] > 1:
            entry[first[h] : first[h + 1]].sort()
    return entry


@njit(cache=True, nogil=True)
def merge_buckets(
    old_first: LongArray,
    old_entry: LongArray,
    is_kept: ByteArray,
    new_first: LongArray,
    new_entry: LongArray,
    first: LongArray,
) -> LongArray:
    """
    Copy buckets without some facilities and with others; one pass, nothing is searched.

    Parameters
    ----------
    old_first
        Offsets of the buckets that stand.
    old_entry
        Their entries.
    is_kept
        Whether each facility they name stays.
    new_first
        Offsets of the buckets to add.
    new_entry
        Their entries.
    first
        Filled in: offsets of the merged buckets, shape ``(n + 1,)``.

    Returns
    -------
    entry
        Merged entries.
    """
    entry = np.empty(len(old_entry) + len(new_entry), dtype=np.int64)
    size = 0
    for h in range(len(first) - 1):
        first[h] = size
        j = new_first[h]
        for i in range(old_first[h], old_first[h + 1]):
            if is_kept[old_entry[i] & LOW_MASK] == 0:
                continue
            while j < new_first[h + 1] and new_entry[j] < old_entry[i]:
                entry[size] = new_entry[j]
                size += 1
                j += 1
            entry[size] = old_entry[i]
            size += 1
        while j < new_first[h + 1]:
            entry[size] = new_entry[j]
            size += 1
            j += 1
    first[-1] = size
    return entry[:size].copy()


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
            key = find_key(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, f, board
            )
            if counts_at(windows, f, key >> 32):
                worst = _insert(best, (key >> 32 << 32) | f)
    return budget


@njit(cache=True, nogil=True)
def _look_at(
    first: LongArray, entry: LongArray, mm: IntArray, edge_key: LongArray, source_at: LongArray,
    source_turn: FloatArray, row: int, target_at: LongArray, target_turn: FloatArray, rows: LongArray,
    windows: Windows, board: LongArray, seen: LongArray, stamp: int, best: LongArray,
) -> None:  # fmt: skip
    """Offer facilities by their exact cost, one by one."""
    k = len(best)
    for f in rows:
        seen[f] = stamp
        key = find_key(
            first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, f, board
        )
        candidate = (key >> 32 << 32) | f
        if key == NEVER or candidate >= best[k - 1] or not counts_at(windows, f, key >> 32):
            continue
        at = np.searchsorted(best, candidate)
        for i in range(k - 1, at, -1):
            best[i] = best[i - 1]
        best[at] = candidate


@njit(cache=True, nogil=True)
def find_nearest(
    forward: Labels, backward: Labels, edge_key: LongArray, sources: Hooks, links: IntArray, targets: Hooks,
    rows: LongArray, buckets: Buckets, windows: Windows, k: int, desk: Desk, found: Nearest,
) -> None:  # fmt: skip
    """
    Find the k nearest facilities of each origin that count on arrival.

    Buckets are scanned with a budget; where it runs out, because all that is near is closed, and where
    more than `FEW` are asked for, the facilities are looked at one by one.

    Parameters
    ----------
    forward
        Labels of the direction of travel.
    backward
        Labels of the other one.
    edge_key
        Key of each edge.
    sources
        How origins hang.
    links
        Their links.
    targets
        How facilities hang.
    rows
        Those of them that live.
    buckets
        What they left at hubs; without any, all are looked at one by one.
    windows
        When facilities count; with an empty ``first`` always.
    k
        How many, no more than there are columns.
    desk
        Of this thread.
    found
        Filled in.
    """
    own_first, own_entry, own_mm = forward.first, forward.entry, forward.mm
    first, entry, mm = backward.first, backward.entry, backward.mm
    source_at, source_turn = sources.at, sources.turn
    target_at, target_turn = targets.at, targets.turn
    board, seen = desk.board, desk.seen
    is_always = len(windows.first) == 0
    best = np.empty(k, dtype=np.int64)
    found.facility[:] = NONE
    found.cost_ms[:] = UNREACHED
    found.length_mm[:] = UNREACHED
    for row in range(len(source_at)):
        desk.clock[0] += 1
        stamp = desk.clock[0]
        lay_point(own_first, own_entry, own_mm, source_at, row, board)
        best[:] = NEVER
        budget: int = LONG(-1)
        if k <= FEW and len(buckets.first) > 0:
            budget = LONG(SCAN_PER_FACILITY) * (len(rows) + FEW)
            low = np.searchsorted(buckets.link, links[row])
            high = low
            while high < len(buckets.link) and buckets.link[high] == links[row]:
                high += 1
            if high > low:
                _look_at(
                    first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn,
                    buckets.on_link[low:high], windows, board, seen, stamp, best,
                )  # fmt: skip
            for slot in range(2):
                r = source_at[row, slot, RANK]
                if r == NONE or budget < 0:
                    continue
                if is_always:
                    ms = source_at[row, slot, SUM] >> 32
                    scan(own_first, own_entry, buckets.first, buckets.entry, r, ms, best)
                else:
                    budget = _scan_timed(
                        own_first, own_entry, first, entry, mm, edge_key, source_at, source_turn, row,
                        LONG(slot), target_at, target_turn, buckets.first, buckets.entry, windows, board,
                        seen, stamp, best, budget,
                    )  # fmt: skip
        if budget < 0:
            best[:] = NEVER
            _look_at(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn,
                rows, windows, board, seen, stamp, best,
            )  # fmt: skip
        for i in range(k):
            if best[i] == NEVER:
                break
            f = best[i] & LOW_MASK
            key = find_key(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, f, board
            )
            found.facility[row, i] = f
            found.cost_ms[row, i] = key >> 32
            found.length_mm[row, i] = key & LOW_MASK
        wipe_point(own_first, own_entry, source_at, row, board)
