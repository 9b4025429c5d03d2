"""Which place that stands already a row means: by foreign id, by code, by name and place, by name alone."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from geo_service.exchange.names import normal_name
from geo_service.layers import Feature, Place

NEAR_M = 120.0
"""Two entries of one name are one place within this, metres: less than the shift between two datums."""
_DEGREE_M = 111_320.0


class Finder:
    """
    Finds places by what a row says of them.

    Parameters
    ----------
    present
        Places of the layer as they are.
    known
        What the source said last, which may have been elsewhere, or another name, before the desk moved it.
    source
        What the source is called.
    """

    def __init__(self, present: Sequence[Feature], known: Iterable[Feature], source: str) -> None:
        self._source = source
        self._ids = {feature.id: feature for feature in present}
        self._by_foreign: dict[tuple[str, str], str | None] = {}
        self._by_name: dict[str, list[Place]] = {}
        self._areas: dict[str, str] = {}
        for area in (one for one in present if not isinstance(one, Place)):
            name = normal_name(area.name)
            self._areas[name] = "" if name in self._areas else area.id  # two areas of one name: neither
        said = [one for one in known if isinstance(one, Place)]
        for place in (*said, *(one for one in present if isinstance(one, Place))):
            self._note(place)

    def _note(self, place: Place) -> None:
        words = {**place.external_ids, **({"station_code": place.station_code} if place.station_code else {})}
        for key in words.items():
            other = self._by_foreign.get(key, place.id)
            self._by_foreign[key] = (
                place.id if other == place.id else None
            )  # two places with one code: neither
        self._by_name.setdefault(normal_name(place.name), []).append(place)

    def match(self, obj: Mapping[str, Any]) -> str:
        """
        Find the place a Feature without id means.

        Parameters
        ----------
        obj
            GeoJSON Feature; an area is told by its name alone.

        Returns
        -------
        id
            Empty if none, or several, fit.
        """
        properties, geometry = _table(obj.get("properties")), _table(obj.get("geometry"))
        foreign = _table(properties.get("external_ids"))
        if found := self._foreign({**foreign, "station_code": properties.get("station_code")}):
            return found
        position = point_of(geometry)
        if not isinstance(properties.get("name"), str):
            return ""
        if position is None:
            return self._areas.get(normal_name(properties["name"]), "") if geometry else ""
        near = [
            (apart, place.id)
            for place in self._by_name.get(normal_name(properties["name"]), ())
            if (apart := _apart_m(place, position)) <= NEAR_M
        ]
        ids = {key for _, key in near}
        return min(near)[1] if len(ids) == 1 else ""

    def _foreign(self, words: Mapping[str, Any]) -> str:
        found = {
            self._by_foreign.get((name, word)) for name, word in words.items() if isinstance(word, str)
        } - {None}
        return str(found.pop()) if len(found) == 1 else ""

    def by_word(self, cells: Mapping[str, str]) -> Feature | None:
        """
        Find the place that a row without position means.

        Parameters
        ----------
        cells
            Of the row.

        Returns
        -------
        feature
            As it stands now; None unless an id, or a name that only one place has, tells it.
        """
        if feature := self._ids.get(cells.get("id", "")):
            return feature
        if found := self._foreign({name: cells.get(name) for name in (*_FOREIGN, "station_code")}):
            return self._ids.get(found)
        ids = {place.id for place in self._by_name.get(normal_name(cells.get("name", "")), ())}
        return self._ids.get(ids.pop()) if len(ids) == 1 and cells.get("name") else None


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def point_of(geometry: Mapping[str, Any]) -> tuple[float, float] | None:
    """
    Read the position of a GeoJSON Point nobody has checked yet.

    Parameters
    ----------
    geometry
        Any JSON object.

    Returns
    -------
    lonlat
        None if it is no Point of two numbers.
    """
    position = geometry.get("coordinates")
    if geometry.get("type") != "Point" or not isinstance(position, list) or len(position) != 2:
        return None
    is_pair = all(
        isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e6 for one in position
    )
    return (float(position[0]), float(position[1])) if is_pair else None


_FOREIGN = ("amap_poiid", "baidu_uid", "tencent_uid", "osm")


def _apart_m(place: Place, position: Sequence[float]) -> float:
    east = (place.lon - position[0]) * _DEGREE_M * math.cos(math.radians(place.lat))
    return math.hypot(east, (place.lat - position[1]) * _DEGREE_M)
