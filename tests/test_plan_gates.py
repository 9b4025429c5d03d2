"""Passes for gates: a drawn town by hand, and the demo's gates against network and router built anew."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from geo_service.districts.plans.demand import draw_demand
from geo_service.districts.plans.planner import Planner
from geo_service.engine.router import UNREACHED, Router
from geo_service.geo import BBox
from geo_service.network.features import OsmArea, OsmFeatures, OsmPoi, ReadReport
from geo_service.network.links import open_gate
from geo_service.network.profiles import PROFILES
from geo_service.planning.cover import within
from geo_service.planning.demand import KINDS, Weights
from geo_service.planning.gates import cost_through, find_gates, gate_delay_ms, gate_snaps, pass_brings
from geo_service.planning.measures import Measure, Part, build_menu
from geo_service.planning.parameters import Need, Parameters

MONDAY = date(2026, 11, 23)
WALK = PROFILES["walk"]
GATE_MS = 3000
"""What the gate of the drawn town costs."""


def gated_town(draw):
    """A compound from h to b behind a gate whose two sides are g and h; the way round by c and d is long."""
    town = draw("""
        a----g h----b
        |           |
        c-----------d
    """)
    node_osm = town.network.node_osm.copy()
    node_osm[town.letters["h"]] = node_osm[town.letters["g"]]
    return town, replace(town.network, node_osm=node_osm)


def features_of(town, network, **tags):
    (lon, lat) = town.lonlat("g")[0]
    gate = OsmPoi(
        f"node/{network.node_osm[town.letters['g']]}",
        lon,
        lat,
        {"barrier": "gate", "access": "private", **tags},
    )
    ring = [
        (lon + dx, lat + dy) for dx, dy in ((0, -1e-4), (1e-3, -1e-4), (1e-3, 1e-4), (0, 1e-4), (0, -1e-4))
    ]
    estate = OsmArea(
        "way/7", {"type": "Polygon", "coordinates": [ring]}, {"landuse": "residential", "name": "示例苑"}
    )
    box = BBox(lon - 1, lat - 1, lon + 1, lat + 1)
    return OsmFeatures((gate,), (), (estate,), box, None, ReadReport())


def test_a_shut_gate_is_where_one_node_of_the_map_ends_streets_on_two_sides(draw):
    town, network = gated_town(draw)
    gates = find_gates(network, features_of(town, network), WALK)
    (gate,) = gates.shut
    assert gate.node == tuple(sorted((town.letters["g"], town.letters["h"])))
    assert (gate.name, gate.barrier, gates.blind) == ("示例苑 gate", "gate", 0)
    # a gate with no street behind it leads nowhere
    blind = find_gates(town.network, features_of(town, network), WALK)
    assert (blind.shut, blind.blind) == ((), 1)
    assert find_gates(network, features_of(town, network, access="yes"), WALK) == ((), 0)


def test_a_pass_saves_the_way_round(draw):
    town, network = gated_town(draw)
    router, gates = Router(network), find_gates(network, features_of(town, network), WALK).shut
    start, end = router.snap(town.lonlat("a")), router.snap(town.lonlat("b"))
    # by hand, 1 s for a sign of a street: down 1, along 11, up 1
    assert router.matrix(start, end).tolist() == [[13_000]]
    sides = gate_snaps(network, gates)
    through = cost_through(router.matrix(start, sides), router.matrix(sides, end), GATE_MS)
    # four to the gate, three for it, four on
    assert through.tolist() == [[11_000]]
    opened = Router(open_gate(network, gates[0].node, GATE_MS))
    assert opened.matrix(opened.snap(town.lonlat("a")), opened.snap(town.lonlat("b"))).tolist() == [[11_000]]


def test_what_a_pass_is_worth_in_the_drawn_town(draw):
    town, network = gated_town(draw)
    router, gates = Router(network), find_gates(network, features_of(town, network), WALK).shut
    demand, station = router.snap(town.lonlat("b", "c")), router.snap(town.lonlat("a"))
    sides, cutoff_ms = gate_snaps(network, gates), 11_000
    is_near = within(router.matrix(demand, station), cutoff_ms)
    assert is_near.tolist() == [[False], [True]]
    is_new = pass_brings(
        router.matrix(demand, sides), router.matrix(sides, station), GATE_MS, is_near, cutoff_ms
    )
    assert is_new.tolist() == [[True], [False]]
    hourly = np.zeros((len(KINDS), 24))
    hourly[KINDS.index("dwelling")] = 4.0
    weights = Weights(np.array([0.75, 0.25]), np.full(2, KINDS.index("dwelling")), hourly)
    by_day = (np.arange(24) >= 8) & (np.arange(24) < 20)
    pass_ = Measure("gate", "gate", "示例苑 gate", 1_000.0, (Part(is_new[:, 0], by_day),))
    menu = build_menu([pass_], [Part(is_near[:, 0], by_day)], weights)
    # three riders in each of twelve hours
    assert (menu.standing, menu.alone.tolist()) == (12.0, [36.0])
    assert not pass_brings(
        router.matrix(demand, sides), router.matrix(sides, station), GATE_MS + 1, is_near, cutoff_ms
    ).any()


def test_a_gate_that_no_way_leads_to_costs_nothing_that_is_a_number():
    nowhere = np.array([[UNREACHED, UNREACHED]])
    assert cost_through(nowhere, np.array([[5], [6]]), 1).tolist() == [[UNREACHED]]
    assert cost_through(np.array([[4, UNREACHED]]), np.array([[5], [6]]), 1).tolist() == [[11]]


@pytest.fixture(scope="module")
def planner(demo_district) -> Planner:
    whole = draw_demand(demo_district)
    stations = Parameters(Need("station"), MONDAY, accept=("stale", "unknown"))
    return Planner(demo_district, stations, whole.take(np.arange(0, len(whole), 10)))


@pytest.mark.slow
def test_a_pass_brings_near_what_network_and_router_built_anew_bring_near(planner):
    measures = planner.gate_measures()
    assert measures
    gates = {f"gate:{gate.id}": gate for gate in planner.gates.shut}
    idle = [gate for key, gate in gates.items() if key not in {measure.id for measure in measures}]
    network = planner.router.network
    for gate in [*(gates[measure.id] for measure in measures[:2]), idle[0]]:
        delay_ms = gate_delay_ms(WALK, gate)
        router = Router(open_gate(network, gate.node, delay_ms))
        cost_ms = router.matrix(
            router.snap(planner.demand.lonlat),
            router.snap(np.array([place.target for place in planner.stand.places.places])),
        )
        is_new = within(cost_ms, planner.cutoff_ms) & ~planner.stand.is_near
        found = [measure for measure in measures if measure.id == f"gate:{gate.id}"]
        told = np.zeros(len(planner.demand), dtype=bool)
        for part in (part for measure in found for part in measure.parts):
            told |= part.is_near
        assert (told == is_new.any(axis=1)).all()


@pytest.mark.slow
def test_passes_are_on_the_menu_at_their_price(planner):
    answer = planner.measures_json(5_000)
    assert answer["gates"]["shut"] == len(planner.gates.shut) > 20
    kinds = {measure.kind for measure in planner.measures(planner.candidates)}
    assert "gate" in kinds
    prices = {step["cost_yuan"] for step in answer["steps"] if step["measure"] == "gate"}
    assert prices <= {planner.parameters.prices.gate_yuan}
