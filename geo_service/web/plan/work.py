"""
What takes long: the exact choice, sensitivity, the written case; each a piece of work with a link of its own.

The link is made of the question: who asks the same of the same data is led to the same answer.
"""

import hashlib
import shutil
import threading
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from geo_service.districts import District
from geo_service.districts.working_copy import write_atomically
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.hours import SHANGHAI
from geo_service.paper.writing import Sheet, write_csv, write_xlsx
from geo_service.planning.parameters import Parameters, parameters_of
from geo_service.web.desk.door import csrf, here_district, limiter
from geo_service.web.http import Query, json_answer
from geo_service.web.plan.asked import (
    ASKED,
    ask_parameters,
    fits_address,
    form_choice,
    form_parameters,
    query_of,
)
from geo_service.web.plan.door import plan, plan_lang, show_plan
from geo_service.web.plan.downloads import XLSX
from geo_service.web.plan.planners import Planners, canonical, planners
from geo_service.web.running import Tell, ask_to_stop, forget_state, is_stopped, start_work, state_of
from geo_service.web.served import present_time
from geo_service.web.words import words_in

KINDS = ("sites", "measures", "sensitivity", "case")
"""The best new sites, measures for a budget, whether the choice is true, the case on paper."""

KEPT_S = 30 * 24 * 3600
"""A result goes after this, seconds."""

MOST_KEPT = 200
"""Results that one district keeps; the oldest go first."""

MOST_SEEDS = 50
BEGUN = "60 per hour"
"""Pieces of work that one address may begin."""

AT_ONCE = 2
"""Pieces of work at once in one process; others wait."""

CASE_FILES = {
    "case.docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "case.html": "text/html; charset=utf-8",
    "case.xlsx": XLSX,
}

_room = threading.BoundedSemaphore(AT_ONCE)


@plan.get("/next")
def next_page(district_id: str) -> ResponseReturnValue:
    """Offer what can be worked out: sites, measures, sensitivity, the case."""
    return _offer(ask_parameters(Query(request, *ASKED), here_district()))


@plan.post("/next")
def next_of_tried(district_id: str) -> ResponseReturnValue:
    """Offer it for what is on the what-if desk, which may be more than an address holds."""
    given, district = form_parameters(), here_district()
    if not fits_address(given, district):
        return _offer(given)
    query: dict[str, Any] = query_of(given, district)
    if "lang" in request.args:
        query["lang"] = plan_lang()
    return redirect(url_for("plan.next_page", district_id=district.id, **query), 303)


def _offer(given: Parameters) -> ResponseReturnValue:
    district = here_district()
    return show_plan("next.html", given=given, address=query_of(given, district), results=_latest(district))


@plan.post("/jobs")
@limiter.limit(BEGUN)
def begin_work(district_id: str) -> ResponseReturnValue:
    """Begin a piece of work, or lead to what came of the same before."""
    district, lang = here_district(), plan_lang()
    order = _order(lang)
    given = parameters_of(order["parameters"])
    folder = _folder(district, _name_of(district, order))
    sweep_work(district)
    folder.mkdir(parents=True, exist_ok=True)
    state = state_of(folder)
    if state is not None and ("refused" in state or is_stopped(folder)) and "stage" not in state:
        forget_state(folder)
    write_atomically(folder / "order.json", orjson.dumps(order))
    held, on = planners(), present_time().astimezone(SHANGHAI).date()
    start_work(
        folder,
        lambda tell: _do(held, district, given, order, folder, on, tell),
        lost="something broke on our side; begin again, and tell whoever runs this server",
    )
    return redirect(url_for("plan.work_page", district_id=district.id, work=folder.name, lang=lang), 303)


def _order(lang: str) -> dict[str, Any]:
    """The form, checked: nothing is begun that would be refused at once."""
    kind = form_choice("kind", KINDS)
    order: dict[str, Any] = {"kind": kind, "parameters": form_parameters().to_json(), "lang": lang}
    if kind == "sites":
        order["add"] = int(_number("add", "3", 1, 50))
    if kind in ("measures", "case"):
        order["budget"] = _number("budget", "200000", 1, 1e9)
    if kind in ("sensitivity", "case"):
        order["seeds"] = int(_number("seeds", "20", 0, MOST_SEEDS))
    return order


