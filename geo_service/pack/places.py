"""Places as columns: whatever a card, a detail page, a filter, a search and the hours of a place need."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.geo import Extent, convert_datum, is_shifted
from geo_service.layers import Layer, Place
from geo_service.pack.files import PackedFile, pack_json
from geo_service.pack.hours import midnight
from geo_service.pack.spelling import spell

FloatArray = npt.NDArray[np.float64]

_DAY = timedelta(days=1)
_PLAIN = (
    "address", "phone", "network", "host_type", "operator", "station_code", "area_m2", "seats", "headcount",
    "ebike_parking", "status_reason",
)  # fmt: skip
"""Fields that go out as they are."""


class Snapped(NamedTuple):
    """
    Where places meet the streets of one profile: `Snaps` of the engine, a column each.

    Parameters
    ----------
    link
        Number of the link, -1 where no street is near.
    share
        How far along it, 0 to 1.
    forward_ms, backward_ms
        Cost to there from either end, -1 where that is not permitted.
    gap_ms
        Cost of the gap.
    gap_m
        The gap, metres.
    """

    link: npt.NDArray[np.int32]
    share: FloatArray
    forward_ms: npt.NDArray[np.int64]
    backward_ms: npt.NDArray[np.int64]
    gap_ms: npt.NDArray[np.int64]
    gap_m: FloatArray


class PackedPlaces(NamedTuple):
    """
    All places of a district.

    Parameters
    ----------
    file
        The file.
    texts
        Texts of hours that its places name by their position here; the first is None.
    """

    file: PackedFile
    texts: tuple[str | None, ...]


class _Shared:
    """Values that many places have in common, written once: a value's position."""

    def __init__(self, *first: Any) -> None:
        self.values: list[Any] = []
        self._at: dict[str, int] = {}
        for value in first:
            self.add(value)

    def add(self, value: Any) -> int:
        key = repr(value)
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(value)
        return self._at[key]


def pack_places(
    layers: Sequence[Layer],
    snaps: Mapping[str, Mapping[str, Snapped]],
    stale_on: Callable[[Place], date | None],
    extents: Sequence[Extent],
) -> PackedPlaces:
    """
    Write the places of a district.

    Parameters
    ----------
    layers
        Layers of places, in the catalogue's order.
    snaps
        Layer → profile → where its places meet the streets, in the layer's order.
    stale_on
        First day on which the facts of a place are too old; None if they always are.
    extents
        Extents that links ask about.

    Returns
    -------
    places
        Equal arguments give equal bytes.
    """
    texts, sources = _Shared(None), _Shared()
    tables = {}
    for layer in layers:
        places = [feature for feature in layer.features if isinstance(feature, Place)]
        columns = _columns(places, stale_on, texts, sources) | _where(places, extents)
        columns["snap"] = {profile: _snap_columns(snapped) for profile, snapped in snaps[layer.name].items()}
        tables[layer.name] = {"count": len(places)} | {k: v for k, v in columns.items() if _says_something(v)}
    file = pack_json(
        "places",
        {
            "format": 1,
            "extents": list(extents),
            "hours": texts.values,
            "sources": sources.values,
            "layers": tables,
        },
    )
    return PackedPlaces(file, tuple(texts.values))


def _says_something(column: Any) -> bool:
    return isinstance(column, dict) or any(value not in (None, [], "") for value in column)


