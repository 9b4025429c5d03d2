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

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import shapely.ops

from geo_service.districts.district import District, open_district
from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.geo import check_lonlat
from geo_service.hours import SHANGHAI, parse_time
from geo_service.layers import Layer, feature_to_json
from geo_service.network.graph import MODES, Network
from geo_service.network.osmnx_graphs import Weight, graph_to_network, network_to_graph

if TYPE_CHECKING:
    import networkx as nx

    from geo_service.engine.router import Router

FloatArray = npt.NDArray[np.float64]
Points: TypeAlias = tuple[float, float] | gpd.GeoDataFrame | gpd.GeoSeries

CRS = "EPSG:4326"


class Streets:
    """
    A street network to ask for ways, without a layer of places.

    Parameters
    ----------
    networks
        One per profile.
    """

    def __init__(self, networks: dict[str, Network]) -> None:
        from geo_service.engine.router import Router

        self._routers = {profile: Router(network) for profile, network in networks.items()}

    @property
    def profiles(self) -> tuple[str, ...]:
        """Profiles that can be asked for."""
        return tuple(self._routers)

    def graph(self, profile: str | None = None) -> "nx.MultiDiGraph":
        """
        The streets as an osmnx graph.

        Parameters
        ----------
        profile
            One of `profiles`; the first if absent.

        Returns
        -------
        graph
            Nodes with ``x, y``; edges with ``length`` (m), ``travel_time`` (s), ``name``, ``mode`` and ``geometry``.
        """
        return network_to_graph(self._router(profile).network)

    def route(self, origin: Points, destination: Points, profile: str | None = None) -> gpd.GeoDataFrame:
        """
        The fastest way from each origin to the destination in the same row.

        Parameters
        ----------
        origin
            Start points.
        destination
            End points, as many as there are origins.
        profile
            One of `profiles`; the first if absent.

        Returns
        -------
        routes
            One LineString per pair with ``cost_s``, ``length_m`` and ``steps``; where no way leads the cost is
            NaN and the line empty.

        Raises
        ------
        InvalidInputError
            If the numbers of points differ, or one is far from any street.
        """
        starts, ends = self._lonlat(origin, "origin"), self._lonlat(destination, "destination")
        if len(starts) != len(ends):
            raise InvalidInputError(
                f"{len(starts)} origins and {len(ends)} destinations; give as many of the one as of the other",
                parameter="destination",
                value=len(ends),
            )
        rows = [self._route_row(*pair, profile) for pair in zip(starts, ends, strict=True)]
        return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS, index=_index_of(origin))

    def _route_row(self, start: FloatArray, end: FloatArray, profile: str | None) -> dict[str, Any]:
        from geo_service.finder import route_steps

        router = self._router(profile)
        snaps = [router.snap(point[None, :]) for point in (start, end)]
        for name, snap in zip(("origin", "destination"), snaps, strict=True):
            if snap.link[0] < 0:
                raise InvalidInputError(
                    f"{name} {snap.lon[0]},{snap.lat[0]} is {snap.gap_m[0]:.0f} m from the nearest street",
                    parameter=name,
                    value=[float(snap.lon[0]), float(snap.lat[0])],
                )
        try:
            path = router.route(*snaps)
        except UnreachableError:
            return {"cost_s": np.nan, "length_m": np.nan, "steps": [], "geometry": shapely.LineString()}
        return {
            "cost_s": path.cost_ms / 1000,
            "length_m": path.length_mm / 1000,
            "steps": [
                {"name": s.name, "length_m": s.length_mm / 1000, "cost_s": s.cost_ms / 1000, "mode": s.mode}
                for s in route_steps(router.network, path)
            ],
            "geometry": shapely.LineString(path.lonlat),
        }

    def matrix(self, origins: Points, destinations: Points, profile: str | None = None) -> pd.DataFrame:
        """
        Costs from every origin to every destination.

        Parameters
        ----------
        origins
            Start points.
        destinations
            End points.
        profile
            One of `profiles`; the first if absent.

        Returns
        -------
        cost_s
            Seconds, rows by origin, columns by destination; NaN where no way leads.
        """
        router = self._router(profile)
        starts, ends = (
            router.snap(self._lonlat(p, n)) for p, n in ((origins, "origins"), (destinations, "destinations"))
        )
        cost_ms = router.matrix(starts, ends)
        cost_s = np.where(cost_ms < 0, np.nan, cost_ms / 1000)
        return pd.DataFrame(cost_s, index=_index_of(origins), columns=_index_of(destinations))

    def reach(
        self, origin: tuple[float, float], minutes: float, profile: str | None = None
    ) -> gpd.GeoDataFrame:
        """
        Every piece of street within some minutes of a point.

        Parameters
        ----------
        origin
            Longitude, latitude.
        minutes
            Longest time, inclusive.
        profile
            One of `profiles`; the first if absent.

        Returns
        -------
        pieces
            One LineString per reached part of a directed edge with ``name``, ``mode`` and ``length_m``.
        """
        router = self._router(profile)
        snaps = router.snap(self._lonlat(origin, "origin"))
        reached = router.reach(snaps, round(minutes * 60_000))
        network = router.network
        links = network.edge_link[reached.edge]
        lines = link_lines(network, links)
        is_against = network.link_edge[links, 0] != reached.edge
        start = np.where(is_against, 1 - reached.end_share, reached.start_share)
        end = np.where(is_against, 1 - reached.start_share, reached.end_share)
        parts = [
            shapely.ops.substring(line, a, b, normalized=True)
            for line, a, b in zip(lines, start, end, strict=True)
        ]
        return gpd.GeoDataFrame(
            {
                "name": [network.names[i] for i in network.link_name[links]],
                "mode": [MODES[i] for i in network.edge_mode[reached.edge]],
                "length_m": network.link_length_mm[links] * (end - start) / 1000,
            },
            geometry=parts,
            crs=CRS,
        )

    def _lonlat(self, points: Points, name: str) -> FloatArray:
        """Points of a graph lie on its nodes, which a network keeps to 1e-6 degrees: so do its questions."""
        return np.round(to_lonlat(points, name), 6)

    def _router(self, profile: str | None) -> "Router":
        name = profile or self.profiles[0]
        if name not in self._routers:
            raise InvalidInputError(
                f"profile={name!r} is not known here; allowed: {', '.join(self.profiles)}",
                parameter="profile",
                value=name,
            )
        return self._routers[name]


