"""Our engine as one more peer, by its fastest public calls; and what only it answers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.rig.clock import Job
from benchmarks.rig.peers import Hint, Pair, Peer, Way
from benchmarks.rig.streets import FloatArray, IntArray, LongArray, Streets
from geo_service.engine.router import Facilities, Router, Snaps, Windows, build_index
from geo_service.finder import Finder, NearestQuestion
from geo_service.hours import SHANGHAI
from geo_service.layers import Checked, Edit, Place, Provenance
from geo_service.network.graph import Network
from geo_service.store.sqlite import open_sqlite

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

NAME = "ours"

NO_HINT = Hint(0.0, 0.0, 0.0)
"""For peers that take no cutoff."""

AT = datetime(2026, 11, 18, 19, 30, tzinfo=SHANGHAI)
"""A Wednesday evening: of `HOURS` most are open, some close on the way, some are closed."""

HOURS = ("24/7", "Mo-Su 08:00-22:00", "Mo-Fr 07:00-19:45", "Mo-Sa 09:00-18:00", "Mo-Su 17:00-02:00")


class Ours(Peer):
    """Hub labels over a contraction hierarchy, in numba."""

    package = "geo-service"

    def __init__(self, streets: Streets) -> None:
        self.streets = streets
        self.index = build_index(streets.network)
        self.router = Router(streets.network, self.index)
        self._prepared: dict[int, Facilities] = {}

    def prepare(self, facilities: IntArray) -> Facilities:
        """Facilities made ready once, as a server does."""
        key = hash(facilities.tobytes())
        if key not in self._prepared:
            self._prepared[key] = self.router.facilities_at(facilities)
        return self._prepared[key]

    def nearest(self, facilities: IntArray, k: int, hint: Hint | None = None) -> Job:
        return self.nearest_of(self.prepare(facilities), k)

    def nearest_of(self, prepared: Facilities, k: int) -> Job:
        """The k nearest of facilities already prepared."""
        ask = self.router.nearest_node
        return Job(lambda node: ask(node, prepared, k), lambda found: found[1])

    def batch(self, facilities: IntArray, k: int, hint: Hint | None = None) -> Job:
        prepared, everywhere = self.prepare(facilities), np.arange(self.streets.n_nodes)
        return Job(lambda _: self.router.nearest_nodes(everywhere, prepared, k), lambda found: found[1])

    def route(self) -> Job:
        def ask(pair: Pair) -> Way:
            path = self.router.route_nodes(*pair)
            return Way(path.cost_ms, path.lonlat)

        return Job(ask, lambda way: np.array([way.cost_ms], dtype=np.int64))

    def coverage(self, facilities: IntArray, hint: Hint | None = None) -> Job:
        prepared = self.prepare(facilities)
        return Job(lambda _: self.router.coverage(prepared), lambda coverage: coverage.cost_ms)

    def matrix(self, sources: IntArray, targets: IntArray) -> Job:
        return Job(lambda _: self.router.matrix_nodes(sources, targets), lambda cost_ms: cost_ms)

    def index_bytes(self) -> int:
        return self.index.n_bytes

    def label_bytes(self, *, with_lengths: bool) -> int:
        """What the labels take, both directions; lengths decide between ways that are equally fast."""
        both = (self.index.forward, self.index.backward)
        return sum(
            column.nbytes
            for labels in both
            for name, column in labels._asdict().items()
            if with_lengths or name != "mm"
        )


def mapped_bytes(network: Network) -> int:
    """What the arrays of a network take."""
    return sum(value.nbytes for value in vars(network).values() if isinstance(value, np.ndarray))


def points_near(streets: Streets, count: int, rng: np.random.Generator) -> FloatArray:
    """Points up to some thirty metres beside drawn streets, whole 1e-6 degrees, shape ``(count, 2)``."""
    at = streets.points[rng.integers(len(streets.points), size=count)]
    return np.round(at + rng.uniform(-2.5e-4, 2.5e-4, (count, 2)), 6)


def evening_windows(count: int) -> Windows:
    """When facilities with `HOURS` in turn are open during the two days after `AT`, milliseconds from then."""
    midnight = AT.replace(hour=0, minute=0)
    day_of = {"24/7": (0.0, 72.0), "Mo-Su 17:00-02:00": (17.0, 26.0), "Mo-Fr 07:00-19:45": (7.0, 19.75)}
    day_of |= {"Mo-Su 08:00-22:00": (8.0, 22.0), "Mo-Sa 09:00-18:00": (9.0, 18.0)}
    first, opens, closes = [0], [], []
    for row in range(count):
        begin_h, end_h = day_of[HOURS[row % len(HOURS)]]
        for day in (0, 1, 2)[: 1 if end_h > 48 else 3]:
            span = [midnight + timedelta(days=day, hours=hour) for hour in (begin_h, end_h)]
            begin_ms, end_ms = (round((moment - AT).total_seconds() * 1000) for moment in span)
            if end_ms > 0:
                opens.append(max(begin_ms, 0))
                closes.append(end_ms)
        first.append(len(opens))
    return Windows(np.array(first, dtype=np.int32), np.array(opens), np.array(closes))


@contextmanager
def finder_of(router: Router, lonlat: FloatArray) -> Iterator[Callable[[FloatArray], Any]]:
    """Ask a real store and finder for the five nearest open stations, result objects and all."""
    checked = {kind: Checked(date(2026, 11, 15), "desk") for kind in ("existence", "hours")}
    provenance = Provenance("synthetic", "CC0-1.0", checked)
    edits = []
    for row, (lon, lat) in enumerate(lonlat.tolist()):
        name, hours = f"驿站 {row}", HOURS[row % len(HOURS)]
        place = Place(f"s{row:05}", "station", lon, lat, name, hours=hours, provenance=provenance)
        edits.append(Edit("station", place.id, None, None, place))
    with TemporaryDirectory() as folder:
        store = open_sqlite(Path(folder) / "store.sqlite", create=True)
        try:
            store.apply(edits, actor="bench", role="desk", source="bench", at=AT)
            finder, question = Finder(store, {"ebike": router}), NearestQuestion("station", AT, 5)
            yield lambda point: finder.nearest(question, point)
        finally:
            store.close()


def snapped_jobs(ours: Ours, lonlat: FloatArray, k: int) -> Mapping[str, Job]:
    """The nearest question snapped, then open on arrival; costs, -1 where there are fewer than k."""
    router = ours.router
    prepared, windows = router.facilities(router.snap(lonlat)), evening_windows(len(lonlat))
    return {
        "snapped": Job(
            lambda point: router.nearest_point(point[0, 0], point[0, 1], prepared, k), lambda found: found[1]
        ),
        "snapped, open on arrival": Job(
            lambda point: router.nearest_point(point[0, 0], point[0, 1], prepared, k, windows),
            lambda found: found[1],
        ),
    }


def read_found(answers: Any) -> LongArray:
    """Costs of the places in the answer of a finder."""
    cost_ms = np.full(5, -1, dtype=np.int64)
    costs = [found.cost_ms for found in answers[0].found]
    cost_ms[: len(costs)] = costs
    return cost_ms


def other_jobs(router: Router, facilities: Facilities | Snaps) -> dict[str, Job]:
    """Verbs from point to point, snapping included; questions are pairs of points, shape ``(2, 2)``."""
    snap = router.snap
    count = len(facilities) if isinstance(facilities, Facilities) else len(facilities.link)
    return {
        "route, snapped": Job(
            lambda pair: router.route(snap(pair[:1]), snap(pair[1:])),
            lambda path: [path.cost_ms, path.length_mm],
        ),
        f"on the way, 5 of {count:,}, snapped": Job(
            lambda pair: router.onway(snap(pair[:1]), snap(pair[1:]), facilities, 5),
            lambda stops: stops.added_ms,
        ),
        f"within 8 km, of {count:,}, snapped": Job(
            lambda pair: router.range(snap(pair[:1]), facilities, 8_000_000), lambda within: within.cost_ms
        ),
        "reach in 10 minutes, snapped": Job(
            lambda pair: router.reach(snap(pair[:1]), 600_000), lambda reach: reach.node_cost_ms
        ),
    }


def searched(
    router: Router, lonlat: FloatArray, k: int, windows: Windows | None
) -> Callable[[FloatArray], LongArray]:
    """The same by searching the streets, to compare with."""
    facilities: Snaps = router.snap(lonlat)
    return lambda point: router.nearest(router.snap(point), facilities, k, windows).cost_ms[0]
