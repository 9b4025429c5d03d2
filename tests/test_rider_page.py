"""Errands on the rider's page in a real browser: a rider at a red light, with one thumb, at noon and at night."""

from datetime import datetime, timedelta

import pytest

from geo_service.hours import SHANGHAI
from geo_service.settings import Settings
from geo_service.web import create_app
from tests.browsing import DESK, LOOKS, PHONE, another_page, axe, served, wait_until_ready
from tests.gates import NOON, SETTLED, amap_link, press, settle, visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LAYERS = ("station", "toilet", "swap", "charging", "water", "merchant", "clinic")
CARDS = """() => [...document.querySelectorAll(".cards .card")].map((card) =>
    [".name", ".facts", ".minutes"].flatMap((part) => [...card.querySelectorAll(part)].map((one) =>
        one.textContent.replace(/\\s+/g, " ").trim())))"""


@pytest.fixture(scope="module")
def home(demo_district):
    with served(create_app({demo_district.id: demo_district}, Settings(), clock=lambda: NOON)) as address:
        yield address + "/"


@pytest.fixture
def visit(browser, home):
    """Begin a visit; what went wrong in any is found at the end."""
    visits = []

    def begin(path="xiangheyuan/", *, ready=True, **options):
        seen = visiting(browser, home, **options)
        visits.append((seen, seen.__enter__()))
        page = visits[-1][1].page
        page.goto(home + path)
        if ready:
            wait_until_ready(page)
        return page

    yield begin
    for opened, seen in visits:
        complaints = seen.complaints
        opened.__exit__(None, None, None)
        assert complaints == []


def heading(page):
    return page.locator("#heading").inner_text()


def find(page, text):
    """Type into the open window and take the first that is found."""
    page.locator("#where-text").fill(text)
    page.locator("#where-found .hit").first.click()
    settle(page)


def centre_moved(district, east, north):
    lon, lat = district.centre
    return lon + east, lat + north


def far_from(layer, metres, district):
    """A toilet that is farther from the nearest place of a layer."""
    for place in district.places("toilet").features:
        (found,) = district.nearest(origin=place.target, layer=layer, at=NOON, k=1)["results"]
        if found["length_m"] > metres:
            return place.target
    raise AssertionError(f"every toilet has a {layer} within {metres} m")


# --- the first screen ------------------------------------------------------------------------


def test_the_sentence_and_three_whole_cards_are_on_the_first_screen_of_a_phone(visit):
    page = visit()
    third = page.locator(".card").nth(2).bounding_box()
    assert "最近的驿站" in heading(page)
    assert third["y"] + third["height"] <= PHONE["height"] + 1
    assert page.locator("#heading").bounding_box()["y"] < page.locator(".card").first.bounding_box()["y"]


def test_a_card_says_when_how_far_how_to_get_in_what_is_there_and_how_old_that_is(visit):
    card = visit().locator(".card").first
    words = card.inner_text()
    assert "开放 · 24 小时" in words
    assert "分" in words
    assert "微波炉" in words
    assert "核实" in words
    assert card.locator(".way").inner_text()
    go = card.locator(".go summary").bounding_box()
    assert go["width"] >= 64
    assert go["height"] >= 48


def test_with_scripts_off_the_list_and_both_kinds_of_chips_work(visit):
    page = visit("xiangheyuan/?lang=zh", ready=False, java_script_enabled=False)
    assert page.locator(".card").first.is_visible()
    page.locator(".kinds .chip", has_text="微波炉").click()
    assert "service=microwave" in page.url
    assert page.locator(".card").first.is_visible()
    page.locator(".layers .chip[data-key=toilet]").click()
    assert "最近的爱心公厕" in heading(page)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_phone_words_a_list_exactly_as_the_server_does(visit, layer, lang):
    page = visit(f"xiangheyuan/?layer={layer}&lang={lang}")
    count = "() => document.getElementById('count').lastChild.textContent.trim()"
    served_list = page.evaluate(CARDS), heading(page), page.evaluate(count)
    press(page, f".layers .chip[data-key={layer}]")
    assert page.locator("button[data-navigate]").count() == len(served_list[0])
    made = page.evaluate(CARDS), heading(page), page.evaluate(count)
    assert made == served_list


