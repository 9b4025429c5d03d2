"""The pack over a district's life: true when asked for, built once, never half, whatever happens to its folder."""

import multiprocessing
import os
import re
import shutil
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import brotli
import pytest

from geo_service.desk.doubts import say_doubt, settle_doubts
from geo_service.districts import open_district
from geo_service.districts.checks import check_district
from geo_service.districts.packing import KEPT_S, Packing
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit
from geo_service.pack.files import PackedFile
from geo_service.settings import Settings
from geo_service.web import create_app
from tests.stores import files

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
FIRST = datetime(2026, 11, 15, 0, 0, tzinfo=SHANGHAI)
"""When the demo district of the tests was made."""


@pytest.fixture
def district(own_district):
    district = open_district(own_district)
    yield district
    district.close()


@pytest.fixture
def client(district):
    return create_app({district.id: district}, Settings(), clock=lambda: NOON).test_client()


def rename(district, name="改了名", at=NOON):
    """Edit one place of the layer of stations."""
    place = district.places("station").features[0]
    edit = Edit("station", place.id, None, place, replace(place, name=name))
    district.store.apply([edit], actor="a", role="desk", source="test", at=at)


def named(pack):
    """Files of a pack by what they are."""
    return {re.sub(r"-[0-9a-f]{16}\..*", "", name): name for name in pack.files}


def differing(one, other):
    return {kind for kind, name in named(one).items() if named(other).get(kind) != name}


# --- what changes it ----------------------------------------------------------------------------


def test_init_builds_the_pack_of_its_day(own_district, demo_directory):
    shutil.rmtree(own_district / "pack")
    shutil.copytree(demo_directory.parent / "first-pack", own_district / "pack")
    saved = files(own_district / "pack")
    with closing(open_district(own_district)) as district:
        assert district.pack.current(FIRST).day == "2026-11-15"
    assert files(own_district / "pack") == saved


def test_asked_again_it_is_the_same(district):
    assert district.pack.current(NOON) is district.pack.current(NOON + timedelta(hours=3))


def test_an_edit_changes_the_places_and_nothing_else(district):
    before = district.pack.current(NOON)
    rename(district)
    after = district.pack.current(NOON)
    assert differing(before, after) == {"places"}
    assert "改了名" in district.pack.read(named(after)["places"], NOON).body.decode()


def test_new_hours_change_places_and_hours(district):
    before = district.pack.current(NOON)
    place = district.places("station").features[0]
    edit = Edit("station", place.id, None, place, replace(place, hours="Mo-Fr 07:07-19:19"))
    district.store.apply([edit], actor="a", role="desk", source="test", at=NOON)
    assert differing(before, district.pack.current(NOON)) == {"places", "hours"}


def test_another_day_changes_the_hours_and_nothing_else(district):
    before = district.pack.current(NOON)
    after = district.pack.current(NOON + timedelta(days=1))
    assert differing(before, after) == {"hours"}
    assert after.said["day_s"] - before.said["day_s"] == 86_400


def test_the_day_begins_at_midnight_in_shanghai(district):
    at = datetime.fromisoformat("2026-11-18T15:59:59+00:00")
    assert district.pack.current(at).day == "2026-11-18"
    assert district.pack.current(at + timedelta(seconds=1)).day == "2026-11-19"


def test_one_day_and_one_state_give_one_pack(district, tmp_path):
    pack = district.pack.current(NOON)
    again = open_district(district.directory)
    elsewhere = Packing(
        district.directory, again.config, again.catalogue, again.store, again.routers, again.finder._ages
    )
    elsewhere._folder = tmp_path / "pack"
    assert elsewhere.current(NOON)[:3] == pack[:3]
    again.close()


def test_names_and_dates_in_the_settings_of_a_district_reach_the_index(district):
    text = (district.directory / "district.toml").read_text(encoding="utf-8")
    renamed = text.replace('name_en = "Xiangheyuan (demo district)"', 'name_en = "Another"')
    assert renamed != text
    district.pack.current(NOON)
    (district.directory / "district.toml").write_text(renamed, encoding="utf-8")
    other = open_district(district.directory)
    assert other.pack.current(NOON).said["name"]["en"] == "Another"
    other.close()


def test_another_history_of_the_same_length_is_told_apart_by_its_newest_change(district, tmp_path):
    """As after a backup was brought back and edited otherwise: the versions alone say nothing."""
    shutil.copytree(district.directory, tmp_path / "other")
    other = open_district(tmp_path / "other")
    rename(district, "此史")
    rename(other, "彼史", NOON + timedelta(minutes=1))
    one, two = district.pack.current(NOON), other.pack.current(NOON)
    assert one.versions == two.versions
    assert one.keys["places"] != two.keys["places"]
    other.close()


# --- several at once ----------------------------------------------------------------------------


def build_elsewhere(directory, gate, told):
    district = open_district(directory)
    gate.wait()
    pack = district.pack.current(NOON)
    told.put([district.pack.read(name, NOON) is not None for name in pack.files] + [pack.day])
    district.close()


