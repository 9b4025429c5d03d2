"""Where a district keeps its store: moved there and back, and brought back from a backup."""

from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from geo_service.districts import DistrictConfig, open_district, read_config, write_config
from geo_service.districts.config import name_store
from geo_service.districts.stores import move_store, open_district_store, restore_backup
from geo_service.errors import BadDataError, InvalidInputError, StoreMovedError, UnavailableError
from geo_service.settings import Settings
from geo_service.web import create_app
from tests.cluster import Cluster, find_binaries
from tests.stores import DESK, WATER, A, B, add, change, new_district


@pytest.fixture
def directory(tmp_path):
    """A district of a few places and no streets."""
    directory = tmp_path / "d"
    directory.mkdir()
    config = DistrictConfig(new_district(), "区", "district", (116.4, 39.9, 116.5, 40.0), (116.45, 39.95))
    write_config(config, directory / "district.toml", on=date(2026, 11, 21))
    with closing(open_district_store(directory, config, create=True)) as store:
        store.apply(add(A, B, WATER), **DESK)
        store.apply([change(A, seats=4)], **DESK)
    return directory


def opened(directory):
    return closing(open_district_store(directory, read_config(directory / "district.toml")))


def history(directory):
    with opened(directory) as store:
        return store.history()


@pytest.mark.slow
def test_a_district_moves_to_a_database_and_back_with_all_its_history(directory, cluster):
    before = history(directory)
    for place in (cluster.url, "sqlite"):
        counts = move_store(directory, place)
        assert (counts["history"], history(directory)) == (4, before)
        with opened(directory) as store:
            assert store.check() == ()
    assert sorted(file.name for file in directory.glob("store.sqlite*")) == [
        "store.sqlite",
        "store.sqlite.old-1",
    ]
    with opened(directory) as store:
        assert store.apply(add(replace(A, id="st-z")), **DESK).change_id == 3


@pytest.mark.slow
def test_a_server_that_runs_while_its_store_moves_writes_nothing_to_the_old_place(directory, cluster):
    with opened(directory) as running:
        move_store(directory, cluster.url)
        with pytest.raises(StoreMovedError, match="was moved to postgresql://postgres@"):
            running.apply(add(replace(A, id="late")), **DESK)


@pytest.mark.slow
def test_a_move_that_broke_off_before_its_last_step_is_ended_by_saying_it_again(
    directory, cluster, monkeypatch
):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("geo_service.districts.stores.name_store", stop)
        with pytest.raises(KeyboardInterrupt):
            move_store(directory, cluster.url)
    assert move_store(directory, cluster.url) == {}
    assert len(history(directory)) == 4


@pytest.mark.slow
def test_a_store_that_is_there_already_is_not_moved(directory, cluster):
    move_store(directory, cluster.url)
    for place in (cluster.url, "sqlite"):
        if place == "sqlite":
            move_store(directory, place)
        with pytest.raises(InvalidInputError, match="is there already"):
            move_store(directory, place)


def test_a_server_that_does_not_answer_leaves_the_store_where_it_is(directory):
    with pytest.raises(UnavailableError):
        move_store(directory, "postgresql://geo@127.0.0.1:1/geo")
    with opened(directory) as store:
        store.apply(add(replace(A, id="st-z")), **DESK)


@pytest.mark.slow
@pytest.mark.parametrize("is_moved", [False, True])
def test_a_backup_is_brought_back_and_the_store_it_replaces_is_kept(directory, cluster, tmp_path, is_moved):
    if is_moved:
        move_store(directory, cluster.url)
    with opened(directory) as store:
        store.backup(tmp_path / "backup.sqlite")
        store.apply([change(replace(A, seats=4), seats=9), *add(replace(B, id="st-z"))], **DESK)
    written = (tmp_path / "backup.sqlite").read_bytes()
    restore_backup(directory, tmp_path / "backup.sqlite")
    with opened(directory) as store:
        assert store.layer("station").features == (replace(A, seats=4), B)
        assert store.check() == ()
    assert '"seats": 4' in (directory / "layers" / "station.geojson").read_text(encoding="utf-8")
    assert (tmp_path / "backup.sqlite").read_bytes() == written
    if not is_moved:
        assert (directory / "store.sqlite.old-1").exists()


@pytest.mark.slow
@pytest.mark.parametrize("is_moved", [False, True])
def test_a_restore_that_breaks_off_leaves_the_old_store(directory, cluster, tmp_path, is_moved):
    if is_moved:
        move_store(directory, cluster.url)
    with opened(directory) as store:
        store.backup(tmp_path / "backup.sqlite")
        store.apply(add(replace(B, id="st-z")), **DESK)

    def stop(*_):
        raise KeyboardInterrupt

    before = history(directory)
    with pytest.raises(KeyboardInterrupt):
        restore_backup(directory, tmp_path / "backup.sqlite", stop)
    assert history(directory) == before
    assert [file.name for file in directory.glob(".restore-*")] == []


@pytest.mark.slow
def test_pages_say_503_while_the_database_is_down_and_serve_by_themselves_when_it_is_back(
    own_district, cluster
):
    server = Cluster(find_binaries())
    try:
        move_store(own_district, server.url)
        with closing(open_district(own_district)) as district:
            client = create_app({district.id: district}, Settings()).test_client()
            pages = (f"/{district.id}/", f"/api/v1/districts/{district.id}/places?layer=station")
            whole = [client.get(page).data for page in pages]
            server.kill()
            for page in pages:
                answer = client.get(page)
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            server.start()
            assert [client.get(page).status_code for page in pages] == [200, 200]
            assert client.get(pages[1]).data == whole[1]
    finally:
        server.remove()


def test_what_is_no_backup_is_refused_and_changes_nothing(directory, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"no database at all" * 100)
    before = history(directory)
    for name in ("photo.jpg", "none.sqlite"):
        with pytest.raises((BadDataError, InvalidInputError)):
            restore_backup(directory, tmp_path / name)
    assert history(directory) == before


def test_naming_the_store_leaves_all_else_as_somebody_wrote_it(tmp_path):
    path = tmp_path / "district.toml"
    config = DistrictConfig(
        "a-1", "区", "d", (116.4, 39.9, 116.5, 40.0), (116.45, 39.95), source={"kind": "demo"}
    )
    write_config(config, path, on=date(2026, 11, 21))
    text = path.read_text(encoding="utf-8").replace("# Approval", "# 手写的注\n# Approval")
    path.write_text(text, encoding="utf-8")
    name_store(path, "postgresql://geo@db/geo")
    name_store(path, "postgresql://geo@other/geo")
    assert read_config(path) == replace(config, store="postgresql://geo@other/geo")
    assert "# 手写的注" in path.read_text(encoding="utf-8")
    name_store(path, "")
    assert read_config(path) == config


def test_a_store_that_is_no_url_is_refused_and_not_repeated(tmp_path):
    path = tmp_path / "district.toml"
    config = DistrictConfig("a-1", "区", "d", (116.4, 39.9, 116.5, 40.0), (116.45, 39.95), store="CANARY")
    write_config(config, path, on=date(2026, 11, 21))
    with pytest.raises(BadDataError, match="store is not a URL") as caught:
        read_config(path)
    assert "CANARY" not in caught.value.message + repr(config)
