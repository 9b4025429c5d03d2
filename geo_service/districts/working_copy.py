"""
The layers as files one can hold, and how they and the store find together again.

After an edit the changed layer's file is rewritten, whole or not at all. ``layers/.written.json`` says at
which version, and with which bytes, each file was last written here; so a file that somebody changed by hand,
with a GIS or by ``git pull`` is told from one that merely lags behind, and the version both sides started from is
known. A file changed by hand is never overwritten: it waits for `sync`, which merges it field by field.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from geo_service.errors import InvalidInputError, StaleEditError
from geo_service.layers import (
    Catalogue,
    Edit,
    Feature,
    Layer,
    Place,
    dump_layer,
    edits_between,
    merge_features,
    parse_layer,
    read_json,
)
from geo_service.store.base import Store

Side = Literal["file", "store"]
SIDES: tuple[Side, ...] = ("file", "store")

FILE_LIMIT_BYTES = 50_000_000
"""A larger GeoJSON file is refused unread."""

_WRITTEN = ".written.json"
_LOOK_BACK = 200
"""How many versions are searched for the bytes of a file whose writing was not noted."""

_RETRIES = 20
"""How often a sync begins again because somebody edited meanwhile."""


class Written(NamedTuple):
    """What was last written to a layer's file: which version, which bytes."""

    version: int
    sha256: str


class Clash(NamedTuple):
    """A field that both sides changed differently; of field ``removed`` one side is None: it took the feature away."""

    feature_id: str
    field: str
    in_store: object
    in_file: object


@dataclass(frozen=True)
class Synced:
    """
    What a sync did, or would do, to one layer.

    Parameters
    ----------
    layer
        Its name.
    edits
        Edits taken from the file into the store.
    clashes
        Fields changed on both sides, each differently.
    is_rewritten
        Whether the file was brought up to the store.
    """

    layer: str
    edits: tuple[Edit, ...]
    clashes: tuple[Clash, ...]
    is_rewritten: bool


def layer_path(directory: Path, layer: str) -> Path:
    """
    Where the working copy of a layer stands.

    Parameters
    ----------
    directory
        District directory.
    layer
        Name of the layer.

    Returns
    -------
    path
        It need not exist.
    """
    return directory / "layers" / f"{layer}.geojson"


def write_working_copy(directory: Path, store: Store, layer: str) -> bool:
    """
    Bring ``layers/<layer>.geojson`` up to the store, unless somebody changed it by hand.

    Writers of several processes take turns, and each writes what the store holds when its turn comes: a
    file never goes back to an older version.

    Parameters
    ----------
    directory
        District directory.
    store
        Its store.
    layer
        Name of the layer.

    Returns
    -------
    is_written
        False if the file was changed by hand; it waits for `sync`.
    """
    with _turn(directory):
        if is_changed_by_hand(directory, store, layer):
            return False
        _rewrite(directory, store.layer(layer))
        return True


def is_changed_by_hand(directory: Path, store: Store, layer: str) -> bool:
    """
    Whether the file of a layer holds something that the store never wrote there.

    Parameters
    ----------
    directory
        District directory.
    store
        Its store.
    layer
        Name of the layer.

    Returns
    -------
    is_changed
        False also where there is no file: a deleted one is simply written again.
    """
    path = layer_path(directory, layer)
    if not path.is_file():
        return False
    data = read_file(path)
    written = _read_written(directory).get(layer)
    if written is not None and written.sha256 == _sha256(data):
        return False
    return _version_of(data, store, layer) is None


