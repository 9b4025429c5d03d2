"""
The link doctor: one known crossing in every map app, so that a person with a phone can say where each link led.

What the tester saw stays on the phone until it is handed on as text or JSON; here it claims nothing. An app counts
as tried when somebody wrote the day into ``verified_on`` of the registry, and not before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast, get_args

import orjson
from flask import Blueprint, render_template, request

from geo_service.districts import District
from geo_service.districts.district import link_settings
from geo_service.exchange.navlinks import Link, Mode, build_links
from geo_service.geo import distance_m
from geo_service.web.http import Query
from geo_service.web.served import find_district, present_time, served_settings
from geo_service.web.words import HTML_LANG, LANGS, Lang, script_words, words_in

link_doctor = Blueprint("link_doctor", __name__)

_NO_NAMES: dict[str, Any] = {"names": [], "crossings": {"a": [], "b": [], "lon": [], "lat": []}}


@dataclass(frozen=True)
class Spot:
    """
    What the tester looks for.

    Parameters
    ----------
    name
        Two streets that meet, or the district where no two with names do.
    lon
        Degrees, WGS 84.
    lat
        Degrees, WGS 84.
    is_crossing
        Whether two streets meet there.
    """

    name: str
    lon: float
    lat: float
    is_crossing: bool


@link_doctor.get("/<district_id>/link-doctor")
def link_doctor_page(district_id: str) -> str:
    """Show every app's link to a known crossing, and boxes for what was seen."""
    query = Query(request, "lang", "mode")
    district = find_district(district_id)
    lang, mode = _lang(query), cast(Mode, query.choice("mode", "ebike", get_args(Mode)))
    spot = known_spot(district)
    links = build_links((spot.lon, spot.lat), spot.name, mode, link_settings(served_settings()))
    return render_template(
        "link_doctor.html",
        district=district,
        spot=spot,
        links=[link for link in links.values() if link.url is not None],
        mode=mode,
        modes=get_args(Mode),
        n_tried=_tried(links.values()),
        lang=lang,
        html_lang=HTML_LANG[lang],
        column=LANGS.index(lang),
        say=words_in(lang),
        script_words=script_words(lang),
        lang_query=f"lang={lang}" if request.args.get("lang") else "",
    )


def _lang(query: Query) -> Lang:
    wanted = query.choice("lang", "", ("", *LANGS))
    best = wanted or request.accept_languages.best_match(LANGS) or served_settings().language
    return "en" if best == "en" else "zh"


def _tried(links: Iterable[Link]) -> int:
    return sum(link.target.verified_on is not None for link in links)


def known_spot(district: District) -> Spot:
    """
    Choose the crossing of two streets with names that is nearest to a district's centre.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    spot
        The crossing; the centre itself if no two streets with names meet.
    """
    now = present_time()
    file = district.pack.read(district.pack.current(now).said["names"]["file"], now)
    said = orjson.loads(file.body) if file else _NO_NAMES
    crossings, names = said["crossings"], said["names"]
    points = [
        (lon / 1e6, lat / 1e6)
        for lon, lat in zip(accumulate(crossings["lon"]), accumulate(crossings["lat"]), strict=True)
    ]
    if not points:
        return Spot(district.name_zh, *district.centre, is_crossing=False)
    nearest = int(distance_m(points, district.centre).argmin())
    a, b = names[crossings["a"][nearest]], names[crossings["b"][nearest]]
    return Spot(f"{a}与{b}路口", *points[nearest], is_crossing=True)
