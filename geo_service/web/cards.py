"""What a rider reads of one place: state, distance, minutes and the links into map apps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from geo_service.exchange.navlinks import Link
from geo_service.hours import SHANGHAI
from geo_service.web.words import LANGS, Lang, Say, clock_words, length_words, whole_minutes

_DATUMS = {"wgs84": "WGS-84", "gcj02": "GCJ-02", "bd09": "BD-09"}


@dataclass(frozen=True)
class AppLink:
    """
    One way into a map app.

    Parameters
    ----------
    app
        Key in the registry.
    label
        What the app is called.
    platform
        Where it runs, as in the registry.
    url
        The link.
    datum
        Datum of the coordinates in it.
    warning
        What the rider must know first; mostly empty.
    """

    app: str
    label: str
    platform: str
    url: str
    datum: str
    warning: str


@dataclass(frozen=True)
class Card:
    """
    One row of the list.

    Parameters
    ----------
    id
        Of the place.
    layer
        Its layer.
    name
        What the sign says.
    lon
        Of the pin, degrees.
    lat
        Of the pin, degrees.
    state
        One of the five states.
    state_words
        The state as one reads it.
    time_words
        Until when, or when it opens; empty if nothing is known.
    length_words
        Length of the way; empty if nobody asked from somewhere.
    minutes
        Time on the way, rounded up; None likewise.
    address
        Address, or empty.
    links
        Into map apps, in the registry's order.
    doubts
        What people on the spot say against it, a sentence each; mostly none.
    """

    id: str
    layer: str
    name: str
    lon: float
    lat: float
    state: str
    state_words: str
    time_words: str
    length_words: str
    minutes: int | None
    address: str
    links: tuple[AppLink, ...]
    doubts: tuple[str, ...]


def make_card(
    answer: Mapping[str, Any], apps: Mapping[str, Link], now: datetime, say: Say, lang: Lang
) -> Card:
    """
    Put a result into words.

    Parameters
    ----------
    answer
        A result of `nearest`, or a place on its own.
    apps
        What is known of each map app in this district.
    now
        The present, aware.
    say
        The catalogue.
    lang
        Its language.

    Returns
    -------
    card
        Ready for a template, which escapes every text.
    """
    return Card(
        id=answer["id"],
        layer=answer["layer"],
        name=answer["name"],
        lon=answer["lon"],
        lat=answer["lat"],
        state=answer["state"],
        state_words=say(answer["state"]),
        time_words=_time_words(answer, now, say, lang),
        length_words=length_words(answer["length_m"], say) if "length_m" in answer else "",
        minutes=whole_minutes(answer["cost_s"]) if "cost_s" in answer else None,
        address=answer.get("address") or "",
        links=app_links(answer["links"], apps, lang),
        doubts=tuple(_doubt_words(doubt, now, say) for doubt in answer["doubts"]),
    )


def app_links(links: Mapping[str, str], apps: Mapping[str, Link], lang: Lang) -> tuple[AppLink, ...]:
    """
    Links of a place with the names of their apps.

    Parameters
    ----------
    links
        App → address.
    apps
        What is known of each app in this district, in the order of the buttons.
    lang
        Language of the names.

    Returns
    -------
    links
        In the order of ``apps``; an address whose app is not there is left out.
    """
    column = LANGS.index(lang)
    return tuple(
        AppLink(
            app=app,
            label=(link.target.zh, link.target.en)[column],
            platform=link.target.platform,
            url=links[app],
            datum=_DATUMS[link.datum],
            warning=link.warning[column] if link.warning else "",
        )
        for app, link in apps.items()
        if app in links
    )


def soonest_words(answer: Mapping[str, Any], now: datetime, say: Say, lang: Lang) -> str:
    """
    What opens first, if nothing is open on arrival.

    Parameters
    ----------
    answer
        Answer of `nearest`.
    now
        The present, aware.
    say
        The catalogue.
    lang
        Its language.

    Returns
    -------
    words
        One sentence, or empty.
    """
    soonest = (answer.get("shortfall") or {}).get("soonest")
    if not soonest or answer["results"]:
        return ""
    return say("soonest", time=_clock(soonest["opens_at"], now, say, lang), name=soonest["name"])


def missing_words(answer: Mapping[str, Any], say: Say) -> str:
    """
    How many places of the layer the list leaves out, and why.

    Parameters
    ----------
    answer
        Answer of `nearest`.
    say
        The catalogue.

    Returns
    -------
    words
        Empty if the list is full or complete.
    """
    short = answer.get("shortfall") or {"states": {}, "unreachable": 0}
    n_closed, n_unreachable = short["states"].get("closed", 0), short["unreachable"]
    words = [say("more_closed", n=n_closed)] if n_closed else []
    words += [say("more_unreachable", n=n_unreachable)] if n_unreachable else []
    return " · ".join(words)


def _time_words(answer: Mapping[str, Any], now: datetime, say: Say, lang: Lang) -> str:
    state = answer["state"]
    if state == "unknown":
        return say("hours_unknown") if not answer.get("hours") else ""
    if state == "closed":
        return say("opens", time=_clock(answer["opens_at"], now, say, lang)) if answer.get("opens_at") else ""
    if not answer.get("open_until"):
        return say("all_day")
    return say("until", time=_clock(answer["open_until"], now, say, lang))


def _doubt_words(doubt: Mapping[str, Any], now: datetime, say: Say) -> str:
    ago = _ago_words(now - datetime.fromisoformat(doubt["last_at"]), say)
    return say(f"spot_against_{doubt['claim']}", n=doubt["n_said"], ago=ago)


def _ago_words(age: timedelta, say: Say) -> str:
    minutes = age // timedelta(minutes=1)
    if minutes < 1:
        return say("spot_just_now")
    if minutes < 60:
        return say("spot_minutes_ago", n=minutes)
    if minutes < 48 * 60:
        return say("spot_hours_ago", n=minutes // 60)
    return say("spot_days_ago", n=age.days)


def _clock(text: str, now: datetime, say: Say, lang: Lang) -> str:
    instant = datetime.fromisoformat(text).astimezone(SHANGHAI)
    return clock_words(instant, now.astimezone(SHANGHAI), say, lang)
