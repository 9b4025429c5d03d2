"""
From ways to arrays: streets are cut where rules change, chains become links, links a Network.

Everything per piece of street is numpy; Python loops run over ways and tagged nodes only.
A *piece* is the straight line between two neighbouring nodes of a way. Piece ``s`` has two
directed halves: ``2 * s`` runs along the way, ``2 * s + 1`` against it, so ``d ^ 1`` is the
way back, and ``d`` also names the end of the piece where that half starts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from geo_service.errors import InvalidInputError
from geo_service.geo import BoolArray, FloatArray, distance_m
from geo_service.network.areas import Rings, build_polygon, find_rings, sight_lines
from geo_service.network.graph import (
    NONE,
    IntArray,
    LongArray,
    Network,
)
from geo_service.network.links import Links, assemble
from geo_service.network.profiles import FREE, NodeRule, Profile, WayRule, judge_node, judge_way
from geo_service.network.raw import E7, OsmData, Progress, Tags, words

NAME_LIMIT = 200

_RULE_ROOTS = words(
    "highway access foot bicycle electric_bicycle vehicle oneway cycleway junction motorroad expressway conveying "
    "indoor service maxspeed surface smoothness ramp abandoned disused razed demolished"
)
_NODE_KEYS = ("barrier", "highway", "railway", "access", "foot", "vehicle", "bicycle", "electric_bicycle")


class Kind(NamedTuple):
    """What must not change along a link."""

    highway: str
    name: str
    rule: WayRule

    def reversed(self) -> "Kind":
        """The same street, drawn the other way round."""
        return Kind(self.highway, self.name, WayRule(self.rule.backward, self.rule.forward))


class Street(NamedTuple):
    """A line to travel on: its OSM id, its nodes in order, what it is."""

    id: int
    refs: tuple[int, ...]
    kind: Kind


class Pieces(NamedTuple):
    """Straight pieces in the order of ways; ``end`` is the vertex at the start of each half."""

    end: LongArray
    kind: LongArray
    way: LongArray
    length_m: FloatArray


class Vertices(NamedTuple):
    """Points where pieces meet; a closed barrier is one vertex for each piece that ends there."""

    row: LongArray
    forward_ms: LongArray
    backward_ms: LongArray


@dataclass(frozen=True)
class StreetReport:
    """
    What was wrong with the streets of one profile.

    Parameters
    ----------
    missing_nodes
        Distinct nodes that streets name and the extract does not contain.
    cut_ways
        Streets interrupted by such a node.
    islands
        Weakly connected parts besides the largest.
    island_nodes
        Nodes in them.
    """

    missing_nodes: int
    cut_ways: int
    islands: int
    island_nodes: int


# --- streets ------------------------------------------------------------------------------


def street_name(tags: Tags) -> str:
    """
    Name a street as its sign does, or by its number.

    Parameters
    ----------
    tags
        Tags of the way.

    Returns
    -------
    name
        One line; empty if the street has no name.

    Examples
    --------
    >>> street_name({"ref": "G6", "name": "京藏高速  辅路"})
    '京藏高速 辅路'
    """
    text = next((tags[key] for key in ("name", "name:zh", "ref") if tags.get(key)), "")
    return " ".join(text.split())[:NAME_LIMIT]


class _Judge:
    """Verdicts by tags; most ways share theirs with many others."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: dict[tuple[tuple[str, str], ...], WayRule] = {}

    def kind(self, tags: Tags) -> Kind | None:
        key = tuple(item for item in tags.items() if item[0].partition(":")[0] in _RULE_ROOTS)
        if key not in self._known:
            self._known[key] = judge_way(self._profile, dict(key))
        rule = self._known[key]
        return None if rule == WayRule(None, None) else Kind(tags["highway"], street_name(tags), rule)

    def area_kind(self, tags: Tags) -> Kind | None:
        """Judge an area: a one-way square is a slip of the pen."""
        return self.kind({key: value for key, value in tags.items() if key not in ("oneway", "junction")})


