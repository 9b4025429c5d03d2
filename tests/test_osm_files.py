"""Files through osmium: formats, boxes, broken extracts, features; refusals in one line."""

import bz2
import gzip
import time
from collections import Counter
from dataclasses import replace

import osmium
import pyogrio
import pytest
import shapely

from geo_service.errors import BadDataError, InvalidInputError
from geo_service.geo import BBox
from geo_service.network.features import load_features, save_features
from geo_service.network.osm import OsmExtract, read_osm_file
from tests.oracles.network import Osm, parse_xml, random_town


def write(path, osm: Osm | str):
    """Write XML, in the format the suffix names."""
    text = osm if isinstance(osm, str) else osm.xml()
    if path.name.endswith(".pbf"):
        source = path.with_name("source.osm")
        source.write_text(text, encoding="utf-8")
        with osmium.SimpleWriter(str(path), overwrite=True) as writer:
            for thing in osmium.FileProcessor(str(source)):
                writer.add(thing)
    else:
        data = text.encode()
        opener = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
        path.write_bytes(opener(data))
    return path


def town_with_places() -> Osm:
    """One street, and one of each thing that features are made of."""
    osm = Osm()
    corners = [(0, 0), (4, 0), (4, 4), (0, 4), (1, 1), (2, 1), (2, 2), (1, 2)]
    for i, (x, y) in enumerate(corners):
        osm.nodes[1 + i] = (round(116.44 + 0.001 * x, 7), round(39.95 + 0.001 * y, 7))
    for i, tags in enumerate(
        [
            {"amenity": "toilets", "opening_hours": "24/7"},
            {"amenity": "charging_station", "bicycle": "yes"},
            {"shop": "convenience", "name": "便利店"},
            {"barrier": "gate", "name": "东门"},
            {"highway": "bus_stop"},
            {"highway": "street_lamp"},
            {"amenity": "no"},
        ]
    ):
        osm.nodes[20 + i] = (round(116.441 + 0.0001 * i, 7), 39.953)
        osm.node_tags[20 + i] = tags
    osm.ways = {
        10: ([1, 2], {"highway": "residential", "name": "甲路"}),
        11: (
            [5, 6, 7, 8, 5],
            {"building": "yes", "building:levels": "6", "amenity": "clinic", "name": "诊所"},
        ),
        12: ([1, 2, 3, 4, 1], {}),
        13: ([5, 6, 7, 8, 5], {}),
        14: ([2, 3], {"waterway": "river"}),
        15: ([6, 7], {"amenity": "drinking_water"}),
    }
    osm.relations = {
        1: (
            [("way", 12, "outer"), ("way", 13, "inner")],
            {"type": "multipolygon", "leisure": "park", "name": "公园"},
        ),
        2: ([("way", 10, "")], {"type": "route", "route": "bus"}),
    }
    return osm


# --- formats -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".osm.gz", ".osm.bz2", ".osm.pbf"])
def test_every_format_gives_the_same(tmp_path, suffix):
    osm = random_town(4)
    plain = read_osm_file(write(tmp_path / "town.osm", osm))
    other = read_osm_file(write(tmp_path / f"town{suffix}", osm))
    assert [n.fingerprint for n in other.networks.values()] == [
        n.fingerprint for n in plain.networks.values()
    ]
    assert (other.features.pois, other.features.areas) == (plain.features.pois, plain.features.areas)
    assert other.report == plain.report


def test_both_profiles_are_read_unless_told_otherwise(tmp_path):
    path = write(tmp_path / "town.osm", random_town(1))
    assert list(read_osm_file(path).networks) == ["walk", "ebike"]
    assert list(read_osm_file(str(path), profiles=["ebike"]).networks) == ["ebike"]


def test_a_district_may_change_the_profiles(tmp_path):
    path = write(tmp_path / "town.osm", town_with_places())
    usual = read_osm_file(path).networks["ebike"].edge_weight_ms
    slow = read_osm_file(path, overrides={"ebike": {"top_kph": 8}}).networks["ebike"].edge_weight_ms
    assert slow[0] == pytest.approx(2 * usual[0], abs=1)


