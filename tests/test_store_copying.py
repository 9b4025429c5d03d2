"""Moving between SQLite and PostGIS loses nothing, and a copy is a store of its own."""

import itertools
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_service.errors import BadDataError, InvalidInputError
from geo_service.layers import Area, dump_layer
from geo_service.store import copying
from geo_service.store.accounts import Account, Session
from geo_service.store.copying import TABLES, copy_store
from geo_service.store.opening import is_url, open_store
from geo_service.store.sqlite import open_sqlite
from tests import drawn_places as drawn
from tests.stores import DESK, WATER, A, B, Home, add, change, new_district, remove

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RING = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0))
BLOCK = Area("b-1", "block", "街区", {"type": "Polygon", "coordinates": (RING,)})
PAIRS = [
    pytest.param(pair, marks=() if pair == ("sqlite", "sqlite") else pytest.mark.slow, id="-".join(pair))
    for pair in itertools.product(("sqlite", "postgis"), repeat=2)
]


def home_for(kind, request, tmp_path, name):
    if kind == "sqlite":
        return Home(str(tmp_path / f"{name}.sqlite"), "main")
    return Home(request.getfixturevalue("cluster").url, new_district())


@pytest.fixture
def homes(request, tmp_path):
    """Two places for stores, of the kinds the test asks for."""
    return tuple(
        home_for(kind, request, tmp_path, name) for kind, name in zip(request.param, "ab", strict=True)
    )


both = pytest.mark.parametrize("homes", PAIRS, indirect=True)


def fill(store):
    """Some of everything a store can hold."""
    store.apply(add(A, B, WATER, BLOCK), **DESK)
    store.apply([change(A, seats=4), remove(B)], **(DESK | {"actor": "wang"}))
    store.apply([], snapshots=[replace(A, seats=9)], **(DESK | {"role": "osm"}))
    store.apply([change(WATER, status="removed", status_reason="拆除")], **DESK)
    store.put_account(Account("li", "hash", "editor", NOW, layers=("station",), must_change_password=True))
    store.put_session(Session("ab" * 32, "li", NOW, NOW, NOW + timedelta(days=1)))
    store.put_note("mapping", {"名称": "name"})


def told(store):
    """All that a store can tell."""
    names = [info.name for info in store.layers()]
    return {
        "layers": store.layers(),
        "now": {name: dump_layer(store.layer(name)) for name in names},
        "then": [store.layer_at(info.name, v) for info in store.layers() for v in range(info.version + 1)],
        "history": store.history(),
        "said": {name: store.last_by_role(name, "osm") for name in names},
        "people": (store.accounts(), store.session("ab" * 32)),
        "notes": store.notes(),
        "check": store.check(),
    }


@both
def test_a_copy_tells_all_that_its_source_tells(homes):
    with closing(homes[0].open(create=True)) as source, closing(homes[1].open(create=True)) as target:
        fill(source)
        counts = copy_store(source, target)
        assert told(target) == told(source)
        assert told(target)["check"] == ()
    assert counts == {
        "layers": 3, "changes": 4, "features": 4, "history": 7, "snapshots": 1,
        "accounts": 1, "sessions": 1, "notes": 1,
    }  # fmt: skip


@both
def test_a_copy_is_edited_on_and_never_gives_a_number_twice(homes):
    with closing(homes[0].open(create=True)) as source, closing(homes[1].open(create=True)) as target:
        fill(source)
        copy_store(source, target)
        assert target.apply([change(replace(A, seats=4), seats=5)], **DESK).change_id == 5
        target.apply(add(replace(A, id="st-z")), **DESK)
        assert target.check() == ()


@both
def test_a_store_that_holds_anything_is_not_copied_over(homes):
    with closing(homes[0].open(create=True)) as source, closing(homes[1].open(create=True)) as target:
        fill(source)
        target.put_note("kept", 1)
        with pytest.raises(InvalidInputError, match="is not empty: it holds notes"):
            copy_store(source, target)
        assert (target.layers(), target.notes()) == ((), {"kept": 1})


