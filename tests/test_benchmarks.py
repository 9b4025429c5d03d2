"""Benchmarks run, on a small made-up city: peers agree, figures are told, long runs go on where they stopped."""

import json
import time
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import engine, planning, scale, table
from benchmarks.rig import report
from benchmarks.rig.city import build_city
from benchmarks.rig.clock import Job, Race
from benchmarks.rig.field import PEERS
from benchmarks.rig.ours import NAME, Ours, evening_windows
from benchmarks.rig.peers import k_best, k_best_of_list, version_of
from benchmarks.rig.streets import build_streets, strong_part
from geo_service.network.graph import NONE


@pytest.fixture(scope="module")
def streets():
    return build_streets(build_city(900, seed=3))


@pytest.fixture(scope="module")
def ours(streets):
    return Ours(streets)


@pytest.fixture(scope="module")
def bench(streets, ours):
    return engine.Bench(streets, {NAME: ours}, (20, 100, 400), side=30)


def test_a_city_is_the_same_for_the_same_seed_and_another_for_another():
    assert build_city(400, seed=1).fingerprint == build_city(400, seed=1).fingerprint
    assert build_city(400, seed=1).fingerprint != build_city(400, seed=2).fingerprint


def test_a_city_has_one_way_streets_and_nearly_as_many_crossings_as_asked_for():
    city = build_city(10_000, seed=1)
    assert city.n_nodes == 10_000
    assert (city.link_edge == NONE).any(axis=1).mean() > 0.05
    assert strong_part(city).n_nodes > 9_000


def test_every_node_of_the_strong_part_reaches_every_other(streets, ours):
    nodes = np.arange(0, streets.n_nodes, 40)
    assert (ours.router.matrix_nodes(nodes, nodes) >= 0).all()


def test_the_plain_edges_hold_the_fastest_of_parallel_ones_and_their_drawn_points(streets):
    network = streets.network
    for edge in range(0, len(streets.tail), 97):
        same = (network.edge_tail == streets.tail[edge]) & (network.edge_head == streets.head[edge])
        assert streets.weight_ms[edge] == network.edge_weight_ms[same].min()
        line = streets.line_of_edges(int(streets.tail[edge]), [edge])
        assert np.allclose(line[[0, -1]], streets.lonlat[[streets.tail[edge], streets.head[edge]]])
        assert len(line) >= 2


def test_a_line_of_nodes_is_the_line_of_the_edges_between_them(streets):
    first = 5
    second = int(np.flatnonzero(streets.tail == streets.head[first])[0])
    nodes = [int(streets.tail[first]), int(streets.head[first]), int(streets.head[second])]
    assert (streets.line_of_nodes(nodes) == streets.line_of_edges(nodes[0], [first, second])).all()


def test_the_k_best_are_found_alike_in_arrays_and_lists():
    costs = np.random.default_rng(5).permutation(300)
    for some in (costs[:3], costs[:60], costs):
        expected = np.sort(some)[:5].tolist()
        assert list(k_best(some, 5)[1]) == expected
        assert list(k_best_of_list(some.tolist(), 5)[1]) == expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", PEERS, ids=lambda kind: kind.package)
def test_a_peer_agrees_with_the_reference_on_everything_it_answers(kind, streets, ours):
    if version_of(kind) is None:
        pytest.skip(f"peer {kind.package} is not installed: pip install 'geo-service[bench]'")
    bench = engine.Bench(streets, {NAME: ours, kind.package: kind(streets)}, (20, 100, 400), side=30)
    answered = set()
    for task in bench.contests():
        if kind.package in task.jobs:
            engine.check(task)
            answered.add(task.name)
    assert any(name.startswith(("nearest", "batch", "coverage")) for name in answered)


def test_all_our_answers_are_checked_and_sum_up_to_the_same(bench):
    with ExitStack() as stack:
        tasks = list(bench.tasks(stack))
        assert all(NAME in task.jobs for task in tasks)
        first = [engine.check(task) for task in tasks]
        assert first == [engine.check(task) for task in tasks]


def test_a_wrong_answer_is_noticed(bench):
    task = next(bench.contests())
    job = task.jobs[NAME]
    wrong = Job(job.ask, lambda found: job.read(found) + 1)
    with pytest.raises(AssertionError):
        engine.check(replace(task, jobs={NAME: wrong}))


def test_evening_windows_are_those_of_the_hours_they_stand_for():
    from benchmarks.rig.ours import AT, HOURS
    from geo_service.hours import State, opening_at

    windows = evening_windows(len(HOURS))
    for row, hours in enumerate(HOURS):
        spans = slice(windows.first[row], windows.first[row + 1])
        is_open = bool(((windows.open_ms[spans] <= 0) & (windows.close_ms[spans] > 0)).any())
        assert is_open == (opening_at(hours, AT).state in {State.OPEN, State.CLOSING_SOON}), hours


