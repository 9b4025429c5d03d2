"""The command line as a person or a script uses it: what it prints, what it refuses, what it leaves alone."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo_service.districts import open_district
from geo_service.layers import Edit

STATION = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "desk-1",
            "geometry": {"type": "Point", "coordinates": [116.442, 39.957]},
            "properties": {"name": "测试驿站", "hours": "24/7"},
        }
    ],
}


def tree_of(directory: Path) -> dict[str, str]:
    """Every file below a directory with the digest of its bytes; SQLite's lock files and compiled code left out."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "cache" not in path.parts and not path.name.endswith(("-shm", "-wal"))
    }


def refused(result, *words):
    """Exit code 2, nothing on standard output, one line on standard error that holds these words."""
    code, out, err = result
    assert code == 2, err
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    for word in words:
        assert word in err


def centre_of(run, directory):
    code, out, _ = run("export", directory, "--layer", "station")
    assert code == 0
    lon, lat = json.loads(out)["features"][0]["geometry"]["coordinates"]
    return f"{lon},{lat}"


def test_nearest_says_name_cost_and_state(run, demo_directory):
    point = centre_of(run, demo_directory)
    code, out, _ = run("nearest", demo_directory, "--from", point, "--layer", "station", "--k", 2, "--json")
    answer = json.loads(out)
    assert code == 0
    assert len(answer["results"]) == 2
    first = answer["results"][0]
    assert {"id", "layer", "name", "lon", "lat", "cost_s", "length_m", "state", "open_until", "links"} <= set(
        first
    )
    assert first["state"] in ("open", "closing_soon")
    assert first["cost_s"] <= answer["results"][1]["cost_s"]
    assert first["links"]["amap_web"].startswith("https://uri.amap.com/navigation?to=")


def test_nearest_for_a_person_is_a_numbered_list(run, demo_directory):
    point = centre_of(run, demo_directory)
    code, out, _ = run("nearest", demo_directory, "--from", point, "--layer", "station", "--k", 1)
    assert code == 0
    assert out.startswith("1. ")
    assert "open" in out


def test_route_lists_steps_that_add_up(run, demo_directory):
    code, out, _ = run(
        "route",
        demo_directory,
        "--from",
        "116.440,39.955",
        "--to",
        "116.446,39.960",
        "--profile",
        "walk",
        "--json",
    )
    answer = json.loads(out)
    assert code == 0
    assert sum(step["cost_s"] for step in answer["steps"]) == pytest.approx(answer["cost_s"], abs=1e-6)
    assert answer["geometry"]["coordinates"][0] == pytest.approx([116.440, 39.955], abs=1e-7)
    assert {step["mode"] for step in answer["steps"]} == {"walk"}


def test_links_are_the_golden_ones(run):
    code, out, _ = run("links", "--to", "116.442,39.957", "--name", "香河园全时驿站", "--json")
    links = json.loads(out)
    assert code == 0
    assert links["amap_android"]["url"] == (
        "amapuri://route/plan/?sourceApplication=friendmap&dlat=39.958371&dlon=116.448203"
        "&dname=%E9%A6%99%E6%B2%B3%E5%9B%AD%E5%85%A8%E6%97%B6%E9%A9%BF%E7%AB%99&dev=0&t=3&rideType=elebike"
    )


def test_a_point_given_in_gcj02_is_the_same_point(run, demo_directory):
    wgs = run("nearest", demo_directory, "--from", "116.442,39.957", "--layer", "station", "--json")
    gcj = run(
        "nearest",
        demo_directory,
        "--from",
        "116.44820328,39.95837150",
        "--datum",
        "gcj02",
        "--layer",
        "station",
        "--json",
    )
    ids = [[result["id"] for result in json.loads(out)["results"]] for _, out, _ in (wgs, gcj)]
    assert ids[0] == ids[1]


