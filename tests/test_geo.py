"""Longitude and latitude: refusals, distances, the three datums and where they differ."""

import csv
import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo_service.errors import InvalidInputError
from geo_service.geo import (
    BBox,
    build_outline,
    check_lonlat,
    convert_datum,
    distance_m,
    is_shifted,
    metres_per_degree,
    parse_bbox,
    parse_lonlat,
)
from tests.oracles.geo import bd_from_gcj, gcj_from_wgs

DATUMS = ("wgs84", "gcj02", "bd09")
WAYS = tuple(permutations(DATUMS, 2))
EXTENTS = ("mainland", "mainland_hk_macao", "mainland_hk_macao_taiwan", "box")

# facts of the datum table: place -> WGS 84, GCJ-02, BD-09
GOLDEN = {
    "Xiangheyuan": ((116.442, 39.957), (116.44820328, 39.95837150), (116.45479939, 39.96408615)),
    "Yingze": ((112.563, 37.860), (112.56926774, 37.86050158), (112.57566677, 37.86680013)),
    "Shenzhen": ((114.060, 22.540), (114.06511616, 22.53728622), (114.07166315, 22.54295263)),
    "Shanghai": ((121.470, 31.230), (121.47453490, 31.22806748), (121.48107621, 31.23398672)),
}

MAINLAND = {
    "Dandong": (124.388, 40.121),
    "Ji'an": (126.186, 41.126),
    "Changbai": (128.203, 41.4195),
    "Tumen": (129.844, 42.963),
    "Hunchun": (130.366, 42.863),
    "Suifenhe": (131.152, 44.412),
    "Raohe": (134.01, 46.80),
    "Fuyuan": (134.295, 48.365),
    "Heihe": (127.528, 50.246),
    "Mohe Beiji": (122.36, 53.478),
    "Manzhouli": (117.38, 49.598),
    "Erenhot": (111.977, 43.653),
    "Alashankou": (82.574, 45.172),
    "Khorgas": (80.415, 44.212),
    "Kashgar": (75.99, 39.47),
    "Tashkurgan": (75.23, 37.78),
    "Burang": (81.18, 30.29),
    "Zhangmu": (85.98, 27.99),
    "Yadong": (88.906, 27.485),
    "Ruili": (97.855, 24.012),
    "Hekou": (103.94, 22.529),
    "Pingxiang": (106.75, 22.10),
    "Dongxing": (107.97, 21.547),
    "Sanya": (109.51, 18.25),
    "Yongxing": (112.34, 16.83),
    "Xiamen": (118.09, 24.48),
    "Xiamen, shore facing Kinmen": (118.20, 24.50),
    "Dadeng": (118.33, 24.56),
    "Huangqi, facing Matsu": (119.88, 26.33),
    "Shengshan": (122.81, 30.72),
    "Shenzhen Luohu": (114.117, 22.5322),
    "Shenzhen Huanggang port": (114.0743, 22.5205),
    "Shenzhen Shekou": (113.915, 22.48),
    "Shenzhen Yantian": (114.27, 22.57),
    "Zhuhai Gongbei port": (113.549, 22.2195),
    "Zhuhai Wanzai": (113.523, 22.197),
    "Zhuhai Hengqin": (113.535, 22.135),
}

HK_MACAO = {
    "Hong Kong Central": (114.158, 22.282),
    "Lo Wu": (114.1133, 22.5283),
    "Lok Ma Chau": (114.0656, 22.5150),
    "Yuen Long": (114.03, 22.445),
    "Ping Chau": (114.43, 22.545),
    "Macao, Portas do Cerco": (113.5493, 22.2150),
    "Macao, Coloane": (113.5515, 22.117),
    "Macao, campus on Hengqin": (113.5445, 22.129),
}

TAIWAN = {
    "Taipei": (121.56, 25.04),
    "Kaohsiung": (120.30, 22.62),
    "Magong": (119.57, 23.57),
    "Kinmen Jincheng": (118.317, 24.433),
    "Lieyu": (118.24, 24.43),
    "Nangan": (119.94, 26.155),
    "Dongyin": (120.49, 26.366),
}

