"""
What stands in a block: gated compounds, alleys, offices, parks, schools, hospitals, depots, malls.

Each filler gets the block shrunk to where walls may stand, its dice, and draws. Buildings keep clear
of every street because they are fitted into convex cells that already lie inside the streets.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
from geo_service.demo.streets import ALLEYS, PATHS, Block, Cutter
from geo_service.demo.town import Side, Site, Street, Tags, Town
from geo_service.demo.words import SHOPS

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


def fill_blocks(town: Town, blocks: Sequence[Block]) -> None:
    """
    Fill every block of a district.

    Parameters
    ----------
    town
        Board with its streets drawn.
    blocks
        What `geo_service.demo.streets.draw_streets` left between them.
    """
    kinds = _kinds(town, blocks)
    for i, (block, kind) in enumerate(zip(blocks, kinds, strict=True)):
        plot = _plot(town, block)
        if plot is None or plot.area < 600.0:
            continue
        lot = Lot(town, town.dice.child(f"block {i}"), block, plot)
        FILLERS[kind](lot)
        _kerbs(lot)


def _plot(town: Town, block: Block) -> Block | None:
    """The block less the pavements, and less the corner that a roundabout takes."""
    plot = block.inset([side.setback for side in block.sides])
    for node, radius in town.roundabouts.items():
        centre = town.at[node]
        if plot is not None and apart(centre, plot.centre) < 900.0:
            away = unit(minus(plot.centre, centre))
            nearest = min(dot(minus(p, centre), away) for p in plot.corners)
            if nearest < radius + 7.0:
                plot = plot.clipped(plus(centre, away, radius + 7.0), away, Side())
    return plot


def _kinds(town: Town, blocks: Sequence[Block]) -> list[str]:
    """What each block becomes; rare kinds are dealt first so that every district has some of each."""
    dice = town.dice.child("kinds")
    n = len(blocks)
    kinds = [""] * n
    vast = [i for i in range(n) if blocks[i].area > 95_000]
    for i in vast:
        kinds[i] = dice.weighted([(5, "park"), (3, "compound"), (1, "works")])
    roomy = dice.mixed(
        [i for i in range(n) if 28_000 < blocks[i].area <= 95_000 and len(blocks[i].corners) >= 4]
    )
    for kind, share in (("hospital", 0.014), ("mall", 0.018), ("school", 0.05), ("park", 0.05)):
        given: list[Point] = []
        for i in roomy:
            crowded = any(apart(blocks[i].centre, p) < 420.0 for p in given)
            if len(given) < max(int(share * n), 2) and not kinds[i] and not crowded:
                kinds[i] = kind
                given.append(blocks[i].centre)
    rest: list[tuple[float, str]] = [
        (62, "compound"), (9, "village"), (15, "office"), (5, "works"), (1.5, "building_site"), (3, "guarded"),
    ]  # fmt: skip
    return [kind or dice.weighted(rest) for kind in kinds]


# --- small tools of the fillers


def _east(cell: Block) -> Point:
    """Direction of the rows in a cell: along its longest side, turned to run as near east as it can."""
    a, b, _ = max(cell.edges(), key=lambda edge: apart(edge[0], edge[1]))
    u = unit(minus(b, a))
    if abs(u[0]) < abs(u[1]):
        u = left_of(u)
    return u if u[0] > 0 else (-u[0], -u[1])


def _rectangle(p: Point, u: Point, length: float, depth: float) -> tuple[Point, ...]:
    """Corners of a rectangle that begins at p, runs along u, and has its depth on the left."""
    v = left_of(u)
    q = plus(p, u, length)
    return (p, q, plus(q, v, depth), plus(p, v, depth))


def _middle(corners: Sequence[Point]) -> Point:
    """Mean of some points."""
    return (sum(p[0] for p in corners) / len(corners), sum(p[1] for p in corners) / len(corners))


def _mixed_row(
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


def _rows(cell: Block, u: Point, depth: float, pitch: float) -> Iterator[tuple[float, float, float]]:
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


def _ring(town: Town, cell: Block, tags: Tags) -> list[Street]:
    """Streets along all sides of a cell that share their corner nodes."""
    corners = [town.node(p) for p in cell.corners]
    ring = []
    for i, (a, b, _) in enumerate(cell.edges()):
        street = town.street(a, b, dict(tags))
        street.add(0.0, corners[i])
        street.add(street.length, corners[(i + 1) % len(corners)])
        ring.append(street)
    return ring


def _across(town: Town, ring: Sequence[Street], base: Point, u: Point, tags: Tags) -> Street | None:
    """Street along a line from one side of a ring to the other."""
    hits = []
    for street in ring:
        meet = meeting(base, u, street.a, street.u)
        if meet is not None and -1e-6 <= meet[1] <= street.length + 1e-6:
            hits.append((meet[0], street.node_at(meet[1], 5.0)))
    if len(hits) < 2:
        return None
    (low, start), (high, end) = min(hits), max(hits)
    if start == end or high - low < 12.0:
        return None
    lane = town.street(town.at[start], town.at[end], dict(tags))
    lane.add(0.0, start)
    lane.add(lane.length, end)
    return lane


def _thread(town: Town, one: Street, another: Street) -> int | None:
    """Give two lanes that cross a common node."""
    meet = meeting(one.a, one.u, another.a, another.u)
    if meet is None or not (4.0 < meet[0] < one.length - 4.0 and 4.0 < meet[1] < another.length - 4.0):
        return None
    node = one.node_at(meet[0], 0.5)
    if all(n != node for _, n in another.nodes):
        another.add(meet[1], node)
    return node


def _nearest_on(ring: Sequence[Street], p: Point) -> int:
    """Node of a ring nearest to p, made if need be."""

    def foot(street: Street) -> float:
        return min(max(street.along(p), 0.0), street.length)

    street = min(ring, key=lambda s: apart(s.point(foot(s)), p))
    return street.node_at(foot(street), 7.0)


def _entrances(lot: Lot, count: int, cell: Block | None = None) -> Iterator[tuple[Side, Point, Point, float]]:
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


def _number(street: Street, p: Point) -> int:
    """House number at a point: counted along the street, odd on its left."""
    side = 1 if dot(minus(p, street.a), left_of(street.u)) > 0 else 0
    return 2 * max(int(street.along(p) / 14.0), 1) + side


def _building(
    town: Town, corners: tuple[Point, ...], kind: str, levels: int, more: Tags | None = None
) -> None:
    """Draw a building."""
    town.area(corners, {"building": kind, "building:levels": str(levels)} | (more or {}), stiff=True)


def _kerbs(lot: Lot) -> None:
    """Sites on the pavement, where cabinets and public toilets stand."""
    for a, b, side in lot.plot.edges():
        length = apart(a, b)
        if not side.joins or length < 60.0 or not lot.dice.chance(0.55):
            continue
        u = unit(minus(b, a))
        p = plus(plus(a, u, length * lot.dice.between(0.12, 0.3)), left_of(u), -1.2)
        street = side.joins[-1]
        if 5.0 < street.along(p) < street.length - 5.0:
            lot.town.sites.append(Site("kerb", p, None, street, _number(street, p)))


# --- street fronts


def _fronts(lot: Lot, cell: Block, gates: Sequence[Point], share: float, depth: float = 9.0) -> None:
    """Rows of shops with their doors on the streets around a cell, leaving the gates and corners free."""
    for a, b, side in cell.edges():
        length = apart(a, b)
        if side.rank not in STREET_FRONTS or length < 45.0 or not lot.dice.chance(share):
            continue
        u = unit(minus(b, a))
        inward = left_of(u)
        base = plus(a, inward, 1.0)
        for t, wide in _mixed_row(lot.dice, 4.0, length - 4.0, (14.0, 34.0), (2.0, 16.0)):
            corners = _rectangle(plus(base, u, t), u, wide, depth)
            others = [(p, q) for p, q, s in cell.edges() if apart(p, a) > 1e-6 and apart(p, q) > 1e-3]
            tight = min(dot(minus(c, p), left_of(unit(minus(q, p)))) for c in corners for p, q in others)
            if tight < depth + 3.0 or any(apart(_middle(corners[:2]), g) < wide / 2 + 7.0 for g in gates):
                continue
            _shop_row(lot, corners, u, wide, side)


def _shop_row(lot: Lot, corners: tuple[Point, ...], u: Point, wide: float, side: Side) -> None:
    """One low building with one to three shops behind its street front."""
    dice, town = lot.dice, lot.town
    _building(town, corners, "retail", dice.whole(1, 3))
    count = max(int(wide // 11.0), 1)
    for i in range(count):
        if not dice.chance(0.6):
            continue
        front = plus(corners[0], u, wide * (i + 0.5) / count)
        inward = left_of(u)
        door, pin = plus(front, inward, -1.6), plus(front, inward, 4.0)
        street = side.joins[-1]
        town.sites.append(Site("shop", pin, door, street, _number(street, front)))
        if dice.chance(0.34):
            _shop_point(lot, pin)


def _shop_point(lot: Lot, pin: Point) -> None:
    """A shop as a point of the map, in the words OpenStreetMap uses."""
    dice = lot.dice
    tags, last = dice.weighted([(weight, (tags, last)) for weight, tags, last in SHOPS])
    stem, _ = dice.child(round(pin[0], 3)).pick(_STEMS)
    hours = dice.weighted(SHOP_HOURS)
    more = {"name": stem + last} | ({"opening_hours": hours} if hours else {})
    lot.town.points.append((pin, tags | more))


_STEMS = tuple((word, "") for word in (
    "晴禾", "小满", "阿榕", "半夏", "拾穗", "松果", "一苇", "知更", "四时", "暖灶", "青团", "禾木", "南瓜灯", "云朵",
    "老榆", "蓝莓", "芝麻", "橙子", "木棉", "风铃", "星野", "鲸落", "月牙", "花椒", "山葵", "麦芽", "核桃", "薄荷",
))  # fmt: skip

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


# --- fillers


def _compound(lot: Lot) -> None:
    """A gated compound: wall and gates, a ring lane, rows of slabs or towers with lanes between, shops outside."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    court = plot.shrunk(15.0)
    if court is None or court.area < 5_500.0 or _narrow(court) < 46.0:
        _infill(lot)
        return
    named = town.names.tags("compound")
    town.area(plot.corners, {"landuse": "residential"} | named)
    shut = dice.chance(0.5)
    lane_tags = {"highway": "service", "service": "driveway"} | ({"motor_vehicle": "private"} if shut else {})
    ring = _ring(town, court, lane_tags)
    gates = [_gate(lot, ring, entrance, i) for i, entrance in enumerate(_entrances(lot, dice.whole(2, 4)))]
    if not gates:
        gates = [_gate(lot, ring, entrance, 0) for entrance in _entrances(lot, 1, plot)]
    _fronts(lot, plot, gates, 0.72)
    _housing(lot, court, ring, lane_tags, gates, named["name"])


