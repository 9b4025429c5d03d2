"""Single vector tiles out of a PMTiles file."""

import hashlib
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pmtiles.reader import Reader, all_tiles
from pmtiles.tile import Compression, TileType

from geo_service.errors import BadDataError, InvalidInputError
from geo_service.geo import BBox


class TileId(NamedTuple):
    """Address of a tile: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int


class Tiles:
    """
    An open basemap; safe to share between threads.

    Parameters
    ----------
    path
        PMTiles file of gzipped vector tiles.

    Attributes
    ----------
    path
        The file.
    digest
        Sixteen hexadecimal digits that change with any of its bytes.
    minzoom, maxzoom
        Zooms that it holds.
    bbox
        What its tiles cover, degrees.
    count
        How many tiles it holds.

    Raises
    ------
    BadDataError
        If the file is missing or no such archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                # the file stays mapped when a newer one takes its place
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._reader = Reader(self._slice)  # type: ignore[no-untyped-call]
            header = self._reader.header()  # type: ignore[no-untyped-call]
            self._slice(header["tile_data_offset"], header["tile_data_length"])
        except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
            raise _unreadable(path, str(error)) from error
        if (header["tile_type"], header["tile_compression"]) != (TileType.MVT, Compression.GZIP):
            raise _unreadable(path, "holds no gzipped vector tiles")
        self.digest = hashlib.sha256(self._bytes).hexdigest()[:16]
        self.minzoom, self.maxzoom = int(header["min_zoom"]), int(header["max_zoom"])
        corners = [header[f"{name}_e7"] / 1e7 for name in ("min_lon", "min_lat", "max_lon", "max_lat")]
        self.bbox = BBox(*corners)
        self.count = int(header["addressed_tiles_count"])

    def _slice(self, offset: int, length: int) -> bytes:
        if offset + length > len(self._bytes):
            raise ValueError("is cut short")
        return self._bytes[offset : offset + length]

    def get(self, tile: TileId) -> bytes | None:
        """
        One tile.

        Parameters
        ----------
        tile
            Its address.

        Returns
        -------
        packed
            Mapbox vector tile, gzipped; None where there is nothing to draw.

        Raises
        ------
        InvalidInputError
            If there can be no such tile.
        BadDataError
            If the file is damaged.
        """
        check_tile(tile)
        try:
            packed: bytes | None = self._reader.get(*tile)  # type: ignore[no-untyped-call]
        except (ValueError, OSError, EOFError, IndexError, KeyError) as error:
            raise _unreadable(self.path, str(error)) from error
        return packed

    def every(self) -> Iterator[tuple[TileId, bytes]]:
        """
        All tiles.

        Yields
        ------
        tile
            Its address and its bytes, as `get` gives them.
        """
        for address, packed in all_tiles(self._slice):  # type: ignore[no-untyped-call]
            yield TileId(*address), packed


def check_tile(tile: TileId) -> TileId:
    """
    Pass the address of a tile that can exist.

    Parameters
    ----------
    tile
        An address.

    Returns
    -------
    tile
        The same.

    Raises
    ------
    InvalidInputError
        If its zoom is no zoom of a map, or it lies beyond the edge of the world.

    Examples
    --------
    >>> check_tile(TileId(1, 1, 0))
    TileId(z=1, x=1, y=0)
    """
    z, x, y = tile
    if not 0 <= z <= 24 or not (0 <= x < 1 << z and 0 <= y < 1 << z):
        shown = f"{z}/{x}/{y}"[:60]
        raise InvalidInputError(
            f"tile={shown} is none; z is 0 to 24, x and y are 0 to 2^z-1", parameter="tile", value=shown
        )
    return tile


def _unreadable(path: Path, reason: str) -> BadDataError:
    return BadDataError(
        f"{path}: basemap unreadable ({reason}); build it anew with `geo-service basemap`", path=str(path)
    )
