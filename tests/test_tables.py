"""What is prepared once per version of a layer says the same as working it out for each question."""

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from geo_service.districts import open_district
from geo_service.engine.dijkstra import counts_at
from geo_service.finder import Ages, NearestQuestion, Wish
from geo_service.finder.standing import HORIZON, OUTLOOK, build_standing, place_timeline
from geo_service.finder.tables import KEPT_DAYS, Table, epoch_ms
from geo_service.hours import SHANGHAI, Kind, State, opening_on
from geo_service.layers import Checked, Edit, Layer, Place, Power
from tests.test_finder import make_place, random_points, water

__all__ = ["water"]

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
HOURS = [
    "24/7",
    "08:00-20:00",
    "22:00-02:00",
    "Mo-Fr 08:30-12:00,13:30-18:00; Sa 09:00-12:00; PH off",
    "Mo-Su 08:00-12:00, Mo-Su 12:00-20:00 unknown",
    None,
]


def table_of(district, *places):
    return Table(Layer("water", places, 1), district.routers, Ages())


def counts_by_itself(place, at, after_ms, accept):
    """Whether a place counts a while after departure, from its own line."""
    arrival = at + timedelta(milliseconds=after_ms)
    line = place_timeline(place, (), at, at + HORIZON + timedelta(days=1))
    kinds = {Kind.OPEN, Kind.UNKNOWN} if State.UNKNOWN in accept else {Kind.OPEN}
    here = int(np.searchsorted(line.start_s, arrival.timestamp(), side="right")) - 1
    return Kind(int(line.kind[here])) in kinds


@pytest.mark.parametrize("accept", [frozenset(), frozenset([State.UNKNOWN])])
def test_windows_of_any_instant_say_what_the_hours_say(demo_district, accept):
    places = [make_place(f"p{i}", demo_district.centre, hours) for i, hours in enumerate(HOURS)]
    table = table_of(demo_district, *places)
    rng = random.Random(3)
    for _ in range(60):
        at = NOON + timedelta(seconds=rng.randrange(5 * 86_400), milliseconds=rng.randrange(1000))
        windows = table.open_times(Wish(), accept, at.date()).after(epoch_ms(at))
        for row, place in enumerate(places):
            for after_ms in (0, rng.randrange(3_600_000), rng.randrange(86_400_000)):
                assert counts_at(windows, row, after_ms) == counts_by_itself(place, at, after_ms, accept), (
                    place.hours,
                    at,
                    after_ms,
                )


def test_nothing_counts_beyond_the_horizon(demo_district):
    table = table_of(demo_district, make_place("p", demo_district.centre, "24/7"))
    horizon_ms = HORIZON // timedelta(milliseconds=1)
    for hour in (0, 12, 23):
        at = NOON.replace(hour=hour)
        windows = table.open_times(Wish(), frozenset(), at.date()).after(epoch_ms(at))
        assert [counts_at(windows, 0, cost_ms) for cost_ms in (0, horizon_ms - 1, horizon_ms)] == [
            True,
            True,
            False,
        ]


def test_a_place_that_opens_after_midnight_is_found_by_who_departs_before(demo_district, water):
    finder = water(make_place("night", demo_district.centre, "00:01-04:00"))
    far = random_points(demo_district, 1, seed=5)[0]
    before = NOON.replace(hour=23, minute=59)
    (answer,) = finder.nearest(NearestQuestion("water", before, profile="walk"), np.array([far]))
    assert [found.place.id for found in answer.found] == ["night"]


def test_hours_are_worked_out_once_a_day_and_only_so_many_are_kept(demo_district):
    table = table_of(demo_district, make_place("p", demo_district.centre, "08:00-20:00"))
    first = table.open_times(Wish(), frozenset(), NOON.date())
    assert table.open_times(Wish(), frozenset(), NOON.date()) is first
    for day in range(3 * KEPT_DAYS):
        table.open_times(Wish(), frozenset(), NOON.date() + timedelta(days=day + 1))
    assert table._times.cache_info().currsize == KEPT_DAYS
    assert table.open_times(Wish(), frozenset(), NOON.date()) is not first


def test_an_edit_of_hours_leaves_what_is_known_of_the_streets(demo_district):
    old = table_of(demo_district, make_place("p", demo_district.centre, "08:00-20:00"))
    changed = Layer("water", (make_place("p", demo_district.centre, "24/7"),), 2)
    new = Table(changed, demo_district.routers, Ages(), before=old)
    assert new.facilities("walk", Wish()) is old.facilities("walk", Wish())
    assert len(new.open_times(Wish(), frozenset(), NOON.date()).open_ms) == 1
    assert len(old.open_times(Wish(), frozenset(), NOON.date()).open_ms) == 3


