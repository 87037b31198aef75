"""Readings as arrays, and which of them can be believed: asked wherever rows are looked at."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from petrostream.schema.columns import (
    MICROSECONDS,
    SCORED_TIME_TYPE,
    TIMESTAMP,
    TIMESTAMP_TYPE,
)
from petrostream.schema.sensors import BY_NAME

EARLIEST: Final = 0
LATEST: Final = 7_258_118_400_000_000
"""Time stamps (µs) from 1970 on and before 2200 are believed."""

LARGEST_READING: Final = 1e100
"""Whatever is as large as that is taken for an infinity."""


def microseconds_of(table: pa.Table) -> np.ndarray:
    """Time stamps of a table as int64 microseconds since 1970, shape (rows,).

    Of scored rows, those to the millisecond and what they leave out are put together.
    """
    stamps = table.column(TIMESTAMP)
    times = stamps.cast(TIMESTAMP_TYPE).cast(pa.int64()).to_numpy()
    if stamps.type != SCORED_TIME_TYPE or MICROSECONDS not in table.schema.names:
        return times
    return times + table.column(MICROSECONDS).fill_null(0).to_numpy()


def readings_of(table: pa.Table, sensors: tuple[str, ...]) -> np.ndarray:
    """Readings as float64, shape (rows, sensors); a missing reading or sensor is NaN."""
    values = np.full((table.num_rows, len(sensors)), np.nan)
    for position, name in enumerate(sensors):
        if name in table.schema.names:
            values[:, position] = table.column(name).to_numpy()
    return values


def is_possible(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether readings are finite numbers that a sensor could give; null stays null."""
    return pc.less(pc.abs(values), LARGEST_READING)


def believable(values: np.ndarray, sensors: tuple[str, ...]) -> np.ndarray:
    """Which readings are there and within what their sensor can read, shape (rows, sensors)."""
    limits = np.array([BY_NAME[name].plausible for name in sensors]).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        return (values >= limits[:, 0]) & (values <= limits[:, 1])
