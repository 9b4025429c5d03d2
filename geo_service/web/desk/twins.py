"""Two signs at one door: pairs side by side, merged field by field or remembered as two places."""

from collections.abc import Mapping
from typing import NamedTuple

from flask import flash, request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action, is_allowed
from geo_service.districts.comparing import find_pairs, keep_apart, merge_pair
from geo_service.errors import InvalidInputError
from geo_service.exchange.twins import Choice, Twin
from geo_service.layers import Place
from geo_service.web.desk.door import allow, current_account, go, here_district, page, say_lang, show
from geo_service.web.desk.history import author_of
from geo_service.web.desk.told import field_name, shown_value
from geo_service.web.words import words_in

MOST_PAIRS = 20
_FIXED = frozenset({"status", "status_reason", "status_from", "status_until", "provenance"})
"""What a merge never takes from the one that goes."""


class Line(NamedTuple):
    """One field of a pair: its key and name, both values, which is taken first, and whether one may choose."""

    key: str
    name: str
    mine: str
    other: str
    taken: Choice
    is_free: bool


@page("/twins", Action.COMPARE)
def twins(district_id: str) -> ResponseReturnValue:
    """List pairs of places that may be one, best first."""
    district, account = here_district(), current_account()
    layer = request.args.get("layer", "")
    pairs = [
        pair
        for pair in find_pairs(district, [layer] if layer else ())
        if is_allowed(account, Action.COMPARE, pair.keep.layer, pair.keep.id)
        and is_allowed(account, Action.COMPARE, pair.remove.layer, pair.remove.id)
    ]
    catalogue = district.catalogue
    return show(
        "twins.html",
        pairs=[(pair, _lines(pair)) for pair in pairs[:MOST_PAIRS]],
        n_pairs=len(pairs),
        layer=layer,
        layers=[(key, (catalogue[key].zh, catalogue[key].en)) for key in district.layer_names()],
        version=lambda name: district.store.layer(name).version,
    )


def _lines(pair: Twin) -> list[Line]:
    allowed = {"position", *here_district().catalogue[pair.keep.layer].fields}
    return [
        Line(
            key,
            field_name(key),
            shown_value(mine),
            shown_value(other),
            "remove" if mine is None else "keep",
            key in allowed and key not in _FIXED and key != "external_ids",
        )
        for key, (mine, other) in pair.fields.items()
        if key != "provenance"
    ]


@page("/twins/merge", Action.COMPARE, ("POST",))
def twins_merge(district_id: str) -> ResponseReturnValue:
    """Make one place of two, with the values that were chosen."""
    first, second = _pair()
    for place in (first, second):
        allow(Action.EDIT, place.layer, place.id)
    is_turned = request.form.get("stays") == second.id
    keep, remove = (second, first) if is_turned else (first, second)
    kept = merge_pair(
        here_district(),
        keep.id,
        remove.id,
        author=author_of(f"merge of {remove.layer}/{remove.id}"),
        choices=_choices(is_turned),
        versions=(_version(keep), _version(remove)),
    )
    flash(words_in(say_lang())("twins_merged", name=kept.name))
    return go("twins", layer=request.form.get("layer") or None)


@page("/twins/apart", Action.COMPARE, ("POST",))
def twins_apart(district_id: str) -> ResponseReturnValue:
    """Remember that two places are two."""
    first, second = _pair()
    for place in (first, second):
        allow(Action.COMPARE, place.layer, place.id)
    keep_apart(here_district().store, first.id, second.id)
    flash(words_in(say_lang())("twins_noted"))
    return go("twins", layer=request.form.get("layer") or None)


def _pair() -> tuple[Place, Place]:
    """The two places of the form, in the order of their columns."""
    ids = [request.form.get(name, "") for name in ("first", "second")]
    first, second = here_district().store.features(ids)
    if not isinstance(first, Place) or not isinstance(second, Place):
        raise InvalidInputError("areas have no twins; name two places", parameter="first", value=ids[0][:80])
    return first, second


def _choices(is_turned: bool) -> Mapping[str, Choice]:
    """Whose value is taken; the form says the left column (first) or the right one (second)."""
    mine, other = ("second", "first") if is_turned else ("first", "second")
    sides: dict[str, Choice] = {mine: "keep", other: "remove"}
    chosen = {
        name.removeprefix("take."): value for name, value in request.form.items() if name.startswith("take.")
    }
    return {name: sides[value] for name, value in chosen.items() if value in sides}


def _version(place: Place) -> int:
    text = request.form.get(f"version.{place.layer}", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInputError(
            f"version.{place.layer}={text[:20]!r} is no version; load the page again",
            parameter="version",
            value=text[:20],
        )
    return int(text)
