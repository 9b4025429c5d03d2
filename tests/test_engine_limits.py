"""No sum overflows at the largest weights an engine takes; what might is refused; unreachable is a value."""

from dataclasses import replace

import numpy as np
import pytest

from geo_service.engine.constants import (
    CUT_MS,
    FAR_MS,
    MAX_GAP_MS_PER_M,
    MAX_MM,
    MAX_MS,
    NEVER,
    NO_CUTOFF,
    SNAP_LIMIT_M,
)
from geo_service.engine.router import NONE, UNREACHED, Router, build_index
from geo_service.errors import InvalidInputError, UnreachableError
from tests.oracles import engine as oracle
from tests.towns import Street, draw, make_network, random_network, random_points, show, with_weights

HEAVIEST = 2**31 - 1
"""The largest weight and length that an edge can have at all."""

LINE = "-".join("abcdefghijklmnopqrstuvwxyz")


def with_lengths(network, length_mm):
    return replace(network, link_length_mm=np.full(network.n_links, length_mm, dtype=np.int32))


def costs_by_oracle(network, points):
    feet = [oracle.snap(network, *map(float, point)) for point in points]
    return oracle.costs(network, feet, feet)


def assert_same(got, expected):
    assert [column.tolist() for column in got] == [column.tolist() for column in expected]


def plain(found):
    return found if found is not None else (UNREACHED, UNREACHED)


# --- searching the streets ----------------------------------------------------------------


def test_the_bound_of_the_search_holds_for_every_network_that_can_be_numbered():
    """A label: at most n - 1 edges of a simple path and two part-edges; then one edge more, and two gaps."""
    most_nodes = HEAVIEST
    gaps = 2 * int(SNAP_LIMIT_M * MAX_GAP_MS_PER_M)
    label = (most_nodes + 1) * HEAVIEST
    assert label + gaps < NO_CUTOFF
    assert label + gaps + HEAVIEST < 2**63


@pytest.mark.parametrize("seed", range(8))
def test_a_search_adds_the_heaviest_weights_and_lengths_exactly(seed):
    """Costs and lengths beyond int32, with the slowest gaps, as whole numbers of any size say."""
    network = replace(random_network(seed, n_nodes=14), gap_ms_per_m=MAX_GAP_MS_PER_M)
    network = with_lengths(with_weights(network, HEAVIEST), HEAVIEST)
    points = random_points(network, seed, 6)
    table, router = costs_by_oracle(network, points), Router(network)
    snaps = router.snap(points)
    costs = router.matrix(snaps, snaps)
    assert costs.tolist() == [[plain(found)[0] for found in row] for row in table], show(network)
    nearest = router.nearest(snaps, snaps, 6)
    for row, found in zip(
        table, np.stack([nearest.cost_ms, nearest.facility, nearest.length_mm], 2), strict=True
    ):
        fit = oracle.nearest(row, 6, None)
        assert found.tolist() == [list(each) for each in fit] + [[-1, -1, -1]] * (6 - len(fit)), show(network)
    assert costs.max() > 2**31


def test_a_line_of_the_heaviest_edges_is_as_long_as_its_edges_together():
    town = draw(LINE)
    router = Router(with_lengths(with_weights(town.network, HEAVIEST), HEAVIEST))
    a, z = router.snap(town.lonlat("a")), router.snap(town.lonlat("z"))
    path = router.route(a, z)
    assert (path.cost_ms, path.length_mm) == (25 * HEAVIEST, 25 * HEAVIEST)
    reach = router.reach(a, NO_CUTOFF)
    assert reach.node_cost_ms.tolist() == [i * HEAVIEST for i in range(26)]
    within = router.range(a, z, 25 * HEAVIEST)
    assert (within.cost_ms.tolist(), within.length_mm.tolist()) == ([25 * HEAVIEST], [25 * HEAVIEST])
    assert len(router.range(a, z, 25 * HEAVIEST - 1).facility) == 0
    stops = router.onway(a, z, router.snap(town.lonlat("m")), 1)
    assert (stops.added_ms[0], stops.arrival_ms[0], stops.direct_ms) == (0, 12 * HEAVIEST, 25 * HEAVIEST)


