"""Many districts at once: real processes, one of which is killed, and nothing is lost or worked out twice."""

import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from geo_service.cli.many import Many, check_one
from geo_service.districts.plans.many import Crew, Tallied, find_districts, tally_many
from geo_service.districts.plans.tally import ages_of, tally_district
from geo_service.districts.plans.tally_table import COLUMNS, HOUR_COLUMNS, estimate
from geo_service.errors import InvalidInputError
from geo_service.network.features import load_features, save_features
from geo_service.planning.parameters import Need, Parameters
from geo_service.settings import Settings
from tests import house

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # what a killed process left open

PLAN = Parameters(Need("station"), date(2026, 11, 25), accept=("stale", "unknown"))
AGES = ages_of(Settings())
TWO = Crew(2)
NAMES = ("a", "b", "c", "d")
COST = ("cpu_s", "wall_s", "peak_mb", "worker")


@pytest.fixture(scope="module")
def folder(demo_directory, tmp_path_factory) -> Path:
    """Four districts with the streets of the demo and a few of its houses each, and one that is damaged."""
    folder = tmp_path_factory.mktemp("many")
    features = load_features(demo_directory / "osm")
    for number, name in enumerate(NAMES, 1):
        _copy(demo_directory, folder / name)
        few = replace(features, buildings=features.buildings[: 40 * number], lines=(), areas=())
        save_features(few, folder / name / "osm")
    _copy(demo_directory, folder / "z")
    (folder / "z" / "network" / "walk" / "network.json").write_text("{}", encoding="utf-8")
    return folder


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("cache", "pack", "*.pmtiles"))
    config = target / "district.toml"
    text = config.read_text(encoding="utf-8").replace('id = "xiangheyuan"', f'id = "{target.name}"')
    config.write_text(text, encoding="utf-8")


def without_cost(tally):
    return {name: value for name, value in tally.items() if name not in COST}


def worked(paths, results, plan=PLAN, crew=TWO) -> dict[str, Tallied]:
    return {row.directory.name: row for row in tally_many(find_districts(paths), plan, AGES, results, crew)}


@pytest.fixture(scope="module")
def killed(folder, tmp_path_factory):
    """All of them by two processes, of which the first that gives a result is killed at the next district."""
    results, rows = tmp_path_factory.mktemp("results"), {}
    victim = None
    for row in tally_many(find_districts([folder]), PLAN, AGES, results, TWO):
        rows[row.directory.name] = row
        if row.outcome == "done" and victim is None:
            victim = int(row.tally["worker"].rpartition(":")[2])
            os.kill(victim, signal.SIGKILL)
    return rows, results, victim


@pytest.mark.slow
def test_no_result_is_lost_when_a_worker_is_killed_half_way(folder, killed):
    rows, _, victim = killed
    assert sorted(rows) == [*NAMES, "z"]
    assert {rows[name].outcome for name in NAMES} == {"done"}
    assert victim != os.getpid()
    by_others = {row.tally["worker"] for row in rows.values() if row.tally} - {
        f"{os.uname().nodename}:{victim}"
    }
    assert by_others
    for name in NAMES[::3]:
        alone = tally_district(str(folder / name), PLAN.to_json(), AGES)
        assert without_cost(rows[name].tally) == without_cost(alone)
    assert len({rows[name].tally["demand_points"] for name in NAMES}) == len(NAMES)


@pytest.mark.slow
def test_a_district_that_fails_is_a_row_with_its_reason(killed):
    row = killed[0]["z"]
    assert (row.outcome, row.tally) == ("failed", {})
    assert "not a network of version 1" in row.reason


@pytest.mark.slow
def test_what_is_known_is_not_worked_out_again(folder, killed, monkeypatch):
    rows, results, _ = killed
    again = Parameters(Need("station"), date(2026, 11, 28), accept=("stale", "unknown"))  # of the same week
    monkeypatch.setattr("geo_service.districts.plans.many._client", None)  # nobody is hired
    known = worked([folder / name for name in NAMES], results, again)
    assert {name: known[name].outcome for name in NAMES} == dict.fromkeys(NAMES, "kept")
    assert all(known[name].tally == rows[name].tally for name in NAMES)


@pytest.mark.slow
def test_other_parameters_and_other_data_are_worked_out_anew(folder, killed, tmp_path):
    from geo_service.districts import open_district
    from geo_service.districts.plans.tally import fingerprint_of

    def named(directory, plan=PLAN, ages=AGES):
        district = open_district(directory, Settings())
        try:
            return fingerprint_of(district, plan, ages)
        finally:
            district.close()

    here = named(folder / "a")
    assert killed[0]["a"].tally["fingerprint"] == here
    assert named(folder / "a", replace(PLAN, minutes=8.0)) != here
    assert named(folder / "a", replace(PLAN, week=date(2026, 12, 1))) != here
    assert named(folder / "a", ages=AGES._replace(hours_age_days=5)) != here
    changed = tmp_path / "a"
    shutil.copytree(folder / "a", changed)
    assert named(changed) == here
    features = load_features(changed / "osm")
    save_features(replace(features, buildings=features.buildings[1:]), changed / "osm")
    assert named(changed) != here


