"""
The way into the desk: cookies, sign-in, who is asking, and what each page demands.

Every view of the desk says with `page` what action it is; a view that does not cannot be reached, because the
guard refuses what it finds no action for. What concerns one layer or place is asked again by the view
itself, through `allow`.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from limits import parse
from markupsafe import Markup
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from geo_service.desk.accounts import SESSION_LIFE, change_password, find_signed_in, sign_in, sign_out
from geo_service.desk.permissions import Action, check_allowed, is_allowed
from geo_service.districts import District
from geo_service.errors import ForbiddenError, InvalidInputError
from geo_service.hours import SHANGHAI
from geo_service.store.accounts import Account
from geo_service.store.base import Store
from geo_service.web.http import status_of
from geo_service.web.served import find_district, present_time, served_districts
from geo_service.web.words import HTML_LANG, LANGS, Lang, words_in

desk = Blueprint("desk", __name__, url_prefix="/<district_id>/desk")

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri="memory://")

TRIES: Final = "10 per 15 minutes"
"""Failed sign-ins into one account from one address; its owner at another address is not locked out."""

TRIES_OF_ADDRESS: Final = "60 per 15 minutes"
"""Failed sign-ins from one address into any account."""

_KEY_NOTE = "desk/cookie-key"
_ACTIONS: dict[str, Action | None] = {}

View = Callable[..., ResponseReturnValue]


class _Cookies(SecureCookieSessionInterface):
    """One signed cookie; over HTTPS its name binds it to this host and to HTTPS."""

    def get_cookie_name(self, app: Flask) -> str:
        return "__Host-desk" if request.is_secure else "desk"

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Find the key when it is first needed: a server whose desk nobody uses writes nothing."""
        # no rule is matched yet, so the path has to say whether this is the desk
        is_plain = request.method in ("GET", "HEAD") and request.path.split("/")[2:3] != ["desk"]
        if is_plain and self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        if not app.secret_key:
            app.secret_key = _cookie_key(next(iter(served_districts().values())).store)
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Nothing that carries a cookie is for a cache; the phone's worker goes by that, as it cannot see cookies."""
        super().save_session(app, session, response)
        if "Set-Cookie" in response.headers:
            response.headers["Cache-Control"] = "no-store"


def open_desk(app: Flask) -> None:
    """
    Add the desk to an application.

    Parameters
    ----------
    app
        With its districts; the key of the cookies is kept in the store of the first.
    """
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=int(SESSION_LIFE / timedelta(seconds=1)),
        WTF_CSRF_SSL_STRICT=False,  # pages send no referrer; the token alone decides
        RATELIMIT_HEADERS_ENABLED=False,
    )
    app.session_interface = _Cookies()
    app.jinja_env.globals["form_token"] = _form_token
    csrf.init_app(app)
    limiter.init_app(app)
    app.register_error_handler(CSRFError, _old_form)
    app.register_blueprint(desk)


