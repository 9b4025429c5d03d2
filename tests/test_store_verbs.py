"""Edits that meet, what people do in one word, and what lies beside the layers; on both stores."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from geo_service.errors import InvalidInputError, NotFoundError, StaleEditError
from geo_service.layers import Access, Checked, Edit, Layer, Provenance, Service
from geo_service.store.accounts import Account, Session
from geo_service.store.base import Author
from geo_service.store.verbs import (
    remove_feature,
    restore_district,
    restore_feature,
    restore_layer,
    undo,
)
from tests.stores import AT, DESK, WATER, A, B, add, change, remove

WANG = Author("wang", "admin", "restore", AT)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


# --- edits that meet -----------------------------------------------------------------------------------------


def test_two_edits_of_different_fields_of_one_station_both_survive(store):
    store.apply(add(A), **DESK)
    store.apply([Edit("station", "st-a", 1, A, replace(A, seats=4))], **DESK)
    applied = store.apply([Edit("station", "st-a", 1, A, replace(A, phone="010-6400"))], **DESK)
    assert (applied.merged, applied.versions) == (("st-a",), {"station": 3})
    assert store.features(["st-a"]) == (replace(A, seats=4, phone="010-6400"),)
    assert store.check() == ()


def test_an_edit_that_names_only_its_version_is_merged_with_what_it_saw(store):
    store.apply(add(A), **DESK)
    store.apply([change(A, seats=4)], **DESK)
    store.apply([change(replace(A, seats=4), area_m2=60.0)], **DESK)
    seen = replace(A, seats=4)
    store.apply([Edit("station", "st-a", 2, None, replace(seen, phone="010-6400"))], **DESK)
    assert store.features(["st-a"]) == (replace(seen, area_m2=60.0, phone="010-6400"),)


def test_an_edit_that_takes_nothing_of_anothers_is_not_told_as_merged(store):
    store.apply(add(A), **DESK)
    assert store.apply([change(A, seats=4)], **DESK).merged == ()


def test_two_edits_of_one_field_are_not_merged_even_if_they_agree(store):
    store.apply(add(A), **DESK)
    store.apply([change(A, seats=4)], **DESK)
    with pytest.raises(StaleEditError, match="both changed seats"):
        store.apply([change(A, seats=4, phone="010-6400")], **DESK)
    assert store.features(["st-a"]) == (replace(A, seats=4),)


def test_a_refused_edit_is_told_both_values_the_version_and_the_fields(store):
    store.apply(add(A), **DESK)
    store.apply([change(A, hours="24/7", phone="010-1111")], **DESK)
    with pytest.raises(StaleEditError) as caught:
        store.apply([Edit("station", "st-a", 1, A, replace(A, hours="Mo-Fr 08:00-18:00", seats=9))], **DESK)
    facts = caught.value.facts
    assert facts["fields"] == ["hours"]
    assert facts["current"]["properties"]["hours"] == "24/7"
    assert facts["yours"]["properties"]["hours"] == "Mo-Fr 08:00-18:00"
    assert facts["values"] == {"hours": {"current": "24/7", "yours": "Mo-Fr 08:00-18:00"}}
    assert (facts["base_version"], facts["version"]) == (1, 2)


def test_the_two_values_of_one_kind_of_service_are_told(store):
    start = replace(A, services=(Service("rest"),))
    store.apply(add(start), **DESK)
    store.apply([change(start, services=(Service("rest", valid_until=date(2026, 12, 31)),))], **DESK)
    with pytest.raises(StaleEditError) as caught:
        store.apply([change(start, services=())], **DESK)
    told = {"current": {"kind": "rest", "valid_until": "2026-12-31"}, "yours": None}
    assert caught.value.facts["values"] == {"services.rest": told}


def test_services_and_ways_in_are_merged_by_kind(store):
    start = replace(A, services=(Service("rest"),), access=(Access("staff"),))
    store.apply(add(start), **DESK)
    store.apply([change(start, services=(Service("rest"), Service("hot_water")))], **DESK)
    store.apply([change(start, services=(Service("rest", hours="24/7"),))], **DESK)
    store.apply([change(start, access=(Access("staff"), Access("qr")))], **DESK)
    (held,) = store.features(["st-a"])
    assert held.services == (Service("rest", hours="24/7"), Service("hot_water"))
    assert held.access == (Access("staff"), Access("qr"))


def test_two_checks_of_one_fact_are_no_conflict_and_the_later_day_counts(store):
    def checked(day):
        return Provenance("desk", "", {"hours": Checked(date(2026, 11, day), "desk")})

    start = replace(A, provenance=checked(1))
    store.apply(add(start), **DESK)
    store.apply([change(start, provenance=checked(20), hours="24/7")], **DESK)
    store.apply([change(start, provenance=checked(19), phone="010-6400")], **DESK)
    (held,) = store.features(["st-a"])
    assert (held.provenance, held.hours, held.phone) == (checked(20), "24/7", "010-6400")


def test_removing_what_another_changed_meanwhile_is_stale(store):
    store.apply(add(A), **DESK)
    store.apply([change(A, seats=4)], **DESK)
    with pytest.raises(StaleEditError):
        store.apply([remove(A)], **DESK)


def test_one_stale_edit_undoes_the_merge_of_the_others(store):
    store.apply(add(A, B), **DESK)
    store.apply([change(A, seats=4), change(B, seats=4)], **DESK)
    with pytest.raises(StaleEditError):
        store.apply([change(A, phone="010-6400"), change(B, seats=5)], **DESK)
    assert store.layer("station") == Layer("station", (replace(A, seats=4), replace(B, seats=4)), 2)


# --- in one word ----------------------------------------------------------------------------------------------


def test_a_removed_feature_keeps_its_reason_and_day_in_history(store):
    store.apply(add(A), **DESK)
    remove_feature(store, "station", "st-a", reason="拆除", author=WANG)
    assert store.layer("station").features == ()
    (newest, _) = store.history(feature_id="st-a")
    assert (newest.actor, newest.after.status_reason, newest.after.status_from) == (
        "wang", "拆除", date(2026, 11, 21),
    )  # fmt: skip


def test_removing_at_a_version_from_before_another_edit_keeps_that_edit_in_history(store):
    store.apply(add(A), **DESK)
    store.apply([change(A, phone="010-6400")], **DESK)
    remove_feature(store, "station", "st-a", reason="拆除", author=WANG, base_version=1)
    assert store.history(limit=1)[0].after.phone == "010-6400"


@pytest.mark.parametrize(("layer", "key", "version"), [("station", "st-x", None), ("water", "st-a", None)])
def test_what_is_not_there_cannot_be_removed(store, layer, key, version):
    store.apply(add(A, WATER), **DESK)
    with pytest.raises(NotFoundError):
        remove_feature(store, layer, key, reason="拆除", author=WANG, base_version=version)


def test_a_layer_is_brought_back_to_a_version_as_one_more_change(store):
    store.apply(add(A, B), **DESK)
    store.apply([change(A, seats=4), remove(B), *add(replace(A, id="st-c"))], **DESK)
    applied = restore_layer(store, "station", 1, WANG)
    assert applied.versions == {"station": 3}
    assert store.layer("station") == Layer("station", (A, B), 3)
    assert store.layer_at("station", 2).features == (replace(A, seats=4), replace(A, id="st-c"))
    assert store.check() == ()


@pytest.mark.parametrize("is_soft", [True, False])
def test_a_removed_feature_is_brought_back_to_a_version(store, is_soft):
    store.apply(add(A), **DESK)
    store.apply([change(A, seats=4)], **DESK)
    if is_soft:
        remove_feature(store, "station", "st-a", reason="拆除", author=WANG)
    else:
        store.apply([remove(replace(A, seats=4))], **DESK)
    restore_feature(store, "station", "st-a", 1, WANG)
    assert store.features(["st-a"]) == (A,)
    assert len(store.history(feature_id="st-a")) == 4


def test_a_feature_is_not_brought_back_to_when_it_was_not_there(store):
    store.apply(add(A), **DESK)
    store.apply(add(B), **DESK)
    with pytest.raises(InvalidInputError, match="was not there at version 1"):
        restore_feature(store, "station", "st-b", 1, WANG)


def test_a_whole_district_is_brought_back_to_just_after_a_change(store):
    store.apply(add(A, WATER), **DESK)
    wanted = store.apply([change(A, seats=4)], **DESK).change_id
    store.apply([remove(WATER), change(replace(A, seats=4), seats=5)], **DESK)
    store.apply(add(B), **DESK)
    applied = restore_district(store, wanted, WANG)
    assert store.layer("station").features == (replace(A, seats=4),)
    assert store.layer("water").features == (WATER,)
    assert {one.id for one in store.history(limit=3)} == {applied.change_id}
    assert store.check() == ()


def test_before_the_first_change_a_district_was_empty(store):
    store.apply(add(A, WATER), **DESK)
    restore_district(store, 0, WANG)
    assert [info.count for info in store.layers()] == [0, 0]


def test_an_import_is_undone_and_what_others_changed_since_in_other_fields_stays(store):
    store.apply(add(A, B), **DESK)
    imported = store.apply([change(A, seats=4), remove(B), *add(replace(A, id="st-c"))], **DESK).change_id
    store.apply([change(replace(A, seats=4), phone="010-6400")], **DESK)
    undo(store, imported, WANG)
    assert store.layer("station").features == (replace(A, phone="010-6400"), B)
    assert store.check() == ()


def test_what_was_undone_can_be_undone(store):
    store.apply(add(A), **DESK)
    gone = remove_feature(store, "station", "st-a", reason="拆除", author=WANG).change_id
    back = undo(store, gone, WANG).change_id
    assert store.features(["st-a"]) == (A,)
    undo(store, back, WANG)
    assert store.history(limit=1)[0].after.status_reason == "拆除"


def test_undoing_what_was_changed_again_is_stale_and_changes_nothing(store):
    store.apply(add(A), **DESK)
    first = store.apply([change(A, seats=4), *add(B)], **DESK).change_id
    store.apply([change(replace(A, seats=4), seats=5)], **DESK)
    with pytest.raises(StaleEditError):
        undo(store, first, WANG)
    assert len(store.layer("station").features) == 2


@pytest.mark.parametrize("verb", [undo, restore_district])
def test_a_change_that_never_was_is_refused(store, verb):
    store.apply(add(A), **DESK)
    with pytest.raises(InvalidInputError, match="change_id=7 is no change"):
        verb(store, 7, WANG)


def test_a_feature_is_read_as_it_was_at_each_version(store):
    store.apply(add(A), **DESK)
    store.apply(add(B), **DESK)
    store.apply([change(A, seats=4)], **DESK)
    remove_feature(store, "station", "st-a", reason="拆除", author=WANG)
    states = [store.feature_at("station", "st-a", version) for version in range(5)]
    assert states[:4] == [None, A, A, replace(A, seats=4)]
    assert states[4].status == "removed"
    assert store.feature_at("station", "\x00", 1) is None
    with pytest.raises(InvalidInputError, match=r"outside 0\.\.4"):
        store.feature_at("station", "st-a", 5)


def test_versions_at_a_change_name_the_layers_there_were(store):
    first = store.apply(add(A), **DESK).change_id
    second = store.apply([*add(WATER), change(A, seats=1)], **DESK).change_id
    assert [dict(store.versions_at(one)) for one in (0, first, second)] == [
        {}, {"station": 1}, {"station": 2, "water": 1},
    ]  # fmt: skip


def test_history_is_paged_by_change(store):
    changes = [store.apply(add(replace(A, id=f"st-{n}")), **DESK).change_id for n in range(4)]
    assert [one.id for one in store.history(before=changes[2])] == [changes[1], changes[0]]
    assert [one.feature_id for one in store.history(change_id=changes[3])] == ["st-3"]
    for wrong in ({"limit": -1}, {"before": -1}, {"change_id": 2**70}):
        with pytest.raises(InvalidInputError):
            store.history(**wrong)


# --- accounts, sessions, notes ----------------------------------------------------------------------------------

EDITOR = Account("李编辑", "$argon2id$v=19$hash", "editor", NOW, layers=("station", "toilet"))
DIGEST = "a1" * 32


def session(digest=DIGEST, account=EDITOR.name, hours=12):
    return Session(digest, account, NOW, NOW, NOW + timedelta(hours=hours))


def test_accounts_are_read_back_equal_and_by_name(store):
    head = Account("admin", "h", "admin", NOW, must_change_password=True)
    checker = Account("w", "h", "verifier", NOW, places=("st-a",), is_active=False)
    for account in (EDITOR, head, checker):
        store.put_account(account)
    assert store.accounts() == (head, checker, EDITOR)
    assert store.account("李编辑") == EDITOR
    assert store.account("nobody") is store.account("\x00") is None


def test_an_account_put_again_is_replaced(store):
    store.put_account(EDITOR)
    store.put_account(replace(EDITOR, role="viewer", is_active=False))
    assert store.accounts() == (replace(EDITOR, role="viewer", is_active=False),)


def test_the_hash_of_a_password_is_not_in_the_text_of_an_account():
    assert "argon2" not in repr(EDITOR)
    assert DIGEST not in repr(session())


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"role": "root"},
        {"created_at": datetime(2026, 1, 1)},
        {"password_hash": ""},
    ],
)
def test_an_account_that_cannot_be_is_refused(store, wrong):
    with pytest.raises(InvalidInputError):
        store.put_account(replace(EDITOR, **wrong))
    assert store.accounts() == ()


def test_an_account_goes_with_its_sessions(store):
    store.put_account(EDITOR)
    store.put_session(session())
    store.remove_account(EDITOR.name)
    assert (store.accounts(), store.session(DIGEST)) == ((), None)
    with pytest.raises(NotFoundError):
        store.remove_account(EDITOR.name)


def test_a_session_is_read_back_equal_and_renewed(store):
    store.put_account(EDITOR)
    store.put_session(session())
    assert store.session(DIGEST) == session()
    later = replace(session(), seen_at=NOW + timedelta(hours=1))
    store.put_session(later)
    assert store.session(DIGEST) == later
    assert store.session("no digest") is None


def test_a_session_of_nobody_or_with_its_token_is_refused(store):
    with pytest.raises(NotFoundError):
        store.put_session(session())
    with pytest.raises(InvalidInputError, match="SHA-256"):
        store.put_session(session(digest="token"))


def test_sessions_end_one_by_one_or_all_of_an_account(store):
    store.put_account(EDITOR)
    for number in range(3):
        store.put_session(session(digest=f"{number}" * 64))
    assert store.remove_sessions(digest="0" * 64) == 1
    assert store.remove_sessions(account=EDITOR.name) == 2
    assert store.remove_sessions(account=EDITOR.name) == 0
    with pytest.raises(InvalidInputError):
        store.remove_sessions()


def test_sessions_that_ended_are_forgotten_and_history_is_not(store):
    store.apply(add(A), **DESK)
    store.put_account(EDITOR)
    store.put_session(session(digest="1" * 64, hours=1))
    store.put_session(session(digest="2" * 64, hours=9))
    assert store.expire(NOW + timedelta(hours=5)) == 1
    assert store.session("2" * 64) is not None
    assert len(store.history()) == 1


def test_a_note_is_read_back_and_removed(store):
    value = {"columns": {"名称": "name"}, "rows": [1, 2.5, None, True], "nul": "\x00"}
    store.put_note("mapping.联盟", value)
    store.put_note("other", 1)
    assert store.note("mapping.联盟") == value
    assert store.notes("mapping.") == {"mapping.联盟": value}
    store.put_note("other", None)
    assert (store.note("other"), set(store.notes())) == (None, {"mapping.联盟"})


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/\ud7ff", "a/退", "b", "z"])
def test_notes_are_found_by_how_their_keys_start_and_no_others(store, prefix):
    keys = {"A", "a", "a/", "a/1", "a/z", "a/退", "a/退/1", "a/\U0001f600", "a0", "aa", "b", "\U0001f600"}
    for key in keys:
        store.put_note(key, 1)
    wanted = {key for key in keys if key.startswith(prefix)}
    assert set(store.notes(prefix)) == wanted


def test_a_note_is_swapped_only_if_it_is_what_one_saw(store):
    assert store.swap_note("count", None, {"n": 1})
    assert not store.swap_note("count", None, {"n": 2})
    assert store.swap_note("count", {"n": 1}, {"n": 2})
    assert store.note("count") == {"n": 2}


@pytest.mark.parametrize(
    ("key", "value"), [("", 1), ("a\x00", 1), ("x", object()), ("x", "y" * 1_000_001), ("store.moved", 1)]
)
def test_a_note_that_cannot_be_is_refused(store, key, value):
    with pytest.raises(InvalidInputError):
        store.put_note(key, value)
    assert store.notes() == {}
