"""Links and pasted links on the phone: the scripts in a real browser, held to the server's own arithmetic."""

import json
import random
from urllib.parse import quote

import pytest
from playwright.sync_api import sync_playwright

from geo_service.districts import open_district
from geo_service.exchange.navlinks import LinkSettings, build_links, links_json
from geo_service.exchange.navphone import link_templates
from geo_service.geo import convert_datum, distance_m
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.assets import Assets
from tests.browsing import FLAGS, HOSTILE, Visit, served
from tests.pasted_links import GOOD, NAME, NOTHING, OUTSIDE, SHORT, SWAPPED, WGS, WLAT, WLON
from tests.user_agents import AGENTS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEYS = LinkSettings(app_name="友好 地图&x", tencent_key="DEV{lat}KEY", wechat_app_id="wx0")
MODES = ("ebike", "ride", "walk", "drive")
ODD_NAMES = (
    HOSTILE,
    "",
    "香河园全时驿站",
    "a&dlat=0&dlon=0#frag",
    "x|latlng:0,0 (北门)",
    "100%00%0a%2526 !'()*~",
    "a\r\nb\x00c\u2028d\u3000e\ufefff\u200bg\x1ch\x85i\u00a0j",
    "🛵👩‍👩‍👧 \u202eمحطة",
    "{lat}{name}$&$1",
    "a+b c",
    "驿" * 300,
)


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address():
    with served(create_app({}, Settings())) as home:
        yield home


@pytest.fixture(scope="module")
def yingze_district(yingze_directory):
    district = open_district(yingze_directory)
    yield district
    district.close()


@pytest.fixture(scope="module")
def phone(browser, address):
    """A page that asks the scripts: `phone(file, body, argument)` runs the body with the file's exports as `it`."""
    seen = Visit(browser, address)
    page = seen.open("/", ready=False)
    url = Assets().url

    def ask(file, body, argument=None):
        code = f"async ([url, given]) => {{ const it = await import(url); return ({body})(it, given); }}"
        return page.evaluate(code, [url(f"links/{file}"), argument])

    yield ask
    assert seen.complaints == []
    seen.context.close()


def points_in(box, count, seed):
    dice = random.Random(seed)
    return [(dice.uniform(box[0], box[2]), dice.uniform(box[1], box[3])) for _ in range(count)]


# -- templates ---------------------------------------------------------------------------------------------

BUILD = """({ buildLinks }, [apps, asked]) => asked.map(([lonlat, gcj02, name, mode]) =>
    Object.fromEntries(buildLinks(apps, { lonlat, gcj02, name }, mode).map(({ app, url, datum, mode, warning }) =>
        [app, [url, datum, mode, warning]])))"""


def as_server_says(asked, settings):
    return [
        {
            app: [link.url, link.datum, link.mode, link.warning and link.warning._asdict()]
            for app, link in build_links(lonlat, name, mode, settings).items()
            if link.url is not None
        }
        for lonlat, _, name, mode in asked
    ]


@pytest.mark.parametrize("name", ["demo_district", "yingze_district"])
@pytest.mark.parametrize("settings", [LinkSettings(), KEYS], ids=["plain", "with keys"])
def test_the_phone_writes_every_link_of_every_place_as_the_server_does(phone, request, name, settings):
    district = request.getfixturevalue(name)
    places = [
        place
        for layer in district.layer_names()
        if not district.catalogue[layer].is_area
        for place in district.places(layer).features
    ]
    asked = [
        (place.target, convert_datum(place.target, "wgs84", "gcj02").tolist(), place.name, mode)
        for place in places
        for mode in MODES
    ]
    apps = link_templates(district.bbox, settings)
    assert phone("links.js", BUILD, [apps, asked]) == as_server_says(asked, settings)
    assert len(places) > 100


