"""The sign of the map for a phone's home screen: `static/icon.svg` again, as PNG in any size, drawn here."""

import struct
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

BLUE, WHITE = (11, 99, 206), (255, 255, 255)
"""Of the sign and of its cross, as in `static/icon.svg`."""

_FINE = 4
"""Samples along each side of a pixel: edges come out smooth."""

_SAFE = 0.62
"""Share of a maskable icon's side that the sign takes: launchers cut circles and drops out of it."""

Mask = npt.NDArray[np.bool_]


@lru_cache(maxsize=8)
def draw_icon(size_px: int, *, maskable: bool = False) -> bytes:
    """
    Draw the sign.

    Parameters
    ----------
    size_px
        Side of the square, pixels.
    maskable
        Whether a launcher may cut its own shape out: the ground is full then, and the sign stays in the middle.

    Returns
    -------
    png
        True colour, eight bits.

    Examples
    --------
    >>> draw_icon(16)[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    share = _SAFE if maskable else 1.0
    # the drawing is 64 by 64; a sample lies in the middle of its cell
    along = ((np.arange(size_px * _FINE) + 0.5) / (size_px * _FINE) - 0.5) / share * 64 + 32
    x, y = np.meshgrid(along, along)
    drop, cross = _drop(x, y), _capsule(x, y, (21, 27), (43, 27)) | _capsule(x, y, (32, 16), (32, 38))
    ground, sign, mark = (BLUE, WHITE, BLUE) if maskable else (WHITE, BLUE, WHITE)
    fine = np.empty((*x.shape, 3))
    fine[:] = ground
    fine[drop] = sign
    fine[drop & cross] = mark
    coarse = fine.reshape(size_px, _FINE, size_px, _FINE, 3).mean(axis=(1, 3))
    return _png(np.rint(coarse).astype(np.uint8))


def _drop(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Mask:
    """A circle, and below its middle the point: the cubic curve from (10, 26) to (32, 60) and its mirror image."""
    t = np.linspace(0, 1, 200)
    across = 10 * (1 - t) ** 3 + 30 * (1 - t) ** 2 * t + 96 * (1 - t) * t**2 + 32 * t**3
    down = 26 * (1 - t) ** 3 + 123 * (1 - t) ** 2 * t + 180 * (1 - t) * t**2 + 60 * t**3
    half = np.interp(y, down, 32 - across, left=0, right=0)
    circle = (x - 32) ** 2 + (y - 26) ** 2 <= 22**2
    lower: Mask = (y >= 26) & (y <= 60) & (np.abs(x - 32) <= half)
    return (circle & (y < 26)) | lower


def _capsule(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    start: tuple[float, float],
    end: tuple[float, float],
) -> Mask:
    """A stroke six wide with round ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx**2 + dy**2), 0, 1)
    near: Mask = (x - start[0] - share * dx) ** 2 + (y - start[1] - share * dy) ** 2 <= 9
    return near


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A PNG after ISO/IEC 15948: header, one compressed block of unfiltered rows, end."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
