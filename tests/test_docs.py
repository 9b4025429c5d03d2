"""What can be set, typed or asked is in `docs/guide`; links between documents lead somewhere."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
from flask import Flask

from geo_service.settings import Settings, variable_of
from geo_service.web.app import create_app
from tests import docstrings

CHECKOUT = Path(__file__).resolve().parents[1]
GUIDE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CHECKOUT.glob("docs/guide/*.md")))
FOR_TESTS_ONLY = {
    "GEO_SERVICE_REQUIRE_CHROMIUM",
    "GEO_SERVICE_REQUIRE_POSTGRES",
    "GEO_SERVICE_FULL_EDITS",
}


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_in_the_guide_with_its_default(name):
    row = re.search(rf"^\| `{variable_of(name)}` \| (.+?) \|", GUIDE, re.MULTILINE)
    assert row, f"{variable_of(name)} is missing in docs/guide/settings.md"
    default = getattr(Settings(), name)
    assert row.group(1) == (f"`{default}`" if default else row.group(1))
    assert bool(default) or row.group(1).startswith("(")


def test_the_guide_names_no_setting_that_does_not_exist():
    named = set(re.findall(r"GEO_SERVICE_[A-Z_]+", GUIDE)) - FOR_TESTS_ONLY
    assert named == {variable_of(field.name) for field in fields(Settings)}


def _commands(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _commands(child, f"{words} {name}")
    else:
        yield words, command


def undocumented_commands(main: click.Command, guide: str) -> list[str]:
    """Commands whose words the guide lacks, and options it never names."""
    missing = []
    for words, command in _commands(main, "geo-service"):
        if not re.search(rf"\b{re.escape(words)}\b", guide):
            missing.append(words)
        flags = [flag for option in command.params for flag in option.opts if flag.startswith("--")]
        missing += [
            f"{words} {flag}" for flag in flags if not re.search(rf"{re.escape(flag)}(?![\w-])", guide)
        ]
    return missing


def test_every_command_and_option_is_in_the_guide():
    assert undocumented_commands(importlib.import_module("geo_service.cli").cli, GUIDE) == []


def test_an_undocumented_command_and_option_are_found():
    @click.group()
    def main() -> None: ...

    @main.command()
    @click.option("--near")
    @click.option("--nearly")
    def find(near: str, nearly: str) -> None: ...

    assert undocumented_commands(main, "Say `geo-service find --nearly`.") == ["geo-service find --near"]
    assert undocumented_commands(main, "--near --nearly") == ["geo-service find"]


def undocumented_rules(app: Flask, guide: str) -> list[str]:
    """URL rules the guide never writes out; what a variable part is called does not matter."""
    text = re.sub(r"<[^<>\s]*>", "<>", guide)
    rules = sorted({rule.rule for rule in app.url_map.iter_rules()})
    plain = {rule: re.escape(re.sub(r"<[^>]*>", "<>", rule)) for rule in rules}
    return [rule for rule, words in plain.items() if not re.search(rf"(?<![\w/>.]){words}(?![\w/<.])", text)]


def test_every_endpoint_is_in_the_guide():
    assert undocumented_rules(create_app({}), GUIDE) == []


def test_an_undocumented_endpoint_is_found():
    app = Flask("planted", static_folder=None)
    for rule in ("/<district_id>/p/<path:place_id>", "/healthz", "/<district_id>/map.js"):
        app.add_url_rule(rule, rule, str)
    guide = "`GET /<d>/p/<id>` is a place; `/<d>/map.json` and /healthz/deep are something else"
    assert undocumented_rules(app, guide) == ["/<district_id>/map.js", "/healthz"]


def test_relative_links_between_documents_lead_somewhere():
    documents = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")]
    broken = [
        f"{path.relative_to(CHECKOUT)}: {target}"
        for path in documents
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.slow
def test_docstrings_are_as_numpydoc_wants_them():
    package = CHECKOUT / "geo_service"
    assert [text for path in sorted(package.rglob("*.py")) for text in docstrings.complaints(path)] == []


PLANTED = (
    '"""Planted."""\n\n{}\n    """A thing.\n\n    Parameters\n    ----------\n    {}\n'
    '        Said.\n    """\n\n{}'
)


@pytest.mark.parametrize(
    ("head", "documented", "body", "complaint"),
    [
        ("def f(a, b):", "a", "", "PR01"),
        ("def f(a):", "a, b", "", "PR02"),
        ("class C(NamedTuple):", "x", "    y: int\n", "documents x, but its fields are y"),
        (
            "@dataclass\nclass C:",
            "b, a",
            "    a: int\n    b: int\n",
            "documents b, a, but its fields are a, b",
        ),
    ],
)
def test_a_docstring_that_says_something_else_is_found(tmp_path, head, documented, body, complaint):
    (tmp_path / "planted.py").write_text(PLANTED.format(head, documented, body), encoding="utf-8")
    assert complaint in "\n".join(docstrings.complaints(tmp_path / "planted.py"))


def test_fields_that_are_documented_in_order_are_fine(tmp_path):
    source = PLANTED.format("@dataclass\nclass C:", "a, b", "    a: int\n    b: int\n")
    (tmp_path / "planted.py").write_text(source, encoding="utf-8")
    assert list(docstrings.complaints(tmp_path / "planted.py")) == []


def test_decisions_say_what_they_must():
    for path in sorted((CHECKOUT / "docs" / "decisions").glob("*.md")):
        text = path.read_text(encoding="utf-8").lower()
        lacking = [word for word in ("question", "choice", "price", "look again") if word not in text]
        assert lacking == [], path.name
