"""A city in tiles on the phone: what the loaded ones prove is what the whole city answers, and nothing else is said."""

import random

import pytest

from geo_service.network.osm import read_osm_file
from geo_service.pack import tiles as tiles_module
from tests.phones import TownServer, phone_page, town_files
from tests.test_phone_towns import NOON_MS, make_places

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def phone(chromium):
    with phone_page(chromium) as phone:
        yield phone


def all_asks(network, spots, dice):
    """Nearest, on the way, within range, route and reach, from each spot to one not far away."""
    for lon, lat in spots:
        to = [lon + dice.uniform(-0.02, 0.02), lat + dice.uniform(-0.015, 0.015)]
        base = {"profile": network.profile, "from": [lon, lat], "at": NOON_MS, "layer": "spot", "k": 3}
        yield base | {"verb": "nearest"}
        yield base | {"verb": "onway", "to": to}
        yield base | {"verb": "range", "range_m": dice.choice([500, 4000]), "via": dice.choice([None, to])}
        yield {"verb": "route", "profile": network.profile, "from": [lon, lat], "to": to}
        yield {"verb": "reach", "profile": network.profile, "from": [lon, lat], "cutoffs": [60_000, 150_000]}


def is_proven(ask, said, whole):
    """Whether an answer is that of the whole city, or its beginning if it says that tiles are missing."""
    if "code" in said:
        said = {key: value for key, value in said.items() if value is not None}
    if isinstance(said, dict) and said.get("wants"):
        return 0 < len(said["rows"]) < ask["k"] and said["rows"] == whole["rows"][: len(said["rows"])]
    return said == whole


def compare(phone, home, network, places, boxes, spots, dice):
    """Ask with more and more tiles; give how many answers there were, and how many wanted tiles."""
    server, n_said, n_wanting = TownServer(network, places), 0, 0
    asks = list(all_asks(network, spots, dice))
    wholes = [server.answer(ask) for ask in asks]
    for box in boxes:
        _, *answers = phone.ask(home, [{"verb": "look", "profile": network.profile, "box": box}, *asks])
        for ask, said, whole in zip(asks, answers, wholes, strict=True):
            if "code" in said and said["code"] == "tiles_missing":
                assert said["tiles"]
                n_wanting += 1
                continue
            assert is_proven(ask, said, whole), (
                f"{ask}\n  tiles {str(said)[:500]}\n  whole {str(whole)[:500]}"
            )
            n_said += 1
            n_wanting += bool(isinstance(said, dict) and said.get("wants"))
    return n_said, n_wanting


def boxes_around(lon, lat, *halves):
    return [[lon - half, lat - 0.8 * half, lon + half, lat + 0.8 * half] for half in halves]


def test_a_demo_district_in_small_tiles(phone, demo_district, monkeypatch):
    monkeypatch.setattr(tiles_module, "WIDTH_E6", 4000)
    monkeypatch.setattr(tiles_module, "HEIGHT_E6", 3200)
    dice, network = random.Random(3), demo_district.network("ebike")
    lon, lat = demo_district.centre
    spots = [[lon + dice.gauss(0, 0.004), lat + dice.gauss(0, 0.003)] for _ in range(40)]
    places = make_places([place.target for place in demo_district.places("toilet").features] + spots[:10])
    phone.hold("small", town_files(network, places, is_tiled=True))
    boxes = boxes_around(lon, lat, 0.0005, 0.006, 0.012)
    n_said, n_wanting = compare(phone, "small", network, places, boxes, spots, dice)
    assert n_said > 150
    assert n_wanting > 150
    west, south, east, north = demo_district.bbox
    whole = [[west - 1, south - 1, east + 1, north + 1]]
    assert compare(phone, "small", network, places, whole, spots, dice) == (len(spots) * 5, 0)


def test_without_any_tile_a_question_says_that_tiles_are_missing(phone, demo_district):
    network = demo_district.network("walk")
    places = make_places([demo_district.centre])
    phone.hold("none", town_files(network, places, is_tiled=True))
    ask = {
        "verb": "nearest",
        "profile": "walk",
        "from": list(demo_district.centre),
        "layer": "spot",
        "at": NOON_MS,
    }
    (answer,) = phone.ask("none", [ask])
    assert answer["code"] == "tiles_missing"


@pytest.mark.shared
def test_beijing_in_tiles_answers_as_the_whole_city(phone, shared_data):
    network = read_osm_file(shared_data / "beijing-drive-2017.osm.pbf", ("ebike",)).networks["ebike"]
    dice = random.Random(11)
    lon, lat = 116.40, 39.91
    spots = [[lon + dice.gauss(0, 0.03), lat + dice.gauss(0, 0.02)] for _ in range(25)]
    wide = [[lon + dice.gauss(0, 0.12), lat + dice.gauss(0, 0.09)] for _ in range(500)]
    places = make_places(wide)
    phone.hold("beijing", town_files(network, places, is_tiled=True))
    boxes = boxes_around(lon, lat, 0.01, 0.06, 0.12)
    n_said, n_wanting = compare(phone, "beijing", network, places, boxes, spots, dice)
    assert n_said > 150
    assert n_wanting > 10
