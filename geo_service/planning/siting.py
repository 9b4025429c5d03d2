"""
The plain cases of the literature over sites: cover all, cover most, least way on average, least longest way.

All keep sites that stand, and none ever answers "infeasible": demand that no site could serve is named, with what
it would take to reach it, and the rest is solved. Costs are those of the engine; `measures` is for everything
that is not a site, or has hours.

References
----------
.. [1] C. Toregas, R. Swain, C. ReVelle and L. Bergman, "The location of emergency service facilities", Operations
   Research 19, 1971 (LSCP).
.. [2] R. Church and C. ReVelle, "The maximal covering location problem", 1974 (MCLP).
.. [3] S. L. Hakimi, "Optimum locations of switching centers", Operations Research 12, 1964 (p-median, p-center).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.planning.cover import UNREACHED, within
from geo_service.planning.solve import (
    INFEASIBLE,
    OPTIMAL,
    Rows,
    Solved,
    Watch,
    covering_rows,
    maximise,
    one_row,
    stack_rows,
)

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAX_ASSIGNMENTS = 2_000_000
"""Pairs of demand and site above which cases with assignments are refused: the solver would not end."""


@dataclass(frozen=True, eq=False)
class Sites:
    """
    What a case is solved over.

    Parameters
    ----------
    cost_ms
        Cost from each demand point to each site, `UNREACHED` where no way leads, shape ``(n, s)``.
    weight
        Demand at each point, not negative, shape ``(n,)``.
    is_standing
        Sites that stand and are kept, shape ``(s,)``.
    capacity
        Demand that each site can serve, shape ``(s,)``; as much as comes, if left out.

    Raises
    ------
    InvalidInputError
        If shapes differ, or a weight or capacity is negative.
    """

    cost_ms: LongArray
    weight: FloatArray
    is_standing: BoolArray
    capacity: FloatArray | None = None

    def __post_init__(self) -> None:
        n, s = self.cost_ms.shape
        shapes = [self.weight.shape == (n,), self.is_standing.shape == (s,)]
        if not all(shapes) or (self.capacity is not None and self.capacity.shape != (s,)):
            raise InvalidInputError(
                f"{n} demand points and {s} sites do not fit weights {self.weight.shape}, standing "
                f"{self.is_standing.shape}",
                parameter="cost_ms",
            )
        if (self.weight < 0).any() or (self.capacity is not None and (self.capacity < 0).any()):
            raise InvalidInputError("weights and capacities must not be negative", parameter="weight")


class Beyond(NamedTuple):
    """
    Demand that no site serves within the cutoff, and what it would take.

    Parameters
    ----------
    row
        Demand points, shape ``(b,)``.
    least_ms
        Cost to the nearest site for each; `UNREACHED` where no way leads to any, shape ``(b,)``.
    """

    row: LongArray
    least_ms: LongArray


@dataclass(frozen=True, eq=False)
class Siting:
    """
    Where to build.

    Parameters
    ----------
    sites
        New sites, ascending.
    objective
        Sites opened (LSCP), demand covered (MCLP), weighted cost in ms (p-median), greatest cost in ms (p-center).
    bound
        No answer is better.
    is_proved
        Whether the bound was reached.
    site_of
        Site that serves each demand point, -1 for none, shape ``(n,)``.
    beyond
        What no site could serve; left out of the case.
    """

    sites: tuple[int, ...]
    objective: float
    bound: float
    is_proved: bool
    site_of: LongArray
    beyond: Beyond


def cover_all(
    sites: Sites, cutoff_ms: int, *, time_limit_s: float | None = None, watch: Watch | None = None
) -> Siting:
    """
    The fewest new sites so that all demand has one within a cutoff [1]_.

    Parameters
    ----------
    sites
        What to solve over; capacities do not count here.
    cutoff_ms
        Greatest cost, inclusive.
    time_limit_s
        Stop after so many seconds.
    watch
        Told of progress.

    Returns
    -------
    siting
        Demand that no site reaches within the cutoff is in ``beyond``.
    """
    is_near = within(sites.cost_ms, cutoff_ms)
    asks = (sites.weight > 0) & ~is_near[:, sites.is_standing].any(axis=1)
    can = is_near.any(axis=1)
    beyond = _beyond(sites, (sites.weight > 0) & ~can)
    needs = np.unique(is_near[asks & can], axis=0)
    row, column = np.nonzero(needs)
    ends = np.ones(len(needs)), np.full(len(needs), np.inf)
    solved = maximise(
        -np.ones(sites.cost_ms.shape[1]),
        Rows(row, column, np.ones(len(row)), *ends),
        time_limit_s=time_limit_s,
        watch=watch,
    )
    opened = _opened(solved, sites) if np.isfinite(solved.worth) else np.flatnonzero(~sites.is_standing)
    proved = solved.status == OPTIMAL
    return _siting(sites, opened, float(len(opened)), max(-solved.bound, 0.0), proved, beyond, is_near)


def cover_most(
    sites: Sites, cutoff_ms: int, p: int, *, time_limit_s: float | None = None, watch: Watch | None = None
) -> Siting:
    """
    The p new sites that bring most demand within a cutoff [2]_.

    Parameters
    ----------
    sites
        What to solve over; with capacities each point is served by at most one site, wholly or in part.
    cutoff_ms
        Greatest cost, inclusive.
    p
        How many new sites, at least 0.
    time_limit_s
        Stop after so many seconds.
    watch
        Told of progress.

    Returns
    -------
    siting
        Its objective counts demand served by standing sites too.
    """
    _check_p(p)
    is_near = within(sites.cost_ms, cutoff_ms)
    beyond = _beyond(sites, (sites.weight > 0) & ~is_near.any(axis=1))
    if sites.capacity is not None:
        return _cover_most_within_capacity(sites, is_near, p, beyond, time_limit_s, watch)
    kept = float(sites.weight[is_near[:, sites.is_standing].any(axis=1)].sum())
    asks = (sites.weight > 0) & ~is_near[:, sites.is_standing].any(axis=1) & is_near.any(axis=1)
    patterns, of = np.unique(is_near[asks], axis=0, return_inverse=True)
    worth = np.bincount(of.reshape(-1), sites.weight[asks], minlength=len(patterns))
    n_sites, n_cells = sites.cost_ms.shape[1], len(patterns)
    solved = maximise(
        np.concatenate([np.zeros(n_sites), worth]),
        stack_rows(covering_rows(patterns.T), _at_most(sites, p)),
        is_whole=np.arange(n_sites + n_cells) < n_sites,
        time_limit_s=time_limit_s,
        watch=watch,
    )
    opened, proved = _opened(solved, sites), solved.status == OPTIMAL
    bound = kept + min(solved.bound, float(worth.sum()))
    return _siting(sites, opened, kept + max(solved.worth, 0.0), bound, proved, beyond, is_near)


def _cover_most_within_capacity(
    sites: Sites, is_near: BoolArray, p: int, beyond: Beyond, time_limit_s: float | None, watch: Watch | None
) -> Siting:
    """A share of each point's demand goes to each site near it, as long as the site has room."""
    assert sites.capacity is not None
    n, s = is_near.shape
    point, site = np.nonzero(is_near & (sites.weight > 0)[:, None])
    _check_size(len(point))
    pair, demand = s + np.arange(len(point)), sites.weight[point]
    once = Rows(point, pair, np.ones(len(pair)), np.full(n, -np.inf), np.ones(n))
    rows = stack_rows(once, _room(sites.capacity, site, demand), _at_most(sites, p))
    solved = maximise(
        np.concatenate([np.zeros(s), demand]),
        rows,
        is_whole=np.arange(s + len(pair)) < s,
        time_limit_s=time_limit_s,
        watch=watch,
    )
    chosen = solved.values[s:] > 1e-9
    site_of = np.full(n, -1)
    order = np.argsort(solved.values[s:][chosen], kind="stable")
    site_of[point[chosen][order]] = site[chosen][order]
    opened, proved = _opened(solved, sites), solved.status == OPTIMAL
    bound = min(solved.bound, float(sites.weight[is_near.any(axis=1)].sum()))
    return Siting(tuple(opened.tolist()), max(solved.worth, 0.0), bound, proved, site_of, beyond)


