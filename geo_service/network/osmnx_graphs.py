"""
Graphs in the form of osmnx, in and out.
"""

import math
from collections.abc import Hashable, Mapping
from typing import Any, Literal, NamedTuple

import networkx as nx
import numpy as np
import shapely

from geo_service.errors import InvalidInputError
from geo_service.geo import check_lonlat
from geo_service.network.graph import MODES, NONE, LongArray, Network
from geo_service.network.links import Links, assemble

Weight = Literal["travel_time", "length"]

_LONLAT_CRS = frozenset(
    ("epsg:4326", "ogc:crs84", "wgs84", "wgs 84", "crs84", "urn:ogc:def:crs:ogc:1.3:crs84")
)


def network_to_graph(network: Network) -> nx.MultiDiGraph:
    """
    Give a network the form osmnx works with.

    Parameters
    ----------
    network
        Any network.

    Returns
    -------
    graph
        Nodes are OSM ids (a second node at a closed barrier gets a negative number) with ``x``,
        ``y``, ``osmid``. Edges have ``osmid``, ``length`` (m), ``travel_time`` (s), ``weight_ms``,
        ``delay_ms``, ``name``, ``mode``, ``oneway``, ``geometry``. ``crs`` is EPSG:4326.
    """
    graph = nx.MultiDiGraph(crs="epsg:4326", created_with="geo_service", profile=network.profile)
    keys = _node_keys(network.node_osm)
    lon, lat = (network.node_lon_e6 / 1e6).tolist(), (network.node_lat_e6 / 1e6).tolist()
    for key, x, y, osmid in zip(keys, lon, lat, network.node_osm.tolist(), strict=True):
        graph.add_node(key, x=x, y=y, osmid=osmid)
    lines = _link_lines(network)
    for edge in range(network.n_edges):
        link = int(network.edge_link[edge])
        is_along = int(network.link_edge[link, 0]) == edge
        tail, head = keys[network.edge_tail[edge]], keys[network.edge_head[edge]]
        graph.add_edge(tail, head, **_edge_attributes(network, edge, link, lines[link], is_along))
    return graph


def _node_keys(node_osm: LongArray) -> list[int]:
    keys: list[int] = node_osm.tolist()
    _, first = np.unique(node_osm, return_index=True)
    repeated = np.setdiff1d(np.arange(len(keys)), first)
    taken = set(keys)
    spare = -1
    for position in repeated.tolist():
        while spare in taken:
            spare -= 1
        keys[position] = spare
        taken.add(spare)
    return keys


def _link_lines(network: Network) -> list[shapely.Geometry]:
    owner = np.repeat(np.arange(network.n_links), np.diff(network.first_point))
    lonlat = np.column_stack([network.point_lon_e6, network.point_lat_e6]) / 1e6
    lines: list[shapely.Geometry] = np.asarray(shapely.linestrings(lonlat, indices=owner)).tolist()
    return lines


def _edge_attributes(
    network: Network, edge: int, link: int, line: shapely.Geometry, is_along: bool
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "osmid": int(network.link_way[link]),
        "length": int(network.link_length_mm[link]) / 1000,
        "travel_time": int(network.edge_weight_ms[edge]) / 1000,
        "weight_ms": int(network.edge_weight_ms[edge]),
        "delay_ms": int(network.edge_delay_ms[edge]),
        "mode": MODES[network.edge_mode[edge]],
        "oneway": bool((network.link_edge[link] == NONE).any()),
        "reversed": not is_along,
        "geometry": line if is_along else shapely.reverse(line),
    }
    if name := network.names[network.link_name[link]]:
        attributes["name"] = name
    return attributes


# --- in ---------------------------------------------------------------------------------------


