"""Layers as tables: CSV for Excel, and XLSX with a sheet for each layer."""

from collections.abc import Sequence
from datetime import date

from geo_service.errors import InvalidInputError
from geo_service.exchange.cells import Cells, Column, columns_for, rows_of
from geo_service.exchange.outgoing.job import Job, about, about_text, notice_of
from geo_service.layers import Feature, Layer
from geo_service.paper.writing import MOST_CHARACTERS, Sheet, Value, write_csv, write_xlsx

NOTICE = Column("notice", "声明", "notice (derived)")
"""Last column: that a row is made up, or whose data it is."""


def typed(column: Column, cell: str | None) -> Value:
    """
    Turn a cell into a number or day where its column holds such.

    Flags stay the texts ``yes`` and ``no``: LibreOffice saves a real one as the formula ``=TRUE()``.

    Parameters
    ----------
    column
        The column.
    cell
        Its text; None if the cell is empty.

    Returns
    -------
    value
        For a table with types; a text where the column's kind is not plain.
    """
    if cell is None:
        return None
    if column.kind in ("number", "whole"):
        return int(cell) if cell.lstrip("-").isdecimal() else float(cell)
    return date.fromisoformat(cell) if column.kind == "day" else cell


def to_csv(job: Job) -> bytes:
    """
    Write layers as one CSV.

    Parameters
    ----------
    job
        Layers of any number; in GCJ-02 without the columns of WGS 84.

    Returns
    -------
    data
        UTF-8 with BOM.
    """
    columns = _columns(job.layers, job)
    rows = [_row(columns, cells, f) for f, cells in _rows(tuple(job.features))]
    return write_csv([column.heading for column in (*columns, NOTICE)], rows)


def to_xlsx(job: Job) -> bytes:
    """
    Write layers as a workbook: a sheet each, one about the file, one that explains the columns.

    Parameters
    ----------
    job
        Layers of any number, WGS 84.

    Returns
    -------
    data
        The workbook.

    Raises
    ------
    InvalidInputError
        If an outline or list does not fit a cell.
    """
    sheets = [_sheet(layer, job) for layer in job.layers]
    explained = _legend(job)
    told = Sheet("说明 About", ["项目", "Item", "内容 Content"], [list(line) for line in about(job)])
    return write_xlsx([*sheets, told, *explained], title=job.name, description=about_text(job), on=job.on)


def _sheet(layer: Layer, job: Job) -> Sheet:
    category = job.category(layer)
    columns = _columns([layer], job)
    rows = [_row(columns, cells, feature) for feature, cells in _rows(layer.features)]
    for feature, row in zip(layer.features, rows, strict=True):
        _check_lengths(feature, row)
    return Sheet(f"{category.zh} {layer.name}", [c.heading for c in (*columns, NOTICE)], rows)


def _check_lengths(feature: Feature, row: Sequence[Value]) -> None:
    longest = max((len(value) for value in row if isinstance(value, str)), default=0)
    if longest >= MOST_CHARACTERS:  # one is left for the apostrophe of an escaped text
        message = (
            f"{feature.layer} {feature.id!r} has a cell of {longest} characters, XLSX holds {MOST_CHARACTERS};"
            " export this layer as geojson, gpkg or csv"
        )
        raise InvalidInputError(message, parameter="format", value="xlsx", feature=feature.id)


def _legend(job: Job) -> list[Sheet]:
    columns = [*columns_for(job.layers, job.catalogue), NOTICE]
    services = [[key, *words] for key, words in job.catalogue.services.items()]
    return [
        Sheet("列 Columns", ["列 column", "中文", "English"], [[c.key, c.zh, c.en] for c in columns]),
        Sheet("服务 Services", ["代码 kind", "中文", "English"], services),
    ]


def _columns(layers: Sequence[Layer], job: Job) -> list[Column]:
    """In GCJ-02 the file has coordinates of that datum only, so that nobody must choose."""
    columns = columns_for(layers, job.catalogue)
    return [column for column in columns if job.datum == "wgs84" or not column.key.endswith("_wgs84")]


def _rows(features: Sequence[Feature]) -> list[tuple[Feature, Cells]]:
    return list(zip(features, rows_of(features), strict=True))


def _row(columns: Sequence[Column], cells: Cells, feature: Feature) -> list[Value]:
    return [*(typed(column, cells.get(column.key)) for column in columns), notice_of(feature) or None]