def test_progress_is_told_stage_by_stage(tmp_path):
    told = []
    read_osm_file(write(tmp_path / "town.osm", random_town(1)), progress=lambda *row: told.append(row))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    expected = ["read relations", "read ways", "read nodes", "build walk", "build ebike", "build features"]
    assert stages == expected
    assert all(done <= total or total == 0 for _, done, total in told)


# --- boxes -------------------------------------------------------------------------------------


def row_of_four() -> Osm:
    osm = Osm(nodes={i: (round(116.44 + 0.001 * i, 7), 39.95) for i in range(1, 5)})
    osm.ways[1] = ([1, 2, 3, 4], {"highway": "residential"})
    return osm


def test_a_box_keeps_pieces_with_one_node_inside(tmp_path):
    path = write(tmp_path / "town.osm", row_of_four())
    network = read_osm_file(path, ["walk"], bbox=BBox(116.4405, 39.94, 116.4415, 39.96)).networks["walk"]
    assert network.node_osm.tolist() == [1, 2]


def test_the_edge_of_a_box_belongs_to_it(tmp_path):
    path = write(tmp_path / "town.osm", row_of_four())
    network = read_osm_file(path, ["walk"], bbox=BBox(116.442, 39.95, 116.443, 39.96)).networks["walk"]
    assert network.node_osm.tolist() == [1, 4]


def test_a_street_that_leaves_a_box_and_returns_is_cut(tmp_path):
    osm = row_of_four()
    osm.nodes |= {5: (116.443, 39.97), 6: (116.442, 39.97)}
    osm.ways[1] = ([2, 3, 5, 6, 1], {"highway": "residential"})
    path = write(tmp_path / "town.osm", osm)
    network = read_osm_file(path, ["walk"], bbox=BBox(116.44, 39.94, 116.45, 39.96)).networks["walk"]
    assert network.node_osm.tolist() == [1, 2, 5, 6]


def test_a_box_leaves_out_places_outside(tmp_path):
    path = write(tmp_path / "town.osm", town_with_places())
    box = BBox(116.4395, 39.9495, 116.4425, 39.9525)
    features = read_osm_file(path, ["walk"], bbox=box).features
    assert {poi.osm for poi in features.pois} == {"way/11", "way/15", "relation/1"}
    assert features.bbox == box


@pytest.mark.parametrize(
    ("bbox", "said"),
    [
        (BBox(116.45, 39.94, 116.44, 39.96), "west < east"),
        (BBox(39.94, 116.44, 39.96, 116.45), "swapped"),
        (BBox(0.0, 0.0, 1.0, 1.0), "no street"),
    ],
)
def test_a_bad_or_empty_box_is_refused(tmp_path, bbox, said):
    path = write(tmp_path / "town.osm", row_of_four())
    with pytest.raises(InvalidInputError, match=said):
        read_osm_file(path, bbox=bbox)


# --- broken extracts ---------------------------------------------------------------------------


def test_a_street_is_cut_at_a_missing_node_and_the_node_counted(tmp_path):
    osm = row_of_four()
    osm.ways[1] = ([1, 2, 99, 3, 4, 98], {"highway": "residential"})
    extract = read_osm_file(write(tmp_path / "town.osm", osm))
    assert extract.networks["walk"].node_osm.tolist() == [1, 2, 3, 4]
    assert (extract.report.missing_nodes, extract.report.cut_ways) == (2, 1)


def test_islands_are_counted_for_each_profile(tmp_path):
    osm = row_of_four()
    osm.nodes |= {5: (116.45, 39.96), 6: (116.46, 39.96)}
    osm.ways[2] = ([5, 6], {"highway": "residential"})
    report = read_osm_file(write(tmp_path / "town.osm", osm)).report
    assert report.profiles["walk"] == {"nodes": 4, "edges": 4, "links": 2, "islands": 1, "island_nodes": 2}


@pytest.mark.parametrize(
    "members",
    [
        [("way", 4242, "outer")],
        [("way", 12, "outer"), ("way", 4242, "inner")],
        [("way", 10, "outer")],
        [],
        [("node", 1, "outer")],
        [("relation", 1, "outer")],
    ],
    ids=["absent", "absent hole", "open ring", "empty", "a node", "itself"],
)
@pytest.mark.parametrize("tags", [{"leisure": "park"}, {"highway": "pedestrian"}, {"building": "yes"}])
def test_a_broken_relation_is_counted_and_survived(tmp_path, members, tags):
    osm = town_with_places()
    osm.relations[1] = (members, {"type": "multipolygon"} | tags)
    assert read_osm_file(write(tmp_path / "town.osm", osm)).report.broken_relations == 1


