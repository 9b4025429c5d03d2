"""The datum doctor: what a list's numbers mean, with evidence, and never a sure wrong answer."""

import dataclasses
import json

import numpy as np
import pytest

from geo_service.errors import InvalidInputError
from geo_service.exchange.doctor import (
    CONFIDENCE_LINE,
    DATUMS,
    READINGS,
    build_ground,
    diagnose,
    to_wgs84,
)
from geo_service.geo import convert_datum, distance_m
from geo_service.network.graph import load_network
from tests.counts import many
from tests.doctor_table import score, windows
from tests.made_lists import Streets, disguised

EXTRACTS = (
    "xiangheyuan",
    "beijing-tsinghua-2017",
    "beijing-cau-2026",
    "beijing-bupt-2025",
    "shanghai-center-roads-2025",
)
"""Extracts of a district's size: positions alone must do there."""


@pytest.fixture(scope="module")
def network(demo_directory):
    return load_network(demo_directory / "network" / "walk")


@pytest.fixture(scope="module")
def ground(network):
    return build_ground([network])


@pytest.fixture(scope="module")
def streets(network):
    return Streets(network)


@pytest.fixture
def rng():
    return np.random.default_rng(20261121)


def spoken(found, kind):
    """Chinese and English of one kind of evidence."""
    return [(one.zh, one.en) for one in found.sentences if one.kind == kind]


# --- single parts -----------------------------------------------------------------------


@pytest.mark.parametrize("reading", READINGS)
def test_every_reading_leads_back_to_where_the_place_is(reading, rng):
    places = np.column_stack([rng.uniform(116.2, 116.6, 50), rng.uniform(39.8, 40.1, 50)])
    back = to_wgs84(disguised(places, reading), reading)
    assert distance_m(back, places).max() < 0.01


def test_an_unknown_reading_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="reading='cgcs' is unknown; allowed: wgs84, gcj02"):
        to_wgs84(np.zeros((1, 2)), "cgcs")  # type: ignore[arg-type]


def test_gaps_are_those_of_a_walk_along_every_segment(ground, network, rng):
    xy = rng.uniform(-1500.0, 1500.0, (40, 2))
    points = ground.local(np.column_stack([network.point_lon_e6, network.point_lat_e6]) / 1e6)
    link = np.repeat(np.arange(network.n_links), np.diff(network.first_point))
    start = np.flatnonzero(link[:-1] == link[1:])
    a, along = points[start], points[start + 1] - points[start]
    length2 = np.maximum(np.square(along).sum(axis=1), 1e-12)
    for one, gap_m in zip(xy, ground.gaps(xy), strict=True):
        share = np.clip(((one - a) * along).sum(axis=1) / length2, 0.0, 1.0)
        naive_m = np.linalg.norm(a + share[:, None] * along - one, axis=1).min()
        assert gap_m == pytest.approx(min(naive_m, 300.0), abs=1e-6)


def test_an_address_names_the_longest_street_it_holds(ground):
    names = sorted((name for name in ground.names if len(name) >= 3), key=len)
    address = f"某市某区 {names[-1]} 12号"
    assert ground.streets_in(address) == (names[-1],)
    assert ground.streets_in("无此地名") == ()


# --- what a list is -----------------------------------------------------------------------


@pytest.mark.parametrize("datum", DATUMS)
def test_a_list_of_eighty_is_told_for_sure(datum, ground, streets, rng):
    made = streets.draw(rng, 80, 5.0)
    found = diagnose(disguised(made.lonlat, datum), ground)
    assert (found.status, found.datum) == ("sure", datum)
    assert found.confidence >= CONFIDENCE_LINE
    assert not found.must_ask


def test_a_sure_list_comes_back_to_its_places(ground, streets, rng):
    made = streets.draw(rng, 60, 0.0)
    given = disguised(made.lonlat, "gcj02")
    assert distance_m(diagnose(given, ground).to_wgs84(given), made.lonlat).max() < 0.01


