"""
From longitude and latitude to a foot point on a link.

A phone repeats this bit for bit with JavaScript numbers, so the order of operations is part
of the contract (``docs/guide/routing.md``): only ``+ - * /``, ``sqrt`` and ``floor`` on
doubles, no fused operation, no fast-math. The grid decides only which segments are looked
at, never the answer.
"""

import math
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

from geo_service.engine.constants import (
    ISLAND_PART,
    LONG,
    METRIC_SPAN_E6,
    MIN_CELL_M,
    NODE_M,
    NONE,
    UNREACHED,
)
from geo_service.network.graph import ByteArray, FloatArray, IntArray, LongArray, Metric, Network

BoolArray = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

_SLACK = 1.0 - 1e-9
"""Bounds of unseen cells shrink by this, so that rounding never hides an equally near segment."""


class Snaps(NamedTuple):
    """
    Points on the streets, ``n`` of them: where each one stands along which link.

    Parameters
    ----------
    lon
        Longitude as given, degrees, shape ``(n,)``.
    lat
        Latitude as given, degrees, shape ``(n,)``.
    link
        Link the point snapped to, `NONE` if every street is farther than the limit, shape ``(n,)``.
    share
        Position of the foot point along the link, 0 at its first drawn point, 1 at its last;
        NaN without a link, shape ``(n,)``.
    forward_ms
        Cost from the tail of the edge along the link to the foot point, -1 without that edge, shape ``(n,)``.
    backward_ms
        Cost from the tail of the edge against the link to the foot point, -1 without that edge, shape ``(n,)``.
    foot_lon
        Longitude of the foot point, degrees; NaN without a link, shape ``(n,)``.
    foot_lat
        Latitude of the foot point, degrees; NaN without a link, shape ``(n,)``.
    gap_m
        Straight metres from the point to the link; without one to the nearest street at any
        distance, there only roughly, shape ``(n,)``.
    gap_ms
        Cost of the gap, -1 without a link, shape ``(n,)``.
    """

    lon: FloatArray
    lat: FloatArray
    link: IntArray
    share: FloatArray
    forward_ms: LongArray
    backward_ms: LongArray
    foot_lon: FloatArray
    foot_lat: FloatArray
    gap_m: FloatArray
    gap_ms: LongArray

    def take(self, rows: slice | LongArray | BoolArray) -> "Snaps":
        """
        Give some of the points.

        Parameters
        ----------
        rows
            A slice, row numbers, or a mask of shape ``(n,)``.

        Returns
        -------
        snaps
            Those rows, in that order.
        """
        lon, lat, link, share, forward_ms, backward_ms, foot_lon, foot_lat, gap_m, gap_ms = self
        return Snaps(
            lon[rows],
            lat[rows],
            link[rows],
            share[rows],
            forward_ms[rows],
            backward_ms[rows],
            foot_lon[rows],
            foot_lat[rows],
            gap_m[rows],
            gap_ms[rows],
        )


