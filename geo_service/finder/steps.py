"""From the edges of a path to the steps a rider reads."""

from geo_service.engine.router import Path
from geo_service.finder.questions import Step
from geo_service.network.graph import MODES, Network


def route_steps(network: Network, path: Path) -> list[Step]:
    """
    Pieces of a path joined by street name and mode; gaps are walked, an e-bike pushed.

    Parameters
    ----------
    network
        Streets the path runs on.
    path
        What its router found.

    Returns
    -------
    steps
        From the origin to the destination; costs and lengths add up to those of the path.
    """
    on_foot = "walk" if network.profile == "walk" else "push"
    pieces = [("", on_foot, int(path.gap_ms[0]), int(path.gap_mm[0]))]
    for edge, cost_ms, length_mm in zip(path.edge, path.edge_cost_ms, path.edge_length_mm, strict=True):
        name = network.names[network.link_name[network.edge_link[edge]]]
        pieces.append((name, MODES[network.edge_mode[edge]], int(cost_ms), int(length_mm)))
    pieces.append(("", on_foot, int(path.gap_ms[1]), int(path.gap_mm[1])))
    steps: list[Step] = []
    for name, mode, cost_ms, length_mm in pieces:
        if cost_ms == 0 and length_mm == 0:
            continue
        if steps and (steps[-1].name, steps[-1].mode) == (name, mode):
            last = steps.pop()
            cost_ms, length_mm = last.cost_ms + cost_ms, last.length_mm + length_mm
        steps.append(Step(name, mode, cost_ms, length_mm))
    return steps