def test_two_rows_are_never_enough(ground, streets, rng):
    for datum in DATUMS:
        found = diagnose(disguised(streets.draw(rng, 2).lonlat, datum), ground)
        assert (found.status, found.datum, found.must_ask) == ("ask", None, True)


def test_the_evidence_is_told_in_both_languages_with_counts(ground, streets, rng):
    given = disguised(streets.draw(rng, 60, 5.0).lonlat, "gcj02")
    ((zh, en),) = spoken(diagnose(given, ground), "streets")
    near = int((ground.gaps(ground.local(convert_datum(given, "gcj02", "wgs84"))) <= 30.0).sum())
    assert f"以 GCJ-02 解释时，60 个点中有 {near} 个离街道不到 30 米" in zh
    assert f"Read as GCJ-02, {near} of 60 points are within 30 m" in en


def test_a_diagnosis_is_plain_json_with_probabilities_that_add_up(ground, streets, rng):
    found = diagnose(streets.draw(rng, 20).lonlat, ground)
    told = json.loads(json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False))
    assert len(told["rows"]) == 20
    assert sum(found.probabilities.values()) == pytest.approx(1.0)


def test_equal_lists_get_equal_answers(ground, streets, rng):
    given = streets.draw(rng, 20).lonlat
    assert diagnose(given, ground) == diagnose(given, ground)


def test_addresses_make_a_short_list_sure(ground, streets, rng):
    made = streets.draw(rng, 40, 5.0)
    rows = [i for i, address in enumerate(made.addresses) if address][:8]
    given, addresses = disguised(made.lonlat[rows], "bd09"), [made.addresses[i] for i in rows]
    assert diagnose(given, ground).status == "ask"
    found = diagnose(given, ground, addresses=addresses)
    assert (found.status, found.datum) == ("sure", "bd09")
    assert "8 行的地址写有本区街道名" in spoken(found, "addresses")[0][0]


def test_known_twins_make_a_short_list_sure(network, streets, rng):
    made = streets.draw(rng, 6, 5.0)
    known = [(name, *lonlat) for name, lonlat in zip(made.names, made.lonlat.tolist(), strict=True)]
    found = diagnose(disguised(made.lonlat, "gcj02"), build_ground([network], known=known), names=made.names)
    assert (found.status, found.datum) == ("sure", "gcj02")
    assert "6 行与已知地点同名" in spoken(found, "twins")[0][0]


def test_known_places_that_contradict_the_streets_lead_to_a_question(network, streets, rng):
    made = streets.draw(rng, 60, 5.0)
    shifted = disguised(made.lonlat, "gcj02").tolist()  # the store itself holds GCJ-02 as if it were WGS 84
    known = [(name, *lonlat) for name, lonlat in zip(made.names, shifted, strict=True)]
    found = diagnose(disguised(made.lonlat, "gcj02"), build_ground([network], known=known), names=made.names)
    assert found.status == "ask"
    assert spoken(found, "conflict")


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["gcj02_twice", "bd09_as_gcj02", "wgs84_as_gcj02"])
def test_a_list_that_was_converted_wrongly_is_recognised_but_not_taken(reading, ground, streets, rng):
    found = diagnose(disguised(streets.draw(rng, 150, 5.0).lonlat, reading), ground)
    assert found.reading == reading
    assert found.must_ask
    assert found.datum is None


@pytest.mark.slow
def test_a_half_and_half_list_is_never_taken_for_one_datum(ground, streets, rng):
    made = streets.draw(rng, 150, 5.0)
    given = np.concatenate([disguised(made.lonlat[:80], "gcj02"), made.lonlat[80:]])
    found = diagnose(given, ground)
    assert found.must_ask
    assert found.datum is None