def test_several_processes_that_build_at_once_all_serve_a_whole_pack(own_district):
    for path in (own_district / "pack").iterdir():
        path.unlink()
    context = multiprocessing.get_context("spawn")
    gate, told = context.Barrier(3), context.Queue()
    workers = [context.Process(target=build_elsewhere, args=(own_district, gate, told)) for _ in range(3)]
    for worker in workers:
        worker.start()
    answers = [told.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert answers == [[True] * 6 + ["2026-11-18"]] * 3
    assert not list((own_district / "pack").glob("*.part"))


def test_who_asks_while_another_builds_gets_the_pack_from_before(district):
    before = district.pack.current(NOON)
    rename(district)
    with district.pack._turn(is_waiting=True):  # as another process would hold it
        assert district.pack.current(NOON) is before
    assert differing(before, district.pack.current(NOON)) == {"places"}


def test_threads_that_ask_at_once_build_once(district, monkeypatch):
    district.pack.current(NOON)
    rename(district)
    made = []
    keep = Packing._keep

    def slowly(packing, file):
        made.append(file.name)
        time.sleep(0.2)
        keep(packing, file)

    monkeypatch.setattr(Packing, "_keep", slowly)
    threads = [threading.Thread(target=district.pack.current, args=(NOON,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    district.pack.current(NOON)
    assert len(made) == 1


def test_a_process_takes_over_what_another_built(district):
    other = open_district(district.directory)
    other.pack.current(NOON)
    rename(district)
    district.pack.current(NOON)
    saved = files(district.directory / "pack")
    assert other.pack.current(NOON).files == district.pack.current(NOON).files
    assert files(district.directory / "pack") == saved
    other.close()


def test_a_file_of_before_can_still_be_fetched_for_an_hour(district):
    old = named(district.pack.current(NOON))["places"]
    rename(district)
    district.pack.current(NOON)
    assert district.pack.read(old, NOON) is not None
    for path in (district.directory / "pack").glob(f"{old}*"):
        os.utime(path, (time.time() - KEPT_S - 60,) * 2)
    rename(district, "又改了")
    district.pack.current(NOON)
    assert district.pack.read(old, NOON) is None


# --- damage and want ----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".br", ".gz"])
def test_a_damaged_file_is_noticed_by_check_and_made_again(district, suffix):
    name = named(district.pack.current(FIRST))["places"]
    path = district.directory / "pack" / f"{name}{suffix}"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + b"damaged!!")
    found = [f for f in check_district(district, NOON) if f.subject == "pack"]
    assert [f.level for f in found] == ["warning"]
    assert name in found[0].message
    other = open_district(district.directory)
    assert other.pack.read(name, FIRST).body.startswith(b"{")
    assert path.read_bytes() == whole
    assert other.pack.check() == ()
    other.close()


def test_a_missing_file_is_made_again(district):
    name = named(district.pack.current(FIRST))["hours"]
    (district.directory / "pack" / name).unlink()
    assert district.pack.check() != ()
    assert isinstance(district.pack.read(name, FIRST), PackedFile)
    assert district.pack.check() == ()


def test_a_pack_that_cannot_be_read_is_built_anew(district):
    (district.directory / "pack" / "pack.json").write_text("{", encoding="utf-8")
    assert district.pack.check() == ("pack.json cannot be read",)
    assert len(district.pack.current(NOON).files) == 6
    assert district.pack.check() == ()


def test_a_whole_pack_is_no_finding(district):
    district.pack.current(NOON)
    assert [f for f in check_district(district, NOON) if f.subject == "pack"] == []


def cannot_write(monkeypatch, folder):
    """As in a folder of another user: root may write anywhere, so the refusal is planted where files are written."""
    for verb in ("write_bytes", "mkdir"):
        real = getattr(type(folder), verb)

        def refuse(path, *args, real=real, **words):
            if folder == path or folder in path.parents:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *args, **words)

        monkeypatch.setattr(type(folder), verb, refuse)


def test_where_nothing_can_be_written_what_changed_is_served_from_memory(district, monkeypatch):
    before = district.pack.current(FIRST)
    folder = district.directory / "pack"
    saved = files(folder)
    cannot_write(monkeypatch, folder)
    rename(district)
    after = district.pack.current(FIRST)
    assert differing(before, after) == {"places"}
    assert "改了名" in district.pack.read(named(after)["places"], FIRST).body.decode()
    assert district.pack.read(named(after)["network-walk"], FIRST) is not None
    assert files(folder) == saved


def test_without_a_folder_and_without_leave_to_make_one_all_is_served_from_memory(district, monkeypatch):
    folder = district.directory / "pack"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    cannot_write(monkeypatch, folder)
    pack = district.pack.current(NOON)
    assert all(district.pack.read(name, NOON) is not None for name in pack.files)
    assert not folder.exists()


# --- over HTTP ----------------------------------------------------------------------------------


def test_the_index_names_files_that_are_there(client):
    index = client.get("/xiangheyuan/pack/index.json").json
    found = [part["file"] for part in (*index["profiles"], index["places"], index["hours"], index["names"])]
    assert [client.get(f"/xiangheyuan/pack/{name}").status_code for name in found] == [200] * 5
    assert [layer["key"] for layer in index["layers"]][:2] == ["station", "merchant"]
    assert index["layers"][0]["count"] == 11
    assert index["synthetic"] is True


def test_the_index_is_asked_for_anew_and_answered_with_304(client):
    answer = client.get("/xiangheyuan/pack/index.json")
    assert answer.headers["Cache-Control"] == "no-cache"
    again = {"If-None-Match": answer.headers["ETag"]}
    assert client.get("/xiangheyuan/pack/index.json", headers=again).status_code == 304


def test_an_edit_gives_the_index_another_etag(client, district):
    before = client.get("/xiangheyuan/pack/index.json")
    rename(district)
    after = client.get("/xiangheyuan/pack/index.json")
    assert before.headers["ETag"] != after.headers["ETag"]
    assert before.json["places"] != after.json["places"]
    assert before.json["names"] == after.json["names"]


def test_files_may_be_kept_for_ever(client, district):
    name = named(district.pack.current(NOON))["network-ebike"]
    answer = client.get(f"/xiangheyuan/pack/{name}")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"/xiangheyuan/pack/{name}", headers=again).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("br, gzip", "br"),
        ("gzip", "gzip"),
        ("identity", None),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br;q=0", None),
    ],
)
def test_files_go_out_as_the_browser_reads_them(client, district, accepted, sent):
    name = named(district.pack.current(NOON))["places"]
    answer = client.get(f"/xiangheyuan/pack/{name}", headers={"Accept-Encoding": accepted})
    file = district.pack.read(name, NOON)
    assert answer.headers.get("Content-Encoding") == sent
    assert answer.data == {"br": file.br, "gzip": file.gz, None: file.body}[sent]
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "name",
    [
        "places-0123456789abcdef.json",
        "pack.json",
        ".lock",
        "..%2fdistrict.toml",
        "x",
        "places-0123456789abcdef.json.br",
    ],
)
def test_what_the_pack_does_not_name_is_not_found(client, name):
    assert client.get(f"/xiangheyuan/pack/{name}").status_code == 404


