"""
What is true of every request: strict parameters, JSON answers, refusals, identity of a request.

A parameter that is not known is refused, so that a typing error never becomes a wrong answer;
numbers are ASCII digits, so that ``１２`` and ``1_000`` are not taken for what they may not mean.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from flask import Request, Response, g, request

from geo_service.errors import (
    BadDataError,
    ForbiddenError,
    GeoServiceError,
    InvalidInputError,
    NotFoundError,
    StaleEditError,
    StoreMovedError,
    UnavailableError,
    UnreachableError,
)

T = TypeVar("T")

STATUS: Mapping[type[GeoServiceError], int] = {
    InvalidInputError: 400,
    ForbiddenError: 403,
    NotFoundError: 404,
    StaleEditError: 412,
    UnreachableError: 422,
    BadDataError: 500,
    StoreMovedError: 503,
    UnavailableError: 503,
}
"""Which status says which refusal; a class that is not listed is a 500."""

TITLES: Mapping[int, str] = {
    400: "请求有误 · Bad request",
    401: "请先登录 · Sign in first",
    403: "没有权限 · Forbidden",
    404: "没有找到 · Not found",
    405: "方法不允许 · Method not allowed",
    406: "没有这种格式 · Not acceptable",
    412: "版本已过期 · Stale edit",
    413: "请求体过大 · Content too large",
    414: "地址过长 · URI too long",
    422: "无法完成 · Cannot be done",
    428: "需要版本 · Precondition required",
    429: "请求太多 · Too many requests",
    500: "服务出错 · Internal error",
    503: "暂时不可用 · Unavailable",
}

QUERY_LIMIT = 2048
"""Longest query string that is read, bytes; our longest honest one is under 400."""

DETAIL_LIMIT = 400
"""Longest message sent back, characters: a refusal shows a value, it does not echo a book."""


class Query:
    """
    The query string of a request, read strictly.

    Parameters
    ----------
    source
        The request whose query is read.
    *allowed
        Names of the parameters that it may have, each at most once.

    Raises
    ------
    InvalidInputError
        If a name is unknown, comes twice, or a value is not text.
    """

    def __init__(self, source: Request, *allowed: str) -> None:
        values = source.args
        for name in values:
            if name not in allowed:
                known = ", ".join(allowed) or "none"
                raise InvalidInputError(
                    f"parameter {_shown(name)} is not known here; allowed: {known}",
                    parameter=_shown(name, quoted=False),
                    allowed=list(allowed),
                )
            if len(values.getlist(name)) > 1:
                raise InvalidInputError(f"{name} is given more than once; give it once", parameter=name)
            _check_text(name, values[name])
        self._values: Mapping[str, str] = values

    def text(self, name: str, default: str | None = None) -> str | None:
        """
        Value of a parameter as it came.

        Parameters
        ----------
        name
            Name of the parameter.
        default
            What an absent one means.

        Returns
        -------
        value
            The text, or the default.

        Raises
        ------
        InvalidInputError
            If it is there and empty.
        """
        value = self._values.get(name, default)
        if value == "":
            raise InvalidInputError(
                f"{name} is empty; give it a value or leave it out", parameter=name, value=""
            )
        return value

    def required(self, name: str, form: str) -> str:
        """
        Value of a parameter that must be there.

        Parameters
        ----------
        name
            Name of the parameter.
        form
            What it looks like, shown in the refusal.

        Returns
        -------
        value
            The text, not empty.

        Raises
        ------
        InvalidInputError
            If it is absent or empty.
        """
        value = self._values.get(name)
        if not value:
            raise InvalidInputError(f"{name} is missing; give {name}={form}", parameter=name)
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """
        A list of words separated by commas.

        Parameters
        ----------
        name
            Name of the parameter.

        Returns
        -------
        words
            The words in order; empty if the parameter is absent.

        Raises
        ------
        InvalidInputError
            If it is empty, or a word is not lower-case letters, digits and underscores.
        """
        text = self.text(name)
        words = tuple(text.split(",")) if text else ()
        for word in words:
            if not re.fullmatch(r"[a-z0-9_]{1,40}", word):
                raise InvalidInputError(
                    f"{name}={_shown(word)} is not a word of a-z, 0-9 and _; separate several by commas",
                    parameter=name,
                    value=word[:80],
                )
        return words

    def count(self, name: str, default: int, most: int, *, capped: bool = False) -> int:
        """
        A positive whole number.

        Parameters
        ----------
        name
            Name of the parameter.
        default
            What absence means.
        most
            Largest number that is granted.
        capped
            Whether a larger number means the largest, instead of being refused.

        Returns
        -------
        count
            1 to ``most``.

        Raises
        ------
        InvalidInputError
            If it is not a positive number in ASCII digits, or larger than is granted.
        """
        text = self._values.get(name)
        if text is None:
            return default
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
        if number == 0 or (number > most and not capped):
            raise InvalidInputError(
                f"{name}={_shown(text)} is not a whole number from 1 to {most}",
                parameter=name,
                value=text[:80],
            )
        return min(number, most)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """
        One of a few words.

        Parameters
        ----------
        name
            Name of the parameter.
        default
            What absence means.
        allowed
            The words.

        Returns
        -------
        word
            One of ``allowed``.

        Raises
        ------
        InvalidInputError
            If it is another.
        """
        text = self._values.get(name, default)
        if text not in allowed:
            raise InvalidInputError(
                f"{name}={_shown(text)} is not allowed; allowed: {', '.join(allowed)}",
                parameter=name,
                value=text[:80],
                allowed=list(allowed),
            )
        return text

    def parsed(self, name: str, parse: Callable[[str, str], T]) -> T | None:
        """
        Value of an optional parameter, read by a parser of the tools floor.

        Parameters
        ----------
        name
            Name of the parameter.
        parse
            Takes the text and the name, gives the value or refuses.

        Returns
        -------
        value
            What the parser gave, None if the parameter is absent.
        """
        text = self._values.get(name)
        return None if text is None else parse(text, name)


def _check_text(name: str, value: str) -> None:
    # werkzeug decodes bytes that are not UTF-8 to U+FFFD; a NUL ends a string further down
    if "\ufffd" in value or any(ord(character) < 32 for character in value):
        raise InvalidInputError(f"{name} is not printable UTF-8 text", parameter=name)


def _shown(text: str, *, quoted: bool = True) -> str:
    text = "".join(c if c.isprintable() else "�" for c in text[:80])
    return repr(text) if quoted else text


def json_answer(body: Mapping[str, Any], status: int = 200, mimetype: str = "application/json") -> Response:
    """
    A JSON answer: valid UTF-8, no NaN.

    Parameters
    ----------
    body
        What to say.
    status
        HTTP status.
    mimetype
        Media type.

    Returns
    -------
    response
        With its length known.
    """
    return Response(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), status=status, mimetype=mimetype)


def problem(status: int, detail: str, facts: Mapping[str, Any] | None = None) -> Response:
    """
    A refusal after RFC 9457.

    Parameters
    ----------
    status
        HTTP status.
    detail
        One line for a person.
    facts
        The same for a machine: parameter, value, what is allowed.

    Returns
    -------
    response
        ``application/problem+json``, never cached.
    """
    body: dict[str, Any] = {
        "type": f"urn:geo-service:problem:{_slug(status)}",
        "title": title_of(status),
        "status": status,
        "detail": detail[:DETAIL_LIMIT],
        "request_id": request_id(),
    }
    if facts:
        body["errors"] = [{"detail": detail[:DETAIL_LIMIT], **_plain(facts)}]
    response = json_answer(body, status, "application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    if facts and "retry_after_s" in facts:
        response.headers["Retry-After"] = str(facts["retry_after_s"])
    return response


def title_of(status: int) -> str:
    """
    What a status is called, in both languages.

    Parameters
    ----------
    status
        HTTP status.

    Returns
    -------
    title
        Chinese, then English.
    """
    return TITLES.get(status) or HTTPStatus(status).phrase


def status_of(error: GeoServiceError) -> int:
    """
    HTTP status of a refusal.

    Parameters
    ----------
    error
        What was raised downstairs.

    Returns
    -------
    status
        From `STATUS`.
    """
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)


def request_id() -> str:
    """
    Random name of this request, the same in the answer and in the log.

    Returns
    -------
    request_id
        Sixteen hexadecimal digits.
    """
    if "request_id" not in g:
        g.request_id = uuid.uuid4().hex[:16]
    return str(g.request_id)


def cached(response: Response, etag: str, *, cache_control: str = "no-cache") -> Response:
    """
    Let a client keep an answer and ask whether it still holds.

    Parameters
    ----------
    response
        The answer.
    etag
        Changes whenever the answer does; only characters that an ETag may hold.
    cache_control
        How long it may be kept without asking.

    Returns
    -------
    response
        The same, or an empty 304 if the client has it.
    """
    # weak: the same answer goes out plain and compressed
    response.set_etag(etag, weak=True)
    response.headers["Cache-Control"] = cache_control
    response.make_conditional(request)
    return response


def _slug(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "-")


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _printable(value) for key, value in facts.items() if key != "detail"}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return _shown(value, quoted=False)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value[:50]]
    return _shown(str(value), quoted=False)
