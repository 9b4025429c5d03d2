"""Our layer beside a map vendor's list: what differs, a work list to take away, and how the vendor shows each place."""

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action
from geo_service.districts.comparing import (
    REGISTERS,
    Compared,
    compare_table,
    listing_marks,
    mark_listing,
    work_file,
    work_rows,
)
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.exchange.doctor import DATUMS
from geo_service.exchange.intake.confine import MOST_BYTES
from geo_service.hours import SHANGHAI
from geo_service.web.desk.door import allow, csrf, go, here_district, page, say_lang, show
from geo_service.web.desk.history import author_of
from geo_service.web.desk.intake import own_layers, read_job
from geo_service.web.desk.jobs import (
    Job,
    drop_job,
    find_job,
    load_table,
    open_form,
    own_jobs,
    save_job,
    take_upload,
)
from geo_service.web.desk.told import WORDS_OF, reason_words, where_words
from geo_service.web.served import present_time, served_settings
from geo_service.web.words import words_in

MOST_LINES = 300
_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@page("/vendor", Action.COMPARE, ("GET", "POST"))
def vendor(district_id: str) -> ResponseReturnValue:
    """Take a vendor's list."""
    if request.method == "GET":
        return _upload_page()
    open_form()
    layer, whose = request.form.get("layer", ""), request.form.get("vendor", "")
    allow(Action.COMPARE, layer)
    try:
        if whose not in REGISTERS:
            raise InvalidInputError(
                f"vendor={whose[:40]!r} is none; allowed: {', '.join(REGISTERS)}", parameter="vendor"
            )
        job = take_upload("vendor", layer, source=f"{whose} {layer}", vendor=whose)
        return _take(job)
    except InvalidInputError as error:
        return _upload_page(refusal=error.message, status=400)


def _take(job: Job) -> ResponseReturnValue:
    """Read and compare once: what cannot be compared leaves nothing behind."""
    datum = next((one for one in DATUMS if one == request.form.get("datum")), "auto")
    try:
        held = read_job(job)
        compared = _compared(save_job(held, datum=datum))
        save_job(held, datum=compared.order.datum)
    except InvalidInputError:
        drop_job(job)
        raise
    return go("vendor_result", job=job.id)


csrf.exempt(vendor)  # the token is looked at once the size of the form is allowed: see `open_form`


def _upload_page(refusal: str = "", status: int = 200) -> ResponseReturnValue:
    return show(
        "vendor.html",
        status,
        refusal=refusal,
        layers=own_layers(with_areas=False),
        wanted=request.values.get("layer", ""),
        whose=request.values.get("vendor", ""),
        vendors=list(REGISTERS),
        datums=[(one, WORDS_OF[one]) for one in DATUMS],
        jobs=own_jobs("vendor"),
        most_mb=MOST_BYTES // 2**20,
    )


@page("/vendor/<job>", Action.COMPARE)
def vendor_result(district_id: str, job: str) -> ResponseReturnValue:
    """Show what differs."""
    held = find_job(job, "vendor")
    allow(Action.COMPARE, held.layer)
    lang = say_lang()
    return show(
        "vendor_result.html",
        job=held,
        compared=_compared(held),
        datum=WORDS_OF[held.datum],
        most=MOST_LINES,
        category=here_district().catalogue[held.layer],
        reason_words=reason_words,
        reason_where=lambda where: where_words(where, lang),
    )


@page("/vendor/<job>/work.<form>", Action.COMPARE)
def vendor_work(district_id: str, job: str, form: str) -> ResponseReturnValue:
    """Hand the work list out for spreadsheets."""
    held = find_job(job, "vendor")
    if form not in _TYPES:
        raise NotFoundError("a work list is csv or xlsx", parameter="form", value=form[:20])
    allow(Action.COMPARE, held.layer)
    base = (served_settings().public_url or request.url_root).rstrip("/")
    rows = work_rows(_compared(held), lambda key: f"{base}/{district_id}/p/{key}")
    day = present_time().astimezone(SHANGHAI).date()
    response = Response(work_file(rows, form, day), mimetype=_TYPES[form])
    name = f"{district_id}-{held.layer}-{held.vendor}-{day.isoformat()}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@page("/vendor/<job>/mark", Action.COMPARE, ("POST",))
def vendor_mark(district_id: str, job: str) -> ResponseReturnValue:
    """Note on our places how the vendor shows them."""
    held = find_job(job, "vendor")
    allow(Action.EDIT, held.layer)
    compared = _compared(held)
    day = present_time().astimezone(SHANGHAI).date()
    mark_listing(here_district(), compared, author=author_of(f"list of {held.vendor}"), on=day)
    flash(words_in(say_lang())("vendor_marked", n=len(listing_marks(compared))))
    return go("vendor_result", job=job)


@page("/vendor/<job>/drop", Action.COMPARE, ("POST",))
def vendor_drop(district_id: str, job: str) -> ResponseReturnValue:
    """Give a list up."""
    drop_job(find_job(job, "vendor"))
    return go("vendor")


def _compared(held: Job) -> Compared:
    return compare_table(here_district(), load_table(held), held.columns.mapping, held.order, held.vendor)
