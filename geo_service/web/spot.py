"""
What people on the spot say, without an account: an answer behind a link or a printed code, a tap of a rider.

Nothing of who said it or from where is kept. Tries are counted by address in memory alone, for an hour.
"""

from datetime import datetime

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from geo_service.desk.doubts import CLAIMS, is_settled_since, say_doubt, settle_doubts
from geo_service.desk.invitations import is_check_code
from geo_service.desk.rota import due_checks
from geo_service.desk.sayings import check_key, take_once, tapped_at
from geo_service.districts import District
from geo_service.errors import ForbiddenError, InvalidInputError, NotFoundError
from geo_service.hours import SHANGHAI
from geo_service.layers import Place
from geo_service.web.desk.door import csrf, limiter, say_lang
from geo_service.web.desk.rota import ages_days, question_words, take_answer
from geo_service.web.http import json_answer
from geo_service.web.served import find_district, present_time
from geo_service.web.words import HTML_LANG, words_in

spot = Blueprint("spot", __name__)

SAYINGS = "30 per hour"
"""What one address may say in an hour; a whole crew behind one address still gets through."""


@spot.before_request
def _refuse_other_sites() -> None:
    """No cookie is read here, so there is no token either: a page elsewhere may not speak in a rider's name."""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        raise ForbiddenError("this form was sent from another site; open our page and repeat")


@spot.get("/<district_id>/check/<code>/<path:place_id>")
def check_page(district_id: str, code: str, place_id: str) -> Response:
    """Ask who holds the code one question about the place."""
    district, place = _coded(district_id, code, place_id)
    return _show(district, place, asked=True)


@spot.post("/<district_id>/check/<code>/<path:place_id>")
@limiter.limit(SAYINGS)
def check_answer(district_id: str, code: str, place_id: str) -> Response:
    """Take the answer down; who holds the code may also settle what riders said."""
    district, place = _coded(district_id, code, place_id)
    if request.form.get("answer") == "settle":
        settle_doubts(district.store, place.id, present_time())
    else:
        kind, told = request.form.get("kind", ""), request.form.get("answer", "")
        take_answer(district, place, kind, told, role="station")
    return _show(district, _place(district, place_id), asked=True, thanked=True)


@spot.post("/<district_id>/p/<path:place_id>/say")
@limiter.limit(SAYINGS)
def say(district_id: str, place_id: str) -> ResponseReturnValue:
    """Take down what a rider says of a place: still right, shut now, wrong here; a tap that comes twice counts once."""
    district, now = find_district(district_id), present_time()
    place, claim, key = _place(district, place_id), request.form.get("claim", ""), request.form.get("key", "")
    at = tapped_at(request.form.get("age_s", ""), now)
    _check_claim(claim)
    if key:
        check_key(key)
        counted = take_once(district.store, key, now, lambda: _take_down(district, place, claim, at))
    else:
        _take_down(district, place, claim, at)
        counted = True
    if request.accept_mimetypes.best == "application/json":
        return json_answer({"id": place.id, "claim": claim, "counted": counted})
    return _show(district, place, asked=False, thanked=True)


for view in (check_answer, say):
    csrf.exempt(view)


def _check_claim(claim: str) -> None:
    if claim not in ("right", *CLAIMS):
        raise InvalidInputError(
            f"claim={claim[:40]!r} is none; allowed: right, {', '.join(CLAIMS)}",
            parameter="claim",
            value=claim[:40],
        )


def _take_down(district: District, place: Place, claim: str, at: datetime) -> None:
    """A doubt that somebody has looked into since it was tapped says nothing any more."""
    if claim == "right":
        take_answer(district, place, "existence", "right", role="rider", at=at)
    elif not is_settled_since(district.store, place.id, at):
        say_doubt(district.store, place.id, claim, at)


def _coded(district_id: str, code: str, place_id: str) -> tuple[District, Place]:
    district = find_district(district_id)
    if not is_check_code(district.store, place_id, code):
        raise NotFoundError("this link is not, or no longer, that of a place; ask the desk for a new one")
    return district, _place(district, place_id)


def _place(district: District, place_id: str) -> Place:
    place = district.store.features([place_id])[0]
    if not isinstance(place, Place):
        raise NotFoundError(f"there is no place {place_id[:60]!r}", parameter="id", value=place_id[:60])
    return place


def _show(district: District, place: Place, *, asked: bool, thanked: bool = False) -> Response:
    lang = say_lang()
    due = due_checks([place], ages_days(), present_time().astimezone(SHANGHAI).date()) if asked else ()
    body = render_template(
        "spot.html",
        district=district,
        place=place,
        due=due[0] if due else None,
        asked=asked,
        thanked=thanked,
        question=question_words(due[0], district) if due else "",
        lang=lang,
        html_lang=HTML_LANG[lang],
        say=words_in(lang),
        lang_query=f"lang={lang}" if request.args.get("lang") else "",
    )
    return Response(body, mimetype="text/html", headers={"Cache-Control": "no-store"})
