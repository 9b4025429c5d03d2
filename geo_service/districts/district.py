"""An open district: its answers in the words that every door speaks."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from geo_service.districts.answers import (
    Speech,
    coverage_json,
    parse_cutoff_ms,
    parse_states,
    reach_json,
    route_json,
    what_if_json,
)
from geo_service.districts.config import DistrictConfig, read_config
from geo_service.districts.doubted import Hearsay, Standing
from geo_service.districts.packing import Packing
from geo_service.districts.routers import Routers, warm_up
from geo_service.districts.routers import use_jit_cache as use_jit_cache
from geo_service.districts.stores import open_district_store
from geo_service.errors import NotFoundError
from geo_service.exchange.navlinks import LinkSettings
from geo_service.geo import BBox
from geo_service.hours import SHANGHAI
from geo_service.layers import Catalogue, Layer, Place, catalogue_with
from geo_service.network.graph import Network
from geo_service.settings import Settings, load_settings
from geo_service.store.base import Store

if TYPE_CHECKING:
    from geo_service.engine.router import Router
    from geo_service.finder import CoverageQuestion, NearestQuestion, Wish
    from geo_service.maps.tiles import Tiles

FloatArray = npt.NDArray[np.float64]
LonLat = tuple[float, float]
Answer = dict[str, Any]


class PlaceWishes(TypedDict, total=False):
    """
    What may be wished for of a place in every question.

    ``service`` names kinds of service that must all be on offer on arrival; ``operator``, ``plan`` and ``voltage_v``
    are those of the cabinet (or the place), exactly; ``accept`` names states accepted besides open and closing soon, of
    ``"unknown"`` and ``"stale"``.
    """

    service: Sequence[str]
    operator: str | None
    plan: str | None
    voltage_v: int | None
    accept: Sequence[str]


class Wishes(PlaceWishes, total=False):
    """The same, and the ``profile``: ``"ebike"`` or ``"walk"``."""

    profile: str


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
    pack
        What phones fetch to answer by themselves.
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
        self.store: Store = open_district_store(directory, config)
        self.routers: Mapping[str, Router] = Routers(directory)
        ages = Ages(settings.hours_age_days, settings.existence_age_days, settings.cabinet_age_days)
        self.finder: Finder = Finder(self.store, self.routers, self.catalogue, ages)
        self.pack = Packing(directory, config, self.catalogue, self.store, self.routers, ages)
        self._hearsay = Hearsay(self.store)
        self._speak = Speech(link_settings(settings))
        self._basemap: tuple[tuple[int, int, int], Tiles] | None = None

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

    def basemap(self) -> "Tiles | None":
        """The vector tiles of its ground, None if there are none; those of a newer file once it is there."""
        from geo_service.maps.basemap import NAME
        from geo_service.maps.tiles import Tiles

        path = self.directory / NAME
        try:
            stat = path.stat()
        except FileNotFoundError:
            return None
        state = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = self._basemap
        if known is None or known[0] != state:
            known = self._basemap = (state, Tiles(path))
        return known[1]

    def street_box(self, address: str) -> BBox | None:
        """
        Where the street runs that an address names.

        Parameters
        ----------
        address
            Any text.

        Returns
        -------
        box
            Around all streets of the longest name in it; None if it names none.
        """
        network = self.network(self.profiles[0])
        named = [i for i, name in enumerate(network.names) if name and name in address]
        if not named:
            return None
        links = np.flatnonzero(network.link_name == max(named, key=lambda i: len(network.names[i])))
        of_point = np.repeat(np.arange(network.n_links), np.diff(network.first_point))
        lon, lat = (
            values[np.isin(of_point, links)] / 1e6 for values in (network.point_lon_e6, network.point_lat_e6)
        )
        return BBox(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))

    def standing(self) -> Standing:
        """What people on the spot say against places, as of now."""
        return self._hearsay.now()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    # -- questions --------------------------------------------------------------------------------

    def nearest(
        self, *, origin: LonLat, layer: str, at: datetime, k: int = 5, **wishes: Unpack[Wishes]
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
        **wishes
            Words of `Wishes`: ``profile, service, operator, plan, voltage_v, accept``.

        Returns
        -------
        answer
            ``origin, layer, profile, at, results`` and, if fewer than k came back, ``shortfall``.

        Raises
        ------
        InvalidInputError
            If an argument is not allowed.
        NotFoundError
            If there is no such layer.
        """
        origins = np.array([origin], dtype=np.float64)
        (answer,) = self.nearest_many(origins=origins, layer=layer, at=at, k=k, **wishes)
        return answer

    def nearest_many(
        self, *, origins: FloatArray, layer: str, at: datetime, k: int = 5, **wishes: Unpack[Wishes]
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
        **wishes
            Words of `Wishes`.

        Returns
        -------
        answers
            One per origin.
        """
        standing = self.standing()
        question = _question(layer, at, k, wishes, standing)
        asked = zip(origins.tolist(), self.finder.nearest(question, origins), strict=True)
        return [self._speak.nearest(question, origin, answer, standing) for origin, answer in asked]

    def onway(
        self,
        *,
        origin: LonLat,
        destination: LonLat,
        layer: str,
        at: datetime,
        k: int = 3,
        **wishes: Unpack[Wishes],
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
        **wishes
            Words of `Wishes`.

        Returns
        -------
        answer
            ``direct_cost_s``, ``onward_links`` to the destination, and ``results``: those of `nearest` with
            ``added_s``; ``cost_s`` is that of getting to the stop, ``way_length_m`` the whole way by it.

        Raises
        ------
        InvalidInputError
            If an argument is not allowed.
        NotFoundError
            If there is no such layer.
        UnreachableError
            If no way leads to the destination.
        """
        standing = self.standing()
        question = _question(layer, at, k, wishes, standing)
        answer = self.finder.onway(question, _point(origin), _point(destination))
        return self._speak.onway(question, (origin, destination), answer, standing)

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
        **wishes: Unpack[Wishes],
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
        **wishes
            Words of `Wishes`.

        Returns
        -------
        answer
            ``range_m, reserve_m, via`` and ``results`` as those of `nearest`; with none, ``nearest`` is the place
            of the shortest way, or None if no place counts at all.

        Raises
        ------
        InvalidInputError
            If an argument is not allowed.
        NotFoundError
            If there is no such layer.
        UnreachableError
            If no way leads to the drop-off.
        """
        standing = self.standing()
        question = _question(layer, at, k, wishes, standing)
        stop = None if via is None else _point(via)
        answer = self.finder.within_range(question, _point(origin), range_m, reserve_m, stop)
        limits = {"via": None if via is None else list(via), "range_m": range_m, "reserve_m": reserve_m}
        return self._speak.within_range(question, origin, limits, answer, standing)

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
        found = self.finder.route(_point(origin), _point(destination), profile)
        asked = {"origin": list(origin), "destination": list(destination), "profile": profile}
        return asked | route_json(found)

    def reach(self, *, origin: LonLat, minutes: Sequence[float], profile: str = "ebike") -> Answer:
        """
        Polygons around what is within some minutes of a point.

        Parameters
        ----------
        origin
            Longitude, latitude, WGS 84 degrees.
        minutes
            Longest times, inclusive, in any order.
        profile
            ``"ebike"`` or ``"walk"``.

        Returns
        -------
        answer
            A GeoJSON FeatureCollection, fewest minutes first, each polygon within the next; a feature has
            ``minutes`` and ``street_m``, the length of street reached.

        Raises
        ------
        InvalidInputError
            If an argument is not allowed.
        """
        bands = self.finder.bands(_point(origin), profile, [parse_cutoff_ms(m) for m in minutes])
        return reach_json(origin, profile, bands)

    def coverage(
        self,
        *,
        layer: str,
        minutes: float,
        profile: str = "walk",
        at: datetime | None = None,
        without: Sequence[str] = (),
        with_: Sequence[LonLat] = (),
        **wishes: Unpack[PlaceWishes],
    ) -> Answer:
        """
        How much of the streets has a place of a layer within some minutes, and what if some went or came.

        Parameters
        ----------
        layer
            Name of the layer.
        minutes
            Longest time to the nearest place, inclusive.
        profile
            ``"walk"`` or ``"ebike"``.
        at
            Departure: only places open throughout from then until the minutes are over count. None for all places
            in use, whatever their hours.
        without
            Ids of places to close, for a trial.
        with_
            Where places come, for a trial; they are taken to be open.
        **wishes
            Words of `PlaceWishes`.

        Returns
        -------
        answer
            ``covered_share`` (``share_of`` street length), ``covered_m, street_m, nodes, places, eligible``, and of
            a trial ``what_if`` with all changes together and each alone.

        Raises
        ------
        InvalidInputError
            If an argument is not allowed.
        NotFoundError
            If there is no such layer or place.
        """
        question = self.coverage_question(layer, minutes, profile, at, **wishes)
        if not without and not with_:
            return coverage_json(question, self.finder.coverage(question))
        new = np.array(with_, dtype=np.float64).reshape(-1, 2)
        answer = self.finder.what_if(question, without, new)
        return coverage_json(question, answer.before) | what_if_json(answer, without, with_)

    def coverage_question(
        self, layer: str, minutes: float, profile: str, at: datetime | None, **wishes: Unpack[PlaceWishes]
    ) -> "CoverageQuestion":
        """
        The question that `coverage` asks of the finder.

        Parameters
        ----------
        layer
            Name of the layer.
        minutes
            Longest time.
        profile
            ``"walk"`` or ``"ebike"``.
        at
            Departure, or None.
        **wishes
            Words of `PlaceWishes`.

        Returns
        -------
        question
            To be given to ``finder.coverage`` and ``finder.what_if``.
        """
        from geo_service.finder import CoverageQuestion

        on = (at or datetime.now(SHANGHAI)).astimezone(SHANGHAI).date()
        accept = parse_states(wishes.get("accept", ()))
        doubts = self.standing().spans
        cutoff_ms = parse_cutoff_ms(minutes)
        return CoverageQuestion(layer, cutoff_ms, on, at, profile, _wish(wishes), accept, doubts)

    def warm_up(self) -> None:
        """Load the streets, index and kernels of every profile, so that no question has to wait for them."""
        for profile in self.profiles:
            warm_up(self.routers[profile])

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
            The words of a result of `nearest` that do not depend on an origin; ``doubts`` lists what people
            on the spot say against it.
        """
        standing = self.standing()
        opening = self.finder.opening(place, at, doubts=standing.spans)
        return self._speak.place(place, opening, "ebike", standing.against(place.id, at))


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


def _question(layer: str, at: datetime, k: int, wishes: Wishes, standing: Standing) -> "NearestQuestion":
    from geo_service.finder import NearestQuestion

    accept = parse_states(wishes.get("accept", ()))
    wish = _wish(wishes)
    return NearestQuestion(
        layer,
        at,
        k,
        wishes.get("profile", "ebike"),
        wish.services,
        wish.operator,
        accept,
        wish.plan,
        wish.voltage_v,
        standing.spans,
    )


def _wish(wishes: PlaceWishes) -> "Wish":
    from geo_service.finder import Wish

    services = tuple(wishes.get("service", ()))
    return Wish(services, wishes.get("operator"), wishes.get("plan"), wishes.get("voltage_v"))


def _point(lonlat: LonLat) -> FloatArray:
    return np.array(lonlat, dtype=np.float64)
