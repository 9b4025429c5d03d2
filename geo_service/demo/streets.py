"""
Streets of the made-up towns: strips first (avenues, river, railway, expressway), then cells cut in two
until they are blocks.

A strip is a bundle of parallel lines. Where two strips cross, each pair of lines crosses by rule: at
grade with a node, or over or under without one. The cells between strips are convex.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from geo_service.demo.cuts import Block, Cutter
from geo_service.demo.plane import (
    Cell,
    Point,
    apart,
    cross,
    dot,
    left_of,
    meeting,
    minus,
    plus,
    turned,
    unit,
)
from geo_service.demo.town import Side, Street, Tags, Town

AT_GRADE = ("carriage", "cycle")


@dataclass(frozen=True)
class StripPlan:
    """
    One strip of a district's plan.

    Parameters
    ----------
    kind
        A key of `PROFILES_OF_STRIPS`.
    through
        A point of its axis, metres on the board.
    bearing_deg
        Direction of the axis, degrees to the left of east.
    start, end
        Positions in the plan of the strips at which it begins and ends; None runs off the board.
    """

    kind: str
    through: Point
    bearing_deg: float
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class TownPlan:
    """Half width and half height of the board in metres, its strips, and how fine its blocks are."""

    half_width: float
    half_height: float
    strips: tuple[StripPlan, ...]
    block_m2: tuple[float, float]
    roundabouts: int


@dataclass(frozen=True)
class StripLine:
    """One line of a kind of strip: offset to the left of the axis, role, tags, and its way along the axis."""

    offset: float
    role: str
    tags: tuple[tuple[str, str], ...]
    forward: bool = True


def _lines(*rows: tuple[float, str, str, bool]) -> tuple[StripLine, ...]:
    """Read ``highway=primary oneway=yes`` and the like."""
    out = []
    for offset, role, words, forward in rows:
        out.append(
            StripLine(offset, role, tuple((w.split("=")[0], w.split("=")[1]) for w in words.split()), forward)
        )
    return tuple(out)


PROFILES_OF_STRIPS: dict[str, tuple[float, tuple[StripLine, ...]]] = {
    "primary": (
        27.0,
        _lines(
            (19, "cycle", "highway=cycleway oneway=yes foot=yes surface=asphalt", False),
            (9, "carriage", "highway=primary oneway=yes lanes=3 maxspeed=60 bicycle=no", False),
            (-9, "carriage", "highway=primary oneway=yes lanes=3 maxspeed=60 bicycle=no", True),
            (-19, "cycle", "highway=cycleway oneway=yes foot=yes surface=asphalt", True),
        ),
    ),
    "dual": (
        20.0,
        _lines(
            (8, "carriage", "highway=secondary oneway=yes lanes=2 maxspeed=60", False),
            (-8, "carriage", "highway=secondary oneway=yes lanes=2 maxspeed=60", True),
        ),
    ),
    "single": (0.0, _lines((0, "carriage", "highway=secondary lanes=2 maxspeed=50", True))),
    "expressway": (
        38.0,
        _lines(
            (26, "carriage", "highway=secondary oneway=yes lanes=2 maxspeed=50", False),
            (
                8,
                "main",
                "highway=trunk motorroad=yes oneway=yes lanes=3 maxspeed=80 bridge=yes layer=1",
                False,
            ),
            (
                -8,
                "main",
                "highway=trunk motorroad=yes oneway=yes lanes=3 maxspeed=80 bridge=yes layer=1",
                True,
            ),
            (-26, "carriage", "highway=secondary oneway=yes lanes=2 maxspeed=50", True),
        ),
    ),
    "river": (
        42.0,
        _lines(
            (36, "carriage", "highway=tertiary lanes=2 maxspeed=40", True),
            (29, "foot", "highway=footway surface=paving_stones", True),
            (0, "river", "waterway=river width=46", True),
            (-29, "foot", "highway=cycleway foot=yes segregated=no surface=asphalt", True),
            (-36, "carriage", "highway=residential lanes=2 maxspeed=30", True),
        ),
    ),
    "rail": (
        16.0,
        _lines(
            (2.2, "rail", "railway=rail electrified=contact_line gauge=1435", True),
            (-2.2, "rail", "railway=rail electrified=contact_line gauge=1435", True),
        ),
    ),
}
"""Half width in metres and the lines, from left to right, of each kind of strip. Traffic keeps right."""


@dataclass(eq=False)
class Strip:
    """A drawn strip: its plan, axis, half width, lines with their roles, and its two sides."""

    plan: StripPlan
    through: Point
    u: Point
    half: float
    lines: list[tuple[str, Street]]
    left: Side
    right: Side
    limits: list[tuple[Point, Point]] = field(default_factory=list)

    def reaches(self, p: Point) -> bool:
        """Whether p lies between the strips that end this one."""
        return all(dot(minus(p, point), normal) > 0 for point, normal in self.limits)


def draw_streets(town: Town, plan: TownPlan) -> list[Block]:
    """
    Draw all streets of a district.

    Parameters
    ----------
    town
        An empty board.
    plan
        Its strips and block sizes.

    Returns
    -------
    blocks
        Cells that are not cut further; their sides say what street runs there.
    """
    board = _board(plan)
    strips: list[Strip] = []
    for strip_plan in plan.strips:
        strips.append(_draw_strip(town, board, strip_plan, strips))
    for i, one in enumerate(strips):
        for another in strips[i + 1 :]:
            _cross_strips(town, one, another)
    quarters = _quarters(board, strips)
    town.quarters = quarters
    town.quarter_names = [town.names.stem()[0] for _ in quarters]
    for strip in strips:
        _furnish_strip(town, strip)
    blocks: list[Block] = []
    for i, quarter in enumerate(quarters):
        dice = town.dice.child(f"quarter {i}")
        coarse = dice.between(0.72, 1.5)  # old quarters are fine-grained, new ones are not
        cutter = Cutter(town, dice, (plan.block_m2[0] * coarse, plan.block_m2[1] * coarse))
        blocks.extend(cutter.cut_up(quarter))
    for strip in strips:
        _cross_railway_on_foot(town, strip)
        _span_avenue_on_foot(town, strip)
    _place_roundabouts(town, plan.roundabouts)
    return blocks


def _board(plan: TownPlan) -> Block:
    """The whole board as one cell, with nothing along its sides."""
    w, h = plan.half_width, plan.half_height
    return Cell(((-w, -h), (w, -h), (w, h), (-w, h)), tuple(Side() for _ in range(4)))


def _draw_strip(town: Town, board: Block, plan: StripPlan, earlier: list[Strip]) -> Strip:
    """Draw the lines of one strip between the board's edges or the strips that limit it."""
    half, rows = PROFILES_OF_STRIPS[plan.kind]
    u = turned((1.0, 0.0), math.radians(plan.bearing_deg))
    stops = [(earlier[i], sign) for i, sign in ((plan.start, -1.0), (plan.end, 1.0)) if i is not None]
    named = _strip_names(town, plan.kind)
    lines: list[tuple[str, Street]] = []
    for row in rows:
        base = plus(plan.through, left_of(u), row.offset)
        low, high = _extent(board, base, u, stops)
        a, b = plus(base, u, low), plus(base, u, high)
        tags = dict(row.tags) | named.get(row.role, {})
        if row.role == "carriage" and plan.kind == "river":
            tags |= named["left" if row.offset > 0 else "right"]
        street = town.street(a, b, tags) if row.forward else town.street(b, a, tags)
        lines.append((row.role, street.ended()))
    strip = Strip(plan, plan.through, u, half, lines, *_strip_sides(plan.kind, lines))
    for stop, _ in stops:
        normal = left_of(stop.u)
        keep = 1.0 if dot(minus(plan.through, stop.through), normal) > 0 else -1.0
        strip.limits.append((stop.through, (normal[0] * keep, normal[1] * keep)))
    return strip


