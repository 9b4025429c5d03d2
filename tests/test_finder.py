"""Nearest, open on arrival: against a search that looks at every place by itself."""

import random
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from geo_service.engine.router import UNREACHED
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.finder import Ages, Finder, NearestQuestion
from geo_service.hours import SHANGHAI, State, opening_at
from geo_service.layers import Checked, Edit, Place, Provenance, Service

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
QUALIFY = {State.OPEN, State.CLOSING_SOON}


def random_points(district, count, seed):
    rng = random.Random(seed)
    west, south, east, north = district.bbox
    margin_x, margin_y = (east - west) * 0.15, (north - south) * 0.15
    return [
        (rng.uniform(west + margin_x, east - margin_x), rng.uniform(south + margin_y, north - margin_y))
        for _ in range(count)
    ]


def place_state(place, services, at):
    """The state of the door or of every service, each text by itself, worst first."""
    checked = place.provenance.checked
    old = {
        "hours": checked.get("hours", checked.get("existence")),
        "existence": checked.get("existence", checked.get("hours")),
    }
    limits = {"hours": 60, "existence": 180}
    today = at.astimezone(SHANGHAI).date()
    stale = any(check is None or (today - check.on).days > limits[kind] for kind, check in old.items())
    if "cabinet" in checked:
        stale |= (today - checked["cabinet"].on).days > 1
    texts = [place.hours] if not services else []
    for service in place.services:
        if service.kind in services:
            texts.append(service.hours or place.hours)
            if (service.valid_from and today < service.valid_from) or (
                service.valid_until and today > service.valid_until
            ):
                return State.CLOSED
    if (place.status_from and today < place.status_from) or (
        place.status_until and today > place.status_until
    ):
        return State.CLOSED
    states = [opening_at(text, at).state for text in texts]
    for state in (State.CLOSED, State.UNKNOWN):
        if state in states:
            return state
    return State.STALE if stale else State.OPEN


def by_looking_at_every_place(district, layer, origin, question):
    router = district.routers[question.profile]
    places = [f for f in district.store.layer(layer).features if isinstance(f, Place)]
    start = router.snap(np.array([origin]))
    found = []
    for place in places:
        if place.status != "active" or not {s.kind for s in place.services}.issuperset(question.services):
            continue
        cost_ms = int(router.matrix(start, router.snap(np.array([place.target])))[0, 0])
        if cost_ms == UNREACHED:
            continue
        state = place_state(place, question.services, question.at + timedelta(milliseconds=cost_ms))
        if state in QUALIFY | question.accept:
            found.append((cost_ms, place.id))
    return sorted(found)[: question.k]


@pytest.mark.parametrize("profile", ["ebike", "walk"])
@pytest.mark.parametrize(
    ("layer", "services", "accept"),
    [
        ("station", (), ()),
        ("merchant", (), ()),
        ("merchant", ("discount",), (State.STALE,)),
        ("toilet", (), (State.UNKNOWN, State.STALE)),
        ("clinic", (), (State.UNKNOWN,)),
    ],
)
def test_nearest_equals_looking_at_every_place_by_itself(demo_district, profile, layer, services, accept):
    for hour, origin in enumerate(random_points(demo_district, 12, seed=7)):
        at = NOON.replace(hour=0) + timedelta(hours=2 * hour, minutes=17)
        question = NearestQuestion(layer, at, 4, profile, services, None, frozenset(accept))
        (answer,) = demo_district.finder.nearest(question, np.array([origin]))
        expected = by_looking_at_every_place(demo_district, layer, origin, question)
        assert [(f.cost_ms, f.place.id) for f in answer.found] == expected, (origin, at)


def test_many_origins_at_once_answer_like_one_at_a_time(demo_district):
    origins = np.array(random_points(demo_district, 8, seed=3))
    question = NearestQuestion("merchant", NOON, 3)
    together = demo_district.finder.nearest(question, origins)
    alone = [demo_district.finder.nearest(question, origins[i : i + 1])[0] for i in range(len(origins))]
    assert [a.found for a in together] == [a.found for a in alone]


def test_length_and_cost_of_a_found_place_are_those_of_the_route_to_it(demo_district):
    origin = np.array(demo_district.centre)
    (answer,) = demo_district.finder.nearest(NearestQuestion("station", NOON, 5), origin[None, :])
    assert answer.found
    for found in answer.found:
        route = demo_district.finder.route(origin, np.array(found.place.target), "ebike")
        assert (route.cost_ms, route.length_mm) == (found.cost_ms, found.length_mm)


def test_steps_of_a_route_add_up_to_its_cost_and_length(demo_district):
    a, b = random_points(demo_district, 2, seed=11)
    route = demo_district.finder.route(np.array(a), np.array(b), "ebike")
    assert sum(step.cost_ms for step in route.steps) == route.cost_ms
    assert sum(step.length_mm for step in route.steps) == route.length_mm
    assert {step.mode for step in route.steps} <= {"ride", "push"}


