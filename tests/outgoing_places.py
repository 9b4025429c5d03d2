"""Seeded places that fill every field, with texts that break careless writers, and plain readers of each format."""

import csv
import io
import random
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pyogrio
import shapely

from geo_service.exchange.cells import COLUMNS, feature_of
from geo_service.exchange.outgoing import Export
from geo_service.layers import (
    CATALOGUE,
    CHECK_KINDS,
    Catalogue,
    Layer,
    catalogue_with,
    feature_from_json,
    parse_layer,
)
from geo_service.layers.strict_json import read_json
from geo_service.paper.formulas import STARTS, decode_codes, unescape_cell

CANTEEN = {
    "zh": "食堂",
    "en": "Canteen",
    "pin": "食",
    "colour": "#aa3300",
    "fields": ["cuisine", "is_halal", "tags"],
}
WIDER: Catalogue = catalogue_with({"canteen": CANTEEN})

HOSTILE = (
    *(f"{start}SUM(A1)" for start in STARTS if start.isprintable()),
    '=HYPERLINK("http://x","y")', "'quoted", "''twice", '"', '""', "a,b;c\td".replace("\t", " "), "a|b\\c", "[x](y)",
    "<b>&amp;</b>", "]]>", "<!-- -->", "&#10;", "🛵🏮", "שלום עולם", "مرحبا", "𠮷野家",
    "_x0041_", "_x005F_", "#N/A", "TRUE",
    "1e5", "00123", "24/7", "2026-01-02", " leading", "trailing ", "a  b", "NULL", "nan", "{{7*7}}", "%00", "\u3000x",
    "C:\\new", "it's", "x" * 60, "é\u0301", "0", "-", "名称/name",
)  # fmt: skip
HOURS = ("24/7", "Mo-Fr 08:00-20:00", "Mo-Fr 08:30-12:00,13:30-18:00; PH off", "Mo-Su 22:00-06:00")


def random_layers(seed: int, count: int, *, is_signed: bool = False) -> tuple[Layer, ...]:
    """
    Places and blocks of five layers; the same for the same seed; each passes the check of the model.

    Signed ones all say source, licence and checks; an import would sign the others itself.
    """
    chance = random.Random(seed)
    found: dict[str, list] = {"station": [], "swap": [], "merchant": [], "canteen": [], "block": []}
    for index in range(count):
        layer = chance.choice(list(found))
        obj = {"type": "Feature", "id": f"{layer}-{index:04d}", **_feature(chance, layer, index == 0)}
        if is_signed:
            obj["properties"]["provenance"] = _provenance(chance)
        found[layer].append(feature_from_json(obj, layer, WIDER))
    return tuple(Layer(name, tuple(features)) for name, features in found.items())


def _feature(chance: random.Random, layer: str, is_full: bool) -> dict:
    lonlat = [round(chance.uniform(73, 135), 7), round(chance.uniform(18, 53), 7)]
    share = 1.0 if is_full else chance.choice((0.1, 0.6, 1.0))
    fields = {name: make(chance) for name, make in _MAKERS.items() if name in WIDER[layer].fields}
    if "arrival" in fields:
        fields["arrival"] = [round(lonlat[0] + chance.uniform(-0.005, 0.005), 7), lonlat[1]]
    kept = {name: value for name, value in fields.items() if chance.random() < share}
    properties = {"name": _text(chance), **kept, **_status(chance)}
    return {
        "geometry": _block(lonlat, chance) if layer == "block" else _pin(lonlat),
        "properties": properties,
    }


def _pin(lonlat: list[float]) -> dict:
    return {"type": "Point", "coordinates": lonlat}


def _block(lonlat: list[float], chance: random.Random) -> dict:
    lon, lat = lonlat
    outer = [[lon, lat], [lon + 0.01, lat], [lon + 0.01, lat + 0.01], [lon, lat + 0.01], [lon, lat]]
    hole = [[lon + x, lat + y] for x, y in ((0.002, 0.002), (0.002, 0.004), (0.004, 0.004), (0.002, 0.002))]
    rings = [outer, hole] if chance.random() < 0.5 else [outer]
    if chance.random() < 0.3:
        far = [[[x + 0.1, y] for x, y in outer]]
        return {"type": "MultiPolygon", "coordinates": [rings, far]}
    return {"type": "Polygon", "coordinates": rings}


