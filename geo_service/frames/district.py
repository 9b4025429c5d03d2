"""A district's answers as GeoDataFrames."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_service.districts.answers import coverage_json, what_if_json
from geo_service.districts.district import District, PlaceWishes
from geo_service.errors import InvalidInputError
from geo_service.frames.points import (
    CRS,
    FloatArray,
    Points,
    index_of,
    link_lines,
    to_frame,
    to_instant,
    to_lonlat,
)
from geo_service.frames.streets import Streets
from geo_service.layers import Place

_PLACE = ("id", "layer", "name", "lon", "lat")
_STATE = ("state", "open_until", "links")
_FOUND = (*_PLACE, "cost_s", "length_m", *_STATE)
_STOP = (*_PLACE, "added_s", "cost_s", "way_length_m", *_STATE)


class DistrictFrames(Streets):
    """
    An open district for Python: its questions and its layers.

    Parameters
    ----------
    district
        The district behind it.
    """

    def __init__(self, district: District) -> None:
        self.district = district
        self._routers = district.routers  # type: ignore[assignment]

    def _lonlat(self, points: Points, name: str) -> FloatArray:
        return to_lonlat(points, name)

    def places(self, layer: str) -> gpd.GeoDataFrame:
        """
        A layer whole.

        Parameters
        ----------
        layer
            Name of the layer.

        Returns
        -------
        places
            One row per feature, indexed by id; columns as in the GeoJSON.

        Raises
        ------
        NotFoundError
            If there is no such layer.
        """
        return to_frame(self.district.places(layer))

    def layers(self) -> tuple[str, ...]:
        """
        Names of the layers held.

        Returns
        -------
        names
            In the catalogue's order.
        """
        return self.district.layer_names()

    def nearest(
        self,
        origin: Points,
        layer: str,
        k: int = 5,
        profile: str = "ebike",
        at: datetime | str | None = None,
        **wishes: Unpack[PlaceWishes],
    ) -> gpd.GeoDataFrame:
        """
        The k nearest places that are open on arrival, for each origin.

        Parameters
        ----------
        origin
            Where riders are.
        layer
            Name of the layer.
        k
            How many for each origin.
        profile
            ``"ebike"`` or ``"walk"``.
        at
            Departure; now if absent. Without a zone it is Asia/Shanghai.
        **wishes
            ``service`` (kinds that must all be on offer), ``operator``, ``plan``, ``voltage_v`` (of the cabinet),
            ``accept`` (of ``"unknown"``, ``"stale"``).

        Returns
        -------
        places
            At most k rows per origin, nearest first, with ``origin`` (index of the row asked for), ``rank``,
            ``id, layer, name, cost_s, length_m, state, open_until, links`` and the place's point.
        """
        answers = self.district.nearest_many(
            origins=to_lonlat(origin, "origin"),
            layer=layer,
            at=to_instant(at),
            k=k,
            profile=profile,
            **wishes,
        )
        return _frame(index_of(origin), answers, _FOUND)

    def onway(
        self,
        origin: Points,
        destination: Points,
        layer: str,
        k: int = 3,
        profile: str = "ebike",
        at: datetime | str | None = None,
        **wishes: Unpack[PlaceWishes],
    ) -> gpd.GeoDataFrame:
        """
        The k stops of least added time between each origin and the destination in the same row.

        Parameters
        ----------
        origin
            Start points.
        destination
            End points, as many as there are origins.
        layer
            Name of the layer.
        k
            How many for each pair.
        profile
            ``"ebike"`` or ``"walk"``.
        at
            Departure; now if absent.
        **wishes
            ``service, operator, plan, voltage_v, accept``, as for `nearest`.

        Returns
        -------
        stops
            Least added first, columns as for `nearest` with ``added_s``, ``cost_s`` to the stop, ``way_length_m`` by
            way of it, and ``direct_cost_s`` without a stop.

        Raises
        ------
        InvalidInputError
            If the numbers of points differ, or a point is far from any street.
        UnreachableError
            If no way leads to a destination.
        """
        starts, ends = to_lonlat(origin, "origin"), to_lonlat(destination, "destination")
        _check_pairs(starts, ends, "destination")
        answers = [
            self.district.onway(
                origin=_pair(start), destination=_pair(end), layer=layer, at=to_instant(at), k=k, profile=profile,
                **wishes,
            )
            for start, end in zip(starts, ends, strict=True)
        ]  # fmt: skip
        for answer in answers:
            for stop in answer["results"]:
                stop["direct_cost_s"] = answer["direct_cost_s"]
        return _frame(index_of(origin), answers, (*_STOP, "direct_cost_s"))

    def range(
        self,
        origin: Points,
        layer: str,
        range_m: float,
        reserve_m: float = 0.0,
        via: Points | None = None,
        k: int = 5,
        profile: str = "ebike",
        at: datetime | str | None = None,
        **wishes: Unpack[PlaceWishes],
    ) -> gpd.GeoDataFrame:
        """
        The k nearest places that a remaining range reaches, for each origin.

        Parameters
        ----------
        origin
            Where riders are.
        layer
            Name of the layer.
        range_m
            How far the battery still goes, metres; the length of the fastest way is compared.
        reserve_m
            How much of it must be left, metres.
        via
            Drop-offs to pass first, as many as there are origins; none if absent.
        k
            How many for each origin.
        profile
            ``"ebike"`` or ``"walk"``.
        at
            Departure; now if absent.
        **wishes
            ``service, operator, plan, voltage_v, accept``, as for `nearest`.

        Returns
        -------
        places
            As `nearest`; no row where none is within range.

        Raises
        ------
        InvalidInputError
            If the numbers of points differ, a point is far from any street, or a length is negative.
        UnreachableError
            If no way leads to a drop-off.
        """
        starts = to_lonlat(origin, "origin")
        stops = [None] * len(starts) if via is None else [_pair(stop) for stop in to_lonlat(via, "via")]
        _check_pairs(starts, stops, "via")
        answers = [
            self.district.within_range(
                origin=_pair(start), via=stop, range_m=range_m, reserve_m=reserve_m, layer=layer,
                at=to_instant(at), k=k, profile=profile, **wishes,
            )
            for start, stop in zip(starts, stops, strict=True)
        ]  # fmt: skip
        return _frame(index_of(origin), answers, _FOUND)

    def coverage(
        self,
        layer: str,
        minutes: float = 10,
        profile: str = "walk",
        at: datetime | str | None = None,
        **wishes: Unpack[PlaceWishes],
    ) -> gpd.GeoDataFrame:
        """
        The streets, and how much of each has a place of a layer within some minutes.

        Parameters
        ----------
        layer
            Name of the layer.
        minutes
            Longest time to the nearest place, inclusive.
        profile
            ``"walk"`` or ``"ebike"``.
        at
            Departure: only places open throughout from then until the minutes are over count; all in use if absent.
        **wishes
            ``service, operator, plan, voltage_v, accept``, as for `nearest`.

        Returns
        -------
        streets
            One LineString per link with ``name, length_m, covered_m`` and ``cost_s`` from its middle to the nearest
            place (NaN where no way leads). ``attrs`` holds ``covered_share`` and the rest of the answer; it is a share
            of street length, not of people.
        """
        instant = None if at is None else to_instant(at)
        question = self.district.coverage_question(layer, minutes, profile, instant, **wishes)
        answer = self.district.finder.coverage(question)
        network, middle_ms = answer.cover.network, answer.cover.middle_ms()
        streets = gpd.GeoDataFrame(
            {
                "name": [network.names[i] for i in network.link_name],
                "length_m": network.link_length_mm / 1000,
                "covered_m": answer.cover.link_m,
                "cost_s": np.where(middle_ms < 0, np.nan, middle_ms / 1000),
            },
            geometry=link_lines(network, np.arange(network.n_links, dtype=np.int32)),
            crs=CRS,
        )
        streets.attrs = coverage_json(question, answer)
        return streets

    def what_if(
        self,
        layer: str,
        minutes: float = 10,
        profile: str = "walk",
        at: datetime | str | None = None,
        without: Sequence[str] = (),
        with_: Points | None = None,
        **wishes: Unpack[PlaceWishes],
    ) -> gpd.GeoDataFrame:
        """
        What closing or opening places would change in a coverage: each alone, and all together.

        Parameters
        ----------
        layer
            Name of the layer.
        minutes
            Longest time to the nearest place, inclusive.
        profile
            ``"walk"`` or ``"ebike"``.
        at
            As for `coverage`.
        without
            Ids of places that close.
        with_
            Where places come; they are taken to be open.
        **wishes
            ``service, operator, plan, voltage_v, accept``, as for `nearest`.

        Returns
        -------
        trials
            One row per change alone: ``change`` (``"without"`` or ``"with"``), ``id`` (of the place, or the index
            of the point), ``covered_share``, ``difference`` and the point. ``attrs`` holds the coverage as it stands
            and, in ``what_if``, that with all changes together.

        Raises
        ------
        InvalidInputError
            If an argument is not allowed, or a point is far from any street.
        NotFoundError
            If there is no such layer or place.
        """
        instant = None if at is None else to_instant(at)
        question = self.district.coverage_question(layer, minutes, profile, instant, **wishes)
        new = np.empty((0, 2)) if with_ is None else to_lonlat(with_, "with_")
        answer = self.district.finder.what_if(question, without, new)
        said = what_if_json(answer, without, [_pair(point) for point in new])
        placed = {p.id: (p.lon, p.lat) for p in self.district.places(layer).features if isinstance(p, Place)}
        labels = [*without, *([] if with_ is None else index_of(with_))]
        spots = [*(placed[key] for key in without), *new.tolist()]
        trials = gpd.GeoDataFrame(
            {
                "change": ["without"] * len(without) + ["with"] * len(new),
                "id": pd.Series(labels, dtype=object),
                "covered_share": [one["covered_share"] for one in said["what_if"]["alone"]],
                "difference": [one["difference"] for one in said["what_if"]["alone"]],
            },
            geometry=gpd.points_from_xy(*np.array(spots, dtype=np.float64).reshape(-1, 2).T),
            crs=CRS,
        )
        trials.attrs = coverage_json(question, answer.before) | said
        return trials


def _frame(
    index: pd.Index, answers: Sequence[Mapping[str, Any]], columns: tuple[str, ...]
) -> gpd.GeoDataFrame:
    rows = [
        {"origin": index[row], "rank": rank, **{key: result[key] for key in columns}}
        for row, answer in enumerate(answers)
        for rank, result in enumerate(answer["results"], start=1)
    ]
    table = pd.DataFrame(rows, columns=["origin", "rank", *columns])
    points = gpd.points_from_xy(table.pop("lon"), table.pop("lat"))
    return gpd.GeoDataFrame(table, geometry=points, crs=CRS)


def _pair(lonlat: FloatArray) -> tuple[float, float]:
    return float(lonlat[0]), float(lonlat[1])


def _check_pairs(starts: FloatArray, others: Sequence[Any] | FloatArray, name: str) -> None:
    if len(starts) != len(others):
        raise InvalidInputError(
            f"{len(starts)} origins and {len(others)} of {name}; give as many of the one as of the other",
            parameter=name,
            value=len(others),
        )
