"""Places come out of OSM tags as the guide says, and reading again never undoes the desk."""

import contextlib
import string
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import InvalidInputError
from geo_service.exchange.from_osm import (
    EMPTY_SUSPICION,
    GONE,
    OSM_LAYERS,
    REFRESH_DAYS,
    layer_of,
    osm_layers,
    plan_osm_update,
    read_osm_places,
    snapshots_of,
)
from geo_service.geo import BBox
from geo_service.layers import (
    Access,
    Checked,
    Edit,
    Feature,
    Layer,
    Place,
    Power,
    Service,
    changed_fields,
    dump_layer,
    parse_layer,
)
from geo_service.network.features import OsmFeatures, OsmPoi, ReadReport
from geo_service.network.osm import read_osm_file
from geo_service.store.base import Store
from geo_service.store.sqlite import open_sqlite
from tests.oracles.osm_places import places_in_file

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def features(*pois: OsmPoi) -> OsmFeatures:
    return OsmFeatures(pois, (), (), BBox(116.3, 39.9, 116.5, 40.0), None, ReadReport())


def poi(osm: str = "node/1", lon: float = 116.4, lat: float = 39.95, **tags: str) -> OsmPoi:
    return OsmPoi(osm, lon, lat, {key.replace("__", ":"): value for key, value in tags.items()})


def place_of(on: date = DAY, **tags: str) -> Place:
    places = [place for layer in osm_layers(features(poi(**tags)), on) for place in layer.features]
    assert len(places) == 1
    assert isinstance(places[0], Place)
    return places[0]


# --- which objects, which layer ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "layer"),
    [
        ({"amenity": "toilets"}, "toilet"),
        ({"amenity": "clinic"}, "clinic"),
        ({"amenity": "doctors"}, "clinic"),
        ({"amenity": "hospital"}, "clinic"),
        ({"amenity": "pharmacy"}, "clinic"),
        ({"healthcare": "centre"}, "clinic"),
        ({"healthcare": "doctor"}, "clinic"),
        ({"healthcare": "dentist"}, None),
        ({"amenity": "drinking_water"}, "water"),
        ({"amenity": "fountain", "drinking_water": "yes"}, "water"),
        ({"amenity": "fountain", "drinking_water": "no"}, None),
        ({"amenity": "fountain"}, None),
        ({"amenity": "water_point", "drinking_water": "yes"}, "water"),
        ({"man_made": "water_tap", "drinking_water": "yes"}, "water"),
        ({"natural": "spring", "drinking_water": "yes"}, "water"),
        ({"amenity": "restaurant", "drinking_water": "yes"}, None),
        ({"amenity": "charging_station"}, "charging"),
        ({"amenity": "charging_station", "motorcar": "yes", "bicycle": "no"}, "charging"),
        ({"amenity": "charging_station", "battery_swap": "yes"}, "swap"),
        ({"amenity": "charging_station", "battery_swap": "no"}, "charging"),
        ({"amenity": "charging_station", "name": "e换电"}, "swap"),
        ({"amenity": "charging_station", "brand": "Power Swap"}, "swap"),
        ({"amenity": "battery_swap"}, "swap"),
        ({"amenity": "vending_machine", "vending": "battery_exchange"}, "swap"),
        ({"amenity": "vending_machine", "vending": "batteries"}, None),
        ({"amenity": "device_charging_station"}, None),
        ({"disused:amenity": "toilets"}, None),
        ({"was:amenity": "clinic"}, None),
        ({"abandoned:amenity": "drinking_water"}, None),
        ({"construction:amenity": "hospital"}, None),
        ({"amenity": "restaurant", "toilets": "yes"}, None),
        ({"shop": "convenience"}, None),
        ({"amenity": "cafe;toilets"}, "toilet"),
        ({"amenity": "pharmacy;toilets"}, "clinic"),
        ({}, None),
    ],
)
def test_tags_decide_the_layer(tags, layer):
    assert layer_of(tags) == layer


def test_every_layer_is_returned_even_if_empty():
    assert [(layer.name, layer.features) for layer in osm_layers(features(), DAY)] == [
        (name, ()) for name in OSM_LAYERS
    ]


@pytest.mark.parametrize(
    ("osm", "key"), [("node/123", "osm-n123"), ("way/45", "osm-w45"), ("relation/6", "osm-r6")]
)
def test_the_id_says_which_object_it_was(osm, key):
    (place,) = osm_layers(features(poi(osm, amenity="toilets")), DAY)[OSM_LAYERS.index("toilet")].features
    assert place.id == key
    assert isinstance(place, Place)
    assert place.external_ids == {"osm": osm}


