"""
Where and when riders need a place: a proxy that is stated, shown and changed, never hidden.

Nobody has counted the riders of a district. What stands for them is drawn from the map (kitchens, dwellings,
offices, shops) and from the district's own layers (outlets and gathering points with heads), and each group of
riders is spread over those by shares and over the week by hours that the planner sets. All defaults are examples.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.errors import InvalidInputError
from geo_service.geo import metres_per_degree
from geo_service.layers import Place
from geo_service.network.features import OsmArea, OsmFeatures, OsmPoi

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

KINDS = ("meal", "dwelling", "office", "shop", "express_site", "gathering_point", "upload")
"""What demand may be drawn from; ``Demand.kind`` holds positions in this tuple."""

HOURS = 168
"""Hours of a week; hour 0 begins on Monday at midnight in Asia/Shanghai."""

MEAL = {"restaurant", "fast_food", "food_court", "cafe"}
MEAL_SHOPS = {"tea", "bakery", "beverages", "deli"}
DWELLINGS = {"apartments", "residential", "house", "detached", "terrace", "dormitory", "semidetached_house"}
OFFICES = {"office", "commercial"}

DWELLING_M2 = 90.0
"""Floor area that counts as one dwelling (示例)."""

OFFICE_M2 = 1000.0
"""Floor area that counts as one office (示例)."""

NET_SHARE = 0.75
"""Share of a building's floor area that is lived or worked in (示例)."""

GATHERING_HEADS = 10.0
"""Heads at a gathering point whose number nobody wrote down (示例)."""

STOREYS = {"house": 1, "detached": 1, "terrace": 2, "semidetached_house": 2}
"""Storeys where the map does not say; `STOREYS_ELSE` for other kinds of building."""

STOREYS_ELSE = 6


