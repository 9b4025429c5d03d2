"""GeoPackages and Shapefiles through GDAL, from memory; coordinates in whatever system they state become WGS 84."""

import io
import math
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from geo_service.errors import InvalidInputError
from geo_service.exchange.confined.rows import (
    MOST_COLUMNS,
    MOST_ROWS,
    About,
    Options,
    Row,
    Rows,
    check_cell,
    choose_sheet,
    refused,
)
from geo_service.exchange.confined.wkb import Ring, Shape, read_shape
from geo_service.exchange.confined.zips import Budget, open_zip

_GDAL_FAULTS = (DataLayerError, DataSourceError, FeatureError, ValueError, RuntimeError, UnicodeDecodeError)
Move = Callable[[Ring], Ring]
_SAFE_TRIGGER = re.compile(
    r"(?:rtree_|gpkg_|trigger_(?:insert|delete)_feature_count_|feature_count_)", re.IGNORECASE
)
_SAFE_VIRTUAL = re.compile(r"using\s+rtree", re.IGNORECASE)


def read_gpkg(data: bytes, options: Options, about: About) -> Rows:
    """
    Read the points of one layer of a GeoPackage.

    Parameters
    ----------
    data
        The whole file.
    options
        Names the layer if there are several.
    about
        Is told layers and columns.

    Yields
    ------
    row
        One per feature.

    Raises
    ------
    InvalidInputError
        If it is damaged, or holds programs (triggers of its own, virtual tables) or views instead of plain tables.
    """
    about.format, about.encoding = "gpkg", "UTF-8"
    _check_header(data)
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(data) if kind is not None]
        tables = _check_tables(data)
    except InvalidInputError:
        raise
    except _GDAL_FAULTS as error:
        raise refused(f"the GeoPackage is damaged: {_said(error)}") from error
    about.sheets = layers
    layer = choose_sheet(layers, layers, options, "layer")
    if tables.get(layer.lower()) != "table":
        raise refused(f"layer {layer[:60]!r} is no plain table; save it as one", "layer", layer[:60])
    about.sheet = layer
    yield from _features(data, about, layer=layer)


def _check_header(data: bytes) -> None:
    """Hold what the header says of the file's length against the length."""
    page = struct.unpack(">H", data[16:18])[0] if len(data) >= 100 else 0
    size = 65536 if page == 1 else page
    pages = struct.unpack(">I", data[28:32])[0] if size else 0
    if size < 512 or size & (size - 1) or len(data) % size or (pages and pages * size > len(data)):
        raise refused("the GeoPackage is damaged or cut off: its length is not what its header says")


def _check_tables(data: bytes) -> dict[str, str]:
    """Kinds of tables by name; refuses a database that holds programs."""
    sql = "SELECT type, name, coalesce(sql, '') AS body FROM sqlite_master"
    _, _, _, (kinds, names, bodies) = pyogrio.raw.read(data, sql=sql, read_geometry=False)
    for kind, name, body in zip(kinds, names, bodies, strict=True):
        is_program = kind == "trigger" and not _SAFE_TRIGGER.match(name)
        is_virtual = body.lower().startswith("create virtual") and not _SAFE_VIRTUAL.search(body)
        if is_program or is_virtual:
            what = "a trigger" if is_program else "a virtual table"
            raise refused(
                f"the GeoPackage holds {what} {name[:60]!r}; a list of places needs none", kind, name[:60]
            )
    _, _, _, (answers,) = pyogrio.raw.read(data, sql="PRAGMA quick_check(1)", read_geometry=False)
    if list(answers) != ["ok"]:
        raise refused(f"the GeoPackage is damaged: {' '.join(map(str, answers))[:120]}")
    return {str(name).lower(): str(kind) for kind, name in zip(kinds, names, strict=True)}


