"""
Ten made-up errands on the rider's page: taps and seconds, in a real Chromium, on a phone's screen.

Run ``python -m benchmarks.errands DIR [--kbit 400] [--only 3]`` with the directory of a demo district. Each errand
begins with an empty phone at the page's address (or at a station's code) and ends when the button 导航 of the first
card has opened the question which map app to use: one tap more there, and never again once an app was chosen. Seconds
are the machine's, from the request of the page to that question, all taps in between made as soon as what they need is
there; letters typed and a link pasted count as no tap. Three columns: as the network is; at 400 kbit/s with 300 ms of
latency; with the server process killed after a first visit.
"""

import argparse
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from geo_service.districts import District, open_district
from geo_service.geo import convert_datum
from tests.serving import Server

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
LATENCY_MS = 300
SETTLED = ".cards:not(.old)"


@dataclass
class Thumb:
    """
    One who taps, and counts.

    Parameters
    ----------
    page
        Where.
    district
        What is there.
    n
        Taps so far.
    """

    page: Page
    district: District
    n: int = 0

    def tap(self, what: str, *, last: bool = False) -> None:
        """Press; unless it is the last of an errand, wait for the answer."""
        self.page.locator(what).first.click()
        self.n += 1
        if not last:
            self.page.wait_for_timeout(30)
            self.page.wait_for_selector(SETTLED)

    def type(self, text: str) -> None:
        """Type or paste into the open window, and take the first that is found."""
        self.page.locator("#where-text").fill(text)
        self.page.wait_for_selector("#where-found .hit")
        self.tap("#where-found .hit")

    def slide(self, km: int) -> None:
        """Draw the slider: counts as a tap."""
        self.page.locator("#range").fill(str(km))
        self.n += 1

    def go(self) -> None:
        """Press 导航 and wait until one is asked for the app."""
        self.tap(".card [data-navigate], .card .go > summary", last=True)
        self.page.wait_for_selector("#chooser[open] .links a, #chooser[open] .link")

    def link(self, east: float, north: float) -> str:
        """A place as Amap shares it, so far from the centre (degrees)."""
        lon, lat = self.district.centre
        x, y = convert_datum([(lon + east, lat + north)], "wgs84", "gcj02")[0]
        return f"https://uri.amap.com/marker?position={x:.6f},{y:.6f}&name=小区"


def warm_a_meal(hand: Thumb) -> None:
    """热饭：哪里有微波炉。 A microwave."""
    hand.tap(".kinds .chip[data-kind=microwave]")
    hand.go()


def toilet_now(hand: Thumb) -> None:
    """上厕所。 A toilet, now."""
    hand.tap(".layers .chip[data-key=toilet]")
    hand.go()


def swap_with_six_km(hand: Thumb) -> None:
    """还剩 6 公里，去哪里换电。 A swap cabinet within 6 km."""
    hand.tap(".layers .chip[data-key=swap]")
    hand.tap("#battery")
    hand.slide(6)
    hand.tap(".do")
    hand.go()


def from_where_i_stand(hand: Thumb) -> None:
    """用手机定位，最近的驿站。 The nearest station from where the phone is."""
    hand.tap("#locate")
    hand.page.wait_for_selector(".me")
    hand.go()


def from_a_street(hand: Thumb) -> None:
    """定位不准，打路名出发。 From a street, by its name."""
    hand.tap("#from")
    hand.type("大街")
    hand.go()


def water_on_the_way(hand: Thumb) -> None:
    """粘贴顾客的地址，顺路喝水。 Water on the way to a pasted address."""
    hand.tap("#to")
    hand.type(hand.link(0.012, 0.007))
    hand.tap(".layers .chip[data-key=water]")
    hand.go()


def code_on_the_door(hand: Thumb) -> None:
    """扫驿站门口的码，找最近的厕所。 A station's printed code, then a toilet."""
    hand.tap(".layers .chip[data-key=toilet]")
    hand.go()


