"""
The drawn links as snapping and hanging read them: points, a table of all that is asked of a link, a grid over it.
"""

import math
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from geo_service.engine.constants import ISLAND_PART, MIN_CELL_M, NONE
from geo_service.network.graph import ByteArray, FloatArray, IntArray, LongArray, Metric, Network

T = TypeVar("T", bound=np.generic)

BEGIN, LAST, RIDE, _, EDGES, _, WEIGHT, _, LENGTH_MM, TAIL, HEAD, TAIL_RANK, HEAD_RANK = range(13)
"""
Columns of a link, one cache line: first and last point; of the edges along and against it (`NONE` where
there is none) weight without delay, id and weight; length; node and rank at its first and last point.
"""


class Lines(NamedTuple):
    """
    The drawn links with what snapping and hanging ask of them; a segment is named by its first point.

    Parameters
    ----------
    xy
        Longitude and latitude of each point, 1e-6 degrees, shape ``(p, 2)``.
    along_m
        Metres from the first point of the link, shape ``(p,)``.
    point_link
        Link of each point, shape ``(p,)``.
    is_main
        1 for links that are not on an island, shape ``(l,)``.
    link
        Columns `BEGIN` to `HEAD_RANK` of each link, shape ``(l, 16)``.
    """

    xy: IntArray
    along_m: FloatArray
    point_link: IntArray
    is_main: ByteArray
    link: IntArray


class Grid(NamedTuple):
    """
    Uniform cells over the segments, west to east within south to north.

    Parameters
    ----------
    west
        Western edge of the first column, 1e-6 degrees.
    south
        Southern edge of the first row, 1e-6 degrees.
    width
        Width of a cell, 1e-6 degrees.
    height
        Height of a cell, 1e-6 degrees.
    n_cols
        Columns.
    n_rows
        Rows.
    first
        Segments of cell ``c`` are ``segment[first[c]:first[c + 1]]``, shape ``(n_cols * n_rows + 1,)``.
    segment
        ``first point << 1 | is_main`` of the segments that touch each cell.
    """

    west: float
    south: float
    width: float
    height: float
    n_cols: int
    n_rows: int
    first: IntArray
    segment: IntArray


def build_lines(network: Network, rank: IntArray | None) -> Lines:
    """
    Prepare the drawn links of a network for snapping and hanging.

    Parameters
    ----------
    network
        Streets of one profile.
    rank
        Rank of each node, if there is an index.

    Returns
    -------
    lines
        Read-only arrays.
    """
    counts = np.diff(network.first_point)
    links = np.arange(network.n_links, dtype=np.int32)
    return Lines(
        xy=freeze(np.stack([network.point_lon_e6, network.point_lat_e6], axis=1)),
        along_m=freeze(_measure(network, counts)),
        point_link=freeze(np.repeat(links, counts)),
        is_main=freeze(_find_main_links(network)),
        link=freeze(_tell_links(network, rank)),
    )


def _tell_links(network: Network, rank: IntArray | None) -> IntArray:
    """All that is asked of a link, side by side."""
    table = np.full((network.n_links, 16), NONE, dtype=np.int32)
    edge = network.link_edge
    table[:, BEGIN], table[:, LAST] = network.first_point[:-1], network.first_point[1:] - 1
    table[:, EDGES : EDGES + 2] = edge
    for slot in range(2):
        has = edge[:, slot] != NONE
        own = edge[has, slot]
        table[has, RIDE + slot] = network.edge_weight_ms[own] - network.edge_delay_ms[own]
        table[has, WEIGHT + slot] = network.edge_weight_ms[own]
        table[has, TAIL + slot] = network.edge_tail[own]
        table[has, HEAD - slot] = network.edge_head[own]
    table[:, LENGTH_MM] = network.link_length_mm
    if rank is not None:
        table[:, TAIL_RANK : HEAD_RANK + 1] = rank[table[:, TAIL : HEAD + 1]]
    return table


