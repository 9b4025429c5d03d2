"""The result of planning an import: what a preview shows, and the edits for one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.exchange.intake.drafts import LeftOut, Refusal, short
from geo_service.geo import Datum
from geo_service.layers import Edit, Feature, feature_to_json

ROLE = "import"
MOST_SHOWN = 100
EXCHANGED = "lon and lat were exchanged"
"""Warning of a plan for which longitude and latitude changed places."""


class FieldChange(NamedTuple):
    """One field of a place: what stood there and what would stand there, as JSON values."""

    field: str
    before: Any
    after: Any


class Changed(NamedTuple):
    """A place a row would change."""

    where: str
    before: Feature
    after: Feature
    fields: tuple[FieldChange, ...]


class Added(NamedTuple):
    """A place a row would add."""

    where: str
    feature: Feature


class Kept(NamedTuple):
    """A field in which the desk's value stands against the file's: row, place, field, both values."""

    where: str
    id: str
    field: str
    desk: Any
    file: Any


class Unplaced(NamedTuple):
    """
    A row without coordinates, kept aside for placing by hand.

    Parameters
    ----------
    where
        The row.
    name
        Of the place.
    address
        Likewise, if there is one.
    cells
        All that the row says, in the cells of an export; with a position they make a place.
    """

    where: str
    name: str
    address: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class ImportPlan:
    """
    What an import would do.

    Parameters
    ----------
    layer
        Where to.
    source
        What the source is called; its last word about each place is kept under :attr:`role`.
    file
        Name of the file.
    datum
        What the coordinates were taken for.
    added
        New places.
    changed
        Places with other values.
    removed
        Places the complete list does not have.
    unchanged
        How many rows say what stands there already.
    refused
        Values that stop their rows.
    left_out
        Values that were not taken over, though their rows were.
    unplaced
        Rows without coordinates.
    kept
        Fields in which the desk's value stands against the file's.
    warnings
        What else a person should know.
    edits
        For one transaction of the store, good rows only.
    snapshots
        What the source says now, the base of its next import.
    """

    layer: str
    source: str
    file: str
    datum: Datum
    added: tuple[Added, ...] = ()
    changed: tuple[Changed, ...] = ()
    removed: tuple[Feature, ...] = ()
    unchanged: int = 0
    refused: tuple[Refusal, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    kept: tuple[Kept, ...] = ()
    warnings: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    snapshots: tuple[Feature, ...] = ()

    @property
    def role(self) -> str:
        """The role under which the store keeps what this source said."""
        return role_of(self.source)

    @property
    def note(self) -> str:
        """What the history says of the import."""
        return f"file={short(self.file)} datum={self.datum}"[:200]

    @property
    def bad_rows(self) -> tuple[str, ...]:
        """Rows that are refused, each once."""
        return tuple(dict.fromkeys(refusal.where for refusal in self.refused))

    def check(self) -> None:
        """
        Refuse the whole if any row is refused.

        Raises
        ------
        InvalidInputError
            The message names every bad row (the first hundred) and the first fault; ``facts["errors"]`` has all of
            the first hundred faults.
        """
        if not self.refused:
            return
        first, rows = self.refused[0], self.bad_rows
        at = f", {first.column}={first.value!r}" if first.column else ""
        more = f" (and {len(rows) - MOST_SHOWN} more)" if len(rows) > MOST_SHOWN else ""
        named = ", ".join(rows[:MOST_SHOWN]) + more
        n_swapped = sum(one.reason.endswith("were lon and lat swapped?") for one in self.refused)
        flag = "--not-swapped" if EXCHANGED in self.warnings else "--swapped"
        swap = f"exchange lon and lat ({flag}), " if 2 * n_swapped > len(self.refused) else ""
        raise InvalidInputError(
            f"{self.file}: {first.where}{at}: {first.reason}; bad rows: {named}; nothing was imported;"
            f" mend them, {swap}or import the rest without them (--skip-bad)",
            parameter=first.column or "FILE",
            value=first.value,
            errors=[refusal._asdict() for refusal in self.refused[:MOST_SHOWN]],
            error_count=len(self.refused),
        )

    def to_json(self) -> dict[str, Any]:
        """
        The plan as JSON values, for a preview.

        Returns
        -------
        plan
            Keys as the fields; features as GeoJSON.
        """
        return {
            "layer": self.layer,
            "source": self.source,
            "file": self.file,
            "datum": self.datum,
            "added": [{"where": one.where, "feature": feature_to_json(one.feature)} for one in self.added],
            "changed": [_changed_json(one) for one in self.changed],
            "removed": [{"id": feature.id, "name": feature.name} for feature in self.removed],
            "unchanged": self.unchanged,
            "refused": [refusal._asdict() for refusal in self.refused],
            "left_out": [value._asdict() for value in self.left_out],
            "unplaced": [{**one._asdict(), "cells": dict(one.cells)} for one in self.unplaced],
            "kept": [one._asdict() for one in self.kept],
            "warnings": list(self.warnings),
        }


def _changed_json(one: Changed) -> dict[str, Any]:
    return {
        "where": one.where,
        "id": one.after.id,
        "name": one.after.name,
        "fields": [change._asdict() for change in one.fields],
        "feature": feature_to_json(one.after),
    }


def role_of(source: str) -> str:
    """
    Role under which the store keeps the last word of a source.

    Parameters
    ----------
    source
        What it is called.

    Returns
    -------
    role
        For ``Store.apply`` and ``Store.last_by_role``.

    Examples
    --------
    >>> role_of("香河园驿站")
    'import:香河园驿站'
    """
    return f"{ROLE}:{source}"
