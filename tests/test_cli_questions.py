"""Questions on the command line: on the way, within range, reach, coverage."""

import hashlib
import json

import pytest
import shapely
import shapely.geometry

NOON = ["--at", "2026-11-18T12:00"]
HERE = ["--from", "116.442,39.957"]


def refused(result, *words):
    code, out, err = result
    assert (code, out) == (2, ""), err
    assert len(err.strip().splitlines()) == 1, err
    assert all(word in err for word in words), err


def test_a_stop_on_the_way_says_what_it_adds(run, demo_directory):
    ends = ["--from", "116.436,39.952", "--to", "116.447,39.961"]
    code, out, _ = run("onway", demo_directory, *ends, "--layer", "station", *NOON, "--json")
    answer = json.loads(out)
    assert code == 0
    added = [result["added_s"] for result in answer["results"]]
    assert added == sorted(added)
    assert added[0] >= 0
    assert run("onway", demo_directory, *ends, "--layer", "station")[1].startswith("without a stop: ")


def test_a_stop_on_the_way_comes_with_links_there_and_on(run, demo_directory):
    ends = ["--from", "116.436,39.952", "--to", "116.447,39.961"]
    answer = json.loads(run("onway", demo_directory, *ends, "--layer", "swap", *NOON, "--json")[1])
    assert answer["direct_cost_s"] > 0
    assert len(answer["results"]) == 3
    for stop in answer["results"]:
        assert stop["way_length_m"] > 0
        assert stop["links"]["geo"].startswith(f"geo:{stop['target'][1]:.6f},{stop['target'][0]:.6f}")
    assert answer["onward_links"]["geo"].startswith("geo:39.961000,116.447000")


def test_range_keeps_the_reserve(run, demo_directory):
    question = [*HERE, "--layer", "station", *NOON, "--range-m", 3000, "--reserve-m", 1000, "--json"]
    code, out, _ = run("range", demo_directory, *question)
    assert code == 0
    results = json.loads(out)["results"]
    assert results
    assert all(result["length_m"] <= 2000 for result in results)


def test_none_within_range_is_said_with_the_distance_of_the_nearest(run, demo_directory):
    question = [*HERE, "--layer", "station", *NOON]
    every = json.loads(run("nearest", demo_directory, *question, "--k", 100, "--json")[1])["results"]
    shortest = min(every, key=lambda result: result["length_m"])
    code, out, _ = run("range", demo_directory, *question, "--range-m", 510, "--reserve-m", 500)
    assert code == 1
    assert out.startswith("none within range: 10 m are left after the reserve; the nearest is ")
    assert f"({shortest['id']}), {shortest['length_m']:.0f} m by the streets" in out


def test_none_within_range_of_a_layer_where_nothing_counts_says_so(run, demo_directory):
    question = [*HERE, "--layer", "swap", "--operator", "nobody", "--range-m", 5000]
    code, out, _ = run("range", demo_directory, *question, "--json")
    assert code == 1
    assert json.loads(out)["nearest"] is None


def test_cabinets_are_chosen_by_operator_plan_and_voltage(run, demo_directory):
    layer = json.loads(run("export", demo_directory, "--layer", "swap")[1])
    power = {f["id"]: f["properties"]["power"] for f in layer["features"]}
    one = next(iter(power.values()))
    wish = ["--operator", one["operator"], "--plan", one["plan"], "--voltage", one["voltage_v"][0]]
    for command, more in (("nearest", ["--k", 100]), ("range", ["--k", 100, "--range-m", 100_000])):
        out = run(command, demo_directory, *HERE, "--layer", "swap", *wish, *more, *NOON, "--json")[1]
        found = {result["id"] for result in json.loads(out)["results"]}
        expected = {
            key
            for key, p in power.items()
            if (p["operator"], p["plan"]) == (one["operator"], one["plan"])
            and one["voltage_v"][0] in p["voltage_v"]
        }
        assert found
        assert found == expected


