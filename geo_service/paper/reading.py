"""
Tables in: the sheets of a workbook, row by row, every cell as the text a person sees.

What a workbook says of its own size is not believed, and formulas are never worked out: the value
that was saved with them counts. Files of strangers are read in a child process only.
"""

import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from geo_service.paper.formulas import decode_codes

MOST_ACROSS = 1000
"""Cells of a row that are looked at; what lies beyond is reported as too wide."""


class Workbook:
    """
    An open workbook.

    Parameters
    ----------
    values
        Opened for the values saved with formulas.
    """

    def __init__(self, values: Any) -> None:
        self._values = values

    @property
    def sheets(self) -> tuple[str, ...]:
        """Names of the sheets that hold cells, in order."""
        return tuple(sheet.title for sheet in self._values.worksheets)

    def is_empty(self, sheet: str) -> bool:
        """Whether no cell of a sheet holds anything."""
        return not any(any(cells) for _, cells in self.rows(sheet))

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """
        Give the rows of a sheet.

        Parameters
        ----------
        sheet
            Its name.

        Yields
        ------
        number, cells
            Row number as the program shows it, and texts; trailing empty cells are left out.
        """
        table = self._values[sheet]
        table.reset_dimensions()
        for row in table.iter_rows():
            filled = [cell for cell in row if cell.value is not None]
            if filled:
                yield _number(filled[0]), _texts(filled)


def _number(cell: Any) -> int:
    return int(cell.row)


def _texts(filled: list[Any]) -> list[str]:
    width = min(max(cell.column for cell in filled), MOST_ACROSS)
    texts = [""] * width
    for cell in filled:
        if cell.column <= width:
            texts[cell.column - 1] = cell_text(cell.value)
    return texts


def open_workbook(data: bytes) -> Workbook:
    """
    Open a workbook.

    Parameters
    ----------
    data
        An XLSX file.

    Returns
    -------
    book
        Its sheets are read when they are asked for.

    Raises
    ------
    ValueError
        If it cannot be opened.
    """
    try:
        values = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (
        InvalidFileException,
        BadZipFile,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        ValueError,
        OSError,
    ) as error:
        fault = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(fault[:120]) from error
    return Workbook(values)


def cell_text(value: Any) -> str:
    """
    Write a cell's value as a person reads it.

    Parameters
    ----------
    value
        What the library gives: text, number, truth, date, time or nothing.

    Returns
    -------
    text
        Whole numbers without ``.0``, dates as ``YYYY-MM-DD``, times as ``HH:MM``.

    Examples
    --------
    >>> cell_text(13800000000.0), cell_text(datetime(2026, 5, 1)), cell_text(time(8, 30)), cell_text(0.1)
    ('13800000000', '2026-05-01', '08:30', '0.1')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime):
        is_day = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if is_day else value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds()) // 60
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return decode_codes(value) if isinstance(value, str) else str(value)
