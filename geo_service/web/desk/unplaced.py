"""Rows of imports that have no position: placed by hand on the map, or given up."""

import numpy as np
from flask import flash, request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action
from geo_service.districts.unplaced import drop_row, place_row, unplaced_rows
from geo_service.errors import InvalidInputError
from geo_service.exchange.doctor import DATUMS
from geo_service.geo import convert_datum, parse_lonlat
from geo_service.web.desk.door import allow, go, here_district, page, say_lang, show
from geo_service.web.desk.history import author_of
from geo_service.web.desk.intake import MOST_LINES, own_layers
from geo_service.web.desk.told import WORDS_OF, datum_named, where_words
from geo_service.web.rider import drawn_map
from geo_service.web.words import words_in


@page("/unplaced", Action.IMPORT, ("GET", "POST"))
def unplaced(district_id: str) -> ResponseReturnValue:
    """List rows that have no position beside a map; make a place of one, or give it up."""
    district = here_district()
    layer = request.values.get("layer", "")
    if request.method == "GET" or not request.form.get("key"):
        return _unplaced_page(layer)
    allow(Action.IMPORT, layer)
    say, key = words_in(say_lang()), request.form["key"]
    if request.form.get("do") == "drop":
        row = drop_row(district.store, layer, key)
        flash(say("intake_dropped", name=row.name or row.address))
        return go("unplaced", layer=layer)
    try:
        made = place_row(district, layer, key, _typed_position(), author_of("placed by hand"))
    except InvalidInputError as error:
        return _unplaced_page(layer, error.message, 400)
    flash(say("intake_placed", name=made.name))
    return go("unplaced", layer=layer)


def _typed_position() -> tuple[float, float]:
    """Coordinates of the form in WGS 84."""
    text = request.form.get("lonlat", "").replace("，", ",").strip()
    datum = datum_named(request.form.get("datum", "wgs84")) or "wgs84"
    lonlat = parse_lonlat(text[:80], parameter="lonlat")
    lon, lat = convert_datum(np.array(lonlat), datum, "wgs84").tolist()
    return round(lon, 7), round(lat, 7)


def _unplaced_page(layer: str, refusal: str = "", status: int = 200) -> ResponseReturnValue:
    district = here_district()
    counts = [
        (key, words, len(unplaced_rows(district.store, key))) for key, words in own_layers(with_areas=False)
    ]
    held, lang = [one for one in counts if one[2]], say_lang()
    layer = layer if any(key == layer for key, _, _ in counts) else (held[0][0] if held else "")
    rows = unplaced_rows(district.store, layer)[:MOST_LINES] if layer else ()
    return show(
        "unplaced.html",
        status,
        layers=held,
        layer=layer,
        rows=rows,
        chosen=request.values.get("key", ""),
        typed=request.form.get("lonlat", ""),
        reason_where=lambda where: where_words(where, lang),
        datums=[(one, WORDS_OF[one]) for one in DATUMS],
        refusal=refusal,
        # no row, no map beside it
        drawn=drawn_map(district) if rows else None,
    )
