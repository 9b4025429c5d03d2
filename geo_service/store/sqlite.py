"""
The store in one SQLite file per district.

Every thread has a connection of its own; every connection has the same asserted pragmas. Reads see
one committed state, writes take the lock first and are on the disk when they return.
"""

import os
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import apsw

from geo_service.errors import BadDataError, InvalidInputError, UnavailableError
from geo_service.layers import CATALOGUE, Catalogue
from geo_service.store.base import Store
from geo_service.store.glance import Glance
from geo_service.store.link import Link, Row

APPLICATION_ID = 0x67656F73  # "geos": tells our files from other SQLite files
OLDEST_SQLITE = (3, 51, 3)  # 3.7.0 to 3.51.2 can corrupt a WAL with two writers (WAL-reset bug)
BUSY_MS = 10_000
_MAGIC = b"SQLite format 3\0"

# Name, what is set, what must be read back. synchronous=FULL: NORMAL loses acknowledged commits at a power
# cut. secure_delete: without it removed personal data stay readable in the file. trusted_schema: a crafted
# file must not run functions. recursive_triggers: REPLACE must not go around the triggers on history.
PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("busy_timeout", str(BUSY_MS), BUSY_MS),
    ("trusted_schema", "OFF", 0),
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("secure_delete", "ON", 1),
    ("recursive_triggers", "ON", 1),
    ("fullfsync", "ON", 1),
    ("checkpoint_fullfsync", "ON", 1),
    ("cell_size_check", "ON", 1),
)

_VERSIONS = "SELECT name, version FROM layers"

