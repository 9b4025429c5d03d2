"""What `check` looks at in the places: where they lie, how old their facts are, hours that cannot be meant."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from geo_service.desk.doubts import standing_doubts
from geo_service.desk.rota import Due, due_checks
from geo_service.districts.findings import Finding
from geo_service.districts.tidying import gone_doubts
from geo_service.errors import InvalidInputError
from geo_service.hours import SHANGHAI, Kind, State, build_timeline, check_hours
from geo_service.layers import Area, Place, areas_of, is_active

if TYPE_CHECKING:
    from geo_service.districts.district import District

COVERING = ("community", "grid")
"""Layers of areas that leave no gap: whoever lies in none of them lies wrong, or an outline does."""

NAMED = 5
"""How many places a finding names; its facts hold all."""

_YEAR = timedelta(days=366)
_FORTNIGHT = timedelta(days=14)
_SAME_MINUTE = re.compile(r"(\d{1,2}:\d\d)\s*-\s*\1(?!\d)")


class Hours(NamedTuple):
    """One text of hours: whose it is, and from when until when it holds."""

    of: str
    text: str


def check_places(district: "District", at: datetime, ages: Mapping[str, int]) -> Iterator[Finding]:
    """
    Look through the places of every layer.

    Parameters
    ----------
    district
        An open district.
    at
        Instant for which facts are judged, aware.
    ages
        Days after which each kind of fact is due for a check.

    Yields
    ------
    finding
        Layer by layer.
    """
    doubts = district.standing()
    for info in district.store.layers():
        places = [f for f in district.store.layer(info.name).features if isinstance(f, Place)]
        states = Counter(district.finder.opening(place, at, doubts=doubts.spans).state for place in places)
        counts = {str(state): states[state] for state in State}
        words = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        message = f"{info.count} features" + (f"; now {words}" if words else "")
        yield Finding("info", info.name, message, counts)
        in_use = [place for place in places if place.status != "removed"]
        yield from _outside(district, info.name, in_use)
        yield from _in_no_area(district, info.name, in_use)
        yield from _stale(info.name, due_checks(in_use, ages, at.astimezone(SHANGHAI).date()), ages)
        for place in in_use:
            for fault in hours_faults(place, at):
                facts = {"id": place.id, "fault": fault}
                yield Finding("warning", info.name, f"{place.id} {place.name}: {fault}", facts)
    yield from _doubts(district)


def _outside(district: "District", layer: str, places: Sequence[Place]) -> Iterator[Finding]:
    """Places beyond the outline, or beyond the box where there is no outline."""
    if not places:
        return
    boundary = district.config.boundary
    outline = shapely.Polygon(boundary) if boundary else shapely.box(*district.bbox)
    points = shapely.points([(place.lon, place.lat) for place in places])
    out = np.flatnonzero(~shapely.intersects(outline, points))
    if len(out):
        what = "boundary" if boundary else "box"
        yield _about(layer, [places[i] for i in out.tolist()], f"lie outside of the district's {what}")


def _in_no_area(district: "District", layer: str, places: Sequence[Place]) -> Iterator[Finding]:
    for name in COVERING:
        areas = _areas(district, name)
        lost = [
            place for place, found in zip(places, areas_of(places, areas), strict=True) if areas and not found
        ]
        if lost:
            yield _about(layer, lost, f"lie in no {name}")


def _areas(district: "District", layer: str) -> list[Area]:
    if layer not in district.layer_names():
        return []
    return [area for area in district.store.layer(layer).features if isinstance(area, Area)]


def _about(layer: str, places: Sequence[Place], words: str) -> Finding:
    named = ", ".join(f"{place.id} {place.name}" for place in places[:NAMED])
    more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    ids = [place.id for place in places]
    return Finding("warning", layer, f"{len(places)} {words}: {named}{more}", {"ids": ids, "fault": words})


def _stale(layer: str, due: Iterable[Due], ages: Mapping[str, int]) -> Iterator[Finding]:
    """Per kind how many are due, and the stalest of them; `due` comes stalest first."""
    by_kind: dict[str, list[Due]] = defaultdict(list)
    for one in due:
        by_kind[one.kind].append(one)
    for kind, found in sorted(by_kind.items()):
        never = sum(one.checked_on is None for one in found)
        dated = [one for one in found if one.checked_on is not None]
        parts = [f"{never} never checked"] if never else []
        if dated:
            parts.append(f"the stalest {dated[0].place.id}, {dated[0].checked_on}")
        message = f"{kind}: {len(found)} due for a check (after {ages[kind]} d); {', '.join(parts)}"
        facts = {
            "kind": kind,
            "due": len(found),
            "never_checked": never,
            "stalest": dated[0].place.id if dated else found[0].place.id,
            "stalest_on": dated[0].checked_on.isoformat() if dated and dated[0].checked_on else None,
        }
        yield Finding("warning", layer, message, facts)


def hours_faults(place: Place, at: datetime) -> Iterator[str]:
    """
    Say what cannot be meant in the hours of a place.

    Parameters
    ----------
    place
        The place.
    at
        From when on hours are worked out, aware.

    Yields
    ------
    fault
        One sentence each, without the place's name.
    """
    for what, first, last in _validities(place):
        if first and last and last < first:
            yield f"{what} ends {last} before it begins {first}"
    for hours in _texts(place):
        yield from _text_faults(hours, at, is_active(place, at.astimezone(SHANGHAI).date()))
    for service in place.services:
        if service.hours and place.hours and (out := _outside_door(service.hours, place.hours, at)):
            yield f"{service.kind} {service.hours!r} is offered {out} while the door {place.hours!r} is closed"


def _validities(place: Place) -> Iterator[tuple[str, date | None, date | None]]:
    yield "its status", place.status_from, place.status_until
    for service in place.services:
        yield service.kind, service.valid_from, service.valid_until


def _texts(place: Place) -> Iterator[Hours]:
    if place.hours:
        yield Hours("hours", place.hours)
    yield from (Hours(service.kind, service.hours) for service in place.services if service.hours)
    yield from (Hours(f"access by {way.method}", way.hours) for way in place.access if way.hours)


def _text_faults(hours: Hours, at: datetime, is_in_use: bool) -> Iterator[str]:
    shown = f"{hours.of} {hours.text!r}"
    try:
        check_hours(hours.text)
    except InvalidInputError:
        yield f"{shown} cannot be read"
        return
    if found := _SAME_MINUTE.search(hours.text):
        yield f"{shown} closes in the minute it opens ({found.group()}); 24 hours are 24/7 or 00:00-24:00"
    if is_in_use and (build_timeline(hours.text, at, at + _YEAR).kind == Kind.CLOSED).all():
        yield f"{shown} never opens in the coming year"


def _outside_door(service: str, door: str, at: datetime) -> str:
    """How long in the coming two weeks the service is on while the door is shut, as words; empty if never."""
    start = at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [build_timeline(text, start, start + _FORTNIGHT) for text in (service, door)]
    edges = np.unique(np.concatenate([lines[0].start_s, lines[1].start_s, [lines[0].end_s]]))
    on, shut = (
        line.kind[np.searchsorted(line.start_s, edges[:-1], side="right") - 1] == kind
        for line, kind in zip(lines, (Kind.OPEN, Kind.CLOSED), strict=True)
    )
    minutes = int(np.diff(edges)[on & shut].sum()) // 60
    return f"{minutes / 60 / 2:.1f} h a week" if minutes else ""


def _doubts(district: "District") -> Iterator[Finding]:
    standing = standing_doubts(district.store)
    gone = gone_doubts(district)
    waiting = sorted(set(standing) - set(gone))
    if waiting:
        named = ", ".join(waiting[:NAMED])
        message = f"reports from the spot about {len(waiting)} places wait to be settled: {named}"
        yield Finding("warning", "reports", message, {"ids": waiting})
    if gone:
        message = f"reports about {len(gone)} places that are gone; geo-service tidy takes them away"
        yield Finding("warning", "reports", message, {"ids": list(gone)})
