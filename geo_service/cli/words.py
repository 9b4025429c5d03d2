"""Words that every command shares: types of arguments, options, and how a district is opened."""

import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_service import __version__
from geo_service.errors import InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts import District

LonLat = tuple[float, float]


class LonLatType(click.ParamType[LonLat]):
    """LON,LAT in decimal degrees."""

    name = "LON,LAT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LonLat:
        """Read the text, or refuse it by name."""
        from geo_service.geo import parse_lonlat

        if isinstance(value, tuple):
            return value
        return parse_lonlat(value, parameter=param.opts[0] if param else "point")


class MinutesType(click.ParamType[tuple[float, ...]]):
    """Minutes joined by commas."""

    name = "M,M"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Read the text, or refuse it by name."""
        from geo_service.districts.answers import parse_minutes

        return value if isinstance(value, tuple) else parse_minutes(value, "--minutes")


class BBoxType(click.ParamType[tuple[float, ...]]):
    """W,S,E,N in decimal degrees."""

    name = "W,S,E,N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Read the text, or refuse it by name."""
        from geo_service.geo import parse_bbox

        return value if isinstance(value, tuple) else tuple(parse_bbox(value))


class TimeType(click.ParamType[datetime]):
    """ISO 8601, Asia/Shanghai unless a zone is given, or "now"."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the text, or refuse it by name."""
        from geo_service.hours import parse_time

        return value if isinstance(value, datetime) else parse_time(value, parameter="--at")


class DayType(click.ParamType[date]):
    """YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the text, or refuse it by name."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            raise InvalidInputError(
                f"--date={value!r} is not a day; write YYYY-MM-DD", parameter="--date", value=value
            ) from None


class TomlType(click.ParamType[dict[str, Any]]):
    """A TOML file."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Read the text, or refuse it by name."""
        if isinstance(value, dict):
            return value
        try:
            return tomllib.loads(Path(value).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidInputError(
                f"--profiles {value} cannot be used: {error}; write TOML such as [ebike] and below it push_kph = 4.5",
                parameter="--profiles",
                value=value,
            ) from error


class WordsType(click.ParamType[tuple[str, ...]]):
    """Words joined by commas."""

    name = "A,B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Read the text, or refuse it by name."""
        return value if isinstance(value, tuple) else tuple(word for word in value.split(",") if word)


DIRECTORY = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
DATUM = click.option(
    "--datum",
    type=click.Choice(["wgs84", "gcj02", "bd09"]),
    default="wgs84",
    show_default=True,
    help="Datum of the coordinates given; answers are WGS 84.",
)
PROFILE = click.option(
    "--profile",
    type=click.Choice(["ebike", "walk"]),
    default="ebike",
    show_default=True,
    help="How one travels.",
)


LAYER = click.option("--layer", metavar="L", required=True, help="Layer to look in, e.g. station.")
AT = click.option(
    "--at", type=TimeType(), default="now", help="Departure: ISO 8601, Asia/Shanghai unless a zone is given."
)
SERVICES = click.option(
    "--service",
    "service",
    multiple=True,
    metavar="KIND",
    help="Must be on offer then, e.g. hot_water; repeatable.",
)
OPERATOR = click.option("--operator", metavar="NAME", help="Operator of the cabinet or the place.")
ACCEPT = click.option("--accept", type=WordsType(), default="", help="Also accept: unknown, stale.")
PLAN = click.option("--plan", metavar="NAME", help="Plan that the cabinet serves.")
VOLTAGE = click.option(
    "--voltage",
    "voltage_v",
    type=click.IntRange(1, 1000),
    metavar="V",
    help="Voltage that the cabinet serves.",
)


def wishes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say what a place must be and how JSON is asked for."""
    for option in (AS_JSON, DATUM, ACCEPT, VOLTAGE, PLAN, OPERATOR, SERVICES):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="geo-service")
def cli() -> None:
    """骑手友好服务地图 · A friendly-services map for couriers and riders: the nearest open place, and the way there."""


@contextmanager
def opened(directory: Path) -> Iterator["District"]:
    """A district, open for one command."""
    from geo_service.districts import open_district

    district = open_district(directory, read_settings())
    try:
        yield district
    finally:
        district.close()


def refuse_inside(directory: Path, output: Path) -> None:
    """Refuse to write into a district."""
    if output.resolve().is_relative_to(directory.resolve()):
        raise InvalidInputError(
            f"{output} lies inside the district {directory}; write to another place",
            parameter="-o",
            value=str(output),
        )


def read_settings() -> Any:
    """The environment's settings."""
    from geo_service.settings import load_settings

    return load_settings(os.environ)


def now() -> datetime:
    """This moment, Asia/Shanghai."""
    from geo_service.hours import SHANGHAI

    return datetime.now(SHANGHAI)


def today() -> date:
    """This day, Asia/Shanghai."""
    return now().date()


def to_wgs84(point: LonLat, datum: str) -> LonLat:
    """A point given in some datum, in WGS 84."""
    if datum == "wgs84":
        return point
    import numpy as np

    from geo_service.geo import convert_datum

    source: Any = datum
    lon, lat = convert_datum(np.array(point), source, "wgs84").tolist()
    return lon, lat