def test_odd_names_come_out_of_the_phone_as_out_of_the_server(phone):
    apps = link_templates((116.42, 39.94, 116.46, 39.975), KEYS)
    asked = [((116.442, 39.957), None, name, mode) for name in ODD_NAMES for mode in MODES]
    assert phone("links.js", BUILD, [apps, asked]) == as_server_says(asked, KEYS)


@pytest.mark.parametrize(
    ("box", "mixed"),
    [
        ((116.42, 39.94, 116.46, 39.975), False),  # Xiangheyuan
        ((114.03, 22.48, 114.20, 22.60), True),  # Shenzhen and Hong Kong
        ((113.53, 22.18, 113.57, 22.23), True),  # Zhuhai and Macao
        ((121.50, 25.00, 121.60, 25.10), False),  # Taipei
        ((9.50, 47.10, 9.54, 47.16), False),  # Vaduz
        ((-43.3, -23.0, -43.1, -22.9), False),  # Rio
    ],
)
def test_the_phone_works_the_datum_out_itself_also_where_a_border_runs_through_the_district(
    phone, box, mixed
):
    apps = link_templates(box, KEYS)
    asked = [(point, None, "驿站", "ebike") for point in points_in(box, 200, seed=5)]
    said = phone("links.js", BUILD, [apps, asked])
    assert said == as_server_says(asked, KEYS)
    assert (len({frozenset(links) for links in said}) > 1) == mixed


def test_degrees_are_rounded_as_the_server_rounds_them(phone):
    dice = random.Random(11)
    halves = [dice.randrange(-180 * 128, 180 * 128) / 128 for _ in range(300)]
    values = [*halves, *(dice.uniform(-180, 180) for _ in range(300)), -0.0, -1e-7, 1e-7, 5e-7, 116.0078125]
    expected = [f"{round(value, 6) + 0.0:.6f}" for value in values]
    assert phone("links.js", "({ degrees }, values) => values.map(degrees)", values) == expected


def test_the_templates_are_json_and_name_no_app_whose_key_is_missing():
    templates = link_templates((116.42, 39.94, 116.46, 39.975))
    assert json.loads(json.dumps(templates)) == templates
    ids = [target["id"] for target in templates["targets"]]
    assert ids == list(links_json(build_links((116.442, 39.957), "驿站")))
    assert "tencent_app" not in ids


# -- datums ------------------------------------------------------------------------------------------------

SIX_WAYS = [(a, b) for a in ("wgs84", "gcj02", "bd09") for b in ("wgs84", "gcj02", "bd09") if a != b]
CONVERT = """({ convertDatum }, [points, source, target]) =>
    points.map((point) => convertDatum(point, source, target))"""


@pytest.mark.parametrize(("source", "target"), SIX_WAYS)
def test_datums_are_converted_as_on_the_server(phone, source, target):
    points = points_in((73.0, 1.0, 137.0, 55.0), 2000, seed=3) + points_in((112.5, 37.8, 112.7, 37.9), 500, 4)
    expected = convert_datum(points, source, target, "box")
    # the server iterates for its worst point together, so the others come out a few 1e-9 degrees finer
    assert abs(expected - phone("datum.js", CONVERT, [points, source, target])).max() < 1e-8


@pytest.mark.parametrize("middle", ["gcj02", "bd09"])
def test_there_and_back_is_less_than_a_centimetre(phone, middle):
    points = points_in((75.0, 18.0, 134.0, 53.0), 2000, seed=9)
    there = phone("datum.js", CONVERT, [points, "wgs84", middle])
    back = phone("datum.js", CONVERT, [there, middle, "wgs84"])
    # a centimetre is at least 9e-8 degrees of either kind
    assert abs(convert_datum(points, "wgs84", "wgs84") - back).max() < 9e-8


