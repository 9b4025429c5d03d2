"""
Ways to lengthen the hours of a place that fall short of round the clock, as `opening_hours` that can hang on a door.

What a place is open now is taken by whole hours, as the clock sees it; every way holds all of them.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from geo_service.planning.week import DAYS

BoolArray = npt.NDArray[np.bool_]

ROUND_THE_CLOCK = "24/7"
LONG_DAY = "Mo-Su 06:00-24:00"

HOUR_MS = 3_600_000


def longer_hours(is_open: BoolArray, cutoff_ms: int) -> tuple[str, ...]:
    """
    List ways to stay open longer.

    Parameters
    ----------
    is_open
        Hours of the week in which a place is open throughout, from the full hour until the cutoff is over, shape
        ``(168,)``.
    cutoff_ms
        How long that is.

    Returns
    -------
    hours
        OSM ``opening_hours``: round the clock; 06:00 to midnight every day, with what it is open now on top; until
        midnight on the days on which it opens; the hours of its longest day on every day.

    Examples
    --------
    >>> shop = np.zeros((7, 24), dtype=bool)
    >>> shop[:5, 9:18] = True
    >>> longer_hours(shop.reshape(-1), 600_000)
    ('24/7', 'Mo-Su 06:00-24:00', 'Mo-Fr 09:00-24:00', 'Mo-Su 09:00-18:00')
    """
    days = is_open.reshape(7, 24)
    late = [_until_midnight(day) for day in days]
    longest = days[int(np.argmax(days.sum(axis=1)))]
    every_day = [day | longest for day in days]
    found = [ROUND_THE_CLOCK, LONG_DAY, _text(late, cutoff_ms), _text(every_day, cutoff_ms)]
    return tuple(dict.fromkeys(text for text in found if text))


def _until_midnight(day: BoolArray) -> BoolArray:
    opened = np.flatnonzero(day)
    late = day.copy()
    if len(opened):
        late[opened[0] :] = True
    return late


def _text(days: Sequence[BoolArray], cutoff_ms: int) -> str:
    """Hours of seven days as ``opening_hours``, days that are alike and beside each other as one."""
    spans = [_spans(day, cutoff_ms) for day in days]
    rules, first = [], 0
    for text, alike in groupby(spans):
        count = len(list(alike))
        last = first + count - 1
        if text:
            rules.append(f"{DAYS[first]}-{DAYS[last]} {text}" if count > 1 else f"{DAYS[first]} {text}")
        first += count
    return "; ".join(rules)


def _spans(day: BoolArray, cutoff_ms: int) -> str:
    """Runs of open hours; the last one of a run must be over before the door shuts."""
    steps = np.diff(np.concatenate([[0], day.astype(np.int8), [0]]))
    stay = max(1, -(-cutoff_ms // HOUR_MS))
    runs = zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True)
    return ",".join(f"{begin:02}:00-{end - 1 + stay:02}:00" for begin, end in runs)
