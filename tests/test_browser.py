"""Journeys through a real browser: nothing leaves the host, nothing complains, everything can be tapped."""

import dataclasses
from contextlib import ExitStack
from datetime import datetime

import pytest

from geo_service.districts import open_district
from geo_service.exchange.navlinks import decode_link
from geo_service.geo import distance_m
from geo_service.hours import SHANGHAI
from geo_service.layers import Layer
from geo_service.settings import Settings
from geo_service.web import create_app
from tests.browsing import DESK, HOSTILE, LOOKS, PHONE, Visit, axe, eventually, served, wait_until_ready

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def yingze_district(yingze_directory):
    district = open_district(yingze_directory)
    yield district
    district.close()


@pytest.fixture(scope="module")
def address(demo_district, yingze_district):
    districts = {district.id: district for district in (demo_district, yingze_district)}
    with served(create_app(districts, Settings(), clock=lambda: NOON)) as home:
        yield home


@pytest.fixture
def visit(browser, address):
    visits = []

    def begin(viewport=PHONE, **options):
        visits.append(Visit(browser, address, viewport, at=NOON, **options))
        return visits[-1]

    yield begin
    for done in visits:
        done.context.close()


@LOOKS
@pytest.mark.parametrize(
    "path", ["/xiangheyuan/?lang=zh", "/xiangheyuan/?lang=en&layer=merchant", "place", "/", "/no/"]
)
def test_axe_finds_nothing(visit, demo_district, viewport, scheme, path):
    seen = visit(viewport, color_scheme=scheme, bypass_csp=True)
    place = f"/xiangheyuan/p/{demo_district.places('station').features[0].id}"
    page = seen.open(place if path == "place" else path, ready="xiangheyuan/?" in path)
    assert axe(page) == []


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("path", ["/xiangheyuan/", "/yingze/?lang=en", "place", "/"])
def test_everything_that_can_be_tapped_is_44_pixels(visit, demo_district, viewport, path):
    place = f"/xiangheyuan/p/{demo_district.places('station').features[0].id}"
    page = visit(viewport).open(place if path == "place" else path, ready=path.count("/") > 1)
    small = page.evaluate("""() => [...document.querySelectorAll("a, button, summary, .leaflet-interactive")]
        .filter((one) => one.offsetParent !== null && !one.classList.contains("skip"))
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
        .filter(([, box]) => box.width < 43.9 || box.height < 43.9)
        .map(([html, box]) => `${html} ${box.width}x${box.height}`)""")
    assert small == []


def test_every_app_s_link_leads_to_the_entrance(visit, demo_district):
    page = visit(java_script_enabled=False).open("/xiangheyuan/?layer=station", ready=False)
    card = page.locator(".card").first
    place = next(f for f in demo_district.places("station").features if f.id == card.get_attribute("data-id"))
    links = card.locator(".link")
    assert links.count() >= 8
    for i in range(links.count()):
        arrival = decode_link(links.nth(i).get_attribute("data-app"), links.nth(i).get_attribute("href"))
        assert distance_m([place.target], [[arrival.lon, arrival.lat]])[0] < 1.0


def test_an_android_phone_is_not_offered_an_iphone_s_links(visit):
    page = visit(user_agent="Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile").open(
        "/xiangheyuan/"
    )
    page.locator(".card summary").first.click()
    page.locator("#chooser li").first.wait_for()
    platforms = page.locator("#chooser li").evaluate_all(
        "items => items.map((item) => item.dataset.platform)"
    )
    assert "android" in platforms
    assert not [p for p in platforms if p.startswith("ios")]


def test_the_app_is_asked_for_once_and_can_be_changed(visit):
    page = visit().open("/xiangheyuan/")
    page.evaluate("""() => document.addEventListener("click", (event) => {
        const link = event.target.closest("#chooser .link"); if (link) event.preventDefault(); }, true)""")
    page.locator(".card summary").first.click()
    page.locator("#chooser .link[data-app=osmand]").click()
    assert not page.locator("#chooser").is_visible()
    assert "OsmAnd" in page.locator("#remembered").inner_text()
    page.locator("#remembered button").click()
    page.locator(".card summary").nth(1).click()
    page.locator("#chooser").wait_for()


