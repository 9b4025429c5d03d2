"""What every store promises; each test runs on SQLite and on PostGIS."""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_service.errors import InvalidInputError, NotFoundError, StaleEditError
from geo_service.layers import Area, Edit, Layer, dump_layer, edits_between
from geo_service.store.sqlite import open_sqlite
from tests import drawn_places as drawn
from tests.counts import many
from tests.store_writer import COUNTER
from tests.stores import AT, DESK, WATER, A, B, Home, add, change, remove

# --- what is written is read ---------------------------------------------------------------------------


def test_features_that_were_added_are_read_back_equal(store):
    store.apply(add(A, B, WATER), **DESK)
    assert store.layer("station") == Layer("station", (A, B), version=1)
    assert store.features(["w-1", "st-a"]) == (WATER, A)


def test_an_area_is_read_back_equal(store):
    ring = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0))
    block = Area("b-1", "block", "街区", {"type": "Polygon", "coordinates": (ring,)})
    store.apply(add(block), **DESK)
    assert store.layer("block").features == (block,)


def test_a_layer_of_the_catalogue_that_holds_nothing_is_empty_at_version_zero(store):
    assert store.layer("station") == Layer("station", (), 0)
    assert store.layers() == ()


def test_layers_are_listed_with_version_and_number_of_features(store):
    store.apply(add(A, B, WATER), **DESK)
    store.apply([remove(B)], **DESK)
    assert [(info.name, info.version, info.count) for info in store.layers()] == [
        ("station", 2, 1),
        ("water", 1, 1),
    ]


def test_the_version_of_a_layer_is_told_without_its_features_and_is_nothing_before_the_first(store):
    assert store.version("station") == 0
    store.apply(add(A, B, WATER), **DESK)
    store.apply([remove(B)], **DESK)
    assert (store.version("station"), store.version("water")) == (2, 1)


def test_an_unknown_layer_is_not_found(store):
    for ask in (
        store.layer,
        lambda name: store.layer_at(name, 0),
        lambda name: store.last_by_role(name, "osm"),
    ):
        with pytest.raises(NotFoundError, match="known are station"):
            ask("stations")


def test_an_unknown_feature_is_not_found_and_named(store):
    store.apply(add(A), **DESK)
    with pytest.raises(NotFoundError, match="'st-x' does not exist"):
        store.features(["st-a", "st-x"])


def test_ids_are_data_and_never_sql(store):
    with pytest.raises(NotFoundError):
        store.features(["'; DROP TABLE features; --", '"]', "\x00"])
    assert store.check() == ()


def test_a_paused_feature_stays_in_its_layer(store):
    store.apply(add(replace(A, status="paused", status_reason="装修")), **DESK)
    assert store.layer("station").features[0].status == "paused"


@pytest.mark.slow
@given(st.lists(drawn.places(), min_size=1, max_size=4, unique_by=lambda place: place.id))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_features_come_back_byte_equal(tmp_path_factory, places):
    store = open_sqlite(tmp_path_factory.mktemp("random") / "store.sqlite", create=True)
    store.apply(add(*places), **DESK)
    for name in {place.layer for place in places}:
        expected = Layer(name, tuple(place for place in places if place.layer == name))
        assert dump_layer(store.layer(name)) == dump_layer(expected)
    store.close()


# --- all or nothing --------------------------------------------------------------------------------------


def test_one_change_raises_each_touched_layer_by_one_version(store):
    applied = store.apply(add(A, B, WATER), **DESK)
    assert applied.versions == {"station": 1, "water": 1}
    assert store.apply([change(WATER, name="热水")], **DESK).versions == {"water": 2}
    assert store.layer("station").version == 1


def test_if_one_edit_is_stale_none_is_made(store):
    store.apply(add(A), **DESK)
    with pytest.raises(StaleEditError):
        store.apply([*add(B), change(replace(A, seats=9), seats=4)], **DESK)
    assert store.layer("station") == Layer("station", (A,), 1)
    assert len(store.history()) == 1


def test_if_one_feature_breaks_a_rule_none_is_added_and_all_faults_are_told(store):
    with pytest.raises(InvalidInputError) as caught:
        store.apply(add(A, replace(B, seats=-1), replace(WATER, hours="noon")), **DESK)
    assert [error["field"] for error in caught.value.facts["errors"]] == ["seats", "hours"]
    assert store.layers() == ()


def test_an_edit_that_changes_nothing_makes_no_version(store):
    store.apply(add(A), **DESK)
    applied = store.apply([change(A, name=A.name)], **DESK)
    assert (applied.change_id, applied.versions) == (None, {"station": 1})


