"""Plain siting cases against spopt on seeded instances, and what is said where others say "infeasible"."""

import numpy as np
import pytest

from geo_service.errors import InvalidInputError
from geo_service.planning.siting import Sites, cover_all, cover_most, least_longest, least_mean

UNREACHED = -1
INSTANCES = 200


def instance(seed: int, *, holes: bool = False) -> tuple[Sites, int, int]:
    """Demand on a plane, some sites standing, a cutoff and a number of new sites."""
    random = np.random.default_rng(seed)
    n, s = int(random.integers(8, 30)), int(random.integers(4, 10))
    at, sites = random.uniform(0, 1000, (n, 2)), random.uniform(0, 1000, (s, 2))
    cost = np.abs(at[:, None] - sites[None]).sum(axis=2).astype(np.int64) + 1
    if holes:
        cost[random.random(cost.shape) < 0.15] = UNREACHED
    standing = random.random(s) < 0.2
    weight = random.integers(1, 50, n).astype(np.float64)
    return Sites(cost, weight, standing), int(random.integers(250, 700)), int(random.integers(1, 4))


@pytest.fixture(scope="module")
def spopt():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pulp
        import spopt.locate as locate
    return locate, lambda: pulp.HiGHS(msg=False)


def _standing(sites: Sites) -> np.ndarray | None:
    return sites.is_standing.astype(int) if sites.is_standing.any() else None


# pulp warns of what it will change in its next version; not ours to mend
@pytest.mark.filterwarnings("ignore::DeprecationWarning:pulp", "ignore::DeprecationWarning:spopt")
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, INSTANCES, 50))
def test_objectives_equal_those_of_spopt(spopt, first):
    locate, solver = spopt
    for seed in range(first, first + 50):
        sites, cutoff, p = instance(seed)
        cost, kept = sites.cost_ms.astype(float), int(sites.is_standing.sum())
        p = min(p, len(sites.is_standing) - kept)
        options = {"predefined_facilities_arr": _standing(sites)} if kept else {}

        most = locate.MCLP.from_cost_matrix(cost, sites.weight, cutoff, p_facilities=p + kept, **options)
        assert cover_most(sites, cutoff, p).objective == pytest.approx(
            most.solve(solver()).problem.objective.value()
        )

        mean = locate.PMedian.from_cost_matrix(cost, sites.weight, p_facilities=p + kept, **options)
        ours = least_mean(sites, p)
        assert ours.objective == pytest.approx(mean.solve(solver()).problem.objective.value())
        assert ours.is_proved

        longest = locate.PCenter.from_cost_matrix(cost, p_facilities=p + kept, **options)
        assert least_longest(sites, p).objective == pytest.approx(
            longest.solve(solver()).problem.objective.value()
        )

        found = cover_all(sites, cutoff)
        if len(found.beyond.row) == 0:
            fewest = locate.LSCP.from_cost_matrix(cost, cutoff, **options)
            assert found.objective + kept == pytest.approx(fewest.solve(solver()).problem.objective.value())


@pytest.mark.parametrize("seed", range(20))
def test_demand_no_site_reaches_is_named_and_the_rest_is_solved(seed):
    sites, cutoff, _ = instance(seed, holes=True)
    cutoff //= 3
    near = (sites.cost_ms != UNREACHED) & (sites.cost_ms <= cutoff)
    found = cover_all(sites, cutoff)
    assert set(found.beyond.row.tolist()) == set(np.flatnonzero(~near.any(axis=1)).tolist())
    in_use = sites.is_standing.copy()
    in_use[list(found.sites)] = True
    assert (near[:, in_use].any(axis=1) | ~near.any(axis=1)).all()
    for row, least in zip(*found.beyond, strict=True):
        ways = sites.cost_ms[row][sites.cost_ms[row] != UNREACHED]
        assert least == (ways.min() if len(ways) else UNREACHED)


