"""
Layers for QGIS and its kin, written by GDAL: GeoPackage and Shapefile.

GDAL dates what it writes; it is given the day of the data instead. Its options are global, so one thread
writes at a time.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pyogrio
import shapely

from geo_service.exchange.cells import EXTRA, Column, columns_for, rows_of
from geo_service.exchange.outgoing.job import Job, about_text
from geo_service.exchange.outgoing.tables import typed
from geo_service.layers import Feature, Layer, Place, to_shape
from geo_service.paper.writing import pack_zip

_GDAL = threading.Lock()
_IN_GEOMETRY = frozenset({"lon_wgs84", "lat_wgs84", "geometry_wkt"})
_GPKG_VERSION = "1.2"  # older QGIS and GDAL warn about later ones, which would add nothing here
MOST_BYTES = 254
"""What a text of a Shapefile holds, UTF-8."""

_SHORT: Mapping[str, str] = {
    "arrival_lon_wgs84": "arr_lon",
    "arrival_lat_wgs84": "arr_lat",
    "station_code": "stat_code",
    "ebike_parking": "ebike_park",
    "power_operator": "pow_oper",
    "power_voltage_v": "pow_volt",
    "power_slots": "pow_slots",
    "inspection_body": "insp_body",
    "inspection_date": "insp_date",
    "inspection_result": "insp_res",
    "tencent_uid": "tencentuid",
    "status_reason": "stat_why",
    "status_from": "stat_from",
    "status_until": "stat_until",
}


class _Attributes(NamedTuple):
    """Columns of one layer as GDAL wants them: values, and where there are none."""

    columns: tuple[Column, ...]
    values: list[Any]
    masks: list[Any]


# --- GeoPackage -------------------------------------------------------------------------


def to_gpkg(job: Job) -> bytes:
    """
    Write layers as one GeoPackage, a table each, columns by their keys, numbers as numbers.

    Parameters
    ----------
    job
        Layers of any number, WGS 84.

    Returns
    -------
    data
        The file.
    """
    with TemporaryDirectory() as folder, _dated(job):
        path = Path(folder, "layers.gpkg")
        for index, layer in enumerate(job.layers):
            held = _attributes(layer, job)
            names = [column.key for column in held.columns]
            options = {
                "driver": "GPKG",
                "layer": layer.name,
                "append": index > 0,
                "dataset_options": {"VERSION": _GPKG_VERSION},
                "layer_options": {
                    "DESCRIPTION": about_text(job),
                    "IDENTIFIER": f"{job.category(layer).zh} {layer.name}",
                },
            }
            _write(path, layer, names, held, options)
        return path.read_bytes()


@contextmanager
def _dated(job: Job) -> Iterator[None]:
    """Only one thread at a time, and the day of the data where GDAL would take the clock's."""
    with _GDAL:
        before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{job.on.isoformat()}T00:00:00.000Z"})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _write(path: Path, layer: Layer, names: list[str], held: _Attributes, options: dict[str, Any]) -> None:
    pyogrio.raw.write(
        str(path),
        geometry=_geometry(layer.features),
        field_data=held.values,
        fields=names,
        field_mask=held.masks,
        geometry_type=_geometry_type(layer.features),
        crs="EPSG:4326",
        encoding="UTF-8",
        **options,
    )


def _geometry(features: Sequence[Feature]) -> Any:
    shapes = [
        shapely.Point(feature.lon, feature.lat) if isinstance(feature, Place) else to_shape(feature.geometry)
        for feature in features
    ]
    return shapely.to_wkb(np.array(shapes, dtype=object), byte_order=1)


def _geometry_type(features: Sequence[Feature]) -> str:
    kinds = {"Point" if isinstance(f, Place) else str(f.geometry["type"]) for f in features}
    return kinds.pop() if len(kinds) == 1 else "Unknown"


