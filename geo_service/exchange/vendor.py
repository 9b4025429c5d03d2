"""
Our layer against a map vendor's list: what is missing where, what moved, and what is said otherwise.

Rows are matched by external id first, then by name and distance: of all pairs that could be one place
the best is taken, then the best of what is left. No two rows then remain that fit each other
better than what they were given (a stable matching).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

import numpy as np
import shapely

from geo_service.errors import InvalidInputError
from geo_service.exchange.names import name_score, normal_name, phones_of, squeeze
from geo_service.geo import Datum, FloatArray, check_lonlat, convert_datum, distance_m, metres_per_degree
from geo_service.hours import SHANGHAI, build_timeline
from geo_service.layers import Place

Register = Literal["amap_poiid", "baidu_uid", "tencent_uid"]

MATCH_M = 500.0
"""A place of the same name is taken for ours up to here; it moved, or was moved wrongly by a datum."""

MOVED_M = 30.0
"""Nearer than this is the same spot: surveys differ that much."""

_LIKE_M = 100.0  # names that are only alike must stand nearer
_PHONE_M = 60.0  # one phone and no word in common: a new sign at the old door
_SAME_NAME = 0.4
_WEEK_FROM = date(2026, 6, 1)  # a Monday; the week after it has no holiday
_DAYS = 7


class VendorRow(NamedTuple):
    """One place of a vendor's list; the position is in the datum that `compare_vendor` is told."""

    name: str
    lon: float
    lat: float
    external_id: str | None = None
    phone: str | None = None
    hours: str | None = None
    address: str | None = None


class Match(NamedTuple):
    """
    A place and the row that shows it.

    Parameters
    ----------
    place
        Ours.
    row
        Theirs, as given.
    lonlat
        Theirs in WGS 84.
    by
        ``"id"`` or ``"name"``.
    moved_m
        From the nearer of our pin and entrance to theirs, metres.
    is_renamed
        The names differ by more than spelling.
    has_other_hours
        The week's hours differ, or theirs cannot be read and look different.
    """

    place: Place
    row: VendorRow
    lonlat: tuple[float, float]
    by: Literal["id", "name"]
    moved_m: float
    is_renamed: bool
    has_other_hours: bool


@dataclass(frozen=True)
class VendorDiff:
    """
    What a comparison found.

    Parameters
    ----------
    register
        Whose ids were compared.
    matches
        Places that both have, in the order of ours.
    missing_there
        Ours that the vendor does not show.
    missing_here
        Theirs that we do not have, with WGS 84 positions.
    moved_m
        From here on a match counts as moved.
    """

    register: str
    matches: tuple[Match, ...]
    missing_there: tuple[Place, ...]
    missing_here: tuple[tuple[VendorRow, tuple[float, float]], ...]
    moved_m: float = MOVED_M

    @property
    def moved(self) -> tuple[Match, ...]:
        """Matches that stand elsewhere, farthest first."""
        found = [one for one in self.matches if one.moved_m >= self.moved_m]
        return tuple(sorted(found, key=lambda one: -one.moved_m))

    @property
    def renamed(self) -> tuple[Match, ...]:
        """Matches under another name."""
        return tuple(one for one in self.matches if one.is_renamed)

    @property
    def other_hours(self) -> tuple[Match, ...]:
        """Matches with other hours."""
        return tuple(one for one in self.matches if one.has_other_hours)

    @property
    def shown_share(self) -> float:
        """Share of our places that the vendor shows; 0 if we have none."""
        ours = len(self.matches) + len(self.missing_there)
        return len(self.matches) / ours if ours else 0.0


def compare_vendor(
    ours: Iterable[Place],
    theirs: Sequence[VendorRow],
    *,
    register: Register,
    datum: Datum,
    match_m: float = MATCH_M,
    moved_m: float = MOVED_M,
) -> VendorDiff:
    """
    Compare a layer with a map vendor's list.

    Parameters
    ----------
    ours
        Places of the layer; removed ones are left out.
    theirs
        Rows of the list.
    register
        Which external id the list's ids are.
    datum
        Of the list's positions; the datum doctor tells if nobody knows.
    match_m
        Same names match up to this distance, metres.
    moved_m
        Matches farther apart than this count as moved, metres.

    Returns
    -------
    diff
        Every place and every row is in it exactly once.

    Raises
    ------
    InvalidInputError
        If a position is no position, or the datum is unknown.
    """
    places = [one for one in ours if one.status != "removed"]
    lonlat = np.array([(row.lon, row.lat) for row in theirs], dtype=np.float64).reshape(-1, 2)
    check_lonlat(lonlat, "theirs")
    lonlat = convert_datum(lonlat, datum, "wgs84")
    by_id = _by_id(places, theirs, register)
    by_name = _by_name(places, theirs, lonlat, by_id, match_m)
    matches = [
        _match(places[i], theirs[j], lonlat[j], "id" if by_id.get(i) == j else "name")
        for i, j in sorted({**by_name, **by_id}.items())
    ]
    taken = {*by_id.values(), *by_name.values()}
    return VendorDiff(
        register,
        tuple(matches),
        tuple(one for i, one in enumerate(places) if i not in by_id and i not in by_name),
        tuple((row, _pair(lonlat[j])) for j, row in enumerate(theirs) if j not in taken),
        moved_m,
    )


def _pair(lonlat: FloatArray) -> tuple[float, float]:
    lon, lat = lonlat.tolist()
    return lon, lat


def _by_id(places: Sequence[Place], rows: Sequence[VendorRow], register: str) -> dict[int, int]:
    """Row of each place by external id; of an id that stands twice the first counts."""
    row_of: dict[str, int] = {}
    for j, row in enumerate(rows):
        if row.external_id:
            row_of.setdefault(row.external_id, j)
    found: dict[int, int] = {}
    for i, place in enumerate(places):
        j_found = row_of.pop(place.external_ids.get(register, ""), None)
        if j_found is not None:
            found[i] = j_found
    return found


