"""List, map and form of places side by side: search, edit, add, remove, and change several at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import Response, flash, render_template, request
from flask.typing import ResponseReturnValue

from geo_service.desk.doubts import standing_doubts
from geo_service.desk.listing import STATUSES
from geo_service.desk.permissions import Action, is_allowed
from geo_service.desk.rota import Due, due_checks
from geo_service.errors import InvalidInputError, NotFoundError, StaleEditError
from geo_service.hours import SHANGHAI
from geo_service.layers import (
    Category,
    Edit,
    Feature,
    Place,
    Status,
    feature_from_json,
    feature_to_json,
    with_fields,
)
from geo_service.store.verbs import remove_feature
from geo_service.web.desk.door import allow, current_account, go, here_district, page, say_lang, show
from geo_service.web.desk.history import author_of, follow
from geo_service.web.desk.place_fields import (
    POSITION,
    ROWS,
    VISITORS,
    Texts,
    feature_from,
    inputs_of,
    n_rows,
    rows_of,
    texts_from,
    texts_of,
    values_held,
)
from geo_service.web.desk.place_points import (
    DATUMS,
    NAMES,
    Points,
    check_datum,
    point_words,
    points_json,
    read_points,
    to_wgs84,
)
from geo_service.web.desk.place_saving import (
    Stale,
    changed_meanwhile,
    contests,
    date_checks,
    explain_stale,
    fault_words,
    field_words,
    next_id,
)
from geo_service.web.desk.rota import ages_days
from geo_service.web.desk.week import explain
from geo_service.web.http import json_answer
from geo_service.web.rider import drawn_map
from geo_service.web.served import present_time
from geo_service.web.words import LANGS, words_in

LIST_LENGTH = 200
"""Places in the list; a longer layer is searched."""

FILTERS = ("", "active", "paused", "due", "unknown")
BULK = ("paused", "active", "verified")
VENDORS = ("amap", "baidu", "tencent")


class Row(NamedTuple):
    """One place of the list."""

    place: Feature
    state: str
    due: tuple[Due, ...]
    is_doubted: bool


class Form(NamedTuple):
    """What the form of a place shows: the feature it was filled from, and what is wrong or contested."""

    base: Mapping[str, Any]
    version: int | None
    texts: Texts
    faults: Mapping[str, Sequence[str]] = {}
    stale: Stale | None = None
    notice: str = ""
    is_all_checked: bool = False


# -- list ------------------------------------------------------------------------------------------


@page("/places", Action.LOOK)
def places(district_id: str) -> ResponseReturnValue:
    """List the places of a layer beside its map."""
    return show("places.html", **_list_values(_category(request.args.get("layer") or _first_layer())))


@page("/places", Action.VERIFY, ("POST",))
def change_several(district_id: str) -> ResponseReturnValue:
    """Pause, take into use again or mark as verified what is ticked in the list, all or nothing."""
    category, say = _category(request.form.get("layer", "")), words_in(say_lang())
    ids, action = list(dict.fromkeys(request.form.getlist("ids"))), request.form.get("action", "")
    for one in ids:
        allow(Action.VERIFY if action == "verified" else Action.EDIT, category.key, one)
    fault = "place_bulk_none" if not ids else "place_bulk_action" if action not in BULK else ""
    reason = request.form.get("reason", "").strip()
    if action == "paused" and not reason:
        fault = fault or "place_needs_reason"
    if fault:
        return show("places.html", 400, refusal=say(fault), **_list_values(category))
    edits = [_bulk_edit(category.key, one, _version(), action, reason) for one in ids]
    try:
        here_district().store.apply(edits, **author_of(f"{action} of {len(ids)}")._asdict())
    except StaleEditError as error:
        refusal = say("place_bulk_stale", id=error.facts["id"])
        return show("places.html", 412, refusal=refusal, **_list_values(category))
    follow((category.key,))
    flash(say("place_bulk_done", n=len(ids)))
    return go("places", layer=category.key, **_kept())


def _bulk_edit(layer: str, place_id: str, version: int, action: str, reason: str) -> Edit:
    base = _seen(layer, place_id, version)
    after = base
    if action != "verified":
        status: Status = "paused" if action == "paused" else "active"
        after = replace(
            base, status=status, status_reason=reason or None, status_from=None, status_until=None
        )
    after = date_checks(base, after, current_account().role, _today(), is_all=action == "verified")
    return Edit(layer, place_id, version, base, after)


def _list_values(category: Category, chosen: str | None = None) -> dict[str, Any]:
    district, now = here_district(), present_time()
    layer, wanted = district.store.layer(category.key), request.args.get("status", "")
    due: dict[str, tuple[Due, ...]] = {}
    for one in due_checks(_only_places(layer.features), ages_days(), now.astimezone(SHANGHAI).date()):
        due[one.place.id] = (*due.get(one.place.id, ()), one)
    query = request.args.get("q", "").strip()[:100]
    found = [one for one in layer.features if _fits(one, query) and _is_wanted(one, wanted, due)]
    doubts = standing_doubts(district.store)
    shown = found[:LIST_LENGTH]
    rows = [Row(one, _state(one, now), due.get(one.id, ()), one.id in doubts) for one in shown]
    held = {info.name for info in district.store.layers()}
    return {
        "category": category,
        "layers": [one for one in district.catalogue.values() if not one.is_area or one.key in held],
        "rows": rows,
        "n_found": len(found),
        "version": layer.version,
        "q": query,
        "filter_by": wanted if wanted in FILTERS else "",
        "filters": FILTERS,
        "bulk_actions": BULK,
        "chosen": chosen,
        "kept": _kept(),
        "drawn": drawn_map(district),
    }


def _fits(feature: Feature, query: str) -> bool:
    words = (feature.name, feature.id, getattr(feature, "address", ""), getattr(feature, "phone", ""))
    return all(any(part in (word or "").casefold() for word in words) for part in query.casefold().split())


def _is_wanted(feature: Feature, wanted: str, due: Mapping[str, object]) -> bool:
    if wanted in ("active", "paused"):
        return feature.status == wanted
    if wanted == "unknown":
        return isinstance(feature, Place) and not feature.hours
    return wanted != "due" or feature.id in due


def _state(feature: Feature, now: datetime) -> str:
    """How riders see it now; empty for what is no place or not in use."""
    if not isinstance(feature, Place) or feature.status != "active":
        return ""
    district = here_district()
    return district.finder.opening(feature, now, doubts=district.standing().spans).state.value


def _only_places(features: Sequence[Feature]) -> list[Place]:
    return [one for one in features if isinstance(one, Place)]


# -- form ------------------------------------------------------------------------------------------


@page("/places/<layer>/<place_id>", Action.LOOK)
def place_form(district_id: str, layer: str, place_id: str) -> ResponseReturnValue:
    """Show everything of one place, ready to be changed by who may."""
    category = _category(layer)
    version = here_district().store.layer(layer).version
    base = feature_to_json(_seen(layer, place_id, version))
    return _show_form(category, Form(base, version, texts_of(base, category)))


@page("/places/<layer>/<place_id>", Action.EDIT, ("POST",))
def save_place(district_id: str, layer: str, place_id: str) -> ResponseReturnValue:
    """Save what was changed beside what others changed meanwhile, or show what stands against it."""
    category, lang = _category(layer), say_lang()
    allow(Action.EDIT, layer, place_id)
    version = _version()
    base = _seen(layer, place_id, version)
    form = Form(feature_to_json(base), version, {}, is_all_checked="all_checked" in request.form)
    form = form._replace(texts=texts_of(form.base, category) | texts_from(_sent(), category))
    if converted := _converted(form):
        return _show_form(category, converted)
    try:
        mine = _checked(form, category)
    except InvalidInputError as error:
        return _show_form(category, form._replace(faults=fault_words(error, lang)), 400)
    after = _chosen(mine, base)
    if after is None:
        names, who = tuple(request.form.getlist("contested")), request.form.get("who", "")[:200]
        return _show_form(category, form._replace(stale=Stale(version, base, mine, names, who)), 412)
    if after == base and not form.is_all_checked:
        return _saved(after, None, version)
    after = date_checks(base, after, current_account().role, _today(), is_all=form.is_all_checked)
    try:
        applied = here_district().store.apply(
            [Edit(layer, place_id, version, base, after)], **author_of("desk form")._asdict()
        )
    except StaleEditError as error:
        stale = explain_stale(error, here_district().store, base, after)
        texts = texts_of(feature_to_json(stale.mixed), category)
        shown = form._replace(version=stale.version, texts=texts, stale=stale)
        return _show_form(category, shown, 412)
    return _saved(after, applied.change_id, version)


def _saved(after: Feature, change: int | None, seen: int) -> ResponseReturnValue:
    """Lead back to the form and say what was saved, and what came from others."""
    district, lang = here_district(), say_lang()
    say = words_in(lang)
    follow((after.layer,))
    flash(say("place_same" if change is None else "place_saved", name=after.name))
    if change is not None:
        meanwhile = changed_meanwhile(district.store, after.layer, after.id, seen, change)
        between = "、" if lang == "zh" else ", "
        for who, names in meanwhile.items():
            told = between.join(field_words(name, lang, district.catalogue) for name in names)
            flash(say("place_merged", who=who, fields=told))
    return go("place_form", layer=after.layer, place_id=after.id, **_kept())


def _chosen(mine: Feature, theirs: Feature) -> Feature | None:
    """Settle contested fields as the editor chose; None if a choice is missing."""
    names = request.form.getlist("contested")
    choices = {name: request.form.get(f"choice.{name}") for name in names}
    if any(choice not in ("mine", "theirs") for choice in choices.values()):
        return None
    return with_fields(mine, theirs, [name for name, choice in choices.items() if choice == "theirs"])


@page("/places/<layer>/new", Action.EDIT)
def new_place(district_id: str, layer: str) -> ResponseReturnValue:
    """Show an empty form; ``lon`` and ``lat`` may say where."""
    category = _new_category(layer)
    allow(Action.EDIT, layer)
    base = _blank(
        next_id(here_district().store, layer, [one.id for one in here_district().store.layer(layer).features])
    )
    texts = texts_of(base, category) | {key: request.args.get(key, "")[:40] for key in POSITION[:2]}
    return _show_form(category, Form(base, None, texts))


@page("/places/<layer>/new", Action.EDIT, ("POST",))
def add_place(district_id: str, layer: str) -> ResponseReturnValue:
    """Add a place under an id that was never used."""
    category, lang = _new_category(layer), say_lang()
    allow(Action.EDIT, layer)
    base = _blank(request.form.get("id", "").strip())
    form = Form(base, None, texts_of(base, category) | texts_from(_sent(), category))
    if converted := _converted(form):
        return _show_form(category, converted)
    try:
        place = date_checks(None, _checked(form, category), current_account().role, _today(), is_all=False)
    except InvalidInputError as error:
        return _show_form(category, form._replace(faults=fault_words(error, lang)), 400)
    try:
        applied = here_district().store.apply(
            [Edit(layer, place.id, None, None, place)], **author_of("desk form")._asdict()
        )
    except (StaleEditError, InvalidInputError):
        faults = {"id": [words_in(lang)("place_id_taken")]}
        return _show_form(category, form._replace(faults=faults), 400)
    return _saved(place, applied.change_id, applied.versions[layer])


@page("/places/<layer>/<place_id>/remove", Action.EDIT, ("POST",))
def remove_place(district_id: str, layer: str, place_id: str) -> ResponseReturnValue:
    """Take a place out of its layer with a reason; the history can bring it back."""
    category, say = _category(layer), words_in(say_lang())
    allow(Action.EDIT, layer, place_id)
    version, reason = _version(), request.form.get("reason", "").strip()
    base = _seen(layer, place_id, version)
    shown = feature_to_json(base)
    form = Form(shown, version, texts_of(shown, category))
    try:
        if not reason:
            return _show_form(category, form._replace(faults={"reason": [say("place_needs_reason")]}), 400)
        remove_feature(
            here_district().store,
            layer,
            place_id,
            reason=reason,
            author=author_of("desk form"),
            base_version=version,
        )
    except StaleEditError as error:
        stale = explain_stale(error, here_district().store, base, base)
        if stale.theirs is None:
            return go("place_form", layer=layer, place_id=place_id, **_kept())
        shown = feature_to_json(stale.theirs)
        faults = {"reason": [say("place_not_removed", who=stale.who)]}
        return _show_form(category, Form(shown, stale.version, texts_of(shown, category), faults), 412)
    except InvalidInputError as error:
        faults = {"reason": [words for said in fault_words(error, say_lang()).values() for words in said]}
        return _show_form(category, form._replace(faults=faults), 400)
    follow((layer,))
    flash(say("place_removed", name=base.name))
    return go("places", layer=layer, **_kept())


def _show_form(category: Category, form: Form, status: int = 200) -> Response:
    district, lang, now = here_district(), say_lang(), present_time()
    base_id, is_new = str(form.base["id"]), form.version is None
    account = current_account()
    features = district.store.layer(category.key).features
    contested = form.stale and form.stale.theirs and form.stale.names
    return show(
        "place.html",
        status,
        form=form,
        is_new=is_new,
        place_id=base_id,
        properties=form.base["properties"],
        may_edit=is_allowed(account, Action.EDIT, category.key, None if is_new else base_id)
        and form.base["properties"].get("status") != "removed",
        inputs={one.name: one for one in inputs_of(category)},
        row_inputs={name: ROWS[name] for name in rows_of(category)},
        n_rows={name: n_rows(form.texts, name) for name in rows_of(category)},
        visitors=VISITORS,
        vendors=VENDORS,
        vendor_statuses=STATUSES,
        service_kinds={kind: words[LANGS.index(lang)] for kind, words in district.catalogue.services.items()},
        held={name: values_held(features, name) for name in ("network", "host_type", "operator")},
        contests=contests(form.stale.names, form.stale.theirs, form.stale.mixed, lang, district.catalogue)
        if contested and form.stale and form.stale.theirs
        else [],
        datums=DATUMS,
        where=point_words(district, read_points(form.texts), words_in(lang)) if not category.is_area else [],
        explain=lambda text: explain(text, now, lang),
        named=lambda name: field_words(name, lang, district.catalogue),
        **_list_values(category, base_id),
    )


def _converted(form: Form) -> Form | None:
    """The form with its numbers in WGS 84, if they were typed in another datum: nothing is saved unseen."""
    datum = check_datum(request.form.get("datum", "wgs84"))
    if datum == "wgs84":
        return None
    points, moved_m = to_wgs84(read_points(form.texts), datum)
    notice = words_in(say_lang())("place_converted", datum=NAMES[datum], n=round(moved_m))
    return form._replace(texts=form.texts | _point_texts(points), notice=notice)


def _point_texts(points: Points) -> Texts:
    found: Texts = {}
    for (lon, lat), point in zip((POSITION[:2], POSITION[2:]), points, strict=True):
        if point is not None:
            found |= {lon: f"{point[0]:.7f}", lat: f"{point[1]:.7f}"}
    return found


def _checked(form: Form, category: Category) -> Feature:
    """The feature that the form asks for, held to the rules; a position that was changed lies in the district."""
    district = here_district()
    wanted = feature_from(form.texts, form.base, category)
    is_moved = wanted["geometry"] != form.base["geometry"]
    return feature_from_json(wanted, category.key, district.catalogue, district.bbox if is_moved else None)


def _blank(place_id: str) -> dict[str, Any]:
    properties = {"status": "active", "provenance": {"source": "desk"}}
    return {"type": "Feature", "id": place_id, "geometry": None, "properties": properties}


# -- small answers for the form's script ----------------------------------------------------------------


@page("/hours-preview", Action.LOOK)
def hours_preview(district_id: str) -> ResponseReturnValue:
    """Say what a text of opening hours means, as the form shows it."""
    lang = say_lang()
    meaning = explain(request.args.get("text", "")[:1200], present_time(), lang)
    html = render_template(
        "desk/place_week.html", meaning=meaning, say=words_in(lang), is_row="row" in request.args
    )
    told = {name: value for name, value in meaning._asdict().items() if name != "days"}
    return json_answer(told | {"html": html})


@page("/point-check", Action.LOOK)
def point_check(district_id: str) -> ResponseReturnValue:
    """Convert pin and entrance to WGS 84 and say how far they stand from the street and from each other."""
    texts = {key: request.args.get(key, "")[:40] for key in POSITION}
    datum = check_datum(request.args.get("datum", "wgs84"))
    points, moved_m = to_wgs84(read_points(texts), datum)
    say = words_in(say_lang())
    notice = say("place_converted", datum=NAMES[datum], n=round(moved_m)) if datum != "wgs84" else ""
    return json_answer(
        points_json(points) | {"words": point_words(here_district(), points, say), "notice": notice}
    )


# -- what all of them need -----------------------------------------------------------------------------


def _category(layer: str) -> Category:
    catalogue = here_district().catalogue
    if layer not in catalogue:
        raise NotFoundError(
            f"there is no layer {layer[:40]!r}; here are: {', '.join(catalogue)}",
            parameter="layer",
            value=layer[:40],
        )
    return catalogue[layer]


def _new_category(layer: str) -> Category:
    category = _category(layer)
    if category.is_area:
        raise InvalidInputError(
            f"layer={layer!r} holds areas; import their outlines", parameter="layer", value=layer
        )
    return category


def _first_layer() -> str:
    """The first layer of places that the account may edit, else the first that holds any."""
    district, account = here_district(), current_account()
    held = [name for name in district.layer_names() if not district.catalogue[name].is_area]
    own = [name for name in held if is_allowed(account, Action.EDIT, name)]
    every = [name for name, category in district.catalogue.items() if not category.is_area]
    return [*own, *held, *every][0]


def _seen(layer: str, place_id: str, version: int) -> Feature:
    """The feature as it was on the screen."""
    found = here_district().store.feature_at(layer, place_id, version)
    if found is None:
        raise NotFoundError(f"{layer}/{place_id[:80]} is not there at version {version}", parameter="id")
    return found


def _version() -> int:
    text = request.form.get("base_version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInputError(
            f"base_version={text[:40]!r} is not the version of a layer; load the form again",
            parameter="base_version",
            value=text[:40],
        )
    return int(text)


def _sent() -> Mapping[str, list[str]]:
    return request.form.to_dict(flat=False)


def _kept() -> dict[str, str]:
    """The search that leads through the list, kept in every link."""
    return {key: value for key in ("q", "status", "lang") if (value := request.args.get(key, "")[:100])}


def _today() -> date:
    return present_time().astimezone(SHANGHAI).date()
