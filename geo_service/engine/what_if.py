"""
What changes in a coverage when a facility closes or comes: only what changes is searched.

A new facility spreads from the nodes it hangs on against the direction of travel, and stops at every
node that has something nearer: beyond it nothing can change. A facility that closes leaves
a hole, its catchment, which fills from the rim and from facilities inside. One order decides
all of it, ``cost << 32 | facility``, the same as in the sweeps.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_service.engine.compiling import inner
from geo_service.engine.constants import CUT_MS, LONG, LOW_MASK, MAX_MS, NEVER, NONE, UNREACHED
from geo_service.engine.dijkstra import MS, TO, Ends, Streets
from geo_service.engine.heap import ITEM, KEY, drop_first, push
from geo_service.engine.sweep import Coverage
from geo_service.errors import InvalidInputError
from geo_service.network.graph import IntArray, LongArray

STAMP, VALUE = range(2)
"""Columns of what a trial writes over the coverage, by node."""


class Changes(NamedTuple):
    """
    What trials change.

    Parameters
    ----------
    first
        Changes of trial ``t`` are ``first[t]:first[t + 1]``, shape ``(t + 1,)``.
    node
        Node, in no particular order within a trial, shape ``(c,)``.
    cost_ms
        Its cost then, `UNREACHED` if no way leads to any facility, shape ``(c,)``.
    facility
        Its facility then; that which comes has the number after the last row, shape ``(c,)``.
    """

    first: LongArray
    node: IntArray
    cost_ms: LongArray
    facility: IntArray


class Spread(NamedTuple):
    """
    What one thread writes on during trials; stamped, never cleared.

    Parameters
    ----------
    clock
        Last stamp given out, shape ``(1,)``.
    over
        `STAMP` and `VALUE` by node, shape ``(n, 2)``.
    touched
        Nodes written to, shape ``(n,)``.
    heap
        Room for whatever can be pushed, shape ``(h, 2)``.
    """

    clock: LongArray
    over: LongArray
    touched: LongArray
    heap: LongArray


def build_spread(n_nodes: int, n_edges: int) -> Spread:
    """
    Lay out what trials write on.

    Parameters
    ----------
    n_nodes
        Nodes of the network.
    n_edges
        Its directed edges.

    Returns
    -------
    spread
        Nothing in it is valid yet.
    """
    # a node is pushed at most once per arc that betters it, and once per slot of a facility that does
    return Spread(
        np.zeros(1, dtype=np.int64),
        np.zeros((n_nodes, 2), dtype=np.int64),
        np.empty(n_nodes, dtype=np.int64),
        np.empty((2 * n_edges + 2 * n_nodes + 64, 2), dtype=np.int64),
    )


@inner
def _write(over: LongArray, touched: LongArray, n_touched: int, stamp: int, v: int, value: int) -> int:
    """Write a value over the coverage; give how many nodes are written to."""
    if over[v, STAMP] != stamp:
        over[v, STAMP] = stamp
        touched[n_touched] = v
        n_touched += 1
    over[v, VALUE] = value
    return n_touched


@inner
def _flow(
    first: IntArray,
    arc: IntArray,
    base: LongArray,
    over: LongArray,
    touched: LongArray,
    heap: LongArray,
    size: int,
    n_touched: int,
    stamp: int,
) -> int:
    """Spread from what is on the heap against the direction of travel; give how many nodes are written to."""
    while size > 0:
        value = heap[0, KEY]
        v = heap[0, ITEM]
        size = drop_first(heap, size)
        if over[v, VALUE] != value or value >> 32 >= CUT_MS:
            continue
        for a in range(first[v], first[v + 1]):
            to = LONG(arc[a, TO])
            there = value + (LONG(arc[a, MS]) << 32)
            if there < (over[to, VALUE] if over[to, STAMP] == stamp else base[to]):
                n_touched = _write(over, touched, n_touched, stamp, to, there)
                size = push(heap, size, there, to)
    return n_touched


@inner
def _add(
    base: LongArray,
    over: LongArray,
    touched: LongArray,
    heap: LongArray,
    size: int,
    n_touched: int,
    stamp: int,
    targets: Ends,
    f: int,
    number: int,
) -> tuple[int, int]:
    """Offer a facility at the nodes it hangs on; give the heap's size and how many nodes are written to."""
    for slot in range(2):
        v = LONG(targets.node[f, slot])
        if v == NONE:
            continue
        value = ((targets.ms[f, slot] + targets.gap_ms[f]) << 32) | number
        if value < (over[v, VALUE] if over[v, STAMP] == stamp else base[v]):
            n_touched = _write(over, touched, n_touched, stamp, v, value)
            size = push(heap, size, value, v)
    return size, n_touched


