"""A planner's questions of the demo district: at the command line and in Python, against slower ways of asking."""

import json
from datetime import date, timedelta

import networkx as nx
import numpy as np
import pytest

from geo_service.districts.plans.checks import equity_json, judge_plan, verdict_json
from geo_service.districts.plans.demand import draw_demand
from geo_service.districts.plans.planner import Planner
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.planning.demand import HOURS, KINDS, Demand
from geo_service.planning.longer import longer_hours
from geo_service.planning.measures import choose_best
from geo_service.planning.parameters import PRESETS, Need, Parameters, Prices, parameters_of, parse_need
from geo_service.planning.sensitivity import Trial, Verdict, drop_some, kendall_tau, winner_of
from geo_service.planning.week import Week

MONDAY = date(2026, 11, 23)
STATIONS = Parameters(Need("station"), MONDAY, accept=("stale", "unknown"))


@pytest.fixture(scope="module")
def demand(demo_district) -> Demand:
    """Every fortieth point of the demo's demand, so that slow ways stay quick."""
    whole = draw_demand(demo_district)
    return whole.take(np.arange(0, len(whole), 40))


@pytest.fixture(scope="module")
def planner(demo_district, demand) -> Planner:
    return Planner(demo_district, STATIONS, demand)


def test_costs_of_demand_are_those_of_the_router(demo_district, demand, planner):
    network = demo_district.routers["walk"]
    for row in range(0, len(demand), 17):
        origin = network.snap(demand.lonlat[row : row + 1])
        cost = network.matrix(origin, planner.stand.places.snaps)[0]
        assert (planner.stand.cost_ms[row] == cost).all()


@pytest.mark.parametrize("hour", [2, 14, 100, 167])
def test_an_hour_of_the_clock_is_the_coverage_asked_for_that_hour(demo_district, demand, hour):
    merchants = Planner(demo_district, Parameters(Need("merchant"), MONDAY, accept=("stale",)), demand)
    share = merchants.clock().share[hour]
    at = merchants.week.instants[hour]
    end = at + timedelta(minutes=10)
    covered = total = 0.0
    for row in range(len(demand)):
        riders = float(merchants.weights.of_points([hour])[row])
        total += riders
        for f, place in enumerate(merchants.stand.places.places):
            cost = merchants.stand.cost_ms[row, f]
            states = [
                demo_district.finder.opening(place, instant).state
                for instant in (at, at + (end - at) / 2, end)
            ]
            if 0 <= cost <= 600_000 and all(state in ("open", "closing_soon", "stale") for state in states):
                covered += riders
                break
    assert share == pytest.approx(covered / total)


def test_demand_without_a_name_is_called_by_its_street(planner):
    named = sum(1 for name in planner.demand.name if name)
    assert named > 0.9 * len(planner.demand)


def test_what_else_is_needed_is_a_condition(demo_district, demand):
    both = Planner(
        demo_district,
        Parameters(Need("station"), MONDAY, (Need("toilet"),), accept=("stale", "unknown")),
        demand,
    )
    alone = Planner(demo_district, STATIONS, demand)
    toilets = Planner(demo_district, Parameters(Need("toilet"), MONDAY, accept=("stale", "unknown")), demand)
    assert (both.clock().is_covered == (alone.clock().is_covered & toilets.clock().is_covered)).all()
    menu = both.menu(both.measures(both.candidates[:20]))
    assert menu.standing == pytest.approx(both.clock().rider_hours)


def test_the_menu_weighs_what_the_clock_says(planner):
    menu = planner.menu(planner.site_measures(planner.candidates[:40]))
    assert menu.standing == pytest.approx(planner.clock().rider_hours)
    for m in range(0, 40, 13):
        after = planner.clock(menu.measures[m].parts)
        assert menu.alone[m] == pytest.approx(after.rider_hours - menu.standing, abs=1e-6)


def test_longer_hours_are_priced_by_the_hours_that_come(demo_district, demand):
    merchants = Planner(demo_district, Parameters(Need("merchant"), MONDAY, accept=("stale",)), demand)
    measures = merchants.hours_measures()
    assert measures
    rows = {place.id: row for row, place in enumerate(merchants.stand.places.places)}
    for measure in measures:
        _, place, hours = measure.id.split(":", 2)
        now, longer = merchants.stand.places.is_open[rows[place]], measure.parts[0].is_open
        # what stands on the door afterwards, and what is open already
        assert (longer == (now | merchants.week.open_by_text(hours, merchants.cutoff_ms))).all()
        assert measure.cost_yuan == (longer & ~now).sum() * Prices().hour_yuan > 0
    whole = [measure for measure in measures if measure.id.endswith(":24/7")]
    assert {measure.id.split(":")[1] for measure in whole} == {
        measure.id.split(":")[1] for measure in measures
    }


