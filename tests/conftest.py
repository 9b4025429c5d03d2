"""What every test may ask for: the real extracts where they are, and nothing from the internet."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.counts import many

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from geo_service.districts import District
    from geo_service.store.base import Store
    from tests.cluster import Cluster
    from tests.stores import Home
    from tests.towns import Town

# Tests assert no times, and the same commit meets the same random examples.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.load_profile("house")

CHECKOUT = Path(__file__).resolve().parents[1]


def _jit_cache() -> Path:
    """Where compiled kernels are kept between runs: a folder for exactly this state of the engine's code."""
    digest = hashlib.sha256()
    for path in sorted((CHECKOUT / "geo_service" / "engine").glob("*.py")):
        digest.update(path.read_bytes())
    return CHECKOUT / ".pytest_cache" / f"jit-{digest.hexdigest()[:12]}"


os.environ.setdefault("NUMBA_CACHE_DIR", str(_jit_cache()))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real OpenStreetMap extracts beside the checkout; the test is skipped where there is none."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside this checkout: real extracts not tested")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium; without it the test is skipped, or fails if one is required.

    The shell without windows is the same engine of the same version at a third of the processor's time; the long run
    takes the whole browser.
    """
    whole = ("chromium", "chromium-browser", "google-chrome")
    names = whole if many(0, 1) else ("chromium-headless-shell", *whole)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("GEO_SERVICE_REQUIRE_CHROMIUM"):
            pytest.fail("chromium is required here and missing: apt-get install chromium fonts-noto-cjk")
        pytest.skip("no chromium: browser journeys not tested")
    return found


def _may(*program: str) -> bool:
    """Whether this machine lets us do what a program of the system does; asked of it alone, without our code."""
    try:
        return subprocess.run(program, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skip the test where nobody may leave the network by a namespace."""
    if not _may("unshare", "--net", "true") and not _may("unshare", "--user", "--net", "true"):
        pytest.skip("namespaces are not permitted here: that the child has no network not tested")


@pytest.fixture(scope="session")
def mounting() -> tuple[str, ...]:
    """Words before a command that let it mount, seen by nobody else; the test is skipped where that is forbidden."""
    words = ("unshare", "--mount", "sh", "-ec")
    if not _may(*words, "mount -t tmpfs tmpfs /mnt"):
        pytest.skip("mounting is not permitted here: full disks and read-only mounts not tested")
    return words


@pytest.fixture(scope="module")
def browser(chromium: str) -> "Iterator[Browser]":
    """Chromium, running; for one module, since Playwright's loop would run under the tests that come after it."""
    from playwright.sync_api import sync_playwright

    from tests.browsing import FLAGS

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def cluster() -> "Iterator[Cluster]":
    """A PostgreSQL with PostGIS of this run's own; without one the test is skipped, or fails if one is required."""
    from tests.cluster import Cluster, find_binaries, has_postgis

    binaries = find_binaries()
    if binaries is None or not has_postgis(binaries):
        if os.environ.get("GEO_SERVICE_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is required here and missing: apt-get install postgresql-postgis")
        pytest.skip("no PostgreSQL with PostGIS: stores in it not tested")
    made = Cluster(binaries)
    yield made
    made.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgis", marks=pytest.mark.slow)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> "Home":
    """A place for a store, one in each database; nothing is there yet."""
    from tests.stores import Home, new_district

    if request.param == "sqlite":
        return Home(str(tmp_path / "store.sqlite"), "main")
    return Home(request.getfixturevalue("cluster").url, new_district())


@pytest.fixture
def store(home: "Home") -> "Iterator[Store]":
    """An empty store, in each database."""
    opened = home.open(create=True)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def draw() -> "Callable[..., Town]":
    """Make a town of a picture; see tests/towns.py."""
    from tests.towns import draw as draw_town

    return draw_town


