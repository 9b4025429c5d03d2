"""A district directory: what is written into it, and what changes its layers."""

import json
import os
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from geo_service.districts import DistrictConfig, open_district, read_config, write_config
from geo_service.districts.changes import import_osm
from geo_service.districts.create import Recipe, create_district
from geo_service.districts.working_copy import write_working_copy
from geo_service.errors import BadDataError, InvalidInputError
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit
from geo_service.network.features import load_features
from geo_service.settings import Settings

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)

TINY_OSM = """<?xml version='1.0'?>
<osm version='0.6' generator='test'>
 <node id='1' lat='39.9570' lon='116.4420'/>
 <node id='2' lat='39.9570' lon='116.4460'/>
 <node id='3' lat='39.9600' lon='116.4460'/>
 <node id='4' lat='39.9572' lon='116.4440'><tag k='amenity' v='toilets'/><tag k='opening_hours' v='06:00-22:00'/></node>
 <node id='5' lat='39.9590' lon='116.4461'><tag k='amenity' v='drinking_water'/></node>
 <way id='10'><nd ref='1'/><nd ref='2'/><nd ref='3'/><tag k='highway' v='residential'/><tag k='name' v='测试路'/></way>
</osm>
"""


@pytest.fixture
def tiny(tmp_path):
    """A district made from five nodes and one street."""
    extract = tmp_path / "tiny.osm"
    extract.write_text(TINY_OSM, encoding="utf-8")
    create_district(tmp_path / "tiny", Recipe(osm=str(extract), on=NOON.date()), Settings(), lambda *_: None)
    district = open_district(tmp_path / "tiny")
    yield district
    district.close()


def test_the_config_that_is_written_is_the_config_that_is_read(tmp_path):
    config = DistrictConfig(
        id="a-1",
        name_zh='街区 "甲"\\乙',
        name_en="district",
        bbox=(116.4, 39.9, 116.5, 40.0),
        centre=(116.45, 39.95),
        boundary=((116.4, 39.9), (116.5, 39.9), (116.5, 40.0), (116.4, 39.9)),
        synthetic=True,
        map_approval="京S(2026)001号",
        profiles={"ebike": {"top_kph": 15, "speed_kph": {"service": 8.0}}},
        source={"kind": "demo", "name": "x"},
    )
    write_config(config, tmp_path / "district.toml", on=date(2026, 11, 18))
    assert read_config(tmp_path / "district.toml") == config


@pytest.mark.parametrize("text", ["api", "healthz", "Big", "a b", "", "x" * 41, "区"])
def test_an_id_that_is_reserved_or_of_another_form_is_refused(tmp_path, text):
    with pytest.raises(InvalidInputError, match=r"district id|exactly one"):
        create_district(
            tmp_path / "d", Recipe(demo="xiangheyuan", id=text or "-é"), Settings(), lambda *_: None
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "id = ", "id = 'a'", "id = 'a'\nbbox = [1, 2]\ncentre = [1, 2]\n"])
def test_a_damaged_config_is_named_with_its_file(tmp_path, text):
    (tmp_path / "district.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadDataError, match=r"district\.toml"):
        read_config(tmp_path / "district.toml")


def test_a_new_district_holds_what_osm_knows(tiny):
    assert {info.name: info.count for info in tiny.store.layers()} == {"toilet": 1, "water": 1}
    (toilet,) = tiny.places("toilet").features
    assert toilet.hours == "06:00-22:00"
    assert toilet.external_ids == {"osm": "node/4"}
    answer = tiny.nearest(origin=(116.4421, 39.9571), layer="toilet", at=NOON, k=1)
    assert answer["results"][0]["state"] == "open"


def test_reading_osm_again_changes_nothing(tiny):
    features = load_features(tiny.directory / "osm")
    for report in import_osm(tiny, features, at=NOON + timedelta(days=1), actor="test", is_dry_run=False):
        assert (report.added, report.changed, report.removed) == ((), (), ())


def test_a_desk_edit_survives_reading_osm_again(tiny):
    (toilet,) = tiny.places("toilet").features
    edited = replace(toilet, name="东门公厕", hours="24/7")
    edit = Edit("toilet", toilet.id, None, toilet, edited)
    tiny.store.apply([edit], actor="desk", role="desk", source="test", at=NOON + timedelta(hours=1))
    write_working_copy(tiny.directory, tiny.store, "toilet")
    features = load_features(tiny.directory / "osm")
    newer = replace(
        features,
        pois=tuple(
            replace(poi, tags={**poi.tags, "opening_hours": "05:00-23:00", "operator": "城管委"})
            if poi.osm == "node/4"
            else poi
            for poi in features.pois
        ),
    )
    import_osm(tiny, newer, at=NOON + timedelta(days=1), actor="test", is_dry_run=False)
    (now,) = tiny.places("toilet").features
    assert (now.name, now.hours, now.operator) == ("东门公厕", "24/7", "城管委")
    working_copy = json.loads((tiny.directory / "layers" / "toilet.geojson").read_text(encoding="utf-8"))
    assert working_copy["features"][0]["properties"]["operator"] == "城管委"


def test_a_district_can_change_the_speeds_of_a_profile(tmp_path):
    extract = tmp_path / "tiny.osm"
    extract.write_text(TINY_OSM, encoding="utf-8")
    costs = []
    for name, profiles in (("plain", {}), ("slow", {"ebike": {"top_kph": 10}})):
        recipe = Recipe(osm=str(extract), on=NOON.date(), profiles=profiles)
        create_district(tmp_path / name, recipe, Settings(), lambda *_: None)
        district = open_district(tmp_path / name)
        costs.append(district.route(origin=(116.442, 39.957), destination=(116.446, 39.960))["cost_s"])
        district.close()
    assert costs[1] > 1.5 * costs[0]


def test_the_working_copy_of_a_new_district_is_what_the_store_holds(demo_district):
    from geo_service.layers import dump_layer

    for info in demo_district.store.layers():
        file = demo_district.directory / "layers" / f"{info.name}.geojson"
        assert file.read_bytes() == dump_layer(demo_district.store.layer(info.name))


def test_the_demo_has_the_counts_of_the_article(demo_district):
    held = {info.name: info.count for info in demo_district.store.layers()}
    assert held["station"] == 11
    assert held["merchant"] == 59
    assert {"charging", "swap", "clinic", "toilet"} <= set(held)
    assert demo_district.synthetic


def test_kernels_live_in_a_folder_named_after_the_engines_code(tmp_path, monkeypatch):
    from geo_service.districts.routers import code_digest, use_jit_cache

    monkeypatch.delenv("NUMBA_CACHE_DIR")
    (tmp_path / "cache" / "jit").mkdir(parents=True)
    use_jit_cache(tmp_path)
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "cache" / "jit" / code_digest())
