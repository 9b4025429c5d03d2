"""The desk's editor of places over HTTP, as a browser without scripts uses it."""

import html
import json
import re
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from geo_service.desk.accounts import hash_password
from geo_service.districts import open_district
from geo_service.geo import convert_datum, distance_m
from geo_service.hours import SHANGHAI
from geo_service.layers import (
    CATALOGUE,
    Access,
    Area,
    Category,
    Checked,
    Edit,
    Inspection,
    Listing,
    Place,
    Power,
    Provenance,
    Service,
    catalogue_with,
    feature_to_json,
    parse_layer,
    to_shape,
)
from geo_service.settings import Settings
from geo_service.store.accounts import Account
from geo_service.web import create_app
from geo_service.web.desk.place_fields import feature_from, rows_of, texts_from, texts_of
from geo_service.web.desk.week import explain, week_of
from tests.test_desk_door import NOON, WORD, Desk

TODAY = NOON.date()
SHIPPED = Path(__file__).parents[1] / "data" / "geojson"
HOSTILE = """"><img src=x onerror=alert(1)></script><script>alert(2)</script>'{{7*7}}`${alert(3)}`"""
FULL = Place(
    "s1",
    "station",
    116.45,
    39.96,
    "驿站",
    arrival=(116.4501, 39.9601),
    address="一号 ",
    phone="010-6400 0000",
    network="全时驿站",
    class_="micro",
    station_code="S, 1",
    area_m2=60.5,
    seats=0,
    hours="Mo-Fr 08:00-18:00",
    services=(
        Service("rest"),
        Service("rest", "24/7", "门厅 ", "免费", date(2026, 1, 1), date(2026, 2, 1)),
        Service("hot_water"),
    ),
    access=(Access("staff", "Mo-Fr 08:00-18:00", "问站长"), Access("qr")),
    ebike_parking=False,
    power=Power("甲", "乙", (48, 60), 0),
    open_to=("zebra", "rider", "courier"),
    photos=("a/b.jpg",),
    inspection=Inspection("街道", date(2026, 5, 1), "合格"),
    listing=(Listing("amap", "odd_word", date(2026, 5, 1)), Listing("baidu", "listed")),
    external_ids={"osm": "node/1", "amap_poiid": "B0"},
    status="paused",
    status_reason="装修",
    status_until=date(2027, 1, 1),
    provenance=Provenance("survey", "CC0-1.0", {"hours": Checked(date(2026, 5, 1), "desk")}),
    extra={"cuisine": ("川菜", "面, 饭"), "spice": 3.5, "is_new": True},
)
WIDE = Category(
    "station",
    "驿站",
    "Station",
    "驿",
    "#c8102e",
    (*CATALOGUE["station"].fields, "power", "cuisine", "spice", "is_new"),
)


# -- texts of a form and back ------------------------------------------------------------------------------


def test_a_form_sent_back_as_it_was_shown_changes_no_value():
    base = feature_to_json(FULL)
    assert feature_from(texts_of(base, WIDE), base, WIDE) == base