def test_the_list_is_there_with_scripts_off_and_leads_to_every_app(visit):
    page = visit(java_script_enabled=False).open("/xiangheyuan/?lang=en", ready=False)
    card = page.locator(".card").first
    assert card.is_visible()
    card.locator("summary").click()
    assert card.locator(".link").first.is_visible()
    with page.expect_navigation():
        page.locator(".chip").nth(1).click()
    assert page.locator(".card").first.is_visible()


def test_a_card_shows_its_place_on_the_map_then_its_page(visit):
    page = visit().open("/xiangheyuan/")
    row = page.locator(".card .row").nth(2)
    row.click()
    page.wait_for_selector(".leaflet-marker-icon.on")
    assert "selected" in page.locator(".card").nth(2).get_attribute("class")
    row.click()
    page.wait_for_url("**/p/*")


def test_a_pin_shows_its_card(visit):
    page = visit(DESK).open("/xiangheyuan/?layer=clinic")
    pin = page.locator(".leaflet-marker-icon:has(.pin)").first
    name = pin.get_attribute("aria-label")
    pin.click()
    page.wait_for_selector(".card.selected .name")
    assert page.locator(".card.selected .name").inner_text().endswith(name)


@pytest.mark.parametrize("path", ["/xiangheyuan/", "/yingze/?lang=en"])
def test_at_twice_the_text_size_the_page_stays_usable(visit, path):
    page = visit().open(path)
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    page.locator(".handle").press("Home")
    page.wait_for_timeout(350)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    texts = ".said *, .count, .leg, .card .name, .card .facts, .card summary"
    cut = page.evaluate(
        """(texts) => [...document.querySelectorAll(texts)]
        .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
        .map((one) => one.textContent.trim())""",
        texts,
    )
    assert cut == []
    assert page.locator(".card .name").first.bounding_box()["width"] > 120
    assert page.locator(".card").nth(1).bounding_box()["y"] < 844


def test_tab_leads_past_the_pins_to_the_list(visit):
    page = visit(DESK).open("/xiangheyuan/")
    page.wait_for_selector(".pin, .cluster")
    seen = []
    for _ in range(25):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("""() => document.activeElement === document.body ? "body"
            : document.activeElement.closest(".leaflet-marker-icon") ? "pin"
            : document.activeElement.closest(".card") ? "card" : "other" """)
        )
        if seen[-1] == "card":
            break
    assert seen[-1] == "card"
    assert not {"pin", "body"} & set(seen)


def test_a_cluster_that_opens_hands_the_focus_to_the_map(visit):
    page = visit(DESK).open("/yingze/")
    page.evaluate("() => districtMap.setZoom(13, { animate: false })")
    page.locator(".leaflet-marker-icon:has(.cluster)").first.evaluate("(one) => one.focus()")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement !== document.body")


class Changed:
    """A district of which some answers are others."""

    def __init__(self, district, **answers):
        self._district, self._answers = district, answers

    def __getattr__(self, attribute):
        found = self.__dict__["_answers"].get(attribute)
        return found or getattr(self._district, attribute)


@pytest.fixture
def visit_changed(browser, demo_district):
    def begin(path, **answers):
        district = Changed(demo_district, **answers)
        app = create_app({"xiangheyuan": district}, Settings(), clock=lambda: NOON)
        seen = Visit(browser, running.enter_context(served(app)), at=NOON)
        running.callback(seen.context.close)
        seen.open(path)
        return seen

    with ExitStack() as running:
        yield begin


def test_a_district_without_places_complains_of_nothing(visit_changed):
    seen = visit_changed("/xiangheyuan/", layer_names=lambda: ())
    assert seen.page.locator(".empty").is_visible()
    assert seen.complaints == []