class Lines(NamedTuple):
    """
    The drawn links with what snapping asks of them; a segment is named by its first point.

    Parameters
    ----------
    x
        Longitude of each point, 1e-6 degrees, shape ``(p,)``.
    y
        Latitude of each point, 1e-6 degrees, shape ``(p,)``.
    along_m
        Metres from the first point of the link, shape ``(p,)``.
    point_link
        Link of each point, shape ``(p,)``.
    first_point
        Points of link ``i`` are ``first_point[i]:first_point[i + 1]``, shape ``(l + 1,)``.
    is_main
        1 for links that are not on an island, shape ``(l,)``.
    travel_ms
        Weight without delay of the edges along and against, -1 where there is none, shape ``(l, 2)``.
    """

    x: IntArray
    y: IntArray
    along_m: FloatArray
    point_link: IntArray
    first_point: IntArray
    is_main: ByteArray
    travel_ms: LongArray


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
        First points of the segments that touch each cell.
    """

    west: float
    south: float
    width: float
    height: float
    n_cols: int
    n_rows: int
    first: IntArray
    segment: IntArray


def build_lines(network: Network) -> Lines:
    """
    Prepare the drawn links of a network for snapping.

    Parameters
    ----------
    network
        Streets of one profile.

    Returns
    -------
    lines
        Read-only arrays.
    """
    counts = np.diff(network.first_point)
    links = np.arange(network.n_links, dtype=np.int32)
    return Lines(
        x=freeze(network.point_lon_e6),
        y=freeze(network.point_lat_e6),
        along_m=freeze(_measure(network, counts)),
        point_link=freeze(np.repeat(links, counts)),
        first_point=freeze(network.first_point),
        is_main=freeze(_find_main_links(network)),
        travel_ms=freeze(_find_travel(network)),
    )


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


def _find_travel(network: Network) -> LongArray:
    travel_ms = network.edge_weight_ms.astype(np.int64) - network.edge_delay_ms
    return np.where(network.link_edge == NONE, UNREACHED, travel_ms[network.link_edge])


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
    start = np.delete(np.arange(len(lines.x)), lines.first_point[1:] - 1)
    west, south = float(lines.x.min()), float(lines.y.min())
    span_x, span_y = float(lines.x.max()) - west, float(lines.y.max()) - south
    area_m2 = span_x * metric.lon_m * span_y * metric.lat_m
    cell_m = max(MIN_CELL_M, math.sqrt(area_m2 / len(start)))
    width, height = math.ceil(cell_m / metric.lon_m), math.ceil(cell_m / metric.lat_m)
    n_cols, n_rows = int(span_x // width) + 1, int(span_y // height) + 1
    row, begin, end, which = _cross_rows(lines, start, west, south, width, height)
    run = _Runs(end - begin + 1)
    cell = row[run.owner] * n_cols + begin[run.owner] + run.step
    order = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[order], np.arange(n_cols * n_rows + 1))
    return Grid(
        west, south, float(width), float(height), n_cols, n_rows,
        freeze(first.astype(np.int32)), freeze(start[which[run.owner]][order].astype(np.int32)),
    )  # fmt: skip


class _Runs:
    """Rows ``0..count - 1`` for each owner, laid end to end."""

    def __init__(self, count: npt.NDArray[np.int64]) -> None:
        self.owner = np.repeat(np.arange(len(count)), count)
        self.step = np.arange(len(self.owner)) - np.repeat(np.cumsum(count) - count, count)


def _cross_rows(
    lines: Lines, start: LongArray, west: float, south: float, width: int, height: int
) -> tuple[LongArray, LongArray, LongArray, LongArray]:
    """Row, first column, last column and segment of each crossing of a segment with a row of cells."""
    x0, y0 = lines.x[start].astype(np.float64), lines.y[start].astype(np.float64)
    x1, y1 = lines.x[start + 1].astype(np.float64), lines.y[start + 1].astype(np.float64)
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


@njit(cache=True, nogil=True)
def _project(
    x: IntArray, y: IntArray, kx: float, ky: float, px: float, py: float, point: int
) -> tuple[float, float]:
    """Share along one segment nearest to a point, and the squared gap in metres."""
    ax = float(x[point])
    ay = float(y[point])
    bx = float(x[point + 1])
    by = float(y[point + 1])
    ux = (bx - ax) * kx
    uy = (by - ay) * ky
    wx = (px - ax) * kx
    wy = (py - ay) * ky
    q = ux * ux + uy * uy
    t = 0.0
    if q > 0.0:
        t = (wx * ux + wy * uy) / q
    if t <= 0.0:
        t = 0.0
        ex = wx
        ey = wy
    elif t >= 1.0:
        t = 1.0
        ex = (px - bx) * kx
        ey = (py - by) * ky
    else:
        ex = wx - t * ux
        ey = wy - t * uy
    return t, ex * ex + ey * ey


@njit(cache=True, nogil=True)
def _bound_unseen(
    grid: Grid, kx: float, ky: float, px: float, py: float, col: int, row: int, ring: int
) -> float:
    """Squared metres that every cell outside the square of rings is away, infinite when none is left."""
    out_x = max(grid.west - px, px - (grid.west + grid.n_cols * grid.width), 0.0) * kx
    out_y = max(grid.south - py, py - (grid.south + grid.n_rows * grid.height), 0.0) * ky
    bound = np.inf
    if col - ring > 0:
        dx = max(px - (grid.west + (col - ring) * grid.width), 0.0) * kx
        bound = min(bound, dx * dx + out_y * out_y)
    if col + ring < grid.n_cols - 1:
        dx = max(grid.west + (col + ring + 1) * grid.width - px, 0.0) * kx
        bound = min(bound, dx * dx + out_y * out_y)
    if row - ring > 0:
        dy = max(py - (grid.south + (row - ring) * grid.height), 0.0) * ky
        bound = min(bound, dy * dy + out_x * out_x)
    if row + ring < grid.n_rows - 1:
        dy = max(grid.south + (row + ring + 1) * grid.height - py, 0.0) * ky
        bound = min(bound, dy * dy + out_x * out_x)
    return bound * _SLACK


@njit(cache=True, nogil=True)
def _find_segment(
    lines: Lines, grid: Grid, kx: float, ky: float, px: float, py: float, limit_m: float
) -> tuple[int, float]:
    """
    Nearest segment off the islands within the limit, else nearest at all; and its squared gap.

    Rings of cells are searched outwards until no unseen cell can hold a nearer or equally near
    segment. Links are sorted by edge and points by link, so the lowest point is the lowest edge.
    """
    x, y, point_link, is_main, first, segment = (
        lines.x, lines.y, lines.point_link, lines.is_main, grid.first, grid.segment
    )  # fmt: skip
    col = int(min(max((px - grid.west) // grid.width, 0.0), grid.n_cols - 1.0))
    row = int(min(max((py - grid.south) // grid.height, 0.0), grid.n_rows - 1.0))
    limit2 = limit_m * limit_m
    main = -1
    main2 = np.inf
    some = -1
    some2 = np.inf
    ring = LONG(0)
    while True:
        for r in range(max(row - ring, 0), min(row + ring, grid.n_rows - 1) + 1):
            is_whole = abs(r - row) == ring
            for c in range(max(col - ring, 0), min(col + ring, grid.n_cols - 1) + 1):
                if not is_whole and abs(c - col) != ring:
                    continue
                cell = r * grid.n_cols + c
                for i in range(first[cell], first[cell + 1]):
                    point = LONG(segment[i])
                    _, gap2 = _project(x, y, kx, ky, px, py, point)
                    if gap2 < some2 or (gap2 == some2 and point < some):
                        some = point
                        some2 = gap2
                    if is_main[point_link[point]] == 1 and (gap2 < main2 or (gap2 == main2 and point < main)):
                        main = point
                        main2 = gap2
        bound = _bound_unseen(grid, kx, ky, px, py, col, row, ring)
        wants_main = bound <= main2 and bound <= limit2
        wants_some = main2 > limit2 and bound <= some2
        if bound == np.inf or not (wants_main or wants_some):
            break
        ring += 1
    if math.sqrt(main2) <= limit_m:
        return main, main2
    return some, some2


LON, LAT, SHARE, FOOT_LON, FOOT_LAT, GAP_M = range(6)
"""Rows of real numbers in what snapping fills in."""

FORWARD_MS, BACKWARD_MS, GAP_MS = range(3)
"""Rows of whole numbers in what snapping fills in."""


class Ground(NamedTuple):
    """
    All that snapping reads, as plain tuples: numba tells their types four times faster than those of named ones.

    Parameters
    ----------
    lines
        As in `Lines`.
    grid
        As in `Grid`.
    metric
        As in `Metric`.
    gap_ms_per_m
        Cost of the gap, milliseconds per metre.
    limit_m
        Farthest gap that still snaps, metres, inclusive.
    """

    lines: tuple[Any, ...]
    grid: tuple[Any, ...]
    metric: tuple[Any, ...]
    gap_ms_per_m: float
    limit_m: float


@njit(cache=True, nogil=True)
def snap_points(
    lonlat: FloatArray,
    plain_lines: tuple[Any, ...],
    plain_grid: tuple[Any, ...],
    plain_metric: tuple[Any, ...],
    gap_ms_per_m: float,
    limit_m: float,
    link: IntArray,
    real: FloatArray,
    whole: LongArray,
) -> None:
    """
    Snap each point and fill in one column of the answer.

    Parameters
    ----------
    lonlat
        Longitude, latitude, degrees, finite, shape ``(n, 2)``.
    plain_lines
        The drawn links.
    plain_grid
        Where their segments are.
    plain_metric
        Metres per 1e-6 degree.
    gap_ms_per_m
        Cost of the gap, milliseconds per metre.
    limit_m
        Farthest gap that still snaps, metres, inclusive.
    link
        Filled in, shape ``(n,)``.
    real
        Filled in: `LON` to `GAP_M`, shape ``(6, n)``.
    whole
        Filled in: `FORWARD_MS` to `GAP_MS`, shape ``(3, n)``.
    """
    lines = Lines(*plain_lines)
    grid = Grid(*plain_grid)
    metric = Metric(*plain_metric)
    for i in range(len(lonlat)):
        px = lonlat[i, 0] * 1e6
        py = lonlat[i, 1] * 1e6
        d = min(max(py - metric.lat0_e6, -METRIC_SPAN_E6), METRIC_SPAN_E6)
        kx = metric.lon_m + d * (metric.lon_m1 + d * metric.lon_m2)
        ky = metric.lat_m
        point, gap2 = _find_segment(lines, grid, kx, ky, px, py, limit_m)
        gap_m = math.sqrt(gap2)
        real[LON, i] = lonlat[i, 0]
        real[LAT, i] = lonlat[i, 1]
        real[GAP_M, i] = gap_m
        if gap_m > limit_m:
            link[i] = NONE
            for row in range(SHARE, GAP_M):
                real[row, i] = np.nan
            for row in range(3):
                whole[row, i] = UNREACHED
            continue
        link[i] = lines.point_link[point]
        whole[GAP_MS, i] = math.floor(gap_m * gap_ms_per_m)
        t, _ = _project(lines.x, lines.y, kx, ky, px, py, point)
        _place_foot(lines, LONG(link[i]), point, t, i, real, whole)


@njit(cache=True, nogil=True)
def _place_foot(
    lines: Lines, link: int, point: int, t: float, i: int, real: FloatArray, whole: LongArray
) -> None:
    """Fill in where along the link the foot point stands and what it costs to get there."""
    x, y, along = lines.x, lines.y, lines.along_m
    begin = lines.first_point[link]
    end = lines.first_point[link + 1] - 1
    ax = float(x[point])
    ay = float(y[point])
    foot_x = ax + t * (float(x[point + 1]) - ax)
    foot_y = ay + t * (float(y[point + 1]) - ay)
    along_m = along[point] + t * (along[point + 1] - along[point])
    total_m = along[end]
    if along_m <= NODE_M:
        share = 0.0
        foot_x = float(x[begin])
        foot_y = float(y[begin])
    elif total_m - along_m <= NODE_M:
        share = 1.0
        foot_x = float(x[end])
        foot_y = float(y[end])
    else:
        share = along_m / total_m
    real[SHARE, i] = share
    real[FOOT_LON, i] = foot_x / 1e6
    real[FOOT_LAT, i] = foot_y / 1e6
    forward = lines.travel_ms[link, 0]
    backward = lines.travel_ms[link, 1]
    whole[FORWARD_MS, i] = math.floor(forward * share) if forward >= 0 else UNREACHED
    whole[BACKWARD_MS, i] = math.floor(backward * (1.0 - share)) if backward >= 0 else UNREACHED


def snap_all(lonlat: FloatArray, ground: Ground) -> Snaps:
    """
    Snap points to their nearest links.

    Parameters
    ----------
    lonlat
        Longitude, latitude, WGS 84 degrees, finite, shape ``(n, 2)``, C-contiguous and writeable.
    ground
        What there is to snap to.

    Returns
    -------
    snaps
        One row per point.
    """
    n = len(lonlat)
    link, real, whole = np.empty(n, np.int32), np.empty((6, n)), np.empty((3, n), np.int64)
    snap_points(lonlat, *ground, link, real, whole)
    lon, lat, share, foot_lon, foot_lat, gap_m = real
    forward_ms, backward_ms, gap_ms = whole
    return Snaps(lon, lat, link, share, forward_ms, backward_ms, foot_lon, foot_lat, gap_m, gap_ms)
