"""The basemap in a real browser: it is drawn by day and by night, lightly, upright, and never shifted."""

import base64
import re
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from geo_service.geo import convert_datum
from geo_service.maps.basemap import build_basemap, find_tippecanoe
from geo_service.maps.tiles import Tiles
from geo_service.settings import Settings
from geo_service.web import create_app
from tests.browsing import DESK, PHONE, Visit, eventually, served
from tests.test_basemap import ground, street
from tests.test_desk_door import NOON

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_tippecanoe() is None, reason="no tippecanoe: no tiles to draw"),
]

PIXELS = """() => {
  const counts = {};
  for (const one of document.querySelectorAll("canvas.leaflet-tile")) {
    const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
    for (let i = 0; i < data.length; i += 4) {
      const key = [data[i], data[i + 1], data[i + 2]].map((v) => v.toString(16).padStart(2, "0")).join("");
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
}"""
"""How often each colour stands on the canvases of the map."""

LIGHT = {"ground": "f3f0ea", "main": "fdeea6", "green": "d3e5c2", "building": "e3dacb", "estate": "f3ece1"}
DARK = {"ground": "12161c", "main": "544e36", "green": "152a1c", "building": "222936", "estate": "171b21"}


class Other:
    """A district of which some answers are others."""

    def __init__(self, district, **others):
        self._district, self._others = district, others

    def __getattr__(self, attribute):
        others = self.__dict__["_others"]
        return others[attribute] if attribute in others else getattr(self._district, attribute)


@pytest.fixture
def visit(browser):
    running = []

    def begin(district, viewport=DESK, **options):
        app = create_app({"xiangheyuan": district}, Settings(), clock=lambda: NOON)
        server = served(app)
        seen = Visit(browser, server.__enter__(), viewport, **options)
        running.append((seen, server))
        return seen

    yield begin
    for seen, server in running:
        seen.context.close()
        server.__exit__(None, None, None)


def look(seen, zoom=None, at=None):
    """The page when its ground is drawn, at a zoom and place if given."""
    page = seen.page
    page.wait_for_selector(".leaflet-container[data-basemap=drawn]")
    if zoom:
        page.evaluate(
            "([at, z]) => districtMap.setView(at ?? districtMap.getCenter(), z, { animate: false })",
            [at, zoom],
        )
    page.wait_for_function("() => !document.querySelector('canvas.leaflet-tile:not(.leaflet-tile-loaded)')")
    page.wait_for_timeout(400)
    return page


@pytest.mark.parametrize(("scheme", "palette"), [("light", LIGHT), ("dark", DARK)])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_the_ground_is_drawn_in_its_colours_by_day_and_by_night(
    visit, demo_district, scheme, palette, viewport
):
    # the system's wish for dark wins over the sun by day
    seen = visit(demo_district, viewport, color_scheme=scheme, at=NOON)
    seen.open("/xiangheyuan/")
    found = look(seen, 16).evaluate(PIXELS)
    total = sum(found.values())
    shares = {kind: found.get(colour, 0) / total for kind, colour in palette.items()}
    assert all(share > 0.002 for share in shares.values()), shares
    assert seen.complaints == []


def test_a_change_of_light_repaints_without_asking_for_anything(visit, demo_district):
    seen = visit(demo_district, at=NOON)
    seen.open("/xiangheyuan/")
    page = look(seen)
    before = len(seen.requests)
    ground_before = page.evaluate(PIXELS)
    page.evaluate(
        "() => { document.documentElement.dataset.theme = 'dark'; dispatchEvent(new Event('themechange')); }"
    )

    def is_dark():
        after = page.evaluate(PIXELS)
        return (
            ground_before.get(DARK["building"], 0) < after.get(DARK["building"], 0)
            or after.get(DARK["main"], 0) > 500
        )

    assert eventually(page, is_dark)
    assert len(seen.requests) == before


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_a_first_view_asks_for_few_tiles_and_closer_zooms_for_hardly_more(visit, demo_district, viewport):
    seen = visit(demo_district, viewport)
    seen.open("/xiangheyuan/")
    look(seen)
    first = {url for url in seen.requests if ".mvt" in url}
    look(seen, 16)
    close = {url for url in seen.requests if ".mvt" in url}
    for zoom in (17, 18, 19):
        look(seen, zoom)
    assert 1 <= len(first) <= 4
    assert {url for url in seen.requests if ".mvt" in url} == close


