"""Pages for riders: the map with its first list, a place, and the data that the map draws."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from geo_service.districts import District
from geo_service.districts.district import link_settings
from geo_service.errors import NotFoundError
from geo_service.exchange.navlinks import Link, build_links
from geo_service.layers import Category, Place, Words
from geo_service.maps import Shell, build_shell
from geo_service.web.assets import FOREVER, Asset, pack_asset, send_asset
from geo_service.web.cards import (
    IMPLIED,
    SERVICE_ORDER,
    make_card,
    missing_words,
    sentence_words,
    soonest_words,
)
from geo_service.web.http import Query, cached
from geo_service.web.place_view import SHOWN_DAYS, page_words, view_place
from geo_service.web.served import (
    find_district,
    first_profile,
    present_time,
    served_districts,
    served_settings,
)
from geo_service.web.words import HTML_LANG, LANGS, Lang, hours_words, script_words, words_in

rider = Blueprint("rider", __name__)

LIST_LENGTH = 24
"""Cards in the first list."""

CHIP_ORDER = ("station", "toilet", "swap", "charging", "water", "merchant", "clinic")
"""What riders ask for most comes first; other layers follow in the catalogue's order."""

ACCEPTED = ("unknown", "stale")
"""The list shows what nobody has checked too, and says so; what is known to be closed is left out."""


@dataclass(frozen=True)
class Drawn:
    """
    What a district's map needs, made when first asked for and kept.

    Parameters
    ----------
    shell
        folium's part of the page.
    script
        The shell's script, ready to send.
    theme
        Style sheet with the colours of the district's categories.
    apps
        Map apps that lead to places here, each with the datum it reads here; links of the centre.
    """

    shell: Shell
    script: Asset
    theme: Asset
    apps: Mapping[str, Link]


def draw(district: District) -> Drawn:
    """
    Prepare the map of a district.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    drawn
        Shell, script and colours, compressed once.
    """
    shell = build_shell(district.bbox, district.centre)
    theme = "".join(f".c-{key}{{--pin:{category.colour}}}\n" for key, category in district.catalogue.items())
    return Drawn(
        shell,
        pack_asset(shell.script.encode(), "text/javascript"),
        pack_asset(theme.encode(), "text/css"),
        build_links(district.centre, district.name_zh, settings=link_settings(served_settings())),
    )


@rider.get("/")
def home() -> AnyResponse | str:
    """List the districts, or go to the only one."""
    lang = _lang(Query(request, "lang"))
    districts = served_districts()
    if len(districts) == 1:
        return _redirect(f"/{next(iter(districts))}/", 302)
    return _page("districts.html", lang, districts=list(districts.values()))


@rider.get("/<district_id>")
def without_slash(district_id: str) -> AnyResponse:
    """Lead to a district's page; whatever else has one part is not found."""
    return _redirect(f"/{find_district(district_id).id}/", 308)


@rider.get("/<district_id>/")
def district_map(district_id: str) -> str:
    """Show the map with the list for the district's centre."""
    query = Query(request, "layer", "service", "lang")
    district, lang = find_district(district_id), _lang(query)
    chips = _chips(district)
    layer = query.text("layer")
    if layer is None:
        if not chips:
            return _empty_page(district, lang)
        layer = chips[0].key
    if layer not in {chip.key for chip in chips}:
        raise NotFoundError(
            f"there is no layer of places {layer[:40]!r}; choose one of {', '.join(c.key for c in chips) or 'none'}"
        )
    return _list_page(district, chips, layer, query.words("service"), lang)


def _list_page(
    district: District, chips: list[Category], layer: str, wanted: Sequence[str], lang: Lang
) -> str:
    """Show a layer's places nearest to the centre, those with the services that are wanted."""
    now, drawn, profile = present_time(), drawn_map(district), first_profile(district)
    category, services, say = district.catalogue[layer], district.catalogue.services, words_in(lang)
    places = [f for f in district.places(layer).features if isinstance(f, Place)]
    answer = district.nearest(
        origin=district.centre,
        layer=layer,
        at=now,
        k=LIST_LENGTH,
        profile=profile,
        service=wanted,
        accept=ACCEPTED,
    )
    cards = [make_card(one, drawn.apps, now, say, lang, services, wanted) for one in answer["results"]]
    return _page(
        "map.html",
        lang,
        district=district,
        chips=chips,
        category=category,
        kinds=_kinds(places, services),
        wanted=wanted,
        count=len(places),
        profile=profile,
        cards=cards,
        sentence=sentence_words(cards, Words(category.zh, category.en), profile, say, lang),
        soonest=soonest_words(answer, now, say, lang),
        missing=missing_words(answer, say),
        now=now,
        drawn=drawn,
    )


