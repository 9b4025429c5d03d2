"""Stretches of streets: parts of links, both directions together, and how long they are."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.engine.router import Reach
from geo_service.network.graph import Network

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]


class Stretches(NamedTuple):
    """
    Parts of links, from one share of the drawn direction to another.

    Parameters
    ----------
    link
        The link of each, ascending once they are merged, shape ``(s,)``.
    start
        Where each begins, 0 to 1, shape ``(s,)``.
    end
        Where it ends, not before ``start``, shape ``(s,)``.
    """

    link: IntArray
    start: FloatArray
    end: FloatArray

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Stretches":
        """Some of them, by mask or by row."""
        return Stretches(self.link[rows], self.start[rows], self.end[rows])


def merge_stretches(stretches: Stretches) -> Stretches:
    """
    Join stretches that touch or overlap.

    Parameters
    ----------
    stretches
        In any order.

    Returns
    -------
    merged
        Disjoint, by link and along it; those without length are left out.

    Examples
    --------
    >>> both = Stretches(np.array([7, 7, 2]), np.array([0.5, 0.0, 0.25]), np.array([1.0, 0.5, 0.75]))
    >>> merged = merge_stretches(both)
    >>> merged.link.tolist(), merged.start.tolist(), merged.end.tolist()
    ([2, 7], [0.25, 0.0], [0.75, 1.0])
    """
    order = np.lexsort((stretches.start, stretches.link))
    order = order[stretches.end[order] > stretches.start[order]]
    link, start, end = stretches.take(order)
    if len(link) == 0:
        return Stretches(link.astype(np.int32), start, end)
    # links lie two apart on one line, so that a running maximum never passes from one to the next
    reached = np.maximum.accumulate(end + 2.0 * link)
    is_first = np.concatenate([[True], start[1:] + 2.0 * link[1:] > reached[:-1]])
    last = np.concatenate([np.flatnonzero(is_first)[1:] - 1, [len(link) - 1]])
    # ends are taken as they came, not from the sum, which would round them
    longest = np.maximum.reduceat(end, np.flatnonzero(is_first))
    return Stretches(link[last].astype(np.int32), start[is_first], longest)


def reached_stretches(network: Network, reach: Reach) -> Stretches:
    """
    What was reached of each link, in either direction.

    Parameters
    ----------
    network
        Streets of one profile.
    reach
        What its router reached.

    Returns
    -------
    stretches
        Disjoint.
    """
    link = network.edge_link[reach.edge]
    is_against = network.link_edge[link, 0] != reach.edge
    start = np.where(is_against, 1.0 - reach.end_share, reach.start_share)
    end = np.where(is_against, 1.0 - reach.start_share, reach.end_share)
    return merge_stretches(Stretches(link, start, end))


def other_stretches(stretches: Stretches, n_links: int) -> Stretches:
    """
    What is left of all links.

    Parameters
    ----------
    stretches
        Disjoint, by link and along it.
    n_links
        How many links there are.

    Returns
    -------
    others
        Disjoint.
    """
    is_first = np.concatenate([[True], stretches.link[1:] != stretches.link[:-1]])[: len(stretches.link)]
    is_last = np.concatenate([is_first[1:], [True]])[: len(stretches.link)]
    before = np.where(is_first, 0.0, np.concatenate([[0.0], stretches.end])[:-1])
    untouched = np.setdiff1d(np.arange(n_links, dtype=np.int32), stretches.link)
    link = np.concatenate([stretches.link, stretches.link[is_last], untouched])
    start = np.concatenate([before, stretches.end[is_last], np.zeros(len(untouched))])
    end = np.concatenate([stretches.start, np.ones(int(is_last.sum())), np.ones(len(untouched))])
    kept = end > start
    return Stretches(link[kept], start[kept], end[kept])


def lengths_m(network: Network, stretches: Stretches) -> FloatArray:
    """
    How long stretches are.

    Parameters
    ----------
    network
        Streets of one profile.
    stretches
        Parts of its links.

    Returns
    -------
    length_m
        Shape ``(s,)``.
    """
    length_m: FloatArray = network.link_length_mm[stretches.link] * (stretches.end - stretches.start) / 1000
    return length_m
