"""The API for other programs: the finder's answers, strict parameters, refusals after RFC 9457."""

import json
import logging
import random
import re
from datetime import datetime

import pytest

from geo_service.geo import convert_datum
from geo_service.hours import SHANGHAI
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.openapi import describe

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
D = "/api/v1/districts/xiangheyuan"


@pytest.fixture(scope="module")
def app(demo_district):
    return create_app({demo_district.id: demo_district}, Settings(), clock=lambda: NOON)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(scope="module")
def centre(demo_district):
    return "{:.6f},{:.6f}".format(*demo_district.centre)


@pytest.fixture(scope="module")
def elsewhere(demo_district):
    """A place of the demo, as LON,LAT."""
    place = demo_district.places("station").features[0]
    return f"{place.lon:.6f},{place.lat:.6f}"


def fits(value, schema, document):
    """Whether a value fits a schema of the document; knows the few words that ours use."""
    if "$ref" in schema:
        return fits(value, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    wanted = schema.get("type", list(kinds))
    allowed = [kinds[kind] for kind in (wanted if isinstance(wanted, list) else [wanted])]
    return (
        any(isinstance(value, kind) for kind in allowed)
        and value in schema.get("enum", [value])
        and value == schema.get("const", value)
        and (not isinstance(value, int | float) or value >= schema.get("minimum", value))
        and all(isinstance(value, dict) and name in value for name in schema.get("required", []))
        and all(
            fits(value[name], part, document)
            for name, part in schema.get("properties", {}).items()
            if isinstance(value, dict) and name in value
        )
        and (not isinstance(value, list) or all(fits(v, schema.get("items", {}), document) for v in value))
    )


def refused(response, status, *words):
    body = json.loads(response.get_data())
    assert response.status_code == status, body
    assert response.mimetype == "application/problem+json"
    assert fits(body, {"$ref": "#/components/schemas/Problem"}, describe())
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert all(word in body["detail"] for word in words), body["detail"]
    return body


# -- answers ------------------------------------------------------------------------------------------


def test_districts_are_listed_with_what_one_must_know_to_ask(client, demo_district):
    (listed,) = client.get("/api/v1/districts").json["districts"]
    assert listed["id"] == "xiangheyuan"
    assert listed["synthetic"] is True
    assert listed["layers"] == list(demo_district.layer_names())
    assert listed["attribution"] == "© OpenStreetMap 贡献者 (ODbL)"


def test_nearest_gives_the_district_s_own_answer(client, demo_district, centre):
    answer = client.get(f"{D}/nearest?from={centre}&layer=station&k=3").json
    lon, lat = (float(value) for value in centre.split(","))
    asked = demo_district.nearest(origin=(lon, lat), layer="station", k=3, profile="ebike", at=NOON)
    assert answer == json.loads(json.dumps(asked))


def test_nearest_comes_in_order_of_cost_with_links(client, centre):
    results = client.get(f"{D}/nearest?from={centre}&layer=station&k=5").json["results"]
    assert len(results) == 5
    assert [r["cost_s"] for r in results] == sorted(r["cost_s"] for r in results)
    assert all(r["links"]["amap_web"].startswith("https://uri.amap.com/") for r in results)


def test_a_service_is_asked_for_by_name(client, centre):
    results = client.get(f"{D}/nearest?from={centre}&layer=station&k=100&service=hot_water,microwave").json[
        "results"
    ]
    assert results
    assert all({"hot_water", "microwave"} <= {s["kind"] for s in r["services"]} for r in results)


def test_the_same_point_in_gcj02_gives_the_same_nearest_places(client, demo_district, centre):
    lon, lat = convert_datum([demo_district.centre], "wgs84", "gcj02")[0]
    plain = client.get(f"{D}/nearest?from={centre}&layer=toilet").json["results"]
    shifted = client.get(f"{D}/nearest?from={lon:.7f},{lat:.7f}&layer=toilet&datum=gcj02").json["results"]
    assert [r["id"] for r in shifted] == [r["id"] for r in plain]
    assert shifted[0]["cost_s"] == pytest.approx(plain[0]["cost_s"], abs=0.5)


def test_the_hour_decides_what_is_open(client, centre):
    path = f"{D}/nearest?from={centre}&layer=merchant&k=100&at="
    by_day = client.get(path + "2026-11-18T12:00").json["results"]
    at_night = client.get(path + "2026-11-18T03:30").json["results"]
    assert len(at_night) < len(by_day)


def test_a_route_leads_from_point_to_point(client, centre, elsewhere):
    route = client.get(f"{D}/route?from={centre}&to={elsewhere}").json
    start, end = route["geometry"]["coordinates"][0], route["geometry"]["coordinates"][-1]
    assert "{:.6f},{:.6f}".format(*start) == centre
    assert "{:.6f},{:.6f}".format(*end) == elsewhere
    assert sum(step["cost_s"] for step in route["steps"]) == pytest.approx(route["cost_s"], abs=0.01)


def test_walking_takes_longer_than_riding(client, centre, elsewhere):
    ride, walk = (
        client.get(f"{D}/route?from={centre}&to={elsewhere}&profile={profile}").json["cost_s"]
        for profile in ("ebike", "walk")
    )
    assert walk > ride


def test_a_layer_comes_whole_as_geojson_and_says_that_it_is_made_up(client, demo_district):
    response = client.get(f"{D}/places?layer=station")
    layer = response.json
    assert response.mimetype == "application/geo+json"
    assert [f["id"] for f in layer["features"]] == [f.id for f in demo_district.places("station").features]
    assert layer["synthetic"] is True
    assert "虚构" in layer["notice"]


def test_a_box_leaves_out_what_lies_outside(client, demo_district):
    lon, _ = demo_district.centre
    west, south, _, north = demo_district.bbox
    box = f"{west:.6f},{south:.6f},{lon:.6f},{north:.6f}"
    inside = client.get(f"{D}/places?layer=merchant&bbox={box}").json
    expected = [f.id for f in demo_district.places("merchant").features if f.lon <= round(lon, 6)]
    assert [f["id"] for f in inside["features"]] == expected
    assert 0 < inside["numberMatched"] < len(demo_district.places("merchant").features)


def test_a_limit_cuts_and_says_so(client):
    layer = client.get(f"{D}/places?layer=station&limit=2").json
    assert (layer["numberReturned"], len(layer["features"])) == (2, 2)
    assert layer["numberMatched"] > 2


def test_who_has_this_version_of_a_layer_gets_no_second_copy(client):
    first = client.get(f"{D}/places?layer=station")
    again = client.get(f"{D}/places?layer=station", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


def test_different_parts_of_a_layer_have_different_etags(client):
    tags = {client.get(f"{D}/places?layer=station&limit={n}").headers["ETag"] for n in (1, 2, 3)}
    assert len(tags) == 3


def test_head_answers_like_get_without_a_body(client):
    head = client.head("/api/v1/districts")
    assert (head.status_code, head.get_data()) == (200, b"")
    assert int(head.headers["Content-Length"]) > 100


def test_health_is_told(client):
    body = client.get("/healthz").json
    assert body["status"] == "ok"
    assert "xiangheyuan" in body["districts"]


# -- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("layer=station", ["from is missing", "LON,LAT"]),
        ("from={c}", ["layer is missing"]),
        ("from={c}&layer=station&K=3", ["'K'", "allowed: from, layer, k"]),
        ("from={c}&layer=station&k=3&k=4", ["k is given more than once"]),
        ("from={c}&layer=station&k=0", ["k='0'", "1 to 100"]),
        ("from={c}&layer=station&k=101", ["k='101'", "1 to 100"]),
        ("from={c}&layer=station&k=", ["k=''", "1 to 100"]),
        ("from={c}&layer=station&k=-1", ["k='-1'"]),
        ("from={c}&layer=station&k=１２", ["k='１２'"]),
        ("from={c}&layer=station&k=1_0", ["k='1_0'"]),
        ("from={c}&layer=station&k=3.5", ["k='3.5'"]),
        ("from={c}&layer=station&profile=car", ["profile='car'", "ebike"]),
        ("from={c}&layer=station&datum=wgs", ["datum='wgs'", "gcj02"]),
        ("from={c}&layer=station&at=noon", ["at="]),
        ("from={c}&layer=station&at=2026-02-30T10:00", ["at="]),
        ("from={c}&layer=station&accept=closed", ["accept=", "unknown"]),
        ("from={c}&layer=station&service=Hot Water", ["service="]),
        ("from={c}&layer=station&service=", ["service is empty"]),
        ("from={c}&layer=station&accept=", ["accept is empty"]),
        ("from={c}&layer=station&operator=", ["operator is empty"]),
        ("from={c}&layer=station&at=", ["at is empty"]),
        ("from=39.957,116.442&layer=station", ["swap"]),
        ("from=nan,39.9&layer=station", ["from"]),
        ("from=1e2,39.9&layer=station", ["from"]),
        ("from=116_0,39.9&layer=station", ["from"]),
        ("from=116.4&layer=station", ["from"]),
        ("from=116.4,39.9,1&layer=station", ["from"]),
        ("from=0,0&layer=station", ["from"]),
        ("from={c}&layer=sta%00tion", ["layer is not printable"]),
        ("from={c}&layer=%EF%BF%BD", ["layer is not printable"]),
    ],
)
def test_a_bad_parameter_is_refused_by_name(client, centre, query, words):
    refused(client.get(f"{D}/nearest?{query.replace('{c}', centre)}"), 400, *words)