def test_of_several_ways_to_stay_open_longer_one_at_most_is_chosen(demo_district, demand):
    merchants = Planner(demo_district, Parameters(Need("merchant"), MONDAY, accept=("stale",)), demand)
    menu = merchants.menu(merchants.hours_measures())
    chosen = choose_best(menu, 400_000.0)
    places = [menu.measures[step.measure].group for step in chosen.steps]
    assert len(places) == len(set(places)) > 1
    # shorter ways are cheaper, and some of them are worth more for their price
    assert any(not menu.measures[step.measure].id.endswith("24/7") for step in chosen.steps)


def test_ways_to_stay_open_longer_are_hours_for_a_door():
    split = np.zeros((7, 24), dtype=bool)
    split[:6, 8:12], split[:6, 14:19], split[6, 10:12] = True, True, True
    assert longer_hours(split.reshape(-1), 600_000) == (
        "24/7",
        "Mo-Su 06:00-24:00",
        "Mo-Sa 08:00-24:00; Su 10:00-24:00",
        "Mo-Su 08:00-12:00,14:00-19:00",
    )
    # for ninety minutes the door must be open two hours after the last departure
    assert longer_hours(split.reshape(-1), 5_400_000)[3] == "Mo-Su 08:00-13:00,14:00-20:00"
    assert longer_hours(np.ones(HOURS, dtype=bool), 600_000)[0] == "24/7"


def test_a_service_is_offered_where_it_is_missing(demo_district, demand):
    planned = Planner(
        demo_district, Parameters(Need("station", ("shower",)), MONDAY, accept=("stale",)), demand
    )
    offered = {measure.id.split(":")[1] for measure in planned.service_measures()}
    lacking = {
        place.id for place in demo_district.places("station").features
        if "shower" not in {service.kind for service in place.services}
    }  # fmt: skip
    assert offered == lacking
    assert planned.site_measures([]) == []


def test_the_best_sites_are_never_worse_than_greedy(planner):
    answer = planner.site_json(2)
    assert answer["is_proved"]
    assert answer["added"] >= answer["greedy_added"] - 1e-6
    assert [step["cumulative"] for step in answer["steps"]][-1] == answer["added"]
    assert answer["covered_share"] > answer["before_share"]
    assert answer["synthetic"] is True


@pytest.mark.slow
def test_a_winner_is_judged_under_every_kind_of_error(planner):
    told = []
    verdict = judge_plan(planner, seeds=2, report=lambda done, total: told.append((done, total)) or True)
    kinds = [trial.kind for trial in verdict.trials]
    assert [kinds.count(kind) for kind in ("cutoff", "speed", "demand", "places", "streets")] == [
        2,
        2,
        2,
        2,
        2,
    ]
    assert told[-1] == (9, 10)
    assert verdict.winner == winner_of(planner.menu(planner.measures(planner.candidates)))
    seeded = [trial for trial in verdict.trials if trial.is_seeded]
    assert verdict.survival_share() == sum(t.winner == verdict.winner for t in seeded) / len(seeded)
    assert all(-1 <= trial.rank_agreement <= 1 for trial in verdict.trials)
    said = verdict_json(verdict)
    assert said["says"]["zh"].startswith("此建议并不牢靠") is not verdict.is_firm
    stopped = judge_plan(planner, seeds=2, report=lambda done, total: done < 3)
    assert stopped.trials == verdict.trials[:3]


def test_a_recommendation_that_fails_one_kind_of_error_says_so_first():
    firm = [Trial("demand", f"seed {n}", "a", 1.0, is_seeded=True) for n in range(10)]
    shaky = [Trial("places", f"seed {n}", "a" if n < 7 else "b", 1.0, is_seeded=True) for n in range(10)]
    assert Verdict("a", tuple(firm)).is_firm
    said = verdict_json(Verdict("a", (*firm, *shaky)))
    assert not said["is_firm"]
    assert said["survival_share"] == {"demand": 1.0, "places": 0.7}
    assert said["says"]["en"].startswith("This recommendation is not firm")
    turned = Trial("cutoff", "8 min", "b", 0.5, is_seeded=False)
    assert not Verdict("a", (*firm, turned)).is_firm


