"""Where people work, shop, learn, heal and rest: offices, depots, malls, schools, hospitals, parks, building sites."""

from collections.abc import Sequence

from geo_service.demo.cuts import Block
from geo_service.demo.estates import fill_small
from geo_service.demo.lots import (
    Lot,
    draw_across,
    draw_building,
    draw_ring,
    draw_shop_point,
    entrances_of,
    house_number,
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
    apart,
    left_of,
    minus,
    plus,
    unit,
)
from geo_service.demo.town import Side, Site, Street


def fill_office(lot: Lot) -> None:
    """Office towers on podiums around a service lane."""
    _big_buildings(lot, "commercial", "office", (30.0, 62.0), 26.0, (6, 28))


def fill_works(lot: Lot) -> None:
    """Sheds of a depot or workshop yard."""
    _big_buildings(lot, "industrial", "warehouse", (44.0, 80.0), 28.0, (1, 3))


def _big_buildings(
    lot: Lot, landuse: str, kind: str, length: tuple[float, float], depth: float, levels: tuple[int, int]
) -> None:
    """A ring lane with big buildings inside; every second one has a name and a lobby."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    court = plot.shrunk(6.0)
    inner = court.shrunk(8.0) if court is not None else None
    if court is None or inner is None or inner.area < 3_000.0:
        fill_small(lot)
        return
    area_name = town.names.tags("works") if landuse == "industrial" else {}
    town.area(plot.corners, {"landuse": landuse} | area_name)
    ring = draw_ring(town, court, {"highway": "service"})
    doors = []
    for side, p, inward, _ in entrances_of(lot, 3):
        node = nearest_on(ring, plus(p, inward, 6.0))
        town.way((node, *side.attach(p, 10.0)), {"highway": "service"})
        doors.append((p, side.joins[-1]))
    u = row_direction(court)
    rows = list(row_bands(inner, u, depth, depth + 19.0))
    for i, (at, left, right) in enumerate(rows):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in mixed_row(dice, left + 1, right - 1, length, (13.0, 18.0)):
            corners = rectangle(plus(base, u, t), u, wide, depth)
            named = town.names.tags("tower") if kind == "office" and dice.chance(0.4) else {}
            draw_building(town, corners, kind, dice.whole(*levels), named)
            _lobby(lot, corners, doors, named.get("name", area_name.get("name", "")), landuse)
        if i + 1 < len(rows):
            draw_across(town, ring, plus(base, left_of(u), depth + 9.5), u, {"highway": "service"})


def _lobby(
    lot: Lot, corners: tuple[Point, ...], doors: Sequence[tuple[Point, Street]], name: str, landuse: str
) -> None:
    """A site inside a named big building, entered from the nearest way in."""
    if not doors or not name:
        return
    pin = middle_of(corners)
    door, street = min(doors, key=lambda item: apart(item[0], pin))
    kind = "depot" if landuse == "industrial" else "lobby"
    lot.town.sites.append(Site(kind, pin, door, street, house_number(street, door), name))


def fill_park(lot: Lot) -> None:
    """A park: a path around, paths across with steps over a rise, a pond, water to drink."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    named = town.names.tags("park")
    town.area(plot.corners, {"leisure": "park"} | named)
    court = plot.shrunk(13.0)
    if court is None:
        return
    ring = draw_ring(town, court, {"highway": "footway"} if dice.chance(0.6) else {"highway": "path"})
    for side, p, inward, _ in entrances_of(lot, 4):
        town.way((nearest_on(ring, plus(p, inward, 13.0)), *side.attach(p, 8.0)), {"highway": "footway"})
    u = row_direction(court)
    v = left_of(u)
    one = draw_across(town, ring, court.centre, u, {"highway": "footway"})
    two = draw_across(town, ring, court.centre, v, {"highway": "footway"})
    if one is not None and two is not None:
        thread(town, one, two)
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
            pull = 0.84 if share == 0.5 else 0.78
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


