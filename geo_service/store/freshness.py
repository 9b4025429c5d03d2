"""
When an edit is stale, when it merges with what others did meanwhile, and when it cannot be.

A feature's version is that of its layer when the feature last changed. Who edits names the version
of the layer, or of the feature, that was on the screen, or the value itself. Changes of other fields
since then are kept beside the edit's own; a field that both changed makes the edit stale.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import orjson

from geo_service.errors import InvalidInputError, NotFoundError, StaleEditError
from geo_service.layers import (
    Catalogue,
    Edit,
    Feature,
    changed_fields,
    check_features,
    contested_fields,
    feature_to_json,
    field_values,
    load_feature,
    merge_features,
)


class Stored(NamedTuple):
    """A feature's row: what the store holds under its id now."""

    layer: str
    version: int
    is_removed: bool
    doc: str


class Settled(NamedTuple):
    """What an edit comes to: the feature to write (None removes it), and whether another's change is in it."""

    after: Feature | None
    is_merged: bool


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


def settle(
    edit: Edit, stored: Stored | None, layer_version: int, seen: Callable[[], Feature | None]
) -> Settled:
    """
    Judge an edit against what the store holds, under the lock that makes the answer last.

    Parameters
    ----------
    edit
        One that passed :func:`check_edits`.
    stored
        The feature's row; None if the id was never used.
    layer_version
        Version of the layer now.
    seen
        Gives the feature as it was at the edit's ``base_version``; asked only if it changed since.

    Returns
    -------
    settled
        What to write.

    Raises
    ------
    StaleEditError
        If others changed a field that the edit changes too, or the whole feature came or went; ``facts`` hold
        both features, the fields with both values (``values``) and the version now.
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
        return Settled(edit.after, False)
    if stored.layer != edit.layer:
        raise _contradiction(
            edit, f"cannot be: the id belongs to layer {stored.layer}; ids are unique in a district"
        )
    if edit.base_version is None and edit.before is None and stored.is_removed:
        raise _contradiction(
            edit, f"reuses the id of a removed feature; restore it with base_version={stored.version}"
        )
    fault = _staleness(edit, stored)
    return Settled(_merged(edit, stored, seen, fault), True) if fault else Settled(edit.after, False)


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


def _merged(edit: Edit, stored: Stored, seen: Callable[[], Feature | None], fault: str) -> Feature:
    """Keep both changes if they are of different fields; a removal contests every field."""
    base = edit.before
    if base is None and edit.base_version is not None:
        base = seen()
    if base is None or edit.after is None or stored.is_removed:
        raise _stale(edit, stored, fault, ())
    now = decode(stored.doc, stored.layer)
    if not type(base) is type(now) is type(edit.after):
        raise _stale(edit, stored, fault, ())
    if contested := contested_fields(base, edit.after, now):
        raise _stale(edit, stored, fault, contested)
    return merge_features(base, edit.after, now)[0]


def _stale(edit: Edit, stored: Stored, why: str, contested: tuple[str, ...]) -> StaleEditError:
    now = None if stored.is_removed else decode(stored.doc, stored.layer)
    fields, values = contested, {}
    if now is not None and edit.after is not None and type(now) is type(edit.after):
        fields = contested or changed_fields(now, edit.after)
        ours, theirs = (field_values(state, fields) for state in (edit.after, now))
        values = {name: {"current": theirs[name], "yours": ours[name]} for name in fields}
    told = f"; both changed {', '.join(contested)}" if contested else ""
    return StaleEditError(
        f"{edit.layer}/{edit.id} {why}{told} (now at version {stored.version}); read it again and merge",
        layer=edit.layer,
        id=edit.id,
        base_version=edit.base_version,
        version=stored.version,
        current=feature_to_json(now) if now is not None else None,
        yours=feature_to_json(edit.after) if edit.after is not None else None,
        fields=list(fields),
        values=values,
    )
