"""
The peers, each asked in the way it is fastest, all on the same `Streets`.

A verb of a peer prepares (pins, indexes, snaps) outside the clock and gives a `Job`; a verb it
does not have gives None. Where a library leaves work to its user, the k best of F costs or the line of
a path, that work is done here as fast as Python allows and is timed. Sentinels for unreachable are not
read: the streets are strongly connected.
"""

import importlib.metadata
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import numpy as np

from benchmarks.rig.clock import Job
from benchmarks.rig.streets import FloatArray, IntArray, LongArray, Streets

Pair = tuple[int, int]


class Way(NamedTuple):
    """A route: cost in milliseconds and what to draw, degrees, shape ``(p, 2)``."""

    cost_ms: float
    lonlat: FloatArray


class Hint(NamedTuple):
    """
    What a user of a library with a cutoff would have found out beforehand, milliseconds.

    Half of all starts have their k-th facility within ``usual_ms``, all of them within ``all_ms``;
    ``farthest_ms`` is the greatest cost to the nearest one.
    """

    usual_ms: float
    all_ms: float
    farthest_ms: float


class Leeway(NamedTuple):
    """How far a cost may be off, in milliseconds and as a share of it; and what share of answers may be others."""

    ms: float = 2.0
    share: float = 1e-5
    stray: float = 0.0


class Peer(ABC):
    """A library that answers some of the questions; a verb that is not its own gives None."""

    package: ClassVar[str]
    """Name it is installed by."""
    is_exact: ClassVar[bool] = True
    """Whether costs equal the reference to the millisecond; otherwise up to float rounding."""
    leeway: ClassVar[Leeway] = Leeway()
    """How far an inexact one may be off: float rounding, unless it cannot be asked quite the same."""

    @abstractmethod
    def __init__(self, streets: Streets) -> None:
        """Import the library and make its index; raises ImportError where it is not installed."""

    def nearest(self, facilities: IntArray, k: int, hint: Hint) -> Job | None:
        """Costs of the k nearest of some nodes from a node."""
        return None

    def batch(self, facilities: IntArray, k: int, hint: Hint) -> Job | None:
        """The same from every node at once."""
        return None

    def route(self) -> Job | None:
        """The `Way` from a node to a node."""
        return None

    def coverage(self, facilities: IntArray, hint: Hint) -> Job | None:
        """Cost from every node to its nearest facility."""
        return None

    def matrix(self, sources: IntArray, targets: IntArray) -> Job | None:
        """Costs from some nodes to some nodes."""
        return None

    def index_bytes(self) -> int | None:
        """What the index takes, where the library tells."""
        return None


def k_best(costs: FloatArray | LongArray, k: int) -> tuple[Any, Any]:
    """Positions and costs of the k lowest, in order."""
    best = costs.argpartition(k - 1)[:k] if k < len(costs) else np.arange(len(costs))
    best = best[costs[best].argsort()]
    return best, costs[best]


def k_best_of_list(costs: list[int], k: int) -> tuple[Any, Any]:
    """The same of a Python list: up to some hundred entries sorting it beats making an array of it."""
    if len(costs) > 200:
        return k_best(np.array(costs), k)
    best = sorted(range(len(costs)), key=costs.__getitem__)[:k]
    return best, [costs[i] for i in best]


def read_best(answer: tuple[Any, Any]) -> LongArray:
    """Costs of what `k_best` gives, whole milliseconds."""
    return np.asarray(np.rint(answer[1]), dtype=np.int64)


def read_costs(answer: Any) -> LongArray:
    """Costs as whole milliseconds."""
    return np.asarray(np.rint(np.asarray(answer, dtype=np.float64)), dtype=np.int64)


def read_way(way: Way) -> LongArray:
    """Its cost as whole milliseconds."""
    return np.array([round(way.cost_ms)], dtype=np.int64)


def _until_found(search: Callable[[int, float], Any], first_ms: float) -> Callable[[int], Any]:
    """Ask with a cutoff, twice as far until enough is found."""

    def ask(node: int) -> Any:
        cutoff_ms = first_ms
        while (answer := search(node, cutoff_ms)) is None:
            cutoff_ms *= 2.0
        return answer

    return ask


