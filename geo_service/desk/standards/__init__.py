"""
Standards for stations as data files, and what each station lacks of them.

A rule is fulfilled, lacking, or unknown: where nobody wrote down how many seats there are, none is
claimed to be missing. Each rule names how far its source is to be trusted.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from geo_service.errors import InvalidInputError
from geo_service.layers import Place

Verdict = Literal["met", "lacking", "unknown"]
SHOWN = "listed"
"""Status of a listing which says that the vendor's map shows the place."""


@dataclass(frozen=True)
class Rule:
    """
    One requirement; exactly one of the last three fields says how it is tested.

    Parameters
    ----------
    id
        Key within its standard.
    zh
        In Chinese.
    en
        In English.
    trust
        How far the source carries: ``"news"``, ``"repost"`` or ``"abstract"``.
    only_class
        Classes of station that it concerns; all, if empty.
    any_service
        One of these services must be on offer.
    least
        Field and the least number it must hold.
    listed
        Some map vendor must show the place.
    """

    id: str
    zh: str
    en: str
    trust: str
    only_class: tuple[str, ...] = ()
    any_service: tuple[str, ...] = ()
    least: tuple[str, float] | None = None
    listed: bool = False


@dataclass(frozen=True)
class Standard:
    """Requirements with their source; ``layers`` are the layers that it concerns."""

    id: str
    zh: str
    en: str
    source: str
    trust: str
    layers: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Judged:
    """A place, and the verdict on each rule that concerns it, in the standard's order."""

    place: Place
    verdicts: Mapping[str, Verdict]

    def ids(self, verdict: Verdict) -> tuple[str, ...]:
        """Rules with that verdict."""
        return tuple(rule for rule, found in self.verdicts.items() if found == verdict)


@cache
def standards() -> Mapping[str, Standard]:
    """
    All standards that ship with the package.

    Returns
    -------
    standards
        By id, sorted.
    """
    files = sorted(
        (file for file in resources.files(__package__).iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    read = [parse_standard(file.read_text(encoding="utf-8")) for file in files]
    return {standard.id: standard for standard in read}


def find_standard(name: str) -> Standard:
    """
    Find a standard by its id.

    Parameters
    ----------
    name
        Its id.

    Returns
    -------
    standard
        The standard.

    Raises
    ------
    InvalidInputError
        If there is none of that name.
    """
    if name not in standards():
        raise InvalidInputError(
            f"standard={name[:60]!r} is unknown; there are {', '.join(standards())}",
            parameter="standard",
            value=name[:60],
        )
    return standards()[name]


def parse_standard(text: str) -> Standard:
    """
    Read a standard from TOML.

    Parameters
    ----------
    text
        A table ``standard`` and an array ``rules``; see the files beside this one.

    Returns
    -------
    standard
        Its requirements.

    Raises
    ------
    InvalidInputError
        If it is no TOML, a key is missing or unknown, or a rule has not exactly one test.
    """
    try:
        document = tomllib.loads(text)
        head, rules = document["standard"], tuple(_rule(table) for table in document["rules"])
        return Standard(**(head | {"layers": tuple(head["layers"]), "rules": rules}))
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise InvalidInputError(f"not a standard: {error}", parameter="standard") from error


def _rule(table: Mapping[str, Any]) -> Rule:
    values = dict(table)
    least = values.get("least")
    for name in ("only_class", "any_service"):
        values[name] = tuple(values.get(name, ()))
    values["least"] = (str(least["field"]), float(least["value"])) if least else None
    rule = Rule(**values)
    if sum((bool(rule.any_service), rule.least is not None, rule.listed)) != 1:
        raise InvalidInputError(
            f"rule {rule.id!r} needs exactly one of any_service, least, listed",
            parameter="rules",
            value=rule.id,
        )
    return rule


def judge(standard: Standard, places: Iterable[Place]) -> tuple[Judged, ...]:
    """
    Hold places to a standard.

    Parameters
    ----------
    standard
        The standard.
    places
        Places; those of layers that it does not concern are left out.

    Returns
    -------
    judged
        One per place, in the order given.
    """
    return tuple(
        Judged(place, {rule.id: _verdict(rule, place) for rule in standard.rules if _concerns(rule, place)})
        for place in places
        if place.layer in standard.layers
    )


def _concerns(rule: Rule, place: Place) -> bool:
    return not rule.only_class or place.class_ in rule.only_class


def _verdict(rule: Rule, place: Place) -> Verdict:
    if rule.any_service:
        return _has_service(rule, place)
    if rule.least is not None:
        name, least = rule.least
        value = getattr(place, name)
        return "unknown" if value is None else "met" if value >= least else "lacking"
    if not place.listing:
        return "unknown"
    return "met" if any(listing.status == SHOWN for listing in place.listing) else "lacking"


def _has_service(rule: Rule, place: Place) -> Verdict:
    """A list of services says what is there; without any, and without a check of them, nothing is known."""
    if any(service.kind in rule.any_service for service in place.services):
        return "met"
    is_known = bool(place.services) or place.provenance.checked_on("services") is not None
    return "lacking" if is_known else "unknown"
