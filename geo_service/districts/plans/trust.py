"""The trust layer of an hour: by cell what speaks against believing that a gap in coverage is one."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_service.districts.plans.planner import Planner
from geo_service.engine.router import NONE
from geo_service.planning.trust import REASONS, build_grid, is_sparse, street_by_cell
from geo_service.planning.week import hour_name

Answer = dict[str, Any]
BoolArray = npt.NDArray[np.bool_]
LongArray = npt.NDArray[np.int64]

_ZH = {
    "sparse_streets": "路网稀疏",
    "unreached_demand": "有需求点无路可达",
    "far_from_streets": "有需求点离路过远",
    "unverified_places": "附近点位营业时间未知或待核实",
}
_EN = {
    "sparse_streets": "few streets on the map",
    "unreached_demand": "demand that no street leads from",
    "far_from_streets": "demand far from every street",
    "unverified_places": "places near whose hours are unknown or not checked for long",
}


def trust_json(planner: Planner, hour: int) -> Answer:
    """
    Say by cell where a gap may be missing data.

    Parameters
    ----------
    planner
        The district and what is planned; its parameters hold the rules.
    hour
        Of the week, 0 to 167.

    Returns
    -------
    collection
        A GeoJSON FeatureCollection of the cells with streets or demand, WGS 84 degrees; ``says`` in Chinese and English
        how many of the riders left out are in doubtful cells, and ``rules`` what doubtful means.
    """
    rules, network = planner.parameters.trust, planner.router.network
    grid = build_grid(network, rules.cell_m)
    street_m = street_by_cell(network, grid)
    sparse, median_m = is_sparse(street_m, rules)
    cell = grid.cell_of(planner.demand.lonlat)
    n_cells = grid.rows * grid.columns
    riders = planner.weights.of_points([hour])
    left_out = riders * ~planner.clock().is_covered[:, hour]
    points = {
        "unreached_demand": planner.is_unreached,
        "far_from_streets": (planner.snaps.link == NONE) | (planner.snaps.gap_m > rules.far_gap_m),
        "unverified_places": _would_close(planner, hour),
    }
    counts = {name: np.bincount(cell[rows], minlength=n_cells) for name, rows in points.items()}
    by_cell = np.bincount(cell, minlength=n_cells)
    riders_of, missing_of = (np.bincount(cell, each, minlength=n_cells) for each in (riders, left_out))
    doubts = {"sparse_streets": sparse, **{name: count > 0 for name, count in counts.items()}}
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [grid.ring(at)]},
            "properties": {
                "part": "trust",
                "hour": hour_name(hour),
                "synthetic": planner.district.synthetic,
                "street_m": round(float(street_m[at]), 1),
                "street_of_median_share": round(float(street_m[at]) / median_m, 3) if median_m > 0 else None,
                "points": int(by_cell[at]),
                "unreached_points": int(counts["unreached_demand"][at]),
                "riders": round(float(riders_of[at]), 3),
                "left_out_riders": round(float(missing_of[at]), 3),
                "is_doubtful_gap": bool(missing_of[at] > 0 and any(doubts[name][at] for name in REASONS)),
                "reasons": "; ".join(name for name in REASONS if doubts[name][at]),
            },
        }
        for at in np.flatnonzero((street_m > 0) | (by_cell > 0)).tolist()
    ]
    return {
        "type": "FeatureCollection",
        "datum": "WGS 84",
        "need": str(planner.parameters.need),
        "hour": hour,
        "hour_name": hour_name(hour),
        "rules": planner.parameters.to_json()["trust"],
        "median_street_m": round(median_m, 1),
        "says": _says(features, missing_of.astype(np.float64), doubts),
        "synthetic": planner.district.synthetic,
        "features": features,
    }


def _would_close(planner: Planner, hour: int) -> BoolArray:
    """Points left out that would be covered if places counted whose hours are unknown or long unchecked."""
    missing: BoolArray = ~planner.clock().is_covered[:, hour]
    if {"unknown", "stale"} <= set(planner.parameters.accept):
        return np.zeros(len(missing), dtype=np.bool_)
    other = Planner(
        planner.district, replace(planner.parameters, accept=("unknown", "stale")), planner.demand
    )
    covered: BoolArray = missing & other.clock().is_covered[:, hour]
    return covered


def _says(
    features: list[Answer], missing_of: npt.NDArray[np.float64], doubts: dict[str, BoolArray]
) -> Answer:
    """How many of those left out are in cells where the map may be wrong, and why."""
    whole = float(missing_of.sum())
    if whole <= 0:
        return {"zh": "此时没有骑手被遗漏", "en": "nobody is left out in this hour"}
    doubtful = np.logical_or.reduce(list(doubts.values()))
    share = f"{100 * float(missing_of[doubtful].sum()) / whole:.1f}"
    cells = sum(1 for one in features if one["properties"]["is_doubtful_gap"])
    if not cells:
        return {
            "zh": "未覆盖处未见数据缺失的迹象",
            "en": "nothing speaks for missing data where somebody is left out",
        }
    parts = {
        name: f"{100 * float(missing_of[doubts[name]].sum()) / whole:.1f}%"
        for name in REASONS
        if (missing_of[doubts[name]] > 0).any()
    }
    zh = "、".join(f"{_ZH[name]} {part}" for name, part in parts.items())
    en = ", ".join(f"{_EN[name]} {part}" for name, part in parts.items())
    return {
        "zh": f"被遗漏的骑手中 {share}% 位于数据存疑的 {cells} 个格子（{zh}），此处的“盲区”可能只是缺数据，请先核实",
        "en": f"{share}% of the riders left out are in {cells} doubtful cells ({en}): there a gap may be "
        "missing data; check before you build",
    }