def _narrow(cell: Block) -> float:
    """Least width of a cell, metres."""
    widths = []
    for a, b, _ in cell.edges():
        if apart(a, b) > 1.0:
            low, high = cell.reach(a, left_of(unit(minus(b, a))))
            widths.append(high - low)
    return min(widths)


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
    inner = _nearest_on(ring, plus(p, inward, 15.0))
    gate = town.node(p, dict(tags))
    foot_only = tags.get("bicycle") == "no"
    lane = {"highway": "footway"} if foot_only else {"highway": "service"}
    town.way((inner, gate, *side.attach(p, 10.0)), lane)
    return p


def _housing(
    lot: Lot, court: Block, ring: list[Street], lane_tags: Tags, gates: Sequence[Point], name: str
) -> None:
    """Rows of houses inside the ring with a lane in each gap, and one lane across them all if it is wide."""
    inner = court.shrunk(5.5)
    if inner is None:
        return
    town, dice = lot.town, lot.dice
    u = _east(court)
    towers = dice.chance(0.3)
    depth, gap = (20.0, dice.between(24, 30)) if towers else (dice.between(11, 13.5), dice.between(17, 23))
    levels = dice.whole(16, 30) if towers else dice.pick((5, 6, 6, 6, 7, 9, 11))
    low, high = inner.reach(inner.centre, u)
    spine_at = (low + high) / 2 + dice.between(-12, 12) if high - low > 118.0 else None
    spine = None
    if spine_at is not None:
        spine = _across(town, ring, plus(inner.centre, u, spine_at), left_of(u), lane_tags)
    free = spine_at if spine is not None else None
    rows = list(_rows(inner, u, depth, depth + gap))
    hall = dice.whole(0, len(rows) - 1) if rows else -1
    for i, (at, left, right) in enumerate(rows):
        _house_row(lot, inner, u, (at, left, right), depth, free, towers, levels, (i == hall, gates, name))
        if i + 1 < len(rows):
            tags = {"highway": "footway"} if (i % 2 or dice.chance(0.25)) else dict(lane_tags)
            base = plus(inner.centre, left_of(u), at + depth + gap / 2)
            lane = _across(town, ring, base, u, tags)
            if lane is not None and spine is not None:
                _thread(town, spine, lane)


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
        [(left + 1, right - 1)] if spine_at is None else [(left + 1, spine_at - 6), (spine_at + 6, right - 1)]
    )
    length, gap = ((22.0, 30.0), (16.0, 24.0)) if towers else ((34.0, 64.0), (9.0, 13.0))
    has_hall, gates, name = hall
    for low, high in parts:
        for t, wide in _mixed_row(lot.dice, low, high, length, gap):
            corners = _rectangle(plus(base, u, t), u, wide, depth)
            if has_hall and gates:
                has_hall = False
                _hall(lot, corners, gates, name)
            else:
                _building(lot.town, corners, "apartments", levels)


