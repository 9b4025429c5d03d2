"""The Python door: GeoDataFrames out, osmnx graphs in and out."""

import random
from collections import Counter
from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx
import pytest
import shapely

import geo_service
from geo_service.errors import InvalidInputError, NotFoundError

pytestmark = pytest.mark.slow

NOON = "2026-11-18T12:00"


@pytest.fixture(scope="module")
def d(demo_directory):
    return geo_service.open(demo_directory)


@pytest.fixture(scope="module")
def graph(d):
    return d.graph("ebike")


def riders(d, count, seed):
    rng = random.Random(seed)
    west, south, east, north = d.district.bbox
    x = [rng.uniform(west + 0.3 * (east - west), east - 0.3 * (east - west)) for _ in range(count)]
    y = [rng.uniform(south + 0.3 * (north - south), north - 0.3 * (north - south)) for _ in range(count)]
    return gpd.GeoDataFrame({"rider": list("abcdefgh")[:count]}, geometry=gpd.points_from_xy(x, y), crs=4326)


def test_places_is_a_frame_of_the_layer_indexed_by_id(d):
    stations = d.places("station")
    assert len(stations) == 11
    assert stations.crs.to_epsg() == 4326
    assert stations.index.is_unique
    assert (stations.geom_type == "Point").all()
    assert {"name", "services", "provenance"} <= set(stations.columns)


def test_nearest_of_a_pair_speaks_the_words_of_the_command_line(d):
    found = d.nearest(d.district.centre, layer="station", k=3, at=NOON)
    assert list(found["rank"]) == [1, 2, 3]
    assert {"id", "name", "cost_s", "length_m", "state", "open_until"} <= set(found.columns)
    assert found["cost_s"].is_monotonic_increasing


def test_nearest_of_a_frame_keeps_its_index_and_reads_its_crs(d):
    points = riders(d, 4, seed=1).set_index("rider")
    found = d.nearest(points, layer="merchant", k=2, at=NOON)
    metric = d.nearest(points.to_crs(32650), layer="merchant", k=2, at=NOON)
    assert set(found["origin"]) == {"a", "b", "c", "d"}
    assert list(found["id"]) == list(metric["id"])
    np.testing.assert_allclose(found["cost_s"], metric["cost_s"], atol=0.01)


def test_nearest_with_no_answer_is_an_empty_frame_with_the_same_columns(d):
    some = d.nearest(d.district.centre, layer="station", k=1, at=NOON)
    none = d.nearest(d.district.centre, layer="station", k=1, at=NOON, service=("haircut",))
    assert len(none) == 0
    assert list(none.columns) == list(some.columns)


def test_matrix_equals_the_costs_of_the_routes(d):
    origins, destinations = riders(d, 2, seed=2), riders(d, 3, seed=3)
    cost_s = d.matrix(origins, destinations, "walk")
    for i in range(2):
        for j in range(3):
            row = d.route(origins.iloc[[i]], destinations.iloc[[j]].set_axis([i]), "walk").iloc[0]
            assert cost_s.iloc[i, j] == row["cost_s"]


def test_a_route_is_a_line_from_point_to_point(d):
    points = riders(d, 2, seed=4)
    routes = d.route(points.iloc[:1], points.iloc[1:], "ebike")
    line = routes.geometry.iloc[0]
    assert shapely.Point(line.coords[0]).distance(points.geometry.iloc[0]) < 1e-9
    assert shapely.Point(line.coords[-1]).distance(points.geometry.iloc[1]) < 1e-9
    length_m = gpd.GeoSeries([line], crs=4326).to_crs(32650).length.iloc[0]
    assert length_m == pytest.approx(routes["length_m"].iloc[0], rel=2e-3)


def test_reach_grows_with_the_minutes_and_ends_where_they_end(d):
    five, ten = (d.reach_streets(d.district.centre, minutes, "walk") for minutes in (5, 10))
    assert 0 < five["length_m"].sum() < ten["length_m"].sum()
    start = (
        gpd.GeoSeries(gpd.points_from_xy(*[[v] for v in d.district.centre]), crs=4326).to_crs(32650).iloc[0]
    )
    farthest_m = five.to_crs(32650).geometry.apply(lambda line: shapely.hausdorff_distance(start, line)).max()
    assert farthest_m < 5 / 60 * 7000


