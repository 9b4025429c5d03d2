"""From ways to arrays: pieces, chains, links, squares, components, and graphs in and out."""

import random

import networkx as nx
import numpy as np
import osmium
import osmnx
import pytest
import shapely
from pyproj import Geod

from geo_service.errors import InvalidInputError
from geo_service.network.graph import MODES, NONE, Network, load_network, save_network
from geo_service.network.links import THIN_M, some_streets
from geo_service.network.osm import graph_to_network, network_to_graph, read_osm_file
from geo_service.network.profiles import PROFILES
from tests.oracles.network import Osm, compare_with_slow, parse_xml, random_town

GEOD = Geod(ellps="WGS84")
STEP = 0.001
PLACES = {name: (116.44 + STEP * x, 39.95 + STEP * y) for name, (x, y) in {
    "a": (0, 1), "b": (1, 1), "c": (2, 1), "d": (3, 1), "e": (0, 0), "f": (1, 0), "g": (2, 0), "h": (3, 0),
}.items()}  # fmt: skip
IDS = {name: i + 1 for i, name in enumerate(PLACES)}


def town(*ways: str, nodes: dict[str, str] | None = None, relations: dict[str, list] | None = None) -> Osm:
    """Draw ways such as ``"abc highway=primary name=甲路"`` over eight nodes in two rows."""
    osm = Osm(nodes={IDS[name]: point for name, point in PLACES.items()})
    for i, text in enumerate(ways):
        path, *tags = text.split()
        osm.ways[10 + i] = ([IDS[name] for name in path], dict(tag.split("=", 1) for tag in tags))
    for name, tags in (nodes or {}).items():
        osm.node_tags[IDS[name]] = dict(tag.split("=", 1) for tag in tags.split())
    for i, (text, members) in enumerate((relations or {}).items()):
        osm.relations[50 + i] = (members, dict(tag.split("=", 1) for tag in text.split()))
    return osm


@pytest.fixture
def build(tmp_path):
    def build(osm: Osm | str, profile: str = "walk", **options) -> Network:
        path = tmp_path / "town.osm"
        path.write_text(osm if isinstance(osm, str) else osm.xml(), encoding="utf-8")
        return read_osm_file(path, profiles=[profile], **options).networks[profile]

    return build


def edges(network: Network) -> set[str]:
    """Edges as ``"ab ride"``."""
    letter = {i: name for name, i in IDS.items()}
    tail, head = (network.node_osm[column] for column in (network.edge_tail, network.edge_head))
    modes = [MODES[mode] for mode in network.edge_mode]
    return {
        f"{letter[a]}{letter[b]} {mode}"
        for a, b, mode in zip(tail.tolist(), head.tolist(), modes, strict=True)
    }


def weight(network: Network, tail: str, head: str) -> int:
    matches = (network.node_osm[network.edge_tail] == IDS[tail]) & (
        network.node_osm[network.edge_head] == IDS[head]
    )
    (edge,) = np.flatnonzero(matches)
    return int(network.edge_weight_ms[edge])


def check_promises(network: Network) -> None:
    """Hold what the docstring of Network says about order and bounds."""
    key = list(zip(network.edge_tail, network.edge_head, network.edge_link, strict=True))
    assert key == sorted(key)
    lowest = np.where(network.link_edge == NONE, network.n_edges, network.link_edge).min(axis=1)
    assert (np.diff(lowest) > 0).all()
    assert (network.link_edge != NONE).any(axis=1).all()
    counts = np.bincount(network.edge_tail, minlength=network.n_nodes)
    assert np.array_equal(network.first_edge, np.concatenate([[0], np.cumsum(counts)]))
    assert (network.edge_weight_ms - network.edge_delay_ms >= 1).all()
    assert (network.edge_delay_ms >= 0).all()
    assert (network.link_length_mm >= 1).all()
    assert (np.diff(network.first_point) >= 2).all()
    for side, (first, last) in enumerate([("edge_tail", "edge_head"), ("edge_head", "edge_tail")]):
        link = np.flatnonzero(network.link_edge[:, side] != NONE)
        edge = network.link_edge[link, side]
        assert np.array_equal(network.edge_link[edge], link)
        start, stop = network.first_point[link], network.first_point[link + 1] - 1
        for axis in ("lon_e6", "lat_e6"):
            node, point = getattr(network, f"node_{axis}"), getattr(network, f"point_{axis}")
            assert np.array_equal(node[getattr(network, first)[edge]], point[start])
            assert np.array_equal(node[getattr(network, last)[edge]], point[stop])
    assert network.names[0] == ""
    assert list(network.names[1:]) == sorted(set(network.names) - {""})