@pytest.mark.parametrize("weight", [MAX_MS - 1, MAX_MS, 2 * MAX_MS, 2**30, HEAVIEST])
@pytest.mark.parametrize("verb", ["coverage", "what_if"])
def test_coverage_without_an_index_is_right_or_refused_at_the_heaviest_weights(verb, weight):
    """It may refuse ways of more than `CUT_MS`; it may not call what is far unreachable."""
    town = draw(LINE)
    router = Router(with_weights(town.network, weight))
    everywhere, m = router.snap(town.lonlat(*"abcdefghijklmnopqrstuvwxyz")), router.snap(town.lonlat("m"))
    expected = router.matrix(everywhere, m)[:, 0].tolist()
    assert max(expected) > CUT_MS
    try:
        if verb == "coverage":
            found = router.coverage(m).cost_ms
        else:
            nothing = router.coverage(m.take(slice(0)))
            changes = router.what_if(nothing, m.take(slice(0)), add=m)
            found = nothing.cost_ms.copy()
            found[changes.node] = changes.cost_ms
    except InvalidInputError as refusal:
        assert "ms" in refusal.message  # noqa: PT017
        return
    assert found.tolist() == expected


# --- with an index ------------------------------------------------------------------------


def test_the_bounds_of_an_index_hold_for_its_largest_entries():
    """As constants.py states them: a witness, a way, a sweep, a change."""
    part, gap_ms, gap_mm = MAX_MS - 1, int(SNAP_LIMIT_M * MAX_GAP_MS_PER_M), int(SNAP_LIMIT_M * 1000)
    never_ms = NEVER >> 32
    assert 3 * part < never_ms
    assert 3 * (MAX_MM - 1) < 2**32
    assert 2 * part + 2 * part + 2 * gap_ms < never_ms
    assert 4 * (MAX_MM - 1) + 2 * gap_mm < 2**32
    assert never_ms + 2 * part + gap_ms < 2**31
    assert FAR_MS + part < 2**31
    assert 3 * part + gap_ms < CUT_MS
    assert CUT_MS + part < never_ms


@pytest.mark.parametrize("labels", [True, False])
def test_the_longest_labels_and_the_slowest_gaps_together_are_told_as_the_search_does(labels):
    """A cost is never mistaken for none: two labels a millisecond below the limit, and 298 m off the street."""
    town = draw("a-b-c")
    network = replace(with_weights(town.network, MAX_MS - 1), gap_ms_per_m=MAX_GAP_MS_PER_M)
    slow, fast = Router(network), Router(network, build_index(network, labels=labels))
    snaps = slow.snap(town.lonlat("a", "c") + np.array([0.0, 0.00268]))
    assert slow.matrix(snaps, snaps)[0, 1] == 2 * (MAX_MS - 1) + snaps.gap_ms.sum() > 7.9e8
    assert fast.matrix(snaps, snaps).tolist() == slow.matrix(snaps, snaps).tolist()
    assert_same(fast.nearest(snaps, fast.facilities(snaps), 2), slow.nearest(snaps, snaps, 2))
    assert_same(fast.coverage(snaps.take(slice(1))), slow.coverage(snaps.take(slice(1))))


def heaviest_index(town):
    """The largest weight, and the largest length, with which the town's index can still be built."""
    for limit, change in ((MAX_MS, with_weights), (MAX_MM, with_lengths)):
        fits, breaks = 1, limit
        while breaks - fits > 1:
            middle = (fits + breaks) // 2
            try:
                build_index(change(town.network, middle))
                fits = middle
            except InvalidInputError:
                breaks = middle
        yield change, fits


def test_an_index_of_the_heaviest_weights_it_takes_answers_as_the_search_does():
    """Found by halving: one more and it is refused, at it every verb is exact; with the slowest gaps."""
    town = draw("""
        a-b-c-d-e-f-g
        |     |     |
        h-i-j-k-l-m-n
    """)
    for change, most in heaviest_index(town):
        network = replace(change(town.network, most), gap_ms_per_m=MAX_GAP_MS_PER_M)
        slow, fast = Router(network), Router(network, build_index(network))
        lonlat = np.concatenate([town.lonlat(*"abcdefghijklmn"), random_points(network, 3, 10)])
        snaps = slow.snap(lonlat)
        assert fast.matrix(snaps, snaps).tolist() == slow.matrix(snaps, snaps).tolist()
        two, few, one = (snaps.take(slice(*ends)) for ends in ((0, 2), (0, 3), (20, 21)))
        assert fast.matrix(two, snaps).tolist() == slow.matrix(two, snaps).tolist()
        for facilities in (snaps, fast.facilities(snaps)):
            assert_same(fast.nearest(snaps, facilities, 24), slow.nearest(snaps, snaps, 24))
        assert_same(fast.coverage(few), slow.coverage(few))
        ends = one, snaps.take(slice(0, 1))
        assert_same(fast.onway(*ends, snaps, 5)[:4], slow.onway(*ends, snaps, 5)[:4])
        for i in range(len(lonlat)):
            there = snaps.take(slice(i, i + 1))
            assert fast.route(one, there)[:2] == slow.route(one, there)[:2]