def _extent(board: Block, base: Point, u: Point, stops: list[tuple[Strip, float]]) -> tuple[float, float]:
    """Where a line begins and ends: at the board's edge, or at the far carriageway of the strip it stops at."""
    span = board.span(base, u, 0.0)
    assert span is not None, "a strip passes through the board"
    low, high = span
    for stop, sign in stops:
        meets = [meeting(base, u, line.a, line.u) for role, line in stop.lines if role == "carriage"]
        lengths = [m[0] for m in meets if m is not None]
        if sign < 0:
            low = max(low, min(lengths))
        else:
            high = min(high, max(lengths))
    return low, high


def _strip_names(town: Town, kind: str) -> dict[str, Tags]:
    """Name tags of each role of a strip."""
    if kind == "river":
        stem, stem_en = town.names.stem()
        return {
            "river": {"name": f"{stem}河", "name:en": f"{stem_en} River"},
            "left": {"name": f"{stem}河北路", "name:en": f"{stem_en} River North Road"},
            "right": {"name": f"{stem}河南路", "name:en": f"{stem_en} River South Road"},
        }
    if kind == "rail":
        return {"rail": town.names.tags("rail")}
    if kind == "expressway":
        main = town.names.tags("trunk")
        side = {"name": f"{main['name']}辅路", "name:en": f"{main['name:en']} Service Road"}
        return {"main": main, "carriage": side}
    named = town.names.tags("primary" if kind == "primary" else "secondary")
    return {"carriage": named, "cycle": named}


