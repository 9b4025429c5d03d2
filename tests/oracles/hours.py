"""
Opening hours once more, minute by minute, from structures and not from text.

Nothing of the package or its libraries is used: rules are made up as structures, rendered to OSM text for the
code under test, and evaluated here on arrays of the 1440 minutes of a day, with a calendar typed from the State
Council's notices for 2024-2026. 2027 and 2028 are taken as not announced.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np

CLOSED, OPEN, UNKNOWN, SILENT = 0, 1, 2, -1
DAY_MIN = 1440
HORIZON_DAYS = 14
CHINA = timezone(timedelta(hours=8))
NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

BREAKS = (
    ("2023-12-30", "2024-01-01"), ("2024-02-10", "2024-02-17"), ("2024-04-04", "2024-04-06"),
    ("2024-05-01", "2024-05-05"), ("2024-06-10", "2024-06-10"), ("2024-09-15", "2024-09-17"),
    ("2024-10-01", "2024-10-07"), ("2025-01-01", "2025-01-01"), ("2025-01-28", "2025-02-04"),
    ("2025-04-04", "2025-04-06"), ("2025-05-01", "2025-05-05"), ("2025-05-31", "2025-06-02"),
    ("2025-10-01", "2025-10-08"), ("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"), ("2026-05-01", "2026-05-05"), ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"), ("2026-10-01", "2026-10-07"),
)  # fmt: skip
WORKED = (
    "2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12 "
    "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11 "
    "2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"
)
UNANNOUNCED_FESTIVALS = (
    "2027-01-01 2027-02-05 2027-02-06 2027-02-07 2027-02-08 2027-04-05 2027-05-01 2027-05-02 2027-06-09 "
    "2027-09-15 2027-10-01 2027-10-02 2027-10-03 "
    "2028-01-01 2028-01-25 2028-01-26 2028-01-27 2028-01-28 2028-04-04 2028-05-01 2028-05-02 2028-05-28 "
    "2028-10-01 2028-10-02 2028-10-03 2029-01-01"
)


def _span_of(first: str, last: str) -> set[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return {begin + timedelta(days=step) for step in range((end - begin).days + 1)}


HOLIDAYS = set().union(*(_span_of(*pair) for pair in BREAKS))
MAKE_UP = {date.fromisoformat(word) for word in WORKED.split()}
DOUBTFUL = {
    date.fromisoformat(word) + timedelta(days=step)
    for word in UNANNOUNCED_FESTIVALS.split()
    for step in range(-10, 11)
}
PLACES = sorted(HOLIDAYS | MAKE_UP) + [date.fromisoformat(word) for word in UNANNOUNCED_FESTIVALS.split()]


@dataclass(frozen=True)
class Time:
    """Minutes of a span; ``end`` None stands for `HH:MM+`."""

    start: int
    end: int | None
    has_open_end: bool = False


@dataclass(frozen=True)
class RuleShape:
    """One rule as a structure; ``days`` holds ("wd", a, b), ("nth", wd, (n, ..), offset), ("ph", offset), ("sh",)."""

    separator: str = ";"
    years: tuple[int, int] | None = None
    months: tuple[int, int] | None = None
    dates: tuple[tuple[int, int], tuple[int, int]] | None = None
    weeks: tuple[int, int, int] | None = None
    days: tuple[tuple, ...] = ()
    times: tuple[Time, ...] = ()
    state: str = ""
    comment: str = ""


# ---- text -------------------------------------------------------------------------------------------------


def render(rules: list[RuleShape], rng: random.Random) -> str:
    text = ""
    for index, rule in enumerate(rules):
        glue = {";": rng.choice(["; ", ";", " ; "]), ",": ", ", "||": " || "}[rule.separator]
        text += (glue if index else "") + _render_rule(rule, rng)
    return text


def _render_rule(rule: RuleShape, rng: random.Random) -> str:
    words = []
    if rule.years:
        words.append(str(rule.years[0]) if rule.years[0] == rule.years[1] else "{}-{}".format(*rule.years))
    if rule.months:
        words.append("-".join(MONTHS[month - 1] for month in dict.fromkeys(rule.months)))
    if rule.dates:
        words.append(
            "-".join(
                f"{MONTHS[month - 1]} {rng.choice(['', '0'])[: day < 10]}{day}" for month, day in rule.dates
            )
        )
    if rule.weeks:
        first, last, step = rule.weeks
        words.append(f"week {first:02}-{last:02}" + (f"/{step}" if step > 1 else ""))
    if rule.days:
        words.append(",".join(_render_day(token) for token in rule.days))
    if rule.times:
        words.append(",".join(_render_time(time) for time in rule.times))
    if rule.state:
        words.append({"off": rng.choice(["off", "closed"])}.get(rule.state, rule.state))
    if rule.comment:
        words.append(f'"{rule.comment}"')
    return " ".join(words) or "24/7"


def _render_day(token: tuple) -> str:
    match token:
        case ("wd", first, last):
            return NAMES[first] if first == last else f"{NAMES[first]}-{NAMES[last]}"
        case ("nth", weekday, numbers, offset):
            move = f" {offset:+d} day{'s' if abs(offset) > 1 else ''}" if offset else ""
            return f"{NAMES[weekday]}[{','.join(map(str, numbers))}]{move}"
        case ("ph", offset):
            return f"PH {offset:+d} day" if offset else "PH"
        case _:
            return "SH"


def _render_time(time: Time) -> str:
    text = _clock(time.start) + ("" if time.end is None else f"-{_clock(time.end)}")
    return text + ("+" if time.has_open_end or time.end is None else "")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


# ---- meaning ----------------------------------------------------------------------------------------------


def _in_ring(value, first, last) -> bool:
    return first <= value <= last if first <= last else value >= first or value <= last


def _date_matches(rule: RuleShape, day: date) -> bool:
    if rule.years and not rule.years[0] <= day.year <= rule.years[1]:
        return False
    if rule.months and not _in_ring(day.month, *rule.months):
        return False
    if rule.dates and not _in_ring((day.month, day.day), *rule.dates):
        return False
    week = day.isocalendar().week
    return not rule.weeks or (
        rule.weeks[0] <= week <= rule.weeks[1] and (week - rule.weeks[0]) % rule.weeks[2] == 0
    )


def _stands_for(day: date) -> date:
    if day not in MAKE_UP:
        return day
    return day + timedelta(days={5: -1, 6: 1}[day.weekday()])


def _is_nth(day: date, weekday: int, numbers: tuple[int, ...]) -> bool:
    if day.weekday() != weekday:
        return False
    from_end = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day - day.day
    return (day.day - 1) // 7 + 1 in numbers or -(from_end // 7 + 1) in numbers


def _speaks(rule: RuleShape, day: date) -> bool | None:
    """Three answers: True, False, or None if only an announcement could tell."""
    if not _date_matches(rule, day):
        return False
    named = {
        weekday
        for token in rule.days
        if token[0] == "wd"
        for weekday in range(7)
        if _in_ring(weekday, *token[1:])
    }
    if not rule.days or named == set(range(7)):
        return True
    if day in DOUBTFUL:
        return None
    shown = _stands_for(day)
    doubt = False
    for token in rule.days:
        match token:
            case ("wd", first, last) if _in_ring(shown.weekday(), first, last):
                return True
            case ("nth", weekday, numbers, offset) if _is_nth(
                shown - timedelta(days=offset), weekday, numbers
            ):
                return True
            case ("ph", offset):
                asked = day - timedelta(days=offset)
                if asked not in DOUBTFUL and asked in HOLIDAYS:
                    return True
                doubt = doubt or asked in DOUBTFUL
            case ("sh",):
                doubt = True
    return None if doubt else False


def _value(rule: RuleShape) -> int:
    if rule.state == "off":
        return CLOSED
    return UNKNOWN if rule.state == "unknown" or (rule.comment and rule.state != "open") else OPEN


@dataclass
class _Sheet:
    """What one level says of the 2880 minutes from a midnight, and how late in the text it was said."""

    value: np.ndarray = field(default_factory=lambda: np.full(2 * DAY_MIN, SILENT))
    rank: np.ndarray = field(default_factory=lambda: np.full(2 * DAY_MIN, -2))

    def write(self, minutes: np.ndarray, value: int, rank: int) -> None:
        free = minutes & (self.rank <= rank)
        self.value[free] = value
        self.rank[free] = rank


MINUTE = np.arange(2 * DAY_MIN)


def _said(rule: RuleShape) -> list[tuple[np.ndarray, int]]:
    """Masks of minutes and values, the surest last."""
    value = _value(rule)
    if not rule.times:
        return [] if value == CLOSED else [(MINUTE < DAY_MIN, value)]
    certain, vague = [], []
    for time in rule.times:
        end = time.start if time.end is None else time.end + (DAY_MIN if time.end <= time.start else 0)
        certain.append(((time.start <= MINUTE) & (end > MINUTE), value))
        if time.has_open_end or time.end is None:
            last = 30 * 60 if end < 30 * 60 else 2 * DAY_MIN
            vague.append(((end <= MINUTE) & (last > MINUTE), UNKNOWN))
    return vague + certain


def _sheets(rules: list[RuleShape], day: date) -> dict[int, _Sheet]:
    sheets: dict[int, _Sheet] = {0: _Sheet()}
    level = 0
    for rank, rule in enumerate(rules):
        is_fallback = rank > 0 and rule.separator == "||"
        level += is_fallback
        mine = level if is_fallback else 0
        speaks = _speaks(rule, day)
        if speaks is False:
            continue
        wipes = not rule.times if _value(rule) == CLOSED else rule.separator != ","
        if not is_fallback and speaks and wipes:
            sheets = {0: _Sheet()}
        if not is_fallback and speaks is None:
            for sheet in sheets.values():
                sheet.value[:DAY_MIN], sheet.rank[:DAY_MIN] = SILENT, -2
                sheet.value[sheet.value != SILENT] = UNKNOWN
        sheet = sheets.setdefault(mine, _Sheet())
        if speaks is None:
            sheet.write(MINUTE < DAY_MIN, UNKNOWN, -1)
        for minutes, value in _said(rule):
            sheet.write(minutes, value if speaks else UNKNOWN, rank)
    return sheets


def kinds_of_day(rules: list[RuleShape], day: date) -> np.ndarray:
    """Closed, open or unknown for each of the 1440 minutes of a day."""
    today, yesterday = _sheets(rules, day), _sheets(rules, day - timedelta(days=1))
    kinds = np.full(DAY_MIN, CLOSED)
    for level in sorted(today.keys() | yesterday.keys(), reverse=True):
        now, over = today.get(level, _Sheet()), yesterday.get(level, _Sheet())
        now_wins = now.rank[:DAY_MIN] >= over.rank[DAY_MIN:]
        said = np.where(now_wins, now.value[:DAY_MIN], over.value[DAY_MIN:])
        kinds = np.where((said == OPEN) | (said == UNKNOWN), said, kinds)
    return kinds


@dataclass
class MinuteOracle:
    """One set of rules, its days worked out as they are asked for."""

    rules: list[RuleShape]
    _days: dict[date, np.ndarray] = field(default_factory=dict)

    def kinds(self, day: date) -> np.ndarray:
        if day not in self._days:
            self._days[day] = kinds_of_day(self.rules, day)
        return self._days[day]

    def answer(self, at: datetime) -> tuple[str, datetime | None, datetime | None]:
        """State, until, opens again at; ``at`` is China's wall clock without a zone."""
        midnight = datetime(at.year, at.month, at.day)
        minute = (at - midnight) // timedelta(minutes=1)
        kind = self.kinds(at.date())[minute]
        ahead, after = self._change(at.date(), minute, kind)
        until = None if ahead is None else midnight + timedelta(minutes=ahead)
        opens = until if kind == CLOSED and after == OPEN else None
        state = ("closed", "open", "unknown")[kind]
        if kind == OPEN and until is not None and until - at <= timedelta(minutes=30):
            state = "closing_soon"
        return state, until, opens

    def _change(self, day: date, minute: int, kind: int) -> tuple[int | None, int | None]:
        for step in range(HORIZON_DAYS + 1):
            kinds = self.kinds(day + timedelta(days=step))
            different = np.flatnonzero(kinds[minute if step == 0 else 0 :] != kind)
            if len(different):
                found = int(different[0]) + (minute if step == 0 else 0)
                return step * DAY_MIN + found, int(kinds[found])
        return None, None


