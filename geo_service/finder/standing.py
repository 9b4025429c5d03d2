"""
How places stand at the instants of a day, worked out once: an answer then looks up what holds, and makes nothing.

Between two cuts nothing changes of what is said of a place: cuts are where it opens or closes, half an hour before
it closes, and midnights, at which facts grow too old. Near the instant from which its next change comes
into the outlook nothing is prepared, and whoever asks then is told by `Finder.opening` as ever.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from geo_service.hours import (
    CLOSING_SOON_S,
    SHANGHAI,
    Opening,
    Timeline,
    build_timeline,
    combine_timelines,
    opening_on,
    restrict_timeline,
)
from geo_service.layers import Place

HORIZON = timedelta(days=2)
"""Arrivals later than this after departure are not judged open: no district is that wide."""

OUTLOOK = timedelta(days=14)
"""How far ahead "opens again at" looks."""

_OUTLOOK_S, _HOUR_S = OUTLOOK.total_seconds(), 3600


def place_timeline(place: Place, services: Sequence[str], start: datetime, end: datetime) -> Timeline:
    """
    When the door, or all the services asked for, stand open; nothing before or after their dates.

    Parameters
    ----------
    place
        The place.
    services
        Kinds of service; the door if none.
    start, end
        The window.

    Returns
    -------
    line
        Over the window.
    """
    parts = [build_timeline(place.hours, start, end)] if not services else []
    for service in place.services:
        if service.kind in services:
            timeline = build_timeline(service.hours or place.hours, start, end)
            parts.append(restrict_timeline(timeline, service.valid_from, service.valid_until))
    # An active place is in use within its dates, a paused one outside of them.
    return restrict_timeline(
        combine_timelines(parts),
        place.status_from,
        place.status_until,
        is_kept_inside=place.status == "active",
    )


class Standing(NamedTuple):
    """
    How one place stands during a day and the horizon after it.

    Parameters
    ----------
    cut_s
        Where something changes, epoch seconds, ascending; the last is the end.
    opening
        What holds from each cut on; None where it has to be worked out.
    """

    cut_s: Sequence[int]
    opening: Sequence[Opening | None]

    def at(self, instant_s: float) -> Opening | None:
        """What holds at an instant, epoch seconds; None if it was not prepared."""
        i = bisect_right(self.cut_s, instant_s) - 1
        return self.opening[i] if i >= 0 else None


def build_standing(
    place: Place, services: Sequence[str], day: date, is_stale: Callable[[Place, date], bool]
) -> Standing:
    """
    Work out how a place stands for whoever departs on a day.

    Parameters
    ----------
    place
        The place.
    services
        Kinds of service that must all be on offer; the door if none.
    day
        In Asia/Shanghai.
    is_stale
        Whether the facts of the place are too old on a day.

    Returns
    -------
    standing
        From the midnight that begins the day to the horizon after the one that ends it.
    """
    begin = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    days = [begin + timedelta(days=i) for i in range(2 + HORIZON.days)]
    line = place_timeline(place, services, begin, days[-1] + OUTLOOK + timedelta(days=1))
    changes = line.start_s.tolist()
    first_s, last_s = int(begin.timestamp()), int(days[-1].timestamp())
    cuts = {int(midnight.timestamp()) for midnight in days}
    for change_s in changes[1:]:
        comes_s = int(change_s - _OUTLOOK_S)
        cuts |= {change_s, change_s - CLOSING_SOON_S, comes_s - _HOUR_S, comes_s + _HOUR_S}
    cut_s = sorted(cut for cut in cuts if first_s <= cut <= last_s)
    opening: list[Opening | None] = []
    for cut in cut_s[:-1]:
        at = datetime.fromtimestamp(cut, SHANGHAI)
        told = opening_on(line, at, is_stale=is_stale(place, at.date()))
        left_s = told.until.timestamp() - cut if told.until else 0
        if left_s > _OUTLOOK_S + _HOUR_S:
            opening.append(Opening(told.state, None, None))
        else:
            opening.append(None if left_s > _OUTLOOK_S - _HOUR_S else told)
    return Standing(cut_s, [*opening, None])
