"""The next hour of one sensor, where it can be told better than by its last value.

Everything is reckoned on means of a minute. The past of the recording is forecast too, from
origins ten minutes apart, each on nothing but what came before it. These errors decide whether a
forecast is given, which family of models makes it, and how wide its interval is: the width that
held a share of the past errors, as in split conformal prediction (Lei et al. 2018,
"Distribution-Free Predictive Inference for Regression", algorithm 2). Past hours overlap, and the
next one may be unlike them, so the share is no promise; docs/decisions/0031 has what it was on 3W.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

MINUTE: Final = 60_000_000
"""Microseconds."""
HORIZON: Final = 60
"""Minutes that are forecast."""
LEAST_HISTORY: Final = 180
"""Minutes of one recording, without a long gap, that a forecast takes."""
MOST_HISTORY: Final = 480
"""Minutes that a forecast looks back."""
LEAST_GAIN: Final = 0.2
"""By so much its mean past error must be below that of the last value."""
LEAST_WON: Final = 0.75
"""In so many of the past origins it must have been the better one."""
CONFIDENCE: Final = 0.9
"""The share of past errors that the interval holds."""

_LONGEST_GAP: Final = 10
_EVERY: Final = 10
_FIRST_ORIGIN: Final = 60
_LEAST_TRUTH: Final = 45
"""Minutes of the hour after a past origin that must have readings for it to count."""
_LEAST_ORIGINS: Final = 6
_LAGS: Final = 10
_ROUNDING: Final = 1e-9
_LEAST_BEND: Final = 0.1
"""By so much of its slope (medians of the last hour's minutes) a line must bend to be no straight
one. Who fills in a straight line knows where it ends, so to forecast it would be no feat."""
_NEIGHBOURS: Final = 10
"""Minutes of horizon before and after a minute whose errors count for its interval's width."""

Family = Callable[[np.ndarray], np.ndarray]
"""Forecasts `HORIZON` values from those so far, which have no gap; both are standardised."""


class Why(StrEnum):
    """Why a sensor has no forecast, in words that follow "no forecast,"."""

    SHORT = f"it takes {LEAST_HISTORY // 60} h of the same recording without a long gap"
    SILENT = "it gives no readings that can be believed"
    STILL = "it has not changed for an hour"
    SPARSE = "its readings are too far apart"
    STRAIGHT = "its readings lie on straight lines, as filled in between few real ones"
    NOT_BETTER = "the last value does about as well"
    STATE = "a valve's state follows from what people do"
    FAILED = "no model fits its past"
    UNREAD = "its past can't be read"


@dataclass(frozen=True, slots=True)
class Backtest:
    """How the past was forecast; errors are mean absolute ones over the next hour.

    `error` is the best family's, `last_value_error` that of a sensor that stays as it is, `won`
    the share of origins in which the family was the better one; `minutes` is how much past that
    was. `covered` is the share of past readings that intervals from the errors of other hours
    held, NaN where there were no other hours.
    """

    family: str
    origins: int
    minutes: int
    error: float
    last_value_error: float
    won: float
    covered: float

    @property
    def is_better(self) -> bool:
        """Whether a forecast is worth more than the last value."""
        limit = (1 - LEAST_GAIN) * self.last_value_error
        return self.error <= limit and self.error < self.last_value_error and self.won >= LEAST_WON


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next hour of a sensor by the minute, shape (HORIZON,) each, in the sensor's unit."""

    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray
    backtest: Backtest


@dataclass(frozen=True, slots=True)
class NoForecast:
    """Why there is no forecast, and how one would have done where that is known."""

    why: Why
    backtest: Backtest | None = None


def minute_means(
    microseconds: np.ndarray, values: np.ndarray, end: int, most: int = MOST_HISTORY
) -> np.ndarray:
    """Means of at most so many whole minutes before `end`, the newest last.

    A minute without a reading is NaN.

    Parameters
    ----------
    microseconds
        Times of the readings, ascending, shape (rows,).
    values
        The readings; those that are not to be used are NaN.
    end
        A whole minute (µs); readings from it on are left out.
    """
    used = np.isfinite(values) & (microseconds < end)
    if not used.any():
        return np.empty(0)
    back = (end - 1 - microseconds[used]) // MINUTE
    sums = np.bincount(back, weights=values[used])
    counts = np.bincount(back)
    means = np.full(len(counts), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means[::-1][-most:]


def look_ahead(
    minutes: np.ndarray, families: Mapping[str, Family] | None = None
) -> Forecast | NoForecast:
    """Forecast the hour after the last of a sensor's minutes.

    Parameters
    ----------
    minutes
        Means of one recording's minutes up to the origin, the newest last; NaN where there is no
        reading.
    families
        What may forecast, by name; the ones that paid off by default.
    """
    past = _last_stretch(minutes)
    reason = _reason_against(past)
    if reason is not None:
        return NoForecast(reason)
    centre, scale = float(np.nanmean(past)), float(np.nanstd(past))
    standard = (past - centre) / scale
    used = FAMILIES if families is None else families
    errors, backtest = _best(standard, used, scale)
    if not backtest.is_better:
        return NoForecast(Why.NOT_BETTER, backtest)
    width = _widths(errors) * scale
    middle = _by(used[backtest.family], standard) * scale + centre
    return Forecast(middle, middle - width, middle + width, backtest)


def _reason_against(past: np.ndarray) -> Why | None:
    """Why a past gives nothing to forecast from."""
    recent = past[-HORIZON:]
    if not len(past):
        return Why.SILENT
    if len(past) < LEAST_HISTORY:
        return Why.SHORT
    if np.nanmax(recent) - np.nanmin(recent) <= _ROUNDING * np.nanmax(np.abs(recent)):
        return Why.STILL
    if len(_origins(past)) < _LEAST_ORIGINS:
        return Why.SPARSE
    return Why.STRAIGHT if _is_straight(recent) else None


def _last_stretch(minutes: np.ndarray) -> np.ndarray:
    """The minutes since the last long gap, from a minute with readings on; empty in a gap."""
    there = np.flatnonzero(np.isfinite(minutes[-MOST_HISTORY:]))
    recent = minutes[-MOST_HISTORY:]
    if not len(there) or len(recent) - 1 - there[-1] > _LONGEST_GAP:
        return np.empty(0)
    gaps = np.flatnonzero(np.diff(there) > _LONGEST_GAP)
    return recent[there[gaps[-1] + 1] if len(gaps) else there[0] :]


def _is_straight(minutes: np.ndarray) -> bool:
    filled = _filled(minutes)
    slope = np.median(np.abs(np.diff(filled)))
    bend = np.median(np.abs(np.diff(filled, n=2)))
    return bool(bend <= _LEAST_BEND * slope)


def _origins(past: np.ndarray) -> list[int]:
    """The places in the past from which the hour that came is known."""
    return [
        origin
        for origin in range(_FIRST_ORIGIN, len(past) - HORIZON + 1, _EVERY)
        if np.isfinite(past[origin : origin + HORIZON]).sum() >= _LEAST_TRUTH
    ]


def _best(
    past: np.ndarray, families: Mapping[str, Family], scale: float
) -> tuple[np.ndarray, Backtest]:
    """Errors of the family that did best, shape (origins, HORIZON), and how it did."""
    origins = _origins(past)
    truth = np.array([past[origin : origin + HORIZON] for origin in origins])
    errors = {
        name: truth - np.array([_by(family, past[:origin]) for origin in origins])
        for name, family in {"last value": _last_value, **families}.items()
    }
    by_origin = {name: np.nanmean(np.abs(each), axis=1) for name, each in errors.items()}
    last = by_origin.pop("last value")
    name = min(by_origin, key=lambda each: by_origin[each].mean())
    return errors[name], Backtest(
        family=name,
        origins=len(origins),
        minutes=len(past),
        error=float(by_origin[name].mean()) * scale,
        last_value_error=float(last.mean()) * scale,
        won=float(np.mean(by_origin[name] < last)),
        covered=_covered(errors[name], np.array(origins)),
    )


def _by(family: Family, past: np.ndarray) -> np.ndarray:
    """Forecast with gaps filled, and no further away than the past has ranged."""
    filled = _filled(past)
    room = np.ptp(filled)
    return np.clip(family(filled), filled.min() - room, filled.max() + room)


def _filled(minutes: np.ndarray) -> np.ndarray:
    there = np.flatnonzero(np.isfinite(minutes))
    return np.interp(np.arange(len(minutes)), there, minutes[there])


def _widths(errors: np.ndarray) -> np.ndarray:
    """Half the interval's width by horizon, shape (HORIZON,); it never narrows.

    The rank is that of split conformal prediction, `CONFIDENCE` of one more than the origins. A
    minute's width is from its own errors, those of the `_NEIGHBOURS` minutes before and of one
    minute fewer after it: decision 31 was measured so.
    """
    origins = len(errors)
    share = min(np.ceil((origins + 1) * CONFIDENCE) / origins, 1.0)
    size = np.abs(errors)
    near = [slice(max(at - _NEIGHBOURS, 0), at + _NEIGHBOURS) for at in range(HORIZON)]
    return np.maximum.accumulate([np.nanquantile(size[:, each], share) for each in near])


def _covered(errors: np.ndarray, origins: np.ndarray) -> float:
    """The share of past readings that intervals from hours that do not overlap theirs held."""
    held = []
    for errors_of, origin in zip(errors, origins, strict=True):
        apart = np.abs(origins - origin) >= HORIZON
        if apart.any():
            there = np.isfinite(errors_of)
            held.append(np.mean(np.abs(errors_of[there]) <= _widths(errors[apart])[there]))
    return float(np.mean(held)) if held else float("nan")


def _last_value(past: np.ndarray) -> np.ndarray:
    return np.full(HORIZON, past[-1])


def _levels(past: np.ndarray) -> np.ndarray:
    """An autoregression of the values: it swings back to where it was."""
    return _autoregression(past, trend="c")


def _changes(past: np.ndarray) -> np.ndarray:
    """An autoregression of the changes: it goes on for a while, and stays where it gets to."""
    return past[-1] + np.cumsum(_autoregression(np.diff(past), trend="n"))


def _autoregression(values: np.ndarray, trend: str) -> np.ndarray:
    # statsmodels takes over a second to import: only where a forecast is made.
    from statsmodels.tools.sm_exceptions import SingularMatrixWarning  # noqa: PLC0415
    from statsmodels.tsa.ar_model import AutoReg  # noqa: PLC0415

    with warnings.catch_warnings():  # where lags say the same, any of their weights will do
        warnings.simplefilter("ignore", SingularMatrixWarning)
        ahead: np.ndarray = AutoReg(values, lags=_LAGS, trend=trend).fit().forecast(HORIZON)
    return ahead


FAMILIES: Final[Mapping[str, Family]] = {"levels": _levels, "changes": _changes}
"""What paid off on 3W; measured by ``python -m tests.bench.bench_forecast``."""