@pytest.mark.parametrize(
    ("metres", "lonlat"),
    # what a public converter gives for addresses of Baidu's own pages
    [
        ((12709535.375, 2529761.45), (114.158937, 22.284737)),
        ((13533702.855, 2862107.79), (121.563803, 25.034124)),
    ],
)
def test_baidu_s_metres_become_degrees(phone, metres, lonlat):
    degrees = phone("datum.js", "({ bd09FromMetres }, metres) => bd09FromMetres(metres)", metres)
    assert abs(convert_datum(degrees, "bd09", "wgs84", "box") - lonlat).max() < 2e-5


# -- pasted links ------------------------------------------------------------------------------------------

BOX = (116.42, 39.94, 116.46, 39.975)
READ = """({ readPasted }, [texts, bbox, apps]) => texts.map((text) => readPasted(text, { bbox, apps }))"""


@pytest.fixture(scope="module")
def read(phone):
    apps = link_templates(BOX)
    return lambda texts, box=BOX, apps=apps: phone("paste.js", READ, [texts, box, apps])


def test_every_known_form_of_a_link_leads_to_the_spot_it_means(read):
    said = read([pasted.text for pasted in GOOD])
    missed = [
        (pasted.text, got)
        for pasted, got in zip(GOOD, said, strict=True)
        if "lon" not in got or distance_m(WGS, (got["lon"], got["lat"])) > 1.0
    ]
    assert missed == []
    assert len(GOOD) >= 60


def test_every_known_form_tells_its_app_its_datum_its_name_and_its_doubt(read):
    said = read([pasted.text for pasted in GOOD])
    told = [(got["app"], got["datum"], got.get("name"), got["unsure"]) for got in said if "lon" in got]
    assert told == [tuple(pasted[1:]) for pasted in GOOD]


@pytest.mark.parametrize("upper", [False, True], ids=["as it is", "in a text"])
def test_a_link_that_hides_its_coordinates_is_refused(read, upper):
    said = read([f"看这里：{text} ，谢谢" if upper else text for _, text in SHORT])
    assert [(got.get("refused"), got["app"]) for got in said] == [("short_link", app) for app, _ in SHORT]


def test_a_refused_link_still_says_what_one_may_search_for(read):
    said = read([text for _, text in SHORT if NAME in text])
    assert [got["query"] for got in said] == [NAME, f"我在{NAME}"]


@pytest.mark.parametrize(
    ("kind", "texts"), [("swapped", SWAPPED), ("outside", OUTSIDE), ("no_place", NOTHING)]
)
def test_what_cannot_be_used_is_refused_by_name(read, kind, texts):
    said = read(texts)
    assert [(text, got.get("refused")) for text, got in zip(texts, said, strict=True)] == [
        (t, kind) for t in texts
    ]


def test_without_a_district_nothing_is_outside_and_a_latitude_above_90_is_still_noticed(read):
    assert "lon" in read(OUTSIDE[:1], None)[0]
    assert read(SWAPPED[:1], None)[0]["refused"] == "swapped"


def test_apple_is_read_as_the_operator_says(read):
    apps = link_templates(BOX, LinkSettings(apple_datum="wgs84"))
    got = read([f"https://maps.apple.com/?ll={WLAT},{WLON}"], BOX, apps)[0]
    assert (got["datum"], got["lon"], got["lat"]) == ("wgs84", *WGS)


def test_our_own_links_come_back_from_every_app(read):
    """A rider may paste what we gave: seeded spots, every app and mode, odd names."""
    dice = random.Random(20261122)
    spots = [(dice.uniform(116.421, 116.459), dice.uniform(39.941, 39.974)) for _ in range(40)]
    links = [
        (spot, link.url)
        for spot in spots
        for mode in MODES
        for link in build_links(spot, dice.choice(ODD_NAMES), mode, KEYS).values()
        if link.url is not None
    ]
    said = read([url for _, url in links], BOX, link_templates(BOX, KEYS))
    lost = [
        (url, got)
        for (spot, url), got in zip(links, said, strict=True)
        if "lon" not in got or distance_m(spot, (got["lon"], got["lat"])) > 1.0
    ]
    assert lost == []