def test_an_object_stays_in_the_layer_it_was_first_read_into():
    before = place_of(amenity="charging_station")
    after = osm_layers(features(poi(amenity="charging_station", name="换电站")), DAY, {before.id: before})
    assert [layer.name for layer in after if layer.features] == ["charging"]
    assert {service.kind for service in after[OSM_LAYERS.index("charging")].features[0].services} == {
        "battery_swap"
    }


# --- which fields --------------------------------------------------------------------------------


def test_name_position_hours_operator_and_access_come_over():
    place = place_of(
        amenity="toilets",
        name="城府公厕",
        opening_hours="Mo-Su 06:00-22:00",
        operator="海淀环卫",
        access="yes",
        phone="+86 10 6871 6285",
        addr__street="城府路",
        addr__housenumber="45",
    )
    assert (place.lon, place.lat, place.name) == (116.4, 39.95, "城府公厕")
    assert (place.hours, place.operator) == ("Mo-Su 06:00-22:00", "海淀环卫")
    assert place.access == (Access("open"),)
    assert (place.phone, place.address) == ("+86 10 6871 6285", "城府路45号")


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"amenity": "toilets"}, "公共厕所"),
        ({"amenity": "drinking_water"}, "饮水点"),
        ({"amenity": "charging_station"}, "充电站"),
        ({"amenity": "charging_station", "brand": "特来电"}, "特来电充电站"),
        ({"amenity": "battery_swap"}, "换电站"),
        ({"amenity": "hospital"}, "医院"),
        ({"amenity": "pharmacy"}, "药店"),
        ({"amenity": "clinic"}, "诊所"),
        ({"amenity": "toilets", "name:zh": "东门公厕"}, "东门公厕"),
        ({"amenity": "toilets", "name": " \u202e公\n厕\x00 "}, "公 厕"),
        ({"amenity": "toilets", "name": "长" * 255}, "长" * 200),
    ],
)
def test_what_a_place_is_called(tags, name):
    assert place_of(**tags).name == name


@pytest.mark.parametrize(
    "hours", ["open all day", "Mo-Fr 25:99", "opening_hours=24/7", "?", "24/7; " * 60 + "x"]
)
def test_hours_that_are_none_stay_unknown_and_are_counted(hours):
    reading = read_osm_places(features(poi(amenity="toilets", opening_hours=hours)), DAY)
    (place,) = reading.layers[OSM_LAYERS.index("toilet")].features
    assert place.hours is None
    assert "hours" not in place.provenance.checked
    assert [(one.osm, one.field) for one in reading.dropped] == [("node/1", "hours")]


def test_a_phone_that_is_none_is_left_out():
    assert place_of(amenity="clinic", phone="ask at the door").phone is None


@pytest.mark.parametrize(
    ("tags", "services"),
    [
        ({"amenity": "toilets"}, [Service("toilet")]),
        ({"amenity": "toilets", "fee": "no"}, [Service("toilet", price="免费")]),
        ({"amenity": "toilets", "fee": "yes", "charge": "1 CNY"}, [Service("toilet", price="1 CNY")]),
        ({"amenity": "toilets", "wheelchair": "yes"}, [Service("toilet", note="无障碍")]),
        ({"amenity": "toilets", "drinking_water": "yes"}, [Service("toilet"), Service("drinking_water")]),
        ({"amenity": "hospital", "emergency": "yes"}, [Service("medical"), Service("emergency")]),
        ({"amenity": "pharmacy"}, [Service("pharmacy")]),
        ({"amenity": "pharmacy;toilets"}, [Service("pharmacy"), Service("toilet")]),
        ({"amenity": "charging_station"}, []),
        ({"amenity": "charging_station", "motorcar": "yes"}, []),
        ({"amenity": "charging_station", "bicycle": "yes"}, [Service("bike_charging")]),
        ({"amenity": "battery_swap"}, [Service("battery_swap")]),
        ({"amenity": "drinking_water"}, [Service("drinking_water")]),
    ],
)
def test_services_follow_the_tags(tags, services):
    assert list(place_of(**tags).services) == services


def test_power_takes_network_and_capacity():
    place = place_of(amenity="charging_station", operator="国网", network="e充电", capacity="12")
    assert place.power == Power(operator="e充电", slots=12)
    assert place.network == "e充电"


