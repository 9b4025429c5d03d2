"""
A PostgreSQL of the tests' own: a cluster in a temporary directory, reached by a socket there and not at all
from outside.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

LOCALE = "C.UTF-8"
OPTIONS = "-c listen_addresses='' -c max_connections=200 -c shared_buffers=64MB -k {}"


def find_binaries() -> Path | None:
    """Directory of initdb, pg_ctl and postgres: Debian keeps them out of the PATH."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    return next((path for path in (*reversed(kept), *on_path) if (path / "initdb").exists()), None)


def has_postgis(binaries: Path) -> bool:
    shared = subprocess.run(
        [binaries / "pg_config", "--sharedir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return (Path(shared) / "extension" / "postgis.control").exists()


class Cluster:
    """One cluster; `url` names its only database."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="geo-pg-"))
        self.data = self.folder / "data"
        # The server refuses to run as root; whoever runs the tests else is its owner.
        self._user = "postgres" if os.geteuid() == 0 else ""
        if self._user:
            shutil.chown(self.folder, self._user)
        self._run(
            "initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", f"--locale={LOCALE}"
        )
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start the server; after a kill the old processes may hold the lock for a moment."""
        until = time.monotonic() + 30
        while True:
            try:
                self._ctl("start", "-w", "-l", self.folder / "log", "-o", OPTIONS.format(self.folder))
            except subprocess.CalledProcessError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return

    def kill(self) -> None:
        """SIGKILL to the server and its processes, as if the machine had died."""
        server = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for process in (server, *map(int, children)):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        self._ctl("stop", "-m", "immediate")

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):  # it may be down already
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ctl(self, *words: object) -> None:
        self._run("pg_ctl", "-D", self.data, *words)

    def _run(self, program: str, *words: object) -> None:
        as_user = ("runuser", "-u", self._user, "--") if self._user else ()
        subprocess.run(
            [*as_user, str(self._binaries / program), *map(str, words)],
            cwd=self.folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