def _empty_page(district: District, lang: Lang) -> str:
    """Show the streets of a district that holds no places yet, and how to get some."""
    return _page(
        "map.html",
        lang,
        district=district,
        chips=[],
        category=None,
        kinds={},
        wanted=(),
        count=0,
        profile=first_profile(district),
        cards=[],
        sentence="",
        now=present_time(),
        soonest="",
        missing="",
        drawn=drawn_map(district),
    )


@rider.get("/<district_id>/p/<path:place_id>")
def place_page(district_id: str, place_id: str, *, kept: bool = False) -> str:
    """Show everything that is known of one place; a copy for phones to keep says nothing of the host."""
    lang = _lang(Query(request, "lang"))
    district = find_district(district_id)
    place = district.place(place_id)
    say, now, drawn = words_in(lang), present_time(), drawn_map(district)
    answer = district.place_json(place, now)
    return _page(
        "place.html",
        lang,
        district=district,
        place=place,
        category=district.catalogue[place.layer],
        card=make_card(answer, drawn.apps, now, say, lang, district.catalogue.services),
        view=view_place(district, place, now, say, lang, has_code=not kept),
        shown_days=SHOWN_DAYS,
        page_words=page_words(lang),
        phone_link=_phone_link(place.phone),
        hours_words=hours_words,
        drawn=drawn,
    )


@rider.get("/<district_id>/map.js")
def map_script(district_id: str) -> Response:
    """Send folium's script as a file, so that the page needs no inline script."""
    return _send(drawn_map(find_district(district_id)).script)


@rider.get("/<district_id>/theme.css")
def map_theme(district_id: str) -> Response:
    """Send the colours of the categories."""
    return _send(drawn_map(find_district(district_id)).theme)


@rider.get("/<district_id>/pins.json")
def pins(district_id: str) -> Response:
    """Send the places of a layer as the map draws them: columns once, then rows."""
    query = Query(request, "layer")
    district = find_district(district_id)
    layer = district.places(query.required("layer", "NAME"))
    places = [f for f in layer.features if isinstance(f, Place)]
    rows = [[p.id, p.name, round(p.lon, 6), round(p.lat, 6)] for p in places]
    body = orjson.dumps({"layer": layer.name, "columns": ["id", "name", "lon", "lat"], "rows": rows})
    return cached(Response(body, mimetype="application/json"), f"{district.id}.{layer.name}.{layer.version}")


def _redirect(path: str, status: int) -> Response:
    """Lead to a path of this host, whatever name a proxy gives us; the query comes along."""
    query = request.query_string.decode("latin-1")
    return Response(status=status, headers={"Location": f"{path}?{query}" if query else path})


def _send(asset: Asset) -> Response:
    version = Query(request, "v").text("v")
    return send_asset(asset, FOREVER if version == asset.digest else "no-cache")


def drawn_map(district: District) -> Drawn:
    """
    The map of a district, drawn at most once.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    drawn
        As `draw` made it when it was first asked for.
    """
    kept: dict[str, Drawn] = current_app.extensions["drawn"]
    with current_app.extensions["drawing"]:
        if district.id not in kept:
            kept[district.id] = draw(district)
        return kept[district.id]


def _chips(district: District) -> list[Category]:
    """Categories of places that this district holds, what riders ask for most first."""
    held = [district.catalogue[name] for name in district.layer_names()]
    places = [category for category in held if not category.is_area]
    order = {key: i for i, key in enumerate(CHIP_ORDER)}
    return sorted(places, key=lambda category: order.get(category.key, len(order)))


def _kinds(places: Sequence[Place], services: Mapping[str, Words]) -> dict[str, Words]:
    """Services that places of a layer have, what riders look for first; not the one its name says."""
    held = {service.kind for place in places for service in place.services if service.kind in services}
    rank = {kind: i for i, kind in enumerate(dict.fromkeys((*SERVICE_ORDER, *services)))}
    said = {IMPLIED.get(place.layer) for place in places}
    return {kind: services[kind] for kind in sorted(held - said, key=lambda kind: rank[kind])}


def _phone_link(phone: str | None) -> str:
    """What a telephone dials, or nothing if the text is no plain number."""
    digits = re.sub(r"[\s()（）.-]", "", phone or "")
    return digits if re.fullmatch(r"\+?[0-9]{3,15}", digits) else ""


def _lang(query: Query) -> Lang:
    wanted = query.choice("lang", "", ("", *LANGS))
    best = wanted or request.accept_languages.best_match(LANGS) or served_settings().language
    return "en" if best == "en" else "zh"


def _page(template: str, lang: Lang, **values: Any) -> str:
    return render_template(
        template,
        lang=lang,
        html_lang=HTML_LANG[lang],
        column=LANGS.index(lang),
        say=words_in(lang),
        script_words=script_words(lang) | {"implied": IMPLIED, "order": SERVICE_ORDER},
        # a language that was chosen stays chosen in every link; one that was guessed is guessed again
        lang_query=f"lang={lang}" if request.args.get("lang") else "",
        **values,
    )
