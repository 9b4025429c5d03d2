"""The layers as files: what is changed in them by hand, by a GIS or by another desk finds its way into the store."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from geo_service.districts.working_copy import (
    SIDES,
    is_changed_by_hand,
    layer_path,
    sync_layer,
    write_working_copy,
)
from geo_service.errors import InvalidInputError
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit, Place, Provenance, dump_layer
from geo_service.store.sqlite import open_sqlite

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture
def folder(tmp_path):
    """A folder with a store of three stations and their working copy."""
    store = open_sqlite(tmp_path / "store.sqlite", create=True)
    places = [
        Place(
            f"s{n}",
            "station",
            116.44 + n / 1000,
            39.95,
            f"驿站{n}",
            ebike_parking=n == 1,
            provenance=Provenance("desk"),
        )
        for n in (1, 2, 3)
    ]
    store.apply(
        [Edit("station", p.id, None, None, p) for p in places], actor="t", role="desk", source="t", at=NOON
    )
    write_working_copy(tmp_path, store, "station")
    yield tmp_path, store
    store.close()


def edit_store(store, place_id, **fields):
    (place,) = store.features([place_id])
    edit = Edit("station", place_id, None, place, replace(place, **fields))
    store.apply([edit], actor="clerk", role="editor", source="desk", at=NOON + timedelta(hours=1))


def edit_file(directory, change):
    path = layer_path(directory, "station")
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document["features"])
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def set_property(place_id, **values):
    def change(features):
        next(f for f in features if f["id"] == place_id)["properties"].update(values)

    return change


def sync(directory, store, **options):
    return sync_layer(directory, store, "station", actor="test", at=NOON + timedelta(hours=2), **options)


def agree(directory, store):
    return layer_path(directory, "station").read_bytes() == dump_layer(store.layer("station"))


def test_a_change_of_the_file_goes_into_the_store_and_its_history(folder):
    directory, store = folder
    edit_file(directory, set_property("s2", phone="010-64000000"))
    assert is_changed_by_hand(directory, store, "station")
    synced = sync(directory, store)
    assert [edit.id for edit in synced.edits] == ["s2"]
    assert store.features(["s2"])[0].phone == "010-64000000"
    assert (store.history(limit=1)[0].actor, store.history(limit=1)[0].role) == ("test", "file")
    assert agree(directory, store)


def test_changes_of_different_fields_on_both_sides_both_survive(folder):
    directory, store = folder
    edit_file(directory, set_property("s2", phone="010-64000000"))
    edit_store(store, "s2", hours="24/7")
    assert not write_working_copy(directory, store, "station")
    assert sync(directory, store).clashes == ()
    (place,) = store.features(["s2"])
    assert (place.phone, place.hours) == ("010-64000000", "24/7")
    assert agree(directory, store)


def test_a_field_changed_on_both_sides_is_named_and_nothing_is_changed(folder):
    directory, store = folder
    edit_file(directory, set_property("s2", phone="111"))
    edit_store(store, "s2", phone="222")
    before = layer_path(directory, "station").read_bytes()
    (clash,) = sync(directory, store).clashes
    assert (clash.feature_id, clash.field, clash.in_store, clash.in_file) == ("s2", "phone", "222", "111")
    assert layer_path(directory, "station").read_bytes() == before
    assert store.features(["s2"])[0].phone == "222"


@pytest.mark.parametrize(("side", "phone"), [("file", "111"), ("store", "222")])
def test_the_preferred_side_wins_and_the_other_value_stays_in_the_history(folder, side, phone):
    directory, store = folder
    edit_file(directory, set_property("s2", phone="111", address="门口"))
    edit_store(store, "s2", phone="222")
    sync(directory, store, prefer=side)
    assert (store.features(["s2"])[0].phone, store.features(["s2"])[0].address) == (phone, "门口")
    assert agree(directory, store)


def test_a_feature_taken_out_of_the_file_is_removed_softly(folder):
    directory, store = folder
    edit_file(directory, lambda features: features.pop(1))
    sync(directory, store)
    assert [feature.id for feature in store.layer("station").features] == ["s1", "s3"]
    assert store.history("station", "s2")[0].before.name == "驿站2"


@pytest.mark.parametrize("side", SIDES)
def test_taking_out_what_the_store_changed_is_a_clash(folder, side):
    directory, store = folder
    edit_file(directory, lambda features: features.pop(1))
    edit_store(store, "s2", phone="222")
    assert [clash.field for clash in sync(directory, store).clashes] == ["removed"]
    sync(directory, store, prefer=side)
    assert ("s2" in [feature.id for feature in store.layer("station").features]) == (side == "store")
    assert agree(directory, store)


@pytest.mark.parametrize("side", SIDES)
def test_changing_what_the_store_took_away_is_a_clash(folder, side):
    directory, store = folder
    (place,) = store.features(["s2"])
    store.apply([Edit("station", "s2", None, place, None)], actor="t", role="desk", source="t", at=NOON)
    edit_file(directory, set_property("s2", phone="111"))
    assert [clash.field for clash in sync(directory, store).clashes] == ["removed"]
    sync(directory, store, prefer=side)
    assert ("s2" in [feature.id for feature in store.layer("station").features]) == (side == "file")
    assert agree(directory, store)


def test_a_feature_without_an_id_gets_one_that_stays(folder):
    directory, store = folder

    def add(features):
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [116.45, 39.951]},
                "properties": {"name": "新站"},
            }
        )

    edit_file(directory, add)
    (edit,) = sync(directory, store).edits
    assert edit.id.startswith("station-")
    assert sync(directory, store).edits == ()
    assert agree(directory, store)


def test_a_file_that_breaks_a_rule_is_refused_and_left_as_it_is(folder):
    directory, store = folder
    edit_file(directory, set_property("s2", hours="whenever"))
    before, version = layer_path(directory, "station").read_bytes(), store.layer("station").version
    with pytest.raises(InvalidInputError, match="whenever"):
        sync(directory, store)
    assert (layer_path(directory, "station").read_bytes(), store.layer("station").version) == (
        before,
        version,
    )


def test_looking_changes_nothing(folder):
    directory, store = folder
    edit_file(directory, set_property("s2", phone="111"))
    before, version = layer_path(directory, "station").read_bytes(), store.layer("station").version
    assert [edit.id for edit in sync(directory, store, is_dry_run=True).edits] == ["s2"]
    assert (layer_path(directory, "station").read_bytes(), store.layer("station").version) == (
        before,
        version,
    )


def test_a_file_that_lags_behind_or_is_gone_is_written_again(folder):
    directory, store = folder
    old = layer_path(directory, "station").read_bytes()
    edit_store(store, "s1", phone="111")
    for spoil in (lambda path: path.write_bytes(old), lambda path: path.unlink()):
        write_working_copy(directory, store, "station")
        spoil(layer_path(directory, "station"))
        assert not is_changed_by_hand(directory, store, "station")
        assert sync(directory, store).is_rewritten
        assert agree(directory, store)


@pytest.mark.parametrize("note", [None, b"{", b"[]", b'{"station": 3}'])
def test_a_lost_note_of_what_was_written_costs_nothing(folder, note):
    directory, store = folder
    path = directory / "layers" / ".written.json"
    path.unlink() if note is None else path.write_bytes(note)
    edit_store(store, "s1", phone="111")
    assert not is_changed_by_hand(directory, store, "station")
    assert sync(directory, store).edits == ()
    assert agree(directory, store)


@pytest.mark.skipif(not shutil.which("ogrinfo"), reason="ogrinfo is not installed: QGIS's edits not tested")
def test_an_edit_made_by_gdal_as_qgis_makes_it_changes_one_field_only(folder):
    directory, store = folder
    sql = "UPDATE station SET phone='010-1' WHERE name='驿站2'"
    path = layer_path(directory, "station")
    edit_store(store, "s3", phone="010-3")
    write_working_copy(directory, store, "station")
    subprocess.run(["ogrinfo", str(path), "-dialect", "SQLite", "-sql", sql], check=True, capture_output=True)
    synced = sync(directory, store)
    assert [(edit.id, edit.after.phone) for edit in synced.edits] == [("s2", "010-1")]
    assert store.features(["s1"])[0].ebike_parking is True


def test_desks_that_edit_at_once_never_set_the_file_back(folder):
    directory, store = folder

    def work(number):
        for turn in range(15):
            edit_store(store, f"s{number}", phone=f"010-{number}-{turn}")
            write_working_copy(directory, store, "station")

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert agree(directory, store)


KILLED = """
import sys, itertools
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from geo_service.districts.working_copy import sync_layer, write_working_copy, layer_path
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit
from geo_service.store.sqlite import open_sqlite
directory = Path(sys.argv[1])
store = open_sqlite(directory / "store.sqlite")
at = datetime(2026, 11, 18, 14, 0, tzinfo=SHANGHAI)
print("ready", flush=True)
for turn in itertools.count(int(sys.argv[2])):
    (place,) = store.features(["s1"])
    edit = Edit("station", "s1", None, place, replace(place, phone=f"010-{turn}"))
    store.apply([edit], actor="t", role="desk", source="t", at=at)
    print(turn, flush=True)
    write_working_copy(directory, store, "station")
"""


@pytest.mark.slow
def test_killed_at_any_moment_nothing_acknowledged_is_lost_and_both_sides_agree_again(folder):
    directory, store = folder
    random.seed(11)
    first = 0
    for _ in range(25):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(directory), str(first)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout.readline() == "ready\n"
        threading.Event().wait(random.uniform(0.0, 0.12))
        os.kill(child.pid, signal.SIGKILL)
        acknowledged = [int(line) for line in child.communicate()[0].split("\n")[:-1]]
        first = max(acknowledged, default=first - 1) + 1
        written = store.features(["s1"])[0].phone
        assert written is None or int(written.removeprefix("010-")) >= first - 1
        synced = sync(directory, store)
        assert (synced.edits, synced.clashes) == ((), ())
        assert agree(directory, store)
    assert store.check() == ()
