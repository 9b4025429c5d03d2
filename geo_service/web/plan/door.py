"""
The way into the planner's pages: looking and trying is open to all, keeping is for who is signed in at the desk.
"""

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ImmutableMultiDict

from geo_service.desk.permissions import Action, is_allowed
from geo_service.errors import ForbiddenError
from geo_service.planning.parameters import Parameters
from geo_service.store.accounts import Account
from geo_service.web.desk.door import here_district, signed_in_account
from geo_service.web.rider import drawn_map
from geo_service.web.served import present_time, served_settings
from geo_service.web.words import HTML_LANG, LANGS, Lang, words_in
from geo_service.web.words_plan import plan_script_words

plan = Blueprint("plan", __name__, url_prefix="/<district_id>/plan")


@plan.before_request
def _look_who_asks() -> None:
    """Forms of other sites are refused: what is begun here takes the server minutes."""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        raise ForbiddenError("this form was sent from another site; open our page and repeat")
    # an empty field of a form is one that was left out
    request.args = ImmutableMultiDict((key, value) for key, value in request.args.items(multi=True) if value)
    g.account = signed_in_account()


@plan.after_request
def _keep_private(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def planner_account() -> Account | None:
    """
    Who asks, if somebody signed in at the desk.

    Returns
    -------
    account
        None for everyone else.
    """
    account: Account | None = g.get("account")
    return account if account is not None and is_allowed(account, Action.LOOK) else None


def need_account() -> Account:
    """
    Refuse who is not signed in.

    Returns
    -------
    account
        Who asks.

    Raises
    ------
    ForbiddenError
        If nobody is signed in.
    """
    account = planner_account()
    if account is None or account.must_change_password:
        raise ForbiddenError("scenarios are kept for who is signed in at the desk; sign in there first")
    return account


def plan_lang() -> Lang:
    """
    Language of this page.

    Returns
    -------
    lang
        From the query, else as the reader's browser asks, else the server's.
    """
    asked = request.args.get("lang") or request.form.get("lang")
    best = asked or request.accept_languages.best_match(LANGS) or served_settings().language
    return "en" if best == "en" else "zh"


def show_plan(template: str, status: int = 200, **values: Any) -> ResponseReturnValue:
    """
    Render one of the planner's pages.

    Parameters
    ----------
    template
        File below ``templates/plan``.
    status
        HTTP status.
    **values
        What it shows.

    Returns
    -------
    response
        HTML.
    """
    lang, district = plan_lang(), here_district()
    body = render_template(
        f"plan/{template}",
        district=district,
        base=f"/{district.id}/",
        here=f"/{district.id}/plan/",
        other="en" if lang == "zh" else "zh",
        account=planner_account(),
        lang=lang,
        html_lang=HTML_LANG[lang],
        column=LANGS.index(lang),
        lang_query=f"lang={lang}" if request.args.get("lang") in LANGS else "",
        say=words_in(lang),
        script_words=plan_script_words(lang),
        drawn=drawn_map(district),
        now=present_time(),
        percent=percent,
        asked_words=_asked_words(values["given"], lang) if "given" in values else "",
        **values,
    )
    return Response(body, status, mimetype="text/html")


def _asked_words(given: Parameters, lang: Lang) -> str:
    """What is asked, in a sentence."""
    say = words_in(lang)
    said = {"need": _need_words(given, lang), "way": say(f"plan_on_{given.profile}")}
    if given.metres is not None:
        return say("plan_asked_metres", metres=f"{given.metres:g}", **said)
    return say("plan_asked", minutes=f"{given.minutes:g}", **said)


def _need_words(given: Parameters, lang: Lang) -> str:
    """A need in words: the layer, and the services asked of it."""
    catalogue, column = here_district().catalogue, LANGS.index(lang)
    category = catalogue.get(given.need.layer)
    name = given.need.layer if category is None else (category.zh, category.en)[column]
    kinds = [
        catalogue.services[kind][column] if kind in catalogue.services else kind
        for kind in given.need.services
    ]
    return name + (
        f"（{'、'.join(kinds)}）" if kinds and lang == "zh" else f" ({', '.join(kinds)})" if kinds else ""
    )


def percent(share: float | None) -> str:
    """
    Say a share.

    Parameters
    ----------
    share
        0 to 1, or None.

    Returns
    -------
    words
        One decimal and a percent sign; a dash for none.
    """
    return "–" if share is None else f"{share * 100:.1f}%"
