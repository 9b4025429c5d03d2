"""Out through the exporters and in again through the importer: the same bytes, the same layers."""

from dataclasses import replace
from datetime import date

import pytest

from geo_service.exchange.intake import guess_mapping, plan_import, read_table
from geo_service.exchange.outgoing import FORMATS, export_places
from geo_service.layers import Layer, dump_layer
from tests.outgoing_places import WIDER, demo_layers, random_layers

pytestmark = pytest.mark.slow

COLLECTIONS = {
    "xiangheyuan": demo_layers("xiangheyuan"),
    "yingze": demo_layers("yingze"),
    "hostile": random_layers(seed=20261121, count=200, is_signed=True),
}
LOSSLESS = [one.name for one in FORMATS.values() if one.is_lossless]


def imported(path, layer: str) -> Layer:
    """What a file would become in an empty layer."""
    table = read_table(path)
    mapping = guess_mapping(table, layer, WIDER)
    day = date(2026, 11, 21)
    plan = plan_import(table, mapping, layer, Layer(layer), WIDER, datum="wgs84", on=day)
    assert (plan.refused, plan.unplaced) == ((), ())
    return Layer(layer, tuple(edit.after for edit in plan.edits))


@pytest.mark.parametrize("name", COLLECTIONS)
@pytest.mark.parametrize("form", LOSSLESS)
def test_export_import_export_is_byte_equal(tmp_path, name, form):
    compared = 0
    for full in COLLECTIONS[name]:
        # a list cannot add what it says was removed: a district that never had it does not get it
        layer = replace(full, features=tuple(one for one in full.features if one.status != "removed"))
        export = export_places([layer], form, catalogue=WIDER, district="d")
        (tmp_path / export.file_name).write_bytes(export.data)
        again = imported(tmp_path / export.file_name, layer.name)
        assert dump_layer(again) == dump_layer(layer)
        assert export_places([again], form, catalogue=WIDER, district="d").data == export.data
        compared += len(layer.features)
    assert compared >= 100
