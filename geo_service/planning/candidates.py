"""Where a new site could be: places that exist already, public buildings, and street frontage."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from geo_service.geo import metres_per_degree
from geo_service.layers import Place
from geo_service.network.features import OsmPoi
from geo_service.network.graph import Network

PUBLIC = ("community_centre", "library", "townhall", "post_office", "social_facility", "public_building")
"""Values of ``amenity`` whose buildings could lend a room."""

FRONTAGE_STEP_M = 250.0
"""Width of the grid from each cell of which one piece of street frontage is offered."""


class Candidate(NamedTuple):
    """
    One place where something could be.

    Parameters
    ----------
    id
        A place's id, an OSM name, or ``street/`` and the number of the OSM way.
    kind
        ``"place"``, ``"public"``, ``"frontage"`` or ``"click"``.
    name
        What to call it.
    lon, lat
        WGS 84 degrees.
    """

    id: str
    kind: str
    name: str
    lon: float
    lat: float


def place_candidates(places: Iterable[Place]) -> list[Candidate]:
    """
    Places of other layers, at their entrances.

    Parameters
    ----------
    places
        Those in use.

    Returns
    -------
    candidates
        By id.
    """
    found = [Candidate(place.id, "place", place.name, *place.target) for place in places]
    return sorted(found)


def public_candidates(pois: Iterable[OsmPoi]) -> list[Candidate]:
    """
    Community centres, libraries, offices of the state.

    Parameters
    ----------
    pois
        Places as OpenStreetMap has them.

    Returns
    -------
    candidates
        By id.
    """
    return sorted(
        Candidate(poi.osm, "public", _public_name(poi.tags), poi.lon, poi.lat)
        for poi in pois
        if poi.tags.get("amenity") in PUBLIC
    )


def _public_name(tags: Mapping[str, str]) -> str:
    return tags.get("name") or tags["amenity"]


def frontage_candidates(network: Network, step_m: float = FRONTAGE_STEP_M) -> list[Candidate]:
    """
    Middles of named pieces of street, one for each cell of a grid.

    Parameters
    ----------
    network
        Streets of one profile; islands are left out.
    step_m
        Width of a cell, metres.

    Returns
    -------
    candidates
        The longest piece of each cell, from west to east and south to north.
    """
    largest = network.node_component[network.edge_tail] == 0
    on_largest = np.zeros(network.n_links, dtype=np.bool_)
    on_largest[network.edge_link[largest]] = True
    links = np.flatnonzero((network.link_name > 0) & on_largest)
    middle = (network.first_point[links] + network.first_point[links + 1]) // 2
    lon, lat = network.point_lon_e6[middle] / 1e6, network.point_lat_e6[middle] / 1e6
    if not len(links):
        return []
    east_m, north_m = metres_per_degree(lat.mean())
    cell = np.column_stack([np.floor(lon * east_m / step_m), np.floor(lat * north_m / step_m)]).astype(
        np.int64
    )
    order = np.lexsort((links, -network.link_length_mm[links], cell[:, 1], cell[:, 0]))
    _, first = np.unique(cell[order], axis=0, return_index=True)
    return [
        Candidate(
            f"street/{network.link_way[links[at]]}/{links[at]}",
            "frontage",
            network.names[network.link_name[links[at]]],
            float(lon[at]),
            float(lat[at]),
        )
        for at in order[first].tolist()
    ]
