"""Commands that draw: the basemap under a district's pages."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.words import AS_JSON, DIRECTORY, cli, opened
from geo_service.errors import GeoServiceError

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
