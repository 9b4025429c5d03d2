"""Coverage of many districts at the command line: one table, kept as it grows."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import read_settings, refuse_inside, today
from geo_service.errors import InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts.plans.many import Tallied

MOST_WORKERS = 1024


class Many(NamedTuple):
    """What ``--all`` is told besides the question: who works, and where results go."""

    workers: int | None
    scheduler: str | None
    results: Path | None
    output: Path | None


def check_one(directories: tuple[Path, ...], many: Many) -> Path:
    """Give the one district of a question without ``--all``; refuse what only goes with it."""
    for name, value in (
        ("--workers", many.workers), ("--scheduler", many.scheduler), ("--results", many.results), ("-o", many.output),
    ):  # fmt: skip
        if value is not None:
            raise InvalidInputError(
                f"{name} goes with --all, for many districts", parameter=name, value=str(value)
            )
    if len(directories) != 1:
        raise InvalidInputError(
            f"{len(directories)} districts; give one, or --all for many",
            parameter="DIR",
            value=len(directories),
        )
    return directories[0]


def print_many(directories: tuple[Path, ...], many: Many, as_json: bool, **asked: Any) -> None:
    """Work out many districts, and write their table, also of what there is when somebody interrupts."""
    from geo_service.districts.plans.many import Crew, find_districts, tally_many
    from geo_service.districts.plans.tally import ages_of
    from geo_service.districts.plans.tally_table import check_table_format
    from geo_service.planning.parameters import Need, Parameters

    if many.output is None:
        raise InvalidInputError(
            "-o is missing; name the table of all districts, FILE.csv or FILE.xlsx", parameter="-o"
        )
    form = check_table_format(many.output.name)
    found = find_districts(directories)
    for directory in found:
        refuse_inside(directory, many.output)
        refuse_inside(directory, many.results or many.output)
    results = many.results or many.output.with_name(many.output.stem + "-districts")
    parameters = Parameters(
        Need(asked["layer"], asked["service"]), asked["week"] or today(), (), asked["profile"], asked["minutes"],
        asked["accept"],
    )  # fmt: skip
    crew = Crew(_workers(many, len(found)), many.scheduler)
    rows: dict[Path, Tallied] = {}
    try:
        with progress_bar() as report:
            report("districts", 0, len(found))
            for row in tally_many(found, parameters, ages_of(read_settings()), results, crew):
                rows[row.directory] = row
                report("districts", len(rows), len(found))
    finally:
        ready = [rows[directory] for directory in found if directory in rows]
        answer = _write(ready, len(found), parameters, crew, many.output, form, today())
        if len(ready) < len(found) and ready:
            click.echo(f"{answer['written']}: {len(ready)} of {len(found)} districts so far", err=True)
    print_answer(as_json, answer, many_text(answer))
    if answer["failed"]:
        raise SystemExit(1)


def _workers(many: Many, n_districts: int) -> int:
    import os

    workers = many.workers if many.workers is not None else min(os.cpu_count() or 1, n_districts)
    if not 1 <= workers <= MOST_WORKERS:
        raise InvalidInputError(
            f"--workers={workers}; give 1 to {MOST_WORKERS}", parameter="--workers", value=workers
        )
    return workers


def _write(
    ready: "list[Tallied]", total: int, parameters: Any, crew: Any, output: Path, form: str, on: date
) -> dict[str, Any]:
    from geo_service.districts.plans.tally_table import estimate, row_of, write_table
    from geo_service.districts.working_copy import write_atomically

    hands = {row.tally["worker"] for row in ready if row.outcome == "done"}
    cost = estimate(ready, crew.workers if crew.scheduler is None else max(1, len(hands)))
    if ready:
        write_atomically(output, write_table(ready, parameters, cost, on, form))
    outcomes = [row.outcome for row in ready]
    return {
        "written": str(output),
        "districts": total,
        **{outcome: outcomes.count(outcome) for outcome in ("done", "kept", "failed")},
        "estimate": cost,
        "rows": [row_of(row) | {"clock": row.tally.get("clock")} for row in ready],
    }


def many_text(answer: dict[str, Any]) -> str:
    """How many, which failed and why, what they cost, and where the table is."""
    lines = [
        f"{answer['districts']} districts: {answer['done']} worked out, {answer['kept']} known before, "
        f"{answer['failed']} failed"
    ]
    lines += [
        f"  {row['directory']}: {row['reason']}" for row in answer["rows"] if row["outcome"] == "failed"
    ]
    cost = answer["estimate"]
    if cost:
        lines.append(
            f"a district took {cost['cpu_s_median']:.1f} CPU seconds in the median, {cost['cpu_s_most']:.1f} at most, "
            f"and {cost['peak_mb_most']:.0f} MB at most"
        )
        lines.append(
            f"estimate: {cost['districts']:,} districts like these take {cost['cpu_hours']:.2f} CPU hours, "
            f"{cost['hours']:.2f} hours with {cost['workers']} workers; by size "
            f"{cost['cpu_s_per_10000_points']:.1f} CPU seconds per 10,000 demand points"
        )
    return "\n".join([*lines, f"wrote {answer['written']}"])
