"""
A menu of measures and the best choice from it for a budget.

A measure is whatever makes more demand covered in more hours: a new site, longer hours, another service, a merchant
signed, a gate opened. Each has a price, and all have one unit: covered rider-hours a week. The choice is solved
exactly as a maximal covering problem [1]_ over cells of demand and hour; cells that the same measures would
cover are one, so a district of thousands of points and 168 hours becomes a small programme. Greedy stands
beside it, so that one sees what it gives away.

References
----------
.. [1] R. Church and C. ReVelle, "The maximal covering location problem", Papers of the Regional Science
   Association 32, 1974.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.planning.demand import Weights
from geo_service.planning.solve import (
    OPTIMAL,
    Rows,
    Solved,
    Watch,
    covering_rows,
    maximise,
    one_row,
    stack_rows,
)

FloatArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MEASURES = ("site", "hours", "service", "merchant", "gate")
"""Open a site, stay open longer, offer another service, sign a merchant, get a pass for a gate."""

STANDING = -1
"""Owner of what covers already."""


class Part(NamedTuple):
    """
    One thing that covers: demand points near enough to it, in the hours in which it is open.

    Parameters
    ----------
    is_near
        Shape ``(n,)``.
    is_open
        Shape ``(hours,)``.
    """

    is_near: BoolArray
    is_open: BoolArray


@dataclass(frozen=True, eq=False)
class Measure:
    """
    One measure a planner can take.

    Parameters
    ----------
    id
        Its name in files.
    kind
        One of `MEASURES`.
    name
        What to call it.
    cost_yuan
        Its price over the time the planner counts in, above 0.
    parts
        What it covers.
    group
        Measures of one group exclude each other, such as two ways to lengthen the hours of one station; the empty
        string excludes nothing.
    """

    id: str
    kind: str
    name: str
    cost_yuan: float
    parts: tuple[Part, ...]
    group: str = ""

    def __post_init__(self) -> None:
        if self.kind not in MEASURES:
            raise InvalidInputError(
                f"measure {self.id!r}: kind={self.kind!r} is unknown; choose from {', '.join(MEASURES)}",
                parameter="kind",
                value=self.kind,
            )
        if not 0 < self.cost_yuan < 1e12:
            raise InvalidInputError(
                f"measure {self.id!r}: cost_yuan={self.cost_yuan:g}; give a price above 0",
                parameter="cost_yuan",
                value=self.cost_yuan,
            )


@dataclass(frozen=True, eq=False)
class Menu:
    """
    Measures, and what each would add to what is covered already.

    Parameters
    ----------
    measures
        To choose from.
    weight
        Rider-hours of each cell that is not covered yet, shape ``(c,)``.
    covers
        Which measures cover which cells, shape ``(measures, c)``.
    standing
        Rider-hours covered already.
    total
        All rider-hours.
    """

    measures: tuple[Measure, ...]
    weight: FloatArray
    covers: BoolArray
    standing: float
    total: float

    @cached_property
    def cost_yuan(self) -> FloatArray:
        """Price of each measure, shape ``(measures,)``."""
        return np.array([measure.cost_yuan for measure in self.measures], dtype=np.float64)

    @cached_property
    def alone(self) -> FloatArray:
        """What each measure would add if it were the only one, rider-hours, shape ``(measures,)``."""
        added: FloatArray = self.covers @ self.weight
        return added

    def gain(self, chosen: Sequence[int]) -> float:
        """
        What some measures would add together.

        Parameters
        ----------
        chosen
            Their positions.

        Returns
        -------
        rider_hours
            Above those covered already.
        """
        return float(self.weight[self.covers[list(chosen)].any(axis=0)].sum()) if len(chosen) else 0.0


def build_menu(
    measures: Sequence[Measure], standing: Sequence[Part], weights: Weights, mask: BoolArray | None = None
) -> Menu:
    """
    Work out what measures add to what stands.

    Parameters
    ----------
    measures
        To choose from.
    standing
        What covers already.
    weights
        Riders by point and hour.
    mask
        Where and when covering counts at all, shape ``(n, hours)``; everywhere and always if left out.

    Returns
    -------
    menu
        Cells that the same measures cover are one; those that none covers, or that are covered already, are left out.
    """
    parts = [*standing, *(part for measure in measures for part in measure.parts)]
    owner = np.array(
        [STANDING] * len(standing) + [m for m, measure in enumerate(measures) for _ in measure.parts],
        dtype=np.int64,
    )
    total = float(weights.total.sum())
    if not parts:
        return Menu(tuple(measures), np.zeros(0), np.zeros((len(measures), 0), dtype=np.bool_), 0.0, total)
    near, point_of = _alike(np.array([part.is_near for part in parts], dtype=np.bool_))
    is_open, hour_of = _alike(np.array([part.is_open for part in parts], dtype=np.bool_))
    weight = _cell_weights(weights, mask, (point_of, near.shape[1]), (hour_of, is_open.shape[1]))
    covered = _grid(near, is_open, np.flatnonzero(owner == STANDING))
    standing_hours = float(weight[covered].sum())
    free = ~covered & (weight > 0)
    covers = np.array(
        [_grid(near, is_open, np.flatnonzero(owner == m))[free] for m in range(len(measures))], dtype=np.bool_
    ).reshape(len(measures), int(free.sum()))
    return Menu(tuple(measures), *_merge_cells(weight[free], covers), standing_hours, total)


def _alike(rows: BoolArray) -> tuple[BoolArray, LongArray]:
    """Columns that differ, and which of them each column is."""
    packed = np.packbits(rows, axis=0)
    _, first, inverse = np.unique(packed, axis=1, return_index=True, return_inverse=True)
    return rows[:, first], inverse.reshape(-1)


def _cell_weights(
    weights: Weights, mask: BoolArray | None, points: tuple[LongArray, int], hours: tuple[LongArray, int]
) -> FloatArray:
    """Rider-hours of each class of points in each class of hours, shape ``(points, hours)``."""
    (point_of, n_points), (hour_of, n_hours) = points, hours
    cells = np.zeros((n_points, n_hours))
    for kind in np.unique(weights.kind).tolist():
        rows = np.flatnonzero(weights.kind == kind)
        if mask is None:
            hourly = np.bincount(hour_of, weights.hourly[kind], minlength=n_hours)
            share = np.bincount(point_of[rows], weights.share[rows], minlength=n_points)
            cells += share[:, None] * hourly
        else:
            in_class = np.zeros((weights.hourly.shape[1], n_hours))
            in_class[np.arange(len(hour_of)), hour_of] = weights.hourly[kind]
            np.add.at(cells, point_of[rows], weights.share[rows, None] * (mask[rows] @ in_class))
    return cells


def _grid(near: BoolArray, is_open: BoolArray, parts: LongArray) -> BoolArray:
    """Cells that any of some parts covers."""
    covered = near[parts].T.astype(np.float32) @ is_open[parts].astype(np.float32)
    grid: BoolArray = covered > 0
    return grid


def _merge_cells(weight: FloatArray, covers: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Cells that the same measures cover as one; those that none covers are left out."""
    kept = covers.any(axis=0)
    if not kept.any():
        return np.zeros(0), np.zeros((len(covers), 0), dtype=np.bool_)
    merged, cell_of = _alike(covers[:, kept])
    sums: FloatArray = np.bincount(cell_of, weight[kept], minlength=merged.shape[1]).astype(np.float64)
    return sums, merged


