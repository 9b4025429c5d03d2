"""
One door under two names: pairs of places that may be one, and how to make one of them.

Candidates stand within 60 m of each other, pin or entrance, or share an external id. What speaks for
a pair is added up as evidence: the same id, phone or name much, a like name some, distance the rest;
numbers that differ in names, phones that differ, and ids of one register that differ speak against it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
import shapely

from geo_service.errors import InvalidInputError
from geo_service.exchange.names import name_score, phones_of
from geo_service.geo import FloatArray, distance_m, metres_per_degree
from geo_service.layers import CATALOGUE, Catalogue, Edit, Place, feature_to_json

NEAR_M = 60.0
"""Places farther apart than this are two, unless they share an external id."""

LINE = 0.5
"""Pairs that score less are not offered."""

_WITHIN_ID_M = (
    2000.0  # a shared id with a shifted position is a twin worth seeing, one across town a typing error
)
_MOST_ALIKE = 20  # an id that more places bear is a mistake of its own

Choice = Literal["keep", "remove"]


class Twin(NamedTuple):
    """
    Two places that may be one.

    Parameters
    ----------
    keep
        The one with more to say, offered as the one to keep.
    remove
        The other.
    score
        From `LINE` to 1.
    apart_m
        Metres between the nearest of pins and entrances.
    evidence
        Words for it: ``same_id``, ``same_phone``, ``same_name``, ``same_stem``, ``like_name``, ``near``.
    """

    keep: Place
    remove: Place
    score: float
    apart_m: float
    evidence: tuple[str, ...]

    @property
    def fields(self) -> dict[str, tuple[object, object]]:
        """Fields in which they differ, both values side by side as JSON: the kept one's, the other's."""
        return side_by_side(self.keep, self.remove)

    def to_json(self) -> dict[str, Any]:
        """
        Give the pair as JSON values.

        Returns
        -------
        twin
            Layer, id and name of both, score, evidence, fields side by side.
        """
        return {
            "keep": {"layer": self.keep.layer, "id": self.keep.id, "name": self.keep.name},
            "remove": {"layer": self.remove.layer, "id": self.remove.id, "name": self.remove.name},
            "score": round(self.score, 3),
            "apart_m": round(self.apart_m, 1),
            "evidence": list(self.evidence),
            "fields": {name: list(values) for name, values in self.fields.items()},
        }


def find_twins(places: Iterable[Place], others: Iterable[Place] | None = None) -> tuple[Twin, ...]:
    """
    Find places that may be one.

    Parameters
    ----------
    places
        Of one layer or several, active and paused; removed ones are left out.
    others
        Places to compare them with, such as a list about to be imported; None compares ``places`` among
        themselves.

    Returns
    -------
    twins
        Best first; each pair once.
    """
    mine = [one for one in places if one.status != "removed"]
    theirs = [] if others is None else [one for one in others if one.status != "removed"]
    everyone = mine + theirs
    pairs = _candidates(everyone)
    if others is not None:
        pairs = {(a, b) for a, b in pairs if a < len(mine) <= b}
    found = [twin for a, b in sorted(pairs) if (twin := _twin(everyone[a], everyone[b])) is not None]
    return tuple(sorted(found, key=lambda one: (-one.score, one.apart_m, one.keep.id, one.remove.id)))


def _candidates(places: Sequence[Place]) -> set[tuple[int, int]]:
    """Pairs that stand near each other by pin or entrance, or share an id; never a loop over all pairs."""
    if not places:
        return set()
    points = [(i, lonlat) for i, one in enumerate(places) for lonlat in {(one.lon, one.lat), one.target}]
    xy = _local(np.array([lonlat for _, lonlat in points]))
    shapes = [shapely.Point(one) for one in xy]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=NEAR_M * 1.01)
    owner = np.array([i for i, _ in points])
    a, b = owner[left], owner[right]
    near = set(zip(a[a < b].tolist(), b[a < b].tolist(), strict=True))
    return near | _sharing_ids(places)


def _local(lonlat: FloatArray) -> FloatArray:
    scale = [float(m) for m in metres_per_degree(lonlat[:, 1].mean())]
    return np.asarray((lonlat - lonlat.mean(axis=0)) * scale)


def _sharing_ids(places: Sequence[Place]) -> set[tuple[int, int]]:
    bearers: dict[tuple[str, str], list[int]] = {}
    for i, one in enumerate(places):
        for register, value in one.external_ids.items():
            bearers.setdefault((register, value), []).append(i)
    return {pair for group in bearers.values() for pair in combinations(group[:_MOST_ALIKE], 2)}


def _twin(one: Place, other: Place) -> Twin | None:
    if (one.layer, one.id) == (other.layer, other.id):
        return None
    apart_m = _apart_m(one, other)
    score, evidence = _score(one, other, apart_m)
    if score < LINE:
        return None
    keep, remove = sorted((one, other), key=lambda place: (-_wealth(place), place.layer, place.id))
    return Twin(keep, remove, score, apart_m, evidence)


def _apart_m(one: Place, other: Place) -> float:
    mine = np.array([(one.lon, one.lat), one.target])
    theirs = np.array([(other.lon, other.lat), other.target])
    return float(distance_m(mine[:, None], theirs[None]).min())


def _score(one: Place, other: Place, apart_m: float) -> tuple[float, tuple[str, ...]]:
    """
    Add the evidence up, from 0 to 1.

    A same name, phone or id nearly says it; a like name needs nearness; nearness alone says nothing.
    """
    same_id, other_id = _ids(one, other)
    if same_id and apart_m <= _WITHIN_ID_M:
        return 1.0, ("same_id",) + (("near",) if apart_m <= NEAR_M else ())
    if apart_m > NEAR_M:
        return 0.0, ()
    name, word = name_score(one.name, other.name)
    same_phone = bool(phones_of(one.phone) & phones_of(other.phone))
    other_phone = bool(phones_of(one.phone) and phones_of(other.phone)) and not same_phone
    nearness = 1.0 - apart_m / NEAR_M
    score = name + 0.35 * same_phone + 0.25 * nearness - 0.15 * other_phone - 0.35 * other_id
    score -= 0.2 * (one.layer != other.layer and not same_phone and word != "same_name")
    words = (word, "same_phone" if same_phone else "", "near" if nearness > 0.0 else "")
    return min(max(score, 0.0), 0.99), tuple(one for one in words if one)


def _ids(one: Place, other: Place) -> tuple[bool, bool]:
    """Whether they share an id of some register, and whether a register tells them apart."""
    shared = one.external_ids.keys() & other.external_ids.keys()
    same = any(one.external_ids[key] == other.external_ids[key] for key in shared)
    return same, bool(shared) and not same


def _wealth(place: Place) -> int:
    """How much a place says, to offer the fuller one as the one to keep."""
    return len(feature_to_json(place)["properties"]) + 2 * (place.status == "active")


def side_by_side(one: Place, other: Place) -> dict[str, tuple[object, object]]:
    """
    Lay the fields in which two places differ beside each other.

    Parameters
    ----------
    one, other
        Two places.

    Returns
    -------
    fields
        JSON values by field of the place model, ``position`` for the pin; None where a side says nothing.
    """
    left, right = (_plain_fields(place) for place in (one, other))
    names = dict.fromkeys((*left, *right))
    return {name: (left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)}


def _plain_fields(place: Place) -> dict[str, object]:
    written = feature_to_json(place)
    return {"position": written["geometry"]["coordinates"], **written["properties"]}


_NEVER_TAKEN = frozenset({"status", "status_reason", "status_from", "status_until", "provenance"})
_BOTH = frozenset({"external_ids"})


def merge_twins(
    keep: Place,
    remove: Place,
    choices: Mapping[str, Choice] | None = None,
    keep_version: int | None = None,
    remove_version: int | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> tuple[Edit, Edit]:
    """
    Make one place of two.

    Parameters
    ----------
    keep
        The one that stays; its id, layer, status and check dates stay too.
    remove
        The one that goes, softly, with the reason in it.
    choices
        By field of `side_by_side`: ``"remove"`` takes the value of the one that goes, ``"keep"`` leaves
        it. Of fields not named, what only the other says is taken; foreign ids come together.
    keep_version, remove_version
        Versions of their layers that were seen; None goes by the features themselves.
    catalogue
        Says what the kept one's layer may hold; what it may not stays with the one that goes.

    Returns
    -------
    kept, removed
        Two edits for one change of the store.

    Raises
    ------
    InvalidInputError
        If they are the same place, or a choice names an unknown field or side.

    Examples
    --------
    >>> a = Place("s1", "station", 116.45, 39.96, "香河园站")
    >>> b = Place("s9", "station", 116.45, 39.96, "香河园驿站", phone="010-6400")
    >>> kept, removed = merge_twins(a, b, {"name": "remove"})
    >>> kept.after.name, kept.after.phone, removed.after.status, removed.after.status_reason
    ('香河园驿站', '010-6400', 'removed', 'merged into station/s1')
    """
    if (keep.layer, keep.id) == (remove.layer, remove.id):
        raise InvalidInputError(
            f"{keep.layer}/{keep.id} cannot be merged with itself; give two places",
            parameter="remove",
            value=remove.id,
        )
    chosen = dict(choices or {})
    _check_choices(chosen, keep, remove)
    taken = _taken(keep, remove, chosen, catalogue[keep.layer].fields)
    after = replace(keep, **taken)
    gone = replace(remove, status="removed", status_reason=f"merged into {keep.layer}/{keep.id}")
    return (
        Edit(keep.layer, keep.id, keep_version, keep, after),
        Edit(remove.layer, remove.id, remove_version, remove, gone),
    )


def _check_choices(choices: Mapping[str, str], keep: Place, remove: Place) -> None:
    known = {_word(field.name) for field in fields(Place)} - {"id", "layer", "lon", "lat", "extra"} | {
        "position"
    }
    known |= keep.extra.keys() | remove.extra.keys()
    for name, side in choices.items():
        if name not in known - _NEVER_TAKEN or side not in ("keep", "remove"):
            raise InvalidInputError(
                f"choices: {name}={side!r} is not allowed; name a field of the place with 'keep' or 'remove', "
                f"not {', '.join(sorted(_NEVER_TAKEN))}",
                parameter="choices",
                value=name,
            )


def _word(attribute: str) -> str:
    return attribute.rstrip("_")


def _taken(keep: Place, remove: Place, choices: Mapping[str, str], allowed: Sequence[str]) -> dict[str, Any]:
    """Fields of the kept one that change."""
    out: dict[str, Any] = {}
    if choices.get("position") == "remove":
        out |= {"lon": remove.lon, "lat": remove.lat}
    for field in fields(Place):
        name, mine, theirs = _word(field.name), getattr(keep, field.name), getattr(remove, field.name)
        if name in _NEVER_TAKEN or name not in allowed:
            continue
        if name in _BOTH and name not in choices:
            out[field.name] = {**theirs, **mine}
        elif choices.get(name) == "remove" or (name not in choices and _is_silent(mine)):
            out[field.name] = theirs
    if keep.layer == remove.layer:
        extra = {**remove.extra, **keep.extra}
        out["extra"] = extra | {
            key: remove.extra[key] for key in remove.extra if choices.get(key) == "remove"
        }
    return {name: value for name, value in out.items() if value != getattr(keep, name)}


def _is_silent(value: object) -> bool:
    return value is None or value == () or value == {}


__all__ = ["LINE", "NEAR_M", "Twin", "find_twins", "merge_twins", "side_by_side"]
