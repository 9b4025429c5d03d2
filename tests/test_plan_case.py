"""The written case of the demo: every number in its text stands in a table, and other programs open it."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from openpyxl import load_workbook

from geo_service.districts.plans.case import APART_M, build_case
from geo_service.districts.plans.case_map import case_map
from geo_service.districts.plans.checks import judge_plan
from geo_service.districts.plans.demand import draw_demand
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.words import case_words
from geo_service.errors import InvalidInputError
from geo_service.geo import metres_per_degree
from geo_service.paper.documents import (
    Beside,
    Break,
    Document,
    Heading,
    Paragraph,
    Picture,
    text_of,
    write_docx,
    write_html,
)
from geo_service.paper.figures import draw_clock
from geo_service.paper.writing import Sheet, write_xlsx
from geo_service.planning.changes import Change
from geo_service.planning.parameters import Need, Parameters
from tests.browsing import wait_until_ready

ON = date(2026, 11, 22)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def planner(demo_district) -> Planner:
    whole = draw_demand(demo_district)
    stations = Parameters(Need("station"), date(2026, 11, 23), accept=("stale", "unknown"))
    return Planner(demo_district, stations, whole.take(np.arange(0, len(whole), 40)))


@pytest.fixture(scope="module")
def verdict(planner):
    return judge_plan(planner, seeds=1)


@pytest.fixture(scope="module", params=["zh", "en"])
def case(planner, verdict, request):
    return build_case(planner, 180_000, verdict, ON, request.param)


def flat(blocks):
    """All blocks, those of columns too."""
    for block in blocks:
        if isinstance(block, Beside):
            yield from flat([*block.left, *block.right])
        else:
            yield block


def numbers(text: str) -> set[str]:
    """Numbers of a text, those of dates and clock times left out."""
    bare = re.sub(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}", " ", text)
    return {text_of(float(found)) for found in re.findall(r"\d+(?:\.\d+)?", bare)}


@pytest.mark.slow
def test_every_number_in_the_text_stands_in_a_table(case):
    cells = {
        piece
        for sheet in case.sheets
        for row in sheet.rows
        for value in row
        for piece in numbers(text_of(value))
    }
    names = {
        str(value) for sheet in case.sheets for row in sheet.rows for value in row if isinstance(value, str)
    }
    fixed = numbers(" ".join(case_words(case.document.lang).values()))
    for block in flat(case.document.blocks):
        if isinstance(block, Paragraph):
            text = block.text
            for name in sorted(names, key=len, reverse=True):
                text = text.replace(name, " ") if len(name) > 3 else text
            assert numbers(text) <= cells | fixed, text


@pytest.mark.slow
def test_the_case_says_that_it_is_synthetic_and_speaks_its_doubt_before_its_advice(case):
    texts = [block.text for block in flat(case.document.blocks) if isinstance(block, Paragraph)]
    assert texts[0] == case_words(case.document.lang)["synthetic"]
    doubt, firm = ("此建议", "牢靠") if case.document.lang == "zh" else ("This recommendation", "firm")
    assert texts[1].startswith(doubt)
    assert firm in texts[1]
    assert case.description.endswith(texts[0])
    assert "OpenStreetMap" in case.description


@pytest.mark.slow
def test_the_case_opens_as_docx_html_and_xlsx(case):
    import docx

    opened = docx.Document(io.BytesIO(write_docx(case.document)))
    assert len(opened.inline_shapes) == 3
    assert all(shape._inline.docPr.get("descr") for shape in opened.inline_shapes)
    page = write_html(case.document).decode()
    assert page.count("<figure>") == 3
    assert not re.search(r'(src|href)="(?!data:)', page)
    book = load_workbook(
        io.BytesIO(write_xlsx(case.sheets, title=case.title, description=case.description, on=ON))
    )
    assert len(book.worksheets) == len(case.sheets)
    menu = next(sheet for sheet in case.sheets if sheet.title == case_words(case.document.lang)["menu"])
    assert book[menu.title].max_row >= len(menu.rows) + 1


@pytest.mark.slow
def test_candidates_are_told_apart_by_place_or_kind(case, planner):
    rows = next(sheet.rows for sheet in case.sheets if sheet.title == case_words(case.document.lang)["three"])
    assert [row[0] for row in rows[:3]] == ["★ 1", "▲ 2", "▲ 3"]
    at = [(row[1], *map(float, row[-1].split(","))) for row in rows[:3] if row[-1]]
    assert at
    east_m, north_m = metres_per_degree(39.95)
    for i, (kind, *here) in enumerate(at):
        for there in (place for other, *place in at[:i] if other == kind):
            apart_m = np.hypot((here[0] - there[0]) * east_m, (here[1] - there[1]) * north_m)
            assert apart_m >= APART_M - 2  # as rounded in the table


@pytest.mark.slow
@pytest.mark.browser
def test_the_case_is_one_page_and_its_annex_and_asks_nobody(case, browser, tmp_path):
    path = tmp_path / "case.html"
    path.write_bytes(write_html(case.document))
    page = browser.new_page(viewport={"width": 681, "height": 1000})  # 18 cm, the text of an A4 page
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    heights = page.evaluate(
        "[...document.querySelectorAll('.page')].map((one) => one.getBoundingClientRect().height)"
    )
    page.close()
    assert len(heights) == 2
    assert heights[0] * 2.54 / 96 < 29.7 - 2 * 1.1
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.slow
def test_the_case_counts_what_is_tried_and_says_what_was_asked(planner, demo_district, monkeypatch):
    stations = demo_district.places("station").features
    lon, lat = demo_district.centre
    changes = (
        *(Change("close", place=place.id) for place in stations[1:]),
        Change("site", lon=lon, lat=lat, name="试放"),
    )
    drawn = []
    monkeypatch.setattr(
        "geo_service.districts.plans.case.draw_streets",
        lambda lines, is_covered, marks, lang: drawn.append((is_covered, marks)) or b"",
    )

    def written(asked):
        made = build_case(asked, 100_000, judge_plan(asked, 0), ON, "zh")
        caption = next(block.caption for block in flat(made.document.blocks) if isinstance(block, Picture))
        return caption, dict(made.sheets[-1].rows), *drawn[-1]

    caption, rows, covered, _ = written(planner)
    assert "10 分钟内有开放站点" in caption
    assert "已计入的改动" not in rows
    asked = replace(planner.parameters, changes=changes, metres=800.0)
    caption, rows, few, marks = written(Planner(demo_district, asked, planner.demand))
    assert "800 米内有开放站点" in caption
    assert 0 < sum(few) < sum(covered)
    assert sum(mark.kind == "place" for mark in marks) == 2
    tried = rows["已计入的改动"]
    assert tried.count("关闭") == len(stations) - 1
    assert stations[1].name in tried
    assert tried.endswith("新站点 试放")


def test_columns_and_pages_are_the_same_in_every_format():
    import docx

    table = Sheet("表", ["甲", "乙"], [[1, "长" * 40]])
    made = Document("题", "zh", ON, [Beside([Paragraph("左")], [table], 0.3), Break(), Heading("附")], "脚")
    page = write_html(made).decode()
    assert page.count('<section class="page">') == 2
    assert "--columns:0.3fr 0.7fr" in page
    assert page.index("左") < page.index("长") < page.index("附")
    opened = docx.Document(io.BytesIO(write_docx(made)))
    columns = opened.tables[0].rows[0].cells
    assert [cell.text.strip() for cell in columns] == ["左", "表"]
    inner = columns[1].tables[0]
    assert inner.columns[1].width > 2 * inner.columns[0].width
    assert opened.sections[0].footer.paragraphs[0].text == "脚"


def test_the_same_document_gives_the_same_bytes():
    table = Sheet("表", ["甲", "乙"], [[1, 0.5], [None, "<b>"]])
    made = Document(
        "题", "zh", ON, [Heading("一"), Paragraph("<script>"), Picture(PNG, "图", "替"), table], "脚"
    )
    assert write_html(made) == write_html(made)
    page = write_html(made).decode()
    assert "<script>" not in page
    assert "&lt;b&gt;" in page
    plain = made._replace(blocks=[block for block in made.blocks if not isinstance(block, Picture)])
    first = write_docx(plain)
    assert first == write_docx(plain)
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert b"<b>" not in parts.read("word/document.xml")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_clock_is_a_png_with_holes_where_nobody_is_out(lang):
    share = np.linspace(0, 1, 168)
    share[5] = np.nan
    assert draw_clock(share, share / 2, lang, [str(day) for day in range(7)]).startswith(PNG)


def test_a_clock_of_another_length_is_refused():
    with pytest.raises(InvalidInputError, match="168 shares"):
        draw_clock([0.5] * 24, [0.5] * 24, "zh", ["a"] * 7)


# -- the map that goes along --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(planner, verdict):
    return build_case(planner, 180_000, verdict, ON, "zh")


@pytest.fixture(scope="module")
def shared(planner, written):
    return case_map(planner, written, ON)


@pytest.mark.slow
@pytest.mark.parametrize("hour", [2, 14])
def test_the_map_shows_every_rider_either_covered_or_left_out(planner, shared, hour):
    riders = planner.weights.of_points([hour])
    is_covered = planner.clock().is_covered[:, hour]
    assert shared.features[f"covered{hour:02}"] == int((is_covered & (riders > 0)).sum())
    assert shared.features[f"left{hour:02}"] == int((~is_covered & (riders > 0)).sum())
    assert shared.features[f"gap{hour:02}"] > 0
    assert shared.features["standing"] == len(planner.stand.places.places)


@pytest.mark.slow
def test_the_map_numbers_the_candidates_as_the_case_does(written, shared):
    located = [row for row in written.three.rows[:3] if row[-1]]
    assert shared.features["recommended"] + shared.features["considered"] == len(located)
    page = shared.html.decode()
    assert "演示数据" in page
    assert "© OpenStreetMap" in page
    assert ON.isoformat() in page
    assert "此建议" in page


@pytest.mark.slow
def test_the_same_case_makes_the_same_map(planner, written, shared):
    assert case_map(planner, written, ON).html == shared.html


@pytest.mark.slow
@pytest.mark.browser
def test_the_map_opens_from_disk_asks_nobody_and_tells_a_dot_when_clicked(shared, browser, tmp_path):
    path = tmp_path / "map.html"
    path.write_bytes(shared.html)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    wait_until_ready(page)
    boxes = page.locator(".leaflet-control-layers-overlays input")
    assert [box.is_checked() for box in boxes.all()] == [
        False,
        False,
        False,
        False,
        True,
        True,
        True,
        True,
        True,
    ]
    boxes.nth(1).check()  # gaps at 14:00
    at = page.evaluate(
        """() => { const { map } = window.shared; const [lon, lat] = JSON.parse(
        document.getElementById("data").textContent).layers.left14.dots.at(-1);
        map.setView([lat, lon], 17, { animate: false }); const { x, y } = map.latLngToContainerPoint([lat, lon]);
        return [x, y]; }"""
    )
    page.mouse.click(*at)
    page.wait_for_selector(".leaflet-popup-content dl")
    assert "最近的开放站点" in page.inner_text(".leaflet-popup-content") or "未覆盖" in page.inner_text(
        ".leaflet-popup-content"
    )
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "case.docx", "--map", "map.pdf"], "ends in .html"),
        (["-o", "case.html", "--map", "case.html"], "another file"),
        (["-o", "case.txt"], "docx, html, xlsx"),
    ],
)
def test_files_that_a_case_is_not_written_to_are_refused(run, demo_directory, words, said):
    code, out, err = run("case", demo_directory, "--layer", "station", *words)
    assert (code, out) == (2, "")
    assert said in err
