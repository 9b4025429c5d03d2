"""
The store in one SQLite file per district.

Every thread has a connection of its own; every connection has the same asserted pragmas. Reads see
one committed state, writes take the lock first and are on the disk when they return.
"""

import os
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import orjson

from geo_service.errors import BadDataError, InvalidInputError, NotFoundError
from geo_service.layers import CATALOGUE, Catalogue, Edit, Feature, Layer
from geo_service.store.base import (
    Applied,
    Change,
    LayerInfo,
    Store,
    Stored,
    check_author,
    check_edits,
    check_fresh,
    decode,
    encode,
)

APPLICATION_ID = 0x67656F73  # "geos": tells our files from other SQLite files
OLDEST_SQLITE = (3, 51, 3)  # 3.7.0 to 3.51.2 can corrupt a WAL with two writers (WAL-reset bug)
BUSY_MS = 10_000
_MAGIC = b"SQLite format 3\0"
_KEPT_FEATURES = 50_000

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

_FEATURE = "SELECT layer, version, is_removed, doc FROM features WHERE id = ?"
_FEATURES = (
    "SELECT id, layer, version, is_removed, doc FROM features WHERE id IN (SELECT value FROM json_each(?))"
)
_LAYER = "SELECT id, layer, version, is_removed, doc FROM features WHERE layer = ? AND is_removed = 0"
_LAYERS = """
    SELECT name, version, (SELECT count(*) FROM features WHERE layer = name AND is_removed = 0)
    FROM layers ORDER BY name
"""
_LAYER_AT = "SELECT doc, max(version) FROM history WHERE layer = ? AND version <= ? GROUP BY feature_id"
_HISTORY = """
    SELECT c.id, c.at, c.actor, c.role, c.source, h.layer, h.feature_id, h.version, p.doc, h.doc
    FROM history h JOIN changes c ON c.id = h.change_id
    LEFT JOIN history p ON p.feature_id = h.feature_id AND p.version = h.previous
"""
_HISTORY_WHERE = {
    (False, False): "WHERE ?1 IS NULL AND ?2 IS NULL",
    (True, False): "WHERE h.layer = ?1 AND ?2 IS NULL",
    (False, True): "WHERE ?1 IS NULL AND h.feature_id = ?2",
    (True, True): "WHERE h.layer = ?1 AND h.feature_id = ?2",
}
_HISTORY_ORDER = "ORDER BY h.seq DESC LIMIT ?3"
_BY_ROLE = """
    SELECT id, doc, max(said) FROM (
        SELECT feature_id AS id, doc, 2 * change_id + 1 AS said FROM snapshots WHERE layer = ?1 AND role = ?2
        UNION ALL
        SELECT h.feature_id, h.doc, 2 * max(h.change_id) FROM history h JOIN changes c ON c.id = h.change_id
        WHERE h.layer = ?1 AND c.role = ?2 GROUP BY h.feature_id
    ) GROUP BY id ORDER BY id
"""
_ADD_CHANGE = "INSERT INTO changes (at, actor, role, source) VALUES (?, ?, ?, ?) RETURNING id"
_SET_VERSION = "INSERT INTO layers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version"
_SET_FEATURE = """
    INSERT INTO features (id, layer, version, is_removed, doc) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, is_removed = excluded.is_removed, doc = excluded.doc
"""
_ADD_HISTORY = """
    INSERT INTO history (change_id, layer, feature_id, version, previous, doc) VALUES (?, ?, ?, ?, ?, ?)
"""
_SET_SNAPSHOT = """
    INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (layer, role, feature_id) DO UPDATE SET change_id = excluded.change_id, doc = excluded.doc
"""
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "the file is damaged: {}",
        "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    ),
    ("a row of {} points nowhere", 'SELECT DISTINCT "table" FROM pragma_foreign_key_check'),
    (
        "feature {} is not what its history ends in",
        """
        SELECT f.id FROM features f
        LEFT JOIN history h ON h.feature_id = f.id AND h.version = f.version AND h.layer = f.layer
        WHERE h.seq IS NULL OR (h.doc IS NULL AND NOT f.is_removed) OR h.doc <> f.doc
            OR f.version <> (SELECT max(version) FROM history WHERE feature_id = f.id)
        """,
    ),
    (
        "the history of feature {} has a gap",
        """
        SELECT feature_id FROM (
            SELECT feature_id, previous, lag(version) OVER (PARTITION BY feature_id ORDER BY seq) AS expected
            FROM history
        ) WHERE previous IS NOT expected
        """,
    ),
    (
        "the version of layer {} is not that of its last change",
        "SELECT name FROM layers WHERE version IS NOT (SELECT max(version) FROM history WHERE layer = name)",
    ),
)