def _hall(lot: Lot, corners: tuple[Point, ...], gates: Sequence[Point], name: str) -> None:
    """The community's house inside a compound; its sign stands there, but one gets in at the first gate."""
    pin, gate = _middle(corners), gates[0]
    _building(lot.town, corners, "civic", 2, {"name": f"{name}居民之家"})
    street = min(
        (s for side in lot.plot.sides for s in side.joins[-1:]),
        key=lambda s: abs(dot(minus(gate, s.a), left_of(s.u))),
    )
    lot.town.sites.append(Site("hall", pin, gate, street, _number(street, gate), name))


def _infill(lot: Lot) -> None:
    """A block too small for a compound: a few houses along a lane."""
    plot, town = lot.plot, lot.town
    inner = plot.shrunk(2.0)
    if inner is None:
        return
    u = _east(inner)
    town.area(plot.corners, {"landuse": "residential"})
    if plot.area > 5_000:
        gates = []
        for side, p, inward, _ in _entrances(lot, 1):
            end = town.node(plus(p, inward, 12.0))
            town.way((end, *side.attach(p, 8.0)), {"highway": "service"})
            gates.append(p)
        _fronts(lot, plot, gates, 1.0)
        yard = plot.shrunk(17.0)
        if yard is None:
            return
        inner = yard
    for at, left, right in _rows(inner, u, 11.0, 19.0):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in _mixed_row(lot.dice, left, right, (14.0, 30.0), (3.0, 8.0)):
            _building(town, _rectangle(plus(base, u, t), u, wide, 11.0), "residential", lot.dice.whole(2, 5))


