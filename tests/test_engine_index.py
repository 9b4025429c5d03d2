"""The index and what only it makes quick: files, facilities that change, coverage, stops, range, trials."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from geo_service.engine.constants import HUB_MASK, LABELS_MAX_NODES, MAX_CLIMB_MM, MAX_MM, MAX_MS
from geo_service.engine.hierarchy import build_hierarchy
from geo_service.engine.router import (
    NONE,
    UNREACHED,
    Router,
    Windows,
    build_index,
    load_index,
    save_index,
)
from geo_service.errors import BadDataError, InvalidInputError, UnreachableError
from tests import towns
from tests.oracles import engine as oracle
from tests.test_engine import SEEDS, make_windows, plain, random_windows
from tests.towns import make_router, random_network, random_points, show, with_weights


@pytest.fixture(params=["search", "labels", "climb"])
def kernel(request):
    """The test asks all kernels: the search, saved labels, and labels made for each question."""
    before, towns.KERNEL[0] = towns.KERNEL[0], request.param
    yield request.param
    towns.KERNEL[0] = before


@pytest.fixture(params=["labels", "climb"])
def labels(request):
    """The test asks an index, with labels and without."""
    before, towns.KERNEL[0] = towns.KERNEL[0], request.param
    yield
    towns.KERNEL[0] = before


def town_of(seed, n_points=10):
    """Router, snapped points, and the oracle's table of (cost, length) between them."""
    network = random_network(seed)
    points = random_points(network, seed, n_points)
    feet = [oracle.snap(network, *map(float, point)) for point in points]
    router = make_router(network)
    return router, router.snap(points), oracle.costs(network, feet, feet), feet


# --- the index ----------------------------------------------------------------------------


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_network_gives_the_same_bytes(tmp_path):
    network = random_network(3, n_nodes=60)
    for name in "ab":
        save_index(build_index(network), tmp_path / name)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_a_mapped_index_answers_as_the_one_that_was_built(tmp_path):
    network = random_network(4, n_nodes=40)
    index = build_index(network)
    save_index(index, tmp_path)
    routers = [Router(network, index), Router(network, load_index(tmp_path, network, verify=True))]
    snaps = routers[0].snap(random_points(network, 4, 20))
    one, other = (router.matrix(snaps, snaps).tolist() for router in routers)
    assert one == other


def test_an_index_without_labels_is_saved_smaller_and_answers_the_same(tmp_path):
    network = random_network(4, n_nodes=40)
    for has_labels in (True, False):
        save_index(build_index(network, labels=has_labels), tmp_path / str(has_labels))
    loaded = load_index(tmp_path / "False", network, verify=True)
    assert not loaded.has_labels
    assert loaded.n_bytes < load_index(tmp_path / "True", network).n_bytes
    routers = [Router(network), Router(network, loaded)]
    snaps = routers[0].snap(random_points(network, 4, 20))
    one, other = (router.matrix(snaps, snaps).tolist() for router in routers)
    assert one == other


def test_labels_are_made_for_a_city_and_not_for_a_province(draw):
    assert build_index(draw("a-b").network).has_labels
    assert 47_009 < LABELS_MAX_NODES < HUB_MASK


def test_an_index_of_another_network_is_refused(tmp_path):
    network, other = random_network(5), random_network(6)
    save_index(build_index(network), tmp_path)
    with pytest.raises(BadDataError, match="another network"):
        load_index(tmp_path, other)
    with pytest.raises(InvalidInputError, match="build it anew"):
        Router(other, build_index(network))


def test_an_index_of_another_version_is_refused(tmp_path):
    network = random_network(5)
    save_index(build_index(network), tmp_path)
    header = tmp_path / "index.json"
    header.write_text(header.read_text().replace('"version": 2', '"version": 1'))
    with pytest.raises(BadDataError, match="not an index of version"):
        load_index(tmp_path, network)


def test_a_file_that_was_cut_is_noticed_at_once(tmp_path):
    network = random_network(5)
    save_index(build_index(network), tmp_path)
    entry = tmp_path / "forward_entry.npy"
    entry.write_bytes(entry.read_bytes()[:-8])
    with pytest.raises(BadDataError, match=r"forward_entry\.npy damaged"):
        load_index(tmp_path, network)


