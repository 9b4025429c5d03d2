"""
Imports that take a while, as work of the server.

The import itself is one transaction; if the server stops meanwhile, it came whole or not at all.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from geo_service.districts import District
from geo_service.districts.importing import Columns, Order, apply_import, make_preview
from geo_service.errors import InvalidInputError
from geo_service.exchange.intake import Table
from geo_service.web.running import Tell, start_work


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

    def work(tell: Tell) -> Mapping[str, Any]:
        # half an import is none: nobody is offered to stop it
        def progress(stage: str, done: int, total: int) -> None:
            tell(stage, done, total)

        preview = make_preview(district, table, columns, order, at=at, progress=progress)
        if preview.version != version:
            raise InvalidInputError(
                f"{order.layer} is at version {preview.version}, the preview was of {version}; look at it again",
                parameter="version",
                value=version,
            )
        progress("apply", 0, 0)
        return apply_import(district, preview, actor=actor, at=at)._asdict()

    start_work(folder, work, lost="something broke on our side; nothing was imported")
