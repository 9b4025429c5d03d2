"""
OpenStreetMap files through osmium: ``.osm``, ``.osm.gz``, ``.osm.bz2``, ``.osm.pbf``.
"""

from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import osmium

from geo_service.errors import InvalidInputError
from geo_service.geo import BBox
from geo_service.network.raw import (
    E7,
    WANTED_KEYS,
    OsmData,
    OsmMember,
    OsmRelation,
    OsmWay,
    Progress,
    Tags,
    build_osm_data,
    is_wanted,
    is_wanted_relation,
)

SUFFIXES = (".osm", ".osm.gz", ".osm.bz2", ".osm.pbf")

_TELL_EVERY = 50_000
_UNDEFINED = 2**31 - 1  # what osmium gives for the coordinates of a node it has not met
_OSMIUM_ERRORS = (osmium.InvalidLocationError, RuntimeError, OSError, ValueError, OverflowError)


def read_file(path: Path, bbox: BBox | None = None, progress: Progress | None = None) -> OsmData:
    """
    Read what streets and features need from a file.

    Parameters
    ----------
    path
        The file; its suffix says its format.
    bbox
        Only ways with a node inside this box are taken, whole.
    progress
        Called with ``"read relations"``, ``"read ways"``, ``"read nodes"``; totals are 0 until a pass ends.

    Returns
    -------
    data
        Objects by id. The objects of a file may stand in any order.

    Raises
    ------
    InvalidInputError
        If the file is missing, empty, damaged, or no OSM file.
    """
    check_path(path)
    try:
        return _Reading(path, progress).read(bbox)
    except _OSMIUM_ERRORS as error:
        if isinstance(error, InvalidInputError):
            raise
        reason = " ".join(str(error).split())
        raise InvalidInputError(
            f"{path}: not a whole OpenStreetMap file ({reason}); download it again, "
            f"or check that the content fits the suffix ({', '.join(SUFFIXES)})",
            parameter="osm",
            value=str(path),
        ) from error


def check_path(path: Path) -> None:
    """
    Refuse what cannot be an OSM file before it is opened.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InvalidInputError
        If it is missing, a folder, empty, or of another suffix.
    """
    if not path.name.lower().endswith(SUFFIXES):
        _refuse(path, f"is not one of {', '.join(SUFFIXES)}; convert it first, for example with osmium-tool")
    if path.is_dir():
        _refuse(path, "is a folder; name the file in it")
    if not path.is_file():
        _refuse(path, "does not exist; check the path")
    if path.stat().st_size == 0:
        _refuse(path, "is empty; download it again")


def _refuse(path: Path, reason: str) -> None:
    raise InvalidInputError(f"{path}: {reason}", parameter="osm", value=str(path))


_Box = tuple[int, int, int, int]