def test_a_chip_answers_in_place_and_stays_with_a_reload(visit):
    page = visit()
    page.evaluate("() => { window.stayed = true; }")
    press(page, ".layers .chip[data-key=swap]")
    assert page.evaluate("() => window.stayed") is True
    assert "换电站" in heading(page)
    assert page.url.endswith("?layer=swap")
    page.reload()
    wait_until_ready(page)
    assert page.locator(".layers [aria-current]").get_attribute("data-key") == "swap"


def test_a_service_chip_keeps_those_that_offer_it_and_names_it_first(visit):
    page = visit("xiangheyuan/?layer=clinic")
    every = page.locator(".card").count()
    press(page, ".kinds .chip[data-kind=emergency]")
    assert 0 < page.locator(".card").count() < every
    assert all(words.startswith("急诊") for words in page.locator(".card .offers").all_inner_texts())
    press(page, ".kinds .chip[data-kind=emergency]")
    assert page.locator(".card").count() == every


def test_a_pin_without_a_card_gets_one_above_the_list(visit):
    page = visit("xiangheyuan/?layer=merchant", viewport=DESK)
    listed = page.locator(".cards .card").evaluate_all("cards => cards.map((card) => card.dataset.id)")
    assert len(listed) == 24
    page.evaluate("() => districtMap.setZoom(18, { animate: false })")
    unlisted = page.evaluate(
        """async (listed) => {
        const { rows } = await (await fetch("pins.json?layer=merchant")).json();
        return rows.find(([id]) => !listed.includes(id)); }""",
        listed,
    )
    page.evaluate("([, , lon, lat]) => districtMap.setView([lat, lon], 18, { animate: false })", unlisted)
    page.locator(f".leaflet-marker-icon[aria-label='{unlisted[1]}']").first.click()
    page.wait_for_selector("#chosen .card.selected")
    assert unlisted[1] in page.locator("#chosen .name").inner_text()


# --- where am I ------------------------------------------------------------------------------


def test_the_phone_is_asked_for_its_position_only_after_a_tap(visit, browser, demo_district, home):
    lon, lat = centre_moved(demo_district, 0.004, 0.004)
    with visiting(browser, home, position=(lon, lat)) as seen:
        page = seen.page
        page.add_init_script("""const ask = Geolocation.prototype.getCurrentPosition; window.asked = 0;
            Geolocation.prototype.getCurrentPosition = function (...all) { window.asked++; ask.apply(this, all); }""")
        page.goto(home + "xiangheyuan/")
        wait_until_ready(page)
        press(page, ".layers .chip[data-key=toilet]")
        before = page.evaluate("() => window.asked"), heading(page)
        page.locator("#locate").click()
        page.wait_for_selector(".me")
        settle(page)
        assert before[0] == 0
        assert page.evaluate("() => window.asked") == 1
        assert page.locator("#from").inner_text() == "从我的位置"


@pytest.mark.parametrize("first", ["where", "chip", "none"])
def test_the_button_asks_which_app_whatever_was_asked_before(visit, demo_district, first):
    page = visit()
    if first == "where":
        page.locator("#from").click()
        find(page, amap_link(centre_moved(demo_district, 0.003, -0.002)))
    if first == "chip":
        press(page, ".layers .chip[data-key=water]")
    page.locator(".card [data-navigate], .card summary").first.click()
    page.wait_for_selector("#chooser[open] .link")
    name = page.locator(".card .name").first.evaluate("(one) => one.lastChild.textContent")
    assert page.locator("#chooser h2").inner_text() == name


def test_a_phone_that_gives_no_position_is_told_so_and_the_list_stays(visit):
    page = visit(permissions=[])
    page.locator("#locate").click()
    page.wait_for_selector("#message:not([hidden])", timeout=15_000)
    page.wait_for_function("() => document.getElementById('message').textContent.includes('没有给出位置')")
    assert page.locator(".card").count() == 11


@pytest.mark.parametrize("typed", ["name", "pinyin", "initials"])
def test_a_place_is_found_by_name_pinyin_and_initials(visit, demo_district, typed):
    from pypinyin import lazy_pinyin

    name = demo_district.places("station").features[3].name
    sign = name.split("·")[-1]
    syllables = lazy_pinyin(sign)
    text = {"name": sign, "pinyin": "".join(syllables), "initials": "".join(s[0] for s in syllables)}[typed]
    page = visit()
    page.locator("#find").click()
    page.locator("#where-text").fill(text)
    page.wait_for_selector("#where-found .hit")
    assert name in page.locator("#where-found .hit b").all_inner_texts()


