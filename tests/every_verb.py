"""
Every verb of a router, asked, and compared with the oracle's book.

The same questions for tiny random towns and for real extracts, with an index and without. Facilities
are a list of feet, ``None`` for those that went: what was added, moved and removed is asked as well as
what stands there plainly.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from geo_service.engine.router import NONE, UNREACHED, Facilities, Path, Router, Snaps, Windows
from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.network.graph import Network
from tests.oracles import engine as oracle
from tests.towns import line_m

FOREVER = (-(1 << 40), 1 << 40)


@dataclass(frozen=True)
class Asked:
    """Who is asked, about what, and what is right."""

    router: Router
    book: oracle.Book
    snaps: Snaps
    dice: random.Random
    stands: Sequence[int | None]
    prepared: Facilities
    origins: Sequence[int]

    @property
    def plain(self) -> Snaps:
        """The facilities as mere points."""
        return _points_of(self.snaps, self.stands)

    def one(self, foot: int) -> Snaps:
        """One point."""
        return self.snaps.take(slice(foot, foot + 1))


def write_asked(
    router: Router,
    book: oracle.Book,
    points: np.ndarray,
    dice: random.Random,
    pool: Sequence[int],
    origins: Sequence[int],
    fewest: int = 0,
) -> Asked:
    """Snap, which must equal the book's feet bit for bit, and let facilities of the pool come, move and go."""
    snaps = router.snap(points)
    check_snaps(snaps, book.feet)
    stands: list[int | None] = list(dice.sample(pool, dice.randint(fewest, len(pool))))
    prepared = router.facilities(_points_of(snaps, stands))
    for _ in range(dice.choice([0, 1, 3])):
        _change(prepared, stands, snaps, dice, pool)
    return Asked(router, book, snaps, dice, stands, prepared, origins)


def _change(
    prepared: Facilities, stands: list[int | None], snaps: Snaps, dice: random.Random, pool: Sequence[int]
) -> None:
    rows = dice.sample(range(len(stands)), dice.randint(0, min(3, len(stands))))
    at = dice.choices(pool, k=len(rows))
    match dice.choice(["add", "move", "remove"]):
        case "add":
            come = dice.choices(pool, k=dice.randint(0, 3))
            assert prepared.add(_points_of(snaps, come)).tolist() == [
                len(stands) + i for i in range(len(come))
            ]
            stands += come
        case "move":
            prepared.move(np.array(rows, dtype=np.int64), _points_of(snaps, at))
            for row, foot in zip(rows, at, strict=True):
                stands[row] = foot
        case "remove":
            prepared.remove(np.array(rows, dtype=np.int64))
            for row in rows:
                stands[row] = None
    assert len(prepared) == len(stands)


def _points_of(snaps: Snaps, stands: Sequence[int | None]) -> Snaps:
    taken = snaps.take(np.array([at or 0 for at in stands], dtype=np.int64))
    taken.link[[at is None for at in stands]] = NONE
    return taken


def check_every_verb(asked: Asked) -> None:
    """All of them, from some of the origins those that take one."""
    check_matrix(asked)
    check_nearest(asked)
    check_coverage(asked)
    check_what_if(asked)
    some = asked.dice.choices(asked.origins, k=3)
    check_reach(asked, some[0])
    check_range(asked, some[0])
    check_trip(asked, some[0], some[1])
    check_trip(asked, some[1], some[2])
    check_nodes(asked, asked.dice.choices(range(asked.book.network.n_nodes), k=4))


# --- snap, matrix, nearest ----------------------------------------------------------------


def check_snaps(snaps: Snaps, feet: Sequence[oracle.Foot]) -> None:
    """Equal bit for bit."""
    got = np.stack([snaps.link.astype(np.float64), snaps.share, snaps.foot_lon, snaps.foot_lat, snaps.gap_m])
    expected = [(NONE if foot.link is None else foot.link, *foot[1:]) for foot in feet]
    assert np.array_equal(got.T, np.array(expected, dtype=np.float64).reshape(-1, 5), equal_nan=True)