def test_a_point_far_from_any_street_is_refused_with_its_distance(demo_district):
    west, south, _, _ = demo_district.bbox
    with pytest.raises(InvalidInputError, match=r"from=.* is \d+ m from the nearest street; at most 300 m"):
        demo_district.finder.nearest(
            NearestQuestion("station", NOON), np.array([[west - 0.05, south - 0.05]])
        )


def test_an_unknown_layer_profile_or_state_is_refused_by_name(demo_district):
    centre = np.array([demo_district.centre])
    with pytest.raises(NotFoundError, match="spaceport"):
        demo_district.finder.nearest(NearestQuestion("spaceport", NOON), centre)
    with pytest.raises(InvalidInputError, match=r"profile='rocket'.*ebike"):
        demo_district.finder.nearest(NearestQuestion("station", NOON, profile="rocket"), centre)
    with pytest.raises(InvalidInputError, match="accept=closed"):
        demo_district.finder.nearest(
            NearestQuestion("station", NOON, accept=frozenset([State.CLOSED])), centre
        )
    with pytest.raises(InvalidInputError, match=r"k=0 is outside 1\.\.100"):
        demo_district.finder.nearest(NearestQuestion("station", NOON, 0), centre)


def make_place(place_id, lonlat, hours, **changes):
    checked = {kind: Checked(date(2026, 11, 1), "desk") for kind in ("existence", "hours")}
    provenance = Provenance("synthetic", "CC0-1.0", checked)
    fields = {
        "id": place_id,
        "layer": "water",
        "name": place_id,
        "lon": lonlat[0],
        "lat": lonlat[1],
        "hours": hours,
    }
    return Place(**(fields | {"provenance": provenance} | changes))


@pytest.fixture
def water(demo_district, tmp_path):
    """A finder over the demo's streets and a water layer that a test fills."""
    from geo_service.store.sqlite import open_sqlite

    store = open_sqlite(tmp_path / "store.sqlite", create=True)
    finder = Finder(store, demo_district.routers, ages=Ages())

    def fill(*places):
        edits = [Edit("water", place.id, None, None, place) for place in places]
        store.apply(edits, actor="test", role="desk", source="test", at=NOON)
        return finder

    yield fill
    store.close()


def test_when_nothing_is_open_the_answer_says_who_opens_next(demo_district, water):
    lon, lat = demo_district.centre
    finder = water(
        make_place("late", (lon, lat), "18:00-22:00"),
        make_place("soon", (lon, lat), "13:00-22:00"),
        make_place("shrug", (lon, lat), None),
        make_place("paused", (lon, lat), "24/7", status="paused"),
    )
    (answer,) = finder.nearest(NearestQuestion("water", NOON), np.array([(lon, lat)]))
    assert answer.found == ()
    assert answer.shortfall is not None
    assert answer.shortfall.states == {State.CLOSED: 2, State.UNKNOWN: 1}
    assert (answer.shortfall.n_places, answer.shortfall.n_filtered) == (4, 1)
    assert answer.shortfall.soonest is not None
    assert answer.shortfall.soonest.place.id == "soon"
    assert answer.shortfall.soonest.opening.opens_at == NOON.replace(hour=13)


def test_a_place_that_closes_before_one_arrives_is_not_offered(demo_district, water):
    origin, far = random_points(demo_district, 2, seed=5)
    route = demo_district.finder.route(np.array(origin), np.array(far), "walk")
    arrival = NOON + timedelta(milliseconds=route.cost_ms)
    closing = arrival.replace(second=0, microsecond=0)
    finder = water(
        make_place("too-late", far, f"08:00-{closing:%H:%M}"),
        make_place("in-time", far, f"08:00-{closing + timedelta(minutes=1):%H:%M}"),
    )
    (answer,) = finder.nearest(NearestQuestion("water", NOON, profile="walk"), np.array([origin]))
    assert [found.place.id for found in answer.found] == ["in-time"]
    assert answer.found[0].opening.state is State.CLOSING_SOON


def test_a_place_that_opens_while_one_travels_is_offered(demo_district, water):
    origin, far = random_points(demo_district, 2, seed=5)
    finder = water(make_place("opens", far, "12:02-20:00"))
    (answer,) = finder.nearest(NearestQuestion("water", NOON, profile="walk"), np.array([origin]))
    assert [found.place.id for found in answer.found] == ["opens"]


def test_equal_costs_are_ordered_by_id(demo_district, water):
    finder = water(*(make_place(name, demo_district.centre, "24/7") for name in ("b", "c", "a")))
    (answer,) = finder.nearest(NearestQuestion("water", NOON), np.array([demo_district.centre]))
    assert [found.place.id for found in answer.found] == ["a", "b", "c"]


