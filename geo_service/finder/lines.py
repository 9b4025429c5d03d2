"""
Stretches of streets as lines, in flat metres east and north.

One metre is the same everywhere in a network here: good for a town, and straight streets stay straight.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.finder.stretches import Stretches
from geo_service.network.graph import Network

FloatArray = npt.NDArray[np.float64]
Lines = npt.NDArray[np.object_]


def stretch_lines(network: Network, stretches: Stretches) -> Lines:
    """
    Draw stretches as lines, cut by length along the street.

    Parameters
    ----------
    network
        Streets of one profile.
    stretches
        Parts of its links.

    Returns
    -------
    lines
        LineStrings in the drawn direction, metres, shape ``(s,)``.
    """
    first, last = network.first_point[stretches.link], network.first_point[stretches.link + 1]
    counts = (last - first).astype(np.int64)
    begins = np.cumsum(counts) - counts
    points = np.repeat(first - begins, counts) + np.arange(counts.sum())
    xy = to_metres(network, network.point_lon_e6[points] / 1e6, network.point_lat_e6[points] / 1e6)
    of_line = np.repeat(np.arange(len(counts)), counts)
    lines = np.asarray(shapely.linestrings(xy, indices=of_line), dtype=np.object_)
    for i in np.flatnonzero((stretches.start > 0.0) | (stretches.end < 1.0)):
        whole = xy[begins[i] : begins[i] + counts[i]]
        lines[i] = part_of_line(whole, float(stretches.start[i]), float(stretches.end[i]))
    return lines


def part_of_line(xy: FloatArray, start: float, end: float) -> shapely.LineString:
    """
    Cut a line at two shares of its length.

    Parameters
    ----------
    xy
        Its points, shape ``(n, 2)``.
    start, end
        From 0 to 1.

    Returns
    -------
    part
        What lies between.
    """
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.array([start, end]) * along[-1]
    ends = np.column_stack([np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1])])
    between = (along > at[0]) & (along < at[1])
    return shapely.LineString(np.concatenate([ends[:1], xy[between], ends[1:]]))


def to_metres(network: Network, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """
    Degrees as metres.

    Parameters
    ----------
    network
        Gives its metric.
    lon
        Degrees, shape ``(n,)``.
    lat
        Degrees, shape ``(n,)``.

    Returns
    -------
    xy
        Metres, shape ``(n, 2)``.
    """
    metric = network.metric
    return np.column_stack([lon * metric.lon_m * 1e6, (lat - metric.lat0_e6 / 1e6) * metric.lat_m * 1e6])


def from_metres(network: Network) -> Callable[[FloatArray], FloatArray]:
    """
    The way back from metres, to be given to ``shapely.transform``.

    Parameters
    ----------
    network
        Gives its metric.

    Returns
    -------
    back
        From metres to degrees, both of shape ``(n, 2)``.
    """
    metric = network.metric

    def back(xy: FloatArray) -> FloatArray:
        lat = xy[:, 1] / (metric.lat_m * 1e6) + metric.lat0_e6 / 1e6
        return np.column_stack([xy[:, 0] / (metric.lon_m * 1e6), lat])

    return back
