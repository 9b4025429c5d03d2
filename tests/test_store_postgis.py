"""What the store in PostgreSQL promises besides: the server, the schema, what QGIS sees, and faults."""

import json
import random
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from geo_service.errors import BadDataError, InvalidInputError, UnavailableError
from geo_service.layers import Area, catalogue_with
from geo_service.store import pool
from geo_service.store.opening import open_store
from geo_service.store.postgis import load_migrations, schema_of
from tests.cluster import Cluster, find_binaries
from tests.stores import DESK, WATER, A, B, Home, add, change, new_district

pytestmark = pytest.mark.slow

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0))
HOLE = ((0.2, 0.2), (0.2, 0.4), (0.4, 0.4), (0.4, 0.2), (0.2, 0.2))
BLOCK = Area("b-1", "block", "街区", {"type": "Polygon", "coordinates": (SQUARE, HOLE)})


@pytest.fixture
def home(cluster):
    """A district of its own in the run's PostgreSQL."""
    return Home(cluster.url, new_district())


@pytest.fixture
def own(cluster):
    """A server that the test may stop and kill."""
    made = Cluster(find_binaries())
    yield made
    made.remove()


@pytest.fixture
def ask(home):
    """Ask the database behind the store's back."""
    with psycopg.connect(home.place, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {schema_of(home.district)}, public")
        yield lambda sql: connection.execute(sql)


# --- the URL --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "mysql://geo:CANARY@db/geo",
        "postgresql://geo:CANARY@db/geo?nonsense=1",
        "postgresql://geo:CANARY@[db/geo",
        "postgresql://geo:CA%ZZNARY@db/geo",
    ],
)
def test_a_url_that_cannot_be_is_refused_and_not_repeated(url):
    with pytest.raises(InvalidInputError) as caught:
        open_store(url, district="x")
    assert "NARY" not in caught.value.message + str(caught.value.facts)


def test_a_server_that_is_not_there_is_unavailable_at_once_and_no_password_is_told():
    started = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        open_store("postgresql://geo:CANARY@127.0.0.1:1/geo", district="x")
    assert time.monotonic() - started < 1
    assert caught.value.facts["retry_after_s"] == 1
    assert "CANARY" not in caught.value.message
    assert "postgresql://geo@127.0.0.1:1/geo" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("district", ["", "A", "x" * 41, "a_b", "a;drop", "区"])
def test_a_district_that_cannot_be_is_refused(home, district):
    with pytest.raises(InvalidInputError, match="is no id"):
        open_store(home.place, district=district, create=True)


def test_a_database_that_is_not_there_is_refused(home):
    with pytest.raises((InvalidInputError, UnavailableError), match="does not exist"):
        open_store(home.place.replace("/postgres?", "/nowhere?"), district="x", create=True)


# --- the schema ------------------------------------------------------------------------------------------------


def test_a_store_that_was_not_made_is_refused_and_not_made(home, ask):
    with pytest.raises(InvalidInputError, match="holds no store"):
        home.open()
    assert ask(f"SELECT to_regnamespace('{schema_of(home.district)}')").fetchone() == (None,)


def test_districts_in_one_database_do_not_know_each_other(home):
    other = Home(home.place, new_district())
    with closing(home.open(create=True)) as one, closing(other.open(create=True)) as two:
        one.apply(add(A), **DESK)
        two.apply(add(replace(A, name="别处"), B), **DESK)
        assert (one.layer("station").features, two.layer("station").version) == ((A,), 1)


def test_the_schema_of_another_program_is_refused_and_left_as_it_is(home, ask):
    ask(f"CREATE SCHEMA {schema_of(home.district)}")
    ask("CREATE TABLE notes (text text)")
    with pytest.raises(BadDataError, match="another program's"):
        home.open(create=True)
    assert ask("SELECT count(*) FROM notes").fetchone() == (0,)


def test_an_empty_schema_that_an_administrator_made_is_filled(home, ask):
    ask(f"CREATE SCHEMA {schema_of(home.district)}")
    with closing(home.open(create=True)) as store:
        assert store.check() == ()


def test_a_store_of_a_newer_program_is_refused(home, ask):
    home.open(create=True).close()
    newest = len(load_migrations())
    ask(f"UPDATE schema_version SET version = {newest + 1}")
    with pytest.raises(BadDataError, match=f"has schema {newest + 1}, this program knows up to {newest}"):
        home.open()


