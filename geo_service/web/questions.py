"""The finder's questions over HTTP, for other programs; our own pages never send a position."""

import re
from datetime import datetime
from typing import Any, cast

import numpy as np
from flask import Blueprint, Response, request

from geo_service.districts import District
from geo_service.districts.answers import parse_minutes
from geo_service.errors import InvalidInputError
from geo_service.geo import Datum, convert_datum, parse_lonlat
from geo_service.hours import parse_time
from geo_service.web.http import Query, json_answer
from geo_service.web.served import find_district, first_profile, present_time

questions = Blueprint("questions", __name__, url_prefix="/districts/<district_id>")

DATUMS = ("wgs84", "gcj02", "bd09")
K_DEFAULT, K_ON_THE_WAY, K_MOST = 5, 3, 100
MINUTES_DEFAULT = "10"
BANDS_DEFAULT = "5,10,15"
CHANGES_MOST = 50
"""Most places that one trial may close, and most that it may open."""

WISHES = ("layer", "k", "profile", "at", "service", "accept", "operator", "plan", "voltage", "datum")
"""Parameters of every question about places."""

LonLat = tuple[float, float]


@questions.get("/nearest")
def nearest(district_id: str) -> Response:
    """Find the nearest places that are open on arrival."""
    query = Query(request, "from", *WISHES)
    district = find_district(district_id)
    return json_answer(district.nearest(origin=_point(query, "from"), **_wishes(query, district, K_DEFAULT)))


@questions.get("/onway")
def onway(district_id: str) -> Response:
    """Find the stops of least added time."""
    query = Query(request, "from", "to", *WISHES)
    district = find_district(district_id)
    return json_answer(
        district.onway(
            origin=_point(query, "from"),
            destination=_point(query, "to"),
            **_wishes(query, district, K_ON_THE_WAY),
        )
    )


@questions.get("/range")
def within_range(district_id: str) -> Response:
    """Find what the battery still reaches."""
    query = Query(request, "from", "range_m", "reserve_m", "via", *WISHES)
    district = find_district(district_id)
    return json_answer(
        district.within_range(
            origin=_point(query, "from"),
            range_m=_metres("range_m", query.required("range_m", "METRES")),
            reserve_m=_metres("reserve_m", query.text("reserve_m", "0") or "0"),
            via=None if query.text("via") is None else _point(query, "via"),
            **_wishes(query, district, K_DEFAULT),
        )
    )


@questions.get("/route")
def route(district_id: str) -> Response:
    """Find the fastest way."""
    query = Query(request, "from", "to", "profile", "datum")
    district = find_district(district_id)
    return json_answer(
        district.route(
            origin=_point(query, "from"),
            destination=_point(query, "to"),
            profile=_profile(query, district),
        )
    )


@questions.get("/reach")
def reach(district_id: str) -> Response:
    """Draw what is within some minutes."""
    query = Query(request, "from", "minutes", "profile", "datum")
    district = find_district(district_id)
    answer = district.reach(
        origin=_point(query, "from"),
        minutes=parse_minutes(query.text("minutes", BANDS_DEFAULT) or "", "minutes"),
        profile=_profile(query, district),
    )
    return json_answer(answer, mimetype="application/geo+json")


@questions.get("/coverage")
def coverage(district_id: str) -> Response:
    """Say how much of the streets has a place near, and what if."""
    names = [name for name in WISHES if name != "k"]
    query = Query(request, "minutes", "without", "with", *names)
    district = find_district(district_id)
    profile = query.choice("profile", "walk" if "walk" in district.profiles else "ebike", district.profiles)
    asked = _wishes(query, district, K_DEFAULT) | {"profile": profile}
    del asked["k"]
    return json_answer(
        district.coverage(
            **asked | {"at": None if query.text("at") is None else asked["at"]},
            minutes=_one_number(query.text("minutes", MINUTES_DEFAULT) or ""),
            without=_few("without", query.text("without"), ","),
            with_=[_to_wgs84(parse_lonlat(p, "with"), query) for p in _few("with", query.text("with"), ";")],
        )
    )


def _wishes(query: Query, district: District, k: int) -> dict[str, Any]:
    voltage = query.text("voltage")
    return {
        "layer": query.required("layer", "NAME"),
        "k": query.count("k", k, K_MOST),
        "profile": _profile(query, district),
        "at": _instant(query),
        "service": query.words("service"),
        "operator": query.text("operator"),
        "plan": query.text("plan"),
        "voltage_v": None if voltage is None else query.count("voltage", 0, 1000),
        "accept": query.words("accept"),
    }


def _point(query: Query, name: str) -> LonLat:
    return _to_wgs84(parse_lonlat(query.required(name, "LON,LAT"), name), query)


def _to_wgs84(lonlat: LonLat, query: Query) -> LonLat:
    datum = query.choice("datum", "wgs84", DATUMS)
    if datum == "wgs84":
        return lonlat
    lon, lat = convert_datum(np.array(lonlat), cast(Datum, datum), "wgs84").tolist()
    return lon, lat


def _profile(query: Query, district: District) -> str:
    return query.choice("profile", first_profile(district), district.profiles)


def _instant(query: Query) -> datetime:
    text = query.text("at")
    return present_time() if text in (None, "now") else parse_time(text, "at")


def _metres(name: str, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text, re.ASCII):
        raise InvalidInputError(
            f"{name}={text[:40]!r} is no length; write metres in plain decimals, such as 3000",
            parameter=name,
            value=text[:80],
        )
    return float(text)


def _one_number(text: str) -> float:
    minutes = parse_minutes(text, "minutes")
    if len(minutes) != 1:
        raise InvalidInputError(
            f"minutes={text[:40]!r} is a list; coverage takes one number",
            parameter="minutes",
            value=text[:80],
        )
    return minutes[0]


def _few(name: str, text: str | None, sign: str) -> list[str]:
    parts = text.split(sign) if text else []
    if len(parts) > CHANGES_MOST:
        raise InvalidInputError(
            f"{name} has {len(parts)} entries; at most {CHANGES_MOST} are allowed",
            parameter=name,
            value=len(parts),
        )
    return parts