def check_matrix(asked: Asked) -> None:
    """Square, few rows, few columns."""
    book, all_feet = asked.book, range(len(asked.book.feet))
    few = list(asked.origins[:3])
    for rows, columns in ((asked.origins, all_feet), (few, all_feet), (all_feet, few)):
        expected = [
            [found[0] if (found := oracle.way(book, i, j)) else UNREACHED for j in columns] for i in rows
        ]
        got = asked.router.matrix(asked.snaps.take(np.array(rows)), asked.snaps.take(np.array(columns)))
        assert got.tolist() == expected


def throw_windows(dice: random.Random, seen: Sequence[int], n: int) -> list:
    """Up to three windows a facility, their edges often exactly on a cost."""
    windows = []
    for _ in range(n):
        count = 2 * dice.choice([0, 1, 1, 3])
        ends = [dice.choice(seen) + dice.choice([-1, 0, 0, 1, 50]) for _ in range(count)]
        windows.append([(min(pair), max(pair)) for pair in zip(ends[::2], ends[1::2], strict=True)])
    return windows


def make_windows(lists: Sequence | None) -> Windows | None:
    """As the engine takes them, for who departs at some instant: costs are compared from there."""
    if lists is None:
        return None
    start_ms = len(lists) * 10**11
    return Windows(
        np.cumsum([0] + [len(each) for each in lists]).astype(np.int32),
        np.array([a + start_ms for each in lists for a, _ in each], dtype=np.int64),
        np.array([b + start_ms for each in lists for _, b in each], dtype=np.int64),
        start_ms,
    )


def check_nearest(asked: Asked) -> None:
    """Of all, of those open on arrival, of an eligible subset; prepared facilities and plain ones."""
    book, dice, stands = asked.book, asked.dice, asked.stands
    table = [[None if at is None else oracle.way(book, i, at) for at in stands] for i in asked.origins]
    windows = throw_windows(dice, _costs_in(table), len(stands))
    share, k = dice.random(), dice.choice([1, 2, 5, len(stands) + 2])
    kept = np.array([dice.random() < share for _ in stands], dtype=np.bool_)
    eligible = [[FOREVER] if keep else [] for keep in kept]
    both = [w if keep else [] for w, keep in zip(windows, kept, strict=True)]
    origins, some = asked.snaps.take(np.array(asked.origins)), asked.prepared.where(kept)
    cases = [
        (asked.prepared, None, None),
        (asked.plain, None, None),
        (asked.prepared, windows, windows),
        (asked.plain, windows, windows),
        (some, None, eligible),
        (some, windows, both),
    ]
    for facilities, when, expected_when in cases:
        found = asked.router.nearest(origins, facilities, k, make_windows(when))
        assert found.facility.shape == (len(asked.origins), k)
        rows = [oracle.nearest(row, k, expected_when) for row in table]
        assert _padded(found.cost_ms, found.facility, found.length_mm) == [_pad(row, k, 3) for row in rows]
        if isinstance(facilities, Facilities):
            check_nearest_point(asked, facilities, k, when, rows)


def check_nearest_point(
    asked: Asked, facilities: Facilities, k: int, when: Sequence | None, rows: Sequence
) -> None:
    """What is found from coordinates is what is found from snapped points."""
    windows = make_windows(when)
    for origin, row in zip(asked.origins, rows, strict=True):
        foot = asked.book.feet[origin]
        point = asked.snaps.take(slice(origin, origin + 1))
        found = asked.router.nearest_point(point.lon[0], point.lat[0], facilities, k, windows)
        rider = [(cost, facility, length) for facility, cost, length in found.T.tolist()]
        assert list(map(list, rider)) == (_pad(row, k, 3) if foot.link is not None else _pad([], k, 3))


def _costs_in(table: Sequence) -> list[int]:
    return [found[0] for row in table for found in row if found] or [0]


