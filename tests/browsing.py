"""What journeys through a real browser share: the browser, a server to visit, a page that remembers what it did."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import make_server

AXE = Path(__file__).parent / "data" / "vendor" / "axe-core-4.10.3" / "axe.min.js.gz"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
LOOKS = pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone-light", "desk-dark"]
)
"""Both sizes and both schemes, each once: colours do not depend on the width, nor sizes on the colours."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = (
    """<img src=x onerror="window.hacked=1"></script><script>window.hacked=2</script>`${window.hacked=3}`"""
)


@contextmanager
def served(app) -> Iterator[str]:
    """Serve on a free port while the block runs; gives the address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        # answers that nobody waits for any more are still being made; what they read may be closed next
        for answering in threading.enumerate():
            if "process_request_thread" in answering.name:
                answering.join(timeout=30)


def wait_until_ready(page):
    """Wait for the word of the page's own script that it has done its work.

    By a selector and not by a function: while the next document is loading there may be no element at all to ask,
    and a selector is then simply not found yet.
    """
    page.wait_for_selector("html[data-ready=yes]", state="attached")


@contextmanager
def another_page(page) -> Iterator[None]:
    """Wait until what the block presses has brought another page, and that is ready.

    To wait for readiness alone is a race: the page that is being left is ready too.
    """
    with page.expect_navigation():
        yield
    wait_until_ready(page)


def axe(page):
    """What axe finds wrong: the rule, and the first elements that break it."""
    page.evaluate(gzip.decompress(AXE.read_bytes()).decode())
    found = page.evaluate("() => axe.run(document)")["violations"]
    return [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]


class Visit:
    """A page, and everything that it asked for or complained about."""

    def __init__(self, browser, home, viewport=PHONE, *, at=None, **options):
        options = {"locale": "zh-CN", "device_scale_factor": 1} | options
        self.context = browser.new_context(viewport=viewport, **options)
        if at:
            self.context.clock.set_fixed_time(at)
        self.page = self.context.new_page()
        self.home = home
        self.requests, self.complaints, self.bytes = [], [], 0
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfinished", self._weigh)

    def _weigh(self, request):
        sizes = request.sizes()
        self.bytes += sizes["responseBodySize"] + sizes["responseHeadersSize"]

    def open(self, path, *, ready=True):
        self.page.goto(self.home + path)
        if ready:
            wait_until_ready(self.page)
        return self.page

    @property
    def foreign(self):
        return [url for url in self.requests if not url.startswith((self.home, "data:", "blob:"))]


def eventually(page, look, patience_s=30.0):
    """What a look at a page gives once it is true: asked again and again, and what it says last if that never comes."""
    until = time.monotonic() + patience_s
    while not (found := look()) and time.monotonic() < until:
        page.wait_for_timeout(50)
    return found
