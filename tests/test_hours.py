"""Opening hours against what a rider finds at the door, and against a twin that looks at every minute."""

import json
import os
import random
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import numpy as np
import pytest
from opening_hours import OpeningHours

from geo_service.errors import InvalidInputError
from geo_service.hours import (
    ANNOUNCED_YEARS,
    CLOSING_SOON_S,
    SHANGHAI,
    DayKind,
    State,
    build_timeline,
    calendar_day,
    check_hours,
    opening_at,
    parse_time,
    statutory_days,
)
from tests.counts import many
from tests.oracles import hours as oracle

WEEK = "Mo-Fr 08:00-18:00"
DAY = timedelta(days=1)


def state(text, at, **age):
    return opening_at(text, datetime.fromisoformat(at), **age).state.value


def until(text, at):
    return _shown(opening_at(text, datetime.fromisoformat(at)).until)


def opens_at(text, at):
    return _shown(opening_at(text, datetime.fromisoformat(at)).opens_at)


def _shown(instant):
    return instant and instant.strftime("%Y-%m-%d %H:%M")


# ---- the clock ----


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-20T07:59:59", "closed"),
        ("2026-11-20T08:00", "open"),
        ("2026-11-20T17:29:59", "open"),
        ("2026-11-20T17:30", "closing_soon"),
        ("2026-11-20T17:59:59.999999", "closing_soon"),
        ("2026-11-20T18:00", "closed"),
    ],
)
def test_a_door_is_open_from_its_first_second_to_before_its_last(at, expected):
    assert state(WEEK, at) == expected


def test_closing_soon_is_half_an_hour():
    assert CLOSING_SOON_S == 1800


def test_an_overnight_span_belongs_to_the_day_it_starts_on():
    assert state("Fr 22:00-02:00", "2026-11-21T01:00") == "open"
    assert state("Fr 22:00-02:00", "2026-11-20T01:00") == "closed"
    assert until("Fr 22:00-02:00", "2026-11-20T23:00") == "2026-11-21 02:00"


def test_hours_past_24_are_those_of_the_next_morning():
    assert until("Fr 20:00-26:00", "2026-11-20T23:00") == "2026-11-21 02:00"


def test_the_night_into_a_holiday_keeps_the_hours_of_its_evening():
    text = "Mo-Fr 22:00-02:00; PH off"
    assert state(text, "2026-10-01T01:00") == "open"
    assert state(text, "2026-10-01T23:00") == "closed"
    assert state(text, "2026-10-02T01:00") == "closed"


def test_a_timed_off_cuts_the_night_before_and_a_whole_day_off_does_not():
    assert state("18:00-02:00; Tu 00:00-06:00 off", "2026-11-24T01:00") == "closed"
    assert state("18:00-02:00; Tu off", "2026-11-24T01:00") == "open"


def test_split_intervals_have_a_break():
    text = "08:00-12:00,13:30-18:00"
    assert state(text, "2026-11-20T12:30") == "closed"
    assert opens_at(text, "2026-11-20T12:30") == "2026-11-20 13:30"


def test_intervals_that_touch_at_midnight_are_one():
    assert until("Mo 08:00-24:00; Tu 00:00-10:00", "2026-11-23T23:50") == "2026-11-24 10:00"


def test_round_the_clock_never_ends():
    opening = opening_at("24/7", datetime(2026, 11, 20, 3))
    assert (opening.state, opening.until, opening.opens_at) == (State.OPEN, None, None)


def test_a_change_beyond_two_weeks_is_not_told():
    assert opens_at("Dec 20-24 08:00-12:00", "2026-11-20T10:00") is None
    assert opens_at("Dec 01-24 08:00-12:00", "2026-11-20T10:00") == "2026-12-01 08:00"


def test_the_next_opening_is_not_told_across_days_nobody_knows():
    assert state("We 08:00-18:00", "2026-12-17T10:00") == "closed"
    assert until("We 08:00-18:00", "2026-12-17T10:00") == "2026-12-22 00:00"
    assert opens_at("We 08:00-18:00", "2026-12-17T10:00") is None


