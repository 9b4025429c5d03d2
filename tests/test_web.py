"""The pages as a program reads them: content, languages, headers, files, and the server itself."""

import dataclasses
import gzip
import html
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from geo_service.errors import InvalidInputError
from geo_service.hours import SHANGHAI
from geo_service.layers import Layer
from geo_service.settings import Settings
from geo_service.web import create_app, serve
from geo_service.web.server import _check_certificate, _check_free

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
STATIC = Path(__file__).resolve().parents[1] / "geo_service" / "web" / "static"
PAGES = ("/xiangheyuan/", "/xiangheyuan/?layer=toilet&lang=en", "/xiangheyuan/p/{place}", "/nowhere/")


@pytest.fixture(scope="module")
def app(demo_district):
    return create_app({demo_district.id: demo_district}, Settings(), clock=lambda: NOON)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(scope="module")
def place(demo_district):
    return demo_district.places("station").features[0]


class Renamed:
    """The demo district with one name of every layer replaced, as a hostile edit would."""

    def __init__(self, district, name):
        self._district, self._name = district, name

    def __getattr__(self, attribute):
        return getattr(self._district, attribute)

    def places(self, layer):
        found = self._district.places(layer)
        features = tuple(dataclasses.replace(f, name=self._name, address=self._name) for f in found.features)
        return Layer(found.name, features, found.version)

    def place(self, place_id):
        return dataclasses.replace(self._district.place(place_id), name=self._name, address=self._name)

    def nearest(self, **question):
        answer = self._district.nearest(**question)
        return answer | {"results": [r | {"name": self._name} for r in answer["results"]]}


# -- the rider's page ---------------------------------------------------------------------------------


def test_the_first_list_is_the_district_s_answer_for_its_centre(client, demo_district):
    page = client.get("/xiangheyuan/?layer=station").text
    asked = demo_district.nearest(
        origin=demo_district.centre,
        layer="station",
        k=24,
        profile="ebike",
        at=NOON,
        accept=("unknown", "stale"),
    )
    assert re.findall(r'class="card" id="p-([^"]+)"', page) == [r["id"] for r in asked["results"]]


def test_a_card_says_name_state_time_distance_and_minutes(client, demo_district):
    page = client.get("/xiangheyuan/?layer=station").text
    card = re.search(r'<li class="card".*?</li>\s*<li class="card"', page, re.DOTALL)[0]
    text = " ".join(re.sub(r"<[^>]+>", " ", card).split())
    assert re.search(r"(开放|快关门|未核实|待核实) · (至 \d\d:\d\d|至 明天 \d\d:\d\d|24 小时)", text)
    assert re.search(r"[0-9.]+ (米|公里)", text)
    assert re.search(r"[0-9]+ 分 导航", text)


def test_every_card_carries_a_link_per_app(client, demo_district):
    page = client.get("/xiangheyuan/?layer=station").text
    result = demo_district.nearest(
        origin=demo_district.centre,
        layer="station",
        k=1,
        profile="ebike",
        at=NOON,
        accept=("unknown", "stale"),
    )["results"][0]
    card = re.search(r'<li class="card".*?</details>', page, re.DOTALL)[0]
    links = {app: html.unescape(url) for url, app in re.findall(r'href="([^"]+)" data-app="([^"]+)"', card)}
    assert links == result["links"]
    assert len(links) >= 8


def test_no_layer_of_areas_is_offered(client, demo_district):
    chips = re.findall(r"\?layer=(\w+)\"", client.get("/xiangheyuan/").text)
    assert set(chips) == {n for n in demo_district.layer_names() if not demo_district.catalogue[n].is_area}


def test_the_chosen_category_is_marked(client):
    page = client.get("/xiangheyuan/?layer=toilet").text
    assert re.findall(r'data-key="(\w+)"[^>]* aria-current="page"', page) == ["toilet"]


