"""
A network as few bytes: only what cannot be worked out again, in the order that makes it guessable.

Edges are not written at all: they are the permitted directions of the links, sorted as `Network` sorts them. A weight
is a pace times a length, rounded, and what that misses by; a length is that of the drawn line in the network's own
metric, and what that misses by. The phone repeats the same operations on doubles, in the same order.

A file is ``GSPK``, the length of a JSON header as four bytes (little-endian), the header, and its `SECTIONS` as streams
of `varints`, whose lengths the header tells.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from geo_service.engine.constants import NONE
from geo_service.engine.lines import Lines, build_lines
from geo_service.network.graph import FloatArray, IntArray, LongArray, Network
from geo_service.pack.varints import steps, varints, zigzag

MAGIC = b"GSPK"
FORMAT = 1

SECTIONS = (
    "node_id", "node_lon", "node_lat", "link_id", "link_low", "link_high", "link_flags", "inner_points",
    "inner_lon", "inner_lat", "length_mm", "edge_way", "edge_ms", "edge_delay_ms", "link_name",
)  # fmt: skip
"""Streams of a file, one after the other."""

ALONG, AGAINST, TURNED, MAIN = 1, 2, 4, 8
"""Flags of a link: it has that edge; it is drawn from its higher end; it is not on an island."""

MAX_WAYS = 64
"""Most pairs of pace and mode that are named; edges beyond are written as they are."""


class Streets(NamedTuple):
    """
    A network as it is written: made once, for one file or for many tiles.

    Parameters
    ----------
    network
        The network.
    lines
        Its drawn links.
    low, high
        Node that the lower edge of each link leaves, and the other one, shape ``(l,)``.
    flags
        Of each link, shape ``(l,)``.
    length_off_mm
        What each link is longer than it is drawn, rounded, shape ``(l,)``.
    ways
        Pace, milliseconds per metre, and mode; the first is no pace.
    way
        Row in ``ways`` of the edge along each link and of the one against it, `NONE` without, shape ``(l, 2)``.
    ms_off
        What each costs more without delay than its pace says, rounded, shape ``(l, 2)``.
    delay_ms
        What is paid at its end, shape ``(l, 2)``.
    """

    network: Network
    lines: Lines
    low: LongArray
    high: LongArray
    flags: LongArray
    length_off_mm: LongArray
    ways: tuple[tuple[float, int], ...]
    way: LongArray
    ms_off: LongArray
    delay_ms: LongArray


def prepare_streets(network: Network) -> Streets:
    """
    Find what is to be written of a network.

    Parameters
    ----------
    network
        Streets of one profile.

    Returns
    -------
    streets
        To be written whole or by tiles.
    """
    lines = build_lines(network, None)
    edge = network.link_edge
    has = edge != NONE
    lower = np.where(has[:, 0] & has[:, 1], edge.min(axis=1), edge.max(axis=1))
    low, high = network.edge_tail[lower].astype(np.int64), network.edge_head[lower].astype(np.int64)
    is_turned = np.where(has[:, 0], lower != edge[:, 0], True)
    flags = ALONG * has[:, 0] + AGAINST * has[:, 1] + TURNED * is_turned + MAIN * lines.is_main
    drawn_m = lines.along_m[network.first_point[1:] - 1]
    ways, way, ms_off = _pace_edges(network, has)
    return Streets(
        network, lines, low, high, flags.astype(np.int64),
        network.link_length_mm - round_half_up(drawn_m * 1000.0), ways, way, ms_off,
        np.where(has, network.edge_delay_ms[edge], 0).astype(np.int64),
    )  # fmt: skip


def round_half_up(values: FloatArray) -> LongArray:
    """
    Round as the phone does: ``Math.floor(x + 0.5)``.

    Parameters
    ----------
    values
        Doubles.

    Returns
    -------
    rounded
        Whole numbers.
    """
    return np.floor(values + 0.5).astype(np.int64)


def paced_ms(length_mm: npt.NDArray[np.integer], ms_per_m: FloatArray | float) -> LongArray:
    """
    What an edge should cost.

    Parameters
    ----------
    length_mm
        Lengths, millimetres.
    ms_per_m
        Paces.

    Returns
    -------
    ms
        At least 1.
    """
    return np.maximum(1, round_half_up(length_mm / 1000.0 * ms_per_m))


def _pace_edges(
    network: Network, has: npt.NDArray[np.bool_]
) -> tuple[tuple[tuple[float, int], ...], LongArray, LongArray]:
    """Which pace and mode each edge is travelled at, longest edges first: they tell a pace best."""
    ride = (network.edge_weight_ms - network.edge_delay_ms).astype(np.int64)
    length = network.link_length_mm[network.edge_link].astype(np.int64)
    order = np.argsort(-length, kind="stable")
    way = np.zeros(network.n_edges, dtype=np.int64)
    ways: list[tuple[float, int]] = [(0.0, 0)]
    while len(ways) < MAX_WAYS and (left := order[way[order] == 0]).size:
        at = left[0]
        pace = _plain_pace(float(ride[at]) / float(length[at]) * 1000.0)
        is_near = np.abs(paced_ms(length, pace) - ride) <= 1  # halves are rounded to even where it was built
        fits = (way == 0) & (network.edge_mode == network.edge_mode[at]) & is_near
        fits[at] = True
        ways.append((pace, int(network.edge_mode[at])))
        way[fits] = len(ways) - 1
    rest = np.flatnonzero(way == 0)
    for mode in np.unique(network.edge_mode[rest]).tolist():
        ways.append((0.0, int(mode)))
        way[rest[network.edge_mode[rest] == mode]] = len(ways) - 1
    off = ride - paced_ms(length, np.array([pace for pace, _ in ways])[way])
    edge = network.link_edge
    return tuple(ways[1:]), np.where(has, way[edge] - 1, NONE), np.where(has, off[edge], 0)


def _plain_pace(ms_per_m: float) -> float:
    """The pace of a speed in tenths of km/h, if that is what was meant; an edge may be all delay."""
    kph = round(36_000.0 / ms_per_m) / 10.0 if ms_per_m else 0.0
    plain = 3600.0 / kph if kph else ms_per_m
    return plain if abs(plain - ms_per_m) < ms_per_m * 1e-3 else ms_per_m


def pack_streets(network: Network) -> bytes:
    """
    Write a network whole.

    Parameters
    ----------
    network
        Streets of one profile.

    Returns
    -------
    body
        As this module's head says it.
    """
    return write_links(prepare_streets(network), None)


def write_links(streets: Streets, links: LongArray | None) -> bytes:
    """
    Write some links of a network, whole, with their nodes.

    Parameters
    ----------
    streets
        What there is to write.
    links
        Ascending numbers of the links; None for all of them.

    Returns
    -------
    body
        The file.
    """
    network, is_whole = streets.network, links is None
    chosen = np.arange(network.n_links, dtype=np.int64) if links is None else links
    low, high = streets.low[chosen], streets.high[chosen]
    nodes = np.arange(network.n_nodes, dtype=np.int64) if is_whole else np.unique(np.concatenate([low, high]))
    low, high = np.searchsorted(nodes, low), np.searchsorted(nodes, high)
    inner, lon, lat = _inner_points(streets, chosen)
    edge = streets.way[chosen].ravel() != NONE
    names, name = _names_of(network, chosen)
    nothing = np.empty(0, dtype=np.int64)
    streams = (
        nothing if is_whole else steps(nodes),
        zigzag(steps(network.node_lon_e6[nodes])),
        zigzag(steps(network.node_lat_e6[nodes])),
        nothing if is_whole else steps(chosen),
        zigzag(steps(low)),
        zigzag(high - low),
        streets.flags[chosen],
        inner,
        zigzag(lon),
        zigzag(lat),
        zigzag(streets.length_off_mm[chosen]),
        streets.way[chosen].ravel()[edge],
        zigzag(streets.ms_off[chosen].ravel()[edge]),
        streets.delay_ms[chosen].ravel()[edge],
        name,
    )
    written = [varints(stream) for stream in streams]
    header = orjson.dumps(
        {
            "format": FORMAT,
            "profile": network.profile,
            "gap_ms_per_m": network.gap_ms_per_m,
            "metric": list(network.metric),
            "nodes": len(nodes),
            "links": len(chosen),
            "edges": int(edge.sum()),
            "points": int(2 * len(chosen) + inner.sum()),
            "ways": streets.ways,
            "names": names,
            "sections": [len(stream) for stream in written],
        }
    )
    return b"".join((MAGIC, len(header).to_bytes(4, "little"), header, *written))


def _inner_points(streets: Streets, links: LongArray) -> tuple[LongArray, LongArray, LongArray]:
    """How many points each link has between its ends, and how far each is from the one before."""
    network = streets.network
    first = network.first_point
    inner = (np.diff(first)[links] - 2).astype(np.int64)
    owner = np.repeat(links, inner)
    point = first[owner] + 1 + (np.arange(len(owner)) - np.repeat(np.cumsum(inner) - inner, inner))
    lon, lat = network.point_lon_e6.astype(np.int64), network.point_lat_e6.astype(np.int64)
    return inner, lon[point] - lon[point - 1], lat[point] - lat[point - 1]


def _names_of(network: Network, links: LongArray) -> tuple[list[str], IntArray]:
    """The names that these links bear, the empty one first, and which each has."""
    used, name = np.unique(np.append(network.link_name[links], 0), return_inverse=True)
    return [network.names[i] for i in used.tolist()], name[:-1].astype(np.int32)
