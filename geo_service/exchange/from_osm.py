"""
Places for riders from OpenStreetMap tags, and how to read them again without undoing the desk.

Five layers come from tags: clinic, swap, charging, toilet, water. One OSM object becomes one place, in
the first of these layers that fits; its id says which object it is (``osm-n123`` is node 123). What
the tags say is in ``docs/guide/osm-places.md``.

An update is a three-way merge by field: what OSM said last time, what the layer holds now, what OSM says
now. Fields the desk touched stay; fields only OSM changed follow OSM.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.layers import (
    CATALOGUE,
    FIELDS,
    Checked,
    Edit,
    Feature,
    Layer,
    Place,
    changed_fields,
    load_feature,
    merge_features,
)
from geo_service.layers.rules import Report
from geo_service.network.features import OsmFeatures, OsmPoi

OSM_LAYERS = ("clinic", "swap", "charging", "toilet", "water")
"""Layers that are filled from tags; the first that fits takes the object."""

SOURCE = "OpenStreetMap"
LICENCE = "ODbL-1.0"
ROLE = "import"
GONE = "OpenStreetMap 中已不存在 (gone from OpenStreetMap)"

REFRESH_DAYS = 30
"""A fact OSM still states counts as checked anew by an import this much later; a nightly import changes nothing."""

EMPTY_SUSPICION = 10
"""If OSM had this many places of a layer and now has none, the extract is wrong, not the town empty."""

_MEDICAL = frozenset({"clinic", "doctors", "hospital", "pharmacy"})
_HEALTHCARE = frozenset({"centre", "clinic", "doctor", "doctors", "hospital", "pharmacy"})
_SWAP_KEYS = ("battery_swap", "battery_swapping", "battery_exchange")
_SWAP_VALUES = frozenset({"battery_swap", "battery_swapping", "battery_exchange"})
# No tag for swapping is approved; in China the sign says it (name-suggestion-index: 蔚来换电站 is a charging_station).
_SWAP_NAME = re.compile(r"换电|換電|battery (?:swap|exchange)|power swap", re.IGNORECASE)
_NAME_KEYS = ("name", "name:zh", "name:zh-Hans", "brand", "operator")
_TAPS = (
    ("amenity", frozenset({"fountain", "water_point", "watering_place"})),
    ("man_made", frozenset({"drinking_fountain", "water_tap", "water_well"})),
    ("natural", frozenset({"spring"})),
)
_BIKES = ("bicycle", "electric_bicycle", "motorcycle", "moped", "scooter", "electric_scooter")
_YES = frozenset({"yes", "designated", "only", "permissive", "public", "official"})
_NOT_FOR_RIDERS = frozenset({"private", "no", "employees", "residents", "permit", "military"})
_OUT_OF_USE = (
    "disused",
    "abandoned",
    "demolished",
    "razed",
    "removed",
    "construction",
    "proposed",
    "planned",
)
_STEP_FREE = {"yes": "无障碍", "designated": "无障碍", "limited": "部分无障碍"}
_PLAIN_NAME = {"swap": "换电站", "charging": "充电站", "toilet": "公共厕所", "water": "饮水点"}
_MEDICAL_NAME = {
    "hospital": "医院",
    "pharmacy": "药店",
    "doctors": "诊所",
    "doctor": "诊所",
    "centre": "医疗中心",
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Tags = Mapping[str, str]


class Dropped(NamedTuple):
    """A tag that says something no layer can hold, so that the field stays unknown."""

    osm: str
    field: str
    value: object
    rule: str


@dataclass(frozen=True)
class OsmReading:
    """
    Layers made from tags, and what could not be used.

    Parameters
    ----------
    layers
        One for each name in `OSM_LAYERS`, in that order, empty ones included.
    dropped
        Values that break a rule of the place model: hours that are no opening hours, and the like.
    """

    layers: tuple[Layer, ...]
    dropped: tuple[Dropped, ...]


def osm_layers(
    features: OsmFeatures, on: date, known: Mapping[str, Feature] = MappingProxyType({})
) -> tuple[Layer, ...]:
    """
    Turn points of interest into layers.

    Parameters
    ----------
    features
        What was read from OpenStreetMap.
    on
        Day of import: facts without a check date of their own count as checked on it.
    known
        What earlier readings gave, by id: such an object stays in its layer, even if it would now fit
        another one better, because an id is never used twice.

    Returns
    -------
    layers
        One for each name in `OSM_LAYERS`, in that order, empty ones included.
    """
    return read_osm_places(features, on, known).layers


def read_osm_places(
    features: OsmFeatures, on: date, known: Mapping[str, Feature] = MappingProxyType({})
) -> OsmReading:
    """
    Turn points of interest into layers, and say what had to be left out.

    Parameters
    ----------
    features
        What was read from OpenStreetMap.
    on
        Day of import: facts without a check date of their own count as checked on it.
    known
        What earlier readings gave, by id; such an object stays in its layer.

    Returns
    -------
    reading
        Layers, and the values that were dropped.
    """
    places: dict[str, dict[str, Place]] = {name: {} for name in OSM_LAYERS}
    dropped: list[Dropped] = []
    for poi in features.pois:
        layer = layer_of(poi.tags)
        if layer is not None:
            earlier = known.get(place_id(poi.osm))
            layer = earlier.layer if earlier and earlier.layer in places else layer
            place, refused = _place(poi, layer, on)
            places[layer][place.id] = place
            dropped += refused
    layers = tuple(Layer(name, tuple(held.values())) for name, held in places.items())
    return OsmReading(layers, tuple(dropped))


def layer_of(tags: Mapping[str, str]) -> str | None:
    """
    Layer of an OSM object by its tags.

    Parameters
    ----------
    tags
        Tags of the object.

    Returns
    -------
    layer
        One of `OSM_LAYERS`; None if riders have no use for the object.

    Examples
    --------
    >>> layer_of({"amenity": "charging_station", "name": "蔚来换电站"})
    'swap'
    >>> layer_of({"amenity": "fountain"}) is None
    True
    """
    return next((layer for layer, fits in _FITS.items() if fits(tags)), None)


def place_id(osm: str) -> str:
    """
    Id of the place that an OSM object becomes.

    Parameters
    ----------
    osm
        Type and number: ``node/123``.

    Returns
    -------
    id
        Stable as long as OSM keeps the object.

    Examples
    --------
    >>> place_id("way/45")
    'osm-w45'
    """
    kind, _, number = osm.partition("/")
    return f"osm-{kind[0]}{number}"


def plan_osm_update(present: Layer, last_osm: Mapping[str, Feature], fresh: Layer) -> tuple[Edit, ...]:
    """
    Edits that bring a layer up to what OSM says now, without undoing the desk.

    By field: what only OSM changed is taken over; what the desk changed stays, also where OSM changed it
    too. A place the desk removed stays removed. A place that is gone from OSM is removed, unless the desk
    edited or checked it, and comes back with OSM. Features that never came from OSM are not touched.

    Parameters
    ----------
    present
        The layer as it is, paused features included, removed ones not.
    last_osm
        What OSM said last, by id, as `snapshots_of` gave it to the store: the base of the merge. It must
        not be what the layer held after that import, which has the desk's edits in it.
    fresh
        What `osm_layers` makes of the present reading.

    Returns
    -------
    edits
        By id; none if nothing changed. Their base version is that of the layer, None if it has none.

    Raises
    ------
    InvalidInputError
        If OSM had ten places or more and the reading has none at all: an extract without points, or
        of another area, would otherwise empty the layer.
    """
    base = {key: one for key, one in last_osm.items() if one.layer == fresh.name}
    known = sum(one.status != "removed" for one in base.values())
    if not fresh.features and known >= EMPTY_SUSPICION:
        raise InvalidInputError(
            f"layer={fresh.name!r}: OpenStreetMap had {known} places and this reading has none; "
            "read an extract of this district that holds points of interest",
            parameter="layer",
            value=fresh.name,
        )
    ours = {feature.id: feature for feature in present.features}
    theirs = {feature.id: feature for feature in fresh.features}
    edits = []
    for key in sorted(ours.keys() | theirs.keys()):
        held = ours.get(key)
        wanted = _wanted(held, base.get(key), theirs.get(key))
        if wanted is not None and (held is None or changed_fields(held, wanted)):
            edits.append(Edit(fresh.name, key, present.version or None, held, wanted))
    return tuple(edits)


def snapshots_of(present: Layer, last_osm: Mapping[str, Feature], fresh: Layer) -> tuple[Feature, ...]:
    """
    What the store shall keep as OSM's word, the base of the next update.

    By field this is what OSM says now, except where the desk holds another value than OSM's last word:
    there OSM's last word is kept, so that the field stays the desk's even if OSM comes to agree for a while.
    Once the desk sets it back, it follows OSM again.

    Parameters
    ----------
    present
        The layer as it was planned on, before the edits.
    last_osm
        The base that was planned on.
    fresh
        What `osm_layers` makes of the present reading.

    Returns
    -------
    snapshots
        One for each feature that the update edits or whose base changes; those that it removes are
        marked as removed, so that it is known later on that it was not the desk who did it.
    """
    ours = {feature.id: feature for feature in present.features}
    theirs = {feature.id: feature for feature in fresh.features}
    base = {key: one for key, one in last_osm.items() if one.layer == fresh.name}
    keys = sorted(theirs.keys() | (ours.keys() & base.keys()))
    edited = {edit.id for edit in plan_osm_update(present, last_osm, fresh)}
    bases = (_next_base(ours.get(key), base.get(key), theirs.get(key)) for key in keys)
    return tuple(one for one in bases if one and (one.id in edited or one != base.get(one.id)))


def _next_base(ours: Feature | None, base: Feature | None, theirs: Feature | None) -> Feature | None:
    if theirs is None:
        wanted = _wanted(ours, base, None)
        return wanted if wanted is not None and wanted.status == "removed" else base
    if base is None or (ours is None and base.status == "removed"):
        return theirs
    return base if ours is None else merge_features(ours, base, _dated_as(theirs, base))[0]


def _dated_as(feature: Feature, other: Feature) -> Feature:
    """The feature with another one's check dates: those are not merged but reckoned, see `_checked`."""
    return replace(feature, provenance=replace(feature.provenance, checked=other.provenance.checked))


