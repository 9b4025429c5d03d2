"""Commands for lists of strangers: into a layer, twins in it, and a layer beside a map vendor's list."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import AS_JSON, DIRECTORY, cli, now, opened, read_settings, refuse_inside
from geo_service.errors import InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts import District
    from geo_service.districts.changes import ChangeReport
    from geo_service.districts.importing import Order, Preview
    from geo_service.exchange.intake import ImportPlan
    from geo_service.exchange.twins import Twin

_MOST_LINES = 200
Line = tuple[str, str, str, str]
"""One row of a table for a person: what, where in the file, which place, and why or how."""


class ColumnType(click.ParamType[tuple[str, str]]):
    """COLUMN=FIELD; an empty field leaves the column out."""

    name = "COLUMN=FIELD"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read the text, or refuse it by name."""
        column, sign, name = ("", "", "") if isinstance(value, tuple) else value.rpartition("=")
        if isinstance(value, tuple):
            return value
        if not sign or not column:
            raise InvalidInputError(
                f"--map={value!r} is not COLUMN=FIELD; write for example 站名=name",
                parameter="--map",
                value=value,
            )
        return column, name.strip()


DATUM_OF_FILE = click.option(
    "--datum",
    type=click.Choice(["auto", "wgs84", "gcj02", "bd09"]),
    default="auto",
    show_default=True,
    help="Datum of the file; auto holds it against the streets, and asks when that leaves a doubt.",
)
SHEET = click.option(
    "--sheet", metavar="NAME", default="", help="Sheet of a workbook, layer of a GeoPackage."
)
COLUMNS = click.option(
    "--map",
    "chosen",
    type=ColumnType(),
    multiple=True,
    help="What a column holds where the guess is wrong; nothing after = leaves it out; repeatable.",
)
SWAPPED = click.option(
    "--swapped/--not-swapped",
    default=None,
    help="Longitude and latitude stand in each other's column; default: as remembered of the source, else not.",
)


