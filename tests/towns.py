"""
Towns for tests: drawn with letters and lines, or thrown at random from a seed.

``draw`` reads a picture. Letters are nodes, ``-`` and ``|`` streets, arrows one-way streets,
``+`` a bend. A street costs one second for each character, and a character is some 20 m wide
and high::

    a→→b--c
    |     |
    d-----e
"""

import math
import random
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geo_service.engine.constants import MAX_MS
from geo_service.engine.router import Path, Router, Snaps, build_index
from geo_service.network.graph import NONE, Metric, Network

LON0_E6, LAT0_E6 = 116_442_000, 39_957_000
STEP_LON_E6, STEP_LAT_E6 = 234, 180
SECOND_MS = 1000

METRIC = Metric(
    lat0_e6=float(LAT0_E6),
    lat_m=0.11103381,
    lon_m=0.08544740,
    lon_m1=-1.244547e-9,
    lon_m2=-1.307e-17,
)
"""Metres per 1e-6 degree around 39.957 N, rounded."""

ARROWS = {"→": (1, 0), "←": (-1, 0), "↑": (0, -1), "↓": (0, 1)}
SIDES = {"-": {(1, 0), (-1, 0)}, "→": {(1, 0), (-1, 0)}, "←": {(1, 0), (-1, 0)}}
SIDES |= {"|": {(0, 1), (0, -1)}, "↑": {(0, 1), (0, -1)}, "↓": {(0, 1), (0, -1)}}


class Street(NamedTuple):
    """One link to be: nodes by number, shape points between them, weights and delays either way."""

    start: int
    end: int
    shape: tuple[tuple[int, int], ...]
    along_ms: int | None
    against_ms: int | None
    along_delay_ms: int = 0
    against_delay_ms: int = 0


def make_network(
    nodes: list[tuple[int, int]], streets: list[Street], *, gap_ms_per_m: float = 720.0
) -> Network:
    """A valid Network of nodes (lon, lat in 1e-6 degrees) and streets; plain and slow."""

    def lowest(street: Street) -> tuple[int, int]:
        both = []
        if street.along_ms is not None:
            both.append((street.start, street.end))
        if street.against_ms is not None:
            both.append((street.end, street.start))
        return min(both)

    streets = sorted(streets, key=lowest)
    edges = []
    for link, street in enumerate(streets):
        if street.along_ms is not None:
            edges.append((street.start, street.end, link, 0, street.along_ms, street.along_delay_ms))
        if street.against_ms is not None:
            edges.append((street.end, street.start, link, 1, street.against_ms, street.against_delay_ms))
    edges.sort()
    link_edge = np.full((len(streets), 2), NONE, dtype=np.int32)
    for number, edge in enumerate(edges):
        link_edge[edge[2], edge[3]] = number
    lines = [[nodes[s.start], *s.shape, nodes[s.end]] for s in streets]
    points = [point for line in lines for point in line]

    def column(values, dtype=np.int32):
        return np.array(list(values), dtype=dtype)

    return Network(
        profile="test",
        gap_ms_per_m=gap_ms_per_m,
        metric=METRIC,
        node_lon_e6=column(lon for lon, _ in nodes),
        node_lat_e6=column(lat for _, lat in nodes),
        node_osm=np.arange(len(nodes), dtype=np.int64) + 1000,
        node_component=column(components(len(nodes), streets)),
        first_edge=column(sum(e[0] < v for e in edges) for v in range(len(nodes) + 1)),
        edge_tail=column(e[0] for e in edges),
        edge_head=column(e[1] for e in edges),
        edge_weight_ms=column(e[4] for e in edges),
        edge_delay_ms=column(e[5] for e in edges),
        edge_mode=column((0 for _ in edges), np.uint8),
        edge_link=column(e[2] for e in edges),
        link_edge=link_edge,
        link_length_mm=column(max(1, round(1000 * line_m(line))) for line in lines),
        link_name=column(0 for _ in streets),
        link_way=np.arange(len(streets), dtype=np.int64) + 1,
        first_point=column(np.cumsum([0] + [len(line) for line in lines])),
        point_lon_e6=column(lon for lon, _ in points),
        point_lat_e6=column(lat for _, lat in points),
        names=("",),
    )


