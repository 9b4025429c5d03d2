"""
A friendly-services map for couriers and riders, and the engine behind it.

``import geo_service`` is light: what is heavy is loaded by the first call that needs it.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

    from geo_service.frames import DistrictFrames, Streets

__version__ = "0.1.0"


def open(directory: "str | Path") -> "DistrictFrames":  # noqa: A001 -- the word riders of Python expect
    """
    Open a district directory for Python.

    Parameters
    ----------
    directory
        Where ``geo-service init`` made it.

    Returns
    -------
    district
        Answers ``nearest``, ``route``, ``reach``, ``matrix``, ``places`` and ``graph`` with GeoDataFrames.

    Raises
    ------
    InvalidInputError
        If the directory is no district.
    """
    from geo_service.frames import open_frames

    return open_frames(directory)


def from_graph(
    graph: "nx.MultiDiGraph", weight: Literal["travel_time", "length"] = "travel_time"
) -> "Streets":
    """
    Ask an osmnx graph for ways.

    Parameters
    ----------
    graph
        As osmnx makes it, unprojected.
    weight
        ``"travel_time"`` (seconds) or ``"length"`` (metres, at one metre a second).

    Returns
    -------
    streets
        Answers ``route``, ``reach``, ``matrix`` and ``graph``.

    Raises
    ------
    InvalidInputError
        If the graph is projected, or an edge lacks the weight.
    """
    from geo_service.frames import from_graph as streets_from_graph

    return streets_from_graph(graph, weight)
