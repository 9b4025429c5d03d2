"""What changes in a coverage when places go or come."""

from collections.abc import Sequence

import numpy as np

from geo_service.engine.router import Router, Snaps
from geo_service.errors import NotFoundError
from geo_service.finder.coverage import Cover, join_snaps
from geo_service.finder.questions import CoverageAnswer, CoverageQuestion, Trial, WhatIfAnswer
from geo_service.finder.tables import LongArray, Table


def try_changes(
    router: Router,
    table: Table,
    rows: LongArray,
    question: CoverageQuestion,
    without: Sequence[str],
    come: Snaps,
) -> WhatIfAnswer:
    """
    Try all changes together, and each alone.

    Parameters
    ----------
    router
        Of the question's profile.
    table
        The layer.
    rows
        Places of it that count.
    question
        The coverage as it stands.
    without
        Ids of places that go.
    come
        Where places come.

    Returns
    -------
    answer
        Coverage before and after, and what each change alone does.

    Raises
    ------
    NotFoundError
        If there is no such place.
    """
    places = table.snaps(question.profile).take(rows)
    before, gone = Cover(router, places, question.cutoff_ms), _rows_of(table, question.layer, without)
    left = join_snaps(places.take(np.flatnonzero(~np.isin(rows, gone))), come)
    after = Cover(router, left, question.cutoff_ms)
    counts, alone_m = np.isin(gone, rows), np.full(len(gone), before.covered_m)
    alone_m[counts] = before.closing(np.searchsorted(rows, gone)[counts])
    trials = [Trial(place_id, None, m) for place_id, m in zip(without, alone_m.tolist(), strict=True)]
    spots = zip(come.lon.tolist(), come.lat.tolist(), strict=True)
    trials += [Trial(None, at, m) for at, m in zip(spots, before.adding(come).tolist(), strict=True)]
    n = len(table.places)
    return WhatIfAnswer(
        CoverageAnswer(n, len(rows), before),
        CoverageAnswer(n - len(set(without)) + len(come.link), len(left.link), after),
        tuple(trials),
    )


def _rows_of(table: Table, layer: str, ids: Sequence[str]) -> LongArray:
    row_of = {place.id: row for row, place in enumerate(table.places)}
    for place_id in ids:
        if place_id not in row_of:
            raise NotFoundError(
                f"without={place_id!r} is no place of layer {layer!r}", parameter="without", value=place_id
            )
    return np.array([row_of[place_id] for place_id in ids], dtype=np.int64)