def test_the_files_take_no_parameter(client):
    assert client.get("/xiangheyuan/pack/index.json?lon=116.4").status_code == 400


def test_what_is_said_against_a_place_stands_in_the_index_at_once_and_makes_no_new_file(client, district):
    before = client.get("/xiangheyuan/pack/index.json").json
    place = district.places("station").features[0].id
    said = NOON - timedelta(minutes=5)
    say_doubt(district.store, place, "shut_now", said)
    (doubt,) = client.get("/xiangheyuan/pack/index.json").json["doubts"]
    begin_s = int(said.timestamp())
    assert doubt == {
        "place": place, "claim": "shut_now", "n_said": 1, "last_s": begin_s, "begin_s": begin_s,
        "end_s": begin_s + 12 * 3600,
    }  # fmt: skip
    settle_doubts(district.store, place)
    assert client.get("/xiangheyuan/pack/index.json").json == before


def test_a_phone_doubts_when_the_finder_does(client, district):
    place = district.places("station").features[0]
    say_doubt(district.store, place.id, "shut_now", NOON)
    (doubt,) = client.get("/xiangheyuan/pack/index.json").json["doubts"]
    spans = district.standing().spans
    for minutes in range(-30, 13 * 60, 7):
        at = NOON + timedelta(minutes=minutes)
        assert spans.holds(place.id, at) == (doubt["begin_s"] <= at.timestamp() < doubt["end_s"])


def test_a_pack_of_a_district_of_two_hundred_places_is_under_two_hundred_kilobytes(demo_district):
    """As it travels, index and the streets of both profiles included; the map's tiles are not."""
    client = create_app({"xiangheyuan": demo_district}, Settings(), clock=lambda: NOON).test_client()
    names = ["index.json", *demo_district.pack.current(NOON).files]
    wanted = {"Accept-Encoding": "br"}
    sizes = [len(client.get(f"/xiangheyuan/pack/{name}", headers=wanted).data) for name in names]
    assert sum(sizes) < 200_000
    assert len(sizes) == 7


def test_static_files_and_pages_go_out_as_brotli(client):
    page = client.get("/xiangheyuan/", headers={"Accept-Encoding": "br"})
    assert page.headers["Content-Encoding"] == "br"
    html = brotli.decompress(page.data).decode()
    script = re.search(r'"(/static/[^"]+/vendor/leaflet-[^"]+\.js)"', html)[1]
    answer = client.get(script, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert answer.headers["Content-Encoding"] == "br"
    assert brotli.decompress(answer.data) == client.get(script).data