ABROAD = {
    "Sinuiju": (124.398, 40.098),
    "Manpo": (126.29, 41.157),
    "Vladivostok": (131.89, 43.12),
    "Khabarovsk": (135.07, 48.48),
    "Blagoveshchensk": (127.53, 50.285),
    "Zabaikalsk": (117.327, 49.652),
    "Zamyn-Uud": (111.905, 43.722),
    "Ulaanbaatar": (106.92, 47.92),
    "Dostyk": (82.48, 45.25),
    "Almaty": (76.93, 43.25),
    "Leh": (77.58, 34.16),
    "Kathmandu": (85.32, 27.71),
    "Thimphu": (89.64, 27.47),
    "Myitkyina": (97.40, 25.38),
    "Muse": (97.905, 23.985),
    "Lao Cai": (103.97, 22.486),
    "Lang Son": (106.76, 21.85),
    "Mong Cai": (107.965, 21.525),
    "Hanoi": (105.85, 21.03),
    "Seoul": (126.98, 37.57),
    "Pyongyang": (125.75, 39.03),
    "Yonaguni": (123.0, 24.46),
    "Manila": (120.98, 14.6),
}


def random_inside(count: int, seed: int = 20261121, deep_deg: float = 0.0) -> np.ndarray:
    """Seeded points inside the widest polygon extent, at least ``deep_deg`` from its rim."""
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.uniform(73.5, 135.0, 3 * count), rng.uniform(16.0, 53.5, 3 * count)])
    outline = build_outline("mainland_hk_macao_taiwan").buffer(-deep_deg)
    return points[shapely.contains_xy(outline, points[:, 0], points[:, 1])][:count]


# --- datum: values ----------------------------------------------------------------------


@pytest.mark.parametrize("place", GOLDEN)
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_golden_places_convert_in_all_six_directions(place, source, target):
    start, want = (GOLDEN[place][DATUMS.index(datum)] for datum in (source, target))
    assert distance_m(convert_datum(start, source, target), want) < 0.005


def test_forward_steps_equal_the_published_formulas():
    wgs = random_inside(2000)
    gcj = np.array([gcj_from_wgs(*point) for point in wgs])
    bd = np.array([bd_from_gcj(*point) for point in gcj])
    np.testing.assert_allclose(convert_datum(wgs, "wgs84", "gcj02"), gcj, rtol=0, atol=1e-12)
    np.testing.assert_allclose(convert_datum(wgs, "wgs84", "bd09"), bd, rtol=0, atol=1e-12)


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@given(lon=st.floats(72.1, 137.7), lat=st.floats(1.0, 55.7))
@settings(max_examples=200, deadline=None)
def test_shifted_points_come_back_to_the_millimetre(extent, datum, lon, lat):
    there = convert_datum((lon, lat), "wgs84", datum, extent)
    if is_shifted((lon, lat), extent):
        assert distance_m(convert_datum(there, datum, "wgs84", extent), (lon, lat)) < 1e-3
    else:
        assert there.tolist() == [lon, lat]


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_two_km_inside_the_outline_every_direction_returns_to_the_millimetre(source, target):
    start = random_inside(20_000, deep_deg=0.03)
    there_and_back = convert_datum(convert_datum(start, source, target), target, source)
    assert distance_m(there_and_back, start).max() < 1e-3


def test_the_long_way_round_equals_the_short_one():
    wgs = random_inside(5000)
    through_gcj = convert_datum(convert_datum(wgs, "wgs84", "gcj02"), "gcj02", "bd09")
    assert distance_m(through_gcj, convert_datum(wgs, "wgs84", "bd09")).max() < 1e-6


def test_one_subtraction_would_not_have_been_enough():
    gcj = convert_datum(random_inside(5000), "wgs84", "gcj02")
    naive = 2.0 * gcj - np.array([gcj_from_wgs(*point) for point in gcj])
    assert distance_m(naive, convert_datum(gcj, "gcj02", "wgs84")).max() > 1.0


