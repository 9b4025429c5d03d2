"""
The text of opening hours, taken apart rule by rule.

opening-hours-py reads the OSM syntax and prints it back in one strict form; that form is cut here into
rules whose weekdays and holidays can be asked about one date, whatever the library thinks of Chinese
holidays (it knows six days a year). Months, weeks, years and numbered weekdays stay the library's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # missing in its stub

from geo_service.errors import InvalidInputError
from geo_service.hours.calendar import DayKind, calendar_day

MAX_TEXT_LENGTH = 1000
DAY_MIN = 24 * 60
_LATEST_MIN = 48 * 60
_OPEN_END_MIN = DAY_MIN + 6 * 60

_EVERY_WEEKDAY = 0b1111111
_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_WD = "(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_DAY_TOKEN = rf"(?:{_WD}(?:-{_WD})?(?:\[[-\d,]+\](?: [+-]\d+ days?)?)?|(?:PH|SH)(?: -?\d+ days?)?)"
_EVENT = r"(?:\((?:sunrise|sunset|dawn|dusk)[+-]\d\d:\d\d\)|sunrise|sunset|dawn|dusk)"
_POINT = rf"(?:\d\d:\d\d|{_EVENT})"
_SPAN = rf"{_POINT}(?:-{_POINT})?\+?(?:/[\d:]+)?"
_RULE = re.compile(
    rf"^(?P<wide>.*?)(?:(?:^|(?<=.) )(?P<days>{_DAY_TOKEN}(?:,{_DAY_TOKEN})*))?"
    rf"(?:(?:^|(?<=.) )(?P<times>{_SPAN}(?:,{_SPAN})*))?"
    r"(?:(?:^|(?<=.) )(?P<modifier>closed|unknown))?"
    r'(?:(?:^|(?<=.) )(?P<comment>"[+-]"))?$'
)
_SPAN_PARTS = re.compile(rf"(?P<start>{_POINT})(?:-(?P<end>{_POINT}))?(?P<plus>\+)?(?P<every>/[\d:]+)?$")
_COMMENT = re.compile(r'"[^"]*"')
_SAID_OPEN = re.compile(r'\bopen\b(?:\s*"[^"]*")?|"[^"]*"', re.IGNORECASE)
_WHOLE_DAY = re.compile(r"(?<![\d:-])0?0:00\s*-\s*24:00(?![+/])")
_HOLIDAY_BESIDE_WEEKDAY = re.compile(
    rf"\b[PS]H(?:\s*[+-]\s*\d+\s*days?)?\s+{_WD}\b|{_WD}(?:\[[^\]]*\])?\s+[PS]H\b", re.IGNORECASE
)
_IMPOSSIBLE_DATE = re.compile(r"Feb 3[01]|(?:Apr|Jun|Sep|Nov) 31")
_STEP = re.compile(r"(?<![\d:-])(?P<first>\d{1,4})-(?P<last>\d{1,4})/(?P<step>\d{1,4})(?![\d:])", re.ASCII)
_FULL_WIDTH = str.maketrans("：，；－～—–‖“”０１２３４５６７８９\u3000", ':,;----|""0123456789 ')


class Kind(IntEnum):
    """What a timeline says of an instant; the numbers are those of ``Timeline.kind``."""

    CLOSED = 0
    OPEN = 1
    UNKNOWN = 2


@dataclass(frozen=True)
class Span:
    """Minutes ``[start_min, end_min)`` from the midnight that begins a rule's day, up to 48 h, and their kind."""

    start_min: int
    end_min: int
    kind: Kind


@dataclass(frozen=True)
class Days:
    """
    Which days of the week and holidays a rule names.

    Parameters
    ----------
    weekdays
        One bit per weekday, Monday the lowest.
    numbered
        Selectors such as ``Mo[1]``, asked of the library.
    holiday_offsets
        ``PH`` is 0, ``PH +1 day`` is 1.
    has_school
        Whether school holidays are named, of which there is no calendar here.
    """

    weekdays: int
    numbered: tuple[OpeningHours, ...]
    holiday_offsets: tuple[int, ...]
    has_school: bool


@dataclass(frozen=True)
class Rule:
    """
    One rule of a text.

    Parameters
    ----------
    level
        0 for ordinary rules; n after the n-th ``||``: speaks only where all lower levels leave it closed.
    is_additional
        After ``,``: adds to the rules before instead of replacing them on its days.
    wide
        Years, months, dates and weeks; None if all.
    days
        Weekdays and holidays; None if the rule holds on all of them, whatever the calendar says.
    spans
        What it says on a day it holds.
    kind
        What it says where it speaks.
    has_times
        False if it speaks of whole days.
    """

    level: int
    is_additional: bool
    wide: OpeningHours | None
    days: Days | None
    spans: tuple[Span, ...]
    kind: Kind
    has_times: bool

    def holds_on(self, day: date) -> bool | None:
        """
        Whether the rule speaks of a day.

        Parameters
        ----------
        day
            A date in Asia/Shanghai.

        Returns
        -------
        holds
            None if only a calendar that is not there could tell.
        """
        if self.wide is not None and not _covers(self.wide, day):
            return False
        return True if self.days is None else _names(self.days, day)


