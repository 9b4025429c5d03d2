"""
The layer store: its verbs, and what they do in the SQL that both databases speak.

:class:`Store` is what everyone else knows; ``sqlite`` and ``postgis`` say how to open a transaction, and
what is true of that database alone.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import orjson

from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.layers import Catalogue, Edit, Feature, Layer, check_features
from geo_service.store.accounts import AccountVerbs, check_words, to_text
from geo_service.store.freshness import Stored, check_edits, decode, encode, settle
from geo_service.store.link import Link, check_number, is_text

_KEPT_FEATURES = 50_000

_FEATURES = "SELECT id, layer, version, is_removed, doc FROM features WHERE id IN ({})"
_LAYER = "SELECT id, layer, version, is_removed, doc FROM features WHERE layer = ? AND NOT is_removed"
_LAYERS = """
    SELECT l.name, l.version, (SELECT count(*) FROM features f WHERE f.layer = l.name AND NOT f.is_removed)
    FROM layers l ORDER BY l.name
"""
_LAYER_AT = """
    SELECT h.doc FROM history h WHERE h.layer = ? AND h.doc IS NOT NULL AND h.version = (
        SELECT max(p.version) FROM history p WHERE p.feature_id = h.feature_id AND p.version <= ?
    )
"""
_FEATURE_AT = """
    SELECT doc FROM history WHERE layer = ? AND feature_id = ? AND version <= ? ORDER BY version DESC LIMIT 1
"""
_VERSIONS_AT = "SELECT layer, max(version) FROM history WHERE change_id <= ? GROUP BY layer ORDER BY layer"
_HISTORY = """
    SELECT c.id, c.at, c.actor, c.role, c.source, h.layer, h.feature_id, h.version, p.doc, h.doc
    FROM history h JOIN changes c ON c.id = h.change_id
    LEFT JOIN history p ON p.feature_id = h.feature_id AND p.version = h.previous
"""
_BY_ROLE = """
    SELECT id, doc FROM (
        SELECT id, doc, row_number() OVER (PARTITION BY id ORDER BY said DESC) AS place FROM (
            SELECT feature_id AS id, doc, 2 * change_id + 1 AS said FROM snapshots WHERE layer = ? AND role = ?
            UNION ALL
            SELECT h.feature_id, h.doc, 2 * h.change_id FROM history h JOIN changes c ON c.id = h.change_id
            WHERE h.layer = ? AND c.role = ?
        ) AS words
    ) AS ranked WHERE place = 1 ORDER BY id
"""
_NEXT_CHANGE = "SELECT coalesce(max(id), 0) + 1 FROM changes"
_ADD_CHANGE = "INSERT INTO changes (id, at, actor, role, source) VALUES (?, ?, ?, ?, ?)"
_SET_VERSION = """
    INSERT INTO layers (name, version) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version
"""
_ADD_FEATURE = "INSERT INTO features (seq, version, is_removed, doc, layer, id) VALUES (?, ?, ?, ?, ?, ?)"
_SET_FEATURE = "UPDATE features SET version = ?, is_removed = ?, doc = ? WHERE layer = ? AND id = ?"
_ADD_HISTORY = """
    INSERT INTO history (seq, change_id, layer, feature_id, version, previous, doc) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_SET_SNAPSHOT = """
    INSERT INTO snapshots (layer, role, feature_id, change_id, doc) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (layer, role, feature_id) DO UPDATE SET change_id = excluded.change_id, doc = excluded.doc
"""
# What must be true of every store: the sentence that says otherwise, and the rows it is said of.
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "feature {} is not what its history ends in",
        """
        SELECT f.id FROM features f
        LEFT JOIN history h ON h.feature_id = f.id AND h.version = f.version AND h.layer = f.layer
        WHERE h.seq IS NULL OR (h.doc IS NULL AND NOT f.is_removed)
            OR CAST(h.doc AS TEXT) <> CAST(f.doc AS TEXT)
            OR f.version <> (SELECT max(p.version) FROM history p WHERE p.feature_id = f.id)
        """,
    ),
    (
        "the history of feature {} has a gap",
        """
        SELECT feature_id FROM (
            SELECT feature_id, previous, lag(version) OVER (PARTITION BY feature_id ORDER BY seq) AS expected
            FROM history
        ) AS steps WHERE previous IS DISTINCT FROM expected
        """,
    ),
    (
        "the version of layer {} is not that of its last change",
        """
        SELECT l.name FROM layers l
        WHERE l.version IS DISTINCT FROM (SELECT max(h.version) FROM history h WHERE h.layer = l.name)
        """,
    ),
    (
        "the history of layer {} lacks a version",
        "SELECT layer FROM history GROUP BY layer HAVING count(DISTINCT version) <> max(version)",
    ),
    (
        "the list of changes has a gap: {} are there",
        "SELECT count(*) FROM changes HAVING count(*) <> coalesce(max(id), 0)",
    ),
)


