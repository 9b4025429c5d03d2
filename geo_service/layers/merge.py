"""
What changed between two states of a feature, and how two sets of changes come together.

Fields merge one by one; services, ways in, listings, photos, who may come, foreign ids, power and check
dates are fields of their own by kind. The four words of a status change together, and so do both numbers
of a position.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import orjson

from geo_service.errors import InvalidInputError
from geo_service.layers.areas import load_geometry
from geo_service.layers.model import Area, Checked, Edit, Feature, Layer, Place, Power, Provenance
from geo_service.layers.rules import rounded

_STATUS = ("status", "status_reason", "status_from", "status_until")
_MEMBER = {"services": "kind", "access": "method", "listing": "vendor", "photos": "", "open_to": ""}
_APART = (*_MEMBER, "external_ids", "power", "provenance", "extra")
_SPECIAL = frozenset((*_STATUS, *_APART, "id", "layer", "lon", "lat", "arrival", "geometry"))
_PROVENANCE = ("source", "licence")
_CHECKED = "provenance.checked."

ORDERS = frozenset(_MEMBER)
"""Fields that only say in which order the items of a list stand; two changes of them never conflict."""


class Conflict(NamedTuple):
    """A field that both sides changed, each to something else."""

    field: str
    ours: object
    theirs: object


class Difference(NamedTuple):
    """A field in which two states differ, with both values as text; empty where a state has none."""

    field: str
    before: str
    after: str


def _keyed(feature: Feature, field: str) -> dict[str, Any]:
    """Key the items of a list by one member, texts by themselves; a second one of a kind is ``kind#2``."""
    held: dict[str, Any] = {}
    member = _MEMBER[field]
    for item in getattr(feature, field):
        kind = getattr(item, member) if member else item
        count = sum(key == kind or key.startswith(f"{kind}#") for key in held)
        held[kind if not count else f"{kind}#{count + 1}"] = item
    return held


