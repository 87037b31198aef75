"""Numbers as people read them."""

from typing import Final

NONE: Final = "–"
_MINUTE: Final = 60
_HOUR: Final = 3600


def number(value: float | None) -> str:
    """Three decimals for fractions, none for whole numbers.

    >>> number(0.12345), number(12), number(None)
    ('0.123', '12', '–')
    """
    if value is None:
        return NONE
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def percent(value: float | None) -> str:
    """A share in per cent.

    >>> percent(0.874)
    '87.4 %'
    """
    return NONE if value is None else f"{100 * value:.1f} %"


def seconds(value: float | None) -> str:
    """A time in the unit that suits it.

    >>> seconds(90), seconds(300), seconds(7200), seconds(None)
    ('90 s', '5.0 min', '2.0 h', '–')
    """
    if value is None:
        return NONE
    if value < 2 * _MINUTE:
        return f"{value:.0f} s"
    return f"{value / _MINUTE:.1f} min" if value < 2 * _HOUR else f"{value / _HOUR:.1f} h"