# ---- chance -----------------------------------------------------------------------------------------------


def random_rules(rng: random.Random) -> list[RuleShape]:
    count = rng.choices([1, 2, 3, 4], weights=[4, 5, 3, 1])[0]
    rules = [_random_rule(rng, is_first=index == 0) for index in range(count)]
    for rule, following in pairwise(rules):
        if following.separator == "," and not (rule.times or rule.state or rule.comment):
            return random_rules(rng)  # `Mo, We 10:00-12:00` is refused, for it does not mean what it seems to
        is_bare_time = render([following], rng)[:1].isdigit() and not following.years
        if following.separator == "," and is_bare_time and not (rule.state or rule.comment):
            return random_rules(rng)  # `Mo 08:00-12:00, 13:00-17:00` is one rule, not two
    return rules


def _random_rule(rng: random.Random, *, is_first: bool) -> RuleShape:
    shape = {
        "separator": ";" if is_first else rng.choices([";", ",", "||"], weights=[6, 3, 1])[0],
        "days": _random_days(rng),
        "times": _random_times(rng),
        "state": rng.choices(["", "off", "unknown", "open"], weights=[12, 3, 1, 1])[0],
        "comment": rng.choices(["", "PH off; ring", "by appointment"], weights=[12, 1, 1])[0],
        **_random_dates(rng),
    }
    if not is_first and rng.random() < 0.35:
        shape |= {
            "days": (("ph", 0),),
            "state": "off",
            "times": (),
            "years": None,
            "months": None,
            "dates": None,
            "weeks": None,
        }
    return RuleShape(**shape)