def _village(lot: Lot) -> None:
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
    u = _east(free)
    for at, left, right in _rows(free, u, 7.0, lot.dice.between(15, 18)):
        base = plus(free.centre, left_of(u), at)
        for t, wide in _mixed_row(lot.dice, left + 0.5, right - 0.5, (11.0, 22.0), (1.0, 5.0)):
            corners = _rectangle(plus(base, u, t), u, wide, 7.0)
            if free.clearance(_middle(corners)) > 3.0:
                _building(lot.town, corners, "house", 1)
                _alley_shop(lot, free, corners)


def _alley_shop(lot: Lot, free: Block, corners: tuple[Point, ...]) -> None:
    """Now and then a house of an old quarter is a shop with its door on a named alley."""
    if not lot.dice.chance(0.1):
        return
    pin = _middle(corners)
    edges = [(a, b, side) for a, b, side in free.edges() if side.joins and side.joins[-1].tags.get("name")]
    for a, b, side in edges:
        inward = left_of(unit(minus(b, a)))
        gap = dot(minus(pin, a), inward)
        if gap < 9.0 and 0 < side.joins[-1].along(pin) < side.joins[-1].length:
            street = side.joins[-1]
            door = plus(pin, inward, -gap - 0.8)
            lot.town.sites.append(Site("shop", pin, door, street, _number(street, pin)))
            return


def _office(lot: Lot) -> None:
    """Office towers on podiums around a service lane."""
    _big_buildings(lot, "commercial", "office", (30.0, 62.0), 26.0, (6, 28))