def test_no_text_however_broken_breaks_the_reader(read):
    dice = random.Random(7)
    alphabet = "0123456789.,，° 'NSEW:/?&=%@#!|;+-()【】高德amap.comgeo\n\ud83d\udef5驿站"
    noise = ["".join(dice.choice(alphabet) for _ in range(dice.randrange(1, 200))) for _ in range(1500)]
    cut = [
        text.text[: dice.randrange(len(text.text))] + dice.choice(("", "%", "%E9", "\x00", "&&=", "#"))
        for text in GOOD
        for _ in range(10)
    ]
    assert all("refused" in got or abs(got["lat"]) <= 90 for got in read(noise + cut))


FIND = """({ readPasted }, [texts, known]) => texts.map((text) => readPasted(text, {
    search: (words) => known.includes(words) ? { lon: 116.44, lat: 39.95, name: words } : null }))"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("北京市朝阳区香河园街道香河园路12号", "香河园路"),
        ("香河园路", "香河园路"),
        ("地址：北京市朝阳区香河园路 12 号院 3 号楼", "香河园路"),
        ("【美团】送到：幸福里小区(东门)", "幸福里小区"),
        ("山西省太原市迎泽区迎泽大街100号", "迎泽大街"),
        ("https://maps.apple.com/?q=%E9%A6%99%E6%B2%B3%E5%9B%AD%E8%B7%AF", "香河园路"),
        ("https://www.google.com/maps/place/%E9%A6%99%E6%B2%B3%E5%9B%AD%E8%B7%AF/data=abc", "香河园路"),
        ("geo:0,0?q=%E9%A6%99%E6%B2%B3%E5%9B%AD%E8%B7%AF", "香河园路"),
        ("完全不认识的地方", None),
    ],
)
def test_an_address_is_looked_up_by_the_names_it_holds(phone, text, found):
    got = phone("paste.js", FIND, [[text], ["香河园路", "幸福里小区", "迎泽大街"]])[0]
    assert got.get("name") == found
    assert ("refused" in got) == (found is None)


# -- what opens where --------------------------------------------------------------------------------------

AGENT = """({ readAgent }, given) => given.map(([agent, touches]) => {
    const { os, inApp, takesIntents, opensApps } = readAgent(agent, touches);
    return [os, inApp, takesIntents, opensApps]; })"""


def test_every_browser_is_known_for_what_it_can_open(phone):
    said = phone("platform.js", AGENT, [[one.agent, one.touches] for one in AGENTS])
    expected = [[one.os, one.in_app, one.takes_intents, one.in_app not in ("wechat", "qq")] for one in AGENTS]
    names = [one.name for one in AGENTS]
    assert dict(zip(names, said, strict=True)) == dict(zip(names, expected, strict=True))


LAUNCH = """({ launchUrl, readAgent }, [link, web, agent]) => launchUrl(link, web, readAgent(agent, 5))"""


def test_an_android_link_names_its_app_and_has_a_way_out_that_a_name_cannot_break(phone):
    links = build_links(WGS, "a;end;S.browser_fallback_url=x#b", "ebike")
    app, web = links["amap_android"], links["amap_web"].url
    said = phone(
        "platform.js", LAUNCH, [{"url": app.url, "package": app.target.package}, web, AGENTS[0].agent]
    )
    address, _, intent = said.partition("#Intent;")
    assert address == app.url.replace("amapuri://", "intent://")
    assert (
        intent
        == f"scheme=amapuri;package=com.autonavi.minimap;S.browser_fallback_url={quote(web, safe='')};end"
    )


@pytest.mark.parametrize("agent", [one for one in AGENTS if not one.takes_intents], ids=lambda one: one.name)
def test_other_browsers_get_the_plain_address(phone, agent):
    app = build_links(WGS, "驿站", "ebike")["amap_android"]
    link = {"url": app.url, "package": app.target.package}
    assert phone("platform.js", LAUNCH, [link, "https://uri.amap.com/", agent.agent]) == app.url