# --- chains ------------------------------------------------------------------------------------


def test_a_street_without_junctions_is_one_link_with_its_length(build):
    network = build(town("abcd highway=residential name=甲路"))
    assert (network.n_nodes, network.n_links, edges(network)) == (2, 1, {"ad walk", "da walk"})
    geodesic_m = sum(GEOD.inv(*PLACES[a], *PLACES[b])[2] for a, b in ("ab", "bc", "cd"))
    assert network.link_length_mm[0] == round(1000 * geodesic_m)
    assert weight(network, "a", "d") == pytest.approx(geodesic_m * 3600 / 4.8, abs=1)


def test_a_chain_goes_through_where_one_way_ends_and_the_next_begins(build):
    network = build(town("ab highway=residential name=甲路", "dcb highway=residential name=甲路"))
    assert edges(network) == {"ad walk", "da walk"}
    assert network.link_way.tolist() == [10]


def test_a_link_is_drawn_as_the_first_of_its_ways_was(build):
    network = build(town("dc highway=residential", "abc highway=residential"))
    assert network.node_osm[network.edge_tail[network.link_edge[0, 0]]] == IDS["d"]


@pytest.mark.parametrize(
    "change",
    ["name=乙路", "highway=service", "maxspeed=10", "bicycle=no", "oneway=yes", "surface=gravel"],
)
def test_a_chain_breaks_where_something_changes(build, change):
    second = f"bc highway=residential name=甲路 {change}"
    network = build(town("ab highway=residential name=甲路", second), "ebike")
    assert network.n_links == 2


def test_a_change_that_means_nothing_to_the_profile_breaks_no_chain(build):
    network = build(
        town("ab highway=residential", "bc highway=residential lanes=2 oneway=yes surface=gravel")
    )
    assert network.n_links == 1


def test_a_chain_breaks_at_a_node_with_a_delay(build):
    network = build(town("abc highway=residential", nodes={"b": "highway=traffic_signals"}))
    assert edges(network) == {"ab walk", "ba walk", "bc walk", "cb walk"}
    assert weight(network, "a", "b") - weight(network, "b", "a") == 12_000
    assert network.edge_delay_ms.tolist() == [12_000, 0, 0, 12_000]


def test_a_signal_delays_only_who_it_faces(build):
    signal = {"b": "highway=traffic_signals traffic_signals:direction=forward"}
    network = build(town("abc highway=residential", nodes=signal), "ebike")
    assert network.edge_delay_ms.tolist() == [15_000, 0, 0, 0]


def test_one_way_streets_drawn_head_to_tail_make_one_link_and_against_each_other_two(build):
    along = build(
        town("ab highway=primary oneway=yes foot=no", "bc highway=primary oneway=yes foot=no"), "ebike"
    )
    against = build(
        town("ab highway=primary oneway=yes foot=no", "cb highway=primary oneway=yes foot=no"), "ebike"
    )
    reverse = build(
        town("ab highway=primary oneway=yes foot=no", "cb highway=primary oneway=-1 foot=no"), "ebike"
    )
    assert (edges(along), edges(against), edges(reverse)) == (
        {"ac ride"},
        {"ab ride", "cb ride"},
        {"ac ride"},
    )


def test_a_ring_without_junctions_begins_and_ends_at_its_lowest_node(build):
    network = build(town("fgcbf highway=residential"))
    assert (network.n_nodes, network.n_links, network.n_edges) == (1, 1, 2)
    assert network.node_osm.tolist() == [IDS["b"]]
    check_promises(network)


def test_a_ring_on_a_stalk_is_a_loop_at_its_junction(build):
    network = build(town("ab highway=residential", "bcgfb highway=residential"))
    assert edges(network) == {"ab walk", "ba walk", "bb walk"}
    assert network.n_links == 2


def test_parallel_streets_stay_two_links(build):
    network = build(
        town("bc highway=residential", "bfgc highway=residential", "ab highway=path", "cd highway=path")
    )
    between = (network.node_osm[network.edge_tail] == IDS["b"]) & (
        network.node_osm[network.edge_head] == IDS["c"]
    )
    assert between.sum() == 2


