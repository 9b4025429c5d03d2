"""Where next and which measures, told step by step: the best choice, greedy beside it, and the curve to twenty."""

from typing import Any

from geo_service.districts.plans.answers import choice_json
from geo_service.districts.plans.planner import Planner
from geo_service.errors import InvalidInputError
from geo_service.planning.measures import Measure, choose_best, choose_greedily
from geo_service.planning.solve import Watch

Answer = dict[str, Any]

CURVE_STEPS = 20
"""How far the marginal curve goes."""

MOST_SITES = 50
"""New sites that may be asked for at once."""


def next_json(
    planner: Planner, *, add: int | None = None, budget_yuan: float | None = None, watch: Watch | None = None
) -> Answer:
    """
    Choose sites, or measures for a budget.

    Parameters
    ----------
    planner
        What is planned.
    add
        How many new sites; None if a budget is given.
    budget_yuan
        What may be spent; None if sites are asked for.
    watch
        Told of progress; may stop, and the best so far comes with its bound.

    Returns
    -------
    answer
        ``best``, ``greedy`` and ``curve``, each with steps; those with a position have ``lon`` and ``lat``; ``change``
        is what a what-if would try.

    Raises
    ------
    InvalidInputError
        If neither or both are given, or make no sense.
    """
    if (add is None) == (budget_yuan is None):
        raise InvalidInputError("give either how many sites or a budget", parameter="add", value=add)
    if add is not None and not 1 <= add <= MOST_SITES:
        raise InvalidInputError(f"add={add}; give 1 to {MOST_SITES} sites", parameter="add", value=add)
    candidates = planner.candidates
    measures = planner.measures(candidates) if add is None else planner.site_measures(candidates)
    menu = planner.menu(measures)
    budget = budget_yuan if add is None else add * planner.parameters.prices.site_yuan
    assert budget is not None
    chosen = {
        "best": choice_json(choose_best(menu, budget, at_most=add, watch=watch)),
        "greedy": choice_json(choose_greedily(menu, budget, at_most=add)),
        "curve": choice_json(choose_greedily(menu, float("inf"), CURVE_STEPS)),
    }
    by_id, at = {one.id: one for one in measures}, _positions(planner)
    for choice in chosen.values():
        for step in choice["steps"]:
            step |= _where(by_id[step["id"]], at)
    best, greedy = chosen["best"], chosen["greedy"]
    bound = best["bound_added"]
    return chosen | {
        "add": add,
        "budget_yuan": budget,
        "candidates": len(candidates),
        "offered": len(measures),
        "greedy_gap_share": round(max(0.0, (bound - greedy["added"]) / bound), 6) if bound > 0 else 0.0,
    }


def _positions(planner: Planner) -> dict[str, tuple[float, float]]:
    at = {one.id: (one.lon, one.lat) for one in planner.candidates}
    return at | {place.id: place.target for place in planner.stand.places.places}


def _where(measure: Measure, at: dict[str, tuple[float, float]]) -> Answer:
    """Where a measure is, and the change that tries it; services and gates can be tried by numbers alone."""
    subject = measure.group.partition(":")[2] if measure.kind in ("hours", "service") else measure.group
    lonlat = at.get(subject)
    if lonlat is None:
        return {}
    lon, lat = (round(value, 6) for value in lonlat)
    if measure.kind == "site":
        return {
            "lon": lon,
            "lat": lat,
            "change": {"do": "site", "lon": lon, "lat": lat, "name": measure.name[:80]},
        }
    change = (
        {"do": "hours", "place": subject, "hours": measure.id.removeprefix(f"{measure.group}:")}
        if measure.kind == "hours"
        else None
    )
    return {"lon": lon, "lat": lat} | ({"change": change} if change else {})
