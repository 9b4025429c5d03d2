"""Lists into a layer: the datum told or asked for, one change, one undo, and rows that wait for a position."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from geo_service.districts import open_district
from geo_service.districts.comparing import (
    apart_pairs,
    compare_list,
    find_pairs,
    keep_apart,
    listing_marks,
    mark_listing,
    merge_pair,
)
from geo_service.districts.datum_question import DatumQuestion
from geo_service.districts.importing import Order, apply_import, look_at, undo_change
from geo_service.districts.unplaced import drop_row, place_row, unplaced_rows
from geo_service.errors import InvalidInputError, NotFoundError
from geo_service.geo import convert_datum, distance_m
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit
from geo_service.store.base import Author
from geo_service.store.verbs import remove_feature
from tests.lists import HEADINGS, csv_bytes, office_rows

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
DESK = Author("li", "editor", "desk", NOON)


@pytest.fixture
def district(own_district):
    opened = open_district(own_district)
    yield opened
    opened.close()


@pytest.fixture
def office_list(district, tmp_path):
    """All merchants under new names, GB18030, GCJ-02."""
    return write(tmp_path / "合作商户_2026-11.csv", office_rows(district.places("merchant").features))


def write(path, rows, headings=HEADINGS, encoding="gb18030"):
    path.write_bytes(csv_bytes(rows, headings, encoding))
    return path


def bring_in(district, path, order, actor="li"):
    preview = look_at(district, path, order, at=NOON)
    return preview, apply_import(district, preview, actor=actor, at=NOON)


def test_a_list_in_gcj02_lands_within_a_metre_of_the_truth(district, office_list):
    truth = {"新" + one.name: (one.lon, one.lat) for one in district.places("merchant").features}
    preview, done = bring_in(district, office_list, Order("merchant"))
    assert (preview.plan.datum, preview.table.encoding) == ("gcj02", "GB18030")
    added = [one for one in district.places("merchant").features if one.name in truth]
    assert len(added) == len(truth) == len(preview.plan.added)
    found = np.array([(one.lon, one.lat) for one in added])
    meant = np.array([truth[one.name] for one in added])
    assert distance_m(found, meant).max() < 1.0
    assert done.is_written


def test_the_working_copy_follows_an_import(district, office_list):
    bring_in(district, office_list, Order("merchant"))
    text = (district.directory / "layers" / "merchant.geojson").read_text(encoding="utf-8")
    assert text.count('"name": "新') == 59


def test_one_undo_takes_an_import_back_and_the_list_can_come_again(district, office_list):
    before = district.places("merchant").features
    _, done = bring_in(district, office_list, Order("merchant"))
    undo_change(district, done.change_id, DESK)
    assert district.places("merchant").features == before
    again, _ = bring_in(district, office_list, Order("merchant"))
    assert len(again.plan.added) == 59


def test_a_place_that_the_desk_removed_stays_removed(district, office_list):
    bring_in(district, office_list, Order("merchant"))
    gone = next(one for one in district.places("merchant").features if one.name.startswith("新"))
    remove_feature(district.store, "merchant", gone.id, reason="拆了", author=DESK)
    preview, _ = bring_in(district, office_list, Order("merchant"))
    assert preview.plan.added == ()
    assert any(gone.name in warning for warning in preview.plan.warnings)


def test_below_the_line_the_datum_is_asked_for_with_the_evidence(district, tmp_path):
    rows = [row[1:5] for row in office_rows(district.places("merchant").features)[:5]]
    path = write(tmp_path / "five.csv", [[n, "", x, y] for n, _, x, y in rows], HEADINGS[1:5])
    with pytest.raises(InvalidInputError, match=r"asked for.*GCJ-02.*WGS-84.*--datum") as refused:
        look_at(district, path, Order("merchant"), at=NOON)
    assert set(refused.value.facts["allowed"]) == {"wgs84", "gcj02", "bd09"}
    assert sum(refused.value.facts["probabilities"].values()) == pytest.approx(1.0)
    assert len(look_at(district, path, Order("merchant", "gcj02"), at=NOON).plan.added) == 5


def test_what_a_heading_says_of_the_datum_is_doubted_when_the_streets_say_otherwise(district, tmp_path):
    headings = [{"经度": "经度_WGS84", "纬度": "纬度_WGS84"}.get(one, one) for one in HEADINGS]
    path = write(tmp_path / "w.csv", office_rows(district.places("merchant").features), headings)
    with pytest.raises(InvalidInputError, match="the file says wgs84, but: The list is in GCJ-02"):
        look_at(district, path, Order("merchant"), at=NOON)


def test_what_a_heading_says_of_the_datum_counts_where_the_doctor_is_not_sure(district, tmp_path):
    rows = [[row[1], row[3], row[4]] for row in office_rows(district.places("merchant").features)[:4]]
    path = write(tmp_path / "g.csv", rows, ["名称", "经度(高德)", "纬度(高德)"])
    assert look_at(district, path, Order("merchant"), at=NOON).plan.datum == "gcj02"


def test_a_list_that_mixes_datums_can_be_read_row_by_row(district, tmp_path):
    held = district.places("merchant").features
    truth = {"新" + one.name: (one.lon, one.lat) for one in held}
    rows = office_rows(held[:40]) + office_rows(held[40:], datum="wgs84")
    path = write(tmp_path / "mixed.csv", rows)
    with pytest.raises(InvalidInputError, match="asked for"):
        look_at(district, path, Order("merchant"), at=NOON)
    preview, _ = bring_in(district, path, Order("merchant", "rows", skip_bad=True))
    placed = {one.feature.name: (one.feature.lon, one.feature.lat) for one in preview.plan.added}
    apart = distance_m(np.array(list(placed.values())), np.array([truth[name] for name in placed]))
    assert (len(placed) >= 50, bool(apart.max() < 1.0)) == (True, True)
    assert all("cannot tell its datum" in one.reason for one in preview.plan.refused)
    assert (
        look_at(district, path, Order("merchant", "gcj02"), at=NOON).columns.mapping.column_of("lon")
        == "经度"
    )


def test_every_bad_row_is_named_and_stops_all_unless_the_rest_is_wanted(district, tmp_path):
    rows = office_rows(district.places("merchant").features)
    rows[2][3], rows[7][4] = "somewhere", "91.5"
    path, before = write(tmp_path / "bad.csv", rows), district.places("merchant")
    preview = look_at(district, path, Order("merchant", "gcj02"), at=NOON)
    with pytest.raises(InvalidInputError, match="row 4, row 9"):
        apply_import(district, preview, actor="li", at=NOON)
    assert district.places("merchant") == before
    bring_in(district, path, Order("merchant", "gcj02", skip_bad=True))
    assert len(district.places("merchant").features) == len(before.features) + 57


def exchanged(places):
    """The office's list with longitude and latitude in each other's column."""
    return [[*row[:3], row[4], row[3], *row[5:]] for row in office_rows(places)]


def test_refusals_of_a_list_with_exchanged_columns_name_the_way_out(run, own_district, district, tmp_path):
    held = district.places("merchant").features
    path = write(tmp_path / "x.csv", exchanged(held))
    words = ("import", own_district, path, "--layer", "merchant", "--dry-run")
    asked, refused = run(*words), run(*words, "--datum", "gcj02")
    assert (asked[0], "Say --swapped to exchange longitude and latitude" in asked[2]) == (2, True)
    assert (refused[0], "(--swapped), or import the rest without them (--skip-bad)" in refused[2]) == (
        2,
        True,
    )
    code, out, _ = run(*words, "--swapped")
    assert (code, f"{len(held)} added" in out, "lon and lat were exchanged" in out) == (0, True, True)


def test_an_exchange_that_is_remembered_can_be_taken_back(run, own_district, district, tmp_path):
    held = district.places("merchant").features
    words = ("import", own_district, tmp_path / "x.csv", "--layer", "merchant")
    write(tmp_path / "x.csv", exchanged(held))
    assert run(*words, "--swapped")[0] == 0
    write(tmp_path / "x.csv", office_rows(held))
    asked, refused = run(*words), run(*words, "--datum", "gcj02")
    assert (asked[0], "Say --not-swapped to exchange" in asked[2]) == (2, True)
    assert (refused[0], "exchange lon and lat (--not-swapped)" in refused[2]) == (2, True)
    code, out, _ = run(*words, "--not-swapped")
    assert (code, f"{len(held)} unchanged" in out) == (0, True)


def test_the_doctor_and_the_refusals_count_rows_alike(district, tmp_path):
    rows = office_rows(district.places("merchant").features)
    rows[22][3:5] = rows[22][4], rows[22][3]
    preview = look_at(district, write(tmp_path / "one.csv", rows), Order("merchant", "rows"), at=NOON)
    table, mapping = preview.table, preview.columns.mapping
    (told,) = [
        one
        for one in DatumQuestion(district, table, mapping, "station").examine().sentences
        if one.kind == "swapped"
    ]
    assert table.rows[22].where == "row 24"
    assert told.en.endswith("column: 24.")
    assert told.zh.endswith("：24。")


def test_columns_chosen_once_are_remembered_for_the_next_file_of_the_source(district, tmp_path):
    rows = office_rows(district.places("merchant").features)
    headings = ["序号", "招牌", *HEADINGS[2:]]
    first = write(tmp_path / "商户_10.csv", rows, headings)
    order = Order("merchant", "gcj02", fields={"招牌": "name"})
    bring_in(district, first, order)
    preview = look_at(
        district, write(tmp_path / "商户_11.csv", rows, headings), Order("merchant", "gcj02"), at=NOON
    )
    assert preview.columns.is_remembered
    assert preview.columns.last_datum == "gcj02"
    assert preview.columns.mapping.column_of("name") == "招牌"
    assert preview.plan.unchanged == 59


def test_a_column_that_is_not_there_cannot_be_chosen(district, office_list):
    with pytest.raises(InvalidInputError, match=r"no column '店名'.*店铺名称"):
        look_at(district, office_list, Order("merchant", fields={"店名": "name"}), at=NOON)


def test_a_complete_list_removes_what_it_does_not_have(district, tmp_path):
    held = district.places("merchant").features
    rows = office_rows(held[:50], prefix="")
    path = write(tmp_path / "all.csv", rows)
    preview, _ = bring_in(district, path, Order("merchant", "gcj02", is_complete=True))
    assert {one.id for one in preview.plan.removed} == {one.id for one in held[50:]}
    assert len(district.places("merchant").features) == 50


@pytest.fixture
def waiting(district, tmp_path):
    """Three rows of an import that have an address and no coordinates."""
    rows = office_rows(district.places("merchant").features)
    for row in rows[:3]:
        row[3] = row[4] = ""
    _, done = bring_in(district, write(tmp_path / "三缺.csv", rows), Order("merchant", "gcj02"))
    return done


def test_rows_without_coordinates_are_kept_aside_and_placed_by_hand(district, waiting):
    assert waiting.n_unplaced == 3
    first, *rest = unplaced_rows(district.store, "merchant")
    assert first.address
    made = place_row(district, "merchant", first.key, district.centre, DESK)
    held = {one.id: one for one in district.places("merchant").features}
    assert (held[made.id].lon, held[made.id].lat) == pytest.approx(district.centre)
    assert held[made.id].name == first.name
    assert unplaced_rows(district.store, "merchant") == tuple(rest)
    with pytest.raises(NotFoundError, match="waits"):
        place_row(district, "merchant", first.key, district.centre, DESK)


def test_a_row_is_not_placed_in_another_town(district, waiting):
    first, *_ = unplaced_rows(district.store, "merchant")
    with pytest.raises(InvalidInputError, match="in or near the district"):
        place_row(district, "merchant", first.key, (121.47, 31.23), DESK)
    assert len(unplaced_rows(district.store, "merchant")) == 3


def test_undoing_an_import_forgets_the_rows_it_kept_aside(district, waiting):
    undo_change(district, waiting.change_id, DESK)
    assert unplaced_rows(district.store, "merchant") == ()


def test_a_row_that_will_never_be_a_place_can_be_dropped(district, waiting):
    first, *rest = unplaced_rows(district.store, "merchant")
    drop_row(district.store, "merchant", first.key)
    assert unplaced_rows(district.store, "merchant") == tuple(rest)


def test_more_rows_without_position_than_can_be_kept_are_refused_before_anything_changes(district, tmp_path):
    rows = [[f"远处{i}", "某路" * 100] for i in range(2000)]
    path, before = write(tmp_path / "long.csv", rows, ["名称", "地址"], "utf-8"), district.places("merchant")
    with pytest.raises(InvalidInputError, match="2000 rows would wait"):
        bring_in(district, path, Order("merchant", "gcj02"))
    assert district.places("merchant") == before


def test_a_dry_run_shows_a_table_and_is_refused_for_its_bad_rows(run, own_district, district, tmp_path):
    rows = office_rows(district.places("merchant").features)
    rows[2][3] = "somewhere"
    code, out, err = run(
        "import", own_district, write(tmp_path / "b.csv", rows), "--layer", "merchant", "--dry-run"
    )
    assert code == 2
    assert "merchant: would be: 58 added" in out
    assert re.search(r"refused +row 4 ", out)
    assert "row 4" in err
    assert "GB18030" in out
    assert len(err.splitlines()) == 1


def test_the_command_line_tells_programs_what_it_did(run, own_district, office_list):
    code, out, _ = run("import", own_district, office_list, "--layer", "merchant", "--json")
    (report,) = json.loads(out)
    assert code == 0
    assert len(report["added"]) == 59
    assert (report["applied"], report["datum"], report["source"]) == (True, "gcj02", "合作商户")
    assert report["doctor"]["status"] == "sure"
    assert isinstance(report["change_id"], int)


def test_a_sheet_and_a_source_and_columns_can_be_named(run, own_district, district, office_list):
    code, out, err = run(
        "import", own_district, office_list, "--layer", "merchant", "--source", "商会", "--map", "联系电话=",
        "--dry-run", "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    (report,) = json.loads(out)
    assert report["source"] == "商会"
    assert report["columns"]["联系电话"] == ""
    assert not report["applied"]


# --- twins and vendors --------------------------------------------------------------------------


@pytest.fixture
def doubled(district, tmp_path):
    """Five merchants a second time, eleven metres on, with a phone."""
    held = district.places("merchant").features
    rows = [
        ["全新" + one.name, repr(one.lon), f"{one.lat + 1e-4:.7f}", f"010-6400{i:04d}"]
        for i, one in enumerate(held[:5])
    ]
    path = write(tmp_path / "twice.csv", rows, ["名称", "经度_WGS84", "纬度_WGS84", "电话"])
    bring_in(district, path, Order("merchant", "wgs84"))
    extra = [one for one in district.places("merchant").features if one.name.startswith("全新")]
    return {one.name: one for one in held}, extra


def test_twins_are_found_and_merged_into_one(run, own_district, district, doubled):
    held, extra = doubled
    code, out, _ = run("twins", own_district, "--layer", "merchant", "--json")
    assert code == 0
    found = {frozenset((one["keep"]["id"], one["remove"]["id"])) for one in json.loads(out)}
    meant = [(held[one.name.removeprefix("全新")].id, one.id) for one in extra]
    assert found >= {frozenset(pair) for pair in meant}
    keep, remove = meant[0]
    assert run("twins", own_district, "--merge", keep, remove)[0] == 0
    (now,) = district.store.features([keep])
    assert now.phone == extra[0].phone
    with pytest.raises(NotFoundError, match="was removed"):
        district.store.features([remove])


def test_a_pair_that_is_two_places_is_not_shown_again(district, doubled):
    pair, *_ = find_pairs(district)
    keep_apart(district.store, pair.keep.id, pair.remove.id)
    assert frozenset((pair.keep.id, pair.remove.id)) in apart_pairs(district.store)
    assert pair not in find_pairs(district)
    assert pair in find_pairs(district, with_apart=True)


def test_merging_what_was_seen_keeps_what_others_changed_meanwhile(district, doubled):
    pair = find_pairs(district, ["merchant"])[0]
    seen = district.places("merchant").version
    (now,) = district.store.features([pair.keep.id])
    edit = Edit("merchant", now.id, None, now, replace(now, address="改过的地址"))
    district.store.apply([edit], **DESK._asdict())
    merge_pair(district, pair.keep.id, pair.remove.id, author=DESK, versions=(seen, seen))
    (kept,) = district.store.features([pair.keep.id])
    assert kept.address == "改过的地址"
    assert kept.phone


@pytest.fixture
def vendor_list(district, tmp_path):
    """Amap's list: the fourth is missing, the sixth moved, the eighth renamed, one more than ours."""
    held = district.places("merchant").features
    lonlat = convert_datum(np.array([(one.lon, one.lat) for one in held]), "wgs84", "gcj02")
    lonlat[5, 0] += 0.001
    rows = [
        [f"B0{i:03d}", one.name + ("（改名）" if i == 7 else ""), *map("{:.6f}".format, lonlat[i])]
        for i, one in enumerate(held)
        if i != 3
    ]
    rows.append(["B0999", "别处新店", f"{lonlat[0, 0] + 0.002:.6f}", f"{lonlat[0, 1] + 0.002:.6f}"])
    return write(tmp_path / "amap.csv", rows, ["POIID", "名称", "经度", "纬度"])


