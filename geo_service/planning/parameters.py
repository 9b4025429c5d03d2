"""
All that a planner sets, in one value: it travels with every result, and a result can be made again from it.

Prices and riders are examples (示例) until a planner sets them.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from geo_service.errors import InvalidInputError
from geo_service.planning.changes import MOST_CHANGES, Change, change_of
from geo_service.planning.demand import GROUPS, Group

FORMAT = "geo_service plan"
VERSION = 1


DEMAND_USES = ("instead", "besides")
"""What was brought as demand counts instead of what the map shows, or besides."""

MOST_METRES = 20_000.0
"""Longest way that can be asked for."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "15-minutes": {"profile": "walk", "minutes": 15.0, "metres": None, "stations": 1},
    "15-minutes-two": {"profile": "walk", "minutes": 15.0, "metres": None, "stations": 2},
    "1-km": {"profile": "walk", "minutes": 12.5, "metres": 1000.0, "stations": 1},
    "1-km-two": {"profile": "walk", "minutes": 12.5, "metres": 1000.0, "stations": 2},
}
"""What others ask for: a station, or a second one where the first is full, within 15 minutes on foot or within 1 km
along the streets; who walks that at 4.8 km/h takes 12.5 minutes, for which it must stay open."""


@dataclass(frozen=True)
class Prices:
    """
    What measures cost over the year that a planner counts in, yuan (示例).

    Parameters
    ----------
    site_yuan
        A new site.
    hour_yuan
        One more open hour a week, all year.
    service_yuan
        One more service at a place that stands.
    merchant_yuan
        A merchant who signs.
    gate_yuan
        A pass for a gate.
    """

    site_yuan: float = 60_000.0
    hour_yuan: float = 1_000.0
    service_yuan: float = 8_000.0
    merchant_yuan: float = 2_000.0
    gate_yuan: float = 1_000.0

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if not isinstance(value, (int, float)) or not 0 < value < 1e12:
                raise InvalidInputError(
                    f"prices: {one.name}={value!r}; give yuan above 0", parameter=one.name, value=value
                )


@dataclass(frozen=True)
class Need:
    """
    One thing that must be near and open.

    Parameters
    ----------
    layer
        Layer to look in.
    services
        Kinds of service that one place must offer together; the door if none.
    """

    layer: str
    services: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ":".join([self.layer, *self.services])


def parse_need(text: str) -> Need:
    """
    Read a need.

    Parameters
    ----------
    text
        A layer, and services after colons, such as ``"station:hot_water:toilet"``.

    Returns
    -------
    need
        What it says.

    Raises
    ------
    InvalidInputError
        If a part is empty.
    """
    layer, *services = text.split(":")
    if not layer or not all(services):
        raise InvalidInputError(
            f"need={text!r} has an empty part; write LAYER or LAYER:SERVICE", parameter="need", value=text
        )
    return Need(layer, tuple(services))


