"""
Links and printed codes that let one verify one place without an account.

The code proves that its holder was given it, no more: it holds no secret of the store, names one place, and
ends when it is renewed. A head of a station keeps it on the telephone, or on the inside of the cupboard door.
"""

import base64
import hashlib
import hmac
import secrets

from geo_service.store.base import Store

_KEY = "desk/check-key"
_TURN = "desk/check-turn/"
_BYTES = 12
"""Length of a code before encoding: 96 bits cannot be guessed over a network."""


def check_code(store: Store, place: str) -> str:
    """
    Code of a place, the same until it is renewed.

    Parameters
    ----------
    store
        Of the district.
    place
        Id of the place.

    Returns
    -------
    code
        Sixteen characters that need no quoting in an address.
    """
    text = f"{place}\n{_turn(store, place)}".encode()
    digest = hmac.new(_key(store), text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()


def is_check_code(store: Store, place: str, code: str) -> bool:
    """
    Whether a code is that of a place.

    Parameters
    ----------
    store
        Of the district.
    place
        Id of the place.
    code
        What was given.

    Returns
    -------
    is_code
        Compared in constant time.
    """
    return hmac.compare_digest(check_code(store, place).encode(), code.encode())


def renew_code(store: Store, place: str) -> str:
    """
    End the code of a place and begin another.

    Parameters
    ----------
    store
        Of the district.
    place
        Id of the place.

    Returns
    -------
    code
        The new one.
    """
    while not store.swap_note(f"{_TURN}{place}", _turn(store, place) or None, _turn(store, place) + 1):
        continue
    return check_code(store, place)


def _turn(store: Store, place: str) -> int:
    turn = store.note(f"{_TURN}{place}")
    return turn if isinstance(turn, int) else 0


def _key(store: Store) -> bytes:
    kept = store.note(_KEY)
    if not isinstance(kept, str):
        store.swap_note(_KEY, None, secrets.token_hex(32))
        kept = str(store.note(_KEY))
    return bytes.fromhex(kept)
