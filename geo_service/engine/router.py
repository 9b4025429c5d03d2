"""
The engine's door: snap, route, nearest, matrix, reach, coverage, onway, range, what_if. Numbers in, numbers out.

Coordinates are WGS 84 degrees, lon then lat, and only `Router.snap` speaks of them. Costs
are whole milliseconds with both gaps to the street, lengths whole millimetres. Answers are exact.

    cost = gap + rest of the first edge + whole edges + part of the last edge + gap

Each term is floored on its own, so sums hold to the millisecond. A point stands *on* its
edge: the part up to it costs ``floor(travel * share)``, the part after it the rest of the weight,
the delay at the head included. Two points on one link go straight along it where that
direction is permitted, or around.

With an index questions are answered from labels, without one by searching the streets: the same
numbers, later. `Router.facilities` prepares places that are asked for again and again.
"""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geo_service.engine.constants import (
    FEW,
    FEW_ROWS,
    LOW_MASK,
    MAX_GAP_MS_PER_M,
    NEVER,
    NO_CUTOFF,
    NONE,
    SNAP_LIMIT_M,
    UNREACHED,
)
from geo_service.engine.dijkstra import (
    Ends,
    Nearest,
    Streets,
    Windows,
    Workspace,
    build_ends,
    build_workspace,
    search,
)
from geo_service.engine.facilities import (
    NO_BUCKETS,
    NO_HOOKS,
    Facilities,
    Machine,
    Stand,
    build_facilities,
    build_hung,
)
from geo_service.engine.index import Index, build_index, load_index, save_index
from geo_service.engine.join import Desk, Hooks, build_desk, build_hooks, join_all, split_keys, straighten
from geo_service.engine.path import Path, Way, build_path, follow, lay_pieces
from geo_service.engine.reach import Reach, build_reach
from geo_service.engine.scan import (
    find_listed,
    find_nearest,
    find_nearest_timed,
    nearest_to_node,
    nearest_to_nodes,
)
from geo_service.engine.snap import Ground, Lines, Snaps, build_grid, build_lines, freeze, snap_all
from geo_service.engine.stops import Stops, Within, choose_stops, choose_within
from geo_service.engine.sweep import Coverage, Flat, cover, fill_matrix, flatten
from geo_service.engine.trace import Trail, build_trail, trace
from geo_service.engine.what_if import Changes, Spread, build_spread, cover_by_search, try_changes
from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.geo import check_lonlat
from geo_service.network.graph import FloatArray, IntArray, LongArray, Metric, Network, check_streets

__all__ = [
    "NONE",
    "SNAP_LIMIT_M",
    "UNREACHED",
    "Changes",
    "Coverage",
    "Facilities",
    "Index",
    "Nearest",
    "Path",
    "Reach",
    "Router",
    "Snaps",
    "Stops",
    "Windows",
    "Within",
    "build_index",
    "load_index",
    "save_index",
    "warm_up",
]

_PLAIN: Final[tuple[Literal["C"], Literal["W"], Literal["E"]]] = ("C", "W", "E")
"""Layout the kernels are compiled for, whatever views and memory maps callers hold."""

_REAL, _LONG, _INT = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.int32)
_SNAP_TYPES: tuple[Any, ...] = (
    _REAL, _REAL, np.dtype(np.int32), _REAL, _LONG, _LONG, _REAL, _REAL, _REAL, _LONG,
)  # fmt: skip
"""Types of the columns of `Snaps`."""

_NO_SHARES, _NO_PARTS = np.zeros(2), np.full((2, 3), NONE, dtype=np.int64)
"""A way between nodes has no part-edges."""

