"""
What a planner waits for: costs, the coverage clock, sites for a budget of five, and one drag of a candidate.

Each task is asked of us and of peers in the same run, and the answers must be equal: scipy's Dijkstra for costs,
the clock evaluated hour by hour, spopt's MCLP with HiGHS and CBC on the same instance, and everything counted again
for a drag. Districts are demos, directories that ``geo-service init`` made, or OSM files; where a map shows no
stations or too little demand, seeded ones stand for them. ``python -m benchmarks.planning xiangheyuan yingze
beijing.osm.pbf liechtenstein.osm.pbf --json planning.json`` keeps what is done and goes on from there.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import benchmarks.rig
from benchmarks.rig import report

import numpy as np  # isort: skip

from geo_service.districts import District, open_district  # isort: skip
from geo_service.districts.create import Recipe, create_district
from geo_service.districts.plans.demand import draw_demand
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.what_if import WhatIf
from geo_service.layers import Edit, Place
from geo_service.planning.changes import Change
from geo_service.planning.demand import KINDS, Demand
from geo_service.planning.measures import Part
from geo_service.planning.parameters import Need, Parameters
from geo_service.planning.siting import Sites, cover_most
from geo_service.settings import Settings

assert benchmarks.rig.THREADS

SEED, ON = 1, date(2026, 11, 25)
LEAST_DEMAND, MADE_DEMAND, MADE_STATIONS = 500, 4000, 40
P = 5
HOUR = 14
HOURS_OF_STATIONS = ("24/7", "Mo-Su 08:00-22:00", "Mo-Fr 08:30-18:00", "Mo-Su 07:00-23:00")
OURS = "geo_service"
NEED = Parameters(Need("station"), ON, accept=("stale", "unknown"))


@dataclass(frozen=True)
class Size:
    """How much is asked: candidates of the MCLP, points of a drag, and how often the rest is asked."""

    candidates: int
    drags: int
    turns: int
    peer_turns: int


FULL, QUICK = Size(300, 100, 15, 3), Size(40, 10, 3, 1)

Peer = tuple[str, Callable[[], Any], int]
"""Name, what is timed, and how often."""


def district_of(source: str, work: Path) -> District:
    """A district of a demo's name, a directory, or an OSM file; what is made of a file gets seeded stations."""
    path = Path(source)
    if (path / "district.toml").is_file():
        return open_district(path)
    made = work / path.name.split(".")[0]
    if not made.exists():
        work.mkdir(parents=True, exist_ok=True)
        recipe = Recipe(osm=source, on=ON) if path.is_file() else Recipe(demo=source, on=ON)
        create_district(made, recipe, Settings(), lambda *_: None)
    district = open_district(made)
    if NEED.need.layer not in district.layer_names():
        _add_stations(district)
    return district


def _add_stations(district: District) -> None:
    at = _street_points(district, np.random.default_rng(SEED), MADE_STATIONS)
    edits = []
    for row, (lon, lat) in enumerate(at.round(7).tolist()):
        hours = HOURS_OF_STATIONS[row % len(HOURS_OF_STATIONS)]
        place = Place(f"made-station-{row:03}", NEED.need.layer, lon, lat, f"made up {row}", hours=hours)
        edits.append(Edit(place.layer, place.id, None, None, place))
    district.store.apply(
        edits, actor="benchmark", role="import", source="made up", at=datetime(2026, 11, 25, tzinfo=UTC)
    )


def planner_of(district: District) -> Planner:
    """A planner with the map's own demand, or with a seeded one where it shows too little."""
    demand = draw_demand(district)
    if len(demand) < LEAST_DEMAND:
        rng = np.random.default_rng(SEED)
        demand = made_demand(_street_points(district, rng, MADE_DEMAND), rng)
    return Planner(district, NEED, demand)


def _street_points(district: District, rng: np.random.Generator, count: int) -> Any:
    """Points some metres beside streets of the largest part."""
    network = district.network(NEED.profile)
    at = np.flatnonzero(network.node_component == 0)
    lonlat = np.column_stack([network.node_lon_e6, network.node_lat_e6])[rng.choice(at, count)] / 1e6
    return lonlat + rng.normal(0, 1e-4, lonlat.shape)


def made_demand(lonlat: Any, rng: np.random.Generator) -> Demand:
    """Kinds and sizes at random."""
    kind = rng.integers(0, 4, len(lonlat)).astype(np.int32)
    names = tuple(f"{KINDS[k]} {row}" for row, k in enumerate(kind.tolist()))
    return Demand(names, names, kind, lonlat, rng.uniform(1, 50, len(lonlat)))


