"""
The command line: argv in, text out.

Every command asks one question of the floors below, prints its answer for a person, or with
``--json`` for a program. Exit codes: 0 done, 1 refused by the facts (nothing open, no way,
a stale edit, damaged data), 2 refused by the input.
"""

import json
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from geo_service import __version__
from geo_service.errors import (
    GeoServiceError,
    InvalidInputError,
    NotFoundError,
)

if TYPE_CHECKING:
    from geo_service.districts import District

LonLat = tuple[float, float]

PATIENCE_S = 2.0
"""A log hears of progress only when the work takes longer than this."""

SIGN_OF_LIFE_S = 15.0
"""After this long in one stage a log hears of it again."""


class _LonLat(click.ParamType[LonLat]):
    """LON,LAT in decimal degrees."""

    name = "LON,LAT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LonLat:
        from geo_service.geo import parse_lonlat

        if isinstance(value, tuple):
            return value
        return parse_lonlat(value, parameter=param.opts[0] if param else "point")


class _BBox(click.ParamType[tuple[float, ...]]):
    """W,S,E,N in decimal degrees."""

    name = "W,S,E,N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        from geo_service.geo import parse_bbox

        return value if isinstance(value, tuple) else tuple(parse_bbox(value))


class _Time(click.ParamType[datetime]):
    """ISO 8601, Asia/Shanghai unless a zone is given, or "now"."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        from geo_service.hours import parse_time

        return value if isinstance(value, datetime) else parse_time(value, parameter="--at")


class _Day(click.ParamType[date]):
    """YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            raise InvalidInputError(
                f"--date={value!r} is not a day; write YYYY-MM-DD", parameter="--date", value=value
            ) from None