_ALWAYS = Windows(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Router:
    """
    Exact answers on the network of one profile; frozen, and safe to share between threads.

    Parameters
    ----------
    network
        Streets of one profile, with at least one edge.
    index
        Hierarchy and labels of that network; without them streets are searched.

    Raises
    ------
    InvalidInputError
        If the network has no edge, its gaps are travelled backwards in time or slower than a snail, or the
        index is of another network.
    """

    network: Network
    index: Index | None = None
    _lines: Lines = field(init=False, repr=False)
    _snap_ground: Ground = field(init=False, repr=False)
    _link_edge: IntArray = field(init=False, repr=False)
    _edge_link: IntArray = field(init=False, repr=False)
    _forward: Streets = field(init=False, repr=False)
    _backward: Streets = field(init=False, repr=False)
    _own: threading.local = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_streets(self.network)
        _check_gap_pace(self.network)
        _check_index(self.network, self.index)
        metric = Metric(*(float(value) for value in self.network.metric))
        lines = build_lines(self.network)
        forward, backward = _build_streets(self.network)
        built = {
            "_lines": lines,
            "_snap_ground": Ground(
                tuple(lines),
                tuple(build_grid(lines, metric)),
                tuple(metric),
                float(self.network.gap_ms_per_m),
                SNAP_LIMIT_M,
            ),
            "_link_edge": freeze(self.network.link_edge),
            "_edge_link": freeze(self.network.edge_link),
            "_forward": forward,
            "_backward": backward,
            "_own": threading.local(),
        }
        for name, value in built.items():
            object.__setattr__(self, name, value)

    def snap(self, lonlat: npt.ArrayLike) -> Snaps:
        """
        Put points on their nearest street.

        The nearest link within `SNAP_LIMIT_M` that is not on an island; if there is none, the
        nearest link at all within it. An island is a weakly connected part with fewer than one
        twentieth of the nodes of the largest. Equally near links: the one with the lowest edge.

        Parameters
        ----------
        lonlat
            Longitude, latitude, WGS 84 degrees, shape ``(n, 2)``.

        Returns
        -------
        snaps
            One row per point. A point farther from every street has link `NONE` and still its gap.

        Raises
        ------
        InvalidInputError
            If the shape is another, or a coordinate is not on the globe.
        """
        points = np.array(lonlat, dtype=np.float64, order="C")
        if points.ndim != 2 or points.shape[1] != 2:
            raise InvalidInputError(
                f"points have shape {points.shape}; give lon, lat in rows, shape (n, 2)",
                parameter="lonlat",
                value=list(points.shape),
            )
        if len(points) != 1 or not (abs(points[0, 0]) <= 180.0 and abs(points[0, 1]) <= 90.0):
            check_lonlat(points)
        snaps = self._own.snaps = snap_all(points, self._snap_ground)
        return snaps

    def route(self, origin: Snaps, destination: Snaps) -> Path:
        """
        The fastest way between two points, among the fastest the shortest.

        Of parallel edges that tie in both, the lowest is taken; of longer ways that tie in both
        any may come, always the same one.

        Parameters
        ----------
        origin
            One point.
        destination
            One point.

        Returns
        -------
        path
            Pieces, sums and what to draw.

        Raises
        ------
        UnreachableError
            If the streets do not lead there.
        InvalidInputError
            If one of the two is not exactly one point, or is farther than the limit from any street.
        """
        origin, destination = self._take(origin, "origin"), self._take(destination, "destination")
        _check_one(origin, "origin")
        _check_one(destination, "destination")
        ends = (self._hang(origin, is_left=True), self._hang(destination, is_left=False))
        way = self._find_way(*ends)
        if way is None:
            raise UnreachableError(
                f"no way leads there for profile {self.network.profile!r}: one-way streets or a part of the "
                "network that is not connected; try the way back, or another profile",
                profile=self.network.profile,
            )
        points = (origin, destination)
        return build_path(self._forward, self._lines, self._edge_link, self._link_edge, points, ends, way)

    def _find_way(self, sources: Ends, targets: Ends) -> Way | None:
        if self.index is None:
            work, found = self._workspace(1), _nothing_found(1, 1)
            search(self._forward, sources, targets, _ALWAYS, 1, NO_CUTOFF, work, found)
            return None if found.facility[0, 0] == NONE else follow(work, self._forward, sources, targets)
        hierarchy, trail = self.index.hierarchy, self._trail()
        key, slot, side, n_edges = trace(
            hierarchy.up, hierarchy.down, self.index.forward, self.index.backward,
            self._edge_key, self._hook(sources), self._hook(targets), self._desk(0), trail,
        )  # fmt: skip
        return None if key == NEVER else Way(key >> 32, key & LOW_MASK, slot, side, trail.edge[:n_edges])

    def facilities(self, snaps: Snaps) -> Facilities:
        """
        Prepare facilities that will be asked for more than once, and may change.

        Parameters
        ----------
        snaps
            Where they are; rows without a link are never found.

        Returns
        -------
        facilities
            To be given to the questions in place of ``snaps``.
        """
        return build_facilities(self._machine(), self._take(snaps, "facilities"))

    def facilities_at(self, nodes: npt.ArrayLike) -> Facilities:
        """
        Prepare facilities that stand on nodes, with no gap.

        Parameters
        ----------
        nodes
            Node of each, shape ``(f,)``.

        Returns
        -------
        facilities
            To be given to the questions.
        """
        at = self._take_nodes(nodes)
        ends = _hang_nodes(at)
        return build_hung(self._machine(), self._at_nodes(at), ends, ends)

    def nearest(
        self, origins: Snaps, facilities: Snaps | Facilities, k: int, windows: Windows | None = None
    ) -> Nearest:
        """
        The k nearest facilities of each origin by cost, gaps included.

        With windows a facility counts if the cost of the *fastest* way there lies in one of
        them: nobody waits, and nobody goes slower to arrive later.

        Parameters
        ----------
        origins
            Where to start; rows without a link find nothing.
        facilities
            What to look for, prepared or not; rows without a link are not found.
        k
            How many, at least 1.
        windows
            When each facility counts; always, if left out.

        Returns
        -------
        nearest
            Nearest first, equal costs by row of the facility.

        Raises
        ------
        InvalidInputError
            If k is less than 1, or the windows do not fit the facilities.
        """
        origins, stand = self._take(origins, "origins"), self._stand(facilities)
        _check_k(k)
        n_facilities = len(stand.snaps.link)
        always_or_not = self._take_windows(windows, n_facilities)
        wanted, k = k, min(k, max(n_facilities, 1))
        if self.index is not None:
            return self._scan(origins, stand, k, wanted, None if windows is None else always_or_not)
        sources = self._hang(origins, is_left=True)
        found = _nothing_found(len(origins.link), wanted)
        cutoff_ms = int(always_or_not.close_ms.max(initial=0)) - 1 if windows is not None else NO_CUTOFF
        work, cutoff_ms = self._workspace(n_facilities), min(cutoff_ms, NO_CUTOFF)
        search(self._forward, sources, stand.targets, always_or_not, k, cutoff_ms, work, found)
        return found

    def _scan(self, origins: Snaps, stand: Stand, k: int, wanted: int, windows: Windows | None) -> Nearest:
        """The nearest from labels and buckets: one call of a kernel hangs, scans and tells."""
        _, _, link, share, forward_ms, backward_ms, _, _, gap_m, gap_ms = origins
        n, desk = len(link), self._desk(len(stand.snaps.link))
        found = _room_for(n, wanted)
        hooks = self._hooks(n)
        asked: tuple[Any, ...] = (
            (link, share, forward_ms, backward_ms, gap_m, gap_ms), self._ground, stand.packed, desk.board, k,
            *hooks, *found,
        )  # fmt: skip
        if windows is None:
            is_quick = k <= FEW and len(stand.buckets.first) > 0
            ask: Any = find_nearest if is_quick else find_listed
            ask(*asked)
        else:
            ask = find_nearest_timed
            ask(*asked, tuple(windows), desk.clock, desk.seen)
        return found

    def nearest_node(self, node: int, facilities: Facilities, k: int) -> LongArray:
        """
        The k nearest facilities of one node, with as little ado as there can be; needs an index.

        Parameters
        ----------
        node
            Where to start; not checked.
        facilities
            What to look for, prepared on this router.
        k
            How many, 1 to 32; not checked.

        Returns
        -------
        found
            Rows of facilities, and their costs in milliseconds; -1 where there is none, shape ``(2, k)``.
        """
        ask: Any = nearest_to_node
        found: LongArray = ask(*facilities.quick, node, k)
        return found

    def nearest_nodes(self, nodes: LongArray, facilities: Facilities, k: int) -> tuple[IntArray, LongArray]:
        """
        The k nearest facilities of each of many nodes; needs an index.

        Parameters
        ----------
        nodes
            Where to start, shape ``(n,)``.
        facilities
            What to look for, prepared on this router.
        k
            How many, 1 to 32.

        Returns
        -------
        found
            Rows of facilities, and their costs in milliseconds; -1 where there is none, each ``(n, k)``.
        """
        index = self._need_index("nearest_nodes")
        best = np.empty((len(nodes), k), dtype=np.int64)
        stand = facilities.stand
        nearest_to_nodes(index.hierarchy.rank, index.forward, stand.buckets, self._take_nodes(nodes), best)
        is_none = best == NEVER
        facility = np.where(is_none, NONE, best & LOW_MASK).astype(np.int32)
        return facility, np.where(is_none, UNREACHED, best >> 32)

    def route_nodes(self, tail: int, head: int) -> Path:
        """
        The fastest way between two nodes, among the fastest the shortest; needs an index.

        Parameters
        ----------
        tail
            Where to start.
        head
            Where to end.

        Returns
        -------
        path
            Whole edges, no gaps.

        Raises
        ------
        UnreachableError
            If the streets do not lead there.
        """
        index = self._need_index("route_nodes")
        hierarchy, trail, (start, end) = index.hierarchy, self._trail(), self._pair()
        self._check_node(tail)
        self._check_node(head)
        start.at[0, 0, 0], end.at[0, 0, 0] = hierarchy.rank[tail], hierarchy.rank[head]
        key, slot, _, n_edges = trace(
            hierarchy.up, hierarchy.down, index.forward, index.backward, self._edge_key, start, end,
            self._desk(0), trail,
        )  # fmt: skip
        if key == NEVER:
            raise UnreachableError(f"no way leads from node {tail} to node {head}", tail=tail, head=head)
        edge, ms, mm, lonlat, first_point = lay_pieces(
            self._forward, self._lines, self._edge_link, self._link_edge, _NO_SHARES, _NO_PARTS, slot,
            trail.edge[:n_edges],
        )  # fmt: skip
        lonlat[:2], lonlat[-2:] = self._node_lonlat[tail], self._node_lonlat[head]
        gaps = np.zeros(2, dtype=np.int64)
        return Path(key >> 32, key & LOW_MASK, edge, ms, mm, lonlat, first_point, gaps, gaps)

    def matrix_nodes(self, tails: npt.ArrayLike, heads: npt.ArrayLike) -> LongArray:
        """
        Costs between nodes.

        Parameters
        ----------
        tails
            Where to start, ``n`` of them.
        heads
            Where to end, ``m`` of them.

        Returns
        -------
        cost_ms
            Shape ``(n, m)``; `UNREACHED` where no way leads.
        """
        start, end = self._take_nodes(tails), self._take_nodes(heads)
        return self._matrix(self._at_nodes(start), self._at_nodes(end), _hang_nodes(start), _hang_nodes(end))

    def matrix(self, origins: Snaps, destinations: Snaps) -> LongArray:
        """
        Costs from every origin to every destination, gaps included.

        Parameters
        ----------
        origins
            Points, ``n`` of them.
        destinations
            Points, ``m`` of them.

        Returns
        -------
        cost_ms
            Shape ``(n, m)``; `UNREACHED` where no way leads or a point has no link.
        """
        origins, destinations = self._take(origins, "origins"), self._take(destinations, "destinations")
        left, arrived = self._hang(origins, is_left=True), self._hang(destinations, is_left=False)
        return self._matrix(origins, destinations, left, arrived)

    def _matrix(self, origins: Snaps, destinations: Snaps, left: Ends, arrived: Ends) -> LongArray:
        n, m = len(origins.link), len(destinations.link)
        cost_ms = np.empty((n, m), dtype=np.int64)
        if self.index is not None and min(n, m) > FEW_ROWS:
            hierarchy = self.index.hierarchy
            sources, targets = self._hook(left), self._hook(arrived)
            fill_matrix(hierarchy.down, self.index.forward, sources.at, targets.at, cost_ms)
            order = np.argsort(destinations.link, kind="stable")
            on_link = destinations.link[order]
            straighten(self._edge_key, sources, origins.link, targets, on_link, order, cost_ms)
        elif n and m:
            is_back = m < n
            near, far = (arrived, left) if is_back else (left, arrived)
            costs, _ = self._costs(near, far, np.arange(max(n, m)), is_back=is_back)
            cost_ms[:] = costs.T if is_back else costs
        return cost_ms

    def _costs(
        self, sources: Ends, targets: Ends, rows: LongArray, *, is_back: bool
    ) -> tuple[LongArray, LongArray]:
        """Costs and lengths from each source to each of those targets, or the other way."""
        n, m = len(sources.gap_ms), len(targets.gap_ms)
        if self.index is not None:
            keys = np.empty((n, len(rows)), dtype=np.int64)
            own, other = self.index.forward, self.index.backward
            own, other = (other, own) if is_back else (own, other)
            near, far = self._hook(sources), self._hook(targets)
            join_all(own, other, self._edge_key, near, far, rows, self._desk(0), keys)
            cost_ms, length_mm = np.full((2, keys.size), UNREACHED, dtype=np.int64)
            split_keys(keys.ravel(), cost_ms, length_mm)
            return cost_ms.reshape(keys.shape), length_mm.reshape(keys.shape)
        found, streets = _nothing_found(n, max(m, 1)), self._backward if is_back else self._forward
        search(streets, sources, targets, _ALWAYS, max(m, 1), NO_CUTOFF, self._workspace(m), found)
        cost_ms, length_mm = np.full((2, n, m), UNREACHED, dtype=np.int64)
        row, column = np.nonzero(found.facility != NONE)
        facility = found.facility[row, column]
        cost_ms[row, facility] = found.cost_ms[row, column]
        length_mm[row, facility] = found.length_mm[row, column]
        return cost_ms[:, rows], length_mm[:, rows]

    def coverage(self, facilities: Snaps | Facilities) -> Coverage:
        """
        The nearest facility of every node, and what it costs to get there.

        Parameters
        ----------
        facilities
            What to look for; leave out with `Facilities.where` what does not count.

        Returns
        -------
        coverage
            By node; the gap at the facility is counted.
        """
        stand = self._stand(facilities)
        n = self.network.n_nodes
        cost_ms, facility = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int32)
        if self.index is not None:
            up, down = self._flat
            cover(
                up, down, self.index.hierarchy.rank, stand.arrive.at, stand.rows, self._desk(0).value,
                cost_ms, facility,
            )  # fmt: skip
        else:
            cover_by_search(self._backward, stand.targets, stand.rows, self._spread(), cost_ms, facility)
        return Coverage(cost_ms, facility)

    def what_if(
        self,
        coverage: Coverage,
        facilities: Snaps | Facilities,
        *,
        close: npt.ArrayLike | None = None,
        add: Snaps | None = None,
    ) -> Changes:
        """
        What changes in a coverage if a facility closes, another comes, or one moves; many trials at once.

        Parameters
        ----------
        coverage
            That of the facilities as they stand.
        facilities
            The facilities.
        close
            For each trial the row that closes, `NONE` for none, shape ``(t,)``.
        add
            For each trial where one comes, ``t`` of them; link `NONE` for none. With ``close`` it is a move.

        Returns
        -------
        changes
            For each trial the nodes whose nearest facility or cost is another one.

        Raises
        ------
        InvalidInputError
            If ``close`` and ``add`` are not equally long, or a row is not one of the facilities.
        """
        stand = self._stand(facilities)
        closed = np.asarray([] if close is None else close, dtype=np.int64).ravel()
        come = stand.snaps.take(slice(0)) if add is None else self._take(add, "add")
        trials = max(len(closed), len(come.link))
        if (close is not None and len(closed) != trials) or (add is not None and len(come.link) != trials):
            raise InvalidInputError(
                f"close has {len(closed)} trials and add {len(come.link)}; give one of each for every trial",
                parameter="close",
                value=len(closed),
            )
        if (closed < NONE).any() or (closed >= len(stand.snaps.link)).any():
            raise InvalidInputError(
                f"close names rows that are not one of {len(stand.snaps.link)} facilities",
                parameter="close",
                value=int(closed.max()),
            )
        targets = self._hang(come, is_left=False)
        return try_changes(
            self._forward, self._backward, coverage, stand.targets, stand.rows, closed, targets, trials,
            self._spread(),
        )  # fmt: skip

    def onway(
        self,
        origin: Snaps,
        destination: Snaps,
        facilities: Snaps | Facilities,
        k: int,
        windows: Windows | None = None,
    ) -> Stops:
        """
        The k stops of least added cost between two points.

        What a stop adds is the cost to it and on from it, gaps there included twice, less the cost of
        not stopping. With windows a stop counts if the cost of the fastest way to it lies in one of them.

        Parameters
        ----------
        origin
            One point.
        destination
            One point.
        facilities
            Where one may stop.
        k
            How many, at least 1.
        windows
            When each facility counts; always, if left out.

        Returns
        -------
        stops
            Least added first, equal ones by row of the facility.

        Raises
        ------
        UnreachableError
            If the streets do not lead from origin to destination.
        InvalidInputError
            If k is less than 1, windows do not fit, or origin or destination is not one point on a street.
        """
        start, end = self._take(origin, "origin"), self._take(destination, "destination")
        _check_one(start, "origin")
        _check_one(end, "destination")
        _check_k(k)
        stand = self._stand(facilities)
        always_or_not = self._take_windows(windows, len(stand.snaps.link))
        left, arrived = self._hang(start, is_left=True), self._hang(end, is_left=False)
        direct_ms = self._costs(left, arrived, np.zeros(1, dtype=np.int64), is_back=False)[0][0, 0]
        if direct_ms == UNREACHED:
            raise UnreachableError(
                f"no way leads there for profile {self.network.profile!r}, with or without a stop",
                profile=self.network.profile,
            )
        there = self._costs(left, stand.targets, stand.rows, is_back=False)
        onward = self._costs(arrived, stand.departs, stand.rows, is_back=True)
        return choose_stops(int(direct_ms), there, onward, stand.rows, always_or_not, k)

    def range(
        self,
        origin: Snaps,
        facilities: Snaps | Facilities,
        range_mm: int,
        *,
        reserve_mm: int = 0,
        via: Snaps | None = None,
        windows: Windows | None = None,
    ) -> Within:
        """
        The facilities that a remaining range reaches: compared is the length of the fastest way.

        Parameters
        ----------
        origin
            One point.
        facilities
            What to look for.
        range_mm
            How far one still gets, gaps included.
        reserve_mm
            How much of that must be left on arrival.
        via
            A point to pass first, by the fastest way; none, if left out.
        windows
            When each facility counts; always, if left out.

        Returns
        -------
        within
            Nearest by cost first, equal costs by row of the facility.

        Raises
        ------
        UnreachableError
            If the streets do not lead to the point to pass.
        InvalidInputError
            If windows do not fit, or origin or via is not one point on a street.
        """
        start = self._take(origin, "origin")
        _check_one(start, "origin")
        stand = self._stand(facilities)
        always_or_not = self._take_windows(windows, len(stand.snaps.link))
        left, before = self._hang(start, is_left=True), (0, 0)
        if via is not None:
            via = self._take(via, "via")
            _check_one(via, "via")
            first = self._costs(
                left, self._hang(via, is_left=False), np.zeros(1, dtype=np.int64), is_back=False
            )
            if first[0][0, 0] == UNREACHED:
                raise UnreachableError(
                    f"no way leads to the point to pass for profile {self.network.profile!r}",
                    profile=self.network.profile,
                )
            left, before = self._hang(via, is_left=True), (int(first[0][0, 0]), int(first[1][0, 0]))
        there = self._costs(left, stand.targets, stand.rows, is_back=False)
        return choose_within(before, there, stand.rows, always_or_not, int(range_mm) - int(reserve_mm))

    def reach(self, origin: Snaps, cutoff_ms: int) -> Reach:
        """
        Everything that can be reached from a point within a cutoff.

        Parameters
        ----------
        origin
            One point.
        cutoff_ms
            Greatest cost with the gap at the origin, milliseconds, inclusive.

        Returns
        -------
        reach
            Costs of nodes and part-edges; nothing, if the gap alone costs more.

        Raises
        ------
        InvalidInputError
            If the origin is not exactly one point, is far from any street, or the cutoff is negative.
        """
        origin = self._take(origin, "origin")
        _check_one(origin, "origin")
        if cutoff_ms < 0:
            raise InvalidInputError(
                f"cutoff_ms={cutoff_ms} is negative; give milliseconds from 0 up",
                parameter="cutoff_ms",
                value=cutoff_ms,
            )
        cutoff_ms = min(int(cutoff_ms), NO_CUTOFF)
        nobody = origin.take(slice(0))
        work = self._workspace(0)
        sources, targets = self._hang(origin, is_left=True), self._hang(nobody, is_left=False)
        search(self._forward, sources, targets, _ALWAYS, 1, cutoff_ms, work, _nothing_found(1, 1))
        return build_reach(self.network, origin, cutoff_ms, work)

    def _take(self, snaps: Snaps, parameter: str) -> Snaps:
        """Columns in the one layout the kernels were compiled for; refuse links of another network."""
        if snaps is not getattr(self._own, "snaps", None):  # else they are fresh from `snap`
            snaps = _straighten(snaps)
        top = snaps.link[0] if len(snaps.link) == 1 else snaps.link.max(initial=NONE)
        if top >= self.network.n_links:
            raise InvalidInputError(
                f"{parameter}: link {snaps.link.max()} is not one of {self.network.n_links}; "
                "snap the points on this router",
                parameter=parameter,
                value=int(snaps.link.max()),
            )
        return snaps

    def _hang(self, snaps: Snaps, *, is_left: bool) -> Ends:
        return build_ends(snaps, self._link_edge, self._forward, is_left=is_left)

    def _hook(self, ends: Ends) -> Hooks:
        return build_hooks(ends, self._need_index("this").hierarchy.rank)

    @cached_property
    def _ground(self) -> tuple[Any, ...]:
        """Streets and labels as plain tuples."""
        index, streets = self._need_index("this"), self._forward
        return (
            (
                self._link_edge, streets.near, streets.far, streets.edge_ms, streets.edge_mm,
                index.hierarchy.rank,
            ),
            self._edge_key,
            tuple(index.forward),
            tuple(index.backward),
        )  # fmt: skip

    @cached_property
    def _flat(self) -> tuple[Flat, Flat]:
        """Arcs of the hierarchy up and down, for sweeps."""
        hierarchy = self._need_index("this").hierarchy
        return flatten(hierarchy.up), flatten(hierarchy.down)

    @cached_property
    def _edge_key(self) -> LongArray:
        """Cost and length of each edge in one number, as labels count."""
        forward = self._forward
        return freeze((forward.edge_ms.astype(np.int64) << 32) + forward.edge_mm)

    def _take_windows(self, windows: Windows | None, n_facilities: int) -> Windows:
        """Windows in plain columns; those that were taken last are known to be so."""
        if windows is None:
            return _ALWAYS
        last: tuple[Windows, Windows] | None = getattr(self._own, "windows", None)
        if last is not None and last[0] is windows and len(windows.first) == n_facilities + 1:
            return last[1]
        taken = _take_windows(windows, n_facilities)
        self._own.windows = (windows, taken)
        return taken

    def _need_index(self, verb: str) -> Index:
        if self.index is None:
            raise InvalidInputError(
                f"{verb} needs an index; make the router with Router(network, build_index(network))",
                parameter="index",
                value=None,
            )
        return self.index

    def _machine(self) -> Machine:
        return Machine(
            self.index, self._take, lambda snaps, is_left: self._hang(snaps, is_left=is_left), self._desk
        )

    def _stand(self, facilities: Snaps | Facilities) -> Stand:
        if isinstance(facilities, Facilities):
            return facilities.stand
        snaps = self._take(facilities, "facilities")
        targets, departs = self._hang(snaps, is_left=False), self._hang(snaps, is_left=True)
        rows = np.flatnonzero(snaps.link != NONE)
        if self.index is None:
            return Stand(snaps, targets, departs, NO_HOOKS, NO_HOOKS, rows, NO_BUCKETS)
        arrive, leave = self._hook(targets), self._hook(departs)
        return Stand(snaps, targets, departs, arrive, leave, rows, NO_BUCKETS)

    def _take_nodes(self, nodes: npt.ArrayLike) -> LongArray:
        taken = np.require(nodes, np.int64, _PLAIN).ravel()
        if len(taken) and not (taken.min() >= 0 and taken.max() < self.network.n_nodes):
            raise InvalidInputError(
                f"node {int(taken.max())} is not one of {self.network.n_nodes}",
                parameter="nodes",
                value=int(taken.max()),
            )
        return taken

    def _at_nodes(self, nodes: LongArray) -> Snaps:
        """Points on nodes; they have a link to stand at, but no place along it."""
        n = len(nodes)
        lonlat = self._node_lonlat[nodes]
        lon, lat = lonlat[:, 0].copy(), lonlat[:, 1].copy()
        nothing, none = np.zeros(n, dtype=np.int64), np.zeros(n)
        return Snaps(lon, lat, self._node_link[nodes], none, nothing, nothing, lon, lat, none, nothing)

    @cached_property
    def _node_lonlat(self) -> FloatArray:
        return np.stack([self.network.node_lon_e6, self.network.node_lat_e6], axis=1) / 1e6

    @cached_property
    def _node_link(self) -> IntArray:
        link = np.zeros(self.network.n_nodes, dtype=np.int32)
        link[self.network.edge_head] = self.network.edge_link
        link[self.network.edge_tail] = self.network.edge_link
        return link

    def _desk(self, n_facilities: int) -> Desk:
        """The desk of this thread, made anew with room to spare when there are more facilities than ever."""
        desk: Desk | None = getattr(self._own, "desk", None)
        if desk is None or len(desk.seen) < n_facilities:
            desk = build_desk(self.network.n_nodes, 1 << max(n_facilities, 64).bit_length())
            self._own.desk = desk
        return desk

    def _pair(self) -> tuple[Hooks, Hooks]:
        """Hooks of this thread for two points on nodes; only their ranks are written anew."""
        pair: tuple[Hooks, Hooks] | None = getattr(self._own, "pair", None)
        if pair is None:
            hooks = [Hooks(np.full((1, 2, 3), NONE, dtype=np.int64), np.zeros((1, 2))) for _ in range(2)]
            for each in hooks:
                each.at[0, 0, 1] = 0
            pair = self._own.pair = (hooks[0], hooks[1])
        return pair

    def _hooks(self, n: int) -> tuple[LongArray, FloatArray]:
        """Room for hooks; for one point that of this thread, again and again."""
        hooks: tuple[LongArray, FloatArray] | None = getattr(self._own, "hooks", None) if n == 1 else None
        if hooks is None:
            hooks = (np.empty((n, 2, 3), _LONG), np.empty((n, 2)))
            if n == 1:
                self._own.hooks = hooks
        return hooks

    def _check_node(self, node: int) -> None:
        if not 0 <= node < self.network.n_nodes:
            raise InvalidInputError(
                f"node {node} is not one of {self.network.n_nodes}", parameter="node", value=int(node)
            )

    def _trail(self) -> Trail:
        trail: Trail | None = getattr(self._own, "trail", None)
        if trail is None:
            trail = self._own.trail = build_trail(self.network.n_nodes)
        return trail

    def _spread(self) -> Spread:
        spread: Spread | None = getattr(self._own, "spread", None)
        if spread is None:
            spread = self._own.spread = build_spread(self.network.n_nodes, self.network.n_edges)
        return spread

    def _workspace(self, n_facilities: int) -> Workspace:
        """The workspace of this thread, made anew with room to spare when there are more facilities than ever."""
        work: Workspace | None = getattr(self._own, "work", None)
        if work is None or len(work.hook_next) < 2 * n_facilities:
            room = 1 << max(n_facilities, 64).bit_length()
            work = build_workspace(self.network.n_nodes, self.network.n_edges, room)
            self._own.work = work
        return work


