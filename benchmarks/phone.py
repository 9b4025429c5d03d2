"""
How long a question takes on the phone: in a real Chromium whose processor is slowed down.

Run ``python -m benchmarks.phone DIR [DIR …] [--slow 4] [--asked 100] [--rounds 3]`` with directories of districts.
Spots, instants of the pack's fourteen days, layers and both profiles are drawn with a seed; ``k`` is what a page asks
for. Each question is asked eight times in a row, because Chromium slows down in slices, and the best round of means
counts, so that a busy neighbour does not pass for slow code. On a machine with more work than cores that is not enough:
``cpu`` counts the seconds of the page's thread instead, not slowed down, and multiplies them.
"""

import argparse
import platform
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from geo_service.districts import District, open_district
from geo_service.settings import Settings
from geo_service.web import create_app

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
VERBS = ("nearest", "onway", "range", "route", "reach")
DAYS_MS = 14 * 86_400_000

REPEATED = 8

OPEN = """async ({script, base, profiles}) => {
  const { openPhone } = await import(script);
  const since = (begin) => performance.now() - begin;
  let begin = performance.now();
  window.phone = await openPhone({base});
  const open = since(begin);
  const ready = {};
  for (const profile of profiles) {
    begin = performance.now();
    await window.phone.ready(profile);
    ready[profile] = since(begin);
  }
  window.one = ({verb, after, ...ask}, times) => {
    const at = window.phone._held.day_s * 1000 + after;
    const begin = performance.now();
    try {
      for (let i = 0; i < times; i++) window.phone[verb]({...ask, at});
    } catch (error) {
      if (!error.code) throw error;
      return null;
    }
    return since(begin) / times;
  };
  return {open, ready};
}"""

ASK_ALL = """async ([asks, times]) => {
  const all = asks.map((ask) => window.one(ask, times));
  await new Promise((resolve) => setTimeout(resolve));
  return all;
}"""


def draw(district: District, n_asked: int, seed: int) -> list[dict[str, Any]]:
    """As many questions of each verb, anywhere in the district, at any hour."""
    dice = random.Random(seed)
    west, south, east, north = district.bbox
    layers = [key for key in district.layer_names() if hasattr(district.places(key).features[0], "hours")]

    def spot() -> list[float]:
        return [dice.uniform(west, east), dice.uniform(south, north)]

    asks = []
    for verb in VERBS:
        for _ in range(n_asked):
            ask = {"verb": verb, "profile": dice.choice(district.profiles), "from": spot(), "to": spot()}
            ask |= {"layer": dice.choice(layers), "after": dice.randrange(DAYS_MS), "minutes": [5, 10, 15]}
            ask |= {"range_m": dice.choice([1000, 3000, 9000]), "via": dice.choice([None, spot()])}
            asks.append(ask)
    return asks


@contextmanager
def serve(district: District) -> Iterator[tuple[str, str]]:
    """The district on a free port; gives the address, and that of the phone's script."""
    app = create_app({district.id: district}, Settings())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with app.test_request_context():
        script = app.jinja_env.globals["asset"]("phone/phone.js")  # type: ignore[operator]
    yield f"http://127.0.0.1:{server.port}", script
    server.shutdown()
    thread.join()


def wall_ms(page: Page, asks: list[dict[str, Any]], rounds: int, slow: float) -> list[float | None]:
    """Best mean of each question while the processor is slowed down; None for one that is refused."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    told = [page.evaluate(ASK_ALL, [asks, REPEATED]) for _ in range(rounds)]
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return [None if None in of_one else min(of_one) for of_one in zip(*told, strict=True)]


def cpu_ms(page: Page, asks: list[dict[str, Any]], rounds: int) -> list[float]:
    """Least CPU time of the page's thread for each question, not slowed down."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent(ask: dict[str, Any], times: int) -> float:
        def now() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

        begin = now()
        page.evaluate("([ask, times]) => window.one(ask, times)", [ask, times])
        return 1000 * (now() - begin)

    return [min((spent(ask, REPEATED + 1) - spent(ask, 1)) / REPEATED for _ in range(rounds)) for ask in asks]


def shares(values: list[float]) -> str:
    """Median, 95 % and worst."""
    values = sorted(values)
    median, most, worst = (values[int(share * (len(values) - 1))] for share in (0.5, 0.95, 1.0))
    return f"median {median:5.1f}, 95 % {most:5.1f}, worst {worst:5.1f} ms"


def measure(page: Page, district: District, n_asked: int, rounds: int, slow: float) -> list[str]:
    """Lines of one district's table."""
    asks = draw(district, n_asked, seed=20261122)
    with serve(district) as (address, script):
        page.goto(address + "/healthz")
        asked = {"script": script, "base": f"/{district.id}/", "profiles": list(district.profiles)}
        told = page.evaluate(OPEN, asked)
        page.evaluate(ASK_ALL, [asks, 1])  # what is asked often is compiled
        wall, cpu = wall_ms(page, asks, rounds, slow), cpu_ms(page, asks, rounds)
    ready = ", ".join(f"{profile} {ms:.0f} ms" for profile, ms in told["ready"].items())
    lines = [f"{district.id}: index and places {told['open']:.0f} ms; streets {ready}; not slowed down"]
    for verb in VERBS:
        rows = [i for i, ask in enumerate(asks) if ask["verb"] == verb and wall[i] is not None]
        slowed, own = [wall[i] or 0.0 for i in rows], [slow * cpu[i] for i in rows]
        lines.append(f"  {verb:8}{len(rows):4} answered: {shares(slowed)}; {slow:g} x cpu {shares(own)}")
    return lines


def main(argv: list[str] | None = None) -> None:
    """Print a table per district."""
    parser = argparse.ArgumentParser(description="Time questions on the phone's engine.")
    parser.add_argument("districts", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--slow", type=float, default=4.0, help="how many times slower the processor is made")
    parser.add_argument("--asked", type=int, default=100, help="questions of each verb")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts")
    asked = parser.parse_args(argv)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        machine = platform.processor() or platform.machine()
        print(f"Chromium {browser.version} on {machine}, {asked.slow:g} times slower")
        for directory in asked.districts:
            district = open_district(directory)
            page = browser.new_page(bypass_csp=True)  # an answer without a page permits no script
            print("\n".join(measure(page, district, asked.asked, asked.rounds, asked.slow)))
            page.close()
            district.close()
        browser.close()


if __name__ == "__main__":
    main()