class _Toml(click.ParamType[dict[str, Any]]):
    """A TOML file."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
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


class _Words(click.ParamType[tuple[str, ...]]):
    """Words joined by commas."""

    name = "A,B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
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
    "--at", type=_Time(), default="now", help="Departure: ISO 8601, Asia/Shanghai unless a zone is given."
)
SERVICES = click.option(
    "--service",
    "services",
    multiple=True,
    metavar="KIND",
    help="Must be on offer then, e.g. hot_water; repeatable.",
)
OPERATOR = click.option("--operator", metavar="NAME", help="Operator of the cabinet or the place.")
ACCEPT = click.option("--accept", type=_Words(), default="", help="Also accept: unknown, stale.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="geo-service")
def cli() -> None:
    """骑手友好服务地图 · A friendly-services map for couriers and riders: the nearest open place, and the way there."""


@cli.command()
@DIRECTORY
@click.option("--demo", metavar="NAME", help="Make a made-up district: xiangheyuan or yingze.")
@click.option("--osm", metavar="FILE", help="Read an OSM file: .osm .osm.gz .osm.bz2 .osm.pbf.")
@click.option("--place", metavar="NAME", help='Fetch a place by name, e.g. "香河园街道, 朝阳区, 北京".')
@click.option("--bbox", type=_BBox(), help="Take only this box; alone, fetch it from OSM.")
@click.option("--id", "id_", metavar="ID", help="Key in addresses; default: the directory's name.")
@click.option("--name", metavar="NAME", help="Name shown on pages.")
@click.option("--profiles", type=_Toml(), default={}, help="TOML file of changes to speeds and delays.")
@click.option("--date", "on", type=_Day(), help="Check date of the places it starts with; default: today.")
@AS_JSON
def init(
    directory: Path,
    demo: str | None,
    osm: str | None,
    place: str | None,
    bbox: tuple[float, float, float, float] | None,
    id_: str | None,
    name: str | None,
    profiles: dict[str, Any],
    on: date | None,
    as_json: bool,
) -> None:
    """Make a district directory. Interrupted, the same command goes on where it stopped."""
    from geo_service.districts import open_district
    from geo_service.districts.create import Recipe, create_district

    recipe = Recipe(demo, osm, place, bbox, id_, name, on or _today(), profiles)
    with _progress() as progress:
        create_district(directory, recipe, _settings(), progress)
    district = open_district(directory, _settings())
    layers = {info.name: info.count for info in district.store.layers()}
    network = district.network("ebike")
    answer = {"id": district.id, "directory": str(directory), "layers": layers, "junctions": network.n_nodes}
    places = ", ".join(f"{count} {layer}" for layer, count in layers.items()) or "no places yet"
    _print(
        as_json,
        answer,
        f"made {directory} ({district.name_zh} {district.id}): {network.n_nodes} junctions, {places}\n"
        f"look at it: geo-service serve {directory}",
    )


@cli.command("import")
@DIRECTORY
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--layer", metavar="L", help="Layer the features belong to.")
@click.option(
    "--datum",
    type=click.Choice(["auto", "wgs84", "gcj02", "bd09"]),
    default="auto",
    show_default=True,
    help="Datum of the file; GeoJSON without another word is WGS 84 (RFC 7946).",
)
@click.option(
    "--from-osm",
    is_flag=True,
    help="Fill toilets, clinics, charging, swap and water from OSM; FILE is an extract, else what init read.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, change nothing.")
@AS_JSON
def import_(
    directory: Path,
    file: Path | None,
    layer: str | None,
    datum: str,
    from_osm: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add a file's places to a layer; those with the same id are replaced, the others stay."""
    from geo_service.districts import changes
    from geo_service.network.features import load_features

    with _open(directory) as district:
        at = _now()
        if from_osm:
            from geo_service.network.osm import read_osm_file

            with _progress() as progress:
                features = (
                    read_osm_file(file, progress=progress).features
                    if file
                    else load_features(directory / "osm")
                )
            reports = changes.import_osm(district, features, at=at, actor="cli", is_dry_run=dry_run)
        elif file is None or layer is None:
            raise InvalidInputError(
                "FILE and --layer are needed, or --from-osm",
                parameter="FILE" if file is None else "--layer",
                value=None,
            )
        else:
            source_datum: Any = "wgs84" if datum == "auto" else datum
            reports = (
                changes.import_geojson(
                    district, file, layer, datum=source_datum, at=at, actor="cli", is_dry_run=dry_run
                ),
            )
    _print(
        as_json,
        [report.to_json() for report in reports],
        "\n".join(_change_line(report) for report in reports),
    )


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=_LonLat(), required=True, help="Where the rider is.")
@LAYER
@click.option("--k", type=int, default=5, show_default=True, help="How many.")
@PROFILE
@AT
@SERVICES
@OPERATOR
@ACCEPT
@DATUM
@AS_JSON
def nearest(
    directory: Path,
    origin: LonLat,
    layer: str,
    k: int,
    profile: str,
    at: datetime,
    services: tuple[str, ...],
    operator: str | None,
    accept: tuple[str, ...],
    datum: str,
    as_json: bool,
) -> None:
    """Nearest places by the streets that are open on arrival."""
    with _open(directory) as district:
        answer = district.nearest(
            origin=_to_wgs84(origin, datum),
            layer=layer,
            at=at,
            k=k,
            profile=profile,
            service=services,
            operator=operator,
            accept=accept,
        )
    _print(as_json, answer, _nearest_text(answer))
    if not answer["results"]:
        raise SystemExit(1)


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=_LonLat(), required=True, help="Start.")
@click.option("--to", "destination", type=_LonLat(), required=True, help="Destination.")
@LAYER
@click.option("--k", type=int, default=3, show_default=True, help="How many.")
@PROFILE
@AT
@SERVICES
@OPERATOR
@ACCEPT
@DATUM
@AS_JSON
def onway(
    directory: Path,
    origin: LonLat,
    destination: LonLat,
    datum: str,
    as_json: bool,
    services: tuple[str, ...],
    **wishes: Any,
) -> None:
    """Places of least added time on the way, open when one gets there."""
    with _open(directory) as district:
        answer = district.onway(
            origin=_to_wgs84(origin, datum),
            destination=_to_wgs84(destination, datum),
            service=services,
            **wishes,
        )
    lines = [f"without a stop: {_minutes(answer['direct_s'])}"]
    lines += [
        f"{rank}. {result['name']}  +{_minutes(result['added_s'])}  there in {_minutes(result['cost_s'])}  "
        f"{result['state']}"
        for rank, result in enumerate(answer["results"], start=1)
    ]
    _print(as_json, answer, "\n".join(lines if answer["results"] else [*lines, "no stop is open on the way"]))
    if not answer["results"]:
        raise SystemExit(1)