def test_a_layer_beside_a_vendors_list(district, vendor_list):
    held = district.places("merchant").features
    compared = compare_list(district, vendor_list, Order("merchant", "gcj02"), "amap")
    assert [one.id for one in compared.diff.missing_there] == [held[3].id]
    assert [row.name for row, _ in compared.diff.missing_here] == ["别处新店"]
    assert [one.place.id for one in compared.diff.moved] == [held[5].id]
    assert [one.place.id for one in compared.diff.renamed] == [held[7].id]


def test_the_work_list_is_written_for_spreadsheets(run, own_district, vendor_list, tmp_path):
    to = tmp_path / "work.csv"
    code, out, _ = run("compare", own_district, vendor_list, "--layer", "merchant", "--vendor", "amap",
                       "--datum", "gcj02", "-o", to)  # fmt: skip
    assert code == 0
    assert "1 missing there, 1 missing here, 1 moved, 1 renamed" in out
    rows = list(csv.DictReader(io.StringIO(to.read_text(encoding="utf-8-sig"))))
    assert len(rows) == 4
    assert {row["地点/place"] for row in rows} >= {"别处新店"}
    assert run("compare", own_district, vendor_list, "--layer", "merchant", "--vendor", "amap",
               "--datum", "gcj02", "-o", tmp_path / "w.pdf")[0] == 2  # fmt: skip


