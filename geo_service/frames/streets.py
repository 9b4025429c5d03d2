"""Streets to ask for ways, costs and reach, without a layer of places."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.frames.points import CRS, FloatArray, Points, index_of, to_lonlat
from geo_service.network.graph import MODES, Network
from geo_service.network.osmnx_graphs import network_to_graph

if TYPE_CHECKING:
    import networkx as nx

    from geo_service.engine.router import Router, Snaps


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
        return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS, index=index_of(origin))

    def _route_row(self, start: FloatArray, end: FloatArray, profile: str | None) -> dict[str, Any]:
        from geo_service.finder import route_steps

        router = self._router(profile)
        snaps = [router.snap(point[None, :]) for point in (start, end)]
        for name, snap in zip(("origin", "destination"), snaps, strict=True):
            _check_near(name, snap)
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
        return pd.DataFrame(cost_s, index=index_of(origins), columns=index_of(destinations))

    def reach(
        self,
        origin: tuple[float, float],
        minutes: float | Sequence[float] = (5, 10, 15),
        profile: str | None = None,
    ) -> gpd.GeoDataFrame:
        """
        Polygons around what is within some minutes of a point.

        Parameters
        ----------
        origin
            Longitude, latitude.
        minutes
            Longest times, inclusive.
        profile
            One of `profiles`; the first if absent.

        Returns
        -------
        bands
            One MultiPolygon per time, fewest first, each within the next, with ``minutes`` and ``street_m``, the
            length of street reached. Every reached stretch of street is inside and no unreached one.

        Raises
        ------
        InvalidInputError
            If the point is far from any street, or times are none, too many or above three hours.
        """
        from geo_service.finder.outline import reach_bands

        wanted = [float(minutes)] if isinstance(minutes, (int, float)) else [float(m) for m in minutes]
        bands = reach_bands(self._router(profile), self._start(origin, profile), [_to_ms(m) for m in wanted])
        return gpd.GeoDataFrame(
            {
                "minutes": [band.cutoff_ms / 60_000 for band in bands],
                "street_m": [band.street_m for band in bands],
            },
            geometry=[band.outline for band in bands],
            crs=CRS,
        )

    def _start(self, origin: Points, profile: str | None) -> "Snaps":
        snaps = self._router(profile).snap(self._lonlat(origin, "origin"))
        _check_near("origin", snaps)
        return snaps

    def reach_streets(
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
        from geo_service.finder.lines import from_metres, stretch_lines
        from geo_service.finder.stretches import Stretches

        router = self._router(profile)
        reached = router.reach(self._start(origin, profile), _to_ms(minutes))
        network = router.network
        links = network.edge_link[reached.edge]
        is_against = network.link_edge[links, 0] != reached.edge
        start = np.where(is_against, 1 - reached.end_share, reached.start_share)
        end = np.where(is_against, 1 - reached.start_share, reached.end_share)
        lines = stretch_lines(network, Stretches(links, start, end))
        return gpd.GeoDataFrame(
            {
                "name": [network.names[i] for i in network.link_name[links]],
                "mode": [MODES[i] for i in network.edge_mode[reached.edge]],
                "length_m": network.link_length_mm[links] * (end - start) / 1000,
            },
            geometry=shapely.transform(lines, from_metres(network)),
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


def _check_near(name: str, snap: "Snaps") -> None:
    if snap.link[0] < 0:
        raise InvalidInputError(
            f"{name} {snap.lon[0]},{snap.lat[0]} is {snap.gap_m[0]:.0f} m from the nearest street",
            parameter=name,
            value=[float(snap.lon[0]), float(snap.lat[0])],
        )


def _to_ms(minutes: float) -> int:
    if not np.isfinite(minutes):
        raise InvalidInputError(
            f"minutes={minutes} is no number of minutes", parameter="minutes", value=str(minutes)
        )
    return round(minutes * 60_000)
