"""
Slow, obvious twins of the network room.

OpenStreetMap XML as text, read with `xml.etree`, every node of every street kept, costs as
floats, Dijkstra with a heap. It shares the rule tables (`judge_way`, `judge_node`), which have
their own tests, and nothing else.
"""

import heapq
import itertools
import math
import random
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

import shapely
from pyproj import Geod

from geo_service.network.profiles import judge_node, judge_way

GEOD = Geod(ellps="WGS84")


@dataclass
class Osm:
    """A handful of OpenStreetMap objects, to be written as XML or answered as JSON."""

    nodes: dict[int, tuple[float, float]] = field(default_factory=dict)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = field(default_factory=dict)

    def xml(self) -> str:
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="test">']
        for i, (lon, lat) in self.nodes.items():
            lines.append(
                f'<node id="{i}" version="1" lon="{lon:.7f}" lat="{lat:.7f}">{_tags(self.node_tags.get(i, {}))}</node>'
            )
        for i, (refs, tags) in self.ways.items():
            inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
            lines.append(f'<way id="{i}" version="1">{inner}{_tags(tags)}</way>')
        for i, (members, tags) in self.relations.items():
            inner = "".join(
                f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members
            )
            lines.append(f'<relation id="{i}" version="1">{inner}{_tags(tags)}</relation>')
        return "\n".join([*lines, "</osm>\n"])

    def elements(self) -> list[dict[str, object]]:
        """The same as Overpass prints it."""
        found: list[dict[str, object]] = []
        for i, (lon, lat) in self.nodes.items():
            found.append(
                {"type": "node", "id": i, "lat": round(lat, 7), "lon": round(lon, 7)}
                | _tag_item(self.node_tags.get(i))
            )
        for i, (refs, tags) in self.ways.items():
            found.append({"type": "way", "id": i, "nodes": refs} | _tag_item(tags))
        for i, (members, tags) in self.relations.items():
            rows = [{"type": kind, "ref": ref, "role": role} for kind, ref, role in members]
            found.append({"type": "relation", "id": i, "members": rows} | _tag_item(tags))
        return found


