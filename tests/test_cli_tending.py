"""The command line tells what needs care, moves a store, and tidies up without touching what is needed."""

import json
import os
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from geo_service.desk.accounts import create_account, sign_in
from geo_service.desk.doubts import say_doubt, standing_doubts
from geo_service.districts.tidying import LEFT_HOURS
from geo_service.hours import SHANGHAI
from geo_service.layers import Listing
from geo_service.store.base import Author
from geo_service.store.verbs import remove_feature
from tests.stores import DESK, WATER, A, B, add, change
from tests.test_cli import refused, tree_of
from tests.test_cli_past import answer_of, directory, edit, opened

__all__ = ["directory"]

NOW = datetime.now(SHANGHAI)


def age(path, **ago):
    """Let a file look old; the time of its renaming cannot be set, so tests ask of days that are none."""
    then = (NOW - timedelta(**ago)).timestamp()
    os.utime(path, (then, then))


# -- due, listing, standards --------------------------------------------------------------------------


def test_due_lists_the_stalest_first_and_names_reports(run, directory):
    with opened(directory) as store:
        say_doubt(store, "st-b", "shut_now", NOW)
    answer = answer_of(run("due", directory, "--limit", 2, "--json"))
    assert (answer["due"], answer["reports"]) == (6, ["st-b"])
    assert [one["checked_on"] for one in answer["results"]] == [None, None]
    assert {"id", "layer", "name", "kind", "checked_on", "age_share"} == set(answer["results"][0])
    out = run("due", directory, "--layer", "water")[1]
    assert "water/w-1" in out
    assert "station/" not in out
    assert run("due", directory, "--limit", 2)[1].endswith("and 4 more; --limit 6 shows all\n")


def test_an_answer_for_a_person_says_what_is_said_on_the_spot(run, own_district):
    asked = ["nearest", own_district, "--from", "116.442,39.957", "--layer", "station", "--k", 1]
    place = answer_of(run(*asked, "--json"))["results"][0]["id"]
    with opened(own_district) as store:
        say_doubt(store, place, "shut_now", datetime.now(SHANGHAI))
    assert place not in run(*asked)[1]
    assert "stale (shut now said 1x)" in run(*asked, "--accept", "stale")[1]


def test_due_hears_the_settings(run, demo_directory, monkeypatch):
    usual = answer_of(run("due", demo_directory, "--layer", "station", "--json"))["due"]
    monkeypatch.setenv("GEO_SERVICE_HOURS_AGE_DAYS", "1")
    assert answer_of(run("due", demo_directory, "--layer", "station", "--json"))["due"] > usual


def test_listing_tells_shares_and_since_when(run, directory):
    looked = [
        ("amap", "listed", date(2026, 5, 1)),
        ("baidu", "not_listed", date(2026, 6, 1)),
    ]
    edit(
        directory,
        change(replace(A, seats=4), listing=tuple(Listing(*one) for one in looked)),
        change(B, listing=(Listing("amap", "wrong_position", date(2026, 7, 1)),)),
    )
    answer = answer_of(run("listing", directory, "--json"))
    amap, baidu = answer["vendors"]
    assert (answer["layer"], answer["places"]) == ("station", 2)
    assert (amap["vendor"], amap["shown_share"], amap["wrong"]) == ("amap", 0.5, 1)
    assert (amap["oldest_check"], amap["newest_check"]) == ("2026-05-01", "2026-07-01")
    assert (baidu["shown_share"], baidu["unknown"]) == (0.0, 1)
    assert "amap      50% of those looked for" in run("listing", directory)[1]
    assert "nobody has looked yet" in run("listing", directory, "--layer", "water")[1]


@pytest.mark.parametrize("command", ["due", "listing"])
def test_an_unknown_layer_is_refused(run, directory, command):
    refused(run(command, directory, "--layer", "nope"), "nope", "station")


def test_check_against_a_standard_names_what_stations_lack_and_nothing_else(run, directory):
    answer = answer_of(run("check", directory, "--standard", "union-2023", "--json"))
    assert {finding["subject"] for finding in answer} == {"station", "union-2023"}
    assert answer[-1]["facts"]["places"] == 2
    refused(run("check", directory, "--standard", "nope"), "nope", "union-2023")


# -- tidy ---------------------------------------------------------------------------------------------


@pytest.fixture
def untidy(directory):
    """A district with one of everything that may go, and of what looks like it and must stay."""
    with opened(directory) as store:
        create_account(store, "li", "twelve letters and more", "viewer", at=NOW - timedelta(days=9))
        for days in (9, 0):
            sign_in(store, "li", "twelve letters and more", NOW - timedelta(days=days))
        for key in ("st-a", "st-b"):
            say_doubt(store, key, "wrong", NOW)
        remove_feature(store, "station", "st-b", reason="拆除", author=Author(**DESK))
    (directory / "store.sqlite.old-1").write_bytes(b"an old store")
    (directory / "store.sqlite.old-1-wal").write_bytes(b"its log")
    (directory / ".restore-abc").mkdir()
    (directory / ".restore-abc" / "half").write_bytes(b"half")
    notes = directory / "layers" / ".written.json"
    noted = json.loads(notes.read_text("utf-8"))
    notes.write_text(json.dumps(noted | {"vanished": {"version": 1, "sha256": "0" * 64}}), encoding="utf-8")
    return directory


