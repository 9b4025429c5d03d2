"""A plan's answers as plain values: choices step by step, and what is unreached in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from geo_service.planning.demand import KINDS
from geo_service.planning.measures import Choice, Menu

Answer = dict[str, Any]


def gap_share(greedy: Choice, best: Choice) -> float:
    """
    What greedy gives away.

    Parameters
    ----------
    greedy, best
        Two choices from one menu.

    Returns
    -------
    share
        Of what the best choice is known to reach at most, 0 to 1.
    """
    return round(max(0.0, (best.bound - greedy.added) / best.bound), 6) if best.bound > 0 else 0.0


def best_alone_json(menu: Menu, count: int = 10) -> list[Answer]:
    """
    Say which measures alone add most for their price.

    Parameters
    ----------
    menu
        What to choose from.
    count
        How many at most; those that add nothing are left out.

    Returns
    -------
    measures
        The best first.
    """
    alone, cost = menu.alone, menu.cost_yuan
    order = np.argsort(-alone / cost, kind="stable")[:count]
    return [
        {
            "id": menu.measures[m].id,
            "kind": menu.measures[m].kind,
            "name": menu.measures[m].name,
            "cost_yuan": float(cost[m]),
            "reach": round(float(alone[m]), 3),
            "per_10000_yuan": round(float(alone[m] / cost[m] * 10_000), 3),
        }
        for m in order.tolist()
        if alone[m] > 0
    ]


KIND_WORDS = {
    "meal": ("家餐饮", "kitchens"),
    "dwelling": ("户", "dwellings"),
    "office": ("间办公", "offices"),
    "shop": ("家店铺", "shops"),
    "express_site": ("名快递员", "couriers at outlets"),
    "gathering_point": ("名聚集骑手", "riders at gathering points"),
    "upload": ("（上传）", "uploaded"),
}
"""What is counted of each kind of demand."""


def unreached_says(points: int, compounds: int, sizes: Sequence[float]) -> dict[str, str]:
    """
    Say what no street leads from, by compounds and sizes.

    Parameters
    ----------
    points
        How many points.
    compounds
        How many names of compounds among them.
    sizes
        How much of each of `KINDS`.

    Returns
    -------
    says
        In Chinese and English.

    Examples
    --------
    >>> unreached_says(5, 3, [0, 412, 0, 2, 0, 0, 0])["en"]
    'unreached: 3 compounds, 412 dwellings, 2 shops (5 points)'
    """
    if not points:
        return {"zh": "没有无路可达的需求点", "en": "nothing is unreached"}
    some = [(KIND_WORDS[kind], f"{size:g}") for kind, size in zip(KINDS, sizes, strict=True) if size > 0]
    zh, en = [f"{size} {words[0]}" for words, size in some], [f"{size} {words[1]}" for words, size in some]
    if compounds:
        zh.insert(0, f"{compounds} 个小区")
        en.insert(0, f"{compounds} compound{'s' if compounds != 1 else ''}")
    return {
        "zh": f"无路可达：{'、'.join(zh)}（{points} 个需求点）",
        "en": f"unreached: {', '.join(en)} ({points} points)",
    }


def choice_json(choice: Choice) -> Answer:
    """
    Say a choice of measures.

    Parameters
    ----------
    choice
        What was chosen.

    Returns
    -------
    answer
        Steps in the order in which they help most for their price.
    """
    menu = choice.menu
    return {
        "before_share": rounded(menu.standing / menu.total if menu.total > 0 else np.nan),
        "covered_share": rounded(choice.covered_share),
        "added": round(choice.added, 3),
        "cost_yuan": choice.cost_yuan,
        "is_proved": choice.is_proved,
        "bound_added": round(choice.bound, 3),
        "gap_share": round(choice.gap_share, 6),
        "steps": [
            {
                "id": menu.measures[step.measure].id,
                "measure": menu.measures[step.measure].kind,
                "name": menu.measures[step.measure].name,
                "cost_yuan": menu.measures[step.measure].cost_yuan,
                "reach": round(step.reach, 3),
                "added": round(step.added, 3),
                "cumulative": round(step.cumulative, 3),
                "covered_share": rounded((menu.standing + step.cumulative) / menu.total),
                "per_10000_yuan": round(step.added / menu.measures[step.measure].cost_yuan * 10_000, 3),
            }
            for step in choice.steps
        ],
    }


def rounded(value: float) -> float | None:
    """
    Give a share six decimals.

    Parameters
    ----------
    value
        May be no number.

    Returns
    -------
    share
        None where there is no number.
    """
    return None if np.isnan(value) else round(float(value), 6)