class _Area(NamedTuple):
    id: int
    rings: Rings
    kind: Kind


def find_streets(data: OsmData, profile: Profile) -> tuple[Street, ...]:
    """
    List every line a profile can use: ways, outlines of squares, and straight lines across them.

    Parameters
    ----------
    data
        Objects as read.
    profile
        Whose rules.

    Returns
    -------
    streets
        By id; a line across a square has the id of the way, or minus the id of the relation.
    """
    judge = _Judge(profile)
    streets: list[Street] = []
    areas: list[_Area] = []
    for way in data.ways:
        if "highway" not in way.tags:
            continue
        is_area = way.is_closed and way.tags.get("area") == "yes"
        kind = judge.area_kind(way.tags) if is_area else judge.kind(way.tags)
        if kind is not None:
            streets.append(Street(way.id, way.refs, kind))
            if is_area:
                areas.append(_Area(way.id, Rings((way.refs,), (), True), kind))
    related, outlines = _related_areas(data, judge, {street.id for street in streets})
    streets += outlines
    streets += _crossings(data, streets, [*areas, *related])
    return tuple(sorted(streets, key=lambda street: street.id))


def _related_areas(data: OsmData, judge: _Judge, used: set[int]) -> tuple[list[_Area], list[Street]]:
    ways = {way.id: way for way in data.ways}
    areas: list[_Area] = []
    outlines: list[Street] = []
    for relation in data.relations:
        kind = judge.area_kind(relation.tags) if "highway" in relation.tags else None
        if kind is None:
            continue
        rings = find_rings(relation, ways)
        if rings.outer:
            areas.append(_Area(-relation.id, rings, kind))
        for member in relation.members:
            if member.kind == "w" and member.ref in ways and member.ref not in used:
                used.add(member.ref)
                outlines.append(Street(member.ref, ways[member.ref].refs, kind))
    return areas, outlines


def _crossings(data: OsmData, streets: Sequence[Street], areas: Sequence[_Area]) -> list[Street]:
    if not areas:
        return []
    uses: dict[int, int] = {}
    for street in streets:
        for ref in set(street.refs):
            uses[ref] = uses.get(ref, 0) + 1
    lines: list[Street] = []
    for area in areas:
        geometry = build_polygon(data, area.rings)
        if geometry is not None:
            gates = [ref for ring in (*area.rings.outer, *area.rings.inner) for ref in ring if uses[ref] > 1]
            pairs = sight_lines(data, area.rings, geometry, gates)
            lines += [Street(area.id, pair, area.kind) for pair in pairs]
    return lines


# --- pieces and vertices --------------------------------------------------------------------


def _cut_streets(
    data: OsmData, streets: Sequence[Street], kinds: Mapping[Kind, int], is_inside: BoolArray
) -> tuple[Pieces, LongArray, BoolArray]:
    """Cut streets into pieces with both nodes known and one inside; also give rows and gaps of all refs."""
    count = np.array([len(street.refs) for street in streets], dtype=np.int64)
    refs = np.fromiter(chain.from_iterable(street.refs for street in streets), np.int64, int(count.sum()))
    rows = data.positions(refs)
    owner = np.repeat(np.arange(len(streets)), count)
    tail, head = rows[:-1], rows[1:]
    is_piece = (owner[:-1] == owner[1:]) & (tail != NONE) & (head != NONE) & (tail != head)
    is_piece[is_piece] &= is_inside[tail[is_piece]] | is_inside[head[is_piece]]
    owner, tail, head = owner[:-1][is_piece], tail[is_piece], head[is_piece]
    lonlat = np.column_stack([data.node_lon_e7, data.node_lat_e7]) / E7
    kind = np.array([kinds[street.kind] for street in streets], dtype=np.int64)
    way = np.array([street.id for street in streets], dtype=np.int64)
    pieces = Pieces(
        end=np.column_stack([tail, head]).ravel(),
        kind=kind[owner],
        way=way[owner],
        length_m=distance_m(lonlat[tail], lonlat[head]) if len(tail) else np.empty(0),
    )
    return pieces, refs, rows == NONE