def _pad(row: Sequence, k: int, width: int) -> list:
    return [list(each) for each in row] + [[UNREACHED] * width] * (k - len(row))


def _padded(*columns: np.ndarray) -> list:
    return np.stack(columns, axis=-1).tolist()


def check_nodes(asked: Asked, nodes: Sequence[int]) -> None:
    """From node to node, with an index: without it, refused by name."""
    router, book, k = asked.router, asked.book, asked.dice.randint(1, 6)
    if router.index is None:
        with pytest.raises(InvalidInputError, match="needs an index"):
            router.route_nodes(nodes[0], nodes[1])
        return
    n_places = book.network.n_nodes + len(book.feet)
    by_size = oracle.floyd_warshall(book.graph, n_places) if n_places <= oracle.SMALL else None
    rows = by_size[nodes] if by_size is not None else oracle.by_scipy(book.graph, n_places, np.array(nodes))
    keys = rows[:, nodes]
    costs = np.where(keys == oracle.NO_WAY, UNREACHED, keys >> 32)
    assert router.matrix_nodes(nodes, nodes).tolist() == costs.tolist()
    facilities = router.facilities_at(nodes)
    some, cost_ms = router.nearest_nodes(np.array(nodes), facilities, k)
    for i, node in enumerate(nodes):
        near = sorted((int(cost), f) for f, cost in enumerate(costs[i]) if cost != UNREACHED)[:k]
        assert _padded(cost_ms[i], some[i]) == _pad(near, k, 2)
        one = router.nearest_node(node, facilities, k)
        assert _padded(one[1], one[0]) == _pad(near, k, 2)
    for j, head in enumerate(nodes):
        check_node_route(router, nodes[0], head, int(keys[0, j]))


def check_node_route(router: Router, tail: int, head: int, key: int) -> None:
    """Whole edges that join, and the sums the book says."""
    if key == oracle.NO_WAY:
        with pytest.raises(UnreachableError):
            router.route_nodes(tail, head)
        return
    network, path = router.network, router.route_nodes(tail, head)
    assert (path.cost_ms, path.length_mm) == (key >> 32, key & 0xFFFFFFFF)
    assert path.edge_cost_ms.tolist() == network.edge_weight_ms[path.edge].tolist()
    assert path.edge_cost_ms.sum() == path.cost_ms
    ends = [tail, *network.edge_head[path.edge].tolist()]
    assert ends[-1] == head
    assert network.edge_tail[path.edge].tolist() == ends[:-1]


# --- coverage and trials ------------------------------------------------------------------


def check_coverage(asked: Asked) -> None:
    """Of prepared and plain facilities, and of an eligible half."""
    half = [at if asked.dice.random() < 0.5 else None for at in asked.stands]
    some = asked.prepared.where(np.array([at is not None for at in half], dtype=np.bool_))
    for facilities, stands in ((asked.prepared, asked.stands), (asked.plain, asked.stands), (some, half)):
        coverage = asked.router.coverage(facilities)
        expected = oracle.coverage(asked.book, stands)
        assert (coverage.cost_ms.tolist(), coverage.facility.tolist()) == (
            expected[0].tolist(),
            expected[1].tolist(),
        )


def check_what_if(asked: Asked) -> None:
    """Closing, adding and moving; every node that changes is told once, and no other."""
    dice, count = asked.dice, len(asked.stands)
    n_trials = min(6, len(asked.book.arrive))
    close = [dice.randrange(-1, count) for _ in range(n_trials)]
    add = dice.choices(range(len(asked.book.arrive)), k=n_trials)
    before = oracle.coverage(asked.book, asked.stands)
    now = asked.router.coverage(asked.prepared)
    come = asked.snaps.take(np.array(add, dtype=np.int64))
    for closed, added in ((close, None), (None, add), (close, add)):
        changes = asked.router.what_if(now, asked.prepared, close=closed, add=None if added is None else come)
        for t in range(n_trials):
            stands = [*asked.stands, None if added is None else added[t]]
            if closed is not None and closed[t] != NONE:
                stands[closed[t]] = None
            after = oracle.coverage(asked.book, stands)
            node = np.flatnonzero((after != before).any(axis=0))
            mine = slice(changes.first[t], changes.first[t + 1])
            got = sorted(_padded(changes.node[mine], changes.cost_ms[mine], changes.facility[mine]))
            assert got == _padded(node, *after[:, node])