def test_a_service_with_its_own_hours_counts_by_those(demo_district, water):
    lon, lat = demo_district.centre
    corner = Service(kind="hot_water", hours="24/7")
    finder = water(make_place("corner", (lon, lat), "14:00-20:00", services=(corner,)))
    (door,) = finder.nearest(NearestQuestion("water", NOON), np.array([(lon, lat)]))
    (service,) = finder.nearest(
        NearestQuestion("water", NOON, services=("hot_water",)), np.array([(lon, lat)])
    )
    assert door.found == ()
    assert [found.place.id for found in service.found] == ["corner"]


def test_a_service_past_its_last_day_is_not_offered(demo_district, water):
    ended = Service(kind="hot_water", hours="24/7", valid_until=date(2026, 11, 17))
    finder = water(make_place("ended", demo_district.centre, "24/7", services=(ended,)))
    (answer,) = finder.nearest(
        NearestQuestion("water", NOON, services=("hot_water",)), np.array([demo_district.centre])
    )
    assert answer.found == ()


def test_facts_checked_too_long_ago_are_offered_only_when_accepted(demo_district, water):
    later = NOON + timedelta(days=90)
    finder = water(make_place("old", demo_district.centre, "24/7"))
    centre = np.array([demo_district.centre])
    (strict,) = finder.nearest(NearestQuestion("water", later), centre)
    (wide,) = finder.nearest(NearestQuestion("water", later, accept=frozenset([State.STALE])), centre)
    assert strict.found == ()
    assert strict.shortfall is not None
    assert strict.shortfall.states == {State.STALE: 1}
    assert [found.opening.state for found in wide.found] == [State.STALE]


def test_an_edit_is_seen_by_the_next_question(demo_district, water):
    finder = water(make_place("first", demo_district.centre, "24/7"))
    centre = np.array([demo_district.centre])
    question = NearestQuestion("water", NOON)
    assert [f.place.id for f in finder.nearest(question, centre)[0].found] == ["first"]
    water(make_place("added", demo_district.centre, "24/7"))
    assert [f.place.id for f in finder.nearest(question, centre)[0].found] == ["added", "first"]


def stops_by_hand(district, question, origin, destination):
    """What each open place adds, from three costs."""
    router = district.routers[question.profile]
    places = [f for f in district.store.layer(question.layer).features if f.status == "active"]
    points = router.snap(np.array([place.target for place in places]))
    start, end = router.snap(np.array([origin])), router.snap(np.array([destination]))
    there, onward = router.matrix(start, points)[0], router.matrix(points, end)[:, 0]
    direct = int(router.matrix(start, end)[0, 0])
    stops = []
    for place, a, b in zip(places, there.tolist(), onward.tolist(), strict=True):
        if UNREACHED in (a, b):
            continue
        if place_state(place, (), question.at + timedelta(milliseconds=a)) in QUALIFY:
            stops.append((a + b - direct, place.id, a))
    return direct, sorted(stops)


@pytest.mark.parametrize("layer", ["merchant", "swap", "toilet"])
def test_stops_on_the_way_are_those_of_least_added_cost(demo_district, layer):
    points = random_points(demo_district, 8, seed=21)
    for origin, destination in zip(points[:4], points[4:], strict=True):
        question = NearestQuestion(layer, NOON, 3)
        answer = demo_district.finder.onway(question, np.array(origin), np.array(destination))
        direct, expected = stops_by_hand(demo_district, question, origin, destination)
        assert answer.direct_ms == direct
        found = [(stop.added_ms, stop.found.place.id, stop.found.cost_ms) for stop in answer.stops]
        assert found == expected[:3]


@pytest.mark.parametrize("has_drop_off", [False, True])
def test_within_range_is_what_the_length_of_the_fastest_way_allows(demo_district, has_drop_off):
    origin, via = (np.array(point) for point in random_points(demo_district, 2, seed=23))
    question = NearestQuestion("toilet", NOON, 100)
    (near,) = demo_district.finder.nearest(question, np.array([via if has_drop_off else origin]))
    first_mm = demo_district.finder.route(origin, via, "ebike").length_mm if has_drop_off else 0
    drop_off = via if has_drop_off else None
    found = demo_district.finder.within_range(question, origin, 3500.0, 500.0, drop_off).found
    expected = [f.place.id for f in near.found if first_mm + f.length_mm <= 3_000_000]
    assert [one.place.id for one in found] == expected
    assert all(one.length_mm <= 3_000_000 for one in found)


def test_a_negative_range_is_refused(demo_district):
    with pytest.raises(InvalidInputError, match=r"range_m=-1"):
        demo_district.finder.within_range(NearestQuestion("swap", NOON), np.array(demo_district.centre), -1.0)