def test_a_capacity_that_is_no_number_is_left_out():
    assert place_of(amenity="charging_station", operator="国网", capacity="many").power == Power(
        operator="国网"
    )


@pytest.mark.parametrize("access", ["private", "no", "employees", "residents", "permit", "military"])
def test_what_riders_may_not_use_is_kept_but_paused(access):
    place = place_of(amenity="toilets", access=access)
    assert (place.status, place.status_reason) == ("paused", f"OpenStreetMap: access={access}")


@pytest.mark.parametrize("key", ["disused", "abandoned", "construction"])
def test_what_is_out_of_use_is_kept_but_paused(key):
    assert place_of(amenity="toilets", **{key: "yes"}).status_reason == f"OpenStreetMap: {key}=yes"


def test_customers_only_is_said_with_the_access():
    assert place_of(amenity="toilets", access="customers").access == (Access("staff", note="仅限顾客"),)


def test_facts_count_as_checked_by_the_import_on_its_day():
    place = place_of(amenity="toilets", opening_hours="24/7")
    assert (place.provenance.source, place.provenance.licence) == ("OpenStreetMap", "ODbL-1.0")
    assert set(place.provenance.checked) == {"existence", "position", "hours", "services"}
    assert set(place.provenance.checked.values()) == {Checked(DAY, "import")}


def test_a_mappers_check_dates_count_instead():
    place = place_of(
        amenity="toilets",
        opening_hours="24/7",
        check_date="2026-03-01",
        check_date__opening_hours="2026-05-02",
    )
    assert place.provenance.checked_on("existence") == date(2026, 3, 1)
    assert place.provenance.checked_on("hours") == date(2026, 5, 2)


@pytest.mark.parametrize("text", ["2026-13-45", "last week", "2027-01-01", "0001-01-01", "2026-1-1"])
def test_a_check_date_that_cannot_be_tells_nothing(text):
    assert place_of(amenity="toilets", check_date=text).provenance.checked_on("existence") == DAY


TAG_TEXT = st.text(max_size=255)


@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "brand", "operator", "network", "phone", "opening_hours", "access", "fee", "charge"]
        )
        | st.sampled_from(["addr:full", "addr:street", "addr:housenumber", "check_date:opening_hours"])
        | st.sampled_from(["capacity", "check_date", "wheelchair", "drinking_water", "emergency", "disused"]),
        TAG_TEXT,
    ),
    st.sampled_from(["toilets", "clinic", "charging_station", "drinking_water", "battery_swap"]),
)
def test_whatever_strangers_write_the_layer_obeys_its_own_rules(tags, amenity):
    for layer in osm_layers(features(OsmPoi("node/1", 116.4, 39.95, tags | {"amenity": amenity})), DAY):
        assert parse_layer(dump_layer(layer), layer.name).features == layer.features


# --- real extracts -------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "beijing-tsinghua-2017",
        "beijing-cau-2026",
        "beijing-bupt-2025",
        pytest.param("liechtenstein-2022", marks=pytest.mark.slow),
    ],
)
def test_real_extracts_give_exactly_the_objects_of_a_plain_tag_filter(shared_data, name):
    path = shared_data / f"{name}.osm.pbf"
    reading = read_osm_places(read_osm_file(path, profiles=()).features, DAY)
    ours = {
        layer.name: {place.external_ids["osm"] for place in layer.features if isinstance(place, Place)}
        for layer in reading.layers
        if layer.features
    }
    assert ours == places_in_file(path)
    for layer in reading.layers:
        assert parse_layer(dump_layer(layer), layer.name).features == layer.features


# --- reading again -------------------------------------------------------------------------------


class Desk:
    """A layer with its history, as a store would keep it: what it holds, and what OSM said last."""

    def __init__(self) -> None:
        self.held: dict[str, Feature] = {}
        self.said: dict[str, Feature] = {}
        self.version = 0

    @property
    def layer(self) -> Layer:
        return Layer("toilet", tuple(self.held.values()), self.version)

    def read(self, *pois: OsmPoi, on: date = DAY) -> tuple[Edit, ...]:
        fresh = osm_layers(features(*pois), on, self.said)[OSM_LAYERS.index("toilet")]
        edits = plan_osm_update(self.layer, self.said, fresh)
        said = snapshots_of(self.layer, self.said, fresh)
        for edit in edits:
            assert edit.before == self.held.get(edit.id)
            self.put(edit.after)
        self.said |= {one.id: one for one in said}
        return edits

    def put(self, feature: Feature | None) -> None:
        assert feature is not None
        self.version += 1
        self.held[feature.id] = feature
        if feature.status == "removed":
            del self.held[feature.id]

    def remove(self, key: str) -> None:
        self.version += 1
        del self.held[key]

    def place(self, key: str = "osm-n1") -> Place:
        held = self.held[key]
        assert isinstance(held, Place)
        return held


