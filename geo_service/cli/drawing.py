"""Commands that draw: the basemap under a district's pages, and maps to hand on."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import AS_JSON, DIRECTORY, cli, opened, today
from geo_service.errors import GeoServiceError, InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts import District


@cli.command()
@DIRECTORY
@click.option(
    "--osm",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take streets, rails and streams from this OSM file; default: what init kept.",
)
@AS_JSON
def basemap(directory: Path, osm: Path | None, as_json: bool) -> None:
    """Build the basemap anew: for a district of before, after a change of its OSM files, or with more lines."""
    from geo_service.districts.basemaps import make_basemap

    with opened(directory), progress_bar() as progress:
        tiles = make_basemap(directory, progress, osm)
    size = tiles.path.stat().st_size
    answer = {"file": str(tiles.path), "bytes": size, "tiles": tiles.count, "digest": tiles.digest}
    print_answer(as_json, answer, f"made {tiles.path}: {tiles.count} tiles, {size / 1000:.0f} kB")


@cli.command("map")
@DIRECTORY
@click.option(
    "--layer", "layers", metavar="L", multiple=True, help="Layer to show; repeatable; default: all."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write, .html; it opens from anywhere, with no network.",
)
@AS_JSON
def map_(directory: Path, layers: tuple[str, ...], output: Path, as_json: bool) -> None:
    """Make one map file to hand on: basemap, places and everything it needs inside."""
    from geo_service.districts.sharing import share_map
    from geo_service.districts.working_copy import write_atomically

    if output.resolve().is_relative_to(directory.resolve()):
        message = f"{output} lies inside the district {directory}; write to another place"
        raise InvalidInputError(message, parameter="-o", value=str(output))
    if output.suffix.lower() not in (".html", ".htm"):
        message = f"{output.name} does not end in .html, so that no browser would open it; name it {output.stem}.html"
        raise InvalidInputError(message, parameter="-o", value=str(output))
    with opened(directory) as district, progress_bar() as progress:
        progress("map", 0, 0)
        shared = share_map(district, layers, today())
    write_atomically(output, shared.html)
    ground = shared.maxzoom is not None
    answer = {
        "file": str(output),
        "bytes": len(shared.html),
        "features": dict(shared.features),
        "basemap": ground,
    }
    text = f"wrote {output}: {len(shared.html) / 1e6:.1f} MB, " + ", ".join(
        f"{count} {layer}" for layer, count in shared.features.items()
    )
    if not ground:
        text += (
            f"\non plain ground: the district has no basemap; make one with geo-service basemap {directory}"
        )
    print_answer(as_json, answer, text)


def ensure_basemap(district: "District") -> None:
    """
    Build the basemap of a district that was made before there was one; say so if that cannot be done.

    Parameters
    ----------
    district
        Open.
    """
    if district.basemap() is not None:
        return
    from geo_service.districts.basemaps import make_basemap

    try:
        with progress_bar() as progress:
            make_basemap(district.directory, progress)
    except (GeoServiceError, OSError) as error:
        click.echo(f"geo-service: {district.id} is shown without a basemap: {error}", err=True)
