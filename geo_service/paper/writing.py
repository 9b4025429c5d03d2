"""
Tables as CSV and XLSX, and files as ZIP: the same values give the same bytes on any day.

Texts that start like formulas are escaped, see ``paper.formulas``; numbers, days and flags stay what they are.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from geo_service.errors import InvalidInputError
from geo_service.paper.formulas import encode_codes, escape_cell

Value = str | int | float | bool | date | None
"""What one cell may hold."""

BOM = b"\xef\xbb\xbf"
MOST_CHARACTERS = 32_767
"""What a cell of XLSX holds; spreadsheets cut the rest without a word."""

_MOST_ROWS = 1_048_576
_WIDEST = 48
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\r\ud800-\udfff\ufffe\uffff]")
_NOT_IN_TITLE = re.compile(r"[\[\]:*?/\\']")


class Sheet(NamedTuple):
    """One table of a workbook: its title, headings, and rows of as many values."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Value]]


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """
    Write a table as CSV the way Excel opens it: UTF-8 with BOM, commas, CRLF (RFC 4180).

    Parameters
    ----------
    headings
        First line.
    rows
        Lines of as many values; None is an empty cell, a day ``YYYY-MM-DD``, a flag ``true`` or ``false``.

    Returns
    -------
    data
        The file.

    Examples
    --------
    >>> write_csv(["名称", "n"], [["=1+1", -2.5]]).decode("utf-8-sig")
    "名称,n\\r\\n'=1+1,-2.5\\r\\n"
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(escape_cell, headings))
    writer.writerows([_csv_text(value) for value in row] for row in rows)
    return BOM + text.getvalue().encode("utf-8", "replace")


def _csv_text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return escape_cell(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")  # never 1e-07: few programs read that as they should
    return value.isoformat() if isinstance(value, date) else str(value)


def write_xlsx(sheets: Sequence[Sheet], *, title: str, description: str, on: date) -> bytes:
    """
    Write tables as one workbook with typed cells, a frozen and filterable header, and fitting widths.

    On paper a sheet lies across, all its columns on one page, with the header on every page.

    Parameters
    ----------
    sheets
        The tables, the first is the one that opens.
    title
        Of the workbook.
    description
        Shown with the properties of the file.
    on
        Day of creation the file says; the clock is never asked.

    Returns
    -------
    data
        The file.

    Raises
    ------
    InvalidInputError
        If a text is longer than a cell holds, or a table longer than a sheet.
    """
    for sheet in sheets:
        _check(sheet)
    book = Workbook(write_only=True)
    titles: set[str] = set()
    for sheet in sheets:
        _fill(book.create_sheet(_sheet_title(sheet.title, titles)), sheet)
    moment = datetime(on.year, on.month, on.day)
    book.properties.creator = "geo-service"
    book.properties.title, book.properties.description = _legal(title), _legal(description)
    book.properties.created = book.properties.modified = moment
    file = io.BytesIO()
    book.save(file)
    return _undated(file, moment)


def _sheet_title(title: str, taken: set[str]) -> str:
    """Titles are unique whatever the case, at most 31 characters, without what formulas would trip over."""
    plain = _NOT_IN_TITLE.sub(" ", _legal(title)).strip()[:31] or "Sheet"
    unique, count = plain, 1
    while unique.casefold() in taken:
        count += 1
        unique = f"{plain[:27]} {count}"
    taken.add(unique.casefold())
    return unique


def _check(sheet: Sheet) -> None:
    """Before anything is written: a sheet begun and left is a file left open."""
    if len(sheet.rows) >= _MOST_ROWS:
        rule = f"do not fit a sheet of XLSX ({_MOST_ROWS}); take CSV or GPKG"
        message = f"{sheet.title}: {len(sheet.rows)} rows {rule}"
        raise InvalidInputError(message, parameter="format", value="xlsx")
    longest = max((len(value) for row in sheet.rows for value in row if isinstance(value, str)), default=0)
    if longest >= MOST_CHARACTERS:  # one is left for the apostrophe of an escaped text
        rule = f"does not fit a cell of XLSX ({MOST_CHARACTERS}); take CSV"
        message = f"{sheet.title}: a text of {longest} characters {rule}"
        raise InvalidInputError(message, parameter="format", value="xlsx")


def _fill(page: Any, sheet: Sheet) -> None:
    page.freeze_panes = "A2"
    for index, width in enumerate(_widths(sheet), start=1):
        page.column_dimensions[get_column_letter(index)].width = width
    if sheet.headings:
        page.auto_filter.ref = f"A1:{get_column_letter(len(sheet.headings))}{len(sheet.rows) + 1}"
        page.print_title_rows = "1:1"
    page.page_setup.orientation = "landscape"
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_setup.fitToHeight = 0  # as many pages as it takes
    page.append([_heading_cell(page, heading) for heading in sheet.headings])
    for row in sheet.rows:
        page.append([_cell(page, value) for value in row])


def _widths(sheet: Sheet) -> list[float]:
    """Wide enough for the heading and the first rows; a Chinese character takes two."""
    widths = [_text_width(heading) + 3 for heading in sheet.headings]
    for row in sheet.rows[:200]:
        widths = [max(old, _text_width(str(value or ""))) for old, value in zip(widths, row, strict=True)]
    return [float(min(width + 1, _WIDEST)) for width in widths]


def _text_width(text: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text[:_WIDEST])


def _heading_cell(page: Any, heading: str) -> Cell:
    cell = _text_cell(page, heading)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="FFE7E5E4")
    cell.alignment = Alignment(vertical="top")
    return cell


def _cell(page: Any, value: Value) -> object:
    if isinstance(value, float) and float(f"{value:.15g}") != value:
        value = repr(value)  # spreadsheets keep 15 digits of a number
    if not isinstance(value, str):
        cell: Cell = WriteOnlyCell(page, value)  # type: ignore[arg-type]
        if isinstance(value, date):
            cell.number_format = "yyyy-mm-dd"
        return cell
    # most texts cannot be taken for anything else, and go through five times faster
    return _text_cell(page, value) if value[:1] == "#" else _legal(escape_cell(value))


def _text_cell(page: Any, text: str) -> Cell:
    """Text is said to be text: else ``#N/A`` became an error."""
    cell = WriteOnlyCell(page, _legal(escape_cell(text)))
    cell.data_type = "s"
    return cell


def _legal(text: str) -> str:
    """Spreadsheets read ``_x0041_`` as a code for ``A``; what XML cannot carry goes."""
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", encode_codes(text))


_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


def _undated(file: io.BytesIO, moment: datetime) -> bytes:
    """The library stamps the hour of saving into the properties and into each part."""
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(file) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts["docProps/core.xml"] = _MODIFIED.sub(rb"\g<1>" + stamp, parts["docProps/core.xml"])
    return pack_zip(parts)


def pack_zip(files: Mapping[str, bytes]) -> bytes:
    """
    Pack files into a ZIP that says nothing of when and where it was packed.

    Parameters
    ----------
    files
        Contents by name, in the order in which they are packed.

    Returns
    -------
    data
        The archive; names are UTF-8.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, _ZIP_EPOCH)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            packed.writestr(info, data)
    return archive.getvalue()
