"""What a source says of a place that stands already, filled up with what its file has no column for."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

from geo_service.exchange.intake.mapping import ColumnMapping
from geo_service.exchange.intake.outcome import ROLE
from geo_service.layers import Area, Checked, Feature, Place, Power, Provenance, Service

_PLACED = ("existence", "position")
_STATUS = ("status", "status_reason", "status_from", "status_until")
_NEVER_STATED = frozenset(
    {"id", "layer", "lon", "lat", "name", "provenance", "extra", "geometry", "external_ids"}
)


def completed(
    fresh: Feature,
    held: Feature,
    base: Feature | None,
    stated: frozenset[str] | None,
    columns: Mapping[str, str],
) -> Feature:
    """
    Let the source say again what it cannot say now: fields it has no column for stay as it last said them.

    Parameters
    ----------
    fresh
        What the file says.
    held
        What stands there.
    base
        What the source said last; None if it never spoke of the place.
    stated
        Attributes the file speaks of, as :func:`stated_by` tells.
    columns
        Headings by field.

    Returns
    -------
    feature
        What the source says, in full.
    """
    said = base or held
    provenance = held.provenance
    if stated is None:  # GeoJSON of the place model says everything, check dates if it has them
        own = fresh.provenance
        return replace(fresh, provenance=own if own.checked or own.source else provenance)
    if isinstance(fresh, Area) or isinstance(said, Area):
        kept = {} if "status" in stated else {name: getattr(said, name) for name in _STATUS}
        return replace(fresh, provenance=provenance, extra={**said.extra, **fresh.extra}, **kept)
    silent = {field.name for field in fields(Place)} - _NEVER_STATED - stated
    if "status" in stated:  # what is open again has no reason any more
        silent -= set(_STATUS)
    if "services" in silent:
        fresh = replace(fresh, services=said.services)
    kept = {name: getattr(said, name) for name in silent}
    kept["external_ids"] = {**said.external_ids, **fresh.external_ids}
    kept["extra"] = {**said.extra, **fresh.extra}
    kept["services"] = _services(fresh, said, is_first=base is None)
    kept["power"] = _power(fresh, said, columns)
    if base is None:  # an empty cell of a source that never spoke before clears nothing
        empty = {name for name in stated - {"services"} if getattr(fresh, name, None) in (None, ())}
        kept |= {name: getattr(held, name) for name in empty}
    return replace(fresh, provenance=provenance, **kept)


def heard(fresh: Feature, full: Feature, stated: frozenset[str] | None) -> Feature:
    """
    Tell what a source that spoke of a place for the first time is remembered to have said.

    What it left empty, and services it did not name, stay with the place without being its words: else the same list
    once more would seem to take them back.

    Parameters
    ----------
    fresh
        What the file says.
    full
        The same with what the source cannot say, by :func:`completed`.
    stated
        Attributes the file speaks of.

    Returns
    -------
    feature
        To remember.
    """
    if stated is None or not isinstance(fresh, Place) or not isinstance(full, Place):
        return full
    words: dict[str, Any] = {
        name: getattr(fresh, name) for name in stated - {"power"} if getattr(fresh, name) in (None, ())
    }
    if "services" in stated:
        kinds = {service.kind for service in fresh.services}
        words["services"] = tuple(service for service in full.services if service.kind in kinds)
    return replace(full, **words)


def stated_by(mapping: ColumnMapping) -> frozenset[str] | None:
    """
    Tell which attributes of a place a file speaks of.

    Parameters
    ----------
    mapping
        What its columns hold.

    Returns
    -------
    names
        None for a file that says everything, as our own exports do.
    """
    if mapping.is_ours and mapping.column_of("status"):
        return None
    names = set()
    for guess in mapping.columns:
        name = guess.field
        if name.startswith("service:"):
            name = "services"
        if name.startswith("arrival"):
            name = "arrival"
        if name.startswith("power_"):
            name = "power"
        names.add({"class": "class_"}.get(name, name))
    return frozenset(names & {field.name for field in fields(Place)})


def _services(fresh: Place, said: Place, is_first: bool) -> tuple[Service, ...]:
    """A list that only names a kind takes no note, price or hours from it; one that speaks first takes no kind away."""
    held = {service.kind: service for service in said.services}
    named = tuple(
        held.get(service.kind, service) if service == Service(service.kind) else service
        for service in fresh.services
    )
    if not is_first:
        return named
    by_kind = {service.kind: service for service in named}
    kept = tuple(by_kind.pop(service.kind, service) for service in said.services)
    return (*kept, *by_kind.values())


def _power(fresh: Place, said: Place, columns: Mapping[str, str]) -> Power | None:
    if said.power is None or "power" in columns:
        return fresh.power or said.power
    names = (field.name for field in fields(Power))
    stated = {name: getattr(fresh.power or Power(), name) for name in names if f"power_{name}" in columns}
    return replace(said.power, **{name: value for name, value in stated.items() if value not in (None, ())})


def with_provenance(feature: Feature, source: str, on: date) -> Feature:
    """
    Let a row that does not say where it comes from name the source, and one without a check date count from today.

    Parameters
    ----------
    feature
        A new place or area.
    source
        What the source is called.
    on
        Day of import.

    Returns
    -------
    feature
        With its provenance.
    """
    own = feature.provenance
    kinds = (*_PLACED, *(kind for kind in ("hours", "services", "access") if getattr(feature, kind, None)))
    checked = own.checked or dict.fromkeys(kinds, Checked(on, ROLE))
    return replace(feature, provenance=Provenance(own.source or source, own.licence or "unknown", checked))


_CONTACT = frozenset({"phone"})


def checked_anew(merged: Feature, held: Feature, names: Sequence[str], on: date) -> Feature:
    """
    Let what a file changed count as checked on the day of import; what it repeats does not: a list can be old.

    Parameters
    ----------
    merged
        The feature as it shall be.
    held
        As it stands.
    names
        Fields that differ.
    on
        Day of import.

    Returns
    -------
    feature
        With its check dates.
    """
    checked = dict(merged.provenance.checked)
    today = Checked(on, ROLE)
    for name in names:
        kind = name.partition(".")[0]
        kind = "contact" if kind in _CONTACT else kind
        is_own = checked.get(kind) != held.provenance.checked.get(kind)
        if kind in (*_PLACED, "hours", "services", "access", "contact", "power") and not is_own:
            checked[kind] = today
    return replace(merged, provenance=replace(merged.provenance, checked=dict(sorted(checked.items()))))
