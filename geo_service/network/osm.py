"""
The door to OpenStreetMap: a file or a place in, networks and features out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geo_service.errors import InvalidInputError
from geo_service.geo import BBox, BoolArray, check_lonlat
from geo_service.network.build import StreetReport, build_network
from geo_service.network.features import OsmFeatures, ReadReport, build_features
from geo_service.network.graph import Network
from geo_service.network.osm_files import read_file
from geo_service.network.osm_web import fetch_place
from geo_service.network.osmnx_graphs import graph_to_network, network_to_graph
from geo_service.network.profiles import Profile, resolve_profiles
from geo_service.network.raw import E7, OsmData, Progress, clip, inside

__all__ = (
    "OsmExtract",
    "build_extract",
    "graph_to_network",
    "network_to_graph",
    "read_osm_file",
    "read_osm_place",
)

PROFILE_NAMES = ("walk", "ebike")

Overrides = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class OsmExtract:
    """
    All that is taken from one extract.

    Parameters
    ----------
    networks
        One network for each profile.
    features
        Places, buildings, areas.
    report
        Counts and troubles; also in the features.
    """

    networks: Mapping[str, Network]
    features: OsmFeatures
    report: ReadReport


def read_osm_file(
    path: Path | str,
    profiles: Iterable[str] = PROFILE_NAMES,
    bbox: BBox | None = None,
    overrides: Overrides | None = None,
    progress: Progress | None = None,
) -> OsmExtract:
    """
    Read streets and features from an OSM file.

    Parameters
    ----------
    path
        ``.osm``, ``.osm.gz``, ``.osm.bz2`` or ``.osm.pbf``.
    profiles
        Names of the networks to build.
    bbox
        Keep pieces of street with at least one node in this box, and features with one, whole.
    overrides
        A district's changes to the profiles, see `geo_service.network.profiles.resolve_profiles`.
    progress
        ``progress(stage, done, total)``, total 0 if unknown.

    Returns
    -------
    extract
        Networks by profile, features, report.

    Raises
    ------
    InvalidInputError
        If the file is unusable, or holds no street for a profile.
    """
    chosen = resolve_profiles(profiles, overrides)
    bbox = None if bbox is None else _check_box(bbox)
    data = read_file(Path(path), bbox, progress)
    return build_extract(data, chosen, inside(data, bbox), bbox, progress)


def read_osm_place(
    place: str | BBox,
    profiles: Iterable[str] = PROFILE_NAMES,
    overpass_url: str | None = None,
    nominatim_url: str | None = None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    overrides: Overrides | None = None,
) -> OsmExtract:
    """
    Read streets and features of a place from the internet, through osmnx.

    Parameters
    ----------
    place
        A name that Nominatim knows as an area, or a box.
    profiles
        Names of the networks to build.
    overpass_url, nominatim_url
        Servers to ask instead of the public ones.
    cache_dir
        Keep answers here and use them again; None keeps nothing.
    progress
        ``progress(stage, done, total)``, total 0 if unknown.
    overrides
        A district's changes to the profiles.

    Returns
    -------
    extract
        Cut to the box or to the outline of the place; what a file of that area would give.

    Raises
    ------
    InvalidInputError
        If the place is unknown or no area, a server cannot be reached, or there is no street.
    """
    chosen = resolve_profiles(profiles, overrides)
    place = place if isinstance(place, str) else _check_box(place)
    data, area = fetch_place(place, overpass_url, nominatim_url, cache_dir, progress)
    return build_extract(data, chosen, inside(data, area), data.bbox, progress)


def _check_box(bbox: Sequence[float]) -> BBox:
    if len(bbox) == 4:
        check_lonlat(np.array(bbox).reshape(2, 2), "bbox")
    if len(bbox) != 4 or bbox[0] >= bbox[2] or bbox[1] >= bbox[3]:
        raise InvalidInputError(
            f"bbox={','.join(f'{value:g}' for value in bbox)} is not W,S,E,N with west < east and south < north",
            parameter="bbox",
            value=list(bbox),
        )
    return BBox(*bbox)


def build_extract(
    data: OsmData,
    profiles: Iterable[Profile],
    is_inside: BoolArray,
    bbox: BBox | None,
    progress: Progress | None = None,
) -> OsmExtract:
    """
    Build networks and features from what either reader read.

    Parameters
    ----------
    data
        Objects as read.
    profiles
        Resolved profiles.
    is_inside
        For each node whether it lies in the wanted area.
    bbox
        The box that was asked for, None if there was none.
    progress
        ``progress(stage, done, total)``.

    Returns
    -------
    extract
        Networks by profile, features, report.

    Raises
    ------
    InvalidInputError
        If there is no street for a profile.
    """
    data = clip(data, is_inside)
    networks: dict[str, Network] = {}
    reports: list[StreetReport] = []
    for profile in profiles:
        networks[profile.name], street_report = build_network(data, profile, is_inside, progress)
        reports.append(street_report)
    report = _join_reports(data, networks, reports)
    if progress is not None:
        progress("build features", 0, 1)
    features = build_features(data, is_inside, bbox or data.bbox or _bounds(data), report)
    if progress is not None:
        progress("build features", 1, 1)
    return OsmExtract(networks, features, features.report)


def _join_reports(data: OsmData, networks: Mapping[str, Network], reports: list[StreetReport]) -> ReadReport:
    return ReadReport(
        nodes=data.counts["nodes"],
        ways=data.counts["ways"],
        relations=data.counts["relations"],
        missing_nodes=max((report.missing_nodes for report in reports), default=0),
        cut_ways=max((report.cut_ways for report in reports), default=0),
        profiles={
            name: {
                "nodes": network.n_nodes,
                "edges": network.n_edges,
                "links": network.n_links,
                "islands": report.islands,
                "island_nodes": report.island_nodes,
            }
            for (name, network), report in zip(networks.items(), reports, strict=True)
        },
    )


def _bounds(data: OsmData) -> BBox:
    if len(data.node_id) == 0:
        raise InvalidInputError(f"{data.source}: holds no node; is it the right file?", parameter="osm")
    lon, lat = data.node_lon_e7, data.node_lat_e7
    corners = np.array([lon.min(), lat.min(), lon.max(), lat.max()]) / E7
    return BBox(*corners.tolist())
