"""The link doctor: one real crossing, every app, notes that stay on the phone."""

import json
from datetime import datetime
from urllib.parse import unquote

import pytest
from playwright.sync_api import sync_playwright

from geo_service.exchange.navlinks import REGISTRY, build_links, decode_link
from geo_service.geo import distance_m
from geo_service.hours import SHANGHAI
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.link_doctor import known_spot
from tests.browsing import FLAGS, LOOKS, PHONE, Visit, axe, served
from tests.user_agents import AGENTS

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
PATH = "/xiangheyuan/link-doctor"
AGENT = {agent.name: agent.agent for agent in AGENTS}


@pytest.fixture(scope="module")
def app(demo_district):
    return create_app({demo_district.id: demo_district}, Settings(), clock=lambda: NOON)


@pytest.fixture(scope="module")
def spot(app, demo_district):
    with app.app_context():
        return known_spot(demo_district)


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(app):
    with served(app) as home:
        yield home


@pytest.fixture
def visit(browser, address):
    visits = []

    def begin(viewport=PHONE, **options):
        visits.append(Visit(browser, address, viewport, **options))
        return visits[-1]

    yield begin
    for done in visits:
        done.context.close()


def test_the_spot_is_where_two_streets_with_names_meet_near_the_centre(spot, demo_district):
    network = demo_district.network("ebike")
    a, b = spot.name.removesuffix("路口").split("与")
    assert spot.is_crossing
    assert {a, b} <= set(network.names)
    nodes = [
        (lon / 1e6, lat / 1e6) for lon, lat in zip(network.node_lon_e6, network.node_lat_e6, strict=True)
    ]
    assert distance_m(nodes, (spot.lon, spot.lat)).min() < 1
    assert distance_m(demo_district.centre, (spot.lon, spot.lat)) < 2000


@pytest.mark.parametrize("mode", ["ebike", "ride", "walk", "drive"])
def test_every_app_s_link_leads_to_the_spot(app, spot, mode):
    page = app.test_client().get(f"{PATH}?mode={mode}").text
    links = build_links((spot.lon, spot.lat), spot.name, mode)
    for link in links.values():
        assert link.url.replace("&", "&amp;") in page
        arrival = decode_link(link.app, link.url)
        assert distance_m((arrival.lon, arrival.lat), (spot.lon, spot.lat)) < 1
    assert len(links) > 10


def test_nothing_is_claimed_as_verified(app):
    page = app.test_client().get(f"{PATH}?lang=en").text
    assert not any(target.verified_on for target in REGISTRY)
    assert "No app was verified on a phone yet" in page
    assert page.count("not verified on a phone") == page.count('class="trial"')
    assert "verified on 20" not in page


def test_an_unknown_mode_or_district_is_refused(app):
    client = app.test_client()
    assert client.get(f"{PATH}?mode=swim").status_code == 400
    assert client.get("/nowhere/link-doctor").status_code == 404


@pytest.mark.browser
@LOOKS
def test_axe_finds_nothing_and_everything_can_be_tapped(visit, viewport, scheme):
    seen = visit(viewport, color_scheme=scheme, bypass_csp=True)
    page = seen.open(f"{PATH}?lang={'zh' if scheme == 'light' else 'en'}")
    page.locator(".trial:visible input[value=off]").first.check()
    assert axe(page) == []
    small = page.evaluate("""() => [...document.querySelectorAll("a, button, summary, label, input[type=number]")]
        .filter((one) => one.offsetParent !== null)
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
        .filter(([, box]) => box.width < 43.9 || box.height < 43.9)
        .map(([html, box]) => `${html} ${box.width}x${box.height}`)""")
    assert small == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert seen.complaints == []
    assert seen.foreign == []


@pytest.mark.browser
def test_what_was_seen_is_kept_on_the_phone_and_handed_on_as_text_and_json(visit, spot):
    seen = visit(user_agent=AGENT["Chrome on Android"])
    page = seen.open(f"{PATH}?lang=zh")
    asked = len(seen.requests)
    amap, baidu = (page.locator(f".trial[data-app={app}]") for app in ("amap_android", "baidu_android"))
    amap.locator("input[value=right]").check()
    baidu.locator("input[value=off]").check()
    baidu.locator("input[type=number]").fill("550")
    page.locator(".trial[data-app=petal] input[value=nothing]").check()
    text = page.locator("#result pre").inner_text()
    assert spot.name in text
    assert "amap_android · ebike · gcj02: 正好" in text
    assert "baidu_android · walk · gcj02: 偏 550 米" in text
    said = json.loads(unquote(page.locator("#save").get_attribute("href").partition(",")[2]))
    assert [(one["app"], one["saw"], one["off_m"]) for one in said["results"]] == [
        ("amap_android", "right", None),
        ("baidu_android", "off", 550),
        ("petal", "nothing", None),
    ]
    assert (said["crossing"]["lon"], said["crossing"]["lat"]) == pytest.approx((spot.lon, spot.lat), abs=1e-6)
    assert len(seen.requests) == asked
    page = seen.open(f"{PATH}?lang=zh")
    assert page.locator(".trial[data-app=baidu_android] input[type=number]").input_value() == "550"
    page.locator("#clear").click()
    assert "还没有记录" in page.locator("#result pre").inner_text()


@pytest.mark.browser
def test_apps_of_other_phones_stand_apart(visit):
    page = visit(user_agent=AGENT["Safari on an iPhone"]).open(PATH)
    here = page.locator("#here .trial").evaluate_all("all => all.map((one) => one.dataset.app)")
    assert "amap_ios" in here
    assert not {"amap_android", "amap_harmony", "geo"} & set(here)
    assert page.locator("#elsewhere .trial[data-app=amap_android]").count() == 1


@pytest.mark.browser
def test_without_scripts_the_links_open_and_the_page_says_what_is_missing(visit):
    page = visit(java_script_enabled=False).open(f"{PATH}?lang=en", ready=False)
    assert page.locator(".trial a.primary:visible").count() > 10
    assert page.get_by_text("Notes need scripts").is_visible()
    assert not page.locator("#result").is_visible()
