"""Costs between many points, and of all nodes, by the cheapest way: swept, joined label by label, or searched."""

import numpy as np

from geo_service.engine.constants import FEW_ROWS, NEVER, NO_CUTOFF, NODES_PER_CLIMB, NONE, UNREACHED
from geo_service.engine.dijkstra import Ends, nothing_found, search
from geo_service.engine.facilities import Stand
from geo_service.engine.join import Hooks, lay_point
from geo_service.engine.snap import Snaps
from geo_service.engine.sweep import Coverage, cover, fill_matrix, sweep_keys
from geo_service.engine.tables import join_all, read_keys, split_keys, straighten
from geo_service.engine.what_if import cover_by_search
from geo_service.engine.works import ALWAYS, Works
from geo_service.network.graph import LongArray


def costs_between(
    works: Works, sources: Ends, targets: Ends, rows: LongArray, *, is_back: bool
) -> tuple[LongArray, LongArray]:
    """
    Costs and lengths from each source to some targets, or the other way.

    Parameters
    ----------
    works
        Streets and labels.
    sources
        How ``n`` points hang.
    targets
        How the others hang.
    rows
        Which of the targets, ``m`` of them.
    is_back
        From the targets to the sources instead.

    Returns
    -------
    costs
        Costs and lengths, `UNREACHED` where no way leads, each ``(n, m)``.
    """
    n, m = len(sources.gap_ms), len(targets.gap_ms)
    if works.index is not None:
        keys = _join(works, works.hook(sources), works.hook(targets), rows, is_back=is_back)
        cost_ms, length_mm = np.full((2, keys.size), UNREACHED, dtype=np.int64)
        split_keys(keys.ravel(), cost_ms, length_mm)
        return cost_ms.reshape(keys.shape), length_mm.reshape(keys.shape)
    found, streets = nothing_found(n, max(m, 1)), works.backward if is_back else works.forward
    search(streets, sources, targets, ALWAYS, max(m, 1), NO_CUTOFF, works.own.work(m), found)
    cost_ms, length_mm = np.full((2, n, m), UNREACHED, dtype=np.int64)
    row, column = np.nonzero(found.facility != NONE)
    facility = found.facility[row, column]
    cost_ms[row, facility] = found.cost_ms[row, column]
    length_mm[row, facility] = found.length_mm[row, column]
    return cost_ms[:, rows], length_mm[:, rows]


def _join(works: Works, near: Hooks, far: Hooks, rows: LongArray, *, is_back: bool) -> LongArray:
    """Keys by labels; where those of many destinations would have to be made, all nodes are swept instead."""
    index = works.need_index("this")
    keys = np.empty((len(near.at), len(rows)), dtype=np.int64)
    own, desk = works.labels_of(near.at, is_back=is_back), works.own.desk(0)
    if index.has_labels or len(rows) < rows_to_sweep(works.network.n_nodes):
        other = works.labels_of(far.at[rows], is_back=not is_back)
        join_all(own, other, works.edge_key, near, far, rows, desk, keys)
        return keys
    arcs = index.hierarchy.up if is_back else index.hierarchy.down
    for row in range(len(near.at)):
        desk.value[:] = NEVER
        lay_point(own.first, own.entry, own.mm, near.at, row, desk.value)
        sweep_keys(arcs.first, arcs.end, arcs.ms, arcs.mm, desk.value)
        read_keys(works.edge_key, near, row, far, rows, desk.value, keys[row])
    return keys


def rows_to_sweep(n_nodes: int) -> int:
    """
    From how many destinations on, without labels, all nodes are swept at once.

    Parameters
    ----------
    n_nodes
        Nodes of the network.

    Returns
    -------
    n_rows
        As many searches up the hierarchy take longer than a sweep.
    """
    return max(FEW_ROWS, n_nodes // NODES_PER_CLIMB) + 1


def cost_matrix(works: Works, origins: Snaps, destinations: Snaps, left: Ends, arrived: Ends) -> LongArray:
    """
    Costs from every origin to every destination, gaps included.

    Parameters
    ----------
    works
        Streets and labels.
    origins
        Points, ``n`` of them.
    destinations
        Points, ``m`` of them.
    left
        How the origins hang.
    arrived
        How the destinations hang.

    Returns
    -------
    cost_ms
        Shape ``(n, m)``; `UNREACHED` where no way leads or a point has no link.
    """
    n, m = len(origins.link), len(destinations.link)
    cost_ms = np.empty((n, m), dtype=np.int64)
    if works.index is not None and min(n, m) > FEW_ROWS:
        hierarchy = works.index.hierarchy
        sources, targets = works.hook(left), works.hook(arrived)
        labels = works.labels_of(sources.at, is_back=False)
        fill_matrix(hierarchy.down, labels, sources.at, targets.at, cost_ms)
        order = np.argsort(destinations.link, kind="stable")
        on_link = destinations.link[order]
        straighten(works.edge_key, sources, origins.link, targets, on_link, order, cost_ms)
    elif n and m:
        is_back = m < n
        near, far = (arrived, left) if is_back else (left, arrived)
        costs, _ = costs_between(works, near, far, np.arange(max(n, m)), is_back=is_back)
        cost_ms[:] = costs.T if is_back else costs
    return cost_ms


def cover_nodes(works: Works, stand: Stand) -> Coverage:
    """
    The nearest facility of every node.

    Parameters
    ----------
    works
        Streets, and labels if there are.
    stand
        What to look for.

    Returns
    -------
    coverage
        By node; the gap at the facility is counted.
    """
    n = works.network.n_nodes
    cost_ms, facility = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int32)
    if works.index is None:
        cover_by_search(works.backward, stand.targets, stand.rows, works.own.spread, cost_ms, facility)
    else:
        up, down = works.flat
        rank, value = works.index.hierarchy.rank, works.own.desk(0).value
        left = stand.buckets.first, stand.buckets.entry
        cover(up, down, rank, stand.arrive.at, stand.rows, *left, value, cost_ms, facility)
    return Coverage(cost_ms, facility)
