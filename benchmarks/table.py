"""
The tables of a measurement, in Markdown: ``python -m benchmarks.table OUT.json``.

What `benchmarks.engine` wrote is told again, whole or interrupted: medians of the runs it holds, ratios, goals met
or not, with machine, date and commit.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.rig import report

NAME = "ours"
SOME, EVERY = ", 30 % eligible", "ours, all eligible"

ALL_TO_SOME, LABEL_BYTES, MAPPED_BYTES = 1.5, 1300, 2500
"""30 % eligible over all eligible; bytes for each node of labels and of all that is mapped: at most."""

WARM_S, COLD_S = 1.0, 6.0
"""First answer of a process with the cache of kernels filled, and empty: at most."""


def print_report(told: Mapping[str, Any]) -> None:
    """The tables, in Markdown."""
    net = told["network"]
    print(
        f"{told['date']}, commit {told['commit']}, {told['machine']}, Python {told['python']}, load {told['load']}; "
        f"{told.get('source', 'made up')}: {net['nodes']:,} nodes, {net['edges']:,} edges, {net['fingerprint']}; "
        f"{told['runs']} of {told['runs_wanted']} runs; "
        f"answers {told['answers_sha256']}"
    )
    print(f"missing: {', '.join(told['missing']) or 'nobody'}\n")
    against = {name: task for name, task in told["tasks"].items() if set(task["peers"]) - {NAME, EVERY}}
    alone = {name: task for name, task in told["tasks"].items() if name not in against}
    print(
        report.table(("task", "ours", "peer", "peer's", "ratio", "of the runs", "goal"), _ratio_rows(against))
    )
    print("\nCPU time, medians; * asked in part and scaled up\n")
    print(report.table(("only ours", "CPU", "wall", "limit"), _limit_rows(alone)))
    print()
    print(report.table(("made", "version", "CPU", "memory grew", "index for each node"), _made_rows(told)))
    print()
    print(report.table(("figure", "is", "at most"), _figure_rows(told)))


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "NOT MET"


def _ratio_rows(tasks: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for task, told in tasks.items():
        ours_s = told["peers"][NAME]["cpu_us"] / 1e6
        for peer, row in told["peers"].items():
            if peer == NAME:
                continue
            goal = f"{row['goal']:g}: {_verdict(row['ratio'] >= row['goal'])}" if row["goal"] else ""
            span = f"{report.significant(row['ratio_lowest'])} to {report.significant(row['ratio_highest'])}"
            star = "*" if row["part"] < 1 else ""
            time_told = report.duration(row["cpu_us"] / 1e6) + star
            yield task, report.duration(ours_s), peer, time_told, report.significant(row["ratio"]), span, goal


def _limit_rows(tasks: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for task, told in tasks.items():
        row, limit_us = told["peers"][NAME], told["limit_us"]
        limit = f"{limit_us:g} µs: {_verdict(row['cpu_us'] <= limit_us)}" if limit_us else ""
        yield task, report.duration(row["cpu_us"] / 1e6), report.duration(row["wall_us"] / 1e6), limit


def _made_rows(told: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, row in told["preprocessing"].items():
        size = f"{row['index_bytes'] / told['network']['nodes']:,.0f} B" if row["index_bytes"] else ""
        yield name, str(row["version"]), report.duration(row["cpu_s"]), f"{row['grown_mb']:.0f} MB", size


def _figure_rows(told: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    size = told["bytes_per_node"]
    limits = (("labels", LABEL_BYTES), ("labels with lengths", None), ("index and network", MAPPED_BYTES))
    for name, limit in limits:
        goal = "" if limit is None else f"{limit:,}: {_verdict(size[name] <= limit)}"
        yield f"{name}, bytes for each node", f"{size[name]:,.0f}", goal
    for name, limit_s in (("first answer, cache filled", WARM_S), ("first answer, cache empty", COLD_S)):
        cpu_s = told["start"][name]
        yield f"{name}, CPU time", report.duration(cpu_s), f"{limit_s:g} s: {_verdict(cpu_s <= limit_s)}"
    for name, task in told["tasks"].items():
        if name.endswith(SOME):
            slower = 1.0 / task["peers"][EVERY]["ratio"]
            yield (
                f"{name}, over all eligible",
                f"{slower:.2f}",
                f"{ALL_TO_SOME}: {_verdict(slower <= ALL_TO_SOME)}",
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("json", type=Path, help="what `python -m benchmarks.engine --json` wrote")
    print_report(json.loads(parser.parse_args().json.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