@dataclass(frozen=True)
class TrustRules:
    """
    When a gap in coverage may be missing data; no number here was measured anywhere (示例).

    Parameters
    ----------
    cell_m
        Width of the cells that are looked at, metres.
    sparse_share
        Streets are sparse where a cell has less than this share of the median of the district's cells.
    far_gap_m
        Demand is far from streets beyond this, metres.
    """

    cell_m: float = 250.0
    sparse_share: float = 0.5
    far_gap_m: float = 100.0

    def __post_init__(self) -> None:
        for name, least, most in (("cell_m", 50, 5000), ("sparse_share", 0, 1), ("far_gap_m", 0, 5000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
                raise InvalidInputError(
                    f"trust: {name}={value!r}; give a number in {least}..{most}", parameter=name, value=value
                )


def is_sha256(text: str) -> bool:
    """
    Whether a text is a SHA-256 in lower case.

    Parameters
    ----------
    text
        Any.

    Returns
    -------
    is_sha256
        True for 64 hexadecimal digits.
    """
    return bool(re.fullmatch(r"[0-9a-f]{64}", text))


@dataclass(frozen=True)
class DemandFile:
    """
    Demand that was brought, as a plan names it.

    Parameters
    ----------
    name
        Of the file, which lies beside the plan's own.
    sha256
        Of its bytes, 64 hexadecimal digits.
    use
        ``"instead"`` of what the map shows, or ``"besides"``.
    """

    name: str
    sha256: str
    use: str = "instead"

    def __post_init__(self) -> None:
        is_plain = 0 < len(self.name) <= 200 and self.name.isprintable() and not set(self.name) & set("/\\")
        if not is_plain or self.name.startswith("."):
            raise InvalidInputError(
                f"demand: name={self.name[:80]!r} is no plain name of a file",
                parameter="demand",
                value=self.name,
            )
        if not is_sha256(self.sha256):
            raise InvalidInputError(
                f"demand: sha256={self.sha256[:80]!r} is not 64 hexadecimal digits",
                parameter="demand",
                value=self.sha256,
            )
        if self.use not in DEMAND_USES:
            raise InvalidInputError(
                f"demand: use={self.use!r}; choose from {', '.join(DEMAND_USES)}",
                parameter="demand",
                value=self.use,
            )


@dataclass(frozen=True)
class Parameters:
    """
    What a planner asks for.

    Parameters
    ----------
    need
        What is planned.
    week
        A day of the week that is looked at.
    also
        What must be near and open besides, wherever it is; measures do not change it.
    profile
        ``"walk"`` or ``"ebike"``.
    minutes
        Longest time to a place, inclusive.
    accept
        States that count as open besides open and closing soon: ``"unknown"``, ``"stale"``.
    groups
        Who is out, when and where.
    prices
        What measures cost.
    site_hours
        Hours of a new site, OSM ``opening_hours``.
    changes
        What is tried: changes of what stands, counted as if they were made.
    stations
        How many open places must be near enough for demand to count as covered: 1, or 2 so that one may be full.
    metres
        Longest way to a place along the streets, the shortest one, inclusive; instead of the minutes, which then only
        say how long a place must stay open. None where minutes count.
    demand
        What was brought as demand; None where it is drawn from the map and the layers alone.
    trust
        When a gap may be missing data.
    """

    need: Need
    week: date
    also: tuple[Need, ...] = ()
    profile: str = "walk"
    minutes: float = 10.0
    accept: tuple[str, ...] = ()
    groups: tuple[Group, ...] = GROUPS
    prices: Prices = Prices()
    site_hours: str = "24/7"
    changes: tuple[Change, ...] = ()
    stations: int = 1
    metres: float | None = None
    demand: DemandFile | None = None
    trust: TrustRules = TrustRules()

    def __post_init__(self) -> None:
        if self.stations not in (1, 2):
            raise InvalidInputError(
                f"stations={self.stations!r}; give 1 or 2", parameter="stations", value=self.stations
            )
        if self.metres is not None and not 0 < self.metres <= MOST_METRES:
            raise InvalidInputError(
                f"metres={self.metres:g} is not above 0 and at most {MOST_METRES:g}",
                parameter="metres",
                value=self.metres,
            )

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; `parameters_of` reads them back."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "need": str(self.need),
            "also": [str(need) for need in self.also],
            "profile": self.profile,
            "minutes": self.minutes,
            "week": self.week.isoformat(),
            "accept": list(self.accept),
            "groups": [dataclasses.asdict(group) | {"shares": dict(group.shares)} for group in self.groups],
            "prices": dataclasses.asdict(self.prices),
            "site_hours": self.site_hours,
            "changes": [change.to_json() for change in self.changes],
            "stations": self.stations,
            "metres": self.metres,
            "demand": None if self.demand is None else dataclasses.asdict(self.demand),
            "trust": dataclasses.asdict(self.trust),
        }


_FIELDS = {one.name for one in dataclasses.fields(Parameters)} | {"format", "version"}


def parameters_of(values: Mapping[str, Any]) -> Parameters:
    """
    Read parameters that were written before.

    Parameters
    ----------
    values
        As `Parameters.to_json` gives them; what is left out is as by default.

    Returns
    -------
    parameters
        The same.

    Raises
    ------
    InvalidInputError
        If something is of another format, unknown, missing or makes no sense; named.
    """
    if (values.get("format"), values.get("version")) != (FORMAT, VERSION):
        raise InvalidInputError(
            f"not parameters of a plan: format {values.get('format')!r}, version {values.get('version')!r}; "
            f"expected {FORMAT!r}, {VERSION}",
            parameter="format",
            value=values.get("format"),
        )
    for name in values:
        if name not in _FIELDS:
            raise InvalidInputError(
                f"{name!r} is no parameter of a plan; allowed: {', '.join(sorted(_FIELDS))}",
                parameter=name,
                value=name,
            )
    try:
        return Parameters(
            need=parse_need(values["need"]),
            week=date.fromisoformat(values["week"]),
            also=tuple(parse_need(need) for need in values.get("also", ())),
            profile=str(values.get("profile", "walk")),
            minutes=float(values.get("minutes", 10.0)),
            accept=tuple(values.get("accept", ())),
            groups=tuple(_group(group) for group in values["groups"]) if "groups" in values else GROUPS,
            prices=Prices(**values.get("prices", {})),
            site_hours=str(values.get("site_hours", "24/7")),
            changes=_changes(values.get("changes", [])),
            stations=values.get("stations", 1),
            metres=None if values.get("metres") is None else float(values["metres"]),
            demand=None if values.get("demand") is None else DemandFile(**values["demand"]),
            trust=TrustRules(**values.get("trust", {})),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"parameters of the plan cannot be used: {error!r}", parameter="parameters", value=str(error)
        ) from error


def _changes(values: list[Any]) -> tuple[Change, ...]:
    if not isinstance(values, list) or len(values) > MOST_CHANGES:
        raise InvalidInputError(
            f"changes: give a list of at most {MOST_CHANGES}", parameter="changes", value=len(values)
        )
    return tuple(change_of(change) for change in values)


def _group(values: Mapping[str, Any]) -> Group:
    hours = {name: tuple(values[name]) for name in ("workday", "restday")}
    return Group(**{**values, **hours})