def _wanted(ours: Feature | None, base: Feature | None, theirs: Feature | None) -> Feature | None:
    """State a feature shall have; None for one that shall not (again) be there."""
    if ours is None:
        is_desks_removal = base is not None and base.status != "removed"
        return None if is_desks_removal else theirs
    if base is None or not isinstance(ours, Place):
        return ours
    if theirs is None:
        return ours if _is_edited(ours, base) else replace(ours, status="removed", status_reason=GONE)
    merged, _ = merge_features(base, ours, _dated_as(theirs, base))
    assert isinstance(merged, Place)
    assert isinstance(theirs, Place)
    return replace(merged, provenance=replace(merged.provenance, checked=_checked(ours, merged, theirs)))


def _is_edited(ours: Place, base: Feature) -> bool:
    """Whether anybody but an import changed or confirmed something."""
    facts = (name for name in changed_fields(base, ours) if not name.startswith("provenance.checked."))
    return any(facts) or any(one.role != ROLE for one in ours.provenance.checked.values())


def _checked(ours: Place, merged: Place, theirs: Place) -> Mapping[str, Checked]:
    """Check dates after a merge: an import vouches only for facts that are OSM's own."""
    checked = {
        kind: one
        for kind, one in ours.provenance.checked.items()
        if one.role != ROLE or _fact(merged, kind) not in (None, ())
    }
    for kind, fresh in theirs.provenance.checked.items():
        held = checked.get(kind)
        if _fact(merged, kind) != _fact(theirs, kind) or (held and held.role != ROLE):
            continue
        is_new = _fact(merged, kind) != _fact(ours, kind)
        if is_new or (held and (fresh.on - held.on).days >= REFRESH_DAYS):
            checked[kind] = fresh
    return dict(sorted(checked.items()))


