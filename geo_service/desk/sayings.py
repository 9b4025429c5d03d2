"""
What riders tap while the network is away: it arrives later, sometimes twice, and counts once.

Each tap carries a random key of its own. The store remembers keys for longer than a phone keeps a tap, as notes
that hold the key and an instant: nothing of who said what.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from geo_service.errors import InvalidInputError, UnavailableError
from geo_service.store.base import Store

QUEUE_LIFE = timedelta(days=7)
"""How long a phone keeps a tap before it lets it go."""

_KEY_LIFE = QUEUE_LIFE + timedelta(days=1)
_HELD = timedelta(minutes=1)
"""After this a key that was taken and never finished counts as that of a process that died."""

_PREFIX = "said/"
_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def check_key(key: str) -> None:
    """
    Refuse a key that is none.

    Parameters
    ----------
    key
        What came with the tap.

    Raises
    ------
    InvalidInputError
        If it is no UUID in lower case.
    """
    if not _KEY.fullmatch(key):
        shown = key[:40]
        raise InvalidInputError(
            f"key={shown!r} is no random UUID such as 2b1c54e6-7f0d-4c2a-9a41-0d5a3f6e8b17",
            parameter="key",
            value=shown,
        )


def tapped_at(age_s: str, now: datetime) -> datetime:
    """
    When a tap was made, by our own clock: those of phones are wrong.

    Parameters
    ----------
    age_s
        Whole seconds since the tap, as text; empty for now.
    now
        The present, aware.

    Returns
    -------
    at
        The instant, at most `QUEUE_LIFE` and a day ago.

    Raises
    ------
    InvalidInputError
        If the age is no whole number of seconds or longer than a phone keeps a tap.

    Examples
    --------
    >>> tapped_at("90", datetime(2026, 11, 22, 12, 0)).isoformat()
    '2026-11-22T11:58:30'
    """
    most_s = int(_KEY_LIFE.total_seconds())
    if not re.fullmatch(r"[0-9]{0,7}", age_s, re.ASCII) or int(age_s or "0") > most_s:
        shown = age_s[:40]
        raise InvalidInputError(
            f"age_s={shown!r} is outside 0..{most_s} whole seconds", parameter="age_s", value=shown
        )
    return now - timedelta(seconds=int(age_s or "0"))


def take_once(store: Store, key: str, now: datetime, act: Callable[[], None]) -> bool:
    """
    Do what a tap says, unless that very tap was here before.

    Parameters
    ----------
    store
        Of the district.
    key
        The tap's own, as `check_key` lets pass.
    now
        The present, aware.
    act
        Takes the tap down; if it raises, the tap may come again.

    Returns
    -------
    counted
        False if it had been taken down already. A tap whose process died in between is taken down again after a
        minute: what was acknowledged is counted once, what was not at least once.

    Raises
    ------
    UnavailableError
        If the same tap is being taken down at this moment; it is not acknowledged before that is done.
    """
    name = _PREFIX + key
    was = store.note(name)
    if isinstance(was, Mapping) and was.get("done"):
        return False
    held = {"at": now.isoformat(), "done": False}
    is_free = was is None or now - _instant(was) > _HELD
    if not is_free or not store.swap_note(name, was, held):
        raise UnavailableError("this very tap is being taken down just now", retry_after_s=1)
    try:
        act()
    except BaseException:
        store.swap_note(name, held, None)
        raise
    store.put_note(name, held | {"done": True})
    _forget(store, now)
    return True


def _instant(note: object) -> datetime:
    at = note.get("at") if isinstance(note, Mapping) else None
    return datetime.fromisoformat(str(at))


def _forget(store: Store, now: datetime) -> None:
    """Let keys go that no phone can still hold."""
    for name, note in store.notes(_PREFIX).items():
        if now - _instant(note) > _KEY_LIFE:
            store.put_note(name, None)
