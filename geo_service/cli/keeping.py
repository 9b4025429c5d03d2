"""Commands that keep what is there: the working copy and the store in step."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_service.cli.output import print_answer
from geo_service.cli.words import AS_JSON, DIRECTORY, cli, now, opened
from geo_service.errors import InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts import District
    from geo_service.districts.working_copy import Side, Synced


@cli.command()
@DIRECTORY
@click.option("--layer", "layers", metavar="L", multiple=True, help="Only this layer; repeat for several.")
@click.option(
    "--prefer",
    type=click.Choice(["file", "store"]),
    help="Which side wins where both changed the same field; default: stop and name the fields.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, change nothing.")
@AS_JSON
def sync(directory: Path, layers: tuple[str, ...], prefer: str | None, dry_run: bool, as_json: bool) -> None:
    """Take in what was changed in layers/*.geojson by hand, by a GIS or by git, field by field."""
    from geo_service.districts.working_copy import clash_json, sync_layer

    side: Side | None = "file" if prefer == "file" else "store" if prefer == "store" else None
    with opened(directory) as district:
        at, names = now(), _layers_to_sync(district, layers)

        def look(name: str, *, is_dry_run: bool) -> "Synced":
            return sync_layer(
                directory, district.store, name, actor="cli", at=at, prefer=side, is_dry_run=is_dry_run
            )

        done = [look(name, is_dry_run=True) for name in names]  # one broken file or clash stops all layers
        is_stopped = dry_run or (side is None and any(synced.clashes for synced in done))
        if not is_stopped:
            done = [look(name, is_dry_run=False) for name in names]
    answer = [
        {
            "layer": synced.layer,
            "added": [edit.id for edit in synced.edits if edit.before is None],
            "changed": [edit.id for edit in synced.edits if edit.before and edit.after],
            "removed": [edit.id for edit in synced.edits if edit.after is None],
            "clashes": [clash_json(clash) for clash in synced.clashes],
            "rewritten": synced.is_rewritten and not is_stopped,
            "applied": not is_stopped,
        }
        for synced in done
    ]
    print_answer(
        as_json, answer, "\n".join(line for synced in done for line in _lines(synced, side, is_stopped))
    )
    if side is None and any(synced.clashes for synced in done):
        raise SystemExit(1)  # a dry run ends as the sync itself would


@cli.group()
def account() -> None:
    """Accounts of a district's desk."""


@account.command("add")
@DIRECTORY
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "verifier", "editor", "admin"]),
    default="viewer",
    show_default=True,
    help="What the account may do; the table is in the desk's guide.",
)
@click.option("--layer", "layers", metavar="L", multiple=True, help="Layer that an editor is named for.")
@click.option("--place", "places", metavar="ID", multiple=True, help="Place that a verifier is named for.")
@AS_JSON
def account_add(
    directory: Path, name: str, role: str, layers: tuple[str, ...], places: tuple[str, ...], as_json: bool
) -> None:
    """Make an account and say its first password, which is asked to be changed at the first sign-in."""
    from geo_service.desk.accounts import create_account, first_password

    with opened(directory) as district:
        district.store.features(places)
        password = first_password()
        made = create_account(district.store, name, password, role, layers=layers, places=places, at=now())
        path = f"/{district.id}/desk/"
    answer = {"name": made.name, "role": made.role, "first_password": password, "desk": path}
    print_answer(
        as_json,
        answer,
        f"made {made.name} ({made.role}); first password, said this once: {password}\nsign in at {path}",
    )


@account.command("list")
@DIRECTORY
@AS_JSON
def account_list(directory: Path, as_json: bool) -> None:
    """List the accounts."""
    with opened(directory) as district:
        found = district.store.accounts()
    answer = [
        {
            "name": one.name,
            "role": one.role,
            "layers": list(one.layers),
            "places": list(one.places),
            "active": one.is_active,
        }
        for one in found
    ]
    lines = [
        f"{one.name:24}{one.role:10}{'' if one.is_active else 'off '}{' '.join(one.layers + one.places)}"
        for one in found
    ]
    print_answer(as_json, answer, "\n".join(lines) or "no account yet; make one with geo-service account add")


@account.command("off")
@DIRECTORY
@click.argument("name")
@AS_JSON
def account_off(directory: Path, name: str, as_json: bool) -> None:
    """Switch an account off and end its sessions; the history keeps its name."""
    from geo_service.desk.accounts import change_account, find_account

    with opened(directory) as district:
        found = find_account(district.store, name)
        change_account(
            district.store, name, role=found.role, layers=found.layers, places=found.places, is_active=False
        )
    print_answer(as_json, {"name": name, "active": False}, f"{name} is switched off")


def _layers_to_sync(district: "District", asked: tuple[str, ...]) -> list[str]:
    """Layers of the store, and those that exist as a file only."""
    for name in asked:
        if name not in district.catalogue:
            raise InvalidInputError(
                f"--layer {name} is not in the catalogue; allowed: {', '.join(district.catalogue)}",
                parameter="layer",
                value=name,
            )
    stems = {path.stem for path in (district.directory / "layers").glob("*.geojson")}
    for stem in sorted(stems - set(district.catalogue)):
        raise InvalidInputError(
            f"layers/{stem}.geojson is of no layer of the catalogue; allowed: {', '.join(district.catalogue)}; "
            "move it away, or add the layer to district.toml",
            parameter="layer",
            value=stem,
        )
    known = {info.name for info in district.store.layers()} | stems
    return sorted(set(asked) if asked else known)


def _lines(synced: "Synced", prefer: "Side | None", is_stopped: bool) -> list[str]:
    counts = {
        "added": sum(edit.before is None for edit in synced.edits),
        "changed": sum(edit.before is not None and edit.after is not None for edit in synced.edits),
        "removed": sum(edit.after is None for edit in synced.edits),
    }
    told = (
        ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing new in the file"
    )
    file = "; file rewritten" if synced.is_rewritten and not is_stopped else ""
    state = " (not applied)" if is_stopped and synced.edits else ""
    from geo_service.districts.working_copy import clash_json

    lines = [f"{synced.layer}: {told}{file}{state}"]
    for clash in synced.clashes:
        values = clash_json(clash)
        lines.append(
            f"  both changed {clash.feature_id} {clash.field}: store {values['store']!r}, file {values['file']!r}"
            + ("; choose with --prefer store|file" if prefer is None else f"; took the {prefer}'s")
        )
    return lines
