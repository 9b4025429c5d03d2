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

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from geo_service.engine.constants import FEW, NO_CUTOFF, NONE, SNAP_LIMIT_M, UNREACHED
from geo_service.engine.costs import cost_matrix, costs_between, cover_nodes
from geo_service.engine.dijkstra import Nearest, Windows, nothing_found, search
from geo_service.engine.direct import Direct
from geo_service.engine.facilities import Facilities, build_facilities, build_hung
from geo_service.engine.index import Index, build_index, load_index, save_index
from geo_service.engine.nearest import (
    find_by_labels,
    find_by_search,
    find_from_node,
    find_from_nodes,
    find_from_point,
)
from geo_service.engine.path import Path
from geo_service.engine.reach import Reach, build_reach
from geo_service.engine.scan import nearest_to_node
from geo_service.engine.snap import Snaps, snap_all
from geo_service.engine.stops import Stops, Within, choose_stops, choose_within
from geo_service.engine.sweep import Coverage
from geo_service.engine.taking import check_k, check_node, check_one, check_router, take_lonlat, take_trials
from geo_service.engine.ways import find_path, find_path_of_nodes
from geo_service.engine.what_if import Changes, try_changes
from geo_service.engine.works import ALWAYS, Works, build_works, hang_nodes
from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.network.graph import IntArray, LongArray, Network

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
]


