"""Lengths of time as people read them, the same in commands, reports and on pages."""

from datetime import timedelta
from typing import Final

_AGES: Final = (
    (timedelta(days=730), timedelta(days=365.25), "years"),
    (timedelta(days=2), timedelta(days=1), "days"),
    (timedelta(hours=2), timedelta(hours=1), "h"),
    (timedelta(minutes=2), timedelta(minutes=1), "min"),
)
"""From when on a unit is used, the unit, and its name; below two minutes it is seconds."""

_SECONDS_BELOW: Final = 120
_MINUTES_AN_HOUR: Final = 60


def duration(seconds: float | None) -> str:
    """How long something took, in the units that suit it.

    >>> duration(75), duration(600), duration(9000), duration(None)
    ('75 s', '10.0 min', '2 h 30 min', '–')
    """
    if seconds is None:
        return "–"
    if seconds < _SECONDS_BELOW:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60, 1)
    if minutes < _MINUTES_AN_HOUR:
        return f"{minutes:.1f} min"
    hours, rest = divmod(round(seconds / 60), _MINUTES_AN_HOUR)
    return f"{hours:,} h {rest} min" if rest else f"{hours:,} h"


def age(length: timedelta) -> str:
    """How old something is, which nobody wants to know by the tenth; 0 where it is to come.

    >>> age(timedelta(minutes=5, seconds=50)), age(timedelta(days=400)), age(timedelta(-1))
    ('5 min', '400 days', '0 s')
    """
    length = max(length, timedelta(0))
    for least, unit, name in _AGES:
        if length >= least:
            return f"{length // unit} {name}"
    return f"{length.seconds} s"
