"""
How much of the streets has a place within a cutoff, and what changes when places come or go.

Coverage is counted to the metre of street, not by junctions: whoever stands at a share of an edge pays the
rest of it and then what its head costs, or goes straight to a place on the same link. There is no demand in it: a
metre of empty lane counts as much as one before a hospital.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_service.engine.router import NONE, UNREACHED, Router, Snaps
from geo_service.finder.stretches import Stretches, lengths_m, merge_stretches
from geo_service.network.graph import Network

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]

TRIALS = 256
"""Trials that are handed to the engine together."""


@dataclass(frozen=True, eq=False)
class Cover:
    """
    The streets of a profile, covered by some places within a cutoff.

    Parameters
    ----------
    router
        Of the profile.
    places
        Where the places meet its streets.
    cutoff_ms
        Longest cost that counts, inclusive.
    """

    router: Router
    places: Snaps
    cutoff_ms: int

    @property
    def network(self) -> Network:
        """The streets."""
        return self.router.network

    @cached_property
    def node_ms(self) -> LongArray:
        """Cost from each node to the nearest place, `UNREACHED` where no way leads to any, shape ``(n,)``."""
        return self.router.coverage(self.places).cost_ms

    @cached_property
    def stretches(self) -> Stretches:
        """What is covered of each link."""
        return covered_stretches(self.network, self.node_ms, self.places, self.cutoff_ms)

    @cached_property
    def link_m(self) -> FloatArray:
        """Metres covered of each link, shape ``(l,)``."""
        covered_m = lengths_m(self.network, self.stretches)
        link_m = np.bincount(self.stretches.link, covered_m, minlength=self.network.n_links)
        return link_m.astype(np.float64)

    @cached_property
    def street_m(self) -> float:
        """Length of all streets, metres."""
        return float(self.network.link_length_mm.sum(dtype=np.int64)) / 1000

    @cached_property
    def covered_m(self) -> float:
        """Length of what is covered, metres."""
        return float(self.link_m.sum())

    @property
    def n_covered_nodes(self) -> int:
        """Nodes from which a place is within the cutoff."""
        return int(((self.node_ms != UNREACHED) & (self.node_ms <= self.cutoff_ms)).sum())

    def middle_ms(self) -> LongArray:
        """Cost from the middle of each link to the nearest place, `UNREACHED` if none, shape ``(l,)``."""
        links = np.arange(self.network.n_links)
        cost_ms = np.full(len(links), np.iinfo(np.int64).max)
        for edge, _, travel_ms, weight_ms in _directions(self.network, links):
            head_ms = self.node_ms[self.network.edge_head[edge]]
            goes = (edge != NONE) & (head_ms != UNREACHED)
            rest_ms = weight_ms - travel_ms // 2
            cost_ms = np.where(goes, np.minimum(cost_ms, rest_ms + head_ms), cost_ms)
        places = self.places.take(np.flatnonzero(self.places.link != NONE))
        for edge, is_against, travel_ms, _ in _directions(self.network, places.link):
            at_share = 1.0 - places.share if is_against else places.share
            at_ms = places.backward_ms if is_against else places.forward_ms
            goes = (edge != NONE) & (at_share >= 0.5)
            straight_ms = at_ms - travel_ms // 2 + places.gap_ms
            np.minimum.at(cost_ms, places.link[goes], straight_ms[goes])
        return np.where(cost_ms == np.iinfo(np.int64).max, UNREACHED, cost_ms)

    def closing(self, rows: LongArray) -> FloatArray:
        """
        Metres that would be covered if one of the places closed, for each in turn.

        Parameters
        ----------
        rows
            Which, shape ``(t,)``.

        Returns
        -------
        covered_m
            Shape ``(t,)``.
        """
        return self._try(rows, None)

    def adding(self, new: Snaps) -> FloatArray:
        """
        Metres that would be covered if one place came, for each in turn.

        Parameters
        ----------
        new
            Where, ``t`` of them.

        Returns
        -------
        covered_m
            Shape ``(t,)``.
        """
        return self._try(None, new)

    def _try(self, rows: LongArray | None, new: Snaps | None) -> FloatArray:
        coverage = self.router.coverage(self.places)
        n_trials = len(rows) if new is None and rows is not None else len(new.link) if new is not None else 0
        node_ms, covered_m = self.node_ms.copy(), np.full(n_trials, self.covered_m)
        for begin in range(0, n_trials, TRIALS):
            some = slice(begin, begin + TRIALS)
            close = None if rows is None else rows[some]
            add = None if new is None else new.take(some)
            changes = self.router.what_if(coverage, self.places, close=close, add=add)
            for t in range(len(changes.first) - 1):
                at = slice(changes.first[t], changes.first[t + 1])
                nodes = changes.node[at]
                places, own = _changed(self.places, close, add, t)
                links = np.unique(np.concatenate([self._links_into(nodes), own]))
                node_ms[nodes] = changes.cost_ms[at]
                stretches = covered_stretches(self.network, node_ms, places, self.cutoff_ms, links)
                node_ms[nodes] = self.node_ms[nodes]
                gained_m = lengths_m(self.network, stretches).sum() - self.link_m[links].sum()
                covered_m[begin + t] += gained_m
        return covered_m

    def _links_into(self, nodes: IntArray) -> IntArray:
        """Links with an edge that leads to one of the nodes."""
        order, first = self._by_head
        counts = first[nodes + 1] - first[nodes]
        at = np.repeat(first[nodes] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        links: IntArray = self.network.edge_link[order[at]]
        return links

    @cached_property
    def _by_head(self) -> tuple[LongArray, LongArray]:
        order = np.argsort(self.network.edge_head, kind="stable")
        return order, np.searchsorted(self.network.edge_head[order], np.arange(self.network.n_nodes + 1))


def _changed(places: Snaps, close: LongArray | None, add: Snaps | None, t: int) -> tuple[Snaps, IntArray]:
    """Places as they stand in one trial, and the link of the one that comes or goes."""
    if close is not None:
        own = places.link[close[t] : close[t] + 1]
        return places.take(np.arange(len(places.link)) != close[t]), own[own != NONE]
    assert add is not None
    new = add.take(slice(t, t + 1))
    return join_snaps(places, new), new.link[new.link != NONE]


def join_snaps(some: Snaps, others: Snaps) -> Snaps:
    """
    Points of two lists in one.

    Parameters
    ----------
    some
        These first.
    others
        Then those.

    Returns
    -------
    joined
        All of them.
    """
    columns: Any = zip(some, others, strict=True)
    return Snaps(*(np.concatenate(pair) for pair in columns))


def covered_stretches(
    network: Network, node_ms: LongArray, places: Snaps, cutoff_ms: int, links: IntArray | None = None
) -> Stretches:
    """
    What of the links has a place within a cutoff.

    Parameters
    ----------
    network
        Streets of one profile.
    node_ms
        Cost from each node to the nearest place, `UNREACHED` if none, shape ``(n,)``.
    places
        Where the places meet the streets; rows without a link count for nothing.
    cutoff_ms
        Longest cost, inclusive.
    links
        Links to look at, ascending; all if absent.

    Returns
    -------
    stretches
        Disjoint.
    """
    looked_at = np.arange(network.n_links, dtype=np.int32) if links is None else links
    is_here = places.link != NONE
    if links is not None:
        is_here &= np.isin(places.link, links)
    here = places.take(np.flatnonzero(is_here))
    parts = [
        *_towards_heads(network, node_ms, cutoff_ms, looked_at),
        *_towards_places(network, here, cutoff_ms),
    ]
    return merge_stretches(Stretches(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))


def _towards_heads(
    network: Network, node_ms: LongArray, cutoff_ms: int, links: IntArray
) -> Iterator[Stretches]:
    """Of each edge the part from which its head is near enough."""
    for edge, is_against, travel_ms, weight_ms in _directions(network, links):
        head_ms = node_ms[network.edge_head[edge]]
        # who stands at a share has paid floor(travel * share), which must be at least this
        need_ms = weight_ms + head_ms - cutoff_ms
        kept = (edge != NONE) & (head_ms != UNREACHED) & (need_ms <= travel_ms)
        start = np.maximum(need_ms, 0)[kept] / np.maximum(travel_ms[kept], 1)
        yield _drawn(links[kept], start, np.ones(len(start)), is_against=is_against)


def _towards_places(network: Network, places: Snaps, cutoff_ms: int) -> Iterator[Stretches]:
    """Of each link with a place the part from which one goes straight to it."""
    for edge, is_against, travel_ms, _ in _directions(network, places.link):
        at_ms = places.backward_ms if is_against else places.forward_ms
        end = 1.0 - places.share if is_against else places.share
        need_ms = at_ms + places.gap_ms - cutoff_ms
        start = np.maximum(need_ms, 0) / np.maximum(travel_ms, 1)
        kept = (edge != NONE) & (places.gap_ms <= cutoff_ms) & (start <= end)
        yield _drawn(places.link[kept], start[kept], end[kept], is_against=is_against)


def _directions(
    network: Network, links: npt.NDArray[np.integer]
) -> Iterator[tuple[IntArray, bool, LongArray, LongArray]]:
    """Edges along links and against them (`NONE` where there is none), their travel and weight."""
    for slot in (0, 1):
        edge = network.link_edge[links, slot]
        weight_ms = network.edge_weight_ms[edge].astype(np.int64)
        yield edge, slot == 1, weight_ms - network.edge_delay_ms[edge], weight_ms


def _drawn(link: IntArray, start: FloatArray, end: FloatArray, *, is_against: bool) -> Stretches:
    return Stretches(link, 1.0 - end, 1.0 - start) if is_against else Stretches(link, start, end)
