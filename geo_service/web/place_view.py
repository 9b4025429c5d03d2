"""What a place's own page shows beyond its card: services and terms, the week, ways in, ages of facts, its code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import request
from markupsafe import Markup

from geo_service.districts import District
from geo_service.districts.ages import check_ages
from geo_service.geo import distance_m
from geo_service.hours import SHANGHAI, Opening, State, festival_name, opening_at
from geo_service.layers import CHECK_KINDS, Place, Service
from geo_service.web.codes import draw_code
from geo_service.web.desk.week import DAY_MIN, Stretch, week_of
from geo_service.web.photos import photo_urls
from geo_service.web.served import served_settings
from geo_service.web.words import LANGS, Lang, Say, clock_words, hours_words, script_words

WEEK_DAYS = 14
"""Days that a page carries: half of them are shown, the others when a kept copy is older than today."""

SHOWN_DAYS = 7

WORTH_TELLING_M = 20
"""An entrance nearer to its pin than this is the pin, for the eye."""


@dataclass(frozen=True)
class OfferedService:
    """
    A service as its row shows it.

    Parameters
    ----------
    kind
        Its key, for the script that brings the state up to date.
    name
        What it is called.
    state, state_words
        One of the five states now, and as one reads it; empty outside its validity.
    time_words
        Until when, or when it opens.
    hours
        Hours of its own, as people read them; empty if it keeps the door's.
    price
        What it costs, or empty.
    terms
        From when until when it holds; empty if for ever.
    note
        What else was written.
    is_over
        Whether its validity is over.
    """

    kind: str
    name: str
    state: str
    state_words: str
    time_words: str
    hours: str
    price: str
    terms: str
    note: str
    is_over: bool

    @property
    def is_benefit(self) -> bool:
        """Whether one comes for its price or has to mind its terms."""
        return bool(self.price or self.terms)


@dataclass(frozen=True)
class WayIn:
    """
    One way in.

    Parameters
    ----------
    name
        How one gets in.
    hours
        When, as people read it; empty if always.
    note
        What else was written.
    holds
        Whether that is the way now.
    """

    name: str
    hours: str
    note: str
    holds: bool


@dataclass(frozen=True)
class WeekDay:
    """
    One row of the week.

    Parameters
    ----------
    on
        The day.
    name
        Of the weekday.
    mark
        The festival, or that the day is not announced yet; mostly empty.
    stretches
        From midnight to midnight.
    words
        When it is open, for eyes and ears.
    """

    on: date
    name: str
    mark: str
    stretches: tuple[Stretch, ...]
    words: str


@dataclass(frozen=True)
class FactAge:
    """
    How old one kind of fact is.

    Parameters
    ----------
    name
        What was checked.
    on
        On which day.
    ago
        How long ago, as people say it.
    role
        By whom: a role, never a person.
    is_old
        Whether that is longer ago than such a fact should go unchecked.
    """

    name: str
    on: date
    ago: str
    role: str
    is_old: bool


@dataclass(frozen=True)
class PlaceView:
    """
    A place's page beyond its card.

    Parameters
    ----------
    services
        What is there; what is over goes last.
    ways_in
        How one gets in.
    week
        The coming days, today first; none if no hours are known.
    same_words
        What a row would say if it is never shut on any of those days; empty otherwise.
    now_min
        Minutes since today's midnight.
    ages
        The freshest first.
    code
        A drawing that leads to the map, from this place.
    code_url
        What it says.
    open_to
        Whom it is for.
    photos
        Addresses of its pictures.
    entrance_gap_m
        How far the entrance lies from the pin, tens of metres; 0 if they are one for the eye.
    now
        The present, in the place's zone.
    """

    services: tuple[OfferedService, ...]
    ways_in: tuple[WayIn, ...]
    week: tuple[WeekDay, ...]
    same_words: str
    now_min: int
    ages: tuple[FactAge, ...]
    code: Markup | None
    code_url: str
    open_to: tuple[str, ...]
    photos: tuple[str, ...]
    entrance_gap_m: int
    now: datetime


_SCRIPT_PREFIXES = ("nav_", "page_", "tell_")
_SCRIPT_WORDS = (
    *(state.value for state in State),
    "until",
    "opens",
    "all_day",
    "tomorrow",
    "weekdays",
)


def page_words(lang: Lang) -> dict[str, Any]:
    """
    Choose the words that the scripts of a place's page say: a district's pages are kept on phones by the hundred.

    Parameters
    ----------
    lang
        Language of the page.

    Returns
    -------
    words
        The part of `script_words` that they need.
    """
    words = script_words(lang)
    return {
        key: word for key, word in words.items() if key.startswith(_SCRIPT_PREFIXES) or key in _SCRIPT_WORDS
    }


def view_place(
    district: District, place: Place, now: datetime, say: Say, lang: Lang, *, has_code: bool = True
) -> PlaceView:
    """
    Work out what a place's page shows.

    Parameters
    ----------
    district
        Of the place.
    place
        The place.
    now
        The present, aware.
    say
        The catalogue.
    lang
        Its language.
    has_code
        Whether to draw the printed code; it names the host that was asked and costs more than all the rest.

    Returns
    -------
    view
        Ready for the template, which escapes every text.
    """
    local = now.astimezone(SHANGHAI)
    week = _week(place.hours, local.date(), say, lang) if place.hours else ()
    said = {day.words for day in week}
    code_url = f"{_root()}/{district.id}/#here={place.id}"
    return PlaceView(
        services=_services(district, place, local, say, lang),
        ways_in=tuple(_way_in(way, local, say, lang) for way in place.access),
        week=week,
        same_words=say("all_day") if said == {say("all_day")} else "",
        now_min=local.hour * 60 + local.minute,
        ages=_ages(place, local.date(), say),
        code=draw_code(code_url) if has_code else None,
        code_url=code_url,
        open_to=tuple(say(f"page_to_{who}") for who in place.open_to if who in SAID_GUESTS),
        photos=photo_urls(district, place),
        entrance_gap_m=_entrance_gap_m(place),
        now=local,
    )


def _entrance_gap_m(place: Place) -> int:
    gap_m = round(float(distance_m((place.lon, place.lat), place.target)) / 10) * 10
    return gap_m if gap_m >= WORTH_TELLING_M else 0


def _root() -> str:
    return (served_settings().public_url or request.url_root).rstrip("/")


# --- services ----------------------------------------------------------------------------


def _services(
    district: District, place: Place, now: datetime, say: Say, lang: Lang
) -> tuple[OfferedService, ...]:
    names, standing = district.catalogue.services, district.standing()
    rows = []
    for service in place.services:
        name = names[service.kind][LANGS.index(lang)] if service.kind in names else service.kind
        opening = None
        if service.is_offered(now.date()):
            opening = district.finder.opening(place, now, (service.kind,), standing.spans)
        rows.append(_service(service, name, opening, now, say, lang))
    return tuple(sorted(rows, key=lambda row: row.is_over))


def _service(
    service: Service, name: str, opening: Opening | None, now: datetime, say: Say, lang: Lang
) -> OfferedService:
    return OfferedService(
        kind=service.kind,
        name=name,
        state=opening.state.value if opening else "",
        state_words=say(opening.state.value) if opening else "",
        time_words=_time_words(opening, now, say, lang) if opening else "",
        hours=hours_words(service.hours, lang) if service.hours else "",
        price=service.price or "",
        terms=_terms(service, now.date(), say),
        note=service.note if service.note and service.note != name else "",
        is_over=service.valid_until is not None and service.valid_until < now.date(),
    )


def _time_words(opening: Opening, now: datetime, say: Say, lang: Lang) -> str:
    if opening.state is State.CLOSED:
        return say("opens", time=clock_words(opening.opens_at, now, say, lang)) if opening.opens_at else ""
    if opening.state is State.UNKNOWN or opening.until is None:
        return ""
    return say("until", time=clock_words(opening.until, now, say, lang))


def _terms(service: Service, today: date, say: Say) -> str:
    if service.valid_until and service.valid_until < today:
        return say("page_over", day=service.valid_until)
    if service.valid_from and service.valid_from > today:
        return say("page_from", day=service.valid_from)
    return say("page_until", day=service.valid_until) if service.valid_until else ""


# --- ways in, week, ages -----------------------------------------------------------------


def _way_in(way: Any, now: datetime, say: Say, lang: Lang) -> WayIn:
    holds = not way.hours or opening_at(way.hours, now).state in (State.OPEN, State.CLOSING_SOON)
    hours = hours_words(way.hours, lang) if way.hours else ""
    return WayIn(say(f"access_{way.method}"), hours, way.note or "", holds)


def _week(text: str, today: date, say: Say, lang: Lang) -> tuple[WeekDay, ...]:
    return tuple(
        WeekDay(
            day.on,
            day.name,
            _mark(day.on, day.mark, say, lang),
            day.stretches,
            _open_words(day.stretches, say),
        )
        for day in week_of(text, today, lang, WEEK_DAYS)
    )


def _mark(on: date, kind: str, say: Say, lang: Lang) -> str:
    """The festival by name; a workday that makes up for one says so."""
    if kind == "unannounced":
        return say("page_unannounced")
    names = festival_name(on) if kind else None
    if names is None:
        return ""
    name = names[LANGS.index(lang)]
    return say("page_make_up", name=name) if kind == "make_up" else name


def _open_words(stretches: tuple[Stretch, ...], say: Say) -> str:
    if stretches == (Stretch(0, DAY_MIN, "open"),):
        return say("all_day")
    words = [one.words for one in stretches if one.kind == "open"]
    words += [say("page_perhaps", time=one.words) for one in stretches if one.kind == "unknown"]
    return say("and").join(words) or say("page_day_off")


def _ages(place: Place, today: date, say: Say) -> tuple[FactAge, ...]:
    checked, allowed = place.provenance.checked, _allowed_days()
    known = [(kind, checked[kind]) for kind in CHECK_KINDS if kind in checked]
    rows = [
        FactAge(
            say(f"page_fact_{kind}"),
            one.on,
            _ago(today - one.on, say) if one.on <= today else "",
            _role_words(one.role, say),
            kind in allowed and (today - one.on).days > allowed[kind],
        )
        for kind, one in known
        if kind in SAID_FACTS
    ]
    return tuple(sorted(rows, key=lambda row: row.on, reverse=True))


SAID_FACTS = ("existence", "hours", "services", "access", "position", "contact", "cabinet")
"""Kinds of fact whose age riders are told."""

SAID_GUESTS = (
    "courier",
    "rider",
    "food_rider",
    "driver",
    "ride_hailing_driver",
    "sanitation",
    "public",
)
"""Words of ``open_to`` that riders are told; others are the desk's own."""

SAID_ROLES = ("rider", "station", "deputy_head", "desk", "import", "editor", "verifier", "admin")
"""Roles that have a word; others are shown as they were written."""


def _allowed_days() -> Mapping[str, int]:
    return check_ages(served_settings())


def _role_words(role: str, say: Say) -> str:
    return say(f"page_role_{role}") if role in SAID_ROLES else role


def _ago(age: Any, say: Say) -> str:
    return say("page_today") if age.days == 0 else say("spot_days_ago", n=age.days)
