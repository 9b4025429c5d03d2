"""
Gates that are shut, and what a pass for one would bring nearer.

Where a profile may not pass a barrier, the network ends on each side of it: the one node of OpenStreetMap stands there
as several nodes that nothing joins. A pass joins them again, at the delay of such a gate. Whoever gains by one pass
goes through that gate once, so that the new cost is the least of the old one and of the ways to one side, through,
and on from another side: the same as with network and router built anew, without building them for each gate.
"""

import json
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.engine.router import NONE, UNREACHED, Snaps
from geo_service.geo import metres_per_degree
from geo_service.network.features import OsmFeatures, OsmPoi
from geo_service.network.graph import Network
from geo_service.network.profiles import Profile, judge_node

LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

WALL_M = 30.0
"""A gate belongs to a named compound that is no farther than this."""

_FAR = np.iinfo(np.int64).max // 4


class Gate(NamedTuple):
    """
    A gate that the profile may not pass, with streets on more than one side.

    Parameters
    ----------
    id
        Its name in OpenStreetMap, such as ``"node/123"``.
    name
        Its compound and what it is.
    lon, lat
        WGS 84 degrees.
    barrier
        What kind of gate.
    node
        Where the streets end on each side: nodes of the network, ascending.
    """

    id: str
    name: str
    lon: float
    lat: float
    barrier: str
    node: tuple[int, ...]


class Gates(NamedTuple):
    """
    The gates of a map.

    Parameters
    ----------
    shut
        Those that a pass would open, by id.
    blind
        How many are on the map and would lead nowhere: shut, with streets on one side at most.
    """

    shut: tuple[Gate, ...]
    blind: int


def find_gates(network: Network, features: OsmFeatures, profile: Profile) -> Gates:
    """
    Find the gates that a profile may not pass.

    Parameters
    ----------
    network
        Streets of the profile.
    features
        What the map has besides streets; a barrier that it does not call a gate, such as a wall, is none.
    profile
        Its rules.

    Returns
    -------
    gates
        A gate before ways that are private themselves leads nowhere: such ways are in no network.
    """
    order = np.argsort(network.node_osm, kind="stable")
    osm, first, count = np.unique(network.node_osm[order], return_index=True, return_counts=True)
    sides = {
        int(osm[i]): tuple(sorted(order[first[i] : first[i] + count[i]].tolist()))
        for i in np.flatnonzero(count > 1)
    }
    closed = [
        poi
        for poi in features.pois
        if "barrier" in poi.tags and poi.kind == "node" and not judge_node(profile, poi.tags).is_open
    ]
    shut = [poi for poi in closed if _number(poi) in sides]
    names = _gate_names(shut, features)
    found = [
        Gate(poi.osm, name, poi.lon, poi.lat, poi.tags["barrier"], sides[_number(poi)])
        for poi, name in zip(shut, names, strict=True)
    ]
    return Gates(tuple(sorted(found)), len(closed) - len(shut))


def _number(poi: OsmPoi) -> int:
    return int(poi.osm.partition("/")[2])


def _gate_names(pois: list[OsmPoi], features: OsmFeatures) -> list[str]:
    """What to call gates: the nearest named compound, and their own names or kinds."""
    own = [poi.tags.get("name") or poi.tags["barrier"] for poi in pois]
    named = [area for area in features.areas if area.tags.get("name") and area.tags.get("landuse")]
    if not named or not pois:
        return own
    lonlat = np.array([(poi.lon, poi.lat) for poi in pois])
    east_m, north_m = metres_per_degree(lonlat[:, 1].mean())
    metres = np.array([east_m, north_m])
    shapes = shapely.transform(
        shapely.from_geojson([json.dumps(area.geometry) for area in named]), lambda at: at * metres
    )
    gate, area = shapely.STRtree(shapes).query_nearest(
        shapely.points(lonlat * metres), max_distance=WALL_M, all_matches=False
    )
    for g, a in zip(gate.tolist(), area.tolist(), strict=True):
        own[g] = f"{named[a].tags['name']} {own[g]}"
    return own