def read_shp(data: bytes, options: Options, about: About) -> Rows:
    """
    Read the points of a packed Shapefile.

    Parameters
    ----------
    data
        The zip with .shp, .shx, .dbf and, if there are, .prj and .cpg.
    options
        Names the Shapefile if there are several.
    about
        Is told columns and encoding.

    Yields
    ------
    row
        One per record.
    """
    about.format = "shp"
    packed, members = open_zip(data)
    stems = {name[:-4]: name for name in members if name.lower().endswith(".shp") and "__MACOSX" not in name}
    about.sheets = [stem.rpartition("/")[2] for stem in stems]
    chosen = choose_sheet(about.sheets, about.sheets, options, "layer")
    about.sheet = chosen
    stem = next(stem for stem in stems if stem.rpartition("/")[2] == chosen)
    budget = Budget()
    parts: dict[str, bytes] = {}
    for name, entry in members.items():
        suffix = name[len(stem) :].lower() if name.startswith(stem + ".") else ""
        inner = budget.bytes_of(packed, entry)
        if suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
            parts[suffix] = inner
    _check_parts(parts)
    about.encoding = _dbf_encoding(parts)
    options_gdal: dict[str, Any] = {"encoding": about.encoding}
    yield from _features(_clean(parts), about, ".prj" in parts, **options_gdal)


def _check_parts(parts: dict[str, bytes]) -> None:
    for suffix in (".shp", ".shx", ".dbf"):
        if suffix not in parts:
            raise refused(
                f"the Shapefile has no {suffix}; pack .shp, .shx, .dbf and .prj together", "entry", suffix
            )
    shp, shx, dbf = parts[".shp"], parts[".shx"], parts[".dbf"]
    for suffix, part in ((".shp", shp), (".shx", shx)):
        is_shape = len(part) >= 100 and struct.unpack(">i", part[:4])[0] == 9994
        if not is_shape or 2 * struct.unpack(">i", part[24:28])[0] != len(part):
            raise refused(
                f"the {suffix} is damaged or cut off: its length is not what its header says", "entry", suffix
            )
    count = (len(shx) - 100) // 8
    if len(dbf) < 33:
        raise refused("the .dbf is damaged or cut off", "entry", ".dbf")
    records, header, width = struct.unpack("<IHH", dbf[4:12])
    if records != count:
        raise refused(
            f"the .dbf has {records} records, the .shx {count}; they belong to two files", "records", records
        )
    if header < 33 or width < 1 or len(dbf) < header + records * width:
        raise refused(f"the .dbf is cut off: {records} records do not fit", "records", records)
    _check_offsets(shx, len(shp), count)


def _check_offsets(shx: bytes, length: int, count: int) -> None:
    offsets = np.frombuffer(shx[100 : 100 + 8 * count], dtype=">i4").reshape(-1, 2).astype(np.int64) * 2
    ends = offsets[:, 0] + 8 + offsets[:, 1]
    if count and (offsets[:, 0].min() < 100 or offsets[:, 1].min() < 0 or ends.max() > length):
        row = int(np.argmax((offsets[:, 0] < 100) | (ends > length) | (offsets[:, 1] < 0))) + 1
        raise refused(f"record {row}: the .shx leads outside of the .shp", "record", row)


def _dbf_encoding(parts: dict[str, bytes]) -> str:
    """What the .cpg states; without one UTF-8 if the table is that, else GB18030."""
    stated = (
        parts.get(".cpg", b"").decode("ascii", "replace").strip().upper().replace("-", "").replace("_", "")
    )
    if stated:
        known = {"UTF8": "UTF-8", "65001": "UTF-8", "GBK": "GB18030", "GB2312": "GB18030", "936": "GB18030"}
        known |= {"CP936": "GB18030", "GB18030": "GB18030", "54936": "GB18030", "ANSI 936": "GB18030"}
        return known.get(
            stated, "ISO-8859-1" if stated in ("88591", "ISO88591", "1252", "LATIN1") else "UTF-8"
        )
    try:
        parts[".dbf"].decode("utf-8")
    except UnicodeDecodeError:
        return "GB18030"
    return "UTF-8"


