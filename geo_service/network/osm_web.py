"""
Places and boxes through osmnx: it finds the place, splits the area, waits its turn, and keeps what came.

osmnx would then drop most tags, and all relations of squares. So it is only asked to fetch
(``cache_only_mode``, its own way of doing that), with a filter that takes every highway, and its
raw answers are read here into the same `OsmData` that a file gives. What follows cannot differ.
"""

import hashlib
import json
import socket
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import osmnx
import requests
import shapely

from geo_service.errors import InvalidInputError
from geo_service.geo import BBox
from geo_service.network.features import POI_VALUES
from geo_service.network.raw import (
    WANTED_KEYS,
    OsmData,
    OsmMember,
    OsmRelation,
    OsmWay,
    Progress,
    Tags,
    build_osm_data,
    is_wanted_relation,
)

STREET_FILTER = '["highway"]'
"""Every street: which of them are used is for the profiles to say, not for the server."""

MAX_TRIES = 3
"""Answers "busy" (429, 504) from a server before we give up; osmnx waits 55 s after each."""

MARGIN_DEG = 1e-5
"""Questions go a metre beyond the box: osmnx rounds corners to six decimals."""

_LOCK = threading.Lock()
"""The settings of osmnx belong to the process, so one question at a time."""

_FEATURE_TAGS: dict[str, bool | str | list[str]] = {
    key: sorted(POI_VALUES[key]) if key in ("barrier", "railway", "man_made") else True
    for key in sorted(WANTED_KEYS)
}


def fetch_place(
    place: str | BBox,
    overpass_url: str | None = None,
    nominatim_url: str | None = None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> tuple[OsmData, shapely.Geometry | BBox]:
    """
    Ask Nominatim where a place is and Overpass what is there.

    Parameters
    ----------
    place
        A name that Nominatim knows as an area, or a box.
    overpass_url
        Base of another Overpass server, such as ``"http://localhost/api"``; it is not asked for free slots.
    nominatim_url
        Base of another Nominatim server.
    cache_dir
        Keep answers here and use them again; None keeps nothing.
    progress
        Called with ``"find place"``, ``"fetch streets"``, ``"fetch features"``.

    Returns
    -------
    data, area
        Objects by id, and the box or polygon (degrees) they were asked for.

    Raises
    ------
    InvalidInputError
        If the place is unknown or no area, a server cannot be reached, or its answer is not whole.
    """
    tell = progress or (lambda stage, done, total: None)
    with _LOCK, _answers_folder(place, cache_dir) as folder, _settings(folder, overpass_url, nominatim_url):
        tell("find place", 0, 1)
        area = place if isinstance(place, BBox) else _find(place)
        tell("find place", 1, 1)
        with _refusals(place, f"Overpass at {osmnx.settings.overpass_url}"):
            _fetch(area, tell)
        answers = list(_load_answers(folder))
    return _merge(answers, _name(place), area), area


def _name(place: str | BBox) -> str:
    return place if isinstance(place, str) else "box " + ",".join(f"{value:g}" for value in place)


def _find(place: str) -> shapely.Geometry:
    server = f"Nominatim at {osmnx.settings.nominatim_url}"
    try:
        with _refusals(place, server):
            found: shapely.Geometry = osmnx.geocode_to_gdf(place).geometry.iloc[0]
            return found
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, InvalidInputError):
            raise
        reason = " ".join(str(error).split())
        remedy = "is the name spelt as OpenStreetMap has it? A box (W,S,E,N) always works"
        raise _refused(f"{place!r}: {server} knows no such area ({reason}); {remedy}", place) from error


def _fetch(area: shapely.Geometry | BBox, tell: Progress) -> None:
    polygon = shapely.box(*area) if isinstance(area, BBox) else area
    polygon = shapely.buffer(polygon, MARGIN_DEG, join_style="mitre")
    tell("fetch streets", 0, 1)
    try:
        osmnx.graph_from_polygon(polygon, simplify=False, retain_all=True, custom_filter=STREET_FILTER)
    except InterruptedError:  # how osmnx says that the answers are in the folder
        tell("fetch streets", 1, 1)
    tell("fetch features", 0, 1)
    try:
        osmnx.features_from_polygon(polygon, _FEATURE_TAGS)
    except InterruptedError:  # how osmnx says that the answers are in the folder
        tell("fetch features", 1, 1)


# --- osmnx's settings, put back afterwards --------------------------------------------------


@contextmanager
def _answers_folder(place: str | BBox, cache_dir: Path | None) -> Iterator[Path]:
    if cache_dir is None:
        with tempfile.TemporaryDirectory(prefix="geo_service_osm_") as folder:
            yield Path(folder)
    else:
        # one folder for each question: all answers in it are read
        yield cache_dir / hashlib.sha256(repr(place).encode()).hexdigest()[:16]