class _Reading:
    """One reading of a file, in several passes: what is needed is known only after the pass before."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._path = path
        self._tell = progress or (lambda stage, done, total: None)
        self._newest = ""
        self._places: dict[int, tuple[int, int]] = {}
        self._unplaced: set[int] = set()

    def read(self, bbox: BBox | None) -> OsmData:
        header_box, timestamp = self._header()
        relations = list(self._relations())
        members = {member.ref for relation in relations for member in relation.members if member.kind == "w"}
        ways = self._ways(members, None if bbox is None else _in_e7(bbox))
        node_tags = self._tagged_nodes(bbox)
        if self._unplaced:
            self._place_late_nodes()
        return build_osm_data(
            source=self._path.name,
            nodes=((node, lon, lat) for node, (lon, lat) in self._places.items()),
            node_tags=node_tags,
            ways=ways.values(),
            relations=relations,
            counts={"nodes": len(self._places), "ways": len(ways), "relations": len(relations)},
            bbox=header_box,
            timestamp=timestamp or self._newest or None,
        )

    def _header(self) -> tuple[BBox | None, str | None]:
        with osmium.io.Reader(str(self._path), osmium.osm.NOTHING) as reader:
            header = reader.header()
        box = header.box()
        timestamp = header.get("osmosis_replication_timestamp") or header.get("timestamp") or None
        if not box.valid() or box.bottom_left.x >= box.top_right.x or box.bottom_left.y >= box.top_right.y:
            return None, timestamp
        corners = (box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat)
        return BBox(*corners), timestamp

    def _objects(self, stage: str, processor: Any) -> Iterator[Any]:
        count = 0
        for thing in processor:
            count += 1
            if count % _TELL_EVERY == 0:
                self._tell(stage, count, 0)
            if not thing.deleted:
                yield thing
        self._tell(stage, count, count)

    def _filter(self, kind: Any, *filters: Any) -> Any:
        """Let osmium drop in C++ what Python need not see."""
        processor = osmium.FileProcessor(str(self._path), kind)
        for one in filters:
            processor = processor.with_filter(one)
        return processor

    def _relations(self) -> Iterator[OsmRelation]:
        typed = self._filter(osmium.osm.RELATION, osmium.filter.KeyFilter("type"))
        for relation in self._objects("read relations", typed):
            tags = dict(relation.tags)
            if is_wanted_relation(tags):
                members = tuple(OsmMember(m.type, m.ref, m.role) for m in relation.members)
                yield OsmRelation(relation.id, members, tags)

    def _ways(self, members: Set[int], box_e7: _Box | None) -> dict[int, OsmWay]:
        ways: dict[int, OsmWay] = {}
        filters: list[Any] = [osmium.filter.KeyFilter(*sorted(WANTED_KEYS))]
        if members:
            filters.append(_by_id(members))
        for only in filters:
            everything = osmium.FileProcessor(
                str(self._path), osmium.osm.NODE | osmium.osm.WAY
            ).with_locations()
            wanted = everything.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)).with_filter(only)
            for way in self._objects("read ways", wanted):
                if isinstance(only, osmium.filter.EntityFilter) and way.id not in members:
                    continue
                corners = [(node.ref, node.x, node.y) for node in way.nodes]
                if box_e7 is None or way.id in members or _touches(corners, box_e7):
                    ways[way.id] = self._take_way(way, corners)
        return ways

    def _take_way(self, way: Any, corners: list[tuple[int, int, int]]) -> OsmWay:
        for ref, lon, lat in corners:
            if lon == _UNDEFINED:
                self._unplaced.add(ref)
            else:
                self._places[ref] = (lon, lat)
        if way.timestamp.year > 1970:
            self._newest = max(self._newest, way.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return OsmWay(way.id, tuple(ref for ref, _, _ in corners), dict(way.tags))

    def _tagged_nodes(self, bbox: BBox | None) -> dict[int, Tags]:
        box_e7 = None if bbox is None else _in_e7(bbox)
        node_tags: dict[int, Tags] = {}
        tagged = self._filter(osmium.osm.NODE, osmium.filter.EmptyTagFilter())
        for node in self._objects("read nodes", tagged):
            tags, location = dict(node.tags), node.location
            is_corner = node.id in self._places or node.id in self._unplaced
            corner = (node.id, location.x, location.y)
            is_place = is_wanted(tags) and location.valid() and (box_e7 is None or _touches([corner], box_e7))
            if is_place:
                self._places[node.id] = corner[1:]
            if is_place or is_corner:
                node_tags[node.id] = tags
        return node_tags

    def _place_late_nodes(self) -> None:
        """Look for nodes that stand behind the ways which name them, or nowhere."""
        late = self._filter(osmium.osm.NODE, _by_id(self._unplaced))
        for node in self._objects("read nodes", late):
            if node.id in self._unplaced and node.location.valid():
                self._places[node.id] = (node.location.x, node.location.y)


def _by_id(ids: Set[int]) -> Any:
    """Filter by id where osmium can; it cannot for the negative ids that editors give to new objects."""
    return osmium.filter.IdFilter(ids) if min(ids) >= 0 else osmium.filter.EntityFilter(osmium.osm.ALL)


def _in_e7(bbox: BBox) -> _Box:
    west, south, east, north = (round(value * E7) for value in bbox)
    return west, south, east, north


def _touches(corners: list[tuple[int, int, int]], box_e7: _Box) -> bool:
    """Whether a corner lies in the box, or may do: one without a place counts until the last pass."""
    west, south, east, north = box_e7
    return any(
        lon == _UNDEFINED or (west <= lon <= east and south <= lat <= north) for _, lon, lat in corners
    )
