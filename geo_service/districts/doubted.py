"""What people on the spot say, joined with the answers: the finder hears when, the answer says what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from geo_service.desk.doubts import Doubt, doubt_notes, doubts_in, spoken_for
from geo_service.hours import SHANGHAI
from geo_service.store.base import Store

if TYPE_CHECKING:
    from geo_service.finder import Doubts


@dataclass(frozen=True)
class Standing:
    """
    Everything that is said against places at present.

    Parameters
    ----------
    by_place
        Doubts that nobody has settled.
    """

    by_place: Mapping[str, tuple[Doubt, ...]]

    @cached_property
    def spans(self) -> "Doubts":
        """When they speak, for the finder."""
        from geo_service.finder import Doubted, Doubts

        return Doubts(
            tuple(
                Doubted(doubt.place, *_seconds(doubt))
                for doubts in self.by_place.values()
                for doubt in doubts
            )
        )

    def rows(self) -> list[dict[str, Any]]:
        """
        Give all of it to who judges instants himself, as a phone does.

        Returns
        -------
        doubts
            ``place, claim, n_said, last_s, begin_s, end_s`` each: an "open" is stale from the begin until before
            the end.
        """
        return [
            {
                "place": doubt.place,
                "claim": doubt.claim,
                "n_said": doubt.n_said,
                "last_s": int(doubt.last_at.timestamp()),
                "begin_s": _seconds(doubt)[0],
                "end_s": _seconds(doubt)[1],
            }
            for place in sorted(self.by_place)
            for doubt in self.by_place[place]
        ]

    def against(self, place: str, at: datetime) -> list[dict[str, Any]]:
        """
        What is said against a place at an instant, as JSON values.

        Parameters
        ----------
        place
            Its id.
        at
            The instant, aware.

        Returns
        -------
        doubts
            ``claim, n_said, last_at``; empty for most.
        """
        return [
            {
                "claim": doubt.claim,
                "n_said": doubt.n_said,
                "last_at": doubt.last_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            }
            for doubt in self.by_place.get(place, ())
            if _seconds(doubt)[0] <= at.timestamp() < _seconds(doubt)[1]
        ]


def _seconds(doubt: Doubt) -> tuple[int, int]:
    """Whole ones, so that a doubt of this second speaks in it."""
    begin, end = spoken_for(doubt)
    return int(begin.timestamp()), int(end.timestamp())


NOTHING_SAID = Standing({})


class Hearsay:
    """
    What stands, read for every question, and worked out only when something was said or settled.

    Parameters
    ----------
    store
        Of the district.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: tuple[Mapping[str, object], Standing] = ({}, NOTHING_SAID)

    def now(self) -> Standing:
        """
        Say what stands.

        Returns
        -------
        standing
            As of now, whichever process took it down.
        """
        notes = doubt_notes(self._store)
        known, standing = self._held
        if notes != known:
            standing = Standing(doubts_in(notes))
            self._held = notes, standing
        return standing