def graph_to_network(
    graph: nx.MultiDiGraph,
    profile: str = "graph",
    weight: Weight = "travel_time",
    gap_kph: float = 4.8,
    speed_kph: float = 20.0,
) -> Network:
    """
    Take a graph that osmnx made, simplified or not.

    Every edge keeps its weight to the millisecond, so that a route costs what networkx finds.
    Two edges that are each other's way back share a link.

    Parameters
    ----------
    graph
        Directed, nodes with ``x`` and ``y`` in degrees, edges with the attribute ``weight`` names.
    profile
        Name for the network; ``"walk"`` makes every edge without a ``mode`` walked, others ridden.
    weight
        ``"travel_time"``: seconds on each edge; ``"length"``: metres on each edge, at ``speed_kph``.
    gap_kph
        Speed over the gap between a point and its street.
    speed_kph
        Speed along every edge if the weight is its length.

    Returns
    -------
    network
        Nodes in the order of the graph.

    Raises
    ------
    InvalidInputError
        If the graph is undirected, projected, empty, or a weight is missing or no number.
    """
    _check_graph(graph, weight)
    for value, name in ((gap_kph, "gap_kph"), (speed_kph, "speed_kph")):
        if not 0.1 <= value <= 200.0:  # NaN is not
            _refuse(name, value, "is not a speed from 0.1 to 200 km/h")
    keys = list(graph.nodes)
    lonlat = np.array([_node_lonlat(key, data) for key, data in graph.nodes(data=True)], dtype=np.float64)
    check_lonlat(lonlat, "graph")
    number = {key: i for i, key in enumerate(keys)}
    lonlat_e6 = np.rint(lonlat * 1e6).astype(np.int64)
    ms_per_unit = 1000.0 if weight == "travel_time" else 3600.0 / speed_kph
    default_mode = MODES.index("walk" if profile == "walk" else "ride")
    halves = [
        _read_half(number[tail], number[head], data, lonlat_e6, weight, ms_per_unit, default_mode)
        for tail, head, data in graph.edges(data=True)
    ]
    return assemble(
        profile=profile,
        gap_ms_per_m=3600.0 / gap_kph,
        node_lon_e6=lonlat_e6[:, 0],
        node_lat_e6=lonlat_e6[:, 1],
        node_osm=_node_ids(graph),
        links=_pair_halves(halves),
    )


class _Half(NamedTuple):
    tail: int
    head: int
    way: int
    name: str
    length_mm: int
    points: tuple[tuple[int, int], ...]
    travel_ms: int
    delay_ms: int
    mode: int
    reversed: bool | None

    def mirror(self) -> tuple[object, ...]:
        """What the way back of this half looks like."""
        return (self.head, self.tail, self.way, self.name, self.length_mm, self.points[::-1])


def _check_graph(graph: nx.MultiDiGraph, weight: str) -> None:
    if weight not in ("travel_time", "length"):
        _refuse("weight", weight, "is not 'travel_time' or 'length'")
    if not isinstance(graph, nx.DiGraph | nx.MultiDiGraph) or not graph.is_directed():
        _refuse("graph", type(graph).__name__, "is not a directed graph; osmnx.convert.to_digraph makes one")
    crs = str(graph.graph.get("crs", "epsg:4326")).lower()
    if crs not in _LONLAT_CRS:
        _refuse("crs", crs, "is projected; osmnx.project_graph(G, to_crs='EPSG:4326') brings degrees back")
    if graph.number_of_edges() == 0:
        _refuse("graph", "0 edges", "has nothing to travel on")


def _refuse(parameter: str, value: object, reason: str) -> None:
    raise InvalidInputError(f"{parameter}={value!r} {reason}", parameter=parameter, value=str(value))


def _node_lonlat(key: Hashable, data: Mapping[str, Any]) -> tuple[float, float]:
    if "x" not in data or "y" not in data:
        _refuse("graph", key, "is a node without x and y; osmnx wants both, in degrees")
    return float(data["x"]), float(data["y"])


def _node_ids(graph: nx.MultiDiGraph) -> LongArray:
    ids = [data.get("osmid", key) for key, data in graph.nodes(data=True)]
    is_whole = all(isinstance(i, int | np.integer) and abs(int(i)) < 2**63 for i in ids)
    return np.array(ids if is_whole else range(len(ids)), dtype=np.int64)


def _read_half(
    tail: int,
    head: int,
    data: Mapping[str, Any],
    lonlat_e6: LongArray,
    weight: Weight,
    ms_per_unit: float,
    default_mode: int,
) -> _Half:
    whole_ms = max(1, round(_number(data, weight) * ms_per_unit))
    delay_ms = min(int(data.get("delay_ms", 0)), whole_ms - 1) if weight == "travel_time" else 0
    mode = data.get("mode")
    return _Half(
        tail=tail,
        head=head,
        way=_way_id(data.get("osmid", 0)),
        name=_first_text(data.get("name")),
        length_mm=max(1, round(1000 * _number(data, "length"))),
        points=_points(data.get("geometry"), lonlat_e6[tail], lonlat_e6[head]),
        travel_ms=whole_ms - delay_ms,
        delay_ms=delay_ms,
        mode=MODES.index(mode) if mode in MODES else default_mode,
        reversed=data["reversed"] if isinstance(data.get("reversed"), bool) else None,
    )


