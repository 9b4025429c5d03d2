"""
Longitude and latitude: checks, parsing, distances, and the three datums of Chinese maps.

Everything inside the package is WGS 84, longitude first. Chinese map apps use GCJ-02 or
BD-09, some 550 m and 1,350 m away; ``convert_datum`` is the only place that knows how.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.errors import InvalidInputError
from geo_service.outlines import HONG_KONG, MACAO, MAINLAND, TAIWAN, Ring

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Datum = Literal["wgs84", "gcj02", "bd09"]
Extent = Literal["mainland", "mainland_hk_macao", "mainland_hk_macao_taiwan", "box"]

WGS84_A = 6378137.0
"""Semi-major axis of the WGS 84 ellipsoid, metres."""

WGS84_E2 = 0.0066943799901413165
"""First eccentricity squared of the WGS 84 ellipsoid."""

GCJ_A = 6378245.0
"""Semi-major axis (Krasovsky 1940) of the GCJ-02 formula, metres; with 6378137 it is 12 mm away."""

GCJ_EE = 0.00669342162296594323
"""Eccentricity squared in the GCJ-02 formula."""

BD_K = 3000.0 * np.pi / 180.0
"""Wave number of the BD-09 step, radians per degree; some programs put pi here, up to 92 m away."""

BOX_DEG = (72.004, 0.8293, 137.8347, 55.8271)
"""The customary box "in China", west, south, east, north, edges included."""

INVERSE_STOP_DEG = 1e-9
"""An inverse stops when less than this can be left: a tenth of a millimetre."""

_ROUNDS = 8
_CHUNK = 8192
_CELL_DEG = 0.25
_MARGIN_DEG = 0.035
_OUT, _IN, _RIM = np.uint8(0), np.uint8(1), np.uint8(2)

_NUMBER = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?")


class BBox(NamedTuple):
    """
    A box of longitudes and latitudes, degrees, WGS 84.

    ``west < east`` and ``south < north``; it never crosses the date line.
    """

    west: float
    south: float
    east: float
    north: float


# --- checks and parsing -----------------------------------------------------------------


def check_lonlat(lonlat: npt.ArrayLike, name: str = "point") -> None:
    """
    Refuse coordinates that are not finite or lie outside the globe.

    Parameters
    ----------
    lonlat
        Longitudes and latitudes, degrees, shape ``(..., 2)``.
    name
        What the caller calls them, for the message and the ``parameter`` fact.

    Raises
    ------
    InvalidInputError
        For the first bad value; says so if swapping would mend it.

    Examples
    --------
    >>> check_lonlat([116.442, 39.957])
    >>> check_lonlat([39.957, 116.442])
    Traceback (most recent call last):
    ...
    geo_service.errors.InvalidInputError: point: lat=116.442 is outside -90..90; were lon and lat swapped?
    """
    points = _as_points(lonlat, name).reshape(-1, 2)
    good = np.isfinite(points) & (np.abs(points) <= (180.0, 90.0))
    if good.all():
        return
    row = int(np.argmin(good.all(axis=1)))
    axis = int(np.argmin(good[row]))
    word, limit = (("lon", 180), ("lat", 90))[axis]
    value, other = float(points[row, axis]), float(points[row, 1 - axis])
    hint = "; were lon and lat swapped?" if axis == 1 and abs(value) <= 180.0 and abs(other) <= 90.0 else ""
    message = f"{name}: {word}={value} is outside -{limit}..{limit}{hint}"
    raise InvalidInputError(message, parameter=name, value=value if np.isfinite(value) else str(value))


def parse_lonlat(text: str, parameter: str) -> tuple[float, float]:
    """
    Read ``LON,LAT`` from a command line or an address.

    Plain ASCII decimals only: no exponent, no ``nan``, no digit groups, no full-width digits.

    Parameters
    ----------
    text
        What was typed, such as ``"116.442,39.957"``; blanks around the numbers are ignored.
    parameter
        Name of the option or query field, for the message.

    Returns
    -------
    lon, lat
        Degrees, within the globe.

    Raises
    ------
    InvalidInputError
        If it is not two such numbers, or they lie outside the globe.

    Examples
    --------
    >>> parse_lonlat("116.442,39.957", "from")
    (116.442, 39.957)
    """
    lon, lat = _parse_decimals(text, 2, "LON,LAT, such as 116.442,39.957", parameter)
    check_lonlat((lon, lat), parameter)
    return lon, lat


def parse_bbox(text: str, parameter: str = "bbox") -> BBox:
    """
    Read ``W,S,E,N`` from a command line or an address.

    Parameters
    ----------
    text
        What was typed, such as ``"116.42,39.94,116.46,39.975"``.
    parameter
        Name of the option or query field, for the message.

    Returns
    -------
    bbox
        The box; it has an area and does not cross the date line.

    Raises
    ------
    InvalidInputError
        If it is not four plain decimals, or west is not below east or south not below north.

    Examples
    --------
    >>> parse_bbox("116.42,39.94,116.46,39.975")
    BBox(west=116.42, south=39.94, east=116.46, north=39.975)
    """
    box = BBox(*_parse_decimals(text, 4, "W,S,E,N, such as 116.42,39.94,116.46,39.975", parameter))
    check_lonlat((box[:2], box[2:]), parameter)
    if box.west >= box.east or box.south >= box.north:
        message = f"{parameter}: {text!r} has no area; give W,S,E,N with west < east and south < north"
        raise InvalidInputError(message, parameter=parameter, value=text)
    return box


def _parse_decimals(text: str, count: int, form: str, parameter: str) -> list[float]:
    parts = [part.strip(" ") for part in text.split(",", count)] if len(text) <= 200 else []
    if len(parts) != count or not all(_NUMBER.fullmatch(part) for part in parts):
        shown = text if len(text) <= 60 else text[:60] + "…"
        message = f"{parameter}: {shown!r} is not {form} (plain decimal degrees)"
        raise InvalidInputError(message, parameter=parameter, value=shown)
    return [float(part) for part in parts]


# --- distance ---------------------------------------------------------------------------


def metres_per_degree(lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """
    Length of one degree of longitude and of latitude on the WGS 84 ellipsoid.

    Parameters
    ----------
    lat
        Latitudes, degrees, any shape.

    Returns
    -------
    lon_m, lat_m
        Metres per degree eastward and northward at that latitude, shape of ``lat``.

    Examples
    --------
    >>> lon_m, lat_m = metres_per_degree([0.0, 40.0])
    >>> lon_m.round(1), lat_m.round(1)
    (array([111319.5,  85393.9]), array([110574.3, 111034.6]))
    """
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    w2 = 1.0 - WGS84_E2 * np.square(np.sin(phi))
    normal_m = WGS84_A / np.sqrt(w2)
    meridian_m = normal_m * (1.0 - WGS84_E2) / w2
    return np.asarray(np.radians(normal_m * np.cos(phi))), np.asarray(np.radians(meridian_m))


def distance_m(a_lonlat: npt.ArrayLike, b_lonlat: npt.ArrayLike) -> FloatArray:
    """
    Straight distance on the WGS 84 ellipsoid, made for the short ones.

    The chord through the ellipsoid, bent to an arc of the mid-latitude radius: within a
    tenth of a millimetre of the geodesic below 10 km, 1 cm at 100 km, 0.4 % everywhere.

    Parameters
    ----------
    a_lonlat, b_lonlat
        Points, degrees, shapes ``(..., 2)`` that broadcast against each other; NaN is absent.

    Returns
    -------
    crow_m
        Metres, shape of the broadcast without its last axis; NaN where a point is absent.

    Examples
    --------
    >>> distance_m([116.442, 39.957], [[116.442, 39.957], [116.452, 39.957]]).round(2)
    array([  0.  , 854.47])
    """
    a, b = _as_points(a_lonlat, "a_lonlat"), _as_points(b_lonlat, "b_lonlat")
    chord_m = np.sqrt(np.square(_geocentric(a) - _geocentric(b)).sum(axis=-1))
    mid = np.radians((a[..., 1] + b[..., 1]) / 2.0)
    radius_m = WGS84_A * np.sqrt(1.0 - WGS84_E2) / (1.0 - WGS84_E2 * np.square(np.sin(mid)))
    return np.asarray(2.0 * radius_m * np.arcsin(np.minimum(chord_m / (2.0 * radius_m), 1.0)))


def _geocentric(lonlat: FloatArray) -> FloatArray:
    """Earth-centred x, y, z in metres, shape ``(..., 3)``."""
    lam, phi = np.radians(lonlat[..., 0]), np.radians(lonlat[..., 1])
    sin_phi, cos_phi = np.sin(phi), np.cos(phi)
    normal_m = WGS84_A / np.sqrt(1.0 - WGS84_E2 * sin_phi * sin_phi)
    ring_m = normal_m * cos_phi
    return np.stack(
        (ring_m * np.cos(lam), ring_m * np.sin(lam), normal_m * (1.0 - WGS84_E2) * sin_phi), axis=-1
    )


# --- datum ------------------------------------------------------------------------------


def convert_datum(
    lonlat: npt.ArrayLike, source: Datum, target: Datum, extent: Extent = "mainland_hk_macao_taiwan"
) -> FloatArray:
    """
    Convert points between WGS 84, GCJ-02 and BD-09.

    Outside the extent all three are the same and points come back as they were. Inverses
    are iterated; they return to the millimetre wherever the forward step shifted. A foreign point
    within a shift's length of the outline (0.7 km for GCJ-02, 1.4 km for BD-09) cannot be told
    from a shifted one inside, and is taken for that.

    Parameters
    ----------
    lonlat
        Points in the source datum, degrees, shape ``(..., 2)``; NaN is absent and stays.
    source, target
        The datum they are in and the datum wanted.
    extent
        Where maps are shifted: ``"mainland"`` (Google), with Hong Kong and Macao (Petal), with
        Taiwan too (Amap), or the customary ``"box"``.

    Returns
    -------
    lonlat
        A new array in the target datum, same shape.

    Raises
    ------
    InvalidInputError
        If a datum or extent is unknown, or the last axis is not longitude and latitude.

    References
    ----------
    .. [1] docs/decisions/0002-datum-extents.md: the outlines and the rim.

    Examples
    --------
    >>> convert_datum([116.442, 39.957], "wgs84", "gcj02").round(8)
    array([116.44820328,  39.9583715 ])
    >>> convert_datum([116.45479939, 39.96408615], "bd09", "wgs84").round(6)
    array([116.442,  39.957])
    """
    _check_word(source, Datum, "source")
    _check_word(target, Datum, "target")
    mask = _mask(_check_word(extent, Extent, "extent"))
    points = _as_points(lonlat, "lonlat")
    out = np.array(points, dtype=np.float64, order="C")
    if source == target:
        return out
    steps, to_wgs = _STEPS[source, target], _STEPS[source, "wgs84"]
    flat = out.reshape(-1, 2)
    for start in range(0, len(flat), _CHUNK):
        _convert_chunk(flat[start : start + _CHUNK], steps, to_wgs, mask)
    return out


def is_shifted(lonlat: npt.ArrayLike, extent: Extent = "mainland_hk_macao_taiwan") -> BoolArray:
    """
    Whether maps are shifted at these places.

    Parameters
    ----------
    lonlat
        Points, WGS 84 degrees, shape ``(..., 2)``; NaN is nowhere.
    extent
        Which outline is asked, as in `convert_datum`.

    Returns
    -------
    is_shifted
        True inside the outline or on it, shape of ``lonlat`` without its last axis.

    Raises
    ------
    InvalidInputError
        If the extent is unknown, or the last axis is not longitude and latitude.

    Examples
    --------
    >>> is_shifted([[116.442, 39.957], [114.17, 22.30], [126.98, 37.57]], "mainland")
    array([ True, False, False])
    """
    mask = _mask(_check_word(extent, Extent, "extent"))
    points = _as_points(lonlat, "lonlat")
    flat = np.ascontiguousarray(points).reshape(-1, 2)
    inside = np.empty(len(flat), dtype=np.bool_)
    for start in range(0, len(flat), _CHUNK):
        x, y = flat[start : start + _CHUNK].T.copy()
        inside[start : start + _CHUNK] = mask.contains(x, y, ())
    return inside.reshape(points.shape[:-1])


def _as_points(lonlat: npt.ArrayLike, name: str) -> FloatArray:
    points = np.asarray(lonlat, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != 2:
        message = f"{name}: shape {points.shape} is not (..., 2) of longitude and latitude"
        raise InvalidInputError(message, parameter=name, value=list(points.shape))
    return points


def _check_word(value: str, words: object, parameter: str) -> str:
    allowed = get_args(words)
    if value not in allowed:
        message = f"{parameter}={value!r} is unknown; allowed: {', '.join(allowed)}"
        raise InvalidInputError(message, parameter=parameter, value=str(value))
    return value


Step = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def _convert_chunk(
    points: FloatArray, steps: tuple[Step, ...], to_wgs: tuple[Step, ...], mask: "_Mask"
) -> None:
    """Convert ``(n, 2)`` points in place; a chunk and its temporaries fit the second-level cache."""
    x, y = points.T.copy()
    inside = mask.contains(x, y, to_wgs)
    if inside.all():
        points[:, 0], points[:, 1] = _walk(x, y, steps)
    elif inside.any():
        points[inside, 0], points[inside, 1] = _walk(x[inside], y[inside], steps)


def _walk(x: FloatArray, y: FloatArray, steps: tuple[Step, ...]) -> tuple[FloatArray, FloatArray]:
    for step in steps:
        x, y = step(x, y)
    return x, y


def _gcj_from_wgs(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    Apply the GCJ-02 polynomial with its waves.

    All sines are of multiples of one small angle per axis (a sixtieth of the longest common
    wave), so two sines and two cosines replace thirteen calls; multiple-angle identities
    lose less than 1e-12 m against them.
    """
    x, y = lon - 105.0, lat - 35.0
    x60 = x * (np.pi / 60.0)
    s_x30, s_x12, s_x3, s_x1, c_x1 = _waves(np.sin(x60), np.cos(x60))
    theta = y * (np.pi / 180.0)
    s_y180, c_y180 = np.sin(theta), np.cos(theta)
    s_y30, s_y12, s_y3, s_y1, _ = _waves(
        s_y180 * (3.0 - 4.0 * s_y180 * s_y180), c_y180 * (4.0 * c_y180 * c_y180 - 3.0)
    )
    s_x2 = 2.0 * s_x1 * c_x1
    # 20 sin 6t + 20 sin 2t, with sin 6t = 3 sin 2t - 4 sin^3 2t
    common = s_x2 * (80.0 - 80.0 * s_x2 * s_x2)
    root, xy = np.sqrt(np.abs(x)), 0.1 * x * y
    north_m = (
        (2.0 * x - 100.0 + xy + 0.2 * root)
        + y * (3.0 + 0.2 * y)
        + (common + 20.0 * s_y1 + 40.0 * s_y3 + 160.0 * s_y12 + 320.0 * s_y30) * (2.0 / 3.0)
    )
    east_m = (
        (2.0 * y + 300.0 + xy + 0.1 * root)
        + x * (1.0 + 0.1 * x)
        + (common + 20.0 * s_x1 + 40.0 * s_x3 + 150.0 * s_x12 + 300.0 * s_x30) * (2.0 / 3.0)
    )
    cos_lat = c_y180 * _COS_35 - s_y180 * _SIN_35
    m = 1.0 - GCJ_EE * (1.0 - cos_lat * cos_lat)
    root_m = np.sqrt(m)
    gcj_lon = lon + east_m * root_m * (180.0 / (np.pi * GCJ_A)) / cos_lat
    gcj_lat = lat + north_m * m * root_m * (180.0 / (np.pi * GCJ_A * (1.0 - GCJ_EE)))
    return gcj_lon, gcj_lat


