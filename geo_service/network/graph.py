"""
The street network of one profile, as plain arrays.

Two layers of the same streets. A *link* is a piece of street between two nodes, with its
drawn geometry; an *edge* is one permitted direction along a link. The engine searches
edges; snapping looks at links. Geometry was thinned and rounded to 1e-6 degrees when the
network was built, so that a server and a phone that hold these integers snap alike.
"""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import BadDataError, InvalidInputError

IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]
ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

NONE = -1
"""No edge, no node, no link: every index array says absence this way."""

MODES = ("ride", "push", "walk")
"""How an edge is travelled; ``Network.edge_mode`` holds positions in this tuple."""

MAGIC = "geo_service network"
VERSION = 1


class Metric(NamedTuple):
    """
    Metres per 1e-6 degree near the network, as numbers a phone repeats bit for bit.

    ``lat_m`` and the first coefficient hold at ``lat0_e6``; a micro-degree of longitude at
    latitude ``lat_e6`` is ``lon_m + d * (lon_m1 + d * lon_m2)`` metres, ``d = lat_e6 - lat0_e6``.
    """

    lat0_e6: float
    lat_m: float
    lon_m: float
    lon_m1: float
    lon_m2: float


@dataclass(frozen=True, eq=False)
class Network:
    """
    Streets of one profile: nodes, directed edges in CSR order, links with geometry.

    ``n`` nodes, ``m`` directed edges, ``l`` links, ``p`` geometry points. Every array is
    read-only. Edges are sorted by tail, then head, then link; links by their lower edge id.

    Parameters
    ----------
    profile
        ``"walk"`` or ``"ebike"``, or a name of the caller's.
    gap_ms_per_m
        What the straight gap between a point and its street costs, milliseconds per metre.
    metric
        Metres per micro-degree around here.
    node_lon_e6
        Longitude of each node in 1e-6 degrees, shape ``(n,)``.
    node_lat_e6
        Latitude of each node in 1e-6 degrees, shape ``(n,)``.
    node_osm
        OSM node id, shape ``(n,)``.
    node_component
        Weakly connected component of each node, numbered from the largest (0), shape ``(n,)``.
    first_edge
        Edges leaving node ``v`` are ``first_edge[v]:first_edge[v + 1]``, shape ``(n + 1,)``.
    edge_tail
        Node an edge leaves, shape ``(m,)``.
    edge_head
        Node an edge enters, shape ``(m,)``.
    edge_weight_ms
        Whole cost of the edge, at least 1, its ``edge_delay_ms`` included, shape ``(m,)``.
    edge_delay_ms
        The part of the weight that is paid at the very end, at the head (a gate, a signal), shape ``(m,)``.
    edge_mode
        Position in `MODES`, shape ``(m,)``.
    edge_link
        The link an edge runs along, shape ``(m,)``.
    link_edge
        Edge along the drawn direction and edge against it, `NONE` where not permitted, shape ``(l, 2)``.
    link_length_mm
        Length on the ellipsoid, millimetres, at least 1, shape ``(l,)``.
    link_name
        Position in `names`; 0 is the empty name, shape ``(l,)``.
    link_way
        OSM way id, shape ``(l,)``.
    first_point
        Geometry of link ``i`` is points ``first_point[i]:first_point[i + 1]``, at least two,
        the first at the tail of ``link_edge[i, 0]``'s direction, shape ``(l + 1,)``.
    point_lon_e6
        Longitude of each geometry point, shape ``(p,)``.
    point_lat_e6
        Latitude of each geometry point, shape ``(p,)``.
    names
        Street names, the empty string first, the rest sorted.
    """

    profile: str
    gap_ms_per_m: float
    metric: Metric
    node_lon_e6: IntArray
    node_lat_e6: IntArray
    node_osm: LongArray
    node_component: IntArray
    first_edge: IntArray
    edge_tail: IntArray
    edge_head: IntArray
    edge_weight_ms: IntArray
    edge_delay_ms: IntArray
    edge_mode: ByteArray
    edge_link: IntArray
    link_edge: IntArray
    link_length_mm: IntArray
    link_name: IntArray
    link_way: LongArray
    first_point: IntArray
    point_lon_e6: IntArray
    point_lat_e6: IntArray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            getattr(self, name).flags.writeable = False

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_lon_e6)

    @property
    def n_edges(self) -> int:
        """Number of directed edges."""
        return len(self.edge_head)

    @property
    def n_links(self) -> int:
        """Number of links."""
        return len(self.link_length_mm)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any value of the network."""
        digest = hashlib.sha256(self._header().encode())
        for name in _ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self, name)).data)
        return digest.hexdigest()[:16]

    def _header(self) -> str:
        return json.dumps(
            {
                "magic": MAGIC,
                "version": VERSION,
                "profile": self.profile,
                "gap_ms_per_m": self.gap_ms_per_m,
                "metric": list(self.metric),
                "names": self.names,
            },
            ensure_ascii=False,
        )


_ARRAYS = tuple(
    f.name for f in fields(Network) if f.name.startswith(("node", "first", "edge", "link", "point"))
)


def save_network(network: Network, folder: Path) -> None:
    """
    Write a network as flat files into a new or existing folder.

    Parameters
    ----------
    network
        What to write.
    folder
        One ``.npy`` per array and a ``network.json`` with magic, version and fingerprint, written last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(network, name), allow_pickle=False)
    header = json.loads(network._header()) | {"fingerprint": network.fingerprint}
    part = folder / "network.json.part"
    part.write_text(json.dumps(header, ensure_ascii=False), encoding="utf-8")
    part.replace(folder / "network.json")