def page(rule: str, action: Action | None, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """
    Declare a view of the desk and what it demands.

    Parameters
    ----------
    rule
        Path below ``/<district>/desk``.
    action
        What the account must be allowed to do somewhere; None for whoever is signed in or wants to be.
    methods
        HTTP methods.

    Returns
    -------
    decorate
        Registers the view.
    """

    def decorate(view: View) -> View:
        _ACTIONS[f"desk.{view.__name__}"] = action
        desk.add_url_rule(rule, view.__name__, view, methods=list(methods))
        return view

    return decorate


def demands() -> Mapping[str, Action | None]:
    """
    What each view of the desk demands.

    Returns
    -------
    actions
        By endpoint.
    """
    return dict(_ACTIONS)


_OPEN = frozenset({"desk.sign_in_page"})
"""The only views without an account."""

_UNTIL_CHANGED = frozenset({"desk.password_page", "desk.sign_out_page"})
"""What an account may see whose password must be changed first."""


@desk.before_request
def _guard() -> AnyResponse | None:
    """Find out who asks, and refuse what the table does not grant; a language once chosen stays chosen."""
    if (lang := request.args.get("lang")) in LANGS and session.get("lang") != lang:
        session["lang"] = lang
    endpoint = request.endpoint or ""
    if endpoint not in _ACTIONS:
        raise ForbiddenError("this page does not say who may see it, so nobody may")
    if endpoint in _OPEN:
        return None
    account = signed_in_account()
    if account is None:
        if request.method in ("GET", "HEAD"):
            here = request.full_path.rstrip("?")
            return redirect(url_for("desk.sign_in_page", district_id=here_district().id, next=here), 303)
        raise Unauthorized("your session has ended; sign in again")
    g.account = account
    if account.must_change_password and endpoint not in _UNTIL_CHANGED:
        return redirect(url_for("desk.password_page", district_id=here_district().id), 303)
    action = _ACTIONS[endpoint]
    if action is not None:
        check_allowed(account, action)
    return None


@desk.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def here_district() -> District:
    """
    The district of this address.

    Returns
    -------
    district
        Open for questions.
    """
    return find_district((request.view_args or {})["district_id"])


def current_account() -> Account:
    """
    Who is asking.

    Returns
    -------
    account
        Signed in, and allowed what the page demands somewhere.
    """
    account: Account = g.account
    return account


def allow(action: Action, layer: str | None = None, place: str | None = None) -> None:
    """
    Refuse what the account may not do there.

    Parameters
    ----------
    action
        What it wants to do.
    layer
        Layer concerned.
    place
        Id of the place concerned.
    """
    check_allowed(current_account(), action, layer, place)


def say_lang() -> Lang:
    """
    Language of this page.

    Returns
    -------
    lang
        From the query, else the one chosen before, else as the reader's browser asks, else Chinese.
    """
    asked = request.args.get("lang") or session.get("lang") or request.accept_languages.best_match(LANGS)
    return "en" if asked == "en" else "zh"


def show(template: str, status: int = 200, **values: Any) -> Response:
    """
    Render a page of the desk.

    Parameters
    ----------
    template
        File below ``templates/desk``.
    status
        HTTP status.
    **values
        What it shows.

    Returns
    -------
    response
        HTML.
    """
    lang, account = say_lang(), g.get("account")
    other = "en" if lang == "zh" else "zh"
    body = render_template(
        f"desk/{template}",
        district=here_district(),
        account=account,
        may=lambda action, layer=None, place=None: (
            account is not None and is_allowed(account, Action(action), layer, place)
        ),
        lang=lang,
        html_lang=HTML_LANG[lang],
        other=other,
        other_query=urlencode(
            [*((k, v) for k, v in request.args.items(multi=True) if k != "lang"), ("lang", other)]
        ),
        say=words_in(lang),
        desk_views=_ACTIONS,
        local_time=lambda at: at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        desk_url=lambda view, /, **parts: url_for(f"desk.{view}", district_id=here_district().id, **parts),
        **values,
    )
    return Response(body, status, mimetype="text/html")


def go(view: str, /, **parts: Any) -> AnyResponse:
    """
    Lead on to a page of the desk after a form was taken.

    Parameters
    ----------
    view
        Name of the view.
    **parts
        Of its address.

    Returns
    -------
    response
        303, so that reloading sends nothing twice.
    """
    return redirect(url_for(f"desk.{view}", district_id=here_district().id, **parts), 303)


@page("/sign-in", None, ("GET", "POST"))
def sign_in_page(district_id: str) -> ResponseReturnValue:
    """Ask for name and password, and open a session."""
    if request.method == "GET":
        return show("sign_in.html", target=_safe_target(request.args.get("next")), refusal=None)
    target = _safe_target(request.form.get("next"))
    name, password = request.form.get("name", "")[:200], request.form.get("password", "")[:1000]
    tries = (TRIES, f"{district_id}/{name}"), (TRIES_OF_ADDRESS, "any")
    try:
        if any(_is_spent(*each) for each in tries):
            return show("sign_in.html", 429, target=target, refusal="desk_too_many"), {"Retry-After": "900"}
        token, _ = sign_in(here_district().store, name, password, present_time())
    except ForbiddenError:
        for each in tries:
            _spend(*each)
        return show("sign_in.html", 403, target=target, refusal="desk_wrong")
    _renew_session(dict(session.get("tokens", {})) | {district_id: token})
    return redirect(target, 303)


@page("/sign-out", None, ("POST",))
def sign_out_page(district_id: str) -> ResponseReturnValue:
    """End the session."""
    tokens = dict(session.get("tokens", {}))
    if token := tokens.pop(district_id, None):
        sign_out(here_district().store, token)
    _renew_session(tokens)
    return go("sign_in_page")


def _renew_session(tokens: dict[str, str]) -> None:
    """A fresh form token with the fresh session; of the old one only the language stays."""
    lang = session.get("lang")
    session.clear()
    session["tokens"] = tokens
    if lang in LANGS:
        session["lang"] = lang


@page("/password", None, ("GET", "POST"))
def password_page(district_id: str) -> ResponseReturnValue:
    """Change the own password; all sessions end, this one begins anew."""
    if request.method == "GET":
        return show("password.html", refusal=None)
    old, new = request.form.get("old", ""), request.form.get("new", "")
    store, name = here_district().store, current_account().name
    limit = TRIES, f"{district_id}/{name}/password"
    try:
        if _is_spent(*limit):
            return show("password.html", 429, refusal="desk_too_many"), {"Retry-After": "900"}
        change_password(store, name, old, new)
    except (ForbiddenError, InvalidInputError) as error:
        if isinstance(error, ForbiddenError):
            _spend(*limit)
        refusal = "desk_wrong_old" if isinstance(error, ForbiddenError) else "desk_bad_new"
        return show("password.html", status_of(error), refusal=refusal)
    token, _ = sign_in(store, name, new, present_time())
    session["tokens"] = dict(session.get("tokens", {})) | {district_id: token}
    return go("overview")


def signed_in_account() -> Account | None:
    """
    Who is signed in at the desk of this address.

    Returns
    -------
    account
        None if nobody is.
    """
    district = here_district()
    token = session.get("tokens", {}).get(district.id)
    return find_signed_in(district.store, token, present_time()) if isinstance(token, str) else None


def _safe_target(wanted: str | None) -> str:
    """Where to go after signing in: a page of this desk, whatever the address says."""
    home = url_for("desk.overview", district_id=here_district().id)
    is_ours = wanted is not None and wanted.startswith(home) and "\\" not in wanted and wanted.isprintable()
    return wanted if wanted is not None and is_ours and "//" not in wanted else home


def _is_spent(limit: str, what: str) -> bool:
    return not limiter.limiter.test(parse(limit), get_remote_address(), what)


def _spend(limit: str, what: str) -> None:
    limiter.limiter.hit(parse(limit), get_remote_address(), what)


def _cookie_key(store: Store) -> str:
    """One key for all processes of this server, made once."""
    fresh = secrets.token_hex(32)
    store.swap_note(_KEY_NOTE, None, fresh)
    return str(store.note(_KEY_NOTE))


def _form_token() -> Markup:
    """The hidden field that shows that a form is ours."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def _old_form(error: CSRFError) -> ResponseReturnValue:
    handler: Callable[[Exception], ResponseReturnValue] = current_app.extensions["refuse"]
    return handler(ForbiddenError("the form is too old or not ours; load the page again and repeat"))
