"""
What is prepared of a layer once per version: where its places meet the streets, which fit a wish, when they count.

Hours become open stretches of absolute time once for a day; a question asked at any instant of that day moves
them to its departure, without looking at a single place. All of it is kept with the table of the version, as
much as is bounded here, and goes with it.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.engine.router import NONE, Facilities, Router, Snaps, Windows
from geo_service.errors import InvalidInputError
from geo_service.finder.doubted import NO_DOUBTS, Doubted, Doubts, without_open
from geo_service.finder.standing import HORIZON, Standing, build_standing, place_timeline
from geo_service.hours import SHANGHAI, Kind, State, Timeline
from geo_service.layers import Layer, Place

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

KEPT_WISHES = 16
"""How many wishes a table keeps facilities for; each may be as large as the layer's own."""

KEPT_DAYS = 64
"""How many combinations of wish, day and accepted states a table keeps hours for."""

KEPT_READY = 256
"""How many questions a table keeps ready, whoever asks them and at whatever instant of a day."""

KEPT_DOUBTS = 16
"""How many of these are kept as well with what is said against some places; each new word against one ends them."""

_HORIZON_MS = HORIZON // timedelta(milliseconds=1)


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

    def is_stale(self, place: Place, on: date) -> bool:
        """Facts nobody dated are stale; a cabinet's state ages only where somebody reports it."""
        first = self.stale_on(place)
        return first is None or on >= first

    def stale_on(self, place: Place) -> date | None:
        """The first day on which facts of a place are too old, whatever the hour; None if they always are."""
        existence = place.provenance.checked_on("existence") or place.provenance.checked_on("hours")
        hours = place.provenance.checked_on("hours") or existence
        cabinet = place.provenance.checked_on("cabinet")
        if existence is None or hours is None:
            return None
        ages = [(existence, self.existence_days), (hours, self.hours_days)]
        ages += [(cabinet, self.cabinet_days)] if cabinet else []
        return min(checked + timedelta(days=days + 1) for checked, days in ages)


@dataclass(frozen=True)
class Wish:
    """
    What a place must be, whatever the hour.

    Parameters
    ----------
    services
        Kinds of service that it must all offer.
    operator
        Operator of the cabinet or the place, exactly as written there; any if absent.
    plan
        Plan that its cabinet serves, exactly as written there; any if absent.
    voltage_v
        Voltage that its cabinet serves; any if absent.
    """

    services: tuple[str, ...] = ()
    operator: str | None = None
    plan: str | None = None
    voltage_v: int | None = None

    def is_met(self, place: Place) -> bool:
        """Whether the place is in use at all, and is what is wished for."""
        if place.status == "removed" or (
            place.status == "paused" and not (place.status_from or place.status_until)
        ):
            return False
        power = place.power
        offered = {service.kind for service in place.services}
        return (
            offered.issuperset(self.services)
            and (self.operator is None or self.operator in (place.operator, power and power.operator))
            and (self.plan is None or (power is not None and self.plan == power.plan))
            and (self.voltage_v is None or (power is not None and self.voltage_v in power.voltage_v))
        )


NO_WISH = Wish()
"""Any place in use."""


class OpenTimes(NamedTuple):
    """
    When places count, in absolute time.

    Parameters
    ----------
    first
        Stretches of place ``f`` are ``first[f]:first[f + 1]``, shape ``(f + 1,)``.
    open_ms
        Where each begins, milliseconds since 1970, shape ``(s,)``.
    close_ms
        Where it ends, not included, shape ``(s,)``.
    """

    first: npt.NDArray[np.int32]
    open_ms: LongArray
    close_ms: LongArray

    def after(self, start_ms: int) -> Windows:
        """The same for who departs at an instant, milliseconds since 1970, as far as the horizon."""
        return Windows(self.first, self.open_ms, self.close_ms, start_ms, _HORIZON_MS)

    def throughout(self, begin: datetime, end: datetime) -> BoolArray:
        """Whether each place counts from one instant to another, both included, shape ``(f,)``."""
        holds = (self.open_ms <= epoch_ms(begin)) & (self.close_ms > epoch_ms(end))
        place = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        is_open = np.zeros(len(self.first) - 1, dtype=np.bool_)
        is_open[place[holds]] = True
        return is_open


