"""
The child process: gives up its rights, runs one task on the file at its standard input, says what came of it.

It writes one JSON value per line: lists of rows, and last an object, which holds either what is known about
the file or why it is refused. A child that ends without that object has failed.
"""

import importlib
import mimetypes
import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson

from geo_service.errors import InvalidInputError
from geo_service.exchange.confined.cage import ConfinedError, Limits, give_up, limit_memory
from geo_service.exchange.confined.rows import About, Options, Row, Rows

_BATCH = 500
Task = Callable[[bytes, Options, About], Rows]


def run(order: bytes) -> None:
    """
    Do what the parent ordered.

    Parameters
    ----------
    order
        JSON: ``task`` as ``module:function``, ``limits``, ``options``, ``folders``.
    """
    asked = orjson.loads(order)
    limits = Limits(*asked["limits"])
    mimetypes.knownfiles.clear()  # openpyxl has them read when it is imported; they lie outside of our folders
    give_up(limits, asked["folders"])
    _end(_done(asked, limits))


def _done(asked: dict[str, Any], limits: Limits) -> dict[str, Any]:
    about = About()
    try:
        module, _, function = asked["task"].partition(":")
        task: Task = getattr(importlib.import_module(module), function)
        limit_memory(limits.memory_mb)
        for batch in _batches(task(_input(), Options(*asked["options"]), about)):
            _say(orjson.dumps(batch))
        return {"about": about.to_json()}
    except MemoryError:
        return {"failed": "memory"}
    except RecursionError:
        return {"refused": "it is nested too deep", "facts": {"parameter": "depth"}}
    except ConfinedError as error:
        return {"refused": f"is hostile, or breaks the program that reads it: {error}", "facts": {}}
    except InvalidInputError as error:
        return {"refused": error.message, "facts": dict(error.facts)}


def _input() -> bytes:
    with os.fdopen(0, "rb", closefd=False) as file:
        return file.read()


def _batches(rows: Iterator[Row]) -> Iterator[list[list[Any]]]:
    while batch := [list(row) for row in islice(rows, _BATCH)]:
        yield batch


def _say(line: bytes) -> None:
    left = memoryview(line + b"\n")
    while left:
        left = left[os.write(1, left) :]


def _end(last: dict[str, Any]) -> None:
    _say(orjson.dumps(last, default=str))
    # no destructors of libraries, which may hang or crash on what they have read
    sys.stderr.flush()
    os._exit(0)