class DistrictFrames(Streets):
    """
    An open district for Python: `nearest`, `route`, `reach`, `matrix`, `places`, `graph`.

    Parameters
    ----------
    district
        The district behind it.
    """

    def __init__(self, district: District) -> None:
        self.district = district
        self._routers = district.routers  # type: ignore[assignment]

    def _lonlat(self, points: Points, name: str) -> FloatArray:
        return to_lonlat(points, name)

    def places(self, layer: str) -> gpd.GeoDataFrame:
        """
        A layer whole.

        Parameters
        ----------
        layer
            Name of the layer.

        Returns
        -------
        places
            One row per feature, indexed by id; columns as in the GeoJSON.

        Raises
        ------
        NotFoundError
            If there is no such layer.
        """
        return to_frame(self.district.places(layer))

    def layers(self) -> tuple[str, ...]:
        """
        Names of the layers held.

        Returns
        -------
        names
            In the catalogue's order.
        """
        return self.district.layer_names()

    def nearest(
        self,
        origin: Points,
        layer: str,
        k: int = 5,
        profile: str = "ebike",
        at: datetime | str | None = None,
        service: Sequence[str] = (),
        operator: str | None = None,
        accept: Sequence[str] = (),
    ) -> gpd.GeoDataFrame:
        """
        The k nearest places that are open on arrival, for each origin.

        Parameters
        ----------
        origin
            Where riders are.
        layer
            Name of the layer.
        k
            How many for each origin.
        profile
            ``"ebike"`` or ``"walk"``.
        at
            Departure; now if absent. Without a zone it is Asia/Shanghai.
        service
            Kinds of service that must all be on offer.
        operator
            Operator of the cabinet or place.
        accept
            ``"unknown"``, ``"stale"``.

        Returns
        -------
        places
            At most k rows per origin, nearest first, with ``origin`` (index of the row asked for), ``rank``,
            ``id, layer, name, cost_s, length_m, state, open_until, links`` and the place's point.
        """
        index = _index_of(origin)
        answers = self.district.nearest_many(
            origins=to_lonlat(origin, "origin"),
            layer=layer,
            at=_instant(at),
            k=k,
            profile=profile,
            service=service,
            operator=operator,
            accept=accept,
        )
        rows = [
            {"origin": index[row], "rank": rank, **{key: result[key] for key in _COLUMNS}}
            for row, answer in enumerate(answers)
            for rank, result in enumerate(answer["results"], start=1)
        ]
        table = pd.DataFrame(rows, columns=["origin", "rank", *_COLUMNS])
        points = gpd.points_from_xy(table.pop("lon"), table.pop("lat"))
        return gpd.GeoDataFrame(table, geometry=points, crs=CRS)


_COLUMNS = ("id", "layer", "name", "lon", "lat", "cost_s", "length_m", "state", "open_until", "links")


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


def _index_of(points: Points) -> pd.Index:
    return points.index if isinstance(points, (gpd.GeoDataFrame, gpd.GeoSeries)) else pd.RangeIndex(1)


def _instant(at: datetime | str | None) -> datetime:
    if at is None:
        return datetime.now(SHANGHAI)
    if isinstance(at, str):
        return parse_time(at, parameter="at")
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
