"""Accounts of the desk, what each role may do, and what people on the spot say."""

from datetime import datetime, timedelta

import pytest

from geo_service.desk.accounts import (
    IDLE_LIFE,
    SESSION_LIFE,
    change_account,
    change_password,
    create_account,
    find_signed_in,
    sign_in,
    sign_out,
)
from geo_service.desk.doubts import SHUT_LIFE, say_doubt, settle_doubts, speaks_against, standing_doubts
from geo_service.desk.permissions import GRANTS, Action, Reach, is_allowed
from geo_service.errors import ForbiddenError, InvalidInputError, NotFoundError
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit, Place
from geo_service.store.accounts import Account
from geo_service.store.sqlite import open_sqlite

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
WORD = "correct horse battery"
ROLES = ("viewer", "verifier", "editor", "admin")


@pytest.fixture
def store(tmp_path):
    opened = open_sqlite(tmp_path / "store.sqlite", create=True)
    place = Place("s1", "station", 116.44, 39.95, "驿站")
    opened.apply([Edit("station", "s1", None, None, place)], actor="t", role="desk", source="t", at=NOON)
    yield opened
    opened.close()


def account_of(role, **named):
    return Account(role, "", role, NOON, **named)


def test_a_session_opens_with_the_right_password_only(store):
    create_account(store, "li", WORD, "viewer", at=NOON)
    token, account = sign_in(store, "li", WORD, NOON)
    assert find_signed_in(store, token, NOON).name == account.name == "li"
    for name, password in (("li", WORD + "x"), ("wang", WORD), ("li'--", WORD), ("li", "x" * 5000)):
        with pytest.raises(ForbiddenError, match="the name or the password is wrong"):
            sign_in(store, name, password, NOON)


def test_neither_password_nor_token_is_in_the_store(store, tmp_path):
    create_account(store, "li", WORD, "viewer", at=NOON)
    token, _ = sign_in(store, "li", WORD, NOON)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
    assert b"$argon2id$" in kept
    assert WORD.encode() not in kept
    assert token.encode() not in kept


def test_sessions_end_by_time_by_idleness_and_by_signing_out(store):
    create_account(store, "li", WORD, "viewer", at=NOON)
    token, _ = sign_in(store, "li", WORD, NOON)
    assert find_signed_in(store, token, NOON + IDLE_LIFE) is None
    now = NOON
    while now + IDLE_LIFE / 2 < NOON + SESSION_LIFE:
        now += IDLE_LIFE / 2
        assert find_signed_in(store, token, now) is not None
    assert find_signed_in(store, token, NOON + SESSION_LIFE) is None
    other, _ = sign_in(store, "li", WORD, NOON)
    sign_out(store, other)
    assert find_signed_in(store, other, NOON) is None


def test_a_new_password_ends_every_session(store):
    create_account(store, "li", WORD, "viewer", at=NOON)
    token, account = sign_in(store, "li", WORD, NOON)
    assert account.must_change_password
    with pytest.raises(ForbiddenError):
        change_password(store, "li", "wrong wrong wrong", "another good one")
    change_password(store, "li", WORD, "another good one")
    assert find_signed_in(store, token, NOON) is None
    assert not sign_in(store, "li", "another good one", NOON)[1].must_change_password


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 201])
def test_a_password_too_short_or_too_long_is_refused_and_not_repeated(store, password):
    with pytest.raises(InvalidInputError, match="12 to 200 characters") as refusal:
        create_account(store, "li", password, "viewer", at=NOON)
    assert not password or password not in refusal.value.message


@pytest.mark.parametrize(
    ("name", "role", "layers", "words"),
    [
        ("a b", "viewer", (), "letters, digits"),
        ("", "viewer", (), "letters, digits"),
        ("li", "king", (), "allowed: viewer, verifier, editor, admin"),
        ("li", "editor", ("stations",), "not in the catalogue"),
    ],
)
def test_an_account_that_breaks_a_rule_is_refused(store, name, role, layers, words):
    with pytest.raises(InvalidInputError, match=words):
        create_account(store, name, WORD, role, layers=layers, at=NOON)
    assert store.accounts() == ()


def test_the_last_admin_cannot_be_switched_off_or_demoted(store):
    create_account(store, "li", WORD, "admin", at=NOON)
    for change in ({"role": "editor", "is_active": True}, {"role": "admin", "is_active": False}):
        with pytest.raises(InvalidInputError, match="last active admin"):
            change_account(store, "li", layers=(), places=(), **change)
    create_account(store, "wang", WORD, "admin", at=NOON)
    assert change_account(store, "li", role="viewer", layers=(), places=(), is_active=True).role == "viewer"


def test_a_change_of_rights_ends_the_sessions_that_had_the_old_ones(store):
    create_account(store, "li", WORD, "admin", at=NOON)
    create_account(store, "wang", WORD, "editor", layers=("station",), at=NOON)
    token, _ = sign_in(store, "wang", WORD, NOON)
    change_account(store, "wang", role="viewer", layers=(), places=(), is_active=True)
    assert find_signed_in(store, token, NOON) is None


def test_every_action_has_a_grant_for_every_role():
    assert set(GRANTS) == set(Action)
    assert all(set(row) == set(ROLES) for row in GRANTS.values())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", list(Action))
def test_named_grants_hold_for_what_is_named_and_nothing_else(role, action):
    reach = GRANTS[action][role]
    named = account_of(role, layers=("station",), places=("t1",))
    assert is_allowed(named, action, "station", "s1") == (reach is not Reach.NOWHERE)
    assert is_allowed(named, action, "toilet", "t1") == (reach is not Reach.NOWHERE)
    assert is_allowed(named, action, "toilet", "t2") == (reach is Reach.EVERYWHERE)
    assert is_allowed(account_of(role), action) == (reach is Reach.EVERYWHERE)


def test_an_account_that_is_switched_off_may_nothing():
    assert not any(is_allowed(account_of("admin", is_active=False), action) for action in Action)


def test_a_doubt_counts_up_speaks_for_its_time_and_is_settled(store):
    say_doubt(store, "s1", "shut_now", NOON)
    doubt = say_doubt(store, "s1", "shut_now", NOON + timedelta(hours=1))
    assert (doubt.n_said, doubt.first_at, doubt.last_at) == (2, NOON, NOON + timedelta(hours=1))
    assert standing_doubts(store) == {"s1": (doubt,)}
    assert speaks_against(doubt, doubt.last_at)
    assert not speaks_against(doubt, doubt.last_at + SHUT_LIFE)
    assert settle_doubts(store, "s1") == (doubt,)
    assert standing_doubts(store) == {}


def test_doubts_about_nothing_are_refused(store):
    with pytest.raises(NotFoundError):
        say_doubt(store, "s9", "shut_now", NOON)
    with pytest.raises(InvalidInputError, match="allowed: shut_now, wrong"):
        say_doubt(store, "s1", "smelly", NOON)
    assert standing_doubts(store) == {}