# ---- the calendar ----


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("Mo-Fr 08:00-18:00; PH off", "2026-10-05T10:00", "closed"),  # Monday of the National Day week
        ("Mo-Fr 08:00-18:00; PH off", "2026-10-10T10:00", "open"),  # Saturday that makes up
        ("Mo-Fr 08:00-18:00; PH off", "2026-04-06T10:00", "closed"),  # day in lieu of Qingming
        ("Mo-Fr 08:00-18:00; PH 10:00-16:00", "2026-10-03T09:00", "closed"),
        ("Mo-Fr 08:00-18:00; PH 10:00-16:00", "2026-10-03T10:00", "open"),  # a Saturday, but a holiday
        (
            "Mo-Fr 08:00-18:00",
            "2026-10-05T10:00",
            "open",
        ),  # no holiday named: OSM leaves the weekday as it is
        ("Mo-Fr,PH 08:00-18:00", "2026-10-03T10:00", "open"),
        ("Sa 08:00-18:00", "2026-10-10T10:00", "closed"),
        ("Fr 08:00-18:00", "2026-10-10T10:00", "open"),
        ("Mo 08:00-18:00", "2026-09-20T10:00", "open"),  # Sunday that makes up
        ("Su 08:00-18:00", "2026-09-20T10:00", "closed"),
        ("Mo[3] 08:00-18:00", "2026-09-20T10:00", "open"),  # for Monday the 21st, the third of its month
        ("Sep 20 10:00-12:00", "2026-09-20T10:00", "open"),  # dates stay dates
        ("24/7; PH off", "2026-10-01T03:00", "closed"),
        ("We,PH off", "2026-11-20T10:00", "closed"),
        ("08:00-20:00; We,PH off", "2026-11-25T10:00", "closed"),
        ("08:00-20:00; We,PH off", "2026-11-26T10:00", "open"),
        ("08:00-20:00, PH off", "2026-10-01T10:00", "closed"),
        ("Tu-Su 09:00-17:00", "2026-11-23T10:00", "closed"),
        ("PH -1 day 08:00-12:00", "2026-09-30T10:00", "open"),  # the eve
        ("08:00-12:00; PH +1 day off", "2026-10-08T10:00", "closed"),  # the day after
        ("08:00-20:00; PH off", "2011-06-05T10:00", "closed"),  # the calendar library has a hole here
    ],
)
def test_holidays_and_make_up_workdays(text, at, expected):
    assert state(text, at) == expected


@pytest.mark.parametrize("text", ["08:00-20:00", "24/7", "Oct 10:00-22:00", "week 01-53 08:00-18:00"])
@pytest.mark.parametrize("day", ["2026-10-01", "2026-10-10", "2027-10-01", "2027-02-06"])
def test_hours_that_name_no_weekday_and_no_holiday_never_depend_on_the_calendar(text, day):
    ordinary = state(text, "2026-10-20T12:00" if "2026-10" in day or "2027-10" in day else "2026-11-20T12:00")
    assert state(text, f"{day}T12:00") == ordinary


def test_all_seven_weekdays_need_no_calendar():
    assert state("Mo-Su,PH 08:00-20:00", "2027-10-01T10:00") == "open"


@pytest.mark.parametrize(
    "text", [WEEK, "24/7; PH off", "Sa-Su 08:00-20:00", "08:00-20:00; Mo[1] off", "PH off"]
)
def test_weekdays_and_holidays_are_unknown_near_a_festival_of_a_year_not_announced(text):
    assert state(text, "2027-10-01T10:00") == "unknown"
    assert state(text, "2027-02-16T10:00") == "unknown"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2027-09-04", "ordinary"),
        ("2027-09-05", "unannounced"),  # ten days before Mid-Autumn
        ("2027-10-13", "unannounced"),  # ten days after 3 October
        ("2027-10-14", "ordinary"),
        ("2026-12-21", "ordinary"),
        ("2026-12-22", "unannounced"),  # New Year's workdays come with the notice for 2027
        ("2026-10-10", "make_up"),
        ("2026-02-15", "holiday"),
        ("2051-07-15", "unannounced"),  # no notice and no table of festivals
        ("2003-07-15", "unannounced"),
    ],
)
def test_what_kind_of_day(day, expected):
    assert calendar_day(date.fromisoformat(day)).kind.value == expected


