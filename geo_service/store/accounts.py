"""Who may sign in, who is signed in, and small notes: kept beside the layers, without history."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

import orjson

from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.store.link import Link, Linked, is_text

Role = Literal["viewer", "verifier", "editor", "admin"]

NOTE_LIMIT_BYTES = 1_000_000
"""Longest note, as JSON."""

RESERVED = "store."
"""Keys of notes that start so are the store's own."""

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)

_ACCOUNTS = """
    SELECT name, password_hash, role, created_at, layers, places, is_active, must_change_password
    FROM accounts ORDER BY name
"""
_ACCOUNT = _ACCOUNTS.replace("ORDER BY name", "WHERE name = ?")
_SET_ACCOUNT = """
    INSERT INTO accounts
        (name, password_hash, role, created_at, layers, places, is_active, must_change_password)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role,
        created_at = excluded.created_at, layers = excluded.layers, places = excluded.places,
        is_active = excluded.is_active, must_change_password = excluded.must_change_password
"""
_SESSION = "SELECT digest, account, created_at, seen_at, expires_at FROM sessions WHERE digest = ?"
_SET_SESSION = """
    INSERT INTO sessions (digest, account, created_at, seen_at, expires_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET account = excluded.account, created_at = excluded.created_at,
        seen_at = excluded.seen_at, expires_at = excluded.expires_at
"""
_NOTE = "SELECT value FROM notes WHERE key = ?"
_NOTES = """
    SELECT key, value FROM notes WHERE key >= ? AND key < ? AND substr(key, 1, 6) <> 'store.' ORDER BY key
"""
_SET_NOTE = """
    INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


@dataclass(frozen=True)
class Account:
    """
    One who signs in.

    Parameters
    ----------
    name
        What one types, 1 to 200 printable characters.
    password_hash
        As the desk made it; the store never sees a password.
    role
        What the account may do; the desk's permission table says it.
    created_at
        When it was made, aware.
    layers
        Layers that an editor is named for.
    places
        Ids of the places that a verifier is named for.
    is_active
        Whether it may sign in.
    must_change_password
        Whether the next sign-in asks for a new password.
    """

    name: str
    password_hash: str = field(repr=False)
    role: Role
    created_at: datetime
    layers: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    is_active: bool = True
    must_change_password: bool = False


@dataclass(frozen=True)
class Session:
    """
    One sign-in that lasts.

    Parameters
    ----------
    digest
        SHA-256 of the token, 64 hexadecimal digits; the token itself is never stored.
    account
        Name of the account.
    created_at
        When it began, aware.
    seen_at
        When it was last used, aware.
    expires_at
        When it ends, aware.
    """

    digest: str = field(repr=False)
    account: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class AccountVerbs(Linked):
    """The verbs of a store for accounts, sessions and notes."""

    def accounts(self) -> tuple[Account, ...]:
        """List all accounts by name."""
        with self.reading() as link:
            return tuple(_account(row) for row in link.rows(_ACCOUNTS))

    def account(self, name: str) -> Account | None:
        """Give an account, None if there is none of this name."""
        if not is_text(name):
            return None
        with self.reading() as link:
            return _account_in(link, name)

    def put_account(self, account: Account) -> None:
        """Add an account, or replace the one of this name; InvalidInputError if a value is not allowed."""
        _check_account(account)
        lists = (orjson.dumps(names).decode() for names in (account.layers, account.places))
        flags = (account.is_active, account.must_change_password)
        head = (account.name, account.password_hash, account.role, to_text(account.created_at, "created_at"))
        with self.changing() as link:
            link.run(_SET_ACCOUNT, (*head, *lists, *flags))

    def remove_account(self, name: str) -> None:
        """Remove an account and its sessions; NotFoundError if there is none. What it changed stays in history."""
        with self.changing() as link:
            if not is_text(name) or not link.run("DELETE FROM accounts WHERE name = ?", (name,)):
                raise _no_account(name)

    def session(self, digest: str) -> Session | None:
        """Give a session, ended or not; None if there is none."""
        if not _DIGEST.fullmatch(digest):
            return None
        with self.reading() as link:
            rows = link.rows(_SESSION, (digest,))
        return Session(*rows[0][:2], *map(datetime.fromisoformat, rows[0][2:])) if rows else None

    def put_session(self, session: Session) -> None:
        """Add a session, or replace it; NotFoundError if there is no such account."""
        if not _DIGEST.fullmatch(session.digest):
            raise InvalidInputError(
                "digest is not 64 hexadecimal digits; pass the SHA-256 of the token", parameter="digest"
            )
        times = (to_text(getattr(session, name), name) for name in ("created_at", "seen_at", "expires_at"))
        with self.changing() as link:
            if not is_text(session.account) or _account_in(link, session.account) is None:
                raise _no_account(session.account)
            link.run(_SET_SESSION, (session.digest, session.account, *times))

    def remove_sessions(self, *, digest: str | None = None, account: str | None = None) -> int:
        """End one session, or all of an account; how many there were."""
        if (digest is None) == (account is None):
            raise InvalidInputError("name either a digest or an account", parameter="digest")
        wanted = digest if account is None else account
        if wanted is None or not is_text(wanted):
            return 0
        column = "digest" if account is None else "account"
        with self.changing() as link:
            return link.run(f"DELETE FROM sessions WHERE {column} = ?", (wanted,))  # noqa: S608

    def expired(self, before: datetime) -> int:
        """Count the sessions that `expire` would forget."""
        with self.reading() as link:
            rows = link.rows(
                "SELECT count(*) FROM sessions WHERE expires_at < ?", (to_text(before, "before"),)
            )
        return int(rows[0][0])

    def expire(self, before: datetime) -> int:
        """Forget the sessions that ended before an instant; how many. The history of places stays for ever."""
        with self.changing() as link:
            return link.run("DELETE FROM sessions WHERE expires_at < ?", (to_text(before, "before"),))

    def note(self, key: str) -> object | None:
        """Give what was noted under a key, None if nothing."""
        if not is_text(key):
            return None
        with self.reading() as link:
            return _noted(link, key)

    def notes(self, prefix: str = "") -> Mapping[str, object]:
        """Give all notes whose key starts with a text, by key."""
        if not is_text(prefix):
            return {}
        with self.reading() as link:
            rows = link.rows(_NOTES, (prefix, _after(prefix)))
        return {key: orjson.loads(value) for key, value in rows}

    def put_note(self, key: str, value: object) -> None:
        """Note a JSON value under a key in place of any other; None removes the note."""
        text = _note_text(key, value)
        with self.changing() as link:
            _put_note(link, key, text)

    def swap_note(self, key: str, was: object, value: object) -> bool:
        """Note a value if what is noted now still is ``was`` (None: nothing); False if it is not."""
        expected = orjson.loads(_note_text(key, was))
        text = _note_text(key, value)
        with self.changing() as link:
            if _noted(link, key) != expected:
                return False
            _put_note(link, key, text)
        return True


def to_text(at: datetime, name: str) -> str:
    """
    Write an instant as stores keep it.

    Parameters
    ----------
    at
        The instant, with its zone.
    name
        What it is, for the message.

    Returns
    -------
    text
        UTC, ISO 8601 to the microsecond: later instants are greater texts.

    Raises
    ------
    InvalidInputError
        If the instant has no zone.
    """
    if at.tzinfo is None:
        raise InvalidInputError(
            f"{name}={at.isoformat()} has no zone; give one, for example +08:00",
            parameter=name,
            value=at.isoformat(),
        )
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def check_words(**words: str) -> None:
    """
    Check texts that name who or what: 1 to 200 printable characters.

    Parameters
    ----------
    **words
        Texts by their names.

    Raises
    ------
    InvalidInputError
        If one is empty, too long, or holds a control character.
    """
    for name, value in words.items():
        if not 1 <= len(value) <= 200 or not is_text(value):
            raise InvalidInputError(
                f"{name}={value[:80]!r} must be 1 to 200 printable characters",
                parameter=name,
                value=value[:80],
            )


def _check_account(account: Account) -> None:
    check_words(name=account.name)
    if not 1 <= len(account.password_hash) <= 1000 or not is_text(account.password_hash):
        raise InvalidInputError(
            "password_hash must be 1 to 1000 printable characters", parameter="password_hash"
        )
    if account.role not in get_args(Role):
        raise InvalidInputError(
            f"role={account.role!r} is not one of {', '.join(get_args(Role))}",
            parameter="role",
            value=account.role,
        )
    for name in (*account.layers, *account.places):
        check_words(scope=name)


def _account(row: Sequence[object]) -> Account:
    name, password_hash, role, created_at, layers, places, is_active, must_change = row
    return Account(
        name=str(name),
        password_hash=str(password_hash),
        role=role,  # type: ignore[arg-type]  # checked when it was put there
        created_at=datetime.fromisoformat(str(created_at)),
        layers=tuple(orjson.loads(str(layers))),
        places=tuple(orjson.loads(str(places))),
        is_active=bool(is_active),
        must_change_password=bool(must_change),
    )


def _account_in(link: Link, name: str) -> Account | None:
    rows = link.rows(_ACCOUNT, (name,))
    return _account(rows[0]) if rows else None


def _no_account(name: str) -> NotFoundError:
    return NotFoundError(f"account {name[:80]!r} does not exist", parameter="account", value=name[:80])


def _after(prefix: str) -> str:
    """First text greater than all that start so: databases order keys by code point and find a range at once."""
    if not prefix:
        return "\U0010ffff"
    code = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)


def _noted(link: Link, key: str) -> object | None:
    rows = link.rows(_NOTE, (key,))
    value: object | None = orjson.loads(rows[0][0]) if rows else None
    return value


def _note_text(key: str, value: object) -> str:
    check_words(key=key)
    if key.startswith(RESERVED):
        raise InvalidInputError(
            f"key={key!r} starts with {RESERVED!r}, which the store keeps for itself",
            parameter="key",
            value=key,
        )
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidInputError(
            f"note {key!r} is no JSON value: {error}", parameter="value", value=repr(value)[:80]
        ) from error
    if len(text) > NOTE_LIMIT_BYTES:
        raise InvalidInputError(
            f"note {key!r} has {len(text)} bytes; at most {NOTE_LIMIT_BYTES}",
            parameter="value",
            value=len(text),
        )
    return text.decode()


def _put_note(link: Link, key: str, text: str) -> None:
    if text == "null":
        link.run("DELETE FROM notes WHERE key = ?", (key,))
    else:
        link.run(_SET_NOTE, (key, text))