def _text(chance: random.Random) -> str:
    return chance.choice(HOSTILE)


def _day(chance: random.Random) -> str:
    return (date(2020, 1, 1) + timedelta(days=chance.randrange(2500))).isoformat()


def _status(chance: random.Random) -> dict:
    first, last = sorted((_day(chance), _day(chance)))
    dated = {"status_from": first, "status_until": last, "status_reason": _text(chance)}
    return {
        "status": chance.choice(("active", "paused", "removed")),
        **(dated if chance.random() < 0.4 else {}),
    }


def _service(chance: random.Random) -> dict:
    first, last = sorted((_day(chance), _day(chance)))
    whole = {"hours": chance.choice(HOURS), "note": _text(chance), "price": _text(chance)}
    whole |= {"valid_from": first, "valid_until": last}
    kept = {name: value for name, value in whole.items() if chance.random() < 0.5}
    return {"kind": chance.choice(sorted(CATALOGUE.services)), **kept}


def _access(chance: random.Random) -> dict:
    method = chance.choice(("open", "code", "qr", "staff", "gate"))
    return {"method": method, "hours": chance.choice(HOURS), "note": _text(chance)}


def _listing(chance: random.Random) -> dict:
    return {"vendor": chance.choice(("amap", "baidu")), "status": "listed", "checked_on": _day(chance)}


def _ids(chance: random.Random) -> dict:
    return {
        "amap_poiid": "B0FFG12345",
        "baidu_uid": "00e7",
        "tencent_uid": "1e5",
        "osm": f"node/{chance.randrange(1, 10**12)}",
    }


def _provenance(chance: random.Random) -> dict:
    kinds = chance.sample(CHECK_KINDS, 4)
    checked = {kind: {"on": _day(chance), "role": chance.choice(("desk", "import"))} for kind in kinds}
    sources = (
        ("synthetic", "CC0-1.0"),
        ("OpenStreetMap", "ODbL-1.0"),
        ("街道台账", "内部使用"),
        (_text(chance), _text(chance)),
    )
    source, licence = chance.choice(sources)
    return {"source": source, "licence": licence, "checked": checked}


_MAKERS = {
    "arrival": lambda _: [],  # beside the pin
    **dict.fromkeys(("address", "network", "host_type", "operator", "station_code"), _text),
    "phone": lambda c: c.choice(("010-12345678", "+86 10 1234", "13800000000", "=1"[1:] + "00")),
    "class": lambda c: c.choice(("standard", "below", "micro", "mobile")),
    "area_m2": lambda c: c.choice((0.1, 12.5, 100, 33.333333333333336, 1e-5)),
    "seats": lambda c: c.randrange(50),
    "headcount": lambda c: c.randrange(50),
    "hours": lambda c: c.choice(HOURS),
    "services": lambda c: [_service(c) for _ in range(c.randrange(1, 6))],
    "access": lambda c: [_access(c) for _ in range(c.randrange(1, 4))],
    "ebike_parking": lambda c: c.choice((True, False, 0, 1, 25)),
    "power": lambda c: {"operator": _text(c), "plan": _text(c), "voltage_v": [48, 60], "slots": c.randrange(20)},
    "open_to": lambda c: c.sample(("courier", "rider", "driver"), 2),
    "photos": lambda c: ["a.jpg", "2026/b_1.jpg"],
    "inspection": lambda c: {"body": _text(c), "date": _day(c), "result": _text(c)},
    "listing": lambda c: [_listing(c), _listing(c)],
    "external_ids": _ids,
    "provenance": _provenance,
    "cuisine": lambda c: c.choice((*HOSTILE, 12, 1.5, True, "12", "true")),
    "is_halal": lambda c: c.choice((True, False)),
    "tags": lambda c: [_text(c), _text(c)],
}  # fmt: skip


def demo_layers(district: str) -> tuple[Layer, ...]:
    """The layers of a demo district, as they ship."""
    folder = Path(__file__).resolve().parents[1] / "data" / "geojson" / district
    return tuple(parse_layer(path.read_bytes(), path.stem) for path in sorted(folder.glob("*.geojson")))


