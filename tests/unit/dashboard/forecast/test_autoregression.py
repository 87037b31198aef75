"""The next hour: from the past alone, and only where that beats a sensor that stays as it is."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from dashboard.forecast.autoregression import (
    CONFIDENCE,
    HORIZON,
    LEAST_HISTORY,
    MINUTE,
    Forecast,
    NoForecast,
    Why,
    look_ahead,
    minute_means,
)
from dashboard.forecast.background import ForecastOrigin, Forecasts
from dashboard.views.well import next_hour
from dashboard.views.well.next_hour import NextHour
from petrostream.errors import ServiceUnavailable

MINUTES = 300


def slugging(minutes: int = MINUTES, seed: int = 1) -> np.ndarray:
    """A pressure that swings about a level every twenty minutes, noisily (Pa)."""
    noise = np.random.default_rng(seed).standard_normal(minutes)
    return 7e6 + 2e5 * np.sin(np.arange(minutes) * 2 * np.pi / 20) + 2e4 * noise


def wandering(minutes: int = MINUTES) -> np.ndarray:
    return 7e6 + 1e4 * np.cumsum(np.random.default_rng(3).standard_normal(minutes))


def test_what_swings_is_forecast_better_than_by_its_last_value() -> None:
    whole = slugging(MINUTES + HORIZON)
    found = look_ahead(whole[:MINUTES])
    assert isinstance(found, Forecast)
    came = whole[MINUTES:]
    assert np.mean(np.abs(came - found.middle)) < 0.3 * np.mean(np.abs(came - whole[MINUTES - 1]))
    assert np.mean((came >= found.low) & (came <= found.high)) > 0.7
    test = found.backtest
    assert test.error < 0.3 * test.last_value_error
    assert (test.minutes, test.won) == (MINUTES, 1.0)
    assert 0.7 < test.covered <= 1


def test_what_wanders_has_no_forecast_and_says_by_how_much() -> None:
    found = look_ahead(wandering())
    assert isinstance(found, NoForecast)
    assert found.why is Why.NOT_BETTER
    assert found.backtest is not None
    assert found.backtest.last_value_error > 0


def with_gap(start: int, end: int) -> np.ndarray:
    minutes = slugging()
    minutes[start:end] = np.nan
    return minutes


@pytest.mark.parametrize(
    ("minutes", "why"),
    [
        (slugging(LEAST_HISTORY - 1), Why.SHORT),
        (with_gap(130, 150), Why.SHORT),
        (with_gap(280, 300), Why.SILENT),
        (np.full(MINUTES, np.nan), Why.SILENT),
        (np.empty(0), Why.SILENT),
        (np.concatenate([slugging(), np.full(HORIZON, 7e6)]), Why.STILL),
        (np.full(MINUTES, 0.0), Why.STILL),
        (np.where(np.arange(MINUTES) % 2, slugging(), np.nan), Why.SPARSE),
        (np.concatenate([slugging(), np.rint(np.linspace(7e6, 7e6 + 300, HORIZON))]), Why.STRAIGHT),
        (np.repeat(7e6 + 1e4 * np.arange(10.0), 30)[:MINUTES], Why.STRAIGHT),
    ],
    ids=lambda each: each.name if isinstance(each, Why) else "",
)
def test_where_nothing_can_be_told_the_reason_is(minutes: np.ndarray, why: Why) -> None:
    assert look_ahead(minutes) == NoForecast(why)


@pytest.mark.parametrize("gap", [(100, 108), (240, 249), (292, 299), (297, 300)])
def test_a_short_gap_does_no_harm(gap: tuple[int, int]) -> None:
    found = look_ahead(with_gap(*gap))
    assert isinstance(found, Forecast)
    assert np.isfinite(found.middle).all()
    assert found.backtest.won >= 0.9


def test_the_past_is_forecast_from_what_came_before_alone() -> None:
    minutes, seen = slugging(), []

    def watched(past: np.ndarray) -> np.ndarray:
        seen.append(past)
        return np.full(HORIZON, past.mean())

    look_ahead(minutes, {"watched": watched})
    *tries, _ = sorted(len(past) for past in seen)
    assert tries
    assert tries[-1] <= MINUTES - HORIZON, "its hour must be over"
    longest = max(seen, key=len)
    for past in seen:
        np.testing.assert_array_equal(past, longest[: len(past)])


def test_the_interval_holds_its_share_of_past_errors_and_never_narrows() -> None:
    found = look_ahead(slugging())
    assert isinstance(found, Forecast)
    width = found.high - found.low
    assert (np.diff(width) >= -1e-6 * width[0]).all()
    assert found.backtest.covered > CONFIDENCE - 0.2


def test_a_forecast_stays_near_what_the_past_has_been() -> None:
    minutes = slugging()

    def runs_away_at_last(past: np.ndarray) -> np.ndarray:
        return np.full(HORIZON, 1e9) if len(past) == MINUTES else np.tile(past[-20:], 3)

    found = look_ahead(minutes, {"runs away": runs_away_at_last})
    assert isinstance(found, Forecast)
    np.testing.assert_allclose(found.middle, minutes.max() + np.ptp(minutes))


def test_minutes_are_whole_ones_before_the_end() -> None:
    seconds = np.arange(0, 300, 10)
    values = np.where(seconds // 60 == 2, np.nan, seconds // 60).astype(float)
    found = minute_means(seconds * 1_000_000, values, end=4 * MINUTE)
    np.testing.assert_array_equal(found, [0, 1, np.nan, 3])
    assert len(minute_means(seconds * 1_000_000, values, end=0)) == 0
    np.testing.assert_array_equal(
        minute_means(seconds * 1_000_000, values, 6 * MINUTE)[-2:], [4, np.nan]
    )


ORIGIN = ForecastOrigin("WELL-1", "WELL-1_1", MINUTES * MINUTE)


def rows(minutes: int = MINUTES + HORIZON) -> pd.DataFrame:
    """A reading every twenty seconds, also after the origin."""
    times = np.arange(minutes * 3) * np.timedelta64(20, "s") + np.datetime64(0, "us")
    return pd.DataFrame(
        {
            "timestamp": times.astype("datetime64[us]"),
            "recording": "WELL-1_1",
            "P-TPT": np.repeat(slugging(minutes), 3),
            "T-TPT": 60.0,
            "P-PDG": -1e6,
            "ESTADO-DHSV": 1.0,
        }
    )


@pytest.fixture
def forecasts() -> Forecasts:
    return Forecasts()


def outcomes(forecasts: Forecasts, sensors: list[str], read=rows) -> dict:
    forecasts.ask(ORIGIN, sensors, read)
    assert forecasts.wait(ORIGIN, sensors, seconds=60)
    return forecasts.ask(ORIGIN, sensors, read)


def test_a_page_does_not_wait_for_what_takes_long(forecasts: Forecasts) -> None:
    may_go_on = threading.Event()

    def slowly() -> pd.DataFrame:
        may_go_on.wait(60)
        return rows()

    assert forecasts.ask(ORIGIN, ["P-TPT"], slowly) == {"P-TPT": None}
    may_go_on.set()
    assert isinstance(outcomes(forecasts, ["P-TPT"])["P-TPT"], Forecast)


def test_what_is_known_is_not_made_again(forecasts: Forecasts) -> None:
    first = outcomes(forecasts, ["P-TPT"])["P-TPT"]

    def never() -> pd.DataFrame:
        raise AssertionError("it was read again")

    assert forecasts.ask(ORIGIN, ["P-TPT"], never)["P-TPT"] is first


def test_no_reading_after_the_origin_is_used(forecasts: Forecasts) -> None:
    known = outcomes(forecasts, ["P-TPT"], lambda: rows(MINUTES))["P-TPT"]
    seen = outcomes(Forecasts(), ["P-TPT"])["P-TPT"]
    np.testing.assert_array_equal(known.middle, seen.middle)


def test_every_other_sensor_has_its_reason(forecasts: Forecasts) -> None:
    found = outcomes(forecasts, ["T-TPT", "P-PDG", "ESTADO-DHSV", "QGL"])
    assert {name: each.why for name, each in found.items()} == {
        "T-TPT": Why.STILL,
        "P-PDG": Why.SILENT,  # less than nothing is no pressure
        "ESTADO-DHSV": Why.STATE,
        "QGL": Why.SILENT,
    }


def test_what_could_not_be_read_is_tried_again(forecasts: Forecasts) -> None:
    def refused() -> pd.DataFrame:
        raise ServiceUnavailable("S3 does not answer")

    forecasts.ask(ORIGIN, ["P-TPT"], refused)
    forecasts.wait(ORIGIN, ["P-TPT"], seconds=60)
    assert forecasts.ask(ORIGIN, ["P-TPT"], refused) == {"P-TPT": NoForecast(Why.UNREAD)}
    assert isinstance(outcomes(forecasts, ["P-TPT"])["P-TPT"], Forecast)


def test_what_rests_on_another_past_is_made_anew(forecasts: Forecasts) -> None:
    """While the day before is still being listed, or where a batch came late."""
    less = replace(ORIGIN, past=("the newest batch",))
    forecasts.ask(less, ["P-TPT"], lambda: rows(MINUTES).iloc[-300:])
    assert forecasts.wait(less, ["P-TPT"], seconds=60)
    assert forecasts.ask(less, ["P-TPT"], rows) == {"P-TPT": NoForecast(Why.SHORT)}
    assert isinstance(outcomes(forecasts, ["P-TPT"])["P-TPT"], Forecast)


def test_a_fault_nobody_thought_of_is_a_sentence_and_is_logged(
    forecasts: Forecasts, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> pd.DataFrame:
        raise AttributeError("it has no such part")

    assert outcomes(forecasts, ["P-TPT"], broken) == {"P-TPT": NoForecast(Why.FAILED)}
    assert "it has no such part" in caplog.text


def test_what_waits_is_dropped_once_a_later_time_is_asked_for(forecasts: Forecasts) -> None:
    may_go_on, read = threading.Event(), []

    def slowly() -> pd.DataFrame:
        may_go_on.wait(60)
        return rows()

    def outdated() -> pd.DataFrame:
        read.append("outdated")
        return rows()

    forecasts.ask(replace(ORIGIN, well="WELL-2"), ["P-TPT"], slowly)
    forecasts.ask(ORIGIN, ["P-TPT"], outdated)
    later = replace(ORIGIN, minute=ORIGIN.minute + MINUTE)
    forecasts.ask(later, ["P-TPT"], rows)
    may_go_on.set()
    assert forecasts.wait(later, ["P-TPT"], seconds=60)
    assert read == []
    assert isinstance(outcomes(forecasts, ["P-TPT"])["P-TPT"], Forecast), "who asks again gets it"


class Clicked(Exception):
    """What Streamlit stops a script with where the visitor has clicked meanwhile."""


def test_who_waits_for_a_forecast_can_click_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []

    class Never:
        def wait(self, origin: ForecastOrigin, sensors: list[str], seconds: float) -> bool:
            waits.append(seconds)
            return False

    class Place:
        def empty(self) -> None:
            raise Clicked

    monkeypatch.setattr(next_hour, "find_readers", lambda: SimpleNamespace(forecasts=Never()))
    monkeypatch.setattr(next_hour.st, "empty", Place)
    with pytest.raises(Clicked):
        next_hour.wait_for(NextHour(ORIGIN, {"P-TPT": None}, rows().iloc[:0]))
    assert sum(waits) <= 1


def test_errors_are_said_in_the_unit_that_is_shown(forecasts: Forecasts) -> None:
    found = outcomes(forecasts, ["P-TPT", "T-TPT"])
    shown, still, coming = NextHour(ORIGIN, {**found, "P-PDG": None}, rows().iloc[:0]).sentences()
    error = found["P-TPT"].backtest.error
    assert shown.startswith(f"**P-TPT**: mean error {error / 1e6:.2g} MPa, the last value's ")
    assert "over the 5.0 h before" in shown
    assert still == "**T-TPT**: no forecast, it has not changed for an hour."
    assert coming == "**P-PDG**: the forecast is being made."


def test_what_came_is_drawn_beside_the_forecast_as_far_as_it_came(forecasts: Forecasts) -> None:
    found = outcomes(forecasts, ["P-TPT"])
    after = rows(MINUTES + 20).iloc[MINUTES * 3 :]
    [drawn] = NextHour(ORIGIN, found, after).lines(ZoneInfo("UTC")).values()
    assert drawn["time"].iloc[0] == pd.Timestamp("1970-01-01T05:00:30Z")
    np.testing.assert_allclose(drawn["came"].iloc[:20], slugging(MINUTES + 20)[MINUTES:])
    assert drawn["came"].iloc[20:].isna().all()
    assert len(drawn) == HORIZON
