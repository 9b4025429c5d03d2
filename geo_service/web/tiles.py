"""The basemap's tiles one by one, what a page's script must know to draw them, and maps to hand on."""

import gzip
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, current_app, g, request

from geo_service.districts import District
from geo_service.districts.sharing import share_map, share_name
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.hours import SHANGHAI
from geo_service.maps.tiles import TileId, check_tile
from geo_service.web.assets import FOREVER, Asset, pack_asset, send_asset
from geo_service.web.http import Query, cached
from geo_service.web.served import find_district, present_time

tiles = Blueprint("tiles", __name__)

KEPT_MAPS = 4
"""Maps to hand on that are kept ready; each is a megabyte or two."""

MIMETYPE = "application/vnd.mapbox-vector-tile"

TIANDITU, AMAP = "https://t0.tianditu.gov.cn", "https://webrd01.is.autonavi.com"


@tiles.get("/<district_id>/tiles/<int:z>/<int:x>/<int:y>.mvt")
def tile(district_id: str, z: int, x: int, y: int) -> Response:
    """Send one tile as it stands in the archive; where there is nothing to draw, an answer without a body."""
    version = Query(request, "v").text("v")
    district, address = find_district(district_id), check_tile(TileId(z, x, y))
    basemap = district.basemap()
    if basemap is None:
        raise NotFoundError(f"district {district.id!r} has no basemap; make one with `geo-service basemap`")
    packed = basemap.get(address)
    keep = FOREVER if version == basemap.digest else "no-cache"
    if packed is None:
        # a page that takes 404 for a broken map draws on over 204
        return Response(status=204, headers={"Cache-Control": keep})
    if request.accept_encodings["gzip"] > 0:
        response = Response(packed, mimetype=MIMETYPE, headers={"Content-Encoding": "gzip"})
    else:
        response = Response(gzip.decompress(packed), mimetype=MIMETYPE)
    response.vary.add("Accept-Encoding")
    return cached(response, f"{basemap.digest}.{z}.{x}.{y}", cache_control=keep)


@tiles.get("/<district_id>/map.html")
def shared_map(district_id: str) -> Response:
    """Send a map of chosen layers as one file to keep: made once for each state of them and each day."""
    names = _named_layers()
    district, on = find_district(district_id), present_time().astimezone(SHANGHAI).date()
    layers = tuple(dict.fromkeys(names)) or district.layer_names()
    versions = [f"{name}.{district.places(name).version}" for name in layers]
    basemap = district.basemap()
    key = "-".join((district.id, on.isoformat(), basemap.digest if basemap else "", *versions))
    made: OrderedDict[str, Asset] = current_app.extensions.setdefault("shared_maps", OrderedDict())
    with current_app.extensions["drawing"]:
        if key not in made:
            made[key] = pack_asset(share_map(district, layers, on).html, "text/html")
        while len(made) > KEPT_MAPS:
            made.popitem(last=False)
        asset = made[key]
    response = send_asset(asset, "no-cache")
    response.headers["Content-Disposition"] = f'attachment; filename="{share_name(district, on)}"'
    return response


def _named_layers() -> list[str]:
    """Layers of the query, joined by commas or, as a form sends ticked boxes, one by one."""
    other = [name for name in request.args if name != "layer"]
    if other:
        raise InvalidInputError(
            f"parameter {other[0][:40]!r} is not known here; allowed: layer", parameter=other[0][:40]
        )
    return [name for text in request.args.getlist("layer") for name in text.split(",") if name]


def basemap_facts(district: District) -> dict[str, Any]:
    """
    What ``makeBasemap`` of ``basemap.js`` needs.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    facts
        ``url`` with places for z, x and y, ``minzoom``, ``maxzoom``, ``bbox`` of the tiles, none of them where there is
        no basemap; and ``rasters``, the maps of others that the district offers. Asking opens the page's
        Content-Security-Policy to the hosts of those.
    """
    basemap, facts = district.basemap(), dict[str, Any](rasters=[])
    if basemap is not None:
        facts["url"] = f"/{district.id}/tiles/{{z}}/{{x}}/{{y}}.mvt?v={basemap.digest}"
        facts |= {"minzoom": basemap.minzoom, "maxzoom": basemap.maxzoom, "bbox": list(basemap.bbox)}
    for name, entries in district.config.providers.items():
        host, raster = _RASTERS[name](entries)
        facts["rasters"].append({"name": name} | raster)
        g.setdefault("image_hosts", set()).add(host)
    return facts


def _tianditu(entries: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    query = f"/DataServer?T={{kind}}&x={{x}}&y={{y}}&l={{z}}&tk={entries['key']}"
    urls = [TIANDITU + query.replace("{kind}", kind) for kind in ("vec_w", "cva_w")]
    return TIANDITU, {"urls": urls, "words": "天地图", "credit": "© 天地图", "datum": "wgs84", "maxzoom": 18}


def _amap(_: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    url = f"{AMAP}/appmaptile?lang=zh_cn&size=1&scale=1&style=8&x={{x}}&y={{y}}&z={{z}}"
    return AMAP, {"urls": [url], "words": "高德", "credit": "© 高德地图", "datum": "gcj02", "maxzoom": 18}


_RASTERS = {"tianditu": _tianditu, "amap": _amap}
