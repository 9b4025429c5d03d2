"""
The Python door: a district's answers as GeoDataFrames, osmnx graphs in and out.

What notebooks use::

    import geo_service

    d = geo_service.open("run/xiangheyuan")
    d.nearest((116.442, 39.957), layer="station", k=3)
    d.places("merchant").plot()

Points are ``(lon, lat)`` or a GeoDataFrame or GeoSeries of points in any CRS; everything
that comes back is EPSG:4326 and in the words of the command line and the API.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.districts.district import open_district
from geo_service.frames.district import DistrictFrames
from geo_service.frames.points import CRS, Points, link_lines, to_frame, to_lonlat
from geo_service.frames.streets import Streets
from geo_service.network.osmnx_graphs import Weight, graph_to_network

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "CRS",
    "DistrictFrames",
    "Points",
    "Streets",
    "from_graph",
    "link_lines",
    "open_frames",
    "to_frame",
    "to_lonlat",
]


def open_frames(directory: str | Path) -> DistrictFrames:
    """
    Open a district directory for Python; what `geo_service.open` calls.

    Parameters
    ----------
    directory
        Where `geo-service init` made it.

    Returns
    -------
    district
        Open for questions.

    Raises
    ------
    InvalidInputError
        If the directory is no district.
    """
    return DistrictFrames(open_district(Path(directory)))


def from_graph(graph: "nx.MultiDiGraph", weight: Weight = "travel_time") -> Streets:
    """
    Ask an osmnx graph; what `geo_service.from_graph` calls.

    Parameters
    ----------
    graph
        As osmnx makes it, unprojected.
    weight
        ``"travel_time"`` (seconds) or ``"length"`` (metres, read as seconds at one metre a second).

    Returns
    -------
    streets
        With one profile, ``"graph"``. Weights are rounded to a millisecond an edge.

    Raises
    ------
    InvalidInputError
        If the graph is projected, or an edge lacks the weight.
    """
    return Streets({"graph": graph_to_network(graph, profile="graph", weight=weight, speed_kph=3.6)})