def _fact(place: Place, kind: str) -> object:
    """The value a kind of check date vouches for."""
    if kind == "position":
        return place.target
    return True if kind == "existence" else getattr(place, kind, None)


def _is_medical(tags: Tags) -> bool:
    return bool(_values(tags, "amenity") & _MEDICAL or _values(tags, "healthcare") & _HEALTHCARE)


def _is_swap(tags: Tags) -> bool:
    if _values(tags, "amenity") & _SWAP_VALUES:
        return True
    if "vending_machine" in _values(tags, "amenity") and _values(tags, "vending") & _SWAP_VALUES:
        return True
    return "charging_station" in _values(tags, "amenity") and _names_swap(tags)


def _names_swap(tags: Tags) -> bool:
    if any(tags.get(key) in ("yes", "only") for key in _SWAP_KEYS):
        return True
    return any(_SWAP_NAME.search(tags.get(key, "")) for key in _NAME_KEYS)


def _is_water(tags: Tags) -> bool:
    if "drinking_water" in _values(tags, "amenity"):
        return True
    is_tap = any(_values(tags, key) & kinds for key, kinds in _TAPS)
    return is_tap and tags.get("drinking_water") in _YES


_FITS: Mapping[str, Callable[[Tags], bool]] = {
    "clinic": _is_medical,
    "swap": _is_swap,
    "charging": lambda tags: "charging_station" in _values(tags, "amenity"),
    "toilet": lambda tags: "toilets" in _values(tags, "amenity"),
    "water": _is_water,
}