def _clean(parts: dict[str, bytes]) -> bytes:
    """Pack again what was unpacked, under names of ours: GDAL sees nothing of the stranger's archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for suffix, part in parts.items():
            if suffix != ".cpg":
                packed.writestr(f"layer{suffix}", part)
    return buffer.getvalue()


def _features(data: bytes, about: About, is_stated: bool = False, **options: Any) -> Rows:
    try:
        info = pyogrio.read_info(data, **options)
        if info["features"] > MOST_ROWS or len(info["fields"]) > MOST_COLUMNS - 1:
            fault = f"{info['features']} rows, {len(info['fields'])} columns; at most {MOST_ROWS} and {MOST_COLUMNS}"
            raise refused(fault, "rows", int(info["features"]))
        meta, ids, geometries, values = pyogrio.raw.read(
            data, return_fids=True, datetime_as_string=True, **options
        )
    except InvalidInputError:
        raise
    except _GDAL_FAULTS as error:
        raise refused(f"it is damaged: {_said(error)}") from error
    if 0 <= info["features"] != len(geometries):
        raise refused(f"it promises {info['features']} rows and has {len(geometries)}; it is damaged", "rows")
    about.columns += [str(name) for name in meta["fields"]]
    shapes = [read_shape(blob) for blob in geometries]
    move = _mover(meta["crs"], about, is_stated)
    points = iter(move([shape.point for shape in shapes if shape.point]))
    is_cut = about.format == "shp"
    if is_cut:
        about.notes.append(
            f"texts of {_SHP_BYTES - 2} bytes and more were left out: a Shapefile cuts them off"
        )
    most_bytes = _SHP_BYTES if is_cut else 0
    columns = [column.tolist() for column in values]
    for index, (key, shape) in enumerate(zip(ids.tolist(), shapes, strict=True)):
        where = f"feature {key}"
        cells = tuple(_cell(column[index], where, most_bytes) for column in columns)
        point = next(points) if shape.point else None
        yield Row(where, cells, point, None, shape.fault, _area(shape, move))


_SHP_BYTES = 254


def _area(shape: Shape, move: Move) -> dict[str, Any] | None:
    if not shape.polygons:
        return None
    polygons = [[move(ring) for ring in polygon] for polygon in shape.polygons]
    is_one = len(polygons) == 1
    return {
        "type": "Polygon" if is_one else "MultiPolygon",
        "coordinates": polygons[0] if is_one else polygons,
    }


def _cell(value: Any, where: str, most_bytes: int) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bytes | list):
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if most_bytes and len(text.encode("utf-8", "replace")) >= most_bytes - 2:
        return None
    return check_cell(text, where, "") or None


def _mover(crs: str | None, about: About, is_stated: bool) -> Move:
    """Make what turns positions of the file's coordinate system into WGS 84."""
    if crs is None and is_stated:
        raise refused("the .prj states no coordinate system we know; save it with one", "crs")
    if crs is None:
        about.notes.append(
            "the coordinate system is not stated; degrees of longitude and latitude are assumed"
        )
        return lambda points: points
    try:
        system = CRS.from_user_input(crs)
        about.declared_datum = "wgs84"
        if _is_known_as_wgs84(system):
            return lambda points: points
        transform = Transformer.from_crs(system, 4326, always_xy=True)
    except ProjError as error:
        fault = f"the coordinate system cannot be used: {_said(error)}"
        raise refused(fault, "crs", str(crs)[:80]) from error
    about.notes.append(f"coordinates were converted from {system.name[:80]} to WGS 84")
    return lambda points: _moved(transform, points)


def _moved(transform: Any, points: Ring) -> Ring:
    if not points:
        return points
    xs, ys = transform.transform(*np.array(points).T)
    return list(zip(np.asarray(xs).tolist(), np.asarray(ys).tolist(), strict=True))


def _is_known_as_wgs84(system: CRS) -> bool:
    # CGCS 2000 differs from WGS 84 by centimetres
    return system.is_geographic and system.name in (
        "WGS 84",
        "WGS 84 (CRS84)",
        "GCS_WGS_1984",
        "CGCS2000",
        "China Geodetic Coordinate System 2000",
        "GCS_China_Geodetic_Coordinate_System_2000",
    )


def _said(error: BaseException) -> str:
    said = (str(error).splitlines() or [""])[0]
    return re.sub(r"'?/vsimem/\S*'?", "it", said)[:160] or type(error).__name__
