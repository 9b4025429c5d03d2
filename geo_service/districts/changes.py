"""What changes the layers of a district, and the working copy that follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from geo_service.districts.working_copy import write_working_copy
from geo_service.exchange.from_osm import OSM_LAYERS, osm_layers, plan_osm_update, snapshots_of
from geo_service.hours import SHANGHAI
from geo_service.layers import (
    SYNTHETIC,
    Edit,
    Feature,
    changed_fields,
)
from geo_service.network.features import OsmFeatures

if TYPE_CHECKING:
    from geo_service.districts.district import District


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
