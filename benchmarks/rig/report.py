"""Machine, date, commit, and tables a person reads."""

import ctypes
import gc
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = Sequence[str]


def circumstances() -> dict[str, str]:
    """Where and when this was measured, and of what."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "code": code(),
        "machine": f"{_cpu()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def commit() -> str:
    """Short hash of the checkout, with a plus if files differ from it."""
    told = _git("rev-parse", "--short", "HEAD")
    return told + "+" if told and _git("status", "--porcelain", "--untracked-files=no") else told


def code() -> str:
    """Sixteen digits that change with any line of the engine or of what measures it."""
    root, digest = Path(__file__).resolve().parents[2], hashlib.sha256()
    for path in sorted(
        [*(root / "geo_service" / "engine").glob("*.py"), *(root / "benchmarks").rglob("*.py")]
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _git(*words: str) -> str:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _cpu() -> str:
    """Model by the kernel's word, for platform does not tell; with the family, for clouds do not tell either."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    told = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    if "model name" not in told:
        return platform.machine()
    family, model = told.get("cpu family", "?"), told.get("model", "?")
    return f"{told['model name']} (family {family}, model {model}), {told.get('cache size', '?')} cache"


def resident_mb() -> float:
    """Memory this process holds now, MB, what was freed given back first; not told on every system."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        return float("nan")
    gc.collect()
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is not None:
        give_back(0)
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s() -> float:
    """CPU time of this process and of the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def write_json(path: Path, told: Mapping[str, Any]) -> None:
    """Whole or not at all, so that an interrupt leaves what was there."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


@contextmanager
def told_beside() -> Iterator[None]:
    """What libraries print goes where progress goes, so that the report stands alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def duration(seconds: float) -> str:
    """Three digits and a unit: 2.31 µs, 12.3 ms, 4.56 s."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{significant(seconds / size)} {unit}"
    return f"{significant(seconds * 1e9)} ns"


def significant(value: float) -> str:
    """Three digits, more before the point where there are more, with commas."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table that is also readable as it is."""
    body = [list(row) for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *body]) for i in range(len(head))]
    lines = [list(head), ["-" * width for width in widths], *body]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
