"""
From longitude and latitude to a foot point on a link.

A phone repeats this bit for bit with JavaScript numbers, so the order of operations is part
of the contract (``docs/guide/routing.md``): only ``+ - * /``, ``sqrt`` and ``floor`` on
doubles, no fused operation, no fast-math. The grid decides only which segments are looked
at, never the answer.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import LONG, METRIC_SPAN_E6, NODE_M, NONE, SNAP_LIMIT_M, UNREACHED
from geo_service.engine.direct import Direct
from geo_service.engine.kit import Kit
from geo_service.engine.lines import BEGIN, LAST, RIDE, Lines, build_grid, freeze
from geo_service.geo import check_lonlat
from geo_service.network.graph import FloatArray, IntArray, LongArray, Network

BoolArray = npt.NDArray[np.bool_]
_INT: Final = np.dtype(np.int32)
_LONG: Final = np.dtype(np.int64)

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


WEST, SOUTH, WIDTH, HEIGHT, N_COLS, N_ROWS, LAT0, LAT_M, LON_M, LON_M1, LON_M2, PACE, LIMIT_M = range(13)
"""Places in a frame: where the grid lies, the metric, cost of the gap per metre, farthest gap that still snaps."""


@inner
def _project(corner: IntArray, i: int, kx: float, ky: float, px: float, py: float) -> tuple[float, float]:
    """Share along one segment nearest to a point, and the squared gap in metres."""
    ax = float(corner[i, 0])
    ay = float(corner[i, 1])
    bx = float(corner[i, 2])
    by = float(corner[i, 3])
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


@inner
def _bound_unseen(
    frame: FloatArray, kx: float, ky: float, px: float, py: float, col: int, row: int, ring: int
) -> float:
    """Squared metres that every cell outside the square of rings is away, infinite when none is left."""
    west, south, width, height = frame[WEST], frame[SOUTH], frame[WIDTH], frame[HEIGHT]
    out_x = max(west - px, px - (west + frame[N_COLS] * width), 0.0) * kx
    out_y = max(south - py, py - (south + frame[N_ROWS] * height), 0.0) * ky
    bound = np.inf
    if col - ring > 0:
        dx = max(px - (west + (col - ring) * width), 0.0) * kx
        bound = min(bound, dx * dx + out_y * out_y)
    if col + ring < frame[N_COLS] - 1:
        dx = max(west + (col + ring + 1) * width - px, 0.0) * kx
        bound = min(bound, dx * dx + out_y * out_y)
    if row - ring > 0:
        dy = max(py - (south + (row - ring) * height), 0.0) * ky
        bound = min(bound, dy * dy + out_x * out_x)
    if row + ring < frame[N_ROWS] - 1:
        dy = max(south + (row + ring + 1) * height - py, 0.0) * ky
        bound = min(bound, dy * dy + out_x * out_x)
    return bound * _SLACK


@inner
def _find_segment(ground: Kit, kx: float, ky: float, px: float, py: float) -> tuple[int, float]:
    """
    Place in the grid of the nearest segment off the islands within the limit, else at all; and its squared gap.

    Rings of cells are searched outwards until no unseen cell can hold a nearer or equally near
    segment. Links are sorted by edge and points by link, so the lowest point is the lowest edge.
    """
    frame, first, segment, corner = ground.frame, ground.first, ground.segment, ground.corner
    n_cols = LONG(frame[N_COLS])
    n_rows = LONG(frame[N_ROWS])
    col = LONG(min(max((px - frame[WEST]) / frame[WIDTH], 0.0), frame[N_COLS] - 1.0))
    row = LONG(min(max((py - frame[SOUTH]) / frame[HEIGHT], 0.0), frame[N_ROWS] - 1.0))
    limit_m = frame[LIMIT_M]
    limit2 = limit_m * limit_m
    main = LONG(NONE)
    main2 = np.inf
    some = LONG(NONE)
    some2 = np.inf
    ring = LONG(0)
    while True:
        for r in range(max(row - ring, 0), min(row + ring, n_rows - 1) + 1):
            is_whole = abs(r - row) == ring
            for c in range(max(col - ring, 0), min(col + ring, n_cols - 1) + 1):
                if not is_whole and abs(c - col) != ring:
                    continue
                cell = r * n_cols + c
                for i in range(first[cell], first[cell + 1]):
                    _, gap2 = _project(corner, LONG(i), kx, ky, px, py)
                    if gap2 < some2 or (gap2 == some2 and segment[i] < segment[some]):
                        some = LONG(i)
                        some2 = gap2
                    if segment[i] & 1 == 1 and (
                        gap2 < main2 or (gap2 == main2 and segment[i] < segment[main])
                    ):
                        main = LONG(i)
                        main2 = gap2
        bound = _bound_unseen(frame, kx, ky, px, py, col, row, ring)
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
    All that snapping reads.

    Parameters
    ----------
    xy
        As in `Lines`.
    along_m
        As in `Lines`.
    point_link
        As in `Lines`.
    link
        As in `Lines`.
    first
        As in `Grid`.
    segment
        As in `Grid`.
    corner
        Both ends of each of those segments, as in ``xy``: read one after the other, shape ``(s, 4)``.
    frame
        `WEST` to `LIMIT_M`, shape ``(13,)``.
    """

    xy: IntArray
    along_m: FloatArray
    point_link: IntArray
    link: IntArray
    first: IntArray
    segment: IntArray
    corner: IntArray
    frame: FloatArray


