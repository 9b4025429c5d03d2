"""
The whole error tree on one screen.

A message names the thing, shows the value, says what is allowed and offers the remedy;
``facts`` carry the same to a machine. The tree knows neither HTTP nor exit codes:
the doors map classes to those.
"""

from collections.abc import Mapping


class GeoServiceError(Exception):
    """
    Everything this package raises on purpose.

    Parameters
    ----------
    message
        One line for a person: what, which value, what is allowed, what to do.
    **facts
        The same for a machine; must be JSON values. ``parameter`` and ``value`` are customary.
    """

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts: Mapping[str, object] = facts


class InvalidInputError(GeoServiceError, ValueError):
    """The caller sent something we refuse."""


class ForbiddenError(GeoServiceError):
    """The caller may not."""


class NotFoundError(GeoServiceError, LookupError):
    """No such district, layer, feature or report."""


class StaleEditError(GeoServiceError):
    """An older version was edited."""


class UnreachableError(GeoServiceError):
    """The streets do not lead there."""


class BadDataError(GeoServiceError):
    """A file or table of ours is unusable."""


class StoreMovedError(BadDataError):
    """The store was moved to another database while somebody had it open."""


class UnavailableError(GeoServiceError):
    """What we stand on does not answer just now; the same question may succeed in ``retry_after_s`` seconds."""
