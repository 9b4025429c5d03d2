"""Commands of a planner: the coverage clock, where next, and which measures for a budget."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import (
    ACCEPT,
    AS_JSON,
    DIRECTORY,
    SERVICES,
    DayType,
    cli,
    opened,
    refuse_inside,
    today,
)
from geo_service.errors import InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts.plans.planner import Planner

TIME_LIMIT = click.option(
    "--time-limit", type=float, help="Seconds after which the best so far comes back with its bound."
)


PRESET = click.option(
    "--preset",
    type=click.Choice(["15-minutes", "15-minutes-two", "1-km", "1-km-two"]),
    help="On foot: 15 minutes or 1 km, one place or two; instead of --minutes, --metres, --profile, --stations.",
)


DEMAND = click.option(
    "--demand", type=click.Path(path_type=Path), help="Table (CSV, XLSX, GeoJSON …) or raster of the demand."
)
DEMAND_USE = click.option(
    "--demand-use",
    type=click.Choice(["instead", "besides"]),
    default="instead",
    show_default=True,
    help="Whether it counts instead of what the map shows, or besides.",
)


def plan_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that make up a planner's parameters."""
    for option in (
        AS_JSON,
        click.option(
            "--save", type=click.Path(path_type=Path), help="Write the parameters into a file (JSON)."
        ),
        click.option(
            "--parameters", type=click.Path(path_type=Path), help="Take them from such a file instead."
        ),
        ACCEPT,
        click.option("--week", type=DayType(), help="A day of the week looked at; this week if left out."),
        click.option(
            "--also", multiple=True, metavar="LAYER[:SERVICE]", help="What must be near besides; repeatable."
        ),
        SERVICES,
        click.option(
            "--stations",
            type=int,
            default=1,
            show_default=True,
            help="Open places that must be near: 1 or 2.",
        ),
        click.option("--profile", type=click.Choice(["walk", "ebike"]), default="walk", show_default=True),
        click.option("--metres", type=float, help="Longest way along the streets, instead of the minutes."),
        click.option(
            "--minutes", type=float, default=10.0, show_default=True, help="Longest time to a place."
        ),
        PRESET,
        DEMAND_USE,
        DEMAND,
        click.option("--layer", help="Layer that is planned."),
    ):
        command = option(command)
    return command


@contextmanager
def planning(directory: Path, asked: dict[str, Any]) -> Iterator["Planner"]:
    """A planner of a district, for one command."""
    from geo_service.districts.plans.planner import Planner
    from geo_service.districts.working_copy import write_atomically

    save, brought = asked.pop("save"), asked.pop("demand", None)
    use = asked.pop("demand_use", "instead")
    folder = Path() if asked["parameters"] is None else asked["parameters"].parent
    parameters = _parameters(**asked)
    if save is not None:
        refuse_inside(directory, save)
    with opened(directory) as district:
        demand, parameters = _demand(district, parameters, folder, brought, use, save)
        if save is not None:
            write_atomically(
                save, json.dumps(parameters.to_json(), ensure_ascii=False, indent=1).encode() + b"\n"
            )
        yield Planner(district, parameters, demand)


def _demand(
    district: Any, parameters: Any, folder: Path, brought: Path | None, use: str, save: Path | None
) -> tuple[Any, Any]:
    """What demand a plan counts, None if it is drawn from the map, and the plan that names it."""
    if brought is None and parameters.demand is None:
        return None, parameters
    from geo_service.districts.plans.demand import demand_again, demand_with, keep_beside, read_upload

    if brought is None:
        if save is not None and save.parent.resolve() != folder.resolve():
            keep_beside(read_upload(district, folder / parameters.demand.name), save.parent)
        return demand_again(district, parameters.demand, folder), parameters
    uploaded = read_upload(district, brought)
    if save is not None:
        keep_beside(uploaded, save.parent)
    return demand_with(district, uploaded, use), replace(parameters, demand=uploaded.file(use))


