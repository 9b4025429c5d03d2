"""What people on the spot say is in the very next answer, everywhere a state is told, and ends when it should."""

import random
import re
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from geo_service.desk.doubts import SHUT_LIFE, say_doubt, settle_doubts
from geo_service.districts import open_district
from geo_service.engine.dijkstra import counts_at
from geo_service.finder import Ages, Doubted, Doubts, Finder, NearestQuestion
from geo_service.finder.doubted import NO_DOUBTS, without_open
from geo_service.finder.tables import KEPT_DOUBTS, Table, Wish, epoch_ms
from geo_service.hours import SHANGHAI, State, build_timeline
from geo_service.layers import CATALOGUE, Edit, Layer
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.cards import make_card
from geo_service.web.words import words_in
from tests.test_finder import make_place, random_points

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
LATER = NOON + timedelta(minutes=20)
QUALIFY = {State.OPEN, State.CLOSING_SOON}
HOURS = ["24/7", "08:00-20:00", "22:00-02:00", "08:00-12:00, 12:00-20:00 unknown", None, "Mo-Fr 09:00-12:30"]


@pytest.fixture
def district(own_district):
    with closing(open_district(own_district)) as opened:
        yield opened


def ask(district, at=LATER, **wishes):
    return district.nearest(origin=district.centre, layer="station", at=at, k=11, **wishes)


def nearest_open(district):
    return ask(district)["results"][0]["id"]


def ids(answer):
    return [result["id"] for result in answer["results"]]


# -- the district's answers ---------------------------------------------------------------------------


def test_shut_now_takes_a_place_out_of_the_very_next_answer_and_settling_brings_it_back(district):
    before = ask(district)
    place = ids(before)[0]
    say_doubt(district.store, place, "shut_now", NOON)
    after = ask(district)
    assert ids(after) == ids(before)[1:]
    said_before = before.get("shortfall", {"states": {}})["states"].get("stale", 0)
    assert after["shortfall"]["states"]["stale"] == said_before + 1
    settle_doubts(district.store, place)
    assert ask(district) == before


def test_shut_now_ends_by_itself_and_says_nothing_of_the_time_before(district):
    place = nearest_open(district)
    say_doubt(district.store, place, "shut_now", NOON)
    assert place in ids(ask(district, at=NOON - timedelta(hours=1)))
    assert place not in ids(ask(district, at=NOON + SHUT_LIFE - timedelta(hours=1)))
    assert place in ids(ask(district, at=NOON + SHUT_LIFE))


def test_wrong_stays_until_it_is_settled(district):
    place = nearest_open(district)
    say_doubt(district.store, place, "wrong", NOON)
    for at in (NOON - timedelta(days=1), LATER, NOON + timedelta(days=10)):
        assert place not in ids(ask(district, at=at))


def test_a_doubted_place_without_the_service_that_is_asked_for_is_left_out_and_stops_nobody(district):
    places = district.places("merchant").features
    kinds = {service.kind for place in places for service in place.services}
    place, kind = next((p, k) for p in places for k in kinds if k not in {s.kind for s in p.services})
    asked = {"origin": district.centre, "layer": "merchant", "at": LATER, "k": 100, "service": [kind]}
    before = district.nearest(**asked)
    say_doubt(district.store, place.id, "shut_now", NOON)
    assert district.nearest(**asked) == before


def test_who_accepts_stale_gets_it_with_what_is_said_against_it(district):
    place = nearest_open(district)
    say_doubt(district.store, place, "shut_now", NOON)
    say_doubt(district.store, place, "shut_now", NOON + timedelta(minutes=5))
    found = next(r for r in ask(district, accept=("stale",))["results"] if r["id"] == place)
    assert found["state"] == "stale"
    assert found["doubts"] == [
        {"claim": "shut_now", "n_said": 2, "last_at": "2026-11-18T12:05:00+08:00"},
    ]
    assert all(r["doubts"] == [] for r in ask(district)["results"])


