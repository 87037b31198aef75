"""Stored times are UTC without a zone; here they become those of the visitor's zone."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from petrostream.schema.columns import TIMESTAMP

SPANS: Final[dict[str, timedelta | None]] = {
    "1 h": timedelta(hours=1),
    "6 h": timedelta(hours=6),
    "24 h": timedelta(days=1),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "all": None,
}
"""Lengths of time to choose from; `None` is all there is."""


def local(time: datetime, zone: ZoneInfo) -> datetime:
    """A stored time on the zone's clock, again without a zone.

    >>> local(datetime(2017, 1, 1, 12), ZoneInfo("America/Sao_Paulo"))
    datetime.datetime(2017, 1, 1, 10, 0)
    """
    return time.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def stored(time: datetime, zone: ZoneInfo) -> datetime:
    """The stored time of one on the zone's clock.

    >>> stored(datetime(2017, 1, 1, 10), ZoneInfo("America/Sao_Paulo"))
    datetime.datetime(2017, 1, 1, 12, 0)
    """
    return time.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def local_series(times: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Stored times on the zone's clock."""
    return times.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)


def for_chart(times: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Stored times for a chart whose axis shows UTC: the zone's clock, passed off as UTC."""
    return local_series(times, zone).dt.tz_localize("UTC")


def frame_microseconds(rows: pd.DataFrame) -> np.ndarray:
    """Time stamps of some rows as int64 microseconds since 1970 (UTC), shape (rows,)."""
    return rows[TIMESTAMP].to_numpy().astype("datetime64[us]").astype(np.int64)