def _parameters(
    *,
    layer: str | None,
    minutes: float,
    profile: str,
    service: tuple[str, ...],
    also: tuple[str, ...],
    week: date | None,
    accept: tuple[str, ...],
    parameters: Path | None,
    preset: str | None = None,
    metres: float | None = None,
    stations: int = 1,
) -> Any:
    from geo_service.planning.parameters import PRESETS, Need, Parameters, parameters_of, parse_need

    if parameters is not None:
        if layer is not None:
            raise InvalidInputError(
                "--layer does not go with --parameters: the file names it", parameter="--layer"
            )
        return parameters_of(_read_json(parameters))
    if layer is None:
        raise InvalidInputError("--layer is missing; name the layer that is planned", parameter="--layer")
    near: dict[str, Any] = {"profile": profile, "minutes": minutes, "metres": metres, "stations": stations}
    if preset is not None:
        _refuse_besides("--preset", near)
        near = dict(PRESETS[preset])
    return Parameters(
        Need(layer, service), week or today(), tuple(map(parse_need, also)), accept=accept, **near
    )


def _refuse_besides(option: str, names: Iterable[str]) -> None:
    """What was given besides an option that says it all."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            raise InvalidInputError(
                f"--{name} does not go with {option}, which sets it; leave one of them out",
                parameter=f"--{name}",
            )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"--parameters {path} cannot be read: {error}", parameter="--parameters", value=str(path)
        ) from error
    if not isinstance(values, dict):
        raise InvalidInputError(
            f"--parameters {path} holds no object", parameter="--parameters", value=str(path)
        )
    return values


def print_clock(directory: Path, as_json: bool, **asked: Any) -> None:
    """Print the coverage clock of a district."""
    with planning(directory, asked) as planner:
        answer = planner.clock_json()
    print_answer(as_json, answer, clock_text(answer))


@contextmanager
def watching() -> Iterator[Callable[[Any], bool]]:
    """Progress of a solve, shown when it takes long."""
    with progress_bar() as report:

        def watch(progress: Any) -> bool:
            closed = progress.best / progress.bound if 0 < progress.best <= progress.bound else 0.0
            report("solving", int(closed * 1000), 1000)
            return True

        yield watch


@cli.command()
@DIRECTORY
@plan_options
@click.option("--add", type=int, default=3, show_default=True, help="How many new sites.")
@click.option(
    "--goal",
    type=click.Choice(["week", "cover-all", "cover-most", "median", "center"]),
    default="week",
    show_default=True,
    help="Most rider-hours over the week, or a plain case of siting.",
)
@click.option("--hour", help="With a plain case: an hour of the week, such as Mo-02; else the whole week.")
@click.option("--capacity", type=float, help="With cover-most and median: demand that a site can serve.")
@TIME_LIMIT
def site(
    directory: Path,
    as_json: bool,
    add: int,
    goal: str,
    hour: str | None,
    capacity: float | None,
    time_limit: float | None,
    **asked: Any,
) -> None:
    """Where next: the new sites that cover most demand over the week, proved best among all candidates."""
    from geo_service.districts.plans.siting import goal_json
    from geo_service.planning.week import parse_hour

    if goal == "week":
        for name, given in (("--hour", hour), ("--capacity", capacity)):
            if given is not None:
                raise InvalidInputError(f"{name} goes with another --goal than week", parameter=name)
    at = None if hour is None else parse_hour(hour)
    with planning(directory, asked) as planner, watching() as watch:
        if goal == "week":
            answer = planner.site_json(add, time_limit_s=time_limit, watch=watch)
            text = choice_text(answer)
        else:
            answer = goal_json(
                planner, goal, add, hour=at, capacity=capacity, time_limit_s=time_limit, watch=watch
            )
            text = goal_text(answer)
    print_answer(as_json, answer, text)
    if not answer["steps" if goal == "week" else "sites"]:
        raise SystemExit(1)


@cli.command()
@DIRECTORY
@plan_options
@click.option("--budget", type=float, required=True, help="Yuan that may be spent.")
@TIME_LIMIT
def measures(directory: Path, as_json: bool, budget: float, time_limit: float | None, **asked: Any) -> None:
    """Which measures for a budget: sites, hours, services, merchants, gates, by rider-hours per 10,000 yuan."""
    with planning(directory, asked) as planner, watching() as watch:
        answer = planner.measures_json(budget, time_limit_s=time_limit, watch=watch)
    print_answer(as_json, answer, choice_text(answer))
    if not answer["steps"]:
        raise SystemExit(1)


CASE_FORMATS = ("docx", "html", "xlsx")


@cli.command()
@DIRECTORY
@plan_options
@click.option("--budget", type=float, default=200_000.0, show_default=True, help="Yuan that may be spent.")
@click.option(
    "--seeds", type=int, default=20, show_default=True, help="Random errors of each kind to survive."
)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--date", "on", type=DayType(), help="Day of the case; today if left out.")
@click.option(
    "-o", "output", type=click.Path(path_type=Path), required=True, help="FILE.docx, .html or .xlsx."
)
@click.option(
    "--map", "map_", type=click.Path(path_type=Path), help="Write the map that goes along, FILE.html."
)
def case(
    directory: Path,
    as_json: bool,
    budget: float,
    seeds: int,
    lang: str,
    on: date | None,
    output: Path,
    map_: Path | None,
    **asked: Any,
) -> None:
    """Write the case: why here, why not longer hours, and what if we are wrong; the workbook has every table."""
    from geo_service.districts.plans.case import build_case
    from geo_service.districts.plans.checks import judge_plan, verdict_json
    from geo_service.districts.working_copy import write_atomically

    refuse_inside(directory, output)
    form = output.suffix.removeprefix(".")
    if form not in CASE_FORMATS:
        raise InvalidInputError(
            f"-o {output}: a case is written as {', '.join(CASE_FORMATS)}", parameter="-o", value=str(output)
        )
    if map_ is not None:
        _check_map(directory, map_, output)
    if seeds < 0:
        raise InvalidInputError(f"--seeds={seeds}; give 0 or more", parameter="--seeds", value=seeds)
    with planning(directory, asked) as planner, progress_bar() as report:

        def tried(done: int, total: int) -> bool:
            report("sensitivity", done, total)
            return True

        verdict = judge_plan(planner, seeds, tried)
        written = build_case(planner, budget, verdict, on or today(), lang)
        write_atomically(output, _write_case(written, form))
        if map_ is not None:
            from geo_service.districts.plans.case_map import case_map

            write_atomically(map_, case_map(planner, written, on or today()).html)
    wrote = [str(path) for path in (output, map_) if path is not None]
    answer = {
        "written": str(output),
        "map": map_ and str(map_),
        "title": written.title,
        "verdict": verdict_json(verdict),
    }
    print_answer(
        as_json,
        answer,
        f"{verdict_json(verdict)['says'][lang]}\nwrote {' and '.join(wrote)}: {written.title}",
    )


def _check_map(directory: Path, map_: Path, output: Path) -> None:
    refuse_inside(directory, map_)
    if map_.suffix != ".html" or map_ == output:
        raise InvalidInputError(
            f"--map {map_}: give another file that ends in .html", parameter="--map", value=str(map_)
        )


def _write_case(written: Any, form: str) -> bytes:
    from geo_service.paper.documents import write_docx, write_html
    from geo_service.paper.writing import write_xlsx

    if form == "xlsx":
        return write_xlsx(
            written.sheets, title=written.title, description=written.description, on=written.document.on
        )
    data: bytes = write_docx(written.document) if form == "docx" else write_html(written.document)
    return data


def needed_text(answer: dict[str, Any]) -> str:
    """What must be near, how many of them, and how near."""
    count = "two of " if answer.get("stations", 1) == 2 else ""
    near = f"{answer['minutes']:g} min" if answer["metres"] is None else f"{answer['metres']:g} m"
    return f"{count}{answer['need']} within {near}"


def clock_text(answer: dict[str, Any]) -> str:
    """The week as seven rows of a day, the two hours beside each other, and who is left out."""
    at = answer["at"]
    lines = [
        f"{_percent(answer['covered_share'])} of rider-hours have {needed_text(answer)} "
        f"({answer['profile']}, {answer['places']} places, {answer['open_rule']})",
        f"02:00 {_percent(at['02:00']['covered_share'])} · 14:00 {_percent(at['14:00']['covered_share'])} · "
        f"in every hour {_percent(answer['always_covered_share'])}",
        "percent covered by hour, from 00 to 23:",
    ]
    for i, day in enumerate(answer["week"]):
        hours = answer["clock"][i * 24 : i * 24 + 24]
        cells = " ".join("  -" if share is None else f"{share * 100:3.0f}" for share in hours)
        lines.append(f"  {day['date']} {'' if day['kind'] == 'ordinary' else day['kind']:9} {cells}")
    for clock_hour in ("02:00", "14:00"):
        names = ", ".join(row["name"] or row["kind"] for row in at[clock_hour]["left_out"][:5])
        lines.append(
            f"left out at {clock_hour}: {at[clock_hour]['left_out_count']} names, most: {names or 'nobody'}"
        )
    unreached = answer["unreached"]
    if unreached["points"]:
        lines.append(unreached["says"]["en"])
    return "\n".join([*lines, f"demand is {answer['demand_note']}"])


def goal_text(answer: dict[str, Any]) -> str:
    """The new sites, what they come to, and who stays beyond by name."""
    when = answer["hour_name"] or "the whole week"
    lines = [
        f"{answer['goal']}: {answer['objective']:g} {answer['unit']} with {len(answer['sites'])} new sites beside "
        f"{answer['standing']} that stand; {_percent(answer['covered_share'])} of the demand of {when} has "
        f"{needed_text(answer)}"
    ]
    lines += [
        f"  {i:2}. {one['name']} ({one['kind']} {one['id']})" for i, one in enumerate(answer["sites"], 1)
    ]
    unit = "minutes" if answer["metres"] is None else "metres"
    for row in answer["beyond"][:5]:
        way = "no way leads there" if row[unit] is None else f"{row[unit]:g} {unit} would reach it"
        lines.append(f"  beyond every site: {row['name']} ({row['size']:g} {row['kind']}), {way}")
    if answer["beyond_count"]:
        lines.append(f"  beyond every site: {answer['beyond_count']} points in all")
    return "\n".join([*lines, "proved best" if answer["is_proved"] else f"the bound is {answer['bound']:g}"])


def choice_text(answer: dict[str, Any]) -> str:
    """The steps as a table, what greedy would have given, and whether it is proved."""
    lines = [
        f"covered rider-hours: {_percent(answer['before_share'])} → {_percent(answer['covered_share'])}, "
        f"{answer['added']:.0f} added for {answer['cost_yuan']:,.0f} yuan (prices are examples, 示例)"
    ]
    lines += [
        f"  {i:2}. {step['measure']:8} {step['name']}: +{step['added']:.0f} (alone {step['reach']:.0f}), "
        f"together {step['cumulative']:.0f}, {step['per_10000_yuan']:.0f} per 10,000 yuan"
        for i, step in enumerate(answer["steps"], 1)
    ]
    if not answer["steps"]:
        lines.append("nothing that could be chosen adds anything")
    proof = (
        "proved best" if answer["is_proved"] else f"at most {answer['gap_share']:.1%} below the best possible"
    )
    return "\n".join([*lines, f"{proof}; greedy adds {answer['greedy_added']:.0f}"])


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
