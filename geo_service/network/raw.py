"""
OpenStreetMap objects as they were read, before anybody asks what they mean.

Both readers (files, Overpass) end here, so whatever comes later cannot tell them apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import shapely

from geo_service.geo import BBox, BoolArray
from geo_service.network.graph import NONE, IntArray, LongArray


def words(text: str) -> frozenset[str]:
    """Split a list of tag words, which reads better than a column of quotes."""
    return frozenset(text.split())


Tags = Mapping[str, str]
Progress = Callable[[str, int, int], None]
"""``progress(stage, done, total)``; a total of 0 is an unknown one."""

E7 = 10_000_000
"""OpenStreetMap stores coordinates as whole numbers of 1e-7 degrees."""

WANTED_KEYS = words(
    "highway building amenity shop healthcare emergency office craft tourism leisure landuse natural "
    "waterway water man_made place drinking_water railway barrier"
)
"""An object without any of these keys is not looked at, unless a wanted relation names it."""


@dataclass(frozen=True)
class OsmWay:
    """A way: node ids in order, some of which the extract may not contain."""

    id: int
    refs: tuple[int, ...]
    tags: Tags

    @property
    def is_closed(self) -> bool:
        """Whether it ends where it began and encloses something."""
        return len(self.refs) >= 4 and self.refs[0] == self.refs[-1]


class OsmMember(NamedTuple):
    """One member of a relation; ``kind`` is ``n``, ``w`` or ``r``."""

    kind: str
    ref: int
    role: str


@dataclass(frozen=True)
class OsmRelation:
    """A relation: members in order, some of which the extract may not contain."""

    id: int
    members: tuple[OsmMember, ...]
    tags: Tags


@dataclass(frozen=True, eq=False)
class OsmData:
    """
    What a file or a server held, in the order of ids.

    Parameters
    ----------
    source
        File or place, for messages.
    node_id
        Ids of the nodes that ways or interesting tags need, ascending, shape ``(n,)``.
    node_lon_e7
        Longitudes in 1e-7 degrees, shape ``(n,)``.
    node_lat_e7
        Latitudes in 1e-7 degrees, shape ``(n,)``.
    node_tags
        Tags of the nodes that have any, by id.
    ways
        Ways with interesting tags, and members of wanted relations, by id.
    relations
        Multipolygons with interesting tags, by id.
    counts
        Nodes, ways and relations taken.
    bbox
        The box the file or the question names, if it does.
    timestamp
        State of the data, ISO 8601, if known.
    """

    source: str
    node_id: LongArray
    node_lon_e7: IntArray
    node_lat_e7: IntArray
    node_tags: Mapping[int, Tags]
    ways: tuple[OsmWay, ...]
    relations: tuple[OsmRelation, ...]
    counts: Mapping[str, int]
    bbox: BBox | None = None
    timestamp: str | None = None

    def positions(self, refs: Sequence[int] | LongArray) -> LongArray:
        """
        Where nodes stand in the arrays.

        Parameters
        ----------
        refs
            Node ids, shape ``(k,)``.

        Returns
        -------
        position
            Row of each, `NONE` for nodes the extract does not contain, shape ``(k,)``.
        """
        wanted = np.asarray(refs, dtype=np.int64)
        if len(self.node_id) == 0:
            return np.full(len(wanted), NONE, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.node_id, wanted), len(self.node_id) - 1)
        return np.where(self.node_id[found] == wanted, found, NONE)


def is_wanted(tags: Tags) -> bool:
    """Whether tags say that somebody downstream may use the object."""
    return not WANTED_KEYS.isdisjoint(tags)


def is_wanted_relation(tags: Tags) -> bool:
    """Whether a relation is an area that somebody downstream may use."""
    return tags.get("type") == "multipolygon" and is_wanted(tags)


def build_osm_data(
    source: str,
    nodes: Iterable[tuple[int, int, int]],
    node_tags: Mapping[int, Tags],
    ways: Iterable[OsmWay],
    relations: Iterable[OsmRelation],
    counts: Mapping[str, int],
    bbox: BBox | None = None,
    timestamp: str | None = None,
) -> OsmData:
    """
    Put objects in the order of ids; of objects with one id the last is taken.

    Parameters
    ----------
    source
        File or place, for messages.
    nodes
        Id, longitude and latitude in 1e-7 degrees.
    node_tags
        Tags of tagged nodes.
    ways
        Ways in any order.
    relations
        Relations in any order.
    counts
        Objects taken.
    bbox
        Box of the data, if known.
    timestamp
        State of the data, if known.

    Returns
    -------
    data
        The same, sorted.
    """
    table = np.array(list(nodes), dtype=np.int64).reshape(-1, 3)[::-1]
    ids, first = np.unique(table[:, 0], return_index=True)
    way_by_id = {way.id: way for way in ways}
    relation_by_id = {relation.id: relation for relation in relations}
    return OsmData(
        source=source,
        node_id=ids,
        node_lon_e7=table[first, 1].astype(np.int32),
        node_lat_e7=table[first, 2].astype(np.int32),
        node_tags=dict(sorted(node_tags.items())),
        ways=tuple(way_by_id[i] for i in sorted(way_by_id)),
        relations=tuple(relation_by_id[i] for i in sorted(relation_by_id)),
        counts=dict(counts),
        bbox=bbox,
        timestamp=timestamp,
    )


def inside(data: OsmData, area: BBox | shapely.Geometry | None) -> BoolArray:
    """
    Which nodes lie in a box or polygon, its edge included.

    Parameters
    ----------
    data
        Objects as read.
    area
        Box in degrees, polygon in degrees, or None for everything.

    Returns
    -------
    is_inside
        For each node, shape ``(n,)``.
    """
    if area is None:
        return np.ones(len(data.node_id), dtype=np.bool_)
    if isinstance(area, BBox):
        west, south, east, north = (round(value * E7) for value in area)
        lon, lat = data.node_lon_e7, data.node_lat_e7
        return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    shapely.prepare(area)
    return shapely.intersects_xy(area, data.node_lon_e7 / E7, data.node_lat_e7 / E7)


def clip(data: OsmData, is_inside: BoolArray) -> OsmData:
    """
    Leave out ways and relations without a node in the wanted area.

    Readers fetch more or less of the surroundings; after this they hold the same.

    Parameters
    ----------
    data
        Objects as read.
    is_inside
        For each node, shape ``(n,)``.

    Returns
    -------
    clipped
        The same nodes; ways and relations that touch the area, members of those relations too.
    """
    if is_inside.all():
        return data
    rows = data.positions([ref for way in data.ways for ref in way.refs])
    owner = np.repeat(np.arange(len(data.ways)), [len(way.refs) for way in data.ways])
    touches = np.zeros(len(data.ways), dtype=np.bool_)
    touches[owner[(rows != NONE) & is_inside[rows]]] = True
    kept = {way.id for way, is_kept in zip(data.ways, touches.tolist(), strict=True) if is_kept}
    relations = tuple(
        relation
        for relation in data.relations
        if any(m.kind == "w" and m.ref in kept for m in relation.members)
    )
    kept |= {member.ref for relation in relations for member in relation.members if member.kind == "w"}
    return replace(data, ways=tuple(way for way in data.ways if way.id in kept), relations=relations)
