"""
The engine's slow, obvious twin: the same numbers by other means.

Snapping looks at every segment. Searching cuts every edge at every foot point, so that
points become ordinary nodes of a bigger graph, and then walks that graph with a heap of
tuples. No attachment, no slots, no windows in the search: nothing to get wrong in the same way.

A `Book` holds all ways between some points of a town, worked out by Floyd and Warshall in a small
one, by scipy's Dijkstra in a city. What a verb must answer is then read off its pages.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo_service.network.graph import NONE, Network

LIMIT_M = 300.0


class Foot(NamedTuple):
    """Where one point stands; ``link`` is None if it is too far from any street."""

    link: int | None
    share: float
    lon: float
    lat: float
    gap_m: float


def snap(network: Network, lon: float, lat: float) -> Foot:
    """Nearest link that is not on an island within 300 m, else nearest within 300 m, by looking at all."""
    near = [(gap2, point, link, t) for link, point, t, gap2 in _segments(network, lon * 1e6, lat * 1e6)]
    main = main_links(network)
    ranked = [item for item in near if item[2] in main and math.sqrt(item[0]) <= LIMIT_M] or near
    gap2, point, link, t = min(ranked)
    gap_m = math.sqrt(gap2)
    if gap_m > LIMIT_M:
        return Foot(None, math.nan, math.nan, math.nan, gap_m)
    return _foot(network, link, point, t, gap_m)


def main_links(network: Network) -> set[int]:
    """Links of weak components that have at least a twentieth of the nodes of the largest."""
    of_node = network.node_component.tolist()
    sizes: dict = {}
    for component in of_node:
        sizes[component] = sizes.get(component, 0) + 1
    largest = max(sizes.values())
    return {
        int(network.edge_link[e])
        for e in range(network.n_edges)
        if 20 * sizes[of_node[network.edge_tail[e]]] >= largest
    }


def _segments(network, px, py):
    m = network.metric
    d = min(max(py - m.lat0_e6, -2e6), 2e6)
    kx, ky = m.lon_m + d * (m.lon_m1 + d * m.lon_m2), m.lat_m
    xs, ys = network.point_lon_e6.tolist(), network.point_lat_e6.tolist()
    for link in range(network.n_links):
        for i in range(network.first_point[link], network.first_point[link + 1] - 1):
            ux, uy = (xs[i + 1] - xs[i]) * kx, (ys[i + 1] - ys[i]) * ky
            wx, wy = (px - xs[i]) * kx, (py - ys[i]) * ky
            q = ux * ux + uy * uy
            t = (wx * ux + wy * uy) / q if q > 0 else 0.0
            t = min(max(t, 0.0), 1.0)
            if t == 0.0:
                ex, ey = wx, wy
            elif t == 1.0:
                ex, ey = (px - xs[i + 1]) * kx, (py - ys[i + 1]) * ky
            else:
                ex, ey = wx - t * ux, wy - t * uy
            yield link, int(i), t, ex * ex + ey * ey


def along(network: Network, link: int) -> list[float]:
    """Metres from the first drawn point of a link to each of its points."""
    m, points = network.metric, slice(network.first_point[link], network.first_point[link + 1])
    xs, ys = network.point_lon_e6[points].tolist(), network.point_lat_e6[points].tolist()
    metres = [0.0]
    for i in range(len(xs) - 1):
        d = (ys[i] + ys[i + 1]) * 0.5 - m.lat0_e6
        ux = (xs[i + 1] - xs[i]) * (m.lon_m + d * (m.lon_m1 + d * m.lon_m2))
        uy = (ys[i + 1] - ys[i]) * m.lat_m
        metres.append(metres[-1] + math.sqrt(ux * ux + uy * uy))
    return metres


def _foot(network, link, point, t, gap_m):
    points = slice(network.first_point[link], network.first_point[link + 1])
    xs, ys = network.point_lon_e6[points].tolist(), network.point_lat_e6[points].tolist()
    metres = along(network, link)
    i = point - int(points.start)
    at = metres[i] + t * (metres[i + 1] - metres[i])
    if at <= 0.01:
        return Foot(link, 0.0, xs[0] / 1e6, ys[0] / 1e6, gap_m)
    if metres[-1] - at <= 0.01:
        return Foot(link, 1.0, xs[-1] / 1e6, ys[-1] / 1e6, gap_m)
    x, y = xs[i] + t * (xs[i + 1] - xs[i]), ys[i] + t * (ys[i + 1] - ys[i])
    return Foot(link, at / metres[-1], x / 1e6, y / 1e6, gap_m)


def gap(network: Network, foot: Foot) -> tuple[int, int]:
    """Cost and length of a gap."""
    return math.floor(foot.gap_m * network.gap_ms_per_m), math.floor(foot.gap_m * 1000.0)


def cut(network: Network, feet: Sequence[Foot]) -> dict:
    """
    The graph with every foot point as a node ``("foot", i)``: node → [(node, cost, length, edge)].

    Along each edge the feet follow each other; the last part carries the delay at the head.
    """
    graph: dict = {v: [] for v in range(network.n_nodes)} | {("foot", i): [] for i in range(len(feet))}
    on_link: dict = {}
    for i, foot in enumerate(feet):
        on_link.setdefault(foot.link, []).append((i, foot))
    for e in range(network.n_edges):
        link = int(network.edge_link[e])
        is_along = network.link_edge[link, 0] == e
        weight, length = int(network.edge_weight_ms[e]), int(network.link_length_mm[link])
        travel = weight - int(network.edge_delay_ms[e])
        stops = [(-1.0, 0, 0, int(network.edge_tail[e]))]
        for i, foot in on_link.get(link, ()):
            at_mm = math.floor(length * foot.share)
            share = foot.share if is_along else 1.0 - foot.share
            stops.append(
                (share, math.floor(travel * share), at_mm if is_along else length - at_mm, ("foot", i))
            )
        stops.append((2.0, weight, length, int(network.edge_head[e])))
        stops.sort(key=lambda stop: stop[0])
        for a, b in pairwise(stops):
            graph[a[3]].append((b[3], b[1] - a[1], b[2] - a[2], e))
            if a[0] == b[0]:
                graph[b[3]].append((a[3], 0, 0, e))
    for i, foot in enumerate(feet):
        _open_mouth(network, graph, foot, ("foot", i))
    return graph


def _open_mouth(network: Network, graph: dict, foot: Foot, name: object) -> None:
    """A foot at the very end of a one-way street stands on the node too, and is not held by the street."""
    if foot.link is None or foot.share not in (0.0, 1.0) or NONE not in network.link_edge[foot.link]:
        return
    edge = max(network.link_edge[foot.link])
    is_along = network.link_edge[foot.link, 0] == edge
    if (foot.share == 0.0) == is_along:
        graph[name].append((int(network.edge_tail[edge]), 0, 0, NONE))
    else:
        graph[int(network.edge_head[edge])].append((name, 0, 0, NONE))


def walk(graph: dict, start: object) -> dict:
    """Least (cost, length) from a node to every node it can reach."""
    best: dict = {}
    heap: list = [(0, 0, 0, start)]
    count = 0
    while heap:
        cost, length, _, node = heapq.heappop(heap)
        if node in best:
            continue
        best[node] = (cost, length)
        for to, more_ms, more_mm, _ in graph[node]:
            if to not in best:
                count += 1
                heapq.heappush(heap, (cost + more_ms, length + more_mm, count, to))
    return best


def costs(network: Network, origins: Sequence[Foot], destinations: Sequence[Foot]) -> list[list]:
    """(cost, length) with gaps from each origin to each destination, None where no way leads."""
    table = []
    for origin in origins:
        feet = [origin, *destinations]
        best = walk(cut(network, feet), ("foot", 0)) if origin.link is not None else {}
        row = []
        for i, destination in enumerate(destinations, start=1):
            found = best.get(("foot", i)) if destination.link is not None else None
            gaps = [gap(network, origin), gap(network, destination)] if found else []
            row.append(found and tuple(found[j] + gaps[0][j] + gaps[1][j] for j in range(2)))
        table.append(row)
    return table


def nearest(row: Sequence, k: int, windows: Sequence[Sequence[tuple[int, int]]] | None) -> list:
    """The first k of (cost, facility, length) whose cost lies in one of the facility's windows."""
    fit = [
        (found[0], f, found[1])
        for f, found in enumerate(row)
        if found is not None and (windows is None or any(a <= found[0] < b for a, b in windows[f]))
    ]
    return sorted(fit)[:k]