def test_repeated_nodes_make_no_edge_to_nowhere(build):
    network = build(town("abbc highway=residential", "dd highway=residential"))
    assert edges(network) == {"ac walk", "ca walk"}


def test_pushing_shows_in_the_mode_of_the_edge(build):
    network = build(town("ab highway=primary oneway=yes", "bc highway=footway"), "ebike")
    assert edges(network) == {"ab ride", "ba push", "bc push", "cb push"}


def test_names_are_one_line_and_fall_back_to_the_number(build):
    osm = town("ab highway=primary", "cd highway=primary ref=G6")
    osm.ways[10][1]["name"] = " 甲\n路\t北段 "
    assert build(osm).names == ("", "G6", "甲 路 北段")


# --- barriers ----------------------------------------------------------------------------------


def test_a_closed_gate_ends_the_street_on_both_sides(build):
    network = build(town("abc highway=residential", nodes={"b": "barrier=gate access=private"}))
    assert network.node_osm.tolist() == [IDS["a"], IDS["b"], IDS["b"], IDS["c"]]
    assert network.node_component.tolist() == [0, 0, 1, 1]
    assert edges(network) == {"ab walk", "ba walk", "bc walk", "cb walk"}


def test_an_open_gate_costs_who_arrives_at_it(build):
    network = build(town("abc highway=residential", nodes={"b": "barrier=gate"}), "ebike")
    assert weight(network, "a", "b") == weight(network, "b", "a") + 8_000


def test_a_closed_barrier_on_a_crossing_lets_nobody_turn_either(build):
    network = build(town("abc highway=residential", "bf highway=residential", nodes={"b": "barrier=wall"}))
    assert sorted(network.node_component.tolist()) == [0, 0, 1, 1, 2, 2]


def test_a_barrier_way_is_no_street(build):
    assert build(town("ab highway=residential", "bc barrier=gate foot=yes")).n_links == 1


# --- squares -----------------------------------------------------------------------------------

SQUARE = "bcgfb highway=pedestrian area=yes"


def test_a_square_is_crossed_between_its_entrances(build):
    network = build(town("ab highway=residential", SQUARE, "gh highway=residential"))
    assert {"bg walk", "gb walk"} <= edges(network)
    straight_m = GEOD.inv(*PLACES["b"], *PLACES["g"])[2]
    diagonal = network.link_length_mm[network.link_length_mm < 1000 * straight_m + 1].max()
    assert diagonal == round(1000 * straight_m)


def test_an_ebike_is_pushed_across_a_square(build):
    network = build(town("ab highway=residential", SQUARE, "gh highway=residential"), "ebike")
    assert "bg push" in edges(network)


def test_a_closed_street_is_no_square(build):
    network = build(town("ab highway=residential", "bcgfb highway=residential", "gh highway=residential"))
    assert "bg walk" in edges(network)
    assert (network.link_length_mm > 150_000).sum() == 2


def test_no_sight_line_leaves_the_square(build):
    # an L: from a to g the corner is in the way
    network = build(town("eabfghe highway=pedestrian area=yes", "bc highway=path", "hd highway=path"))
    straight_m = GEOD.inv(*PLACES["b"], *PLACES["h"])[2]
    assert not (np.abs(network.link_length_mm / 1000 - straight_m) < 1).any()


def test_a_square_drawn_as_a_relation_has_outline_and_sight_lines(build):
    relation = {
        "type=multipolygon highway=pedestrian name=广场": [("way", 11, "outer"), ("way", 12, "outer")]
    }
    network = build(
        town("ab highway=residential", "bcg", "gfb", "gh highway=residential", relations=relation)
    )
    assert network.link_way.tolist().count(-50) == 1
    assert {11, 12} <= set(network.link_way.tolist())
    assert "广场" in network.names


def test_a_square_with_a_hole_is_not_crossed_through_the_hole(build):
    osm = town("ab highway=residential", "bcgfb", "gh highway=residential")
    west, south, size = 116.4413, 39.9503, 0.0004
    for i, (x, y) in enumerate([(0, 0), (1, 0), (1, 1), (0, 1)]):
        osm.nodes[60 + i] = (round(west + size * x, 7), round(south + size * y, 7))
    osm.ways[13] = ([60, 61, 62, 63, 60], {})
    osm.relations[50] = (
        [("way", 11, "outer"), ("way", 13, "inner")],
        {"type": "multipolygon", "highway": "pedestrian"},
    )
    assert -50 not in build(osm).link_way.tolist()


