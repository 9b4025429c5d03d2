"""
Accounts of the desk: passwords, signing in, sessions.

Passwords are kept as argon2id hashes with the parameters that RFC 9106 recommends where memory is scarce; of
a session's token only the SHA-256 is kept, so that nobody signs in with what stands in the store. A name
that does not exist costs as much time as a wrong password.
"""

import hashlib
import re
import secrets
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from geo_service.errors import ForbiddenError, InvalidInputError, NotFoundError
from geo_service.layers import Catalogue
from geo_service.store.accounts import Account, Role, Session
from geo_service.store.base import Store

ROLES: tuple[Role, ...] = get_args(Role)

PASSWORD_MIN, PASSWORD_MAX = 12, 200
"""Length of a password, characters; which characters is the owner's business (NIST SP 800-63B, 5.1.1)."""

SESSION_LIFE = timedelta(hours=12)
"""A working day; then one signs in again."""

IDLE_LIFE = timedelta(hours=2)
"""Who has asked for nothing so long has left the desk."""

SEEN_EVERY = timedelta(minutes=1)
"""How often a session notes that it is in use: a write for every picture would be a waste."""

_WORDS = (
    *("lotus", "river", "lantern", "bamboo", "harbour", "cedar", "pepper", "saddle"),
    *("copper", "meadow", "orchard", "marble", "walnut", "ribbon", "anchor", "velvet"),
)
_NAME = re.compile(r"[\w.@-]{1,40}")
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# each hash takes 64 MiB: more than a few at once would be an attack that the rate limit let through
_HASHING = threading.Semaphore(2)


def create_account(
    store: Store,
    name: str,
    password: str,
    role: str,
    *,
    layers: tuple[str, ...] = (),
    places: tuple[str, ...] = (),
    at: datetime,
) -> Account:
    """
    Make an account.

    Parameters
    ----------
    store
        Of the district.
    name
        1 to 40 letters, digits, or ``. _ @ -``.
    password
        `PASSWORD_MIN` to `PASSWORD_MAX` characters; its owner is asked for another at the first sign-in.
    role
        One of `ROLES`.
    layers
        What an editor is named for.
    places
        What a verifier is named for: ids of places.
    at
        The instant, aware.

    Returns
    -------
    account
        As it stands in the store.

    Raises
    ------
    InvalidInputError
        If a value breaks its rule or the name is taken.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"name={name[:60]!r} must be 1 to 40 letters, digits or . _ @ -",
            parameter="name",
            value=name[:60],
        )
    if store.account(name) is not None:
        raise InvalidInputError(f"name={name!r} is taken; choose another", parameter="name", value=name)
    _check_grants(role, layers, store.catalogue)
    account = Account(
        name,
        hash_password(password),
        _role(role),
        at,
        layers=layers,
        places=places,
        must_change_password=True,
    )
    store.put_account(account)
    return account


def change_account(
    store: Store,
    name: str,
    *,
    role: str,
    layers: tuple[str, ...],
    places: tuple[str, ...],
    is_active: bool,
    password: str | None = None,
) -> Account:
    """
    Change what an account may do; its sessions end, so that no old right outlives the change.

    Parameters
    ----------
    store
        Of the district.
    name
        Whose.
    role
        One of `ROLES`.
    layers
        What an editor is named for.
    places
        What a verifier is named for.
    is_active
        Whether it may sign in.
    password
        A new one that its owner must change; None keeps the old.

    Returns
    -------
    account
        As it stands in the store.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    InvalidInputError
        If a value breaks its rule, or no active admin would be left.
    """
    before = find_account(store, name)
    _check_grants(role, layers, store.catalogue)
    after = replace(before, role=_role(role), layers=layers, places=places, is_active=is_active)
    if password is not None:
        after = replace(after, password_hash=hash_password(password), must_change_password=True)
    if not any(_is_admin(after if other.name == name else other) for other in store.accounts()):
        raise InvalidInputError(
            f"{name} is the last active admin; make another one first", parameter="role", value=role
        )
    store.put_account(after)
    store.remove_sessions(account=name)
    return after


def find_account(store: Store, name: str) -> Account:
    """
    Find an account.

    Parameters
    ----------
    store
        Of the district.
    name
        Its name.

    Returns
    -------
    account
        As it stands in the store.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    account = store.account(name)
    if account is None:
        raise NotFoundError(f"there is no account {name[:60]!r}", parameter="name", value=name[:60])
    return account