@pytest.mark.parametrize(
    "path", sorted(SHIPPED.rglob("*.geojson")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_place_that_ships_passes_through_its_form_unchanged(path):
    category = CATALOGUE[path.stem]
    for feature in parse_layer(path.read_bytes(), path.stem).features:
        base = feature_to_json(feature)
        sent = {name: [text] for name, text in texts_of(base, category).items()}
        sent |= {name: [""] for name in rows_of(category)}
        assert feature_from(texts_from(sent, category), base, category) == base


def test_parking_by_number_needs_its_number():
    form = {"ebike_parking": ["count"], "ebike_parking.n": [""]}
    assert texts_from(form, WIDE)["ebike_parking"] == "count"
    assert texts_from(form | {"ebike_parking.n": ["30"]}, WIDE)["ebike_parking"] == "30"


def test_changing_one_field_leaves_every_other_value_as_it_is():
    base = feature_to_json(FULL)
    wanted = feature_from(texts_of(base, WIDE) | {"seats": "12"}, base, WIDE)
    assert wanted["properties"] == base["properties"] | {"seats": 12}
    assert wanted["geometry"] == base["geometry"]


@pytest.mark.parametrize(
    ("name", "typed", "path", "value"),
    [
        ("seats", "a dozen", ("seats",), "a dozen"),
        ("area_m2", "12.5", ("area_m2",), 12.5),
        ("ebike_parking", "true", ("ebike_parking",), True),
        ("ebike_parking", "40", ("ebike_parking",), 40),
        ("power.voltage_v", "48、60 72", ("power", "voltage_v"), [48, 60, 72]),
        ("open_to", "rider，public", ("open_to",), ["rider", "public"]),
        ("hours", "周一至周五 9:00-18:00", ("hours",), "Mo-Fr 09:00-18:00"),
        ("hours", " 24/7 ", ("hours",), "24/7"),
        ("name", "  新名 ", ("name",), "新名"),
        ("inspection.result", "不合格", ("inspection", "result"), "不合格"),
        ("cuisine", "川菜, 粥", ("cuisine",), ["川菜", "粥"]),
        ("spice", "4", ("spice",), 4),
        ("is_new", "false", ("is_new",), False),
    ],
)
def test_a_typed_text_becomes_the_value_of_its_kind(name, typed, path, value):
    base = feature_to_json(FULL)
    found = feature_from(texts_of(base, WIDE) | {name: typed}, base, WIDE)["properties"]
    for part in path:
        found = found[part]
    assert (found, type(found)) == (value, type(value))


def test_a_field_that_is_emptied_is_taken_away_and_one_that_was_not_sent_stays():
    base = feature_to_json(FULL)
    sent = texts_from({"phone": [""], "arrival.lon": [""], "arrival.lat": [""]}, WIDE)
    found = feature_from(sent, base, WIDE)["properties"]
    assert set(base["properties"]) - set(found) == {"phone", "arrival"}


def test_rows_are_numbered_anew_without_blank_and_removed_ones():
    form = {
        "services": [""],
        "services[0].kind": ["rest"],
        "services[0].remove": ["1"],
        "services[3].kind": [" "],
        "services[7].kind": ["toilet"],
        "services[7].price": ["免费"],
    }
    base = feature_to_json(FULL)
    found = feature_from(texts_from(form, WIDE), base, WIDE)["properties"]["services"]
    assert found == [{"kind": "toilet", "price": "免费"}]


def test_a_pair_pasted_into_one_box_is_both_numbers():
    texts = texts_from({"lon": ["116.4612345, 39.9654321"], "lat": [""]}, WIDE)
    assert (texts["lon"], texts["lat"]) == ("116.4612345", "39.9654321")


# -- the week picture --------------------------------------------------------------------------------------


def test_the_week_covers_each_day_whole_and_splits_a_night_at_midnight():
    days = week_of("Fr 22:00-02:00", date(2026, 11, 18), "zh")
    assert [day.stretches[0].start_min for day in days] == [0] * 7
    assert [day.stretches[-1].end_min for day in days] == [1440] * 7
    assert [(one.words, one.kind) for one in days[2].stretches] == [
        ("00:00–22:00", "closed"),
        ("22:00–24:00", "open"),
    ]
    assert days[3].stretches[0].words == "00:00–02:00"


def test_the_week_marks_holidays_and_make_up_workdays():
    days = week_of("Mo-Fr 09:00-18:00; PH off", date(2026, 10, 4), "zh")
    assert [day.mark for day in days] == ["holiday"] * 4 + ["", "", "make_up"]
    assert [day.is_whole for day in days] == [True] * 4 + [False, False, False]


def test_a_text_that_fails_is_explained_with_the_place_where_it_fails():
    meaning = explain("Mo-Fr 8-18", NOON, "en")
    assert (meaning.state, meaning.fault_at, meaning.fault_text, meaning.days) == ("", 7, "8-18", ())
    assert len(meaning.fault) > 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mo-Fr 08:30-18:00", "Open · to 18:00"),
        ("24/7", "Open · 24 hours"),
        ("Mo-Fr 14:00-18:00", "Closed · opens 14:00"),
        ("Mo-Fr 08:00-12:20", "Closing soon · to 12:20"),
    ],
)
def test_the_state_now_is_said_with_its_end(text, words):
    assert explain(text, NOON, "en").state_words == words