@inner
def is_on_globe(lon: float, lat: float) -> bool:
    """
    Whether a place exists; not a number is none.

    Parameters
    ----------
    lon
        Degrees.
    lat
        Degrees.

    Returns
    -------
    is_on_globe
        True from -180 to 180 and from -90 to 90.
    """
    is_there: bool = (abs(lon) <= 180.0) & (abs(lat) <= 90.0)
    return is_there


@inner
def find_foot(ground: Kit, lon: float, lat: float) -> tuple[int, float, float, float, float, int, int, int]:
    """
    Find where a point meets the streets.

    Parameters
    ----------
    ground
        As in `Ground`.
    lon
        Degrees, on the globe.
    lat
        Degrees, on the globe.

    Returns
    -------
    foot
        As in `Snaps`: link, share, longitude and latitude of the foot, gap in metres; cost along, against and of the
        gap.
    """
    frame, links = ground.frame, ground.link
    px = lon * 1e6
    py = lat * 1e6
    d = min(max(py - frame[LAT0], -METRIC_SPAN_E6), METRIC_SPAN_E6)
    kx = frame[LON_M] + d * (frame[LON_M1] + d * frame[LON_M2])
    ky = frame[LAT_M]
    i, gap2 = _find_segment(ground, kx, ky, px, py)
    gap_m = math.sqrt(gap2)
    link = LONG(NONE)
    share = foot_lon = foot_lat = np.nan
    forward_ms = backward_ms = gap_ms = LONG(UNREACHED)
    if gap_m <= frame[LIMIT_M]:
        point = LONG(ground.segment[i]) >> 1
        link = LONG(ground.point_link[point])
        gap_ms = LONG(math.floor(gap_m * frame[PACE]))
        t, _ = _project(ground.corner, i, kx, ky, px, py)
        share, foot_lon, foot_lat = _place_foot(ground, link, point, t)
        forward = links[link, RIDE]
        backward = links[link, RIDE + 1]
        if forward >= 0:
            forward_ms = LONG(math.floor(forward * share))
        if backward >= 0:
            backward_ms = LONG(math.floor(backward * (1.0 - share)))
    return link, share, foot_lon, foot_lat, gap_m, forward_ms, backward_ms, gap_ms


@inner
def _place_foot(ground: Kit, link: int, point: int, t: float) -> tuple[float, float, float]:
    """Where along the link the foot point stands, its longitude and latitude."""
    xy, along_m, links = ground.xy, ground.along_m, ground.link
    ax = float(xy[point, 0])
    ay = float(xy[point, 1])
    foot_x = ax + t * (float(xy[point + 1, 0]) - ax)
    foot_y = ay + t * (float(xy[point + 1, 1]) - ay)
    at_m = along_m[point] + t * (along_m[point + 1] - along_m[point])
    total_m = along_m[links[link, LAST]]
    end = LONG(NONE)
    if at_m <= NODE_M:
        end = LONG(links[link, BEGIN])
        share = 0.0
    elif total_m - at_m <= NODE_M:
        end = LONG(links[link, LAST])
        share = 1.0
    else:
        share = at_m / total_m
    if end != NONE:
        foot_x = float(xy[end, 0])
        foot_y = float(xy[end, 1])
    return share, foot_x / 1e6, foot_y / 1e6


