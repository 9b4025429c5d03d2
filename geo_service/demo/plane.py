"""
Drawing-board arithmetic of the made-up towns: dice, convex cells, and the warp that bends them.

A town is drawn on a flat board in metres (x east, y north, origin at the district's centre), where
every street is straight and every block convex, so that nothing can overlap by accident. One smooth
warp then bends the whole board, and only then do longitudes and latitudes exist.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Point = tuple[float, float]
S = TypeVar("S")
T = TypeVar("T")

EPS = 1e-7


class Dice:
    """
    Seeded chance.

    Only `random.Random.random` is used: its sequence for a text seed is the same on every
    Python from 3.2 on, which ``shuffle`` and ``sample`` do not promise.

    Parameters
    ----------
    seed
        Any text; equal texts give equal sequences.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed).random

    def child(self, label: object) -> "Dice":
        """Fresh dice whose throws do not depend on how often these were thrown."""
        return Dice(f"{self._seed}/{label}")

    def chance(self, share: float) -> bool:
        """Come true in this share of throws."""
        return self._random() < share

    def between(self, low: float, high: float) -> float:
        """Number from low (inclusive) to high (exclusive)."""
        return low + (high - low) * self._random()

    def whole(self, low: int, high: int) -> int:
        """Whole number from low to high, both inclusive."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[int(self._random() * len(choices))]

    def weighted(self, choices: Sequence[tuple[float, T]]) -> T:
        """One of the choices, each ``(weight, value)``."""
        left = self._random() * sum(weight for weight, _ in choices)
        for weight, value in choices:
            left -= weight
            if left < 0:
                return value
        return choices[-1][1]

    def mixed(self, items: Sequence[T]) -> list[T]:
        """All items in a thrown order (Fisher-Yates on our own throws)."""
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = int(self._random() * (i + 1))
            out[i], out[j] = out[j], out[i]
        return out


def minus(a: Point, b: Point) -> Point:
    """Vector from b to a."""
    return (a[0] - b[0], a[1] - b[1])


def plus(a: Point, u: Point, length: float) -> Point:
    """Point reached from a along u."""
    return (a[0] + u[0] * length, a[1] + u[1] * length)


def dot(a: Point, b: Point) -> float:
    """Inner product."""
    return a[0] * b[0] + a[1] * b[1]


def cross(a: Point, b: Point) -> float:
    """Outer product; positive if b lies left of a."""
    return a[0] * b[1] - a[1] * b[0]


def left_of(u: Point) -> Point:
    """Turn u by 90 degrees to the left."""
    return (-u[1], u[0])


def unit(a: Point) -> Point:
    """Shorten or stretch to length one."""
    length = math.hypot(a[0], a[1])
    return (a[0] / length, a[1] / length)


def apart(a: Point, b: Point) -> float:
    """Distance in metres."""
    return math.hypot(a[0] - b[0], a[1] - b[1])


def turned(u: Point, angle: float) -> Point:
    """Turn u to the left by an angle in radians."""
    c, s = math.cos(angle), math.sin(angle)
    return (u[0] * c - u[1] * s, u[0] * s + u[1] * c)


def meeting(p: Point, u: Point, q: Point, w: Point) -> tuple[float, float] | None:
    """Lengths along u from p, and along w from q, at which two lines meet; None if they are parallel."""
    denominator = cross(u, w)
    if abs(denominator) < 1e-9:
        return None
    d = minus(q, p)
    return cross(d, w) / denominator, cross(d, u) / denominator


@dataclass(frozen=True)
class Cell(Generic[S]):
    """
    Convex polygon, counter-clockwise, each side labelled with what runs along it.

    Parameters
    ----------
    corners
        Metres on the board, not closed.
    sides
        Label of the side from corner ``i`` to corner ``i + 1``.
    """

    corners: tuple[Point, ...]
    sides: tuple[S, ...]

    @property
    def area(self) -> float:
        """Square metres."""
        c = self.corners
        return 0.5 * sum(cross(c[i - 1], c[i]) for i in range(len(c)))

    @property
    def centre(self) -> Point:
        """Mean of the corners."""
        n = len(self.corners)
        return (sum(p[0] for p in self.corners) / n, sum(p[1] for p in self.corners) / n)

    def edges(self) -> Iterator[tuple[Point, Point, S]]:
        """Each side with both its corners."""
        for i, side in enumerate(self.sides):
            yield self.corners[i], self.corners[(i + 1) % len(self.corners)], side

    def clipped(self, point: Point, normal: Point, side: S) -> "Cell[S] | None":
        """
        Part of the cell on one side of a line.

        Parameters
        ----------
        point
            Any point of the line.
        normal
            Points to the part that is kept.
        side
            Label of the new side along the line.

        Returns
        -------
        cell
            None if nothing is left.
        """
        corners: list[Point] = []
        sides: list[S] = []
        for a, b, label in self.edges():
            da, db = dot(minus(a, point), normal), dot(minus(b, point), normal)
            if da > -EPS:
                leaves = da <= EPS and db < -EPS
                corners.append(a)
                sides.append(side if leaves else label)
            if (da > EPS and db < -EPS) or (da < -EPS and db > EPS):
                share = da / (da - db)
                corners.append((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share))
                sides.append(side if da > 0 else label)
        if len(corners) < 3:
            return None
        cell = Cell(tuple(corners), tuple(sides))
        return cell if cell.area > 1.0 else None

    def inset(self, depths: Sequence[float]) -> "Cell[S] | None":
        """Cell left when each side moves inward by its own depth, metres; labels stay with their sides."""
        cell: Cell[S] | None = self
        for (a, b, side), depth in zip(self.edges(), depths, strict=True):
            if cell is None or apart(a, b) < 1e-3:
                continue
            inward = left_of(unit(minus(b, a)))
            cell = cell.clipped(plus(a, inward, depth), inward, side)
        return cell

    def shrunk(self, depth: float) -> "Cell[S] | None":
        """Cell left when every side moves inward by the same depth, metres."""
        return self.inset([depth] * len(self.sides))

    def clearance(self, p: Point) -> float:
        """Distance from a point inside to the nearest side; negative outside."""
        return min(
            dot(minus(p, a), left_of(unit(minus(b, a)))) for a, b, _ in self.edges() if apart(a, b) > 1e-3
        )

    def span(self, origin: Point, u: Point, at: float) -> tuple[float, float] | None:
        """Interval along u inside the cell, on the line that lies ``at`` metres left of the origin."""
        base = plus(origin, left_of(u), at)
        low, high = -1e9, 1e9
        for a, b, _ in self.edges():
            if apart(a, b) < 1e-3:
                continue
            inward = left_of(unit(minus(b, a)))
            slope, height = dot(u, inward), dot(minus(base, a), inward)
            if abs(slope) < 1e-9:
                if height < 0:
                    return None
            elif slope > 0:
                low = max(low, -height / slope)
            else:
                high = min(high, -height / slope)
        return (low, high) if high > low else None

    def reach(self, origin: Point, u: Point) -> tuple[float, float]:
        """Least and greatest projection of the corners on u."""
        values = [dot(minus(p, origin), u) for p in self.corners]
        return min(values), max(values)


@dataclass(frozen=True)
class Warp:
    """
    Smooth bending of the board and its place on the globe.

    Each wave moves points across its own direction only, so it bends and turns but hardly
    stretches: right angles stay right to a few degrees.

    Parameters
    ----------
    lon, lat
        Where the middle of the board lies, degrees.
    turn
        Turn of the whole board to the left, radians.
    waves
        Each ``(direction in radians, wavelength in metres, amplitude in metres, phase in radians)``.
    """

    lon: float
    lat: float
    turn: float
    waves: tuple[tuple[float, float, float, float], ...]

    def bent(self, p: Point) -> Point:
        """Metres east and north of the centre."""
        x, y = p
        for angle, length, height, phase in self.waves:
            c, s = math.cos(angle), math.sin(angle)
            shift = height * math.sin((p[0] * c + p[1] * s) * (2 * math.pi / length) + phase)
            x, y = x - s * shift, y + c * shift
        return turned((x, y), self.turn)

    def lonlat(self, p: Point) -> Point:
        """Longitude and latitude of a point of the board, degrees, rounded to 1e-7."""
        return self.globe(self.bent(p))

    def globe(self, metres: Point) -> Point:
        """Longitude and latitude of a point given in metres east and north of the centre."""
        lat = self.lat + metres[1] / 111_035.0
        lon = self.lon + metres[0] / (111_320.0 * math.cos(math.radians(self.lat)))
        return (round(lon, 7), round(lat, 7))

    def stiff(self, corners: Sequence[Point]) -> list[Point]:
        """Corners of a rectangle bent as one piece: it keeps its right angles, its first side runs with the board."""
        a, b, c = corners[0], corners[1], corners[2]
        centre = ((a[0] + c[0]) / 2, (a[1] + c[1]) / 2)
        length, depth = apart(a, b), apart(b, c)
        u = unit(minus(b, a))
        v = left_of(u)
        along = minus(self.bent(plus(centre, u, length / 2)), self.bent(plus(centre, u, -length / 2)))
        aside = minus(self.bent(plus(centre, v, depth / 2)), self.bent(plus(centre, v, -depth / 2)))
        to = unit(along)
        stretch_u, stretch_v = dot(along, to) / length, dot(aside, left_of(to)) / depth
        o = self.bent(centre)
        out = []
        for p in corners:
            d = minus(p, centre)
            out.append(plus(plus(o, to, dot(d, u) * stretch_u), left_of(to), dot(d, v) * stretch_v))
        return out
