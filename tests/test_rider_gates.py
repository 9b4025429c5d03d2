"""The rider's page keeps what it promises: nothing leaves the host, no position leaves the phone, nothing complains."""

import re

import pytest
from playwright.sync_api import sync_playwright

from tests.browsing import DESK, PHONE, axe
from tests.gates import KEPT, KEPT_MS, NOON, QUIET, ask_everything, ask_some, say_where, visiting
from tests.leaks import find_leaks
from tests.serving import Server
from tests.wire import listening

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DISTRICTS = ("xiangheyuan", "yingze")
SIZES = pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
EACH_DISTRICT = pytest.mark.parametrize("district", DISTRICTS)
SHIFTS = ((0.0093, 0.0061), (-0.0112, -0.0074))
"""Where two riders are, from the centre of the district, degrees."""


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module")
def wire():
    with listening() as heard:
        yield heard


@pytest.fixture(scope="module")
def home(demo_directory, yingze_directory):
    server = Server([demo_directory, yingze_directory], NOON).start()
    yield server.home
    server.kill()


@pytest.fixture(scope="module")
def places(demo_district, yingze_district):
    """Centre and some names of each district."""
    return {
        district.id: {
            "centre": district.centre,
            "names": [place.name for place in district.places("station").features],
            "ids": [place.id for place in district.places("station").features],
        }
        for district in (demo_district, yingze_district)
    }


@pytest.fixture(scope="module")
def yingze_district(yingze_directory):
    from geo_service.districts import open_district

    district = open_district(yingze_directory)
    yield district
    district.close()


def near(places, district, shift):
    lon, lat = places[district]["centre"]
    return lon + shift[0], lat + shift[1]


# --- the first view ------------------------------------------------------------------------


@EACH_DISTRICT
@SIZES
@SCHEMES
def test_the_first_view_is_light_stays_on_its_host_and_complains_of_nothing(
    browser, home, wire, district, viewport, scheme
):
    with visiting(browser, home, wire, viewport=viewport, color_scheme=scheme) as seen:
        page = seen.open(f"/{district}/")
        page.wait_for_selector("[data-basemap=drawn]")
        page.wait_for_load_state("networkidle")
        sent = seen.sent()
        assert [one.url for one in sent if one.is_foreign] == []
        assert sum(one.received for one in sent) <= 200_000
        assert len(sent) <= 25
        assert not [one.path for one in sent if "/pack/network" in one.path]
        assert sum(page.evaluate("window.shifts")) < 0.01
        assert seen.complaints == []


def test_the_wire_hears_as_many_bytes_as_the_browser_says_it_got(browser, home, wire):
    with visiting(browser, home, wire) as seen:
        session = seen.context.new_cdp_session(seen.page)
        session.send("Network.enable")
        got = []
        session.on("Network.loadingFinished", lambda event: got.append(event["encodedDataLength"]))
        page = seen.open("/xiangheyuan/")
        page.wait_for_load_state("networkidle")
        assert sum(got) == pytest.approx(sum(one.received for one in seen.sent()), rel=0.03)


@EACH_DISTRICT
def test_the_first_list_is_there_with_scripts_off(browser, home, district):
    with visiting(browser, home, java_script_enabled=False) as seen:
        seen.page.goto(f"{home}/{district}/")
        assert seen.page.locator(".card").count() > 3
        assert seen.page.locator(".card").first.is_visible()
        seen.page.locator(".card summary").first.click()
        assert seen.page.locator(".card .link").first.is_visible()


# --- all questions -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(browser, home, wire, places):
    """One who asked everything, for each way of saying where he is; and the same from another position."""
    said = {}

    def journey(district, by, which):
        if (district, by, which) not in said:
            lonlat = near(places, district, SHIFTS[which])
            known = places[district]
            with visiting(browser, home, wire, position=lonlat) as seen:
                code = f"#here={known['ids'][which]}" if by == "code" else ""
                seen.open(f"/{district}/{code}")
                if by != "code":
                    say_where(seen, by, lonlat, known["names"][which])
                # all questions once in each district; however one says where he is, the same code asks them
                ask = ask_everything if by == "phone" else ask_some
                ask(seen, known["names"][4])
                said[district, by, which] = (seen.sent(), seen.paths(), seen.complaints, lonlat)
        return said[district, by, which]

    return journey


WAYS = [
    ("xiangheyuan", "phone"),
    ("yingze", "phone"),
    ("xiangheyuan", "paste"),
    ("xiangheyuan", "tap"),
    ("xiangheyuan", "name"),
    ("xiangheyuan", "code"),
]


@pytest.mark.parametrize(("district", "by"), WAYS)
def test_no_request_says_where_the_rider_is(asked, district, by):
    sent, _, complaints, lonlat = asked(district, by, 0)
    assert [one.url for one in sent if one.is_foreign] == []
    assert find_leaks(sent, [lonlat]) == []
    assert complaints == []


@pytest.mark.parametrize(("district", "by"), WAYS)
def test_the_same_journey_from_two_positions_sends_the_same_requests(asked, district, by):
    (_, one, _, _), (_, other, _, _) = asked(district, by, 0), asked(district, by, 1)
    assert one - other == other - one == {}


def test_the_position_api_is_never_called(asked):
    sent, *_ = asked("xiangheyuan", "phone", 0)
    assert [one.url for one in sent if "/api/" in one.url] == []


