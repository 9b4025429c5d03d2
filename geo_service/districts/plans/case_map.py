"""
The map that goes along with a written case: one file with what is covered and left out, and what is proposed.

It tells the same numbers as the case, at Monday 02:00 and 14:00, and asks nothing of any host.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from geo_service.districts.plans.areas import areas_json
from geo_service.districts.plans.case import Case
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.words import case_words
from geo_service.districts.sharing import STATIC_DIR, share_facts
from geo_service.maps.overlays import Dot, Overlay, Pin, Shape, build_overlay_map
from geo_service.maps.rows import place_rows
from geo_service.maps.share import SharedMap
from geo_service.paper.documents import Paragraph, text_of

HOURS = (2, 14)
"""Hours of Monday that the map shows."""

MOST_DOTS = 20_000
"""Of more demand points in an hour the heaviest are drawn; the number on the switch says how many."""

SMALLEST_PX, LARGEST_PX = 2.0, 8.0

_COVERED, _LEFT, _GAP, _CHOSEN, _OTHER = "#1b7837", "#b2182b", "#b8860b", "#1a1a1a", "#5b5b5b"


def case_map(planner: Planner, case: Case, on: date) -> SharedMap:
    """
    Draw the map of a case.

    Parameters
    ----------
    planner
        The same that the case was written from.
    case
        The written case.
    on
        Day that the file names.

    Returns
    -------
    shared
        Byte-equal for equal arguments.
    """
    district = planner.district
    facts = replace(
        share_facts(district, on),
        purpose=case.title.removeprefix(district.name_zh).lstrip("：:") or case.title,
        lines=tuple(block.text for block in case.document.blocks if isinstance(block, Paragraph)),
    )
    drawn: dict[Any, Any] = {}
    parts = [areas_json(planner, hour, ("gaps", "demand"), drawn) for hour in HOURS]
    overlays = [_gaps(hour, part["gaps"]["features"]) for hour, part in zip(HOURS, parts, strict=True)]
    for hour, part in zip(HOURS, parts, strict=True):
        overlays += _demand(hour, part["demand"]["features"])
    overlays += [_standing(planner), *_proposed(case)]
    return build_overlay_map(facts, overlays, district.basemap(), STATIC_DIR)


def _gaps(hour: int, features: Sequence[Any]) -> Overlay:
    shapes = [
        Shape(
            one["geometry"],
            f"缺口 Gap {number}",
            [
                ("骑手 Riders", text_of(round(one["properties"]["riders"], 2))),
                ("街道 Streets", f"{one['properties']['street_m'] / 1000:.1f} km"),
                ("未覆盖 Left out", one["properties"]["names"]),
            ],
        )
        for number, one in enumerate(features, 1)
    ]
    zh, en = f"缺口 周一 {hour:02}:00", f"gaps, Monday {hour:02}:00"
    return Overlay(f"gap{hour:02}", zh, en, "□", _GAP, shapes=shapes, is_shown=False)


def _demand(hour: int, features: Sequence[Any]) -> list[Overlay]:
    """Who has an open place in time, as rings, and who has none, as discs; larger where more riders are."""
    out = [one for one in features if one["properties"]["riders"] > 0]
    out = sorted(out, key=lambda one: -one["properties"]["riders"])[:MOST_DOTS]
    most = max((one["properties"]["riders"] for one in out), default=1.0)
    dots = {True: [], False: []}  # type: dict[bool, list[Dot]]
    for one in out:
        said = one["properties"]
        radius = max(SMALLEST_PX, LARGEST_PX * float(np.sqrt(said["riders"] / most)))
        lon, lat = one["geometry"]["coordinates"]
        name = said["name"] or case_words("zh")[said["kind"]]
        dots[said["is_covered"]].append(Dot(lon, lat, round(radius, 1), name, _told(said)))
    at = f"{hour:02}:00"
    is_day = hour != HOURS[0]
    return [
        Overlay(
            f"covered{hour:02}", f"已覆盖 周一 {at}", f"covered, Monday {at}", "○", _COVERED,
            dots=dots[True], is_shown=is_day, is_hollow=True,
        ),
        Overlay(
            f"left{hour:02}", f"未覆盖 周一 {at}", f"left out, Monday {at}", "●", _LEFT,
            dots=dots[False], is_shown=is_day,
        ),
    ]  # fmt: skip


def _told(said: Any) -> list[tuple[str, str]]:
    near = next((f"{said[key]:g} {unit}" for key, unit in _NEAREST if said.get(key) is not None), "–")
    kind = " ".join(case_words(lang)[said["kind"]] for lang in ("zh", "en"))
    rows = [("类别 Kind", f"{kind}: {said['size']:g}"), ("骑手 Riders", f"{said['riders']:g}")]
    return [*rows, ("最近的开放站点 Nearest open", near)]


_NEAREST = (("nearest_min", "min"), ("nearest_m", "m"))


def _standing(planner: Planner) -> Overlay:
    category = planner.district.catalogue[planner.parameters.need.layer]
    services = planner.district.catalogue.services
    pins = []
    for place in planner.stand.places.places:
        told = place_rows(place, services)
        pins.append(Pin(*place.target, category.pin, place.name, [tuple(row) for row in told["rows"]]))
    return Overlay(
        "standing", f"现有{category.zh}", f"{category.en}, standing", category.pin, category.colour, pins
    )


def _proposed(case: Case) -> list[Overlay]:
    """The recommended candidate and the two beside it, numbered as on paper; a pass for a gate has no point."""
    pins = []
    for row in case.three.rows[:3]:
        *told, where = row
        if where:
            lon, lat = map(float, str(where).split(","))
            rows = list(zip(case.three.headings[1:], map(text_of, told[1:]), strict=False))
            pins.append(Pin(lon, lat, str(told[0])[-1], str(told[2]), rows))
    first = [pin for pin in pins if pin.character == "1"]
    others = [pin for pin in pins if pin.character != "1"]
    return [
        Overlay("considered", "候选", "considered", "▲", _OTHER, others),
        Overlay("recommended", "推荐", "recommended", "★", _CHOSEN, first),
    ]