def _works(lot: Lot) -> None:
    """Sheds of a depot or workshop yard."""
    _big_buildings(lot, "industrial", "warehouse", (44.0, 80.0), 28.0, (1, 3))


def _big_buildings(
    lot: Lot, landuse: str, kind: str, length: tuple[float, float], depth: float, levels: tuple[int, int]
) -> None:
    """A ring lane with big buildings inside; every second one has a name and a lobby."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    court = plot.shrunk(6.0)
    inner = court.shrunk(6.0) if court is not None else None
    if court is None or inner is None or inner.area < 3_000.0:
        _infill(lot)
        return
    area_name = town.names.tags("works") if landuse == "industrial" else {}
    town.area(plot.corners, {"landuse": landuse} | area_name)
    ring = _ring(town, court, {"highway": "service"})
    doors = []
    for side, p, inward, _ in _entrances(lot, 3):
        node = _nearest_on(ring, plus(p, inward, 6.0))
        town.way((node, *side.attach(p, 10.0)), {"highway": "service"})
        doors.append((p, side.joins[-1]))
    u = _east(court)
    rows = list(_rows(inner, u, depth, depth + 16.0))
    for i, (at, left, right) in enumerate(rows):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in _mixed_row(dice, left + 1, right - 1, length, (13.0, 18.0)):
            corners = _rectangle(plus(base, u, t), u, wide, depth)
            named = town.names.tags("tower") if kind == "office" and dice.chance(0.4) else {}
            _building(town, corners, kind, dice.whole(*levels), named)
            _lobby(lot, corners, doors, named.get("name", area_name.get("name", "")), landuse)
        if i + 1 < len(rows):
            _across(town, ring, plus(base, left_of(u), depth + 8.0), u, {"highway": "service"})


def _lobby(
    lot: Lot, corners: tuple[Point, ...], doors: Sequence[tuple[Point, Street]], name: str, landuse: str
) -> None:
    """A site inside a named big building, entered from the nearest way in."""
    if not doors or not name:
        return
    pin = _middle(corners)
    door, street = min(doors, key=lambda item: apart(item[0], pin))
    kind = "depot" if landuse == "industrial" else "lobby"
    lot.town.sites.append(Site(kind, pin, door, street, _number(street, door), name))


def _park(lot: Lot) -> None:
    """A park: a path around, paths across with steps over a rise, a pond, water to drink."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    named = town.names.tags("park")
    town.area(plot.corners, {"leisure": "park"} | named)
    court = plot.shrunk(13.0)
    if court is None:
        return
    ring = _ring(town, court, {"highway": "footway"} if dice.chance(0.6) else {"highway": "path"})
    for side, p, inward, _ in _entrances(lot, 4):
        town.way((_nearest_on(ring, plus(p, inward, 13.0)), *side.attach(p, 8.0)), {"highway": "footway"})
    u = _east(court)
    v = left_of(u)
    one = _across(town, ring, court.centre, u, {"highway": "footway"})
    two = _across(town, ring, court.centre, v, {"highway": "footway"})
    if one is not None and two is not None:
        _thread(town, one, two)
    if two is not None and two.length > 90.0 and dice.chance(0.45):
        two.spans.append((14.0, 32.0, {"highway": "steps", "step_count": "24"}))
    _pond(lot, court, u)
    _park_points(lot, court, named["name"])


def _pond(lot: Lot, court: Block, u: Point) -> None:
    """A pond in the quarter of a park that has most room."""
    u = u if lot.dice.chance(0.5) else (-u[0], -u[1])
    v = left_of(u)
    quarter: Block | None = court.clipped(plus(court.centre, u, 6.0), u, Side())
    quarter = quarter.clipped(plus(court.centre, v, 6.0), v, Side()) if quarter is not None else None
    if quarter is None or quarter.area < 1_500.0:
        return
    rounder = [quarter.corners[i] for i in range(len(quarter.corners))]
    shore: list[Point] = []
    for i, p in enumerate(rounder):
        q = rounder[(i + 1) % len(rounder)]
        for share in (0.22, 0.5, 0.78):
            on = (p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share)
            pull = 0.74 if share == 0.5 else 0.8
            c = quarter.centre
            shore.append((c[0] + (on[0] - c[0]) * pull, c[1] + (on[1] - c[1]) * pull))
    name = {"name": lot.town.names.stem()[0] + "池"} if lot.dice.chance(0.5) else {}
    lot.town.area(tuple(shore), {"natural": "water", "water": "pond"} | name)


