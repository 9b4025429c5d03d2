"""The nearest facilities of some points: from labels and buckets where there are, else by a search."""

from typing import Any

import numpy as np

from geo_service.engine.constants import CHUNK, FEW, LOW_MASK, NEVER, NO_CUTOFF, NONE, UNREACHED
from geo_service.engine.dijkstra import Nearest, Windows, nothing_found, search
from geo_service.engine.facilities import Stand
from geo_service.engine.join import RANK
from geo_service.engine.scan import (
    find_listed,
    find_nearest,
    find_nearest_timed,
    nearest_to_node,
    nearest_to_nodes,
)
from geo_service.engine.snap import Snaps
from geo_service.engine.works import ALWAYS, Works, hang_nodes
from geo_service.network.graph import IntArray, LongArray

_INT, _LONG = np.dtype(np.int32), np.dtype(np.int64)


def find_by_labels(works: Works, origins: Snaps, stand: Stand, k: int, windows: Windows | None) -> Nearest:
    """
    The k nearest, by one call of a kernel that hangs, scans and tells.

    Parameters
    ----------
    works
        Streets and labels.
    origins
        Where to start.
    stand
        What to look for.
    k
        How many.
    windows
        When facilities count; always, if none.

    Returns
    -------
    nearest
        Padded to k.
    """
    _, _, link, share, forward_ms, backward_ms, _, _, gap_m, gap_ms = origins
    n, desk = len(link), works.own.desk(len(stand.snaps.link))
    found = Nearest(np.empty((n, k), _INT), np.empty((n, k), _LONG), np.empty((n, k), _LONG))
    fewer = min(k, max(len(stand.snaps.link), 1))
    packed = works.packed
    if not works.need_index("this").has_labels:
        forward = works.labels_of(works.hook(works.hang(origins, is_left=True)).at, is_back=False)
        backward = works.labels_of(stand.arrive.at[stand.rows], is_back=True)
        packed = (*packed[:2], tuple(forward), tuple(backward))
    asked: tuple[Any, ...] = (
        (link, share, forward_ms, backward_ms, gap_m, gap_ms), packed, stand.packed, desk.board, fewer,
        *works.own.hooks(n), *found,
    )  # fmt: skip
    if windows is None:
        is_quick = fewer <= FEW and len(stand.buckets.first) > 0
        ask: Any = find_nearest if is_quick else find_listed
        ask(*asked)
    else:
        ask = find_nearest_timed
        ask(*asked, tuple(windows), desk.clock, desk.seen)
    return found


def find_by_search(works: Works, origins: Snaps, stand: Stand, k: int, windows: Windows | None) -> Nearest:
    """
    The k nearest, by searching the streets.

    Parameters
    ----------
    works
        Streets.
    origins
        Where to start.
    stand
        What to look for.
    k
        How many.
    windows
        When facilities count; always, if none.

    Returns
    -------
    nearest
        Padded to k.
    """
    n_facilities = len(stand.snaps.link)
    sources, found = works.hang(origins, is_left=True), nothing_found(len(origins.link), k)
    cutoff_ms = NO_CUTOFF if windows is None else int(windows.close_ms.max(initial=0)) - 1
    search(
        works.forward, sources, stand.targets, windows or ALWAYS, min(k, max(n_facilities, 1)),
        min(cutoff_ms, NO_CUTOFF), works.own.work(n_facilities), found,
    )  # fmt: skip
    return found


def find_from_nodes(works: Works, nodes: LongArray, stand: Stand, k: int) -> tuple[IntArray, LongArray]:
    """
    The k nearest of many nodes, by labels.

    Parameters
    ----------
    works
        Streets and labels.
    nodes
        Where to start.
    stand
        What to look for.
    k
        How many.

    Returns
    -------
    found
        Rows of facilities, and their costs in milliseconds; -1 where there is none, each ``(n, k)``.
    """
    rank = works.need_index("nearest_nodes").hierarchy.rank
    best = np.empty((len(nodes), k), dtype=np.int64)
    for begin in range(0, len(nodes), CHUNK):
        some = nodes[begin : begin + CHUNK]
        forward = works.labels_of(works.hook(hang_nodes(some)).at, is_back=False)
        nearest_to_nodes(rank, forward, stand.buckets, some, best[begin : begin + CHUNK])
    is_none = best == NEVER
    facility = np.where(is_none, NONE, best & LOW_MASK).astype(np.int32)
    return facility, np.where(is_none, UNREACHED, best >> 32)


def find_from_node(works: Works, node: int, stand: Stand, k: int) -> LongArray:
    """
    The k nearest of one node, by labels made for it.

    Parameters
    ----------
    works
        Streets and hierarchy.
    node
        Where to start.
    stand
        What to look for.
    k
        How many.

    Returns
    -------
    found
        Rows of facilities, and their costs in milliseconds; -1 where there is none, shape ``(2, k)``.
    """
    rank = works.need_index("nearest_node").hierarchy.rank
    start, _ = works.own.pair
    start.at[0, 0, RANK] = rank[node]
    forward = works.labels_of(start.at, is_back=False)
    ask: Any = nearest_to_node
    found: LongArray = ask(
        rank, forward.first, forward.entry, stand.buckets.first, stand.buckets.entry, node, k
    )
    return found