# -- pages ---------------------------------------------------------------------------------------------------


class Inputs(HTMLParser):
    """What a browser without scripts would send of one form of a page."""

    def __init__(self, text, form_id):
        super().__init__()
        self.sent, self.select, self.depth, self.is_inside, self.form_id = [], None, 0, False, form_id
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if tag == "form":
            self.is_inside = of.get("id") == self.form_id
        self.depth += tag == "template"
        if not self.is_inside or self.depth:
            return
        is_box = of.get("type") in ("checkbox", "radio")
        if tag == "input" and of.get("name") and (not is_box or "checked" in of):
            self.sent.append((of["name"], of.get("value") or ""))
        elif tag == "select":
            self.select = [of["name"], None]
        elif tag == "option" and self.select and (self.select[1] is None or "selected" in of):
            self.select[1] = of.get("value", "")

    def handle_endtag(self, tag):
        self.depth -= tag == "template"
        if tag == "select" and self.select:
            self.sent.append(tuple(self.select))
            self.select = None
        if tag == "form":
            self.is_inside = False


def inputs(page, form_id="place"):
    found = {}
    for name, value in Inputs(page.text, form_id).sent:
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture(scope="module")
def district(demo_directory, tmp_path_factory):
    directory = tmp_path_factory.mktemp("places") / "xiangheyuan"
    shutil.copytree(demo_directory, directory)
    opened = open_district(directory)
    word = hash_password(WORD)
    for name, role in (
        ("viewer", "viewer"),
        ("zhao", "verifier"),
        ("li", "editor"),
        ("wang", "editor"),
        ("boss", "admin"),
    ):
        layers = ("toilet", "station", "charging") if role == "editor" else ()
        opened.store.put_account(Account(name, word, role, NOON, layers=layers, places=("xhy-toilet-009",)))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(district):
    return create_app({district.id: district}, Settings(), clock=lambda: NOON)


@pytest.fixture(scope="module")
def people(app, district):
    """One signed-in browser for each account, kept: hashing is slow on purpose."""
    desks = {}
    for name in ("viewer", "zhao", "li", "wang", "boss"):
        desks[name] = Desk(app, district.id)
        assert desks[name].sign_in(name).status_code == 303
    return desks


def place(district, place_id):
    return district.store.features([place_id])[0]


def opened(desk, layer, place_id):
    """The form of a place as it was shown."""
    page = desk.get(f"/places/{layer}/{place_id}")
    assert page.status_code == 200
    return inputs(page)


def send(desk, layer, place_id, form, **changes):
    changes = {name.replace("__", "."): value for name, value in changes.items()}
    return desk.client.post(f"{desk.root}/places/{layer}/{place_id}", data=form | changes)


def flashes(desk):
    return re.findall(r'<p class="done" role="status">([^<]+)', desk.get("/places").text)


PAGES = pytest.mark.slow


@PAGES
def test_the_list_is_searched_by_name_id_and_address_and_narrowed_by_state(people, district):
    toilets = district.store.layer("toilet").features
    desk = people["viewer"]
    page = desk.get("/places?layer=toilet").text
    assert all(html.escape(one.name) in page for one in toilets)
    found = re.findall(
        r'href="[^"]+/places/toilet/([^"?]+)', desk.get("/places?layer=toilet&q=XHY toilet-003").text
    )
    assert found == ["xhy-toilet-003"]
    street = toilets[4].address[:4]
    page = desk.get(f"/places?layer=toilet&q={street}").text
    expected = [one.id for one in toilets if street in one.address or street in one.name]
    assert re.findall(r'href="[^"]+/places/toilet/([^"?]+)', page) == expected
    assert "没有符合的地点" in desk.get("/places?layer=toilet&status=paused&q=nowhere").text