def gate_delay_ms(profile: Profile, gate: Gate) -> int:
    """
    What passing an open gate costs.

    Parameters
    ----------
    profile
        Whose table of delays.
    gate
        The gate.

    Returns
    -------
    delay_ms
        As for such gates that are open.
    """
    return round(1000 * profile.delay_s.get(gate.barrier, profile.delay_s["yes"]))


def gate_snaps(network: Network, gates: tuple[Gate, ...]) -> Snaps:
    """
    The sides of gates as points on the streets.

    Parameters
    ----------
    network
        Streets of the profile.
    gates
        Some gates.

    Returns
    -------
    snaps
        One for each side of each gate, in order; each stands at the end of its link, with no gap.
    """
    nodes = np.array([node for gate in gates for node in gate.node], dtype=np.int64)
    touching = np.concatenate([network.edge_tail, network.edge_head])
    edge_at = np.tile(np.arange(network.n_edges), 2)
    order = np.argsort(touching, kind="stable")
    edge = edge_at[order[np.searchsorted(touching[order], nodes)]]
    link = network.edge_link[edge]
    is_along = network.link_edge[link, 0] == edge
    share = (is_along == (network.edge_head[edge] == nodes)).astype(np.float64)
    into = np.array([share, 1.0 - share])
    edges = network.link_edge[link].T
    travel = (network.edge_weight_ms[edges] - network.edge_delay_ms[edges]).astype(np.int64)
    cost_ms = np.where(edges == NONE, -1, travel * into.astype(np.int64))
    lon, lat = network.node_lon_e6[nodes] / 1e6, network.node_lat_e6[nodes] / 1e6
    nothing = np.zeros(len(nodes))
    return Snaps(
        lon, lat, link, share, cost_ms[0], cost_ms[1], lon, lat, nothing, np.zeros(len(nodes), dtype=np.int64)
    )


def cost_through(to_ms: LongArray, on_ms: LongArray, delay_ms: int) -> LongArray:
    """
    What it costs to go through a gate.

    Parameters
    ----------
    to_ms
        Cost from each demand point to each side, `UNREACHED` where no way leads, shape ``(n, sides)``.
    on_ms
        Cost on from each side to each place, likewise, shape ``(sides, f)``.
    delay_ms
        What the gate itself costs.

    Returns
    -------
    cost_ms
        From each demand point to each place by way of any two different sides, `UNREACHED` if none, shape ``(n, f)``.
    """
    there = np.where(to_ms == UNREACHED, _FAR, to_ms)
    onward = np.where(on_ms == UNREACHED, _FAR, on_ms)
    best = np.full((len(to_ms), on_ms.shape[1]), _FAR)
    for side in range(len(on_ms)):
        for other in range(len(on_ms)):
            if side != other:
                best = np.minimum(best, there[:, side, None] + delay_ms + onward[other])
    return np.where(best >= _FAR, UNREACHED, best)


def pass_brings(
    to_ms: LongArray, on_ms: LongArray, delay_ms: int, is_near: BoolArray, cutoff_ms: int
) -> BoolArray:
    """
    Which demand points a pass brings near to which places.

    Parameters
    ----------
    to_ms
        As in `cost_through`.
    on_ms
        Likewise.
    delay_ms
        What the gate itself costs.
    is_near
        What is near without it, shape ``(n, f)``.
    cutoff_ms
        Longest cost, inclusive.

    Returns
    -------
    is_new
        Near with the pass and not without, shape ``(n, f)``.
    """
    is_new = np.zeros_like(is_near)
    rows = np.flatnonzero(((to_ms != UNREACHED) & (to_ms <= cutoff_ms)).any(axis=1))
    if len(rows):
        cost_ms = cost_through(to_ms[rows], on_ms, delay_ms)
        is_new[rows] = (cost_ms != UNREACHED) & (cost_ms <= cutoff_ms) & ~is_near[rows]
    return is_new
