"""
The engine's door: snap, route, nearest, matrix, reach. Numbers in, numbers out.

Coordinates are WGS 84 degrees, lon then lat, and only `Router.snap` speaks of them. Costs
are whole milliseconds with both gaps to the street, lengths whole millimetres. Answers are exact.

    cost = gap + rest of the first edge + whole edges + part of the last edge + gap

Each term is floored on its own, so sums hold to the millisecond. A point stands *on* its
edge: the part up to it costs ``floor(travel * share)``, the part after it the rest of the weight,
the delay at the head included. Two points on one link go straight along it where that
direction is permitted, or around.
"""

import threading
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from geo_service.engine.constants import (
    MAX_GAP_MS_PER_M,
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
from geo_service.engine.path import Path, build_path
from geo_service.engine.reach import Reach, build_reach
from geo_service.engine.snap import Grid, Lines, Snaps, build_grid, build_lines, freeze, snap_all
from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.geo import check_lonlat
from geo_service.network.graph import FloatArray, IntArray, LongArray, Metric, Network, check_streets

__all__ = [
    "NONE",
    "SNAP_LIMIT_M",
    "UNREACHED",
    "Nearest",
    "Path",
    "Reach",
    "Router",
    "Snaps",
    "Windows",
    "warm_up",
]

_PLAIN: Final[tuple[Literal["C"], Literal["W"], Literal["E"]]] = ("C", "W", "E")
"""Layout the kernels are compiled for, whatever views and memory maps callers hold."""

_ALWAYS = Windows(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Router:
    """
    Exact answers on the network of one profile; frozen, and safe to share between threads.

    Parameters
    ----------
    network
        Streets of one profile, with at least one edge.

    Raises
    ------
    InvalidInputError
        If the network has no edge, or its gaps are travelled backwards in time or slower than a snail.
    """

    network: Network
    _lines: Lines = field(init=False, repr=False)
    _grid: Grid = field(init=False, repr=False)
    _metric: Metric = field(init=False, repr=False)
    _link_edge: IntArray = field(init=False, repr=False)
    _forward: Streets = field(init=False, repr=False)
    _backward: Streets = field(init=False, repr=False)
    _own: threading.local = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_streets(self.network)
        _check_gap_pace(self.network)
        metric = Metric(*(float(value) for value in self.network.metric))
        lines = build_lines(self.network)
        forward, backward = _build_streets(self.network)
        built = {
            "_metric": metric,
            "_lines": lines,
            "_grid": build_grid(lines, metric),
            "_link_edge": freeze(self.network.link_edge),
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
        check_lonlat(points)
        pace = float(self.network.gap_ms_per_m)
        return snap_all(points, self._lines, self._grid, self._metric, pace, SNAP_LIMIT_M)

    def route(self, origin: Snaps, destination: Snaps) -> Path:
        """
        The fastest way between two points, among the fastest the shortest.

        Ways that tie in both are told apart by their edges: at each node, from the
        destination back, the lowest edge id that leads into it.

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
        sources, targets = self._hang(origin, is_left=True), self._hang(destination, is_left=False)
        work = self._workspace(1)
        found = _nothing_found(1, 1)
        search(self._forward, sources, targets, _ALWAYS, 1, NO_CUTOFF, work, found)
        if found.facility[0, 0] == NONE:
            raise UnreachableError(
                f"no way leads there for profile {self.network.profile!r}: one-way streets or a part of the "
                "network that is not connected; try the way back, or another profile",
                profile=self.network.profile,
            )
        return build_path(self.network, self._lines, origin, destination, (sources, targets), work)

    def nearest(self, origins: Snaps, facilities: Snaps, k: int, windows: Windows | None = None) -> Nearest:
        """
        The k nearest facilities of each origin by cost, gaps included.

        With windows a facility counts if the cost of the *fastest* way there lies in one of
        them: nobody waits, and nobody goes slower to arrive later.

        Parameters
        ----------
        origins
            Where to start; rows without a link find nothing.
        facilities
            What to look for; rows without a link are not found.
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
        origins, facilities = self._take(origins, "origins"), self._take(facilities, "facilities")
        if k < 1:
            raise InvalidInputError(f"k={k} is not allowed; ask for at least 1", parameter="k", value=k)
        always_or_not = _take_windows(windows, len(facilities.link))
        found = _nothing_found(len(origins.link), k)
        cutoff_ms = int(always_or_not.close_ms.max(initial=0)) - 1 if windows is not None else NO_CUTOFF
        search(
            self._forward,
            self._hang(origins, is_left=True),
            self._hang(facilities, is_left=False),
            always_or_not,
            min(k, max(len(facilities.link), 1)),
            min(cutoff_ms, NO_CUTOFF),
            self._workspace(len(facilities.link)),
            found,
        )
        return found

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
        is_back = len(destinations.link) < len(origins.link)
        left, arrived = self._hang(origins, is_left=True), self._hang(destinations, is_left=False)
        sources, targets = (arrived, left) if is_back else (left, arrived)
        n, k = len(sources.gap_ms), len(targets.gap_ms)
        cost_ms = np.full((n, k), UNREACHED, dtype=np.int64)
        if k == 0 or n == 0:
            return cost_ms.T if is_back else cost_ms
        found = _nothing_found(n, k)
        streets = self._backward if is_back else self._forward
        search(streets, sources, targets, _ALWAYS, k, NO_CUTOFF, self._workspace(k), found)
        row, column = np.nonzero(found.facility != NONE)
        cost_ms[row, found.facility[row, column]] = found.cost_ms[row, column]
        return np.ascontiguousarray(cost_ms.T) if is_back else cost_ms

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
        taken = Snaps(
            lon=_take_floats(snaps.lon),
            lat=_take_floats(snaps.lat),
            link=np.require(snaps.link, np.int32, _PLAIN),
            share=_take_floats(snaps.share),
            forward_ms=_take_longs(snaps.forward_ms),
            backward_ms=_take_longs(snaps.backward_ms),
            foot_lon=_take_floats(snaps.foot_lon),
            foot_lat=_take_floats(snaps.foot_lat),
            gap_m=_take_floats(snaps.gap_m),
            gap_ms=_take_longs(snaps.gap_ms),
        )
        if (taken.link >= self.network.n_links).any():
            raise InvalidInputError(
                f"{parameter}: link {taken.link.max()} is not one of {self.network.n_links}; "
                "snap the points on this router",
                parameter=parameter,
                value=int(taken.link.max()),
            )
        return taken

    def _hang(self, snaps: Snaps, *, is_left: bool) -> Ends:
        return build_ends(snaps, self._link_edge, self._forward, is_left=is_left)

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
        Any router; kernels do not depend on the network.
    """
    node = int(router.network.edge_tail[0])
    lonlat = [[router.network.node_lon_e6[node] / 1e6, router.network.node_lat_e6[node] / 1e6]]
    here = router.snap(lonlat)
    router.nearest(here, here, 1)
    router.matrix(here, here)
    router.reach(here, 1)
    router.route(here, here)


def _take_floats(column: FloatArray) -> FloatArray:
    return np.require(column, np.float64, _PLAIN)


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


def _nothing_found(n: int, k: int) -> Nearest:
    return Nearest(
        np.full((n, k), NONE, dtype=np.int32),
        np.full((n, k), UNREACHED, dtype=np.int64),
        np.full((n, k), UNREACHED, dtype=np.int64),
    )


def _take_windows(windows: Windows | None, n_facilities: int) -> Windows:
    if windows is None:
        return _ALWAYS
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