def hash_password(password: str) -> str:
    """
    Hash a password for keeping.

    Parameters
    ----------
    password
        `PASSWORD_MIN` to `PASSWORD_MAX` characters.

    Returns
    -------
    password_hash
        As argon2id writes it, with parameters and salt.

    Raises
    ------
    InvalidInputError
        If it is too short or too long; the message does not repeat it.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise InvalidInputError(
            f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters, this one has {len(password)}",
            parameter="password",
        )
    with _HASHING:
        return _HASHER.hash(password)


def first_password() -> str:
    """
    Make up a password for the first sign-in.

    Returns
    -------
    password
        Four words one can say over the telephone and six digits: 36 bits, for as long as it takes to change it.
    """
    words = [secrets.choice(_WORDS) for _ in range(4)]
    return "-".join([*words, f"{secrets.randbelow(1_000_000):06d}"])


def sign_in(store: Store, name: str, password: str, at: datetime) -> tuple[str, Account]:
    """
    Open a session.

    Parameters
    ----------
    store
        Of the district.
    name
        Name of the account.
    password
        Its password.
    at
        The instant, aware.

    Returns
    -------
    token, account
        The token is shown this once; the store keeps its digest.

    Raises
    ------
    ForbiddenError
        If name or password is wrong or the account is switched off: one message for all three.
    """
    account = store.account(name) if _NAME.fullmatch(name) else None
    is_right = _is_password(account.password_hash if account else _nobody(), password)
    if account is None or not is_right or not account.is_active:
        raise ForbiddenError("the name or the password is wrong")
    if _HASHER.check_needs_rehash(account.password_hash):
        store.put_account(replace(account, password_hash=hash_password(password)))
    token = secrets.token_urlsafe(32)
    store.put_session(Session(_digest(token), account.name, at, at, at + SESSION_LIFE))
    return token, account


def find_signed_in(store: Store, token: str, at: datetime) -> Account | None:
    """
    Whose session a token is.

    Parameters
    ----------
    store
        Of the district.
    token
        As `sign_in` gave it.
    at
        The instant, aware.

    Returns
    -------
    account
        None if there is no such session, it has ended, or the account was switched off.
    """
    session = store.session(_digest(token))
    if session is None or at >= session.expires_at or at - session.seen_at >= IDLE_LIFE:
        return None
    account = store.account(session.account)
    if account is None or not account.is_active:
        return None
    if at - session.seen_at >= SEEN_EVERY:
        store.put_session(replace(session, seen_at=at))
    return account


def sign_out(store: Store, token: str) -> None:
    """
    End a session; nothing happens if it has ended.

    Parameters
    ----------
    store
        Of the district.
    token
        As `sign_in` gave it.
    """
    store.remove_sessions(digest=_digest(token))


def change_password(store: Store, name: str, old: str, new: str) -> None:
    """
    Set a new password by who knows the old one; all sessions of the account end.

    Parameters
    ----------
    store
        Of the district.
    name
        Name of the account.
    old
        The password as it is.
    new
        The password as it shall be.

    Raises
    ------
    ForbiddenError
        If the old password is wrong.
    InvalidInputError
        If the new one is too short, too long, or the old one.
    """
    account = find_account(store, name)
    if not _is_password(account.password_hash, old):
        raise ForbiddenError("the password is wrong")
    if old == new:
        raise InvalidInputError("the new password is the old one; choose another", parameter="new")
    store.put_account(replace(account, password_hash=hash_password(new), must_change_password=False))
    store.remove_sessions(account=name)


def _is_password(password_hash: str, password: str) -> bool:
    if len(password) > PASSWORD_MAX:
        return False
    try:
        with _HASHING:
            return bool(_HASHER.verify(password_hash, password))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """The hash of a password that nobody knows, to spend on names that nobody has."""
    return _HASHER.hash(secrets.token_urlsafe(32))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_admin(account: Account) -> bool:
    return account.role == "admin" and account.is_active


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise InvalidInputError(
        f"role={role[:40]!r} is none; allowed: {', '.join(ROLES)}", parameter="role", value=role[:40]
    )


def _check_grants(role: str, layers: tuple[str, ...], catalogue: Catalogue) -> None:
    _role(role)
    for layer in layers:
        if layer not in catalogue:
            raise InvalidInputError(
                f"layer={layer[:40]!r} is not in the catalogue; allowed: {', '.join(catalogue)}",
                parameter="layers",
                value=layer[:40],
            )
