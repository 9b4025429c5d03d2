"""Is all well? What `geo-service check` looks at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from geo_service.desk.rota import DEFAULT_AGES
from geo_service.desk.standards import Judged, Standard, judge
from geo_service.districts.findings import Finding
from geo_service.districts.place_checks import check_places
from geo_service.districts.routers import PROFILES
from geo_service.districts.working_copy import is_changed_by_hand, layer_path
from geo_service.errors import BadDataError, GeoServiceError
from geo_service.layers import Place, dump_layer
from geo_service.network.features import load_features
from geo_service.network.graph import Network, load_network

if TYPE_CHECKING:
    from geo_service.districts.district import District

Progress = Callable[[str, int, int], None]

ISLANDS_NAMED = 10


def check_district(
    district: "District",
    at: datetime,
    ages: Mapping[str, int] = DEFAULT_AGES,
    progress: Progress | None = None,
) -> tuple[Finding, ...]:
    """
    Look through a district: store, working copy, streets, places.

    Parameters
    ----------
    district
        An open district.
    at
        Instant for which facts are judged, aware.
    ages
        Days after which each kind of fact is due for a check.
    progress
        Hears what is looked at.

    Returns
    -------
    findings
        Errors first, then warnings, then counts.
    """
    tell = progress or (lambda *_: None)
    tell("store", 0, 0)
    findings = [*_check_store(district), *_check_osm(district), *_check_pack(district)]
    tell("streets", 0, 0)
    streets = {profile: _check_streets(district, profile) for profile in PROFILES}
    whole = [profile for profile, found in streets.items() if all(f.level != "error" for f in found)]
    findings += [finding for found in streets.values() for finding in found]
    tell("places", 0, 0)
    findings += [*check_places(district, at, ages), *_far_places(district, whole)]
    order = ("error", "warning", "info")
    return tuple(sorted(findings, key=lambda finding: order.index(finding.level)))


def judge_district(district: "District", standard: Standard) -> tuple[Finding, ...]:
    """
    Hold the places of a district to a standard, and name what each of them lacks.

    Parameters
    ----------
    district
        An open district.
    standard
        The standard.

    Returns
    -------
    findings
        One warning per place that lacks something, then the count.
    """
    held = [name for name in district.layer_names() if name in standard.layers]
    places = [f for name in held for f in district.store.layer(name).features if isinstance(f, Place)]
    judged = judge(standard, places)
    words = {rule.id: rule.en for rule in standard.rules}
    findings = [_lacking(one, words) for one in judged if one.ids("lacking") or one.ids("unknown")]
    whole = len(judged) - len(findings)
    message = (
        f"{whole} of {len(judged)} have all of {standard.id} ({standard.source}; trust: {standard.trust})"
    )
    facts = {"standard": standard.id, "places": len(judged), "whole": whole, "trust": standard.trust}
    return (*findings, Finding("info", standard.id, message, facts))


def _lacking(judged: Judged, words: Mapping[str, str]) -> Finding:
    lacking, unknown = judged.ids("lacking"), judged.ids("unknown")
    parts = [f"lacks {', '.join(words[rule] for rule in lacking)}"] if lacking else []
    parts += [f"not known: {', '.join(words[rule] for rule in unknown)}"] if unknown else []
    place = judged.place
    facts = {"id": place.id, "lacking": list(lacking), "unknown": list(unknown)}
    level = "warning" if lacking else "info"
    return Finding(level, place.layer, f"{place.id} {place.name}: {'; '.join(parts)}", facts)


def _check_store(district: "District") -> list[Finding]:
    problems = district.store.check()
    findings = [Finding("error", "store", problem, {}) for problem in problems]
    if not problems:
        findings.append(Finding("info", "store", "integrity whole, history replays to the present state", {}))
    for info in district.store.layers():
        path = layer_path(district.directory, info.name)
        if is_changed_by_hand(district.directory, district.store, info.name):
            message = f"{path.name} was changed by hand; take it in with geo-service sync"
        elif not path.is_file() or path.read_bytes() != dump_layer(district.store.layer(info.name)):
            message = f"{path.name} lags behind the store, which is what is served; geo-service sync writes it again"
        else:
            continue
        findings.append(Finding("warning", info.name, message, {"path": str(path)}))
    return findings


def _check_osm(district: "District") -> list[Finding]:
    """What was amiss in the extract, and whether what was kept of it can still be read."""
    try:
        report = load_features(district.directory / "osm").report
    except GeoServiceError as error:
        return [Finding("error", "osm", error.message, dict(error.facts))]
    read = f"read {report.nodes} nodes, {report.ways} ways, {report.relations} relations"
    faults = {name: getattr(report, name) for name in _FAULTS if getattr(report, name)}
    if not faults:
        return [Finding("info", "osm", read, {})]
    words = ", ".join(f"{count} {_FAULTS[name]}" for name, count in faults.items())
    return [Finding("warning", "osm", f"{read}; {words}", dict(faults))]


def _check_pack(district: "District") -> list[Finding]:
    """Whether phones would get what the pack's index names; a pack that is not there yet is no fault."""
    problems = district.pack.check()
    return [
        Finding("warning", "pack", f"{problem}; geo-service pack makes it whole", {}) for problem in problems
    ]


