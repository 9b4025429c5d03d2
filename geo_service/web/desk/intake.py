"""
The import wizard: a file, its columns, its datum, what would change, and the change; and rows that want a place.

Every step is an address of its own that can be reloaded; what was said is kept in a job (see `jobs`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from flask import flash, request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action, is_allowed
from geo_service.districts.importing import (
    MANY_ROWS,
    Imported,
    apply_import,
    diagnosis_of,
    is_settled,
    make_preview,
    map_columns,
    raw_points,
    read_list,
    source_name,
    straighten,
    told_datum,
    undo_change,
)
from geo_service.districts.unplaced import drop_row, place_row, unplaced_rows
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.exchange.cells import COLUMNS
from geo_service.exchange.doctor import DATUMS, WORDS, Diagnosis
from geo_service.exchange.intake import ColumnMapping, Table
from geo_service.exchange.intake.confine import MOST_BYTES
from geo_service.exchange.intake.headings import POSITION_FIELDS, SERVICE
from geo_service.exchange.intake.mapping import may_hold
from geo_service.exchange.intake.outcome import ImportPlan
from geo_service.geo import Datum, convert_datum, parse_lonlat
from geo_service.layers import Feature, Place
from geo_service.store.base import Change
from geo_service.web.desk.door import allow, csrf, current_account, go, here_district, page, say_lang, show
from geo_service.web.desk.history import author_of, follow
from geo_service.web.desk.jobs import (
    Job,
    drop_job,
    find_job,
    job_file,
    job_folder,
    load_table,
    open_form,
    own_jobs,
    save_job,
    save_table,
    take_upload,
)
from geo_service.web.desk.running import forget_state, start_import, state_of
from geo_service.web.desk.told import reason_words, where_words
from geo_service.web.rider import drawn_map
from geo_service.web.served import present_time
from geo_service.web.words import words_in

MOST_LINES = 300
"""Rows of one kind that a preview lists."""

MOST_POINTS = 2000
_EXAMPLES = 3
_ROLE = "import:"


# --- 1: the file --------------------------------------------------------------------------------


@page("/import", Action.IMPORT, ("GET", "POST"))
def intake(district_id: str) -> ResponseReturnValue:
    """Take a file, its layer and the name of its source."""
    if request.method == "GET":
        return _upload_page()
    open_form()
    layer = request.form.get("layer", "")
    allow(Action.IMPORT, layer)
    try:
        job = take_upload("import", layer, source=request.form.get("source", ""))
        return _read(job)
    except InvalidInputError as error:
        return _upload_page(refusal=error.message, status=400)


csrf.exempt(intake)  # the token is looked at once the size of the form is allowed: see `open_form`


def _upload_page(refusal: str = "", status: int = 200) -> ResponseReturnValue:
    store = here_district().store
    waiting = [(key, len(unplaced_rows(store, key))) for key, _ in own_layers()]
    return show(
        "intake.html",
        status,
        refusal=refusal,
        layers=own_layers(),
        wanted=request.values.get("layer", ""),
        jobs=own_jobs("import"),
        waiting=[(key, count) for key, count in waiting if count],
        most_mb=MOST_BYTES // 2**20,
    )


def own_layers(*, with_areas: bool = True) -> list[tuple[str, tuple[str, str]]]:
    """
    Layers that whoever asks may import into.

    Parameters
    ----------
    with_areas
        Also layers of areas.

    Returns
    -------
    layers
        Key, and name in Chinese and English.
    """
    account = current_account()
    return [
        (one.key, (one.zh, one.en))
        for one in here_district().catalogue.values()
        if is_allowed(account, Action.IMPORT, one.key) and (with_areas or not one.is_area)
    ]


def _read(job: Job) -> ResponseReturnValue:
    """Read the file in the confined child; what is refused leaves nothing behind."""
    try:
        read_job(job)
    except InvalidInputError:
        drop_job(job)
        raise
    return lead("intake_columns", job=job.id)


def read_job(job: Job) -> Job:
    """
    Read the file of a job and guess its columns.

    Parameters
    ----------
    job
        With its sheet.

    Returns
    -------
    job
        With its mapping.

    Raises
    ------
    InvalidInputError
        If the file is refused.
    """
    table = read_list(here_district(), job_file(job), job.order)
    if not table.rows:
        raise InvalidInputError(f"{job.name}: holds no rows below its headings", parameter="FILE")
    columns = map_columns(here_district(), table, job.order)
    save_table(job, table)
    return save_job(
        job,
        sheet=table.sheet,
        mapping=columns.mapping.to_json(),
        is_remembered=columns.is_remembered,
        last_datum=columns.last_datum,
    )


def lead(view: str, /, **parts: Any) -> ResponseReturnValue:
    """
    Lead on, in the language of this page.

    Parameters
    ----------
    view
        Name of the view.
    **parts
        Of its address.

    Returns
    -------
    response
        303.
    """
    return go(view, lang=request.args.get("lang"), **parts)


@page("/import/<job>/drop", Action.IMPORT, ("POST",))
def intake_drop(district_id: str, job: str) -> ResponseReturnValue:
    """Give a file up."""
    drop_job(find_job(job, "import"))
    return lead("intake")


# --- 2: the columns -----------------------------------------------------------------------------


@page("/import/<job>", Action.IMPORT, ("GET", "POST"))
def intake_columns(district_id: str, job: str) -> ResponseReturnValue:
    """Show what was read and what each column is taken for; take corrections."""
    held = find_job(job, "import")
    allow(Action.IMPORT, held.layer)
    if request.method == "POST" and request.form.get("sheet", held.sheet) != held.sheet:
        return _other_sheet(held)
    table, mapping = load_table(held), held.columns.mapping
    if request.method == "GET":
        return _columns_page(held, table, mapping)
    try:
        mapping = _chosen(mapping)
    except InvalidInputError as error:
        return _columns_page(held, table, mapping, error.message, 400)
    held = save_job(held, mapping=mapping.to_json(), datum="auto")
    if is_settled(here_district(), table, mapping, held.layer):
        save_job(held, datum="wgs84")
        return lead("intake_preview", job=job)
    return lead("intake_datum", job=job)


def _other_sheet(held: Job) -> ResponseReturnValue:
    try:
        read_job(replace(held, sheet=request.form["sheet"][:200], datum="auto"))
    except InvalidInputError as error:
        return _columns_page(held, load_table(held), held.columns.mapping, error.message, 400)
    return lead("intake_columns", job=held.id)


def _columns_page(
    held: Job, table: Table, mapping: ColumnMapping, refusal: str = "", status: int = 200
) -> ResponseReturnValue:
    examples = [_examples(table, index) for index in range(len(table.columns))]
    return show(
        "intake_columns.html",
        status,
        job=held,
        table=table,
        mapping=mapping,
        source=source_name(table, held.order),
        rows=list(zip(mapping.columns, examples, strict=True)),
        choices=field_choices(held.layer, mapping),
        refusal=refusal,
        reason_words=reason_words,
        category=here_district().catalogue[held.layer],
        steps=_steps(held, table),
    )


def _examples(table: Table, index: int) -> list[str]:
    found: dict[str, None] = {}
    for row in table.rows:
        cell = row.cells[index]
        if cell and len(found) < _EXAMPLES:
            found[cell if len(cell) <= 60 else cell[:57] + "…"] = None
    return list(found)


def field_choices(layer: str, mapping: ColumnMapping) -> list[tuple[str, list[tuple[str, str]]]]:
    """
    What a column may be taken for, for a select.

    Parameters
    ----------
    layer
        Where the file goes.
    mapping
        What its columns hold now; that can be chosen in any case.

    Returns
    -------
    groups
        Word of the catalogue for the group, and its fields with their names.
    """
    catalogue, lang = here_district().catalogue, say_lang()
    say, category, column = words_in(lang), catalogue[layer], 0 if lang == "zh" else 1
    places = [(key, say(f"intake_field_{key}")) for key in POSITION_FIELDS if may_hold(key, category)]
    facts = [
        (one.key, (one.zh, one.en)[column].replace("_", " "))
        for one in COLUMNS
        if one.path and may_hold(one.key, category)
    ]
    own = [(f"extra_{name}", name) for name in category.extra_fields]
    services = [(SERVICE + kind, words[column]) for kind, words in catalogue.services.items()]
    groups = [
        ("intake_group_place", [("id", say("intake_field_id")), *places]),
        ("intake_group_facts", [*facts, *own]),
    ]
    if "services" in category.fields:
        groups.append(("intake_group_services", services))
    known = {key for _, group in groups for key, _ in group}
    others = [(one.field, one.field) for one in mapping.columns if one.field and one.field not in known]
    return [*groups, ("intake_group_other", others)] if others else groups


def _chosen(mapping: ColumnMapping) -> ColumnMapping:
    """What the form says of the columns; two columns cannot hold one field."""
    fields = [request.form.get(f"field-{number}", one.field) for number, one in enumerate(mapping.columns)]
    twice = [name for name, count in Counter(fields).items() if name and count > 1]
    if twice:
        columns = [one.column for one, name in zip(mapping.columns, fields, strict=True) if name == twice[0]]
        raise InvalidInputError(
            words_in(say_lang())("intake_twice", columns="、".join(columns)),
            parameter="field",
            value=twice[0],
        )
    for one, name in zip(mapping.columns, fields, strict=True):
        if name != one.field:
            mapping = mapping.with_field(one.column, name)
    for one, name in zip(mapping.columns, fields, strict=True):  # what moved from one column to another
        if name != one.field:
            mapping = mapping.with_field(one.column, name)
    return replace(mapping, is_swapped=request.form.get("swapped") == "yes")


def _steps(held: Job, table: Table) -> list[str]:
    """Views of the steps that this file needs."""
    settled = is_settled(here_district(), table, held.columns.mapping, held.layer)
    return ["intake_columns", *([] if settled else ["intake_datum"]), "intake_preview"]


# --- 3: the datum -------------------------------------------------------------------------------


@page("/import/<job>/datum", Action.IMPORT, ("GET", "POST"))
def intake_datum(district_id: str, job: str) -> ResponseReturnValue:
    """Say which datum the file is in and why, show it on our streets, and let a person decide."""
    held = find_job(job, "import")
    allow(Action.IMPORT, held.layer)
    if request.form.get("do") == "swap":
        return _exchange(held)
    said = request.form.get("datum", "") if request.method == "POST" else ""
    if chosen := "rows" if said == "rows" else _datum(said):
        save_job(held, datum=chosen)
        return lead("intake_preview", job=job)
    return _datum_page(held, is_missing=request.method == "POST")


def _exchange(held: Job) -> ResponseReturnValue:
    """Exchange longitude and latitude, or put them back; the datum is asked for anew, for the points have moved."""
    mapping = held.columns.mapping
    if not _may_exchange(mapping):
        return lead("intake_columns", job=held.id)
    save_job(held, mapping=replace(mapping, is_swapped=not mapping.is_swapped).to_json(), datum="auto")
    return lead("intake_datum", job=held.id)


def _may_exchange(mapping: ColumnMapping) -> bool:
    """Whether the exchange is offered: most rows make sense only with it, or it was asked for."""
    return mapping.is_swapped or bool(mapping.swap_hint)


def _datum_page(held: Job, *, is_missing: bool) -> ResponseReturnValue:
    district, table, mapping = here_district(), load_table(held), held.columns.mapping
    diagnosis = diagnosis_of(district, table, mapping, held.layer)
    told = told_datum(table, mapping, diagnosis)
    stated = mapping.datum or table.declared_datum
    return show(
        "intake_datum.html",
        400 if is_missing else 200,
        job=held,
        diagnosis=diagnosis,
        stated=WORDS_OF.get(stated, ""),
        told=told,
        selected=told if held.datum == "auto" else held.datum,
        is_mixed=diagnosis is not None and _is_mixed(diagnosis),
        datums=[(one, WORDS_OF[one]) for one in DATUMS],
        is_missing=is_missing,
        may_exchange=_may_exchange(mapping),
        reason_words=reason_words,
        points=points_under(table, mapping) if diagnosis is None else _points_read(table, mapping, diagnosis),
        drawn=drawn_map(district),
        steps=_steps(held, table),
    )


def _is_mixed(diagnosis: Diagnosis) -> bool:
    """Whether reading row by row would give something else than one datum for all."""
    return bool(diagnosis.odd_rows or diagnosis.doubles) or diagnosis.reading not in (*DATUMS, None)


def _points_read(table: Table, mapping: ColumnMapping, diagnosis: Diagnosis) -> dict[str, Any]:
    """The points under each datum, and as the doctor reads each row."""
    points = points_under(table, mapping)
    if _is_mixed(diagnosis):
        read, _ = straighten(here_district(), table, mapping, diagnosis)
        points["under"]["rows"] = [row.point for row in read.rows if row.point or row.fault][:MOST_POINTS]
    return points


WORDS_OF: Mapping[str, str] = {key: words[0] for key, words in WORDS.items()}
"""Name of each datum, the same in both languages."""


def _datum(text: str) -> Datum | None:
    return next((one for one in DATUMS if one == text), None)


def points_under(table: Table, mapping: ColumnMapping) -> dict[str, Any]:
    """
    Points of a file as they would stand on the map under each datum.

    Parameters
    ----------
    table
        The file.
    mapping
        What its columns hold.

    Returns
    -------
    points
        Names, and WGS 84 positions by datum; at most `MOST_POINTS`.
    """
    lonlat, names = raw_points(here_district(), table, mapping)
    is_real = (abs(lonlat[:, 0]) <= 180) & (abs(lonlat[:, 1]) <= 90)
    shown = [i for i, real in enumerate(is_real.tolist()) if real][:MOST_POINTS]
    under = {one: convert_datum(lonlat[shown], one, "wgs84").round(6).tolist() for one in DATUMS}
    return {"names": [names[i] for i in shown], "under": under}


# --- 4: what would change -----------------------------------------------------------------------


@page("/import/<job>/preview", Action.IMPORT, ("GET", "POST"))
def intake_preview(district_id: str, job: str) -> ResponseReturnValue:
    """Show what would change, row by row and on the map; do it."""
    held = find_job(job, "import")
    allow(Action.IMPORT, held.layer)
    if held.datum == "auto":
        return lead("intake_datum", job=job)
    if state_of(job_folder(held)):
        return lead("intake_working", job=job)
    if request.form.get("do") == "swap":
        return _exchange(held)
    if request.method == "POST":
        flags = (request.form.get(name) == "yes" for name in ("complete", "skip_bad"))
        held = save_job(held, **dict(zip(("is_complete", "skip_bad"), flags, strict=True)))
    if request.form.get("do") != "apply":
        return lead("intake_preview", job=job) if request.method == "POST" else _preview_page(held)
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
    return lead("intake_working", job=held.id)


@page("/import/<job>/working", Action.IMPORT)
def intake_working(district_id: str, job: str) -> ResponseReturnValue:
    """Show how far the import of a long list is; then lead on."""
    held = find_job(job, "import")
    state = state_of(job_folder(held))
    if state is None:
        return lead("intake_preview", job=job)
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
        return lead("intake")
    return lead("intake_done", change=done.change_id)


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
        may_exchange=_may_exchange(held.columns.mapping),
        reason_words=reason_words,
        reason_where=lambda where: where_words(where, lang),
        field_name=field_name,
        shown_value=shown_value,
        points=_plan_points(plan),
        drawn=drawn_map(district),
        refusal=refusal,
        most=MOST_LINES,
        steps=_steps(held, table),
        category=district.catalogue[held.layer],
    )


def field_name(name: str) -> str:
    """
    Name a field of a change as people call it.

    Parameters
    ----------
    name
        As ``changed_fields`` gives it.

    Returns
    -------
    words
        In the language of the page.
    """
    head, _, rest = name.partition(".")
    say, column = words_in(say_lang()), 0 if say_lang() == "zh" else 1
    if name in ("position", "geometry"):
        return say("intake_position")
    if head == "services" and rest:
        words = here_district().catalogue.services.get(rest.partition("#")[0])
        return words[column] if words else rest
    found = next((one for one in COLUMNS if one.key in (name, head, f"{head}_{rest}")), None)
    return (found.zh, found.en)[column].replace("_", " ") if found else name


def shown_value(value: Any) -> str:
    """
    Show a JSON value on one line.

    Parameters
    ----------
    value
        Of a field.

    Returns
    -------
    text
        A dash for nothing.
    """
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, list):
        return ("；" if value and isinstance(value[0], dict) else ", ").join(
            shown_value(one) for one in value
        )
    if isinstance(value, dict):
        kinds, column = here_district().catalogue.services, 0 if say_lang() == "zh" else 1
        named = {**value, "kind": kinds[value["kind"]][column]} if value.get("kind") in kinds else value
        return " ".join(shown_value(one) for one in named.values() if one not in (None, ""))
    return f"{value:.6f}" if isinstance(value, float) and abs(value) > 3 else str(value)


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


# --- 5: what was done ---------------------------------------------------------------------------


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
        return lead("intake")
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


# --- rows without a position --------------------------------------------------------------------


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
        return lead("unplaced", layer=layer)
    try:
        made = place_row(district, layer, key, _typed_position(), author_of("placed by hand"))
    except InvalidInputError as error:
        return _unplaced_page(layer, error.message, 400)
    flash(say("intake_placed", name=made.name))
    return lead("unplaced", layer=layer)


def _typed_position() -> tuple[float, float]:
    """Coordinates of the form in WGS 84."""
    text = request.form.get("lonlat", "").replace("，", ",").strip()
    datum = _datum(request.form.get("datum", "wgs84")) or "wgs84"
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
    return show(
        "unplaced.html",
        status,
        layers=held,
        layer=layer,
        rows=unplaced_rows(district.store, layer)[:MOST_LINES] if layer else (),
        chosen=request.values.get("key", ""),
        typed=request.form.get("lonlat", ""),
        reason_where=lambda where: where_words(where, lang),
        datums=[(one, WORDS_OF[one]) for one in DATUMS],
        refusal=refusal,
        drawn=drawn_map(district),
    )