def test_a_year_not_announced_is_ordinary_away_from_festivals():
    assert state(WEEK, "2027-07-14T10:00") == "open"
    assert state("24/7; PH off", "2027-07-14T10:00") == "open"


def test_out_of_season_rules_do_not_make_a_day_unknown():
    assert state("Apr-Sep Mo-Fr 08:00-18:00; Oct-Mar 08:00-20:00", "2027-10-01T10:00") == "open"


def test_a_rule_for_fixed_dates_after_them_makes_it_known_again():
    assert state("Mo-Fr 08:00-18:00; Oct 01-07 off", "2027-10-01T10:00") == "closed"


def test_the_certain_evening_before_outlasts_an_unknown_day():
    assert calendar_day(date(2026, 12, 22)).kind is DayKind.UNANNOUNCED
    assert state("Mo-Fr 20:00-02:00", "2026-12-22T01:00") == "open"
    assert state("Mo-Fr 20:00-02:00", "2026-12-22T02:00") == "unknown"


def test_the_morning_after_an_unknown_evening_is_unknown():
    assert calendar_day(date(2027, 10, 14)).kind is DayKind.ORDINARY
    assert state("Mo-Fr 20:00-02:00", "2027-10-14T01:00") == "unknown"
    assert state("Mo-Fr 20:00-02:00", "2027-10-14T02:00") == "closed"


def test_festivals_of_the_table_are_holidays_of_the_notices():
    days = [day for year in ANNOUNCED_YEARS if year >= 2008 for day in statutory_days(year)]
    # The second of May and the eve of Spring Festival were days off by law only before 2008 and since 2014/2025.
    odd = {day for day in days if calendar_day(day).kind is not DayKind.HOLIDAY}
    assert len(days) > 200
    assert all((day.month == 5 and day.day == 2) or day.month in (1, 2) for day in odd)
    assert {day.year for day in odd if day.month != 5} == {2014, 2024}


def test_whatever_a_notice_ever_moved_lies_within_ten_days_of_a_festival():
    moved = set(chinese_calendar.holidays) | set(chinese_calendar.workdays)
    festivals = [day for year in range(2004, 2028) for day in statutory_days(year)]
    far = {day for day in moved if min(abs(day - festival) for festival in festivals) > 10 * DAY}
    # 2015 had one more holiday, seventy years after the war, that no law foresaw.
    assert far == {date(2015, 9, 3), date(2015, 9, 4), date(2015, 9, 6)}


def test_the_oracle_and_the_library_have_the_same_calendar():
    for step in range((date(2028, 12, 31) - date(2024, 1, 1)).days):
        day = date(2024, 1, 1) + step * DAY
        expected = "holiday" if day in oracle.HOLIDAYS else "make_up" if day in oracle.MAKE_UP else "ordinary"
        expected = "unannounced" if day in oracle.DOUBTFUL else expected
        assert (day, calendar_day(day).kind.value) == (day, expected)


# ---- what cannot be known ----


