"""Random places, areas and edits for property tests: whatever the place model allows."""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from geo_service.layers import (
    CATALOGUE,
    CHECK_KINDS,
    Access,
    Area,
    Checked,
    Inspection,
    Listing,
    Place,
    Power,
    Provenance,
    Service,
)

HOURS = ("24/7", "Mo-Fr 08:00-20:00", "Mo-Su 22:00-06:00", "Mo-Fr 08:30-12:00,13:30-18:00; PH off")
# Letters of both scripts, signs a file format may trip over, and characters outside the basic plane.
_LETTERS = st.sampled_from("驿站热水𠮷咖啡abcXYZ &<>'\"\\/{}[]:,;=+-@é№🛵")

words = st.text(_LETTERS, min_size=1, max_size=12).filter(lambda text: text.strip())
tokens = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
hours = st.sampled_from(HOURS)
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,11}", fullmatch=True)
lons = st.floats(-180, 180).map(lambda value: round(value, 7) + 0.0)
lats = st.floats(-90, 90).map(lambda value: round(value, 7) + 0.0)


def maybe(strategy):
    return st.none() | strategy


def spans(make):
    """Two days in order, or none, given to what they limit."""
    return st.tuples(maybe(days), maybe(days)).map(
        lambda pair: make(*(sorted(pair) if None not in pair else pair))
    )


@st.composite
def services(draw):
    first, last = draw(spans(lambda *pair: pair))
    kind = draw(st.sampled_from(sorted(CATALOGUE.services)))
    return Service(kind, draw(maybe(hours)), draw(maybe(words)), draw(maybe(words)), first, last)


accesses = st.builds(
    Access, st.sampled_from(("open", "code", "qr", "staff", "gate")), maybe(hours), maybe(words)
)
powers = st.builds(
    Power,
    words,
    maybe(words),
    st.lists(st.sampled_from((48, 60, 72)), max_size=3).map(tuple),
    maybe(st.integers(0, 99)),
)
provenances = st.builds(
    Provenance,
    st.sampled_from(("", "synthetic", "osm", "街道台账")),
    st.sampled_from(("", "ODbL-1.0", "CC0-1.0")),
    st.dictionaries(st.sampled_from(CHECK_KINDS), st.builds(Checked, days, tokens), max_size=4),
)


@st.composite
def statuses(draw):
    first, last = draw(spans(lambda *pair: pair))
    return {
        "status": draw(st.sampled_from(("active", "paused"))),
        "status_reason": draw(maybe(words)),
        "status_from": first,
        "status_until": last,
    }


_STATION = {
    "class_": st.sampled_from(("standard", "below", "micro", "mobile")),
    "station_code": words,
    "area_m2": st.floats(0, 1e6),
    "seats": st.integers(0, 500),
}
_COMMON = {
    "arrival": st.tuples(lons, lats),
    "address": words,
    "phone": st.from_regex(r"[0-9+][0-9 ()-]{3,15}", fullmatch=True),
    "network": words,
    "host_type": words,
    "operator": words,
    "headcount": st.integers(0, 10_000),
    "hours": hours,
    "ebike_parking": st.booleans() | st.integers(0, 500),
    "inspection": st.builds(Inspection, words, days, words),
}
_LISTS = {
    "services": st.lists(services(), max_size=4).map(tuple),
    "access": st.lists(accesses, max_size=3).map(tuple),
    "open_to": st.lists(tokens, max_size=3).map(tuple),
    "photos": st.lists(st.from_regex(r"[a-z0-9]{1,8}\.jpg", fullmatch=True), max_size=2).map(tuple),
    "listing": st.lists(st.builds(Listing, tokens, tokens, maybe(days)), max_size=2).map(tuple),
    "external_ids": st.fixed_dictionaries(
        {},
        optional={"osm": st.just("node/5"), "amap_poiid": st.from_regex(r"B[0-9A-Z]{9}", fullmatch=True)},
    ),
}


@st.composite
def places(draw, key=None, layers=("station", "merchant", "swap", "toilet")):
    """A place with any of its fields, such as a file may hold it."""
    layer = draw(st.sampled_from(layers))
    choices = {name: maybe(strategy) for name, strategy in _COMMON.items()} | _LISTS
    choices |= {name: maybe(strategy) for name, strategy in _STATION.items()} if layer == "station" else {}
    choices |= {"power": maybe(powers)} if layer == "swap" else {}
    held = {name: draw(strategy) for name, strategy in choices.items()} | draw(statuses())
    where = {"lon": draw(lons), "lat": draw(lats), "provenance": draw(provenances)}
    return Place(id=key or draw(ids), layer=layer, name=draw(words), **where, **held)


@st.composite
def areas(draw):
    """A block with one hole or none, already turned the way files are written."""
    west, south = draw(st.integers(70, 130)), draw(st.integers(15, 50))
    outer = ((west, south), (west + 1, south), (west + 1, south + 1), (west, south + 1), (west, south))
    hole = (
        (west + 0.25, south + 0.25),
        (west + 0.25, south + 0.5),
        (west + 0.5, south + 0.5),
        (west + 0.25, south + 0.25),
    )
    polygon = tuple(
        tuple((float(lon), float(lat)) for lon, lat in ring)
        for ring in ((outer, hole) if draw(st.booleans()) else (outer,))
    )
    is_multi = draw(st.booleans())
    geometry = {
        "type": "MultiPolygon" if is_multi else "Polygon",
        "coordinates": (polygon,) if is_multi else polygon,
    }
    return Area(draw(ids), "block", draw(words), geometry, provenance=draw(provenances), **draw(statuses()))


@st.composite
def versions_of_one_place(draw, count=3):
    """Several states of one station: each takes some fields of another random one."""
    base = draw(places(key="x1", layers=("station",)))
    states = [base]
    for _ in range(count - 1):
        other = draw(places(key="x1", layers=("station",)))
        names = draw(st.sets(st.sampled_from((*_COMMON, *_STATION, *_LISTS, "name", "provenance"))))
        states.append(replace(base, **{name: getattr(other, name) for name in names}))
    return tuple(states)