# --- reach, routes, stops, range ----------------------------------------------------------


def check_reach(asked: Asked, origin: int) -> None:
    """Nothing, about half of the town, and all of it."""
    book, foot = asked.book, asked.book.feet[origin]
    if foot.link is None:
        with pytest.raises(InvalidInputError, match="nearest street"):
            asked.router.reach(asked.one(origin), 1)
        return
    keys = book.leave[origin]
    best_ms = {v: int(keys[v]) >> 32 for v in np.flatnonzero(keys != oracle.NO_WAY).tolist()}
    gap_ms, costs = book.gaps[origin][0], sorted(best_ms.values()) or [0]
    for cutoff_ms in (0, gap_ms + costs[len(costs) // 2] + asked.dice.choice([-1, 0, 7]), 1 << 40):
        reach = asked.router.reach(asked.one(origin), max(cutoff_ms, 0))
        nodes, parts = oracle.reach_of(book.network, foot, best_ms, max(cutoff_ms, 0))
        assert reach.node_cost_ms.tolist() == [nodes.get(v, UNREACHED) for v in range(book.network.n_nodes)]
        got = list(
            zip(
                *(c.tolist() for c in (reach.edge, reach.start_share, reach.end_share, reach.start_cost_ms)),
                strict=True,
            )
        )
        assert len(got) == len(parts)
        assert set(got) == parts
        assert got == sorted(got, key=lambda part: part[:2])


def check_trip(asked: Asked, origin: int, destination: int) -> None:
    """The route, and the stops on the way."""
    router, ends = asked.router, (asked.one(origin), asked.one(destination))
    if NONE in (ends[0].link[0], ends[1].link[0]):
        for ask in (lambda: router.route(*ends), lambda: router.onway(*ends, asked.plain, 1)):
            with pytest.raises(InvalidInputError, match="nearest street"):
                ask()
        return
    direct = oracle.way(asked.book, origin, destination)
    if direct is None:
        for ask in (lambda: router.route(*ends), lambda: router.onway(*ends, asked.plain, 1)):
            with pytest.raises(UnreachableError, match="no way leads there"):
                ask()
        return
    path = router.route(*ends)
    assert (path.cost_ms, path.length_mm) == direct
    check_path(router.network, path, *ends)
    check_stops(asked, (origin, destination), direct[0])


def check_stops(asked: Asked, ends: tuple[int, int], direct_ms: int) -> None:
    """With windows and without, of prepared facilities and of plain ones."""
    k, here, there = asked.dice.randint(1, 4), asked.one(ends[0]), asked.one(ends[1])
    windows = throw_windows(asked.dice, _arrivals(asked, ends[0]), len(asked.stands))
    for facilities in (asked.prepared, asked.plain):
        for when in (None, windows):
            stops = asked.router.onway(here, there, facilities, k, make_windows(when))
            expected = oracle.stops(asked.book, ends, asked.stands, k, when)
            got = _padded(stops.added_ms, stops.facility, stops.arrival_ms, stops.length_mm)
            assert got == _pad(expected, k, 4)
            assert stops.direct_ms == direct_ms


def _arrivals(asked: Asked, origin: int) -> list[int]:
    return _costs_in([[None if at is None else oracle.way(asked.book, origin, at) for at in asked.stands]])


def check_range(asked: Asked, origin: int) -> None:
    """With a reserve and without, from here and after a point to pass, with windows and without."""
    router, book, dice = asked.router, asked.book, asked.dice
    via = dice.choice(asked.origins)
    if book.feet[origin].link is None or book.feet[via].link is None:
        return
    lengths = [found[1] for at in asked.stands if at is not None and (found := oracle.way(book, origin, at))]
    limit_mm, reserve_mm = dice.choice(lengths or [5]) + dice.choice([-1, 0, 100_000]), dice.choice([0, 900])
    windows = throw_windows(dice, _arrivals(asked, origin), len(asked.stands))
    for passed in (None, via):
        if passed is not None and oracle.way(book, origin, passed) is None:
            with pytest.raises(UnreachableError, match="point to pass"):
                router.range(asked.one(origin), asked.prepared, 1, via=asked.one(passed))
            continue
        for facilities, when in ((asked.prepared, None), (asked.prepared, windows), (asked.plain, windows)):
            found = router.range(
                asked.one(origin),
                facilities,
                limit_mm + reserve_mm,
                reserve_mm=reserve_mm,
                via=None if passed is None else asked.one(passed),
                windows=make_windows(when),
            )
            expected = oracle.within(book, origin, passed, asked.stands, limit_mm, when)
            assert _padded(found.cost_ms, found.facility, found.length_mm) == [list(row) for row in expected]


def check_path(network: Network, path: Path, origin: Snaps, destination: Snaps) -> None:
    """Sums hold, pieces join, whole edges are whole, and what is drawn is as long as it says."""
    assert path.cost_ms == path.gap_ms.sum() + path.edge_cost_ms.sum()
    assert path.length_mm == path.gap_mm.sum() + path.edge_length_mm.sum()
    assert (network.edge_head[path.edge[:-1]] == network.edge_tail[path.edge[1:]]).all()
    inner = path.edge[1:-1]
    assert (path.edge_cost_ms[1:-1] == network.edge_weight_ms[inner]).all()
    assert (path.edge_length_mm[1:-1] == network.link_length_mm[network.edge_link[inner]]).all()
    assert path.lonlat[0].tolist() == [origin.lon[0], origin.lat[0]]
    assert path.lonlat[-1].tolist() == [destination.lon[0], destination.lat[0]]
    feet = [[snaps.foot_lon[0], snaps.foot_lat[0]] for snaps in (origin, destination)]
    assert np.abs(path.lonlat[[1, -2]] - feet).max() < 1e-12
    assert (path.first_point[0], path.first_point[-1]) == (1, len(path.lonlat) - 2)
    heads = network.edge_head[path.edge[:-1]]
    joints = np.stack([network.node_lon_e6[heads], network.node_lat_e6[heads]], axis=1) / 1e6
    assert path.lonlat[path.first_point[1:-1]].tolist() == joints.tolist()
    for i in range(len(path.edge)):
        drawn = path.lonlat[path.first_point[i] : path.first_point[i + 1] + 1]
        _check_piece(network, path, i, drawn * 1e6)


def _check_piece(network: Network, path: Path, i: int, drawn: np.ndarray) -> None:
    """A whole piece is drawn point for point, a part of one as long as it says."""
    assert len(drawn) >= 2
    edge = path.edge[i]
    link = network.edge_link[edge]
    points = slice(network.first_point[link], network.first_point[link + 1])
    whole = np.stack([network.point_lon_e6[points], network.point_lat_e6[points]], axis=1)
    if 0 < i < len(path.edge) - 1:
        expected = whole if network.link_edge[link, 0] == edge else whole[::-1]
        assert drawn.round().astype(np.int64).tolist() == expected.tolist()
        return
    # whole millimetres; the metric is taken in the middle of each segment, also of a cut one; and lengths
    # were measured before a line was thinned
    whole_m, length_m = line_m(whole.tolist(), network.metric), path.edge_length_mm[i] / 1000
    stated_m = length_m / (network.link_length_mm[link] / 1000) * whole_m if whole_m else 0.0
    assert abs(line_m(drawn.tolist(), network.metric) - stated_m) <= max(0.003, 3e-5 * length_m)
