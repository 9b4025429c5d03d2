"""
Cells a spreadsheet would take for a formula: how they are written so that it does not, and read back.

What starts like a formula gets an apostrophe in front, and so does what starts with an apostrophe;
so every text comes back as it was. Plain numbers are written as numbers and never come here.

References
----------
OWASP, "CSV Injection": characters that start a formula, full-width twins included.
"""

import re

STARTS = "=+-@\t\r\n\0＝＋－＠"
"""Characters that may start a formula, or hide one behind them."""

_APOSTROPHE = "'"
_MARKED = STARTS + _APOSTROPHE


def escape_cell(text: str) -> str:
    """
    Put an apostrophe before a text that starts like a formula, or with an apostrophe.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    cell
        What is written into the file.

    Examples
    --------
    >>> escape_cell("=1+1"), escape_cell("'s"), escape_cell("24/7")
    ("'=1+1", "''s", '24/7')
    """
    return _APOSTROPHE + text if text[:1] and text[0] in _MARKED else text


def unescape_cell(cell: str) -> str:
    """
    Take away what :func:`escape_cell` put there; other cells stay as they are.

    Parameters
    ----------
    cell
        What was read from a file.

    Returns
    -------
    text
        The text that was written.

    Examples
    --------
    >>> unescape_cell("'=1+1"), unescape_cell("''s"), unescape_cell("'tis")
    ('=1+1', "'s", "'tis")
    """
    return cell[1:] if cell[:1] == _APOSTROPHE and cell[1:2] and cell[1] in _MARKED else cell


_CODE = re.compile("_x([0-9A-Fa-f]{4})_")
_LIKE_CODE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def encode_codes(text: str) -> str:
    """
    Mark what a workbook would read as the code of a character.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    cell
        For XLSX.

    References
    ----------
    ECMA-376, 22.9.2.19, ``ST_Xstring``.

    Examples
    --------
    >>> encode_codes("_x0041_"), decode_codes("_x005F_x0041_"), decode_codes("_x0041_")
    ('_x005F_x0041_', '_x0041_', 'A')
    """
    return _LIKE_CODE.sub("_x005F_", text)


def decode_codes(cell: str) -> str:
    """
    Read the codes of characters in a text of XLSX; the library leaves them as they stand.

    Parameters
    ----------
    cell
        What the library gave.

    Returns
    -------
    text
        With characters for codes; halves of characters stay codes.
    """
    return _CODE.sub(_character, cell) if "_x" in cell else cell


def _character(code: re.Match[str]) -> str:
    character = chr(int(code[1], 16))
    return code[0] if "\ud800" <= character <= "\udfff" else character
