"""The engine on the phone, in a real browser: its answers are the server's, to the millisecond."""

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from geo_service.districts import open_district
from geo_service.hours import SHANGHAI
from tests.phones import Dice, Server, differences, district_files, phone_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLAIN, GOLDEN_WEEK, NEW_YEAR = date(2026, 11, 18), date(2026, 9, 28), date(2026, 12, 22)
"""First days of packs: ordinary weeks; a holiday and its make-up Saturday; days that no notice names yet."""

N_ASKED = 1000


def noon(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def phone(chromium):
    with phone_page(chromium) as phone:
        yield phone


@pytest.fixture(scope="module")
def districts(demo_directory, yingze_directory, tmp_path_factory):
    """Both demo districts, copied: packs of other days are built in them."""
    opened = {}
    for directory in (demo_directory, yingze_directory):
        copy = Path(tmp_path_factory.mktemp("phone")) / directory.name
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("jit", "tiles*", "*.pmtiles"))
        opened[directory.name] = open_district(copy)
    yield opened
    for district in opened.values():
        district.close()


@pytest.mark.parametrize("name", ["xiangheyuan", "yingze"])
def test_a_thousand_questions_are_answered_as_by_the_server(phone, districts, name):
    dice = Dice(districts[name], seed=20261118, first=PLAIN)
    doubts = dice.doubts()
    phone.hold(name, district_files(districts[name], noon(PLAIN), doubts))
    asks = [dice.ask() for _ in range(N_ASKED)]
    answers = phone.ask(name, asks)
    wrong = differences(asks, answers, Server(districts[name], doubts))
    assert wrong == [], f"{len(wrong)} of {N_ASKED}:\n" + "\n".join(wrong[:3])
    refused = {answer["code"] for answer in answers if "code" in answer}
    assert refused >= {"far_from_street"}


@pytest.mark.parametrize("first", [PLAIN, GOLDEN_WEEK, NEW_YEAR], ids=str)
def test_states_are_the_servers_on_every_day_of_the_pack(phone, districts, first):
    district = districts["xiangheyuan"]
    dice = Dice(district, seed=7, first=first)
    home = f"xiangheyuan-{first}"
    doubts = dice.doubts()
    phone.hold(home, district_files(district, noon(first), doubts))
    asks = [ask for layer in dice.layers for place in layer.features for ask in states_of(place, dice)]
    wrong = differences(asks, phone.ask(home, asks), Server(district, doubts))
    assert wrong == [], f"{len(wrong)} of {len(asks)}:\n" + "\n".join(wrong[:3])


def states_of(place, dice):
    """The door and a service or two, at any instant, around the pack's first and last, and where something changes."""
    kinds = sorted({service.kind for service in place.services})
    end_ms = dice.begin_ms + 14 * 86_400_000
    ats = [dice.begin_ms, end_ms - 1, *(dice.at() for _ in range(6))]
    for at in ats:
        yield {"verb": "state", "id": place.id, "at": at, "services": []}
        if kinds:
            yield {"verb": "state", "id": place.id, "at": at, "services": dice.dice.sample(kinds, 1)}
            yield {"verb": "state", "id": place.id, "at": at, "services": kinds}


def test_states_change_at_the_very_second(phone, districts):
    district = districts["xiangheyuan"]
    dice = Dice(district, seed=8, first=PLAIN)
    phone.hold("edges", district_files(district, noon(PLAIN)))
    asks = []
    for layer in dice.layers:
        for place in layer.features:
            at = datetime.fromtimestamp(dice.at() / 1000, SHANGHAI)
            until = district.finder.opening(place, at).until
            for change in [until, until and until - timedelta(minutes=30)]:
                if (
                    change is not None
                    and dice.begin_ms < change.timestamp() * 1000 < dice.begin_ms + 13 * 86_400_000
                ):
                    ms = round(change.timestamp() * 1000)
                    asks += [
                        {"verb": "state", "id": place.id, "at": at_ms, "services": []}
                        for at_ms in (ms - 1001, ms - 1, ms, ms + 1, ms + 999)
                    ]
    assert len(asks) > 100
    assert differences(asks, phone.ask("edges", asks), Server(district)) == []


def test_beyond_two_weeks_a_state_is_told_as_an_estimate(phone, districts):
    district = districts["xiangheyuan"]
    phone.hold("later", district_files(district, noon(PLAIN)))
    dice = Dice(district, seed=9, first=PLAIN)
    place = next(p for layer in dice.layers for p in layer.features if p.hours == "24/7")
    before, after = dice.begin_ms - 1000, dice.begin_ms + 40 * 86_400_000
    asks = [
        {"verb": "state", "id": place.id, "at": at, "services": []} for at in (before, dice.begin_ms, after)
    ]
    states = phone.ask("later", asks)
    assert [state[3] for state in states] == [True, False, True]
    assert {state[0] for state in states} <= {"open", "stale"}


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        ({"verb": "nearest", "from": [39.9, 116.4], "layer": "station"}, "not_on_globe"),
        ({"verb": "nearest", "from": [116.0, 39.0], "layer": "station"}, "far_from_street"),
        ({"verb": "nearest", "from": None, "layer": "station"}, "not_on_globe"),
        ({"verb": "nearest", "from": "centre", "layer": "no"}, "unknown_layer"),
        ({"verb": "nearest", "from": "centre", "layer": "station", "k": 0}, "bad_parameter"),
        ({"verb": "nearest", "from": "centre", "layer": "station", "k": 101}, "bad_parameter"),
        ({"verb": "nearest", "from": "centre", "layer": "station", "k": 1.5}, "bad_parameter"),
        ({"verb": "nearest", "from": "centre", "layer": "station", "accept": ["closed"]}, "bad_parameter"),
        ({"verb": "nearest", "from": "centre", "layer": "station", "services": ["no"]}, "bad_parameter"),
        ({"verb": "nearest", "from": "centre", "layer": "station", "at": "soon"}, "bad_parameter"),
        ({"verb": "range", "from": "centre", "layer": "swap", "range_m": -1}, "bad_parameter"),
        ({"verb": "range", "from": "centre", "layer": "swap"}, "bad_parameter"),
        ({"verb": "onway", "from": "centre", "to": [116.0, 39.0], "layer": "swap"}, "far_from_street"),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_refused_with_a_code(phone, districts, ask, code):
    district = districts["xiangheyuan"]
    phone.hold("refusals", district_files(district, noon(PLAIN)))
    if ask["from"] == "centre":
        ask = ask | {"from": list(district.centre)}
    (answer,) = phone.ask("refusals", [ask | {"profile": "ebike"}])
    assert answer["code"] == code


def test_a_network_of_stations_can_be_asked_for(phone, districts):
    district = districts["yingze"]
    phone.hold("networks", district_files(district, noon(PLAIN)))
    places = {place.id: place for place in district.places("station").features}
    network = next(place.network for place in places.values() if place.network)
    ask = {"verb": "nearest", "from": list(district.centre), "layer": "station", "profile": "ebike", "k": 100}
    ask |= {"accept": ["unknown", "stale"], "at": Dice(district, 1, PLAIN).begin_ms + 43_200_000}
    every, some = phone.ask("networks", [ask, ask | {"network": network}])
    of_network = [row for row in every["rows"] if places[row[0]].network == network]
    assert 0 < len(of_network) <= len(every["rows"])
    assert some["rows"][: len(of_network)] == of_network
    assert {places[row[0]].network for row in some["rows"]} == {network}