def test_a_graph_goes_out_to_osmnx_and_costs_the_same_there(d, graph):
    assert graph.graph["crs"] == "epsg:4326"
    network = d.district.network("ebike")
    assert len(graph) == network.n_nodes
    assert osmnx.stats.edge_length_total(graph) > 10_000
    back = geo_service.from_graph(graph)
    rng = random.Random(5)
    nodes = sorted(graph)
    for _ in range(20):
        a, b = rng.choice(nodes), rng.choice(nodes)
        ends = position(graph, a), position(graph, b)
        here = d.route(*ends, "ebike")["cost_s"].iloc[0]
        there = back.route(*ends)["cost_s"].iloc[0]
        assert (np.isnan(here) and np.isnan(there)) or here == pytest.approx(there, abs=0.002)


def test_a_route_on_a_graph_of_ours_costs_what_networkx_says(graph):
    """Up to the signal or gate at either end: who starts or stops at a junction does not wait for it."""
    streets = geo_service.from_graph(graph)
    rng = random.Random(6)
    nodes = sorted(max(nx.strongly_connected_components(graph), key=len))
    places = Counter(position(graph, v) for v in graph)
    alone = [v for v in nodes if places[position(graph, v)] == 1]
    for _ in range(30):
        a, b = rng.choice(alone), rng.choice(alone)
        expected_ms = nx.shortest_path_length(
            graph, a, b, weight=lambda u, v, keys: min(data["weight_ms"] for data in keys.values())
        )
        ours_ms = round(streets.route(position(graph, a), position(graph, b))["cost_s"].iloc[0] * 1000)
        assert -longest_delay_ms(graph, b) <= ours_ms - expected_ms <= longest_delay_ms(graph, a)


def position(graph, node):
    return graph.nodes[node]["x"], graph.nodes[node]["y"]


def longest_delay_ms(graph, node):
    return max((data["delay_ms"] for _, _, data in graph.in_edges(node, data=True)), default=0)


def test_a_graph_as_osmnx_makes_it_is_answered_like_networkx():
    plain = nx.MultiDiGraph(crs="epsg:4326")
    rng = random.Random(8)
    for i in range(8):
        for j in range(8):
            plain.add_node(
                i * 8 + j,
                x=116.40 + i * 0.002 + rng.random() * 5e-4,
                y=39.90 + j * 0.002 + rng.random() * 5e-4,
            )
    for v in plain.nodes:
        for w in (v + 1 if v % 8 < 7 else None, v + 8 if v < 56 else None):
            if w is not None:
                for a, b in ((v, w), (w, v)) if rng.random() < 0.7 else ((v, w),):
                    plain.add_edge(a, b, osmid=v * 100 + w, highway="residential", maxspeed="20")
    plain = osmnx.add_edge_travel_times(osmnx.add_edge_speeds(osmnx.distance.add_edge_lengths(plain)))
    for weight in ("travel_time", "length"):
        streets = geo_service.from_graph(plain, weight=weight)
        for _ in range(25):
            a, b = rng.randrange(64), rng.randrange(64)
            ours = streets.route(position(plain, a), position(plain, b))["cost_s"].iloc[0]
            try:
                path = nx.shortest_path(plain, a, b, weight=weight)
            except nx.NetworkXNoPath:
                assert np.isnan(ours)
                continue
            expected = nx.path_weight(plain, path, weight)
            assert ours == pytest.approx(expected, abs=0.0006 * max(len(path), 1))


def test_a_projected_graph_is_refused(graph):
    with pytest.raises(InvalidInputError, match=r"projected|crs|CRS"):
        geo_service.from_graph(osmnx.projection.project_graph(graph))


def test_points_without_crs_lines_and_far_points_are_refused(d):
    bare = gpd.GeoSeries(gpd.points_from_xy([116.44], [39.95]))
    with pytest.raises(InvalidInputError, match="CRS"):
        d.nearest(bare, layer="station")
    line = gpd.GeoSeries([shapely.LineString([(116.44, 39.95), (116.45, 39.95)])], crs=4326)
    with pytest.raises(InvalidInputError, match="no points"):
        d.nearest(line, layer="station")
    with pytest.raises(InvalidInputError, match="nearest street"):
        d.route((0.0, 0.0), (116.44, 39.95))
    with pytest.raises(NotFoundError, match="spaceport"):
        d.places("spaceport")


