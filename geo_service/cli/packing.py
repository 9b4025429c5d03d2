"""The command that builds what phones fetch, ahead of the first of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import AS_JSON, DIRECTORY, cli, opened
from geo_service.hours import parse_time

if TYPE_CHECKING:
    from geo_service.districts import District


@cli.command()
@DIRECTORY
@AS_JSON
def pack(directory: Path, as_json: bool) -> None:
    """Build the pack for phones as of today: parts that are out of date, missing or damaged."""
    with opened(directory) as district, progress_bar() as progress:
        built = district.pack.current(parse_time("now", "at"), progress)
        sizes = district.pack.sizes()
    answer = {
        "made": built.said["made"],
        "files": len(built.files),
        "bytes": sum(sizes.values()),
        "parts": sizes,
    }
    parts = ", ".join(f"{part} {size / 1000:.1f}" for part, size in sizes.items())
    print_answer(
        as_json,
        answer,
        f"{directory}: {len(built.files)} files, {sum(sizes.values()) / 1000:.1f} kB compressed ({parts})",
    )


def ensure_pack(district: "District") -> None:
    """
    Build what is missing or out of date of a district's pack, so that no phone has to wait for it.

    Parameters
    ----------
    district
        Open.
    """
    with progress_bar() as progress:
        district.pack.current(parse_time("now", "at"), progress)
