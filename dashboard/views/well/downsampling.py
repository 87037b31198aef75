"""Series for a chart: few points, no extreme lost, no line across a gap."""

from typing import Final

import numpy as np
from tsdownsample import M4Downsampler

POINTS: Final = 2000
"""What a line is thinned to; a screen has no more columns to show it in."""

_LEAST_GAP: Final = np.timedelta64(10, "s")
_GAP_FACTOR: Final = 5
_POINTS_A_BIN: Final = 4
_M4: Final = M4Downsampler()  # type: ignore[no-untyped-call]


def thin(times: np.ndarray, values: np.ndarray, points: int = POINTS) -> np.ndarray:
    """Choose the readings that draw the same line as all of them.

    M4 keeps the first, last, lowest and highest reading of every stretch of equal time; beside
    those, both ends of every gap are kept.

    Parameters
    ----------
    times
        Time stamps in increasing order, datetime64, shape (readings,).
    values
        Readings without NaN, shape (readings,).
    points
        About how many to keep.

    Returns
    -------
    Positions to keep, in increasing order.
    """
    if len(times) <= points:
        return np.arange(len(times))
    bins = points // _POINTS_A_BIN * _POINTS_A_BIN
    kept = _M4.downsample(
        times.astype("datetime64[us]"), np.ascontiguousarray(values, dtype=float), n_out=bins
    )
    gaps = gap_ends(times)
    ends = np.concatenate([gaps - 1, gaps]) if len(gaps) <= points else gaps[:0]
    return np.union1d(kept, ends).astype(np.intp)


def gap_ends(times: np.ndarray) -> np.ndarray:
    """Positions of the readings that come after a gap.

    A gap is five times as long as the readings are usually apart, and ten seconds at least:
    some sensors report only now and then.
    """
    steps = np.diff(times)
    if not len(steps):
        return np.array([], dtype=np.intp)
    return np.flatnonzero(steps > max(_LEAST_GAP, _GAP_FACTOR * np.median(steps))) + 1


def line(
    times: np.ndarray, values: np.ndarray, points: int = POINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Thin a series and break it at its gaps.

    Readings may be NaN; those are left out. Each gap holds one NaN, where a chart lifts the pen.

    Returns
    -------
    Time stamps and readings of the same length.
    """
    valid = np.isfinite(values)
    times, values = times[valid], values[valid]
    kept = thin(times, values, points)
    pieces = np.searchsorted(gap_ends(times), kept, side="right")
    breaks = np.flatnonzero(np.diff(pieces)) + 1
    return (
        np.insert(times[kept], breaks, times[kept][breaks - 1]),
        np.insert(values[kept], breaks, np.nan),
    )