def _values(tags: Tags, key: str) -> frozenset[str]:
    """Values of a tag; OSM lists several with semicolons."""
    return frozenset(part.strip() for part in tags.get(key, "").split(";")) - {""}


def _place(poi: OsmPoi, layer: str, on: date) -> tuple[Place, list[Dropped]]:
    """One place, and which of its values break a rule of the place model."""
    wanted = dict(_properties(poi.tags, layer, poi.osm))
    held, dropped = _lawful(wanted, layer, poi.osm)
    held["provenance"] = _provenance(poi.tags, held, on)
    feature = load_feature(
        {
            "type": "Feature",
            "id": place_id(poi.osm),
            "geometry": {"type": "Point", "coordinates": [poi.lon, poi.lat]},
            "properties": held,
        },
        layer,
    )
    assert isinstance(feature, Place)
    return feature, dropped


def _lawful(wanted: Mapping[str, Any], layer: str, osm: str) -> tuple[dict[str, Any], list[Dropped]]:
    # OSM is written by strangers: whatever the model would refuse from a file must not come in by this door
    held: dict[str, Any] = {}
    dropped: list[Dropped] = []
    for name, value in wanted.items():
        report = Report(osm, CATALOGUE)
        FIELDS[name].check(value, name, report)
        if not report.findings:
            held[name] = value
        dropped += [Dropped(osm, found.field, found.value, found.rule) for found in report.findings]
    return held, dropped


def _properties(tags: Tags, layer: str, osm: str) -> Iterator[tuple[str, Any]]:
    """Properties of the GeoJSON that the tags speak of, in the words of the place model."""
    yield "name", _name(tags, layer)
    plain = {
        "address": _address(tags),
        "phone": _first(tags, "phone", "contact:phone"),
        "network": _first(tags, "network"),
        "operator": _first(tags, "operator", "brand"),
        "hours": _first(tags, "opening_hours"),
    }
    yield from ((name, text) for name, text in plain.items() if text)
    if services := _services(tags, layer):
        yield "services", services
    if access := _access(tags):
        yield "access", access
    if layer in ("charging", "swap") and (power := _power(tags)):
        yield "power", power
    if reason := _why_paused(tags):
        yield "status", "paused"
        yield "status_reason", reason
    yield "external_ids", {"osm": osm}


def _first(tags: Tags, *keys: str) -> str:
    """First of some tags that says anything, as one printable line."""
    texts = (_line(tags.get(key, "")) for key in keys)
    return next((text for text in texts if text), "")


def _line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _name(tags: Tags, layer: str) -> str:
    name = _first(tags, "name", "name:zh", "name:zh-Hans", "name:en")
    return (name or _plain_name(tags, layer))[:200]


