"""Workbooks: checked as packed files first, then read row by row."""

from collections.abc import Iterator

from geo_service.exchange.confined.delimited import table_rows
from geo_service.exchange.confined.rows import (
    MOST_COLUMNS,
    MOST_ROWS,
    About,
    Options,
    Rows,
    choose_sheet,
    refused,
)
from geo_service.exchange.confined.zips import check_workbook
from geo_service.paper.reading import Workbook, open_workbook

_ABOUT = ("说明 About", "列 Columns", "服务 Services")
"""Sheets of our own exports that hold no places."""


def read_xlsx(data: bytes, options: Options, about: About) -> Rows:
    """
    Read one sheet of a workbook.

    Parameters
    ----------
    data
        The whole file.
    options
        Names the sheet; without that the only one that is not empty is read.
    about
        Is told sheets and columns.

    Yields
    ------
    row
        Rows below the headings.
    """
    about.format = "xlsx"
    without_value = check_workbook(data)
    try:
        book = open_workbook(data)
    except ValueError as error:
        raise refused(f"the workbook is damaged: {error}") from error
    about.sheets = list(book.sheets)
    filled = (
        []
        if options.sheet
        else [name for name in book.sheets if name not in _ABOUT and not book.is_empty(name)]
    )
    about.sheet = choose_sheet(book.sheets, filled, options, "sheet")
    yield from table_rows(_records(book, about.sheet), about, options.name)
    if without_value:
        fault = f"{without_value} formulas have no value saved with them and count as empty"
        about.notes.append(f"{fault}; open the workbook in its program and save it")


def _records(book: Workbook, sheet: str) -> Iterator[tuple[str, list[str]]]:
    try:
        for number, cells in book.rows(sheet):
            where = f"sheet {sheet!r} row {number}"
            if number > MOST_ROWS + 100:
                raise refused(f"{where}: more than {MOST_ROWS} rows; split the file", "rows", number)
            if len(cells) > MOST_COLUMNS:
                raise refused(
                    f"{where}: {len(cells)} columns; at most {MOST_COLUMNS} are read", "columns", len(cells)
                )
            yield where, cells
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError) as error:
        fault = (str(error).splitlines() or [type(error).__name__])[0][:120]
        if isinstance(error, ValueError) and hasattr(error, "facts"):
            raise
        raise refused(f"sheet {sheet!r} is damaged: {fault}", "sheet", sheet) from error
