"""Pages of the dashboard: each is described, and has its picture taken."""

import re

from dashboard.app import PAGES
from tests.browser.screenshots import addresses
from tests.docs._documents import document


def test_the_pages_described_are_those_of_the_navigation() -> None:
    table, _space, _rest = document("docs/dashboard.md").text.partition("\n## ")
    described = re.findall(r"^\| ([A-Z][\w ]+) \|", table, re.MULTILINE)
    assert described == [page.title for page in PAGES]


def test_each_page_has_its_picture_taken() -> None:
    assert list(addresses("WELL-00001", "2017-02-27T12:00")) == [page.name for page in PAGES]
