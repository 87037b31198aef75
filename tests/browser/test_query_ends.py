"""A query in a real browser: it ends with the visit."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from playwright.sync_api import Browser, Page

from petrostream.registry.model_files import PackedModel
from tests.support.pipeline import Scoring

pytestmark = pytest.mark.browser

ENDLESS = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b"
LEFT_SECONDS = 15.0
"""Less than a query may take by itself."""


def queries() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "dashboard.sql.query_process" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    "leave",
    [lambda page: page.close(), lambda page: page.get_by_role("link", name="Fleet").first.click()],
    ids=["tab closed", "other page"],
)
def test_whoever_leaves_ends_the_query(
    provisioned,
    packed: PackedModel,
    wells: Path,
    address: str,
    running_browser: Browser,
    leave: Callable[[Page], None],
) -> None:
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, ["WELL-90001"]))
    page = running_browser.new_page(viewport={"width": 1440, "height": 1500})
    page.set_default_timeout(60_000)
    page.goto(f"{address}/explore?live=off&query=own&sql={quote(ENDLESS)}")
    page.get_by_role("button", name="Run", exact=True).click()
    until = time.monotonic() + 60
    while not (running := queries()):
        assert time.monotonic() < until
        page.wait_for_timeout(100)
    page.get_by_text("DuckDB is at work").wait_for()
    leave(page)
    _, alive = psutil.wait_procs(running, timeout=LEFT_SECONDS)
    assert not alive
