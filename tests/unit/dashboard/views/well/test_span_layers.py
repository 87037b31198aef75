"""Stretches of time in a recording's chart: what is not scored, and alarms."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard.alarms.alarm import Alarm
from dashboard.views.well.span_layers import alarm_spans, unscored_spans
from petrostream.alarms.events import Event


@pytest.fixture
def rows() -> pd.DataFrame:
    """An hour, of which the first 15 minutes are commissioning."""
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2017-02-01 02:00:00", periods=3600, freq="s", unit="us"),
            "status": ["commissioning"] * 900 + ["scored"] * 2700,
        }
    )


def test_unscored_time_is_shaded(rows: pd.DataFrame) -> None:
    [span] = unscored_spans(rows).itertuples(index=False)
    assert span.status == "commissioning"
    assert (span.end - span.start).total_seconds() == 899
    assert unscored_spans(rows.iloc[900:]).empty
    assert unscored_spans(rows.iloc[:0]).empty


def test_alarms_are_drawn_within_the_shown_times_alone(rows: pd.DataFrame) -> None:
    second = int(rows["timestamp"].iloc[0].timestamp())
    event = Event(
        well="WELL-1",
        recording="WELL-1_1",
        start=(second - 3600) * 1_000_000,
        end=(second + 60) * 1_000_000,
        peak=second * 1_000_000,
        peak_score=2.0,
        rows=3660,
        sensors={"P-TPT": 100},
    )
    [drawn] = alarm_spans([Alarm(event)], rows["timestamp"], ZoneInfo("UTC")).itertuples()
    assert drawn.start == pd.Timestamp("2017-02-01T02:00:00Z"), "or it would stretch the time axis"
    assert drawn.end == pd.Timestamp("2017-02-01T02:01:00Z")
