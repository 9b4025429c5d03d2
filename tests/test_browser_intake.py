"""The import wizard in a real browser: from a CSV in GB18030 and GCJ-02 to pins on the right side of the street."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from geo_service.desk.accounts import hash_password
from geo_service.districts import open_district
from geo_service.geo import distance_m
from geo_service.settings import Settings
from geo_service.store.accounts import Account
from geo_service.web import create_app
from tests.browsing import DESK, LOOKS, PHONE, Visit, another_page, axe, served, wait_until_ready
from tests.lists import csv_bytes, office_rows
from tests.test_desk_door import NOON, WORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURES = os.environ.get("PICTURES_OF_THE_WIZARD")
"""A folder for the guide's pictures; without it none are taken."""


@pytest.fixture
def district(demo_directory, tmp_path):
    directory = tmp_path / "xiangheyuan"
    shutil.copytree(demo_directory, directory, ignore=shutil.ignore_patterns("jit"))
    opened = open_district(directory)
    opened.store.put_account(Account("li", hash_password(WORD), "admin", NOON))
    yield opened
    opened.close()


@pytest.fixture
def address(district):
    with served(create_app({district.id: district}, Settings(), clock=lambda: NOON)) as home:
        yield home


@pytest.fixture
def begin(browser, address):
    visits = []

    def sign_in(viewport=DESK, **options):
        seen = Visit(browser, address, viewport, **options)
        visits.append(seen)
        page = seen.open("/xiangheyuan/desk/import", ready=False)
        page.fill("[name=name]", "li")
        page.fill("[name=password]", WORD)
        with another_page(page):
            page.click("main button")
        return seen

    yield sign_in
    for done in visits:
        done.context.close()


def picture(page, name):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def office_file(district, folder):
    """Merchants under new names; two rows lack coordinates, one has hours nobody can read for certain."""
    rows = office_rows(district.places("merchant").features)
    for row in rows[3:5]:
        row[3] = row[4] = ""
    rows[6][6] = "看心情"
    path = folder / "合作商户_2026-11.csv"
    path.write_bytes(csv_bytes(rows))
    return path


def push(page, words):
    with another_page(page):
        page.get_by_role("button", name=words, exact=True).click()


@LOOKS
def test_a_list_is_imported_on_sight_and_its_pins_stand_right(begin, district, tmp_path, viewport, scheme):
    truth = {"新" + one.name: (one.lon, one.lat) for one in district.places("merchant").features}
    seen = begin(viewport, color_scheme=scheme, bypass_csp=False)
    page = seen.page
    suffix = "phone" if viewport is PHONE else "desktop-dark"
    page.set_input_files("[name=file]", office_file(district, tmp_path))
    page.select_option("[name=layer]", "merchant")
    picture(page, f"import-1-{suffix}")
    push(page, "上传并查看")

    assert page.get_by_label("“店铺名称”列当作").input_value() == "name"
    assert page.get_by_label("“经度”列当作").input_value() == "lon"
    picture(page, f"import-2-{suffix}")
    push(page, "下一步")

    assert "这份清单是 GCJ-02" in page.inner_text(".evidence")
    assert page.is_checked("[name=datum][value=gcj02]")
    page.wait_for_selector("path.dot.chosen")
    assert page.locator("path.dot").count() == 57
    picture(page, f"import-3-{suffix}")
    page.check("[name=datum][value=wgs84]")
    assert page.locator("path.dot").count() == 57
    page.check("[name=datum][value=gcj02]")
    for _ in range(3):
        page.click("#closer")
    assert page.inner_text("#closer-name") in truth
    page.wait_for_timeout(300)
    picture(page, f"import-3b-{suffix}")
    push(page, "下一步")

    assert page.inner_text(".counts .added b") == "57"
    assert page.inner_text(".counts .unplaced b") == "2"
    picture(page, f"import-4-{suffix}")
    push(page, "导入")

    assert page.inner_text(".counts .added b") == "57"
    assert page.locator("path.dot.added").count() == 57
    picture(page, f"import-5-{suffix}")
    added = [one for one in district.places("merchant").features if one.name in truth]
    apart = distance_m(
        np.array([(one.lon, one.lat) for one in added]), np.array([truth[one.name] for one in added])
    )
    assert (len(added), bool(apart.max() < 1.0)) == (57, True)

    with another_page(page):
        page.get_by_role("link", name="去地图上放 2 行").click()
    page.locator(".map").click(position={"x": 150, "y": 150})
    assert "," in page.input_value("[name=lonlat]")
    picture(page, f"import-6-{suffix}")
    push(page, "放在这里")
    assert "已放上地图" in page.inner_text("[role=status]")

    page.goto(f"{seen.home}/xiangheyuan/desk/history?layer=merchant")
    page.go_back()
    assert seen.foreign == []
    assert seen.complaints == []


@LOOKS
def test_axe_finds_nothing_in_the_wizard_twins_and_vendor_pages(begin, district, tmp_path, viewport, scheme):
    seen = begin(viewport, color_scheme=scheme, bypass_csp=True)
    page, root = seen.page, f"{seen.home}/xiangheyuan/desk"
    found = {"upload": axe(page)}
    page.set_input_files("[name=file]", office_file(district, tmp_path))
    page.select_option("[name=layer]", "merchant")
    for name, words in (
        ("columns", "上传并查看"),
        ("datum", "下一步"),
        ("preview", "下一步"),
        ("done", "导入"),
    ):
        push(page, words)
        found[name] = axe(page)
    page.goto(f"{root}/unplaced")
    wait_until_ready(page)
    found["unplaced"] = axe(page)
    rows = office_rows(district.places("merchant").features[:9], datum="wgs84", prefix="全")
    (tmp_path / "again.csv").write_bytes(csv_bytes(rows))
    page.goto(f"{root}/vendor")
    page.set_input_files("[name=file]", tmp_path / "again.csv")
    page.select_option("[name=layer]", "merchant")
    page.select_option("[name=datum]", "wgs84")
    push(page, "上传并比对")
    found["vendor"] = axe(page)
    picture(page, "vendor-phone" if viewport is PHONE else "vendor-desktop-dark")
    page.goto(f"{root}/twins")
    wait_until_ready(page)
    found["twins"] = axe(page)
    picture(page, "twins-phone" if viewport is PHONE else "twins-desktop-dark")
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert seen.complaints == []