def test_an_area_with_missing_corners_is_counted(tmp_path):
    osm = town_with_places()
    del osm.nodes[7]
    report = read_osm_file(write(tmp_path / "town.osm", osm)).report
    assert report.broken_areas == 1


@pytest.mark.parametrize("refs", [[], [1], [1, 1], [1, 1, 1, 1], [1, 2, 1, 2, 1]])
def test_a_degenerate_way_is_survived(tmp_path, refs):
    osm = town_with_places()
    for i, tags in enumerate(
        [{"highway": "footway", "area": "yes"}, {"building": "yes"}, {"amenity": "bench"}]
    ):
        osm.ways[100 + i] = (refs, tags)
    assert read_osm_file(write(tmp_path / "town.osm", osm)).networks["walk"].n_edges >= 2


def test_a_crossed_outline_becomes_a_valid_area(tmp_path):
    osm = town_with_places()
    osm.ways[11] = ([5, 7, 6, 8, 5], {"landuse": "residential"})
    areas = read_osm_file(write(tmp_path / "town.osm", osm)).features.areas
    assert all(shapely.from_geojson(_dumps(area.geometry)).is_valid for area in areas)


def _dumps(geometry) -> str:
    return str(geometry).replace("'", '"').replace("(", "[").replace(")", "]")


def test_objects_may_stand_in_any_order_and_twice(tmp_path):
    text = row_of_four().xml()
    lines = text.splitlines()
    shuffled = "\n".join([*lines[:2], lines[-2], *lines[2:-1], lines[-2], lines[-1]])
    plain = read_osm_file(write(tmp_path / "a.osm", text), ["walk"])
    other = read_osm_file(write(tmp_path / "b.osm", shuffled), ["walk"])
    assert other.networks["walk"].fingerprint == plain.networks["walk"].fingerprint


def test_deleted_objects_are_left_out(tmp_path):
    text = row_of_four().xml().replace("</osm>", '<way id="2" version="2" visible="false"></way></osm>')
    assert read_osm_file(write(tmp_path / "a.osm", text), ["walk"]).networks["walk"].n_links == 1


def test_negative_ids_of_an_editor_are_read(tmp_path):
    osm = row_of_four()
    osm.nodes = {-i: point for i, point in osm.nodes.items()}
    osm.ways = {-1: ([-1, -2, -3, -4], {"highway": "residential"})}
    assert read_osm_file(write(tmp_path / "a.osm", osm), ["walk"]).networks["walk"].node_osm.tolist() == [
        -4,
        -1,
    ]


def test_relations_of_new_objects_are_read(tmp_path):
    osm = town_with_places()
    osm.ways = {-i: way for i, way in osm.ways.items()}
    members, tags = osm.relations[1]
    osm.relations = {-1: ([(kind, -ref, role) for kind, ref, role in members], tags)}
    extract = read_osm_file(write(tmp_path / "a.osm", osm), ["walk"])
    assert [area.osm for area in extract.features.areas] == ["relation/-1"]


# --- refusals ----------------------------------------------------------------------------------

XML = row_of_four().xml().encode()


def _pbf(tmp_path) -> bytes:
    return write(tmp_path / "whole.osm.pbf", random_town(2)).read_bytes()


