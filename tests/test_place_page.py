"""A place's own page: what it says, with scripts and without, in a kept copy, and what one can do on it."""

import dataclasses
import json
import shutil
from datetime import date, datetime, timedelta

import pytest
from playwright.sync_api import sync_playwright

from geo_service.desk.doubts import settle_doubts, standing_doubts
from geo_service.districts import open_district
from geo_service.exchange.navlinks import decode_link
from geo_service.geo import distance_m
from geo_service.hours import SHANGHAI
from geo_service.layers import Access, Edit, Service
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.photos import strip_notes
from tests.browsing import DESK, FLAGS, HOSTILE, LOOKS, PHONE, Visit, axe, served, wait_until_ready
from tests.user_agents import AGENTS

NOON = datetime(2026, 9, 30, 12, 0, tzinfo=SHANGHAI)
"""The day before National Day, so that the week holds festivals."""

JPEG = (
    b"\xff\xd8"
    + b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    + b"\xff\xe1\x00\x10Exif\x00\x00GPS39.95"
    + b"\xff\xfe\x00\x08mine!!"
    + b"\xff\xda\x00\x04\x01\x02picture\xff\xd9"
)
"""A picture with a camera's notes, as a file has it."""

PLACE = "xhy-station-002"
PATH = f"/xiangheyuan/p/{PLACE}"
AGENT = {agent.name: agent.agent for agent in AGENTS}


@pytest.fixture(scope="module")
def district(demo_directory, tmp_path_factory):
    """A district of which one place has everything a page can show, and a picture."""
    directory = tmp_path_factory.mktemp("place") / "xiangheyuan"
    shutil.copytree(demo_directory, directory, ignore=shutil.ignore_patterns("jit"))
    (directory / "photos" / "s2").mkdir(parents=True)
    (directory / "photos" / "s2" / "door.jpg").write_bytes(JPEG)
    (directory / "secret.jpg").write_bytes(JPEG)
    opened = open_district(directory)
    was = opened.place(PLACE)
    now = dataclasses.replace(
        was,
        hours="Mo-Fr 08:00-12:00,13:00-20:00; PH 10:00-16:00",
        phone="010-0000 0000",
        photos=("s2/door.jpg", "s2/missing.jpg"),
        services=(
            Service("microwave"),
            Service("meeting_room", "Mo-Fr 14:00-17:00", note="议事厅"),
            Service("rider_meal", price="12元", valid_until=date(2026, 12, 31), note="凭骑手证"),
            Service("discount", price="9折", valid_from=date(2026, 11, 1)),
            Service("haircut", valid_until=date(2026, 9, 1)),
        ),
        access=(Access("staff", "08:00-20:00"), Access("code", "20:00-08:00", "问副站长")),
    )
    opened.store.apply(
        [Edit("station", PLACE, opened.store.layer("station").version, was, now)],
        actor="test",
        role="admin",
        source="test",
        at=NOON,
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(district):
    return create_app({district.id: district}, Settings(), clock=lambda: NOON)


@pytest.fixture(scope="module")
def zh(app):
    return app.test_client().get(f"{PATH}?lang=zh").text


@pytest.fixture(scope="module")
def en(app):
    return app.test_client().get(f"{PATH}?lang=en").text


# -- what the server says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "12元",
        "有效期至 2026-12-31",
        "凭骑手证",
        "2026-11-01 起",
        "已于 2026-09-01 结束",
        "周一至周五 14:00-17:00",
        "国庆节",
        "今天",
        "有人值守",
        "08:00-20:00",
        "问副站长",
        "tel:01000000000",
        "演示数据",
    ],
)
def test_the_page_says_all_that_is_known(zh, words):
    assert words in zh


def test_benefits_come_apart_from_services_and_what_is_over_is_struck_out(zh):
    benefits, services = zh.index('id="benefits-head"'), zh.index('id="services-head"')
    assert benefits < zh.index("骑手套餐" if "骑手套餐" in zh else "12元") < services < zh.index("议事厅")
    assert 'class="service over" data-kind="haircut"' in zh


def test_the_week_begins_today_names_festivals_and_says_every_day_s_hours(zh):
    rows = zh.split('<tr data-on="')[1:]
    assert [row[:10] for row in rows] == [str(date(2026, 9, 30) + timedelta(days=n)) for n in range(14)]
    assert "08:00–12:00、13:00–20:00" in rows[0]
    assert "国庆节" in rows[1]
    assert "10:00–16:00" in rows[1]
    assert [" hidden>" in row.split("<th")[0] for row in rows] == [False] * 7 + [True] * 7


def test_the_way_in_that_holds_now_is_marked(zh):
    staff, code = zh.split('id="ways-in"')[1].split("<li")[1:3]
    assert 'class="holds"' in staff
    assert 'class="holds"' not in code