def toilet(osm: str = "node/1", **tags: str) -> OsmPoi:
    return poi(osm, **({"amenity": "toilets"} | tags))


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.read(toilet(name="东门公厕", phone="010-1111", opening_hours="06:00-22:00"), toilet("node/2"))
    return desk


def test_the_first_reading_adds_everything(desk):
    assert set(desk.held) == {"osm-n1", "osm-n2"}


def test_reading_the_same_again_plans_nothing(desk):
    same = (toilet(name="东门公厕", phone="010-1111", opening_hours="06:00-22:00"), toilet("node/2"))
    said = dict(desk.said)
    assert desk.read(*same) == ()
    assert desk.read(*same, on=DAY + timedelta(days=1)) == ()
    assert desk.said == said


def test_a_month_later_the_same_facts_count_as_checked_anew(desk):
    later = DAY + timedelta(days=REFRESH_DAYS)
    edits = desk.read(
        toilet(name="东门公厕", phone="010-1111", opening_hours="06:00-22:00"), toilet("node/2"), on=later
    )
    assert {edit.id for edit in edits} == {"osm-n1", "osm-n2"}
    assert desk.place().provenance.checked_on("hours") == later


def test_what_only_osm_changed_is_taken_over_with_its_date(desk):
    later = DAY + timedelta(days=3)
    (edit,) = desk.read(
        toilet(name="东门公厕", phone="010-1111", opening_hours="24/7"), toilet("node/2"), on=later
    )
    assert changed_fields(edit.before, edit.after) == ("hours", "provenance.checked.hours")
    assert desk.place().provenance.checked_on("hours") == later
    assert desk.place().provenance.checked_on("existence") == DAY


def test_what_the_desk_changed_stays_while_osm_changes_something_else(desk):
    desk.put(replace(desk.place(), phone="010-2222"))
    desk.read(toilet(name="东门公厕", phone="010-1111", opening_hours="24/7"), toilet("node/2"))
    assert (desk.place().phone, desk.place().hours) == ("010-2222", "24/7")


def test_where_both_changed_the_same_field_the_desk_stands(desk):
    desk.put(replace(desk.place(), phone="010-2222"))
    desk.read(toilet(name="东门公厕", phone="010-3333", opening_hours="06:00-22:00"), toilet("node/2"))
    assert desk.place().phone == "010-2222"


def test_a_desk_edit_outlives_any_number_of_readings(desk):
    desk.put(replace(desk.place(), phone="010-2222"))
    for hours in ("24/7", "06:00-23:00", "07:00-20:00"):
        desk.read(toilet(name="东门公厕", phone="010-1111", opening_hours=hours), toilet("node/2"))
    assert (desk.place().phone, desk.place().hours) == ("010-2222", "07:00-20:00")


def test_a_desk_edit_stays_even_if_osm_agreed_for_a_while(desk):
    desk.put(replace(desk.place(), phone="010-2222"))
    for phone in ("010-2222", "010-3333"):
        desk.read(toilet(name="东门公厕", phone=phone), toilet("node/2"))
    assert desk.place().phone == "010-2222"


def test_a_field_the_desk_set_back_follows_osm_again(desk):
    desk.put(replace(desk.place(), phone="010-2222"))
    desk.read(toilet(name="新名", phone="010-1111"), toilet("node/2"))
    desk.put(replace(desk.place(), phone="010-1111"))
    desk.read(toilet(name="新名", phone="010-3333"), toilet("node/2"))
    assert desk.place().phone == "010-3333"


def test_a_value_the_desk_took_away_does_not_come_back(desk):
    desk.put(replace(desk.place(), phone=None))
    desk.read(toilet(name="东门公厕", phone="010-1111", opening_hours="24/7"), toilet("node/2"))
    assert desk.place().phone is None


def test_an_import_does_not_vouch_for_the_desks_value(desk):
    desk.put(replace(desk.place(), hours="08:00-18:00"))
    desk.read(
        toilet(name="东门公厕", phone="010-1111", opening_hours="24/7"),
        toilet("node/2"),
        on=DAY + timedelta(days=90),
    )
    assert desk.place().hours == "08:00-18:00"
    assert desk.place().provenance.checked_on("hours") == DAY


