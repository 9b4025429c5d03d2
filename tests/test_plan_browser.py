"""The planner's pages in a real browser: what is dragged is followed, kept and compared, by pointer and by keyboard."""

import json
import shutil

import pytest

from geo_service.desk.accounts import hash_password
from geo_service.districts import open_district
from geo_service.districts.plans.planner import Planner
from geo_service.planning.parameters import parameters_of
from geo_service.settings import Settings
from geo_service.store.accounts import Account
from geo_service.web import create_app
from tests.browsing import DESK, HOSTILE, PHONE, Visit, axe, eventually, served, wait_until_ready
from tests.test_desk_door import NOON, WORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HERE = "/xiangheyuan/plan/"


@pytest.fixture(scope="module")
def district(demo_directory, tmp_path_factory):
    directory = tmp_path_factory.mktemp("plan-browser") / "xiangheyuan"
    shutil.copytree(demo_directory, directory)
    opened = open_district(directory)
    opened.store.put_account(Account("li", hash_password(WORD), "viewer", NOON))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(district):
    with served(create_app({district.id: district}, Settings(), clock=lambda: NOON)) as home:
        yield home


@pytest.fixture
def visit(browser, address):
    visits = []

    def go(viewport=DESK, path=f"{HERE}?lang=zh", **options):
        seen = Visit(browser, address, viewport, **options)
        visits.append(seen)
        seen.open(path)
        return seen

    yield go
    for done in visits:
        done.context.close()


def steps(page):
    return int(page.locator("html").get_attribute("data-steps") or 0)


def settled(page, before):
    """Wait until what was changed has been answered and the address says it."""
    page.wait_for_function(
        "(before) => { const { steps, settled } = document.documentElement.dataset;"
        " return steps && steps !== before && settled === steps; }",
        arg=str(before),
    )


def cell(page, key, name):
    return page.locator(f'#summary tr[data-key="{key}"] .{name}').inner_text()


def parameters(page):
    return parameters_of(json.loads(page.locator(".plan-parameters").first.input_value()))


def follows(page, district):
    """What the page says of its parameters is what a planner says of them."""
    expected = Planner(district, parameters(page)).clock_json()
    assert cell(page, "covered", "then") == f"{expected['covered_share'] * 100:.1f}%"
    assert cell(page, "at_2", "then") == f"{expected['at']['02:00']['covered_share'] * 100:.1f}%"
    shown = page.locator("#clock button").all_inner_texts()
    for text, share in zip(shown, expected["clock"], strict=True):
        assert abs(int(text) - share * 100) <= 0.51
    return expected


def clean(seen):
    assert seen.complaints == []
    assert seen.foreign == []
    assert axe(seen.page) == []


def add_by_click(page):
    box = page.locator(".map").bounding_box()
    before = steps(page)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settled(page, before)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone-dark", "desk-light"]
)
def test_numbers_follow_a_site_while_it_is_dragged(visit, district, viewport, scheme):
    seen = visit(viewport, color_scheme=scheme)
    page = seen.page
    page.locator(".map").scroll_into_view_if_needed()
    x, y = add_by_click(page)
    assert parameters(page).changes[0].do == "site"
    before = steps(page)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x + 9 * step, y + 5 * step)
        page.wait_for_timeout(60)
    assert eventually(page, lambda: steps(page) > before + 1)  # it follows before the pointer lets go
    page.mouse.up()
    settled(page, before)
    assert follows(page, district)
    assert "changes=" in page.url
    clean(seen)


