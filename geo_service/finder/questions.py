"""What a rider may ask, and what the answers hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.hours import Opening, State
from geo_service.layers import Place

FloatArray = npt.NDArray[np.float64]

HORIZON = timedelta(days=2)
"""Arrivals later than this after departure are not judged open: no district is that wide."""

OUTLOOK = timedelta(days=14)
"""How far ahead "opens again at" looks."""

K_MAX = 100

RANGE_MAX_M = 500_000

ACCEPTABLE = (State.UNKNOWN, State.STALE)
"""States that a rider may accept besides open and closing soon."""


@dataclass(frozen=True)
class Ages:
    """
    After how many days each kind of fact is too old to be called open.

    A kind that a place does not carry does not age; hours without a check of their own
    are as old as the check of existence.
    """

    hours_days: int = 60
    existence_days: int = 180
    cabinet_days: int = 1


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
    """

    layer: str
    at: datetime
    k: int = 5
    profile: str = "ebike"
    services: tuple[str, ...] = ()
    operator: str | None = None
    accept: frozenset[State] = frozenset()


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


@dataclass(frozen=True)
class NearestAnswer:
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
