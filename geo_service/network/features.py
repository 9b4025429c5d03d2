"""
What OpenStreetMap knows besides streets: places, buildings, areas; read once, kept as GeoJSON.

Light to import: a server that only loads what `init` saved needs neither osmium nor osmnx.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import shapely

from geo_service.errors import BadDataError
from geo_service.geo import BBox, BoolArray, FloatArray
from geo_service.network.areas import Rings, build_polygon, build_polygons, find_rings
from geo_service.network.graph import NONE, LongArray
from geo_service.network.raw import E7, OsmData, OsmWay, Tags, words

OsmKind = Literal["node", "way", "relation"]

POI_KEYS = ("amenity", "shop", "healthcare", "emergency", "office", "craft", "tourism", "drinking_water")
"""Anything with one of these keys is a place."""

POI_VALUES: Mapping[str, frozenset[str]] = {
    "man_made": frozenset(("water_tap", "drinking_fountain", "water_well")),
    "natural": frozenset(("spring",)),
    "railway": frozenset(("station", "subway_entrance", "halt", "tram_stop")),
    "highway": frozenset(("bus_stop",)),
    "leisure": frozenset(("fitness_centre", "sports_centre", "park", "garden")),
    "place": words("city town suburb quarter neighbourhood village hamlet square"),
    "barrier": frozenset(
        ("gate", "lift_gate", "swing_gate", "sliding_gate", "wicket_gate", "entrance", "toll_booth")
    ),
}
"""Of these keys only some values are places; the gates are where couriers get stuck."""

AREA_KEYS = ("landuse", "leisure", "natural", "water", "place", "waterway")
"""Closed ways and multipolygons with one of these keys are areas."""

LINE_VALUES: Mapping[str, frozenset[str]] = {
    "railway": words("rail light_rail subway tram monorail narrow_gauge funicular"),
    "waterway": words("river canal stream drain ditch"),
}
"""Ways that a map draws as lines, besides every highway."""

LINE_TAGS = words(
    "highway railway waterway name name:en ref service footway crossing bridge tunnel layer oneway covered indoor "
    "access"
)
"""Tags of lines that are kept: what a map draws by, not what a router needs."""

COMPOUND_AMENITIES = words("school university college hospital marketplace kindergarten parking")

_FORMAT = "geo_service osm features"
_VERSION = 1


@dataclass(frozen=True)
class OsmPoi:
    """
    One place with its tags; where it was drawn as an area, a point inside that area.

    Parameters
    ----------
    osm
        Its name in OpenStreetMap, such as ``"node/123"``.
    lon, lat
        Degrees, WGS 84.
    tags
        All tags, as they were.
    """

    osm: str
    lon: float
    lat: float
    tags: Tags

    @property
    def kind(self) -> OsmKind:
        """What it was drawn as."""
        return self.osm.partition("/")[0]  # type: ignore[return-value]


@dataclass(frozen=True)
class OsmArea:
    """
    One building or area with its tags.

    Parameters
    ----------
    osm
        Its name in OpenStreetMap, such as ``"way/123"``.
    geometry
        GeoJSON Polygon or MultiPolygon, degrees, outlines counter-clockwise.
    tags
        All tags, as they were.
    """

    osm: str
    geometry: Mapping[str, Any]
    tags: Tags


@dataclass(frozen=True)
class OsmLine:
    """
    One street, railway or stream as it is drawn.

    Parameters
    ----------
    osm
        Its name in OpenStreetMap, such as ``"way/123"``.
    lonlat
        Its corners in order, degrees, WGS 84; corners that the extract does not hold are left out.
    tags
        Those of `LINE_TAGS`.
    """

    osm: str
    lonlat: tuple[tuple[float, float], ...]
    tags: Tags


@dataclass(frozen=True)
class ReadReport:
    """
    What was read, and what was wrong with it.

    Parameters
    ----------
    nodes, ways, relations
        Objects with tags of interest, and what they are made of.
    missing_nodes
        Nodes that streets name and the extract does not contain.
    cut_ways
        Streets interrupted by such nodes.
    broken_relations
        Wanted multipolygons with missing members, or rings that do not close.
    broken_areas
        Closed ways whose polygon could not be built.
    profiles
        By profile: nodes, edges, links, islands, island_nodes.
    """

    nodes: int = 0
    ways: int = 0
    relations: int = 0
    missing_nodes: int = 0
    cut_ways: int = 0
    broken_relations: int = 0
    broken_areas: int = 0
    profiles: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class OsmFeatures:
    """
    Places, buildings and areas of one extract.

    Parameters
    ----------
    pois
        Places, by kind and id.
    buildings
        Outlines, by kind and id; ``building:levels`` is among the tags where known.
    areas
        Parks, water, land use, named compounds, by kind and id.
    bbox
        The box that was asked for, or that of the data.
    timestamp
        State of the data, ISO 8601, None if unknown.
    report
        Counts and troubles.
    lines
        Streets, railways and streams, by id; empty in a district that was made before they were kept.
    """

    pois: tuple[OsmPoi, ...]
    buildings: tuple[OsmArea, ...]
    areas: tuple[OsmArea, ...]
    bbox: BBox
    timestamp: str | None
    report: ReadReport
    lines: tuple[OsmLine, ...] = ()


def is_poi(tags: Tags) -> bool:
    """Whether tags describe a place."""
    if any(tags.get(key, "no") != "no" for key in POI_KEYS):
        return True
    return any(tags.get(key) in values for key, values in POI_VALUES.items())


def _is_building(tags: Tags) -> bool:
    return tags.get("building", "no") != "no"


def _is_area(tags: Tags) -> bool:
    if any(key in tags for key in AREA_KEYS) or tags.get("amenity") in COMPOUND_AMENITIES:
        return True
    return "highway" in tags and (tags.get("area") == "yes" or tags.get("type") == "multipolygon")


def _is_line(tags: Tags) -> bool:
    if "highway" in tags:
        return tags.get("area") != "yes"
    return any(tags.get(key) in values for key, values in LINE_VALUES.items())


@dataclass
class _Collector:
    pois: list[OsmPoi] = field(default_factory=list)
    buildings: list[OsmArea] = field(default_factory=list)
    areas: list[OsmArea] = field(default_factory=list)
    broken_relations: int = 0
    broken_areas: int = 0

    def add(self, osm: str, tags: Tags, geometry: shapely.Geometry) -> None:
        if is_poi(tags):
            self.pois.append(_inner_poi(osm, geometry, tags))
        is_building, is_area = _is_building(tags), _is_area(tags)
        if is_building or is_area:
            area = OsmArea(osm, _geojson(geometry), tags)
            if is_building:
                self.buildings.append(area)
            if is_area:
                self.areas.append(area)


def _inner_poi(osm: str, geometry: shapely.Geometry, tags: Tags) -> OsmPoi:
    lon, lat = shapely.get_coordinates(shapely.point_on_surface(geometry))[0].round(7).tolist()
    return OsmPoi(osm, lon, lat, tags)


def _geojson(geometry: shapely.Geometry) -> dict[str, Any]:
    if isinstance(geometry, shapely.Polygon):
        return {"type": "Polygon", "coordinates": _ring_lists(geometry)}
    return {
        "type": "MultiPolygon",
        "coordinates": [_ring_lists(part) for part in shapely.get_parts(geometry)],
    }


def _ring_lists(polygon: shapely.Polygon) -> list[Any]:
    return [
        shapely.get_coordinates(ring).round(7).tolist() for ring in (polygon.exterior, *polygon.interiors)
    ]


def build_features(data: OsmData, is_inside: BoolArray, bbox: BBox, report: ReadReport) -> OsmFeatures:
    """
    Collect places, buildings and areas.

    Parameters
    ----------
    data
        Objects as read.
    is_inside
        For each node whether it lies in the wanted area; an object with one node inside is kept whole.
    bbox
        Box to put into the result.
    report
        What the streets reported; the areas' troubles are added.

    Returns
    -------
    features
        In the order node, way, relation, each by id.
    """
    found = _Collector()
    found.pois += _node_pois(data, is_inside)
    members = {way.id: way for way in data.ways}
    _collect_ways(data, is_inside, found)
    for relation in data.relations:
        rings = find_rings(relation, members)
        found.broken_relations += not rings.is_whole
        _collect_rings(data, f"relation/{relation.id}", relation.tags, rings, is_inside, found)
    return OsmFeatures(
        pois=tuple(found.pois),
        buildings=tuple(found.buildings),
        areas=tuple(found.areas),
        bbox=bbox,
        timestamp=data.timestamp,
        report=ReadReport(
            **{
                **{name: getattr(report, name) for name in ReadReport.__dataclass_fields__},
                "broken_relations": found.broken_relations,
                "broken_areas": found.broken_areas,
            }
        ),
        lines=tuple(_lines(data, is_inside)),
    )


def _node_pois(data: OsmData, is_inside: BoolArray) -> Iterator[OsmPoi]:
    ids = [node for node, tags in data.node_tags.items() if is_poi(tags)]
    for node, row in zip(ids, data.positions(ids).tolist(), strict=True):
        if row != NONE and is_inside[row]:
            lon, lat = int(data.node_lon_e7[row]) / E7, int(data.node_lat_e7[row]) / E7
            yield OsmPoi(f"node/{node}", lon, lat, data.node_tags[node])


def _outline_rows(data: OsmData, ways: Sequence[OsmWay]) -> Iterator[tuple[OsmWay, LongArray]]:
    """Pair ways with the rows of their nodes, looked up all at once."""
    rows = data.positions([ref for way in ways for ref in way.refs])
    stops = np.cumsum([len(way.refs) for way in ways]).tolist()
    for way, start, stop in zip(ways, [0, *stops], stops, strict=False):
        yield way, rows[start:stop]


def _collect_ways(data: OsmData, is_inside: BoolArray, found: _Collector) -> None:
    wanted = [way for way in data.ways if is_poi(way.tags) or _is_building(way.tags) or _is_area(way.tags)]
    whole: list[tuple[OsmWay, FloatArray]] = []
    for way, rows in _outline_rows(data, wanted):
        known = rows[rows != NONE]
        if not is_inside[known].any() or not (way.is_closed or is_poi(way.tags)):
            continue
        if way.is_closed and len(known) < len(rows):
            found.broken_areas += 1
        elif way.is_closed or len(known) >= 2:
            whole.append((way, np.column_stack([data.node_lon_e7[known], data.node_lat_e7[known]]) / E7))
    closed = [(way, lonlat) for way, lonlat in whole if way.is_closed]
    polygons = dict(
        zip([way.id for way, _ in closed], build_polygons([line for _, line in closed]), strict=True)
    )
    for way, lonlat in whole:
        geometry = polygons[way.id] if way.is_closed else shapely.LineString(lonlat)
        if geometry is None:
            found.broken_areas += 1
        elif way.is_closed:
            found.add(f"way/{way.id}", way.tags, geometry)
        else:
            found.pois.append(_inner_poi(f"way/{way.id}", geometry, way.tags))


def _lines(data: OsmData, is_inside: BoolArray) -> Iterator[OsmLine]:
    wanted = [way for way in data.ways if _is_line(way.tags)]
    for way, rows in _outline_rows(data, wanted):
        known = rows[rows != NONE]
        if len(known) < 2 or not is_inside[known].any():
            continue
        lonlat = np.column_stack([data.node_lon_e7[known], data.node_lat_e7[known]]) / E7
        tags = {key: value for key, value in way.tags.items() if key in LINE_TAGS}
        yield OsmLine(f"way/{way.id}", tuple(map(tuple, lonlat.tolist())), tags)


def _collect_rings(
    data: OsmData, osm: str, tags: Tags, rings: Rings, is_inside: BoolArray, found: _Collector
) -> None:
    rows = data.positions([ref for ring in rings.outer for ref in ring])
    if not is_inside[rows[rows != NONE]].any():
        return
    geometry = build_polygon(data, rings)
    if geometry is None:
        found.broken_areas += 1
    else:
        found.add(osm, tags, geometry)


# --- files ----------------------------------------------------------------------------------


def save_features(features: OsmFeatures, folder: Path) -> None:
    """
    Write features as GeoJSON files that QGIS opens, and an ``osm.json`` with the rest.

    Parameters
    ----------
    features
        What to write.
    folder
        New or existing; gets ``osm.json``, and ``.geojson`` files of ``pois``, ``buildings``, ``areas``, ``lines``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    points = (
        (poi.osm, {"type": "Point", "coordinates": [poi.lon, poi.lat]}, poi.tags) for poi in features.pois
    )
    _write_geojson(folder / "pois.geojson", points)
    for name in ("buildings", "areas"):
        areas: tuple[OsmArea, ...] = getattr(features, name)
        _write_geojson(folder / f"{name}.geojson", ((area.osm, area.geometry, area.tags) for area in areas))
    lines = (
        (line.osm, {"type": "LineString", "coordinates": line.lonlat}, line.tags) for line in features.lines
    )
    _write_geojson(folder / "lines.geojson", lines)
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "attribution": "© OpenStreetMap contributors (ODbL)",
        "bbox": list(features.bbox),
        "timestamp": features.timestamp,
        "report": asdict(features.report),
    }
    _write(folder / "osm.json", json.dumps(header, ensure_ascii=False, indent=1).encode())