REFUSED = {
    "missing": ("town.osm", None, "does not exist"),
    "empty": ("town.osm", b"", "is empty"),
    "empty pbf": ("town.osm.pbf", b"", "is empty"),
    "wrong suffix": ("town.geojson", b"{}", "osmium-tool"),
    "no suffix": ("town", XML, ".osm.pbf"),
    "text as osm": ("town.osm", b"not xml at all", "not a whole OpenStreetMap file"),
    "other xml": ("town.osm", b"<gpx></gpx>", "not a whole OpenStreetMap file"),
    "bytes as pbf": ("town.osm.pbf", bytes(range(256)) * 8, "not a whole OpenStreetMap file"),
    "xml as pbf": ("town.osm.pbf", XML, "not a whole OpenStreetMap file"),
    "xml as bz2": ("town.osm.bz2", XML, "not a whole OpenStreetMap file"),
    "cut osm": ("town.osm", XML[:-80], "not a whole OpenStreetMap file"),
    "cut gz": ("town.osm.gz", gzip.compress(XML)[:-20], "not a whole OpenStreetMap file"),
    "cut bz2": ("town.osm.bz2", bz2.compress(XML)[:-20], "not a whole OpenStreetMap file"),
    "bad latitude": ("town.osm", XML.replace(b'lat="39.95', b'lat="north'), "not a whole OpenStreetMap file"),
    "no streets": ("town.osm", b'<osm version="0.6"><node id="1" lat="1" lon="1"/></osm>', "no street"),
    "nothing": ("town.osm", b'<osm version="0.6"></osm>', "no street"),
    "only motorways": ("town.osm", XML.replace(b"residential", b"motorway"), "no street for profile 'walk'"),
}


@pytest.mark.parametrize(("name", "content", "said"), REFUSED.values(), ids=REFUSED)
def test_a_bad_file_is_refused_in_one_line_with_its_name(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=said) as caught:
        read_osm_file(path)
    assert name in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.95])
def test_a_cut_pbf_is_refused(tmp_path, share):
    whole = _pbf(tmp_path)
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InvalidInputError, match=r"cut\.osm\.pbf"):
        read_osm_file(path)


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "town.osm").mkdir()
    with pytest.raises(InvalidInputError, match="folder"):
        read_osm_file(tmp_path / "town.osm")


# --- features ----------------------------------------------------------------------------------


@pytest.fixture
def extract(tmp_path) -> OsmExtract:
    return read_osm_file(write(tmp_path / "town.osm", town_with_places()))


def test_places_come_from_nodes_ways_and_relations(extract):
    pois = {poi.osm: poi.tags for poi in extract.features.pois}
    assert set(pois) == {*(f"node/{i}" for i in range(20, 25)), "way/11", "way/15", "relation/1"}
    assert pois["node/20"] == {"amenity": "toilets", "opening_hours": "24/7"}


def test_a_place_drawn_as_an_area_gets_a_point_inside_it(extract):
    pois = {poi.osm: poi for poi in extract.features.pois}
    park = next(area for area in extract.features.areas if area.osm == "relation/1")
    inside = shapely.Point(pois["relation/1"].lon, pois["relation/1"].lat)
    assert shapely.from_geojson(_dumps(park.geometry)).contains(inside)
    assert pois["relation/1"].kind == "relation"


def test_a_building_keeps_outline_and_levels(extract):
    (building,) = extract.features.buildings
    assert building.tags["building:levels"] == "6"
    assert building.geometry["type"] == "Polygon"
    (ring,) = building.geometry["coordinates"]
    assert ring[0] == ring[-1]
    assert shapely.LinearRing(ring).is_ccw


def test_a_park_keeps_its_hole(extract):
    (park,) = extract.features.areas
    assert [len(ring) for ring in park.geometry["coordinates"]] == [5, 5]


def test_parts_of_an_outline_are_joined_whichever_way_they_run(tmp_path):
    osm = town_with_places()
    osm.ways |= {12: ([1, 2, 3], {}), 16: ([1, 4, 3], {})}
    osm.relations[1] = ([("way", 12, "outer"), ("way", 16, "")], {"type": "multipolygon", "natural": "water"})
    extract = read_osm_file(write(tmp_path / "town.osm", osm))
    assert [area.osm for area in extract.features.areas] == ["relation/1"]
    assert extract.report.broken_relations == 0


def test_streets_and_streams_are_kept_as_lines_with_what_a_map_draws_by(tmp_path):
    osm = town_with_places()
    osm.ways[10][1].update(oneway="yes", surface="asphalt", bridge="yes")
    osm.ways |= {
        17: ([1, 2, 3, 4, 1], {"highway": "pedestrian", "area": "yes"}),
        18: ([2, 99], {"railway": "rail"}),
    }
    lines = read_osm_file(write(tmp_path / "town.osm", osm)).features.lines
    assert {line.osm: line.tags for line in lines} == {
        "way/10": {"highway": "residential", "name": "甲路", "oneway": "yes", "bridge": "yes"},
        "way/14": {"waterway": "river"},
    }
    assert lines[0].lonlat == ((116.44, 39.95), (116.444, 39.95))


