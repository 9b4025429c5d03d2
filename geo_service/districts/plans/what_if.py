"""
What if: a site comes, hours change, a place closes, and everything follows while the pointer moves.

Hours in which the same places are open are one column, and of the count of open places near each demand point only
those rows are counted again that a changed place reaches. The answers equal those of a `Planner` whose parameters
hold the same changes; tests hold that.
"""

import threading
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.districts.plans.checks import areas_of_demand
from geo_service.districts.plans.planner import NAMES_SHOWN, Planner
from geo_service.errors import InvalidInputError
from geo_service.geo import metres_per_degree
from geo_service.layers import Place
from geo_service.planning.changes import Change, changed_rows, new_places
from geo_service.planning.cover import count_open, gini, within
from geo_service.planning.demand import HOURS, KINDS, Group, weigh
from geo_service.planning.week import hours_at

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Answer = dict[str, Any]

_KEPT_POINTS = 512
"""Points whose nearness is remembered; a drag asks for the same ones when it goes back."""

_KEPT_HOURS = 64
"""Opening hours whose week is remembered."""

_LONG_MM = 2000
"""Streets from this length on tell how fast one may be; of shorter ones the whole milliseconds say little."""


class _Counted(NamedTuple):
    """
    Coverage after some changes.

    Parameters
    ----------
    column_of
        Column of each hour of the week, shape ``(168,)``.
    is_covered
        Shape ``(n, columns)``.
    riders, backup
        Riders covered, and covered with one place to spare, in each hour, shape ``(168,)``.
    hours_of
        Covered rider-hours of each point over the week, shape ``(n,)``.
    is_always
        Points covered in every hour, shape ``(n,)``.
    """

    column_of: LongArray
    is_covered: BoolArray
    riders: FloatArray
    backup: FloatArray
    hours_of: FloatArray
    is_always: BoolArray


class _Moved(NamedTuple):
    """One place that opens or shuts: the points it is near to, and by how much the count changes in each hour."""

    is_near: BoolArray
    steps: npt.NDArray[np.int16]


