"""Out of costs to facilities and on from them: the best stops on the way, and what a range reaches."""

from typing import NamedTuple

import numpy as np

from geo_service.engine.constants import NONE, UNREACHED
from geo_service.engine.dijkstra import Windows
from geo_service.engine.join import mark_counting
from geo_service.engine.snap import BoolArray
from geo_service.network.graph import IntArray, LongArray


class Stops(NamedTuple):
    """
    Stops on the way between two points, least added cost first.

    Parameters
    ----------
    facility
        Row of the facility, `NONE` where there is none left, shape ``(k,)``.
    added_ms
        What stopping adds to the cost of the fastest way, shape ``(k,)``.
    arrival_ms
        Cost of the fastest way to the stop, `UNREACHED` where there is none, shape ``(k,)``.
    length_mm
        Length by way of the stop, `UNREACHED` where there is none, shape ``(k,)``.
    direct_ms
        Cost without a stop.
    """

    facility: IntArray
    added_ms: LongArray
    arrival_ms: LongArray
    length_mm: LongArray
    direct_ms: int


class Within(NamedTuple):
    """
    Facilities within range, nearest by cost first.

    Parameters
    ----------
    facility
        Row of each, shape ``(r,)``.
    cost_ms
        Cost of arriving, by way of the point to pass if there is one, shape ``(r,)``.
    length_mm
        Length of that way, shape ``(r,)``.
    """

    facility: IntArray
    cost_ms: LongArray
    length_mm: LongArray


def _counting(windows: Windows, rows: LongArray, cost_ms: LongArray) -> BoolArray:
    counts: BoolArray = cost_ms != UNREACHED
    if len(windows.first) > 0:
        is_open = np.zeros(len(rows), dtype=np.uint8)
        mark_counting(windows, rows, cost_ms, is_open)
        counts &= is_open != 0
    return counts


def choose_stops(
    direct_ms: int,
    there: tuple[LongArray, LongArray],
    onward: tuple[LongArray, LongArray],
    rows: LongArray,
    windows: Windows,
    k: int,
) -> Stops:
    """
    Choose the k stops of least added cost.

    Parameters
    ----------
    direct_ms
        Cost without a stop.
    there
        Cost and length to each facility, shapes ``(1, f)``.
    onward
        Cost and length on from each, shapes ``(1, f)``.
    rows
        Row of each facility, ascending.
    windows
        When facilities count; with an empty ``first`` always.
    k
        How many.

    Returns
    -------
    stops
        Padded to k.
    """
    arrival_ms, onward_ms = there[0][0], onward[0][0]
    counts = _counting(windows, rows, arrival_ms) & (onward_ms != UNREACHED)
    at = np.flatnonzero(counts)
    added_ms = arrival_ms[at] + onward_ms[at] - direct_ms
    best = np.argsort(added_ms, kind="stable")[:k]
    at = at[best]
    added, arrival, length = np.full((3, k), UNREACHED, dtype=np.int64)
    stops = Stops(np.full(k, NONE, dtype=np.int32), added, arrival, length, direct_ms)
    stops.facility[: len(at)] = rows[at]
    stops.added_ms[: len(at)] = added_ms[best]
    stops.arrival_ms[: len(at)] = arrival_ms[at]
    stops.length_mm[: len(at)] = there[1][0][at] + onward[1][0][at]
    return stops


def choose_within(
    before: tuple[int, int],
    there: tuple[LongArray, LongArray],
    rows: LongArray,
    windows: Windows,
    range_mm: int,
) -> Within:
    """
    Choose the facilities that a range reaches.

    Parameters
    ----------
    before
        Cost and length of the way to the point to pass, or zeros.
    there
        Cost and length from there to each facility, shapes ``(1, f)``.
    rows
        Row of each facility, ascending.
    windows
        When facilities count; with an empty ``first`` always.
    range_mm
        Greatest length, inclusive.

    Returns
    -------
    within
        Ordered by cost, then row.
    """
    is_reached = there[0][0] != UNREACHED
    cost_ms = np.where(is_reached, there[0][0] + before[0], UNREACHED)
    length_mm = there[1][0] + before[1]
    at = np.flatnonzero(_counting(windows, rows, cost_ms) & (length_mm <= range_mm))
    at = at[np.argsort(cost_ms[at], kind="stable")]
    return Within(rows[at].astype(np.int32), cost_ms[at], length_mm[at])
