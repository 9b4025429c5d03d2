"""
What the child gives up before it looks at a file: network, writing, children, time and memory.

Kernel limits bind all code, also that of libraries in C; the audit hook refuses what Python itself
is asked for with a reason one can read.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 38, 4
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REFUSED_EVENTS = frozenset(
    {
        "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.link", "os.mkdir", "os.posix_spawn",
        "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.symlink", "os.system", "os.truncate",
        "pty.spawn", "shutil.rmtree", "sqlite3.connect", "subprocess.Popen", "urllib.Request",
    }
)  # fmt: skip


class Limits(NamedTuple):
    """
    What a child may use.

    Parameters
    ----------
    cpu_s
        Seconds of processor time, imports included.
    wall_s
        Seconds until the parent ends it.
    memory_mb
        MiB beyond what the interpreter and the format's library take.
    result_mb
        MiB it may hand back.
    """

    cpu_s: int = 2
    wall_s: float = 10.0
    memory_mb: int = 256
    result_mb: int = 100


class ConfinedError(PermissionError):
    """The child asked for something it may not have."""


def give_up(limits: Limits, folders: Sequence[str]) -> None:
    """
    Give up network, writing, new processes and time without end, for good.

    Parameters
    ----------
    limits
        What is left.
    folders
        Where Python's own files lie: the only ones it may still open.
    """
    _leave_network()
    for kind, value in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        _limit(kind, value)
    sys.addaudithook(_hook([os.path.realpath(folder) + os.sep for folder in folders]))


def limit_memory(memory_mb: int) -> None:
    """
    Allow so much memory from now on, beyond what is in use.

    Parameters
    ----------
    memory_mb
        MiB.
    """
    _limit(resource.RLIMIT_AS, _in_use() + memory_mb * 2**20)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _in_use() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - the audit hook knows this one
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux: what is usual
        return 400 * 2**20


def _leave_network() -> None:
    """Move into a network of its own, with nothing in it, where the kernel permits that."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _hook(folders: Sequence[str]) -> Any:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            _check_open(arguments, folders)
        elif event.startswith("socket.") or event in _REFUSED_EVENTS:
            raise ConfinedError(f"it asked for {event}")

    return refuse


def _check_open(arguments: tuple[Any, ...], folders: Sequence[str]) -> None:
    path, _, flags = arguments
    if isinstance(path, int):
        return
    name = os.fsdecode(path)
    if flags & _WRITING:
        raise ConfinedError("it asked to write a file")
    if name != "/proc/self/statm" and not os.path.realpath(name).startswith(tuple(folders)):
        raise ConfinedError("it asked to open another file")