@dataclass(frozen=True, eq=False)
class Demand:
    """
    Points that stand for demand.

    Parameters
    ----------
    id
        Where each comes from: an OSM name, a place's id, or a row of a table.
    name
        What to call it where it is left out; the compound of a dwelling.
    kind
        Position in `KINDS`, shape ``(n,)``.
    lonlat
        WGS 84 degrees, shape ``(n, 2)``.
    size
        How much of its kind: outlets, dwellings, offices, shops, heads; not negative, shape ``(n,)``.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    kind: IntArray
    lonlat: FloatArray
    size: FloatArray

    def __len__(self) -> int:
        return len(self.id)

    @cached_property
    def size_share(self) -> FloatArray:
        """Size of each point as a share of all of its kind, shape ``(n,)``."""
        total = np.bincount(self.kind, self.size, minlength=len(KINDS))
        return self.size / np.where(total > 0, total, 1.0)[self.kind]

    def kinds_present(self) -> tuple[str, ...]:
        """Kinds with a size above 0."""
        total = np.bincount(self.kind, self.size, minlength=len(KINDS))
        return tuple(kind for kind, size in zip(KINDS, total.tolist(), strict=True) if size > 0)

    def take(self, rows: npt.ArrayLike) -> "Demand":
        """
        Some of the points.

        Parameters
        ----------
        rows
            Which, shape ``(m,)``.

        Returns
        -------
        demand
            Those.
        """
        kept = np.asarray(rows, dtype=np.int64)
        return Demand(
            tuple(self.id[row] for row in kept),
            tuple(self.name[row] for row in kept),
            self.kind[kept],
            self.lonlat[kept],
            self.size[kept],
        )


@dataclass(frozen=True)
class Group:
    """
    One group of riders: how many, when they are out, and where.

    Parameters
    ----------
    key
        Its name in files.
    zh, en
        What to call it.
    riders
        How many are out in its busiest hour.
    workday, restday
        Share of them that is out in each hour of a day, 24 numbers from 0 to 1.
    shares
        By kind of demand the share of them that is there, as far as the district has that kind.
    """

    key: str
    zh: str
    en: str
    riders: float
    workday: tuple[float, ...]
    restday: tuple[float, ...]
    shares: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_number("riders", self.riders, 1e6)
        for name, hours in (("workday", self.workday), ("restday", self.restday)):
            if len(hours) != 24:
                raise InvalidInputError(
                    f"group {self.key!r}: {name} has {len(hours)} numbers; give 24, one for each hour",
                    parameter=name,
                    value=len(hours),
                )
            for share in hours:
                _check_number(name, share, 1.0)
        for kind, share in self.shares.items():
            if kind not in KINDS:
                raise InvalidInputError(
                    f"group {self.key!r}: {kind!r} is no kind of demand; choose from {', '.join(KINDS)}",
                    parameter="shares",
                    value=kind,
                )
            _check_number("shares", share, 1e6)

    def hourly(self, is_workday: Sequence[bool]) -> FloatArray:
        """
        Riders out in each hour of a week.

        Parameters
        ----------
        is_workday
            Of each of seven days, from Monday.

        Returns
        -------
        riders
            Shape ``(168,)``.
        """
        days = [self.workday if is_so else self.restday for is_so in is_workday]
        hours: FloatArray = np.array(days, dtype=np.float64).reshape(HOURS)
        riders: FloatArray = self.riders * hours
        return riders


def _check_number(name: str, value: float, greatest: float) -> None:
    if not 0 <= value <= greatest:
        raise InvalidInputError(f"{name}={value:g} is outside 0..{greatest:g}", parameter=name, value=value)


def _bumps(*spans: tuple[int, int, float]) -> tuple[float, ...]:
    """Shares by hour: of each span from hour to hour (not included) the share; 0 elsewhere."""
    day = [0.0] * 24
    for begin, end, share in spans:
        day[begin:end] = [share] * (end - begin)
    return tuple(day)


GROUPS = (
    Group(
        "courier", "快递员", "Couriers", 200.0,
        _bumps((6, 8, 0.5), (8, 19, 1.0), (19, 21, 0.4)),
        _bumps((6, 8, 0.4), (8, 19, 0.8), (19, 21, 0.3)),
        {"express_site": 0.3, "dwelling": 0.45, "office": 0.15, "shop": 0.1, "upload": 1.0},
    ),
    Group(
        "food", "外卖骑手", "Food riders", 300.0,
        _bumps((0, 2, 0.3), (2, 6, 0.1), (6, 10, 0.3), (10, 14, 1.0), (14, 17, 0.4), (17, 21, 0.9), (21, 24, 0.5)),
        _bumps((0, 2, 0.35), (2, 6, 0.1), (6, 10, 0.25), (10, 14, 1.0), (14, 17, 0.5), (17, 21, 1.0), (21, 24, 0.6)),
        {"meal": 0.55, "dwelling": 0.3, "office": 0.1, "gathering_point": 0.05, "upload": 1.0},
    ),
    Group(
        "driver", "网约车司机", "Ride-hailing drivers", 100.0,
        _bumps((0, 5, 0.4), (5, 7, 0.6), (7, 10, 1.0), (10, 17, 0.6), (17, 22, 1.0), (22, 24, 0.6)),
        _bumps((0, 5, 0.5), (5, 9, 0.5), (9, 22, 0.8), (22, 24, 0.7)),
        {"dwelling": 0.4, "office": 0.35, "meal": 0.15, "gathering_point": 0.1, "upload": 1.0},
    ),
)  # fmt: skip
"""Three groups as an example (示例): no number here was counted anywhere.

Where demand is brought besides what the map shows, half of each group goes there, and more
if the district lacks a kind of the group's."""


