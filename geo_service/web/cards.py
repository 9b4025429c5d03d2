"""What a rider reads of one place: state, distance, minutes and the links into map apps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from geo_service.exchange.navlinks import Link
from geo_service.hours import SHANGHAI, State, opening_at
from geo_service.layers import Words
from geo_service.web.words import LANGS, Lang, Say, clock_words, length_words, whole_minutes

SERVICE_ORDER = (
    "microwave",
    "meal_heating",
    "rider_meal",
    "discount",
    "emergency",
    "hot_water",
    "drinking_water",
    "toilet",
    "rest",
    "phone_charging",
    "air_conditioning",
    "heating",
)
"""What riders look for first; other services follow in the order of the place."""

IMPLIED = {
    "toilet": "toilet",
    "water": "drinking_water",
    "swap": "battery_swap",
    "charging": "bike_charging",
    "clinic": "medical",
}
"""A service that the name of the layer says already."""

_OFFERS = 4
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
    clock
        The instant alone that ``time_words`` speak of.
    length_words
        Length of the way; empty if nobody asked from somewhere.
    minutes
        Time on the way, rounded up; None likewise.
    address
        Address, or empty.
    way_in
        How one gets in at that time, or empty if nobody wrote it down.
    offers
        What is there: services, or what a cabinet serves; mostly some.
    age_words
        How long ago somebody looked; empty if that is not recorded.
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
    clock: str
    length_words: str
    minutes: int | None
    address: str
    way_in: str
    offers: str
    age_words: str
    links: tuple[AppLink, ...]
    doubts: tuple[str, ...]


def make_card(
    answer: Mapping[str, Any],
    apps: Mapping[str, Link],
    now: datetime,
    say: Say,
    lang: Lang,
    services: Mapping[str, Words],
    wanted: Sequence[str] = (),
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
    services
        What each kind of service is called.
    wanted
        Kinds that were asked for; they are named first.

    Returns
    -------
    card
        Ready for a template, which escapes every text.
    """
    arrival = (now + timedelta(seconds=answer.get("cost_s", 0.0))).astimezone(SHANGHAI)
    return Card(
        id=answer["id"],
        layer=answer["layer"],
        name=answer["name"],
        lon=answer["lon"],
        lat=answer["lat"],
        state=answer["state"],
        state_words=say(answer["state"]),
        time_words=_time_words(answer, now, say, lang),
        clock=_until_clock(answer, now, say, lang),
        length_words=length_words(answer["length_m"], say) if "length_m" in answer else "",
        minutes=whole_minutes(answer["cost_s"]) if "cost_s" in answer else None,
        address=answer.get("address") or "",
        way_in=_way_in_words(answer.get("access") or (), arrival, say),
        offers=_offer_words(answer, arrival.date(), wanted, services, say, lang),
        age_words=_age_words(answer.get("checked_on"), now.astimezone(SHANGHAI).date(), say),
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


def sentence_words(cards: Sequence[Card], layer: Words, profile: str, say: Say, lang: Lang) -> str:
    """
    What the list comes to: how near the nearest is and whether one can go in.

    Parameters
    ----------
    cards
        The list, nearest first.
    layer
        What its layer is called.
    profile
        ``"ebike"`` or ``"walk"``.
    say
        The catalogue.
    lang
        Its language.

    Returns
    -------
    words
        One sentence without a full stop; empty if nothing is listed.
    """
    if not cards:
        return ""
    first = cards[0]
    name = layer[LANGS.index(lang)]
    name = name.lower() if lang == "en" else name
    near = say("sentence_ebike" if profile == "ebike" else "sentence_walk", layer=name, n=first.minutes)
    return near + say("comma") + _until_words(first, say)


def _until_words(card: Card, say: Say) -> str:
    if card.state == "open" and card.clock:
        return say("sentence_open", time=card.clock)
    if card.state == "closing_soon":
        return say("sentence_soon", time=card.clock)
    return say("sentence_day" if card.state == "open" else f"sentence_{card.state}")


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


def _until_clock(answer: Mapping[str, Any], now: datetime, say: Say, lang: Lang) -> str:
    instant = answer.get("opens_at" if answer["state"] == "closed" else "open_until")
    return _clock(instant, now, say, lang) if instant else ""


def _way_in_words(access: Sequence[Mapping[str, Any]], arrival: datetime, say: Say) -> str:
    holding = [way for way in access if not way.get("hours") or _holds(way["hours"], arrival)]
    return say("and").join(dict.fromkeys(say(f"access_{way['method']}") for way in holding or access))


def _holds(hours: str, at: datetime) -> bool:
    return opening_at(hours, at).state is not State.CLOSED


def _offer_words(
    answer: Mapping[str, Any],
    on: date,
    wanted: Sequence[str],
    services: Mapping[str, Words],
    say: Say,
    lang: Lang,
) -> str:
    if answer.get("power"):
        return _power_words(answer["power"], say)
    offered = [one for one in answer.get("services") or () if _is_offered(one, on)]
    offered = [one for one in offered if one["kind"] != IMPLIED.get(answer["layer"])]
    rank = {kind: i for i, kind in enumerate(dict.fromkeys((*wanted, *SERVICE_ORDER)))}
    offered.sort(key=lambda one: rank.get(one["kind"], len(rank)))
    names = [_service_words(one, services, lang) for one in offered[:_OFFERS]]
    more = [f"+{len(offered) - _OFFERS}"] if len(offered) > _OFFERS else []
    return (" " if lang == "zh" else ", ").join(names + more)


def _is_offered(service: Mapping[str, Any], on: date) -> bool:
    begin, end = str(service.get("valid_from", "")), str(service.get("valid_until", "9999"))
    return begin <= on.isoformat() <= end


def _service_words(service: Mapping[str, Any], services: Mapping[str, Words], lang: Lang) -> str:
    kind = service["kind"]
    name = services[kind][LANGS.index(lang)] if kind in services else kind
    return f"{name} {service['price']}" if service.get("price") else name


def _power_words(power: Mapping[str, Any], say: Say) -> str:
    volts = "/".join(str(volt) for volt in power.get("voltage_v") or ())
    facts = [power.get("operator"), say("volts", n=volts) if volts else ""]
    facts.append(say("slots", n=power["slots"]) if power.get("slots") else "")
    return " ".join(fact for fact in facts if fact)


def _age_words(checked_on: str | None, today: date, say: Say) -> str:
    if not checked_on:
        return ""
    days = max(0, (today - date.fromisoformat(checked_on)).days)
    if days == 0:
        return say("checked_today")
    return say("checked_days", n=days) if days < 60 else say("checked_months", n=days // 30)


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