@njit(cache=True, nogil=True)
def snap_points(ground: Kit, lonlat: FloatArray, link: IntArray, real: FloatArray, whole: LongArray) -> bool:
    """
    Snap each point and fill in one column of the answer.

    Parameters
    ----------
    ground
        As in `Ground`.
    lonlat
        Longitude, latitude, degrees, shape ``(n, 2)``.
    link
        Filled in, shape ``(n,)``.
    real
        Filled in: `LON` to `GAP_M`, shape ``(6, n)``.
    whole
        Filled in: `FORWARD_MS` to `GAP_MS`, shape ``(3, n)``.

    Returns
    -------
    is_done
        False if a coordinate is not on the globe; then nothing is filled in from that point on.
    """
    is_done = True
    for i in range(len(lonlat)):
        lon = lonlat[i, 0]
        lat = lonlat[i, 1]
        is_done &= is_on_globe(lon, lat)
        if is_done:
            foot = find_foot(ground, lon, lat)
            link[i], real[SHARE, i], real[FOOT_LON, i], real[FOOT_LAT, i], real[GAP_M, i] = foot[:5]
            whole[FORWARD_MS, i], whole[BACKWARD_MS, i], whole[GAP_MS, i] = foot[5:]
            real[LON, i] = lon
            real[LAT, i] = lat
    return is_done


class Columns(NamedTuple):
    """
    Points on the streets as kernels fill them in and read them.

    Parameters
    ----------
    link
        As in `Snaps`, shape ``(n,)``.
    real
        `LON` to `GAP_M`, shape ``(6, n)``.
    whole
        `FORWARD_MS` to `GAP_MS`, shape ``(3, n)``.
    """

    link: IntArray
    real: FloatArray
    whole: LongArray


def build_ground(network: Network, lines: Lines) -> Kit:
    """
    Lay out what snapping reads.

    Parameters
    ----------
    network
        Streets of one profile.
    lines
        Its drawn links.

    Returns
    -------
    ground
        A `Ground`.
    """
    metric = network.metric
    grid = build_grid(lines, metric)
    frame = np.array([*grid[:6], *metric, network.gap_ms_per_m, SNAP_LIMIT_M], dtype=np.float64)
    begin = grid.segment >> 1
    corner = np.concatenate([lines.xy[begin], lines.xy[begin + 1]], axis=1)
    return Kit(
        Ground(
            lines.xy, lines.along_m, lines.point_link, lines.link, grid.first, grid.segment, corner,
            freeze(frame),
        )
    )  # fmt: skip


_snap = Direct(snap_points)


def snap_all(lonlat: FloatArray, ground: Kit) -> tuple[Snaps, Columns]:
    """
    Snap points to their nearest links.

    Parameters
    ----------
    lonlat
        Longitude, latitude, WGS 84 degrees, shape ``(n, 2)``, C-contiguous and writeable.
    ground
        What there is to snap to: a `Ground`.

    Returns
    -------
    snaps
        One row per point, and the same as kernels read it.

    Raises
    ------
    InvalidInputError
        If a coordinate is not on the globe.
    """
    n = len(lonlat)
    link, real, whole = columns = Columns(np.empty(n, _INT), np.empty((6, n)), np.empty((3, n), _LONG))
    if not _snap.call(ground, lonlat, link, real, whole):
        check_lonlat(lonlat)
    lon, lat, share, foot_lon, foot_lat, gap_m = real
    forward_ms, backward_ms, gap_ms = whole
    return Snaps(lon, lat, link, share, forward_ms, backward_ms, foot_lon, foot_lat, gap_m, gap_ms), columns
