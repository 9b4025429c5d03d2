"""The map room: folium's shell with local assets, the same each time, and the streets as a small file."""

import hashlib
import json
from pathlib import Path

import folium
import folium.plugins
import numpy as np
import pytest
import shapely
from folium.elements import JSCSSMixin

from geo_service.errors import InvalidInputError
from geo_service.maps import build_shell, build_streets
from geo_service.maps.streets import AVENUE, GREEN, LANE, PATH, STREET, WATER, encode_line
from geo_service.network.features import OsmArea
from geo_service.network.graph import MODES, Metric, Network

BBOX, CENTRE = (116.43, 39.94, 116.47, 39.98), (116.45, 39.96)
STATIC = Path(__file__).resolve().parents[1] / "geo_service" / "web" / "static"


def decode_line(text, lon, lat):
    """Slow twin of the page's decoder: pairs of 1e-5 degrees."""
    numbers, value, shift = [], 0, 0
    for character in text:
        chunk = ord(character) - 63
        value |= (chunk & 31) << shift
        shift += 5
        if chunk < 32:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    points = []
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        lon, lat = lon + dx, lat + dy
        points.append((lon, lat))
    return points


def street_network(pieces, profile="ebike", mode="ride"):
    """A network from pieces (tail node, head node, name, way, points in degrees), both ways each."""
    nodes = sorted({end for piece in pieces for end in piece[:2]})
    at = {}
    for tail, head, _, _, points in pieces:
        at[tail], at[head] = points[0], points[-1]
    edges = sorted(
        (nodes.index(tail), nodes.index(head), link)
        for link, piece in enumerate(pieces)
        for tail, head in (piece[:2], piece[1::-1])
    )
    names = ("", *sorted({piece[2] for piece in pieces} - {""}))
    link_edge = np.full((len(pieces), 2), -1, dtype=np.int32)
    for edge, (tail, _, link) in enumerate(edges):
        link_edge[link, 0 if nodes[tail] == pieces[link][0] else 1] = edge
    lengths_m = [
        np.hypot(*(np.diff(np.array(piece[4]), axis=0) * [85_000, 111_000]).T).sum() for piece in pieces
    ]
    points = [point for piece in pieces for point in piece[4]]
    tails = [edge[0] for edge in edges]

    def whole(values, dtype=np.int32):
        return np.array(values, dtype=dtype)

    return Network(
        profile=profile,
        gap_ms_per_m=900.0,
        metric=Metric(39_960_000, 0.111, 0.085, 0.0, 0.0),
        node_lon_e6=whole([round(at[n][0] * 1e6) for n in nodes]),
        node_lat_e6=whole([round(at[n][1] * 1e6) for n in nodes]),
        node_osm=whole(nodes, np.int64),
        node_component=whole([0] * len(nodes)),
        first_edge=whole(np.searchsorted(tails, range(len(nodes) + 1))),
        edge_tail=whole(tails),
        edge_head=whole([edge[1] for edge in edges]),
        edge_weight_ms=whole([1000] * len(edges)),
        edge_delay_ms=whole([0] * len(edges)),
        edge_mode=whole([MODES.index(mode)] * len(edges), np.uint8),
        edge_link=whole([edge[2] for edge in edges]),
        link_edge=link_edge,
        link_length_mm=whole([round(m * 1000) for m in lengths_m]),
        link_name=whole([names.index(piece[2]) for piece in pieces]),
        link_way=whole([piece[3] for piece in pieces], np.int64),
        first_point=whole(np.cumsum([0, *(len(piece[4]) for piece in pieces)])),
        point_lon_e6=whole([round(lon * 1e6) for lon, _ in points]),
        point_lat_e6=whole([round(lat * 1e6) for _, lat in points]),
        names=names,
    )


def read_streets(*networks):
    """Lines of both files as (kind, name, points)."""
    lines = []
    for file in map(json.loads, build_streets(networks)):
        at = file["origin"]
        for kind, name, text in file["lines"]:
            points = tuple(decode_line(text, *at))
            lines.append((kind, file["names"][name], points))
            at = points[-1]
    return lines


