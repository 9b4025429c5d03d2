"""
What a planner tries on the map before anything is decided: a site comes, hours change, a place closes.

A list of changes travels with the parameters of a plan, so that a trial can be named, shared and made again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo_service.errors import InvalidInputError
from geo_service.layers import Place

DEEDS = ("site", "hours", "close")
"""A new site at a point, other hours for a place that stands, a place that closes."""

MOST_CHANGES = 50
"""Changes that one trial may hold."""


@dataclass(frozen=True)
class Change:
    """
    One change of what stands.

    Parameters
    ----------
    do
        One of `DEEDS`.
    place
        Id of the place that changes; empty for a new site.
    hours
        OSM ``opening_hours`` from then on; empty where a place closes, and for a new site with the plan's own.
    lon, lat
        Of a new site, WGS 84 degrees; None otherwise.
    name
        What to call a new site.
    """

    do: str
    place: str = ""
    hours: str = ""
    lon: float | None = None
    lat: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.do not in DEEDS:
            raise InvalidInputError(
                f"change {self.do!r} is unknown; choose from {', '.join(DEEDS)}",
                parameter="do",
                value=self.do,
            )
        for key, text, most in (
            ("place", self.place, 80),
            ("hours", self.hours, 400),
            ("name", self.name, 80),
        ):
            if not isinstance(text, str) or len(text) > most or not text.isprintable():
                raise InvalidInputError(
                    f"change {self.do!r}: {key} is a printable text of at most {most} characters",
                    parameter=key,
                    value=str(text)[:80],
                )
        self._check_subject()

    def _check_subject(self) -> None:
        if self.do == "site":
            _check_degrees("lon", self.lon, 180.0)
            _check_degrees("lat", self.lat, 90.0)
        elif not self.place:
            raise InvalidInputError(
                f"change {self.do!r} names no place; give its id", parameter="place", value=""
            )
        if self.do == "hours" and not self.hours:
            raise InvalidInputError(
                f"change of hours of {self.place} names no hours; give opening_hours, or close it",
                parameter="hours",
                value="",
            )

    def to_json(self) -> dict[str, Any]:
        """What differs from the defaults; `change_of` reads it back."""
        return {key: value for key, value in vars(self).items() if value not in ("", None)}


def _check_degrees(name: str, value: float | None, most: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value or 0.0) or abs(value or 0.0) > most:
        raise InvalidInputError(
            f"a new site has {name}={value!r}; give degrees in -{most:g}..{most:g}",
            parameter=name,
            value=value,
        )


def change_of(values: Mapping[str, Any]) -> Change:
    """
    Read a change.

    Parameters
    ----------
    values
        As `Change.to_json` gives it.

    Returns
    -------
    change
        The same.

    Raises
    ------
    InvalidInputError
        If it names something unknown or lacks what it needs.
    """
    if not isinstance(values, Mapping) or not set(values) <= set(Change.__dataclass_fields__):
        raise InvalidInputError(
            f"a change is an object of {', '.join(Change.__dataclass_fields__)}",
            parameter="changes",
            value=None,
        )
    if "do" not in values:
        raise InvalidInputError(f"a change lacks do: {', '.join(DEEDS)}", parameter="do", value=None)
    return Change(**values)


def changed_rows(places: Sequence[Place], changes: Sequence[Change]) -> list[int]:
    """
    Which places changes are about.

    Parameters
    ----------
    places
        Those that stand.
    changes
        What is tried.

    Returns
    -------
    rows
        One for each change; -1 for a new site.

    Raises
    ------
    InvalidInputError
        If there is no such place.
    """
    known = {place.id: row for row, place in enumerate(places)}
    for change in changes:
        if change.do != "site" and change.place not in known:
            raise InvalidInputError(
                f"change {change.do!r}: no place {change.place!r} meets this need; take the change out",
                parameter="changes",
                value=change.place,
            )
    return [-1 if change.do == "site" else known[change.place] for change in changes]


def new_places(changes: Sequence[Change], layer: str, hours: str) -> list[Place]:
    """
    New sites among changes, as places.

    Parameters
    ----------
    changes
        What is tried.
    layer
        Layer of the need.
    hours
        Hours of a new site whose change does not say them.

    Returns
    -------
    places
        With ids ``new:1``, ``new:2``, in their order.
    """
    sites = [change for change in changes if change.do == "site"]
    return [
        Place(
            f"new:{number}", layer, float(change.lon or 0.0), float(change.lat or 0.0),
            change.name.strip() or f"新站 {number}", hours=change.hours or hours,
        )
        for number, change in enumerate(sites, 1)
    ]  # fmt: skip
