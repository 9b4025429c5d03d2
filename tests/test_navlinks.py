"""Links into map apps: the golden ones, and that every one leads where it should."""

from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo_service.errors import InvalidInputError
from geo_service.exchange.navlinks import (
    REGISTRY,
    Link,
    LinkSettings,
    build_links,
    clean_name,
    decode_link,
    describe_links,
    links_json,
)
from geo_service.geo import convert_datum, distance_m
from tests.oracles.navlinks import READERS, read_link

XIANGHEYUAN, NAME = (116.442, 39.957), "香河园全时驿站"
ENCODED = "%E9%A6%99%E6%B2%B3%E5%9B%AD%E5%85%A8%E6%97%B6%E9%A9%BF%E7%AB%99"
KEYS = LinkSettings(tencent_key="DEVKEY", wechat_app_id="wx0")
MODES = ("ebike", "ride", "walk", "drive")
CHINESE = {target.id for target in REGISTRY if target.app in ("amap", "baidu", "tencent", "wechat")}

GOLDEN = {
    (
        "amap_android",
        "ebike",
    ): "amapuri://route/plan/?sourceApplication=friendmap&dlat=39.958371&dlon=116.448203"
    f"&dname={ENCODED}&dev=0&t=3&rideType=elebike",
    ("amap_web", "ride"): f"https://uri.amap.com/navigation?to=116.448203,39.958371,{ENCODED}"
    "&mode=ride&src=friendmap&callnative=1",
    ("baidu_ios", "ride"): "baidumap://map/ridenavi?destination=39.958371,116.448203&coord_type=gcj02"
    "&src=ios.org.friendmap",
    ("tencent_app", "ride"): "qqmap://map/routeplan?type=bike&fromcoord=CurrentLocation"
    f"&tocoord=39.958371,116.448203&to={ENCODED}&referer=DEVKEY",
    ("osmand", "walk"): "https://osmand.net/map/?pin=39.957000,116.442000#17/39.957000/116.442000",
}

# west, south, east, north; the demo districts first
DISTRICTS = {
    "Xiangheyuan": (116.42, 39.94, 116.46, 39.975),
    "Yingze": (112.52, 37.82, 112.62, 37.89),
    "Shenzhen Luohu, by the river": (114.09, 22.538, 114.13, 22.58),
    "Shanghai": (121.41, 31.18, 121.55, 31.28),
    "Kashgar": (75.90, 39.40, 76.10, 39.55),
}
ELSEWHERE = {
    "Hong Kong, by the river": (114.08, 22.49, 114.11, 22.515),
    "Macao": (113.537, 22.188, 113.555, 22.212),
    "Taipei": (121.50, 25.00, 121.60, 25.10),
    "Seoul": (126.9, 37.5, 127.0, 37.6),
    "Vaduz": (9.50, 47.10, 9.54, 47.16),
    "Rio": (-43.3, -23.0, -43.1, -22.9),
}
HOSTILE = (
    "",
    'a"b',
    "a'b<script>alert(1)</script>",
    "a&dlat=0&dlon=0#frag",
    "x|latlng:0,0",
    "latlng:0,0|name:y",
    "0,0,z",
    "q=0,0(evil)",
    "100%00%0a%2526",
    "a\r\nb\x00c\u2028d",
    "；;end;S.browser_fallback_url=x",
    "🛵👩‍👩‍👧",
    "\u202eمحطة الاستراحة",
    "{lat}{name}",
    "a+b c",
    "驿" * 2000,
    "\ud800broken half",
)


def inside(boxes) -> st.SearchStrategy:
    """Points inside one of the boxes, finer than a link's six decimals."""
    return st.sampled_from(sorted(boxes.values())).flatmap(
        lambda box: st.tuples(st.floats(box[0], box[2]), st.floats(box[1], box[3]))
    )


names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


def assert_leads_there(link: Link, lonlat, name) -> None:
    """Both readers, ours and the one that knows only the facts, find the place and the name."""
    arrival = decode_link(link.app, link.payload if link.url is None else link.url, link.datum)
    assert distance_m(arrival[:2], lonlat) < 1.0
    shown = name if not link.target.reserved else name.translate({ord("|"): "｜", ord(":"): "："})
    assert arrival.name in (None, shown)
    if link.url is not None:
        lon, lat, read = read_link(link.app, link.url)
        assert distance_m(convert_datum((lon, lat), link.datum, "wgs84", "box"), lonlat) < 1.0
        assert read == arrival.name


@pytest.mark.parametrize(("app", "mode"), GOLDEN)
def test_golden_links(app, mode):
    assert build_links(XIANGHEYUAN, NAME, mode, KEYS)[app].url == GOLDEN[app, mode]