def test_peers_take_turns_and_the_slow_are_asked_less():
    order = []
    jobs = {name: Job(lambda q, n=name: order.append((n, q)), lambda a: a) for name in ("one", "two")}
    race = Race(jobs, list(range(10)), budget_s=0.01, rounds=6)
    order.clear()
    times = race.run()
    turns = [name for i, (name, _) in enumerate(order) if i == 0 or order[i - 1][0] != name]
    assert set(turns) == {"one", "two"}
    assert len(turns) >= 4
    assert all(t.calls > 0 and t.cpu_s >= 0 and t.wall_s <= t.wall_p99_s for t in times.values())


def test_the_part_of_a_question_that_is_asked_scales_its_time():
    whole = Job(lambda _: sum(range(20_000)), lambda a: a)
    times = Race({"whole": whole, "half": whole._replace(part=0.5)}, [None], budget_s=0.05).run()
    assert times["half"].wall_s > 1.3 * times["whole"].wall_s


@pytest.mark.slow
def test_the_report_names_machine_date_commit_peers_and_verdicts(streets, capsys, tmp_path, monkeypatch):
    told = engine.run_all(streets, (20, 100), runs=1, budget_s=0.002, side=30, path=tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(json.dumps(told))
    monkeypatch.setattr("sys.argv", ["table", str(tmp_path / "out.json")])
    table.main()
    printed = capsys.readouterr().out
    assert "1 of 1 runs" in printed
    assert "first answer, cache filled" in printed
    missing = {kind.package for kind in PEERS if version_of(kind) is None}
    assert set(told["missing"]) == missing
    assert told["date"] in printed
    assert told["commit"] in printed
    assert told["answers_sha256"] in printed
    assert "bytes for each node" in printed
    assert all(name in printed for name in missing)
    assert all(name in printed for name in set(told["preprocessing"]) - {NAME})


def test_runs_are_kept_one_by_one_and_an_interrupted_measurement_goes_on(tmp_path):
    path, asked = tmp_path / "out.json", []
    task = engine.Task(
        "sum", {NAME: Job(lambda q: (asked.append(q), time.sleep(0.004)), lambda a: a)}, [1, 2]
    )
    told = dict.fromkeys(engine.SAME, "the same")

    def keep(done):
        report.write_json(path, told | engine._tell_runs([task], done))
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.measure([task], 5, 0.001, keep=keep)
    known = engine.known_runs(path, told)
    assert len(known) == 2
    whole = engine.measure([task], 3, 0.001, known)
    assert (whole[:2], len(whole)) == (known, 3)
    asked.clear()
    assert engine.measure([task], 3, 0.001, whole) == whole
    assert asked == []


def test_runs_of_another_machine_code_or_network_are_not_gone_on_with(tmp_path, capsys):
    path, told = tmp_path / "out.json", dict.fromkeys(engine.SAME, "the same")
    report.write_json(path, told | {"runs": 1, "times": [{}]})
    assert engine.known_runs(None, told) == engine.known_runs(tmp_path / "none.json", told) == []
    for what in engine.SAME:
        assert engine.known_runs(path, told | {what: "another"}) == []
        assert f"({what} differ)" in capsys.readouterr().err


@pytest.mark.slow
def test_one_size_of_the_growing_city_is_measured_and_right():
    told = scale.measure_size(900, seconds=0.002)
    assert told["nodes"] > 500
    assert all(value > 0 for key, value in told.items() if key not in {"answers_sha256", "grown_mb"})


def test_sizes_that_are_known_for_this_code_are_not_run_again():
    known = [{"asked_nodes": 3_000, "code": "a"}, {"asked_nodes": 10_000, "code": "b"}]
    assert list(scale.sizes_to_run(20_000, known, "a")) == [10_000, 20_000]
    assert list(scale.sizes_to_run(3_000, known, "a")) == []


def test_growth_is_the_power_of_the_number_of_nodes():
    rows = [{"nodes": 100, "build_s": 1.0}, {"nodes": 10_000, "build_s": 100.0}]
    assert scale.growth(rows, "build_s") == "1.00"
    assert scale.growth(rows[:1], "build_s") == ""


@pytest.fixture(scope="module")
def planner(demo_district):
    from geo_service.districts.plans.demand import draw_demand
    from geo_service.districts.plans.planner import Planner

    whole = draw_demand(demo_district)
    return Planner(demo_district, planning.NEED, whole.take(np.arange(0, len(whole), 60)))


@pytest.mark.slow
@pytest.mark.parametrize("name", planning.TASKS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:pulp", "ignore::DeprecationWarning:spopt")
def test_a_task_of_a_planner_is_answered_alike_by_all_peers(planner, name):
    told = planning.TASKS[name](planner, planning.Size(12, 4, 1, 1))
    assert told[planning.OURS] > 0
    assert name == "coverage" or len(told.keys() - {"candidates"}) > 1


@pytest.mark.slow
def test_a_peer_that_answers_otherwise_is_named():
    with pytest.raises(AssertionError, match="other answers otherwise"):
        planning.race([("one", lambda: 1, 1), ("other", lambda: 2, 1)], lambda a, b: a == b)


def test_a_map_without_demand_gets_one_of_four_kinds():
    made = planning.made_demand(np.zeros((50, 2)), np.random.default_rng(1))
    assert len(made) == 50
    assert len(made.kinds_present()) == 4
