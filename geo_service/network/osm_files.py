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
        Called with ``"read relations"``, ``"read ways"``, ``"read nodes"``; totals are unknown.

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


class _Reading:
    """One reading of a file, in several passes: what is needed is known only after the pass before."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._path = path
        self._tell = progress or (lambda stage, done, total: None)
        self._counts: dict[str, int] = {}
        self._newest = ""

    def read(self, bbox: BBox | None) -> OsmData:
        header_box, timestamp = self._header()
        relations = list(self._relations())
        members = {member.ref for relation in relations for member in relation.members if member.kind == "w"}
        ways = list(self._ways(members, None if bbox is None else self._ids_inside(bbox)))
        needed = {ref for way in ways for ref in way.refs}
        node_tags: dict[int, Tags] = {}
        nodes = list(self._nodes(needed, node_tags))
        return build_osm_data(
            source=self._path.name,
            nodes=nodes,
            node_tags=node_tags,
            ways=ways,
            relations=relations,
            counts=self._counts,
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

    def _objects(self, kind: Any, stage: str) -> Iterator[Any]:
        count = 0
        for thing in osmium.FileProcessor(str(self._path), kind):
            count += 1
            if count % _TELL_EVERY == 0:
                self._tell(stage, count, 0)
            if not getattr(thing, "deleted", False):
                yield thing
        self._counts[stage.split()[1]] = count
        self._tell(stage, count, count)

    def _relations(self) -> Iterator[OsmRelation]:
        for relation in self._objects(osmium.osm.RELATION, "read relations"):
            tags = dict(relation.tags)
            if is_wanted_relation(tags):
                members = tuple(OsmMember(m.type, m.ref, m.role) for m in relation.members)
                yield OsmRelation(relation.id, members, tags)

    def _ids_inside(self, bbox: BBox) -> set[int]:
        west, south, east, north = (round(value * E7) for value in bbox)
        found = set()
        for node in self._objects(osmium.osm.NODE, "read nodes"):
            location = node.location
            if location.valid() and west <= location.x <= east and south <= location.y <= north:
                found.add(node.id)
        return found

    def _ways(self, members: Set[int], inside: Set[int] | None) -> Iterator[OsmWay]:
        for way in self._objects(osmium.osm.WAY, "read ways"):
            tags = dict(way.tags)
            is_member = way.id in members
            if not is_member and not is_wanted(tags):
                continue
            refs = tuple(node.ref for node in way.nodes)
            if is_member or inside is None or not inside.isdisjoint(refs):
                self._note_time(way)
                yield OsmWay(way.id, refs, tags)

    def _note_time(self, way: Any) -> None:
        if way.timestamp.year > 1970:
            self._newest = max(self._newest, way.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def _nodes(self, needed: Set[int], node_tags: dict[int, Tags]) -> Iterator[tuple[int, int, int]]:
        for node in self._objects(osmium.osm.NODE, "read nodes"):
            has_tags, node_id = len(node.tags) > 0, node.id
            if not has_tags and node_id not in needed:
                continue
            tags = dict(node.tags)
            location = node.location
            if location.valid() and (node_id in needed or is_wanted(tags)):
                if has_tags:
                    node_tags[node_id] = tags
                yield node_id, location.x, location.y
