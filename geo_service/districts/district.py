"""An open district: its answers in the words that every door speaks."""

import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geo_service.districts.config import DistrictConfig, read_config
from geo_service.errors import BadDataError, InvalidInputError, NotFoundError
from geo_service.exchange.navlinks import LinkSettings, Mode, build_links, links_json
from geo_service.hours import SHANGHAI, Opening, State
from geo_service.layers import Catalogue, Layer, Place, catalogue_with, feature_to_json
from geo_service.network.features import OsmArea, load_features
from geo_service.network.graph import Network, load_network
from geo_service.settings import Settings, load_settings
from geo_service.store.base import Store
from geo_service.store.sqlite import open_sqlite

if TYPE_CHECKING:
    from geo_service.engine.router import Index, Router
    from geo_service.finder import Found, NearestAnswer, RouteAnswer, Shortfall

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
LonLat = tuple[float, float]
Answer = dict[str, Any]

PROFILES = ("ebike", "walk")


class _Routers(Mapping[str, "Router"]):
    """Routers by profile, each made when first asked for; a district opens in an instant."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._profiles = tuple(p for p in PROFILES if (directory / "network" / p / "network.json").is_file())
        self._routers: dict[str, Router] = {}
        self._lock = threading.Lock()

    def __getitem__(self, profile: str) -> "Router":
        from geo_service.engine.router import Router

        if profile not in self._profiles:
            raise KeyError(profile)
        with self._lock:
            if profile not in self._routers:
                network = load_network(self._directory / "network" / profile)
                self._routers[profile] = Router(
                    network, _ready_index(self._directory / "index" / profile, network)
                )
            return self._routers[profile]

    def __iter__(self) -> Iterator[str]:
        return iter(self._profiles)

    def __len__(self) -> int:
        return len(self._profiles)


class District:
    """
    One district directory, open for questions; safe to share between threads.

    Answers are plain dictionaries in the words of the API, the same at every door.

    Parameters
    ----------
    directory
        The district's directory.
    config
        Its district.toml.
    settings
        App names for links, ages of facts.

    Attributes
    ----------
    id, name_zh, name_en, bbox, centre, synthetic
        As in `DistrictConfig`.
    map_approval
        Approval number of the map (审图号), None if there is none.
    catalogue
        Categories and kinds of service, the district's own among them.
    store, routers, finder
        The machines behind the answers.
    """

    def __init__(self, directory: Path, config: DistrictConfig, settings: Settings) -> None:
        from geo_service.finder import Ages, Finder

        self.directory = directory
        self.config = config
        self.id, self.name_zh, self.name_en = config.id, config.name_zh, config.name_en
        self.bbox, self.centre = config.bbox, config.centre
        self.synthetic = config.synthetic
        self.map_approval = config.map_approval or None
        self.catalogue: Catalogue = catalogue_with(config.categories, config.services)
        self.store: Store = open_sqlite(directory / "store.sqlite", catalogue=self.catalogue)
        self.routers: Mapping[str, Router] = _Routers(directory)
        ages = Ages(settings.hours_age_days, settings.existence_age_days, settings.cabinet_age_days)
        self.finder: Finder = Finder(self.store, self.routers, self.catalogue, ages)
        self._links = link_settings(settings)

    @property
    def profiles(self) -> tuple[str, ...]:
        """Profiles that a route can be asked for."""
        return tuple(self.routers)

    def network(self, profile: str) -> Network:
        """
        The streets of a profile.

        Parameters
        ----------
        profile
            One of `profiles`.

        Returns
        -------
        network
            Shared and read-only.
        """
        return self.routers[profile].network

    def layer_names(self) -> tuple[str, ...]:
        """Layers that the store holds, in the catalogue's order."""
        held = {info.name for info in self.store.layers()}
        return tuple(name for name in self.catalogue if name in held)

    def places(self, layer: str) -> Layer:
        """
        A layer whole.

        Parameters
        ----------
        layer
            Name of the layer.

        Returns
        -------
        layer
            Its features and version.

        Raises
        ------
        NotFoundError
            If there is no such layer.
        """
        return self.store.layer(layer)

    def place(self, place_id: str) -> Place:
        """
        One place by its id, whatever its layer.

        Parameters
        ----------
        place_id
            Its id.

        Returns
        -------
        place
            Active or paused.

        Raises
        ------
        NotFoundError
            If there is none, or it was removed, or it is an area.
        """
        (feature,) = self.store.features([place_id])
        if not isinstance(feature, Place):
            raise NotFoundError(f"{place_id!r} is an area, not a place", parameter="id", value=place_id)
        return feature

    def osm_areas(self) -> tuple[OsmArea, ...]:
        """Parks, water and land use as OpenStreetMap draws them; read from disk at each call."""
        return load_features(self.directory / "osm").areas

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    # -- questions --------------------------------------------------------------------------------

    def nearest(
        self,
        *,
        origin: LonLat,
        layer: str,
        at: datetime,
        k: int = 5,
        profile: str = "ebike",
        service: Sequence[str] = (),
        operator: str | None = None,
        accept: Sequence[str] = (),
    ) -> Answer:
        """
        The k nearest places of a layer that are open on arrival.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees.
        layer
            Name of the layer.
        at
            Departure, aware.
        k
            How many, 1 to 100.
        profile
            ``"ebike"`` or ``"walk"``.
        service
            Kinds of service that must all be on offer.
        operator
            Operator of the cabinet or place.
        accept
            ``"unknown"``, ``"stale"``: states accepted besides open and closing soon.

        Returns
        -------
        answer
            ``origin, profile, at, results`` and, if fewer than k came back, ``shortfall``.

        Raises
        ------
        InvalidInputError
            If an argument is not allowed.
        NotFoundError
            If there is no such layer.
        """
        (answer,) = self.nearest_many(
            origins=np.array([origin], dtype=np.float64),
            layer=layer,
            at=at,
            k=k,
            profile=profile,
            service=service,
            operator=operator,
            accept=accept,
        )
        return answer

    def nearest_many(
        self,
        *,
        origins: FloatArray,
        layer: str,
        at: datetime,
        k: int = 5,
        profile: str = "ebike",
        service: Sequence[str] = (),
        operator: str | None = None,
        accept: Sequence[str] = (),
    ) -> list[Answer]:
        """
        Answer `nearest` for many origins at once.

        Parameters
        ----------
        origins
            Longitude, latitude, WGS 84 degrees, shape ``(n, 2)``.
        layer
            As for `nearest`, like all that follows.
        at
            Departure, aware.
        k
            How many for each origin.
        profile
            ``"ebike"`` or ``"walk"``.
        service
            Kinds of service.
        operator
            Operator.
        accept
            States accepted besides open and closing soon.

        Returns
        -------
        answers
            One per origin.
        """
        from geo_service.finder import NearestQuestion

        question = NearestQuestion(layer, at, k, profile, tuple(service), operator, _states(accept))
        return [
            {
                "origin": origin,
                "layer": layer,
                "profile": profile,
                "at": _time(at),
                "results": [self._found_json(found, profile) for found in answer.found],
            }
            | _shortfall_json(answer)
            for origin, answer in zip(origins.tolist(), self.finder.nearest(question, origins), strict=True)
        ]

    def onway(
        self,
        *,
        origin: LonLat,
        destination: LonLat,
        layer: str,
        at: datetime,
        k: int = 3,
        profile: str = "ebike",
        service: Sequence[str] = (),
        operator: str | None = None,
        accept: Sequence[str] = (),
    ) -> Answer:
        """
        The k places of least added time on the way, open when one gets there.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees.
        destination
            Likewise.
        layer
            As for `nearest`, like all that follows.
        at
            Departure, aware.
        k
            How many.
        profile
            ``"ebike"`` or ``"walk"``.
        service
            Kinds of service.
        operator
            Operator.
        accept
            States accepted besides open and closing soon.

        Returns
        -------
        answer
            ``direct_s`` and ``results``: those of `nearest` with ``added_s``; ``length_m`` is by way of the stop.
        """
        from geo_service.finder import NearestQuestion

        question = NearestQuestion(layer, at, k, profile, tuple(service), operator, _states(accept))
        answer = self.finder.onway(question, np.array(origin, np.float64), np.array(destination, np.float64))
        return {
            "origin": list(origin),
            "destination": list(destination),
            "layer": layer,
            "profile": profile,
            "at": _time(at),
            "direct_s": answer.direct_ms / 1000,
            "results": [
                {"added_s": stop.added_ms / 1000, **self._found_json(stop.found, profile)}
                for stop in answer.stops
            ],
        }

    def within_range(
        self,
        *,
        origin: LonLat,
        layer: str,
        at: datetime,
        range_m: float,
        reserve_m: float = 0.0,
        via: LonLat | None = None,
        k: int = 5,
        profile: str = "ebike",
        service: Sequence[str] = (),
        operator: str | None = None,
        accept: Sequence[str] = (),
    ) -> Answer:
        """
        The k nearest places that a remaining range reaches, open on arrival.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees.
        layer
            As for `nearest`.
        at
            Departure, aware.
        range_m
            How far the battery still goes, metres.
        reserve_m
            How much of it must be left, metres.
        via
            A drop-off to pass first.
        k
            How many.
        profile
            ``"ebike"`` or ``"walk"``.
        service
            Kinds of service.
        operator
            Operator.
        accept
            States accepted besides open and closing soon.

        Returns
        -------
        answer
            ``range_m, reserve_m, via`` and ``results`` as those of `nearest`, empty if none is within range.
        """
        from geo_service.finder import NearestQuestion

        question = NearestQuestion(layer, at, k, profile, tuple(service), operator, _states(accept))
        stop = None if via is None else np.array(via, np.float64)
        found = self.finder.within_range(question, np.array(origin, np.float64), range_m, reserve_m, stop)
        return {
            "origin": list(origin),
            "via": None if via is None else list(via),
            "layer": layer,
            "profile": profile,
            "at": _time(at),
            "range_m": range_m,
            "reserve_m": reserve_m,
            "results": [self._found_json(one, profile) for one in found],
        }

    def route(self, *, origin: LonLat, destination: LonLat, profile: str = "ebike") -> Answer:
        """
        The fastest way between two points.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees.
        destination
            Likewise.
        profile
            ``"ebike"`` or ``"walk"``.

        Returns
        -------
        answer
            ``cost_s, length_m, geometry, steps``.

        Raises
        ------
        InvalidInputError
            If the profile is unknown or a point far from any street.
        UnreachableError
            If no way leads there.
        """
        found = self.finder.route(
            np.array(origin, dtype=np.float64), np.array(destination, dtype=np.float64), profile
        )
        return {"origin": list(origin), "destination": list(destination), "profile": profile} | _route_json(
            found
        )

    def place_json(self, place: Place, at: datetime) -> Answer:
        """
        One place with its state at an instant and its links.

        Parameters
        ----------
        place
            The place.
        at
            The instant, aware.

        Returns
        -------
        answer
            The words of a result of `nearest` that do not depend on an origin.
        """
        return self._place_json(place, self.finder.opening(place, at), "ebike")

    def _found_json(self, found: "Found", profile: str) -> Answer:
        costs = {"cost_s": found.cost_ms / 1000, "length_m": found.length_mm / 1000}
        return costs | self._place_json(found.place, found.opening, profile)

    def _place_json(self, place: Place, opening: Opening, profile: str) -> Answer:
        properties = feature_to_json(place)["properties"]
        shown = ("address", "access", "services", "power", "operator", "ebike_parking", "hours")
        # The age of what the state rests on; other facts have dates of their own.
        checked = [day for kind in ("hours", "existence") if (day := place.provenance.checked_on(kind))]
        return {
            "id": place.id,
            "layer": place.layer,
            "name": place.name,
            "lon": place.lon,
            "lat": place.lat,
            "target": list(place.target),
            "state": str(opening.state),
            "open_until": _time(opening.until) if opening.state in _OPEN_STATES else None,
            "opens_at": _time(opening.opens_at),
            "checked_on": min(checked).isoformat() if checked else None,
            "synthetic": place.provenance.source == "synthetic",
            **{key: properties[key] for key in shown if key in properties},
            "links": links_json(build_links(place.target, place.name, _link_mode(profile), self._links)),
        }


