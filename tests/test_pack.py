"""The pack's files: what a phone reads back is what the server holds, to the last integer and double."""

import dataclasses
import json
import math
import random
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.engine.lines import build_lines
from geo_service.exchange.navlinks import build_links
from geo_service.finder import Ages
from geo_service.geo import BBox
from geo_service.hours import build_timeline
from geo_service.layers import Layer, Place, Service
from geo_service.layers.model import Checked, Provenance
from geo_service.network.features import OsmArea, OsmFeatures, OsmPoi, ReadReport
from geo_service.network.graph import NONE
from geo_service.pack import tiles as tiles_module
from geo_service.pack.files import PackedFile, is_whole, pack_bytes
from geo_service.pack.hours import DAYS, REACH, midnight, pack_hours
from geo_service.pack.names import pack_names
from geo_service.pack.places import Snapped, pack_places
from geo_service.pack.spelling import spell
from geo_service.pack.streets import pack_streets
from geo_service.pack.tiles import pack_tiles
from geo_service.pack.varints import steps, varints, zigzag
from tests.oracles.pack import edges_of, read_hours, read_streets, read_varints, state_at, unfold
from tests.towns import draw, make_router, random_network, random_points

EXTENTS = ("mainland", "mainland_hk_macao", "mainland_hk_macao_taiwan")


# --- numbers ------------------------------------------------------------------------------------


@given(st.lists(st.integers(-(2**60), 2**60), max_size=40))
def test_any_numbers_come_back_from_varints(numbers):
    written = varints(zigzag(np.array(numbers, dtype=np.int64)))
    assert [unfold(value) for value in read_varints(written)] == numbers


@given(st.lists(st.integers(-(2**40), 2**40), max_size=40))
def test_steps_sum_up_to_the_numbers(numbers):
    assert np.cumsum(steps(np.array(numbers, dtype=np.int64))).tolist() == numbers


# --- streets ------------------------------------------------------------------------------------


def assert_same_network(read, network):
    """Every array of a network, as the oracle reads it."""
    nodes = [read.nodes[i] for i in range(network.n_nodes)]
    assert nodes == list(zip(network.node_lon_e6.tolist(), network.node_lat_e6.tolist(), strict=True))
    edges = edges_of(read.links)
    columns = ("edge_tail", "edge_head", "edge_link", None, "edge_weight_ms", "edge_delay_ms", "edge_mode")
    for at, name in enumerate(columns):
        if name is not None:
            assert [edge[at] for edge in edges] == getattr(network, name).tolist(), name
    for e, edge in enumerate(edges):
        assert network.link_edge[edge[2], edge[3]] == e
    lines = build_lines(network, None)
    for number, link in read.links.items():
        points = slice(network.first_point[number], network.first_point[number + 1])
        drawn = zip(network.point_lon_e6[points].tolist(), network.point_lat_e6[points].tolist(), strict=True)
        assert link.points == list(drawn)
        assert link.along_m == lines.along_m[points].tolist()
        assert link.length_mm == network.link_length_mm[number]
        assert link.is_main == bool(lines.is_main[number])
        assert link.name == network.names[network.link_name[number]]
        assert [side is None for side in link.sides] == (network.link_edge[number] == NONE).tolist()
    assert read.head["metric"] == list(network.metric)
    assert read.head["gap_ms_per_m"] == network.gap_ms_per_m


@pytest.mark.parametrize("seed", range(25))
def test_a_random_network_comes_back_whole(seed):
    network = random_network(seed)
    assert_same_network(read_streets(pack_streets(network)), network)


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["ebike", "walk"])
def test_a_demo_network_comes_back_whole(demo_district, profile):
    network = demo_district.network(profile)
    assert_same_network(read_streets(pack_streets(network)), network)


def test_equal_networks_give_equal_bytes():
    assert pack_streets(random_network(3)) == pack_streets(random_network(3))


# --- tiles --------------------------------------------------------------------------------------


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles_module, "WIDTH_E6", 900)
    monkeypatch.setattr(tiles_module, "HEIGHT_E6", 700)


