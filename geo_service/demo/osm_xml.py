"""
Writes a drawn town as an ordinary OpenStreetMap file, with the standard library alone.

``.osm`` is plain XML, ``.osm.gz`` and ``.osm.bz2`` are packed; equal towns give equal bytes (no time
of packing is stored). Identifiers start at 100 000 000 001, where OpenStreetMap has none.
"""

import bz2
import gzip
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import quoteattr

from geo_service.demo.plane import Point, apart
from geo_service.demo.town import Street, Tags, Town
from geo_service.errors import InvalidInputError

FIRST_ID = 100_000_000_001
SUFFIXES = (".osm", ".osm.gz", ".osm.bz2")
NOTICE = (
    "Synthetic demo district: nothing in this file exists. 合成的示例街区: 文件中的一切均为虚构。 CC0-1.0"
)

Progress = Callable[[str, int, int], None]


class _Sink(Protocol):
    """Whatever takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take them."""


class _Sheet:
    """Nodes and ways as they will be written: positions, tags, and way members by index."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.places: list[Point] = [town.warp.lonlat(p) for p in town.at]
        self.tags: dict[int, Tags] = dict(town.node_tags)
        self.ways: list[tuple[list[int], Tags]] = []
        self.relations: list[tuple[list[tuple[int, str]], Tags]] = []

    def node(self, lonlat: Point) -> int:
        """Add one more node."""
        self.places.append(lonlat)
        return len(self.places) - 1

    def bend(self, a: Point, b: Point) -> Iterator[int]:
        """Nodes between two points of the board where the warp bends the line visibly."""
        bent = self.town.warp.bent
        p, q, m = bent(a), bent(b), bent(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2))
        sag = apart(m, ((p[0] + q[0]) / 2, (p[1] + q[1]) / 2))
        if sag < 0.35:
            if apart(a, b) < 400.0:
                return
            sag = 2.0
        pieces = math.ceil(math.sqrt(sag / 0.3))
        for i in range(1, pieces):
            share = i / pieces
            mid = (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
            yield self.node(self.town.warp.lonlat(mid))

    def chain(self, nodes: list[tuple[Point, int]]) -> list[int]:
        """Members of a way through nodes, with bends between them."""
        out = [nodes[0][1]]
        for (a, _), (b, n) in pairwise(nodes):
            out.extend(self.bend(a, b))
            out.append(n)
        return out


def check_suffix(path: Path) -> Path:
    """
    Pass a path that ends like an OSM XML file.

    Parameters
    ----------
    path
        File to be written.

    Returns
    -------
    path
        The same.

    Raises
    ------
    InvalidInputError
        If it ends otherwise.
    """
    if not path.name.endswith(SUFFIXES):
        raise InvalidInputError(
            f"path={path.name!r} does not end in one of {', '.join(SUFFIXES)}; the demo writes OSM XML, "
            "other programs convert it",
            parameter="path",
            value=str(path),
        )
    return path


def write_osm(
    town: Town, boundary: tuple[Point, ...], path: Path, tags: Tags, progress: Progress | None
) -> None:
    """
    Write a town.

    Parameters
    ----------
    town
        The finished board.
    boundary
        Outline of the district on the board, metres.
    path
        File to write, by suffix ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    tags
        Tags of the boundary relation.
    progress
        Called as ``progress(stage, done, total)``.

    Raises
    ------
    InvalidInputError
        If the suffix is another.
    """
    name = check_suffix(path).name
    sheet = _lay_out(town, boundary, tags, progress)
    with path.open("wb") as raw:
        if name.endswith(".gz"):
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
                _write(sheet, packed, progress)
        elif name.endswith(".bz2"):
            with bz2.BZ2File(raw, "wb", compresslevel=6) as packed_bz2:
                _write(sheet, packed_bz2, progress)
        else:
            _write(sheet, raw, progress)


def _lay_out(town: Town, boundary: tuple[Point, ...], tags: Tags, progress: Progress | None) -> _Sheet:
    """Turn streets, ways, areas and points of the board into nodes, ways and relations."""
    sheet = _Sheet(town)
    rings: dict[int, list[tuple[float, int]]] = {node: [] for node in town.roundabouts}
    for street in town.streets:
        _street_ways(sheet, street, rings)
    _roundabout_ways(sheet, rings)
    for nodes, way_tags in town.ways:
        sheet.ways.append((sheet.chain([(town.at[n], n) for n in nodes]), way_tags))
    for i, (corners, area_tags, stiff) in enumerate(town.areas):
        if progress is not None and i % 4000 == 0:
            progress("lay out", i, len(town.areas))
        _area_way(sheet, corners, area_tags, stiff=stiff)
    for p, point_tags in town.points:
        sheet.tags[sheet.node(town.warp.lonlat(p))] = point_tags
    _area_way(sheet, boundary, {"boundary": "administrative"}, stiff=False)
    sheet.relations.append(([(len(sheet.ways) - 1, "outer")], tags))
    return sheet


def _street_ways(sheet: _Sheet, street: Street, rings: dict[int, list[tuple[float, int]]]) -> None:
    """Ways of a street: cut where a bridge or tunnel begins and ends, and at roundabouts."""
    town = sheet.town
    stations = sorted({(round(t, 4), n) for t, n in street.nodes})
    cuts = sorted({t for low, high, _ in street.spans for t in (low, high) if 1.0 < t < street.length - 1.0})
    for t in cuts:
        stations.append((t, _cut_node(sheet, street, t)))
    stations.sort()
    run: list[tuple[float, int]] = []
    for t, n in stations:
        if n in rings:
            radius = town.roundabouts[n]
            before = _ring_node(sheet, street, t - radius, rings[n]) if run else None
            if before is not None:
                _emit(sheet, street, [*run, before])
            after = _ring_node(sheet, street, t + radius, rings[n]) if t + radius < stations[-1][0] else None
            run = [after] if after is not None else []
            continue
        run.append((t, n))
        if t in cuts:
            _emit(sheet, street, run)
            run = [(t, n)]
    _emit(sheet, street, run)


def _cut_node(sheet: _Sheet, street: Street, t: float) -> int:
    """Node at which the tags of a street change."""
    for at, node in street.nodes:
        if abs(at - t) < 0.01:
            return node
    return sheet.node(sheet.town.warp.lonlat(street.point(t)))


def _ring_node(sheet: _Sheet, street: Street, t: float, ring: list[tuple[float, int]]) -> tuple[float, int]:
    """Node where a street meets a roundabout."""
    node = sheet.node(sheet.town.warp.lonlat(street.point(t)))
    ring.append((t, node))
    return (t, node)


def _emit(sheet: _Sheet, street: Street, run: list[tuple[float, int]]) -> None:
    """One way of a street, with the tags of the span it lies in."""
    if len(run) < 2:
        return
    middle = (run[0][0] + run[-1][0]) / 2
    tags = street.tags
    for low, high, more in street.spans:
        if low - 0.5 < middle < high + 0.5:
            tags = tags | more
    count = len(sheet.town.at)
    places = [(sheet.town.at[n] if n < count else street.point(t), n) for t, n in run]
    sheet.ways.append((sheet.chain(places), tags))


def _roundabout_ways(sheet: _Sheet, rings: dict[int, list[tuple[float, int]]]) -> None:
    """Closed one-way rings, counter-clockwise because traffic keeps right."""
    town = sheet.town
    for node, met in rings.items():
        centre = town.warp.lonlat(town.at[node])
        stretch = math.cos(math.radians(centre[1]))
        nodes = [n for _, n in met]
        for i in range(12):
            angle = i * math.pi / 6 + 0.2
            p = town.at[node]
            r = town.roundabouts[node]
            nodes.append(
                sheet.node(town.warp.lonlat((p[0] + r * math.cos(angle), p[1] + r * math.sin(angle))))
            )

        def bearing(n: int, c: Point = centre, k: float = stretch) -> float:
            q = sheet.places[n]
            return math.atan2(q[1] - c[1], (q[0] - c[0]) * k)

        nodes.sort(key=bearing)
        sheet.ways.append(([*nodes, nodes[0]], {"highway": "tertiary", "junction": "roundabout"}))


def _area_way(sheet: _Sheet, corners: tuple[Point, ...], tags: Tags, *, stiff: bool) -> None:
    """A closed way around an area."""
    warp = sheet.town.warp
    if stiff:
        ring = [sheet.node(warp.globe(p)) for p in warp.stiff(corners)]
    else:
        ring = []
        for i, p in enumerate(corners):
            ring.append(sheet.node(warp.lonlat(p)))
            ring.extend(sheet.bend(p, corners[(i + 1) % len(corners)]))
    sheet.ways.append(([*ring, ring[0]], tags))


def _write(sheet: _Sheet, out: _Sink, progress: Progress | None) -> None:
    """Write the sheet as OSM XML: nodes, ways, relations, each by rising identifier."""
    lines = [
        "<?xml version='1.0' encoding='UTF-8'?>",
        '<osm version="0.6" generator="geo_service.demo (synthetic)">',
    ]
    lines.append(f"  <!-- {NOTICE} -->")
    lons, lats = [p[0] for p in sheet.places], [p[1] for p in sheet.places]
    low, high = (min(lons), min(lats)), (max(lons), max(lats))
    lines.append(
        f'  <bounds minlat="{low[1]:.7f}" minlon="{low[0]:.7f}" maxlat="{high[1]:.7f}" maxlon="{high[0]:.7f}"/>'
    )
    total = len(sheet.places) + len(sheet.ways)
    for i, (lon, lat) in enumerate(sheet.places):
        head = f'  <node id="{FIRST_ID + i}" version="1" lat="{lat:.7f}" lon="{lon:.7f}"'
        tags = sheet.tags.get(i)
        if tags:
            lines.extend((head + ">", *_tag_lines(tags), "  </node>"))
        else:
            lines.append(head + "/>")
        if len(lines) > 20_000:
            _flush(lines, out, progress, i, total)
    for i, (members, way_tags) in enumerate(sheet.ways):
        lines.append(f'  <way id="{FIRST_ID + i}" version="1">')
        lines.extend(f'    <nd ref="{FIRST_ID + n}"/>' for n in members)
        lines.extend((*_tag_lines(way_tags), "  </way>"))
        if len(lines) > 20_000:
            _flush(lines, out, progress, len(sheet.places) + i, total)
    for i, (parts, relation_tags) in enumerate(sheet.relations):
        lines.append(f'  <relation id="{FIRST_ID + i}" version="1">')
        lines.extend(f'    <member type="way" ref="{FIRST_ID + w}" role="{role}"/>' for w, role in parts)
        lines.extend((*_tag_lines(relation_tags), "  </relation>"))
    lines.append("</osm>")
    _flush(lines, out, progress, total, total)


def _tag_lines(tags: Tags) -> Iterator[str]:
    """Tag elements, every one of these saying that the thing is synthetic."""
    for key, value in (tags | {"source": "synthetic"}).items():
        yield f"    <tag k={quoteattr(key)} v={quoteattr(value)}/>"


def _flush(lines: list[str], out: _Sink, progress: Progress | None, done: int, total: int) -> None:
    """Hand the lines so far to the file."""
    out.write(("\n".join(lines) + "\n").encode())
    lines.clear()
    if progress is not None:
        progress("write", done, total)
