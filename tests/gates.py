"""
What the gates of the rider's page share: a visit whose every request is heard, and one who asks all there is to ask.

    with visiting(browser, server.home, wire, position=(116.45, 39.96)) as seen:
        seen.open("/xiangheyuan/")
        say_where(seen, "phone", (116.45, 39.96))
        ask_everything(seen, goal="示范驿站")
        assert find_leaks(seen.sent(), [(116.45, 39.96)]) == []
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from geo_service.geo import convert_datum
from geo_service.hours import SHANGHAI
from tests.browsing import FLAGS, PHONE, wait_until_ready
from tests.wire import Heard, Wire

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)

QUIET = [*FLAGS, "--disable-features=AutofillServerCommunication,OptimizationHints,MediaRouter"]
"""The browser's own talk with its maker goes through the proxy as well, and is not the page's."""

KEPT, KEPT_MS = "html[data-kept=yes]", 180_000

ODDITIES = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)))
  .observe({ type: "layout-shift", buffered: true });
"""

SETTLED = ".cards:not(.old)"


class Seen:
    """
    A rider's visit: what was sent, and what went wrong.

    Parameters
    ----------
    context
        The browser's.
    home
        Address of the server.
    wire
        Hears it all; None where nobody listens.
    """

    def __init__(self, context, home: str, wire: Wire | None) -> None:
        self.context, self.home, self._wire = context, home, wire
        self._since = wire.mark() if wire else 0
        self.complaints: list[str] = []
        context.add_init_script(ODDITIES)
        self.page = self.more()

    def more(self):
        """Open another tab."""
        page = self.context.new_page()
        page.on(
            "console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text)
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        return page

    def open(self, path: str, *, kept: bool = False):
        """Go to a page; with `kept`, wait until the district is on the phone."""
        self.page.goto(self.home + path)
        wait_until_ready(self.page)
        if kept:
            self.keep()
        return self.page

    def touch(self) -> None:
        """Touch the page, so that it begins to keep the district."""
        self.page.keyboard.press("Shift")
        self.page.wait_for_timeout(500)
        self.page.keyboard.press("Shift")

    def keep(self) -> None:
        """Touch the page, and wait until the district is on the phone."""
        self.touch()
        self.wait_until_kept()

    def wait_until_kept(self) -> None:
        """Wait until the district is on the phone."""
        self.page.wait_for_selector(KEPT, state="attached", timeout=KEPT_MS)

    def sent(self) -> list[Heard]:
        """Everything that went out since the visit began."""
        assert self._wire is not None
        return self._wire.heard(self._since)

    def paths(self) -> Counter[str]:
        """The same as method and path, counted; how often the index is looked at again is the clock's affair."""
        counted = Counter(f"{one.method} {one.path}" for one in self.sent())
        return Counter({path: 1 if path.endswith("/pack/index.json") else n for path, n in counted.items()})


@contextmanager
def visiting(
    browser,
    home: str,
    wire: Wire | None = None,
    *,
    position: tuple[float, float] | None = None,
    viewport=PHONE,
    at: datetime | None = NOON,
    **options,
) -> Iterator[Seen]:
    """
    Visit with a fresh browser profile.

    Parameters
    ----------
    browser
        Running Chromium.
    home
        Address of the server.
    wire
        Hears it all.
    position
        What the phone says if it is asked where it is: lon, lat.
    viewport
        Size of the window.
    at
        The phone's present; None for the real one.
    **options
        For `browser.new_context`.
    """
    options = {"locale": "zh-CN", "device_scale_factor": 1} | options
    if wire:
        options["proxy"] = wire.proxy
    if position:
        options |= {
            "geolocation": {"longitude": position[0], "latitude": position[1]},
            "permissions": ["geolocation"],
        }
    context = browser.new_context(viewport=viewport, **options)
    try:
        if at:
            context.clock.set_fixed_time(at)
        yield Seen(context, home, wire)
    finally:
        context.close()


def press(page, what: str) -> None:
    """Press something that asks a question, and wait for the answer."""
    page.locator(what).first.click()
    settle(page)


def settle(page) -> None:
    """Wait until no question is open: the list greys while one is."""
    page.wait_for_timeout(60)
    page.wait_for_selector(SETTLED)


def say_where(seen: Seen, by: str, lonlat: tuple[float, float], name: str = "") -> None:
    """
    Tell the page where the rider is.

    Parameters
    ----------
    seen
        The visit.
    by
        ``phone`` (geolocation), ``paste`` (a link of a map app), ``tap`` (on the map), ``name`` (of a place).
    lonlat
        Where: for ``phone`` this is what the context was made with, for ``tap`` only which side of the map is tapped.
    name
        Of the place, for ``name``.
    """
    page = seen.page
    if by == "phone":
        press(page, "#locate")
        page.wait_for_selector(".me")
        return
    page.locator("#from").click()
    if by == "tap":
        page.locator("#where-tap").click()
        box = page.locator(".map").bounding_box()
        shift = 60 if lonlat[0] > 116.44 else -60
        page.mouse.click(box["x"] + box["width"] / 2 + shift, box["y"] + 220 + shift / 2)
        settle(page)
        page.locator(".handle").press("ArrowUp")  # the list made room for the map
    else:
        page.locator("#where-text").fill(name if by == "name" else amap_link(lonlat))
        page.locator("#where-found .hit").first.click()
    settle(page)
    page.wait_for_selector(".me")


def amap_link(lonlat: tuple[float, float]) -> str:
    """A link as Amap shares it: GCJ-02, latitude first."""
    lon, lat = convert_datum([lonlat], "wgs84", "gcj02")[0]
    return f"https://uri.amap.com/marker?position={lon:.6f},{lat:.6f}&name=我"


def ask_layers(seen: Seen, at_most: int = 99) -> None:
    """Every category, or the first few, and the first two services of each."""
    page = seen.page
    keys = page.locator(".layers .chip").evaluate_all("chips => chips.map((chip) => chip.dataset.key)")
    for key in keys[:at_most]:
        press(page, f".layers .chip[data-key={key}]")
        for i in range(min(2, page.locator(".kinds .chip").count())):
            page.locator(".kinds .chip").nth(i).click()
            settle(page)
            page.locator(".kinds .chip[aria-current]").first.click()
            settle(page)


def ask_way(seen: Seen, goal: str) -> None:
    """On the way to a place that is found by its name."""
    page = seen.page
    press(page, ".layers .chip[data-key=station]")
    page.locator("#to").click()
    page.locator("#where-text").fill(goal)
    page.locator("#where-found .hit").first.click()
    settle(page)
    page.wait_for_selector(".goal")
    for key in ("toilet", "swap"):
        press(page, f".layers .chip[data-key={key}]")


def ask_range(seen: Seen) -> None:
    """What the battery still reaches, with and without the destination, and with next to nothing in it."""
    page = seen.page
    press(page, ".layers .chip[data-key=swap]")
    for km in ("20", "3", "1"):
        page.locator("#battery").click()
        page.locator("#range").fill(km)
        press(page, "#battery-panel .do")
    page.locator("#battery").click()
    press(page, "#battery-panel .undo")


def look_around(seen: Seen) -> None:
    """What is no question: the chooser, a card on the map, a closer look, the other theme."""
    page = seen.page
    page.locator(".card .go").first.click()
    page.wait_for_selector("#chooser[open]")
    page.locator("#chooser .close").click()
    page.locator(".card .row").first.click()
    page.evaluate("() => districtMap.setZoom(18, { animate: false })")
    page.wait_for_timeout(200)
    page.evaluate("() => districtMap.setZoom(15, { animate: false })")
    page.locator("#theme").click()


def ask_some(seen: Seen, goal: str) -> None:
    """Ask two categories and the way, as `ask_everything` does."""
    ask_layers(seen, at_most=2)
    ask_way(seen, goal)
    seen.page.wait_for_selector(KEPT, state="attached", timeout=KEPT_MS)


def ask_everything(seen: Seen, goal: str) -> None:
    """
    Ask all there is to ask, as a rider would, by the page's buttons; wait until the district is on the phone.

    Parameters
    ----------
    seen
        A visit that stands on a district's page; the page knows where the rider is.
    goal
        Name of where he is going.
    """
    ask_layers(seen)
    ask_way(seen, goal)
    ask_range(seen)
    look_around(seen)
    seen.page.wait_for_selector(KEPT, state="attached", timeout=KEPT_MS)
