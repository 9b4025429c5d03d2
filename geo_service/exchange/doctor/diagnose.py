"""
The doctor's work: a list in, a diagnosis out.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.exchange.doctor.case import Case, Seen, as_list, open_case
from geo_service.exchange.doctor.ground import Ground
from geo_service.exchange.doctor.models import (
    Verdict,
    build_moves,
    densities,
    judge,
    measure_chance,
    row_shares,
    sample_rows,
)
from geo_service.exchange.doctor.readings import READINGS, Reading
from geo_service.exchange.doctor.results import (
    CONFIDENCE_LINE,
    ROW_LINE,
    Diagnosis,
    RowDiagnosis,
    Sentence,
    Status,
)
from geo_service.exchange.doctor.tell import tell, tell_rows
from geo_service.exchange.doctor.witnesses import find_doubles, with_named
from geo_service.geo import FloatArray, is_shifted

_SUSPECT_SHARE = 0.2
_ODD_SHARE = 0.1  # of rows in another reading, in a list that is sure of its own
_FEWEST_DOUBLES, _DOUBLE_SHARE = 2, 0.2
_DOUBLE_SURE = 0.99
"""A pair of another kind lies on a shift's end by chance once in 600: two circles of 25 m in one of 1,500 m."""

_HALF = 0.5


def diagnose(
    lonlat: npt.ArrayLike,
    ground: Ground,
    names: Sequence[str] = (),
    addresses: Sequence[str] = (),
    numbers: Sequence[int] = (),
) -> Diagnosis:
    """
    Say in which datum a list is, with evidence, or that one has to ask.

    Parameters
    ----------
    lonlat
        Longitude and latitude as the list has them, degrees, shape ``(n, 2)``; NaN is absent.
    ground
        The district, from `build_ground`.
    names
        Name of each row, empty texts allowed; none at all if the list has no names.
    addresses
        Address of each row, likewise.
    numbers
        What the sentences call each row, as its file counts them; none counts from 1.

    Returns
    -------
    diagnosis
        Never silent: one that is not sure says ``"ask"``.

    Raises
    ------
    InvalidInputError
        If the shape is wrong, or names, addresses or numbers are not one per row.

    References
    ----------
    .. [1] docs/guide/datum-doctor.md: how it works, and how often it is right.
    """
    points = as_list(lonlat)
    told = (("names", len(names)), ("addresses", len(addresses)), ("numbers", len(numbers)))
    for word, count in told:
        if count not in (0, len(points)):
            raise InvalidInputError(
                f"{word}: {count} for {len(points)} rows; give one per row or none",
                parameter=word,
                value=count,
            )
    case = open_case(points, ground, names, addresses)._replace(numbers=numbers)
    if not len(case.usable) or len(case.usable) < _HALF * np.isfinite(points).all(axis=1).sum():
        return _elsewhere(case)
    if not is_shifted(case.points[case.usable]).any():
        return _coinciding(case)
    return _conclude(_look(case, ground, names), ground)


def _look(case: Case, ground: Ground, names: Sequence[str]) -> Seen:
    """Gather the evidence and weigh it, once by streets alone and once by all there is."""
    rows = case.usable
    sample = sample_rows(len(rows))
    moved_xy = build_moves(case.read_xy[sample])
    ratio = measure_chance(ground, moved_xy)
    streets, gap_m = densities(ground, ratio, case.read_xy)
    moved, _ = densities(ground, ratio, moved_xy)
    by_streets = verdict = judge(streets[sample], moved)
    read = streets
    if case.named.streets or case.named.twins:
        read = with_named(ground, case.named, rows.tolist(), case.read_xy, streets)
        moved = with_named(ground, case.named, rows[sample].tolist(), moved_xy, moved)
        verdict = judge(read[sample], moved)
    doubles = find_doubles(names, rows.tolist(), case.read_xy) if names else ()
    return Seen(case, verdict, by_streets, read, gap_m, doubles)


def _conclude(seen: Seen, ground: Ground) -> Diagnosis:
    status, weights, is_conflict = _weigh(seen)
    best = READINGS[int(np.argmax(weights))]
    probabilities = _probabilities(seen.verdict)
    confidence = probabilities["mixed"] if status == "mixed" else probabilities[best]
    rows = _rows(seen, status, best, row_shares(seen.read, weights))
    sentences = tell(seen, ground, status, best, confidence, rows, is_conflict)
    return Diagnosis(status, best, confidence, probabilities, rows, seen.doubles, sentences)


def _probabilities(verdict: Verdict) -> dict[str, float]:
    held: dict[str, float] = dict(zip(READINGS, verdict.pure.tolist(), strict=True))
    return held | {"mixed": sum(verdict.pairs.values()), "unknown": verdict.unknown}