def test_the_wechat_payload_is_gcj02_by_name():
    link = build_links(XIANGHEYUAN, NAME, settings=KEYS)["wechat"]
    want = {"latitude": 39.958371, "longitude": 116.448203, "name": NAME, "address": "", "scale": 17}
    assert (link.url, link.payload, link.datum) == (None, want, "gcj02")


@pytest.mark.slow
@given(lonlat=inside(DISTRICTS), name=names, mode=st.sampled_from(MODES))
@settings(max_examples=200, deadline=None)
@example(lonlat=XIANGHEYUAN, name="x|latlng:0,0", mode="drive")
def test_every_link_in_a_chinese_district_leads_to_its_arrival_point(lonlat, name, mode):
    links = build_links(lonlat, name, mode, KEYS)
    assert list(links) == [target.id for target in REGISTRY]
    for link in links.values():
        assert_leads_there(link, lonlat, clean_name(name))


@pytest.mark.slow
@given(lonlat=inside(ELSEWHERE), name=names, mode=st.sampled_from(MODES))
@settings(max_examples=150, deadline=None)
def test_every_link_elsewhere_leads_there_too_and_no_chinese_app_is_offered(lonlat, name, mode):
    links = build_links(lonlat, name, mode, KEYS)
    assert set(links) == {target.id for target in REGISTRY} - CHINESE
    for link in links.values():
        assert_leads_there(link, lonlat, clean_name(name))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_changes_nothing_but_the_name(name):
    for app, link in build_links(XIANGHEYUAN, name, "ebike", KEYS).items():
        plain = build_links(XIANGHEYUAN, "x", "ebike", KEYS)[app]
        if link.url is None:
            assert {**link.payload, "name": "x"} == plain.payload
        else:
            assert read_link(app, link.url)[:2] == read_link(app, plain.url)[:2]
            one, other = urlsplit(link.url), urlsplit(plain.url)
            assert (one.scheme, one.netloc, one.path) == (other.scheme, other.netloc, other.path)
            assert link.url.count("&") == plain.url.count("&")


@pytest.mark.parametrize("district", DISTRICTS)
def test_links_also_decode_when_the_datum_is_worked_out_from_the_place(district):
    west, south, east, north = DISTRICTS[district]
    middle = ((west + east) / 2, (south + north) / 2)
    for app, link in build_links(middle, NAME, settings=KEYS).items():
        arrival = decode_link(app, link.payload if link.url is None else link.url)
        assert distance_m(arrival[:2], middle) < 1.0


def test_each_link_says_its_datum_and_the_reader_of_facts_covers_every_target():
    assert {target.id for target in REGISTRY if target.templates} == set(READERS)
    rows = describe_links(build_links(XIANGHEYUAN, NAME, settings=KEYS))
    datums = {row["app"]: row["datum"] for row in orjson.loads(orjson.dumps(rows))}
    assert {app for app, datum in datums.items() if datum == "wgs84"} == {"osmand", "organic", "geo"}


@pytest.mark.parametrize(
    ("place", "app", "datum"),
    [
        ((114.158, 22.282), "google", "wgs84"),
        ((114.158, 22.282), "petal", "gcj02"),
        ((113.540, 22.1935), "petal", "gcj02"),
        ((121.56, 25.04), "petal", "wgs84"),
        ((121.56, 25.04), "google", "wgs84"),
        ((9.52, 47.14), "petal", "wgs84"),
        (XIANGHEYUAN, "google", "gcj02"),
        (XIANGHEYUAN, "apple", "gcj02"),
    ],
)
def test_the_datum_depends_on_app_and_place(place, app, datum):
    assert build_links(place, NAME)[app].datum == datum


def test_an_operator_can_overrule_the_unverified_datum_of_apple():
    links = build_links(XIANGHEYUAN, NAME, "walk", LinkSettings(apple_datum="wgs84"))
    assert (
        links["apple"].url
        == "https://maps.apple.com/directions?destination=39.957000,116.442000&mode=walking"
    )
    assert (links["apple"].datum, links["google"].datum) == ("wgs84", "gcj02")


def test_apps_that_need_a_key_are_left_out_without_one():
    without = set(build_links(XIANGHEYUAN, NAME))
    assert set(build_links(XIANGHEYUAN, NAME, settings=KEYS)) - without == {
        "tencent_app",
        "tencent_harmony",
        "wechat",
    }


def test_app_names_and_keys_cannot_break_out_of_their_parameter():
    evil = LinkSettings(app_name="a&dlat=0", baidu_src="x#y", tencent_key="k&to=z", wechat_app_id="wx0")
    for link in build_links(XIANGHEYUAN, NAME, settings=evil).values():
        assert_leads_there(link, XIANGHEYUAN, NAME)


