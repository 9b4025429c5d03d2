"""
Imports that take a while: done in a thread, told in a file that every process of the server can read.

The import itself is one transaction; if the server stops meanwhile, it came whole or not at all.
"""

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from geo_service.districts import District
from geo_service.districts.importing import Columns, Order, apply_import, make_preview
from geo_service.districts.working_copy import write_atomically
from geo_service.errors import GeoServiceError, InvalidInputError
from geo_service.exchange.intake import Table

PATIENCE_S = 900.0
"""A state that did not change for so long is of a thread that is no more."""

_STATE = "state.json"


def start_import(
    folder: Path,
    district: District,
    table: Table,
    columns: Columns,
    order: Order,
    *,
    actor: str,
    at: datetime,
    version: int,
) -> None:
    """
    Begin an import, once.

    Parameters
    ----------
    folder
        Of the job; the state is told there.
    district
        Where it goes.
    table
        The file.
    columns
        What its columns hold.
    order
        What was said of it.
    actor
        Who imports.
    at
        Moment of import, aware.
    version
        Of the layer as it was previewed.
    """
    try:
        (folder / _STATE).open("xb").close()
    except FileExistsError:
        return

    def run() -> None:
        try:
            done = _run(folder, district, table, columns, order, actor, at, version)
        except GeoServiceError as error:
            done = {"refused": error.message}
        except Exception:
            _tell(folder, {"refused": "something broke on our side; nothing was imported"})
            raise
        _tell(folder, done)

    threading.Thread(target=run, name=f"import {folder.name}").start()


def _run(
    folder: Path,
    district: District,
    table: Table,
    columns: Columns,
    order: Order,
    actor: str,
    at: datetime,
    version: int,
) -> dict[str, Any]:
    def progress(stage: str, done: int, total: int) -> None:
        _tell(folder, {"stage": stage, "done": done, "total": total})

    preview = make_preview(district, table, columns, order, at=at, progress=progress)
    if preview.version != version:
        raise InvalidInputError(
            f"{order.layer} is at version {preview.version}, the preview was of {version}; look at it again",
            parameter="version",
            value=version,
        )
    progress("apply", 0, 0)
    return {"result": apply_import(district, preview, actor=actor, at=at)._asdict()}


def state_of(folder: Path) -> Mapping[str, Any] | None:
    """
    Tell how far an import is.

    Parameters
    ----------
    folder
        Of the job.

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
        return {"refused": "the server stopped meanwhile; look at the preview again"}
    return state


def forget_state(folder: Path) -> None:
    """
    Let an import that was refused be begun again.

    Parameters
    ----------
    folder
        Of the job.
    """
    (folder / _STATE).unlink(missing_ok=True)


def _tell(folder: Path, state: Mapping[str, Any]) -> None:
    if folder.is_dir():
        write_atomically(folder / _STATE, orjson.dumps(state))