def least_mean(
    sites: Sites, p: int, *, time_limit_s: float | None = None, watch: Watch | None = None
) -> Siting:
    """
    The p new sites with which all demand together has the least way to its nearest site: the p-median [3]_.

    Parameters
    ----------
    sites
        What to solve over; with capacities demand may be split between sites.
    p
        How many new sites, at least 0.
    time_limit_s
        Stop after so many seconds.
    watch
        Told of progress.

    Returns
    -------
    siting
        Its objective is the sum of weight times cost. Stopped early it is no worse than site after site, each where it
        helps most.

    Raises
    ------
    InvalidInputError
        If there would be no site at all, sites have too little room for the demand, or the case is too large.
    """
    _check_p(p)
    reachable = sites.cost_ms != UNREACHED
    beyond = _beyond(sites, (sites.weight > 0) & ~reachable.any(axis=1))
    n, s = reachable.shape
    point, site = np.nonzero(_worth_a_way(sites, reachable) & (sites.weight > 0)[:, None])
    _check_size(len(point))
    asks = np.unique(point)
    row = np.searchsorted(asks, point)
    pair = s + np.arange(len(point))
    cost = sites.weight[point] * sites.cost_ms[point, site]
    served = Rows(row, pair, np.ones(len(pair)), np.ones(len(asks)), np.ones(len(asks)))
    opened_only = Rows(
        np.repeat(np.arange(len(pair)), 2),
        np.column_stack([site, pair]).reshape(-1),
        np.tile([-1.0, 1.0], len(pair)),
        np.full(len(pair), -np.inf),
        np.zeros(len(pair)),
    )
    parts = [served, opened_only, _at_most(sites, p)]
    if sites.capacity is not None:
        parts.append(_room(sites.capacity, site, sites.weight[point]))
    solved = maximise(
        np.concatenate([np.zeros(s), -cost.astype(np.float64)]),
        stack_rows(*parts),
        is_whole=np.arange(s + len(pair)) < s,
        time_limit_s=time_limit_s,
        watch=watch,
    )
    if solved.status == INFEASIBLE:
        raise InvalidInputError(_why_not(sites, p, point), parameter="p", value=p)
    # nobody gets nearer than with every site open
    bound = max(-solved.bound, _mean_of_all(sites, beyond))
    if solved.status != OPTIMAL and sites.capacity is None:
        stepwise = _nearest_by_steps(sites, p, beyond, bound)
        if stepwise.objective < -solved.worth:
            return stepwise
    site_of = np.full(n, -1)
    chosen = np.flatnonzero(solved.values[s:] > 1e-9)
    chosen = chosen[np.argsort(solved.values[s:][chosen], kind="stable")]
    site_of[point[chosen]] = site[chosen]
    opened = _opened(solved, sites)
    return Siting(tuple(opened.tolist()), -solved.worth, bound, solved.status == OPTIMAL, site_of, beyond)


