"""The fastest way between two points or nodes, found and drawn."""

import numpy as np

from geo_service.engine.constants import LOW_MASK, NEVER, NO_CUTOFF, NONE
from geo_service.engine.dijkstra import Ends, nothing_found, search
from geo_service.engine.direct import Direct
from geo_service.engine.join import RANK
from geo_service.engine.kit import Kit
from geo_service.engine.lines import freeze
from geo_service.engine.path import Path, Way, build_path, follow
from geo_service.engine.snap import Snaps
from geo_service.engine.trace import trace, trace_nodes
from geo_service.engine.works import ALWAYS, Works

_NO_GAPS = freeze(np.zeros(2, dtype=np.int64))
"""A way between nodes has none."""

_trace_way, _trace_nodes = Direct(trace), Direct(trace_nodes)


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
    leave, arrive = works.label_kits or _make_labels(works, tail, head)
    key, piece, lonlat = _trace_nodes.call(works.chart, leave, arrive, works.own.trail, tail, head)
    return None if key == NEVER else Path(key >> 32, key & LOW_MASK, piece, lonlat, _NO_GAPS, _NO_GAPS)


def _make_labels(works: Works, tail: int, head: int) -> tuple[Kit, Kit]:
    """Labels made for a way between two nodes."""
    rank, (start, end) = works.need_index("route_nodes").hierarchy.rank, works.own.pair
    start.at[0, 0, RANK], end.at[0, 0, RANK] = rank[tail], rank[head]
    return works.label_kit(start.at, is_back=False), works.label_kit(end.at, is_back=True)


def _search(works: Works, sources: Ends, targets: Ends) -> Way | None:
    work, found = works.own.work(1), nothing_found(1, 1)
    search(works.forward, sources, targets, ALWAYS, 1, NO_CUTOFF, work, found)
    return None if found.facility[0, 0] == NONE else follow(work, works.forward, sources, targets)


def _trace(works: Works, sources: Ends, targets: Ends) -> Way | None:
    left, arrived = works.hook(sources), works.hook(targets)
    leave, arrive = works.label_kit(left.at, is_back=False), works.label_kit(arrived.at, is_back=True)
    key, slot, side, edge = _trace_way.call(works.chart, leave, arrive, works.own.trail, *left, *arrived)
    return None if key == NEVER else Way(key >> 32, key & LOW_MASK, slot, side, edge)
