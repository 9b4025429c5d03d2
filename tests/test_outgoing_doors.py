"""Layers taken out through both doors: `geo-service export` and `GET places`."""

import csv
import io
import json

import pytest

from geo_service.cli import main
from geo_service.exchange.outgoing import FORMATS
from geo_service.layers import dump_layer
from geo_service.web.app import create_app

D = "/api/v1/districts/xiangheyuan/places"
FILES = [name for name in FORMATS if name != "geojson"]


@pytest.fixture
def run(capsysbinary):
    """Run the command line in this process: exit code, standard output as bytes, standard error."""

    def run_command(*argv):
        with pytest.raises(SystemExit) as exit_info:
            main([str(word) for word in argv])
        out, err = capsysbinary.readouterr()
        return exit_info.value.code, out, err.decode()

    return run_command


@pytest.fixture(scope="module")
def client(demo_district):
    return create_app({demo_district.id: demo_district}).test_client()


# --- the command line -------------------------------------------------------------------


def test_the_suffix_says_the_format_and_all_layers_go_out(run, demo_directory, demo_district, tmp_path):
    code, out, err = run("export", demo_directory, "-o", tmp_path / "all.csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text(encoding="utf-8-sig"))))
    assert {row["图层/layer"] for row in rows} == set(demo_district.layer_names())
    assert f"wrote {len(rows)} features of {len(demo_district.layer_names())} layers" in out.decode()


def test_areas_stay_behind_where_they_do_not_fit_and_it_is_said(run, demo_directory, tmp_path):
    code, out, _ = run("export", demo_directory, "-o", tmp_path / "all.gpx", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["left_out"] == ["block", "community"]
    assert "areas" in answer["cannot_carry"]["en"]
    assert "station" in answer["layers"]


def test_named_layers_that_do_not_fit_are_refused(run, demo_directory, tmp_path):
    code, _, err = run("export", demo_directory, "--layer", "block", "-o", tmp_path / "x.gpx")
    assert code == 2
    assert "block holds areas, gpx takes places only" in err
    assert list(tmp_path.iterdir()) == []


def test_several_layers_go_into_one_file(run, demo_directory, tmp_path):
    path = tmp_path / "two.kml"
    assert run("export", demo_directory, "--layer", "station", "--layer", "toilet", "-o", path)[0] == 0
    assert path.read_text(encoding="utf-8").count("<Folder>") == 2


def test_into_a_folder_each_layer_gets_a_geojson_named_after_it(run, demo_directory, demo_district, tmp_path):
    assert run("export", demo_directory, "-o", tmp_path)[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        f"xiangheyuan-{name}-wgs84.geojson" for name in demo_district.layer_names()
    }
    written = (tmp_path / "xiangheyuan-station-wgs84.geojson").read_bytes()
    assert written == dump_layer(demo_district.places("station"))


def test_a_folder_named_with_a_slash_is_made(run, demo_directory, tmp_path):
    words = ("export", demo_directory, "--layer", "station", "--layer", "toilet", "--format", "geojson", "-o")
    assert run(*words, f"{tmp_path}/out/")[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "xiangheyuan-station-wgs84.geojson",
        "xiangheyuan-toilet-wgs84.geojson",
    }
    code, _, err = run(*words, f"{tmp_path}/no/such/")
    assert (code, "choose a folder whose parent is there" in err) == (2, True)


def test_a_refused_export_makes_no_folder(run, demo_directory, tmp_path):
    assert run("export", demo_directory, "--layer", "nowhere", "-o", f"{tmp_path}/out/")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_a_gcj02_file_must_say_so_in_its_name(run, demo_directory, tmp_path):
    words = ("export", demo_directory, "--layer", "station", "--datum", "gcj02", "-o")
    code, _, err = run(*words, tmp_path / "stations.csv")
    assert code == 2
    assert "name it stations-gcj02.csv" in err
    assert run(*words, tmp_path / "stations-gcj02.csv")[0] == 0
    assert run(*words, tmp_path, "--format", "csv")[0] == 0
    assert (tmp_path / "xiangheyuan-station-gcj02.csv").read_bytes() == (
        tmp_path / "stations-gcj02.csv"
    ).read_bytes()


def test_gcj02_without_named_layers_leaves_areas_out(run, demo_directory, tmp_path):
    path = tmp_path / "x-gcj02.csv"
    code, out, _ = run("export", demo_directory, "--datum", "gcj02", "-o", path, "--json")
    assert code == 0
    assert json.loads(out)["left_out"] == ["block", "community"]


def test_a_datum_a_format_is_not_meant_for_is_refused(run, demo_directory, tmp_path):
    code, _, err = run("export", demo_directory, "--datum", "bd09", "-o", tmp_path / "x-bd09.kml")
    assert code == 2
    assert "kml is written in wgs84; bd09 goes into ovital" in err


def test_only_the_statuses_asked_for(run, own_district, tmp_path):
    assert (
        run("export", own_district, "--layer", "station", "--status", "removed", "-o", tmp_path / "x.csv")[0]
        == 0
    )
    assert len((tmp_path / "x.csv").read_text(encoding="utf-8-sig").splitlines()) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_goes_to_standard_output(run, demo_directory, name):
    code, out, err = run("export", demo_directory, "--layer", "station", "--format", name)
    assert (code, err) == (0, "")
    assert len(out) > 1000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "dwg"], "format='dwg' is unknown; allowed: geojson"),
        (["-o", "x.dwg"], "no format ends in '.dwg'"),
        (["--layer", "spaceport", "--format", "csv"], "spaceport"),
        (["--format", "geojson"], "geojson holds one layer a file"),
    ],
)
def test_refusals_name_what_is_allowed(run, demo_directory, words, said):
    code, out, err = run("export", demo_directory, *words)
    assert (code, out) == (2, b"")
    assert said in err
    assert len(err.strip().splitlines()) == 1