def test_a_square_with_many_entrances_gets_a_bounded_number_of_lines(build):
    osm = Osm()
    ring = list(range(1, 81))
    for i in ring:
        angle = 2 * np.pi * i / len(ring)
        lon, lat = 116.44 + 0.001 * np.cos(angle), 39.95 + 0.001 * np.sin(angle)
        osm.nodes[i] = (round(float(lon), 7), round(float(lat), 7))
        osm.nodes[1000 + i] = (round(float(lon) + 0.0001, 7), round(float(lat) + 0.0001, 7))
        osm.ways[100 + i] = ([i, 1000 + i], {"highway": "footway"})
    osm.ways[1] = ([*ring, 1], {"highway": "pedestrian", "area": "yes"})
    lines = (build(osm).link_way == 1).sum() - len(ring)
    assert 0 < lines <= 16 * 15 / 2


# --- geometry, components, files ---------------------------------------------------------------


def test_geometry_is_thinned_but_never_by_more_than_half_a_metre(build, shared_data):
    network = read_osm_file(shared_data / "beijing-bupt-2025.osm.pbf", profiles=["walk"]).networks["walk"]
    osm = parse_xml(_as_xml(shared_data / "beijing-bupt-2025.osm.pbf"))
    owner = np.repeat(np.arange(network.n_links), np.diff(network.first_point))
    scale = np.array([network.metric.lon_m, network.metric.lat_m])
    xy = np.column_stack([network.point_lon_e6, network.point_lat_e6]) * scale
    lines = shapely.union_all(shapely.linestrings(xy, indices=owner))
    used = {
        ref
        for refs, tags in osm.ways.values()
        if tags.get("highway") in ("service", "footway")
        for ref in refs
    }
    points = np.array([osm.nodes[ref] for ref in sorted(used)]) * 1e6 * scale
    far = shapely.distance(shapely.points(points), lines)
    assert np.quantile(far, 0.98) < THIN_M + 0.2


def test_the_metric_repeats_the_ellipsoid(build):
    network = build(town("abcd highway=residential", "ae highway=residential"))
    m = network.metric
    d = round(1e6 * 39.96) - m.lat0_e6
    lon_m = m.lon_m + d * (m.lon_m1 + d * m.lon_m2)
    assert 1e6 * lon_m == pytest.approx(GEOD.inv(116.4, 39.96, 116.401, 39.96)[2] * 1000, rel=1e-7)
    assert 1e6 * m.lat_m == pytest.approx(GEOD.inv(116.4, 39.9504, 116.4, 39.9506)[2] * 5000, rel=1e-6)


def test_components_are_numbered_from_the_largest(build):
    network = build(town("ab highway=residential", "efgh highway=residential", "gc highway=residential"))
    by_id = dict(zip(network.node_osm.tolist(), network.node_component.tolist(), strict=True))
    assert by_id == {IDS["a"]: 1, IDS["b"]: 1, IDS["c"]: 0, IDS["e"]: 0, IDS["g"]: 0, IDS["h"]: 0}


def test_the_order_of_objects_in_a_file_does_not_matter(build):
    osm = random_town(5)
    before = build(osm, "ebike")
    rng = random.Random(1)
    for table in ("nodes", "node_tags", "ways", "relations"):
        rows = list(getattr(osm, table).items())
        rng.shuffle(rows)
        setattr(osm, table, dict(rows))
    assert build(osm, "ebike").fingerprint == before.fingerprint


def test_a_network_survives_saving(build, tmp_path):
    network = build(random_town(6), "ebike")
    save_network(network, tmp_path / "network")
    assert load_network(tmp_path / "network").fingerprint == network.fingerprint


# --- against the slow twin ---------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["walk", "ebike"])
@pytest.mark.parametrize("seed", range(30))
def test_costs_equal_those_of_the_uncompressed_town(build, seed, profile):
    osm = random_town(seed)
    network = build(osm, profile)
    check_promises(network)
    troubles = compare_with_slow(network, osm, PROFILES[profile], starts=[0, 5, 9])
    assert not troubles, f"seed {seed}: {troubles[:3]}\n{osm.xml()}"


