"""The API described in OpenAPI 3.1: hand-written, self-contained, without a reference to any host."""

from collections.abc import Mapping
from typing import Any

import geo_service
from geo_service.exchange.outgoing import FORMATS

Part = dict[str, Any]

_LONLAT = r"^-?[0-9]{1,3}(\.[0-9]+)?,-?[0-9]{1,2}(\.[0-9]+)?$"


_WISHES = ("layer", "k", "profile", "at", "service", "accept", "operator", "plan", "voltage", "datum")


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
            ["district", "from", *_WISHES],
            _json("Nearest"),
            (400, 404),
        ),
        "/api/v1/districts/{district}/onway": _get(
            "Stops of least added time between two points",
            ["district", "from", "to", *(name for name in _WISHES if name != "k"), "k_on_the_way"],
            _json("Onway"),
            (400, 404, 422),
        ),
        "/api/v1/districts/{district}/range": _get(
            "Nearest places that a remaining range reaches",
            ["district", "from", "range_m", "reserve_m", "via", *_WISHES],
            _json("Range"),
            (400, 404, 422),
        ),
        "/api/v1/districts/{district}/reach": _get(
            "Polygons around what is within some minutes",
            ["district", "from", "minutes", "profile", "datum"],
            {"application/geo+json": {"schema": _ref("schemas", "Reach")}},
            (400, 404),
        ),
        "/api/v1/districts/{district}/coverage": _get(
            "Share of street length with a place within some minutes",
            [
                "district",
                *(name for name in _WISHES if name not in ("k", "profile", "at")),
                *("profile_of_walker", "at_of_planner", "minutes_of_coverage", "without", "with"),
            ],
            _json("Coverage"),
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
    metres: Part = {"type": "number", "minimum": 0, "maximum": 500_000}
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
        "plan": _query("plan", "Plan that the cabinet serves.", {"type": "string", "maxLength": 200}),
        "voltage": _query(
            "voltage",
            "Voltage that the cabinet serves, V.",
            {"type": "integer", "minimum": 1, "maximum": 1000},
        ),
        "k_on_the_way": _query(
            "k", "How many.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 3}
        ),
        "range_m": _query("range_m", "How far the battery still goes, metres.", metres, required=True),
        "reserve_m": _query("reserve_m", "What must be left on arrival, metres.", metres | {"default": 0}),
        "via": _query("via", "A drop-off to pass first, LON,LAT.", point),
        "minutes": _query(
            "minutes",
            "Longest times, by comma; 12 at most, none above 180.",
            {"type": "string", "pattern": r"^[0-9.]+(,[0-9.]+)*$", "default": "5,10,15"},
        ),
        "minutes_of_coverage": _query(
            "minutes",
            "Longest time to the nearest place.",
            {"type": "number", "exclusiveMinimum": 0, "maximum": 180, "default": 10},
        ),
        "profile_of_walker": _query(
            "profile", "How one travels.", {"type": "string", "enum": ["walk", "ebike"], "default": "walk"}
        ),
        "at_of_planner": _query(
            "at",
            "Departure: only places open throughout from then until the minutes are over count. All in use if absent.",
            {"type": "string"},
        ),
        "without": _query(
            "without", "Ids of places to close for a trial, by comma; 50 at most.", {"type": "string"}
        ),
        "with": _query(
            "with", "Where places come for a trial, LON,LAT by semicolon; 50 at most.", {"type": "string"}
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
        "doubts": _list(_ref("schemas", "Doubt")),
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
        "Doubt": _object(
            {
                "claim": {"type": "string", "enum": ["shut_now", "wrong"]},
                "n_said": {"type": "integer", "minimum": 1},
                "last_at": text,
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
        "Stop": _object(
            {key: part for key, part in place.items() if key != "length_m"}
            | {"added_s": {"type": "number", "minimum": 0}, "way_length_m": {"type": "number", "minimum": 0}}
        ),
        "Onway": _object(
            {
                "origin": lonlat,
                "destination": lonlat,
                "layer": text,
                "profile": text,
                "at": text,
                "direct_cost_s": number,
                "results": _list(_ref("schemas", "Stop")),
                "onward_links": {"type": "object", "description": "App → link to the destination."},
            }
        ),
        "Range": _object(
            {
                "origin": lonlat,
                "via": {"type": ["array", "null"], "items": number},
                "range_m": number,
                "reserve_m": number,
                "layer": text,
                "profile": text,
                "at": text,
                "results": _list(_ref("schemas", "Place")),
                "nearest": {
                    "type": ["object", "null"],
                    "description": "Only if none is within range: the place of the shortest way.",
                },
            },
            optional=("nearest",),
        ),
        "Reach": _object(
            {
                "type": {"const": "FeatureCollection"},
                "origin": lonlat,
                "profile": text,
                "features": _list(
                    _object(
                        {
                            "type": {"const": "Feature"},
                            "geometry": _object({"type": {"const": "MultiPolygon"}}),
                            "properties": _object({"minutes": number, "street_m": number}),
                        }
                    )
                ),
            }
        ),
        "Coverage": _object(
            {
                "layer": text,
                "profile": text,
                "minutes": number,
                "at": nullable,
                "open_rule": text,
                "covered_share": {"type": "number", "minimum": 0, "maximum": 1},
                "share_of": {"const": "street_length"},
                "covered_m": number,
                "street_m": number,
                "nodes": _object({"covered_share": number, "count": {"type": "integer"}}),
                "places": {"type": "integer"},
                "eligible": {"type": "integer"},
                "what_if": {
                    "type": "object",
                    "description": "Of a trial: all changes together, and each alone.",
                },
            },
            optional=("what_if",),
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