@inner
def _empty(
    streets: Streets,
    base: LongArray,
    over: LongArray,
    touched: LongArray,
    heap: LongArray,
    stamp: int,
    closed: int,
    catchment: LongArray,
    hooks: LongArray,
) -> tuple[int, int]:
    """Empty the catchment of a facility, and offer what lies at its rim and what else stands inside."""
    n_touched: int = LONG(0)
    for v in catchment:
        n_touched = _write(over, touched, n_touched, stamp, v, LONG(NEVER))
    size: int = LONG(0)
    for v in catchment:
        best: int = LONG(NEVER)
        for a in range(streets.first[v], streets.first[v + 1]):
            to = streets.arc[a, TO]
            if over[to, STAMP] != stamp and base[to] != NEVER:
                best = min(best, base[to] + (LONG(streets.arc[a, MS]) << 32))
        at = np.searchsorted(hooks[:, 0], v)
        while at < len(hooks) and hooks[at, 0] == v:
            if hooks[at, 1] & LOW_MASK != closed:
                best = min(best, hooks[at, 1])
            at += 1
        if best != NEVER:
            over[v, VALUE] = best
            size = push(heap, size, best, v)
    return size, n_touched


@njit(cache=True, nogil=True)
def flood(streets: Streets, targets: Ends, rows: LongArray, base: LongArray, work: Spread) -> None:
    """
    Cover every node by one search from all facilities against the direction of travel.

    Parameters
    ----------
    streets
        Edges, backward.
    targets
        How facilities hang.
    rows
        Which of them.
    base
        Filled in: ``cost << 32 | facility`` by node, `NEVER` before.
    work
        Of this thread.
    """
    work.clock[0] += 1
    stamp = work.clock[0]
    n_touched: int = LONG(0)
    for f in rows:
        _, n_touched = _add(
            base, work.over, work.touched, work.heap, LONG(0), n_touched, stamp, targets, f, f
        )
    size: int = LONG(0)
    for i in range(n_touched):
        v = work.touched[i]
        size = push(work.heap, size, work.over[v, VALUE], v)
    n_touched = _flow(
        streets.first, streets.arc, base, work.over, work.touched, work.heap, size, n_touched, stamp
    )
    for i in range(n_touched):
        base[work.touched[i]] = work.over[work.touched[i], VALUE]


@njit(cache=True, nogil=True)
def run_trials(
    forward: Streets,
    backward: Streets,
    base: LongArray,
    closed: LongArray,
    first_own: LongArray,
    own: LongArray,
    hooks: LongArray,
    targets: Ends,
    number: int,
    n_trials: int,
    work: Spread,
) -> tuple[LongArray, LongArray]:
    """
    Try changes one by one, each on the coverage as it stands.

    Parameters
    ----------
    forward
        Edges, forward.
    backward
        Edges, backward.
    base
        ``cost << 32 | facility`` by node, `NEVER` where there is none.
    closed
        Row that closes in each trial, `NONE` for none; or empty.
    first_own
        Catchment of facility ``f`` is ``own[first_own[f]:first_own[f + 1]]``.
    own
        Nodes by facility.
    hooks
        Node, and ``cost << 32 | facility`` of each slot of a facility, by node, shape ``(h, 2)``.
    targets
        How the new facility of each trial hangs; or empty.
    number
        What new facilities are called.
    n_trials
        How many.
    work
        Of this thread.

    Returns
    -------
    changes
        Offsets by trial, and node with ``cost << 32 | facility``, shapes ``(t + 1,)`` and ``(c, 2)``.
    """
    first = np.zeros(n_trials + 1, dtype=np.int64)
    out = np.empty((1024, 2), dtype=np.int64)
    count: int = LONG(0)
    over = work.over
    for t in range(n_trials):
        work.clock[0] += 1
        stamp = work.clock[0]
        size: int = LONG(0)
        n_touched: int = LONG(0)
        if len(closed) > 0 and closed[t] != NONE:
            f = closed[t]
            catchment = own[first_own[f] : first_own[f + 1]]
            size, n_touched = _empty(forward, base, over, work.touched, work.heap, stamp, f, catchment, hooks)
        if len(targets.gap_ms) > 0:
            size, n_touched = _add(
                base, over, work.touched, work.heap, size, n_touched, stamp, targets, LONG(t), number
            )
        n_touched = _flow(
            backward.first, backward.arc, base, over, work.touched, work.heap, size, n_touched, stamp
        )
        if count + n_touched > len(out):
            wider = np.empty((2 * (count + n_touched), 2), dtype=np.int64)
            wider[:count] = out[:count]
            out = wider
        for i in range(n_touched):
            v = work.touched[i]
            if over[v, VALUE] != base[v]:
                out[count, 0] = v
                out[count, 1] = over[v, VALUE]
                count += 1
        first[t + 1] = count
    return first, out[:count].copy()


