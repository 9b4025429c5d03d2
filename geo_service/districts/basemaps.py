"""The basemap of a district: made by `init`, or later for a district that was made before there was one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from geo_service.districts.routers import PROFILES
from geo_service.maps.basemap import NAME, build_basemap
from geo_service.maps.tiles import Tiles
from geo_service.network.features import OsmFeatures, load_features, save_features
from geo_service.network.graph import load_network
from geo_service.network.osm import read_osm_file

Progress = Callable[[str, int, int], None]

DEMO_FILE = "streets.osm.gz"
"""A demo district keeps the OSM file it was made from."""


def make_basemap(directory: Path, progress: Progress, osm: Path | None = None) -> Tiles:
    """
    Build ``basemap.pmtiles`` from what the district keeps of OpenStreetMap.

    Districts made before streets were kept as they are drawn take them from an OSM file, and remember them; without
    one the streets of their networks are drawn, whose importance is then guessed.

    Parameters
    ----------
    directory
        The district's directory, or the one `init` is filling.
    progress
        Told the stage.
    osm
        OSM file to take the lines from; None for what the district has.

    Returns
    -------
    tiles
        The new basemap, open.

    Raises
    ------
    InvalidInputError
        If the OSM file cannot be used.
    UnavailableError
        If tippecanoe is not installed here.
    BadDataError
        If the district's files are damaged.
    """
    features = load_features(directory / "osm")
    source = osm or directory / "osm" / DEMO_FILE
    if osm or (not features.lines and source.is_file()):
        features = _with_lines(features, source, progress)
        save_features(features, directory / "osm")
    folders = [directory / "network" / profile for profile in PROFILES]
    networks = [] if features.lines else [load_network(folder) for folder in folders if folder.is_dir()]
    build_basemap(features, directory / NAME, networks, progress)
    return Tiles(directory / NAME)


def _with_lines(features: OsmFeatures, source: Path, progress: Progress) -> OsmFeatures:
    read = read_osm_file(source, profiles=(), bbox=features.bbox, progress=progress).features
    return replace(features, lines=read.lines)