def fill_school(lot: Lot) -> None:
    """A school: one gate for those who belong there, teaching blocks, a running track."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    named = town.names.tags("school")
    town.area(plot.corners, {"amenity": "school"} | named)
    inner = plot.shrunk(9.0)
    if inner is None:
        return
    u = row_direction(inner)
    v = left_of(u)
    houses = inner.clipped(plus(inner.centre, u, 6.0), u, Side())
    field = inner.clipped(plus(inner.centre, u, -6.0), (-u[0], -u[1]), Side())
    for at, left, right in row_bands(houses, u, 14.0, 40.0) if houses is not None else ():
        base = plus(houses.centre, v, at) if houses is not None else inner.centre
        for t, wide in mixed_row(dice, left, right, (36.0, 70.0), (12.0, 16.0)):
            draw_building(town, rectangle(plus(base, u, t), u, wide, 14.0), "school", 4)
    if field is not None:
        _pitch(lot, field, u)
    for side, p, inward, _ in entrances_of(lot, 1):
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
        corners = rectangle(start, u, length, depth)
        if min(field.clearance(p) for p in corners) > 1.0:
            lot.town.area(corners, {"leisure": "pitch", "sport": "athletics"}, stiff=True)
            return


def fill_hospital(lot: Lot) -> None:
    """A hospital: open ground, wards, an emergency entrance."""
    town, dice, plot = lot.town, lot.dice, lot.plot
    named = town.names.tags("hospital")
    town.area(plot.corners, {"amenity": "hospital", "emergency": "yes", "opening_hours": "24/7"} | named)
    court = plot.shrunk(8.0)
    inner = court.shrunk(7.0) if court is not None else None
    if court is None or inner is None:
        return
    ring = draw_ring(town, court, {"highway": "service"})
    doors = []
    for side, p, inward, _ in entrances_of(lot, 2):
        town.way((nearest_on(ring, plus(p, inward, 8.0)), *side.attach(p, 10.0)), {"highway": "service"})
        doors.append((p, side.joins[-1]))
    u = row_direction(court)
    first = True
    for at, left, right in row_bands(inner, u, 22.0, 46.0):
        base = plus(inner.centre, left_of(u), at)
        for t, wide in mixed_row(dice, left, right, (48.0, 90.0), (16.0, 22.0)):
            corners = rectangle(plus(base, u, t), u, wide, 22.0)
            draw_building(town, corners, "hospital", dice.whole(4, 14))
            if first and doors:
                first = False
                door, street = doors[0]
                town.sites.append(
                    Site(
                        "hospital",
                        middle_of(corners),
                        door,
                        street,
                        house_number(street, door),
                        named["name"],
                    )
                )


def fill_mall(lot: Lot) -> None:
    """A shopping quarter: two pedestrian streets that cross in a square, and a big house in each corner."""
    town, plot = lot.town, lot.plot
    named = town.names.tags("mall")
    town.area(plot.corners, {"landuse": "retail", "name": named["name"][:-3] + "商圈"})
    court = plot.shrunk(3.0)
    if court is None:
        return
    ring = draw_ring(town, court, {"highway": "pedestrian"})
    u = row_direction(court)
    v = left_of(u)
    walk = {"highway": "pedestrian", "bicycle": "no"} | named
    one = draw_across(town, ring, court.centre, u, walk)
    two = draw_across(town, ring, court.centre, v, walk)
    if one is not None and two is not None:
        thread(town, one, two)
    for side, p, inward, _ in entrances_of(lot, 4):
        town.way((nearest_on(ring, plus(p, inward, 3.0)), *side.attach(p, 8.0)), {"highway": "pedestrian"})
    _square(lot, court.centre, u)
    for su in (1.0, -1.0):
        for sv in (1.0, -1.0):
            _mall_corner(lot, court, (u[0] * su, u[1] * su), (v[0] * sv, v[1] * sv), named["name"])


def _square(lot: Lot, centre: Point, u: Point) -> None:
    """Paved square in the middle of a shopping quarter."""
    start = plus(plus(centre, u, -11.0), left_of(u), -11.0)
    tags = {"highway": "pedestrian", "area": "yes", "name": lot.town.names.stem()[0] + "小广场"}
    lot.town.area(rectangle(start, u, 22.0, 22.0), tags, stiff=True)


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
                draw_shop_point(lot, pin)


def fill_building_site(lot: Lot) -> None:
    """A block under construction: a street that is not there yet, a shell."""
    town, plot = lot.town, lot.plot
    town.area(plot.corners, {"landuse": "construction"})
    entrances = list(entrances_of(lot, 2))
    if len(entrances) == 2:
        (one, p, _, _), (two, q, _, _) = entrances
        road = {"highway": "construction", "construction": "residential"}
        town.way((*reversed(one.attach(p, 8.0)), town.node(p), town.node(q), *two.attach(q, 8.0)), road)
    else:
        u = row_direction(plot)
        corners = rectangle(plus(plot.centre, u, -9.0), u, 18.0, 9.0)
        if min(plot.clearance(p) for p in corners) > 1.0:
            draw_building(town, corners, "construction", 5)