def cover_by_search(
    streets: Streets, targets: Ends, rows: LongArray, work: Spread, cost_ms: LongArray, facility: IntArray
) -> None:
    """
    Find the nearest facility of every node without a hierarchy.

    Parameters
    ----------
    streets
        Edges, backward.
    targets
        How facilities hang.
    rows
        Which of them.
    work
        Of this thread.
    cost_ms
        Filled in, shape ``(n,)``.
    facility
        Filled in, shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If a cost might not fit.
    """
    _check_weights(streets)
    base = np.full(len(cost_ms), NEVER, dtype=np.int64)
    flood(streets, targets, rows, base, work)
    cost_ms[:], facility[:] = _split(base)


def try_changes(
    forward: Streets,
    backward: Streets,
    coverage: Coverage,
    targets: Ends,
    rows: LongArray,
    closed: LongArray,
    come: Ends,
    n_trials: int,
    work: Spread,
) -> Changes:
    """
    Try changes of facilities.

    Parameters
    ----------
    forward
        Edges, forward.
    backward
        Edges, backward.
    coverage
        As it stands.
    targets
        How facilities hang.
    rows
        Those that live.
    closed
        Row that closes in each trial, `NONE` for none; or empty.
    come
        How the new facility of each trial hangs; or empty.
    n_trials
        How many.
    work
        Of this thread.

    Returns
    -------
    changes
        By trial.

    Raises
    ------
    InvalidInputError
        If a cost might not fit.
    """
    _check_weights(backward)
    facility = coverage.facility.astype(np.int64)
    base = np.where(facility == NONE, NEVER, (coverage.cost_ms << 32) | facility)
    n_facilities = len(targets.gap_ms)
    own = np.argsort(facility, kind="stable")
    first_own = np.searchsorted(facility[own], np.arange(n_facilities + 1))
    node = targets.node[rows].astype(np.int64)
    value = ((targets.ms[rows] + targets.gap_ms[rows, None]) << 32) | rows[:, None]
    hooks = np.stack([node[node != NONE], value[node != NONE]], axis=1)
    hooks = np.ascontiguousarray(hooks[np.argsort(hooks[:, 0], kind="stable")])
    first, changed = run_trials(
        forward, backward, base, closed, first_own, own, hooks, come, n_facilities, n_trials, work
    )
    cost_ms, new = _split(changed[:, 1])
    return Changes(first, changed[:, 0].astype(np.int32), cost_ms, new)


def _check_weights(streets: Streets) -> None:
    """An index knows that its edges are light enough; where there is none, they are looked at."""
    if streets.edge_ms.max() >= MAX_MS:
        raise _too_far(f"an edge of {int(streets.edge_ms.max())} ms", MAX_MS)


def _split(value: LongArray) -> tuple[LongArray, IntArray]:
    """Costs and facilities, if nothing was cut off: whoever is as far as the cut was reached, but not left again."""
    is_none = value == NEVER
    cost_ms = np.where(is_none, UNREACHED, value >> 32)
    if cost_ms.max(initial=0) >= CUT_MS:
        raise _too_far(f"a way of {int(cost_ms.max())} ms to the nearest facility", CUT_MS)
    return cost_ms, np.where(is_none, NONE, value & LOW_MASK).astype(np.int32)


def _too_far(what: str, limit_ms: int) -> InvalidInputError:
    return InvalidInputError(
        f"{what} does not fit a coverage; allowed is less than {limit_ms} ms; "
        "check the speeds of the profile, or ask for a matrix",
        parameter="network",
        value=limit_ms,
    )
