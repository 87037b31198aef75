"""Sliding windows over readings, evaluated exactly.

A window's statistics must not depend on how its recording was cut into batches, not even in the
last bit: a score on the threshold would flip. Floating-point running sums do depend on where they
begin, so readings are turned into fixed-point integers first; integer sums are exact, and the
difference of two running sums is the window's own sum wherever the running began.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from petrostream.schema.columns import SECOND

_FIXED_POINT: Final = 1024
LARGEST_DEVIATION: Final = 2048.0
"""Deviations are kept to 1/1024 of a sensor's scale and up to 2,048 times it."""


@dataclass(frozen=True, slots=True)
class WindowStatistics:
    """Statistics of windows (rows) a sensor (columns), in units of the sensor's scale.

    Each array has shape (windows, sensors). `level` is the mean deviation from the centre,
    `spread` the standard deviation, `readings` how many usable ones there were. `frozen` says that
    the sensor gave one and the same value. Where `readings` is 0 the others are 0.
    """

    readings: np.ndarray
    level: np.ndarray
    spread: np.ndarray
    frozen: np.ndarray

    @property
    def live(self) -> np.ndarray:
        """Whether a sensor can be scored: it has readings and is not frozen."""
        return (self.readings > 0) & ~self.frozen


class SlidingWindows:
    """Windows that end at a reading and reach back a time, over one stretch of readings.

    Parameters
    ----------
    microseconds
        Time stamps, strictly increasing, shape (rows,).
    values
        Readings, shape (rows, sensors); missing ones are not finite.
    centre, scale
        What deviations are measured from and in, shape (sensors,); scales are positive.
    usable
        Which readings are to be believed, shape (rows, sensors); all that are there by default.
    """

    def __init__(
        self,
        microseconds: np.ndarray,
        values: np.ndarray,
        centre: np.ndarray,
        scale: np.ndarray,
        usable: np.ndarray | None = None,
    ) -> None:
        self._times = microseconds
        finite = np.isfinite(values)
        usable = finite if usable is None else usable & finite
        with np.errstate(over="ignore", invalid="ignore"):
            deviations = np.where(usable, (values - centre) / scale, 0.0)
        np.nan_to_num(deviations, copy=False, nan=0.0)
        np.clip(deviations, -LARGEST_DEVIATION, LARGEST_DEVIATION, out=deviations)
        fixed = np.rint(deviations * _FIXED_POINT).astype(np.int64)
        self._sums = _running_sum(fixed)
        self._squares = _running_sum(np.square(fixed, out=fixed))
        del deviations, fixed
        self._reported = _running_sum(finite, np.int32)
        self._counts = _running_sum(usable, np.int32)
        self._changes = _running_sum(_changed(values, finite), np.int32)
        self._next_finite = _next_finite(finite)

    def reported(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        """How many readings each window has, believed or not, shape (len(rows), sensors)."""
        return self._reported[rows + 1] - self._reported[self._first_rows(rows, seconds)]

    def count(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        """How many usable readings each window has, shape (len(rows), sensors)."""
        return self._counts[rows + 1] - self._counts[self._first_rows(rows, seconds)]

    def frozen(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        """Whether each sensor's readings over at least half of the window are all equal."""
        first = self._first_rows(rows, seconds)
        columns = np.arange(self._next_finite.shape[1])
        first_finite = np.minimum(self._next_finite[first], rows[:, np.newaxis])
        changes = self._changes[rows + 1] - self._changes[first_finite + 1, columns]
        covered = self._times[rows][:, np.newaxis] - self._times[first_finite]
        return (changes == 0) & (covered >= int(seconds * SECOND) // 2)

    def level(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        """Mean deviation from the centre, in scales, of the windows that end at the given rows.

        Shape (len(rows), sensors); 0 where a window has no usable reading.
        """
        return self._mean(self._first_rows(rows, seconds), rows + 1) / _FIXED_POINT

    def spread(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        """Standard deviation, in scales, of the windows that end at the given rows."""
        first, end = self._first_rows(rows, seconds), rows + 1
        count = np.maximum(self._counts[end] - self._counts[first], 1)
        level = self._mean(first, end)
        squares = (self._squares[end] - self._squares[first]) / count
        return np.sqrt(np.maximum(squares - level * level, 0.0)) / _FIXED_POINT

    def statistics(
        self, rows: np.ndarray, seconds: float, frozen_seconds: float
    ) -> WindowStatistics:
        """Evaluate the windows of `seconds` that end at the given rows (positions, ascending)."""
        return WindowStatistics(
            readings=self.count(rows, seconds),
            level=self.level(rows, seconds),
            spread=self.spread(rows, seconds),
            frozen=self.frozen(rows, frozen_seconds),
        )

    def _first_rows(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        return np.searchsorted(self._times, self._times[rows] - int(seconds * SECOND), "right")

    def _mean(self, first: np.ndarray, end: np.ndarray) -> np.ndarray:
        count = self._counts[end] - self._counts[first]
        return (self._sums[end] - self._sums[first]) / np.maximum(count, 1)


def _running_sum(values: np.ndarray, dtype: type[np.signedinteger[Any]] = np.int64) -> np.ndarray:
    sums = np.zeros((len(values) + 1, values.shape[1]), dtype=dtype)
    np.cumsum(values, axis=0, out=sums[1:])
    return sums


def _changed(values: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Whether a reading differs from the finite one before it."""
    positions = np.arange(len(values), dtype=np.int32)[:, np.newaxis]
    last_finite = np.maximum.accumulate(np.where(finite, positions, np.int32(-1)), axis=0)
    before = np.vstack([np.full((1, values.shape[1]), -1, np.int32), last_finite[:-1]])
    previous = np.take_along_axis(values, np.maximum(before, 0), axis=0)
    return finite & (before >= 0) & (values != previous)


def _next_finite(finite: np.ndarray) -> np.ndarray:
    """Position of the first finite reading at or after each row; the row count where none is."""
    rows = len(finite)
    positions = np.where(finite, np.arange(rows, dtype=np.int32)[:, np.newaxis], np.int32(rows))
    following = np.minimum.accumulate(positions[::-1], axis=0)[::-1]
    return np.vstack([following, np.full((1, finite.shape[1]), rows, np.int32)])
