"""
Rules and days into one sorted line of open, closed and unknown, and what it says at an instant.

Every rule is asked about every day on its own; what it says there belongs to that day, past midnight too.
At one instant the line hears today's rules and what yesterday's run over, and the later rule in the text wins.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo_service.errors import InvalidInputError
from geo_service.hours.syntax import DAY_MIN, Kind, Rule, Span, parse_rules

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOSING_SOON_S = 1800
HORIZON_DAYS = 14
"""How far ahead ``opening_at`` looks for the next change."""

_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_DAY = timedelta(days=1)
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)T(?P<clock>\d\d:\d\d(?::\d\d)?)(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII
)


class State(StrEnum):
    """What a rider is told; only the first two qualify unless he asks for more."""

    OPEN = "open"
    CLOSING_SOON = "closing_soon"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    STALE = "stale"


class Timeline(NamedTuple):
    """
    Open, closed and unknown over a window, without gaps.

    Parameters
    ----------
    start_s
        Where each stretch starts, epoch seconds, shape ``(n,)``, sorted; the first is the window's start.
    kind
        0 closed, 1 open, 2 unknown; shape ``(n,)``; neighbours differ.
    end_s
        Where the window ends, epoch seconds.
    """

    start_s: NDArray[np.int64]
    kind: NDArray[np.uint8]
    end_s: int


@dataclass(frozen=True)
class Opening:
    """
    What holds at an instant, and for how long.

    Parameters
    ----------
    state
        One of the five.
    until
        When that ends, in Asia/Shanghai; None if it does not within two weeks.
    opens_at
        When it opens next, if it is closed and that is known within two weeks.
    """

    state: State
    until: datetime | None
    opens_at: datetime | None


class _Paint(NamedTuple):
    """A stretch of a day that a rule speaks of; the later rule (higher rank) covers the earlier."""

    span: Span
    rank: int
    level: int


_Holding = tuple[bool | None, ...]
_Stretches = tuple[tuple[int, Kind], ...]
_DOUBT_RANK = -1


class _Plan:
    """
    A text made ready: its rules, and what they say on each kind of day met so far.

    Most days of a year hold the same rules, so a table is made once per combination and kept.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._tables: dict[_Holding, tuple[_Paint, ...]] = {}
        self._days: dict[tuple[_Holding, _Holding], _Stretches] = {}

    def holding(self, day: date) -> _Holding:
        return tuple(rule.holds_on(day) for rule in self._rules)

    def stretches(self, yesterday: _Holding, today: _Holding) -> _Stretches:
        found = self._days.get((yesterday, today))
        if found is None:
            found = _resolve(self._table(yesterday), self._table(today))
            self._days[yesterday, today] = found
        return found

    def _table(self, holding: _Holding) -> tuple[_Paint, ...]:
        found = self._tables.get(holding)
        if found is None:
            found = _paint_day(self._rules, holding)
            self._tables[holding] = found
        return found


def _paint_day(rules: tuple[Rule, ...], holding: _Holding) -> tuple[_Paint, ...]:
    """Lay the rules that hold on a day over each other, in the order of the text."""
    table: list[_Paint] = []
    for rank, (rule, holds) in enumerate(zip(rules, holding, strict=True)):
        if holds is None:
            table = _paint_doubt(table, rule, rank)
        elif holds:
            table = [] if _clears(rule) else table
            table += [_Paint(span, rank, rule.level) for span in _spoken(rule)]
    return tuple(table)


def _clears(rule: Rule) -> bool:
    """Whether the rule wipes its whole day: `PH off` does, `12:00-13:00 off` only covers an hour."""
    if rule.level > 0:
        return False
    return not rule.has_times if rule.kind is Kind.CLOSED else not rule.is_additional


def _spoken(rule: Rule) -> tuple[Span, ...]:
    # Whole-day `off` ends what begins on its day; the night before keeps its hours after midnight.
    return () if rule.kind is Kind.CLOSED and not rule.has_times else rule.spans


def _paint_doubt(table: list[_Paint], rule: Rule, rank: int) -> list[_Paint]:
    """
    Make a day unknown on which nobody can tell whether the rule holds.

    What ran over from a certain yesterday outranks the doubt, except where the rule itself would speak.
    """
    doubt = [_Paint(Span(0, DAY_MIN, Kind.UNKNOWN), _DOUBT_RANK, rule.level)]
    doubt += [_Paint(replace(span, kind=Kind.UNKNOWN), rank, rule.level) for span in _spoken(rule)]
    if rule.level > 0:
        return table + doubt
    overruns = [
        paint._replace(span=Span(max(DAY_MIN, paint.span.start_min), paint.span.end_min, Kind.UNKNOWN))
        for paint in table
        if paint.span.end_min > DAY_MIN
    ]
    return overruns + doubt