def warm_up(router: Router) -> None:
    """
    Compile every kernel, or load it from the cache, by asking one small question of each kind.

    Parameters
    ----------
    router
        Any router; kernels do not depend on the network. Those of the index only with one.
    """
    node = int(router.network.edge_tail[0])
    lonlat = [[router.network.node_lon_e6[node] / 1e6, router.network.node_lat_e6[node] / 1e6]]
    here = router.snap(lonlat)
    router.nearest(here, here, 1)
    router.matrix(here, here)
    router.reach(here, 1)
    router.route(here, here)
    facilities = router.facilities(here)
    router.nearest(here, facilities, 1)
    now = np.zeros(1, dtype=np.int64)
    router.nearest(here, facilities, 1, Windows(np.arange(2, dtype=np.int32), now, now + 1))
    router.what_if(router.coverage(facilities), facilities, close=[0])
    if router.index is not None:
        many = router.snap(lonlat * (FEW_ROWS + 1))
        router.matrix(many, many)


def _straighten(snaps: Snaps) -> Snaps:
    """Columns in the one layout, copied only where they are not."""
    for column, dtype in zip(snaps, _SNAP_TYPES, strict=True):
        if not _is_plain(column, dtype):
            require: Any = np.require
            return Snaps(*(require(c, t, _PLAIN) for c, t in zip(snaps, _SNAP_TYPES, strict=True)))
    return snaps