def test_thousands_of_edits_are_one_transaction(store):
    places = [replace(A, id=f"st-{number}") for number in range(3_000)]
    assert store.apply(add(*places), **DESK).versions == {"station": 1}
    assert len(store.layer("station").features) == 3_000


@pytest.mark.parametrize(
    "edits",
    [
        [Edit("station", "st-a", None, None, None)],
        [Edit("station", "st-a", None, None, B)],
        [Edit("water", "st-a", None, None, A)],
        [Edit("station", "st-a", -1, None, A)],
        [Edit("station", "st-a", 7, None, A)],
        add(A, A),
    ],
)
def test_an_edit_that_contradicts_itself_is_refused(store, edits):
    with pytest.raises(InvalidInputError, match="the edit of "):
        store.apply(edits, **DESK)
    assert store.layers() == ()


@pytest.mark.parametrize(
    "author", [{"actor": ""}, {"role": "a\nb"}, {"source": "x" * 201}, {"at": datetime(2026, 11, 21)}]
)
def test_a_change_without_an_honest_author_is_refused(store, author):
    with pytest.raises(InvalidInputError):
        store.apply(add(A), **(DESK | author))


# --- stale edits -------------------------------------------------------------------------------------------


def test_a_stale_edit_is_refused_with_both_values(store):
    store.apply(add(A), **DESK)
    store.apply([change(A, seats=4, phone="010-6400")], **DESK)
    with pytest.raises(StaleEditError) as caught:
        store.apply([Edit("station", "st-a", 1, None, replace(A, seats=5))], **DESK)
    facts = caught.value.facts
    assert (facts["base_version"], facts["version"]) == (1, 2)
    assert facts["current"]["properties"]["seats"] == 4
    assert facts["yours"]["properties"]["seats"] == 5
    assert facts["fields"] == ["seats"]


def test_an_edit_from_another_value_is_stale_even_without_a_version(store):
    store.apply(add(A), **DESK)
    with pytest.raises(StaleEditError, match="is not what the edit started from"):
        store.apply([change(replace(A, seats=3), seats=4)], **DESK)


def test_the_version_of_the_layer_serves_as_base_while_others_edit_other_features(store):
    store.apply(add(A, B), **DESK)
    store.apply([change(B, seats=1)], **DESK)
    store.apply([Edit("station", "st-a", 1, A, replace(A, seats=4))], **DESK)
    assert store.features(["st-a"])[0].seats == 4


def test_adding_what_exists_is_stale(store):
    store.apply(add(A), **DESK)
    with pytest.raises(StaleEditError, match="exists already"):
        store.apply(add(replace(A, seats=4)), **DESK)


def test_changing_or_removing_what_never_was_is_not_found(store):
    for edit in (change(A, seats=4), remove(A), Edit("station", "st-a", 0, None, None)):
        with pytest.raises(NotFoundError):
            store.apply([edit], **DESK)


def test_changing_or_removing_what_was_removed_is_stale(store):
    store.apply(add(A), **DESK)
    store.apply([remove(A)], **DESK)
    for edit in (change(A, seats=4), remove(A)):
        with pytest.raises(StaleEditError, match="was removed"):
            store.apply([edit], **DESK)


def test_an_id_belongs_to_one_layer_of_the_district(store):
    store.apply(add(A), **DESK)
    with pytest.raises(InvalidInputError, match="belongs to layer station"):
        store.apply(add(replace(WATER, id="st-a")), **DESK)


# --- removal and history -------------------------------------------------------------------------------------


def test_a_removed_feature_leaves_its_layer_and_stays_in_history(store):
    store.apply(add(A), **DESK)
    store.apply([remove(A)], **DESK)
    assert store.layer("station") == Layer("station", (), 2)
    with pytest.raises(NotFoundError, match="was removed"):
        store.features(["st-a"])
    assert [(one.before, one.after) for one in store.history()] == [(A, None), (None, A)]


def test_a_feature_whose_status_is_removed_is_removed_and_keeps_its_reason(store):
    store.apply(add(A), **DESK)
    store.apply([change(A, status="removed", status_reason="拆除")], **DESK)
    assert store.layer("station").features == ()
    assert store.history(limit=1)[0].after.status_reason == "拆除"


def test_the_id_of_a_removed_feature_is_not_reused(store):
    store.apply(add(A), **DESK)
    store.apply([remove(A)], **DESK)
    with pytest.raises(InvalidInputError, match="restore it with base_version=2"):
        store.apply(add(replace(A, name="别处")), **DESK)


