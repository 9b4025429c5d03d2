"""Commands that ask: nearest, on the way, within range, the way, links into map apps."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from geo_service.cli.output import minutes_text, nearest_text, print_answer
from geo_service.cli.words import (
    ACCEPT,
    AS_JSON,
    AT,
    DATUM,
    DIRECTORY,
    LAYER,
    OPERATOR,
    PROFILE,
    SERVICES,
    LonLat,
    LonLatType,
    cli,
    opened,
    read_settings,
    to_wgs84,
)
from geo_service.errors import InvalidInputError


@cli.command()
@DIRECTORY
@click.option("--from", "origin", type=LonLatType(), required=True, help="Where the rider is.")
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
    with opened(directory) as district:
        answer = district.nearest(
            origin=to_wgs84(origin, datum),
            layer=layer,
            at=at,
            k=k,
            profile=profile,
            service=services,
            operator=operator,
            accept=accept,
        )
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
    with opened(directory) as district:
        answer = district.onway(
            origin=to_wgs84(origin, datum),
            destination=to_wgs84(destination, datum),
            service=services,
            **wishes,
        )
    lines = [f"without a stop: {minutes_text(answer['direct_s'])}"]
    lines += [
        f"{rank}. {result['name']}  +{minutes_text(result['added_s'])}  there in {minutes_text(result['cost_s'])}  "
        f"{result['state']}"
        for rank, result in enumerate(answer["results"], start=1)
    ]
    print_answer(
        as_json, answer, "\n".join(lines if answer["results"] else [*lines, "no stop is open on the way"])
    )
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
    with opened(directory) as district:
        answer = district.within_range(
            origin=to_wgs84(origin, datum), via=via and to_wgs84(via, datum), service=services, **wishes
        )
    print_answer(as_json, answer, nearest_text(answer) or "none within range")
    if not answer["results"]:
        raise SystemExit(1)


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