def _strip_sides(kind: str, lines: list[tuple[str, Street]]) -> tuple[Side, Side]:
    """Left and right side of a strip: which lines a street joins that comes from there."""
    if kind == "rail":
        return Side(setback=12.0, stop=14.0), Side(setback=12.0, stop=14.0)
    if kind == "river":
        return Side((lines[0][1],), 6.0), Side((lines[-1][1],), 6.0)
    if kind == "single":
        street = lines[0][1]
        left, right = Side((street,), 15.0), Side((street,), 15.0)
    else:
        road = [line for role, line in lines if role in AT_GRADE]
        middle = len(road) // 2
        left, right = Side(tuple(road[:middle]), 3.0), Side(tuple(reversed(road[middle:])), 3.0)
    left.other, right.other = right, left
    return left, right


def _quarters(board: Block, strips: Sequence[Strip]) -> list[Block]:
    """Cells between the strips."""
    cells = [board]
    for strip in strips:
        normal = left_of(strip.u)
        back = (-normal[0], -normal[1])
        pieces: list[Block] = []
        for cell in cells:
            if not strip.reaches(cell.centre):
                pieces.append(cell)
                continue
            left = cell.clipped(plus(strip.through, normal, strip.half), normal, strip.left)
            right = cell.clipped(plus(strip.through, back, strip.half), back, strip.right)
            pieces.extend(piece for piece in (left, right) if piece is not None)
        cells = pieces
    return [cell for cell in cells if cell.area > 2_000.0]


def _cross_strips(town: Town, one: Strip, another: Strip) -> None:
    """Apply the rules of crossing to each pair of lines of two strips."""
    for role_a, a in one.lines:
        for role_b, b in another.lines:
            meet = meeting(a.a, a.u, b.a, b.u)
            if meet is None or not _within(meet[0], a) or not _within(meet[1], b):
                continue
            _cross_lines(town, (role_a, a, meet[0]), (role_b, b, meet[1]))


def _within(t: float, street: Street) -> bool:
    """Whether t lies on the street, ends included."""
    return -0.5 <= t <= street.length + 0.5


