"""A well's state, the order of wells, and the figures over all of them."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from dashboard.data import ScoredObject, Snapshot
from dashboard.fleet import (
    ALARM_SECONDS,
    WellState,
    degraded_sensors,
    summarise,
    total,
    well_state,
)
from petrostream.keys import BatchId
from petrostream.scoring import Counts

START = datetime(2017, 2, 1, 2)


def scored(well: str, minutes: int, **counts: int) -> ScoredObject:
    first = START + timedelta(minutes=minutes)
    return ScoredObject(
        batch=BatchId(well, f"{well}_20170201020000", first),
        etag="0",
        modified=datetime(2026, 11, 21) + timedelta(minutes=minutes),
        counts=Counts(
            **{"commissioning": 0, "scored": 0, "unscorable": 0, "anomalies": 0} | counts
        ),
        first=first,
        last=first + timedelta(seconds=599),
    )


def rows(status: str = "scored", flagged: tuple[int, ...] = (), count: int = 600) -> pd.DataFrame:
    """Rows a second apart; `flagged` counts from the newest, 0, backwards."""
    flags = [0] * count
    for position in flagged:
        flags[-1 - position] = 1
    return pd.DataFrame(
        {
            "timestamp": pd.date_range(START, periods=count, freq="s"),
            "status": status,
            "anomaly_flag": flags,
            "top_sensor": ["T-TPT" if flag else None for flag in flags],
            "degraded_sensors": "P-PDG=frozen QGL=missing",
        }
    )


@pytest.mark.parametrize(
    ("newest", "had_anomalies", "state"),
    [
        (rows(flagged=(0,)), True, WellState.ALARM),
        (rows(flagged=(ALARM_SECONDS,)), True, WellState.ALARM),
        (rows(flagged=(ALARM_SECONDS + 1,)), True, WellState.HAD_ANOMALIES),
        (rows("unscorable", flagged=(10,)), True, WellState.ALARM),
        (rows("unscorable"), True, WellState.UNSCORABLE),
        (rows("unscorable"), False, WellState.UNSCORABLE),
        (rows(), True, WellState.HAD_ANOMALIES),
        (rows("commissioning"), True, WellState.HAD_ANOMALIES),
        (rows("commissioning"), False, WellState.COMMISSIONING),
        (rows(), False, WellState.NORMAL),
        (rows(count=0), True, WellState.UNREADABLE),
    ],
)
def test_a_well_is_judged_by_its_newest_rows(
    newest: pd.DataFrame, had_anomalies: bool, state: WellState
) -> None:
    assert well_state(newest, had_anomalies=had_anomalies) is state


def test_wells_come_worst_first_then_by_their_anomalies() -> None:
    objects = (
        scored("A", 0, scored=600),
        scored("B", 0, scored=600, anomalies=2),
        scored("C", 0, scored=600, anomalies=9),
        scored("D", 0, commissioning=600),
        scored("E", 0, unscorable=600),
        scored("F", 0, scored=600, anomalies=1),
        scored("G", 0, scored=600, anomalies=1),
    )
    newest = {
        "A": rows(),
        "B": rows(flagged=(300, 301)),
        "C": rows(flagged=tuple(range(300, 309))),
        "D": rows("commissioning"),
        "E": rows("unscorable"),
        "F": rows(flagged=(0,)),
        "G": rows(count=0),
    }
    summaries = summarise(Snapshot(START, objects), newest)
    assert [each.well for each in summaries] == ["F", "G", "E", "C", "B", "D", "A"]
    assert [each.state for each in summaries] == sorted(
        (each.state for each in summaries), key=list(WellState).index
    )


def test_a_summary_names_the_sensors() -> None:
    [summary] = summarise(
        Snapshot(START, (scored("A", 0, scored=600, anomalies=3),)), {"A": rows(flagged=(5, 6, 7))}
    )
    assert summary.top_sensor == "T-TPT"
    assert summary.degraded == {"P-PDG": "frozen", "QGL": "missing"}


def test_totals_count_rows_and_take_the_rate_of_the_scored_ones() -> None:
    totals = total(
        [
            scored("A", 0, commissioning=600, scored=300),
            scored("A", 10, scored=500, unscorable=100, anomalies=200),
            scored("B", 5, commissioning=600),
        ]
    )
    assert (totals.readings, totals.scored, totals.anomalies) == (2100, 800, 200)
    assert (totals.wells, totals.recordings) == (2, 2)
    assert totals.anomaly_rate == pytest.approx(0.25)
    assert totals.newest_reading == START + timedelta(minutes=10, seconds=599)
    assert totals.newest_batch == datetime(2026, 11, 21, 0, 10)


def test_nothing_has_no_rate_and_no_newest_reading() -> None:
    totals = total([])
    assert totals.anomaly_rate is None
    assert totals.newest_reading is None


def test_no_degraded_sensors_is_an_empty_text() -> None:
    assert degraded_sensors("") == {}
