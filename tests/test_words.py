"""Every word that a page says is in the catalogue, and none of the catalogue is idle."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import jinja2
import pytest
from jinja2 import nodes

from geo_service.desk.doubts import CLAIMS
from geo_service.desk.standards import Verdict
from geo_service.hours import State
from geo_service.layers import CHECK_KINDS
from geo_service.layers.model import AccessMethod
from geo_service.settings import resource_dir
from geo_service.store.accounts import Role
from geo_service.web.words import WORDS, script_words

WEB = Path(__file__).resolve().parents[1] / "geo_service" / "web"
OWN_PREFIXES = ("desk_", "spot_")
"""Nothing but a word's key starts so: such a text is said wherever it stands, as it is or handed on."""

GAPS = {
    "access_": get_args(AccessMethod),
    "desk_role_": get_args(Role),
    "desk_said_": CLAIMS,
    "spot_against_": CLAIMS,
    "desk_verdict_": get_args(Verdict),
    "desk_trust_": ("news", "repost", "abstract"),
}
"""What may stand in the gap of a key that is put together; of other such keys every word counts as said."""

BY_VALUE = frozenset(map(str, State))
"""Words whose key is a value of an answer."""


class Said(NamedTuple):
    """
    Keys that a source names whole, beginnings of those that it puts together, and what it may hand on.

    The last are all texts of a source that says a key it holds in a variable, and elsewhere those with an underscore,
    which are hardly anything but a key handed to another file; those among them that are in the catalogue are said.
    """

    keys: frozenset[str]
    prefixes: frozenset[str]
    texts: frozenset[str] = frozenset()


def said_in_template(text: str) -> Said:
    keys, prefixes, hands_on = set(), set(), False
    tree = jinja2.Environment(autoescape=True).parse(text)
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "say" and call.args:
            for value in _choices(call.args[0]):
                if isinstance(value, nodes.Const):
                    keys.add(value.value)
                elif isinstance(value, nodes.Concat) and isinstance(value.nodes[0], nodes.Const):
                    prefixes.add(value.nodes[0].value)
                else:
                    hands_on = True
    texts = {const.value for const in tree.find_all(nodes.Const) if isinstance(const.value, str)}
    return _said(keys, prefixes, texts, hands_on)


def said_in_code(text: str) -> Said:
    keys, prefixes, hands_on = set(), set(), False
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _speaks(node.func) and node.args:
            for value in _branches(node.args[0]):
                if isinstance(value, ast.Constant):
                    keys.add(value.value)
                elif isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
                    prefixes.add(value.values[0].value)
                else:
                    hands_on = True
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "WORDS":
            keys |= {node.slice.value} if isinstance(node.slice, ast.Constant) else set()
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return _said(keys, prefixes, texts, hands_on)


def _said(keys: set[str], prefixes: set[str], texts: set[str], hands_on: bool) -> Said:
    own = {text for text in texts if text.startswith(OWN_PREFIXES) and text.isidentifier()} - prefixes
    may_be_keys = texts if hands_on else {text for text in texts if "_" in text}
    return Said(frozenset(keys | own), frozenset(prefixes), frozenset(may_be_keys))


def _choices(value: nodes.Node | None) -> Iterator[nodes.Node | None]:
    if isinstance(value, nodes.CondExpr):
        yield from _choices(value.expr1)
        yield from _choices(value.expr2)
    else:
        yield value


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from _branches(value.body)
        yield from _branches(value.orelse)
    else:
        yield value


def _speaks(called: ast.expr) -> bool:
    name = ast.unparse(called)
    return name == "say" or name.startswith("words_in(")


def said_everywhere() -> Said:
    templates = [said_in_template(p.read_text("utf-8")) for p in resource_dir("templates").rglob("*.html")]
    code = [said_in_code(p.read_text("utf-8")) for p in WEB.rglob("*.py") if not p.name.startswith("words_")]
    found = (*templates, *code)
    return Said(
        *(frozenset().union(*parts) for parts in zip(*found, strict=True)),
    )


def put_together(said: Said, catalogue: frozenset[str]) -> frozenset[str]:
    """Keys that the beginnings may become: as the table of gaps says, else whatever the catalogue has."""
    return frozenset(
        key
        for prefix in said.prefixes
        for key in (
            {prefix + value for value in GAPS[prefix]}
            if prefix in GAPS
            else {word for word in catalogue if word.startswith(prefix)} or {prefix}
        )
    )