class Ready(NamedTuple):
    """
    A question of a day, but for the place and the instant of departure.

    Parameters
    ----------
    router
        Of the profile.
    facilities
        The places that fit; rows are those of the table.
    times
        When they count.
    standings
        How each stands.
    begin_ms
        The midnight that begins the day, milliseconds since 1970.
    end_ms
        The one that ends it.
    """

    router: Router
    facilities: Facilities
    times: OpenTimes
    standings: Mapping[int, Standing]
    begin_ms: int
    end_ms: int


class _Standings(dict[int, Standing]):
    """How the places of a table stand on a day, by row, each worked out when it is first asked for."""

    def __init__(self, build: Callable[[int], Standing]) -> None:
        super().__init__()
        self._build = build

    def __missing__(self, row: int) -> Standing:
        return self.setdefault(row, self._build(row))


class Table:
    """
    One version of a layer of places, and what questions have prepared of it; safe to share between threads.

    Parameters
    ----------
    layer
        The layer.
    routers
        One router per profile.
    ages
        When facts become stale.
    before
        The table of an earlier version; what is known of the streets is taken over but for places that came or moved.

    Raises
    ------
    InvalidInputError
        If the layer holds areas.
    """

    def __init__(
        self, layer: Layer, routers: Mapping[str, Router], ages: Ages, before: "Table | None" = None
    ) -> None:
        self.version = layer.version
        self.places = tuple(feature for feature in layer.features if isinstance(feature, Place))
        if layer.features and not self.places:
            raise InvalidInputError(
                f"layer={layer.name!r} holds areas, not places; ask for a layer of places",
                parameter="layer",
                value=layer.name,
            )
        self.targets: FloatArray = np.array([place.target for place in self.places], np.float64).reshape(
            -1, 2
        )
        self._routers = routers
        self._ages = ages
        self.fitting = lru_cache(maxsize=KEPT_DAYS)(self._fitting)
        self._row_of = {place.id: row for row, place in enumerate(self.places)}
        self._snaps: dict[str, Snaps] = {}
        self._wholes: dict[str, Facilities] = {}
        if before is not None:
            self._take_over(before)
        self.ready: dict[Hashable, Ready] = {}
        """By what `Finder` asks with; one that is of another day is made anew."""
        self._some = lru_cache(maxsize=KEPT_WISHES)(self._some_facilities)
        self.facilities = lru_cache(maxsize=KEPT_DAYS)(self._fitting_facilities)
        self._times = lru_cache(maxsize=KEPT_DAYS)(self._open_times)
        self.standings = lru_cache(maxsize=KEPT_DAYS)(self._standings)
        self._doubted_times = lru_cache(maxsize=KEPT_DOUBTS)(self._times_less)

    def open_times(
        self, wish: Wish, accept: frozenset[State], day: date, doubts: Doubts = NO_DOUBTS
    ) -> OpenTimes:
        """
        When places that fit a wish count for who departs on a day.

        Parameters
        ----------
        wish
            What they must be; places that are not never count.
        accept
            States that count besides open and closing soon.
        day
            In Asia/Shanghai.
        doubts
            Where an "open" counts as stale; those of other layers change nothing.

        Returns
        -------
        times
            From the midnight that begins the day to the horizon after the one that ends it.
        """
        own = () if State.STALE in accept else tuple(d for d in doubts.spans if d.place in self._row_of)
        return self._doubted_times(wish, accept, day, own) if own else self._times(wish, accept, day)

    def make_ready(
        self, asked: Hashable, profile: str, wish: Wish, accept: frozenset[State], day: date, doubts: Doubts
    ) -> Ready:
        """
        Make a question of a day ready, and keep it.

        Parameters
        ----------
        asked
            What it is kept under.
        profile
            One of the routers' profiles.
        wish
            What places must be.
        accept
            States that count besides open and closing soon.
        day
            Of departure, in Asia/Shanghai.
        doubts
            Where an "open" counts as stale.

        Returns
        -------
        ready
            For any instant of that day.
        """
        begin = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
        ready = Ready(
            self._routers[profile],
            self.facilities(profile, wish),
            self.open_times(wish, accept, day, doubts),
            self.standings(wish.services, day),
            epoch_ms(begin),
            epoch_ms(begin + timedelta(days=1)),
        )
        if len(self.ready) >= KEPT_READY:
            self.ready.clear()
        self.ready[asked] = ready
        return ready

    def snaps(self, profile: str) -> Snaps:
        """
        Where the places meet the streets.

        Parameters
        ----------
        profile
            One of the routers' profiles.

        Returns
        -------
        snaps
            By row.
        """
        found = self._snaps.get(profile)
        if found is None:
            found = self._snaps.setdefault(profile, self._routers[profile].snap(self.targets))
        return found

    def _standings(self, services: tuple[str, ...], day: date) -> Mapping[int, Standing]:
        """How the places stand for whoever departs on a day; worked out once for all with the same hours."""
        known: dict[Hashable, Standing] = {}
        days = [day + timedelta(days=i) for i in range(2 + HORIZON.days)]

        def build(row: int) -> Standing:
            place = self.places[row]
            alike = _hours_of(place, services), tuple(self._ages.is_stale(place, on) for on in days)
            if alike not in known:
                known[alike] = build_standing(place, services, day, self._ages.is_stale)
            return known[alike]

        return _Standings(build)

    def _take_over(self, before: "Table") -> None:
        """Put only those places on the streets that came or moved; readers of the earlier table notice nothing."""
        same = [before._row_of.get(place.id, NONE) for place in self.places]
        kept = np.array(same, dtype=np.int64)
        kept[(kept != NONE) & (before.targets[kept] != self.targets).any(axis=1)] = NONE
        if len(kept) == len(before.places) and NONE not in kept:
            self._snaps, self._wholes = before._snaps, before._wholes
            return
        come = np.flatnonzero(kept == NONE)
        for profile, snaps in before._snaps.copy().items():
            anew = self._routers[profile].snap(self.targets[come])
            self._snaps[profile] = Snaps(*(_written(a, kept, b) for a, b in zip(snaps, anew, strict=True)))
            if whole := before._wholes.get(profile):
                self._wholes[profile] = whole.later(kept, anew)

    def _fitting(self, wish: Wish) -> BoolArray:
        return np.array([wish.is_met(place) for place in self.places], dtype=np.bool_)

    def _fitting_facilities(self, profile: str, wish: Wish) -> Facilities:
        """The places that fit a wish, ready for the engine; rows are those of `places`."""
        return self._whole(profile) if self.fitting(wish).all() else self._some(profile, wish)

    def _whole(self, profile: str) -> Facilities:
        found = self._wholes.get(profile)
        if found is None:
            found = self._wholes.setdefault(profile, self._routers[profile].facilities(self.snaps(profile)))
        return found

    def _some_facilities(self, profile: str, wish: Wish) -> Facilities:
        return self._whole(profile).where(self.fitting(wish))

    def _open_times(self, wish: Wish, accept: frozenset[State], day: date) -> OpenTimes:
        start, end = _span_of(day)
        first, opens, closes = [0], [], []
        known: dict[Hashable, list[tuple[int, int]]] = {}
        for place, fits in zip(self.places, self.fitting(wish), strict=True):
            kinds = self._accepted(place, accept, day) if fits else ()
            if kinds:
                alike = _hours_of(place, wish.services), kinds
                if alike not in known:
                    known[alike] = list(_joined(place_timeline(place, wish.services, start, end), kinds))
                opens += [begin_s for begin_s, _ in known[alike]]
                closes += [end_s for _, end_s in known[alike]]
            first.append(len(opens))
        columns = (
            np.array(first, np.int32),
            np.array(opens, np.int64) * 1000,
            np.array(closes, np.int64) * 1000,
        )
        return OpenTimes(*columns)

    def _times_less(
        self, wish: Wish, accept: frozenset[State], day: date, doubted: tuple[Doubted, ...]
    ) -> OpenTimes:
        """Those of a day, the doubted places alone worked out anew and put in the place of the old."""
        times = self._times(wish, accept, day)
        anew = {
            self._row_of[place_id]: self._windows_less(self._row_of[place_id], wish, accept, day, spans)
            for place_id, spans in Doubts(doubted).of.items()
        }
        row = np.repeat(np.arange(len(self.places)), np.diff(times.first))
        kept = ~np.isin(row, list(anew))
        rows = np.concatenate([row[kept], np.repeat(list(anew), [len(w) for w in anew.values()])])
        windows = np.array([w for found in anew.values() for w in found], np.int64).reshape(-1, 2) * 1000
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows.astype(np.int64), minlength=len(self.places))
        return OpenTimes(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
            np.concatenate([times.open_ms[kept], windows[:, 0]])[order],
            np.concatenate([times.close_ms[kept], windows[:, 1]])[order],
        )

    def _windows_less(
        self, row: int, wish: Wish, accept: frozenset[State], day: date, spans: Sequence[Doubted]
    ) -> list[tuple[int, int]]:
        place = self.places[row]
        kinds = self._accepted(place, accept, day) if self.fitting(wish)[row] else ()
        if not kinds:  # without a service that is asked for there is no line of it either
            return []
        line = place_timeline(place, wish.services, *_span_of(day))
        return list(_joined(without_open(line, spans), kinds))

    def _accepted(self, place: Place, accept: frozenset[State], day: date) -> tuple[Kind, ...]:
        kinds = (Kind.OPEN,) if State.STALE in accept or not self._ages.is_stale(place, day) else ()
        return (*kinds, Kind.UNKNOWN) if State.UNKNOWN in accept else kinds


