"""
A local stand-in for Overpass and Nominatim that answers from a handful of objects.

It understands the questions osmnx asks: ``way["key"](poly:"lat lon …")`` and the like, each
followed by recursion down to members and nodes.
"""

import functools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import numpy as np
import shapely

from tests.oracles.network import Osm

_CLAUSE = re.compile(
    r"""(node|way|relation)\[["'](\w+)["'](?:=["']([^"']+)["'])?\]\(poly:["']([^"']+)["']\)"""
)


class OsmServers:
    """Context manager: ``overpass_url``, ``nominatim_url``, and the ``questions`` that came."""

    def __init__(self, osm: Osm, places: dict[str, dict] | None = None) -> None:
        self.osm = osm
        self.places = places or {}
        self.questions: list[str] = []
        self.status = 200
        self.extra: dict[str, object] = {}
        self.body: bytes | None = None

    def __enter__(self):
        servers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urlparse(self.path)
                servers.questions.append(self.path)
                self._send(servers.search(parse_qs(url.query)["q"][0]))

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                question = parse_qs(text)["data"][0]
                servers.questions.append(question)
                self._send(servers.interpret(question))

            def _send(self, answer):
                body = json.dumps(answer).encode() if servers.body is None else servers.body
                self.send_response(servers.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Say nothing: the test's own output counts."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.overpass_url, self.nominatim_url = f"{base}/api", f"{base}/nominatim"
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- Overpass

    def interpret(self, question: str) -> dict[str, object]:
        found: dict[str, set[int]] = {"node": set(), "way": set(), "relation": set()}
        for kind, key, value, poly in _CLAUSE.findall(question):
            numbers = [float(number) for number in poly.split()]
            inside = self._inside(tuple(zip(numbers[1::2], numbers[0::2], strict=True)))
            found[kind] |= {i for i, tags in self._tagged(kind, key, value) if self._touches(kind, i, inside)}
        self._recurse(found)
        elements = [e for e in self.osm.elements() if e["id"] in found[e["type"]]]
        stamp = {"timestamp_osm_base": "2026-01-02T03:04:05Z", "copyright": "ODbL"}
        return {"version": 0.6, "generator": "stand-in", "osm3s": stamp, "elements": elements} | self.extra

    @functools.cache  # noqa: B019 - the questions of one test ask about the same outline
    def _inside(self, corners):
        polygon = shapely.Polygon(corners)
        shapely.prepare(polygon)
        lon, lat = np.array(list(self.osm.nodes.values())).reshape(-1, 2).T
        is_inside = shapely.intersects_xy(polygon, lon, lat)
        return {i for i, here in zip(self.osm.nodes, is_inside.tolist(), strict=True) if here}

    def _tagged(self, kind, key, value):
        rows = {
            "node": self.osm.node_tags.items(),
            "way": ((i, tags) for i, (_, tags) in self.osm.ways.items()),
            "relation": ((i, tags) for i, (_, tags) in self.osm.relations.items()),
        }[kind]
        return [(i, tags) for i, tags in rows if key in tags and value in ("", tags[key])]

    def _touches(self, kind, i, inside):
        if kind == "node":
            return i in inside
        if kind == "way":
            return not inside.isdisjoint(self.osm.ways[i][0])
        ways = [
            ref for member, ref, _ in self.osm.relations[i][0] if member == "way" and ref in self.osm.ways
        ]
        return any(self._touches("way", way, inside) for way in ways)

    def _recurse(self, found):
        for i in found["relation"]:
            found["way"] |= {
                ref for kind, ref, _ in self.osm.relations[i][0] if kind == "way"
            } & self.osm.ways.keys()
        for i in found["way"]:
            found["node"] |= set(self.osm.ways[i][0]) & self.osm.nodes.keys()

    # --- Nominatim

    def search(self, name: str) -> list[dict[str, object]]:
        if name not in self.places:
            return []
        geometry = self.places[name]
        west, south, east, north = shapely.from_geojson(json.dumps(geometry)).bounds
        row = {
            "place_id": 1, "osm_type": "relation", "osm_id": 7,
            "lat": str((south + north) / 2), "lon": str((west + east) / 2),
            "class": "boundary", "type": "administrative", "importance": 0.4, "display_name": name, "name": name,
            "boundingbox": [str(south), str(north), str(west), str(east)], "geojson": geometry,
        }  # fmt: skip
        return [row]