def _park_points(lot: Lot, court: Block, name: str) -> None:
    """Sites and points of a park near its path."""
    town = lot.town
    p = plus(court.corners[0], unit(minus(court.centre, court.corners[0])), 10.0)
    q = plus(court.corners[1], unit(minus(court.centre, court.corners[1])), 8.0)
    street = next((side.joins[-1] for side in lot.plot.sides if side.joins), None)
    town.points.append((p, {"amenity": "drinking_water"}))
    town.sites.append(Site("park", q, None, street, 1, name))


def _school(lot: Lot) -> None:
    """A school: one gate for those who belong there, teaching blocks, a running track."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    named = town.names.tags("school")
    town.area(plot.corners, {"amenity": "school"} | named)
    inner = plot.shrunk(9.0)
    if inner is None:
        return
    u = _east(inner)
    v = left_of(u)
    houses = inner.clipped(plus(inner.centre, u, 6.0), u, Side())
    field = inner.clipped(plus(inner.centre, u, -6.0), (-u[0], -u[1]), Side())
    for at, left, right in _rows(houses, u, 14.0, 40.0) if houses is not None else ():
        base = plus(houses.centre, v, at) if houses is not None else inner.centre
        for t, wide in _mixed_row(dice, left, right, (36.0, 70.0), (12.0, 16.0)):
            _building(town, _rectangle(plus(base, u, t), u, wide, 14.0), "school", 4)
    if field is not None:
        _pitch(lot, field, u)
    for side, p, inward, _ in _entrances(lot, 1):
        gate = town.node(
            p, {"barrier": "gate", "access": "private", "opening_hours": "Mo-Fr 06:30-19:00; PH off"}
        )
        end = town.node(plus(p, inward, 8.0))
        town.way((end, gate, *side.attach(p, 8.0)), {"highway": "service", "access": "private"})


def _pitch(lot: Lot, field: Block, u: Point) -> None:
    """The largest of some pitches that fits."""
    v = left_of(u)
    for length, depth in ((96.0, 60.0), (70.0, 44.0), (44.0, 28.0), (28.0, 15.0)):
        start = plus(plus(field.centre, u, -length / 2), v, -depth / 2)
        corners = _rectangle(start, u, length, depth)
        if min(field.clearance(p) for p in corners) > 1.0:
            lot.town.area(corners, {"leisure": "pitch", "sport": "athletics"}, stiff=True)
            return


def _hospital(lot: Lot) -> None:
    """A hospital: open ground, wards, an emergency entrance."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    named = town.names.tags("hospital")
    town.area(plot.corners, {"amenity": "hospital", "emergency": "yes", "opening_hours": "24/7"} | named)
    court = plot.shrunk(8.0)
    inner = court.shrunk(7.0) if court is not None else None
    if court is None or inner is None:
        return
    ring = _ring(town, court, {"highway": "service"})
    doors = []
    for side, p, inward, _ in _entrances(lot, 2):
        town.way((_nearest_on(ring, plus(p, inward, 8.0)), *side.attach(p, 10.0)), {"highway": "service"})
        doors.append((p, side.joins[-1]))
    u = _east(court)
    first = True
    for at, left, right in _rows(inner, u, 22.0, 46.0):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in _mixed_row(dice, left, right, (48.0, 90.0), (16.0, 22.0)):
            corners = _rectangle(plus(base, u, t), u, wide, 22.0)
            _building(town, corners, "hospital", dice.whole(4, 14))
            if first and doors:
                first = False
                door, street = doors[0]
                town.sites.append(
                    Site("hospital", _middle(corners), door, street, _number(street, door), named["name"])
                )


