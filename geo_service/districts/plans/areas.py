"""
Coverage in one hour as it lies on the streets: service areas and gaps as polygons, catchments, streets, points.

Open is what the clock calls open: departure as the hour begins, the place open throughout until the minutes are over.
Everything is GeoJSON, WGS 84, and says whether it is made up.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.geometry

from geo_service.districts.plans.planner import OPEN_RULE, Planner, Stand
from geo_service.districts.plans.trust import trust_json
from geo_service.engine.router import NONE, UNREACHED
from geo_service.errors import InvalidInputError
from geo_service.finder.catchments import Ranked, Shares, catchments, in_both, rank_places, twice_covered
from geo_service.finder.coverage import Cover, covered_stretches
from geo_service.finder.lines import from_metres, stretch_lines
from geo_service.finder.outline import stretch_outline
from geo_service.finder.stretches import Stretches, lengths_m, other_stretches
from geo_service.planning.cover import nearest_open_ms
from geo_service.planning.demand import HOURS, KINDS
from geo_service.planning.week import hour_name

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Answer = dict[str, Any]

PARTS = ("service_areas", "gaps", "catchments", "streets", "demand", "trust")
"""What can be drawn of an hour."""

NAMES_OF_A_GAP = 5
"""Names told of what is left out in one gap; the count says how many there are."""

STROKES = (
    "#1b6ca8", "#c1440e", "#2e7d32", "#7b1fa2", "#b8860b", "#00838f", "#ad1457", "#5d4037", "#3949ab", "#558b2f",
)  # fmt: skip
"""Colours of catchments, one place after the other, told apart by lightness too."""


class HourAreas:
    """
    The streets in one hour, for the places that are open then.

    Parameters
    ----------
    planner
        The district and what is planned.
    hour
        Of the week, 0 to 167.

    Raises
    ------
    InvalidInputError
        If there is no such hour.
    """

    def __init__(self, planner: Planner, hour: int) -> None:
        if not 0 <= hour < HOURS:
            raise InvalidInputError(f"hour={hour} is outside 0..{HOURS - 1}", parameter="hour", value=hour)
        self.planner = planner
        self.hour = hour
        self.network = planner.router.network
        self.is_open: BoolArray = planner.stand.places.is_open[:, hour]
        self.rows = np.flatnonzero(self.is_open)
        self.at = planner.stand.at.take(self.rows)

    @property
    def pattern(self) -> bytes:
        """Equal in hours in which the same places are open, so that streets are drawn once for all of them."""
        masks = [self.is_open, *(stand.places.is_open[:, self.hour] for stand in self.planner.also)]
        return np.packbits(np.concatenate(masks)).tobytes()

    @cached_property
    def ranked(self) -> Ranked:
        """The two nearest open places of every node."""
        return rank_places(self.planner.router, self.at)

    @cached_property
    def conditions(self) -> tuple[Stretches, ...]:
        """Where what else is needed is near and open."""
        return tuple(self._near(stand) for stand in self.planner.also)

    def _near(self, stand: Stand) -> Stretches:
        at = stand.at.take(np.flatnonzero(stand.places.is_open[:, self.hour]))
        return Cover(self.planner.router, at, self.planner.most_cost).stretches

    def covered(self, at_least: int = 1) -> Stretches:
        """
        What of the streets has open places within the cutoff.

        Parameters
        ----------
        at_least
            How many places, 1 or 2.

        Returns
        -------
        stretches
            Disjoint; what else is needed is near there, too.
        """
        most_cost, network = self.planner.most_cost, self.network
        found = (
            covered_stretches(network, self.ranked.cost_ms[0], self.at, most_cost)
            if at_least == 1
            else twice_covered(network, self.ranked, self.at, most_cost)
        )
        for condition in self.conditions:
            found = in_both(found, condition, network.n_links)
        return found

    @cached_property
    def uncovered(self) -> Stretches:
        """What is left of the streets."""
        return other_stretches(self.covered(self.planner.parameters.stations), self.network.n_links)

    @cached_property
    def shares(self) -> Shares:
        """Every stretch with its nearest open place."""
        return catchments(self.network, self.ranked, self.at)

    @cached_property
    def riders(self) -> FloatArray:
        """Riders at each demand point in this hour, shape ``(n,)``."""
        return self.planner.weights.of_points([self.hour])

    @cached_property
    def count(self) -> LongArray:
        """Open places near enough to each demand point, 0 where what else is needed is missing, shape ``(n,)``."""
        return self.planner.clock().count[:, self.hour].astype(np.int64)

    @cached_property
    def is_covered(self) -> BoolArray:
        """Demand points that have as many as are asked for, shape ``(n,)``."""
        covered: BoolArray = self.count >= self.planner.parameters.stations
        return covered


def areas_json(
    planner: Planner, hour: int, parts: Collection[str] = PARTS, drawn: dict[Any, Any] | None = None
) -> dict[str, Answer]:
    """
    Draw an hour of the clock.

    Parameters
    ----------
    planner
        The district and what is planned.
    hour
        Of the week, 0 to 167; Monday 00:00 is 0.
    parts
        Which of `PARTS`; outlines of a large district take seconds each.
    drawn
        Where outlines are kept between calls for the same planner; hours with the same places open share them.

    Returns
    -------
    collections
        By part a GeoJSON FeatureCollection, WGS 84 degrees. ``service_areas``: around all streets that have an open
        place, and two, within the minutes; ``gaps``: around all streets that have fewer than the parameters ask for,
        the most riders left out first;
        ``catchments``: streets by nearest open place, however far; ``streets``: every link with the minutes from its
        middle; ``demand``: every point with the nearest, the second nearest, and whether it is covered; ``trust``: as
        `trust_json` gives it.

    Raises
    ------
    InvalidInputError
        If there is no such hour or part.
    """
    for part in parts:
        if part not in PARTS:
            raise InvalidInputError(
                f"part={part!r} is unknown; choose from {', '.join(PARTS)}", parameter="parts", value=part
            )
    areas = HourAreas(planner, hour)
    kept: dict[Any, Any] = {} if drawn is None else drawn
    found = {part: _collection(areas, _DRAWERS[part](areas, kept)) for part in _DRAWERS if part in parts}
    if "trust" in parts:
        found["trust"] = _collection(areas, []) | trust_json(planner, hour)
    return found


def join_areas(collections: Mapping[str, Answer]) -> Answer:
    """
    Put the parts of an hour into one file.

    Parameters
    ----------
    collections
        Of `areas_json`, at least one.

    Returns
    -------
    collection
        One FeatureCollection; each feature names its ``part``.
    """
    first: Answer = {}
    for collection in collections.values():
        first |= collection
    return first | {"features": [one for part in collections.values() for one in part["features"]]}


def _collection(areas: HourAreas, features: list[Answer]) -> Answer:
    given = areas.planner.parameters
    return {
        "type": "FeatureCollection",
        "datum": "WGS 84",
        "need": str(given.need),
        "also": [str(need) for need in given.also],
        "profile": given.profile,
        "minutes": given.minutes,
        "metres": given.metres,
        "stations": given.stations,
        "hour": areas.hour,
        "hour_name": hour_name(areas.hour),
        "date": areas.planner.week.days[areas.hour // 24].isoformat(),
        "open_rule": OPEN_RULE,
        "open_places": len(areas.rows),
        "synthetic": areas.planner.district.synthetic,
        "features": features,
    }


def _feature(areas: HourAreas, geometry: Mapping[str, Any], part: str, **properties: Any) -> Answer:
    # programs that read GeoJSON drop what stands beside the features: each says for itself whether it is made up
    said = {"part": part, "hour": hour_name(areas.hour), "synthetic": areas.planner.district.synthetic}
    return {"type": "Feature", "geometry": geometry, "properties": {**said, **properties}}


def _outline(
    areas: HourAreas, drawn: dict[Any, Any], which: str, stretches: Stretches
) -> shapely.MultiPolygon:
    key = (which, areas.pattern)
    if key not in drawn:
        drawn[key] = stretch_outline(areas.network, stretches)
    outline: shapely.MultiPolygon = drawn[key]
    return outline


# --- polygons ---------------------------------------------------------------------------------


def _draw_service_areas(areas: HourAreas, drawn: dict[Any, Any]) -> list[Answer]:
    features = []
    for at_least in (1, 2):
        stretches = areas.covered(at_least)
        outline = _outline(areas, drawn, f"service{at_least}", stretches)
        street_m = float(lengths_m(areas.network, stretches).sum())
        has = areas.count >= at_least
        properties = {
            "at_least_places": at_least,
            **_cutoff(areas),
            "street_m": round(street_m, 1),
            "street_share": _share(street_m, areas.network.link_length_mm.sum(dtype=np.int64) / 1000),
            "riders": round(float(areas.riders[has].sum()), 3),
            "rider_share": _share(float(areas.riders[has].sum()), float(areas.riders.sum())),
        }
        features.append(_feature(areas, _polygon(outline), "service_area", **properties))
    return features


def _draw_gaps(areas: HourAreas, drawn: dict[Any, Any]) -> list[Answer]:
    outline = _outline(areas, drawn, "gap", areas.uncovered)
    polygons = shapely.get_parts(outline)
    if not len(polygons):
        return []
    tree = shapely.STRtree(polygons)
    street_m = _street_by_polygon(areas, tree)
    point, polygon = _left_out_by_polygon(areas, tree)
    cost_ms = nearest_open_ms(areas.planner.stand.cost_ms, areas.is_open)
    features = [
        _feature(
            areas,
            _polygon(polygons[number]),
            "gap",
            **_cutoff(areas),
            street_m=round(float(street_m[number]), 1),
            **_left_out(areas, point[polygon == number], cost_ms),
        )
        for number in range(len(polygons))
    ]
    features.sort(key=lambda one: (-one["properties"]["riders"], -one["properties"]["street_m"]))
    return features


def _street_by_polygon(areas: HourAreas, tree: shapely.STRtree) -> FloatArray:
    lines = stretch_lines(areas.network, areas.uncovered)
    middles = shapely.transform(
        shapely.line_interpolate_point(lines, 0.5, normalized=True), from_metres(areas.network)
    )
    stretch, polygon = tree.query(middles, predicate="intersects")
    # a bridge over another street is cut in two outlines that share its thread
    first = np.unique(stretch, return_index=True)[1]
    length_m = lengths_m(areas.network, areas.uncovered)
    street_m: FloatArray = np.bincount(
        polygon[first], length_m[stretch[first]], minlength=len(tree.geometries)
    ).astype(np.float64)
    return street_m


def _left_out_by_polygon(areas: HourAreas, tree: shapely.STRtree) -> tuple[LongArray, LongArray]:
    """Demand points left out, and the gap that they lie in, or in which the street lies that they use."""
    missing = np.flatnonzero(~areas.is_covered & (areas.riders > 0))
    snaps, lonlat = areas.planner.snaps, areas.planner.demand.lonlat[missing]
    by_foot = np.column_stack([snaps.foot_lon[missing], snaps.foot_lat[missing]])
    gap_of = np.full(len(missing), NONE, dtype=np.int64)
    for at in (by_foot, lonlat):
        point, polygon = tree.query(shapely.points(np.nan_to_num(at)), predicate="intersects")
        gap_of[point[::-1]] = polygon[::-1]
    return missing[gap_of != NONE], gap_of[gap_of != NONE]


def _left_out(areas: HourAreas, rows: LongArray, cost_ms: LongArray) -> Answer:
    """Who is left out in a gap: how many, by which names, and the minutes that would reach them."""
    demand, riders = areas.planner.demand, areas.riders
    names: dict[str, float] = {}
    for row in rows.tolist():
        name = demand.name[row] or KINDS[int(demand.kind[row])]
        names[name] = names.get(name, 0.0) + float(riders[row])
    heaviest = sorted(names, key=lambda name: (-names[name], name))
    ways = cost_ms[rows]
    reached = ways[ways != UNREACHED]
    return {
        "riders": round(float(riders[rows].sum()), 3),
        "points": len(rows),
        "names_count": len(names),
        "names": "; ".join(heaviest[:NAMES_OF_A_GAP]),
        **_said(areas, "minutes_for_all", int(reached.max()) if len(reached) else UNREACHED),
        "unreached_points": int((ways == UNREACHED).sum()),
    }


def _polygon(outline: shapely.Geometry) -> Answer:
    rounded: Any = shapely.transform(outline, lambda lonlat: np.round(lonlat, 7))
    return dict(shapely.geometry.mapping(rounded))


# --- lines and points -------------------------------------------------------------------------


def _draw_catchments(areas: HourAreas, _: dict[Any, Any]) -> list[Answer]:
    lines = shapely.transform(
        stretch_lines(areas.network, areas.shares.stretches), from_metres(areas.network)
    )
    length_m = lengths_m(areas.network, areas.shares.stretches)
    nearest, cost_ms = _nearest_rows(areas, 0)
    features = []
    for slot, row in enumerate(areas.rows.tolist()):
        place, own = areas.planner.stand.places.places[row], areas.shares.place == slot
        points = np.flatnonzero(nearest == row)
        ways = cost_ms[points]
        features.append(
            _feature(
                areas,
                _lines(lines[own]),
                "catchment",
                id=place.id,
                name=place.name,
                street_m=round(float(length_m[own].sum()), 1),
                points=len(points),
                riders=round(float(areas.riders[points].sum()), 3),
                **_said(areas, "farthest_min", int(ways.max()) if len(ways) else UNREACHED),
                stroke=STROKES[slot % len(STROKES)],
            )
        )
    return features


def _nearest_rows(areas: HourAreas, rank: int) -> tuple[LongArray, LongArray]:
    """Of each demand point the nearest open place, or the next, and its cost; `NONE` and `UNREACHED` if none."""
    cost_ms = areas.planner.stand.cost_ms[:, areas.rows]
    if cost_ms.shape[1] <= rank:
        return np.full(len(cost_ms), NONE), np.full(len(cost_ms), UNREACHED)
    far = np.where(cost_ms == UNREACHED, np.iinfo(np.int64).max, cost_ms)
    column = np.argsort(far, axis=1, kind="stable")[:, rank]
    found_ms = cost_ms[np.arange(len(cost_ms)), column]
    return np.where(found_ms == UNREACHED, NONE, areas.rows[column]), found_ms


def _draw_streets(areas: HourAreas, _: dict[Any, Any]) -> list[Answer]:
    network = areas.network
    cost_ms = Cover(areas.planner.router, areas.at, areas.planner.most_cost).middle_ms()
    first = network.first_point.tolist()
    lonlat = np.column_stack([network.point_lon_e6, network.point_lat_e6]) / 1e6
    points = lonlat.tolist()
    return [
        _feature(
            areas,
            {"type": "LineString", "coordinates": points[first[link] : first[link + 1]]},
            "street",
            name=network.names[network.link_name[link]],
            way=int(network.link_way[link]),
            length_m=round(int(network.link_length_mm[link]) / 1000, 1),
            **_said(areas, "minutes", int(cost_ms[link])),
        )
        for link in range(network.n_links)
    ]


def _draw_demand(areas: HourAreas, _: dict[Any, Any]) -> list[Answer]:
    demand, places = areas.planner.demand, areas.planner.stand.places.places
    ranks = [_nearest_rows(areas, rank) for rank in (0, 1)]
    is_unreached = areas.planner.is_unreached
    features = []
    for row, (lon, lat) in enumerate(demand.lonlat.round(7).tolist()):
        (nearest, ms), (second, second_ms) = ((int(place[row]), int(cost[row])) for place, cost in ranks)
        features.append(
            _feature(
                areas,
                {"type": "Point", "coordinates": [lon, lat]},
                "demand",
                id=demand.id[row],
                name=demand.name[row],
                kind=KINDS[int(demand.kind[row])],
                size=float(demand.size[row]),
                riders=round(float(areas.riders[row]), 4),
                is_covered=bool(areas.is_covered[row]),
                has_backup=bool(areas.count[row] >= 2),
                nearest=places[nearest].id if nearest != NONE else None,
                **_said(areas, "nearest_min", ms),
                second=places[second].id if second != NONE else None,
                **_said(areas, "second_min", second_ms),
                is_unreached=bool(is_unreached[row]),
            )
        )
    return features


def _lines(lines: npt.NDArray[np.object_]) -> Answer:
    rounded = shapely.transform(lines, lambda lonlat: np.round(lonlat, 7))
    return {
        "type": "MultiLineString",
        "coordinates": [shapely.get_coordinates(line).tolist() for line in rounded],
    }


METRE_NAMES = {
    "minutes": "metres",
    "minutes_for_all": "metres_for_all",
    "farthest_min": "farthest_m",
    "nearest_min": "nearest_m",
    "second_min": "second_m",
}
"""What numbers of minutes are called where metres are asked for."""


def _said(areas: HourAreas, name: str, cost: int) -> Answer:
    """A cost under its name: minutes, or metres where those are asked for; nothing if no way leads there."""
    if areas.planner.parameters.metres is None:
        return {name: None if cost == UNREACHED else round(cost / 60_000, 2)}
    return {METRE_NAMES[name]: None if cost == UNREACHED else round(cost / 1000, 1)}


def _cutoff(areas: HourAreas) -> Answer:
    return _said(areas, "minutes", areas.planner.most_cost)


def _share(part: float, whole: float) -> float | None:
    return round(min(part / whole, 1.0), 6) if whole > 0 else None


_DRAWERS: Mapping[str, Callable[[HourAreas, dict[Any, Any]], list[Answer]]] = {
    "service_areas": _draw_service_areas,
    "gaps": _draw_gaps,
    "catchments": _draw_catchments,
    "streets": _draw_streets,
    "demand": _draw_demand,
}
