"""Figures and times in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from petrostream.durations import age

_MILLION: Final = 1_000_000


def ago(then: datetime, now: datetime) -> str:
    """How long ago a time was.

    >>> ago(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 5))
    '5 min ago'
    """
    return "in the future" if then > now else f"{age(now - then)} ago"


def short(number: int) -> str:
    """A number that fits on a tile.

    >>> short(123_456), short(2_592_000)
    ('123,456', '2.59 million')
    """
    return f"{number:,}" if number < _MILLION else f"{number / _MILLION:,.2f} million"


def minute(time: datetime) -> str:
    """A time to the minute.

    >>> minute(datetime(2014, 5, 15, 11, 1, 34))
    '2014-05-15 11:01'
    """
    return f"{time:%Y-%m-%d %H:%M}"


def span(first: datetime, last: datetime) -> str:
    """From when to when.

    >>> span(datetime(2014, 5, 15, 11, 1), datetime(2014, 5, 15, 17, 3))
    '2014-05-15 11:01 to 17:03'
    """
    end = f"{last:%H:%M}" if first.date() == last.date() else minute(last)
    return f"{minute(first)} to {end}"


def degraded_words(degraded: Mapping[str, str]) -> str:
    """Name degraded sensors by reason; the missing, which a well may never have had, come last.

    >>> degraded_words({"QGL": "missing", "P-PDG": "frozen", "P-TPT": "frozen"})
    'frozen: P-PDG, P-TPT; missing: QGL'
    """
    reasons = sorted(set(degraded.values()), key=lambda reason: (reason == "missing", reason))
    return "; ".join(
        f"{reason}: {', '.join(name for name, why in degraded.items() if why == reason)}"
        for reason in reasons
    )
