"""Lengths of time as people read them, the same in commands, reports and on pages."""

from datetime import timedelta


def duration(seconds: float | None) -> str:
    """A length of time in the unit that suits it.

    >>> duration(75), duration(600), duration(9000), duration(None)
    ('75 s', '10.0 min', '2.5 h', '–')
    """
    if seconds is None:
        return "–"
    length = timedelta(seconds=seconds)
    if length < timedelta(minutes=2):
        return f"{seconds:.0f} s"
    if length < timedelta(hours=2):
        return f"{length / timedelta(minutes=1):.1f} min"
    return f"{length / timedelta(hours=1):.1f} h"