def emergency(hand: Thumb) -> None:
    """摔伤了，急诊。 Emergency care."""
    hand.tap(".layers .chip[data-key=clinic]")
    hand.tap(".kinds .chip[data-kind=emergency]")
    hand.go()


def swap_after_the_drop_off(hand: Thumb) -> None:
    """先送完这单再换电。 A cabinet that is within range after the drop-off."""
    hand.tap(".layers .chip[data-key=swap]")
    hand.tap("#to")
    hand.type(hand.link(0.010, 0.006))
    hand.tap("#battery")
    hand.tap(".do")
    hand.go()


def nothing_within_range(hand: Thumb) -> None:
    """只剩 1 公里：够不着就直说。 One kilometre left: none is within range, and that is said."""
    hand.tap(".layers .chip[data-key=charging]")
    hand.tap("#battery")
    hand.slide(1)
    hand.tap(".do")
    hand.page.wait_for_selector(".card.beyond")


ERRANDS: tuple[Callable[[Thumb], None], ...] = (
    warm_a_meal,
    toilet_now,
    swap_with_six_km,
    from_where_i_stand,
    from_a_street,
    water_on_the_way,
    code_on_the_door,
    emergency,
    swap_after_the_drop_off,
    nothing_within_range,
)


def slow_down(context: BrowserContext, page: Page, kbit: int) -> None:
    """Give the page the line of a phone in a bad place."""
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    rate = kbit * 1000 / 8
    limits = {"latency": LATENCY_MS, "downloadThroughput": rate, "uploadThroughput": rate}
    wire.send("Network.emulateNetworkConditions", {"offline": False, **limits})


def run(
    context: BrowserContext, page: Page, home: str, errand: Callable[[Thumb], None], district: District
) -> tuple[int, float]:
    """Do an errand; gives taps and seconds."""
    code = f"#here={district.places('station').features[0].id}" if errand is code_on_the_door else ""
    begin = time.perf_counter()
    page.goto(f"{home}/{district.id}/{code}", wait_until="commit")
    page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=120_000)
    hand = Thumb(page, district)
    errand(hand)
    return hand.n, time.perf_counter() - begin


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="Ten errands: taps and seconds.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--kbit", type=int, default=400, help="the slow line, kbit/s")
    parser.add_argument("--only", type=int, help="number of one errand")
    asked = parser.parse_args()
    district = open_district(asked.directory)
    lon, lat = district.centre
    phone = {
        "viewport": {"width": 390, "height": 844},
        "locale": "zh-CN",
        "geolocation": {"longitude": lon + 0.004, "latitude": lat - 0.003},
        "permissions": ["geolocation"],
    }
    server = Server([asked.directory]).start()
    found = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        print(f"| errand | taps | s | s at {asked.kbit} kbit/s | s offline |\n|---|---|---|---|---|")
        for number, errand in enumerate(ERRANDS, 1):
            if asked.only not in (None, number):
                continue
            seconds = []
            for way in ("as it is", "slow", "offline"):
                context = browser.new_context(**phone)  # type: ignore[arg-type]
                page = context.new_page()
                page.set_default_timeout(120_000)
                if way == "slow":
                    slow_down(context, page, asked.kbit)
                if way == "offline":
                    page.goto(f"{server.home}/{district.id}/")
                    page.locator("h1, h2").first.dispatch_event("pointerdown")
                    page.wait_for_selector("html[data-kept=yes]", state="attached")
                    server.kill()
                n, took = run(context, page, server.home, errand, district)
                seconds.append(took)
                context.close()
                if way == "offline":
                    server.start()
            words = (errand.__doc__ or "").strip()
            print(
                f"| {number}. {words} | {n} | " + " | ".join(f"{s:.1f}" for s in seconds) + " |", flush=True
            )
        browser.close()
    server.kill()
    district.close()


if __name__ == "__main__":
    main()
