"""The phone's engine in a real browser, beside the server's: packs from memory, questions in batches."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from playwright.sync_api import sync_playwright

from geo_service.engine.router import NONE, Router
from geo_service.errors import InvalidInputError, UnreachableError
from geo_service.finder import Finder, Found, NearestQuestion
from geo_service.finder.doubted import NO_DOUBTS, Doubted, Doubts
from geo_service.finder.steps import route_steps
from geo_service.finder.stretches import reached_stretches
from geo_service.hours import SHANGHAI, Opening, State
from geo_service.layers import Layer, Place
from geo_service.network.graph import Network
from geo_service.pack.files import PackedFile
from geo_service.pack.hours import DAYS, pack_hours
from geo_service.pack.places import Snapped, pack_places
from geo_service.pack.streets import pack_streets
from geo_service.pack.tiles import pack_tiles
from tests.browsing import FLAGS, served

SCRIPTS = Path(__file__).resolve().parents[1] / "geo_service" / "web" / "static" / "phone"
TYPES = {".js": "text/javascript", ".json": "application/json"}
OPEN_STATES = (State.OPEN, State.CLOSING_SOON, State.STALE)

Files = Callable[[str], bytes | None]

ASK = """async ({home, asks}) => {
  const { openPhone } = await import("/phone/phone.js");
  const { reach } = await import("/phone/ways.js");
  const phones = (window.phones ??= new Map());
  if (!phones.has(home)) phones.set(home, await openPhone({base: `/${home}/`}));
  const phone = phones.get(home);
  const row = (r) => r && [r.id, r.cost_ms, r.length_mm, r.state, r.open_until, r.opens_at];
  const wants = (a) => a.tiles_missing ? {wants: a.tiles_missing.tiles} : {};
  const read = {
    nearest: (a) => ({rows: a.results.map(row), short: a.shortfall ?? null, at: a.at, ...wants(a)}),
    onway: (a) => ({direct: a.direct_cost_ms, rows: a.results.map((r) => [r.added_ms, ...row(r)])}),
    range: (a) => ({rows: a.results.map(row), nearest: row(a.nearest ?? null), ...wants(a)}),
    route: (a) => ({cost: a.cost_ms, length: a.length_mm, line: a.geometry.coordinates,
                    steps: a.steps.map((s) => [s.name, s.mode, s.cost_ms, s.length_mm])}),
    state: (a) => [a.state, a.open_until, a.opens_at, a.assumed],
    snap: (a) => [a.lon, a.lat, a.gap_m],
  };
  const answers = [];
  for (const {verb, ...ask} of asks) {
    if (ask.profile) await phone.ready(ask.profile);
    try {
      if (verb === "look") answers.push(await phone.look(ask.box).then(() => null));
      else if (verb === "state") answers.push(read.state(phone.state(phone.place(ask.id), ask.at, ask.services)));
      else if (verb === "reach") {
        const {router} = phone._profiles.get(ask.profile);
        if (router === null) phone.reach({...ask, minutes: [1]});
        const {linkId} = router.network;
        answers.push(reach(router, ask.from, ask.cutoffs).map(({stretches: {link, start, end}}) =>
          link.map((one, i) => [linkId[one], start[i], end[i]])));
      } else answers.push(read[verb](phone[verb](ask)));
    } catch (error) {
      if (!error.code) throw error;
      const {code, parameter, gap_m, tiles} = error;
      answers.push({code, parameter, gap_m, tiles});
    }
  }
  return answers;
}"""


def _app(homes: Mapping[str, Files]) -> Any:
    """A site of nothing but the phone's scripts and some packs."""

    def app(environ: Mapping[str, Any], start: Any) -> list[bytes]:
        first, _, rest = environ["PATH_INFO"].lstrip("/").partition("/")
        body: bytes | None = b"<!doctype html><title>phone</title>" if not first else None
        if first == "phone" and (SCRIPTS / rest).is_file():
            body = (SCRIPTS / rest).read_bytes()
        elif first in homes:
            body = homes[first](rest.removeprefix("pack/"))
        kind = TYPES.get(Path(rest).suffix, "application/octet-stream") if first else "text/html"
        start("200 OK" if body is not None else "404 Not Found", [("Content-Type", kind)])
        return [body or b""]

    return app