class RoutingKitCch(Peer):
    """C++ customizable contraction hierarchies through Rust."""

    package = "routingkit-cch"

    def __init__(self, streets: Streets) -> None:
        import routingkit_cch as rk

        self._rk, self._streets = rk, streets
        tail, head = streets.tail.tolist(), streets.head.tolist()
        lon, lat = streets.lonlat.T.tolist()
        order = rk.compute_order_inertial(streets.n_nodes, tail, head, lat, lon)
        self._cch = rk.CCH(order, tail, head, False)
        self._metric = rk.CCHMetric(self._cch, streets.weight_ms.tolist())

    def nearest(self, facilities: IntArray, k: int, hint: Hint) -> Job:
        pinned = self._rk.CCHOneToMany(self._metric, facilities.tolist())
        return Job(lambda node: k_best_of_list(pinned.distances_from(node), k), read_best)

    def pin(self, facilities: IntArray) -> Job:
        """Facilities that are not the ones before: all are pinned anew."""
        pinned, ends = self._rk.CCHOneToMany(self._metric, facilities.tolist()), facilities.tolist()
        return Job(lambda _: pinned.repin_targets(ends), lambda _: None)

    def route(self) -> Job:
        query, line = self._rk.CCHQuery(self._metric), self._streets.line_of_edges

        def ask(pair: Pair) -> Way:
            found = query.run(*pair)
            return Way(found.distance, line(pair[0], found.arc_path))

        return Job(ask, read_way)

    def coverage(self, facilities: IntArray, hint: Hint) -> Job:
        pinned = self._rk.CCHManyToOne(self._metric, list(range(self._streets.n_nodes)))
        ends = [(node, 0) for node in facilities.tolist()]
        return Job(lambda _: pinned.distances_to_multi(ends), read_costs)

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        starts, ends = sources.tolist(), targets.tolist()

        def ask(_: object) -> list[list[int]]:
            pinned = self._rk.CCHOneToMany(self._metric, ends)
            return [pinned.distances_from(start) for start in starts]

        return Job(ask, read_costs)


class PyRoutingKit(Peer):
    """The same C++ through pybind11."""

    package = "pyroutingkit"

    def __init__(self, streets: Streets) -> None:
        from pyroutingkit import CCH

        self._streets, self._cch = streets, CCH()
        lon, lat = streets.lonlat.T.astype(np.float32, order="C")  # it reads past strides
        tail, head = streets.tail.astype(np.uint32), streets.head.astype(np.uint32)
        self._cch.build_topology(tail, head, lat, lon, streets.n_nodes)
        self._cch.customize_weights(streets.weight_ms.astype(np.uint32))

    def nearest(self, facilities: IntArray, k: int, hint: Hint) -> Job:
        ends, many = facilities.astype(np.uint32), self._cch.distances_many_to_many
        return Job(lambda node: k_best(many(np.array([node], dtype=np.uint32), ends)[0], k), read_best)

    def route(self) -> Job:
        query, line = self._cch.query, self._streets.line_of_nodes

        def ask(pair: Pair) -> Way:
            cost_ms, nodes = query(*pair)
            return Way(cost_ms, line(nodes))

        return Job(ask, read_way)

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        starts, ends = sources.astype(np.uint32), targets.astype(np.uint32)
        return Job(lambda _: self._cch.distances_many_to_many(starts, ends), read_costs)