@pytest.mark.parametrize(
    "text", [None, "", "   ", "open when the lights are on", "Mo, We 10:00-12:00", "\ud800"]
)
def test_no_hours_and_unreadable_hours_are_unknown(text):
    assert state(text, "2026-11-20T10:00") == "unknown"


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ('"by appointment"', "2026-11-20T10:00", "unknown"),
        ('Mo-Fr 08:00-18:00 "by appointment"', "2026-11-20T10:00", "unknown"),
        ('Mo-Fr 08:00-18:00 "by appointment"', "2026-11-20T19:00", "closed"),
        ('Mo-Fr 08:00-18:00 open "ring the bell"', "2026-11-20T10:00", "open"),
        ('08:00-18:00 open "Mo; PH off || x"', "2026-11-20T10:00", "open"),
        ("Mo-Fr unknown", "2026-11-20T10:00", "unknown"),
        ('Mo-Fr 08:00-18:00 || "call"', "2026-11-20T19:00", "unknown"),
        ('Mo-Fr 08:00-18:00 || "call"', "2026-11-20T09:00", "open"),
        ("08:00+", "2026-11-20T07:59", "closed"),
        ("08:00+", "2026-11-20T08:00", "unknown"),
        ("08:00-18:00+", "2026-11-20T10:00", "open"),
        ("08:00-18:00+", "2026-11-20T18:00", "unknown"),
        ("08:00-18:00+", "2026-11-21T06:00", "closed"),
        ("sunrise-sunset", "2026-11-20T12:00", "unknown"),
        ("Mo-Fr 08:00-sunset; Sa 08:00-12:00", "2026-11-21T10:00", "open"),
        ("SH off", "2026-11-20T12:00", "unknown"),
        ("off", "2026-11-20T12:00", "closed"),
        ("closed", "2026-11-20T12:00", "closed"),
        ("10:00-16:00/00:30", "2026-11-20T12:00", "unknown"),
    ],
)
def test_comments_open_ends_and_the_sun_are_unknown_where_they_matter(text, at, expected):
    assert state(text, at) == expected


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("Apr-Oct 08:00-20:00; Nov-Mar 09:00-17:00", "2026-11-20T08:30", "closed"),
        ("Nov-Mar 09:00-17:00", "2026-01-20T09:00", "open"),
        ("Feb 1-Mar 15 10:00-12:00", "2026-03-15T10:00", "open"),
        ("Feb 1-Mar 15 10:00-12:00", "2026-03-16T10:00", "closed"),
        ("2025-2026 10:00-12:00", "2027-01-01T10:00", "closed"),
        ("week 1-53/2 10:00-12:00", "2026-11-17T10:00", "open"),  # week 47
        ("week 1-53/2 10:00-12:00", "2026-11-24T10:00", "closed"),
        ("Mo-Fr 10:00-12:00; We 14:00-16:00", "2026-11-25T10:00", "closed"),  # ; replaces
        ("Mo-Fr 10:00-12:00, We 14:00-16:00", "2026-11-25T10:00", "open"),  # , adds
        ("08:00-20:00; 12:00-13:00 off", "2026-11-25T12:30", "closed"),
        ("Mo-Fr 00:00-24:00, Sa 08:00-12:00", "2026-11-25T03:00", "open"),
    ],
)
def test_seasons_weeks_and_separators(text, at, expected):
    assert state(text, at) == expected


# ---- age ----


def test_old_facts_make_open_stale_and_leave_closed_alone():
    old = {"checked_on": date(2026, 9, 1), "max_age_days": 60}
    assert state(WEEK, "2026-11-20T10:00", **old) == "stale"
    assert state(WEEK, "2026-11-20T17:45", **old) == "stale"
    assert state(WEEK, "2026-11-20T20:00", **old) == "closed"
    assert state(None, "2026-11-20T20:00", **old) == "unknown"


def test_the_last_day_of_a_check_still_counts():
    assert state(WEEK, "2026-11-20T10:00", checked_on=date(2026, 9, 21), max_age_days=60) == "open"
    assert state(WEEK, "2026-11-20T10:00", checked_on=date(2026, 9, 20), max_age_days=60) == "stale"


def test_a_stale_door_still_tells_until_when():
    opening = opening_at(WEEK, datetime(2026, 11, 20, 10), checked_on=date(2025, 1, 1), max_age_days=60)
    assert _shown(opening.until) == "2026-11-20 18:00"


# ---- refusals ----


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Mo-Fr 08：30-18：00；PH off", "write 'Mo-Fr 08:30-18:00;PH off'"),
        ("Mo–Fr 10:00–12:00", "write 'Mo-Fr 10:00-12:00'"),
        ("０８:00-18:00", "write '08:00-18:00'"),
        ("Mo-Fr 8-18", "at character 7"),
        ("Mo-Fr 08:00-18:00;", "ends in a separator"),
        ("Mo, We 10:00-12:00", "around the clock"),
        ("Jan, Mar 10:00-12:00", "around the clock"),
        ("PH Mo-Fr 10:00-12:00", "write PH,Mo-Fr"),
        ("Apr 31 off", "Apr 31 is no date"),
        ("week 16-17/2 off", "steps over its own end"),
        ("   ", "write 24/7"),
        ("", "write 24/7"),
        ("08:00-18:00 " * 90, "at most 1000"),
        ("Mo\n10:00", "OSM's syntax"),
        ("\ud800", "syntax library failed"),
    ],
)
def test_hours_that_cannot_be_used_are_refused_with_a_remedy(text, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)) as refusal:
        check_hours(text)
    assert "\n" not in refusal.value.message
    assert refusal.value.facts["parameter"] == "hours"
    json.dumps(dict(refusal.value.facts)).encode()


