"""
The streets and labels of one router in the shape its kernels read, and how points are put on them.

Everything here is frozen and shared by threads; what a thread writes on is its `Own`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from geo_service.engine.climb import Shelf, build_shelf, stock
from geo_service.engine.constants import NONE
from geo_service.engine.dijkstra import Ends, Streets, Windows, build_ends
from geo_service.engine.facilities import NO_BUCKETS, NO_HOOKS, Facilities, Machine, Stand
from geo_service.engine.index import Index
from geo_service.engine.join import RANK, Hooks, build_hooks
from geo_service.engine.kit import Kit
from geo_service.engine.labels import Labels
from geo_service.engine.lines import BEGIN, EDGES, LAST, Lines, build_lines, freeze
from geo_service.engine.own import Own
from geo_service.engine.snap import Columns, Snaps, build_ground
from geo_service.engine.sweep import Flat, flatten
from geo_service.engine.taking import check_links, take_nodes, take_snaps, take_windows
from geo_service.engine.unpack import Shape, build_shape
from geo_service.errors import InvalidInputError
from geo_service.network.graph import FloatArray, IntArray, LongArray, Network

_NOT_CLIMBED = np.empty((0, 2), dtype=np.int32)
"""Saved labels were not come to by a search."""

KEPT_WINDOWS = 64
"""How many windows a thread knows at least."""

ALWAYS = Windows(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
"""Whoever is found counts."""


@dataclass(frozen=True, eq=False)
class Works:
    """
    What the verbs of one router work with.

    Parameters
    ----------
    network
        Streets of one profile.
    index
        Hierarchy and labels, if there are.
    lines
        Links as they are drawn.
    ground
        What snapping reads: a `Ground`.
    edge_link
        Link of each edge, shape ``(m,)``.
    forward
        Edges by tail.
    backward
        Edges by head.
    own
        Workspaces of the thread that asks.
    """

    network: Network
    index: Index | None
    lines: Lines
    ground: Kit
    edge_link: IntArray
    forward: Streets
    backward: Streets
    own: Own

    def need_index(self, verb: str) -> Index:
        """
        The index, for verbs that cannot do without.

        Parameters
        ----------
        verb
            Who needs it.

        Returns
        -------
        index
            Hierarchy and labels.

        Raises
        ------
        InvalidInputError
            If the router was made without.
        """
        if self.index is None:
            raise InvalidInputError(
                f"{verb} needs an index; make the router with Router(network, build_index(network))",
                parameter="index",
                value=None,
            )
        return self.index

    def take(self, snaps: Snaps, parameter: str) -> Snaps:
        """
        Points on these streets, in the one layout.

        Parameters
        ----------
        snaps
            Points as they came.
        parameter
            What they are for.

        Returns
        -------
        snaps
            The same points.

        Raises
        ------
        InvalidInputError
            If a link is of another network.
        """
        if snaps is self.own.snaps:  # fresh from `Router.snap`
            return snaps
        snaps = take_snaps(snaps)
        check_links(snaps, self.network.n_links, parameter)
        return snaps

    def columns(self, snaps: Snaps) -> Columns:
        """
        Points as kernels read them.

        Parameters
        ----------
        snaps
            Points that were taken.

        Returns
        -------
        columns
            The same points.
        """
        own = self.own
        if snaps is own.snaps and own.columns is not None:
            return own.columns
        _, _, link, share, forward_ms, backward_ms, _, _, gap_m, gap_ms = snaps
        return Columns(
            link,
            np.stack([snaps.lon, snaps.lat, share, snaps.foot_lon, snaps.foot_lat, gap_m]),
            np.stack([forward_ms, backward_ms, gap_ms]),
        )

    def take_windows(self, windows: Windows | None, n_facilities: int) -> Windows:
        """
        Windows in the one layout.

        Parameters
        ----------
        windows
            As they came.
        n_facilities
            How many facilities there are.

        Returns
        -------
        windows
            The same, or `ALWAYS`.

        Raises
        ------
        InvalidInputError
            If they do not fit the facilities.
        """
        return ALWAYS if windows is None else take_windows(windows, n_facilities)

    def window_kit(self, windows: Windows, n_facilities: int) -> Kit:
        """
        Windows as kernels read them; those that were taken lately are known.

        Parameters
        ----------
        windows
            As they came.
        n_facilities
            How many facilities there are.

        Returns
        -------
        kit
            The same, but for when one departs.

        Raises
        ------
        InvalidInputError
            If they do not fit the facilities.
        """
        known = self.own.windows
        first, opens, closes, _, _ = windows
        if found := known.get(id(first)):
            came, kit = found
            is_same = came.first is first and came.open_ms is opens and came.close_ms is closes
            if is_same and len(first) == n_facilities + 1:
                return kit
        taken = take_windows(windows, n_facilities)
        kit = Kit(first=taken.first, open_ms=taken.open_ms, close_ms=taken.close_ms)
        if len(known) >= KEPT_WINDOWS:
            known.clear()
        known[id(first)] = (windows, kit)
        return kit

    def hang(self, snaps: Snaps, *, is_left: bool) -> Ends:
        """
        Hang points on the nodes of their links.

        Parameters
        ----------
        snaps
            Points on these streets.
        is_left
            Whether they are left, or arrived at.

        Returns
        -------
        ends
            Two slots per point.
        """
        return build_ends(snaps, self.lines.link, is_left=is_left)

    def hook(self, ends: Ends) -> Hooks:
        """
        Points that hang, as labels want them.

        Parameters
        ----------
        ends
            How they hang.

        Returns
        -------
        hooks
            The same by rank.
        """
        return build_hooks(ends, self.need_index("this").hierarchy.rank)

    def labels_of(self, at: LongArray, *, is_back: bool) -> Labels:
        """
        Labels of the nodes some points hang on, read or made.

        Parameters
        ----------
        at
            Hooks of the points.
        is_back
            Against the direction of travel.

        Returns
        -------
        labels
            Of these ranks at least. Those that are made last until this thread asks again for that direction.
        """
        index = self.need_index("this")
        if index.has_labels:
            return index.backward if is_back else index.forward
        shelves = self.own.shelves
        shelves[is_back] = self.climb(at, shelves[is_back], is_back=is_back)
        return shelves[is_back].labels

    def climb(self, at: LongArray, shelf: Shelf, *, is_back: bool) -> Shelf:
        """
        Make labels of the nodes some points hang on.

        Parameters
        ----------
        at
            Hooks of the points.
        shelf
            Where they are put; what stands there is lost.
        is_back
            Against the direction of travel.

        Returns
        -------
        shelf
            With these labels.
        """
        hierarchy = self.need_index("this").hierarchy
        own, other = (hierarchy.down, hierarchy.up) if is_back else (hierarchy.up, hierarchy.down)
        climber = self.own.climber(max(len(own.end), len(other.end)))
        ranks = np.unique(at[:, :, RANK])
        return stock(own, other, climber, ranks[ranks != NONE], shelf)

    def stand(self, facilities: Snaps | Facilities) -> Stand:
        """
        Facilities ready to be asked for.

        Parameters
        ----------
        facilities
            Prepared or not.

        Returns
        -------
        stand
            As they stand now; without buckets, if they were not prepared.

        Raises
        ------
        InvalidInputError
            If a link is of another network.
        """
        if isinstance(facilities, Facilities):
            return facilities.stand
        snaps = self.take(facilities, "facilities")
        targets, departs = self.hang(snaps, is_left=False), self.hang(snaps, is_left=True)
        rows = np.flatnonzero(snaps.link != NONE)
        if self.index is None:
            return Stand(snaps, targets, departs, NO_HOOKS, NO_HOOKS, rows, NO_BUCKETS)
        return Stand(snaps, targets, departs, self.hook(targets), self.hook(departs), rows, NO_BUCKETS)

    def machine(self) -> Machine:
        """
        What facilities need, to change by themselves.

        Returns
        -------
        machine
            For as long as they live.
        """
        index = self.index

        def backward(at: LongArray) -> Labels:
            assert index is not None
            if index.has_labels:
                return index.backward
            return self.climb(at, build_shelf(self.network.n_nodes), is_back=True).labels

        def hang(snaps: Snaps, is_left: bool) -> Ends:
            return self.hang(snaps, is_left=is_left)

        forward = None if self.label_kits is None else self.label_kits[0]
        return Machine(index, self.take, hang, self.own.desk, backward, forward)

    def take_nodes(self, nodes: npt.ArrayLike) -> LongArray:
        """
        Nodes of this network, in the one layout.

        Parameters
        ----------
        nodes
            Nodes as they came.

        Returns
        -------
        nodes
            The same, shape ``(n,)``.

        Raises
        ------
        InvalidInputError
            If there is no such node.
        """
        return take_nodes(nodes, self.network.n_nodes)

    def at_nodes(self, nodes: LongArray) -> Snaps:
        """
        Points on nodes; they have a link to stand at, but no place along it.

        Parameters
        ----------
        nodes
            Where they stand.

        Returns
        -------
        snaps
            To be hung with `hang_nodes` only.
        """
        n = len(nodes)
        lonlat = self.node_lonlat[nodes]
        lon, lat = lonlat[:, 0].copy(), lonlat[:, 1].copy()
        nothing, none = np.zeros(n, dtype=np.int64), np.zeros(n)
        return Snaps(lon, lat, self._node_link[nodes], none, nothing, nothing, lon, lat, none, nothing)

    @cached_property
    def node_lonlat(self) -> FloatArray:
        """Nodes in degrees, shape ``(n, 2)``."""
        return np.stack([self.network.node_lon_e6, self.network.node_lat_e6], axis=1) / 1e6

    @cached_property
    def _node_link(self) -> IntArray:
        link = np.zeros(self.network.n_nodes, dtype=np.int32)
        link[self.network.edge_head] = self.network.edge_link
        link[self.network.edge_tail] = self.network.edge_link
        return link

    @cached_property
    def edge_key(self) -> LongArray:
        """Cost and length of each edge in one number, as labels count."""
        return freeze((self.forward.edge_ms.astype(np.int64) << 32) + self.forward.edge_mm)

    @cached_property
    def flat(self) -> tuple[Flat, Flat]:
        """Arcs of the hierarchy up and down, for sweeps."""
        hierarchy = self.need_index("this").hierarchy
        return flatten(hierarchy.up), flatten(hierarchy.down)

    @cached_property
    def shape(self) -> Shape:
        """What the arcs of the hierarchy stand for, and how it is drawn."""
        link, edges = self.lines.link, np.arange(self.network.n_edges)
        own = link[self.edge_link]
        is_against = (own[:, EDGES + 1] == edges)[:, None]
        ends = np.where(is_against, own[:, [LAST, BEGIN]], own[:, [BEGIN, LAST]])
        streets, hierarchy = self.forward, self.need_index("this").hierarchy
        return build_shape(hierarchy, ends, streets.edge_ms, streets.edge_mm, self.lines.xy / 1e6)

    @cached_property
    def chart(self) -> Kit:
        """What following a way reads of streets and hierarchy."""
        hierarchy = self.need_index("this").hierarchy
        up, down = hierarchy.up, hierarchy.down
        return Kit(
            self.shape, rank=hierarchy.rank, nodes=self.node_lonlat, edge_key=self.edge_key, up_first=up.first,
            up_end=up.end, down_first=down.first, down_end=down.end,
        )  # fmt: skip

    @cached_property
    def label_kits(self) -> tuple[Kit, Kit] | None:
        """Labels of both directions, the one of travel first; none, if they are made for each question."""
        if self.index is None or not self.index.has_labels:
            return None
        return Kit(self.index.forward, came=_NOT_CLIMBED), Kit(self.index.backward, came=_NOT_CLIMBED)

    def label_kit(self, at: LongArray, *, is_back: bool) -> Kit:
        """
        Labels of the nodes some points hang on, as kernels read them.

        Parameters
        ----------
        at
            As in `labels_of`.
        is_back
            As in `labels_of`.

        Returns
        -------
        kit
            As `labels_of` gives them, and how they were come to.
        """
        if self.label_kits is not None:
            return self.label_kits[is_back]
        self.labels_of(at, is_back=is_back)
        return self.own.shelf_kit(is_back=is_back)


def build_works(network: Network, index: Index | None) -> Works:
    """
    Lay out what the verbs of a router work with.

    Parameters
    ----------
    network
        Streets of one profile, checked.
    index
        Hierarchy and labels of that network, or none.

    Returns
    -------
    works
        Read-only arrays.
    """
    lines = build_lines(network, None if index is None else index.hierarchy.rank)
    forward, backward = _build_streets(network)
    own = Own(network.n_nodes, network.n_edges)
    return Works(
        network, index, lines, build_ground(network, lines), freeze(network.edge_link), forward, backward, own
    )


def _build_streets(network: Network) -> tuple[Streets, Streets]:
    """Edges by tail for a search forward, by head for a search backward."""
    tail, head = freeze(network.edge_tail), freeze(network.edge_head)
    weight_ms = freeze(network.edge_weight_ms)
    length_mm = freeze(network.link_length_mm[network.edge_link])
    ids = freeze(np.arange(network.n_edges, dtype=np.int32))
    arc = np.stack([head, weight_ms, length_mm, ids], axis=1)
    forward = Streets(freeze(network.first_edge), freeze(arc), tail, head, weight_ms, length_mm)
    order = np.argsort(network.edge_head, kind="stable").astype(np.int32)
    first = np.searchsorted(network.edge_head[order], np.arange(network.n_nodes + 1)).astype(np.int32)
    arc = np.stack([tail, weight_ms, length_mm, ids], axis=1)[order]
    backward = Streets(freeze(first), freeze(arc), head, tail, weight_ms, length_mm)
    return forward, backward


def hang_nodes(nodes: LongArray) -> Ends:
    """
    Points that stand on nodes: one slot each, at no cost.

    Parameters
    ----------
    nodes
        Where they stand.

    Returns
    -------
    ends
        The same to be left and to be arrived at.
    """
    n = len(nodes)
    node, edge = np.empty((n, 2), dtype=np.int32), np.empty((n, 2), dtype=np.int32)
    node[:, 0] = nodes
    node[:, 1] = NONE
    edge[:] = NONE
    nothing, no_gap = np.zeros((n, 2), dtype=np.int64), np.zeros(n, dtype=np.int64)
    return Ends(node, edge, nothing, nothing, np.zeros((n, 2)), no_gap, no_gap)
