"""
What a phone needs to go on without the server: the service worker, the manifest, the detail pages in one answer.

The worker's rules are in ``static/sw.js``, those of browsers without one in ``static/rider/keep.js``; what
was tried is in ``docs/guide/offline.md``.
"""

import gzip
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
from flask import Blueprint, Response, current_app, request

from geo_service.districts import District
from geo_service.districts.config import RESERVED
from geo_service.errors import NotFoundError
from geo_service.layers import Place
from geo_service.web.assets import Assets, pack_asset, send_asset
from geo_service.web.http import Query, cached
from geo_service.web.icons import draw_icon
from geo_service.web.rider import place_page
from geo_service.web.served import find_district, present_time
from geo_service.web.words import LANGS, words_in

offline = Blueprint("offline", __name__)

WORKER_POLICY = "default-src 'none'; connect-src 'self'"
"""A worker asks under the policy that it came with, not under that of the pages."""

MOST_PLACES = 1500
"""Detail pages that are sent together; a phone of a larger district keeps those that were opened."""

HOLDS = timedelta(minutes=10)
"""How long detail pages are handed out for keeping after they were made; opened one by one they are always new."""

_KEPT = 48
"""Bundles of detail pages that stay in memory, compressed (some 100 kB each)."""

ICONS = {"icon-192": (192, "any"), "icon-512": (512, "any"), "maskable-512": (512, "maskable")}
"""Name → side in pixels, and what a launcher may do with it."""


class Bundle(NamedTuple):
    """Detail pages of a district: what they were made of, when, and JSON after gzip."""

    key: str
    at: datetime
    packed: bytes


class Bundles:
    """Detail pages of whole districts, those that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._kept: OrderedDict[str, Bundle] = OrderedDict()

    def get(self, district: District, name: str, key: str, now: datetime) -> Bundle:
        """
        The pages of a district's places.

        Parameters
        ----------
        district
            The district.
        name
            Of the variant: district and language.
        key
            Changes whenever the pages do.
        now
            The present, aware.

        Returns
        -------
        bundle
            As they are, or as they were some minutes ago: a busy desk does not have all pages made after each edit.
        """
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        with making:
            kept = self._kept.get(name)
            if kept is None or (kept.key != key and not timedelta(0) <= now - kept.at < HOLDS):
                kept = Bundle(key, now, gzip.compress(_all_places(district), 9, mtime=0))
            with self._lock:
                self._kept[name] = kept
                self._kept.move_to_end(name)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return kept


@offline.get("/sw.js")
def service_worker() -> Response:
    """Send the service worker, with the version of all files and the list of those it keeps in front."""
    Query(request)
    assets = _assets()
    head = "".join(
        f"const {name} = {orjson.dumps(value).decode()};\n"
        for name, value in (
            ("VERSION", assets.version),
            ("SHELL", rider_files(assets)),
            ("RESERVED", list(RESERVED)),
        )
    )
    response = send_asset(pack_asset(head.encode() + assets.read("sw.js"), "text/javascript"), "no-cache")
    response.headers["Content-Security-Policy"] = WORKER_POLICY
    return response


@offline.get("/offline.json")
def kept_files() -> Response:
    """List the files that a browser without service worker fetches for later."""
    Query(request)
    assets = _assets()
    body = orjson.dumps({"version": assets.version, "files": rider_files(assets)})
    return cached(Response(body, mimetype="application/json"), assets.version)


@offline.get("/manifest.webmanifest")
def manifest() -> Response:
    """Tell how the map is put on a phone's home screen."""
    Query(request)
    zh, en = words_in("zh"), words_in("en")
    icons = [
        {"src": f"/icons/{name}.png", "sizes": f"{px}x{px}", "type": "image/png", "purpose": purpose}
        for name, (px, purpose) in ICONS.items()
    ]
    body = {
        "id": "/",
        "name": f"{zh('title')} · {en('title')}",
        "short_name": zh("title"),
        "lang": "zh-CN",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#0b63ce",
        "icons": icons,
    }
    return cached(Response(orjson.dumps(body), mimetype="application/manifest+json"), _assets().version)


@offline.get("/icons/<name>.png")
def icon(name: str) -> Response:
    """Send the sign for a home screen."""
    Query(request)
    if name not in ICONS:
        raise NotFoundError(f"there is no icon {name[:40]!r}; here are: {', '.join(ICONS)}")
    px, purpose = ICONS[name]
    png = draw_icon(px, maskable=purpose == "maskable")
    return send_asset(pack_asset(png, "image/png", compress=False), "public, max-age=86400")


@offline.get("/<district_id>/pages.json")
def place_pages(district_id: str) -> Response:
    """Send the detail pages of all places in one answer: who keeps them all tells nobody which one was read."""
    lang = Query(request, "lang").choice("lang", "", ("", *LANGS))
    district = find_district(district_id)
    if len(_places(district)) > MOST_PLACES:
        raise NotFoundError(f"this district has more than {MOST_PLACES} places; open their pages one by one")
    guessed = "" if lang else str(request.accept_languages.best_match(LANGS))
    versions = ".".join(str(district.places(layer).version) for layer in district.layer_names())
    now, name = present_time(), f"{district.id}.{lang}.{guessed}"
    # what the pages say of today holds until tomorrow; what they say of now is said again by the phone
    key = f"{name}.{now:%Y%m%d}.{_assets().version}.{versions}"
    bundle = _bundles().get(district, name, key, now)
    zipped = request.accept_encodings["gzip"] > 0
    response = Response(
        bundle.packed if zipped else gzip.decompress(bundle.packed), mimetype="application/json"
    )
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.update(("Accept-Encoding", "Accept-Language"))
    return cached(response, bundle.key)


def rider_files(assets: Assets) -> list[str]:
    """
    Addresses of the static files that riders' pages are made of.

    Parameters
    ----------
    assets
        All static files.

    Returns
    -------
    urls
        Scripts and style sheets, without those of the desk and the worker itself.
    """
    return [assets.url(name) for name in assets.names() if _is_riders(name)]


def _is_riders(name: str) -> bool:
    first = name.split("/")[0]
    return (
        name.endswith((".js", ".css", ".svg")) and name != "sw.js" and not first.startswith(("desk", "plan"))
    )


def _places(district: District) -> list[Place]:
    layers = (
        district.places(name) for name in district.layer_names() if not district.catalogue[name].is_area
    )
    return [feature for layer in layers for feature in layer.features if isinstance(feature, Place)]


def _all_places(district: District) -> bytes:
    pages = {place.id: place_page(district.id, place.id, kept=True) for place in _places(district)}
    headers = current_app.extensions["page_headers"] | {"Content-Type": "text/html; charset=utf-8"}
    return orjson.dumps({"headers": headers, "pages": pages})


def _assets() -> Assets:
    assets: Assets = current_app.extensions["assets"]
    return assets


def _bundles() -> Bundles:
    bundles: Bundles = current_app.extensions["bundles"]
    return bundles