class Scipy(Peer):
    """Dijkstra in Cython; the reference that all others must equal."""

    package = "scipy"
    _ROWS = 10

    def __init__(self, streets: Streets) -> None:
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        n = streets.n_nodes
        weights = streets.weight_ms.astype(np.float64)
        self._streets, self._dijkstra = streets, dijkstra
        self._out = csr_array((weights, (streets.tail, streets.head)), shape=(n, n))
        self._into = self._out.T.tocsr()

    def nearest(self, facilities: IntArray, k: int, hint: Hint) -> Job:
        def search(node: int, cutoff_ms: float) -> tuple[Any, Any] | None:
            best = k_best(self._dijkstra(self._out, indices=node, limit=cutoff_ms)[facilities], k)
            return best if math.isfinite(best[1][-1]) else None

        return Job(_until_found(search, hint.usual_ms), read_best)

    def route(self) -> Job:
        def ask(pair: Pair) -> Way:
            cost_ms, before = self._dijkstra(self._out, indices=pair[0], return_predecessors=True)
            return Way(cost_ms[pair[1]], self._streets.line_of_nodes(_climb(before, *pair)))

        return Job(ask, read_way)

    def coverage(self, facilities: IntArray, hint: Hint) -> Job:
        def ask(_: object) -> FloatArray:
            cost_ms: FloatArray
            cost_ms, _, _ = self._dijkstra(
                self._into, indices=facilities, min_only=True, return_predecessors=True
            )
            return cost_ms

        return Job(ask, read_costs)

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        starts = sources[: self._ROWS]
        return Job(
            lambda _: self._dijkstra(self._out, indices=starts)[:, targets],
            read_costs,
            part=len(starts) / len(sources),
        )

    def one_cost(self, pair: Pair) -> LongArray:
        """Cost between two nodes, to compare with, shape ``(1,)``."""
        return read_costs(self._dijkstra(self._out, indices=pair[0])[[pair[1]]])

    def matrix_whole(self, sources: IntArray, targets: IntArray) -> LongArray:
        """Every row, to compare with; not timed."""
        return read_costs(self._dijkstra(self._out, indices=sources)[:, targets])

    def k_costs(self, nodes: Sequence[int], facilities: IntArray, k: int) -> LongArray:
        """Costs of the k nearest without any cutoff, to compare with and to choose cutoffs by."""
        return np.array(
            [read_best(k_best(self._dijkstra(self._out, indices=v)[facilities], k)) for v in nodes]
        )


def _climb(before: IntArray, start: int, end: int) -> list[int]:
    nodes = [end]
    while nodes[-1] != start:
        nodes.append(int(before[nodes[-1]]))
    return nodes[::-1]


class Networkx(Peer):
    """Dijkstra in Python."""

    package = "networkx"
    _ROWS = 1

    def __init__(self, streets: Streets) -> None:
        import networkx as nx

        self._nx, self._streets, self._graph = nx, streets, nx.DiGraph()
        self._graph.add_weighted_edges_from(
            zip(streets.tail.tolist(), streets.head.tolist(), streets.weight_ms.tolist(), strict=True)
        )
        self._into = self._graph.reverse()

    def nearest(self, facilities: IntArray, k: int, hint: Hint) -> Job:
        search_from, wanted = self._nx.single_source_dijkstra_path_length, set(facilities.tolist())

        def search(node: int, cutoff_ms: float) -> tuple[Any, Any] | None:
            cost_ms = search_from(self._graph, node, cutoff=cutoff_ms)
            best = list(islice((v for v in cost_ms if v in wanted), k))
            return (best, [cost_ms[v] for v in best]) if len(best) == k else None

        return Job(_until_found(search, hint.usual_ms), read_best)

    def route(self) -> Job:
        def ask(pair: Pair) -> Way:
            cost_ms, nodes = self._nx.bidirectional_dijkstra(self._graph, *pair)
            return Way(cost_ms, self._streets.line_of_nodes(nodes))

        return Job(ask, read_way)

    def coverage(self, facilities: IntArray, hint: Hint) -> Job:
        starts, everywhere = facilities.tolist(), range(self._streets.n_nodes)
        search = self._nx.multi_source_dijkstra_path_length
        return Job(
            lambda _: search(self._into, starts),
            lambda cost_ms: read_costs([cost_ms[v] for v in everywhere]),
        )

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        starts, ends = sources[: self._ROWS].tolist(), targets.tolist()
        search = self._nx.single_source_dijkstra_path_length

        def ask(_: object) -> list[list[int]]:
            rows = [search(self._graph, start) for start in starts]
            return [[cost_ms[end] for end in ends] for cost_ms in rows]

        return Job(ask, read_costs, part=len(starts) / len(sources))


