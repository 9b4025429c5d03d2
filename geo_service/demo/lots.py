"""
Tools of those who fill blocks: lots, rows of buildings, lanes around and across, ways in, shop fronts.

Buildings keep clear of every street because they are fitted into convex cells that lie inside the streets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from geo_service.demo.cuts import Block
from geo_service.demo.plane import (
    Dice,
    Point,
    apart,
    dot,
    left_of,
    meeting,
    minus,
    plus,
    unit,
)
from geo_service.demo.town import Side, Site, Street, Tags, Town
from geo_service.demo.words import SHOPS, STEMS

STREET_FRONTS = ("primary", "cycleway", "secondary", "tertiary", "unclassified", "residential")


@dataclass(frozen=True)
class Lot:
    """A block with what its fillers need: board, dice, outline of the street axes, and where walls may stand."""

    town: Town
    dice: Dice
    outline: Block
    plot: Block

    @property
    def middle(self) -> Point:
        """Middle of the plot."""
        return self.plot.centre


def row_direction(cell: Block) -> Point:
    """Direction of the rows in a cell: along its longest side, turned to run as near east as it can."""
    a, b, _ = max(cell.edges(), key=lambda edge: apart(edge[0], edge[1]))
    u = unit(minus(b, a))
    if abs(u[0]) < abs(u[1]):
        u = left_of(u)
    return u if u[0] > 0 else (-u[0], -u[1])


def rectangle(p: Point, u: Point, length: float, depth: float) -> tuple[Point, ...]:
    """Corners of a rectangle that begins at p, runs along u, and has its depth on the left."""
    v = left_of(u)
    q = plus(p, u, length)
    return (p, q, plus(q, v, depth), plus(p, v, depth))


def middle_of(corners: Sequence[Point]) -> Point:
    """Mean of some points."""
    return (sum(p[0] for p in corners) / len(corners), sum(p[1] for p in corners) / len(corners))


def mixed_row(
    dice: Dice, low: float, high: float, length: tuple[float, float], gap: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    """Start and length of buildings side by side between low and high."""
    t = low
    while True:
        wide = dice.between(*length)
        if t + wide > high:
            wide = high - t
        if wide < 0.7 * length[0]:
            return
        yield t, wide
        t += wide + dice.between(*gap)


def row_bands(cell: Block, u: Point, depth: float, pitch: float) -> Iterator[tuple[float, float, float]]:
    """Rows of one depth inside a cell: distance left of its centre, and the interval along u that is free."""
    v = left_of(u)
    low, high = cell.reach(cell.centre, v)
    count = int((high - low - depth) // pitch) + 1
    if high - low < depth:
        return
    start = low + ((high - low) - ((count - 1) * pitch + depth)) / 2
    for i in range(count):
        at = start + i * pitch
        below, above = cell.span(cell.centre, u, at), cell.span(cell.centre, u, at + depth)
        if below is not None and above is not None:
            left, right = max(below[0], above[0]), min(below[1], above[1])
            if right - left > 12.0:
                yield at, left, right


def least_width(cell: Block) -> float:
    """Least width of a cell, metres."""
    widths = []
    for a, b, _ in cell.edges():
        if apart(a, b) > 1.0:
            low, high = cell.reach(a, left_of(unit(minus(b, a))))
            widths.append(high - low)
    return min(widths)


def draw_ring(town: Town, cell: Block, tags: Tags) -> list[Street]:
    """Streets along all sides of a cell that share their corner nodes."""
    corners = [town.node(p) for p in cell.corners]
    ring = []
    for i, (a, b, _) in enumerate(cell.edges()):
        street = town.street(a, b, dict(tags))
        street.add(0.0, corners[i])
        street.add(street.length, corners[(i + 1) % len(corners)])
        ring.append(street)
    return ring


def draw_across(town: Town, ring: Sequence[Street], base: Point, u: Point, tags: Tags) -> Street | None:
    """Street along a line from one side of a ring to the other."""
    hits = []
    for street in ring:
        meet = meeting(base, u, street.a, street.u)
        if meet is not None and -1e-6 <= meet[1] <= street.length + 1e-6:
            hits.append((meet[0], street.node_at(meet[1], 2.0)))
    if len(hits) < 2:
        return None
    (low, start), (high, end) = min(hits), max(hits)
    if start == end or high - low < 12.0:
        return None
    lane = town.street(town.at[start], town.at[end], dict(tags))
    lane.add(0.0, start)
    lane.add(lane.length, end)
    return lane


def thread(town: Town, one: Street, another: Street) -> int | None:
    """Give two lanes that cross a common node."""
    meet = meeting(one.a, one.u, another.a, another.u)
    if meet is None or not (4.0 < meet[0] < one.length - 4.0 and 4.0 < meet[1] < another.length - 4.0):
        return None
    node = one.node_at(meet[0], 0.5)
    if all(n != node for _, n in another.nodes):
        another.add(meet[1], node)
    return node


def nearest_on(ring: Sequence[Street], p: Point) -> int:
    """Node of a ring nearest to p, made if need be."""

    def foot(street: Street) -> float:
        return min(max(street.along(p), 0.0), street.length)

    street = min(ring, key=lambda s: apart(s.point(foot(s)), p))
    return street.node_at(foot(street), 7.0)


def entrances_of(
    lot: Lot, count: int, cell: Block | None = None
) -> Iterator[tuple[Side, Point, Point, float]]:
    """
    Sides at which one may enter, the busiest last.

    Yields the side, the point on the plot's edge, the inward direction, and metres along the edge.
    """
    cell = cell or lot.plot
    edges = [(a, b, side) for a, b, side in cell.edges() if side.joins and apart(a, b) > 48.0]
    given = 0
    for a, b, side in lot.dice.mixed(edges):
        if given >= count:
            return
        u, length = unit(minus(b, a)), apart(a, b)
        t = length * lot.dice.between(0.36, 0.64)
        p = plus(a, u, t)
        if any(street.along(p) < 12 or street.along(p) > street.length - 12 for street in side.joins):
            continue
        given += 1
        yield side, p, left_of(u), t


def house_number(street: Street, p: Point) -> int:
    """House number at a point: counted along the street, odd on its left."""
    side = 1 if dot(minus(p, street.a), left_of(street.u)) > 0 else 0
    return 2 * max(int(street.along(p) / 14.0), 1) + side


def draw_building(
    town: Town, corners: tuple[Point, ...], kind: str, levels: int, more: Tags | None = None
) -> None:
    """Draw a building."""
    town.area(corners, {"building": kind, "building:levels": str(levels)} | (more or {}), stiff=True)


def draw_fronts(lot: Lot, cell: Block, gates: Sequence[Point], share: float, depth: float = 9.0) -> None:
    """Rows of shops with their doors on the streets around a cell, leaving the gates and corners free."""
    for a, b, side in cell.edges():
        length = apart(a, b)
        if side.rank not in STREET_FRONTS or length < 45.0 or not lot.dice.chance(share):
            continue
        u = unit(minus(b, a))
        inward = left_of(u)
        base = plus(a, inward, 1.0)
        for t, wide in mixed_row(lot.dice, 4.0, length - 4.0, (14.0, 34.0), (5.0, 16.0)):
            corners = rectangle(plus(base, u, t), u, wide, depth)
            others = [(p, q) for p, q, s in cell.edges() if apart(p, a) > 1e-6 and apart(p, q) > 1e-3]
            tight = min(dot(minus(c, p), left_of(unit(minus(q, p)))) for c in corners for p, q in others)
            if tight < depth + 5.0 or any(apart(middle_of(corners[:2]), g) < wide / 2 + 7.0 for g in gates):
                continue
            _shop_row(lot, corners, u, wide, side)


def _shop_row(lot: Lot, corners: tuple[Point, ...], u: Point, wide: float, side: Side) -> None:
    """One low building with one to three shops behind its street front."""
    dice, town = lot.dice, lot.town
    draw_building(town, corners, "retail", dice.whole(1, 3))
    count = max(int(wide // 11.0), 1)
    for i in range(count):
        if not dice.chance(0.6):
            continue
        front = plus(corners[0], u, wide * (i + 0.5) / count)
        inward = left_of(u)
        door, pin = plus(front, inward, -1.6), plus(front, inward, 4.0)
        street = side.joins[-1]
        town.sites.append(Site("shop", pin, door, street, house_number(street, front)))
        if dice.chance(0.34):
            draw_shop_point(lot, pin)


def draw_shop_point(lot: Lot, pin: Point) -> None:
    """A shop as a point of the map, in the words OpenStreetMap uses."""
    dice = lot.dice
    tags, last = dice.weighted([(weight, (tags, last)) for weight, tags, last in SHOPS])
    hours = dice.weighted(SHOP_HOURS)
    more = {"name": dice.pick(STEMS) + last} | ({"opening_hours": hours} if hours else {})
    lot.town.points.append((pin, tags | more))


SHOP_HOURS: tuple[tuple[float, str], ...] = (
    (4, "09:00-21:00"),
    (3, "10:00-22:00"),
    (3, "06:00-10:00,11:00-14:00,17:00-21:00"),
    (2, "Mo-Fr 08:30-18:00; Sa-Su 09:30-17:00"),
    (2, "24/7"),
    (1, "17:00-02:00"),
    (1, "Mo-Sa 09:00-18:00; PH off"),
    (6, ""),
)
