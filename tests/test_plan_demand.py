"""Demand that a planner brings: tables and rasters, what is refused, and plans that name what they counted."""

import json
from datetime import date

import numpy as np
import pyproj
import pytest
from openpyxl import Workbook

from geo_service.districts.plans.answers import unreached_says
from geo_service.districts.plans.demand import (
    demand_again,
    demand_with,
    draw_demand,
    keep_beside,
    read_upload,
    to_table,
)
from geo_service.districts.plans.planner import Planner
from geo_service.errors import InvalidInputError
from geo_service.geo import convert_datum
from geo_service.planning.demand import GROUPS, KINDS, weigh
from geo_service.planning.parameters import DemandFile, Need, Parameters, parameters_of
from geo_service.planning.rasters import read_cells

MONDAY = date(2026, 11, 23)
STATIONS = Parameters(Need("station"), MONDAY, accept=("stale", "unknown"))
WORKDAYS = (True,) * 7

# of rasterio's own code with the newest affine; not ours to mend
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:rasterio")


@pytest.fixture
def rows(demo_district):
    """Two points in the district, one with a quarter of the heads, and one far away."""
    lon, lat = demo_district.centre
    return [(lon, lat, "甲", 1), (lon + 0.002, lat + 0.001, "乙", 3), (0.0, 0.0, "海", 9)]


def write_csv(path, rows, heads="经度,纬度,名称,数量"):
    lines = [heads, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_xlsx(path, rows):
    book = Workbook()
    book.active.append(["lon", "lat", "name", "size"])
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def write_geojson(path, rows):
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"name": name, "size": size},
        }
        for lon, lat, name, size in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_table_is_the_same_demand_in_every_format(demo_district, rows, tmp_path):
    files = [
        write_csv(tmp_path / "a.csv", rows),
        write_xlsx(tmp_path / "a.xlsx", rows),
        write_geojson(tmp_path / "a.geojson", rows),
    ]
    read = [read_upload(demo_district, file) for file in files]
    for uploaded in read:
        assert [point[1:] for point in uploaded.points] == [point[1:] for point in read[0].points]
        assert uploaded.outside == 1
    assert [(point.name, point.kind, point.size) for point in read[0].points] == [
        ("甲", "upload", 1.0),
        ("乙", "upload", 3.0),
    ]


def test_riders_go_to_what_was_brought_by_its_size(demo_district, rows, tmp_path):
    uploaded = read_upload(demo_district, write_csv(tmp_path / "a.csv", rows))
    alone = weigh(demand_with(demo_district, uploaded, "instead"), GROUPS, WORKDAYS)
    riders = alone.of_points(range(168))
    assert riders[1] == pytest.approx(3 * riders[0])
    whole = draw_demand(demo_district)
    besides = demand_with(demo_district, uploaded, "besides")
    assert len(besides) == len(whole) + 2
    assert weigh(besides, GROUPS, WORKDAYS).total == pytest.approx(alone.total)
    # a share of 1 beside those of the kinds that the map shows: half of the group, if it shows them all
    couriers, present = weigh(besides, GROUPS[:1], WORKDAYS), whole.kinds_present()
    shown = sum(share for kind, share in GROUPS[0].shares.items() if kind in present)
    brought = couriers.of_points(range(168))[-2:].sum()
    assert brought == pytest.approx(couriers.total.sum() / (1 + shown))


def test_a_row_may_be_of_a_kind_that_the_map_has_too(demo_district, rows, tmp_path):
    heads = "lon,lat,name,size,kind"
    given = [(*rows[0], "meal"), (*rows[1], "")]
    uploaded = read_upload(demo_district, write_csv(tmp_path / "a.csv", given, heads))
    assert [point.kind for point in uploaded.points] == ["meal", "upload"]


def test_a_table_in_the_datum_of_maps_is_moved(demo_district, rows, tmp_path):
    shifted = convert_datum(np.array([row[:2] for row in rows[:2]]), "wgs84", "gcj02")
    given = [(*at, *row[2:]) for at, row in zip(shifted.tolist(), rows, strict=False)]
    uploaded = read_upload(demo_district, write_csv(tmp_path / "a.csv", given), datum="gcj02")
    assert [(p.lon, p.lat) for p in uploaded.points] == [pytest.approx(row[:2], abs=1e-6) for row in rows[:2]]


