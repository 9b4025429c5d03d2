"""What a rider may ask, and what the answers hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.finder.coverage import Cover
from geo_service.finder.doubted import NO_DOUBTS, Doubts
from geo_service.finder.tables import NO_WISH, Wish
from geo_service.hours import Opening, State
from geo_service.layers import Place

if TYPE_CHECKING:
    import shapely

    from geo_service.engine.router import Snaps

FloatArray = npt.NDArray[np.float64]

K_MAX = 100

RANGE_MAX_M = 500_000

CUTOFF_MAX_MS = 180 * 60_000
"""Longest reach or coverage that is worked out."""

BANDS_MAX = 12
"""Most bands of one reach."""

ACCEPTABLE = (State.UNKNOWN, State.STALE)
"""States that a rider may accept besides open and closing soon."""


@dataclass(frozen=True)
class NearestQuestion:
    """
    Which k places of a layer are nearest by the streets and open on arrival.

    Parameters
    ----------
    layer
        Layer to look in; must hold points.
    at
        Moment of departure, aware.
    k
        How many places, 1 to `K_MAX`.
    profile
        One of the router's profiles.
    services
        Kinds of service that must all be on offer on arrival; without any, the door counts.
    operator
        Operator of the cabinet or the place, exactly as written there.
    accept
        States accepted besides open and closing soon; of `ACCEPTABLE`.
    plan
        Plan that the cabinet serves, exactly as written there.
    voltage_v
        Voltage that the cabinet serves.
    doubts
        What is said on the spot against places: there "open" counts as stale.
    """

    layer: str
    at: datetime
    k: int = 5
    profile: str = "ebike"
    services: tuple[str, ...] = ()
    operator: str | None = None
    accept: frozenset[State] = frozenset()
    plan: str | None = None
    voltage_v: int | None = None
    doubts: Doubts = NO_DOUBTS

    @property
    def wish(self) -> Wish:
        """What a place must be, whatever the hour."""
        return Wish(self.services, self.operator, self.plan, self.voltage_v)


@dataclass(frozen=True)
class CoverageQuestion:
    """
    How much of the streets has a place of a layer within reach.

    Parameters
    ----------
    layer
        Layer to look in; must hold points.
    cutoff_ms
        Longest cost from a street to its nearest place, milliseconds, inclusive.
    on
        Day on which places must be in use, if no instant is asked for.
    at
        Moment of departure, aware: only places open throughout from then to the cutoff count. None for
        all places, whatever their hours.
    profile
        One of the router's profiles.
    wish
        What places must be.
    accept
        States accepted besides open and closing soon; of `ACCEPTABLE`.
    doubts
        What is said on the spot against places, if an instant is asked for.
    """

    layer: str
    cutoff_ms: int
    on: date
    at: datetime | None = None
    profile: str = "walk"
    wish: Wish = NO_WISH
    accept: frozenset[State] = frozenset()
    doubts: Doubts = NO_DOUBTS


class Found(NamedTuple):
    """A place in an answer: what it costs to get there and how its door stands then."""

    place: Place
    cost_ms: int
    length_mm: int
    opening: Opening


@dataclass(frozen=True)
class Shortfall:
    """
    Why fewer than k places came back.

    Counts are over the places of the layer; ``soonest`` is the place among the closed ones
    that opens first, the nearer first where two open together.
    """

    n_places: int
    n_filtered: int
    n_unreachable: int
    states: Mapping[State, int]
    soonest: Found | None


class NearestAnswer(NamedTuple):
    """The places found, nearest first, and the reason if they are fewer than asked."""

    found: tuple[Found, ...]
    shortfall: Shortfall | None


class Stop(NamedTuple):
    """A place on the way: what it costs to get there, how its door stands then, and what stopping adds."""

    found: Found
    added_ms: int


@dataclass(frozen=True)
class OnwayAnswer:
    """The cost of the way without a stop, and the stops of least added cost."""

    direct_ms: int
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class RangeAnswer:
    """The places within range, and if there is none the one whose way is the shortest of those that count."""

    found: tuple[Found, ...]
    nearest: Found | None


class Band(NamedTuple):
    """What is within a cutoff of a point: how much street, and its outline."""

    cutoff_ms: int
    street_m: float
    outline: "shapely.MultiPolygon"


@dataclass(frozen=True)
class CoverageAnswer:
    """How many places there are, how many count, and what they cover."""

    n_places: int
    n_eligible: int
    cover: Cover


class OpenPlaces(NamedTuple):
    """
    Places that are what is wished for, and when each is open.

    Parameters
    ----------
    places
        Those near a street.
    snaps
        Where they meet it, one row each.
    is_open
        Whether each is open throughout, from each instant asked for to the cutoff, shape ``(f, instants)``.
    """

    places: tuple[Place, ...]
    snaps: "Snaps"
    is_open: npt.NDArray[np.bool_]


class Trial(NamedTuple):
    """One change alone: the place that goes or the point where one comes, and the metres then covered."""

    without: str | None
    new: tuple[float, float] | None
    covered_m: float


@dataclass(frozen=True)
class WhatIfAnswer:
    """A coverage before and after some changes, and what each of them alone does."""

    before: CoverageAnswer
    after: CoverageAnswer
    trials: tuple[Trial, ...]


class Step(NamedTuple):
    """Consecutive pieces of a route on one street in one mode."""

    name: str
    mode: str
    cost_ms: int
    length_mm: int


@dataclass(frozen=True)
class RouteAnswer:
    """The fastest way: cost, length and steps with both gaps to the street, and its line."""

    cost_ms: int
    length_mm: int
    lonlat: FloatArray
    steps: tuple[Step, ...]


def check_cutoff(cutoff_ms: int) -> None:
    """
    Pass a cutoff that is worked out.

    Parameters
    ----------
    cutoff_ms
        Longest cost, milliseconds.

    Raises
    ------
    InvalidInputError
        If it is not above nothing, or above `CUTOFF_MAX_MS`.
    """
    if not 0 < cutoff_ms <= CUTOFF_MAX_MS:
        raise InvalidInputError(
            f"minutes={cutoff_ms / 60_000:g} is not above 0 and at most {CUTOFF_MAX_MS // 60_000}",
            parameter="minutes",
            value=cutoff_ms / 60_000,
        )
