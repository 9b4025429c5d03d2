"""The API described in OpenAPI 3.1: hand-written, self-contained, without a reference to any host."""

from collections.abc import Mapping
from typing import Any

import geo_service
from geo_service.exchange.outgoing import FORMATS

Part = dict[str, Any]

_LONLAT = r"^-?[0-9]{1,3}(\.[0-9]+)?,-?[0-9]{1,2}(\.[0-9]+)?$"


def describe() -> Part:
    """
    The whole document.

    Returns
    -------
    document
        OpenAPI 3.1, every ``$ref`` inside itself.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "geo_service",
            "version": geo_service.__version__,
            "summary": "The nearest friendly place that is open on arrival, and the way there.",
            "description": (
                "Coordinates are lon,lat, WGS 84 unless `datum` says otherwise. An unknown or repeated parameter is "
                "refused. Positions are written to no log."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {"schemas": _schemas(), "parameters": _parameters(), "responses": _responses()},
    }


def _paths() -> Part:
    return {
        "/healthz": _get("Whether all is well", [], _json("Health")),
        "/api/v1/openapi.json": _get(
            "This document", [], {"application/json": {"schema": {"type": "object"}}}
        ),
        "/api/v1/districts": _get("Districts that are served", [], _json("Districts")),
        "/api/v1/districts/{district}/nearest": _get(
            "Nearest places that are open on arrival",
            ["district", "from", "layer", "k", "profile", "at", "service", "accept", "operator", "datum"],
            _json("Nearest"),
            (400, 404),
        ),
        "/api/v1/districts/{district}/route": _get(
            "Fastest way between two points",
            ["district", "from", "to", "profile", "datum"],
            _json("Route"),
            (400, 404, 422),
        ),
        "/api/v1/districts/{district}/places": _get(
            "Places as GeoJSON or as a file, whole or within a box",
            ["district", "layers", "bbox", "limit", "f", "datum_of_file"],
            {
                **{one.media_type.partition(";")[0]: {"schema": {}} for one in FORMATS.values()},
                "application/geo+json": {"schema": _ref("schemas", "FeatureCollection")},
            },
            (304, 400, 404),
        ),
    }


def _get(summary: str, parameters: list[str], content: Part, others: tuple[int, ...] = (400,)) -> Part:
    operation_id = summary.lower().replace(" ", "_")
    return {
        "get": {
            "summary": summary,
            "operationId": operation_id,
            "parameters": [_ref("parameters", name) for name in parameters],
            "responses": {
                "200": {"description": summary, "content": content},
                **{str(status): _ref("responses", str(status)) for status in (*others, 406, 414)},
            },
        }
    }


def _ref(kind: str, name: str) -> Part:
    return {"$ref": f"#/components/{kind}/{name}"}


def _json(schema: str) -> Part:
    return {"application/json": {"schema": _ref("schemas", schema)}}


def _responses() -> Part:
    said = {
        400: "The request is refused; the message names the parameter and what is allowed.",
        404: "There is no such district or layer.",
        406: "The client accepts neither JSON nor the format it asks for.",
        414: "The query is too long.",
        422: "The streets do not lead there.",
    }
    refusals = {
        str(status): {
            "description": text,
            "content": {"application/problem+json": {"schema": _ref("schemas", "Problem")}},
        }
        for status, text in said.items()
    }
    return refusals | {"304": {"description": "The client has this version."}}


def _parameters() -> Part:
    point: Part = {"type": "string", "pattern": _LONLAT, "examples": ["116.442,39.957"]}
    word: Part = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
    words: Part = {"type": "string", "pattern": "^[a-z0-9_]+(,[a-z0-9_]+)*$"}
    return {
        "district": {
            "name": "district",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"},
        },
        "from": _query("from", "Where one stands, LON,LAT.", point, required=True),
        "to": _query("to", "Where one wants to go, LON,LAT.", point, required=True),
        "layer": _query("layer", "Name of the layer, as in `districts`.", word, required=True),
        "k": _query("k", "How many.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 5}),
        "profile": _query("profile", "How one travels.", {"type": "string", "enum": ["ebike", "walk"]}),
        "at": _query(
            "at", "Departure, ISO 8601; without a zone Asia/Shanghai; `now` by default.", {"type": "string"}
        ),
        "service": _query("service", "Kinds of service that must all be on offer, by comma.", words),
        "accept": _query("accept", "States accepted besides open: `unknown`, `stale`, by comma.", words),
        "operator": _query(
            "operator", "Operator of the place or cabinet.", {"type": "string", "maxLength": 200}
        ),
        "datum": _query(
            "datum",
            "Datum of the points that are sent; answers are WGS 84.",
            {"type": "string", "enum": ["wgs84", "gcj02", "bd09"], "default": "wgs84"},
        ),
        "bbox": _query("bbox", "West,south,east,north, degrees; west below east.", {"type": "string"}),
        "limit": _query(
            "limit",
            "Most features; more than 10000 means 10000. Only with `f=geojson`: files are whole.",
            {"type": "integer", "minimum": 1, "default": 1000},
        ),
        "f": _query(
            "f",
            "Format; all but geojson come as a file, named by district, layer and datum.",
            {"type": "string", "enum": list(FORMATS), "default": "geojson"},
        ),
        "layers": _query(
            "layer",
            "Name of the layer, as in `districts`; several by comma, or none for all, where `f` is a file.",
            words,
        ),
        "datum_of_file": _query(
            "datum",
            "Datum of the coordinates in the file; `gcj02` for csv and ovital, `bd09` for ovital only.",
            {"type": "string", "enum": ["wgs84", "gcj02", "bd09"], "default": "wgs84"},
        ),
    }


def _query(name: str, description: str, schema: Part, *, required: bool = False) -> Part:
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def _object(properties: Mapping[str, Part], optional: tuple[str, ...] = ()) -> Part:
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": dict(properties),
    }


def _schemas() -> Part:
    text: Part = {"type": "string"}
    number: Part = {"type": "number"}
    nullable: Part = {"type": ["string", "null"]}
    lonlat: Part = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    place = {
        "id": text,
        "layer": text,
        "name": text,
        "lon": number,
        "lat": number,
        "target": lonlat,
        "cost_s": {"type": "number", "minimum": 0},
        "length_m": {"type": "number", "minimum": 0},
        "state": {"type": "string", "enum": ["open", "closing_soon", "closed", "unknown", "stale"]},
        "open_until": nullable,
        "opens_at": nullable,
        "checked_on": nullable,
        "links": {"type": "object", "description": "App → link; each states its datum in the registry."},
    }
    step = {
        "name": text,
        "length_m": number,
        "cost_s": number,
        "mode": {"type": "string", "enum": ["ride", "push", "walk"]},
    }
    return {
        "Health": _object({"status": {"const": "ok"}, "version": text, "districts": {"type": "object"}}),
        "Districts": _object({"districts": _list(_ref("schemas", "District"))}),
        "District": _object(
            {
                "id": text,
                "name_zh": text,
                "name_en": text,
                "bbox": {"type": "array", "items": number, "minItems": 4, "maxItems": 4},
                "centre": lonlat,
                "synthetic": {"type": "boolean"},
                "map_approval": nullable,
                "profiles": _list(text),
                "layers": _list(text),
                "attribution": text,
            }
        ),
        "Place": _object(place),
        "Nearest": _object(
            {
                "origin": lonlat,
                "layer": text,
                "profile": text,
                "at": text,
                "results": _list(_ref("schemas", "Place")),
                "shortfall": {"type": "object", "description": "Why fewer than k came back."},
            },
            optional=("shortfall",),
        ),
        "Route": _object(
            {
                "origin": lonlat,
                "destination": lonlat,
                "profile": text,
                "cost_s": number,
                "length_m": number,
                "geometry": _object({"type": {"const": "LineString"}, "coordinates": _list(lonlat)}),
                "steps": _list(_object(step)),
            }
        ),
        "FeatureCollection": _object(
            {
                "type": {"const": "FeatureCollection"},
                "name": text,
                "version": {"type": "integer"},
                "numberMatched": {"type": "integer"},
                "numberReturned": {"type": "integer"},
                "features": _list({"type": "object"}),
            }
        ),
        "Problem": _object(
            {
                "type": text,
                "title": text,
                "status": {"type": "integer"},
                "detail": text,
                "request_id": text,
                "errors": _list({"type": "object"}),
            },
            optional=("errors",),
        ),
    }


def _list(items: Part) -> Part:
    return {"type": "array", "items": items}