@pytest.mark.parametrize("weight", [MAX_MS, HEAVIEST])
def test_weights_and_lengths_that_do_not_fit_an_index_are_refused_with_a_remedy(weight):
    town = draw("a-b-c")
    for network in (with_weights(town.network, weight), with_lengths(town.network, max(weight, MAX_MM))):
        with pytest.raises(InvalidInputError, match="does not fit an index; check the speeds") as refusal:
            build_index(network)
        assert "\n" not in refusal.value.message


def test_a_way_that_grows_too_long_only_in_the_labels_is_refused():
    """Each edge fits, and shortcuts of two; the whole line does not."""
    network = with_weights(draw(LINE).network, MAX_MS // 4)
    with pytest.raises(InvalidInputError, match="does not fit an index"):
        build_index(network)


# --- edges that cost nothing, and what cannot be reached ----------------------------------


def two_nodes(**changes):
    nodes = [(116_442_000, 39_957_000), (116_443_000, 39_957_000)]
    return replace(make_network(nodes, [Street(0, 1, (), 5, 7)]), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"edge_weight_ms": [5, 0]}, "edge 1 of profile 'test' has weight_ms=0"),
        ({"edge_weight_ms": [-3, 7]}, "edge 0 of profile 'test' has weight_ms=-3"),
        ({"link_length_mm": [0]}, "link 0 of profile 'test' has length_mm=0"),
        ({"edge_delay_ms": [6, 0]}, "edge 0 of profile 'test' has delay_ms=6"),
        ({"edge_delay_ms": [0, -1]}, "edge 1 of profile 'test' has delay_ms=-1"),
    ],
)
def test_an_edge_that_costs_or_measures_nothing_is_refused(changes, words):
    network = two_nodes(**{name: np.array(values, dtype=np.int32) for name, values in changes.items()})
    with pytest.raises(InvalidInputError, match=words):
        Router(network)


@pytest.mark.parametrize("has_index", [False, True])
def test_unreachable_is_a_value_and_never_a_cost(has_index):
    """From the foot of a one-way street nothing leads away: every verb says so in its own way."""
    town = draw("""
        a→→b--c   d--e
    """)
    router = Router(town.network, build_index(town.network) if has_index else None)
    a, c, d = (town.lonlat(letter) for letter in "acd")
    c, here = router.snap(c), router.snap(np.concatenate([a, d]))
    assert router.matrix(c, here).tolist() == [[UNREACHED, UNREACHED]]
    many = router.snap(np.repeat(c.foot_lon[0:1], 12)[:, None] * [[1.0, 0.0]] + [[0.0, c.foot_lat[0]]])
    assert (router.matrix(many, here) == UNREACHED).all()
    for facilities in (here, router.facilities(here)):
        nearest = router.nearest(c, facilities, 2)
        assert [column.tolist() for column in nearest] == [
            [[NONE, NONE]],
            [[UNREACHED] * 2],
            [[UNREACHED] * 2],
        ]
        assert len(router.range(c, facilities, 10**12).facility) == 0
        stops = router.onway(c, router.snap(town.lonlat("b")), facilities, 1)
        assert (stops.facility[0], stops.added_ms[0], stops.arrival_ms[0]) == (NONE, UNREACHED, UNREACHED)
        coverage = router.coverage(facilities)
        nowhere = [town.letters["b"], town.letters["c"]]
        assert (coverage.cost_ms[nowhere] == UNREACHED).all()
        assert (coverage.facility[nowhere] == NONE).all()
    assert router.reach(c, 10**12).node_cost_ms[town.letters["a"]] == UNREACHED
    for there in (here.take(slice(0, 1)), here.take(slice(1, 2))):
        with pytest.raises(UnreachableError):
            router.route(c, there)
    if has_index:
        with pytest.raises(UnreachableError):
            router.route_nodes(town.letters["c"], town.letters["a"])
        found = router.nearest_node(town.letters["c"], router.facilities_at([town.letters["a"]]), 1)
        assert found.tolist() == [[NONE], [UNREACHED]]
