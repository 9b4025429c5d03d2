"""
A place or area as a row of flat cells, and back, without losing anything.

Every file of rows (CSV, XLSX, KML data, GPKG attributes …) writes these cells. Lists stand in one
cell in a form one can read and type: ``hot_water; meeting_room hours="Mo-Fr 09:00-12:00" note=议事厅``.
Cells of the WGS 84 columns are the truth; those of GCJ-02 are derived, and only read if there is no other.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import shapely

from geo_service.errors import InvalidInputError
from geo_service.geo import convert_datum
from geo_service.layers import Area, Catalogue, Category, Feature, Layer, Place, feature_to_json, to_shape

Kind = Literal["text", "day", "number", "whole", "flag", "list", "records", "table", "free", "wkt"]
Cells = dict[str, str]

EXTRA = "extra_"
"""Start of the column of a field that a district added."""

DECIMALS = 7


class Column(NamedTuple):
    """
    One column of a table of places.

    Parameters
    ----------
    key
        Name of the cell; a column of GIS files.
    zh, en
        What it holds, in both languages.
    path
        Where the value stands in the properties of the Feature; empty for what is no property.
    kind
        How the value is written.
    lead
        Member of a record that is written first, without its name.
    """

    key: str
    zh: str
    en: str
    path: tuple[str, ...] = ()
    kind: Kind = "text"
    lead: str = ""

    @property
    def heading(self) -> str:
        """What stands above the column: Chinese, then the key."""
        return f"{self.zh}/{self.key}"


def _fact(key: str, zh: str, en: str, kind: Kind = "text", lead: str = "") -> Column:
    return Column(key, zh, en, (key,), kind, lead)


COLUMNS: tuple[Column, ...] = (
    Column("layer", "图层", "layer"),
    Column("id", "编号", "id"),
    _fact("name", "名称", "name"),
    Column("lon_wgs84", "经度_WGS84", "longitude (WGS-84)", kind="number"),
    Column("lat_wgs84", "纬度_WGS84", "latitude (WGS-84)", kind="number"),
    Column("lon_gcj02", "经度_GCJ02", "longitude (GCJ-02, derived)", kind="number"),
    Column("lat_gcj02", "纬度_GCJ02", "latitude (GCJ-02, derived)", kind="number"),
    Column("arrival_lon_wgs84", "到达点经度_WGS84", "longitude of the entrance (WGS-84)", kind="number"),
    Column("arrival_lat_wgs84", "到达点纬度_WGS84", "latitude of the entrance (WGS-84)", kind="number"),
    Column(
        "arrival_lon_gcj02", "到达点经度_GCJ02", "longitude of the entrance (GCJ-02, derived)", kind="number"
    ),
    Column(
        "arrival_lat_gcj02", "到达点纬度_GCJ02", "latitude of the entrance (GCJ-02, derived)", kind="number"
    ),
    _fact("address", "地址", "address"),
    _fact("phone", "电话", "phone"),
    _fact("network", "网络", "network"),
    _fact("host_type", "阵地类型", "host type"),
    _fact("operator", "运营单位", "operator"),
    _fact("class", "驿站等级", "class"),
    _fact("station_code", "驿站编码", "station code"),
    _fact("area_m2", "面积_平方米", "floor area, square metres", "number"),
    _fact("seats", "座位数", "seats", "whole"),
    _fact("headcount", "人数", "headcount", "whole"),
    _fact("hours", "营业时间", "opening hours (OSM)"),
    _fact("services", "服务项目", "services, each with its own hours", "records", "kind"),
    _fact("access", "进入方式", "ways in", "records", "method"),
    _fact("ebike_parking", "电动车停放", "e-bike parking: yes, no or spaces", "flag"),
    Column("power_operator", "充换电运营商", "power operator", ("power", "operator")),
    Column("power_plan", "套餐", "battery plan", ("power", "plan")),
    Column("power_voltage_v", "电压_伏", "voltages, volts", ("power", "voltage_v"), "list"),
    Column("power_slots", "柜格数", "battery slots", ("power", "slots"), "whole"),
    _fact("open_to", "服务对象", "open to", "list"),
    _fact("photos", "照片", "photos", "list"),
    Column("inspection_body", "检查单位", "inspected by", ("inspection", "body")),
    Column("inspection_date", "检查日期", "inspected on", ("inspection", "date"), "day"),
    Column("inspection_result", "检查结果", "result of the inspection", ("inspection", "result")),
    _fact("listing", "上图状态", "listing by map vendors", "records", "vendor"),
    Column("amap_poiid", "高德POI", "id at Amap", ("external_ids", "amap_poiid")),
    Column("baidu_uid", "百度UID", "id at Baidu", ("external_ids", "baidu_uid")),
    Column("tencent_uid", "腾讯UID", "id at Tencent", ("external_ids", "tencent_uid")),
    Column("osm", "OSM对象", "object in OpenStreetMap", ("external_ids", "osm")),
    _fact("status", "状态", "status: active, paused, removed"),
    _fact("status_reason", "状态原因", "reason of the status"),
    _fact("status_from", "状态起", "status from", "day"),
    _fact("status_until", "状态止", "status until", "day"),
    Column("source", "来源", "source", ("provenance", "source")),
    Column("licence", "许可", "licence", ("provenance", "licence")),
    Column("checked", "核实", "last checked, by kind of fact", ("provenance", "checked"), "table"),
    Column("geometry_wkt", "边界_WKT_WGS84", "outline of an area (WKT, WGS-84)", kind="wkt"),
)
"""All columns, in the order in which they are written; those of a district's own fields follow."""