# --- tasks --------------------------------------------------------------------------------------------


def race(peers: Sequence[Peer], same: Callable[[Any, Any], bool]) -> dict[str, Any]:
    """Everybody's median, in turns; answers are those of the first."""
    taken: dict[str, list[float]] = {name: [] for name, _, _ in peers}
    answers: dict[str, Any] = {}
    for turn in range(max(count for *_, count in peers)):
        for name, ask, count in peers:
            if turn < count:
                begin = time.perf_counter()
                answers[name] = ask()
                taken[name].append(time.perf_counter() - begin)
    first = answers[peers[0][0]]
    for name, answer in answers.items():
        assert same(first, answer), f"{name} answers otherwise"
    return {name: statistics.median(times) for name, times in taken.items()}


def costs(planner: Planner, size: Size) -> dict[str, Any]:
    """From the junctions next to the demand to those next to the stations; scipy from the few to the many."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    network = planner.router.network
    tails = network.edge_tail[network.link_edge[planner.snaps.link].max(axis=1)]
    heads = np.unique(network.edge_head[network.link_edge[planner.stand.at.link].max(axis=1)])
    n = len(network.node_lon_e6)
    order = np.lexsort((network.edge_weight_ms, network.edge_head, network.edge_tail))
    pairs = network.edge_tail[order].astype(np.int64) * n + network.edge_head[order]
    order = order[np.unique(pairs, return_index=True)[1]]  # of parallel edges the fastest
    weight = network.edge_weight_ms[order].astype(np.float64)
    into = csr_array((weight, (network.edge_head[order], network.edge_tail[order])), shape=(n, n))

    def by_scipy() -> Any:
        found = dijkstra(into, indices=heads)[:, tails].T
        return np.where(np.isinf(found), -1, found).astype(np.int64)

    peers: list[Peer] = [
        (OURS, lambda: planner.router.matrix_nodes(tails, heads), size.turns),
        ("scipy", by_scipy, size.peer_turns),
    ]
    return race(peers, lambda a, b: bool((a == b).all()))


def coverage(planner: Planner, size: Size) -> dict[str, Any]:
    """Demand and stations on their streets, every cost, every opening hour: a planner from an open district."""
    whole = Planner(planner.district, NEED, planner.demand).stand.is_near
    ask = lambda: Planner(planner.district, NEED, planner.demand).stand.is_near  # noqa: E731
    return race([(OURS, ask, size.turns)], lambda a, b: bool((a == b).all() and (a == whole).all()))


def clock(planner: Planner, size: Size) -> dict[str, Any]:
    """168 shares; the peer looks at each hour alone."""
    stand, weights = planner.stand, planner.weights

    def hour_by_hour() -> Any:
        shares = []
        for hour in range(168):
            riders = weights.of_points([hour])
            is_covered = (stand.is_near & stand.places.is_open[:, hour]).any(axis=1)
            shares.append(riders[is_covered].sum() / riders.sum())
        return np.array(shares)

    peers: list[Peer] = [
        (OURS, lambda: planner.clock().share, size.turns),
        ("each hour alone (numpy)", hour_by_hour, size.turns),
    ]
    return race(peers, lambda a, b: bool(np.allclose(a, b)))


def most_covered(planner: Planner, size: Size) -> dict[str, Any]:
    """Sites for p = 5 among the candidates, riders of Monday 14:00; all solve the same instance to the end."""
    rng = np.random.default_rng(SEED)
    held = planner.candidates
    some = [held[i] for i in rng.choice(len(held), min(size.candidates, len(held)), replace=False)]
    at = planner.router.snap(np.array([(one.lon, one.lat) for one in some]))
    sites = Sites(
        planner.router.matrix(planner.snaps, at),
        planner.weights.of_points([HOUR]),
        np.zeros(len(some), dtype=np.bool_),
    )
    far = int(planner.most_cost * 1000)
    plain = np.where(sites.cost_ms < 0, far, sites.cost_ms).astype(np.float64)

    def by_spopt(solver: Callable[[], Any]) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from spopt.locate import MCLP

            model = MCLP.from_cost_matrix(plain, sites.weight, planner.most_cost, p_facilities=P)
            return float(model.solve(solver()).problem.objective.value())

    import pulp

    peers: list[Peer] = [
        (OURS, lambda: cover_most(sites, planner.most_cost, P).objective, size.turns),
        ("spopt, HiGHS", lambda: by_spopt(lambda: pulp.HiGHS(msg=False)), size.peer_turns),
        ("spopt, CBC", lambda: by_spopt(lambda: pulp.PULP_CBC_CMD(msg=False)), size.peer_turns),
    ]
    told = race(peers, lambda a, b: abs(a - b) <= 1e-6 * max(1.0, abs(a)))
    return told | {"candidates": len(some)}


def drag(planner: Planner, size: Size) -> dict[str, Any]:
    """One candidate at a new point each time; the peer counts everything again."""
    points = _street_points(planner.district, np.random.default_rng(SEED + 1), size.drags).round(6).tolist()
    trial = WhatIf(planner, NEED.groups)
    always = planner.week.open_by_text("24/7", planner.cutoff_ms)
    moves, again = iter(points), iter(points)

    def followed() -> Any:
        lon, lat = next(moves)
        trial.ask([Change("site", lon=lon, lat=lat)], HOUR)
        return None

    def counted() -> Any:
        is_near = planner.near(np.array([next(again)]))[:, 0]
        planner.clock([Part(is_near, always)])
        return None

    for lon, lat in points[:3]:
        is_near = planner.near(np.array([(lon, lat)]))[:, 0]
        right = planner.clock([Part(is_near, always)])
        told = trial.ask([Change("site", lon=lon, lat=lat)], HOUR)["clock"]
        assert np.allclose(np.array(told, dtype=float), right.share, atol=1e-5)
    peers: list[Peer] = [
        (OURS, followed, size.drags),
        ("all counted again", counted, min(size.drags, size.turns)),
    ]
    return race(peers, lambda a, b: a is b)


TASKS: Mapping[str, Callable[[Planner, Size], dict[str, Any]]] = {
    "costs": costs,
    "coverage": coverage,
    "clock": clock,
    "most covered": most_covered,
    "drag": drag,
}


def measure(source: str, work: Path, size: Size) -> dict[str, Any]:
    """Every task on one district."""
    district = district_of(source, work)
    try:
        planner = planner_of(district)
        for task in TASKS.values():
            task(planner, QUICK)  # compile, and take in what is made once
        told: dict[str, Any] = {name: task(planner, size) for name, task in TASKS.items()}
    finally:
        district.close()
    return told | {
        "source": Path(source).name,
        "junctions": len(planner.router.network.node_lon_e6),
        "demand_points": len(planner.demand),
        "stations": len(planner.stand.places.places),
    }


def lines(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """One line for each peer of each task, with how much slower it is."""
    for name in TASKS:
        times = {peer: taken for peer, taken in row[name].items() if peer != "candidates"}
        asked = (
            f"{name}, {row[name]['candidates']} candidates, p = {P}" if "candidates" in row[name] else name
        )
        for peer, taken in times.items():
            ratio = "" if peer == OURS else f"{taken / times[OURS]:.1f}"
            yield row["source"], asked, peer, report.duration(taken), ratio


def print_report(rows: Sequence[Mapping[str, Any]]) -> None:
    """What was measured where, and one table."""
    last = rows[-1]
    print(
        f"{last['date']}, commit {last['commit']}, {last['machine']}, Python {last['python']}, load {last['load']}\n"
    )
    head = ("district", "junctions", "demand points", "stations")
    sizes = [
        (row["source"], *(f"{row[key]:,}" for key in ("junctions", "demand_points", "stations")))
        for row in rows
    ]
    print(report.table(head, sizes), "\n")
    print(
        report.table(
            ("district", "task", "who", "median", "times ours"), [one for row in rows for one in lines(row)]
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="*", default=["xiangheyuan"], help="demos, directories, OSM files")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "geo_service_bench_planning"
    )
    parser.add_argument("--json", type=Path, help="file to keep figures in, and to go on from")
    parser.add_argument("--quick", action="store_true", help="few questions, to see that it runs")
    options = parser.parse_args()
    known = json.loads(options.json.read_text()) if options.json and options.json.is_file() else []
    place = report.circumstances()
    rows = [row for row in known if row["code"] == place["code"]]
    for source in options.sources:
        if any(row["source"] == Path(source).name for row in rows):
            continue
        print(f"{source} ...", file=sys.stderr, flush=True)
        rows.append(measure(source, options.work, QUICK if options.quick else FULL) | place)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print_report(rows)


if __name__ == "__main__":
    main()
