"""Command of a planner: one hour of coverage as it lies on the streets."""

import json
from pathlib import Path
from typing import Any

import click

from geo_service.cli.output import print_answer
from geo_service.cli.planning import needed_text, plan_options, planning
from geo_service.cli.words import DIRECTORY, cli, refuse_inside
from geo_service.errors import InvalidInputError

ALL_PARTS = "service_areas,gaps,catchments,streets,demand,trust"


@cli.command()
@DIRECTORY
@plan_options
@click.option("--hour", default="Mo-14", show_default=True, help="Hour of the week, such as Mo-02.")
@click.option("--parts", default=ALL_PARTS, show_default=True, help="What to draw, separated by commas.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="GeoJSON file to write.")
def areas(directory: Path, as_json: bool, hour: str, parts: str, output: Path | None, **asked: Any) -> None:
    """Who has an open place near in one hour: service areas, gaps, catchments, streets and demand as GeoJSON."""
    from geo_service.districts.plans.areas import areas_json, join_areas
    from geo_service.districts.working_copy import write_atomically
    from geo_service.planning.week import parse_hour

    if output is None and not as_json:
        raise InvalidInputError(
            "areas are GeoJSON: give -o FILE.geojson, or --json to print them", parameter="-o"
        )
    if output is not None:
        refuse_inside(directory, output)
    wanted = parse_hour(hour)
    with planning(directory, asked) as planner:
        found = join_areas(areas_json(planner, wanted, parts.split(",")))
    if output is not None:
        write_atomically(output, json.dumps(found, ensure_ascii=False).encode())
    print_answer(as_json, found, "\n".join([_text(found), *([f"wrote {output}"] if output else [])]))
    if not found["open_places"]:
        raise SystemExit(1)


def _text(found: dict[str, Any]) -> str:
    """What was drawn, and the shares of those who have one place, and two."""
    lines = [
        f"{needed_text(found)} ({found['profile']}), {found['hour_name']} of "
        f"{found['date']}: {found['open_places']} open, {len(found['features'])} features"
    ]
    for feature in found["features"]:
        told = feature["properties"]
        if told["part"] == "service_area" and told["street_share"] is not None:
            riders = "none" if told["rider_share"] is None else f"{told['rider_share']:.1%}"
            lines.append(
                f"  {told['at_least_places']} or more near: {told['street_share']:.1%} of the streets "
                f"({told['street_m'] / 1000:.1f} km), {riders} of the riders"
            )
        elif told["part"] == "gap" and told["riders"] > 0 and len(lines) < 8:
            lines.append(
                f"  gap: {told['riders']:.1f} riders, {told['street_m'] / 1000:.1f} km of street: {told['names']}"
            )
    if "says" in found:
        lines.append(f"  {found['says']['en']}")
    return "\n".join(lines)
