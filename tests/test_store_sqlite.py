"""What the store in a SQLite file promises besides: the file, its pragmas, its migrations."""

import os
import pathlib
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import apsw
import pytest

from geo_service.errors import BadDataError, InvalidInputError, UnavailableError
from geo_service.layers import Layer, Provenance, catalogue_with, dump_layer
from geo_service.store import sqlite
from geo_service.store.sqlite import check_sqlite_version, load_migrations, open_sqlite
from tests.stores import CHECKOUT, DESK, WATER, A, Home, add, change, files


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


# --- a glance at the log --------------------------------------------------------------------------------------------


def counts_reads(store, monkeypatch):
    """The store, and a list that grows with each transaction it reads in."""
    read, reading = [], store.reading
    monkeypatch.setattr(store, "reading", lambda: read.append(1) or reading())
    return read


def test_a_version_is_read_again_only_after_a_commit(tmp_path, monkeypatch):
    with closing(open_sqlite(tmp_path / "store.sqlite", create=True)) as store:
        store.apply(add(A), **DESK)
        read = counts_reads(store, monkeypatch)
        assert [store.version("station") for _ in range(5)] == [1] * 5
        assert len(read) == 1
        store.apply(add(WATER), **DESK)
        assert [store.version(name) for name in ("station", "water", "nothing")] == [1, 1, 0]
        assert len(read) == 2


def test_a_commit_of_another_connection_is_seen_at_once_whatever_becomes_of_the_log(tmp_path):
    place = tmp_path / "store.sqlite"
    with closing(open_sqlite(place, create=True)) as store, closing(apsw.Connection(str(place))) as other:
        store.apply(add(A), **DESK)
        for version in range(2, 40):
            assert store.version("station") == version - 1
            other.execute("UPDATE layers SET version = ? WHERE name = 'station'", (version,))
            if version % 5 == 0:
                other.execute(f"PRAGMA wal_checkpoint({('PASSIVE', 'RESTART', 'TRUNCATE')[version % 3]})")
            assert store.version("station") == version


def test_every_edit_that_another_process_acknowledged_is_seen_at_once(path):
    command = [sys.executable, "-m", "tests.store_writer", "add", str(path), "other", "elsewhere", "25"]
    with (
        closing(open_sqlite(path)) as store,
        subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as writer,
    ):
        for said, _ in enumerate(writer.stdout, start=1):
            assert store.version("station") >= 1 + said
        assert writer.wait() == 0
        assert store.version("station") == 26


def test_a_store_that_is_closed_while_others_look_at_it_refuses(path):
    store = open_sqlite(path)
    begun = threading.Barrier(5)

    def look():
        begun.wait()
        while True:
            store.version("station")

    with ThreadPoolExecutor(4) as pool:
        lookers = [pool.submit(look) for _ in range(4)]
        begun.wait()
        store.close()
        assert all("the store was closed" in str(looker.exception()) for looker in lookers)


def test_after_a_fork_the_child_looks_by_itself(path):
    with closing(open_sqlite(path)) as store:
        assert store.version("station") == 1
        child = os.fork()
        if child == 0:
            is_right = store.version("station") == 1
            store.apply([change(A, name="新")], **DESK)
            os._exit(0 if is_right and store.version("station") == 2 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert store.version("station") == 2


# --- the file ------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    """A file with one station in it, closed."""
    path = tmp_path / "store.sqlite"
    store = open_sqlite(path, create=True)
    store.apply(add(A, WATER), **DESK)
    store.close()
    return path


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
    process = Home(str(path), "x").writer("add", "w", 200)
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


def run_mounted(mounting, mount, program, argument):
    """Run a Python program after mounting something that only it sees."""
    return subprocess.run(
        [*mounting, f"{mount}; exec {sys.executable} - {argument}"],
        cwd=CHECKOUT,
        input=program,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )


OPEN_A_STORE = """
import sys
from pathlib import Path
from geo_service.store.sqlite import open_sqlite
open_sqlite(Path(sys.argv[1]))
"""


def test_a_mount_that_is_read_only_is_refused_and_nothing_is_written(mounting, path):
    mount = f"mount --bind {path.parent} {path.parent}; mount -o remount,ro,bind {path.parent}"
    before = files(path.parent)
    done = run_mounted(mounting, mount, OPEN_A_STORE, path)
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


def test_a_full_disk_changes_nothing_and_heals(mounting, tmp_path):
    mount = f"mount -t tmpfs -o size=1m tmpfs {tmp_path}; head -c 400000 /dev/zero > {tmp_path}/ballast"
    done = run_mounted(mounting, mount, FILL_THE_DISK, tmp_path)
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
    folder = pathlib.Path(sqlite.__file__).parent / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.suffix == ".sql")
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