@PAGES
@pytest.mark.parametrize("layer", ["station", "toilet", "charging"])
def test_saving_an_untouched_form_changes_nothing(people, district, layer):
    version = district.store.layer(layer).version
    first = district.store.layer(layer).features[0]
    answer = send(people["li"], layer, first.id, opened(people["li"], layer, first.id))
    assert answer.status_code == 303
    assert "没有改动" in flashes(people["li"])[0]
    assert district.store.layer(layer).version == version


@PAGES
def test_what_is_changed_is_kept_dated_in_the_editors_role_and_written_to_the_file(people, district):
    desk, before = people["li"], place(district, "xhy-toilet-001")
    form = opened(desk, "toilet", before.id)
    answer = send(desk, "toilet", before.id, form, hours="周一至周五 9:00-18:00", phone="010-1111")
    assert (answer.status_code, answer.location) == (303, f"/{district.id}/desk/places/toilet/{before.id}")
    after = place(district, before.id)
    assert (after.hours, after.phone) == ("Mo-Fr 09:00-18:00", "010-1111")
    dated = {kind for kind, one in after.provenance.checked.items() if one == Checked(TODAY, "editor")}
    assert dated == {"hours", "contact"}
    assert replace(after, hours=before.hours, phone=before.phone, provenance=before.provenance) == before
    written = json.loads((district.directory / "layers" / "toilet.geojson").read_text(encoding="utf-8"))
    assert next(f for f in written["features"] if f["id"] == before.id)["properties"]["phone"] == "010-1111"
    assert district.store.history("toilet", before.id, 1)[0].actor == "li"


@PAGES
def test_who_looked_at_everything_dates_every_kind_of_fact(people, district):
    desk = people["li"]
    send(desk, "station", "xhy-station-001", opened(desk, "station", "xhy-station-001"), all_checked="1")
    station = place(district, "xhy-station-001")
    assert {"existence", "hours", "services", "access", "position"} <= set(station.provenance.checked)
    assert set(station.provenance.checked.values()) == {Checked(TODAY, "editor")}


@PAGES
def test_two_editors_of_different_fields_both_keep_theirs_and_the_second_is_told(people, district):
    forms = {name: opened(people[name], "toilet", "xhy-toilet-002") for name in ("li", "wang")}
    assert (
        send(people["wang"], "toilet", "xhy-toilet-002", forms["wang"], phone="010-2222").status_code == 303
    )
    flashes(people["wang"])
    assert (
        send(people["li"], "toilet", "xhy-toilet-002", forms["li"], address="新地址 2 号").status_code == 303
    )
    toilet = place(district, "xhy-toilet-002")
    assert (toilet.phone, toilet.address) == ("010-2222", "新地址 2 号")
    told = flashes(people["li"])
    assert any("wang" in one and "电话" in one for one in told), told


def contested(people, place_id):
    """Two editors of the phone of one place: the page the second gets."""
    forms = {name: opened(people[name], "toilet", place_id) for name in ("li", "wang")}
    assert (
        send(
            people["wang"], "toilet", place_id, forms["wang"], phone="010-3333", host_type="公园"
        ).status_code
        == 303
    )
    flashes(people["wang"])
    return send(people["li"], "toilet", place_id, forms["li"], phone="010-4444", address="四号")


@PAGES
@pytest.mark.parametrize(
    ("choice", "phone", "place_id"),
    [("theirs", "010-3333", "xhy-toilet-003"), ("mine", "010-4444", "xhy-toilet-004")],
)
def test_of_the_same_field_the_second_sees_both_values_and_chooses(people, district, choice, phone, place_id):
    page = contested(people, place_id)
    assert page.status_code == 412
    assert "010-3333" in page.text
    assert "010-4444" in page.text
    assert "wang" in page.text
    assert place(district, place_id).phone == "010-3333"
    form = inputs(page)
    assert form["contested"] == ["phone"]
    answer = send(people["li"], "toilet", place_id, form, **{"choice.phone": choice})
    assert answer.status_code == 303
    toilet = place(district, place_id)
    assert (toilet.phone, toilet.address, toilet.host_type) == (phone, "四号", "公园")