def _columns(
    places: Sequence[Place],
    stale_on: Callable[[Place], date | None],
    texts: _Shared,
    sources: _Shared,
) -> dict[str, Any]:
    return {
        "id": [place.id for place in places],
        "name": [place.name for place in places],
        "pinyin": [spell(place.name).pinyin for place in places],
        **{name: [getattr(place, name) for place in places] for name in _PLAIN},
        "class": [place.class_ for place in places],
        "open_to": [list(place.open_to) for place in places],
        "photos": [list(place.photos) for place in places],
        "inspection": [_inspection(place) for place in places],
        "power": [asdict(place.power) if place.power else None for place in places],
        "hours": [texts.add(place.hours) for place in places],
        "services": [_services(place, texts) for place in places],
        "access": [[[a.method, texts.add(a.hours), a.note] for a in place.access] for place in places],
        "status": [None if place.status == "active" else place.status for place in places],
        "from_s": [_begin_s(place.status_from) for place in places],
        "until_s": [_end_s(place.status_until) for place in places],
        "source": [sources.add(_source(place)) for place in places],
        "checked": [_checked(place) for place in places],
        "stale_s": [_begin_s(stale_on(place)) or 0 for place in places],
    }  # fmt: skip


def _services(place: Place, texts: _Shared) -> list[list[Any]]:
    """Kind, hours (0 for the door's), note, price, dates; what is missing at the end is left out."""
    rows = []
    for service in place.services:
        row = [
            service.kind,
            texts.add(service.hours),
            service.note,
            service.price,
            _begin_s(service.valid_from),
            _end_s(service.valid_until),
        ]
        while row[-1] in (None, 0):
            row.pop()
        rows.append(row)
    return rows


def _inspection(place: Place) -> dict[str, str] | None:
    found = place.inspection
    if found is None:
        return None
    return {"body": found.body, "date": found.date.isoformat(), "result": found.result}


def _source(place: Place) -> list[str]:
    return [place.provenance.source, place.provenance.licence]


def _checked(place: Place) -> dict[str, str]:
    return {kind: checked.on.isoformat() for kind, checked in sorted(place.provenance.checked.items())}


def _begin_s(day: date | None) -> int | None:
    return int(midnight(day).timestamp()) if day else None


def _end_s(day: date | None) -> int | None:
    return int(midnight(day + _DAY).timestamp()) if day else None


def _where(places: Sequence[Place], extents: Sequence[Extent]) -> dict[str, Any]:
    """Pin and target; the target in the other datums as micro-degrees to add, and the extents it lies in as bits."""
    target = np.array([place.target for place in places], dtype=np.float64).reshape(-1, 2)
    gcj02 = convert_datum(target, "wgs84", "gcj02", "box")
    bd09 = convert_datum(target, "wgs84", "bd09", "box")
    bits = np.zeros(len(places), dtype=np.int64)
    for bit, extent in enumerate(extents):
        bits |= is_shifted(target, extent).astype(np.int64) << bit
    return {
        "lon": [place.lon for place in places],
        "lat": [place.lat for place in places],
        "arrival": [list(place.arrival) if place.arrival else None for place in places],
        **_moved("gcj02", target, gcj02),
        **_moved("bd09", target, bd09),
        "extents": bits.tolist(),
    }


def _moved(datum: str, target: FloatArray, there: FloatArray) -> dict[str, list[int]]:
    """Six decimals, as links write them, less those of the target: by floor, which every machine computes alike."""
    e6 = [[round(round(value, 6) * 1e6) for value in row] for row in there.tolist()]
    own = [[math.floor(value * 1e6) for value in row] for row in target.tolist()]
    pairs = list(zip(e6, own, strict=True))
    return {f"{datum}_{axis}": [a[i] - b[i] for a, b in pairs] for i, axis in enumerate(("lon", "lat"))}


def _snap_columns(snapped: Snapped) -> dict[str, Any]:
    there = snapped.link >= 0
    gap_mm = np.where(there, np.floor(snapped.gap_m * 1000.0), 0).astype(np.int64)
    return {
        "link": snapped.link.tolist(),
        "share": [share if ok else None for share, ok in zip(snapped.share.tolist(), there, strict=True)],
        "forward_ms": snapped.forward_ms.tolist(),
        "backward_ms": snapped.backward_ms.tolist(),
        "gap_ms": snapped.gap_ms.tolist(),
        "gap_mm": gap_mm.tolist(),
    }
