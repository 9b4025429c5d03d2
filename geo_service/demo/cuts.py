"""
Cuts cells in two with straight streets until they are blocks.

A cut begins and ends where streets on the other side end, if it can, so that streets go on across;
both halves are convex again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from geo_service.demo.plane import (
    Cell,
    Dice,
    Point,
    apart,
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
ALLEYS = (CutRule(0, "living_street", (("highway", "living_street"),), 4.0, 14, 13),)
EARLY_STOP_M2 = (80_000.0, 260_000.0)
"""Now and then a cell of such an area stays whole: a large park, estate or works."""
PATHS = (CutRule(0, "living_street", (("highway", "footway"),), 3.6, 12, 12),)


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