@cli.command("range")
@DIRECTORY
@click.option("--from", "origin", type=_LonLat(), required=True, help="Where the rider is.")
@click.option("--range-m", type=float, required=True, help="How far the battery still goes, metres.")
@click.option(
    "--reserve-m", type=float, default=0.0, show_default=True, help="What must be left on arrival, metres."
)
@click.option("--via", type=_LonLat(), help="A drop-off to pass first.")
@LAYER
@click.option("--k", type=int, default=5, show_default=True, help="How many.")
@PROFILE
@AT
@SERVICES
@OPERATOR
@ACCEPT
@DATUM
@AS_JSON
def range_(
    directory: Path,
    origin: LonLat,
    via: LonLat | None,
    datum: str,
    as_json: bool,
    services: tuple[str, ...],
    **wishes: Any,
) -> None:
    """Nearest places that the remaining range reaches, also after a drop-off."""
    with _open(directory) as district:
        answer = district.within_range(
            origin=_to_wgs84(origin, datum), via=via and _to_wgs84(via, datum), service=services, **wishes
        )
    _print(as_json, answer, _nearest_text(answer) or "none within range")
    if not answer["results"]:
        raise SystemExit(1)


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=_LonLat(), required=True, help="Start.")
@click.option("--to", "destination", type=_LonLat(), required=True, help="Destination.")
@PROFILE
@DATUM
@AS_JSON
def route(
    directory: Path, origin: LonLat, destination: LonLat, profile: str, datum: str, as_json: bool
) -> None:
    """The fastest way, street by street."""
    with _open(directory) as district:
        answer = district.route(
            origin=_to_wgs84(origin, datum), destination=_to_wgs84(destination, datum), profile=profile
        )
    lines = [f"{_minutes(answer['cost_s'])}, {answer['length_m']:.0f} m"]
    lines += [
        f"  {step['mode']:5} {step['length_m']:7.0f} m  {_minutes(step['cost_s']):>12}  {step['name'] or '(unnamed)'}"
        for step in answer["steps"]
    ]
    _print(as_json, answer, "\n".join(lines))


@cli.command()
@click.option("--to", "destination", type=_LonLat(), required=True, help="Arrival point.")
@click.option("--name", required=True, help="Name on the sign.")
@click.option(
    "--mode", type=click.Choice(["ebike", "ride", "walk", "drive"]), default="ebike", show_default=True
)
@DATUM
@AS_JSON
def links(destination: LonLat, name: str, mode: Any, datum: str, as_json: bool) -> None:
    """Links that open the way in map apps, each in its own datum."""
    from geo_service.districts.district import link_settings
    from geo_service.exchange.navlinks import build_links, describe_links

    if not name.strip():
        raise InvalidInputError("--name is empty; write what the sign says", parameter="--name", value=name)
    built = build_links(_to_wgs84(destination, datum), name, mode, link_settings(_settings()))
    answer = dict(zip(built, describe_links(built), strict=True))
    lines = []
    for target, link in answer.items():
        shown = link["url"] or json.dumps(link["payload"], ensure_ascii=False)
        lines.append(f"{target:22} {link['datum']:6} {link['mode'] or '-':6} {shown}")
        warning = link["warning"]
        if isinstance(warning, dict):
            lines.append(f"{'':22} ! {warning['zh']} · {warning['en']}")
    _print(as_json, answer, "\n".join(lines))