@PAGES
def test_a_contested_form_without_a_choice_saves_nothing_and_asks_again(people, district):
    form = inputs(contested(people, "xhy-toilet-005"))
    again = send(people["li"], "toilet", "xhy-toilet-005", form)
    assert again.status_code == 412
    assert inputs(again)["contested"] == ["phone"]
    assert place(district, "xhy-toilet-005").phone == "010-3333"


@PAGES
def test_a_place_that_was_removed_meanwhile_keeps_what_was_typed_on_the_screen(people, district):
    form = opened(people["li"], "toilet", "xhy-toilet-006")
    path = f"{people['wang'].root}/places/toilet/xhy-toilet-006/remove"
    gone = {"csrf_token": form["csrf_token"], "base_version": form["base_version"], "reason": "拆了"}
    gone["csrf_token"] = opened(people["wang"], "toilet", "xhy-toilet-006")["csrf_token"]
    assert people["wang"].client.post(path, data=gone).status_code == 303
    page = send(people["li"], "toilet", "xhy-toilet-006", form, name="还在的公厕")
    assert page.status_code == 412
    assert "还在的公厕" in page.text
    assert "移除" in page.text
    shown = people["li"].get("/places/toilet/xhy-toilet-006")
    assert shown.status_code == 200
    assert "拆了" in shown.text
    assert 'class="save"' not in shown.text


@PAGES
def test_faults_stand_beside_their_inputs_and_everything_typed_is_kept(people, district):
    before = place(district, "xhy-station-003")
    form = opened(people["li"], "station", before.id)
    wrong = {
        "name": " ",
        "hours": "Mo-Fr 8-18",
        "seats": "a dozen",
        "status_from": "2026-09-01",
        "status_until": "2026-01-01",
        "access": [""],
        "access[0].method": "code",
        "access[0].note": "门禁码 482913",
        "address": "别的地址",
        "lon": "16.4",
    }
    page = send(people["li"], "station", before.id, form | wrong)
    assert page.status_code == 400
    faulty = set(re.findall(r'name="([^"]+)" aria-invalid="true"', page.text))
    assert faulty == {"name", "hours", "seats", "status_until", "access[0].note", "lon"}
    kept = inputs(page)
    for name in ("hours", "seats", "address", "lon", "access[0].note"):
        assert kept[name] == [wrong[name]]
    assert "第 7 个字符起读不懂" in page.text
    assert place(district, before.id) == before


@PAGES
def test_hostile_texts_of_every_field_are_shown_as_text(people, district):
    station = place(district, "xhy-station-004")
    hostile = replace(
        station,
        name=HOSTILE,
        address=HOSTILE,
        network=HOSTILE[:80],
        host_type=HOSTILE[:80],
        operator=HOSTILE,
        station_code=HOSTILE[:60],
        services=(Service("rest", None, HOSTILE, HOSTILE[:80]),),
        access=(Access("staff", None, HOSTILE),),
        inspection=Inspection(HOSTILE[:80], TODAY, HOSTILE[:100]),
        status_reason=HOSTILE,
        provenance=Provenance(HOSTILE, HOSTILE[:90]),
    )
    district.store.apply(
        [Edit("station", station.id, None, station, hostile)],
        actor="li",
        role="editor",
        source="test",
        at=NOON,
    )
    pages = [
        people["li"].get(path).text for path in ("/places?layer=station", f"/places/station/{station.id}")
    ]
    form = opened(people["li"], "station", station.id)
    pages.append(send(people["li"], "station", station.id, form, hours=HOSTILE, phone=HOSTILE).text)
    pages.append(
        people["li"].get("/places?layer=station&q=" + "%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E").text
    )
    preview = people["li"].get("/hours-preview?text=%22%3E%3Cimg%20src%3Dx%3E").json
    pages.append(preview["html"])
    for text in pages:
        assert "<img" not in text
        assert "alert(2)</script>" not in text
        assert "49" not in re.findall(r"'\{\{(.*?)\}\}", text)
    assert form["name"] == [HOSTILE]
    assert form["services[0].note"] == [HOSTILE]


