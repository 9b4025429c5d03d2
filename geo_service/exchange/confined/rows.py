"""What a reader gives: rows of text cells, and what it found out about the file on the way."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from geo_service.errors import InvalidInputError

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
MOST_ROWS = 200_000
MOST_COLUMNS = 200
MOST_CELL = 131_072
"""Characters of one cell."""
MOST_INFLATED = 200 * 2**20
"""Bytes a packed file may unpack to."""


class Row(NamedTuple):
    """
    One row of a file.

    Parameters
    ----------
    where
        How a person finds it: ``row 7``, ``sheet '站点' row 7``, ``Placemark 3``.
    cells
        Text by column, None where empty; may be shorter than the list of columns.
    point
        Longitude and latitude in the file's datum, if the format itself has positions.
    feature
        A GeoJSON Feature as it stands in the file.
    fault
        Why the row cannot become a place, if the reader knows already.
    area
        A GeoJSON Polygon or MultiPolygon, WGS 84, where the format has such.
    """

    where: str
    cells: tuple[str | None, ...]
    point: tuple[float, float] | None = None
    feature: dict[str, Any] | None = None
    fault: str = ""
    area: dict[str, Any] | None = None


@dataclass
class About:
    """
    What a reader finds out about a file while it reads; complete when the rows are.

    Parameters
    ----------
    format
        ``geojson``, ``csv``, ``xlsx``, ``kml``, ``kmz``, ``gpx``, ``gpkg``, ``shp`` or ``ovital``.
    columns
        Headings in order.
    encoding
        Of the text; empty where the format knows only one.
    delimiter
        Between cells of a text.
    sheet
        Sheet or layer that was read.
    sheets
        All there are.
    declared_datum
        What the file says of its coordinates: ``wgs84``, ``gcj02``, ``bd09`` or nothing.
    notes
        What a person should know: what was left out, what was repaired.
    """

    format: str = ""
    columns: list[str] = field(default_factory=list)
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    declared_datum: str = ""
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)

    def column(self, name: str) -> int:
        """Place of a column, which is added if it is new."""
        if name not in self.columns:
            if len(self.columns) >= MOST_COLUMNS:
                raise refused(f"more than {MOST_COLUMNS} columns", "columns", len(self.columns) + 1)
            self.columns.append(name)
        return self.columns.index(name)


class Options(NamedTuple):
    """
    What the caller knows of a file.

    Parameters
    ----------
    name
        Of the file.
    sheet
        Sheet of a workbook or layer of a GeoPackage that is wanted.
    layer
        Layer it shall go into: of several sheets the one that is named so is taken.
    box
        Of a raster: what is wanted of it, west, south, east, north in WGS 84 degrees.
    """

    name: str = ""
    sheet: str = ""
    layer: str = ""
    box: tuple[float, ...] = ()


Rows = Iterator[Row]


def refused(fault: str, parameter: str = "FILE", value: object = None) -> InvalidInputError:
    """
    Refuse a file; who started the child puts its name in front.

    Parameters
    ----------
    fault
        What is wrong, where, and what is allowed.
    parameter
        What it is about.
    value
        The offending value, short.

    Returns
    -------
    error
        To be raised.
    """
    return InvalidInputError(fault, parameter=parameter, value=value)


def choose_sheet(names: Sequence[str], filled: Sequence[str], options: Options, what: str) -> str:
    """
    Choose one of several sheets or layers.

    Parameters
    ----------
    names
        All there are.
    filled
        Those that may hold the list.
    options
        What is wanted.
    what
        ``sheet`` or ``layer``, for the message.

    Returns
    -------
    name
        The one asked for; the one named like the layer; the only one.

    Raises
    ------
    InvalidInputError
        If there is none, or one cannot tell.
    """
    shown = ", ".join(names)[:200]
    if options.sheet:
        if options.sheet not in names:
            wanted = options.sheet[:60]
            raise refused(f"there is no {what} {wanted!r}; there are {shown}", "sheet", wanted)
        return options.sheet
    if len(filled) == 1:
        return filled[0]
    named = [name for name in filled if options.layer and name.split()[-1:] == [options.layer]]
    if len(named) == 1:
        return named[0]
    raise refused(
        f"it has several {what}s ({shown}); say which" if filled else f"it has no {what} with data", "sheet"
    )


def check_cell(text: str, where: str, column: str) -> str:
    """
    Check one cell and trim it.

    Parameters
    ----------
    text
        The cell as it stands in the file.
    where
        Its row.
    column
        Its heading or number.

    Returns
    -------
    text
        Without blanks around.

    Raises
    ------
    InvalidInputError
        If it is too long or holds a NUL character or half a surrogate pair.
    """
    if len(text) > MOST_CELL:
        fault = f"{where}, column {column!r}: {len(text)} characters; a cell has at most {MOST_CELL}"
        raise refused(fault, "cell", len(text))
    if found := _NO_TEXT.search(text):
        what = "a NUL character" if found[0] == "\0" else "half a surrogate pair"
        raise refused(f"{where}, column {column!r}: {what}; a text has none", "cell", what)
    return text.strip()


def headings(cells: Sequence[str | None]) -> list[str]:
    """
    Make column names of a row of headings: blank ones are numbered, repeated ones told apart.

    Parameters
    ----------
    cells
        The row.

    Returns
    -------
    names
        As many, each different.

    Examples
    --------
    >>> headings(["名称", None, "名称"])
    ['名称', 'column 2', '名称 (2)']
    """
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = " ".join((cell or "").split())[:200] or f"column {number}"
        count = 1
        while (name if count == 1 else f"{name} ({count})") in names:
            count += 1
        names.append(name if count == 1 else f"{name} ({count})")
    return names
