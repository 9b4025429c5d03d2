"""JSON as strictly as a file from a stranger deserves: nothing is guessed, nothing silently dropped."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from geo_service.errors import InvalidInputError

MOST_BYTES = 256 * 2**20


class Twice(NamedTuple):
    """A key that stands twice in one object: the way to the object, and the key."""

    way: tuple[str | int, ...]
    key: str


class _Marked(dict[str, Any]):
    """An object that has a key twice."""

    key: str = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) == len(pairs):
        return held
    marked, seen = _Marked(held), set[str]()
    for key, _ in pairs:
        if key in seen:
            marked.key = key
            break
        seen.add(key)
    return marked


def _marks(value: Any, way: tuple[str | int, ...]) -> Iterator[Twice]:
    if isinstance(value, _Marked):
        yield Twice(way, value.key)
    for name, item in value.items() if isinstance(value, dict) else ():
        yield from _marks(item, (*way, name))
    for index, item in enumerate(value) if isinstance(value, list) else ():
        yield from _marks(item, (*way, index))


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = error.start
        fault = f"byte {start} (0x{data[start]:02x}) is not UTF-8; convert it, for example from GB18030"
        raise InvalidInputError(f"{where}: {fault}", parameter="encoding", value=start) from error


def read_json(data: bytes, where: str, most_bytes: int = MOST_BYTES) -> tuple[Any, tuple[Twice, ...]]:
    """
    Read JSON and tell which keys stand twice.

    Parameters
    ----------
    data
        UTF-8, with or without byte-order mark.
    where
        What is read, for the message.
    most_bytes
        Longer data are refused unread.

    Returns
    -------
    value
        The JSON value; of a key that stands twice, the last one.
    twice
        Keys that stand twice; the caller refuses them in its own words.

    Raises
    ------
    InvalidInputError
        If it is too big, not UTF-8, not JSON, holds NaN, an infinite number or a lone surrogate, or is nested
        deeper than 254 levels.

    Examples
    --------
    >>> read_json(b'{"a": [{"b": 1, "b": 2}]}', "example")
    ({'a': [{'b': 2}]}, (Twice(way=('a', 0), key='b'),))
    """
    if len(data) > most_bytes:
        fault = f"{len(data)} bytes; at most {most_bytes} are read"
        raise InvalidInputError(f"{where}: {fault}", parameter="size", value=len(data))
    data = data.removeprefix(b"\xef\xbb\xbf")
    text = _decoded(data, where)
    has_twice = False

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_twice
        held = _object(pairs)
        has_twice = has_twice or isinstance(held, _Marked)
        return held

    try:
        # orjson refuses what the other lets pass: NaN, infinities, lone surrogates, and on the way back depth over 254
        orjson.dumps(orjson.loads(data))
        value = json.loads(text, object_pairs_hook=build, parse_int=lambda digits: int(digits[:40]))
    except (ValueError, TypeError, RecursionError) as error:
        fault = str(error).splitlines()[0][:200]
        raise InvalidInputError(
            f"{where}: is no JSON we read: {fault}", parameter="json", value=fault
        ) from error
    return value, tuple(_marks(value, ())) if has_twice else ()