def cut(network):
    grid, tiles = pack_tiles(network, "tile-test")
    return grid, {(tile.column, tile.row): read_streets(tile.file.body) for tile in tiles}


@pytest.mark.parametrize("seed", range(5))
def test_tiles_together_are_the_network(seed, small_tiles):
    network = random_network(seed)
    _, tiles = cut(network)
    nodes, links = {}, {}
    for read in tiles.values():
        nodes |= read.nodes
        links |= read.links
    used = {node for link in links.values() for node in (link.start, link.end)}
    whole = read_streets(pack_streets(network))
    assert links == whole.links
    assert nodes == {node: whole.nodes[node] for node in used}


@pytest.mark.parametrize("seed", range(5))
def test_a_tile_holds_every_link_that_touches_it(seed, small_tiles):
    network = random_network(seed)
    grid, tiles = cut(network)
    dice = random.Random(seed)
    for number, link in read_streets(pack_streets(network)).links.items():
        for (ax, ay), (bx, by) in zip(link.points, link.points[1:], strict=False):
            share = dice.random()
            x, y = ax + share * (bx - ax), ay + share * (by - ay)
            at = math.floor((x - grid.west) / grid.width), math.floor((y - grid.south) / grid.height)
            assert number in tiles[at].links


@pytest.mark.parametrize("seed", range(5))
def test_a_node_in_a_tile_has_all_its_links_there(seed, small_tiles):
    network = random_network(seed)
    grid, tiles = cut(network)
    whole = read_streets(pack_streets(network))
    for node, (lon, lat) in whole.nodes.items():
        own = {number for number, link in whole.links.items() if node in (link.start, link.end)}
        if own:
            at = (lon - grid.west) // grid.width, (lat - grid.south) // grid.height
            assert own <= tiles[at].links.keys()


# --- hours --------------------------------------------------------------------------------------

TEXTS = (
    None, "24/7", "Mo-Fr 08:30-18:00", "Mo-Fr 08:30-12:00,13:30-18:00; PH off", "22:00-02:00", "PH 10:00-14:00",
    "Sa,Su 09:00-17:00; Mo-Fr off", "Mo-Su 00:00-24:00; We 12:00-13:00 off", "no hours at all", "Jan-Mar 09:00-12:00",
    "Mo-Fr 20:00-26:00; SH off", "06:00-23:00 || unknown",
)  # fmt: skip
DAYS_OF_MAKING = (
    date(2026, 11, 22),
    date(2026, 9, 20),
    date(2026, 2, 10),
    date(2025, 12, 28),
    date(2027, 1, 29),
)


@pytest.mark.parametrize("day", DAYS_OF_MAKING, ids=str)
def test_hours_are_those_of_the_server_minute_by_minute(day):
    lines = read_hours(json.loads(json.dumps(pack_hours(TEXTS, day))))
    end = midnight(day) + timedelta(days=REACH)
    for text, line in zip(TEXTS, lines, strict=True):
        server = build_timeline(text, midnight(day), end)
        minutes = np.arange(line.start_s[0], int(end.timestamp()), 60)
        own = np.array(line.kind)[np.searchsorted(line.start_s, minutes, side="right") - 1]
        kind = server.kind[np.searchsorted(server.start_s, minutes, side="right") - 1]
        assert np.array_equal(own, kind), text
        assert line.start_s == server.start_s.tolist(), text


def test_holidays_and_make_up_days_stand_in_the_fourteen_days():
    lines = read_hours(pack_hours(("Mo-Fr 08:00-18:00; PH off",), date(2026, 9, 20)))
    noon = [midnight(date(2026, 9, 20)) + timedelta(days=i, hours=12) for i in range(DAYS)]
    is_open = {at.date().isoformat(): lines[0].at(at.timestamp()) == 1 for at in noon}
    assert is_open["2026-09-20"]  # a Sunday that makes up for the National Day break
    assert not is_open["2026-09-25"]  # Mid-Autumn, a Friday
    assert is_open["2026-09-24"]