@cli.command("import")
@DIRECTORY
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--layer", metavar="L", help="Layer the rows belong to.")
@click.option(
    "--datum",
    type=click.Choice(["auto", "wgs84", "gcj02", "bd09", "rows"]),
    default="auto",
    show_default=True,
    help="Datum of the file; auto holds it against the streets, and asks when that leaves a doubt; rows reads each"
    " row as it was found, for mixed lists.",
)
@SHEET
@COLUMNS
@SWAPPED
@click.option("--source", metavar="NAME", default="", help="What the source is called; default: as the file.")
@click.option("--complete", is_flag=True, help="The list is whole: places it does not have are removed.")
@click.option("--skip-bad", is_flag=True, help="Import the good rows; else one bad row stops all.")
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
    sheet: str,
    chosen: tuple[tuple[str, str], ...],
    swapped: bool | None,
    source: str,
    complete: bool,
    skip_bad: bool,
    from_osm: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring a list of any known format into a layer, as one change: new places, changed fields, nothing else."""
    if from_osm:
        _import_osm(directory, file, dry_run, as_json)
        return
    if file is None or layer is None:
        raise InvalidInputError(
            "FILE and --layer are needed, or --from-osm",
            parameter="FILE" if file is None else "--layer",
            value=None,
        )
    from geo_service.districts.importing import Order

    settled: Any = datum
    order = Order(layer, settled, sheet, source, "", dict(chosen), swapped, complete, skip_bad)
    _import_list(directory, file, order, dry_run, as_json)


def _import_list(directory: Path, file: Path, order: "Order", dry_run: bool, as_json: bool) -> None:
    from geo_service.districts.importing import apply_import, look_at

    at = now()
    with opened(directory) as district, progress_bar() as progress:
        preview = look_at(district, file, order, at=at, progress=progress)
        done = None if dry_run else apply_import(district, preview, actor="cli", at=at)
    answer = preview.to_json() | {"applied": done is not None}
    if done is not None:
        answer["change_id"] = done.change_id
    print_answer(as_json, [answer], preview_text(preview, is_applied=done is not None))
    if dry_run and not order.skip_bad:
        preview.plan.check()


def _import_osm(directory: Path, file: Path | None, dry_run: bool, as_json: bool) -> None:
    from geo_service.districts.changes import import_osm
    from geo_service.network.features import load_features

    with opened(directory) as district:
        if file:
            from geo_service.network.osm import read_osm_file

            with progress_bar() as progress:
                features = read_osm_file(file, progress=progress).features
        else:
            features = load_features(directory / "osm")
        reports = import_osm(district, features, at=now(), actor="cli", is_dry_run=dry_run)
    print_answer(
        as_json, [report.to_json() for report in reports], "\n".join(_osm_text(report) for report in reports)
    )


def _osm_text(report: "ChangeReport") -> str:
    did = "" if report.is_applied else "would be: "
    line = (
        f"{report.layer}: {did}{len(report.added)} added, {len(report.changed)} changed, "
        f"{len(report.removed)} removed, {report.unchanged} unchanged"
    )
    return "\n".join([line, *(f"  {key}: {', '.join(fields)}" for key, fields in report.changed)])


# --- what an import does, for a person -------------------------------------------------------


def preview_text(preview: "Preview", *, is_applied: bool) -> str:
    """Say what an import did or would do: one line of counts, then a table with the reasons."""
    plan, table = preview.plan, preview.table
    did = "" if is_applied else "would be: "
    head = (
        f"{plan.layer}: {did}{len(plan.added)} added, {len(plan.changed)} changed, "
        f"{len(plan.removed)} removed, {plan.unchanged} unchanged"
    )
    rest = ((len(plan.bad_rows), "refused"), (len(plan.unplaced), "without a position, kept aside"))
    head += "".join(f", {count} {words}" for count, words in rest if count)
    form = " ".join(word for word in (table.format, table.encoding, table.sheet) if word)
    lines = [head, f"read as {form}, {plan.datum}, source {plan.source!r}"]
    lines += _column_lines(preview)
    if preview.diagnosis:
        lines += [one.en for one in preview.diagnosis.sentences]
    lines += [f"note: {warning}" for warning in plan.warnings]
    return "\n".join([*lines, *table_text(list(_plan_lines(plan)))])


def _column_lines(preview: "Preview") -> Iterator[str]:
    if preview.table.has_features:
        return
    taken = [f"{one.column}={one.field}" for one in preview.columns.mapping.columns if one.field]
    left = [f"{one.column} ({one.reason})" for one in preview.columns.mapping.columns if not one.field]
    how = "remembered" if preview.columns.is_remembered else "guessed"
    yield f"columns ({how}): {', '.join(taken)}"
    if left:
        yield f"left out: {', '.join(left)}"


def _plan_lines(plan: "ImportPlan") -> Iterator[Line]:
    yield from (("refused", one.where, one.column, f"{one.value}: {one.reason}") for one in plan.refused)
    yield from (("unplaced", one.where, one.name, one.address) for one in plan.unplaced)
    yield from (("added", one.where, one.feature.name, one.feature.id) for one in plan.added)
    for one in plan.changed:
        for change in one.fields:
            yield "changed", one.where, one.after.name, f"{change.field}: {change.before} → {change.after}"
    yield from (("removed", "", feature.name, feature.id) for feature in plan.removed)
    for kept in plan.kept:
        yield "kept", kept.where, kept.id, f"{kept.field}: the desk says {kept.desk}, the file {kept.file}"
    yield from (("left out", one.where, one.column, f"{one.value}: {one.reason}") for one in plan.left_out)


def table_text(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay texts out in columns, as wide as a terminal shows them; the last column ends where it ends."""
    from rich.cells import cell_len

    shown = [[" ".join(str(cell).split()) for cell in row] for row in rows[:_MOST_LINES]]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)] if shown else []
    lines = [
        "  "
        + "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in shown
    ]
    more = len(rows) - len(shown)
    return [*lines, f"  … and {more} more lines; --json has all of them"] if more > 0 else lines