def test_a_removed_feature_is_restored_by_naming_its_version(store):
    store.apply(add(A), **DESK)
    store.apply([remove(A)], **DESK)
    store.apply([Edit("station", "st-a", 2, None, A)], **DESK)
    assert store.features(["st-a"]) == (A,)
    assert store.check() == ()


def test_history_names_who_when_and_from_where(store):
    applied = store.apply(add(A, WATER), **DESK)
    newest, first = store.history()
    assert (first.id, newest.id) == (applied.change_id, applied.change_id)
    assert (first.actor, first.role, first.source, first.at) == ("li", "desk", "page", AT)
    assert first.at.utcoffset() == timedelta(0)


def test_history_is_asked_by_layer_feature_and_length_newest_first(store):
    store.apply(add(A, B, WATER), **DESK)
    for seats in range(3):
        (before,) = store.features(["st-a"])
        store.apply([change(before, seats=seats)], **DESK)
    assert [one.after.seats for one in store.history(feature_id="st-a")] == [2, 1, 0, None]
    assert len(store.history(layer="station")) == 5
    assert len(store.history(layer="station", feature_id="st-b")) == 1
    assert [one.version for one in store.history(limit=2)] == [4, 3]
    assert store.history(feature_id="st-x") == ()


def test_a_layer_is_read_as_it_was_at_each_version(store):
    states = [Layer("station", (), 0)]
    for edits in (
        add(A, B),
        [change(A, seats=4)],
        [remove(B)],
        [change(replace(A, seats=4), status="removed")],
    ):
        store.apply(edits, **DESK)
        states.append(store.layer("station"))
    assert [store.layer_at("station", version) for version in range(5)] == states


def test_a_version_that_never_was_is_refused(store):
    with pytest.raises(InvalidInputError, match=r"version=1 of layer 'station' is outside 0\.\.0"):
        store.layer_at("station", 1)


def test_an_earlier_version_is_brought_back_as_one_more_change(store):
    store.apply(add(A, B), **DESK)
    earlier = store.layer("station")
    store.apply([change(A, seats=4), remove(B), *add(replace(A, id="st-c"))], **DESK)
    store.apply(edits_between(store.layer("station"), store.layer_at("station", 1)), **DESK)
    assert store.layer("station").features == earlier.features
    assert len(store.history()) == 8
    assert store.check() == ()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from((None, 0, 1, 2))), max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_sequence_of_edits_replays_to_the_present(tmp_path_factory, moves):
    store = open_sqlite(tmp_path_factory.mktemp("replay") / "store.sqlite", create=True)
    present, states = {}, [{}]
    for key, seats in moves:
        after = None if seats is None else replace(A, id=key, seats=seats)
        before = present.get(key)
        if before is None and after is None:
            continue
        version = store.layer("station").version
        store.apply([Edit("station", key, version, before, after)], **DESK)
        present = {name: place for name, place in {**present, key: after}.items() if place is not None}
        if before != after:
            states.append(present)
    for version, state in enumerate(states):
        held = {place.id: place for place in store.layer_at("station", version).features}
        assert held == state
    assert store.check() == ()
    store.close()


# --- what a source said last ------------------------------------------------------------------------------------


def test_the_last_word_of_a_role_is_what_was_written_under_it(store):
    store.apply(add(A, B), **(DESK | {"role": "osm"}))
    store.apply([change(A, seats=4)], **DESK)
    assert store.last_by_role("station", "osm") == {"st-a": A, "st-b": B}
    assert store.last_by_role("station", "desk") == {"st-a": replace(A, seats=4)}


def test_a_snapshot_says_what_the_source_said_apart_from_what_was_merged(store):
    store.apply(add(A), snapshots=[A], **(DESK | {"role": "osm"}))
    store.apply([change(A, phone="010-6400")], **DESK)
    merged, said = replace(A, phone="010-6400", hours="24/7"), replace(A, hours="24/7")
    edit = Edit("station", "st-a", None, replace(A, phone="010-6400"), merged)
    store.apply([edit], snapshots=[said], **(DESK | {"role": "osm"}))
    assert store.last_by_role("station", "osm") == {"st-a": said}


def test_a_snapshot_alone_is_kept_without_a_new_version(store):
    store.apply(add(A), **DESK)
    store.apply([], snapshots=[replace(A, seats=9)], **(DESK | {"role": "osm"}))
    assert store.layer("station").version == 1
    assert store.last_by_role("station", "osm") == {"st-a": replace(A, seats=9)}


