"""What every store promises, and what the one in SQLite promises besides."""

import os
import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_service.errors import (
    BadDataError,
    InvalidInputError,
    NotFoundError,
    StaleEditError,
    UnavailableError,
)
from geo_service.layers import Area, Edit, Layer, Place, Provenance, catalogue_with, dump_layer, edits_between
from geo_service.store import sqlite
from geo_service.store.sqlite import check_sqlite_version, load_migrations, open_sqlite
from tests import drawn_places as drawn
from tests.store_writer import COUNTER

CHECKOUT = Path(__file__).resolve().parents[1]
AT = datetime(2026, 11, 21, 8, 30, tzinfo=timezone(timedelta(hours=8)))
DESK = {"actor": "li", "role": "desk", "source": "page", "at": AT}
A, B = (Place(key, "station", 116.45, 39.96, "香新驿站") for key in ("st-a", "st-b"))
WATER = Place("w-1", "water", 116.46, 39.97, "饮水点")
OPENERS = {"sqlite": lambda folder: open_sqlite(folder / "store.sqlite", create=True)}


@pytest.fixture(params=sorted(OPENERS))
def store(request, tmp_path):
    opened = OPENERS[request.param](tmp_path)
    yield opened
    opened.close()


def add(*features):
    return [Edit(feature.layer, feature.id, None, None, feature) for feature in features]


def change(before, **fields):
    return Edit(before.layer, before.id, None, before, replace(before, **fields))


def remove(before):
    return Edit(before.layer, before.id, None, before, None)


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
    store = OPENERS["sqlite"](tmp_path_factory.mktemp("random"))
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
    store = OPENERS["sqlite"](tmp_path_factory.mktemp("replay"))
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


def writer(verb, path, name, number):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store_writer", verb, str(path), name, str(number)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_edit_one_feature_lose_no_edit(tmp_path):
    path = tmp_path / "store.sqlite"
    store = open_sqlite(path, create=True)
    store.apply(add(COUNTER), **DESK)
    processes = [writer("count", path, f"p{number}", 25) for number in range(3)]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert store.features(["counter"])[0].seats == 75
    assert store.check() == ()
    store.close()


def kill_writers(path, kills, seed):
    """Start a writer, kill it after some acknowledgements, and count those that are missing afterwards."""
    rng = random.Random(seed)
    open_sqlite(path, create=True).close()
    acknowledged = []
    for kill in range(kills):
        process = writer("add", path, f"k{kill}", 100_000)
        heard = [process.stdout.readline().strip() for _ in range(rng.randint(1, 40))]
        process.kill()
        rest, _ = process.communicate()
        acknowledged += [line for line in (*heard, *rest.split("\n")[:-1]) if line]
    store = open_sqlite(path)
    held = {feature.id for feature in store.layer("station").features}
    problems = store.check()
    store.close()
    return acknowledged, set(acknowledged) - held, problems


@pytest.mark.slow
def test_killed_writers_lose_no_acknowledged_edit(tmp_path):
    acknowledged, lost, problems = kill_writers(tmp_path / "store.sqlite", kills=8, seed=1)
    assert len(acknowledged) >= 8
    assert lost == set()
    assert problems == ()


@pytest.mark.slow
def test_a_hundred_killed_writers_lose_no_acknowledged_edit(tmp_path):
    acknowledged, lost, problems = kill_writers(tmp_path / "store.sqlite", kills=100, seed=2)
    assert len(acknowledged) >= 100
    assert lost == set()
    assert problems == ()


