"""The phone's engine in towns no planner would approve: one street for both ends, islands, ties, one-ways, delays."""

import random

import numpy as np
import pytest

from geo_service.engine.router import Router
from geo_service.layers import Place
from tests.phones import TownServer, differences, phone_page, town_files
from tests.towns import draw, random_network, random_points

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOON_MS = 1_795_060_800_000  # 2026-11-18 12:00 in Asia/Shanghai


@pytest.fixture(scope="module")
def phone(chromium):
    with phone_page(chromium) as phone:
        yield phone


def make_places(lonlat):
    """Always open, with ids in the order given."""
    spots = np.asarray(lonlat).tolist()
    return [
        Place(f"p{i:03d}", "spot", lon, lat, f"驿站{i}", hours="24/7") for i, (lon, lat) in enumerate(spots)
    ]


def all_asks(spots, profile, dice):
    """Each verb from each spot."""
    for spot in spots:
        to = dice.choice(spots) if dice.random() < 0.7 else [spot[0] + dice.uniform(-9e-5, 9e-5), spot[1]]
        base = {
            "profile": profile,
            "from": spot,
            "at": NOON_MS,
            "layer": "spot",
            "k": dice.choice([1, 2, 4, 30]),
        }
        yield base | {"verb": "nearest"}
        yield base | {"verb": "onway", "to": to}
        yield base | {
            "verb": "range",
            "range_m": dice.choice([100, 400, 2000]),
            "via": dice.choice([None, to]),
        }
        yield {"verb": "route", "profile": profile, "from": spot, "to": to}
        yield {"verb": "reach", "profile": profile, "from": spot, "cutoffs": [5, 3000, 200_000]}


@pytest.mark.parametrize("block", range(4))
def test_every_verb_is_the_routers_in_random_towns(phone, block):
    wrong, seen = [], []
    for seed in range(25 * block, 25 * block + 25):
        network = random_network(seed)
        spots = [
            *random_points(network, seed, 9).tolist(),
            *random_points(network, seed + 1, 2, spread_m=900).tolist(),
        ]
        places = make_places(random_points(network, seed + 2, 8))
        phone.hold(f"town{seed}", town_files(network, places))
        asks = list(all_asks(spots, network.profile, random.Random(seed)))
        answers = phone.ask(f"town{seed}", asks)
        wrong += [f"seed {seed}: {line}" for line in differences(asks, answers, TownServer(network, places))]
        seen += zip(asks, answers, strict=True)
    assert wrong == [], f"{len(wrong)} of {len(seen)}:\n" + "\n".join(wrong[:3])
    assert {answer["code"] for _, answer in seen if "code" in answer} == {"far_from_street", "unreachable"}
    assert any(ask["verb"] == "route" and len(answer.get("line", "")) == 4 for ask, answer in seen)
    assert any(
        has_tie(answer["rows"]) for ask, answer in seen if ask["verb"] == "nearest" and "rows" in answer
    )


def has_tie(rows):
    """Two places at the same cost."""
    costs = [row[1] for row in rows]
    return len(set(costs)) < len(costs)


@pytest.mark.parametrize(
    ("picture", "origin", "destination", "seconds"),
    [
        ("a----b", (1, 0), (3, 0), 1.6),  # along the street both stand on
        ("a→→→→b\n|    |\nc----d", (3, 0), (1, 0), 8.4),  # a one-way street: around
        ("a→→→→b\n|    |\nc----d", (1, 0), (3, 0), 1.6),
        ("a----b  c----d", (2, 0), "b", 2.4),  # towards a junction
    ],
)
def test_two_points_on_one_street(phone, picture, origin, destination, seconds):
    town = draw(picture)
    spots = town.lonlat(origin, destination)
    home = f"drawn{abs(hash((picture, origin)))}"
    phone.hold(home, town_files(town.network, make_places(spots[1:])))
    ask = {"profile": "test", "from": spots[0].tolist()}
    asks = [
        ask | {"verb": "route", "to": spots[1].tolist()},
        ask | {"verb": "nearest", "k": 1, "at": NOON_MS, "layer": "spot"},
    ]
    way, near = phone.ask(home, asks)
    assert abs(way["cost"] - 1000 * seconds) < 5
    assert near["rows"][0][1] == way["cost"]
    assert differences(asks, [way, near], TownServer(town.network, make_places(spots[1:]))) == []


def test_an_island_is_taken_only_where_there_is_nothing_else(phone):
    network = next(n for n in map(random_network, range(100)) if n.node_component.max() > 1)
    server = TownServer(network, make_places(random_points(network, 1, 3)))
    phone.hold("island", town_files(network, server.places))
    spots = random_points(network, 5, 60).tolist()
    feet = phone.ask("island", [{"verb": "snap", "profile": network.profile, "from": spot} for spot in spots])
    snaps = Router(network).snap(spots)
    for foot, lon, lat, gap_m in zip(feet, snaps.foot_lon, snaps.foot_lat, snaps.gap_m, strict=True):
        assert "code" in foot or foot == [lon, lat, gap_m]