def _resolve(yesterday: tuple[_Paint, ...], today: tuple[_Paint, ...]) -> _Stretches:
    """Cut one day where a voice starts or ends and let the strongest voice speak in each piece."""
    voices = [(p.span.start_min - DAY_MIN, p.span.end_min - DAY_MIN, 0, p) for p in yesterday]
    voices += [(p.span.start_min, p.span.end_min, 1, p) for p in today]
    edges = {edge for start, end, _, _ in voices for edge in (start, end) if 0 < edge < DAY_MIN}
    stretches: list[tuple[int, Kind]] = []
    for minute in sorted({0} | edges):
        heard = [
            (p.level, -p.rank, -day, p.span.kind) for start, end, day, p in voices if start <= minute < end
        ]
        kind = _strongest(heard)
        if not stretches or stretches[-1][1] is not kind:
            stretches.append((minute, kind))
    return tuple(stretches)


def _strongest(heard: list[tuple[int, int, int, Kind]]) -> Kind:
    decided = -1
    for level, _, _, kind in sorted(heard):
        if level > decided:
            if kind is not Kind.CLOSED:
                return kind
            decided = level
    return Kind.CLOSED


@lru_cache(maxsize=16384)
def _plan(text: str) -> _Plan | None:
    """None for a stored text that cannot be read: what it says is unknown, and no door is told otherwise."""
    try:
        return _Plan(parse_rules(text))
    except InvalidInputError:
        return None


def check_hours(text: str) -> None:
    """
    Pass a text that can be evaluated.

    Parameters
    ----------
    text
        OSM ``opening_hours``, at most 1000 characters.

    Raises
    ------
    InvalidInputError
        Naming the text, where it fails, and what to write.

    Examples
    --------
    >>> check_hours("Mo-Fr 08:30-12:00,13:30-18:00; PH off")
    >>> check_hours("Mo-Fr 8-18")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    geo_service.errors.InvalidInputError: hours='Mo-Fr 8-18' cannot be used at character 7 ('8-18'): ...
    """
    parse_rules(text)


class _DayLine(NamedTuple):
    """Whole days; the starts also as a list, where bisecting a dozen takes a tenth of the time."""

    starts: list[int]
    start_s: NDArray[np.int64]
    kind: NDArray[np.uint8]


@lru_cache(maxsize=16384)
def _day_line(text: str, first: date, last: date) -> _DayLine:
    plan = _plan(text)
    if plan is None:
        return _frozen([midnight_s(first)], [Kind.UNKNOWN])
    starts: list[int] = []
    kinds: list[Kind] = []
    yesterday, day = plan.holding(first - _DAY), first
    while day <= last:
        today, begin_s = plan.holding(day), midnight_s(day)
        for minute, kind in plan.stretches(yesterday, today):
            if not kinds or kinds[-1] is not kind:
                starts.append(begin_s + minute * 60)
                kinds.append(kind)
        yesterday, day = today, day + _DAY
    return _frozen(starts, kinds)


def _frozen(starts: list[int], kinds: list[Kind]) -> _DayLine:
    start_s, kind = np.array(starts, dtype=np.int64), np.array(kinds, dtype=np.uint8)
    start_s.flags.writeable = kind.flags.writeable = False
    return _DayLine(starts, start_s, kind)


@lru_cache(maxsize=16384)
def midnight_s(day: date) -> int:
    """Epoch seconds of the midnight that begins a day in Asia/Shanghai."""
    return int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp())


def build_timeline(text: str | None, start: datetime, end: datetime) -> Timeline:
    """
    Work out a window of hours, once per text and range of days.

    Parameters
    ----------
    text
        OSM ``opening_hours``; None, blank and unreadable text give unknown throughout.
    start, end
        The window ``[start, end)``; without a zone they are Asia/Shanghai. Whole seconds count.

    Returns
    -------
    line
        At least one stretch. The arrays may be shared and cannot be written to.

    Raises
    ------
    InvalidInputError
        If the window ends before it starts, or lies outside the years 2000-2199.

    Examples
    --------
    >>> line = build_timeline("Mo-Fr 22:00-02:00", datetime(2026, 11, 20), datetime(2026, 11, 22))
    >>> (line.start_s - line.start_s[0]) // 3600, line.kind
    (array([ 0,  2, 22, 26]), array([1, 0, 1, 0], dtype=uint8))
    """
    start, end = _check_instant(start, "start"), _check_instant(end, "end")
    start_s, end_s = int(start.timestamp()), int(end.timestamp())
    if end_s < start_s:
        raise InvalidInputError(
            f"end={end.isoformat()} is before start={start.isoformat()}; swap them",
            parameter="end",
            value=end.isoformat(),
        )
    starts, all_s, kinds = _day_line((text or "").strip(), start.date(), end.date())
    first = bisect_right(starts, start_s) - 1
    stop = max(first + 1, bisect_left(starts, end_s))
    cut = all_s[first:stop].copy()
    cut[0] = start_s
    cut.flags.writeable = False
    return Timeline(cut, kinds[first:stop], end_s)