@PAGES
def test_without_scripts_rows_are_added_in_blank_ones_and_removed_by_a_box(people, district):
    before = place(district, "xhy-station-005")
    form, n = opened(people["li"], "station", before.id), len(before.services)
    assert f"services[{n}].kind" in form
    form |= {f"services[{n}].kind": "tools", f"services[{n}].hours": "24/7", "services[0].remove": "1"}
    assert send(people["li"], "station", before.id, form).status_code == 303
    assert place(district, before.id).services == (*before.services[1:], Service("tools", "24/7"))


@PAGES
def test_numbers_of_another_datum_are_converted_in_sight_and_saved_only_then(people, district):
    before = place(district, "xhy-toilet-007")
    form = opened(people["li"], "toilet", before.id)
    lon, lat = convert_datum([before.lon + 0.001, before.lat], "wgs84", "gcj02").tolist()
    page = send(people["li"], "toilet", before.id, form, lon=f"{lon:.7f}, {lat:.7f}", lat="", datum="gcj02")
    assert page.status_code == 200
    assert "GCJ-02" in page.text
    assert "还没有保存" in page.text
    assert place(district, before.id) == before
    shown = inputs(page)
    assert shown["datum"] == ["wgs84"]
    assert send(people["li"], "toilet", before.id, shown).status_code == 303
    after = place(district, before.id)
    assert distance_m([(after.lon, after.lat)], [(before.lon + 0.001, before.lat)])[0] < 0.1
    assert after.provenance.checked["position"] == Checked(TODAY, "editor")


@PAGES
def test_a_new_place_gets_the_next_id_of_its_layer_and_needs_a_position_in_the_district(people, district):
    desk = people["li"]
    form = inputs(desk.get("/places/charging/new"))
    numbers = [int(one.id[-3:]) for one in district.store.layer("charging").features]
    new_id = f"xhy-charging-{max(numbers) + 1:03d}"
    assert form["id"] == [new_id]
    lon, lat = district.centre
    form |= {"name": "新柜", "power.slots": "8", "hours": "24/7"}
    assert send(desk, "charging", "new", form).status_code == 400
    assert send(desk, "charging", "new", form, lon="121.4", lat="31.2").status_code == 400
    assert send(desk, "charging", "new", form, lon=f"{lon}", lat=f"{lat}").status_code == 303
    found = place(district, new_id)
    assert (found.name, found.power, found.provenance.source) == ("新柜", Power(slots=8), "desk")
    assert found.provenance.checked["existence"] == Checked(TODAY, "editor")
    again = send(desk, "charging", "new", form, lon=f"{lon}", lat=f"{lat}")
    assert again.status_code == 400
    assert "这个编号已经用过" in again.text
    other = send(desk, "charging", "new", form, lon=f"{lon}", lat=f"{lat}", id="xhy-toilet-001")
    assert other.status_code == 400
    assert inputs(desk.get("/places/charging/new"))["id"] != [new_id]


@PAGES
def test_removing_needs_a_reason_and_leaves_the_history(people, district):
    desk = people["li"]
    form = opened(desk, "toilet", "xhy-toilet-008")
    path = f"{desk.root}/places/toilet/xhy-toilet-008/remove"
    token = {"csrf_token": form["csrf_token"], "base_version": form["base_version"]}
    assert desk.client.post(path, data=token | {"reason": " "}).status_code == 400
    assert desk.client.post(path, data=token | {"reason": "门禁码 482913"}).status_code == 400
    assert desk.client.post(path, data=token | {"reason": "拆除"}).status_code == 303
    assert "xhy-toilet-008" not in [one.id for one in district.store.layer("toilet").features]
    assert district.store.history("toilet", "xhy-toilet-008", 1)[0].after.status_reason == "拆除"