@pytest.mark.parametrize(
    ("app", "mode", "sent"),
    [
        ("amap_android", "ebike", "ebike"),
        ("amap_web", "ebike", "ride"),
        ("baidu_ios", "ebike", "ride"),
        ("baidu_android", "ride", "walk"),
        ("tencent_app", "ebike", "ride"),
        ("tencent_harmony", "ebike", "walk"),
        ("tencent_web", "ride", "walk"),
        ("baidu_web", "drive", None),
        ("apple", "ebike", "ride"),
        ("google", "drive", "drive"),
        ("osmand", "ebike", None),
    ],
)
def test_a_missing_mode_falls_to_the_nearest_and_the_link_says_which(app, mode, sent):
    assert build_links(XIANGHEYUAN, NAME, mode, KEYS)[app].mode == sent


def test_modes_of_one_app_give_different_links():
    for target in REGISTRY:
        urls = [build_links(XIANGHEYUAN, NAME, mode, KEYS)[target.id].url for mode in MODES]
        if target.templates:
            assert len(set(urls)) == len(target.templates)


def test_geo_links_warn_inside_the_mainland_and_only_there():
    assert "GCJ-02" in build_links(XIANGHEYUAN, NAME)["geo"].warning.zh
    assert build_links((9.52, 47.14), NAME)["geo"].warning is None


def test_apple_is_flagged_unverified():
    link = build_links(XIANGHEYUAN, NAME)["apple"]
    assert link.target.datum_evidence == "?"
    assert "not verified" in link.warning.en


def test_nothing_claims_to_have_been_tried_on_a_phone():
    assert [target.id for target in REGISTRY if target.verified_on is not None] == []


def test_every_entry_is_complete_and_its_order_is_that_of_its_templates():
    assert len({target.id for target in REGISTRY}) == len(REGISTRY)
    for target in REGISTRY:
        assert all(getattr(target, field) for field in ("app", "platform", "zh", "en", "evidence"))
        for template in target.templates.values():
            orders = {"lonlat": "{lon},{lat}", "latlon": "{lat},{lon}", "named": "lat={lat}&"}
            assert orders[target.order] in template


def test_links_for_an_answer_are_addresses_and_leave_the_payload_out():
    links = build_links(XIANGHEYUAN, NAME, settings=KEYS)
    answer = orjson.loads(orjson.dumps(links_json(links)))
    assert set(links) - set(answer) == {"wechat"}
    assert all(isinstance(url, str) and ":" in url for url in answer.values())


def test_a_name_becomes_one_line_and_keeps_the_rest():
    assert clean_name(" 全时\r\n\t驿站\x00\u2028甲 & <乙> 🛵 ") == "全时 驿站 甲 & <乙> 🛵"


@pytest.mark.parametrize("lonlat", [(39.957, 116.442), (float("nan"), 39.0), (181.0, 0.0)])
def test_points_off_the_globe_get_no_link(lonlat):
    with pytest.raises(InvalidInputError, match="outside"):
        build_links(lonlat, NAME)


def test_an_unknown_mode_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInputError, match="ebike, ride, walk, drive"):
        build_links(XIANGHEYUAN, NAME, "scooter")


@pytest.mark.parametrize(
    ("app", "link"),
    [
        ("yandex", "https://yandex.ru"),
        ("google", GOLDEN["osmand", "walk"]),
        ("osmand", GOLDEN["osmand", "walk"] + "&x=1"),
        ("osmand", "https://osmand.net/map/?pin=39.957000,116.442000#17/39.957000/116.442001"),
        ("osmand", "https://osmand.net/map/?pin=99.957000,116.442000#17/99.957000/116.442000"),
        ("organic", "om://map?v=1&ll=39.957,116.442&n=x"),
        ("organic", "om://map?v=1&ll=39.957000,116.442000&n=%FF"),
        ("organic", "om://map?v=1&ll=39.957000,116.442000&n=a b"),
        ("organic", "om://map?v=1&ll=3٩.957000,116.442000&n=x"),
        ("organic", "om://map?v=1&ll=39.957000,116.442000&n=x\n"),
        ("wechat", "weixin://"),
        ("wechat", {"latitude": 39.9, "longitude": "116.4", "name": "x", "address": "", "scale": 17}),
        ("wechat", {"latitude": 39.9, "longitude": 116.4}),
        ("google", {"latitude": 39.9, "longitude": 116.4, "name": "x", "address": "", "scale": 17}),
    ],
)
def test_what_we_did_not_write_is_not_decoded(app, link):
    with pytest.raises(InvalidInputError):
        decode_link(app, link)
