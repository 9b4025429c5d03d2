"""With the server killed: reload, all questions, detail pages and the map; with and without a service worker."""

import shutil
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Error, sync_playwright

from geo_service.desk.doubts import standing_doubts
from geo_service.districts import open_district
from geo_service.hours import SHANGHAI
from geo_service.web.assets import STATIC_DIR
from tests.browsing import DESK, PHONE, wait_until_ready
from tests.gates import QUIET, ask_everything, ask_layers, press, say_where, settle, visiting
from tests.serving import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHIFT = (0.0093, 0.0061)


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module")
def directories(demo_directory, yingze_directory, tmp_path_factory):
    """Copies: what riders say is written down."""
    folder = tmp_path_factory.mktemp("offline")
    for directory in (demo_directory, yingze_directory):
        shutil.copytree(directory, folder / directory.name, ignore=shutil.ignore_patterns("jit"))
    return {directory.name: folder / directory.name for directory in (demo_directory, yingze_directory)}


@pytest.fixture(scope="module")
def districts(directories):
    opened = {name: open_district(directory) for name, directory in directories.items()}
    yield opened
    for district in opened.values():
        district.close()


@pytest.fixture(scope="module")
def server(directories):
    running = Server(list(directories.values())).start()
    yield running
    running.kill()


def near(district):
    lon, lat = district.centre
    return lon + SHIFT[0], lat + SHIFT[1]


def visitor(stack, browser, server, district, **options):
    return stack.enter_context(visiting(browser, server.home, position=near(district), at=None, **options))


@pytest.fixture(scope="module")
def phones(browser, server, districts):
    """Riders who used their district's page once, each otherwise; nobody looked at a detail page or asked anything."""
    with ExitStack() as stack:
        made = {
            "xiangheyuan": visitor(stack, browser, server, districts["xiangheyuan"], viewport=PHONE),
            "yingze": visitor(
                stack, browser, server, districts["yingze"], viewport=DESK, color_scheme="dark"
            ),
            "no worker": visitor(stack, browser, server, districts["xiangheyuan"], service_workers="block"),
            "no storage": visitor(stack, browser, server, districts["xiangheyuan"], service_workers="block"),
        }
        made["no storage"].context.add_init_script(
            """Object.defineProperty(window, "indexedDB", { get() { throw new DOMException("no", "SecurityError"); } });
            Storage.prototype.setItem = () => { throw new DOMException("no", "QuotaExceededError"); };"""
        )
        for name, seen in made.items():
            seen.open("/yingze/" if name == "yingze" else "/xiangheyuan/")
            seen.touch()
        for (
            seen
        ) in made.values():  # all at once: half a minute passes before a worker that never comes is given up
            seen.wait_until_kept()
        yield made


# --- while the server is there -------------------------------------------------------------


