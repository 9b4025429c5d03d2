"""The week picture: what a text of opening hours means for the coming seven days, and where it fails."""

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.hours import SHANGHAI, DayKind, Kind, build_timeline, calendar_day, check_hours, opening_at
from geo_service.web.desk.place_fields import stored_hours
from geo_service.web.words import Lang, clock_words, weekday_words, words_in

N_DAYS = 7
DAY_MIN = 1440
_NAMES = {Kind.CLOSED: "closed", Kind.OPEN: "open", Kind.UNKNOWN: "unknown"}


class Stretch(NamedTuple):
    """Minutes from midnight ``[start_min, end_min)`` and whether it is open, closed or unknown then."""

    start_min: int
    end_min: int
    kind: str

    @property
    def words(self) -> str:
        """As one reads it on a door; minutes that are begun count down."""
        return "–".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in (self.start_min, self.end_min))


class Day(NamedTuple):
    """One day of the picture."""

    on: date
    name: str
    mark: str
    stretches: tuple[Stretch, ...]

    @property
    def is_whole(self) -> bool:
        """Whether one thing holds all day."""
        return len(self.stretches) == 1


class Meaning(NamedTuple):
    """
    What a text means.

    Parameters
    ----------
    text
        OSM text as it would be kept; empty if nothing was typed.
    is_translated
        Whether something else was typed, which means this.
    state
        Open, closed or unknown now; empty if the text is refused.
    state_words
        The same as one reads it, and until when.
    fault
        Why it is refused, in English; empty if it is not.
    fault_at
        At which character it fails, counted from 1; 0 if that is not known.
    fault_text
        What stands there.
    days
        Seven days from today; none if the text is refused.
    """

    text: str
    is_translated: bool
    state: str
    state_words: str
    fault: str
    fault_at: int
    fault_text: str
    days: tuple[Day, ...]


def explain(typed: str, now: datetime, lang: Lang) -> Meaning:
    """
    Say what a text of opening hours means.

    Parameters
    ----------
    typed
        As it was typed, in OSM's syntax or in Chinese.
    now
        The present, aware.
    lang
        Language of the words.

    Returns
    -------
    meaning
        Of no text at all: unknown throughout.
    """
    text, local = stored_hours(typed.strip()), now.astimezone(SHANGHAI)
    try:
        if text:
            check_hours(text)
    except InvalidInputError as error:
        at = error.facts.get("character")
        at = at if isinstance(at, int) else 0
        why = error.message.rpartition(": ")[2] if not at else error.message.partition("): ")[2]
        return Meaning(
            text, False, "", "", why or error.message, at, text[at - 1 : at + 11] if at else "", ()
        )
    opening = opening_at(text, local)
    return Meaning(
        text,
        text != typed.strip(),
        opening.state.value,
        _state_words(opening, local, lang),
        "",
        0,
        "",
        week_of(text, local.date(), lang),
    )


def week_of(text: str, first: date, lang: Lang, n_days: int = N_DAYS) -> tuple[Day, ...]:
    """
    Cut what a text means into days.

    Parameters
    ----------
    text
        OSM ``opening_hours``.
    first
        The first day.
    lang
        Language of the names.
    n_days
        How many days.

    Returns
    -------
    days
        As many, each covered from midnight to midnight.
    """
    begin = datetime.combine(first, time(), SHANGHAI)
    line = build_timeline(text, begin, begin + timedelta(days=n_days))
    starts = [(int(start) - int(begin.timestamp())) // 60 for start in line.start_s]
    ends = [*starts[1:], n_days * DAY_MIN]
    pieces = [
        (start, end, _NAMES[Kind(int(kind))])
        for start, end, kind in zip(starts, ends, line.kind, strict=True)
    ]
    return tuple(_day(first + timedelta(days=n), n * DAY_MIN, pieces, lang) for n in range(n_days))


def _day(on: date, begin: int, pieces: list[tuple[int, int, str]], lang: Lang) -> Day:
    cut = [(max(start - begin, 0), min(end - begin, DAY_MIN), kind) for start, end, kind in pieces]
    stretches = tuple(Stretch(*one) for one in cut if one[0] < one[1])
    kind = calendar_day(on).kind
    return Day(on, weekday_words(on, lang), "" if kind is DayKind.ORDINARY else kind.value, stretches)


def _state_words(opening: Any, now: datetime, lang: Lang) -> str:
    say = words_in(lang)
    words = [say(opening.state.value)]
    if opening.opens_at is not None:
        words.append(say("opens", time=clock_words(opening.opens_at, now, say, lang)))
    elif opening.until is not None and opening.state.value != "closed":
        words.append(say("until", time=clock_words(opening.until, now, say, lang)))
    elif opening.until is None and opening.state.value == "open":
        words.append(say("all_day"))
    return " · ".join(words)
