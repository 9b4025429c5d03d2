"""The editor of places in a real browser: dragged, typed, saved, and nothing asked of another host."""

import re
import shutil
from dataclasses import replace

import pytest

from geo_service.desk.accounts import hash_password
from geo_service.districts import open_district
from geo_service.geo import convert_datum, distance_m
from geo_service.layers import Edit, Service
from geo_service.settings import Settings
from geo_service.store.accounts import Account
from geo_service.web import create_app
from tests.browsing import HOSTILE, LOOKS, PHONE, Visit, another_page, axe, served, wait_until_ready
from tests.test_desk_door import NOON, WORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DESK = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def district(demo_directory, tmp_path_factory):
    directory = tmp_path_factory.mktemp("desk-browser") / "xiangheyuan"
    shutil.copytree(demo_directory, directory)
    opened = open_district(directory)
    word = hash_password(WORD)
    for name in ("li", "wang"):
        opened.store.put_account(Account(name, word, "editor", NOON, layers=("toilet", "station")))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(district):
    with served(create_app({district.id: district}, Settings(), clock=lambda: NOON)) as home:
        yield f"{home}/xiangheyuan/desk"


@pytest.fixture
def desk(browser, address):
    """Somebody at the desk, signed in by typing."""
    visits = []

    def sign_in(viewport=DESK, name="li", **options):
        seen = Visit(browser, address, viewport, **options)
        visits.append(seen)
        seen.page.goto(f"{address}/sign-in?next=/xiangheyuan/desk/places")
        seen.page.fill("[name=name]", name)
        seen.page.fill("[name=password]", WORD)
        seen.page.press("[name=password]", "Enter")
        seen.page.wait_for_url("**/desk/places*")
        return seen

    yield sign_in
    for done in visits:
        done.context.close()


def foreign(seen, address):
    host = address.removesuffix("/xiangheyuan/desk")
    return [url for url in seen.requests if not url.startswith((host, "data:", "blob:"))]


def drag(page, selector, dx, dy):
    box = page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=6)
    page.mouse.up()


def numbers(page):
    return [
        float(page.input_value(f'[name="{name}"]')) for name in ("lon", "lat", "arrival.lon", "arrival.lat")
    ]


def saved(page):
    with another_page(page):
        page.click(".save button")
    return page.locator(".done").all_inner_texts()


@LOOKS
def test_pin_entrance_and_hours_are_changed_by_hand_and_kept(desk, district, address, viewport, scheme):
    seen = desk(viewport, color_scheme=scheme)
    page, layer = seen.page, district.store.layer("station").features
    station = layer[2 * (scheme == "dark") + (viewport is DESK)]  # one for each
    page.goto(f"{address}/places?layer=station")
    page.click(f'.rows a:has-text("{station.name}")')
    page.wait_for_url(f"**/places/station/{station.id}")
    wait_until_ready(page)
    before = numbers(page)

    drag(page, ".leaflet-marker-icon.on:has(.pin)", 30, 12)
    drag(page, ".leaflet-marker-icon.on:has(.entrance)", -24, 10)
    after = numbers(page)
    assert all(abs(one - other) > 1e-5 for one, other in zip(before, after, strict=True))
    apart = round(float(distance_m([after[:2]], [after[2:]])[0]))
    page.wait_for_function(
        f"() => document.getElementById('where').textContent.includes('离图钉 {apart} 米')"
    )

    hours = page.locator("#f-hours")
    week = page.locator("fieldset:has(> .hours > label > #f-hours) .week li")
    was = week.first.inner_text()
    wanted = "周一至周五 9:00-11:30" if scheme == "light" else "Mo-Fr 09:00-11:00"
    hours.fill("Mo-Fr 9-")
    page.wait_for_selector(".means .bad")
    hours.fill(wanted)
    page.wait_for_function("() => !document.querySelector('.means .bad')")
    assert week.first.inner_text() != was
    assert week.first.inner_text().split("\n")[-1].startswith("09:00–11:")
    assert "不开" in week.nth(3).inner_text()

    assert "已保存" in saved(page)[0]
    kept = district.store.features([station.id])[0]
    assert [kept.lon, kept.lat, *kept.arrival] == pytest.approx(after, abs=1e-7)
    assert kept.hours == ("Mo-Fr 09:00-11:30" if scheme == "light" else "Mo-Fr 09:00-11:00")
    wait_until_ready(page)
    assert numbers(page) == pytest.approx(after, abs=1e-7)
    stands = page.evaluate("""() => { let at = null; districtMap.eachLayer((one) => {
        if (one.options?.draggable && one.getElement().querySelector(".pin")) at = one.getLatLng(); });
        return [at.lng, at.lat]; }""")
    assert stands == pytest.approx(after[:2], abs=1e-7)
    assert seen.complaints == []
    assert foreign(seen, address) == []


