"""What callers hand in, in the layout the kernels are compiled for, or a refusal that says what is wrong."""

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geo_service.engine.constants import MAX_GAP_MS_PER_M, NONE, SNAP_LIMIT_M
from geo_service.engine.dijkstra import Windows
from geo_service.engine.index import Index
from geo_service.engine.snap import Snaps
from geo_service.errors import InvalidInputError
from geo_service.network.graph import FloatArray, LongArray, Network, check_streets

_PLAIN: Final[tuple[Literal["C"], Literal["W"], Literal["E"]]] = ("C", "W", "E")
"""Layout the kernels are compiled for, whatever views and memory maps callers hold."""

_REAL, _LONG, _INT = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.int32)
_SNAP_TYPES: tuple[Any, ...] = (_REAL, _REAL, _INT, _REAL, _LONG, _LONG, _REAL, _REAL, _REAL, _LONG)
"""Types of the columns of `Snaps`."""


def check_router(network: Network, index: Index | None) -> None:
    """
    Refuse what no router can stand on.

    Parameters
    ----------
    network
        Streets of one profile.
    index
        Its index, or none.

    Raises
    ------
    InvalidInputError
        If there is no edge, the pace over gaps is senseless, or the index is of another network.
    """
    check_streets(network)
    pace = network.gap_ms_per_m
    if not 0.0 <= pace <= MAX_GAP_MS_PER_M:
        raise InvalidInputError(
            f"gap_ms_per_m={pace} is outside 0..{MAX_GAP_MS_PER_M:.0f} milliseconds per metre",
            parameter="gap_ms_per_m",
            value=pace if np.isfinite(pace) else str(pace),
        )
    if index is not None and index.fingerprint != network.fingerprint:
        raise InvalidInputError(
            f"index of network {index.fingerprint}, not of {network.fingerprint}; build it anew",
            parameter="index",
            value=index.fingerprint,
        )


def take_lonlat(lonlat: npt.ArrayLike) -> FloatArray:
    """
    Points to be snapped.

    Parameters
    ----------
    lonlat
        Longitude, latitude, WGS 84 degrees.

    Returns
    -------
    points
        A copy, shape ``(n, 2)``.

    Raises
    ------
    InvalidInputError
        If the shape is another.
    """
    points = np.array(lonlat, dtype=np.float64, order="C")
    if points.ndim != 2 or points.shape[1] != 2:
        raise InvalidInputError(
            f"points have shape {points.shape}; give lon, lat in rows, shape (n, 2)",
            parameter="lonlat",
            value=list(points.shape),
        )
    return points


def take_snaps(snaps: Snaps) -> Snaps:
    """
    Columns in the one layout, copied only where they are not.

    Parameters
    ----------
    snaps
        Points on the streets.

    Returns
    -------
    snaps
        The same points.
    """
    for column, dtype in zip(snaps, _SNAP_TYPES, strict=True):
        if not _is_plain(column, dtype):
            require: Any = np.require
            return Snaps(*(require(c, t, _PLAIN) for c, t in zip(snaps, _SNAP_TYPES, strict=True)))
    return snaps


def _is_plain(column: Any, dtype: np.dtype[Any]) -> bool:
    return type(column) is np.ndarray and column.dtype is dtype and bool(column.flags.carray)


def check_links(snaps: Snaps, n_links: int, parameter: str) -> None:
    """
    Refuse links of another network.

    Parameters
    ----------
    snaps
        Points on the streets.
    n_links
        Links there are.
    parameter
        What the points are for.

    Raises
    ------
    InvalidInputError
        If a link is not one of them.
    """
    top = snaps.link[0] if len(snaps.link) == 1 else snaps.link.max(initial=NONE)
    if top >= n_links:
        raise InvalidInputError(
            f"{parameter}: link {top} is not one of {n_links}; snap the points on this router",
            parameter=parameter,
            value=int(top),
        )


def take_nodes(nodes: npt.ArrayLike, n_nodes: int) -> LongArray:
    """
    Nodes in the one layout.

    Parameters
    ----------
    nodes
        Nodes.
    n_nodes
        Nodes there are.

    Returns
    -------
    nodes
        The same, shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If one is not one of them.
    """
    taken = np.require(nodes, np.int64, _PLAIN).ravel()
    if len(taken) and not (taken.min() >= 0 and taken.max() < n_nodes):
        wrong = int(taken.min()) if taken.min() < 0 else int(taken.max())
        raise InvalidInputError(f"node {wrong} is not one of {n_nodes}", parameter="nodes", value=wrong)
    return taken


