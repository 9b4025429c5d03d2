"""The command line looks back and brings back: history, undo, states, backups; interrupted, all is as it was."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from geo_service.districts import DistrictConfig, open_district, read_config, write_config
from geo_service.districts.stores import open_district_store, restore_backup
from geo_service.districts.working_copy import layer_path, sync_layer, write_working_copy
from geo_service.layers import dump_layer
from tests.stores import AT, CHECKOUT, DESK, WATER, A, B, add, change, new_district
from tests.test_cli import refused, tree_of


@pytest.fixture
def directory(tmp_path):
    """A district of a few places and no streets: change 1 adds three, change 2 gives A four seats."""
    directory = tmp_path / "d"
    directory.mkdir()
    config = DistrictConfig(new_district(), "区", "district", (116.4, 39.9, 116.5, 40.0), (116.45, 39.95))
    write_config(config, directory / "district.toml", on=date(2026, 11, 21))
    with closing(open_district_store(directory, config, create=True)) as store:
        store.apply(add(A, B, WATER), **DESK)
        store.apply([change(A, seats=4)], **DESK)
        for layer in ("station", "water"):
            write_working_copy(directory, store, layer)
    return directory


def opened(directory):
    return closing(open_district_store(directory, read_config(directory / "district.toml")))


def edit(directory, *edits):
    with opened(directory) as store:
        applied = store.apply(list(edits), **DESK)
        write_working_copy(directory, store, "station")
    return applied.change_id


def seats(directory):
    with opened(directory) as store:
        return {place.id: place.seats for place in store.layer("station").features}


def answer_of(result):
    code, out, err = result
    assert code == 0, err
    return json.loads(out)


# -- history ------------------------------------------------------------------------------------------


def test_history_tells_whole_changes_newest_first_with_both_values(run, directory):
    told = answer_of(run("history", directory, "--json"))
    assert [one["change"] for one in told] == [2, 1]
    (part,) = told[0]["features"]
    assert (part["did"], part["layer"], part["id"], part["version"]) == ("changed", "station", "st-a", 2)
    assert part["fields"] == [{"field": "seats", "before": "", "after": "4"}]
    assert [p["did"] for p in told[1]["features"]] == ["added"] * 3
    assert told[0]["at"] == AT.isoformat(timespec="seconds")
    assert (told[0]["actor"], told[0]["role"], told[0]["source"]) == ("li", "desk", "page")


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (["--limit", 1], [2]),
        (["--before", 2], [1]),
        (["--layer", "water"], [1]),
        (["--id", "st-a"], [2, 1]),
        (["--id", "st-b"], [1]),
        (["--change", 1], [1]),
    ],
)
def test_history_is_narrowed(run, directory, options, changes):
    assert [one["change"] for one in answer_of(run("history", directory, *options, "--json"))] == changes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--layer", "nope"], ["nope", "station"]),
        (["--id", "st-x"], ["st-x"]),
        (["--change", 9], ["9"]),
        (["--limit", 0], ["--limit"]),
    ],
)
def test_history_of_what_is_not_there_is_refused(run, directory, options, words):
    refused(run("history", directory, *options), *words)


def test_history_for_a_person_names_the_first_of_many(run, directory):
    edit(directory, *add(*(replace(A, id=f"st-{n:03d}", name=f"驿站{n}") for n in range(30))))
    out = run("history", directory, "--limit", 1)[1]
    assert "added   station/st-000 驿站0" in out
    assert "and 20 more: --change 3" in out
    assert "st-029" in run("history", directory, "--change", 3)[1]


# -- undo and states ----------------------------------------------------------------------------------


def test_undo_takes_a_change_back_as_one_more_and_the_file_follows(run, directory):
    answer = answer_of(run("undo", directory, 2, "--json"))
    assert answer == {"change": 3, "features": {"station": 1}, "waiting_for_sync": []}
    assert seats(directory)["st-a"] is None
    assert "seats" not in layer_path(directory, "station").read_text("utf-8")


def test_undo_of_what_changed_again_is_refused_by_the_facts_and_names_it(run, directory):
    edit(directory, change(replace(A, seats=4), seats=6))
    before = tree_of(directory)
    code, out, err = run("undo", directory, 2)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "change 2 cannot be undone: station/st-a" in err
    assert tree_of(directory) == before


def test_undo_of_no_change_is_refused(run, directory):
    refused(run("undo", directory, 99), "99")
    refused(run("undo", directory, "two"), "two")


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--change", 1], {"st-a": None, "st-b": None}),
        (["--layer", "station", "--version", 1], {"st-a": None, "st-b": None}),
        (["--layer", "station", "--id", "st-a", "--version", 1], {"st-a": None, "st-b": 9}),
        (["--change", 0], {}),
    ],
)
def test_a_state_comes_back(run, directory, options, left):
    edit(directory, change(B, seats=9))
    answer = answer_of(run("restore", directory, *options, "--json"))
    assert answer["change"] == 4
    assert seats(directory) == left
    with opened(directory) as store:
        assert layer_path(directory, "station").read_bytes() == dump_layer(store.layer("station"))


def test_a_state_that_holds_already_changes_nothing(run, directory):
    assert answer_of(run("restore", directory, "--change", 2, "--json"))["change"] is None


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--layer", "station"],
        ["--version", 1],
        ["--id", "st-a", "--version", 1],
        ["--change", 1, "--layer", "station", "--version", 1],
        ["x.sqlite", "--change", 1],
        ["x.sqlite", "--id", "st-a"],
    ],
)
def test_restore_wants_exactly_one_thing_to_bring_back(run, directory, options):
    refused(run("restore", directory, *options), "FILE", "--change N")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--layer", "station", "--version", 9], ["9", "0..2"]),
        (["--layer", "nope", "--version", 1], ["nope"]),
        (["--change", 9], ["9"]),
        (["--layer", "station", "--id", "st-x", "--version", 1], ["st-x"]),
    ],
)
def test_a_state_that_never_was_is_refused_and_changes_nothing(run, directory, options, words):
    before = tree_of(directory)
    refused(run("restore", directory, *options), *words)
    assert tree_of(directory) == before


def test_a_file_changed_by_hand_is_not_overwritten_and_the_answer_says_so(run, directory):
    path = layer_path(directory, "station")
    path.write_text(path.read_text("utf-8").replace("香新驿站", "手改驿站", 1), encoding="utf-8")
    answer = answer_of(run("undo", directory, 2, "--json"))
    assert answer["waiting_for_sync"] == ["station"]
    assert "手改驿站" in path.read_text("utf-8")


# -- backups ------------------------------------------------------------------------------------------


def test_a_backup_comes_back_with_history_and_files_and_the_old_store_is_kept(run, directory, tmp_path):
    file = tmp_path / "one.sqlite"
    made = answer_of(run("backup", directory, "-o", file, "--json"))
    assert made == {"file": str(file), "bytes": file.stat().st_size, "layers": {"station": 2, "water": 1}}
    kept = file.read_bytes()
    edit(directory, change(B, seats=9), *add(replace(B, id="st-new")))
    answer = answer_of(run("restore", directory, file, "--json"))
    assert answer["rows"]["changes"] == 2
    assert answer["waiting_for_sync"] == []
    assert seats(directory) == {"st-a": 4, "st-b": None}
    with opened(directory) as store:
        assert layer_path(directory, "station").read_bytes() == dump_layer(store.layer("station"))
        assert store.check() == ()
    assert file.read_bytes() == kept
    assert (directory / "store.sqlite.old-1").is_file()


def test_a_backup_replaces_an_older_one_and_nothing_else(run, directory, tmp_path):
    file = tmp_path / "one.sqlite"
    for _ in range(2):
        assert run("backup", directory, "-o", file)[0] == 0
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8 no database")
    refused(run("backup", directory, "-o", photo), "photo.jpg", "no backup")
    assert photo.read_bytes() == b"\xff\xd8 no database"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "one.sqlite", "photo.jpg"]


@pytest.mark.parametrize("place", ["d/in.sqlite", "nowhere/x.sqlite", "d", ""])
def test_a_backup_is_written_outside_into_a_folder_that_is_there(run, directory, tmp_path, place):
    before = tree_of(tmp_path)
    refused(run("backup", directory, "-o", tmp_path / place))
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize("fault", ["missing", "text", "cut", "flipped", "other program"])
def test_what_is_no_whole_backup_is_refused_and_changes_nothing(run, directory, tmp_path, fault):
    file = tmp_path / "one.sqlite"
    assert run("backup", directory, "-o", file)[0] == 0
    data = bytearray(file.read_bytes())
    if fault == "missing":
        file.unlink()
    elif fault == "text":
        file.write_text("no database at all\n" * 100)
    elif fault == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif fault == "flipped":
        at = data.find(b'"seats":4')
        data[at + 8] ^= 1
        file.write_bytes(data)
    else:
        data[68:72] = b"abcd"
        file.write_bytes(data)
    before = tree_of(directory)
    refused(run("restore", directory, file), "one.sqlite")
    assert tree_of(directory) == before
    assert not list(directory.glob(".restore-*"))


def test_the_backup_of_another_district_is_refused(run, directory, tmp_path):
    file, other = tmp_path / "one.sqlite", tmp_path / "other"
    assert run("backup", directory, "-o", file)[0] == 0
    other.mkdir()
    config = DistrictConfig(new_district(), "区", "d", (112.5, 37.8, 112.6, 37.9), (112.55, 37.85))
    write_config(config, other / "district.toml", on=date(2026, 11, 21))
    with closing(open_district_store(other, config, create=True)):
        refused(run("restore", other, file), "none of its 3 places lies in", "another district")


def test_a_restore_under_a_running_server_is_refused_and_changes_nothing(run, directory, tmp_path):
    file = tmp_path / "one.sqlite"
    assert run("backup", directory, "-o", file)[0] == 0
    with closing(open_district(directory)) as running:
        running.store.layers()
        code, out, err = run("restore", directory, file)
        assert (code, out) == (1, "")
        assert "open in another process" in err
        running.store.apply([change(B, seats=9)], **DESK)
    assert seats(directory) == {"st-a": 4, "st-b": 9}
    assert not list(directory.glob("store.sqlite.*"))


def test_a_damaged_store_is_replaced_by_its_backup(run, directory, tmp_path):
    file = tmp_path / "one.sqlite"
    assert run("backup", directory, "-o", file)[0] == 0
    (directory / "store.sqlite").write_bytes(b"struck by lightning" * 500)
    assert run("restore", directory, file)[0] == 0
    assert seats(directory) == {"st-a": 4, "st-b": None}
    assert (directory / "store.sqlite.old-1").read_bytes().startswith(b"struck")


def test_after_a_restore_that_was_killed_before_the_files_followed_sync_writes_them_and_takes_nothing(
    run, directory, tmp_path, monkeypatch
):
    file = tmp_path / "one.sqlite"
    assert run("backup", directory, "-o", file)[0] == 0
    edit(directory, change(B, seats=9))

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("geo_service.districts.stores.write_working_copy", stop)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(directory, file)
    assert '"seats": 9' in layer_path(directory, "station").read_text("utf-8")
    with opened(directory) as store:
        synced = sync_layer(directory, store, "station", actor="li", at=AT)
    assert (synced.edits, synced.is_rewritten) == ((), True)
    assert '"seats": 9' not in layer_path(directory, "station").read_text("utf-8")


RESTORE = "import sys; from pathlib import Path; from geo_service.districts.stores import restore_backup; \
print('go', flush=True); restore_backup(Path(sys.argv[1]), Path(sys.argv[2]))"


@pytest.mark.slow
def test_a_restore_killed_at_any_moment_leaves_the_old_store_or_the_new(directory, tmp_path, run):
    file, rng, seen = tmp_path / "one.sqlite", random.Random(5), set()
    edit(directory, *add(*(replace(A, id=f"st-{n:04d}") for n in range(2000))))
    assert run("backup", directory, "-o", file)[0] == 0
    edit(directory, change(B, seats=9))
    whole = tmp_path / "whole"
    shutil.copytree(directory, whole)
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", RESTORE, directory, file], check=True, cwd=CHECKOUT)
    longest_s = time.monotonic() - started
    for _ in range(10):
        shutil.rmtree(directory)
        shutil.copytree(whole, directory)
        with subprocess.Popen(
            [sys.executable, "-c", RESTORE, directory, file], stdout=subprocess.PIPE, cwd=CHECKOUT
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.random() * longest_s * 0.7)
            os.kill(process.pid, signal.SIGKILL)
        with opened(directory) as store:
            assert store.check() == ()
            found = {place.id: place for place in store.layer("station").features}
            assert len(found) == 2002
            seen.add(found["st-b"].seats)
            sync_layer(directory, store, "station", actor="li", at=AT)
            assert {place.id: place for place in store.layer("station").features} == found
            assert layer_path(directory, "station").read_bytes() == dump_layer(store.layer("station"))
        assert run("restore", directory, file)[0] == 0
        assert seats(directory)["st-b"] is None
    assert seen == {None, 9}
