"""
Demand of one district: drawn from its map and layers, or brought as a table of points with sizes or a raster of counts.

Tables are read by the readers of `import`, in a confined child, whatever their format; rows that make no sense are
refused with row and value. What was read travels with a plan by name and SHA-256.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geo_service.districts.district import District
from geo_service.errors import InvalidInputError
from geo_service.exchange.confined.rows import Options
from geo_service.exchange.intake import Row, read_table, run_confined
from geo_service.geo import Datum, convert_datum
from geo_service.layers import Place
from geo_service.network.features import load_features
from geo_service.planning.demand import KINDS, Demand, DemandPoint, build_demand, join_demand, pack_demand
from geo_service.planning.parameters import DemandFile, is_sha256
from geo_service.planning.rasters import is_raster, read_cells

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "lon": ("lon", "lng", "longitude", "经度"),
    "lat": ("lat", "latitude", "纬度"),
    "name": ("name", "名称", "名字"),
    "size": ("size", "count", "heads", "数量", "人数", "户数"),
    "kind": ("kind", "类别", "类型"),
    "id": ("id", "编号"),
}
"""Headings of a table of demand; case does not matter."""

MOST_POINTS = 250_000
MOST_SIZE = 1e9

MOST_KEPT = 50
"""Files of demand that one district keeps for its pages."""

_CELLS = "geo_service.planning.rasters:confined_cells"


def draw_demand(district: District) -> Demand:
    """
    Draw demand from a district's map and layers.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    demand
        Without what lies outside of the district's box.
    """
    held = [name for name in ("express_site", "gathering_point") if name in district.layer_names()]
    places = [
        (name, place) for name in held for place in district.places(name).features if isinstance(place, Place)
    ]
    demand = build_demand(load_features(district.directory / "osm"), places)
    west, south, east, north = district.bbox
    lon, lat = demand.lonlat.T
    return demand.take(np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)))


class Uploaded(NamedTuple):
    """
    Demand that was brought.

    Parameters
    ----------
    points
        Those in the district.
    outside
        How many lie outside of it and were left out.
    name
        Of the file that travels with a plan.
    data
        That file: a table as it came, or the cells of a raster as a table.
    """

    points: tuple[DemandPoint, ...]
    outside: int
    name: str
    data: bytes

    def file(self, use: str) -> DemandFile:
        """
        What a plan says of it.

        Parameters
        ----------
        use
            ``"instead"`` of what the map shows, or ``"besides"``.

        Returns
        -------
        file
            Name and SHA-256.
        """
        return DemandFile(self.name, hashlib.sha256(self.data).hexdigest(), use)


def read_upload(
    district: District, path: Path, name: str = "", datum: Datum = "wgs84", *, is_sent: bool = False
) -> Uploaded:
    """
    Read demand for a district.

    Parameters
    ----------
    district
        Points outside of its box are left out and counted.
    path
        A table that `import` can read, or a GeoTIFF or ESRI ASCII grid.
    name
        What the file is called, if that is not the path's own name.
    datum
        Of the coordinates of a table that does not say; one that is not WGS 84 travels with a plan as WGS 84.
    is_sent
        Whether it was sent over the net: a raster, too, is then read in a confined child, and must be a GeoTIFF.

    Returns
    -------
    uploaded
        At least one point.

    Raises
    ------
    InvalidInputError
        If it cannot be read, a row makes no sense, or nothing of it lies in the district.
    """
    called = name or path.name
    if not path.is_file():
        raise InvalidInputError(f"--demand {called}: there is no such file", parameter="demand", value=called)
    if is_raster(called):
        return _of_raster(district, path, called, is_sent=is_sent)
    table = read_table(path, name=called)
    places = {key: _column(table.columns, names) for key, names in COLUMNS.items()}
    declared: Datum = table.declared_datum or datum  # type: ignore[assignment]
    if len(table.rows) > MOST_POINTS:
        raise _refusal(called, f"has {len(table.rows)} rows, more than {MOST_POINTS}")
    points = _to_wgs84([_point(called, row, places) for row in table.rows], declared)
    if declared == "wgs84" or table.declared_datum:
        return _inside(district, called, points, path.read_bytes())
    # a plan names a file and no datum: what the caller alone knows must not be lost
    return _inside(district, f"{Path(called).stem}.wgs84.csv", points, to_table(points))


def _column(columns: tuple[str, ...], names: tuple[str, ...]) -> int | None:
    plain = [column.strip().casefold() for column in columns]
    return next((plain.index(name) for name in names if name in plain), None)


def _point(called: str, row: Row, places: Mapping[str, int | None]) -> DemandPoint:
    def cell(key: str) -> str:
        at = places[key]
        return "" if at is None or at >= len(row.cells) else (row.cells[at] or "").strip()

    def number(key: str, text: str, least: float, most: float) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise _refusal(called, f"{row.where}: {key}={text!r}; give a number in {least:g}..{most:g}")
        return value

    if row.fault and row.point is None:
        raise _refusal(called, f"{row.where}: {row.fault}")
    for key in ("lon", "lat"):
        if row.point is None and places[key] is None:
            raise _refusal(called, f"has no column {key}; headings known: {', '.join(COLUMNS[key])}")
    lon_text, lat_text = (cell("lon"), cell("lat")) if row.point is None else map(str, row.point)
    kind = cell("kind") or "upload"
    if kind not in KINDS:
        raise _refusal(called, f"{row.where}: kind={kind!r}; choose from {', '.join(KINDS)}")
    size = 1.0 if places["size"] is None else number("size", cell("size"), 0.0, MOST_SIZE)
    lon, lat = number("lon", lon_text, -180.0, 180.0), number("lat", lat_text, -90.0, 90.0)
    return DemandPoint(cell("id") or row.where, cell("name"), kind, lon, lat, size)


def _to_wgs84(points: list[DemandPoint], datum: Datum) -> list[DemandPoint]:
    if datum == "wgs84" or not points:
        return points
    moved = convert_datum(np.array([(point.lon, point.lat) for point in points]), datum, "wgs84")
    return [
        point._replace(lon=lon, lat=lat) for point, (lon, lat) in zip(points, moved.tolist(), strict=True)
    ]


def _of_raster(district: District, path: Path, called: str, *, is_sent: bool) -> Uploaded:
    cells: Iterable[tuple[int, int, float, float, float]]
    if is_sent:
        read = run_confined(_CELLS, path, None, Options(called, box=district.bbox))
        cells = (cell for _, cell, *_ in read.rows)
    else:
        cells = read_cells(path, district.bbox).each()
    stem = Path(called).stem
    points = [
        DemandPoint(f"{stem} {row}/{column}", "", "upload", round(lon, 7), round(lat, 7), count)
        for row, column, lon, lat, count in cells
    ]
    return _inside(district, f"{stem}.cells.csv", points, to_table(points))


def _inside(district: District, called: str, points: list[DemandPoint], data: bytes) -> Uploaded:
    west, south, east, north = district.bbox
    kept = tuple(p for p in points if west <= p.lon <= east and south <= p.lat <= north)
    if not sum(point.size for point in kept) > 0:
        raise _refusal(
            called,
            f"shows no demand in {west:g},{south:g},{east:g},{north:g}, the box of district {district.id!r} "
            f"({len(points)} points in all); is it of another place, or in another datum?",
        )
    return Uploaded(kept, len(points) - len(kept), called, data)


def to_table(points: Iterable[DemandPoint]) -> bytes:
    """
    Write demand as a table that can be read again.

    Parameters
    ----------
    points
        To be written.

    Returns
    -------
    data
        CSV, UTF-8.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "name", "kind", "lon", "lat", "size"])
    writer.writerows(points)
    return text.getvalue().encode()


