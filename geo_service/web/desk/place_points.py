"""Where a pin and its entrance stand: how far from the street and from each other, and in which datum."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numpy as np

from geo_service.districts import District
from geo_service.errors import InvalidInputError
from geo_service.geo import Datum, check_lonlat, convert_datum, distance_m, parse_lonlat
from geo_service.web.served import first_profile
from geo_service.web.words import Say

LonLat = tuple[float, float]
DATUMS: tuple[Datum, ...] = get_args(Datum)
NAMES: Mapping[str, str] = {"wgs84": "WGS-84", "gcj02": "GCJ-02", "bd09": "BD-09"}
_MARGIN_DEG = 0.1  # as files are judged


class Points(NamedTuple):
    """A pin and its entrance, WGS 84 degrees with seven decimals; the entrance may be missing."""

    pin: LonLat | None
    arrival: LonLat | None


def read_points(texts: Mapping[str, str]) -> Points:
    """
    Read both points of a form, leniently: what is no position is missing.

    Parameters
    ----------
    texts
        By name of the input.

    Returns
    -------
    points
        In the datum they were typed in.
    """
    return Points(*(_point(texts.get(lon, ""), texts.get(lat, "")) for lon, lat in _PAIRS))


_PAIRS = (("lon", "lat"), ("arrival.lon", "arrival.lat"))


def _point(lon: str, lat: str) -> LonLat | None:
    try:
        return parse_lonlat(f"{lon.strip()},{lat.strip()}", "position")
    except InvalidInputError:
        return None


def check_datum(word: str) -> Datum:
    """
    Take a datum from a form.

    Parameters
    ----------
    word
        What was sent.

    Returns
    -------
    datum
        One of `DATUMS`.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    for datum in DATUMS:
        if word == datum:
            return datum
    raise InvalidInputError(
        f"datum={word[:40]!r} is none; allowed: {', '.join(DATUMS)}", parameter="datum", value=word[:40]
    )


def to_wgs84(points: Points, datum: Datum) -> tuple[Points, float]:
    """
    Convert both points.

    Parameters
    ----------
    points
        In the datum.
    datum
        Which.

    Returns
    -------
    points
        WGS 84.
    moved_m
        How far the first of them moved, metres.
    """
    converted: list[LonLat | None] = []
    moved_m = 0.0
    for point in points:
        if point is None:
            converted.append(None)
            continue
        lon, lat = convert_datum(point, datum, "wgs84").round(7).tolist()
        moved_m = moved_m or float(distance_m([point], [(lon, lat)])[0])
        converted.append((lon, lat))
    return Points(*converted), moved_m


def point_words(district: District, points: Points, say: Say) -> list[str]:
    """
    Say where pin and entrance stand.

    Parameters
    ----------
    district
        Its streets and its box.
    points
        WGS 84.
    say
        The catalogue.

    Returns
    -------
    sentences
        One for each point, and one for the distance between them.
    """
    found = [
        _gap_words(district, point, say(what), say)
        for point, what in zip(points, ("place_the_pin", "place_the_entrance"), strict=True)
        if point is not None
    ]
    if points.pin and points.arrival:
        found.append(say("place_apart", n=round(float(distance_m([points.pin], [points.arrival])[0]))))
    return found


def _gap_words(district: District, point: LonLat, what: str, say: Say) -> str:
    west, south, east, north = district.bbox
    check_lonlat(point)
    lon, lat = point
    if not (
        west - _MARGIN_DEG <= lon <= east + _MARGIN_DEG and south - _MARGIN_DEG <= lat <= north + _MARGIN_DEG
    ):
        return say("place_outside", what=what)
    router = district.routers[first_profile(district)]
    snap = router.snap(np.array([point]))
    link = int(snap.link[0])
    if link < 0:
        return say("place_far", what=what)
    gap, street = round(float(snap.gap_m[0])), router.network.names[int(router.network.link_name[link])]
    return say("place_gap_named" if street else "place_gap", what=what, n=gap, street=street)


def points_json(points: Points) -> dict[str, Any]:
    """
    Both points for a script.

    Parameters
    ----------
    points
        WGS 84.

    Returns
    -------
    obj
        ``pin`` and ``arrival`` as ``[lon, lat]`` or null.
    """
    return {name: list(point) if point else None for name, point in points._asdict().items()}
