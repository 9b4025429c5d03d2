"""What the desk hands out: files for map apps, a sheet to print, stations held against standards, listings."""

from flask import request
from flask.typing import ResponseReturnValue

from geo_service.desk.listing import report_listing
from geo_service.desk.permissions import Action
from geo_service.desk.standards import find_standard, judge, standards
from geo_service.errors import NotFoundError
from geo_service.exchange.outgoing import FORMATS
from geo_service.hours import SHANGHAI
from geo_service.layers import Place, is_active
from geo_service.web.codes import draw_code
from geo_service.web.desk.door import here_district, page, show
from geo_service.web.served import present_time, served_settings
from geo_service.web.words import hours_words


@page("/exports", Action.EXPORT)
def exports(district_id: str) -> ResponseReturnValue:
    """Offer every layer in every format, say what each cannot carry, and offer a map to hand on."""
    return show("exports.html", formats=list(FORMATS.values()), layers=_held())


@page("/sheet", Action.LOOK)
def sheet(district_id: str) -> ResponseReturnValue:
    """One layer to print: places with hours and ways in, and codes that lead to our own pages."""
    layer = _layer()
    base = public_root()
    now = present_time().astimezone(SHANGHAI)
    places = [place for place in _places(layer) if is_active(place, now.date())]
    rows = [(place, draw_code(f"{base}/{district_id}/p/{place.id}")) for place in places]
    return show(
        "sheet.html",
        category=here_district().catalogue[layer],
        rows=rows,
        home=f"{base}/{district_id}/",
        home_code=draw_code(f"{base}/{district_id}/"),
        now=now,
        hours_words=hours_words,
        services=here_district().catalogue.services,
    )


@page("/poster/<path:place_id>", Action.LOOK)
def poster(district_id: str, place_id: str) -> ResponseReturnValue:
    """One place to print and hang up there: the code says to the map "I am here", and goes on saying so."""
    place = here_district().store.features([place_id])[0]
    if not isinstance(place, Place):
        raise NotFoundError(f"{place_id} is an area; posters are for places", parameter="id", value=place_id)
    base = public_root()
    address = f"{base}/{district_id}/#here={place.id}"
    return show("poster.html", place=place, address=address, code=draw_code(address), hours_words=hours_words)


@page("/standards", Action.LOOK)
def standards_page(district_id: str) -> ResponseReturnValue:
    """Say what each station lacks of a standard, and how far its source is to be trusted."""
    standard = find_standard(
        request.args.get("standard") or max(standards().values(), key=lambda one: len(one.rules)).id
    )
    places = [place for layer in standard.layers for place in _places(layer)]
    report = [(layer, report_listing(_places(layer))) for layer in standard.layers]
    return show(
        "standards.html", standard=standard, known=standards(), judged=judge(standard, places), report=report
    )


def public_root() -> str:
    """
    Tell where printed codes lead.

    Returns
    -------
    address
        The public one if it is set, else the one the desk was opened under; without a slash at its end.
    """
    return (served_settings().public_url or request.url_root).rstrip("/")


def _layer() -> str:
    layer = request.args.get("layer") or "station"
    if layer not in dict(_held()):
        raise NotFoundError(
            f"there is no layer of places {layer[:40]!r}; here are: {', '.join(dict(_held()))}",
            parameter="layer",
        )
    return layer


def _held() -> list[tuple[str, tuple[str, str]]]:
    district = here_district()
    found = [district.catalogue[name] for name in district.layer_names()]
    return [(category.key, (category.zh, category.en)) for category in found]


def _places(layer: str) -> list[Place]:
    district = here_district()
    if layer not in district.layer_names():
        return []
    return [place for place in district.store.layer(layer).features if isinstance(place, Place)]