def _judge_nodes(data: OsmData, profile: Profile, used: BoolArray) -> dict[int, NodeRule]:
    rules: dict[int, NodeRule] = {}
    ids = [i for i, tags in data.node_tags.items() if any(key in tags for key in _NODE_KEYS)]
    for node, row in zip(ids, data.positions(ids).tolist(), strict=True):
        if row != NONE and used[row] and (rule := judge_node(profile, data.node_tags[node])) != FREE:
            rules[row] = rule
    return rules


def _split_barriers(pieces: Pieces, n_rows: int, rules: Mapping[int, NodeRule]) -> tuple[Pieces, Vertices]:
    is_open = np.ones(n_rows, dtype=np.bool_)
    forward_ms, backward_ms = np.zeros(n_rows, dtype=np.int64), np.zeros(n_rows, dtype=np.int64)
    for row, rule in rules.items():
        is_open[row], forward_ms[row], backward_ms[row] = rule.is_open, rule.forward_ms, rule.backward_ms
    at_barrier = np.flatnonzero(~is_open[pieces.end])
    end = pieces.end.copy()
    end[at_barrier] = n_rows + np.arange(len(at_barrier))
    rows = np.concatenate([np.arange(n_rows), pieces.end[at_barrier]])
    return pieces._replace(end=end), Vertices(rows, forward_ms[rows], backward_ms[rows])


# --- chains ---------------------------------------------------------------------------------


def _followers(pieces: Pieces, reverse: LongArray, vertices: Vertices) -> LongArray:
    """Give for each half the half that continues it through an inner vertex, itself where the link ends."""
    n_halves = len(pieces.end)
    leaving = np.empty(n_halves, dtype=np.int64)
    leaving[0::2], leaving[1::2] = pieces.kind, reverse[pieces.kind]
    order = np.argsort(pieces.end, kind="stable")
    degree = np.bincount(pieces.end, minlength=len(vertices.row))
    start = np.concatenate([[0], np.cumsum(degree)])
    inner = np.flatnonzero((degree == 2) & (vertices.forward_ms == 0) & (vertices.backward_ms == 0))
    one, other = order[start[inner]], order[start[inner] + 1]
    is_smooth = reverse[leaving[one]] == leaving[other]
    one, other = one[is_smooth], other[is_smooth]
    follower = np.arange(n_halves)
    follower[one ^ 1], follower[other ^ 1] = other, one
    return follower


def _jump(follower: LongArray, value: LongArray) -> tuple[LongArray, LongArray, LongArray]:
    """Follow every half to its last by doubling: the last half, the steps to it, the least value on the way."""
    last, least = follower.copy(), np.minimum(value, value[follower])
    steps = (follower != np.arange(len(follower))).astype(np.int64)
    for _ in range(len(follower).bit_length()):
        beyond = last[last]
        if np.array_equal(beyond, last):
            break
        steps, least, last = steps + steps[last], np.minimum(least, least[last]), beyond
    return last, steps, least


def _break_rings(follower: LongArray, pieces: Pieces) -> LongArray:
    """Let a ring without a junction begin and end at its node of lowest id."""
    last, _, least = _jump(follower, pieces.end)
    on_ring = follower[last] != last
    if not on_ring.any():
        return follower
    opened = follower.copy()
    arrival = np.arange(len(follower)) ^ 1
    stops = on_ring & (pieces.end[arrival] == least)
    opened[stops] = np.flatnonzero(stops)
    return opened


class _Chains(NamedTuple):
    half: LongArray
    first: LongArray