PLANTS = {
    "query": "fetch(`${base}pack/index.json?near=${lon.toFixed(4)},${lat.toFixed(4)}`)",
    "path": "fetch(`${base}tiles/17/${tileX(17)}/${tileY(17)}.mvt`)",
    "base64": "fetch(`${base}pins.json?layer=${btoa(`${lon}`)}`)",
    "header": "fetch(base, { headers: { 'X-Last': JSON.stringify({ lat }) } })",
    "body": "fetch(`${base}p/x/say`, { method: 'POST', body: new URLSearchParams({ claim: Math.round(lon * 1e6) }) })",
    "binary": "fetch(`${base}p/x/say`, { method: 'POST', body: new Float64Array([lon, lat]) })",
    "beacon": "navigator.sendBeacon(`${base}p/x/say`, JSON.stringify({ lng: lon }))",
    "cookie": "{ document.cookie = `here=${lat.toFixed(5)}; path=/; max-age=2`; fetch(base); }",
    "image": "{ const image = new Image(); image.src = `/static/x/${lon.toFixed(5)}.png`; }",
    "prefetch": "{ const link = document.createElement('link'); link.rel = 'prefetch';"
    " link.href = `${base}?at=${lat.toFixed(5)}`; document.head.append(link); }",
    "through the worker": "fetch(`${base}?layer=station&from=${lon.toFixed(5)}`)",
    "navigation": "{ const frame = document.createElement('iframe'); frame.src = `${base}?x=${lon.toFixed(6)}`;"
    " document.body.append(frame); }",
}


PLANTING = """([lon, lat]) => {
  const base = "/xiangheyuan/";
  const tileX = (z) => Math.floor(((lon + 180) / 360) * 2 ** z);
  const tileY = (z) => {
    const s = Math.sin((lat * Math.PI) / 180);
    return Math.floor((0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * 2 ** z);
  };
  void (async () => { PLANT })().catch(() => 0);
}"""


@pytest.fixture(scope="module")
def planting(browser, home, wire, places):
    """A page that does what is planted in it; gives what went out after that."""
    lonlat = near(places, "xiangheyuan", SHIFTS[0])
    with visiting(browser, home, wire, position=lonlat, bypass_csp=True) as seen:
        seen.open("/xiangheyuan/", kept=True)

        def plant(script):
            since = len(seen.sent())
            seen.page.evaluate(PLANTING.replace("PLANT", script), lonlat)
            seen.page.wait_for_timeout(300)
            return seen.sent()[since:], lonlat

        yield plant


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_leak_is_caught(planting, plant):
    sent, lonlat = planting(PLANTS[plant])
    assert find_leaks(sent, [lonlat]) != []


@pytest.mark.parametrize(
    "plant",
    [
        "fetch('http://maps.example/hello')",
        "new WebSocket('ws://maps.example/hello')",
        "navigator.sendBeacon('http://maps.example/hello')",
        "{ const image = new Image(); image.src = 'http://maps.example/hello.png'; }",
    ],
)
def test_a_planted_call_to_another_host_is_caught(planting, plant):
    sent, _ = planting(plant)
    assert [one for one in sent if one.is_foreign and "maps.example" in one.url]


def test_the_policy_stops_a_call_to_another_host_and_the_gate_hears_of_it(browser, home, wire):
    with visiting(browser, home, wire) as seen:
        page = seen.open("/xiangheyuan/")
        page.evaluate("() => { fetch('http://maps.example/hello').catch(() => 0); }")
        page.wait_for_timeout(300)
        assert [one.url for one in seen.sent() if one.is_foreign] == []
        assert any(said.startswith("policy: connect-src") for said in seen.complaints)


# --- answers and access --------------------------------------------------------------------


@EACH_DISTRICT
def test_the_list_on_the_phone_is_the_server_s(
    browser, home, places, district, demo_district, yingze_district
):
    served = {"xiangheyuan": demo_district, "yingze": yingze_district}[district]
    lonlat = near(places, district, SHIFTS[0])
    expected = served.nearest(
        origin=lonlat, layer="station", at=NOON, k=24, profile="ebike", accept=("unknown", "stale")
    )["results"]
    with visiting(browser, home, position=lonlat) as seen:
        seen.open(f"/{district}/?layer=station")
        say_where(seen, "phone", lonlat)
        cards = seen.page.locator(".cards .card")
        shown = cards.evaluate_all(
            "cards => cards.map((card) => [card.dataset.id, parseInt(card.querySelector('.minutes').textContent)])"
        )
    assert shown == [[one["id"], max(1, -(-int(one["cost_s"] * 1000) // 60_000))] for one in expected]


@pytest.mark.parametrize(
    ("district", "viewport", "scheme"),
    [
        ("xiangheyuan", PHONE, "light"),
        ("xiangheyuan", DESK, "dark"),
        ("yingze", PHONE, "dark"),
        ("yingze", DESK, "light"),
    ],
)
def test_axe_finds_nothing_before_and_after_a_question(browser, home, places, district, viewport, scheme):
    lonlat = near(places, district, SHIFTS[0])
    options = {"viewport": viewport, "color_scheme": scheme, "bypass_csp": True}
    with visiting(browser, home, position=lonlat, **options) as seen:
        page = seen.open(f"/{district}/")
        assert axe(page) == []
        say_where(seen, "phone", lonlat)
        page.wait_for_selector(KEPT, state="attached", timeout=KEPT_MS)
        assert axe(page) == []
        page.locator("#to").click()
        page.locator("#where-text").fill(places[district]["names"][0][:3])
        page.wait_for_selector("#where-found .hit")
        assert axe(page) == []


def test_nothing_is_written_into_the_address_but_what_is_shown(asked, browser, home, places):
    lonlat = near(places, "xiangheyuan", SHIFTS[0])
    with visiting(browser, home, position=lonlat) as seen:
        seen.open("/xiangheyuan/")
        say_where(seen, "phone", lonlat)
        assert re.fullmatch(r".*/xiangheyuan/(\?layer=\w+)?", seen.page.url)
