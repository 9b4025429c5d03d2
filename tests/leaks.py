"""
Does a request say where the rider is? Looked for in the address, every header and the body, in every form.

A coordinate is looked for in three datums as decimal degrees, degrees-minutes-seconds, whole numbers of 1e-4
to 1e-7 degrees, radians, web-mercator metres, geohash, plus code, quadkey, map tiles closer than the map's own
data, and binary numbers; each of these plain, percent-encoded, in base64, in hexadecimal, escaped for JSON,
reversed or compressed, and one inside the other.

Whoever wants to hide a position well enough will: that no request *depends* on it is what the gate of two
positions shows.
"""

import base64
import binascii
import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import unquote_to_bytes

import brotli
import numpy as np

from geo_service.geo import convert_datum
from tests.wire import Heard

NEAR_DEG = 0.0015
"""A number this near to the rider's counts as his: some 130 m."""

DEEP = 3
"""Encodings inside each other."""

_BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz"
_PLUS = "23456789CFGHJMPQRVWX"


def find_leaks(heard: Iterable[Heard], positions: Iterable[tuple[float, float]]) -> list[str]:
    """
    Requests that say where the rider is.

    Parameters
    ----------
    heard
        Requests as they were on the wire.
    positions
        Where the rider was, and whatever else must not be sent: lon, lat, WGS 84.

    Returns
    -------
    leaks
        A line for each part of a request that gives something away.
    """
    signs = [_Sign(*position) for position in positions]
    return [
        f"{one.method} {one.url[:120]}: {where} holds {what}"
        for one in heard
        for where, part in _parts(one)
        for what in sorted({found for view in views(part) for sign in signs for found in sign.found_in(view)})
    ]


def _parts(one: Heard) -> Iterator[tuple[str, bytes]]:
    yield "address", one.url.encode()
    for name, value in one.headers:
        yield f"header {name}", f"{name}: {value}".encode()
    yield "body", one.body


def views(part: bytes) -> set[bytes]:
    """What a part of a request says, read in every way, and each of these again."""
    seen: set[bytes] = set()
    fresh = {part}
    for _ in range(DEEP):
        seen |= fresh
        fresh = {other for view in fresh for other in _decoded(view)} - seen
    return seen | fresh