def test_a_writer_that_holds_the_lock_too_long_is_told_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "PRAGMAS", (("busy_timeout", "50", 50), *sqlite.PRAGMAS[1:]))
    store = open_sqlite(tmp_path / "store.sqlite", create=True)
    other = apsw.Connection(str(tmp_path / "store.sqlite"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="another process kept it locked and nothing was changed"):
        store.apply(add(A), **DESK)
    other.execute("ROLLBACK")
    store.apply(add(A), **DESK)
    other.close()
    store.close()


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


# --- the file ------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    """A file with one station in it, closed."""
    path = tmp_path / "store.sqlite"
    store = open_sqlite(path, create=True)
    store.apply(add(A, WATER), **DESK)
    store.close()
    return path


def files(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_what_was_written_is_there_when_the_file_is_opened_again(path):
    store = open_sqlite(path)
    assert store.layer("station") == Layer("station", (A,), 1)
    store.close()


def test_a_closed_store_refuses_in_one_line(path):
    store = open_sqlite(path)
    store.layers()
    store.close()
    with pytest.raises(BadDataError, match="the store was closed"):
        store.layers()


def test_every_connection_has_the_asserted_pragmas(path):
    store = open_sqlite(path)

    def read():
        connection = store._connection()
        return {name: connection.pragma(name) for name, _, _ in sqlite.PRAGMAS}

    with ThreadPoolExecutor(2) as pool:
        found = [read(), pool.submit(read).result(), pool.submit(read).result()]
    store.close()
    expected = {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1,
        "busy_timeout": 10_000, "trusted_schema": 0, "recursive_triggers": 1,
    }  # fmt: skip
    assert all(expected.items() <= pragmas.items() for pragmas in found)


def test_a_pragma_that_does_not_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "PRAGMAS", (("journal_mode", "DELETE", "wal"),))
    with pytest.raises(BadDataError, match="pragma journal_mode is 'delete', must be 'wal'"):
        open_sqlite(tmp_path / "store.sqlite", create=True)


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_an_sqlite_with_the_wal_reset_bug_is_refused(version):
    with pytest.raises(BadDataError, match=r"install apsw with 3\.51\.3 or newer"):
        check_sqlite_version(version)


def test_the_sqlite_in_use_is_past_the_wal_reset_bug():
    check_sqlite_version("3.51.3")
    check_sqlite_version(apsw.sqlite_lib_version())


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM history",
        "UPDATE history SET doc = NULL",
        "UPDATE changes SET actor = 'x'",
        "DELETE FROM changes",
        "DELETE FROM features",
        "DELETE FROM layers",
        "UPDATE layers SET version = 1",
        "UPDATE features SET doc = '{}'",
        "REPLACE INTO changes SELECT * FROM changes",
        "REPLACE INTO history SELECT * FROM history",
        "INSERT INTO history (change_id, layer, feature_id, version) VALUES (99, 'station', 'st-a', 9)",
    ],
)
def test_history_and_ids_only_grow(path, sql):
    store = open_sqlite(path)
    with pytest.raises(apsw.ConstraintError):
        store._connection().execute(sql)
    assert store.check() == ()
    store.close()


def test_missing_files_and_folders_are_refused_and_nothing_is_made(tmp_path):
    for name, create in (("none.sqlite", False), ("none/store.sqlite", True), ("", True)):
        with pytest.raises(InvalidInputError):
            open_sqlite(tmp_path / name, create=create)
    assert files(tmp_path) == {}


@pytest.mark.parametrize("content", [b"not a database at all, but long enough" * 9, b"x"])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / "store.sqlite").write_bytes(content)
    with pytest.raises(BadDataError, match="is not a database") as caught:
        open_sqlite(tmp_path / "store.sqlite", create=True)
    assert "\n" not in caught.value.message
    assert files(tmp_path) == {"store.sqlite": content}


def test_an_empty_file_is_filled_only_if_asked(tmp_path):
    (tmp_path / "store.sqlite").touch()
    with pytest.raises(BadDataError, match="is empty"):
        open_sqlite(tmp_path / "store.sqlite")
    open_sqlite(tmp_path / "store.sqlite", create=True).close()


def test_the_database_of_another_program_is_refused_and_left_as_it_is(tmp_path):
    other = apsw.Connection(str(tmp_path / "store.sqlite"))
    other.execute("CREATE TABLE notes (text); PRAGMA user_version = 1")
    other.close()
    before = files(tmp_path)
    with pytest.raises(BadDataError, match="of another program"):
        open_sqlite(tmp_path / "store.sqlite", create=True)
    assert files(tmp_path) == before