def test_a_step_that_fails_leaves_the_store_as_it_was(home, ask, monkeypatch):
    steps = load_migrations()
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
    late = (*steps, "CREATE TABLE late (x int); SELECT nonsense;")
    monkeypatch.setattr("geo_service.store.postgis.load_migrations", lambda: late)
    with pytest.raises(BadDataError, match="the database refused and nothing was changed"):
        home.open()
    assert ask("SELECT to_regclass('late'), version FROM schema_version").fetchone() == (None, len(steps))


def test_a_new_step_is_gone_once_and_keeps_what_was_written(home, ask, monkeypatch):
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
    late = (*load_migrations(), "CREATE TABLE late (x int);")
    monkeypatch.setattr("geo_service.store.postgis.load_migrations", lambda: late)
    for _ in range(2):
        with closing(home.open()) as store:
            assert store.layer("station").features == (A,)
    assert ask("SELECT version FROM schema_version").fetchone() == (len(late),)


def test_two_that_make_one_store_at_once_make_one_store(home):
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: home.open(create=True).close(), range(6)))
    with closing(home.open()) as store:
        assert store.check() == ()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM history",
        "TRUNCATE history CASCADE",
        "UPDATE history SET doc = NULL",
        "UPDATE changes SET actor = 'x'",
        "DELETE FROM changes",
        "DELETE FROM features",
        "TRUNCATE features CASCADE",
        "DELETE FROM layers",
        "UPDATE layers SET version = 1",
        "UPDATE features SET doc = '{}'",
        "UPDATE features SET id = 'st-z', version = 9",
        "INSERT INTO history (seq, change_id, layer, feature_id, version) VALUES (99, 99, 'station', 'st-a', 9)",
    ],
)
def test_history_and_ids_only_grow(home, ask, sql):
    with closing(home.open(create=True)) as store:
        store.apply(add(A, WATER), **DESK)
        with pytest.raises(psycopg.IntegrityError):
            ask(sql)
        assert store.check() == ()


def test_a_present_state_that_history_does_not_lead_to_is_found_by_check(home, ask):
    with closing(home.open(create=True)) as store:
        store.apply(add(A, WATER), **DESK)
        ask("ALTER TABLE features DISABLE TRIGGER features_versions_grow")
        ask("UPDATE features SET doc = json_build_object('id', id, 'properties', 1) WHERE id = 'st-a'")
        assert store.check() == (
            "trigger features_versions_grow is switched off",
            "feature st-a is not what its history ends in",
            "feature st-a cannot be read",
        )


def test_a_missing_piece_of_history_is_found_by_check(home, ask):
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
        store.apply([change(A, seats=1)], **DESK)
        store.apply([change(replace(A, seats=1), seats=2)], **DESK)
        ask("ALTER TABLE history DISABLE TRIGGER ALL")
        ask("DELETE FROM history WHERE version = 2")
        found = store.check()
    assert "the history of feature st-a has a gap" in found
    assert "the history of layer station lacks a version" in found


# --- what QGIS sees ------------------------------------------------------------------------------------------------


def test_geometry_name_and_status_follow_every_edit(home, ask):
    with closing(home.open(create=True)) as store:
        store.apply(add(A, BLOCK), **DESK)
        store.apply([change(A, lon=116.5, name="新名")], **DESK)
    rows = ask(
        "SELECT id, name, status, ST_AsText(point), ST_AsText(area) FROM features ORDER BY id"
    ).fetchall()
    assert rows == [
        ("b-1", "街区", "active", None,
         "MULTIPOLYGON(((0 0,1 0,1 1,0 1,0 0),(0.2 0.2,0.2 0.4,0.4 0.4,0.4 0.2,0.2 0.2)))"),
        ("st-a", "新名", "active", "POINT(116.5 39.96)", None),
    ]  # fmt: skip


def test_every_layer_is_a_view_with_one_typed_geometry(home, ask):
    with closing(home.open(create=True)) as store:
        names = set(store.catalogue)
    schema = schema_of(home.district)
    found = ask(
        f"SELECT f_table_name, type, srid FROM geometry_columns WHERE f_table_schema = '{schema}'"
        " AND f_geometry_column = 'geom'"
    ).fetchall()
    assert {name for name, _, _ in found} == {f"layer_{name}" for name in names}
    kinds = {name: (kind, srid) for name, kind, srid in found}
    assert (kinds["layer_station"], kinds["layer_block"]) == (("POINT", 4326), ("MULTIPOLYGON", 4326))