class Step(NamedTuple):
    """
    One measure of a choice, in the order in which it helps most for its price.

    Parameters
    ----------
    measure
        Its position in the menu.
    reach
        Rider-hours it covers that were not covered before any measure.
    added
        Rider-hours that it adds to the measures before it.
    cumulative
        Rider-hours added so far.
    cost_yuan
        What has been spent so far.
    """

    measure: int
    reach: float
    added: float
    cumulative: float
    cost_yuan: float


@dataclass(frozen=True, eq=False)
class Choice:
    """
    Measures chosen.

    Parameters
    ----------
    menu
        What could be chosen from.
    steps
        What was, step by step.
    bound
        No choice for this budget adds more rider-hours.
    is_proved
        Whether the bound was reached, so that nothing better exists.
    """

    menu: Menu
    steps: tuple[Step, ...]
    bound: float
    is_proved: bool

    @property
    def added(self) -> float:
        """Rider-hours added by all of them."""
        return self.steps[-1].cumulative if self.steps else 0.0

    @property
    def cost_yuan(self) -> float:
        """What they cost together."""
        return self.steps[-1].cost_yuan if self.steps else 0.0

    @property
    def covered_share(self) -> float:
        """Share of all rider-hours that would then be covered; not a number if there are none."""
        return (self.menu.standing + self.added) / self.menu.total if self.menu.total > 0 else float("nan")

    @property
    def gap_share(self) -> float:
        """How much more anything could add, as a share of the bound."""
        return 0.0 if self.is_proved or self.bound <= 0 else max(0.0, (self.bound - self.added) / self.bound)