def amiss(said: Said, catalogue: frozenset[str]) -> tuple[list[str], list[str]]:
    """Keys that are said and missing, and words that nobody says."""
    keys = said.keys | put_together(said, catalogue) | BY_VALUE | (said.texts & catalogue)
    return sorted(keys - catalogue), sorted(catalogue - keys)


LISTS = {"weekdays", "implied", "order"}
"""What the block of words holds besides words. (`words.js`, `words.py` are files, `words.replace` a text's own.)"""


def said_in_scripts() -> Said:
    """Scripts say ``words.key`` or ``words[`beginning_${value}`]``, or hand a quoted key to one that does."""
    scripts = [p.read_text("utf-8") for p in (WEB / "static").rglob("*.js") if "vendor" not in p.parts]
    text = "\n".join(
        script for script in scripts if re.search(r"\bwords\b.* from |getElementById..words", script)
    )
    keys = re.findall(r"\bwords\??\.([a-z][a-z0-9_]*)", text)
    prefixes = re.findall(r"\bwords\[`([a-z][a-z0-9_]*_)\$\{", text)
    texts = re.findall(r"[a-z][a-z0-9_]*", text)
    return Said(frozenset(keys), frozenset(prefixes), frozenset(texts))


def test_every_word_that_is_said_is_in_the_catalogue_and_none_is_idle():
    missing, idle = amiss(said_everywhere(), frozenset(WORDS))
    carried = script_words("zh")
    assert (missing, [word for word in idle if word.removeprefix("js_") not in carried]) == ([], [])


def test_every_word_that_a_script_says_reaches_it_and_none_is_carried_idly():
    said, carried = said_in_scripts(), frozenset(script_words("zh")) - {"weekdays"}
    begun = frozenset(word for word in carried if word.startswith(tuple(said.prefixes)))
    assert sorted(said.keys - carried - LISTS - {"js", "py", "replace"}) == []
    assert sorted(carried - said.keys - begun - said.texts) == []


def test_every_kind_of_fact_has_its_question():
    asked = {word.removeprefix("desk_ask_") for word in WORDS if word.startswith("desk_ask_")}
    assert asked <= set(CHECK_KINDS)
    assert {"existence", "hours", "services", "access", "cabinet"} <= asked


CATALOGUE = frozenset({"hello", "bye", "desk_a", "access_open", "x_one"} | BY_VALUE)


@pytest.mark.parametrize(
    ("template", "missing"),
    [
        ('{{ say("hello") }}', []),
        ('{{ say("helo") }}', ["helo"]),
        ('{{ say("hello" if x else "by") }}', ["by"]),
        ('{% for w in ["desk_a", "desk_b"] %}{{ say(w) }}{% endfor %}', ["desk_b"]),
        ('{{ say("access_" ~ way) }}', ["access_code", "access_gate", "access_qr", "access_staff"]),
        ('{{ say("y_" ~ z) }}', ["y_"]),
    ],
)
def test_a_word_that_a_template_says_and_nobody_wrote_is_found(template, missing):
    assert amiss(said_in_template(template), CATALOGUE)[0] == missing


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ('words_in(lang)("hello")', []),
        ('words_in(say_lang())("helo", n=3)', ["helo"]),
        ('f(refusal="desk_z")', ["desk_z"]),
        ('say(f"y_{kind}")', ["y_"]),
        ('WORDS["helo"]', ["helo"]),
    ],
)
def test_a_word_that_the_code_says_and_nobody_wrote_is_found(code, missing):
    assert amiss(said_in_code(code), CATALOGUE)[0] == missing


def test_a_word_that_nobody_says_is_found():
    said = said_in_template('{{ say("hello") }}{{ say("x_" ~ y) }}{# say("bye") #}<p>desk_a</p>')
    assert amiss(said, CATALOGUE)[1] == ["access_open", "bye", "desk_a"]


def test_a_word_that_is_handed_on_in_a_variable_is_said_and_elsewhere_it_is_not():
    handed = said_in_code('for what in ("bye", "other"):\n    say(what)')
    assert amiss(handed, CATALOGUE) == ([], ["access_open", "desk_a", "hello", "x_one"])
    elsewhere = said_in_code('x = "bye", "x_one"\nsay("hello")')
    assert amiss(elsewhere, CATALOGUE) == ([], ["access_open", "bye", "desk_a"])