def test_english_has_english_words(en):
    for words in ("valid to 2026-12-31", "ended on 2026-09-01", "National Day", "today", "How fresh this is"):
        assert words in en


def test_every_age_says_when_and_in_which_role(zh, district):
    checked = district.place(PLACE).provenance.checked
    for one in checked.values():
        assert f'<time datetime="{one.on}">' in zh


def test_the_code_leads_to_the_map_from_this_place(zh):
    assert f'href="http://localhost/xiangheyuan/#here={PLACE}"' in zh
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in zh.split('class="code"')[1]


def test_a_picture_is_sent_without_its_camera_s_notes_and_nothing_beside_the_folder(app, zh):
    client = app.test_client()
    assert 'src="/xiangheyuan/photos/s2/door.jpg"' in zh
    assert "missing.jpg" not in zh
    assert "secret" not in zh
    picture = client.get("/xiangheyuan/photos/s2/door.jpg")
    assert picture.mimetype == "image/jpeg"
    assert b"Exif" not in picture.data
    assert b"mine" not in picture.data
    assert picture.data.endswith(b"picture\xff\xd9")
    for name in ("../secret.jpg", "%2e%2e/secret.jpg", "s2", "s2/door.txt", "../district.toml"):
        assert client.get(f"/xiangheyuan/photos/{name}").status_code == 404


def test_a_damaged_picture_is_refused_and_a_png_keeps_its_pixels():
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\4IHDRabcdcrc0" + b"\0\0\0\3eXIfgpscrc1" + b"\0\0\0\0IENDcrc2"
    assert strip_notes(png, "image/png") == png.replace(b"\0\0\0\3eXIfgpscrc1", b"")
    for damaged in (b"", b"\xff\xd8\xff", b"\xff\xd8\x00\x00", JPEG[:30]):
        with pytest.raises(LookupError):
            strip_notes(damaged, "image/jpeg")


def test_a_tap_that_arrives_twice_counts_once(app, district):
    client, body = (
        app.test_client(),
        {"claim": "shut_now", "key": "2b1c54e6-7f0d-4c2a-9a41-0d5a3f6e8b17", "age_s": "90"},
    )
    path = "/xiangheyuan/p/xhy-station-005/say"
    said = [client.post(path, data=body, headers={"Accept": "application/json"}).json for _ in range(3)]
    assert [one["counted"] for one in said] == [True, False, False]
    (doubt,) = standing_doubts(district.store)["xhy-station-005"]
    assert (doubt.n_said, doubt.last_at) == (1, NOON - timedelta(seconds=90))


# -- in the browser ----------------------------------------------------------------------------------------


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

    def begin(viewport=PHONE, *, at=NOON, **options):
        seen = Visit(browser, address, viewport, **options)
        if options.get("java_script_enabled", True):
            seen.page.clock.install(time=at)
        visits.append(seen)
        return seen

    yield begin
    for done in visits:
        done.context.close()


@pytest.mark.browser
@pytest.mark.slow
@LOOKS
def test_axe_finds_nothing_and_everything_can_be_tapped(visit, viewport, scheme):
    seen = visit(viewport, color_scheme=scheme, bypass_csp=True)
    page = seen.open(f"{PATH}?lang={'zh' if scheme == 'light' else 'en'}")
    assert axe(page) == []
    small = page.evaluate("""() => [...document.querySelectorAll("a, button, summary")]
        .filter((one) => one.offsetParent !== null)
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
        .filter(([, box]) => box.width < 43.9 || box.height < 43.9)
        .map(([html, box]) => `${html} ${box.width}x${box.height}`)""")
    assert small == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-navigate]").click()
    assert axe(page) == []
    assert seen.complaints == []
    assert seen.foreign == []


@pytest.mark.browser
@pytest.mark.slow
def test_without_scripts_every_app_and_every_fact_is_there(visit, district):
    page = visit(java_script_enabled=False).open(PATH, ready=False)
    links = page.locator(".ways .link")
    assert links.count() >= 8
    for i in range(links.count()):
        assert links.nth(i).is_visible()
        arrival = decode_link(links.nth(i).get_attribute("data-app"), links.nth(i).get_attribute("href"))
        assert distance_m([district.place(PLACE).target], [[arrival.lon, arrival.lat]])[0] < 1.0
    assert page.locator(".week tbody tr:visible").count() == 7
    assert page.locator(".tell button").count() == 3