# --- twins, and a vendor's list ----------------------------------------------------------------


@cli.command()
@DIRECTORY
@click.option("--layer", "layers", metavar="L", multiple=True, help="Only in this layer; repeatable.")
@click.option(
    "--merge", nargs=2, metavar="A B", help="Make one place of these two ids: A stays, B is removed softly."
)
@click.option("--all", "with_apart", is_flag=True, help="Also pairs that somebody said are two places.")
@AS_JSON
def twins(
    directory: Path, layers: tuple[str, ...], merge: tuple[str, str] | None, with_apart: bool, as_json: bool
) -> None:
    """Find places that may be one, with both values side by side; --merge makes one of two."""
    from geo_service.districts.comparing import find_pairs, merge_pair
    from geo_service.store.base import Author

    with opened(directory) as district:
        if merge:
            kept = merge_pair(district, *merge, author=Author("cli", "admin", "twins", now()))
            print_answer(
                as_json, {"keep": kept.id, "removed": merge[1]}, f"{merge[1]} is merged into {kept.id}"
            )
            return
        pairs = find_pairs(district, layers, with_apart=with_apart)
    text = "\n".join(line for pair in pairs for line in _twin_lines(pair))
    print_answer(as_json, [pair.to_json() for pair in pairs], text or "no two places look like one")


def _twin_lines(twin: "Twin") -> list[str]:
    keep, remove = twin.keep, twin.remove
    head = f"{twin.score:.2f}  {twin.apart_m:.0f} m  {', '.join(twin.evidence)}"
    rows = [("", f"{keep.layer}/{keep.id}", f"{remove.layer}/{remove.id}")]
    rows += [(name, _shown(mine), _shown(other)) for name, (mine, other) in twin.fields.items()]
    return [head, *table_text(rows)]


def _shown(value: object) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


@cli.command()
@DIRECTORY
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layer", metavar="L", required=True, help="Our layer.")
@click.option(
    "--vendor",
    type=click.Choice(["amap", "baidu", "tencent"]),
    required=True,
    help="Whose list it is: says which foreign ids are compared.",
)
@DATUM_OF_FILE
@SHEET
@COLUMNS
@SWAPPED
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Work list to write: .csv or .xlsx; else shown."
)
@AS_JSON
def compare(
    directory: Path,
    file: Path,
    layer: str,
    vendor: str,
    datum: str,
    sheet: str,
    chosen: tuple[tuple[str, str], ...],
    swapped: bool | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Hold a layer against a map vendor's list: missing there, missing here, moved, renamed, other hours."""
    from geo_service.districts.comparing import compare_list, work_file, work_rows
    from geo_service.districts.importing import Order
    from geo_service.districts.working_copy import write_atomically

    settled: Any = datum
    if output:
        refuse_inside(directory, output)
    with opened(directory) as district, progress_bar() as progress:
        order = Order(layer, settled, sheet, fields=dict(chosen), is_swapped=swapped)
        compared = compare_list(district, file, order, vendor, progress=progress)
        rows = work_rows(compared, _link_to(district))
        if output:
            write_atomically(output, work_file(rows, output.suffix.lstrip(".").lower(), now().date()))
    answer = compared.to_json() | {"work": rows, "output": str(output) if output else None}
    left = [f"  not compared  {where}: {reason}" for where, reason in compared.skipped]
    lines = [
        compared.words(),
        *left,
        *(table_text([tuple(row.values()) for row in rows]) if not output else []),
    ]
    print_answer(as_json, answer, "\n".join([*lines, *([f"wrote {output}"] if output else [])]))


def _link_to(district: "District") -> Any:
    """The address of a place's page where the server's own address is known, else its id."""
    base = read_settings().public_url
    return (lambda key: f"{base.rstrip('/')}/{district.id}/p/{key}") if base else str
