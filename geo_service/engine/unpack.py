"""
Arcs of a hierarchy as what they stand for, laid out in the order in which ways read it.

Shortcuts are numbered as they unpack, wholes before halves and the most important first, and the edges as they
come out of them; the points of edges lie in that order, too. So what a way reads lies side by side: numbered
by rank it took twice as long, nearly all of it waiting for memory. Where all edges of a shortcut follow each
other in that order, nothing needs to be unpacked: it is a *run*. A way of a hundred edges is some thirty of them.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.constants import LONG, NONE, RUN
from geo_service.engine.fetch import fetch
from geo_service.engine.hierarchy import Arcs, Hierarchy
from geo_service.engine.kit import Kit
from geo_service.engine.lines import freeze
from geo_service.network.graph import FloatArray, IntArray, LongArray

EDGE, MS, MM, BEGIN = range(4)
"""Columns of a leaf and of a piece: edge, cost, length, and where its points begin; they end where the next begin."""


class Shape(NamedTuple):
    """
    What arcs stand for. A *code* is the number of a shortcut, or ``~leaf`` for an edge.

    Parameters
    ----------
    code
        Of each arc up, and then of each arc down, shape ``(a,)``.
    half
        Codes of the two halves of each shortcut; of a run the code of its first leaf, and the number of its
        leaves less twice `RUN`'s distance from nothing, shape ``(s, 2)``.
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


@njit(cache=True, nogil=True)
def _find_runs(
    up_first: IntArray,
    down_first: IntArray,
    half: IntArray,
    code: IntArray,
    begin: LongArray,
    count: LongArray,
) -> None:
    """Fill in the first leaf of each arc and the number of its leaves, 0 if they do not follow each other."""
    n_up = LONG(up_first[-1])
    # halves stand at the node a shortcut passes, which is less important: they come first
    for r in range(len(up_first) - 2, -1, -1):
        for side in range(2):
            first = down_first if side == 1 else up_first
            for i in range(first[r], first[r + 1]):
                a = i + side * n_up
                if half[a, 1] == NONE:
                    begin[a] = ~code[a]
                    count[a] = 1
                else:
                    one = half[a, 0]
                    other = half[a, 1]
                    is_run = count[one] > 0 and count[other] > 0 and begin[one] + count[one] == begin[other]
                    begin[a] = begin[one]
                    count[a] = count[one] + count[other] if is_run else 0


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
    first_leaf, n_run = np.empty(len(half), dtype=np.int64), np.empty(len(half), dtype=np.int64)
    _find_runs(up.first, down.first, half, code, first_leaf, n_run)
    shortcut = order[:n_shortcuts]
    halves = code[half[shortcut]]
    run = np.flatnonzero(n_run[shortcut])
    halves[run, 0] = ~first_leaf[shortcut[run]]
    halves[run, 1] = n_run[shortcut[run]] + 2 * RUN
    edge = edge[:n_leaves]
    begin, last = ends[edge].T.astype(np.int64)
    count = np.abs(last - begin)
    leaf = np.zeros((n_leaves + 1, 4), dtype=np.int32)
    leaf[:-1, EDGE], leaf[:-1, MS], leaf[:-1, MM] = edge, edge_ms[edge], edge_mm[edge]
    leaf[1:, BEGIN] = np.cumsum(count)
    step = np.arange(int(leaf[-1, BEGIN])) - np.repeat(leaf[:-1, BEGIN], count) + 1
    drawn = points[np.repeat(begin, count) + step * np.repeat(np.sign(last - begin), count)]
    return Shape(freeze(code), freeze(halves), freeze(leaf), freeze(drawn))


def _renumber(arcs: Arcs, n_up: int) -> IntArray:
    """Halves by one number each: of a shortcut the first half leads down, the second up."""
    half: IntArray = arcs.half.copy()
    half[half[:, 1] != NONE, 0] += n_up
    return half


