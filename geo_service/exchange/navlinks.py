"""
Links that open a place in a map app, each in the datum and order that app expects.

`REGISTRY` holds the apps as templates with holes; builder and decoder read the same line.
A link says which datum and mode it really carries.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple, get_args
from urllib.parse import quote, unquote

from geo_service.errors import InvalidInputError
from geo_service.exchange.navapps import REGISTRY, SCALE, Caution, LinkSettings, LinkTarget, Mode
from geo_service.geo import Datum, Extent, check_lonlat, convert_datum, is_shifted

__all__ = [
    "FALLBACK",
    "REGISTRY",
    "Arrival",
    "Caution",
    "Link",
    "LinkSettings",
    "LinkTarget",
    "Mode",
    "build_links",
    "clean_name",
    "decode_link",
    "describe_links",
    "link_urls",
    "links_json",
    "sender_texts",
]

FALLBACK: Mapping[Mode, tuple[Mode | None, ...]] = {
    "ebike": ("ebike", "ride", "walk", None),
    "ride": ("ride", "walk", None),
    "walk": ("walk", None),
    "drive": ("drive", None),
}
"""Modes tried in turn; None is a link that only shows the place."""

_BY_ID: Mapping[str, LinkTarget] = {target.id: target for target in REGISTRY}


@dataclass(frozen=True)
class Link:
    """
    A place in one app, ready to be tapped.

    Parameters
    ----------
    app
        The target's ``id``.
    url
        The link; None if the app wants a payload.
    payload
        Arguments of ``wx.openLocation``; None if the app wants a link.
    datum
        Datum of the coordinates inside.
    mode
        Mode really sent, which is the nearest the app knows; None if it only shows the place.
    target
        The registry entry, with names, evidence and grade.
    warning
        What the rider must know; None mostly.
    """

    app: str
    url: str | None
    payload: Mapping[str, object] | None
    datum: Datum
    mode: Mode | None
    target: LinkTarget
    warning: Caution | None


class Arrival(NamedTuple):
    """Where a link leads: WGS 84 degrees, and the name it shows (None if it carries none)."""

    lon: float
    lat: float
    name: str | None


# --- building ---------------------------------------------------------------------------


def build_links(
    lonlat: tuple[float, float], name: str, mode: Mode = "ebike", settings: LinkSettings | None = None
) -> dict[str, Link]:
    """
    Build the links of every app that can lead to a place.

    Parameters
    ----------
    lonlat
        The arrival point (the entrance, not the middle), WGS 84 degrees.
    name
        What the sign says. Control characters and line breaks become one blank; everything else
        is kept, percent-encoded.
    mode
        How one travels; an app without it gets the nearest it knows, see `FALLBACK`.
    settings
        Names and keys; None for the defaults, which have no keys.

    Returns
    -------
    links
        Target id to link, in the order of `REGISTRY`. Outside the mainland without the Chinese
        apps; always without those whose key is missing.

    Raises
    ------
    InvalidInputError
        If the point is not on the globe or the mode is unknown.

    Examples
    --------
    >>> links = build_links((116.442, 39.957), "驿站", "walk")
    >>> links["amap_web"].url
    'https://uri.amap.com/navigation?to=116.448203,39.958371,%E9%A9%BF%E7%AB%99&mode=walk&src=friendmap&callnative=1'
    >>> links["amap_web"].datum, links["osmand"].datum
    ('gcj02', 'wgs84')
    """
    check_lonlat(lonlat, "lonlat")
    if mode not in get_args(Mode):
        message = f"mode={mode!r} is unknown; allowed: {', '.join(get_args(Mode))}"
        raise InvalidInputError(message, parameter="mode", value=str(mode))
    settings, clean, spot = settings or LinkSettings(), clean_name(name), _spot(lonlat)
    return {
        target.id: _build(target, spot, clean, mode, settings)
        for target in REGISTRY
        if (target.needs is None or getattr(settings, target.needs))
        and (not target.mainland_only or spot.in_mainland)
    }


def clean_name(name: str) -> str:
    """
    Make a name one line: control characters, line breaks and broken halves of characters become a blank.

    Parameters
    ----------
    name
        Any text.

    Returns
    -------
    name
        The text without them, runs of blanks made one, none at either end.

    Examples
    --------
    >>> clean_name("全时\\r\\n驿站\\x00 ")
    '全时 驿站'
    """
    broken = ("Cc", "Cs", "Zl", "Zp")
    return " ".join("".join(" " if unicodedata.category(c) in broken else c for c in name).split())


def links_json(links: Mapping[str, Link]) -> dict[str, str]:
    """
    Give the links as the ``links`` object of an answer.

    The WeChat payload is not an address and stays out; a page reads it from ``Link.payload``.

    Parameters
    ----------
    links
        What `build_links` gave.

    Returns
    -------
    links
        Target id to address.
    """
    return {app: link.url for app, link in links.items() if link.url is not None}


def describe_links(links: Mapping[str, Link]) -> list[dict[str, object]]:
    """
    Give everything a person or program should know about each link, as JSON values.

    Parameters
    ----------
    links
        What `build_links` gave.

    Returns
    -------
    rows
        One object per link: app, names, url or payload, datum, mode, evidence, verified_on, warning.
    """
    return [
        {
            "app": link.app,
            "platform": link.target.platform,
            "name_zh": link.target.zh,
            "name_en": link.target.en,
            "url": link.url,
            "payload": None if link.payload is None else dict(link.payload),
            "datum": link.datum,
            "order": link.target.order,
            "mode": link.mode,
            "evidence": link.target.evidence,
            "datum_evidence": link.target.datum_evidence,
            "verified_on": link.target.verified_on and link.target.verified_on.isoformat(),
            "warning": link.warning and link.warning._asdict(),
        }
        for link in links.values()
    ]


@lru_cache(maxsize=16384)
def _urls(lonlat: tuple[float, float], name: str, mode: Mode, settings: LinkSettings) -> Mapping[str, str]:
    return links_json(build_links(lonlat, name, mode, settings))


def link_urls(
    lonlat: tuple[float, float], name: str, mode: Mode = "ebike", settings: LinkSettings | None = None
) -> dict[str, str]:
    """
    Give the ``links`` object of an answer at once; what was built is kept for the next answer.

    Parameters
    ----------
    lonlat
        As for `build_links`, like all that follows.
    name
        What the sign says.
    mode
        How one travels.
    settings
        Names and keys.

    Returns
    -------
    links
        Target id to address, the caller's own.

    Raises
    ------
    InvalidInputError
        If the point is not on the globe or the mode is unknown.
    """
    return dict(_urls(lonlat, name, mode, settings or LinkSettings()))


class _Spot(NamedTuple):
    """One point in both datums as text, and the extents it lies in; worked out once for all targets."""

    lonlat: Mapping[Datum, tuple[float, float]]
    text: Mapping[Datum, Mapping[str, str]]
    extents: frozenset[Extent]

    @property
    def in_mainland(self) -> bool:
        return "mainland" in self.extents


def _spot(lonlat: tuple[float, float]) -> _Spot:
    asked = {target.shifted_in for target in REGISTRY if target.shifted_in is not None}
    extents = frozenset(extent for extent in asked if is_shifted(lonlat, extent))
    # the outlines have spoken: inside the box the shift is unconditional
    gcj02 = convert_datum(lonlat, "wgs84", "gcj02", "box").tolist()
    both: dict[Datum, tuple[float, float]] = {"wgs84": lonlat, "gcj02": (gcj02[0], gcj02[1])}
    text = {datum: {"lon": _degrees(lon), "lat": _degrees(lat)} for datum, (lon, lat) in both.items()}
    return _Spot(both, text, extents)


def _build(target: LinkTarget, spot: _Spot, name: str, mode: Mode, settings: LinkSettings) -> Link:
    datum = _datum_at(target, spot, settings)
    sent = next(known for known in FALLBACK[mode] if known in target.modes)
    url = payload = None
    if target.templates:
        holes = {**spot.text[datum], "name": _encoded(target.reserved, name), **sender_texts(settings)}
        url = target.templates[sent].format_map(holes)
    else:
        payload = _wechat_payload(*spot.lonlat[datum], _without(target.reserved, name))
    return Link(target.id, url, payload, datum, sent, target, target.warning if spot.in_mainland else None)


def _datum_at(target: LinkTarget, spot: _Spot, settings: LinkSettings) -> Datum:
    if target.shifted_in not in spot.extents:
        return "wgs84"
    return settings.apple_datum if target.app == "apple" else "gcj02"


def _without(reserved: str, name: str) -> str:
    """Full-width twins for characters that would end the name inside its own value."""
    return name.translate({ord(c): chr(ord(c) + 0xFEE0) for c in reserved})


@lru_cache(maxsize=1024)
def _encoded(reserved: str, name: str) -> str:
    return quote(_without(reserved, name), safe="")


@lru_cache(maxsize=16)
def sender_texts(settings: LinkSettings) -> Mapping[str, str]:
    """
    Texts for the holes that say who we are.

    Parameters
    ----------
    settings
        Names and keys.

    Returns
    -------
    texts
        Hole to text, encoded so that no setting can break out of its parameter.
    """
    fields = ("app_name", "baidu_src", "tencent_key")
    return {field: quote(getattr(settings, field) or "", safe="") for field in fields}


def _degrees(value: float) -> str:
    """Six decimals, which round to 6 cm; never ``-0.000000``."""
    return f"{round(value, 6) + 0.0:.6f}"


def _wechat_payload(lon: float, lat: float, name: str) -> dict[str, object]:
    return {
        "latitude": round(lat, 6),
        "longitude": round(lon, 6),
        "name": name,
        "address": "",
        "scale": SCALE,
    }


# --- decoding ---------------------------------------------------------------------------


def decode_link(app: str, link: str | Mapping[str, object], datum: Datum | None = None) -> Arrival:
    """
    Read a link of ours back: where it leads and what it says.

    Strict: anything but the exact form we write is refused.

    Parameters
    ----------
    app
        Target id, such as ``"amap_web"``.
    link
        The address, or the payload of WeChat.
    datum
        What ``Link.datum`` said; None works it out from the place, which cannot succeed within a shift's
        length outside an outline.

    Returns
    -------
    arrival
        WGS 84 degrees and the name, None if such links carry none.

    Raises
    ------
    InvalidInputError
        If the app is unknown or the link is not one of its forms.

    Examples
    --------
    >>> arrival = decode_link("organic", "om://map?v=1&ll=39.957000,116.442000&n=%E9%A9%BF%E7%AB%99")
    >>> arrival
    Arrival(lon=116.442, lat=39.957, name='驿站')
    """
    if app not in _BY_ID:
        message = f"app={app!r} is unknown; allowed: {', '.join(_BY_ID)}"
        raise InvalidInputError(message, parameter="app", value=app)
    target = _BY_ID[app]
    lon, lat, name = _read_url(target, link) if isinstance(link, str) else _read_payload(target, link)
    check_lonlat((lon, lat), "link")
    if datum is not None:
        lon, lat = convert_datum((lon, lat), datum, "wgs84", "box").tolist()
    elif target.shifted_in is not None:
        lon, lat = convert_datum((lon, lat), "gcj02", "wgs84", target.shifted_in).tolist()
    return Arrival(lon, lat, name)


def _read_url(target: LinkTarget, url: str) -> Arrival:
    found = next((hit for form in _forms(target.id) if (hit := form.fullmatch(url))), None)
    if found is None:
        raise _not_ours(target, url)
    holes = found.groupdict()
    try:
        name = None if holes.get("name") is None else unquote(holes["name"], errors="strict")
    except UnicodeDecodeError:
        raise _not_ours(target, url) from None
    return Arrival(float(holes["lon"]), float(holes["lat"]), name)


def _read_payload(target: LinkTarget, payload: Mapping[str, object]) -> Arrival:
    lon, lat, name = (payload.get(key) for key in ("longitude", "latitude", "name"))
    keys = {"latitude", "longitude", "name", "address", "scale"}
    if target.templates or set(payload) != keys or not isinstance(name, str):
        raise _not_ours(target, str(dict(payload)))
    if not isinstance(lon, float) or not isinstance(lat, float):
        raise _not_ours(target, str(dict(payload)))
    return Arrival(lon, lat, name)


def _not_ours(target: LinkTarget, link: str) -> InvalidInputError:
    shown = link if len(link) <= 80 else link[:80] + "…"
    form = next(iter(target.templates.values()), "the arguments of wx.openLocation")
    return InvalidInputError(
        f"link={shown!r} is not a link for {target.id}, such as {form}", parameter="link", value=shown
    )


_HOLES = {"lon": r"-?[0-9]{1,3}\.[0-9]{6}", "lat": r"-?[0-9]{1,2}\.[0-9]{6}"}
_ENCODED = r"(?:[A-Za-z0-9_.~-]++|%[0-9A-F]{2})*"


@cache
def _forms(target_id: str) -> tuple[re.Pattern[str], ...]:
    """The target's templates as patterns; a hole that comes twice must say the same twice."""
    return tuple(re.compile(_pattern(template)) for template in _BY_ID[target_id].templates.values())


def _pattern(template: str) -> str:
    pieces, seen = [], set()
    for piece in re.split(r"(\{[a-z_]+\})", template):
        hole = piece[1:-1]
        if not piece.startswith("{"):
            pieces.append(re.escape(piece))
        elif hole in seen:
            pieces.append(f"(?P={hole})")
        else:
            pieces.append(f"(?P<{hole}>{_HOLES.get(hole, _ENCODED)})")
            seen.add(hole)
    return "".join(pieces)
