"""What changed, who changed it, and how to bring it back."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from flask import flash, request
from flask.typing import ResponseReturnValue

from geo_service.desk.permissions import Action
from geo_service.districts import importing
from geo_service.districts.working_copy import write_working_copy
from geo_service.errors import InvalidInputError
from geo_service.layers import Difference, differences
from geo_service.store.base import Applied, Author, Change
from geo_service.store.verbs import restore_feature
from geo_service.web.desk.door import allow, current_account, go, here_district, page, say_lang, show
from geo_service.web.desk.place_saving import field_words
from geo_service.web.served import present_time
from geo_service.web.words import words_in

PAGE_LENGTH = 100
"""Parts of changes on one page; one change is never cut in two unless it is longer."""


class Told(NamedTuple):
    """One feature's part in a change, with the fields that differ."""

    change: Change
    differences: tuple[Difference, ...]


@page("/history", Action.LOOK)
def history(district_id: str) -> ResponseReturnValue:
    """List changes, newest first: of the district, a layer or a place."""
    store = here_district().store
    layer, feature_id = request.args.get("layer") or None, request.args.get("id") or None
    before = _number("before") if request.args.get("before") else None
    changes = store.history(layer, feature_id, PAGE_LENGTH, before=before)
    told = [Told(change, differences(change.before, change.after)) for change in changes]
    grouped = [(key, list(parts)) for key, parts in groupby(told, key=lambda one: one.change.id)]
    more = changes[-1].id if len(changes) == PAGE_LENGTH else None
    lang, catalogue = say_lang(), here_district().catalogue
    return show(
        "history.html",
        grouped=grouped,
        layer=layer,
        feature_id=feature_id,
        more=more,
        named=lambda name: field_words(name, lang, catalogue),
    )


@page("/history/undo", Action.RESTORE, ("POST",))
def undo_change(district_id: str) -> ResponseReturnValue:
    """Take one change back, as a new change."""
    store, number = here_district().store, _number("change")
    changes = store.history(change_id=number)
    for change in changes:
        allow(Action.RESTORE, change.layer, change.feature_id)
    _told(importing.undo_change(here_district(), number, author_of(f"undo of change {number}")))
    return go("history")


@page("/history/restore", Action.RESTORE, ("POST",))
def restore_place(district_id: str) -> ResponseReturnValue:
    """Bring one place back to how it was at a version."""
    layer, feature_id = request.form.get("layer", ""), request.form.get("id", "")
    allow(Action.RESTORE, layer, feature_id)
    version = _number("version")
    author = author_of(f"restore to version {version}")
    _told(restore_feature(here_district().store, layer, feature_id, version, author))
    return go("history", layer=layer, id=feature_id)


def author_of(source: str) -> Author:
    """
    Who makes a change at the desk, for the history.

    Parameters
    ----------
    source
        Where the change comes from.

    Returns
    -------
    author
        The account, its role, and now.
    """
    account = current_account()
    return Author(account.name, account.role, source, present_time())


def follow(layers: Sequence[str]) -> None:
    """
    Bring the working copy of changed layers up to the store.

    Parameters
    ----------
    layers
        Names of the layers.
    """
    district = here_district()
    waiting = [name for name in layers if not write_working_copy(district.directory, district.store, name)]
    if waiting:
        flash(words_in(say_lang())("desk_file_waits", layers=", ".join(waiting)))


def _told(applied: Applied) -> None:
    say = words_in(say_lang())
    follow(tuple(applied.versions))
    flash(say("desk_restored") if applied.change_id is not None else say("desk_nothing_differed"))


def _number(name: str) -> int:
    text = request.values.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInputError(
            f"{name}={text[:40]!r} is not a whole number", parameter=name, value=text[:40]
        )
    return int(text)