def demand_with(district: District, uploaded: Uploaded, use: str) -> Demand:
    """
    Join what was brought with what the map shows, or put it in its place.

    Parameters
    ----------
    district
        The district.
    uploaded
        What was brought.
    use
        ``"instead"`` or ``"besides"``.

    Returns
    -------
    demand
        For a `Planner`.
    """
    brought = pack_demand(uploaded.points)
    return brought if use == "instead" else join_demand(draw_demand(district), brought)


def demand_again(district: District, file: DemandFile, folder: Path) -> Demand:
    """
    Read the demand that a saved plan names.

    Parameters
    ----------
    district
        The district.
    file
        What the plan says.
    folder
        Where the plan's file lies.

    Returns
    -------
    demand
        As it was.

    Raises
    ------
    InvalidInputError
        If the file is not there, or not as it was.
    """
    path = folder / file.name
    if not path.is_file():
        raise _refusal(
            file.name, f"is named by the plan and not in {folder.name or '.'}/; put it beside the plan"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != file.sha256:
        raise _refusal(
            file.name,
            f"was changed since the plan was saved (SHA-256 {digest[:12]}…, not {file.sha256[:12]}…); "
            "bring it back as it was, or give it anew with --demand",
        )
    return demand_with(district, read_upload(district, path), file.use)


def keep_beside(uploaded: Uploaded, folder: Path) -> None:
    """
    Lay the file of a plan's demand beside the plan.

    Parameters
    ----------
    uploaded
        What was brought.
    folder
        Where the plan's file goes.

    Raises
    ------
    InvalidInputError
        If another file of that name is there.
    """
    from geo_service.districts.working_copy import write_atomically

    path = folder / uploaded.name
    if path.exists():
        if path.read_bytes() != uploaded.data:
            raise _refusal(
                uploaded.name,
                f"lies in {folder.name or '.'}/ with other content; save the plan in another folder",
            )
        return
    write_atomically(path, uploaded.data)


def keep_demand(district: District, uploaded: Uploaded) -> None:
    """
    Keep what was brought in the district itself, by the SHA-256 of its bytes, so that plans can name it.

    Parameters
    ----------
    district
        The district.
    uploaded
        What was brought; the same bytes are kept once, under the first name.

    Raises
    ------
    InvalidInputError
        If too much is kept already.
    """
    from geo_service.districts.working_copy import write_atomically

    folder = _folder(district, uploaded.file("instead").sha256)
    if not folder.is_dir():
        if sum(1 for _ in folder.parent.glob("*")) >= MOST_KEPT:
            raise _refusal(
                uploaded.name,
                f"would be more than the {MOST_KEPT} files of demand that a district keeps; remove some of demand/",
            )
        folder.mkdir(parents=True)
    if not any(folder.iterdir()):
        write_atomically(folder / uploaded.name, uploaded.data)


def kept_file(district: District, sha256: str, use: str) -> DemandFile:
    """
    Name what a district keeps.

    Parameters
    ----------
    district
        The district.
    sha256
        Of the file's bytes.
    use
        ``"instead"`` of what the map shows, or ``"besides"``.

    Returns
    -------
    file
        As a plan names it.

    Raises
    ------
    InvalidInputError
        If it keeps no such file, or the use is none.
    """
    folder = _folder(district, sha256)
    names = sorted(one.name for one in folder.iterdir()) if is_sha256(sha256) and folder.is_dir() else []
    if not names:
        raise InvalidInputError(
            f"demand={sha256[:20]!r}: this district keeps no such file of demand; upload it first",
            parameter="demand",
            value=sha256[:64],
        )
    return DemandFile(names[0], sha256, use)


def kept_demand(district: District, file: DemandFile) -> Demand:
    """
    Read the demand that a plan names from what its district keeps.

    Parameters
    ----------
    district
        The district.
    file
        What the plan says.

    Returns
    -------
    demand
        As it was brought, beside what the map shows if the plan says so.

    Raises
    ------
    InvalidInputError
        If the district does not keep it, or it is not as it was.
    """
    held = kept_file(district, file.sha256, file.use)
    return demand_again(district, held, _folder(district, file.sha256))


def _folder(district: District, sha256: str) -> Path:
    return district.directory / "demand" / sha256


def _refusal(called: str, fault: str) -> InvalidInputError:
    return InvalidInputError(f"{called} {fault}", parameter="demand", value=called)