def test_each_point_is_served_by_the_nearest_open_site():
    sites, cutoff, p = instance(3)
    found = cover_most(sites, cutoff, p)
    in_use = np.flatnonzero(sites.is_standing | np.isin(np.arange(len(sites.is_standing)), found.sites))
    for row, site in enumerate(found.site_of.tolist()):
        best = sites.cost_ms[row, in_use].min()
        assert (site == -1) == (best > cutoff)
        if site != -1:
            assert sites.cost_ms[row, site] == best


def brute_capacity(sites: Sites, cutoff: int, p: int) -> float:
    """Most demand served within capacities, by every choice of sites and a flow over pairs (small cases)."""
    from itertools import combinations

    from scipy.optimize import linprog

    new = np.flatnonzero(~sites.is_standing)
    best = 0.0
    for chosen in combinations(new.tolist(), min(p, len(new))):
        in_use = np.flatnonzero(sites.is_standing | np.isin(np.arange(len(sites.is_standing)), chosen))
        pairs = [
            (i, j) for i in range(len(sites.weight)) for j in in_use if 0 <= sites.cost_ms[i, j] <= cutoff
        ]
        if not pairs:
            continue
        left = np.array([[i == point for point, _ in pairs] for i in range(len(sites.weight))], float)
        right = np.array([[j == site for _, site in pairs] for j in in_use], float)
        sides = np.concatenate([sites.weight, sites.capacity[in_use]])
        found = linprog(-np.ones(len(pairs)), A_ub=np.vstack([left, right]), b_ub=sides, method="highs")
        best = max(best, -found.fun)
    return best


@pytest.mark.parametrize("seed", range(12))
def test_capacities_are_kept_and_the_most_is_served(seed):
    plain, cutoff, p = instance(seed)
    few = Sites(
        plain.cost_ms[:10, :5],
        plain.weight[:10],
        plain.is_standing[:5],
        np.full(len(plain.is_standing[:5]), 60.0),
    )
    assert cover_most(few, cutoff, p).objective == pytest.approx(brute_capacity(few, cutoff, p))


def brute_median(sites: Sites, p: int) -> float:
    """Least weighted cost within capacities, by every choice of sites and a flow over pairs (small cases)."""
    from itertools import combinations

    from scipy.optimize import linprog

    n, new = len(sites.weight), np.flatnonzero(~sites.is_standing).tolist()
    best = np.inf
    for chosen in combinations(new, min(p, len(new))):
        in_use = np.flatnonzero(sites.is_standing | np.isin(np.arange(len(sites.is_standing)), chosen))
        pairs = [(i, j) for i in range(n) for j in in_use.tolist() if sites.cost_ms[i, j] != UNREACHED]
        served = np.array([[i == point for point, _ in pairs] for i in range(n)], float)
        room = np.array([[j == site for _, site in pairs] for j in in_use], float)
        cost = np.array([float(sites.cost_ms[pair]) for pair in pairs])
        found = linprog(
            cost, A_ub=room, b_ub=sites.capacity[in_use], A_eq=served, b_eq=sites.weight, method="highs"
        )
        best = min(best, found.fun) if found.success else best
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_least_mean_keeps_capacities(seed):
    plain, _, p = instance(seed)
    weight = plain.weight[:9]
    room = np.full(len(plain.is_standing[:5]), float(weight.sum()) * 0.45)
    few = Sites(plain.cost_ms[:9, :5], weight, plain.is_standing[:5], room)
    best = brute_median(few, p)
    if np.isinf(best):
        with pytest.raises(InvalidInputError, match=r"cannot serve a demand|have room for"):
            least_mean(few, p)
    else:
        assert least_mean(few, p).objective == pytest.approx(best)


