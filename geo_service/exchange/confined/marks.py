"""Placemarks of KML and KMZ, waypoints of GPX, read as a stream by an XML parser that knows no entities."""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.parsers import expat

from geo_service.exchange.confined.rows import (
    MOST_ROWS,
    About,
    Options,
    Row,
    Rows,
    check_cell,
    refused,
)
from geo_service.exchange.confined.wkb import Ring
from geo_service.exchange.confined.zips import MOST_DEPTH, Budget, open_zip, plain_parser

_GB = re.compile(rb"""^<\?xml[^>]*encoding=["'](gb2312|gbk|gb18030)["']""", re.IGNORECASE)
_CHUNK = 2**16
_LEFT_OUT = {
    "Point",
    "MultiGeometry",
    "coordinates",
    "Placemark",
    "ExtendedData",
    "LookAt",
    "Camera",
    "Style",
    "StyleMap",
}
_SHAPES = {
    "LineString": "a line",
    "Polygon": "an area",
    "Track": "a track",
    "Model": "a model",
    "LinearRing": "a line",
}
_TAG = re.compile(r"<[^<>]*>")
Attributes = dict[str, str]


class _Stream:
    """Follows an XML file: which elements stand open, and the text of the innermost."""

    def __init__(self, about: About) -> None:
        self.about = about
        self.path: list[str] = []
        self.text: list[str] = []
        self.rows: list[Row] = []
        self.count = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        name = tag.rpartition(":")[2]
        self.path.append(name)
        if len(self.path) > MOST_DEPTH:
            raise refused(f"elements are nested deeper than {MOST_DEPTH} levels", "depth", MOST_DEPTH)
        self.text.clear()
        self.opened(name, attributes)

    def end(self, tag: str) -> None:
        name = self.path.pop()
        self.closed(name, "".join(self.text).strip())
        self.text.clear()

    def data(self, text: str) -> None:
        self.text.append(text)

    def opened(self, name: str, attributes: Attributes) -> None:
        """Take notice of an element that begins."""

    def closed(self, name: str, text: str) -> None:
        """Take notice of an element that ends, with the text after its last child."""

    def add(self, row: Row) -> None:
        self.count += 1
        if self.count > MOST_ROWS:
            raise refused(f"{row.where}: more than {MOST_ROWS} places; split the file", "rows", self.count)
        self.rows.append(row)

    def cells(self, values: dict[str, str], where: str) -> tuple[str | None, ...]:
        placed = {
            self.about.column(name): check_cell(text, where, name) or None for name, text in values.items()
        }
        return tuple(placed.get(index) for index in range(max(placed, default=-1) + 1))


class _Kml(_Stream):
    """Placemarks with their folders, data and points."""

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self.folders: list[str] = []
        self.values: dict[str, str] | None = None
        self.key = ""
        self.points: list[str] = []
        self.shapes: list[str] = []
        self.polygons: list[list[Ring | None]] = []

    def opened(self, name: str, attributes: Attributes) -> None:
        if name in ("Folder", "Document"):
            self.folders.append("")
        elif name == "Placemark":
            self.values, self.points, self.shapes, self.polygons = {}, [], [], []
            if "id" in attributes:
                self.values["id"] = attributes["id"]
        elif name in ("NetworkLink", "GroundOverlay", "PhotoOverlay", "ScreenOverlay"):
            note(self.about, f"{name} was not followed: nothing is fetched from elsewhere")
        elif name in ("Data", "SimpleData"):
            self.key = attributes.get("name", "")
        elif name in _SHAPES and self.values is not None and not (name == "LinearRing" and self.shapes):
            self.shapes.append(name)

    def closed(self, name: str, text: str) -> None:
        if name in ("Folder", "Document"):
            self.folders.pop()
        elif name == "Placemark":
            self._finish()
        elif name == "name" and self.path and self.path[-1] in ("Folder", "Document") and self.folders:
            self.folders[-1] = text
        elif self.values is not None:
            self._take(name, text, self.values)

    def _take(self, name: str, text: str, values: dict[str, str]) -> None:
        parent = self.path[-1] if self.path else ""
        if name == "coordinates" and parent == "Point":
            self.points.append(text)
        elif name == "coordinates" and "Polygon" in self.path:
            self._take_ring(_ring(text))
        elif name == "SimpleData" or (name == "value" and parent == "Data"):
            _override(values, self.key, text)
        elif parent == "Placemark" and name not in _LEFT_OUT | set(_SHAPES) and text:
            _put(values, name, _TAG.sub(" ", text) if name == "description" else text)

    def _take_ring(self, ring: Ring | None) -> None:
        if "innerBoundaryIs" in self.path and self.polygons:
            self.polygons[-1].append(ring)
        else:
            self.polygons.append([ring])

    def _area(self) -> dict[str, Any] | None:
        is_whole = self.polygons and all(ring for polygon in self.polygons for ring in polygon)
        if not is_whole or set(self.shapes) != {"Polygon"}:
            return None
        is_one = len(self.polygons) == 1
        coordinates: list[Any] = self.polygons[0] if is_one else self.polygons
        return {"type": "Polygon" if is_one else "MultiPolygon", "coordinates": coordinates}

    def _finish(self) -> None:
        assert self.values is not None
        where = f"Placemark {self.count + 1}"
        folder = next((name for name in reversed(self.folders[1:]) if name), "")
        if folder:
            _put(self.values, "folder", folder)
        fault, point = "", None
        if self.shapes or len(self.points) > 1:
            what = _SHAPES[self.shapes[0]] if self.shapes else f"{len(self.points)} points"
            fault = f"is {what}; a place is one point"
        elif self.points:
            point, fault = _lonlat(self.points[0])
        self.add(Row(where, self.cells(self.values, where), point, None, fault, self._area()))
        self.values = None


