"""
Work that takes a while: done in a thread, told in a file that every process of the server can read.

A folder is one piece of work. ``state.json`` tells how far it is and then what came of it; a file ``stop`` beside it
asks the work to end with what it has.
"""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from geo_service.districts.working_copy import write_atomically
from geo_service.errors import GeoServiceError

PATIENCE_S = 900.0
"""A state that did not change for so long is of a thread that is no more."""

_STATE = "state.json"
_STOP = "stop"

Tell = Callable[[str, int, int], bool]
"""Told of the stage, what is done and how much there is; gives whether to go on."""


def start_work(folder: Path, work: Callable[[Tell], Mapping[str, Any]], *, lost: str) -> bool:
    """
    Begin a piece of work, once.

    Parameters
    ----------
    folder
        Its own; the state is told there.
    work
        Does it, and gives what came of it.
    lost
        What to say if it breaks by our own fault.

    Returns
    -------
    is_begun
        Whether it was begun now; False if it had been before.
    """
    try:
        (folder / _STATE).open("xb").close()
    except FileExistsError:
        return False
    (folder / _STOP).unlink(missing_ok=True)

    def tell(stage: str, done: int, total: int) -> bool:
        _write(folder, {"stage": stage, "done": done, "total": total})
        return not is_stopped(folder)

    def run() -> None:
        try:
            done: Mapping[str, Any] = {"result": work(tell)}
        except GeoServiceError as error:
            done = {"refused": error.message}
        except Exception:
            _write(folder, {"refused": lost})
            raise
        _write(folder, done)

    threading.Thread(target=run, name=f"work {folder.name}").start()
    return True


def state_of(folder: Path) -> Mapping[str, Any] | None:
    """
    Tell how far a piece of work is.

    Parameters
    ----------
    folder
        Its own.

    Returns
    -------
    state
        ``stage, done, total`` while it goes on, then ``result`` or ``refused``; None if none was begun.
    """
    path = folder / _STATE
    try:
        data, age_s = path.read_bytes(), time.time() - path.stat().st_mtime
    except OSError:
        return None
    state: dict[str, Any] = orjson.loads(data) if data else {"stage": "plan", "done": 0, "total": 0}
    if "stage" in state and age_s > PATIENCE_S:
        return {"refused": "the server stopped meanwhile; begin again"}
    return state


def forget_state(folder: Path) -> None:
    """
    Let a piece of work be begun again.

    Parameters
    ----------
    folder
        Its own.
    """
    (folder / _STATE).unlink(missing_ok=True)


def ask_to_stop(folder: Path) -> None:
    """
    Ask a piece of work to end with what it has.

    Parameters
    ----------
    folder
        Its own.
    """
    if folder.is_dir():
        (folder / _STOP).touch()


def is_stopped(folder: Path) -> bool:
    """
    Tell whether somebody asked a piece of work to end.

    Parameters
    ----------
    folder
        Its own.

    Returns
    -------
    is_stopped
        True from then on, also when it has ended.
    """
    return (folder / _STOP).exists()


def _write(folder: Path, state: Mapping[str, Any]) -> None:
    if folder.is_dir():
        write_atomically(folder / _STATE, orjson.dumps(state, option=orjson.OPT_SERIALIZE_NUMPY))
