"""
A network too large for one phone, cut into coarse tiles.

A tile holds every link that touches it, whole, with both its nodes; a link that touches two stands in both. So
whatever lies within a loaded tile has all its links, and a node whose own tile is not loaded is where knowledge ends.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from geo_service.network.graph import LongArray, Network
from geo_service.pack.files import PackedFile, pack_bytes
from geo_service.pack.streets import Streets, prepare_streets, write_links

TILED_ABOVE_LINKS = 60_000
"""A network with more pieces of street than this comes in tiles: a subdistrict has ten thousand, a city a million."""

WIDTH_E6, HEIGHT_E6 = 50_000, 40_000
"""A tile of 1e-6 degrees, some 4 km square in the middle of China."""


class Grid(NamedTuple):
    """
    How a network is cut, 1e-6 degrees.

    Parameters
    ----------
    west, south
        Where the first column and row begin.
    width, height
        Of a tile.
    """

    west: int
    south: int
    width: int
    height: int


class Tile(NamedTuple):
    """One tile: where it stands, and its file."""

    column: int
    row: int
    file: PackedFile


def pack_tiles(network: Network, kind: str) -> tuple[Grid, Iterator[Tile]]:
    """
    Cut a network.

    Parameters
    ----------
    network
        Streets of one profile.
    kind
        What the files are called; column and row are added.

    Returns
    -------
    grid, tiles
        How it is cut, and its tiles, west to east within south to north; made as they are taken.
    """
    grid = Grid(
        int(network.point_lon_e6.min()) // WIDTH_E6 * WIDTH_E6,
        int(network.point_lat_e6.min()) // HEIGHT_E6 * HEIGHT_E6,
        WIDTH_E6,
        HEIGHT_E6,
    )
    return grid, _write_tiles(prepare_streets(network), grid, kind)


def _write_tiles(streets: Streets, grid: Grid, kind: str) -> Iterator[Tile]:
    row, column, link = touched_tiles(streets.network, grid)
    start = np.flatnonzero(np.diff(row, prepend=-1) | np.diff(column, prepend=-1))
    for begin, end in zip(start, [*start[1:], len(link)], strict=True):
        at = int(column[begin]), int(row[begin])
        body = write_links(streets, link[begin:end])
        yield Tile(*at, pack_bytes(f"{kind}-{at[0]}_{at[1]}", "bin", body))


def touched_tiles(network: Network, grid: Grid) -> tuple[LongArray, LongArray, LongArray]:
    """
    Say which links touch which tiles.

    Parameters
    ----------
    network
        Streets of one profile.
    grid
        How it is cut.

    Returns
    -------
    row, column, link
        Each pair once, sorted. A link stands in each tile that the box of one of its segments touches.
    """
    begin = np.delete(np.arange(len(network.point_lon_e6)), network.first_point[1:] - 1)
    link = np.repeat(np.arange(network.n_links), np.diff(network.first_point) - 1)
    west, east = _span(network.point_lon_e6.astype(np.int64), begin, grid.west, grid.width)
    south, north = _span(network.point_lat_e6.astype(np.int64), begin, grid.south, grid.height)
    found = []
    for up in range(int((north - south).max(initial=0)) + 1):
        for right in range(int((east - west).max(initial=0)) + 1):
            has = (south + up <= north) & (west + right <= east)
            found.append(np.stack([south[has] + up, west[has] + right, link[has]]))
    row, column, owner = np.unique(np.concatenate(found, axis=1), axis=1)
    return row, column, owner


def _span(degrees_e6: LongArray, begin: LongArray, origin: int, size: int) -> tuple[LongArray, LongArray]:
    """First and last row or column that each segment touches."""
    one, other = degrees_e6[begin], degrees_e6[begin + 1]
    return (np.minimum(one, other) - origin) // size, (np.maximum(one, other) - origin) // size