def test_a_named_place_that_is_a_point_is_kept(tmp_path):
    osm = town_with_places()
    osm.node_tags[20] = {"place": "neighbourhood", "name": "甲里"}
    pois = {poi.osm: poi.tags for poi in read_osm_file(write(tmp_path / "town.osm", osm)).features.pois}
    assert pois["node/20"] == {"place": "neighbourhood", "name": "甲里"}


def test_features_saved_before_lines_were_kept_have_none(extract, tmp_path):
    save_features(extract.features, tmp_path / "osm")
    (tmp_path / "osm" / "lines.geojson").unlink()
    assert load_features(tmp_path / "osm") == replace(extract.features, lines=())


def test_features_survive_saving(extract, tmp_path):
    save_features(extract.features, tmp_path / "osm")
    assert load_features(tmp_path / "osm") == extract.features


def test_saved_features_are_layers_for_gis_programs(extract, tmp_path):
    save_features(extract.features, tmp_path / "osm")
    info = pyogrio.read_info(tmp_path / "osm" / "pois.geojson")
    assert (info["features"], info["geometry_type"], info["crs"]) == (8, "Point", "EPSG:4326")
    assert "opening_hours" in info["fields"]


@pytest.mark.parametrize("damage", ["missing", "not json", "other version"])
def test_damaged_features_are_named(extract, tmp_path, damage):
    folder = tmp_path / "osm"
    save_features(extract.features, folder)
    if damage == "missing":
        (folder / "pois.geojson").unlink()
    elif damage == "not json":
        (folder / "areas.geojson").write_text("{")
    else:
        header = folder / "osm.json"
        header.write_text(header.read_text().replace('"version": 1', '"version": 99'))
    with pytest.raises(BadDataError, match="geo-service init"):
        load_features(folder)


# --- real extracts -----------------------------------------------------------------------------


@pytest.mark.shared
def test_tags_of_a_real_extract_are_found(shared_data):
    features = read_osm_file(shared_data / "beijing-bupt-2025.osm.pbf").features
    kinds = Counter(poi.tags.get("amenity") for poi in features.pois)
    assert kinds["charging_station"] == 7
    assert features.timestamp.startswith("2025-04")
    assert len(features.buildings) > 100


@pytest.mark.shared
@pytest.mark.slow
def test_a_whole_city_is_read_in_well_under_a_quarter_minute(shared_data):
    began = time.process_time()
    extract = read_osm_file(shared_data / "beijing-drive-2017.osm.pbf")
    assert time.process_time() - began < 15
    assert extract.report.profiles["ebike"]["nodes"] > 45_000
    assert extract.report.profiles["ebike"]["island_nodes"] < 1_000


@pytest.mark.shared
@pytest.mark.slow
def test_a_box_of_a_city_equals_the_cut_of_the_whole(shared_data):
    path = shared_data / "beijing-tsinghua-2017.osm.pbf"
    box = BBox(116.315, 39.995, 116.325, 40.005)
    cut = read_osm_file(path, ["walk"], bbox=box).networks["walk"]
    whole = read_osm_file(path, ["walk"]).networks["walk"]
    inside = (whole.node_lon_e6 > 116315000) & (whole.node_lon_e6 < 116325000)
    inside &= (whole.node_lat_e6 > 39995000) & (whole.node_lat_e6 < 40005000)
    assert set(whole.node_osm[inside].tolist()) <= set(cut.node_osm.tolist())


@pytest.mark.shared
@pytest.mark.slow
def test_a_country_with_full_tags_is_read_without_trouble(shared_data):
    extract = read_osm_file(shared_data / "liechtenstein-2022.osm.pbf")
    assert (extract.report.missing_nodes, extract.report.broken_areas) == (0, 0)
    assert len(extract.features.pois) > 2_000


def test_the_twin_reads_what_it_writes():
    osm = random_town(9)
    assert parse_xml(osm.xml()) == osm
