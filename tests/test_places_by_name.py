"""`init --place` as a user gives it, against local stand-ins for the servers of OpenStreetMap."""

import json

import pytest

from geo_service.cli import main
from tests.oracles.osm_servers import OsmServers
from tests.test_osm_files import town_with_places
from tests.test_osm_web import OUTLINE

pytestmark = pytest.mark.slow

PLACE = "香河园街道, 朝阳区, 北京"
SQUARE = [[[116.439, 39.949], [116.446, 39.949], [116.446, 39.956], [116.439, 39.956], [116.439, 39.949]]]


@pytest.fixture
def servers(monkeypatch):
    with OsmServers(town_with_places(), {PLACE: OUTLINE | {"coordinates": SQUARE}}) as running:
        monkeypatch.setenv("GEO_SERVICE_OVERPASS_URL", running.overpass_url)
        monkeypatch.setenv("GEO_SERVICE_NOMINATIM_URL", running.nominatim_url)
        yield running


def run(capsys, *argv):
    with pytest.raises(SystemExit) as exit_info:
        main([str(word) for word in argv])
    out, err = capsys.readouterr()
    return exit_info.value.code, out, err


def test_a_real_place_by_name_becomes_a_district_that_answers(servers, tmp_path, capsys):
    code, out, err = run(capsys, "init", tmp_path / "real", "--place", PLACE, "--json")
    assert code == 0, err
    assert json.loads(out)["layers"] == {"charging": 1, "clinic": 1, "toilet": 1, "water": 1}
    question = ["--from", "116.442,39.9501", "--layer", "clinic", "--accept", "unknown", "--json"]
    code, out, _ = run(capsys, "nearest", tmp_path / "real", *question)
    assert code == 0, out
    (clinic,) = json.loads(out)["results"]
    assert (clinic["name"], clinic["state"]) == ("诊所", "unknown")


def test_a_box_alone_is_fetched(servers, tmp_path, capsys):
    code, out, err = run(
        capsys, "init", tmp_path / "box", "--bbox", "116.439,39.949,116.446,39.956", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["layers"]["clinic"] == 1


def test_a_place_nobody_knows_is_refused_and_leaves_nothing(servers, tmp_path, capsys):
    code, out, err = run(capsys, "init", tmp_path / "nowhere", "--place", "亚特兰蒂斯")
    assert (code, out) == (2, "")
    assert "亚特兰蒂斯" in err
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_is_named_and_leaves_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GEO_SERVICE_OVERPASS_URL", "http://127.0.0.1:9/api")
    code, out, err = run(capsys, "init", tmp_path / "box", "--bbox", "116.439,39.949,116.446,39.956")
    assert (code, out) == (2, "")
    assert "127.0.0.1:9" in err
    assert list(tmp_path.iterdir()) == []


def test_a_box_beside_a_name_or_a_demo_is_refused(tmp_path, capsys):
    for source in (["--place", PLACE], ["--demo", "xiangheyuan"]):
        code, _, err = run(capsys, "init", tmp_path / "d", *source, "--bbox", "116.439,39.949,116.446,39.956")
        assert code == 2
        assert "--bbox" in err
