"""Layers of a district as files: which go out when nobody names any, and under whose name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from geo_service.districts.district import District
from geo_service.errors import InvalidInputError
from geo_service.exchange.navlinks import LinkSettings
from geo_service.exchange.outgoing import Export, export_places, fitting, format_of
from geo_service.geo import Datum
from geo_service.layers import Feature, Layer, Status


@dataclass(frozen=True)
class Choice:
    """
    What of a district goes out, and how.

    Parameters
    ----------
    format
        Key of ``FORMATS``.
    layers
        Names; none for all that the format can hold.
    datum
        Of the coordinates in the file.
    statuses
        Of the features; none for those the format is meant for.
    """

    format: str = "geojson"
    layers: tuple[str, ...] = ()
    datum: Datum = "wgs84"
    statuses: tuple[Status, ...] = ()


def chosen_layers(district: District, choice: Choice) -> tuple[Layer, ...]:
    """
    Fetch the layers that go out.

    Parameters
    ----------
    district
        The district.
    choice
        Which; without names, areas stay behind where the format or datum cannot hold them.

    Returns
    -------
    layers
        Whole, each once.

    Raises
    ------
    InvalidInputError
        If the format is unknown, or the district holds no layer that fits it.
    NotFoundError
        If there is no such layer.
    """
    chosen = format_of(choice.format)
    if choice.layers:
        return tuple(district.places(name) for name in dict.fromkeys(choice.layers))
    held = [district.places(name) for name in district.layer_names()]
    layers = fitting(held, chosen, district.catalogue)
    if choice.datum != "wgs84":
        layers = tuple(layer for layer in layers if not district.catalogue[layer.name].is_area)
    if not layers:
        message = f"district {district.id!r} has no layer that goes into {choice.format}; import some first"
        raise InvalidInputError(message, parameter="layer", value=None)
    return layers


def hand_out(
    district: District,
    choice: Choice,
    links: LinkSettings,
    *,
    layers: Sequence[Layer] = (),
    is_wanted: Callable[[Feature], bool] | None = None,
) -> Export:
    """
    Write layers of a district as one file.

    Parameters
    ----------
    district
        The district.
    choice
        What and how.
    links
        Names and keys sent to map apps.
    layers
        What `chosen_layers` gave, if it was asked before.
    is_wanted
        Keeps a feature; None keeps all.

    Returns
    -------
    file
        Its suggested name, media type and bytes.

    Raises
    ------
    InvalidInputError
        If the format cannot hold what was chosen.
    NotFoundError
        If there is no such layer.
    """
    going = list(layers or chosen_layers(district, choice))
    if is_wanted is not None:
        going = [replace(layer, features=tuple(filter(is_wanted, layer.features))) for layer in going]
    return export_places(
        going,
        choice.format,
        datum=choice.datum,
        catalogue=district.catalogue,
        district=district.id,
        title=district.name_zh,
        statuses=choice.statuses or None,
        links=links,
    )
