"""A map to hand on of what was worked out: dots, areas and pins in groups that can be switched, in one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import folium

from geo_service.errors import InvalidInputError
from geo_service.maps.share import SharedMap, ShareFacts, switch_label, write_shared
from geo_service.maps.shell import numbered_ids
from geo_service.maps.tiles import Tiles

Rows = Sequence[tuple[str, str]]


class Dot(NamedTuple):
    """A circle of a radius in pixels at a longitude and latitude, with its name and what a click tells."""

    lon: float
    lat: float
    radius_px: float
    name: str
    rows: Rows


class Pin(NamedTuple):
    """A pin with a character, and what a click tells."""

    lon: float
    lat: float
    character: str
    name: str
    rows: Rows


class Shape(NamedTuple):
    """A GeoJSON geometry, and what a click tells."""

    geometry: Any
    name: str
    rows: Rows


@dataclass(frozen=True)
class Overlay:
    """
    A group on the switch.

    Parameters
    ----------
    key
        A word for it: small letters.
    zh, en
        Its name.
    sign
        A character that stands for it on the switch.
    colour
        Of its dots, areas and pins.
    pins, dots, shapes
        What is in it.
    is_shown
        Whether it is on the map when it opens.
    is_hollow
        Whether its dots are rings, so that two groups are told apart without colour.
    """

    key: str
    zh: str
    en: str
    sign: str
    colour: str
    pins: Sequence[Pin] = ()
    dots: Sequence[Dot] = ()
    shapes: Sequence[Shape] = ()
    is_shown: bool = True
    is_hollow: bool = False

    @property
    def count(self) -> int:
        """How much is in it."""
        return len(self.pins) + len(self.dots) + len(self.shapes)


def build_overlay_map(
    facts: ShareFacts, overlays: Sequence[Overlay], tiles: Tiles | None, static: Path
) -> SharedMap:
    """
    Build a map of overlays that opens with no network.

    Parameters
    ----------
    facts
        What the file says of itself.
    overlays
        In the order of the switch; the first is drawn lowest.
    tiles
        The basemap; without one the ground stays plain.
    static
        Folder of the vendored libraries.

    Returns
    -------
    shared
        Byte-equal for equal arguments.

    Raises
    ------
    InvalidInputError
        If there is no overlay.
    """
    if not overlays:
        raise InvalidInputError("no overlay is given, so the map would be empty", parameter="overlays")
    with numbered_ids():
        groups = [(one.key, one.colour, _group(one)) for one in overlays]
        filled = {one.key: _filled(one) for one in overlays}
        counts = {one.key: one.count for one in overlays}
        return write_shared(facts, groups, filled, counts, tiles, static)


def _group(one: Overlay) -> folium.map.Layer:
    label = switch_label(one.key, one.sign, one.zh, one.en, one.count)
    return folium.FeatureGroup(name=label, show=one.is_shown)


def _filled(one: Overlay) -> dict[str, Any]:
    places = [
        {"at": [pin.lon, pin.lat], "pin": pin.character, "name": pin.name, "rows": list(pin.rows)}
        for pin in one.pins
    ]
    areas = [
        {"geometry": shape.geometry, "name": shape.name, "rows": list(shape.rows), "fill": 0.18}
        for shape in one.shapes
    ]
    dots = [[dot.lon, dot.lat, dot.radius_px, dot.name, list(dot.rows)] for dot in one.dots]
    drawn = {"pin": one.sign, "colour": one.colour, "places": places, "areas": areas}
    return drawn | {"dots": dots, "isHollow": one.is_hollow}
