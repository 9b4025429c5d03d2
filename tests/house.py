"""
The floor plan, and a reader of imports that holds the code to it.

Every floor imports only from floors below; rooms on one floor do not know each other; a big
library lives in its room. `tests/test_house.py` runs this on the package and on planted sins.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PACKAGE = "geo_service"

FLOORS: Mapping[str, int] = {
    # ground: imports nothing of ours
    "errors": 0,
    "outlines": 0,
    # tools
    "settings": 1,
    "geo": 1,
    "hours": 1,
    "paper": 1,
    "words": 1,
    # materials
    "layers": 2,
    "network": 2,
    # machines
    "store": 3,
    "engine": 3,
    # questions
    "finder": 4,
    "planning": 4,
    "civic": 4,
    "desk": 4,
    "exchange": 4,
    "maps": 4,
    "pack": 4,
    "demo": 4,
    # assembly
    "districts": 5,
    # doors; the package itself opens them late
    "cli": 6,
    "frames": 6,
    "web": 6,
    "__main__": 7,
}

DOORS = frozenset({"districts", "cli", "frames", "web"})
"""The only rooms that read settings."""

ROOMS_OF: Mapping[str, frozenset[str]] = {
    "apsw": frozenset({"store"}),
    "argon2": frozenset({"desk"}),
    "branca": frozenset({"maps"}),
    "brotli": frozenset({"pack", "web"}),
    "chinese_calendar": frozenset({"hours"}),
    "click": frozenset({"cli"}),
    "dask": frozenset(),  # its scheduler is all that is needed
    "distributed": frozenset({"districts"}),
    "docx": frozenset({"paper"}),
    "flask": frozenset({"web"}),
    "flask_limiter": frozenset({"web"}),
    "flask_wtf": frozenset({"web"}),
    "folium": frozenset({"maps"}),
    "geopandas": frozenset({"frames", "exchange", "planning"}),
    "granian": frozenset({"cli", "web"}),
    "highspy": frozenset({"planning"}),
    "llvmlite": frozenset({"engine"}),
    "mapbox_vector_tile": frozenset({"maps"}),
    "matplotlib": frozenset({"paper"}),
    "networkx": frozenset({"network", "frames"}),
    "numba": frozenset({"engine"}),
    "opening_hours": frozenset({"hours"}),
    "openpyxl": frozenset({"paper"}),
    "osmium": frozenset({"network"}),
    "osmnx": frozenset({"network"}),
    "pandas": frozenset({"frames", "exchange", "planning"}),
    "pmtiles": frozenset({"maps"}),
    "psycopg": frozenset({"store"}),
    "pypinyin": frozenset({"pack"}),
    "requests": frozenset({"network"}),
    "rasterio": frozenset({"planning"}),
    "rich": frozenset({"cli"}),
    "segno": frozenset({"web"}),
    "werkzeug": frozenset({"web"}),
    # oracles and peers stay outside the package: copyleft, or only needed to test and measure
    "cityseer": frozenset(),
    "igraph": frozenset(),
    "osrm": frozenset(),
    "pandana": frozenset(),
    "pytest": frozenset(),
    "routingkit_cch": frozenset(),
    "scipy": frozenset(),
    "spopt": frozenset(),
    "valhalla": frozenset(),
    # Python's own SQLite carries the WAL-reset bug
    "sqlite3": frozenset(),
}

HEAVY = (
    "apsw",
    "click",
    "flask",
    "folium",
    "geopandas",
    "numba",
    "numpy",
    "osmium",
    "osmnx",
    "pandas",
    "psycopg",
    "pyogrio",
    "pyproj",
    "rich",
    "scipy",
    "shapely",
)
"""What ``import geo_service`` must not load."""


class Import(NamedTuple):
    """One imported module: dotted name, line, and what it stands in, empty for what runs on import."""

    name: str
    line: int
    function: str


TYPING = "TYPE_CHECKING"
"""Stands for the function's name where an import is only for the type checker."""


def imports_of(source: str) -> Iterator[Import]:
    """Every import of a module, wherever it stands; `from geo_service import x` counts as `geo_service.x`."""
    yield from _walk(ast.parse(source), "")