def _random_days(rng: random.Random) -> tuple[tuple, ...]:
    usual = [(), (("wd", 0, 4),), (("wd", 5, 6),), (("wd", 0, 6),), (("wd", 0, 5),), (("ph", 0),)]
    if rng.random() < 0.6:
        return rng.choice(usual)
    tokens: list[tuple] = []
    for _ in range(rng.randint(1, 3)):
        weekday = rng.randrange(7)
        number = rng.choice([(1,), (2,), (-1,), (1, 3), (5,)])
        tokens.append(
            rng.choices(
                [("wd", weekday, rng.randrange(7)), ("wd", weekday, weekday), ("ph", 0), ("ph", rng.choice([-1, 1])),
                 ("nth", weekday, number, rng.choice([0, 0, 1, -2])), ("sh",)],
                weights=[4, 4, 4, 1, 2, 0.3],
            )[0]
        )  # fmt: skip
    if any(token[0] == "nth" and token[3] for token in tokens):
        return tuple(tokens[:1])  # the library reads no list after `Mo[1] +1 day`
    # The syntax wants holidays before or after the weekdays, not among them.
    return tuple(sorted(tokens, key=lambda token: token[0] in ("ph", "sh"), reverse=rng.random() < 0.5))


def _random_times(rng: random.Random) -> tuple[Time, ...]:
    roll = rng.random()
    if roll < 0.15:
        return ()
    if roll < 0.5:
        return (Time(rng.choice([420, 480, 510, 540, 600]), rng.choice([990, 1050, 1080, 1200, 1320, 1440])),)
    if roll < 0.65:
        return (
            Time(rng.choice([480, 510]), 720),
            Time(rng.choice([780, 810]), rng.choice([1050, 1080, 1560])),
        )
    if roll < 0.85:
        start = rng.randrange(960, 1440, 30)
        return (Time(start, rng.choice([60, 120, 360, 1500, 1560, 1800]), rng.random() < 0.1),)
    return tuple(_odd_time(rng) for _ in range(rng.randint(1, 2)))


