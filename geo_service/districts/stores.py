"""Where the store of a district is: beside its other files, or in a database; moving it, and bringing a backup back."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from geo_service.districts.config import DistrictConfig, name_store, read_config
from geo_service.districts.working_copy import layer_path, write_working_copy
from geo_service.errors import BadDataError, InvalidInputError
from geo_service.layers import catalogue_with
from geo_service.store.base import Store
from geo_service.store.copying import Progress, copy_store, moved_to
from geo_service.store.opening import bring_back, open_store, set_aside
from geo_service.store.sqlite import open_sqlite

SQLITE = "sqlite"
"""What to say instead of a URL for ``store.sqlite`` in the district's directory."""


def open_district_store(directory: Path, config: DistrictConfig, *, create: bool = False) -> Store:
    """
    Open the store of a district where its district.toml says.

    Parameters
    ----------
    directory
        District directory.
    config
        Its district.toml.
    create
        Make the store if it is missing.

    Returns
    -------
    store
        To be closed by the caller.

    Raises
    ------
    InvalidInputError
        If there is none and none shall be made.
    BadDataError
        If it is damaged.
    UnavailableError
        If its server does not answer.
    """
    catalogue = catalogue_with(config.categories, config.services)
    place = config.store or directory / "store.sqlite"
    return open_store(place, district=config.id, create=create, catalogue=catalogue)


def move_store(directory: Path, to: str, progress: Progress | None = None) -> dict[str, int]:
    """
    Move the store of a district between SQLite and PostgreSQL, with all its history.

    The old store takes no edit from the moment the copy begins, and is kept; running servers say so and
    must be started again. Broken off, the move is simply begun again.

    Parameters
    ----------
    directory
        District directory.
    to
        ``postgresql://user@host/database``, or ``sqlite`` for ``store.sqlite`` in the directory.
    progress
        Hears how far it is.

    Returns
    -------
    counts
        Rows moved, by table; empty if an earlier move had come so far already.

    Raises
    ------
    InvalidInputError
        If it is there already, or the new place is not empty.
    BadDataError
        If the store is damaged, or was moved elsewhere.
    UnavailableError
        If a server does not answer.
    """
    config = read_config(directory / "district.toml")
    url = "" if to == SQLITE else to
    if url == config.store:
        raise InvalidInputError(
            f"the store of {config.id} is there already; name another place", parameter="to", value=config.id
        )
    catalogue = catalogue_with(config.categories, config.services)
    with closing(open_district_store(directory, config)) as old:
        if not url:
            _free_file(directory)
        place = url or directory / "store.sqlite"
        with closing(open_store(place, district=config.id, create=True, catalogue=catalogue)) as new:
            is_there = moved_to(old) == new.place
            counts = {} if is_there else copy_store(old, new, progress, is_move=True)
    name_store(directory / "district.toml", url)
    return counts


def _free_file(directory: Path) -> None:
    """Let a file that was left by an earlier move make room; one that is still a store keeps its place."""
    path = directory / "store.sqlite"
    if not path.exists():
        return
    with closing(open_sqlite(path)) as left:
        is_left = moved_to(left) is not None
    if is_left:
        set_aside(path)


def restore_backup(directory: Path, backup: Path, progress: Progress | None = None) -> dict[str, int]:
    """
    Put a backup in the place of the district's store, whichever database that is; the old one is kept aside.

    Running servers must be stopped before. Files of layers that nobody changed by hand follow.

    Parameters
    ----------
    directory
        District directory.
    backup
        A file that `Store.backup` wrote.
    progress
        Hears how far it is.

    Returns
    -------
    counts
        Rows restored, by table.

    Raises
    ------
    InvalidInputError
        If there is no such file.
    BadDataError
        If the backup is no store, or not sound; nothing is changed then.
    UnavailableError
        If the server does not answer.
    """
    config = read_config(directory / "district.toml")
    catalogue = catalogue_with(config.categories, config.services)
    if not backup.is_file():
        raise InvalidInputError(f"{backup} is no file; name a backup", parameter="FILE", value=str(backup))
    with TemporaryDirectory(prefix=".restore-", dir=directory) as folder:
        copy = Path(folder) / backup.name
        shutil.copyfile(backup, copy)  # an older backup is brought up to date, but not in its own file
        with closing(open_sqlite(copy, catalogue=catalogue)) as source:
            if problems := source.check():
                raise BadDataError(f"{backup}: {problems[0]}; use another backup", path=str(backup))
            with _emptied(directory, config) as target:
                counts = copy_store(source, target, progress)
                for name in catalogue:
                    if layer_path(directory, name).exists() or target.layer(name).version:
                        write_working_copy(directory, target, name)
    return counts


@contextmanager
def _emptied(directory: Path, config: DistrictConfig) -> Iterator[Store]:
    """An empty store in the place of the old one, which is kept under another name, and comes back on failure."""
    place = config.store or directory / "store.sqlite"
    kept = set_aside(place, district=config.id)
    try:
        with closing(open_district_store(directory, config, create=True)) as store:
            yield store
    except BaseException:
        bring_back(place, kept, district=config.id)
        raise
