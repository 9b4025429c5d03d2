"""Rows of imported lists that have no position: kept aside, layer by layer, until somebody places them."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from geo_service.districts.working_copy import write_working_copy
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.exchange.intake import ImportPlan, Unplaced, place_by_hand
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit, Feature
from geo_service.store.accounts import NOTE_LIMIT_BYTES
from geo_service.store.base import Author, Store

if TYPE_CHECKING:
    from geo_service.districts.district import District

_NOTE = "unplaced/"
_FULL_BYTES = NOTE_LIMIT_BYTES * 9 // 10
_TRIES = 50


class Row(NamedTuple):
    """
    One row that waits for a position.

    Parameters
    ----------
    key
        Tells it from the others of its layer.
    source
        What its list is called.
    file
        Name of the file.
    where
        The row there.
    name, address
        As it says.
    cells
        All it says, in the cells of an export.
    change_id
        The import that kept it aside; None if that changed nothing else.
    """

    key: str
    source: str
    file: str
    where: str
    name: str
    address: str
    cells: Mapping[str, str]
    change_id: int | None


def unplaced_rows(store: Store, layer: str) -> tuple[Row, ...]:
    """
    List the rows of a layer that wait for a position.

    Parameters
    ----------
    store
        Where they are noted.
    layer
        Name of the layer.

    Returns
    -------
    rows
        In the order in which they came.
    """
    return tuple(_rows(store.note(_NOTE + layer)))


def keep_aside(store: Store, plan: ImportPlan, change_id: int | None) -> None:
    """
    Keep the rows of an import that have no position; one that waits already is kept once.

    Parameters
    ----------
    store
        Where to note them.
    plan
        The import.
    change_id
        Its change.

    Raises
    ------
    InvalidInputError
        If more wait than a note holds.
    """
    if plan.unplaced:
        _change(store, plan.layer, lambda rows: _joined(rows, plan, change_id))


def check_room(store: Store, plan: ImportPlan) -> None:
    """
    Refuse an import whose rows without position would be more than can be kept aside, before anything is changed.

    Parameters
    ----------
    store
        Where they would be noted.
    plan
        The import.

    Raises
    ------
    InvalidInputError
        If more would wait than a note holds.
    """
    if plan.unplaced:
        _text(plan.layer, _joined(list(unplaced_rows(store, plan.layer)), plan, None))


def drop_rows_of(store: Store, layer: str, change_id: int) -> None:
    """
    Forget the rows that an import kept aside which is undone.

    Parameters
    ----------
    store
        Where they are noted.
    layer
        Name of the layer.
    change_id
        The import.
    """
    if any(row.change_id == change_id for row in unplaced_rows(store, layer)):
        _change(store, layer, lambda rows: [row for row in rows if row.change_id != change_id])


def drop_row(store: Store, layer: str, key: str) -> Row:
    """
    Forget one row, because it is a place now or because it never will be.

    Parameters
    ----------
    store
        Where it is noted.
    layer
        Name of the layer.
    key
        The row.

    Returns
    -------
    row
        What it said.

    Raises
    ------
    NotFoundError
        If there is no such row, or no more.
    """
    row = find_row(store, layer, key)
    _change(store, layer, lambda rows: _without(rows, {key}))
    return row


def find_row(store: Store, layer: str, key: str) -> Row:
    """
    Find one row that waits.

    Parameters
    ----------
    store
        Where it is noted.
    layer
        Name of the layer.
    key
        The row.

    Returns
    -------
    row
        What it says.

    Raises
    ------
    NotFoundError
        If there is no such row, or no more.
    """
    found = next((row for row in unplaced_rows(store, layer) if row.key == key), None)
    if found is None:
        raise NotFoundError(
            f"no row {key[:40]!r} of {layer} waits for a position; somebody may have placed it",
            parameter="key",
            value=key[:40],
        )
    return found


def place_row(
    district: "District", layer: str, key: str, lonlat: tuple[float, float], author: Author
) -> Feature:
    """
    Make a place of a row where somebody pointed on the map.

    Parameters
    ----------
    district
        Where it goes.
    layer
        Name of the layer.
    key
        The row.
    lonlat
        Longitude and latitude, WGS 84.
    author
        Who places it; the history has it in the role of the row's source, which can speak of it again.

    Returns
    -------
    feature
        The new place.

    Raises
    ------
    NotFoundError
        If no such row waits.
    InvalidInputError
        If the position, or what the row says, breaks a rule.
    """
    store, row = district.store, find_row(district.store, layer, key)
    _check_near(district, lonlat)
    feature = place_by_hand(
        Unplaced(row.where, row.name, row.address, row.cells),
        lonlat,
        layer,
        district.catalogue,
        source=row.source,
        on=author.at.astimezone(SHANGHAI).date(),
    )
    said = author._replace(role=f"import:{row.source}")
    store.apply([Edit(layer, feature.id, None, None, feature)], snapshots=[feature], **said._asdict())
    _change(store, layer, lambda rows: _without(rows, {key}))
    write_working_copy(district.directory, store, layer)
    return feature


def _check_near(district: "District", lonlat: tuple[float, float]) -> None:
    (west, south, east, north), (lon, lat) = district.bbox, lonlat
    if not (west - 0.1 <= lon <= east + 0.1 and south - 0.1 <= lat <= north + 0.1):
        swap = "; were lon and lat swapped?" if west <= lat <= east else ""
        raise InvalidInputError(
            f"lon,lat={lon:.6f},{lat:.6f} must lie in or near the district"
            f" ({west:g},{south:g},{east:g},{north:g}){swap}",
            parameter="lon",
            value=lon,
        )


def _joined(rows: list[Row], plan: ImportPlan, change_id: int | None) -> list[Row]:
    new = [_row(plan, one, change_id) for one in plan.unplaced]
    return [*_without(rows, {one.key for one in new}), *new]


def _row(plan: ImportPlan, one: Unplaced, change_id: int | None) -> Row:
    said = "\x1f".join([plan.source, one.name, one.address])
    key = hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return Row(key, plan.source, plan.file, one.where, one.name, one.address, dict(one.cells), change_id)


def _rows(noted: object) -> list[Row]:
    return [Row(**one) for one in noted] if isinstance(noted, list) else []


def _without(rows: list[Row], keys: set[str]) -> list[Row]:
    return [row for row in rows if row.key not in keys]


def _change(store: Store, layer: str, change: Callable[[list[Row]], list[Row]]) -> None:
    """Change the note; begin anew if somebody else did meanwhile."""
    for _ in range(_TRIES):
        noted = store.note(_NOTE + layer)
        if store.swap_note(_NOTE + layer, noted, _text(layer, change(_rows(noted)))):
            return
    raise InvalidInputError(f"{layer}: others keep changing the rows that wait; try again", parameter="layer")


def _text(layer: str, rows: list[Row]) -> list[dict[str, Any]] | None:
    """Rows as a note holds them; None, which is no note, for none."""
    values = [{**row._asdict(), "cells": dict(row.cells)} for row in rows]
    if len(orjson.dumps(values)) > _FULL_BYTES:
        raise InvalidInputError(
            f"{layer}: {len(rows)} rows would wait for a position, more than can be kept aside; "
            "place some first, or give the list coordinates",
            parameter="FILE",
            value=len(rows),
        )
    return values or None
