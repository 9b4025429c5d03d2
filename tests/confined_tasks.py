"""What a child must not get away with, as tasks that a child is told to run; and one that behaves."""

import os
import socket
import time
from pathlib import Path

import numpy as np

from geo_service.exchange.confined.rows import About, Options, Row, Rows


def behave(data: bytes, options: Options, about: About) -> Rows:
    about.columns = ["text"]
    yield Row(options.name, (data.decode(),))


def open_socket(_data: bytes, _options: Options, _about: About) -> Rows:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
    yield Row("reached", ())


def see_network(_data: bytes, _options: Options, about: About) -> Rows:
    about.columns = ["interfaces"]
    yield Row("", (" ".join(line.split(":")[0].strip() for line in _net_dev() if ":" in line),))


def _net_dev() -> list[str]:
    # the system call itself: Python's own open is guarded
    import ctypes

    libc = ctypes.CDLL(None)
    descriptor = libc.open(b"/proc/self/net/dev", os.O_RDONLY)
    return os.read(descriptor, 10_000).decode().splitlines()


def write_file(_data: bytes, _options: Options, _about: About) -> Rows:
    Path("written.txt").write_text("x", encoding="ascii")
    yield Row("written", ())


def write_behind_python(_data: bytes, _options: Options, about: About) -> Rows:
    """Write with the system call itself: the kernel's limit on file sizes is what is left."""
    import ctypes
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.open(b"behind.txt", os.O_WRONLY | os.O_CREAT, 0o600)
    about.columns = ["wrote"]
    yield Row("", (str(libc.write(descriptor, b"x" * 100, 100)),))


def read_elsewhere(_data: bytes, _options: Options, _about: About) -> Rows:
    yield Row(Path("/etc/passwd").read_text(encoding="utf-8"), ())


def start_program(_data: bytes, _options: Options, _about: About) -> Rows:
    os.system("true")
    yield Row("started", ())


def fork(_data: bytes, _options: Options, _about: About) -> Rows:
    if os.fork() == 0:
        time.sleep(60)
    yield Row("forked", ())


def take_memory(_data: bytes, _options: Options, _about: About) -> Rows:
    yield Row(str(len(bytes(3 * 2**30))), ())


def take_memory_natively(_data: bytes, _options: Options, _about: About) -> Rows:
    yield Row(str(np.ones(3 * 2**27).sum()), ())


def loop(_data: bytes, _options: Options, _about: About) -> Rows:
    while True:
        pass
    yield Row("", ())


def sleep(_data: bytes, _options: Options, _about: About) -> Rows:
    time.sleep(600)
    yield Row("", ())


def crash(_data: bytes, _options: Options, _about: About) -> Rows:
    os.abort()
    yield Row("", ())


def recurse(data: bytes, options: Options, about: About) -> Rows:
    yield from recurse(data, options, about)


def talk(_data: bytes, _options: Options, _about: About) -> Rows:
    while True:
        yield Row("x" * 100_000, ())


def lie(_data: bytes, _options: Options, _about: About) -> Rows:
    os.write(1, b'{"about": {}}\nnot json at all\n')
    os._exit(0)
    yield Row("", ())


def see_environment(_data: bytes, _options: Options, about: About) -> Rows:
    about.columns = ["names"]
    yield Row("", (" ".join(sorted(os.environ)),))
