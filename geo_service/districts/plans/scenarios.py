"""
Scenarios of a district: parameters of a plan with a name, kept as files beside the district's data.

One file each, written whole or not at all. It holds the parameter file itself, so that it can be taken out and given to
``--parameters``; numbers are not kept: they are worked out from the data as it is when somebody looks.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from geo_service.districts.district import District
from geo_service.districts.working_copy import write_atomically
from geo_service.errors import BadDataError, InvalidInputError, NotFoundError
from geo_service.planning.parameters import Parameters, parameters_of

MOST_SCENARIOS = 200
"""Scenarios that one district keeps."""

MOST_BYTES = 64_000
"""Of one file."""

FORMAT = "geo_service scenario"
_ID = re.compile(r"[0-9a-f]{12}")


class Scenario(NamedTuple):
    """
    A plan with a name.

    Parameters
    ----------
    id
        Part of its address.
    name
        What its author called it.
    author
        Account that saved it.
    at
        When, aware.
    parameters
        What is planned, changes included.
    """

    id: str
    name: str
    author: str
    at: datetime
    parameters: Parameters


def save_scenario(
    district: District, name: str, author: str, at: datetime, parameters: Parameters
) -> Scenario:
    """
    Keep a scenario.

    Parameters
    ----------
    district
        Whose.
    name
        1 to 80 printable characters.
    author
        Account.
    at
        Now, aware.
    parameters
        What is planned.

    Returns
    -------
    scenario
        With its id.

    Raises
    ------
    InvalidInputError
        If the name will not do, there are too many already, or it is too large.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise InvalidInputError(
            "name of the scenario: 1 to 80 printable characters", parameter="name", value=name[:80]
        )
    folder = _folder(district)
    folder.mkdir(exist_ok=True)
    if len(list(folder.glob("*.json"))) >= MOST_SCENARIOS:
        raise InvalidInputError(
            f"there are {MOST_SCENARIOS} scenarios already; remove some first", parameter="name", value=name
        )
    scenario = Scenario(secrets.token_hex(6), name, author, at, parameters)
    data = orjson.dumps(_to_json(scenario), option=orjson.OPT_INDENT_2)
    if len(data) > MOST_BYTES:
        raise InvalidInputError(
            f"the scenario takes {len(data)} bytes, at most {MOST_BYTES} are kept",
            parameter="parameters",
            value=None,
        )
    write_atomically(folder / f"{scenario.id}.json", data + b"\n")
    return scenario


def find_scenario(district: District, scenario_id: str) -> Scenario:
    """
    Find a scenario.

    Parameters
    ----------
    district
        Whose.
    scenario_id
        From the address.

    Returns
    -------
    scenario
        As it was saved.

    Raises
    ------
    NotFoundError
        If there is none.
    BadDataError
        If its file was damaged.
    """
    path = _folder(district) / f"{scenario_id}.json"
    if not _ID.fullmatch(scenario_id) or not path.is_file():
        raise NotFoundError(
            f"there is no scenario {scenario_id[:40]!r}; it may have been removed",
            parameter="scenario",
            value=scenario_id[:40],
        )
    return _read(path)


def list_scenarios(district: District) -> list[Scenario]:
    """
    List what is kept.

    Parameters
    ----------
    district
        Whose.

    Returns
    -------
    scenarios
        Newest first; a damaged file is left out.
    """
    found = []
    for path in _folder(district).glob("*.json"):
        try:
            found.append(_read(path))
        except BadDataError:
            continue
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


def remove_scenario(district: District, scenario_id: str) -> None:
    """
    Remove a scenario.

    Parameters
    ----------
    district
        Whose.
    scenario_id
        Which.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    scenario = find_scenario(district, scenario_id)
    (_folder(district) / f"{scenario.id}.json").unlink(missing_ok=True)


def _folder(district: District) -> Path:
    return district.directory / "scenarios"


def _to_json(scenario: Scenario) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": 1,
        "id": scenario.id,
        "name": scenario.name,
        "author": scenario.author,
        "at": scenario.at.isoformat(),
        "parameters": scenario.parameters.to_json(),
    }


def _read(path: Path) -> Scenario:
    try:
        held: Mapping[str, Any] = orjson.loads(path.read_bytes())
        at = datetime.fromisoformat(held["at"])
        return Scenario(
            path.stem, str(held["name"]), str(held["author"]), at, parameters_of(held["parameters"])
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadDataError(
            f"scenario {path.stem} is damaged: {type(error).__name__}; remove its file"
        ) from error
