"""
Who has an open place near enough, hour by hour; who has two; who is left out, and who cannot be reached at all.

An hour counts as covered for a demand point if, for whoever departs as it begins, some place within the cutoff is
open from then until the cutoff is over. Costs are those of the engine, gaps to the street included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.planning.demand import KINDS, Demand, Weights

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
CountArray = npt.NDArray[np.int32]

UNREACHED = -1
"""A cost that is none: no way leads there."""


def within(cost_ms: LongArray, cutoff_ms: int) -> BoolArray:
    """
    Which places are near enough to which demand points.

    Parameters
    ----------
    cost_ms
        Cost from each demand point to each place, `UNREACHED` where no way leads, shape ``(n, f)``.
    cutoff_ms
        Greatest cost that counts, inclusive.

    Returns
    -------
    is_near
        Shape ``(n, f)``.
    """
    is_near: BoolArray = (cost_ms != UNREACHED) & (cost_ms <= cutoff_ms)
    return is_near


def count_open(is_near: BoolArray, is_open: BoolArray) -> CountArray:
    """
    How many open places each demand point has near enough in each hour.

    Hours in which the same places are open are counted once.

    Parameters
    ----------
    is_near
        Shape ``(n, f)``.
    is_open
        Shape ``(f, hours)``.

    Returns
    -------
    count
        Shape ``(n, hours)``.
    """
    patterns, hour_of = np.unique(is_open, axis=1, return_inverse=True)
    counts = is_near.astype(np.float32) @ patterns.astype(np.float32)
    return counts.astype(np.int32)[:, hour_of.reshape(-1)]


@dataclass(frozen=True, eq=False)
class Clock:
    """
    Coverage in each hour.

    Parameters
    ----------
    count
        Open places near enough to each demand point, shape ``(n, hours)``.
    weights
        Riders at each point in each hour.
    needed
        How many places must be near enough for a point to count as covered.
    """

    count: CountArray
    weights: Weights
    needed: int = 1

    @cached_property
    def is_covered(self) -> BoolArray:
        """Whether as many places as are needed are near enough, shape ``(n, hours)``."""
        return self.count >= self.needed

    @cached_property
    def riders(self) -> FloatArray:
        """Riders who have as many places as are needed near enough, shape ``(hours,)``."""
        return self.weights.covered(self.is_covered)

    @cached_property
    def share(self) -> FloatArray:
        """Share of the riders who have them; not a number in hours in which nobody is out, shape ``(hours,)``."""
        return _divide(self.riders, self.weights.total)

    @cached_property
    def backup_share(self) -> FloatArray:
        """Share who have one more than needed, so that one may be full or shut, shape ``(hours,)``."""
        return _divide(self.weights.covered(self.count > self.needed), self.weights.total)

    @cached_property
    def rider_hours(self) -> float:
        """Covered riders, summed over the hours."""
        return float(self.riders.sum())

    @cached_property
    def covered_share(self) -> float:
        """Covered rider-hours as a share of all; not a number if nobody is ever out."""
        return float(_divide(np.array([self.rider_hours]), np.array([self.weights.total.sum()]))[0])


def _divide(part: FloatArray, whole: FloatArray) -> FloatArray:
    # sums in another order may end a hair above the whole
    quotient: FloatArray = np.minimum(
        np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0), 1.0
    )
    return quotient


def nearest_open_ms(cost_ms: LongArray, is_open: BoolArray, rank: int = 1) -> LongArray:
    """
    Cost to the nearest open place, or the second nearest, or the third.

    Parameters
    ----------
    cost_ms
        Shape ``(n, f)``.
    is_open
        Whether each place is open, shape ``(f,)``.
    rank
        1 for the nearest.

    Returns
    -------
    nearest_ms
        `UNREACHED` where there are not so many, shape ``(n,)``.
    """
    far = np.iinfo(np.int64).max
    open_ms = np.where(cost_ms == UNREACHED, far, cost_ms)[:, is_open]
    if open_ms.shape[1] < rank:
        return np.full(len(cost_ms), UNREACHED)
    found = np.partition(open_ms, rank - 1, axis=1)[:, rank - 1]
    return np.where(found == far, UNREACHED, found)


class LeftOut(NamedTuple):
    """
    Demand of one name that has no place near enough.

    Parameters
    ----------
    name
        Compound, street or sign.
    kind
        What it is: one of `KINDS`.
    size
        How much of it: dwellings, outlets, heads.
    rider_hours
        What it weighs over the hours looked at.
    points
        How many points.
    """

    name: str
    kind: str
    size: float
    rider_hours: float
    points: int


def left_out(demand: Demand, weights: Weights, is_covered: BoolArray, hours: Sequence[int]) -> list[LeftOut]:
    """
    What is left out in some hours, by name, heaviest first.

    Parameters
    ----------
    demand
        The points.
    weights
        Riders by point and hour.
    is_covered
        Shape ``(n, hours of the week)``.
    hours
        Which hours to look at.

    Returns
    -------
    names
        Points of one name and kind are one; a point counts with the hours in which it is not covered.
    """
    at = np.asarray(hours, dtype=np.int64)
    hourly = weights.hourly[:, at][weights.kind]
    missed = weights.share * (hourly * ~is_covered[:, at]).sum(axis=1)
    sums: dict[tuple[str, str], list[float]] = {}
    for row in np.flatnonzero(missed > 0).tolist():
        kept = sums.setdefault((demand.name[row], KINDS[int(demand.kind[row])]), [0.0, 0.0, 0.0])
        kept[0] += float(demand.size[row])
        kept[1] += float(missed[row])
        kept[2] += 1
    rows = [
        LeftOut(name, kind, size, hours_, int(points))
        for (name, kind), (size, hours_, points) in sums.items()
    ]
    return sorted(rows, key=lambda row: (-row.rider_hours, row.name, row.kind))


def unreached_rows(cost_ms: LongArray) -> LongArray:
    """
    Demand points from which no way leads to any place.

    Parameters
    ----------
    cost_ms
        Shape ``(n, f)``.

    Returns
    -------
    rows
        Ascending; all of them if there is no place.
    """
    return np.flatnonzero((cost_ms == UNREACHED).all(axis=1))


class AreaShare(NamedTuple):
    """
    Coverage of one community.

    Parameters
    ----------
    area
        Its number.
    rider_hours
        All that is asked for there.
    covered_share
        Share of it that is covered; not a number if nothing is asked for.
    """

    area: int
    rider_hours: float
    covered_share: float


def share_by_area(weights: Weights, is_covered: BoolArray, area: LongArray, n_areas: int) -> list[AreaShare]:
    """
    Share of the rider-hours covered in each area.

    Parameters
    ----------
    weights
        Riders by point and hour.
    is_covered
        Shape ``(n, hours)``.
    area
        Area of each point, -1 for none, shape ``(n,)``.
    n_areas
        How many there are.

    Returns
    -------
    shares
        One per area, by number; points in no area come last as number -1, if there are any.
    """
    hourly = weights.hourly[weights.kind]
    asked = weights.share * hourly.sum(axis=1)
    covered = weights.share * (hourly * is_covered).sum(axis=1)
    slot = np.where(area < 0, n_areas, area)
    asked_of: FloatArray = np.bincount(slot, asked, minlength=n_areas + 1).astype(np.float64)
    shares = _divide(np.bincount(slot, covered, minlength=n_areas + 1).astype(np.float64), asked_of)
    rows = [AreaShare(number, float(asked_of[number]), float(shares[number])) for number in range(n_areas)]
    if (area < 0).any():
        rows.append(AreaShare(-1, float(asked_of[n_areas]), float(shares[n_areas])))
    return rows


def gini(value: npt.ArrayLike, weight: npt.ArrayLike) -> float:
    """
    How unequal values are: 0 if all are the same, towards 1 if one has everything [1]_.

    Parameters
    ----------
    value
        Share of each community, not negative, shape ``(n,)``.
    weight
        How much each community counts, shape ``(n,)``.

    Returns
    -------
    gini
        Mean difference of two values over twice the mean, weighted.

    Raises
    ------
    InvalidInputError
        If there is no weight, or a value or weight is negative.

    References
    ----------
    .. [1] C. Gini, "Variabilità e mutabilità", 1912; weighted as in Lerman and Yitzhaki, J. Econometrics 42, 1989.

    Examples
    --------
    >>> gini([0.5, 0.5], [1, 3])
    0.0
    >>> gini([0, 1], [1, 1])
    0.5
    """
    values, weights = np.asarray(value, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if len(values) == 0 or weights.sum() <= 0 or (values < 0).any() or (weights < 0).any():
        raise InvalidInputError(
            "gini needs values and weights that are not negative, and some weight", parameter="weight"
        )
    share = weights / weights.sum()
    mean = float(share @ values)
    if mean == 0:
        return 0.0
    difference = np.abs(values[:, None] - values[None, :])
    return float(share @ difference @ share / (2 * mean))