def _number(name: str, default: str, least: float, most: float) -> float:
    text = request.form.get(name, default)
    number = float(text) if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 16 else -1.0
    if not least <= number <= most:
        raise InvalidInputError(
            f"{name}={text[:20]!r}; give a number from {least:g} to {most:g}", parameter=name, value=text[:20]
        )
    return number


def _name_of(district: District, order: Mapping[str, Any]) -> str:
    versions = [[info.name, info.version] for info in district.store.layers()]
    return hashlib.sha256(canonical([district.id, versions, order])).hexdigest()[:24]


def _do(
    held: Planners,
    district: District,
    given: Parameters,
    order: Mapping[str, Any],
    folder: Path,
    on: date,
    tell: Tell,
) -> Mapping[str, Any]:
    from geo_service.districts.plans.curve import next_json

    tell("wait", 0, 0)
    with _room:
        tell("prepare", 0, 0)
        planner = held.changed(district, given)

        def watch(progress: Any) -> bool:
            closed = progress.best / progress.bound if 0 < progress.best <= progress.bound else 0.0
            return tell("solve", int(closed * 1000), 1000)

        if order["kind"] in ("sites", "measures"):
            return next_json(planner, add=order.get("add"), budget_yuan=order.get("budget"), watch=watch)
        return _judge(planner, order, folder, on, tell, watch)


def _judge(
    planner: Any, order: Mapping[str, Any], folder: Path, on: date, tell: Tell, watch: Any
) -> Mapping[str, Any]:
    from geo_service.districts.plans.case import build_case
    from geo_service.districts.plans.checks import judge_plan, verdict_json

    verdict = judge_plan(planner, order["seeds"], lambda done, total: tell("try", done, total))
    names = {one.id: one.name for one in planner.measures(planner.candidates)}
    answer = verdict_json(verdict) | {"names": {t.winner: names.get(t.winner, "") for t in verdict.trials}}
    answer["names"][verdict.winner] = names.get(verdict.winner, "")
    if order["kind"] == "case" and not is_stopped(folder):
        tell("write", 0, 0)
        written = build_case(planner, order["budget"], verdict, on, order["lang"], watch)
        _write_case(written, folder)
        answer |= {"title": written.title, "files": list(CASE_FILES)}
    return answer


def _write_case(written: Any, folder: Path) -> None:
    from geo_service.paper.documents import write_docx, write_html

    on = written.document.on
    write_atomically(folder / "case.docx", write_docx(written.document))
    write_atomically(folder / "case.html", write_html(written.document))
    sheets = write_xlsx(written.sheets, title=written.title, description=written.description, on=on)
    write_atomically(folder / "case.xlsx", sheets)


# -- what came of it --------------------------------------------------------------------------------


@plan.get("/jobs/<work>")
def work_page(district_id: str, work: str) -> ResponseReturnValue:
    """Show how far it is, then what came of it."""
    Query(request, "lang")
    folder, order = _find(work)
    state = state_of(folder)
    given = parameters_of(order["parameters"])
    answer = show_plan(
        "work.html",
        work=work,
        order=order,
        state=state,
        result=(state or {}).get("result"),
        is_stopped=is_stopped(folder),
        given=given,
        address=query_of(given, here_district()),
        tried=_tried(given, state),
        curve=_curve(state),
        kinds=words_in(plan_lang()),
    )
    if state is not None and "stage" in state:
        answer.headers["Refresh"] = "2"  # type: ignore[union-attr]  # works without script
    return answer


def _tried(given: Parameters, state: Mapping[str, Any] | None) -> dict[str, str] | None:
    """The address that tries the chosen measures on the what-if desk."""
    steps = ((state or {}).get("result") or {}).get("best", {}).get("steps", ())
    changes = [step["change"] for step in steps if "change" in step]
    values = given.to_json() | {"changes": [*(one.to_json() for one in given.changes), *changes]}
    return query_of(parameters_of(values), here_district()) if 0 < len(changes) <= 20 else None


def _curve(state: Mapping[str, Any] | None) -> list[tuple[float, float, float]]:
    """The marginal curve as it is drawn: x, y and share in percent of each step, in a box of 600 by 160."""
    curve = ((state or {}).get("result") or {}).get("curve")
    if not curve or not curve["steps"]:
        return []
    shares = [curve["before_share"] or 0.0, *(step["covered_share"] or 0.0 for step in curve["steps"])]
    top = max(shares) or 1.0
    width = 600 / max(len(shares) - 1, 1)
    return [
        (round(i * width, 1), round(160 - 150 * share / top, 1), round(share * 100, 1))
        for i, share in enumerate(shares)
    ]


