"""
Contraction hierarchy: nodes leave the streets one by one, the least important first.

When a node leaves, a shortcut joins two of its neighbours unless a witness, a way past the node
that is no worse, is found. What remains is for each node its arcs to more important nodes;
every fastest way climbs such arcs and then descends such arcs [1]_. Importance is level, plus
shortcuts over arcs removed, plus the same counted in edges, as in RoutingKit; neighbours of a
node that left are estimated anew.

Cost and length travel as one number, ``key = cost << 32 | length``: one comparison finds the
fastest and among the fastest the shortest. `constants` says why sums of keys never carry over.

References
----------
.. [1] R. Geisberger, P. Sanders, D. Schultes and D. Delling, "Contraction Hierarchies", WEA 2008.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from geo_service.engine.constants import CHUNK, LOW_MASK, MAX_MM, MAX_MS, NONE, WITNESS_SETTLED
from geo_service.engine.contraction import (
    DONE,
    HALF,
    MORE,
    N_GONE,
    N_INTO,
    N_OUT,
    NO_ROOM,
    NODE,
    ROOM,
    SUM,
    TOO_LONG,
    Draft,
    Lists,
    contract,
    estimate_all,
    fill_draft,
    widen_draft,
)
from geo_service.engine.lines import freeze
from geo_service.errors import InvalidInputError
from geo_service.network.graph import IntArray, LongArray, Network

Progress = Callable[[str, int, int], None]
"""Called with stage, done and total; whatever it raises ends the building."""


class Arcs(NamedTuple):
    """
    Arcs between each node and more important ones, by the rank of the less important end.

    Parameters
    ----------
    first
        Arcs at rank ``r`` are ``first[r]:first[r + 1]``, shape ``(n + 1,)``.
    end
        Rank of the more important end, ascending at each node, shape ``(a,)``.
    ms
        Cost, shape ``(a,)``.
    mm
        Length of the shortest of the fastest, shape ``(a,)``.
    half
        The edge and `NONE`, or the two arcs a shortcut stands for: one of ``down`` and then one of
        ``up``, both at the node it passes, shape ``(a, 2)``.
    """

    first: IntArray
    end: IntArray
    ms: IntArray
    mm: IntArray
    half: IntArray


class Hierarchy(NamedTuple):
    """
    Nodes by importance, and the arcs by which every fastest way climbs and descends.

    Parameters
    ----------
    rank
        Rank of each node, 0 the most important, shape ``(n,)``.
    node
        Node of each rank, shape ``(n,)``.
    up
        Arcs from less to more important nodes.
    down
        Arcs from more to less important nodes.
    """

    rank: IntArray
    node: IntArray
    up: Arcs
    down: Arcs


def build_hierarchy(network: Network, progress: Progress | None = None) -> Hierarchy:
    """
    Contract a network; the same network gives the same hierarchy.

    Parameters
    ----------
    network
        Streets of one profile.
    progress
        Told how many nodes have left, between chunks of work.

    Returns
    -------
    hierarchy
        Read-only arrays.

    Raises
    ------
    InvalidInputError
        If an edge or a way is so long that sums might not fit.
    """
    draft = _draft(network)
    estimate_all(draft)
    end = MORE
    while end != DONE:
        end = contract(draft, CHUNK)
        if end == TOO_LONG:
            raise too_long()
        if end == NO_ROOM:
            draft = widen_draft(draft)
        if progress is not None:
            progress("hierarchy", int(draft.counts[N_GONE]), network.n_nodes)
    return _settle(network, draft)


def too_long() -> InvalidInputError:
    """
    Refuse a network whose ways do not fit the index.

    Returns
    -------
    error
        To be raised.
    """
    return InvalidInputError(
        f"a way of {MAX_MS} ms or {MAX_MM} mm and more does not fit an index; "
        "check the speeds of the profile, or route without an index",
        parameter="network",
        value=MAX_MS,
    )


def _draft(network: Network) -> Draft:
    n, m = network.n_nodes, network.n_edges
    length_mm = network.link_length_mm[network.edge_link]
    if (network.edge_weight_ms >= MAX_MS).any() or (length_mm >= MAX_MM).any():
        raise too_long()
    out, into = _lists(network.edge_tail, n), _lists(network.edge_head, n)
    counts = np.zeros(7, dtype=np.int64)
    counts[N_OUT], counts[N_INTO] = (int(lists.place[:, ROOM].sum()) for lists in (out, into))
    draft = Draft(
        counts=counts,
        out=out,
        into=into,
        up=np.empty((2 * m + 64, 2), dtype=np.int64),
        down=np.empty((2 * m + 64, 2), dtype=np.int64),
        up_means=np.empty((2 * m + 64, 3), dtype=np.int32),
        down_means=np.empty((2 * m + 64, 3), dtype=np.int32),
        n_left=np.empty((n, 2), dtype=np.int64),
        level=np.zeros(n, dtype=np.int64),
        importance=np.zeros(n, dtype=np.int64),
        order=np.empty(n, dtype=np.int64),
        queue=np.empty((8 * n + 64, 2), dtype=np.int64),
        label=np.zeros((n, 4), dtype=np.int64),
        heap=np.empty((16 * WITNESS_SETTLED, 2), dtype=np.int64),
    )
    total = (network.edge_weight_ms.astype(np.int64) << 32) | length_mm
    fill_draft(draft, freeze(network.edge_tail), freeze(network.edge_head), freeze(total.astype(np.int64)))
    return draft


def _lists(ends: IntArray, n: int) -> Lists:
    """Empty lists with room for all edges, and some for the first that move."""
    room = np.bincount(ends, minlength=n)
    place = np.stack([np.cumsum(room) - room, np.zeros_like(room), room], axis=1)
    size = int(room.sum()) + 64
    return Lists(place, np.empty((size, 2), dtype=np.int64), np.empty((size, 3), dtype=np.int32))


def _settle(network: Network, draft: Draft) -> Hierarchy:
    """Sort the arcs by rank, and tell shortcuts where their halves came to stand."""
    n = network.n_nodes
    node = draft.order[::-1].astype(np.int32)
    rank = np.empty(n, dtype=np.int32)
    rank[node] = np.arange(n, dtype=np.int32)
    up, place_up = _sort(draft.up, draft.n_left[:, 0], rank)
    down, place_down = _sort(draft.down, draft.n_left[:, 1], rank)

    def arcs(left: LongArray, means: IntArray, order: LongArray, first: LongArray) -> Arcs:
        half = means[order, HALF:]
        is_shortcut = half[:, 1] != NONE
        half[is_shortcut, 0] = place_down[half[is_shortcut, 0]]
        half[is_shortcut, 1] = place_up[half[is_shortcut, 1]]
        return Arcs(
            first=freeze(first.astype(np.int32)),
            end=freeze(rank[left[order, NODE]]),
            ms=freeze((left[order, SUM] >> 32).astype(np.int32)),
            mm=freeze((left[order, SUM] & LOW_MASK).astype(np.int32)),
            half=freeze(half),
        )

    return Hierarchy(
        freeze(rank),
        freeze(node),
        arcs(draft.up, draft.up_means, *up),
        arcs(draft.down, draft.down_means, *down),
    )


def _sort(
    left: LongArray, n_left: LongArray, rank: IntArray
) -> tuple[tuple[LongArray, LongArray], LongArray]:
    """Order of arcs by rank, offsets of ranks in it, and the place of each arc."""
    n = len(rank)
    n_arcs = np.diff(n_left, prepend=0)[::-1]
    low = np.repeat(np.arange(n), n_arcs)[::-1]
    order = np.argsort(low * n + rank[left[: len(low), NODE]])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return (order, np.concatenate([[0], np.cumsum(n_arcs)])), place