@njit(cache=True, nogil=True)
def unpack(chart: Kit, trail: Kit, n_arcs: int) -> int:
    """
    Unpack the arcs of a way to runs of edges.

    Parameters
    ----------
    chart
        With `Shape`.
    trail
        With the arcs, and with room for the runs, see `Trail`.
    n_arcs
        How many.

    Returns
    -------
    n_runs
        How many.
    """
    code, half, leaf = chart.code, chart.half, chart.leaf
    queue, stack, run = trail.queue, trail.stack, trail.run
    n_runs: int = LONG(0)
    for i in range(n_arcs):
        queue[i] = code[queue[i]]
        fetch(half, max(queue[i], LONG(0)))
    for i in range(n_arcs):
        x = queue[i]
        size = LONG(0)
        while True:
            is_shortcut = x >= 0
            if is_shortcut and half[x, 1] >= RUN:
                stack[size] = half[x, 1]
                fetch(half, max(stack[size], LONG(0)))
                size += 1
                x = LONG(half[x, 0])
                continue
            begin = LONG(~half[x, 0]) if is_shortcut else ~x
            fetch(leaf, begin)
            run[n_runs, 0] = begin
            run[n_runs, 1] = begin + (half[x, 1] - 2 * RUN if is_shortcut else 1)
            n_runs += 1
            if size == 0:
                break
            size -= 1
            x = stack[size]
    return n_runs


@njit(cache=True, nogil=True)
def list_edges(chart: Kit, trail: Kit, n_runs: int) -> IntArray:
    """
    List the edges of a way.

    Parameters
    ----------
    chart
        With `Shape`.
    trail
        With its runs.
    n_runs
        How many.

    Returns
    -------
    edge
        Edge after edge.
    """
    leaf, run = chart.leaf, trail.run
    n_edges = LONG(0)
    for i in range(n_runs):
        n_edges += run[i, 1] - run[i, 0]
    edge = np.empty(n_edges, dtype=np.int32)
    at = LONG(0)
    for i in range(n_runs):
        for f in range(run[i, 0], run[i, 1]):
            edge[at] = leaf[f, EDGE]
            at += 1
    return edge


@njit(cache=True, nogil=True)
def draw_runs(chart: Kit, trail: Kit, n_runs: int, tail: int, head: int) -> tuple[IntArray, FloatArray]:
    """
    Tell and draw the edges of a way from node to node.

    Parameters
    ----------
    chart
        With `Shape`, and nodes in degrees.
    trail
        With the runs of its edges.
    n_runs
        How many.
    tail
        Node the way begins at.
    head
        Node it ends at.

    Returns
    -------
    drawn
        ``piece`` and ``lonlat`` as in `Path`.
    """
    leaf, points, nodes, run = chart.leaf, chart.points, chart.nodes, trail.run
    n_edges = LONG(0)
    n_points = LONG(3)
    for i in range(n_runs):
        point = LONG(leaf[run[i, 0], BEGIN])
        end = LONG(leaf[run[i, 1], BEGIN])
        fetch(points, point)
        fetch(points, end - 1)
        n_edges += run[i, 1] - run[i, 0]
        n_points += end - point
    piece = np.empty((n_edges + 1, 4), dtype=np.int32)
    lonlat = np.empty((n_points, 2), dtype=np.float64)
    e = LONG(0)
    at = LONG(1)
    for i in range(n_runs):
        point = LONG(leaf[run[i, 0], BEGIN])
        shift = at - point
        for f in range(run[i, 0], run[i, 1]):
            piece[e, EDGE] = leaf[f, EDGE]
            piece[e, MS] = leaf[f, MS]
            piece[e, MM] = leaf[f, MM]
            piece[e, BEGIN] = leaf[f, BEGIN] + shift
            e += 1
        for j in range(point, leaf[run[i, 1], BEGIN]):
            at += 1
            lonlat[at, 0] = points[j, 0]
            lonlat[at, 1] = points[j, 1]
    piece[e, EDGE] = NONE
    piece[e, MS] = 0
    piece[e, MM] = 0
    piece[e, BEGIN] = at
    for i in range(2):
        lonlat[0, i] = nodes[tail, i]
        lonlat[1, i] = nodes[tail, i]
        lonlat[at, i] = nodes[head, i]
        lonlat[at + 1, i] = nodes[head, i]
    return piece, lonlat
