"""The child that reads strangers' files: what it may not do, and that nobody else suffers from it."""

import os
import random
from datetime import date
from pathlib import Path

import pytest

from geo_service.errors import InvalidInputError
from geo_service.exchange.confined.cage import Limits
from geo_service.exchange.intake import guess_mapping, limits_for, plan_import, read_table, run_confined
from geo_service.layers import CATALOGUE, Layer
from tests.hostile_files import Hostile, csv, gpkg_bytes, hostile_files, packed, shp, workbook

SMALL = Limits(cpu_s=2, wall_s=20.0, memory_mb=256, result_mb=5)


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes("驿站".encode())
    return path


def run(name: str, file: Path, limits: Limits = SMALL):
    return run_confined(f"tests.confined_tasks:{name}", file, limits)


def test_a_task_that_behaves_is_heard(file):
    result = run("behave", file)
    assert result.rows == [["list.csv", ["驿站"], None, None, "", None]]
    assert result.about["columns"] == ["text"]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("open_socket", "asked for socket"),
        ("write_file", "asked to write a file"),
        ("read_elsewhere", "asked to open another file"),
        ("start_program", "asked for os.system"),
        ("fork", "asked for os.fork"),
    ],
)
def test_what_python_asks_for_against_the_rules_is_refused_by_name(task, reason, file):
    with pytest.raises(InvalidInputError, match=f"list[.]csv: is hostile.*{reason}"):
        run(task, file)


@pytest.mark.parametrize("task", ["crash", "lie"])
def test_a_child_that_dies_or_talks_nonsense_is_refused(task, file):
    with pytest.raises(InvalidInputError, match=r"list\.csv: is damaged or hostile"):
        run(task, file)


def test_the_kernel_stops_writing_that_goes_around_python(file):
    assert run("write_behind_python", file).rows[0][1] == ["-1"]


@pytest.mark.usefixtures("namespaces")
def test_the_child_has_no_network_but_its_own_empty_one(file):
    assert run("see_network", file).rows[0][1][0].split() == ["lo"]


@pytest.mark.parametrize("task", ["take_memory", "take_memory_natively"])
def test_three_gigabytes_are_refused_by_name(task, file):
    with pytest.raises(InvalidInputError, match="needs more than 256 MB to read"):
        run(task, file)


@pytest.mark.slow
def test_a_loop_without_end_is_stopped_by_processor_time(file):
    with pytest.raises(InvalidInputError, match="takes longer to read than the 1 s"):
        run("loop", file, SMALL._replace(cpu_s=1))


def test_a_child_that_sleeps_is_stopped_by_the_clock(file):
    with pytest.raises(InvalidInputError, match="takes longer to read"):
        run("sleep", file, SMALL._replace(wall_s=0.5))


def test_recursion_is_refused_as_depth(file):
    with pytest.raises(InvalidInputError, match="nested too deep"):
        run("recurse", file)


def test_what_a_child_says_is_limited(file):
    with pytest.raises(InvalidInputError, match="holds more than 5 MB of text"):
        run("talk", file)


def test_the_environment_is_not_handed_on(file, monkeypatch):
    monkeypatch.setenv("GEO_SERVICE_SECRET", "x")
    monkeypatch.setenv("PGPASSWORD", "x")
    names = run("see_environment", file).rows[0][1][0].split()
    assert "GEO_SERVICE_SECRET" not in names
    assert "PGPASSWORD" not in names


def test_a_missing_file_a_folder_and_a_pipe_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for name, reason in (
        ("none.csv", "cannot be read"),
        ("", "no ordinary file"),
        ("pipe.csv", "no ordinary file"),
    ):
        with pytest.raises(InvalidInputError, match=reason):
            read_table(tmp_path / name)


def test_a_file_beyond_the_limit_is_not_opened(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(101 * 2**20)
    with pytest.raises(InvalidInputError, match="at most 104857600 are read"):
        read_table(path)


def test_limits_grow_with_the_file():
    assert limits_for(1000).cpu_s == 2
    assert limits_for(20 * 2**20).cpu_s == 242


# --- hostile files ----------------------------------------------------------------------

FILES = hostile_files()
QUICK = {
    "nul.csv", "xxe.kml", "corner.xlsx", "up.kmz", "nan.gpx", "deep.geojson", "trigger.gpkg", "records.zip",
    "mixed.txt",
}  # fmt: skip


def test_there_are_enough_hostile_files_of_every_format():
    assert len(FILES) >= 180
    assert len({file.name for file in FILES}) == len(FILES)
    suffixes = {file.name.rpartition(".")[2] for file in FILES}
    assert suffixes >= {"csv", "xlsx", "kml", "kmz", "gpx", "geojson", "gpkg", "zip", "txt"}


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(file, id=file.name, marks=() if file.name in QUICK else pytest.mark.slow)
        for file in FILES
    ],
)
def test_a_hostile_file_is_refused_with_its_reason(hostile: Hostile, tmp_path):
    path = tmp_path / hostile.name
    path.write_bytes(hostile.make())
    with pytest.raises(InvalidInputError, match=hostile.reason) as refusal:
        plan_of(path).check()
    assert refusal.value.message.startswith(f"{hostile.name}: ")
    assert "\n" not in refusal.value.message
    assert str(tmp_path) not in refusal.value.message


def plan_of(path: Path):
    table = read_table(path)
    mapping = guess_mapping(table, "station", CATALOGUE)
    return plan_import(
        table, mapping, "station", Layer("station"), CATALOGUE, datum="wgs84", on=date(2026, 11, 21)
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_a_file_with_random_damage_is_read_or_refused_but_never_breaks_us(seed, tmp_path):
    draw = random.Random(seed)
    whole = draw.choice([packed(workbook()), gpkg_bytes(), shp(), csv("驿站,116.45,39.96\n" * 50)])
    data = bytearray(whole)
    for _ in range(draw.randint(1, 30)):
        data[draw.randrange(len(data))] = draw.randrange(256)
    path = tmp_path / "damaged.bin"
    path.write_bytes(bytes(data[: draw.randint(len(data) // 2, len(data))] if draw.random() < 0.5 else data))
    said = ""
    try:
        plan_of(path)
    except InvalidInputError as error:
        said = error.message
    assert said == "" or said.startswith("damaged.bin: ")
