"""
Cells a spreadsheet would take for a formula: how they are written so that it does not, and read back.

What starts like a formula gets an apostrophe in front, and so does what starts with an apostrophe;
so every text comes back as it was. Plain numbers are written as numbers and never come here.

References
----------
OWASP, "CSV Injection": characters that start a formula, full-width twins included.
"""

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
