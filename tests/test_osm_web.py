"""Places and boxes through osmnx, against a local stand-in for Overpass and Nominatim."""

import socket

import osmnx
import pytest

from geo_service.demo import build_demo_osm
from geo_service.errors import InvalidInputError
from geo_service.geo import BBox
from geo_service.network.osm import read_osm_file, read_osm_place
from tests.oracles.network import Osm, parse_xml, random_town
from tests.oracles.osm_servers import OsmServers
from tests.test_osm_files import town_with_places, write

pytestmark = pytest.mark.slow

BOX = BBox(116.4412, 39.9508, 116.4449, 39.9535)
WEST, SOUTH, EAST, NORTH = BOX
OUTLINE = {
    "type": "Polygon",
    "coordinates": [[[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]],
}
POINT = {"type": "Point", "coordinates": [116.443, 39.952]}


@pytest.fixture
def serve():
    """Start stand-ins; all are stopped at the end."""
    running = []

    def serve(osm: Osm, places=None) -> OsmServers:
        running.append(OsmServers(osm, places).__enter__())
        return running[-1]

    yield serve
    for servers in running:
        servers.__exit__()


@pytest.mark.parametrize("seed", range(8))
def test_both_readers_give_equal_networks_for_equal_input(serve, tmp_path, seed):
    osm = random_town(seed)
    servers = serve(osm)
    from_web = read_osm_place(BOX, overpass_url=servers.overpass_url)
    from_file = read_osm_file(write(tmp_path / "town.osm", osm), bbox=BOX)
    for name, network in from_file.networks.items():
        assert from_web.networks[name].fingerprint == network.fingerprint
    assert from_web.report.profiles == from_file.report.profiles


def test_both_readers_give_equal_networks_for_a_demo_district(serve, tmp_path):
    path = tmp_path / "xiangheyuan.osm"
    build_demo_osm("xiangheyuan", path)
    box = BBox(116.436, 39.952, 116.447, 39.961)
    from_file = read_osm_file(path, bbox=box)
    from_web = read_osm_place(box, overpass_url=serve(parse_xml(path.read_text("utf-8"))).overpass_url)
    for name, network in from_file.networks.items():
        assert from_web.networks[name].fingerprint == network.fingerprint
    assert (from_web.features.pois, from_web.features.areas) == (
        from_file.features.pois,
        from_file.features.areas,
    )
    assert from_file.features.buildings == from_web.features.buildings


def test_both_readers_give_equal_features(serve, tmp_path):
    osm = town_with_places()
    box = BBox(116.439, 39.949, 116.446, 39.956)
    from_web = read_osm_place(box, overpass_url=serve(osm).overpass_url).features
    from_file = read_osm_file(write(tmp_path / "town.osm", osm), bbox=box).features
    assert (from_web.pois, from_web.buildings, from_web.areas, from_web.lines) == (
        from_file.pois,
        from_file.buildings,
        from_file.areas,
        from_file.lines,
    )
    assert from_web.bbox == from_file.bbox
    assert from_web.timestamp == "2026-01-02T03:04:05Z"


def test_a_place_is_found_by_name_and_cut_to_its_outline(serve):
    osm = random_town(3)
    servers = serve(osm, {"香河园街道, 朝阳区, 北京": OUTLINE})
    by_name = read_osm_place(
        "香河园街道, 朝阳区, 北京", overpass_url=servers.overpass_url, nominatim_url=servers.nominatim_url
    )
    by_box = read_osm_place(BOX, overpass_url=servers.overpass_url)
    assert by_name.networks["ebike"].fingerprint == by_box.networks["ebike"].fingerprint
    assert by_name.features.bbox == pytest.approx(BOX)


def test_profiles_and_changes_are_taken_as_for_files(serve):
    servers = serve(random_town(3))
    changes = {"ebike": {"top_kph": 6}}
    extract = read_osm_place(BOX, ["ebike"], overpass_url=servers.overpass_url, overrides=changes)
    assert list(extract.networks) == ["ebike"]


def test_kept_answers_are_used_again(serve, tmp_path):
    servers = serve(random_town(3))
    first = read_osm_place(BOX, overpass_url=servers.overpass_url, cache_dir=tmp_path / "cache")
    asked = len(servers.questions)
    again = read_osm_place(BOX, overpass_url=servers.overpass_url, cache_dir=tmp_path / "cache")
    assert len(servers.questions) == asked
    assert again.networks["walk"].fingerprint == first.networks["walk"].fingerprint


def test_answers_about_another_box_do_not_mix_in(serve, tmp_path):
    servers = serve(random_town(3))
    small = BBox(116.4412, 39.9508, 116.4430, 39.9520)
    alone = read_osm_place(small, overpass_url=servers.overpass_url)
    read_osm_place(BOX, overpass_url=servers.overpass_url, cache_dir=tmp_path / "cache")
    after = read_osm_place(small, overpass_url=servers.overpass_url, cache_dir=tmp_path / "cache")
    assert after.networks["walk"].fingerprint == alone.networks["walk"].fingerprint
    assert after.report == alone.report


def test_settings_of_osmnx_are_put_back(serve):
    before = {name: value for name, value in vars(osmnx.settings).items() if name.islower()}
    resolver = socket.getaddrinfo
    read_osm_place(BOX, overpass_url=serve(random_town(3)).overpass_url)
    assert {name: value for name, value in vars(osmnx.settings).items() if name.islower()} == before
    assert socket.getaddrinfo is resolver


def test_progress_names_what_is_fetched(serve):
    told = []
    read_osm_place(
        BOX, overpass_url=serve(random_town(3)).overpass_url, progress=lambda *row: told.append(row)
    )
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages[:3] == ["find place", "fetch streets", "fetch features"]


# --- refusals ----------------------------------------------------------------------------------


def refused(place, servers, said):
    with pytest.raises(InvalidInputError, match=said) as caught:
        read_osm_place(place, overpass_url=servers.overpass_url, nominatim_url=servers.nominatim_url)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_an_unknown_place_is_refused_by_name(serve):
    assert "无此地" in refused("无此地", serve(Osm()), "W,S,E,N")


def test_a_place_that_is_only_a_point_is_refused(serve):
    refused("邮筒", serve(Osm(), {"邮筒": POINT}), "no such area")


def test_a_box_with_nothing_in_it_is_refused(serve):
    refused(BBox(10.0, 10.0, 10.01, 10.01), serve(random_town(1)), "no street")


def test_a_box_the_wrong_way_round_is_refused_without_asking(serve):
    servers = serve(random_town(1))
    refused(BBox(116.45, 39.95, 116.44, 39.96), servers, "west < east")
    assert servers.questions == []


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_server_that_refuses_is_named(serve, status):
    servers = serve(random_town(1))
    servers.status = status
    assert servers.overpass_url in refused(BOX, servers, f"HTTP {status}")


def test_half_an_answer_is_refused(serve):
    servers = serve(random_town(1))
    servers.extra = {"remark": 'runtime error: Query timed out in "query" at line 1'}
    refused(BOX, servers, "timed out")


def test_an_answer_that_is_no_json_is_refused(serve):
    servers = serve(random_town(1))
    servers.body = b"<html>busy</html>"
    refused(BOX, servers, "not JSON")


def test_a_server_out_of_reach_is_named(serve):
    servers = serve(random_town(1), {"镇": OUTLINE})
    servers.__exit__()
    try:
        refused(BOX, servers, "cannot be reached")
        refused("镇", servers, "cannot be reached")
    finally:
        servers.__enter__()
