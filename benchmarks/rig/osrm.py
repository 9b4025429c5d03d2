"""
OSRM as a peer, where the Python version has wheels for it (3.12 and later).

It takes files and coordinates, not nodes and weights. So the streets are written out as OSM, one straight way for
each edge with its seconds on it, and a profile reads those; nothing else costs anything. Its times include
snapping and objects, for facilities with hints.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.rig.clock import Job
from benchmarks.rig.peers import (
    Hint,
    Leeway,
    Pair,
    Peer,
    Way,
    k_best_of_list,
    read_best,
    read_costs,
    read_way,
)
from benchmarks.rig.streets import IntArray, Streets

PROFILE = """
api_version = 4
function setup()
  return { properties = { weight_name = "duration", max_speed_for_map_matching = 50,
    call_tagless_node_function = false, u_turn_penalty = 0, continue_straight_at_waypoint = false,
    use_turn_restrictions = false } }
end
function process_node(profile, node, result, relations) end
function process_way(profile, way, result, relations)
  result.duration = tonumber(way:get_value_by_key("seconds"))
  result.weight = result.duration
  result.forward_mode = mode.driving
  result.backward_mode = mode.inaccessible
end
function process_turn(profile, turn) turn.duration = 0; turn.weight = 0 end
return { setup = setup, process_node = process_node, process_way = process_way, process_turn = process_turn }
"""

MOST_FACILITIES = 5_000
"""One row to 20,000 takes it three seconds."""


class Osrm(Peer):
    """Contraction hierarchies in C++ over turns; seconds in tenths, so that sums are off by some of them."""

    package = "osrm-bindings"
    is_exact = False
    leeway: ClassVar[Leeway] = Leeway(ms=600.0, share=0.003, stray=0.05)

    def __init__(self, streets: Streets) -> None:
        import osrm

        self._osrm = osrm
        self._lonlat = [tuple(point) for point in streets.lonlat.tolist()]
        with tempfile.TemporaryDirectory() as name:  # it reads all of it into memory
            self._engine = self._build(streets, Path(name))

    def _build(self, streets: Streets, base: Path) -> Any:
        (base / "seconds.lua").write_text(PROFILE, encoding="ascii")
        write_osm(streets, base / "streets.osm")
        tools = Path(self._osrm.__file__).parent / "bin"
        for tool, *words in (
            ("osrm-extract", "-p", str(base / "seconds.lua"), str(base / "streets.osm")),
            ("osrm-contract", str(base / "streets.osrm")),
        ):
            command = [str(tools / tool), "-t", "1", *words]
            subprocess.run(command, check=True, capture_output=True)
        return self._osrm.OSRM(
            algorithm="CH",
            storage_config=str(base / "streets.osrm"),
            use_shared_memory=False,
            max_locations_distance_table=100_000,
        )

    def nearest(self, facilities: IntArray, k: int, hint: Hint) -> Job | None:
        if len(facilities) > MOST_FACILITIES:
            return None
        ends, hints = self._at(facilities), self._hints(facilities)
        rows = list(range(1, len(ends) + 1))

        def ask(node: int) -> Any:
            asked = self._osrm.TableParameters(
                coordinates=[self._lonlat[node], *ends], hints=[None, *hints], sources=[0], destinations=rows,
                generate_hints=False,
            )  # fmt: skip
            found = self._engine.Table(asked)["durations"][0]
            return k_best_of_list([float(cost_s) * 1000.0 for cost_s in found], k)

        return Job(ask, read_best)

    def route(self) -> Job:
        def ask(pair: Pair) -> Way:
            asked = self._osrm.RouteParameters(
                coordinates=[self._lonlat[node] for node in pair], geometries="geojson", overview="full",
                generate_hints=False,
            )  # fmt: skip
            found = self._engine.Route(asked)["routes"][0]
            line = [[at[0], at[1]] for at in found["geometry"]["coordinates"]]
            return Way(float(found["duration"]) * 1000.0, np.array(line))

        return Job(ask, read_way)

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        places = [*self._at(sources), *self._at(targets)]
        rows, columns = range(len(sources)), range(len(sources), len(places))
        asked = self._osrm.TableParameters(
            coordinates=places, sources=list(rows), destinations=list(columns), generate_hints=False
        )

        def read(found: Any) -> Any:
            return read_costs([[float(cost_s) * 1000.0 for cost_s in row] for row in found["durations"]])

        return Job(lambda _: self._engine.Table(asked), read)

    def _at(self, nodes: IntArray) -> list[Any]:
        return [self._lonlat[node] for node in nodes.tolist()]

    def _hints(self, nodes: IntArray) -> list[str]:
        """Where the facilities stand in its own terms, so that only the start is snapped anew."""
        places = self._at(nodes)
        asked = self._osrm.TableParameters(coordinates=places, sources=[0], generate_hints=True)
        return [str(place["hint"]) for place in self._engine.Table(asked)["destinations"]]


def write_osm(streets: Streets, path: Path) -> None:
    """Nodes, and one straight way for each edge, with its seconds."""
    rows = ['<osm version="0.6">']
    rows += [
        f'<node id="{node}" lon="{lon:.6f}" lat="{lat:.6f}" version="1"/>'
        for node, (lon, lat) in enumerate(streets.lonlat.tolist(), start=1)
    ]
    edges = zip(streets.tail.tolist(), streets.head.tolist(), streets.weight_ms.tolist(), strict=True)
    rows += [
        f'<way id="{way}" version="1"><nd ref="{tail + 1}"/><nd ref="{head + 1}"/>'
        f'<tag k="highway" v="residential"/><tag k="seconds" v="{weight_ms / 1000.0:.3f}"/></way>'
        for way, (tail, head, weight_ms) in enumerate(edges, start=1)
    ]
    path.write_text("\n".join([*rows, "</osm>\n"]), encoding="ascii")
