"""
A list into a layer, the same at every door: read, columns, datum, plan, one change, one undo.

Each step is a function of its own, because the desk's wizard stops after each and a command runs through all.
``docs/guide/import.md`` shows it from the user's side.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from geo_service.districts.datum_question import DatumQuestion
from geo_service.districts.unplaced import check_room, drop_rows_of, keep_aside
from geo_service.districts.working_copy import write_working_copy
from geo_service.errors import InvalidInputError
from geo_service.exchange.doctor import Diagnosis
from geo_service.exchange.intake import (
    ColumnMapping,
    ImportPlan,
    Table,
    fingerprint_of,
    guess_mapping,
    plan_import,
    read_table,
    role_of,
    source_of,
)
from geo_service.geo import BBox, Datum
from geo_service.hours import SHANGHAI
from geo_service.store.base import Applied, Author
from geo_service.store.verbs import undo

if TYPE_CHECKING:
    from geo_service.districts.district import District

MANY_ROWS = 5_000
"""From here on whoever waits is told how far it is."""

_MAPPING = "import/mapping/"
_ROLE = "import:"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Order:
    """
    What somebody says of a file besides what stands in it.

    Parameters
    ----------
    layer
        Where it goes.
    datum
        Of its coordinates; ``auto`` asks the doctor, ``rows`` reads each row as the doctor reads it: a mixed list,
        or one that was shifted twice.
    sheet
        Of a workbook, or layer of a GeoPackage.
    source
        What the source is called; empty goes by the file's name.
    name
        Of the file, if that is not the path's own (an upload).
    fields
        What columns hold, heading → field, where the guess is wrong; an empty field leaves a column out.
    is_swapped
        Longitude and latitude stand in each other's column; None as the mapping of the source says.
    is_complete
        The list is whole: places that it does not have are removed.
    skip_bad
        Import the good rows and leave the bad ones; else one bad row stops all.
    """

    layer: str
    datum: Datum | Literal["auto", "rows"] = "auto"
    sheet: str = ""
    source: str = ""
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    is_swapped: bool | None = None
    is_complete: bool = False
    skip_bad: bool = False


class Columns(NamedTuple):
    """What the columns of a file hold, whether that was remembered, and the datum its source had last time."""

    mapping: ColumnMapping
    is_remembered: bool = False
    last_datum: str = ""


@dataclass(frozen=True)
class Preview:
    """
    A file looked at: what an import would do, before anything is done.

    Parameters
    ----------
    order
        What was said of it; the datum is settled by now.
    table
        The file.
    columns
        What its columns hold.
    diagnosis
        What the doctor says of its coordinates; None where there is nothing to say.
    plan
        What would be done.
    version
        Of the layer that the plan was made for.
    """

    order: Order
    table: Table
    columns: Columns
    diagnosis: Diagnosis | None
    plan: ImportPlan
    version: int

    def to_json(self) -> dict[str, Any]:
        """
        What would be done, as JSON values, in the words of every report of changes.

        Returns
        -------
        report
            ``added`` ids, ``changed`` id → fields, ``removed`` ids, and what the rest of the rows became.
        """
        plan = self.plan
        rest = plan.to_json()
        return {
            "layer": plan.layer,
            "added": [one.feature.id for one in plan.added],
            "changed": {one.after.id: [change.field for change in one.fields] for one in plan.changed},
            "removed": [feature.id for feature in plan.removed],
            "unchanged": plan.unchanged,
            "applied": False,
            "file": plan.file,
            "format": self.table.format,
            "encoding": self.table.encoding,
            "source": plan.source,
            "datum": plan.datum,
            "columns": {guess.column: guess.field for guess in self.columns.mapping.columns},
            "changes": rest["changed"],
            **{key: rest[key] for key in ("refused", "left_out", "unplaced", "kept", "warnings")},
            "doctor": None if self.diagnosis is None else _short_diagnosis(self.diagnosis),
        }


class Imported(NamedTuple):
    """
    What became of an import.

    Parameters
    ----------
    change_id
        The change that `undo_change` takes back; None if nothing differed.
    n_unplaced
        Rows kept aside for placing by hand.
    is_written
        False if the layer's file was changed by hand and waits for ``sync``.
    """

    change_id: int | None
    n_unplaced: int
    is_written: bool


def quiet(stage: str, done: int, total: int) -> None:
    """Tell nobody how far it is."""


def read_list(district: "District", path: Path, order: Order) -> Table:
    """
    Read a file in a confined child process.

    Parameters
    ----------
    district
        Where it goes.
    path
        The file.
    order
        Layer, sheet and name.

    Returns
    -------
    table
        All rows.

    Raises
    ------
    InvalidInputError
        If there is no such layer, or the file is refused.
    """
    _check_layer(district, order.layer)
    return read_table(path, sheet=order.sheet, layer=order.layer, name=order.name)


def map_columns(district: "District", table: Table, order: Order) -> Columns:
    """
    Say what the columns hold: as remembered of the source, else as guessed, changed as ordered.

    Parameters
    ----------
    district
        Where it goes.
    table
        The file.
    order
        Fields chosen by hand.

    Returns
    -------
    columns
        Every column with its field.

    Raises
    ------
    InvalidInputError
        If a chosen column is not in the file.
    """
    source = source_name(table, order)
    mapping = guess_mapping(table, order.layer, district.catalogue, bbox=BBox(*district.bbox), source=source)
    noted = district.store.note(_MAPPING + mapping.fingerprint)
    columns = Columns(mapping)
    if isinstance(noted, dict):
        held = ColumnMapping.from_json(noted["mapping"])
        if tuple(one.column for one in held.columns) == table.columns:
            columns = Columns(replace(held, swap_hint=mapping.swap_hint), True, str(noted.get("datum", "")))
    mapping = columns.mapping
    for column, name in order.fields.items():
        if column not in table.columns:
            raise InvalidInputError(
                f"{table.name} has no column {column!r}; it has {', '.join(table.columns)[:300]}",
                parameter="--map",
                value=column,
            )
        if next(one.field for one in mapping.columns if one.column == column) != name:
            mapping = mapping.with_field(column, name)
    if order.is_swapped is not None:
        mapping = replace(mapping, is_swapped=order.is_swapped)
    return columns._replace(mapping=mapping)


def source_name(table: Table, order: Order) -> str:
    """
    Name the source of a file.

    Parameters
    ----------
    table
        The file.
    order
        It may name the source.

    Returns
    -------
    source
        A GeoJSON file goes by its whole name, other lists by their name without digits: next month's is the same.
    """
    return source_of(table, order.source or (table.name if table.has_features else ""))


def look_at(
    district: "District", path: Path, order: Order, *, at: datetime, progress: Progress = quiet
) -> Preview:
    """
    Go through all steps up to the plan; nothing is changed.

    Parameters
    ----------
    district
        Where it goes.
    path
        The file.
    order
        What is said of it.
    at
        Moment of import, aware.
    progress
        Is told stage, rows done and rows in all.

    Returns
    -------
    preview
        With its plan; bad rows are named in it.

    Raises
    ------
    InvalidInputError
        If the file is refused, or its datum has to be asked for.
    """
    progress("read", 0, 0)
    table = read_list(district, path, order)
    columns = map_columns(district, table, order)
    _check_model(district, table, columns.mapping, order)
    diagnosis: Diagnosis | None = None
    if order.datum == "auto":
        progress("datum", 0, 0)
        question = DatumQuestion(district, table, columns.mapping, order.layer)
        order, diagnosis = replace(order, datum=question.settle()), question.diagnosis
    return make_preview(district, table, columns, order, diagnosis, at=at, progress=progress)


def make_preview(
    district: "District",
    table: Table,
    columns: Columns,
    order: Order,
    diagnosis: Diagnosis | None = None,
    *,
    at: datetime,
    progress: Progress = quiet,
) -> Preview:
    """
    Work out what an import would do, everything else being settled.

    Parameters
    ----------
    district
        Where it goes.
    table
        The file.
    columns
        What its columns hold.
    order
        With a datum, not ``auto``.
    diagnosis
        What the doctor said of it.
    at
        Moment of import, aware.
    progress
        As for `look_at`.

    Returns
    -------
    preview
        Nothing is changed yet.

    Raises
    ------
    InvalidInputError
        If the datum is not settled, or the mapping is not of this file.
    """
    _check_layer(district, order.layer)
    if order.datum == "auto":
        raise InvalidInputError("datum is not settled yet; say it", parameter="datum", value="auto")
    source, present = source_name(table, order), district.store.layer(order.layer)
    read, mapping, datum = table, columns.mapping, order.datum
    if datum == "rows":
        read, mapping = DatumQuestion(district, table, mapping, order.layer).straighten(diagnosis)
        datum = "wgs84"
    plan = plan_import(
        read,
        mapping,
        order.layer,
        present,
        district.catalogue,
        datum=datum,
        on=at.astimezone(SHANGHAI).date(),
        known=district.store.last_by_role(order.layer, role_of(source)),
        bbox=BBox(*district.bbox),
        source=source,
        is_complete=order.is_complete,
        progress=lambda done, total: progress("plan", done, total),
    )
    return Preview(order, table, columns, diagnosis, plan, present.version)


def apply_import(district: "District", preview: Preview, *, actor: str, at: datetime) -> Imported:
    """
    Do what was looked at, in one transaction; rows without a position are kept aside.

    Parameters
    ----------
    district
        Where it goes.
    preview
        What was looked at.
    actor
        Who imports, for the history.
    at
        Moment of import, aware.

    Returns
    -------
    imported
        The change.

    Raises
    ------
    InvalidInputError
        If a row is bad and the rest is not wanted without it; nothing is changed then.
    StaleEditError
        If somebody changed the same fields meanwhile; nothing is changed then.
    """
    plan, store = preview.plan, district.store
    if not preview.order.skip_bad:
        plan.check()
    check_room(store, plan)
    # a place that an undo took away may come again under its id: the version says that its going was seen
    seen = preview.version or None
    edits = [edit if edit.before else replace(edit, base_version=seen) for edit in plan.edits]
    note = f"{plan.note} row by row" if preview.order.datum == "rows" else plan.note
    applied = store.apply(edits, actor=actor, role=plan.role, source=note, at=at, snapshots=plan.snapshots)
    mapping = preview.columns.mapping
    key = fingerprint_of(preview.table, plan.layer, plan.source)
    store.put_note(
        _MAPPING + key,
        {"mapping": mapping.to_json(), "datum": "" if preview.order.datum == "rows" else plan.datum},
    )
    keep_aside(store, plan, applied.change_id)
    is_written = applied.change_id is None or write_working_copy(district.directory, store, plan.layer)
    return Imported(applied.change_id, len(plan.unplaced), is_written)


def undo_change(district: "District", change_id: int, author: Author) -> Applied:
    """
    Take one change back; of an import also the rows it kept aside, and what its source is remembered to have said.

    Parameters
    ----------
    district
        Where it was made.
    change_id
        The change.
    author
        Who undoes it.

    Returns
    -------
    applied
        The change that undoes it; the working copy is the caller's to bring up.

    Raises
    ------
    InvalidInputError
        If there is no such change.
    StaleEditError
        If a field was changed again since; nothing is undone then.
    """
    role = next((one.role for one in district.store.history(change_id=change_id, limit=1)), "")
    if role.startswith(_ROLE):
        # in the role of the source, so that its list can be imported anew as if it had never been
        author = author._replace(role=role)
    applied = undo(district.store, change_id, author)
    for layer in applied.versions:
        drop_rows_of(district.store, layer, change_id)
    return applied


def _check_layer(district: "District", layer: str) -> None:
    if layer not in district.catalogue:
        raise InvalidInputError(
            f"layer={layer[:80]!r} is not in the catalogue; allowed: {', '.join(district.catalogue)}",
            parameter="layer",
            value=layer[:80],
        )


def _check_model(district: "District", table: Table, mapping: ColumnMapping, order: Order) -> None:
    """Hold features of the place model to it: a field that it does not know is a slip, not a strange column."""
    known = {"id", *district.catalogue[order.layer].fields}
    strays = [column for column in table.columns if column not in known and column not in order.fields]
    has_ids = all(isinstance(row.feature and row.feature.get("id"), str) for row in table.rows)
    is_model = has_ids and "name" in table.columns and 2 * len(strays) <= len(table.columns)
    if mapping.is_ours or not strays or not is_model:
        return
    index = table.columns.index(strays[0])
    row = next((row for row in table.rows if row.cells[index] is not None), table.rows[0])
    raise InvalidInputError(
        f"{table.name}: {row.where}: {strays[0]} is no field of {order.layer}; take it out of the file,"
        f" or leave it out with --map {strays[0]}=",
        parameter=strays[0],
        value=row.cells[index],
    )


def _short_diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    told = diagnosis.to_json()
    return {key: told[key] for key in ("status", "datum", "confidence", "probabilities", "evidence")}
