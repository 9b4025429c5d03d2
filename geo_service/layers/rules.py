"""
What each field may hold, as a table: one rule per field, each with the sentence a refusal prints.

A rule checks a JSON value and notes what is wrong, loads a checked value into the place model, and
dumps it back. Nothing here knows files or layers.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from geo_service.errors import InvalidInputError
from geo_service.hours import check_hours
from geo_service.layers.catalogue import Catalogue
from geo_service.layers.model import Access, Checked, Inspection, Listing, Power, Provenance, Service

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
ID_RULE = "an id is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit"
DECIMALS = 7  # 1 cm: finer than any survey of ours, and what RFC 7946 calls enough

_TOKEN = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Control characters break tables and terminals; bidirectional overrides make a name read as another.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
_DIGIT = "[0-9０-９零〇一二三四五六七八九]"
_CODE_WORD = (
    "密码|密碼|口令|门禁码|门禁|门锁码|开门码|开锁码|锁码|验证码"
    "|(?<![a-z])(?:passcode|password|door ?code|code|pin)(?![a-z])"
)
# Four to eight digits, spelled out in any way, that are neither a date nor part of a longer number.
_CODE = re.compile(
    rf"(?:{_CODE_WORD})[^0-9０-９零〇一二三四五六七八九]{{0,8}}(?!20\d\d[-/.年])"
    rf"(?:{_DIGIT}[ \-_.]?){{4,8}}(?![ \-:：]?{_DIGIT})"
    rf"|[#＃*]\s*{_DIGIT}{{4,8}}(?!{_DIGIT})|(?<!{_DIGIT}){_DIGIT}{{4,8}}\s*[#＃]",
    re.IGNORECASE,
)
# Fields nobody should send us: what they hold is not repeated either.
_SECRET_FIELD = re.compile(
    r"密码|密碼|口令|门禁码|pass(?:code|word)|door_?code|pin_?code|(?:^|\.)(?:code|pin)$", re.IGNORECASE
)


class Finding(NamedTuple):
    """One refused value: where it stands, what it is, and the rule it breaks."""

    feature: str
    field: str
    value: object
    rule: str


class Report:
    """
    Findings about one feature, with the catalogue they are judged by.

    Parameters
    ----------
    feature
        Id of the feature, or its position in the file.
    catalogue
        Knows the kinds of service.
    """

    def __init__(self, feature: str, catalogue: Catalogue) -> None:
        self.feature = feature
        self.catalogue = catalogue
        self.findings: list[Finding] = []

    def add(self, field: str, value: object, rule: str) -> None:
        """Note a refused value; the digits of a secret are not repeated."""
        said = shown(value)
        if _SECRET_FIELD.search(field):
            said = re.sub(_DIGIT, "*", str(said))
        self.findings.append(Finding(self.feature, field, said, rule))


def shown(value: object) -> object:
    """
    Shorten a refused value so that it fits a message and cannot break it.

    Parameters
    ----------
    value
        Any JSON value.

    Returns
    -------
    shown
        The value itself if it is short and plain, or a text of at most 80 characters.
    """
    if value is None or isinstance(value, bool | float):
        return value if not isinstance(value, float) or math.isfinite(value) else repr(value)
    if isinstance(value, int):
        return value if abs(value) < 2**53 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, str):
        return _UNPRINTABLE.sub(
            "\N{REPLACEMENT CHARACTER}", value if len(value) <= 80 else value[:77] + "..."
        )
    if isinstance(value, Mapping):
        return f"an object of {len(value)} members"
    return f"an array of {len(value)} values" if isinstance(value, list | tuple) else type(value).__name__


class Rule(Protocol):
    """What a field may hold."""

    @property
    def text(self) -> str:
        """The sentence a refusal prints."""

    def check(self, value: Any, at: str, report: Report) -> None:
        """Note every fault of a JSON value that stands at a place of the feature."""

    def load(self, value: Any) -> Any:
        """Turn a checked JSON value into one of the place model."""

    def dump(self, value: Any) -> Any:
        """Turn a value of the place model into JSON."""


class _Plain:
    """Rules whose JSON value is the value itself."""

    def load(self, value: Any) -> Any:
        return value

    def dump(self, value: Any) -> Any:
        return value


@dataclass(frozen=True)
class _Text(_Plain):
    """One line of text."""

    longest: int
    pattern: re.Pattern[str] | None = None
    what: str = ""

    @property
    def text(self) -> str:
        return (
            self.what
            or f"must be text of 1 to {self.longest} characters on one line, without control characters"
        )

    def check(self, value: Any, at: str, report: Report) -> None:
        is_line = isinstance(value, str) and 1 <= len(value) <= self.longest and bool(value.strip())
        if not is_line or _UNPRINTABLE.search(value) or (self.pattern and not self.pattern.fullmatch(value)):
            report.add(at, value, self.text)


@dataclass(frozen=True)
class _Note(_Plain):
    """One line of text that must not give a door code away."""

    longest: int = 500

    @property
    def text(self) -> str:
        return "looks like a door code, which is never stored; say whom to ask instead"

    def check(self, value: Any, at: str, report: Report) -> None:
        if isinstance(value, str) and _CODE.search(value):
            report.add(at, re.sub(_DIGIT, "*", value), self.text)  # not even the refusal repeats it
        else:
            _Text(self.longest).check(value, at, report)


@dataclass(frozen=True)
class _Number:
    """A finite number within limits; whole ones stay whole."""

    lowest: float
    highest: float
    is_whole: bool = False
    may_be_flag: bool = False

    @property
    def text(self) -> str:
        kind = "a whole number" if self.is_whole else "a number"
        return (
            f"must be {'true, false or ' * self.may_be_flag}{kind} within {self.lowest:g}..{self.highest:g}"
        )

    def check(self, value: Any, at: str, report: Report) -> None:
        if isinstance(value, bool):
            fits = self.may_be_flag
        elif isinstance(value, int | float):
            fits = self.lowest <= value <= self.highest and not (self.is_whole and value != int(value))
        else:
            fits = False
        if not fits:
            report.add(at, value, self.text)

    def load(self, value: Any) -> Any:
        return value if isinstance(value, bool) else int(value) if self.is_whole else float(value)

    def dump(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True)
class _Day:
    """A calendar day."""

    @property
    def text(self) -> str:
        return "must be a day as YYYY-MM-DD, from 1990 to 2199"

    def check(self, value: Any, at: str, report: Report) -> None:
        if (
            not isinstance(value, str)
            or not _DAY.fullmatch(value)
            or not "1990" <= value < "2200"
            or not _is_day(value)
        ):
            report.add(at, value, self.text)

    def load(self, value: Any) -> Any:
        return date.fromisoformat(value)

    def dump(self, value: Any) -> Any:
        return value.isoformat()


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class _OneOf(_Plain):
    """One word of a list."""

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"must be one of {', '.join(self.words)}"

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, str) or value not in self.words:
            report.add(at, value, self.text)


@dataclass(frozen=True)
class _ServiceKind(_Plain):
    """A kind of service the catalogue knows."""

    @property
    def text(self) -> str:
        return "is no kind of service of the catalogue; correct it, or add it to services of the district's catalogue"

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, str) or value not in report.catalogue.services:
            report.add(at, value, self.text)


@dataclass(frozen=True)
class _Hours(_Plain):
    """OSM opening hours."""

    @property
    def text(self) -> str:
        return "must be OSM opening_hours text, for example 'Mo-Fr 08:00-20:00' or '24/7'"

    def check(self, value: Any, at: str, report: Report) -> None:
        before = len(report.findings)
        _Text(500).check(value, at, report)
        if len(report.findings) == before and (fault := _hours_fault(value)):
            report.add(at, value, f"{self.text} ({fault})")


@lru_cache(maxsize=10_000)
def _hours_fault(text: str) -> str:
    """Say what is wrong with opening hours; a layer repeats the same few texts."""
    try:
        check_hours(text)
    except InvalidInputError as error:
        return error.message
    return ""


@dataclass(frozen=True)
class _Position:
    """Longitude and latitude."""

    @property
    def text(self) -> str:
        return "must be [lon, lat] in degrees, WGS 84, lon within -180..180 and lat within -90..90"

    def check(self, value: Any, at: str, report: Report) -> None:
        if fault := position_fault(value):
            report.add(at, value if not isinstance(value, list) else str(shown(str(value))), fault)

    def load(self, value: Any) -> Any:
        return (rounded(value[0]), rounded(value[1]))

    def dump(self, value: Any) -> Any:
        return [rounded(value[0]), rounded(value[1])]


def rounded(degrees: float) -> float:
    """
    Round a coordinate to what is stored.

    Parameters
    ----------
    degrees
        Longitude or latitude.

    Returns
    -------
    degrees
        With at most seven decimals and no negative zero.
    """
    return round(float(degrees), DECIMALS) + 0.0


def _is_degree(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e6 < value < 1e6


def position_fault(value: object) -> str:
    """
    Say what is wrong with a GeoJSON position.

    Parameters
    ----------
    value
        Any JSON value.

    Returns
    -------
    fault
        The rule it breaks, with the remedy; empty if none.
    """
    rule = _Position().text
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_degree, value)):
        return f"{rule}; two finite numbers, without height"
    lon, lat = value
    if abs(lon) <= 180 and abs(lat) <= 90:
        return ""
    return f"{rule}; were lon and lat swapped?" if abs(lat) <= 180 and abs(lon) <= 90 else rule


@dataclass(frozen=True)
class _ListOf:
    """A list of values under one rule."""

    rule: Rule
    most: int

    @property
    def text(self) -> str:
        return f"must be a list of at most {self.most} values"

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, list) or len(value) > self.most:
            report.add(at, value, self.text)
            return
        for index, item in enumerate(value):
            self.rule.check(item, f"{at}[{index}]", report)

    def load(self, value: Any) -> Any:
        return tuple(map(self.rule.load, value))

    def dump(self, value: Any) -> Any:
        return list(map(self.rule.dump, value))


@dataclass(frozen=True)
class _TableOf:
    """An object with free keys under one rule, and all values under another."""

    key: Rule
    rule: Rule
    most: int

    @property
    def text(self) -> str:
        return f"must be an object of at most {self.most} members"

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, dict) or len(value) > self.most:
            report.add(at, value, self.text)
            return
        for key, item in value.items():
            self.key.check(key, f"{at}.{shown(key)}", report)
            self.rule.check(item, f"{at}.{shown(key)}", report)

    def load(self, value: Any) -> Any:
        return {key: self.rule.load(item) for key, item in sorted(value.items())}

    def dump(self, value: Any) -> Any:
        return {key: self.rule.dump(item) for key, item in sorted(value.items())}


@dataclass(frozen=True)
class _Record:
    """An object with named members, loaded into a dataclass or kept as a mapping."""

    members: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    make: Callable[..., Any] = dict

    @property
    def text(self) -> str:
        return f"must be an object with {', '.join(self.members)}"

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(at, value, self.text)
            return
        for name in self.required:
            if value.get(name) is None:
                report.add(f"{at}.{name}", None, "is required")
        for name, item in value.items():
            if name not in self.members:
                report.add(
                    f"{at}.{shown(name)}", item, f"is not known here; allowed are {', '.join(self.members)}"
                )
            elif item is not None:
                self.members[name].check(item, f"{at}.{name}", report)
        check_days(value, at, "valid_from", "valid_until", report)

    def load(self, value: Any) -> Any:
        return self.make(
            **{
                name: rule.load(value[name])
                for name, rule in self.members.items()
                if value.get(name) is not None
            }
        )

    def dump(self, value: Any) -> Any:
        held = (
            value
            if isinstance(value, Mapping)
            else {field.name: getattr(value, field.name) for field in fields(value)}
        )
        return {
            name: rule.dump(held[name]) for name, rule in self.members.items() if _is_present(held.get(name))
        }


def _is_present(value: object) -> bool:
    return value is not None and value not in ("", ()) and value != {}


def check_days(value: Mapping[str, Any], at: str, first: str, last: str, report: Report) -> None:
    """
    Note a span of days that ends before it begins.

    Parameters
    ----------
    value
        The object that may hold both days, as checked texts.
    at
        Where the object stands; empty for the properties themselves.
    first
        Name of the first day.
    last
        Name of the last day.
    report
        Takes the finding.
    """
    begin, end = value.get(first), value.get(last)
    if isinstance(begin, str) and isinstance(end, str) and end < begin:
        report.add(f"{at}.{last}" if at else last, end, f"must not be before {first} ({shown(begin)})")


_WORD = _Text(80)
_KEY = _Text(40, _TOKEN, "must be a word of a-z 0-9 _ that starts with a letter, at most 40 characters")
_PHONE = re.compile(r"[0-9+()（）\- ,;/.#*xX转~]{3,80}", re.ASCII)
_PHOTO = re.compile(r"[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*", re.ASCII)
_OSM = re.compile(r"(?:node|way|relation)/[1-9][0-9]{0,18}", re.ASCII)
_FOREIGN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_FOREIGN_ID = _Text(64, _FOREIGN, "must be 1 to 64 of A-Z a-z 0-9 _ -")

_SERVICE = _Record(
    {
        "kind": _ServiceKind(),
        "hours": _Hours(),
        "note": _Note(),
        "price": _WORD,
        "valid_from": _Day(),
        "valid_until": _Day(),
    },
    ("kind",),
    Service,
)
_ACCESS = _Record(
    {"method": _OneOf(("open", "code", "qr", "staff", "gate")), "hours": _Hours(), "note": _Note()},
    ("method",),
    Access,
)
_POWER = _Record(
    {
        "operator": _WORD,
        "plan": _WORD,
        "voltage_v": _ListOf(_Number(1, 1000, is_whole=True), 20),
        "slots": _Number(0, 10_000, is_whole=True),
    },
    (),
    Power,
)
_INSPECTION = _Record(
    {"body": _WORD, "date": _Day(), "result": _Note(200)}, ("body", "date", "result"), Inspection
)
_LISTING = _Record({"vendor": _KEY, "status": _KEY, "checked_on": _Day()}, ("vendor", "status"), Listing)

_FACTS: Mapping[str, Rule] = {
    "name": _Text(200),
    "arrival": _Position(),
    "address": _Text(300),
    "phone": _Text(80, _PHONE, "must be 3 to 80 of 0-9 + ( ) - space , ; / . # * x 转"),
    "network": _WORD,
    "host_type": _WORD,
    "operator": _Text(200),
    "class": _OneOf(("standard", "below", "micro", "mobile")),
    "station_code": _Text(64),
    "area_m2": _Number(0, 1_000_000),
    "seats": _Number(0, 100_000, is_whole=True),
    "headcount": _Number(0, 1_000_000, is_whole=True),
    "hours": _Hours(),
    "services": _ListOf(_SERVICE, 100),
    "access": _ListOf(_ACCESS, 20),
    "ebike_parking": _Number(0, 100_000, is_whole=True, may_be_flag=True),
    "power": _POWER,
    "open_to": _ListOf(_KEY, 20),
    "photos": _ListOf(
        _Text(200, _PHOTO, "must be a file name of ours: letters, digits, _ - . /, without .."), 50
    ),
    "inspection": _INSPECTION,
    "listing": _ListOf(_LISTING, 20),
    "external_ids": _Record(
        {
            "amap_poiid": _FOREIGN_ID,
            "baidu_uid": _FOREIGN_ID,
            "tencent_uid": _FOREIGN_ID,
            "osm": _Text(30, _OSM, "must be node/…, way/… or relation/… with the number"),
        }
    ),
    "status": _OneOf(("active", "paused", "removed")),
    "status_reason": _Note(),
    "status_from": _Day(),
    "status_until": _Day(),
}

CHECK_KINDS = ("existence", "position", "contact", "cabinet", *_FACTS)
"""Kinds of fact with a check date of their own: a field's name, or one of the first four; ``cabinet`` is its state."""

_CHECKED = _TableOf(
    _OneOf(CHECK_KINDS), _Record({"on": _Day(), "role": _KEY}, ("on", "role"), Checked), len(CHECK_KINDS)
)
FIELDS: Mapping[str, Rule] = {
    **_FACTS,
    "provenance": _Record({"source": _Text(200), "licence": _Text(100), "checked": _CHECKED}, (), Provenance),
}
"""The rule of every field the place model knows, in the order in which they are written."""


@dataclass(frozen=True)
class _Extra:
    """A value of a field the district added: free, but flat."""

    @property
    def text(self) -> str:
        return "must be text of 1 to 500 characters on one line, a finite number, true, false or a list of such texts"

    def check(self, value: Any, at: str, report: Report) -> None:
        if isinstance(value, str):
            _Note().check(value, at, report)
        elif isinstance(value, list):
            _ListOf(_Note(), 100).check(value, at, report)
        elif not isinstance(value, bool | int | float) or not -(2**53) < value < 2**53:
            report.add(at, value, self.text)

    def load(self, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def dump(self, value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value


EXTRA = _Extra()