def sync_layer(
    directory: Path,
    store: Store,
    layer: str,
    *,
    actor: str,
    at: datetime,
    prefer: Side | None = None,
    is_dry_run: bool = False,
) -> Synced:
    """
    Let the file and the store of one layer agree again.

    What was changed in the file since it was written goes into the store, field by field, beside what was changed
    there; then the file is rewritten. Fields that both sides changed differently stop it, unless a side is
    preferred; the other value stays in the history.

    Parameters
    ----------
    directory
        District directory.
    store
        Its store.
    layer
        Name of the layer.
    actor
        Who syncs, for the history.
    at
        The instant, aware.
    prefer
        Which side wins where both changed a field; None to be told of it.
    is_dry_run
        Look, but write nothing.

    Returns
    -------
    synced
        With clashes and no preference nothing was changed.

    Raises
    ------
    InvalidInputError
        If the file breaks a rule of the place model; nothing is changed then.
    """
    with _turn(directory):
        for _ in range(_RETRIES):
            present = store.layer(layer)
            path = layer_path(directory, layer)
            data = read_file(path) if path.is_file() else None
            edits, clashes = _merge(directory, store, present, data, prefer)
            if is_dry_run or (clashes and prefer is None):
                is_apart = data is None or bool(edits) or data != dump_layer(present)
                return Synced(layer, edits, clashes, is_rewritten=is_apart and not clashes and is_dry_run)
            try:
                if edits:
                    store.apply(edits, actor=actor, role="file", source=f"sync {path.name}", at=at)
            except StaleEditError:
                continue  # somebody edited between reading and writing: merge again
            is_rewritten = _rewrite(directory, store.layer(layer))
            return Synced(layer, edits, clashes, is_rewritten)
    raise StaleEditError(f"layer {layer} was edited too busily to be synced; try again", layer=layer)


def forget_layers(directory: Path, known: Sequence[str], *, is_dry_run: bool = False) -> tuple[str, ...]:
    """
    Forget what was written of layers that are no more: neither known nor there as a file.

    Parameters
    ----------
    directory
        District directory.
    known
        Names of the layers that the store holds or ever held.
    is_dry_run
        Look, but write nothing.

    Returns
    -------
    forgotten
        Their names.
    """
    with _turn(directory):
        noted = _read_written(directory)
        gone = tuple(name for name in noted if name not in known and not layer_path(directory, name).exists())
        if gone and not is_dry_run:
            _note(directory, {name: written for name, written in noted.items() if name not in gone})
        return gone


def read_file(path: Path) -> bytes:
    """
    Read a file that is no larger than `FILE_LIMIT_BYTES`.

    Parameters
    ----------
    path
        Where it is.

    Returns
    -------
    data
        Its bytes.

    Raises
    ------
    InvalidInputError
        If it is larger or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > FILE_LIMIT_BYTES:
            raise InvalidInputError(
                f"{path}: {size} bytes; at most {FILE_LIMIT_BYTES} are read",
                parameter="FILE",
                value=str(path),
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error.strerror}", parameter="FILE", value=str(path)
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """
    Write a file so that a reader sees the old bytes or the new, also after a power cut.

    Parameters
    ----------
    path
        File to write.
    data
        Its new content.

    Raises
    ------
    InvalidInputError
        If it cannot be written there.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be written: {error.strerror}; choose a path you may write to",
            parameter="path",
            value=str(path),
        ) from error


def _flush_folder(folder: Path) -> None:
    """A renamed file is safe only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _turn(directory: Path) -> Iterator[None]:
    """Wait for the other writers of this folder; the lock goes with the process that holds it."""
    folder = directory / "layers"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _rewrite(directory: Path, layer: Layer) -> bool:
    """Write the file and then the note; killed in between, the bytes are found again by `_version_of`."""
    path, data = layer_path(directory, layer.name), dump_layer(layer)
    is_new = not path.is_file() or path.read_bytes() != data
    if is_new:
        write_atomically(path, data)
    noted = _read_written(directory)
    now = Written(layer.version, _sha256(data))
    if noted.get(layer.name) != now:
        _note(directory, noted | {layer.name: now})
    return is_new


def _note(directory: Path, noted: Mapping[str, Written]) -> None:
    notes = {name: written._asdict() for name, written in noted.items()}
    write_atomically(
        directory / "layers" / _WRITTEN,
        orjson.dumps(notes, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS),
    )


def _read_written(directory: Path) -> dict[str, Written]:
    """Notes of what was written; a lost or broken note costs a search through the versions, no more."""
    path = directory / "layers" / _WRITTEN
    try:
        notes: Any = orjson.loads(path.read_bytes())
        return {name: Written(int(note["version"]), str(note["sha256"])) for name, note in notes.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _version_of(data: bytes, store: Store, layer: str) -> int | None:
    """The newest version of which these are the very bytes."""
    newest = _newest(store, layer)
    for version in range(newest, max(newest - _LOOK_BACK, -1), -1):
        if dump_layer(store.layer_at(layer, version)) == data:
            return version
    return None


def _newest(store: Store, layer: str) -> int:
    return next((info.version for info in store.layers() if info.name == layer), 0)


def _base(directory: Path, store: Store, layer: str, data: bytes) -> Layer:
    """What the file held before it was changed: as noted, else the version it is, else what the store holds now."""
    written = _read_written(directory).get(layer)
    version = _version_of(data, store, layer)
    if version is None and written is not None and 0 <= written.version <= _newest(store, layer):
        version = written.version
    return store.layer(layer) if version is None else store.layer_at(layer, version)


def _merge(
    directory: Path, store: Store, present: Layer, data: bytes | None, prefer: Side | None
) -> tuple[tuple[Edit, ...], tuple[Clash, ...]]:
    """Edits that bring the file's changes into the store as it is, and the fields both changed."""
    written = _read_written(directory).get(present.name)
    if data is None or (written is not None and written.sha256 == _sha256(data)):
        return (
            (),
            (),
        )  # nobody changed it: after a restore the file may be ahead of the store, and must follow
    base = _base(directory, store, present.name, data)
    theirs = _parse(data, base, store.catalogue, layer_path(directory, present.name))
    ours = {feature.id: feature for feature in present.features}
    edits: list[Edit] = []
    clashes: list[Clash] = []
    for change in edits_between(base, theirs):
        mine = ours.get(change.id)
        after, found = _merge_one(change, mine, prefer)
        clashes += found
        if after != mine:
            edits.append(Edit(present.name, change.id, present.version, mine, after))
    return tuple(edits), tuple(clashes)


