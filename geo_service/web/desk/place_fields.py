"""
The form of a place: its fields as texts by the name of their input, and back into GeoJSON properties.

An input is named by the path that a refusal of the place model names (``services[0].hours``), so that a
fault finds its input by itself. A text that says what the place says already leaves the value as it is:
whoever changes one field changes no other by the way a form writes it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, Literal, NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.exchange.intake import hours_from_words
from geo_service.hours import check_hours
from geo_service.layers import Category, Feature

Kind = Literal[
    "text", "phone", "number", "whole", "flag", "numbers", "words", "hours", "day", "choice", "free"
]
Texts = dict[str, str]


class Input(NamedTuple):
    """One input of the form: its name, what it takes, and what can be chosen."""

    name: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()


CLASSES: Final = ("standard", "below", "micro", "mobile")
METHODS: Final = ("open", "code", "qr", "staff", "gate")
VISITORS: Final = ("rider", "courier", "driver", "sanitation", "public")
"""Who may come, as boxes to tick; a place may name others beside them."""

INPUTS: Final = (
    Input("name"),
    Input("address"),
    Input("phone", "phone"),
    Input("network"),
    Input("host_type"),
    Input("operator"),
    Input("class", "choice", CLASSES),
    Input("station_code"),
    Input("area_m2", "number"),
    Input("seats", "whole"),
    Input("headcount", "whole"),
    Input("hours", "hours"),
    Input("ebike_parking", "flag"),
    Input("power.operator"),
    Input("power.plan"),
    Input("power.voltage_v", "numbers"),
    Input("power.slots", "whole"),
    Input("open_to", "words"),
    Input("inspection.body"),
    Input("inspection.date", "day"),
    Input("inspection.result"),
    Input("external_ids.amap_poiid"),
    Input("external_ids.baidu_uid"),
    Input("external_ids.tencent_uid"),
    Input("external_ids.osm"),
    Input("status", "choice", ("active", "paused")),
    Input("status_reason"),
    Input("status_from", "day"),
    Input("status_until", "day"),
)
ROWS: Final[Mapping[str, tuple[Input, ...]]] = {
    "services": (
        Input("kind", "choice"),
        Input("hours", "hours"),
        Input("note"),
        Input("price"),
        Input("valid_from", "day"),
        Input("valid_until", "day"),
    ),
    "access": (Input("method", "choice", METHODS), Input("hours", "hours"), Input("note")),
    "listing": (Input("vendor"), Input("status"), Input("checked_on", "day")),
}
POSITION: Final = ("lon", "lat", "arrival.lon", "arrival.lat")

_BY_NAME: Final = {one.name: one for one in INPUTS}
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,15})?")
_INDEX = re.compile(r"\[\d+\]$")
_ROW = re.compile(r"(services|access|listing)\[(\d{1,3})\]\.([a-z_]+)")
_BETWEEN = re.compile(r"[\s,，、;；]+")


def inputs_of(category: Category) -> tuple[Input, ...]:
    """
    Inputs of a category's form, without rows and position.

    Parameters
    ----------
    category
        Says which fields its features have.

    Returns
    -------
    inputs
        In the order of the place model, then the fields that the district added.
    """
    known = tuple(one for one in INPUTS if one.name.partition(".")[0] in category.fields)
    return known + tuple(Input(name, "free") for name in category.extra_fields)


def rows_of(category: Category) -> tuple[str, ...]:
    """
    Lists of records that a category's form has.

    Parameters
    ----------
    category
        Says which fields its features have.

    Returns
    -------
    names
        Some of ``services``, ``access``, ``listing``.
    """
    return tuple(name for name in ROWS if name in category.fields)


def texts_of(feature: Mapping[str, Any], category: Category) -> Texts:
    """
    Write a feature as the texts of its form.

    Parameters
    ----------
    feature
        GeoJSON Feature.
    category
        Says which fields it may have.

    Returns
    -------
    texts
        By name of the input; absent values are empty.
    """
    properties = feature["properties"]
    texts = {one.name: _write(_dig(properties, one.name)) for one in inputs_of(category)}
    for name in rows_of(category):
        for index, record in enumerate(properties.get(name, ())):
            texts |= {f"{name}[{index}].{one.name}": _write(record.get(one.name)) for one in ROWS[name]}
    pin = ("", "")
    if feature["geometry"] and feature["geometry"]["type"] == "Point":
        pin = feature["geometry"]["coordinates"]
    places = (*pin, *properties.get("arrival", ("", "")))
    return texts | {key: _write(value) for key, value in zip(POSITION, places, strict=True)}


def texts_from(form: Mapping[str, Sequence[str]], category: Category) -> Texts:
    """
    Read what a browser sent, without judging it.

    Parameters
    ----------
    form
        Values by name of the input.
    category
        Says which fields the form had.

    Returns
    -------
    texts
        By name of the input; rows that are blank or to be taken away are left out and the others numbered
        anew, so that a row stands where its record will. Inputs that were not sent are missing.
    """
    texts = {
        name: form[name][0]
        for name in (*POSITION, *(one.name for one in inputs_of(category)))
        if form.get(name)
    }
    if "open_to" in form:
        texts["open_to"] = ", ".join(dict.fromkeys(filter(None, _BETWEEN.split(" ".join(form["open_to"])))))
    if texts.get("ebike_parking") == "count":
        texts["ebike_parking"] = form.get("ebike_parking.n", [""])[0] or "count"
    for name in rows_of(category):
        kept = [row for row in _sent_rows(form, name) if any(text.strip() for text in row.values())]
        for index, row in enumerate(kept):
            texts |= {f"{name}[{index}].{member}": text for member, text in row.items()}
        if name in form:
            texts[name] = str(len(kept))
    return _paired(texts)


def _sent_rows(form: Mapping[str, Sequence[str]], name: str) -> list[dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    members = {one.name for one in ROWS[name]}
    for key, values in form.items():
        parts = _ROW.fullmatch(key)
        if parts and parts[1] == name and parts[3] in members and not form.get(f"{name}[{parts[2]}].remove"):
            found.setdefault(int(parts[2]), {})[parts[3]] = values[0]
    return [found[index] for index in sorted(found)]


def _paired(texts: Texts) -> Texts:
    """``116.4,39.9`` in the box of a longitude are both numbers: that is how maps copy them."""
    for lon, lat in (POSITION[:2], POSITION[2:]):
        both = [part for part in _BETWEEN.split(texts.get(lon, "").strip()) if part]
        if len(both) == 2 and all(map(_NUMBER.fullmatch, both)):
            texts |= {lon: both[0], lat: both[1]}
    return texts


def n_rows(texts: Mapping[str, str], name: str) -> int:
    """
    How many records of a list the texts hold.

    Parameters
    ----------
    texts
        By name of the input.
    name
        The list.

    Returns
    -------
    n
        Rows are numbered from 0 without gaps.
    """
    numbers = [int(parts[2]) for key in texts if (parts := _ROW.fullmatch(key)) and parts[1] == name]
    return max(numbers, default=-1) + 1


def feature_from(texts: Mapping[str, str], base: Mapping[str, Any], category: Category) -> dict[str, Any]:
    """
    Apply the texts of a form to the feature it was filled from.

    Parameters
    ----------
    texts
        By name of the input; what is missing stays as it is.
    base
        GeoJSON Feature as it was when the form was shown.
    category
        Says which fields it may have.

    Returns
    -------
    feature
        GeoJSON Feature, not yet held to the rules: what is no number where one must be stays text, so
        that the rule can name it.
    """
    shown = texts_of(base, category)
    feature = deepcopy(dict(base))
    properties = feature["properties"]
    for one in inputs_of(category):
        if texts.get(one.name, shown[one.name]) != shown[one.name]:
            _put(properties, one.name, _read(texts[one.name], one.kind, _dig(properties, one.name)))
    for name in rows_of(category):
        if name in texts:
            _put(properties, name, _records(texts, shown, base["properties"].get(name, []), name))
    _place(feature, texts, shown)
    return feature


def _records(texts: Mapping[str, str], shown: Mapping[str, str], held: Sequence[Any], name: str) -> list[Any]:
    """Rows as records; one that says what a record says already is that record."""
    as_texts = [tuple(shown[f"{name}[{i}].{one.name}"] for one in ROWS[name]) for i in range(len(held))]
    known = dict(zip(as_texts, held, strict=True))
    found = []
    for index in range(int(texts[name])):
        row = tuple(texts.get(f"{name}[{index}].{one.name}", "") for one in ROWS[name])
        read = {one.name: _read(text, one.kind, None) for one, text in zip(ROWS[name], row, strict=True)}
        found.append(known.get(row) or {key: value for key, value in read.items() if value is not None})
    return found


def _place(feature: dict[str, Any], texts: Mapping[str, str], shown: Mapping[str, str]) -> None:
    pin, arrival = POSITION[:2], POSITION[2:]
    if any(texts.get(key, shown[key]) != shown[key] for key in pin):
        feature["geometry"] = {"type": "Point", "coordinates": [_degree(texts.get(key, "")) for key in pin]}
    if any(texts.get(key, shown[key]) != shown[key] for key in arrival):
        numbers = [_degree(texts.get(key, "")) for key in arrival]
        _put(feature["properties"], "arrival", numbers if any(one != "" for one in numbers) else None)


def _degree(text: str) -> float | str:
    return float(text) if _NUMBER.fullmatch(text.strip()) else text.strip()


def _dig(properties: Mapping[str, Any], name: str) -> Any:
    outer, _, inner = name.partition(".")
    value = properties.get(outer)
    return value.get(inner) if inner and isinstance(value, Mapping) else None if inner else value


def _put(properties: dict[str, Any], name: str, value: Any) -> None:
    outer, _, inner = name.partition(".")
    if inner:
        table = dict(properties.get(outer) or {})
        _put(table, inner, value)
        value = table
    if value in (None, "", {}, []):
        properties.pop(outer, None)
    else:
        properties[outer] = value


def _write(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(_write, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f"{value:.7f}".rstrip("0") if isinstance(value, float) else str(value)


def _read(text: str, kind: Kind, held: Any) -> Any:
    text = text.strip()
    if kind == "words":  # boxes have no order: what was there stays in its own
        sent = [part for part in _BETWEEN.split(text) if part]
        return [word for word in held or () if word in sent] + [
            word for word in sent if word not in (held or ())
        ]
    if kind == "free":
        kind = "flag" if isinstance(held, bool) else "number" if isinstance(held, int | float) else "text"
        if isinstance(held, list | tuple):
            return [part.strip() for part in re.split("[,，、;；]", text) if part.strip()]
    if not text:
        return None
    if kind == "numbers":
        return [_number(part) for part in _BETWEEN.split(text) if part]
    if kind == "hours":
        return stored_hours(text)
    if kind == "flag" and text in ("true", "false"):
        return text == "true"
    return _number(text) if kind in ("number", "whole", "flag") else text


def _number(text: str) -> float | int | str:
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def stored_hours(text: str) -> str:
    """
    Opening hours as the layer keeps them: what people write in Chinese becomes OSM's text.

    Parameters
    ----------
    text
        What was typed.

    Returns
    -------
    hours
        OSM text; what was typed if it is neither.

    Examples
    --------
    >>> stored_hours("周一至周五 9:00-18:00"), stored_hours("24小时"), stored_hours("Mo-Fr 8-18")
    ('Mo-Fr 09:00-18:00', '24/7', 'Mo-Fr 8-18')
    """
    for read in (_checked, hours_from_words):
        try:
            return read(text)
        except InvalidInputError:
            continue
    return text


def _checked(text: str) -> str:
    check_hours(text)
    return text


def input_of(path: str) -> str:
    """
    The input at which to show a fault.

    Parameters
    ----------
    path
        Where the place model found it.

    Returns
    -------
    name
        Of an input, a list of rows, or ``lon`` for a position.

    Examples
    --------
    >>> input_of("geometry.coordinates"), input_of("power.voltage_v[1]"), input_of("services[2].hours")
    ('lon', 'power.voltage_v', 'services[2].hours')
    """
    if path.startswith("geometry"):
        return "lon"
    return "arrival.lon" if path == "arrival" else _INDEX.sub("", path)


def kind_of(name: str) -> str:
    """
    What an input takes, for the words of a fault.

    Parameters
    ----------
    name
        Of the input.

    Returns
    -------
    kind
        A kind of input, ``"position"`` or ``"id"``.
    """
    if name in POSITION or name == "id":
        return "id" if name == "id" else "position"
    if parts := _ROW.fullmatch(name):
        return next((one.kind for one in ROWS[parts[1]] if one.name == parts[3]), "text")
    return _BY_NAME[name].kind if name in _BY_NAME else "text"


def values_held(features: Iterable[Feature], name: str, most: int = 40) -> tuple[str, ...]:
    """
    Texts that a layer uses for a field, to choose from while typing.

    Parameters
    ----------
    features
        Of the layer.
    name
        The field.
    most
        How many to give.

    Returns
    -------
    values
        The most frequent ones, sorted.
    """
    counts: dict[str, int] = {}
    for feature in features:
        if isinstance(value := getattr(feature, name, None), str):
            counts[value] = counts.get(value, 0) + 1
    return tuple(sorted(sorted(counts, key=lambda value: (-counts[value], value))[:most]))
