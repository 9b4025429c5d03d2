"""district.toml: what a district says of itself."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from geo_service.districts.working_copy import write_atomically
from geo_service.errors import BadDataError, InvalidInputError
from geo_service.store.opening import is_url

RESERVED = ("api", "static", "healthz", "metrics")
"""Ids that the server's own pages use."""

_ID = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True)
class DistrictConfig:
    """
    What district.toml holds.

    Parameters
    ----------
    id
        Key of the district in every address, ``[a-z0-9-]{1,40}``.
    name_zh
        Name in Chinese.
    name_en
        Name in English.
    bbox
        West, south, east, north, WGS 84 degrees.
    centre
        Longitude, latitude of a street junction near the middle; the first list is made for it.
    boundary
        Outline as lon, lat pairs, closed; empty if unknown.
    synthetic
        Whether streets and places are made up.
    osm_date
        Date of the street data as its file tells it, or empty.
    source
        Where the streets came from: kind and name.
    map_approval
        Approval number of the map (审图号), printed on every map; empty if none.
    profiles
        Changes to the profile tables: profile → entry → value.
    categories
        Categories of layers that the district adds to the catalogue: key → zh, en, pin, colour, fields, is_area.
    services
        Kinds of service that it adds: kind → zh, en.
    store
        Where its layers are kept: ``postgresql://user@host/database``; empty for ``store.sqlite`` beside this file.
    providers
        Raster maps that its pages offer besides its own: ``tianditu`` with its ``key``, ``amap``; none by default.
    """

    id: str
    name_zh: str
    name_en: str
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    boundary: tuple[tuple[float, float], ...] = ()
    synthetic: bool = False
    osm_date: str = ""
    source: Mapping[str, str] = field(default_factory=dict)
    map_approval: str = ""
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    store: str = field(default="", repr=False)  # it may hold a password
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)  # keys


def check_id(text: str) -> str:
    """
    Pass a district id or refuse it.

    Parameters
    ----------
    text
        The id.

    Returns
    -------
    text
        The same.

    Raises
    ------
    InvalidInputError
        If it is reserved or of another form.
    """
    if not _ID.fullmatch(text) or text in RESERVED:
        raise InvalidInputError(
            f"id={text!r} is not a district id; allowed: 1 to 40 of a-z, 0-9 and '-', none of {', '.join(RESERVED)}. "
            "Choose one with --id",
            parameter="id",
            value=text,
        )
    return text


def write_config(config: DistrictConfig, path: Path, *, on: date) -> None:
    """
    Write district.toml.

    Parameters
    ----------
    config
        What to write.
    path
        File to write.
    on
        Day of making, written as a comment.
    """
    lines = [
        f"# A district of geo_service, made {on.isoformat()}. Edit by hand; strings are TOML.",
        f"id = {_toml(config.id)}",
        f"name_zh = {_toml(config.name_zh)}",
        f"name_en = {_toml(config.name_en)}",
        f"synthetic = {_toml(config.synthetic)}",
        "# West, south, east, north; the first list of a page is made for the centre.",
        f"bbox = {_toml(config.bbox)}",
        f"centre = {_toml(config.centre)}",
        f"boundary = {_toml(config.boundary)}",
        "# Approval number of the map (审图号), printed on every map.",
        f"map_approval = {_toml(config.map_approval)}",
        f"osm_date = {_toml(config.osm_date)}",
        *([f"store = {_toml(config.store)}"] if config.store else []),
        "",
        "[source]",
        *(f"{key} = {_toml(value)}" for key, value in config.source.items()),
        "",
        "# Below: changes to the profiles, as given to `init --profiles`; they are built into the network.",
    ]
    for table in ("profiles", "categories", "services", "providers"):
        for name, entries in getattr(config, table).items():
            lines += ["", f"[{table}.{name}]", *(f"{key} = {_toml(value)}" for key, value in entries.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_config(path: Path) -> DistrictConfig:
    """
    Read district.toml.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    config
        What it holds.

    Raises
    ------
    InvalidInputError
        If there is no such file, so the directory is no district.
    BadDataError
        If it is not TOML, or an entry is missing or of another type.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidInputError(
            f"{path.parent} is not a district: there is no {path.name} in it; make one with `geo-service init`",
            parameter="DIR",
            value=str(path.parent),
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataError(f"{path} cannot be read: {error}", path=str(path)) from error
    try:
        table = tomllib.loads(text)
        return _config(table)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BadDataError(f"{path}: {reason}; mend it by hand", path=str(path)) from error


def _config(table: Mapping[str, Any]) -> DistrictConfig:
    west, south, east, north = (float(v) for v in table["bbox"])
    lon, lat = (float(v) for v in table["centre"])
    return DistrictConfig(
        id=check_id(table["id"]),
        name_zh=str(table["name_zh"]),
        name_en=str(table["name_en"]),
        bbox=(west, south, east, north),
        centre=(lon, lat),
        boundary=tuple((float(x), float(y)) for x, y in table.get("boundary", ())),
        synthetic=bool(table.get("synthetic", False)),
        osm_date=str(table.get("osm_date", "")),
        source={key: str(value) for key, value in table.get("source", {}).items()},
        map_approval=str(table.get("map_approval", "")),
        profiles=table.get("profiles", {}),
        categories=table.get("categories", {}),
        services=table.get("services", {}),
        store=_store(table.get("store", "")),
        providers=_providers(table.get("providers", {})),
    )


PROVIDERS: Mapping[str, frozenset[str]] = {"tianditu": frozenset({"key"}), "amap": frozenset()}
"""Raster maps by name, and the entries each needs."""


def _providers(given: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    for name, entries in given.items():
        if name not in PROVIDERS or set(entries) != PROVIDERS[name]:
            wanted = "; ".join(f"[providers.{n}] {' '.join(sorted(e))}".strip() for n, e in PROVIDERS.items())
            raise ValueError(f"[providers.{name}] is not one of: {wanted}")
        if not all(isinstance(v, str) and re.fullmatch(r"[A-Za-z0-9]{1,64}", v) for v in entries.values()):
            raise ValueError(
                f"[providers.{name}]: a key is 1 to 64 letters and digits"
            )  # which is not repeated
    return given


def _store(given: object) -> str:
    if not isinstance(given, str) or (given and not is_url(given)):
        raise ValueError("store is not a URL postgresql://user@host/database")  # which is not repeated
    return given


def name_store(path: Path, url: str) -> None:
    """
    Write into district.toml where the store is, and leave all else as somebody wrote it.

    Parameters
    ----------
    path
        The file.
    url
        URL of a database, or empty for ``store.sqlite``.

    Raises
    ------
    BadDataError
        If the file cannot be read.
    """
    read_config(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    head = next((number for number, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    kept = [line for line in lines[:head] if not re.match(r"\s*store\s*=", line)]
    while kept and not kept[-1].strip():
        kept.pop()
    wanted = [f"store = {_toml(url)}"] if url else []
    write_atomically(path, ("\n".join([*kept, *wanted, "", *lines[head:]]).rstrip() + "\n").encode())


def _toml(value: object) -> str:
    """A JSON string, number, boolean or array is also a TOML one; a table is written inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(entry)}" for key, entry in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
