"""The import wizard, twins and vendors' lists over HTTP, from a stranger's file to places that stand right."""

import io
import os
import re
import time
from datetime import datetime

import numpy as np
import pytest

from geo_service.desk.accounts import hash_password
from geo_service.districts import open_district
from geo_service.districts.comparing import find_pairs
from geo_service.districts.unplaced import unplaced_rows
from geo_service.geo import distance_m
from geo_service.hours import SHANGHAI
from geo_service.settings import Settings
from geo_service.store.accounts import Account
from geo_service.store.base import Author
from geo_service.store.verbs import remove_feature
from geo_service.web import create_app
from tests.lists import csv_bytes, office_rows
from tests.test_desk_door import WORD, Desk

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def keyed():
    return hash_password(WORD)


@pytest.fixture
def district(own_district, keyed):
    opened = open_district(own_district)
    for name, layers in (("editor", ("merchant",)), ("other", ("merchant", "toilet"))):
        opened.store.put_account(Account(name, keyed, "editor", NOON, layers=layers))
    yield opened
    opened.close()


@pytest.fixture
def app(district):
    return create_app({district.id: district}, Settings(), clock=lambda: NOON)


@pytest.fixture
def desk(app, district):
    visitor = Desk(app, district.id)
    assert visitor.sign_in("editor").status_code == 303
    return visitor


@pytest.fixture
def merchants(district):
    return district.places("merchant").features


def upload(desk, data, name="合作商户_2026-11.csv", layer="merchant", path="/import", **form):
    body = {"csrf_token": desk.token(path), "layer": layer, "file": (io.BytesIO(data), name)} | form
    return desk.client.post(desk.root + path, data=body, content_type="multipart/form-data")