def test_a_flipped_bit_is_noticed_when_asked_for(tmp_path):
    network = random_network(5)
    save_index(build_index(network), tmp_path)
    path = tmp_path / "up_ms.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    load_index(tmp_path, network)
    with pytest.raises(BadDataError, match=r"up_ms\.npy damaged"):
        load_index(tmp_path, network, verify=True)


def test_building_tells_how_far_it_is_and_can_be_interrupted():
    network, told = random_network(7, n_nodes=50), []
    build_index(network, lambda *step: told.append(step))
    assert told[-1] == ("labels", 50, 50)
    assert ("hierarchy", 50, 50) in told

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(network, stop)


def test_streets_that_need_many_shortcuts_are_contracted_right():
    network = random_network(1, n_nodes=200, n_streets=800)
    fast, slow = Router(network, build_index(network)), Router(network)
    hierarchy = build_hierarchy(network)
    n_shortcuts = [int((arcs.half[:, 1] != NONE).sum()) for arcs in (hierarchy.up, hierarchy.down)]
    assert min(n_shortcuts) > 80  # more than there is room for at first
    snaps = slow.snap(random_points(network, 1, 30))
    assert fast.matrix(snaps, snaps).tolist() == slow.matrix(snaps, snaps).tolist()


@pytest.mark.parametrize("has_labels", [True, False])
def test_the_heaviest_weights_an_index_takes_add_up_exactly(draw, has_labels):
    heaviest = MAX_MS // 4 - 1
    town = draw("a-b-c-d-e")
    router = Router(with_weights(town.network, heaviest))
    indexed = Router(router.network, build_index(router.network, labels=has_labels))
    ends = router.snap(town.lonlat("a", "e"))
    assert indexed.matrix(ends, ends).tolist() == router.matrix(ends, ends).tolist()
    assert indexed.matrix(ends, ends)[0, 1] == 4 * heaviest
    many = indexed.snap(np.repeat(town.lonlat("a", "e"), 10, axis=0))
    assert indexed.matrix(many, many).max() == 4 * heaviest
    assert indexed.coverage(ends.take(slice(1, 2))).cost_ms.max() == 4 * heaviest