def line_m(line: list[tuple[float, float]], metric: Metric = METRIC) -> float:
    """Length of a drawn line of (lon, lat) in 1e-6 degrees, metres."""
    total = 0.0
    for (ax, ay), (bx, by) in pairwise(line):
        d = (ay + by) / 2 - metric.lat0_e6
        kx = metric.lon_m + d * metric.lon_m1 + d * d * metric.lon_m2
        total += math.hypot((bx - ax) * kx, (by - ay) * metric.lat_m)
    return total


def components(n_nodes: int, streets: list[Street]) -> list[int]:
    """Weak component of each node, the largest first, then the one with the lowest node."""
    root = list(range(n_nodes))
    for _ in range(n_nodes):
        for street in streets:
            low = min(root[street.start], root[street.end])
            root[street.start] = root[street.end] = low
    sizes = Counter(root)
    order = sorted(sizes, key=lambda r: (-sizes[r], r))
    return [order.index(r) for r in root]


KERNEL = ["search"]
"""What routers of tests answer from: ``"search"``, or ``"labels"`` where an index can be built."""


def make_router(network: Network) -> Router:
    """A router of the kernel under test."""
    router = Router(network)
    is_light = network.edge_weight_ms.max() * np.int64(network.n_nodes) < MAX_MS
    if KERNEL[0] == "search" or not is_light:
        return router
    return Router(network, build_index(network, labels=KERNEL[0] == "labels"))


def with_weights(network: Network, weight_ms: int) -> Network:
    """The same town with one weight everywhere."""
    return replace(
        network,
        edge_weight_ms=np.full(network.n_edges, weight_ms, dtype=np.int32),
        edge_delay_ms=np.zeros(network.n_edges, dtype=np.int32),
    )