def _by_name(
    places: Sequence[Place],
    rows: Sequence[VendorRow],
    lonlat: FloatArray,
    by_id: dict[int, int],
    match_m: float,
) -> dict[int, int]:
    """Greedy by score: the best pair first, then the best of what is left."""
    free = [i for i in range(len(places)) if i not in by_id]
    open_rows = [j for j in range(len(rows)) if j not in set(by_id.values())]
    if not free or not open_rows:
        return {}
    scored: list[tuple[float, float, int, int]] = []
    for i, j in _near(places, free, lonlat, open_rows, match_m):
        apart_m = _apart_m(places[i], lonlat[j])
        if (score := _score(places[i], rows[j], apart_m, match_m)) > 0.0:
            scored.append((-score, apart_m, i, j))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(scored):
        if i not in found and j not in taken:
            found[i] = j
            taken.add(j)
    return found


def _near(
    places: Sequence[Place], free: Sequence[int], lonlat: FloatArray, rows: Sequence[int], match_m: float
) -> set[tuple[int, int]]:
    """Pairs of place and row within reach, by pin or entrance."""
    aims = [(i, aim) for i in free for aim in {(places[i].lon, places[i].lat), places[i].target}]
    at = np.array([aim for _, aim in aims])
    scale = np.array([float(m) for m in metres_per_degree(at[:, 1].mean())])
    tree = shapely.STRtree(shapely.points((lonlat[list(rows)] - at.mean(axis=0)) * scale))
    points = shapely.points((at - at.mean(axis=0)) * scale)
    left, right = tree.query(points, predicate="dwithin", distance=match_m * 1.01)
    return {(aims[a][0], rows[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)}


def _apart_m(place: Place, lonlat: FloatArray) -> float:
    aims = np.array([(place.lon, place.lat), place.target])
    return float(distance_m(aims, lonlat).min())


def _score(place: Place, row: VendorRow, apart_m: float, match_m: float) -> float:
    """How well they fit, 0 if they cannot be one place; a name counts more than any distance."""
    if apart_m > match_m:
        return 0.0
    name, word = name_score(place.name, row.name)
    nearness = 1.0 - apart_m / match_m
    if word == "same_name":
        return name + 0.4 * nearness
    if name and apart_m <= _LIKE_M:
        return name * _SAME_NAME / 0.6 + 0.3 * nearness
    same_phone = bool(phones_of(place.phone) & phones_of(row.phone))
    return 0.2 * nearness if same_phone and apart_m <= _PHONE_M else 0.0


def _match(place: Place, row: VendorRow, lonlat: FloatArray, by: Literal["id", "name"]) -> Match:
    return Match(
        place,
        row,
        _pair(lonlat),
        by,
        _apart_m(place, lonlat),
        normal_name(place.name) != normal_name(row.name),
        _is_other_hours(place.hours, row.hours),
    )


def _is_other_hours(ours: str | None, theirs: str | None) -> bool:
    """Whether two texts mean different weeks; one that says nothing contradicts nothing."""
    if not ours or not theirs or squeeze(ours) == squeeze(theirs):
        return False
    return _week(ours) != _week(theirs)


def _week(text: str) -> tuple[object, ...]:
    """An ordinary week of the hours, or the text itself if it is no opening_hours."""
    start = datetime.combine(_WEEK_FROM, time(), SHANGHAI)
    try:
        line = build_timeline(text, start, start + timedelta(days=_DAYS))
    except InvalidInputError:
        return (squeeze(text),)
    return tuple(line.start_s.tolist()), tuple(line.kind.tolist())


WORK_COLUMNS = ("action", "place", "detail", "link")
"""Keys of a row of `work_list`."""

_ACTIONS = {
    "missing_there": "补录到地图商 (add there)",
    "missing_here": "核实后补录本库 (check, add here)",
    "moved": "核对位置 (check position)",
    "renamed": "核对名称 (check name)",
    "other_hours": "核对时间 (check hours)",
}


def work_list(diff: VendorDiff, link: Callable[[str], str] = str) -> list[dict[str, str]]:
    """
    Write a comparison as a list of things to do.

    Parameters
    ----------
    diff
        From `compare_vendor`.
    link
        Gives the address of a place's page for its id; left out, the id itself stands there.

    Returns
    -------
    rows
        Texts under `WORK_COLUMNS`, for a CSV or XLSX writer: missing there, missing here, moved, renamed,
        other hours. Positions are WGS 84.
    """
    rows = [
        _row("missing_there", one.name, _at((one.lon, one.lat)), link(one.id)) for one in diff.missing_there
    ]
    rows += [_row("missing_here", row.name, _at(lonlat), "") for row, lonlat in diff.missing_here]
    rows += [
        _row(
            "moved",
            one.place.name,
            f"{one.moved_m:.0f} m: {_at(one.place.target)} → {_at(one.lonlat)}",
            link(one.place.id),
        )
        for one in diff.moved
    ]
    rows += [
        _row("renamed", one.place.name, f"{one.place.name} → {one.row.name}", link(one.place.id))
        for one in diff.renamed
    ]
    return rows + [
        _row("other_hours", one.place.name, f"{one.place.hours} → {one.row.hours}", link(one.place.id))
        for one in diff.other_hours
    ]


def _row(action: str, place: str, detail: str, link: str) -> dict[str, str]:
    return dict(zip(WORK_COLUMNS, (_ACTIONS[action], place, detail, link), strict=True))


def _at(lonlat: tuple[float, float]) -> str:
    return f"{lonlat[0]:.6f},{lonlat[1]:.6f}"