@pytest.mark.parametrize(
    ("row", "heads", "said"),
    [
        ("x,39.95,a,1", "lon,lat,name,size", "row 2: lon='x'; give a number in -180..180"),
        ("116.44,39.95,a,-1", "lon,lat,name,size", "row 2: size='-1'; give a number in 0..1e"),
        ("116.44,39.95,a,nan", "lon,lat,name,size", "row 2: size='nan'"),
        ("116.44,39.95,a,", "lon,lat,name,size", "row 2: size=''"),
        ("116.44,39.95,a,cow", "lon,lat,name,kind", "row 2: kind='cow'; choose from meal"),
        ("116.44,a", "lon,name", "has no column lat; headings known: lat, latitude, 纬度"),
        ("1.0,2.0", "lon,lat", "shows no demand in"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_by_row_and_value(demo_district, tmp_path, row, heads, said):
    path = tmp_path / "a.csv"
    path.write_text(f"{heads}\n{row}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        read_upload(demo_district, path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "a.csv" in str(refused.value)


def test_a_file_that_is_not_there_is_refused(demo_district, tmp_path):
    with pytest.raises(InvalidInputError, match="no such file"):
        read_upload(demo_district, tmp_path / "moon.csv")


# --- rasters -------------------------------------------------------------------------------------


def write_raster(path, bbox, values, *, crs="EPSG:4326", driver="GTiff", nodata=-99999.0, bands=1):
    import rasterio
    from rasterio.transform import from_bounds

    box = (
        pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform_bounds(*bbox) if crs else bbox
    )
    height, width = values.shape
    # ESRI ASCII grids have square cells
    options = {
        "transform": from_bounds(*box, width, height),
        "crs": crs,
        "nodata": nodata,
        "dtype": "float32",
    }
    with rasterio.open(
        path, "w", driver=driver, width=width, height=height, count=bands, **options
    ) as raster:
        for band in range(1, bands + 1):
            raster.write(values.astype("float32"), band)
    return path


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32650"])
def test_cells_become_points_with_their_counts(demo_district, tmp_path, crs):
    box = demo_district.bbox
    values = np.zeros((10, 8))
    values[2, 3], values[7, 1], values[5, 5] = 40, 2.5, -99999
    cells = read_cells(write_raster(tmp_path / "a.tif", box, values, crs=crs), box)
    assert sorted(cells.size.tolist()) == [2.5, 40.0]
    west, south, east, north = box
    at = dict(zip(cells.size.tolist(), cells.lonlat.tolist(), strict=True))
    # by hand: the centre of the fourth of eight columns, the third of ten rows from the north
    by_hand = west + (east - west) * 3.5 / 8, north - (north - south) * 2.5 / 10
    # a box of another CRS is a little larger
    assert at[40.0] == pytest.approx(by_hand, abs=1e-9 if crs == "EPSG:4326" else 2e-3)


def test_an_ascii_grid_with_its_crs_beside_it_is_read(demo_district, tmp_path):
    west, south, east, _ = demo_district.bbox
    step = (east - west) / 4
    path = tmp_path / "a.asc"
    lines = [
        f"ncols 4\nnrows 3\nxllcorner {west!r}\nyllcorner {south!r}\ncellsize {step!r}\nNODATA_value -9999"
    ]
    path.write_text("\n".join([*lines, "0 0 0 0", "0 0 0 0", "0 7 -9999 0"]), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="has no CRS"):
        read_cells(path, demo_district.bbox)
    path.with_suffix(".prj").write_text(pyproj.CRS("EPSG:4326").to_wkt("WKT1_ESRI"), encoding="utf-8")
    cells = read_cells(path, demo_district.bbox)
    assert cells.size.tolist() == [7.0]
    assert cells.lonlat[0] == pytest.approx((west + 1.5 * step, south + 0.5 * step))


def test_a_large_raster_is_read_only_over_the_district(demo_district, tmp_path):
    west, south, east, north = demo_district.bbox
    wide = (west - 1, south - 1, east + 1, north + 1)
    path = write_raster(tmp_path / "a.tif", wide, np.full((400, 400), 2.0))
    cells = read_cells(path, demo_district.bbox)
    lon, lat = cells.lonlat.T
    assert 0 < len(cells.size) < 400
    assert west <= lon.min() <= lon.max() <= east
    assert south <= lat.min() <= lat.max() <= north


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"crs": None}, "has no CRS"),
        ({"bands": 3}, "has 3 bands"),
        ({"values": np.full((4, 4), -3.0)}, "row 0, column 0 holds -3"),
        ({"values": np.ones((600, 600))}, "360000 cells over the district"),
        ({"bbox": (0.0, 0.0, 1.0, 1.0)}, "not over the district"),
    ],
)
def test_a_raster_that_cannot_be_counted_is_refused_by_name(demo_district, tmp_path, change, said):
    import warnings

    given = {"bbox": demo_district.bbox, "values": np.ones((4, 4)), **change}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write_raster(tmp_path / "a.tif", **given)
    with pytest.raises(InvalidInputError, match=said):
        read_cells(path, demo_district.bbox)