def _covers(selector: OpeningHours, day: date) -> bool:
    return bool(selector.is_open(datetime(day.year, day.month, day.day, 12)))


def _names(days: Days, day: date) -> bool | None:
    found = calendar_day(day)
    if found.kind is DayKind.UNANNOUNCED:
        return None
    if days.weekdays >> found.stands_for.weekday() & 1:
        return True
    if any(_covers(selector, found.stands_for) for selector in days.numbered):
        return True
    kinds = [calendar_day(day - timedelta(days=offset)).kind for offset in days.holiday_offsets]
    if DayKind.HOLIDAY in kinds:
        return True
    return None if days.has_school or DayKind.UNANNOUNCED in kinds else False


def parse_rules(text: str) -> tuple[Rule, ...]:
    """
    Take a text apart.

    Parameters
    ----------
    text
        OSM ``opening_hours``.

    Returns
    -------
    rules
        In the order of the text.

    Raises
    ------
    InvalidInputError
        If the text is blank, too long, not in the syntax, or says something other than it seems to.
    """
    text = text.strip()
    _check_shape(text)
    _parse(text, text)
    printed = str(_parse(_keep_whole_days(_mark_comments(text)), text))
    if found := _IMPOSSIBLE_DATE.search(printed):
        raise _refusal(text, f"{found[0]} is no date", text.find(found[0].split()[-1]))
    parts = re.split(r"(; |, | \|\| )", printed)
    separators = ["; ", *parts[1::2]]
    _check_bare_lists(text, parts[::2], separators)
    return tuple(_build_rules(text, parts[::2], separators))


def _is_overlong(step: re.Match[str]) -> bool:
    # The library then drops the step and takes every week or year between.
    return int(step["step"]) > int(step["last"]) - int(step["first"])


def _check_shape(text: str) -> None:
    if not text.strip():
        raise InvalidInputError(
            "hours are blank; leave them out if they are not known, write 24/7 for always",
            parameter="hours",
            value=text,
        )
    if len(text) > MAX_TEXT_LENGTH:
        raise InvalidInputError(
            f"hours have {len(text)} characters, at most {MAX_TEXT_LENGTH} are allowed; put notes into the note",
            parameter="hours",
            value=_sendable(text[:MAX_TEXT_LENGTH]),
        )
    selectors = _COMMENT.sub("", text)
    if found := next(filter(_is_overlong, _STEP.finditer(selectors)), None):
        raise _refusal(
            text, f"{found[0]} steps over its own end; write {found['first']}", text.find(found[0])
        )
    if found := _HOLIDAY_BESIDE_WEEKDAY.search(selectors):
        raise _refusal(
            text, f"{found[0]!r} may mean both or either; write PH,Mo-Fr for either", text.find(found[0])
        )


def _mark_comments(text: str) -> str:
    """
    Empty the comments, but keep where ``open`` was said, which the library drops when it prints.

    It also takes ``Mo-Fr 09:00-17:00 "by appointment"`` for open; here a comment alone means one has to ask.
    """
    return _SAID_OPEN.sub(lambda found: '"-"' if found[0].startswith('"') else 'open "+"', text)


def _keep_whole_days(text: str) -> str:
    """Say 00:00-24:00 twice, for the library drops it if said once, and then `Mo, We` cannot be told apart."""
    return _WHOLE_DAY.sub("00:00-24:00,00:00-24:00", text)


def _parse(text: str, original: str) -> OpeningHours:
    try:
        return OpeningHours(text)
    except ParserError as error:
        raise _explain(original, str(error)) from None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # A panic inside the library is derived from BaseException; it must not end a server.
        raise _refusal(original, f"the syntax library failed ({type(error).__name__})", -1) from None


def _explain(text: str, complaint: str) -> InvalidInputError:
    place = re.search(r"--> (\d+):(\d+)", complaint)
    column = int(place[2]) - 1 if place and place[1] == "1" else -1
    ascii_text = text.translate(_FULL_WIDTH)
    if ascii_text != text and _is_readable(ascii_text):
        return _refusal(text, f"full-width or long signs are not allowed; write {_shown(ascii_text)}", column)
    if text.rstrip().endswith((";", ",")):
        return _refusal(text, "it ends in a separator; leave that out", len(text.rstrip()) - 1)
    return _refusal(text, "it is not in OSM's syntax, e.g. 'Mo-Fr 08:30-18:00; PH off' or '24/7'", column)


def _is_readable(text: str) -> bool:
    try:
        OpeningHours(text)
    except ParserError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _sendable(text: str) -> str:
    """Half a surrogate pair cannot be sent as JSON."""
    return text.encode(errors="replace").decode()