def test_a_place_that_moved_is_put_on_its_street_anew(demo_district):
    here, there = random_points(demo_district, 2, seed=41)
    old = table_of(demo_district, make_place("p", here, "24/7"))
    old.snaps("walk")
    new = Table(
        Layer("water", (make_place("p", there, "24/7"),), 2), demo_district.routers, Ages(), before=old
    )
    assert new.snaps("walk").lon[0] == there[0]


@pytest.mark.parametrize("seed", range(6))
def test_an_edited_layer_is_as_if_it_had_been_read_anew(demo_district, seed):
    """Places come, go and move, and hours change: rows, streets and answers are those of a new table."""
    rng = random.Random(seed)
    spots = random_points(demo_district, 60, seed=seed)
    places = {f"p{i:02d}": make_place(f"p{i:02d}", spots[i], "24/7") for i in rng.sample(range(60), 30)}
    table = table_of(demo_district, *places.values())
    for version in range(2, 8):
        for profile in ("walk", "ebike")[: version % 3]:
            table.facilities(profile, Wish())
        before = {profile: table.facilities(profile, Wish()).stand for profile in table._wholes}
        for name in rng.sample(sorted(places), 3):
            del places[name]
        for i in rng.sample(range(60), 6):
            places[f"p{i:02d}"] = make_place(f"p{i:02d}", rng.choice(spots), rng.choice(HOURS))
        layer = Layer("water", tuple(places.values()), version)
        later = Table(layer, demo_district.routers, Ages(), before=table)
        anew = Table(layer, demo_district.routers, Ages())
        assert set(later._wholes) == set(before)
        for profile, router in demo_district.routers.items():
            starts = router.snap(np.array(spots[:8]))
            got, expected = (
                router.nearest(starts, one.facilities(profile, Wish()), 6) for one in (later, anew)
            )
            assert [column.tolist() for column in got] == [column.tolist() for column in expected]
            assert all(
                np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
                for a, b in zip(later.snaps(profile), anew.snaps(profile), strict=True)
            )
        assert all(table.facilities(profile, Wish()).stand is stand for profile, stand in before.items())
        table = later


def test_readers_get_answers_of_one_version_while_a_layer_is_edited(demo_district, water):
    """Two places stand at one spot in turn: whoever asks gets the one or the other, with its own name and cost."""
    here, there = random_points(demo_district, 2, seed=4)
    finder = water(
        make_place("a", here, "24/7"), make_place("m", there, "24/7"), make_place("z", there, "24/7")
    )
    store, question = finder._store, NearestQuestion("water", NOON, 3)
    origin = np.array([demo_district.centre])

    def told():
        (answer,) = finder.nearest(question, origin)
        return sorted((found.place.id, found.place.lon, found.cost_ms) for found in answer.found)

    def move(lonlat):
        (now,) = store.features(["a"])
        after = make_place("a", lonlat, "24/7")
        store.apply([Edit("water", "a", None, now, after)], actor="t", role="desk", source="t", at=NOON)

    states = [told()]
    move(there)
    states.append(told())
    assert states[0] != states[1]
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(lambda: [told() for _ in range(60)]) for _ in range(4)]
        for turn in range(20):
            move((here, there)[turn % 2])
            assert told() == states[turn % 2]
        assert all(answer in states for reader in readers for answer in reader.result())


def test_eight_threads_get_what_one_gets(demo_district):
    places = [
        make_place(f"p{i:02d}", lonlat, HOURS[i % len(HOURS)])
        for i, lonlat in enumerate(random_points(demo_district, 24, seed=8))
    ]
    questions = [(NOON.date() + timedelta(days=d), frozenset([State.UNKNOWN] * (d % 2))) for d in range(40)]
    alone = table_of(demo_district, *places)
    expected = [alone.open_times(Wish(), accept, day) for day, accept in questions]
    shared = table_of(demo_district, *places)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            got = pool.map(lambda q: shared.open_times(Wish(), q[1], q[0]), questions)
            for one, other in zip(expected, got, strict=True):
                assert all((a == b).all() for a, b in zip(one, other, strict=True))


POWER = Power(operator="甲", plan="骑手套餐", voltage_v=(48, 60), slots=12)


@pytest.mark.parametrize(
    ("wish", "is_met"),
    [
        (Wish(), True),
        (Wish(operator="甲"), True),
        (Wish(operator="乙"), False),
        (Wish(plan="骑手套餐"), True),
        (Wish(plan="骑手"), False),
        (Wish(voltage_v=60), True),
        (Wish(voltage_v=72), False),
        (Wish(operator="甲", plan="骑手套餐", voltage_v=48), True),
        (Wish(services=("hot_water",)), False),
    ],
)
def test_a_cabinet_meets_a_wish_exactly(wish, is_met):
    assert wish.is_met(Place("c", "swap", 116.4, 39.9, "柜", power=POWER)) is is_met


