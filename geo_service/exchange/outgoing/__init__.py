"""
Everything that goes out: one verb, :func:`export_places`, and the table of formats it knows.

What each format keeps and cannot carry stands in :data:`FORMATS`, for pages, commands and
``docs/guide/export.md`` alike. Coordinates are WGS 84; another datum only where a named target wants it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import NamedTuple

from geo_service.errors import InvalidInputError
from geo_service.exchange.navlinks import LinkSettings
from geo_service.exchange.outgoing.job import Job
from geo_service.geo import Datum
from geo_service.layers import CATALOGUE, Catalogue, Layer, Status, Words, dump_layer

ALL: tuple[Status, ...] = ("active", "paused", "removed")
IN_SIGHT: tuple[Status, ...] = ("active", "paused")
_NOTHING = Words("", "")


@dataclass(frozen=True)
class Format:
    """
    One way out.

    Parameters
    ----------
    name
        Key at every door.
    suffix
        Of file names, with the dot.
    media_type
        Over HTTP.
    use
        What it is for.
    cannot
        What it cannot carry; empty if it carries everything.
    datums
        In which it may be written.
    is_lossless
        Whether a file in WGS 84, read back and written again, is the same to the byte.
    holds_areas
        Whether polygons go in.
    holds_layers
        Whether several layers fit one file.
    statuses
        Of the features that go out unless others are asked for.
    """

    name: str
    suffix: str
    media_type: str
    use: Words
    cannot: Words = _NOTHING
    datums: tuple[Datum, ...] = ("wgs84",)
    is_lossless: bool = False
    holds_areas: bool = True
    holds_layers: bool = True
    statuses: tuple[Status, ...] = ALL


class Export(NamedTuple):
    """
    A file ready to be written or sent.

    Parameters
    ----------
    file_name
        The name it should have, which says its datum.
    media_type
        Over HTTP.
    data
        The file.
    n_features
        How many places and areas are in it.
    """

    file_name: str
    media_type: str
    data: bytes
    n_features: int


_ONE_TEXT = Words(
    "字段合并为一段文字；不含编号、区域、已撤销的地点",
    "fields are one text to read; no ids, areas or removed places",
)
_LINKS = Words(
    "只有名称、地址、时间与链接；不含区域、已撤销的地点",
    "names, addresses, hours and links only; no areas or removed places",
)

_ALL_FORMATS = (
    Format(
        "geojson",
        ".geojson",
        "application/geo+json",
        Words("备份、版本管理、网页地图", "the store's own form, web maps, git"),
        is_lossless=True,
        holds_layers=False,
    ),
    Format(
        "csv",
        ".csv",
        "text/csv; charset=utf-8",
        Words("Excel、WPS，两种坐标并列", "Excel and WPS, both datums side by side"),
        Words(
            "Excel 打开后另存会改写 24/7、编码前导零与长数字：要编辑请用 xlsx；GCJ-02 文件不含 WGS-84 列",
            "saved again by Excel, 24/7, leading zeros and long numbers change: edit xlsx instead; a GCJ-02 file"
            " has no WGS-84 columns",
        ),
        datums=("wgs84", "gcj02"),
        is_lossless=True,
    ),
    Format(
        "xlsx",
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Words("在 Excel、WPS 中编辑后导回", "to edit in a spreadsheet and bring back"),
        Words(
            "一格最多 32767 字：更大的区域会被拒绝", "32,767 characters a cell: larger outlines are refused"
        ),
        is_lossless=True,
    ),
    Format(
        "kml",
        ".kml",
        "application/vnd.google-earth.kml+xml",
        Words("Organic Maps、Google Earth、My Maps", "Organic Maps, Google Earth, My Maps"),
        is_lossless=True,
    ),
    Format(
        "kmz",
        ".kmz",
        "application/vnd.google-earth.kmz",
        Words("同 KML，压缩并带图钉", "as KML, packed, with the pin's picture"),
        is_lossless=True,
    ),
    Format(
        "gpx",
        ".gpx",
        "application/gpx+xml",
        Words("OsmAnd 收藏、导航仪", "OsmAnd favourites, navigation devices"),
        _ONE_TEXT,
        holds_areas=False,
        statuses=IN_SIGHT,
    ),
    Format(
        "gpkg",
        ".gpkg",
        "application/geopackage+sqlite3",
        Words("QGIS、ArcGIS", "QGIS, ArcGIS"),
        is_lossless=True,
    ),
    Format(
        "shp",
        ".zip",
        "application/zip",
        Words("只认 Shapefile 的旧系统", "older systems that know only Shapefiles"),
        Words(
            "文字最多 254 字节，列名 10 字符（见包内 legend.txt），空与无不分",
            "254 bytes a text, column names of 10 characters (see legend.txt inside), absent is empty",
        ),
    ),
    Format(
        "ovital",
        ".txt",
        "text/plain; charset=utf-8",
        Words("奥维互动地图", "Ovital"),
        _ONE_TEXT,
        datums=("wgs84", "gcj02", "bd09"),
        holds_areas=False,
        statuses=IN_SIGHT,
    ),
    Format(
        "links",
        ".html",
        "text/html; charset=utf-8",
        Words("导航链接清单，网页", "links into map apps, a page"),
        _LINKS,
        holds_areas=False,
        statuses=IN_SIGHT,
    ),
    Format(
        "links-md",
        ".md",
        "text/markdown; charset=utf-8",
        Words("导航链接清单，Markdown", "links into map apps, Markdown"),
        _LINKS,
        holds_areas=False,
        statuses=IN_SIGHT,
    ),
    Format(
        "links-csv",
        ".csv",
        "text/csv; charset=utf-8",
        Words("导航链接清单，表格", "links into map apps, a table"),
        _LINKS,
        holds_areas=False,
        statuses=IN_SIGHT,
    ),
)

FORMATS: Mapping[str, Format] = {one.name: one for one in _ALL_FORMATS}
"""All ways out, by name."""


def export_places(
    layers: Sequence[Layer],
    format: str,  # noqa: A002 - the word of every door
    *,
    datum: Datum = "wgs84",
    catalogue: Catalogue = CATALOGUE,
    district: str = "",
    title: str = "",
    statuses: Sequence[Status] | None = None,
    links: LinkSettings | None = None,
) -> Export:
    """
    Write layers in one format: the same layers give the same bytes, on any day.

    Parameters
    ----------
    layers
        One or several.
    format
        Key of :data:`FORMATS`.
    datum
        Of the coordinates in the file; the layers themselves are WGS 84.
    catalogue
        Categories and kinds of service of the district.
    district
        Id of the district, for the file's name.
    title
        Name of the district, for inside the file.
    statuses
        Which features go out; None for those the format is meant for.
    links
        Names and keys sent to map apps; None for the defaults.

    Returns
    -------
    file
        Its suggested name, which says the datum, its media type, and its bytes.

    Raises
    ------
    InvalidInputError
        If the format is unknown, is not meant for that datum, or cannot hold these layers.

    Examples
    --------
    >>> from geo_service.layers import Place
    >>> water = Layer("water", (Place("w1", "water", 116.442, 39.957, "饮水点"),))
    >>> export_places([water], "ovital", datum="gcj02", district="demo")[:2]
    ('demo-water-gcj02.txt', 'text/plain; charset=utf-8')
    """
    chosen = format_of(format)
    _check(chosen, layers, datum)
    kept = statuses or chosen.statuses
    going = tuple(
        replace(layer, features=tuple(f for f in layer.features if f.status in kept)) for layer in layers
    )
    job = Job(going, catalogue, datum, district, title, links or LinkSettings())
    for layer in going:
        if job.category(layer).is_area and not chosen.holds_areas:
            message = f"{layer.name} holds areas, {chosen.name} takes places only; export it as {_names_with_areas()}"
            raise InvalidInputError(message, parameter="format", value=chosen.name)
        if job.category(layer).is_area and datum != "wgs84":
            message = f"{layer.name} holds areas, which go out in wgs84 only; leave datum out"
            raise InvalidInputError(message, parameter="datum", value=datum)
    name, count = file_name(chosen, layers, datum, district), sum(1 for _ in job.features)
    return Export(name, chosen.media_type, _writer(chosen.name)(job), count)


def _names_with_areas() -> str:
    return ", ".join(one.name for one in FORMATS.values() if one.holds_areas)


def _check(chosen: Format, layers: Sequence[Layer], datum: Datum) -> None:
    if datum not in chosen.datums:
        others = [one.name for one in FORMATS.values() if datum in one.datums]
        remedy = f"; {datum} goes into {', '.join(others)}" if others else ""
        message = f"datum={datum!r}: {chosen.name} is written in {', '.join(chosen.datums)}{remedy}"
        raise InvalidInputError(message, parameter="datum", value=datum)
    if not layers:
        raise InvalidInputError("no layer to export; name one", parameter="layer", value=None)
    if len(layers) > 1 and not chosen.holds_layers:
        several = ", ".join(one.name for one in FORMATS.values() if one.holds_layers)
        message = (
            f"{chosen.name} holds one layer a file, not {len(layers)}; name one layer, or take {several}"
        )
        raise InvalidInputError(message, parameter="layer", value=[layer.name for layer in layers])


def format_of(name: str) -> Format:
    """
    Look a format up by its name.

    Parameters
    ----------
    name
        Such as ``"xlsx"``.

    Returns
    -------
    format
        The format.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    if name not in FORMATS:
        message = f"format={name!r} is unknown; allowed: {', '.join(FORMATS)}"
        raise InvalidInputError(message, parameter="format", value=name)
    return FORMATS[name]