def test_no_tile_is_asked_for_twice_or_where_the_district_is_not(visit, demo_district):
    seen = visit(demo_district)
    missing = []
    seen.page.on("response", lambda answer: missing.append(answer.url) if answer.status == 204 else None)
    seen.open("/xiangheyuan/")
    west, south, east, north = demo_district.bbox
    for zoom, at in ((15, [south, west]), (15, [north, east]), (12, None), (11, None)):
        look(seen, zoom, at)
    asked = [url for url in seen.requests if ".mvt" in url]
    assert len(asked) == len(set(asked))
    assert missing == []


def test_a_tile_lost_to_a_broken_line_comes_when_the_line_is_back(visit, demo_district):
    seen = visit(demo_district, at=NOON)
    page = seen.page
    page.route(re.compile(r"\.mvt"), lambda route: route.abort())
    seen.open("/xiangheyuan/")
    look(seen)
    assert page.evaluate(PIXELS).get(LIGHT["main"], 0) == 0
    page.unroute(re.compile(r"\.mvt"))
    page.evaluate("() => dispatchEvent(new Event('online'))")
    assert eventually(page, lambda: page.evaluate(PIXELS).get(LIGHT["main"], 0) > 500)


# -- names ----------------------------------------------------------------------------------------------


@pytest.fixture
def lone_street(demo_district, tmp_path):
    """The demo district with one long street across its centre for a basemap."""

    def make(dx, dy, name="东西南北大街"):
        lon, lat = demo_district.centre
        line = replace(
            street(1, [(0, 0), (1, 1)], highway="primary", name=name),
            lonlat=((lon - 4 * dx, lat - 4 * dy), (lon + 4 * dx, lat + 4 * dy)),
        )
        path = tmp_path / "street.pmtiles"
        build_basemap(replace(ground(lines=[line]), bbox=demo_district.bbox), path)
        tiles = Tiles(path)
        return Other(demo_district, basemap=lambda: tiles)

    return make


DRAWN_WORDS = """() => {
  window.drawn = [];
  const own = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const { a, b, c, d, e, f } = this.getTransform();
    window.drawn.push({ text, turn: Math.atan2(b, a), x: a * x + c * y + e, y: b * x + d * y + f });
    return own.call(this, text, x, y);
  };
}"""


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 0.002), (0.0004, 0.002), (-0.0004, 0.002)])
def test_chinese_names_of_northbound_streets_stand_upright_from_top_to_bottom(visit, lone_street, dx, dy):
    seen = visit(lone_street(dx, dy))
    seen.page.add_init_script(f"({DRAWN_WORDS})()")
    seen.open("/xiangheyuan/")
    look(seen, 16)
    drawn = seen.page.evaluate("() => window.drawn")
    assert drawn
    assert {one["text"] for one in drawn} == set("东西南北大街")
    assert {round(one["turn"], 6) for one in drawn} == {0.0}
    word = drawn[:6]
    assert "".join(one["text"] for one in sorted(word, key=lambda one: one["y"])) == "东西南北大街"


@pytest.mark.parametrize(
    ("dx", "dy", "name"), [(0.002, 0.0003, "东西南北大街"), (0.0, 0.002, "North Avenue")]
)
def test_other_names_run_along_their_street_in_one_piece(visit, lone_street, dx, dy, name):
    seen = visit(lone_street(dx, dy, name))
    seen.page.add_init_script(f"({DRAWN_WORDS})()")
    seen.open("/xiangheyuan/")
    look(seen, 16)
    assert {one["text"] for one in seen.page.evaluate("() => window.drawn")} == {name}


