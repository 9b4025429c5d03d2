"""
"Shut now", "wrong here": what people on the spot say against what the layer says.

A doubt downgrades the state at once and waits for the head of the station, so that one prank cannot close
a place and one honest rider need not wait for an office. It stands until somebody who may verify
the place settles it, or until it is too old to mean anything. It holds no word of who said it and from where.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from geo_service.errors import InvalidInputError
from geo_service.store.base import Store

Claim = Literal["shut_now", "wrong"]
CLAIMS: tuple[Claim, ...] = ("shut_now", "wrong")

SHUT_LIFE = timedelta(hours=12)
"""How long "shut now" speaks against the hours: now is not tomorrow."""

_PREFIX = "doubt/"
_SETTLED = "settled/"
_ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""The years that hours are worked out for."""


@dataclass(frozen=True)
class Doubt:
    """
    What is said against one place.

    Parameters
    ----------
    place
        Its id.
    claim
        ``"shut_now"`` or ``"wrong"``.
    n_said
        How often it was said since it was last settled.
    first_at
        When it was said first, aware.
    last_at
        When it was said last, aware.
    """

    place: str
    claim: Claim
    n_said: int
    first_at: datetime
    last_at: datetime


def say_doubt(store: Store, place: str, claim: str, at: datetime) -> Doubt:
    """
    Take a doubt down, or count it to the one that stands.

    Parameters
    ----------
    store
        Of the district.
    place
        Id of a place that is there.
    claim
        One of `CLAIMS`.
    at
        The instant, aware.

    Returns
    -------
    doubt
        As it stands now.

    Raises
    ------
    InvalidInputError
        If the claim is none.
    NotFoundError
        If there is no such place.
    """
    if claim not in CLAIMS:
        raise InvalidInputError(
            f"claim={claim[:40]!r} is none; allowed: {', '.join(CLAIMS)}", parameter="claim", value=claim[:40]
        )
    store.features([place])
    key = f"{_PREFIX}{place}/{claim}"
    while True:
        was = store.note(key)
        standing = _doubt(key, was)
        n_said = standing.n_said if standing else 0
        # what was tapped without a network comes late, and after what was tapped later
        first_at, last_at = (min(at, standing.first_at), max(at, standing.last_at)) if standing else (at, at)
        value = {"n_said": n_said + 1, "first_at": first_at.isoformat(), "last_at": last_at.isoformat()}
        if store.swap_note(key, was, value):
            return Doubt(place, "shut_now" if claim == "shut_now" else "wrong", n_said + 1, first_at, last_at)


def settle_doubts(store: Store, place: str, at: datetime | None = None) -> tuple[Doubt, ...]:
    """
    Take away what is said against a place, because somebody who may has looked.

    Parameters
    ----------
    store
        Of the district.
    place
        Its id.
    at
        When that was, aware: what was tapped before and arrives later is settled as well. None if nobody looked.

    Returns
    -------
    doubts
        Those that stood.
    """
    settled = tuple(doubt for doubt in standing_doubts(store).get(place, ()))
    for claim in CLAIMS:
        store.put_note(f"{_PREFIX}{place}/{claim}", None)
    if at is not None:
        store.put_note(_SETTLED + place, at.isoformat())
    return settled


def is_settled_since(store: Store, place: str, at: datetime) -> bool:
    """
    Whether somebody who may has looked since a tap was made.

    Parameters
    ----------
    store
        Of the district.
    place
        Its id.
    at
        When the tap was made, aware.

    Returns
    -------
    settled
        True if what it says against the place is answered already.
    """
    looked = store.note(_SETTLED + place)
    return isinstance(looked, str) and at <= datetime.fromisoformat(looked)


def standing_doubts(store: Store) -> Mapping[str, tuple[Doubt, ...]]:
    """
    All doubts that nobody has settled.

    Parameters
    ----------
    store
        Of the district.

    Returns
    -------
    doubts
        By place.
    """
    return doubts_in(doubt_notes(store))


def doubt_notes(store: Store) -> Mapping[str, object]:
    """
    The notes that hold the doubts: equal notes are equal doubts.

    Parameters
    ----------
    store
        Of the district.

    Returns
    -------
    notes
        To be read by `doubts_in`.
    """
    return store.notes(_PREFIX)


def doubts_in(notes: Mapping[str, object]) -> Mapping[str, tuple[Doubt, ...]]:
    """
    Read doubts from their notes.

    Parameters
    ----------
    notes
        As `doubt_notes` gives them.

    Returns
    -------
    doubts
        By place.
    """
    found: dict[str, tuple[Doubt, ...]] = {}
    for key, value in notes.items():
        if doubt := _doubt(key, value):
            found[doubt.place] = (*found.get(doubt.place, ()), doubt)
    return found


def spoken_for(doubt: Doubt) -> tuple[datetime, datetime]:
    """
    From when until before when a doubt downgrades an "open".

    Parameters
    ----------
    doubt
        What is said.

    Returns
    -------
    begin, end
        "Shut now" speaks for `SHUT_LIFE` after it was said last, "wrong" always: until it is settled.
    """
    if doubt.claim == "wrong":
        return _ALWAYS
    return doubt.last_at, doubt.last_at + SHUT_LIFE


def speaks_against(doubt: Doubt, at: datetime) -> bool:
    """
    Whether a doubt downgrades an "open" at an instant.

    Parameters
    ----------
    doubt
        What is said.
    at
        When the rider arrives, aware.

    Returns
    -------
    speaks
        As `spoken_for` says.
    """
    begin, end = spoken_for(doubt)
    return begin <= at < end


def _doubt(key: str, value: object) -> Doubt | None:
    if not isinstance(value, Mapping):
        return None
    place, _, claim = key.removeprefix(_PREFIX).rpartition("/")
    first_at, last_at = (datetime.fromisoformat(value[name]) for name in ("first_at", "last_at"))
    return Doubt(place, "shut_now" if claim == "shut_now" else "wrong", value["n_said"], first_at, last_at)
