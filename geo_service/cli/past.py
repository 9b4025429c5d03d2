"""Commands that look back and bring back: what changed, take a change back, a state or a backup again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import AS_JSON, DIRECTORY, cli, now, opened, refuse_inside
from geo_service.errors import InvalidInputError, StaleEditError

if TYPE_CHECKING:
    from geo_service.districts import District
    from geo_service.store.base import Applied, Author, Change, Store

SHOWN = 10
"""Features of one change that a person is shown."""


@cli.command()
@DIRECTORY
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write, outside of DIR."
)
@AS_JSON
def backup(directory: Path, output: Path, as_json: bool) -> None:
    """Write places, history, accounts and notes into one file, and read it back; others may go on working."""
    from geo_service.districts.config import read_config
    from geo_service.districts.stores import back_up

    read_config(directory / "district.toml")
    refuse_inside(directory, output)
    with progress_bar() as progress:
        layers = back_up(directory, output, progress)
    n_bytes = output.stat().st_size
    answer = {"file": str(output), "bytes": n_bytes, "layers": layers}
    held = ", ".join(f"{count} {layer}" for layer, count in layers.items()) or "no places yet"
    print_answer(as_json, answer, f"wrote {output} ({n_bytes / 1e6:.1f} MB, read back whole): {held}")


@cli.command()
@DIRECTORY
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--change", type=int, metavar="N", help="Every layer as it was just after this change.")
@click.option("--layer", metavar="L", help="One layer, with --version; with --id one feature of it.")
@click.option("--id", "id_", metavar="ID", help="One feature, removed or not.")
@click.option("--version", type=int, metavar="V", help="Version of the layer; history lists them.")
@AS_JSON
def restore(
    directory: Path,
    file: Path | None,
    change: int | None,
    layer: str | None,
    id_: str | None,
    version: int | None,
    as_json: bool,
) -> None:
    """Bring back a backup FILE, or a state of the history: of all layers, of one, of one feature."""
    is_state = layer is not None and version is not None
    if (file is not None) + (change is not None) + is_state != 1 or (
        not is_state and (layer is not None or id_ is not None or version is not None)
    ):
        raise InvalidInputError(
            "say one of: FILE; --change N; --layer L --version V; --layer L --id ID --version V",
            parameter="FILE",
            value=None,
        )
    if file is not None:
        _restore_backup(directory, file, as_json)
        return
    _restore_state(directory, (change, layer, id_, version), as_json)


def _restore_backup(directory: Path, file: Path, as_json: bool) -> None:
    from geo_service.districts.stores import restore_backup

    with progress_bar() as progress:
        progress("look through", 0, 0)
        rows = restore_backup(directory, file, progress)
    with opened(directory) as district:
        layers = {info.name: info.count for info in district.store.layers()}
        waiting = _follow(district, list(layers))
    answer = {"file": str(file), "rows": rows, "layers": layers, "waiting_for_sync": waiting}
    held = ", ".join(f"{count} {layer}" for layer, count in layers.items()) or "no places"
    lines = [f"restored {file}: {held}; {rows['changes']} changes of history"]
    lines.append("the store that was there is kept; geo-service tidy lets go of it when it is old")
    print_answer(as_json, answer, "\n".join(lines + _waiting_lines(waiting)))


def _restore_state(
    directory: Path, asked: tuple[int | None, str | None, str | None, int | None], as_json: bool
) -> None:
    from geo_service.store.verbs import restore_district, restore_feature, restore_layer

    change, layer, id_, version = asked
    with opened(directory) as district:
        store = district.store
        if layer is None or version is None:
            author = _author(f"restore to change {change}")
            applied = restore_district(store, change or 0, author)
        elif id_ is None:
            applied = restore_layer(store, layer, version, _author(f"restore {layer} to version {version}"))
        else:
            author = _author(f"restore {id_} to version {version}")
            applied = restore_feature(store, layer, id_, version, author)
        _say_done(district, applied, "restored", as_json)


@cli.command()
@DIRECTORY
@click.argument("change", type=int)
@AS_JSON
def undo(directory: Path, change: int, as_json: bool) -> None:
    """Take one change back, such as an import; what others changed since in other fields stays."""
    from geo_service.districts.importing import undo_change

    with opened(directory) as district:
        try:
            applied = undo_change(district, change, _author(f"undo of change {change}"))
        except StaleEditError as error:
            why = error.message.partition(" (now at")[0]
            raise StaleEditError(
                f"change {change} cannot be undone: {why}; "
                f"see geo-service history {directory} --id {error.facts.get('id')}",
                **error.facts,
            ) from error
        _say_done(district, applied, f"undid change {change}", as_json)


@cli.command()
@DIRECTORY
@click.option("--layer", metavar="L", help="Only changes of this layer.")
@click.option("--id", "id_", metavar="ID", help="Only changes of this feature.")
@click.option("--change", type=int, metavar="N", help="Only this change, whole.")
@click.option("--before", type=int, metavar="N", help="Only changes before this one.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many changes."
)
@AS_JSON
def history(
    directory: Path,
    layer: str | None,
    id_: str | None,
    change: int | None,
    before: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """Who changed what and when, newest first, field by field."""
    with opened(directory) as district:
        if layer is not None:
            district.store.layer(layer)
        if id_ is not None and not district.store.history(layer, id_, 1):
            raise InvalidInputError(
                f"--id {id_} never was in {layer or 'any layer'}", parameter="id", value=id_
            )
        if change is not None and not district.store.history(layer, id_, 1, change_id=change):
            raise InvalidInputError(f"--change {change} is no change here", parameter="change", value=change)
        if change is not None:
            found = [district.store.history(layer, id_, change_id=change)]
        else:
            found = [*_changes(district.store, layer, id_, before, limit)]
    answer = [_change_json(parts) for parts in found]
    most = None if change is not None else SHOWN
    lines = [line for one in answer for line in _change_lines(one, most)]
    print_answer(as_json, answer, "\n".join(lines) or "nothing has changed yet")


def _changes(
    store: "Store", layer: str | None, id_: str | None, before: int | None, limit: int
) -> "Iterator[tuple[Change, ...]]":
    """Whole changes, however many features each of them touched."""
    for _ in range(limit):
        newest = store.history(layer, id_, 1, before=before)
        if not newest:
            return
        before = newest[0].id
        yield store.history(layer, id_, change_id=before)


def _change_json(parts: "Sequence[Change]") -> dict[str, Any]:
    from geo_service.hours import SHANGHAI

    first = parts[0]
    return {
        "change": first.id,
        "at": first.at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "actor": first.actor,
        "role": first.role,
        "source": first.source,
        "features": [_part_json(part) for part in reversed(parts)],
    }


def _part_json(part: "Change") -> dict[str, Any]:
    from geo_service.layers import differences

    gone = part.after is None or part.after.status == "removed"
    new = part.before is None or part.before.status == "removed"
    either = part.after or part.before
    return {
        "layer": part.layer,
        "id": part.feature_id,
        "name": either.name if either else "",
        "version": part.version,
        "did": "removed" if gone else "added" if new else "changed",
        "fields": []
        if part.before is None or part.after is None
        else [
            {"field": one.field, "before": one.before, "after": one.after}
            for one in differences(part.before, part.after)
        ],
    }


def _change_lines(change: dict[str, Any], most: int | None) -> Iterator[str]:
    at = change["at"][:16].replace("T", " ")
    parts = change["features"]
    yield f"change {change['change']}  {at}  {change['actor']} ({change['role']})  {change['source']}"
    for part in parts[:most]:
        yield f"  {part['did']:8}{part['layer']}/{part['id']} {part['name']} (version {part['version']})"
        for one in part["fields"]:
            yield f"    {one['field']}: {_short(one['before'])} -> {_short(one['after'])}"
    if most is not None and len(parts) > most:
        yield f"  and {len(parts) - most} more: --change {change['change']}"


def _short(text: str) -> str:
    return (text if len(text) <= 80 else text[:77] + "...") or "(nothing)"


def _author(source: str) -> "Author":
    from geo_service.store.base import Author

    return Author("cli", "admin", source, now())


def _say_done(district: "District", applied: "Applied", did: str, as_json: bool) -> None:
    """Rewrite the files of the layers concerned, and say what came of it."""
    waiting = _follow(district, list(applied.versions))
    counts: dict[str, int] = {}
    if applied.change_id is not None:
        for part in district.store.history(change_id=applied.change_id):
            counts[part.layer] = counts.get(part.layer, 0) + 1
    answer = {"change": applied.change_id, "features": counts, "waiting_for_sync": waiting}
    if applied.change_id is None:
        text = f"{did}: nothing differed"
    else:
        touched = ", ".join(f"{count} {layer}" for layer, count in counts.items())
        text = f"{did}, as change {applied.change_id}: {touched}"
    print_answer(as_json, answer, "\n".join([text, *_waiting_lines(waiting)]))


def _follow(district: "District", layers: Sequence[str]) -> list[str]:
    from geo_service.districts.working_copy import write_working_copy

    return [name for name in layers if not write_working_copy(district.directory, district.store, name)]


def _waiting_lines(waiting: Sequence[str]) -> list[str]:
    return [f"layers/{name}.geojson was changed by hand and waits for geo-service sync" for name in waiting]