def choose_greedily(menu: Menu, budget_yuan: float, at_most: int | None = None) -> Choice:
    """
    Take again and again the measure that adds most for its price.

    Parameters
    ----------
    menu
        What to choose from.
    budget_yuan
        What may be spent, inclusive.
    at_most
        How many measures; any number if left out.

    Returns
    -------
    choice
        Not always the best; its bound is what all measures together would add.
    """
    everything = menu.gain(range(len(menu.measures)))
    return Choice(
        menu, _ordered(menu, range(len(menu.measures)), budget_yuan, at_most), everything, is_proved=False
    )


def _ordered(menu: Menu, allowed: Sequence[int], budget_yuan: float, at_most: int | None) -> tuple[Step, ...]:
    left, spent, total = set(allowed), 0.0, 0.0
    weight, adds, cost = menu.weight.copy(), menu.alone.copy(), menu.cost_yuan
    steps: list[Step] = []
    while left and (at_most is None or len(steps) < at_most):
        fitting = sorted(m for m in left if spent + cost[m] <= budget_yuan * (1 + 1e-12))
        if not fitting:
            break
        best = fitting[int(np.argmax(adds[fitting] / cost[fitting]))]
        taken = np.flatnonzero(menu.covers[best] & (weight > 0))
        gained = float(weight[taken].sum())
        if gained <= 0:
            break
        adds -= menu.covers[:, taken] @ weight[taken]
        weight[taken] = 0.0
        spent, total = spent + float(cost[best]), total + gained
        steps.append(Step(best, float(menu.alone[best]), gained, total, spent))
        group = menu.measures[best].group
        left -= {m for m in left if m == best or (group and menu.measures[m].group == group)}
    return tuple(steps)


def choose_best(
    menu: Menu,
    budget_yuan: float,
    *,
    at_most: int | None = None,
    time_limit_s: float | None = None,
    watch: Watch | None = None,
) -> Choice:
    """
    The measures that add most rider-hours for a budget, proved.

    Parameters
    ----------
    menu
        What to choose from.
    budget_yuan
        What may be spent, inclusive.
    at_most
        How many measures; any number if left out.
    time_limit_s
        Give the best so far and its bound after so many seconds.
    watch
        Told of progress; may stop the solve.

    Returns
    -------
    choice
        Never worse than the greedy one.

    Raises
    ------
    InvalidInputError
        If the budget is not a number from 0 up.
    """
    if not 0 <= budget_yuan < 1e15:
        raise InvalidInputError(
            f"budget={budget_yuan:g} yuan; give a number from 0 up", parameter="budget", value=budget_yuan
        )
    greedy = choose_greedily(menu, budget_yuan, at_most)
    if menu.weight.size == 0:
        return Choice(menu, (), 0.0, is_proved=True)
    worth, rows = _programme(menu, budget_yuan, at_most)
    # a cell is then wholly covered or not at all, by itself
    is_whole = np.arange(len(worth)) < len(menu.measures)
    solved = maximise(worth, rows, is_whole=is_whole, time_limit_s=time_limit_s, watch=watch)
    chosen = np.flatnonzero(solved.values[: len(menu.measures)] > 0.5).tolist()
    steps = _ordered(menu, chosen, float("inf"), None)
    found = Choice(menu, steps, min(greedy.bound, solved.bound), solved.status == OPTIMAL)
    return found if found.added >= greedy.added or found.is_proved else _with_bound(greedy, solved)


def _with_bound(greedy: Choice, solved: Solved) -> Choice:
    return Choice(greedy.menu, greedy.steps, min(greedy.bound, solved.bound), is_proved=False)


def _programme(menu: Menu, budget_yuan: float, at_most: int | None) -> tuple[FloatArray, Rows]:
    """A cell is worth its weight if one of the measures that cover it is taken."""
    n_measures = len(menu.measures)
    worth = np.concatenate([np.zeros(n_measures), menu.weight])
    parts = [
        covering_rows(menu.covers),
        one_row(range(n_measures), menu.cost_yuan, -np.inf, budget_yuan),
    ]
    if at_most is not None:
        parts.append(one_row(range(n_measures), 1.0, -np.inf, float(at_most)))
    groups: dict[str, list[int]] = {}
    for m, one in enumerate(menu.measures):
        if one.group:
            groups.setdefault(one.group, []).append(m)
    parts += [one_row(members, 1.0, -np.inf, 1.0) for members in groups.values() if len(members) > 1]
    return worth, stack_rows(*parts)
