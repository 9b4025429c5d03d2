"""Deals out what each block becomes, and what stands on the pavements around it."""

from collections.abc import Callable, Sequence

from geo_service.demo import estates, grounds
from geo_service.demo.cuts import Block
from geo_service.demo.lots import Lot, house_number
from geo_service.demo.plane import (
    Point,
    apart,
    dot,
    left_of,
    minus,
    plus,
    unit,
)
from geo_service.demo.town import Side, Site, Tags, Town


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
    _public_points(town)


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
            lot.town.sites.append(Site("kerb", p, None, street, house_number(street, p)))


PUBLIC_POINTS: tuple[tuple[float, Tags], ...] = (
    (9, {"amenity": "toilets", "access": "yes", "fee": "no", "opening_hours": "24/7"}),
    (4, {"amenity": "toilets", "access": "yes", "fee": "no", "opening_hours": "06:00-22:00"}),
    (3, {"amenity": "toilets", "access": "yes"}),
    (5, {"amenity": "charging_station", "bicycle": "yes", "operator": "示例驰能", "opening_hours": "24/7"}),
    (2, {"amenity": "charging_station", "bicycle": "yes", "capacity": "10"}),
    (3, {"amenity": "vending_machine", "vending": "battery_swap", "operator": "示例豆豆换电"}),
    (3, {"amenity": "drinking_water"}),
    (5, {"amenity": "bicycle_parking", "capacity": "30"}),
    (3, {"highway": "bus_stop", "public_transport": "platform", "bus": "yes"}),
)
"""Weight and tags of what stands on pavements in the OSM file itself, apart from the layers."""


def _public_points(town: Town) -> None:
    """Put points of the OSM file on every eighth pavement site; those are then no sites any more."""
    kerbs = [site for site in town.sites if site.kind == "kerb"]
    taken = kerbs[::8]
    dice = town.dice.child("public points")
    for site in taken:
        town.points.append((site.pin, dict(dice.weighted(PUBLIC_POINTS))))
    gone = {id(site) for site in taken}
    town.sites = [site for site in town.sites if id(site) not in gone]


FILLERS: dict[str, Callable[[Lot], None]] = {
    "compound": estates.fill_compound,
    "village": estates.fill_village,
    "office": grounds.fill_office,
    "works": grounds.fill_works,
    "park": grounds.fill_park,
    "school": grounds.fill_school,
    "hospital": grounds.fill_hospital,
    "mall": grounds.fill_mall,
    "building_site": grounds.fill_building_site,
    "guarded": estates.fill_guarded,
}
"""What draws each kind of block."""
