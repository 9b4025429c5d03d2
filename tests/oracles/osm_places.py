"""Which OSM objects are places for riders, asked of the file with nothing but plain tag tests."""

from collections import defaultdict
from pathlib import Path

import osmium

MEDICAL_AMENITIES = ("clinic", "doctors", "hospital", "pharmacy")
MEDICAL_CARE = ("centre", "clinic", "doctor", "doctors", "hospital", "pharmacy")
TAPS = ("fountain", "water_point", "watering_place")


def places_in_file(path: Path) -> dict[str, set[str]]:
    """Layer → names (``node/1``) of its objects."""
    found: dict[str, set[str]] = defaultdict(set)
    kinds = {"n": "node", "w": "way", "r": "relation"}
    for thing in osmium.FileProcessor(str(path)):
        tags = dict(thing.tags)
        layer = _layer(tags)
        if layer and (thing.type_str() != "r" or tags.get("type") in ("multipolygon", "boundary")):
            found[layer].add(f"{kinds[thing.type_str()]}/{thing.id}")
    return dict(found)


def _layer(tags: dict[str, str]) -> str:
    amenity = tags.get("amenity")
    if amenity in MEDICAL_AMENITIES or tags.get("healthcare") in MEDICAL_CARE:
        return "clinic"
    if amenity == "charging_station":
        return "swap" if "换电" in tags.get("name", "") else "charging"
    if amenity == "toilets":
        return "toilet"
    if amenity == "drinking_water":
        return "water"
    if tags.get("drinking_water") == "yes" and (amenity in TAPS or tags.get("natural") == "spring"):
        return "water"
    return ""
