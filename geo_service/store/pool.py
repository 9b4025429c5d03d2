"""
Connections to PostgreSQL that threads share, and what its errors mean to a person.

A connection that broke is thrown away, with all that lay idle beside it; the next question connects anew.
So a server that comes back is used again at once, without a thread that watches it.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import TextLoader

from geo_service.errors import BadDataError, GeoServiceError, InvalidInputError, UnavailableError

Connection = psycopg.Connection[tuple[Any, ...]]

MOST_CONNECTIONS = 16
"""How many connections one process holds to one district's store."""

WAIT_S = 10
"""How long one waits for a connection, or for the lock of another's edit, seconds."""

OLDEST_SERVER = 120000  # generated columns
RETRY_AFTER_S = 1

# connect_timeout: libpq takes no less than 2 s. The keepalives notice a server whose machine is gone.
_DEFAULTS = {
    "application_name": "geo_service",
    "connect_timeout": "2",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "5000",
}
_REFUSED = {
    "25006": "the server is read-only, a standby perhaps; name the one that takes writes",
    "28000": "the server does not let this role in; check the URL",
    "28P01": "the password is wrong; check the URL, PGPASSWORD or ~/.pgpass",
    "3D000": "there is no such database; create it first",
    "42501": "the role lacks a right; let the owner of the schema open the store",
}
_BUSY = {
    "40001": "another edit came between and nothing was changed; try again",
    "40P01": "another edit came between and nothing was changed; try again",
    "53300": "the server has no connection left; try again",
    "55P03": "another process kept it locked and nothing was changed; try again",
    "57014": "the server gave up and nothing was changed; try again",
}
_DAMAGED = {
    "53100": "the server's disk is full and nothing was changed; free some space and try again",
    "XX001": "the database is damaged; restore a backup",
    "XX002": "an index is damaged; REINDEX it or restore a backup",
}


class Server:
    """
    One PostgreSQL database, and how to speak of it without its password.

    Parameters
    ----------
    url
        ``postgresql://user@host:port/database``; what is missing libpq finds in its variables and files.

    Raises
    ------
    InvalidInputError
        If it is no such URL; the message does not repeat it.
    """

    def __init__(self, url: str) -> None:
        if not url.startswith(("postgresql://", "postgres://")):
            raise InvalidInputError("the store's URL does not start with postgresql://", parameter="store")
        try:
            parts = conninfo_to_dict(url)
        except psycopg.Error:
            raise InvalidInputError(
                "the store's URL cannot be read; allowed: postgresql://user@host:port/database",
                parameter="store",
            ) from None
        given = {name: str(value) for name, value in parts.items() if value is not None}
        self.conninfo = make_conninfo("", **(_DEFAULTS | given))
        user, host, port = (parts.get(name) for name in ("user", "host", "port"))
        self.shown = f"postgresql://{user}@" if user else "postgresql://"
        self.shown += f"{host or ''}{f':{port}' if port else ''}/{parts.get('dbname') or ''}"
        self._secrets = [str(parts[name]) for name in ("password", "sslpassword") if parts.get(name)]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what PostgreSQL raises into one line: where, what, and what to do; never a password."""
        try:
            yield
        except psycopg.Error as error:
            raise self._refusal(error) from error

    def _refusal(self, error: psycopg.Error) -> GeoServiceError:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        for secret in self._secrets:
            said = said.replace(secret, "…")
        code = error.sqlstate or ""
        if advice := _REFUSED.get(code):
            return InvalidInputError(f"{self.shown}: {advice} (PostgreSQL: {said})", parameter="store")
        if advice := _DAMAGED.get(code):
            return BadDataError(f"{self.shown}: {advice} (PostgreSQL: {said})", parameter="store")
        if isinstance(error, psycopg.OperationalError) or code in _BUSY:
            advice = _BUSY.get(code, "the database does not answer and nothing was acknowledged; try again")
            return UnavailableError(
                f"{self.shown}: {advice} (PostgreSQL: {said})", retry_after_s=RETRY_AFTER_S
            )
        advice = "the database refused and nothing was changed; run check"
        return BadDataError(f"{self.shown}: {advice} (PostgreSQL: {said})", parameter="store")

    def connect(self) -> Connection:
        """Open a connection that loses nothing it acknowledged; psycopg's errors, see :meth:`told`."""
        connection = psycopg.connect(self.conninfo, autocommit=True)
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: Connection) -> None:
        connection.adapters.register_loader("json", TextLoader)  # a document is compared as the text it is
        version = connection.info.server_version
        settings: dict[str, str] = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings"
                " WHERE name IN ('fsync', 'full_page_writes', 'server_encoding', 'synchronous_commit')"
            ).fetchall()
        )
        for name, wanted in (("fsync", "on"), ("full_page_writes", "on"), ("server_encoding", "UTF8")):
            if settings[name] != wanted:
                raise BadDataError(
                    f"{self.shown}: {name} is {settings[name]}, must be {wanted} that nothing is lost",
                    parameter=name,
                    value=settings[name],
                )
        if version < OLDEST_SERVER:
            raise BadDataError(
                f"{self.shown}: PostgreSQL {version // 10000} is too old; 12 or newer is needed",
                parameter="server_version",
                value=version,
            )
        if settings["synchronous_commit"] == "off":
            connection.execute("SET synchronous_commit TO on")
        connection.execute(
            f"SET lock_timeout TO '{WAIT_S}s'; SET idle_in_transaction_session_timeout TO '10min';"
            " SET TimeZone TO 'UTC'; SET standard_conforming_strings TO on"
        )


class Pool:
    """
    Connections of one process to one schema.

    Parameters
    ----------
    server
        Where to connect.
    schema
        Where unqualified names are looked up; a name that needs no quoting.
    """

    def __init__(self, server: Server, schema: str) -> None:
        self._server = server
        self._schema = schema
        self._start()
        self._inherited: list[object] = []
        self._is_closed = False

    def _start(self) -> None:
        self._pid = os.getpid()
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    @contextmanager
    def begun(self, begin: str) -> Iterator[Connection]:
        """Begin a transaction on some connection, and commit it, or roll it back if the block fails."""
        if self._pid != os.getpid():
            # What the parent opened is the parent's; closing it here would end its sessions.
            self._inherited += self._idle
            self._start()
        free = self._free
        if not free.acquire(timeout=WAIT_S):
            raise UnavailableError(
                f"{self._server.shown}: all {MOST_CONNECTIONS} connections are in use; try again",
                retry_after_s=RETRY_AFTER_S,
            )
        try:
            connection = self._begin(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                self._give_back(connection)
        finally:
            free.release()

    def close(self) -> None:
        """Close what is idle now, and all else when it comes back."""
        self._is_closed = True
        self._drop_idle()

    def _begin(self, begin: str) -> Connection:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                connection.execute(begin)
            except psycopg.OperationalError:
                is_broken = connection.broken
                connection.close()
                if not is_broken:
                    raise
                self._drop_idle()  # the server went away since; the others are dead as well
            else:
                return connection
        if self._is_closed:
            raise BadDataError(
                f"{self._server.shown}: the store was closed; open it again", parameter="store"
            )
        connection = self._server.connect()
        try:
            connection.execute(f"SET search_path TO {self._schema}")
            connection.execute(begin)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: Connection) -> None:
        try:
            if not connection.closed and connection.info.transaction_status != _IDLE:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()  # the server rolls back what it hears no more of
        with self._lock:
            is_kept = not connection.closed and not self._is_closed
            if is_kept:
                self._idle.append(connection)
        if not is_kept:
            connection.close()

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


_IDLE = psycopg.pq.TransactionStatus.IDLE
