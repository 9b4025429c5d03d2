"""Commands that tell what needs care: is all well, what to verify next, who shows our places; and tidy up."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import AS_JSON, DIRECTORY, TimeType, cli, now, opened, read_settings, today

if TYPE_CHECKING:
    from geo_service.desk.listing import VendorListing
    from geo_service.desk.rota import Due
    from geo_service.districts import District
    from geo_service.layers import Place


@cli.command()
@DIRECTORY
@click.option("--at", type=TimeType(), default="now", help="Instant for which facts are judged.")
@click.option("--standard", metavar="NAME", help="Only hold stations to this standard: what each lacks.")
@AS_JSON
def check(directory: Path, at: datetime, standard: str | None, as_json: bool) -> None:
    """Is all well: store, working copy, streets, places, hours, facts too old, reports from the spot."""
    from geo_service.desk.standards import find_standard
    from geo_service.districts.ages import check_ages
    from geo_service.districts.checks import check_district, judge_district

    rules = find_standard(standard) if standard is not None else None
    with opened(directory) as district, progress_bar() as progress:
        findings = (
            judge_district(district, rules)
            if rules
            else check_district(district, at, check_ages(read_settings()), progress)
        )
    answer = [
        {"level": f.level, "subject": f.subject, "message": f.message, "facts": f.facts} for f in findings
    ]
    print_answer(as_json, answer, "\n".join(f"{f.level:8}{f.subject:16}{f.message}" for f in findings))
    if any(f.level == "error" for f in findings):
        raise SystemExit(1)


@cli.command()
@DIRECTORY
@click.option("--layer", metavar="L", help="Only this layer.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many.")
@AS_JSON
def due(directory: Path, layer: str | None, limit: int, as_json: bool) -> None:
    """What to verify next, the stalest first, each kind of fact by its own clock."""
    from geo_service.desk.rota import due_checks
    from geo_service.districts.ages import check_ages

    with opened(directory) as district:
        doubted = district.standing().by_place
        places = _places(district, [layer] if layer else district.layer_names())
        found = due_checks(places, check_ages(read_settings()), today())
    reports = [place.id for place in places if place.id in doubted]
    results = [_due_json(one) for one in found[:limit]]
    answer = {"due": len(found), "reports": reports, "results": results}
    lines = [f"reports from the spot wait: {', '.join(reports)}"] if reports else []
    lines += [_due_line(one) for one in found[:limit]]
    if len(found) > limit:
        lines.append(f"and {len(found) - limit} more; --limit {len(found)} shows all")
    print_answer(as_json, answer, "\n".join(lines) or "nothing is due")


@cli.command()
@DIRECTORY
@click.option("--layer", metavar="L", default="station", show_default=True, help="Layer asked about.")
@AS_JSON
def listing(directory: Path, layer: str, as_json: bool) -> None:
    """What share of the places each map vendor shows, as far as somebody looked, and since when."""
    from geo_service.desk.listing import report_listing
    from geo_service.layers import is_active

    with opened(directory) as district:
        places = [place for place in _places(district, [layer]) if is_active(place, today())]
    report = report_listing(places)
    answer = {"layer": layer, "places": len(places), "vendors": [_vendor_json(one) for one in report]}
    nobody = f"nobody has looked yet whether a vendor shows the {len(places)} places of {layer}"
    print_answer(as_json, answer, "\n".join(_vendor_line(one) for one in report) or nobody)


@cli.command()
@DIRECTORY
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Stores that were set aside longer ago than this are deleted; default 30.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, let go of nothing.")
@AS_JSON
def tidy(directory: Path, days: int | None, dry_run: bool, as_json: bool) -> None:
    """Let go of ended sessions, leftovers of broken-off work, old stores set aside; never of history."""
    from geo_service.districts.tidying import KEPT_DAYS
    from geo_service.districts.tidying import tidy as tidy_district

    with opened(directory) as district, progress_bar() as progress:
        progress("tidy", 0, 0)
        kept_days = KEPT_DAYS if days is None else days
        gone = tidy_district(district, now(), days=kept_days, is_dry_run=dry_run)
    answer = {"applied": not dry_run, "gone": [one._asdict() for one in gone]}
    did = "would go" if dry_run else "gone"
    lines = [f"{did}: {one.name} ({one.what}, {one.amount} {one.unit})" for one in gone]
    print_answer(as_json, answer, "\n".join(lines) or "nothing to tidy")


@cli.group()
def store() -> None:
    """Where a district keeps its layers."""


@store.command("move")
@DIRECTORY
@click.option(
    "--to", "to", required=True, metavar="URL|sqlite", help="postgresql://user@host/database, or sqlite."
)
@AS_JSON
def store_move(directory: Path, to: str, as_json: bool) -> None:
    """Move places, history, accounts and notes to another database; the old store is kept and refuses edits."""
    from geo_service.districts.stores import move_store

    with progress_bar() as progress:
        rows = move_store(directory, to, progress)
    with opened(directory) as district:
        place = district.store.place  # without the password that the URL may hold
    moved = ", ".join(f"{count} {table}" for table, count in rows.items() if count)
    text = f"moved to {place}: {moved}" if rows else f"all was there already; the district now uses {place}"
    text += "\nstart running servers again: the old store takes no edit any more"
    print_answer(as_json, {"store": place, "rows": rows}, text)


def _places(district: "District", layers: Sequence[str]) -> "list[Place]":
    from geo_service.layers import Place

    return [one for name in layers for one in district.places(name).features if isinstance(one, Place)]


def _due_json(one: "Due") -> dict[str, Any]:
    return {
        "id": one.place.id,
        "layer": one.place.layer,
        "name": one.place.name,
        "kind": one.kind,
        "checked_on": one.checked_on.isoformat() if one.checked_on else None,
        "age_share": round(one.age_share, 2) if one.checked_on else None,
    }


def _due_line(one: "Due") -> str:
    since = f"since {one.checked_on} ({one.age_share:.1f} x its limit)" if one.checked_on else "never checked"
    return f"{one.kind:10}{one.place.layer}/{one.place.id} {one.place.name}  {since}"


def _vendor_json(one: "VendorListing") -> dict[str, Any]:
    return {
        "vendor": one.vendor,
        "shown_share": None if one.shown_share is None else round(one.shown_share, 4),
        "places": one.n_places,
        "shown": one.n_shown,
        "wrong": one.n_wrong,
        "absent": one.n_absent,
        "unknown": one.n_unknown,
        "oldest_check": one.oldest_check.isoformat() if one.oldest_check else None,
        "newest_check": one.newest_check.isoformat() if one.newest_check else None,
    }


def _vendor_line(one: "VendorListing") -> str:
    share = "nobody looked" if one.shown_share is None else f"{one.shown_share:.0%} of those looked for"
    days = f"checked {one.oldest_check} to {one.newest_check}" if one.oldest_check else "no check is dated"
    return (
        f"{one.vendor:10}{share}: {one.n_shown} shown rightly, {one.n_wrong} wrongly, {one.n_absent} not found, "
        f"{one.n_unknown} of {one.n_places} not looked for; {days}"
    )
