"""
Where a gap in coverage may be a gap in the data: a grid of cells with what speaks against believing the map.

Three things are looked at, each by a rule that is stated and can be changed: streets much sparser than is usual in the
district, demand that no street leads from or that lies far from every street, and places whose hours nobody knows
or has checked for long, and which would close the gap if they were open.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.geo import metres_per_degree
from geo_service.network.graph import Network
from geo_service.planning.parameters import TrustRules

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]

REASONS = ("sparse_streets", "unreached_demand", "far_from_streets", "unverified_places")
"""What may speak against believing that a cell is a gap."""

STEP_SHARE = 0.05
"""Streets are cut into steps of at most this share of a cell to tell which cell they are in."""


class Grid(NamedTuple):
    """
    Square cells over some streets.

    Parameters
    ----------
    west, south
        Corner, WGS 84 degrees.
    step_lon, step_lat
        Width and height of a cell, degrees.
    columns, rows
        How many.
    cell_m
        Width of a cell, metres.
    """

    west: float
    south: float
    step_lon: float
    step_lat: float
    columns: int
    rows: int
    cell_m: float

    def cell_of(self, lonlat: FloatArray) -> LongArray:
        """
        In which cells points are.

        Parameters
        ----------
        lonlat
            WGS 84 degrees, shape ``(n, 2)``; what lies beyond is taken to be in the outermost cells.

        Returns
        -------
        cell
            ``row * columns + column``, shape ``(n,)``.
        """
        column = np.floor((lonlat[:, 0] - self.west) / self.step_lon).astype(np.int64)
        row = np.floor((lonlat[:, 1] - self.south) / self.step_lat).astype(np.int64)
        cell: LongArray = np.clip(row, 0, self.rows - 1) * self.columns + np.clip(column, 0, self.columns - 1)
        return cell

    def ring(self, cell: int) -> list[list[float]]:
        """
        Draw a cell.

        Parameters
        ----------
        cell
            Its number.

        Returns
        -------
        ring
            Five corners counter-clockwise, WGS 84 degrees.
        """
        row, column = divmod(cell, self.columns)
        west, south = self.west + column * self.step_lon, self.south + row * self.step_lat
        east, north = west + self.step_lon, south + self.step_lat
        corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        return [[round(lon, 7), round(lat, 7)] for lon, lat in corners]


def build_grid(network: Network, cell_m: float) -> Grid:
    """
    Lay a grid over streets.

    Parameters
    ----------
    network
        Streets of one profile.
    cell_m
        Width of a cell, metres.

    Returns
    -------
    grid
        From the south-western corner of the streets.
    """
    lon, lat = network.point_lon_e6 / 1e6, network.point_lat_e6 / 1e6
    west, south, east, north = float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())
    east_m, north_m = (float(metres) for metres in metres_per_degree((south + north) / 2))
    step_lon, step_lat = cell_m / east_m, cell_m / north_m
    columns, rows = int((east - west) / step_lon) + 1, int((north - south) / step_lat) + 1
    return Grid(west, south, step_lon, step_lat, columns, rows, cell_m)


def street_by_cell(network: Network, grid: Grid) -> FloatArray:
    """
    Length of street in each cell.

    Parameters
    ----------
    network
        Streets of one profile.
    grid
        Over them.

    Returns
    -------
    street_m
        Shape ``(rows * columns,)``; all of them together are as long as the streets.
    """
    lonlat = np.column_stack([network.point_lon_e6, network.point_lat_e6]) / 1e6
    is_last = np.zeros(len(lonlat), dtype=np.bool_)
    is_last[network.first_point[1:] - 1] = True
    begin = np.flatnonzero(~is_last)
    step = lonlat[begin + 1] - lonlat[begin]
    drawn_m = np.hypot(*(step / [grid.step_lon, grid.step_lat]).T) * grid.cell_m
    link = np.searchsorted(network.first_point, begin, side="right") - 1
    whole_m = np.bincount(link, drawn_m, minlength=network.n_links)[link]
    length_m = network.link_length_mm[link] / 1000 * drawn_m / np.where(whole_m > 0, whole_m, 1.0)
    pieces = np.maximum(1, np.ceil(drawn_m / (grid.cell_m * STEP_SHARE))).astype(np.int64)
    of = np.repeat(np.arange(len(begin)), pieces)
    number = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    middle = lonlat[begin[of]] + step[of] * ((number + 0.5) / pieces[of])[:, None]
    street_m: FloatArray = np.bincount(
        grid.cell_of(middle), length_m[of] / pieces[of], minlength=grid.rows * grid.columns
    ).astype(np.float64)
    return street_m


def is_sparse(street_m: FloatArray, rules: TrustRules) -> tuple[npt.NDArray[np.bool_], float]:
    """
    Which cells have much less street than is usual.

    Parameters
    ----------
    street_m
        By cell.
    rules
        How much less.

    Returns
    -------
    is_sparse, median_m
        Below the share of the median of cells that have any street, and that median.
    """
    median_m = float(np.median(street_m[street_m > 0])) if (street_m > 0).any() else 0.0
    return street_m < rules.sparse_share * median_m, median_m
