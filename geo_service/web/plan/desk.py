"""The what-if desk: what is covered and when, on a map and in tables, and what changes if something changes."""

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import orjson
from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from geo_service.districts import District
from geo_service.districts.plans.scenarios import find_scenario, list_scenarios
from geo_service.errors import InvalidInputError
from geo_service.geo import Datum
from geo_service.planning.demand import GROUPS, KINDS
from geo_service.planning.parameters import DEMAND_USES, PRESETS, Parameters, Prices, parameters_of
from geo_service.web.desk.door import csrf, here_district, limiter
from geo_service.web.desk.jobs import plain_name
from geo_service.web.http import Query, cached, json_answer
from geo_service.web.plan.asked import (
    ASKED,
    HOUR,
    SITE_HOURS,
    ask_hour,
    ask_parameters,
    fits_address,
    form_choice,
    form_parameters,
    json_object,
    plan_layers,
    query_of,
    read_body,
)
from geo_service.web.plan.door import need_account, plan, plan_lang, show_plan
from geo_service.web.plan.planners import planners

AREAS = ("service_areas", "gaps", "catchments", "streets", "trust")
"""Layers of one hour that can be laid on the map."""

MOST_SENT = 10 * 2**20
"""Bytes of a file of demand."""

SENT = "30 per hour"
"""Files of demand that one address may send."""


@plan.get("/")
def what_if_page(district_id: str) -> ResponseReturnValue:
    """Show coverage as it stands, or as a scenario or an address has it."""
    query, district = Query(request, *ASKED, "scenario", "outside"), here_district()
    scenario = query.text("scenario")
    if scenario is None:
        outside = query.count("outside", 0, 1_000_000)
        return _show(district, ask_parameters(query, district), ask_hour(query), outside=outside)
    found = find_scenario(district, scenario)
    return _show(district, found.parameters, ask_hour(query), scenario=found)


@plan.post("/")
def replay_page(district_id: str) -> ResponseReturnValue:
    """Show what a parameter file says; nothing is kept."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInputError(
            "file is missing; choose a parameter file (JSON)", parameter="file", value=None
        )
    return _show(here_district(), parameters_of(json_object(file.read(200_001))), HOUR)


@plan.post("/demand")
@limiter.limit(SENT)
def bring_demand(district_id: str) -> ResponseReturnValue:
    """Keep a table or raster of demand, and show the plan with it."""
    from geo_service.districts.plans.demand import keep_demand, read_upload

    need_account()
    request.max_content_length = MOST_SENT + 300_000
    csrf.protect()
    district, file = here_district(), request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInputError("file is missing; choose a table or a raster", parameter="file", value=None)
    given = form_parameters()
    use, datum = form_choice("use", DEMAND_USES), form_choice("datum", get_args(Datum), "wgs84")
    name = plain_name(file.filename)
    with tempfile.NamedTemporaryFile(prefix="geo-service-demand-") as kept:
        file.save(kept.name)
        uploaded = read_upload(district, Path(kept.name), name, datum, is_sent=True)
    given = replace(given, demand=uploaded.file(use))
    keep_demand(district, uploaded)
    if not fits_address(given, district):
        return _show(district, given, HOUR, outside=uploaded.outside)
    query: dict[str, Any] = query_of(given, district, outside=uploaded.outside or "", lang=plan_lang())
    return redirect(url_for("plan.what_if_page", district_id=district.id, **query), 303)


def _show(district: District, given: Parameters, hour: int, **more: Any) -> ResponseReturnValue:
    what_if = planners().what_if(district, given)
    planner = what_if.planner
    before, after = what_if.ask((), hour), what_if.ask(given.changes, hour)
    days = zip(planner.week.days, planner.week.kinds, planner.week.is_workday, strict=True)
    return show_plan(
        "what_if.html",
        given=given,
        hour=hour,
        before=before,
        after=after,
        days=[(day, str(kind), worked) for day, kind, worked in days],
        layers=[district.catalogue[name] for name in plan_layers(district)],
        services=_services(district, given.need.layer),
        facts=what_if.facts,
        presets=_presets(district, given),
        address=query_of(given, district),
        address_of_map=query_of(replace(given, demand=None), district),
        is_in_address=fits_address(given, district),
        most_mb=MOST_SENT // 2**20,
        n_scenarios=len(list_scenarios(district)),
        state=_state(given, before, after, hour),
        **({"scenario": None, "outside": 0} | more),
    )


def _services(district: District, layer: str) -> dict[str, str]:
    """Kinds of service that places of a layer have."""
    column = 0 if plan_lang() == "zh" else 1
    held = {one.kind for place in district.places(layer).features for one in getattr(place, "services", ())}
    words = district.catalogue.services
    return {kind: words[kind][column] for kind in words if kind in held}


def _presets(district: District, given: Parameters) -> dict[str, dict[str, str]]:
    """Addresses of the usual questions, as far as the district has the streets for them."""
    fitting = {key: one for key, one in PRESETS.items() if one["profile"] in district.profiles}
    plain = replace(given, changes=())
    return {key: query_of(replace(plain, **one), district) for key, one in fitting.items()}


def _state(given: Parameters, before: Any, after: Any, hour: int) -> dict[str, Any]:
    """What the page's script begins with."""
    plain = {"prices": asdict(Prices()), "site_hours": SITE_HOURS}
    return {"parameters": given.to_json(), "plain": plain, "before": before, "after": after, "hour": hour}


