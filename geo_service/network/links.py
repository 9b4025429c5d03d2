"""
From links in any order to a frozen `Network`: geometry thinned, edges sorted, components numbered.

Streets of OpenStreetMap and graphs of osmnx both end here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.errors import InvalidInputError
from geo_service.geo import WGS84_A, WGS84_E2
from geo_service.network.graph import NONE, IntArray, LongArray, Metric, Network

THIN_M = 0.5
"""Geometry may move sideways by this much; less than the width of a bike."""


class Links(NamedTuple):
    """Links before sorting; ``point_*`` hold their geometry back to back; columns of two are along, against."""

    tail: LongArray
    head: LongArray
    travel_ms: LongArray
    delay_ms: LongArray
    mode: LongArray
    length_mm: LongArray
    name: tuple[str, ...]
    way: LongArray
    first_point: LongArray
    point_lon_e6: LongArray
    point_lat_e6: LongArray


def assemble(
    profile: str,
    gap_ms_per_m: float,
    node_lon_e6: LongArray,
    node_lat_e6: LongArray,
    node_osm: LongArray,
    links: Links,
) -> Network:
    """
    Thin the geometry, sort edges and links, and freeze everything.

    Parameters
    ----------
    profile
        Name of the profile.
    gap_ms_per_m
        Cost of the straight gap to a street.
    node_lon_e6
        Node longitudes, in the order the nodes shall have.
    node_lat_e6
        Node latitudes.
    node_osm
        OSM ids of the nodes.
    links
        Links in any order; where neither direction is permitted, a link is dropped.

    Returns
    -------
    network
        In the order `Network` promises.
    """
    metric = build_metric(node_lat_e6)
    links = thin(_keep_permitted(links), metric)
    n_nodes, n_links = len(node_lon_e6), len(links.tail)
    tail = np.stack([links.tail, links.head], axis=1)
    head = tail[:, ::-1]
    is_edge = links.travel_ms != NONE
    key = np.where(is_edge, tail * n_nodes + head, np.iinfo(np.int64).max)
    order = np.argsort(key.min(axis=1), kind="stable")
    rank = np.empty(n_links, dtype=np.int64)
    rank[order] = np.arange(n_links)

    link, side = np.nonzero(is_edge)
    edge_order = np.lexsort((side, rank[link], key[link, side]))
    link, side = link[edge_order], side[edge_order]
    link_edge = np.full((n_links, 2), NONE, dtype=np.int32)
    link_edge[rank[link], side] = np.arange(len(link))
    edge_tail, edge_head = tail[link, side], head[link, side]
    names = ("", *sorted(set(links.name) - {""}))
    position = {name: i for i, name in enumerate(names)}
    points, first_point = _reorder_points(links, order)
    return Network(
        profile=profile,
        gap_ms_per_m=gap_ms_per_m,
        metric=metric,
        node_lon_e6=_int(node_lon_e6),
        node_lat_e6=_int(node_lat_e6),
        node_osm=node_osm.astype(np.int64),
        node_component=_int(number_components(n_nodes, edge_tail, edge_head)),
        first_edge=_int(np.concatenate([[0], np.cumsum(np.bincount(edge_tail, minlength=n_nodes))])),
        edge_tail=_int(edge_tail),
        edge_head=_int(edge_head),
        edge_weight_ms=_int((links.travel_ms + links.delay_ms)[link, side]),
        edge_delay_ms=_int(links.delay_ms[link, side]),
        edge_mode=links.mode[link, side].astype(np.uint8),
        edge_link=_int(rank[link]),
        link_edge=link_edge,
        link_length_mm=_int(links.length_mm[order]),
        link_name=_int(np.array([position[name] for name in links.name], dtype=np.int64)[order]),
        link_way=links.way[order].astype(np.int64),
        first_point=_int(first_point),
        point_lon_e6=_int(links.point_lon_e6[points]),
        point_lat_e6=_int(links.point_lat_e6[points]),
        names=names,
    )


def some_streets(network: Network, is_kept: npt.NDArray[np.bool_]) -> Network:
    """
    The same network with some of its links only, as if the others had never been mapped.

    Parameters
    ----------
    network
        Streets of one profile.
    is_kept
        Which links stay, shape ``(l,)``.

    Returns
    -------
    network
        Nodes keep their numbers; edges and links are numbered anew.

    Raises
    ------
    InvalidInputError
        If there is not one answer for each link.
    """
    if is_kept.shape != (network.n_links,):
        raise InvalidInputError(
            f"is_kept has shape {is_kept.shape}; give one answer for each of {network.n_links} links",
            parameter="is_kept",
            value=is_kept.shape,
        )
    return assemble(
        network.profile,
        network.gap_ms_per_m,
        network.node_lon_e6.astype(np.int64),
        network.node_lat_e6.astype(np.int64),
        network.node_osm,
        _keep(_links_of(network), is_kept),
    )


def by_length(network: Network) -> Network:
    """
    The same streets where a millimetre costs what a millisecond did, so that the shortest way is the cheapest.

    Parameters
    ----------
    network
        Streets of one profile.

    Returns
    -------
    network
        Weights are lengths; nothing delays, and a gap costs its metres.
    """
    length_mm = network.link_length_mm[network.edge_link]
    return replace(
        network,
        gap_ms_per_m=1000.0,
        edge_weight_ms=length_mm.astype(np.int32),
        edge_delay_ms=np.zeros(network.n_edges, dtype=np.int32),
    )


def open_gate(network: Network, nodes: Sequence[int], delay_ms: int) -> Network:
    """
    The same network with nodes joined that stand on the sides of a shut gate.

    Parameters
    ----------
    network
        Streets of one profile.
    nodes
        Two or more.
    delay_ms
        What whoever arrives there pays from now on.

    Returns
    -------
    network
        The first of the nodes stands for all; the others keep their numbers and have no street.
    """
    links = _links_of(network)
    is_side = np.isin(np.column_stack([links.head, links.tail]), nodes)
    joined = np.where(is_side, min(nodes), np.column_stack([links.head, links.tail]))
    return assemble(
        network.profile,
        network.gap_ms_per_m,
        network.node_lon_e6.astype(np.int64),
        network.node_lat_e6.astype(np.int64),
        network.node_osm,
        links._replace(
            head=joined[:, 0],
            tail=joined[:, 1],
            delay_ms=links.delay_ms + np.where(is_side & (links.travel_ms != NONE), delay_ms, 0),
        ),
    )


def _links_of(network: Network) -> Links:
    """Links of a network as they were before edges were sorted."""
    along, against = network.link_edge.T
    ends = np.where(
        along != NONE,
        [network.edge_tail[along], network.edge_head[along]],
        [network.edge_head[against], network.edge_tail[against]],
    ).astype(np.int64)
    is_edge = network.link_edge != NONE

    def column(values: npt.NDArray[np.integer], missing: int) -> LongArray:
        return np.where(is_edge, values[network.link_edge], missing).astype(np.int64)

    delay_ms = column(network.edge_delay_ms, 0)
    return Links(
        tail=ends[0],
        head=ends[1],
        travel_ms=np.where(is_edge, column(network.edge_weight_ms, 0) - delay_ms, NONE),
        delay_ms=delay_ms,
        mode=column(network.edge_mode, NONE),
        length_mm=network.link_length_mm.astype(np.int64),
        name=tuple(network.names[i] for i in network.link_name.tolist()),
        way=network.link_way,
        first_point=network.first_point.astype(np.int64),
        point_lon_e6=network.point_lon_e6.astype(np.int64),
        point_lat_e6=network.point_lat_e6.astype(np.int64),
    )


def _int(values: LongArray) -> IntArray:
    if len(values) and (values.max() > np.iinfo(np.int32).max or values.min() < np.iinfo(np.int32).min):
        raise InvalidInputError(
            f"a street value of {values.max()} is too large for a network; is a length or a time in the wrong unit?",
            parameter="network",
            value=int(values.max()),
        )
    return values.astype(np.int32)


def _keep_permitted(links: Links) -> Links:
    return _keep(links, (links.travel_ms != NONE).any(axis=1))


def _keep(links: Links, keep: npt.NDArray[np.bool_]) -> Links:
    if keep.all():
        return links
    points, first_point = _reorder_points(links, np.flatnonzero(keep))
    return Links(
        tail=links.tail[keep],
        head=links.head[keep],
        travel_ms=links.travel_ms[keep],
        delay_ms=links.delay_ms[keep],
        mode=links.mode[keep],
        length_mm=links.length_mm[keep],
        name=tuple(name for name, is_kept in zip(links.name, keep.tolist(), strict=True) if is_kept),
        way=links.way[keep],
        first_point=first_point,
        point_lon_e6=links.point_lon_e6[points],
        point_lat_e6=links.point_lat_e6[points],
    )


def _reorder_points(links: Links, order: LongArray) -> tuple[LongArray, LongArray]:
    """Give point numbers link by link in a new order, and the new offsets."""
    count = np.diff(links.first_point)[order]
    first = np.concatenate([[0], np.cumsum(count)])
    within = np.arange(first[-1]) - np.repeat(first[:-1], count)
    return np.repeat(links.first_point[order], count) + within, first


def thin(links: Links, metric: Metric) -> Links:
    """
    Leave out points that the line hardly notices (Douglas-Peucker, `THIN_M`).

    Parameters
    ----------
    links
        Links with geometry in micro-degrees.
    metric
        Metres around here.

    Returns
    -------
    thinned
        The same with fewer points; first and last point of every link stay.
    """
    if len(links.tail) == 0:
        return links
    squeeze = metric.lon_m / metric.lat_m
    owner = np.repeat(np.arange(len(links.tail)), np.diff(links.first_point))
    xy = np.column_stack([links.point_lon_e6 * squeeze, links.point_lat_e6])
    lines = shapely.simplify(
        shapely.linestrings(xy, indices=owner), THIN_M / metric.lat_m, preserve_topology=False
    )
    kept, owner = shapely.get_coordinates(lines, return_index=True)
    return links._replace(
        first_point=np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(links.tail)))]),
        point_lon_e6=np.rint(kept[:, 0] / squeeze).astype(np.int64),
        point_lat_e6=np.rint(kept[:, 1]).astype(np.int64),
    )


def build_metric(lat_e6: LongArray) -> Metric:
    """
    Metres per micro-degree around some nodes, longitude to second order in latitude.

    Parameters
    ----------
    lat_e6
        Latitudes of the nodes, 1e-6 degrees, shape ``(n,)``.

    Returns
    -------
    metric
        Taylor series of the ellipsoid's radii at the middle latitude.
    """
    lat0_e6 = (float(lat_e6.min()) + float(lat_e6.max())) / 2.0 if len(lat_e6) else 0.0
    step = np.radians(1e-6)
    sin, cos = np.sin(lat0_e6 * step), np.cos(lat0_e6 * step)
    w2 = 1.0 - WGS84_E2 * sin**2
    shrink = WGS84_A * (1.0 - WGS84_E2)
    return Metric(
        lat0_e6=lat0_e6,
        lat_m=float(shrink * w2**-1.5 * step),
        lon_m=float(WGS84_A * cos * w2**-0.5 * step),
        lon_m1=float(-shrink * sin * w2**-1.5 * step**2),
        lon_m2=float(-shrink * cos * (1.0 + 2.0 * WGS84_E2 * sin**2) * w2**-2.5 * step**3 / 2.0),
    )


def number_components(n_nodes: int, tail: LongArray, head: LongArray) -> LongArray:
    """
    Number weakly connected components from the largest.

    Parameters
    ----------
    n_nodes
        Number of nodes.
    tail
        One end of each edge, shape ``(m,)``.
    head
        The other end, shape ``(m,)``.

    Returns
    -------
    component
        0 for the largest, then by size; of equals the one with the lower node first, shape ``(n,)``.
    """
    parent = np.arange(n_nodes)
    while True:
        a, b = parent[tail], parent[head]
        if np.array_equal(a, b):
            break
        np.minimum.at(parent, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(parent, grand := parent[parent]):
            parent = grand
    roots, label, size = np.unique(parent, return_inverse=True, return_counts=True)
    rank = np.empty(len(roots), dtype=np.int64)
    rank[np.lexsort((roots, -size))] = np.arange(len(roots))
    return rank[label] if n_nodes else np.empty(0, dtype=np.int64)