_nearest_to_node = Direct(nearest_to_node)


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
    _works: Works = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_router(self.network, self.index)
        object.__setattr__(self, "_works", build_works(self.network, self.index))

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
        works = self._works
        snaps, works.own.columns = snap_all(take_lonlat(lonlat), works.ground)
        works.own.snaps = snaps
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
        works = self._works
        origin, destination = works.take(origin, "origin"), works.take(destination, "destination")
        check_one(origin, "origin")
        check_one(destination, "destination")
        path = find_path(works, origin, destination)
        if path is None:
            raise UnreachableError(
                f"no way leads there for profile {self.network.profile!r}: one-way streets or a part of the "
                "network that is not connected; try the way back, or another profile",
                profile=self.network.profile,
            )
        return path

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
        works = self._works
        return build_facilities(works.machine(), works.take(snaps, "facilities"))

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
        works = self._works
        at = works.take_nodes(nodes)
        ends = hang_nodes(at)
        return build_hung(works.machine(), works.at_nodes(at), ends, ends)

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
        works = self._works
        origins, stand = works.take(origins, "origins"), works.stand(facilities)
        check_k(k)
        find = find_by_search if self.index is None else find_by_labels
        return find(works, origins, stand, k, windows)

    def nearest_point(
        self, lon: float, lat: float, facilities: Facilities, k: int, windows: Windows | None = None
    ) -> LongArray:
        """
        The k nearest facilities of one point, snapped on the way: `snap` and `nearest` with less ado.

        Parameters
        ----------
        lon
            Longitude, WGS 84 degrees.
        lat
            Latitude, WGS 84 degrees.
        facilities
            What to look for, prepared on this router.
        k
            How many, at least 1.
        windows
            As in `nearest`.

        Returns
        -------
        found
            Rows of facilities, their costs and lengths; -1 where there is none, as for a point that is far from
            every street, shape ``(3, k)``.

        Raises
        ------
        InvalidInputError
            As in `snap` and `nearest`.
        """
        works, stand, found = self._works, facilities.stand, None
        check_k(k)
        if k <= FEW and facilities.quick is not None:
            forward, _ = facilities.quick
            found = find_from_point(works, forward, float(lon), float(lat), stand, k, windows)
        if found is None:
            found = np.stack(
                [row[0] for row in self.nearest(self.snap([[lon, lat]]), facilities, k, windows)]
            )
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
        if facilities.quick is None:
            return find_from_node(self._works, node, facilities.stand, k)
        found = np.empty((2, k), dtype=np.int64)
        _nearest_to_node.call(*facilities.quick, node, found)
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
        works = self._works
        return find_from_nodes(works, works.take_nodes(nodes), facilities.stand, k)

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
        n_nodes = self.network.n_nodes
        if not (0 <= tail < n_nodes and 0 <= head < n_nodes):
            check_node(tail, n_nodes)
            check_node(head, n_nodes)
        path = find_path_of_nodes(self._works, tail, head)
        if path is None:
            raise UnreachableError(f"no way leads from node {tail} to node {head}", tail=tail, head=head)
        return path

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
        works = self._works
        start, end = works.take_nodes(tails), works.take_nodes(heads)
        left, arrived = hang_nodes(start), hang_nodes(end)
        return cost_matrix(works, works.at_nodes(start), works.at_nodes(end), left, arrived)

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
        works = self._works
        origins, destinations = works.take(origins, "origins"), works.take(destinations, "destinations")
        left, arrived = works.hang(origins, is_left=True), works.hang(destinations, is_left=False)
        return cost_matrix(works, origins, destinations, left, arrived)

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

        Raises
        ------
        InvalidInputError
            If, without an index, ways are so long that their costs might not fit: edges of a day, ways of a week.
        """
        return cover_nodes(self._works, self._works.stand(facilities))

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
            If ``close`` and ``add`` are not equally long, or a row is not one of the facilities; and as in
            `coverage`.
        """
        works = self._works
        stand = works.stand(facilities)
        come = stand.snaps.take(slice(0)) if add is None else works.take(add, "add")
        closed, trials = take_trials(close, None if add is None else come, len(stand.snaps.link))
        targets = works.hang(come, is_left=False)
        return try_changes(
            works.forward, works.backward, coverage, stand.targets, stand.rows, closed, targets, trials,
            works.own.spread,
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
        works = self._works
        start, end = works.take(origin, "origin"), works.take(destination, "destination")
        check_one(start, "origin")
        check_one(end, "destination")
        check_k(k)
        stand = works.stand(facilities)
        always_or_not = works.take_windows(windows, len(stand.snaps.link))
        left, arrived = works.hang(start, is_left=True), works.hang(end, is_left=False)
        direct_ms = costs_between(works, left, arrived, np.zeros(1, dtype=np.int64), is_back=False)[0][0, 0]
        if direct_ms == UNREACHED:
            raise UnreachableError(
                f"no way leads there for profile {self.network.profile!r}, with or without a stop",
                profile=self.network.profile,
            )
        there = costs_between(works, left, stand.targets, stand.rows, is_back=False)
        onward = costs_between(works, arrived, stand.departs, stand.rows, is_back=True)
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
        works = self._works
        start = works.take(origin, "origin")
        check_one(start, "origin")
        stand = works.stand(facilities)
        always_or_not = works.take_windows(windows, len(stand.snaps.link))
        left, before = works.hang(start, is_left=True), (0, 0)
        if via is not None:
            via = works.take(via, "via")
            check_one(via, "via")
            first = costs_between(
                works, left, works.hang(via, is_left=False), np.zeros(1, dtype=np.int64), is_back=False
            )
            if first[0][0, 0] == UNREACHED:
                raise UnreachableError(
                    f"no way leads to the point to pass for profile {self.network.profile!r}",
                    profile=self.network.profile,
                )
            left, before = works.hang(via, is_left=True), (int(first[0][0, 0]), int(first[1][0, 0]))
        there = costs_between(works, left, stand.targets, stand.rows, is_back=False)
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
        works = self._works
        origin = works.take(origin, "origin")
        check_one(origin, "origin")
        if cutoff_ms < 0:
            raise InvalidInputError(
                f"cutoff_ms={cutoff_ms} is negative; give milliseconds from 0 up",
                parameter="cutoff_ms",
                value=cutoff_ms,
            )
        work, cutoff_ms = works.own.work(0), min(int(cutoff_ms), NO_CUTOFF)
        sources, targets = works.hang(origin, is_left=True), works.hang(origin.take(slice(0)), is_left=False)
        search(works.forward, sources, targets, ALWAYS, 1, cutoff_ms, work, nothing_found(1, 1))
        return build_reach(self.network, origin, cutoff_ms, work)