def freeze(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """
    Give a read-only plain view, so that a kernel meets one type whether or not a file is mapped.

    Parameters
    ----------
    array
        Any array.

    Returns
    -------
    view
        C-contiguous, never a memory map by type, not writeable.
    """
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def _measure(network: Network, counts: npt.NDArray[np.int32]) -> FloatArray:
    """Sum segment lengths from the first point of each link, one after the other as a phone does."""
    x, y = network.point_lon_e6.astype(np.float64), network.point_lat_e6.astype(np.float64)
    metric = network.metric
    d = (y[:-1] + y[1:]) * 0.5 - metric.lat0_e6
    ux = (x[1:] - x[:-1]) * (metric.lon_m + d * (metric.lon_m1 + d * metric.lon_m2))
    uy = (y[1:] - y[:-1]) * metric.lat_m
    segment_m = np.sqrt(ux * ux + uy * uy)
    along_m = np.zeros(len(x))
    for step in range(1, int(counts.max(initial=0))):
        at = network.first_point[:-1][counts > step] + step
        along_m[at] = along_m[at - 1] + segment_m[at - 1]
    return along_m


def _find_main_links(network: Network) -> ByteArray:
    sizes = np.bincount(network.node_component)
    is_main = sizes * ISLAND_PART >= sizes.max(initial=0)
    some_edge = network.link_edge.max(axis=1)
    main: ByteArray = is_main[network.node_component[network.edge_tail[some_edge]]].astype(np.uint8)
    return main


def build_grid(lines: Lines, metric: Metric) -> Grid:
    """
    Lay a uniform grid over all segments, about one segment to a cell.

    Parameters
    ----------
    lines
        The drawn links.
    metric
        Metres per 1e-6 degree.

    Returns
    -------
    grid
        Every segment stands in each cell it touches, and perhaps in a few next to them.
    """
    start = np.delete(np.arange(len(lines.xy)), lines.link[:, LAST])
    (west, south), (east, north) = lines.xy.min(axis=0).tolist(), lines.xy.max(axis=0).tolist()
    span_x, span_y = float(east - west), float(north - south)
    area_m2 = span_x * metric.lon_m * span_y * metric.lat_m
    cell_m = max(MIN_CELL_M, math.sqrt(area_m2 / len(start)))
    width, height = math.ceil(cell_m / metric.lon_m), math.ceil(cell_m / metric.lat_m)
    n_cols, n_rows = int(span_x // width) + 1, int(span_y // height) + 1
    row, begin, end, which = _cross_rows(lines, start, west, south, width, height)
    run = _Runs(end - begin + 1)
    cell = row[run.owner] * n_cols + begin[run.owner] + run.step
    order = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[order], np.arange(n_cols * n_rows + 1))
    segment = start[which[run.owner]][order]
    segment = (segment << 1) | lines.is_main[lines.point_link[segment]]
    return Grid(
        float(west), float(south), float(width), float(height), n_cols, n_rows,
        freeze(first.astype(np.int32)), freeze(segment.astype(np.int32)),
    )  # fmt: skip


class _Runs:
    """Rows ``0..count - 1`` for each owner, laid end to end."""

    def __init__(self, count: npt.NDArray[np.int64]) -> None:
        self.owner = np.repeat(np.arange(len(count)), count)
        self.step = np.arange(len(self.owner)) - np.repeat(np.cumsum(count) - count, count)


def _cross_rows(
    lines: Lines, start: LongArray, west: int, south: int, width: int, height: int
) -> tuple[LongArray, LongArray, LongArray, LongArray]:
    """Row, first column, last column and segment of each crossing of a segment with a row of cells."""
    x0, y0 = lines.xy[start].T.astype(np.float64)
    x1, y1 = lines.xy[start + 1].T.astype(np.float64)
    low_row = ((np.minimum(y0, y1) - south) // height).astype(np.int64)
    high_row = ((np.maximum(y0, y1) - south) // height).astype(np.int64)
    run = _Runs(high_row - low_row + 1)
    which, row = run.owner, low_row[run.owner] + run.step
    x0, y0, x1, y1 = x0[which], y0[which], x1[which], y1[which]
    rise = np.where(y1 == y0, 1.0, y1 - y0)
    at_bottom = np.clip((south + row * height - y0) / rise, 0.0, 1.0)
    at_top = np.clip((south + (row + 1) * height - y0) / rise, 0.0, 1.0)
    flat = y1 == y0
    xa = np.where(flat, x0, x0 + at_bottom * (x1 - x0))
    xb = np.where(flat, x1, x0 + at_top * (x1 - x0))
    # one unit wider on both sides: rounding must not lose a cell; never wider than the segment itself
    left = np.maximum(np.minimum(xa, xb) - 1.0, np.minimum(x0, x1))
    right = np.minimum(np.maximum(xa, xb) + 1.0, np.maximum(x0, x1))
    begin, end = ((left - west) // width).astype(np.int64), ((right - west) // width).astype(np.int64)
    return row, begin, end, which