def test_what_is_no_raster_is_refused(demo_district, tmp_path):
    path = tmp_path / "a.tif"
    path.write_text("lon,lat", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"a\.tif cannot be read as GTiff"):
        read_cells(path, demo_district.bbox)


def test_the_cells_of_a_raster_travel_as_a_table(demo_district, tmp_path):
    values = np.zeros((20, 20))
    values[4:9, 3:8] = 2.0
    uploaded = read_upload(demo_district, write_raster(tmp_path / "pop.tif", demo_district.bbox, values))
    assert uploaded.name == "pop.cells.csv"
    assert uploaded.data == to_table(uploaded.points)
    keep_beside(uploaded, tmp_path)
    again = demand_again(demo_district, uploaded.file("instead"), tmp_path)
    first = demand_with(demo_district, uploaded, "instead")
    assert (again.lonlat == first.lonlat).all()
    assert (again.size == first.size).all()


# --- plans ---------------------------------------------------------------------------------------


def test_a_plan_refuses_demand_that_was_changed_or_is_not_handed_over(demo_district, rows, tmp_path):
    path = write_csv(tmp_path / "a.csv", rows)
    file = read_upload(demo_district, path).file("instead")
    given = Parameters(Need("station"), MONDAY, demand=file)
    assert parameters_of(json.loads(json.dumps(given.to_json()))) == given
    with pytest.raises(InvalidInputError, match=r"counts demand from a\.csv; hand it over"):
        Planner(demo_district, given)
    write_csv(path, rows[:1])
    with pytest.raises(InvalidInputError, match=r"a\.csv was changed since the plan was saved"):
        demand_again(demo_district, file, tmp_path)
    path.unlink()
    with pytest.raises(InvalidInputError, match=r"a\.csv is named by the plan and not in"):
        demand_again(demo_district, file, tmp_path)


@pytest.mark.parametrize(
    ("name", "sha256", "use"),
    [("../a.csv", "0" * 64, "instead"), ("a.csv", "x", "instead"), ("a.csv", "0" * 64, "twice")],
)
def test_a_file_of_demand_has_a_plain_name_and_a_digest(name, sha256, use):
    with pytest.raises(InvalidInputError, match="demand: "):
        DemandFile(name, sha256, use)


@pytest.mark.slow
def test_a_plan_with_its_own_demand_gives_the_same_answer_again(
    run, demo_district, demo_directory, rows, tmp_path
):
    west, south, east, north = demo_district.bbox
    corners = [
        (west + (east - west) * a, south + (north - south) * b, "角", 1)
        for a in (0.1, 0.9)
        for b in (0.1, 0.9)
    ]
    path = write_csv(tmp_path / "own.csv", [*rows, *corners])
    kept = tmp_path / "kept"
    kept.mkdir()
    words = ["--layer", "station", "--accept", "stale,unknown", "--week", "2026-11-25", "--json"]
    code, out, err = run(
        "site", demo_directory, *words, "--demand", path, "--add", "1", "--save", kept / "p.json"
    )
    first = json.loads(out)
    assert (code, err) == (0, "")
    assert first["demand"] == {"upload": 8.0}
    assert first["demand_note"].startswith("taken from own.csv as it was given")
    again = json.loads(
        run("site", demo_directory, "--parameters", kept / "p.json", "--add", "1", "--json")[1]
    )
    assert again == first
    clock = json.loads(run("coverage", demo_directory, "--clock", *words, "--demand", path)[1])
    assert clock["demand_file"]["name"] == "own.csv"
    write_csv(kept / "own.csv", rows[:1])
    code, _, err = run("site", demo_directory, "--parameters", kept / "p.json", "--add", "1")
    assert code == 2
    assert "was changed" in err


def test_what_no_street_leads_from_is_said_by_compounds_and_dwellings():
    sizes = [0.0] * len(KINDS)
    sizes[KINDS.index("dwelling")] = 412.0
    said = unreached_says(7, 3, sizes)
    assert said["en"] == "unreached: 3 compounds, 412 dwellings (7 points)"
    assert said["zh"] == "无路可达：3 个小区、412 户（7 个需求点）"
    assert unreached_says(0, 0, sizes)["en"] == "nothing is unreached"
