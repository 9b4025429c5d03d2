"""
Where places stand and what is true of every one of them: sites, addresses, ages of checks, hours.

All days are counted from one day, so that the whole set can be moved in time.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from geo_service.demo.plane import Cell, Dice, Point, apart
from geo_service.demo.town import Side, Site, Town
from geo_service.demo.words import STEMS
from geo_service.layers import SYNTHETIC, Area, Checked, Place, Provenance

LICENCE = "CC0-1.0"
FARTHEST_DOOR_M = 150.0
"""No place stands farther from its entrance than that."""

ALWAYS = "24/7"
SPLIT = "06:00-09:30,11:00-13:30,17:00-20:00"
OVERNIGHT = "18:00-02:00"
OFFICE = "Mo-Fr 08:30-18:00; PH off"
HOURS: dict[str, tuple[tuple[float, str | None], ...]] = {
    "station": (
        (3, ALWAYS), (4, "08:00-20:00"), (3, OFFICE), (3, SPLIT), (2, "06:00-23:00"), (1, OVERNIGHT), (2, None),
    ),
    "food": (
        (4, "10:00-21:30"), (3, "06:00-10:00,10:30-14:00,16:30-21:00"), (2, "17:00-02:00"), (2, "09:00-22:00"),
        (1, ALWAYS), (1, None),
    ),
    "shop": ((5, "08:00-22:00"), (2, ALWAYS), (2, "07:00-23:00"), (1, "Mo-Sa 08:30-19:00"), (1, None)),
    "repair": ((4, "08:00-19:00"), (2, "07:30-12:00,13:30-20:00"), (1, "Mo-Sa 08:30-18:30"), (1, None)),
    "barber": ((4, "10:00-21:00"), (3, "Tu-Su 09:30-20:30"), (2, "09:00-12:00,13:30-20:00"), (1, None)),
    "cabinet": ((8, ALWAYS), (2, "06:00-23:00"), (1, None)),
    "toilet": ((5, ALWAYS), (3, "06:00-22:00"), (2, "05:30-21:30"), (1, None)),
    "clinic": (
        (2, ALWAYS), (3, "08:00-12:00,13:30-17:30"), (2, "Mo-Fr 08:00-17:00; PH off"), (1, "18:00-08:00"), (1, None),
    ),
    "water": ((3, ALWAYS), (3, "06:00-21:00"), (1, None)),
    "depot": ((4, "06:30-21:00"), (2, "Mo-Sa 07:00-19:00"), (1, ALWAYS), (1, None)),
}  # fmt: skip
"""Weight and opening hours that occur in each kind of place; None is unknown."""


class Surveyor:
    """
    Picks sites on a finished board and fills in what all places have.

    Parameters
    ----------
    town
        The finished board; not changed.
    outline
        Boundary of the district on the board.
    on
        The day from which all other days are counted.
    """

    def __init__(self, town: Town, outline: Sequence[Point], on: date) -> None:
        self.town, self.on = town, on
        self.dice = town.dice.child("places")
        self.district: Cell[Side] = Cell(tuple(outline), tuple(Side() for _ in outline))
        inside = [site for site in town.sites if self.district.clearance(site.pin) > 40.0]
        self._free: dict[str, list[Site]] = {}
        for site in inside:
            too_far = site.door is not None and apart(site.pin, site.door) > FARTHEST_DOOR_M
            if not too_far and (site.kind != "shop" or _named(site)):
                self._free.setdefault(site.kind, []).append(site)
        self._names: dict[str, int] = {}

    def day(self, days: int) -> date:
        """The day so many days after the first."""
        return self.on + timedelta(days=days)

    def hours(self, kind: str) -> str | None:
        """Opening hours as they occur in this kind of place."""
        return self.dice.weighted(HOURS[kind])

    def spread(
        self, kinds: Mapping[str, int], gap_m: float, around: Point | None = None, within_m: float = 1e9
    ) -> list[Site]:
        """
        Take free sites that keep a distance from each other.

        Parameters
        ----------
        kinds
            How many of each kind of site.
        gap_m
            Distance that is tried first; it shrinks until there is room.
        around, within_m
            Only sites within so many metres of a point, if one is given.

        Returns
        -------
        sites
            No longer free.
        """
        taken: list[Site] = []
        for kind, count in kinds.items():
            near = [s for s in self._free.get(kind, ()) if around is None or apart(s.pin, around) < within_m]
            mixed, gap, found = self.dice.mixed(near), gap_m, list[Site]()
            while len(found) < count and gap > 1.0:
                for site in mixed:
                    clear = all(apart(site.pin, other.pin) >= gap for other in (*taken, *found))
                    if clear and len(found) < count:
                        found.append(site)
                gap *= 0.8
            assert len(found) == count, f"{self.town.name} has no room for {count} of {kind}"
            self._take(kind, found)
            taken.extend(found)
        return taken

    def along(self, street_name: str, around: Point, count: int) -> list[Site]:
        """Take the free shops of one street that are nearest to a point, as many as there are up to a count."""
        sites = [s for s in self._free.get("shop", ()) if s.street and s.street.tags["name"] == street_name]
        near = [s for s in sites if apart(s.pin, around) < 420.0]
        found = sorted(near, key=lambda s: apart(s.pin, around))[:count]
        self._take("shop", found)
        return found

    def _take(self, kind: str, sites: Sequence[Site]) -> None:
        gone = {id(site) for site in sites}
        self._free[kind] = [site for site in self._free[kind] if id(site) not in gone]

    def busiest_corner(self, ranks: Iterable[str]) -> Site:
        """Free shop near the middle of the district with most others of its street within 350 m."""
        wanted = set(ranks)
        shops = [s for s in self._free["shop"] if s.street is not None and s.street.tags["highway"] in wanted]
        by_street: dict[str, list[Site]] = {}
        for shop in shops:
            if shop.street is not None and apart(shop.pin, (0.0, 0.0)) < 1100.0:
                by_street.setdefault(shop.street.tags["name"], []).append(shop)

        def company(site: Site) -> int:
            assert site.street is not None
            return sum(apart(site.pin, other.pin) < 350.0 for other in by_street[site.street.tags["name"]])

        near = [site for name, sites in by_street.items() if "河" not in name for site in sites]
        return max(near, key=company)

    def sign(self, first: str) -> str:
        """Name of a shop: what it is and a word of its own; a number follows from the second on."""
        fresh = [stem for stem in STEMS if f"{first}·{stem}" not in self._names]
        return self._once(f"{first}·{self.dice.pick(fresh or STEMS)}")

    def ground(self, p: Point, landuse: str) -> tuple[Point, ...]:
        """Outline of the ground of one use that a point of the board lies on."""
        for corners, tags, _ in self.town.areas:
            if tags.get("landuse") == landuse:
                cell = Cell(corners, tuple(Side() for _ in corners))
                if cell.clearance(p) > 0.0:
                    return corners
        raise AssertionError(f"no {landuse} ground around {p}")

    def name(self, first: str, site: Site) -> str:
        """Name of a place after what it stands in or at; a number follows from the second on."""
        after = site.host or (site.street.tags.get("name", "") if site.street else "")
        return self._once(f"{first}·{after}" if after else first)

    def _once(self, base: str) -> str:
        self._names[base] = self._names.get(base, 0) + 1
        return base if self._names[base] == 1 else f"{base}{self._names[base]}号"

    def place(self, layer: str, number: int, site: Site, name: str, **facts: object) -> Place:
        """A place at a site, with id, address, arrival and check days."""
        warp = self.town.warp
        lon, lat = warp.lonlat(site.pin)
        far = site.door is not None and apart(site.pin, site.door) > 12.0
        keeps_door = site.door is not None and (far or self.dice.chance(0.6))
        arrival = warp.lonlat(site.door) if keeps_door and site.door is not None else None
        street = site.street.tags.get("name") if site.street else None
        values: dict[str, object] = {
            "address": f"{street}{site.number}号（虚构）" if street else None,
            "arrival": arrival,
            "provenance": self.provenance("existence", "position", "hours", *_facts(facts)),
        } | facts
        prefix = {"xiangheyuan": "xhy", "yingze": "yz"}[self.town.name]
        return Place(id=f"{prefix}-{layer}-{number:03d}", layer=layer, lon=lon, lat=lat, name=name, **values)  # type: ignore[arg-type]

    def area(self, layer: str, number: int, corners: Sequence[Point], name: str) -> Area:
        """An area drawn on the board."""
        warp = self.town.warp
        ring: list[Point] = []
        for i, a in enumerate(corners):
            b = corners[(i + 1) % len(corners)]
            pieces = max(int(apart(a, b) / 120.0), 1)
            for k in range(pieces):
                share = k / pieces
                ring.append(warp.lonlat((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)))
        prefix = {"xiangheyuan": "xhy", "yingze": "yz"}[self.town.name]
        return Area(
            id=f"{prefix}-{layer}-{number:03d}",
            layer=layer,
            name=name,
            geometry={"type": "Polygon", "coordinates": ((*ring, ring[0]),)},
            provenance=self.provenance("existence"),
        )

    def provenance(self, *kinds: str) -> Provenance:
        """Synthetic, free of rights, and checked some time ago: most lately, some too long ago."""
        dice = self.dice
        stale = dice.chance(0.14)
        checked = {}
        for kind in kinds:
            longest = {"existence": 160, "position": 300}.get(kind, 50)
            age = dice.whole(1, longest) if not stale else dice.whole(200, 520)
            role = dice.weighted(((4, "desk"), (3, "deputy_head"), (2, "rider"), (1, "import")))
            checked[kind] = Checked(self.day(-age), role)
        return Provenance(SYNTHETIC, LICENCE, checked)


def _named(site: Site) -> bool:
    """Whether the street of a site has a name."""
    return site.street is not None and bool(site.street.tags.get("name"))


def _facts(facts: Mapping[str, object]) -> list[str]:
    """Kinds of fact that are checked apart, of those a place has."""
    return [kind for kind in ("services", "access", "power") if facts.get(kind)]


def shares(dice: Dice, total: int, count: int, least: int) -> list[int]:
    """Whole numbers, none under the least, whose sum is exactly the total."""
    out = [least] * count
    for _ in range(total - least * count):
        out[dice.whole(0, count - 1)] += 1
    return out