def _odd_time(rng: random.Random) -> Time:
    start = rng.randrange(0, 1440)
    if rng.random() < 0.2:
        return Time(start, None)
    end = rng.choice([rng.randrange(0, 1440), rng.randrange(1441, 2881)])
    return Time(start, end, rng.random() < 0.15)


def _random_dates(rng: random.Random) -> dict[str, object]:
    roll = rng.random()
    if roll < 0.75:
        return {}
    if roll < 0.83:
        return {"months": (rng.randint(1, 12), rng.randint(1, 12))}
    if roll < 0.92:
        first, last = ((rng.randint(1, 12), rng.randint(1, 28)) for _ in range(2))
        return {"dates": (first, last)} if first != last else {}
    if roll < 0.96:
        first = rng.randint(1, 40)
        return {"weeks": (first, rng.randint(first + 2, 53), rng.choice([1, 2]))}
    first_year = rng.randint(2024, 2027)
    return {"years": (first_year, first_year + rng.randint(0, 1))}


def random_instants(rng: random.Random, count: int) -> list[datetime]:
    """Half of them near a holiday, a make-up workday or a festival not announced; some on the minute, some between."""
    near = (
        rng.choice(PLACES) if rng.random() < 0.5 else date(2024, 1, 1) + timedelta(days=rng.randrange(1800))
    )
    first = near + timedelta(days=rng.randint(-12, 12))
    first = min(max(first, date(2024, 1, 2)), date(2028, 11, 30))
    return [_random_instant(rng, first) for _ in range(count)]


def _random_instant(rng: random.Random, first: date) -> datetime:
    day = first + timedelta(days=rng.randrange(4))
    minute = rng.choice([rng.randrange(1440), rng.randrange(0, 1440, 30)])
    return datetime(day.year, day.month, day.day) + timedelta(
        minutes=minute, seconds=rng.choice([0, 0, 1, 59])
    )
