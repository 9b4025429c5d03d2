"""Scenarios: saved by who is signed in, compared, shared by link and taken along by all."""

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action, is_allowed
from geo_service.districts.plans.scenarios import (
    Scenario,
    find_scenario,
    list_scenarios,
    remove_scenario,
    save_scenario,
)
from geo_service.errors import ForbiddenError, InvalidInputError
from geo_service.paper.writing import Sheet, write_csv, write_xlsx
from geo_service.web.desk.door import here_district
from geo_service.web.plan.asked import form_parameters
from geo_service.web.plan.door import need_account, plan, plan_lang, planner_account, show_plan
from geo_service.web.plan.planners import planners
from geo_service.web.served import present_time
from geo_service.web.words import words_in

MOST_COMPARED = 6
"""Scenarios side by side."""


@plan.get("/scenarios")
def scenarios_page(district_id: str) -> ResponseReturnValue:
    """List what is kept, and compare what is chosen with what stands and with each other."""
    chosen = _chosen()
    return show_plan(
        "scenarios.html",
        scenarios=list_scenarios(here_district()),
        chosen=[one.id for one in chosen],
        table=_compare(chosen) if chosen else None,
        may_remove=_may_remove,
    )


@plan.get("/scenarios/compare.<form>")
def compare_file(district_id: str, form: str) -> Response:
    """Hand the comparison out, as ``csv`` or ``xlsx``."""
    chosen = _chosen()
    if form not in ("csv", "xlsx") or not chosen:
        raise InvalidInputError(
            "choose scenarios with ids=, and take csv or xlsx", parameter="form", value=form
        )
    table, title = _compare(chosen), words_in(plan_lang())("plan_compare")
    heads = [title, *(cell for head in table["heads"] for cell in (head, f"{head} Δ", f"{head} Δ%"))]
    heads[2:4] = []
    rows = [[row["name"], *_cells(row["values"])] for row in table["rows"]]
    if form == "csv":
        return _file(write_csv(heads, rows), "text/csv; charset=utf-8", "scenarios.csv")
    on = present_time().date()
    data = write_xlsx([Sheet(title, heads, rows)], title=title, description=here_district().name_zh, on=on)
    return _file(data, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "scenarios.xlsx")


def _cells(values: Sequence[Any]) -> list[Any]:
    first, *others = values
    return [
        first["value"],
        *(cell for one in others for cell in (one["value"], one["change"], one["percent"])),
    ]


def _chosen() -> list[Scenario]:
    """Those that are ticked: the form sends ``id`` once for each, a link all of them in ``ids``."""
    if unknown := set(request.args) - {"ids", "id", "lang"}:
        raise InvalidInputError(f"parameter {min(unknown)[:40]!r} is not known here; allowed: ids, lang")
    ids = [*request.args.getlist("id"), *filter(None, request.args.get("ids", "").split(","))]
    ids = list(dict.fromkeys(ids))
    if len(ids) > MOST_COMPARED:
        raise InvalidInputError(
            f"{len(ids)} scenarios are too many to compare; choose at most {MOST_COMPARED}", parameter="ids"
        )
    return [find_scenario(here_district(), one) for one in ids]


def _compare(chosen: Sequence[Scenario]) -> dict[str, Any]:
    """Numbers of what stands and of each scenario; differences are to what stands under the first one's parameters."""
    district, say = here_district(), words_in(plan_lang())
    asked = [planners().what_if(district, one.parameters) for one in chosen]
    answers = [asked[0].ask()] + [
        what_if.ask(one.parameters.changes) for what_if, one in zip(asked, chosen, strict=True)
    ]
    measured = [
        ("plan_covered", "share", [one["covered_share"] for one in answers]),
        ("plan_at_2", "share", [one["at"]["02:00"] for one in answers]),
        ("plan_at_14", "share", [one["at"]["14:00"] for one in answers]),
        ("plan_always", "share", [one["always_covered_share"] for one in answers]),
        ("plan_cost", "yuan", [one["cost_yuan"] for one in answers]),
        ("plan_worst", "share", [(one["worst"] or {}).get("covered_share") for one in answers]),
        ("plan_gini", "number", [one["gini"] for one in answers]),
    ]
    return {
        "heads": [say("plan_now"), *(one.name for one in chosen)],
        "rows": [
            {"name": say(key), "unit": unit, "values": [_beside(value, values[0], unit) for value in values]}
            for key, unit, values in measured
        ],
        "worst": [(one["worst"] or {}).get("name", "") for one in answers],
        "is_alike": len({_frame(one) for one in chosen}) == 1,
    }


def _frame(scenario: Scenario) -> bytes:
    """All that must be the same for two scenarios to differ by their changes alone."""
    return orjson.dumps(scenario.parameters.to_json() | {"changes": []})


def _beside(value: float | None, first: float | None, unit: str) -> dict[str, Any]:
    if value is None or first is None:
        return {"value": value, "change": None, "percent": None}
    change = round(value - first, 6)
    return {"value": value, "change": change, "percent": round(change / first * 100, 1) if first else None}


@plan.post("/scenarios")
def keep_scenario(district_id: str) -> ResponseReturnValue:
    """Keep what is on the page under a name."""
    account, district = need_account(), here_district()
    given = form_parameters()
    planners().what_if(district, given).ask(given.changes)  # what cannot be asked is not kept
    kept = save_scenario(district, request.form.get("name", ""), account.name, present_time(), given)
    return redirect(
        url_for("plan.what_if_page", district_id=district.id, scenario=kept.id, lang=plan_lang()), 303
    )


@plan.post("/scenarios/<scenario>/remove")
def drop_scenario(district_id: str, scenario: str) -> ResponseReturnValue:
    """Remove a scenario: its author may, and an admin."""
    need_account()
    district = here_district()
    if not _may_remove(find_scenario(district, scenario)):
        raise ForbiddenError("only its author or an admin of the district may remove a scenario")
    remove_scenario(district, scenario)
    return redirect(url_for("plan.scenarios_page", district_id=district.id, lang=plan_lang()), 303)


def _may_remove(scenario: Scenario) -> bool:
    account = planner_account()
    return account is not None and (account.name == scenario.author or is_allowed(account, Action.MANAGE))


@plan.get("/scenarios/<scenario>.json")
def scenario_file(district_id: str, scenario: str) -> Response:
    """Hand out a scenario as a parameter file, as ``--parameters`` takes it."""
    found = find_scenario(here_district(), scenario)
    data = orjson.dumps(found.parameters.to_json(), option=orjson.OPT_INDENT_2) + b"\n"
    return _file(data, "application/json", f"{here_district().id}-{found.id}.json")


def _file(data: bytes, media_type: str, name: str) -> Response:
    response = Response(data, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