@plan.get("/jobs/<work>.json")
def work_state(district_id: str, work: str) -> Response:
    """Tell how far it is, for the page's script; then the whole result."""
    folder, order = _find(work)
    return json_answer({"kind": order["kind"], "state": state_of(folder)})


@plan.post("/jobs/<work>/stop")
def stop_work(district_id: str, work: str) -> ResponseReturnValue:
    """Let it end with the best it has."""
    folder, _ = _find(work)
    ask_to_stop(folder)
    return redirect(url_for("plan.work_page", district_id=district_id, work=work, lang=plan_lang()), 303)


@plan.get("/jobs/<work>/<name>")
def work_file(district_id: str, work: str, name: str) -> Response:
    """Hand out a file of the result: the case as ``docx``, ``html``, ``xlsx``; its steps as ``csv`` or ``xlsx``."""
    Query(request, "lang")
    folder, order = _find(work)
    if name in CASE_FILES and (folder / name).is_file():
        return _file((folder / name).read_bytes(), CASE_FILES[name], f"{district_id}-{name}")
    result = (state_of(folder) or {}).get("result")
    if name not in ("table.csv", "table.xlsx") or result is None:
        raise NotFoundError(f"this result has no file {name[:40]!r}", parameter="name", value=name[:40])
    sheets = _sheets(result)
    if name == "table.csv":
        return _file(
            write_csv(sheets[0].headings, sheets[0].rows), "text/csv; charset=utf-8", f"{district_id}-{name}"
        )
    on = present_time().date()
    data = write_xlsx(sheets, title=words_in(plan_lang())("plan_next"), description=order["kind"], on=on)
    return _file(data, XLSX, f"{district_id}-{name}")


def _sheets(result: Mapping[str, Any]) -> list[Sheet]:
    say = words_in(plan_lang())
    if "trials" in result:
        heads = [say(key) for key in ("plan_kind", "plan_what", "plan_winner", "plan_agreement")]
        rows = [
            [one["kind"], one["what"], result["names"].get(one["winner"], ""), one["rank_agreement"]]
            for one in result["trials"]
        ]
        return [Sheet(say("plan_true"), heads, rows)]
    fields = (
        "measure",
        "name",
        "cost_yuan",
        "reach",
        "added",
        "cumulative",
        "covered_share",
        "per_10000_yuan",
        "lon",
        "lat",
    )
    return [
        Sheet(
            say(f"plan_{key}"),
            fields,
            [[step.get(field) for field in fields] for step in result[key]["steps"]],
        )
        for key in ("best", "greedy", "curve")
    ]


def _file(data: bytes, media_type: str, name: str) -> Response:
    response = Response(data, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# -- folders ----------------------------------------------------------------------------------------


def _works(district: District) -> Path:
    return district.directory / "cache" / "plans"


def _folder(district: District, work: str) -> Path:
    return _works(district) / work


def _find(work: str) -> tuple[Path, dict[str, Any]]:
    folder = _folder(here_district(), work)
    is_name = len(work) == 24 and set(work) <= set("0123456789abcdef")
    try:
        order: dict[str, Any] = orjson.loads((folder / "order.json").read_bytes()) if is_name else {}
    except (OSError, ValueError):
        order = {}
    if not order:
        raise NotFoundError(
            "there is no such result here; it may be older than a month: begin again", parameter="work"
        )
    return folder, order


def _latest(district: District, most: int = 12) -> list[dict[str, Any]]:
    """The latest pieces of work, for the page that begins them."""
    found = []
    for folder in _by_age(district)[:most]:
        try:
            order = orjson.loads((folder / "order.json").read_bytes())
        except (OSError, ValueError):
            continue
        found.append({"work": folder.name, "order": order, "state": state_of(folder) or {}})
    return found


def _by_age(district: District) -> list[Path]:
    folder = _works(district)
    held = [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []
    return sorted(held, key=_touched, reverse=True)


def _touched(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def sweep_work(district: District) -> None:
    """
    Remove results that are too old or too many.

    Parameters
    ----------
    district
        Whose.
    """
    for at, folder in enumerate(_by_age(district)):
        if at >= MOST_KEPT or time.time() - _touched(folder) > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


# no cookie is read here; forms of other sites are refused by the door
for view in (begin_work, next_of_tried, stop_work):
    csrf.exempt(view)
