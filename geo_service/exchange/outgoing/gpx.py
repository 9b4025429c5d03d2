"""
Places as GPX 1.1 waypoints, grouped, coloured and with icons for OsmAnd.

References
----------
GPX 1.1 schema, topografix.com; OsmAnd, "OsmAnd GPX" (extensions of waypoints, ``points_groups``).
"""

import html
from collections.abc import Iterator, Mapping

from geo_service.exchange.cells import degrees
from geo_service.exchange.outgoing.job import Job, about_text, xml_text
from geo_service.exchange.outgoing.readable import describe, label_of
from geo_service.layers import Category, Layer, Place

_OSMAND = "https://osmand.net/docs/technical/osmand-file-formats/osmand-gpx"
_ICONS: Mapping[str, str] = {
    "merchant": "shop_supermarket",
    "charging": "amenity_charging_station",
    "swap": "amenity_charging_station",
    "clinic": "amenity_doctors",
    "toilet": "amenity_toilets",
    "water": "amenity_drinking_water",
}
_OTHER_ICON = "special_star"


def to_gpx(job: Job) -> bytes:
    """
    Write places as waypoints; hours, ways in and services stand in the description, for no app reads them.

    Parameters
    ----------
    job
        Layers of places, WGS 84.

    Returns
    -------
    data
        UTF-8.
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="geo-service" xmlns="http://www.topografix.com/GPX/1/1"'
        f' xmlns:osmand="{_OSMAND}">',
        f"<metadata><name>{xml_text(job.name)}</name><desc>{xml_text(about_text(job))}</desc></metadata>",
        *(line for layer in job.layers for line in _waypoints(layer, job)),
        "<extensions><osmand:points_groups>",
        *(_group(job.category(layer)) for layer in job.layers),
        "</osmand:points_groups></extensions>",
        "</gpx>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _waypoints(layer: Layer, job: Job) -> Iterator[str]:
    category = job.category(layer)
    for place in layer.features:
        if isinstance(place, Place):
            yield f'<wpt lat="{degrees(place.lat)}" lon="{degrees(place.lon)}">'
            yield f"<name>{xml_text(label_of(place))}</name>"
            yield f"<desc>{xml_text(html.escape(describe(place, job.catalogue), quote=False))}</desc>"
            if place.provenance.source:
                yield f"<src>{xml_text(place.provenance.source)}</src>"
            yield f"<type>{xml_text(category.zh)}</type>"
            yield f"<extensions>{_look(category)}</extensions>"
            yield "</wpt>"


def _look(category: Category) -> str:
    return (
        f"<osmand:icon>{_icon(category)}</osmand:icon><osmand:background>circle</osmand:background>"
        f"<osmand:color>{category.colour}</osmand:color>"
    )


def _group(category: Category) -> str:
    return (
        f'<group name="{xml_text(category.zh)}" color="{category.colour}" icon="{_icon(category)}"'
        ' background="circle"/>'
    )


def _icon(category: Category) -> str:
    return _ICONS.get(category.key, _OTHER_ICON)
