"""The finder of leaked positions finds what is planted, and only that."""

import base64
import gzip
import json
import math
from urllib.parse import quote

import pytest

from geo_service.geo import convert_datum
from tests.leaks import as_bytes, find_leaks, geohash, plus_code, quadkey, tile
from tests.wire import Heard

LON, LAT = 116.44193, 39.95674
GCJ = convert_datum([(LON, LAT)], "wgs84", "gcj02")[0]
BD = convert_datum([(LON, LAT)], "wgs84", "bd09")[0]
HOME = "http://127.0.0.1:8000/xiangheyuan/"


def mercator():
    radius = 6378137.0
    return math.radians(LON) * radius, math.log(math.tan(math.pi / 4 + math.radians(LAT) / 2)) * radius


TEXTS = {
    "degrees": f"{LON},{LAT}",
    "three decimals": f"{LON:.3f}",
    "latitude alone": f"{LAT:.4f}",
    "gcj02": f"{GCJ[0]:.6f},{GCJ[1]:.6f}",
    "bd09": f"{BD[0]:.6f},{BD[1]:.6f}",
    "exponent": f"{LON:.6e}",
    "comma": f"{LON:.5f}".replace(".", ","),
    "1e-6": f"{round(LON * 1e6)}",
    "1e-5 of gcj02": f"{round(GCJ[1] * 1e5)}",
    "radians": f"{math.radians(LON):.7f}",
    "mercator": f"{mercator()[0]:.1f}",
    "whole mercator": f"{round(mercator()[1])}",
    "minutes and seconds": "116°26'30.9\"E",
    "geohash": geohash(LON, LAT),
    "plus code": plus_code(LON, LAT)[:8] + "+" + plus_code(LON, LAT)[8:],
    "quadkey": quadkey(LON, LAT, 18),
    "tile": "17/{}/{}".format(*tile(LON, LAT, 17)),
    "tile of gcj02": "18-{}-{}".format(*tile(*GCJ, 18)),
    "reversed": f"{LON:.6f}"[::-1],
}
CODINGS = {
    "plain": lambda text: text,
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "twice percent": lambda text: quote("".join(f"%{byte:02x}" for byte in text.encode())),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url in base64": lambda text: base64.b64encode(base64.urlsafe_b64encode(text.encode())).decode(),
    "hex": lambda text: text.encode().hex(),
    "json": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
}


def heard(url=HOME, headers=(), body=b"", method="GET"):
    return Heard(method, url, headers, body, 200, 0)


@pytest.mark.parametrize(
    ("text", "coding"),
    [(text, coding) for text in TEXTS for coding in CODINGS if text != "reversed" or coding == "plain"],
)
def test_a_position_in_an_address_is_found(text, coding):
    leak = heard(f"{HOME}pack/index.json?x={CODINGS[coding](TEXTS[text])}")
    assert find_leaks([leak], [(LON, LAT)]) != []


@pytest.mark.parametrize("header", ["Referer", "Cookie", "X-Here", "If-None-Match"])
def test_a_position_in_a_header_is_found(header):
    leak = heard(headers=((header, f"here={LON}"),))
    assert find_leaks([leak], [(LON, LAT)]) == [f"GET {HOME}: header {header} holds {LON} degrees"]


@pytest.mark.parametrize("kind", ["<dd", ">dd", "<ff", ">ff"])
def test_a_position_in_binary_is_found(kind):
    leak = heard(method="POST", body=b"abc" + as_bytes(kind, LON, LAT))
    assert find_leaks([leak], [(LON, LAT)]) != []


@pytest.mark.parametrize("pack", [gzip.compress, lambda body: base64.b64encode(gzip.compress(body))])
def test_a_position_in_a_packed_body_is_found(pack):
    leak = heard(method="POST", body=pack(json.dumps({"lng": GCJ[0], "lat": GCJ[1]}).encode()))
    assert find_leaks([leak], [(LON, LAT)]) != []


@pytest.mark.parametrize(
    "url",
    [
        "pack/places-0f3a9b2c11644193ab.json",
        "tiles/15/26976/12405.mvt?v=9c1f64a2",
        "tiles/17/107904/49622.mvt",
        "?layer=station&lang=en",
        "p/station-0042",
    ],
)
def test_what_says_nothing_of_the_rider_is_left_alone(url):
    agent = (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
    )
    assert find_leaks([heard(HOME + url, (agent, ("Accept-Language", "zh-CN,zh;q=0.9")))], [(LON, LAT)]) == []


def test_a_position_a_kilometre_away_is_another_s():
    assert find_leaks([heard(f"{HOME}?from={LON - 0.02:.5f},{LAT - 0.01:.5f}")], [(LON, LAT)]) == []