def _chain_pieces(pieces: Pieces, reverse: LongArray, vertices: Vertices) -> _Chains:
    """Order all halves link by link, each link along the drawing of its first piece."""
    follower = _break_rings(_followers(pieces, reverse, vertices), pieces)
    last, steps, _ = _jump(follower, pieces.end)
    along, against = last[0::2], last[1::2]
    _, first, group = np.unique(np.minimum(along, against), return_index=True, return_inverse=True)
    is_along = along == along[first][group]
    half = 2 * np.arange(len(along)) + ~is_along
    order = np.lexsort((-steps[half], first[group]))
    counts = np.bincount(np.searchsorted(np.sort(first), first[group]))
    return _Chains(half[order], np.concatenate([[0], np.cumsum(counts)]))


# --- links ------------------------------------------------------------------------------------


def _make_links(
    data: OsmData,
    pieces: Pieces,
    vertices: Vertices,
    chains: _Chains,
    kinds: Sequence[Kind],
    reverse: LongArray,
) -> tuple[Links, LongArray]:
    """Measure chains; also give the row of each node, nodes being numbered by OSM id."""
    start, stop = chains.first[:-1], chains.first[1:]
    opening, closing = chains.half[start], chains.half[stop - 1]
    tail_vertex, head_vertex = pieces.end[opening], pieces.end[closing ^ 1]
    nodes = np.unique(np.concatenate([tail_vertex, head_vertex]))
    nodes = nodes[np.lexsort((nodes, vertices.row[nodes]))]
    number = np.full(len(vertices.row), NONE, dtype=np.int64)
    number[nodes] = np.arange(len(nodes))

    kind = np.where(opening & 1, reverse[pieces.kind[opening >> 1]], pieces.kind[opening >> 1])
    length_mm = np.maximum(1, np.rint(1000 * np.add.reduceat(pieces.length_m[chains.half >> 1], start)))
    mode, ms_per_m = _kind_tables(kinds)
    travel_ms = np.where(
        mode[kind] == NONE, NONE, np.maximum(1, np.rint(length_mm[:, None] / 1000 * ms_per_m[kind]))
    ).astype(np.int64)
    delay_ms = np.column_stack(
        [_arrival_delay(vertices, closing, head_vertex), _arrival_delay(vertices, opening ^ 1, tail_vertex)]
    )
    point = _chain_points(pieces, chains, head_vertex)
    rows = vertices.row[point]
    links = Links(
        tail=number[tail_vertex],
        head=number[head_vertex],
        travel_ms=travel_ms,
        delay_ms=np.where(travel_ms == NONE, 0, delay_ms),
        mode=mode[kind],
        length_mm=length_mm.astype(np.int64),
        name=tuple(kinds[k].name for k in kind.tolist()),
        way=pieces.way[opening >> 1],
        first_point=chains.first + np.arange(len(chains.first)),
        point_lon_e6=round_e6(data.node_lon_e7[rows]),
        point_lat_e6=round_e6(data.node_lat_e7[rows]),
    )
    return links, vertices.row[nodes]


def _kind_tables(kinds: Sequence[Kind]) -> tuple[LongArray, FloatArray]:
    mode = np.full((len(kinds), 2), NONE, dtype=np.int64)
    ms_per_m = np.zeros((len(kinds), 2))
    for i, kind in enumerate(kinds):
        for side, travel in enumerate(kind.rule):
            if travel is not None:
                mode[i, side], ms_per_m[i, side] = travel.mode, 3600.0 / travel.kph
    return mode, ms_per_m


def _arrival_delay(vertices: Vertices, half: LongArray, vertex: LongArray) -> LongArray:
    return np.where(half & 1, vertices.backward_ms[vertex], vertices.forward_ms[vertex])


def _chain_points(pieces: Pieces, chains: _Chains, head_vertex: LongArray) -> LongArray:
    n_links = len(head_vertex)
    link = np.repeat(np.arange(n_links), np.diff(chains.first))
    point = np.empty(len(chains.half) + n_links, dtype=np.int64)
    point[np.arange(len(chains.half)) + link] = pieces.end[chains.half]
    point[chains.first[1:] + np.arange(n_links)] = head_vertex
    return point


