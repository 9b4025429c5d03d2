"""
A rider's questions: which place, how long, which way.

A question comes down as text made values, is snapped to the streets, searched as numbers,
and only the answers become objects again. Layers are read once per version; every question
begins by asking the store which version is the present one.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.engine.router import (
    NONE,
    SNAP_LIMIT_M,
    Facilities,
    Path,
    Reach,
    Router,
    Snaps,
    Windows,
)
from geo_service.errors import InvalidInputError
from geo_service.geo import check_lonlat
from geo_service.hours import (
    SHANGHAI,
    Kind,
    Opening,
    State,
    Timeline,
    build_timeline,
    combine_timelines,
    opening_on,
    restrict_timeline,
)
from geo_service.layers import CATALOGUE, Catalogue, Layer, Place
from geo_service.network.graph import MODES, Network
from geo_service.store.base import Store

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]

HORIZON = timedelta(days=2)
"""Arrivals later than this after departure are not judged open: no district is that wide."""

OUTLOOK = timedelta(days=14)
"""How far ahead "opens again at" looks."""

K_MAX = 100

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


@dataclass(frozen=True)
class _Table:
    """One version of a layer: its places and, per profile, where they meet the streets."""

    version: int
    places: tuple[Place, ...]
    facilities: dict[str, Facilities] = field(default_factory=dict)


class Finder:
    """
    Answers for one district; safe to share between threads.

    Parameters
    ----------
    store
        Where layers come from.
    routers
        One router per profile.
    catalogue
        Categories the district knows.
    ages
        When facts become stale.
    """

    def __init__(
        self,
        store: Store,
        routers: Mapping[str, Router],
        catalogue: Catalogue = CATALOGUE,
        ages: Ages | None = None,
    ) -> None:
        self._store = store
        self._routers = routers
        self._catalogue = catalogue
        self._ages = ages or Ages()
        self._tables: dict[str, _Table] = {}
        self._lock = threading.Lock()

    def nearest(self, question: NearestQuestion, origins: FloatArray) -> tuple[NearestAnswer, ...]:
        """
        The k nearest places, open on arrival, for each origin.

        Parameters
        ----------
        question
            What is asked, the same for all origins.
        origins
            Longitude, latitude, WGS 84 degrees, shape ``(n, 2)``.

        Returns
        -------
        answers
            One per origin. Equal costs are ordered by feature id.

        Raises
        ------
        InvalidInputError
            If the profile, k, a state to accept or a service is unknown, or an origin is far from any street.
        NotFoundError
            If there is no such layer.
        """
        router = self._router(question.profile)
        self._check_question(question)
        table = self._table(question.layer)
        facilities = self._facilities(table, question.profile)
        start = self._snap_near(router, origins, "from")
        wanted = [self._fits(place, question) for place in table.places]
        timelines = [
            self._timeline(place, question) if fits else None
            for place, fits in zip(table.places, wanted, strict=True)
        ]
        windows = self._windows(table.places, timelines, question)
        nearest = router.nearest(start, facilities, question.k, windows)
        answers = []
        for row in range(len(origins)):
            hits = nearest.facility[row] != NONE
            found = tuple(
                self._hydrate(table.places[f], int(cost_ms), int(length_mm), question)
                for f, cost_ms, length_mm in zip(
                    nearest.facility[row][hits],
                    nearest.cost_ms[row][hits],
                    nearest.length_mm[row][hits],
                    strict=True,
                )
            )
            enough = len(found) >= question.k
            origin = start.take(slice(row, row + 1))
            answers.append(
                NearestAnswer(
                    found,
                    None if enough else self._shortfall(router, origin, table, facilities, wanted, question),
                )
            )
        return tuple(answers)

    def route(self, origin: FloatArray, destination: FloatArray, profile: str) -> RouteAnswer:
        """
        The fastest way between two points.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees, shape ``(2,)``.
        destination
            Likewise.
        profile
            One of the router's profiles.

        Returns
        -------
        route
            Cost and length with both gaps to the street; its steps add up to them.

        Raises
        ------
        InvalidInputError
            If the profile is unknown or a point is far from any street.
        UnreachableError
            If no way leads there.
        """
        router = self._router(profile)
        start = self._snap_near(router, origin[None, :], "from")
        end = self._snap_near(router, destination[None, :], "to")
        path = router.route(start, end)
        return RouteAnswer(
            path.cost_ms, path.length_mm, path.lonlat, tuple(route_steps(router.network, path))
        )

    def reach(self, origin: FloatArray, profile: str, cutoff_ms: int) -> Reach:
        """
        Everything within a cutoff of a point.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees, shape ``(2,)``.
        profile
            One of the router's profiles.
        cutoff_ms
            Longest cost, milliseconds, inclusive.

        Returns
        -------
        reach
            Costs of nodes and the parts of edges within the cutoff.

        Raises
        ------
        InvalidInputError
            If the profile is unknown or the point is far from any street.
        """
        router = self._router(profile)
        return router.reach(self._snap_near(router, origin[None, :], "from"), cutoff_ms)

    def matrix(self, origins: FloatArray, destinations: FloatArray, profile: str) -> LongArray:
        """
        Costs from every origin to every destination.

        Parameters
        ----------
        origins
            Longitude, latitude, WGS 84 degrees, shape ``(n, 2)``.
        destinations
            Likewise, shape ``(m, 2)``.
        profile
            One of the router's profiles.

        Returns
        -------
        cost_ms
            Shape ``(n, m)``, milliseconds; `UNREACHED` where no way leads, a point far from any street included.

        Raises
        ------
        InvalidInputError
            If the profile is unknown.
        """
        router = self._router(profile)
        return router.matrix(router.snap(origins), router.snap(destinations))

    def far_places(self, layer: str, profile: str) -> tuple[tuple[Place, float], ...]:
        """
        Places that no street of the profile comes near.

        Parameters
        ----------
        layer
            Layer to look in.
        profile
            One of the router's profiles.

        Returns
        -------
        far
            Place and metres to the nearest street, for places beyond the snapping limit.
        """
        table = self._table(layer)
        snaps = self._router(profile).snap(_targets(table))
        return tuple((table.places[i], float(snaps.gap_m[i])) for i in np.flatnonzero(snaps.link == NONE))

    def opening(self, place: Place, at: datetime, services: Sequence[str] = ()) -> Opening:
        """
        How a place, or services of it, stand at one instant.

        Parameters
        ----------
        place
            The place.
        at
            The instant, aware.
        services
            Kinds of service that must all be on offer; the door if none.

        Returns
        -------
        opening
            State, until when, and when it opens again.
        """
        timeline = _place_timeline(place, services, at, at + OUTLOOK)
        return opening_on(timeline, at, is_stale=self._is_stale(place, at.astimezone(SHANGHAI).date()))

    # -- the steps of a question ------------------------------------------------------------------

    def _router(self, profile: str) -> Router:
        try:
            return self._routers[profile]
        except KeyError:
            raise InvalidInputError(
                f"profile={profile!r} has no streets here; allowed: {', '.join(sorted(self._routers)) or 'none'}",
                parameter="profile",
                value=profile,
            ) from None

    def _check_question(self, question: NearestQuestion) -> None:
        if not 1 <= question.k <= K_MAX:
            raise InvalidInputError(f"k={question.k} is outside 1..{K_MAX}", parameter="k", value=question.k)
        for kind in question.services:
            if kind not in self._catalogue.services:
                raise InvalidInputError(
                    f"service={kind!r} is not known; allowed: {', '.join(self._catalogue.services)}",
                    parameter="service",
                    value=kind,
                )
        for state in question.accept:
            if state not in ACCEPTABLE:
                raise InvalidInputError(
                    f"accept={state} is not allowed; allowed: {', '.join(ACCEPTABLE)}",
                    parameter="accept",
                    value=str(state),
                )

    def _snap_near(self, router: Router, lonlat: FloatArray, parameter: str) -> Snaps:
        check_lonlat(lonlat, parameter)
        snaps = router.snap(lonlat)
        for i in np.flatnonzero(snaps.link == NONE)[:1]:
            raise InvalidInputError(
                f"{parameter}={lonlat[i, 0]:.6f},{lonlat[i, 1]:.6f} is {snaps.gap_m[i]:.0f} m from the nearest street; "
                f"at most {SNAP_LIMIT_M:.0f} m is allowed. Is the point in this district, and is it LON,LAT?",
                parameter=parameter,
                value=f"{lonlat[i, 0]:.6f},{lonlat[i, 1]:.6f}",
                gap_m=round(float(snaps.gap_m[i]), 1),
            )
        return snaps

    def _table(self, layer: str) -> _Table:
        version = next((info.version for info in self._store.layers() if info.name == layer), 0)
        table = self._tables.get(layer)
        if table is None or table.version != version:
            table = _point_table(self._store.layer(layer))
            with self._lock:
                self._tables[layer] = table
        return table

    def _facilities(self, table: _Table, profile: str) -> Facilities:
        if profile not in table.facilities:
            router = self._routers[profile]
            table.facilities[profile] = router.facilities(router.snap(_targets(table)))
        return table.facilities[profile]

    def _fits(self, place: Place, question: NearestQuestion) -> bool:
        if place.status == "removed" or (
            place.status == "paused" and not (place.status_from or place.status_until)
        ):
            return False
        offered = {service.kind for service in place.services}
        operators = {place.operator, place.power.operator if place.power else None}
        return offered.issuperset(question.services) and (
            question.operator is None or question.operator in operators
        )

    def _timeline(self, place: Place, question: NearestQuestion) -> Timeline:
        return _place_timeline(place, question.services, question.at, question.at + HORIZON)

    def _windows(
        self, places: Sequence[Place], timelines: Sequence[Timeline | None], question: NearestQuestion
    ) -> Windows:
        """When each place counts, in milliseconds after departure; places that do not fit have no window."""
        start_ms = round(question.at.timestamp() * 1000)
        first, opens, closes = [0], [], []
        for place, timeline in zip(places, timelines, strict=True):
            kinds = self._accepted_kinds(place, question) if timeline else ()
            for begin_s, end_s, kind in _spans(timeline) if timeline else ():
                if kind in kinds:
                    opens.append(max(begin_s * 1000 - start_ms, 0))
                    closes.append(end_s * 1000 - start_ms)
            first.append(len(opens))
        return Windows(
            np.array(first, dtype=np.int32), np.array(opens, dtype=np.int64), np.array(closes, dtype=np.int64)
        )

    def _accepted_kinds(self, place: Place, question: NearestQuestion) -> tuple[Kind, ...]:
        stale = self._is_stale(place, question.at.astimezone(SHANGHAI).date())
        kinds = (Kind.OPEN,) if not stale or State.STALE in question.accept else ()
        return (*kinds, Kind.UNKNOWN) if State.UNKNOWN in question.accept else kinds

    def _is_stale(self, place: Place, on: date) -> bool:
        """Facts nobody dated are stale; a cabinet's state ages only where somebody reports it."""
        existence = place.provenance.checked_on("existence") or place.provenance.checked_on("hours")
        hours = place.provenance.checked_on("hours") or existence
        cabinet = place.provenance.checked_on("cabinet")
        if existence is None or hours is None:
            return True
        ages = [(existence, self._ages.existence_days), (hours, self._ages.hours_days)]
        ages += [(cabinet, self._ages.cabinet_days)] if cabinet else []
        return any((on - checked).days > days for checked, days in ages)

    def _hydrate(self, place: Place, cost_ms: int, length_mm: int, question: NearestQuestion) -> Found:
        arrival = question.at + timedelta(milliseconds=cost_ms)
        return Found(place, cost_ms, length_mm, self.opening(place, arrival, question.services))

    def _shortfall(
        self,
        router: Router,
        origin: Snaps,
        table: _Table,
        facilities: Facilities,
        wanted: Sequence[bool],
        question: NearestQuestion,
    ) -> Shortfall:
        """Look again without the clock: who would have fitted, and when does the first of them open?"""
        costs = router.nearest(origin, facilities, max(len(table.places), 1))
        all_found = [
            self._hydrate(table.places[f], int(cost_ms), int(length_mm), question)
            for f, cost_ms, length_mm in zip(
                costs.facility[0], costs.cost_ms[0], costs.length_mm[0], strict=True
            )
            if f != NONE and wanted[f]
        ]
        opening_later = [f for f in all_found if f.opening.state is State.CLOSED and f.opening.opens_at]
        return Shortfall(
            n_places=len(table.places),
            n_filtered=len(table.places) - sum(wanted),
            n_unreachable=sum(wanted) - len(all_found),
            states=Counter(f.opening.state for f in all_found),
            soonest=min(opening_later, key=lambda f: (f.opening.opens_at, f.cost_ms), default=None),
        )


