"""
A server in a process of its own, that a test can kill as a power cut would.

`python -m tests.serving PORT AT STATIC DIR [DIR …]`: AT is the instant at which its clock stands (ISO, with a zone) or
``now``, STATIC the folder of static files or ``-`` for the package's. Says ``ready`` when it can be asked.
"""

import signal
import socket
import subprocess
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

from geo_service.districts import open_district
from geo_service.settings import Settings
from geo_service.web import app as app_module
from geo_service.web.assets import Assets

CHECKOUT = Path(__file__).resolve().parents[1]


class Server:
    """
    A process that serves districts.

    Parameters
    ----------
    directories
        Of the districts.
    at
        Instant at which its clock stands; None for the real one.
    """

    def __init__(self, directories: list[Path], at: datetime | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = f"http://127.0.0.1:{self.port}"
        self._at = at.isoformat() if at else "now"
        self._directories = [str(directory) for directory in directories]
        self._process: subprocess.Popen[str] | None = None

    def start(self, static: Path | None = None) -> "Server":
        """Start it, at the same address as before if it was killed; returns when it can be asked."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.serving",
                str(self.port),
                self._at,
                str(static or "-"),
                *self._directories,
            ],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "ready", "the server did not start"
        return self

    def freeze(self) -> None:
        """Let it hang: connections are taken, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, and see that nobody answers any more."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", self.port)) != 0


def main(port: int, at: str, static: str, *directories: str) -> None:
    """Serve until killed."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    WSGIRequestHandler.log_request = lambda *_: None  # type: ignore[method-assign]
    if static != "-":
        app_module.Assets = partial(Assets, Path(static))  # type: ignore[misc]
    opened = [open_district(Path(directory)) for directory in directories]
    clock = app_module.present if at == "now" else lambda: datetime.fromisoformat(at)
    app = app_module.create_app({district.id: district for district in opened}, Settings(), clock=clock)
    server = make_server("127.0.0.1", port, app, threaded=True)
    for district in opened:
        app.test_client().get(f"/{district.id}/")
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
