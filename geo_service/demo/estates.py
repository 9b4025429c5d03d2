"""Where people live: gated compounds, old quarters of alleys, small infill, and ground that is not for the public."""

from collections.abc import Sequence

from geo_service.demo.cuts import ALLEYS, PATHS, Block, Cutter
from geo_service.demo.lots import (
    Lot,
    draw_across,
    draw_building,
    draw_fronts,
    draw_ring,
    entrances_of,
    house_number,
    least_width,
    middle_of,
    mixed_row,
    nearest_on,
    rectangle,
    row_bands,
    row_direction,
    thread,
)
from geo_service.demo.plane import (
    Point,
    dot,
    left_of,
    minus,
    plus,
    unit,
)
from geo_service.demo.town import Side, Site, Street, Tags


def fill_compound(lot: Lot) -> None:
    """A gated compound: wall and gates, a ring lane, rows of slabs or towers with lanes between, shops outside."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    court = plot.shrunk(15.0)
    if court is None or court.area < 5_500.0 or least_width(court) < 46.0:
        fill_small(lot)
        return
    named = town.names.tags("compound")
    town.area(plot.corners, {"landuse": "residential"} | named)
    shut = dice.chance(0.5)
    lane_tags = {"highway": "service", "service": "driveway"} | ({"motor_vehicle": "private"} if shut else {})
    ring = draw_ring(town, court, lane_tags)
    gates = [_gate(lot, ring, entrance, i) for i, entrance in enumerate(entrances_of(lot, dice.whole(2, 4)))]
    if not gates:
        gates = [_gate(lot, ring, entrance, 0) for entrance in entrances_of(lot, 1, plot)]
    draw_fronts(lot, plot, gates, 0.72)
    _housing(lot, court, ring, lane_tags, gates, named["name"])


GATES: tuple[tuple[float, Tags], ...] = (
    (5, {"barrier": "gate", "foot": "yes", "bicycle": "yes", "motor_vehicle": "private"}),
    (3, {"barrier": "lift_gate", "foot": "yes", "bicycle": "yes", "motor_vehicle": "permissive"}),
    (4, {"barrier": "gate", "foot": "yes", "bicycle": "no", "motor_vehicle": "no"}),
    (3, {"barrier": "gate", "access": "private"}),
    (2, {"barrier": "gate", "foot": "yes", "bicycle": "yes", "opening_hours": "06:00-23:00"}),
    (2, {"barrier": "swing_gate", "access": "permissive", "opening_hours": "07:00-22:00"}),
    (1, {"barrier": "cycle_barrier", "foot": "yes", "bicycle": "yes"}),
)
"""How the further gates of a compound may be passed; the first always lets walkers and bicycles in."""


def _gate(lot: Lot, ring: Sequence[Street], entrance: tuple[Side, Point, Point, float], i: int) -> Point:
    """One gate: a lane from the street through the wall to the ring."""
    town = lot.town
    side, p, inward, _ = entrance
    tags = GATES[0][1] if i == 0 else lot.dice.weighted(GATES)
    if i == 0 and lot.dice.chance(0.3):
        tags = GATES[1][1]
    inner = nearest_on(ring, plus(p, inward, 15.0))
    gate = town.node(p, dict(tags))
    foot_only = tags.get("bicycle") == "no"
    lane = {"highway": "footway"} if foot_only else {"highway": "service"}
    town.way((inner, gate, *side.attach(p, 10.0)), lane)
    return p


def _housing(
    lot: Lot, court: Block, ring: list[Street], lane_tags: Tags, gates: Sequence[Point], name: str
) -> None:
    """Rows of houses inside the ring with a lane in each gap, and one lane across them all if it is wide."""
    inner = court.shrunk(6.5)
    if inner is None:
        return
    town, dice = lot.town, lot.dice
    u = row_direction(court)
    towers = dice.chance(0.3)
    depth, gap = (20.0, dice.between(24, 30)) if towers else (dice.between(11, 13.5), dice.between(18, 24))
    levels = dice.whole(16, 30) if towers else dice.pick((5, 6, 6, 6, 7, 9, 11))
    low, high = inner.reach(inner.centre, u)
    spine_at = (low + high) / 2 + dice.between(-12, 12) if high - low > 118.0 else None
    spine = None
    if spine_at is not None:
        spine = draw_across(town, ring, plus(inner.centre, u, spine_at), left_of(u), lane_tags)
    free = spine_at if spine is not None else None
    rows = list(row_bands(inner, u, depth, depth + gap))
    hall = dice.whole(0, len(rows) - 1) if rows else -1
    for i, (at, left, right) in enumerate(rows):
        _house_row(lot, inner, u, (at, left, right), depth, free, towers, levels, (i == hall, gates, name))
        if i + 1 < len(rows):
            tags = {"highway": "footway"} if (i % 2 or dice.chance(0.25)) else dict(lane_tags)
            base = plus(inner.centre, left_of(u), at + depth + gap / 2)
            lane = draw_across(town, ring, base, u, tags)
            if lane is not None and spine is not None:
                thread(town, spine, lane)


def _house_row(
    lot: Lot,
    inner: Block,
    u: Point,
    row: tuple[float, float, float],
    depth: float,
    spine_at: float | None,
    towers: bool,
    levels: int,
    hall: tuple[bool, Sequence[Point], str],
) -> None:
    """Houses of one row, left and right of the lane across; the community hall is one of them."""
    at, left, right = row
    base = plus(inner.centre, left_of(u), at)
    parts = (
        [(left + 1, right - 1)]
        if spine_at is None
        else [(left + 1, min(spine_at - 8, right - 1)), (max(spine_at + 8, left + 1), right - 1)]
    )
    length, gap = ((22.0, 30.0), (16.0, 24.0)) if towers else ((34.0, 64.0), (9.0, 13.0))
    has_hall, gates, name = hall
    for low, high in parts:
        for t, wide in mixed_row(lot.dice, low, high, length, gap):
            corners = rectangle(plus(base, u, t), u, wide, depth)
            if has_hall and gates:
                has_hall = False
                _hall(lot, corners, gates, name)
            else:
                draw_building(lot.town, corners, "apartments", levels)


def _hall(lot: Lot, corners: tuple[Point, ...], gates: Sequence[Point], name: str) -> None:
    """The community's house inside a compound; its sign stands there, but one gets in at the first gate."""
    pin, gate = middle_of(corners), gates[0]
    draw_building(lot.town, corners, "civic", 2, {"name": f"{name}居民之家"})
    street = min(
        (s for side in lot.plot.sides for s in side.joins[-1:]),
        key=lambda s: abs(dot(minus(gate, s.a), left_of(s.u))),
    )
    lot.town.sites.append(Site("hall", pin, gate, street, house_number(street, gate), name))


