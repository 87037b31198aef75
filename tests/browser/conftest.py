"""What all browser tests share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.screenshot import browser, chromium


@pytest.fixture(scope="session")
def running_browser() -> Iterator[Browser]:
    """Chromium, for all tests."""
    if chromium() is None:
        pytest.skip("no `chromium` on this machine's PATH")
    with browser() as running:
        yield running