def _decoded(view: bytes) -> Iterator[bytes]:
    if b"%" in view or b"+" in view:
        yield unquote_to_bytes(view.replace(b"+", b" "))
    if b"\\u" in view or b"\\x" in view:
        yield re.sub(rb"\\(?:u00|x)([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), view)
    if b"&#" in view:
        yield re.sub(rb"&#(\d{2,3});", lambda m: bytes([int(m[1]) % 256]), view)
    for word in re.findall(rb"[A-Za-z0-9+/_-]{8,}={0,2}", view):
        plain = word.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        with suppress(binascii.Error):  # then it was none
            yield base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    for word in re.findall(rb"(?:[0-9a-fA-F]{2}){4,}", view):
        yield bytes.fromhex(word.decode())
    for unpack in (
        gzip.decompress,
        zlib.decompress,
        lambda data: zlib.decompress(data, -15),
        brotli.decompress,
    ):
        with suppress(OSError, EOFError, zlib.error, brotli.error):  # then it was not packed like that
            yield unpack(view)
    if b"\0" in view:
        yield view.replace(b"\0", b"")
    if re.search(rb"\d{3,}[.]\d{1,3}(?!\d)", view):
        yield view[::-1]


class _Sign:
    """Everything that gives one position away."""

    def __init__(self, lon: float, lat: float) -> None:
        self.points = [(lon, lat)] + [
            tuple(convert_datum([(lon, lat)], "wgs84", datum)[0]) for datum in ("gcj02", "bd09")
        ]
        self.degrees = np.array([value for point in self.points for value in point])
        self.metres = np.array([value for point in self.points for value in _mercator(*point)])
        self.geohashes = {geohash(*point)[:6] for point in self.points}
        self.plus_codes = {plus_code(*point)[:8] for point in self.points}
        self.quadkeys = {quadkey(*point, 14) for point in self.points}

    def found_in(self, view: bytes) -> Iterator[str]:
        text = view.decode("latin-1")
        yield from self._numbers(text)
        yield from self._names(text)
        yield from self._tiles(text)
        yield from self._binary(view)

    def _near(self, value: float, spread: float = NEAR_DEG) -> bool:
        return bool((np.abs(self.degrees - abs(value)) <= spread).any())

    def _numbers(self, text: str) -> Iterator[str]:
        for number in re.findall(r"\d{1,9}[.,]\d{2,}(?:[eE][+-]?\d{1,2})?|\d[.]\d{3,}[eE][+-]?\d{1,2}", text):
            value = float(number.replace(",", "."))
            decimals = len(re.sub(r"[eE].*", "", number).replace(",", ".").partition(".")[2])
            if decimals >= 3 and self._near(value):
                yield f"{number} degrees"
            if decimals >= 5 and self._near(math.degrees(value)):
                yield f"{number} radians"
            if (np.abs(self.metres - value) <= 150).any():
                yield f"{number} mercator metres"
        for number in re.findall(r"(?<![0-9A-Za-z.])\d{6,11}(?![0-9A-Za-z])", text):
            if any(self._near(int(number) / scale) for scale in (1e4, 1e5, 1e6, 1e7)):
                yield f"{number} small parts of a degree"
            if (np.abs(self.metres - int(number)) <= 150).any():
                yield f"{number} mercator metres"
        for d, m, s in re.findall(r"(\d{1,3})[^\d.]{1,6}(\d{1,2})[^\d.]{1,6}(\d{1,2}(?:[.]\d+)?)", text):
            if int(m) < 60 and float(s) < 60 and self._near(int(d) + int(m) / 60 + float(s) / 3600, 0.0004):
                yield f"{d} {m} {s} degrees, minutes, seconds"

    def _names(self, text: str) -> Iterator[str]:
        lower, upper = text.lower(), text.upper()
        yield from (f"geohash {one}" for one in self.geohashes if one in lower)
        yield from (f"plus code {one}" for one in self.plus_codes if one in upper)
        yield from (f"quadkey {one}" for one in self.quadkeys if one in text)

    def _tiles(self, text: str) -> Iterator[str]:
        for z, x, y in re.findall(r"(?<!\d)(1[6-9]|2[0-4])\D{1,3}(\d{4,8})\D{1,3}(\d{4,8})(?!\d)", text):
            for point in self.points:
                column, row = tile(*point, int(z))
                if (
                    abs(column - int(x)) <= 1
                    and min(abs(row - int(y)), abs(2 ** int(z) - 1 - row - int(y))) <= 1
                ):
                    yield f"tile {z}/{x}/{y}"

    def _binary(self, view: bytes) -> Iterator[str]:
        for kind, size, scales in (("f8", 8, (1,)), ("f4", 4, (1,)), ("i4", 4, (1e5, 1e6, 1e7))):
            for order in "<>":
                for shift in range(min(size, max(0, len(view) - size + 1))):
                    whole = (len(view) - shift) // size * size
                    with np.errstate(all="ignore"):
                        values = np.frombuffer(view[shift : shift + whole], order + kind).astype(float)
                        for scale in scales:
                            near = np.abs(values[:, None] / scale - self.degrees) <= NEAR_DEG
                            if near.any():
                                yield f"binary {order}{kind} of 1/{scale:g} degree"


def _mercator(lon: float, lat: float) -> tuple[float, float]:
    radius = 6378137.0
    return math.radians(lon) * radius, math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) * radius


def tile(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of the map tile that holds a point."""
    n = 2**zoom
    s = math.sin(math.radians(lat))
    return int((lon + 180) / 360 * n), int((0.5 - math.log((1 + s) / (1 - s)) / (4 * math.pi)) * n)


def quadkey(lon: float, lat: float, zoom: int) -> str:
    """The same as one word, after Bing."""
    x, y = tile(lon, lat, zoom)
    return "".join(str(((x >> i) & 1) + 2 * ((y >> i) & 1)) for i in range(zoom - 1, -1, -1))


def geohash(lon: float, lat: float, length: int = 9) -> str:
    """Niemeyer's geohash."""
    spans, bits = [[-180.0, 180.0], [-90.0, 90.0]], ""
    for i in range(length * 5):
        span, value = spans[i % 2], (lon, lat)[i % 2]
        middle = sum(span) / 2
        bits += str(int(value >= middle))
        span[int(value < middle)] = middle
    return "".join(_BASE32[int(bits[i : i + 5], 2)] for i in range(0, len(bits), 5))


def plus_code(lon: float, lat: float) -> str:
    """Open location code of ten digits without its sign."""
    code, x, y = "", (lon + 180) * 8000, (lat + 90) * 8000
    for i in range(4, -1, -1):
        code += _PLUS[int(y // 20**i) % 20] + _PLUS[int(x // 20**i) % 20]
    return code


def as_bytes(kind: str, lon: float, lat: float) -> bytes:
    """A position as binary numbers, for planting."""
    return struct.pack(kind, lon, lat)