def test_a_view_holds_what_is_there_now_in_typed_columns(home, ask):
    with closing(home.open(create=True)) as store:
        place = replace(A, seats=12, area_m2=60.5, class_="standard", photos=("a.jpg",))
        store.apply(add(place, B, WATER), **DESK)
        store.apply([change(B, status="removed")], **DESK)
    rows = ask("SELECT id, version, seats, area_m2, class, photos FROM layer_station").fetchall()
    assert rows == [("st-a", 1, 12, 60.5, "standard", '["a.jpg"]')]


def test_a_box_on_a_view_is_answered_by_the_gist_index(home, ask):
    with closing(home.open(create=True)) as store:
        store.apply(add(*(replace(A, id=f"st-{n}", lon=116.0 + n / 1000) for n in range(500))), **DESK)
    ask("ANALYZE features")
    ask("SET enable_seqscan TO off")
    ask("SET enable_bitmapscan TO off")
    ((plan,),) = ask(
        "EXPLAIN (FORMAT JSON) SELECT id FROM layer_station"
        " WHERE geom && ST_MakeEnvelope(116.1, 39, 116.101, 40, 4326)"
    ).fetchall()
    assert "features_by_point" in json.dumps(plan)


def test_a_layer_that_a_district_adds_or_gives_up_comes_and_goes_as_a_view(home, ask):
    canteen = {
        "zh": "食堂",
        "en": "Canteen",
        "pin": "食",
        "colour": "#aa3300",
        "fields": ["name", "cuisine", "seq"],
    }
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
    ask("CREATE ROLE qgis_test NOLOGIN")
    ask("GRANT SELECT ON layer_station TO qgis_test")
    with closing(home.open(catalogue=catalogue_with({"canteen": canteen}))) as store:
        store.apply(add(replace(WATER, id="c-1", layer="canteen", extra={"cuisine": "面"})), **DESK)
    assert ask("SELECT id, cuisine, seq_ FROM layer_canteen").fetchall() == [("c-1", "面", None)]
    fewer = {**canteen, "fields": ["name"]}
    home.open(catalogue=catalogue_with({"canteen": fewer})).close()
    home.open().close()
    assert ask("SELECT to_regclass('layer_canteen')").fetchone() == (None,)
    assert ask("SELECT has_table_privilege('qgis_test', 'layer_station', 'select')").fetchone() == (True,)
    ask("DROP OWNED BY qgis_test; DROP ROLE qgis_test")


def test_a_reader_with_the_rights_of_the_guide_sees_layers_and_no_accounts(home, ask):
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
    schema = schema_of(home.district)
    ask("CREATE ROLE qgis_reader NOLOGIN")
    ask(f"GRANT USAGE ON SCHEMA {schema} TO qgis_reader")
    ask(f"GRANT SELECT ON {schema}.features, {schema}.changelog, {schema}.layer_station TO qgis_reader")
    ask("SET ROLE qgis_reader")
    assert ask("SELECT id, ST_X(geom) FROM layer_station").fetchall() == [("st-a", 116.45)]
    refused = (
        "SELECT * FROM accounts",
        "SELECT * FROM sessions",
        "UPDATE features SET version = 9",
        "DELETE FROM layer_station",
    )
    for sql in refused:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(sql)
    ask("RESET ROLE")
    ask("DROP OWNED BY qgis_reader; DROP ROLE qgis_reader")


def test_the_history_is_a_view_with_instants(home, ask):
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
    assert ask("SELECT at, actor, feature_id FROM changelog").fetchall() == [(DESK["at"], "li", "st-a")]


