"""The API for other programs: what is served, layers as files, and the questions of `web.questions`."""

from collections.abc import Iterator
from typing import Any, cast

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotAcceptable

from geo_service.districts import District
from geo_service.districts.district import link_settings
from geo_service.districts.handing_out import Choice, chosen_layers, hand_out
from geo_service.errors import InvalidInputError
from geo_service.exchange.outgoing import FORMATS, Format
from geo_service.geo import BBox, Datum, parse_bbox
from geo_service.layers import Feature, Layer, Place, feature_to_json
from geo_service.web.http import Query, cached, json_answer
from geo_service.web.openapi import describe
from geo_service.web.questions import DATUMS, questions
from geo_service.web.served import (
    find_district,
    served_districts,
    served_settings,
)
from geo_service.web.words import WORDS

api = Blueprint("api", __name__, url_prefix="/api/v1")
api.register_blueprint(questions)

LIMIT_DEFAULT, LIMIT_MOST = 1000, 10_000
GEOJSON = "application/geo+json"

LonLat = tuple[float, float]


@api.before_request
def refuse_other_formats() -> None:
    """Answers are JSON, or the file that was asked for; a client that accepts neither gets a 406."""
    accepted = request.accept_mimetypes
    chosen = FORMATS.get(request.args.get("f", ""))
    kinds = (
        "application/json",
        GEOJSON,
        "application/problem+json",
        *([_mimetype(chosen)] if chosen else []),
    )
    if accepted and not any(accepted[kind] for kind in kinds):
        raise NotAcceptable(
            f"answers are {_mimetype(chosen) if chosen else kinds[0]}; ask for that, or for anything"
        )


@api.after_request
def keep_positions_out(response: Response) -> Response:
    """Answers that depend on a position or on the hour are nobody's to keep."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@api.get("/openapi.json")
def openapi() -> Response:
    """Describe this API."""
    Query(request)
    response = json_answer(describe())
    response.headers["Cache-Control"] = "no-cache"
    return response


@api.get("/districts")
def districts() -> Response:
    """List the districts."""
    Query(request)
    response = json_answer({"districts": [_district_json(d) for d in served_districts().values()]})
    response.headers["Cache-Control"] = "no-cache"
    return response


@api.get("/districts/<district_id>/places")
def places(district_id: str) -> Response:
    """Hand out a layer as GeoJSON, or layers as a file; whole or within a box."""
    query = Query(request, "layer", "bbox", "limit", "f", "datum")
    district = find_district(district_id)
    if query.choice("f", "geojson", tuple(FORMATS)) != "geojson":
        return _file(query, district)
    query.choice("datum", "wgs84", ("wgs84",))
    bbox = query.parsed("bbox", parse_bbox)
    limit = query.count("limit", LIMIT_DEFAULT, LIMIT_MOST, capped=True)
    layer = district.places(query.required("layer", "NAME"))
    matched = [feature for feature in layer.features if bbox is None or _touches(feature, bbox)]
    response = json_answer(_collection(layer, matched, limit, district), mimetype=GEOJSON)
    return cached(response, f"{district.id}.{layer.name}.{layer.version}.{_part(bbox)}.{limit}")


def _file(query: Query, district: District) -> Response:
    """Every layer that fits unless some are named; whole, because half a file looks like a whole one."""
    if query.text("limit") is not None:
        message = "limit is for f=geojson; a file is whole, bbox makes it smaller"
        raise InvalidInputError(message, parameter="limit", value=query.text("limit"))
    bbox = query.parsed("bbox", parse_bbox)
    datum = cast(Datum, query.choice("datum", "wgs84", DATUMS))
    choice = Choice(query.choice("f", "geojson", tuple(FORMATS)), query.words("layer"), datum)
    layers = chosen_layers(district, choice)
    held = "_".join(f"{layer.name}.{layer.version}" for layer in layers)
    etag = f"{district.id}.{held}.{_part(bbox)}.{choice.format}.{datum}"
    known = cached(Response(), etag)
    if known.status_code == 304:
        return known
    links = link_settings(served_settings())
    file = hand_out(
        district,
        choice,
        links,
        layers=layers,
        is_wanted=lambda feature: bbox is None or _touches(feature, bbox),
    )
    response = Response(file.data, content_type=file.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{file.file_name}"'
    return cached(response, etag)


def _mimetype(chosen: Format) -> str:
    return chosen.media_type.partition(";")[0]


def _part(bbox: BBox | None) -> str:
    return "all" if bbox is None else "_".join(f"{value:g}" for value in bbox)


def _district_json(district: District) -> dict[str, Any]:
    return {
        "id": district.id,
        "name_zh": district.name_zh,
        "name_en": district.name_en,
        "bbox": list(district.bbox),
        "centre": list(district.centre),
        "synthetic": district.synthetic,
        "map_approval": district.map_approval,
        "profiles": list(district.profiles),
        "layers": list(district.layer_names()),
        "attribution": "© OpenStreetMap 贡献者 (ODbL)",
    }


def _collection(layer: Layer, matched: list[Feature], limit: int, district: District) -> dict[str, Any]:
    shown = matched[:limit]
    notice = {"synthetic": True, "notice": " ".join(WORDS["synthetic"])} if district.synthetic else {}
    return {
        "type": "FeatureCollection",
        "name": layer.name,
        **notice,
        "version": layer.version,
        "numberMatched": len(matched),
        "numberReturned": len(shown),
        "features": [feature_to_json(feature) for feature in shown],
    }


def _touches(feature: Feature, bbox: BBox) -> bool:
    """Whether a place lies in the box, or an area's own box overlaps it."""
    points = (
        [(feature.lon, feature.lat)]
        if isinstance(feature, Place)
        else list(_corners(feature.geometry["coordinates"]))
    )
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    return east >= bbox.west and west <= bbox.east and north >= bbox.south and south <= bbox.north


def _corners(coordinates: Any) -> Iterator[LonLat]:
    if isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
        return
    for part in coordinates:
        yield from _corners(part)
