"""Numbers as people read them."""

from typing import Final

NONE: Final = "–"


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