@pytest.mark.parametrize(
    ("path", "accepted", "lang"),
    [
        ("/xiangheyuan/", "", "zh-CN"),
        ("/xiangheyuan/", "en-GB,en;q=0.9", "en"),
        ("/xiangheyuan/", "fr,zh;q=0.5", "zh-CN"),
        ("/xiangheyuan/?lang=en", "zh-CN", "en"),
        ("/xiangheyuan/?lang=zh", "en", "zh-CN"),
        ("/nowhere/", "en", "en"),
    ],
)
def test_the_page_speaks_the_reader_s_language(client, path, accepted, lang):
    page = client.get(path, headers={"Accept-Language": accepted} if accepted else {}).text
    assert re.search(r'<html lang="([^"]+)"', page)[1] == lang


class Told(HTMLParser):
    """Text of a page without scripts, pictures of one character, and what is marked as Chinese."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "input", "path", "circle", "rect", "br", "img"):
            said = dict(attrs)
            self.open.append(
                tag in ("script", "style") or "aria-hidden" in said or said.get("lang") == "zh-CN"
            )

    def handle_endtag(self, tag):
        if tag not in ("path", "circle", "rect"):
            self.open.pop()

    def handle_data(self, data):
        if not any(self.open):
            self.text.append(data)


def test_an_english_page_has_no_chinese_but_names_and_its_switch(client):
    told = "".join(Told(client.get("/xiangheyuan/?lang=en").text).text)
    assert "Rest station" in told
    assert re.findall(r"[\u4e00-\u9fff]+", told) == []


def test_a_made_up_district_says_so_and_names_openstreetmap(client):
    page = client.get("/xiangheyuan/").text
    assert "虚构" in page
    assert "© OpenStreetMap 贡献者 (ODbL)" in page


def test_the_approval_number_has_its_place(demo_district):
    class Approved(Renamed):
        map_approval = "京S(2026)001号"

    app = create_app({"xiangheyuan": Approved(demo_district, "甲")}, Settings(), clock=lambda: NOON)
    assert "审图号：京S(2026)001号" in app.test_client().get("/xiangheyuan/").text
    plain = create_app({"xiangheyuan": demo_district}, Settings(), clock=lambda: NOON)
    assert "审图号" not in plain.test_client().get("/xiangheyuan/").text


def test_a_hostile_name_is_text_wherever_it_stands(demo_district):
    name = """</script><img src=x onerror=alert(1)>`${alert(2)}`"' onload="alert(3)"""
    app = create_app({"xiangheyuan": Renamed(demo_district, name)}, Settings(), clock=lambda: NOON)
    client = app.test_client()
    place_id = demo_district.places("station").features[0].id
    for path in ("/xiangheyuan/?layer=station", f"/xiangheyuan/p/{place_id}"):
        page = client.get(path).text
        assert html.escape("<img src=x", quote=False) in page
        assert "<img" not in page
        assert ' onload="' not in page
    assert client.get("/xiangheyuan/pins.json?layer=station").json["rows"][0][1] == name
    assert "alert" not in client.get("/xiangheyuan/map.js").text


def test_a_place_s_page_tells_what_is_known(client, place, demo_district):
    page = html.unescape(client.get(f"/xiangheyuan/p/{place.id}").text)
    assert place.name in page
    kinds = demo_district.catalogue.services
    assert all(kinds[service.kind].zh in page for service in place.services)
    assert page.count('class="link"') >= 8


def test_every_place_of_every_layer_has_a_page(client, demo_district):
    for name in demo_district.layer_names():
        if not demo_district.catalogue[name].is_area:
            for feature in demo_district.places(name).features[:3]:
                assert client.get(f"/xiangheyuan/p/{feature.id}").status_code == 200


def test_a_district_alone_is_where_the_start_page_leads(client):
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/xiangheyuan/")


def test_several_districts_are_listed(demo_district):
    class Other(Renamed):
        id = "other"
        name_zh = "另一个"

    app = create_app({"xiangheyuan": demo_district, "other": Other(demo_district, "甲")}, Settings())
    page = app.test_client().get("/").text
    assert 'href="/xiangheyuan/"' in page
    assert 'href="/other/"' in page


@pytest.mark.parametrize(("lang", "words"), [("zh", "这里还没有地点"), ("en", "No places here yet")])
@pytest.mark.parametrize("layers", [(), ("block",)])
def test_a_district_without_places_says_how_to_get_some(demo_district, lang, words, layers):
    class Empty(Renamed):
        def layer_names(self):
            return layers

    app = create_app({"xiangheyuan": Empty(demo_district, "甲")}, Settings(), clock=lambda: NOON)
    page = app.test_client().get(f"/xiangheyuan/?lang={lang}")
    assert page.status_code == 200
    assert words in page.text
    assert "geo-service import" in page.text
    assert "folium-map" in page.text
    assert app.test_client().get("/xiangheyuan/?layer=station").status_code == 404


def test_the_list_s_head_counts_what_is_closed_or_out_of_reach(demo_district):
    class Short(Renamed):
        def nearest(self, **question):
            answer = self._district.nearest(**question)
            states = {"open": 1, "closed": 3}
            short = {"places": 7, "filtered_out": 0, "unreachable": 2, "states": states, "soonest": None}
            return answer | {"results": answer["results"][:1], "shortfall": short}

    app = create_app({"xiangheyuan": Short(demo_district, "甲")}, Settings(), clock=lambda: NOON)
    head = re.search(r'class="count"[^>]*>(.*?)</p>', app.test_client().get("/xiangheyuan/").text, re.DOTALL)[
        1
    ]
    assert "3 处未营业" in head
    assert "2 处到不了" in head


def test_the_page_says_what_its_list_leaves_out_and_what_it_keeps(client):
    foot = re.findall(r'class="foot">(.*?)</p>', client.get("/xiangheyuan/").text)[0]
    assert all(word in foot for word in ("已知关门的不列", "未核实", "待核实"))


def test_texts_grow_with_the_browser_s_text_size():
    css = re.sub(r"/\*.*?\*/", "", (STATIC / "app.css").read_text("utf-8"), flags=re.DOTALL)
    fixed = re.findall(r"([^{}]+)\{[^{}]*?font(?:-size)?:\s*[0-9.]+px", css)
    # characters drawn in a pin of fixed size are pictures, not text
    assert {selector.strip() for selector in fixed} == {
        ".pin b",
        ".found .badge",
        ".cluster",
        ".page .title .badge",
    }


# -- refusals and headers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere/", 404),
        ("/xiangheyuan/p/none", 404),
        ("/xiangheyuan/?layer=castle", 404),
        ("/xiangheyuan/?layer=block", 404),
        ("/xiangheyuan/?from=116.4,39.9", 400),
        ("/xiangheyuan/?lang=fr", 400),
        ("/static/x/none.js", 404),
        ("/static/x/../app.py", 404),
        ("/static/x/%2e%2e/%2e%2e/app.py", 404),
    ],
)
def test_a_wrong_address_gets_a_page_that_says_what(client, path, status):
    response = client.get(path)
    assert response.status_code == status
    assert response.mimetype == "text/html"
    assert 'href="/"' in response.text


def test_pages_take_no_position(client):
    assert "from" in client.get("/xiangheyuan/?from=116.4,39.9").text
    assert "allowed: layer, service, lang" in client.get("/xiangheyuan/?from=116.4,39.9").text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_strict_policy(client, place, path):
    headers = client.get(path.replace("{place}", place.id)).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "geolocation=(self)" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


FILES = ("/api/v1/districts", "/api/v1/none", "/xiangheyuan/map.js", "/static/x/app.js", "/healthz")


@pytest.mark.parametrize("path", [*PAGES, *FILES])
def test_every_answer_forbids_guessing_framing_and_referring(client, place, path):
    headers = client.get(path.replace("{place}", place.id)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_script_style_or_handlers(client, place, path):
    page = client.get(path.replace("{place}", place.id)).text
    # a block of data is not run
    assert re.findall(r'<script(?![^>]*\b(?:src=|type="application/json"))[^>]*>', page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_only_from_its_own_host(client, place, path):
    page = client.get(path.replace("{place}", place.id)).text
    loaded = re.findall(r'(?:src=|<link[^>]*href=)"([^"]+)"', page)
    assert loaded
    assert all(url.startswith("/") and not url.startswith("//") for url in loaded)
    assert all(client.get(html.unescape(url)).status_code == 200 for url in loaded)


@pytest.mark.parametrize(
    "path", ["//evil.example/", "//evil.example", "/\\evil.example/", "/%5cevil.example", "/%0d%0aX: y"]
)
def test_no_address_leads_off_this_host(client, path):
    # as the server gets it: the client would take the first two slashes for a host
    response = client.get("/", environ_overrides={"PATH_INFO": unquote(path)})
    location = response.headers.get("Location", "/")
    assert location.startswith(("/", "http://localhost/"))
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "/xiangheyuan/"),
        ("/xiangheyuan", "/xiangheyuan/"),
        ("/xiangheyuan?layer=toilet&lang=en", "/xiangheyuan/?layer=toilet&lang=en"),
    ],
)
def test_a_redirect_names_no_host_and_says_nothing_else(client, path, target):
    response = client.get(path, headers={"Host": "map.example"})
    assert response.status_code in (302, 308)
    assert response.headers["Location"] == target
    assert response.get_data() == b""


@pytest.mark.parametrize("path", ["/favicon.ico", "/robots.txt", "/metrics", "/api", "/nowhere", "/static"])
def test_an_unknown_address_of_one_part_is_not_found_at_once(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/xiangheyuan/pins.json", "/xiangheyuan/pins.json?layer=castle", "/nowhere/pins.json?layer=station"],
)
def test_data_is_refused_as_data(client, path):
    response = client.get(path)
    assert response.mimetype == "application/problem+json"
    assert response.json["status"] == response.status_code


@pytest.mark.parametrize("host", ["map example", " ", "a,b", "map.example, evil.example", "evil/x"])
def test_a_host_name_that_is_none_is_refused(client, host):
    assert client.get("/xiangheyuan/", environ_overrides={"HTTP_HOST": host}).status_code == 400


@pytest.mark.parametrize("scheme", ["javascript:", "data:", "vbscript:"])
def test_no_link_has_a_dangerous_scheme(client, scheme):
    assert f'href="{scheme}' not in client.get("/xiangheyuan/").text


def test_links_use_known_schemes_only(client, place):
    urls = re.findall(r'href="([^"]+)" data-app', client.get(f"/xiangheyuan/p/{place.id}").text)
    schemes = {url.split(":")[0] for url in urls}
    assert schemes <= {
        "https",
        "geo",
        "tel",
        "amapuri",
        "iosamap",
        "bdapp",
        "baidumap",
        "petalmaps",
        "om",
        "qqmap",
    }


# -- files --------------------------------------------------------------------------------------------


def test_a_file_of_the_present_version_may_be_kept_for_ever(client):
    url = re.search(r'href="(/static/[^"]+app\.css)"', client.get("/xiangheyuan/").text)[1]
    response = client.get(url)
    assert "immutable" in response.headers["Cache-Control"]
    assert response.get_data() == (STATIC / "app.css").read_bytes()


def test_a_file_of_another_version_is_sent_but_not_kept(client):
    response = client.get("/static/old/app.css")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-cache")


def test_files_and_pages_travel_compressed(client):
    for path in ("/static/x/app.js", "/xiangheyuan/", "/static/x/app.css"):
        plain = client.get(path)
        packed = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.get_data()) == plain.get_data()
        assert "Accept-Encoding" in packed.headers["Vary"]


def test_the_map_s_script_is_a_file_with_a_lasting_name(client, demo_district):
    other = create_app({demo_district.id: demo_district}, Settings()).test_client()
    first, second = client.get("/xiangheyuan/map.js"), other.get("/xiangheyuan/map.js")
    assert first.headers["ETag"] == second.headers["ETag"]
    assert first.mimetype == "text/javascript"


def test_pins_are_asked_for_again_only_when_the_layer_changed(client):
    first = client.get("/xiangheyuan/pins.json?layer=station")
    again = client.get(
        "/xiangheyuan/pins.json?layer=station", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304


def test_the_page_with_all_it_loads_is_light(client):
    accept = {"Accept-Encoding": "gzip"}
    page = client.get("/xiangheyuan/")
    urls = [html.unescape(u) for u in re.findall(r'(?:src=|<link[^>]*href=)"([^"]+)"', page.text)]
    urls += ["/xiangheyuan/pins.json?layer=station"]
    total = sum(len(client.get(url, headers=accept).get_data()) for url in {*urls, "/xiangheyuan/"})
    assert total < 200_000
    assert len(set(urls)) <= 24


# -- the server ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", [0, -1, 65536, 70000])
def test_a_port_that_is_none_is_refused_before_anything_is_printed(port, capsys):
    with pytest.raises(InvalidInputError, match=rf"^--port {port} is no port; choose one of 1\.\.65535$"):
        serve({}, Settings(), "127.0.0.1", port)
    assert capsys.readouterr().out == ""


def test_a_port_in_use_is_refused_before_anything_starts():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInputError, match=f"cannot listen on 127.0.0.1:{port}"):
            _check_free("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_refused(host):
    with pytest.raises(InvalidInputError, match="cannot listen on"):
        _check_free(host, 8000)


def test_a_certificate_that_is_none_is_refused_before_anything_starts(tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("junk", "utf-8")
    with pytest.raises(InvalidInputError, match="not a certificate and its unlocked key"):
        _check_certificate(junk, junk)


def test_a_certificate_without_its_key_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="give both --cert and --key"):
        _check_certificate(tmp_path / "cert.pem", None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(demo_directory, tmp_path):
    """The real server in a process of its own: its address, the process and its output file."""
    port = free_port()
    output = tmp_path / "out.txt"
    program = "from geo_service.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", str(demo_directory), "--port", str(port)]
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ})
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, output.read_text("utf-8")
            time.sleep(0.1)
    yield address, process, output
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_the_server_prints_its_address_and_stops_cleanly_on_sigterm(served):
    address, process, output = served
    with urllib.request.urlopen(f"{address}/xiangheyuan/") as answer:
        assert "香河园" in answer.read().decode()
    with urllib.request.urlopen(f"{address}/api/v1/districts") as answer:
        assert json.load(answer)["districts"][0]["id"] == "xiangheyuan"
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    text = output.read_text("utf-8")
    assert f"{address}/xiangheyuan/" in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_the_access_log_holds_paths_but_no_queries(served):
    address, process, output = served
    urllib.request.urlopen(
        f"{address}/api/v1/districts/xiangheyuan/places?layer=station&bbox=116.0,39.0,117.0,40.0"
    ).close()
    logged = "/api/v1/districts/xiangheyuan/places"
    deadline = time.monotonic() + 30
    while logged not in output.read_text("utf-8") and time.monotonic() < deadline:
        time.sleep(0.05)  # the server writes its log beside the answer, not before it
    process.send_signal(signal.SIGTERM)
    process.wait(15)
    text = output.read_text("utf-8")
    assert logged in text
    assert "bbox" not in text
    assert "127.0.0.1 " not in text.replace("127.0.0.1:", "")