def _cross_lines(town: Town, one: tuple[str, Street, float], another: tuple[str, Street, float]) -> None:
    """Two lines meet: with a node at grade, on a bridge, in an underpass, or as if nothing were there."""
    (role_a, a, ta), (role_b, b, tb) = one, another
    if role_a in AT_GRADE and role_b in AT_GRADE:
        node = a.node_at(ta, 0.6)
        ends = [item for item in b.nodes if abs(item[0] - tb) <= 0.6]
        for item in ends:  # the free end of a limited strip becomes the crossing
            b.nodes.remove(item)
        b.add(tb, node)
        if role_a == role_b == "carriage":
            town.tag(node, {"highway": "traffic_signals"})
        return
    slant = max(abs(cross(a.u, b.u)), 0.3)
    for (role, street, t), (other_role, _, _) in ((one, another), (another, one)):
        if other_role == "river" and role in (*AT_GRADE, "rail"):
            street.spans.append((t - 33.0 / slant, t + 33.0 / slant, {"bridge": "yes", "layer": "1"}))
        elif other_role == "rail" and role in AT_GRADE:
            street.spans.append((t - 14.0 / slant, t + 14.0 / slant, {"tunnel": "yes", "layer": "-1"}))


def _furnish_strip(town: Town, strip: Strip) -> None:
    """Ramps of an expressway; the river's water, steps and little bridge."""
    if strip.plan.kind == "expressway":
        _ramps(town, strip)
    elif strip.plan.kind == "river":
        _water(town, strip)
        _river_steps(town, strip)


def _ramps(town: Town, strip: Strip) -> None:
    """Slip roads between the elevated lanes and the frontage road, both ways, every kilometre or so."""
    frontage_left, main_left, main_right, frontage_right = (line for _, line in strip.lines)
    link = {"highway": "trunk_link", "oneway": "yes", "motorroad": "yes", "layer": "1"}
    for main, frontage in ((main_left, frontage_left), (main_right, frontage_right)):
        t = 420.0
        while t < main.length - 420.0:
            foot = frontage.along(main.point(t))
            leaving = (main.node_at(t), frontage.node_at(foot + 150.0, 12.0))
            entering = (frontage.node_at(foot + 230.0, 12.0), main.node_at(t + 380.0))
            town.way(leaving, link)
            town.way(entering, link)
            t += 1150.0


def _water(town: Town, strip: Strip) -> None:
    """Water between the banks, a little wider here and narrower there."""
    line = next(street for role, street in strip.lines if role == "river")
    normal = left_of(line.u)
    steps = max(int(line.length / 60.0), 2)
    left, right = [], []
    for i in range(steps + 1):
        t = line.length * i / steps
        p = line.point(t)
        left.append(plus(p, normal, 22.0 + 2.0 * math.sin(t / 170.0)))
        right.append(plus(p, normal, -22.0 - 2.0 * math.sin(t / 130.0 + 1.0)))
    town.area((*right, *reversed(left)), {"natural": "water", "water": "river", "name": line.tags["name"]})


def _river_steps(town: Town, strip: Strip) -> None:
    """Steps and ramps from the bank roads down to the river-side paths, and one bridge for walkers."""
    north, walk, _, cycle, south = (line for _, line in strip.lines)
    for road, path, every, tags in (
        (north, walk, 230.0, {"highway": "steps", "step_count": "14", "incline": "down"}),
        (south, cycle, 310.0, {"highway": "cycleway", "foot": "yes"}),
    ):
        t = 120.0
        while t < road.length - 100.0:
            town.way((road.node_at(t, 15.0), path.node_at(path.along(road.point(t)), 15.0)), tags)
            t += every
    middle = _free_place(walk, strip)
    a, b = walk.node_at(middle, 5.0), cycle.node_at(cycle.along(walk.point(middle)), 5.0)
    bridge = {"highway": "footway", "bridge": "yes", "layer": "1", "name": "示例步行桥"}
    town.way((a, b), bridge)
    road_end = north.node_at(north.along(walk.point(middle)), 12.0)
    town.way((road_end, a), {"highway": "steps", "step_count": "12", "ramp:bicycle": "yes"})
    town.way((south.node_at(south.along(walk.point(middle)), 12.0), b), {"highway": "footway"})


