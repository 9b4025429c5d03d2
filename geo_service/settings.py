"""
The environment, read once into one frozen value, and the folders that travel with the package.

Every setting is a field of `Settings`; field ``port`` is read from ``GEO_SERVICE_PORT``. What each
one is for stands in ``docs/guide/settings.md``. Only the doors and ``districts`` read settings;
everything below takes arguments.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from geo_service.errors import BadDataError, InvalidInputError

PREFIX = "GEO_SERVICE_"

Language = Literal["zh", "en"]
LogLevel = Literal["debug", "info", "warning", "error"]
Resource = Literal["templates", "data/geojson"]


@dataclass(frozen=True)
class Settings:
    """
    What one running service was told from outside.

    Parameters
    ----------
    host
        Address `serve` listens on.
    port
        Port `serve` listens on, 1 to 65535.
    trusted_hosts
        Host names a request may carry, empty if any is served.
    language
        Language of a page whose reader asked for none.
    log_level
        The least severe message that is logged.
    app_name
        Name this service gives itself in links into map apps.
    baidu_src
        The ``company.app`` that Baidu asks for; links send it behind ``andr.``, ``ios.`` or ``webapp.``.
    tencent_key
        Developer key for links into Tencent's app; without one those links are left out.
    wechat_app_id
        Account whose pages may call WeChat's script; without one its payload is left out.
    public_url
        Address under which riders reach this service, for printed codes; without one that of the request.
    overpass_url
        Overpass API that `init --place` reads streets from.
    nominatim_url
        Nominatim that `init --place` looks a place's name up in.
    hours_age_days
        Opening hours checked longer ago than this are stale, days.
    existence_age_days
        That a place exists must have been confirmed within this, days.
    cabinet_age_days
        State of a charging or swap cabinet is stale after this, days.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    trusted_hosts: tuple[str, ...] = ()
    language: Language = "zh"
    log_level: LogLevel = "info"
    app_name: str = "friendmap"
    baidu_src: str = "org.friendmap"
    tencent_key: str | None = None
    wechat_app_id: str | None = None
    public_url: str | None = None
    overpass_url: str = "https://overpass-api.de/api"
    nominatim_url: str = "https://nominatim.openstreetmap.org/"
    hours_age_days: int = 60
    existence_age_days: int = 180
    cabinet_age_days: int = 1


def variable_of(field_name: str) -> str:
    """
    Environment variable of a field of `Settings`.

    Parameters
    ----------
    field_name
        Name of the field.

    Returns
    -------
    variable
        What an administrator sets.

    Examples
    --------
    >>> variable_of("hours_age_days")
    'GEO_SERVICE_HOURS_AGE_DAYS'
    """
    return PREFIX + field_name.upper()


def load_settings(environ: Mapping[str, str]) -> Settings:
    """
    Read the settings from an environment.

    A variable that is missing, empty or blank leaves the default. Other variables are not looked at.

    Parameters
    ----------
    environ
        Usually ``os.environ``.

    Returns
    -------
    settings
        Every value checked.

    Raises
    ------
    InvalidInputError
        If a value is not allowed; the message names the variable, the value and what is allowed.

    Examples
    --------
    >>> load_settings({"GEO_SERVICE_PORT": "8080"}).port
    8080
    >>> load_settings({"GEO_SERVICE_PORT": "http"})
    Traceback (most recent call last):
    ...
    geo_service.errors.InvalidInputError: GEO_SERVICE_PORT='http' is not a whole number from 1 to 65535
    """
    values: dict[str, Any] = {}
    for field in fields(Settings):
        variable = variable_of(field.name)
        text = environ.get(variable, "").strip()
        if text:
            allowed, parse = _RULES[field.name]
            values[field.name] = _parse(variable, text, allowed, parse)
    return Settings(**values)


def resource_dir(name: Resource) -> Path:
    """
    Folder of files that travel with the package, in an installed wheel as in a checkout.

    Parameters
    ----------
    name
        ``"templates"`` or ``"data/geojson"``.

    Returns
    -------
    folder
        The package's own folder if it has one, else the checkout's, which is known by its
        ``pyproject.toml``.

    Raises
    ------
    BadDataError
        If neither is there.

    Examples
    --------
    >>> resource_dir("templates").is_dir()
    True
    """
    return _find_resource(name, Path(__file__).resolve().parent)


def _find_resource(name: str, package: Path) -> Path:
    if (package / name).is_dir():
        return package / name
    checkout = package.parent
    if _is_checkout(checkout) and (checkout / name).is_dir():
        return checkout / name
    raise BadDataError(
        f"{name}: neither in {package} nor in a checkout around it; install geo-service again", path=name
    )


def _is_checkout(folder: Path) -> bool:
    # site-packages has no pyproject.toml; somebody else's project around a copied package has another name
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return bool(project.get("project", {}).get("name") == "geo-service")


def _parse(variable: str, text: str, allowed: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError:
        # a key must not reach a log through its refusal
        shown = "…" if variable.endswith("_KEY") else text
        raise InvalidInputError(
            f"{variable}={shown!r} is not {allowed}", parameter=variable, value=shown, allowed=allowed
        ) from None


def _whole(least: int, most: int) -> tuple[str, Callable[[str], int]]:
    def parse(text: str) -> int:
        # int() would also take 1_000, +5 and full-width digits
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return f"a whole number from {least} to {most}", parse


def _one_of(*words: str) -> tuple[str, Callable[[str], str]]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return f"one of {', '.join(words)}", parse


def _matching(pattern: str, allowed: str) -> tuple[str, Callable[[str], str]]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return allowed, parse


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


def _host_list(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip() for part in text.split(","))
    if not all(re.fullmatch(_HOST, host) for host in hosts):
        raise ValueError(text)
    return hosts


_HOST = r"\.?[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:]+\]?"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_DAYS = _whole(1, 3650)
_URL = ("a web address that starts with http:// or https://", _web_address)

_RULES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "host": _matching(_HOST, "a host name or an address"),
    "port": _whole(1, 65535),
    "trusted_hosts": ("host names separated by commas", _host_list),
    "language": _one_of("zh", "en"),
    "log_level": _one_of("debug", "info", "warning", "error"),
    "app_name": _matching(_NAME, "1 to 64 letters, digits, dots, dashes or underscores"),
    "baidu_src": _matching(_NAME, "1 to 64 letters, digits, dots, dashes or underscores"),
    "tencent_key": _matching(r"[A-Za-z0-9-]{1,64}", "1 to 64 letters, digits or dashes"),
    "wechat_app_id": _matching(r"wx[0-9a-f]{16}", "wx and 16 digits or letters a to f"),
    "public_url": _URL,
    "overpass_url": _URL,
    "nominatim_url": _URL,
    "hours_age_days": _DAYS,
    "existence_age_days": _DAYS,
    "cabinet_age_days": _DAYS,
}