def _tags(tags: dict[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


def _tag_item(tags: dict[str, str] | None) -> dict[str, object]:
    return {"tags": tags} if tags else {}


def parse_xml(text: str) -> Osm:
    osm = Osm()
    for element in ET.fromstring(text):
        tags = {tag.get("k"): tag.get("v") for tag in element.findall("tag")}
        i = int(element.get("id", 0))
        if element.tag == "node":
            osm.nodes[i] = (float(element.get("lon")), float(element.get("lat")))
            if tags:
                osm.node_tags[i] = tags
        elif element.tag == "way":
            osm.ways[i] = ([int(nd.get("ref")) for nd in element.findall("nd")], tags)
        elif element.tag == "relation":
            members = [(m.get("type"), int(m.get("ref")), m.get("role")) for m in element.findall("member")]
            osm.relations[i] = (members, tags)
    return osm


# --- the graph, every node kept ----------------------------------------------------------------


def _streets(osm, profile):
    """Lists of (refs, rule): ways, outlines of squares, sight lines."""
    streets, squares, used = [], [], set()
    for i, (refs, tags) in osm.ways.items():
        is_square = tags.get("area") == "yes" and len(refs) >= 4 and refs[0] == refs[-1]
        rule = judge_way(profile, _without_oneway(tags) if is_square else tags)
        if "highway" in tags and (rule.forward or rule.backward):
            streets.append((refs, rule))
            used.add(i)
            if is_square:
                squares.append(([refs], [], rule))
    for members, tags in osm.relations.values():
        rule = judge_way(profile, _without_oneway(tags))
        if tags.get("type") != "multipolygon" or "highway" not in tags or not (rule.forward or rule.backward):
            continue
        # the towns draw each ring of a relation as one closed way
        rings = {
            role: [osm.ways[r][0] for k, r, ro in members if ro == role and r in osm.ways]
            for role in ("outer", "inner")
        }
        squares.append((rings["outer"], rings["inner"], rule))
        for _, ref, _ in members:
            if ref in osm.ways and ref not in used:
                used.add(ref)
                streets.append((osm.ways[ref][0], rule))
    uses = Counter(ref for refs, _ in streets for ref in set(refs))
    for outer, inner, rule in squares:
        streets += [([a, b], rule) for a, b in _sight_lines(osm, outer, inner, uses)]
    return streets


def _without_oneway(tags):
    return {key: value for key, value in tags.items() if key not in ("oneway", "junction")}


def _sight_lines(osm, outer, inner, uses):
    rings = [*outer, *inner]
    if not outer or any(ref not in osm.nodes for ring in rings for ref in ring):
        return
    square = shapely.union_all([shapely.Polygon([osm.nodes[r] for r in ring]) for ring in outer])
    for ring in inner:
        square = square.difference(shapely.Polygon([osm.nodes[r] for r in ring]))
    neighbours = {frozenset(pair) for ring in rings for pair in itertools.pairwise(ring)}
    gates = list(dict.fromkeys(ref for ring in rings for ref in ring if uses[ref] > 1))
    for a, b in itertools.combinations(gates, 2):
        line = shapely.LineString([osm.nodes[a], osm.nodes[b]])
        if frozenset((a, b)) not in neighbours and square.buffer(5e-7, join_style="mitre").covers(line):
            yield a, b


def slow_graph(osm, profile, box=None):
    """Arcs ``{vertex: [(vertex, cost_ms, mode)]}``; a closed barrier is one vertex per piece."""
    arcs = defaultdict(list)
    serial = itertools.count()
    for refs, rule in _streets(osm, profile):
        for a, b in itertools.pairwise(refs):
            if a not in osm.nodes or b not in osm.nodes or a == b:
                continue
            if box and not any(_is_in(osm.nodes[ref], box) for ref in (a, b)):
                continue
            at_a, at_b = (
                judge_node(profile, osm.node_tags.get(a, {})),
                judge_node(profile, osm.node_tags.get(b, {})),
            )
            vertex_a = a if at_a.is_open else (a, next(serial))
            vertex_b = b if at_b.is_open else (b, next(serial))
            length_m = GEOD.inv(*osm.nodes[a], *osm.nodes[b])[2]
            if rule.forward:
                arcs[vertex_a].append(
                    (vertex_b, 3600 * length_m / rule.forward.kph + at_b.forward_ms, rule.forward.mode)
                )
            if rule.backward:
                cost_ms = 3600 * length_m / rule.backward.kph + at_a.backward_ms
                arcs[vertex_b].append((vertex_a, cost_ms, rule.backward.mode))
            arcs[vertex_a], arcs[vertex_b] = arcs[vertex_a], arcs[vertex_b]
    return arcs


def _is_in(point, box):
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def dijkstra(arcs, start):
    """Cheapest cost from one vertex to all, and the arcs on the way there."""
    cost, hops, queue = {start: 0.0}, {start: 0}, [(0.0, 0, start)]
    order = itertools.count(1)
    done = set()
    while queue:
        here_cost, _, here = heapq.heappop(queue)
        if here in done:
            continue
        done.add(here)
        for there, arc_cost, *_ in arcs.get(here, ()):
            if here_cost + arc_cost < cost.get(there, math.inf):
                cost[there], hops[there] = here_cost + arc_cost, hops[here] + 1
                heapq.heappush(queue, (cost[there], next(order), there))
    return cost, hops


def network_arcs(network):
    """Arcs of a Network between its node numbers."""
    arcs = defaultdict(list)
    columns = (network.edge_tail, network.edge_head, network.edge_weight_ms)
    for tail, head, weight in zip(*(column.tolist() for column in columns), strict=True):
        arcs[tail].append((head, weight))
    return arcs


def compare_with_slow(network, osm, profile, starts, box=None):
    """List what differs between a Network and the slow graph, from some start nodes to all kept nodes."""
    slow, fast = slow_graph(osm, profile, box), network_arcs(network)
    plain = {i: osm_id for i, osm_id in enumerate(network.node_osm.tolist()) if osm_id in slow}
    troubles = []
    for start in starts:
        start_node = sorted(plain)[start % len(plain)]
        slow_cost, _ = dijkstra(slow, plain[start_node])
        fast_cost, hops = dijkstra(fast, start_node)
        room = 0.51 * (max(hops.values()) + 8) + 1
        for node, osm_id in plain.items():
            a, b = fast_cost.get(node, math.inf), slow_cost.get(osm_id, math.inf)
            if a != b and not abs(a - b) <= room:
                troubles.append((plain[start_node], osm_id, a, b))
    return troubles


# --- random towns ------------------------------------------------------------------------------

WAY_TAGS = [
    {"highway": "residential"}, {"highway": "residential", "oneway": "yes"}, {"highway": "primary", "oneway": "-1"},
    {"highway": "service", "access": "private"}, {"highway": "footway"}, {"highway": "steps"},
    {"highway": "cycleway", "oneway": "yes", "foot": "no"}, {"highway": "path", "bicycle": "no"},
    {"highway": "secondary", "oneway": "yes", "oneway:bicycle": "no"}, {"highway": "trunk", "motorroad": "yes"},
    {"highway": "living_street", "surface": "sett"},
    {"highway": "tertiary", "cycleway": "opposite_lane", "oneway": "yes"},
    {"highway": "construction", "construction": "primary"}, {"highway": "pedestrian", "foot:backward": "no"},
    {"barrier": "wall"}, {"route": "ferry"},
]  # fmt: skip
NODE_TAGS = [
    {"highway": "traffic_signals"}, {"highway": "traffic_signals", "traffic_signals:direction": "forward"},
    {"barrier": "gate"}, {"barrier": "gate", "access": "private"}, {"barrier": "bollard"},
    {"barrier": "kissing_gate"}, {"barrier": "lift_gate", "bicycle": "no"}, {"barrier": "wall"},
    {"highway": "crossing", "crossing": "traffic_signals"}, {"amenity": "toilets"}, {"access": "no"},
]  # fmt: skip


def random_town(seed, size=7):
    """A crooked grid with odd tags, squares, barriers, absent nodes, loops and doubled streets."""
    rng = random.Random(seed)
    osm = Osm()
    place = {}
    for x, y in itertools.product(range(size), repeat=2):
        i = len(place) + 1
        place[x, y] = i
        lon = round(116.44 + 0.001 * x + rng.uniform(-2e-4, 2e-4), 7)
        osm.nodes[i] = (lon, round(39.95 + 0.0008 * y + rng.uniform(-2e-4, 2e-4), 7))
        if rng.random() < 0.2:
            osm.node_tags[i] = dict(rng.choice(NODE_TAGS))
    for way in range(100, 100 + 4 * size):
        refs = _random_walk(rng, place, size)
        tags = dict(rng.choice(WAY_TAGS))
        if rng.random() < 0.5:
            tags["name"] = rng.choice(["甲路", "乙街", "丙胡同"])
        osm.ways[way] = (refs, tags)
    for i in rng.sample(sorted(osm.nodes), 2):
        del osm.nodes[i]
        osm.node_tags.pop(i, None)
    _add_squares(osm, rng, place, size)
    return osm


def _random_walk(rng, place, size):
    x, y = rng.randrange(size), rng.randrange(size)
    refs = [place[x, y]]
    for _ in range(rng.randrange(2, 12)):
        dx, dy = rng.choice([(1, 0), (-1, 0), (0, 1), (0, -1)])
        if (x + dx, y + dy) in place:
            x, y = x + dx, y + dy
            refs.append(place[x, y])
    return refs


def _add_squares(osm, rng, place, size):
    def ring(x, y):
        return [place[x, y], place[x + 1, y], place[x + 1, y + 1], place[x, y + 1], place[x, y]]

    x, y = rng.randrange(size - 1), rng.randrange(size - 1)
    osm.ways[900] = (ring(x, y), {"highway": "pedestrian", "area": "yes", "name": "广场"})
    x, y = rng.randrange(size - 1), rng.randrange(size - 1)
    osm.ways[901] = (ring(x, y), {})
    osm.relations[1] = ([("way", 901, "outer")], {"type": "multipolygon", "highway": "footway"})
    osm.relations[2] = ([("way", 4242, "outer")], {"type": "multipolygon", "highway": "pedestrian"})
