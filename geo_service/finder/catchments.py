"""
Which place is nearest to which stretch of street, and where a second one is near enough.

Whoever stands at a share of a link goes along it to one of its ends and on from there, or straight to a place on
the same link. Each of those ways costs a fixed sum and so much for each share, so that the nearest place changes only
where two such lines cross.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.engine.router import NONE, UNREACHED, Router, Snaps
from geo_service.finder.stretches import Stretches, merge_stretches, other_stretches
from geo_service.network.graph import Network

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]

_FAR = np.iinfo(np.int64).max


class Ranked(NamedTuple):
    """
    The nearest place of each node, and the nearest other one.

    Parameters
    ----------
    place
        Row of the place, `NONE` where there is none, shape ``(2, n)``.
    cost_ms
        Cost to it, `UNREACHED` where there is none, shape ``(2, n)``.
    """

    place: LongArray
    cost_ms: LongArray


class Shares(NamedTuple):
    """
    Stretches that each belong to a place.

    Parameters
    ----------
    stretches
        Disjoint for one place, by link and along it, shape ``(s,)``.
    place
        Row of the place of each, shape ``(s,)``.
    """

    stretches: Stretches
    place: LongArray


def rank_places(router: Router, places: Snaps) -> Ranked:
    """
    Find the two nearest places of every node.

    Parameters
    ----------
    router
        Of a profile.
    places
        Where the places meet its streets; rows without a link are near to nothing.

    Returns
    -------
    ranked
        Of equally near ones the lowest rows.
    """
    place = np.full((2, router.network.n_nodes), NONE, dtype=np.int64)
    cost_ms = np.full((2, router.network.n_nodes), _FAR)
    for row in np.flatnonzero(places.link != NONE).tolist():
        own_ms = router.coverage(places.take(slice(row, row + 1))).cost_ms
        own_ms = np.where(own_ms == UNREACHED, _FAR, own_ms)
        is_first = own_ms < cost_ms[0]
        is_second = ~is_first & (own_ms < cost_ms[1])
        cost_ms[1], place[1] = (
            np.where(is_first, cost_ms[0], cost_ms[1]),
            np.where(is_first, place[0], place[1]),
        )
        cost_ms[0, is_first], place[0, is_first] = own_ms[is_first], row
        cost_ms[1, is_second], place[1, is_second] = own_ms[is_second], row
    return Ranked(place, np.where(cost_ms == _FAR, UNREACHED, cost_ms))


class _Ways(NamedTuple):
    """Ways from links to places: from share ``start`` to ``end`` of a link one costs ``base + slope * share``."""

    link: LongArray
    place: LongArray
    base_ms: FloatArray
    slope_ms: FloatArray
    start: FloatArray
    end: FloatArray

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "_Ways":
        columns: Any = (column[rows] for column in self)
        return _Ways(*columns)


def _ways(network: Network, ranked: Ranked, places: Snaps, ranks: int) -> _Ways:
    """All ways by way of a link's ends, and straight to places on the link; by link."""
    parts = [
        *(
            way
            for rank in range(ranks)
            for way in _over_ends(network, ranked.place[rank], ranked.cost_ms[rank])
        ),
        *_straight(network, places),
    ]
    columns: Any = zip(*parts, strict=True)
    ways = _Ways(*map(np.concatenate, columns))
    return ways.take(np.argsort(ways.link, kind="stable"))


def _over_ends(network: Network, place: LongArray, cost_ms: LongArray) -> Iterator[_Ways]:
    for slot in (0, 1):
        edge = network.link_edge[:, slot]
        head = network.edge_head[edge]
        goes = np.flatnonzero((edge != NONE) & (cost_ms[head] != UNREACHED))
        edge, head = edge[goes], head[goes]
        weight_ms = network.edge_weight_ms[edge].astype(np.float64)
        travel_ms = weight_ms - network.edge_delay_ms[edge]
        yield _drawn(goes, place[head], weight_ms + cost_ms[head], travel_ms, np.ones(len(goes)), slot)


def _straight(network: Network, places: Snaps) -> Iterator[_Ways]:
    here = np.flatnonzero(places.link != NONE)
    for slot in (0, 1):
        edge = network.link_edge[places.link[here], slot]
        rows = here[edge != NONE]
        edge = edge[edge != NONE]
        travel_ms = (network.edge_weight_ms[edge] - network.edge_delay_ms[edge]).astype(np.float64)
        into_ms = (places.backward_ms if slot else places.forward_ms)[rows] + places.gap_ms[rows]
        end = 1.0 - places.share[rows] if slot else places.share[rows]
        yield _drawn(
            places.link[rows].astype(np.int64), rows, into_ms.astype(np.float64), travel_ms, end, slot
        )


def _drawn(
    link: LongArray, place: LongArray, whole_ms: FloatArray, travel_ms: FloatArray, end: FloatArray, slot: int
) -> _Ways:
    """Ways from the tail of an edge up to a share of it, said in the drawn direction."""
    if slot:
        return _Ways(link, place, whole_ms - travel_ms, travel_ms, 1.0 - end, np.ones(len(link)))
    return _Ways(link, place, whole_ms, -travel_ms, np.zeros(len(link)), end)