def least_longest(
    sites: Sites, p: int, *, time_limit_s: float | None = None, watch: Watch | None = None
) -> Siting:
    """
    The p new sites with which the longest way to the nearest site is least: the p-center [3]_.

    Solved by the least cutoff, among the costs that occur, at which p new sites cover all.

    Parameters
    ----------
    sites
        What to solve over; capacities do not count here.
    p
        How many new sites, at least 0.
    time_limit_s
        Stop each of the steps after so many seconds.
    watch
        Told of progress.

    Returns
    -------
    siting
        Its objective is the greatest cost of any demand that any site could reach.

    Raises
    ------
    InvalidInputError
        If some of the demand cannot be served by p new sites at any cost: parts that no way joins.
    """
    _check_p(p)
    asks = sites.weight > 0
    costs = np.unique(sites.cost_ms[asks])
    costs = costs[costs != UNREACHED]
    beyond = _beyond(sites, asks & (sites.cost_ms == UNREACHED).all(axis=1))
    if not len(costs):
        return _siting(
            sites, np.zeros(0, np.int64), 0.0, 0.0, True, beyond, np.zeros_like(sites.cost_ms, dtype=np.bool_)
        )
    inner = Sites(
        sites.cost_ms,
        np.where(np.isin(np.arange(len(asks)), beyond.row), 0.0, sites.weight),
        sites.is_standing,
    )
    low, high, best, proved = 0, len(costs) - 1, None, True
    while low <= high:
        middle = (low + high) // 2
        found = cover_all(inner, int(costs[middle]), time_limit_s=time_limit_s, watch=watch)
        proved &= found.is_proved
        if len(found.beyond.row) == 0 and len(found.sites) <= p:
            best, high = (int(costs[middle]), found), middle - 1
        else:
            low = middle + 1
    if best is None:
        raise InvalidInputError(
            f"{p} new sites cannot serve all demand at any cost: it lies in parts that no way joins; give more",
            parameter="p",
            value=p,
        )
    cost, found = best
    site_of = _nearest_site(
        sites, np.union1d(found.sites, np.flatnonzero(sites.is_standing)).astype(np.int64)
    )
    return Siting(found.sites, float(cost), float(cost) if proved else 0.0, proved, site_of, beyond)


