"""The next hour on a well's page: what is asked for, what is drawn, and what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.curated.bucket import Curated
from dashboard.curated.snapshot import FIRST, LAST, ScoredObject
from dashboard.forecast.autoregression import (
    CONFIDENCE,
    HORIZON,
    MINUTE,
    MOST_HISTORY,
    Backtest,
    Forecast,
    Why,
    minute_means,
)
from dashboard.forecast.background import ForecastOrigin, ForecastOutcome, pending
from dashboard.shell.page_frame import View
from dashboard.shell.readers import find_readers
from dashboard.ui.timezones import for_chart, frame_microseconds
from dashboard.ui.units import scale_of
from petrostream.schema.columns import RECORDING

_STEP_SECONDS: Final = 0.5
_MOST_STEPS: Final = 30
_MINUTES_AN_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class NextHour:
    """The next hour of some sensors; `None` for those whose forecast is still being made.

    `came` has the rows after the origin, where the hour is over or has begun.
    """

    origin: ForecastOrigin
    outcomes: Mapping[str, ForecastOutcome | None]
    came: pd.DataFrame

    @property
    def has_any(self) -> bool:
        """Whether any of the sensors has a forecast."""
        return any(isinstance(outcome, Forecast) for outcome in self.outcomes.values())

    def lines(self, zone: ZoneInfo) -> dict[str, pd.DataFrame]:
        """What is drawn of each sensor that has a forecast, one row per minute, in its own unit.

        Columns are `time`, `middle`, `low`, `high` and `came`, which is NaN where nothing came yet.
        """
        starts = self.origin.minute + np.arange(HORIZON) * MINUTE + MINUTE // 2
        times = for_chart(pd.Series(starts.astype("datetime64[us]")), zone)
        return {
            name: pd.DataFrame(
                {
                    "time": times,
                    "middle": outcome.middle,
                    "low": outcome.low,
                    "high": outcome.high,
                    "came": self._came(name),
                }
            )
            for name, outcome in self.outcomes.items()
            if isinstance(outcome, Forecast)
        }

    def sentences(self) -> list[str]:
        """What is to be said of each sensor's forecast, in Markdown."""
        return [
            f"**{name}**: {_in_words(name, outcome)}" for name, outcome in self.outcomes.items()
        ]

    def _came(self, sensor: str) -> np.ndarray:
        means = np.full(HORIZON, np.nan)
        if sensor in self.came and len(self.came):
            end = self.origin.minute + HORIZON * MINUTE
            values = self.came[sensor].to_numpy(dtype=float, na_value=np.nan)
            found = minute_means(frame_microseconds(self.came), values, end, most=HORIZON)
            means[HORIZON - len(found) :] = found
        return means


def ask_next_hour(view: View, well: str, rows: pd.DataFrame, sensors: Sequence[str]) -> NextHour:
    """Ask for the hour after the last of a well's rows; what takes long is not waited for."""
    last = rows.iloc[-1]
    end = int(frame_microseconds(rows.iloc[-1:])[0]) // MINUTE * MINUTE
    origin = ForecastOrigin(well, str(last[RECORDING]), end)
    past = _objects(view, origin, end - MOST_HISTORY * MINUTE, end)
    origin = replace(origin, past=tuple((each.key, each.etag) for each in past))
    outcomes = find_readers().forecasts.ask(
        origin, sensors, partial(_rows, view.curated, past, origin.recording)
    )
    after = _objects(view, origin, end, end + HORIZON * MINUTE)
    came = _rows(view.curated, after, origin.recording)
    return NextHour(origin, outcomes, came[frame_microseconds(came) >= end])


def wait_for(hour: NextHour) -> None:
    """Draw the page again once all of its forecasts are there."""
    missing = pending(hour.outcomes)
    if not missing:
        return
    forecasts, place = find_readers().forecasts, st.empty()
    for _ in range(_MOST_STEPS):
        if forecasts.wait(hour.origin, missing, _STEP_SECONDS):
            st.rerun()
        place.empty()  # Streamlit gives way here to what the visitor has clicked meanwhile


def _objects(view: View, origin: ForecastOrigin, start: int, end: int) -> list[ScoredObject]:
    """The batches of a recording that have rows between two times (µs)."""
    whole = view.snapshot.of_well(origin.well)
    table = view.snapshot.table.iloc[whole]
    first, last = (np.datetime64(each, "us") for each in (start, end))
    inside = (table[RECORDING] == origin.recording) & (table[FIRST] < last) & (table[LAST] >= first)
    return view.snapshot.chosen(np.flatnonzero(inside.to_numpy()) + whole.start)


def _rows(curated: Curated, objects: Sequence[ScoredObject], recording: str) -> pd.DataFrame:
    table = curated.rows(objects).table
    return table[table[RECORDING] == recording]


def _in_words(sensor: str, outcome: ForecastOutcome | None) -> str:
    if outcome is None:
        return "the forecast is being made."
    if isinstance(outcome, Forecast):
        return f"{_errors(sensor, outcome.backtest)}{_coverage(outcome.backtest)}."
    if outcome.why is Why.NOT_BETTER and outcome.backtest:
        return f"no forecast, {outcome.why.value}: {_errors(sensor, outcome.backtest)}."
    return f"no forecast, {outcome.why.value}."


def _errors(sensor: str, test: Backtest) -> str:
    """How the past was forecast, in the unit that the sensor is shown in."""
    scale = scale_of(sensor)
    error, last = (
        f"{each * scale.factor:.2g} {scale.unit}" for each in (test.error, test.last_value_error)
    )
    hours = test.minutes / _MINUTES_AN_HOUR
    return (
        f"mean error {error}, the last value's {last}, over the {hours:.1f} h before; "
        f"closer in {test.won:.0%} of {test.origins} tries"
    )


def _coverage(test: Backtest) -> str:
    if not np.isfinite(test.covered):
        return ""
    return f"; intervals for {CONFIDENCE:.0%} held {test.covered:.0%} of other hours' readings"
