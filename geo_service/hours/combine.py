"""Lines of several texts together: a door and its services, within the dates they hold for."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from geo_service.hours.syntax import Kind
from geo_service.hours.timeline import Timeline, midnight_s

_DAY = timedelta(days=1)


def combine_timelines(lines: Sequence[Timeline]) -> Timeline:
    """
    Open where all are open.

    Parameters
    ----------
    lines
        At least one, all over the same window.

    Returns
    -------
    line
        Closed where any is closed, else unknown where any is unknown, else open.

    Examples
    --------
    >>> from datetime import datetime
    >>> from geo_service.hours import build_timeline
    >>> day = datetime(2026, 11, 20), datetime(2026, 11, 21)
    >>> line = combine_timelines([build_timeline(text, *day) for text in ("08:00-18:00", "12:00-24:00")])
    >>> ((line.start_s - line.start_s[0]) // 3600).tolist(), line.kind.tolist()
    ([0, 12, 18], [0, 1, 0])
    """
    if len(lines) == 1:
        return lines[0]
    start_s = np.unique(np.concatenate([line.start_s for line in lines]))
    kinds = np.stack([line.kind[np.searchsorted(line.start_s, start_s, side="right") - 1] for line in lines])
    is_closed = (kinds == Kind.CLOSED).any(axis=0)
    is_unknown = (kinds == Kind.UNKNOWN).any(axis=0)
    kind = np.where(is_closed, Kind.CLOSED, np.where(is_unknown, Kind.UNKNOWN, Kind.OPEN)).astype(np.uint8)
    return _merged(start_s, kind, lines[0].end_s)


def restrict_timeline(
    line: Timeline, first: date | None, last: date | None, *, is_kept_inside: bool = True
) -> Timeline:
    """
    Close a line outside some days, or inside them.

    Parameters
    ----------
    line
        What holds without the restriction.
    first, last
        First and last day, both inclusive, in Asia/Shanghai; None is without end.
    is_kept_inside
        Keep what lies inside the days and close the rest; otherwise the other way round.

    Returns
    -------
    line
        The restricted line; the same one if there is nothing to restrict.

    Examples
    --------
    >>> from datetime import datetime
    >>> from geo_service.hours import build_timeline
    >>> line = build_timeline("24/7", datetime(2026, 7, 1), datetime(2026, 7, 4))
    >>> line = restrict_timeline(line, date(2026, 7, 2), date(2026, 7, 2))
    >>> ((line.start_s - line.start_s[0]) // 3600).tolist(), line.kind.tolist()
    ([0, 24, 48], [0, 1, 0])
    """
    if first is None and last is None:
        return line
    begin_s = midnight_s(first) if first else int(line.start_s[0])
    end_s = midnight_s(last + _DAY) if last else line.end_s
    cuts = [cut for cut in (begin_s, end_s) if line.start_s[0] < cut < line.end_s]
    start_s = np.unique(np.concatenate([line.start_s, np.array(cuts, dtype=np.int64)]))
    kind = line.kind[np.searchsorted(line.start_s, start_s, side="right") - 1]
    is_inside = (start_s >= begin_s) & (start_s < end_s)
    return _merged(
        start_s, np.where(is_inside == is_kept_inside, kind, Kind.CLOSED).astype(np.uint8), line.end_s
    )


def _merged(start_s: NDArray[np.int64], kind: NDArray[np.uint8], end_s: int) -> Timeline:
    """Neighbours of the same kind become one stretch."""
    is_change = np.concatenate([[True], kind[1:] != kind[:-1]])
    return Timeline(start_s[is_change], kind[is_change], end_s)