@pytest.mark.shared
def test_published_vectors_agree(shared_data: Path):
    # these two carry pi where 3000 pi / 180 belongs; the note beside the file names them
    known_bad = {"evil-bd-1", "evil-bd-2"}
    # degrees given to 5 decimals, and city rows that look like a map service's own values: 1 m
    loose_m, one_step_m, tight_m = 1.0, 0.07, 0.002
    checked = 0
    with (shared_data / "datum_vectors.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["name"] not in known_bad]
    assert len(rows) == 55
    for row in rows:
        points = {
            d: (float(row[f"{p}_lon"]), float(row[f"{p}_lat"])) for d, p in _columns() if row[f"{p}_lon"]
        }
        city = row["name"].startswith("gcoord-") and "spec" not in row["name"]
        one_step = row["name"] in ("coordtransform-bd09togcj02", "coordtransform-gcj02towgs84-one-step")
        limit_m = loose_m if city or "gcj2bd" in row["name"] else one_step_m if one_step else tight_m
        for source, target in permutations(points, 2):
            got = convert_datum(points[source], source, target)
            assert distance_m(got, points[target]) < limit_m, (row["name"], source, target)
            checked += 1
    assert checked > 150


def _columns():
    return (("wgs84", "wgs"), ("gcj02", "gcj"), ("bd09", "bd"))


# --- datum: where -----------------------------------------------------------------------


@pytest.mark.parametrize("place", MAINLAND)
def test_mainland_towns_are_shifted_in_every_extent(place):
    assert [bool(is_shifted(MAINLAND[place], extent)) for extent in EXTENTS] == [True, True, True, True]


@pytest.mark.parametrize("place", HK_MACAO)
def test_hong_kong_and_macao_are_shifted_only_where_the_extent_says_so(place):
    assert [bool(is_shifted(HK_MACAO[place], extent)) for extent in EXTENTS] == [False, True, True, True]


@pytest.mark.parametrize("place", TAIWAN)
def test_taiwan_is_shifted_only_where_the_extent_says_so(place):
    assert [bool(is_shifted(TAIWAN[place], extent)) for extent in EXTENTS] == [False, False, True, True]


@pytest.mark.parametrize("place", ABROAD)
def test_foreign_towns_are_never_shifted_by_an_outline(place):
    for source, target in WAYS:
        for extent in EXTENTS[:3]:
            assert convert_datum(ABROAD[place], source, target, extent).tolist() == list(ABROAD[place])


def test_the_box_shifts_foreign_land_which_is_why_it_is_not_the_default():
    assert is_shifted(ABROAD["Thimphu"], "box")
    assert distance_m(convert_datum(ABROAD["Thimphu"], "wgs84", "gcj02", "box"), ABROAD["Thimphu"]) > 100.0


def test_the_box_includes_its_edges():
    assert is_shifted([[72.004, 30.0], [137.8347, 55.8271], [72.0039, 30.0]], "box").tolist() == [
        True,
        True,
        False,
    ]


def test_grid_and_polygon_agree_everywhere():
    rng = np.random.default_rng(7)
    points = np.column_stack([rng.uniform(60.0, 150.0, 40_000), rng.uniform(-5.0, 60.0, 40_000)])
    for extent in EXTENTS:
        exact = shapely.intersects_xy(build_outline(extent), points[:, 0], points[:, 1])
        np.testing.assert_array_equal(is_shifted(points, extent), exact)


def test_a_foreign_point_beside_the_outline_is_taken_for_a_shifted_one():
    # the unsolvable rim, written down: GCJ-02 cannot say whether it is shifted
    east_of_the_edge = np.array([137.8348, 40.0])
    assert not is_shifted(east_of_the_edge, "box")
    back = convert_datum(east_of_the_edge, "gcj02", "wgs84", "box")
    assert 100.0 < distance_m(back, east_of_the_edge) < 1000.0


# --- datum: arrays ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2,), (0, 2), (1, 2), (3, 5, 2), (20_001, 2)])
@pytest.mark.parametrize(("source", "target"), [("wgs84", "bd09"), ("bd09", "wgs84"), ("gcj02", "gcj02")])
def test_shapes_are_kept(shape, source, target):
    points = np.broadcast_to(np.array([116.442, 39.957]), shape)
    assert convert_datum(points, source, target).shape == shape
    assert is_shifted(points).shape == shape[:-1]


def test_arguments_are_not_changed_and_answers_are_new_arrays():
    points = np.array([[116.442, 39.957], [2.35, 48.85]])
    before = points.copy()
    for source, target in (("wgs84", "gcj02"), ("gcj02", "wgs84"), ("wgs84", "wgs84")):
        assert not np.shares_memory(convert_datum(points, source, target), points)
    np.testing.assert_array_equal(points, before)


def test_strided_and_fortran_arrays_convert_alike():
    points = random_inside(300)
    want = convert_datum(points, "wgs84", "gcj02")
    np.testing.assert_array_equal(convert_datum(np.asfortranarray(points), "wgs84", "gcj02"), want)
    np.testing.assert_array_equal(convert_datum(points[::3], "wgs84", "gcj02"), want[::3])


def test_absent_points_stay_absent_and_harm_no_neighbour():
    points = [[np.nan, np.nan], [116.442, 39.957], [np.nan, 39.9], [np.inf, 39.9]]
    got = convert_datum(points, "gcj02", "wgs84")
    np.testing.assert_array_equal(np.isnan(got), np.isnan(points))
    assert np.isfinite(got[1]).all()
    assert is_shifted(points).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        (((116.0, 39.0), "wgs-84", "gcj02"), "source"),
        (((116.0, 39.0), "wgs84", "cgcs2000"), "target"),
        (((116.0, 39.0), "wgs84", "gcj02", "china"), "extent"),
        (((116.0, 39.0, 50.0), "wgs84", "gcj02"), "lonlat"),
        ((116.0, "wgs84", "gcj02"), "lonlat"),
    ],
)
def test_unknown_words_and_shapes_are_refused(arguments, parameter):
    with pytest.raises(InvalidInputError) as refusal:
        convert_datum(*arguments)
    assert refusal.value.facts["parameter"] == parameter


