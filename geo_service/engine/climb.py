"""
Labels made for a question, where an index has none: what a search up the hierarchy meets.

Such a search passes over whatever is reached sooner from above [1]_. What it settles is more than
a label would hold, but it is a label in form: hubs with exact costs, nearest first, and the most important
node of every fastest way among them. So all that reads labels reads these. They lie on a *shelf*, under
the ranks that were asked for and no others.

References
----------
.. [1] R. Geisberger, P. Sanders, D. Schultes and D. Delling, "Contraction Hierarchies", WEA 2008, "stall on
   demand".
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import HUB_MASK, LONG, LOW_MASK, NONE, VIA_BITS
from geo_service.engine.direct import Direct
from geo_service.engine.heap import ITEM, KEY, drop_first, push
from geo_service.engine.hierarchy import Arcs
from geo_service.engine.labels import Labels
from geo_service.engine.lines import freeze
from geo_service.network.graph import IntArray, LongArray

STAMP, DIST, CAME, ARC = range(4)
"""Columns of a search: which it belongs to, key, place of the node before among what was settled, arc from it."""


class Climber(NamedTuple):
    """
    What one thread writes on while it searches up the hierarchy; stamped, never cleared.

    Parameters
    ----------
    clock
        Last stamp given out, shape ``(1,)``.
    label
        `STAMP` to `ARC` by rank, shape ``(n, 4)``.
    heap
        Room for whatever can be pushed, shape ``(h, 2)``.
    """

    clock: LongArray
    label: LongArray
    heap: LongArray


class Shelf(NamedTuple):
    """
    Labels of some ranks, with room for more.

    Parameters
    ----------
    first
        Entries of rank ``r``, if it was asked for, are ``first[r]:first[r + 1]``, shape ``(n + 1,)``.
    entry
        ``cost << 32 | hub << VIA_BITS``, nearest first, shape ``(e,)``.
    mm
        Length of the shortest of the fastest ways, shape ``(e,)``.
    came
        Place of the entry of the node before, and the arc from it; `NONE` at the rank itself, shape ``(e, 2)``.
    """

    first: LongArray
    entry: LongArray
    mm: IntArray
    came: IntArray

    @property
    def labels(self) -> Labels:
        """The same for whoever reads labels."""
        return Labels(freeze(self.first), freeze(self.entry), freeze(self.mm))


def build_climber(n_nodes: int, n_arcs: int) -> Climber:
    """
    Lay out what searches up a hierarchy are written on.

    Parameters
    ----------
    n_nodes
        Nodes of the network.
    n_arcs
        Arcs of the direction with more of them.

    Returns
    -------
    climber
        Nothing in it is valid yet.
    """
    # a node is pushed at most once for each arc that leads to it, and once at the start
    return Climber(
        np.zeros(1, dtype=np.int64),
        np.zeros((n_nodes, 4), dtype=np.int64),
        np.empty((n_arcs + 1, 2), dtype=np.int64),
    )


def build_shelf(n_nodes: int) -> Shelf:
    """
    Lay out room for labels of some ranks.

    Parameters
    ----------
    n_nodes
        Nodes of the network.

    Returns
    -------
    shelf
        With nothing on it.
    """
    return _room(np.zeros(n_nodes + 1, dtype=np.int64), 4096)


def _room(first: LongArray, size: int) -> Shelf:
    return Shelf(
        first,
        np.empty(size, dtype=np.int64),
        np.empty(size, dtype=np.int32),
        np.empty((size, 2), dtype=np.int32),
    )


@inner
def _is_passed(
    first: IntArray, end: IntArray, ms: IntArray, mm: IntArray, label: LongArray, stamp: int, r: int
) -> bool:
    """Whether a node is reached sooner from a more important one: then nothing needs it as a hub."""
    for a in range(first[r], first[r + 1]):
        above = LONG(end[a])
        if label[above, STAMP] == stamp and label[above, DIST] + (LONG(ms[a]) << 32) + mm[a] < label[r, DIST]:
            return True
    return False


@inner
def _climb(own: Arcs, other: Arcs, work: Climber, r: int, shelf: Shelf, size: int) -> int:
    """Put the label of one rank on the shelf; give where it ends, or `NONE` if there is no room."""
    first, end, ms, mm, _ = own
    clock, label, heap = work
    entry, length, came = shelf.entry, shelf.mm, shelf.came
    clock[0] += 1
    stamp = clock[0]
    label[r, STAMP] = stamp
    label[r, DIST] = 0
    label[r, CAME] = NONE
    label[r, ARC] = NONE
    queued = push(heap, LONG(0), LONG(0), r)
    while queued > 0:
        dist = heap[0, KEY]
        v = heap[0, ITEM]
        queued = drop_first(heap, queued)
        if dist > label[v, DIST] or _is_passed(other.first, other.end, other.ms, other.mm, label, stamp, v):
            continue
        if size == len(entry):
            return NONE
        entry[size] = (dist >> 32 << 32) | (v << VIA_BITS)
        length[size] = dist & LOW_MASK
        came[size, 0] = label[v, CAME]
        came[size, 1] = label[v, ARC]
        for a in range(first[v], first[v + 1]):
            to = LONG(end[a])
            there = dist + (LONG(ms[a]) << 32) + mm[a]
            if label[to, STAMP] != stamp or there < label[to, DIST]:
                label[to, STAMP] = stamp
                label[to, DIST] = there
                label[to, CAME] = size
                label[to, ARC] = a
                queued = push(heap, queued, there, to)
        size += 1
    return size


@njit(cache=True, nogil=True)
def fill_shelf(own: Arcs, other: Arcs, work: Climber, ranks: LongArray, shelf: Shelf, done: int) -> int:
    """
    Put labels on a shelf, as far as there is room.

    Parameters
    ----------
    own
        Arcs of the direction of search.
    other
        Arcs of the other one.
    work
        Of this thread.
    ranks
        Which, ascending, each once: so what two neighbouring ranks share of ``first`` means the same.
    shelf
        Filled in.
    done
        How many of them stand there already.

    Returns
    -------
    done
        How many stand there now.
    """
    size: int = LONG(0)
    if done > 0:
        size = LONG(shelf.first[ranks[done - 1] + 1])
    for i in range(done, len(ranks)):
        end = _climb(own, other, work, ranks[i], shelf, size)
        if end == NONE:
            return i
        shelf.first[ranks[i]] = size
        shelf.first[ranks[i] + 1] = end
        size = end
    return len(ranks)


_fill_shelf = Direct(fill_shelf)


def stock(own: Arcs, other: Arcs, work: Climber, ranks: LongArray, shelf: Shelf) -> Shelf:
    """
    Put labels on a shelf, or on a longer one.

    Parameters
    ----------
    own
        Arcs of the direction of search.
    other
        Arcs of the other one.
    work
        Of this thread.
    ranks
        Which, ascending, each once.
    shelf
        What stands there may be lost.

    Returns
    -------
    shelf
        With these labels.
    """
    done = 0
    while (done := _fill_shelf.call(own, other, work, ranks, shelf, done)) < len(ranks):
        longer = _room(shelf.first, 2 * len(shelf.entry))
        size = len(shelf.entry)
        longer.entry[:size], longer.mm[:size], longer.came[:size] = shelf.entry, shelf.mm, shelf.came
        shelf = longer
    return shelf


@njit(cache=True, nogil=True)
def push_arcs(
    entry: LongArray, came: IntArray, begin: int, hub: int, queue: LongArray, size: int, base: int
) -> int:
    """
    Add the arcs from a hub back to the rank whose label this is.

    Parameters
    ----------
    entry
        Entries of the shelf.
    came
        How the search came to each.
    begin
        Where the label begins.
    hub
        A hub in it.
    queue
        Arcs of the way.
    size
        How many.
    base
        Number of the first arc of the direction.

    Returns
    -------
    size
        How many there are now, the one at the hub first.
    """
    at: int = LONG(begin)
    while (entry[at] >> VIA_BITS) & HUB_MASK != hub:
        at += 1
    while came[at, 0] != NONE:
        queue[size] = came[at, 1] + base
        size += 1
        at = LONG(came[at, 0])
    return size
