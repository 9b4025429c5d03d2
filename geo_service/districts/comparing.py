"""Twins in a district, and its layers beside a map vendor's list, the same at every door."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from geo_service.districts.datum_question import DatumQuestion
from geo_service.districts.importing import (
    Order,
    Progress,
    map_columns,
    quiet,
    read_list,
)
from geo_service.districts.working_copy import write_working_copy
from geo_service.errors import InvalidInputError
from geo_service.exchange.intake import ColumnMapping, Table
from geo_service.exchange.intake.coordinates import parse_degrees
from geo_service.exchange.intake.drafts import draft_of
from geo_service.exchange.twins import Choice, Twin, find_twins, merge_twins
from geo_service.exchange.vendor import (
    WORK_COLUMNS,
    Register,
    VendorDiff,
    VendorRow,
    compare_vendor,
    work_list,
)
from geo_service.geo import Datum, convert_datum
from geo_service.layers import Edit, Listing, Place
from geo_service.paper.writing import Sheet, write_csv, write_xlsx
from geo_service.store.base import Author, Store

if TYPE_CHECKING:
    from geo_service.districts.district import District

REGISTERS: Mapping[str, Register] = {name.partition("_")[0]: name for name in get_args(Register)}
"""Key of each map vendor, and which foreign id its lists bear."""

DATUM_OF: Mapping[str, Datum] = {"amap": "gcj02", "baidu": "bd09", "tencent": "gcj02"}
"""What the maps of each vendor are in; a list counts as that unless it, or the streets, surely say otherwise."""

_APART = "twins/apart"
_TRIES = 50
_HEADINGS = ("要做的/action", "地点/place", "详情/detail", "链接/link")


# --- twins ------------------------------------------------------------------------------------


def find_pairs(
    district: "District", layers: Sequence[str] = (), *, with_apart: bool = False
) -> tuple[Twin, ...]:
    """
    Find places that may be one, but for pairs that somebody said are two.

    Parameters
    ----------
    district
        Where to look.
    layers
        Names; none for all.
    with_apart
        Also those that somebody said are two.

    Returns
    -------
    pairs
        Best first.

    Raises
    ------
    NotFoundError
        If there is no such layer.
    """
    names = tuple(layers) or district.layer_names()
    features = [one for name in names for one in district.store.layer(name).features]
    apart = frozenset[frozenset[str]]() if with_apart else apart_pairs(district.store)
    pairs = find_twins(one for one in features if isinstance(one, Place))
    return tuple(pair for pair in pairs if frozenset((pair.keep.id, pair.remove.id)) not in apart)


def apart_pairs(store: Store) -> frozenset[frozenset[str]]:
    """
    Pairs of ids that somebody said are two places.

    Parameters
    ----------
    store
        Where it is noted.

    Returns
    -------
    pairs
        Sets of two ids.
    """
    noted = store.note(_APART)
    return frozenset(frozenset(map(str, pair)) for pair in noted) if isinstance(noted, list) else frozenset()


def keep_apart(store: Store, one: str, other: str) -> None:
    """
    Remember that two places are two.

    Parameters
    ----------
    store
        Where to note it.
    one, other
        Their ids.

    Raises
    ------
    NotFoundError
        If one of them is not there.
    """
    store.features([one, other])
    for _ in range(_TRIES):
        noted = store.note(_APART)
        held = noted if isinstance(noted, list) else []
        pair = sorted((one, other))
        if pair in held or store.swap_note(_APART, noted, [*held, pair]):
            return
    raise InvalidInputError("others keep noting pairs; try again", parameter="pair")


def merge_pair(
    district: "District",
    keep_id: str,
    remove_id: str,
    *,
    author: Author,
    choices: Mapping[str, Choice] | None = None,
    versions: tuple[int | None, int | None] = (None, None),
) -> Place:
    """
    Make one place of two, as one change.

    Parameters
    ----------
    district
        Where they are.
    keep_id
        The one that stays.
    remove_id
        The one that goes, softly.
    author
        Who merges them.
    choices
        Whose value is taken, by field; see :func:`geo_service.exchange.twins.merge_twins`.
    versions
        Of their layers as they were seen; None takes them as they are now.

    Returns
    -------
    kept
        The one that stays, as it is now.

    Raises
    ------
    InvalidInputError
        If they are no two places, or a choice is none.
    NotFoundError
        If one of them is not there.
    StaleEditError
        If somebody changed the same fields meanwhile.
    """
    keep, remove = (
        _seen(district.store, key, version)
        for key, version in zip((keep_id, remove_id), versions, strict=True)
    )
    edits = merge_twins(keep, remove, choices, *versions, catalogue=district.catalogue)
    district.store.apply(edits, **author._asdict())
    for layer in dict.fromkeys((keep.layer, remove.layer)):
        write_working_copy(district.directory, district.store, layer)
    (kept,) = district.store.features([keep_id])
    return _place(kept)


def _seen(store: Store, key: str, version: int | None) -> Place:
    """A place as it was on the screen."""
    (now,) = store.features([key])
    seen = now if version is None else store.feature_at(now.layer, key, version)
    return _place(seen or now)


def _place(feature: object) -> Place:
    if not isinstance(feature, Place):
        raise InvalidInputError("areas have no twins; name two places", parameter="id")
    return feature


# --- a vendor's list ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """
    A layer beside a map vendor's list.

    Parameters
    ----------
    layer
        Ours.
    vendor
        Key of the vendor.
    order
        What was said of the list; the datum is settled by now.
    n_rows
        Rows of the list with a position.
    skipped
        Rows that could not be compared, with the reason.
    diff
        What differs.
    """

    layer: str
    vendor: str
    order: Order
    n_rows: int
    skipped: tuple[tuple[str, str], ...]
    diff: VendorDiff

    def to_json(self) -> dict[str, Any]:
        """
        Counts as JSON values.

        Returns
        -------
        counts
            By kind of difference, and the share of our places that the vendor shows.
        """
        diff = self.diff
        kinds = ("missing_there", "missing_here", "moved", "renamed", "other_hours")
        return {
            "layer": self.layer,
            "vendor": self.vendor,
            "datum": self.order.datum,
            "rows": self.n_rows,
            "skipped": [list(one) for one in self.skipped],
            "matches": len(diff.matches),
            **{kind: len(getattr(diff, kind)) for kind in kinds},
            "shown_share": round(diff.shown_share, 4),
        }

    def words(self) -> str:
        """
        Counts on one line.

        Returns
        -------
        text
            English.
        """
        told = self.to_json()
        kinds = ("missing_there", "missing_here", "moved", "renamed", "other_hours")
        counts = ", ".join(f"{told[kind]} {kind.replace('_', ' ')}" for kind in kinds)
        return (
            f"{self.layer} beside {self.n_rows} rows of {self.vendor} ({self.order.datum}): "
            f"{len(self.diff.matches)} matched, {counts}; {self.diff.shown_share:.0%} of ours are shown"
        )


class Mark(NamedTuple):
    """What a comparison says of one place: its id, and how the vendor shows it."""

    place: Place
    status: str


def compare_list(
    district: "District", path: Path, order: Order, vendor: str, *, progress: Progress = quiet
) -> Compared:
    """
    Hold a layer against the file of a map vendor.

    Parameters
    ----------
    district
        Where our layer is.
    path
        The vendor's file, of any format that an import reads.
    order
        Our layer, datum, sheet and columns of the file.
    vendor
        Key of :data:`REGISTERS`.
    progress
        Is told the stage.

    Returns
    -------
    compared
        Every place and every row is in it exactly once.

    Raises
    ------
    InvalidInputError
        If the file is refused, has no names or positions, or its datum has to be asked for.
    """
    progress("read", 0, 0)
    table = read_list(district, path, order)
    mapping = map_columns(district, table, order).mapping
    return compare_table(district, table, mapping, order, vendor, progress=progress)


def compare_table(
    district: "District",
    table: Table,
    mapping: ColumnMapping,
    order: Order,
    vendor: str,
    *,
    progress: Progress = quiet,
) -> Compared:
    """
    Hold a layer against a list that was read.

    Parameters
    ----------
    district
        Where our layer is.
    table
        The list.
    mapping
        What its columns hold.
    order
        Our layer, and the datum.
    vendor
        Key of :data:`REGISTERS`.
    progress
        Is told the stage.

    Returns
    -------
    compared
        Every place and every row is in it exactly once.

    Raises
    ------
    InvalidInputError
        If vendor or layer does not fit, or the datum has to be asked for.
    """
    if vendor not in REGISTERS or district.catalogue[order.layer].is_area:
        raise InvalidInputError(
            f"vendor={vendor[:40]!r}, layer={order.layer!r}: allowed are {', '.join(REGISTERS)}"
            " and layers of places",
            parameter="vendor",
            value=vendor[:40],
        )
    if order.datum == "auto":
        progress("datum", 0, 0)
        order = replace(
            order, datum=DatumQuestion(district, table, mapping, order.layer).settle(DATUM_OF[vendor])
        )
    if order.datum == "auto" or order.datum == "rows":
        raise InvalidInputError(
            f"datum={order.datum}: a vendor's list is in one datum; say which",
            parameter="datum",
            value=order.datum,
        )
    rows, skipped = vendor_rows(district, table, mapping, REGISTERS[vendor], order.datum)
    if skipped and not rows:
        where, reason = skipped[0]
        raise InvalidInputError(
            f"{table.name}: none of its {len(skipped)} rows can be compared; {where}: {reason};"
            " a list needs names and one pair of columns lon and lat",
            parameter="FILE",
            value=table.name,
        )
    progress("compare", 0, 0)
    ours = [one for one in district.store.layer(order.layer).features if isinstance(one, Place)]
    diff = compare_vendor(ours, rows, register=REGISTERS[vendor], datum=order.datum)
    return Compared(order.layer, vendor, order, len(rows), tuple(skipped), diff)


def vendor_rows(
    district: "District", table: Table, mapping: ColumnMapping, register: str, datum: Datum
) -> tuple[list[VendorRow], list[tuple[str, str]]]:
    """
    Take the rows of a vendor's list that can be compared.

    Parameters
    ----------
    district
        Its catalogue reads services and hours.
    table
        The list.
    mapping
        What its columns hold.
    register
        Which foreign id the list bears; a column of ids without another word is that one.
    datum
        Of the list; columns that name another one in their heading are led to it.

    Returns
    -------
    rows
        With name and position, the latter in the list's datum.
    skipped
        Rows without, and why.
    """
    rows: list[VendorRow] = []
    skipped: list[tuple[str, str]] = []
    for row in table.rows:
        draft = draft_of(row, table, mapping, district.catalogue)
        cells, pin = draft.cells, draft.pin
        if not pin and draft.obj is not None:
            pin = _pin_of(draft.obj)
        pin = pin or _pin_of_cells(cells, datum)
        if draft.refusals or not pin or pin[0] != pin[0] or pin[1] != pin[1] or not cells.get("name"):
            reason = draft.refusals[0].reason if draft.refusals else "has no name or no position"
            skipped.append((row.where, reason))
        elif abs(pin[0]) > 180 or abs(pin[1]) > 90:
            skipped.append((row.where, f"lon,lat={pin[0]:g},{pin[1]:g} is no position"))
        else:
            key = cells.get(register) or cells.get("id")
            facts = (cells.get(name) for name in ("phone", "hours", "address"))
            rows.append(VendorRow(cells["name"], *pin, key, *facts))
    return rows, skipped


def _pin_of_cells(cells: Mapping[str, str], datum: Datum) -> tuple[float, float] | None:
    """The pin of an export of ours, whose headings name their datum; the asked one is taken where it is there."""
    named: tuple[Datum, ...] = ("wgs84", "gcj02")
    for one in sorted(named, key=lambda key: key != datum):
        lon, lat = (parse_degrees(cells.get(f"{axis}_{one}", "")) for axis in ("lon", "lat"))
        if lon and lat:
            moved = convert_datum(np.array([(lon.value, lat.value)]), one, datum)[0]
            return float(moved[0]), float(moved[1])
    return None


def _pin_of(obj: Mapping[str, Any]) -> tuple[float, float] | None:
    geometry = obj.get("geometry") or {}
    if geometry.get("type") != "Point":
        return None
    lon, lat = geometry["coordinates"][:2]
    return float(lon), float(lat)


def work_rows(compared: Compared, link: Callable[[str], str] = str) -> list[dict[str, str]]:
    """
    Write a comparison as things to do.

    Parameters
    ----------
    compared
        What was compared.
    link
        Address of a place's page for its id.

    Returns
    -------
    rows
        Texts under ``WORK_COLUMNS``.
    """
    return work_list(compared.diff, link)


def work_file(rows: Iterable[Mapping[str, str]], form: str, on: date) -> bytes:
    """
    Write a work list as a file.

    Parameters
    ----------
    rows
        From `work_rows`.
    form
        ``csv`` or ``xlsx``.
    on
        Day written into a workbook.

    Returns
    -------
    data
        The file; what starts like a formula is escaped.

    Raises
    ------
    InvalidInputError
        If it is another format.
    """
    values = [[row[key] for key in WORK_COLUMNS] for row in rows]
    if form == "csv":
        return write_csv(_HEADINGS, values)
    if form == "xlsx":
        sheet = Sheet("比对 work list", _HEADINGS, values)
        return write_xlsx([sheet], title="比对 work list", description="positions are WGS 84", on=on)
    raise InvalidInputError(
        f"a work list is written as .csv or .xlsx, not {form[:20]!r}", parameter="-o", value=form[:20]
    )


def listing_marks(compared: Compared) -> tuple[Mark, ...]:
    """
    Say of each of our places how the vendor shows it.

    Parameters
    ----------
    compared
        What was compared.

    Returns
    -------
    marks
        Status as :data:`geo_service.desk.listing.STATUSES`; what is wrong first counts: position, name, hours.
    """
    diff = compared.diff
    marks = [Mark(place, "not_listed") for place in diff.missing_there]
    for one in diff.matches:
        wrong = (
            "wrong_position" if one.moved_m >= diff.moved_m else "",
            "wrong_name" if one.is_renamed else "",
            "wrong_hours" if one.has_other_hours else "",
        )
        marks.append(Mark(one.place, next((word for word in wrong if word), "listed")))
    return tuple(marks)


def mark_listing(district: "District", compared: Compared, *, author: Author, on: date) -> int | None:
    """
    Note on our places how the vendor shows them, as one change.

    Parameters
    ----------
    district
        Where our layer is.
    compared
        What was compared.
    author
        Who notes it.
    on
        Day of the vendor's list.

    Returns
    -------
    change_id
        None if nothing differed.
    """
    edits = []
    for place, status in listing_marks(compared):
        others = tuple(one for one in place.listing if one.vendor != compared.vendor)
        listing = (*others, Listing(compared.vendor, status, on))
        edits.append(Edit(place.layer, place.id, None, place, replace(place, listing=listing)))
    applied = district.store.apply(edits, **author._asdict())
    write_working_copy(district.directory, district.store, compared.layer)
    return applied.change_id
