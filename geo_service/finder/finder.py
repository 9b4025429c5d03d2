"""
A rider's questions: which place, how long, which way; and a planner's: how much is covered.

A question comes down as text made values, is snapped to the streets, searched as numbers,
and only the answers become objects again. Layers are read once per version; every question
begins by asking the store which version is the present one.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from geo_service.engine.router import NONE, SNAP_LIMIT_M, Facilities, Reach, Router, Snaps, Windows
from geo_service.errors import InvalidInputError
from geo_service.finder.changes import try_changes
from geo_service.finder.coverage import Cover
from geo_service.finder.doubted import NO_DOUBTS, Doubts
from geo_service.finder.point import find_from_point
from geo_service.finder.questions import (
    ACCEPTABLE,
    K_MAX,
    RANGE_MAX_M,
    Band,
    CoverageAnswer,
    CoverageQuestion,
    FloatArray,
    Found,
    NearestAnswer,
    NearestQuestion,
    OnwayAnswer,
    OpenPlaces,
    RangeAnswer,
    RouteAnswer,
    Shortfall,
    Stop,
    WhatIfAnswer,
    check_cutoff,
)
from geo_service.finder.standing import OUTLOOK, place_timeline
from geo_service.finder.steps import route_steps
from geo_service.finder.tables import Ages, Ready, Table, Wish, epoch_ms
from geo_service.geo import check_lonlat
from geo_service.hours import SHANGHAI, Opening, State, opening_on
from geo_service.layers import CATALOGUE, Catalogue, Place, is_active
from geo_service.store.base import Store

LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


_ANY_MM = 1 << 40
"""Farther than any way."""


def _day_of(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


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
        self._tables: dict[str, Table] = {}
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
        table, ready, windows = self._prepare(question)
        router, facilities = ready.router, ready.facilities
        if len(origins) == 1 and (found := find_from_point(table, ready, windows, question, origins)):
            return (NearestAnswer(found, None),)
        start = self._snap_near(router, origins, "from")
        nearest = router.nearest(start, facilities, question.k, windows)
        answers = []
        for row in range(len(origins)):
            hits = nearest.facility[row] != NONE
            found = self._hydrate_all(table, (column[row][hits] for column in nearest), question)
            enough = len(found) >= question.k
            origin = start.take(slice(row, row + 1))
            answers.append(
                NearestAnswer(
                    found, None if enough else self._shortfall(router, origin, table, facilities, question)
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
        table, ready, windows = self._prepare(question)
        router, facilities = ready.router, ready.facilities
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
    ) -> RangeAnswer:
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
        answer
            Nearest by cost first, cost and length by way of the drop-off; if none is within range, the one of
            the shortest way, to say how much is missing.

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
        table, ready, windows = self._prepare(question)
        router, facilities = ready.router, ready.facilities
        start = self._snap_near(router, origin[None, :], "from")
        stop = None if via is None else self._snap_near(router, via[None, :], "via")
        limits = (round(range_m * 1000), round(reserve_m * 1000))
        within = router.range(start, facilities, limits[0], reserve_mm=limits[1], via=stop, windows=windows)
        if len(within.facility) == 0:
            anywhere = router.range(start, facilities, _ANY_MM, via=stop, windows=windows)
            row = slice(int(np.argmin(anywhere.length_mm)), None) if len(anywhere.facility) else slice(0)
            nearest = self._hydrate_all(table, (column[row][:1] for column in anywhere), question)
            return RangeAnswer((), nearest[0] if nearest else None)
        found = self._hydrate_all(table, (column[: question.k] for column in within), question)
        return RangeAnswer(found, None)

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

    def bands(self, origin: FloatArray, profile: str, cutoffs_ms: Sequence[int]) -> tuple[Band, ...]:
        """
        Outlines of what is within ever more time of a point.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees, shape ``(2,)``.
        profile
            One of the router's profiles.
        cutoffs_ms
            Longest costs, milliseconds, inclusive, in any order.

        Returns
        -------
        bands
            The least cutoff first; each outline holds the one before.

        Raises
        ------
        InvalidInputError
            If the profile is unknown, the point far from any street, or the cutoffs are none, too many or too long.
        """
        from geo_service.finder.outline import reach_bands

        router = self._router(profile)
        return reach_bands(router, self._snap_near(router, origin[None, :], "from"), cutoffs_ms)

    def coverage(self, question: CoverageQuestion) -> CoverageAnswer:
        """
        How much of the streets has a place of a layer within a cutoff.

        Parameters
        ----------
        question
            What is asked.

        Returns
        -------
        answer
            Counts, and the cover itself.

        Raises
        ------
        InvalidInputError
            If the question cannot be asked.
        NotFoundError
            If there is no such layer.
        """
        table, rows = self._eligible(question)
        router = self._router(question.profile)
        cover = Cover(router, table.snaps(question.profile).take(rows), question.cutoff_ms)
        return CoverageAnswer(len(table.places), len(rows), cover)

    def what_if(self, question: CoverageQuestion, without: Sequence[str], new: FloatArray) -> WhatIfAnswer:
        """
        What changes in a coverage when places go or come: all of it together, and each alone.

        Parameters
        ----------
        question
            The coverage as it stands.
        without
            Ids of places that go; one that does not count now changes nothing.
        new
            Longitude, latitude, WGS 84 degrees, of places that come, shape ``(t, 2)``; always open.

        Returns
        -------
        answer
            Coverage before and after, and what each change alone does.

        Raises
        ------
        InvalidInputError
            If the question cannot be asked, or a new place is far from any street.
        NotFoundError
            If there is no such layer or place.
        """
        table, rows = self._eligible(question)
        router = self._router(question.profile)
        come = self._snap_near(router, new.reshape(-1, 2), "with")
        return try_changes(router, table, rows, question, without, come)

    def open_through(self, question: CoverageQuestion, instants: Sequence[datetime]) -> OpenPlaces:
        """
        Which places of a layer are open throughout, for who departs at each of many instants.

        Parameters
        ----------
        question
            What places must be, and the cutoff until which they stay open; its own instant does not count.
        instants
            Departures, aware.

        Returns
        -------
        places
            Those that fit and are near a street, with when they are open.

        Raises
        ------
        InvalidInputError
            If the question cannot be asked.
        NotFoundError
            If there is no such layer.
        """
        self._router(question.profile)
        self._check_wish(question.wish, question.accept)
        check_cutoff(question.cutoff_ms)
        table = self._table(question.layer)
        fits = table.fitting(question.wish) & (table.snaps(question.profile).link != NONE)
        rows, cutoff = np.flatnonzero(fits), timedelta(milliseconds=question.cutoff_ms)
        is_open = np.zeros((len(rows), len(instants)), dtype=np.bool_)
        for column, at in enumerate(instants):
            day = at.astimezone(SHANGHAI).date()
            times = table.open_times(question.wish, question.accept, day, question.doubts)
            is_open[:, column] = times.throughout(at, at + cutoff)[rows]
        places = tuple(table.places[row] for row in rows.tolist())
        return OpenPlaces(places, table.snaps(question.profile).take(rows), is_open)

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
        self._router(profile)
        snaps = table.snaps(profile)
        return tuple((table.places[i], float(snaps.gap_m[i])) for i in np.flatnonzero(snaps.link == NONE))

    def opening(
        self, place: Place, at: datetime, services: Sequence[str] = (), doubts: Doubts = NO_DOUBTS
    ) -> Opening:
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
        doubts
            Where an "open" is stale, because somebody on the spot speaks against it.

        Returns
        -------
        opening
            State, until when, and when it opens again.
        """
        timeline = place_timeline(place, services, at, at + OUTLOOK)
        is_stale = doubts.holds(place.id, at) or self._ages.is_stale(place, at.astimezone(SHANGHAI).date())
        return opening_on(timeline, at, is_stale=is_stale)

    # -- the steps of a question ------------------------------------------------------------------

    def _prepare(self, question: NearestQuestion) -> tuple[Table, Ready, Windows]:
        """Check a question and turn places and hours into what the engine understands."""
        if not 1 <= question.k <= K_MAX:
            raise InvalidInputError(f"k={question.k} is outside 1..{K_MAX}", parameter="k", value=question.k)
        table, at_ms = self._table(question.layer), epoch_ms(question.at)
        asked = (
            question.profile, question.services, question.operator, question.accept, question.plan,
            question.voltage_v, question.doubts.spans,
        )  # fmt: skip
        ready = table.ready.get(asked)
        if ready is None or not ready.begin_ms <= at_ms < ready.end_ms:
            self._router(question.profile)
            wish, accept = question.wish, question.accept
            self._check_wish(wish, accept)
            day, doubts = _day_of(question.at), question.doubts
            ready = table.make_ready(asked, question.profile, wish, accept, day, doubts)
        return table, ready, ready.times.after(at_ms)

    def _eligible(self, question: CoverageQuestion) -> tuple[Table, LongArray]:
        """Rows of the places that count for a coverage: near a street, fitting, and open if a time is asked for."""
        self._router(question.profile)
        self._check_wish(question.wish, question.accept)
        check_cutoff(question.cutoff_ms)
        table = self._table(question.layer)
        counts = table.fitting(question.wish) & (table.snaps(question.profile).link != NONE)
        if question.at is None:
            counts &= np.array([is_active(place, question.on) for place in table.places], dtype=np.bool_)
        else:
            day = question.at.astimezone(SHANGHAI).date()
            times = table.open_times(question.wish, question.accept, day, question.doubts)
            counts &= times.throughout(question.at, question.at + timedelta(milliseconds=question.cutoff_ms))
        return table, np.flatnonzero(counts)

    def _router(self, profile: str) -> Router:
        try:
            return self._routers[profile]
        except KeyError:
            raise InvalidInputError(
                f"profile={profile!r} has no streets here; allowed: {', '.join(sorted(self._routers)) or 'none'}",
                parameter="profile",
                value=profile,
            ) from None

    def _check_wish(self, wish: Wish, accept: frozenset[State]) -> None:
        for kind in wish.services:
            if kind not in self._catalogue.services:
                raise InvalidInputError(
                    f"service={kind!r} is not known; allowed: {', '.join(self._catalogue.services)}",
                    parameter="service",
                    value=kind,
                )
        for state in accept:
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

    def _table(self, layer: str) -> Table:
        version = self._store.version(layer)
        table = self._tables.get(layer)
        if table is None or table.version != version:
            table = Table(self._store.layer(layer), self._routers, self._ages, before=table)
            with self._lock:
                self._tables[layer] = table
        return table

    def _hydrate_all(
        self, table: Table, columns: Iterable[npt.NDArray[np.integer]], question: NearestQuestion
    ) -> tuple[Found, ...]:
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return tuple(
            self._hydrate(table.places[f], cost_ms, length_mm, question) for f, cost_ms, length_mm in rows
        )

    def _hydrate(self, place: Place, cost_ms: int, length_mm: int, question: NearestQuestion) -> Found:
        arrival = question.at + timedelta(milliseconds=cost_ms)
        opening = self.opening(place, arrival, question.services, question.doubts)
        return Found(place, cost_ms, length_mm, opening)

    def _shortfall(
        self, router: Router, origin: Snaps, table: Table, facilities: Facilities, question: NearestQuestion
    ) -> Shortfall:
        """Look again without the clock: who would have fitted, and when does the first of them open?"""
        costs = router.nearest(origin, facilities, max(len(table.places), 1))
        n_fitting = int(table.fitting(question.wish).sum())
        hits = costs.facility[0] != NONE
        all_found = self._hydrate_all(table, (column[0][hits] for column in costs), question)
        opening_later = [f for f in all_found if f.opening.state is State.CLOSED and f.opening.opens_at]
        return Shortfall(
            n_places=len(table.places),
            n_filtered=len(table.places) - n_fitting,
            n_unreachable=n_fitting - len(all_found),
            states=Counter(f.opening.state for f in all_found),
            soonest=min(opening_later, key=lambda f: (f.opening.opens_at, f.cost_ms), default=None),
        )
