"""A file of a stranger as one table: read in a child process, given back as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geo_service.exchange.confined.cage import Limits
from geo_service.exchange.confined.rows import Options, Row
from geo_service.exchange.intake.confine import run_confined

_READ_ANY = "geo_service.exchange.confined.dispatch:read_any"


@dataclass(frozen=True)
class Table:
    """
    What stands in a file.

    Parameters
    ----------
    name
        Of the file.
    format
        ``geojson``, ``csv``, ``xlsx``, ``kml``, ``kmz``, ``gpx``, ``gpkg``, ``shp`` or ``ovital``.
    columns
        Headings, each different.
    rows
        Cells as text, as many as columns, with where each row stands, its point, its GeoJSON Feature, its fault.
    encoding
        Of a text, as detected.
    delimiter
        Of a table of text, as detected.
    sheet
        Sheet or layer that was read; empty where there is only one table.
    sheets
        All there are.
    declared_datum
        What file name, headings or format say: ``wgs84``, ``gcj02``, ``bd09``, or empty.
    notes
        What the reader left out or repaired, one sentence each.
    """

    name: str
    format: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    declared_datum: str = ""
    notes: tuple[str, ...] = ()

    @property
    def has_features(self) -> bool:
        """Whether the rows are GeoJSON Features, which carry every field of a place."""
        return self.format == "geojson"

    def column(self, name: str) -> tuple[str | None, ...]:
        """
        Cells of one column.

        Parameters
        ----------
        name
            One of the headings.

        Returns
        -------
        cells
            One per row, None where empty.
        """
        index = self.columns.index(name)
        return tuple(row.cells[index] for row in self.rows)


def read_table(
    path: Path, *, sheet: str = "", layer: str = "", name: str = "", limits: Limits | None = None
) -> Table:
    """
    Read a file of any known format in a confined child process.

    Parameters
    ----------
    path
        GeoJSON, CSV, XLSX, KML, KMZ, GPX, GPKG, zipped Shapefile or Ovital txt; told by content, not by name.
    sheet
        Sheet of a workbook or layer of a GeoPackage, if there are several.
    layer
        Where it shall go: of several sheets the one that is named so is taken.
    name
        What the file is called, if that is not the path's own name (an upload).
    limits
        What the child may use; None goes by the size of the file.

    Returns
    -------
    table
        All rows.

    Raises
    ------
    InvalidInputError
        If the file is refused: the message names file, row and reason.
    """
    result = run_confined(_READ_ANY, path, limits, Options(name or path.name, sheet, layer))
    about = result.about
    width = len(about["columns"])
    return Table(
        name=name or path.name,
        columns=tuple(about["columns"]),
        rows=tuple(_row(values, width) for values in result.rows),
        sheets=tuple(about["sheets"]),
        notes=tuple(about["notes"]),
        **_plain(about),
    )


def _plain(about: Mapping[str, Any]) -> dict[str, str]:
    return {key: about[key] for key in ("format", "encoding", "delimiter", "sheet", "declared_datum")}


def _row(values: list[Any], width: int) -> Row:
    where, cells, point, feature, fault, area = values
    padded = (*cells, *(None,) * (width - len(cells)))
    return Row(where, padded, tuple(point) if point else None, feature, fault, area)