def test_what_one_process_hears_another_knows(district):
    place = nearest_open(district)
    with closing(open_district(district.directory)) as other:
        say_doubt(other.store, place, "shut_now", NOON)
    assert place not in ids(ask(district))


@pytest.mark.parametrize(
    ("hours", "state"), [("24/7", "stale"), ("02:00-03:00", "closed"), (None, "unknown")]
)
def test_a_doubt_downgrades_what_is_open_and_nothing_else(district, hours, state):
    place = district.place(nearest_open(district))
    changed = replace(place, hours=hours)
    district.store.apply(
        [Edit(place.layer, place.id, None, place, changed)], actor="li", role="desk", source="page", at=NOON
    )
    say_doubt(district.store, place.id, "wrong", NOON)
    assert district.place_json(changed, LATER)["state"] == state


def test_a_stop_on_the_way_and_a_range_leave_it_out_too(district):
    place = nearest_open(district)
    lonlat = district.place(place).target
    asked = {"origin": district.centre, "layer": "station", "at": LATER, "k": 11}

    def answers():
        stops = district.onway(destination=lonlat, **asked)
        return ids(stops), ids(district.within_range(range_m=20_000, **asked))

    assert all(place in found for found in answers())
    say_doubt(district.store, place, "shut_now", NOON)
    assert all(place not in found for found in answers())


def test_a_coverage_at_an_instant_counts_without_it_and_one_without_clock_with_it(district):
    place = nearest_open(district)

    def eligible(at):
        return district.coverage(layer="station", minutes=10, at=at)["eligible"]

    before = eligible(LATER), eligible(None)
    say_doubt(district.store, place, "shut_now", NOON)
    assert (eligible(LATER), eligible(None)) == (before[0] - 1, before[1])


@pytest.mark.slow
def test_the_page_of_a_place_and_the_list_say_who_said_what_and_when(district):
    place = nearest_open(district)
    for minutes in (0, 5):
        say_doubt(district.store, place, "shut_now", NOON + timedelta(minutes=minutes))
    app = create_app({district.id: district}, Settings(), clock=lambda: NOON + timedelta(minutes=25))
    for lang, words in (
        ("zh", ("待核实", "2 次反馈“现在关着”（20 分钟前）")),
        ("en", ("Unchecked", "reported shut now 2× (20 min ago)")),
    ):
        for path in (f"p/{place}?lang={lang}", f"?layer=station&lang={lang}"):
            page = app.test_client().get(f"/{district.id}/{path}").text
            assert all(word in page for word in words)


@pytest.mark.slow
def test_a_rider_says_it_on_the_page_of_the_place(district):
    place = nearest_open(district)
    client = create_app({district.id: district}, Settings(), clock=lambda: NOON).test_client()
    page = client.get(f"/{district.id}/p/{place}").text
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', page)
    assert re.findall(r'name="claim" value="(\w+)"', page) == ["right", "shut_now", "wrong"]
    assert "谢谢" in client.post(action, data={"claim": "shut_now"}).text
    assert "1 次反馈“现在关着”（刚刚）" in client.get(f"/{district.id}/p/{place}").text
    assert place not in ids(ask(district))


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "刚刚"),
        (timedelta(minutes=59), "59 分钟前"),
        (timedelta(hours=47), "47 小时前"),
        (timedelta(days=3), "3 天前"),
    ],
)
def test_how_long_ago_is_said_as_people_say_it(district, age, words):
    place = district.place(nearest_open(district))
    say_doubt(district.store, place.id, "wrong", NOON)
    answer = district.place_json(place, NOON + age)
    card = make_card(answer, {}, NOON + age, words_in("zh"), "zh", CATALOGUE.services)
    assert card.doubts == (f"1 次反馈“信息不对”（{words}）",)


# -- the finder's tables -------------------------------------------------------------------------------


def random_doubts(rng, names):
    spans = []
    for name in rng.sample(names, 4):
        begin_s = int(NOON.timestamp()) + rng.randrange(-86_400, 86_400)
        spans.append(Doubted(name, begin_s, begin_s + rng.randrange(1, 86_400)))
    return Doubts((*spans, Doubted("elsewhere", 0, 1 << 40)))


