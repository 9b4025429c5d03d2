"""
A server in a process of its own, that a test can kill as a power cut would: `python -m tests.serving AT DIR [DIR …]`.

AT is the instant at which its clock stands (ISO, with a zone) or ``now``. Prints its address when it can be asked.
"""

import signal
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from geo_service.districts import open_district
from geo_service.settings import Settings
from geo_service.web import create_app
from geo_service.web.app import present

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
        self._arguments = [at.isoformat() if at else "now", *map(str, directories)]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> "Server":
        """Start it, at the same address as before if it was killed; returns when it can be asked."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.serving", str(self.port), *self._arguments],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "ready", "the server did not start"
        return self

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


def main(port: int, at: str, *directories: str) -> None:
    """Serve until killed."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    WSGIRequestHandler.log_request = lambda *_: None  # type: ignore[method-assign]
    opened = [open_district(Path(directory)) for directory in directories]
    clock = present if at == "now" else lambda: datetime.fromisoformat(at)
    app = create_app({district.id: district for district in opened}, Settings(), clock=clock)
    server = make_server("127.0.0.1", port, app, threaded=True)
    for district in opened:
        app.test_client().get(f"/{district.id}/")
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
