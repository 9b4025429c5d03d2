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
from geo_service.finder.questions import (
    ACCEPTABLE,
    HORIZON,
    K_MAX,
    OUTLOOK,
    RANGE_MAX_M,
    Ages,
    FloatArray,
    Found,
    NearestAnswer,
    NearestQuestion,
    OnwayAnswer,
    RouteAnswer,
    Shortfall,
    Step,
    Stop,
)
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

LongArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Table:
    """One version of a layer: its places and, per profile, where they meet the streets."""

    version: int
    places: tuple[Place, ...]
    facilities: dict[str, Facilities] = field(default_factory=dict)


class _Prepared(NamedTuple):
    """A question ready for the engine."""

    router: Router
    table: _Table
    facilities: Facilities
    wanted: list[bool]
    windows: Windows


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
        router, table, facilities, wanted, windows = self._prepare(question)
        start = self._snap_near(router, origins, "from")
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

    def onway(self, question: NearestQuestion, origin: FloatArray, destination: FloatArray) -> OnwayAnswer:
        """
        The k places of least added time between two points, open when one gets there.

        Parameters
        ----------
        question
            What is asked.
        origin
            Longitude, latitude, WGS 84 degrees, shape ``(2,)``.
        destination
            Likewise.

        Returns
        -------
        answer
            Cost without a stop, and the stops, least added first; equal ones by feature id.

        Raises
        ------
        InvalidInputError
            If the question cannot be asked, or a point is far from any street.
        NotFoundError
            If there is no such layer.
        UnreachableError
            If no way leads to the destination.
        """
        router, table, facilities, _, windows = self._prepare(question)
        start = self._snap_near(router, origin[None, :], "from")
        end = self._snap_near(router, destination[None, :], "to")
        stops = router.onway(start, end, facilities, question.k, windows)
        hits = stops.facility != NONE
        columns = (stops.facility[hits], stops.arrival_ms[hits], stops.length_mm[hits], stops.added_ms[hits])
        found = tuple(
            Stop(self._hydrate(table.places[f], int(cost_ms), int(length_mm), question), int(added_ms))
            for f, cost_ms, length_mm, added_ms in zip(*columns, strict=True)
        )
        return OnwayAnswer(stops.direct_ms, found)

    def within_range(
        self,
        question: NearestQuestion,
        origin: FloatArray,
        range_m: float,
        reserve_m: float = 0.0,
        via: FloatArray | None = None,
    ) -> tuple[Found, ...]:
        """
        The k nearest places that a remaining range reaches, open on arrival.

        Parameters
        ----------
        question
            What is asked.
        origin
            Longitude, latitude, WGS 84 degrees, shape ``(2,)``.
        range_m
            How far the battery still goes, metres; the length of the fastest way is compared.
        reserve_m
            How much of it must be left on arrival, metres.
        via
            A drop-off to pass first, shape ``(2,)``; none if absent.

        Returns
        -------
        found
            Nearest by cost first, cost and length by way of the drop-off.

        Raises
        ------
        InvalidInputError
            If the question cannot be asked, a point is far from any street, or a length is negative.
        NotFoundError
            If there is no such layer.
        UnreachableError
            If no way leads to the drop-off.
        """
        for name, metres in (("range_m", range_m), ("reserve_m", reserve_m)):
            if not 0 <= metres <= RANGE_MAX_M:
                raise InvalidInputError(
                    f"{name}={metres} is outside 0..{RANGE_MAX_M}", parameter=name, value=metres
                )
        router, table, facilities, _, windows = self._prepare(question)
        start = self._snap_near(router, origin[None, :], "from")
        stop = None if via is None else self._snap_near(router, via[None, :], "via")
        within = router.range(
            start,
            facilities,
            round(range_m * 1000),
            reserve_mm=round(reserve_m * 1000),
            via=stop,
            windows=windows,
        )
        return tuple(
            self._hydrate(table.places[f], int(cost_ms), int(length_mm), question)
            for f, cost_ms, length_mm in zip(*(column[: question.k] for column in within), strict=True)
        )

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

    def _prepare(self, question: NearestQuestion) -> _Prepared:
        """Check a question and turn places and hours into what the engine understands."""
        router = self._router(question.profile)
        self._check_question(question)
        table = self._table(question.layer)
        facilities = self._facilities(table, question.profile)
        wanted = [self._fits(place, question) for place in table.places]
        timelines = [
            self._timeline(place, question) if fits else None
            for place, fits in zip(table.places, wanted, strict=True)
        ]
        return _Prepared(router, table, facilities, wanted, self._windows(table.places, timelines, question))

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
