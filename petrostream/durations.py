"""Lengths of time as people read them, the same in commands, reports and on pages."""

from datetime import timedelta
from typing import Final

_AGES: Final = (
    (timedelta(days=730), timedelta(days=365.25), "years"),
    (timedelta(days=2), timedelta(days=1), "days"),
)
_SHORTER: Final = (
    (timedelta(hours=2), timedelta(hours=1), "h"),
    (timedelta(minutes=2), timedelta(minutes=1), "min"),
)
"""From when on a unit is used, the unit, and its name; below two minutes it is seconds."""


def duration(seconds: float | None) -> str:
    """How long something took, in the unit that suits it.

    >>> duration(75), duration(600), duration(9000), duration(None)
    ('75 s', '10.0 min', '2.5 h', '–')
    """
    if seconds is None:
        return "–"
    length = timedelta(seconds=seconds)
    for least, unit, name in _SHORTER:
        if length >= least:
            return f"{length / unit:.1f} {name}"
    return f"{seconds:.0f} s"


def age(length: timedelta) -> str:
    """How old something is, which nobody wants to know by the tenth; 0 where it is to come.

    >>> age(timedelta(minutes=5, seconds=50)), age(timedelta(days=400)), age(timedelta(-1))
    ('5 min', '400 days', '0 s')
    """
    length = max(length, timedelta(0))
    for least, unit, name in _AGES + _SHORTER:
        if length >= least:
            return f"{length // unit} {name}"
    return f"{length.seconds} s"
