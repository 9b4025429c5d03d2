"""Questions over HTTP besides nearest and route: on the way, within range, reach, coverage."""

import json
import random
from datetime import datetime

import pytest
import shapely.geometry

from geo_service.geo import convert_datum
from geo_service.hours import SHANGHAI
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.openapi import describe
from tests.test_api import fits, refused

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
D = "/api/v1/districts/xiangheyuan"
HERE, THERE = "116.436000,39.952000", "116.447000,39.961000"

QUESTIONS = {
    "onway": f"from={HERE}&to={THERE}&layer=swap",
    "range": f"from={HERE}&range_m=4000&layer=swap",
    "reach": f"from={HERE}&minutes=1,2&profile=walk",
    "coverage": "layer=station&minutes=10",
}


@pytest.fixture(scope="module")
def app(demo_district):
    return create_app({demo_district.id: demo_district}, Settings(), clock=lambda: NOON)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.mark.parametrize("verb", QUESTIONS)
def test_answers_are_as_described(client, verb):
    document = describe()
    response = client.get(f"{D}/{verb}?{QUESTIONS[verb]}")
    content = document["paths"][f"/api/v1/districts/{{district}}/{verb}"]["get"]["responses"]["200"][
        "content"
    ]
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert fits(response.json, content[response.mimetype]["schema"], document)


def test_stops_are_the_district_s_own(client, demo_district):
    answer = client.get(f"{D}/onway?{QUESTIONS['onway']}").json
    asked = demo_district.onway(
        origin=(116.436, 39.952), destination=(116.447, 39.961), layer="swap", at=NOON
    )
    assert answer == json.loads(json.dumps(asked))
    assert len(answer["results"]) == 3


def test_what_is_within_range_is_the_district_s_own(client, demo_district):
    answer = client.get(f"{D}/range?{QUESTIONS['range']}&reserve_m=500&via={THERE}").json
    asked = demo_district.within_range(
        origin=(116.436, 39.952), via=(116.447, 39.961), range_m=4000, reserve_m=500, layer="swap", at=NOON
    )
    assert answer == json.loads(json.dumps(asked))


def test_none_within_range_is_an_answer_that_names_the_nearest(client):
    answer = client.get(f"{D}/range?from={HERE}&range_m=1&layer=station").json
    assert answer["results"] == []
    assert answer["nearest"]["length_m"] > 1


def test_cabinets_are_chosen_by_voltage_and_plan(client):
    every = client.get(f"{D}/nearest?from={HERE}&layer=swap&k=100").json["results"]
    power = every[0]["power"]
    wish = f"voltage={power['voltage_v'][0]}&plan={power['plan']}&operator={power['operator']}"
    some = client.get(f"{D}/nearest?from={HERE}&layer=swap&k=100&{wish}").json["results"]
    assert 0 < len(some) < len(every)
    assert all(
        power["voltage_v"][0] in r["power"]["voltage_v"] and r["power"]["plan"] == power["plan"] for r in some
    )


def test_reach_is_geojson_of_nested_polygons(client):
    response = client.get(f"{D}/reach?{QUESTIONS['reach']}")
    assert response.mimetype == "application/geo+json"
    fewer, more = (shapely.geometry.shape(f["geometry"]) for f in response.json["features"])
    assert fewer.is_valid
    assert more.is_valid
    assert shapely.difference(fewer, more).buffer(-2e-7).is_empty


def test_the_same_point_in_gcj02_reaches_as_far(client):
    lon, lat = convert_datum([[116.436, 39.952]], "wgs84", "gcj02")[0]
    shifted = client.get(f"{D}/reach?from={lon:.7f},{lat:.7f}&minutes=2&profile=walk&datum=gcj02").json
    plain = client.get(f"{D}/reach?from={HERE}&minutes=2&profile=walk").json
    lengths = [answer["features"][0]["properties"]["street_m"] for answer in (shifted, plain)]
    assert lengths[0] == pytest.approx(lengths[1], abs=5)


def test_a_trial_comes_with_each_change_alone(client):
    trial = f"without=xhy-station-001,xhy-station-002&with={HERE};{THERE}"
    answer = client.get(f"{D}/coverage?layer=station&{trial}").json
    assert len(answer["what_if"]["alone"]) == 4
    assert answer["what_if"]["eligible"] == answer["eligible"]


def test_without_a_time_every_hour_counts_and_with_one_only_what_is_open(client):
    every, noon, night = (
        client.get(f"{D}/coverage?layer=merchant{at}").json for at in ("", "&at=now", "&at=2026-11-18T03:00")
    )
    assert every["at"] is None
    assert noon["at"] == "2026-11-18T12:00:00+08:00"
    assert every["eligible"] >= noon["eligible"] > night["eligible"]


