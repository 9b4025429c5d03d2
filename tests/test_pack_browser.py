"""The pack's decoder in a real browser: every array is the server's, byte by byte; tiles prove what they say."""

import hashlib
import shutil
from datetime import datetime

import numpy as np
import pytest

from geo_service.districts import open_district
from geo_service.engine.lines import BEGIN, HEAD, TAIL, build_lines
from geo_service.hours import SHANGHAI
from geo_service.pack import tiles
from geo_service.settings import Settings
from geo_service.web import create_app
from tests.browsing import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)

DIGESTS = """async ([script, base, profile, bbox]) => {
  const pack = await import(script);
  const index = await pack.loadIndex(base);
  const over = pack.networkOver(index, profile);
  const network = await over.want(bbox ?? index.bbox.map((v, i) => v + (i < 2 ? -1 : 1)));
  const told = {tiled: over.tiled, loaded: [...over.loaded], names: network.names, metric: network.metric};
  for (const [name, array] of Object.entries(network)) {
    if (!ArrayBuffer.isView(array)) continue;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", array));
    told[name] = [array.length, [...digest].map((b) => b.toString(16).padStart(2, "0")).join("")];
  }
  return told;
}"""

PART = """async ([script, base, profile, bbox]) => {
  const pack = await import(script);
  const index = await pack.loadIndex(base);
  const over = pack.networkOver(index, profile);
  const before = over.covers(bbox);
  const n = await over.want(bbox);
  const all = (array) => Array.from(array);
  return {
    before, after: over.covers(bbox), whole: over.covers(index.bbox), grid: over.grid, loaded: [...over.loaded],
    nodeId: all(n.nodeId), nodeIsWhole: all(n.nodeIsWhole), linkId: all(n.linkId), tail: all(n.tail), head: all(n.head),
    edgeLink: all(n.edgeLink), weightMs: all(n.weightMs), alongM: all(n.alongM), firstPoint: all(n.firstPoint),
    found: all(n.linkId).map(n.linkOf), absent: n.linkOf(4000000000),
  };
}"""


@pytest.fixture(scope="module")
def opened(demo_directory, yingze_directory, tmp_path_factory):
    """Both demo districts, and one of them cut into tiles."""
    found = {}
    for name, directory in (
        ("xiangheyuan", demo_directory),
        ("yingze", yingze_directory),
        ("tiled", demo_directory),
    ):
        copy = tmp_path_factory.mktemp("pack") / name
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("jit", "*.pmtiles"))
        found[name] = open_district(copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "TILED_ABOVE_LINKS", 100)
        patch.setattr(tiles, "WIDTH_E6", 12_000)
        patch.setattr(tiles, "HEIGHT_E6", 9_000)
        shutil.rmtree(found["tiled"].directory / "pack")
        found["tiled"].pack.current(NOON)
    yield found
    for district in found.values():
        district.close()


@pytest.fixture(scope="module")
def ask(browser, opened):
    """Run a script of the pack on a page of the host; gives its answer and the requests it made."""
    app = create_app(opened, Settings(), clock=lambda: NOON)
    script = app.extensions["assets"].url("phone/pack.js")
    with served(app) as home:
        page = browser.new_page()
        requests = []
        page.on("request", lambda request: requests.append(request.url.removeprefix(home)))
        page.goto(f"{home}/no/", wait_until="networkidle")

        def run(code, name, profile="walk", bbox=None):
            requests.clear()
            told = page.evaluate(code, [script, f"/{name}/", profile, bbox])
            return told, [url for url in requests if "/pack/" in url]

        yield run
        page.close()


def digest(array, dtype):
    data = np.ascontiguousarray(array, dtype=dtype)
    return [data.size, hashlib.sha256(data.tobytes()).hexdigest()]


def expected(network):
    """What each array of the head of pack.js is on the server."""
    lines = build_lines(network, None)
    return {
        "nodeLon": digest(network.node_lon_e6, "<i4"),
        "nodeLat": digest(network.node_lat_e6, "<i4"),
        "nodeId": digest(np.arange(network.n_nodes), "<u4"),
        "nodeIsWhole": digest(np.ones(network.n_nodes), "u1"),
        "firstOut": digest(network.first_edge, "<u4"),
        "tail": digest(network.edge_tail, "<u4"),
        "head": digest(network.edge_head, "<u4"),
        "weightMs": digest(network.edge_weight_ms, "<i4"),
        "delayMs": digest(network.edge_delay_ms, "<i4"),
        "mode": digest(network.edge_mode, "u1"),
        "edgeLink": digest(network.edge_link, "<u4"),
        "linkEdge": digest(network.link_edge, "<i4"),
        "linkFrom": digest(lines.link[:, TAIL], "<u4"),
        "linkTo": digest(lines.link[:, HEAD], "<u4"),
        "linkId": digest(np.arange(network.n_links), "<u4"),
        "lengthMm": digest(network.link_length_mm, "<i4"),
        "isMain": digest(lines.is_main, "u1"),
        "firstPoint": digest([*lines.link[:, BEGIN], len(lines.xy)], "<u4"),
        "pointLon": digest(network.point_lon_e6, "<i4"),
        "pointLat": digest(network.point_lat_e6, "<i4"),
        "pointLink": digest(lines.point_link, "<u4"),
        "alongM": digest(lines.along_m, "<f8"),
    }


