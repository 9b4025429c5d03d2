"""What the server gives a phone to go on without it: worker, manifest, icons, all detail pages in one answer."""

import gzip
import json
import re
import struct
import zlib
from datetime import datetime, timedelta

import numpy as np
import pytest

from geo_service.hours import SHANGHAI
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.icons import draw_icon

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def client(demo_district):
    return create_app({"xiangheyuan": demo_district}, Settings(), clock=lambda: NOON).test_client()


def test_the_worker_comes_from_the_root_and_is_asked_for_anew_each_time(client):
    answer = client.get("/sw.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert client.get("/sw.js", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_the_worker_may_ask_this_host_and_nobody_else(client):
    assert client.get("/sw.js").headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"


def test_the_worker_s_shell_is_what_riders_pages_load_and_nothing_of_the_desk(client):
    shell = json.loads(re.search(r"^const SHELL = (.*);$", client.get("/sw.js").text, re.MULTILINE)[1])
    page = client.get("/xiangheyuan/").text
    loaded = set(re.findall(r'"(/static/[^"]+\.(?:js|css))"', page))
    assert loaded <= set(shell)
    assert not [url for url in shell if "/desk" in url or url.endswith("sw.js")]
    assert {client.get(url).status_code for url in shell} == {200}


def test_a_browser_without_worker_gets_the_same_list(client):
    shell = json.loads(re.search(r"^const SHELL = (.*);$", client.get("/sw.js").text, re.MULTILINE)[1])
    assert client.get("/offline.json").json["files"] == shell


def test_the_manifest_s_icons_are_there_in_the_size_it_says(client):
    manifest = client.get("/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    for icon in manifest.json["icons"]:
        png = client.get(icon["src"]).data
        assert "{}x{}".format(*struct.unpack(">II", png[16:24])) == icon["sizes"]


def test_an_icon_nobody_names_is_not_found(client):
    assert client.get("/icons/icon-191.png").status_code == 404


def pixels(png):
    """Pixels of a PNG as `draw_icon` writes it: one block, no filters."""
    width, height = struct.unpack(">II", png[16:24])
    length = struct.unpack(">I", png[33:37])[0]
    rows = np.frombuffer(zlib.decompress(png[41 : 41 + length]), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_the_icon_is_a_blue_drop_with_a_white_cross():
    drawn = pixels(draw_icon(64))
    assert drawn[0, 0].tolist() == [255, 255, 255]
    assert drawn[45, 32].tolist() == [11, 99, 206]
    assert drawn[27, 32].tolist() == [255, 255, 255]


def test_a_maskable_icon_keeps_the_sign_inside_what_a_launcher_leaves():
    drawn = pixels(draw_icon(128, maskable=True))
    down, across = np.nonzero((drawn != [11, 99, 206]).any(axis=2))
    assert np.hypot(down - 63.5, across - 63.5).max() <= 0.4 * 128


def bundle(client, query=""):
    return client.get(f"/xiangheyuan/pages.json{query}", headers={"Accept-Language": "zh-CN"})


def without_code(page):
    return re.sub(r"\s*<details class=\"code\">.*?</details>", "", page, flags=re.DOTALL)


def test_all_detail_pages_come_in_one_answer_each_as_its_own_address_gives_it_but_for_the_printed_code(
    client, demo_district
):
    pages = bundle(client).json["pages"]
    places = [f.id for name in demo_district.layer_names() for f in demo_district.places(name).features]
    assert set(pages) <= set(places)
    assert len(pages) > 100
    one = next(iter(pages))
    sent = client.get(f"/xiangheyuan/p/{one}", headers={"Accept-Language": "zh-CN"}).text
    assert "<svg" in sent
    assert without_code(pages[one]).split() == without_code(sent).split()


def test_what_phones_keep_says_nothing_of_the_host_that_somebody_asked(client):
    answer = client.get("/xiangheyuan/pages.json?lang=en", headers={"Host": "elsewhere.example"})
    assert b"elsewhere" not in answer.data
    assert "elsewhere" not in bundle(client, "?lang=en").text


def test_a_busy_desk_does_not_have_all_pages_made_after_each_edit(demo_district):
    now = [NOON]
    app = create_app({"xiangheyuan": demo_district}, Settings(), clock=lambda: now[0])
    bundles, made = app.extensions["bundles"], []
    with app.test_request_context("/xiangheyuan/pages.json"):
        for minutes, version in ((0, "1"), (5, "2"), (11, "2"), (12, "3")):
            now[0] = NOON + timedelta(minutes=minutes)
            made.append(bundles.get(demo_district, "x", version, now[0]).key)
    assert made == ["1", "1", "2", "2"]


def test_kept_pages_carry_the_policy_of_sent_ones(client):
    answer = bundle(client).json
    sent = client.get(f"/xiangheyuan/p/{next(iter(answer['pages']))}")
    for name in ("Content-Security-Policy", "Permissions-Policy", "Referrer-Policy", "Content-Type"):
        assert answer["headers"][name] == sent.headers[name]


def test_detail_pages_come_in_the_language_asked_for_and_their_links_keep_it(client):
    page = next(iter(bundle(client, "?lang=en").json["pages"].values()))
    assert '<html lang="en">' in page
    assert "lang=en" in page


def test_detail_pages_together_are_small_on_the_wire(client):
    packed = client.get("/xiangheyuan/pages.json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < 120_000
    assert json.loads(gzip.decompress(packed.data)) == bundle(client).json


def test_who_has_the_detail_pages_is_not_sent_them_again(client):
    first = bundle(client)
    again = client.get(
        "/xiangheyuan/pages.json",
        headers={"Accept-Language": "zh-CN", "If-None-Match": first.headers["ETag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/sw.js?x=1", "/offline.json?x=1", "/xiangheyuan/pages.json?lang=fr"])
def test_a_query_nobody_knows_is_refused(client, path):
    assert client.get(path).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/xiangheyuan/", "/xiangheyuan/pages.json", "/xiangheyuan/pins.json?layer=station"]
)
def test_what_phones_keep_sets_no_cookie_even_for_somebody_of_the_desk(demo_district, path):
    somebody = create_app({"xiangheyuan": demo_district}, Settings(), clock=lambda: NOON).test_client()
    signing = somebody.get("/xiangheyuan/desk/sign-in")
    assert "Set-Cookie" in signing.headers
    assert signing.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in somebody.get(path).headers
