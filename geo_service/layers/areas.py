"""Polygons: what is refused, how they are turned, and which of them a place lies in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from geo_service.layers.model import Area, Place
from geo_service.layers.rules import position_fault, rounded

MOST_VERTICES = 200_000
GEOMETRY_RULE = "must be a Polygon or MultiPolygon of closed rings with at least four positions each"

Ring = tuple[tuple[float, float], ...]


def geometry_fault(geometry: object) -> str:
    """
    Say what is wrong with a GeoJSON Polygon or MultiPolygon.

    Parameters
    ----------
    geometry
        Any JSON value.

    Returns
    -------
    fault
        The rule it breaks; empty if none.
    """
    if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return GEOMETRY_RULE
    if unknown := sorted(set(geometry) - {"type", "coordinates"}):
        return f"{GEOMETRY_RULE}; it has a member {unknown[0][:40]!r}, allowed are type and coordinates"
    polygons = _polygons(geometry)
    if (
        not isinstance(polygons, list | tuple)
        or not polygons
        or not all(_is_nested(rings) for rings in polygons)
    ):
        return GEOMETRY_RULE
    for ring in (ring for rings in polygons for ring in rings):
        if fault := _ring_fault(ring):
            return fault
    if sum(len(ring) for rings in polygons for ring in rings) > MOST_VERTICES:
        return f"must have at most {MOST_VERTICES} positions"
    return _shape_fault(load_geometry(geometry))


def _polygons(geometry: Mapping[str, Any]) -> Any:
    coordinates = geometry.get("coordinates")
    return [coordinates] if geometry["type"] == "Polygon" else coordinates


def _is_nested(rings: object) -> bool:
    return (
        isinstance(rings, list | tuple)
        and len(rings) > 0
        and all(isinstance(ring, list | tuple) for ring in rings)
    )


def _ring_fault(ring: Sequence[Any]) -> str:
    for position in ring:
        if fault := position_fault(position):
            return fault
    if len(ring) < 4:
        return f"{GEOMETRY_RULE}; a ring has {len(ring)}"
    return (
        ""
        if list(ring[0]) == list(ring[-1])
        else f"{GEOMETRY_RULE}; a ring is not closed: repeat its first position"
    )


def _shape_fault(geometry: Mapping[str, object]) -> str:
    shape = to_shape(geometry)
    if not shapely.is_valid(shape):
        return f"must not cross or touch itself along a line: {shapely.is_valid_reason(shape)}"
    return "" if shapely.area(shape) > 0 else "must enclose an area"


def load_geometry(geometry: Mapping[str, Any]) -> dict[str, object]:
    """
    Bring a checked polygon into the form that is kept and written.

    Parameters
    ----------
    geometry
        GeoJSON Polygon or MultiPolygon whose rings are closed.

    Returns
    -------
    geometry
        The same with seven decimals, outer rings counter-clockwise and holes clockwise (RFC 7946, 3.1.6).
    """
    polygons = tuple(
        tuple(_turned(ring, index == 0) for index, ring in enumerate(rings)) for rings in _polygons(geometry)
    )
    return {
        "type": geometry["type"],
        "coordinates": polygons[0] if geometry["type"] == "Polygon" else polygons,
    }


def _turned(ring: Sequence[Sequence[float]], is_outer: bool) -> Ring:
    positions = tuple((rounded(lon), rounded(lat)) for lon, lat in ring)
    lon, lat = np.array(positions).T
    doubled = float(
        np.sum((lon[:-1] - lon[0]) * (lat[1:] - lat[0]) - (lon[1:] - lon[0]) * (lat[:-1] - lat[0]))
    )
    return positions if (doubled > 0) == is_outer else positions[::-1]


def _rings(geometry: Mapping[str, Any]) -> Iterator[list[Ring]]:
    for rings in _polygons(geometry):
        yield [tuple(map(tuple, ring)) for ring in rings]


def to_shape(geometry: Mapping[str, object]) -> shapely.Geometry:
    """
    Turn a checked Polygon or MultiPolygon into a shape.

    Built from its rings: the library's own GeoJSON reader crashes on hostile nesting.

    Parameters
    ----------
    geometry
        GeoJSON Polygon or MultiPolygon whose rings are closed.

    Returns
    -------
    shape
        A shapely polygon or multipolygon, degrees.
    """
    polygons = [shapely.Polygon(rings[0], rings[1:]) for rings in _rings(geometry)]
    return polygons[0] if geometry["type"] == "Polygon" else shapely.MultiPolygon(polygons)


def areas_of(places: Sequence[Place], areas: Sequence[Area]) -> tuple[tuple[Area, ...], ...]:
    """
    Find the areas each place belongs to, by the location of its pin.

    Parameters
    ----------
    places
        Places, in any order.
    areas
        Areas of one or several layers; they may overlap.

    Returns
    -------
    found
        For each place, in order, the areas that contain it or have it on their edge, in the order of ``areas``.

    Examples
    --------
    >>> square = {"type": "Polygon", "coordinates": (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)),)}
    >>> block = Area("b1", "block", "东街", square)
    >>> places = [Place("p1", "water", 0.5, 0.5, "水"), Place("p2", "water", 2.0, 2.0, "水")]
    >>> [len(found) for found in areas_of(places, [block])]
    [1, 0]
    """
    tree = shapely.STRtree([to_shape(area.geometry) for area in areas])
    points = shapely.points(np.array([(place.lon, place.lat) for place in places]).reshape(-1, 2))
    found: list[list[int]] = [[] for _ in places]
    for place, area in tree.query(points, predicate="intersects").T.tolist():
        found[place].append(area)
    return tuple(tuple(areas[index] for index in sorted(held)) for held in found)
