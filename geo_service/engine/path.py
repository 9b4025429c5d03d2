"""From the edges of one way to its pieces, their cost and length, and what to draw."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import FOOT, LONG, NONE
from geo_service.engine.dijkstra import COST, LENGTH, PARENT, VIA, Ends, Streets, Workspace
from geo_service.engine.lines import BEGIN as FIRST
from geo_service.engine.lines import EDGES, LAST, Lines
from geo_service.engine.snap import Snaps
from geo_service.engine.trace import STRAIGHT
from geo_service.engine.unpack import BEGIN, EDGE, MM, MS
from geo_service.network.graph import FloatArray, IntArray, LongArray


class Path(NamedTuple):
    """
    One fastest way; among the fastest the shortest. Sums hold exactly, gaps included.

    Parameters
    ----------
    cost_ms
        Both gaps and all pieces.
    length_mm
        Both gaps and all pieces.
    piece
        `EDGE`, `MS`, `MM` and `BEGIN` of each piece, and one row more, which has only `BEGIN`; shape ``(q + 1, 4)``.
    lonlat
        Origin, foot point, streets, foot point, destination; degrees, shape ``(p, 2)``.
    gap_ms
        Costs of the gaps at origin and destination, shape ``(2,)``.
    gap_mm
        Lengths of the gaps at origin and destination, shape ``(2,)``.
    """

    cost_ms: int
    length_mm: int
    piece: IntArray
    lonlat: FloatArray
    gap_ms: LongArray
    gap_mm: LongArray

    @property
    def edge(self) -> IntArray:
        """Edge of each piece; only the first and the last may be part of an edge, shape ``(q,)``."""
        return self.piece[:-1, EDGE]

    @property
    def edge_cost_ms(self) -> IntArray:
        """Cost of each piece, shape ``(q,)``."""
        return self.piece[:-1, MS]

    @property
    def edge_length_mm(self) -> IntArray:
        """Length of each piece, shape ``(q,)``."""
        return self.piece[:-1, MM]

    @property
    def first_point(self) -> IntArray:
        """
        Where each piece begins among the points.

        Piece ``i`` is drawn by points ``first_point[i]`` to ``first_point[i + 1]``, both included, so
        each piece begins where the one before ended; the first entry is 1 and the last ``p - 2``,
        shape ``(q + 1,)``.
        """
        return self.piece[:, BEGIN]


class Way(NamedTuple):
    """
    A way as a search leaves it.

    Parameters
    ----------
    cost_ms
        Both gaps and all pieces.
    length_mm
        Both gaps and all pieces.
    slot
        By which slot the origin is left; `STRAIGHT` along an edge on which both points stand.
    side
        By which slot the destination is reached; that edge, if straight.
    edge
        Whole edges between, shape ``(e,)``.
    """

    cost_ms: int
    length_mm: int
    slot: int
    side: int
    edge: IntArray


def follow(work: Workspace, streets: Streets, sources: Ends, targets: Ends) -> Way:
    """
    Follow the labels of a search back from its only facility.

    Parameters
    ----------
    work
        Workspace with the labels.
    streets
        Edges, forward.
    sources
        How the origin hangs.
    targets
        How the destination hangs, facility number 0, which was found.

    Returns
    -------
    way
        The way between the two.
    """
    label = work.label
    item = len(streets.first) - 1
    cost_ms, length_mm = int(label[item, COST]), int(label[item, LENGTH])
    via = int(label[item, VIA])
    if label[item, PARENT] == FOOT:
        return Way(cost_ms, length_mm, STRAIGHT, via, np.empty(0, dtype=np.int32))
    item = int(label[item, PARENT])
    side = _slot(targets, item, via)
    edges = []
    while label[item, PARENT] != FOOT:
        edges.append(int(label[item, VIA]))
        item = int(label[item, PARENT])
    slot = _slot(sources, item, int(label[item, VIA]))
    return Way(cost_ms, length_mm, slot, side, np.array(edges[::-1], dtype=np.int32))


def _slot(ends: Ends, node: int, edge: int) -> int:
    """The slot by which a point hangs on a node along an edge, or at no cost."""
    return int(np.flatnonzero((ends.node[0] == node) & (ends.edge[0] == edge))[0])


@inner
def _cut(along_m: FloatArray, first: int, last: int, begin: float, end: float) -> tuple[int, int]:
    """Points strictly between the two ends of a piece, as a half-open range."""
    own = along_m[first : last + 1]
    low = first + np.searchsorted(own, min(begin, end) * own[-1], side="right")
    high = first + np.searchsorted(own, max(begin, end) * own[-1], side="left")
    return LONG(max(low, first + 1)), LONG(min(high, last))


@njit(cache=True, nogil=True)
def lay_pieces(
    streets: Streets,
    lines: Lines,
    edge_link: IntArray,
    shares: FloatArray,
    parts: LongArray,
    slot: int,
    whole: IntArray,
) -> tuple[IntArray, FloatArray]:
    """
    Lay the pieces of a way end to end; joints of two pieces are written once.

    Parameters
    ----------
    streets
        Edges, forward.
    lines
        The drawn links.
    edge_link
        Link of each edge.
    shares
        Where origin and destination stand on their links, shape ``(2,)``.
    parts
        Edge (`NONE` if the foot stands on the node), cost and length of the first and the last piece, or
        of the only one, shape ``(2, 3)``.
    slot
        By which slot the origin is left, or `STRAIGHT`.
    whole
        Whole edges between.

    Returns
    -------
    laid
        ``piece`` as in `Path`, and points in degrees with two at each end left to fill in.
    """
    n = len(whole) + 2
    piece = np.empty((n + 1, 4), dtype=np.int32)
    ends = np.empty((n, 2), dtype=np.float64)
    count = LONG(0)
    for i in range(n):
        is_first = i == 0
        is_last = i == n - 1 or slot == STRAIGHT
        part = 0 if is_first else 1
        e = parts[part, 0] if is_first or is_last else LONG(whole[i - 1])
        if e == NONE:
            continue
        is_against = lines.link[edge_link[e], EDGES + 1] == e
        piece[count, EDGE] = e
        piece[count, MS] = parts[part, 1] if is_first or is_last else streets.edge_ms[e]
        piece[count, MM] = parts[part, 2] if is_first or is_last else streets.edge_mm[e]
        ends[count, 0] = shares[0] if is_first else (1.0 if is_against else 0.0)
        ends[count, 1] = shares[1] if is_last else (0.0 if is_against else 1.0)
        count += ends[count, 0] != ends[count, 1] or piece[count, MS] != 0
        if slot == STRAIGHT:
            break
    piece[count, EDGE] = NONE
    piece[count, MS] = 0
    piece[count, MM] = 0
    piece[0, BEGIN] = 1
    inner = np.empty((count, 2), dtype=np.int64)
    for i in range(count):
        link = edge_link[piece[i, EDGE]]
        low = LONG(lines.link[link, FIRST])
        high = LONG(lines.link[link, LAST])
        if i == 0 or i == count - 1:
            low, high = _cut(lines.along_m, low, high, ends[i, 0], ends[i, 1])
        else:
            low += 1
        inner[i, 0] = low
        inner[i, 1] = high
        piece[i + 1, BEGIN] = piece[i, BEGIN] + max(high - low, 0) + 1
    lonlat = np.empty((piece[count, BEGIN] + 2, 2), dtype=np.float64)
    for i in range(count):
        link = edge_link[piece[i, EDGE]]
        at = LONG(piece[i, BEGIN]) + 1
        is_along = lines.link[link, EDGES] == piece[i, EDGE]
        for j in range(inner[i, 1] - inner[i, 0]):
            point = inner[i, 0] + j if is_along else inner[i, 1] - 1 - j
            lonlat[at, 0] = lines.xy[point, 0] / 1e6
            lonlat[at, 1] = lines.xy[point, 1] / 1e6
            at += 1
        point = LONG(lines.link[link, LAST] if is_along else lines.link[link, FIRST])
        lonlat[at, 0] = lines.xy[point, 0] / 1e6
        lonlat[at, 1] = lines.xy[point, 1] / 1e6
    return piece[: count + 1].copy(), lonlat


def build_path(
    streets: Streets,
    lines: Lines,
    edge_link: IntArray,
    points: tuple[Snaps, Snaps],
    ends: tuple[Ends, Ends],
    way: Way,
) -> Path:
    """
    Tell a way piece by piece, and draw it.

    Parameters
    ----------
    streets
        Edges, forward.
    lines
        The drawn links.
    edge_link
        Link of each edge.
    points
        Origin and destination.
    ends
        How both hang.
    way
        What was found.

    Returns
    -------
    path
        The way between the two.
    """
    origin, destination = points
    shares = np.array([origin.share[0], destination.share[0]])
    piece, lonlat = lay_pieces(
        streets, lines, edge_link, shares, _parts(streets, ends, way), way.slot, way.edge
    )
    lonlat[0] = origin.lon[0], origin.lat[0]
    lonlat[1] = origin.foot_lon[0], origin.foot_lat[0]
    if len(piece) > 1:
        lonlat[-2] = destination.foot_lon[0], destination.foot_lat[0]
    lonlat[-1] = destination.lon[0], destination.lat[0]
    gap_ms = np.array([ends[0].gap_ms[0], ends[1].gap_ms[0]], dtype=np.int64)
    gap_mm = np.array([ends[0].gap_mm[0], ends[1].gap_mm[0]], dtype=np.int64)
    return Path(way.cost_ms, way.length_mm, piece, lonlat, gap_ms, gap_mm)


def _parts(streets: Streets, ends: tuple[Ends, Ends], way: Way) -> LongArray:
    """Edge, cost and length of the first and the last piece, or of the only one."""
    left, reached = ends
    if way.slot != STRAIGHT:
        slot, side = way.slot, way.side
        first = (left.edge[0, slot], left.ms[0, slot], left.mm[0, slot])
        return np.array(
            [first, (reached.edge[0, side], reached.ms[0, side], reached.mm[0, side])], dtype=np.int64
        )
    slot = 0 if left.edge[0, 0] == way.side else 1
    ms = left.ms[0, slot] + reached.ms[0, slot] - streets.edge_ms[way.side]
    mm = left.mm[0, slot] + reached.mm[0, slot] - streets.edge_mm[way.side]
    return np.array([(way.side, ms, mm)] * 2, dtype=np.int64)