def opening_at(
    text: str | None,
    at: datetime,
    *,
    checked_on: date | None = None,
    max_age_days: int | None = None,
) -> Opening:
    """
    Say what hours mean at the instant of arrival.

    Parameters
    ----------
    text
        OSM ``opening_hours``; None, blank and unreadable text are unknown.
    at
        The instant; without a zone it is Asia/Shanghai.
    checked_on
        When somebody last looked; None if that is not recorded, which makes nothing stale.
    max_age_days
        For how many days such a look is good, inclusive; None for ever.

    Returns
    -------
    opening
        The state, until when, and when it opens again. A stale ``open`` keeps its times; what is closed or
        unknown stays so however old.

    Raises
    ------
    InvalidInputError
        If the instant lies outside the years 2000-2199.

    Examples
    --------
    >>> opening = opening_at("Mo-Fr 08:30-18:00", datetime(2026, 11, 20, 17, 45))
    >>> opening.state.value, opening.until.isoformat()
    ('closing_soon', '2026-11-20T18:00:00+08:00')
    >>> opening_at("Mo-Fr 08:30-18:00", datetime(2026, 11, 21, 9)).opens_at.isoformat()
    '2026-11-23T08:30:00+08:00'
    """
    at = _check_instant(at, "at")
    line = _day_line((text or "").strip(), at.date(), at.date() + timedelta(days=HORIZON_DAYS))
    return _opening(line.starts, line.kind, at, is_stale=_is_stale(at.date(), checked_on, max_age_days))


def opening_on(line: Timeline, at: datetime, *, is_stale: bool = False) -> Opening:
    """
    Say what a line means at an instant.

    Parameters
    ----------
    line
        Its window must hold the instant; changes beyond the window are not known.
    at
        The instant, aware.
    is_stale
        Whether the facts behind the line are too old to be called open.

    Returns
    -------
    opening
        As `opening_at` says it of one text.
    """
    return _opening(line.start_s.tolist(), line.kind, at, is_stale=is_stale)


def _opening(starts_s: Sequence[int], kind: NDArray[np.uint8], at: datetime, *, is_stale: bool) -> Opening:
    now_s = at.timestamp()
    here = bisect_right(starts_s, now_s) - 1
    end_s = starts_s[here + 1] if here + 1 < len(starts_s) else None
    state = _state(Kind(int(kind[here])), None if end_s is None else end_s - now_s)
    opens_s = end_s if state is State.CLOSED and end_s is not None and kind[here + 1] == Kind.OPEN else None
    if is_stale and state in (State.OPEN, State.CLOSING_SOON):
        state = State.STALE
    return Opening(state, _local(end_s), _local(opens_s))


def _state(kind: Kind, left_s: float | None) -> State:
    if kind is Kind.OPEN:
        return State.CLOSING_SOON if left_s is not None and left_s <= CLOSING_SOON_S else State.OPEN
    return State.CLOSED if kind is Kind.CLOSED else State.UNKNOWN


def _is_stale(today: date, checked_on: date | None, max_age_days: int | None) -> bool:
    if checked_on is None or max_age_days is None:
        return False
    return (today - checked_on).days > max_age_days


def _local(instant_s: int | None) -> datetime | None:
    return None if instant_s is None else datetime.fromtimestamp(instant_s, SHANGHAI)


def _check_instant(at: datetime, parameter: str) -> datetime:
    try:
        local = at.replace(tzinfo=SHANGHAI) if at.tzinfo is None else at.astimezone(SHANGHAI)
    except OverflowError:
        local = at
    if not _FIRST_YEAR <= local.year <= _LAST_YEAR:
        raise InvalidInputError(
            f"{parameter}={at.isoformat()} is outside the years {_FIRST_YEAR}-{_LAST_YEAR}",
            parameter=parameter,
            value=at.isoformat(),
        )
    return local


def parse_time(text: str | None, parameter: str) -> datetime:
    """
    Read an instant as people and programs write it.

    Parameters
    ----------
    text
        ``2026-11-21T08:30`` with or without seconds, and ``Z`` or ``+08:00``; ``now`` or None for this moment.
        Without a zone it is Asia/Shanghai.
    parameter
        What to call it in a refusal.

    Returns
    -------
    instant
        With its zone, Asia/Shanghai.

    Raises
    ------
    InvalidInputError
        If it is no such text, no such day, or outside the years 2000-2199.

    Examples
    --------
    >>> parse_time("2026-11-21T08:30", "at").isoformat()
    '2026-11-21T08:30:00+08:00'
    >>> parse_time("2026-11-21T00:30:00Z", "at").isoformat()
    '2026-11-21T08:30:00+08:00'
    """
    if text is None or text == "now":
        return datetime.now(SHANGHAI)
    try:
        if _TIME.fullmatch(text):
            return _check_instant(datetime.fromisoformat(text), parameter)
        why = "write 2026-11-21T08:30, with +08:00 or Z if it is not Asia/Shanghai, or now"
    except InvalidInputError:
        raise
    except ValueError as error:
        why = str(error)
    shown = text if len(text) <= 40 else text[:37] + "..."
    raise InvalidInputError(f"{parameter}={shown!r} is not a time: {why}", parameter=parameter, value=text)