def _mean_of_all(sites: Sites, beyond: Beyond) -> float:
    """Weighted cost if every site were open."""
    far = np.iinfo(np.int64).max
    least = np.where(sites.cost_ms == UNREACHED, far, sites.cost_ms).min(axis=1, initial=far)
    asks = (sites.weight > 0) & ~np.isin(np.arange(len(least)), beyond.row)
    return float(sites.weight[asks] @ least[asks])


def _nearest_by_steps(sites: Sites, p: int, beyond: Beyond, bound: float) -> Siting:
    """One site after the other, each where it shortens most: what is kept when a solver was stopped early."""
    cost = np.where(sites.cost_ms == UNREACHED, np.inf, sites.cost_ms)
    weight = np.where(np.isin(np.arange(len(cost)), beyond.row), 0.0, sites.weight)
    least = cost[:, sites.is_standing].min(axis=1, initial=np.inf)
    # who has no way yet weighs more than any way could
    longest = float(cost[np.isfinite(cost)].max(initial=1.0)) * 1e3
    opened: list[int] = []
    for _ in range(min(p, int((~sites.is_standing).sum()))):
        ways = np.minimum(np.minimum(cost, least[:, None]), longest)
        totals = weight @ ways
        totals[sites.is_standing] = np.inf
        totals[opened] = np.inf
        opened.append(int(totals.argmin()))
        least = np.minimum(least, cost[:, opened[-1]])
    asks = weight > 0
    objective = float(weight[asks] @ least[asks])
    in_use = np.union1d(np.array(opened, dtype=np.int64), np.flatnonzero(sites.is_standing))
    site_of = _nearest_site(sites, in_use.astype(np.int64))
    return Siting(tuple(sorted(opened)), objective, bound, False, site_of, beyond)


def _worth_a_way(sites: Sites, reachable: BoolArray) -> BoolArray:
    """
    Pairs of demand and site that an answer can hold: nobody passes the nearest site that stands.

    With capacities that may be full, so that all pairs count.
    """
    if sites.capacity is not None or not sites.is_standing.any():
        return reachable
    far = np.iinfo(np.int64).max
    cost = np.where(reachable, sites.cost_ms, far)
    standing = np.flatnonzero(sites.is_standing)
    nearest = standing[cost[:, standing].argmin(axis=1)]
    kept: BoolArray = reachable & (cost < cost[np.arange(len(cost)), nearest][:, None])
    rows = np.flatnonzero(reachable[np.arange(len(cost)), nearest])
    kept[rows, nearest[rows]] = True
    return kept


