"""Points and areas out of WKB, read number by number: a library in C crashes on what is nested deep enough."""

import math
import struct
from typing import NamedTuple

Ring = list[tuple[float, float]]

_SHAPES = {
    2: "a line",
    3: "an area",
    4: "several points",
    5: "several lines",
    6: "several areas",
    7: "a collection",
}


class Shape(NamedTuple):
    """
    What a WKB value is.

    Parameters
    ----------
    point
        The two numbers of a point.
    polygons
        Rings of each polygon, outer first.
    fault
        Why it can be no place; an area has polygons besides.
    """

    point: tuple[float, float] | None = None
    polygons: tuple[tuple[Ring, ...], ...] = ()
    fault: str = ""


def read_shape(blob: bytes | None) -> Shape:
    """
    Read a geometry.

    Parameters
    ----------
    blob
        WKB of two or more dimensions, of which two are kept; None is no geometry.

    Returns
    -------
    shape
        Empty for an empty point.

    Examples
    --------
    >>> read_shape(struct.pack("<BI2d", 1, 1, 116.45, 39.96)).point
    (116.45, 39.96)
    """
    if blob is None:
        return Shape()
    try:
        return _Reader(blob).shape()
    except struct.error:
        return Shape(fault="is cut off or damaged; a place is one point")


class _Reader:
    """Walks along the bytes of one geometry."""

    def __init__(self, blob: bytes) -> None:
        self.blob, self.at, self.order = blob, 0, "<"

    def _take(self, form: str) -> tuple[float, ...]:
        values = struct.unpack_from(self.order + form, self.blob, self.at)
        self.at += struct.calcsize(self.order + form)
        return values

    def _head(self) -> tuple[int, int]:
        """Kind without dimensions, and numbers per position."""
        self.order = "<" if self.blob[self.at : self.at + 1] == b"\x01" else ">"
        self.at += 1
        (code,) = self._take("I")
        kind, extra = int(code) & 0x0FFFFFFF, int(code) >> 30
        iso = kind // 1000
        count = 2 + bin(extra & 3).count("1") + {0: 0, 1: 1, 2: 1, 3: 2}.get(iso, 0)
        return kind % 1000, count

    def shape(self) -> Shape:
        kind, width = self._head()
        if kind == 1:
            lon, lat = self._take(f"{width}d")[:2]
            return Shape() if math.isnan(lon) else Shape((lon, lat))
        if kind == 4 and self._peek() == 1:  # one point, written as a list of points
            self._take("I")
            return self.shape()
        polygons: tuple[tuple[Ring, ...], ...] = ()
        if kind == 3:
            polygons = (self._polygon(width),)
        elif kind == 6:
            polygons = tuple(self._part() for _ in range(self._count(9)))
        return Shape(None, polygons, f"is {_SHAPES.get(kind, 'no shape we know')}; a place is one point")

    def _peek(self) -> int:
        return int(struct.unpack_from(self.order + "I", self.blob, self.at)[0])

    def _count(self, least_bytes: int) -> int:
        """Read how many follow; no more than there are bytes for."""
        count = int(self._take("I")[0])
        if count * least_bytes > len(self.blob) - self.at:
            raise struct.error("fewer bytes than promised")
        return count

    def _part(self) -> tuple[Ring, ...]:
        kind, width = self._head()
        if kind != 3:
            raise struct.error("no polygon among polygons")
        return self._polygon(width)

    def _polygon(self, width: int) -> tuple[Ring, ...]:
        return tuple(self._ring(width) for _ in range(self._count(4)))

    def _ring(self, width: int) -> Ring:
        count = self._count(8 * width)
        numbers = self._take(f"{count * width}d")
        return list(zip(numbers[::width], numbers[1::width], strict=True))