def _weigh(seen: Seen) -> tuple[Status, FloatArray, bool]:
    """Status of the list, share of each reading among its rows, and whether the evidence contradicts itself."""
    verdict = seen.verdict
    best, by_streets = int(np.argmax(verdict.pure)), int(np.argmax(seen.by_streets.pure))
    if len(seen.doubles) >= max(_FEWEST_DOUBLES, _DOUBLE_SHARE * len(seen.case.usable)):
        return "mixed", _double_weights(seen), False
    pair = max(verdict.pairs, key=verdict.pairs.__getitem__)
    mixed = sum(verdict.pairs.values())
    if mixed > max(float(verdict.pure[best]), verdict.unknown):
        share = verdict.share[pair]
        weights = np.full(len(READINGS), 1e-3)
        weights[list(pair)] = 1.0 - share, share
        return ("mixed" if mixed >= CONFIDENCE_LINE else "ask"), weights / weights.sum(), False
    if verdict.suspect is not None:
        weights = np.full(len(READINGS), 1e-3)
        weights[[best, verdict.suspect]] = 1.0 - _SUSPECT_SHARE, _SUSPECT_SHARE
        return "ask", weights / weights.sum(), False
    is_conflict = best != by_streets and float(seen.by_streets.pure[by_streets]) >= CONFIDENCE_LINE
    weights = np.full(len(READINGS), _ODD_SHARE / (len(READINGS) - 1))
    weights[best] = 1.0 - _ODD_SHARE
    is_sure = float(verdict.pure[best]) >= CONFIDENCE_LINE and not is_conflict
    return ("sure" if is_sure else "ask"), weights, is_conflict


def _double_weights(seen: Seen) -> FloatArray:
    readings = chain.from_iterable((one.first_reading, one.second_reading) for one in seen.doubles)
    counts = np.bincount([READINGS.index(one) for one in readings], minlength=len(READINGS)) + 0.1
    return np.asarray(counts / counts.sum())


def _rows(seen: Seen, status: Status, best: Reading, shares: FloatArray) -> tuple[RowDiagnosis, ...]:
    fixed = {row: one.first_reading for one in seen.doubles for row in (one.first,)}
    fixed |= {one.second: one.second_reading for one in seen.doubles}
    at = {row: i for i, row in enumerate(seen.case.usable.tolist())}
    out = []
    for row, is_swapped in enumerate(seen.case.is_swapped.tolist()):
        if row not in at:
            out.append(_row_elsewhere(seen.case, row))
            continue
        likeliest, confidence = READINGS[int(np.argmax(shares[at[row]]))], float(shares[at[row]].max())
        if row in fixed:
            likeliest, confidence = fixed[row], _DOUBLE_SURE
        out.append(_row(row, status, best, likeliest, confidence, is_swapped))
    return tuple(out)


def _row(
    row: int, status: Status, best: Reading, likeliest: Reading, confidence: float, is_swapped: bool
) -> RowDiagnosis:
    """One row: in a sure list it goes with the others unless it is sure of itself."""
    is_odd = likeliest != best and confidence >= ROW_LINE
    if status == "sure" and not is_odd:
        return RowDiagnosis(
            row, best, confidence if likeliest == best else 1.0 - confidence, best, is_swapped
        )
    is_told = status != "ask" and confidence >= ROW_LINE
    reading = likeliest if is_told else None
    return RowDiagnosis(row, reading, confidence, likeliest, is_swapped, is_odd and status != "ask")


def _row_elsewhere(case: Case, row: int) -> RowDiagnosis:
    is_absent = not np.isfinite(case.points[row]).all()
    return RowDiagnosis(row, None, 0.0, None, note="absent" if is_absent else "elsewhere")


def _elsewhere(case: Case) -> Diagnosis:
    """Nothing, or less than half, lies in or near the district: no evidence."""
    rows = tuple(_row_elsewhere(case, row) for row in range(len(case.points)))
    inside = set(case.usable.tolist())
    rows = tuple(one._replace(note="") if one.row in inside else one for one in rows)
    verdict = Sentence(
        "verdict",
        "无从判断：清单大多不在本片区附近；请核对片区与坐标列。",
        "Nothing to go by: most of the list does not lie near this district; check the district and the columns.",
    )
    unknown: dict[str, float] = dict.fromkeys(READINGS, 0.0) | {"mixed": 0.0, "unknown": 1.0}
    return Diagnosis("ask", None, 0.0, unknown, rows, (), (verdict, *tell_rows(case, rows)))


def _coinciding(case: Case) -> Diagnosis:
    inside = set(case.usable.tolist())
    rows = tuple(
        RowDiagnosis(row, "wgs84", 1.0, "wgs84", bool(case.is_swapped[row]))
        if row in inside
        else _row_elsewhere(case, row)
        for row in range(len(case.points))
    )
    verdict = Sentence(
        "verdict",
        "此地地图没有偏移：WGS-84、GCJ-02、BD-09 在这里相同。",
        "Maps are not shifted here: WGS-84, GCJ-02 and BD-09 coincide.",
    )
    sure = {one: float(one == "wgs84") for one in READINGS} | {"mixed": 0.0, "unknown": 0.0}
    return Diagnosis("coincide", "wgs84", 1.0, sure, rows, (), (verdict, *tell_rows(case, rows)))
