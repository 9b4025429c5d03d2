"""All the peers there are."""

from benchmarks.rig.osrm import Osrm
from benchmarks.rig.peers import (
    Cityseer,
    Igraph,
    Networkx,
    Objectnat,
    Pandana,
    Peer,
    PyRoutingKit,
    RoutingKitCch,
    Scipy,
)

PEERS: tuple[type[Peer], ...] = (
    RoutingKitCch,
    PyRoutingKit,
    Scipy,
    Networkx,
    Igraph,
    Pandana,
    Cityseer,
    Objectnat,
    Osrm,
)
