"""What a file is, told by its first bytes and not by its name, and the reader for it."""

import importlib
import re
import sys

from geo_service.exchange.confined.rows import About, Options, Rows, refused
from geo_service.exchange.confined.zips import open_zip

_OTHERS = (
    (b"\xd0\xcf\x11\xe0", "an old workbook (.xls) or one protected by a password; save it as .xlsx without"),
    (b"%PDF", "a PDF; export the table it was made from"),
    (b"\x00\x00\x27\x0a", "one part of a Shapefile; pack .shp, .shx, .dbf and .prj into one zip"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"PK\x05\x06", "an empty zip"),
    (b"PK\x07\x08", "one part of a split zip"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_ROOT = re.compile(
    # atomic: many comments before something that is no root must not be tried in every combination
    r"\s*+(?:(?><\?xml[^>]*\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\])?[^>]*>)\s*+)*+<(?:[\w.-]+:)?([\w.-]+)",
    re.DOTALL | re.IGNORECASE,
)
_READERS = {
    "geojson": "objects:read_geojson",
    "csv": "delimited:read_csv",
    "ovital": "delimited:read_ovital",
    "xlsx": "sheets:read_xlsx",
    "kml": "marks:read_kml",
    "kmz": "marks:read_kmz",
    "gpx": "marks:read_gpx",
    "gpkg": "vectors:read_gpkg",
    "shp": "vectors:read_shp",
}
_WITHOUT = {"sheets": ("numpy", "PIL", "lxml"), "vectors": ("shapely",)}
"""Libraries that would be loaded because they are there, though nothing of them is used."""
_SUFFIXES = {"json": "geojson", "zip": "shp", "txt": "csv", "tsv": "csv", "xlsm": "xlsx", "ovital": "ovital"}


def format_of(data: bytes, name: str = "") -> str:
    """
    Tell the format of a file by its content.

    Parameters
    ----------
    data
        The whole file.
    name
        Of the file; only decides between a list for Ovital and a table of text.

    Returns
    -------
    format
        A key of the readers.

    Raises
    ------
    InvalidInputError
        If it is something else; says what.

    Examples
    --------
    >>> format_of(b'{"type": "FeatureCollection"}'), format_of("名称,经度".encode())
    ('geojson', 'csv')
    """
    if data.startswith(b"PK\x03\x04"):
        return _packed_format(data)
    if data.startswith(b"SQLite format 3\0"):
        return "gpkg"
    for magic, what in _OTHERS:
        if data.startswith(magic):
            raise refused(f"is {what}; read are {', '.join(_READERS)}", "format")
    head = _head(data)
    if head.startswith("<"):
        return _xml_format(head)
    if head.startswith(("{", "[")):
        return "geojson"
    return _text_format(data, name)


def _head(data: bytes) -> str:
    start = data[:4000]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return start.decode("utf-16", "replace").lstrip("\ufeff \r\n\t")
    return start.decode("utf-8", "replace").lstrip("\ufeff\x1e \r\n\t")


def _packed_format(data: bytes) -> str:
    _, members = open_zip(data)
    names = {name.lower() for name in members}
    if "xl/workbook.xml" in names:
        return "xlsx"
    if any(name.endswith(".shp") for name in names):
        return "shp"
    if any(name.endswith(".kml") for name in names):
        return "kmz"
    shown = ", ".join(sorted(members))[:80]
    raise refused(f"is a packed file without workbook, KML or Shapefile (it holds {shown})", "format")


def _xml_format(head: str) -> str:
    found = _ROOT.match(head)
    root = found[1].lower() if found else ""
    if root in ("kml", "gpx"):
        return root
    if "<!doctype" in head.lower() and root != "html":
        raise refused(
            "it has a document type (DTD not allowed): no list of places needs one", "DTD", "DOCTYPE"
        )
    raise refused(f"is XML, but neither KML nor GPX (it begins with <{root[:40]}>)", "format", root[:40])


def _text_format(data: bytes, name: str) -> str:
    from geo_service.exchange.confined.delimited import decode, is_ovital

    if not name.lower().endswith((".txt", ".ovital")):
        return "csv"
    return "ovital" if is_ovital(decode(data, About())[:4000]) else "csv"


def read_any(data: bytes, options: Options, about: About) -> Rows:
    """
    Read a file of any known format; the task that a child runs.

    Parameters
    ----------
    data
        The whole file.
    options
        Its name, and which sheet is wanted.
    about
        Is told what the file is.

    Yields
    ------
    row
        The rows of the reader.
    """
    kind = format_of(data, options.name)
    suffix = options.name.rpartition(".")[2].lower() if "." in options.name else ""
    expected = _SUFFIXES.get(suffix, suffix)
    if expected in _READERS and expected != kind and suffix not in ("txt", "zip"):
        about.notes.append(f"the name ends in .{suffix}, but the content is {kind}")
    module, _, function = _READERS[kind].partition(":")
    for library in ("geopandas", "pandas", "pyarrow", *_WITHOUT.get(module, ())):
        sys.modules.setdefault(library, None)  # type: ignore[arg-type]  # None: as if it were not installed
    reader = getattr(importlib.import_module(f"geo_service.exchange.confined.{module}"), function)
    yield from reader(data, options, about)
