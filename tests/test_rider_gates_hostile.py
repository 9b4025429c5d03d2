"""Three hundred hostile texts through every text field of places: they are read as text wherever a rider meets them."""

import shutil
from datetime import date, datetime

import pytest
from playwright.sync_api import sync_playwright

from geo_service.districts import open_district
from geo_service.districts.sharing import share_map
from geo_service.hours import SHANGHAI
from geo_service.layers import Access, Edit, Inspection, Place, Power, Provenance, Service
from tests.browsing import eventually, wait_until_ready
from tests.gates import NOON, QUIET, press, visiting
from tests.hostile_words import HOSTILE_WORDS
from tests.serving import Server
from tests.wire import listening

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LAYERS = ("station", "swap")
UNHARMED = """() => [window.hacked,
  document.querySelectorAll("iframe, object, embed, base, marquee, video, audio").length]"""


def hostile_place(layer, i, centre):
    """A place whose every text is one of them."""
    words = HOSTILE_WORDS[i]
    lon, lat = centre[0] + 0.0004 * (i % 25 - 12), centre[1] + 0.0006 * (i // 25 - 6)
    return Place(
        f"hostile-{layer}-{i:03}",
        layer,
        round(lon, 6),
        round(lat, 6),
        words,
        address=words,
        network=words,
        host_type=words,
        operator=words,
        station_code=words if layer == "station" else None,
        hours="08:00-22:00",
        services=(
            Service("hot_water", note=words, price=words),
            Service("rest", hours="09:00-18:00", note=words),
        ),
        access=(Access("staff", hours="08:00-20:00", note=words), Access("qr", note=words)),
        power=Power(operator=words, plan=words, voltage_v=(48,), slots=4) if layer == "swap" else None,
        inspection=Inspection(words, date(2026, 11, 1), words) if layer == "station" else None,
        status="paused" if i % 50 == 7 else "active",
        status_reason=words,
        provenance=Provenance(source=words, licence=words),
    )


@pytest.fixture(scope="module")
def directory(demo_directory, tmp_path_factory):
    """A district in which vandals were at work."""
    directory = tmp_path_factory.mktemp("hostile") / "xiangheyuan"
    shutil.copytree(demo_directory, directory, ignore=shutil.ignore_patterns("jit"))
    district = open_district(directory)
    for layer in LAYERS:
        version = district.places(layer).version
        made = [hostile_place(layer, i, district.centre) for i in range(len(HOSTILE_WORDS))]
        edits = [Edit(layer, place.id, version, None, place) for place in made]
        district.store.apply(edits, actor="test", role="desk", source="test", at=datetime.now(SHANGHAI))
    district.close()
    return directory


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module")
def home(directory):
    server = Server([directory], NOON).start()
    yield server.home
    server.kill()


@pytest.fixture(scope="module")
def seen(browser, home):
    """One who looks at all of it; nothing may have gone wrong in the end."""
    with listening() as wire, visiting(browser, home, wire) as visit:
        visit.open("/xiangheyuan/?layer=station")
        yield visit


@pytest.fixture(autouse=True)
def unharmed(seen):
    yield
    assert seen.page.evaluate(UNHARMED) == [None, 0]
    assert [
        said for said in seen.complaints if "policy" in said or "hacked" in said or "dialog" in said
    ] == []
    assert [one.url for one in seen.sent() if one.is_foreign] == []


def test_there_are_three_hundred_short_enough_for_every_field():
    assert len(set(HOSTILE_WORDS)) == len(HOSTILE_WORDS) == 300
    assert max(map(len, HOSTILE_WORDS)) <= 64


def test_the_server_s_list_shows_them_as_text(seen):
    names = seen.page.locator(".card .name").evaluate_all(
        "names => names.map((name) => name.lastChild.textContent)"
    )
    assert len(set(names) & set(HOSTILE_WORDS)) > 15


def test_all_detail_pages_hold_them_as_text_and_nothing_else(seen):
    found = seen.page.evaluate(
        """async (words) => {
          const { pages } = await (await fetch("/xiangheyuan/pages.json?lang=zh")).json();
          const parse = (html) => new DOMParser().parseFromString(html, "text/html");
          const shape = (page) => [...page.querySelectorAll("*")].map(({ localName }) => localName);
          const honest = new Set(Object.entries(pages).filter(([id]) => !id.startsWith("hostile-"))
            .flatMap(([, html]) => shape(parse(html))));
          const wrong = [];
          let looked = 0;
          for (const [id, html] of Object.entries(pages)) {
            if (!id.startsWith("hostile-")) continue;
            looked += 1;
            const page = parse(html);
            const expected = words[Number(id.slice(-3))];
            const called = page.querySelector("h1").textContent;
            if (called !== expected) wrong.push([id, "name", called]);
            if (!page.title.startsWith(expected.trim().slice(0, 20))) wrong.push([id, "title", page.title]);
            if (page.body.textContent.split(expected).length < 9) wrong.push([id, "fields"]);
            const odd = shape(page).filter((name) => !honest.has(name));
            if (odd.length) wrong.push([id, ...odd]);
            for (const one of page.querySelectorAll("*")) {
              for (const { name, value } of one.attributes) {
                if (name.startsWith("on") || name === "style" || name === "srcdoc") wrong.push([id, name, value]);
                const leads = /^(href|src|action)$/.test(name) && /^\\s*(javascript|data|\\/\\/)/i.test(value);
                if (leads) wrong.push([id, name, value]);
              }
            }
          }
          return [looked, wrong.slice(0, 5)];
        }""",
        list(HOSTILE_WORDS),
    )
    assert found == [600, []]


def test_cards_and_pins_that_the_phone_makes_show_them_as_text(seen):
    press(seen.page, ".layers .chip[data-key=swap]")
    found = seen.page.evaluate(
        """async (words) => {
          const root = [...document.querySelectorAll("script[type=module]")].at(-1).src.replace(/\\/[^/]+$/, "/");
          const [{ makeCard, asFound }, { openPhone }, { pinIcon }] = await Promise.all(
            ["rider/cards.js", "phone/phone.js", "pins.js"].map((file) => import(root + file)));
          const phone = await openPhone({ base: "/xiangheyuan/", load: (url) => fetch(url) });
          const rider = { base: "/xiangheyuan/", kinds: [], layer: "station" };
          const wrong = [];
          for (const place of phone.places.filter(({ id }) => id.startsWith("hostile-"))) {
            const expected = words[Number(place.id.slice(-3))];
            const card = makeCard(phone, asFound(phone, place, Date.now()), rider, Date.now());
            document.querySelector(".cards").append(card);
            if (card.querySelector(".name").lastChild.textContent !== expected) wrong.push(place.id);
            const pin = pinIcon("x", place.name, "left").createIcon();
            document.body.append(pin);
            if (pin.querySelector("em").textContent !== expected) wrong.push(place.id);
            pin.remove();
          }
          await new Promise((resolve) => setTimeout(resolve, 300));
          return wrong;
        }""",
        list(HOSTILE_WORDS),
    )
    assert found == []


def test_all_pins_on_the_map_carry_them_as_text(seen):
    page = seen.page
    press(page, ".layers .chip[data-key=station]")
    page.evaluate("() => districtMap.setZoom(18, { animate: false })")
    pins = page.locator(".leaflet-marker-icon[title]")
    assert eventually(
        page, lambda: set(pins.evaluate_all("pins => pins.map((pin) => pin.title)")) & set(HOSTILE_WORDS)
    )


def test_whatever_is_typed_into_the_search_stays_text(seen):
    page = seen.page
    page.locator("#find").click()
    for words in HOSTILE_WORDS:
        page.locator("#where-text").fill(words)
    page.locator("#where-text").fill(HOSTILE_WORDS[2])
    page.wait_for_selector("#where-found .hit")
    assert HOSTILE_WORDS[2] in page.locator("#where-found .hit b").all_inner_texts()
    page.locator("#where .close").click()


def test_the_chooser_names_them_as_text_and_leads_only_into_map_apps(seen):
    page = seen.page
    for i in range(6):
        page.locator(".cards button.go, .cards .go summary").nth(i).click()
        page.wait_for_selector("#chooser[open]")
        assert page.locator("#chooser h2").inner_text().strip()
        page.locator("#chooser .close").click()
    protocols = page.evaluate(
        """async (words) => {
          const root = [...document.querySelectorAll("script[type=module]")].at(-1).src.replace(/\\/[^/]+$/, "/");
          const { buildLinks } = await import(root + "links/links.js");
          const { apps } = await (await fetch("/xiangheyuan/pack/index.json")).json();
          const { openPhone } = await import(root + "phone/phone.js");
          const [place] = (await openPhone({ base: "/xiangheyuan/", load: (url) => fetch(url) })).places;
          const linksOf = (name) => buildLinks(apps, { ...place, lonlat: place.target, name });
          const urls = words.flatMap(linksOf).map(({ url }) => url);
          return [...new Set(urls.map((url) => url.split(":")[0]))]; }""",
        list(HOSTILE_WORDS),
    )
    assert protocols
    assert not {"javascript", "data", "vbscript", "file", "blob"} & set(protocols)


def test_a_few_detail_pages_run_and_stay_unharmed(seen, home):
    for i in (0, 2, 11, 60, 130, 299):
        seen.page.goto(f"{home}/xiangheyuan/p/hostile-station-{i:03}")
        wait_until_ready(seen.page)
        assert seen.page.locator("h1").text_content() == HOSTILE_WORDS[i]
        assert seen.page.evaluate(UNHARMED) == [None, 0]


def test_the_map_to_hand_on_shows_them_as_text(seen, browser, directory, tmp_path):
    district = open_district(directory)
    try:
        shared = share_map(district, LAYERS, date(2026, 11, 18))
    finally:
        district.close()
    file = tmp_path / "map.html"
    file.write_bytes(shared.html)
    page = browser.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto(file.as_uri())
    page.wait_for_timeout(1500)
    for pin in page.locator(".leaflet-marker-icon").all()[:4]:
        pin.click(force=True)
        page.wait_for_timeout(200)
    assert page.evaluate("() => window.hacked") is None
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    page.close()


def test_a_text_that_did_run_would_be_noticed(seen, browser):
    page = browser.new_page()
    page.set_content(f"<p>{HOSTILE_WORDS[2]}</p>")
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.hacked") == 1
    page.close()
