"""What every test may ask for: the real extracts where they are, and nothing from the internet."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real OpenStreetMap extracts beside the checkout; the test is skipped where there is none."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside this checkout: real extracts not tested")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium; without it the test is skipped, or fails if one is required."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("GEO_SERVICE_REQUIRE_CHROMIUM"):
            pytest.fail("chromium is required here and missing: apt-get install chromium fonts-noto-cjk")
        pytest.skip("no chromium: browser journeys not tested")
    return found


_HOW_TO_GET = {
    "chromium": "apt-get install chromium fonts-noto-cjk",
    "../shared": "put the real extracts into ../shared/data beside this checkout",
}


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