def _is_plain(column: Any, dtype: np.dtype[Any]) -> bool:
    return type(column) is np.ndarray and column.dtype is dtype and bool(column.flags.carray)


def _take_longs(column: LongArray) -> LongArray:
    return np.require(column, np.int64, _PLAIN)


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


def _room_for(n: int, k: int) -> Nearest:
    return Nearest(np.empty((n, k), _INT), np.empty((n, k), _LONG), np.empty((n, k), _LONG))


def _nothing_found(n: int, k: int) -> Nearest:
    return Nearest(
        np.full((n, k), NONE, dtype=np.int32),
        np.full((n, k), UNREACHED, dtype=np.int64),
        np.full((n, k), UNREACHED, dtype=np.int64),
    )


def _take_windows(windows: Windows, n_facilities: int) -> Windows:
    taken = Windows(
        np.require(windows.first, np.int32, _PLAIN),
        _take_longs(windows.open_ms),
        _take_longs(windows.close_ms),
    )
    n_windows = len(taken.open_ms)
    if len(taken.first) != n_facilities + 1 or len(taken.close_ms) != n_windows:
        raise InvalidInputError(
            f"windows.first has {len(taken.first)} entries for {n_facilities} facilities; it needs one more than those",
            parameter="windows",
            value=len(taken.first),
        )
    if taken.first[0] != 0 or taken.first[-1] != n_windows or (np.diff(taken.first) < 0).any():
        raise InvalidInputError(
            f"windows.first must rise from 0 to the number of windows, {n_windows}",
            parameter="windows",
            value=n_windows,
        )
    return taken