def test_a_hostile_name_is_drawn_and_runs_nothing(visit, lone_street):
    hostile = "<img src=x onerror=alert(1)>${alert(2)}"
    seen = visit(lone_street(0.002, 0.0003, hostile))
    seen.open("/xiangheyuan/")
    look(seen, 17)
    assert seen.complaints == []
    assert seen.page.evaluate("() => document.images.length") == 0


# -- maps of others -------------------------------------------------------------------------------------


def png(pixels):
    """A picture of an array of shape (height, width, 3), uint8."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def gcj_tile(lonlat, z, x, y):
    """A white tile in GCJ-02 with a red square of nine pixels where the point is."""
    pixels = np.full((256, 256, 3), 255, dtype=np.uint8)
    lon, lat = convert_datum(lonlat, "wgs84", "gcj02").tolist()
    size = 256 * 2**z
    px = (lon + 180) / 360 * size - 256 * x
    py = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * size - 256 * y
    rows, columns = np.ogrid[:256, :256]
    pixels[(np.abs(rows - py) <= 4) & (np.abs(columns - px) <= 4)] = (255, 0, 0)
    return png(pixels)


RED = """async (picture) => {
  const image = await createImageBitmap(await (await fetch(picture)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  let [x, y, n] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] > 200 && data[i + 1] < 60 && data[i + 2] < 60) {
      x += (i / 4) % image.width; y += Math.floor(i / 4 / image.width); n += 1;
    }
  }
  return n ? [x / n, y / n] : null;
}"""


def test_amaps_tiles_lie_where_wgs84_says_at_the_start_after_a_pan_and_after_a_zoom(visit, demo_district):
    point = np.array(demo_district.centre)
    config = replace(demo_district.config, providers={"amap": {}})
    seen = visit(Other(demo_district, config=config, layer_names=lambda: ()))
    page = seen.page

    def answer(route):
        x, y, z = (int(re.search(rf"[?&]{name}=(\d+)", route.request.url)[1]) for name in "xyz")
        route.fulfill(body=gcj_tile(point, z, x, y), content_type="image/png")

    page.route(re.compile(r"autonavi\.com"), answer)
    seen.open("/xiangheyuan/")
    page.wait_for_selector(".leaflet-control-layers")
    page.locator(".leaflet-control-layers").hover()
    page.locator(".leaflet-control-layers-base label", has_text="高德").click()
    page.mouse.move(5, 5)

    def gap_px():
        page.wait_for_timeout(700)
        page.evaluate(
            "() => document.querySelectorAll('.leaflet-marker-pane, .tools, .credit').forEach((one) => one.remove())"
        )
        shot = page.locator(".leaflet-container").screenshot()
        red = another.evaluate(RED, f"data:image/png;base64,{base64.b64encode(shot).decode()}")
        want = page.evaluate(
            "([lon, lat]) => { const p = districtMap.latLngToContainerPoint([lat, lon]); return [p.x, p.y]; }",
            point.tolist(),
        )
        assert red is not None
        return float(np.hypot(*(np.array(red) - want)))

    another = seen.context.browser.new_page()
    go = "([lat, lon, z]) => districtMap.setView([lat, lon], z, { animate: false })"
    lon, lat = point.tolist()
    page.evaluate(go, [lat, lon, 16])
    gaps = [gap_px()]
    page.evaluate("() => districtMap.panBy([180, -90], { animate: false })")
    gaps.append(gap_px())
    page.evaluate("() => districtMap.setZoom(17, { animate: false })")
    gaps.append(gap_px())
    another.close()
    assert max(gaps) < 3.0, gaps
    assert [one for one in seen.complaints if "Content Security" in one] == []


def test_a_page_that_offers_maps_of_others_asks_them_for_nothing_until_one_is_chosen(visit, demo_district):
    config = replace(demo_district.config, providers={"amap": {}, "tianditu": {"key": "abc"}})
    seen = visit(Other(demo_district, config=config))
    seen.open("/xiangheyuan/")
    look(seen)
    assert seen.page.locator(".leaflet-control-layers").count() == 1
    assert seen.foreign == []