@plan.post("/what-if.json")
def what_if_answer(district_id: str) -> Response:
    """Answer one step of a drag: ``parameters`` with their changes, and the ``hour`` that is looked at."""
    body = read_body()
    given = _plan_of(body.get("parameters"))
    hour = body.get("hour", HOUR)
    if not isinstance(hour, int) or isinstance(hour, bool):
        raise InvalidInputError(f"hour={str(hour)[:20]} is no hour of the week", parameter="hour")
    answer = planners().what_if(here_district(), given).ask(given.changes, hour)
    return json_answer(answer)


def _plan_of(values: Any) -> Parameters:
    if not isinstance(values, dict):
        raise InvalidInputError("parameters is no object of a plan", parameter="parameters")
    return parameters_of(values)


@plan.get("/points.json")
def demand_points(district_id: str) -> Response:
    """Send where the demand is, as the map draws it: columns once, then rows in the order of the answers' bits."""
    query, district = Query(request, *ASKED), here_district()
    demand = planners().demand(district, ask_parameters(query, district).demand)
    e6 = np.round(demand.lonlat * 1e6).astype(np.int64)
    body = {
        "kinds": KINDS,
        "lon_e6": np.diff(e6[:, 0], prepend=0),
        "lat_e6": np.diff(e6[:, 1], prepend=0),
        "kind": demand.kind,
    }
    data = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    versions = ".".join(f"{info.name}-{info.version}" for info in district.store.layers())
    return cached(Response(data, mimetype="application/json"), f"{district.id}.points.{versions}")


@plan.get("/candidates.json")
def candidates(district_id: str) -> Response:
    """Send where a new site could be."""
    query, district = Query(request, *ASKED), here_district()
    given = replace(ask_parameters(query, district), changes=())
    found = planners().standing(district, given).candidates
    rows = [[one.id, one.kind, one.name, round(one.lon, 6), round(one.lat, 6)] for one in found]
    return json_answer({"columns": ["id", "kind", "name", "lon", "lat"], "rows": rows})


@plan.post("/areas.json")
def areas(district_id: str) -> Response:
    """Draw one ``part`` of an hour on the streets, as GeoJSON: service areas, gaps, catchments, minutes to a place."""
    from geo_service.districts.plans.areas import areas_json

    body = read_body()
    given, hour, part = _plan_of(body.get("parameters")), body.get("hour", HOUR), body.get("part")
    if part not in AREAS:
        raise InvalidInputError(
            f"part={str(part)[:40]} is unknown; choose from {', '.join(AREAS)}", parameter="part"
        )
    planner = _planner_with_changes(given)
    return json_answer(areas_json(planner, hour, (part,))[part], mimetype="application/geo+json")


def _planner_with_changes(given: Parameters) -> Any:
    held, district = planners(), here_district()
    plain = not given.changes and given.groups == GROUPS and given.stations == 1
    return held.standing(district, given) if plain else held.changed(district, given)


# no cookie is read here, or the view looks itself; forms of other sites are refused by the door
for view in (replay_page, bring_demand, what_if_answer, areas):
    csrf.exempt(view)