def test_a_found_place_is_shown_on_the_map_with_its_card(visit, demo_district):
    toilet = demo_district.places("toilet").features[5].name
    page = visit()
    page.locator("#find").click()
    page.locator("#where-text").fill(toilet)
    page.locator("#where-found .hit").first.click()
    page.wait_for_selector(".card.selected")
    assert toilet in page.locator(".card.selected .name").first.inner_text()
    assert page.locator(".layers [aria-current]").get_attribute("data-key") == "toilet"


def test_a_street_name_is_a_start(visit, demo_district):
    page = visit()
    page.locator("#from").click()
    page.locator("#where-text").fill("路")
    page.wait_for_selector("#where-found .hit")
    name = page.locator("#where-found .hit b").first.inner_text()
    page.locator("#where-found .hit").first.click()
    settle(page)
    assert page.locator("#from").inner_text() == f"从{name}"


def test_a_pasted_link_is_a_start_and_a_short_one_is_refused_with_the_remedy(visit, demo_district):
    page = visit()
    page.locator("#from").click()
    page.locator("#where-text").fill("https://surl.amap.com/3xYz9Q")
    page.wait_for_selector("#where-note:not([hidden])")
    assert "完整" in page.locator("#where-note").inner_text()
    find(page, amap_link(centre_moved(demo_district, 0.003, -0.002)))
    page.wait_for_selector(".me")
    assert page.locator("#from.set").count() == 1


def test_a_tap_on_the_map_asks_what_the_spot_is(visit):
    page = visit()
    page.mouse.click(200, 215)
    page.locator("#spot-from").click()
    settle(page)
    page.wait_for_selector(".me")
    assert page.locator("#from").inner_text() == "从地图上的点"
    assert page.locator("#spot-here").is_hidden()


def test_a_station_s_code_is_a_start_and_an_unknown_one_is_said(visit, demo_district):
    station = demo_district.places("station").features[2]
    page = visit(f"xiangheyuan/?layer=toilet#here={station.id}")
    assert page.locator("#from").inner_text() == f"从{station.name}"
    page.goto(page.url.split("#")[0].split("?")[0] + "?layer=water#here=nobody-knows")
    wait_until_ready(page)
    assert "这个码" in page.locator("#message").inner_text()


def test_the_last_area_is_remembered_on_the_phone_until_it_is_taken_back(visit, demo_district):
    page = visit()
    page.locator("#from").click()
    find(page, amap_link(centre_moved(demo_district, 0.006, 0.004)))
    said = heading(page), page.evaluate(CARDS)
    page.reload()
    wait_until_ready(page)
    assert (heading(page), page.evaluate(CARDS)) == said
    page.locator("#from").click()
    page.locator("#where-clear").click()
    settle(page)
    page.reload()
    wait_until_ready(page)
    assert page.locator("#from.set").count() == 0


def test_the_journey_stays_when_the_language_changes(visit, demo_district):
    page = visit()
    press(page, ".layers .chip[data-key=toilet]")
    page.locator("#from").click()
    find(page, amap_link(centre_moved(demo_district, 0.006, 0.004)))
    with another_page(page):
        page.locator(".language").click()
    assert "Nearest toilet" in heading(page)
    assert page.locator("#from.set").count() == 1
    assert all(
        "lang=en" in link for link in page.locator(".chip").evaluate_all("all => all.map((a) => a.href)")
    )


# --- on the way, and as far as the battery goes ----------------------------------------------


def test_on_the_way_three_stops_come_by_added_time(visit, demo_district):
    page = visit("xiangheyuan/?layer=toilet")
    page.locator("#to").click()
    find(page, amap_link(centre_moved(demo_district, 0.014, 0.008)))
    added = page.locator(".card .minutes").all_inner_texts()
    assert len(added) == 3
    assert all(words.startswith("+") for words in added)
    assert heading(page).startswith("顺路爱心公厕只多")
    assert "直达" in page.locator("#count").inner_text()
    page.locator("#to").click()
    page.locator("#where-clear").click()
    settle(page)
    assert "最近的爱心公厕" in heading(page)