@pytest.mark.parametrize("seed", range(12))
def test_the_least_mean_with_standing_sites_is_that_of_every_choice(seed):
    from itertools import combinations

    sites, _, p = instance(seed, holes=True)
    reached = sites.cost_ms != UNREACHED
    kept = reached.any(axis=1)
    new = np.flatnonzero(~sites.is_standing).tolist()
    best = np.inf
    for chosen in combinations(new, min(p, len(new))):
        in_use = np.flatnonzero(sites.is_standing | np.isin(np.arange(len(sites.is_standing)), chosen))
        ways = np.where(reached[:, in_use], sites.cost_ms[:, in_use].astype(float), np.inf).min(axis=1)
        best = min(best, float((sites.weight * ways)[kept].sum()))
    if np.isfinite(best):
        assert least_mean(sites, p).objective == pytest.approx(best)


def test_a_least_mean_that_was_stopped_is_no_worse_than_site_after_site():
    random = np.random.default_rng(11)
    at, places = random.uniform(0, 1000, (300, 2)), random.uniform(0, 1000, (80, 2))
    cost = np.abs(at[:, None] - places[None]).sum(axis=2).astype(np.int64)
    standing = np.arange(80) < 3
    sites = Sites(cost, random.integers(1, 50, 300).astype(float), standing)
    stopped = least_mean(sites, 6, time_limit_s=0.01)
    least, opened = cost[:, :3].min(axis=1), []
    for _ in range(6):
        totals = [float(sites.weight @ np.minimum(least, cost[:, column])) for column in range(80)]
        opened.append(int(np.argmin(totals)))
        least = np.minimum(least, cost[:, opened[-1]])
    assert stopped.objective <= float(sites.weight @ least) + 1e-6
    # with every site open nobody would be nearer: a bound even where the solver had no time to find one
    assert float(sites.weight @ cost.min(axis=1)) - 1e-6 <= stopped.bound <= stopped.objective + 1e-6
    assert len(stopped.sites) == 6
    for solve in (cover_all, cover_most):
        options = (200,) if solve is cover_all else (200, 6)
        assert np.isfinite(solve(sites, *options, time_limit_s=0.001).bound)


def test_too_little_room_is_said_in_numbers():
    sites, _, _ = instance(1)
    tight = Sites(sites.cost_ms, sites.weight, sites.is_standing, np.ones(len(sites.is_standing)))
    with pytest.raises(InvalidInputError, match="have room for"):
        least_mean(tight, 2)


def test_no_site_at_all_is_refused_by_name():
    sites, _, _ = instance(2)
    none = Sites(sites.cost_ms, sites.weight, np.zeros_like(sites.is_standing))
    with pytest.raises(InvalidInputError, match="at least one new site"):
        least_mean(none, 0)


@pytest.mark.parametrize("call", [cover_most, least_mean, least_longest])
def test_a_negative_number_of_sites_is_refused(call):
    sites, cutoff, _ = instance(4)
    with pytest.raises(InvalidInputError, match="p=-1 is negative"):
        call(sites, cutoff, -1) if call is cover_most else call(sites, -1)


def test_parts_that_no_way_joins_need_a_site_each():
    cost = np.array([[5, UNREACHED], [UNREACHED, 7]])
    apart = Sites(cost, np.ones(2), np.zeros(2, dtype=bool))
    assert least_longest(apart, 2).objective == 7
    with pytest.raises(InvalidInputError, match="no way joins"):
        least_longest(apart, 1)


def test_a_watcher_stops_a_solve_and_keeps_the_bound():
    random = np.random.default_rng(7)
    at, places = random.uniform(0, 1000, (250, 2)), random.uniform(0, 1000, (120, 2))
    cost = np.abs(at[:, None] - places[None]).sum(axis=2).astype(np.int64)
    sites = Sites(cost, random.integers(1, 50, 250).astype(float), np.zeros(120, dtype=bool))
    told = []

    def stop_soon(progress):
        told.append(progress)
        return len(told) < 3

    stopped, full = cover_most(sites, 120, 15, watch=stop_soon), cover_most(sites, 120, 15)
    assert full.is_proved
    if told:
        assert stopped.bound >= full.objective - 1e-6 >= stopped.objective - 1e-6
    else:
        assert stopped.is_proved
