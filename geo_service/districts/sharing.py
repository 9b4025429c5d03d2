"""A map of a district to hand on, the same at every door."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from geo_service.districts.district import District
from geo_service.maps.share import SharedMap, ShareFacts, build_share

STATIC_DIR = Path(__file__).resolve().parents[1] / "web" / "static"
"""Where the vendored libraries are, which go into the file."""


def share_map(district: District, layers: Sequence[str], on: date) -> SharedMap:
    """
    Make one file of chosen layers that opens with no network.

    Parameters
    ----------
    district
        The district.
    layers
        Names; none for all that it holds.
    on
        Day that the file names; what is not in use on it is left out.

    Returns
    -------
    shared
        The same bytes for the same layers, basemap and day.

    Raises
    ------
    NotFoundError
        If there is no such layer.
    InvalidInputError
        If the district holds none.
    """
    names = tuple(dict.fromkeys(layers)) or district.layer_names()
    held = [(layer, district.places(layer)) for layer in names]
    chosen = [(district.catalogue[name], layer) for name, layer in held]
    return build_share(
        share_facts(district, on), chosen, district.catalogue.services, district.basemap(), STATIC_DIR
    )


def share_facts(district: District, on: date) -> ShareFacts:
    """
    What every file of a district says of it.

    Parameters
    ----------
    district
        The district.
    on
        Day that the file names.

    Returns
    -------
    facts
        Without purpose and lines of its own.
    """
    return ShareFacts(
        title_zh=district.name_zh,
        title_en=district.name_en,
        bbox=district.bbox,
        centre=district.centre,
        on=on,
        synthetic=district.synthetic,
        map_approval=district.map_approval,
    )


def share_name(district: District, on: date) -> str:
    """
    Name of the file.

    Parameters
    ----------
    district
        The district.
    on
        Day that it names.

    Returns
    -------
    name
        ASCII, with the district's key and the day.
    """
    return f"{district.id}-map-{on:%Y%m%d}.html"