class _Write(NamedTuple):
    """One effective edit: what becomes of a row."""

    edit: Edit
    previous: int | None
    doc: str | None
    kept: str
    is_removed: bool


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
        # Where nobody may write, the caller named the wrong place; all else is the file's own trouble.
        refusal = InvalidInputError if isinstance(error, apsw.ReadOnlyError) else BadDataError
        raise refusal(f"{path}: {advice} (SQLite: {error})", parameter="path", value=str(path)) from error


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
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) not in (_MAGIC, b""):  # SQLite takes a file of a few bytes for an empty one
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


class _SqliteStore:
    """The store; :func:`open_sqlite` makes it."""

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self._path = path.absolute()
        self._catalogue = catalogue
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()
        self._is_closed = False
        self._pid = os.getpid()
        self._parsed: dict[tuple[str, int], Feature] = {}
        self._layers: dict[str, Layer] = {}

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def layers(self) -> tuple[LayerInfo, ...]:
        with self._reading() as connection:
            return tuple(LayerInfo(*row) for row in _rows(connection, _LAYERS))

    def layer(self, name: str) -> Layer:
        self._check_layer(name)
        with self._reading() as connection:
            version = _version_of(connection, name)
            held = self._layers.get(name)
            if held is not None and held.version == version:
                return held
            rows = _rows(connection, _LAYER, (name,))
        layer = Layer(name, tuple(self._parse(row[0], Stored(*row[1:])) for row in rows), version)
        self._layers[name] = layer
        return layer

    def layer_at(self, name: str, version: int) -> Layer:
        self._check_layer(name)
        with self._reading() as connection:
            newest = _version_of(connection, name)
            docs = [doc for doc, _ in _rows(connection, _LAYER_AT, (name, version)) if doc is not None]
        if not 0 <= version <= newest:
            raise InvalidInputError(
                f"version={version} of layer {name!r} is outside 0..{newest}",
                parameter="version",
                value=version,
            )
        features = (decode(doc, name) for doc in docs)
        return Layer(name, tuple(one for one in features if one.status != "removed"), version)

    def features(self, ids: Sequence[str]) -> tuple[Feature, ...]:
        with self._reading() as connection:
            rows = _rows(connection, _FEATURES, (orjson.dumps(list(ids)).decode(),))
        stored = {row[0]: Stored(*row[1:]) for row in rows}
        for key in ids:
            if key not in stored or stored[key].is_removed:
                fault = "was removed" if key in stored else "does not exist"
                raise NotFoundError(f"feature {key[:80]!r} {fault}", parameter="id", value=key[:80])
        return tuple(self._parse(key, stored[key]) for key in ids)

    def apply(
        self,
        edits: Sequence[Edit],
        *,
        actor: str,
        role: str,
        source: str,
        at: datetime,
        snapshots: Sequence[Feature] = (),
    ) -> Applied:
        author = (check_author(actor, role, source, at), actor, role, source)
        check_edits(edits, snapshots, self._catalogue)
        with self._writing() as connection:
            names = sorted({edit.layer for edit in edits} | {feature.layer for feature in snapshots})
            versions = {name: _version_of(connection, name) for name in names}
            writes = _plan_writes(connection, edits, versions)
            if not writes and not snapshots:
                return Applied(None, versions)
            change_id: int = connection.execute(_ADD_CHANGE, author).get
            versions |= {name: versions[name] + 1 for name in {write.edit.layer for write in writes}}
            _write_all(connection, writes, versions, change_id)
            _write_snapshots(connection, snapshots, role, change_id)
        return Applied(change_id, versions)

    def history(
        self, layer: str | None = None, feature_id: str | None = None, limit: int | None = None
    ) -> tuple[Change, ...]:
        if limit is not None and limit < 0:
            raise InvalidInputError(f"limit={limit} is below 0", parameter="limit", value=limit)
        where = _HISTORY_WHERE[layer is not None, feature_id is not None]
        bindings = (layer, feature_id, -1 if limit is None else limit)
        with self._reading() as connection:
            rows = _rows(connection, f"{_HISTORY} {where} {_HISTORY_ORDER}", bindings)
        return tuple(_change(*row) for row in rows)

    def last_by_role(self, layer: str, role: str) -> Mapping[str, Feature]:
        self._check_layer(layer)
        with self._reading() as connection:
            rows = _rows(connection, _BY_ROLE, (layer, role))
        return {key: decode(doc, layer) for key, doc, _ in rows if doc is not None}

    def check(self) -> tuple[str, ...]:
        found: list[str] = []
        with self._reading() as connection:
            for text, sql in _CHECKS:
                found += [text.format(value) for (value,) in _rows(connection, sql)]
            for key, layer, doc in _rows(connection, "SELECT id, layer, doc FROM features"):
                found += [f"feature {key} cannot be read"] if not _is_canonical(key, layer, doc) else []
        return tuple(found)

    def backup(self, path: Path) -> None:
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        with _told(part):
            self._connection().execute("VACUUM INTO ?", (str(part),))
        _sync(part)
        part.replace(path)
        _sync(path.parent)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            connections = list(self._open)
        with _told(self._path):
            for connection in connections:
                connection.close()

    def _check_layer(self, name: str) -> None:
        if name not in self._catalogue:
            known = ", ".join(self._catalogue)
            raise NotFoundError(
                f"layer={name[:80]!r} is unknown; known are {known}", parameter="layer", value=name[:80]
            )

    def _parse(self, key: str, stored: Stored) -> Feature:
        """Turn a committed row into a feature once per version, however often it is asked for."""
        feature = self._parsed.get((key, stored.version))
        if feature is None:
            feature = decode(stored.doc, stored.layer)
            if len(self._parsed) >= _KEPT_FEATURES:
                self._parsed = {}
            self._parsed[key, stored.version] = feature
        return feature

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
            raise BadDataError(f"{self._path}: the store was closed; open it again", parameter="path")
        return held

    def _leave_parent(self) -> None:
        """Start afresh after a fork, which SQLite does not survive; what the parent opened is never closed here."""
        self._inherited = (self._local, list(self._open))
        self._pid, self._lock = os.getpid(), threading.Lock()
        self._local, self._open = threading.local(), weakref.WeakSet()

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        with _told(self._path), _transaction(self._connection(), "DEFERRED") as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        with _told(self._path), _transaction(self._connection(), "IMMEDIATE") as connection:
            yield connection


