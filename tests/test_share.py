"""Maps to hand on: one file, nothing asked of anybody, and names that stay text."""

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner

from geo_service.cli import cli
from geo_service.districts.sharing import share_map
from geo_service.errors import NotFoundError
from geo_service.layers import Catalogue
from geo_service.web import create_app
from tests.browsing import DESK, HOSTILE, PHONE, axe

DAY = date(2026, 11, 15)


class Other:
    """A district of which some answers are others."""

    def __init__(self, district, **others):
        self._district, self._others = district, others

    def __getattr__(self, attribute):
        others = self.__dict__["_others"]
        return others[attribute] if attribute in others else getattr(self._district, attribute)


@pytest.fixture(scope="module")
def made(demo_district):
    return share_map(demo_district, (), DAY)


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


def policy_of(page):
    return re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1]


def test_the_file_names_no_address_to_load_from(made):
    page = made.html.decode()
    assert re.findall(r"""(?:src|href)=["']?(?!#|data:)[^"'> ]+""", page.split("<script")[0]) == []
    assert (
        re.findall(r"url\((?!data:|#)", "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))) == []
    )


def test_only_what_we_put_into_the_file_may_run(made):
    page = made.html.decode()
    allowed = set(re.findall(r"'sha256-([^']+)'", policy_of(page)))
    pieces = re.findall(r'<(?:script|style)(?: type="module")?>(.*?)</(?:script|style)>', page, re.DOTALL)
    assert {base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in pieces} == allowed
    assert "unsafe" not in policy_of(page)
    assert "default-src 'none'" in policy_of(page)


def test_the_same_layers_and_day_make_the_same_bytes(made, demo_district):
    assert share_map(demo_district, (), DAY).html == made.html


def test_the_file_holds_every_place_in_use_and_the_whole_basemap(made, demo_district):
    data = data_of(made.html.decode())
    stations = {f.id for f in demo_district.places("station").features}
    assert {one["id"] for one in data["layers"]["station"]["places"]} == stations
    assert len(data["tiles"]) == (demo_district.basemap().count if demo_district.basemap() else 0)


def test_chosen_layers_only_are_on_it_each_once(demo_district):
    shared = share_map(demo_district, ("water", "swap", "water"), DAY)
    assert list(shared.features) == ["water", "swap"]


def test_an_unknown_layer_is_refused(demo_district):
    with pytest.raises(NotFoundError, match="castle"):
        share_map(demo_district, ("castle",), DAY)


def test_day_notice_credit_and_approval_number_stand_in_the_file(demo_district):
    page = share_map(Other(demo_district, map_approval="京S(2026)001号<b>"), ("water",), DAY).html.decode()
    assert "2026-11-15" in page
    assert "演示数据" in page
    assert "© OpenStreetMap 贡献者 (ODbL)" in page
    assert "审图号：京S(2026)001号&lt;b&gt;" in page


def test_a_real_district_carries_no_demo_notice(demo_district):
    assert "演示数据" not in share_map(Other(demo_district, synthetic=False), ("water",), DAY).html.decode()


def test_without_a_basemap_the_places_stand_on_plain_ground(demo_district):
    shared = share_map(Other(demo_district, basemap=lambda: None), ("water",), DAY)
    assert shared.maxzoom is None
    assert data_of(shared.html.decode())["tiles"] == {}


def test_a_removed_place_is_left_out_and_a_paused_one_too(demo_district):
    layer = demo_district.places("water")
    first, second, *rest = layer.features
    states = (replace(first, status="removed"), replace(second, status="paused"), *rest)
    changed = Other(demo_district, places=lambda _: replace(layer, features=states))
    assert share_map(changed, ("water",), DAY).features == {"water": len(rest)}


# -- the doors ----------------------------------------------------------------------------------------


def test_the_command_writes_the_file_and_says_its_size(demo_directory, tmp_path):
    done = CliRunner().invoke(
        cli, ["map", str(demo_directory), "-o", str(tmp_path / "map.html"), "--layer", "water", "--json"]
    )
    answer = json.loads(done.stdout)
    assert answer["bytes"] == (tmp_path / "map.html").stat().st_size
    assert answer["features"] == {"water": 6}


@pytest.mark.parametrize("name", ["map.txt", "map", "layers/map.html"])
def test_a_file_that_no_browser_opens_or_inside_the_district_is_refused(demo_directory, tmp_path, name):
    target = demo_directory / name if "/" in name else tmp_path / name
    done = CliRunner().invoke(cli, ["map", str(demo_directory), "-o", str(target)])
    assert done.exception.parameter == "-o" if hasattr(done.exception, "parameter") else done.exit_code != 0
    assert not target.exists()


@pytest.fixture(scope="module")
def client(demo_district):
    return create_app({"xiangheyuan": demo_district}).test_client()


def test_a_page_hands_the_map_out_as_a_file(client):
    answer = client.get("/xiangheyuan/map.html?layer=water,swap")
    assert re.fullmatch(
        r'attachment; filename="xiangheyuan-map-\d{8}\.html"', answer.headers["Content-Disposition"]
    )
    assert list(data_of(answer.text)["layers"]) == ["water", "swap"]


def test_ticked_boxes_name_layers_too(client):
    assert list(data_of(client.get("/xiangheyuan/map.html?layer=water&layer=swap").text)["layers"]) == [
        "water",
        "swap",
    ]


def test_an_unchanged_map_is_not_sent_again(client):
    etag = client.get("/xiangheyuan/map.html?layer=water").headers["ETag"]
    again = client.get("/xiangheyuan/map.html?layer=water", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("query", "status"), [("layer=castle", 404), ("lon=1", 400), ("layer=water&lang=zh", 400)]
)
def test_what_the_map_does_not_know_is_refused(client, query, status):
    assert client.get(f"/xiangheyuan/map.html?{query}").status_code == status


def test_the_riders_page_leads_to_the_file(client):
    assert 'href="/xiangheyuan/map.html"' in client.get("/xiangheyuan/").text


# -- in the browser -----------------------------------------------------------------------------------


class Opened:
    """The file, opened from disk by a browser without any network, and what it asked for and complained about."""

    def __init__(self, browser, path, viewport=DESK, **options):
        self.context = browser.new_context(viewport=viewport, offline=True, **options)
        self.page, self.requests, self.complaints = self.context.new_page(), [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready=yes]", state="attached")


@pytest.fixture
def open_file(browser, tmp_path):
    opened = []

    def begin(shared, **options):
        path = tmp_path / "map.html"
        path.write_bytes(shared.html)
        opened.append(Opened(browser, path, **options))
        return opened[-1]

    yield begin
    for one in opened:
        one.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_file_opens_from_disk_with_its_basemap_and_asks_for_nothing_else(
    made, open_file, viewport, scheme
):
    seen = open_file(made, viewport=viewport, color_scheme=scheme)
    seen.page.wait_for_selector(".leaflet-container[data-basemap=drawn]")
    assert [url for url in seen.requests if not url.startswith("data:")] == [seen.page.url]
    assert seen.complaints == []
    colours = seen.page.evaluate(
        """() => { const canvas = [...document.querySelectorAll("canvas.leaflet-tile")];
        const seen = new Set();
        for (const one of canvas) {
          const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
          for (let i = 0; i < data.length; i += 64) seen.add(data.slice(i, i + 3).join());
        } return seen.size; }"""
    )
    assert colours > 20


@pytest.mark.slow
def test_layers_can_be_switched_off_and_a_place_tells_what_is_known(made, open_file):
    seen = open_file(made)
    counts = "() => document.querySelectorAll('.leaflet-marker-icon').length"
    before = seen.page.evaluate(counts)
    seen.page.locator(".leaflet-control-layers-overlays input").first.uncheck()
    assert seen.page.evaluate(counts) < before
    seen.page.evaluate(
        "() => { const one = shared.groups.water.getLayers()[0];"
        " shared.map.setView(one.getLatLng(), 18, { animate: false }); one.openPopup(); }"
    )
    assert "时间 Hours" in seen.page.locator(".leaflet-popup-content").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_wrong_with_the_file(made, browser, tmp_path, viewport):
    (tmp_path / "map.html").write_bytes(made.html)
    context = browser.new_context(viewport=viewport, bypass_csp=True)
    page = context.new_page()
    page.goto((tmp_path / "map.html").as_uri())
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    assert axe(page) == []
    context.close()


@pytest.mark.slow
def test_hostile_words_stay_text_wherever_they_stand(demo_district, open_file):
    layer = demo_district.places("water")
    hostile = [
        replace(f, name=HOSTILE, address=HOSTILE, phone=HOSTILE, hours=HOSTILE, access=(), services=())
        for f in layer.features
    ]
    category = replace(demo_district.catalogue["water"], zh=HOSTILE, en=HOSTILE)
    catalogue = demo_district.catalogue
    district = Other(
        demo_district,
        name_zh=HOSTILE,
        name_en=HOSTILE + " ",
        places=lambda _: replace(layer, features=tuple(hostile)),
        catalogue=Catalogue({**catalogue.categories, "water": category}, catalogue.services),
    )
    seen = open_file(share_map(district, ("water",), DAY))
    seen.page.evaluate("() => shared.groups.water.getLayers()[0].openPopup()")
    seen.page.wait_for_selector(".leaflet-popup-content h2", state="attached")
    assert seen.page.evaluate("() => [window.hacked, document.querySelectorAll('img').length]") == [None, 0]
    assert seen.page.locator(".leaflet-popup-content h2").text_content() == HOSTILE
    assert html.escape(HOSTILE, quote=False)[:20] in seen.page.locator(".leaflet-control-layers").inner_html()
    assert seen.complaints == []
