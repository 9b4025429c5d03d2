"""A tap that waited for the network: counted once, by our own clock, and not against what was looked into since."""

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from geo_service.desk.doubts import is_settled_since, say_doubt, settle_doubts, standing_doubts
from geo_service.desk.sayings import check_key, take_once, tapped_at
from geo_service.errors import InvalidInputError, UnavailableError
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit, Place
from geo_service.store.sqlite import open_sqlite

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
KEY = str(UUID(int=7, version=4))


def put_place(store):
    place = Place("s1", "station", 116.44, 39.95, "驿站")
    store.apply([Edit("station", "s1", 0, None, place)], actor="test", role="admin", source="test", at=NOON)


def test_a_tap_that_comes_again_is_not_taken_down_again(store):
    taken = []
    counted = [take_once(store, KEY, NOON + timedelta(hours=n), lambda: taken.append(1)) for n in range(3)]
    assert (counted, taken) == ([True, False, False], [1])


def test_a_tap_whose_taking_down_fails_may_come_again(store):
    def fail():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        take_once(store, KEY, NOON, fail)
    assert take_once(store, KEY, NOON, lambda: None)


def test_a_tap_is_not_acknowledged_while_it_is_being_taken_down(store):
    def meanwhile():
        with pytest.raises(UnavailableError):
            take_once(store, KEY, NOON, lambda: None)

    assert take_once(store, KEY, NOON, meanwhile)


def test_a_tap_whose_process_died_is_taken_down_after_a_minute(store):
    store.put_note(f"said/{KEY}", {"at": NOON.isoformat(), "done": False})
    with pytest.raises(UnavailableError):
        take_once(store, KEY, NOON + timedelta(seconds=30), lambda: None)
    assert take_once(store, KEY, NOON + timedelta(seconds=61), lambda: None)


def test_keys_are_forgotten_when_no_phone_can_still_hold_them(store):
    take_once(store, KEY, NOON, lambda: None)
    take_once(store, str(UUID(int=8, version=4)), NOON + timedelta(days=9), lambda: None)
    assert list(store.notes("said/")) == [f"said/{UUID(int=8, version=4)}"]


@pytest.mark.slow
def test_of_many_at_once_one_counts(tmp_path):
    """Threads with connections of their own, as the server has."""
    open_sqlite(tmp_path / "store.sqlite", create=True).close()
    taken, counted = [], []

    def tap():
        mine = open_sqlite(tmp_path / "store.sqlite")
        for _ in range(20):
            try:
                counted.append(take_once(mine, KEY, NOON, lambda: taken.append(1)))
                break
            except UnavailableError:
                continue
        mine.close()

    threads = [threading.Thread(target=tap) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert counted.count(True) == 1


@pytest.mark.parametrize(
    "key", ["", "x", KEY.upper() + "0", KEY + "\n", KEY[:-1], "0" * 36, KEY.replace("-", "")]
)
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(InvalidInputError, match="UUID"):
        check_key(key)


@pytest.mark.parametrize("age", ["-1", "1.5", "٣", "999999", "99999999", "1e3", " 1"])
def test_an_age_that_is_none_is_refused(age):
    with pytest.raises(InvalidInputError, match="age_s"):
        tapped_at(age, NOON)


def test_a_late_tap_takes_no_younger_one_back(store):
    put_place(store)
    say_doubt(store, "s1", "shut_now", NOON)
    doubt = say_doubt(store, "s1", "shut_now", NOON - timedelta(hours=2))
    assert (doubt.n_said, doubt.first_at, doubt.last_at) == (2, NOON - timedelta(hours=2), NOON)


def test_what_was_tapped_before_somebody_looked_is_settled(store):
    put_place(store)
    settle_doubts(store, "s1", NOON)
    assert is_settled_since(store, "s1", NOON - timedelta(minutes=1))
    assert not is_settled_since(store, "s1", NOON + timedelta(minutes=1))
    assert not is_settled_since(store, "s2", NOON)
    assert standing_doubts(store) == {}
