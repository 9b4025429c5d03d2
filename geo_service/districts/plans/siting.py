"""The plain cases of siting for a district: cover all, cover most, least way on average, least longest way."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_service.districts.plans.planner import NAMES_SHOWN, Planner
from geo_service.errors import InvalidInputError
from geo_service.planning.candidates import Candidate
from geo_service.planning.cover import UNREACHED, within
from geo_service.planning.demand import HOURS, KINDS
from geo_service.planning.siting import Sites, Siting, cover_all, cover_most, least_longest, least_mean
from geo_service.planning.solve import Watch
from geo_service.planning.week import hour_name

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
Answer = dict[str, Any]

GOALS = ("cover-all", "cover-most", "median", "center")
"""LSCP, MCLP, p-median and p-center over sites."""

CAPACITATED = ("cover-most", "median")


def goal_json(
    planner: Planner,
    goal: str,
    add: int,
    *,
    hour: int | None = None,
    capacity: float | None = None,
    time_limit_s: float | None = None,
    watch: Watch | None = None,
) -> Answer:
    """
    Choose new sites by one of the plain cases; places that stand are kept.

    Parameters
    ----------
    planner
        Its candidates, its demand, and the places that stand, open or not.
    goal
        One of `GOALS`.
    add
        How many new sites; of no meaning for ``cover-all``, which finds the fewest.
    hour
        An hour of the week: riders of that hour, and places open then. The whole week if left out: rider-hours, and all
        places that stand, whenever they are open.
    capacity
        What each site can serve, riders or rider-hours, for ``cover-most`` and ``median``; no limit if left out.
    time_limit_s
        Give the best so far and its bound after so many seconds.
    watch
        Told of progress; may stop the solve.

    Returns
    -------
    answer
        ``sites`` with their places, ``objective`` with ``unit``, ``bound``, and ``beyond``: demand that no site could
        serve, by name, with the way that would reach it.

    Raises
    ------
    InvalidInputError
        If the goal is unknown, a capacity does not go with it or is too small, or no choice of so many sites reaches
        all demand; the names of that demand are told.
    """
    if goal not in GOALS:
        raise InvalidInputError(
            f"goal={goal!r} is unknown; choose from {', '.join(GOALS)}", parameter="goal", value=goal
        )
    if capacity is not None and (goal not in CAPACITATED or not 0 < capacity < 1e12):
        raise InvalidInputError(
            f"capacity={capacity:g} goes with {', '.join(CAPACITATED)} only, and is above 0",
            parameter="capacity",
            value=capacity,
        )
    candidates = planner.candidates
    sites = _sites(planner, candidates, hour, capacity)
    try:
        found = _solve(sites, goal, planner.most_cost, add, time_limit_s, watch)
    except InvalidInputError as error:
        raise name_refusal(planner, sites, add, error) from error
    return _say(planner, candidates, sites, found, goal) | {
        "add": len(found.sites) if goal == "cover-all" else add,
        "hour_name": None if hour is None else hour_name(hour),
        "capacity": capacity,
    }


def _sites(planner: Planner, candidates: list[Candidate], hour: int | None, capacity: float | None) -> Sites:
    """Places that stand first, then candidates."""
    stand = planner.stand
    rows = np.arange(len(stand.places.places))
    if hour is not None:
        if not 0 <= hour < HOURS:
            raise InvalidInputError(f"hour={hour} is outside 0..{HOURS - 1}", parameter="hour", value=hour)
        rows = np.flatnonzero(stand.places.is_open[:, hour])
    lonlat = np.array([(one.lon, one.lat) for one in candidates]).reshape(-1, 2)
    new_ms = planner.router.matrix(planner.snaps, planner.router.snap(lonlat))
    cost_ms = np.concatenate([stand.cost_ms[:, rows], new_ms], axis=1)
    is_standing = np.arange(cost_ms.shape[1]) < len(rows)
    room = None if capacity is None else np.full(cost_ms.shape[1], float(capacity))
    weight = planner.weights.of_points(range(HOURS) if hour is None else [hour])
    return Sites(cost_ms, weight, is_standing, room)


def _solve(
    sites: Sites, goal: str, most_cost: int, add: int, time_limit_s: float | None, watch: Watch | None
) -> Siting:
    if goal == "cover-all":
        return cover_all(sites, most_cost, time_limit_s=time_limit_s, watch=watch)
    if goal == "cover-most":
        return cover_most(sites, most_cost, add, time_limit_s=time_limit_s, watch=watch)
    solve = least_mean if goal == "median" else least_longest
    return solve(sites, add, time_limit_s=time_limit_s, watch=watch)


def name_refusal(planner: Planner, sites: Sites, add: int, error: InvalidInputError) -> InvalidInputError:
    """
    Put into the refusal of a solver the demand that makes it so, and how many sites would do.

    Parameters
    ----------
    planner
        Whose demand.
    sites
        What was to be solved.
    add
        How many new sites were asked for.
    error
        What the solver said.

    Returns
    -------
    error
        The same, if it is about something else.
    """
    reached = sites.cost_ms != UNREACHED
    apart = reached.any(axis=1) & ~reached[:, sites.is_standing].any(axis=1) & (sites.weight > 0)
    if sites.capacity is not None or not apart.any() or add < 0:
        return error
    costs = sites.cost_ms[reached]
    needed = cover_all(replace(sites, capacity=None), int(costs.max())).sites
    names = sorted(
        {planner.demand.name[row] or planner.demand.id[row] for row in np.flatnonzero(apart).tolist()}
    )
    return InvalidInputError(
        f"add={add}: no place that stands leads to {len(names)} names of the demand, {'; '.join(names[:5])}; "
        f"{len(needed)} new sites would reach all that any candidate reaches",
        parameter="add",
        value=add,
    )


UNITS = {
    "cover-all": "new sites",
    "cover-most": "demand covered",
    "median": "average",
    "center": "longest",
}


def _say(planner: Planner, candidates: list[Candidate], sites: Sites, found: Siting, goal: str) -> Answer:
    n_standing, weight = int(sites.is_standing.sum()), sites.weight
    by_metres = planner.parameters.metres is not None
    per_unit = 1000.0 if by_metres else 60_000.0
    asked = float(weight.sum() - weight[found.beyond.row].sum())
    scale = {"median": per_unit * asked, "center": per_unit}.get(goal, 1.0) or 1.0
    in_use = np.union1d(np.asarray(found.sites, dtype=np.int64), np.flatnonzero(sites.is_standing))
    is_near = within(sites.cost_ms[:, in_use.astype(np.int64)], planner.most_cost).any(axis=1)
    unit = UNITS[goal]
    if goal in ("median", "center"):
        unit = f"{unit} {'metres' if by_metres else 'minutes'}"
    return planner.asked() | {
        "goal": goal,
        "unit": unit,
        "candidates": len(candidates),
        "standing": n_standing,
        "sites": [
            {
                "id": one.id,
                "kind": one.kind,
                "name": one.name,
                "lon": round(one.lon, 7),
                "lat": round(one.lat, 7),
                "nearest_demand": round(float(weight[found.site_of == site].sum()), 3),
            }
            for site in found.sites
            for one in (candidates[site - n_standing],)
        ],
        "objective": round(found.objective / scale, 4),
        "bound": round(found.bound / scale, 4),
        "is_proved": found.is_proved,
        "covered_share": round(float(weight[is_near].sum() / weight.sum()), 6) if weight.sum() > 0 else None,
        "beyond_count": len(found.beyond.row),
        "beyond": _beyond(planner, weight, found, per_unit),
    }


def _beyond(planner: Planner, weight: FloatArray, found: Siting, per_unit: float) -> list[Answer]:
    """Demand that no site could serve, by name, heaviest first, with the way that would reach it."""
    demand, unit = planner.demand, "metres" if planner.parameters.metres is not None else "minutes"
    rows: dict[tuple[str, str], Answer] = {}
    for row, least in zip(*(column.tolist() for column in found.beyond), strict=True):
        key = demand.name[row] or demand.id[row], KINDS[int(demand.kind[row])]
        kept = rows.setdefault(key, {"name": key[0], "kind": key[1], "size": 0.0, "demand": 0.0, unit: 0.0})
        kept["size"] += float(demand.size[row])
        kept["demand"] = round(kept["demand"] + float(weight[row]), 3)
        way = None if least == UNREACHED else round(least / per_unit, 2)
        kept[unit] = None if way is None or kept[unit] is None else max(kept[unit], way)
    return sorted(rows.values(), key=lambda one: (-one["demand"], one["name"]))[:NAMES_SHOWN]
