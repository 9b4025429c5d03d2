"""
Arcs of a hierarchy as what they stand for, laid out in the order in which ways read it.

Shortcuts are numbered as they unpack, wholes before halves and the most important first, and the edges as they
come out of them; the points of edges lie in that order, too. So what a way reads lies side by side: numbered
by rank it took twice as long, nearly all of it waiting for memory.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import LONG, NONE
from geo_service.engine.hierarchy import Arcs, Hierarchy
from geo_service.engine.lines import freeze
from geo_service.network.graph import FloatArray, IntArray, LongArray

EDGE, MS, MM, BEGIN = range(4)
"""Columns of a leaf: edge, cost, length, and where its points begin; they end where those of the next begin."""


class Shape(NamedTuple):
    """
    What arcs stand for. A *code* is the number of a shortcut, or ``~leaf`` for an edge.

    Parameters
    ----------
    code
        Of each arc up, and then of each arc down, shape ``(a,)``.
    half
        Codes of the two halves of each shortcut, shape ``(s, 2)``.
    leaf
        `EDGE` to `BEGIN` of each edge that is an arc, and one row more, shape ``(l + 1, 4)``.
    points
        Points of edges after their first, in the direction of travel, degrees, shape ``(p, 2)``.
    """

    code: IntArray
    half: IntArray
    leaf: IntArray
    points: FloatArray


@njit(cache=True, nogil=True)
def _number(
    up_first: IntArray, down_first: IntArray, half: IntArray, code: IntArray, order: IntArray, edge: IntArray
) -> tuple[int, int]:
    """Number shortcuts and edges as they unpack; give how many there are of each."""
    n_up = LONG(up_first[-1])
    stack = np.empty(len(half) + 1, dtype=np.int64)
    n_shortcuts = LONG(0)
    n_leaves = LONG(0)
    for r in range(len(up_first) - 1):
        for side in range(2):
            first = down_first if side == 1 else up_first
            for i in range(first[r], first[r + 1]):
                stack[0] = i + side * n_up
                size = LONG(1)
                while size > 0:
                    size -= 1
                    a = stack[size]
                    if code[a] != len(half):
                        continue
                    if half[a, 1] == NONE:
                        code[a] = ~n_leaves
                        edge[n_leaves] = half[a, 0]
                        n_leaves += 1
                    else:
                        code[a] = n_shortcuts
                        order[n_shortcuts] = a
                        n_shortcuts += 1
                        stack[size] = half[a, 1]
                        stack[size + 1] = half[a, 0]
                        size += 2
    return n_shortcuts, n_leaves


def build_shape(
    hierarchy: Hierarchy, ends: IntArray, edge_ms: IntArray, edge_mm: IntArray, points: FloatArray
) -> Shape:
    """
    Lay out what the arcs of a hierarchy stand for.

    Parameters
    ----------
    hierarchy
        Its arcs.
    ends
        First and last point of each edge in the direction of travel, shape ``(m, 2)``.
    edge_ms
        Cost of each edge.
    edge_mm
        Length of each edge.
    points
        Drawn points of all links, degrees, shape ``(p, 2)``.

    Returns
    -------
    shape
        Read-only arrays.
    """
    up, down = hierarchy.up, hierarchy.down
    half = np.concatenate([_renumber(up, len(up.end)), _renumber(down, len(up.end))])
    code, order, edge = (np.full(len(half), len(half), dtype=np.int32) for _ in range(3))
    n_shortcuts, n_leaves = _number(up.first, down.first, half, code, order, edge)
    edge = edge[:n_leaves]
    begin, last = ends[edge].T.astype(np.int64)
    count = np.abs(last - begin)
    leaf = np.zeros((n_leaves + 1, 4), dtype=np.int32)
    leaf[:-1, EDGE], leaf[:-1, MS], leaf[:-1, MM] = edge, edge_ms[edge], edge_mm[edge]
    leaf[1:, BEGIN] = np.cumsum(count)
    step = np.arange(int(leaf[-1, BEGIN])) - np.repeat(leaf[:-1, BEGIN], count) + 1
    drawn = points[np.repeat(begin, count) + step * np.repeat(np.sign(last - begin), count)]
    return Shape(freeze(code), freeze(code[half[order[:n_shortcuts]]]), freeze(leaf), freeze(drawn))


def _renumber(arcs: Arcs, n_up: int) -> IntArray:
    """Halves by one number each: of a shortcut the first half leads down, the second up."""
    half: IntArray = arcs.half.copy()
    half[half[:, 1] != NONE, 0] += n_up
    return half


@njit(cache=True, nogil=True)
def unpack(
    code: IntArray, half: IntArray, arcs: LongArray, n_arcs: int, stack: LongArray, out: IntArray
) -> int:
    """
    Unpack arcs to the edges they stand for.

    Parameters
    ----------
    code
        As in `Shape`.
    half
        As in `Shape`.
    arcs
        Arcs that follow each other.
    n_arcs
        How many.
    stack
        Room for as many as there are edges.
    out
        Filled in: the leaves, in the order of travel.

    Returns
    -------
    n_leaves
        How many.
    """
    count: int = LONG(0)
    for i in range(n_arcs):
        x = LONG(code[arcs[i]])
        size = LONG(0)
        while True:
            if x >= 0:
                stack[size] = half[x, 1]
                size += 1
                x = LONG(half[x, 0])
                continue
            out[count] = ~x
            count += 1
            if size == 0:
                break
            size -= 1
            x = stack[size]
    return count


@njit(cache=True, nogil=True)
def draw_leaves(
    leaf: IntArray, points: FloatArray, nodes: FloatArray, way: IntArray, n_edges: int, tail: int, head: int,
    edge: IntArray, ms: LongArray, mm: LongArray, first_point: IntArray, lonlat: FloatArray,
) -> int:  # fmt: skip
    """
    Tell and draw the edges of a way from node to node.

    Parameters
    ----------
    leaf
        As in `Shape`.
    points
        As in `Shape`.
    nodes
        Nodes, degrees, shape ``(n, 2)``.
    way
        The leaves of its edges.
    n_edges
        How many.
    tail
        Node the way begins at.
    head
        Node it ends at.
    edge
        Filled in: the edges.
    ms
        Filled in: their costs.
    mm
        Filled in: their lengths.
    first_point
        Filled in, as in `Path`.
    lonlat
        Filled in, as in `Path`.

    Returns
    -------
    n_points
        Points that were written.
    """
    for i in range(2):
        lonlat[0, i] = nodes[tail, i]
        lonlat[1, i] = nodes[tail, i]
    # without a branch that waits for memory, first: all that is read here is asked for at once
    at: int = LONG(1)
    for i in range(n_edges):
        f = LONG(way[i])
        edge[i] = leaf[f, EDGE]
        ms[i] = leaf[f, MS]
        mm[i] = leaf[f, MM]
        first_point[i] = at
        point = LONG(leaf[f, BEGIN])
        lonlat[at + 1, 0] = points[point, 0]
        lonlat[at + 1, 1] = points[point, 1]
        at += leaf[f + 1, BEGIN] - point
    for i in range(n_edges):
        to = LONG(first_point[i]) + 1
        for point in range(leaf[way[i], BEGIN] + 1, leaf[way[i] + 1, BEGIN]):
            to += 1
            lonlat[to, 0] = points[point, 0]
            lonlat[to, 1] = points[point, 1]
    first_point[n_edges] = at
    for i in range(2):
        lonlat[at, i] = nodes[head, i]
        lonlat[at + 1, i] = nodes[head, i]
    return at + 2
