"""
What is on the drawing board: nodes, straight streets, ways, areas, points, and sites for places.

Nothing here decides anything; `geo_service.demo.streets` and `geo_service.demo.blocks` draw on it and
`geo_service.demo.osm_xml` reads it off.
"""

from dataclasses import dataclass, field

from geo_service.demo.plane import Cell, Dice, Point, Warp, apart, dot, minus, plus, unit
from geo_service.demo.words import Names

Tags = dict[str, str]


class Town:
    """
    Drawing board of one district.

    Parameters
    ----------
    name
        Id of the district; seeds everything.
    warp
        Bends the board and puts it on the globe.
    """

    def __init__(self, name: str, warp: Warp) -> None:
        self.name = name
        self.warp = warp
        self.dice = Dice(f"geo_service demo {name}")
        self.names = Names(self.dice.child("names"))
        self.at: list[Point] = []
        self.node_tags: dict[int, Tags] = {}
        self.streets: list[Street] = []
        self.ways: list[tuple[tuple[int, ...], Tags]] = []
        self.areas: list[tuple[tuple[Point, ...], Tags, bool]] = []
        self.points: list[tuple[Point, Tags]] = []
        self.sites: list[Site] = []
        self.roundabouts: dict[int, float] = {}
        self.quarters: list[Cell[Side]] = []
        self.quarter_names: list[str] = []

    def node(self, p: Point, tags: Tags | None = None) -> int:
        """Put a node on the board."""
        self.at.append(p)
        if tags:
            self.node_tags[len(self.at) - 1] = tags
        return len(self.at) - 1

    def tag(self, node: int, tags: Tags) -> None:
        """Say something about a node; what was said before stays unless said anew."""
        self.node_tags[node] = self.node_tags.get(node, {}) | tags

    def street(self, a: Point, b: Point, tags: Tags) -> "Street":
        """Draw a straight street, as yet without nodes."""
        street = Street(self, a, b, tags)
        self.streets.append(street)
        return street

    def way(self, nodes: tuple[int, ...], tags: Tags) -> None:
        """Draw a way through nodes that exist; fewer than two different nodes are no way."""
        kept = tuple(n for i, n in enumerate(nodes) if i == 0 or n != nodes[i - 1])
        if len(kept) > 1:
            self.ways.append((kept, tags))

    def area(self, corners: tuple[Point, ...], tags: Tags, *, stiff: bool = False) -> None:
        """Draw an area; a stiff one (a building) keeps its right angles when the board is bent."""
        self.areas.append((corners, tags, stiff))


class Street:
    """
    A straight line on the board that becomes one or more ways.

    Parameters
    ----------
    town
        The board.
    a, b
        Its ends, metres.
    tags
        Tags of the ways; change before the town is written.
    """

    __slots__ = ("a", "b", "length", "nodes", "spans", "tags", "town", "u")

    def __init__(self, town: Town, a: Point, b: Point, tags: Tags) -> None:
        self.town = town
        self.a, self.b = a, b
        self.length = apart(a, b)
        self.u = unit(minus(b, a))
        self.tags = tags
        self.nodes: list[tuple[float, int]] = []
        self.spans: list[tuple[float, float, Tags]] = []

    def along(self, p: Point) -> float:
        """Metres from the start to the foot of p."""
        return dot(minus(p, self.a), self.u)

    def point(self, t: float) -> Point:
        """Point t metres from the start."""
        return plus(self.a, self.u, t)

    def add(self, t: float, node: int) -> int:
        """Thread an existing node onto the street."""
        self.nodes.append((t, node))
        return node

    def node_at(self, t: float, snap: float = 1.0) -> int:
        """Node of the street within ``snap`` metres of t, or a new one."""
        best = min(self.nodes, key=lambda item: abs(item[0] - t), default=None)
        if best is not None and abs(best[0] - t) <= snap:
            return best[1]
        return self.add(t, self.town.node(self.point(t)))

    def ended(self) -> "Street":
        """Give the street nodes at both ends."""
        self.node_at(0.0)
        self.node_at(self.length)
        return self


@dataclass(eq=False)
class Side:
    """
    What runs along one side of cells.

    Parameters
    ----------
    joins
        Streets that a street ending here meets, the outermost first; empty where none runs.
    setback
        Metres from the side to where walls may stand.
    stop
        Metres before the side at which a street ends that meets nothing.
    other
        The other side of the same street or strip, if streets may continue there.
    ends
        Where streets of this side's cells meet it: point, street, innermost node.
    """

    joins: tuple[Street, ...] = ()
    setback: float = 0.0
    stop: float = 0.0
    other: "Side | None" = None
    ends: list[tuple[Point, Street, int]] = field(default_factory=list)

    def attach(self, p: Point, snap: float = 1.0) -> list[int]:
        """Nodes at which something that comes from p meets the streets of this side, outermost first."""
        out: list[int] = []
        for street in self.joins:
            t = street.along(p)
            if -1.0 <= t <= street.length + 1.0:
                out.append(street.node_at(t, snap))
        return out

    @property
    def rank(self) -> str:
        """Value of ``highway`` of the innermost street, empty if there is none."""
        return self.joins[-1].tags.get("highway", "") if self.joins else ""


@dataclass(frozen=True)
class Site:
    """
    Where a place may stand.

    Parameters
    ----------
    kind
        ``shop`` (street front), ``hall`` (inside a compound), ``kerb`` (pavement), ``lobby``, ``park``,
        ``hospital``, ``depot``, ``mall``.
    pin
        Where the sign of a map would be, metres on the board.
    door
        Where one gets in if that is elsewhere.
    street
        Street of the address; its tags carry the name.
    number
        House number.
    host
        Name of what it stands in, empty if nothing has one.
    """

    kind: str
    pin: Point
    door: Point | None
    street: Street | None
    number: int
    host: str = ""
