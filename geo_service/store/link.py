"""
What every store stands on: transactions in which one SQL text runs on either database.

SQL here is written once, with ``?`` for values, in what SQLite and PostgreSQL have in common.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Protocol

import orjson

from geo_service.errors import InvalidInputError, StoreMovedError
from geo_service.layers import Catalogue

MOVED = "store.moved"
"""Key of the note that a store keeps when everything went elsewhere; it takes no edit from then on."""

Row = tuple[Any, ...]

_MOST = 2**63 - 1
_NOTE = "SELECT value FROM notes WHERE key = ?"


class Link(Protocol):
    """One open transaction."""

    def rows(self, sql: str, bindings: Sequence[object] = ()) -> list[Row]:
        """Ask, and give all rows."""

    def stream(self, sql: str) -> Iterator[Row]:
        """Ask, and give rows one by one, however many."""

    def run(self, sql: str, bindings: Sequence[object] = ()) -> int:
        """Change rows, and say how many."""

    def run_many(self, sql: str, many: Iterable[Sequence[object]]) -> None:
        """Change rows, once for each set of values."""


class Linked(ABC):
    """
    Something that opens transactions.

    Parameters
    ----------
    place
        Where the store is, for messages: a path, or a URL without its password.
    catalogue
        Categories and kinds of service of the district.
    """

    ids_in: ClassVar[str]
    """SELECT that turns one value, a JSON list of texts, into rows."""

    def __init__(self, place: str, catalogue: Catalogue) -> None:
        self.place = place
        self._catalogue = catalogue

    @abstractmethod
    def reading(self) -> AbstractContextManager[Link]:
        """Open a transaction that sees one committed state throughout."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Link]:
        """Open the only transaction that writes; what it changed is on the disk when the block ends."""

    @contextmanager
    def changing(self) -> Iterator[Link]:
        """Open a transaction that writes, unless the store was moved."""
        with self.writing() as link:
            if found := link.rows(_NOTE, (MOVED,)):
                raise StoreMovedError(
                    f"{self.place}: the store was moved to {orjson.loads(found[0][0])}; open it there "
                    "(a running server must be started again)",
                    parameter="store",
                    value=self.place,
                )
            yield link


def check_number(name: str, value: int | None) -> None:
    """
    Pass a count or an id that a database can hold.

    Parameters
    ----------
    name
        What it is, for the message.
    value
        The number, or nothing.

    Raises
    ------
    InvalidInputError
        If it is below 0 or has more than 63 bits.
    """
    if value is not None and not 0 <= value <= _MOST:
        fault = "is below 0" if value < 0 else "is above any there is"
        raise InvalidInputError(f"{name}={value} {fault}", parameter=name, value=str(value))


def is_text(value: str) -> bool:
    """
    Whether a database can hold a text at all: no NUL, no lone surrogate, no control character.

    Parameters
    ----------
    value
        Any text.

    Returns
    -------
    is_text
        False for what no id, name or key can be.
    """
    return value.isprintable()