def _refusal(text: str, why: str, column: int) -> InvalidInputError:
    where = f" at character {column + 1} ({text[column : column + 12]!r})" if 0 <= column < len(text) else ""
    return InvalidInputError(
        f"hours={_shown(text)} cannot be used{where}: {why}",
        parameter="hours",
        value=_sendable(text),
        character=column + 1 if where else None,
    )


def _check_bare_lists(text: str, bodies: list[str], separators: list[str]) -> None:
    """Refuse ``Mo, We 10:00-12:00``: it opens Monday for 24 hours where a list of days is meant."""
    for body, following in zip(bodies, separators[1:], strict=False):
        parts = _RULE.match(body)
        is_bare = parts is not None and not (parts["times"] or parts["modifier"] or parts["comment"])
        if following == ", " and is_bare and body != "24/7":
            raise _refusal(
                text,
                f"'{body}, ' would open {body} around the clock; write '{body},' without the space for a list,"
                f" or '{body} 00:00-24:00, '",
                text.find(body + ","),
            )


def _build_rules(text: str, bodies: list[str], separators: list[str]) -> Iterable[Rule]:
    fallbacks = 0
    for body, separator in zip(bodies, separators, strict=True):
        fallbacks += separator == " || "
        yield _build_rule(text, body, fallbacks if separator == " || " else 0, separator == ", ")


def _build_rule(text: str, body: str, level: int, is_additional: bool) -> Rule:
    parts = _RULE.match("" if body == "24/7" else body.removeprefix("24/7 "))
    if parts is None:
        raise _refusal(text, f"{body!r} is not understood", -1)
    kind = _kind_of(parts["modifier"], parts["comment"])
    spans = _build_spans(parts["times"], kind) if parts["times"] else _whole_day(kind)
    return Rule(
        level=level,
        is_additional=is_additional,
        wide=_parse(parts["wide"], text) if parts["wide"] else None,
        days=_build_days(parts["days"], text) if parts["days"] else None,
        spans=spans,
        kind=kind,
        has_times=spans != _whole_day(kind),
    )


def _whole_day(kind: Kind) -> tuple[Span, ...]:
    return (Span(0, DAY_MIN, kind),)


def _kind_of(modifier: str | None, comment: str | None) -> Kind:
    if modifier == "closed":
        return Kind.CLOSED
    return Kind.UNKNOWN if modifier == "unknown" or comment == '"-"' else Kind.OPEN


def _build_days(selectors: str, text: str) -> Days | None:
    weekdays, numbered, offsets, has_school = 0, [], [], False
    for token in re.findall(_DAY_TOKEN, selectors):
        if token.startswith("SH"):
            has_school = True
        elif token.startswith("PH"):
            offsets.append(int(token.split()[1]) if " " in token else 0)
        elif "[" in token:
            numbered.append(_parse(token, text))
        else:
            weekdays |= _weekday_bits(token)
    if weekdays == _EVERY_WEEKDAY:
        # All seven days hold whatever day stands in for which, so no calendar is needed.
        return None
    return Days(weekdays, tuple(numbered), tuple(offsets), has_school)


def _weekday_bits(token: str) -> int:
    first, last = _WEEKDAYS.index(token[:2]), _WEEKDAYS.index(token[-2:])
    count = (last - first) % 7 + 1
    return sum(1 << (first + step) % 7 for step in range(count))


def _build_spans(times: str, kind: Kind) -> tuple[Span, ...]:
    spans: dict[Span, None] = {}
    for word in times.split(","):
        parts = _SPAN_PARTS.match(word)
        assert parts is not None, word
        spans.update(dict.fromkeys(_read_span(parts, kind)))
    return tuple(spans)


def _read_span(parts: re.Match[str], kind: Kind) -> Iterable[Span]:
    start, end = parts["start"], parts["end"]
    if not start[0].isdigit() or not (end is None or end[0].isdigit()):
        yield _sun_span(start, end)
        return
    start_min = _minutes(start)
    end_min = _minutes(end) if end else start_min
    if end and end_min <= start_min:
        end_min += DAY_MIN
    if end_min > start_min:
        # `10:00-16:00/00:30` are moments within the span (a mass, a bus), not a door standing open.
        yield Span(start_min, end_min, Kind.UNKNOWN if parts["every"] else kind)
    if parts["plus"]:
        yield Span(end_min, _OPEN_END_MIN if end_min < _OPEN_END_MIN else _LATEST_MIN, Kind.UNKNOWN)


def _sun_span(start: str, end: str | None) -> Span:
    """Unknown for the whole day, and for the morning after if it may run into it: hours carry no place."""
    if end is not None and end[0].isdigit():
        return Span(
            0, max(DAY_MIN, _minutes(end) + (DAY_MIN if _minutes(end) <= 12 * 60 else 0)), Kind.UNKNOWN
        )
    ends_by_day = start.startswith(("sunrise", "dawn")) or (end or "").startswith(("sunset", "dusk"))
    return Span(0, DAY_MIN if ends_by_day and end else _OPEN_END_MIN + 6 * 60, Kind.UNKNOWN)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