def format_of_file(path: PurePath) -> Format:
    """
    Guess the format from the suffix of a file's name.

    Parameters
    ----------
    path
        The file, which need not exist.

    Returns
    -------
    format
        The first of :data:`FORMATS` with that suffix.

    Raises
    ------
    InvalidInputError
        If no format has it.
    """
    suffix = {".json": ".geojson", ".htm": ".html"}.get(path.suffix.lower(), path.suffix.lower())
    for one in FORMATS.values():
        if one.suffix == suffix:
            return one
    known = ", ".join(dict.fromkeys(one.suffix for one in FORMATS.values()))
    message = f"{path.name!r}: no format ends in {path.suffix!r}; known are {known}, or say --format"
    raise InvalidInputError(message, parameter="format", value=path.suffix)


def fitting(layers: Sequence[Layer], chosen: Format, catalogue: Catalogue) -> tuple[Layer, ...]:
    """
    Leave out the layers a format cannot hold, for when nobody named any.

    Parameters
    ----------
    layers
        All layers of a district.
    chosen
        The format.
    catalogue
        Categories of the district.

    Returns
    -------
    layers
        Those that can go out.
    """
    return tuple(layer for layer in layers if chosen.holds_areas or not catalogue[layer.name].is_area)


def file_name(chosen: Format, layers: Sequence[Layer], datum: Datum, district: str = "") -> str:
    """
    Name a file so that nobody must guess its datum.

    Parameters
    ----------
    chosen
        The format.
    layers
        What goes in.
    datum
        Of its coordinates.
    district
        Id of the district; may be empty.

    Returns
    -------
    name
        Such as ``xiangheyuan-station-gcj02.csv``.
    """
    what = layers[0].name if len(layers) == 1 else "layers"
    said = "links" if chosen.name.startswith("links") else datum
    return "-".join(filter(None, (district, what, said))) + chosen.suffix


def _writer(name: str) -> Callable[[Job], bytes]:
    """The function that writes a format; GDAL and the spreadsheet library load when they are needed."""
    from geo_service.exchange.outgoing import gpx, kml, links, ovital

    if name in ("csv", "xlsx"):
        from geo_service.exchange.outgoing import tables

        return {"csv": tables.to_csv, "xlsx": tables.to_xlsx}[name]
    if name in ("gpkg", "shp"):
        from geo_service.exchange.outgoing import gis

        return {"gpkg": gis.to_gpkg, "shp": gis.to_shp}[name]
    return {
        "geojson": _to_geojson,
        "kml": kml.to_kml,
        "kmz": kml.to_kmz,
        "gpx": gpx.to_gpx,
        "ovital": ovital.to_ovital,
        "links": links.to_html,
        "links-md": links.to_markdown,
        "links-csv": links.to_links_csv,
    }[name]


def _to_geojson(job: Job) -> bytes:
    return dump_layer(job.layers[0])