@pytest.mark.parametrize(
    "bbox", ["1,2,3", "nan,nan,nan,nan", "1,5,2,4", "-999,0,1,1", "170,0,-170,1", "a,b,c,d", "1,2,3,4,5", ""]
)
def test_a_bad_box_is_refused(client, bbox):
    refused(client.get(f"{D}/places?layer=station&bbox={bbox}"), 400, "bbox")


def test_the_refusal_tells_a_program_which_parameter(client):
    body = refused(client.get(f"{D}/nearest?from=1,2&layer=station&bogus=1"), 400)
    assert body["errors"][0]["parameter"] == "bogus"
    assert "from" in body["errors"][0]["allowed"]


def test_unknown_layers_and_districts_are_not_found(client, centre):
    refused(client.get(f"{D}/nearest?from={centre}&layer=castle"), 404, "castle")
    refused(client.get("/api/v1/districts/atlantis/places?layer=station"), 404, "atlantis")
    refused(client.get("/api/v1/nothing"), 404)


def test_another_method_is_refused_with_what_is_allowed(client):
    response = client.post(f"{D}/nearest")
    refused(response, 405, "POST")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_client_that_reads_no_json_is_told_so(client):
    refused(client.get("/api/v1/districts", headers={"Accept": "text/csv"}), 406)


