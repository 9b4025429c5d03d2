"""
A week of 168 hours as a planner sees it, and when something is open in each of them.

Hour 0 begins on Monday at midnight in Asia/Shanghai. An hour counts as open for whoever departs as it begins if the
door stays open from then until the cutoff is over, both ends included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.hours import SHANGHAI, DayKind, Kind, Timeline, build_timeline, calendar_day, check_hours
from geo_service.planning.demand import HOURS

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Week:
    """
    One week.

    Parameters
    ----------
    monday
        Its first day; of another day the week around it is meant.
    """

    monday: date

    def __post_init__(self) -> None:
        object.__setattr__(self, "monday", self.monday - timedelta(days=self.monday.weekday()))

    @property
    def days(self) -> tuple[date, ...]:
        """Monday to Sunday."""
        return tuple(self.monday + timedelta(days=i) for i in range(7))

    @cached_property
    def instants(self) -> tuple[datetime, ...]:
        """The beginning of each hour, aware."""
        begin = datetime(self.monday.year, self.monday.month, self.monday.day, tzinfo=SHANGHAI)
        return tuple(begin + timedelta(hours=hour) for hour in range(HOURS))

    @property
    def kinds(self) -> tuple[DayKind, ...]:
        """What the working calendar says of each day."""
        return tuple(calendar_day(day).kind for day in self.days)

    @property
    def is_workday(self) -> tuple[bool, ...]:
        """Which days are worked: make-up Saturdays are, holidays are not; unannounced ones count by weekday."""
        return tuple(
            kind == DayKind.MAKE_UP or (kind != DayKind.HOLIDAY and day.weekday() < 5)
            for kind, day in zip(self.kinds, self.days, strict=True)
        )

    def open_hours(self, line: Timeline, cutoff_ms: int, *, unknown_counts: bool = False) -> BoolArray:
        """
        In which hours something is open throughout.

        Parameters
        ----------
        line
            Its timeline over the week and the cutoff after it.
        cutoff_ms
            How long it must stay open.
        unknown_counts
            Whether unknown counts as open.

        Returns
        -------
        is_open
            Shape ``(168,)``.
        """
        counts = (line.kind == Kind.OPEN) | ((line.kind == Kind.UNKNOWN) & unknown_counts)
        begin_s = np.array([int(at.timestamp()) for at in self.instants], dtype=np.int64)
        end_s = begin_s + -(-cutoff_ms // 1000)
        first = np.searchsorted(line.start_s, begin_s, side="right") - 1
        last = np.searchsorted(line.start_s, end_s, side="right") - 1
        shut = np.concatenate([[0], np.cumsum(~counts)])
        is_open: BoolArray = shut[last + 1] == shut[first]
        return is_open

    def open_by_text(self, hours: str | None, cutoff_ms: int) -> BoolArray:
        """
        In which hours a door with given hours is open throughout.

        Parameters
        ----------
        hours
            OSM ``opening_hours``; None counts as never.
        cutoff_ms
            How long it must stay open.

        Returns
        -------
        is_open
            Shape ``(168,)``.

        Raises
        ------
        InvalidInputError
            If the text cannot be read.
        """
        if hours is None:
            return np.zeros(HOURS, dtype=np.bool_)
        check_hours(hours)
        end = self.instants[-1] + timedelta(hours=1, milliseconds=cutoff_ms + 1000)
        return self.open_hours(build_timeline(hours, self.instants[0], end), cutoff_ms)


DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
"""Days of the week as OSM writes them."""


def parse_hour(text: str) -> int:
    """
    Read an hour of the week.

    Parameters
    ----------
    text
        A day and an hour, such as ``"Mo-02"`` or ``"Mo 02:00"``.

    Returns
    -------
    hour
        0 to 167.

    Raises
    ------
    InvalidInputError
        If it is no such hour.

    Examples
    --------
    >>> parse_hour("Tu-02"), parse_hour("Su 23:00")
    (26, 167)
    """
    day, clock_hour = text[:2], text[3:].removesuffix(":00")
    is_hour = clock_hour.isascii() and clock_hour.isdigit() and len(clock_hour) <= 2 and int(clock_hour) < 24
    if day not in DAYS or text[2:3] not in ("-", " ") or not is_hour:
        raise InvalidInputError(
            f"hour={text[:20]!r} is no hour of the week; write a day of {', '.join(DAYS)} and an hour, as in Mo-02",
            parameter="hour",
            value=text,
        )
    return DAYS.index(day) * 24 + int(clock_hour)


def hour_name(hour: int) -> str:
    """
    Name an hour of the week.

    Parameters
    ----------
    hour
        0 to 167.

    Returns
    -------
    name
        Such as ``"Tu 02:00"``.

    Examples
    --------
    >>> hour_name(26)
    'Tu 02:00'
    """
    return f"{DAYS[hour // 24]} {hour % 24:02}:00"


def hours_at(clock_hour: int, days: Sequence[int] = range(7)) -> tuple[int, ...]:
    """
    The same hour of several days.

    Parameters
    ----------
    clock_hour
        0 to 23.
    days
        0 for Monday.

    Returns
    -------
    hours
        Of the week.
    """
    return tuple(day * 24 + clock_hour for day in days)
