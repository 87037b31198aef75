"""Plain English: what reads as translated is not written again."""

import re

import pytest

from tests.docs._documents import Document, documents

RATES = re.compile(
    r"\b(?:alarms?|rows?|tiles?|files?|documents?|messages?|figures?|constants?|batch(?:es)?) an? "
    r"(?:well-day|day|well|event|sensor|batch|date|recording|reading|month|topic)\b"
)


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)
def test_rates_are_per_something(page: Document) -> None:
    assert not RATES.findall(page.prose)
