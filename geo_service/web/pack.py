"""The district pack as phones fetch it: an index that is asked for again, and files that never change."""

import re
from functools import lru_cache
from typing import Any

import orjson
from flask import Blueprint, Response, request

from geo_service.districts import District
from geo_service.districts.district import link_settings
from geo_service.errors import NotFoundError
from geo_service.exchange.navlinks import LinkSettings
from geo_service.exchange.navphone import link_templates
from geo_service.web.assets import FOREVER, Asset, pack_asset, send_asset
from geo_service.web.http import Query
from geo_service.web.served import find_district, present_time, served_settings
from geo_service.web.tiles import basemap_facts

pack = Blueprint("pack", __name__)

_NAME = re.compile(r"[a-z0-9_-]{1,80}-[0-9a-f]{16}\.(json|bin)")
_TYPES = {"json": "application/json", "bin": "application/octet-stream"}


@pack.get("/<district_id>/pack/index.json")
def index(district_id: str) -> Response:
    """Send what names all the rest; it brings along what is said against places just now."""
    Query(request)
    return send_asset(_ready(index_body(find_district(district_id))), "no-cache")


@pack.get("/<district_id>/pack/<name>")
def file(district_id: str, name: str) -> Response:
    """Send a file of the pack, to be kept for ever: other bytes would have another name."""
    Query(request)
    district = find_district(district_id)
    found = district.pack.read(name, present_time()) if _NAME.fullmatch(name) else None
    if found is None:
        raise NotFoundError("there is no such file in the pack; its index.json names those there are")
    mimetype = _TYPES[name.rpartition(".")[2]]
    digest = name.rpartition("-")[2].partition(".")[0]
    return send_asset(Asset(found.body, found.gz, mimetype, digest, found.br), FOREVER)


def index_body(district: District) -> bytes:
    """
    Write the index of a district's pack as of now.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    body
        JSON, as docs/guide/pack.md says it.
    """
    said = district.pack.current(present_time()).said
    apps = _templates(district.bbox, link_settings(served_settings()))
    basemap = basemap_facts(district)
    return orjson.dumps({**said, "doubts": district.standing().rows(), "basemap": basemap, "apps": apps})


@lru_cache(maxsize=256)
def _templates(bbox: tuple[float, float, float, float], settings: LinkSettings) -> dict[str, Any]:
    return link_templates(bbox, settings)


@lru_cache(maxsize=64)
def _ready(body: bytes) -> Asset:
    return pack_asset(body, "application/json")
