"""The made-up districts: exact counts, equal bytes, streets one can travel, and nothing that claims to exist."""

import functools
import gzip
import json
import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import shapely

from geo_service.demo import (
    DEMO_NAMES,
    SHIPPED_ON,
    build_demo_layers,
    build_demo_osm,
    demo_info,
    seed_folder,
    seed_layers,
    shift_dates,
    write_seed,
)
from geo_service.demo.districts import boundary_corners, build_town
from geo_service.demo.plane import Cell, Dice, apart
from geo_service.demo.surveyor import shares
from geo_service.demo.town import Side
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.exchange.from_osm import osm_layers
from geo_service.hours import State, check_hours, opening_at
from geo_service.layers import Area, Layer, Place, areas_of, dump_layer, is_active, parse_layer
from geo_service.network.osm import read_osm_file

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[1]
SHIPPED = CHECKOUT / "data" / "geojson"
JUNCTIONS = {"xiangheyuan": 3_000, "yingze": 15_000}
BRIDGES = range(4, 7)
ROADS = (
    "trunk", "trunk_link", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street",
    "service", "footway", "path", "pedestrian", "cycleway", "steps",
)  # fmt: skip


class Drawn:
    """An OSM file read with the standard library alone."""

    def __init__(self, path: Path) -> None:
        root = ET.fromstring(gzip.decompress(path.read_bytes()))
        self.nodes = {n.get("id"): (float(n.get("lon")), float(n.get("lat"))) for n in root.iter("node")}
        self.node_tags = {n.get("id"): _tags(n) for n in root.iter("node") if len(n)}
        self.ways = [([nd.get("ref") for nd in w.iter("nd")], _tags(w)) for w in root.iter("way")]
        self.relations = [_tags(r) for r in root.iter("relation")]
        self.streets = [(m, t) for m, t in self.ways if t.get("highway") in ROADS and t.get("area") != "yes"]

    def count(self, **tags: str) -> int:
        return sum(all(t.get(k) == v for k, v in tags.items()) for _, t in self.ways)


def _tags(element: ET.Element) -> dict[str, str]:
    return {tag.get("k"): tag.get("v") for tag in element.iter("tag")}


DISTRICTS = ["xiangheyuan", pytest.param("yingze", marks=pytest.mark.slow)]
"""For tests that draw: the large district takes a few seconds."""


@pytest.fixture(scope="module")
def osm_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return functools.cache(lambda name: build_demo_osm(name, folder / f"{name}.osm.gz"))


@pytest.fixture(scope="module")
def drawn(osm_file):
    return functools.cache(lambda name: Drawn(osm_file(name)))


@pytest.fixture(scope="module")
def shipped():
    return {
        name: {layer.name: layer for layer in seed_layers(SHIPPED, name, SHIPPED_ON)} for name in DEMO_NAMES
    }


def _places(layers: dict[str, Layer]) -> list[Place]:
    return [f for layer in layers.values() for f in layer.features if isinstance(f, Place)]


def _services(layer: Layer) -> Counter[str]:
    return Counter(service.kind for place in layer.features for service in place.services)


# --- counts and amenities of the articles


def test_xiangheyuan_has_eleven_stations_that_never_close_with_exactly_the_seven_amenities(shipped):
    stations = shipped["xiangheyuan"]["station"].features
    amenities = [
        "air_conditioning",
        "canteen",
        "first_aid",
        "hot_water",
        "meeting_room",
        "microwave",
        "reading",
    ]
    assert len(stations) == 11
    assert {place.hours for place in stations} == {"24/7"}
    assert all(sorted(s.kind for s in place.services) == amenities for place in stations)
    assert {place.network for place in stations} == {"全时驿站"}


def test_xiangheyuan_has_59_merchants_with_52_benefits_between_them(shipped):
    layer = shipped["xiangheyuan"]["merchant"]
    benefits = _services(layer)
    assert len(layer.features) == 59
    assert set(benefits) == {"discount", "rider_meal", "tyre_air"}
    assert benefits.total() == 52