_HOW_TO_GET = {
    "chromium": "apt-get install chromium fonts-noto-cjk",
    "postgresql": "apt-get install postgresql-postgis",
    "ogr2ogr": "apt-get install gdal-bin",
    "ogrinfo": "apt-get install gdal-bin",
    "gpsbabel": "apt-get install gpsbabel",
    "soffice": "apt-get install libreoffice-calc",
    "mount": "run the tests as root where mounting is permitted, as in a virtual machine",
    "namespaces": "run the tests as root, or where unprivileged namespaces are permitted",
    "../shared": "put the real extracts into ../shared/data beside this checkout",
}


_LONGEST = ["test_engine", "test_intake_confined", "test_warm_up", "test_store_editors", "test_notebooks"]
"""Files that take minutes though some have few tests; the first two so that one worker compiles while another reads."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and browsers: else one worker ends alone with it while the others are idle."""
    counts = Counter(item.path for item in items)
    browsing = {item.path for item in items if item.get_closest_marker("browser")}

    def rank(item: pytest.Item) -> tuple[int, bool, int, Path]:
        known = _LONGEST.index(item.path.stem) if item.path.stem in _LONGEST else len(_LONGEST)
        return known, item.path not in browsing, -counts[item.path], item.path

    items.sort(key=rank)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was skipped and how to get it, so that a green run hides nothing."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[-1]).removeprefix("Skipped: ") for report in skipped)
    if not reasons:
        return
    terminalreporter.section(f"NOT TESTED: {sum(reasons.values())} skipped", yellow=True, bold=True)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count:5d}  {reason}")
        for word, remedy in _HOW_TO_GET.items():
            if word in reason.lower():
                terminalreporter.write_line(f"       to test them: {remedy}")


DEMO_DATE = date(2026, 11, 15)
"""Day the demo districts of the tests are made for: their check dates, and so what is stale, stand still."""


def made_district(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo district made once for all test processes, as `geo-service init` makes it."""
    from geo_service.districts.create import Recipe, create_district
    from geo_service.settings import Settings

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    directory = shared / f"demo-{name}" / name
    directory.parent.mkdir(exist_ok=True)
    with (directory.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            create_district(directory, Recipe(demo=name, on=DEMO_DATE), Settings(), lambda *_: None)
            # servers of other tests keep the pack of their own day
            shutil.copytree(directory / "pack", directory.parent / "first-pack")
    return directory


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no command tell of its progress because the machine is busy: what is printed must not hang on the time."""
    monkeypatch.setattr("geo_service.cli.output.PATIENCE_S", 3600.0)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> "Callable[..., tuple[int | str | None, str, str]]":
    """Run the command line in this process: exit code, standard output, standard error."""
    from geo_service.cli import main

    def run_command(*argv: object) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as exit_info:
            main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return exit_info.value.code, out, err

    return run_command


@pytest.fixture(scope="session")
def demo_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the demo district xiangheyuan; copy it before changing anything."""
    return made_district("xiangheyuan", tmp_path_factory)


@pytest.fixture(scope="session")
def yingze_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the larger demo district, yingze; copy it before changing anything."""
    return made_district("yingze", tmp_path_factory)


@pytest.fixture(scope="session")
def demo_district(demo_directory: Path) -> Iterator["District"]:
    """The demo district xiangheyuan, open; only to be asked, not changed."""
    from geo_service.districts import open_district

    district = open_district(demo_directory)
    yield district
    district.close()


@pytest.fixture
def own_district(demo_directory: Path, tmp_path: Path) -> Path:
    """A copy of the demo district that the test may change."""
    directory = tmp_path / "xiangheyuan"
    shutil.copytree(demo_directory, directory, ignore=shutil.ignore_patterns("jit", "*.part"))
    from geo_service.store.sqlite import open_sqlite

    # what others only noted in the shared store waits in its log: take it in, so that a look changes no byte
    open_sqlite(directory / "store.sqlite").close()
    return directory