def test_communities_are_told_from_the_worst_to_the_best(planner):
    answer = equity_json(planner)
    shares = [row["covered_share"] for row in answer["communities"] if row["covered_share"] is not None]
    assert shares == sorted(shares)
    assert answer["worst"]["covered_share"] == shares[0]
    whole = sum(row["rider_hours"] for row in answer["communities"])
    assert whole == pytest.approx(planner.weights.total.sum(), rel=1e-5)
    assert 0 <= answer["gini"] <= 1


def test_kendall_agrees_with_scipy():
    from scipy.stats import kendalltau

    random = np.random.default_rng(1)
    for _ in range(20):
        a, b = random.integers(0, 6, 12), random.integers(0, 6, 12)
        assert kendall_tau(a, b) == pytest.approx(kendalltau(a, b).statistic)


def test_a_share_of_places_goes_the_same_way_for_one_seed():
    assert (drop_some(30, 0.1, 4) == drop_some(30, 0.1, 4)).all()
    assert drop_some(30, 0.1, 4).sum() == 27
    assert drop_some(4, 0.1, 4).sum() == 3
    assert drop_some(0, 0.1, 4).sum() == 0


def test_a_week_knows_its_holidays_and_make_up_days():
    national = Week(date(2026, 10, 1))
    assert national.monday == date(2026, 9, 28)
    assert national.is_workday == (True, True, True, False, False, False, False)
    after = Week(date(2026, 10, 10))
    assert after.is_workday[5] is True


def test_hours_by_text_must_hold_until_the_cutoff_is_over():
    is_open = Week(MONDAY).open_by_text("Mo-Fr 08:00-20:00", 600_000)
    assert [hour for hour in range(24) if is_open[hour]] == list(range(8, 20))
    late = Week(MONDAY).open_by_text("Mo-Fr 08:00-20:05", 600_000)
    assert not late[20]
    assert Week(MONDAY).open_by_text("24/7", 600_000).all()
    assert not Week(MONDAY).open_by_text(None, 600_000).any()


def test_parameters_come_back_as_they_were():
    given = Parameters(Need("station", ("hot_water",)), MONDAY, (Need("toilet"),), "ebike", 8.0, ("stale",))
    assert parameters_of(json.loads(json.dumps(given.to_json()))) == given


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "not parameters of a plan"),
        ({"colour": 1}, "'colour' is no parameter"),
        ({"week": "soon"}, "cannot be used"),
        ({"need": "station:"}, "has an empty part"),
        ({"prices": {"site_yuan": 0}}, "give yuan above 0"),
        ({"groups": [{"key": "x"}]}, "cannot be used"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change, said):
    with pytest.raises(InvalidInputError, match=said):
        parameters_of(STATIONS.to_json() | change)


def test_a_need_names_layer_and_services():
    assert parse_need("station:hot_water:toilet") == Need("station", ("hot_water", "toilet"))


def test_an_unknown_layer_and_profile_are_refused_by_name(demo_district, demand):
    with pytest.raises(NotFoundError, match="moon"):
        Planner(demo_district, Parameters(Need("moon"), MONDAY), demand)
    with pytest.raises(InvalidInputError, match="profile='boat'"):
        Planner(demo_district, Parameters(Need("station"), MONDAY, profile="boat"), demand)


def test_no_demand_is_said_and_not_divided_by(demo_district, demand):
    with pytest.raises(InvalidInputError, match="shows no demand"):
        Planner(demo_district, STATIONS, demand.take([]))


@pytest.mark.slow
def test_the_clock_at_the_command_line(run, demo_directory):
    words = ["--layer", "station", "--accept", "stale,unknown", "--week", "2026-11-25"]
    code, out, _ = run("coverage", demo_directory, "--clock", *words, "--json")
    answer = json.loads(out)
    assert code == 0
    assert len(answer["clock"]) == HOURS
    assert answer["week"][0]["date"] == "2026-11-23"
    assert answer["share_of"] == "rider_hours"
    assert set(answer["demand"]) <= set(KINDS)
    text = run("coverage", demo_directory, "--clock", *words)[1]
    assert "02:00" in text
    assert "示例" in text


