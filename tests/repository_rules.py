"""
Rules on files as such: how large, what a notebook may carry, which paths may not be named.

Run by hand, by pre-commit and by `make check` as a script (names of files, or all that git knows);
`tests/test_repository.py` runs the same functions.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

MAX_BYTES = 500_000
VENDOR = PurePosixPath("geo_service/web/static/vendor")
# Absolute paths of one person's or one machine's folders; written in two parts so as not to find itself.
MACHINE_PATH = re.compile(r"(?<![\w.:/~-])/" + r"(?:work|root|home/\w+|Users/\w+|mnt/\w+)(?:/|\b(?=[\"'` ]))")


def too_large(root: Path, files: Iterable[str]) -> Iterator[str]:
    """Files over the limit; what is vendored has its own manifest."""
    for name in files:
        size = (root / name).stat().st_size
        if size > MAX_BYTES and VENDOR not in PurePosixPath(name).parents:
            yield f"{name}: {size} bytes, at most {MAX_BYTES} are allowed outside {VENDOR}"


def unstripped(root: Path, files: Iterable[str]) -> Iterator[str]:
    """Notebooks that carry outputs or execution counts."""
    for name in files:
        if not name.endswith(".ipynb"):
            continue
        cells = json.loads((root / name).read_text(encoding="utf-8"))["cells"]
        if any(cell.get("outputs") or cell.get("execution_count") is not None for cell in cells):
            yield f"{name}: carries outputs; strip them (Kernel > Restart and Clear All Outputs) and save"


def machine_paths(root: Path, files: Iterable[str]) -> Iterator[str]:
    """Lines of text files that name a folder of one machine."""
    for name in files:
        if VENDOR in PurePosixPath(name).parents:
            continue
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                yield f"{name}:{number}: names a path of one machine: {line.strip()[:80]}"


def known_files(root: Path) -> list[str]:
    """Every file git tracks or would offer to track, that is still there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode()
    return sorted(name for name in set(listed.split("\0")) if name and (root / name).is_file())


def complaints(root: Path, files: list[str]) -> list[str]:
    """All rules on all files."""
    return [complaint for rule in (too_large, unstripped, machine_paths) for complaint in rule(root, files)]


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1]
    found = complaints(here, sys.argv[1:] or known_files(here))
    print("\n".join(found))
    sys.exit(bool(found))
