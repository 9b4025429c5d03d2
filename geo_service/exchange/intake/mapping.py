"""
Which column holds what: guessed from headings and values, shown with reasons, changeable, remembered.

A mapping is a plain value that survives JSON; the caller keeps it under :attr:`ColumnMapping.fingerprint`.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.exchange.cells import BY_KEY, EXTRA
from geo_service.exchange.intake.coordinates import parse_degrees, parse_pair
from geo_service.exchange.intake.headings import (
    POSITION_FIELDS,
    SERVICE,
    Heading,
    our_key,
    read_heading,
    why_ignored,
)
from geo_service.exchange.intake.table import Table
from geo_service.exchange.intake.wording import NO, YES, hours_from_words, service_of
from geo_service.geo import BBox
from geo_service.layers import Catalogue, Category

_LOOKED_AT = 500
_LOSSY = ("shp", "gpx", "ovital")
"""Formats that cannot hold all of a place, also when we wrote them."""
_OF_THE_FORMAT = {
    "gpx": ("type", "sym", "ele", "time", "sat", "hdop", "src", "background", "color", "icon"),
    "kml": ("styleUrl", "snippet", "Snippet", "visibility", "open", "TimeStamp"),
}
_BETTER = {"wgs84": 3, "": 2, "gcj02": 1, "bd09": 0}
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_PHONE = re.compile(
    r"(?:\+?86[- ]?)?(?:1\d{10}|0\d{2,3}[- ]?\d{7,8}|\d{3,4}[- ]\d{4}[- ]?\d{3,4}|400[- ]?\d{3}[- ]?\d{4})",
    re.ASCII,
)
_MARGIN_DEG = 0.1


class ColumnGuess(NamedTuple):
    """
    What one column is taken for.

    Parameters
    ----------
    column
        Its heading.
    field
        A key of the cells of an export, ``lon``, ``lat``, ``lonlat``, ``service:<kind>``; empty if left out.
    confidence
        0 to 1.
    reason
        Why, for people.
    """

    column: str
    field: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class ColumnMapping:
    """
    What the columns of a file are taken for.

    Parameters
    ----------
    columns
        One guess per column, in the order of the file.
    fingerprint
        Of the source: equal for next month's file with the same headings.
    datum
        What the chosen headings state of the coordinates; empty if nothing.
    is_swapped
        Whether lon and lat are to be exchanged. Never set by a guess.
    is_ours
        Whether the file is an export of this program, whose cells are read without loss.
    swap_hint
        Why exchanging lon and lat should be considered; empty if not.
    """

    columns: tuple[ColumnGuess, ...]
    fingerprint: str = ""
    datum: str = ""
    is_swapped: bool = False
    is_ours: bool = False
    swap_hint: str = ""

    def column_of(self, field: str) -> str | None:
        """
        Find the column that holds a field.

        Parameters
        ----------
        field
            As in :class:`ColumnGuess`.

        Returns
        -------
        column
            Its heading; None if no column does.
        """
        return next((guess.column for guess in self.columns if guess.field == field), None)

    def with_field(self, column: str, field: str) -> "ColumnMapping":
        """
        Take a column for something else; another that was taken for it is left out then.

        Parameters
        ----------
        column
            Its heading.
        field
            What it holds; empty to leave it out.

        Returns
        -------
        mapping
            The changed one.
        """
        changed = [_rechosen(guess, column, field) for guess in self.columns]
        return replace(self, columns=tuple(changed), is_ours=False)

    def to_json(self) -> dict[str, Any]:
        """
        The mapping as JSON values.

        Returns
        -------
        mapping
            For :meth:`from_json`.
        """
        return {
            "columns": [guess._asdict() for guess in self.columns],
            "fingerprint": self.fingerprint,
            "datum": self.datum,
            "swapped": self.is_swapped,
            "ours": self.is_ours,
            "swap_hint": self.swap_hint,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ColumnMapping":
        """
        Read a mapping back.

        Parameters
        ----------
        value
            What :meth:`to_json` gave.

        Returns
        -------
        mapping
            The same.

        Raises
        ------
        InvalidInputError
            If it has another form.
        """
        try:
            columns = tuple(
                ColumnGuess(
                    str(one["column"]), str(one["field"]), float(one["confidence"]), str(one["reason"])
                )
                for one in value["columns"]
            )
            flags = bool(value["swapped"]), bool(value["ours"]), str(value.get("swap_hint", ""))
            return cls(columns, str(value["fingerprint"]), str(value["datum"]), *flags)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"mapping: has another form than a mapping of columns ({error}); guess it anew",
                parameter="mapping",
                value=str(error),
            ) from error


def _rechosen(guess: ColumnGuess, column: str, field: str) -> ColumnGuess:
    if guess.column == column:
        return ColumnGuess(column, field, 1.0, "chosen by hand")
    if field and guess.field == field:
        return ColumnGuess(guess.column, "", 1.0, f"{column!r} was chosen instead")
    return guess


def fingerprint_of(table: Table, layer: str, source: str = "") -> str:
    """
    Tell a source by its headings and its name without digits, so that next month's file is known again.

    Parameters
    ----------
    table
        A file.
    layer
        Where it goes.
    source
        What the source is called, if not as the file.

    Returns
    -------
    fingerprint
        16 hexadecimal digits.
    """
    said = "\x1f".join([layer, source_of(table, source), table.sheet, *table.columns])
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def source_of(table: Table, source: str = "") -> str:
    """
    Name the source of a file: what its last word about each place is kept under.

    Parameters
    ----------
    table
        A file.
    source
        What the source is called; empty goes by the file's name, without digits and ending.

    Returns
    -------
    source
        1 to 80 printable characters.

    Examples
    --------
    >>> source_of(Table("香河园驿站_2026-11.xlsx", "xlsx", (), ()))
    '香河园驿站'
    """
    stem = source or re.sub(r"[\d_\-.() ]+", " ", table.name.rpartition(".")[0] or table.name)
    clean = "".join(sign if sign.isprintable() else " " for sign in stem)
    return " ".join(clean.split())[:80].strip() or table.format


def guess_mapping(
    table: Table, layer: str, catalogue: Catalogue, *, bbox: BBox | None = None, source: str = ""
) -> ColumnMapping:
    """
    Guess what the columns of a file hold.

    Parameters
    ----------
    table
        The file.
    layer
        Where it shall go.
    catalogue
        Categories and kinds of service of the district.
    bbox
        Of the district, degrees: tells exchanged coordinates.
    source
        What the source is called, if not as the file.

    Returns
    -------
    mapping
        A guess for each column, with confidence and reason.

    Raises
    ------
    InvalidInputError
        If the catalogue has no such layer.
    """
    category = category_of(layer, catalogue)
    fingerprint = fingerprint_of(table, layer, source)
    if _is_ours(table, category):
        ours = tuple(_our_guess(column, table, category) for column in table.columns)
        return ColumnMapping(ours, fingerprint, _our_datum(ours, table), is_ours=True)
    guesses = [_guess(table, index, category, catalogue) for index in range(len(table.columns))]
    datum = _choose_pair(guesses)
    columns = tuple(_unique(_by_values(guesses, table, category)))
    mapping = ColumnMapping(tuple(guess for guess, _ in columns), fingerprint, datum)
    return replace(mapping, swap_hint=_swap_hint(table, mapping, bbox))


def category_of(layer: str, catalogue: Catalogue) -> Category:
    """
    Look a layer up that a file shall go into.

    Parameters
    ----------
    layer
        Its key.
    catalogue
        Categories of the district.

    Returns
    -------
    category
        What it holds.

    Raises
    ------
    InvalidInputError
        If the catalogue has no such layer.
    """
    if layer not in catalogue:
        raise InvalidInputError(
            f"layer={layer!r} is not in the catalogue; allowed: {', '.join(catalogue)}",
            parameter="layer",
            value=layer,
        )
    return catalogue[layer]


# --- our own exports --------------------------------------------------------------------


def _is_ours(table: Table, category: Category) -> bool:
    if table.format in _LOSSY:
        return False
    if table.has_features:
        return (
            bool(table.columns) and set(table.columns) <= {"id", *category.fields} and "name" in table.columns
        )
    keys = {our_key(column) for column in table.columns}
    has_place = bool(keys & {"lon_wgs84", "lon_gcj02", "geometry_wkt"}) or any(
        row.point or row.area for row in table.rows[:1]
    )
    return {"id", "name", "status"} <= keys and has_place


def _our_guess(column: str, table: Table, category: Category) -> ColumnGuess:
    if table.has_features:
        return ColumnGuess(column, column, 1.0, "a field of the place model")
    key = our_key(column)
    if not key or key in ("layer",):
        return ColumnGuess(column, "", 1.0, why_ignored(column) or "derived from the other columns")
    return ColumnGuess(column, key, 1.0, "a column of our own exports")


def _our_datum(columns: Sequence[ColumnGuess], table: Table) -> str:
    fields = {guess.field for guess in columns}
    if table.has_features or "lon_wgs84" in fields:
        return "wgs84"
    return "gcj02" if "lon_gcj02" in fields else table.declared_datum


# --- headings ---------------------------------------------------------------------------

_Guess = tuple[ColumnGuess, str]
"""A guess, and the datum its heading states."""


def _guess(table: Table, index: int, category: Category, catalogue: Catalogue) -> _Guess:
    column = table.columns[index]
    cells = [row.cells[index] for row in table.rows[:_LOOKED_AT]]
    heading = _of_datum(read_heading(column))
    if column in _OF_THE_FORMAT.get(table.format.replace("kmz", "kml"), ()):
        return ColumnGuess(column, "", 0.9, "is for the eye: how the point is drawn or grouped"), ""
    if reason := why_ignored(column):
        return ColumnGuess(column, "", 0.9, reason), ""
    if kind := _service_column(column, cells, catalogue):
        return ColumnGuess(column, SERVICE + kind, 0.9, f"says yes or no to {kind}"), ""
    field, confidence = heading.field, heading.confidence
    if field in ("station_code", "id") and (why := _unstable(cells)):
        return ColumnGuess(column, "", 0.8, f"{why}; not used as an id"), ""
    if field == "station_code" and field not in category.fields:
        return ColumnGuess(column, "", 0.7, f"{category.key} has no station_code"), ""
    if field and not may_hold(field, category):
        return ColumnGuess(column, "", 0.7, f"{category.key} has no field for it"), ""
    if column in category.extra_fields:
        return ColumnGuess(column, EXTRA + column, 1.0, "a field of this district"), ""
    if not field:
        return ColumnGuess(column, "", 0.0, "the heading is not known"), ""
    is_vague = confidence < 0.9 or field.endswith("lonlat")
    if field in POSITION_FIELDS and is_vague and not _holds_position(field, cells):
        other = "address" if field == "lonlat" and column in ("位置", "定位") else ""
        return ColumnGuess(column, other, 0.4, "the heading means coordinates, but the cells are none"), ""
    return ColumnGuess(column, field, confidence, f"the heading means {field}"), heading.datum


def _of_datum(heading: Heading) -> Heading:
    """Read our own headings of coordinates in a strange list for what they say: a coordinate, and its datum."""
    field, _, datum = heading.field.rpartition("_")
    return heading._replace(field=field, datum=datum) if field in POSITION_FIELDS else heading


def may_hold(field: str, category: Category) -> bool:
    """
    Whether a layer has a field that a column could fill.

    Parameters
    ----------
    field
        As in :class:`ColumnGuess`.
    category
        Of the layer.

    Returns
    -------
    may_hold
        True for id and position, which every place has.
    """
    if field.startswith(SERVICE):
        return "services" in category.fields
    if field in POSITION_FIELDS:
        return not field.startswith("arrival") or "arrival" in category.fields
    if field.startswith(EXTRA):
        return field.removeprefix(EXTRA) in category.extra_fields
    column = BY_KEY.get(field)
    return column is not None and (not column.path or column.path[0] in category.fields)


def _service_column(column: str, cells: Sequence[str | None], catalogue: Catalogue) -> str:
    kind = service_of(re.sub(r"^(?:是否|有无)(?:有|提供|配备)?|\(.*\)|（.*）", "", column), catalogue)
    said = [cell.strip().lower() for cell in cells if cell]
    return kind if kind and said and all(cell in YES or cell in NO for cell in said) else ""


def _unstable(cells: Sequence[str | None]) -> str:
    """Say why a column cannot be an id; empty if it can."""
    said = [cell for cell in cells if cell]
    if len(set(said)) < len(said):
        return "values stand twice"
    if not all(_PLAIN_ID.fullmatch(cell) for cell in said):
        return "values are not 1 to 64 of A-Z a-z 0-9 . _ -"
    numbers = [int(cell) for cell in said if cell.isdecimal()]
    if len(numbers) == len(said) and sorted(numbers) == list(
        range(min(numbers, default=0), min(numbers, default=0) + len(said))
    ):
        return "a running number; it changes when rows move"
    return ""


def _holds_position(field: str, cells: Sequence[str | None]) -> bool:
    said = [cell for cell in cells if cell]
    read = parse_pair if field.endswith("lonlat") else parse_degrees
    good = sum(read(cell) is not None for cell in said)
    return not said or good >= max(1, len(said) // 4)


def _choose_pair(guesses: list[_Guess]) -> str:
    """Of several pairs of coordinates keep that of the best datum: what is derived is never read."""
    held = {datum for guess, datum in guesses if guess.field in ("lon", "lonlat")}
    if not held:
        return ""
    best = max(held, key=lambda datum: _BETTER[datum])
    for index, (guess, datum) in enumerate(guesses):
        if guess.field in POSITION_FIELDS and datum != best:
            guesses[index] = (
                guess._replace(field="", reason=f"coordinates in {best or 'the other columns'} are nearer"),
                "",
            )
    return best


# --- values -----------------------------------------------------------------------------


def _by_values(guesses: Sequence[_Guess], table: Table, category: Category) -> list[_Guess]:
    """Give columns with unknown headings a field by what their cells look like."""
    taken = {guess.field for guess, _ in guesses}
    found = []
    for index, (guess, datum) in enumerate(guesses):
        if not guess.field and guess.confidence == 0.0:
            cells = [row.cells[index] for row in table.rows[:_LOOKED_AT] if row.cells[index]]
            guess = _looks_like(guess, [cell for cell in cells if cell], taken, category)
            taken.add(guess.field)
        found.append((guess, datum))
    return found


def _looks_like(guess: ColumnGuess, cells: Sequence[str], taken: set[str], category: Category) -> ColumnGuess:
    needs_position = not taken & {"lon", "lat", "lonlat"}
    if not cells:
        return guess._replace(reason="the column is empty")
    if needs_position and _share(cells, lambda cell: parse_pair(cell) is not None) > 0.9:
        return guess._replace(field="lonlat", confidence=0.6, reason="the cells are pairs of coordinates")
    tests = (
        ("hours", _is_hours, "opening hours"),
        ("phone", lambda cell: bool(_PHONE.fullmatch(cell)), "phone numbers"),
    )
    for field, test, what in tests:
        if field not in taken and may_hold(field, category) and _share(cells, test) > 0.7:
            return guess._replace(field=field, confidence=0.6, reason=f"the cells are {what}")
    return guess


def _share(cells: Sequence[str], test: Any) -> float:
    return sum(map(bool, map(test, cells))) / len(cells)


def _is_hours(cell: str) -> bool:
    if len(cell) < 4 or cell.isdecimal():
        return False
    try:
        hours_from_words(cell)
    except InvalidInputError:
        return False
    return True


def _unique(guesses: Sequence[_Guess]) -> list[_Guess]:
    """Let the surest of several columns have a field."""
    best: dict[str, int] = {}
    for index, (guess, _) in enumerate(guesses):
        if guess.field and (
            guess.field not in best or guess.confidence > guesses[best[guess.field]][0].confidence
        ):
            best[guess.field] = index
    return [
        pair
        if not pair[0].field or best[pair[0].field] == index
        else (
            pair[0]._replace(
                field="", reason=f"{guesses[best[pair[0].field]][0].column!r} is taken for {pair[0].field}"
            ),
            "",
        )
        for index, pair in enumerate(guesses)
    ]


# --- exchanged coordinates --------------------------------------------------------------


def _swap_hint(table: Table, mapping: ColumnMapping, bbox: BBox | None) -> str:
    """Say so if the positions make sense only with lon and lat exchanged; the caller decides."""
    if (pair := _columns_of_pair(mapping)) is None:
        return ""
    counts = Counter(_side(row.cells[pair[0]], row.cells[pair[1]], bbox) for row in table.rows[:_LOOKED_AT])
    said = counts["right"] + counts["swapped"]
    if counts["swapped"] <= counts["right"] or not said:
        return ""
    where = "in the district" if bbox else "on the globe, in China"
    return f"{counts['swapped']} of {said} rows lie {where} only if lon and lat are exchanged"


def _columns_of_pair(mapping: ColumnMapping) -> tuple[int, int] | None:
    names = [guess.field for guess in mapping.columns]
    return (names.index("lon"), names.index("lat")) if {"lon", "lat"} <= set(names) else None


def _side(lon: str | None, lat: str | None, bbox: BBox | None) -> str:
    one, other = parse_degrees(lon or ""), parse_degrees(lat or "")
    if not one or not other:
        return ""
    if _is_near(one.value, other.value, bbox):
        return "right"
    return "swapped" if _is_near(other.value, one.value, bbox) else ""


def _is_near(lon: float, lat: float, bbox: BBox | None) -> bool:
    west, south, east, north = bbox or (73.0, 3.0, 136.0, 54.0)
    margin = _MARGIN_DEG if bbox else 0.0
    return west - margin <= lon <= east + margin and south - margin <= lat <= north + margin
