"""From the labels of a search to everything within a cutoff."""

from typing import NamedTuple

import numpy as np

from geo_service.engine.constants import NONE, UNREACHED
from geo_service.engine.dijkstra import COST, STAMP, Workspace
from geo_service.engine.snap import Snaps
from geo_service.network.graph import FloatArray, IntArray, LongArray, Network


class Reach(NamedTuple):
    """
    All nodes and part-edges within a cutoff of one point, the cutoff included.

    Parameters
    ----------
    node_cost_ms
        Cost with the gap at the origin, `UNREACHED` beyond the cutoff, shape ``(n,)``.
    edge
        Edges of which a part can be travelled, ascending; an edge with the foot point inside may stand
        twice, once from its tail and once from the foot point, shape ``(r,)``.
    start_share
        Where the part begins, from 0 at the tail of the edge to 1 at its head, shape ``(r,)``.
    end_share
        Where it ends, greater than ``start_share``, shape ``(r,)``.
    start_cost_ms
        Cost where the part begins, shape ``(r,)``.
    """

    node_cost_ms: LongArray
    edge: IntArray
    start_share: FloatArray
    end_share: FloatArray
    start_cost_ms: LongArray


def build_reach(network: Network, origin: Snaps, cutoff_ms: int, work: Workspace) -> Reach:
    """
    Collect what the last search labelled within the cutoff.

    Parameters
    ----------
    network
        Streets of one profile.
    origin
        One point, the source of the search.
    cutoff_ms
        Greatest cost, inclusive.
    work
        Workspace with the labels.

    Returns
    -------
    reach
        Parts are measured on travel alone: the delay of an edge is paid at its head, after its last metre.
    """
    label = work.label[: network.n_nodes]
    is_in = (label[:, STAMP] == work.clock[0]) & (label[:, COST] <= cutoff_ms)
    node_cost_ms = np.where(is_in, label[:, COST], UNREACHED)
    own, own_share, own_ms = _own_edges(network, origin)
    is_entered = is_in[network.edge_tail]
    is_entered[own[own_share == 0.0]] = False
    from_nodes = np.flatnonzero(is_entered)
    edge = np.concatenate([from_nodes, own])
    start_share = np.concatenate([np.zeros(len(from_nodes)), own_share])
    start_cost_ms = np.concatenate(
        [node_cost_ms[network.edge_tail[from_nodes]], np.full(len(own), origin.gap_ms[0])]
    )
    # cost from the tail of the edge to where the cutoff runs out, whole milliseconds as everywhere
    left_ms = cutoff_ms - start_cost_ms + np.concatenate([np.zeros(len(from_nodes), dtype=np.int64), own_ms])
    travel_ms = network.edge_weight_ms[edge].astype(np.int64) - network.edge_delay_ms[edge]
    end_share = np.minimum(left_ms, travel_ms) / np.maximum(travel_ms, 1)
    end_share = np.where(left_ms >= travel_ms, 1.0, end_share)
    kept = np.flatnonzero((end_share > start_share) & (start_cost_ms <= cutoff_ms))
    order = kept[np.lexsort((start_share[kept], edge[kept]))]
    return Reach(
        node_cost_ms,
        edge[order].astype(np.int32),
        start_share[order],
        end_share[order],
        start_cost_ms[order],
    )


def _own_edges(network: Network, origin: Snaps) -> tuple[LongArray, FloatArray, LongArray]:
    """Edges through the foot point, the share where it stands on each, and the cost from their tails."""
    edges = network.link_edge[origin.link[0]]
    shares = np.array([origin.share[0], 1.0 - origin.share[0]])
    costs = np.array([origin.forward_ms[0], origin.backward_ms[0]], dtype=np.int64)
    exists = edges != NONE
    return edges[exists].astype(np.int64), shares[exists], costs[exists]