def test_everything_can_be_done_by_keyboard(visit, district):
    seen = visit()
    page = seen.page
    before = steps(page)
    page.locator("#add").focus()
    page.keyboard.press("Enter")
    settled(page, before)
    was = parameters(page).changes[0]
    before = steps(page)
    for key in ("Shift+ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    settled(page, before)
    now = parameters(page).changes[0]
    assert now.lon > was.lon
    assert now.lat > was.lat
    before = steps(page)
    page.locator("#places tr:nth-child(2) button").nth(1).press("Enter")
    settled(page, before)
    assert [change.do for change in parameters(page).changes] == ["site", "close"]
    before = steps(page)
    page.locator("#clock [aria-pressed=true]").press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    settled(page, before)
    assert page.locator("#left-when").inner_text() == "周二 13:00"
    follows(page, district)
    before = steps(page)
    page.locator(".site").locator("xpath=..").press("Delete")
    settled(page, before)
    assert [change.do for change in parameters(page).changes] == ["close"]
    before = steps(page)
    page.locator("#undo").press("Enter")
    settled(page, before)
    assert [change.do for change in parameters(page).changes] == ["site", "close"]
    assert seen.complaints == []


def test_hours_that_cannot_be_read_are_said_and_taken_back(visit):
    page = visit().page
    page.locator("#places tr:first-child input").fill("sometimes")
    page.locator("#places tr:first-child input").press("Enter")
    page.wait_for_selector("#message:has-text('没有算出来')")
    changes = "() => JSON.parse(document.querySelector('.plan-parameters').value).changes"
    assert eventually(page, lambda: page.evaluate(changes) == [])


def test_riders_that_are_changed_weigh_at_once(visit, district):
    seen = visit()
    page = seen.page
    page.click("#groups summary")
    before = steps(page)
    page.fill('[data-group="0"][data-field="workday"][data-hour="2"]', "1")
    page.press('[data-group="0"][data-field="workday"][data-hour="2"]', "Tab")
    settled(page, before)
    assert parameters(page).groups[0].workday[2] == 1.0
    follows(page, district)
    assert page.locator("#unshared").is_visible()


def test_prices_that_are_changed_count_at_once_and_stay_in_the_address(visit, district):
    seen = visit()
    page = seen.page
    add_by_click(page)
    page.click("#prices summary")
    before = steps(page)
    page.fill("#prices [name=site_yuan]", "1234")
    page.press("#prices [name=site_yuan]", "Tab")
    settled(page, before)
    assert cell(page, "cost", "then") == "1,234"
    page.wait_for_function("() => location.search.includes('site_yuan=1234')")
    page.click("#onwards")
    page.wait_for_selector("#do-measures")
    assert json.loads(page.locator("[name=parameters]").first.input_value())["prices"]["site_yuan"] == 1234
    clean(seen)


def test_layers_of_the_hour_are_laid_on_the_map(visit):
    seen = visit()
    page = seen.page
    for part in ("service_areas", "gaps"):
        page.check(f'[data-layer="{part}"]')
        page.wait_for_selector(f".map path.{part}", state="attached")
    page.check('[data-layer="trust"]')
    page.wait_for_selector("#doubt:not([hidden])")
    page.check('[data-layer="candidates"]')
    page.wait_for_selector(".map path.candidate", state="attached")
    clean(seen)


def fits(page):
    """Whether nothing reaches over the window's edge, with all that opens open."""
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_page_fits_a_phone_in_english_too(visit):
    assert fits(visit(PHONE, path=f"{HERE}?lang=en").page)


def test_a_scenario_is_kept_shared_and_compared(visit, address, browser, district):
    seen = visit(path=f"{HERE}?lang=zh")
    page = seen.page
    page.goto(f"{address}/xiangheyuan/desk/sign-in?next=/xiangheyuan/desk/")
    page.fill("[name=name]", "li")
    page.fill("[name=password]", WORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/desk/")
    page.click(f'a[href="{HERE}"]')
    wait_until_ready(page)
    add_by_click(page)
    said = cell(page, "covered", "then")
    page.set_viewport_size(PHONE)
    assert fits(page)
    page.fill("[name=name]", HOSTILE[:60])
    with page.expect_navigation():
        page.click(".keep form:has([name=name]) button")
    wait_until_ready(page)
    assert "scenario=" in page.url
    shared = Visit(browser, address, PHONE)
    shared.open(page.url.removeprefix(address))
    assert cell(shared.page, "covered", "then") == said
    assert shared.page.evaluate("() => window.hacked") is None
    assert shared.complaints == []
    shared.context.close()
    page.goto(f"{address}{HERE}scenarios?lang=zh")
    page.check("#kept [name=id]")
    page.click("#choose button")
    page.wait_for_selector("#compare")
    assert said in page.locator("#compare").inner_text()
    assert axe(page) == []


def test_new_sites_are_worked_out_and_tried_on_the_map(visit, district):
    seen = visit()
    page = seen.page
    page.goto(seen.home + f"{HERE}next?lang=zh")
    assert axe(page) == []
    page.click('form:has([value="sites"]) button')
    page.wait_for_selector("svg.curve", timeout=60_000)
    assert axe(page) == []
    page.click("a.button:has-text('到地图上试这些')")
    wait_until_ready(page)
    assert len(parameters(page).changes) == 3
    assert page.locator(".site").count() == 3
    follows(page, district)
    assert seen.complaints == []
