"""The trust layer: where a gap may be missing data, by hand on a drawn town and on the demo."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from geo_service.districts.plans.areas import areas_json
from geo_service.districts.plans.demand import draw_demand
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.trust import trust_json
from geo_service.engine.router import NONE
from geo_service.errors import InvalidInputError
from geo_service.planning.parameters import Need, Parameters, TrustRules, parameters_of
from geo_service.planning.trust import build_grid, is_sparse, street_by_cell
from geo_service.planning.week import parse_hour

MONDAY = date(2026, 11, 23)
NOON = parse_hour("Mo-12")


def test_street_is_counted_in_the_cell_it_lies_in(draw):
    # a sign is 20 m wide: one street of 20 signs along the south, one of 5 to the north of its western end
    town = draw("""
        c
        |
        |
        |
        |
        a-------------------b
    """)
    grid = build_grid(town.network, 200.0)
    street_m = street_by_cell(town.network, grid)
    assert street_m.sum() == pytest.approx(town.network.link_length_mm.sum() / 1000)
    assert (grid.columns, grid.rows) == (2, 1)
    west_m, east_m = street_m.tolist()
    assert west_m == pytest.approx(300, abs=15)
    assert east_m == pytest.approx(200, abs=15)
    sparse, median_m = is_sparse(street_m, TrustRules(sparse_share=0.9))
    assert sparse.tolist() == [False, True]
    assert median_m == pytest.approx((west_m + east_m) / 2)


@pytest.fixture(scope="module")
def planner(demo_district) -> Planner:
    whole = draw_demand(demo_district)
    merchants = Parameters(Need("merchant"), MONDAY, minutes=4.0, accept=())
    return Planner(demo_district, merchants, whole.take(np.arange(0, len(whole), 20)))


def test_cells_hold_all_streets_all_points_and_all_riders(planner):
    found = trust_json(planner, NOON)
    told = [one["properties"] for one in found["features"]]
    streets = planner.router.network.link_length_mm.sum(dtype=np.int64) / 1000
    assert sum(one["street_m"] for one in told) == pytest.approx(streets, rel=1e-4)
    assert sum(one["points"] for one in told) == len(planner.demand)
    assert sum(one["riders"] for one in told) == pytest.approx(
        planner.weights.of_points([NOON]).sum(), rel=1e-2
    )
    missing = planner.weights.total[NOON] - planner.clock().riders[NOON]
    assert sum(one["left_out_riders"] for one in told) == pytest.approx(missing, rel=1e-2)
    assert found["rules"] == {"cell_m": 250.0, "sparse_share": 0.5, "far_gap_m": 100.0}
    assert all(one["synthetic"] for one in told)


def test_a_sparse_cell_is_one_with_less_street_than_the_rule_says(planner):
    found = trust_json(planner, NOON)
    for one in (feature["properties"] for feature in found["features"]):
        is_sparse_ = one["street_m"] < 0.5 * found["median_street_m"] - 0.1
        if abs(one["street_m"] - 0.5 * found["median_street_m"]) > 0.2:
            assert ("sparse_streets" in one["reasons"]) == is_sparse_
        if one["left_out_riders"] > 0:
            assert one["is_doubtful_gap"] == bool(one["reasons"])


def test_places_that_nobody_checked_are_a_reason_only_where_they_would_close_the_gap(planner, demo_district):
    def doubted(which):
        found = trust_json(which, NOON)
        return [one for one in found["features"] if "unverified_places" in one["properties"]["reasons"]]

    trusting = Planner(
        demo_district, replace(planner.parameters, accept=("unknown", "stale")), planner.demand
    )
    gained = trusting.clock().is_covered[:, NOON] & ~planner.clock().is_covered[:, NOON]
    assert bool(doubted(planner)) == bool(gained.any())
    assert doubted(trusting) == []


def test_the_sentence_says_what_share_is_in_doubt(planner):
    found = trust_json(planner, NOON)
    told = [one["properties"] for one in found["features"]]
    doubtful = sum(one["left_out_riders"] for one in told if one["is_doubtful_gap"])
    whole = sum(one["left_out_riders"] for one in told)
    assert doubtful > 0
    share = float(found["says"]["en"].partition("%")[0])
    assert share == pytest.approx(100 * doubtful / whole, abs=0.2)
    assert f"{share}%" in found["says"]["zh"]
    strict = replace(
        planner.parameters, trust=TrustRules(sparse_share=0.0, far_gap_m=5000.0), accept=("unknown", "stale")
    )
    calm = Planner(planner.district, strict, planner.demand)
    if not calm.is_unreached.any() and not (calm.snaps.link == NONE).any():
        assert (
            trust_json(calm, NOON)["says"]["en"]
            == "nothing speaks for missing data where somebody is left out"
        )


def test_the_trust_layer_comes_with_the_areas(planner):
    found = areas_json(planner, NOON, ["trust"])["trust"]
    assert {one["properties"]["part"] for one in found["features"]} == {"trust"}
    assert found["open_places"] == int(planner.stand.places.is_open[:, NOON].sum())
    assert found["says"]["zh"]


def test_rules_travel_with_the_plan_and_make_sense(planner):
    given = replace(planner.parameters, trust=TrustRules(cell_m=400))
    assert parameters_of(given.to_json()) == given
    with pytest.raises(InvalidInputError, match="trust: cell_m=1; give a number in 50"):
        TrustRules(cell_m=1)
