"""
What names and addresses say of a list: known twins, streets named in addresses, and rows that stand twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
import shapely

from geo_service.exchange.doctor.ground import FAR_M, Ground
from geo_service.exchange.doctor.models import street_pdf
from geo_service.exchange.doctor.readings import DATUMS, READINGS, Reading
from geo_service.exchange.names import normal_name
from geo_service.geo import FloatArray

TWIN_M = 25.0
"""Two surveys of one door hardly differ by more; the nearest two readings lie 480 m apart."""

_AROUND_M2 = np.pi * 1500.0**2  # a row's place is one of those within a shift or two
_LONGEST_M = 3000.0  # of a street that lies in such a circle
_TRUST_ADDRESS, _TRUST_TWIN = 0.7, 0.7  # the rest: an office's address, another branch of that name
_MOST_ALIKE = 30  # a name that more places bear is no name
_SPREADS_M = ((25.0, 0.7), (80.0, 0.3))


class Double(NamedTuple):
    """
    Two rows of one name that are one place under two datums.

    Parameters
    ----------
    first, second
        Rows, counted from 0.
    first_reading, second_reading
        Under these they fall on one spot.
    off_m
        How far they are apart then, metres.
    """

    first: int
    second: int
    first_reading: Reading
    second_reading: Reading
    off_m: float


class Named(NamedTuple):
    """What names and addresses of the rows point at: street names and known places by row."""

    streets: Mapping[int, tuple[str, ...]]
    twins: Mapping[int, FloatArray]


def find_named(ground: Ground, names: Sequence[str], addresses: Sequence[str]) -> Named:
    """
    Look the rows' names and addresses up in the district.

    Parameters
    ----------
    ground
        The district.
    names
        Name of each row; empty if there are none.
    addresses
        Address of each row; empty if there are none.

    Returns
    -------
    named
        Only rows that point at something.
    """
    streets = {row: found for row, text in enumerate(addresses) if (found := ground.streets_in(text))}
    twins = {
        row: known
        for row, name in enumerate(names)
        if (known := ground.known.get(normal_name(name))) is not None and len(known) <= _MOST_ALIKE
    }
    return Named(streets, twins)


def with_named(
    ground: Ground, named: Named, rows: Sequence[int], xy: FloatArray, density: FloatArray
) -> FloatArray:
    """
    Add what names and addresses say to the densities by streets.

    Parameters
    ----------
    ground
        The district.
    named
        From `find_named`.
    rows
        Which row of the list each row of the arrays is.
    xy
        Where the rows may stand, local metres, shape ``(n, c, 2)``.
    density
        By streets, shape ``(n, c)``.

    Returns
    -------
    density
        A new array of the same shape.
    """
    out = density.copy()
    lines = {name: ground.street(name) for row in rows for name in named.streets.get(row, ())}
    for i, row in enumerate(rows):
        if row in named.streets:
            found = [_street_density(xy[i], *lines[name]) for name in named.streets[row]]
            out[i] += _TRUST_ADDRESS * (np.mean(found, axis=0) - out[i])
        if row in named.twins:
            out[i] += _TRUST_TWIN * (_twin_density(xy[i], named.twins[row]) - out[i])
    return out


def _street_density(xy: FloatArray, street: shapely.Geometry, length_m: float) -> FloatArray:
    gap_m = np.asarray(shapely.distance(street, shapely.points(xy)))
    area_per_m = 2.0 * min(length_m, _LONGEST_M) + 2.0 * np.pi * np.minimum(gap_m, FAR_M)
    return np.asarray(street_pdf(gap_m) * _AROUND_M2 / area_per_m)


def _twin_density(xy: FloatArray, known: FloatArray) -> FloatArray:
    square = np.square(xy[:, None] - known).sum(axis=-1)
    density = sum(
        share * np.exp(-0.5 * square / spread**2) / (2.0 * np.pi * spread**2) for spread, share in _SPREADS_M
    )
    return np.asarray(_AROUND_M2 * np.mean(density, axis=1))


def find_doubles(names: Sequence[str], usable: Iterable[int], read_xy: FloatArray) -> tuple[Double, ...]:
    """
    Find rows of one name that become one place if one is read in another datum than the other.

    Parameters
    ----------
    names
        Name of each row.
    usable
        Rows with a position, in the order of ``read_xy``.
    read_xy
        Where they stand under each reading, local metres, shape ``(n, h, 2)``.

    Returns
    -------
    doubles
        Nearest pairs first; a row is in one at most.
    """
    alike: dict[str, list[tuple[int, int]]] = {}
    for i, row in enumerate(usable):
        if key := normal_name(names[row]):
            alike.setdefault(key, []).append((i, row))
    found: list[Double] = []
    for group in alike.values():
        if len(group) <= _MOST_ALIKE:
            pairs = combinations(group, 2)
            paired = _each_once([pair for one, other in pairs for pair in _double(one, other, read_xy)])
            # of many branches of one name some pair lies on a shift by chance; a second copy doubles most
            found += paired if 4 * len(paired) >= len(group) else ()
    return _each_once(found)


def _double(one: tuple[int, int], other: tuple[int, int], read_xy: FloatArray) -> list[Double]:
    """The pair under the two datums that bring it together best, if any do and one datum alone does not."""
    (i, row), (j, other_row) = one, other
    if np.linalg.norm(read_xy[i, 0] - read_xy[j, 0]) <= TWIN_M:
        return []
    offs = {
        pair: float(np.linalg.norm(read_xy[i, READINGS.index(pair[0])] - read_xy[j, READINGS.index(pair[1])]))
        for pair in permutations(DATUMS, 2)
    }
    pair = min(offs, key=offs.__getitem__)
    return [Double(row, other_row, *pair, offs[pair])] if offs[pair] <= TWIN_M else []


def _each_once(doubles: list[Double]) -> tuple[Double, ...]:
    taken: set[int] = set()
    kept = []
    for double in sorted(doubles, key=lambda one: (one.off_m, one.first, one.second)):
        if not taken & {double.first, double.second}:
            taken |= {double.first, double.second}
            kept.append(double)
    return tuple(kept)