class Phone:
    """A page with the engine; what is asked of it, is asked of the modules themselves."""

    def __init__(self, page: Any, homes: dict[str, Files]) -> None:
        self.page = page
        self._homes = homes

    def hold(self, home: str, files: Files) -> None:
        """Serve a pack from now on."""
        self._homes[home] = files

    def ask(self, home: str, asks: list[dict[str, Any]]) -> list[Any]:
        """Ask many questions in one go."""
        return self.page.evaluate(ASK, {"home": home, "asks": asks})


@contextmanager
def phone_page(chromium: str) -> Iterator[Phone]:
    """A browser with one page, which may import the phone's modules."""
    homes: dict[str, Files] = {}
    with served(_app(homes)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page()
        page.goto(address)
        yield Phone(page, homes)
        browser.close()


# -- packs ------------------------------------------------------------------------------------------


def district_files(district: Any, at: datetime, doubts: Doubts = NO_DOUBTS) -> Files:
    """The pack of a district as of an instant, with what is said against places."""
    said = district.pack.current(at).said
    rows = [
        {"place": d.place, "claim": "shut", "n_said": 1, "last_s": d.begin_s, "begin_s": d.begin_s, "end_s": d.end_s}
        for d in doubts.spans
    ]  # fmt: skip

    def read(name: str) -> bytes | None:
        if name == "index.json":
            return orjson.dumps({**said, "doubts": rows, "apps": {}})
        found = district.pack.read(name, at)
        return found.body if found else None

    return read


def town_files(network: Network, places: list[Place], *, is_tiled: bool = False) -> Files:
    """A pack of one network and one layer, whose facts never grow old."""
    snaps = Router(network).snap(np.array([place.target for place in places]).reshape(-1, 2))
    snapped = Snapped(snaps.link, snaps.share, snaps.forward_ms, snaps.backward_ms, snaps.gap_ms, snaps.gap_m)
    layer = Layer(places[0].layer, tuple(places))
    day = date(2026, 11, 18)
    packed = pack_places([layer], {layer.name: {network.profile: snapped}}, lambda _: date(2099, 1, 1), ())
    hours = PackedFile("hours.json", orjson.dumps(pack_hours(packed.texts, day)), b"", b"")
    files = {packed.file.name: packed.file.body, hours.name: hours.body}
    profile: dict[str, Any] = {"id": network.profile}
    if is_tiled:
        grid, tiles = pack_tiles(network, "tile")
        rows = []
        for tile in tiles:
            files[tile.file.name] = tile.file.body
            rows.append([tile.column, tile.row, tile.file.name, len(tile.file.body)])
        profile["tiles"] = grid._asdict() | {"files": rows}
    else:
        files["streets.bin"] = pack_streets(network)
        profile["file"] = "streets.bin"
    midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    index = {
        "day_s": int(midnight.timestamp()), "days": DAYS, "profiles": [profile], "doubts": [], "services": {},
        "places": {"file": packed.file.name}, "hours": {"file": hours.name}, "layers": [{"key": layer.name}],
    }  # fmt: skip
    return (files | {"index.json": orjson.dumps(index)}).get


# -- the server's answers, in the words of the page's script -----------------------------------------


def instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms % 1000 == 0 else _exactly(at_ms)


def _exactly(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)


def _time(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at else None


def opening_row(opening: Opening) -> list[Any]:
    until = _time(opening.until) if opening.state in OPEN_STATES else None
    return [str(opening.state), until, _time(opening.opens_at)]


def found_row(found: Found | None) -> list[Any] | None:
    return found and [found.place.id, found.cost_ms, found.length_mm, *opening_row(found.opening)]


@dataclass
class Server:
    """The server's finder, asked as the phone is."""

    district: Any
    doubts: Doubts = NO_DOUBTS

    @cached_property
    def finder(self) -> Finder:
        return self.district.finder

    @cached_property
    def searching(self) -> Finder:
        """Without labels: of ways that tie in cost and length it takes the same as the phone."""
        routers = {profile: Router(self.district.network(profile)) for profile in self.district.profiles}
        return Finder(self.district.store, routers)

    def answer(self, ask: Mapping[str, Any]) -> Any:
        """What the page's script should give back."""
        try:
            return getattr(self, "_" + ask["verb"])(ask)
        except UnreachableError:
            return {"code": "unreachable", "parameter": "via" if ask["verb"] == "range" else "to"}
        except InvalidInputError as error:
            facts = error.facts
            return {"code": "far_from_street", "parameter": facts["parameter"], "gap_m": facts["gap_m"]}

    def question(self, ask: Mapping[str, Any]) -> NearestQuestion:
        return NearestQuestion(
            ask["layer"],
            instant(ask["at"]),
            ask["k"],
            ask["profile"],
            tuple(ask["services"]),
            ask["operator"],
            frozenset(State(word) for word in ask["accept"]),
            ask["plan"],
            ask["voltage"],
            self.doubts,
        )

    def _nearest(self, ask: Mapping[str, Any]) -> Any:
        question = self.question(ask)
        (answer,) = self.finder.nearest(question, np.array([ask["from"]]))
        short, told = answer.shortfall, None
        if short is not None:
            soonest = short.soonest and {
                "id": short.soonest.place.id,
                "name": short.soonest.place.name,
                "cost_s": short.soonest.cost_ms / 1000,
                "cost_ms": short.soonest.cost_ms,
                "opens_at": _time(short.soonest.opening.opens_at),
            }
            told = {
                "places": short.n_places,
                "filtered_out": short.n_filtered,
                "unreachable": short.n_unreachable,
                "states": {str(state): n for state, n in short.states.items()},
                "soonest": soonest,
            }
        return {"rows": [found_row(f) for f in answer.found], "short": told, "at": _time(question.at)}

    def _onway(self, ask: Mapping[str, Any]) -> Any:
        answer = self.finder.onway(self.question(ask), np.array(ask["from"]), np.array(ask["to"]))
        rows = [[stop.added_ms, *(found_row(stop.found) or [])] for stop in answer.stops]
        return {"direct": answer.direct_ms, "rows": rows}

    def _range(self, ask: Mapping[str, Any]) -> Any:
        via = None if ask["via"] is None else np.array(ask["via"])
        limits = (ask["range_m"], ask["reserve_m"], via)
        answer = self.finder.within_range(self.question(ask), np.array(ask["from"]), *limits)
        return {"rows": [found_row(f) for f in answer.found], "nearest": found_row(answer.nearest)}

    def _route(self, ask: Mapping[str, Any]) -> Any:
        ends = np.array(ask["from"]), np.array(ask["to"])
        told = self.finder.route(*ends, ask["profile"])
        way = self.searching.route(*ends, ask["profile"])
        assert (told.cost_ms, told.length_mm) == (way.cost_ms, way.length_mm)
        steps = [[s.name, s.mode, s.cost_ms, s.length_mm] for s in way.steps]
        line = np.round(way.lonlat, 7).tolist()
        return {"cost": told.cost_ms, "length": told.length_mm, "line": line, "steps": steps}

    def _reach(self, ask: Mapping[str, Any]) -> Any:
        network, bands = self.district.network(ask["profile"]), []
        for cutoff_ms in ask["cutoffs"]:
            reach = self.finder.reach(np.array(ask["from"]), ask["profile"], cutoff_ms)
            stretches = reached_stretches(network, reach)
            bands.append([list(row) for row in zip(*(column.tolist() for column in stretches), strict=True)])
        return bands

    def _state(self, ask: Mapping[str, Any]) -> Any:
        place = self.district.place(ask["id"])
        opening = self.finder.opening(place, instant(ask["at"]), tuple(ask["services"]), self.doubts)
        return [*opening_row(opening), False]


@dataclass
class TownServer:
    """The engine's router over one network and places that are always open, asked as the phone is."""

    network: Network
    places: list[Place]

    @cached_property
    def router(self) -> Router:
        return Router(self.network)

    @cached_property
    def facilities(self) -> Any:
        return self.router.snap(np.array([place.target for place in self.places]).reshape(-1, 2))

    def answer(self, ask: Mapping[str, Any]) -> Any:
        """What the page's script should give back."""
        points = {}
        for name in ("from", "to", "via"):
            if ask.get(name) is not None:
                points[name] = self.router.snap([ask[name]])
                if points[name].link[0] == NONE:
                    gap_m = round(float(points[name].gap_m[0]), 1)
                    return {"code": "far_from_street", "parameter": name, "gap_m": gap_m}
        try:
            return getattr(self, "_" + ask["verb"])(
                ask, **{name + "_": point for name, point in points.items()}
            )
        except UnreachableError:
            return {"code": "unreachable", "parameter": "via" if ask["verb"] == "range" else "to"}

    def _row(self, f: int, cost_ms: int, length_mm: int) -> list[Any]:
        return [self.places[f].id, cost_ms, length_mm, "open", None, None]

    def _rows(self, *columns: Any) -> list[list[Any]]:
        rows = zip(*(column.ravel().tolist() for column in columns), strict=True)
        return [self._row(*row) for row in rows if row[0] != NONE]

    def _nearest(self, ask: Mapping[str, Any], from_: Any) -> Any:
        rows = self._rows(*self.router.nearest(from_, self.facilities, ask["k"]))
        short = None
        if len(rows) < ask["k"]:
            n = len(self.places)
            states = {"open": len(rows)} if rows else {}
            short = {
                "places": n,
                "filtered_out": 0,
                "unreachable": n - len(rows),
                "states": states,
                "soonest": None,
            }
        return {"rows": rows, "short": short, "at": _time(instant(ask["at"]))}

    def _onway(self, ask: Mapping[str, Any], from_: Any, to_: Any) -> Any:
        stops = self.router.onway(from_, to_, self.facilities, ask["k"])
        rows = self._rows(stops.facility, stops.arrival_ms, stops.length_mm)
        return {
            "direct": stops.direct_ms,
            "rows": [[added, *row] for added, row in zip(stops.added_ms.tolist(), rows, strict=False)],
        }

    def _range(self, ask: Mapping[str, Any], from_: Any, via_: Any = None) -> Any:
        within = self.router.range(from_, self.facilities, 1000 * ask["range_m"], via=via_)
        rows = self._rows(*within)[: ask["k"]]
        everywhere = self.router.range(from_, self.facilities, 1 << 40, via=via_)
        nearest = min(self._rows(*everywhere), key=lambda row: row[2], default=None)
        return {"rows": rows, "nearest": None if rows else nearest}

    def _route(self, ask: Mapping[str, Any], from_: Any, to_: Any) -> Any:
        path = self.router.route(from_, to_)
        steps = [[s.name, s.mode, s.cost_ms, s.length_mm] for s in route_steps(self.network, path)]
        line = np.round(path.lonlat, 7).tolist()
        return {"cost": path.cost_ms, "length": path.length_mm, "line": line, "steps": steps}

    def _reach(self, ask: Mapping[str, Any], from_: Any) -> Any:
        reaches = [self.router.reach(from_, cutoff_ms) for cutoff_ms in ask["cutoffs"]]
        bands = [reached_stretches(self.network, reach) for reach in reaches]
        return [
            [list(row) for row in zip(*(column.tolist() for column in band), strict=True)] for band in bands
        ]


def differences(asks: list[dict[str, Any]], answers: list[Any], server: Server | TownServer) -> list[str]:
    """What the phone says otherwise, a line each."""
    found = []
    for ask, said in zip(asks, answers, strict=True):
        wanted = server.answer(ask)
        if isinstance(said, dict) and "code" in said:
            said = {key: value for key, value in said.items() if value is not None}
        if said != wanted:
            found.append(f"{ask}\n  phone  {str(said)[:600]}\n  server {str(wanted)[:600]}")
    return found


# -- what is asked --------------------------------------------------------------------------------


class Dice:
    """Throws questions at a district."""

    def __init__(self, district: Any, seed: int, first: date) -> None:
        self.district, self.dice = district, random.Random(seed)
        self.begin_ms = round(
            datetime(first.year, first.month, first.day, tzinfo=SHANGHAI).timestamp() * 1000
        )
        layers = [district.places(name) for name in district.layer_names()]
        self.layers = [layer for layer in layers if layer.features and isinstance(layer.features[0], Place)]

    def doubts(self) -> Doubts:
        """Something said against one place in ten, for some hours."""
        spans = []
        for layer in self.layers:
            for place in layer.features:
                if self.dice.random() < 0.1:
                    begin_s = self.begin_ms // 1000 + self.dice.randrange(DAYS * 86400)
                    spans.append(Doubted(place.id, begin_s, begin_s + self.dice.randrange(1, 100_000)))
        return Doubts(tuple(spans))

    def at(self) -> int:
        """Any millisecond of the fourteen days; half the time a round one, where doors open and close."""
        at_ms = self.begin_ms + self.dice.randrange(DAYS * 86400_000)
        return (
            at_ms if self.dice.random() < 0.5 else at_ms - at_ms % self.dice.choice([1000, 60_000, 1800_000])
        )

    def spot(self) -> list[float]:
        """Anywhere, and now and then on a junction, on a place, between the streets' own points, or outside."""
        dice, kind = self.dice, self.dice.random()
        west, south, east, north = self.district.bbox
        if kind < 0.12:
            network = self.district.network(dice.choice(self.district.profiles))
            i = dice.randrange(len(network.point_lon_e6) - 1)
            i, j = (i, i) if kind < 0.06 else (i, i + 1)
            lon = (int(network.point_lon_e6[i]) + int(network.point_lon_e6[j])) / 2e6
            return [lon, (int(network.point_lat_e6[i]) + int(network.point_lat_e6[j])) / 2e6]
        if kind < 0.2:
            place = dice.choice(dice.choice(self.layers).features)
            return list(place.target)  # type: ignore[union-attr]
        margin = 0.008 if kind < 0.25 else 0.0
        return [dice.uniform(west - margin, east + margin), dice.uniform(south - margin, north + margin)]

    def ask(self) -> dict[str, Any]:
        """One question; reaches and routes are fewer, since they say more."""
        verb = self.dice.choices(["nearest", "onway", "range", "route", "reach"], [45, 20, 25, 8, 2])[0]
        ask = {"verb": verb, "profile": self.dice.choice(self.district.profiles), "from": self.spot()}
        if verb == "reach":
            return ask | {"cutoffs": [60_000 * minutes for minutes in (2, 5, 12)]}
        if verb == "route":
            return ask | {"to": self._near(ask["from"])}
        ask |= self._wish() | {"at": self.at(), "k": self.dice.choice([1, 3, 5, 10, 100])}
        if verb == "onway":
            ask["to"] = self._near(ask["from"])
        if verb == "range":
            ask["range_m"] = self.dice.choice([150, 800.0005, 2500, 9000, 500_000])
            ask |= {"reserve_m": self.dice.choice([0, 300]), "via": self.dice.choice([None, self.spot()])}
        return ask

    def _near(self, spot: list[float]) -> list[float]:
        """Mostly far; sometimes on the same street."""
        if self.dice.random() < 0.75:
            return self.spot()
        return [spot[0] + self.dice.uniform(-2e-4, 2e-4), spot[1] + self.dice.uniform(-2e-4, 2e-4)]

    def _wish(self) -> dict[str, Any]:
        dice = self.dice
        layer = dice.choice(self.layers)
        places = [feature for feature in layer.features if isinstance(feature, Place)]
        kinds = sorted({service.kind for place in places for service in place.services})
        cabinets = [place.power for place in places if place.power]
        power = dice.choice(cabinets) if cabinets and dice.random() < 0.5 else None
        return {
            "layer": layer.name,
            "services": dice.sample(kinds, min(len(kinds), dice.choice([0, 0, 1, 2]))),
            "accept": dice.choice([[], ["unknown"], ["stale"], ["unknown", "stale"]]),
            "operator": dice.choice(places).operator if dice.random() < 0.15 else None,
            "plan": power.plan if power else None,
            "voltage": dice.choice(power.voltage_v)
            if power and power.voltage_v and dice.random() < 0.5
            else None,
        }
