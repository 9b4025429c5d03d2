"""
The store in PostgreSQL with PostGIS: a schema per district, beside others in one database.

Every change holds one lock of its district, so versions and history have no gaps; reads see one
committed state. Geometry, name and status are worked out of each document by PostgreSQL itself, and each
layer of the catalogue is a view that QGIS opens.
"""

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path

import orjson
import psycopg
from psycopg import sql

from geo_service.errors import BadDataError, InvalidInputError
from geo_service.layers import CATALOGUE, Catalogue, Category
from geo_service.store.base import Store
from geo_service.store.copying import copy_store
from geo_service.store.link import Link, Row
from geo_service.store.pool import Connection, Pool, Server
from geo_service.store.sqlite import APPLICATION_ID, keep_file, open_sqlite

VIEWS = "store.views"
"""Key of the note that holds the views as they were last made."""

_DISTRICT = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_ROWS_AT_ONCE = 2_000

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_CHECKS = (
    (
        "index {} is not valid; REINDEX it",
        """
        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisvalid
        """,
    ),
    (
        "trigger {} is switched off",
        """
        SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled <> 'O'
        """,
    ),
)
# What a column of a view is, where it is not text.
_TYPES = {
    "area_m2": "double precision",
    "seats": "bigint",
    "headcount": "bigint",
    "status_from": "date",
    "status_until": "date",
}
_OWN_COLUMNS = ("seq", "id", "version", "geom")


def load_migrations() -> tuple[str, ...]:
    """
    Read the numbered steps from an empty schema to the present one.

    Returns
    -------
    steps
        SQL texts; step number n leads to version n, counted from 1.
    """
    folder = resources.files("geo_service.store") / "migrations" / "postgis"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    return tuple(file.read_text(encoding="utf-8") for file in files)


def schema_of(district: str) -> str:
    """
    Name the schema of a district.

    Parameters
    ----------
    district
        Its id.

    Returns
    -------
    schema
        Needs no quoting; different districts have different ones.

    Raises
    ------
    InvalidInputError
        If it is no district's id.

    Examples
    --------
    >>> schema_of("xiang-heyuan")
    'district_xiang_heyuan'
    """
    if not _DISTRICT.fullmatch(district):
        raise InvalidInputError(
            f"district={district[:60]!r} is no id; allowed: 1 to 40 of a-z, 0-9 and '-'",
            parameter="district",
            value=district[:60],
        )
    return f"district_{district.replace('-', '_')}"


def open_postgis(url: str, district: str, *, create: bool = False, catalogue: Catalogue = CATALOGUE) -> Store:
    """
    Open the store of a district in a PostgreSQL database, bringing an older schema up to date.

    Parameters
    ----------
    url
        ``postgresql://user@host:port/database``; a password is better kept in ``PGPASSWORD`` or ``~/.pgpass``.
    district
        Id of the district.
    create
        Make the schema, and the extension ``postgis``, if they are missing.
    catalogue
        Categories and kinds of service of the district.

    Returns
    -------
    store
        To be closed by the caller.

    Raises
    ------
    InvalidInputError
        If the URL is wrong, the role lacks a right, or there is no such store and none shall be made.
    BadDataError
        If the schema is another program's or a newer version's, or the server could lose edits; it is left
        as it is.
    UnavailableError
        If the server does not answer.
    """
    server, schema, steps = Server(url), schema_of(district), load_migrations()
    with server.told():
        connection = server.connect()
        try:
            _prepare(connection, f"{server.shown} district {district}", schema, steps, create)
            _make_views(connection, schema, catalogue)
        finally:
            connection.close()
    return _PostgisStore(server, district, catalogue)


def set_schema_aside(url: str, district: str) -> str:
    """
    Rename the schema of a district, so that its place is free; see ``opening.set_aside``.

    Parameters
    ----------
    url
        As for :func:`open_postgis`.
    district
        Id of the district.

    Returns
    -------
    kept
        New name of the schema; empty if there was none.
    """
    server, schema = Server(url), schema_of(district)
    with server.told(), server.connect() as connection, connection.transaction():
        connection.execute(_lock_of(schema))
        names = {
            str(name)
            for (name,) in connection.execute(
                "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (schema,)
            )
        }
        if schema not in names:
            return ""
        kept = next(name for n in itertools.count(1) if (name := f"{schema}_old_{n}") not in names)
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(kept))
        )
    return kept


def bring_schema_back(url: str, kept: str, district: str) -> None:
    """
    Drop the schema of a district and give its name to the one that was set aside.

    Parameters
    ----------
    url
        As for :func:`open_postgis`.
    kept
        As :func:`set_schema_aside` told it; empty if there was none.
    district
        Id of the district.
    """
    server, schema = Server(url), schema_of(district)
    with server.told(), server.connect() as connection, connection.transaction():
        connection.execute(_lock_of(schema))
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        if kept:
            connection.execute(
                sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(kept), sql.Identifier(schema))
            )


def _lock_of(schema: str) -> str:
    """SQL that holds the one lock under which a district changes, until the transaction ends."""
    digest = hashlib.sha256(f"geo_service {schema}".encode()).digest()
    return f"SELECT pg_advisory_xact_lock({int.from_bytes(digest[:8], signed=True)})"


def _prepare(connection: Connection, place: str, schema: str, steps: Sequence[str], create: bool) -> None:
    """Go all missing steps in one transaction; killed within, nothing was done."""
    with connection.transaction():
        connection.execute(_lock_of(schema))
        version = _found_version(connection, place, schema)
        if version > len(steps):
            raise BadDataError(
                f"{place} has schema {version}, this program knows up to {len(steps)}; install the newer one, "
                "or restore a backup from before; it was left as it is",
                parameter="schema_version",
                value=version,
            )
        if version == len(steps):
            return
        if not version:
            if not create:
                raise InvalidInputError(
                    f"{place} holds no store; make the district with init, or move its store there",
                    parameter="store",
                )
            connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        _go_steps(connection, schema, steps[version:])
        connection.execute(
            "INSERT INTO schema_version (version, application) VALUES (%s, %s)"
            " ON CONFLICT (is_only) DO UPDATE SET version = excluded.version",
            (len(steps), APPLICATION_ID),
        )


