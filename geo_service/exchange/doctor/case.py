"""
A list as the doctor looks at it: which rows can be judged, where they stand, what they point at.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.exchange.doctor.ground import Ground
from geo_service.exchange.doctor.models import IntArray, Verdict
from geo_service.exchange.doctor.readings import READINGS, find_swapped, in_box, to_wgs84
from geo_service.exchange.doctor.witnesses import Double, Named, find_named
from geo_service.geo import BBox, BoolArray, FloatArray

_MARGIN_DEG = 0.06  # the longest shift four times over: neighbours may be judged, other towns not


class Case(NamedTuple):
    """
    A list being looked at.

    Parameters
    ----------
    points
        Degrees with swapped columns put right, shape ``(n, 2)``.
    is_swapped
        Rows where that was needed, shape ``(n,)``.
    usable
        Rows in or near the district under some reading.
    read_xy
        Those rows under each reading, local metres, shape ``(len(usable), h, 2)``.
    named
        What their names and addresses point at.
    numbers
        What each row is called in sentences; none counts from 1.
    """

    points: FloatArray
    is_swapped: BoolArray
    usable: IntArray
    read_xy: FloatArray
    named: Named
    numbers: Sequence[int] = ()


class Seen(NamedTuple):
    """
    A case and all that was found out about it.

    Parameters
    ----------
    case
        The list.
    verdict
        Probabilities by all evidence.
    by_streets
        The same by streets and outline alone.
    read
        Densities of the usable rows under each reading, shape ``(m, h)``.
    gap_m
        Their distance to the nearest street, shape ``(m, h)``.
    doubles
        Rows that stand twice.
    """

    case: Case
    verdict: Verdict
    by_streets: Verdict
    read: FloatArray
    gap_m: FloatArray
    doubles: tuple[Double, ...]


def as_list(lonlat: npt.ArrayLike) -> FloatArray:
    """
    Check that an array is a list of points, and copy it.

    Parameters
    ----------
    lonlat
        Degrees, shape ``(n, 2)``; NaN is absent.

    Returns
    -------
    points
        A new array.

    Raises
    ------
    InvalidInputError
        If it has another shape.
    """
    points = np.array(lonlat, dtype=np.float64)
    if points.size == 0:
        return np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] != 2:
        raise InvalidInputError(
            f"lonlat: shape {points.shape} is not (n, 2) of longitude and latitude",
            parameter="lonlat",
            value=list(points.shape),
        )
    return points


def open_case(points: FloatArray, ground: Ground, names: Sequence[str], addresses: Sequence[str]) -> Case:
    """
    Put a list on the ground under every reading.

    Parameters
    ----------
    points
        As `as_list` gives them.
    ground
        The district.
    names, addresses
        One text per row, or none at all.

    Returns
    -------
    case
        Not yet judged.
    """
    west, south, east, north = ground.bbox
    box = BBox(west - _MARGIN_DEG, south - _MARGIN_DEG, east + _MARGIN_DEG, north + _MARGIN_DEG)
    is_swapped = find_swapped(points, box)
    points = np.where(is_swapped[:, None], points[:, ::-1], points)
    usable = np.flatnonzero(in_box(points, box))
    read_xy = np.stack([ground.local(to_wgs84(points[usable], one)) for one in READINGS], axis=1)
    return Case(points, is_swapped, usable, read_xy, find_named(ground, names, addresses))
