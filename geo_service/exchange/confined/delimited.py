"""Tables as text: CSV in the encodings and with the delimiters that are met with, and Ovital's lists of labels."""

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator
from itertools import chain, islice

from geo_service.exchange.confined.rows import (
    MOST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    About,
    Options,
    Row,
    Rows,
    check_cell,
    headings,
    refused,
)
from geo_service.paper.formulas import unescape_cell

_DELIMITERS = ",;\t，；|"
_PLAIN = ",;\t"
_LOOK_AHEAD = 10
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SHOWN = {"utf-8": "UTF-8", "utf-16-le": "UTF-16 LE", "utf-16-be": "UTF-16 BE", "gb18030": "GB18030"}
_DATUM_IN_NAME = re.compile(r"(?<![a-z0-9])(wgs-?84|gcj-?02|bd-?09(?:ll)?)(?![a-z0-9])", re.IGNORECASE)


def datum_in(text: str) -> str:
    """
    Find the datum a name or a heading states.

    Parameters
    ----------
    text
        Such as ``stations_gcj02.csv``.

    Returns
    -------
    datum
        ``wgs84``, ``gcj02``, ``bd09``; empty if it states none, or several.

    Examples
    --------
    >>> datum_in("驿站_gcj02.csv"), datum_in("a_wgs84_gcj02.csv")
    ('gcj02', '')
    """
    found = {
        word.lower().replace("-", "").removesuffix("ll")
        for word in _DATUM_IN_NAME.findall(text.replace("_", " "))
    }
    return found.pop() if len(found) == 1 else ""


def decode(data: bytes, about: About) -> str:
    """
    Turn bytes into text, in the encoding they are in.

    Parameters
    ----------
    data
        The whole file.
    about
        Is told the encoding.

    Returns
    -------
    text
        Without byte-order mark.

    Raises
    ------
    InvalidInputError
        If it is in none that is read.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = _decoded(data[len(mark) :], encoding)
            about.encoding = f"{_SHOWN[encoding]} with byte-order mark"
            return text
    encoding = _guess_utf16(data) or ("utf-8" if _is_utf8(data) else "gb18030")
    about.encoding = _SHOWN[encoding]
    return _decoded(data, encoding)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guess_utf16(data: bytes) -> str:
    """Text of signs and digits in UTF-16 has a zero in every second byte; UTF-8 and GB18030 have none."""
    head = data[:2000]
    if len(data) % 2 or len(head) < 4:
        return ""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > len(head) // 8 and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) // 8 and odd == 0 else ""


def _decoded(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        bad = data[error.start]
        tried = _SHOWN[encoding] if encoding != "gb18030" else "UTF-8 nor GB18030"
        raise refused(
            f"row {row}: byte {error.start} (0x{bad:02x}) is not {tried}; save the file as UTF-8",
            "encoding",
            error.start,
        ) from error
    if encoding == "gb18030" and any("\ue000" <= sign <= "\uf8ff" for sign in text):
        raise refused(
            "the encoding cannot be told: as GB18030 it has signs of no script; save it as UTF-8", "encoding"
        )
    return text


def read_csv(data: bytes, options: Options, about: About) -> Rows:
    """
    Read a table of text.

    Parameters
    ----------
    data
        The whole file.
    options
        Its name.
    about
        Is told encoding, delimiter, columns and datum.

    Yields
    ------
    row
        Rows below the headings, blank ones left out.
    """
    text = decode(data, about)
    about.format = "csv"
    _check_text(text)
    about.delimiter = _delimiter(text)
    yield from table_rows(_records(text, about.delimiter), about, options.name)


def _check_text(text: str) -> None:
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise refused(f"row {row}: a NUL character; a text file has none", "cell", "NUL")


def _delimiter(text: str) -> str:
    """Find the delimiter that cuts the first rows into the most cells, as many in each."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    best = max(_DELIMITERS, key=lambda sign: (_regularity(lines, sign), sign in _PLAIN))
    return best if _regularity(lines, best) else ","


def _regularity(lines: list[str], sign: str) -> float:
    counts = [_unquoted(line).count(sign) for line in lines]
    used = [count for count in counts if count]
    if not used:
        return 0.0
    common = max(set(used), key=lambda count: (used.count(count), count))
    return float(used.count(common) / len(lines) * math.sqrt(min(common, 50)))


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _records(text: str, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    csv.field_size_limit(MOST_CELL)
    if text.startswith("sep=") and "\n" in text[:10]:  # Excel's own first line
        text = text.partition("\n")[2]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 1
    try:
        for cells in lines:
            yield f"row {first}", cells
            first = lines.line_num + 1
    except csv.Error as error:
        raise refused(f"row {first}: {_csv_fault(str(error))}", "row", first) from error


def _csv_fault(fault: str) -> str:
    if "unexpected end of data" in fault:
        return "a quotation mark is never closed"
    if "field larger" in fault:
        return f"a cell has more than {MOST_CELL} characters"
    return f"{fault}; quote a cell that holds quotation marks, and double those"


def table_rows(records: Iterator[tuple[str, list[str]]], about: About, name: str) -> Rows:
    """
    Turn records into rows: titles above the headings are skipped, the headings become columns.

    Parameters
    ----------
    records
        Where each stands, and its cells.
    about
        Is told the columns, and the datum if name or headings state it.
    name
        Of the file.

    Yields
    ------
    row
        Those below the headings.
    """
    checked = ((where, _checked(cells, where)) for where, cells in records)
    filled = ((where, cells) for where, cells in checked if any(cells))
    head = list(islice(filled, _LOOK_AHEAD))
    _take_headings(head, about, name)
    for count, (where, cells) in enumerate(chain(head, filled), 1):
        if count > MOST_ROWS:
            raise refused(f"{where}: more than {MOST_ROWS} rows; split the file", "rows", count)
        yield Row(where, tuple(cell or None for cell in _as_wide(cells, where, about)))


def _checked(cells: list[str], where: str) -> list[str]:
    # an apostrophe before what would be a formula was put there by whoever wrote the file, as ours do
    return [unescape_cell(check_cell(cell, where, str(number))) for number, cell in enumerate(cells, 1)]


def _as_wide(cells: list[str], where: str, about: About) -> list[str]:
    width = len(about.columns)
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) > width:
        fault = f"{len(cells)} cells under {width} headings; quote a cell that holds the delimiter"
        raise refused(f"{where}: {fault}", "row", where)
    if len(cells) < width and about.format == "csv":
        raise refused(f"{where}: {len(cells)} cells under {width} headings; the row is cut off", "row", where)
    return cells


