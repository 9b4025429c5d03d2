"""
The engine's slow, obvious twin: the same numbers by other means.

Snapping looks at every segment. Searching cuts every edge at every foot point, so that
points become ordinary nodes of a bigger graph, and then walks that graph with a heap of
tuples. No attachment, no slots, no windows in the search: nothing to get wrong in the same way.
"""

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

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
    sizes = [of_node.count(c) for c in range(max(of_node) + 1)]
    return {
        int(network.edge_link[e])
        for e in range(network.n_edges)
        if 20 * sizes[of_node[network.edge_tail[e]]] >= max(sizes)
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
    m = network.metric
    xs, ys = network.point_lon_e6.tolist(), network.point_lat_e6.tolist()
    metres = [0.0]
    for i in range(network.first_point[link], network.first_point[link + 1] - 1):
        d = (ys[i] + ys[i + 1]) * 0.5 - m.lat0_e6
        ux = (xs[i + 1] - xs[i]) * (m.lon_m + d * (m.lon_m1 + d * m.lon_m2))
        uy = (ys[i + 1] - ys[i]) * m.lat_m
        metres.append(metres[-1] + math.sqrt(ux * ux + uy * uy))
    return metres


def _foot(network, link, point, t, gap_m):
    first, last = int(network.first_point[link]), int(network.first_point[link + 1]) - 1
    metres = along(network, link)
    i = point - first
    at = metres[i] + t * (metres[i + 1] - metres[i])
    xs, ys = network.point_lon_e6.tolist(), network.point_lat_e6.tolist()
    if at <= 0.01:
        return Foot(link, 0.0, xs[first] / 1e6, ys[first] / 1e6, gap_m)
    if metres[-1] - at <= 0.01:
        return Foot(link, 1.0, xs[last] / 1e6, ys[last] / 1e6, gap_m)
    x, y = xs[point] + t * (xs[point + 1] - xs[point]), ys[point] + t * (ys[point + 1] - ys[point])
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
    for e in range(network.n_edges):
        link = int(network.edge_link[e])
        is_along = network.link_edge[link, 0] == e
        weight, length = int(network.edge_weight_ms[e]), int(network.link_length_mm[link])
        travel = weight - int(network.edge_delay_ms[e])
        stops = [(-1.0, 0, 0, int(network.edge_tail[e]))]
        for i, foot in enumerate(feet):
            if foot.link == link:
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
    gap_ms = gap(network, origin)[0]
    best = walk(cut(network, [origin]), ("foot", 0))
    nodes = {v: gap_ms + c for v, (c, _) in best.items() if isinstance(v, int) and gap_ms + c <= cutoff_ms}
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
