"""Points, places and streets between plain arrays and GeoDataFrames."""

from datetime import datetime
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo_service.errors import InvalidInputError
from geo_service.geo import check_lonlat
from geo_service.hours import SHANGHAI, parse_time
from geo_service.layers import Layer, feature_to_json
from geo_service.network.graph import Network

FloatArray = npt.NDArray[np.float64]
Points: TypeAlias = tuple[float, float] | gpd.GeoDataFrame | gpd.GeoSeries

CRS = "EPSG:4326"


def to_lonlat(points: Points, name: str) -> FloatArray:
    """
    Points of any accepted kind as an array.

    Parameters
    ----------
    points
        A pair, or a frame or series of points with a CRS.
    name
        What the points are, for the message of a refusal.

    Returns
    -------
    lonlat
        WGS 84 degrees, shape ``(n, 2)``.

    Raises
    ------
    InvalidInputError
        If a geometry is no point, the CRS is missing, or a coordinate is out of range.
    """
    if isinstance(points, (gpd.GeoDataFrame, gpd.GeoSeries)):
        if points.crs is None:
            raise InvalidInputError(f"{name} has no CRS; set one with set_crs", parameter=name, value=None)
        geometry = points.geometry.to_crs(CRS)
        if not (geometry.geom_type == "Point").all() or geometry.is_empty.any():
            raise InvalidInputError(f"{name} holds geometries that are no points", parameter=name, value=None)
        lonlat = np.column_stack([geometry.x, geometry.y]).astype(np.float64)
    else:
        try:
            lonlat = np.array([points], dtype=np.float64).reshape(1, 2)
        except (ValueError, TypeError):
            raise InvalidInputError(
                f"{name}={points!r} is no point; give (lon, lat) or a GeoDataFrame of points",
                parameter=name,
                value=str(points),
            ) from None
    check_lonlat(lonlat, name)
    return lonlat


def to_frame(layer: Layer) -> gpd.GeoDataFrame:
    """
    A layer as a GeoDataFrame.

    Parameters
    ----------
    layer
        Places or areas.

    Returns
    -------
    frame
        Indexed by id, EPSG:4326, columns as the GeoJSON properties.
    """
    features = [feature_to_json(feature) for feature in layer.features]
    if not features:
        return gpd.GeoDataFrame({"name": []}, geometry=[], crs=CRS)
    frame = gpd.GeoDataFrame.from_features(features, crs=CRS)
    frame.index = pd.Index([feature["id"] for feature in features], name="id")
    return frame


def link_lines(network: Network, links: npt.NDArray[np.int32]) -> npt.NDArray[np.object_]:
    """
    Geometry of links.

    Parameters
    ----------
    network
        The streets.
    links
        Links wanted, shape ``(n,)``.

    Returns
    -------
    lines
        LineStrings in the drawn direction, shape ``(n,)``.
    """
    first, last = network.first_point[links], network.first_point[links + 1]
    counts = last - first
    points = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(
        counts.sum()
    )
    lonlat = np.column_stack([network.point_lon_e6[points], network.point_lat_e6[points]]) / 1e6
    of_link = np.repeat(np.arange(len(links)), counts)
    return np.asarray(shapely.linestrings(lonlat, indices=of_link), dtype=np.object_)


def index_of(points: Points) -> pd.Index:
    """Labels of points; a pair has the label 0."""
    return points.index if isinstance(points, (gpd.GeoDataFrame, gpd.GeoSeries)) else pd.RangeIndex(1)


def to_instant(at: datetime | str | None) -> datetime:
    """A moment however given; now if absent, Asia/Shanghai unless a zone is given."""
    if at is None:
        return datetime.now(SHANGHAI)
    if isinstance(at, str):
        return parse_time(at, parameter="at")
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
