"""What a planner asks for, from an address and into one: need, minutes, week, changes."""

import re
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import request

from geo_service.districts import District
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.hours import SHANGHAI
from geo_service.planning.changes import MOST_CHANGES, Change, change_of
from geo_service.planning.demand import GROUPS, HOURS, Group
from geo_service.planning.parameters import (
    DEMAND_USES,
    DemandFile,
    Need,
    Parameters,
    Prices,
    TrustRules,
    parameters_of,
    parse_need,
)
from geo_service.web.http import Query
from geo_service.web.served import present_time

PRICES = tuple(one.name for one in fields(Prices))
ASKED = (
    "layer", "service", "also", "minutes", "metres", "profile", "week", "accept", "stations", "riders", "changes",
    "hour", "lang", "demand", "demand_use", "site_hours", *PRICES,
)  # fmt: skip
"""Parameters that every page of the planner takes."""

HOUR = 14
"""Hour of the week that is looked at first: Monday 14:00."""

SITE_HOURS = Parameters.site_hours
MOST_QUERY = 1900
"""Bytes of an address's query that we write; the server reads 2048."""

_PRICES = asdict(Prices())


def ask_parameters(query: Query, district: District) -> Parameters:
    """
    Read what is planned from an address.

    Parameters
    ----------
    query
        With the names of `ASKED`.
    district
        The district.

    Returns
    -------
    parameters
        What is left out is as by default.

    Raises
    ------
    InvalidInputError
        If something makes no sense.
    NotFoundError
        If there is no such layer of places.
    """
    layers = plan_layers(district)
    if not layers:
        raise NotFoundError(
            "this district holds no layer of places yet; import one, then plan", parameter="layer"
        )
    layer = query.text("layer", layers[0]) or ""
    if layer not in layers:
        raise NotFoundError(
            f"there is no layer of places {layer[:40]!r}; choose one of {', '.join(layers)}",
            parameter="layer",
        )
    week = query.text("week")
    return Parameters(
        need=Need(layer, query.words("service")),
        week=present_time().astimezone(SHANGHAI).date() if week is None else _day(week),
        also=tuple(_need(one, layers) for one in (query.text("also") or "").split(",") if one),
        profile=query.choice("profile", default_profile(district), district.profiles),
        minutes=_number("minutes", query.text("minutes", "10") or ""),
        metres=query.parsed("metres", lambda text, name: _number(name, text) if text else None),
        accept=query.words("accept"),
        groups=_groups(query.text("riders")),
        changes=_changes(query.text("changes")),
        stations=query.count("stations", 1, 2),
        demand=_demand(query, district),
        prices=_prices(query),
        site_hours=query.text("site_hours", SITE_HOURS) or SITE_HOURS,
    )


def ask_hour(query: Query) -> int:
    """
    Read the hour of the week that is looked at.

    Parameters
    ----------
    query
        The address.

    Returns
    -------
    hour
        0 to 167.
    """
    text = query.text("hour", str(HOUR)) or ""
    if not re.fullmatch("[0-9]{1,3}", text) or int(text) >= HOURS:
        raise InvalidInputError(
            f"hour={text[:20]!r} is no hour of the week; give 0 to {HOURS - 1}", parameter="hour"
        )
    return int(text)


def default_profile(district: District) -> str:
    """
    How coverage is measured unless asked otherwise.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    profile
        ``"walk"`` if it has that network.
    """
    return "walk" if "walk" in district.profiles else district.profiles[0]


def plan_layers(district: District) -> list[str]:
    """
    Layers that can be planned.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    layers
        Those of places, rest stations first.
    """
    held = [name for name in district.layer_names() if not district.catalogue[name].is_area]
    return sorted(held, key=lambda name: name != "station")


def query_of(parameters: Parameters, district: District, **more: Any) -> dict[str, str]:
    """
    Say parameters as the query of an address; the way back of `ask_parameters`.

    Parameters
    ----------
    parameters
        What is planned; hours of riders other than by default do not fit an address.
    district
        The district.
    **more
        Other pairs.

    Returns
    -------
    query
        What differs from the defaults, and the layer and week.
    """
    given = {
        "layer": parameters.need.layer,
        "service": ",".join(parameters.need.services),
        "also": ",".join(map(str, parameters.also)),
        "minutes": "" if parameters.minutes == 10 else f"{parameters.minutes:g}",
        "metres": "" if parameters.metres is None else f"{parameters.metres:g}",
        "profile": "" if parameters.profile == default_profile(district) else parameters.profile,
        "week": parameters.week.isoformat(),
        "accept": ",".join(parameters.accept),
        "stations": "" if parameters.stations == 1 else str(parameters.stations),
        "riders": _riders_of(parameters.groups),
        "changes": orjson.dumps([one.to_json() for one in parameters.changes]).decode()
        if parameters.changes
        else "",
        "demand": "" if parameters.demand is None else parameters.demand.sha256,
        "demand_use": "" if parameters.demand is None else parameters.demand.use,
        "site_hours": "" if parameters.site_hours == SITE_HOURS else parameters.site_hours,
        **{key: f"{yuan:.12g}" for key, yuan in asdict(parameters.prices).items() if yuan != _PRICES[key]},
    }
    return {key: value for key, value in (given | {k: str(v) for k, v in more.items()}).items() if value}