def test_a_store_of_a_newer_program_is_refused_and_left_as_it_is(path):
    newest = len(load_migrations())
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", newest + 1)
    connection.close()
    before = files(path.parent)
    with pytest.raises(BadDataError, match=f"has schema {newest + 1}, this program knows up to {newest}"):
        open_sqlite(path)
    assert files(path.parent) == before


def test_a_newer_store_whose_log_was_not_written_back_is_left_as_it_is(path, tmp_path):
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    left = tmp_path / "left"
    left.mkdir()
    for file in tmp_path.glob("store.sqlite*"):
        shutil.copy(file, left)
    connection.close()
    before = files(left)
    assert before["store.sqlite-wal"]
    with pytest.raises(BadDataError, match="has schema 99"):
        open_sqlite(left / "store.sqlite")
    kept = ("store.sqlite", "store.sqlite-wal")
    assert [files(left)[name] for name in kept] == [before[name] for name in kept]


def test_a_damaged_file_is_noticed(path):
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(byte ^ 0x5A for byte in data[4096:])
    path.write_bytes(data)
    with (
        pytest.raises(BadDataError, match=r"is damaged; restore a backup|the database refused"),
        closing(open_sqlite(path)) as store,
    ):
        store.layer("station")


def test_a_present_state_that_history_does_not_lead_to_is_found_by_check(path):
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER features_versions_grow")
    connection.execute(
        """UPDATE features SET doc = json_set(doc, '$.properties.name', '假') WHERE id = 'st-a'"""
    )
    connection.execute(
        "DROP TRIGGER layers_versions_grow; UPDATE layers SET version = 7 WHERE name = 'water'"
    )
    connection.close()
    store = open_sqlite(path)
    assert store.check() == (
        "feature st-a is not what its history ends in",
        "the version of layer water is not that of its last change",
    )
    store.close()


def test_a_missing_piece_of_history_is_found_by_check(path):
    store = open_sqlite(path)
    store.apply([change(A, seats=1)], **DESK)
    store.apply([change(replace(A, seats=1), seats=2)], **DESK)
    store.close()
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER history_keeps_rows; DELETE FROM history WHERE version = 2")
    connection.close()
    store = open_sqlite(path)
    assert "the history of feature st-a has a gap" in store.check()
    store.close()


def test_a_backup_taken_while_others_write_is_a_store_of_its_own(path, tmp_path):
    store = open_sqlite(path)
    process = writer("add", path, "w", 200)
    process.stdout.readline()
    store.backup(tmp_path / "copy.sqlite")
    process.communicate(timeout=120)
    copy = open_sqlite(tmp_path / "copy.sqlite")
    assert copy.check() == ()
    held = copy.layer("station")
    assert dump_layer(held) == dump_layer(store.layer_at("station", held.version))
    copy.close()
    store.close()


def test_a_catalogue_of_the_district_decides_which_layers_there_are(tmp_path):
    canteen = {"zh": "食堂", "en": "Canteen", "pin": "食", "colour": "#aa3300"}
    store = open_sqlite(tmp_path / "s.sqlite", create=True, catalogue=catalogue_with({"canteen": canteen}))
    store.apply(add(replace(WATER, id="c-1", layer="canteen")), **DESK)
    assert store.layer("canteen").features[0].name == "饮水点"
    store.close()


def test_what_was_overwritten_is_not_readable_in_the_file(path):
    store = open_sqlite(path)
    said = replace(A, provenance=Provenance("synthetic", "CC0-1.0"), network="CANARY-SNAPSHOT")
    store.apply([], snapshots=[said], **(DESK | {"role": "osm"}))
    store.apply([], snapshots=[A], **(DESK | {"role": "osm"}))
    store.close()
    assert b"CANARY-SNAPSHOT" not in path.read_bytes()


def test_a_mount_that_is_read_only_is_refused_and_nothing_is_written(path):
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("needs root and unshare to mount")
    mount = f"mount --bind {path.parent} {path.parent} && mount -o remount,ro,bind {path.parent}"
    program = "import sys, pathlib; from geo_service.store.sqlite import open_sqlite as o; o(pathlib.Path(sys.argv[1]))"
    before = files(path.parent)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} || exit 77; exec {sys.executable} -c '{program}' {path}"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("this machine does not let tests mount")
    assert "cannot be" in done.stderr.splitlines()[-1]
    assert files(path.parent) == before


