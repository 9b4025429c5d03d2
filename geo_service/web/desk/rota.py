"""What to check next, one question at a time; links and printed codes to check without an account."""

from datetime import datetime

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from geo_service.desk.doubts import say_doubt, settle_doubts, standing_doubts
from geo_service.desk.invitations import check_code, renew_code
from geo_service.desk.permissions import Action, is_allowed
from geo_service.desk.rota import Due, confirm_check, due_checks
from geo_service.districts import District
from geo_service.districts.ages import check_ages
from geo_service.errors import InvalidInputError
from geo_service.hours import SHANGHAI
from geo_service.layers import Place
from geo_service.web.codes import draw_code
from geo_service.web.desk.door import allow, current_account, go, here_district, page, say_lang, show
from geo_service.web.desk.history import author_of, follow
from geo_service.web.desk.papers import public_root
from geo_service.web.served import present_time, served_settings
from geo_service.web.words import hours_words, words_in

LIST_LENGTH = 50


def ages_days() -> dict[str, int]:
    """
    Days after which each kind of fact is due.

    Returns
    -------
    ages
        By kind, as the settings say.
    """
    return check_ages(served_settings())


def places_of(district: District) -> tuple[Place, ...]:
    """
    All places of a district.

    Parameters
    ----------
    district
        The district.

    Returns
    -------
    places
        By layer and id.
    """
    layers = [district.store.layer(name) for name in district.layer_names()]
    return tuple(place for layer in layers for place in layer.features if isinstance(place, Place))


@page("/rota", Action.VERIFY)
def rota(district_id: str) -> ResponseReturnValue:
    """Ask one question about the place that needs it most; list what comes after."""
    district, account = here_district(), current_account()
    doubts = standing_doubts(district.store)
    mine = [p for p in places_of(district) if is_allowed(account, Action.VERIFY, p.layer, p.id)]
    doubted = [place for place in mine if place.id in doubts]
    due = due_checks(mine, ages_days(), present_time().astimezone(SHANGHAI).date())
    skip = request.args.getlist("skip")
    waiting = [one for one in due if f"{one.place.id}/{one.kind}" not in skip]
    return show(
        "rota.html",
        doubted=[(place, doubts[place.id]) for place in doubted],
        next_due=waiting[0] if waiting else None,
        waiting=waiting[:LIST_LENGTH],
        n_due=len(due),
        skip=skip,
        ask=lambda due: question_words(due, district),
    )


@page("/rota/answer", Action.VERIFY, ("POST",))
def answer(district_id: str) -> ResponseReturnValue:
    """Take down that a fact is still right, or that it is not."""
    district, place = here_district(), _asked_place()
    allow(Action.VERIFY, place.layer, place.id)
    take_answer(district, place, request.form.get("kind", ""), request.form.get("answer", ""))
    flash(words_in(say_lang())("desk_answered", name=place.name))
    return go("rota", skip=request.form.getlist("skip"))


@page("/rota/settle", Action.VERIFY, ("POST",))
def settle(district_id: str) -> ResponseReturnValue:
    """Take away what was said against a place, by who may verify it."""
    district, place = here_district(), _asked_place()
    allow(Action.VERIFY, place.layer, place.id)
    settle_doubts(district.store, place.id, present_time())
    flash(words_in(say_lang())("desk_settled", name=place.name))
    return go("rota")


@page("/codes", Action.MANAGE, ("GET", "POST"))
def codes(district_id: str) -> ResponseReturnValue:
    """List the links to check each station without an account, drawn to be printed as well; renew one."""
    district = here_district()
    if request.method == "POST":
        place = _asked_place()
        renew_code(district.store, place.id)
        flash(words_in(say_lang())("desk_code_renewed", name=place.name))
        return go("codes")
    layer = request.args.get("layer", "station")
    rows = []
    for one in district.store.layer(layer).features:
        if isinstance(one, Place):
            code = check_code(district.store, one.id)
            path = url_for("spot.check_page", district_id=district_id, code=code, place_id=one.id)
            rows.append((one, code, path, draw_code(public_root() + path)))
    return show("codes.html", rows=rows, layer=layer)


def take_answer(
    district: District,
    place: Place,
    kind: str,
    told: str,
    role: str | None = None,
    at: datetime | None = None,
) -> None:
    """
    Take the answer to one question down.

    Parameters
    ----------
    district
        The district.
    place
        The place.
    kind
        Kind of fact.
    told
        ``"right"`` or ``"wrong"``.
    role
        In which role, if nobody is signed in.
    at
        When it was said, aware; None for now. It takes no younger check back.

    Raises
    ------
    InvalidInputError
        If kind or answer is none.
    """
    now = at or present_time()
    if told == "wrong":
        say_doubt(district.store, place.id, "wrong", now)
        return
    if told != "right":
        raise InvalidInputError(
            f"answer={told[:40]!r} is none; allowed: right, wrong", parameter="answer", value=told[:40]
        )
    version = district.store.layer(place.layer).version
    on, known = now.astimezone(SHANGHAI).date(), place.provenance.checked_on(kind)
    if known is not None and known > on:
        return
    edit = confirm_check(place, kind, role=role or current_account().role, on=on, base_version=version)
    if role is None:
        district.store.apply([edit], **author_of(f"check of {kind}")._asdict())
    else:
        district.store.apply([edit], actor="link", role=role, source=f"check of {kind}", at=present_time())
    follow((place.layer,))


def question_words(due: Due, district: District) -> str:
    """
    Put a question as one asks a person.

    Parameters
    ----------
    due
        What is due.
    district
        Where; its catalogue names the services.

    Returns
    -------
    words
        In the language of the page.
    """
    lang, place = say_lang(), due.place
    say, column = words_in(lang), 0 if lang == "zh" else 1
    if due.kind == "hours":
        hours = hours_words(place.hours, lang) if place.hours else say("hours_unknown")
        return say("desk_ask_hours", hours=hours)
    if due.kind == "services":
        known = district.catalogue.services
        names = [known[one.kind][column] if one.kind in known else one.kind for one in place.services]
        return say("desk_ask_services", services=("、" if lang == "zh" else ", ").join(names))
    if due.kind == "access":
        ways = [say(f"access_{one.method}") for one in place.access]
        return say("desk_ask_access", ways=("、" if lang == "zh" else ", ").join(ways))
    return say(f"desk_ask_{due.kind}")


def _asked_place() -> Place:
    place = here_district().store.features([request.form.get("id", "")])[0]
    if not isinstance(place, Place):
        raise InvalidInputError(
            f"{place.id} is an area; only places are checked", parameter="id", value=place.id
        )
    return place