_CHECKS = (
    (
        "the file is damaged: {}",
        "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    ),
    ("a row of {} points nowhere", 'SELECT DISTINCT "table" FROM pragma_foreign_key_check'),
)


def check_sqlite_version(version: str) -> None:
    """
    Refuse a SQLite library that can corrupt the file.

    Parameters
    ----------
    version
        Of the library, such as ``3.54.1``.

    Raises
    ------
    BadDataError
        If it is older than 3.51.3.

    Examples
    --------
    >>> check_sqlite_version("3.54.1")
    """
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise BadDataError(
            f"SQLite {version} can corrupt a store that two processes write; install apsw with {oldest} or newer",
            parameter="sqlite",
            value=version,
        )


def load_migrations() -> tuple[str, ...]:
    """
    Read the numbered steps from an empty file to the present schema.

    Returns
    -------
    steps
        SQL texts; step number n leads to ``user_version`` n, counted from 1.
    """
    folder = resources.files("geo_service.store") / "migrations"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    return tuple(file.read_text(encoding="utf-8") for file in files)


def open_sqlite(path: Path, *, create: bool = False, catalogue: Catalogue = CATALOGUE) -> Store:
    """
    Open the store in a file, bringing an older schema up to date.

    Parameters
    ----------
    path
        The file; ``-wal`` and ``-shm`` stand beside it while it is open.
    create
        Make the file if it is missing or empty; one that is a store is opened as it is.
    catalogue
        Categories and kinds of service of the district.

    Returns
    -------
    store
        To be closed by the caller.

    Raises
    ------
    InvalidInputError
        If there is no such file and none shall be made, the path is a directory, or nobody may write there.
    BadDataError
        If the file is no store of ours, is damaged, or comes from a newer version; it is
        left as it is.
    """
    check_sqlite_version(apsw.sqlite_lib_version())
    if path.is_dir() or not path.parent.is_dir():
        fault = "is a directory" if path.is_dir() else "is in no directory that exists"
        raise InvalidInputError(f"{path} {fault}; name a file", parameter="path", value=str(path))
    if not create and not path.exists():
        raise InvalidInputError(
            f"{path} does not exist; make the district with init", parameter="path", value=str(path)
        )
    with _told(path):
        steps = load_migrations()
        _peek(path, len(steps), create)
        connection = _connect(path)
        try:
            _migrate(connection, path, steps)
        finally:
            connection.close()
    return _SqliteStore(path, catalogue)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into one line: where, what, and what to do."""
    try:
        yield
    except apsw.Error as error:
        advice = next(advice for kind, advice in _ADVICE if isinstance(error, kind))
        message = f"{path}: {advice} (SQLite: {error})"
        if isinstance(error, apsw.BusyError):
            raise UnavailableError(message, retry_after_s=1) from error
        # Where nobody may write, the caller named the wrong place; all else is the file's own trouble.
        refusal = InvalidInputError if isinstance(error, apsw.ReadOnlyError) else BadDataError
        raise refusal(message, parameter="path", value=str(path)) from error


_ADVICE: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.NotADBError, "is not a database; it was left as it is, restore a backup"),
    (apsw.CorruptError, "is damaged; restore a backup"),
    (apsw.FullError, "the disk is full and nothing was changed; free some space and try again"),
    (apsw.BusyError, "another process kept it locked and nothing was changed; try again"),
    (apsw.ReadOnlyError, "cannot be written; check the rights of the file, its directory and the mount"),
    (apsw.CantOpenError, "cannot be opened; check the rights of the file, its directory and the mount"),
    (apsw.IOError, "the disk failed and nothing is acknowledged; check the disk, then try again"),
    (apsw.ConnectionClosedError, "the store was closed; open it again"),
    (apsw.Error, "the database refused and nothing was changed; run check"),
)


def _peek(path: Path, newest: int, create: bool) -> None:
    """Refuse what is no store of ours before anything of it is touched, its log included."""
    if not path.exists():
        return
    if not is_sqlite(path):
        raise apsw.NotADBError("the first bytes are not those of a database")
    log = path.with_name(f"{path.name}-wal")
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        has_log = log.exists() and log.stat().st_size > 0
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(has_log))
        connection.set_busy_timeout(BUSY_MS)
        if connection.readonly("main"):
            raise apsw.ReadOnlyError("the file is read-only")
        connection.execute("BEGIN")  # one state throughout: another process may be making the store just now
        version, application = connection.pragma("user_version"), connection.pragma("application_id")
        is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    finally:
        connection.close()
    if is_empty and version == 0 and application in (0, APPLICATION_ID) and create:
        return
    if application != APPLICATION_ID or not version:
        fault = "is empty" if is_empty else "is a database of another program"
        raise BadDataError(
            f"{path} {fault}; it was left as it is, name the store", parameter="path", value=str(path)
        )
    _check_schema(path, version, newest)


def _check_schema(path: Path, version: int, newest: int) -> None:
    if version > newest:
        raise BadDataError(
            f"{path} has schema {version}, this program knows up to {newest}; install the newer one, "
            "or restore a backup from before; it was left as it is",
            parameter="user_version",
            value=version,
        )


def _connect(path: Path) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=100)
    try:
        if connection.readonly("main"):
            raise apsw.ReadOnlyError("the file is read-only")
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        _set_pragmas(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_pragmas(connection: apsw.Connection, path: Path) -> None:
    for name, wanted, expected in PRAGMAS:
        _retried(connection, f"PRAGMA {name} = {wanted}")
        if (found := connection.pragma(name)) != expected:
            raise BadDataError(
                f"{path}: pragma {name} is {found!r}, must be {expected!r}; keep the store on a local disk",
                parameter=name,
                value=found,
            )


def _retried(connection: apsw.Connection, sql: str) -> None:
    """Execute what does not wait for a lock by itself: the change to WAL while others do the same."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute(sql)
        except apsw.BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(connection: apsw.Connection, path: Path, steps: Sequence[str]) -> None:
    """Go each missing step in a transaction of its own; killed between or within, it goes on from there."""
    while (version := connection.pragma("user_version")) < len(steps):
        with _transaction(connection, "IMMEDIATE"):
            version = connection.pragma("user_version")  # another process may have come first
            if version < len(steps):
                connection.execute(steps[version])
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {version + 1}")
    _check_schema(path, version, len(steps))


@contextmanager
def _transaction(connection: apsw.Connection, kind: str) -> Iterator[apsw.Connection]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class _SqliteLink:
    """One transaction of one connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, bindings: Sequence[object] = ()) -> list[Row]:
        return list(self.stream(sql, bindings))

    def stream(self, sql: str, bindings: Sequence[object] = ()) -> Iterator[Row]:
        return self._connection.execute(sql, tuple(bindings))

    def run(self, sql: str, bindings: Sequence[object] = ()) -> int:
        self.rows(sql, bindings)
        return self._connection.changes()

    def run_many(self, sql: str, many: Iterable[Sequence[object]]) -> None:
        self._connection.executemany(sql, (tuple(bindings) for bindings in many))


class _SqliteStore(Store):
    """The store; :func:`open_sqlite` makes it."""

    ids_in = "SELECT value FROM json_each(?)"
    own_checks = _CHECKS

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        super().__init__(str(path), catalogue)
        self._path = path.absolute()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()
        self._is_closed = False
        self._pid = os.getpid()
        self._glance: Glance | None = None
        self._versions: tuple[bytes, Mapping[str, int]] = (b"", {})

    def version(self, name: str) -> int:
        """Give the present version of a layer; read only if anybody committed anything since the last time."""
        seen = self._look()
        known, versions = self._versions
        if not seen or seen != known:
            with self.reading() as link:
                versions = dict(link.rows(_VERSIONS))
            # looked at before it was read: what was committed in between is read again, never missed
            self._versions = (seen, versions)
        return versions.get(name, 0)

    def _look(self) -> bytes:
        """What a glance at the log tells, from a connection that lives as long as the store is open."""
        if self._glance is None or self._pid != os.getpid():
            self._connection()
            with _told(self._path):
                connection = _connect(self._path)
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                glance = Glance(connection)
            with self._lock:
                self._open.add(connection)
                self._glance = glance
        with self._lock:  # nobody closes the connection meanwhile
            if self._is_closed:
                raise self._closed()
            return self._glance.look()

    def backup(self, path: Path) -> None:
        """Write a consistent copy while others go on reading and writing."""
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        with _told(part):
            self._connection().execute("VACUUM INTO ?", (str(part),))
        keep_file(part, path)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            self._is_closed = True
            connections = list(self._open)
        with _told(self._path):
            for connection in connections:
                connection.close()

    @contextmanager
    def reading(self) -> Iterator[Link]:
        """Open a transaction that sees one committed state throughout."""
        with _told(self._path), _transaction(self._connection(), "DEFERRED") as connection:
            yield _SqliteLink(connection)

    @contextmanager
    def writing(self) -> Iterator[Link]:
        """Open the only transaction that writes."""
        with _told(self._path), _transaction(self._connection(), "IMMEDIATE") as connection:
            yield _SqliteLink(connection)

    def _connection(self) -> apsw.Connection:
        """Give the connection of this thread."""
        if self._pid != os.getpid():
            self._leave_parent()
        held: apsw.Connection | None = getattr(self._local, "held", None)
        if held is None:
            self._local.held = held = _connect(self._path)
            with self._lock:
                self._open.add(held)
        if self._is_closed:
            held.close()
            raise self._closed()
        return held

    def _closed(self) -> BadDataError:
        return BadDataError(f"{self._path}: the store was closed; open it again", parameter="path")

    def _leave_parent(self) -> None:
        """Start afresh after a fork, which SQLite does not survive; what the parent opened is never closed here."""
        self._inherited = (self._local, list(self._open), self._glance)
        self._glance = None
        self._pid, self._lock = os.getpid(), threading.Lock()
        self._local, self._open = threading.local(), weakref.WeakSet()


def is_sqlite(path: Path) -> bool:
    """
    Whether a file begins as databases of SQLite do.

    Parameters
    ----------
    path
        A file.

    Returns
    -------
    is_sqlite
        True of an empty file too, which SQLite takes for an empty database.
    """
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) in (_MAGIC, b"")


def close_log(path: Path) -> None:
    """
    Fold the log of a store into its file, which then is all there is of it; nobody may have it open.

    Parameters
    ----------
    path
        The file. One that is no database, or a damaged one, is left as it is.

    Raises
    ------
    UnavailableError
        If somebody has it open, such as a running server; nothing was changed.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # The log can go only when no other connection is left; SQLite itself says whether one is.
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    except apsw.BusyError as error:
        raise UnavailableError(
            f"{path} is open in another process, such as a running server; stop it and say this again",
            retry_after_s=1,
        ) from error
    except (apsw.NotADBError, apsw.CorruptError):
        return
    finally:
        connection.close()


def keep_file(part: Path, path: Path) -> None:
    """
    Put a file that was written whole in its place, so that a power cut leaves the old one or the new.

    Parameters
    ----------
    part
        The file as written.
    path
        Where it belongs, in the same directory.
    """
    _sync(part)
    part.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
