"""
The evidence in sentences, Chinese and English.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from geo_service.exchange.doctor.case import Case, Seen
from geo_service.exchange.doctor.ground import Ground
from geo_service.exchange.doctor.readings import DATUMS, READINGS, WORDS, Reading
from geo_service.exchange.doctor.results import CONFIDENCE_LINE, RowDiagnosis, Sentence, Status
from geo_service.exchange.doctor.witnesses import TWIN_M
from geo_service.geo import FloatArray

NEAR_M = 30.0
"""What the sentences call near a street."""

_MOST_NAMED = 8


def tell(
    seen: Seen,
    ground: Ground,
    status: Status,
    best: Reading,
    confidence: float,
    rows: Sequence[RowDiagnosis],
    is_conflict: bool,
) -> tuple[Sentence, ...]:
    """
    Say what was found and why.

    Parameters
    ----------
    seen
        The list with all that was found out.
    ground
        The district.
    status, best, confidence
        The verdict.
    rows
        The rows' diagnoses.
    is_conflict
        Whether streets and names point to different readings.

    Returns
    -------
    sentences
        The verdict first.
    """
    return (
        *_verdict(status, best, confidence, seen),
        *_conflict(is_conflict),
        *_suspicion(status, seen),
        *_streets(seen, best),
        *_inside(seen, ground, best),
        *_addresses(seen, ground, best),
        *_twins(seen, best),
        *_doubles(seen),
        *_odd(seen.case, rows, status),
        *tell_rows(seen.case, rows),
    )


def _verdict(status: Status, best: Reading, confidence: float, seen: Seen) -> Iterator[Sentence]:
    zh, en = WORDS[best]
    line = f"{CONFIDENCE_LINE:.0%}"
    if status == "sure":
        yield Sentence(
            "verdict",
            f"这份清单是 {zh}，把握 {confidence:.0%}。",
            f"The list is in {en}: {confidence:.0%} sure.",
        )
    elif status == "mixed":
        yield Sentence(
            "verdict",
            f"这份清单混有多种坐标，主要是 {zh}；导入前请逐行确认。",
            f"The list mixes readings, most rows are {en}; check row by row before importing.",
        )
    else:
        # a suspected mixture, not a lack of evidence, may hold back an answer that is otherwise likely enough
        is_low = confidence < CONFIDENCE_LINE
        held_zh, held_en = (f"，低于 {line}", f", below {line}") if is_low else ("", "")
        yield Sentence(
            "verdict",
            f"还不能确定：最像 {zh}（{confidence:.0%}{held_zh}）；请说明坐标系，或补上名称、地址、更多行。",
            f"Not sure: most likely {en} ({confidence:.0%}{held_en}); "
            "name the datum, or add names, addresses or rows.",
        )


def _suspicion(status: Status, seen: Seen) -> Iterator[Sentence]:
    if status == "ask" and seen.verdict.suspect is not None:
        zh, en = WORDS[READINGS[seen.verdict.suspect]]
        yield Sentence(
            "suspect",
            f"有一部分行更像 {zh}，清单可能混有两种坐标。",
            f"Some of the rows fit {en} better; the list may mix two readings.",
        )


def _conflict(is_conflict: bool) -> Iterator[Sentence]:
    if is_conflict:
        yield Sentence(
            "conflict",
            "街道与名称、地址的证据互相矛盾：已有地点本身可能偏移，请先核对。",
            "Streets and names contradict each other: the places already here may be shifted themselves; check them.",
        )


def _shown(best: Reading) -> tuple[Reading, ...]:
    return (best, *(one for one in DATUMS if one != best))


def _streets(seen: Seen, best: Reading) -> Iterator[Sentence]:
    near = (seen.gap_m <= NEAR_M).sum(axis=0)
    n, median = len(seen.gap_m), np.median(seen.gap_m, axis=0)
    (zh, en), *others = (WORDS[one] for one in _shown(best))
    counts = [int(near[READINGS.index(one)]) for one in _shown(best)]
    zh_rest = "；".join(
        f"以 {word[0]} 解释时有 {count} 个" for word, count in zip(others, counts[1:], strict=True)
    )
    en_rest = ", ".join(f"as {word[1]} {count}" for word, count in zip(others, counts[1:], strict=True))
    typical = float(median[READINGS.index(best)])
    yield Sentence(
        "streets",
        f"以 {zh} 解释时，{n} 个点中有 {counts[0]} 个离街道不到 {NEAR_M:.0f} 米"
        f"（中位数 {typical:.0f} 米）；{zh_rest}。",
        f"Read as {en}, {counts[0]} of {n} points are within {NEAR_M:.0f} m of a street "
        f"(median {typical:.0f} m); {en_rest}.",
    )


def _inside(seen: Seen, ground: Ground, best: Reading) -> Iterator[Sentence]:
    inside = ground.is_inside(seen.case.read_xy).sum(axis=0)
    counts = {one: int(inside[READINGS.index(one)]) for one in _shown(best)}
    if len(set(counts.values())) == 1:
        return
    zh = "，".join(f"以 {WORDS[one][0]} 解释时 {count} 个" for one, count in counts.items())
    en = ", ".join(f"as {WORDS[one][1]} {count}" for one, count in counts.items())
    yield Sentence("boundary", f"落在片区内的点：{zh}。", f"Points inside the district: {en}.")


def _addresses(seen: Seen, ground: Ground, best: Reading) -> Iterator[Sentence]:
    rows = [
        (i, seen.case.named.streets[row])
        for i, row in enumerate(seen.case.usable)
        if row in seen.case.named.streets
    ]
    if not rows:
        return
    fits = np.array(
        [ground.to_streets_m(names, seen.case.read_xy[i]) <= 2 * NEAR_M for i, names in rows]
    ).sum(axis=0)
    zh = "，".join(f"以 {WORDS[one][0]} 解释时 {fits[READINGS.index(one)]} 个" for one in _shown(best))
    en = ", ".join(f"as {WORDS[one][1]} {fits[READINGS.index(one)]}" for one in _shown(best))
    yield Sentence(
        "addresses",
        f"{len(rows)} 行的地址写有本区街道名；确实在该街道旁的：{zh}。",
        f"{len(rows)} rows name a street of the district in their address; beside that street lie {en}.",
    )


def _twins(seen: Seen, best: Reading) -> Iterator[Sentence]:
    twins = seen.case.named.twins
    rows = [(i, twins[row]) for i, row in enumerate(seen.case.usable) if row in twins]
    if not rows:
        return
    fits = np.array([_nearest_m(seen.case.read_xy[i], known) <= 2 * TWIN_M for i, known in rows]).sum(axis=0)
    zh = "，".join(f"以 {WORDS[one][0]} 解释时 {fits[READINGS.index(one)]} 个" for one in _shown(best))
    en = ", ".join(f"as {WORDS[one][1]} {fits[READINGS.index(one)]}" for one in _shown(best))
    yield Sentence(
        "twins",
        f"{len(rows)} 行与已知地点同名；与其位置相符的：{zh}。",
        f"{len(rows)} rows bear the name of a known place; at its position lie {en}.",
    )


def _nearest_m(xy: FloatArray, known: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(xy[:, None] - known, axis=-1).min(axis=1))


def _doubles(seen: Seen) -> Iterator[Sentence]:
    if not seen.doubles:
        return
    first = seen.doubles[0]
    one, other = WORDS[first.first_reading], WORDS[first.second_reading]
    count = len(seen.doubles)
    rows = _number(seen.case, first.first), _number(seen.case, first.second)
    yield Sentence(
        "doubles",
        f"同一份清单像是以两种坐标各导入了一次：{count} 对同名行恰好相差 {one[0]} 与 {other[0]} 之间的偏移"
        f"（如第 {rows[0]} 行与第 {rows[1]} 行）。",
        f"One list seems to be in here under two datums: {count} pairs of one name lie apart by just the shift between "
        f"{one[1]} and {other[1]} (rows {rows[0]} and {rows[1]}, for one).",
    )


def _odd(case: Case, rows: Sequence[RowDiagnosis], status: Status) -> Iterator[Sentence]:
    odd = [one for one in rows if one.is_odd]
    if odd:
        yield Sentence(
            "odd",
            f"{len(odd)} 行的坐标系与其余不同：{_row_list(case, odd)}。",
            f"{len(odd)} rows are read otherwise than the rest: {_row_list(case, odd)}.",
        )
    unsure = [one for one in rows if one.reading is None and one.likeliest is not None]
    if status == "mixed" and unsure:
        yield Sentence(
            "unsure",
            f"{len(unsure)} 行单凭自身分不清属于哪一种：{_row_list(case, unsure)}。",
            f"{len(unsure)} rows cannot be told apart by themselves: {_row_list(case, unsure)}.",
        )


def tell_rows(case: Case, rows: Sequence[RowDiagnosis]) -> Iterator[Sentence]:
    """
    Say which rows have swapped columns, no position, or one elsewhere.

    Parameters
    ----------
    case
        The list.
    rows
        The rows' diagnoses.

    Yields
    ------
    sentence
        One per kind of trouble, none if there is none.
    """
    swapped = [one for one in rows if one.is_swapped]
    if swapped:
        whole = len(swapped) == len(rows)
        yield Sentence(
            "swapped",
            "经度与纬度两列对调了。"
            if whole
            else f"{len(swapped)} 行的经度与纬度对调了：{_row_list(case, swapped)}。",
            "Longitude and latitude stand in each other's column."
            if whole
            else f"In {len(swapped)} rows longitude and latitude stand in each other's column:"
            f" {_row_list(case, swapped)}.",
        )
    for note, zh, en in (
        ("doubtful", "按其余行解释后位置可疑", "look doubtful when read like the others"),
        ("elsewhere", "无论怎样解释都不在本片区附近", "lie far from the district under every reading"),
        ("absent", "没有坐标", "have no position"),
    ):
        found = [one for one in rows if one.note == note]
        if found:
            yield Sentence(
                note,
                f"{len(case.points)} 行中有 {len(found)} 行{zh}：{_row_list(case, found)}。",
                f"{len(found)} of {len(case.points)} rows {en}: {_row_list(case, found)}.",
            )


def _row_list(case: Case, rows: Sequence[RowDiagnosis]) -> str:
    shown = ", ".join(str(_number(case, one.row)) for one in rows[:_MOST_NAMED])
    return f"{shown} …" if len(rows) > _MOST_NAMED else shown


def _number(case: Case, row: int) -> int:
    """A row's number as its file counts; without a file they count from 1."""
    return case.numbers[row] if case.numbers else row + 1
