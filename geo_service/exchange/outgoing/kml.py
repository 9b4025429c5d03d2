"""
Layers as KML 2.2 and KMZ: a folder each, the catalogue's colours, every cell as ExtendedData.

References
----------
OGC 07-147r2, "OGC KML" 2.2. Organic Maps takes a pin's colour from style names such as ``#placemark-red``,
so shared styles have those names; the exact colour stands in each placemark and wins elsewhere.
"""

import html
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from geo_service.exchange.cells import Cells, degrees, rows_of
from geo_service.exchange.outgoing.job import Job, about_text, xml_text
from geo_service.exchange.outgoing.readable import describe, label_of
from geo_service.layers import Area, Category, Feature, Layer, Place
from geo_service.paper.writing import pack_zip

_PALETTE: Mapping[str, str] = {
    "red": "#e51b23",
    "pink": "#ff4182",
    "purple": "#9b24b2",
    "deeppurple": "#6639bf",
    "blue": "#0066cc",
    "lightblue": "#249cf2",
    "cyan": "#14becd",
    "teal": "#00a58c",
    "green": "#3c8c3c",
    "lime": "#93bf39",
    "yellow": "#ffc800",
    "orange": "#ff9600",
    "deeporange": "#f06432",
    "brown": "#804633",
    "gray": "#737373",
    "bluegray": "#597380",
}
_PIN = "files/pin.png"
_PIN_PX = 64
_NOT_DATA = frozenset({"lon_wgs84", "lat_wgs84", "geometry_wkt"})


def to_kml(job: Job) -> bytes:
    """
    Write layers as one KML.

    Parameters
    ----------
    job
        Layers of any number, WGS 84.

    Returns
    -------
    data
        UTF-8.
    """
    return _document(job, icon="").encode()


def to_kmz(job: Job) -> bytes:
    """
    Write layers as one KMZ, the pin's picture inside: nothing is fetched from elsewhere.

    Parameters
    ----------
    job
        Layers of any number, WGS 84.

    Returns
    -------
    data
        The archive.
    """
    return pack_zip({"doc.kml": _document(job, _PIN).encode(), _PIN: _disc_png(_PIN_PX)})


def _document(job: Job, icon: str) -> str:
    colours = sorted({_nearest_colour(job.category(layer).colour) for layer in job.layers})
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2">',
        "<Document>",
        f"<name>{xml_text(job.name)}</name>",
        f"<description>{_html(about_text(job))}</description>",
        *(f'<Style id="placemark-{name}">{_style(_PALETTE[name], icon)}</Style>' for name in colours),
        *(line for layer in job.layers for line in _folder(layer, job, icon)),
        "</Document>",
        "</kml>",
    ]
    return "\n".join(lines) + "\n"


def _html(text: str) -> str:
    """Apps show descriptions as HTML: what looks like markup is escaped for them, then for XML."""
    return xml_text(html.escape(text, quote=False).replace("\n", "<br>"))


def _folder(layer: Layer, job: Job, icon: str) -> Iterator[str]:
    category = job.category(layer)
    yield "<Folder>"
    yield f"<name>{xml_text(f'{category.zh} {category.en}')}</name>"
    for feature, cells in zip(layer.features, rows_of(layer.features), strict=True):
        yield from _placemark(feature, cells, category, job, icon)
    yield "</Folder>"


def _placemark(feature: Feature, cells: Cells, category: Category, job: Job, icon: str) -> Iterator[str]:
    yield "<Placemark>"
    yield f"<name>{xml_text(label_of(feature) if isinstance(feature, Place) else feature.name)}</name>"
    if feature.status == "removed":
        yield "<visibility>0</visibility>"
    if isinstance(feature, Place) and (said := describe(feature, job.catalogue)):
        yield f"<description>{_html(said)}</description>"
    yield f"<styleUrl>#placemark-{_nearest_colour(category.colour)}</styleUrl>"
    yield f"<Style>{_style(category.colour, icon)}</Style>"
    yield "<ExtendedData>"
    for key, cell in cells.items():
        if key not in _NOT_DATA and not key.endswith("_gcj02"):
            yield f'<Data name="{xml_text(key)}"><value>{xml_text(cell)}</value></Data>'
    yield "</ExtendedData>"
    yield _geometry(feature)
    yield "</Placemark>"


def _style(colour: str, icon: str) -> str:
    opaque, sheer = _kml_colour(colour, "ff"), _kml_colour(colour, "33")
    href = f"<Icon><href>{icon}</href></Icon>" if icon else ""
    return (
        f"<IconStyle><color>{opaque}</color>{href}</IconStyle>"
        f"<LineStyle><color>{opaque}</color><width>2</width></LineStyle>"
        f"<PolyStyle><color>{sheer}</color></PolyStyle>"
    )


def _kml_colour(colour: str, alpha: str) -> str:
    """KML writes alpha, blue, green, red."""
    return alpha + colour[5:7] + colour[3:5] + colour[1:3]


def _nearest_colour(colour: str) -> str:
    wanted = _rgb(colour)
    return min(
        _PALETTE,
        key=lambda name: sum((a - b) ** 2 for a, b in zip(wanted, _rgb(_PALETTE[name]), strict=True)),
    )


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _geometry(feature: Feature) -> str:
    if not isinstance(feature, Area):
        return f"<Point><coordinates>{degrees(feature.lon)},{degrees(feature.lat)}</coordinates></Point>"
    coordinates: Any = feature.geometry["coordinates"]
    if feature.geometry["type"] == "Polygon":
        return _polygon(coordinates)
    return f"<MultiGeometry>{''.join(map(_polygon, coordinates))}</MultiGeometry>"


def _polygon(rings: Sequence[Sequence[Sequence[float]]]) -> str:
    outer, *holes = map(_ring, rings)
    inner = "".join(f"<innerBoundaryIs>{hole}</innerBoundaryIs>" for hole in holes)
    return f"<Polygon><outerBoundaryIs>{outer}</outerBoundaryIs>{inner}</Polygon>"


def _ring(ring: Sequence[Sequence[float]]) -> str:
    text = " ".join(f"{degrees(lon)},{degrees(lat)}" for lon, lat in ring)
    return f"<LinearRing><coordinates>{text}</coordinates></LinearRing>"


def _disc_png(side: int) -> bytes:
    """A white disc with a soft dark rim, to be tinted by the colour of the style."""
    centre, radius = (side - 1) / 2, side / 2 - 2
    rows = bytearray()
    for y in range(side):
        rows.append(0)
        for x in range(side):
            away = ((x - centre) ** 2 + (y - centre) ** 2) ** 0.5
            shade = 255 if away < radius - 4 else 200
            alpha = round(255 * min(max(radius - away + 0.5, 0), 1))
            rows += bytes((shade, shade, shade, alpha))
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