@pytest.mark.parametrize("profile", ["ebike", "walk"])
@pytest.mark.parametrize("name", ["xiangheyuan", "yingze", "tiled"])
def test_every_array_of_a_network_is_the_servers(ask, opened, name, profile):
    network = opened[name].network(profile)
    told, requests = ask(DIGESTS, name, profile)
    assert told["tiled"] == (name == "tiled")
    wanted = expected(network)
    assert {key: told[key] for key in wanted} == wanted
    assert list(told["metric"].values()) == list(network.metric)
    assert sorted(told["names"]) == sorted(network.names)
    assert told["linkName"][0] == network.n_links
    assert len(requests) == 1 + len(told["loaded"])


@pytest.fixture(scope="module")
def part(ask, opened):
    lon, lat = opened["tiled"].centre
    return ask(PART, "tiled", "walk", [lon - 0.004, lat - 0.003, lon + 0.004, lat + 0.003])


def test_only_the_tiles_that_the_map_shows_are_fetched(part, opened):
    told, requests = part
    (walk,) = (p for p in opened["tiled"].pack.current(NOON).said["profiles"] if p["id"] == "walk")
    assert [told["before"], told["after"], told["whole"]] == [False, True, False]
    assert 1 <= len(told["loaded"]) <= 4 < len(walk["tiles"]["files"])
    assert len([url for url in requests if "/tile-walk-" in url]) == len(told["loaded"])


def test_whole_nodes_have_all_their_edges_and_only_nodes_outside_the_tiles_are_not_whole(part, opened):
    told, network = part[0], opened["tiled"].network("walk")
    out = np.diff(network.first_edge)
    here = np.bincount(told["tail"], minlength=len(told["nodeId"]))
    grid = told["grid"]
    for at, (node, is_whole) in enumerate(zip(told["nodeId"], told["nodeIsWhole"], strict=True)):
        column = (network.node_lon_e6[node] - grid["west"]) // grid["width"]
        row = (network.node_lat_e6[node] - grid["south"]) // grid["height"]
        assert bool(is_whole) == (f"{column}_{row}" in told["loaded"])
        assert here[at] <= out[node]
        assert not is_whole or here[at] == out[node]
    assert 0 < sum(told["nodeIsWhole"]) < len(told["nodeId"])


def test_what_is_loaded_is_in_the_servers_order_with_the_servers_numbers(part, opened):
    told, network = part[0], opened["tiled"].network("walk")
    nodes, links = np.array(told["nodeId"]), np.array(told["linkId"])
    assert (np.diff(nodes) > 0).all()
    assert (np.diff(links) > 0).all()
    kept = np.flatnonzero(np.isin(network.edge_link, links))
    assert nodes[told["tail"]].tolist() == network.edge_tail[kept].tolist()
    assert nodes[told["head"]].tolist() == network.edge_head[kept].tolist()
    assert links[told["edgeLink"]].tolist() == network.edge_link[kept].tolist()
    assert told["weightMs"] == network.edge_weight_ms[kept].tolist()
    along = build_lines(network, None).along_m
    points = [along[network.first_point[i] : network.first_point[i + 1]] for i in links]
    assert told["alongM"] == np.concatenate(points).tolist()
    assert told["found"] == list(range(len(links)))
    assert told["absent"] == -1


def test_places_and_names_are_read_as_they_are(ask, opened):
    code = """async ([script, base]) => {
      const pack = await import(script);
      const index = await pack.loadIndex(base);
      const [places, names] = await Promise.all([pack.loadPlaces(index), pack.loadNames(index)]);
      const boundary = await pack.loadBoundary(index);
      return {names, boundary, places: places.all, day: places.day_s, until: places.until_s};
    }"""
    district = opened["xiangheyuan"]
    told, requests = ask(code, "xiangheyuan")
    assert len(requests) == 5
    server = [f for layer in told["places"] for f in [district.place(layer["id"])]]
    assert len(server) == 124
    for read, place in zip(told["places"], server, strict=True):
        assert (read["name"], read["lon"], read["lat"]) == (place.name, place.lon, place.lat)
        assert read["target"] == list(place.target)
        assert (read["hours"], read["address"], read["class"]) == (place.hours, place.address, place.class_)
        assert [s["kind"] for s in read["services"]] == [s.kind for s in place.services]
        assert [s["hours"] for s in read["services"]] == [s.hours for s in place.services]
        assert [a["method"] for a in read["access"]] == [a.method for a in place.access]
        assert read["initials"] == "".join(word[0] for word in read["pinyin"].split())
        assert read["checked"] == {k: c.on.isoformat() for k, c in place.provenance.checked.items()}
    assert told["until"] - told["day"] == 14 * 86_400
    assert told["boundary"]["coordinates"][0] == [list(c) for c in district.config.boundary]
    streets = {street["name"] for street in told["names"]["streets"]}
    known = {name for profile in district.profiles for name in district.network(profile).names}
    assert streets == known - {""}
