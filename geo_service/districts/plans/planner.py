"""
A planner's questions of a district: the coverage clock, where next, and which measures for a budget.

Joins the district's layers, streets and map with `planning`, and says the answers in the words every door speaks.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.districts.answers import parse_cutoff_ms, parse_states
from geo_service.districts.district import District
from geo_service.districts.plans.answers import (
    best_alone_json,
    choice_json,
    gap_share,
    rounded,
    unreached_says,
)
from geo_service.districts.plans.demand import draw_demand
from geo_service.engine.router import Router, Snaps
from geo_service.errors import InvalidInputError
from geo_service.finder import CoverageQuestion, Wish
from geo_service.finder.questions import OpenPlaces
from geo_service.layers import Place
from geo_service.network.features import load_features
from geo_service.network.links import by_length
from geo_service.network.profiles import Profile, resolve_profiles
from geo_service.planning.candidates import (
    Candidate,
    frontage_candidates,
    place_candidates,
    public_candidates,
)
from geo_service.planning.changes import changed_rows, new_places
from geo_service.planning.cover import Clock, count_open, left_out, unreached_rows, within
from geo_service.planning.demand import HOURS, KINDS, Demand, Weights, weigh
from geo_service.planning.gates import Gates, find_gates, gate_delay_ms, gate_snaps, pass_brings
from geo_service.planning.longer import longer_hours
from geo_service.planning.measures import (
    Measure,
    Menu,
    Part,
    build_menu,
    choose_best,
    choose_greedily,
)
from geo_service.planning.parameters import Need, Parameters
from geo_service.planning.solve import Watch
from geo_service.planning.week import Week, hours_at

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Answer = dict[str, Any]

OPEN_RULE = "departure as the hour begins, open throughout until the minutes are over"

NAMES_SHOWN = 20
"""Names of what is left out in an answer; the count says how many there are."""


class Stand(NamedTuple):
    """
    How a need is met as things stand.

    Parameters
    ----------
    places
        What meets it, with hours.
    cost_ms
        From each demand point to each of them, shape ``(n, f)``.
    is_near
        Which of them are within the cutoff, shape ``(n, f)``.
    at
        Where they meet the streets, one row each.
    """

    places: OpenPlaces
    cost_ms: LongArray
    is_near: BoolArray
    at: Snaps


class Planner:
    """
    One district and one set of parameters, with what was worked out for them.

    Parameters
    ----------
    district
        The district; it stays open as long as the planner is asked.
    parameters
        What is planned.
    demand
        Where riders need it; drawn from the map and the district's layers if left out.
    router
        Of other streets than the district's, for a trial.

    Attributes
    ----------
    router
        What costs are asked of; where metres are asked for, the shortest way is its cheapest.
    cutoff_ms
        How long a place must stay open.
    is_named
        Demand points that have a name of their own, not that of their street, shape ``(n,)``.
    most_cost
        What is near costs the router no more: milliseconds, or millimetres where metres are asked for.

    Raises
    ------
    InvalidInputError
        If a parameter is not allowed, or there is no demand.
    NotFoundError
        If there is no such layer.
    """

    def __init__(
        self,
        district: District,
        parameters: Parameters,
        demand: Demand | None = None,
        router: Router | None = None,
    ) -> None:
        self.district = district
        self.parameters = parameters
        self.week = Week(parameters.week)
        self.cutoff_ms = parse_cutoff_ms(parameters.minutes)
        self.most_cost = self.cutoff_ms if parameters.metres is None else round(parameters.metres * 1000)
        if demand is None and parameters.demand is not None:
            raise InvalidInputError(
                f"the plan counts demand from {parameters.demand.name}; hand it over with the plan",
                parameter="demand",
                value=parameters.demand.name,
            )
        self.demand = demand if demand is not None else draw_demand(district)
        if not len(self.demand):
            raise InvalidInputError(
                f"district {district.id!r} shows no demand: no kitchens, dwellings, offices or shops in its map, "
                "no outlets in its layers; give a table of demand",
                parameter="demand",
            )
        self.weights: Weights = weigh(self.demand, parameters.groups, self.week.is_workday)
        self.router = self._by_metres(district.routers[self._profile()] if router is None else router)
        self.snaps = self.router.snap(self.demand.lonlat)
        self.is_named = np.array([bool(name) for name in self.demand.name])
        self.demand = self._with_streets(self.demand)
        self.stand = self._tried(self._stand(parameters.need))
        self.also = tuple(map(self._stand, parameters.also))
        self.mask = self._mask()

    def _profile(self) -> str:
        profile = self.parameters.profile
        if profile not in self.district.profiles:
            raise InvalidInputError(
                f"profile={profile!r} has no streets here; allowed: {', '.join(self.district.profiles)}",
                parameter="profile",
                value=profile,
            )
        return profile

    def _by_metres(self, router: Router) -> Router:
        """Streets on which the shortest way is the cheapest, where metres are asked for."""
        return router if self.parameters.metres is None else Router(by_length(router.network))

    def _with_streets(self, demand: Demand) -> Demand:
        """The nearest street with a name stands for the name of what has none."""
        network = self.router.network
        named = np.flatnonzero(network.link_name > 0)
        rows = [row for row, name in enumerate(demand.name) if not name]
        if not len(named) or not rows:
            return demand
        middle = (network.first_point[named] + network.first_point[named + 1]) // 2
        at = np.column_stack([network.point_lon_e6[middle], network.point_lat_e6[middle]]) / 1e6
        squeeze = np.array([np.cos(np.radians(at[:, 1].mean())), 1.0])
        _, nearest = shapely.STRtree(shapely.points(at * squeeze)).query_nearest(
            shapely.points(demand.lonlat[rows] * squeeze), all_matches=False
        )
        names = list(demand.name)
        for row, link in zip(rows, named[nearest].tolist(), strict=True):
            names[row] = network.names[network.link_name[link]]
        return replace(demand, name=tuple(names))

    def _stand(self, need: Need) -> Stand:
        question = CoverageQuestion(
            need.layer,
            self.cutoff_ms,
            self.week.monday,
            None,
            self.parameters.profile,
            Wish(need.services),
            parse_states(self.parameters.accept),
        )
        places = self.district.finder.open_through(question, self.week.instants)
        # of other streets the district's own snaps say nothing
        at = self.router.snap(np.array([place.target for place in places.places]).reshape(-1, 2))
        cost_ms = self.router.matrix(self.snaps, at)
        return Stand(places, cost_ms, within(cost_ms, self.most_cost), at)

    def _tried(self, stand: Stand) -> Stand:
        """What stands after the changes of the parameters."""
        given, is_open = self.parameters, stand.places.is_open.copy()
        if not given.changes:
            return stand
        rows, closed = changed_rows(stand.places.places, given.changes), set()
        for change, row in zip(given.changes, rows, strict=True):
            if change.do != "site":
                is_open[row] = self.week.open_by_text(change.hours or None, self.cutoff_ms)
            closed |= {row} if change.do == "close" else set()
        kept = [row for row in range(len(is_open)) if row not in closed]
        sites = new_places(given.changes, given.need.layer, given.site_hours)
        places = (*(stand.places.places[row] for row in kept), *sites)
        hours = [self.week.open_by_text(site.hours, self.cutoff_ms) for site in sites]
        is_open = np.concatenate([is_open[kept], np.array(hours, dtype=np.bool_).reshape(-1, HOURS)])
        at = self.router.snap(np.array([place.target for place in places]).reshape(-1, 2))
        cost_ms = self.router.matrix(self.snaps, at)
        return Stand(OpenPlaces(places, at, is_open), cost_ms, within(cost_ms, self.most_cost), at)

    def _mask(self) -> BoolArray | None:
        """Where and when all else that is needed is near and open; None if nothing else is."""
        masks = [count_open(stand.is_near, stand.places.is_open) >= 1 for stand in self.also]
        return np.logical_and.reduce(masks) if masks else None

    def near(self, lonlat: FloatArray) -> BoolArray:
        """
        Which demand points have which points within the cutoff.

        Parameters
        ----------
        lonlat
            Where something may come, WGS 84 degrees, shape ``(c, 2)``.

        Returns
        -------
        is_near
            Shape ``(n, c)``.
        """
        snaps = self.router.snap(lonlat)
        return within(self.router.matrix(self.snaps, snaps), self.most_cost)

    def clock(self, extra: Sequence[Part] = ()) -> Clock:
        """
        Coverage in each hour of the week.

        Parameters
        ----------
        extra
            What would cover besides what stands.

        Returns
        -------
        clock
            With what else is needed taken as a condition.
        """
        count = count_open(self.stand.is_near, self.stand.places.is_open)
        for part in extra:
            count = count + (part.is_near[:, None] & part.is_open[None, :])
        return Clock(
            count if self.mask is None else count * self.mask, self.weights, self.parameters.stations
        )

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Where a new site could be: places of other layers, public buildings, and street frontage."""
        layers = [name for name in self.district.layer_names() if name != self.parameters.need.layer]
        places = [
            place
            for name in layers
            if not self.district.catalogue[name].is_area
            for place in self.district.places(name).features
            if isinstance(place, Place) and place.status == "active"
        ]
        pois = load_features(self.district.directory / "osm").pois
        network = self.district.network(self.parameters.profile)
        return [*place_candidates(places), *public_candidates(pois), *frontage_candidates(network)]

    def site_measures(self, candidates: Sequence[Candidate]) -> list[Measure]:
        """
        A new site at each of some candidates.

        Parameters
        ----------
        candidates
            Where.

        Returns
        -------
        measures
            Of kind ``site``; merchants that sign, with their own hours, are of kind ``merchant``.
        """
        if not candidates:
            return []
        is_near = self.near(np.array([(one.lon, one.lat) for one in candidates]))
        is_open = self.week.open_by_text(self.parameters.site_hours, self.cutoff_ms)
        return [
            Measure(
                f"site:{one.id}", "site", one.name, self.parameters.prices.site_yuan,
                (Part(is_near[:, column], is_open),), group=one.id,
            )
            for column, one in enumerate(candidates)
        ]  # fmt: skip

    def merchant_measures(self) -> list[Measure]:
        """
        Sign merchants for the services asked for, in the merchants' own hours.

        Returns
        -------
        measures
            None if no service is asked for: a merchant can give hot water, and is no rest station.
        """
        need = self.parameters.need
        if not need.services or need.layer == "merchant" or "merchant" not in self.district.layer_names():
            return []
        merchants = self._stand(Need("merchant"))
        return [
            Measure(
                f"merchant:{place.id}", "merchant", place.name, self.parameters.prices.merchant_yuan,
                (Part(merchants.is_near[:, row], merchants.places.is_open[row]),), group=place.id,
            )
            for row, place in enumerate(merchants.places.places)
        ]  # fmt: skip

    def hours_measures(self) -> list[Measure]:
        """Ways to stay open longer for each place that is not open all the time, priced by the hours that come."""
        measures = []
        open_by_text = cache(partial(self.week.open_by_text, cutoff_ms=self.cutoff_ms))
        for row, place in enumerate(self.stand.places.places):
            is_open = self.stand.places.is_open[row]
            seen = {is_open.tobytes()}
            for hours in longer_hours(is_open, self.cutoff_ms):
                longer = is_open | open_by_text(hours)
                more = int((longer & ~is_open).sum())
                if longer.tobytes() not in seen:
                    seen.add(longer.tobytes())
                    measures.append(
                        Measure(
                            f"hours:{place.id}:{hours}", "hours", f"{place.name} → {hours}",
                            more * self.parameters.prices.hour_yuan,
                            (Part(self.stand.is_near[:, row], longer),), group=f"hours:{place.id}",
                        )
                    )  # fmt: skip
        return measures

    def service_measures(self) -> list[Measure]:
        """The service asked for at places of the layer that do not offer it, in the hours of their doors."""
        need = self.parameters.need
        if not need.services:
            return []
        doors = self._stand(Need(need.layer))
        having = {place.id for place in self.stand.places.places}
        having |= {change.place for change in self.parameters.changes}
        return [
            Measure(
                f"service:{place.id}", "service", f"{place.name} + {'+'.join(need.services)}",
                self.parameters.prices.service_yuan,
                (Part(doors.is_near[:, row], doors.places.is_open[row]),), group=f"service:{place.id}",
            )
            for row, place in enumerate(doors.places.places)
            if place.id not in having
        ]  # fmt: skip

    def gate_measures(self) -> list[Measure]:
        """A pass for each gate that is shut and would bring somebody within the cutoff of a place that stands."""
        gates, stand = self.gates.shut, self.stand
        if not gates or not len(stand.places.places):
            return []
        sides = gate_snaps(self.router.network, gates)
        to_ms, on_ms = self.router.matrix(self.snaps, sides), self.router.matrix(sides, stand.at)
        measures, end = [], 0
        for gate in gates:
            begin, end = end, end + len(gate.node)
            delay_ms = 0 if self.parameters.metres else gate_delay_ms(self._rules, gate)
            is_new = pass_brings(
                to_ms[:, begin:end], on_ms[begin:end], delay_ms, stand.is_near, self.most_cost
            )
            parts = tuple(
                Part(is_new[:, row], stand.places.is_open[row])
                for row in np.flatnonzero(is_new.any(axis=0)).tolist()
            )
            if parts:
                measures.append(
                    Measure(f"gate:{gate.id}", "gate", gate.name, self.parameters.prices.gate_yuan, parts)
                )
        return measures

    @cached_property
    def gates(self) -> Gates:
        """Gates on the map that the profile may not pass."""
        return find_gates(self.router.network, load_features(self.district.directory / "osm"), self._rules)

    @property
    def _rules(self) -> Profile:
        (profile,) = resolve_profiles([self.parameters.profile], self.district.config.profiles)
        return profile

    def measures(self, candidates: Sequence[Candidate]) -> list[Measure]:
        """
        Everything on the menu.

        Parameters
        ----------
        candidates
            Where a site could come.

        Returns
        -------
        measures
            Longer hours, services, merchants, passes for gates, sites.
        """
        return [
            *self.hours_measures(),
            *self.service_measures(),
            *self.merchant_measures(),
            *self.gate_measures(),
            *self.site_measures(candidates),
        ]

    def menu(
        self, measures: Sequence[Measure], *, weights: Weights | None = None, stays: BoolArray | None = None
    ) -> Menu:
        """
        What measures add to what stands.

        Parameters
        ----------
        measures
            To choose from.
        weights
            Other weights than the planner's, for a trial.
        stays
            Which of the places that stand are there at all, shape ``(f,)``; all if left out.

        Returns
        -------
        menu
            Where and when something else that is needed is missing, nothing adds anything.

        Raises
        ------
        InvalidInputError
            If two stations are asked for.
        """
        if self.parameters.stations != 1:
            raise InvalidInputError(
                "measures are chosen for one station near enough; set stations to 1, or look at the clock for 2",
                parameter="stations",
                value=self.parameters.stations,
            )
        rows = range(len(self.stand.places.places)) if stays is None else np.flatnonzero(stays).tolist()
        standing = [Part(self.stand.is_near[:, row], self.stand.places.is_open[row]) for row in rows]
        return build_menu(measures, standing, self.weights if weights is None else weights, self.mask)

    # -- answers ----------------------------------------------------------------------------------

    def clock_json(self) -> Answer:
        """The coverage clock: 168 shares, two hours beside each other, and the names of what is left out."""
        clock = self.clock()
        return self.asked() | {
            "share_of": "rider_hours",
            "covered_share": rounded(clock.covered_share),
            "clock": [rounded(share) for share in clock.share],
            "backup_clock": [rounded(share) for share in clock.backup_share],
            "riders": np.round(self.weights.total, 3).tolist(),
            "at": {f"{hour:02}:00": self._hour_json(clock, hour) for hour in (2, 14)},
            "always_covered_share": self._always(clock),
            "unreached": self._unreached(),
        }

    def asked(self) -> Answer:
        """What was asked, and what the demand is: the head of every answer."""
        kinds = zip(self.week.days, self.week.kinds, self.week.is_workday, strict=True)
        sizes = np.bincount(self.demand.kind, self.demand.size, minlength=len(KINDS))
        return {
            "need": str(self.parameters.need),
            "also": [str(need) for need in self.parameters.also],
            "stations": self.parameters.stations,
            "changes": [change.to_json() for change in self.parameters.changes],
            "profile": self.parameters.profile,
            "minutes": self.parameters.minutes,
            "metres": self.parameters.metres,
            "week": [
                {"date": day.isoformat(), "kind": str(kind), "is_workday": worked}
                for day, kind, worked in kinds
            ],
            "open_rule": OPEN_RULE,
            "places": len(self.stand.places.places),
            "demand": {kind: float(size) for kind, size in zip(KINDS, sizes, strict=True) if size > 0},
            "demand_note": f"{self._source()}; riders and prices are examples (示例)",
            "demand_file": self.parameters.to_json()["demand"],
            "synthetic": self.district.synthetic,
        }

    def _source(self) -> str:
        """Where the demand comes from."""
        given = self.parameters.demand
        if given is None:
            return "a proxy drawn from the map and the layers"
        besides = "" if given.use == "instead" else ", besides a proxy drawn from the map and the layers"
        return f"taken from {given.name} as it was given{besides}"

    def _hour_json(self, clock: Clock, clock_hour: int) -> Answer:
        hours = hours_at(clock_hour)
        riders, covered = self.weights.total[list(hours)].sum(), clock.riders[list(hours)].sum()
        missing = left_out(self.demand, self.weights, clock.is_covered, hours)
        return {
            "covered_share": rounded(covered / riders if riders > 0 else np.nan),
            "left_out_count": len(missing),
            "left_out": [
                row._asdict() | {"rider_hours": round(row.rider_hours, 3)} for row in missing[:NAMES_SHOWN]
            ],
        }

    def _always(self, clock: Clock) -> float | None:
        """Share of the demand, by what it weighs over the week, that is covered in all 168 hours."""
        whole = self.weights.of_points(range(HOURS))
        return rounded(whole[clock.is_covered.all(axis=1)].sum() / whole.sum() if whole.sum() > 0 else np.nan)

    @cached_property
    def is_unreached(self) -> BoolArray:
        """Demand points from which no way leads to any place, whatever its hours, shape ``(n,)``."""
        is_lost = np.zeros(len(self.demand), dtype=np.bool_)
        is_lost[unreached_rows(self.stand.cost_ms)] = True
        return is_lost

    def _unreached(self) -> Answer:
        """Demand from which no way leads to any place, whatever its hours: a finding, not an omission."""
        rows = np.flatnonzero(self.is_unreached)
        lost = self.demand.take(rows)
        sizes = np.bincount(lost.kind, lost.size, minlength=len(KINDS))
        # a name that was taken from the street is none of a compound
        is_home = self.is_named[rows] & (lost.kind == KINDS.index("dwelling"))
        compounds = {lost.name[row] for row in np.flatnonzero(is_home).tolist()}
        return {
            "points": len(rows),
            "compounds": len(compounds),
            "says": unreached_says(len(rows), len(compounds), sizes.tolist()),
            "names": sorted({name for name in lost.name if name})[:NAMES_SHOWN],
            "size": {kind: float(size) for kind, size in zip(KINDS, sizes, strict=True) if size > 0},
        }

    def site_json(self, add: int, *, time_limit_s: float | None = None, watch: Watch | None = None) -> Answer:
        """
        Where the next sites go: the best of all candidates, proved, beside the greedy choice.

        Parameters
        ----------
        add
            How many.
        time_limit_s
            Give the best so far and its bound after so many seconds.
        watch
            Told of progress; may stop the solve.

        Returns
        -------
        answer
            Steps with total reach, newly covered and cumulative, and the share covered with all of them.

        Raises
        ------
        InvalidInputError
            If ``add`` is less than 1.
        """
        if add < 1:
            raise InvalidInputError(f"add={add}; give how many sites, at least 1", parameter="add", value=add)
        candidates = self.candidates
        menu = self.menu(self.site_measures(candidates))
        budget = add * self.parameters.prices.site_yuan
        best = choose_best(menu, budget, at_most=add, time_limit_s=time_limit_s, watch=watch)
        greedy = choose_greedily(menu, budget, at_most=add)
        places = {f"site:{one.id}": one for one in candidates}
        steps = choice_json(best)
        for step in steps["steps"]:
            one = places[step["id"]]
            step |= {"kind": one.kind, "lon": round(one.lon, 7), "lat": round(one.lat, 7)}
        return (
            self.asked()
            | {"add": add, "candidates": len(candidates), "greedy_added": round(greedy.added, 3)}
            | steps
        )

    def measures_json(
        self, budget_yuan: float, *, time_limit_s: float | None = None, watch: Watch | None = None
    ) -> Answer:
        """
        Which measures for a budget, chosen exactly, beside the greedy choice.

        Parameters
        ----------
        budget_yuan
            What may be spent, inclusive.
        time_limit_s
            Give the best so far and its bound after so many seconds.
        watch
            Told of progress; may stop the solve.

        Returns
        -------
        answer
            The choice step by step, and the ten measures that alone add most for their price.
        """
        measures = self.measures(self.candidates)
        menu = self.menu(measures)
        best = choose_best(menu, budget_yuan, time_limit_s=time_limit_s, watch=watch)
        greedy = choose_greedily(menu, budget_yuan)
        return (
            self.asked()
            | {
                "budget_yuan": budget_yuan,
                "unit": "covered rider-hours a week per 10,000 yuan",
                "offered": len(measures),
                "gates": {"shut": len(self.gates.shut), "leading_nowhere": self.gates.blind},
                "greedy_added": round(greedy.added, 3),
                "greedy_gap_share": gap_share(greedy, best),
                "best_alone": best_alone_json(menu),
            }
            | choice_json(best)
        )