def test_the_friendly_block_holds_a_good_part_of_the_merchants(shipped):
    (block,) = shipped["xiangheyuan"]["block"].features
    merchants = shipped["xiangheyuan"]["merchant"].features
    inside = [held for held in areas_of(merchants, (block,)) if held]
    assert len(inside) >= 12


def test_yingze_has_152_stations_with_exactly_the_same_nine_amenities(shipped):
    stations = shipped["yingze"]["station"].features
    amenities = [
        "air_conditioning", "drinking_water", "hot_water", "leaflets", "meal_heating", "microwave", "phone_charging",
        "reading", "rest",
    ]  # fmt: skip
    assert len(stations) == 152
    assert all(sorted(s.kind for s in place.services) == amenities for place in stations)
    assert all(set(place.open_to) == {"courier", "driver", "rider"} for place in stations)


def test_yingze_has_24_barbers_each_with_one_cheaper_haircut(shipped):
    layer = shipped["yingze"]["merchant"]
    assert len(layer.features) == 24
    assert _services(layer) == {"haircut": 24}
    assert all(len(place.services) == 1 for place in layer.features)


def test_yingze_has_24_outlets_with_457_staff_and_15_firms_with_63(shipped):
    count, staff = Counter(), Counter()
    for site in shipped["yingze"]["express_site"].features:
        count[site.host_type] += 1
        staff[site.host_type] += site.headcount or 0
    assert count == {"outlet": 24, "firm": 15, "service_station": 3}
    assert staff == {"outlet": 457, "firm": 63, "service_station": 0}


def test_yingze_has_three_service_stations_and_a_gathering_point_of_60_in_one_shopping_area(shipped):
    layers = shipped["yingze"]
    (block,) = layers["block"].features
    (meeting,) = layers["gathering_point"].features
    stations = [s for s in layers["express_site"].features if s.host_type == "service_station"]
    assert meeting.headcount == 60
    assert all(areas_of((meeting, *stations), (block,)))


def test_both_districts_have_charging_swap_clinics_toilets_and_water(shipped):
    wanted = {"charging", "swap", "clinic", "toilet", "water", "community"}
    assert all(
        wanted <= set(layers) and all(layers[w].features for w in wanted) for layers in shipped.values()
    )


# --- synthetic, and says so


def test_every_feature_says_synthetic_and_cc0(shipped):
    for layers in shipped.values():
        for layer in layers.values():
            assert {f.provenance.source for f in layer.features} == {"synthetic"}
            assert {f.provenance.licence for f in layer.features} == {"CC0-1.0"}


def test_every_shipped_file_says_synthetic_and_is_small():
    paths = sorted(SHIPPED.glob("*/*.geojson"))
    assert len(paths) == sum(len(list((SHIPPED / name).iterdir())) for name in DEMO_NAMES)
    for path in paths:
        head = json.loads(path.read_bytes())
        assert head["synthetic"] is True
        assert "synthetic" in head["notice"]
        assert "虚构" in head["notice"]
        assert path.stat().st_size < 500_000


@pytest.mark.parametrize("name", DISTRICTS)
def test_every_way_relation_and_described_node_says_synthetic(name, drawn):
    town = drawn(name)
    tags = [*town.node_tags.values(), *(t for _, t in town.ways), *town.relations]
    assert {t.get("source") for t in tags} == {"synthetic"}


def test_no_door_code_and_no_telephone_is_made_up(shipped):
    for layers in shipped.values():
        for place in _places(layers):
            assert place.phone is None
            assert not any(ch.isdigit() for way in place.access for ch in way.note or "")


@pytest.mark.shared
def test_no_street_is_named_like_one_of_the_real_district(drawn, shared_data):
    real = read_osm_file(shared_data / "xiangheyuan.osm.pbf", profiles=("walk",)).networks["walk"].names
    made_up = {t["name"] for _, t in drawn("xiangheyuan").streets if "name" in t}
    assert len(made_up) > 100
    assert not made_up & set(real)


