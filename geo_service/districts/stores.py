"""Where the store of a district is: beside its other files, or in a database; moving it, and bringing a backup back."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from geo_service.districts.config import DistrictConfig, name_store, read_config
from geo_service.districts.working_copy import layer_path, write_working_copy
from geo_service.errors import BadDataError, InvalidInputError
from geo_service.layers import Catalogue, Place, catalogue_with
from geo_service.store.base import Store
from geo_service.store.copying import Progress, copy_store, moved_to
from geo_service.store.opening import bring_back, open_store, put_in_place, set_aside
from geo_service.store.sqlite import is_sqlite, keep_file, open_sqlite

SQLITE_FILE = "store.sqlite"
RESTORING = ".restore-"
"""How the folder begins in which a backup is made ready; one that is left was left by a kill."""

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
    place = config.store or directory / SQLITE_FILE
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
        place = url or directory / SQLITE_FILE
        with closing(open_store(place, district=config.id, create=True, catalogue=catalogue)) as new:
            is_there = moved_to(old) == new.place
            counts = {} if is_there else copy_store(old, new, progress, is_move=True)
    name_store(directory / "district.toml", url)
    return counts


def _free_file(directory: Path) -> None:
    """Let a file that was left by an earlier move make room; one that is still a store keeps its place."""
    path = directory / SQLITE_FILE
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
        If there is no such file, it is no backup, not sound, or one of another district; nothing is changed then.
    UnavailableError
        If the server does not answer, or another process has the store open.
    """
    config = read_config(directory / "district.toml")
    catalogue = catalogue_with(config.categories, config.services)
    if not backup.is_file():
        raise InvalidInputError(f"{backup} is no file; name a backup", parameter="FILE", value=str(backup))
    with TemporaryDirectory(prefix=RESTORING, dir=directory) as folder:
        copy = Path(folder) / backup.name
        shutil.copyfile(backup, copy)  # an older backup is brought up to date, but not in its own file
        with closing(_open_backup(copy, backup, catalogue)) as source:
            if problems := source.check():
                raise InvalidInputError(
                    f"{backup}: {problems[0]}; use another backup", parameter="FILE", value=str(backup)
                )
            _check_is_of(source, config, backup)
            counts = _fill(directory, config, source, progress)
    with closing(open_district_store(directory, config)) as store:
        for name in catalogue:
            if layer_path(directory, name).exists() or store.layer(name).version:
                write_working_copy(directory, store, name)
    return counts


def back_up(directory: Path, file: Path, progress: Progress | None = None) -> dict[str, int]:
    """
    Write a backup of the district's store, and read it back to see that it is whole.

    Others may go on working meanwhile.

    Parameters
    ----------
    directory
        District directory.
    file
        Where to; an older backup there is replaced when the new one is whole.
    progress
        Hears what is done.

    Returns
    -------
    layers
        How many features of each layer it holds.

    Raises
    ------
    InvalidInputError
        If there is a file that is no database, or nothing can be written there.
    BadDataError
        If what was written is not sound: then the store is not either.
    """
    tell = progress or (lambda *_: None)
    config = read_config(directory / "district.toml")
    catalogue = catalogue_with(config.categories, config.services)
    _check_may_replace(file)
    part = file.with_name(f".{file.name}.new")
    try:
        with closing(open_district_store(directory, config)) as store:
            tell("write", 0, 0)
            store.backup(part)
        tell("read back", 0, 0)
        with TemporaryDirectory(prefix=".backup-", dir=file.parent) as folder:
            copy = Path(folder) / file.name
            shutil.copyfile(part, copy)  # to open it is to change it
            with closing(open_sqlite(copy, catalogue=catalogue)) as written:
                if problems := written.check():
                    raise BadDataError(f"the store: {problems[0]}; run check", path=str(directory))
                layers = {info.name: info.count for info in written.layers()}
        keep_file(part, file)
    finally:
        for left in (part, part.with_name(f"{part.name}.part")):
            left.unlink(missing_ok=True)
    return layers


def _check_may_replace(file: Path) -> None:
    if not file.parent.is_dir() or file.is_dir():
        raise InvalidInputError(
            f"{file} cannot be written: name a file in a folder that is there",
            parameter="-o",
            value=str(file),
        )
    if file.exists() and not is_sqlite(file):
        raise InvalidInputError(
            f"{file} is there and is no backup; name another file", parameter="-o", value=str(file)
        )


def _open_backup(copy: Path, backup: Path, catalogue: Catalogue) -> Store:
    try:
        return open_sqlite(copy, catalogue=catalogue)
    except BadDataError as error:
        why = error.message.replace(str(copy), str(backup))
        raise InvalidInputError(f"{why}; use another backup", parameter="FILE", value=str(backup)) from error


def _check_is_of(source: Store, config: DistrictConfig, backup: Path) -> None:
    """Refuse the backup of another district: not one of its places lies in this one."""
    west, south, east, north = config.bbox
    places = [
        place
        for info in source.layers()
        for place in source.layer(info.name).features
        if isinstance(place, Place)
    ]
    if places and not any(west <= p.lon <= east and south <= p.lat <= north for p in places):
        raise InvalidInputError(
            f"{backup}: none of its {len(places)} places lies in {config.id}; is it of another district?",
            parameter="FILE",
            value=str(backup),
        )


def _fill(
    directory: Path, config: DistrictConfig, source: Store, progress: Progress | None
) -> dict[str, int]:
    if config.store:
        with _emptied(directory, config) as target:
            return copy_store(source, target, progress)
    # Made whole beside the old file, and put in its place in one step.
    path, part = directory / SQLITE_FILE, directory / f"{SQLITE_FILE}.part"
    _remove_file(part)
    try:
        with closing(open_sqlite(part, create=True, catalogue=source.catalogue)) as target:
            counts = copy_store(source, target, progress)
        put_in_place(part, path)
    finally:
        _remove_file(part)
    return counts


def _remove_file(path: Path) -> None:
    for ending in ("-wal", "-shm", ""):
        path.with_name(path.name + ending).unlink(missing_ok=True)


@contextmanager
def _emptied(directory: Path, config: DistrictConfig) -> Iterator[Store]:
    """An empty schema in the place of the old one, which is kept under another name, and comes back on failure."""
    kept = set_aside(config.store, district=config.id)
    try:
        with closing(open_district_store(directory, config, create=True)) as store:
            yield store
    except BaseException:
        bring_back(config.store, kept, district=config.id)
        raise
