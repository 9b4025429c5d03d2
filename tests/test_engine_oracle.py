"""Every verb equals the oracle on ten thousand random towns: with an index, with one without labels, or without any."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from geo_service.engine.router import Router, build_index
from geo_service.network.graph import NONE
from tests.counts import many
from tests.every_verb import check_every_verb, write_asked
from tests.oracles import engine as oracle
from tests.test_engine import HAS_JIT
from tests.towns import random_network, random_points, show

N_POINTS, N_FACILITIES = 10, 6
PER_BLOCK = 500


@contextmanager
def reproduced(seed: int, network) -> Iterator[None]:
    """What fails names its seed and shows all edges of the town."""
    try:
        yield
    except Exception as failure:
        how = f"check_town({seed}) of tests/test_engine_oracle.py fails\n{show(network)}"
        raise AssertionError(f"{how}\n{type(failure).__name__}: {failure}") from failure


def throw_town(seed):
    """A town of 2 to 40 nodes, and points of which one in three towns has one far from any street."""
    network = random_network(seed, n_nodes=2 + seed % 39)
    points = random_points(network, seed, N_POINTS)
    if seed % 3 == 0:
        points[seed % N_POINTS] += 0.02
    return network, points


def write_book(network, points) -> oracle.Book:
    feet = [oracle.snap(network, *map(float, point)) for point in points]
    return oracle.write_book(network, feet, len(feet), len(feet))


INDICES = (lambda _: None, build_index, lambda network: build_index(network, labels=False))
"""No index, one with labels, one without."""


def check_town(seed, turns=(0, 1, 2)):
    network, points = throw_town(seed)
    book = write_book(network, points)
    for turn in turns:
        router = Router(network, INDICES[turn](network))
        with reproduced(seed, network):
            dice = random.Random(seed + turn)
            check_every_verb(write_asked(router, book, points, dice, range(N_FACILITIES), range(N_POINTS)))


@pytest.mark.parametrize("block", range(10))
def test_every_verb_equals_the_oracle_on_some_random_towns(block):
    for seed in range(100_000 + 20 * block, 100_000 + 20 * block + 20):
        check_town(seed)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_JIT, reason="too long without compiled kernels")
@pytest.mark.parametrize("block", range(10_000 // PER_BLOCK))
def test_every_verb_equals_the_oracle_on_ten_thousand_random_towns(block):
    # each town in one of the three ways, in turn; with `make test-long` in all of them, as the hundreds above
    for seed in range(block * PER_BLOCK, (block + 1) * PER_BLOCK):
        check_town(seed, [(seed + turn) % len(INDICES) for turn in range(many(1, len(INDICES)))])


def test_the_random_towns_have_all_that_is_hard_in_them():
    """One-ways, islands, parallel edges, self-loops, ties, delays, two nodes on one spot, no street near."""
    seen = set()
    for seed in range(60):
        network, points = throw_town(seed)
        ends = list(zip(network.edge_tail.tolist(), network.edge_head.tolist(), strict=True))
        weights = network.edge_weight_ms.tolist()
        spots = set(zip(network.node_lon_e6.tolist(), network.node_lat_e6.tolist(), strict=True))
        has = {
            "one-way": bool((network.link_edge == NONE).any()),
            "island": int(network.node_component.max()) > 0,
            "parallel": len(set(ends)) < len(ends),
            "loop": any(tail == head for tail, head in ends),
            "tie": len(set(weights)) < len(weights) // 2,
            "delay": bool(network.edge_delay_ms.any()),
            "same spot": len(spots) < network.n_nodes,
            "far": any(oracle.snap(network, *map(float, point)).link is None for point in points),
        }
        seen |= {name for name, is_in in has.items() if is_in}
    assert seen == set(has)
