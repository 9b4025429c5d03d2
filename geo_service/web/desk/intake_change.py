"""The import wizard, its last steps: what would change, row by row and on the map; the change; taking it back."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action
from geo_service.districts.importing import MANY_ROWS, Imported, apply_import, make_preview, undo_change
from geo_service.districts.unplaced import unplaced_rows
from geo_service.errors import NotFoundError
from geo_service.exchange.intake import Table
from geo_service.exchange.intake.outcome import ImportPlan
from geo_service.layers import Feature, Place
from geo_service.store.base import Change
from geo_service.web.desk.door import allow, current_account, go, here_district, page, say_lang, show
from geo_service.web.desk.history import author_of, follow
from geo_service.web.desk.intake import MOST_LINES, MOST_POINTS, steps_of
from geo_service.web.desk.intake_datum import exchange, may_exchange
from geo_service.web.desk.jobs import Job, drop_job, find_job, job_folder, load_table, save_job
from geo_service.web.desk.running import start_import
from geo_service.web.desk.told import WORDS_OF, field_name, reason_words, shown_value, where_words
from geo_service.web.rider import drawn_map
from geo_service.web.running import forget_state, state_of
from geo_service.web.served import present_time
from geo_service.web.words import words_in

_ROLE = "import:"


@page("/import/<job>/preview", Action.IMPORT, ("GET", "POST"))
def intake_preview(district_id: str, job: str) -> ResponseReturnValue:
    """Show what would change, row by row and on the map; do it."""
    held = find_job(job, "import")
    allow(Action.IMPORT, held.layer)
    if held.datum == "auto":
        return go("intake_datum", job=job)
    if state_of(job_folder(held)):
        return go("intake_working", job=job)
    if request.form.get("do") == "swap":
        return exchange(held)
    if request.method == "POST":
        flags = (request.form.get(name) == "yes" for name in ("complete", "skip_bad"))
        held = save_job(held, **dict(zip(("is_complete", "skip_bad"), flags, strict=True)))
    if request.form.get("do") != "apply":
        return go("intake_preview", job=job) if request.method == "POST" else _preview_page(held)
    return _apply(held)


def _apply(held: Job) -> ResponseReturnValue:
    district, now, table = here_district(), present_time(), load_table(held)
    if len(table.rows) > MANY_ROWS:
        return _start(held, table)
    preview = make_preview(district, table, held.columns, held.order, at=now)
    if request.form.get("version") != str(preview.version):
        return _preview_page(held, words_in(say_lang())("intake_changed_meanwhile"), 409)
    if preview.plan.refused and not held.skip_bad:
        return _preview_page(held, words_in(say_lang())("intake_bad_rows_stop"), 400)
    return _told(held, apply_import(district, preview, actor=current_account().name, at=now))


def _start(held: Job, table: Table) -> ResponseReturnValue:
    """Import a long list in a thread, and lead to where its progress is seen."""
    version = request.form.get("version", "")
    start_import(
        job_folder(held),
        here_district(),
        table,
        held.columns,
        held.order,
        actor=current_account().name,
        at=present_time(),
        version=int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else -1,
    )
    return go("intake_working", job=held.id)


@page("/import/<job>/working", Action.IMPORT)
def intake_working(district_id: str, job: str) -> ResponseReturnValue:
    """Show how far the import of a long list is; then lead on."""
    held = find_job(job, "import")
    state = state_of(job_folder(held))
    if state is None:
        return go("intake_preview", job=job)
    if "refused" in state:
        forget_state(job_folder(held))
        return _preview_page(held, state["refused"], 400)
    if "result" in state:
        return _told(held, Imported(**state["result"]))
    answer = show("intake_working.html", state=state, n_rows=len(load_table(held).rows))
    answer.headers["Refresh"] = "1"  # works without script, and no reader is moved who reads something
    return answer


def _told(held: Job, done: Imported) -> ResponseReturnValue:
    """Say what an import did, and forget its file."""
    drop_job(held)
    say = words_in(say_lang())
    if not done.is_written:
        flash(say("desk_file_waits", layers=held.layer))
    if done.n_unplaced:
        flash(say("intake_kept_aside", n=done.n_unplaced))
    if done.change_id is None:
        flash(say("intake_nothing_new"))
        return go("intake")
    return go("intake_done", change=done.change_id)


def _preview_page(held: Job, refusal: str = "", status: int = 200) -> ResponseReturnValue:
    district, table = here_district(), load_table(held)
    preview = make_preview(district, table, held.columns, held.order, at=present_time())
    plan = preview.plan
    lang = say_lang()
    return show(
        "intake_preview.html",
        status,
        job=held,
        plan=plan,
        version=preview.version,
        datum=words_in(lang)("intake_by_row") if held.datum == "rows" else WORDS_OF[plan.datum],
        warnings=[reason_words(one, lang) for one in plan.warnings if one != held.columns.mapping.swap_hint],
        may_exchange=may_exchange(held.columns.mapping),
        reason_words=reason_words,
        reason_where=lambda where: where_words(where, lang),
        field_name=field_name,
        shown_value=shown_value,
        points=_plan_points(plan),
        drawn=drawn_map(district),
        refusal=refusal,
        most=MOST_LINES,
        steps=steps_of(held, table),
        category=district.catalogue[held.layer],
    )


def _plan_points(plan: ImportPlan) -> list[dict[str, Any]]:
    """What the map shows of a plan: at most `MOST_POINTS`, changes and removals first."""
    found = [*_changed_points(plan)]
    found += [_point("removed", one) for one in plan.removed if isinstance(one, Place)]
    found += [_point("added", one.feature) for one in plan.added if isinstance(one.feature, Place)]
    return found[:MOST_POINTS]


def _changed_points(plan: ImportPlan) -> Iterator[dict[str, Any]]:
    for one in plan.changed:
        if isinstance(one.after, Place) and isinstance(one.before, Place):
            before, after = (one.before.lon, one.before.lat), (one.after.lon, one.after.lat)
            yield _point("changed", one.after) | ({"from": before} if before != after else {})


def _point(kind: str, place: Feature) -> dict[str, Any]:
    assert isinstance(place, Place)
    return {"kind": kind, "name": place.name, "lon": place.lon, "lat": place.lat}


@page("/import/done/<change>", Action.IMPORT, ("GET", "POST"))
def intake_done(district_id: str, change: str) -> ResponseReturnValue:
    """Say what an import did; take it back."""
    parts = _import_parts(change)
    layer, number = parts[0].layer, parts[0].id
    if request.method == "POST":
        allow(Action.RESTORE, layer)
        applied = undo_change(here_district(), number, author_of(f"undo of change {number}"))
        follow(tuple(applied.versions))
        flash(words_in(say_lang())("intake_undone", number=number))
        return go("intake")
    counts = Counter(
        "added" if one.before is None else "removed" if one.after is None else "changed" for one in parts
    )
    waiting = [row for row in unplaced_rows(here_district().store, layer) if row.change_id == number]
    places = [one.after for one in parts if isinstance(one.after, Place)]
    return show(
        "intake_done.html",
        first=parts[0],
        counts=counts,
        n_waiting=len(waiting),
        names=[state.name for one in parts[:20] if (state := one.after or one.before)],
        n_all=len(parts),
        points=[_point("added", one) for one in places[:MOST_POINTS]],
        drawn=drawn_map(here_district()),
        category=here_district().catalogue[layer],
    )


def _import_parts(change: str) -> Sequence[Change]:
    store = here_district().store
    number = int(change) if change.isascii() and change.isdecimal() and len(change) < 10 else -1
    parts = store.history(change_id=number) if number > 0 else ()
    if not parts or not parts[0].role.startswith(_ROLE):
        raise NotFoundError(f"change {change[:20]!r} is no import", parameter="change", value=change[:20])
    return parts