# -- on the way, range, reach, coverage ---------------------------------------------------------------


def test_reach_is_polygons_each_within_the_next(d):
    bands = d.reach(d.district.centre, minutes=(3, 1, 2), profile="walk")
    assert list(bands["minutes"]) == [1, 2, 3]
    assert bands["street_m"].is_monotonic_increasing
    for fewer, more in pairwise(bands.geometry):
        assert shapely.difference(fewer, more).buffer(-2e-7).is_empty


def test_pieces_of_street_lie_in_the_polygon_of_their_reach(d):
    (outline,) = d.reach(d.district.centre, minutes=3, profile="walk").geometry
    pieces = d.reach_streets(d.district.centre, minutes=3, profile="walk")
    assert pieces.geometry.within(outline.buffer(1e-7)).all()


def test_a_reach_of_a_graph_is_polygons_too(graph):
    streets = geo_service.from_graph(graph)
    bands = streets.reach(position(graph, sorted(graph)[0]), minutes=(1, 2))
    assert list(bands["minutes"]) == [1, 2]


def test_stops_of_each_pair_keep_its_index(d):
    starts, ends = riders(d, 2, seed=11).set_index("rider"), riders(d, 2, seed=12)
    stops = d.onway(starts, ends, layer="merchant", k=2, at=NOON)
    assert set(stops["origin"]) == set(starts.index)
    direct_s = d.route(starts, ends.set_axis(starts.index))["cost_s"]
    for origin, rows in stops.groupby("origin"):
        assert rows["added_s"].is_monotonic_increasing
        assert (rows["direct_cost_s"] == direct_s[origin]).all()


def test_what_is_within_range_is_no_longer_than_what_is_left(d):
    points = riders(d, 3, seed=13)
    found = d.range(points, layer="swap", range_m=2500, reserve_m=500, at=NOON, k=100)
    assert (found["length_m"] <= 2000).all()
    near = d.nearest(points, layer="swap", k=100, at=NOON)
    assert len(found) == (near["length_m"] <= 2000).sum()


def test_unequal_numbers_of_points_are_refused(d):
    with pytest.raises(InvalidInputError, match="3 origins and 2 of via"):
        d.range(riders(d, 3, seed=1), layer="swap", range_m=100, via=riders(d, 2, seed=2))


def test_a_plan_and_a_voltage_choose_cabinets(d):
    power = d.places("swap")["power"].iloc[0]
    wish = {"operator": power["operator"], "plan": power["plan"], "voltage_v": power["voltage_v"][0]}
    found = d.nearest(d.district.centre, layer="swap", k=100, at=NOON, **wish)
    assert 0 < len(found) < len(d.places("swap"))


def test_coverage_is_the_streets_with_what_is_covered_of_each(d):
    streets = d.coverage("station", minutes=8)
    said = streets.attrs
    assert said["share_of"] == "street_length"
    assert streets["covered_m"].sum() / streets["length_m"].sum() == pytest.approx(
        said["covered_share"], abs=1e-5
    )
    assert (streets["covered_m"] <= streets["length_m"] + 1e-6).all()
    whole = streets[streets["cost_s"] > 8 * 60 + streets["length_m"]]
    assert (whole["covered_m"] == 0).all()
    assert len(whole) > 0


def test_what_if_has_a_row_for_each_change_and_all_of_them_together(d):
    new = riders(d, 3, seed=14).set_index("rider")
    trials = d.what_if("station", minutes=8, without=["xhy-station-003"], with_=new)
    assert list(trials["change"]) == ["without", "with", "with", "with"]
    assert list(trials["id"]) == ["xhy-station-003", *new.index]
    assert trials["difference"].iloc[0] <= 0 <= trials["difference"].iloc[1:].min()
    together = trials.attrs["what_if"]["covered_share"] - trials.attrs["covered_share"]
    assert together == pytest.approx(trials.attrs["what_if"]["difference"], abs=2e-6)
