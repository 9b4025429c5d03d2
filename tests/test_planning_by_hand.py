"""The worked case of docs/guide/planner.md, number by number."""

import numpy as np
import pytest

from geo_service.planning.demand import KINDS, Weights
from geo_service.planning.measures import Measure, Part, build_menu, choose_best
from geo_service.planning.sensitivity import winner_of, worth_per_yuan

DAY = np.ones(24, dtype=bool)
BY_DAY = (np.arange(24) >= 8) & (np.arange(24) < 20)
FIRST, SECOND = np.array([True, False]), np.array([False, True])


def menu_at(site_yuan: float):
    kind = np.full(2, KINDS.index("dwelling"))
    weights = Weights(np.array([10, 30]) / 40, kind, _hourly())
    measures = [
        Measure("hours", "hours", "longer hours", 12_000, (Part(FIRST, DAY),)),
        Measure("site", "site", "a new site", site_yuan, (Part(SECOND, DAY),)),
    ]
    return build_menu(measures, [Part(FIRST, BY_DAY)], weights)


def test_the_numbers_of_the_guide_are_right():
    menu = menu_at(60_000)
    assert (menu.standing, menu.total) == (120, 960)
    assert menu.alone.tolist() == [120, 720]
    assert {one: worth * 10_000 for one, worth in worth_per_yuan(menu).items()} == pytest.approx(
        {"hours": 100, "site": 120}
    )
    assert winner_of(menu) == "site"
    assert winner_of(menu_at(80_000)) == "hours"


def test_both_are_chosen_when_the_budget_is_enough():
    assert choose_best(menu_at(60_000), 72_000).added == 840
    assert [step.measure for step in choose_best(menu_at(60_000), 71_999).steps] == [1]


def test_what_adds_next_to_nothing_is_no_first_choice_however_cheap():
    menu = menu_at(60_000)
    crumb = np.zeros(24, dtype=bool)
    crumb[3] = True
    small = Measure("gate", "gate", "a gate", 1.0, (Part(FIRST, crumb),))
    rich = Weights(np.array([0.1, 39.9]) / 40, np.full(2, KINDS.index("dwelling")), _hourly())
    both = build_menu([small, *menu.measures], [], rich)
    assert max(worth_per_yuan(both), key=lambda one: worth_per_yuan(both)[one]) == "gate"
    assert winner_of(both) == "site"
    assert winner_of(build_menu([small], [], rich)) == "gate"


def _hourly():
    hourly = np.zeros((len(KINDS), 24))
    hourly[KINDS.index("dwelling")] = 40
    return hourly