def test_a_browser_reads_json_too(client):
    accept = "text/html,application/xhtml+xml,*/*;q=0.8"
    assert client.get("/api/v1/districts", headers={"Accept": accept}).status_code == 200


def test_an_endless_query_is_refused(client):
    refused(client.get(f"{D}/nearest?from=" + "1" * 5000), 414)


def test_a_hostile_value_is_shown_as_text_and_shortened(client):
    value = "<script>alert(1)</script>" * 20
    body = refused(client.get(f"{D}/places?layer=station&f={value}"), 400)
    assert len(body["detail"]) < 400


def test_a_foreign_host_name_is_refused_where_hosts_are_named(demo_district):
    app = create_app({demo_district.id: demo_district}, Settings(trusted_hosts=("map.example",)))
    refused(app.test_client().get("/api/v1/districts", headers={"Host": "evil.example"}), 400, "host")
    assert app.test_client().get("/api/v1/districts", headers={"Host": "map.example"}).status_code == 200


def test_our_own_fault_is_logged_without_its_message_and_told_without_its_place(demo_district, caplog):
    class Broken:
        id = "xiangheyuan"
        profiles = ("ebike",)

        def nearest(self, **question):
            raise RuntimeError(f"secret {question['origin']}")

    app = create_app({"xiangheyuan": Broken()}, Settings())
    with caplog.at_level(logging.ERROR):
        response = app.test_client().get(f"{D}/nearest?from=116.4421,39.9571&layer=station")
    body = refused(response, 500)
    assert "secret" not in response.text
    assert ".py" not in response.text
    assert body["request_id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert "116.4421" not in caplog.text


@pytest.mark.slow
def test_no_query_however_odd_breaks_the_server(client, centre, elsewhere):
    rng = random.Random(20261121)
    values = [
        centre, elsewhere, "0,0", "200,100", "nan,nan", "1e400,1", "-0,-0", "", " ", ",", "١,٢", "１,２", "null", "[]",
        "station", "block", "toilet", "x" * 300, "%00", "%ff%fe", "%F0%9F%9A%B2", "-1", "0", "1", "5", "101",
        "99999999999999999999", "1.0", "now", "2026-11-18T08:30", "2026-13-40", "9999-12-31T23:59", "0001-01-01T00:00",
        "2026-11-18T08:30+25:00", "ebike", "walk", "wgs84", "gcj02", "bd09", "hot_water", "open", "unknown,stale",
        "116,39,117,41", "-180,-90,180,90", "geojson", "'; DROP TABLE features; --", "../../etc/passwd", "${7*7}",
    ]  # fmt: skip
    names = {
        "nearest": ["from", "layer", "k", "profile", "at", "service", "accept", "operator", "datum"],
        "route": ["from", "to", "profile", "datum"],
        "places": ["layer", "bbox", "limit", "f"],
    }
    for _ in range(3000):
        verb = rng.choice(list(names))
        pairs = [f"{name}={rng.choice(values)}" for name in names[verb] if rng.random() < 0.7]
        path = f"{D}/{verb}?{'&'.join(pairs)}"
        response = client.get(path)
        assert response.status_code in (200, 400, 404, 422), (path, response.text)
        json.loads(response.get_data().decode("utf-8", "strict"))


# -- description and privacy --------------------------------------------------------------------------


def test_every_route_of_the_api_is_described_and_nothing_else(app):
    rules = {
        re.sub(r"<(?:\w+:)?(\w+?)(?:_id)?>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/healthz"))
    }
    assert rules == set(describe()["paths"])


