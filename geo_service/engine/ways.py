"""The fastest way between two points or nodes, found and drawn."""

from typing import Any

import numpy as np

from geo_service.engine.constants import LOW_MASK, NEVER, NO_CUTOFF, NONE
from geo_service.engine.dijkstra import Ends, nothing_found, search
from geo_service.engine.direct import Direct
from geo_service.engine.join import RANK
from geo_service.engine.lines import freeze
from geo_service.engine.path import Path, Way, build_path, follow
from geo_service.engine.snap import Snaps
from geo_service.engine.trace import trace, trace_nodes
from geo_service.engine.unpack import EDGE, unpack
from geo_service.engine.works import ALWAYS, Works

_NO_GAPS = freeze(np.zeros(2, dtype=np.int64))
"""A way between nodes has none."""

_trace_way, _trace_nodes, _unpack = Direct(trace), Direct(trace_nodes), Direct(unpack)


def find_path(works: Works, origin: Snaps, destination: Snaps) -> Path | None:
    """
    The fastest way between two points.

    Parameters
    ----------
    works
        Streets, and labels if there are.
    origin
        One point on a street.
    destination
        One point on a street.

    Returns
    -------
    path
        None if no way leads there.
    """
    ends = (works.hang(origin, is_left=True), works.hang(destination, is_left=False))
    way = _search(works, *ends) if works.index is None else _trace(works, *ends)
    if way is None:
        return None
    points = (origin, destination)
    return build_path(works.forward, works.lines, works.edge_link, points, ends, way)


def find_path_of_nodes(works: Works, tail: int, head: int) -> Path | None:
    """
    The fastest way between two nodes, by labels.

    Parameters
    ----------
    works
        Streets and labels.
    tail
        Where to start.
    head
        Where to end.

    Returns
    -------
    path
        Whole edges, no gaps; none if no way leads there.
    """
    own = works.own
    asked = own.asked_way or _ask(works, tail, head)
    key, n, n_points = _trace_nodes.call(*asked, tail, head)
    if key == NEVER:
        return None
    _, _, _, edge, ms, mm, first_point, lonlat = own.trail
    return Path(
        key >> 32, key & LOW_MASK, edge[:n].copy(), ms[:n].copy(), mm[:n].copy(), lonlat[:n_points].copy(),
        first_point[: n + 1].copy(), _NO_GAPS, _NO_GAPS,
    )  # fmt: skip


def _ask(works: Works, tail: int, head: int) -> tuple[Any, ...]:
    """What a way between two nodes is asked with: of this thread, and, if labels are made, of this question."""
    index, own = works.need_index("route_nodes"), works.own
    rank, (start, end) = index.hierarchy.rank, own.pair
    start.at[0, 0, RANK], end.at[0, 0, RANK] = rank[tail], rank[head]
    asked = (
        rank, works.node_lonlat, *works.shape, *works.trace_between(start.at, end.at), works.edge_key, *start,
        *end, own.desk(0).board, *own.trail,
    )  # fmt: skip
    if index.has_labels:
        own.asked_way = asked
    return asked


def _search(works: Works, sources: Ends, targets: Ends) -> Way | None:
    work, found = works.own.work(1), nothing_found(1, 1)
    search(works.forward, sources, targets, ALWAYS, 1, NO_CUTOFF, work, found)
    return None if found.facility[0, 0] == NONE else follow(work, works.forward, sources, targets)


def _trace(works: Works, sources: Ends, targets: Ends) -> Way | None:
    left, arrived, trail, shape = works.hook(sources), works.hook(targets), works.own.trail, works.shape
    key, slot, side, n_arcs = _trace_way.call(
        *works.trace_between(left.at, arrived.at), works.edge_key, *left, *arrived, works.own.desk(0).board,
        trail.queue,
    )  # fmt: skip
    if key == NEVER:
        return None
    n_edges = _unpack.call(shape.code, shape.half, trail.queue, n_arcs, trail.stack, trail.way)
    return Way(key >> 32, key & LOW_MASK, slot, side, shape.leaf[trail.way[:n_edges], EDGE])