def test_the_week_beyond_has_no_holiday_in_it():
    hours = pack_hours(("Mo-Fr 08:00-18:00; PH off",), date(2026, 9, 28))
    week = [hours["kinds"][row] for row in hours["week"][0]]
    assert week == [[0, 0, 480, 1, 1080, 0]] * 5 + [[0, 0]] * 2


def test_equal_days_give_equal_hours():
    assert pack_hours(TEXTS, date(2026, 11, 22)) == pack_hours(TEXTS, date(2026, 11, 22))


# --- places -------------------------------------------------------------------------------------


def snapped(router, layer):
    snaps = router.snap([place.target for place in layer.features])
    return Snapped(snaps.link, snaps.share, snaps.forward_ms, snaps.backward_ms, snaps.gap_ms, snaps.gap_m)


def packed(layers, routers, ages=None):
    snaps = {layer.name: {p: snapped(router, layer) for p, router in routers.items()} for layer in layers}
    return pack_places(layers, snaps, (ages or Ages()).stale_on, EXTENTS)


@pytest.fixture(scope="module")
def demo_layers(demo_district):
    names = [name for name in demo_district.layer_names() if not demo_district.catalogue[name].is_area]
    return [demo_district.places(name) for name in names]


@pytest.fixture(scope="module")
def demo_places(demo_district, demo_layers):
    return packed(demo_layers, demo_district.routers)


def test_snaps_are_the_routers_own(demo_district, demo_layers, demo_places):
    tables = json.loads(demo_places.file.body)["layers"]
    for layer in demo_layers:
        for profile in demo_district.profiles:
            snaps = demo_district.routers[profile].snap([place.target for place in layer.features])
            told = tables[layer.name]["snap"][profile]
            for name in ("link", "share", "forward_ms", "backward_ms", "gap_ms"):
                assert told[name] == getattr(snaps, name).tolist(), name
            assert told["gap_mm"] == np.floor(snaps.gap_m * 1000).astype(int).tolist()


def test_a_place_far_from_every_street_has_no_snap():
    town = draw("a--b")
    layer = Layer("water", (Place("p1", "water", 116.5, 39.957, "远"),))
    table = json.loads(packed([layer], {"walk": town.router}).file.body)["layers"]["water"]
    assert table["snap"]["walk"]["link"] == [-1]
    assert table["snap"]["walk"]["share"] == [None]


def test_targets_in_other_datums_are_those_that_links_carry(demo_layers, demo_places):
    tables = json.loads(demo_places.file.body)["layers"]
    for layer in demo_layers:
        table = tables[layer.name]
        for row, place in enumerate(layer.features):
            lon, lat = (
                (math.floor(value * 1e6) + table[f"gcj02_{axis}"][row]) / 1e6
                for value, axis in zip(place.target, ("lon", "lat"), strict=True)
            )
            assert f"to={lon:.6f},{lat:.6f}," in build_links(place.target, place.name)["amap_web"].url


def test_every_fact_of_a_place_is_told(demo_layers, demo_places):
    told = json.loads(demo_places.file.body)
    for layer in demo_layers:
        table = told["layers"][layer.name]
        assert table["id"] == [place.id for place in layer.features]
        for row, place in enumerate(layer.features):
            assert table["name"][row] == place.name
            assert told["hours"][table["hours"][row]] == place.hours
            for service, (kind, *more) in zip(place.services, table["services"][row], strict=True):
                assert kind == service.kind
                assert (told["hours"][more[0]] if more else None) == service.hours
                assert (more[1] if len(more) > 1 else None) == service.note
            ways_in = table["access"][row] if "access" in table else []
            assert [method for method, _, _ in ways_in] == [a.method for a in place.access]
            assert table["checked"][row] == {k: c.on.isoformat() for k, c in place.provenance.checked.items()}


def test_equal_layers_give_equal_places(demo_district, demo_layers, demo_places):
    assert packed(demo_layers, demo_district.routers) == demo_places


