"""What all browser tests share."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache

import pytest
from playwright.sync_api import Browser

from tests.support.dashboard import serving
from tests.support.screenshot import browser, chromium


@pytest.fixture(scope="session")
def running_browser() -> Iterator[Browser]:
    """Chromium, for all tests."""
    if chromium() is None:
        pytest.skip("no `chromium` on this machine's PATH")
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[[Mapping[str, str]], str]]:
    """Start one dashboard for the tests of a file; those with the same environment share it."""
    with ExitStack() as stack:

        @cache
        def start(environment: tuple[tuple[str, str], ...]) -> str:
            return stack.enter_context(serving(dict(environment)))[0]

        yield lambda environment: start(tuple(sorted(environment.items())))


@pytest.fixture
def address(provisioned, started: Callable[[Mapping[str, str]], str]) -> str:
    """Where the dashboard of the embedded AWS is."""
    return started(provisioned.environment)