@pytest.mark.parametrize(
    ("verb", "query", "words"),
    [
        ("onway", f"from={HERE}&layer=swap", ["to is missing"]),
        ("onway", f"from={HERE}&to={THERE}&layer=swap&via={HERE}", ["'via'", "allowed: from, to, layer"]),
        ("onway", f"from={HERE}&to={THERE}&layer=swap&k=0", ["k='0'"]),
        ("onway", f"from={HERE}&to={THERE}&layer=swap&voltage=x", ["voltage='x'"]),
        ("onway", f"from={HERE}&to={THERE}&layer=swap&plan=", ["plan is empty"]),
        ("range", f"from={HERE}&layer=swap", ["range_m is missing"]),
        ("range", f"from={HERE}&layer=swap&range_m=-1", ["range_m='-1'"]),
        ("range", f"from={HERE}&layer=swap&range_m=1e3", ["range_m='1e3'"]),
        ("range", f"from={HERE}&layer=swap&range_m=nan", ["range_m='nan'"]),
        ("range", f"from={HERE}&layer=swap&range_m=1000000", ["range_m=1000000.0", "0..500000"]),
        ("range", f"from={HERE}&layer=swap&range_m=10&reserve_m=", ["reserve_m is empty"]),
        ("range", f"from={HERE}&layer=swap&range_m=10&via=", ["via is empty"]),
        ("range", f"from={HERE}&layer=swap&range_m=10&via=0,0", ["via=", "nearest street"]),
        ("reach", "minutes=5", ["from is missing"]),
        ("reach", f"from={HERE}&minutes=", ["minutes is empty"]),
        ("reach", f"from={HERE}&minutes=5,,6", ["minutes='5,,6'"]),
        ("reach", f"from={HERE}&minutes=181", ["minutes=181", "180"]),
        ("reach", f"from={HERE}&minutes=0", ["minutes=0"]),
        ("reach", f"from={HERE}&minutes=1,2,3,4,5,6,7,8,9,10,11,12,13", ["13 values"]),
        ("reach", f"from={HERE}&k=3", ["'k'"]),
        ("coverage", "minutes=5", ["layer is missing"]),
        ("coverage", "layer=station&minutes=5,10", ["minutes='5,10'", "one number"]),
        ("coverage", "layer=station&k=3", ["'k'"]),
        ("coverage", "layer=block", ["areas"]),
        ("coverage", "layer=station&with=1,2,3", ["with"]),
        ("coverage", "layer=station&with=", ["with is empty"]),
        ("coverage", "layer=station&without=", ["without is empty"]),
        ("coverage", "layer=station&without=" + ",".join("x" for _ in range(51)), ["without has 51 entries"]),
        ("coverage", "layer=station&from=116.4,39.9", ["'from'"]),
    ],
)
def test_a_bad_parameter_is_refused_by_name(client, verb, query, words):
    refused(client.get(f"{D}/{verb}?{query}"), 400, *words)


def test_unknown_layers_and_places_are_not_found(client):
    refused(client.get(f"{D}/coverage?layer=castle"), 404, "castle")
    refused(client.get(f"{D}/coverage?layer=station&without=nobody"), 404, "nobody")


@pytest.mark.parametrize("verb", QUESTIONS)
def test_an_unknown_parameter_is_refused(client, verb):
    refused(client.get(f"{D}/{verb}?{QUESTIONS[verb]}&bogus=1"), 400, "bogus")


@pytest.mark.slow
def test_no_query_however_odd_breaks_the_server(client):
    rng = random.Random(20261122)
    values = [
        HERE, THERE, "0,0", "nan,nan", "1e400,1", "", " ", ",", ";", "１,２", "station", "swap", "block", "x" * 300,
        "%00", "%ff%fe", "-1", "0", "1", "5", "5,10", "0.0001", "180", "1000", "99999999999999999999", "now",
        "2026-11-18T08:30", "9999-12-31T23:59", "2199-12-31T23:59", "ebike", "walk", "gcj02", "hot_water", "48", "60",
        "unknown,stale", "xhy-station-001", f"{HERE};{THERE}", "'; DROP TABLE features; --",
    ]  # fmt: skip
    wishes = ["layer", "profile", "at", "service", "accept", "operator", "plan", "voltage", "datum"]
    names = {
        "onway": ["from", "to", "k", *wishes],
        "range": ["from", "via", "range_m", "reserve_m", "k", *wishes],
        "reach": ["from", "minutes", "profile", "datum"],
        "coverage": ["minutes", "without", "with", *wishes],
    }
    for _ in range(2000):
        verb = rng.choice(list(names))
        right = dict(pair.split("=", 1) for pair in QUESTIONS[verb].split("&"))
        pairs = {name: rng.choice(values) for name in names[verb] if rng.random() < 0.2}
        path = f"{D}/{verb}?" + "&".join(f"{name}={value}" for name, value in (right | pairs).items())
        response = client.get(path)
        assert response.status_code in (200, 400, 404, 422), (path, response.text)
        json.loads(response.get_data().decode("utf-8", "strict"))