def _free_place(path: Street, strip: Strip) -> float:
    """Place on the river path that is farthest from every bridge."""
    line = next(street for role, street in strip.lines if role == "carriage")
    bridges = sorted(line_t for line_t, _ in line.nodes)
    stops = [0.0, *bridges, line.length]
    widest = max(pairwise(stops), key=lambda pair: pair[1] - pair[0])
    return path.along(line.point((widest[0] + widest[1]) / 2))


def _cross_railway_on_foot(town: Town, strip: Strip) -> None:
    """Where streets end on both sides of the railway, join some of them by steps and a subway."""
    if strip.plan.kind != "rail":
        return
    for i, (p, _, node) in enumerate(strip.left.ends):
        facing = [end for end in strip.right.ends if abs(dot(minus(end[0], p), strip.u)) < 70.0]
        if not facing or i % 2:
            continue
        q, _, other = min(facing, key=lambda end: apart(end[0], p))
        tunnel = {"highway": "footway", "tunnel": "yes", "layer": "-1", "lit": "yes"}
        a, b = town.node(plus(p, unit(minus(q, p)), 5.0)), town.node(plus(q, unit(minus(p, q)), 5.0))
        town.way((node, a), {"highway": "steps", "step_count": "18", "ramp:bicycle": "yes"})
        town.way((a, b), tunnel)
        town.way((b, other), {"highway": "steps", "step_count": "18"})


def _span_avenue_on_foot(town: Town, strip: Strip) -> None:
    """Footbridges with steps over a primary avenue, well away from its junctions."""
    if strip.plan.kind != "primary":
        return
    left, right = strip.left.joins[0], strip.right.joins[0]
    stops = sorted({0.0, left.length, *(t for t, _ in left.nodes)})
    wide = [(a + b) / 2 for a, b in pairwise(stops) if b - a > 170.0]
    for t in wide[::3]:
        p = left.point(t)
        if any(low - 60.0 < t < high + 60.0 for low, high, _ in left.spans):
            continue
        q = right.point(right.along(p))
        if apart(p, q) > 60.0:
            continue
        out = unit(minus(p, q))
        a, b = town.node(plus(p, out, 5.0)), town.node(plus(q, out, -5.0))
        shift = 24.0 if t < left.length - 40.0 else -24.0
        foot_a = left.node_at(t + shift, 8.0)
        foot_b = right.node_at(right.along(left.point(t + shift)), 8.0)
        steps = {"highway": "steps", "step_count": "32", "incline": "up"}
        town.way((foot_a, a), steps)
        town.way((a, b), {"highway": "footway", "bridge": "yes", "layer": "2", "name": "示例过街天桥"})
        town.way((foot_b, b), steps)


def _place_roundabouts(town: Town, count: int) -> None:
    """Turn some crossings of two plain tertiary or secondary streets into roundabouts."""
    through: dict[int, list[Street]] = {}
    for street in town.streets:
        if street.tags.get("highway") in ("secondary", "tertiary") and "oneway" not in street.tags:
            for t, node in street.nodes:
                if 60.0 < t < street.length - 60.0 or street.length > 120.0:
                    through.setdefault(node, []).append(street)
    fit = [n for n, streets in through.items() if len(streets) >= 3 and not _near_bridge(n, streets)]
    fit.sort(key=lambda n: (abs(town.at[n][0]) + abs(town.at[n][1]), n))
    for node in fit[: count * 7 : 7]:
        town.roundabouts[node] = 17.0
        town.node_tags.pop(node, None)


def _near_bridge(node: int, streets: list[Street]) -> bool:
    """Whether a bridge or tunnel begins close by, or another junction is too close for a ring."""
    for street in streets:
        here = next(t for t, n in street.nodes if n == node)
        if any(low - 60.0 < here < high + 60.0 for low, high, _ in street.spans):
            return True
        if any(0.0 < abs(t - here) < 26.0 for t, _ in street.nodes):
            return True
    return False