@dataclass(frozen=True)
class LayerInfo:
    """A layer that has ever held a feature: its name, version, and how many features are not removed."""

    name: str
    version: int
    count: int


class Author(NamedTuple):
    """Who changes something, in which role, from where, and when (aware): what the history keeps."""

    actor: str
    role: str
    source: str
    at: datetime


class Applied(NamedTuple):
    """
    What became of a set of edits.

    Parameters
    ----------
    change_id
        The change; None if nothing differed.
    versions
        Versions of the layers that the edits name.
    merged
        Ids of features that others had changed meanwhile, in other fields: they now hold both changes.
    """

    change_id: int | None
    versions: Mapping[str, int]
    merged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """
    One feature's part in one change.

    ``id`` is shared by all features that changed together, ``at`` is UTC, ``version`` that of the layer
    after the change; ``before`` is None where the feature was added, ``after`` where it was removed.
    """

    id: int
    at: datetime
    actor: str
    role: str
    source: str
    layer: str
    feature_id: str
    version: int
    before: Feature | None
    after: Feature | None


class _Write(NamedTuple):
    """One effective edit: what becomes of a row."""

    edit: Edit
    previous: int | None
    doc: str | None
    kept: str
    is_removed: bool
    is_merged: bool


class Store(AccountVerbs):
    """
    Layers with versions and the history of every change; safe to use from many threads.

    Every verb sees committed states only, and one state throughout.

    Parameters
    ----------
    place
        Where the store is, for messages: a path, or a URL without its password.
    catalogue
        Categories and kinds of service of the district.
    """

    own_checks: ClassVar[tuple[tuple[str, str], ...]] = ()
    """What must be true besides of a store in this database; as ``_CHECKS``."""

    def __init__(self, place: str, catalogue: Catalogue) -> None:
        super().__init__(place, catalogue)
        self._parsed: dict[tuple[str, str], Feature] = {}
        self._layers: dict[str, Layer] = {}

    @abstractmethod
    def backup(self, path: Path) -> None:
        """Write a consistent copy, a SQLite file, while others go on reading and writing."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database; the store cannot be used afterwards."""

    @property
    def catalogue(self) -> Catalogue:
        """Categories and kinds of service of the district."""
        return self._catalogue

    def layers(self) -> tuple[LayerInfo, ...]:
        """List the layers that ever held a feature, by name."""
        with self.reading() as link:
            return tuple(LayerInfo(*row) for row in link.rows(_LAYERS))

    def version(self, name: str) -> int:
        """Give the present version of a layer without looking at its features; 0 if it never held any."""
        with self.reading() as link:
            return _version_of(link, name)

    def layer(self, name: str) -> Layer:
        """Give a layer as it is now, without removed features; NotFoundError if the catalogue has none such."""
        self._check_layer(name)
        with self.reading() as link:
            version = _version_of(link, name)
            held = self._layers.get(name)
            if held is not None and held.version == version:
                return held
            rows = link.rows(_LAYER, (name,))
        layer = Layer(name, tuple(self._parse(Stored(*row[1:])) for row in rows), version)
        self._layers[name] = layer
        return layer

    def layer_at(self, name: str, version: int) -> Layer:
        """Give a layer as it was at one of its versions; InvalidInputError for a version it never had."""
        self._check_layer(name)
        with self.reading() as link:
            _check_version(name, version, _version_of(link, name))
            rows = link.rows(_LAYER_AT, (name, version))
        features = (decode(doc, name) for (doc,) in rows)
        return Layer(name, tuple(one for one in features if one.status != "removed"), version)

    def feature_at(self, layer: str, feature_id: str, version: int) -> Feature | None:
        """
        Give a feature as it was at a version of its layer; None if it was not there yet, or gone.

        One that was removed with a reason is given with ``status`` ``removed``.
        """
        self._check_layer(layer)
        with self.reading() as link:
            _check_version(layer, version, _version_of(link, layer))
            return _feature_at(link, layer, feature_id, version)

    def versions_at(self, change_id: int) -> Mapping[str, int]:
        """Give the version of each layer after a change; layers that came later are missing."""
        check_number("change_id", change_id)
        with self.reading() as link:
            return dict(link.rows(_VERSIONS_AT, (change_id,)))

    def features(self, ids: Sequence[str]) -> tuple[Feature, ...]:
        """Give features in the order asked; NotFoundError names the first that is missing or removed."""
        with self.reading() as link:
            stored = self._stored(link, ids)
        for key in ids:
            if key not in stored or stored[key].is_removed:
                fault = "was removed" if key in stored else "does not exist"
                raise NotFoundError(f"feature {key[:80]!r} {fault}", parameter="id", value=key[:80])
        return tuple(self._parse(stored[key]) for key in ids)

    def apply(
        self,
        edits: Sequence[Edit],
        *,
        actor: str,
        role: str,
        source: str,
        at: datetime,
        snapshots: Sequence[Feature] = (),
    ) -> Applied:
        """
        Make all edits or none, and return when they are safe on the disk.

        An edit of a feature that changed meanwhile is merged with that change if they are of different
        fields; of one field, StaleEditError. ``snapshots`` are what the source itself said of features, kept
        per role for the next three-way merge; without one the merged feature that was written under the
        role stands for it.
        """
        check_words(actor=actor, role=role, source=source)
        author = (to_text(at, "at"), actor, role, source)
        check_edits(edits, snapshots, self._catalogue)
        with self.changing() as link:
            names = sorted({edit.layer for edit in edits} | {feature.layer for feature in snapshots})
            versions = {name: _version_of(link, name) for name in names}
            writes = self._plan_writes(link, edits, versions)
            if not writes and not snapshots:
                return Applied(None, versions)
            ((change_id,),) = link.rows(_NEXT_CHANGE)
            link.run(_ADD_CHANGE, (change_id, *author))
            versions |= {name: versions[name] + 1 for name in {write.edit.layer for write in writes}}
            _write_all(link, writes, versions, change_id)
            self._write_snapshots(link, snapshots, role, change_id)
        return Applied(change_id, versions, tuple(one.edit.id for one in writes if one.is_merged))

    def history(
        self,
        layer: str | None = None,
        feature_id: str | None = None,
        limit: int | None = None,
        *,
        before: int | None = None,
        change_id: int | None = None,
    ) -> tuple[Change, ...]:
        """List changes, newest first: of a layer, a feature, one change, or those before a change."""
        for name, value in (("limit", limit), ("before", before), ("change_id", change_id)):
            check_number(name, value)
        asked = (
            ("h.layer = ?", layer),
            ("h.feature_id = ?", feature_id),
            ("h.change_id < ?", before),
            ("h.change_id = ?", change_id),
        )
        wanted = [(text, value) for text, value in asked if value is not None]
        if not all(is_text(value) for _, value in wanted if isinstance(value, str)):
            return ()
        where = f"WHERE {' AND '.join(text for text, _ in wanted)}" if wanted else ""
        end = "ORDER BY h.seq DESC" + ("" if limit is None else " LIMIT ?")
        bindings = [value for _, value in wanted] + ([] if limit is None else [limit])
        with self.reading() as link:
            rows = link.rows(f"{_HISTORY} {where} {end}", bindings)
        return tuple(_change(*row) for row in rows)

    def last_by_role(self, layer: str, role: str) -> Mapping[str, Feature]:
        """Give what a role last said of each feature of a layer: its snapshot, or what was written under it."""
        self._check_layer(layer)
        if not is_text(role):
            return {}
        with self.reading() as link:
            rows = link.rows(_BY_ROLE, (layer, role, layer, role))
        return {key: decode(doc, layer) for key, doc in rows if doc is not None}

    def check(self) -> tuple[str, ...]:
        """Examine the store from the bytes to the replay of its history; empty if all is well."""
        found: list[str] = []
        with self.reading() as link:
            for text, sql in (*self.own_checks, *_CHECKS):
                found += [text.format(value) for (value,) in link.rows(sql)]
            for key, layer, doc in link.stream("SELECT id, layer, doc FROM features ORDER BY id"):
                found += [] if _is_canonical(key, layer, doc) else [f"feature {key} cannot be read"]
        return tuple(found)

    def _check_layer(self, name: str) -> None:
        if name not in self._catalogue:
            known = ", ".join(self._catalogue)
            raise NotFoundError(
                f"layer={name[:80]!r} is unknown; known are {known}", parameter="layer", value=name[:80]
            )

    def _parse(self, stored: Stored) -> Feature:
        """Turn a document into a feature once, however often it is asked for."""
        feature = self._parsed.get((stored.layer, stored.doc))
        if feature is None:
            feature = decode(stored.doc, stored.layer)
            if len(self._parsed) >= _KEPT_FEATURES:
                self._parsed = {}
            self._parsed[stored.layer, stored.doc] = feature
        return feature

    def _stored(self, link: Link, ids: Sequence[str]) -> dict[str, Stored]:
        known = orjson.dumps([key for key in ids if is_text(key)]).decode()
        rows = link.rows(_FEATURES.format(self.ids_in), (known,))
        return {row[0]: Stored(*row[1:]) for row in rows}

    def _plan_writes(self, link: Link, edits: Sequence[Edit], versions: Mapping[str, int]) -> list[_Write]:
        """Settle every edit against its row, and leave out those that change nothing."""
        held = self._stored(link, [edit.id for edit in edits])
        writes = []
        for edit in edits:
            stored = held.get(edit.id)
            settled = settle(edit, stored, versions[edit.layer], _seen(link, edit))
            if settled.is_merged and settled.after is not None:
                check_features([settled.after], self._catalogue)
            doc = encode(settled.after) if settled.after is not None else None
            if stored and not stored.is_removed and stored.doc == doc:
                continue
            is_removed = settled.after is None or settled.after.status == "removed"
            kept = doc or (stored.doc if stored else "")
            previous = stored.version if stored else None
            writes.append(_Write(edit, previous, doc, kept, is_removed, settled.is_merged))
        return writes

    def _write_snapshots(self, link: Link, snapshots: Sequence[Feature], role: str, change_id: int) -> None:
        held = self._stored(link, [feature.id for feature in snapshots]) if snapshots else {}
        for feature in snapshots:
            if feature.id not in held or held[feature.id].layer != feature.layer:
                raise NotFoundError(
                    f"snapshot of {feature.layer}/{feature.id}: no such feature",
                    parameter="id",
                    value=feature.id,
                )
        rows = [(feature.layer, role, feature.id, change_id, encode(feature)) for feature in snapshots]
        link.run_many(_SET_SNAPSHOT, rows)


