"""
Starting a child that reads a file of a stranger, and surviving whatever becomes of it.

See ``docs/guide/import.md`` for the limits and what a refusal says.
"""

import os
import selectors
import signal
import stat
import subprocess
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from geo_service.errors import InvalidInputError
from geo_service.exchange.confined.cage import Limits
from geo_service.exchange.confined.rows import Options

MOST_BYTES = 100 * 2**20
"""A larger file is not even opened."""

_START = (
    "import sys; sys.path[:] = sys.argv[2:];"
    " from geo_service.exchange.confined.child import run; run(sys.argv[1].encode())"
)
_LOOK_EVERY_S = 0.05
_CHUNK = 2**16
# GDAL reads every format there is: what reaches out, or reads other files, stays unregistered
_GDAL_SKIP = "HTTP WFS OAPIF WCS WMS WMTS AmigoCloud CARTO Elasticsearch CSW DAAS NGW PLSCENES VRT OGR_VRT"
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "GDAL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "PROJ_NETWORK": "OFF",
    "GDAL_SKIP": _GDAL_SKIP,
    "GDAL_HTTP_MAX_RETRY": "0",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
    "CPL_TMPDIR": "/nonexistent",
}


class Result(NamedTuple):
    """What a child said: rows as lists in the order of ``Row``, and about the file."""

    rows: list[list[Any]]
    about: dict[str, Any]


def limits_for(size_bytes: int) -> Limits:
    """
    What a file of this size may use.

    Two seconds of processor time, and twelve more for each whole MiB: an honest workbook, which packs well,
    takes half of that, while a small hostile file is over after two seconds.

    Parameters
    ----------
    size_bytes
        Of the file as it lies on the disk.

    Returns
    -------
    limits
        Wall time is four times the processor time, for a machine that is busy.
    """
    cpu_s = 2 + 12 * size_bytes // 2**20
    return Limits(cpu_s=cpu_s, wall_s=4.0 * cpu_s)


def run_confined(
    task: str, path: Path, limits: Limits | None = None, options: Options | None = None
) -> Result:
    """
    Run one task on one file in a process of its own, without network, rights to write, or time without end.

    Parameters
    ----------
    task
        ``module:function`` of a reader: takes the bytes, :class:`Options` and an :class:`About`, yields rows.
    path
        The file.
    limits
        What it may use; None goes by the size.
    options
        For the reader; None names the file only.

    Returns
    -------
    result
        What the child said.

    Raises
    ------
    InvalidInputError
        If the file is no ordinary one, is refused by the reader, needs more than the limits, or breaks the
        reader. This process has lost nothing then.
    """
    options = options or Options(path.name)
    name = options.name or path.name
    with _opened(path, name) as file:
        size = os.fstat(file.fileno()).st_size
        limits = limits or limits_for(size)
        with tempfile.TemporaryDirectory(prefix="geo-service-intake-") as folder:
            said, how = _run(_order(task, limits, options), file, folder, limits)
    return _taken(said, how, name, limits)


def _opened(path: Path, name: str) -> IO[bytes]:
    try:
        # a pipe or a device would make us wait for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise _refusal(name, f"cannot be read: {reason}") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= MOST_BYTES:
        os.close(descriptor)
        raise _refusal(name, _what_is_wrong(found))
    return os.fdopen(descriptor, "rb")


def _what_is_wrong(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "is no ordinary file"
    return f"has {found.st_size} bytes; at most {MOST_BYTES} are read" if found.st_size else "is empty"


def _order(task: str, limits: Limits, options: Options) -> list[str]:
    paths = [path for path in sys.path if path] or [os.getcwd()]  # noqa: PTH109
    folders = [*paths, sys.prefix, sys.base_prefix, *zoneinfo.TZPATH]
    told = {"task": task, "limits": list(limits), "options": list(options), "folders": folders}
    order = orjson.dumps(told)
    return [sys.executable, "-I", "-S", "-B", "-c", _START, order.decode(), *paths]


def _run(order: list[str], file: IO[bytes], folder: str, limits: Limits) -> tuple[bytes, str]:
    """Start the child and listen to it; gives what it said, and how it ended if not by itself."""
    environment = dict(_ENVIRONMENT)
    if library_path := os.environ.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = library_path
    with subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
        order,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        close_fds=True,
    ) as child:
        said = bytearray()
        try:
            how = _listen(child, said, limits)
        finally:
            child.kill()
    return bytes(said), how or _how_it_ended(child.returncode)


def _listen(child: "subprocess.Popen[bytes]", said: bytearray, limits: Limits) -> str:
    assert child.stdout is not None
    assert child.stderr is not None
    until = time.monotonic() + limits.wall_s
    base_bytes = _LIBRARIES_MB * 2**20
    with selectors.DefaultSelector() as waiting:
        for stream in (child.stdout, child.stderr):
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(_LOOK_EVERY_S):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is child.stdout:
                    said += chunk
            if len(said) > limits.result_mb * 2**20:
                return "result"
            if time.monotonic() > until:
                return "time"
            if _resident_bytes(child.pid) > base_bytes + limits.memory_mb * 2**20:
                return "memory"
    try:
        child.wait(max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return "time"
    return ""


_LIBRARIES_MB = 128
"""What the interpreter and GDAL hold in memory at most before they read anything."""


def _resident_bytes(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _how_it_ended(code: int) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "time"
    return "" if code == 0 else "crash"


def _taken(said: bytes, how: str, name: str, limits: Limits) -> Result:
    if how:
        raise _refusal(name, _reason(how, limits))
    lines = said.splitlines()
    last: dict[str, Any] = (
        orjson.loads(lines[-1]) if lines and lines[-1].startswith(b"{") else {"failed": "crash"}
    )
    if "failed" in last:
        raise _refusal(name, _reason(last["failed"], limits))
    if "refused" in last:
        facts = {"parameter": "FILE", "value": name} | last["facts"]
        raise InvalidInputError(f"{name}: {last['refused']}", **facts)
    return Result([row for batch in _batches(lines[:-1]) for row in batch], last["about"])


def _batches(lines: list[bytes]) -> Iterator[list[list[Any]]]:
    for line in lines:
        yield orjson.loads(line)


def _reason(how: str, limits: Limits) -> str:
    return {
        "memory": f"needs more than {limits.memory_mb} MB to read; split it, or save it as CSV",
        "time": f"takes longer to read than the {limits.cpu_s} s allowed for its size; split it, or save it as CSV",
        "result": f"holds more than {limits.result_mb} MB of text; split it",
        "crash": "is damaged or hostile: it broke the program that reads it; open it in its own program"
        " and save it anew",
    }[how]


def _refusal(name: str, fault: str) -> InvalidInputError:
    return InvalidInputError(f"{name}: {fault}", parameter="FILE", value=name)