@LOOKS
def test_axe_finds_nothing_and_everything_can_be_tapped(desk, district, address, viewport, scheme):
    page = desk(viewport, color_scheme=scheme, bypass_csp=True).page
    for path in (
        "/places?layer=toilet",
        "/places/station/xhy-station-003",
        "/places/toilet/new?lang=en",
        "refused",
    ):
        if path == "refused":
            page.goto(f"{address}/places/toilet/xhy-toilet-002")
            page.fill("#f-hours", "Mo-Fr 9-")
            page.fill("#f-phone", "none")
            with page.expect_navigation():
                page.click(".save button")
            assert page.locator("[aria-invalid=true]").count() == 2
        else:
            page.goto(address + path)
        wait_until_ready(page)
        page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
        assert axe(page) == [], path
        small = page.evaluate("""() => [...document.querySelectorAll("a, button, summary, .leaflet-interactive")]
            .filter((one) => one.offsetParent !== null && !one.matches(".skip, .refusal li a, .apart"))
            .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
            .filter(([, box]) => box.width < 43.9 || box.height < 43.9)
            .map(([html, box]) => `${html} ${box.width}x${box.height}`)""")
        assert small == [], path
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), path


def test_a_pin_is_moved_by_arrow_keys_and_an_entrance_set_by_a_button(desk, district, address):
    seen = desk()
    page = seen.page
    toilet = next(one for one in district.store.layer("toilet").features if one.arrival is None)
    page.goto(f"{address}/places/toilet/{toilet.id}")
    wait_until_ready(page)
    page.focus(".leaflet-marker-icon.on:has(.pin)")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    page.focus("#add-entrance")
    page.keyboard.press("Enter")
    page.wait_for_selector(".entrance")
    lon, lat, *arrival = numbers(page)
    assert lon > toilet.lon
    assert lat > toilet.lat
    assert "已保存" in saved(page)[0]
    kept = district.store.features([toilet.id])[0]
    assert kept.arrival == pytest.approx(arrival, abs=1e-7)
    assert 0.1 < distance_m([(kept.lon, kept.lat)], [(toilet.lon, toilet.lat)])[0] < 5
    assert seen.complaints == []


def test_numbers_from_a_chinese_map_are_converted_before_anything_is_drawn_or_saved(desk, district, address):
    page = desk().page
    toilet = district.store.layer("toilet").features[5]
    page.goto(f"{address}/places/toilet/{toilet.id}")
    wait_until_ready(page)
    lon, lat = convert_datum([toilet.lon + 0.001, toilet.lat], "wgs84", "gcj02").tolist()
    page.select_option("#datum", "gcj02")
    page.fill("[name=lon]", f"{lon:.7f}")
    page.fill("[name=lat]", f"{lat:.7f}")
    page.click("#convert")
    page.wait_for_selector("#converted:not([hidden])")
    assert "GCJ-02" in page.inner_text("#converted")
    assert page.input_value("#datum") == "wgs84"
    assert distance_m([numbers_of(page)], [(toilet.lon + 0.001, toilet.lat)])[0] < 0.1
    assert district.store.features([toilet.id])[0] == toilet


def numbers_of(page):
    return [float(page.input_value(f"[name={name}]")) for name in ("lon", "lat")]


def test_rows_of_services_are_added_and_taken_away(desk, district, address):
    seen = desk(PHONE)
    page = seen.page
    station = district.store.layer("station").features[4]
    page.goto(f"{address}/places/station/{station.id}")
    wait_until_ready(page)
    services = page.locator("[data-records=services]")
    services.locator("summary").first.click()
    services.locator("button.take").first.click()
    services.locator("button.add").click()
    fresh = services.locator(".record").last
    fresh.locator("select").select_option("tools")
    fresh.locator("[data-hours]").fill("24/7")
    fresh.locator("b.open").wait_for()
    assert "已保存" in saved(page)[0]
    assert district.store.features([station.id])[0].services == (
        *station.services[1:],
        Service("tools", "24/7"),
    )
    assert seen.complaints == []


