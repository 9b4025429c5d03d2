"""
What a basemap shows of a district: OSM features chosen, classed and put into tile layers.

The layers, and the ``kind`` a style goes by, are listed in ``docs/guide/basemap.md``. Roads of one kind and
name are joined end to end, so that a name has room; areas get their label point here, because finding one in
the browser is slow and can go wrong there.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
import shapely.geometry

from geo_service.network.features import OsmArea, OsmFeatures, OsmLine, OsmPoi
from geo_service.network.graph import MODES, Network
from geo_service.network.raw import Tags, words

MIN_ZOOM, MAX_ZOOM = 9, 14
"""Zooms of the tiles. A tile of zoom z is drawn at display zoom z + 2 (1024 px wide), the last ones closer too."""

ROAD_KINDS: Mapping[str, tuple[int, frozenset[str]]] = {
    "highway": (9, words("motorway motorway_link")),
    "main": (9, words("trunk trunk_link primary primary_link")),
    "second": (10, words("secondary secondary_link")),
    "third": (11, words("tertiary tertiary_link")),
    "street": (12, words("residential unclassified road busway")),
    "lane": (13, words("service living_street track")),
    "square": (14, words("pedestrian")),
    "path": (14, words("footway path cycleway bridleway corridor")),
    "steps": (14, words("steps")),
}
"""Kind of road → zoom from which it is in the tiles, and its values of ``highway``."""

STREET_M, AVENUE_M = 350.0, 1500.0
"""Without OSM classes, a named street at least this long in the district counts as third, as second."""

_GREEN = {
    "leisure": words("park garden pitch golf_course playground nature_reserve dog_park"),
    "landuse": words(
        "grass forest meadow recreation_ground village_green cemetery orchard allotments flowerbed"
    ),
    "natural": words("wood scrub grassland heath"),
}
_LAND = {
    "estate": ("landuse", words("residential")),
    "shops": ("landuse", words("retail commercial")),
    "works": ("landuse", words("industrial railway construction brownfield port military")),
}
_CAMPUS = words("school university college kindergarten hospital")
_SQUARES = words("pedestrian footway")
_GATES = words("gate lift_gate swing_gate sliding_gate wicket_gate entrance toll_booth")
_TRAINS = words("rail light_rail narrow_gauge funicular monorail subway tram")

_LANDMARKS: Mapping[str, frozenset[str]] = {
    "tourism": words("attraction museum hotel gallery zoo theme_park viewpoint"),
    "shop": words("mall department_store supermarket"),
    "amenity": words(
        "townhall library marketplace cinema theatre bus_station university college school hospital police fire_station"
    ),
    "leisure": words("sports_centre stadium"),
    "office": words("government"),
}
"""What people steer by."""

_PLACES = {
    "city": 9,
    "town": 9,
    "suburb": 10,
    "quarter": 11,
    "village": 11,
    "neighbourhood": 12,
    "hamlet": 12,
}

_AREA_ZOOMS = ((400_000.0, 9), (100_000.0, 10), (25_000.0, 11), (6_000.0, 12), (1_500.0, 13))
"""Square metres from which an area is in the tiles of a zoom; smaller ones only at the last."""

_NAME_ZOOMS = ((1_000_000.0, 10), (250_000.0, 11), (60_000.0, 12), (15_000.0, 13))
"""The same for names of areas."""

THIN_DEG = 4e-6
"""How far a joined line may stray: not half a metre; most corners of a street are junctions on a straight line."""

LEAST_M2 = {"building": 12.0, "green": 60.0, "water": 60.0, "land": 400.0}


class Drawn(NamedTuple):
    """One thing on the map: tile layer, first zoom, attributes, geometry in degrees."""

    layer: str
    minzoom: int
    attributes: Mapping[str, str | int]
    geometry: shapely.Geometry


def draw_ground(features: OsmFeatures, networks: Sequence[Network] = ()) -> Iterator[Drawn]:
    """
    Choose what a basemap shows.

    Parameters
    ----------
    features
        What the district keeps of OpenStreetMap.
    networks
        Streets to draw instead, where no lines were kept; how far a name runs then tells the kind of street.

    Yields
    ------
    drawn
        In a stable order; within a layer the larger and the more important first.
    """
    yield from _areas(features.areas)
    yield from _buildings(features.buildings)
    yield from _roads(_lines_of(networks) if not features.lines else _osm_roads(features.lines))
    yield from _rails_and_streams(features.lines)
    yield from _labels(features)


# --- areas --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Area:
    layer: str
    kind: str
    name: str
    size_m2: float
    shape: shapely.Geometry


def _areas(areas: Iterable[OsmArea]) -> Iterator[Drawn]:
    kept = [one for one in map(_area, areas) if one is not None]
    for one in sorted(kept, key=lambda one: -one.size_m2):
        yield Drawn(one.layer, _zoom(one.size_m2, _AREA_ZOOMS), {"kind": one.kind}, one.shape)
        if one.name:
            named = _kind(one.kind if one.layer == "land" else one.layer, one.name)
            zoom = _zoom(one.size_m2, _NAME_ZOOMS)
            yield Drawn(
                "label", zoom, named | {"rank": -_rank(one.size_m2)}, shapely.point_on_surface(one.shape)
            )


def _area(area: OsmArea) -> _Area | None:
    found = _area_kind(area.tags)
    if found is None:
        return None
    shape = shapely.geometry.shape(dict(area.geometry))
    size_m2 = _size_m2(shape)
    if size_m2 < LEAST_M2[found[0]]:
        return None
    return _Area(*found, _name(area.tags), size_m2, shape)


def _area_kind(tags: Tags) -> tuple[str, str] | None:
    if tags.get("natural") == "water" or tags.get("waterway") == "riverbank" or "water" in tags:
        return "water", "water"
    if tags.get("landuse") in ("reservoir", "basin") or tags.get("leisure") == "swimming_pool":
        return "water", "water"
    for key, values in _GREEN.items():
        if tags.get(key) in values:
            return "green", "pitch" if tags[key] in ("pitch", "playground") else "green"
    if tags.get("amenity") in _CAMPUS:
        return "land", "hospital" if tags["amenity"] == "hospital" else "campus"
    for kind, (key, values) in _LAND.items():
        if tags.get(key) in values:
            return "land", kind
    if tags.get("highway") in _SQUARES or tags.get("place") == "square":
        return "land", "square"
    return None


def _buildings(buildings: Iterable[OsmArea]) -> Iterator[Drawn]:
    for building in buildings:
        shape = shapely.geometry.shape(dict(building.geometry))
        size_m2 = _size_m2(shape)
        if size_m2 < LEAST_M2["building"]:
            continue
        yield Drawn("building", 13 if size_m2 >= 2_500.0 else 14, {}, shape)
        name = _house_name(building.tags)
        if name:
            named = _kind("house", name) | {"rank": -_rank(size_m2)}
            yield Drawn("label", 14, named, shapely.point_on_surface(shape))


def _house_name(tags: Tags) -> str:
    """What couriers look for on a house: its name, else its number."""
    return _name(tags) or _clean(tags.get("ref", "")) or _clean(tags.get("addr:housenumber", ""))


# --- lines --------------------------------------------------------------------------------------


class _Road(NamedTuple):
    kind: str
    name: str
    level: int  # -1 tunnel, 0, 1 bridge
    line: shapely.Geometry


def _osm_roads(lines: Iterable[OsmLine]) -> Iterator[_Road]:
    for line in lines:
        kind = _road_kind(line.tags)
        if kind:
            level = (line.tags.get("bridge", "no") != "no") - (line.tags.get("tunnel", "no") != "no")
            yield _Road(kind, _name(line.tags), level, shapely.LineString(line.lonlat))


def _road_kind(tags: Tags) -> str:
    value = tags.get("highway", "")
    if value == "footway" and tags.get("footway") in ("crossing", "sidewalk"):
        return ""  # beside every street, and drawn with it
    if tags.get("service") == "parking_aisle" or tags.get("indoor", "no") != "no":
        return ""
    return next((kind for kind, (_, values) in ROAD_KINDS.items() if value in values), "")


def _lines_of(networks: Sequence[Network]) -> Iterator[_Road]:
    """Links of networks, those that two networks share once; nobody rides on a path."""
    ridden = {way for network in networks for way in _ridden_ways(network)}
    lengths_m = _name_lengths_m(networks)
    seen: set[bytes] = set()
    for network in networks:
        lonlat = np.column_stack([network.point_lon_e6, network.point_lat_e6])
        corners = np.split(lonlat, network.first_point[1:-1])
        rows = zip(corners, network.link_name.tolist(), network.link_way.tolist(), strict=True)
        for points, name_id, way in rows:
            key = min(points.tobytes(), points[::-1].tobytes())
            if key in seen:
                continue
            seen.add(key)
            name = network.names[name_id]
            kind = _guess_kind(name, lengths_m[name]) if way in ridden else "path"
            yield _Road(kind, _clean(name), 0, shapely.LineString(points / 1e6))


def _ridden_ways(network: Network) -> list[int]:
    ridden = network.edge_link[network.edge_mode == MODES.index("ride")]
    ways: list[int] = np.unique(network.link_way[ridden]).tolist()
    return ways


def _name_lengths_m(networks: Sequence[Network]) -> Mapping[str, float]:
    lengths: dict[str, float] = defaultdict(float)
    for network in networks:
        totals = np.bincount(network.link_name, network.link_length_mm / 1000, minlength=len(network.names))
        for name, total in zip(network.names, totals.tolist(), strict=True):
            lengths[name] = max(lengths[name], total)
    return lengths


def _guess_kind(name: str, length_m: float) -> str:
    if not name or length_m < STREET_M:
        return "lane"
    return "second" if length_m >= AVENUE_M else "third"


def _roads(roads: Iterable[_Road]) -> Iterator[Drawn]:
    """Join roads of one kind, name and level; a dual carriageway stays two lines."""
    groups: dict[tuple[str, str, int], list[shapely.Geometry]] = defaultdict(list)
    for road in roads:
        groups[road.kind, road.name, road.level].append(road.line)
    order = {kind: i for i, kind in enumerate(ROAD_KINDS)}
    for (kind, name, level), lines in sorted(
        groups.items(), key=lambda row: (row[0][2], -order[row[0][0]], row[0])
    ):
        attributes = _kind(kind, name) | ({"level": level} if level else {})
        # lanes without a name, most of them inside estates, would fill the middle zooms and half their bytes
        minzoom = MAX_ZOOM if kind == "lane" and not name else ROAD_KINDS[kind][0]
        for line in _joined(lines):
            yield Drawn("road", minzoom, attributes, line)


def _joined(lines: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    merged = shapely.line_merge(shapely.multilinestrings(list(lines)))
    thin = shapely.simplify(shapely.get_parts(merged), THIN_DEG)
    return sorted(thin.tolist(), key=shapely.to_wkb)


def _rails_and_streams(lines: Iterable[OsmLine]) -> Iterator[Drawn]:
    groups: dict[tuple[str, str, str], list[shapely.Geometry]] = defaultdict(list)
    for line in lines:
        found = _thin_kind(line.tags)
        if found:
            # trains have the names of their lines, which riders do not go by
            groups[(*found, _name(line.tags) if found[0] == "stream" else "")].append(
                shapely.LineString(line.lonlat)
            )
    for (layer, kind, name), members in sorted(groups.items()):
        zoom = {"rail": 10, "river": 9, "stream": 13}.get(kind, 12)
        for joined in _joined(members):
            yield Drawn(layer, zoom, _kind(kind, name), joined)


def _thin_kind(tags: Tags) -> tuple[str, str] | None:
    if tags.get("railway") in _TRAINS:
        buried = tags.get("tunnel", "no") != "no" or (tags["railway"] == "subway" and "bridge" not in tags)
        kind = "tram" if tags["railway"] == "tram" else "rail"
        return None if buried else ("rail", kind if tags.get("service") is None else "siding")
    if "waterway" in tags and tags.get("tunnel", "no") in ("no",):
        return "stream", "river" if tags["waterway"] in ("river", "canal") else "stream"
    return None


# --- points -------------------------------------------------------------------------------------


def _labels(features: OsmFeatures) -> Iterator[Drawn]:
    rows = [row for row in map(_label, features.pois) if row is not None]
    yield from sorted(rows, key=lambda row: (row.minzoom, str(row.attributes), shapely.to_wkb(row.geometry)))


def _label(poi: OsmPoi) -> Drawn | None:
    tags, name, point = poi.tags, _name(poi.tags), shapely.Point(poi.lon, poi.lat)
    railway, barrier, place = tags.get("railway", ""), tags.get("barrier", ""), tags.get("place", "")
    if railway == "subway_entrance":
        sign = _clean(tags.get("ref", "")) or name
        return Drawn("label", 14, _kind("exit", sign), point)
    if railway in ("station", "halt") and name:
        return Drawn("label", 11, _kind("station", name), point)
    if barrier in _GATES:
        shut = (
            tags.get("access") in ("private", "no")
            or tags.get("bicycle") == "no"
            or tags.get("locked") == "yes"
        )
        return Drawn("label", 14, _kind("gate_shut" if shut else "gate", name), point)
    if place in _PLACES and name and poi.kind == "node":
        return Drawn("label", _PLACES[place], _kind("place", name) | {"rank": _PLACES[place]}, point)
    if not name or (_area_kind(tags) is not None and poi.kind != "node"):
        return None  # an area brings its own name
    if any(tags.get(key) in values for key, values in _LANDMARKS.items()):
        return Drawn("label", 14, _kind("landmark", name), point)
    if tags.get("highway") == "bus_stop":
        return Drawn("label", 14, _kind("bus", name), point)
    return None


# --- small arithmetic ---------------------------------------------------------------------------


def _kind(kind: str, name: str) -> dict[str, str | int]:
    return {"kind": kind, "name": name} if name else {"kind": kind}


def _name(tags: Tags) -> str:
    return _clean(tags.get("name:zh", "")) or _clean(tags.get("name", ""))


def _clean(text: str) -> str:
    """A name on one line, without characters that change direction or show nothing, cut where it is too long."""
    plain = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return plain if len(plain) <= 40 else plain[:39] + "…"


def _size_m2(shape: shapely.Geometry) -> float:
    lat = np.radians(shapely.bounds(shape)[1])
    return float(shapely.area(shape)) * 111_320.0**2 * float(np.cos(lat))


def _zoom(size_m2: float, steps: Sequence[tuple[float, int]]) -> int:
    return next((zoom for least, zoom in steps if size_m2 >= least), MAX_ZOOM)


def _rank(size_m2: float) -> int:
    """Half powers of two of the size: enough to tell the larger first, few enough to pack well."""
    return round(2 * math.log2(max(size_m2, 1.0)))