def test_a_kilometre_is_the_length_of_the_shortest_way(demo_district, demand):
    near = Parameters(Need("station"), MONDAY, accept=("stale", "unknown"), **PRESETS["1-km"])
    planner = Planner(demo_district, near, demand.take(np.arange(0, len(demand), 5)))
    streets = demo_district.network("walk")
    graph = nx.Graph()
    for edge in range(streets.n_edges):
        ends = int(streets.edge_tail[edge]), int(streets.edge_head[edge])
        length_m = float(streets.link_length_mm[streets.edge_link[edge]]) / 1000
        if length_m < graph.get_edge_data(*ends, {"m": np.inf})["m"]:
            graph.add_edge(*ends, m=length_m)
    at = planner.stand.at
    for f in range(len(at.link)):
        far = dict.fromkeys(range(streets.n_nodes), np.inf)
        place = _ends(streets, at, f)
        for node, rest_m in place:
            for other, way_m in nx.single_source_dijkstra_path_length(graph, node, weight="m").items():
                far[other] = min(far[other], rest_m + way_m)
        for row in range(len(planner.demand)):
            if planner.snaps.link[row] == at.link[f]:
                continue
            ways = [far[node] + rest_m for node, rest_m in _ends(streets, planner.snaps, row)]
            told = planner.stand.cost_ms[row, f]
            assert told / 1000 == pytest.approx(min(ways), abs=0.02)
            assert planner.stand.is_near[row, f] == (told <= 1_000_000)


def _ends(streets, snaps, row):
    """Both ends of the link that a point stands on, with the metres to them, the gap included."""
    link, share = int(snaps.link[row]), float(snaps.share[row])
    edge = int(streets.link_edge[link, 0])
    tail, head = int(streets.edge_tail[edge]), int(streets.edge_head[edge])
    if edge == -1:
        other = int(streets.link_edge[link, 1])
        tail, head = int(streets.edge_head[other]), int(streets.edge_tail[other])
    length_m, gap_m = float(streets.link_length_mm[link]) / 1000, float(snaps.gap_m[row])
    return [(tail, gap_m + share * length_m), (head, gap_m + (1 - share) * length_m)]


def test_two_stations_cover_less_than_one_and_presets_come_back_from_a_file(demo_district, demand):
    shares = {}
    for name, preset in PRESETS.items():
        given = Parameters(Need("station"), MONDAY, accept=("stale", "unknown"), **preset)
        assert parameters_of(json.loads(json.dumps(given.to_json()))) == given
        shares[name] = Planner(demo_district, given, demand).clock().covered_share
    assert shares["15-minutes-two"] < shares["15-minutes"]
    assert shares["1-km-two"] < shares["1-km"] < shares["15-minutes"]


@pytest.mark.slow
def test_sites_and_measures_at_the_command_line(run, demo_directory, tmp_path):
    saved = tmp_path / "plan.json"
    words = ["--layer", "station", "--accept", "stale,unknown", "--week", "2026-11-25"]
    code, out, _ = run("site", demo_directory, *words, "--add", "2", "--save", saved, "--json")
    answer = json.loads(out)
    assert (code, len(answer["steps"]), answer["is_proved"]) == (0, 2, True)
    again = run("site", demo_directory, "--parameters", saved, "--add", "2", "--json")[1]
    assert json.loads(again) == answer
    code, out, _ = run("measures", demo_directory, "--parameters", saved, "--budget", "130000")
    assert code == 0
    assert "proved best" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["site"], "--layer is missing"),
        (["site", "--layer", "station", "--add", "0"], "add=0"),
        (["site", "--layer", "moon"], "moon"),
        (["measures", "--layer", "station", "--budget", "-5"], "number from 0 up"),
        (
            ["coverage", "--layer", "station", "--clock", "--without", "a"],
            "--without does not go with --clock",
        ),
        (["site", "--parameters", "nowhere.json"], "cannot be read"),
        (
            ["site", "--layer", "station", "--preset", "1-km", "--minutes", "9"],
            "--minutes does not go with --preset",
        ),
        (["site", "--layer", "station", "--metres", "0"], "metres=0 is not above 0"),
        (["coverage", "--layer", "station", "--preset", "1-km"], "--preset goes with --clock only"),
    ],
)
def test_a_plan_that_cannot_be_asked_is_refused_on_one_line(run, demo_directory, words, said):
    code, out, err = run(words[0], demo_directory, *words[1:])
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_the_choice_of_nothing_is_empty(planner):
    assert choose_best(planner.menu([]), 5.0).steps == ()