@pytest.mark.slow
def test_addresses_tell_the_rows_of_a_mixed_list_apart(ground, streets, rng):
    made = streets.draw(rng, 150, 5.0)
    rows = [i for i, address in enumerate(made.addresses) if address]
    truth = np.where(np.arange(len(rows)) % 3 == 0, "wgs84", "gcj02")
    lonlat = made.lonlat[rows]
    given = np.where((truth == "wgs84")[:, None], lonlat, disguised(lonlat, "gcj02"))
    found = diagnose(given, ground, addresses=[made.addresses[i] for i in rows])
    assert found.status == "mixed"
    told = [(row.reading, truth[row.row]) for row in found.rows if row.reading is not None]
    assert len(told) > 0.6 * len(rows)
    assert sum(reading != true for reading, true in told) <= 0.02 * len(told)


def test_a_list_imported_under_two_datums_is_found_pair_by_pair(ground, streets, rng):
    made = streets.draw(rng, 20, 5.0)
    given = np.concatenate([made.lonlat, disguised(made.lonlat, "gcj02")])
    found = diagnose(given, ground, names=made.names * 2)
    assert found.status == "mixed"
    assert {(one.first, one.second) for one in found.doubles} == {(i, i + 20) for i in range(20)}
    assert distance_m(found.to_wgs84(given), np.concatenate([made.lonlat, made.lonlat])).max() < 0.01


def test_branches_of_one_name_are_no_doubles(ground, streets, rng):
    made = streets.draw(rng, 25, 5.0)
    assert diagnose(made.lonlat, ground, names=["公共厕所"] * 25).doubles == ()


def test_swapped_columns_are_put_right_and_told(ground, streets, rng):
    made = streets.draw(rng, 60, 0.0)
    given = made.lonlat.copy()
    given[[3, 17]] = given[[3, 17]][:, ::-1]
    found = diagnose(given, ground)
    assert found.odd_rows == (3, 17)
    assert found.must_ask
    assert "2 行的经度与纬度对调了：4, 18" in spoken(found, "swapped")[0][0]
    assert distance_m(found.to_wgs84(given), made.lonlat).max() < 0.01


def test_rows_without_position_or_elsewhere_are_named_and_left_out(ground, streets, rng):
    given = streets.draw(rng, 60, 0.0).lonlat
    given[5], given[9] = np.nan, (121.47, 31.23)
    found = diagnose(given, ground)
    assert found.datum == "wgs84"
    assert (found.rows[5].note, found.rows[9].note) == ("absent", "elsewhere")
    assert np.isnan(found.to_wgs84(given)[[5, 9]]).all()


def test_a_list_of_another_town_is_nothing_to_go_by(ground):
    found = diagnose([[121.47, 31.23]] * 30, ground)
    assert (found.status, found.reading) == ("ask", None)
    assert len(spoken(found, "elsewhere")) == 1


def test_an_empty_list_is_a_question(ground):
    assert diagnose([], ground).status == "ask"


def test_abroad_the_datums_coincide(network, rng):
    """The demo's streets, carried to Liechtenstein."""
    moved = dataclasses.replace(
        network,
        point_lon_e6=network.point_lon_e6 - 106_900_000,
        point_lat_e6=network.point_lat_e6 + 7_150_000,
    )
    found = diagnose(Streets(moved).draw(rng, 20).lonlat, build_ground([moved]))
    assert (found.status, found.datum, found.must_ask) == ("coincide", "wgs84", False)


def test_wrong_shapes_and_counts_are_refused_by_name(ground):
    with pytest.raises(InvalidInputError, match=r"lonlat: shape \(3,\) is not \(n, 2\)"):
        diagnose([1.0, 2.0, 3.0], ground)
    with pytest.raises(InvalidInputError, match="names: 1 for 2 rows; give one per row or none"):
        diagnose([[116.4, 39.9]] * 2, ground, names=["a"])


def test_no_street_at_all_is_refused():
    with pytest.raises(InvalidInputError, match="no street to compare the list with"):
        build_ground([])