def test_only_what_riders_share_is_kept(phones):
    seen = phones["xiangheyuan"]
    kept = seen.page.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(async (name) =>
            (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).flat()"""
    )
    assert kept
    assert [path for path in kept if not path.startswith(("/static/", "/xiangheyuan/"))] == []
    assert [path for path in kept if "/desk" in path or "/api/" in path or path.endswith("/say")] == []


def test_what_is_kept_is_no_answer_that_a_cookie_has_a_part_in(phones):
    seen = phones["xiangheyuan"]
    headers = seen.page.evaluate(
        """async () => { const found = [];
        for (const name of await caches.keys()) { const cache = await caches.open(name);
          for (const key of await cache.keys()) { const answer = await cache.match(key);
            found.push([answer.headers.get("Cache-Control"), answer.headers.get("Vary")]); } }
        return found; }"""
    )
    assert [one for one in headers if "no-store" in (one[0] or "") or "private" in (one[0] or "")] == []
    assert [one for one in headers if "cookie" in (one[1] or "").lower()] == []


def test_a_server_that_hangs_is_waited_for_three_seconds(phones, server):
    page = phones["yingze"].page
    server.freeze()
    try:
        begun = datetime.now(SHANGHAI)
        page.reload(wait_until="commit")
        took = datetime.now(SHANGHAI) - begun
        wait_until_ready(page)
    finally:
        server.thaw()
    assert timedelta(seconds=2.5) < took < timedelta(seconds=10)
    assert page.locator(".card").count() > 3


# --- killed --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed(phones, server):
    server.kill()
    return phones


WITH_WORKER = pytest.mark.parametrize("name", ["xiangheyuan", "yingze"])


@WITH_WORKER
def test_the_page_reloads_with_its_list_its_map_and_a_banner(killed, name):
    page = killed[name].page
    page.reload()
    wait_until_ready(page)
    page.wait_for_selector("[data-basemap=drawn]")
    assert page.locator(".card").count() > 3
    assert page.locator(".pin, .cluster").count() > 0
    page.wait_for_selector(".offline:not([hidden])")
    assert page.locator(".offline").inner_text().startswith("离线 · ")


@WITH_WORKER
def test_a_first_question_asked_offline_is_answered_as_the_server_would(killed, name, districts):
    seen, lonlat = killed[name], near(districts[name])
    seen.page.goto(f"{seen.home}/{name}/?layer=station")
    wait_until_ready(seen.page)
    say_where(seen, "phone", lonlat)
    shown = seen.page.locator(".cards .card").evaluate_all("cards => cards.map((card) => card.dataset.id)")
    answer = districts[name].nearest(
        origin=lonlat,
        layer="station",
        at=datetime.now(SHANGHAI),
        k=24,
        profile="ebike",
        accept=("unknown", "stale"),
    )
    assert shown == [one["id"] for one in answer["results"]]


def test_all_questions_are_answered_offline(killed, districts):
    seen = killed["xiangheyuan"]
    names = [place.name for place in districts["xiangheyuan"].places("station").features]
    ask_everything(seen, names[4])
    assert seen.page.locator(".cards .card").count() > 0


@WITH_WORKER
def test_the_whole_map_is_there_offline(killed, name, districts):
    page = killed[name].page
    west, south, east, north = districts[name].bbox
    for lon, lat in ((west, south), (east, north)):
        page.evaluate("([lat, lon]) => districtMap.setView([lat, lon], 16, { animate: false })", [lat, lon])
        page.wait_for_function("""() => [...document.querySelectorAll(".leaflet-tile-pane canvas")].some((canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size > 3; })""")


@WITH_WORKER
def test_detail_pages_that_were_never_opened_are_there_offline(killed, name, districts):
    page = killed[name].page
    for layer in ("station", "merchant" if name == "xiangheyuan" else "toilet"):
        for place in districts[name].places(layer).features[:2]:
            page.goto(f"{killed[name].home}/{name}/p/{place.id}")
            wait_until_ready(page)
            assert page.locator("h1").inner_text() == place.name
            page.wait_for_selector(".offline:not([hidden])")


def test_a_detail_page_kept_with_the_others_keeps_the_policy_of_a_sent_one(killed, districts):
    seen = killed["xiangheyuan"]
    place = districts["xiangheyuan"].places("station").features[0]
    answer = seen.page.goto(f"{seen.home}/xiangheyuan/p/{place.id}")
    assert answer.from_service_worker
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_printed_code_works_offline(killed, districts):
    seen = killed["xiangheyuan"]
    place = districts["xiangheyuan"].places("station").features[1]
    seen.page.goto("about:blank")
    seen.page.goto(f"{seen.home}/xiangheyuan/#here={place.id}")
    wait_until_ready(seen.page)
    assert place.name in seen.page.locator("#from").inner_text()


def test_the_start_page_leads_to_the_last_district_offline(killed):
    page = killed["xiangheyuan"].page
    page.goto(f"{killed['xiangheyuan'].home}/")
    assert page.url.rstrip("/").endswith("/xiangheyuan")


def test_a_district_that_was_never_visited_is_said_not_to_be_there(killed):
    page = killed["xiangheyuan"].page
    answer = page.goto(f"{killed['xiangheyuan'].home}/yingze/")
    assert answer.status == 503
    assert "还没有存到手机上" in page.locator("p").first.inner_text()


@pytest.mark.parametrize("path", ["/xiangheyuan/desk/sign-in", "/api/v1/districts", "/healthz"])
def test_the_desk_and_the_api_are_not_answered_by_the_phone(killed, path):
    page = killed["xiangheyuan"].page
    with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
        page.goto(killed["xiangheyuan"].home + path)


def test_the_banner_says_the_age_of_the_data(killed):
    seen = killed["yingze"]
    seen.context.clock.set_fixed_time(datetime.now(SHANGHAI) + timedelta(days=3, hours=1))
    seen.page.goto(f"{seen.home}/yingze/")
    wait_until_ready(seen.page)
    seen.page.wait_for_selector(".offline:not([hidden])")
    assert seen.page.locator(".offline").inner_text() == "离线 · 3 天前的数据"


# --- without a service worker, or without any storage --------------------------------------

BARE = pytest.mark.parametrize("name", ["no worker", "no storage"])


@BARE
def test_without_worker_a_page_that_stays_open_answers_all_questions(killed, name, districts):
    seen = killed[name]
    names = [place.name for place in districts["xiangheyuan"].places("station").features]
    say_where(seen, "phone", near(districts["xiangheyuan"]))
    ask_layers(seen)
    press(seen.page, ".layers .chip[data-key=station]")
    seen.page.locator("#to").click()
    seen.page.locator("#where-text").fill(names[4])
    seen.page.locator("#where-found .hit").first.click()
    settle(seen.page)
    assert seen.page.locator(".cards .card .added").count() > 0


@BARE
def test_without_worker_the_banner_comes_with_the_first_request_that_fails(killed, name):
    page = killed[name].page
    page.evaluate("() => dispatchEvent(new Event('online'))")
    page.wait_for_selector(".offline:not([hidden])")


@BARE
def test_without_worker_the_whole_map_is_there(killed, name, districts):
    page = killed[name].page
    west, south, _, _ = districts["xiangheyuan"].bbox
    asked = []
    page.on("requestfailed", lambda request: asked.append(request.url))
    page.evaluate("([lat, lon]) => districtMap.setView([lat, lon], 16, { animate: false })", [south, west])
    page.wait_for_timeout(700)
    assert [url for url in asked if "/tiles/" in url] == []


@BARE
def test_without_worker_a_link_to_a_place_shows_what_was_kept_of_it(killed, name):
    page = killed[name].page
    card = page.locator(".cards .card").first
    called = card.locator(".name").evaluate("(one) => one.lastChild.textContent")
    card.locator(".row").click()
    card.locator(".more").click()
    page.wait_for_selector("dialog.kept[open]")
    assert page.locator("dialog.kept h1").inner_text() == called
    assert page.locator("dialog.kept .state").count() == 0
    page.locator("dialog.kept .close").click()
    assert page.locator("dialog.kept").count() == 0


# --- what riders tell us -------------------------------------------------------------------

TELL = """async ([place, what]) => {
  const script = [...document.querySelectorAll("script[type=module]")].at(-1).src;
  const { tell } = await import(script.replace(/\\/[^/]+$/, "/rider/queue.js"));
  return tell(place, what); }"""


@pytest.fixture(scope="module")
def told(killed, districts):
    """Two riders tell something offline; one has two tabs open."""
    place = districts["xiangheyuan"].places("station").features[0].id
    seen = killed["xiangheyuan"]
    seen.page.goto(f"{seen.home}/xiangheyuan/")
    wait_until_ready(seen.page)
    tab = seen.more()
    tab.goto(f"{seen.home}/xiangheyuan/p/{place}")
    wait_until_ready(tab)
    pages = [seen.page, tab, seen.page, killed["no worker"].page, killed["no storage"].page]
    outcomes = [page.evaluate(TELL, [place, "shut_now"]) for page in pages]
    return place, outcomes, tab


def test_what_is_told_offline_waits(told):
    assert told[1] == ["queued"] * 5


def test_a_tap_on_the_detail_page_is_taken_offline(killed, told):
    tab = told[2]
    tab.locator(".tell button[value=wrong]").click()
    tab.wait_for_selector(".told:not([hidden])")


# --- and back ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def revived(killed, told, server):
    server.start()
    for name in ("xiangheyuan", "no worker", "no storage"):
        killed[name].page.evaluate("() => dispatchEvent(new Event('online'))")
    told[2].evaluate("() => dispatchEvent(new Event('online'))")
    for name in ("xiangheyuan", "no worker", "no storage"):
        killed[name].page.wait_for_selector(".offline", state="hidden", timeout=20_000)
    killed["xiangheyuan"].page.wait_for_timeout(1500)
    return killed


def test_the_banner_goes_when_the_server_is_back(revived):
    for name in ("xiangheyuan", "no worker", "no storage"):
        assert not revived[name].page.locator(".offline").is_visible()


def test_what_was_told_offline_arrives_once(revived, told, directories):
    district = open_district(directories["xiangheyuan"])
    try:
        counts = {doubt.claim: doubt.n_said for doubt in standing_doubts(district.store)[told[0]]}
    finally:
        district.close()
    assert counts == {"shut_now": 5, "wrong": 1}


def test_an_update_of_the_server_does_not_break_a_page_that_is_open(browser, server, districts, tmp_path):
    newer = tmp_path / "static"
    shutil.copytree(STATIC_DIR, newer)
    (newer / "phone" / "phone.js").write_text("throw new Error('made for another page');", encoding="utf-8")
    with visiting(browser, server.home, position=near(districts["xiangheyuan"]), at=None) as seen:
        page = seen.open("/xiangheyuan/", kept=True)
        before = page.evaluate("() => caches.keys()")
        server.kill()
        server.start(newer)
        page.evaluate("async () => { await (await navigator.serviceWorker.ready).update(); }")
        page.wait_for_function(
            "async (count) => (await caches.keys()).filter((name) => name.startsWith('shell-')).length > count"
            " && (await navigator.serviceWorker.ready).active.state === 'activated'",
            arg=len([name for name in before if name.startswith("shell-")]),
        )
        say_where(seen, "phone", near(districts["xiangheyuan"]))
        assert page.locator(".cards .card").count() > 3
        assert seen.complaints == []