def test_the_nearest_listed_place_is_in_the_first_view_however_far(visit_changed, demo_district):
    far = max(
        demo_district.nearest(origin=demo_district.centre, layer="station", at=NOON, k=100)["results"],
        key=lambda result: result["length_m"],
    ) | {"lat": demo_district.bbox[3] + 0.02}

    def nearest(**question):
        return demo_district.nearest(**question) | {"results": [far]}

    page = visit_changed("/xiangheyuan/", nearest=nearest).page
    held = page.evaluate(
        "([lat, lon]) => districtMap.getBounds().contains([lat, lon])", [far["lat"], far["lon"]]
    )
    assert held


def test_a_pin_can_be_reached_and_opened_by_keyboard(visit):
    page = visit(DESK).open("/xiangheyuan/?layer=clinic")
    pin = page.locator(".leaflet-marker-icon:has(.pin)").first
    pin.focus()
    page.keyboard.press("Enter")
    assert page.locator(".card.selected, #chosen:not([hidden])").count() == 1


def rests_at(page, height):
    """Whether the sheet comes to rest at a height, px."""
    sheet = page.locator(".sheet")
    return eventually(page, lambda: sheet.bounding_box()["height"] == pytest.approx(height, abs=3))


def test_the_sheet_has_three_heights_by_key(visit):
    page = visit().open("/xiangheyuan/")
    for key, height in (("Home", 844 * 0.88), ("ArrowDown", 29.5 * 16), ("ArrowDown", 82)):
        page.locator(".handle").press(key)
        assert rests_at(page, height)


def test_the_sheet_follows_the_finger_and_rests_at_a_height(visit):
    page = visit().open("/xiangheyuan/")
    grip = page.locator(".handle").bounding_box()
    page.mouse.move(195, grip["y"] + 15)
    page.mouse.down()
    page.mouse.move(195, 180, steps=5)
    page.mouse.up()
    assert rests_at(page, 844 * 0.88)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_openstreetmap_is_credited_above_the_sheet(visit, viewport):
    page = visit(viewport).open("/xiangheyuan/")
    credit = page.get_by_text("© OpenStreetMap 贡献者 (ODbL)")
    box, sheet = credit.bounding_box(), page.locator(".sheet").bounding_box()
    assert credit.is_visible()
    assert box["y"] + box["height"] <= sheet["y"] + 1 or box["x"] >= sheet["x"] + sheet["width"]


def test_the_theme_follows_the_system_until_it_is_chosen_and_stays_chosen(visit):
    seen = visit(color_scheme="dark")
    page = seen.open("/xiangheyuan/")

    def paper():
        return page.evaluate("() => getComputedStyle(document.body).getPropertyValue('--paper').trim()")

    dark = paper()
    page.locator("#theme").click()
    light = paper()
    assert (dark, light) == ("#171b22", "#fff")
    page.reload()
    wait_until_ready(page)
    assert paper() == light


def test_hostile_names_stay_text_in_list_map_and_dialog(browser, demo_district):
    class Hostile:
        def __getattr__(self, attribute):
            return getattr(demo_district, attribute)

        def places(self, layer):
            found = demo_district.places(layer)
            return Layer(
                found.name, tuple(dataclasses.replace(f, name=HOSTILE) for f in found.features), found.version
            )

        def nearest(self, **question):
            answer = demo_district.nearest(**question)
            return answer | {"results": [r | {"name": HOSTILE} for r in answer["results"]]}

    app = create_app({"xiangheyuan": Hostile()}, Settings(), clock=lambda: NOON)
    with served(app) as home:
        seen = Visit(browser, home, at=NOON)
        page = seen.open("/xiangheyuan/?layer=clinic")
        page.locator(".card .row").first.click()
        page.wait_for_selector(".leaflet-marker-icon.on")
        page.locator(".card summary").first.click()
        page.wait_for_selector("#chooser[open]")
        assert page.locator("#chooser h2").inner_text().startswith("<img src=x")
        assert page.evaluate("() => [window.hacked, document.images.length]") == [None, 0]
        assert seen.complaints == []
        seen.context.close()