@pytest.mark.parametrize("accept", [(), (State.UNKNOWN,), (State.STALE,), (State.UNKNOWN, State.STALE)])
def test_windows_and_states_agree_at_every_instant(demo_district, accept):
    rng = random.Random(7)
    places = [make_place(f"p{i}", demo_district.centre, HOURS[i % len(HOURS)]) for i in range(12)]
    table = Table(Layer("water", tuple(places), 1), demo_district.routers, Ages())
    finder = Finder(demo_district.store, demo_district.routers)
    for _ in range(25):
        doubts = random_doubts(rng, [place.id for place in places])
        at = NOON + timedelta(seconds=rng.randrange(86_400))
        windows = table.open_times(Wish(), frozenset(accept), at.date(), doubts).after(epoch_ms(at))
        after_ms = rng.randrange(86_400_000) // 1000 * 1000
        for row, place in enumerate(table.places):
            mine = slice(windows.first[row], windows.first[row + 1])
            is_in = counts_at(windows, row, after_ms)
            state = finder.opening(place, at + timedelta(milliseconds=after_ms), doubts=doubts).state
            assert is_in == (state in QUALIFY | set(accept)), (place.hours, at, after_ms, state)
            assert (windows.close_ms[mine][:-1] < windows.open_ms[mine][1:]).all()


def test_doubts_of_other_layers_leave_what_is_prepared_alone(demo_district):
    table = Table(
        Layer("water", (make_place("p", demo_district.centre, "24/7"),), 1), demo_district.routers, Ages()
    )
    plain = table.open_times(Wish(), frozenset(), NOON.date())
    elsewhere = Doubts((Doubted("st-1", 0, 1 << 40),))
    assert table.open_times(Wish(), frozenset(), NOON.date(), elsewhere) is plain
    assert table.open_times(Wish(), frozenset([State.STALE]), NOON.date(), elsewhere) is table.open_times(
        Wish(), frozenset([State.STALE]), NOON.date()
    )


def test_only_so_many_are_kept_and_the_same_are_worked_out_once(demo_district):
    table = Table(
        Layer("water", (make_place("p", demo_district.centre, "24/7"),), 1), demo_district.routers, Ages()
    )
    for n in range(3 * KEPT_DOUBTS):
        doubts = Doubts((Doubted("p", 0, 1_800_000_000 + n),))
        first = table.open_times(Wish(), frozenset(), NOON.date(), doubts)
        assert table.open_times(Wish(), frozenset(), NOON.date(), doubts) is first
    assert table._doubted_times.cache_info().currsize == KEPT_DOUBTS


def test_a_place_that_is_doubted_and_does_not_fit_the_wish_stays_out(demo_district):
    places = tuple(
        make_place(f"p{i}", lonlat, "24/7", operator=f"o{i}")
        for i, lonlat in enumerate(random_points(demo_district, 3, seed=2))
    )
    table = Table(Layer("water", places, 1), demo_district.routers, Ages())
    doubts = Doubts((Doubted("p0", 0, 1), Doubted("p1", 0, 1 << 40)))
    times = table.open_times(Wish(operator="o2"), frozenset(), NOON.date(), doubts)
    assert np.diff(times.first).tolist() == [0, 0, 1]


def test_a_question_without_doubts_is_what_it_was(demo_district):
    assert NearestQuestion("station", NOON).doubts is NO_DOUBTS
    line = build_timeline("08:00-20:00", NOON, NOON + timedelta(days=1))
    same = without_open(line, ())
    assert (same.start_s.tolist(), same.kind.tolist()) == (line.start_s.tolist(), line.kind.tolist())


def test_a_doubt_of_half_a_second_ago_speaks_in_this_second(district):
    place = nearest_open(district)
    say_doubt(district.store, place, "shut_now", LATER + timedelta(milliseconds=500))
    assert district.place_json(district.place(place), LATER)["state"] == "stale"
