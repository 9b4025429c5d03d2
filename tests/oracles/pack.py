"""
A second reader of the district pack, plain and slow, written from the head of ``static/phone/pack.js``.

It shares no code with the builder: what it reads back is compared with the network, the hours and the finder.
"""

import json
import math
from bisect import bisect_right
from itertools import pairwise
from typing import Any, NamedTuple

SECTIONS = (
    "node_id", "node_lon", "node_lat", "link_id", "link_low", "link_high", "link_flags", "inner_points",
    "inner_lon", "inner_lat", "length_mm", "edge_way", "edge_ms", "edge_delay_ms", "link_name",
)  # fmt: skip
DAY_S = 86_400


def read_varints(data: bytes) -> list[int]:
    """Every number of a stream."""
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
    assert shift == 0
    return found


def unfold(folded: int) -> int:
    return -((folded + 1) // 2) if folded % 2 else folded // 2


class Link(NamedTuple):
    """One piece of street as a file of the pack tells it; sides are (weight, delay, mode) or None."""

    start: int
    end: int
    points: list[tuple[int, int]]
    along_m: list[float]
    length_mm: int
    sides: tuple[tuple[int, int, int] | None, tuple[int, int, int] | None]
    is_main: bool
    name: str


class File(NamedTuple):
    """Nodes and links of one file, by the server's numbers."""

    head: dict[str, Any]
    nodes: dict[int, tuple[int, int]]
    links: dict[int, Link]


def read_streets(body: bytes) -> File:
    assert body[:4] == b"GSPK"
    length = int.from_bytes(body[4:8], "little")
    head = json.loads(body[8 : 8 + length])
    at, streams = 8 + length, {}
    for name, size in zip(SECTIONS, head["sections"], strict=True):
        streams[name] = read_varints(body[at : at + size])
        at += size
    assert at == len(body)
    ids = _summed(streams["node_id"]) or list(range(head["nodes"]))
    lon, lat = (_summed(map(unfold, streams[f"node_{axis}"])) for axis in ("lon", "lat"))
    nodes = {i: (x, y) for i, x, y in zip(ids, lon, lat, strict=True)}
    link_ids = _summed(streams["link_id"]) or list(range(head["links"]))
    links = dict(zip(link_ids, _links(head, streams, ids, nodes), strict=True))
    return File(head, nodes, links)


def _summed(values) -> list[int]:
    found, total = [], 0
    for value in values:
        total += value
        found.append(total)
    return found


def _links(head, streams, ids, nodes):
    low = _summed(map(unfold, streams["link_low"]))
    inner_lon, inner_lat = (map(unfold, streams[f"inner_{axis}"]) for axis in ("lon", "lat"))
    ways, rides, delays = (
        iter(streams["edge_way"]),
        map(unfold, streams["edge_ms"]),
        iter(streams["edge_delay_ms"]),
    )
    rows = zip(
        low, map(unfold, streams["link_high"]), streams["link_flags"], streams["inner_points"],
        map(unfold, streams["length_mm"]), streams["link_name"], strict=True,
    )  # fmt: skip
    for one, step, flags, inner, off, name in rows:
        ends = [ids[one], ids[one + step]]
        if flags & 4:
            ends.reverse()
        points = [nodes[ends[0]]]
        for _ in range(inner):
            points.append((points[-1][0] + next(inner_lon), points[-1][1] + next(inner_lat)))
        points.append(nodes[ends[1]])
        along_m = measure(points, head["metric"])
        length_mm = math.floor(along_m[-1] * 1000 + 0.5) + off
        sides: list[tuple[int, int, int] | None] = [None, None]
        for side in range(2):
            if flags & (1, 2)[side]:
                ms_per_m, mode = head["ways"][next(ways)]
                ride = max(1, math.floor(length_mm / 1000 * ms_per_m + 0.5)) + next(rides)
                delay = next(delays)
                sides[side] = (ride + delay, delay, mode)
        yield Link(*ends, points, along_m, length_mm, tuple(sides), bool(flags & 8), head["names"][name])


def measure(points, metric) -> list[float]:
    lat0, lat_m, lon_m, lon_m1, lon_m2 = metric
    along = [0.0]
    for (ax, ay), (bx, by) in pairwise(points):
        d = (ay + by) * 0.5 - lat0
        ux = (bx - ax) * (lon_m + d * (lon_m1 + d * lon_m2))
        uy = (by - ay) * lat_m
        along.append(along[-1] + math.sqrt(ux * ux + uy * uy))
    return along


def edges_of(links: dict[int, Link]) -> list[tuple[int, int, int, int, int, int, int]]:
    """Tail, head, link, side, weight, delay, mode of every edge, in the server's order."""
    found = []
    for number, link in links.items():
        for side, told in enumerate(link.sides):
            if told is not None:
                tail, head = (link.start, link.end) if side == 0 else (link.end, link.start)
                found.append((tail, head, number, side, *told))
    return sorted(found)


class Line(NamedTuple):
    """What one text says: from each start on its kind."""

    start_s: list[int]
    kind: list[int]

    def at(self, instant_s: float) -> int:
        return self.kind[bisect_right(self.start_s, instant_s) - 1]


def read_hours(hours: dict[str, Any]) -> list[Line]:
    lines = []
    for days in hours["on"]:
        line = Line([], [])
        for day, row in enumerate(days):
            said = hours["kinds"][row]
            for minute, kind in zip(said[::2], said[1::2], strict=True):
                if not line.kind or line.kind[-1] != kind:
                    line.start_s.append(hours["day_s"] + day * DAY_S + minute * 60)
                    line.kind.append(kind)
        lines.append(line)
    return lines


def state_at(
    table, row: int, lines: list[Line], services, doubts, instant_s: float
) -> tuple[str, int | None]:
    """State of a place of a decoded table, and when it ends as far as is written."""
    column = lambda name, without=None: table[name][row] if name in table else without  # noqa: E731
    door = column("hours", 0)
    parts = [] if services else [(lines[door], None, None)]
    for told in column("services", []):
        kind, hours, _, _, first_s, end_s = (*told, *[None] * (6 - len(told)))
        if kind in services:
            parts.append((lines[hours or door], first_s, end_s))
    is_active = (column("status") or "active") == "active"
    from_s, until_s = column("from_s"), column("until_s")

    def kind_at(s: float) -> int:
        is_inside = (from_s is None or from_s <= s) and (until_s is None or s < until_s)
        has_dates = from_s is not None or until_s is not None
        if has_dates and is_inside != is_active:
            return 0
        kinds = []
        for line, first_s, end_s in parts:
            holds = (first_s is None or first_s <= s) and (end_s is None or s < end_s)
            kinds.append(line.at(s) if holds else 0)
        return 0 if 0 in kinds else 2 if 2 in kinds else 1

    cuts = {s for line, first_s, end_s in parts for s in (*line.start_s, first_s, end_s) if s is not None}
    cuts |= {s for s in (from_s, until_s) if s is not None}
    kind, end_s = kind_at(instant_s), None
    for cut in sorted(cut for cut in cuts if cut > instant_s):
        if kind_at(cut) != kind:
            end_s = cut
            break
    state = ("closed", "open", "unknown")[kind]
    if state == "open" and end_s is not None and end_s - instant_s <= 1800:
        state = "closing_soon"
    is_doubted = any(begin <= instant_s < end for begin, end in doubts)
    if kind == 1 and (is_doubted or instant_s >= column("stale_s", 0)):
        state = "stale"
    return state, end_s