def twice_covered(network: Network, ranked: Ranked, places: Snaps, cutoff_ms: int) -> Stretches:
    """
    What of the streets has two places within a cutoff.

    The two nearest places of the ends of a link are enough to know: a third is never nearer than they are.

    Parameters
    ----------
    network
        Streets of one profile.
    ranked
        Of `rank_places`.
    places
        The same places.
    cutoff_ms
        Longest cost, inclusive.

    Returns
    -------
    stretches
        Disjoint.
    """
    near = _within(_ways(network, ranked, places, 2), cutoff_ms)
    stretches = _merge_by_place(near, len(places.link)).stretches
    link = np.concatenate([stretches.link, stretches.link])
    share = np.concatenate([stretches.start, stretches.end])
    step = np.repeat([1, -1], len(stretches.link))
    order = np.lexsort((-step, share, link))
    depth = np.cumsum(step[order])[:-1]
    is_twice = np.flatnonzero(depth >= 2)
    link, share = link[order], share[order]
    return merge_stretches(Stretches(link[is_twice], share[is_twice], share[is_twice + 1]))


def _within(ways: _Ways, cutoff_ms: int) -> _Ways:
    """The parts of ways that cost no more than a cutoff."""
    left_ms = cutoff_ms - ways.base_ms
    turn = left_ms / np.where(ways.slope_ms == 0, 1.0, ways.slope_ms)
    start = np.where(ways.slope_ms < 0, np.maximum(ways.start, turn), ways.start)
    end = np.where(ways.slope_ms > 0, np.minimum(ways.end, turn), ways.end)
    return ways._replace(start=start, end=end).take((start < end) & ((ways.slope_ms != 0) | (left_ms >= 0)))


def _merge_by_place(ways: _Ways, n_places: int) -> Shares:
    """Join what touches, for each place by itself."""
    pairs, pair = np.unique(ways.link * n_places + ways.place, return_inverse=True)
    merged = merge_stretches(Stretches(pair.reshape(-1).astype(np.int32), ways.start, ways.end))
    of_pair = pairs[merged.link]
    link = (of_pair // max(n_places, 1)).astype(np.int32)
    return Shares(Stretches(link, merged.start, merged.end), of_pair % max(n_places, 1))


def catchments(network: Network, ranked: Ranked, places: Snaps) -> Shares:
    """
    Give every stretch of street to its nearest place, however far.

    Parameters
    ----------
    network
        Streets of one profile.
    ranked
        Of `rank_places`.
    places
        The same places.

    Returns
    -------
    shares
        Disjoint; streets from which no way leads to any place are in none.
    """
    ways = _ways(network, ranked, places, 1)
    link, share = _turns(ways)
    order = np.lexsort((share, link))
    link, share = link[order], share[order]
    is_piece = (link[1:] == link[:-1]) & (share[1:] > share[:-1])
    pieces = Stretches(link[:-1][is_piece].astype(np.int32), share[:-1][is_piece], share[1:][is_piece])
    place = _cheapest(ways, pieces)
    found = place != NONE
    nothing = np.zeros(int(found.sum()))
    kept = _Ways(
        pieces.link[found].astype(np.int64),
        place[found],
        nothing,
        nothing,
        pieces.start[found],
        pieces.end[found],
    )
    return _merge_by_place(kept, len(places.link))


def _turns(ways: _Ways) -> tuple[LongArray, FloatArray]:
    """Shares at which the cheapest way of a link may change: ends of ways, and where two cross."""
    link, share = [ways.link, ways.link], [ways.start, ways.end]
    first = np.flatnonzero(np.concatenate([[True], ways.link[1:] != ways.link[:-1]])[: len(ways.link)])
    count = np.diff(np.concatenate([first, [len(ways.link)]]))
    one, other = [first[count == 2]], [first[count == 2] + 1]
    for begin, size in zip(first[count > 2].tolist(), count[count > 2].tolist(), strict=True):
        a, b = np.triu_indices(size, 1)
        one.append(begin + a)
        other.append(begin + b)
    a, b = np.concatenate(one), np.concatenate(other)
    slope_ms = ways.slope_ms[a] - ways.slope_ms[b]
    a, b, slope_ms = a[slope_ms != 0], b[slope_ms != 0], slope_ms[slope_ms != 0]
    cross = (ways.base_ms[b] - ways.base_ms[a]) / slope_ms
    low, high = np.maximum(ways.start[a], ways.start[b]), np.minimum(ways.end[a], ways.end[b])
    crosses = (cross > low) & (cross < high)
    return np.concatenate([*link, ways.link[a][crosses]]), np.concatenate([*share, cross[crosses]])


def _cheapest(ways: _Ways, pieces: Stretches) -> LongArray:
    """The place of the cheapest way from the middle of each piece, the lowest row of equal ones, `NONE` if none."""
    low = np.searchsorted(ways.link, pieces.link, side="left")
    count = np.searchsorted(ways.link, pieces.link, side="right") - low
    piece = np.repeat(np.arange(len(low)), count)
    way = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    middle = ((pieces.start + pieces.end) / 2)[piece]
    goes = (ways.start[way] <= middle) & (middle <= ways.end[way])
    piece, way, middle = piece[goes], way[goes], middle[goes]
    cost_ms = ways.base_ms[way] + ways.slope_ms[way] * middle
    order = np.lexsort((ways.place[way], cost_ms, piece))
    found, first = np.unique(piece[order], return_index=True)
    place = np.full(len(low), NONE, dtype=np.int64)
    place[found] = ways.place[way[order[first]]]
    return place


def in_both(some: Stretches, others: Stretches, n_links: int) -> Stretches:
    """
    What two sets of stretches have in common.

    Parameters
    ----------
    some, others
        Disjoint, by link and along it.
    n_links
        How many links there are.

    Returns
    -------
    common
        Disjoint.
    """
    missing = [other_stretches(each, n_links) for each in (some, others)]
    in_neither = Stretches(*(np.concatenate(columns) for columns in zip(*missing, strict=True)))
    return merge_stretches(other_stretches(merge_stretches(in_neither), n_links))