def _check_p(p: int) -> None:
    if p < 0:
        raise InvalidInputError(
            f"p={p} is negative; give how many new sites, from 0 up", parameter="p", value=p
        )


def _check_size(pairs: int) -> None:
    if pairs > MAX_ASSIGNMENTS:
        raise InvalidInputError(
            f"{pairs} pairs of demand and site are more than {MAX_ASSIGNMENTS}; join demand points or leave out sites",
            parameter="sites",
            value=pairs,
        )


def _at_most(sites: Sites, p: int) -> Rows:
    """At most p new sites, and every standing one."""
    new = np.flatnonzero(~sites.is_standing)
    kept = np.flatnonzero(sites.is_standing)
    ones = Rows(np.arange(len(kept)), kept, np.ones(len(kept)), np.ones(len(kept)), np.ones(len(kept)))
    return stack_rows(one_row(new, 1.0, -np.inf, float(p)), ones)


def _room(capacity: FloatArray, site: LongArray, demand: FloatArray) -> Rows:
    """What is served at a site is at most its room if it opens, over the columns of the sites and then of the pairs."""
    n_sites = len(capacity)
    row = np.concatenate([site, np.arange(n_sites)])
    order = np.argsort(row, kind="stable")
    column = np.concatenate([n_sites + np.arange(len(site)), np.arange(n_sites)])
    value = np.concatenate([demand, -capacity])
    return Rows(row[order], column[order], value[order], np.full(n_sites, -np.inf), np.zeros(n_sites))


def _opened(solved: Solved, sites: Sites) -> LongArray:
    return np.flatnonzero((solved.values[: len(sites.is_standing)] > 0.5) & ~sites.is_standing)


def _beyond(sites: Sites, is_beyond: BoolArray) -> Beyond:
    rows = np.flatnonzero(is_beyond)
    far = np.iinfo(np.int64).max
    cost = np.where(sites.cost_ms[rows] == UNREACHED, far, sites.cost_ms[rows])
    least = cost.min(axis=1, initial=far)
    return Beyond(rows, np.where(least == far, UNREACHED, least))


def _nearest_site(sites: Sites, opened: LongArray) -> LongArray:
    if not len(opened):
        return np.full(len(sites.weight), -1)
    far = np.iinfo(np.int64).max
    cost = np.where(sites.cost_ms[:, opened] == UNREACHED, far, sites.cost_ms[:, opened])
    nearest = cost.argmin(axis=1)
    return np.where(cost.min(axis=1) == far, -1, opened[nearest])


def _siting(
    sites: Sites,
    opened: LongArray,
    objective: float,
    bound: float,
    proved: bool,
    beyond: Beyond,
    is_near: BoolArray,
) -> Siting:
    in_use = np.union1d(opened, np.flatnonzero(sites.is_standing)).astype(np.int64)
    site_of = _nearest_site(sites, in_use)
    served = (site_of >= 0) & is_near[np.arange(len(site_of)), np.maximum(site_of, 0)]
    return Siting(tuple(opened.tolist()), objective, bound, proved, np.where(served, site_of, -1), beyond)


def _why_not(sites: Sites, p: int, point: LongArray) -> str:
    demand = float(sites.weight[np.unique(point)].sum())
    if sites.capacity is not None and sites.capacity.sum() < demand:
        return f"all sites have room for {sites.capacity.sum():g}, and the demand is {demand:g}; raise capacities"
    if p == 0 and not sites.is_standing.any():
        return "p=0 and no site stands; give at least one new site"
    return f"p={p} new sites cannot serve a demand of {demand:g}; give more sites or more room"