def test_a_dry_run_says_what_would_go_and_changes_nothing(run, untidy):
    before = tree_of(untidy)
    answer = answer_of(run("tidy", untidy, "--older-than", 0, "--dry-run", "--json"))
    assert not answer["applied"]
    assert {one["name"] for one in answer["gone"]} == {
        "sessions",
        "st-b",
        "vanished.geojson",
        "store.sqlite.old-1",
    }
    assert tree_of(untidy) == before
    with opened(untidy) as store:
        assert store.expired(NOW) == 1
        assert set(standing_doubts(store)) == {"st-a", "st-b"}


def test_tidy_lets_go_of_what_is_not_needed_and_keeps_the_rest(run, untidy):
    answer = answer_of(run("tidy", untidy, "--older-than", 0, "--json"))
    assert {(one["name"], one["amount"]) for one in answer["gone"]} == {
        ("sessions", 1),
        ("st-b", 1),
        ("vanished.geojson", 1),
        ("store.sqlite.old-1", 19),
    }
    assert [path.name for path in untidy.glob("store.sqlite.old-*")] == []
    assert "vanished" not in (untidy / "layers" / ".written.json").read_text("utf-8")
    with opened(untidy) as store:
        assert (store.expired(NOW), len(store.history())) == (0, 5)
        assert set(standing_doubts(store)) == {"st-a"}
        assert store.expired(NOW + timedelta(days=30)) == 1
    assert answer_of(run("tidy", untidy, "--older-than", 0, "--json"))["gone"] == []


def test_what_is_young_stays(run, untidy):
    age(untidy / "store.sqlite.old-1", days=365)  # written long ago, set aside just now
    gone = {one["name"] for one in answer_of(run("tidy", untidy, "--json"))["gone"]}
    assert gone == {"sessions", "st-b", "vanished.geojson"}
    assert (untidy / "store.sqlite.old-1").exists()
    assert (untidy / ".restore-abc" / "half").exists()


def test_what_a_kill_left_half_written_goes_after_a_day(untidy):
    from geo_service.districts import open_district, tidying

    with closing(open_district(untidy)) as district:
        at = NOW + timedelta(hours=LEFT_HOURS + 6)  # six hours for the slowest run of the tests
        gone = {one.name for one in tidying.tidy(district, at)}
    assert ".restore-abc" in gone
    assert not (untidy / ".restore-abc").exists()


def test_old_stores_stay_while_the_present_one_is_not_sound(run, untidy):
    import apsw

    connection = apsw.Connection(str(untidy / "store.sqlite"))
    connection.execute("UPDATE layers SET version = 9 WHERE name = 'water'")
    connection.close()
    code, out, err = run("tidy", untidy, "--older-than", 0)
    assert (code, out) == (1, "")
    assert "nothing was tidied, store.sqlite.old-1 may be needed" in err
    assert (untidy / "store.sqlite.old-1").exists()


def test_tidy_refuses_days_that_are_none(run, directory):
    refused(run("tidy", directory, "--older-than", -1), "--older-than")


# -- store move ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_store_moves_to_a_database_and_back_and_a_backup_of_either_is_the_same(
    run, directory, cluster, tmp_path
):
    def backed_up(name):
        file = tmp_path / name
        return answer_of(run("backup", directory, "-o", file, "--json"))["layers"]

    history = run("history", directory, "--json")[1]
    layers = backed_up("before.sqlite")
    moved = answer_of(run("store", "move", directory, "--to", cluster.url, "--json"))
    assert moved["rows"]["history"] == 4
    assert run("history", directory, "--json")[1] == history
    assert backed_up("there.sqlite") == layers
    edit(directory, *add(replace(A, id="st-new")))
    assert answer_of(run("undo", directory, 3, "--json"))["features"] == {"station": 1}
    assert run("restore", directory, tmp_path / "before.sqlite")[0] == 0
    assert run("history", directory, "--json")[1] == history
    assert run("store", "move", directory, "--to", "sqlite")[0] == 0
    assert run("history", directory, "--json")[1] == history
    refused(run("store", "move", directory, "--to", "sqlite"), "is there already")


def test_a_store_does_not_move_to_where_nobody_answers(run, directory):
    before = tree_of(directory)
    code, out, err = run("store", "move", directory, "--to", "postgresql://geo:CANARY@127.0.0.1:1/geo")
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert "CANARY" not in err
    assert tree_of(directory) == before
    refused(run("store", "move", directory, "--to", "mysql://x/y"))
    assert WATER.id in run("history", directory)[1]