# --- how often it is right ------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("noise_m", [0.0, 5.0, 15.0])
def test_twenty_rows_with_addresses_in_the_demo_districts_are_told_right(
    noise_m, demo_directory, yingze_directory
):
    for directory in (demo_directory, yingze_directory):
        network = load_network(directory / "network" / "walk")
        got = score(build_ground([network]), Streets(network), 20, noise_m, 99, seed=3, with_addresses=True)
        # the confusion matrix: off the diagonal stands one list in a hundred at most
        assert sum(got.table[datum].get(datum, 0) for datum in DATUMS) >= 0.99 * got.lists, got.table
        assert got.sure_and_wrong == 0


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "lists", "least"), [(5, 150, 0.5), (20, 99, 0.8), (150, 24, 1.0)])
def test_positions_alone_on_the_dense_made_up_footways_are_never_sure_and_wrong(
    rows, lists, least, ground, streets
):
    got = score(ground, streets, rows, 5.0, lists, seed=4)
    assert got.sure_and_wrong == 0
    assert got.surest_wrong < CONFIDENCE_LINE
    assert got.right >= least * got.lists, got


@pytest.fixture(scope="module", params=EXTRACTS)
def extract(request, shared_data):
    from geo_service.network.osm import read_osm_file

    network = read_osm_file(shared_data / f"{request.param}.osm.pbf", ("walk",)).networks["walk"]
    return build_ground([network]), Streets(network)


@pytest.mark.shared
@pytest.mark.slow
def test_twenty_rows_on_real_streets_are_told_right_99_times_in_100(extract):
    ground, streets = extract
    got = score(ground, streets, 20, 5.0, many(120, 300), seed=1)
    # the confusion matrix: off the diagonal stands one list in a hundred at most
    assert sum(got.table[datum].get(datum, 0) for datum in DATUMS) >= 0.99 * got.lists, got.table
    assert got.surest_wrong < CONFIDENCE_LINE


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("rows", "lists"), [(5, many(75, 300)), (150, many(9, 24))])
def test_no_answer_on_real_streets_is_sure_and_wrong(rows, lists, extract):
    ground, streets = extract
    for noise_m in (0.0, 15.0):
        got = score(ground, streets, rows, noise_m, lists, seed=2)
        assert (got.sure_and_wrong, got.surest_wrong < CONFIDENCE_LINE) == (0, True), got


@pytest.fixture(scope="module")
def beijing(shared_data):
    from geo_service.network.osm import read_osm_file

    network = read_osm_file(shared_data / "beijing-drive-2017.osm.pbf", ("walk",)).networks["walk"]
    return build_ground([network]), Streets(network)


@pytest.mark.shared
@pytest.mark.slow
def test_on_car_roads_alone_addresses_make_twenty_rows_right_99_times_in_100(beijing):
    """Beijing's network of car roads is too even in places for positions alone; then it asks."""
    ground, streets = beijing
    boxes = windows(1, 60)
    bare = score(ground, streets, 20, 5.0, many(120, 300), seed=1, boxes=boxes)
    assert bare.sure_and_wrong == 0, bare
    assert bare.right >= 0.95 * bare.lists, bare
    told = score(ground, streets, 20, 5.0, many(120, 300), seed=1, boxes=boxes, with_addresses=True)
    assert told.sure_and_wrong == 0, told
    assert told.right >= 0.99 * told.lists, told


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("rows", "least"), [(20, 0.95), (150, 1.0)])
def test_real_places_of_beijing_are_told_right(rows, least, beijing, shared_data):
    ground, _ = beijing
    west, south, east, north = ground.bbox
    sample = json.loads((shared_data / "beijing-poi-sample-2016.geojson").read_text(encoding="utf-8"))
    places = np.array([one["geometry"]["coordinates"] for one in sample["features"]])
    places = places[((places > (west, south)) & (places < (east, north))).all(axis=1)]
    rng = np.random.default_rng(5)
    lists = many(60, 150) if rows == 20 else many(6, 15)
    found = [
        (DATUMS[k % 3], diagnose(disguised(rng.permutation(places)[:rows], DATUMS[k % 3]), ground))
        for k in range(lists)
    ]
    assert sum(one.reading == truth for truth, one in found) >= least * lists
    assert [one for truth, one in found if one.status == "sure" and one.reading != truth] == []
