"""
Planners that are kept: one for what stands, asked again and again while somebody drags.

A planner is of layers at their versions and of parameters; whatever changes makes another one. The latest few are
kept, and one that many ask for at once is made once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson
from flask import current_app

from geo_service.districts import District
from geo_service.planning.demand import GROUPS
from geo_service.planning.parameters import DemandFile, Parameters

if TYPE_CHECKING:
    from geo_service.districts.plans.planner import Planner
    from geo_service.districts.plans.what_if import WhatIf
    from geo_service.planning.demand import Demand

T = TypeVar("T")

PLANNERS_KEPT = 4
"""Planners in memory; one of 17,000 demand points and 150 places takes about 30 MB."""

TRIALS_KEPT = 8


class Kept(Generic[T]):
    """
    The latest values by key, each made once.

    Parameters
    ----------
    most
        How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """
        Give the value of a key.

        Parameters
        ----------
        key
            Of the value.
        make
            Makes it if it is not kept; others who want the same wait for it.

        Returns
        -------
        value
            Kept or made.
        """
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._held:
                    return self._held[key]
            try:
                made = make()
                with self._lock:
                    self._held[key] = made
                    while len(self._held) > self._most:
                        self._held.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return made


class Planners:
    """What one server keeps of planners, for all its districts; safe to share between threads."""

    def __init__(self) -> None:
        self._demands: Kept[Demand] = Kept(PLANNERS_KEPT)
        self._planners: Kept[Planner] = Kept(PLANNERS_KEPT)
        self._trials: Kept[WhatIf] = Kept(TRIALS_KEPT)

    def demand(self, district: District, file: DemandFile | None) -> "Demand":
        """
        Where riders need something: what takes longest of a planner, and the same however it is asked.

        Parameters
        ----------
        district
            The district.
        file
            What was brought; None where the map and the layers show it.

        Returns
        -------
        demand
            Shared: only to be read.
        """
        from geo_service.districts.plans.demand import draw_demand, kept_demand

        return self._demands.get(
            (*_data_of(district), file),
            lambda: draw_demand(district) if file is None else kept_demand(district, file),
        )

    def standing(self, district: District, parameters: Parameters) -> "Planner":
        """
        A planner of what stands.

        Parameters
        ----------
        district
            The district.
        parameters
            What is planned; changes, groups and stations do not count.

        Returns
        -------
        planner
            Shared: only to be asked.
        """
        from geo_service.districts.plans.planner import Planner

        plain = replace(parameters, changes=(), groups=GROUPS, stations=1)
        return self._planners.get(
            _key(district, plain), lambda: Planner(district, plain, self.demand(district, plain.demand))
        )

    def what_if(self, district: District, parameters: Parameters) -> "WhatIf":
        """
        What is ready to be tried.

        Parameters
        ----------
        district
            The district.
        parameters
            What is planned; changes do not count.

        Returns
        -------
        what_if
            Shared: only to be asked.
        """
        from geo_service.districts.plans.what_if import WhatIf

        plain = replace(parameters, changes=())
        return self._trials.get(
            _key(district, plain),
            lambda: WhatIf(self.standing(district, plain), plain.groups, plain.stations),
        )

    def changed(self, district: District, parameters: Parameters) -> "Planner":
        """
        A planner with the changes, groups and stations of its parameters.

        Parameters
        ----------
        district
            The district.
        parameters
            What is planned.

        Returns
        -------
        planner
            Made anew, of the demand that is kept.
        """
        from geo_service.districts.plans.planner import Planner

        return Planner(district, parameters, self.demand(district, parameters.demand))


def _key(district: District, parameters: Parameters) -> Hashable:
    """What a planner is made of: the layers at their versions, and the parameters."""
    return *_data_of(district), canonical(parameters.to_json())


def _data_of(district: District) -> tuple[Hashable, ...]:
    """The district and its layers at their versions."""
    return district.id, tuple((info.name, info.version) for info in district.store.layers())


def canonical(values: Any) -> bytes:
    """
    Write values so that equal ones are the same bytes: a script in a browser writes 60000.0 as 60000.

    Parameters
    ----------
    values
        Plain values.

    Returns
    -------
    data
        JSON with every number a float, keys in order.
    """
    return orjson.dumps(_floats(values), option=orjson.OPT_SORT_KEYS)


def _floats(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _floats(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_floats(value) for value in values]
    return float(values) if isinstance(values, int) and not isinstance(values, bool) else values


def planners() -> Planners:
    """
    The planners of this server.

    Returns
    -------
    planners
        To be asked for one.
    """
    held: Planners = current_app.extensions["planners"]
    return held