BY_KEY: Mapping[str, Column] = {column.key: column for column in COLUMNS}

_PIN = ("lon_wgs84", "lat_wgs84", "lon_gcj02", "lat_gcj02")
_ARRIVAL = tuple(f"arrival_{key}" for key in _PIN)


def extra_column(name: str) -> Column:
    """
    Column of a field that a district added.

    Parameters
    ----------
    name
        The field.

    Returns
    -------
    column
        Its key is the name behind ``extra_``.
    """
    return Column(EXTRA + name, name, name, (name,), "free")


def columns_for(layers: Iterable[Layer], catalogue: Catalogue) -> tuple[Column, ...]:
    """
    List the columns a table of layers has.

    They depend on the categories, not on what is filled in: an empty column invites to fill it.

    Parameters
    ----------
    layers
        The layers of the table.
    catalogue
        Categories of the district.

    Returns
    -------
    columns
        Those of :data:`COLUMNS` any of the layers may fill, then one for each extra field.
    """
    categories, extras = [], {}
    for layer in layers:
        categories.append(catalogue[layer.name])
        extras.update(dict.fromkeys(catalogue[layer.name].extra_fields))
        extras.update(dict.fromkeys(sorted({name for feature in layer.features for name in feature.extra})))
    fixed = (column for column in COLUMNS if any(_may_fill(column, category) for category in categories))
    return (*fixed, *map(extra_column, extras))


def _may_fill(column: Column, category: Category) -> bool:
    if column.path:
        return column.path[0] in category.fields
    if column.key in _ARRIVAL:
        return "arrival" in category.fields
    return column.key in ("layer", "id") or (column.kind == "wkt") == category.is_area


# --- features to cells ------------------------------------------------------------------


def cells_of(feature: Feature) -> Cells:
    """
    Turn one place or area into cells.

    Parameters
    ----------
    feature
        The place or area.

    Returns
    -------
    cells
        Text by key of the column; what is absent has no cell.

    Examples
    --------
    >>> cells = cells_of(Place("s1", "station", 116.442, 39.957, "驿站", hours="24/7"))
    >>> cells["lon_wgs84"], cells["lon_gcj02"], cells["hours"]
    ('116.442', '116.4482033', '24/7')
    """
    return rows_of([feature])[0]


def rows_of(features: Sequence[Feature]) -> list[Cells]:
    """
    Turn places and areas into cells, all at once.

    Parameters
    ----------
    features
        Places and areas, in any order.

    Returns
    -------
    rows
        What :func:`cells_of` gives for each, in the same order.
    """
    rows = [_cells(feature) for feature in features]
    _add_positions(rows, {i: (p.lon, p.lat) for i, p in enumerate(features) if isinstance(p, Place)}, _PIN)
    doors = {i: p.arrival for i, p in enumerate(features) if isinstance(p, Place) and p.arrival}
    _add_positions(rows, doors, _ARRIVAL)
    return rows


def _cells(feature: Feature) -> Cells:
    properties = feature_to_json(feature)["properties"]
    cells = {"layer": feature.layer, "id": feature.id}
    for column in COLUMNS:
        value = _value_at(properties, column.path) if column.path else None
        if value is not None:
            cells[column.key] = _written(column, value)
    if isinstance(feature, Area):
        cells["geometry_wkt"] = shapely.to_wkt(to_shape(feature.geometry), DECIMALS)
    return cells | {EXTRA + name: _free(properties[name]) for name in sorted(feature.extra)}


