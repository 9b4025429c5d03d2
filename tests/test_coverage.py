"""Coverage to the metre of street: against asking from many points of every link, and trials against doing it anew."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from geo_service.engine.router import NONE, UNREACHED, Router, Snaps, build_index
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.finder import CoverageQuestion, Wish
from geo_service.finder.coverage import Cover, join_snaps
from geo_service.hours import SHANGHAI, State
from tests.test_finder import make_place, random_points, water
from tests.towns import random_network
from tests.towns import random_points as points_of_town

__all__ = ["water"]

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
SHARES = np.linspace(0.0, 1.0, 41)
SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 24))]


def stand_on(network, links, shares):
    """Points that stand on the streets themselves, at shares of links."""
    edges = network.link_edge[links]
    travel = network.edge_weight_ms[edges].astype(np.int64) - network.edge_delay_ms[edges]
    into = [np.floor(travel[:, 0] * shares), np.floor(travel[:, 1] * (1.0 - shares))]
    forward, backward = (np.where(edges[:, i] == NONE, -1, into[i]).astype(np.int64) for i in range(2))
    nothing = np.zeros(len(links))
    gap_ms = np.zeros(len(links), dtype=np.int64)
    return Snaps(
        nothing, nothing, links.astype(np.int32), shares, forward, backward, nothing, nothing, nothing, gap_ms
    )


def town_of(seed):
    network = random_network(seed, n_nodes=20)
    router = Router(network, build_index(network)) if seed % 2 else Router(network)
    places = router.snap(points_of_town(network, seed, 6))
    return router, places.take(np.flatnonzero(places.link != NONE))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_point_of_a_street_is_covered_if_the_way_from_it_is_short_enough(seed):
    router, places = town_of(seed)
    network = router.network
    links, shares = (grid.ravel() for grid in np.meshgrid(np.arange(network.n_links), SHARES, indexing="ij"))
    cost_ms = router.matrix(stand_on(network, links, shares), places)
    cost_ms[cost_ms == UNREACHED] = 1 << 50
    best_ms = cost_ms.min(axis=1, initial=1 << 50)
    for cutoff_ms in (1, 5_000, 60_000, 10**7):
        cover = Cover(router, places, cutoff_ms)
        is_covered = np.zeros(len(links), dtype=bool)
        for link, start, end in zip(*cover.stretches, strict=True):
            # a hair more: shares are rounded, a whole link is not
            is_covered |= (links == link) & (shares >= start - 1e-9) & (shares <= end + 1e-9)
        # a stretch without length, as a lone junction, is no metre of street
        is_thin = best_ms <= cutoff_ms
        missed = is_thin & ~is_covered
        assert not (is_covered & ~is_thin & _is_inside(cover, links, shares)).any()
        assert all(
            _is_end(cover, links[i], shares[i], best_ms, links, shares, cutoff_ms)
            for i in np.flatnonzero(missed)
        )


def _is_inside(cover, links, shares):
    """Clearly inside a stretch, not at its rim."""
    inside = np.zeros(len(links), dtype=bool)
    for link, start, end in zip(*cover.stretches, strict=True):
        inside |= (links == link) & (shares > start + 1e-9) & (shares < end - 1e-9)
    return inside


def _is_end(cover, link, share, best_ms, links, shares, cutoff_ms):
    """Whether a point is covered alone: its neighbours on the link are not."""
    step = SHARES[1] - SHARES[0]
    beside = (links == link) & (np.abs(shares - share) < 1.5 * step) & (shares != share)
    return not (best_ms[beside] <= cutoff_ms).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_trials_cover_what_a_coverage_made_anew_covers(seed):
    router, places = town_of(seed)
    new = router.snap(points_of_town(router.network, seed + 1000, 5))
    cover = Cover(router, places, 40_000)
    rows = np.arange(len(places.link))
    closed_m = [Cover(router, places.take(rows != row), 40_000).covered_m for row in rows]
    added_m = [
        Cover(router, join_snaps(places, new.take(slice(t, t + 1))), 40_000).covered_m
        for t in range(len(new.link))
    ]
    np.testing.assert_allclose(cover.closing(rows), closed_m, atol=1e-6)
    np.testing.assert_allclose(cover.adding(new), added_m, atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cost_of_a_street_is_that_from_its_middle(seed):
    router, places = town_of(seed)
    links = np.arange(router.network.n_links)
    cost_ms = router.matrix(stand_on(router.network, links, np.full(len(links), 0.5)), places)
    cost_ms[cost_ms == UNREACHED] = 1 << 50
    best_ms = cost_ms.min(axis=1, initial=1 << 50)
    expected = np.where(best_ms == 1 << 50, UNREACHED, best_ms)
    assert Cover(router, places, 1).middle_ms().tolist() == expected.tolist()


def test_the_cutoff_is_inclusive_for_junctions(demo_district):
    question = CoverageQuestion("station", 600_000, NOON.date())
    cover = demo_district.finder.coverage(question).cover
    some_ms = int(np.median(cover.node_ms[cover.node_ms != UNREACHED]))
    counts = [Cover(cover.router, cover.places, ms).n_covered_nodes for ms in (some_ms - 1, some_ms)]
    assert counts[0] < counts[1] == int(((cover.node_ms >= 0) & (cover.node_ms <= some_ms)).sum())


def test_more_minutes_cover_more_and_all_of_it_at_last(demo_district):
    shares = []
    for minutes in (1, 5, 15, 180):
        cover = demo_district.finder.coverage(CoverageQuestion("toilet", minutes * 60_000, NOON.date())).cover
        shares.append(cover.covered_m / cover.street_m)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5
    assert 0.9 < shares[-1] <= 1.0


def eligible(finder, at, minutes=10, **changes):
    question = CoverageQuestion("water", minutes * 60_000, NOON.date(), at, **changes)
    return finder.coverage(question).n_eligible


def test_a_place_counts_if_it_is_open_throughout(demo_district, water):
    finder = water(make_place("tap", demo_district.centre, "08:00-12:00,13:00-20:00"))
    opens = NOON.replace(hour=13)
    assert eligible(finder, opens) == 1
    assert eligible(finder, opens - timedelta(minutes=1)) == 0
    assert eligible(finder, NOON.replace(hour=19, minute=49)) == 1
    assert eligible(finder, NOON.replace(hour=19, minute=50)) == 0  # closed when the last one arrives
    assert eligible(finder, None) == 1


def test_hours_that_turn_from_certain_to_unknown_are_one_stretch_when_both_are_accepted(demo_district, water):
    finder = water(make_place("tap", demo_district.centre, "Mo-Su 08:00-12:05, Mo-Su 12:05-20:00 unknown"))
    assert eligible(finder, NOON) == 0
    assert eligible(finder, NOON, accept=frozenset([State.UNKNOWN])) == 1


def test_a_place_out_of_season_does_not_count_at_any_hour(demo_district, water):
    summer = {"status_from": date(2026, 6, 1), "status_until": date(2026, 8, 31)}
    finder = water(make_place("tap", demo_district.centre, "24/7", **summer))
    assert eligible(finder, None) == 0


def test_only_places_that_are_wished_for_count(demo_district):
    question = CoverageQuestion("merchant", 600_000, NOON.date(), wish=Wish(("haircut",)))
    some, every = (
        demo_district.finder.coverage(asked).n_eligible
        for asked in (question, CoverageQuestion("merchant", 600_000, NOON.date()))
    )
    assert 0 <= some < every


def test_closing_all_and_adding_them_again_changes_nothing(demo_district):
    finder = demo_district.finder
    question = CoverageQuestion("station", 600_000, NOON.date())
    stations = demo_district.places("station").features
    targets = np.array([place.target for place in stations])
    answer = finder.what_if(question, [place.id for place in stations], targets)
    assert answer.after.cover.covered_m == pytest.approx(answer.before.cover.covered_m, abs=1e-6)
    assert answer.after.n_eligible == answer.before.n_eligible == len(stations)
    lost = [trial.covered_m for trial in answer.trials[: len(stations)]]
    assert max(lost) <= answer.before.cover.covered_m
    assert min(lost) < answer.before.cover.covered_m


def test_an_unknown_place_or_a_point_in_the_sea_is_refused(demo_district):
    question = CoverageQuestion("station", 600_000, NOON.date())
    with pytest.raises(NotFoundError, match=r"without='nobody' is no place of layer 'station'"):
        demo_district.finder.what_if(question, ["nobody"], np.empty((0, 2)))
    with pytest.raises(InvalidInputError, match=r"with=.* m from the nearest street"):
        demo_district.finder.what_if(question, [], np.array([[0.0, 0.0]]))


@pytest.mark.parametrize("cutoff_ms", [0, -1, 181 * 60_000])
def test_minutes_out_of_bounds_are_refused(demo_district, cutoff_ms):
    with pytest.raises(InvalidInputError, match=r"minutes="):
        demo_district.finder.coverage(CoverageQuestion("station", cutoff_ms, NOON.date()))


def test_a_coverage_of_random_points_agrees_with_nearest(demo_district):
    """Where the nearest station is within ten minutes of a point on a street, that spot is covered."""
    finder = demo_district.finder
    cover = finder.coverage(CoverageQuestion("station", 600_000, NOON.date())).cover
    points = cover.router.snap(np.array(random_points(demo_district, 200, seed=31)))
    on_street = points._replace(gap_m=points.gap_m * 0, gap_ms=points.gap_ms * 0)
    cost_ms = cover.router.matrix(on_street, cover.places)
    cost_ms[cost_ms == UNREACHED] = 1 << 50
    is_near = cost_ms.min(axis=1) <= 600_000
    for link, share, near in zip(points.link, points.share, is_near, strict=True):
        at = cover.stretches.link == link
        is_covered = ((cover.stretches.start[at] <= share) & (share <= cover.stretches.end[at])).any()
        assert is_covered == near