def _walk(node: ast.AST, function: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, function)
        elif isinstance(child, ast.ImportFrom):
            yield from _from(child, function)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, child.name)
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith(TYPING):
            yield from _walk(ast.Module(child.body, []), TYPING)
            yield from _walk(ast.Module(child.orelse, []), function)
        else:
            if isinstance(child, ast.Call):
                yield from _by_name(child, function)
            yield from _walk(child, function)


def _from(node: ast.ImportFrom, function: str) -> Iterator[Import]:
    if node.level:
        yield Import("." * node.level + (node.module or ""), node.lineno, function)
    elif node.module == PACKAGE:
        for alias in node.names:
            yield Import(f"{PACKAGE}.{alias.name}", node.lineno, function)
    elif node.module:
        yield Import(node.module, node.lineno, function)


def _by_name(call: ast.Call, function: str) -> Iterator[Import]:
    """``import_module("x")`` and ``__import__("x")`` are imports too."""
    called = ast.unparse(call.func).rpartition(".")[2]
    if called in ("import_module", "__import__") and call.args:
        name = call.args[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield Import(name.value, call.lineno, function)


def room_of(path: str) -> str:
    """Room of a file given relative to the package: `network/graph.py` is in `network`."""
    return path.replace("\\", "/").split("/")[0].removesuffix(".py")


def sins(path: str, source: str) -> list[str]:
    """What one file of the package does against the floor plan; `path` is relative to the package."""
    room = room_of(path)
    if room != "__init__" and room not in FLOORS:
        return [f"{path}: room {room!r} has no floor; give it one in tests/house.py"]
    found: list[str] = []
    for item in imports_of(source):
        sin = _sin(room, item)
        if sin:
            found.append(f"{path}:{item.line}: {sin}")
    return found


def _sin(room: str, item: Import) -> str | None:
    top, _, rest = item.name.partition(".")
    if item.name.startswith("."):
        return f"relative import of {item.name!r}"
    if top != PACKAGE:
        is_loaded = room != "__init__" or item.function != TYPING
        return _library_sin(room, top) if is_loaded else None
    target = rest.split(".")[0]
    return _floor_sin(room, target, item) if target in FLOORS else None


def _library_sin(room: str, library: str) -> str | None:
    rooms = ROOMS_OF.get(library)
    if rooms is None or room in rooms:
        return None
    where = f"lives in {', '.join(sorted(rooms))}" if rooms else "is not for the package"
    return f"{library} {where}, not in {room}"


def _floor_sin(room: str, target: str, item: Import) -> str | None:
    if target == room:
        return None
    if room == "__init__":
        # the package opens its Python door late, on the first call that needs it
        late_door = item.function and target == "frames"
        return None if late_door or target == "errors" else f"the package itself imports {target}"
    if target == "settings" and room not in DOORS:
        return f"settings are read by {', '.join(sorted(DOORS))} only, {room} takes arguments"
    if room == "cli" and target == "web" and item.function == "serve":
        return None
    if FLOORS[target] < FLOORS[room]:
        return None
    kind = "upward" if FLOORS[target] > FLOORS[room] else "sideways"
    return f"{kind} import: {room} (floor {FLOORS[room]}) imports {target} (floor {FLOORS[target]})"


def package_sins(package: Path) -> list[str]:
    """Every sin of every file of a package."""
    return [
        sin
        for file in sorted(package.rglob("*.py"))
        for sin in sins(file.relative_to(package).as_posix(), file.read_text(encoding="utf-8"))
    ]


def third_party(package: Path) -> frozenset[str]:
    """Top-level names the package imports that are neither Python's nor ours."""
    names = {
        item.name.partition(".")[0]
        for file in package.rglob("*.py")
        for item in imports_of(file.read_text(encoding="utf-8"))
        if not item.name.startswith(".")
    }
    return frozenset(names - set(sys.stdlib_module_names) - {PACKAGE})


def requirement_name(requirement: str) -> str:
    """Normalised project name of a requirement: `psycopg[binary]>=3.2` is `psycopg`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match.group()).lower()