def fill_small(lot: Lot) -> None:
    """A block too small for a compound: a few houses along a lane."""
    plot, town = lot.plot, lot.town
    inner = plot.shrunk(2.0)
    if inner is None:
        return
    u = row_direction(inner)
    town.area(plot.corners, {"landuse": "residential"})
    if plot.area > 5_000:
        gates = []
        for side, p, inward, _ in entrances_of(lot, 1):
            end = town.node(plus(p, inward, 12.0))
            town.way((end, *side.attach(p, 8.0)), {"highway": "service"})
            gates.append(p)
        draw_fronts(lot, plot, gates, 1.0)
        yard = plot.shrunk(17.0)
        if yard is None:
            return
        inner = yard
    for at, left, right in row_bands(inner, u, 11.0, 19.0):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in mixed_row(lot.dice, left, right, (14.0, 30.0), (3.0, 8.0)):
            draw_building(
                town, rectangle(plus(base, u, t), u, wide, 11.0), "residential", lot.dice.whole(2, 5)
            )


def fill_village(lot: Lot) -> None:
    """Old courtyard quarter: alleys cut into alleys, low houses, no wall."""
    town, plot = lot.town, lot.plot
    town.area(plot.corners, {"landuse": "residential", "residential": "urban"})
    rules = ALLEYS if lot.dice.chance(0.7) else PATHS
    rules_m2 = (2_400.0, 4_200.0)
    lots = list(Cutter(town, lot.dice, rules_m2, rules).cut_up(lot.outline))
    for piece in lots:
        free = piece.inset([side.setback for side in piece.sides])
        if free is not None:
            _courtyards(lot, free)


def _courtyards(lot: Lot, free: Block) -> None:
    """Low houses around the yards of one piece of an old quarter."""
    u = row_direction(free)
    for at, left, right in row_bands(free, u, 7.0, lot.dice.between(15, 18)):
        base = plus(free.centre, left_of(u), at)
        for t, wide in mixed_row(lot.dice, left + 0.5, right - 0.5, (11.0, 22.0), (3.0, 6.0)):
            corners = rectangle(plus(base, u, t), u, wide, 7.0)
            if free.clearance(middle_of(corners)) > 3.0:
                draw_building(lot.town, corners, "house", 1)
                _alley_shop(lot, free, corners)


def _alley_shop(lot: Lot, free: Block, corners: tuple[Point, ...]) -> None:
    """Now and then a house of an old quarter is a shop with its door on a named alley."""
    if not lot.dice.chance(0.1):
        return
    pin = middle_of(corners)
    edges = [(a, b, side) for a, b, side in free.edges() if side.joins and side.joins[-1].tags.get("name")]
    for a, b, side in edges:
        inward = left_of(unit(minus(b, a)))
        gap = dot(minus(pin, a), inward)
        if gap < 9.0 and 0 < side.joins[-1].along(pin) < side.joins[-1].length:
            street = side.joins[-1]
            door = plus(pin, inward, -gap - 0.8)
            lot.town.sites.append(Site("shop", pin, door, street, house_number(street, pin)))
            return


def fill_guarded(lot: Lot) -> None:
    """Ground that is not for the public: every lane private, behind private gates."""
    town, plot = lot.town, lot.plot
    court = plot.shrunk(10.0)
    inner = court.shrunk(9.5) if court is not None else None
    if court is None or inner is None:
        fill_small(lot)
        return
    town.area(plot.corners, {"landuse": "commercial", "access": "private"})
    private = {"highway": "service", "access": "private"}
    ring = draw_ring(town, court, private)
    for side, p, inward, _ in entrances_of(lot, 2):
        gate = town.node(p, {"barrier": "lift_gate", "access": "private"})
        town.way((nearest_on(ring, plus(p, inward, 10.0)), gate, *side.attach(p, 10.0)), private)
    u = row_direction(court)
    for at, left, right in row_bands(inner, u, 16.0, 38.0):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in mixed_row(lot.dice, left, right, (40.0, 70.0), (14.0, 20.0)):
            draw_building(town, rectangle(plus(base, u, t), u, wide, 16.0), "office", 5)
