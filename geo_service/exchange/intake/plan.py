"""
What an import would do, row by row, before anything is done.

Rows are matched to places that stand already; what a file says is merged with what the desk changed since the
same source spoke last. The result holds the edits for one transaction, and all that a preview shows.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from geo_service.errors import InvalidInputError
from geo_service.exchange.cells import feature_of
from geo_service.exchange.intake.drafts import Draft, LeftOut, Refusal, draft_of, feature_of_draft, short
from geo_service.exchange.intake.mapping import ColumnMapping, category_of, may_hold, source_of
from geo_service.exchange.intake.matching import Finder, point_of
from geo_service.exchange.intake.outcome import (
    EXCHANGED,
    Added,
    Changed,
    FieldChange,
    ImportPlan,
    Kept,
    Unplaced,
)
from geo_service.exchange.intake.saying import checked_anew, completed, heard, stated_by, with_provenance
from geo_service.exchange.intake.table import Table
from geo_service.geo import BBox, Datum, convert_datum, distance_m
from geo_service.layers import (
    Catalogue,
    Conflict,
    Edit,
    Feature,
    Layer,
    Place,
    changed_fields,
    feature_from_json,
    feature_to_json,
    merge_features,
)

MOST_APART_M = 2000.0
"""An entrance is no farther than this from its pin, metres."""
_MARGIN_DEG = 0.1
_STEP = 500
Progress = Callable[[int, int], None]


def plan_import(
    table: Table,
    mapping: ColumnMapping,
    layer: str,
    present: Layer,
    catalogue: Catalogue,
    *,
    datum: Datum,
    on: date,
    known: Mapping[str, Feature] | None = None,
    bbox: BBox | None = None,
    source: str = "",
    is_complete: bool = False,
    progress: Progress | None = None,
) -> ImportPlan:
    """
    Work out what an import would do.

    Parameters
    ----------
    table
        The file.
    mapping
        What its columns hold.
    layer
        Where it goes.
    present
        The layer as it is.
    catalogue
        Categories and kinds of service of the district.
    datum
        Of the coordinates in the file, unless it is an export of ours that has WGS 84 columns.
    on
        Day of import: facts without a check date count as checked on it.
    known
        What this source said last, by id: ``store.last_by_role(layer, role_of(source))``.
    bbox
        Of the district; a place more than 0.1 degrees outside is refused.
    source
        What the source is called, if not as the file.
    is_complete
        The file lists the whole layer: what it does not have is removed.
    progress
        Is told rows done and rows in all, every five hundred.

    Returns
    -------
    plan
        Nothing is changed yet.

    Raises
    ------
    InvalidInputError
        If there is no such layer, or the mapping is not of this file; single rows are refused in the plan.
    """
    category = category_of(layer, catalogue)
    _check_mapping(table, mapping, layer, catalogue)
    if category.is_area and datum != "wgs84":
        raise InvalidInputError(
            f"datum={datum}: areas are read in WGS 84 only; convert the file first",
            parameter="datum",
            value=datum,
        )
    drafts = _drafts(table, mapping, catalogue, layer, progress)
    _convert(drafts, datum, mapping)
    builder = _Builder(layer, catalogue, present, known or {}, mapping, on, source_of(table, source), bbox)
    for number, draft in enumerate(drafts, 1):
        builder.take(draft, is_area=category.is_area)
        _tell(progress, len(drafts) + number, 2 * len(drafts))
    warnings = [*table.notes, *_warnings(table, mapping, datum)]
    return builder.plan(table.name, datum, warnings, is_complete)


def _check_mapping(table: Table, mapping: ColumnMapping, layer: str, catalogue: Catalogue) -> None:
    names = tuple(guess.column for guess in mapping.columns)
    if names != table.columns:
        raise InvalidInputError(
            f"mapping: is of {len(names)} columns ({short(', '.join(names))}), the file has {len(table.columns)}"
            f" ({short(', '.join(table.columns))}); guess it anew",
            parameter="mapping",
            value=list(names)[:20],
        )
    seen: set[str] = set()
    for guess in mapping.columns:
        is_known = mapping.is_ours or not guess.field or may_hold(guess.field, catalogue[layer])
        if not is_known or guess.field in seen:
            why = "is taken for it by another column too" if is_known else f"{layer} has no such field"
            raise InvalidInputError(
                f"mapping: column {guess.column!r} to {guess.field!r}: {why}",
                parameter="mapping",
                value=guess.field,
            )
        seen |= {guess.field} - {""}


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress and (done % _STEP == 0 or done == total):
        progress(done // 2, total // 2)


def _drafts(
    table: Table, mapping: ColumnMapping, catalogue: Catalogue, layer: str, progress: Progress | None
) -> list[Draft]:
    drafts = []
    for number, row in enumerate(table.rows, 1):
        draft = draft_of(row, table, mapping, catalogue, catalogue[layer].is_area)
        if _is_elsewhere(row.cells, table, mapping, layer):
            continue
        drafts.append(draft)
        _tell(progress, number, 2 * len(table.rows))
    return drafts


def _is_elsewhere(cells: Sequence[str | None], table: Table, mapping: ColumnMapping, layer: str) -> bool:
    """Whether a row of one of our own exports of several layers belongs to another one."""
    for index, column in enumerate(table.columns):
        if mapping.is_ours and column in ("layer", "图层/layer") and not table.has_features:
            return cells[index] not in (None, layer)
    return False


def _warnings(table: Table, mapping: ColumnMapping, datum: Datum) -> list[str]:
    said = mapping.datum or table.declared_datum
    warnings = []
    if said and said != datum:
        warnings.append(f"the file says {said}; it was read as {datum}")
    if mapping.swap_hint and not mapping.is_swapped:
        warnings.append(mapping.swap_hint)
    if mapping.is_swapped:
        warnings.append(EXCHANGED)
    return warnings


# --- positions --------------------------------------------------------------------------


def _convert(drafts: Sequence[Draft], datum: Datum, mapping: ColumnMapping) -> None:
    """Bring all positions into WGS 84 at once; half a position is none."""
    for draft in drafts:
        _drop_halves(draft)
    is_plain = mapping.is_ours and any(guess.field == "lon_wgs84" for guess in mapping.columns)
    if datum == "wgs84" or is_plain:
        return
    for which in ("pin", "arrival"):
        moved = [draft for draft in drafts if _fits(getattr(draft, which))]
        if moved:
            points = np.array([getattr(draft, which) for draft in moved])
            for draft, lonlat in zip(moved, convert_datum(points, datum, "wgs84").tolist(), strict=True):
                setattr(draft, which, (round(lonlat[0], 7), round(lonlat[1], 7)))


def _drop_halves(draft: Draft) -> None:
    for which in ("pin", "arrival"):
        held = getattr(draft, which)
        if held and any(map(math.isnan, held)):
            setattr(draft, which, None)
            if not draft.refusals:
                axis = "lon" if math.isnan(held[0]) else "lat"
                draft.refuse("", "", f"has no {axis}; give both coordinates, or none")


def _fits(lonlat: tuple[float, float] | None) -> bool:
    return lonlat is not None and abs(lonlat[0]) <= 180 and abs(lonlat[1]) <= 90


# --- places -----------------------------------------------------------------------------


class _Builder:
    """Turns drafts into edits, one after the other."""

    def __init__(
        self,
        layer: str,
        catalogue: Catalogue,
        present: Layer,
        known: Mapping[str, Feature],
        mapping: ColumnMapping,
        on: date,
        source: str,
        bbox: BBox | None,
    ) -> None:
        self.layer, self.catalogue, self.mapping = layer, catalogue, mapping
        self.present, self.known, self.on, self.source, self.bbox = present, known, on, source, bbox
        self.held = {feature.id: feature for feature in present.features}
        self.finder = Finder(present.features, known.values(), source)
        self.columns = {guess.field: guess.column for guess in mapping.columns if guess.field}
        self.stated = stated_by(mapping)
        self.seen: dict[str, str] = {}
        self.added: list[Added] = []
        self.changed: list[Changed] = []
        self.refused: list[Refusal] = []
        self.left_out: list[LeftOut] = []
        self.unplaced: list[Unplaced] = []
        self.kept: list[Kept] = []
        self.warnings: list[str] = []
        self.snapshots: list[Feature] = []
        self.unchanged = 0

    def take(self, draft: Draft, is_area: bool) -> None:
        """Work out what becomes of one row."""
        if not draft.refusals:
            self._take_good(draft, is_area)
        self.refused += draft.refusals
        if not draft.refusals:
            self.left_out += draft.left_out

    def _take_good(self, draft: Draft, is_area: bool) -> None:
        if not is_area and draft.pin is None and draft.obj is None and not self._has_position(draft):
            self._take_unplaced(draft)
            return
        feature = self._feature(draft)
        if feature is not None:
            self._place(draft, feature)

    def _has_position(self, draft: Draft) -> bool:
        cells = draft.cells
        return self.mapping.is_ours and ("lon_wgs84" in cells or "lon_gcj02" in cells)

    def _take_unplaced(self, draft: Draft) -> None:
        """Give a row without coordinates those of the place it names, or keep it aside."""
        name = draft.cells.get("name", "")
        found = self.finder.by_word(draft.cells)
        if isinstance(found, Place):
            draft.pin, draft.arrival = (found.lon, found.lat), found.arrival
            feature = self._feature(draft)
            if feature is not None:
                self._place(draft, replace(feature, id=found.id))
        elif not name and not draft.cells.get("address"):
            draft.refuse("", "", "has neither a name nor a position; take it out if it is a note")
        else:
            cells = {key: cell for key, cell in draft.cells.items() if cell}
            self.unplaced.append(Unplaced(draft.row.where, name, cells.get("address", ""), cells))

    def _feature(self, draft: Draft) -> Feature | None:
        """Make the feature of a row and hold it to the rules; what breaks one is refused by column."""
        self._check_position(draft)
        try:
            obj = feature_of_draft(draft, self.layer, self.catalogue)
            obj["id"] = self._id(draft, obj)
            feature = feature_from_json(
                obj, self.layer, self.catalogue, None if draft.refusals else self.bbox
            )
        except InvalidInputError as error:
            self._refuse_all(draft, error)
            return None
        self._check_arrival(draft, feature)
        return None if draft.refusals else feature

    def _check_position(self, draft: Draft) -> None:
        if draft.pin is None or (self.bbox is None and _fits(draft.pin)):
            return
        lon, lat = draft.pin
        west, south, east, north = self.bbox or (-180.0, -90.0, 180.0, 90.0)
        margin = _MARGIN_DEG if self.bbox else 0.0

        def is_near(x: float, y: float) -> bool:
            return west - margin <= x <= east + margin and south - margin <= y <= north + margin

        if not is_near(lon, lat):
            swap = "; were lon and lat swapped?" if is_near(lat, lon) else ""
            box = f"{west:g},{south:g},{east:g},{north:g}"
            column = self.columns.get("lon") or self.columns.get("lonlat") or "geometry"
            draft.refuse(column, f"{lon:.6f},{lat:.6f}", f"must lie in or near the district ({box}){swap}")

    def _check_arrival(self, draft: Draft, feature: Feature) -> None:
        if isinstance(feature, Place) and feature.arrival:
            apart_m = float(distance_m(np.array((feature.lon, feature.lat)), np.array(feature.arrival)))
            if apart_m > MOST_APART_M:
                reason = (
                    f"is {apart_m:.0f} m from the pin; an entrance is at most {MOST_APART_M:.0f} m from it"
                )
                draft.refuse(self.columns.get("arrival_lon", "arrival"), list(feature.arrival), reason)

    def _refuse_all(self, draft: Draft, error: InvalidInputError) -> None:
        errors = error.facts.get("errors")
        if not isinstance(errors, list):
            parameter = str(error.facts.get("parameter", ""))
            draft.refuse(self.columns.get(parameter, parameter), error.facts.get("value", ""), error.message)
            return
        has_position_fault = bool(draft.refusals)
        for one in errors:
            name = str(one["field"])
            if has_position_fault and name == "geometry.coordinates":
                continue
            column = self.columns.get(name) or self.columns.get(name.partition(".")[2]) or name
            draft.refuse(column, one["value"], str(one["rule"]))

    def _id(self, draft: Draft, obj: Mapping[str, Any]) -> object:
        given = obj.get("id")
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        if given not in (None, ""):
            return given
        if found := self.finder.match(obj):
            return found
        return new_id(self.layer, self.source, obj)

    # --- against what stands there ----------------------------------------------------------

    def _place(self, draft: Draft, fresh: Feature) -> None:
        where = draft.row.where
        if earlier := self.seen.get(fresh.id):
            draft.refuse(
                self.columns.get("id", ""), fresh.id, f"is the same place as {earlier}; leave one of them"
            )
            return
        self.seen[fresh.id] = where
        held, base = self.held.get(fresh.id), self.known.get(fresh.id)
        if held is None:
            self._add(where, fresh, base)
        elif type(held) is not type(fresh):
            draft.refuse("geometry", fresh.id, "is a point where an area stands, or the other way round")
        else:
            self._change(draft, fresh, held, base)

    def _add(self, where: str, fresh: Feature, base: Feature | None) -> None:
        if base is not None:
            self.warnings.append(
                f"{where}: {fresh.name} ({fresh.id}) was removed at the desk and stays removed"
            )
            return
        if fresh.status == "removed":
            self.warnings.append(f"{where}: {fresh.name} is said to be removed, and was never here")
            return
        added = with_provenance(fresh, self.source, self.on)
        self.added.append(Added(where, added))
        self.snapshots.append(added)

    def _change(self, draft: Draft, fresh: Feature, held: Feature, base: Feature | None) -> None:
        where, said, stated = draft.row.where, fresh, self._stated_in(draft)
        fresh = completed(said, held, base, stated, self.columns)
        merged, conflicts = merge_features(base or held, held, fresh)
        fields = tuple(name for name in changed_fields(held, merged) if not name.startswith("provenance"))
        self.kept += [_kept(where, held.id, conflict) for conflict in conflicts]
        if base is None:
            self.snapshots.append(heard(said, fresh, stated))
        elif changed_fields(base, fresh):
            self.snapshots.append(fresh)
        if not fields:
            self.unchanged += 1
            return
        after = checked_anew(merged, held, fields, self.on)
        changes = tuple(FieldChange(name, _shown(held, name), _shown(after, name)) for name in fields)
        self.changed.append(Changed(where, held, after, changes))

    def _stated_in(self, draft: Draft) -> frozenset[str] | None:
        """An empty cell of status does not open a place that is paused."""
        if self.stated is None or draft.obj is not None or "status" in draft.cells:
            return self.stated
        return self.stated - {"status"}

    # --- the whole --------------------------------------------------------------------------

    def plan(self, file: str, datum: Datum, warnings: Sequence[str], is_complete: bool) -> ImportPlan:
        """Bring everything together."""
        removed = self._removed(is_complete)
        version = self.present.version or None
        edits = [Edit(self.layer, one.feature.id, None, None, one.feature) for one in self.added]
        edits += [Edit(self.layer, one.after.id, version, one.before, one.after) for one in self.changed]
        edits += [Edit(self.layer, feature.id, version, feature, None) for feature in removed]
        return ImportPlan(
            layer=self.layer,
            source=self.source,
            file=file,
            datum=datum,
            added=tuple(self.added),
            changed=tuple(self.changed),
            removed=tuple(removed),
            unchanged=self.unchanged,
            refused=tuple(self.refused),
            left_out=tuple(self.left_out),
            unplaced=tuple(self.unplaced),
            kept=tuple(self.kept),
            warnings=(*warnings, *self.warnings),
            edits=tuple(edits),
            snapshots=tuple(self.snapshots),
        )

    def _removed(self, is_complete: bool) -> list[Feature]:
        if not is_complete:
            return []
        if self.refused or self.unplaced:
            self.warnings.append(
                "nothing is removed while rows are refused or without position: they may be those places"
            )
            return []
        return [feature for key, feature in sorted(self.held.items()) if key not in self.seen]


def _kept(where: str, key: str, conflict: Conflict) -> Kept:
    return Kept(where, key, conflict.field, _plain(conflict.ours), _plain(conflict.theirs))


def _shown(feature: Feature, name: str) -> Any:
    """A field of a feature as a JSON value, by the name that ``changed_fields`` gives it."""
    obj = feature_to_json(feature)
    if name in ("position", "geometry"):
        return obj["geometry"]["coordinates"]
    head, _, rest = name.partition(".")
    properties = obj["properties"]
    if head == "extra":
        return properties.get(rest)
    if head == "status":
        return " ".join(str(properties[key]) for key in properties if key.startswith("status"))
    value = properties.get(head)
    if not rest:
        return (
            [item.get("kind") or item.get("vendor") for item in value or ()]
            if head in ("services", "listing")
            else value
        )
    if isinstance(value, dict):
        return value.get(rest)
    kind = rest.partition("#")[0]
    return next(
        (item for item in value or () if kind in (item.get("kind"), item.get("vendor"), item.get("method"))),
        None,
    )


def _plain(value: object) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else short(value)


def place_by_hand(
    unplaced: Unplaced,
    lonlat: tuple[float, float],
    layer: str,
    catalogue: Catalogue,
    *,
    source: str,
    on: date,
) -> Feature:
    """
    Make the place of a row that was kept aside, where somebody pointed on the map.

    Parameters
    ----------
    unplaced
        The row.
    lonlat
        Longitude and latitude, WGS 84.
    layer
        Where it goes.
    catalogue
        Categories and kinds of service of the district.
    source
        What the source of the row is called.
    on
        The day: it counts as checked on it.

    Returns
    -------
    feature
        A new place.

    Raises
    ------
    InvalidInputError
        If a value of the row, or the position, breaks a rule.
    """
    pin = dict(zip(("lon_wgs84", "lat_wgs84"), map(repr, lonlat), strict=True))
    obj = feature_of({**unplaced.cells, **pin}, layer, catalogue)
    obj["id"] = obj["id"] or new_id(layer, source, obj)
    return with_provenance(feature_from_json(obj, layer, catalogue), source, on)


def new_id(layer: str, source: str, obj: Mapping[str, Any]) -> str:
    """
    Make the id of a place that has none: the same for the same row of the same source, whatever its line.

    Parameters
    ----------
    layer
        Of the place.
    source
        What the source is called.
    obj
        Its Feature; name and position, to some ten metres, make the id.

    Returns
    -------
    id
        Layer and twelve hexadecimal digits.
    """
    geometry, properties = obj.get("geometry"), obj.get("properties")
    point = point_of(geometry) if isinstance(geometry, dict) else None
    where = tuple(round(one, 4) for one in point) if point else geometry
    name = properties.get("name") if isinstance(properties, dict) else None
    said = f"{source}\x1f{name}\x1f{where}"
    return f"{layer}-{hashlib.blake2b(said.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"