def _take_headings(head: list[tuple[str, list[str]]], about: About, name: str) -> None:
    """Take the first row that is about as wide as the widest for headings; what stands above is a title."""
    widest = max((sum(map(bool, cells)) for _, cells in head), default=0)
    while head:
        where, cells = head.pop(0)
        if sum(map(bool, cells)) >= max(2, 0.6 * widest):
            while not cells[-1]:
                cells.pop()
            if len(cells) > MOST_COLUMNS:
                raise refused(
                    f"{where}: {len(cells)} columns; at most {MOST_COLUMNS} are read", "columns", len(cells)
                )
            about.columns = headings(cells)
            about.declared_datum = datum_in(name) or datum_in(" ".join(cells))
            return
        title = next(cell for cell in cells if cell)
        about.notes.append(f"{where}: {title[:60]!r} stands above the headings and was skipped")
    raise refused("it has no row of headings over at least two columns", "columns")


# --- Ovital -----------------------------------------------------------------------------

_DEGREE = (
    r"""[+-]?\d{1,3}(?:\.\d+)?(?:[°度]\s?\d{1,2}(?:\.\d+)?['′分](?:\s?\d{1,2}(?:\.\d+)?["″秒])?)?[°度]?"""
)
_LABEL = re.compile(
    rf"(?:(?P<mark>[gGbB])[ \t]+)?(?:(?P<name>[^ \t]+)[ \t]+)??(?P<lon>{_DEGREE})[ \t]+(?P<lat>{_DEGREE})"
    rf"(?:[ \t]+(?P<rest>.*))?"
)
_WIDE_BLANK = "\N{IDEOGRAPHIC SPACE}"
_DATUM_OF_MARK = {"g": "gcj02", "b": "bd09", "": "wgs84"}


def is_ovital(text: str) -> bool:
    """
    Whether a text is one of Ovital's lists: blanks between fields, longitude before latitude in each line.

    Parameters
    ----------
    text
        Decoded beginning of a file.

    Returns
    -------
    is_ovital
        True if its first lines all are labels.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()][:20]
    return bool(lines) and all(_LABEL.fullmatch(line) for line in lines)


def read_ovital(data: bytes, options: Options, about: About) -> Rows:
    """
    Read a list of labels for Ovital: ``[g|b] [name] longitude latitude [name] [remarks]``.

    A first field ``g`` says GCJ-02, ``b`` BD-09, none CGCS 2000, which is WGS 84 for our purpose.

    Parameters
    ----------
    data
        The whole file.
    options
        Not needed.
    about
        Is told encoding, columns and datum.

    Yields
    ------
    row
        One per line.

    Raises
    ------
    InvalidInputError
        If a line is no label, or lines state different datums.
    """
    del options
    text = decode(data, about)
    _check_text(text)
    about.format, about.columns, about.delimiter = "ovital", ["name", "lon", "lat", "remarks"], " "
    for number, line in enumerate(text.splitlines(), 1):
        where = f"row {number}"
        if not line.strip():
            continue
        found = _LABEL.fullmatch(check_cell(line, where, "1"))
        if not found:
            fault = f"{line.strip()[:60]!r} is no label such as 'g 驿站 116.442 39.957'"
            raise refused(f"{where}: {fault}", "row", number)
        datum = _DATUM_OF_MARK[(found["mark"] or "").lower()]
        if about.declared_datum not in ("", datum):
            fault = (
                f"its mark says {datum}, the rows before say {about.declared_datum}; give one file per datum"
            )
            raise refused(f"{where}: {fault}", "datum", datum)
        if number > MOST_ROWS:
            raise refused(f"{where}: more than {MOST_ROWS} rows; split the file", "rows", number)
        about.declared_datum = datum
        name, _, rest = (found["name"] or "", "", found["rest"] or "")
        if not name:  # Ovital lets the name stand behind the coordinates as well
            name, _, rest = rest.strip().partition(" ")
        texts = (text.replace(_WIDE_BLANK, " ").strip() or None for text in (name, rest))
        label, remarks = texts
        yield Row(where, (label, found["lon"], found["lat"], remarks))