class Igraph(Peer):
    """Dijkstra in C."""

    package = "igraph"
    _ROWS = 5

    def __init__(self, streets: Streets) -> None:
        import igraph

        self._streets = streets
        edges = np.column_stack([streets.tail, streets.head])
        self._graph = igraph.Graph(n=streets.n_nodes, edges=edges, directed=True)
        self._graph.es["weight"] = streets.weight_ms.tolist()

    def nearest(self, facilities: IntArray, k: int, hint: Hint) -> Job:
        ends, graph = facilities.tolist(), self._graph
        return Job(
            lambda node: k_best_of_list(graph.distances(node, ends, weights="weight")[0], k), read_best
        )

    def route(self) -> Job:
        graph, weight_ms = self._graph, self._streets.weight_ms

        def ask(pair: Pair) -> Way:
            edges = graph.get_shortest_path(*pair, weights="weight", output="epath")
            return Way(weight_ms[edges].sum(), self._streets.line_of_edges(pair[0], edges))

        return Job(ask, read_way)

    def coverage(self, facilities: IntArray, hint: Hint) -> Job:
        """It has no search from many: a node more, from which the facilities cost nothing."""
        graph, n = self._graph.copy(), self._streets.n_nodes
        graph.add_vertices(1)
        graph.add_edges([(node, n) for node in facilities.tolist()], {"weight": [0] * len(facilities)})
        everywhere = list(range(n))
        return Job(lambda _: graph.distances(n, everywhere, weights="weight", mode="in")[0], read_costs)

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        starts, ends = sources[: self._ROWS].tolist(), targets.tolist()
        return Job(
            lambda _: self._graph.distances(starts, ends, weights="weight"),
            read_costs,
            part=len(starts) / len(sources),
        )


class Pandana(Peer):
    """Contraction hierarchies in C++ for whole networks at once; seconds as float32, counted in milliseconds."""

    package = "pandana"
    is_exact = False
    _ROWS = 1

    def __init__(self, streets: Streets) -> None:
        import pandana
        import pandas as pd

        self._pd, self._streets = pd, streets
        # It cuts seconds off to milliseconds: half a millisecond more is cut off again.
        weight = pd.DataFrame({"s": (streets.weight_ms + 0.5) / 1000.0})
        # It puts facilities on nodes by coordinates, and some nodes lie above one another: a row of nodes instead.
        x, y = pd.Series(np.arange(streets.n_nodes, dtype=np.float64)), pd.Series(np.zeros(streets.n_nodes))
        tail, head = pd.Series(streets.tail), pd.Series(streets.head)
        self._network = pandana.Network(x, y, tail, head, weight, twoway=False)

    def batch(self, facilities: IntArray, k: int, hint: Hint) -> Job:
        cap_s, name = hint.all_ms / 1000.0, f"{len(facilities)} {k}"
        x, y = self._pd.Series(facilities.astype(np.float64)), self._pd.Series(np.zeros(len(facilities)))
        self._network.set_pois(name, cap_s, k, x, y)

        def ask(_: object) -> Any:
            self._network.max_pois = k  # it remembers only what was allowed last
            return self._network.nearest_pois(cap_s, name, num_pois=k)

        return Job(ask, lambda table: read_costs(table.to_numpy() * 1000.0))

    def route(self) -> Job:
        """It gives the nodes only; their weights are added for the comparison, not by the clock."""
        streets = self._streets

        def read(lonlat_and_nodes: tuple[FloatArray, LongArray]) -> LongArray:
            edges = streets.edges_between(lonlat_and_nodes[1].astype(np.int64))
            return np.array([streets.weight_ms[edges].sum()], dtype=np.int64)

        def ask(pair: Pair) -> tuple[FloatArray, LongArray]:
            nodes = self._network.shortest_path(*pair)
            return streets.line_of_nodes(nodes), nodes

        return Job(ask, read)

    def coverage(self, facilities: IntArray, hint: Hint) -> Job:
        job = self.batch(facilities, 1, hint)
        return Job(job.ask, lambda table: job.read(table)[:, 0])

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        starts = sources[: self._ROWS]
        pairs = starts.repeat(len(targets)), np.tile(targets, len(starts))
        return Job(
            lambda _: self._network.shortest_path_lengths(*pairs),
            lambda cost_s: read_costs(np.array(cost_s) * 1000.0).reshape(len(starts), -1),
            part=len(starts) / len(sources),
        )