def _span_of(day: date) -> tuple[datetime, datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return start, start + timedelta(days=1) + HORIZON


def _hours_of(place: Place, services: Sequence[str]) -> Hashable:
    """All that `place_timeline` looks at; many places of a layer have it in common."""
    asked = tuple(service for service in place.services if service.kind in services)
    return place.hours, asked, place.status == "active", place.status_from, place.status_until


def _joined(timeline: Timeline, kinds: tuple[Kind, ...]) -> Iterator[tuple[int, int]]:
    """Stretches of any of those kinds, begin and end in epoch seconds; those that touch are one."""
    starts = timeline.start_s.tolist()
    begin: int | None = None
    for start_s, kind in zip(starts, timeline.kind.tolist(), strict=True):
        if kind in kinds:
            begin = start_s if begin is None else begin
        elif begin is not None:
            yield begin, start_s
            begin = None
    if begin is not None:
        yield begin, timeline.end_s


def _written(before: Any, kept: LongArray, new: Any) -> Any:
    """Rows of a column that are kept, and in the gaps those that come."""
    out = before[np.maximum(kept, 0)] if len(before) else np.empty(len(kept), before.dtype)
    out[kept == NONE] = new
    return out


def epoch_ms(at: datetime) -> int:
    """
    Give an instant as milliseconds since 1970.

    Parameters
    ----------
    at
        The instant, aware.

    Returns
    -------
    instant_ms
        Rounded.
    """
    return round(at.timestamp() * 1000)
