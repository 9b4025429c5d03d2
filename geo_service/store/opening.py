"""A store by one name: a path is SQLite, a URL is PostgreSQL with PostGIS."""

import itertools
import os
from pathlib import Path

from geo_service.errors import InvalidInputError
from geo_service.layers import CATALOGUE, Catalogue
from geo_service.store.base import Store
from geo_service.store.sqlite import close_log, keep_file, open_sqlite


def is_url(place: str | Path) -> bool:
    """
    Whether the name of a store means a database server.

    Parameters
    ----------
    place
        Path or URL.

    Returns
    -------
    is_url
        False for a path.

    Examples
    --------
    >>> is_url("postgresql://geo@db/geo"), is_url("store.sqlite")
    (True, False)
    """
    return isinstance(place, str) and "://" in place


def open_store(
    place: str | Path, *, district: str = "main", create: bool = False, catalogue: Catalogue = CATALOGUE
) -> Store:
    """
    Open the store of a district, wherever it is.

    Parameters
    ----------
    place
        Path of a SQLite file, or ``postgresql://user@host/database``.
    district
        Id of the district: names its schema in PostgreSQL; a file holds one district only.
    create
        Make it if it is missing.
    catalogue
        Categories and kinds of service of the district.

    Returns
    -------
    store
        To be closed by the caller.

    Raises
    ------
    InvalidInputError
        If there is none and none shall be made, the URL is wrong, or psycopg is not installed.
    BadDataError
        If it is damaged, another program's, or a newer version's.
    UnavailableError
        If the server does not answer.
    """
    if not is_url(place):
        return open_sqlite(Path(place), create=create, catalogue=catalogue)
    try:
        from geo_service.store.postgis import open_postgis
    except ImportError as error:
        raise InvalidInputError(
            f"a store in PostgreSQL needs psycopg ({error}); install geo-service[postgis]", parameter="store"
        ) from error
    return open_postgis(str(place), district, create=create, catalogue=catalogue)


def set_aside(place: str | Path, *, district: str = "main") -> str:
    """
    Give the place of a store free for another one; what was there is kept under another name.

    Nobody may have the store open.

    Parameters
    ----------
    place
        As for :func:`open_store`.
    district
        Likewise.

    Returns
    -------
    kept
        Name of the file, or schema, that holds the old store now; empty if there was none.

    Raises
    ------
    UnavailableError
        If somebody has the file open.
    """
    if is_url(place):
        from geo_service.store.postgis import set_schema_aside

        return set_schema_aside(str(place), district)
    path = Path(place)
    if not path.exists():
        return ""
    close_log(path)
    kept = _free_name(path)
    # A damaged store keeps its log, which goes along under its own name, and first: a file without it lacks edits.
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(kept.with_name(kept.name + ending))
    return kept.name


def put_in_place(part: Path, path: Path) -> str:
    """
    Put a store that is whole in the place of another, which is kept under another name, in one step.

    Killed at any moment, the old store or the new is there. Nobody may have either open.

    Parameters
    ----------
    part
        File of the new store, in the directory of the old.
    path
        File of the old; it need not exist.

    Returns
    -------
    kept
        Name of the file that holds the old store now; empty if there was none.

    Raises
    ------
    UnavailableError
        If somebody has one of them open; nothing was changed then.
    """
    close_log(part)
    kept = ""
    if path.exists():
        close_log(path)
        if any(path.with_name(path.name + ending).exists() for ending in ("-wal", "-shm")):
            kept = set_aside(path)  # damaged: its log must go along, and no link can do that
        else:
            link = _free_name(path)
            os.link(path, link)
            kept = link.name
    keep_file(part, path)
    return kept


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.old-{number}") for number in itertools.count(1))
    return next(name for name in names if not name.exists())


def bring_back(place: str | Path, kept: str, *, district: str = "main") -> None:
    """
    Put what was set aside in its place again, and delete what came there since.

    Parameters
    ----------
    place
        As for :func:`open_store`.
    kept
        As :func:`set_aside` told it; empty if there was nothing.
    district
        Id of the district.
    """
    if is_url(place):
        from geo_service.store.postgis import bring_schema_back

        bring_schema_back(str(place), kept, district)
        return
    path = Path(place)
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(kept + ending)
        if kept and part.exists():
            part.rename(path.with_name(path.name + ending))
