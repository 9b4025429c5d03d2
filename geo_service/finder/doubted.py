"""
Places whose "open" somebody on the spot speaks against, for a stretch of time: there it counts as stale.

What was said, and by how many, the desk knows; here are only the stretches. What is closed or unknown stays so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np

from geo_service.hours import Kind, Timeline


class Doubted(NamedTuple):
    """One place, and from when until before when its "open" is doubted, epoch seconds."""

    place: str
    begin_s: int
    end_s: int


@dataclass(frozen=True)
class Doubts:
    """
    All that is doubted at present.

    Parameters
    ----------
    spans
        In any order; those of one place may overlap.
    """

    spans: tuple[Doubted, ...] = ()

    @cached_property
    def of(self) -> Mapping[str, tuple[Doubted, ...]]:
        """The spans by place."""
        found: dict[str, tuple[Doubted, ...]] = {}
        for span in self.spans:
            found[span.place] = (*found.get(span.place, ()), span)
        return found

    def holds(self, place: str, at: datetime) -> bool:
        """
        Whether a place is doubted at an instant.

        Parameters
        ----------
        place
            Its id.
        at
            The instant, aware.

        Returns
        -------
        holds
            True from the begin of a span until before its end.
        """
        return any(span.begin_s <= at.timestamp() < span.end_s for span in self.of.get(place, ()))


NO_DOUBTS = Doubts()


def without_open(line: Timeline, spans: Sequence[Doubted]) -> Timeline:
    """
    Let no stretch of a line count as open where it is doubted.

    Parameters
    ----------
    line
        When a place is open.
    spans
        When that is doubted.

    Returns
    -------
    line
        The same, closed where it was open and is doubted; neighbours may be alike.
    """
    edges = [edge for span in spans for edge in span[1:] if line.start_s[0] < edge < line.end_s]
    start_s = np.union1d(line.start_s, np.array(edges, dtype=np.int64))
    kind = line.kind[np.searchsorted(line.start_s, start_s, side="right") - 1].copy()
    for span in spans:
        kind[(kind == Kind.OPEN) & (start_s >= span.begin_s) & (start_s < span.end_s)] = Kind.CLOSED
    return Timeline(start_s, kind, line.end_s)