def test_a_later_edit_under_the_role_outdates_its_snapshot(store):
    store.apply(add(A), snapshots=[replace(A, seats=9)], **(DESK | {"role": "osm"}))
    store.apply([change(A, seats=4)], **(DESK | {"role": "osm"}))
    assert store.last_by_role("station", "osm") == {"st-a": replace(A, seats=4)}


def test_a_snapshot_of_a_feature_that_is_not_there_undoes_the_whole_change(store):
    with pytest.raises(NotFoundError, match="snapshot of water/w-1"):
        store.apply(add(A), snapshots=[WATER], **DESK)
    assert store.layers() == ()


def test_what_a_role_removed_it_does_not_say_any_more(store):
    store.apply(add(A), **(DESK | {"role": "osm"}))
    store.apply([remove(A)], **(DESK | {"role": "osm"}))
    assert store.last_by_role("station", "osm") == {}


# --- threads, processes, crashes ------------------------------------------------------------------------------------


def test_threads_see_committed_states_only(store):
    pair = add(replace(A, seats=0), replace(B, seats=0))
    store.apply(pair, **DESK)
    torn, done = [], threading.Event()

    def watch():
        while not done.is_set():
            one, other = store.layer("station").features
            if one.seats != other.seats:
                torn.append((one.seats, other.seats))

    with ThreadPoolExecutor(3) as pool:
        watchers = [pool.submit(watch) for _ in range(3)]
        for seats in range(1, 40):
            one, other = store.features(["st-a", "st-b"])
            store.apply([change(one, seats=seats), change(other, seats=seats)], **DESK)
        done.set()
        for watcher in watchers:
            watcher.result()
    assert torn == []


def test_threads_that_edit_one_feature_lose_no_edit(store):
    store.apply(add(COUNTER), **DESK)

    def raise_ten_times(_):
        stale = 0
        for _ in range(10):
            while True:
                (before,) = store.features(["counter"])
                try:
                    store.apply([change(before, seats=before.seats + 1)], **DESK)
                except StaleEditError:
                    stale += 1
                else:
                    break
        return stale

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(raise_ten_times, range(4)))
    assert store.features(["counter"])[0].seats == 40
    assert store.layer("station").version == 41


def test_processes_that_edit_one_feature_lose_no_edit(home, store):
    store.apply(add(COUNTER), **DESK)
    processes = [home.writer("count", f"p{number}", 25) for number in range(3)]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert store.features(["counter"])[0].seats == 75
    assert store.check() == ()


def kill_writers(home, kills, seed):
    """Start a writer, kill it after some acknowledgements, and count those that are missing afterwards."""
    rng = random.Random(seed)
    acknowledged = []
    for kill in range(kills):
        process = home.writer("add", f"k{kill}", 100_000)
        heard = [process.stdout.readline().strip() for _ in range(rng.randint(1, 40))]
        process.kill()
        rest, _ = process.communicate()
        acknowledged += [line for line in (*heard, *rest.split("\n")[:-1]) if line]
    store = home.open()
    held = {feature.id for feature in store.layer("station").features}
    problems = store.check()
    store.close()
    return acknowledged, set(acknowledged) - held, problems


@pytest.mark.slow
def test_killed_writers_lose_no_acknowledged_edit(home, store):
    acknowledged, lost, problems = kill_writers(home, kills=8, seed=1)
    assert len(acknowledged) >= 8
    assert lost == set()
    assert problems == ()


@pytest.mark.slow
def test_scores_of_killed_writers_lose_no_acknowledged_edit(tmp_path):
    kills = many(40, 100)
    home = Home(
        str(tmp_path / "store.sqlite"), "main"
    )  # in PostgreSQL the client's death is the server's routine
    home.open(create=True).close()
    acknowledged, lost, problems = kill_writers(home, kills=kills, seed=2)
    assert len(acknowledged) >= kills
    assert lost == set()
    assert problems == ()


def test_a_fork_gets_connections_of_its_own(store):
    store.apply(add(A), **DESK)
    store.layer("station")
    child = os.fork()
    if child == 0:
        try:
            store.apply([change(A, seats=4)], **DESK)
        finally:
            os._exit(int(store.features(["st-a"])[0].seats != 4))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.features(["st-a"])[0].seats == 4
    assert store.check() == ()


def test_at_is_kept_to_the_microsecond_in_utc(store):
    at = datetime(2026, 11, 21, 0, 0, 0, 123456, tzinfo=UTC)
    store.apply(add(A), **(DESK | {"at": at}))
    assert store.history()[0].at == at