# --- equal bytes


def _digest(seed: str, folder: Path) -> str:
    code = (
        "import hashlib,sys; from pathlib import Path; from geo_service.demo import build_demo_osm, write_seed\n"
        "folder = Path(sys.argv[1]); paths = [build_demo_osm('xiangheyuan', folder / 'x.osm')]\n"
        "paths += [*write_seed(folder, 'xiangheyuan')]\n"
        "print(hashlib.sha256(b''.join(p.read_bytes() for p in paths)).hexdigest())"
    )
    folder.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True, text=True, check=True, cwd=CHECKOUT,
    )  # fmt: skip
    return run.stdout


@pytest.mark.slow
def test_two_processes_with_other_hash_seeds_write_equal_bytes(tmp_path):
    assert _digest("1", tmp_path / "one") == _digest("4711", tmp_path / "two")


def test_packed_files_are_equal_byte_by_byte(tmp_path, osm_file):
    build_town.cache_clear()
    again = build_demo_osm("xiangheyuan", tmp_path / "another_name.osm.gz")
    assert again.read_bytes() == osm_file("xiangheyuan").read_bytes()


@pytest.mark.parametrize("name", DISTRICTS)
def test_the_shipped_files_are_what_the_generator_writes(name, tmp_path):
    paths = write_seed(tmp_path, name, SHIPPED_ON)
    assert {p.name for p in paths} == {p.name for p in (SHIPPED / name).iterdir()}
    for path in paths:
        assert path.read_bytes() == (SHIPPED / name / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", DISTRICTS)
@pytest.mark.parametrize("on", [date(2024, 2, 29), SHIPPED_ON, date(2027, 5, 1)])
def test_shipped_layers_moved_to_a_day_are_those_built_for_it(name, on):
    assert seed_layers(SHIPPED, name, on) == build_demo_layers(name, on)


def test_moving_days_there_and_back_changes_nothing(shipped):
    layer = shipped["xiangheyuan"]["merchant"]
    there = shift_dates(layer, timedelta(days=41))
    assert there != layer
    assert shift_dates(there, timedelta(days=-41)) == layer


def test_the_seed_folder_of_a_checkout_is_found():
    assert (seed_folder() / "xiangheyuan" / "station.geojson").is_file()


def test_layers_survive_the_way_through_their_files(shipped):
    for layer in shipped["yingze"].values():
        assert parse_layer(dump_layer(layer), layer.name) == layer


# --- streets


@pytest.mark.parametrize("name", DISTRICTS)
def test_the_street_graph_has_enough_junctions(name, drawn):
    near = defaultdict(set)
    for members, _ in drawn(name).streets:
        for a, b in pairwise(members):
            near[a].add(b)
            near[b].add(a)
    assert sum(len(others) >= 3 for others in near.values()) >= JUNCTIONS[name]


def test_a_district_is_at_least_three_kilometres_either_way():
    for name in DEMO_NAMES:
        west, south, east, north = demo_info(name).bbox
        assert (east - west) * 111_320 * math.cos(math.radians(south)) >= 3_000
        assert (north - south) * 111_000 >= 3_000


@pytest.mark.parametrize("name", DISTRICTS)
def test_every_kind_of_street_occurs(name, drawn):
    kinds = Counter(t["highway"] for _, t in drawn(name).ways if "highway" in t)
    assert set(ROADS) | {"construction"} <= set(kinds)


@pytest.mark.parametrize("name", DISTRICTS)
def test_one_ways_come_in_every_spelling(name, drawn):
    town = drawn(name)
    assert town.count(highway="residential", oneway="yes", **{"oneway:bicycle": "no"}) > 5
    assert town.count(highway="residential", oneway="yes") > 9
    assert town.count(oneway="-1") > 0
    assert town.count(cycleway="opposite") > 0
    assert town.count(motorroad="yes") > 0
    assert town.count(junction="roundabout") > 0


@pytest.mark.parametrize("name", DISTRICTS)
def test_gates_are_open_foot_only_private_and_by_the_hour(name, drawn):
    gates = [t for t in drawn(name).node_tags.values() if "barrier" in t]
    assert len(gates) > 200
    assert any(t.get("bicycle") == "no" and t.get("foot") == "yes" for t in gates)
    assert any(t.get("access") == "private" for t in gates)
    assert any("opening_hours" in t for t in gates)


@pytest.mark.parametrize("name", DISTRICTS)
def test_the_river_has_four_to_six_bridges(name):
    town = build_town(name)
    river = next(s for s in town.streets if s.tags.get("waterway") == "river")
    crossed = Counter()
    for street in town.streets:
        for low, high, tags in street.spans:
            middle = street.point((low + high) / 2)
            if tags.get("bridge") and "railway" not in street.tags and abs(_aside(river, middle)) < 5:
                crossed[street.tags.get("name", "").removesuffix("辅路")] += 1
    elevated = {s.tags["name"] for s in town.streets if s.tags.get("motorroad") and _crosses(s, river)}
    walkers = sum(t.get("name") == "示例步行桥" for _, t in town.ways)
    assert len(set(crossed) | elevated) + walkers in BRIDGES


def _aside(line, p):
    return (p[0] - line.a[0]) * -line.u[1] + (p[1] - line.a[1]) * line.u[0]


def _crosses(street, line):
    return _aside(line, street.a) * _aside(line, street.b) < 0


@pytest.mark.parametrize("name", DISTRICTS)
def test_parks_buildings_steps_water_and_rails_are_drawn(name, drawn):
    town = drawn(name)
    assert town.count(leisure="park") > 5
    assert town.count(natural="water") > 5
    assert town.count(highway="steps") > 20
    assert town.count(railway="rail") >= 2
    assert sum("building" in t for _, t in town.ways) > 3_000
    assert sum("building" in t and "name" in t for _, t in town.ways) > 50


@pytest.mark.parametrize("name", DISTRICTS)
def test_ring_ways_close_and_every_member_is_there(name, drawn):
    town = drawn(name)
    for members, tags in town.ways:
        assert all(ref in town.nodes for ref in members)
        assert len(members) >= 2
        if "building" in tags or "landuse" in tags or "leisure" in tags:
            assert members[0] == members[-1]
            assert len(set(members)) >= 3


@pytest.mark.parametrize("name", DISTRICTS)
def test_no_two_neighbouring_members_of_a_way_are_the_same_node(name, drawn):
    town = drawn(name)
    for members, _ in town.ways:
        assert all(a != b for a, b in pairwise(members))


def test_houses_do_not_stand_on_streets(drawn):
    town = drawn("xiangheyuan")
    scale = math.cos(math.radians(39.957)) * 111_320
    flat = {ref: (lon * scale, lat * 111_035) for ref, (lon, lat) in town.nodes.items()}
    houses = [shapely.Polygon([flat[r] for r in m]) for m, t in town.ways if "building" in t]
    lines = [
        shapely.LineString([flat[r] for r in m]) for m, t in town.streets if not {"bridge", "tunnel"} & set(t)
    ]
    hits = shapely.STRtree(houses).query(lines, predicate="intersects")
    assert hits.shape[1] == 0, [town.streets[i][1] for i in hits[0][:5]]


def test_the_reader_makes_one_connected_network_of_nearly_everything(osm_file):
    extract = read_osm_file(osm_file("xiangheyuan"))
    for network in extract.networks.values():
        main = sum(1 for c in network.node_component.tolist() if c == 0)
        assert main > 0.98 * len(network.node_component)
    assert len(extract.features.pois) > 300
    assert extract.report.missing_nodes == 0


def test_real_input_runs_through_the_points_of_the_file_too(osm_file):
    features = read_osm_file(osm_file("xiangheyuan"), profiles=("walk",)).features
    found = {layer.name: len(layer.features) for layer in osm_layers(features, SHIPPED_ON)}
    assert all(found.get(name, 0) > 3 for name in ("toilet", "clinic", "charging", "swap", "water"))


# --- places


def test_at_least_six_places_are_entered_well_away_from_their_pin(shipped):
    for layers in shipped.values():
        far = [
            p
            for p in _places(layers)
            if p.arrival and apart(_metres(p.arrival), _metres((p.lon, p.lat))) > 15.0
        ]
        assert len(far) >= 6


def _metres(lonlat):
    return (lonlat[0] * math.cos(math.radians(38.9)) * 111_320, lonlat[1] * 111_035)


@pytest.mark.parametrize("name", DISTRICTS)
def test_every_place_lies_in_the_boundary_and_near_a_street(name, shipped, drawn):
    boundary = shapely.Polygon(demo_info(name).boundary["coordinates"][0])
    lines = [
        shapely.LineString([_metres(drawn(name).nodes[r]) for r in m])
        for m, t in drawn(name).streets
        if t["highway"] not in ("trunk", "trunk_link")
    ]
    tree = shapely.STRtree(lines)
    for place in _places(shipped[name]):
        assert boundary.contains(shapely.Point(place.lon, place.lat)), place.id
        target = shapely.Point(_metres(place.target))
        assert lines[tree.nearest(target)].distance(target) < 60.0, place.id


def test_every_community_place_belongs_to_at_most_one_community(shipped):
    for layers in shipped.values():
        places = _places(layers)
        found = areas_of(places, layers["community"].features)
        assert all(len(ids) <= 1 for ids in found)
        assert sum(map(bool, found)) > 0.9 * len(places)


def test_all_opening_hours_can_be_read(shipped):
    texts = set()
    for layers in shipped.values():
        for place in _places(layers):
            texts |= {place.hours, *(s.hours for s in place.services), *(a.hours for a in place.access)}
    for text in texts - {None}:
        check_hours(text)
    assert {"24/7", "06:00-09:30,11:00-13:30,17:00-20:00", "18:00-02:00", None} <= texts


def test_hours_of_yingze_include_round_the_clock_split_overnight_weekdays_and_unknown(shipped):
    hours = {place.hours for place in shipped["yingze"]["station"].features}
    wanted = {"24/7", "06:00-09:30,11:00-13:30,17:00-20:00", "18:00-02:00", "Mo-Fr 08:30-18:00; PH off", None}
    assert wanted <= hours


def test_services_and_ways_in_have_hours_of_their_own(shipped):
    stations = shipped["xiangheyuan"]["station"].features
    assert sum(any(s.kind == "canteen" and s.hours for s in p.services) for p in stations) >= 6
    assert any({a.method for a in p.access} >= {"staff", "code"} for p in stations)


def test_cabinets_name_operator_plan_voltage_and_slots(shipped):
    voltages = set()
    for layers in shipped.values():
        for place in (*layers["charging"].features, *layers["swap"].features):
            assert place.power.operator.startswith("示例")
            assert place.power.plan
            assert place.power.slots > 0
            voltages |= set(place.power.voltage_v)
    assert voltages == {48, 60, 72}


def test_benefits_include_some_that_have_ended_and_some_that_begin_later(shipped):
    benefits = [s for p in shipped["xiangheyuan"]["merchant"].features for s in p.services]
    offered = [s.is_offered(SHIPPED_ON) for s in benefits]
    assert 40 <= sum(offered) < 52
    assert any(s.valid_until and s.valid_until < SHIPPED_ON for s in benefits)


def test_a_paused_toilet_is_not_in_use_and_a_pop_up_is_only_for_its_days(shipped):
    layers = shipped["xiangheyuan"]
    (paused,) = [p for p in layers["toilet"].features if p.status == "paused"]
    (pop_up,) = [p for p in layers["water"].features if p.status_until]
    assert not is_active(paused, SHIPPED_ON)
    assert is_active(pop_up, SHIPPED_ON)
    assert not is_active(pop_up, SHIPPED_ON + timedelta(days=60))


def test_some_checks_are_old_and_none_lies_in_the_future(shipped):
    ages = [
        (SHIPPED_ON - check.on).days
        for layers in shipped.values()
        for place in _places(layers)
        for check in place.provenance.checked.values()
    ]
    assert min(ages) >= 1
    assert 0.05 < sum(age > 180 for age in ages) / len(ages) < 0.5


def test_a_stale_station_shows_as_stale(shipped):
    at = datetime(2026, 11, 21, 12, 0)
    states = {
        opening_at(p.hours, at, checked_on=p.provenance.checked_on("hours"), max_age_days=60).state
        for p in shipped["yingze"]["station"].features
    }
    assert {State.OPEN, State.STALE, State.UNKNOWN, State.CLOSED} <= states


def test_ids_and_names_are_not_used_twice_in_a_layer(shipped):
    for layers in shipped.values():
        for layer in layers.values():
            assert len({f.id for f in layer.features}) == len(layer.features)
            assert len({f.name for f in layer.features}) == len(layer.features)


def test_names_of_places_are_plainly_made_up(shipped):
    for layers in shipped.values():
        for layer in layers.values():
            assert all(f.name.startswith(("示范", "示例")) for f in layer.features)


def test_areas_are_closed_rings(shipped):
    areas = [
        f
        for layers in shipped.values()
        for lay in layers.values()
        for f in lay.features
        if isinstance(f, Area)
    ]
    assert len(areas) > 20
    assert all(area.geometry["coordinates"][0][0] == area.geometry["coordinates"][0][-1] for area in areas)


# --- refusals and tools


def test_an_unknown_district_is_refused_by_name(tmp_path):
    with pytest.raises(NotFoundError, match=r"name='atlantis'.*xiangheyuan, yingze"):
        build_demo_osm("atlantis", tmp_path / "a.osm")
    with pytest.raises(NotFoundError, match="atlantis"):
        seed_layers(SHIPPED, "atlantis", SHIPPED_ON)


def test_another_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InvalidInputError, match=r"\.osm\.gz"):
        build_demo_osm("xiangheyuan", tmp_path / "town.shp")
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_and_ends_at_the_total(tmp_path):
    told = []
    build_demo_osm(
        "xiangheyuan", tmp_path / "x.osm", lambda stage, done, total: told.append((stage, done, total))
    )
    assert told[0][0] == "draw"
    stage, done, total = told[-1]
    assert stage == "write"
    assert done == total > 0