def reach(network: Network, origin: Foot, cutoff_ms: int) -> tuple[dict, set]:
    """Node costs within the cutoff, and (edge, start share, end share, cost at the start) of every part-edge."""
    best = walk(cut(network, [origin]), ("foot", 0))
    return reach_of(network, origin, {v: c for v, (c, _) in best.items() if isinstance(v, int)}, cutoff_ms)


def reach_of(network: Network, origin: Foot, best_ms: Mapping[int, int], cutoff_ms: int) -> tuple[dict, set]:
    """The same, the costs from the foot point to nodes being known."""
    gap_ms = gap(network, origin)[0]
    nodes = {v: gap_ms + c for v, c in best_ms.items() if gap_ms + c <= cutoff_ms}
    parts = set()
    for e in range(network.n_edges):
        travel = int(network.edge_weight_ms[e]) - int(network.edge_delay_ms[e])
        starts = {0.0: (0, nodes[int(network.edge_tail[e])])} if int(network.edge_tail[e]) in nodes else {}
        if origin.link == network.edge_link[e] and gap_ms <= cutoff_ms:
            share = origin.share if network.link_edge[origin.link, 0] == e else 1.0 - origin.share
            starts[share] = (math.floor(travel * share), gap_ms)
        for share, (offset, cost) in starts.items():
            left = cutoff_ms - cost + offset
            end = 1.0 if left >= travel else left / travel
            if end > share:
                parts.add((e, share, end, cost))
    return nodes, parts


