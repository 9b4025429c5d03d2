"""
A proxy that hears everything a browser sends: pages, workers, beacons, sockets, what it prefetches and what it logs.

Nothing a page can do escapes it, as a listener on the page's requests would let a worker or a beacon of a closing page
escape. Own requests are passed on; what is meant for another host is written down and goes no further.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

# between two ends of one connection, as RFC 9110 says; the others are passed on
HOP = {
    "proxy-connection",
    "connection",
    "keep-alive",
    "te",
    "upgrade",
    "transfer-encoding",
    "proxy-authorization",
}
OURS = {"127.0.0.1", "localhost"}


class Heard(NamedTuple):
    """One request as it was on the wire, and how many bytes came back."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    received: int

    @property
    def path(self) -> str:
        """What comes after the host."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def is_foreign(self) -> bool:
        """Whether it was meant for another host, or was no plain request (a socket, a tunnel)."""
        return self.method == "CONNECT" or urlsplit(self.url).hostname not in OURS


class Wire:
    """What was heard so far."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._heard: list[Heard] = []
        self._lock = threading.Lock()

    @property
    def proxy(self) -> dict[str, str]:
        """For `browser.new_context`: even what goes to this machine goes through."""
        return {"server": self.address, "bypass": "<-loopback>"}

    def note(self, heard: Heard) -> None:
        """Write one down."""
        with self._lock:
            self._heard.append(heard)

    def heard(self, since: int = 0) -> list[Heard]:
        """Requests from a mark on."""
        with self._lock:
            return self._heard[since:]

    def mark(self) -> int:
        """How many were heard by now."""
        with self._lock:
            return len(self._heard)


class _Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire

    def log_message(self, *_: object) -> None:
        """Keep the tests' output quiet."""

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = tuple(self.headers.items())
        target = urlsplit(self.path)
        if self.command == "CONNECT" or target.hostname not in OURS:
            self.wire.note(Heard(self.command, self.path, headers, body, 0, 0))
            self.send_error(403)
            self.close_connection = True
            return
        try:
            status, answer_headers, answer = self._ask(target, headers, body)
        except OSError:
            # a dead server looks dead, not like a proxy that is alive
            self.wire.note(Heard(self.command, self.path, headers, body, 0, 0))
            self.close_connection = True
            return
        head = f"HTTP/1.1 {status}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in answer_headers) + "\r\n"
        self.wire.note(Heard(self.command, self.path, headers, body, status, len(head) + len(answer)))
        self.send_response_only(status)
        for name, value in answer_headers:
            self.send_header(name, value)
        if status not in (204, 304) and not any(
            name.lower() == "content-length" for name, _ in answer_headers
        ):
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _ask(self, target, headers, body):
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        try:
            path = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
            passed = {k: v for k, v in headers if k.lower() not in HOP}
            connection.request(self.command, path, body or None, passed)
            answer = connection.getresponse()
            kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP]
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_CONNECT = _pass


@contextmanager
def listening() -> Iterator[Wire]:
    """A proxy while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Relay", (_Relay,), {}))
    server.daemon_threads = True
    wire = Wire(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass.wire = wire
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
