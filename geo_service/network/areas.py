"""
Polygons out of ways and multipolygon relations, and the straight ways across squares.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import shapely

from geo_service.geo import FloatArray
from geo_service.network.graph import NONE
from geo_service.network.raw import E7, OsmData, OsmRelation, OsmWay

MAX_ENTRANCES = 16
"""A square with more entrances gets straight ways between this many of them only, spread over its outline."""

_TOLERANCE_DEG = 5e-7
"""A sight line may leave the polygon by 5 cm: it runs between rounded corners."""

Ring = tuple[int, ...]
"""Node ids, the first again at the end."""


class Rings(NamedTuple):
    """Outlines and holes of one area, as node ids, and whether anything was missing."""

    outer: tuple[Ring, ...]
    inner: tuple[Ring, ...]
    is_whole: bool


def find_rings(relation: OsmRelation, ways: Mapping[int, OsmWay]) -> Rings:
    """
    Join the member ways of a multipolygon into closed rings.

    Parameters
    ----------
    relation
        A multipolygon.
    ways
        Ways by id; members may be missing.

    Returns
    -------
    rings
        What closes. ``is_whole`` is False if a member is missing or an end stays open.
    """
    lines: dict[str, list[Ring]] = {"outer": [], "inner": []}
    is_whole = True
    for member in relation.members:
        if member.kind != "w":
            continue
        way = ways.get(member.ref)
        is_whole &= way is not None and len(way.refs) >= 2
        if way is not None and len(way.refs) >= 2:
            lines["inner" if member.role == "inner" else "outer"].append(way.refs)
    outer, outer_open = _join(lines["outer"])
    inner, inner_open = _join(lines["inner"])
    return Rings(outer, inner, is_whole and bool(outer) and outer_open + inner_open == 0)


def _join(lines: Sequence[Ring]) -> tuple[tuple[Ring, ...], int]:
    """Chain lines end to end; also count the ends that found no partner."""
    closed = [line for line in lines if line[0] == line[-1]]
    loose = [line for line in lines if line[0] != line[-1]]
    n_open = 0
    while loose:
        chain = loose.pop(0)
        while chain[0] != chain[-1]:
            position = next((i for i, line in enumerate(loose) if chain[-1] in (line[0], line[-1])), NONE)
            if position == NONE:
                n_open += 1
                break
            line = loose.pop(position)
            chain += line[1:] if line[0] == chain[-1] else line[-2::-1]
        else:
            closed.append(chain)
    return tuple(ring for ring in closed if len(ring) >= 4), n_open


def ring_lonlat(data: OsmData, ring: Sequence[int]) -> FloatArray | None:
    """
    Look up the corners of a ring.

    Parameters
    ----------
    data
        Objects as read.
    ring
        Node ids.

    Returns
    -------
    lonlat
        Degrees, shape ``(k, 2)``; None if a node is missing.
    """
    rows = data.positions(ring)
    if (rows == NONE).any():
        return None
    return np.column_stack([data.node_lon_e7[rows], data.node_lat_e7[rows]]) / E7


def build_polygon(data: OsmData, rings: Rings) -> shapely.Geometry | None:
    """
    Make a valid polygon from rings.

    Parameters
    ----------
    data
        Objects as read.
    rings
        Outlines and holes.

    Returns
    -------
    geometry
        Polygon or MultiPolygon in degrees, counter-clockwise outlines; None if nothing is left.
    """
    shells = [corners for ring in rings.outer if (corners := ring_lonlat(data, ring)) is not None]
    holes = [corners for ring in rings.inner if (corners := ring_lonlat(data, ring)) is not None]
    if not shells:
        return None
    if len(shells) == 1 and not holes:
        geometry: shapely.Geometry = shapely.Polygon(shells[0])
    else:
        outline = shapely.union_all([_valid(shapely.Polygon(shell)) for shell in shells])
        hole = shapely.union_all([_valid(shapely.Polygon(hole)) for hole in holes])
        geometry = shapely.difference(outline, hole)
    return _polygons_of(_valid(geometry))


def build_polygons(outlines: Sequence[FloatArray]) -> list[shapely.Geometry | None]:
    """
    Make valid polygons from many plain outlines at once.

    Parameters
    ----------
    outlines
        Corners of each, degrees, first and last equal, shape ``(k, 2)``.

    Returns
    -------
    polygons
        As `build_polygon` would, one for each outline.
    """
    if not outlines:
        return []
    owner = np.repeat(np.arange(len(outlines)), [len(outline) for outline in outlines])
    polygons = np.asarray(shapely.polygons(shapely.linearrings(np.concatenate(outlines), indices=owner)))
    good = shapely.is_valid(polygons)
    turned = np.asarray(shapely.orient_polygons(polygons, exterior_cw=False))
    pairs = zip(turned.tolist(), good.tolist(), strict=True)
    return [polygon if is_good else _polygons_of(_valid(polygon)) for polygon, is_good in pairs]


def _valid(geometry: shapely.Geometry) -> shapely.Geometry:
    return geometry if shapely.is_valid(geometry) else shapely.make_valid(geometry)


def _polygons_of(geometry: shapely.Geometry) -> shapely.Geometry | None:
    parts = [
        part
        for part in shapely.get_parts(geometry)
        if isinstance(part, shapely.Polygon | shapely.MultiPolygon)
    ]
    polygons = [one for part in parts for one in shapely.get_parts(part) if not one.is_empty]
    if not polygons:
        return None
    ordered = [shapely.orient_polygons(one, exterior_cw=False) for one in polygons]
    return ordered[0] if len(ordered) == 1 else shapely.MultiPolygon(ordered)


def sight_lines(
    data: OsmData, rings: Rings, geometry: shapely.Geometry, entrances: Iterable[int]
) -> tuple[tuple[int, int], ...]:
    """
    Straight ways across an area between its entrances.

    Only between entrances that see each other; where a corner is in the way, the outline is
    there to walk along. A full visibility graph would cost more than it gives a courier.

    Parameters
    ----------
    data
        Objects as read.
    rings
        Outlines and holes.
    geometry
        The polygon they enclose.
    entrances
        Ids of nodes that the area shares with other streets.

    Returns
    -------
    lines
        Pairs of node ids, each seen from the other and not neighbours on the outline.
    """
    on_outline = dict.fromkeys(ref for ring in (*rings.outer, *rings.inner) for ref in ring[:-1])
    wanted = set(entrances)
    gates = [ref for ref in on_outline if ref in wanted]
    if len(gates) > MAX_ENTRANCES:
        gates = [gates[i * len(gates) // MAX_ENTRANCES] for i in range(MAX_ENTRANCES)]
    neighbours = {frozenset(pair) for ring in (*rings.outer, *rings.inner) for pair in pairwise(ring)}
    pairs = [pair for pair in combinations(gates, 2) if frozenset(pair) not in neighbours]
    corners = ring_lonlat(data, gates)
    if not pairs or corners is None:
        return ()
    place = {gate: i for i, gate in enumerate(gates)}
    lines = shapely.linestrings([[corners[place[a]], corners[place[b]]] for a, b in pairs])
    room = shapely.buffer(geometry, _TOLERANCE_DEG, join_style="mitre")
    shapely.prepare(room)
    return tuple(pair for pair, is_seen in zip(pairs, shapely.covers(room, lines), strict=True) if is_seen)