def fits_address(parameters: Parameters, district: District) -> bool:
    """
    Tell whether an address can say these parameters.

    Parameters
    ----------
    parameters
        What is planned.
    district
        The district.

    Returns
    -------
    fits
        False if hours or shares of riders or rules of trust are the planner's own, or there are very many changes:
        those travel in a file or a scenario.
    """
    plain = _groups(_riders_of(parameters.groups))
    is_plain = plain == parameters.groups and parameters.trust == TrustRules()
    return is_plain and len(urlencode(query_of(parameters, district))) <= MOST_QUERY


def read_body(most: int = 200_000) -> Mapping[str, Any]:
    """
    Read the JSON object of this request.

    Parameters
    ----------
    most
        Bytes that are read at all.

    Returns
    -------
    body
        The object.

    Raises
    ------
    InvalidInputError
        If it is none, or too long.
    """
    return json_object(request.get_data(), most)


def form_parameters() -> Parameters:
    """
    Read the parameters that a form of the page carries along.

    Returns
    -------
    parameters
        As the page had them.

    Raises
    ------
    InvalidInputError
        If there are none, or they make no sense.
    """
    return parameters_of(json_object(request.form.get("parameters", "").encode()))


def form_choice(name: str, allowed: tuple[str, ...], default: str = "") -> Any:
    """
    Read one of a few words of a form.

    Parameters
    ----------
    name
        Of the field.
    allowed
        The words.
    default
        What absence means; refused if it is none of them.

    Returns
    -------
    word
        One of ``allowed``.

    Raises
    ------
    InvalidInputError
        If it is another.
    """
    value = request.form.get(name, default)
    if value not in allowed:
        raise InvalidInputError(
            f"{name}={value[:20]!r} is unknown; choose from {', '.join(allowed)}",
            parameter=name,
            value=value[:20],
        )
    return value


def json_object(data: bytes, most: int = 200_000) -> Mapping[str, Any]:
    """
    Read a JSON object.

    Parameters
    ----------
    data
        The bytes.
    most
        Bytes that are read at all.

    Returns
    -------
    values
        The object.

    Raises
    ------
    InvalidInputError
        If it is none, or too long.
    """
    try:
        body = orjson.loads(data) if len(data) <= most else None
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise InvalidInputError(
            f"this is no JSON object of at most {most} bytes", parameter="body", value=None
        )
    return body


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) or not 2000 <= found.year <= 2100:
        raise InvalidInputError(
            f"week={text[:20]!r} is no day; write 2026-11-23", parameter="week", value=text[:20]
        )
    return found


def _need(text: str, layers: list[str]) -> Need:
    need = parse_need(text)
    if need.layer not in layers:
        raise NotFoundError(
            f"there is no layer of places {need.layer[:40]!r}; choose one of {', '.join(layers)}",
            parameter="also",
        )
    return need


def _number(name: str, text: str, digits: int = 5) -> float:
    if not re.fullmatch(rf"[0-9]{{1,{digits}}}(\.[0-9]{{1,3}})?", text, re.ASCII):
        raise InvalidInputError(
            f"{name}={text[:20]!r} is no number; write 10 or 7.5", parameter=name, value=text[:20]
        )
    return float(text)


def _demand(query: Query, district: District) -> DemandFile | None:
    from geo_service.districts.plans.demand import kept_file

    sha256, use = query.text("demand"), query.choice("demand_use", DEMAND_USES[0], DEMAND_USES)
    return None if not sha256 else kept_file(district, sha256, use)


def _prices(query: Query) -> Prices:
    asked = {key: query.text(key) for key in PRICES}
    return Prices(**{key: _number(key, text, 12) for key, text in asked.items() if text})


def _riders_of(groups: tuple[Group, ...]) -> str:
    if [group.riders for group in groups] == [group.riders for group in GROUPS]:
        return ""
    return ",".join(f"{group.key}:{group.riders:g}" for group in groups)


def _groups(text: str | None) -> tuple[Group, ...]:
    if not text:
        return GROUPS
    pairs = [
        re.fullmatch(r"([a-z_]{1,20}):([0-9]{1,6}(?:\.[0-9]{1,3})?)", part, re.ASCII)
        for part in text.split(",")
    ]
    riders = {pair[1]: float(pair[2]) for pair in pairs if pair}
    if None in pairs or not set(riders) <= {group.key for group in GROUPS}:
        raise InvalidInputError(
            f"riders={text[:60]!r} cannot be read; write {','.join(f'{g.key}:{g.riders:g}' for g in GROUPS)}",
            parameter="riders",
            value=text[:60],
        )
    return tuple(replace(group, riders=riders.get(group.key, group.riders)) for group in GROUPS)


def _changes(text: str | None) -> tuple[Change, ...]:
    try:
        held = orjson.loads(text) if text else []
    except orjson.JSONDecodeError:
        held = None
    if not isinstance(held, list) or len(held) > MOST_CHANGES:
        raise InvalidInputError(f"changes is no list of at most {MOST_CHANGES} changes", parameter="changes")
    return tuple(change_of(one) for one in held)
