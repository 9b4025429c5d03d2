"""
Docstrings as numpydoc wants them, with what it cannot know: fields of dataclasses and named tuples.

Run as a script by pre-commit and `make lint` (names of files, or the whole package); `tests/test_docs.py`
runs the same. A public docstring may do without sections; one that documents parameters must name
every one and no other, in order.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from numpydoc.hooks.validate_docstrings import parse_config, process_file

CHECKOUT = Path(__file__).resolve().parents[1]
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def complaints(path: Path) -> Iterator[str]:
    """What numpydoc finds in one file, less what it misunderstands."""
    by_line = {
        getattr(node, "lineno", 1): node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, Documented)
    }
    for place, name, code, text in process_file(path, parse_config(str(CHECKOUT))):
        node = by_line[int(place.rpartition(":")[2])]
        if not _is_misunderstood(node, name, code):
            yield f"{place}: {name}: {code} {text}"
    for node in by_line.values():
        if isinstance(node, ast.ClassDef) and _is_record(node):
            yield from (f"{path}:{node.lineno}: {node.name}: {text}" for text in _field_complaints(node))


def _is_misunderstood(node: Documented, name: str, code: str) -> bool:
    if any(part.startswith("_") for part in name.split(".")):
        return True
    docstring = ast.get_docstring(node) or ""
    if code == "PR01":
        return "Parameters" not in docstring.splitlines()
    return code in ("PR02", "PR03") and isinstance(node, ast.ClassDef) and _is_record(node)


def _is_record(node: ast.ClassDef) -> bool:
    made_by = (*node.decorator_list, *node.bases)
    return any(word in ast.unparse(maker) for maker in made_by for word in ("dataclass", "NamedTuple"))


def _field_complaints(node: ast.ClassDef) -> Iterator[str]:
    """A record that documents parameters documents its fields, all of them and in order."""
    fields = [
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and not item.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(item.annotation)
        and "init=False" not in (ast.unparse(item.value).replace(" ", "") if item.value else "")
    ]
    documented = _parameters(ast.get_docstring(node) or "")
    if documented and documented != fields:
        yield f"documents {', '.join(documented)}, but its fields are {', '.join(fields)}"


def _parameters(docstring: str) -> list[str]:
    """Names in the section Parameters; several may share one description."""
    lines = docstring.splitlines()
    if "Parameters" not in lines:
        return []
    section = lines[lines.index("Parameters") + 2 :]
    names: list[str] = []
    for line, following in zip(section, [*section[1:], ""], strict=True):
        if following.startswith("---"):
            break
        if line and not line.startswith(" "):
            names += [name.strip() for name in line.split(",")]
    return names


if __name__ == "__main__":
    chosen = [Path(name) for name in sys.argv[1:]] or sorted((CHECKOUT / "geo_service").rglob("*.py"))
    found = [complaint for path in chosen for complaint in complaints(path)]
    print("\n".join(found))
    sys.exit(bool(found))