def assert_states_equal(finder, layer, table, lines, ages, instants, dice):
    """Five states and their ends, for the door and for services, are those of the finder."""
    for row, place in enumerate(layer.features):
        kinds = [service.kind for service in place.services]
        for at in dice.sample(instants, 8):
            for asked in ((), *([(dice.choice(kinds),)] if kinds else [])):
                server = finder.opening(place, at, asked)
                state, until_s = state_at(table, row, lines, asked, (), at.timestamp())
                assert state == server.state, (place.id, at, asked)
                seen = until_s if until_s and until_s - at.timestamp() <= DAYS * 86_400 else None
                if server.until is not None:
                    assert seen == server.until.timestamp(), (place.id, at, asked)


@pytest.mark.slow
def test_states_are_the_finders_at_any_instant_of_the_fourteen_days(demo_district, demo_layers, demo_places):
    day, dice = date(2026, 11, 18), random.Random(5)
    lines = read_hours(pack_hours(demo_places.texts, day))
    tables = json.loads(demo_places.file.body)["layers"]
    minutes = [dice.randrange(DAYS * 24 * 60) for _ in range(400)]
    instants = [midnight(day) + timedelta(minutes=m, milliseconds=dice.randrange(60_000)) for m in minutes]
    instants += [midnight(day) + timedelta(days=d) for d in range(DAYS)]
    for layer in demo_layers:
        assert_states_equal(demo_district.finder, layer, tables[layer.name], lines, Ages(), instants, dice)


def odd_places():
    """Paused, seasonal, stale, with services that end: whatever changes a state."""

    def checked(day):
        return Provenance("test", "", {"existence": Checked(day, "desk"), "hours": Checked(day, "desk")})

    here = ("water", 116.442, 39.957)
    fresh, old = date(2026, 11, 18), date(2026, 9, 22)
    services = (
        Service("hot_water", "09:00-17:00", valid_from=date(2026, 11, 20), valid_until=date(2026, 11, 25)),
        Service("rest"),
    )
    return (
        Place("p1", *here, "一", hours="24/7", services=services, provenance=checked(fresh)),
        Place("p2", *here, "二", hours="24/7", status="paused", status_from=date(2026, 11, 19),
              status_until=date(2026, 11, 21), provenance=checked(fresh)),
        Place("p3", *here, "三", hours="Mo-Fr 09:00-12:00", provenance=checked(old)),
        Place("p4", *here, "四", status_from=date(2026, 11, 20), provenance=checked(fresh)),
        Place("p5", *here, "五", hours="24/7"),
        Place("p6", *here, "六", hours="24/7", services=services, status_until=date(2026, 11, 23),
              provenance=checked(old)),
    )  # fmt: skip


def test_states_of_odd_places_are_the_finders(demo_district):
    layer = Layer("water", odd_places())
    told = packed([layer], {"walk": demo_district.routers["walk"]})
    day, dice = date(2026, 11, 18), random.Random(6)
    table = json.loads(told.file.body)["layers"]["water"]
    instants = [midnight(day) + timedelta(minutes=dice.randrange(DAYS * 1440)) for _ in range(150)]
    for _ in range(20):
        assert_states_equal(
            demo_district.finder,
            layer,
            table,
            read_hours(pack_hours(told.texts, day)),
            Ages(),
            instants,
            dice,
        )


@given(st.integers(0, 400), st.integers(0, 400), st.one_of(st.none(), st.integers(0, 400)))
def test_facts_are_stale_from_one_day_on(existence, hours, cabinet):
    today = date(2026, 11, 18)
    ages = {"existence": existence, "hours": hours} | ({} if cabinet is None else {"cabinet": cabinet})
    checked = {kind: Checked(today - timedelta(days=days), "desk") for kind, days in ages.items()}
    place = Place("p", "swap", 116.4, 39.9, "换", provenance=Provenance(checked=checked))
    limits = {"existence": 180, "hours": 60, "cabinet": 1}
    is_old = any((today - c.on).days > limits[kind] for kind, c in checked.items())
    assert Ages().is_stale(place, today) == is_old
    assert (Ages().stale_on(place) <= today) == is_old


# --- names --------------------------------------------------------------------------------------


def named(network, names):
    """A network whose links bear names in turn."""
    known = ("", *sorted(set(names)))
    link_name = np.array([known.index(name) for name in names], dtype=np.int32)
    return dataclasses.replace(network, link_name=link_name, names=known)


