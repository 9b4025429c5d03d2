"""
Places, areas, layers and edits as frozen values.

A field that is absent is ``None``, ``()`` or an empty mapping. Attribute names are those of the
GeoJSON; ``class_`` alone carries an underscore, because Python keeps the word for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Status = Literal["active", "paused", "removed"]
AccessMethod = Literal["open", "code", "qr", "staff", "gate"]
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Service:
    """One thing a place offers; without hours of its own those of the door count."""

    kind: str
    hours: str | None = None
    note: str | None = None
    price: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def is_offered(self, on: date) -> bool:
        """Whether the day lies in the validity, both ends included."""
        return _holds(self.valid_from, self.valid_until, on)


@dataclass(frozen=True)
class Access:
    """One way in; a code itself is never stored."""

    method: AccessMethod
    hours: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Power:
    """What a charging or swap cabinet serves."""

    operator: str | None = None
    plan: str | None = None
    voltage_v: tuple[int, ...] = ()
    slots: int | None = None


@dataclass(frozen=True)
class Inspection:
    """Who inspected last, when, and what came of it."""

    body: str
    date: date
    result: str


@dataclass(frozen=True)
class Listing:
    """How a map vendor shows the place."""

    vendor: str
    status: str
    checked_on: date | None = None


@dataclass(frozen=True)
class Checked:
    """When one kind of fact was last checked, and by which role."""

    on: date
    role: str


@dataclass(frozen=True)
class Provenance:
    """Where a feature comes from and when its facts were checked, by kind of fact."""

    source: str = ""
    licence: str = ""
    checked: Mapping[str, Checked] = field(default_factory=dict)

    def checked_on(self, kind: str) -> date | None:
        """Day on which this kind of fact was last checked; None if never."""
        found = self.checked.get(kind)
        return found.on if found else None


@dataclass(frozen=True)
class Place:
    """
    A point of one layer, WGS 84.

    The fields are those of ``docs/guide/layers.md``. Equal values compare equal; the hash is that
    of layer and id.
    """

    id: str
    layer: str
    lon: float
    lat: float
    name: str
    arrival: tuple[float, float] | None = None
    address: str | None = None
    phone: str | None = None
    network: str | None = None
    host_type: str | None = None
    operator: str | None = None
    class_: str | None = None
    station_code: str | None = None
    area_m2: float | None = None
    seats: int | None = None
    headcount: int | None = None
    hours: str | None = None
    services: tuple[Service, ...] = ()
    access: tuple[Access, ...] = ()
    ebike_parking: bool | int | None = None
    power: Power | None = None
    open_to: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()
    inspection: Inspection | None = None
    listing: tuple[Listing, ...] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    status: Status = "active"
    status_reason: str | None = None
    status_from: date | None = None
    status_until: date | None = None
    provenance: Provenance = field(default_factory=Provenance)
    extra: Mapping[str, object] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.layer, self.id))

    @property
    def target(self) -> tuple[float, float]:
        """Where routes and links aim: lon and lat of the entrance, or of the pin."""
        return self.arrival or (self.lon, self.lat)


@dataclass(frozen=True)
class Area:
    """
    A polygon of one layer, WGS 84.

    ``geometry`` is a GeoJSON Polygon or MultiPolygon, outer rings counter-clockwise.
    """

    id: str
    layer: str
    name: str
    geometry: Mapping[str, object]
    status: Status = "active"
    status_reason: str | None = None
    status_from: date | None = None
    status_until: date | None = None
    provenance: Provenance = field(default_factory=Provenance)
    extra: Mapping[str, object] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.layer, self.id))


Feature = Place | Area


@dataclass(frozen=True)
class Layer:
    """
    Features of one category, sorted by id, at one version.

    Parameters
    ----------
    name
        Key of the category.
    features
        In any order; they are kept sorted by id.
    version
        Of the layer in its store; 0 for one that is in no store.
    """

    name: str
    features: tuple[Feature, ...] = ()
    version: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(sorted(self.features, key=lambda feature: feature.id)))


@dataclass(frozen=True)
class Edit:
    """
    One feature added, changed or removed.

    Parameters
    ----------
    layer
        Layer of the feature.
    id
        The feature.
    base_version
        Version of the layer the editor saw (that of the feature's last change does as well); None
        if only ``before`` says what was seen.
    before
        The feature as the editor saw it; None adds one.
    after
        The feature as it shall be; None removes it.
    """

    layer: str
    id: str
    base_version: int | None
    before: Feature | None
    after: Feature | None


def _holds(first: date | None, last: date | None, on: date) -> bool:
    return (first is None or first <= on) and (last is None or on <= last)


def is_active(feature: Feature, on: date) -> bool:
    """
    Whether a place or area is in use on a day.

    An ``active`` one is so within its dates (pop-up, seasonal), a ``paused`` one outside of them, a
    ``removed`` one never.

    Parameters
    ----------
    feature
        The place or area.
    on
        The day; both ends of the dates count.

    Returns
    -------
    is_active
        True if riders may be sent there.

    Examples
    --------
    >>> summer = Place("p1", "water", 116.4, 39.9, "凉茶", status_from=date(2026, 7, 1), status_until=date(2026, 8, 31))
    >>> is_active(summer, date(2026, 7, 1)), is_active(summer, date(2026, 9, 1))
    (True, False)
    """
    if feature.status == "removed":
        return False
    return _holds(feature.status_from, feature.status_until, on) == (feature.status == "active")
