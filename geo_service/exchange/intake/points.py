"""Positions of a file as they stand in it, before anybody has said in which datum: what the datum doctor looks at."""

from typing import NamedTuple

from geo_service.exchange.intake.drafts import draft_of
from geo_service.exchange.intake.mapping import ColumnMapping
from geo_service.exchange.intake.table import Table
from geo_service.layers import Catalogue


class RawPoint(NamedTuple):
    """Where a row lies in the datum of the file, with its name and address."""

    where: str
    lon: float
    lat: float
    name: str
    address: str


def points_of(table: Table, mapping: ColumnMapping, catalogue: Catalogue) -> tuple[RawPoint, ...]:
    """
    Read the positions of a file.

    Parameters
    ----------
    table
        The file.
    mapping
        What its columns hold.
    catalogue
        Kinds of service of the district.

    Returns
    -------
    points
        One per row that has a position one can read.
    """
    found = []
    for row in table.rows:
        draft = draft_of(row, table, mapping, catalogue)
        if draft.pin and draft.pin[0] == draft.pin[0] and draft.pin[1] == draft.pin[1] and not draft.refusals:
            name, address = (draft.cells.get(key, "") for key in ("name", "address"))
            found.append(RawPoint(row.where, *draft.pin, name, address))
    return tuple(found)