def _mall(lot: Lot) -> None:
    """A shopping quarter: two pedestrian streets that cross in a square, and a big house in each corner."""
    town, plot = lot.town, lot.plot
    named = town.names.tags("mall")
    town.area(plot.corners, {"landuse": "retail", "name": named["name"][:-3] + "商圈"})
    court = plot.shrunk(3.0)
    if court is None:
        return
    ring = _ring(town, court, {"highway": "pedestrian"})
    u = _east(court)
    v = left_of(u)
    walk = {"highway": "pedestrian", "bicycle": "no"} | named
    one = _across(town, ring, court.centre, u, walk)
    two = _across(town, ring, court.centre, v, walk)
    if one is not None and two is not None:
        _thread(town, one, two)
    for side, p, inward, _ in _entrances(lot, 4):
        town.way((_nearest_on(ring, plus(p, inward, 3.0)), *side.attach(p, 8.0)), {"highway": "pedestrian"})
    _square(lot, court.centre, u)
    for su in (1.0, -1.0):
        for sv in (1.0, -1.0):
            _mall_corner(lot, court, (u[0] * su, u[1] * su), (v[0] * sv, v[1] * sv), named["name"])


def _square(lot: Lot, centre: Point, u: Point) -> None:
    """Paved square in the middle of a shopping quarter."""
    start = plus(plus(centre, u, -11.0), left_of(u), -11.0)
    tags = {"highway": "pedestrian", "area": "yes", "name": lot.town.names.stem()[0] + "小广场"}
    lot.town.area(_rectangle(start, u, 22.0, 22.0), tags, stiff=True)


def _mall_corner(lot: Lot, court: Block, u: Point, v: Point, name: str) -> None:
    """The big house in one corner of a shopping quarter, with shops that open on the pedestrian street."""
    corner: Block | None = court.clipped(plus(court.centre, u, 14.0), u, Side())
    corner = corner.clipped(plus(court.centre, v, 14.0), v, Side()) if corner is not None else None
    corner = corner.shrunk(3.0) if corner is not None else None
    if corner is None or corner.area < 700.0:
        return
    lot.town.area(corner.corners, {"building": "retail", "building:levels": str(lot.dice.whole(3, 6))})
    street = next((side.joins[-1] for side in lot.plot.sides if side.joins), None)
    for along in (0.3, 0.5, 0.7):
        base = plus(court.centre, u, 17.0)
        depth = corner.reach(base, v)[1]
        pin = plus(plus(base, u, 5.0), v, 17.0 + (depth - 17.0) * along)
        if corner.clearance(pin) > 2.0:
            lot.town.sites.append(Site("mall", pin, plus(pin, u, -10.0), street, 1, name))
            if lot.dice.chance(0.5):
                _shop_point(lot, pin)


def _building_site(lot: Lot) -> None:
    """A block under construction: a street that is not there yet, a shell."""
    town, plot = lot.town, lot.plot
    town.area(plot.corners, {"landuse": "construction"})
    entrances = list(_entrances(lot, 2))
    if len(entrances) == 2:
        (one, p, _, _), (two, q, _, _) = entrances
        road = {"highway": "construction", "construction": "residential"}
        town.way((*reversed(one.attach(p, 8.0)), town.node(p), town.node(q), *two.attach(q, 8.0)), road)
    else:
        u = _east(plot)
        corners = _rectangle(plus(plot.centre, u, -9.0), u, 18.0, 9.0)
        if min(plot.clearance(p) for p in corners) > 1.0:
            _building(town, corners, "construction", 5)


def _guarded(lot: Lot) -> None:
    """Ground that is not for the public: every lane private, behind private gates."""
    town, plot = lot.town, lot.plot
    court = plot.shrunk(10.0)
    inner = court.shrunk(6.0) if court is not None else None
    if court is None or inner is None:
        _infill(lot)
        return
    town.area(plot.corners, {"landuse": "commercial", "access": "private"})
    private = {"highway": "service", "access": "private"}
    ring = _ring(town, court, private)
    for side, p, inward, _ in _entrances(lot, 2):
        gate = town.node(p, {"barrier": "lift_gate", "access": "private"})
        town.way((_nearest_on(ring, plus(p, inward, 10.0)), gate, *side.attach(p, 10.0)), private)
    u = _east(court)
    for at, left, right in _rows(inner, u, 16.0, 38.0):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in _mixed_row(lot.dice, left, right, (40.0, 70.0), (14.0, 20.0)):
            _building(town, _rectangle(plus(base, u, t), u, wide, 16.0), "office", 5)


FILLERS: dict[str, Callable[[Lot], None]] = {
    "compound": _compound,
    "village": _village,
    "office": _office,
    "works": _works,
    "park": _park,
    "school": _school,
    "hospital": _hospital,
    "mall": _mall,
    "building_site": _building_site,
    "guarded": _guarded,
}
"""What draws each kind of block."""
