"""What one district gives to a table of many: coverage of its streets, its clock, and what that cost to work out."""

import gc
import hashlib
import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from geo_service import __version__
from geo_service.districts.district import District, open_district
from geo_service.districts.plans.planner import Planner
from geo_service.districts.routers import code_digest
from geo_service.layers.geojson import dump_layer
from geo_service.planning.demand import HOURS
from geo_service.planning.parameters import Parameters, parameters_of
from geo_service.planning.week import Week
from geo_service.settings import Settings

Answer = dict[str, Any]

FORMAT = "geo_service tally 1"
"""Grows when what a tally holds, or how it is worked out, changes: older ones are then made anew."""


class Ages(NamedTuple):
    """The settings on which coverage depends, days; other machines need to know no more of ours."""

    hours_age_days: int
    existence_age_days: int
    cabinet_age_days: int


def ages_of(settings: Settings) -> Ages:
    """
    Take from settings what coverage depends on.

    Parameters
    ----------
    settings
        The environment's.

    Returns
    -------
    ages
        When facts are stale.
    """
    return Ages(settings.hours_age_days, settings.existence_age_days, settings.cabinet_age_days)


def tally_district(directory: str, asked: Answer, ages: Ages) -> Answer:
    """
    Work out one district; runs in a process of its own, maybe on another machine.

    Parameters
    ----------
    directory
        The district, as this machine finds it.
    asked
        Parameters as plain values, see `Parameters.to_json`.
    ages
        When facts are stale.

    Returns
    -------
    tally
        Plain values by the names of `tally_table.COLUMNS`, and ``clock`` with its 168 shares. ``peak_mb`` is of this
        district alone on Linux; elsewhere of the process so far.

    Raises
    ------
    GeoServiceError
        If the district or the parameters cannot be used.
    """
    gc.collect()  # what is left of the district before is not this one's
    _forget_peak()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    parameters = parameters_of(asked)
    district = open_district(Path(directory), replace(Settings(), **ages._asdict()))
    try:
        tally = _tally(district, parameters) | {"fingerprint": fingerprint_of(district, parameters, ages)}
    finally:
        district.close()
    return tally | {
        "cpu_s": round(time.process_time() - cpu_s, 3),
        "wall_s": round(time.perf_counter() - began_s, 3),
        "peak_mb": round(_peak_mb(), 1),
        "worker": f"{platform.node()}:{os.getpid()}",
    }


def _tally(district: District, parameters: Parameters) -> Answer:
    planner = Planner(district, parameters)
    clock = planner.clock_json()
    streets = district.coverage(
        layer=parameters.need.layer,
        minutes=parameters.minutes,
        profile=parameters.profile,
        service=parameters.need.services,
        accept=parameters.accept,
    )
    return {
        "district": district.id,
        "name": district.name_zh,
        "synthetic": district.synthetic,
        "places": clock["places"],
        "demand_points": len(planner.demand),
        "rider_hours": round(float(planner.weights.total.sum()), 3),
        "covered_share": clock["covered_share"],
        "covered_0200_share": clock["at"]["02:00"]["covered_share"],
        "covered_1400_share": clock["at"]["14:00"]["covered_share"],
        "always_covered_share": clock["always_covered_share"],
        "street_m": streets["street_m"],
        "street_covered_share": streets["covered_share"],
        "unreached_points": clock["unreached"]["points"],
        "clock": clock["clock"],
    }


def fingerprint_of(district: District, parameters: Parameters, ages: Ages) -> str:
    """
    Name the data and the parameters that a tally rests on.

    Parameters
    ----------
    district
        Open; its streets are not loaded for this.
    parameters
        What is asked; days of one week are one.
    ages
        When facts are stale.

    Returns
    -------
    fingerprint
        Hexadecimal; other digits once streets, map, places, parameters or our code are others.
    """
    asked = parameters.to_json() | {"week": Week(parameters.week).monday.isoformat()}
    digest = hashlib.sha256()
    for cause in (FORMAT, __version__, code_digest(), asked, list(ages)):
        digest.update(json.dumps(cause, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    for path in _data_files(district, parameters.profile):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    for name in district.layer_names():
        digest.update(name.encode() + hashlib.sha256(dump_layer(district.places(name))).digest())
    return digest.hexdigest()


def _data_files(district: District, profile: str) -> list[Path]:
    """Small ones: of the streets only the file that holds their fingerprint."""
    directory = district.directory
    streets = directory / "network" / profile / "network.json"
    held = [directory / "district.toml", streets, *sorted((directory / "osm").glob("*.geojson"))]
    return [path for path in held if path.is_file()]


def _forget_peak() -> None:
    """Let the kernel count the most memory of this process anew, where it can."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # then the peak is that of the process so far


def _peak_mb() -> float:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1e6 if platform.system() == "Darwin" else 1e3)
    return next((float(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)


def is_tally(values: object, fingerprint: str) -> bool:
    """
    Whether what was read from a file is the tally one looks for.

    Parameters
    ----------
    values
        Parsed JSON.
    fingerprint
        What it must rest on.

    Returns
    -------
    is_so
        Damaged files and those of other data are not.
    """
    if not isinstance(values, dict) or values.get("fingerprint") != fingerprint:
        return False
    clock = values.get("clock")
    return isinstance(clock, list) and len(clock) == HOURS