# -- the shell ----------------------------------------------------------------------------------------


def test_a_shell_asks_for_our_own_files_only():
    shell = build_shell(BBOX, CENTRE)
    assert all((STATIC / path).is_file() for path in (*shell.scripts, *shell.styles))


def test_a_shell_brings_no_jquery_and_no_bootstrap():
    shell = build_shell(BBOX, CENTRE)
    assert [path.split("/")[1] for path in shell.scripts] == ["leaflet-1.9.4", "leaflet.markercluster-1.5.3"]


def test_no_class_of_folium_points_at_a_foreign_host():
    def family(cls):
        for child in type.__subclasses__(cls):
            yield child
            yield from family(child)

    urls = [
        url
        for cls in family(JSCSSMixin)
        for attribute in ("default_js", "default_css")
        for _, url in getattr(cls, attribute)
    ]
    assert urls
    assert [url for url in urls if "//" in url] == []


def test_a_plain_folium_map_made_elsewhere_stays_local_too():
    html = folium.Map(tiles=None).get_root().render()
    assert "http://" not in html
    assert "https://" not in html


def test_a_shell_is_the_same_each_time():
    assert build_shell(BBOX, CENTRE) == build_shell(BBOX, CENTRE)


def test_building_a_shell_leaves_folium_its_random_names():
    build_shell(BBOX, CENTRE)
    assert folium.Map(tiles=None).get_name() != folium.Map(tiles=None).get_name()


def test_a_shell_s_script_hands_the_map_over_and_carries_no_markup():
    script = build_shell(BBOX, CENTRE).script
    assert "window.districtMap = map_" in script
    assert "<" not in script


def test_the_map_s_element_carries_no_style_attribute():
    assert "style" not in build_shell(BBOX, CENTRE).body_html


@pytest.mark.parametrize("bbox", [(2.0, 0.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0)])
def test_an_empty_box_is_refused(bbox):
    with pytest.raises(InvalidInputError, match="shows nothing"):
        build_shell(bbox, (0.5, 0.5))


# -- the streets --------------------------------------------------------------------------------------


def test_links_of_one_street_become_one_line():
    network = street_network(
        [
            (1, 2, "柳芳街", 10, [(116.0, 39.0), (116.001, 39.0)]),
            (3, 2, "柳芳街", 10, [(116.003, 39.0), (116.001, 39.0)]),
        ]
    )
    (line,) = read_streets(network)
    assert line[1] == "柳芳街"
    assert sorted(line[2]) == [(11600000, 3900000), (11600300, 3900000)]


def test_every_link_is_drawn_exactly_once_however_streets_cross():
    pieces = [
        (1, 2, "东街", 1, [(116.0, 39.0), (116.001, 39.0)]),
        (2, 3, "东街", 1, [(116.001, 39.0), (116.002, 39.0)]),
        (2, 4, "北街", 2, [(116.001, 39.0), (116.001, 39.001)]),
        (4, 2, "北街", 3, [(116.001, 39.001), (116.0015, 39.0005), (116.001, 39.0)]),
        (3, 1, "东街", 4, [(116.002, 39.0), (116.001, 38.999), (116.0, 39.0)]),
    ]
    drawn = [shapely.LineString(points) for _, _, points in read_streets(street_network(pieces))]
    expected = [shapely.LineString(np.array(points) * 1e5) for *_, points in pieces]
    assert sum(line.length for line in drawn) == pytest.approx(sum(line.length for line in expected), abs=3)
    assert shapely.hausdorff_distance(shapely.union_all(drawn), shapely.union_all(expected)) < 2


def test_a_longer_street_is_drawn_wider():
    network = street_network(
        [
            (1, 2, "短巷", 1, [(116.0, 39.0), (116.001, 39.0)]),
            (2, 3, "中街", 2, [(116.001, 39.0), (116.01, 39.0)]),
            (3, 4, "长大街", 3, [(116.01, 39.0), (116.05, 39.0)]),
            (4, 5, "", 4, [(116.05, 39.0), (116.09, 39.0)]),
        ]
    )
    assert {name: kind for kind, name, _ in read_streets(network)} == {
        "短巷": LANE,
        "中街": STREET,
        "长大街": AVENUE,
        "": LANE,
    }


