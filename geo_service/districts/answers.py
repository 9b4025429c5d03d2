"""Answers as plain dictionaries in the words that every door speaks."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geo_service.districts.doubted import NOTHING_SAID, Standing
from geo_service.errors import InvalidInputError
from geo_service.exchange.navlinks import LinkSettings, Mode, link_urls
from geo_service.hours import SHANGHAI, Opening, State
from geo_service.layers import Place, feature_to_json

if TYPE_CHECKING:
    from geo_service.finder import (
        Band,
        CoverageAnswer,
        CoverageQuestion,
        Found,
        NearestAnswer,
        NearestQuestion,
        OnwayAnswer,
        RangeAnswer,
        RouteAnswer,
        WhatIfAnswer,
    )

FloatArray = npt.NDArray[np.float64]
LonLat = tuple[float, float]
Answer = dict[str, Any]

DESTINATION = "目的地"
"""What links call the end of a way, which has no sign to read."""

_MINUTES = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?(,[0-9]{1,4}(\.[0-9]{1,3})?)*", re.ASCII)
_OPEN_STATES = (State.OPEN, State.CLOSING_SOON, State.STALE)
_SHOWN = ("address", "access", "services", "power", "operator", "ebike_parking", "hours")


class Speech:
    """
    Puts answers about places into words, with links into map apps.

    Parameters
    ----------
    links
        What links say of us.
    """

    def __init__(self, links: LinkSettings) -> None:
        self._links = links

    def place(self, place: Place, opening: Opening, profile: str, doubts: Sequence[Answer] = ()) -> Answer:
        """A place with its state, what is said against it, and its links."""
        known, more = _lasting(place)
        return {
            **known,
            "target": list(place.target),
            "state": str(opening.state),
            "open_until": _time(opening.until) if opening.state in _OPEN_STATES else None,
            "opens_at": _time(opening.opens_at),
            "doubts": list(doubts),
            **more,
            "links": link_urls(place.target, place.name, _link_mode(profile), self._links),
        }

    def found(self, found: "Found", question: "NearestQuestion", standing: Standing) -> Answer:
        """A place with what it costs to get there."""
        costs = {"cost_s": found.cost_ms / 1000, "length_m": found.length_mm / 1000}
        return costs | self._arrived(found, question, standing)

    def _arrived(self, found: "Found", question: "NearestQuestion", standing: Standing) -> Answer:
        arrival = question.at + timedelta(milliseconds=found.cost_ms)
        doubts = standing.against(found.place.id, arrival)
        return self.place(found.place, found.opening, question.profile, doubts)

    def nearest(
        self,
        question: "NearestQuestion",
        origin: Sequence[float],
        answer: "NearestAnswer",
        standing: Standing = NOTHING_SAID,
    ) -> Answer:
        """The nearest places, and why they are few."""
        results = [self.found(found, question, standing) for found in answer.found]
        return {"origin": list(origin), **_asked(question), "results": results} | _shortfall_json(answer)

    def onway(
        self,
        question: "NearestQuestion",
        ends: tuple[LonLat, LonLat],
        answer: "OnwayAnswer",
        standing: Standing = NOTHING_SAID,
    ) -> Answer:
        """The stops on the way, and links on from any of them."""
        origin, destination = ends
        results = []
        for stop in answer.stops:
            way = {"added_s": stop.added_ms / 1000, "cost_s": stop.found.cost_ms / 1000}
            way["way_length_m"] = stop.found.length_mm / 1000
            results.append(way | self._arrived(stop.found, question, standing))
        return {
            "origin": list(origin),
            "destination": list(destination),
            **_asked(question),
            "direct_cost_s": answer.direct_ms / 1000,
            "results": results,
            "onward_links": link_urls(destination, DESTINATION, _link_mode(question.profile), self._links),
        }

    def within_range(
        self,
        question: "NearestQuestion",
        origin: LonLat,
        limits: Mapping[str, Any],
        answer: "RangeAnswer",
        standing: Standing = NOTHING_SAID,
    ) -> Answer:
        """The places within range; if there is none, the one whose way is the shortest."""
        said = {"origin": list(origin), **limits, **_asked(question)}
        said["results"] = [self.found(one, question, standing) for one in answer.found]
        if not answer.found:
            nearest = answer.nearest
            said["nearest"] = self.found(nearest, question, standing) if nearest else None
        return said


@lru_cache(maxsize=8192)
def _lasting(place: Place) -> tuple[Answer, Answer]:
    """What an answer says of a place whatever the hour, before its state and after it; to be read only."""
    properties = feature_to_json(place)["properties"]
    # The age of what the state rests on; other facts have dates of their own.
    checked = [day for kind in ("hours", "existence") if (day := place.provenance.checked_on(kind))]
    known = {"id": place.id, "layer": place.layer, "name": place.name, "lon": place.lon, "lat": place.lat}
    more = {
        "checked_on": min(checked).isoformat() if checked else None,
        "synthetic": place.provenance.source == "synthetic",
        **{key: properties[key] for key in _SHOWN if key in properties},
    }
    return known, more


def reach_json(origin: LonLat, profile: str, bands: "Sequence[Band]") -> Answer:
    """Bands as a GeoJSON FeatureCollection."""
    import shapely.geometry

    return {
        "type": "FeatureCollection",
        "origin": list(origin),
        "profile": profile,
        "features": [
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(shapely.transform(band.outline, _rounded)),
                "properties": {"minutes": band.cutoff_ms / 60_000, "street_m": round(band.street_m, 1)},
            }
            for band in bands
        ],
    }


def _rounded(lonlat: FloatArray) -> FloatArray:
    """Seven decimals, the grid that outlines lie on."""
    return np.round(lonlat, 7)


def coverage_json(question: "CoverageQuestion", answer: "CoverageAnswer") -> Answer:
    """How much is covered, and of what it is a share."""
    cover = answer.cover
    n_nodes = cover.network.n_nodes
    return {
        "layer": question.layer,
        "profile": question.profile,
        "minutes": question.cutoff_ms / 60_000,
        "at": _time(question.at),
        "open_rule": OPEN_RULE if question.at else "in use, whatever the hours",
        "covered_share": _share(cover.covered_m, cover.street_m),
        "share_of": "street_length",
        "covered_m": round(cover.covered_m, 1),
        "street_m": round(cover.street_m, 1),
        "nodes": {"covered_share": _share(cover.n_covered_nodes, n_nodes), "count": n_nodes},
        "places": answer.n_places,
        "eligible": answer.n_eligible,
    }


OPEN_RULE = "departure at that time, open throughout until the minutes are over"
"""How the planner's clock judges hours; a rider's questions look at the instant of arrival."""


def what_if_json(answer: "WhatIfAnswer", without: Sequence[str], new: Sequence[LonLat]) -> Answer:
    """What changes together, and each alone."""
    before, after = answer.before.cover, answer.after.cover
    alone = [
        {
            **({"without": t.without} if t.new is None else {"with": list(t.new)}),
            "covered_share": _share(t.covered_m, before.street_m),
            "difference": round((t.covered_m - before.covered_m) / before.street_m, 6),
        }
        for t in answer.trials
    ]
    return {
        "what_if": {
            "without": list(without),
            "with": [list(point) for point in new],
            "covered_share": _share(after.covered_m, after.street_m),
            "difference": round((after.covered_m - before.covered_m) / before.street_m, 6),
            "covered_m": round(after.covered_m, 1),
            "eligible": answer.after.n_eligible,
            "alone": alone,
        }
    }


def route_json(route: "RouteAnswer") -> Answer:
    """A way with its line and its steps."""
    return {
        "cost_s": route.cost_ms / 1000,
        "length_m": route.length_mm / 1000,
        "geometry": {"type": "LineString", "coordinates": np.round(route.lonlat, 7).tolist()},
        "steps": [
            {
                "name": step.name,
                "length_m": step.length_mm / 1000,
                "cost_s": step.cost_ms / 1000,
                "mode": step.mode,
            }
            for step in route.steps
        ],
    }


def parse_states(words: Sequence[str]) -> frozenset[State]:
    """
    States that a rider accepts besides open and closing soon.

    Parameters
    ----------
    words
        ``"unknown"``, ``"stale"``.

    Returns
    -------
    states
        The same.

    Raises
    ------
    InvalidInputError
        If a word is another.
    """
    from geo_service.finder import ACCEPTABLE

    for word in words:
        if word not in ACCEPTABLE:
            raise InvalidInputError(
                f"accept={word!r} is not allowed; allowed: {', '.join(ACCEPTABLE)}",
                parameter="accept",
                value=word,
            )
    return frozenset(State(word) for word in words)


def parse_minutes(text: str, parameter: str) -> tuple[float, ...]:
    """
    Minutes joined by commas, in plain decimals.

    Parameters
    ----------
    text
        ``5,10,15`` or ``7.5``.
    parameter
        What to call it in a refusal.

    Returns
    -------
    minutes
        As written; whether they are too many or too long the finder says.

    Raises
    ------
    InvalidInputError
        If it is something else.

    Examples
    --------
    >>> parse_minutes("5,7.5", "minutes")
    (5.0, 7.5)
    """
    if not _MINUTES.fullmatch(text):
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise InvalidInputError(
            f"{parameter}={shown!r} is no list of minutes; write 10 or 5,10,15",
            parameter=parameter,
            value=shown,
        )
    return tuple(float(part) for part in text.split(","))


def parse_cutoff_ms(minutes: float) -> int:
    """
    Minutes as the finder counts them.

    Parameters
    ----------
    minutes
        Any number.

    Returns
    -------
    cutoff_ms
        Milliseconds; too many or too few the finder refuses.

    Raises
    ------
    InvalidInputError
        If it is no finite number.
    """
    if not math.isfinite(minutes):
        raise InvalidInputError(
            f"minutes={minutes} is no number of minutes", parameter="minutes", value=str(minutes)
        )
    return round(minutes * 60_000)


def _asked(question: "NearestQuestion") -> Answer:
    return {"layer": question.layer, "profile": question.profile, "at": _time(question.at)}


def _share(part: float, whole: float) -> float:
    return round(part / whole, 6) if whole else 0.0


def _link_mode(profile: str) -> Mode:
    return "ebike" if profile == "ebike" else "walk"


def _time(instant: datetime | None) -> str | None:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds") if instant else None


def _shortfall_json(answer: "NearestAnswer") -> Answer:
    short = answer.shortfall
    if short is None:
        return {}
    soonest = short.soonest
    return {
        "shortfall": {
            "places": short.n_places,
            "filtered_out": short.n_filtered,
            "unreachable": short.n_unreachable,
            "states": {str(state): count for state, count in short.states.items()},
            "soonest": soonest
            and {
                "id": soonest.place.id,
                "name": soonest.place.name,
                "cost_s": soonest.cost_ms / 1000,
                "opens_at": _time(soonest.opening.opens_at),
            },
        }
    }