@contextmanager
def _settings(folder: Path, overpass_url: str | None, nominatim_url: str | None) -> Iterator[None]:
    wanted: dict[str, object] = {
        "cache_folder": folder,
        "use_cache": True,
        "cache_only_mode": True,
        "log_console": False,
        "log_file": False,
        "doh_url_template": None,  # nobody else is told which server is asked
        "requests_kwargs": {**osmnx.settings.requests_kwargs, "hooks": {"response": _Watch()}},
    }
    if overpass_url is not None:
        is_public = overpass_url.rstrip("/") == osmnx.settings.overpass_url.rstrip("/")
        wanted |= {"overpass_url": overpass_url, "overpass_rate_limit": is_public}
    if nominatim_url is not None:
        wanted |= {"nominatim_url": nominatim_url}
    before = {name: getattr(osmnx.settings, name) for name in wanted}
    resolver = socket.getaddrinfo  # osmnx replaces it and does not put it back
    try:
        for name, value in wanted.items():
            setattr(osmnx.settings, name, value)
        yield
    finally:
        socket.getaddrinfo = resolver
        for name, value in before.items():
            setattr(osmnx.settings, name, value)


class _Watch:
    """Looks at every answer as it arrives: osmnx goes on with half an answer, we do not."""

    def __init__(self) -> None:
        self._busy = 0

    def __call__(self, response: requests.Response, **_: object) -> None:
        if response.url.rstrip("/").endswith("/status"):
            return
        try:
            self._check(response)
        except _ServerError:
            response.close()
            raise

    def _check(self, response: requests.Response) -> None:
        if response.status_code in (429, 504):
            self._busy += 1
            if self._busy >= MAX_TRIES:
                raise _ServerError(f"was busy {MAX_TRIES} times (HTTP {response.status_code})")
        elif not response.ok:
            raise _ServerError(f"answered HTTP {response.status_code} {response.reason}")
        elif remark := _remark(response):
            raise _ServerError(f"gave up: {remark}")


def _remark(response: requests.Response) -> str | None:
    try:
        answer = response.json()
    except ValueError as error:
        raise _ServerError("answered with something that is not JSON") from error
    remark = answer.get("remark") if isinstance(answer, dict) else None
    return None if remark is None else " ".join(str(remark).split())


class _ServerError(Exception):
    """An answer that cannot be used; becomes an InvalidInputError that names the server."""


@contextmanager
def _refusals(place: str | BBox, server: str) -> Iterator[None]:
    remedy = "try later, choose a smaller area, name another server, or read a file (--osm FILE)"
    try:
        yield
    except requests.RequestException as error:
        reason = f"cannot be reached ({type(error).__name__})"
        raise _refused(f"{_name(place)}: {server} {reason}; {remedy}", place) from error
    except _ServerError as error:
        raise _refused(f"{_name(place)}: {server} {error}; {remedy}", place) from error


def _refused(message: str, place: str | BBox) -> InvalidInputError:
    return InvalidInputError(
        message, parameter="place", value=place if isinstance(place, str) else list(place)
    )


# --- answers ----------------------------------------------------------------------------------


def _load_answers(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        answer = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(answer, dict) and "elements" in answer:
            yield answer


def _merge(answers: Iterable[Mapping[str, Any]], source: str, area: shapely.Geometry | BBox) -> OsmData:
    found: dict[str, dict[int, Mapping[str, Any]]] = {"node": {}, "way": {}, "relation": {}}
    stamps: list[str] = []
    for answer in answers:
        stamps.append(str(answer.get("osm3s", {}).get("timestamp_osm_base", "")))
        for element in answer["elements"]:
            if element["type"] in found:
                known = found[element["type"]].get(element["id"])
                # of two prints of one object the one with tags says more
                if known is None or len(element) > len(known):
                    found[element["type"]][element["id"]] = element
    nodes, ways, relations = found["node"], found["way"], found["relation"]
    return build_osm_data(
        source=source,
        nodes=(
            (i, round(node["lon"] * 1e7), round(node["lat"] * 1e7))
            for i, node in nodes.items()
            if "lat" in node
        ),
        node_tags={i: _tags(node) for i, node in nodes.items() if node.get("tags")},
        ways=(OsmWay(i, tuple(way.get("nodes", ())), _tags(way)) for i, way in ways.items()),
        relations=(
            _relation(relation) for relation in relations.values() if is_wanted_relation(_tags(relation))
        ),
        counts={"nodes": len(nodes), "ways": len(ways), "relations": len(relations)},
        bbox=area if isinstance(area, BBox) else BBox(*shapely.bounds(area).tolist()),
        timestamp=max(stamps, default="") or None,
    )


def _tags(element: Mapping[str, Any]) -> Tags:
    tags: Tags = element.get("tags", {})
    return tags


def _relation(element: Mapping[str, Any]) -> OsmRelation:
    members = (
        OsmMember(member["type"][0], member["ref"], member["role"]) for member in element.get("members", ())
    )
    return OsmRelation(element["id"], tuple(members), _tags(element))
