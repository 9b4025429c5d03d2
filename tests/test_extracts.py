"""The main job on real extracts: make a district, put a layer on it, ask, and compare with the oracle."""

import json
import random
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from geo_service.districts import open_district
from geo_service.districts.changes import import_geojson
from geo_service.districts.create import Recipe, create_district
from geo_service.engine.router import UNREACHED
from geo_service.hours import SHANGHAI
from geo_service.settings import Settings
from tests.oracles import engine as oracle

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)

EXTRACTS = {
    "xiangheyuan": 2_000,
    "beijing-tsinghua-2017": 700,
    "shanghai-center-roads-2025": 2_000,
    "liechtenstein-2022": 8_000,
    "beijing-drive-2017": 40_000,
}
"""Extract and the least number of junctions it must yield."""

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module", params=EXTRACTS)
def district(request, shared_data, tmp_path_factory):
    directory = tmp_path_factory.mktemp("extract") / "d"
    extract = shared_data / f"{request.param}.osm.pbf"
    create_district(directory, Recipe(osm=str(extract), on=NOON.date()), Settings(), lambda *_: None)
    opened = open_district(directory)
    assert opened.network("ebike").n_nodes >= EXTRACTS[request.param]
    yield opened
    opened.close()


def street_points(district, count: int, seed: int) -> np.ndarray:
    """Points a few metres beside random junctions of the main network."""
    network = district.network("walk")
    rng = random.Random(seed)
    nodes = np.flatnonzero(network.node_component == 0)
    chosen = [int(nodes[rng.randrange(len(nodes))]) for _ in range(count)]
    shift = np.array([[rng.uniform(-1, 1) * 1e-4, rng.uniform(-1, 1) * 1e-4] for _ in range(count)])
    return np.column_stack([network.node_lon_e6[chosen], network.node_lat_e6[chosen]]) / 1e6 + shift


def write_layer(path: Path, points: np.ndarray) -> None:
    features = [
        {
            "type": "Feature",
            "id": f"placed-{i:02d}",
            "geometry": {"type": "Point", "coordinates": [round(float(v), 7) for v in point]},
            "properties": {"name": f"试放驿站{i}", "hours": "24/7" if i % 3 else "08:00-20:00"},
        }
        for i, point in enumerate(points)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


@pytest.fixture(scope="module")
def placed(district, tmp_path_factory):
    """The district with twenty stations of our own placing."""
    file = tmp_path_factory.mktemp("layer") / "station.geojson"
    write_layer(file, street_points(district, 20, seed=1))
    report = import_geojson(district, file, "station", datum="wgs84", at=NOON, actor="test", is_dry_run=False)
    assert len(report.added) == 20
    return district


@pytest.mark.parametrize("profile", ["ebike", "walk"])
def test_nearest_equals_the_oracle_to_the_millisecond(placed, profile):
    router = placed.routers[profile]
    places = placed.store.layer("station").features
    facilities = router.snap(np.array([place.target for place in places]))
    for origin in street_points(placed, 3, seed=2).tolist():
        answer = placed.nearest(origin=tuple(origin), layer="station", at=NOON, k=5, profile=profile)
        start = router.snap(np.array([origin]))
        costs = oracle.costs_from(router.network, start, facilities)
        expected = sorted(
            (cost, place.id) for cost, place in zip(costs, places, strict=True) if cost != UNREACHED
        )[:5]
        found = [(round(result["cost_s"] * 1000), result["id"]) for result in answer["results"]]
        assert found == expected
        for result in answer["results"]:
            assert result["state"] == "open"
            assert result["links"]


@pytest.mark.parametrize("profile", ["ebike", "walk"])
def test_a_route_costs_what_the_oracle_says_and_its_line_is_as_long(placed, profile):
    router = placed.routers[profile]
    points = street_points(placed, 6, seed=3)
    for origin, destination in zip(points[:3], points[3:], strict=True):
        start, end = router.snap(origin[None, :]), router.snap(destination[None, :])
        (cost,) = oracle.costs_from(router.network, start, end)
        if cost == UNREACHED:
            continue
        route = placed.route(origin=tuple(origin), destination=tuple(destination), profile=profile)
        assert round(route["cost_s"] * 1000) == cost
        assert sum(step["length_m"] for step in route["steps"]) == pytest.approx(route["length_m"], abs=1e-6)


def test_what_osm_knows_is_in_the_layers_from_the_start(district):
    held = {info.name: info.count for info in district.store.layers()}
    if district.config.source["name"].startswith(("liechtenstein", "beijing-tsinghua")):
        assert held["toilet"] > 0
    for name in held:
        for feature in district.store.layer(name).features:
            assert feature.external_ids.get("osm") or feature.id.startswith("placed-")