# --- distance ---------------------------------------------------------------------------


@pytest.mark.parametrize(("spread_deg", "tolerance_m"), [(0.0005, 1e-6), (0.05, 1e-4), (1.0, 0.02)])
def test_distance_equals_the_geodesic(spread_deg, tolerance_m):
    rng = np.random.default_rng(3)
    a = np.column_stack([rng.uniform(-180.0, 180.0, 20_000), rng.uniform(-60.0, 60.0, 20_000)])
    b = a + rng.uniform(-spread_deg, spread_deg, a.shape)
    geodesic_m = Geod(ellps="WGS84").inv(*a.T, *b.T)[2]
    np.testing.assert_allclose(distance_m(a, b), geodesic_m, rtol=0, atol=tolerance_m)


def test_distance_broadcasts_and_crosses_the_date_line():
    assert distance_m([179.9999, 0.0], [[-179.9999, 0.0], [179.9999, 0.0]]).round(1).tolist() == [22.3, 0.0]


def test_distance_to_an_absent_point_is_absent():
    assert np.isnan(distance_m([116.0, 39.0], [np.nan, np.nan]))


def test_metres_per_degree_are_derivatives_of_the_geodesic():
    geod, lat = Geod(ellps="WGS84"), np.array([0.0, 22.5, 39.957, 53.5])
    lon_m, lat_m = metres_per_degree(lat)
    zero, step = np.zeros_like(lat), np.full_like(lat, 5e-4)
    np.testing.assert_allclose(lon_m, geod.inv(zero, lat, zero + 1e-3, lat)[2] * 1e3, rtol=1e-8)
    np.testing.assert_allclose(lat_m, geod.inv(zero, lat - step, zero, lat + step)[2] * 1e3, rtol=1e-8)


# --- checks and parsing -----------------------------------------------------------------


def test_swapped_coordinates_are_named_with_the_remedy():
    with pytest.raises(
        InvalidInputError, match=r"from: lat=116\.442 is outside -90\.\.90; were lon and lat swapped\?"
    ):
        parse_lonlat("39.957,116.442", "from")


@pytest.mark.parametrize(
    "bad", [(np.nan, 39.0), (116.0, np.inf), (180.1, 0.0), (0.0, -90.5), ((116.0, 39.0), (0.0, 91.0))]
)
def test_points_off_the_globe_are_refused_with_json_facts(bad):
    with pytest.raises(InvalidInputError, match="outside") as refusal:
        check_lonlat(bad, "origin")
    assert json.loads(json.dumps(refusal.value.facts, allow_nan=False))["parameter"] == "origin"


def test_the_edges_of_the_globe_pass():
    check_lonlat([[-180.0, -90.0], [180.0, 90.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("116.442,39.957", (116.442, 39.957)),
        (" 116.442, 39.957 ", (116.442, 39.957)),
        ("-0.5,7", (-0.5, 7.0)),
    ],
)
def test_decimal_degrees_are_read(text, want):
    assert parse_lonlat(text, "to") == want


@pytest.mark.parametrize(
    "text",
    [
        "",
        "116.442",
        "116.442,39.957,0",
        "116.442;39.957",
        "116_0,39",
        "1e2,39",
        "nan,39",
        "inf,39",
        "１１６,39",
        "٣٩,39",
        "116.442,39.957\n",
        "+116,39",
        "116.,39",
        ".5,39",
        "0x10,39",
        "116,39" + "0" * 300,
        "--1,2",
    ],
)
def test_anything_but_plain_ascii_decimals_is_refused_in_one_short_line(text):
    with pytest.raises(InvalidInputError, match="from: ") as refusal:
        parse_lonlat(text, "from")
    assert "\n" not in refusal.value.message
    assert len(refusal.value.message) < 200


def test_a_box_is_read_west_south_east_north():
    assert parse_bbox("116.42,39.94,116.46,39.975") == BBox(116.42, 39.94, 116.46, 39.975)


@pytest.mark.parametrize(
    "text", ["1,2,3", "3,2,1,4", "1,4,3,2", "1,2,1,4", "1,2,3,95", "170,0,-170,10", "a,b,c,d"]
)
def test_boxes_without_area_or_form_are_refused(text):
    with pytest.raises(InvalidInputError, match="bbox"):
        parse_bbox(text)
