"""Is a plan true, and is it fair: whether a recommendation survives errors, and what each community gets."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo_service.districts.plans.planner import Planner
from geo_service.engine.router import Router
from geo_service.layers import Area
from geo_service.layers.areas import to_shape
from geo_service.network.links import some_streets
from geo_service.planning.cover import gini, share_by_area
from geo_service.planning.measures import Menu
from geo_service.planning.sensitivity import (
    HOLDS_SHARE,
    Trial,
    Verdict,
    compare,
    drop_some,
    vary_weights,
    winner_of,
)

Answer = dict[str, Any]
LongArray = npt.NDArray[np.int64]

CUTOFFS_MIN = (8.0, 10.0, 12.0)
CUTOFF_SHARES = (0.8, 1.2)
"""Of the metres, where metres are asked for."""
SPEEDS = (0.75, 1.25)
SPREAD = 0.5
WRONG_SHARE = 0.1
SEEDS = 20
STREET_SEEDS = 5
"""Fewer: each needs the streets searched anew."""

Report = Callable[[int, int], bool]
"""Told of trials done and in all; gives whether to go on."""


def judge_plan(planner: Planner, seeds: int = SEEDS, report: Report | None = None) -> Verdict:
    """
    Try a plan under other cutoffs and speeds, and under seeded errors of demand, places and streets.

    Other speeds scale every cost, gates and signals with them. A wrong place is one that stands on the map and not in
    the street; missing streets are links that nobody can use.

    Parameters
    ----------
    planner
        Its parameters, places and streets as they stand.
    seeds
        Seeded errors of demand and of places each; of streets at most `STREET_SEEDS`.
    report
        Told of progress; may stop, and what was tried so far is judged.

    Returns
    -------
    verdict
        With every trial.
    """
    measures = planner.measures(planner.candidates)
    menu = planner.menu(measures)
    todo = list(_assumptions(planner, menu, seeds))
    trials: list[Trial] = []
    for done, (kind, what, is_seeded, make) in enumerate(todo):
        if report is not None and not report(done, len(todo)):
            break
        trials.append(compare(kind, what, menu, make(), is_seeded=is_seeded))
    return Verdict(winner_of(menu), tuple(trials))


def _assumptions(
    planner: Planner, menu: Menu, seeds: int
) -> Iterator[tuple[str, str, bool, Callable[[], Menu]]]:
    minutes, metres = planner.parameters.minutes, planner.parameters.metres
    if metres is not None:
        # how far one gets does not depend on how fast
        for share in CUTOFF_SHARES:
            yield "cutoff", f"{metres * share:g} m", False, partial(_menu_at, planner, metres=metres * share)
    for cutoff in CUTOFFS_MIN if metres is None else ():
        if cutoff != minutes:
            yield "cutoff", f"{cutoff:g} min", False, partial(_menu_at, planner, minutes=cutoff)
    for speed in SPEEDS if metres is None else ():
        yield "speed", f"{speed - 1:+.0%}", False, partial(_menu_at, planner, minutes=minutes * speed)
    for seed in range(seeds):
        weights = vary_weights(planner.weights, SPREAD, seed)
        yield "demand", f"seed {seed}", True, partial(planner.menu, menu.measures, weights=weights)
    for seed in range(seeds):
        stays = drop_some(len(planner.stand.places.places), WRONG_SHARE, seed)
        yield "places", f"seed {seed}", True, partial(planner.menu, menu.measures, stays=stays)
    for seed in range(min(seeds, STREET_SEEDS)):
        yield "streets", f"seed {seed}", True, partial(_menu_without_streets, planner, seed)


def _menu_at(planner: Planner, **changes: float) -> Menu:
    given: Any = changes
    other = Planner(planner.district, replace(planner.parameters, **given), planner.demand)
    return other.menu(other.measures(planner.candidates))


def _menu_without_streets(planner: Planner, seed: int) -> Menu:
    network = planner.district.network(planner.parameters.profile)
    streets = some_streets(network, drop_some(network.n_links, WRONG_SHARE, seed))
    other = Planner(planner.district, planner.parameters, planner.demand, Router(streets))
    return other.menu(other.measures(planner.candidates))


def verdict_json(verdict: Verdict) -> Answer:
    """
    Say whether a recommendation holds, the doubt first.

    Parameters
    ----------
    verdict
        What was tried.

    Returns
    -------
    answer
        ``says`` in Chinese and English, shares by kind of error, and every trial.
    """
    kinds = dict.fromkeys(trial.kind for trial in verdict.trials if trial.is_seeded)
    shares = {kind: round(verdict.survival_share(kind), 4) for kind in kinds}
    turned = [t for t in verdict.trials if not t.is_seeded and t.winner != verdict.winner]
    zh, en = "未做随机误差检验", "no seeded errors were tried"
    if kinds:
        whole = f"{verdict.survival_share() * 100:.1f}"
        zh, en = f"在 {whole}% 的随机误差下仍为首选", f"it stays first in {whole}% of the seeded errors"
    if turned:
        zh += f"；{'、'.join(_assumed(trial, 0) for trial in turned)} 时首选改变"
        en += f"; with {', '.join(_assumed(trial, 1) for trial in turned)} another measure comes first"
    if not verdict.is_firm:
        zh, en = f"此建议并不牢靠：{zh}", f"This recommendation is not firm: {en}"
    else:
        zh, en = f"此建议牢靠：{zh}", f"This recommendation is firm: {en}"
    return {
        "winner": verdict.winner,
        "is_firm": verdict.is_firm,
        "needed_share": HOLDS_SHARE,
        "survival_share": shares,
        "says": {"zh": zh, "en": en},
        "trials": [_trial_json(trial) for trial in verdict.trials],
    }


_ASSUMED = {"cutoff": ("时限", "a cutoff of"), "speed": ("速度", "speeds at")}


def _assumed(trial: Trial, language: int) -> str:
    what = trial.what if language else trial.what.replace(" min", " 分钟")
    return f"{_ASSUMED[trial.kind][language]} {what}"


def _trial_json(trial: Trial) -> Answer:
    agreement = None if np.isnan(trial.rank_agreement) else round(trial.rank_agreement, 4)
    return {
        "kind": trial.kind,
        "what": trial.what,
        "winner": trial.winner,
        "rank_agreement": agreement,
        "is_seeded": trial.is_seeded,
    }


def equity_json(planner: Planner, layer: str = "community") -> Answer:
    """
    Covered share of each community, the worst, and how unequal they are.

    Parameters
    ----------
    planner
        Whose coverage.
    layer
        Layer of areas; a demand point belongs to the smallest that contains it.

    Returns
    -------
    answer
        Communities from the worst to the best, ``worst``, and ``gini`` weighted by rider-hours.

    Raises
    ------
    NotFoundError
        If there is no such layer.
    """
    areas, area_of = areas_of_demand(planner, layer)
    rows = share_by_area(planner.weights, planner.clock().is_covered, area_of, len(areas))
    named = [
        {
            "id": areas[row.area].id if row.area >= 0 else None,
            "name": areas[row.area].name if row.area >= 0 else "",
            "rider_hours": round(row.rider_hours, 3),
            "covered_share": None if np.isnan(row.covered_share) else round(row.covered_share, 6),
        }
        for row in rows
    ]
    asked = [row for row in rows if row.area >= 0 and row.rider_hours > 0]
    named.sort(key=lambda row: (row["covered_share"] is None, row["covered_share"] or 0.0, str(row["id"])))
    return {
        "layer": layer,
        "communities": named,
        "worst": next((row for row in named if row["id"] and row["covered_share"] is not None), None),
        "gini": round(gini([r.covered_share for r in asked], [r.rider_hours for r in asked]), 6)
        if asked
        else None,
    }


def areas_of_demand(planner: Planner, layer: str = "community") -> tuple[list[Area], LongArray]:
    """
    Which area each demand point is in.

    Parameters
    ----------
    planner
        Whose demand.
    layer
        Layer of areas.

    Returns
    -------
    areas, area_of
        The areas, and the position of the smallest that contains each point; -1 for none, shape ``(n,)``.

    Raises
    ------
    NotFoundError
        If there is no such layer.
    """
    areas = [area for area in planner.district.places(layer).features if isinstance(area, Area)]
    return areas, _area_of(planner, areas)


def _area_of(planner: Planner, areas: list[Area]) -> LongArray:
    area_of = np.full(len(planner.demand), -1)
    if not areas:
        return area_of
    shapes = np.array([to_shape(area.geometry) for area in areas])
    order = np.argsort(-shapely.area(shapes), kind="stable")
    points = shapely.points(planner.demand.lonlat)
    point, held = shapely.STRtree(shapes[order]).query(points, predicate="intersects")
    for at in np.lexsort((held, point)):
        area_of[point[at]] = order[held[at]]
    return area_of