def _go_steps(connection: Connection, schema: str, steps: Sequence[str]) -> None:
    ((home,),) = connection.execute(
        "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'postgis'"
    )
    connection.execute(f"SET LOCAL search_path TO {schema}, {home}".encode())
    for step in steps:
        connection.execute(step.encode())


def _found_version(connection: Connection, place: str, schema: str) -> int:
    """Version of the schema as it is, 0 if it is missing or empty; refuse another program's."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s)", (schema,)
    ).fetchall()
    if not tables:
        return 0
    if ("schema_version",) in tables:
        rows = connection.execute(
            f"SELECT version FROM {schema}.schema_version WHERE application = %s".encode(),  # noqa: S608
            (APPLICATION_ID,),
        ).fetchall()
        if rows:
            return int(rows[0][0])
    raise BadDataError(
        f"{place}: schema {schema} is another program's; it was left as it is, name another database",
        parameter="store",
    )


def _make_views(connection: Connection, schema: str, catalogue: Catalogue) -> None:
    """Make the view of each layer anew if the catalogue changed since."""
    wanted = {
        f"layer_{name}": _view(f"layer_{name}", category).as_string(connection)
        for name, category in catalogue.items()
    }
    with connection.transaction():
        connection.execute(_lock_of(schema))
        connection.execute(f"SET LOCAL search_path TO {schema}".encode())
        rows = connection.execute("SELECT value FROM notes WHERE key = %s", (VIEWS,)).fetchall()
        held = orjson.loads(rows[0][0]) if rows else {}
        for name in sorted(held.keys() | wanted.keys()):
            if held.get(name) != wanted.get(name):
                _make_view(connection, name, wanted.get(name))
        if held != wanted:
            connection.execute(
                "INSERT INTO notes (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (VIEWS, orjson.dumps(wanted).decode()),
            )


def _make_view(connection: Connection, name: str, text: str | None) -> None:
    """Replace a view, which keeps what was granted; where columns went, it is dropped first."""
    try:
        with connection.transaction():
            if text is None:
                raise psycopg.errors.InvalidTableDefinition
            connection.execute(text.encode())
    except psycopg.errors.InvalidTableDefinition:
        connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier(name)))
        if text is not None:
            connection.execute(text.encode())


def _view(name: str, category: Category) -> sql.Composed:
    """SQL that makes the view of one layer: its fields as typed columns, and its one geometry."""
    columns = [
        sql.SQL("CAST(f.doc -> 'properties' ->> {} AS {}) AS {}").format(
            sql.Literal(field),
            sql.SQL(_TYPES.get(field, "text")),
            sql.Identifier(f"{field}_" if field in _OWN_COLUMNS else field),
        )
        for field in category.fields
    ]
    return sql.SQL(
        "CREATE OR REPLACE VIEW {name} AS SELECT f.seq, f.id, f.version, f.{geometry} AS geom, {columns} "
        "FROM features f WHERE f.layer = {layer} AND NOT f.is_removed; COMMENT ON VIEW {name} IS {words}"
    ).format(
        name=sql.Identifier(name),
        geometry=sql.Identifier("area" if category.is_area else "point"),
        columns=sql.SQL(", ").join(columns),
        layer=sql.Literal(category.key),
        words=sql.Literal(f"{category.zh} · {category.en}"),
    )


@lru_cache(maxsize=256)
def _in_psycopg(text: str) -> bytes:
    """Write ``?`` as psycopg wants it."""
    return text.replace("%", "%%").replace("?", "%s").encode()


class _PostgisLink:
    """One transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, text: str, bindings: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(_in_psycopg(text), tuple(bindings)).fetchall()

    def stream(self, text: str) -> Iterator[Row]:
        with self._connection.cursor("rows") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(_in_psycopg(text), ())
            yield from cursor

    def run(self, text: str, bindings: Sequence[object] = ()) -> int:
        return self._connection.execute(_in_psycopg(text), tuple(bindings)).rowcount

    def run_many(self, text: str, many: Iterable[Sequence[object]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_in_psycopg(text), many)


class _PostgisStore(Store):
    """The store; :func:`open_postgis` makes it."""

    ids_in = "SELECT json_array_elements_text(CAST(? AS json))"
    own_checks = _CHECKS

    def __init__(self, server: Server, district: str, catalogue: Catalogue) -> None:
        super().__init__(f"{server.shown} district {district}", catalogue)
        schema = schema_of(district)
        self._server = server
        self._pool = Pool(server, schema)
        self._write = f"BEGIN ISOLATION LEVEL READ COMMITTED; {_lock_of(schema)}"

    def backup(self, path: Path) -> None:
        """Write a consistent copy, a SQLite file, while others go on reading and writing."""
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        copy = open_sqlite(part, create=True, catalogue=self._catalogue)
        try:
            copy_store(self, copy)
        finally:
            copy.close()
        keep_file(part, path)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    @contextmanager
    def reading(self) -> Iterator[Link]:
        """Open a transaction that sees one committed state throughout."""
        with self._server.told(), self._pool.begun(_READ) as connection:
            yield _PostgisLink(connection)

    @contextmanager
    def writing(self) -> Iterator[Link]:
        """Open the only transaction that writes."""
        with self._server.told(), self._pool.begun(self._write) as connection:
            yield _PostgisLink(connection)
