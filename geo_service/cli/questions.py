"""Commands that ask: nearest, on the way, within range, reach, coverage, the way, links into map apps."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import click

from geo_service.cli.many import Many, check_one, print_many
from geo_service.cli.output import (
    coverage_text,
    minutes_text,
    nearest_text,
    onway_text,
    print_answer,
    range_text,
)
from geo_service.cli.planning import DEMAND, DEMAND_USE, PRESET, print_clock
from geo_service.cli.words import (
    AS_JSON,
    AT,
    DATUM,
    DIRECTORY,
    LAYER,
    PROFILE,
    DayType,
    LonLat,
    LonLatType,
    MinutesType,
    TimeType,
    cli,
    opened,
    read_settings,
    refuse_inside,
    to_wgs84,
    wishes,
)
from geo_service.errors import InvalidInputError


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=LonLatType(), required=True, help="Where the rider is.")
@LAYER
@click.option("--k", type=int, default=5, show_default=True, help="How many.")
@PROFILE
@AT
@wishes
def nearest(directory: Path, origin: LonLat, datum: str, as_json: bool, **asked: Any) -> None:
    """Nearest places by the streets that are open on arrival."""
    with opened(directory) as district:
        answer = district.nearest(origin=to_wgs84(origin, datum), **asked)
    print_answer(as_json, answer, nearest_text(answer))
    if not answer["results"]:
        raise SystemExit(1)


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=LonLatType(), required=True, help="Start.")
@click.option("--to", "destination", type=LonLatType(), required=True, help="Destination.")
@LAYER
@click.option("--k", type=int, default=3, show_default=True, help="How many.")
@PROFILE
@AT
@wishes
def onway(
    directory: Path, origin: LonLat, destination: LonLat, datum: str, as_json: bool, **asked: Any
) -> None:
    """Places of least added time on the way, open when one gets there."""
    with opened(directory) as district:
        ends = (to_wgs84(origin, datum), to_wgs84(destination, datum))
        answer = district.onway(origin=ends[0], destination=ends[1], **asked)
    print_answer(as_json, answer, onway_text(answer))
    if not answer["results"]:
        raise SystemExit(1)


@cli.command("range")
@DIRECTORY
@click.option("--from", "origin", type=LonLatType(), required=True, help="Where the rider is.")
@click.option("--range-m", type=float, required=True, help="How far the battery still goes, metres.")
@click.option(
    "--reserve-m", type=float, default=0.0, show_default=True, help="What must be left on arrival, metres."
)
@click.option("--via", type=LonLatType(), help="A drop-off to pass first.")
@LAYER
@click.option("--k", type=int, default=5, show_default=True, help="How many.")
@PROFILE
@AT
@wishes
def range_(
    directory: Path, origin: LonLat, via: LonLat | None, datum: str, as_json: bool, **asked: Any
) -> None:
    """Nearest places that the remaining range reaches, also after a drop-off."""
    with opened(directory) as district:
        answer = district.within_range(
            origin=to_wgs84(origin, datum), via=via and to_wgs84(via, datum), **asked
        )
    print_answer(as_json, answer, range_text(answer))
    if not answer["results"]:
        raise SystemExit(1)


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=LonLatType(), required=True, help="Where the rider is.")
@click.option("--minutes", type=MinutesType(), default="5,10,15", show_default=True, help="Longest times.")
@PROFILE
@DATUM
@click.option("-o", "--output", type=click.Path(path_type=Path), help="GeoJSON file to write.")
@AS_JSON
def reach(
    directory: Path,
    origin: LonLat,
    minutes: tuple[float, ...],
    profile: str,
    datum: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """What is within some minutes, as polygons: every reached street inside, no other."""
    from geo_service.districts.working_copy import write_atomically

    if output is not None:
        refuse_inside(directory, output)
    with opened(directory) as district:
        answer = district.reach(origin=to_wgs84(origin, datum), minutes=minutes, profile=profile)
    if output is not None:
        write_atomically(output, json.dumps(answer, ensure_ascii=False).encode())
    lines = [
        f"{band['minutes']:g} min: {band['street_m'] / 1000:.1f} km of street"
        for band in (feature["properties"] for feature in answer["features"])
    ]
    print_answer(as_json, answer, "\n".join([*lines, *([f"wrote {output}"] if output else [])]))


@cli.command()
@click.argument("directories", metavar="DIR…", type=click.Path(path_type=Path), nargs=-1, required=True)
@LAYER
@click.option(
    "--minutes", type=float, default=10.0, show_default=True, help="Longest time to the nearest place."
)
@click.option("--profile", type=click.Choice(["walk", "ebike"]), default="walk", show_default=True)
@click.option(
    "--at",
    type=TimeType(),
    help="Count only places open from then until the minutes are over; else all in use.",
)
@click.option("--without", multiple=True, metavar="ID", help="What if this place closed; repeatable.")
@click.option(
    "--with", "with_", type=LonLatType(), multiple=True, help="What if a place stood here; repeatable."
)
@click.option(
    "--clock", is_flag=True, help="Share of the demand in each hour of the week, instead of the streets."
)
@click.option("--week", type=DayType(), help="A day of that week; this week if left out.")
@PRESET
@DEMAND
@DEMAND_USE
@click.option(
    "--all",
    "all_",
    is_flag=True,
    help="Streets and clock of many districts, or folders of them, as one table.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="With --all: the table, FILE.csv or FILE.xlsx."
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="With --all: folder that keeps each district's result; default: beside the table.",
)
@click.option("--workers", type=int, help="With --all: processes on this machine; default: its processors.")
@click.option("--scheduler", metavar="ADDRESS", help="With --all: a dask scheduler instead, tcp://HOST:8786.")
@wishes
def coverage(
    directories: tuple[Path, ...],
    with_: tuple[LonLat, ...],
    datum: str,
    as_json: bool,
    clock: bool,
    week: date | None,
    preset: str | None,
    demand: Path | None,
    demand_use: str,
    all_: bool,
    output: Path | None,
    results: Path | None,
    workers: int | None,
    scheduler: str | None,
    **asked: Any,
) -> None:
    """Share of street length with a place within some minutes; what if some went or came; and hour by hour."""
    many = Many(workers, scheduler, results, output)
    for name, given in (("--preset", preset), ("--demand", demand)):
        if given is not None and not clock:
            raise InvalidInputError(f"{name} goes with --clock only; leave it out", parameter=name)
    if all_:
        print_many(directories, many, as_json, week=week, **_clock_words(asked, with_, "--all"))
        return
    directory = check_one(directories, many)
    if clock:
        print_clock(
            directory,
            as_json,
            week=week,
            preset=preset,
            demand=demand,
            demand_use=demand_use,
            also=(),
            save=None,
            parameters=None,
            **_clock_words(asked, with_, "--clock"),
        )
        return
    with opened(directory) as district:
        answer = district.coverage(with_=[to_wgs84(point, datum) for point in with_], **asked)
    print_answer(as_json, answer, coverage_text(answer))
    if not answer["eligible"]:
        raise SystemExit(1)


def _clock_words(asked: dict[str, Any], with_: tuple[LonLat, ...], flag: str) -> dict[str, Any]:
    """What the clock takes of a question about coverage; the rest does not go with it, and is named."""
    taken = ("layer", "minutes", "profile", "service", "accept")
    for name, value in {**asked, "with": with_}.items():
        if name not in taken and value:
            raise InvalidInputError(
                f"--{name.removesuffix('_v')} does not go with {flag}, which looks at every hour; leave it out",
                parameter=f"--{name.removesuffix('_v')}",
                value=str(value),
            )
    return {name: asked[name] for name in taken}


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=LonLatType(), required=True, help="Start.")
@click.option("--to", "destination", type=LonLatType(), required=True, help="Destination.")
@PROFILE
@DATUM
@AS_JSON
def route(
    directory: Path, origin: LonLat, destination: LonLat, profile: str, datum: str, as_json: bool
) -> None:
    """The fastest way, street by street."""
    with opened(directory) as district:
        answer = district.route(
            origin=to_wgs84(origin, datum), destination=to_wgs84(destination, datum), profile=profile
        )
    lines = [f"{minutes_text(answer['cost_s'])}, {answer['length_m']:.0f} m"]
    lines += [
        f"  {step['mode']:5} {step['length_m']:7.0f} m  {minutes_text(step['cost_s']):>12}"
        f"  {step['name'] or '(unnamed)'}"
        for step in answer["steps"]
    ]
    print_answer(as_json, answer, "\n".join(lines))


@cli.command()
@click.option("--to", "destination", type=LonLatType(), required=True, help="Arrival point.")
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
    built = build_links(to_wgs84(destination, datum), name, mode, link_settings(read_settings()))
    answer = dict(zip(built, describe_links(built), strict=True))
    lines = []
    for target, link in answer.items():
        shown = link["url"] or json.dumps(link["payload"], ensure_ascii=False)
        lines.append(f"{target:22} {link['datum']:6} {link['mode'] or '-':6} {shown}")
        warning = link["warning"]
        if isinstance(warning, dict):
            lines.append(f"{'':22} ! {warning['zh']} · {warning['en']}")
    print_answer(as_json, answer, "\n".join(lines))