@pytest.mark.browser
@pytest.mark.slow
def test_a_copy_that_was_kept_marks_the_day_it_is_and_says_the_state_of_now(visit):
    later = NOON + timedelta(days=2, hours=6, minutes=-30)  # 2 October, 17:30: shut since 16:00, a festival
    page = visit(at=later).open(PATH)
    # what was kept said "shut, opens at 13:00"
    page.wait_for_selector("#state:has-text('10:00') .state.closed")
    rows = page.locator(".week tbody tr:visible")
    assert rows.count() == 7
    assert rows.first.get_attribute("data-on") == "2026-10-02"
    assert "today" in rows.first.get_attribute("class")
    assert rows.first.locator("rect.now").get_attribute("x") == str(17 * 60 + 30 - 6)


@pytest.mark.browser
@pytest.mark.slow
def test_without_a_pack_a_kept_copy_says_how_old_its_state_is(visit):
    seen = visit(at=NOON + timedelta(hours=3))
    seen.page.route("**/pack/**", lambda route: route.abort())
    page = seen.open(PATH)
    page.wait_for_selector("#as-of:not([hidden])")
    assert "09-30 12:00" in page.locator("#as-of").inner_text()


@pytest.mark.browser
@pytest.mark.slow
def test_one_tap_tells_us_and_counts_once(visit, district):
    settle_doubts(district.store, PLACE)
    page = visit().open(PATH)
    page.locator(".tell button[value=wrong]").click()
    page.wait_for_selector(".told:not([hidden])")
    assert "已记下" in page.locator(".told").inner_text()
    assert [(d.claim, d.n_said) for d in standing_doubts(district.store)[PLACE]] == [("wrong", 1)]
    assert page.url.endswith(PATH)


@pytest.mark.browser
@pytest.mark.slow
def test_without_a_network_a_tap_waits_and_is_sent_once(visit, district):
    seen = visit()
    page = seen.open("/xiangheyuan/p/xhy-station-006")
    page.wait_for_load_state("networkidle")
    page.route("**/say", lambda route: route.abort())
    page.locator(".tell button[value=shut_now]").click()
    page.wait_for_selector(".told:not([hidden])")
    assert "没有网络" in page.locator(".told").inner_text()
    assert "xhy-station-006" not in standing_doubts(district.store)
    page.unroute("**/say")
    page.reload()
    wait_until_ready(page)
    page.evaluate("""async () => { const { flush } = await import(
        document.querySelector('script[type=module]').src.replace('place.js', 'rider/queue.js')); await flush(); }""")
    assert [(d.claim, d.n_said) for d in standing_doubts(district.store)["xhy-station-006"]] == [
        ("shut_now", 1)
    ]


@pytest.mark.browser
@pytest.mark.slow
def test_sharing_copies_the_page_s_own_address_where_the_phone_cannot_share(visit, address):
    seen = visit(DESK, permissions=["clipboard-read", "clipboard-write"])
    page = seen.open(f"{PATH}?lang=zh#x")
    page.evaluate("() => { Object.defineProperty(navigator, 'share', { value: undefined }); }")
    page.locator("#share").click()
    page.get_by_text("链接已复制").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == address + PATH


@pytest.mark.browser
@pytest.mark.slow
def test_a_hostile_name_stays_text(browser, district):
    class Hostile:
        directory, id = district.directory, district.id

        def __getattr__(self, attribute):
            return getattr(district, attribute)

        def place(self, place_id):
            found = district.place(place_id)
            services = (Service("microwave", note=HOSTILE, price=HOSTILE),)
            return dataclasses.replace(found, name=HOSTILE, address=HOSTILE, phone=HOSTILE, services=services)

        def place_json(self, place, at):
            return district.place_json(place, at)

    with served(create_app({district.id: Hostile()}, Settings(), clock=lambda: NOON)) as home:
        seen = Visit(browser, home)
        page = seen.open(PATH)
        page.locator("[data-navigate]").click()
        assert page.locator("dialog h2").inner_text().startswith("<img src=x")
        assert page.evaluate("() => window.hacked") is None
        assert seen.complaints == []
        seen.context.close()


# -- the chooser -------------------------------------------------------------------------------------------


def hold_links(page):
    """Keep taps on links from leaving, and note where they would have led."""
    page.evaluate("""() => { window.led = []; document.addEventListener("click", (event) => {
        const link = event.target.closest("a[href]");
        if (link && link.dataset.app) { window.led.push(link.href); event.preventDefault(); } }, true); }""")
    return page