def _plain_name(tags: Tags, layer: str) -> str:
    """What an object without a name is called: its kind, after its brand if it has one."""
    brand = _first(tags, "brand", "network") if layer in ("charging", "swap") else _first(tags, "brand")
    if layer != "clinic":
        return brand + _PLAIN_NAME[layer]
    kinds = _values(tags, "amenity") | _values(tags, "healthcare")
    return brand + next((name for kind, name in _MEDICAL_NAME.items() if kind in kinds), "诊所")


def _address(tags: Tags) -> str:
    if full := _first(tags, "addr:full"):
        return full
    street, number = _first(tags, "addr:street", "addr:place"), _first(tags, "addr:housenumber")
    if not street or not number:
        return street
    is_chinese = "\u4e00" <= street[-1] <= "\u9fff"
    return f"{street}{number}{'号' * number.isdecimal()}" if is_chinese else f"{street} {number}"


def _services(tags: Tags, layer: str) -> list[dict[str, str]]:
    """What the place offers; note and price belong to the first, for which one comes."""
    kinds = list(_service_kinds(tags, layer))
    services: list[dict[str, str]] = [{"kind": kind} for kind in kinds]
    if services and (note := _STEP_FREE.get(tags.get("toilets:wheelchair", tags.get("wheelchair", "")))):
        services[0]["note"] = note
    if services and (price := _price(tags)):
        services[0]["price"] = price
    return services


def _service_kinds(tags: Tags, layer: str) -> Iterator[str]:
    kinds = _values(tags, "amenity") | _values(tags, "healthcare")
    if layer == "clinic":
        yield "pharmacy" if "pharmacy" in kinds else "medical"
        if tags.get("emergency") in _YES:
            yield "emergency"
    if layer == "swap" or _is_swap(tags):
        yield "battery_swap"
    if layer in ("swap", "charging") and any(tags.get(key) in _YES for key in _BIKES):
        yield "bike_charging"
    if layer == "toilet" or (layer != "water" and "toilets" in kinds):
        yield "toilet"
    if layer == "water" or "drinking_water" in kinds or tags.get("drinking_water") in _YES:
        yield "drinking_water"


def _price(tags: Tags) -> str:
    return _first(tags, "charge")[:80] or {"no": "免费", "yes": "收费"}.get(tags.get("fee", ""), "")


def _access(tags: Tags) -> list[dict[str, str]]:
    access = tags.get("access", "")
    if access in ("customers", "members"):
        return [{"method": "staff", "note": "仅限顾客" if access == "customers" else "仅限会员"}]
    return [{"method": "open"}] if access in _YES else []


def _power(tags: Tags) -> dict[str, Any]:
    operator, capacity = _first(tags, "network", "operator", "brand"), tags.get("capacity", "")
    power: dict[str, Any] = {"operator": operator[:80]} if operator else {}
    if re.fullmatch(r"[0-9]{1,4}", capacity):
        power["slots"] = int(capacity)
    return power


def _why_paused(tags: Tags) -> str:
    """Why riders must not be sent there although the object is mapped; empty if they may."""
    for key in _OUT_OF_USE:
        if tags.get(key) == "yes":
            return f"OpenStreetMap: {key}=yes"
    access = tags.get("access", "")
    return f"OpenStreetMap: access={access}" if access in _NOT_FOR_RIDERS else ""


def _provenance(tags: Tags, held: Mapping[str, Any], on: date) -> dict[str, Any]:
    surveyed = _survey_day(tags, on, "check_date", "survey:date") or on
    days = {"existence": surveyed, "position": on}
    days |= {kind: surveyed for kind in ("services", "access", "power") if kind in held}
    if "hours" in held:
        days["hours"] = _survey_day(tags, on, "check_date:opening_hours") or surveyed
    checked = {kind: {"on": day.isoformat(), "role": ROLE} for kind, day in sorted(days.items())}
    return {"source": SOURCE, "licence": LICENCE, "checked": checked}


def _survey_day(tags: Tags, on: date, *keys: str) -> date | None:
    """Day a mapper stood there; a day in the future, or one that is none, tells nothing."""
    for key in keys:
        text = tags.get(key, "")
        if _DAY.fullmatch(text) and "1990" <= text <= on.isoformat():
            try:
                return date.fromisoformat(text)
            except ValueError:
                continue
    return None