@PAGES
def test_a_removal_that_meets_another_change_of_the_status_is_not_made(people, district):
    desk, place_id = people["li"], "xhy-toilet-015"
    form = opened(desk, "toilet", place_id)
    wang = opened(people["wang"], "toilet", place_id)
    assert (
        send(people["wang"], "toilet", place_id, wang, status="paused", status_reason="装修").status_code
        == 303
    )
    token = {"csrf_token": form["csrf_token"], "base_version": form["base_version"], "reason": "拆除"}
    page = desk.client.post(f"{desk.root}/places/toilet/{place_id}/remove", data=token)
    assert page.status_code == 412
    assert "wang" in page.text
    assert place(district, place_id).status == "paused"
    assert f'action="{desk.root}/places/toilet/{place_id}"' in page.text
    assert inputs(page)["status"] == ["paused"]


def bulk(desk, layer, ids, action, **form):
    shown = inputs(desk.get(f"/places?layer={layer}"), "bulk")
    return desk.client.post(f"{desk.root}/places", data=shown | {"ids": ids, "action": action} | form)


@PAGES
def test_several_are_paused_and_taken_back_in_one_change(people, district):
    ids = ["xhy-toilet-010", "xhy-toilet-011"]
    assert bulk(people["li"], "toilet", ids, "paused").status_code == 400
    assert bulk(people["li"], "toilet", ids, "paused", reason="停水").status_code == 303
    assert {(one.status, one.status_reason) for one in district.store.features(ids)} == {("paused", "停水")}
    changes = district.store.history("toilet", limit=2)
    assert changes[0].id == changes[1].id
    assert "暂停" in people["viewer"].get("/places?layer=toilet&status=paused").text
    assert bulk(people["li"], "toilet", ids, "active").status_code == 303
    assert {(one.status, one.status_reason) for one in district.store.features(ids)} == {("active", None)}


@PAGES
def test_a_verifier_marks_the_own_place_as_verified_and_no_other(people, district):
    before = place(district, "xhy-toilet-012")
    both = ["xhy-toilet-009", "xhy-toilet-012"]
    form = {"csrf_token": people["zhao"].token("/rota"), "layer": "toilet", "action": "verified"}
    form["base_version"] = district.store.layer("toilet").version
    post = people["zhao"].client.post
    assert post(f"{people['zhao'].root}/places", data=form | {"ids": both}).status_code == 403
    assert place(district, "xhy-toilet-012") == before
    assert (
        post(f"{people['zhao'].root}/places", data=form | {"ids": both[:1], "action": "active"}).status_code
        == 403
    )
    assert post(f"{people['zhao'].root}/places", data=form | {"ids": both[:1]}).status_code == 303
    assert place(district, "xhy-toilet-009").provenance.checked["existence"] == Checked(TODAY, "verifier")


@PAGES
def test_a_batch_that_meets_another_change_saves_nothing(people, district):
    desk, ids = people["li"], ["xhy-toilet-013", "xhy-toilet-014"]
    shown = inputs(desk.get("/places?layer=toilet"), "bulk")
    wang = opened(people["wang"], "toilet", ids[1])
    assert (
        send(people["wang"], "toilet", ids[1], wang, status="paused", status_reason="装修").status_code == 303
    )
    form = shown | {"ids": ids, "action": "paused", "reason": "停水"}
    page = desk.client.post(f"{desk.root}/places", data=form)
    assert page.status_code == 412
    assert ids[1] in page.text
    assert [one.status for one in district.store.features(ids)] == ["active", "paused"]


@PAGES
def test_who_may_not_edit_reads_the_form_and_cannot_send_it(people, district):
    page = people["viewer"].get("/places/toilet/xhy-toilet-012")
    assert '<fieldset class="all" disabled>' in page.text
    assert 'class="save"' not in page.text
    assert re.search(r'id="convert" hidden>', page.text)
    form = {"csrf_token": people["viewer"].token("/"), "base_version": "1", "name": "x"}
    assert (
        people["viewer"]
        .client.post(f"{people['viewer'].root}/places/toilet/xhy-toilet-012", data=form)
        .status_code
        == 403
    )
    merchant = district.store.layer("merchant").features[0]
    form = {
        "csrf_token": people["li"].token("/places/toilet/xhy-toilet-012"),
        "base_version": "1",
        "name": "x",
    }
    for path in (merchant.id, f"{merchant.id}/remove", "new"):
        answer = people["li"].client.post(f"{people['li'].root}/places/merchant/{path}", data=form)
        assert answer.status_code == 403, path
    assert people["li"].get("/places/merchant/new").status_code == 403