def _value_at(properties: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = properties
    for name in path:
        value = value.get(name) if value is not None else None
    return value


def _add_positions(
    rows: list[Cells], lonlats: Mapping[int, tuple[float, float]], keys: Sequence[str]
) -> None:
    if not lonlats:
        return
    points = np.array(list(lonlats.values()))
    both = np.hstack([points, convert_datum(points, "wgs84", "gcj02")])
    for index, values in zip(lonlats, both.tolist(), strict=True):
        rows[index].update(zip(keys, map(degrees, values), strict=True))


def degrees(value: float) -> str:
    """
    Write a coordinate with at most seven decimals and no needless zero.

    Parameters
    ----------
    value
        Longitude or latitude.

    Returns
    -------
    text
        Such as ``"116.442"``.
    """
    return f"{round(value, DECIMALS) + 0.0:.{DECIMALS}f}".rstrip("0").rstrip(".")


def _written(column: Column, value: Any) -> str:
    if column.kind == "list":
        return "; ".join(map(_word, map(str, value)))
    if column.kind == "records":
        return "; ".join(_record(record, column.lead) for record in value)
    if column.kind == "table":
        return "; ".join(_record({"": key, **members}, "") for key, members in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"  # true is a formula to LibreOffice
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """A text as it is, in quotes if blanks at its ends would get lost on the way."""
    return text if text == text.strip() and _read_text(text) == text else json.dumps(text, ensure_ascii=False)


def _record(record: Mapping[str, str], lead: str) -> str:
    members = (f"{name}={_word(text)}" for name, text in record.items() if name != lead)
    return " ".join([_word(record[lead]), *members])


_BARE = re.compile(r"[A-Za-z0-9_./:+-]+|[\u3400-\u9fff]+")


def _word(text: str) -> str:
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _free(value: Any) -> str:
    """A text as it is, unless it would read as something else; anything else as JSON."""
    if isinstance(value, str) and value == value.strip() and _read_free(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


# --- cells to features ------------------------------------------------------------------


def feature_of(cells: Mapping[str, str], layer: str, catalogue: Catalogue) -> dict[str, Any]:
    """
    Turn cells back into a GeoJSON Feature, not yet checked against the place model.

    A cell that does not read as its column wants it stays text, so that the check names it; only what has
    no form at all is refused here.

    Parameters
    ----------
    cells
        Text by key of the column; an empty cell counts as absent, an unknown key is left out. An extra field
        may also stand under its own name. A kind of service may be given by its Chinese word.
    layer
        Layer of the feature.
    catalogue
        Categories and kinds of service of the district.

    Returns
    -------
    feature
        For ``feature_from_json``.

    Raises
    ------
    InvalidInputError
        If there is no position, or a list or outline cannot be read; ``facts["parameter"]`` is the key.

    Examples
    --------
    >>> from geo_service.layers import CATALOGUE
    >>> cells = {"id": "s1", "name": "驿站", "lon_wgs84": "116.442", "lat_wgs84": "39.957", "services": "热水; rest"}
    >>> feature_of(cells, "station", CATALOGUE)["properties"]["services"]
    [{'kind': 'hot_water'}, {'kind': 'rest'}]
    """
    held = {key: cell for key, cell in cells.items() if cell.strip()}
    category = catalogue[layer]
    properties: dict[str, Any] = {}
    for column in COLUMNS:
        if column.path and column.key in held:
            *way, last = column.path
            into = properties.setdefault(way[0], {}) if way else properties
            into[last] = _read(column, held[column.key])
    if "services" in properties:
        properties["services"] = [_known_kind(record, catalogue) for record in properties["services"]]
    if arrival := _position(held, _ARRIVAL):
        properties["arrival"] = arrival
    properties |= _extras(held, category)
    geometry = _outline(held) if category.is_area else _point(held)
    return {"type": "Feature", "id": held.get("id"), "geometry": geometry, "properties": properties}


def _extras(held: Mapping[str, str], category: Category) -> dict[str, Any]:
    plain = {name: held[name] for name in category.extra_fields if name in held and name not in BY_KEY}
    named = {key.removeprefix(EXTRA): cell for key, cell in held.items() if key.startswith(EXTRA)}
    return {name: _read_free(cell) for name, cell in (plain | named).items()}


def _known_kind(record: dict[str, str], catalogue: Catalogue) -> dict[str, str]:
    kind = record["kind"]
    if kind in catalogue.services:
        return record
    return record | {
        "kind": next((key for key, words in catalogue.services.items() if words.zh == kind), kind)
    }


def _read(column: Column, cell: str) -> Any:
    if column.kind in ("number", "whole"):
        return _number(cell)
    if column.kind == "flag":
        return _FLAGS.get(cell.strip().lower(), _number(cell))
    if column.kind == "day":
        return cell.strip()
    if column.kind in ("list", "records", "table"):
        return _read_list(column, cell)
    return _read_text(cell)


def _read_text(cell: str) -> str:
    """Quotes are taken away only where :func:`_text` must have put them; other people's stay."""
    if len(cell) < 3 or cell[0] != '"' or cell[-1] != '"':
        return cell
    try:
        text = str(json.loads(cell))
    except ValueError:
        return cell
    return text if text != text.strip() or text[:1] == '"' else cell


_FLAGS = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "是": True,
    "否": False,
    "有": True,
    "无": False,
}
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,3})?", re.ASCII)