def test_both_names_of_a_district_say_that_it_is_a_demo():
    for name in DEMO_NAMES:
        info = demo_info(name)
        assert "示例" in info.name_zh
        assert "demo" in info.name_en
        assert "合成" in info.notice_zh


def test_a_cell_that_is_cut_keeps_its_area():
    sides = tuple(Side() for _ in range(4))
    cell = Cell(((0.0, 0.0), (10.0, 0.0), (10.0, 6.0), (0.0, 6.0)), sides)
    one = cell.clipped((4.0, 0.0), (0.8, 0.6), Side())
    two = cell.clipped((4.0, 0.0), (-0.8, -0.6), Side())
    assert one.area + two.area == pytest.approx(60.0)


def test_shares_add_up_exactly():
    parts = shares(Dice("any"), 457, 24, 6)
    assert sum(parts) == 457
    assert len(parts) == 24
    assert min(parts) >= 6


def test_dice_of_one_seed_repeat_themselves_on_every_python():
    assert Dice("geo_service").whole(0, 10**6) == 904_058


def test_the_outline_of_a_district_is_convex():
    for name in DEMO_NAMES:
        corners = boundary_corners(name)
        cell = Cell(corners, tuple(Side() for _ in corners))
        assert cell.clearance((0.0, 0.0)) > 1_000.0
        assert all(cell.clearance(p) > -1e-6 for p in corners)