def test_rows_that_cannot_be_compared_are_named(run, own_district, vendor_list):
    words = (
        "compare",
        own_district,
        vendor_list,
        "--layer",
        "merchant",
        "--vendor",
        "amap",
        "--datum",
        "gcj02",
    )
    with vendor_list.open("a", encoding="utf-8") as file:
        file.write("B1,,116.44,39.95\n")
    code, out, _ = run(*words)
    assert (code, "has no name or no position" in out) == (0, True)


def test_a_list_of_which_no_row_can_be_compared_is_refused(run, own_district, tmp_path):
    rows = write(tmp_path / "a.csv", [["甲店", "", ""], ["乙店", "", ""]], ["名称", "经度", "纬度"])
    code, _, err = run(
        "compare", own_district, rows, "--layer", "merchant", "--vendor", "amap", "--datum", "gcj02"
    )
    assert (code, "none of its 2 rows can be compared; row 2" in err) == (2, True)


@pytest.mark.parametrize(
    "headings",
    [
        ("POIID", "名称", "lon_gcj02", "lat_gcj02"),
        ("id", "name", "lon_gcj02", "lat_gcj02", "status"),
        ("POIID", "名称", "lon_gcj02", "lat_gcj02", "lon_wgs84", "lat_wgs84"),
    ],
    ids=["a vendor's", "our export", "both datums"],
)
@pytest.mark.parametrize("vendor", ["amap", "baidu"])
def test_coordinates_whose_headings_name_the_datum_can_be_compared(district, tmp_path, headings, vendor):
    held = district.places("merchant").features
    lonlat = np.array([(one.lon, one.lat) for one in held])
    shifted = convert_datum(lonlat, "wgs84", "gcj02")
    cells = dict.fromkeys(headings, ["active"] * len(held)) | {
        "lon_gcj02": [f"{x:.7f}" for x in shifted[:, 0]],
        "lat_gcj02": [f"{y:.7f}" for y in shifted[:, 1]],
        "lon_wgs84": [f"{x:.7f}" for x in lonlat[:, 0]],
        "lat_wgs84": [f"{y:.7f}" for y in lonlat[:, 1]],
        headings[0]: [f"B{i:03d}" for i in range(len(held))],
        headings[1]: [one.name for one in held],
    }
    path = write(tmp_path / "v.csv", list(zip(*(cells[key] for key in headings), strict=True)), headings)
    compared = compare_list(district, path, Order("merchant"), vendor)
    assert (compared.diff.missing_there, compared.diff.missing_here, compared.diff.moved) == ((), (), ())
    assert compared.order.datum == ("wgs84" if "lon_wgs84" in headings else "gcj02")


def test_a_comparison_marks_how_the_vendor_shows_each_place(district, vendor_list):
    held = district.places("merchant").features
    compared = compare_list(district, vendor_list, Order("merchant", "gcj02"), "amap")
    marks = {one.place.id: one.status for one in listing_marks(compared)}
    assert marks[held[3].id] == "not_listed"
    assert marks[held[5].id] == "wrong_position"
    assert marks[held[7].id] == "wrong_name"
    assert marks[held[0].id] == "listed"
    mark_listing(district, compared, author=DESK, on=NOON.date())
    (listing,) = district.store.features([held[5].id])[0].listing
    assert (listing.vendor, listing.status, listing.checked_on) == ("amap", "wrong_position", NOON.date())