def test_what_only_walkers_use_is_a_path():
    ridden = street_network([(1, 2, "路", 1, [(116.0, 39.0), (116.001, 39.0)])])
    walked = street_network(
        [
            (1, 2, "路", 1, [(116.0, 39.0), (116.001, 39.0)]),
            (2, 3, "", 2, [(116.001, 39.0), (116.001, 39.001)]),
        ],
        "walk",
        "walk",
    )
    assert sorted(kind for kind, _, _ in read_streets(ridden, walked)) == [PATH, LANE]


def test_streets_are_the_same_bytes_each_time(demo_district):
    networks = [demo_district.network(profile) for profile in demo_district.profiles]
    assert build_streets(networks) == build_streets(networks)


def test_every_street_of_the_demo_is_drawn_within_two_metres(demo_district):
    network = demo_district.network("walk")
    tree = shapely.STRtree([shapely.LineString(line) for _, _, line in read_streets(network)])
    points = shapely.points(network.point_lon_e6 / 10, network.point_lat_e6 / 10)
    _, distance_e5 = tree.query_nearest(points, return_distance=True, all_matches=False)
    assert len(distance_e5) == len(points)
    assert distance_e5.max() < 2.0


def test_negative_coordinates_survive_the_coding():
    line = [(-5, 7), (-40, -90_000), (17_999_999, 8_999_999)]
    assert decode_line(encode_line(line, 3, -2), 3, -2) == line


def square(lon, lat, side):
    ring = [(lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side), (lon, lat)]
    return [list(point) for point in ring]


def test_water_with_its_island_and_parks_are_drawn_and_other_areas_are_not():
    network = street_network([(1, 2, "路", 1, [(116.0, 39.0), (116.001, 39.0)])])
    lake = {"type": "Polygon", "coordinates": [square(116.0, 39.0, 0.01), square(116.004, 39.004, 0.001)]}
    other = {"type": "Polygon", "coordinates": [square(116.02, 39.0, 0.01)]}
    areas = [
        OsmArea("way/1", lake, {"natural": "water"}),
        OsmArea("way/2", other, {"leisure": "park"}),
        OsmArea("way/3", other, {"landuse": "residential"}),
        OsmArea(
            "way/4", {"type": "Polygon", "coordinates": [square(116.0, 39.1, 0.0001)]}, {"natural": "water"}
        ),
    ]
    file = json.loads(build_streets([network], areas).roads)
    drawn = [(kind, [decode_line(text, *file["origin"]) for text in rings]) for kind, rings in file["areas"]]
    assert [(kind, len(rings)) for kind, rings in drawn] == [(GREEN, 1), (WATER, 2)]
    assert shapely.Polygon(*[drawn[1][1][0], [drawn[1][1][1]]]).area == pytest.approx(1000**2 - 100**2)


# -- the vendored files -------------------------------------------------------------------------------


def test_every_vendored_file_is_the_one_the_manifest_names():
    manifest = json.loads((STATIC / "vendor" / "manifest.json").read_text("utf-8"))
    named = {
        f"{entry['folder']}/{name}": digest
        for entry in manifest["libraries"]
        for name, digest in entry["files"].items()
    }
    present = {
        path.relative_to(STATIC / "vendor").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (STATIC / "vendor").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert present == named


def test_every_vendored_library_states_name_version_source_and_licence():
    manifest = json.loads((STATIC / "vendor" / "manifest.json").read_text("utf-8"))
    assert manifest["libraries"]
    for entry in manifest["libraries"]:
        assert all(entry[key] for key in ("name", "version", "source", "licence", "licence_file"))
        assert (STATIC / "vendor" / entry["folder"] / entry["licence_file"]).is_file()
