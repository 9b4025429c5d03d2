"""
One row of a file becomes one draft: the cells of a place, where it lies, and what could not be used.

A value that cannot be used is either refused, which stops its row, or left out, which is told: hours nobody can
read for certain leave a place whose hours are unknown, and that is true.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.exchange.cells import feature_of
from geo_service.exchange.confined.rows import Row
from geo_service.exchange.intake.coordinates import parse_degrees, parse_pair
from geo_service.exchange.intake.headings import SERVICE
from geo_service.exchange.intake.mapping import ColumnMapping
from geo_service.exchange.intake.table import Table
from geo_service.exchange.intake.wording import NO, YES, hours_from_words, services_from_words
from geo_service.layers import Catalogue

LonLat = tuple[float, float]
_NOTHING = frozenset(
    {
        "-",
        "--",
        "—",
        "——",
        "/",
        "\\",
        "无",
        "暂无",
        "未知",
        "不详",
        "待定",
        "n/a",
        "na",
        "null",
        "none",
        "#n/a",
        "#value!",
        "#ref!",
        "#name?",
        "#div/0!",
    }
)
_NUMBER_WITH_UNIT = re.compile(
    r"(\d{1,9}(?:\.\d{1,6})?)\s*(?:㎡|m2|m²|平方米|平米|平|个|座|张|人|名|位|把|v|伏)?", re.IGNORECASE
)
_RECORD = re.compile(r"(?<![a-z_])[a-z_]{1,40} [a-z_]{1,40}=\S")
_NUMBERS = ("area_m2", "seats", "headcount", "power_slots")
_STATUS: Mapping[str, str] = {
    "active": "active|正常|开放|启用|运营|运营中|在用|使用中|营业|营业中|已启用|开业|正常开放|正常运营|open"
    "|是",
    "paused": "paused|暂停|停用|维护|维修|装修|装修中|暂停使用|暂停开放|暂停服务|临时关闭|未启用|建设中"
    "|筹建|筹建中|closed temporarily",
    "removed": "removed|拆除|已拆除|撤销|已撤销|关闭|永久关闭|注销|取消|已关闭",
}
_CLASSES: Mapping[str, str] = {
    "standard": "standard|标准|标准站|标准型|达标|标准驿站|标准化",
    "below": "below|未达标|不达标|低于标准|简易|简易站",
    "micro": "micro|微型|微站|微驿站|微型站|小微",
    "mobile": "mobile|流动|移动|流动站|移动站|流动驿站",
}
_WORDS_OF = {
    name: {word: key for key, words in table.items() for word in words.split("|")}
    for name, table in (("status", _STATUS), ("class", _CLASSES))
}


class Refusal(NamedTuple):
    """
    A value that stops its row.

    Parameters
    ----------
    where
        The row.
    column
        Its heading; empty if it is the whole row.
    value
        What stands there, short.
    reason
        What is wrong and what is allowed.
    """

    where: str
    column: str
    value: str
    reason: str


class LeftOut(NamedTuple):
    """A value that was not taken over although its row is: where, column, value and reason."""

    where: str
    column: str
    value: str
    reason: str


@dataclass
class Draft:
    """
    What one row says of a place, in the datum of the file.

    Parameters
    ----------
    row
        The row itself.
    cells
        Cells of an export by key, without positions.
    pin
        Longitude and latitude; None if the row has none.
    arrival
        Of the entrance, likewise.
    obj
        The Feature the row becomes, once it is known.
    refusals
        What stops the row.
    left_out
        What is not taken over.
    """

    row: Row
    cells: dict[str, str] = field(default_factory=dict)
    pin: LonLat | None = None
    arrival: LonLat | None = None
    obj: dict[str, Any] | None = None
    refusals: list[Refusal] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def refuse(self, column: str, value: object, reason: str) -> None:
        """
        Note what stops the row.

        Parameters
        ----------
        column
            Heading.
        value
            What stands there.
        reason
            What is wrong.
        """
        self.refusals.append(Refusal(self.row.where, column, short(value), reason))

    def leave_out(self, column: str, value: object, reason: str) -> None:
        """
        Note what is not taken over.

        Parameters
        ----------
        column
            Heading.
        value
            What stands there.
        reason
            Why.
        """
        self.left_out.append(LeftOut(self.row.where, column, short(value), reason))


def short(value: object) -> str:
    """
    Shorten a value for a message, on one line.

    Parameters
    ----------
    value
        Anything.

    Returns
    -------
    text
        At most 80 characters.
    """
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())
    return text if len(text) <= 80 else text[:77] + "..."


def draft_of(
    row: Row, table: Table, mapping: ColumnMapping, catalogue: Catalogue, is_area: bool = False
) -> Draft:
    """
    Read one row.

    Parameters
    ----------
    row
        Of the table.
    table
        The file.
    mapping
        What its columns hold.
    catalogue
        Categories and kinds of service.
    is_area
        Whether the layer holds areas.

    Returns
    -------
    draft
        Positions still in the datum of the file.
    """
    draft = Draft(row, pin=row.point)
    if is_area and row.area:
        draft.cells["geometry_wkt"] = _wkt(row.area)
    elif row.fault:
        draft.refuse("", "", row.fault)
        return draft
    if mapping.is_ours and table.has_features and row.feature is not None:
        _take_feature(draft, row.feature)
        return draft
    services: dict[str, None] = {}
    for guess, cell in zip(mapping.columns, row.cells, strict=True):
        if guess.field and cell is not None and cell.strip():
            _take(draft, guess.column, guess.field, cell.strip(), mapping, catalogue, services)
    if services:
        listed = draft.cells.get("services")
        draft.cells["services"] = "; ".join([*([listed] if listed else []), *services])
    if mapping.is_swapped and draft.pin:
        draft.pin = (draft.pin[1], draft.pin[0])
    _raise_own_values(draft, table, mapping)
    return draft


# --- GeoJSON of the place model ---------------------------------------------------------


def _wkt(area: Mapping[str, Any]) -> str:
    polygons = [area["coordinates"]] if area["type"] == "Polygon" else area["coordinates"]
    bodies = [
        "("
        + ", ".join("(" + ", ".join(f"{lon!r} {lat!r}" for lon, lat in ring) + ")" for ring in rings)
        + ")"
        for rings in polygons
    ]
    return f"POLYGON {bodies[0]}" if area["type"] == "Polygon" else f"MULTIPOLYGON ({', '.join(bodies)})"


def _take_feature(draft: Draft, feature: Mapping[str, Any]) -> None:
    """Keep the Feature whole; heights and empty ids that QGIS writes are taken off."""
    geometry, given = feature.get("geometry"), feature.get("properties")
    if given is not None and not isinstance(given, dict):
        draft.refuse("properties", given, "must be an object")
        return
    properties: dict[str, Any] = dict(given or {})
    key = feature.get("id", properties.pop("id", None))
    properties.pop("id", None)
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        geometry = {"type": "Point", "coordinates": _without_height(draft, geometry.get("coordinates"))}
    draft.obj = {"type": "Feature", "id": key, "geometry": geometry, "properties": properties}
    arrival = properties.get("arrival")
    if isinstance(arrival, list) and _is_pair(arrival):
        draft.arrival = (float(arrival[0]), float(arrival[1]))
    draft.cells = {name: str(properties[name]) for name in ("name", "address") if properties.get(name)}


def _without_height(draft: Draft, position: Any) -> Any:
    if isinstance(position, list) and len(position) == 3 and isinstance(position[2], int | float):
        draft.leave_out("geometry", position[2], "heights are not kept")
        return position[:2]
    return position


def _is_pair(value: list[Any]) -> bool:
    return len(value) == 2 and all(
        isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e6 for one in value
    )


def _raise_own_values(draft: Draft, table: Table, mapping: ColumnMapping) -> None:
    """A list of services that another program wrote as JSON into its Feature is taken as it stands."""
    if not table.has_features or draft.row.feature is None:
        return
    properties = draft.row.feature.get("properties") or {}
    for guess in mapping.columns:
        if guess.field == "services" and isinstance(properties.get(guess.column), list):
            draft.cells.pop("services", None)
            draft.leave_out(
                guess.column, properties[guess.column], "is a list of another form; map it by hand"
            )


# --- cells ------------------------------------------------------------------------------


def _take(
    draft: Draft,
    column: str,
    name: str,
    cell: str,
    mapping: ColumnMapping,
    catalogue: Catalogue,
    services: dict[str, None],
) -> None:
    if mapping.is_ours:
        _take_ours(draft, name, cell)
    elif name.startswith(SERVICE):
        _take_yes_or_no(draft, column, name.removeprefix(SERVICE), cell, services)
    elif unicodedata.normalize("NFKC", cell).strip().lower() in _NOTHING and name != "name":
        return
    elif name.endswith("lonlat"):
        _take_pair(draft, column, name, cell)
    elif name in (
        "lon",
        "lat",
        "arrival_lon",
        "arrival_lat",
        "lon_wgs84",
        "lat_wgs84",
        "lon_gcj02",
        "lat_gcj02",
    ):
        _take_degrees(draft, column, name.removesuffix("_wgs84").removesuffix("_gcj02"), cell)
    elif name == "hours":
        _take_hours(draft, column, cell)
    elif name == "services":
        _take_services(draft, column, cell, catalogue)
    elif name in _NUMBERS:
        _take_number(draft, column, name, cell)
    elif name in _WORDS_OF:
        _take_word(draft, column, name, cell)
    elif name == "phone":
        draft.cells[name] = re.sub(r"[、，]|\s{2,}", ",", unicodedata.normalize("NFKC", cell)).strip(", ")
    else:
        draft.cells[name] = " ".join(cell.split())


_PIN_CELLS = frozenset({"lon_wgs84", "lat_wgs84", "lon_gcj02", "lat_gcj02"})


def _take_ours(draft: Draft, name: str, cell: str) -> None:
    """Keep cells of our own export as they are; but where the format has points, a pin moved in QGIS counts."""
    if draft.row.point is None or name not in _PIN_CELLS:
        draft.cells[name] = cell


def _take_yes_or_no(draft: Draft, column: str, kind: str, cell: str, services: dict[str, None]) -> None:
    plain = unicodedata.normalize("NFKC", cell).strip().lower()
    if plain in YES:
        services[kind] = None
    elif plain not in NO:
        draft.leave_out(column, cell, "is neither yes nor no")


def _take_pair(draft: Draft, column: str, name: str, cell: str) -> None:
    pair = parse_pair(cell)
    if pair is None:
        draft.refuse(column, cell, "is no pair of coordinates such as 116.442,39.957")
        return
    if name == "lonlat":
        draft.pin = (pair.lon, pair.lat)
    else:
        draft.arrival = (pair.lon, pair.lat)


def _take_degrees(draft: Draft, column: str, name: str, cell: str) -> None:
    degrees = parse_degrees(cell)
    axis = "lon" if name.endswith("lon") else "lat"
    if degrees is None:
        draft.refuse(column, cell, "is no coordinate such as 116.442 or 116°26′31″")
        return
    if degrees.axis and degrees.axis != axis:
        draft.refuse(
            column, cell, f"is a {degrees.axis}, but the column holds {axis}; were lon and lat swapped?"
        )
        return
    which = "arrival" if name.startswith("arrival") else "pin"
    held = getattr(draft, which) or (float("nan"), float("nan"))
    setattr(draft, which, (degrees.value, held[1]) if axis == "lon" else (held[0], degrees.value))


def _take_hours(draft: Draft, column: str, cell: str) -> None:
    try:
        draft.cells["hours"] = hours_from_words(cell)
    except InvalidInputError as error:
        draft.leave_out(
            column, cell, error.message.partition("; ")[0].partition(" ")[2] + "; the hours stay unknown"
        )


def _take_services(draft: Draft, column: str, cell: str, catalogue: Catalogue) -> None:
    if _RECORD.search(cell):  # the readable form of our own exports, with notes and hours
        draft.cells["services"] = cell
        return
    kinds, unknown = services_from_words(cell, catalogue)
    if kinds:
        draft.cells["services"] = "; ".join(kinds)
    if unknown:
        draft.leave_out(column, "、".join(unknown), "names no kind of service we know")


def _take_number(draft: Draft, column: str, name: str, cell: str) -> None:
    found = _NUMBER_WITH_UNIT.fullmatch(unicodedata.normalize("NFKC", cell).strip())
    if found:
        draft.cells[name] = found[1]
    else:
        draft.leave_out(column, cell, "is no plain number")


def _take_word(draft: Draft, column: str, name: str, cell: str) -> None:
    word = _WORDS_OF[name].get(cell.strip().lower())
    if word is None:
        draft.leave_out(
            column, cell, f"is no {name} we know: {', '.join(sorted(set(_WORDS_OF[name].values())))}"
        )
        return
    draft.cells[name] = word
    if name == "status" and word != "active" and "status_reason" not in draft.cells and cell != word:
        draft.cells["status_reason"] = cell.strip()


def feature_of_draft(draft: Draft, layer: str, catalogue: Catalogue) -> dict[str, Any]:
    """
    Make the GeoJSON Feature of a draft whose positions are in WGS 84 by now.

    Parameters
    ----------
    draft
        One without refusals, and with a position or an outline.
    layer
        Its layer.
    catalogue
        Categories and kinds of service.

    Returns
    -------
    feature
        Not yet checked against the place model.

    Raises
    ------
    InvalidInputError
        If a cell of our own export cannot be read.
    """
    if draft.obj is not None:
        obj = dict(draft.obj)
        if draft.pin is not None:
            obj["geometry"] = {"type": "Point", "coordinates": list(draft.pin)}
        if draft.arrival is not None:
            obj["properties"] = {**obj["properties"], "arrival": list(draft.arrival)}
        return obj
    cells = dict(draft.cells)
    if draft.pin is not None:
        cells |= dict(zip(("lon_wgs84", "lat_wgs84"), map(repr, draft.pin), strict=True))
        if draft.arrival is not None:
            cells |= dict(
                zip(("arrival_lon_wgs84", "arrival_lat_wgs84"), map(repr, draft.arrival), strict=True)
            )
    return feature_of(cells, layer, catalogue)