def _hang_nodes(nodes: LongArray) -> Ends:
    """Points that stand on nodes: one slot each, at no cost."""
    n = len(nodes)
    node, edge = np.empty((n, 2), dtype=np.int32), np.empty((n, 2), dtype=np.int32)
    node[:, 0] = nodes
    node[:, 1] = NONE
    edge[:] = NONE
    nothing, no_gap = np.zeros((n, 2), dtype=np.int64), np.zeros(n, dtype=np.int64)
    return Ends(node, edge, nothing, nothing, np.zeros((n, 2)), no_gap, no_gap)


def _check_k(k: int) -> None:
    if k < 1:
        raise InvalidInputError(f"k={k} is not allowed; ask for at least 1", parameter="k", value=k)


def _check_index(network: Network, index: Index | None) -> None:
    if index is not None and index.fingerprint != network.fingerprint:
        raise InvalidInputError(
            f"index of network {index.fingerprint}, not of {network.fingerprint}; build it anew",
            parameter="index",
            value=index.fingerprint,
        )


def _check_one(snaps: Snaps, parameter: str) -> None:
    if len(snaps.link) != 1:
        raise InvalidInputError(
            f"{parameter} has {len(snaps.link)} points; give exactly one",
            parameter=parameter,
            value=len(snaps.link),
        )
    if snaps.link[0] == NONE:
        raise InvalidInputError(
            f"{parameter} is {snaps.gap_m[0]:.0f} m from the nearest street; at most {SNAP_LIMIT_M:.0f} m is allowed",
            parameter=parameter,
            gap_m=round(float(snaps.gap_m[0]), 1),
        )


def _check_gap_pace(network: Network) -> None:
    pace = network.gap_ms_per_m
    if not 0.0 <= pace <= MAX_GAP_MS_PER_M:
        raise InvalidInputError(
            f"gap_ms_per_m={pace} is outside 0..{MAX_GAP_MS_PER_M:.0f} milliseconds per metre",
            parameter="gap_ms_per_m",
            value=pace if np.isfinite(pace) else str(pace),
        )
