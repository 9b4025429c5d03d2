"""The application: districts in, pages and answers out."""

import gzip
import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import brotli
from flask import Flask, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    RequestURITooLarge,
    SecurityError,
)

import geo_service
from geo_service.districts import District
from geo_service.errors import GeoServiceError, StoreMovedError, UnavailableError
from geo_service.hours import SHANGHAI
from geo_service.settings import Settings, resource_dir
from geo_service.web.api import api
from geo_service.web.assets import Assets, best_encoding
from geo_service.web.desk import open_desk
from geo_service.web.http import (
    QUERY_LIMIT,
    Query,
    json_answer,
    problem,
    request_id,
    status_of,
    title_of,
)
from geo_service.web.link_doctor import link_doctor
from geo_service.web.offline import Bundles, offline
from geo_service.web.pack import pack
from geo_service.web.photos import photos
from geo_service.web.plan import plan
from geo_service.web.plan.planners import Planners
from geo_service.web.rider import rider
from geo_service.web.spot import spot
from geo_service.web.tiles import basemap_facts, tiles
from geo_service.web.words import HTML_LANG, LANGS, words_in

logger = logging.getLogger("geo_service.web")

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

EVERYWHERE: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""On every answer; files and data are documents of their own to nobody."""

ON_PAGES: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

BODY_LIMIT = 1_000_000


def present() -> datetime:
    """
    The present instant.

    Returns
    -------
    now
        In the zone that places' hours are written in.
    """
    return datetime.now(SHANGHAI)


def create_app(
    districts: Mapping[str, District],
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = present,
) -> Flask:
    """
    Build the application.

    Parameters
    ----------
    districts
        Open districts by id, in the order in which the start page lists them.
    settings
        Trusted hosts and the language of readers who ask for none.
    clock
        Tells the present, aware.

    Returns
    -------
    app
        A fresh WSGI application; it keeps no state of its own but drawn maps.
    """
    settings = settings or Settings()
    app = Flask("geo_service.web", template_folder=str(resource_dir("templates")), static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, TRUSTED_HOSTS=list(settings.trusted_hosts) or None)
    # the only redirects are our own, which name no host: a proxy may serve us under any name
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    assets = Assets()
    app.jinja_env.globals |= {"asset": assets.url, "basemap_facts": basemap_facts}
    app.extensions |= {
        "districts": dict(districts),
        "settings": settings,
        "clock": clock,
        "drawn": {},
        "drawing": threading.Lock(),
        "refuse": _refuse,
        "assets": assets,
        "bundles": Bundles(),
        "planners": Planners(),
        "page_headers": {**EVERYWHERE, **ON_PAGES},
    }
    app.before_request(_check_host)
    app.before_request(_check_size)
    app.after_request(_finish)
    app.register_error_handler(Exception, _refuse)
    app.add_url_rule("/static/<version>/<path:name>", "static", assets.answer)
    app.add_url_rule("/healthz", "healthz", _health)
    app.register_blueprint(api)
    app.register_blueprint(rider)
    app.register_blueprint(photos)
    app.register_blueprint(link_doctor)
    app.register_blueprint(pack)
    app.register_blueprint(tiles)
    app.register_blueprint(offline)
    open_desk(app)
    app.register_blueprint(spot)
    app.register_blueprint(plan)
    return app


def _health() -> Response:
    """All is well if every district's store answers."""
    Query(request)
    districts: Mapping[str, District] = _extension("districts")
    body = {
        "status": "ok",
        "version": geo_service.__version__,
        "districts": {
            district.id: {"layers": len(district.layer_names())} for district in districts.values()
        },
    }
    response = json_answer(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def _extension(name: str) -> Any:
    return current_app.extensions[name]


def _check_host() -> None:
    """Refuse a host name that is none; HTTP/1.1 demands one, and older clients may leave it out."""
    missing = request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and "HTTP_HOST" not in request.environ
    if missing or not request.host:
        raise BadRequest("the header Host is missing or is no host name")


def _check_size() -> None:
    if len(request.query_string) > QUERY_LIMIT:
        raise RequestURITooLarge(f"the query is longer than {QUERY_LIMIT} bytes")


def _finish(response: Response) -> Response:
    for name, value in EVERYWHERE.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers.update(ON_PAGES)
        response.headers["Content-Security-Policy"] = _policy(g.get("image_hosts", ()))
        response.headers.setdefault("Cache-Control", "no-cache")
        response.vary.update(("Accept-Language", "Accept-Encoding"))
    response.headers["X-Request-Id"] = request_id()
    return _compress(response)


def _policy(image_hosts: Iterable[str]) -> str:
    """The policy of a page: other hosts send pictures only where the district offers their maps, and nothing else."""
    return CSP.replace("img-src 'self' data:", " ".join(("img-src 'self' data:", *sorted(image_hosts))))


def _compress(response: Response) -> Response:
    """Pack what is made anew for each request; answers hold no secrets that their length could tell."""
    compressible = response.mimetype in ("text/html", "application/json", "application/geo+json")
    encoding = None if "Content-Encoding" in response.headers else best_encoding()
    if not (compressible and encoding and response.status_code == 200 and not response.is_streamed):
        return response
    body = response.get_data()
    if len(body) > 1400:
        packed = brotli.compress(body, quality=4) if encoding == "br" else gzip.compress(body, 5, mtime=0)
        response.set_data(packed)
        response.headers["Content-Encoding"] = encoding
        response.vary.add("Accept-Encoding")
    return response


def _refuse(error: Exception) -> ResponseReturnValue:
    if isinstance(error, InternalServerError) and isinstance(error.original_exception, Exception):
        # what breaks before a request is dispatched, such as the store when a session is opened, comes wrapped
        error = error.original_exception
    status, detail, facts = _explain(error)
    if request.path.startswith(("/api/", "/healthz")) or request.path.endswith(".json"):
        response = problem(status, detail, facts)
    else:
        response = Response(_error_page(status, detail), status, mimetype="text/html")
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if "retry_after_s" in facts:
        response.headers["Retry-After"] = str(facts["retry_after_s"])
    return response


def _explain(error: Exception) -> tuple[int, str, Mapping[str, Any]]:
    """Status, one line, and the facts; what is our own fault is logged and not told."""
    if isinstance(error, GeoServiceError) and status_of(error) < 500:
        return status_of(error), error.message, error.facts
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return error.code, _http_words(error), {}
    _log(error)
    if isinstance(error, UnavailableError):
        wait = error.facts["retry_after_s"]
        return 503, f"the database does not answer just now; ask again in {wait} s", {"retry_after_s": wait}
    if isinstance(error, StoreMovedError):
        return 503, "the store was moved to another database; this server must be started again", {}
    return 500, f"something broke on our side; the log has it under {request_id()}", {}


def _http_words(error: HTTPException) -> str:
    if isinstance(error, MethodNotAllowed):
        return (
            f"{request.method} is not allowed here; allowed: {', '.join(sorted(error.valid_methods or ()))}"
        )
    if error.code == 404:
        return "there is nothing at this address"
    if isinstance(error, SecurityError):
        return "this host name is not served here; see the setting trusted_hosts"
    return error.description or title_of(error.code or 500)


def _error_page(status: int, detail: str) -> str:
    lang = request.accept_languages.best_match(LANGS) or "zh"
    return render_template(
        "error.html",
        html_lang=HTML_LANG[lang],
        say=words_in("en" if lang == "en" else "zh"),
        title=title_of(status),
        detail=detail,
        request_id=request_id(),
    )


def _log(error: Exception) -> None:
    """Where it broke and what kind, without the message or the query: either may hold a position."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    logger.error(
        "%s %s %s: %s at %s", request_id(), request.method, request.path, type(error).__name__, places
    )
