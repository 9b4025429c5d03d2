"""
Layers as GeoJSON (RFC 7946), in and out.

Reading refuses whatever breaks a rule and collects every fault of a file. Writing has one form
only: sorted by id, one field per line, at most seven decimals, so that equal layers are equal bytes and
`git diff` shows just what was edited.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from geo_service.errors import BadDataError, InvalidInputError, NotFoundError
from geo_service.layers.areas import geometry_fault, load_geometry
from geo_service.layers.catalogue import AREA_FIELDS, CATALOGUE, Catalogue, Category
from geo_service.layers.model import SYNTHETIC, Area, Feature, Layer, Place
from geo_service.layers.rules import (
    DECIMALS,
    EXTRA,
    FIELDS,
    ID,
    ID_RULE,
    Finding,
    Report,
    check_days,
    position_fault,
    rounded,
    shown,
)
from geo_service.layers.strict_json import Twice, read_json

MOST_FINDINGS = 100
_LINE = ",\n"
_TWICE = "stands twice in one object; leave one"
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
BBox = tuple[float, float, float, float]
_MARGIN_DEG = 0.1  # a place may stand just outside of its district, not in another city
_COLLECTION = ("type", "name", "synthetic", "notice", "features", "crs", "bbox", "xy_coordinate_resolution")
_CRS84 = (
    "urn:ogc:def:crs:OGC:1.3:CRS84",
    "urn:ogc:def:crs:OGC::CRS84",
    "urn:ogc:def:crs:EPSG::4326",
    "EPSG:4326",
)
_NOTICE = {
    True: "本文件全部要素均为虚构数据，不代表真实地点。 "
    "All features of this file are synthetic: made up, none is a real place.",
    False: "本文件部分要素为虚构数据：来源为 synthetic 的要素。 "
    "Some features of this file are synthetic: made up, those whose source says so.",
}


def feature_to_json(feature: Feature) -> dict[str, Any]:
    """
    Turn a place or area into a GeoJSON Feature with a fixed order of keys.

    Parameters
    ----------
    feature
        The place or area.

    Returns
    -------
    feature
        ``type``, ``id``, ``geometry`` and ``properties``; absent fields are left out.
    """
    return _to_json(feature, _geometry(feature))


def _to_json(feature: Feature, geometry: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, rule in FIELDS.items():
        value = getattr(feature, _attribute(name), None)
        if value is not None and value != ():
            properties[name] = rule.dump(value)
    properties = {name: value for name, value in properties.items() if value != {}}
    properties |= {name: EXTRA.dump(feature.extra[name]) for name in sorted(feature.extra)}
    return {"type": "Feature", "id": feature.id, "geometry": geometry, "properties": properties}


def _attribute(name: str) -> str:
    return "class_" if name == "class" else name


def _geometry(feature: Feature) -> dict[str, Any]:
    if isinstance(feature, Area):
        return load_geometry(feature.geometry)
    return {"type": "Point", "coordinates": [rounded(feature.lon), rounded(feature.lat)]}


def load_feature(obj: Mapping[str, Any], layer: str) -> Feature:
    """
    Turn a Feature that was checked before into a place or area.

    Parameters
    ----------
    obj
        GeoJSON Feature as :func:`feature_to_json` makes it.
    layer
        Its layer.

    Returns
    -------
    feature
        The place or area.
    """
    geometry, properties = obj["geometry"], obj["properties"]
    is_area = geometry["type"] != "Point"
    given = {name: value for name, value in properties.items() if value is not None}
    known = AREA_FIELDS if is_area else FIELDS
    held = {_attribute(name): FIELDS[name].load(value) for name, value in given.items() if name in known}
    held["extra"] = {name: EXTRA.load(value) for name, value in sorted(given.items()) if name not in known}
    if is_area:
        return Area(id=obj["id"], layer=layer, geometry=load_geometry(geometry), **held)
    lon, lat = geometry["coordinates"]
    return Place(id=obj["id"], layer=layer, lon=rounded(lon), lat=rounded(lat), **held)


def feature_from_json(
    obj: object, layer: str, catalogue: Catalogue = CATALOGUE, bbox: BBox | None = None
) -> Feature:
    """
    Check a GeoJSON Feature against the place model and turn it into a place or area.

    Parameters
    ----------
    obj
        Any JSON value.
    layer
        Its layer.
    catalogue
        Categories and kinds of service of the district.
    bbox
        West, south, east, north of the district, degrees; None checks no position against it.

    Returns
    -------
    feature
        The place or area.

    Raises
    ------
    InvalidInputError
        If a value breaks a rule; ``facts["errors"]`` lists every fault.
    NotFoundError
        If the catalogue has no such layer.
    """
    report = Report(_label(obj, 0), catalogue)
    _check_feature(obj, category_of(layer, catalogue), report, bbox)
    raise_findings(report.findings, f"layer {layer!r}")
    return load_feature(obj, layer)  # type: ignore[arg-type]


def category_of(layer: str, catalogue: Catalogue) -> Category:
    """
    Look a layer up in the catalogue.

    Parameters
    ----------
    layer
        Key of the layer.
    catalogue
        Categories of the district.

    Returns
    -------
    category
        What the layer holds.

    Raises
    ------
    NotFoundError
        If the catalogue has no such layer.
    """
    if layer not in catalogue:
        known = ", ".join(catalogue)
        raise NotFoundError(
            f"layer={shown(layer)!r} is unknown; known are {known}", parameter="layer", value=shown(layer)
        )
    return catalogue[layer]


def check_features(features: Iterable[Feature], catalogue: Catalogue = CATALOGUE) -> None:
    """
    Hold places and areas that were made in memory to the rules for files.

    Parameters
    ----------
    features
        Places and areas of any layers.
    catalogue
        Categories and kinds of service of the district.

    Raises
    ------
    InvalidInputError
        If a value breaks a rule; ``facts["errors"]`` lists the faults of all features.
    NotFoundError
        If the catalogue has no such layer.
    """
    findings: list[Finding] = []
    for feature in features:
        report = Report(str(shown(feature.id)), catalogue)
        category = category_of(feature.layer, catalogue)
        if isinstance(feature, Area) and geometry_fault(feature.geometry):
            obj = _to_json(feature, feature.geometry)  # as it is: what is broken cannot be turned and rounded
        else:
            obj = feature_to_json(feature)
        _check_feature(obj, category, report, None)
        for name in sorted(set(feature.extra) & set(AREA_FIELDS if isinstance(feature, Area) else FIELDS)):
            report.add(
                f"extra.{name}", feature.extra[name], "is a field of the place model, not an extra one"
            )
        findings += report.findings
    raise_findings(findings, "the features")


def raise_findings(findings: Sequence[Finding], where: str) -> None:
    """
    Refuse if there are findings: the message names the first and counts the rest.

    Parameters
    ----------
    findings
        All that was found.
    where
        File or layer, for the message.

    Raises
    ------
    InvalidInputError
        If there are findings; ``facts["errors"]`` lists the first hundred, ``facts["error_count"]`` counts all.
    """
    if not findings:
        return
    first, rest = findings[0], len(findings) - 1
    more = f"; and {rest} more fault{'s' * (rest > 1)}" if rest else ""
    message = f"{where}: feature {first.feature!r}: {first.field}={first.value!r}: {first.rule}{more}"
    errors = [finding._asdict() for finding in findings[:MOST_FINDINGS]]
    raise InvalidInputError(
        message, parameter=first.field, value=first.value, errors=errors, error_count=len(findings)
    )


def _label(obj: object, index: int) -> str:
    given = obj.get("id") if isinstance(obj, dict) else None
    return str(shown(given)) if isinstance(given, str | int) else f"#{index}"


def _check_feature(obj: object, category: Category, report: Report, bbox: BBox | None) -> None:
    if not isinstance(obj, dict) or obj.get("type") != "Feature":
        report.add("type", obj.get("type") if isinstance(obj, dict) else obj, "must be a GeoJSON Feature")
        return
    for name in sorted(set(obj) - {"type", "id", "geometry", "properties", "bbox"}):
        report.add(
            str(shown(name)), obj[name], "is not known here; allowed are type, id, geometry, properties"
        )
    given = obj.get("id")
    if not isinstance(given, str) or not ID.fullmatch(given):
        report.add("id", given, ID_RULE)
    _check_geometry(obj.get("geometry"), category, report, bbox)
    properties = obj.get("properties")
    if not isinstance(properties, dict):
        report.add("properties", properties, "must be an object")
        return
    _check_properties(properties, category, report)


def _check_properties(properties: dict[str, Any], category: Category, report: Report) -> None:
    if properties.get("name") is None:
        report.add("name", None, "is required")
    for name, value in properties.items():
        if name not in category.fields:
            report.add(
                str(shown(name)), value, f"is no field of {category.key}; it has {', '.join(category.fields)}"
            )
        elif value is not None:
            (EXTRA if name in category.extra_fields else FIELDS[name]).check(value, name, report)
    check_days(properties, "", "status_from", "status_until", report)


def _check_geometry(geometry: object, category: Category, report: Report, bbox: BBox | None) -> None:
    if category.is_area:
        if fault := geometry_fault(geometry):
            report.add("geometry", geometry, fault)
        return
    if (
        not isinstance(geometry, dict)
        or geometry.get("type") != "Point"
        or set(geometry) != {"type", "coordinates"}
    ):
        report.add("geometry", geometry, "must be a Point with type and coordinates")
        return
    position = geometry["coordinates"]
    fault = position_fault(position) or (_outside(position, bbox) if bbox else "")
    if fault:
        report.add("geometry.coordinates", str(shown(str(position))), fault)


def _is_within(lon: float, lat: float, bbox: BBox) -> bool:
    west, south, east, north = bbox
    return (
        west - _MARGIN_DEG <= lon <= east + _MARGIN_DEG and south - _MARGIN_DEG <= lat <= north + _MARGIN_DEG
    )


def _outside(position: Sequence[float], bbox: BBox) -> str:
    lon, lat = position
    if _is_within(lon, lat, bbox):
        return ""
    rule = f"must lie in or near the district ({', '.join(f'{edge:g}' for edge in bbox)})"
    return f"{rule}; were lon and lat swapped?" if _is_within(lat, lon, bbox) else rule


def is_wgs84(crs: object) -> bool:
    """
    Whether the ``crs`` of an old GeoJSON file says what RFC 7946 takes for granted.

    Parameters
    ----------
    crs
        Any JSON value.

    Returns
    -------
    is_wgs84
        True for the customary names of WGS 84 with longitude first.
    """
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return isinstance(properties, dict) and properties.get("name") in _CRS84


def _check_collection(
    collection: object, twice: Sequence[Twice], name: str, catalogue: Catalogue, where: str
) -> list[Any]:
    report = Report(name, catalogue)
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        report.add("type", collection, "must be a GeoJSON FeatureCollection")
        raise_findings(report.findings, where)
    assert isinstance(collection, dict)
    for key in sorted(set(collection) - set(_COLLECTION)):
        report.add(
            str(shown(key)), collection[key], f"is not known here; allowed are {', '.join(_COLLECTION)}"
        )
    for way, key in twice:
        if way[:1] != ("features",):
            report.add(".".join(map(str, (*way, shown(key)))), key, _TWICE)
    said, crs = collection.get("name"), collection.get("crs")
    if said is not None and (not isinstance(said, str) or (said in catalogue and said != name)):
        report.add("name", said, f"must not be another layer than {name!r}")
    if crs is not None and not is_wgs84(crs):
        report.add("crs", crs, "GeoJSON is WGS 84 (RFC 7946, 4); convert the coordinates and leave crs out")
    if not isinstance(collection.get("features"), list):
        report.add("features", collection.get("features"), "must be a list")
    raise_findings(report.findings, where)
    features: list[Any] = collection["features"]
    return features


def parse_layer(
    data: bytes, name: str, catalogue: Catalogue = CATALOGUE, path: str = "", bbox: BBox | None = None
) -> Layer:
    """
    Read a layer from GeoJSON, or refuse it with every fault named.

    Parameters
    ----------
    data
        A FeatureCollection, UTF-8.
    name
        The layer.
    catalogue
        Categories and kinds of service of the district.
    path
        Of the file, for messages.
    bbox
        West, south, east, north of the district, degrees; a place more than 0.1 degrees outside is refused.

    Returns
    -------
    layer
        Its features sorted by id, version 0.

    Raises
    ------
    InvalidInputError
        If anything breaks a rule: the message names the first fault (feature, field, value, rule) and counts
        the rest; ``facts["errors"]`` lists the first hundred.
    NotFoundError
        If the catalogue has no such layer.
    """
    category = category_of(name, catalogue)
    where = path or f"layer {name!r}"
    collection, twice = read_json(data, where)
    objects = _check_collection(collection, twice, name, catalogue, where)
    inside: dict[str | int, list[Twice]] = {}
    for found in twice:
        inside.setdefault(found.way[1] if found.way[1:] else "", []).append(found)
    findings: list[Finding] = []
    seen: set[str] = set()
    for index, obj in enumerate(objects):
        report = Report(_label(obj, index), catalogue)
        _check_feature(obj, category, report, bbox)
        for way, key in inside.get(index, ()):
            report.add(".".join(map(str, (*way[2:], shown(key)))), key, _TWICE)
        if report.feature in seen:
            report.add("id", report.feature, "stands twice in the file; ids are unique")
        seen.add(report.feature)
        findings += report.findings
    raise_findings(findings, where)
    return Layer(name, tuple(load_feature(obj, name) for obj in objects))


def dump_layer(layer: Layer) -> bytes:
    """
    Write a layer as GeoJSON in its one canonical form.

    Parameters
    ----------
    layer
        The layer; its version is not written.

    Returns
    -------
    data
        UTF-8 with a newline at the end; ``synthetic`` and a notice stand at the top if any source is synthetic.

    Raises
    ------
    BadDataError
        If a coordinate is not finite.

    Examples
    --------
    >>> print(dump_layer(Layer("water", (Place("w1", "water", 116.45, 39.96, "饮水点"),))).decode(), end="")
    {
    "type": "FeatureCollection",
    "name": "water",
    "features": [
    {
     "type": "Feature",
     "id": "w1",
     "geometry": {"type": "Point", "coordinates": [116.45, 39.96]},
     "properties": {
      "name": "饮水点",
      "status": "active"
     }
    }
    ]
    }
    """
    head = ['"type": "FeatureCollection"', f'"name": {_text(layer.name)}']
    made_up = [feature.provenance.source == SYNTHETIC for feature in layer.features]
    if any(made_up):
        head += ['"synthetic": true', f'"notice": {_text(_NOTICE[all(made_up)])}']
    body = _LINE.join(_feature_lines(feature) for feature in layer.features)
    features = f"[\n{body}\n]" if body else "[]"
    return ("{\n" + _LINE.join([*head, f'"features": {features}']) + "\n}\n").encode()


def _feature_lines(feature: Feature) -> str:
    obj = feature_to_json(feature)
    kind, coordinates = obj["geometry"]["type"], _degrees(obj["geometry"]["coordinates"])
    if isinstance(feature, Area):
        coordinates = coordinates.replace("]], [[", "]],\n  [[")  # one ring per line
    lines = (f"  {_text(name)}: {_value(name, value)}" for name, value in obj["properties"].items())
    members = (
        ' "type": "Feature"',
        f' "id": {_text(feature.id)}',
        f' "geometry": {{"type": {_text(kind)}, "coordinates": {coordinates}}}',
        f' "properties": {{\n{_LINE.join(lines)}\n }}',
    )
    return f"{{\n{_LINE.join(members)}\n}}"


def _text(value: Any) -> str:
    return _JSON.encode(value)


def _value(name: str, value: Any) -> str:
    """Write one property: records of a list, and kinds of check, each on a line of its own."""
    if name == "arrival":
        return _degrees(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + _LINE.join(f"   {_text(item)}" for item in value) + "\n  ]"
    if name == "provenance":
        members = [f"   {_text(key)}: {_text(item)}" for key, item in value.items() if key != "checked"]
        checks = _LINE.join(
            f"    {_text(kind)}: {_text(item)}" for kind, item in value.get("checked", {}).items()
        )
        members += [f'   "checked": {{\n{checks}\n   }}'] if checks else []
        return "{\n" + _LINE.join(members) + "\n  }"
    return _text(value)


def _degrees(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_degrees, value))}]"
    if not math.isfinite(value):
        raise BadDataError(f"coordinate {value!r} is not finite", parameter="coordinates", value=repr(value))
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