_COS_35, _SIN_35 = float(np.cos(np.radians(35.0))), float(np.sin(np.radians(35.0)))


def _waves(s: FloatArray, c: FloatArray) -> tuple[FloatArray, ...]:
    """From sine and cosine of t/60 the sines of t/30, t/12, t/3, t and the cosine of t."""
    s30 = 2.0 * s * c
    s2, c2 = s * s, c * c
    s12 = s * (5.0 + s2 * (16.0 * s2 - 20.0))
    c12 = c * (5.0 + c2 * (16.0 * c2 - 20.0))
    s6, c6 = 2.0 * s12 * c12, 1.0 - 2.0 * s12 * s12
    s3, c3 = 2.0 * s6 * c6, 1.0 - 2.0 * s6 * s6
    s1, c1 = s3 * (3.0 - 4.0 * s3 * s3), c3 * (4.0 * c3 * c3 - 3.0)
    return s30, s12, s3, s1, c1


def _bd_from_gcj(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    Stretch and turn by the BD-09 waves, as a rotation instead of through polar coordinates.

    The angle is at most 3e-6 rad, so ``1 - turn^2 / 2`` and ``turn`` are its cosine and sine
    to the last bit that matters (1e-15 degrees).
    """
    turn = 0.000003 * np.cos(lon * BD_K)
    cosine = 1.0 - 0.5 * turn * turn
    stretch = 1.0 + 0.00002 * np.sin(lat * BD_K) / np.sqrt(lon * lon + lat * lat)
    return (lon * cosine - lat * turn) * stretch + 0.0065, (lat * cosine + lon * turn) * stretch + 0.006


def _nothing(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    return lon, lat


def _bd_guess(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn and stretch back by the waves at the wrong end: 0.2 m off, a good place to start."""
    x, y = lon - 0.0065, lat - 0.006
    turn = 0.000003 * np.cos(x * BD_K)
    shrink = 1.0 - 0.00002 * np.sin(y * BD_K) / np.sqrt(x * x + y * y)
    return (x + y * turn) * shrink, (y - x * turn) * shrink


def _inverse(forward: Step, guess: Step) -> Step:
    """
    Turn a step back by fixed-point rounds, until less than `INVERSE_STOP_DEG` can be left.

    Each round shrinks the error by the same small factor, seen in the ratio of the last two
    moves; what is left after a move is at most that factor times the move.
    """

    def backward(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
        (x, y), moved = guess(lon, lat), 0.0
        for _ in range(_ROUNDS):
            fx, fy = forward(x, y)
            dx, dy = lon - fx, lat - fy
            x, y, before = x + dx, y + dy, moved
            moved = max(np.abs(dx).max(initial=0.0), np.abs(dy).max(initial=0.0))
            # twice the factor seen, for points that shrink more slowly than the chunk's worst did
            factor = min(2.0 * moved / before, 1.0) if before else 1.0
            if moved * factor < INVERSE_STOP_DEG:
                break
        return x, y

    return backward


_wgs_from_gcj, _gcj_from_bd = _inverse(_gcj_from_wgs, _nothing), _inverse(_bd_from_gcj, _bd_guess)

_STEPS: dict[tuple[str, str], tuple[Step, ...]] = {
    ("wgs84", "wgs84"): (),
    ("wgs84", "gcj02"): (_gcj_from_wgs,),
    ("wgs84", "bd09"): (_gcj_from_wgs, _bd_from_gcj),
    ("gcj02", "wgs84"): (_wgs_from_gcj,),
    ("gcj02", "bd09"): (_bd_from_gcj,),
    ("bd09", "gcj02"): (_gcj_from_bd,),
    ("bd09", "wgs84"): (_gcj_from_bd, _wgs_from_gcj),
}


# --- where the shift applies ------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Mask:
    """
    An outline and a coarse grid over it, so that few points ever meet the polygon.

    Cells say in, out, or rim: near enough to the outline that a shift could carry a point
    over it. Only rim points are converted to WGS 84 and tested exactly.
    """

    outline: shapely.Geometry
    west: float
    south: float
    cells: npt.NDArray[np.uint8]  # (ny, nx); the outermost cells are all out

    def contains(self, x: FloatArray, y: FloatArray, to_wgs: tuple[Step, ...]) -> BoolArray:
        """Whether points of any datum lie inside, once ``to_wgs`` steps have led them to WGS 84."""
        ny, nx = self.cells.shape
        # fmin and fmax take the number beside a NaN, so an absent point lands in an outermost cell
        column = np.fmax(np.fmin((x - self.west) / _CELL_DEG, nx - 1.0), 0.0).astype(np.intp)
        row = np.fmax(np.fmin((y - self.south) / _CELL_DEG, ny - 1.0), 0.0).astype(np.intp)
        cell = self.cells[row, column]
        inside: BoolArray = np.equal(cell, _IN)
        rim = np.flatnonzero(cell == _RIM)
        if len(rim):
            inside[rim] = shapely.intersects_xy(self.outline, *_walk(x[rim], y[rim], to_wgs))
        return inside


@lru_cache(maxsize=4)
def _mask(extent: str) -> _Mask:
    outline = build_outline(extent)
    west, south, east, north = shapely.bounds(outline)
    west, south = west - 3 * _CELL_DEG, south - 3 * _CELL_DEG
    nx, ny = int((east - west) / _CELL_DEG) + 4, int((north - south) / _CELL_DEG) + 4
    x0, y0 = np.meshgrid(west + np.arange(nx) * _CELL_DEG, south + np.arange(ny) * _CELL_DEG)
    m, c = _MARGIN_DEG, _CELL_DEG + _MARGIN_DEG
    boxes = shapely.box(x0 - m, y0 - m, x0 + c, y0 + c)
    shapely.prepare(outline)
    cells = np.where(shapely.intersects(outline, boxes), _RIM, _OUT)
    cells[shapely.contains_properly(outline, boxes)] = _IN
    return _Mask(outline, float(west), float(south), cells.astype(np.uint8))


def build_outline(extent: str) -> shapely.Geometry:
    """
    Build the outline of an extent.

    Parameters
    ----------
    extent
        One of the words of `Extent`.

    Returns
    -------
    outline
        Polygon or MultiPolygon, WGS 84 degrees; a mask for arithmetic, not a boundary to draw.
    """
    if extent == "box":
        return shapely.box(*BOX_DEG)
    hull, sars, taiwan = _union((MAINLAND,)), _union((HONG_KONG, MACAO)), _union(TAIWAN)
    if extent == "mainland":
        return shapely.difference(shapely.difference(hull, sars), taiwan)
    if extent == "mainland_hk_macao":
        return shapely.union(shapely.difference(hull, taiwan), sars)
    return shapely.union_all([hull, sars, taiwan])


def _union(rings: tuple[Ring, ...]) -> shapely.Geometry:
    return shapely.union_all([shapely.Polygon(ring) for ring in rings])