# --- the book -----------------------------------------------------------------------------

NO_WAY = 1 << 61
"""Greater than every key, and twice it still fits."""

SMALL = 250
"""Places up to which Floyd and Warshall are asked."""

SCALE = 120_000_000
"""scipy counts in float64: ``cost * SCALE + length`` is exact while lengths are below it and all below 2^53."""


class Book(NamedTuple):
    """
    All ways between some feet, and between them and nodes; keys are ``cost << 32 | length`` without gaps.

    Places are nodes, then feet. ``graph`` is what `cut` gave, as arrays of tail, head and key.
    """

    network: Network
    feet: Sequence[Foot]
    gaps: Sequence[tuple[int, int]]
    graph: tuple
    between: np.ndarray
    """From foot to foot, shape ``(f, f)``."""
    leave: np.ndarray
    """From the first feet to every node, shape ``(a, n)``."""
    arrive: np.ndarray
    """From every node to the first feet, shape ``(b, n)``."""


def write_book(network: Network, feet: Sequence[Foot], n_leave: int, n_arrive: int) -> Book:
    """Work out everything beforehand."""
    n, graph = network.n_nodes, flatten(network, feet)
    places = np.arange(n, n + len(feet))
    out = ways_from(graph, n + len(feet), places, n_leave)
    tail, head, key = graph
    into = ways_from((head, tail, key), n + len(feet), places[:n_arrive], n_arrive)
    gaps = [gap(network, foot) if foot.link is not None else (0, 0) for foot in feet]
    return Book(network, feet, gaps, graph, out[0], out[1], into[1])


def flatten(network: Network, feet: Sequence[Foot]) -> tuple:
    """What `cut` gives as arrays of tail, head and key; of parallel arcs the best."""
    number = {("foot", i): network.n_nodes + i for i in range(len(feet))}
    best: dict = {}
    for tail, arcs in cut(network, feet).items():
        a = number.get(tail, tail)
        for to, ms, mm, _ in arcs:
            ends = (a, number.get(to, to))
            best[ends] = min(best.get(ends, NO_WAY), (ms << 32) + mm)
    ends = np.array(list(best), dtype=np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1], np.array(list(best.values()), dtype=np.int64)


