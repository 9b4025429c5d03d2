"""Eight threads on one router: the answers one thread gets, and never half a change."""

import hashlib
import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from geo_service.engine.router import Router, build_index
from tests.every_verb import check_every_verb, write_asked
from tests.test_engine import HAS_JIT
from tests.test_engine_oracle import write_book
from tests.towns import random_network, random_points

THREADS = 8
ROUNDS = 5 if HAS_JIT else 1
READS = 40 if HAS_JIT else 10


@pytest.fixture(scope="module")
def town():
    """A network, points on it, the book of all ways between them; the points first to last hang on streets."""
    network = random_network(8, n_nodes=40, n_streets=90)
    points = random_points(network, 8, 24, spread_m=20.0)
    return network, points, write_book(network, points)


@pytest.fixture(params=["search", "labels"])
def router(request, town):
    return Router(town[0], build_index(town[0]) if request.param == "labels" else None)


def test_eight_threads_get_what_the_oracle_says(town, router):
    network, points, book = town

    def ask(thread):
        dice = random.Random(thread)
        for _ in range(ROUNDS):
            check_every_verb(write_asked(router, book, points, dice, range(8), range(len(points))))
        return thread

    assert network.n_nodes == router.network.n_nodes
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, range(THREADS))) == list(range(THREADS))


def answers(router, snaps, facilities) -> dict[str, str]:
    """A digest for each verb that asks for facilities."""
    few, one, other = (snaps.take(slice(*ends)) for ends in ((0, 6), (0, 1), (5, 6)))
    told = {
        "nearest": router.nearest(few, facilities, 3),
        "coverage": router.coverage(facilities),
        "onway": router.onway(one, other, facilities, 3)[:4],
        "range": router.range(one, facilities, 10**9),
    }
    if router.index is not None:
        told["nearest_node"] = [router.nearest_node(3, facilities, 3)]
        told["nearest_nodes"] = router.nearest_nodes(np.arange(10), facilities, 3)
    return {verb: digest(columns) for verb, columns in told.items()}


def digest(columns) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns)).hexdigest()


def change(facilities, snaps, state) -> None:
    """From one state to the next, in a circle of four: all move, one goes, one comes back, all move back."""
    spots = [snaps.take(slice(6, 12)), snaps.take(slice(12, 18))]
    rows = np.arange(6)
    match state % 4:
        case 0:
            facilities.move(rows, spots[1])
        case 1:
            facilities.remove(rows[:3])
        case 2:
            facilities.move(rows[:3], spots[1].take(slice(0, 3)))
        case 3:
            facilities.move(rows, spots[0])


def test_readers_of_every_verb_see_a_change_whole_or_not_at_all(town, router):
    """Each answer is that of one whole state; and states did change while they were read."""
    snaps = router.snap(town[1])
    facilities = router.facilities(snaps.take(slice(6, 12)))
    states = []
    for state in range(4):
        states.append(answers(router, snaps, facilities))
        change(facilities, snaps, state)
    assert len({told["nearest"] for told in states}) == 3

    def read():
        told = []
        while len(told) < READS or (len({one["nearest"] for one in told}) < 2 and len(told) < 50 * READS):
            told.append(answers(router, snaps, facilities))
            time.sleep(0.0002)  # let others have the interpreter
        return told

    with ThreadPoolExecutor(THREADS) as pool:
        readers = [pool.submit(read) for _ in range(THREADS)]
        turn = 0
        while not all(reader.done() for reader in readers):
            change(facilities, snaps, turn)
            turn += 1
        everything = [told for reader in readers for told in reader.result()]
    for verb in states[0]:
        allowed = {told[verb] for told in states}
        assert {told[verb] for told in everything} <= allowed, verb
        assert len({told[verb] for told in everything}) > 1 or len(allowed) == 1, verb


def test_a_filter_made_before_a_change_keeps_answering_as_it_was_made(town, router):
    snaps = router.snap(town[1])
    facilities = router.facilities(snaps.take(slice(6, 12)))
    some = facilities.where(np.array([True, False] * 3))
    before = answers(router, snaps, some)
    change(facilities, snaps, 0)
    assert answers(router, snaps, some) == before


def test_many_writers_lose_no_change(town, router):
    """Rows given to eight threads that add at once are all different, and all are there."""
    snaps = router.snap(town[1])
    facilities = router.facilities(snaps.take(slice(0, 0)))
    one = snaps.take(slice(6, 7))
    with ThreadPoolExecutor(THREADS) as pool:
        rows = list(pool.map(lambda _: int(facilities.add(one)[0]), range(64)))
    assert sorted(rows) == list(range(64))
    found = router.nearest(one, facilities, 64)
    assert sorted(found.facility[0].tolist()) == list(range(64))
