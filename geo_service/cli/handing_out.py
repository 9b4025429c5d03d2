"""The command that takes layers out of a district, in the form an app or an office wants."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import AS_JSON, DIRECTORY, cli, opened, read_settings
from geo_service.errors import InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts import District
    from geo_service.districts.handing_out import Choice
    from geo_service.exchange.outgoing import Export


class Target(NamedTuple):
    """Where to write: a file, or a folder, which need not be there yet if its name ends in a slash."""

    path: Path
    is_folder: bool


def _target(ctx: click.Context, param: click.Parameter, value: str | None) -> Target | None:
    if value is None:
        return None
    return Target(Path(value), value.endswith(os.sep) or Path(value).is_dir())


@cli.command()
@DIRECTORY
@click.option(
    "--layer", "layers", metavar="L", multiple=True, help="Layer to write; repeatable; default: all."
)
@click.option(
    "--format",
    "format_",
    metavar="F",
    help="Of the file; default: by the suffix of -o, or geojson.",
)
@click.option(
    "--datum",
    type=click.Choice(["wgs84", "gcj02", "bd09"]),
    default="wgs84",
    show_default=True,
    help="Of the coordinates in the file; gcj02 and bd09 only where a named target reads them.",
)
@click.option(
    "--status",
    "statuses",
    type=click.Choice(["active", "paused", "removed"]),
    multiple=True,
    help="Only these; repeatable; default: all, in files for map apps those not removed.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    callback=_target,
    help="File to write, or folder (with a slash at its end it is made); default: standard output.",
)
@AS_JSON
def export(
    directory: Path,
    layers: tuple[str, ...],
    format_: str | None,
    datum: Any,
    statuses: Any,
    output: Target | None,
    as_json: bool,
) -> None:
    """Take layers out as a file: the same layers give the same bytes on any day."""
    from geo_service.districts.handing_out import Choice
    from geo_service.exchange.outgoing import format_of, format_of_file

    _check_output(directory, output, datum)
    guessed = format_of_file(output.path).name if output and not (format_ or output.is_folder) else "geojson"
    choice = Choice(format_of(format_ or guessed).name, layers, datum, statuses)
    with opened(directory) as district:
        if output is None:
            _to_standard_output(_file(district, choice))
            return
        with progress_bar() as progress:
            progress("export", 0, 0)
            answers = [_written(district, one, output) for one in _files(district, choice, output)]
    answer: Any = answers[0] if len(answers) == 1 else answers
    print_answer(as_json, answer, "\n".join(map(_text, answers)))


def _check_output(directory: Path, target: Target | None, datum: str) -> None:
    if target is None:
        return
    output = target.path
    if output.resolve().is_relative_to(directory.resolve()):
        message = f"{output} lies inside the district {directory}; write to another place"
        raise InvalidInputError(message, parameter="-o", value=str(output))
    if datum != "wgs84" and not target.is_folder and datum not in output.name.lower():
        better = output.with_name(f"{output.stem}-{datum}{output.suffix}").name
        message = (
            f"{output.name} does not say that it is {datum}, and whoever opens it must know; name it {better}"
        )
        raise InvalidInputError(message, parameter="-o", value=str(output))


def _files(district: "District", choice: "Choice", output: Target) -> list["Choice"]:
    """One file, or in a folder one for each layer where the format holds no more."""
    from geo_service.districts.handing_out import chosen_layers
    from geo_service.exchange.outgoing import FORMATS

    if FORMATS[choice.format].holds_layers or not output.is_folder:
        return [choice]
    return [replace(choice, layers=(layer.name,)) for layer in chosen_layers(district, choice)]


def _file(district: "District", choice: "Choice") -> "Export":
    from geo_service.districts.district import link_settings
    from geo_service.districts.handing_out import hand_out

    return hand_out(district, choice, link_settings(read_settings()))


def _to_standard_output(file: "Export") -> None:
    is_text = file.media_type.startswith("text/") or file.media_type.endswith(("json", "xml"))
    if sys.stdout.isatty() and not is_text:
        message = f"{file.file_name} is no text for a terminal; say -o {file.file_name}"
        raise InvalidInputError(message, parameter="-o", value=None)
    sys.stdout.buffer.write(file.data)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        message = f"{path} cannot be made: {error.strerror}; choose a folder whose parent is there"
        raise InvalidInputError(message, parameter="-o", value=str(path)) from error


def _written(district: "District", choice: "Choice", output: Target) -> dict[str, Any]:
    from geo_service.districts.handing_out import chosen_layers
    from geo_service.districts.working_copy import write_atomically
    from geo_service.exchange.outgoing import FORMATS

    file = _file(district, choice)
    if output.is_folder:
        _make_folder(output.path)
    path = output.path / file.file_name if output.is_folder else output.path
    write_atomically(path, file.data)
    held = chosen_layers(district, choice)
    names = [layer.name for layer in held]
    alone = {"layer": names[0], "version": held[0].version} if len(names) == 1 else {}
    return {
        **alone,
        "layers": names,
        "left_out": [name for name in district.layer_names() if name not in names and not choice.layers],
        "format": choice.format,
        "datum": choice.datum,
        "features": file.n_features,
        "cannot_carry": FORMATS[choice.format].cannot._asdict(),
        "file": str(path),
    }


def _text(answer: dict[str, Any]) -> str:
    what = answer["layers"][0] if len(answer["layers"]) == 1 else f"{len(answer['layers'])} layers"
    lines = [f"wrote {answer['features']} features of {what} to {answer['file']} ({answer['datum']})"]
    if answer["left_out"]:
        lines.append(f"left out, for {answer['format']} does not hold areas: {', '.join(answer['left_out'])}")
    if answer["cannot_carry"]["en"]:
        lines.append(f"mind: {answer['cannot_carry']['en']}")
    return "\n".join(lines)
