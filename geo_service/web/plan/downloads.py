"""Everything that the what-if desk shows, as files: tables, points on a map, and the parameters themselves."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
from flask import Response, request

from geo_service.districts import District
from geo_service.errors import InvalidInputError
from geo_service.exchange.outgoing import FORMATS, export_places
from geo_service.layers import Catalogue, Category, Layer, Place, feature_to_json
from geo_service.paper.writing import Sheet, write_csv, write_xlsx
from geo_service.planning.demand import KINDS
from geo_service.planning.parameters import Parameters
from geo_service.web.desk.door import csrf, here_district
from geo_service.web.http import Query
from geo_service.web.plan.asked import ASKED, ask_hour, ask_parameters, form_parameters
from geo_service.web.plan.door import plan, plan_lang
from geo_service.web.plan.planners import planners
from geo_service.web.served import present_time
from geo_service.web.words import words_in

TABLES = ("summary", "clock", "places", "left", "communities")
MAPS = ("geojson", "gpkg")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@plan.get("/download.<form>")
def download(district_id: str, form: str) -> Response:
    """Hand out what an address asks for: ``csv`` of one ``table``, ``xlsx`` of all, ``geojson``, ``gpkg``, ``json``."""
    query, district = Query(request, *ASKED, "table"), here_district()
    return _hand_out(district, ask_parameters(query, district), ask_hour(query), form, query.text("table"))


@plan.post("/download")
def download_tried(district_id: str) -> Response:
    """The same of what is on the page, which may be more than an address holds."""
    given = form_parameters()
    hour, (form, _, table) = request.form.get("hour", ""), request.form.get("form", "").partition(":")
    if not hour.isdecimal() or not hour.isascii():
        raise InvalidInputError(
            "hour is no hour of the week; give 0 to 167", parameter="hour", value=hour[:20]
        )
    return _hand_out(here_district(), given, int(hour[:4]), form, table or None)


def _hand_out(district: District, given: Parameters, hour: int, form: str, table: str | None) -> Response:
    name = f"{district.id}-plan"
    if form == "json":
        data = orjson.dumps(given.to_json(), option=orjson.OPT_INDENT_2) + b"\n"
        return _file(data, "application/json", f"{name}.json")
    if form in MAPS:
        return _map_file(district, given, hour, form)
    sheets = _sheets(district, given, hour)
    if form == "xlsx":
        title = words_in(plan_lang())("plan_title")
        data = write_xlsx(list(sheets.values()), title=title, description=name, on=present_time().date())
        return _file(data, XLSX, f"{name}.xlsx")
    if form != "csv" or (table or TABLES[0]) not in TABLES:
        raise InvalidInputError(
            f"no {form[:20]} of {str(table)[:20]} here; take xlsx, geojson, gpkg, json or csv of {', '.join(TABLES)}",
            parameter="form",
            value=form[:20],
        )
    sheet = sheets[table or TABLES[0]]
    return _file(
        write_csv(sheet.headings, sheet.rows), "text/csv; charset=utf-8", f"{name}-{table or TABLES[0]}.csv"
    )


def _sheets(district: District, given: Parameters, hour: int) -> dict[str, Sheet]:
    """Every table of the page whole, with what stands beside what is tried."""
    say, what_if = words_in(plan_lang()), planners().what_if(district, given)
    before, after = what_if.ask((), hour), what_if.ask(given.changes, hour)
    now, then = say("plan_now"), say("plan_tried")
    measured = [
        ("plan_covered", "covered_share"),
        ("plan_always", "always_covered_share"),
        ("plan_cost", "cost_yuan"),
        ("plan_gini", "gini"),
    ]
    summary: list[list[Any]] = [[say(key), before[field], after[field]] for key, field in measured]
    summary[1:1] = [
        [say(f"plan_at_{int(at[:2])}"), before["at"][at], after["at"][at]] for at in ("02:00", "14:00")
    ]
    days = what_if.planner.week.days
    clock = [
        [
            days[at // 24].isoformat(),
            f"{at % 24:02}:00",
            before["clock"][at],
            after["clock"][at],
            after["backup_clock"][at],
        ]
        for at in range(168)
    ]
    heads = [say(key) for key in ("plan_place", "plan_hours", "plan_open_then", "plan_reach", "plan_change")]
    places = [
        [p["id"], p["name"], p["lon"], p["lat"], p["hours"], p["is_open"], p["reach"], p["change"]]
        for p in after["places"]
    ]
    return {
        "summary": Sheet(say("plan_numbers"), [say("plan_what"), now, then], summary),
        "clock": Sheet(
            say("plan_clock"), [say("plan_day"), say("plan_hour"), now, then, say("plan_backup")], clock
        ),
        "places": Sheet(say("plan_places"), ["id", heads[0], "lon", "lat", *heads[1:]], places),
        "left": Sheet(
            say("plan_left"),
            [say(key) for key in ("plan_place", "plan_kind", "plan_size", "plan_riders", "plan_points")],
            what_if.left_out(hour, given.changes),
        ),
        "communities": Sheet(
            say("plan_communities"),
            ["id", say("plan_community"), say("plan_covered")],
            [[one["id"], one["name"], one["covered_share"]] for one in after["communities"]],
        ),
    }


def _map_file(district: District, given: Parameters, hour: int, form: str) -> Response:
    """Demand and places as two layers, written as layers of places are."""
    what_if = planners().what_if(district, given)
    layers = (_demand_layer(what_if, given, hour), _place_layer(what_if, given, hour))
    if form == "geojson":
        features = [feature_to_json(feature) for layer in layers for feature in layer.features]
        body = {"type": "FeatureCollection", "name": f"{district.id}-plan", "synthetic": district.synthetic}
        data = orjson.dumps(body | {"features": features})
        return _file(data, "application/geo+json", f"{district.id}-plan.geojson")
    catalogue = _catalogue(district.catalogue)
    file = export_places(layers, form, catalogue=catalogue, district=district.id, title=district.name_zh)
    return _file(file.data, FORMATS[form].media_type, file.file_name)


def _catalogue(held: Catalogue) -> Catalogue:
    fields = ("name", "hours")
    ours = {
        "plan_demand": Category("plan_demand", "需求点", "Demand", "需", "#b45309", fields),
        "plan_places": Category("plan_places", "方案地点", "Places of the plan", "站", "#0b63ce", fields),
    }
    return replace(held, categories={**held.categories, **ours})


def _demand_layer(what_if: Any, given: Parameters, hour: int) -> Layer:
    demand = what_if.planner.demand
    share = what_if.covered_shares(given.changes)
    is_covered = what_if.covered_at(hour, given.changes)
    places = tuple(
        Place(
            f"demand-{row}", "plan_demand", float(demand.lonlat[row, 0]), float(demand.lonlat[row, 1]),
            demand.name[row] or KINDS[demand.kind[row]],
            extra=_point_facts(demand, row, share, is_covered, hour),
        )
        for row in range(len(demand))
    )  # fmt: skip
    return Layer("plan_demand", places)


def _point_facts(demand: Any, row: int, share: Any, is_covered: Any, hour: int) -> Mapping[str, object]:
    covered = None if np.isnan(share[row]) else round(float(share[row]), 6)
    return {
        "from": demand.id[row],
        "kind": KINDS[demand.kind[row]],
        "size": float(demand.size[row]),
        "covered_share": covered,
        "hour": hour,
        "is_covered": bool(is_covered[row]),
    }


def _place_layer(what_if: Any, given: Parameters, hour: int) -> Layer:
    found = what_if.ask(given.changes, hour)["places"]
    places = tuple(
        Place(
            one["id"], "plan_places", one["lon"], one["lat"], one["name"], hours=one["hours"] or None,
            extra={"is_open": one["is_open"], "reach": one["reach"], "change": one["change"]},
        )
        for one in found
    )  # fmt: skip
    return Layer("plan_places", places)


def _file(data: bytes, media_type: str, name: str) -> Response:
    response = Response(data, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# no cookie is read here; forms of other sites are refused by the door
csrf.exempt(download_tried)
