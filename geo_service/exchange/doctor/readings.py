"""
How the numbers of a list may be read: the three datums, and what careless conversion makes of them.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from geo_service.errors import InvalidInputError
from geo_service.geo import BBox, BoolArray, Datum, FloatArray, convert_datum

Reading = Literal["wgs84", "gcj02", "bd09", "gcj02_twice", "bd09_as_gcj02", "wgs84_as_gcj02"]

READINGS: tuple[Reading, ...] = get_args(Reading)
"""Every way to read a list; the first three are datums, the others mishaps on the way here."""

DATUMS: tuple[Datum, ...] = get_args(Datum)

WORDS: Mapping[str, tuple[str, str]] = {
    "wgs84": ("WGS-84", "WGS-84"),
    "gcj02": ("GCJ-02", "GCJ-02"),
    "bd09": ("BD-09", "BD-09"),
    "gcj02_twice": ("GCJ-02（被偏移了两次）", "GCJ-02 shifted twice"),
    "bd09_as_gcj02": ("BD-09 被误当 GCJ-02 转换过", "BD-09 converted as if it were GCJ-02"),
    "wgs84_as_gcj02": ("WGS-84 被误当 GCJ-02 转换过", "WGS-84 converted as if it were GCJ-02"),
}
"""Chinese and English of every reading."""

_BACK: Mapping[Reading, tuple[tuple[Datum, Datum], ...]] = {
    "wgs84": (),
    "gcj02": (("gcj02", "wgs84"),),
    "bd09": (("bd09", "wgs84"),),
    "gcj02_twice": (("gcj02", "wgs84"), ("gcj02", "wgs84")),
    "bd09_as_gcj02": (("wgs84", "gcj02"), ("bd09", "wgs84")),
    "wgs84_as_gcj02": (("wgs84", "gcj02"),),
}


def to_wgs84(lonlat: FloatArray, reading: Reading) -> FloatArray:
    """
    Lead numbers back to WGS 84, given how they are to be read.

    Parameters
    ----------
    lonlat
        Points as the list has them, degrees, shape ``(n, 2)``; NaN stays.
    reading
        One of `READINGS`.

    Returns
    -------
    lonlat
        WGS 84, same shape.

    Raises
    ------
    InvalidInputError
        If the reading is unknown.

    Examples
    --------
    >>> to_wgs84(np.array([[116.45440612, 39.95975212]]), "gcj02_twice").round(4)
    array([[116.442,  39.957]])
    """
    if reading not in _BACK:
        raise InvalidInputError(
            f"reading={reading!r} is unknown; allowed: {', '.join(READINGS)}",
            parameter="reading",
            value=str(reading),
        )
    points = np.array(lonlat, dtype=np.float64)
    for source, target in _BACK[reading]:
        points = convert_datum(points, source, target)
    return points


def find_swapped(lonlat: FloatArray, box: BBox) -> BoolArray:
    """
    Find rows whose longitude and latitude stand in each other's column.

    Parameters
    ----------
    lonlat
        Points as the list has them, degrees, shape ``(n, 2)``; NaN is absent.
    box
        Where the list may lie, every datum's shift included.

    Returns
    -------
    is_swapped
        True where the pair lies in the box only after exchange, shape ``(n,)``.

    Examples
    --------
    >>> find_swapped(np.array([[39.957, 116.442], [116.442, 39.957]]), BBox(116.0, 39.5, 117.0, 40.5))
    array([ True, False])
    """
    return in_box(lonlat[:, ::-1], box) & ~in_box(lonlat, box)


def in_box(lonlat: FloatArray, box: BBox) -> BoolArray:
    """Whether points lie in a box, edges included; an absent one does not."""
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    return np.asarray((lon >= box.west) & (lon <= box.east) & (lat >= box.south) & (lat <= box.north))
