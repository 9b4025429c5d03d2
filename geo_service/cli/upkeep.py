"""Commands that make, change, look after and serve a district."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_service.cli.drawing import ensure_basemap
from geo_service.cli.output import print_answer, progress_bar
from geo_service.cli.packing import ensure_pack
from geo_service.cli.words import (
    AS_JSON,
    DIRECTORY,
    BBoxType,
    DayType,
    TomlType,
    cli,
    read_settings,
    today,
)
from geo_service.errors import InvalidInputError

if TYPE_CHECKING:
    from geo_service.districts import District


@cli.command()
@DIRECTORY
@click.option("--demo", metavar="NAME", help="Make a made-up district: xiangheyuan or yingze.")
@click.option("--osm", metavar="FILE", help="Read an OSM file: .osm .osm.gz .osm.bz2 .osm.pbf.")
@click.option("--place", metavar="NAME", help='Fetch a place by name, e.g. "香河园街道, 朝阳区, 北京".')
@click.option("--bbox", type=BBoxType(), help="Take only this box; alone, fetch it from OSM.")
@click.option("--id", "id_", metavar="ID", help="Key in addresses; default: the directory's name.")
@click.option("--name", metavar="NAME", help="Name shown on pages.")
@click.option("--profiles", type=TomlType(), default={}, help="TOML file of changes to speeds and delays.")
@click.option("--date", "on", type=DayType(), help="Check date of the places it starts with; default: today.")
@AS_JSON
def init(
    directory: Path,
    demo: str | None,
    osm: str | None,
    place: str | None,
    bbox: tuple[float, float, float, float] | None,
    id_: str | None,
    name: str | None,
    profiles: dict[str, Any],
    on: date | None,
    as_json: bool,
) -> None:
    """Make a district directory. Interrupted, the same command goes on where it stopped."""
    from geo_service.districts import open_district
    from geo_service.districts.create import Recipe, create_district

    recipe = Recipe(demo, osm, place, bbox, id_, name, on or today(), profiles)
    with progress_bar() as progress:
        create_district(directory, recipe, read_settings(), progress)
    district = open_district(directory, read_settings())
    layers = {info.name: info.count for info in district.store.layers()}
    network = district.network("ebike")
    answer = {"id": district.id, "directory": str(directory), "layers": layers, "junctions": network.n_nodes}
    answer["basemap"] = district.basemap() is not None
    places = ", ".join(f"{count} {layer}" for layer, count in layers.items()) or "no places yet"
    ground = (
        ""
        if answer["basemap"]
        else "\nno basemap: tippecanoe is not installed here; see docs/guide/basemap.md"
    )
    print_answer(
        as_json,
        answer,
        f"made {directory} ({district.name_zh} {district.id}): {network.n_nodes} junctions, {places}\n"
        f"look at it: geo-service serve {directory}{ground}",
    )


@cli.command()
@click.argument("directories", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--host", help="Address to listen on; default from GEO_SERVICE_HOST, else 127.0.0.1.")
@click.option("--port", type=int, help="Port to listen on; default from GEO_SERVICE_PORT, else 8000.")
@click.option("--cert", type=click.Path(path_type=Path), help="TLS certificate (PEM); phones ask for HTTPS.")
@click.option("--key", type=click.Path(path_type=Path), help="Key of the certificate (PEM).")
def serve(
    directories: tuple[Path, ...], host: str | None, port: int | None, cert: Path | None, key: Path | None
) -> None:
    """Serve pages and API of one or many districts until stopped."""
    from geo_service.districts import open_district
    from geo_service.web.server import serve as serve_districts

    settings = read_settings()
    districts: dict[str, District] = {}
    for directory in directories:
        district = open_district(directory, settings)
        if district.id in districts:
            raise InvalidInputError(
                f"{directory}: id={district.id!r} is served already; give each district its own id in district.toml",
                parameter="DIR",
                value=str(directory),
            )
        districts[district.id] = district
        ensure_pack(district)
        ensure_basemap(district)
    address = host or settings.host
    serve_districts(districts, settings, address, settings.port if port is None else port, cert, key)
