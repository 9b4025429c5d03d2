"""
What share of the places each map vendor shows, and since when that is known.

A vendor's status for a place is one of `STATUSES`; a district may use others, which count as "shown wrongly".
A place of which nobody noted anything for a vendor is unknown, not missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from geo_service.layers import Listing, Place

SHOWN, ABSENT = "listed", "not_listed"
STATUSES = (SHOWN, ABSENT, "wrong_position", "wrong_name", "wrong_hours")
"""What a vendor's map shows of a place; the last three show it, but wrongly."""


@dataclass(frozen=True)
class VendorListing:
    """
    How one vendor shows the places of a layer.

    Parameters
    ----------
    vendor
        Its key, as written in the places.
    n_places
        All places asked about.
    n_shown
        Shown rightly.
    n_wrong
        Shown, but wrongly.
    n_absent
        Looked for and not found.
    n_unknown
        Never looked for.
    oldest_check
        Day of the oldest check among those that carry a day; None if none does.
    newest_check
        Day of the newest.
    """

    vendor: str
    n_places: int
    n_shown: int
    n_wrong: int
    n_absent: int
    n_unknown: int
    oldest_check: date | None
    newest_check: date | None

    @property
    def shown_share(self) -> float | None:
        """Places shown rightly over places looked for; None if none was looked for."""
        n_known = self.n_places - self.n_unknown
        return self.n_shown / n_known if n_known else None


def report_listing(places: Iterable[Place]) -> tuple[VendorListing, ...]:
    """
    Count for each vendor how it shows the places.

    Parameters
    ----------
    places
        Places of one layer.

    Returns
    -------
    report
        One row per vendor that any place names, by vendor.
    """
    asked = tuple(places)
    vendors = sorted({listing.vendor for place in asked for listing in place.listing})
    return tuple(_count(vendor, asked) for vendor in vendors)


def _count(vendor: str, places: tuple[Place, ...]) -> VendorListing:
    found = [_newest(place, vendor) for place in places]
    known = [listing for listing in found if listing is not None]
    days = sorted(listing.checked_on for listing in known if listing.checked_on is not None)
    n_shown = sum(listing.status == SHOWN for listing in known)
    n_absent = sum(listing.status == ABSENT for listing in known)
    n_wrong = len(known) - n_shown - n_absent
    ends = (days[0], days[-1]) if days else (None, None)
    return VendorListing(vendor, len(places), n_shown, n_wrong, n_absent, len(places) - len(known), *ends)


def _newest(place: Place, vendor: str) -> Listing | None:
    """What was noted last of a place; an entry without a day is older than any with one."""
    own = [listing for listing in place.listing if listing.vendor == vendor]
    return max(own, key=lambda listing: listing.checked_on or date.min, default=None)