def _merge_one(
    change: Edit, mine: Feature | None, prefer: Side | None
) -> tuple[Feature | None, tuple[Clash, ...]]:
    """One feature as it shall be, given what the file did to it and how it stands in the store."""
    if change.after is None:
        if mine is None or mine == change.before:
            return None, ()
        return (None if prefer == "file" else mine), (Clash(change.id, "removed", "changed", None),)
    if mine is None:
        if change.before is None:
            return change.after, ()
        return (change.after if prefer == "file" else None), (Clash(change.id, "removed", None, "changed"),)
    merged, conflicts = (
        merge_features(change.before, change.after, mine)
        if prefer == "file"
        else merge_features(change.before, mine, change.after)
    )
    return merged, tuple(
        Clash(change.id, one.field, *((one.theirs, one.ours) if prefer == "file" else (one.ours, one.theirs)))
        for one in conflicts
    )


def _parse(data: bytes, base: Layer, catalogue: Catalogue, path: Path) -> Layer:
    """Read a file that a person or a GIS wrote: features that are new there have no id yet."""
    document, twice = read_json(data, str(path))
    features = document.get("features") if isinstance(document, dict) else None
    if isinstance(features, list) and not twice and _name_new(features, base.name):
        data = orjson.dumps(document)
    theirs = parse_layer(data, base.name, catalogue, path=str(path))
    before = {feature.id: feature for feature in base.features}
    return replace(theirs, features=tuple(_as_meant(one, before.get(one.id)) for one in theirs.features))


def _name_new(features: Sequence[Any], layer: str) -> bool:
    """Give an id to each feature that has none; whether there was one."""
    nameless = [one for one in features if isinstance(one, dict) and one.get("id") in (None, "")]
    for feature in nameless:
        feature["id"] = f"{re.sub('[^a-z0-9]', '-', layer)}-{secrets.token_hex(5)}"
    return bool(nameless)


def _as_meant(theirs: Feature, base: Feature | None) -> Feature:
    """Undo what a GIS does to a column of true and numbers: GDAL writes 1 for true."""
    if (
        not isinstance(theirs, Place)
        or not isinstance(base, Place)
        or not isinstance(base.ebike_parking, bool)
    ):
        return theirs
    is_same = theirs.ebike_parking is not None and int(theirs.ebike_parking) == int(base.ebike_parking)
    return replace(theirs, ebike_parking=base.ebike_parking) if is_same else theirs


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def clash_json(clash: Clash) -> Mapping[str, Any]:
    """
    A clash as JSON values.

    Parameters
    ----------
    clash
        What both sides changed.

    Returns
    -------
    values
        ``id``, ``field``, ``store``, ``file``.
    """
    return {
        "id": clash.feature_id,
        "field": clash.field,
        "store": _plain(clash.in_store),
        "file": _plain(clash.in_file),
    }


def _plain(value: object) -> Any:
    """Values of a feature's field as JSON has them."""
    return orjson.loads(orjson.dumps(value, default=str))