class WhatIf:
    """
    One planner's places and demand, ready to be tried; safe to share between threads.

    Parameters
    ----------
    planner
        Without changes of its own.
    groups
        Who is out, when and where, instead of the planner's own.
    stations
        How many open places must be near enough.

    Raises
    ------
    InvalidInputError
        If the planner has changes of its own, or a group makes no sense.
    """

    def __init__(self, planner: Planner, groups: Sequence[Group], stations: int = 1) -> None:
        if planner.parameters.changes:
            raise InvalidInputError("what-if begins from what stands; leave changes out", parameter="changes")
        self.planner = planner
        self.stations = stations
        self.weights = weigh(planner.demand, tuple(groups), planner.week.is_workday)
        self._near: OrderedDict[tuple[float, float], BoolArray] = OrderedDict()
        self._opening: dict[str, npt.NDArray[np.int16]] = {}
        self._lock = threading.Lock()
        self._of_kind = np.zeros((len(KINDS), len(planner.demand)))
        self._of_kind[self.weights.kind, np.arange(len(planner.demand))] = self.weights.share
        is_open = planner.stand.places.is_open
        self._column_of, self._first = _columns(
            is_open if planner.mask is None else _with_mask(is_open, planner.mask)
        )
        self._count = count_open(planner.stand.is_near, is_open[:, self._first]).astype(np.int16)
        self._before = self._whole()

    def _whole(self) -> _Counted:
        count = self._masked(self._count, self._first)
        return self._summed(self._column_of, count >= self.stations, count > self.stations)

    def _masked(
        self, count: npt.NDArray[np.int16], hours: LongArray, rows: LongArray | slice = slice(None)
    ) -> npt.NDArray[np.int16]:
        mask = self.planner.mask
        return count if mask is None else np.where(mask[rows][:, hours], count, np.int16(0))

    def _summed(self, column_of: LongArray, is_covered: BoolArray, has_spare: BoolArray) -> _Counted:
        by_column = self._by_column(column_of, is_covered.shape[1])
        return _Counted(
            column_of,
            is_covered,
            self._riders(self._of_kind @ is_covered.astype(np.float64), column_of),
            self._riders(self._of_kind @ has_spare.astype(np.float64), column_of),
            self.weights.share * (is_covered * by_column[self.weights.kind]).sum(axis=1),
            np.asarray(is_covered.all(axis=1)),
        )

    def _by_column(self, column_of: LongArray, n_columns: int) -> FloatArray:
        """Riders at each kind, summed over the hours of each column, shape ``(kinds, columns)``."""
        hourly = self.weights.hourly
        sums = np.zeros((len(hourly), n_columns))
        np.add.at(sums.T, column_of, hourly.T)
        return sums

    def _riders(self, share: FloatArray, column_of: LongArray) -> FloatArray:
        """Riders in each hour, from the covered share of each kind in each column."""
        riders: FloatArray = (self.weights.hourly * share[:, column_of]).sum(axis=0)
        return riders

    # -- what changes -------------------------------------------------------------------------------

    def _near_to(self, lonlat: tuple[float, float]) -> BoolArray:
        """Points that have a point near enough, searched once."""
        key = (round(lonlat[0], 6), round(lonlat[1], 6))
        with self._lock:
            held = self._near.get(key)
        if held is not None:
            return held
        found = self._search(key)
        with self._lock:
            self._near[key] = found
            while len(self._near) > _KEPT_POINTS:
                self._near.popitem(last=False)
        return found

    def _search(self, lonlat: tuple[float, float]) -> BoolArray:
        """Only from points that are near enough as the crow flies at the fastest speed."""
        planner = self.planner
        away_m = (planner.demand.lonlat - lonlat) * metres_per_degree(lonlat[1])
        rows = np.flatnonzero(np.hypot(*away_m.T) <= self._fastest * planner.most_cost)
        is_near = np.zeros(len(planner.demand), dtype=np.bool_)
        at = planner.router.snap(np.array([lonlat]))
        is_near[rows] = within(planner.router.matrix(planner.snaps.take(rows), at), planner.most_cost)[:, 0]
        return is_near

    @cached_property
    def _fastest(self) -> float:
        """Metres that one unit of cost leads at most: on the fastest street, or on the way to it, and a little more."""
        network = self.planner.router.network
        length_mm = network.link_length_mm[network.edge_link]
        is_long = length_mm >= _LONG_MM
        mm_for_one = length_mm[is_long] / np.maximum(network.edge_weight_ms[is_long], 1)
        # costs are whole numbers, so that the quotient may be a hair off
        return 1.05 * max(float(mm_for_one.max(initial=0.0)) / 1000, 1 / max(network.gap_ms_per_m, 1.0))

    def _open(self, hours: str | None) -> npt.NDArray[np.int16]:
        with self._lock:
            held = self._opening.get(hours or "")
        if held is None:
            held = self.planner.week.open_by_text(hours, self.planner.cutoff_ms).astype(np.int16)
            with self._lock:
                self._opening = dict([*self._opening.items(), (hours or "", held)][-_KEPT_HOURS:])
        return held

    def _moved(self, changes: Sequence[Change]) -> list[_Moved]:
        stand, places = self.planner.stand, self._sites(changes)
        rows = changed_rows(stand.places.places, changes)
        last = {row: change for change, row in zip(changes, rows, strict=True) if row >= 0}
        closed = {row for change, row in zip(changes, rows, strict=True) if change.do == "close"}
        moved = [_Moved(self._near_to(site.target), self._open(site.hours)) for site in places]
        for row, change in last.items():
            before = stand.places.is_open[row].astype(np.int16)
            after = self._open(None if row in closed else change.hours)
            moved.append(_Moved(stand.is_near[:, row], after - before))
        return moved

    def _sites(self, changes: Sequence[Change]) -> list[Place]:
        given = self.planner.parameters
        return new_places(changes, given.need.layer, given.site_hours)

    def _count_again(self, moved: Sequence[_Moved]) -> _Counted:
        """Only the rows that a changed place is near to are counted again."""
        before, steps = self._before, np.array([one.steps for one in moved]).reshape(-1, HOURS)
        near = np.array([one.is_near for one in moved]).reshape(len(moved), -1)
        rows = np.flatnonzero(near.any(axis=0))
        column_of, first = _columns(np.concatenate([self._column_of[None, :].astype(np.int16), steps]))
        old = self._column_of[first]
        count = self._count[rows][:, old]
        was = self._masked(count, first, rows)
        now = self._masked(
            count
            + (near[:, rows].T.astype(np.float32) @ steps[:, first].astype(np.float32)).astype(np.int16),
            first,
            rows,
        )
        spare = (now > self.stations).astype(np.float64) - (was > self.stations)
        more = (now >= self.stations).astype(np.float64) - (was >= self.stations)
        is_covered = before.is_covered[:, old]
        is_covered[rows] = now >= self.stations
        by_column = self._by_column(column_of, len(first))[self.weights.kind[rows]]
        hours_of, is_always = before.hours_of.copy(), before.is_always.copy()
        hours_of[rows] = self.weights.share[rows] * (is_covered[rows] * by_column).sum(axis=1)
        is_always[rows] = is_covered[rows].all(axis=1)
        return _Counted(
            column_of,
            is_covered,
            before.riders + self._riders(self._of_kind[:, rows] @ more, column_of),
            before.backup + self._riders(self._of_kind[:, rows] @ spare, column_of),
            hours_of,
            is_always,
        )

    # -- answers ------------------------------------------------------------------------------------

    def ask(self, changes: Sequence[Change] = (), hour: int = 14) -> Answer:
        """
        Coverage as if some changes were made.

        Parameters
        ----------
        changes
            What is tried; none for what stands.
        hour
            Hour of the week that the map and the names are of, 0 to 167.

        Returns
        -------
        answer
            Shares by hour, the two hours beside each other, cost, communities, names left out, places.

        Raises
        ------
        InvalidInputError
            If a change is about no place that stands, or hours cannot be read.
        """
        if not 0 <= hour < HOURS:
            raise InvalidInputError(f"hour={hour}; give 0 to {HOURS - 1}", parameter="hour", value=hour)
        counted = self._count_again(self._moved(changes)) if changes else self._before
        total = self.weights.total
        return {
            "covered_share": _share(counted.riders.sum(), total.sum()),
            "clock": _shares(counted.riders, total),
            "backup_clock": _shares(counted.backup, total),
            "at": {
                f"{at:02}:00": _share(
                    counted.riders[list(hours_at(at))].sum(), total[list(hours_at(at))].sum()
                )
                for at in (2, 14)
            },
            "always_covered_share": _share(
                self._whole_hours[counted.is_always].sum(), self._whole_hours.sum()
            ),
            "rider_hours": round(float(counted.riders.sum()), 3),
            "cost_yuan": self._cost(changes),
            "hour": self._hour(counted, hour),
            "places": self._places(changes, hour),
        } | self._equity(counted)

    @cached_property
    def facts(self) -> Answer:
        """What the clock of what stands says: the demand by kind, what no street leads from, the week's days."""
        return self.planner.clock_json()

    @cached_property
    def _whole_hours(self) -> FloatArray:
        return self.weights.of_points(range(HOURS))

    def covered_shares(self, changes: Sequence[Change] = ()) -> FloatArray:
        """
        Share of each demand point's rider-hours that is covered.

        Parameters
        ----------
        changes
            What is tried.

        Returns
        -------
        share
            Not a number where nobody is ever out, shape ``(n,)``.
        """
        counted = self._count_again(self._moved(changes)) if changes else self._before
        whole = self._whole_hours
        share: FloatArray = np.divide(
            counted.hours_of, whole, out=np.full(len(whole), np.nan), where=whole > 0
        )
        return share

    def covered_at(self, hour: int, changes: Sequence[Change] = ()) -> BoolArray:
        """
        Which demand points are covered in one hour.

        Parameters
        ----------
        hour
            Of the week.
        changes
            What is tried.

        Returns
        -------
        is_covered
            Shape ``(n,)``.
        """
        counted = self._count_again(self._moved(changes)) if changes else self._before
        return counted.is_covered[:, counted.column_of[hour]]

    def _hour(self, counted: _Counted, hour: int) -> Answer:
        is_covered = counted.is_covered[:, counted.column_of[hour]]
        riders = self.weights.of_points([hour])
        missing = self._left_out(is_covered, riders)
        return {
            "hour": hour,
            "riders": round(float(riders.sum()), 3),
            "covered_share": _share(counted.riders[hour], self.weights.total[hour]),
            "left_out_count": len(missing[0]),
            "left_out": self._named(*missing, NAMES_SHOWN),
            "covered": b64encode(np.packbits(is_covered).tobytes()).decode(),
        }

    def left_out(self, hour: int, changes: Sequence[Change] = ()) -> list[list[Any]]:
        """
        All that is left out in one hour, the most riders first.

        Parameters
        ----------
        hour
            Of the week.
        changes
            What is tried.

        Returns
        -------
        rows
            Name, kind, size, riders, points.
        """
        riders = self.weights.of_points([hour])
        missing = self._left_out(self.covered_at(hour, changes), riders)
        return self._named(*missing, len(missing[0]))

    def _left_out(
        self, is_covered: BoolArray, riders: FloatArray
    ) -> tuple[LongArray, FloatArray, FloatArray, LongArray]:
        """Names left out in the order of their riders, and of each name riders, size and points."""
        missed: FloatArray = np.bincount(
            self._name_of[~is_covered], riders[~is_covered], minlength=len(self._names)
        ).astype(np.float64)
        points = np.bincount(self._name_of[~is_covered], minlength=len(self._names))
        size: FloatArray = np.bincount(
            self._name_of[~is_covered], self.planner.demand.size[~is_covered], minlength=len(self._names)
        ).astype(np.float64)
        order = np.lexsort((np.arange(len(missed)), -missed))
        return order[missed[order] > 0], missed, size, points

    def _named(
        self, order: LongArray, missed: FloatArray, size: FloatArray, points: LongArray, most: int
    ) -> list[list[Any]]:
        return [
            [*self._names[row], round(float(size[row]), 1), round(float(missed[row]), 3), int(points[row])]
            for row in order[:most].tolist()
        ]

    @cached_property
    def _names(self) -> list[tuple[str, str]]:
        demand = self.planner.demand
        return sorted(
            {(name, KINDS[kind]) for name, kind in zip(demand.name, demand.kind.tolist(), strict=True)}
        )

    @cached_property
    def _name_of(self) -> LongArray:
        demand, row = self.planner.demand, {name: row for row, name in enumerate(self._names)}
        pairs = zip(demand.name, demand.kind.tolist(), strict=True)
        return np.array([row[name, KINDS[kind]] for name, kind in pairs], dtype=np.int64)

    @cached_property
    def _areas(self) -> tuple[list[tuple[str, str]], LongArray, FloatArray]:
        """Communities by id and name, which of them each point is in, and what is asked for in each."""
        district = self.planner.district
        areas, area_of = (
            areas_of_demand(self.planner) if "community" in district.layer_names() else ([], None)
        )
        if area_of is None or not areas:
            return [], np.zeros(0, np.int64), np.zeros(0)
        slot = np.where(area_of < 0, len(areas), area_of)
        asked = np.bincount(slot, self._whole_hours, minlength=len(areas) + 1).astype(np.float64)
        return [(area.id, area.name) for area in areas], slot, asked

    def _equity(self, counted: _Counted) -> Answer:
        areas, slot, asked = self._areas
        if not areas:
            return {"communities": [], "worst": None, "gini": None}
        covered = np.bincount(slot, counted.hours_of, minlength=len(areas) + 1)
        share = np.minimum(np.divide(covered, asked, out=np.zeros(len(asked)), where=asked > 0), 1.0)
        held = [row for row in range(len(areas)) if asked[row] > 0]
        rows = [
            {"id": areas[row][0], "name": areas[row][1], "covered_share": round(float(share[row]), 6)}
            for row in held
        ]
        rows.sort(key=lambda row: (row["covered_share"], row["id"]))
        return {
            "communities": rows,
            "worst": rows[0] if rows else None,
            "gini": round(gini(share[held], asked[held]), 6) if held else None,
        }

    def _cost(self, changes: Sequence[Change]) -> float:
        """Price of the changes a year: sites, and open hours that come; what closes saves nothing that is counted."""
        prices, stand = self.planner.parameters.prices, self.planner.stand
        rows, cost = changed_rows(stand.places.places, changes), 0.0
        last = {row: change for change, row in zip(changes, rows, strict=True) if change.do == "hours"}
        for row, change in last.items():
            more = (self._open(change.hours) > 0) & ~stand.places.is_open[row]
            cost += int(more.sum()) * prices.hour_yuan
        return cost + prices.site_yuan * sum(change.do == "site" for change in changes)

    def _places(self, changes: Sequence[Change], hour: int) -> list[Answer]:
        stand = self.planner.stand
        rows = changed_rows(stand.places.places, changes)
        about = {row: change for change, row in zip(changes, rows, strict=True) if row >= 0}
        closed = {row for change, row in zip(changes, rows, strict=True) if change.do == "close"}
        found = []
        for row, place in enumerate(stand.places.places):
            change = about.get(row)
            if change is None:
                found.append(self._standing[row] | {"is_open": bool(stand.places.is_open[row, hour])})
                continue
            hours = None if row in closed else change.hours
            is_open = self._open(hours)
            found.append(
                self._place(place, stand.is_near[:, row], is_open, hours or "")
                | {"is_open": bool(is_open[hour]), "change": "close" if row in closed else "hours"}
            )
        for site in self._sites(changes):
            is_open = self._open(site.hours)
            found.append(
                self._place(site, self._near_to(site.target), is_open, site.hours or "")
                | {"is_open": bool(is_open[hour]), "change": "site"}
            )
        return found

    @cached_property
    def _standing(self) -> list[Answer]:
        stand = self.planner.stand
        return [
            self._place(
                place, stand.is_near[:, row], stand.places.is_open[row].astype(np.int16), place.hours or ""
            )
            for row, place in enumerate(stand.places.places)
        ]

    def _place(self, place: Place, is_near: BoolArray, is_open: npt.NDArray[np.int16], hours: str) -> Answer:
        """A place, and the rider-hours within its minutes while it is open, whoever else covers them."""
        near_of_kind = self._of_kind @ is_near.astype(np.float64)
        return {
            "id": place.id,
            "name": place.name,
            "lon": round(place.target[0], 6),
            "lat": round(place.target[1], 6),
            "hours": hours,
            "open_hours": int(is_open.sum()),
            "reach": round(float((near_of_kind @ self.weights.hourly) @ is_open), 3),
            "change": "",
        }


def _columns(rows: npt.NDArray[Any]) -> tuple[LongArray, LongArray]:
    """Hours that are alike are one column: which column each hour is, and the first hour of each."""
    _, first, column_of = np.unique(rows, axis=1, return_index=True, return_inverse=True)
    return column_of.reshape(-1), first


def _with_mask(is_open: BoolArray, mask: BoolArray) -> npt.NDArray[np.int64]:
    """Hours told apart by which places are open and by where else is covered."""
    _, of_mask = np.unique(np.packbits(mask, axis=0), axis=1, return_inverse=True)
    return np.concatenate([is_open.astype(np.int64), of_mask.reshape(1, -1)])


def _share(part: float, whole: float) -> float | None:
    return round(min(float(part) / float(whole), 1.0), 6) if whole > 0 else None


def _shares(part: FloatArray, whole: FloatArray) -> list[float | None]:
    return [_share(one, all_) for one, all_ in zip(part.tolist(), whole.tolist(), strict=True)]