@pytest.mark.parametrize("seed", range(10))
def test_costs_equal_those_of_the_uncompressed_town_inside_a_box(build, seed):
    osm = random_town(seed, size=9)
    box = (116.4415, 39.9508, 116.4461, 39.9548)
    troubles = compare_with_slow(build(osm, "ebike", bbox=box), osm, PROFILES["ebike"], [0, 4], box)
    assert not troubles, f"seed {seed}: {troubles[:3]}\n{osm.xml()}"


def _as_xml(path) -> str:
    text = path.parent / path.name
    lines = Osm()
    for thing in osmium.FileProcessor(str(text)):
        tags = dict(thing.tags)
        if thing.is_node():
            lines.nodes[thing.id] = (thing.location.x / 1e7, thing.location.y / 1e7)
            if tags:
                lines.node_tags[thing.id] = tags
        elif thing.is_way():
            lines.ways[thing.id] = ([node.ref for node in thing.nodes], tags)
        elif thing.is_relation():
            kinds = {"n": "node", "w": "way", "r": "relation"}
            lines.relations[thing.id] = ([(kinds[m.type], m.ref, m.role) for m in thing.members], tags)
    return lines.xml()


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("profile", ["walk", "ebike"])
@pytest.mark.parametrize(
    "name", ["beijing-bupt-2025", "beijing-cau-2026", "beijing-tsinghua-2017", "xiangheyuan"]
)
def test_costs_equal_those_of_real_extracts_uncompressed(shared_data, name, profile):
    path = shared_data / f"{name}.osm.pbf"
    network = read_osm_file(path, profiles=[profile]).networks[profile]
    check_promises(network)
    osm = parse_xml(_as_xml(path))
    assert not compare_with_slow(network, osm, PROFILES[profile], starts=[0, 97, 211])


# --- graphs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_a_network_comes_back_from_its_graph_unchanged(build, seed):
    network = build(random_town(seed), "ebike")
    again = graph_to_network(network_to_graph(network), "ebike")
    plain = [name for name in Network.__dataclass_fields__ if name not in ("node_osm", "metric")]
    assert [name for name in plain if not np.array_equal(getattr(network, name), getattr(again, name))] == []
    assert again.node_osm.tolist() == network.node_osm.tolist()
    assert again.metric == network.metric


def test_a_graph_has_what_osmnx_wants(build):
    graph = network_to_graph(build(town("abc highway=residential name=甲路", "bf highway=footway"), "ebike"))
    assert graph.graph["crs"] == "epsg:4326"
    nodes, lines = osmnx.graph_to_gdfs(graph)
    assert {"x", "y"} <= set(nodes.columns)
    columns = {"osmid", "length", "travel_time", "weight_ms", "name", "geometry", "oneway", "mode"}
    assert columns <= set(lines.columns)
    route = osmnx.routing.shortest_path(graph, IDS["a"], IDS["f"], weight="travel_time")
    assert route == [IDS["a"], IDS["b"], IDS["f"]]


def _osmnx_graph(tmp_path, seed: int, simplify: bool) -> nx.MultiDiGraph:
    path = tmp_path / "town.osm"
    osm = random_town(seed, size=9)
    osm.ways = {i: (refs, tags) for i, (refs, tags) in osm.ways.items() if "highway" in tags}
    osm.ways = {i: ([r for r in refs if r in osm.nodes], tags) for i, (refs, tags) in osm.ways.items()}
    path.write_text(osm.xml(), encoding="utf-8")
    graph = osmnx.graph_from_xml(path, simplify=simplify, retain_all=True)
    graph = osmnx.add_edge_speeds(graph, fallback=20)
    return osmnx.add_edge_travel_times(graph)


