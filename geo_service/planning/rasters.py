"""
Demand counted in the cells of a raster, such as those of WorldPop: each cell becomes a point with its count.

A raster is read only where the district lies, so that one of a whole country is no burden. It must say what its
coordinates mean; centres of cells are brought to WGS 84.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyproj

from geo_service.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]

DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".asc": "AAIGrid"}
"""What rasters may be: GeoTIFF and ESRI ASCII grid, by the end of the name."""

MOST_CELLS = 250_000
"""Cells over a district that are looked at; of finer rasters give a coarser one."""


class Cells(NamedTuple):
    """
    Cells of a raster that hold something.

    Parameters
    ----------
    row, column
        Where in the raster, from 0, shape ``(n,)``.
    lonlat
        Centres, WGS 84 degrees, shape ``(n, 2)``.
    size
        What they hold, above 0, shape ``(n,)``.
    """

    row: LongArray
    column: LongArray
    lonlat: FloatArray
    size: FloatArray

    def each(self) -> Iterator[tuple[int, int, float, float, float]]:
        """Row, column, longitude, latitude and what it holds, cell by cell."""
        lon, lat = self.lonlat.T
        columns = (self.row, self.column, lon, lat, self.size)
        return zip(*(column.tolist() for column in columns), strict=True)


def is_raster(name: str) -> bool:
    """
    Whether a file is a raster by the end of its name.

    Parameters
    ----------
    name
        Of the file.

    Returns
    -------
    is_raster
        Case does not matter.
    """
    return Path(name).suffix.lower() in DRIVERS


def read_cells(path: Path, bbox: tuple[float, float, float, float]) -> Cells:
    """
    Read the cells of a raster whose centres lie in a box.

    Parameters
    ----------
    path
        GeoTIFF, or ESRI ASCII grid with its ``.prj`` beside it; one band of counts, not densities.
    bbox
        WGS 84 degrees.

    Returns
    -------
    cells
        Without empty ones and those that hold no data.

    Raises
    ------
    InvalidInputError
        If it cannot be read, has no CRS, is turned, has several bands, does not meet the box, is too fine, or holds
        what is no count; cell and value are named.
    """
    with _opened(path.name, path.resolve(), DRIVERS[path.suffix.lower()]) as raster:
        return _cells(path.name, raster, bbox)


def confined_cells(data: bytes, options: Any, about: Any) -> Iterator[tuple[Any, ...]]:
    """
    Read the same cells of a stranger's GeoTIFF; the task of a confined child, which has its bytes and no file.

    Parameters
    ----------
    data
        The whole file.
    options
        With its ``name`` and the ``box`` that is wanted, WGS 84 degrees.
    about
        Is told the format.

    Yields
    ------
    row
        As the readers of tables give rows: where it is, and as its cells what `Cells.each` says.
    """
    about.format, about.columns = "raster", ["row", "column", "lon", "lat", "size"]
    rasterio = _library()
    # whoever started the child puts the file's name in front of a refusal
    with (
        rasterio.Env(GDAL_CACHEMAX=32),
        rasterio.MemoryFile(data) as held,
        _opened("it", held.name, "GTiff") as raster,
    ):
        cells = _cells("it", raster, tuple(options.box))
    for cell in cells.each():
        yield f"cell {cell[0]}/{cell[1]}", cell, None, None, "", None


def _cells(name: str, raster: Any, bbox: tuple[float, float, float, float]) -> Cells:
    to_crs = pyproj.Transformer.from_crs("EPSG:4326", raster.crs.to_wkt(), always_xy=True)
    window = _window(name, raster, to_crs.transform_bounds(*bbox))
    values = np.ma.filled(raster.read(1, window=window, masked=True).astype(np.float64), np.nan)
    first_row, first_column = int(window.row_off), int(window.col_off)
    transform = raster.transform
    _check_counts(name, values, first_row, first_column)
    row, column = np.nonzero(np.nan_to_num(values) > 0)
    count = values[row, column]
    row, column = row + first_row, column + first_column
    x, y = transform.c + transform.a * (column + 0.5), transform.f + transform.e * (row + 0.5)
    lon, lat = to_crs.transform(x, y, direction="INVERSE")
    west, south, east, north = bbox
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    lonlat: FloatArray = np.column_stack([lon, lat])[inside].astype(np.float64)
    return Cells(row[inside], column[inside], lonlat, count[inside])


def _library() -> Any:
    try:
        import rasterio
    except ImportError as error:
        raise InvalidInputError(
            "reading a raster needs rasterio: pip install 'geo-service[plan]'", parameter="demand"
        ) from error
    return rasterio


def _opened(name: str, where: Path | str, driver: str) -> Any:
    rasterio = _library()
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            raster = rasterio.open(where, driver=driver)
    except RasterioIOError as error:
        raise _refusal(name, f"cannot be read as {driver}: {str(error).splitlines()[0][:120]}") from error
    fault = ""
    if raster.count != 1:
        fault = f"has {raster.count} bands; give one with counts"
    elif raster.crs is None:
        fault = "has no CRS; save it as GeoTIFF with one, or put a .prj beside an ESRI ASCII grid"
    elif raster.transform.b or raster.transform.d:
        fault = "is turned against its coordinates; warp it upright first"
    if fault:
        raster.close()
        raise _refusal(name, fault)
    return raster


def _window(name: str, raster: Any, bounds: tuple[float, float, float, float]) -> Any:
    from rasterio.windows import Window

    west, south, east, north = bounds
    columns = sorted((at - raster.transform.c) / raster.transform.a for at in (west, east))
    rows = sorted((at - raster.transform.f) / raster.transform.e for at in (south, north))
    left, right = max(0, int(np.floor(columns[0]))), min(raster.width, int(np.ceil(columns[1])))
    top, bottom = max(0, int(np.floor(rows[0]))), min(raster.height, int(np.ceil(rows[1])))
    if right <= left or bottom <= top:
        raise _refusal(
            name,
            f"lies at {', '.join(f'{at:g}' for at in raster.bounds)} of its own CRS and not over the district",
        )
    cells = (right - left) * (bottom - top)
    if cells > MOST_CELLS:
        raise _refusal(
            name, f"has {cells} cells over the district, more than {MOST_CELLS}; give a coarser one"
        )
    return Window(left, top, right - left, bottom - top)


def _check_counts(name: str, values: FloatArray, first_row: int, first_column: int) -> None:
    wrong = np.argwhere((values < 0) | np.isinf(values))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise _refusal(
            name,
            f"row {row + first_row}, column {column + first_column} holds {values[row, column]:g}; counts are 0 or "
            "more, and what is no data must be marked so",
        )


def _refusal(name: str, fault: str) -> InvalidInputError:
    return InvalidInputError(f"{name} {fault}", parameter="demand", value=name)