def test_nothing_open_is_exit_one_with_the_reason(run, own_district, tmp_path):
    closed = json.loads(json.dumps(STATION))
    closed["features"][0]["properties"]["hours"] = "08:00-09:00"
    file = tmp_path / "water.geojson"
    file.write_text(json.dumps(closed), encoding="utf-8")
    assert run("import", own_district, file, "--layer", "gathering_point")[0] == 0
    code, out, _ = run(
        "nearest",
        own_district,
        "--from",
        "116.442,39.957",
        "--layer",
        "gathering_point",
        "--at",
        "2026-11-18T12:00",
    )
    assert code == 1
    assert "nothing open on arrival among 1 places: 1 closed; 测试驿站 opens at 2026-11-19 08:00" in out


def test_import_export_import_is_the_same_file(run, own_district, tmp_path):
    first, second = tmp_path / "1.geojson", tmp_path / "2.geojson"
    assert run("export", own_district, "--layer", "merchant", "-o", first)[0] == 0
    code, out, _ = run("import", own_district, first, "--layer", "merchant", "--json")
    assert code == 0
    (report,) = json.loads(out)
    assert report["added"] == []
    assert report["changed"] == {}
    assert run("export", own_district, "--layer", "merchant", "-o", second)[0] == 0
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() == (own_district / "layers" / "merchant.geojson").read_bytes()


def test_a_dry_run_says_what_would_change_and_changes_nothing(run, own_district, tmp_path):
    file = tmp_path / "station.geojson"
    file.write_text(json.dumps(STATION), encoding="utf-8")
    before = tree_of(own_district)
    code, out, _ = run("import", own_district, file, "--layer", "station", "--dry-run")
    assert code == 0
    assert "would be: 1 added" in out
    assert tree_of(own_district) == before


def test_an_imported_row_counts_as_checked_today_by_import(run, own_district, tmp_path):
    file = tmp_path / "station.geojson"
    file.write_text(json.dumps(STATION), encoding="utf-8")
    assert run("import", own_district, file, "--layer", "station")[0] == 0
    _, out, _ = run("export", own_district, "--layer", "station")
    (feature,) = [f for f in json.loads(out)["features"] if f["id"] == "desk-1"]
    assert feature["properties"]["provenance"]["checked"]["existence"]["role"] == "import"
    assert feature["properties"]["provenance"]["source"] == "station.geojson"


def test_a_file_in_gcj02_lands_where_it_belongs(run, own_district, tmp_path):
    shifted = json.loads(json.dumps(STATION))
    shifted["features"][0]["geometry"]["coordinates"] = [116.44820328, 39.95837150]
    file = tmp_path / "station.geojson"
    file.write_text(json.dumps(shifted), encoding="utf-8")
    assert run("import", own_district, file, "--layer", "station", "--datum", "gcj02")[0] == 0
    _, out, _ = run("export", own_district, "--layer", "station")
    (feature,) = [f for f in json.loads(out)["features"] if f["id"] == "desk-1"]
    assert feature["geometry"]["coordinates"] == pytest.approx([116.442, 39.957], abs=1e-6)


def with_feature(**changes):
    collection = json.loads(json.dumps(STATION))
    feature = collection["features"][0]
    feature["geometry"]["coordinates"] = changes.pop("coordinates", [116.442, 39.957])
    feature["properties"] |= changes
    return collection