def round_e6(value_e7: IntArray | LongArray) -> LongArray:
    """
    Round 1e-7 degrees to 1e-6, halves upward.

    Parameters
    ----------
    value_e7
        Coordinates in 1e-7 degrees.

    Returns
    -------
    value_e6
        The same in 1e-6 degrees.
    """
    return (value_e7.astype(np.int64) + 5) // 10


# --- the network --------------------------------------------------------------------------------


def build_network(
    data: OsmData,
    profile: Profile,
    is_inside: BoolArray | None = None,
    progress: Progress | None = None,
) -> tuple[Network, StreetReport]:
    """
    Build the network of one profile.

    Parameters
    ----------
    data
        Objects as read.
    profile
        Speeds, delays, permissions.
    is_inside
        For each node of the data whether it lies in the wanted area; a piece of street with
        one node inside is kept whole. None keeps everything.
    progress
        Called with ``"build <profile>"``, steps done, steps in all.

    Returns
    -------
    network, report
        The arrays, and what was wrong with the streets.

    Raises
    ------
    InvalidInputError
        If there is no street for this profile.
    """
    tell = progress or (lambda stage, done, total: None)
    stage = f"build {profile.name}"
    tell(stage, 0, 4)
    streets = find_streets(data, profile)
    kinds = _number_kinds(streets)
    reverse = np.array([kinds[kind.reversed()] for kind in kinds], dtype=np.int64)
    tell(stage, 1, 4)
    everything = np.ones(len(data.node_id), dtype=np.bool_)
    pieces, refs, is_missing = _cut_streets(
        data, streets, kinds, everything if is_inside is None else is_inside
    )
    if len(pieces.kind) == 0:
        refuse_empty(profile.name, data.source)
    used = np.zeros(len(data.node_id), dtype=np.bool_)
    used[pieces.end] = True
    pieces, vertices = _split_barriers(pieces, len(data.node_id), _judge_nodes(data, profile, used))
    tell(stage, 2, 4)
    chains = _chain_pieces(pieces, reverse, vertices)
    links, node_row = _make_links(data, pieces, vertices, chains, tuple(kinds), reverse)
    tell(stage, 3, 4)
    network = assemble(
        profile=profile.name,
        gap_ms_per_m=profile.gap_ms_per_m,
        node_lon_e6=round_e6(data.node_lon_e7[node_row]),
        node_lat_e6=round_e6(data.node_lat_e7[node_row]),
        node_osm=data.node_id[node_row],
        links=links,
    )
    tell(stage, 4, 4)
    return network, _report(network, streets, refs, is_missing)


def refuse_empty(profile: str, source: str) -> None:
    """
    Say that an area holds no street for a profile.

    Parameters
    ----------
    profile
        Name of the profile.
    source
        File or place.

    Raises
    ------
    InvalidInputError
        Always.
    """
    raise InvalidInputError(
        f"{source}: no street for profile {profile!r}; is it an OSM file with highways, "
        "and does the box (W,S,E,N) lie in it?",
        parameter="profile",
        value=profile,
    )


def _number_kinds(streets: Iterable[Street]) -> dict[Kind, int]:
    kinds: dict[Kind, int] = {}
    for street in streets:
        kinds.setdefault(street.kind, len(kinds))
        kinds.setdefault(street.kind.reversed(), len(kinds))
    return kinds


def _report(
    network: Network, streets: Sequence[Street], refs: LongArray, is_missing: BoolArray
) -> StreetReport:
    owner = np.repeat(np.arange(len(streets)), [len(street.refs) for street in streets])
    component = network.node_component
    return StreetReport(
        missing_nodes=len(np.unique(refs[is_missing])),
        cut_ways=len(np.unique(owner[is_missing])),
        islands=int(component.max()),
        island_nodes=int((component > 0).sum()),
    )
