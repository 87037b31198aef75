"""Lines are thinned without losing an extreme, and never drawn across a gap."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashboard.views.well.downsampling import gap_ends, line, thin

START = np.datetime64("2017-02-01T02:00:00", "us")


def seconds(offsets: object) -> np.ndarray:
    return START + np.asarray(offsets, dtype="int64").astype("timedelta64[s]")


def test_a_short_series_is_kept_whole() -> None:
    assert thin(seconds(range(50)), np.arange(50.0), points=100).tolist() == list(range(50))


def test_a_long_series_is_thinned_to_about_the_points_asked_for() -> None:
    values = np.random.default_rng(1).normal(size=86_400)
    assert 1000 < len(thin(seconds(range(86_400)), values, points=2000)) <= 2000


@given(spikes=st.sets(st.integers(0, 19_999), min_size=1, max_size=20))
def test_no_spike_of_a_single_second_is_lost(spikes: set[int]) -> None:
    values = np.random.default_rng(2).normal(size=20_000)
    values[sorted(spikes)[::2]] += 100.0
    values[sorted(spikes)[1::2]] -= 100.0
    kept = thin(seconds(range(20_000)), values, points=400)
    assert values[kept].max() == values.max()
    assert values[kept].min() == values.min()
    assert {0, 19_999} <= set(kept.tolist())


def test_every_stretch_keeps_its_lowest_and_highest() -> None:
    values = np.random.default_rng(3).normal(size=40_000)
    kept = thin(seconds(range(40_000)), values, points=400)
    for stretch in np.array_split(np.arange(40_000), 25):  # a bin's edges may be a second off
        inner = stretch[500:-500]
        within = values[kept[(kept >= stretch[0]) & (kept <= stretch[-1])]]
        assert within.min() <= values[inner].min()
        assert within.max() >= values[inner].max()


def test_both_ends_of_a_gap_are_kept() -> None:
    offsets = np.concatenate([np.arange(10_000), np.arange(10_000) + 20_000])
    kept = thin(seconds(offsets), np.zeros(20_000), points=200)
    assert {9_999, 10_000} <= set(kept.tolist())


def test_a_gap_holds_a_nan_and_nothing_else_is_added() -> None:
    times, values = line(seconds([0, 1, 2, 100, 101]), np.arange(5.0))
    assert np.isnan(values).tolist() == [False, False, False, True, False, False]
    assert times[3] == seconds([2])[0]
    assert values[~np.isnan(values)].tolist() == [0, 1, 2, 3, 4]


def test_missing_readings_are_a_gap_once_they_last() -> None:
    values = np.arange(100.0)
    values[10:12] = np.nan
    values[50:80] = np.nan
    _, drawn = line(seconds(range(100)), values)
    assert np.isnan(drawn).sum() == 1
    assert np.isfinite(drawn).sum() == 68


def test_a_sensor_that_seldom_reports_is_still_one_line() -> None:
    _, drawn = line(seconds(np.arange(100) * 30), np.arange(100.0))
    assert not np.isnan(drawn).any()


def test_a_series_without_readings_draws_nothing() -> None:
    for values in (np.array([]), np.full(5, np.nan)):
        times, drawn = line(seconds(range(len(values))), values)
        assert len(times) == len(drawn) == 0


@given(
    pieces=st.lists(
        st.tuples(st.integers(1, 4000), st.integers(11, 50_000)), min_size=1, max_size=12
    ),
    points=st.sampled_from([40, 400, 2000]),
)
def test_a_line_never_bridges_a_gap(pieces: list[tuple[int, int]], points: int) -> None:
    steps = [step for length, gap in pieces for step in [gap, *[1] * (length - 1)]]
    times = seconds(np.cumsum(steps))
    drawn_times, drawn = line(times, np.ones(len(times)), points=points)
    before_gap = times[gap_ends(times) - 1]
    breaks = drawn_times[np.isnan(drawn)]
    assert len(breaks) == len(np.unique(breaks))
    joined = np.isfinite(drawn[:-1]) & np.isfinite(drawn[1:])
    for start, end in zip(drawn_times[:-1][joined], drawn_times[1:][joined], strict=True):
        assert not ((before_gap >= start) & (before_gap < end)).any()