def test_only_cabinets_within_range_are_listed_and_none_is_said_plainly(visit, demo_district):
    page = visit("xiangheyuan/?layer=swap")
    every = page.locator(".card").count()
    page.locator("#battery").click()
    page.locator("#range").fill("3")
    page.locator(".do").click()
    settle(page)
    some = page.locator(".card").count()
    page.locator("#battery").click()
    page.locator("#range").fill("1")
    settle(page)
    assert 0 < some < every
    assert heading(page) == "到了还能剩 1 公里的换电站一处也没有"
    assert "到得了，但只剩" in page.locator(".empty").inner_text()
    assert "留不够" in page.locator(".card.beyond").inner_text()
    page.locator("#from").click()
    find(page, amap_link(far_from("swap", 1200, demo_district)))
    page.locator("#reserve").fill("0")
    settle(page)
    assert heading(page) == "够得着的换电站一处也没有"
    assert "够不着" in page.locator(".card.beyond").inner_text()


def test_operator_and_voltage_narrow_the_cabinets_and_the_range_is_remembered(visit):
    page = visit("xiangheyuan/?layer=swap")
    page.locator("#battery").click()
    page.locator("#range").fill("25")
    page.locator("#voltage").select_option("72")
    page.locator(".do").click()
    settle(page)
    assert all("72" in words for words in page.locator(".card .offers").all_inner_texts())
    page.reload()
    wait_until_ready(page)
    page.locator("#battery").click()
    page.wait_for_selector("#battery-panel:not([hidden])")
    assert page.locator("#range-words").inner_text() == "25 公里"
    assert page.locator("#voltage").input_value() == "72"


def test_after_a_drop_off_less_is_within_range(visit, demo_district):
    page = visit("xiangheyuan/?layer=swap")
    page.locator("#to").click()
    find(page, amap_link(centre_moved(demo_district, 0.014, 0.010)))
    page.locator("#battery").click()
    page.locator("#range").fill("4")
    page.locator(".do").click()
    settle(page)
    after = page.locator(".card:not(.beyond)").count()
    page.locator("#battery").click()
    page.locator("#via").uncheck()
    settle(page)
    assert after < page.locator(".card:not(.beyond)").count()


# --- night, glare, gloves, ears --------------------------------------------------------------


def test_dark_follows_the_phone_and_the_sun_until_one_chooses(visit):
    def theme(page):
        return page.evaluate("() => document.documentElement.dataset.theme")

    night = NOON + timedelta(hours=9)
    assert theme(visit()) == "light"
    assert theme(visit(color_scheme="dark")) == "dark"
    page = visit(at=night)
    assert theme(page) == "dark"
    seen = []
    for _ in range(3):
        page.locator("#theme").click()
        seen.append((theme(page), page.locator("#theme").get_attribute("aria-label")))
    assert [one for one, _ in seen] == ["light", "dark", "dark"]
    assert "自动" in seen[2][1]


def test_the_sun_of_the_district_sets_when_almanacs_say(visit):
    # Beijing, 18 November: sunrise 7:01, sunset 16:56; 21 June: 4:46 and 19:46
    page = visit()
    minutes = [
        ((11, 18, 6, 53), True),
        ((11, 18, 7, 9), False),
        ((11, 18, 16, 48), False),
        ((11, 18, 17, 4), True),
        ((6, 21, 4, 38), True),
        ((6, 21, 4, 54), False),
        ((6, 21, 19, 38), False),
        ((6, 21, 19, 54), True),
    ]
    for at, is_night in minutes:
        instant = datetime(2026, *at, tzinfo=SHANGHAI).timestamp() * 1000
        assert page.evaluate("(at) => theme.isNight(at)", instant) is is_night, at


CONTRAST = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((v) => {
      const s = v / 255;
      return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
  };
  return [...document.querySelectorAll(".minutes, .state, #heading, .name")].map((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), one.textContent.trim()];
  }).filter(([ratio]) => ratio < 7);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_minutes_and_states_stand_out_seven_to_one_also_when_chosen(visit, scheme):
    page = visit("xiangheyuan/?layer=clinic", color_scheme=scheme)
    page.locator(".card .row").first.click()
    page.wait_for_selector(".card.selected")
    assert page.evaluate(CONTRAST) == []