def test_reach_is_written_as_nested_polygons(run, demo_directory, tmp_path):
    file = tmp_path / "reach.geojson"
    code, out, _ = run("reach", demo_directory, *HERE, "--minutes", "2,1", "--profile", "walk", "-o", file)
    assert code == 0
    assert out.splitlines()[0].startswith("1 min: ")
    bands = json.loads(file.read_text())["features"]
    assert [band["properties"]["minutes"] for band in bands] == [1, 2]
    fewer, more = (shapely.geometry.shape(band["geometry"]) for band in bands)
    assert shapely.difference(fewer, more).buffer(-2e-7).is_empty
    assert 0 < fewer.area < more.area


@pytest.mark.parametrize("minutes", ["", "5,", "x", "-5", "1e1", "0", "181", "1,2,3,4,5,6,7,8,9,10,11,12,13"])
def test_odd_minutes_are_refused(run, demo_directory, minutes):
    refused(run("reach", demo_directory, *HERE, "--minutes", minutes), "minutes")


def test_reach_does_not_write_into_the_district(run, own_district):
    before = hashlib.sha256(
        b"".join(p.read_bytes() for p in sorted(own_district.glob("layers/*")))
    ).hexdigest()
    refused(
        run("reach", own_district, *HERE, "--minutes", 1, "-o", own_district / "x.geojson"), "lies inside"
    )
    after = hashlib.sha256(
        b"".join(p.read_bytes() for p in sorted(own_district.glob("layers/*")))
    ).hexdigest()
    assert before == after


def test_coverage_says_what_it_is_a_share_of(run, demo_directory):
    code, out, _ = run("coverage", demo_directory, "--layer", "station", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["share_of"] == "street_length"
    assert answer["covered_share"] == pytest.approx(answer["covered_m"] / answer["street_m"], abs=1e-5)
    assert answer["eligible"] == answer["places"] == 11
    text = run("coverage", demo_directory, "--layer", "station")[1]
    assert "of street length" in text
    assert "street length is not demand" in text


def test_coverage_by_night_counts_fewer_places(run, demo_directory):
    night = ["--at", "2026-11-18T03:00"]
    counts = [
        json.loads(run("coverage", demo_directory, "--layer", "merchant", *at, "--json")[1])["eligible"]
        for at in (NOON, night)
    ]
    assert counts[1] < counts[0]


def test_a_trial_says_what_changes_together_and_alone(run, demo_directory):
    trial = ["--without", "xhy-station-001", "--with", "116.435,39.950", "--with", "116.447,39.961"]
    code, out, _ = run("coverage", demo_directory, "--layer", "station", *trial, "--json")
    answer = json.loads(out)
    what_if = answer["what_if"]
    assert code == 0
    assert what_if["difference"] == pytest.approx(
        what_if["covered_share"] - answer["covered_share"], abs=2e-6
    )
    assert [sorted(one)[-1] for one in what_if["alone"]] == ["without", "with", "with"]
    lost, *gained = (one["difference"] for one in what_if["alone"])
    assert lost <= 0 <= min(gained)


def test_nothing_that_counts_is_exit_one(run, demo_directory):
    code, out, _ = run("coverage", demo_directory, "--layer", "swap", "--operator", "nobody", "--json")
    assert (code, json.loads(out)["covered_share"]) == (1, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--layer", "castle"], "castle"),
        (["--layer", "block"], "areas"),
        (["--layer", "station", "--without", "nobody"], "nobody"),
        (["--layer", "station", "--with", "0,0"], "nearest street"),
        (["--layer", "station", "--service", "rocket"], "rocket"),
        (["--layer", "station", "--minutes", "nan"], "minutes"),
        (["--layer", "station", "--minutes", "0"], "minutes"),
        (["--layer", "station", "--accept", "closed"], "accept"),
        (["--layer", "station", "--voltage", "-1"], "voltage"),
        (["--layer", "station", "--profile", "car"], "car"),
    ],
)
def test_a_coverage_that_cannot_be_asked_is_refused_on_one_line(run, demo_directory, words, said):
    refused(run("coverage", demo_directory, *words), said)
