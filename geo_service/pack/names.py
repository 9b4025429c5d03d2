"""What a rider can type to say where he is: streets, crossings, landmarks, each with a point and its pinyin."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import shapely

from geo_service.engine.lines import build_lines
from geo_service.network.features import OsmArea, OsmFeatures
from geo_service.network.graph import Network
from geo_service.pack.files import PackedFile, pack_json
from geo_service.pack.spelling import spell

KIND_KEYS = (
    "railway", "public_transport", "amenity", "shop", "healthcare", "tourism", "leisure", "office", "craft",
    "place", "landuse", "natural", "water", "waterway", "barrier", "highway", "building",
)  # fmt: skip
"""The first of these tags says what a landmark is."""

APART_E6 = 3_000
"""Things of one name nearer than this, some 300 m, are one."""

_Box = list[int]


class _Found(NamedTuple):
    name: str
    kind: str
    lon: int
    lat: int


def pack_names(networks: Sequence[Network], features: OsmFeatures) -> PackedFile:
    """
    Write the names of a district.

    Parameters
    ----------
    networks
        Its streets, all profiles.
    features
        What else the extract holds.

    Returns
    -------
    file
        Coordinates are steps of 1e-6 degrees, a row to the row before; equal arguments give equal bytes.
    """
    streets = sorted(_streets(networks))
    crossings = sorted(_crossings(networks, {name for name, _, _ in streets}))
    landmarks = sorted(_landmarks(features))
    names = sorted({name for name, _, _ in streets})
    at = {name: i for i, name in enumerate(names)}
    kinds = sorted({one.kind for one in landmarks})
    kind_at = {kind: i for i, kind in enumerate(kinds)}
    return pack_json(
        "names",
        {
            "format": 1,
            "names": names,
            "pinyin": [spell(name).pinyin for name in names],
            "streets": {"name": [at[name] for name, _, _ in streets], **_steps([s[1:] for s in streets])},
            "crossings": {
                "a": [at[a] for a, _, _, _ in crossings],
                "b": [at[b] for _, b, _, _ in crossings],
                **_steps([crossing[2:] for crossing in crossings]),
            },
            "kinds": kinds,
            "landmarks": {
                "name": [one.name for one in landmarks],
                "pinyin": [spell(one.name).pinyin for one in landmarks],
                "kind": [kind_at[one.kind] for one in landmarks],
                **_steps([(one.lon, one.lat) for one in landmarks]),
            },
        },
    )


def _steps(points: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    e6 = np.array(points, dtype=np.int64).reshape(-1, 2)
    moved = np.diff(e6, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return {"lon": moved[:, 0].tolist(), "lat": moved[:, 1].tolist()}


# --- streets ------------------------------------------------------------------------------------


def _streets(networks: Sequence[Network]) -> Iterator[tuple[str, int, int]]:
    """A street bears one name and hangs together, or nearly; its point is that in the middle of its length."""
    pieces: dict[str, list[tuple[int, int, float]]] = {}
    known: set[tuple[str, int, int]] = set()
    for network in networks:
        for name, lon, lat, length_m in _middles(network):
            if (name, lon, lat) not in known:
                known.add((name, lon, lat))
                pieces.setdefault(name, []).append((lon, lat, length_m))
    for name, found in pieces.items():
        for group in _groups(found):
            lon, lat = _centre(group)
            yield name, lon, lat


def _middles(network: Network) -> Iterator[tuple[str, int, int, float]]:
    """Name, middle and length of each named link; a long one is told several times, so that its parts touch."""
    lines = build_lines(network, None)
    for link in np.flatnonzero(network.link_name).tolist():
        first, last = int(network.first_point[link]), int(network.first_point[link + 1]) - 1
        along = lines.along_m[first : last + 1]
        count = 1 + int(along[-1] // 200.0)
        at = along[-1] * (np.arange(count) + 0.5) / count
        lon = np.interp(at, along, network.point_lon_e6[first : last + 1])
        lat = np.interp(at, along, network.point_lat_e6[first : last + 1])
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
            yield network.names[network.link_name[link]], round(x), round(y), float(along[-1]) / count


def _groups(pieces: Sequence[tuple[int, int, float]]) -> list[list[tuple[int, int, float]]]:
    """Pieces that a chain of near ones connects: cells of `APART_E6` that touch."""
    cells: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for piece in pieces:
        cells.setdefault((piece[0] // APART_E6, piece[1] // APART_E6), []).append(piece)
    groups = []
    while cells:
        edge = [min(cells)]
        group = cells.pop(edge[0])
        while edge:
            x, y = edge.pop()
            near = [(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (x + i, y + j) in cells]
            for cell in near:
                group += cells.pop(cell)
            edge += near
        groups.append(group)
    return groups


def _centre(group: Sequence[tuple[int, int, float]]) -> tuple[int, int]:
    """The piece nearest to the centre of gravity: a point on the street itself."""
    weight = sum(piece[2] for piece in group)
    lon = sum(piece[0] * piece[2] for piece in group) / weight
    lat = sum(piece[1] * piece[2] for piece in group) / weight
    nearest = min(group, key=lambda piece: ((piece[0] - lon) ** 2 + (piece[1] - lat) ** 2, piece))
    return nearest[0], nearest[1]


def _crossings(networks: Sequence[Network], known: set[str]) -> Iterator[tuple[str, str, int, int]]:
    """Where two streets meet; the carriageways of one crossing are one."""
    met: dict[tuple[str, str], set[tuple[int, int]]] = {}
    for network in networks:
        for node, names in _names_at(network).items():
            point = int(network.node_lon_e6[node]), int(network.node_lat_e6[node])
            for a, b in combinations(sorted(names & known), 2):
                met.setdefault((a, b), set()).add(point)
    for (a, b), points in met.items():
        kept: list[tuple[int, int]] = []
        for lon, lat in sorted(points):
            if all(max(abs(lon - x), abs(lat - y)) > APART_E6 for x, y in kept):
                kept.append((lon, lat))
        for lon, lat in kept:
            yield a, b, lon, lat


def _names_at(network: Network) -> Mapping[int, set[str]]:
    named = network.link_name[network.edge_link] > 0
    tails, names = network.edge_tail[named].tolist(), network.link_name[network.edge_link[named]].tolist()
    heads = network.edge_head[named].tolist()
    found: dict[int, set[str]] = {}
    for nodes in (tails, heads):
        for node, name in zip(nodes, names, strict=True):
            found.setdefault(node, set()).add(network.names[name])
    return {node: names for node, names in found.items() if len(names) > 1}


# --- landmarks ----------------------------------------------------------------------------------


def _landmarks(features: OsmFeatures) -> Iterator[_Found]:
    """Whatever has a name; a thing drawn twice, as a building and as a point, is one."""
    kept: dict[str, list[tuple[int, int]]] = {}
    points = [(poi.tags, poi.lon, poi.lat) for poi in features.pois]
    named = (area for area in (*features.areas, *features.buildings) if _name_of(area.tags))
    points += [(area.tags, *_inside(area)) for area in named]
    for tags, lon, lat in points:
        name = _name_of(tags)
        if not name:
            continue
        x, y = round(lon * 1e6), round(lat * 1e6)
        if any(max(abs(x - u), abs(y - v)) <= APART_E6 // 2 for u, v in kept.get(name, ())):
            continue
        kept.setdefault(name, []).append((x, y))
        yield _Found(name, _kind_of(tags), x, y)


def _name_of(tags: Mapping[str, str]) -> str:
    return " ".join((tags.get("name") or tags.get("name:zh") or "").split())


def _kind_of(tags: Mapping[str, str]) -> str:
    key = next((key for key in KIND_KEYS if tags.get(key, "no") != "no"), "")
    return f"{key}={tags[key]}" if key else ""


def _inside(area: OsmArea) -> tuple[float, float]:
    point = shapely.point_on_surface(shapely.geometry.shape(dict(area.geometry)))
    return point.x, point.y
