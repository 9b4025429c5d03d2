"""
Opening hours for two weeks, day by day as the server's own timeline says them, holidays and make-up days in it.

Most days of most texts look alike, so each kind of day is written once. A phone looks two weeks ahead of any instant of
the fourteen days for "until" and "opens again", as the server does: `REACH` days are written. What comes after is a
plain week without holidays, which the phone must tell as an estimate.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from geo_service.hours import HORIZON_DAYS, SHANGHAI, DayKind, build_timeline, calendar_day

DAYS = 14
"""Days in which what a phone says of hours is what the server says."""

REACH = DAYS + HORIZON_DAYS + 1
"""Days that are written: from the last instant of the fourteen one must see two weeks ahead."""

_DAY = timedelta(days=1)
_DAY_S = 86_400

Day = tuple[int, ...]
"""What holds on a day: minute and kind, minute and kind …; the first minute is 0."""


def midnight(day: date) -> datetime:
    """
    Say when a day begins.

    Parameters
    ----------
    day
        In Asia/Shanghai.

    Returns
    -------
    midnight
        Aware.
    """
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def pack_hours(texts: Sequence[str | None], day: date) -> dict[str, Any]:
    """
    Work out what texts say.

    Parameters
    ----------
    texts
        OSM ``opening_hours``, each once; None for places that say nothing.
    day
        The first of the days, in Asia/Shanghai.

    Returns
    -------
    hours
        JSON values: ``day_s, days, reach``; ``kinds`` of day; by text the row in ``kinds`` of each of `REACH` days,
        and of Monday to Sunday of an ordinary week.
    """
    week = ordinary_week(day)
    kinds: dict[Day, int] = {}
    days, weeks = [], []
    for text in texts:
        days.append([kinds.setdefault(said, len(kinds)) for said in days_of(text, day, REACH)])
        weeks.append([kinds.setdefault(days_of(text, one, 1)[0], len(kinds)) for one in week])
    return {
        "format": 1,
        "day_s": int(midnight(day).timestamp()),
        "days": DAYS,
        "reach": REACH,
        "kinds": [list(kind) for kind in kinds],
        "on": days,
        "week": weeks,
    }


def days_of(text: str | None, first: date, count: int) -> list[Day]:
    """
    Cut what a text says into days.

    Parameters
    ----------
    text
        OSM ``opening_hours``, or None.
    first
        First day, in Asia/Shanghai.
    count
        How many days.

    Returns
    -------
    days
        One for each; a day has 1440 minutes, there is no summer time in China since 1991.
    """
    line = build_timeline(text, midnight(first), midnight(first + count * _DAY))
    begin_s = int(line.start_s[0])
    days: list[list[int]] = [[] for _ in range(count)]
    holding = 0
    changes = {
        (start_s - begin_s) // 60: kind
        for start_s, kind in zip(line.start_s.tolist(), line.kind.tolist(), strict=True)
    }
    for minute in sorted({*changes, *range(0, count * 1440, 1440)}):
        holding = changes.get(minute, holding)
        days[minute // 1440] += [minute % 1440, holding]
    return [tuple(one) for one in days]


def ordinary_week(day: date) -> list[date]:
    """
    Find an ordinary Monday, Tuesday … Sunday: neither it nor its eve is a holiday or a make-up day.

    Parameters
    ----------
    day
        From when on to look, in Asia/Shanghai.

    Returns
    -------
    week
        Seven dates, not of one week; without a notice yet any day is ordinary enough.
    """
    found: dict[int, date] = {}
    for ahead in range(400):
        one = day + ahead * _DAY
        plain = all(calendar_day(d).kind is DayKind.ORDINARY for d in (one - _DAY, one))
        if plain and one.weekday() not in found:
            found[one.weekday()] = one
        if len(found) == 7:
            break
    return [found[weekday] for weekday in range(7)]
