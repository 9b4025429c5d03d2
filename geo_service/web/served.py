"""What this server serves: its districts, its clock, and the lookups every blueprint shares."""

from collections.abc import Callable, Mapping
from datetime import datetime

from flask import current_app

from geo_service.districts import District
from geo_service.errors import NotFoundError
from geo_service.settings import Settings


def served_districts() -> Mapping[str, District]:
    """
    Every district by id.

    Returns
    -------
    districts
        In the order they were given.
    """
    districts: Mapping[str, District] = current_app.extensions["districts"]
    return districts


def served_settings() -> Settings:
    """
    What the application was told.

    Returns
    -------
    settings
        Frozen.
    """
    settings: Settings = current_app.extensions["settings"]
    return settings


def present_time() -> datetime:
    """
    The application's present.

    Returns
    -------
    now
        Aware.
    """
    clock: Callable[[], datetime] = current_app.extensions["clock"]
    return clock()


def first_profile(district: District) -> str:
    """
    How riders of a district travel unless they say otherwise.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    profile
        ``"ebike"`` if it has that network.
    """
    return "ebike" if "ebike" in district.profiles else district.profiles[0]


def find_district(district_id: str) -> District:
    """
    The district of an address.

    Parameters
    ----------
    district_id
        First part of the path.

    Returns
    -------
    district
        Open for questions.

    Raises
    ------
    NotFoundError
        If this server has no such district.
    """
    districts = served_districts()
    if district_id not in districts:
        raise NotFoundError(
            f"there is no district {district_id[:40]!r}; here are: {', '.join(districts) or 'none'}"
        )
    return districts[district_id]