def load_network(folder: Path) -> Network:
    """
    Map a saved network into memory.

    Parameters
    ----------
    folder
        Where `save_network` wrote.

    Returns
    -------
    network
        Arrays are read-only memory maps, shared by all processes that load them; every byte was compared
        with the fingerprint.

    Raises
    ------
    BadDataError
        If files are missing, of another version, or damaged.
    """
    try:
        header: dict[str, Any] = json.loads((folder / "network.json").read_text(encoding="utf-8"))
        if (header.get("magic"), header.get("version")) != (MAGIC, VERSION):
            raise BadDataError(
                f"{folder}: not a network of version {VERSION}; build it anew with `geo-service init`",
                path=str(folder),
            )
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS
        }
        network = Network(
            profile=header["profile"],
            gap_ms_per_m=header["gap_ms_per_m"],
            metric=Metric(*header["metric"]),
            names=tuple(header["names"]),
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, BadDataError):
            raise
        raise BadDataError(
            f"{folder}: network unreadable ({error}); build it anew", path=str(folder)
        ) from error
    _check_shapes(network, folder)
    if network.fingerprint != header["fingerprint"]:
        raise BadDataError(f"{folder}: network damaged, fingerprint differs; build it anew", path=str(folder))
    return network


def _check_shapes(network: Network, folder: Path) -> None:
    n, m, links, points = network.n_nodes, network.n_edges, network.n_links, len(network.point_lon_e6)
    rows = {"node": n, "edge": m, "link": links, "point": points}
    expected: dict[str, tuple[int, ...]] = {
        name: (rows[name.split("_")[0]],) for name in _ARRAYS if not name.startswith("first")
    }
    expected |= {"first_edge": (n + 1,), "first_point": (links + 1,), "link_edge": (links, 2)}
    for name, shape in expected.items():
        if getattr(network, name).shape != shape:
            raise BadDataError(
                f"{folder}: {name} has shape {getattr(network, name).shape}, not {shape}; build it anew",
                path=str(folder),
            )
    if network.first_edge[-1] != m or network.first_point[-1] != points:
        raise BadDataError(
            f"{folder}: offsets do not end at the last edge or point; build it anew", path=str(folder)
        )


def check_streets(network: Network) -> None:
    """
    Refuse a network with nothing to travel on, or with edges that cost or measure nothing.

    Ways through such edges would tie without end, and searches count on every edge costing something.

    Parameters
    ----------
    network
        Network of one profile.

    Raises
    ------
    InvalidInputError
        If it has no edge, or one that costs or measures less than 1, or whose delay is not a part of its cost.
    """
    if network.n_edges == 0:
        raise InvalidInputError(
            f"no street for profile {network.profile!r} in this area; "
            "is it an OSM file with highways, and is the box right (W,S,E,N)?",
            parameter="profile",
            value=network.profile,
        )
    _refuse_first(network, network.edge_weight_ms < 1, "edge", "weight_ms", network.edge_weight_ms)
    _refuse_first(network, network.link_length_mm < 1, "link", "length_mm", network.link_length_mm)
    is_odd = (network.edge_delay_ms < 0) | (network.edge_delay_ms > network.edge_weight_ms)
    _refuse_first(network, is_odd, "edge", "delay_ms", network.edge_delay_ms)


def _refuse_first(
    network: Network, is_wrong: npt.NDArray[np.bool_], row: str, quantity: str, values: IntArray
) -> None:
    if not is_wrong.any():
        return
    at = int(is_wrong.argmax())
    allowed = "0 to the weight of the edge" if quantity == "delay_ms" else "1 and more"
    raise InvalidInputError(
        f"{row} {at} of profile {network.profile!r} has {quantity}={int(values[at])}; "
        f"allowed is {allowed}; build the network anew",
        parameter=quantity,
        value=int(values[at]),
    )