class Cityseer(Peer):
    """
    Dijkstra in Rust from every node, for walks of some minutes; metres and seconds as float32.

    A street is a straight line here, its impedance such that it takes as long as its weight. Facilities go
    onto streets, so that where streets lie above one another an answer may be another one. Whole coverage
    takes minutes, so a sample of the nodes is asked.
    """

    package = "cityseer"
    is_exact = False
    leeway = Leeway(stray=0.3)
    _NODES = 10

    def __init__(self, streets: Streets) -> None:
        from cityseer.rustalgos import data, graph

        self._data, self._streets, self._graph = data, streets, graph.NetworkStructure()
        self._graph.set_is_directed(True)
        self._xy = _metres(streets)
        for node, (x, y) in enumerate(self._xy.tolist()):
            self._graph.add_street_node(str(node), x, y, live=True, weight=1.0)
        rows = zip(streets.tail.tolist(), streets.head.tolist(), streets.weight_ms.tolist(), strict=True)
        for edge, (a, b, weight_ms) in enumerate(rows):
            line, length_m = self._line(a, b)
            factor = weight_ms / 1000.0 / length_m
            self._graph.add_street_edge(a, b, edge, str(a), str(b), line, factor)
        self._graph.build_edge_rtree()

    def _line(self, a: int, b: int) -> tuple[str, float]:
        (ax, ay), (bx, by) = self._xy[a].tolist(), self._xy[b].tolist()
        if (ax, ay) == (bx, by):  # two nodes at one place: it refuses lines without length
            bx += 0.01
        return f"LINESTRING({ax} {ay}, {bx} {by})", math.hypot(bx - ax, by - ay)

    def coverage(self, facilities: IntArray, hint: Hint) -> Job:
        places = self._data.DataMap()
        for x, y in self._xy[facilities].tolist():
            places.insert(f"{places.count()}", f"POINT({x} {y})")
        places.assign_data_to_network(self._graph, 0.05, 8)
        n, limit_s = self._streets.n_nodes, math.ceil(hint.farthest_ms / 1000.0) + 1
        nodes = list(range(0, n, max(1, n // self._NODES)))

        def ask(_: object) -> list[float]:
            return [
                min(places.aggregate_to_src_idx(node, self._graph, limit_s, 1.0).values()) for node in nodes
            ]

        def read(cost_s: list[float]) -> LongArray:
            cost_ms = np.full(n, -1, dtype=np.int64)
            cost_ms[nodes] = np.rint(np.array(cost_s) * 1000.0)
            return cost_ms

        return Job(ask, read, part=len(nodes) / n)


class Objectnat(Peer):
    """
    The search under ObjectNat's coverage (iduedu, numba), without the polygons it then draws.

    Sums of whole milliseconds are exact in its float32 up to 4.6 hours.
    """

    package = "ObjectNat"

    def __init__(self, streets: Streets) -> None:
        import geopandas as gpd
        import objectnat  # noqa: F401  (iduedu alone is not the peer)
        import shapely
        from iduedu import UrbanGraph, multi_source_dijkstra_nearest_source

        self._search = multi_source_dijkstra_nearest_source
        xy = _metres(streets)
        lines = shapely.linestrings(np.stack([xy[streets.tail], xy[streets.head]], axis=1))
        weight = streets.weight_ms.astype(np.float64)
        columns = {"u": streets.tail, "v": streets.head, "time_min": weight, "length_meter": weight}
        self._graph = UrbanGraph(
            gpd.GeoDataFrame(geometry=shapely.points(xy), crs="EPSG:3857"),
            gpd.GeoDataFrame(columns, geometry=lines, crs="EPSG:3857"),
            is_multigraph=False,
            is_directed=True,
        )

    def coverage(self, facilities: IntArray, hint: Hint) -> Job:
        starts = facilities.tolist()
        return Job(
            lambda _: self._search(self._graph, source_nodes=starts, weight="time_min", reverse=True),
            lambda table: read_costs(table["dist"].to_numpy()),
        )


def _metres(streets: Streets) -> FloatArray:
    """Nodes in metres around the first, good enough where only the weights count."""
    metric = streets.network.metric
    metres: FloatArray = (streets.lonlat - streets.lonlat[0]) * np.array([metric.lon_m, metric.lat_m]) * 1e6
    return metres


def version_of(peer: type[Peer]) -> str | None:
    """Version of an installed peer, None if it is missing."""
    try:
        return importlib.metadata.version(peer.package)
    except importlib.metadata.PackageNotFoundError:
        return None