BAD_FILES = {
    "swapped": (json.dumps(with_feature(coordinates=[39.957, 116.442])), ["desk-1", "swapped"]),
    "out of range": (json.dumps(with_feature(coordinates=[516.4, 39.957])), ["desk-1", "516.4"]),
    "NaN": (json.dumps(with_feature(coordinates=[float("nan"), 39.957])), ["bad.geojson", "JSON"]),
    "hours": (json.dumps(with_feature(hours="8 to late")), ["desk-1", "hours", "8 to late"]),
    "field": (json.dumps(with_feature(colour_of_door="red")), ["desk-1", "colour_of_door"]),
    "arrival": (json.dumps(with_feature(arrival=[120.0, 30.0])), ["desk-1", "arrival", "from the pin"]),
    "duplicate": (json.dumps(STATION | {"features": STATION["features"] * 2}), ["desk-1"]),
    "truncated": (json.dumps(STATION)[:-20], [".geojson"]),
    "empty": ("", [".geojson"]),
    "no GeoJSON": ("[1, 2]", [".geojson"]),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line_and_changes_nothing(run, own_district, tmp_path, fault):
    text, words = BAD_FILES[fault]
    file = tmp_path / "bad.geojson"
    file.write_text(text, encoding="utf-8")
    before = tree_of(own_district)
    refused(run("import", own_district, file, "--layer", "station"), *words)
    assert tree_of(own_district) == before


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nearest", "DIR", "--from", "116.442,39.957", "--layer", "spaceport"], ["spaceport", "station"]),
        (["nearest", "DIR", "--from", "39.957,116.442", "--layer", "station"], ["116.442", "swapped"]),
        (["nearest", "DIR", "--from", "116.442", "--layer", "station"], ["--from", "116.442"]),
        (["nearest", "DIR", "--from", "nan,39.9", "--layer", "station"], ["--from", "nan"]),
        (["nearest", "DIR", "--from", "0,0", "--layer", "station"], ["from", "nearest street"]),
        (["nearest", "DIR", "--from", "116.442,39.957", "--layer", "station", "--k", "0"], ["k=0", "1..100"]),
        (
            ["nearest", "DIR", "--from", "116.442,39.957", "--layer", "station", "--at", "teatime"],
            ["--at", "teatime"],
        ),
        (
            ["nearest", "DIR", "--from", "116.442,39.957", "--layer", "station", "--accept", "closed"],
            ["accept", "closed"],
        ),
        (["export", "DIR", "--layer", "spaceport"], ["spaceport"]),
        (["import", "DIR", "no-such-file.geojson", "--layer", "station"], ["no-such-file.geojson"]),
        (["import", "DIR", "x.geojson", "--layer", "spaceport"], ["spaceport", "station"]),
        (["check", "nowhere"], ["nowhere", "init"]),
        (["init", "DIR", "--demo", "xiangheyuan"], ["already a district"]),
    ],
)
def test_bad_arguments_are_refused_in_one_line(run, demo_directory, argv, words):
    refused(run(*(demo_directory if word == "DIR" else word for word in argv)), *words)