@pytest.mark.browser
@pytest.mark.slow
def test_the_app_is_asked_for_once_then_the_button_goes_there_and_a_long_press_asks_again(visit):
    page = hold_links(visit(user_agent=AGENT["Chrome on Android"]).open(PATH))
    go = page.locator("[data-navigate]")
    go.click()
    assert page.locator("dialog").is_visible()
    page.locator("dialog .link[data-app=amap_android]").click()
    assert not page.locator("dialog").is_visible()
    go.click()
    assert not page.locator("dialog").is_visible()
    led = page.evaluate("() => window.led")
    assert len(led) == 2
    assert all(url.startswith("intent://route/plan/?") for url in led)
    assert all("rideType=elebike#Intent;scheme=amapuri;package=com.autonavi.minimap;" in url for url in led)
    box = go.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.clock.run_for(700)
    assert page.locator("dialog").is_visible()
    page.mouse.up()
    assert page.evaluate("() => window.led.length") == 2


@pytest.mark.browser
@pytest.mark.slow
def test_the_menu_key_and_a_visible_button_change_the_app_as_well(visit):
    page = hold_links(visit(DESK).open(PATH))
    page.locator("[data-navigate]").click()
    page.locator("dialog .link[data-app=osmand]").click()
    assert "OsmAnd" in page.locator(".remembered").inner_text()
    page.locator("[data-navigate]").dispatch_event("contextmenu")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    page.locator(".remembered button").click()
    page.locator("[data-navigate]").click()
    assert page.locator("dialog").is_visible()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected", "hint"),
    [
        ("Safari on an iPhone", "amap_ios", None),
        ("Huawei Browser, HarmonyOS 5", "amap_harmony", None),
        ("Huawei Browser, HarmonyOS 4: runs Android's apps", "amap_android", None),
        ("WeChat on an iPhone", None, "在浏览器打开"),
        ("WeChat on Android", None, "在浏览器打开"),
        ("QQ on Android", None, "用浏览器打开"),
        ("DingTalk on Android", "amap_android", "复制链接"),
    ],
)
def test_each_browser_is_offered_what_it_can_open_and_the_hint_it_needs(visit, name, expected, hint):
    page = hold_links(visit(user_agent=AGENT[name]).open(PATH))
    page.locator("[data-navigate]").click()
    offered = page.locator("dialog .link").evaluate_all(
        "all => all.map((one) => [one.dataset.app, one.href])"
    )
    if expected:
        assert expected in dict(offered)
    else:
        assert all(url.startswith("https:") for _, url in offered)
        assert {"amap_web", "tencent_web"} <= set(dict(offered))
    said = page.locator("dialog .way-out").all_inner_texts()
    assert bool(said) == bool(hint)
    assert not hint or hint in said[0]


@pytest.mark.browser
@pytest.mark.slow
def test_an_app_that_does_not_open_is_followed_by_the_question_again(visit):
    page = hold_links(visit(user_agent=AGENT["Safari on an iPhone"]).open(PATH))
    page.locator("[data-navigate]").click()
    page.locator("dialog .link[data-app=amap_ios]").click()
    page.locator("[data-navigate]").click()
    assert not page.locator("dialog").is_visible()
    page.clock.run_for(3000)
    assert "没打开" in page.locator("dialog .question").inner_text()


TWO = """async ([url, place, onward]) => {
    const [{ openChooser }, index] = await Promise.all([import(url), fetch("/xiangheyuan/pack/index.json")]);
    const { apps } = await index.json();
    await openChooser(place, { apps, onward }); }"""


@pytest.mark.browser
@pytest.mark.slow
def test_a_stop_on_the_way_has_two_links(visit, district, app):
    page = hold_links(visit(user_agent=AGENT["Chrome on Android"]).open(PATH))
    place = district.place(PLACE)
    lon, lat = place.target
    chooser = app.extensions["assets"].url("links/chooser.js")
    onward = {"lonlat": [lon + 0.01, lat], "name": "送餐地"}
    page.evaluate(TWO, [chooser, {"target": [lon, lat], "name": place.name}, onward])
    page.locator("dialog .link[data-app=amap_android]").click()
    page.locator("dialog .onward").nth(1).wait_for()
    page.locator("dialog .onward a").nth(1).click()
    stop, then = (
        decode_link("amap_android", url.partition("#Intent")[0].replace("intent://", "amapuri://"))
        for url in page.evaluate("() => window.led")
    )
    assert (stop.name, then.name) == (place.name, "送餐地")
    assert distance_m((stop.lon, stop.lat), (lon, lat)) < 1
    assert distance_m((then.lon, then.lat), (lon + 0.01, lat)) < 1


@pytest.mark.browser
@pytest.mark.slow
def test_what_the_chooser_remembers_is_an_app_and_no_place(visit):
    page = hold_links(visit().open(PATH))
    page.locator("[data-navigate]").click()
    page.locator("dialog .link").first.click()
    kept = page.evaluate("() => JSON.parse(localStorage.getItem('map-app'))")
    assert sorted(kept) == ["app", "label"]
    assert json.dumps(kept).count("116.") == 0