@pytest.mark.parametrize("simplify", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_routes_on_an_osmnx_graph_cost_what_networkx_finds(tmp_path, seed, simplify):
    graph = _osmnx_graph(tmp_path, seed, simplify)
    network = graph_to_network(graph)
    check_promises(network)
    keys = list(graph.nodes)
    number = {key: i for i, key in enumerate(keys)}
    again = network_to_graph(network)
    for source in keys[:4]:
        mine = nx.single_source_dijkstra_path_length(
            again, int(network.node_osm[number[source]]), weight="weight_ms"
        )
        theirs = nx.single_source_dijkstra_path_length(
            graph,
            source,
            weight=lambda u, v, d: min(max(1, round(1000 * e["travel_time"])) for e in d.values()),
        )
        assert mine == theirs


def test_every_edge_of_a_graph_is_kept_parallel_ones_and_loops_too():
    graph = nx.MultiDiGraph(crs="epsg:4326")
    graph.add_node(1, x=116.44, y=39.95)
    graph.add_node(2, x=116.45, y=39.95)
    for tail, head, seconds in [(1, 2, 10.0), (1, 2, 8.0), (2, 1, 9.0), (1, 1, 3.0)]:
        graph.add_edge(tail, head, length=100.0, travel_time=seconds)
    network = graph_to_network(graph)
    assert sorted(network.edge_weight_ms.tolist()) == [3000, 8000, 9000, 10_000]
    check_promises(network)


def test_geometry_drawn_backwards_is_turned_round():
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    graph.add_node(1, x=116.44, y=39.95)
    graph.add_node(2, x=116.45, y=39.95)
    line = shapely.LineString([(116.45, 39.95), (116.446, 39.952), (116.44, 39.95)])
    graph.add_edge(1, 2, length=900.0, travel_time=60.0, geometry=line)
    network = graph_to_network(graph)
    assert network.point_lon_e6.tolist() == [116440000, 116446000, 116450000]


def test_lengths_serve_as_weights_with_a_speed(tmp_path):
    graph = nx.MultiDiGraph(crs="epsg:4326")
    graph.add_node("甲", x=116.44, y=39.95)
    graph.add_node("乙", x=116.45, y=39.95)
    graph.add_edge("甲", "乙", length=100.0)
    network = graph_to_network(graph, "walk", weight="length", speed_kph=3.6)
    assert network.edge_weight_ms.tolist() == [100_000]
    assert MODES[network.edge_mode[0]] == "walk"


def _bad_graph(what: str) -> nx.Graph:
    graph = nx.MultiGraph(crs="epsg:4326") if what == "undirected" else nx.MultiDiGraph(crs="epsg:4326")
    if what == "projected":
        graph.graph["crs"] = "epsg:32650"
    graph.add_node(1, x=116.44, y=95.0 if what == "latitude" else 39.95)
    graph.add_node(2, **({} if what == "no x" else {"x": 116.45, "y": 39.95}))
    if what != "empty":
        bad = {"missing": {}, "nan": {"travel_time": float("nan")}, "negative": {"travel_time": -1.0}}
        graph.add_edge(1, 2, length=100.0, **bad.get(what, {"travel_time": 10.0}))
    return graph


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("undirected", "to_digraph"),
        ("projected", "project_graph"),
        ("latitude", "95"),
        ("no x", "x and y"),
        ("empty", "nothing to travel on"),
        ("missing", "add_edge_travel_times"),
        ("nan", "nan"),
        ("negative", "-1.0"),
    ],
)
def test_a_graph_that_is_no_street_map_is_refused(what, said):
    with pytest.raises(InvalidInputError, match=said) as caught:
        graph_to_network(_bad_graph(what))
    assert "\n" not in caught.value.message


def test_an_unknown_weight_is_refused():
    with pytest.raises(InvalidInputError, match="travel_time"):
        graph_to_network(_bad_graph(""), weight="price")


def test_streets_that_are_left_out_are_as_if_never_mapped(demo_district):
    network = demo_district.network("walk")
    whole = some_streets(network, np.ones(network.n_links, dtype=bool))
    assert whole.fingerprint == network.fingerprint
    kept = np.random.default_rng(5).random(network.n_links) > 0.2
    some = some_streets(network, kept)
    rows = np.flatnonzero(kept)
    assert some.n_links == len(rows)
    drawn = {
        (some.names[some.link_name[i]], int(some.link_way[i]), int(some.link_length_mm[i]), _ends(some, i))
        for i in range(some.n_links)
    }
    expected = {
        (
            network.names[network.link_name[i]],
            int(network.link_way[i]),
            int(network.link_length_mm[i]),
            _ends(network, i),
        )
        for i in rows
    }
    assert drawn == expected


def _ends(network, link):
    """Both directions of a link: tail, head, weight and delay, or nothing where it is not permitted."""
    return tuple(
        None
        if edge == -1
        else tuple(
            int(column[edge])
            for column in (
                network.edge_tail,
                network.edge_head,
                network.edge_weight_ms,
                network.edge_delay_ms,
            )
        )
        for edge in network.link_edge[link].tolist()
    )


def test_leaving_out_streets_needs_one_answer_for_each(demo_district):
    with pytest.raises(InvalidInputError, match="one answer for each"):
        some_streets(demo_district.network("walk"), np.ones(3, dtype=bool))