class _Gpx(_Stream):
    """Waypoints, with what stands in their extensions."""

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self.values: dict[str, str] | None = None
        self.point: tuple[float, float] | None = None
        self.fault = ""

    def opened(self, name: str, attributes: Attributes) -> None:
        if name == "wpt":
            self.values = {}
            self.point, self.fault = _lonlat(f"{attributes.get('lon', '')},{attributes.get('lat', '')}")
        elif name in ("trk", "rte") and len(self.path) == 2:
            note(self.about, "tracks and routes were left out: a place is one waypoint")
        elif name == "link" and self.values is not None and "href" in attributes:
            _put(self.values, "link", attributes["href"])

    def closed(self, name: str, text: str) -> None:
        if self.values is None:
            return
        if name == "wpt":
            where = f"wpt {self.count + 1}"
            self.add(Row(where, self.cells(self.values, where), self.point, None, self.fault))
            self.values = None
        elif text and self.path and name not in ("link", "extensions"):
            _put(self.values, name, text)


def note(about: About, text: str) -> None:
    """
    Tell something once.

    Parameters
    ----------
    about
        Is told.
    text
        A sentence.
    """
    if text not in about.notes and len(about.notes) < 50:
        about.notes.append(text)


def _put(values: dict[str, str], key: str, text: str) -> None:
    key = " ".join(key.split())[:200] or "data"
    if values.get(key) == text:
        return
    count = 2
    while key in values:
        key = f"{key.split(' (')[0]} ({count})"
        count += 1
    values[key] = text


def _override(values: dict[str, str], key: str, text: str) -> None:
    """What data says of itself counts more than the element of that name, which is made for the eye."""
    earlier = values.pop(key, None)
    values[" ".join(key.split())[:200] or "data"] = text
    if earlier not in (None, text):
        _put(values, key, str(earlier))


_NUMBER = re.compile(r"[+-]?\d{1,4}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,2})?", re.ASCII)


def _lonlat(text: str) -> tuple[tuple[float, float] | None, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(text) > 200 or (len(text.split()) > 1 and "," not in text.split()[0]):
        return None, f"coordinates {text[:40]!r} are not lon,lat"
    if len(parts) not in (2, 3) or not all(_NUMBER.fullmatch(part) for part in parts[:2]):
        return None, f"coordinates {text[:40]!r} are not lon,lat"
    return (float(parts[0]), float(parts[1])), ""


def _ring(text: str) -> Ring | None:
    """Read the positions of a ring; None if one of them is none."""
    positions = [_lonlat(word)[0] for word in text.split()]
    return None if None in positions else [one for one in positions if one]


def _recoded(data: bytes) -> tuple[bytes, str | None]:
    """Expat knows no Chinese encodings; those are turned into UTF-8 first."""
    if not _GB.match(data[:200]):
        return data, None
    try:
        return data.decode("gb18030").encode(), "utf-8"
    except UnicodeDecodeError as error:
        fault = f"byte {error.start} is not in the encoding the file names"
        raise refused(fault, "encoding", error.start) from error


def _stream(data: bytes, handler: _Stream, about: About) -> Iterator[Row]:
    recoded, encoding = _recoded(data)
    about.encoding = (
        "GB18030"
        if encoding
        else "UTF-16"
        if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        else "UTF-8"
    )
    parser = plain_parser(encoding)
    parser.StartElementHandler, parser.EndElementHandler = handler.start, handler.end
    parser.CharacterDataHandler = handler.data
    try:
        for start in range(0, len(recoded), _CHUNK):
            parser.Parse(recoded[start : start + _CHUNK], False)
            yield from handler.rows
            handler.rows = []
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:
        fault = str(error).splitlines()[0][:120]
        raise refused(f"is no XML we read: {fault} (after {handler.count} places)", "xml", fault) from error
    yield from handler.rows


def read_kml(data: bytes, options: Options, about: About) -> Rows:
    """
    Read the Placemarks of a KML file.

    Parameters
    ----------
    data
        The whole file.
    options
        Not needed.
    about
        Is told the columns; ``folder`` holds the innermost folder's name.

    Yields
    ------
    row
        One per Placemark.
    """
    del options
    about.format, about.declared_datum = about.format or "kml", "wgs84"
    yield from _stream(data, _Kml(about), about)


def read_kmz(data: bytes, options: Options, about: About) -> Rows:
    """
    Read the Placemarks of a KMZ file: of ``doc.kml``, or of its only KML file.

    Parameters
    ----------
    data
        The whole file.
    options
        Not needed.
    about
        Is told the columns.

    Yields
    ------
    row
        One per Placemark.
    """
    packed, members = open_zip(data)
    names = [name for name in members if name.lower().endswith(".kml")]
    if "doc.kml" in members:
        names = ["doc.kml"]
    if len(names) != 1:
        raise refused(f"it holds {len(names)} KML files; one is read", "entry", len(names))
    about.format = "kmz"
    budget = Budget()
    inner = budget.bytes_of(packed, members[names[0]])
    for name, entry in members.items():
        if name != names[0]:
            for _ in budget.chunks(packed, entry):
                pass
    yield from read_kml(inner, options, about)


def read_gpx(data: bytes, options: Options, about: About) -> Rows:
    """
    Read the waypoints of a GPX file.

    Parameters
    ----------
    data
        The whole file.
    options
        Not needed.
    about
        Is told the columns.

    Yields
    ------
    row
        One per waypoint.
    """
    del options
    about.format, about.declared_datum = "gpx", "wgs84"
    yield from _stream(data, _Gpx(about), about)


Reader = Callable[[bytes, Options, About], Rows]