@cli.command()
@DIRECTORY
@click.option("--at", type=_Time(), default="now", help="Instant for which facts are judged stale.")
@AS_JSON
def check(directory: Path, at: datetime, as_json: bool) -> None:
    """Is all well: store, working copy, streets and islands, places far from streets, stale facts."""
    from geo_service.districts.checks import check_district

    with _open(directory) as district:
        findings = check_district(district, at)
    answer = [
        {"level": f.level, "subject": f.subject, "message": f.message, "facts": f.facts} for f in findings
    ]
    _print(as_json, answer, "\n".join(f"{f.level:8}{f.subject:16}{f.message}" for f in findings))
    if any(f.level == "error" for f in findings):
        raise SystemExit(1)


@cli.command()
@DIRECTORY
@click.option("--layer", metavar="L", required=True, help="Layer to write.")
@click.option("--format", "format_", type=click.Choice(["geojson"]), default="geojson", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write; default: standard output."
)
@AS_JSON
def export(directory: Path, layer: str, format_: str, output: Path | None, as_json: bool) -> None:
    """Write a layer to a file: GeoJSON, WGS 84, the same bytes for the same layer."""
    from geo_service.districts.changes import write_atomically
    from geo_service.layers import dump_layer

    with _open(directory) as district:
        exported = district.places(layer)
    if output is not None and output.resolve().is_relative_to(directory.resolve()):
        raise InvalidInputError(
            f"{output} lies inside the district {directory}; write to another place",
            parameter="-o",
            value=str(output),
        )
    data = dump_layer(exported)
    if output is None:
        sys.stdout.buffer.write(data)
        return
    write_atomically(output, data)
    answer = {
        "layer": layer,
        "format": format_,
        "features": len(exported.features),
        "version": exported.version,
        "file": str(output),
    }
    _print(as_json, answer, f"wrote {len(exported.features)} features of {layer} to {output}")


@cli.command()
@click.argument("directories", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--host", help="Address to listen on; default from GEO_SERVICE_HOST, else 127.0.0.1.")
@click.option("--port", type=int, help="Port to listen on; default from GEO_SERVICE_PORT, else 8000.")
@click.option("--cert", type=click.Path(path_type=Path), help="TLS certificate (PEM); phones ask for HTTPS.")
@click.option("--key", type=click.Path(path_type=Path), help="Key of the certificate (PEM).")
def serve(
    directories: tuple[Path, ...], host: str | None, port: int | None, cert: Path | None, key: Path | None
) -> None:
    """Serve pages and API of one or many districts until stopped."""
    from geo_service.districts import open_district
    from geo_service.web.server import serve as serve_districts

    settings = _settings()
    districts: dict[str, District] = {}
    for directory in directories:
        district = open_district(directory, settings)
        if district.id in districts:
            raise InvalidInputError(
                f"{directory}: id={district.id!r} is served already; give each district its own id in district.toml",
                parameter="DIR",
                value=str(directory),
            )
        districts[district.id] = district
    address = host or settings.host
    serve_districts(districts, settings, address, settings.port if port is None else port, cert, key)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """
    Run the command line and exit.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process if absent.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = cli.main(arguments, prog_name="geo-service", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 2
    except click.ClickException as error:
        _print_error(
            InvalidInputError(f"{_one_line(error.format_message())}; see --help"), "--json" in arguments
        )
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("geo-service: interrupted; the same command goes on where it stopped", err=True)
        code = 130
    except GeoServiceError as error:
        _print_error(error, "--json" in arguments)
        code = 2 if isinstance(error, (InvalidInputError, NotFoundError)) else 1
    except BrokenPipeError:
        sys.stderr.close()
        code = 141
    sys.exit(code if isinstance(code, int) else 0)


# -- in ------------------------------------------------------------------------------------------


@contextmanager
def _open(directory: Path) -> Iterator["District"]:
    from geo_service.districts import open_district

    district = open_district(directory, _settings())
    try:
        yield district
    finally:
        district.close()


def _settings() -> Any:
    import os

    from geo_service.settings import load_settings

    return load_settings(os.environ)


def _now() -> datetime:
    from geo_service.hours import SHANGHAI

    return datetime.now(SHANGHAI)


def _today() -> date:
    return _now().date()


def _to_wgs84(point: LonLat, datum: str) -> LonLat:
    if datum == "wgs84":
        return point
    import numpy as np

    from geo_service.geo import convert_datum

    source: Any = datum
    lon, lat = convert_datum(np.array(point), source, "wgs84").tolist()
    return lon, lat


# -- out -----------------------------------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for a person at a terminal, a line per stage for a log."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with (
        _Log(is_quiet=console.is_terminal) as log,
        Progress(*columns, console=console, disable=not console.is_terminal) as bar,
    ):

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total or None)
                log.enter(stage)
            bar.update(tasks[stage], completed=done, total=total or None)

        yield report


class _Log:
    """Lines for a log: nothing while the work is short, then each stage, and a sign of life in long ones."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._stage = ""
        self._is_late = False
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Log":
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    def enter(self, stage: str) -> None:
        self._stage = stage
        if self._is_late:
            self._say()

    def _look(self) -> None:
        wait_s = PATIENCE_S
        while not self._done.wait(wait_s):
            self._is_late, wait_s = True, SIGN_OF_LIFE_S
            self._say()

    def _say(self) -> None:
        if self._stage and not self._is_quiet:
            click.echo(f"{self._stage} …", err=True)


def _print(as_json: bool, answer: object, text: str) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False, indent=1) if as_json else text)