def read_names(file):
    told = json.loads(file.body)
    for table in (told["streets"], told["crossings"], told["landmarks"]):
        table["at"] = list(
            zip(np.cumsum(table["lon"]).tolist(), np.cumsum(table["lat"]).tolist(), strict=True)
        )
    return told


NOTHING = OsmFeatures((), (), (), BBox(116, 39, 117, 40), None, ReadReport())


def test_a_street_is_named_once_with_a_point_on_it():
    town = draw("a--b--c")
    told = read_names(pack_names([named(town.network, ["香河园路"] * 2)], NOTHING))
    assert told["names"] == ["香河园路"]
    assert told["pinyin"] == ["xiang he yuan lu"]
    assert len(told["streets"]["name"]) == 1
    (lon, lat), network = told["streets"]["at"][0], town.network
    assert network.node_lon_e6.min() <= lon <= network.node_lon_e6.max()
    assert lat == network.node_lat_e6[0]


def test_two_streets_of_one_name_far_apart_are_two():
    town = draw("a--b" + " " * 40 + "c--d")
    told = read_names(pack_names([named(town.network, ["幸福路"] * 2)], NOTHING))
    assert told["streets"]["name"] == [0, 0]


def test_where_two_streets_meet_is_a_crossing():
    town = draw("a--b--c")
    told = read_names(pack_names([named(town.network, ["东路", "西路"])], NOTHING))
    (a,), (b,) = told["crossings"]["a"], told["crossings"]["b"]
    assert {told["names"][a], told["names"][b]} == {"东路", "西路"}
    node = town.letters["b"]
    assert told["crossings"]["at"] == [(town.network.node_lon_e6[node], town.network.node_lat_e6[node])]


def test_a_landmark_that_is_drawn_twice_is_one():
    ring = [[116.442, 39.957], [116.4422, 39.957], [116.4422, 39.9572], [116.442, 39.957]]
    school = OsmArea(
        "way/1", {"type": "Polygon", "coordinates": [ring]}, {"name": "三里小学", "building": "school"}
    )
    point = OsmPoi("node/1", 116.4421, 39.9571, {"name": "三里小学", "amenity": "school"})
    far = OsmPoi("node/2", 116.46, 39.9571, {"name": "三里小学", "amenity": "school"})
    nameless = OsmPoi("node/3", 116.45, 39.95, {"amenity": "bench"})
    features = dataclasses.replace(NOTHING, pois=(point, far, nameless), buildings=(school,))
    told = read_names(pack_names([draw("a--b").network], features))
    assert told["landmarks"]["name"] == ["三里小学"] * 2
    assert told["kinds"] == ["amenity=school"]
    assert told["landmarks"]["pinyin"] == ["san li xiao xue"] * 2


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        ("香河园", "xiang he yuan", "xhy"),
        ("绿地中心", "lv di zhong xin", "ldzx"),
        ("7-Eleven（三里屯店）", "7-eleven san li tun dian", "7sltd"),
        ("", "", ""),
        ("🛵 \u202e<b>", "b", "b"),
    ],
)
def test_names_are_spelled_as_they_are_typed(name, pinyin, initials):
    assert spell(name) == (pinyin, initials)


# --- files --------------------------------------------------------------------------------------


def test_a_damaged_file_is_noticed():
    file = pack_bytes("network-walk", "bin", bytes(range(256)) * 8)
    assert is_whole(file)
    assert not is_whole(file._replace(body=file.body + b"x"))
    assert not is_whole(file._replace(br=file.br[:-1]))
    assert not is_whole(file._replace(gz=b"no gzip"))
    assert not is_whole(PackedFile("network-walk-0000000000000000.bin", *file[1:]))


def test_snaps_on_a_random_network_are_found_again_by_link(small_tiles):
    network = random_network(4)
    router = make_router(network)
    snaps = router.snap(random_points(network, 4, 50))
    _, tiles = cut(network)
    links = {number for read in tiles.values() for number in read.links}
    assert set(snaps.link[snaps.link != NONE].tolist()) <= links