def _number(cell: str) -> int | float | str:
    text = cell.strip()
    if not _NUMBER.fullmatch(text):
        return cell
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


_WORD = r'"(?:[^"\\]|\\.)*+"|[^\s;；,，、="]++'
_MEMBER = re.compile(rf"\s++([a-z_]++)=({_WORD})")
_ITEM = re.compile(rf"\s*+({_WORD})((?:{_MEMBER.pattern})*+)\s*+(?:[;；,，、]|$)")


def _read_list(column: Column, cell: str) -> Any:
    records: list[dict[str, str]] = []
    at = 0
    while at < len(cell.rstrip()):
        found = _ITEM.match(cell, at)
        if not found:
            raise _unreadable(column, cell)
        members = {name: _unquoted(column, word) for name, word in _MEMBER.findall(found[2])}
        records.append({column.lead: _unquoted(column, found[1]), **members})
        at = found.end()
    if column.kind == "records":
        return records
    if column.kind == "table":
        return {record.pop(""): record for record in records}
    if any(len(record) > 1 for record in records):
        raise _unreadable(column, cell)
    words = [record[""] for record in records]
    return [_number(word) for word in words] if column.key == "power_voltage_v" else words


def _unquoted(column: Column, word: str) -> str:
    if not word.startswith('"'):
        return word
    try:
        return str(json.loads(word))
    except ValueError:
        raise _unreadable(column, word) from None


def _unreadable(column: Column, cell: str) -> InvalidInputError:
    shown = cell if len(cell) <= 80 else cell[:77] + "..."
    form = {
        "records": 'a; b hours="08:00-20:00" note="…"',
        "table": "hours on=2026-11-21 role=desk; position …",
    }
    message = f"{column.key}={shown!r} does not read as a list such as {form.get(column.kind, 'a; b; c')!r}"
    return InvalidInputError(message, parameter=column.key, value=shown)


_JSON_START = re.compile(r'["\[]|true$|false$|TRUE$|FALSE$|-?\d')


def _read_free(cell: str) -> Any:
    if not _JSON_START.match(cell):
        return cell
    try:
        value = json.loads(cell.lower() if cell in ("TRUE", "FALSE") else cell)
    except (ValueError, RecursionError):
        return cell
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if isinstance(value, str | int | float) or is_list else cell


def _position(held: Mapping[str, str], keys: Sequence[str]) -> list[Any] | None:
    """The WGS 84 pair of columns if it is filled, else what the GCJ-02 pair means."""
    if keys[0] in held or keys[1] in held:
        return [_number(held.get(key, "")) for key in keys[:2]]
    if keys[2] not in held or keys[3] not in held:
        return None
    shifted = [_number(held[key]) for key in keys[2:]]
    if (
        any(isinstance(value, str) or not abs(value) <= 180 for value in shifted)
        or abs(float(shifted[1])) > 90
    ):
        return shifted
    lonlat: list[float] = convert_datum(np.array(shifted, dtype=float), "gcj02", "wgs84").tolist()
    return lonlat


def _point(held: Mapping[str, str]) -> dict[str, Any]:
    position = _position(held, _PIN)
    if position is None:
        message = (
            "lon_wgs84 and lat_wgs84 are empty; a place needs a position, or stays aside until it has one"
        )
        raise InvalidInputError(message, parameter="lon_wgs84", value="")
    return {"type": "Point", "coordinates": position}


def _outline(held: Mapping[str, str]) -> dict[str, Any]:
    text = held.get("geometry_wkt", "")
    try:
        shape = shapely.from_wkt(text)
    except shapely.errors.GEOSException:
        shape = None
    if not isinstance(shape, shapely.Polygon | shapely.MultiPolygon) or shape.is_empty or shape.has_z:
        message = f"geometry_wkt={text[:80]!r} is no POLYGON or MULTIPOLYGON of lon lat"
        raise InvalidInputError(message, parameter="geometry_wkt", value=text[:80])
    return dict(shapely.geometry.mapping(shape))
