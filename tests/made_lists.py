"""
Lists as offices send them, made up: places beside the streets of a network, in a datum of choice.

A place stands 0 to 40 m beside a random spot of a random street (as likely as the street is long), on
either side; its survey is off by a GPS's noise. What it is called and what its address says can
be had too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geo_service.exchange.doctor import Reading
from geo_service.geo import Datum, FloatArray, convert_datum, metres_per_degree
from geo_service.network.graph import Network

FORTH: dict[Reading, tuple[tuple[Datum, Datum], ...]] = {
    "wgs84": (),
    "gcj02": (("wgs84", "gcj02"),),
    "bd09": (("wgs84", "bd09"),),
    "gcj02_twice": (("wgs84", "gcj02"), ("wgs84", "gcj02")),
    "bd09_as_gcj02": (("wgs84", "bd09"), ("gcj02", "wgs84")),
    "wgs84_as_gcj02": (("gcj02", "wgs84"),),
}
"""How a place got the numbers that are to be read so."""


def disguised(lonlat: FloatArray, reading: Reading) -> FloatArray:
    """Numbers that mean these WGS 84 places if they are read that way."""
    for source, target in FORTH[reading]:
        lonlat = convert_datum(lonlat, source, target)
    return lonlat


@dataclass(frozen=True)
class MadeList:
    """Places with WGS 84 positions, names, and the address of those that stand on a named street."""

    lonlat: FloatArray
    names: tuple[str, ...]
    addresses: tuple[str, ...]


class Streets:
    """A network from which lists are drawn."""

    def __init__(self, network: Network) -> None:
        counts = np.diff(network.first_point)
        link = np.repeat(np.arange(network.n_links), counts)
        start = np.flatnonzero(link[:-1] == link[1:])
        points = np.column_stack([network.point_lon_e6, network.point_lat_e6]) / 1e6
        self.scale = np.array([float(m) for m in metres_per_degree(points[:, 1].mean())])
        self.tail, self.head, self.link = points[start], points[start + 1], link[start]
        self.length_m = np.hypot(*((self.head - self.tail) * self.scale).T)
        self.network = network

    def draw(
        self,
        rng: np.random.Generator,
        count: int,
        noise_m: float = 0.0,
        box: tuple[float, float, float, float] | None = None,
    ) -> MadeList:
        """A list of so many places, in a box if one is given."""
        weight = self.length_m.copy()
        if box is not None:
            west, south, east, north = box
            lon, lat = self.tail.T
            weight[(lon < west) | (lon > east) | (lat < south) | (lat > north)] = 0.0
        chosen = rng.choice(len(weight), count, p=weight / weight.sum())
        along = (self.head[chosen] - self.tail[chosen]) * self.scale
        aside = np.column_stack([-along[:, 1], along[:, 0]]) / self.length_m[chosen, None]
        aside_m = rng.uniform(0.0, 40.0, count) * rng.choice([-1.0, 1.0], count)
        off_m = aside * aside_m[:, None] + rng.normal(size=(count, 2)) * noise_m
        lonlat = self.tail[chosen] + (rng.random((count, 1)) * along + off_m) / self.scale
        streets = [self.network.names[self.network.link_name[one]] for one in self.link[chosen]]
        numbers = rng.integers(1, 300, count).tolist()
        addresses = tuple(
            f"{one}{number}号" if one else "" for one, number in zip(streets, numbers, strict=True)
        )
        return MadeList(lonlat, tuple(f"试放小站{i}" for i in range(count)), addresses)


def confusion(answers: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """How often each truth was answered how: rows of truth, columns of answers."""
    table: dict[str, Any] = {}
    for truth, answer in answers:
        row = table.setdefault(truth, {})
        row[answer] = row.get(answer, 0) + 1
    return table
