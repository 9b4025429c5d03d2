"""How a form of a place becomes an edit: what counts as checked, who changed what meanwhile, what is contested."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from geo_service.desk.rota import kinds_of
from geo_service.errors import InvalidInputError, StaleEditError
from geo_service.layers import (
    CHECK_KINDS,
    Catalogue,
    Checked,
    Feature,
    Place,
    changed_fields,
    differences,
    feature_to_json,
    field_values,
    load_feature,
    merge_features,
)
from geo_service.store.base import Store
from geo_service.web.desk.place_fields import input_of, kind_of
from geo_service.web.words import LANGS, WORDS, Lang, words_in

_CONTACT = frozenset({"phone"})
_LOOK_BACK = 100


class Contest(NamedTuple):
    """One field that two people changed, each otherwise: its name, its words and both values as one reads them."""

    name: str
    words: str
    theirs: str
    mine: str


class Stale(NamedTuple):
    """
    An edit that met another of the same fields.

    Parameters
    ----------
    version
        Of the feature now: what the next try starts from.
    theirs
        The feature now; None if it was removed.
    mixed
        What stands in the form next: everything of the other, except what both changed, where ours stands.
    names
        Fields that both changed.
    who
        Who changed them.
    """

    version: int
    theirs: Feature | None
    mixed: Feature
    names: tuple[str, ...]
    who: str


def date_checks(before: Feature | None, after: Feature, role: str, on: date, *, is_all: bool) -> Feature:
    """
    Date the facts that an editor changed: who changes one has looked at it.

    Parameters
    ----------
    before
        The feature as the editor saw it; None if it is new.
    after
        As it shall be.
    role
        Role of the editor.
    on
        The day.
    is_all
        Whether the editor says that everything was looked at.

    Returns
    -------
    feature
        With check dates; the same one if nothing was changed or looked at.
    """
    if before is None:
        kinds = {"existence", "position", *map(_kind, feature_to_json(after)["properties"])}
    else:
        kinds = set(map(_kind, changed_fields(before, after)))
    if is_all:
        kinds |= {"existence", "position", *after.provenance.checked}
        kinds |= (
            set(kinds_of(after)) | ({"contact"} if after.phone else set())
            if isinstance(after, Place)
            else set()
        )
    checked = {kind: Checked(on, role) for kind in kinds if kind in CHECK_KINDS}
    if not checked:
        return after
    held = dict(sorted((dict(after.provenance.checked) | checked).items()))
    return replace(after, provenance=replace(after.provenance, checked=held))


def _kind(field: str) -> str:
    root = field.partition(".")[0]
    return "contact" if root in _CONTACT else root


def changed_meanwhile(
    store: Store, layer: str, feature_id: str, since: int, own_change: int | None = None
) -> Mapping[str, tuple[str, ...]]:
    """
    What others changed of a feature since a version.

    Parameters
    ----------
    store
        Where it is.
    layer
        Its layer.
    feature_id
        The feature.
    since
        Version that was on the screen.
    own_change
        A change to leave out.

    Returns
    -------
    fields
        By who changed them, without check dates.
    """
    found: dict[str, dict[str, None]] = {}
    for change in store.history(layer, feature_id, _LOOK_BACK):
        if change.version > since and change.id != own_change:
            names = (one.field for one in differences(change.before, change.after))
            told = {name: None for name in names if not name.startswith("provenance.")}
            found[change.actor] = told | found.get(change.actor, {})
    return {actor: tuple(names) for actor, names in found.items() if names}


def explain_stale(error: StaleEditError, store: Store, base: Feature, after: Feature) -> Stale:
    """
    Make ready what an editor is shown whose edit met another.

    Parameters
    ----------
    error
        As the store raised it.
    store
        Tells who it was.
    base
        The feature as the editor saw it.
    after
        As the editor wants it.

    Returns
    -------
    stale
        What the next form holds.
    """
    facts: Mapping[str, Any] = error.facts
    who = changed_meanwhile(store, base.layer, base.id, int(facts["base_version"]))
    names = tuple(facts["fields"])
    theirs = load_feature(facts["current"], base.layer) if facts["current"] else None
    mixed = merge_features(base, after, theirs)[0] if theirs else after
    last = store.history(base.layer, base.id, 1)
    told = [actor for actor, changed in who.items() if not names or set(changed) & set(names)]
    actors = ", ".join(told or [change.actor for change in last])
    return Stale(int(facts["version"]), theirs, mixed, names, actors)


def contests(
    names: Sequence[str], theirs: Feature, mine: Feature, lang: Lang, catalogue: Catalogue
) -> list[Contest]:
    """
    Set both values of contested fields side by side.

    Parameters
    ----------
    names
        The fields.
    theirs
        The feature as it is.
    mine
        As the editor wants it.
    lang
        Language of the words.
    catalogue
        Names the services.

    Returns
    -------
    contests
        In the order of the names.
    """
    one, other = field_values(theirs, names), field_values(mine, names)
    return [
        Contest(name, field_words(name, lang, catalogue), _as_words(one[name]), _as_words(other[name]))
        for name in names
    ]


def _as_words(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, Mapping):
        return ", ".join(filter(None, map(_as_words, value.values())))
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(_as_words, value)))
    return str(value)


def field_words(name: str, lang: Lang, catalogue: Catalogue) -> str:
    """
    Name of a field as one reads it.

    Parameters
    ----------
    name
        As `changed_fields` gives it.
    lang
        Language of the words.
    catalogue
        Names the services.

    Returns
    -------
    words
        A field without words keeps its own name.
    """
    say, (root, _, rest) = words_in(lang), name.partition(".")
    if name.startswith("provenance.checked."):
        kind = name.removeprefix("provenance.checked.")
        return f"{say('field_checked')} · {say(f'field_{kind}') if f'field_{kind}' in WORDS else kind}"
    if f"field_{name}" in WORDS:
        return say(f"field_{name}")
    if f"field_{root}" not in WORDS:
        return name
    part = rest.partition("#")[0]
    if root == "services" and part in catalogue.services:
        part = catalogue.services[part][LANGS.index(lang)]
    if root == "access":
        part = say(f"access_{part}") if f"access_{part}" in WORDS else part
    return f"{say(f'field_{root}')} · {part}" if part else say(f"field_{root}")


def fault_words(error: InvalidInputError, lang: Lang) -> dict[str, list[str]]:
    """
    Say faults of the place model at the inputs where they were typed.

    Parameters
    ----------
    error
        As `feature_from_json` raised it.
    lang
        Language of the words.

    Returns
    -------
    faults
        Sentences by name of the input; the digits of a door code are in none.
    """
    listed: Any = error.facts.get("errors")
    found: dict[str, list[str]] = {}
    for one in listed if isinstance(listed, list) else []:
        name = input_of(str(one["field"]))
        found.setdefault(name, []).append(_fault(name, str(one["rule"]), lang))
    return {name: list(dict.fromkeys(said)) for name, said in found.items()}


def _fault(name: str, rule: str, lang: Lang) -> str:
    say = words_in(lang)
    for part, key in (("door code", "code"), ("must not be before", "days")):
        if part in rule:
            return say(f"place_bad_{key}")
    if rule == "is required":
        return say("place_ungiven")
    key = f"place_bad_{kind_of(name)}"
    plain = rule.partition(" (")[0] if kind_of(name) == "hours" else rule
    return f"{say(key)} {plain}" if lang == "en" else say(key)


def next_id(store: Store, layer: str, ids: Iterable[str]) -> str:
    """
    Suggest an id for a new place: the next number of the layer's scheme.

    Parameters
    ----------
    store
        Knows which ids were ever used.
    layer
        The layer.
    ids
        Its present ids.

    Returns
    -------
    id
        Never used before in the layer.
    """
    schemes: dict[str, list[str]] = {}
    for one in ids:
        head = one.rstrip("0123456789")
        if head != one:
            schemes.setdefault(head, []).append(one[len(head) :])
    head, numbers = max(schemes.items(), key=lambda scheme: len(scheme[1]), default=(f"{layer}-", ["000"]))
    width, number = max(map(len, numbers)), max(map(int, numbers))
    while True:
        number += 1
        proposed = f"{head}{number:0{width}d}"
        if not store.history(layer, proposed, 1):
            return proposed
