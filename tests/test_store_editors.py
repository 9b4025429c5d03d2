"""Sixty-four editors in four processes lose no edit; and a judge that would notice if they did."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from geo_service.layers import Edit
from tests.editors import AUTHOR, _lost, _replay, contest, first_places
from tests.stores import add

EDITS = 10_000 if os.environ.get("GEO_SERVICE_FULL_EDITS") else 1_280


@pytest.mark.slow
def test_sixty_four_editors_in_four_processes_lose_no_edit(home):
    outcome = contest(home, processes=4, editors=64, edits=-(-EDITS // 64))
    assert outcome.faults == ()
    assert outcome.edits >= EDITS
    assert outcome.stale + outcome.merged > 0  # they did meet
    print(outcome)


def test_the_judge_notices_an_edit_that_is_lost(store):
    (place, *_) = first_places()
    store.apply(add(place), actor="init", at=datetime.now(UTC), **AUTHOR)
    for edit in (replace(place, seats=1), replace(place, seats=1, phone="010-1"), replace(place, seats=5)):
        version = store.layer("station").version
        store.apply(
            [Edit("station", place.id, version, None, edit)], actor="x", at=datetime.now(UTC), **AUTHOR
        )
    assert _replay(store) == ["st-0: seats are 5 after 2 additions of one"]
    told = {2: ("st-0", "seats"), 3: ("st-0", "seats"), 4: ("st-0", "seats"), 9: ("st-0", "phone")}
    assert _lost(store.history(), told) == [
        "change 3 did not change seats",
        "change 4 changed more than seats",
        "change 9 is not there",
    ]
