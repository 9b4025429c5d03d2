"""
The verbs of a layer store, whatever database stands behind it, and the rules they share.

A feature's version is that of its layer when the feature last changed. Who edits names the
version of the layer, or of the feature, that was on the screen: the edit is stale if the feature changed
after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from geo_service.errors import InvalidInputError, NotFoundError, StaleEditError
from geo_service.layers import (
    Catalogue,
    Edit,
    Feature,
    Layer,
    changed_fields,
    check_features,
    feature_to_json,
    load_feature,
)


@dataclass(frozen=True)
class LayerInfo:
    """A layer that has ever held a feature: its name, version, and how many features are not removed."""

    name: str
    version: int
    count: int


class Applied(NamedTuple):
    """What became of a set of edits: the change (None if nothing differed) and the versions of its layers."""

    change_id: int | None
    versions: Mapping[str, int]


@dataclass(frozen=True)
class Change:
    """
    One feature's part in one change.

    ``id`` is shared by all features that changed together, ``at`` is UTC, ``version`` that of the layer
    after the change; ``before`` is None where the feature was added, ``after`` where it was removed.
    """

    id: int
    at: datetime
    actor: str
    role: str
    source: str
    layer: str
    feature_id: str
    version: int
    before: Feature | None
    after: Feature | None


class Stored(NamedTuple):
    """A feature's row: what the store holds under its id now."""

    layer: str
    version: int
    is_removed: bool
    doc: str


class Store(Protocol):
    """
    Layers with versions and the history of every change; safe to use from many threads.

    Every verb sees committed states only, and one state throughout.
    """

    @property
    def catalogue(self) -> Catalogue:
        """Categories and kinds of service of the district."""

    def layers(self) -> tuple[LayerInfo, ...]:
        """List the layers that ever held a feature, by name."""

    def layer(self, name: str) -> Layer:
        """Give a layer as it is now, without removed features; NotFoundError if the catalogue has none such."""

    def layer_at(self, name: str, version: int) -> Layer:
        """Give a layer as it was at one of its versions; InvalidInputError for a version it never had."""

    def features(self, ids: Sequence[str]) -> tuple[Feature, ...]:
        """Give features in the order asked; NotFoundError names the first that is missing or removed."""

    def apply(
        self,
        edits: Sequence[Edit],
        *,
        actor: str,
        role: str,
        source: str,
        at: datetime,
        snapshots: Sequence[Feature] = (),
    ) -> Applied:
        """
        Make all edits or none, and return when they are safe on the disk.

        ``snapshots`` are what the source itself said of features, kept per role for the next
        three-way merge; without one the merged feature that was written under the role stands for it.
        """

    def history(
        self, layer: str | None = None, feature_id: str | None = None, limit: int | None = None
    ) -> tuple[Change, ...]:
        """List changes, newest first."""

    def last_by_role(self, layer: str, role: str) -> Mapping[str, Feature]:
        """Give what a role last said of each feature of a layer: its snapshot, or what was written under it."""

    def check(self) -> tuple[str, ...]:
        """Examine the store from the bytes to the replay of its history; empty if all is well."""

    def backup(self, path: Path) -> None:
        """Write a consistent copy while others go on reading and writing."""

    def close(self) -> None:
        """Let go of the database; the store cannot be used afterwards."""


def encode(feature: Feature) -> str:
    """
    Write a feature as the document a store keeps.

    Parameters
    ----------
    feature
        A place or area.

    Returns
    -------
    doc
        Canonical: equal features are equal texts.
    """
    return orjson.dumps(feature_to_json(feature)).decode()


def decode(doc: str, layer: str) -> Feature:
    """
    Read a document of the store.

    Parameters
    ----------
    doc
        As :func:`encode` wrote it.
    layer
        Layer of the feature.

    Returns
    -------
    feature
        The place or area.
    """
    return load_feature(orjson.loads(doc), layer)