def _members(value: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _parts(feature: Feature | None) -> dict[str, Any]:
    """Lay a feature out as fields that merge independently; absent ones are left out."""
    if feature is None:
        return {}
    parts: dict[str, Any] = {"status": tuple(getattr(feature, name) for name in _STATUS)}
    for field in fields(feature):
        if field.name not in _SPECIAL:
            parts[field.name.rstrip("_")] = getattr(feature, field.name)
    parts |= (
        _place_parts(feature) if isinstance(feature, Place) else {"geometry": load_geometry(feature.geometry)}
    )
    parts |= {
        f"provenance.{name}": value for name, value in _members(feature.provenance, _PROVENANCE).items()
    }
    parts |= {f"{_CHECKED}{kind}": checked for kind, checked in feature.provenance.checked.items()}
    parts |= {f"extra.{name}": value for name, value in feature.extra.items()}
    return {name: value for name, value in parts.items() if not _is_absent(value)}


def _is_absent(value: object) -> bool:
    return value is None or value == "" or value == ()


def _place_parts(place: Place) -> dict[str, Any]:
    parts: dict[str, Any] = {"position": (rounded(place.lon), rounded(place.lat))}
    parts["arrival"] = place.arrival and (rounded(place.arrival[0]), rounded(place.arrival[1]))
    for field in _MEMBER:
        items = _keyed(place, field)
        parts[field] = tuple(items)  # their order is a field too
        parts |= {f"{field}.{kind}": item for kind, item in items.items()}
    parts |= {f"external_ids.{name}": value for name, value in place.external_ids.items()}
    if place.power is not None:
        parts |= {f"power.{field.name}": getattr(place.power, field.name) for field in fields(Power)}
    return parts


def _same(one: object, other: object) -> bool:
    return one == other and (isinstance(one, bool) == isinstance(other, bool))


def changed_fields(before: Feature, after: Feature) -> tuple[str, ...]:
    """
    Name the fields in which two states of a feature differ.

    Parameters
    ----------
    before
        The older state.
    after
        The newer one.

    Returns
    -------
    names
        In a stable order. ``position`` and ``status`` stand for all their members; one kind of service is
        ``services.rest``, one way in ``access.code``, one check date ``provenance.checked.hours``;
        ``services`` alone means their order.

    Examples
    --------
    >>> a = Place("w1", "water", 116.45, 39.96, "水")
    >>> changed_fields(a, replace(a, lon=116.46, hours="24/7"))
    ('position', 'hours')
    """
    one, other = _parts(before), _parts(after)
    names = dict.fromkeys((*one, *other))
    return tuple(name for name in names if not _same(one.get(name), other.get(name)))


def differences(before: Feature | None, after: Feature | None) -> tuple[Difference, ...]:
    """
    Set two states of a feature side by side, field by field.

    Parameters
    ----------
    before
        The older state; None if there was none.
    after
        The newer one; None if it is gone.

    Returns
    -------
    differences
        Fields as :func:`changed_fields` names them, with both values as a person reads them.

    Examples
    --------
    >>> a = Place("w1", "water", 116.45, 39.96, "水")
    >>> for one in differences(a, replace(a, lon=116.46, hours="24/7")):
    ...     print(one)
    Difference(field='position', before='116.45, 39.96', after='116.46, 39.96')
    Difference(field='hours', before='', after='24/7')
    """
    one, other = _parts(before), _parts(after)
    names = [name for name in dict.fromkeys((*one, *other)) if not _same(one.get(name), other.get(name))]
    return tuple(Difference(name, _as_text(one.get(name)), _as_text(other.get(name))) for name in names)


def _as_text(value: Any) -> str:
    """One line for a person: parts that are absent are left out."""
    if _is_absent(value):
        return ""
    if is_dataclass(value) and not isinstance(value, type):
        return ", ".join(filter(None, (_as_text(getattr(value, part.name)) for part in fields(value))))
    if isinstance(value, Mapping):
        return str(value["type"]) if "coordinates" in value else ", ".join(map(_as_text, value.values()))
    if isinstance(value, tuple | list):
        return ", ".join(filter(None, map(_as_text, value)))
    return str(value)


def contested_fields(base: Feature, ours: Feature, theirs: Feature) -> tuple[str, ...]:
    """
    Name the fields that two sides both changed, alike or not.

    Parameters
    ----------
    base
        The state both started from.
    ours
        One state that came of it.
    theirs
        The other one.

    Returns
    -------
    names
        As :func:`changed_fields` gives them. Check dates, of which the later counts, and the order of lists
        are never contested.

    Examples
    --------
    >>> base = Place("w1", "water", 116.45, 39.96, "水")
    >>> contested_fields(base, replace(base, hours="24/7", phone="010-6400"), replace(base, hours="24/7"))
    ('hours',)
    """
    others = frozenset(changed_fields(base, theirs))
    both = (name for name in changed_fields(base, ours) if name in others)
    return tuple(name for name in both if name not in ORDERS and not name.startswith(_CHECKED))


def field_values(feature: Feature, names: Sequence[str]) -> dict[str, Any]:
    """
    Give the values of some fields as JSON has them.

    Parameters
    ----------
    feature
        A place or area.
    names
        Fields as :func:`changed_fields` names them.

    Returns
    -------
    values
        By name; None where the feature does not have the field.

    Examples
    --------
    >>> field_values(Place("w1", "water", 116.45, 39.96, "水", hours="24/7"), ("position", "hours", "access.code"))
    {'position': [116.45, 39.96], 'hours': '24/7', 'access.code': None}
    """
    parts = _parts(feature)
    values = {name: orjson.loads(orjson.dumps(parts.get(name))) for name in names}
    return {
        name: {key: one for key, one in value.items() if one is not None}
        if isinstance(value, dict)
        else value
        for name, value in values.items()
    }


def merge_features(
    base: Feature | None, ours: Feature, theirs: Feature
) -> tuple[Feature, tuple[Conflict, ...]]:
    """
    Bring two changes of one feature together, field by field.

    A field that one side changed takes that change; one that both changed alike is no conflict; of two
    check dates the later counts. Where both changed otherwise, ours stands and the conflict is told.

    Parameters
    ----------
    base
        The state both started from; None if each side added the feature.
    ours
        The state that wins where both changed a field.
    theirs
        The other one.

    Returns
    -------
    merged
        The feature with both sets of changes.
    conflicts
        Fields in which ours stood against theirs.

    Raises
    ------
    InvalidInputError
        If the two are not the same feature, or one is a place and the other an area.

    Examples
    --------
    >>> base = Place("w1", "water", 116.45, 39.96, "水")
    >>> merged, conflicts = merge_features(base, replace(base, hours="24/7"), replace(base, phone="010-6400"))
    >>> merged.hours, merged.phone, conflicts
    ('24/7', '010-6400', ())
    """
    if (ours.id, ours.layer, type(ours)) != (theirs.id, theirs.layer, type(theirs)):
        raise InvalidInputError(
            f"{ours.layer}/{ours.id} and {theirs.layer}/{theirs.id} are not one feature and cannot be merged",
            parameter="id",
            value=theirs.id,
        )
    start, mine, other = _parts(base), _parts(ours), _parts(theirs)
    merged: dict[str, Any] = {}
    conflicts: list[Conflict] = []
    for name in dict.fromkeys((*mine, *other)):
        value, conflict = _merge_field(name, start.get(name), mine.get(name), other.get(name))
        conflicts += [conflict] if conflict else []
        if value is not None:
            merged[name] = value
    return _assembled(ours, merged, theirs), tuple(conflicts)


def _merge_field(name: str, base: Any, ours: Any, theirs: Any) -> tuple[Any, Conflict | None]:
    if _same(ours, theirs) or _same(theirs, base):
        return ours, None
    if _same(ours, base):
        return theirs, None
    if name.startswith(_CHECKED):
        return max((one for one in (ours, theirs) if one), key=_lateness), None
    if name in ORDERS:
        return ours or theirs, None
    return ours, Conflict(name, ours, theirs)


def with_fields(feature: Feature, other: Feature, names: Sequence[str]) -> Feature:
    """
    Give one state of a feature some fields of another state.

    Parameters
    ----------
    feature
        The state that is kept otherwise.
    other
        The state whose fields are taken.
    names
        Fields as :func:`changed_fields` names them; one that the other does not have is taken away.

    Returns
    -------
    feature
        A new state.

    Examples
    --------
    >>> ours = Place("w1", "water", 116.45, 39.96, "水", hours="24/7", phone="010-6400")
    >>> mixed = with_fields(ours, replace(ours, hours=None, phone="010-6500"), ["hours"])
    >>> mixed.hours, mixed.phone
    (None, '010-6400')
    """
    taken = frozenset(names)
    parts = {name: value for name, value in _parts(feature).items() if name not in taken}
    parts |= {name: value for name, value in _parts(other).items() if name in taken}
    return _assembled(feature, parts, other)


def _lateness(checked: Checked) -> tuple[date, str]:
    return checked.on, checked.role


def _under(parts: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in parts.items() if name.startswith(prefix)}


def _in_order(parts: Mapping[str, Any], name: str, *others: Sequence[str]) -> tuple[Any, ...]:
    """Put the kept items of a keyed list into the merged order, those it does not name last."""
    held = _under(parts, f"{name}.")
    order = dict.fromkeys((*parts.get(name, ()), *(key for keys in others for key in keys), *held))
    return tuple(held[key] for key in order if key in held)


def _assembled(ours: Feature, parts: Mapping[str, Any], theirs: Feature) -> Feature:
    """Build a feature of the kind of ours from parts."""
    held: dict[str, Any] = dict(zip(_STATUS, parts["status"], strict=True))
    for field in fields(ours):
        if field.name not in _SPECIAL:
            held[field.name] = parts.get(field.name.rstrip("_"), field.default)
    checked = dict(sorted(_under(parts, _CHECKED).items()))
    source, licence = (parts.get(f"provenance.{name}", "") for name in _PROVENANCE)
    held |= {
        "provenance": Provenance(source, licence, checked),
        "extra": dict(sorted(_under(parts, "extra.").items())),
    }
    if isinstance(ours, Area):
        return replace(ours, geometry=parts["geometry"], **held)
    assert isinstance(theirs, Place)
    held |= {"lon": parts["position"][0], "lat": parts["position"][1], "arrival": parts.get("arrival")}
    for name in _MEMBER:
        held[name] = _in_order(parts, name, tuple(_keyed(ours, name)), tuple(_keyed(theirs, name)))
    held["external_ids"] = _under(parts, "external_ids.")
    power = _under(parts, "power.")
    held["power"] = Power(**power) if power else None
    return replace(ours, **held)


def edits_between(old: Layer, new: Layer) -> tuple[Edit, ...]:
    """
    List the edits that turn one state of a layer into another.

    Parameters
    ----------
    old
        The layer as it is; its version becomes the base of every edit.
    new
        The layer as it shall be.

    Returns
    -------
    edits
        Additions, changes and removals by id; none for features that are equal.

    Examples
    --------
    >>> water = Place("w1", "water", 116.45, 39.96, "水")
    >>> [edit.id for edit in edits_between(Layer("water"), Layer("water", (water,)))]
    ['w1']
    """
    before = {feature.id: feature for feature in old.features}
    after = {feature.id: feature for feature in new.features}
    edits = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one is None or other is None or type(one) is not type(other) or changed_fields(one, other):
            edits.append(Edit(new.name, key, old.version, one, other))
    return tuple(edits)