class Weights(NamedTuple):
    """
    Riders at each point in each hour, as factors: ``share[point] * hourly[kind[point], hour]``.

    Parameters
    ----------
    share
        Share of the riders at its kind who are at a point, shape ``(n,)``.
    kind
        Kind of each point, shape ``(n,)``.
    hourly
        Riders at each kind in each hour, shape ``(kinds, hours)``.
    """

    share: FloatArray
    kind: IntArray
    hourly: FloatArray

    @property
    def total(self) -> FloatArray:
        """Riders at all points in each hour, shape ``(hours,)``."""
        riders: FloatArray = np.bincount(self.kind, self.share, minlength=len(self.hourly)) @ self.hourly
        return riders

    def of_points(self, hours: npt.ArrayLike) -> FloatArray:
        """
        Rider-hours at each point over some hours.

        Parameters
        ----------
        hours
            Which, shape ``(h,)``.

        Returns
        -------
        rider_hours
            Shape ``(n,)``.
        """
        of_kind: FloatArray = self.hourly[:, np.asarray(hours, dtype=np.int64)].sum(axis=1)
        return self.share * of_kind[self.kind]

    def covered(self, is_covered: npt.NDArray[np.bool_]) -> FloatArray:
        """
        Riders at covered points in each hour.

        Parameters
        ----------
        is_covered
            Shape ``(n, hours)``.

        Returns
        -------
        riders
            Shape ``(hours,)``.
        """
        riders = np.zeros(self.hourly.shape[1])
        for kind in np.unique(self.kind).tolist():
            rows = self.kind == kind
            riders += (self.share[rows] @ is_covered[rows]) * self.hourly[kind]
        return riders


def weigh(demand: Demand, groups: Iterable[Group], is_workday: Sequence[bool]) -> Weights:
    """
    Spread groups of riders over demand points and the hours of a week.

    A group goes to the kinds of demand that the district has, in proportion to its shares; within a kind
    to the points in proportion to their size.

    Parameters
    ----------
    demand
        The points.
    groups
        Who is out.
    is_workday
        Of each of seven days, from Monday; public holidays and make-up days count as what they are.

    Returns
    -------
    weights
        Riders by point and hour.

    Raises
    ------
    InvalidInputError
        If a group with riders finds none of its kinds in the district.
    """
    present = demand.kinds_present()
    hourly = np.zeros((len(KINDS), HOURS))
    for group in groups:
        shares = {kind: share for kind, share in group.shares.items() if kind in present and share > 0}
        if group.riders > 0 and not shares:
            raise InvalidInputError(
                f"group {group.key!r} goes to {', '.join(group.shares) or 'nothing'}, and this district has only "
                f"{', '.join(present) or 'no demand at all'}; change its shares, or upload demand",
                parameter="shares",
                value=group.key,
            )
        whole = sum(shares.values())
        for kind, share in shares.items():
            hourly[KINDS.index(kind)] += group.hourly(is_workday) * (share / whole)
    return Weights(demand.size_share, demand.kind, hourly)


class DemandPoint(NamedTuple):
    """
    One row of demand.

    Parameters
    ----------
    id
        Where it comes from.
    name
        What to call it; may be empty.
    kind
        One of `KINDS`.
    lon, lat
        WGS 84 degrees.
    size
        How much of its kind, not negative.
    """

    id: str
    name: str
    kind: str
    lon: float
    lat: float
    size: float


def build_demand(features: OsmFeatures, places: Iterable[tuple[str, Place]] = ()) -> Demand:
    """
    Draw demand from the map and from a district's own layers.

    Parameters
    ----------
    features
        What OpenStreetMap has beyond streets.
    places
        Places in use with the name of their layer; of ``express_site`` and ``gathering_point`` heads are taken.

    Returns
    -------
    demand
        Ordered by kind, then by id.
    """
    points: list[DemandPoint] = [
        *_from_pois(features.pois),
        *_from_buildings(features),
        *_from_places(places),
    ]
    return pack_demand(sorted(points, key=lambda point: (KINDS.index(point[2]), point[0])))


def pack_demand(points: Sequence[DemandPoint]) -> Demand:
    """
    Put rows of demand into columns.

    Parameters
    ----------
    points
        Id, name, kind, longitude, latitude and size of each.

    Returns
    -------
    demand
        The same.
    """
    return Demand(
        tuple(point[0] for point in points),
        tuple(point[1] for point in points),
        np.array([KINDS.index(point[2]) for point in points], dtype=np.int64),
        np.array([point[3:5] for point in points], dtype=np.float64).reshape(-1, 2),
        np.array([point[5] for point in points], dtype=np.float64),
    )


