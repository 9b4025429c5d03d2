"""GeoJSON as rows: each Feature whole, and its properties as cells for those who map columns."""

from typing import Any

import orjson

from geo_service.exchange.confined.rows import (
    MOST_ROWS,
    About,
    Options,
    Row,
    Rows,
    check_cell,
    refused,
)
from geo_service.layers.geojson import is_wgs84
from geo_service.layers.strict_json import read_json

_SAYS_SYNTHETIC = "the file says that its features are made up (synthetic)"


def read_geojson(data: bytes, options: Options, about: About) -> Rows:
    """
    Read the Features of a GeoJSON FeatureCollection.

    Parameters
    ----------
    data
        The whole file, UTF-8.
    options
        Not needed.
    about
        Is told the columns: the names of properties.

    Yields
    ------
    row
        One per Feature, whole and as cells.

    Raises
    ------
    InvalidInputError
        If it is no strict JSON, or no FeatureCollection in WGS 84.
    """
    del options
    value, twice = read_json(data.removeprefix(b"\x1e"), "GeoJSON")
    features = _features(value)
    about.format, about.encoding, about.declared_datum = "geojson", "UTF-8", "wgs84"
    if twice:
        way, key = twice[0]
        place = ".".join(map(str, (*way, key[:40])))
        raise refused(
            f"{_where_of(way, features)}: {place} stands twice in one object; leave one", "json", place
        )
    if value.get("synthetic") is True:
        about.notes.append(_SAYS_SYNTHETIC)
    for number, feature in enumerate(features, 1):
        yield _row(feature, number, about)


def _where_of(way: tuple[str | int, ...], features: list[Any]) -> str:
    is_inside = len(way) > 1 and way[0] == "features" and isinstance(way[1], int)
    return _where(features[int(way[1])], int(way[1]) + 1) if is_inside else "GeoJSON"


def _features(value: Any) -> list[Any]:
    if isinstance(value, dict) and value.get("type") == "Feature":
        return [value]
    if not isinstance(value, dict) or value.get("type") != "FeatureCollection":
        raise refused("is JSON, but no GeoJSON FeatureCollection", "type")
    crs, features = value.get("crs"), value.get("features")
    if crs is not None and not is_wgs84(crs):
        raise refused("GeoJSON is WGS 84 (RFC 7946, 4); convert the coordinates and leave crs out", "crs")
    if not isinstance(features, list):
        raise refused("features must be a list", "features")
    if len(features) > MOST_ROWS:
        raise refused(f"{len(features)} features; at most {MOST_ROWS} are read", "rows", len(features))
    return features


def _where(feature: Any, number: int) -> str:
    given = feature.get("id") if isinstance(feature, dict) else None
    return f"feature {number} ({str(given)[:64]!r})" if isinstance(given, str | int) else f"feature {number}"


def _row(feature: Any, number: int, about: About) -> Row:
    where = _where(feature, number)
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise refused(f"{where}: must be a GeoJSON Feature", "type")
    given = feature.get("properties")
    properties = given if isinstance(given, dict) else {}
    cells: dict[int, str | None] = {}
    for name, value in properties.items():
        if value is not None:
            cells[about.column(name[:200])] = check_cell(_text(value), where, name[:40]) or None
    if isinstance(feature.get("id"), int | str) and "id" not in properties:
        cells[about.column("id")] = str(feature["id"])[:200]
    width = max(cells, default=-1) + 1
    return Row(where, tuple(cells.get(index) for index in range(width)), _point(feature), feature)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else _json(value)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):  # an integer beyond 64 bits; the place model names it
        return str(value)


def _point(feature: dict[str, Any]) -> tuple[float, float] | None:
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    position = geometry.get("coordinates")
    if not isinstance(position, list) or len(position) < 2:
        return None
    lon, lat = position[:2]
    is_pair = all(
        isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e9 for one in (lon, lat)
    )
    return (float(lon), float(lat)) if is_pair else None
