"""The question marks of a query: both stand for days, or there are none."""

from typing import Final

PLACEHOLDERS: Final = 2


def placeholder_fault(number: int) -> str:
    """What is wrong with a query of so many question marks; nothing gives an empty text."""
    if number in {0, PLACEHOLDERS}:
        return ""
    return (
        f"The query has {number} question marks. Two stand for the first and the last day; "
        "write other values into the query."
    )