@both
def test_a_store_that_moved_takes_no_edit_any_more_and_says_where_it_went(homes):
    with closing(homes[0].open(create=True)) as source, closing(homes[1].open(create=True)) as target:
        fill(source)
        copy_store(source, target, is_move=True)
        for late in (
            lambda: source.apply(add(replace(A, id="late")), **DESK),
            lambda: source.put_note("late", 1),
        ):
            with pytest.raises(BadDataError, match="was moved to"):
                late()
        assert source.features(["st-a"]) == target.features(["st-a"])
        assert told(source)["check"] == ()
        target.apply(add(replace(A, id="late")), **DESK)


@both
def test_a_copy_that_breaks_off_leaves_nothing(homes, monkeypatch):
    monkeypatch.setattr(copying, "_ROWS_AT_ONCE", 1)

    def stop(table, done, total):
        if table == "history":
            raise KeyboardInterrupt

    with closing(homes[0].open(create=True)) as source, closing(homes[1].open(create=True)) as target:
        fill(source)
        with pytest.raises(KeyboardInterrupt):
            copy_store(source, target, stop, is_move=True)
        assert (target.layers(), target.history(), target.accounts()) == ((), (), ())
        source.apply(add(replace(A, id="late")), **DESK)
        copy_store(source, target)
        assert told(target) == told(source)


def test_progress_hears_of_every_table_to_its_end(tmp_path):
    heard = []
    with (
        closing(open_sqlite(tmp_path / "a.sqlite", create=True)) as source,
        closing(open_sqlite(tmp_path / "b.sqlite", create=True)) as target,
    ):
        source.apply(add(*(replace(A, id=f"st-{n}") for n in range(2_500))), **DESK)
        copy_store(source, target, lambda *words: heard.append(words))
    assert [words for words in heard if words[0] == "features"] == [
        ("features", done, 2_500) for done in (1_000, 2_000, 2_500)
    ]


def test_every_table_with_its_columns_is_copied(tmp_path):
    with closing(open_sqlite(tmp_path / "a.sqlite", create=True)) as store, store.reading() as link:
        tables = {name for (name,) in link.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert tables - {"sqlite_sequence"} == {name for name, _, _ in TABLES}
        for name, columns, _ in TABLES:
            rows = link.rows(f"SELECT name FROM pragma_table_info('{name}')")
            assert {column for (column,) in rows} == set(columns)


def test_a_backup_of_either_store_is_a_file_that_opens_by_itself(home, store, tmp_path):
    fill(store)
    store.backup(tmp_path / "backup.sqlite")
    with closing(open_sqlite(tmp_path / "backup.sqlite")) as copy:
        assert told(copy) == told(store)
    assert sorted(file.name for file in tmp_path.glob("backup*")) == ["backup.sqlite"]


def test_a_backup_while_others_write_is_one_state(home, store, tmp_path):
    process = home.writer("add", "w", 200)
    process.stdout.readline()
    store.backup(tmp_path / "copy.sqlite")
    process.communicate(timeout=120)
    with closing(open_sqlite(tmp_path / "copy.sqlite")) as copy:
        assert copy.check() == ()
        held = copy.layer("station")
        assert dump_layer(held) == dump_layer(store.layer_at("station", held.version))


@pytest.mark.slow
@given(st.lists(drawn.versions_of_one_place(), min_size=1, max_size=2, unique_by=lambda one: one[0].layer))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_features_survive_the_way_there_and_back(cluster, tmp_path_factory, versions):
    folder = tmp_path_factory.mktemp("there")
    stores = (
        open_sqlite(folder / "a.sqlite", create=True),
        open_store(cluster.url, district=new_district(), create=True),
        open_sqlite(folder / "b.sqlite", create=True),
    )
    for states in versions:
        for before, after in zip((None, *states), states, strict=False):
            edit = add(after) if before is None else [change(before, **vars(after))]
            stores[0].apply(edit, **DESK)
    copy_store(stores[0], stores[1])
    copy_store(stores[1], stores[2])
    assert told(stores[0]) == told(stores[1]) == told(stores[2])
    for store in stores:
        store.close()


def test_a_url_is_told_from_a_path(tmp_path):
    assert not is_url(tmp_path / "x")
    with pytest.raises(InvalidInputError, match="does not start with postgresql://"):
        open_store("mysql://root:secret@db/x")


def test_without_psycopg_a_url_is_answered_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for name in ("geo_service.store.postgis", "geo_service.store.pool"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(InvalidInputError, match=r"install geo-service\[postgis\]"):
        open_store("postgresql://geo@db/geo", district="x")