def ways_from(graph: tuple, n_places: int, places: np.ndarray, n_whole: int) -> tuple:
    """Keys from some places to each other, and from the first of them to all nodes."""
    n = n_places if not len(places) else int(places[0])
    if n_places <= SMALL:
        keys = floyd_warshall(graph, n_places)[places]
        return keys[:, places], keys[:n_whole, :n]
    between, whole = np.empty((len(places), len(places)), dtype=np.int64), np.empty((n_whole, n), np.int64)
    for i in range(0, len(places), 50):
        keys = by_scipy(graph, n_places, places[i : i + 50])
        between[i : i + 50] = keys[:, places]
        whole[i : i + 50] = keys[: max(n_whole - i, 0), :n]
    return between, whole


def floyd_warshall(graph: tuple, n_places: int) -> np.ndarray:
    """Least keys between all places."""
    tail, head, key = graph
    keys = np.full((n_places, n_places), NO_WAY, dtype=np.int64)
    keys[tail, head] = key
    keys[np.arange(n_places), np.arange(n_places)] = 0
    for k in range(n_places):
        np.minimum(keys, keys[:, k, None] + keys[None, k, :], out=keys)
    keys[keys >= NO_WAY] = NO_WAY
    return keys


def by_scipy(graph: tuple, n_places: int, places: np.ndarray) -> np.ndarray:
    """Least keys from some places to all."""
    tail, head, key = graph
    weight = (key >> 32) * float(SCALE) + (key & 0xFFFFFFFF)
    found = dijkstra(csr_array((weight, (tail, head)), shape=(n_places, n_places)), indices=places)
    is_found = np.isfinite(found)
    assert found[is_found].max(initial=0) < 2**53
    farthest = int(np.where(is_found, found, 0).max(axis=1).argmax())
    cost_ms = dijkstra(
        csr_array((key >> 32, (tail, head)), shape=(n_places, n_places)), indices=places[farthest]
    )
    assert (found[farthest][is_found[farthest]] // SCALE == cost_ms[is_found[farthest]]).all()
    whole = np.where(is_found, found, 0).astype(np.int64)
    return np.where(is_found, (whole // SCALE << 32) + whole % SCALE, NO_WAY)


def way(book: Book, i: int, j: int) -> tuple[int, int] | None:
    """Cost and length from foot to foot with both gaps, or None."""
    key = int(book.between[i, j])
    if key == NO_WAY or book.feet[i].link is None or book.feet[j].link is None:
        return None
    a, b = book.gaps[i], book.gaps[j]
    return (key >> 32) + a[0] + b[0], (key & 0xFFFFFFFF) + a[1] + b[1]


def coverage(book: Book, stands: Sequence[int | None]) -> np.ndarray:
    """Cost and facility for every node, -1 where there is none, shape ``(2, n)``; facilities stand at feet."""
    n = book.network.n_nodes
    best = np.full(n, NO_WAY, dtype=np.int64)
    for f, at in enumerate(stands):
        if at is not None and book.feet[at].link is not None:
            cost_ms = (book.arrive[at] >> 32) + book.gaps[at][0]
            best = np.minimum(best, np.where(book.arrive[at] == NO_WAY, NO_WAY, (cost_ms << 32) + f))
    return np.where(best == NO_WAY, -1, np.stack([best >> 32, best & 0xFFFFFFFF]))


def stops(
    book: Book, ends: tuple[int, int], stands: Sequence[int | None], k: int, windows: Sequence | None
) -> list:
    """The first k of (added cost, facility, arrival, length) on the way between two feet that have one."""
    direct = way(book, *ends)
    assert direct is not None
    found = []
    for f, at in enumerate(stands):
        there, onward = (None, None) if at is None else (way(book, ends[0], at), way(book, at, ends[1]))
        if there and onward and is_open(windows, f, there[0]):
            found.append((there[0] + onward[0] - direct[0], f, there[0], there[1] + onward[1]))
    return sorted(found)[:k]


def within(
    book: Book,
    origin: int,
    via: int | None,
    stands: Sequence[int | None],
    limit_mm: int,
    windows: Sequence | None,
) -> list:
    """All (cost, facility, length) whose fastest way, by way of another foot perhaps, is no longer than that."""
    before = (0, 0) if via is None else way(book, origin, via)
    assert before is not None
    found = []
    for f, at in enumerate(stands):
        there = None if at is None else way(book, origin if via is None else via, at)
        if there:
            cost_ms, length_mm = before[0] + there[0], before[1] + there[1]
            if length_mm <= limit_mm and is_open(windows, f, cost_ms):
                found.append((cost_ms, f, length_mm))
    return sorted(found)


def is_open(windows: Sequence | None, f: int, cost_ms: int) -> bool:
    """Whether a facility counts for who arrives at that cost."""
    return windows is None or any(a <= cost_ms < b for a, b in windows[f])


NEAR_E6 = 9_000
"""A segment within the limit comes as near as that in longitude and latitude, up to 70 degrees north or south."""


def snap_many(network: Network, points: np.ndarray) -> list[Foot]:
    """What `snap` gives for each point, all segments near it at once: the same sums in the same order."""
    first = network.first_point.astype(np.int64)
    link = np.repeat(np.arange(network.n_links), np.diff(first) - 1)
    start = np.delete(np.arange(len(network.point_lon_e6)), first[1:] - 1)
    xs, ys = network.point_lon_e6.astype(np.float64), network.point_lat_e6.astype(np.float64)
    is_main = np.isin(link, list(main_links(network)))
    low_x, high_x = (pick(xs[start], xs[start + 1]) for pick in (np.minimum, np.maximum))
    low_y, high_y = (pick(ys[start], ys[start + 1]) for pick in (np.minimum, np.maximum))
    feet = []
    for lon, lat in points.tolist():
        x, y = lon * 1e6, lat * 1e6
        is_near = (
            (low_x <= x + NEAR_E6)
            & (high_x >= x - NEAR_E6)
            & (low_y <= y + NEAR_E6)
            & (high_y >= y - NEAR_E6)
        )
        rows = np.flatnonzero(is_near)
        t, gap2 = _gaps2(network, xs, ys, start[rows], x, y)
        if not len(rows) or math.sqrt(gap2.min()) > LIMIT_M:
            rows = np.arange(len(start))
            t, gap2 = _gaps2(network, xs, ys, start, x, y)
        ranked = np.flatnonzero(is_main[rows] & (np.sqrt(gap2) <= LIMIT_M))
        ranked = ranked if len(ranked) else np.arange(len(rows))
        i = ranked[gap2[ranked].argmin()]
        gap_m, at = math.sqrt(gap2[i]), rows[i]
        found = _foot(network, int(link[at]), int(start[at]), float(t[i]), gap_m)
        feet.append(found if gap_m <= LIMIT_M else Foot(None, math.nan, math.nan, math.nan, gap_m))
    return feet


def _gaps2(network, xs, ys, start, px, py):
    """Where on each segment its nearest point lies, and the square of the metres to it."""
    m = network.metric
    d = min(max(py - m.lat0_e6, -2e6), 2e6)
    kx, ky = m.lon_m + d * (m.lon_m1 + d * m.lon_m2), m.lat_m
    ux, uy = (xs[start + 1] - xs[start]) * kx, (ys[start + 1] - ys[start]) * ky
    wx, wy = (px - xs[start]) * kx, (py - ys[start]) * ky
    q = ux * ux + uy * uy
    t = np.clip(np.divide(wx * ux + wy * uy, q, out=np.zeros_like(q), where=q > 0), 0.0, 1.0)
    vx, vy = (px - xs[start + 1]) * kx, (py - ys[start + 1]) * ky
    ex = np.where(t == 0.0, wx, np.where(t == 1.0, vx, wx - t * ux))
    ey = np.where(t == 0.0, wy, np.where(t == 1.0, vy, wy - t * uy))
    return t, ex * ex + ey * ey