def _number(data: Mapping[str, Any], key: str) -> float:
    value = data.get(key)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 <= number < math.inf:
        remedy = "osmnx.add_edge_speeds and add_edge_travel_times add it, or use weight='length'"
        _refuse(key, value, f"on an edge is no number of 0 or more; {remedy}")
    return number


def _way_id(osmid: Any) -> int:
    """Take the first of several ways; osmnx joins them when it simplifies."""
    first = osmid[0] if isinstance(osmid, list | tuple) and osmid else osmid
    return int(first) if isinstance(first, int | np.integer) else 0


def _first_text(name: Any) -> str:
    first = name[0] if isinstance(name, list | tuple) and name else name
    return " ".join(first.split()) if isinstance(first, str) else ""


def _points(geometry: Any, tail: LongArray, head: LongArray) -> tuple[tuple[int, int], ...]:
    ends = [(int(tail[0]), int(tail[1])), (int(head[0]), int(head[1]))]
    if not isinstance(geometry, shapely.LineString):
        return tuple(ends)
    inner = [(int(x), int(y)) for x, y in np.rint(shapely.get_coordinates(geometry) * 1e6)]
    if _span(inner[0], ends[1]) + _span(inner[-1], ends[0]) < _span(inner[0], ends[0]) + _span(
        inner[-1], ends[1]
    ):
        inner.reverse()
    return (ends[0], *inner[1:-1], ends[1])


def _span(a: tuple[int, int], b: tuple[int, int]) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def _pair_halves(halves: list[_Half]) -> Links:
    """Put halves that are each other's way back on one link, drawn as the first of them or as marked."""
    waiting: dict[tuple[object, ...], list[int]] = {}
    pairs: list[list[_Half]] = []
    for half in halves:
        me = (half.tail, half.head, half.way, half.name, half.length_mm, half.points)
        partners = waiting.get(me, [])
        # two streets that are both drawn this way are not one street and its way back
        partner = next(
            (p for p in partners if None in (f := {half.reversed, pairs[p][0].reversed}) or len(f) == 2), None
        )
        if partner is None:
            waiting.setdefault(half.mirror(), []).append(len(pairs))
            pairs.append([half])
        else:
            partners.remove(partner)
            pairs[partner].append(half)
    return _to_links([_drawn_first(pair) for pair in pairs])


def _drawn_first(pair: list[_Half]) -> tuple[_Half | None, _Half | None]:
    if len(pair) == 1:
        return (None, pair[0]) if pair[0].reversed else (pair[0], None)
    return (pair[1], pair[0]) if pair[0].reversed and not pair[1].reversed else (pair[0], pair[1])


def _to_links(pairs: list[tuple[_Half | None, _Half | None]]) -> Links:
    tail, head, points = [], [], []
    for along, against in pairs:
        if along is not None:
            tail.append(along.tail)
            head.append(along.head)
            points.append(along.points)
        elif against is not None:
            tail.append(against.head)
            head.append(against.tail)
            points.append(against.points[::-1])
    either = [along or against for along, against in pairs]
    flat = np.array([point for line in points for point in line], dtype=np.int64).reshape(-1, 2)

    def column(name: str, missing: int) -> LongArray:
        rows = [[missing if half is None else getattr(half, name) for half in pair] for pair in pairs]
        return np.array(rows, dtype=np.int64)

    return Links(
        tail=np.array(tail, dtype=np.int64),
        head=np.array(head, dtype=np.int64),
        travel_ms=column("travel_ms", NONE),
        delay_ms=column("delay_ms", 0),
        mode=column("mode", NONE),
        length_mm=np.array([half.length_mm for half in either if half is not None], dtype=np.int64),
        name=tuple(half.name for half in either if half is not None),
        way=np.array([half.way for half in either if half is not None], dtype=np.int64),
        first_point=np.concatenate([[0], np.cumsum([len(line) for line in points])]),
        point_lon_e6=flat[:, 0],
        point_lat_e6=flat[:, 1],
    )
