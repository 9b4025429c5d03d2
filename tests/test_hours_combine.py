"""Doors, services and dates together, against looking at every quarter of an hour by itself."""

import random
from datetime import date, datetime, timedelta

import pytest

from geo_service.hours import (
    CLOSING_SOON_S,
    SHANGHAI,
    State,
    build_timeline,
    combine_timelines,
    opening_at,
    opening_on,
    restrict_timeline,
)

START = datetime(2026, 11, 16, tzinfo=SHANGHAI)
END = START + timedelta(days=7)
TEXTS = [
    "24/7",
    "08:00-18:00",
    "22:00-02:00",
    "Mo-Fr 09:00-12:00,13:30-18:00",
    "off",
    None,
    "Sa,Su 10:00-16:00",
]
SHOWN_OPEN = (State.OPEN, State.CLOSING_SOON)


def instants(seed, count=200):
    rng = random.Random(seed)
    return [START + timedelta(minutes=rng.randrange(7 * 24 * 60)) for _ in range(count)]


def worst(states):
    for state in (State.CLOSED, State.UNKNOWN):
        if state in states:
            return state
    return State.OPEN


@pytest.mark.parametrize("seed", range(12))
def test_together_they_are_open_where_each_is_open(seed):
    texts = random.Random(seed).sample(TEXTS, k=2 + seed % 2)
    line = combine_timelines([build_timeline(text, START, END) for text in texts])
    for at in instants(seed):
        expected = worst([opening_at(text, at).state for text in texts])
        found = opening_on(line, at).state
        assert (State.OPEN if found in SHOWN_OPEN else found) is expected, (texts, at)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("is_kept_inside", [True, False])
def test_a_restriction_closes_the_days_it_should(seed, is_kept_inside):
    rng = random.Random(seed)
    days = sorted(date(2026, 11, 14) + timedelta(days=rng.randrange(12)) for _ in range(2))
    first, last = (None if seed % 4 == 1 else days[0]), (None if seed % 4 == 2 else days[1])
    text = rng.choice(TEXTS)
    line = build_timeline(text, START, END)
    restricted = restrict_timeline(line, first, last, is_kept_inside=is_kept_inside)
    for at in instants(seed):
        day = at.date()
        is_inside = (first is None or first <= day) and (last is None or day <= last)
        kept = is_inside is is_kept_inside or (first is None and last is None)
        found = opening_on(restricted, at).state
        expected = opening_at(text, at).state if kept else State.CLOSED
        assert (found in SHOWN_OPEN) == (expected in SHOWN_OPEN), (text, first, last, at)
        assert found in SHOWN_OPEN or found is expected


@pytest.mark.parametrize("text", TEXTS)
def test_one_text_alone_says_what_it_says_by_itself(text):
    for at in instants(3):
        line = build_timeline(text, at, at + timedelta(days=14))
        alone, together = opening_at(text, at), opening_on(line, at)
        assert together.state is alone.state
        assert together.opens_at == alone.opens_at
        assert together.until == alone.until


def test_half_an_hour_before_the_end_it_is_closing_soon():
    line = build_timeline("08:00-18:00", START, END)
    closing = START + timedelta(hours=18) - timedelta(seconds=CLOSING_SOON_S)
    assert opening_on(line, closing - timedelta(seconds=1)).state is State.OPEN
    assert opening_on(line, closing).state is State.CLOSING_SOON
    assert opening_on(line, START + timedelta(hours=18)).state is State.CLOSED


def test_a_stale_open_is_stale_and_a_stale_closed_is_closed():
    line = build_timeline("08:00-18:00", START, END)
    noon, night = START + timedelta(hours=12), START + timedelta(hours=22)
    assert opening_on(line, noon, is_stale=True).state is State.STALE
    assert opening_on(line, noon, is_stale=True).until == START + timedelta(hours=18)
    assert opening_on(line, night, is_stale=True).state is State.CLOSED