def _print_error(error: GeoServiceError, as_json: bool) -> None:
    if as_json:
        problem = {"error": type(error).__name__, "detail": error.message, **error.facts}
        click.echo(json.dumps(problem, ensure_ascii=False, default=str), err=True)
    else:
        click.echo(f"geo-service: {error.message}", err=True)


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _minutes(cost_s: float) -> str:
    minutes, seconds = divmod(round(cost_s), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _nearest_text(answer: dict[str, Any]) -> str:
    lines = []
    for rank, result in enumerate(answer["results"], start=1):
        until = f" until {result['open_until'][:16].replace('T', ' ')}" if result["open_until"] else ""
        way = f"{_minutes(result['cost_s'])}  {result['length_m']:.0f} m"
        lines.append(f"{rank}. {result['name']}  {way}  {result['state']}{until}")
        lines.append(f"   {result['id']}  {result['lon']:.6f},{result['lat']:.6f}")
        lines += [f"   {app}: {url}" for app, url in result["links"].items() if rank == 1]
    if "shortfall" in answer:
        lines.append(_shortfall_text(answer["shortfall"], bool(answer["results"])))
    return "\n".join(lines)


def _shortfall_text(short: dict[str, Any], some: bool) -> str:
    if not short["places"]:
        return "there are no places in this layer yet; `geo-service import` brings some"
    parts = [f"{count} {state}" for state, count in short["states"].items()]
    parts += [f"{short[key]} {words}" for key, words in _MISSED.items() if short[key]]
    text = (
        ("no more" if some else "nothing open on arrival")
        + f" among {short['places']} places: "
        + ", ".join(parts)
    )
    soonest = short["soonest"]
    if soonest:
        opens_at = soonest["opens_at"][:16].replace("T", " ")
        text += f"; {soonest['name']} opens at {opens_at}, {_minutes(soonest['cost_s'])} away"
    if any(state in short["states"] for state in ("unknown", "stale")):
        text += "; --accept unknown,stale widens"
    return text


_MISSED = {"filtered_out": "without what was asked for", "unreachable": "not reachable by the streets"}


def _change_line(report: Any) -> str:
    did = "" if report.is_applied else "would be: "
    line = (
        f"{report.layer}: {did}{len(report.added)} added, {len(report.changed)} changed, "
        f"{len(report.removed)} removed, {report.unchanged} unchanged"
    )
    return "\n".join([line, *(f"  {key}: {', '.join(fields)}" for key, fields in report.changed)])