def test_every_parameter_that_is_read_is_described(client):
    document = describe()
    for path, operations in document["paths"].items():
        response = client.get(path.replace("{district}", "xiangheyuan") + "?bogus=1")
        allowed = set(response.json["errors"][0]["allowed"])
        described = {
            document["components"]["parameters"][part["$ref"].rsplit("/", 1)[1]]["name"]
            for part in operations["get"]["parameters"]
        }
        assert described - {"district"} == allowed, path


def test_the_description_refers_to_nothing_outside_itself(client):
    document = client.get("/api/v1/openapi.json").json
    assert document == describe()
    refs = re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))
    assert refs
    for ref in refs:
        part = document
        for key in ref.removeprefix("#/").split("/"):
            part = part[key]


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/healthz", "Health"),
        ("/api/v1/districts", "Districts"),
        (f"{D}/nearest?from={{c}}&layer=station", "Nearest"),
        (f"{D}/route?from={{c}}&to={{e}}", "Route"),
        (f"{D}/places?layer=station", "FeatureCollection"),
    ],
)
def test_answers_are_as_described(client, centre, elsewhere, path, schema):
    answer = client.get(path.replace("{c}", centre).replace("{e}", elsewhere)).json
    assert fits(answer, {"$ref": f"#/components/schemas/{schema}"}, describe())


def test_the_check_of_answers_notices_a_missing_word():
    assert not fits({"status": "ok", "version": "1"}, {"$ref": "#/components/schemas/Health"}, describe())


def test_an_answer_that_depends_on_a_position_is_kept_by_nobody(client, centre):
    response = client.get(f"{D}/nearest?from={centre}&layer=station")
    assert response.headers["Cache-Control"] == "no-store"


def test_no_position_reaches_a_log_or_a_header(client, caplog, centre):
    lon, lat = centre.split(",")
    with caplog.at_level(logging.DEBUG):
        response = client.get(f"{D}/nearest?from={centre}&layer=station")
        client.get(f"{D}/nearest?from={centre}&layer=castle")
        client.get(f"{D}/route?from={centre}&to=0,0")
    written = caplog.text + str(response.headers)
    assert lon not in written
    assert lat not in written
