"""How old each kind of fact may become before it is to be checked again, as the settings say."""

from geo_service.settings import Settings


def check_ages(settings: Settings) -> dict[str, int]:
    """
    Days after which each kind of fact is due.

    Parameters
    ----------
    settings
        The environment's settings.

    Returns
    -------
    ages
        By kind; services and ways in age like the place itself.
    """
    return {
        "existence": settings.existence_age_days,
        "hours": settings.hours_age_days,
        "services": settings.existence_age_days,
        "access": settings.existence_age_days,
        "cabinet": settings.cabinet_age_days,
    }
