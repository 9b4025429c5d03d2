"""
Costs between many points: label by label on the board, from a sweep over all nodes, and straight along links.

What is written are keys, cost and length in one number, or costs alone where a matrix has no use for lengths.
"""

import numpy as np
from numba import njit

from geo_service.engine.constants import LOW_MASK, NEVER, NONE
from geo_service.engine.join import RANK, SUM, Desk, Hooks, find_key, go_straight, lay_point, wipe_point
from geo_service.engine.labels import Labels
from geo_service.network.graph import IntArray, LongArray


@njit(cache=True, nogil=True)
def join_all(
    forward: Labels,
    backward: Labels,
    edge_key: LongArray,
    sources: Hooks,
    targets: Hooks,
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
    edge_key
        Key of each edge.
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
    first, entry, mm = backward.first, backward.entry, backward.mm
    source_at, source_turn = sources.at, sources.turn
    target_at, target_turn = targets.at, targets.turn
    for row in range(len(source_at)):
        lay_point(forward.first, forward.entry, forward.mm, source_at, row, board)
        for j in range(len(rows)):
            keys[row, j] = find_key(
                first, entry, mm, edge_key, source_at, source_turn, row, target_at, target_turn, rows[j],
                board,
            )  # fmt: skip
        wipe_point(forward.first, forward.entry, source_at, row, board)


@njit(cache=True, nogil=True)
def read_keys(
    edge_key: LongArray, sources: Hooks, row: int, targets: Hooks, rows: LongArray, value: LongArray,
    keys: LongArray,
) -> None:  # fmt: skip
    """
    Keys from one origin to some destinations, where those to all nodes are known.

    Parameters
    ----------
    edge_key
        Key of each edge.
    sources
        How origins hang.
    row
        The origin.
    targets
        How destinations hang.
    rows
        Which destinations, ``m`` of them.
    value
        Key of the best way to each rank, `NEVER` where no way leads.
    keys
        Filled in, `NEVER` where no way leads, shape ``(m,)``.
    """
    for j in range(len(rows)):
        f = rows[j]
        best, _ = go_straight(edge_key, sources.at, sources.turn, row, targets.at, targets.turn, f)
        for slot in range(2):
            r = targets.at[f, slot, RANK]
            if r != NONE and value[r] != NEVER:
                best = min(best, value[r] + targets.at[f, slot, SUM])
        keys[j] = best


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
    edge_key: LongArray,
    sources: Hooks,
    links: IntArray,
    targets: Hooks,
    on_link: IntArray,
    order: LongArray,
    cost_ms: LongArray,
) -> None:
    """
    Better the costs between points on one link by the way straight along it.

    Parameters
    ----------
    edge_key
        Key of each edge.
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
        at = np.searchsorted(on_link, links[row])
        while links[row] != NONE and at < len(on_link) and on_link[at] == links[row]:
            f = order[at]
            key, _ = go_straight(edge_key, sources.at, sources.turn, row, targets.at, targets.turn, f)
            if key != NEVER and (cost_ms[row, f] < 0 or key >> 32 < cost_ms[row, f]):
                cost_ms[row, f] = key >> 32
            at += 1