def join_demand(some: Demand, others: Demand) -> Demand:
    """
    Points of two demands in one.

    Parameters
    ----------
    some
        These first.
    others
        Then those.

    Returns
    -------
    demand
        All of them.
    """
    return Demand(
        some.id + others.id,
        some.name + others.name,
        np.concatenate([some.kind, others.kind]),
        np.concatenate([some.lonlat, others.lonlat]),
        np.concatenate([some.size, others.size]),
    )


def _from_pois(pois: Iterable[OsmPoi]) -> Iterable[DemandPoint]:
    for poi in pois:
        kind = _poi_kind(poi.tags)
        if kind:
            yield DemandPoint(poi.osm, poi.tags.get("name", ""), kind, poi.lon, poi.lat, 1.0)


def _poi_kind(tags: Mapping[str, str]) -> str:
    if tags.get("amenity") in MEAL or tags.get("shop") in MEAL_SHOPS:
        return "meal"
    if tags.get("shop", "no") not in ("no", "vacant"):
        return "shop"
    return ""


def _from_buildings(features: OsmFeatures) -> Iterable[DemandPoint]:
    wanted = [(area, kind) for area in features.buildings if (kind := _building_kind(area.tags))]
    if not wanted:
        return
    shapes = shapely.from_geojson([json.dumps(area.geometry) for area, _ in wanted])
    inside = shapely.get_coordinates(shapely.point_on_surface(shapes))
    east_m, north_m = metres_per_degree(inside[:, 1])
    floor_m2 = (
        shapely.area(shapes) * east_m * north_m * [_storeys(area.tags) for area, _ in wanted] * NET_SHARE
    )
    names = _compounds(features.areas, inside)
    rows = zip(wanted, inside.round(7).tolist(), floor_m2.tolist(), names, strict=True)
    for (area, kind), (lon, lat), usable_m2, compound in rows:
        size = max(1.0, usable_m2 / (DWELLING_M2 if kind == "dwelling" else OFFICE_M2))
        yield DemandPoint(area.osm, area.tags.get("name") or compound, kind, lon, lat, float(round(size)))


def _building_kind(tags: Mapping[str, str]) -> str:
    building = tags.get("building", "no")
    return "dwelling" if building in DWELLINGS else "office" if building in OFFICES else ""


def _storeys(tags: Mapping[str, str]) -> float:
    """What the map says of storeys, else what is usual."""
    try:
        storeys = float(tags.get("building:levels", ""))
    except ValueError:
        storeys = 0.0
    return storeys if 0 < storeys <= 200 else STOREYS.get(tags.get("building", ""), STOREYS_ELSE)


def _compounds(areas: Sequence[OsmArea], lonlat: FloatArray) -> list[str]:
    """Name of the smallest named compound or estate around each point, empty if there is none."""
    named = [area for area in areas if area.tags.get("name") and area.tags.get("landuse")]
    names = [""] * len(lonlat)
    if not named:
        return names
    shapes = shapely.from_geojson([json.dumps(area.geometry) for area in named])
    order = np.argsort(-shapely.area(shapes), kind="stable")
    point, area = shapely.STRtree(shapes[order]).query(shapely.points(lonlat), predicate="within")
    # the smallest comes last and stays
    for at in np.lexsort((area, point)):
        names[point[at]] = named[order[area[at]]].tags["name"]
    return names


def _from_places(places: Iterable[tuple[str, Place]]) -> Iterable[DemandPoint]:
    for layer, place in places:
        if layer in ("express_site", "gathering_point") and place.status == "active":
            heads = float(place.headcount) if place.headcount else GATHERING_HEADS
            lon, lat = place.target
            yield DemandPoint(place.id, place.name, layer, lon, lat, heads)