@pytest.mark.parametrize(
    "text",
    ["24/7", "Mo-Fr 8:00-18:00; PH off", "mo-fr 08:00-18:00", "24/7, PH off", "Mo-Fr open, PH closed", "off"],
)
def test_usual_hours_pass(text):
    assert check_hours(text) is None
    assert opening_at(text, datetime(2026, 11, 20, 10)).state is not State.UNKNOWN


def test_hostile_texts_end_in_an_answer_or_a_refusal():
    rng = random.Random(20261121)
    pieces = [
        "Mo", "PH", "SH", "-", ",", ", ", ";", " || ", " ", "08:00", "26:00", "+", "/01:30", "off", '"x"', '"',
        "week 01", "Feb 30", "9999", " -2 days", "[1]", "easter", "(sunset+01:00)", "24/7", "：", "\0", "Oct 1-7",
    ]  # fmt: skip
    unknown = 0
    for _ in range(3000):
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 9)))
        try:
            check_hours(text)
        except InvalidInputError:
            assert state(text, "2027-01-05T10:00") == "unknown", text
            unknown += 1
    assert 1000 < unknown < 3000


# ---- zones and times ----


def test_a_time_without_a_zone_is_shanghais():
    assert opening_at(WEEK, datetime(2026, 11, 20, 8)) == opening_at(
        WEEK, datetime(2026, 11, 20, 0, tzinfo=UTC)
    )


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Pacific/Kiritimati"])
def test_the_zone_of_the_server_does_not_matter(zone):
    asked = (
        "from datetime import datetime; from geo_service.hours import *;"
        "o = opening_at('Mo-Fr 22:00-02:00; PH off', datetime(2026, 10, 1, 1));"
        "line = build_timeline('Mo-Fr 08:00-18:00', datetime(2026, 3, 7), datetime(2026, 3, 12));"
        "print(o, line.start_s.tolist(), line.kind.tolist(), parse_time('2026-11-01T01:30', 'at'))"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "TZ": tz},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for tz in (zone, "Asia/Shanghai")
    ]
    assert answers[0] == answers[1]
    assert "State.OPEN" in answers[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T08:30", "2026-11-21T08:30:00+08:00"),
        ("2026-11-21T08:30:15", "2026-11-21T08:30:15+08:00"),
        ("2026-11-21T08:30+09:00", "2026-11-21T07:30:00+08:00"),
        ("2026-12-31T20:00Z", "2027-01-01T04:00:00+08:00"),
    ],
)
def test_times_are_read(text, expected):
    assert parse_time(text, "at").isoformat() == expected


@pytest.mark.parametrize("text", [None, "now"])
def test_now_is_now(text):
    assert abs(parse_time(text, "at") - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-11-21", "08:30", "2026-11-21 08:30", "2026-02-30T08:30", "2026-11-21T25:00",
     "20261121T0830",
     "9999-12-31T23:59", "0001-01-01T00:00+08:00", "9999-12-31T23:59-08:00", "２０２６-11-21T08:30",
     "2026-11-21T08:30+99:00",
     "2026-11-21T08:30\n", "x" * 100_000],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InvalidInputError, match="at=") as refusal:
        parse_time(text, "at")
    assert len(refusal.value.message) < 250
    assert refusal.value.facts["parameter"] == "at"


def test_instants_beyond_the_calendar_are_refused():
    with pytest.raises(InvalidInputError, match="2000-2199"):
        opening_at("24/7", datetime(9999, 12, 31))


# ---- timelines ----


