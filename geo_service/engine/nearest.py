"""The nearest facilities of some points: from labels and buckets where there are, else by a search."""

from typing import Final

import numpy as np

from geo_service.engine.constants import CHUNK, FEW, NO_CUTOFF
from geo_service.engine.dijkstra import Nearest, Windows, nothing_found, search
from geo_service.engine.direct import Direct
from geo_service.engine.facilities import Stand
from geo_service.engine.join import RANK
from geo_service.engine.kit import Kit
from geo_service.engine.listed import find_listed
from geo_service.engine.scan import (
    find_nearest,
    nearest_to_node,
    nearest_to_nodes,
    nearest_to_point,
)
from geo_service.engine.snap import Snaps
from geo_service.engine.works import ALWAYS, Works, hang_nodes
from geo_service.network.graph import IntArray, LongArray

_INT: Final = np.dtype(np.int32)
_LONG: Final = np.dtype(np.int64)

_ALWAYS = Kit(first=np.array([0, 1], _INT), open_ms=np.zeros(1, _LONG), close_ms=np.full(1, NO_CUTOFF, _LONG))
"""The windows of all facilities, if none are given."""

_find_nearest, _find_listed = Direct(find_nearest), Direct(find_listed)
_nearest_to_point, _nearest_to_node = Direct(nearest_to_point), Direct(nearest_to_node)
_nearest_to_nodes = Direct(nearest_to_nodes)


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
    columns, own, n_facilities = works.columns(origins), works.own, len(stand.arrive.at)
    n = len(columns.link)
    found = Nearest(np.empty((n, k), _INT), np.empty((n, k), _LONG), np.empty((n, k), _LONG))
    low, stamp, wanted = own.low(n_facilities, n), own.stamp, min(k, max(n_facilities, 1))
    opened, links, backward = _open(works, n_facilities, windows), works.lines.link, None
    if works.label_kits is None:
        forward = works.label_kit(works.hook(works.hang(origins, is_left=True)).at, is_back=False)
    else:
        forward = works.label_kits[0]
    row = 0
    while row < n:
        end = n
        if wanted <= FEW and stand.kit is not None:
            row = _find_nearest.call(
                *columns, links, forward, stand.kit, *opened, low, stamp, row, wanted, *found
            )
            end = min(row + 1, n)
        if row < n:
            backward = backward or works.labels_of(stand.arrive.at, is_back=True)
            _find_listed.call(
                *columns, links, forward, works.edge_key, *backward, *stand.arrive, stand.rows, *opened, low,
                own.desk(0).board, row, end, wanted, *found,
            )  # fmt: skip
            row = end
    return found


def find_from_point(
    works: Works, forward: Kit, lon: float, lat: float, stand: Stand, k: int, windows: Windows | None
) -> LongArray | None:
    """
    The k nearest of one point, snapped in the same call of a kernel.

    Parameters
    ----------
    works
        Streets.
    forward
        Labels of all nodes.
    lon
        Degrees.
    lat
        Degrees.
    stand
        What to look for, prepared.
    k
        How many, at most `FEW`.
    windows
        When facilities count; always, if none.

    Returns
    -------
    found
        Facilities, costs and lengths, shape ``(3, k)``; none, if the long way has to be gone.
    """
    own, found, n_facilities = works.own, np.empty((3, k), _LONG), len(stand.arrive.at)
    low, opened = own.low(n_facilities, 1), _open(works, n_facilities, windows)
    is_found = _nearest_to_point.call(
        works.ground, forward, stand.kit, *opened, low, own.stamp, lon, lat, found
    )
    return found if is_found else None


def _open(works: Works, n_facilities: int, windows: Windows | None) -> tuple[Kit, int, int, int]:
    """Windows as kernels read them, and by which `Clock`."""
    if windows is None:
        return _ALWAYS, 0, 0, NO_CUTOFF
    return works.window_kit(windows, n_facilities), 1, windows.start_ms, windows.horizon_ms


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
    windows = works.take_windows(windows, n_facilities)
    cutoff_ms = NO_CUTOFF if windows is ALWAYS else windows.cutoff_ms
    search(
        works.forward, sources, stand.targets, windows, min(k, max(n_facilities, 1)),
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
    works.need_index("nearest_nodes")
    facility, cost_ms = np.empty((len(nodes), k), _INT), np.empty((len(nodes), k), _LONG)
    for begin in range(0, len(nodes), CHUNK):
        some = slice(begin, begin + CHUNK)
        forward = works.label_kit(works.hook(hang_nodes(nodes[some])).at, is_back=False)
        _nearest_to_nodes.call(forward, stand.kit, nodes[some], facility[some], cost_ms[some])
    return facility, cost_ms


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
    forward, found = works.label_kit(start.at, is_back=False), np.empty((2, k), _LONG)
    _nearest_to_node.call(forward, stand.kit, node, found)
    return found
