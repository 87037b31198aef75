"""Take the pictures of the documentation: ``python -m tests.browser.screenshots DATA``.

Runs the demo on real recordings, then shoots every page, light and dark.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect

from petrostream.settings import PROJECT_ROOT
from tests.support.screenshot import browser, wait_until_drawn

FOLDER: Final = PROJECT_ROOT / "docs" / "images"
READY: Final = "Ctrl-C ends the demo"
_PORT: Final = 8597
_SIZE: Final = {"width": 1280, "height": 1000}
_SETTLE_MS: Final = 5_000
_LOADING_MS: Final = 120_000
_EVALUATING_MS: Final = 600_000


@contextmanager
def demo(data: Path, limit: int | None) -> Iterator[str]:
    """Run the demo until its dashboard shows everything; give the page's address."""
    with subprocess.Popen(
        [
            sys.executable, "-m", "demo", f"--data={data}", "--speed=max",
            f"--dashboard-port={_PORT}", *([f"--limit={limit}"] if limit else []),
        ],
        cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            for line in process.stderr or ():
                sys.stderr.write(line)
                if READY in line:
                    break
            yield f"http://127.0.0.1:{_PORT}"
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


def addresses(well: str, until: str) -> dict[str, str]:
    """What each picture shows."""
    return {
        "fleet": "/?live=off&time=24+h",
        "well": f"/well?live=off&well={well}&time=24+h&until={until}",
        "alarms": "/alarms?live=off",
        "accuracy": "/accuracy",
        "quality": "/quality?live=off",
        "pipeline": "/pipeline?live=off",
        "explore": "/explore?live=off&query=worst-hours",
    }


def wait_until_listed(page: Page, place: str) -> None:
    """Wait until the dashboard knows every batch and alarm."""
    page.goto(place)
    page.locator("[data-testid=stMetric]").first.wait_for(timeout=_LOADING_MS)
    for unread in ("still being listed", "batches unread"):
        expect(page.get_by_text(unread)).to_have_count(0, timeout=_LOADING_MS)
    page.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of 3W recordings")
    parser.add_argument("--limit", type=int, help="recordings (default: all)")
    parser.add_argument("--well", default="WELL-00001", help="for the page of a well")
    parser.add_argument("--until", default="2017-02-27T12:00", help="and up to when")
    chosen = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo(chosen.data.resolve(), chosen.limit) as place, browser() as running:
        wait_until_listed(running.new_page(), place)
        for scheme in ("light", "dark"):
            page = running.new_page(viewport=_SIZE, color_scheme=scheme)
            page.set_default_timeout(_LOADING_MS)
            for name, address in addresses(chosen.well, chosen.until).items():
                page.goto(place + address)
                page.wait_for_timeout(_SETTLE_MS)
                if name == "accuracy":
                    by_class = page.get_by_text("The evaluation by class")
                    by_class.wait_for(timeout=_EVALUATING_MS)
                if name == "explore":
                    page.get_by_role("button", name="Run").click()
                    page.get_by_role("tab", name="Chart").wait_for()
                wait_until_drawn(page)
                page.screenshot(path=FOLDER / f"{name}-{scheme}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