def check_node(node: int, n_nodes: int) -> None:
    """
    Refuse a node of another network.

    Parameters
    ----------
    node
        A node.
    n_nodes
        Nodes there are.

    Raises
    ------
    InvalidInputError
        If it is not one of them.
    """
    if not 0 <= node < n_nodes:
        raise InvalidInputError(
            f"node {node} is not one of {n_nodes}; give a number from 0 to {n_nodes - 1}",
            parameter="node",
            value=int(node),
        )


def take_windows(windows: Windows, n_facilities: int) -> Windows:
    """
    Windows in the one layout.

    Parameters
    ----------
    windows
        When facilities count.
    n_facilities
        How many facilities there are.

    Returns
    -------
    windows
        The same.

    Raises
    ------
    InvalidInputError
        If they do not fit the facilities, or one another.
    """
    taken = Windows(
        np.require(windows.first, np.int32, _PLAIN),
        np.require(windows.open_ms, np.int64, _PLAIN),
        np.require(windows.close_ms, np.int64, _PLAIN),
        int(windows.start_ms),
        int(windows.horizon_ms),
    )
    n_windows = len(taken.open_ms)
    if len(taken.first) != n_facilities + 1 or len(taken.close_ms) != n_windows:
        raise InvalidInputError(
            f"windows.first has {len(taken.first)} entries for {n_facilities} facilities; it needs one more than those",
            parameter="windows",
            value=len(taken.first),
        )
    if taken.first[0] != 0 or taken.first[-1] != n_windows or (np.diff(taken.first) < 0).any():
        raise InvalidInputError(
            f"windows.first must rise from 0 to the number of windows, {n_windows}",
            parameter="windows",
            value=n_windows,
        )
    return taken


def check_k(k: int) -> None:
    """
    Refuse to look for nothing.

    Parameters
    ----------
    k
        How many are wanted.

    Raises
    ------
    InvalidInputError
        If that is less than 1.
    """
    if k < 1:
        raise InvalidInputError(f"k={k} is not allowed; ask for at least 1", parameter="k", value=k)


def check_one(snaps: Snaps, parameter: str) -> None:
    """
    Refuse anything but one point on a street.

    Parameters
    ----------
    snaps
        Points on the streets.
    parameter
        What the point is for.

    Raises
    ------
    InvalidInputError
        If there is none, more than one, or it is farther than the limit from any street.
    """
    if len(snaps.link) != 1:
        raise InvalidInputError(
            f"{parameter} has {len(snaps.link)} points; give exactly one",
            parameter=parameter,
            value=len(snaps.link),
        )
    if snaps.link[0] == NONE:
        raise InvalidInputError(
            f"{parameter} is {snaps.gap_m[0]:.0f} m from the nearest street; at most {SNAP_LIMIT_M:.0f} m is allowed",
            parameter=parameter,
            gap_m=round(float(snaps.gap_m[0]), 1),
        )


def take_trials(close: npt.ArrayLike | None, add: Snaps | None, n_facilities: int) -> tuple[LongArray, int]:
    """
    What closes in each trial, and how many trials there are.

    Parameters
    ----------
    close
        Row that closes in each, `NONE` for none.
    add
        Where one comes in each.
    n_facilities
        How many facilities there are.

    Returns
    -------
    trials
        What closes, shape ``(t,)`` or empty, and ``t``.

    Raises
    ------
    InvalidInputError
        If the two are not equally long, or a row is not one of the facilities.
    """
    closed = np.asarray([] if close is None else close, dtype=np.int64).ravel()
    n_come = 0 if add is None else len(add.link)
    if close is not None and add is not None and len(closed) != n_come:
        raise InvalidInputError(
            f"close has {len(closed)} trials and add {n_come}; give one of each for every trial",
            parameter="close",
            value=len(closed),
        )
    if (closed < NONE).any() or (closed >= n_facilities).any():
        raise InvalidInputError(
            f"close names rows that are not one of {n_facilities} facilities",
            parameter="close",
            value=int(closed.max()),
        )
    return closed, max(len(closed), n_come)
