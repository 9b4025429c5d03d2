"""What a map to hand on says of a place: a few lines of plain text, Chinese first."""

from collections.abc import Mapping
from typing import Any

from geo_service.hours.spoken import chinese_hours
from geo_service.layers import Area, Place, Words

_WAYS_IN = {
    "open": "直接进 Walk in",
    "code": "门禁码（问站长） Door code",
    "qr": "扫码进 Scan to enter",
    "staff": "有人值守 Staff at the door",
    "gate": "小区门岗 Compound gate",
}


def place_rows(place: Place, services: Mapping[str, Words]) -> dict[str, Any]:
    """
    Say what is known of a place.

    Parameters
    ----------
    place
        The place.
    services
        Kinds of service by key.

    Returns
    -------
    facts
        ``id``, ``at`` (longitude and latitude of the pin), ``name``, and ``rows`` of label and text.
    """
    rows = [
        ("地址 Address", place.address or ""),
        ("时间 Hours", chinese_hours(place.hours) if place.hours else "未知 Unknown"),
        ("进门 Way in", "、".join(dict.fromkeys(_WAYS_IN[one.method] for one in place.access))),
        ("服务 Services", _services(place, services)),
        ("换电 Battery", _power(place)),
        ("电话 Phone", place.phone or ""),
        ("核实 Checked", str(place.provenance.checked_on("existence") or "")),
    ]
    at = [round(place.lon, 6), round(place.lat, 6)]
    return {"id": place.id, "at": at, "name": place.name, "rows": [row for row in rows if row[1]]}


def _services(place: Place, services: Mapping[str, Words]) -> str:
    said = []
    for one in place.services:
        words = services[one.kind].zh if one.kind in services else one.kind
        more = [chinese_hours(one.hours) if one.hours else "", one.price or "", one.note or ""]
        inside = "，".join(part for part in more if part)
        said.append(f"{words}（{inside}）" if inside else words)
    return "、".join(said)


def _power(place: Place) -> str:
    power = place.power
    if power is None:
        return ""
    volts = "/".join(map(str, power.voltage_v))
    parts = [power.operator or place.operator or "", power.plan or "", f"{volts} V" if volts else ""]
    return " · ".join(part for part in parts if part)


def area_rows(area: Area) -> dict[str, Any]:
    """
    Say what an area is called.

    Parameters
    ----------
    area
        The area.

    Returns
    -------
    facts
        ``id``, ``name`` and no rows.
    """
    return {"id": area.id, "name": area.name, "rows": []}