# --- readers: the shortest way from a file back to cells ---------------------------------

KEYS = {column.heading: column.key for column in COLUMNS}


def layers_from(export: Export, names: list[str], catalogue: Catalogue = WIDER) -> tuple[Layer, ...]:
    """Read an export back the shortest way: cells, Features, the check of the model, layers."""
    suffix = Path(export.file_name).suffix
    if suffix == ".geojson":
        read_json(export.data, "export")
        return (parse_layer(export.data, names[0], catalogue),)
    rows: dict[str, list] = {name: [] for name in names}
    for cells in READERS[suffix](export.data):
        layer = cells["layer"]
        rows[layer].append(feature_from_json(feature_of(cells, layer, catalogue), layer, catalogue))
    return tuple(Layer(name, tuple(features)) for name, features in rows.items())


def _key(heading: str) -> str:
    return KEYS.get(heading) or heading.split("/")[-1]


def _csv_cells(data: bytes) -> Iterator[dict]:
    heads, *lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    for line in lines:
        yield {_key(head): unescape_cell(cell) for head, cell in zip(heads, line, strict=True) if cell}


def _xlsx_cells(data: bytes) -> Iterator[dict]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    for sheet in book.worksheets:
        heads, *lines = sheet.iter_rows(values_only=True)
        if "编号/id" in heads:
            for line in lines:
                pairs = zip(map(_key, heads), line, strict=True)
                yield {key: _xlsx_text(value) for key, value in pairs if value is not None}


def _xlsx_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.date().isoformat()
    return unescape_cell(decode_codes(value)) if isinstance(value, str) else repr(value)


def _kml_cells(data: bytes) -> Iterator[dict]:
    space = "{http://www.opengis.net/kml/2.2}"
    for mark in ElementTree.fromstring(data).iter(f"{space}Placemark"):
        cells = {one.get("name"): one.findtext(f"{space}value") for one in mark.iter(f"{space}Data")}
        point = mark.find(f"{space}Point/{space}coordinates")
        if point is not None:
            lon, lat = point.text.split(",")
            yield cells | {"lon_wgs84": lon, "lat_wgs84": lat}
        else:
            polygons = [_kml_rings(polygon, space) for polygon in mark.iter(f"{space}Polygon")]
            is_multi = mark.find(f"{space}MultiGeometry") is not None
            shape = shapely.MultiPolygon(polygons) if is_multi else shapely.Polygon(*polygons[0])
            yield cells | {"geometry_wkt": shapely.to_wkt(shape, 7)}


def _kml_rings(polygon: ElementTree.Element, space: str) -> tuple:
    rings = [
        [tuple(map(float, pair.split(","))) for pair in one.text.split()]
        for one in polygon.iter(f"{space}coordinates")
    ]
    return rings[0], rings[1:]


def _kmz_cells(data: bytes) -> Iterator[dict]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        yield from _kml_cells(packed.read("doc.kml"))


def _gpkg_cells(data: bytes) -> Iterator[dict]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.gpkg")
        path.write_bytes(data)
        for layer, _ in pyogrio.list_layers(path):
            meta, _, shapes, values = pyogrio.raw.read(path, layer=layer)
            for shape, *row in zip(shapely.from_wkb(shapes), *values, strict=True):
                pairs = zip(meta["fields"], row, strict=True)
                cells = {key: _plain(value) for key, value in pairs if value is not None and value == value}
                is_point = isinstance(shape, shapely.Point)
                where = {"lon_wgs84": repr(shape.x), "lat_wgs84": repr(shape.y)} if is_point else {}
                yield cells | (where or {"geometry_wkt": shapely.to_wkt(shape, 7)})


def _plain(value: object) -> str:
    number = value.item() if isinstance(value, np.generic) else value
    return (
        number if isinstance(number, str) else f"{number:.0f}" if float(number).is_integer() else repr(number)
    )


READERS = {
    ".csv": _csv_cells,
    ".xlsx": _xlsx_cells,
    ".kml": _kml_cells,
    ".kmz": _kmz_cells,
    ".gpkg": _gpkg_cells,
}