FILL_THE_DISK = """
import sys
from dataclasses import replace
from pathlib import Path
from geo_service.errors import BadDataError
from geo_service.store.sqlite import open_sqlite
from tests.store_writer import COUNTER, write, Edit
folder = Path(sys.argv[1])
store = open_sqlite(folder / "store.sqlite", create=True)
made = 0
try:
    while True:
        place = replace(COUNTER, id=f"a-{made}", address="x" * 300)
        write(store, "w", Edit("station", place.id, None, None, place))
        made += 1
except BadDataError as error:
    assert "disk is full" in error.message, error.message
assert len(store.layer("station").features) == made > 0
assert store.check() == ()
(folder / "ballast").unlink()
write(store, "w", Edit("station", "after", None, None, replace(COUNTER, id="after")))
print("healed")
"""


def test_a_full_disk_changes_nothing_and_heals(tmp_path):
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("needs root and unshare to mount")
    mount = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && head -c 400000 /dev/zero > {tmp_path}/ballast"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} || exit 77; exec {sys.executable} - {tmp_path}"],
        cwd=CHECKOUT,
        input=FILL_THE_DISK,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("this machine does not let tests mount")
    assert done.stdout == "healed\n", done.stderr


# --- migrations -----------------------------------------------------------------------------------------------------


def make_store_at(path, version):
    """Make a store as the program of an earlier schema left it."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL")
    for number, step in enumerate(load_migrations()[:version], start=1):
        connection.execute(step)
        connection.execute(f"PRAGMA application_id = {sqlite.APPLICATION_ID}; PRAGMA user_version = {number}")
    connection.close()


@pytest.mark.parametrize("version", range(1, len(load_migrations()) + 1))
def test_a_store_of_every_released_schema_is_brought_up_to_date(tmp_path, version):
    make_store_at(tmp_path / "store.sqlite", version)
    store = open_sqlite(tmp_path / "store.sqlite")
    store.apply(add(A), **DESK)
    assert store.check() == ()
    assert store._connection().pragma("user_version") == len(load_migrations())
    store.close()


def test_a_step_that_fails_leaves_the_store_as_it_was(path, monkeypatch):
    steps = load_migrations()
    monkeypatch.setattr(
        sqlite, "load_migrations", lambda: (*steps, "CREATE TABLE late (x); SELECT nonsense;")
    )
    with pytest.raises(BadDataError, match="the database refused and nothing was changed"):
        open_sqlite(path)
    monkeypatch.undo()
    store = open_sqlite(path)
    assert store.layer("station").features == (A,)
    assert store._connection().execute("SELECT count(*) FROM sqlite_schema WHERE name = 'late'").get == 0
    store.close()


def test_a_new_step_is_gone_once_and_keeps_what_was_written(path, monkeypatch):
    steps = load_migrations()
    monkeypatch.setattr(sqlite, "load_migrations", lambda: (*steps, "CREATE TABLE late (x);"))
    for _ in range(2):
        store = open_sqlite(path)
        assert store.layer("station").features == (A,)
        assert store._connection().pragma("user_version") == len(steps) + 1
        store.close()
    monkeypatch.undo()
    with pytest.raises(BadDataError, match="install the newer one"):
        open_sqlite(path)


def test_two_that_make_one_store_at_once_make_one_store(tmp_path):
    def make(_):
        open_sqlite(tmp_path / "store.sqlite", create=True).close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(make, range(6)))
    store = open_sqlite(tmp_path / "store.sqlite")
    assert store.check() == ()
    store.close()


def test_migrations_are_numbered_without_gaps_and_shipped_with_the_package():
    folder = Path(sqlite.__file__).parent / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.suffix == ".sql")
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_at_is_kept_to_the_microsecond_in_utc(store):
    at = datetime(2026, 11, 21, 0, 0, 0, 123456, tzinfo=UTC)
    store.apply(add(A), **(DESK | {"at": at}))
    assert store.history()[0].at == at