def test_a_check_by_the_desk_is_not_overwritten_by_a_later_import(desk):
    place = desk.place()
    checked = dict(place.provenance.checked) | {"hours": Checked(DAY, "desk")}
    desk.put(replace(place, provenance=replace(place.provenance, checked=checked)))
    desk.read(
        toilet(name="东门公厕", phone="010-1111", opening_hours="06:00-22:00"),
        toilet("node/2"),
        on=DAY + timedelta(days=90),
    )
    assert desk.place().provenance.checked["hours"] == Checked(DAY, "desk")


def test_hours_that_osm_no_longer_states_take_their_date_with_them(desk):
    desk.read(toilet(name="东门公厕", phone="010-1111"), toilet("node/2"))
    assert desk.place().hours is None
    assert "hours" not in desk.place().provenance.checked


def test_a_place_the_desk_removed_stays_removed(desk):
    desk.remove("osm-n2")
    assert desk.read(toilet(name="新名"), toilet("node/2", name="也新"))[0].id == "osm-n1"
    assert "osm-n2" not in desk.held


def test_a_place_gone_from_osm_is_removed_with_a_reason(desk):
    (edit,) = desk.read(toilet(name="东门公厕", phone="010-1111", opening_hours="06:00-22:00"))
    assert edit.after is not None
    assert (edit.id, edit.after.status, edit.after.status_reason) == ("osm-n2", "removed", GONE)


def test_a_place_that_comes_back_to_osm_comes_back(desk):
    desk.read(toilet(name="东门公厕"))
    assert "osm-n2" not in desk.held
    desk.read(toilet(name="东门公厕"), toilet("node/2"))
    assert desk.place("osm-n2").status == "active"


def test_a_place_the_desk_edited_outlives_its_osm_object(desk):
    desk.put(replace(desk.place("osm-n2"), name="西门公厕"))
    desk.read(toilet(name="东门公厕"))
    assert desk.place("osm-n2").name == "西门公厕"


def test_a_place_the_desk_confirmed_outlives_its_osm_object(desk):
    place = desk.place("osm-n2")
    checked = dict(place.provenance.checked) | {"existence": Checked(DAY, "desk")}
    desk.put(replace(place, provenance=replace(place.provenance, checked=checked)))
    desk.read(toilet(name="东门公厕"))
    assert "osm-n2" in desk.held


def test_what_never_came_from_osm_is_not_touched(desk):
    own = Place("t1", "toilet", 116.41, 39.96, "自建公厕")
    desk.put(own)
    desk.read(toilet(name="新名"))
    assert desk.place("t1") == own


def test_without_a_base_nothing_is_overwritten_but_the_next_change_is_seen(desk):
    desk.said.clear()
    assert desk.read(toilet(name="新名", phone="010-1111"), toilet("node/2")) == ()
    desk.read(toilet(name="新名", phone="010-3333"), toilet("node/2"))
    assert (desk.place().name, desk.place().phone) == ("东门公厕", "010-3333")


def test_a_reading_without_any_place_does_not_empty_a_full_layer():
    desk = Desk()
    desk.read(*(toilet(f"node/{number}") for number in range(1, EMPTY_SUSPICION + 1)))
    with pytest.raises(InvalidInputError, match=r"toilet.*none"):
        desk.read()
    assert len(desk.held) == EMPTY_SUSPICION


def test_edits_name_the_version_of_the_layer(desk):
    version = desk.version
    (edit,) = desk.read(toilet(name="新名", phone="010-1111", opening_hours="06:00-22:00"), toilet("node/2"))
    assert edit.base_version == version


WORD = st.text(string.ascii_letters + "公厕东西", min_size=1, max_size=8)
HOURS = st.sampled_from(["24/7", "06:00-22:00", "Mo-Fr 08:00-18:00"])
OSM_TAGS = st.fixed_dictionaries(
    {},
    optional={
        "name": WORD,
        "operator": WORD,
        "opening_hours": HOURS,
        "fee": st.sampled_from(["yes", "no"]),
        "access": st.sampled_from(["yes", "private", "customers"]),
        "phone": st.sampled_from(["010-1111", "010-2222"]),
    },
)
DESK_EDIT: st.SearchStrategy[Mapping[str, object]] = st.fixed_dictionaries(
    {},
    optional={
        "name": WORD,
        "operator": st.none() | WORD,
        "hours": st.none() | HOURS,
        "phone": st.none() | st.just("010-9999"),
        "address": WORD,
        "lon": st.sampled_from([116.42, 116.43]),
        "arrival": st.just((116.44, 39.95)),
        "access": st.sampled_from([(), (Access("qr"),)]),
        "services": st.sampled_from([(), (Service("toilet", note="二楼"), Service("rest"))]),
        "status": st.sampled_from(["active", "paused"]),
        "ebike_parking": st.sampled_from([True, 5]),
    },
)
DAYS = st.integers(0, 100)


