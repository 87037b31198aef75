"""The labels of 3W: 0 normal, 1-9 a steady fault, 101-109 the transient that leads to it."""

from typing import Final

NORMAL: Final = 0
TRANSIENT_OFFSET: Final = 100

EVENT_NAMES: Final[dict[int, str]] = {
    0: "normal operation",
    1: "abrupt increase of BSW",
    2: "spurious closure of DHSV",
    3: "severe slugging",
    4: "flow instability",
    5: "rapid productivity loss",
    6: "quick restriction in PCK",
    7: "scaling in PCK",
    8: "hydrate in production line",
    9: "hydrate in service line",
}


def describe(label: int | None) -> str:
    """Return a label in words; `None` is a row that nobody labelled.

    >>> describe(102)
    'transient to spurious closure of DHSV'
    """
    if label is None:
        return "unlabelled"
    name = EVENT_NAMES.get(label % TRANSIENT_OFFSET, f"class {label}")
    return f"transient to {name}" if label > TRANSIENT_OFFSET else name
