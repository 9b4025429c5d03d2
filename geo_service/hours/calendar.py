"""
The working calendar of mainland China: what kind of day a date is.

Announced years come from chinesecalendar, which carries the State Council's yearly notices. A year
without a notice is not guessed: near a statutory festival its days are *unannounced*. Where the
festivals fall is known long before the notice is, so those dates are data: see ``_MOON_AND_SUN``.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import chinese_calendar

FESTIVAL_REACH_DAYS = 10
"""How far around a statutory festival a notice may move days off and workdays, inclusive."""

_DAY = timedelta(days=1)
_SATURDAY = 5

# Month and day of Spring Festival, Qingming, Dragon Boat and Mid-Autumn by year, in China's calendar as
# GB/T 33661-2017 defines it. Computed with sxtwl 2.0.7 (astronomical) and equal to lunardate 0.3.0 (table)
# for all four lunar dates; tests compare the years up to 2026 with the notices.
_MOON_AND_SUN = """
2004 0122 0404 0622 0928  2005 0209 0405 0611 0918  2006 0129 0405 0531 1006  2007 0218 0405 0619 0925
2008 0207 0404 0608 0914  2009 0126 0404 0528 1003  2010 0214 0405 0616 0922  2011 0203 0405 0606 0912
2012 0123 0404 0623 0930  2013 0210 0404 0612 0919  2014 0131 0405 0602 0908  2015 0219 0405 0620 0927
2016 0208 0404 0609 0915  2017 0128 0404 0530 1004  2018 0216 0405 0618 0924  2019 0205 0405 0607 0913
2020 0125 0404 0625 1001  2021 0212 0404 0614 0921  2022 0201 0405 0603 0910  2023 0122 0405 0622 0929
2024 0210 0404 0610 0917  2025 0129 0404 0531 1006  2026 0217 0405 0619 0925  2027 0206 0405 0609 0915
2028 0126 0404 0528 1003  2029 0213 0404 0616 0922  2030 0203 0405 0605 0912  2031 0123 0405 0624 1001
2032 0211 0404 0612 0919  2033 0131 0404 0601 0908  2034 0219 0405 0620 0927  2035 0208 0405 0610 0916
2036 0128 0404 0530 1004  2037 0215 0404 0618 0924  2038 0204 0405 0607 0913  2039 0124 0405 0527 1002
2040 0212 0404 0614 0920  2041 0201 0404 0603 0910  2042 0122 0404 0622 0928  2043 0210 0405 0611 0917
2044 0130 0404 0531 1005  2045 0217 0404 0619 0925  2046 0206 0404 0608 0915  2047 0126 0405 0529 1004
2048 0214 0404 0615 0922  2049 0202 0404 0604 0911  2050 0123 0404 0623 0930
"""


class DayKind(StrEnum):
    """What the working calendar says of a date."""

    ORDINARY = "ordinary"
    HOLIDAY = "holiday"
    MAKE_UP = "make_up"
    UNANNOUNCED = "unannounced"


class CalendarDay(NamedTuple):
    """
    A date in the working calendar.

    Parameters
    ----------
    kind
        Ordinary, statutory holiday (weekends and days in lieu inside its break too), make-up workday, or
        too near a festival of a year that is not announced to tell.
    stands_for
        The date whose weekday counts: the Friday before a make-up Saturday, the Monday after a make-up
        Sunday, else the date itself.
    """

    kind: DayKind
    stands_for: date


def _parse_festivals(table: str) -> dict[int, tuple[date, date, date, date]]:
    words = iter(table.split())
    return {
        year: tuple(_date_in(year, next(words)) for _ in range(4))  # type: ignore[misc]
        for year in map(int, words)
    }


def _date_in(year: int, month_day: str) -> date:
    return date(year, int(month_day[:2]), int(month_day[2:]))


_FESTIVALS = _parse_festivals(_MOON_AND_SUN)
ANNOUNCED_YEARS = frozenset(day.year for day in chinese_calendar.holidays)
"""Years whose notice the calendar library carries."""


def statutory_days(year: int) -> tuple[date, ...]:
    """
    Days that the law names as holidays, before any notice moves days around them.

    Thirteen since 2025: New Year's Day, the eve and first three days of Spring Festival, Qingming,
    1-2 May, Dragon Boat, Mid-Autumn, 1-3 October.

    Parameters
    ----------
    year
        Any year; outside 2004-2050 only the days fixed in the solar calendar are given.

    Returns
    -------
    days
        In the order of the year, except that Mid-Autumn may fall after 1 October.

    Examples
    --------
    >>> statutory_days(2027)[1].isoformat()
    '2027-02-05'
    """
    new_year, may, october = date(year, 1, 1), date(year, 5, 1), date(year, 10, 1)
    fixed_late = (october, october + _DAY, october + 2 * _DAY)
    if year not in _FESTIVALS:
        return (new_year, may, may + _DAY, *fixed_late)
    spring, qingming, dragon, autumn = _FESTIVALS[year]
    springs = (spring - _DAY, spring, spring + _DAY, spring + 2 * _DAY)
    return (new_year, *springs, qingming, may, may + _DAY, dragon, autumn, *fixed_late)


@lru_cache(maxsize=16384)
def calendar_day(day: date) -> CalendarDay:
    """
    Look a date up in the working calendar.

    Parameters
    ----------
    day
        A date in Asia/Shanghai.

    Returns
    -------
    found
        Its kind, and the date whose weekday counts.

    Examples
    --------
    >>> calendar_day(date(2026, 10, 10)).stands_for.isoformat()
    '2026-10-09'
    >>> calendar_day(date(2027, 10, 1)).kind.value
    'unannounced'
    """
    if _is_unannounced(day):
        return CalendarDay(DayKind.UNANNOUNCED, day)
    if day in chinese_calendar.workdays:
        return CalendarDay(DayKind.MAKE_UP, day - _DAY if day.weekday() == _SATURDAY else day + _DAY)
    return CalendarDay(DayKind.HOLIDAY if _is_in_break(day) else DayKind.ORDINARY, day)


def festival_name(day: date) -> tuple[str, str] | None:
    """
    Name the festival that a day off, or a workday that makes up for one, belongs to.

    Parameters
    ----------
    day
        A date in Asia/Shanghai.

    Returns
    -------
    names
        Chinese and English; None of an ordinary day and of a year that is not announced.

    Examples
    --------
    >>> festival_name(date(2026, 10, 1)), festival_name(date(2026, 11, 22))
    (('国庆节', 'National Day'), None)
    """
    found = chinese_calendar.holidays.get(day) or chinese_calendar.workdays.get(day)
    name = found or (_is_in_break(day) and chinese_calendar.holidays[day - _DAY])
    return (chinese_calendar.Holiday(name).chinese, name) if name else None


def _is_in_break(day: date) -> bool:
    """Whether a holiday, also for the three festival weekends (2011, 2012, 2015) that the library leaves out."""
    if day in chinese_calendar.holidays:
        return True
    return day - _DAY in chinese_calendar.holidays and day + _DAY in chinese_calendar.holidays


def _is_unannounced(day: date) -> bool:
    if day.year not in ANNOUNCED_YEARS and day.year not in _FESTIVALS:
        return True
    reach = timedelta(days=FESTIVAL_REACH_DAYS)
    return any(abs(day - festival) <= reach for festival in _unannounced_festivals(day.year))


def _unannounced_festivals(year: int) -> Iterator[date]:
    # Workdays of late December that make up for New Year's Day are published with the next year's notice.
    if year not in ANNOUNCED_YEARS:
        yield from statutory_days(year)
    if year + 1 not in ANNOUNCED_YEARS:
        yield date(year + 1, 1, 1)