def _attributes(layer: Layer, job: Job) -> _Attributes:
    columns = tuple(
        column
        for column in columns_for([layer], job.catalogue)
        if column.key not in _IN_GEOMETRY and not column.key.endswith("_gcj02")
    )
    rows = rows_of(layer.features)
    values, masks = [], []
    for column in columns:
        cells = [row.get(column.key) for row in rows]
        masks.append(np.array([cell is None for cell in cells], dtype=bool))
        values.append(_array(column, cells))
    return _Attributes(columns, values, masks)


def _array(column: Column, cells: Sequence[str | None]) -> Any:
    """Texts stay texts: a day as ISO, and e-bike parking, which is a flag or a number."""
    if column.kind == "number":
        return np.array([typed(column, cell) or 0.0 for cell in cells], dtype=np.float64)
    if column.kind == "whole":
        return np.array([typed(column, cell) or 0 for cell in cells], dtype=np.int64)
    return np.array([cell or "" for cell in cells], dtype=object)


# --- Shapefile --------------------------------------------------------------------------


def to_shp(job: Job) -> bytes:
    """
    Write layers as zipped Shapefiles, one each, with a legend of the short names.

    Parameters
    ----------
    job
        Layers of any number, WGS 84.

    Returns
    -------
    data
        The archive; the legend says which texts were cut.
    """
    files: dict[str, bytes] = {}
    legend = [about_text(job), ""]
    with TemporaryDirectory() as folder, _dated(job):
        for layer in job.layers:
            legend += _write_shp(Path(folder), layer, job)
        for path in sorted(Path(folder).iterdir()):
            files[path.name] = path.read_bytes()
    return pack_zip({**files, "legend.txt": ("\r\n".join(legend) + "\r\n").encode("utf-8-sig", "replace")})


def _write_shp(folder: Path, layer: Layer, job: Job) -> list[str]:
    held = _attributes(layer, job)
    names = short_names(held.columns)
    cut = [0] * len(names)
    for index, values in enumerate(held.values):
        if values.dtype == object:
            whole = values.tolist()
            values[:] = [_cut(text) for text in whole]
            cut[index] = sum(len(text.encode()) > MOST_BYTES for text in whole)
    options = {
        "driver": "ESRI Shapefile",
        "layer_options": {
            "DBF_DATE_LAST_UPDATE": job.on.isoformat(),
            "2GB_LIMIT": "YES",
        },
    }
    _write(folder / f"{layer.name}.shp", layer, names, held, options)
    lines = [f"[{layer.name}] {job.category(layer).zh} {job.category(layer).en}"]
    for name, column, count in zip(names, held.columns, cut, strict=True):
        lost = f" —— {count} 格截至 {MOST_BYTES} 字节 cut to {MOST_BYTES} bytes" if count else ""
        lines.append(f"{name:10} = {column.key}: {column.zh} {column.en}{lost}")
    return [*lines, ""]


def _cut(text: str) -> str:
    return text.encode("utf-8", "replace")[:MOST_BYTES].decode("utf-8", "ignore")


def short_names(columns: Sequence[Column]) -> list[str]:
    """
    Name columns in the ten characters a Shapefile has for it.

    Parameters
    ----------
    columns
        The columns.

    Returns
    -------
    names
        In the same order, all different whatever the case.

    Examples
    --------
    >>> from geo_service.exchange.cells import BY_KEY, extra_column
    >>> short_names([BY_KEY["name"], BY_KEY["inspection_date"], extra_column("cuisine_a"), extra_column("cuisine_b")])
    ['name', 'insp_date', 'x_cuisine_', 'x_cuisin_2']
    """
    names: list[str] = []
    for column in columns:
        short = _SHORT.get(column.key, column.key.replace(EXTRA, "x_", 1))[:10]
        name, count = short, 1
        while name in names:
            count += 1
            name = f"{short[: 9 - len(str(count))]}_{count}"
        names.append(name)
    return names
