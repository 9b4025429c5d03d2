"""The fastest way between two points or nodes, found and drawn."""

import numpy as np

from geo_service.engine.constants import LOW_MASK, NEVER, NO_CUTOFF, NONE
from geo_service.engine.dijkstra import Ends, nothing_found, search
from geo_service.engine.direct import Direct
from geo_service.engine.join import Hooks
from geo_service.engine.lines import freeze
from geo_service.engine.path import Path, Way, build_path, draw_edges, follow, lay_edges
from geo_service.engine.snap import Snaps
from geo_service.engine.trace import trace
from geo_service.engine.works import ALWAYS, Works

_NO_GAPS = freeze(np.zeros(2, dtype=np.int64))
"""A way between nodes has none."""

_trace_way, _lay_edges, _draw_edges = Direct(trace), Direct(lay_edges), Direct(draw_edges)


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
    index = works.need_index("route_nodes")
    rank, trail, (start, end) = index.hierarchy.rank, works.own.trail, works.own.pair
    start.at[0, 0, 0], end.at[0, 0, 0] = rank[tail], rank[head]
    key, _, _, n = _meet(works, start, end)
    if key == NEVER:
        return None
    edge, costs, first_point = trail.edge[:n].copy(), np.empty((2, n), np.int64), np.empty(n + 1, np.int32)
    drawn, points = works.drawn
    lonlat = np.empty((_lay_edges.call(drawn, edge, costs, first_point), 2))
    _draw_edges.call(drawn, points, works.node_lonlat, edge, tail, head, lonlat)
    return Path(key >> 32, key & LOW_MASK, edge, costs[0], costs[1], lonlat, first_point, _NO_GAPS, _NO_GAPS)


def _search(works: Works, sources: Ends, targets: Ends) -> Way | None:
    work, found = works.own.work(1), nothing_found(1, 1)
    search(works.forward, sources, targets, ALWAYS, 1, NO_CUTOFF, work, found)
    return None if found.facility[0, 0] == NONE else follow(work, works.forward, sources, targets)


def _trace(works: Works, sources: Ends, targets: Ends) -> Way | None:
    key, slot, side, n_edges = _meet(works, works.hook(sources), works.hook(targets))
    edge = works.own.trail.edge[:n_edges]
    return None if key == NEVER else Way(key >> 32, key & LOW_MASK, slot, side, edge)


def _meet(works: Works, sources: Hooks, targets: Hooks) -> tuple[int, int, int, int]:
    """What `trace` tells, by labels that are there or made for it."""
    met: tuple[int, int, int, int] = _trace_way.call(
        *works.trace_between(sources.at, targets.at), works.edge_key, sources, targets,
        works.own.desk(0).board, *works.own.trail,
    )  # fmt: skip
    return met
