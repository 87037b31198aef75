"""Links to the Well page at a time that another page is about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from dashboard.ui.timezones import SPANS

_SPACE: Final = timedelta(minutes=10)


def well_at(
    well: str, start: datetime, end: datetime, sensors: Sequence[str] = ()
) -> dict[str, str | Sequence[str]]:
    """What the Well page is asked for: the shortest of its spans with a little on both sides, and
    the sensors to draw where some are named.

    >>> well_at("WELL-00001", datetime(2017, 2, 1, 12), datetime(2017, 2, 1, 12, 30))
    {'well': 'WELL-00001', 'time': '1 h', 'until': '2017-02-01T12:40'}
    """
    needed = end - start + 2 * _SPACE
    fitting = [name for name, length in SPANS.items() if length is not None and length >= needed]
    until = (end + _SPACE).isoformat(timespec="minutes")
    asked: dict[str, str | Sequence[str]] = {
        "well": well,
        "time": next(iter(fitting), "all"),
        "until": until,
    }
    return asked | {"sensors": list(sensors)} if sensors else asked