def _rows(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return list(connection.execute(sql, tuple(bindings)))


def _stored(connection: apsw.Connection, key: str) -> Stored | None:
    rows = _rows(connection, _FEATURE, (key,))
    return Stored(*rows[0]) if rows else None


def _version_of(connection: apsw.Connection, name: str) -> int:
    version: int | None = connection.execute("SELECT version FROM layers WHERE name = ?", (name,)).get
    return version or 0


def _plan_writes(
    connection: apsw.Connection, edits: Sequence[Edit], versions: Mapping[str, int]
) -> list[_Write]:
    """Check every edit against its row, and leave out those that change nothing."""
    writes = []
    for edit in edits:
        stored = _stored(connection, edit.id)
        check_fresh(edit, stored, versions[edit.layer])
        doc = encode(edit.after) if edit.after is not None else None
        if stored and not stored.is_removed and stored.doc == doc:
            continue
        is_removed = edit.after is None or edit.after.status == "removed"
        kept = doc or (stored.doc if stored else "")
        writes.append(_Write(edit, stored.version if stored else None, doc, kept, is_removed))
    return writes


def _write_all(
    connection: apsw.Connection, writes: Sequence[_Write], versions: Mapping[str, int], change_id: int
) -> None:
    for name in {write.edit.layer for write in writes}:
        connection.execute(_SET_VERSION, (name, versions[name]))
    for edit, previous, doc, kept, is_removed in writes:
        version = versions[edit.layer]
        connection.execute(_SET_FEATURE, (edit.id, edit.layer, version, int(is_removed), kept))
        connection.execute(_ADD_HISTORY, (change_id, edit.layer, edit.id, version, previous, doc))


def _write_snapshots(
    connection: apsw.Connection, snapshots: Sequence[Feature], role: str, change_id: int
) -> None:
    for feature in snapshots:
        stored = _stored(connection, feature.id)
        if stored is None or stored.layer != feature.layer:
            raise NotFoundError(
                f"snapshot of {feature.layer}/{feature.id}: no such feature", parameter="id", value=feature.id
            )
        connection.execute(_SET_SNAPSHOT, (feature.layer, role, feature.id, change_id, encode(feature)))


def _change(key: int, at: str, *row: Any) -> Change:
    actor, role, source, layer, feature_id, version, before, after = row
    earlier, later = (decode(doc, layer) if doc else None for doc in (before, after))
    when = datetime.fromisoformat(at)
    return Change(key, when, actor, role, source, layer, feature_id, version, earlier, later)


def _is_canonical(key: str, layer: str, doc: str) -> bool:
    try:
        feature = decode(doc, layer)
    except (KeyError, TypeError, ValueError):
        return False
    return feature.id == key and encode(feature) == doc


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