def _point_table(layer: Layer) -> _Table:
    places = tuple(feature for feature in layer.features if isinstance(feature, Place))
    if layer.features and not places:
        raise InvalidInputError(
            f"layer={layer.name!r} holds areas, not places; ask for a layer of places",
            parameter="layer",
            value=layer.name,
        )
    return _Table(layer.version, places)


def _targets(table: _Table) -> FloatArray:
    return np.array([place.target for place in table.places], dtype=np.float64).reshape(-1, 2)


def _place_timeline(place: Place, services: Sequence[str], start: datetime, end: datetime) -> Timeline:
    """When the door, or all the services asked for, stand open; nothing before or after their dates."""
    parts = [build_timeline(place.hours, start, end)] if not services else []
    for service in place.services:
        if service.kind in services:
            timeline = build_timeline(service.hours or place.hours, start, end)
            parts.append(restrict_timeline(timeline, service.valid_from, service.valid_until))
    # An active place is in use within its dates, a paused one outside of them.
    return restrict_timeline(
        combine_timelines(parts),
        place.status_from,
        place.status_until,
        is_kept_inside=place.status == "active",
    )


def _spans(timeline: Timeline) -> Iterator[tuple[int, int, int]]:
    """Begin, end (epoch seconds) and kind of each stretch."""
    ends = [*timeline.start_s[1:].tolist(), timeline.end_s]
    return zip(timeline.start_s.tolist(), ends, timeline.kind.tolist(), strict=True)


