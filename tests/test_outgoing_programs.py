"""Exports opened with other programs and compared point by point: GDAL, gpsbabel, LibreOffice, geopandas."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import geopandas
import pyogrio
import pytest

from geo_service.exchange.cells import BY_KEY
from geo_service.exchange.outgoing import export_places
from geo_service.exchange.outgoing.readable import label_of
from geo_service.layers import Layer, Place, dump_layer
from geo_service.paper.formulas import STARTS
from tests.outgoing_places import WIDER, demo_layers, layers_from, random_layers

pytestmark = pytest.mark.slow

DEGREES = 1e-7
"""Half a centimetre; what is stored has seven decimals."""

LAYERS = {"yingze": demo_layers("yingze"), "hostile": random_layers(seed=20261121, count=200)}


def program(name: str) -> str:
    """Path of a program, or a skip that says what is missing."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: nothing was compared with it")
    return found


def run(*argv: object) -> bytes:
    done = subprocess.run([str(word) for word in argv], capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every export of both collections, by ``NAME.suffix``; GeoJSON by layer."""
    folder = tmp_path_factory.mktemp("handed-out")
    for name, layers in LAYERS.items():
        places = [layer for layer in layers if not WIDER[layer.name].is_area]
        for form in ("csv", "xlsx", "kml", "kmz", "gpkg", "shp", "gpx"):
            export = export_places(places if form == "gpx" else layers, form, catalogue=WIDER)
            (folder / f"{name}{Path(export.file_name).suffix}").write_bytes(export.data)
        for layer in layers:
            (folder / f"{name}-{layer.name}.geojson").write_bytes(dump_layer(layer))
    return folder


def positions(name: str, *, statuses=("active", "paused", "removed")) -> dict[str, tuple[float, float]]:
    """Where each place of a collection is, by ``layer/id``."""
    return {
        f"{place.layer}/{place.id}": (place.lon, place.lat)
        for layer in LAYERS[name]
        for place in layer.features
        if isinstance(place, Place) and place.status in statuses
    }


def worst_deg(found: dict, wanted: dict) -> float:
    """Largest difference of a coordinate; both must name the same places."""
    assert found.keys() == wanted.keys()
    return max(abs(a - b) for key in wanted for a, b in zip(found[key], wanted[key], strict=True))


def sorted_worst_deg(found: list, wanted: list) -> float:
    """The same where a format has no ids: nearest in order."""
    assert len(found) == len(wanted)
    return max(
        abs(a - b)
        for one, other in zip(sorted(found), sorted(wanted), strict=True)
        for a, b in zip(one, other, strict=True)
    )


# --- geopandas and pyogrio --------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Could not parse column:UserWarning")  # a field of texts and lists
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("suffix", [".gpkg", ".kml", ".zip", ".geojson"])
def test_geopandas_reads_the_same_points(folder, name, suffix):
    found = {}
    for path, layer in _layers(folder, name, suffix):
        frame = geopandas.read_file(path, layer=layer, engine="pyogrio")
        assert frame.crs is None or frame.crs.to_epsg() == 4326
        points = frame[frame.geometry.geom_type == "Point"]
        keys = "layer/" + points["id"] if "layer" not in points else points["layer"] + "/" + points["id"]
        if suffix == ".geojson":
            keys = path.stem.partition("-")[2] + "/" + points["id"]
        found |= dict(zip(keys, zip(points.geometry.x, points.geometry.y, strict=True), strict=True))
    assert worst_deg(found, positions(name)) < DEGREES


def _layers(folder: Path, name: str, suffix: str) -> list[tuple[Path, str | None]]:
    if suffix == ".geojson":
        return [(path, None) for path in sorted(folder.glob(f"{name}-*.geojson"))]
    path = folder / f"{name}{suffix}"
    return [
        (path, layer) for layer, _ in pyogrio.list_layers(f"/vsizip/{path}" if suffix == ".zip" else path)
    ]


@pytest.mark.parametrize("name", LAYERS)
def test_geopandas_reads_the_same_areas(folder, name):
    frame = geopandas.read_file(folder / f"{name}.gpkg", layer="block")
    wanted = {
        feature["id"]: feature
        for feature in json.loads((folder / f"{name}-block.geojson").read_bytes())["features"]
    }
    plain = json.loads(frame.to_json())["features"]
    assert {one["properties"]["id"]: one["geometry"] for one in plain} == {
        key: feature["geometry"] for key, feature in wanted.items()
    }


# --- GDAL's own programs ----------------------------------------------------------------


def ogr(path: str, *words: str) -> list[dict]:
    """Features of a file as ogr2ogr gives them."""
    data = run(
        program("ogr2ogr"), "-f", "GeoJSONSeq", "/vsistdout/", path, "-lco", "COORDINATE_PRECISION=9", *words
    )
    return [json.loads(line) for line in data.splitlines()]


def ogr_layers(path: str) -> list[str]:
    lines = run(program("ogrinfo"), "-ro", "-q", path).decode().splitlines()
    return [line.split(": ", 1)[1].rsplit(" (", 1)[0] for line in lines if ": " in line]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("suffix", [".gpkg", ".kml", ".kmz", ".zip", ".geojson"])
def test_ogr2ogr_reads_the_same_points(folder, name, suffix):
    program("ogr2ogr")
    paths = sorted(folder.glob(f"{name}-*.geojson")) if suffix == ".geojson" else [folder / f"{name}{suffix}"]
    found = {}
    for path in paths:
        source = f"/vsizip/{path}" if suffix == ".zip" else str(path)
        for layer in ogr_layers(source):
            for feature in ogr(source, layer):
                if feature["geometry"]["type"] == "Point":
                    key = feature["properties"].get("id", feature.get("id"))
                    held = (
                        path.stem.partition("-")[2]
                        if suffix == ".geojson"
                        else feature["properties"]["layer"]
                    )
                    found[f"{held}/{key}"] = tuple(feature["geometry"]["coordinates"])
    assert worst_deg(found, positions(name)) < DEGREES


@pytest.mark.parametrize("name", LAYERS)
def test_ogr2ogr_reads_the_same_points_of_gpx(folder, name):
    found = [tuple(one["geometry"]["coordinates"]) for one in ogr(str(folder / f"{name}.gpx"), "waypoints")]
    wanted = list(positions(name, statuses=("active", "paused")).values())
    assert sorted_worst_deg(found, wanted) < DEGREES


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("datum", ["wgs84", "gcj02"])
def test_ogr2ogr_reads_the_same_points_of_csv_from_named_columns(folder, name, datum):
    lon, lat = BY_KEY[f"lon_{datum}"].heading, BY_KEY[f"lat_{datum}"].heading
    options = (
        "-oo",
        f"X_POSSIBLE_NAMES={lon}",
        "-oo",
        f"Y_POSSIBLE_NAMES={lat}",
        "-oo",
        "KEEP_GEOM_COLUMNS=YES",
    )
    features = [one for one in ogr(str(folder / f"{name}.csv"), *options) if one["geometry"]]
    found = {
        f"{one['properties'][BY_KEY['layer'].heading]}/{one['properties'][BY_KEY['id'].heading]}": tuple(
            one["geometry"]["coordinates"]
        )
        for one in features
        if one["geometry"]["type"] == "Point"
    }
    if datum == "wgs84":
        assert worst_deg(found, positions(name)) < DEGREES
    else:
        assert found.keys() == positions(name).keys()
        assert worst_deg(found, positions(name)) > 1e-3


@pytest.mark.parametrize("name", LAYERS)
def test_ogr2ogr_reads_the_same_cells_of_xlsx(folder, name):
    path = str(folder / f"{name}.xlsx")
    found = {}
    for layer in LAYERS[name]:
        sheet = f"{WIDER[layer.name].zh} {layer.name}"
        rows = csv.DictReader(
            io.StringIO(run(program("ogr2ogr"), "-f", "CSV", "/vsistdout/", path, sheet).decode())
        )
        for row in rows:
            if row.get("经度_WGS84/lon_wgs84"):
                at = (float(row["经度_WGS84/lon_wgs84"]), float(row["纬度_WGS84/lat_wgs84"]))
                found[f"{row['图层/layer']}/{row['编号/id']}"] = at
    assert worst_deg(found, positions(name)) < DEGREES


# --- gpsbabel ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("form", ["gpx", "kml"])
def test_gpsbabel_reads_the_same_points(folder, name, form):
    data = run(program("gpsbabel"), "-i", form, "-f", folder / f"{name}.{form}", "-o", "gpx", "-F", "-")
    marks = list(ElementTree.fromstring(data).iterfind("{*}wpt"))
    found = [(float(mark.get("lon")), float(mark.get("lat"))) for mark in marks]
    statuses = ("active", "paused") if form == "gpx" else ("active", "paused", "removed")
    assert sorted_worst_deg(found, list(positions(name, statuses=statuses).values())) < 1e-6
    if name == "yingze":
        said = {mark.findtext("{*}name") for mark in marks}
        places = [place for layer in LAYERS[name] for place in layer.features if isinstance(place, Place)]
        assert said == {label_of(place) for place in places}


# --- LibreOffice ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Convert a file with LibreOffice, in a profile of its own."""
    profile = tmp_path_factory.mktemp("office")

    def convert(path: Path, to: str, *words: str) -> Path:
        run(
            *(
                program("soffice"),
                f"-env:UserInstallation={(profile / 'user').as_uri()}",
                "--headless",
                *words,
            ),
            *("--convert-to", to, "--outdir", profile, path),
        )
        return profile

    return convert


ALL_SHEETS = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
TO_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1"
LIKE_VALUES = {"00123", "1e5", "00e7", "33.333333333333336", "true", "false"}
"""Cells of a CSV that spreadsheets take for numbers or truths unless told that the column is text."""


def rows_of_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("name", LAYERS)
def test_libreoffice_shows_every_cell_of_csv_but_those_like_values(folder, office, name):
    out = office(folder / f"{name}.csv", TO_CSV, "--infilter=CSV:44,34,76,1")
    pairs = zip(rows_of_csv(out / f"{name}.csv"), rows_of_csv(folder / f"{name}.csv"), strict=True)
    changed = {
        wanted for row, other in pairs for cell, wanted in zip(row, other, strict=True) if cell != wanted
    }
    assert changed == (LIKE_VALUES if name == "hostile" else set())


def test_libreoffice_shows_every_cell_of_csv_opened_as_text(folder, office):
    width = len(rows_of_csv(folder / "hostile.csv")[0])
    as_text = "/".join(f"{column}/2" for column in range(1, width + 1))
    out = office(folder / "hostile.csv", TO_CSV, f"--infilter=CSV:44,34,76,1,{as_text}")
    assert rows_of_csv(out / "hostile.csv") == rows_of_csv(folder / "hostile.csv")


@pytest.mark.parametrize("name", LAYERS)
def test_libreoffice_computes_no_cell_of_ours(folder, office, name):
    out = office(folder / f"{name}.xlsx", ALL_SHEETS)
    shown = [
        cell
        for layer in LAYERS[name]
        for row in rows_of_csv(out / f"{name}-{WIDER[layer.name].zh} {layer.name}.csv")
        for cell in row
    ]
    assert not any(cell.startswith(("Err:", "#NAME", "#VALUE")) for cell in shown)
    assert any(cell.startswith("'" + STARTS[0]) for cell in shown) == (name == "hostile")


@pytest.mark.parametrize("name", LAYERS)
def test_a_workbook_saved_by_libreoffice_comes_back_whole(folder, office, name):
    out = office(folder / f"{name}.xlsx", "xlsx:Calc MS Excel 2007 XML")
    names = [layer.name for layer in LAYERS[name]]
    first = export_places(LAYERS[name], "xlsx", catalogue=WIDER)
    again = layers_from(first._replace(data=(out / f"{name}.xlsx").read_bytes()), names)
    assert [dump_layer(layer) for layer in again] == [_as_libreoffice_saves(layer) for layer in LAYERS[name]]


def _as_libreoffice_saves(layer: Layer) -> bytes:
    """It reads the code for a character as it should, but writes such a text without marking it as none."""
    return dump_layer(layer).replace(b"_x0041_", b"A").replace(b"_x005F_", b"_")
