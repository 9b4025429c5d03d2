"""
The import wizard, its first steps: a file and its columns. `intake_datum` and `intake_change` follow.

Every step is an address of its own that can be reloaded; what was said is kept in a job (see `jobs`).
"""

from collections import Counter
from dataclasses import replace

from flask import request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action, is_allowed
from geo_service.districts.datum_question import DatumQuestion
from geo_service.districts.importing import map_columns, read_list, source_name
from geo_service.districts.unplaced import unplaced_rows
from geo_service.errors import InvalidInputError
from geo_service.exchange.cells import COLUMNS
from geo_service.exchange.intake import ColumnMapping, Table
from geo_service.exchange.intake.confine import MOST_BYTES
from geo_service.exchange.intake.headings import POSITION_FIELDS, SERVICE
from geo_service.exchange.intake.mapping import may_hold
from geo_service.web.desk.door import allow, csrf, current_account, go, here_district, page, say_lang, show
from geo_service.web.desk.jobs import (
    Job,
    drop_job,
    find_job,
    job_file,
    load_table,
    open_form,
    own_jobs,
    save_job,
    save_table,
    take_upload,
)
from geo_service.web.desk.told import reason_words
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
    return go("intake_columns", job=job.id)


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


@page("/import/<job>/drop", Action.IMPORT, ("POST",))
def intake_drop(district_id: str, job: str) -> ResponseReturnValue:
    """Give a file up."""
    drop_job(find_job(job, "import"))
    return go("intake")


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
    if question_of(held, table).is_settled:
        save_job(held, datum="wgs84")
        return go("intake_preview", job=job)
    return go("intake_datum", job=job)


def _other_sheet(held: Job) -> ResponseReturnValue:
    try:
        read_job(replace(held, sheet=request.form["sheet"][:200], datum="auto"))
    except InvalidInputError as error:
        return _columns_page(held, load_table(held), held.columns.mapping, error.message, 400)
    return go("intake_columns", job=held.id)


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
        steps=steps_of(held, table),
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


def question_of(held: Job, table: Table) -> DatumQuestion:
    """
    Ask in which datum the file of a job is.

    Parameters
    ----------
    held
        The job.
    table
        Its file.

    Returns
    -------
    question
        Nothing is worked out before it is asked.
    """
    return DatumQuestion(here_district(), table, held.columns.mapping, held.layer)


def steps_of(held: Job, table: Table) -> list[str]:
    """
    Name the steps that a file needs.

    Parameters
    ----------
    held
        The job.
    table
        Its file.

    Returns
    -------
    views
        Of the steps with a page of their own.
    """
    settled = question_of(held, table).is_settled
    return ["intake_columns", *([] if settled else ["intake_datum"]), "intake_preview"]