def test_an_error_for_a_program_is_json_on_standard_error(run, demo_directory):
    code, out, err = run("export", demo_directory, "--layer", "spaceport", "--json")
    assert (code, out) == (2, "")
    assert json.loads(err)["error"] == "NotFoundError"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.osm", b""),
        ("text.osm", b"this is not a map"),
        ("truncated.osm", b"<?xml version='1.0'?><osm version='0.6'><node id='1' lat='39.9' lon="),
        ("junk.osm.pbf", bytes(range(7, 135))),
        (
            "no-streets.osm",
            b"<?xml version='1.0'?><osm version='0.6'><node id='1' lat='39.9' lon='116.4'/></osm>",
        ),
        ("map.txt", b"<?xml version='1.0'?><osm version='0.6'></osm>"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unusable_osm_file_makes_no_district_and_leaves_nothing(run, tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    refused(
        run("init", tmp_path / "new" / "d", "--osm", file), name if name != "no-streets.osm" else "street"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_missing_osm_file_is_named(run, tmp_path):
    refused(
        run("init", tmp_path / "d", "--osm", tmp_path / "nowhere.osm.pbf"), "nowhere.osm.pbf", "no such file"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argv", [[], ["--demo", "atlantis"], ["--demo", "yingze", "--osm", "x.osm"]])
def test_init_takes_exactly_one_known_source(run, tmp_path, argv):
    code, _, err = run("init", tmp_path / "d", *argv)
    assert code == 2
    assert "--" in err or "allowed" in err
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_files_in_it_is_left_alone(run, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "letter.txt").write_text("dear", encoding="utf-8")
    refused(run("init", tmp_path / "d", "--demo", "xiangheyuan"), "not empty")
    assert (tmp_path / "d" / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_the_first_admin_is_made_with_a_password_that_is_said_once(run, own_district):
    code, out, _ = run("account", "add", own_district, "li", "--role", "admin", "--json")
    made = json.loads(out)
    assert (code, made["role"], made["desk"]) == (0, "admin", "/xiangheyuan/desk/")
    code, out, _ = run("account", "list", own_district)
    assert out.split()[:2] == ["li", "admin"]
    assert made["first_password"] not in out
    code, _, err = run("account", "off", own_district, "li")
    assert code == 2
    assert "last active admin" in err


def test_an_account_is_refused_for_what_does_not_exist(run, own_district):
    assert run("account", "add", own_district, "li", "--role", "verifier", "--place", "nowhere")[0] == 2
    assert run("account", "add", own_district, "li", "--role", "editor", "--layer", "castle")[0] == 2
    assert json.loads(run("account", "list", own_district, "--json")[1]) == []


def change_file(directory, place_id, **values):
    path = directory / "layers" / "toilet.geojson"
    document = json.loads(path.read_text(encoding="utf-8"))
    next(f for f in document["features"] if f["id"] == place_id)["properties"].update(values)
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def test_sync_takes_in_what_was_changed_by_hand_and_check_says_that_it_waits(run, own_district):
    path = change_file(own_district, "xhy-toilet-001", phone="010-6400")
    _, out, _ = run("check", own_district)
    assert "toilet.geojson was changed by hand; take it in with geo-service sync" in out
    code, out, _ = run("sync", own_district, "--json")
    (toilet,) = [entry for entry in json.loads(out) if entry["layer"] == "toilet"]
    assert (code, toilet["changed"], toilet["applied"]) == (0, ["xhy-toilet-001"], True)
    assert '"phone": "010-6400"' in path.read_text(encoding="utf-8")
    assert "changed by hand" not in run("check", own_district)[1]


def test_a_dry_run_of_a_sync_that_would_stop_ends_as_the_sync_does(run, own_district):
    change_file(own_district, "xhy-toilet-001", phone="010-6400")
    district = open_district(own_district)
    (held,) = district.store.features(["xhy-toilet-001"])
    edit = Edit("toilet", held.id, None, held, replace(held, phone="010-6411"))
    district.store.apply([edit], actor="li", role="editor", source="desk", at=datetime.now(UTC))
    district.close()
    code, out, _ = run("sync", own_district, "--dry-run")
    assert (code, "both changed xhy-toilet-001 phone" in out) == (1, True)
    assert run("sync", own_district)[0] == 1
    assert run("sync", own_district, "--dry-run", "--prefer", "file")[0] == 0


def test_one_broken_file_stops_the_sync_of_every_layer(run, own_district):
    change_file(own_district, "xhy-toilet-001", phone="010-6400")
    station = own_district / "layers" / "station.geojson"
    station.write_text(
        station.read_text(encoding="utf-8").replace('"hours": "24/7"', '"hours": "often"', 1),
        encoding="utf-8",
    )
    code, _, err = run("sync", own_district)
    assert code == 2
    assert "often" in err
    station.unlink()
    assert json.loads(run("sync", own_district, "--dry-run", "--json")[1])[-2]["changed"] == [
        "xhy-toilet-001"
    ]


def test_check_of_a_sound_district_finds_no_error(run, demo_directory):
    code, out, _ = run("check", demo_directory, "--json")
    findings = json.loads(out)
    assert code == 0
    assert {"ebike", "walk", "station", "store"} <= {finding["subject"] for finding in findings}
    assert not [finding for finding in findings if finding["level"] == "error"]


def test_check_finds_a_damaged_network_and_a_foreign_working_copy(run, own_district):
    heads = own_district / "network" / "walk" / "edge_head.npy"
    data = bytearray(heads.read_bytes())
    data[-3] ^= 0xFF
    heads.write_bytes(bytes(data))
    (own_district / "layers" / "station.geojson").write_text("{}", encoding="utf-8")
    code, out, _ = run("check", own_district, "--json")
    levels = {(finding["level"], finding["subject"]) for finding in json.loads(out)}
    assert code == 1
    assert ("error", "walk") in levels
    assert ("warning", "station") in levels


def command(*argv, **kwargs):
    """The command line in a process that hears Ctrl-C, also where the tests run in the background of a shell."""
    return subprocess.Popen(
        [sys.executable, "-c", "from geo_service.cli import main; main()", *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **kwargs,
    )


@pytest.mark.slow
def test_an_interrupted_init_goes_on_where_it_stopped(tmp_path):
    directory = tmp_path / "d"
    process = command("init", directory, "--demo", "xiangheyuan", "--date", "2026-11-15")
    making = tmp_path / "d.part" / "making.json"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (
        making.exists() and '"streets"' in making.read_text(encoding="utf-8")
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert not directory.exists()
    streets_before = (tmp_path / "d.part" / "network" / "ebike" / "network.json").stat().st_mtime_ns
    again = command("init", directory, "--demo", "xiangheyuan", "--date", "2026-11-15")
    out, err = again.communicate(timeout=180)
    assert again.returncode == 0, err
    assert "made" in out
    assert (directory / "network" / "ebike" / "network.json").stat().st_mtime_ns == streets_before
    assert not (tmp_path / "d.part").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root: a read-only mount not tested")
def test_a_read_only_mount_is_refused_in_one_line(run, own_district, tmp_path):
    mount = tmp_path / "ro"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mount], check=False).returncode:
        pytest.skip("mounting is not permitted here: a read-only mount not tested")
    try:
        shutil.copytree(own_district, mount / "d")
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        file = tmp_path / "station.geojson"
        file.write_text(json.dumps(STATION), encoding="utf-8")
        refused(run("import", mount / "d", file, "--layer", "station"), str(mount))
        refused(run("init", mount / "new", "--demo", "xiangheyuan"), str(mount))
        refused(run("export", own_district, "--layer", "station", "-o", mount / "x.geojson"), str(mount))
    finally:
        subprocess.run(["umount", mount], check=True)


def test_help_names_every_command(run):
    code, out, _ = run("--help")
    assert code == 0
    for word in ("init", "import", "nearest", "route", "links", "check", "serve", "export"):
        assert f"  {word} " in out


def test_places_read_from_made_up_streets_say_that_they_are_made_up(run, own_district):
    assert run("import", own_district, "--from-osm")[0] == 0
    for file in (own_district / "layers").glob("*.geojson"):
        for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
            assert feature["properties"]["provenance"]["source"] == "synthetic"


def test_a_working_copy_changed_by_hand_is_not_overwritten(run, own_district, tmp_path):
    path = own_district / "layers" / "station.geojson"
    by_hand = path.read_text(encoding="utf-8").replace('"name": "示范驿站', '"name": "手改驿站', 1)
    path.write_text(by_hand, encoding="utf-8")
    file = tmp_path / "station.geojson"
    file.write_text(json.dumps(STATION), encoding="utf-8")
    assert run("import", own_district, file, "--layer", "station")[0] == 0
    assert path.read_text(encoding="utf-8") == by_hand
    assert run("sync", own_district)[0] == 0
    both = path.read_text(encoding="utf-8")
    assert "手改驿站" in both
    assert STATION["features"][0]["id"] in both


@pytest.mark.parametrize("name", ["edge_link", "edge_head", "first_point", "link_edge"])
def test_a_damaged_network_is_named_and_never_searched(run, own_district, name):
    path = own_district / "network" / "ebike" / f"{name}.npy"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(255 - byte for byte in data[middle : middle + 200])
    path.write_bytes(bytes(data))
    code, out, err = run("route", own_district, "--from", "116.440,39.955", "--to", "116.446,39.960")
    assert (code, out) == (1, "")
    assert "network" in err
    assert len(err.strip().splitlines()) == 1
    code, out, _ = run("check", own_district, "--json")
    assert code == 1
    assert ("error", "ebike") in {(f["level"], f["subject"]) for f in json.loads(out)}


def test_check_misses_what_is_missing(run, own_district):
    shutil.rmtree(own_district / "network")
    (own_district / "osm" / "pois.geojson").write_text("garbage", encoding="utf-8")
    code, out, _ = run("check", own_district, "--json")
    errors = {f["subject"] for f in json.loads(out) if f["level"] == "error"}
    assert code == 1
    assert {"ebike", "walk", "osm"} <= errors


def test_check_reports_what_was_amiss_in_the_extract(run, tmp_path):
    extract = tmp_path / "holes.osm"
    extract.write_text(
        "<?xml version='1.0'?><osm version='0.6'><node id='1' lat='39.957' lon='116.442'/>"
        "<node id='2' lat='39.957' lon='116.446'/><way id='1'><nd ref='1'/><nd ref='2'/><nd ref='9'/>"
        "<tag k='highway' v='residential'/></way></osm>",
        encoding="utf-8",
    )
    assert run("init", tmp_path / "d", "--osm", extract)[0] == 0
    code, out, _ = run("check", tmp_path / "d")
    assert code == 0
    assert "1 nodes that streets name are missing" in out


def test_an_index_that_does_not_fit_is_built_anew(run, own_district):
    before = run("route", own_district, "--from", "116.440,39.955", "--to", "116.446,39.960", "--json")
    (own_district / "index" / "ebike" / "index.json").write_text("{}", encoding="utf-8")
    assert (
        run("route", own_district, "--from", "116.440,39.955", "--to", "116.446,39.960", "--json")[:2]
        == before[:2]
    )
    assert (own_district / "index" / "ebike" / "index.json").read_text(encoding="utf-8") != "{}"


def test_an_export_does_not_overwrite_the_district(run, own_district):
    before = tree_of(own_district)
    refused(
        run("export", own_district, "--layer", "station", "-o", own_district / "store.sqlite"),
        "inside the district",
    )
    assert tree_of(own_district) == before


@pytest.mark.parametrize(
    "argv",
    [
        ["nearest", "DIR", "--from", "116.442,39.957", "--layer", "station", "--k", "x"],
        ["nearest", "DIR", "--layer", "station"],
        ["route", "DIR", "--from", "1,1", "--to", "1,1", "--profile", "car"],
        ["export", "DIR", "--layer", "station", "--format", "dwg"],
        ["nearest", "DIR", "--from", "116.442,39.957", "--layer", "station", "--service", ""],
        ["links", "--to", "116.442,39.957", "--name", ""],
        ["dance"],
    ],
)
def test_every_refusal_is_one_line_or_json(run, demo_directory, argv):
    words = [demo_directory if word == "DIR" else word for word in argv]
    refused(run(*words))
    code, out, err = run(*words, "--json")
    assert (code, out) == (2, "")
    assert json.loads(err)["error"] == "InvalidInputError"


def test_a_link_to_nothing_and_a_nameless_name_make_no_district(run, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    refused(run("init", tmp_path / "link", "--demo", "xiangheyuan"), "link to nothing")
    refused(run("init", tmp_path / "d", "--demo", "xiangheyuan", "--name", "a\nb"), "name=")
    refused(run("init", tmp_path / "d", "--demo", "xiangheyuan", "--date", "1900-01-01"), "2000")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