_OPEN_STATES = (State.OPEN, State.CLOSING_SOON, State.STALE)


def open_district(directory: Path, settings: Settings | None = None) -> District:
    """
    Open a district directory.

    Parameters
    ----------
    directory
        Where `geo-service init` made it.
    settings
        Settings to use; read from the environment if absent.

    Returns
    -------
    district
        Open for questions.

    Raises
    ------
    InvalidInputError
        If the directory is no district.
    BadDataError
        If a file of it is damaged.
    """
    config = read_config(directory / "district.toml")
    use_jit_cache(directory)
    return District(directory, config, settings or load_settings(os.environ))


def link_settings(settings: Settings) -> LinkSettings:
    """
    What links into map apps say of us.

    Parameters
    ----------
    settings
        The environment's settings.

    Returns
    -------
    links
        App name and keys; an app that needs a key is left out without one.
    """
    return LinkSettings(
        app_name=settings.app_name,
        baidu_src=settings.baidu_src,
        tencent_key=settings.tencent_key,
        wechat_app_id=settings.wechat_app_id,
    )


def use_jit_cache(directory: Path) -> None:
    """
    Let compiled kernels live in the district; must come before the engine is imported.

    Parameters
    ----------
    directory
        District directory; a cache named in the environment wins.
    """
    folder = directory / "cache" / "jit"
    if os.access(folder, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder.resolve()))


def _ready_index(folder: Path, network: Network) -> "Index":
    """The saved index, or one built anew where it is missing, damaged, or of another network or version."""
    from geo_service.engine.router import build_index, load_index, save_index

    try:
        return load_index(folder, network)
    except BadDataError as error:
        logger.warning("%s; it is built anew", error.message)
    index = build_index(network)
    if os.access(folder.parent.parent, os.W_OK):
        folder.parent.mkdir(exist_ok=True)
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        save_index(index, part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return index


def _link_mode(profile: str) -> Mode:
    return "ebike" if profile == "ebike" else "walk"


def _states(words: Sequence[str]) -> frozenset[State]:
    from geo_service.finder import ACCEPTABLE

    for word in words:
        if word not in ACCEPTABLE:
            raise InvalidInputError(
                f"accept={word!r} is not allowed; allowed: {', '.join(ACCEPTABLE)}",
                parameter="accept",
                value=word,
            )
    return frozenset(State(word) for word in words)


def _time(instant: datetime | None) -> str | None:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds") if instant else None


def _route_json(route: "RouteAnswer") -> Answer:
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


def _shortfall_json(answer: "NearestAnswer") -> Answer:
    if answer.shortfall is None:
        return {}
    short: Shortfall = answer.shortfall
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