@PAGES
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/places?layer=nowhere", 404),
        ("/places/nowhere/x", 404),
        ("/places/toilet/nowhere", 404),
        ("/places/toilet/xhy-station-001", 404),
        ("/point-check?datum=mars", 400),
        ("/hours-preview", 200),
        ("/places/block/new", 400),
    ],
)
def test_addresses_that_lead_nowhere_are_refused_by_name(people, path, status):
    assert people["boss"].get(path).status_code == status


@PAGES
@pytest.mark.parametrize("version", ["", "x", "-1", "99999", "1" * 30])
def test_a_version_that_was_never_on_a_screen_is_refused(people, district, version):
    before = place(district, "xhy-toilet-012")
    form = opened(people["li"], "toilet", "xhy-toilet-012")
    assert send(
        people["li"], "toilet", "xhy-toilet-012", form, base_version=version, name="x"
    ).status_code in (400, 404)
    assert place(district, "xhy-toilet-012") == before


@PAGES
def test_the_preview_says_what_is_kept_and_when_it_opens(people):
    told = people["viewer"].get("/hours-preview?lang=en&text=%E5%91%A8%E5%85%AD%209:00-18:00").json
    assert (told["text"], told["is_translated"], told["state"]) == ("Sa 09:00-18:00", True, "closed")
    assert "opens Sat 09:00" in told["html"]
    assert told["html"].count("<svg") == 7


@PAGES
def test_the_check_of_points_converts_and_measures(people, district):
    station = next(one for one in district.store.layer("station").features if one.arrival)
    numbers = convert_datum([(station.lon, station.lat), station.arrival], "wgs84", "bd09").tolist()
    (lon, lat), (lon2, lat2) = numbers
    told = (
        people["viewer"]
        .get(
            f"/point-check?lang=en&datum=bd09&lon={lon:.8f}&lat={lat:.8f}&arrival.lon={lon2:.8f}&arrival.lat={lat2:.8f}"
        )
        .json
    )
    assert (
        distance_m([told["pin"], told["arrival"]], [(station.lon, station.lat), station.arrival]).max() < 0.05
    )
    apart = round(float(distance_m([(station.lon, station.lat)], [station.arrival])[0]))
    assert f"entrance {apart} m from the pin" in told["words"]
    assert "m from" in told["words"][0]


@PAGES
def test_an_area_has_name_and_status_only_and_keeps_its_outline(people, district):
    square = {
        "type": "Polygon",
        "coordinates": [[[116.44, 39.95], [116.45, 39.95], [116.45, 39.96], [116.44, 39.95]]],
    }
    area = Area("b1", "block", "街区", square)
    district.store.apply(
        [Edit("block", "b1", None, None, area)], actor="boss", role="admin", source="test", at=NOON
    )
    form = opened(people["boss"], "block", "b1")
    assert "hours" not in form
    assert "lon" not in form
    assert send(people["boss"], "block", "b1", form, name="新名").status_code == 303
    found = place(district, "b1")
    assert (found.name, to_shape(found.geometry)) == ("新名", to_shape(area.geometry))


def test_fields_that_a_district_added_stand_in_the_form():
    catalogue = catalogue_with({"water": {"fields": ["taste"]}}, {})
    well = feature_to_json(Place("w1", "water", 116.45, 39.96, "水", extra={"taste": "甜"}))
    texts = texts_of(well, catalogue["water"])
    assert texts["taste"] == "甜"
    assert feature_from(texts | {"taste": "咸"}, well, catalogue["water"])["properties"]["taste"] == "咸"


def test_the_picture_does_not_depend_on_the_hour_it_is_drawn_at():
    late = datetime(2026, 11, 18, 23, 59, tzinfo=SHANGHAI)
    assert (
        explain("Mo-Su 08:00-20:00", late, "zh").days
        == explain("Mo-Su 08:00-20:00", late - timedelta(hours=23), "zh").days
    )