def step(desk, address, **form):
    """Send the form of a page, with its token."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', desk.client.get(address).text)[1]
    return desk.client.post(address, data={"csrf_token": token} | form)


def jobs_of(district):
    folder = district.directory / "cache" / "imports"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def to_preview(desk, data, datum="gcj02", **form):
    """Go through the wizard up to the preview; its address."""
    columns = upload(desk, data, **form).location
    datum_page = step(desk, columns).location
    return step(desk, datum_page, datum=datum).location


def version_on(desk, address):
    return re.search(r'name="version" value="(\d+)"', desk.client.get(address).text)[1]


def apply(desk, address, **form):
    return step(desk, address, do="apply", version=version_on(desk, address), **form)


def test_a_list_in_gcj02_and_gb18030_goes_through_the_wizard_to_where_it_belongs(desk, district, merchants):
    truth = {"新" + one.name: (one.lon, one.lat) for one in merchants}
    answer = upload(desk, csv_bytes(office_rows(merchants)))
    assert answer.status_code == 303

    columns = desk.client.get(answer.location).text
    assert "GB18030" in columns
    assert re.search(r'<option value="name" selected>', columns)
    assert "序号" in columns
    assert "流水号" in columns

    datum = step(desk, answer.location).location
    page = desk.client.get(datum).text
    assert "这份清单是 GCJ-02" in page
    assert re.search(r'value="gcj02" required checked', page)

    preview = step(desk, datum, datum="gcj02").location
    page = desk.client.get(preview).text
    assert "<b>59</b> 新增" in page
    before = district.places("merchant").version

    done = apply(desk, preview)
    assert done.status_code == 303
    assert "/import/done/" in done.location
    assert district.places("merchant").version == before + 1
    added = [one for one in district.places("merchant").features if one.name in truth]
    assert len(added) == 59
    apart = distance_m(
        np.array([(one.lon, one.lat) for one in added]), np.array([truth[one.name] for one in added])
    )
    assert apart.max() < 1.0
    page = desk.client.get(done.location).text
    assert "撤销这次导入" in page
    assert jobs_of(district) == []


def test_nothing_is_chosen_where_the_doctor_is_not_sure_and_a_choice_is_demanded(desk, merchants):
    rows = [[row[1], row[3], row[4]] for row in office_rows(merchants)[:4]]
    answer = upload(desk, csv_bytes(rows, ["名称", "经度", "纬度"]))
    datum = step(desk, answer.location).location
    page = desk.client.get(datum).text
    assert "还不能确定" in page
    assert not re.search(r'name="datum"[^>]* checked', page)
    refused = step(desk, datum)
    assert refused.status_code == 400
    assert "请选一种坐标系" in refused.text


def test_exchanged_columns_are_put_right_where_they_are_noticed(desk, merchants):
    rows = [[*row[:3], row[4], row[3], *row[5:]] for row in office_rows(merchants)]
    datum = step(desk, upload(desk, csv_bytes(rows)).location).location
    page = desk.client.get(datum).text
    assert "先对调，再定坐标系" in page
    assert "证据不够" not in page
    wrong = desk.client.get(step(desk, datum, datum="gcj02").location).text
    assert re.search(r'value="swap"[^>]*>对调经纬度', wrong)

    put_right = step(desk, datum.replace("/datum", "/preview"), do="swap").location
    page = desk.client.get(put_right).text
    assert re.search(r'value="gcj02" required checked', page)
    assert "经纬度已对调" in page
    page = desk.client.get(step(desk, datum, datum="gcj02").location).text
    assert "<b>59</b> 新增" in page
    assert "对调回来" in page


def test_a_mixed_list_can_be_read_row_by_row(desk, district, merchants):
    rows = office_rows(merchants[:40]) + office_rows(merchants[40:], datum="wgs84")
    datum = step(desk, upload(desk, csv_bytes(rows)).location).location
    page = desk.client.get(datum).text
    assert "混有多种坐标" in page
    assert 'value="rows"' in page
    preview = step(desk, datum, datum="rows").location
    assert "按 逐行按判断结果 读取" in desk.client.get(preview).text
    done = apply(desk, preview, skip_bad="yes")
    assert done.status_code == 303
    truth = {"新" + one.name: (one.lon, one.lat) for one in merchants}
    added = [one for one in district.places("merchant").features if one.name in truth]
    apart = distance_m(
        np.array([(one.lon, one.lat) for one in added]), np.array([truth[one.name] for one in added])
    )
    assert (len(added) >= 50, bool(apart.max() < 1.0)) == (True, True)


def test_one_press_undoes_an_import(desk, district, merchants):
    done = apply(desk, to_preview(desk, csv_bytes(office_rows(merchants))))
    assert step(desk, done.location).status_code == 303
    assert district.places("merchant").features == merchants
    assert "新示例" not in (district.directory / "layers" / "merchant.geojson").read_text(encoding="utf-8")


def test_bad_rows_are_shown_and_stop_the_import_unless_they_are_skipped(desk, district, merchants):
    rows = office_rows(merchants)
    rows[2][3], rows[7][4] = "somewhere", "91.5"
    preview = to_preview(desk, csv_bytes(rows))
    page = desk.client.get(preview).text
    assert "第 4 行" in page
    assert "第 9 行" in page
    assert "不是坐标" in page
    refused = apply(desk, preview)
    assert refused.status_code == 400
    assert district.places("merchant").features == merchants
    done = apply(desk, preview, skip_bad="yes")
    assert done.status_code == 303
    assert len(district.places("merchant").features) == len(merchants) + 57


def test_columns_can_be_chosen_by_hand_and_not_twice(desk, merchants):
    rows = [[row[1], row[3], row[4]] for row in office_rows(merchants)]
    answer = upload(desk, csv_bytes(rows, ["招牌", "经度", "纬度"]))
    twice = step(desk, answer.location, **{"field-0": "lon", "field-1": "lon", "field-2": "lat"})
    assert twice.status_code == 400
    assert "招牌、经度" in twice.text
    ok = step(desk, answer.location, **{"field-0": "name", "field-1": "lon", "field-2": "lat"})
    assert ok.status_code == 303
    assert re.search(r'<option value="name" selected', desk.client.get(answer.location).text)


def test_a_list_that_changed_under_the_preview_is_looked_at_again(desk, district, merchants):
    preview = to_preview(desk, csv_bytes(office_rows(merchants)))
    version = version_on(desk, preview)
    author = Author("zhao", "admin", "desk", NOON)
    remove_feature(district.store, "merchant", merchants[0].id, reason="拆了", author=author)
    answer = step(desk, preview, do="apply", version=version)
    assert answer.status_code == 409
    assert "别人刚改过这个图层" in answer.text


HOSTILE = {
    "xlsx that is none": (b"PK\x03\x04" + b"\0" * 400, "a.xlsx"),
    "entities": (
        b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "b">]><kml><Document>&a;</Document></kml>',
        "a.kml",
    ),
    "NUL": ("名称,经度,纬度\n店\0,116.4,39.9\n".encode(), "a.csv"),
    "no rows": ("名称,经度,纬度\n".encode(), "b.csv"),
    "empty": (b"", "c.csv"),
    "a PDF": (b"%PDF-1.7\n1 0 obj\n", "d.csv"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_file_is_refused_with_the_reason_and_nothing_is_kept(desk, district, fault):
    data, name = HOSTILE[fault]
    answer = upload(desk, data, name)
    assert answer.status_code == 400
    assert re.search(rf'class="refusal" role="alert">{re.escape(name)}: \S+', answer.text)
    assert jobs_of(district) == []


def test_a_form_without_file_or_token_is_refused(desk):
    assert desk.post("/import", {"layer": "merchant"}, token_from="/import").status_code == 400
    assert desk.client.post(desk.root + "/import", data={"layer": "merchant"}).status_code == 403


def test_a_file_larger_than_what_is_read_is_refused_unread(desk):
    answer = desk.client.post(
        desk.root + "/import",
        data=b"--b\r\n",
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": str(300 * 2**20)},
    )
    assert answer.status_code == 413


def test_an_editor_imports_into_named_layers_only(app, district, desk, merchants):
    data = csv_bytes(office_rows(merchants))
    assert upload(desk, data, layer="toilet").status_code == 403
    page = desk.get("/import").text
    assert '<option value="merchant">' in page
    assert '<option value="toilet">' not in page


def test_nobody_goes_on_with_the_file_of_somebody_else(app, district, desk, merchants):
    address = upload(desk, csv_bytes(office_rows(merchants))).location
    stranger = Desk(app, district.id)
    assert stranger.sign_in("other").status_code == 303
    for path in ("", "/datum", "/preview"):
        assert stranger.client.get(address + path).status_code == 404
    assert desk.client.get(address).status_code == 200


def test_a_file_is_forgotten_when_it_is_given_up_or_a_day_old(desk, district, merchants):
    data = csv_bytes(office_rows(merchants))
    address = upload(desk, data).location
    assert "合作商户_2026-11.csv" in desk.get("/import").text
    assert len(jobs_of(district)) == 1
    token = desk.token("/import")
    desk.client.post(address + "/drop", data={"csrf_token": token})
    assert jobs_of(district) == []
    upload(desk, data)
    (old,) = jobs_of(district)
    os.utime(old, (1, 1))
    upload(desk, data)
    assert old not in jobs_of(district)


def test_rows_without_coordinates_are_placed_on_the_map(desk, district, merchants):
    rows = office_rows(merchants)
    for row in rows[:2]:
        row[3] = row[4] = ""
    apply(desk, to_preview(desk, csv_bytes(rows)))
    first, second = unplaced_rows(district.store, "merchant")
    page = desk.get("/unplaced?layer=merchant").text
    assert first.name in page
    lon, lat = district.centre
    answer = step(
        desk, desk.root + "/unplaced", layer="merchant", key=first.key, lonlat=f"{lon},{lat}", do="place"
    )
    assert answer.status_code == 303
    (made,) = [one for one in district.places("merchant").features if one.name == first.name]
    assert (made.lon, made.lat) == pytest.approx((lon, lat))
    far = step(
        desk, desk.root + "/unplaced", layer="merchant", key=second.key, lonlat="121.4,31.2", do="place"
    )
    assert far.status_code == 400
    dropped = step(desk, desk.root + "/unplaced", layer="merchant", key=second.key, do="drop")
    assert dropped.status_code == 303
    assert unplaced_rows(district.store, "merchant") == ()


def test_a_long_list_shows_its_progress_and_arrives_whole(desk, district):
    west, south, east, north = district.bbox
    rows = [
        [
            f"长单{i}",
            f"{west + (east - west) * (i % 83) / 83:.6f}",
            f"{south + (north - south) * (i % 71) / 71:.6f}",
        ]
        for i in range(5_200)
    ]
    preview = to_preview(desk, csv_bytes(rows, ["名称", "经度", "纬度"]), "wgs84")
    before = len(district.places("merchant").features)
    started = apply(desk, preview)
    assert started.location.endswith("/working")
    seen = []
    until = time.monotonic() + 120
    while (answer := desk.client.get(started.location)).status_code == 200 and time.monotonic() < until:
        assert answer.headers["Refresh"]
        seen.append(re.search(r"已核对 \d+ / 5200 行|正在写入 5200 行", answer.text)[0])
        time.sleep(0.2)
    assert answer.status_code == 303
    assert seen
    assert "/import/done/" in answer.location
    assert len(district.places("merchant").features) == before + 5_200
    assert jobs_of(district) == []


def test_a_long_list_with_a_bad_row_is_refused_with_the_row(desk, district):
    lon, lat = district.centre
    rows = [[f"长单{i}", f"{lon:.6f}", f"{lat:.6f}"] for i in range(5_100)]
    rows[4][1] = "somewhere"
    preview = to_preview(desk, csv_bytes(rows, ["名称", "经度", "纬度"]), "wgs84")
    before = district.places("merchant")
    started = apply(desk, preview)
    until = time.monotonic() + 120
    while (answer := desk.client.get(started.location)).status_code == 200 and time.monotonic() < until:
        time.sleep(0.2)
    assert answer.status_code == 400
    assert "row 6" in answer.text
    assert district.places("merchant") == before


@pytest.fixture
def doubled(desk, district, merchants):
    """Five merchants a second time, eleven metres on, with a phone."""
    rows = [
        ["全新" + one.name, repr(one.lon), f"{one.lat + 1e-4:.7f}", f"010-6400{i:04d}"]
        for i, one in enumerate(merchants[:5])
    ]
    apply(desk, to_preview(desk, csv_bytes(rows, ["名称", "经度", "纬度", "电话"]), "wgs84"))
    return find_pairs(district, ["merchant"])


def test_twins_are_merged_with_the_values_that_were_chosen(desk, district, doubled):
    pair = doubled[0]
    page = desk.get("/twins?layer=merchant").text
    assert pair.keep.name in page
    assert pair.remove.name in page
    version = str(district.places("merchant").version)
    form = {"first": pair.keep.id, "second": pair.remove.id, "stays": pair.keep.id,
            "version.merchant": version, "take.name": "second", "take.position": "first"}  # fmt: skip
    token = desk.token("/twins?layer=merchant")
    answer = desk.client.post(desk.root + "/twins/merge", data=form | {"csrf_token": token})
    assert answer.status_code == 303
    held = {one.id: one for one in district.places("merchant").features}
    assert pair.remove.id not in held
    assert held[pair.keep.id].name == pair.remove.name
    assert (held[pair.keep.id].lon, held[pair.keep.id].lat) == (pair.keep.lon, pair.keep.lat)


def test_a_pair_that_is_two_places_is_not_offered_again(desk, district, doubled):
    pair = doubled[0]
    token = desk.token("/twins?layer=merchant")
    form = {"first": pair.keep.id, "second": pair.remove.id, "csrf_token": token}
    assert desk.client.post(desk.root + "/twins/apart", data=form).status_code == 303
    assert f'value="{pair.remove.id}"' not in desk.get("/twins?layer=merchant").text


def vendor_list(merchants):
    rows = office_rows(merchants, prefix="")
    rows[0][3] = f"{float(rows[0][3]) + 0.001:.7f}"
    return csv_bytes(rows[:-1]), rows


def test_a_vendors_list_becomes_a_work_list_and_marks_on_our_places(desk, district, merchants):
    data, rows = vendor_list(merchants)
    answer = upload(desk, data, "amap.csv", path="/vendor", vendor="amap", datum="auto")
    assert answer.status_code == 303, re.search(r'role="alert">(.*?)<', answer.text)[1]
    page = desk.client.get(answer.location).text
    assert "高德" in page
    assert rows[-1][1] in page
    work = desk.client.get(answer.location + "/work.csv")
    assert work.data.startswith(b"\xef\xbb\xbf")
    assert rows[-1][1] in work.data.decode("utf-8-sig")
    assert desk.client.get(answer.location + "/work.xlsx").data.startswith(b"PK")
    assert desk.client.get(answer.location + "/work.exe").status_code == 404
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    assert desk.client.post(answer.location + "/mark", data={"csrf_token": token}).status_code == 303
    by_name = {one.name: one for one in district.places("merchant").features}
    assert by_name[rows[-1][1]].listing[0].status == "not_listed"
    assert by_name[rows[0][1]].listing[0].status == "wrong_position"


def test_a_vendors_list_in_another_datum_than_its_maps_is_asked_about(desk, district, merchants):
    data = csv_bytes(office_rows(merchants, datum="wgs84"))
    answer = upload(desk, data, "amap.csv", path="/vendor", vendor="amap", datum="auto")
    assert answer.status_code == 400
    assert "asked for" in answer.text
    assert jobs_of(district) == []
    answer = upload(desk, data, "amap.csv", path="/vendor", vendor="amap", datum="wgs84")
    assert answer.status_code == 303
