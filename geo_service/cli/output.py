"""What a person or a program is told: answers, refusals, progress."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from geo_service.errors import GeoServiceError

PATIENCE_S = 2.0
"""A log hears of progress only when the work takes longer than this."""

SIGN_OF_LIFE_S = 15.0
"""After this long in one stage a log hears of it again."""


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for a person at a terminal, a line per stage for a log."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with (
        _Log(is_quiet=console.is_terminal) as log,
        Progress(*columns, console=console, disable=not console.is_terminal) as bar,
    ):

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total or None)
                log.enter(stage)
            bar.update(tasks[stage], completed=done, total=total or None)

        yield report


class _Log:
    """Lines for a log: nothing while the work is short, then each stage, and a sign of life in long ones."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._stage = ""
        self._is_late = False
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Log":
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    def enter(self, stage: str) -> None:
        self._stage = stage
        if self._is_late:
            self._say()

    def _look(self) -> None:
        wait_s = PATIENCE_S
        while not self._done.wait(wait_s):
            self._is_late, wait_s = True, SIGN_OF_LIFE_S
            self._say()

    def _say(self) -> None:
        if self._stage and not self._is_quiet:
            click.echo(f"{self._stage} …", err=True)


def print_answer(as_json: bool, answer: object, text: str) -> None:
    """Print an answer for a program or a person."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=1) if as_json else text)


def print_error(error: GeoServiceError, as_json: bool) -> None:
    """Say on one line of standard error what was refused."""
    if as_json:
        problem = {"error": type(error).__name__, "detail": error.message, **error.facts}
        click.echo(json.dumps(problem, ensure_ascii=False, default=str), err=True)
    else:
        click.echo(f"geo-service: {error.message}", err=True)


def one_line(text: str) -> str:
    """A message without line breaks and full stop."""
    return " ".join(text.split()).rstrip(".")


def minutes_text(cost_s: float) -> str:
    """A cost as people say it."""
    minutes, seconds = divmod(round(cost_s), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def nearest_text(answer: dict[str, Any]) -> str:
    """Results as a numbered list, and why they are few."""
    lines = []
    for rank, result in enumerate(answer["results"], start=1):
        until = f" until {result['open_until'][:16].replace('T', ' ')}" if result["open_until"] else ""
        way = f"{minutes_text(result['cost_s'])}  {result['length_m']:.0f} m"
        lines.append(f"{rank}. {result['name']}  {way}  {result['state']}{until}{_said(result)}")
        lines.append(f"   {result['id']}  {result['lon']:.6f},{result['lat']:.6f}")
        lines += [f"   {app}: {url}" for app, url in result["links"].items() if rank == 1]
    if "shortfall" in answer:
        lines.append(_shortfall_text(answer["shortfall"], bool(answer["results"])))
    return "\n".join(lines)


def _said(result: dict[str, Any]) -> str:
    """What people on the spot say against a place; empty for most."""
    words = [f"{one['claim'].replace('_', ' ')} said {one['n_said']}x" for one in result["doubts"]]
    return f" ({', '.join(words)})" if words else ""


def onway_text(answer: dict[str, Any]) -> str:
    """Stops as a numbered list, the added time first."""
    lines = [f"without a stop: {minutes_text(answer['direct_cost_s'])}"]
    for rank, stop in enumerate(answer["results"], start=1):
        way = f"+{minutes_text(stop['added_s'])}  there in {minutes_text(stop['cost_s'])}"
        lines.append(f"{rank}. {stop['name']}  {way}  {stop['state']}{_said(stop)}")
        lines.append(f"   {stop['id']}  {stop['lon']:.6f},{stop['lat']:.6f}")
        lines += [f"   {app}: {url}" for app, url in stop["links"].items() if rank == 1]
    if not answer["results"]:
        return "\n".join([*lines, "no stop is open on the way"])
    onward = [f"   {app}: {url}" for app, url in answer["onward_links"].items()]
    return "\n".join([*lines, "and from there to the destination:", *onward])


def range_text(answer: dict[str, Any]) -> str:
    """Places within range, or plainly that there is none and how far the nearest is."""
    if answer["results"]:
        return nearest_text(answer)
    left_m = answer["range_m"] - answer["reserve_m"]
    said = f"none within range: {left_m:.0f} m are left after the reserve"
    nearest = answer["nearest"]
    if nearest is None:
        return f"{said}, and no place of the layer counts at all"
    return f"{said}; the nearest is {nearest['name']} ({nearest['id']}), {nearest['length_m']:.0f} m by the streets"


def coverage_text(answer: dict[str, Any]) -> str:
    """The share, what it is a share of, and what a trial would make of it."""
    share, minutes = answer["covered_share"], answer["minutes"]
    lines = [
        f"{share:.1%} of street length ({answer['covered_m'] / 1000:.1f} of {answer['street_m'] / 1000:.1f} km) "
        f"has a place within {minutes:g} min ({answer['profile']})",
        f"{answer['nodes']['covered_share']:.1%} of {answer['nodes']['count']} junctions",
        f"{answer['eligible']} of {answer['places']} places count ({answer['open_rule']})",
        "street length is not demand: a metre of empty lane counts as much as any other",
    ]
    trial = answer.get("what_if")
    if trial:
        lines.append(f"with the changes: {trial['covered_share']:.1%} ({trial['difference']:+.2%})")
        lines += [f"  {_change_name(one)} alone: {one['difference']:+.2%}" for one in trial["alone"]]
    return "\n".join(lines)


def _change_name(one: dict[str, Any]) -> str:
    return f"without {one['without']}" if "without" in one else "with {:.6f},{:.6f}".format(*one["with"])


def _shortfall_text(short: dict[str, Any], some: bool) -> str:
    if not short["places"]:
        return "there are no places in this layer yet; `geo-service import` brings some"
    parts = [f"{count} {state}" for state, count in short["states"].items()]
    parts += [f"{short[key]} {words}" for key, words in _MISSED.items() if short[key]]
    text = (
        ("no more" if some else "nothing open on arrival")
        + f" among {short['places']} places: "
        + ", ".join(parts)
    )
    soonest = short["soonest"]
    if soonest:
        opens_at = soonest["opens_at"][:16].replace("T", " ")
        text += f"; {soonest['name']} opens at {opens_at}, {minutes_text(soonest['cost_s'])} away"
    if any(state in short["states"] for state in ("unknown", "stale")):
        text += "; --accept unknown,stale widens"
    return text


_MISSED = {"filtered_out": "without what was asked for", "unreachable": "not reachable by the streets"}