def _write_geojson(path: Path, rows: Iterable[tuple[str, Mapping[str, Any], Tags]]) -> None:
    lines = [
        orjson.dumps({"type": "Feature", "id": osm, "properties": dict(tags), "geometry": dict(geometry)})
        for osm, geometry, tags in rows
    ]
    head = b'{"type":"FeatureCollection","name":"' + path.stem.encode() + b'","features":[\n'
    _write(path, head + b",\n".join(lines) + b"\n]}\n")


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def load_features(folder: Path) -> OsmFeatures:
    """
    Read what `save_features` wrote.

    Parameters
    ----------
    folder
        Where it was written.

    Returns
    -------
    features
        Equal to what was saved.

    Raises
    ------
    BadDataError
        If a file is missing or not of this form.
    """
    try:
        header = json.loads((folder / "osm.json").read_text(encoding="utf-8"))
        if (header["format"], header["version"]) != (_FORMAT, _VERSION):
            raise ValueError("written by another version")
        return OsmFeatures(
            pois=tuple(_load_poi(row) for row in _rows(folder / "pois.geojson")),
            buildings=_load_areas(folder / "buildings.geojson"),
            areas=_load_areas(folder / "areas.geojson"),
            bbox=BBox(*header["bbox"]),
            timestamp=header["timestamp"],
            report=ReadReport(**header["report"]),
            lines=_load_lines(folder / "lines.geojson"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadDataError(
            f"{folder}: OSM features unreadable ({error}); build them anew with `geo-service init`",
            path=str(folder),
        ) from error


def _load_poi(row: Mapping[str, Any]) -> OsmPoi:
    lon, lat = row["geometry"]["coordinates"]
    return OsmPoi(row["id"], lon, lat, row["properties"])


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orjson.loads(path.read_bytes())["features"]
    return rows


def _load_areas(path: Path) -> tuple[OsmArea, ...]:
    return tuple(OsmArea(row["id"], row["geometry"], row["properties"]) for row in _rows(path))


def _load_lines(path: Path) -> tuple[OsmLine, ...]:
    """Lines, or none where the district was made before they were kept."""
    if not path.exists():
        return ()
    return tuple(
        OsmLine(
            row["id"], tuple((lon, lat) for lon, lat in row["geometry"]["coordinates"]), row["properties"]
        )
        for row in _rows(path)
    )