def test_another_program_reads_each_layer_point_by_point(home, cluster):
    if shutil.which("ogr2ogr") is None:
        pytest.skip("ogr2ogr is not installed: layers not read with GDAL")
    places = [replace(A, id=f"st-{n}", lon=116.4 + n * 1e-7, name=f"驿站{n}") for n in range(50)]
    with closing(home.open(create=True)) as store:
        store.apply(add(*places), **DESK)
    source = (
        f"PG:host={cluster.folder} user=postgres dbname=postgres active_schema={schema_of(home.district)}"
    )
    done = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", source, "layer_station"],
        check=True,
        capture_output=True,
        text=True,
    )
    read = {
        (one["properties"]["id"], one["properties"]["name"], tuple(one["geometry"]["coordinates"]))
        for one in json.loads(done.stdout)["features"]
    }
    assert read == {(place.id, place.name, (round(place.lon, 7), place.lat)) for place in places}


# --- threads and faults ----------------------------------------------------------------------------------------------


def test_more_threads_than_connections_wait_for_one(home):
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
        with ThreadPoolExecutor(3 * pool.MOST_CONNECTIONS) as threads:
            found = list(threads.map(lambda _: store.features(["st-a"]), range(300)))
        assert set(found) == {(A,)}
        with store.reading() as link:
            ((held,),) = link.rows(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'geo_service'"
            )
    assert held <= pool.MOST_CONNECTIONS


def test_a_store_whose_connections_were_cut_goes_on_by_itself(home, ask):
    with closing(home.open(create=True)) as store:
        store.apply(add(A), **DESK)
        for edit in ([change(A, seats=1)], [change(replace(A, seats=1), seats=2)]):
            ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'geo_service'"
            )
            store.apply(edit, **DESK)
        ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'geo_service'")
        assert store.layer("station").version == 3


def test_a_writer_that_waits_too_long_is_told_and_changes_nothing(home, monkeypatch):
    monkeypatch.setattr(pool, "WAIT_S", 0.1)
    with closing(home.open(create=True)) as store, closing(home.open()) as other:
        with (
            other.writing(),
            pytest.raises(UnavailableError, match="kept it locked and nothing was changed"),
        ):
            store.apply(add(A), **DESK)
        store.apply(add(A), **DESK)
        assert store.layer("station").version == 1


def test_a_closed_store_refuses_in_one_line(home):
    store = home.open(create=True)
    store.layers()
    store.close()
    with pytest.raises(BadDataError, match="the store was closed"):
        store.layers()


def test_a_server_that_could_lose_edits_is_refused(own):
    with psycopg.connect(own.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync TO off")
    own.stop()
    own.start()
    with pytest.raises(BadDataError, match="fsync is off, must be on"):
        open_store(own.url, district="x", create=True)


def test_while_the_server_is_down_a_store_says_so_at_once_and_heals_by_itself(own):
    with closing(open_store(own.url, district="x", create=True)) as store:
        store.apply(add(A), **DESK)
        own.stop()
        for verb in (store.layers, lambda: store.apply([change(A, seats=1)], **DESK)):
            started = time.monotonic()
            with pytest.raises(UnavailableError):
                verb()
            assert time.monotonic() - started < 1
        own.start()
        store.apply([change(A, seats=1)], **DESK)
        assert store.layer("station").version == 2
        assert store.check() == ()


def kill_server(server, kills, seed):
    """Kill the server under writers again and again; acknowledged edits, those missing afterwards, and faults."""
    rng = random.Random(seed)
    acknowledged, faults, is_done = [], [], threading.Event()
    store = open_store(server.url, district="x", create=True)

    def write(name):
        number = 0
        while not is_done.is_set():
            number += 1
            place = replace(A, id=f"w{name}-{number}")
            try:
                store.apply(add(place), **DESK)
            except UnavailableError:
                time.sleep(0.05)
            except Exception as error:  # nothing else may come
                faults.append(repr(error))
            else:
                acknowledged.append(place.id)

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, name) for name in range(4)]
        for _ in range(kills):
            before = len(acknowledged)
            until = time.monotonic() + 60
            while len(acknowledged) < before + rng.randint(1, 40) and time.monotonic() < until:
                time.sleep(0.01)
            server.kill()
            server.start()
        is_done.set()
        for writer in writers:
            writer.result()
    held = {feature.id for feature in store.layer("station").features}
    problems = store.check()
    store.close()
    return acknowledged, set(acknowledged) - held, (*faults, *problems)


def test_a_server_that_is_killed_under_writers_loses_no_acknowledged_edit(own):
    acknowledged, lost, problems = kill_server(own, kills=4, seed=1)
    assert len(acknowledged) >= 4
    assert (lost, problems) == (set(), ())
