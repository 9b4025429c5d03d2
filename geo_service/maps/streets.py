"""
A plain basemap: the streets of a district's networks, and its water and greens, as small JSON files.

The page draws it on a canvas. Links of one street are chained into long lines, so that a name
is written once per street and not once per block; coordinates are 1e-5 degrees (about a metre),
delta coded in the text form of Google's polyline algorithm, which gzip likes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import shapely
import shapely.geometry

from geo_service.network.features import OsmArea
from geo_service.network.graph import MODES, NONE, Network

PATH, LANE, STREET, AVENUE = range(4)
"""How wide a line is drawn: a network carries no OSM classes, so the length of the named street tells."""

WATER, GREEN = 4, 5
"""Kinds of areas."""

GROUND_E5, GROUND_AREA_E10 = 2.0, 1000
"""Areas are thinned to two metres, and left out below some thousand square metres."""

STREET_M, AVENUE_M = 350.0, 1500.0
"""A named street at least this long in the district is drawn as a street, as an avenue."""

THIN_E5 = 1.0
"""How far a thinned line may stray, 1e-5 degrees: about a metre, a hair at the closest zoom."""

FORMAT = "geo_service streets 1"

Line = list[tuple[int, int]]


@dataclass(frozen=True)
class _Link:
    kind: int
    name: int
    tail: int
    head: int
    points: Line


class Streets(NamedTuple):
    """
    The basemap in two files: a page asks for the second when it shows a single block.

    Parameters
    ----------
    roads
        Lanes, streets and avenues.
    paths
        What only walkers use.
    """

    roads: bytes
    paths: bytes


def build_streets(networks: Sequence[Network], areas: Iterable[OsmArea] = ()) -> Streets:
    """
    Make the basemap of a district.

    Parameters
    ----------
    networks
        Networks of its profiles, at least one; what only walkers use is drawn as a path.
    areas
        Areas of its OSM extract; water and greens of some size are drawn, others not.

    Returns
    -------
    streets
        Each file is JSON: ``format``, ``origin`` (longitude, latitude, 1e-5 degrees), ``names``,
        ``lines`` and ``areas``. A line is ``[kind, name, points]``: kind 0 path, 1 lane, 2 street,
        3 avenue; name a position in ``names``; points relative to each other, across lines too, the
        first to the origin. An area is ``[kind, [points, …]]``: kind 4 water, 5 green; outline and
        holes, each relative to the origin. Byte-equal for equal input.
    """
    drawn: dict[tuple[tuple[int, int], ...], _Link] = {}
    names: dict[str, int] = {"": 0}
    ridden = _ridden_ways(networks)
    lengths_m = _name_lengths_m(networks)
    for network in networks:
        for link in _links(network, names, ridden, lengths_m):
            # the same piece of street in two networks is drawn once
            drawn.setdefault(min(tuple(link.points), tuple(link.points[::-1])), link)
    lines = list(_thin(list(_chains(list(drawn.values())))))
    return Streets(
        roads=_dump([line for line in lines if line[0] != PATH], names, _grounds(areas)),
        paths=_dump([line for line in lines if line[0] == PATH], names, []),
    )


def _ridden_ways(networks: Sequence[Network]) -> set[int]:
    """OSM ways that a bike rides on somewhere."""
    ways: set[int] = set()
    for network in networks:
        ridden = network.edge_link[network.edge_mode == MODES.index("ride")]
        ways.update(np.unique(network.link_way[ridden]).tolist())
    return ways


def _name_lengths_m(networks: Sequence[Network]) -> Mapping[str, float]:
    lengths: dict[str, float] = defaultdict(float)
    for network in networks:
        totals = np.bincount(
            network.link_name, weights=network.link_length_mm / 1000, minlength=len(network.names)
        )
        for name, total in zip(network.names, totals.tolist(), strict=True):
            lengths[name] = max(lengths[name], total)
    return lengths


def _links(
    network: Network, names: dict[str, int], ridden: set[int], lengths_m: Mapping[str, float]
) -> Iterator[_Link]:
    tails, heads = _link_ends(network)
    lon = _e5(network.point_lon_e6)
    lat = _e5(network.point_lat_e6)
    first = network.first_point.tolist()
    for i, (name_id, way) in enumerate(
        zip(network.link_name.tolist(), network.link_way.tolist(), strict=True)
    ):
        name = network.names[name_id]
        points = list(zip(lon[first[i] : first[i + 1]], lat[first[i] : first[i + 1]], strict=True))
        kind = _kind(name, lengths_m[name]) if way in ridden else PATH
        yield _Link(kind, names.setdefault(name, len(names)), tails[i], heads[i], points)


def _kind(name: str, length_m: float) -> int:
    if not name or length_m < STREET_M:
        return LANE
    return AVENUE if length_m >= AVENUE_M else STREET


def _e5(values: npt.NDArray[np.int32]) -> list[int]:
    rounded: list[int] = np.floor_divide(values.astype(np.int64) + 5, 10).tolist()
    return rounded


def _link_ends(network: Network) -> tuple[list[int], list[int]]:
    """OSM nodes at the ends of each link; geometry starts at the tail of the edge along it."""
    forward, backward = network.link_edge[:, 0], network.link_edge[:, 1]
    along = forward != NONE
    tail = np.where(along, network.edge_tail[forward], network.edge_head[backward])
    head = np.where(along, network.edge_head[forward], network.edge_tail[backward])
    return network.node_osm[tail].tolist(), network.node_osm[head].tolist()


def _chains(links: Sequence[_Link]) -> Iterator[tuple[int, int, Line]]:
    """Join links of one kind and name end to end, each link once."""
    at_node: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for i, link in enumerate(links):
        at_node[link.kind, link.name, link.tail].append(i)
        at_node[link.kind, link.name, link.head].append(i)
    used = [False] * len(links)
    for i, link in enumerate(links):
        if used[i]:
            continue
        used[i] = True
        ahead = _follow(links, at_node, used, i, link.head)
        behind = _follow(links, at_node, used, i, link.tail)
        yield link.kind, link.name, [*reversed(behind), *link.points, *ahead]


def _follow(
    links: Sequence[_Link],
    at_node: Mapping[tuple[int, int, int], list[int]],
    used: list[bool],
    start: int,
    node: int,
) -> Line:
    """Points beyond a node, along unused links of the same street."""
    points: Line = []
    kind, name = links[start].kind, links[start].name
    while True:
        following = next((j for j in at_node[kind, name, node] if not used[j]), None)
        if following is None:
            return points
        used[following] = True
        link = links[following]
        forwards = link.tail == node
        points += link.points[1:] if forwards else link.points[-2::-1]
        node = link.head if forwards else link.tail


def _thin(chains: Sequence[tuple[int, int, Line]]) -> Iterator[tuple[int, int, Line]]:
    """Drop points that a line passes within a metre anyway: most junctions lie on a straight street."""
    lines = shapely.simplify([shapely.LineString(points) for _, _, points in chains], THIN_E5)
    for (kind, name, _), line in zip(chains, lines, strict=True):
        yield kind, name, [(round(x), round(y)) for x, y in line.coords]


def _grounds(areas: Iterable[OsmArea]) -> list[tuple[int, list[Line]]]:
    """Water and greens as rings, thinned, greens first so that a pond lies on its park."""
    grounds = []
    for area in areas:
        kind = _ground_kind(area.tags)
        shape = shapely.geometry.shape(dict(area.geometry)) if kind else None
        for polygon in getattr(shape, "geoms", [shape] if shape else []):
            thin = shapely.simplify(shapely.transform(polygon, lambda xy: np.round(xy * 1e5)), GROUND_E5)
            if thin.area >= GROUND_AREA_E10 and isinstance(thin, shapely.Polygon):
                rings = [thin.exterior, *thin.interiors]
                grounds.append((kind, [[(round(x), round(y)) for x, y in ring.coords] for ring in rings]))
    return sorted(grounds, key=lambda ground: (-ground[0], ground[1]))


def _ground_kind(tags: Mapping[str, str]) -> int:
    if tags.get("natural") == "water" or tags.get("waterway") == "riverbank":
        return WATER
    if tags.get("leisure") in ("park", "garden") or tags.get("landuse") in (
        "grass",
        "forest",
        "recreation_ground",
    ):
        return GREEN
    return 0


def _dump(
    lines: Sequence[tuple[int, int, Line]],
    names: Mapping[str, int],
    grounds: Sequence[tuple[int, list[Line]]],
) -> bytes:
    every = [point for _, _, line in lines for point in line]
    every += [point for _, rings in grounds for ring in rings for point in ring]
    origin = [min(values) for values in zip(*every, strict=True)] if every else [0, 0]
    lon, lat = origin
    rows = []
    used = {name for _, name, _ in lines}
    kept = [name for name, position in names.items() if position in used]
    position = {names[name]: i for i, name in enumerate(kept)}
    for kind, name, line in sorted(
        lines, key=lambda row: (row[0], row[1], _morton(row[2][0], origin), row[2])
    ):
        rows.append([kind, position[name], encode_line(line, lon, lat)])
        lon, lat = line[-1]
    areas = [[kind, [encode_line(ring, *origin) for ring in rings]] for kind, rings in grounds]
    return orjson.dumps({"format": FORMAT, "origin": origin, "names": kept, "lines": rows, "areas": areas})


def _morton(point: tuple[int, int], origin: Sequence[int]) -> int:
    """Place of a point on a curve that keeps neighbours together, so that steps between lines are short."""
    x, y = point[0] - origin[0], point[1] - origin[1]
    return sum((x >> i & 1) << 2 * i | (y >> i & 1) << 2 * i + 1 for i in range(20))


def encode_line(points: Sequence[tuple[int, int]], lon0: int, lat0: int) -> str:
    """
    Write whole-number points as text, each relative to the one before.

    Parameters
    ----------
    points
        Longitude, latitude in 1e-5 degrees.
    lon0
        Longitude that the first point is relative to.
    lat0
        Latitude that the first point is relative to.

    Returns
    -------
    text
        Zigzag numbers in base 32, the lowest five bits first, characters 63 to 126.

    Examples
    --------
    >>> encode_line([(100, 200), (99, 203)], 100, 200)
    '??@E'
    """
    characters: list[str] = []
    for lon, lat in points:
        for value in (lon - lon0, lat - lat0):
            rest = ~(value << 1) if value < 0 else value << 1
            while rest >= 32:
                characters.append(chr((32 | (rest & 31)) + 63))
                rest >>= 5
            characters.append(chr(rest + 63))
        lon0, lat0 = lon, lat
    return "".join(characters)