def random_network(
    seed: int,
    *,
    n_nodes: int = 24,
    n_streets: int | None = None,
    span_m: float = 900.0,
    heaviest_ms: int | None = None,
) -> Network:
    """
    A town no planner would approve: parallel streets, loops, one-ways, islands, ties, delays, bends.

    ``heaviest_ms`` draws weights up to it, small ones making ties; by default a seed decides
    between that and weights that follow length.
    """
    dice = random.Random(seed)
    if n_streets is None:
        n_streets = dice.randint(n_nodes // 2, 2 * n_nodes)
    if heaviest_ms is None:
        heaviest_ms = dice.choice([0, 3, 20, 60_000])
    wide, high = int(span_m / METRIC.lon_m), int(span_m / METRIC.lat_m)
    nodes = [(LON0_E6 + dice.randrange(wide), LAT0_E6 + dice.randrange(high)) for _ in range(n_nodes)]
    if dice.random() < 0.3:
        nodes[-1] = nodes[0]  # two nodes on one spot
    streets: list[Street] = []
    while len(streets) < n_streets:
        start, end = _throw_ends(dice, n_nodes, streets)
        shape = _throw_shape(dice, nodes[start], nodes[end])
        paced = max(1, int(200 * line_m([nodes[start], *shape, nodes[end]])))
        weights = [dice.randint(1, heaviest_ms) if heaviest_ms else paced + dice.randint(0, 9) for _ in "ab"]
        delays = [dice.randint(0, w) if dice.random() < 0.2 else 0 for w in weights]
        ways = dice.choice(["both", "both", "along", "against"])
        along, against = (
            None if ways == other else w for other, w in zip(("against", "along"), weights, strict=True)
        )
        streets.append(Street(start, end, shape, along, against, *delays))
    return make_network(nodes, streets, gap_ms_per_m=dice.choice([0.0, 0.7, 720.0]))


def _throw_ends(dice: random.Random, n_nodes: int, streets: list[Street]) -> tuple[int, int]:
    kind = dice.random()
    if kind < 0.08:
        node = dice.randrange(n_nodes)
        return node, node
    if kind < 0.2 and streets:
        twin = dice.choice(streets)
        return (twin.end, twin.start) if dice.random() < 0.5 else (twin.start, twin.end)
    start = dice.randrange(n_nodes)
    return start, min(max(start + dice.choice([-4, -2, -1, 1, 2, 4]), 0), n_nodes - 1)


def _throw_shape(
    dice: random.Random, start: tuple[int, int], end: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    shape = []
    for _ in range(dice.choice([0, 0, 1, 2, 5])):
        share = dice.random()
        shape.append(
            (
                int(start[0] + share * (end[0] - start[0])) + dice.randint(-400, 400),
                int(start[1] + share * (end[1] - start[1])) + dice.randint(-400, 400),
            )
        )
        if dice.random() < 0.1:
            shape.append(shape[-1])  # a point drawn twice
    return tuple(shape)


def random_points(network: Network, seed: int, n: int, *, spread_m: float = 120.0) -> np.ndarray:
    """
    Longitudes and latitudes around the streets, shape ``(n, 2)``, in the orderly places where bugs live.

    Some points are thrown anywhere, some lie exactly on nodes, some on drawn points.
    """
    dice = random.Random(seed)
    spots = []
    for _ in range(n):
        at = dice.randrange(len(network.point_lon_e6))
        lon, lat = float(network.point_lon_e6[at]), float(network.point_lat_e6[at])
        kind = dice.random()
        if kind < 0.6:
            lon += dice.gauss(0, spread_m) / METRIC.lon_m
            lat += dice.gauss(0, spread_m) / METRIC.lat_m
        elif kind < 0.8:
            node = dice.randrange(network.n_nodes)
            lon, lat = float(network.node_lon_e6[node]), float(network.node_lat_e6[node])
        spots.append((lon / 1e6, lat / 1e6))
    return np.array(spots, dtype=np.float64).reshape(-1, 2)


def show(network: Network) -> str:
    """All edges of a failing town, one to a line, for the message of an assert."""
    rows = [f"gap_ms_per_m={network.gap_ms_per_m} nodes={network.n_nodes}"]
    for e in range(network.n_edges):
        link = network.edge_link[e]
        drawn = "along" if network.link_edge[link, 0] == e else "against"
        rows.append(
            f"edge {e}: {network.edge_tail[e]}→{network.edge_head[e]} {drawn} link {link} "
            f"{network.edge_weight_ms[e]} ms (delay {network.edge_delay_ms[e]}) {network.link_length_mm[link]} mm"
        )
    return "\n".join(rows)


@dataclass(frozen=True, eq=False)
class Town:
    """A drawn town; places are letters, or (column, row) in characters, fractions allowed."""

    network: Network
    letters: Mapping[str, int]

    @cached_property
    def router(self) -> Router:
        return make_router(self.network)

    def lonlat(self, *places: str | tuple[float, float]) -> np.ndarray:
        return np.array([self._find(place) for place in places], dtype=np.float64).reshape(-1, 2)

    def snap(self, *places: str | tuple[float, float]) -> Snaps:
        return self.router.snap(self.lonlat(*places))

    def path(self, origin: str | tuple[float, float], destination: str | tuple[float, float]) -> Path:
        return self.router.route(self.snap(origin), self.snap(destination))

    def cost(self, origin: str | tuple[float, float], destination: str | tuple[float, float]) -> float:
        """Seconds, which is characters."""
        return self.path(origin, destination).cost_ms / SECOND_MS

    def edge(self, ends: str) -> int:
        """The edge between two letters, such as ``"ab"``; there must be just one."""
        tail, head = (self.letters[letter] for letter in ends)
        (edge,) = np.flatnonzero((self.network.edge_tail == tail) & (self.network.edge_head == head))
        return int(edge)

    def _find(self, place: str | tuple[float, float]) -> tuple[float, float]:
        if isinstance(place, str):
            node = self.letters[place]
            return self.network.node_lon_e6[node] / 1e6, self.network.node_lat_e6[node] / 1e6
        lon, lat = _spot(*place)
        return lon / 1e6, lat / 1e6


def draw(picture: str, *, gates: Mapping[str, int] | None = None, gap_ms_per_m: float = 720.0) -> Town:
    """
    Build the town of a picture.

    ``gates`` gives seconds that every edge into a letter pays at its head, on top of its characters.
    """
    rows = textwrap.dedent(picture).strip("\n").split("\n")
    cells = {(x, y): sign for y, row in enumerate(rows) for x, sign in enumerate(row) if sign != " "}
    places = {sign: at for at, sign in cells.items() if sign.isalpha()}
    letters = {letter: number for number, letter in enumerate(sorted(places))}
    streets: dict[tuple[tuple[int, int], ...], Street] = {}
    for letter in letters:
        for walk, end, arrows in _walks(cells, places[letter]):
            key = min(walk, walk[::-1])
            if key not in streets:
                streets[key] = _street(
                    walk, letters[letter], letters[end], arrows, gates or {}, (letter, end)
                )
    nodes = [_spot(*places[letter]) for letter in letters]
    return Town(make_network(nodes, list(streets.values()), gap_ms_per_m=gap_ms_per_m), letters)


def _spot(x: float, y: float) -> tuple[int, int]:
    return round(LON0_E6 + x * STEP_LON_E6), round(LAT0_E6 - y * STEP_LAT_E6)


def _walks(
    cells: Mapping[tuple[int, int], str], start: tuple[int, int]
) -> Iterator[tuple[tuple[tuple[int, int], ...], str, set[bool]]]:
    """Cells from a letter to the next one, that letter, and which ways the arrows point."""
    for first in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        heading, at, walk, arrows = first, start, [start], set()
        while True:
            at = (at[0] + heading[0], at[1] + heading[1])
            sign = cells.get(at, " ")
            is_street = sign == "+" or heading in SIDES.get(sign, set())
            if not is_street:
                break
            walk.append(at)
            if sign in ARROWS:
                arrows.add(ARROWS[sign] == heading)
            if sign == "+":
                heading = _turn(cells, at, heading)
        if sign.isalpha() and len(walk) > 1:
            yield (*walk, at), sign, arrows


def _turn(
    cells: Mapping[tuple[int, int], str], at: tuple[int, int], heading: tuple[int, int]
) -> tuple[int, int]:
    turns = [(heading[1], heading[0]), (-heading[1], -heading[0])]
    (way,) = [
        turn
        for turn in turns
        if (sign := cells.get((at[0] + turn[0], at[1] + turn[1]), " ")) == "+"
        or turn in SIDES.get(sign, set())
        or sign.isalpha()
    ]
    return way


def _street(
    walk: tuple[tuple[int, int], ...],
    start: int,
    end: int,
    arrows: set[bool],
    gates: Mapping[str, int],
    names: tuple[str, str],
) -> Street:
    seconds = len(walk) - 2
    inner = zip(walk, walk[1:], walk[2:], strict=False)
    bends = tuple(_spot(*b) for a, b, c in inner if (a[0] + c[0], a[1] + c[1]) != (2 * b[0], 2 * b[1]))
    into_end, into_start = gates.get(names[1], 0) * SECOND_MS, gates.get(names[0], 0) * SECOND_MS
    along = seconds * SECOND_MS + into_end if arrows != {False} else None
    against = seconds * SECOND_MS + into_start if arrows != {True} else None
    return Street(start, end, bends, along, against, into_end, into_start)
