"""The strip shows every well's worst scores where they were: by the clock, or by age."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.curated.snapshot import Snapshot
from dashboard.views.fleet.score_strip import BINS, StripTime, strip_chart, strip_time, worst_by_bin
from dashboard.wells.status import wells_of
from petrostream.scoring import summaries
from tests.unit.dashboard.wells.test_status import BATCH_MINUTES, START, batch, snapshot

DAY = timedelta(days=1)
FAR = ZoneInfo("America/Sao_Paulo")


def scores(each: np.ndarray, *, worst: float) -> np.ndarray:
    packed = np.arange(256, dtype="u1")
    each["figures"]["line"] = packed[np.nanargmin(abs(summaries.score_of(packed) - worst))]
    return each


def stretch(of: Snapshot, span: timedelta | None) -> StripTime:
    return strip_time(of, wells_of(of, span), span)


def test_wells_of_one_time_share_the_clock_and_those_of_different_years_do_not() -> None:
    live = snapshot(A=[batch(1), batch(150)], B=[batch(149)], C=[batch(0)])
    assert stretch(live, DAY).end == START + timedelta(minutes=151 * BATCH_MINUTES, seconds=-1)
    replayed = snapshot(A=[batch(0)], B=[batch(40_000)], C=[batch(90_000)])
    assert stretch(replayed, DAY).end is None
    assert stretch(snapshot(A=[batch(3)]), DAY).end is None


def test_all_is_as_long_as_the_longest_well() -> None:
    shown = stretch(snapshot(A=[batch(0), batch(6)], B=[batch(6)]), None)
    assert shown.length == timedelta(minutes=7 * BATCH_MINUTES, seconds=-1)


def test_a_score_stands_in_the_part_of_the_time_that_it_is_of() -> None:
    held = snapshot(A=[scores(batch(0), worst=0.5), scores(batch(143), worst=1.5)], B=[batch(143)])
    [well, _] = sorted(wells_of(held, None), key=lambda each: each.name)
    worst, there = worst_by_bin(held, well, StripTime(DAY, None), 24)
    assert np.flatnonzero(there).tolist() == [0, 23]
    assert worst[[0, 23]] == pytest.approx([0.5, 1.5], abs=0.02)
    worst, _ = worst_by_bin(held, well, StripTime(DAY, well.newest + timedelta(hours=1)), 24)
    assert np.flatnonzero(np.isfinite(worst)).tolist() == [22]


def test_a_newest_batch_of_a_single_row_is_in_the_last_part() -> None:
    newest = scores(batch(3), worst=1.5)
    newest["figures"]["span_ms"] = 0
    held = snapshot(A=[newest])
    [well] = wells_of(held, None)
    worst, there = worst_by_bin(held, well, StripTime(timedelta(hours=1), None), 24)
    assert np.flatnonzero(there).tolist() == [23]
    assert worst[23] == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize("span", [timedelta(hours=1), DAY, timedelta(days=30)])
def test_a_bar_stands_at_its_time_on_the_zones_clock(span: timedelta) -> None:
    held = snapshot(A=[scores(batch(5), worst=1.5)], B=[batch(5)])
    wells = wells_of(held, span)
    chart = strip_chart(held, wells, strip_time(held, wells, span), FAR)
    first_bar = chart.data[chart.data["kind"] == "anomaly"].iloc[0]
    in_summer_time = START + timedelta(minutes=5 * BATCH_MINUTES) - timedelta(hours=2)
    early = in_summer_time - first_bar["from"].replace(tzinfo=None)
    assert -timedelta(minutes=1) <= early <= span / BINS
    assert first_bar["when"] == f"{first_bar['from']:%Y-%m-%d %H:%M}"
    assert str(FAR) in chart.to_dict()["encoding"]["x"]["title"]