@LOOKS
def test_axe_finds_nothing_in_what_opens_later(visit, demo_district, viewport, scheme):
    page = visit("xiangheyuan/?layer=swap", viewport=viewport, color_scheme=scheme, bypass_csp=True)
    page.locator("#to").click()
    page.locator("#where-text").fill("路")
    page.wait_for_selector("#where-found .hit")
    assert axe(page) == []
    page.locator("#where-found .hit").first.click()
    settle(page)
    page.locator("#battery").click()
    page.wait_for_selector("#battery-panel:not([hidden])")
    assert axe(page) == []


def test_all_that_opens_later_can_be_tapped_with_gloves(visit):
    page = visit("xiangheyuan/?layer=swap")
    page.locator("#battery").click()
    page.locator("#from").click()
    page.wait_for_selector("#where-found .hit")
    small = page.evaluate("""() => [...document.querySelectorAll("button, a, input, select, summary")]
        .filter((one) => one.offsetParent !== null && !one.classList.contains("skip") && one.type !== "checkbox")
        .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
        .filter(([, box]) => box.width < 43.9 || box.height < 43.9).map(([html]) => html)""")
    assert small == []


@pytest.mark.parametrize("path", ["xiangheyuan/", "xiangheyuan/?lang=en&layer=clinic"])
def test_at_twice_the_text_size_nothing_is_lost(visit, path):
    page = visit(path)
    page.evaluate(
        "() => { document.documentElement.style.fontSize = '200%'; dispatchEvent(new Event('resize')); }"
    )
    page.locator(".handle").press("Home")
    page.wait_for_timeout(300)
    cut = page.evaluate("""() => [...document.querySelectorAll(
          ".head h2, .count, .leg, .card .name, .card .facts, .card .minutes, .card summary, .find")]
        .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1
          && getComputedStyle(one).display !== "inline").map((one) => one.textContent.trim())""")
    assert cut == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_without_a_pointer_a_place_is_found_and_the_window_closed(visit, demo_district):
    page = visit(viewport=DESK)
    page.locator("#from").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#where[open]")
    page.keyboard.type("大街")
    page.wait_for_selector("#where-found .hit")
    page.keyboard.press("ArrowDown")
    name = page.evaluate("() => document.activeElement.querySelector('b').textContent")
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator("#from").inner_text() == f"从{name}"
    page.locator("#to").press("Enter")
    page.wait_for_selector("#where[open]")
    page.keyboard.press("Escape")
    assert not page.locator("#where").is_visible()
    assert page.evaluate("() => document.activeElement.id") == "to"


def test_the_answer_is_said_to_a_screen_reader(visit):
    page = visit()
    assert page.locator("#heading").get_attribute("aria-live") == "polite"
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button:not([hidden]), a, input, select")]
        .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length))
        .map((one) => one.outerHTML.slice(0, 90))""")
    assert unnamed == []


def test_who_wants_no_motion_gets_none(visit):
    page = visit(reduced_motion="reduce")
    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter((one) =>
        !["none", "all"].includes(getComputedStyle(one).transitionProperty) &&
        getComputedStyle(one).transitionDuration !== "0s").map((one) => one.className)""")
    assert moving == []


def test_the_first_card_is_read_aloud_in_the_page_s_language(visit, browser, home):
    with visiting(browser, home) as seen:
        page = seen.page
        page.add_init_script("""window.heard = []; const speak = SpeechSynthesis.prototype.speak;
            SpeechSynthesis.prototype.speak = function (said) {
              window.heard.push([said.lang, said.text]); speak.call(this, said); }""")
        page.goto(home + "xiangheyuan/")
        wait_until_ready(page)
        page.locator("#aloud").click()
        page.wait_for_function("() => window.heard.length === 1")
        lang, text = page.evaluate("() => window.heard[0]")
        assert lang == "zh-CN"
        assert text.startswith(heading(page))
        name = page.locator(".card .name").first.evaluate("(one) => one.lastChild.textContent")
        assert name.replace("·", " ") in text


def test_a_list_that_is_old_is_worked_out_anew(visit):
    page = visit(at=NOON + timedelta(hours=11))
    page.wait_for_selector(SETTLED)
    assert page.locator("button[data-navigate]").count() > 0
    served_then = NOON.isoformat()
    assert page.evaluate("() => document.body.dataset.at") == served_then
