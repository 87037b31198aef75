"""Take a screenshot: ``python tests/support/screenshot.py --url … --out …``."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_LOADING_MS: Final = 120_000


def chromium() -> str | None:
    """Where Debian's Chromium is; `None` where there is none."""
    return shutil.which("chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """Run Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield running
        running.close()


def wait_until_drawn(page: Page) -> None:
    """Wait until Streamlit has run the page and nothing on it is stale."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the screenshot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8501")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dark", action="store_true", help="in the dark theme")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=1500)
    chosen = parser.parse_args(arguments)
    options: dict[str, Any] = {
        "viewport": {"width": chosen.width, "height": chosen.height},
        "color_scheme": "dark" if chosen.dark else "light",
    }
    with browser() as running:
        page = running.new_page(**options)
        page.set_default_timeout(_LOADING_MS)
        page.goto(chosen.url)
        page.wait_for_selector("[data-testid=stVegaLiteChart] .marks, [data-testid=stAlert]")
        wait_until_drawn(page)
        page.screenshot(path=chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