def check_author(actor: str, role: str, source: str, at: datetime) -> str:
    """
    Check who makes a change, and when.

    Parameters
    ----------
    actor
        Account or program, 1 to 200 printable characters.
    role
        In which role, likewise.
    source
        Where the change comes from, likewise.
    at
        The instant, with its zone.

    Returns
    -------
    at
        The instant in UTC as ISO 8601 text.

    Raises
    ------
    InvalidInputError
        If a text breaks its rule or the instant has no zone.
    """
    for name, value in (("actor", actor), ("role", role), ("source", source)):
        if not 1 <= len(value) <= 200 or not value.isprintable():
            raise InvalidInputError(
                f"{name}={value[:80]!r} must be 1 to 200 printable characters",
                parameter=name,
                value=value[:80],
            )
    if at.tzinfo is None:
        raise InvalidInputError(
            f"at={at.isoformat()} has no zone; give one, for example +08:00",
            parameter="at",
            value=at.isoformat(),
        )
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def check_edits(edits: Sequence[Edit], snapshots: Iterable[Feature], catalogue: Catalogue) -> None:
    """
    Check a set of edits by itself, before any lock is taken.

    Parameters
    ----------
    edits
        All edits of one change.
    snapshots
        What the source said.
    catalogue
        Categories and kinds of service of the district.

    Raises
    ------
    InvalidInputError
        If an edit contradicts itself, two edit one feature, or a feature breaks a rule.
    NotFoundError
        If the catalogue has no such layer.
    """
    seen: set[str] = set()
    for edit in edits:
        for state in (edit.before, edit.after):
            if state is not None and (state.id, state.layer) != (edit.id, edit.layer):
                raise _contradiction(edit, f"holds {state.layer}/{state.id}")
        if edit.before is None and edit.after is None and edit.base_version is None:
            raise _contradiction(edit, "has no state before, none after and no version")
        if edit.id in seen:
            raise _contradiction(edit, "is the second of this feature in one change; merge them")
        if edit.base_version is not None and edit.base_version < 0:
            raise _contradiction(edit, f"has base_version={edit.base_version}, which is below 0")
        if edit.layer not in catalogue:
            raise NotFoundError(
                f"layer={edit.layer!r} is unknown; known are {', '.join(catalogue)}",
                parameter="layer",
                value=edit.layer,
            )
        seen.add(edit.id)
    check_features([edit.after for edit in edits if edit.after is not None], catalogue)
    check_features(snapshots, catalogue)


def _contradiction(edit: Edit, why: str) -> InvalidInputError:
    return InvalidInputError(f"the edit of {edit.layer}/{edit.id} {why}", parameter="id", value=edit.id)


def check_fresh(edit: Edit, stored: Stored | None, layer_version: int) -> None:
    """
    Check an edit against what the store holds, under the lock that makes the answer last.

    Parameters
    ----------
    edit
        One that passed :func:`check_edits`.
    stored
        The feature's row; None if the id was never used.
    layer_version
        Version of the layer now.

    Raises
    ------
    StaleEditError
        If the feature is not what the editor saw; ``facts`` hold both values and the version now.
    InvalidInputError
        If the id belongs to another layer or to a removed feature, or the version is yet to come.
    NotFoundError
        If there is nothing to change or remove.
    """
    if edit.base_version is not None and edit.base_version > layer_version:
        raise _contradiction(
            edit, f"has base_version={edit.base_version}, but the layer is at {layer_version}"
        )
    if stored is None:
        if edit.before is not None or edit.after is None:
            raise NotFoundError(f"{edit.layer}/{edit.id} does not exist", parameter="id", value=edit.id)
        return
    if stored.layer != edit.layer:
        raise _contradiction(
            edit, f"cannot be: the id belongs to layer {stored.layer}; ids are unique in a district"
        )
    if edit.base_version is None and edit.before is None and stored.is_removed:
        raise _contradiction(
            edit, f"reuses the id of a removed feature; restore it with base_version={stored.version}"
        )
    if fault := _staleness(edit, stored):
        raise _stale(edit, stored, fault)


def _staleness(edit: Edit, stored: Stored) -> str:
    if stored.is_removed and (edit.before is not None or edit.after is None):
        return "was removed"
    if edit.base_version is not None and stored.version > edit.base_version:
        return f"was changed after version {edit.base_version}"
    if edit.base_version is None and edit.before is None:
        return "exists already"
    if edit.before is not None and encode(edit.before) != stored.doc:
        return "is not what the edit started from"
    return ""


def _stale(edit: Edit, stored: Stored, why: str) -> StaleEditError:
    now = None if stored.is_removed else decode(stored.doc, stored.layer)
    differing: tuple[str, ...] = ()
    if now is not None and edit.after is not None and type(now) is type(edit.after):
        differing = changed_fields(now, edit.after)
    return StaleEditError(
        f"{edit.layer}/{edit.id} {why} (now at version {stored.version}); read it again and merge",
        layer=edit.layer,
        id=edit.id,
        base_version=edit.base_version,
        version=stored.version,
        current=feature_to_json(now) if now is not None else None,
        yours=feature_to_json(edit.after) if edit.after is not None else None,
        fields=list(differing),
    )
