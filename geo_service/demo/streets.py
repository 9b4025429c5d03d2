"""
Streets of the made-up towns: strips first (avenues, river, railway, expressway), then cells cut in two
until they are blocks.

A strip is a bundle of parallel lines. Where two strips cross, each pair of lines crosses by rule: at
grade with a node, or over or under without one. Cells between strips are convex; a cut is a straight
street across a cell, so both halves are convex again.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from geo_service.demo.plane import (
    Cell,
    Dice,
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

Block = Cell[Side]
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


@dataclass(frozen=True)
class CutRule:
    """How cells above an area are cut: tags, setback of walls, least distance of a cut from a corner."""

    above_m2: float
    kind: str
    tags: tuple[tuple[str, str], ...]
    setback: float
    clear: float
    snap: float


RULES = (
    CutRule(620_000, "secondary", (("highway", "secondary"), ("lanes", "2"), ("maxspeed", "50")), 14, 90, 70),
    CutRule(190_000, "tertiary", (("highway", "tertiary"), ("lanes", "2"), ("maxspeed", "40")), 11, 70, 60),
    CutRule(95_000, "unclassified", (("highway", "unclassified"), ("maxspeed", "30")), 9, 55, 45),
    CutRule(0, "residential", (("highway", "residential"), ("maxspeed", "30")), 8, 45, 38),
)
ALLEYS = (CutRule(0, "living_street", (("highway", "living_street"),), 3.2, 14, 13),)
EARLY_STOP_M2 = (80_000.0, 260_000.0)
"""Now and then a cell of such an area stays whole: a large park, estate or works."""
PATHS = (CutRule(0, "living_street", (("highway", "footway"),), 2.6, 12, 12),)


class Cutter:
    """
    Cuts cells in two with streets until they are small enough.

    Parameters
    ----------
    town
        The board.
    dice
        Chance of this quarter alone.
    block_m2
        Range from which each block's greatest area is thrown.
    rules
        Which street cuts a cell of which size, the largest first.
    """

    def __init__(
        self,
        town: Town,
        dice: Dice,
        block_m2: tuple[float, float],
        rules: tuple[CutRule, ...] = RULES,
    ) -> None:
        self.town, self.dice, self.block_m2, self.rules = town, dice, block_m2, rules

    def cut_up(self, cell: Block) -> Iterator[Block]:
        """Blocks of a cell, left to right as they fall."""
        big = EARLY_STOP_M2[0] < cell.area < EARLY_STOP_M2[1] and self.rules is RULES
        if cell.area <= self.dice.between(*self.block_m2) or (big and self.dice.chance(0.06)):
            yield cell
            return
        rule = next(rule for rule in self.rules if cell.area >= rule.above_m2)
        halves = self._cut(cell, rule)
        if halves is None:
            yield cell
            return
        for half in halves:
            yield from self.cut_up(half)

    def _cut(self, cell: Block, rule: CutRule) -> tuple[Block, Block] | None:
        """Try some cuts and draw the first that keeps clear of the corners."""
        n = len(cell.corners)
        lengths = [apart(a, b) for a, b, _ in cell.edges()]
        order = sorted(range(n), key=lambda i: -lengths[i])
        for attempt in range(9):
            i = order[0] if attempt < 5 or self.dice.chance(0.5) else order[1]
            a = self._start(cell, i, rule, free=attempt > 2)
            found = self._end(cell, i, a, rule) if a is not None else None
            if a is not None and found is not None:
                return self._draw(cell, i, a, *found, rule)
        return None

    def _start(self, cell: Block, i: int, rule: CutRule, *, free: bool) -> Point | None:
        """Point of side i where a cut begins: opposite a street that ends there, or anywhere near the middle."""
        a, b = cell.corners[i], cell.corners[(i + 1) % len(cell.corners)]
        u, length = unit(minus(b, a)), apart(a, b)
        if length < 2.2 * rule.clear:
            return None
        facing = [dot(minus(p, a), u) for p in _facing(cell.sides[i])]
        good = [
            t for t in facing if max(rule.clear, 0.22 * length) < t < length - max(rule.clear, 0.22 * length)
        ]
        if good and (not free) and self.dice.chance(0.85):
            return plus(a, u, min(good, key=lambda t: abs(t - length / 2)))
        t = length * self.dice.between(0.37, 0.63)
        near = min(facing, key=lambda f: abs(f - t), default=None)
        if near is not None and abs(near - t) < rule.snap and rule.clear < near < length - rule.clear:
            t = near
        return plus(a, u, t)

    def _end(self, cell: Block, i: int, a: Point, rule: CutRule) -> tuple[int, Point] | None:
        """Side and point where a cut from a on side i ends."""
        direction = self._heading(cell, i, rule)
        for j, (p, q, side) in enumerate(cell.edges()):
            if j == i or apart(p, q) < 2.0 * rule.clear:
                continue
            w, length = unit(minus(q, p)), apart(p, q)
            meet = meeting(a, direction, p, w)
            if meet is None or meet[0] < 1.0 or not 0.0 < meet[1] < length:
                continue
            t = meet[1]
            near = min((dot(minus(f, p), w) for f in _facing(side)), key=lambda f: abs(f - t), default=None)
            if near is not None and abs(near - t) < rule.snap:
                t = near
            return (j, plus(p, w, t)) if rule.clear < t < length - rule.clear else None
        return None

    def _heading(self, cell: Block, i: int, rule: CutRule) -> Point:
        """Direction of a cut from side i: between its two neighbours, a little off, never flat along the side."""
        n = len(cell.corners)
        a, b = cell.corners[i], cell.corners[(i + 1) % n]
        inward = left_of(unit(minus(b, a)))
        before, after = cell.corners[i - 1], cell.corners[(i + 2) % n]
        mean = plus(unit(minus(before, a)), unit(minus(after, b)), 1.0)
        direction = unit(mean) if math.hypot(*mean) > 0.5 else inward
        if dot(direction, inward) < 0.8:
            direction = inward
        slack = 9.0 if rule.clear >= 70.0 else 4.5
        return turned(direction, math.radians(self.dice.between(-slack, slack)))

    def _draw(self, cell: Block, i: int, a: Point, j: int, b: Point, rule: CutRule) -> tuple[Block, Block]:
        """Draw the street of a cut, join its ends to what runs there, and give both halves."""
        side_a, side_b = cell.sides[i], cell.sides[j]
        u = unit(minus(b, a))
        start, end = plus(a, u, side_a.stop), plus(b, u, -side_b.stop)
        inherited = _continued(side_a, a, u, rule) or _continued(side_b, b, u, rule)
        tags = dict(rule.tags) | (inherited or self._new_tags(rule))
        street = self.town.street(start, end, tags)
        self._join(street, side_a, start, 0.0, -1.0)
        self._join(street, side_b, end, street.length, 1.0)
        right, left = Side((street,), rule.setback), Side((street,), rule.setback)
        right.other, left.other = left, right
        return _halves(cell, i, a, j, b, left, right)

    def _join(self, street: Street, side: Side, p: Point, t: float, sign: float) -> None:
        """Thread one end of a street onto the streets that run along the side, and across if one faces it."""
        nodes = side.attach(p)
        if not nodes:
            node = street.node_at(t)
        else:
            for node in nodes:
                gap = apart(self.town.at[node], p)
                street.add(t + sign * gap, node)
            node = nodes[-1]
            if apart(self.town.at[nodes[0]], p) > 2.0:
                street.node_at(t)
        self._across(street, side, p, node)
        side.ends.append((p, street, node))

    def _across(self, street: Street, side: Side, p: Point, node: int) -> None:
        """Carry a street over a divided avenue if one faces it, or by chance open the median for it."""
        other = side.other
        if other is None or not side.joins or other.joins[-1] is side.joins[-1]:
            return
        facing = [
            end for end in other.ends if abs(side.joins[-1].along(end[0]) - side.joins[-1].along(p)) < 4.0
        ]
        if facing:
            over = facing[0][2]
            for signal in (node, over):
                self.town.tag(signal, {"highway": "traffic_signals"})
        elif street.tags["highway"] in ("secondary", "tertiary") and self.dice.chance(0.5):
            over = other.joins[-1].node_at(other.joins[-1].along(p))
        else:
            return
        tags = {k: v for k, v in street.tags.items() if k not in ("oneway", "oneway:bicycle")}
        self.town.way((node, over), tags)

    def _new_tags(self, rule: CutRule) -> Tags:
        """Name a new street; some small ones are one-way, most of those for bicycles too."""
        dice = self.dice
        if rule.kind == "living_street" and dice.chance(0.62):
            return {}
        tags = self.town.names.tags(rule.kind)
        if rule.kind in ("residential", "unclassified") and dice.chance(0.24):
            kinds: list[tuple[float, Tags]] = [
                (4, {"oneway": "yes"}),
                (5, {"oneway": "yes", "oneway:bicycle": "no"}),
                (1, {"oneway": "yes", "cycleway": "opposite"}),
                (1, {"oneway": "-1"}),
            ]
            tags |= dice.weighted(kinds)
        return tags


def _facing(side: Side) -> list[Point]:
    """Points at which streets end on the other side of the same street or strip."""
    return [p for p, _, _ in side.other.ends] if side.other is not None else []


def _continued(side: Side, p: Point, u: Point, rule: CutRule) -> Tags | None:
    """Tags of a street of the same class that ends opposite p and runs nearly the same way."""
    if side.other is None or not side.joins:
        return None
    for q, street, _ in side.other.ends:
        aligned = abs(dot(street.u, u)) > 0.97
        near = abs(side.joins[0].along(q) - side.joins[0].along(p)) < 4.0
        if aligned and near and street.tags["highway"] == dict(rule.tags)["highway"]:
            same = dict(street.tags)
            if dot(street.u, u) < 0 and "oneway" in same:
                same["oneway"] = {"yes": "-1", "-1": "yes"}[same["oneway"]]
            return same
    return None


def _halves(cell: Block, i: int, a: Point, j: int, b: Point, left: Side, right: Side) -> tuple[Block, Block]:
    """The two cells on the right and on the left of a cut from a on side i to b on side j."""
    n = len(cell.corners)
    corners, sides = [a], [cell.sides[i]]
    k = (i + 1) % n
    while True:
        corners.append(cell.corners[k])
        sides.append(cell.sides[k])
        if k == j:
            break
        k = (k + 1) % n
    one: Block = Cell((*corners, b), (*sides, right))
    corners, sides = [b], [cell.sides[j]]
    k = (j + 1) % n
    while True:
        corners.append(cell.corners[k])
        sides.append(cell.sides[k])
        if k == i:
            break
        k = (k + 1) % n
    two: Block = Cell((*corners, a), (*sides, left))
    return one, two