# --- over HTTP --------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_every_format_comes_as_a_named_file(client, name):
    response = client.get(f"{D}?f={name}&layer=station")
    said = "links" if name.startswith("links") else "wgs84"
    assert response.status_code == 200
    assert response.content_type == FORMATS[name].media_type
    disposition = f'attachment; filename="xiangheyuan-station-{said}{FORMATS[name].suffix}"'
    assert response.headers["Content-Disposition"] == disposition


def test_both_doors_give_the_same_bytes(client, run, demo_directory):
    for name in ("csv", "xlsx", "kmz", "gpkg"):
        assert client.get(f"{D}?f={name}").data == run("export", demo_directory, "--format", name)[1]


def test_without_a_layer_a_file_holds_all_that_fit(client, demo_district):
    rows = list(csv.DictReader(io.StringIO(client.get(f"{D}?f=csv").data.decode("utf-8-sig"))))
    assert {row["图层/layer"] for row in rows} == set(demo_district.layer_names())


def test_a_box_narrows_a_file(client, demo_district):
    one = demo_district.places("station").features[0]
    box = f"{one.lon - 1e-4},{one.lat - 1e-4},{one.lon + 1e-4},{one.lat + 1e-4}"
    rows = list(
        csv.DictReader(
            io.StringIO(client.get(f"{D}?f=csv&layer=station&bbox={box}").data.decode("utf-8-sig"))
        )
    )
    assert [row["编号/id"] for row in rows] == [one.id]


def test_a_client_that_has_the_file_is_told_so(client):
    first = client.get(f"{D}?f=gpkg&layer=station")
    again = client.get(f"{D}?f=gpkg&layer=station", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get(f"{D}?f=shp&layer=station", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_the_datum_of_a_file_is_asked_for_by_name(client):
    response = client.get(f"{D}?f=ovital&layer=station&datum=gcj02")
    assert response.data.startswith(b"g 116.")
    assert "xiangheyuan-station-gcj02.txt" in response.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("f=dwg&layer=station", "allowed: geojson, csv"),
        ("f=csv&layer=station&limit=5", "limit is for f=geojson"),
        ("f=kml&layer=station&datum=gcj02", "kml is written in wgs84"),
        ("f=gpx&layer=block", "block holds areas"),
        ("layer=station&datum=gcj02", "datum='gcj02' is not allowed; allowed: wgs84"),
        ("f=geojson", "layer is missing"),
    ],
)
def test_requests_that_make_no_sense_are_refused(client, query, said):
    response = client.get(f"{D}?{query}")
    assert response.status_code == 400
    assert said in response.json["detail"]


def test_a_client_may_say_that_it_takes_the_file_only(client):
    assert client.get(f"{D}?f=csv&layer=station", headers={"Accept": "text/csv"}).status_code == 200
    assert client.get(f"{D}?f=csv&layer=station", headers={"Accept": "image/png"}).status_code == 406
