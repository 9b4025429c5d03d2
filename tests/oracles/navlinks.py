"""
How each map app would read a link, written from the facts and not from our templates.

Every reader takes the address apart as a URL parser does, then the parameters as the vendor's
page describes them. A swap of longitude and latitude in a template therefore shows here.
"""

from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Read = tuple[float, float, str | None]


def _query(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, separator="&")
    # "+" stands for itself in app links, and parse_qsl would make it a blank
    assert "+" not in text
    assert len({key for key, _ in pairs}) == len(pairs), "a parameter came twice"
    return dict(pairs)


def _latlon(text: str) -> tuple[float, float]:
    lat, lon = text.split(",")
    return float(lon), float(lat)


def _amap_app(_: SplitResult, q: Mapping[str, str]) -> Read:
    assert q["dev"] == "0", "coordinates are GCJ-02 already"
    return float(q["dlon"]), float(q["dlat"]), q["dname"]


def _amap_web(_: SplitResult, q: Mapping[str, str]) -> Read:
    lon, lat, name = q["to"].split(",", 2)
    return float(lon), float(lat), name


def _baidu(url: SplitResult, q: Mapping[str, str]) -> Read:
    assert q["coord_type"] == "gcj02"
    assert q["src"].split(".")[0] in ("andr", "ios", "webapp")
    if "location" in q:
        return (*_latlon(q["location"]), q["title"])
    if "latlng:" not in q["destination"]:
        return (*_latlon(q["destination"]), None)
    parts = dict(part.split(":", 1) for part in q["destination"].split("|"))
    assert set(parts) == {"name", "latlng"}
    return (*_latlon(parts["latlng"]), parts["name"])


def _tencent(_: SplitResult, q: Mapping[str, str]) -> Read:
    assert q.get("coord_type", "2") == "2"
    return (*_latlon(q["tocoord"]), q["to"])


def _apple(_: SplitResult, q: Mapping[str, str]) -> Read:
    return (*_latlon(q.get("destination") or q["daddr"]), None)


def _google(_: SplitResult, q: Mapping[str, str]) -> Read:
    assert q["api"] == "1"
    return (*_latlon(q["destination"]), None)


def _petal(_: SplitResult, q: Mapping[str, str]) -> Read:
    return (*_latlon(q["daddr"]), None)


def _osmand(url: SplitResult, q: Mapping[str, str]) -> Read:
    assert url.fragment.split("/")[1:] == q["pin"].split(",")
    return (*_latlon(q["pin"]), None)


def _organic(_: SplitResult, q: Mapping[str, str]) -> Read:
    assert list(q) == ["v", "ll", "n"], "the app wants ll before n"
    return (*_latlon(q["ll"]), q["n"])


def _geo(url: SplitResult, _: Mapping[str, str]) -> Read:
    point, label = unquote(url.query.removeprefix("q=")).split("(", 1)
    assert point == url.path
    return (*_latlon(point), label.removesuffix(")"))


READERS: Mapping[str, Callable[[SplitResult, Mapping[str, str]], Read]] = {
    "amap_android": _amap_app,
    "amap_harmony": _amap_app,
    "amap_ios": _amap_app,
    "amap_web": _amap_web,
    "baidu_android": _baidu,
    "baidu_ios": _baidu,
    "baidu_web": _baidu,
    "tencent_app": _tencent,
    "tencent_harmony": _tencent,
    "tencent_web": _tencent,
    "apple": _apple,
    "apple_older": _apple,
    "google": _google,
    "petal": _petal,
    "osmand": _osmand,
    "organic": _organic,
    "geo": _geo,
}


def read_link(app: str, url: str) -> Read:
    """Longitude and latitude in the link's own datum, and the name or None."""
    assert url.isascii()
    assert not set(url) & set(" \"'<>|\\^`{}\n\r\t\0")
    parts = urlsplit(url)
    return READERS[app](parts, {} if app == "geo" else _query(parts.query))
