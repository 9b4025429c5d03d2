"""A place in a few lines a person reads: for apps that show one text and know no fields."""

from geo_service.exchange.cells import degrees
from geo_service.exchange.outgoing.job import notice_of
from geo_service.layers import Access, Catalogue, Place, Service, Words

STATUS_WORDS = {
    "active": Words("在用", "in use"),
    "paused": Words("暂停", "paused"),
    "removed": Words("已撤销", "removed"),
}
ACCESS_WORDS = {
    "open": Words("直接进入", "open"),
    "code": Words("密码锁", "code lock"),
    "qr": Words("扫码", "QR code"),
    "staff": Words("工作人员", "staff"),
    "gate": Words("大门", "gate"),
}


def label_of(place: Place) -> str:
    """
    Name a place so that nobody is sent to one that is not in use.

    Parameters
    ----------
    place
        The place.

    Returns
    -------
    label
        Its name, with the status where it is not active.
    """
    return place.name if place.status == "active" else f"{place.name}（{STATUS_WORDS[place.status].zh}）"


def describe(place: Place, catalogue: Catalogue) -> str:
    """
    Describe a place in lines of Chinese with English headings.

    Parameters
    ----------
    place
        The place.
    catalogue
        Words for kinds of service.

    Returns
    -------
    text
        Plain text, one fact per line, what is absent left out.
    """
    power = place.power
    facts = (
        ("状态 Status", _status(place)),
        ("地址 Address", place.address),
        ("电话 Phone", place.phone),
        ("营业时间 Hours", place.hours),
        ("服务 Services", "；".join(_service(one, catalogue) for one in place.services)),
        ("进入 Access", "；".join(map(_access, place.access))),
        ("入口 Entrance (WGS-84)", ", ".join(map(degrees, place.arrival)) if place.arrival else None),
        ("电动车停放 E-bike parking", _parking(place.ebike_parking)),
        ("充换电 Power", " ".join(filter(None, (power.operator, power.plan))) if power else None),
        ("网络 Network", place.network),
        ("核实 Checked", _checked(place)),
        ("来源 Source", " ".join(filter(None, (place.provenance.source, place.provenance.licence)))),
        ("提示 Notice", notice_of(place)),
    )
    return "\n".join(f"{heading}: {text}" for heading, text in facts if text)


def _status(place: Place) -> str | None:
    if place.status == "active":
        return None
    return " ".join(filter(None, (*STATUS_WORDS[place.status], place.status_reason)))


def _service(service: Service, catalogue: Catalogue) -> str:
    words = catalogue.services.get(service.kind, Words(service.kind, service.kind))
    days = [day.isoformat() if day else "" for day in (service.valid_from, service.valid_until)]
    span = "–".join(days) if any(days) else None
    return _with_notes(words.zh, service.hours, service.note, service.price, span)


def _access(access: Access) -> str:
    return _with_notes(ACCESS_WORDS[access.method].zh, access.hours, access.note)


def _with_notes(word: str, *notes: str | None) -> str:
    said = ", ".join(note for note in notes if note and note != word)
    return f"{word}（{said}）" if said else word


def _parking(value: bool | int | None) -> str | None:
    if value is None:
        return None
    return ("有 yes" if value else "无 no") if isinstance(value, bool) else str(value)


def _checked(place: Place) -> str | None:
    found = place.provenance.checked.get("hours") or place.provenance.checked.get("existence")
    return found.on.isoformat() if found else None
