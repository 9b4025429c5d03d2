"""
A made-up city of any size: a jittered grid with fast avenues, two rivers, one-ways and gaps.

Made straight into a `Network`, without a file between. Grids are the worst case for engines that
separate a city into parts: nothing in it is a natural border but the rivers.
"""

import numpy as np

from benchmarks.rig.streets import FloatArray, LongArray
from geo_service.network.graph import NONE, Network
from geo_service.network.links import Links, assemble

BLOCK_M, LON0_E6, LAT0_E6 = 120.0, 116_000_000, 39_600_000
AVENUE, HIGHWAY, BRIDGE = 8, 32, 24
"""Every so many streets one is wide, one is very wide, and one crosses the rivers."""

SPEEDS_M_S = np.array([4.2, 5.6, 6.9])
"""Of an e-bike on a lane, an avenue, a highway."""

GAP_SHARE, ONE_WAY_SHARE = 0.08, 0.15
"""Of lanes that are missing, and of those that go one way only."""


def build_city(n_nodes: int, seed: int) -> Network:
    """A city of about so many crossings; rivers cut off a few, so its strong part is a little smaller."""
    rng = np.random.default_rng(seed)
    side = max(4, round(n_nodes**0.5))
    lon_e6, lat_e6 = _crossings(side, rng)
    tail, head, rank = _streets(side)
    keep = _is_built(tail, head, rank, side, rng)
    tail, head, rank = tail[keep], head[keep], rank[keep]
    middle, length_m = _shapes(lon_e6, lat_e6, tail, head, rng)
    travel_ms = np.maximum(1, np.rint(length_m / SPEEDS_M_S[rank] * 1000.0)).astype(np.int64)
    both_ms = np.stack([travel_ms, travel_ms], axis=1)
    is_one_way = (rank == 0) & (rng.random(len(tail)) < ONE_WAY_SHARE)
    both_ms[is_one_way, rng.integers(0, 2, is_one_way.sum())] = NONE
    points = np.stack(
        [np.stack([x[tail], m, x[head]], axis=1) for x, m in zip((lon_e6, lat_e6), middle, strict=True)]
    )
    return assemble(
        profile="ebike",
        gap_ms_per_m=720.0,
        node_lon_e6=lon_e6,
        node_lat_e6=lat_e6,
        node_osm=np.arange(side * side, dtype=np.int64) + 1,
        links=Links(
            tail=tail,
            head=head,
            travel_ms=both_ms,
            delay_ms=np.where(both_ms == NONE, 0, 2000 * (rank[:, None] == 1)),
            mode=np.zeros_like(both_ms),
            length_mm=np.maximum(1, np.rint(length_m * 1000.0)).astype(np.int64),
            name=("",) * len(tail),
            way=np.arange(len(tail), dtype=np.int64) + 1,
            first_point=np.arange(0, 3 * len(tail) + 1, 3),
            point_lon_e6=points[0].ravel(),
            point_lat_e6=points[1].ravel(),
        ),
    )


def _crossings(side: int, rng: np.random.Generator) -> tuple[LongArray, LongArray]:
    """Node ``row * side + column``, moved up to a third of a block."""
    step_lon_e6, step_lat_e6 = BLOCK_M / 0.0855, BLOCK_M / 0.111
    row, column = np.divmod(np.arange(side * side), side)
    jitter = rng.uniform(-0.33, 0.33, (2, side * side))
    lon_e6 = LON0_E6 + (column + jitter[0]) * step_lon_e6
    lat_e6 = LAT0_E6 + (row + jitter[1]) * step_lat_e6
    return np.rint(lon_e6).astype(np.int64), np.rint(lat_e6).astype(np.int64)


def _streets(side: int) -> tuple[LongArray, LongArray, LongArray]:
    """Ends of every street of the whole grid, and how wide it is: 0, 1, 2."""
    node = np.arange(side * side, dtype=np.int64).reshape(side, side)
    line = np.arange(side)
    width = (line % AVENUE == 0).astype(np.int64) + (line % HIGHWAY == 0)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    return tail, head, np.concatenate([np.repeat(width, side - 1), np.tile(width, side - 1)])


def _is_built(
    tail: LongArray, head: LongArray, rank: LongArray, side: int, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Some lanes are missing; a river is crossed on bridges only."""
    is_built = (rank > 0) | (rng.random(len(tail)) >= GAP_SHARE)
    for along, across in ((0, 1), (1, 0)):
        ends = [np.stack(np.divmod(node, side)) for node in (tail, head)]
        bank = [at[across] > side * 0.45 + side * 0.08 * np.sin(at[along] * 9.0 / side) for at in ends]
        is_bridge = (ends[0][along] % BRIDGE == 0) & (ends[0][along] == ends[1][along])
        is_built &= (bank[0] == bank[1]) | is_bridge
    return is_built


def _shapes(
    lon_e6: LongArray, lat_e6: LongArray, tail: LongArray, head: LongArray, rng: np.random.Generator
) -> tuple[tuple[LongArray, LongArray], FloatArray]:
    """A bend in the middle of every street, and its length in metres by way of it."""
    bend = rng.normal(0.0, 60.0, (2, len(tail)))
    middle_lon = np.rint((lon_e6[tail] + lon_e6[head]) / 2 + bend[0]).astype(np.int64)
    middle_lat = np.rint((lat_e6[tail] + lat_e6[head]) / 2 + bend[1]).astype(np.int64)
    length_m = np.zeros(len(tail))
    for end in (tail, head):
        length_m += np.hypot((middle_lon - lon_e6[end]) * 0.0855, (middle_lat - lat_e6[end]) * 0.111)
    return (middle_lon, middle_lat), length_m