def test_a_timeline_fills_its_window_without_equal_neighbours():
    start, end = datetime(2026, 11, 20, 10, 30), datetime(2026, 12, 25)
    line = build_timeline("Mo-Fr 08:00-12:00,13:00-26:00; PH off", start, end)
    assert line.start_s[0] == start.replace(tzinfo=SHANGHAI).timestamp()
    assert line.end_s == end.replace(tzinfo=SHANGHAI).timestamp()
    assert (np.diff(line.start_s) > 0).all()
    assert line.start_s[-1] < line.end_s
    assert (line.kind[1:] != line.kind[:-1]).all()
    assert (line.start_s.dtype, line.kind.dtype) == (np.int64, np.uint8)


def test_a_shared_timeline_cannot_be_written_to():
    line = build_timeline("24/7", datetime(2026, 11, 20), datetime(2026, 11, 21))
    with pytest.raises(ValueError, match="read-only"):
        line.kind[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        line.start_s[0] = 0


def test_no_hours_are_unknown_throughout():
    line = build_timeline(None, datetime(2026, 11, 20), datetime(2026, 11, 21))
    assert line.kind.tolist() == [2]


def test_an_empty_window_still_says_what_holds():
    at = datetime(2026, 11, 20, 10)
    assert build_timeline(WEEK, at, at).kind.tolist() == [1]


def test_a_window_that_runs_backwards_is_refused():
    with pytest.raises(InvalidInputError, match="swap"):
        build_timeline(WEEK, datetime(2026, 11, 21), datetime(2026, 11, 20))


def test_timelines_and_openings_agree():
    rng = random.Random(7)
    for _ in range(200):
        text = oracle.render(oracle.random_rules(rng), rng)
        at = oracle.random_instants(rng, 1)[0]
        line = build_timeline(text, at - DAY, at + DAY)
        here = line.kind[
            np.searchsorted(line.start_s, at.replace(tzinfo=SHANGHAI).timestamp(), side="right") - 1
        ]
        said = opening_at(text, at).state
        assert (said in (State.OPEN, State.CLOSING_SOON), said is State.UNKNOWN) == (here == 1, here == 2), (
            text,
            at,
        )


# ---- oracles ----


@pytest.mark.parametrize(
    "text",
    ["Mo-Fr 08:00-18:00", "24/7", "08:00-12:00,13:00-17:30", "Sa,Su 10:00-26:00", "Fr-Mo 22:00-05:00",
     "Tu[2] 09:00-12:00",
     "Jul-Aug 10:00-22:00; Sep 08:00-12:00", "week 27-31/2 We 09:00-10:00", "Mo-Fr 09:00-17:00; We off"],
)  # fmt: skip
def test_the_library_agrees_where_no_festival_is_near(text):
    start = datetime(2026, 7, 6)
    line, library = build_timeline(text, start, start + 42 * DAY), OpeningHours(text)
    for step in range(0, 42 * 24 * 60, 37):
        at = start + timedelta(minutes=step)
        here = line.kind[
            np.searchsorted(line.start_s, at.replace(tzinfo=SHANGHAI).timestamp(), side="right") - 1
        ]
        assert (here == 1) == library.is_open(at), (text, at)


def assert_oracle_agrees(seed, texts):
    rng = random.Random(seed)
    seen = set()
    for _ in range(texts):
        rules = oracle.random_rules(rng)
        text, twin = oracle.render(rules, rng), oracle.MinuteOracle(rules)
        check_hours(text)
        for at in [instant for _ in range(5) for instant in oracle.random_instants(rng, 5)]:
            said = opening_at(text, at)
            naive = [instant and instant.replace(tzinfo=None) for instant in (said.until, said.opens_at)]
            assert (said.state.value, *naive) == twin.answer(at), (
                f"{text!r} at {at:%a %Y-%m-%d %H:%M:%S}, seed {seed}"
            )
            seen.add(said.state)
    assert seen == {State.OPEN, State.CLOSING_SOON, State.CLOSED, State.UNKNOWN}


@pytest.mark.slow
def test_five_thousand_triples_agree_with_the_minute_oracle():
    assert_oracle_agrees(seed=20261121, texts=200)


@pytest.mark.slow
def test_twenty_five_thousand_triples_or_a_hundred_thousand_agree_with_the_minute_oracle():
    assert_oracle_agrees(seed=4, texts=many(1000, 4000))
