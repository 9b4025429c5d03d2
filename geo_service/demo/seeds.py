"""The shipped layers: where they lie, how they are written, and how they are moved to another day."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from geo_service.demo.districts import check_name
from geo_service.demo.places import build_demo_layers
from geo_service.errors import BadDataError
from geo_service.layers import Layer, dump_layer, parse_layer

SHIPPED_ON = date(2026, 11, 21)
"""The day for which the files in ``data/geojson`` were written."""

T = TypeVar("T")


def seed_folder() -> Path:
    """
    Find the folder of the shipped layers, installed or in a checkout.

    Returns
    -------
    folder
        Holds one folder of GeoJSON files for each demo district.

    Raises
    ------
    BadDataError
        If there is none.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "data" / "geojson", package.parent / "data" / "geojson"):
        if folder.is_dir():
            return folder
    raise BadDataError(f"no shipped layers beside {package}; install the package again")


def write_seed(folder: Path, name: str, on: date = SHIPPED_ON) -> tuple[Path, ...]:
    """
    Write the layers of a demo district as the files that ship.

    Parameters
    ----------
    folder
        Gets a folder named like the district.
    name
        One of `geo_service.demo.DEMO_NAMES`.
    on
        Day from which all days in the files are counted.

    Returns
    -------
    paths
        One file for each layer.
    """
    target = folder / name
    layers = build_demo_layers(name, on)
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for layer in layers:
        path = target / f"{layer.name}.geojson"
        path.write_bytes(dump_layer(layer))
        paths.append(path)
    return tuple(paths)


def seed_layers(folder: Path | None, name: str, on: date) -> tuple[Layer, ...]:
    """
    Read the shipped layers of a demo district and move their days.

    Nothing is drawn, so this is quick; the result is that of
    `geo_service.demo.build_demo_layers` for the same day.

    Parameters
    ----------
    folder
        Where the shipped layers lie; None finds them.
    name
        One of `geo_service.demo.DEMO_NAMES`.
    on
        Day to move to.

    Returns
    -------
    layers
        By name.

    Raises
    ------
    NotFoundError
        If there is no such demo district.
    BadDataError
        If its files are missing.
    InvalidInputError
        If a file breaks a rule of the layers.
    """
    place = (folder or seed_folder()) / check_name(name)
    paths = sorted(place.glob("*.geojson"))
    if not paths:
        raise BadDataError(
            f"{place} holds no layers; write them with `python -m geo_service.demo --out {place.parent}`"
        )
    layers = [parse_layer(path.read_bytes(), path.stem, path=str(path)) for path in paths]
    return tuple(shift_dates(layer, on - SHIPPED_ON) for layer in layers)


def shift_dates(layer: Layer, by: timedelta) -> Layer:
    """
    Move every day in a layer by the same span.

    Parameters
    ----------
    layer
        Any layer; it is not changed.
    by
        The span.

    Returns
    -------
    layer
        The same features on other days.
    """
    return replace(layer, features=tuple(_moved(feature, by) for feature in layer.features))


def _moved(value: T, by: timedelta) -> T:
    """A value with all days in it moved; what holds none is given back as it is."""
    out: Any = value
    if isinstance(value, date):
        out = value + by
    elif is_dataclass(value) and not isinstance(value, type):
        out = replace(value, **{f.name: _moved(getattr(value, f.name), by) for f in fields(value)})
    elif isinstance(value, tuple):
        out = tuple(_moved(item, by) for item in value)
    elif isinstance(value, Mapping):
        out = {key: _moved(item, by) for key, item in value.items()}
    return cast(T, out)
