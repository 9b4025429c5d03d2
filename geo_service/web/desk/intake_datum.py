"""The import wizard, its third step: in which datum the file is, seen on our own streets; a person decides."""

from dataclasses import replace
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action
from geo_service.districts.datum_question import DatumQuestion
from geo_service.exchange.doctor import DATUMS, Diagnosis
from geo_service.exchange.intake import ColumnMapping
from geo_service.geo import convert_datum
from geo_service.web.desk.door import allow, go, here_district, page, show
from geo_service.web.desk.intake import MOST_POINTS, question_of, steps_of
from geo_service.web.desk.jobs import Job, find_job, load_table, save_job
from geo_service.web.desk.told import WORDS_OF, datum_named, reason_words
from geo_service.web.rider import drawn_map


@page("/import/<job>/datum", Action.IMPORT, ("GET", "POST"))
def intake_datum(district_id: str, job: str) -> ResponseReturnValue:
    """Say which datum the file is in and why, show it on our streets, and let a person decide."""
    held = find_job(job, "import")
    allow(Action.IMPORT, held.layer)
    if request.form.get("do") == "swap":
        return exchange(held)
    said = request.form.get("datum", "") if request.method == "POST" else ""
    if chosen := "rows" if said == "rows" else datum_named(said):
        save_job(held, datum=chosen)
        return go("intake_preview", job=job)
    return _datum_page(held, is_missing=request.method == "POST")


def exchange(held: Job) -> ResponseReturnValue:
    """
    Exchange longitude and latitude, or put them back; the datum is asked for anew, for the points have moved.

    Parameters
    ----------
    held
        The job.

    Returns
    -------
    response
        To the step that follows.
    """
    mapping = held.columns.mapping
    if not may_exchange(mapping):
        return go("intake_columns", job=held.id)
    save_job(held, mapping=replace(mapping, is_swapped=not mapping.is_swapped).to_json(), datum="auto")
    return go("intake_datum", job=held.id)


def may_exchange(mapping: ColumnMapping) -> bool:
    """
    Say whether the exchange is offered: most rows make sense only with it, or it was asked for.

    Parameters
    ----------
    mapping
        What the columns hold.

    Returns
    -------
    may_exchange
        Else it would only do harm.
    """
    return mapping.is_swapped or bool(mapping.swap_hint)


def _datum_page(held: Job, *, is_missing: bool) -> ResponseReturnValue:
    table, mapping = load_table(held), held.columns.mapping
    question = question_of(held, table)
    diagnosis, told = question.diagnosis, question.told()
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
        may_exchange=may_exchange(mapping),
        reason_words=reason_words,
        points=_points_read(question, diagnosis),
        drawn=drawn_map(here_district()),
        steps=steps_of(held, table),
    )


def _is_mixed(diagnosis: Diagnosis) -> bool:
    """Whether reading row by row would give something else than one datum for all."""
    return bool(diagnosis.odd_rows or diagnosis.doubles) or diagnosis.reading not in (*DATUMS, None)


def _points_read(question: DatumQuestion, diagnosis: Diagnosis | None) -> dict[str, Any]:
    """The points under each datum, and as the doctor reads each row."""
    points = _points_under(question)
    if diagnosis is not None and _is_mixed(diagnosis):
        read, _ = question.straighten(diagnosis)
        points["under"]["rows"] = [row.point for row in read.rows if row.point or row.fault][:MOST_POINTS]
    return points


def _points_under(question: DatumQuestion) -> dict[str, Any]:
    """Names, and positions in WGS 84 as they would stand on the map under each datum; at most `MOST_POINTS`."""
    lonlat, names = question.raw_points()
    is_real = (abs(lonlat[:, 0]) <= 180) & (abs(lonlat[:, 1]) <= 90)
    shown = [i for i, real in enumerate(is_real.tolist()) if real][:MOST_POINTS]
    under = {one: convert_datum(lonlat[shown], one, "wgs84").round(6).tolist() for one in DATUMS}
    return {"names": [names[i] for i in shown], "under": under}