@pytest.mark.slow
def test_a_damaged_result_is_not_believed(folder, killed, tmp_path):
    rows, results, _ = killed
    copy = tmp_path / "results"
    shutil.copytree(results, copy)
    for path in copy.glob("[a-c]-*.json"):
        path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    (one,) = copy.glob("d-*.json")
    one.write_text(json.dumps(rows["d"].tally | {"clock": []}), encoding="utf-8")
    from geo_service.districts.plans.many import _known

    assert [_known(folder / name, PLAN, AGES, copy) for name in NAMES] == [None] * 4


WORDS = ("--layer", "station", "--accept", "stale,unknown", "--week", "2026-11-25")


@pytest.mark.slow
def test_the_table_has_a_row_for_each_district_also_one_that_failed(run, folder, killed, tmp_path):
    table = tmp_path / "all.csv"
    code, out, _ = run("coverage", "--all", folder, *WORDS, "--results", killed[1], "-o", table)
    assert code == 1
    assert "4 known before, 1 failed" in out
    assert "1,000 districts like these take" in out
    lines = table.read_text("utf-8-sig").splitlines()
    assert lines[0] == ",".join([*COLUMNS, *HOUR_COLUMNS])
    assert len(lines) == 1 + 5
    assert ",failed," in lines[-1]


@pytest.mark.slow
def test_a_workbook_holds_districts_clock_and_what_was_asked(run, folder, killed, tmp_path):
    table = tmp_path / "all.xlsx"
    known = [folder / name for name in NAMES]
    code, out, _ = run("coverage", "--all", *known, *WORDS, "--results", killed[1], "-o", table, "--json")
    assert code == 0
    answer = json.loads(out)
    assert [row["district"] for row in answer["rows"]] == list(NAMES)
    assert [row["clock"] for row in answer["rows"]] == [killed[0][name].tally["clock"] for name in NAMES]
    book = load_workbook(table)
    assert [sheet.max_row for sheet in book.worksheets[:2]] == [5, 5]
    assert any("示例" in str(row[1].value) for row in book.worksheets[2].rows)


def test_one_file_of_the_package_knows_dask():
    package = Path(house.__file__).parents[1] / "geo_service"
    knowing = [
        path.name
        for path in package.rglob("*.py")
        if any(
            one.name.split(".")[0] in ("dask", "distributed")
            for one in house.imports_of(path.read_text("utf-8"))
        )
    ]
    assert knowing == ["many.py"]


def test_an_estimate_is_the_mean_times_a_thousand():
    def cost(cpu_s):
        return Tallied(Path("x"), "done", "", {"cpu_s": cpu_s, "peak_mb": cpu_s * 100, "demand_points": 1000})

    said = estimate([cost(1.0), cost(2.0), cost(9.0), Tallied(Path("y"), "failed", "why", {})], workers=4)
    assert (said["cpu_s_median"], said["cpu_s_most"], said["peak_mb_most"]) == (2.0, 9.0, 900.0)
    assert said["cpu_hours"] == pytest.approx(4000 / 3600, abs=1e-3)
    assert said["hours"] == pytest.approx(1000 / 3600, abs=1e-3)
    assert said["cpu_s_per_10000_points"] == 40.0
    assert estimate([], 4) is None


def test_folders_stand_for_the_districts_in_them(demo_directory, tmp_path):
    assert find_districts([demo_directory]) == (demo_directory.resolve(),)
    assert find_districts([demo_directory.parent, demo_directory]) == (demo_directory.resolve(),)
    with pytest.raises(InvalidInputError, match="no district and holds none"):
        find_districts([tmp_path])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--all", "--layer", "station"], "-o is missing"),
        (["--all", "--layer", "station", "-o", "t.pdf"], "csv or xlsx"),
        (["--all", "--layer", "station", "-o", "t.csv", "--workers", "0"], "--workers=0"),
        (["--all", "--layer", "station", "-o", "t.csv", "--without", "x"], "does not go with --all"),
        (["--layer", "station", "--workers", "2"], "--workers goes with --all"),
    ],
)
def test_a_question_about_many_that_makes_no_sense_is_refused(run, demo_directory, words, said):
    code, out, err = run("coverage", demo_directory, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_one_question_is_of_one_district():
    with pytest.raises(InvalidInputError, match="--all for many"):
        check_one((Path("a"), Path("b")), Many(None, None, None, None))


def test_without_dask_the_remedy_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'geo-service\[scale\]'"):
        worked([folder], tmp_path)


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("geo_service.districts.plans.many.SCHEDULER_WAIT_S", 0.5)
    with pytest.raises(InvalidInputError, match="no dask scheduler answers there"):
        worked([folder / "a"], tmp_path, crew=Crew(1, "tcp://127.0.0.1:9"))
