"""What changes the layers of a district, and the working copy that follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geo_service.districts.working_copy import read_file, write_working_copy
from geo_service.errors import InvalidInputError
from geo_service.exchange.from_osm import OSM_LAYERS, osm_layers, plan_osm_update, snapshots_of
from geo_service.geo import BBox, Datum, convert_datum, distance_m
from geo_service.hours import SHANGHAI
from geo_service.layers import (
    SYNTHETIC,
    Area,
    Checked,
    Edit,
    Feature,
    Place,
    Provenance,
    changed_fields,
    parse_layer,
)
from geo_service.network.features import OsmFeatures

if TYPE_CHECKING:
    from geo_service.districts.district import District

MOST_APART_M = 2000
"""An entrance is no farther than this from its pin, metres."""


@dataclass(frozen=True)
class ChangeReport:
    """
    What an import changes, or would.

    Parameters
    ----------
    layer
        Layer concerned.
    added
        Ids that were not there before.
    changed
        Ids with the names of their changed fields.
    removed
        Ids taken away.
    unchanged
        How many features stay as they are.
    is_applied
        Whether it was written, or only looked at.
    """

    layer: str
    added: tuple[str, ...]
    changed: tuple[tuple[str, tuple[str, ...]], ...]
    removed: tuple[str, ...]
    unchanged: int
    is_applied: bool

    def to_json(self) -> dict[str, Any]:
        """
        The report as JSON values.

        Returns
        -------
        report
            Keys as the fields, ``changed`` as an object of id → fields.
        """
        return {
            "layer": self.layer,
            "added": list(self.added),
            "changed": {key: list(fields) for key, fields in self.changed},
            "removed": list(self.removed),
            "unchanged": self.unchanged,
            "applied": self.is_applied,
        }


def import_geojson(
    district: "District", path: Path, layer: str, *, datum: Datum, at: datetime, actor: str, is_dry_run: bool
) -> ChangeReport:
    """
    Add the features of a GeoJSON file to a layer, replacing those with the same id.

    Features of the layer that the file does not name stay. Rows without a check date count
    as checked on the day of import by the role ``import``; rows without a source name the file.

    Parameters
    ----------
    district
        Where to.
    path
        GeoJSON FeatureCollection of points.
    layer
        Layer of the catalogue.
    datum
        Datum of the coordinates in the file; RFC 7946 says WGS 84.
    at
        Moment of import, aware.
    actor
        Who imports, for the history.
    is_dry_run
        Look, but write nothing.

    Returns
    -------
    report
        What changed or would.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, breaks a rule, or there is no such layer in the catalogue; nothing is changed then.
    """
    if layer not in district.catalogue:
        raise InvalidInputError(
            f"layer={layer!r} is not in the catalogue; allowed: {', '.join(district.catalogue)}",
            parameter="layer",
            value=layer,
        )
    on = at.astimezone(SHANGHAI).date()
    bbox = BBox(*district.bbox) if datum == "wgs84" else None
    parsed = parse_layer(read_file(path), layer, district.catalogue, path=str(path), bbox=bbox)
    _check_arrivals(parsed.features, path)
    fresh = [_with_provenance(_to_wgs84(feature, datum), path.name, on) for feature in parsed.features]
    present = {feature.id: feature for feature in district.store.layer(layer).features}
    edits = [
        Edit(layer, feature.id, None, present.get(feature.id), feature)
        for feature in fresh
        if feature != present.get(feature.id)
    ]
    author = _Author(actor, "import", f"file={path.name} datum={datum}", at)
    return _apply(district, layer, edits, len(fresh) - len(edits), author, is_dry_run=is_dry_run)


def import_osm(
    district: "District", features: OsmFeatures, *, at: datetime, actor: str, is_dry_run: bool
) -> tuple[ChangeReport, ...]:
    """
    Bring the layers that OSM fills up to date; what the desk edited stays.

    Parameters
    ----------
    district
        Where to.
    features
        What was read from OSM.
    at
        Moment of import, aware.
    actor
        Who imports, for the history.
    is_dry_run
        Look, but write nothing.

    Returns
    -------
    reports
        One per layer.
    """
    store = district.store
    known = {key: feature for name in OSM_LAYERS for key, feature in store.last_by_role(name, "osm").items()}
    reports = []
    for fresh in osm_layers(features, at.astimezone(SHANGHAI).date(), known):
        if district.synthetic:
            fresh = replace(fresh, features=tuple(_made_up(feature) for feature in fresh.features))
        present = store.layer(fresh.name)
        edits = plan_osm_update(present, known, fresh)
        unchanged = len(present.features) - sum(edit.before is not None for edit in edits)
        reports.append(
            _apply(
                district,
                fresh.name,
                edits,
                unchanged,
                _Author(actor, "osm", "osm", at),
                snapshots=snapshots_of(present, known, fresh),
                is_dry_run=is_dry_run,
            )
        )
    return tuple(reports)


def _check_arrivals(features: Sequence[Feature], path: Path) -> None:
    """Routes and links aim at the arrival point: one in another town is a slip of the list."""
    for place in features:
        if isinstance(place, Place) and place.arrival:
            apart_m = float(distance_m(np.array((place.lon, place.lat)), np.array(place.arrival)))
            if apart_m > MOST_APART_M:
                raise InvalidInputError(
                    f"{path}: feature {place.id}: arrival={list(place.arrival)} is {apart_m:.0f} m from the pin; "
                    f"an entrance is at most {MOST_APART_M} m from it",
                    parameter="arrival",
                    value=list(place.arrival),
                )


def _made_up(feature: Feature) -> Feature:
    """A place read from made-up streets is made up as well, and says so."""
    return replace(feature, provenance=replace(feature.provenance, source=SYNTHETIC, licence="CC0-1.0"))


class _Author(NamedTuple):
    """Who changes something, as what, from where and when: what the history keeps."""

    actor: str
    role: str
    source: str
    at: datetime


def _apply(
    district: "District",
    layer: str,
    edits: Sequence[Edit],
    unchanged: int,
    author: _Author,
    *,
    snapshots: Sequence[Feature] = (),
    is_dry_run: bool,
) -> ChangeReport:
    if (edits or snapshots) and not is_dry_run:
        district.store.apply(edits, snapshots=snapshots, **author._asdict())
        write_working_copy(district.directory, district.store, layer)
    return ChangeReport(
        layer=layer,
        added=tuple(edit.id for edit in edits if edit.before is None),
        changed=tuple(
            (edit.id, changed_fields(edit.before, edit.after))
            for edit in edits
            if edit.before and edit.after and not _is_removal(edit)
        ),
        removed=tuple(edit.id for edit in edits if _is_removal(edit)),
        unchanged=unchanged,
        is_applied=not is_dry_run,
    )


def _is_removal(edit: Edit) -> bool:
    return edit.after is None or edit.after.status == "removed"


def _with_provenance(feature: Feature, source: str, on: date) -> Feature:
    """A row that does not say where it comes from names the file; one without a check date was checked today."""
    own = feature.provenance
    today = Checked(on, "import")
    kinds = (
        ("existence", "position", "hours") if getattr(feature, "hours", None) else ("existence", "position")
    )
    provenance = Provenance(
        own.source or source, own.licence or "unknown", own.checked or dict.fromkeys(kinds, today)
    )
    return replace(feature, provenance=provenance)


def _to_wgs84(feature: Feature, datum: Datum) -> Feature:
    if datum == "wgs84":
        return feature
    if isinstance(feature, Area):
        raise InvalidInputError(
            f"feature {feature.id}: areas are read in WGS 84 only; convert the file first",
            parameter="datum",
            value=datum,
        )
    points = [feature.target, (feature.lon, feature.lat)]
    arrival, pin = (
        (round(lon, 7), round(lat, 7))
        for lon, lat in convert_datum(np.array(points), datum, "wgs84").tolist()
    )
    moved: Place = replace(feature, lon=pin[0], lat=pin[1], arrival=arrival if feature.arrival else None)
    return moved