_FAULTS = {
    "missing_nodes": "nodes that streets name are missing",
    "cut_ways": "streets were cut there",
    "broken_relations": "relations are broken",
    "broken_areas": "areas could not be built",
}


def _far_places(district: "District", profiles: Sequence[str]) -> Iterator[Finding]:
    for name in district.layer_names():
        if district.catalogue[name].is_area:
            continue
        for profile in profiles:
            for place, gap_m in district.finder.far_places(name, profile):
                message = f"{place.id} {place.name}: {gap_m:.0f} m from the nearest street for {profile}"
                facts = {"id": place.id, "profile": profile, "gap_m": round(gap_m, 1)}
                yield Finding("warning", name, message, facts)


def _check_streets(district: "District", profile: str) -> list[Finding]:
    try:
        network = load_network(district.directory / "network" / profile)
    except BadDataError as error:
        return [Finding("error", profile, error.message, dict(error.facts))]
    kilometres = float(network.link_length_mm.sum()) / 1e6
    size = {
        "nodes": network.n_nodes,
        "edges": network.n_edges,
        "links": network.n_links,
        "km": round(kilometres, 1),
    }
    words = f"{network.n_nodes} junctions, {network.n_links} street pieces, {kilometres:.1f} km"
    return [Finding("info", profile, words, size), *_islands(network, profile)]


def _islands(network: Network, profile: str) -> list[Finding]:
    """Street pieces that no way connects with the main network, the largest named."""
    n_nodes = np.bincount(network.node_component)
    if len(n_nodes) < 2:
        return []
    component_of_link = network.node_component[network.edge_tail[network.link_edge.max(axis=1)]]
    length_m = np.bincount(component_of_link, weights=network.link_length_mm, minlength=len(n_nodes)) / 1000
    largest = np.argsort(-length_m[1:], kind="stable")[:ISLANDS_NAMED] + 1
    islands = []
    for component in largest:
        node = int(np.flatnonzero(network.node_component == component)[0])
        lon, lat = network.node_lon_e6[node] / 1e6, network.node_lat_e6[node] / 1e6
        islands.append(
            {"lon": float(lon), "lat": float(lat), "length_m": round(float(length_m[component]), 1)}
        )
    first = islands[0]
    message = (
        f"{len(n_nodes) - 1} islands of {length_m[1:].sum() / 1000:.1f} km are cut off from the main streets; "
        f"the longest, {first['length_m']:.0f} m, at {first['lon']:.6f},{first['lat']:.6f}"
    )
    return [Finding("warning", profile, message, {"islands": len(n_nodes) - 1, "longest": islands})]