def _version_of(link: Link, name: str) -> int:
    rows = link.rows("SELECT version FROM layers WHERE name = ?", (name,))
    return int(rows[0][0]) if rows else 0


def _check_version(name: str, version: int, newest: int) -> None:
    if not 0 <= version <= newest:
        raise InvalidInputError(
            f"version={version} of layer {name!r} is outside 0..{newest}", parameter="version", value=version
        )


def _feature_at(link: Link, layer: str, feature_id: str, version: int) -> Feature | None:
    if not is_text(feature_id):
        return None
    rows = link.rows(_FEATURE_AT, (layer, feature_id, version))
    return decode(rows[0][0], layer) if rows and rows[0][0] is not None else None


def _seen(link: Link, edit: Edit) -> Callable[[], Feature | None]:
    """What stood on the screen of who edits: the feature at the version the edit names."""
    return lambda: _feature_at(link, edit.layer, edit.id, edit.base_version or 0)


def _write_all(link: Link, writes: Sequence[_Write], versions: Mapping[str, int], change_id: int) -> None:
    for name in sorted({write.edit.layer for write in writes}):
        link.run(_SET_VERSION, (name, versions[name]))
    added, changed, steps = [], [], []
    ((feature_seq, history_seq),) = link.rows(
        "SELECT coalesce((SELECT max(seq) FROM features), 0), coalesce((SELECT max(seq) FROM history), 0)"
    )
    for edit, previous, doc, kept, is_removed, _ in writes:
        version = versions[edit.layer]
        row = (version, is_removed, kept, edit.layer, edit.id)
        if previous is None:
            feature_seq += 1
            added.append((feature_seq, *row))
        else:
            changed.append(row)
        history_seq += 1
        steps.append((history_seq, change_id, edit.layer, edit.id, version, previous, doc))
    for sql, many in ((_ADD_FEATURE, added), (_SET_FEATURE, changed), (_ADD_HISTORY, steps)):
        link.run_many(sql, many)


def _change(key: int, at: str, *row: Any) -> Change:
    actor, role, source, layer, feature_id, version, before, after = row
    earlier, later = (decode(doc, layer) if doc else None for doc in (before, after))
    when = datetime.fromisoformat(at)
    return Change(key, when, actor, role, source, layer, feature_id, version, earlier, later)


def _is_canonical(key: str, layer: str, doc: str) -> bool:
    try:
        feature = decode(doc, layer)
    except (KeyError, TypeError, ValueError):
        return False
    return feature.id == key and encode(feature) == doc
