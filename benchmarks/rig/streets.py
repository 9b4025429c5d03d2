"""
The streets that are measured on: one strongly connected network, as ours and as plain lists.

Peers count from node to node, and so do the ratios. A delay (a signal, a gate) is therefore part of
its edge here: the weights are the network's own, only nobody can stop short of the junction.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from geo_service.demo import build_demo_osm
from geo_service.network.graph import Network
from geo_service.network.osm import read_osm_file

IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

DEMO = "yingze"


@dataclass(frozen=True, eq=False)
class Streets:
    """
    A network and the same as lists that every peer takes: no parallel edges, no self-loops.

    ``n`` nodes, ``m`` edges sorted by tail and head; of parallel edges the fastest stays.

    Parameters
    ----------
    network
        Ours, with everything in it.
    tail
        Node an edge leaves, shape ``(m,)``.
    head
        Node an edge enters, shape ``(m,)``.
    weight_ms
        Weight of an edge, shape ``(m,)``.
    lonlat
        Nodes, degrees, shape ``(n, 2)``.
    first_point
        Points of edge ``e``, all but the one at its tail, are ``first_point[e]:first_point[e + 1]``,
        shape ``(m + 1,)``.
    points
        Drawn points along the edges, degrees, shape ``(p, 2)``.
    key
        ``tail * n + head`` of each edge, ascending, shape ``(m,)``.
    """

    network: Network
    tail: IntArray
    head: IntArray
    weight_ms: LongArray
    lonlat: FloatArray
    first_point: LongArray
    points: FloatArray
    key: LongArray

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.lonlat)

    def line_of_edges(self, start: int, edges: npt.ArrayLike) -> FloatArray:
        """What to draw for a path of edges that leaves ``start``, shape ``(p, 2)``, degrees."""
        taken = np.asarray(edges, dtype=np.int64)
        first = self.first_point[taken]
        count = self.first_point[taken + 1] - first
        ends = count.cumsum()
        rows = np.arange(ends[-1] if len(ends) else 0) + (first - ends + count).repeat(count)
        return np.concatenate([self.lonlat[start : start + 1], self.points[rows]])

    def line_of_nodes(self, nodes: npt.ArrayLike) -> FloatArray:
        """What to draw for a path given by its nodes, shape ``(p, 2)``, degrees."""
        taken = np.asarray(nodes, dtype=np.int64)
        return self.line_of_edges(int(taken[0]), self.edges_between(taken))

    def edges_between(self, nodes: LongArray) -> LongArray:
        """Edges of a path given by its nodes."""
        return self.key.searchsorted(nodes[:-1] * self.n_nodes + nodes[1:])


def read_streets(osm: str | None) -> Streets:
    """Streets of an extract for an e-bike, or of the demo district."""
    if osm:
        network = read_osm_file(Path(osm), profiles=("ebike",)).networks["ebike"]
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "demo.osm.gz"
            build_demo_osm(DEMO, path)
            network = read_osm_file(path, profiles=("ebike",)).networks["ebike"]
    return build_streets(network)


def build_streets(network: Network) -> Streets:
    """The largest strongly connected part of a network."""
    network = strong_part(network)
    is_way = network.edge_tail != network.edge_head
    edge = np.flatnonzero(is_way)
    edge = edge[np.lexsort((network.edge_weight_ms[edge], network.edge_head[edge], network.edge_tail[edge]))]
    key = network.edge_tail[edge].astype(np.int64) * network.n_nodes + network.edge_head[edge]
    key, fastest = np.unique(key, return_index=True)
    edge = edge[fastest]
    first_point, points = _points_along(network, edge)
    return Streets(
        network=network,
        tail=network.edge_tail[edge],
        head=network.edge_head[edge],
        weight_ms=network.edge_weight_ms[edge].astype(np.int64),
        lonlat=np.column_stack([network.node_lon_e6, network.node_lat_e6]) / 1e6,
        first_point=first_point,
        points=points,
        key=key,
    )


def strong_part(network: Network) -> Network:
    """The largest strongly connected part, delays folded into the weights."""
    n = network.n_nodes
    graph = csr_array((np.ones(network.n_edges), (network.edge_tail, network.edge_head)), shape=(n, n))
    label = connected_components(graph, connection="strong")[1]
    is_node = label == np.bincount(label).argmax()
    is_edge = is_node[network.edge_tail] & is_node[network.edge_head]
    edge = np.flatnonzero(is_edge)
    link = np.unique(network.edge_link[edge])
    node_to = np.cumsum(is_node, dtype=np.int32) - 1
    link_to = np.searchsorted(link, network.edge_link[edge])
    edge_to = np.append(np.cumsum(is_edge, dtype=np.int32) - 1, np.int32(-1))
    first_point, rows = _ranges(network.first_point, link)
    tail = node_to[network.edge_tail[edge]]
    return replace(
        network,
        node_lon_e6=network.node_lon_e6[is_node],
        node_lat_e6=network.node_lat_e6[is_node],
        node_osm=network.node_osm[is_node],
        node_component=np.zeros(is_node.sum(), dtype=np.int32),
        first_edge=np.searchsorted(tail, np.arange(is_node.sum() + 1)).astype(np.int32),
        edge_tail=tail,
        edge_head=node_to[network.edge_head[edge]],
        edge_weight_ms=network.edge_weight_ms[edge],
        edge_delay_ms=np.zeros(len(edge), dtype=np.int32),
        edge_mode=network.edge_mode[edge],
        edge_link=link_to.astype(np.int32),
        link_edge=edge_to[network.link_edge[link]],
        link_length_mm=network.link_length_mm[link],
        link_name=network.link_name[link],
        link_way=network.link_way[link],
        first_point=first_point.astype(np.int32),
        point_lon_e6=network.point_lon_e6[rows],
        point_lat_e6=network.point_lat_e6[rows],
    )


def _ranges(first: IntArray, taken: IntArray | LongArray) -> tuple[LongArray, LongArray]:
    """Offsets of some ranges laid end to end, and the rows they hold."""
    start, count = first[taken].astype(np.int64), np.diff(first)[taken]
    offset = np.concatenate([[0], np.cumsum(count, dtype=np.int64)])
    return offset, np.arange(offset[-1]) + (start - offset[:-1]).repeat(count)


def _points_along(network: Network, edge: LongArray) -> tuple[LongArray, FloatArray]:
    """Drawn points of edges in the direction of travel, without the one at the tail."""
    link = network.edge_link[edge].astype(np.int64)
    is_drawn = network.link_edge[link, 0] == edge
    offset, rows = _ranges(network.first_point, link)
    count = np.diff(offset)
    owner = np.repeat(np.arange(len(edge)), count)
    within = np.arange(offset[-1]) - offset[owner]
    rows = rows - within + np.where(is_drawn[owner], within, count[owner] - 1 - within)
    lonlat = np.column_stack([network.point_lon_e6[rows], network.point_lat_e6[rows]]) / 1e6
    return np.concatenate([[0], np.cumsum(count - 1)]), lonlat[within > 0]