def route_steps(network: Network, path: Path) -> list[Step]:
    """
    Pieces of a path joined by street name and mode; gaps are walked, an e-bike pushed.

    Parameters
    ----------
    network
        Streets the path runs on.
    path
        What its router found.

    Returns
    -------
    steps
        From the origin to the destination; costs and lengths add up to those of the path.
    """
    on_foot = "walk" if network.profile == "walk" else "push"
    pieces = [("", on_foot, int(path.gap_ms[0]), int(path.gap_mm[0]))]
    for edge, cost_ms, length_mm in zip(path.edge, path.edge_cost_ms, path.edge_length_mm, strict=True):
        name = network.names[network.link_name[network.edge_link[edge]]]
        pieces.append((name, MODES[network.edge_mode[edge]], int(cost_ms), int(length_mm)))
    pieces.append(("", on_foot, int(path.gap_ms[1]), int(path.gap_mm[1])))
    steps: list[Step] = []
    for name, mode, cost_ms, length_mm in pieces:
        if cost_ms == 0 and length_mm == 0:
            continue
        if steps and (steps[-1].name, steps[-1].mode) == (name, mode):
            last = steps.pop()
            cost_ms, length_mm = last.cost_ms + cost_ms, last.length_mm + length_mm
        steps.append(Step(name, mode, cost_ms, length_mm))
    return steps
