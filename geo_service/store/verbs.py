"""
What people do with a store in one word: remove with a reason, bring a state back, undo a change.

Each is a set of new edits on top of what is there; history is never rewritten.
"""

from collections.abc import Iterable
from dataclasses import replace

from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit, Feature, edits_between
from geo_service.store.base import Applied, Author, Change, Store


def remove_feature(
    store: Store, layer: str, feature_id: str, *, reason: str, author: Author, base_version: int | None = None
) -> Applied:
    """
    Take a feature out of its layer; its row, its history and the reason stay.

    Parameters
    ----------
    store
        Where it is.
    layer
        Its layer.
    feature_id
        The feature.
    reason
        Why, as people will read it.
    author
        Who removes it; the day goes into ``status_from``.
    base_version
        Version that was on the screen; None removes it as it is now.

    Returns
    -------
    applied
        The change.

    Raises
    ------
    StaleEditError
        If its status changed after ``base_version``.
    NotFoundError
        If there is no such feature, or it was removed.
    InvalidInputError
        If the reason breaks the rule of its field.
    """
    (now,) = store.features([feature_id])
    if now.layer != layer:
        raise NotFoundError(
            f"feature {feature_id!r} is of layer {now.layer}, not {layer}", parameter="id", value=feature_id
        )
    seen = now if base_version is None else store.feature_at(layer, feature_id, base_version)
    if seen is None:
        raise NotFoundError(
            f"{layer}/{feature_id} was not there at version {base_version}",
            parameter="base_version",
            value=base_version,
        )
    on = author.at.astimezone(SHANGHAI).date()
    gone = replace(seen, status="removed", status_reason=reason, status_from=on, status_until=None)
    return store.apply([Edit(layer, feature_id, base_version, seen, gone)], **author._asdict())


def restore_layer(store: Store, layer: str, version: int, author: Author) -> Applied:
    """
    Bring a whole layer back to one of its versions.

    Parameters
    ----------
    store
        Where it is.
    layer
        The layer.
    version
        One that it had.
    author
        Who restores it.

    Returns
    -------
    applied
        The change; features that came since are removed, those that went come back.

    Raises
    ------
    InvalidInputError
        If the layer never had that version.
    StaleEditError
        If others edit the same fields meanwhile; nothing was changed, try again.
    """
    edits = edits_between(store.layer(layer), store.layer_at(layer, version))
    return store.apply(list(edits), **author._asdict())


def restore_feature(store: Store, layer: str, feature_id: str, version: int, author: Author) -> Applied:
    """
    Bring one feature back to how it was at a version of its layer.

    Parameters
    ----------
    store
        Where it is.
    layer
        Its layer.
    feature_id
        The feature, removed or not.
    version
        A version of the layer at which the feature was there.
    author
        Who restores it.

    Returns
    -------
    applied
        The change.

    Raises
    ------
    InvalidInputError
        If the layer never had that version, or the feature was not there then.
    StaleEditError
        If others edit the same fields meanwhile; nothing was changed, try again.
    """
    then = store.feature_at(layer, feature_id, version)
    if then is None:
        raise InvalidInputError(
            f"{layer}/{feature_id} was not there at version {version}; name one of its history",
            parameter="version",
            value=version,
        )
    present = store.layer(layer)
    now = next((one for one in present.features if one.id == feature_id), None)
    return store.apply([Edit(layer, feature_id, present.version, now, then)], **author._asdict())


def restore_district(store: Store, change_id: int, author: Author) -> Applied:
    """
    Bring all layers back to how they were just after a change.

    Parameters
    ----------
    store
        Where they are.
    change_id
        The last change that shall still hold; 0 empties every layer.
    author
        Who restores them.

    Returns
    -------
    applied
        One change of all layers.

    Raises
    ------
    InvalidInputError
        If there is no such change.
    StaleEditError
        If others edit the same fields meanwhile; nothing was changed, try again.
    """
    if change_id != 0 and not store.history(change_id=change_id, limit=1):
        raise _no_change(change_id)
    versions = store.versions_at(change_id)
    edits = [
        edit
        for info in store.layers()
        for edit in edits_between(
            store.layer(info.name), store.layer_at(info.name, versions.get(info.name, 0))
        )
    ]
    return store.apply(edits, **author._asdict())


def undo(store: Store, change_id: int, author: Author) -> Applied:
    """
    Take one change back, such as an import; what others changed since in other fields stays.

    Parameters
    ----------
    store
        Where it was made.
    change_id
        The change.
    author
        Who undoes it.

    Returns
    -------
    applied
        The change that undoes it.

    Raises
    ------
    InvalidInputError
        If there is no such change.
    StaleEditError
        If a field was changed again since, or a feature that it added was; nothing is undone then.
    """
    changes = store.history(change_id=change_id)
    if not changes:
        raise _no_change(change_id)
    return store.apply(list(_undoing(changes)), **author._asdict())


def _undoing(changes: Iterable[Change]) -> Iterable[Edit]:
    for change in changes:
        if not _is_gone(change.after):
            yield Edit(change.layer, change.feature_id, None, change.after, change.before)
        elif not _is_gone(change.before):
            # A removed feature has no value to start from; the version of its removal says what was seen.
            yield Edit(change.layer, change.feature_id, change.version, None, change.before)


def _is_gone(state: Feature | None) -> bool:
    return state is None or state.status == "removed"


def _no_change(change_id: int) -> InvalidInputError:
    return InvalidInputError(
        f"change_id={change_id} is no change of this store; history lists them",
        parameter="change_id",
        value=change_id,
    )