@pytest.mark.parametrize("has_labels", [True, False])
@pytest.mark.parametrize("weight", [MAX_MS // 2, MAX_MS, 2**31 - 1])
def test_a_network_whose_sums_might_not_fit_is_refused(draw, weight, has_labels):
    with pytest.raises(InvalidInputError, match="does not fit an index"):
        build_index(with_weights(draw("a-b-c-d-e").network, weight), labels=has_labels)


def test_the_greatest_lengths_of_keys_fit_their_bits():
    gap_mm = 300_000
    assert 4 * (MAX_MM - 1) + 2 * gap_mm < 2**32
    assert 2 * (MAX_CLIMB_MM - 1) + 2 * (MAX_MM - 1) + 2 * gap_mm < 2**32
    assert MAX_CLIMB_MM < 2**31


def test_a_point_that_is_nowhere_is_refused_and_one_far_from_streets_finds_nothing(draw):
    town = draw("a--b")
    router = Router(town.network, build_index(town.network))
    facilities = router.facilities(router.snap(town.lonlat("a")))
    (lon, lat), *_ = town.lonlat("a").tolist()
    assert (router.nearest_point(lon, lat + 0.5, facilities, 2) == -1).all()
    with pytest.raises(InvalidInputError, match="lon and lat"):
        router.nearest_point(lat, lon, facilities, 2)


# --- facilities ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS[:20])
@pytest.mark.usefixtures("kernel")
def test_prepared_facilities_are_found_as_plain_ones(seed):
    router, snaps, table, _ = town_of(seed)
    windows = random_windows(random.Random(seed), table, 10)
    facilities = router.facilities(snaps)
    freely = router.nearest(snaps, facilities, 3)
    timed = router.nearest(snaps, facilities, 3, make_windows(windows))
    for row in range(10):
        assert plain(freely, row) == oracle.nearest(table[row], 3, None), show(router.network)
        assert plain(timed, row) == oracle.nearest(table[row], 3, windows), show(router.network)


@pytest.mark.parametrize("seed", SEEDS[:20])
@pytest.mark.usefixtures("kernel")
def test_facilities_that_changed_are_found_as_if_they_had_always_been_so(seed):
    router, snaps, _, _ = town_of(seed, 16)
    facilities = router.facilities(snaps.take(slice(0, 8)))
    assert facilities.add(snaps.take(slice(8, 12))).tolist() == [8, 9, 10, 11]
    facilities.remove([1, 9])
    facilities.move([0, 3], snaps.take(slice(12, 14)))
    rows = np.array([12, 1, 2, 13, 4, 5, 6, 7, 8, 9, 10, 11])
    fresh = snaps.take(rows)
    fresh.link[[1, 9]] = NONE
    for got, expected in zip(
        router.nearest(snaps, facilities, 5), router.nearest(snaps, fresh, 5), strict=True
    ):
        assert got.tolist() == expected.tolist(), show(router.network)


@pytest.mark.parametrize("seed", SEEDS[:20])
@pytest.mark.usefixtures("kernel")
def test_a_filter_leaves_out_and_keeps_numbers(seed):
    router, snaps, table, _ = town_of(seed)
    kept = np.random.default_rng(seed).random(10) < 0.4
    few = router.facilities(snaps).where(kept)
    always = [[(-1, 2**40)] if keep else [] for keep in kept]
    found = router.nearest(snaps, few, 4)
    for row in range(10):
        assert plain(found, row) == oracle.nearest(table[row], 4, always), show(router.network)


@pytest.mark.usefixtures("labels")
def test_a_closed_quarter_does_not_change_the_answer():
    network = random_network(11, n_nodes=90, n_streets=170)
    router, slow = make_router(network), Router(network)
    points = random_points(network, 11, 1500)
    snaps = router.snap(points)
    far = points[:, 0] > np.quantile(points[:, 0], 0.98)
    windows = Windows(
        np.concatenate([[0], np.cumsum(far)]).astype(np.int32),
        np.zeros(far.sum(), dtype=np.int64),
        np.full(far.sum(), 2**40),
    )
    shut = make_windows([[(0, 2**40)] if is_far else [(-5, -1)] for is_far in far])
    origins = snaps.take(slice(0, 40))
    for when in (windows, shut):
        got, expected = (
            r.nearest(origins, f, 5, when) for r, f in ((router, router.facilities(snaps)), (slow, snaps))
        )
        assert got.facility.tolist() == expected.facility.tolist()
        assert got.length_mm.tolist() == expected.length_mm.tolist()


@pytest.mark.usefixtures("kernel")
def test_readers_see_a_change_whole_or_not_at_all():
    network = random_network(12, n_nodes=60, n_streets=120)
    router = make_router(network)
    snaps = router.snap(random_points(network, 12, 12, spread_m=5.0))
    origins, both = snaps.take(slice(0, 6)), [snaps.take(slice(6, 9)), snaps.take(slice(9, 12))]
    allowed = {router.nearest(origins, each, 3).cost_ms.tobytes() for each in both}
    facilities = router.facilities(both[0])

    def read():
        return {router.nearest(origins, facilities, 3).cost_ms.tobytes() for _ in range(60)}

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(8)]
        for turn in range(40):
            facilities.move([0, 1, 2], both[(turn + 1) % 2])
        seen = set().union(*(reader.result() for reader in readers))
    assert seen <= allowed


@pytest.mark.usefixtures("kernel")
def test_rows_that_are_not_there_are_refused(draw):
    town = draw("a--b")
    facilities = town.router.facilities(town.snap("a"))
    with pytest.raises(InvalidInputError, match="row 1 is not one of 1"):
        facilities.remove([1])
    with pytest.raises(InvalidInputError, match="one value for each"):
        facilities.where([True, False])
    with pytest.raises(InvalidInputError, match="one point for each row"):
        facilities.move([0], town.snap("a", "b"))


@pytest.mark.parametrize("seed", SEEDS[:20])
@pytest.mark.usefixtures("labels")
def test_nodes_are_asked_as_points_without_gaps(seed):
    network = random_network(seed)
    router, nodes = make_router(network), np.arange(network.n_nodes)
    graph = oracle.cut(network, [])
    table = [oracle.walk(graph, v) for v in nodes.tolist()]
    costs = router.matrix_nodes(nodes, nodes)
    expected = [[row[v][0] if v in row else UNREACHED for v in nodes.tolist()] for row in table]
    assert costs.tolist() == expected, show(network)
    facilities = router.facilities_at(nodes[::3])
    many = router.nearest_nodes(nodes, facilities, 4)
    for v in nodes.tolist():
        near = sorted((row[0], i) for i, to in enumerate(nodes[::3].tolist()) if (row := table[v].get(to)))[
            :4
        ]
        near += [(-1, -1)] * (4 - len(near))
        assert router.nearest_node(v, facilities, 4).T.tolist() == [[i, c] for c, i in near], show(network)
        assert [many[0][v].tolist(), many[1][v].tolist()] == [[i for _, i in near], [c for c, _ in near]]
    for a, b in zip(nodes[:-1].tolist(), nodes[1:].tolist(), strict=True):
        if b in table[a]:
            path = router.route_nodes(a, b)
            assert (path.cost_ms, path.length_mm) == table[a][b]
            assert path.edge_cost_ms.sum() == path.cost_ms


# --- coverage and trials ------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS[:30])
@pytest.mark.usefixtures("kernel")
def test_coverage_is_the_nearest_facility_of_every_node(seed):
    router, snaps, _, feet = town_of(seed, 6)
    network = router.network
    graph = oracle.cut(network, feet)
    coverage = router.coverage(snaps)
    prepared = router.coverage(router.facilities(snaps))
    assert all((a == b).all() for a, b in zip(coverage, prepared, strict=True)), show(network)
    for v in range(network.n_nodes):
        best = oracle.walk(graph, v)
        costs = [
            (best[("foot", i)][0] + oracle.gap(network, foot)[0], i)
            for i, foot in enumerate(feet)
            if foot.link is not None and ("foot", i) in best
        ]
        expected = min(costs, default=(UNREACHED, NONE))
        assert (coverage.cost_ms[v], coverage.facility[v]) == expected, show(network)


@pytest.mark.parametrize("seed", SEEDS[:30])
@pytest.mark.usefixtures("kernel")
def test_trials_change_a_coverage_as_if_it_were_made_anew(seed):
    router, snaps, _, _ = town_of(seed, 16)
    old, new = snaps.take(slice(0, 8)), snaps.take(slice(8, 16))
    coverage = router.coverage(old)
    for close, add in ((np.arange(8), None), (None, new), (np.arange(8), new)):
        changes = router.what_if(coverage, router.facilities(old), close=close, add=add)
        for t in range(8):
            whole = router.snap(np.zeros((0, 2))) if add is None else new.take(slice(t, t + 1))
            rows = type(old)(*(np.concatenate(pair) for pair in zip(old, whole, strict=True)))
            if close is not None:
                rows.link[t] = NONE
            expected = router.coverage(rows)
            got = type(coverage)(coverage.cost_ms.copy(), coverage.facility.copy())
            mine = slice(changes.first[t], changes.first[t + 1])
            got.cost_ms[changes.node[mine]] = changes.cost_ms[mine]
            got.facility[changes.node[mine]] = changes.facility[mine]
            assert got.cost_ms.tolist() == expected.cost_ms.tolist(), show(router.network)
            assert got.facility.tolist() == expected.facility.tolist(), show(router.network)
            assert len(np.unique(changes.node[mine])) == mine.stop - mine.start


# --- stops and range ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS[:30])
@pytest.mark.usefixtures("kernel")
def test_stops_on_the_way_are_those_of_least_added_cost(seed):
    router, snaps, table, _ = town_of(seed)
    windows = random_windows(random.Random(seed), table, 10)
    for a in range(3):
        origin, destination = snaps.take(slice(a, a + 1)), snaps.take(slice(9, 10))
        if NONE in (origin.link[0], destination.link[0]):
            continue
        if table[a][9] is None:
            with pytest.raises(UnreachableError):
                router.onway(origin, destination, snaps, 3)
            continue
        for open_at in (None, windows):
            expected = sorted(
                (
                    table[a][f][0] + table[f][9][0] - table[a][9][0],
                    f,
                    table[a][f][0],
                    table[a][f][1] + table[f][9][1],
                )
                for f in range(10)
                if table[a][f]
                and table[f][9]
                and (open_at is None or any(x <= table[a][f][0] < y for x, y in open_at[f]))
            )[:4]
            stops = router.onway(origin, destination, snaps, 4, open_at and make_windows(open_at))
            columns = (stops.added_ms, stops.facility, stops.arrival_ms, stops.length_mm)
            got = list(zip(*(column.tolist() for column in columns), strict=True))
            assert got == expected + [(-1, -1, -1, -1)] * (4 - len(expected)), show(router.network)
            assert stops.direct_ms == table[a][9][0]


@pytest.mark.parametrize("seed", SEEDS[:30])
@pytest.mark.usefixtures("kernel")
def test_range_compares_the_length_of_the_fastest_way(seed):
    router, snaps, table, _ = town_of(seed)
    windows = random_windows(random.Random(seed), table, 10)
    lengths = sorted(found[1] for row in table for found in row if found) or [0]
    for via in (None, 1):
        origin, passed = snaps.take(slice(0, 1)), snaps.take(slice(1, 2))
        before = (0, 0) if via is None else table[0][1]
        if NONE in (origin.link[0], passed.link[0]) or before is None:
            continue
        row = table[0 if via is None else 1]
        for open_at in (None, windows):
            limit = lengths[len(lengths) // 2]
            expected = sorted(
                (before[0] + found[0], f, before[1] + found[1])
                for f, found in enumerate(row)
                if found
                and before[1] + found[1] <= limit
                and (open_at is None or any(x <= before[0] + found[0] < y for x, y in open_at[f]))
            )
            within = router.range(
                origin,
                router.facilities(snaps),
                limit + 500,
                reserve_mm=500,
                via=None if via is None else passed,
                windows=open_at and make_windows(open_at),
            )
            columns = (within.cost_ms, within.facility, within.length_mm)
            got = list(zip(*(column.tolist() for column in columns), strict=True))
            assert got == expected, show(router.network)


# --- windows, kits, later versions ---------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_nothing_counts_from_the_horizon_on(seed, kernel):
    router, snaps, table, _ = town_of(seed)
    costs = sorted({way[0] for row in table for way in row if way})
    horizon_ms = costs[len(costs) // 2]
    always = make_windows([[(0, 1 << 40)]] * len(snaps.link))
    prepared = router.facilities(snaps)
    for facilities in (snaps, prepared):
        found = router.nearest(snaps, facilities, 4, always._replace(horizon_ms=horizon_ms))
        cut = make_windows([[(0, horizon_ms)]] * len(snaps.link))
        assert [column.tolist() for column in found] == [
            column.tolist() for column in router.nearest(snaps, facilities, 4, cut)
        ]


@pytest.mark.parametrize("seed", range(25))
def test_facilities_of_a_later_version_are_as_if_prepared_anew(seed, kernel):
    router, snaps, _, _ = town_of(seed, 16)
    dice = random.Random(seed)
    earlier = snaps.take(np.array(sorted(dice.sample(range(16), 9))))
    prepared = router.facilities(earlier)
    before = [column.tolist() for column in router.nearest(snaps, prepared, 5)]
    stay = sorted(dice.sample(range(9), dice.randrange(10)))
    order = [(row, None) for row in stay]
    for _ in range(dice.randrange(5)):
        order.insert(dice.randrange(len(order) + 1), (NONE, dice.randrange(16)))
    kept = np.array([row for row, _ in order], dtype=np.int64)
    come = snaps.take(np.array([at for _, at in order if at is not None], dtype=np.int64))
    later = prepared.later(kept, come)
    anew = [np.empty_like(column[: len(kept)], shape=len(kept)) for column in snaps]
    for column, old, new in zip(anew, earlier, come, strict=True):
        column[kept != NONE], column[kept == NONE] = old[kept[kept != NONE]], new
    expected = router.nearest(snaps, router.facilities(type(snaps)(*anew)), 5)
    assert [column.tolist() for column in router.nearest(snaps, later, 5)] == [c.tolist() for c in expected]
    assert [column.tolist() for column in router.nearest(snaps, prepared, 5)] == before


def test_later_facilities_out_of_order_are_refused(draw):
    town = draw("a--b--c")
    prepared = town.router.facilities(town.snap(*"abc"))
    for kept, come in (([1, 0], ""), ([0, 0], ""), ([3], ""), ([0, NONE], ""), ([0], "b")):
        points = town.snap("a").take(slice(0)) if not come else town.snap(come)
        with pytest.raises(InvalidInputError):
            prepared.later(np.array(kept), points)
