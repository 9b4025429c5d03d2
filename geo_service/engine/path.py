"""From the labels of a search to one way: its pieces, their cost and length, and what to draw."""

from typing import NamedTuple

import numpy as np

from geo_service.engine.constants import FOOT, NONE
from geo_service.engine.dijkstra import COST, LENGTH, PARENT, VIA, Ends, Workspace
from geo_service.engine.snap import Lines, Snaps
from geo_service.network.graph import FloatArray, IntArray, LongArray, Network


class Path(NamedTuple):
    """
    One fastest way; among the fastest the shortest. Sums hold exactly, gaps included.

    Parameters
    ----------
    cost_ms
        Both gaps and all pieces.
    length_mm
        Both gaps and all pieces.
    edge
        Edge of each piece; only the first and the last may be part of an edge, shape ``(q,)``.
    edge_cost_ms
        Cost of each piece, shape ``(q,)``.
    edge_length_mm
        Length of each piece, shape ``(q,)``.
    lonlat
        Origin, foot point, streets, foot point, destination; degrees, shape ``(p, 2)``.
    first_point
        Piece ``i`` is drawn by points ``first_point[i]`` to ``first_point[i + 1]``, both included, so
        each piece begins where the one before ended; the first entry is 1 and the last ``p - 2``,
        shape ``(q + 1,)``.
    gap_ms
        Costs of the gaps at origin and destination, shape ``(2,)``.
    gap_mm
        Lengths of the gaps at origin and destination, shape ``(2,)``.
    """

    cost_ms: int
    length_mm: int
    edge: IntArray
    edge_cost_ms: LongArray
    edge_length_mm: LongArray
    lonlat: FloatArray
    first_point: IntArray
    gap_ms: LongArray
    gap_mm: LongArray


class _Piece(NamedTuple):
    """Part of an edge: link shares where it begins and ends, with cost and length."""

    edge: int
    begin: float
    end: float
    cost_ms: int
    length_mm: int


def build_path(
    network: Network,
    lines: Lines,
    origin: Snaps,
    destination: Snaps,
    ends: tuple[Ends, Ends],
    work: Workspace,
) -> Path:
    """
    Follow the labels of a search back from its only facility.

    Parameters
    ----------
    network
        Streets of one profile.
    lines
        Its drawn links.
    origin
        One point, the source of the search.
    destination
        One point, its facility number 0, which was found.
    ends
        How both hang on their links.
    work
        Workspace with the labels.

    Returns
    -------
    path
        The way between the two.
    """
    gap_ms = np.array([ends[0].gap_ms[0], ends[1].gap_ms[0]], dtype=np.int64)
    gap_mm = np.array([ends[0].gap_mm[0], ends[1].gap_mm[0]], dtype=np.int64)
    pieces = _trace(network, work, origin, destination, gap_ms, gap_mm)
    lonlat, first_point = _draw(network, lines, origin, destination, pieces)
    return Path(
        cost_ms=int(work.label[network.n_nodes, COST]),
        length_mm=int(work.label[network.n_nodes, LENGTH]),
        edge=np.array([piece.edge for piece in pieces], dtype=np.int32),
        edge_cost_ms=np.array([piece.cost_ms for piece in pieces], dtype=np.int64),
        edge_length_mm=np.array([piece.length_mm for piece in pieces], dtype=np.int64),
        lonlat=lonlat,
        first_point=first_point,
        gap_ms=gap_ms,
        gap_mm=gap_mm,
    )


def _trace(
    network: Network, work: Workspace, origin: Snaps, destination: Snaps, gap_ms: LongArray, gap_mm: LongArray
) -> list[_Piece]:
    item, pieces = network.n_nodes, []
    cost, length = int(work.label[item, COST] - gap_ms[1]), int(work.label[item, LENGTH] - gap_mm[1])
    end_share = float(destination.share[0])
    is_last = True
    while item != FOOT:
        parent, edge = int(work.label[item, PARENT]), int(work.label[item, VIA])
        is_first = parent == FOOT
        before = int(gap_ms[0]) if is_first else int(work.label[parent, COST])
        length_before = int(gap_mm[0]) if is_first else int(work.label[parent, LENGTH])
        if edge != NONE:
            is_against = float(network.link_edge[network.edge_link[edge], 1] == edge)
            begin = float(origin.share[0]) if is_first else is_against
            end = end_share if is_last else 1.0 - is_against
            if begin != end or cost != before:
                pieces.append(_Piece(edge, begin, end, cost - before, length - length_before))
        item, cost, length, is_last = parent, before, length_before, False
    return pieces[::-1]


def _draw(
    network: Network, lines: Lines, origin: Snaps, destination: Snaps, pieces: list[_Piece]
) -> tuple[FloatArray, IntArray]:
    """Lay the drawn points of all pieces end to end; joints of two pieces are written once."""
    edge = np.array([piece.edge for piece in pieces], dtype=np.int64)
    link = network.edge_link[edge].astype(np.int64)
    is_along = network.link_edge[link, 0] == edge
    low, high = lines.first_point[link] + 1, lines.first_point[link + 1] - 1
    for i in {0, len(pieces) - 1} if pieces else ():
        low[i], high[i] = _cut(lines, int(link[i]), pieces[i])
    count = np.maximum(high - low, 0)
    first_point = np.concatenate([[1], 1 + np.cumsum(count + 1)]).astype(np.int32)
    lonlat = np.empty((int(first_point[-1]) + 2, 2))
    owner = np.repeat(np.arange(len(pieces)), count)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    point = np.where(is_along[owner], low[owner] + step, high[owner] - 1 - step)
    lonlat[first_point[owner] + 1 + step] = _degrees(lines, point)
    joint = np.where(is_along, lines.first_point[link + 1] - 1, lines.first_point[link])
    lonlat[first_point[1:]] = _degrees(lines, joint)
    lonlat[0] = origin.lon[0], origin.lat[0]
    lonlat[1] = origin.foot_lon[0], origin.foot_lat[0]
    if pieces:
        lonlat[-2] = destination.foot_lon[0], destination.foot_lat[0]
    lonlat[-1] = destination.lon[0], destination.lat[0]
    return lonlat, first_point


def _cut(lines: Lines, link: int, piece: _Piece) -> tuple[int, int]:
    """Points strictly between the two ends of a piece, as a half-open range."""
    begin, end = int(lines.first_point[link]), int(lines.first_point[link + 1])
    along_m = lines.along_m[begin:end]
    low_m = min(piece.begin, piece.end) * float(along_m[-1])
    high_m = max(piece.begin, piece.end) * float(along_m[-1])
    low = begin + int(np.searchsorted(along_m, low_m, side="right"))
    high = begin + int(np.searchsorted(along_m, high_m, side="left"))
    return max(low, begin + 1), min(high, end - 1)


def _degrees(lines: Lines, point: LongArray) -> FloatArray:
    return np.stack([lines.x[point] / 1e6, lines.y[point] / 1e6], axis=1)