@pytest.mark.parametrize("wish", [Wish(plan="骑手套餐"), Wish(voltage_v=48), Wish(operator="甲")])
def test_a_place_that_does_not_say_meets_no_wish(wish):
    assert not wish.is_met(Place("c", "swap", 116.4, 39.9, "柜"))


def test_few_of_many_are_found_as_if_the_others_were_not_there(demo_district, water):
    spots = random_points(demo_district, 40, seed=17)
    places = [
        make_place(f"p{i:02d}", spot, "24/7", operator="甲" if i % 7 == 0 else "乙")
        for i, spot in enumerate(spots)
    ]
    finder, centre = water(*places), np.array([demo_district.centre])
    (some,) = finder.nearest(NearestQuestion("water", NOON, 3, operator="甲"), centre)
    (every,) = finder.nearest(NearestQuestion("water", NOON, 100), centre)
    expected = [found for found in every.found if found.place.operator == "甲"]
    assert [(f.place.id, f.cost_ms) for f in some.found] == [(f.place.id, f.cost_ms) for f in expected[:3]]
    assert len(some.found) == 3


@pytest.mark.slow
def test_a_warm_district_needs_no_file_for_its_first_question(own_district):
    district = open_district(own_district)
    district.warm_up()
    shutil.rmtree(own_district / "network")
    shutil.rmtree(own_district / "index")
    for profile in ("ebike", "walk"):
        assert district.nearest(origin=district.centre, layer="station", at=NOON, profile=profile)["results"]
    district.close()


def test_stale_facts_and_opening_agree(demo_district):
    """A place whose facts are too old has no window, and its opening says stale."""
    place = make_place("old", demo_district.centre, "24/7")
    later = NOON + timedelta(days=90)
    table = table_of(demo_district, place)
    assert len(table.open_times(Wish(), frozenset(), later.date()).open_ms) == 0
    assert len(table.open_times(Wish(), frozenset([State.STALE]), later.date()).open_ms) == 1
    line = place_timeline(place, (), later, later + timedelta(days=1))
    assert opening_on(line, later, is_stale=Ages().is_stale(place, later.date())).state is State.STALE


def test_places_with_hours_in_common_stand_alike_unless_one_is_stale(demo_district):
    names = ("fresh", "other", "older", "shut")
    hours = dict(zip(names, ["24/7", "24/7", "24/7", "08:00-09:00"], strict=True))
    places = [make_place(name, demo_district.centre, hours[name]) for name in names]
    old = {kind: Checked(NOON.date() - timedelta(days=60), "desk") for kind in ("existence", "hours")}
    places[2] = replace(places[2], provenance=replace(places[2].provenance, checked=old))
    table = table_of(demo_district, *places)
    standings, ages = table.standings((), NOON.date()), Ages()
    for row, place in enumerate(table.places):
        assert standings[row] == build_standing(place, (), NOON.date(), ages.is_stale), place.id
    row_of = {place.id: row for row, place in enumerate(table.places)}
    assert standings[row_of["fresh"]] is standings[row_of["other"]]
    assert standings[row_of["fresh"]] != standings[row_of["older"]]


@pytest.mark.parametrize(
    "hours", [*HOURS, "Nov 01-Nov 30 08:00-20:00", "2026 Dec 02 10:00+", "Nov 18-Dec 04 off; 10:00-16:00"]
)
def test_what_is_prepared_of_a_place_is_what_its_hours_say_at_every_instant(demo_district, hours):
    """Also around the changes, on the days when facts grow too old, and where the next change is two weeks off."""
    place = make_place("p", demo_district.centre, hours)
    ages = Ages(hours_days=1)
    day, rng, told = NOON.date(), random.Random(8), 0
    standing = build_standing(place, (), day, ages.is_stale)
    midnight = NOON.replace(hour=0).timestamp()
    near = [cut + offset for cut in standing.cut_s for offset in (-1, -0.001, 0, 0.001, 1)]
    for instant_s in [*near, *(midnight + rng.random() * 3 * 86_400 for _ in range(300))]:
        found = standing.at(instant_s)
        if found is None:
            continue
        at = datetime.fromtimestamp(instant_s, SHANGHAI)
        line = place_timeline(place, (), at, at + OUTLOOK)
        assert found == opening_on(line, at, is_stale=ages.is_stale(place, at.date())), at
        told += 1
    assert told > 250