@given(st.lists(st.tuples(OSM_TAGS, DESK_EDIT, DAYS), min_size=1, max_size=5), OSM_TAGS)
def test_property_the_desks_last_word_on_every_field_survives(rounds, last_tags):
    desk, words, day = Desk(), {}, DAY
    for tags, edit, days in rounds:
        desk.read(toilet(**tags), on=day)
        assert desk.read(toilet(**tags), on=day) == ()
        before = desk.place()
        after = replace(before, **edit)
        desk.put(after)
        words |= {name: value for name, value in edit.items() if getattr(before, name) != value}
        # what the desk sets back to OSM's own word follows OSM again
        words = {name: value for name, value in words.items() if getattr(desk.said["osm-n1"], name) != value}
        day += timedelta(days=days)
    desk.read(toilet(**last_tags), on=day)
    kept = {name: getattr(desk.place(), name) for name in words}
    # ways in merge one by one: what OSM adds later stands beside the desk's
    assert set(words.pop("access", ())) <= set(kept.pop("access", ()))
    assert kept == words


@given(OSM_TAGS, OSM_TAGS, DAYS)
def test_property_an_untouched_place_follows_osm(first, second, days):
    desk = Desk()
    desk.read(toilet(**first))
    desk.read(toilet(**second), on=DAY + timedelta(days=days))
    wanted = place_of(DAY + timedelta(days=days), amenity="toilets", **second)
    facts = [
        name for name in changed_fields(desk.place(), wanted) if not name.startswith("provenance.checked.")
    ]
    assert facts == []
    assert set(desk.place().provenance.checked) == set(wanted.provenance.checked)


# --- with a real store ---------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    with contextlib.closing(open_sqlite(tmp_path / "store.sqlite", create=True)) as store:
        yield store


def read_into(store: Store, *pois: OsmPoi) -> tuple[Edit, ...]:
    known = store.last_by_role("toilet", "osm")
    fresh = osm_layers(features(*pois), DAY, known)[OSM_LAYERS.index("toilet")]
    present = store.layer("toilet")
    edits = plan_osm_update(present, known, fresh)
    said = snapshots_of(present, known, fresh)
    store.apply(edits, actor="test", role="osm", source="osm", at=NOON, snapshots=said)
    return edits


def edit_at_desk(store: Store, before: Feature, after: Feature | None) -> None:
    edit = Edit("toilet", before.id, None, before, after)
    store.apply([edit], actor="clerk", role="desk", source="desk", at=NOON)


def test_in_a_store_the_desk_keeps_its_field_over_many_readings(store):
    read_into(store, toilet(phone="010-1111"))
    (place,) = store.features(["osm-n1"])
    edit_at_desk(store, place, replace(place, phone="010-2222"))
    for hours in ("24/7", "06:00-23:00", "07:00-20:00"):
        read_into(store, toilet(phone="010-1111", opening_hours=hours))
    (place,) = store.features(["osm-n1"])
    assert (place.phone, place.hours) == ("010-2222", "07:00-20:00")


def test_in_a_store_a_second_reading_of_the_same_changes_nothing(store):
    read_into(store, toilet(phone="010-1111"), toilet("node/2"))
    version = store.layer("toilet").version
    assert read_into(store, toilet(phone="010-1111"), toilet("node/2")) == ()
    assert store.layer("toilet").version == version


def test_in_a_store_a_place_leaves_and_returns_with_osm_but_not_after_the_desk_removed_it(store):
    read_into(store, toilet("node/1"), toilet("node/2"), toilet("node/3"))
    (third,) = store.features(["osm-n3"])
    edit_at_desk(store, third, None)
    read_into(store, toilet("node/1"))
    assert [place.id for place in store.layer("toilet").features] == ["osm-n1"]
    read_into(store, toilet("node/1"), toilet("node/2"), toilet("node/3"))
    assert [place.id for place in store.layer("toilet").features] == ["osm-n1", "osm-n2"]
