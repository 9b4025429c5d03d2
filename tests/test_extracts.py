"""The main job on real extracts: make a district, put a layer on it, ask, and compare with the oracle."""

import json
import random
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from geo_service.districts import open_district
from geo_service.districts.create import Recipe, create_district
from geo_service.districts.importing import Order, apply_import, look_at
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
    preview = look_at(district, file, Order("station", "wgs84"), at=NOON)
    apply_import(district, preview, actor="test", at=NOON)
    assert len(preview.plan.added) == 20
    return district


def feet(snaps) -> list[oracle.Foot]:
    """Points as the oracle holds them; that both snap alike is tested apart."""
    columns = (snaps.link, snaps.share, snaps.foot_lon, snaps.foot_lat, snaps.gap_m)
    return [
        oracle.Foot(None if row[0] < 0 else int(row[0]), *map(float, row[1:]))
        for row in zip(*columns, strict=True)
    ]


@pytest.mark.parametrize("profile", ["ebike", "walk"])
def test_a_point_snaps_where_looking_at_every_street_finds_it(placed, profile):
    router = placed.routers[profile]
    (point,) = street_points(placed, 1, seed=4)
    found = feet(router.snap(point[None, :]))[0]
    assert found == pytest.approx(oracle.snap(router.network, *point.tolist()))


@pytest.mark.parametrize("profile", ["ebike", "walk"])
def test_nearest_equals_the_oracle_to_the_millisecond(placed, profile):
    router = placed.routers[profile]
    places = placed.store.layer("station").features
    origin = street_points(placed, 1, seed=2)
    facilities = router.snap(np.array([place.target for place in places]))
    (row,) = oracle.costs(router.network, feet(router.snap(origin)), feet(facilities))
    expected = sorted(
        (found[0], place.id, found[1]) for found, place in zip(row, places, strict=True) if found
    )[:5]
    answer = placed.nearest(origin=tuple(origin[0].tolist()), layer="station", at=NOON, k=5, profile=profile)
    results = answer["results"]
    found = [(round(r["cost_s"] * 1000), r["id"], round(r["length_m"] * 1000)) for r in results]
    assert found == expected
    assert {result["state"] for result in results} == {"open"}
    assert all(result["links"] for result in results)


@pytest.mark.parametrize("profile", ["ebike", "walk"])
def test_a_route_costs_what_the_oracle_says_and_its_steps_add_up(placed, profile):
    router = placed.routers[profile]
    points = street_points(placed, 4, seed=3)
    (row,) = oracle.costs(router.network, feet(router.snap(points[:1])), feet(router.snap(points[1:])))
    assert any(row)
    for destination, expected in zip(points[1:].tolist(), row, strict=True):
        if expected is None:
            continue
        route = placed.route(
            origin=tuple(points[0].tolist()), destination=tuple(destination), profile=profile
        )
        assert (round(route["cost_s"] * 1000), round(route["length_m"] * 1000)) == expected
        assert sum(step["length_m"] for step in route["steps"]) == pytest.approx(route["length_m"], abs=1e-6)
        assert sum(step["cost_s"] for step in route["steps"]) == pytest.approx(route["cost_s"], abs=1e-6)


def test_what_osm_knows_is_in_the_layers_from_the_start(district):
    held = {info.name: info.count for info in district.store.layers()}
    if district.config.source["name"].startswith(("liechtenstein", "beijing-tsinghua")):
        assert held["toilet"] > 0
    for name in held:
        for feature in district.store.layer(name).features:
            assert feature.external_ids.get("osm") or feature.id.startswith("placed-")