def test_two_who_change_one_field_choose_between_both_values(desk, district, address):
    place_id = "xhy-toilet-004"
    pages = {name: desk(name=name).page for name in ("li", "wang")}
    for name, page in pages.items():
        page.goto(f"{address}/places/toilet/{place_id}")
        page.fill("#f-phone", "010-1111" if name == "wang" else "010-2222")
    saved(pages["wang"])
    saved(pages["li"])
    page = pages["li"]
    assert page.locator(".contests label b").all_inner_texts() == ["010-1111", "010-2222"]
    page.check('[name="choice.phone"][value=theirs]')
    assert "没有改动" in saved(page)[0]
    assert district.store.features([place_id])[0].phone == "010-1111"


def test_without_scripts_a_place_is_found_changed_and_saved(desk, district, address):
    page = desk(PHONE, java_script_enabled=False).page
    page.goto(f"{address}/places?layer=toilet&q=toilet-007")
    page.click(".rows a")
    page.fill("#f-address", "没有脚本的地址")
    with page.expect_navigation():
        page.click(".save button")
    assert "已保存" in page.inner_text(".done")
    assert district.store.features(["xhy-toilet-007"])[0].address == "没有脚本的地址"


def test_areas_are_drawn_as_outlines_whose_names_are_text_and_a_click_opens_one(desk, district, address):
    area = district.places("community").features[0]
    district.store.apply(
        [Edit("community", area.id, None, area, replace(area, name=HOSTILE))],
        actor="test",
        role="test",
        source="t",
        at=NOON,
    )
    seen = desk()
    page = seen.page
    page.goto(f"{address}/places?layer=community")
    wait_until_ready(page)
    outlines = page.locator("path.area")
    assert outlines.count() == len(district.places("community").features)
    page.evaluate(
        "(id) => districtMap.eachLayer((one) => {"
        " if (one.feature?.id === id) one.openTooltip(one.getBounds().getCenter()); })",
        area.id,
    )
    assert page.locator(".leaflet-tooltip span").text_content() == HOSTILE
    assert page.evaluate("() => [window.hacked, document.images.length]") == [None, 0]
    with page.expect_navigation():
        outlines.first.click(force=True)
    assert "/places/community/" in page.url
    assert seen.complaints == []


def test_tab_leads_past_the_pins_from_the_list_to_the_form(desk, address):
    page = desk().page
    page.goto(f"{address}/places/toilet/xhy-toilet-001")
    wait_until_ready(page)
    page.locator(".rows a").last.focus()
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("""() => { const at = document.activeElement;
            return at.closest(".leaflet-marker-icon") ? (at.classList.contains("on") ? "own pin" : "pin")
                : at.closest(".form") ? "form" : "other"; }""")
        )
        if seen[-1] == "form":
            break
    assert seen[-1] == "form"
    assert "own pin" in seen
    assert "pin" not in seen


def test_hostile_names_and_notes_stay_text_in_list_form_and_map(desk, district, address):
    station = district.store.layer("station").features[7]
    hostile = replace(station, name=HOSTILE, address=HOSTILE, services=(Service("rest", None, HOSTILE),))
    district.store.apply(
        [Edit("station", station.id, None, station, hostile)],
        actor="li",
        role="editor",
        source="test",
        at=NOON,
    )
    seen = desk()
    page = seen.page
    for path in ("/places?layer=station", f"/places/station/{station.id}"):
        page.goto(address + path)
        wait_until_ready(page)
        assert page.evaluate("() => [window.hacked, document.images.length]") == [None, 0]
    page.fill("#f-hours", HOSTILE)
    page.wait_for_selector(".means .bad")
    assert page.evaluate("() => [window.hacked, document.images.length]") == [None, 0]
    assert re.search("img src=x", page.input_value("#f-name"))
    assert seen.complaints == []
    assert foreign(seen, address) == []
