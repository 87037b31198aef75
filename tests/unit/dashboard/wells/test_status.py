"""Every well has one state, the worst that holds, and figures of its newest time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.curated.batches import BATCH, newest_versions
from dashboard.curated.snapshot import Snapshot
from dashboard.shell.page_frame import View
from dashboard.views.fleet.page import when
from dashboard.wells.status import ALARM_SECONDS, Totals, WellState, wells_of
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring import summaries

START = datetime(2017, 2, 1, 2)
BATCH_MINUTES = 10
SPAN_MS = 599_000
DAY = timedelta(days=1)


def batch(number: int, **figures: Any) -> np.ndarray:
    """A batch, the number-th ten minutes; scored throughout unless told otherwise."""
    made = np.zeros((), dtype=BATCH)
    begin = START + timedelta(minutes=BATCH_MINUTES * number)
    made["second"] = np.datetime64(begin, "us")
    made["modified"] = np.datetime64(datetime(2026, 11, 21) + (begin - START), "us")
    known = {
        "span_ms": SPAN_MS,
        "scored": 600,
        "worst": 0.5,
        "last_alarm_ms": summaries.NEVER,
        "ended": 1,
        "top_sensor": summaries.NO_SENSOR,
    }
    for name, value in (known | figures).items():
        made["figures"][name] = value
    return made


def flagged(number: int, seconds_before_the_end: int = 0, anomalies: int = 9) -> np.ndarray:
    return batch(
        number,
        anomalies=anomalies,
        alarms=anomalies,
        last_alarm_ms=SPAN_MS - 1000 * seconds_before_the_end,
        top_sensor=SENSOR_NAMES.index("T-TPT"),
    )


COMMISSIONING: dict[str, Any] = {"scored": 0, "commissioning": 600, "ended": 0}
UNSCORABLE: dict[str, Any] = {"scored": 0, "unscorable": 600, "ended": 2}


def snapshot(**wells: list[np.ndarray]) -> Snapshot:
    names = sorted(wells)
    for number, name in enumerate(names):
        for each in wells[name]:
            each["well"] = each["recording"] = number
    every = np.array([each for name in names for each in wells[name]], dtype=BATCH)
    return Snapshot(
        START, (newest_versions(every),), tuple(names), tuple(f"{name}_1" for name in names)
    )


def state_of(*batches: np.ndarray) -> WellState:
    [well] = wells_of(snapshot(A=list(batches)), DAY)
    return well.state


def test_a_well_is_judged_by_its_newest_batches() -> None:
    assert state_of(batch(0)) is WellState.NORMAL
    assert state_of(batch(0, **COMMISSIONING)) is WellState.COMMISSIONING
    assert state_of(batch(0), batch(1, **UNSCORABLE)) is WellState.UNSCORABLE
    assert state_of(flagged(0, 200), batch(1, **UNSCORABLE)) is WellState.UNSCORABLE
    assert state_of(flagged(0)) is WellState.ALARM
    quiet_batch = 60 * BATCH_MINUTES
    assert state_of(flagged(0, ALARM_SECONDS - quiet_batch), batch(1)) is WellState.ALARM
    assert state_of(flagged(0, ALARM_SECONDS - quiet_batch + 1), batch(1)) is WellState.HAD_ALARMS


def test_anomalies_older_than_the_chosen_time_are_forgotten() -> None:
    batches = [flagged(0), batch(100), batch(200)]
    assert state_of(*batches) is WellState.NORMAL


def test_wells_come_worst_first_then_by_their_anomalies() -> None:
    wells = wells_of(
        snapshot(
            A=[batch(20)],
            B=[flagged(18, anomalies=2), batch(20)],
            C=[flagged(18, anomalies=9), batch(20)],
            D=[batch(20, **COMMISSIONING)],
            E=[batch(20, **UNSCORABLE)],
            F=[flagged(20)],
            G=[batch(0)],
        ),
        DAY,
    )
    assert [each.name for each in wells] == ["F", "G", "E", "C", "B", "D", "A"]
    assert [each.state for each in wells][:2] == [WellState.ALARM, WellState.SILENT]


def test_an_alarm_began_with_the_first_of_the_batches_that_have_anomalies() -> None:
    [well] = wells_of(snapshot(A=[flagged(0), batch(1), flagged(2), flagged(3)]), DAY)
    assert well.since == START + timedelta(minutes=20)
    assert well.top_sensor == "T-TPT"


def test_a_sensor_is_degraded_only_if_it_was_fine_before_and_is_no_resting_valve() -> None:
    states = {"P-PDG": (0, 2), "QGL": (1, 1), "ESTADO-W1": (0, 2), "T-TPT": (2, 0)}
    packed = [
        [states[name][when] << 12 if name in states else 0 for name in SENSOR_NAMES]
        for when in (0, 1)
    ]
    [well] = wells_of(snapshot(A=[batch(0, sensors=packed[0]), batch(1, sensors=packed[1])]), DAY)
    assert well.degraded == {"P-PDG": "frozen"}
    assert well.state is WellState.DEGRADED


def test_totals_are_of_the_newest_time_and_of_the_same_before() -> None:
    batches = [batch(number, anomalies=number) for number in range(12)]
    [well] = wells_of(snapshot(A=batches), timedelta(hours=1))
    assert well.totals == Totals(3600, 3600, sum(range(6, 12)))
    assert well.before == Totals(3600, 3600, sum(range(6)))
    [well] = wells_of(snapshot(A=batches), None)
    assert well.totals.readings == 12 * 600
    assert well.before.readings == 0


def test_the_rate_is_that_of_the_scored_readings() -> None:
    assert Totals(1000, 800, 200).rate == pytest.approx(0.25)
    assert Totals(1000, 0, 0).rate is None


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        (datetime(2026, 11, 21, 0, 30), "2026-11-20 21:30"),
        (datetime(2026, 11, 21, 3, 30), "00:30"),
    ],
)
def test_a_tile_leaves_the_date_out_only_on_the_same_day_of_the_zone(
    since: datetime, shown: str
) -> None:
    held = replace(snapshot(A=[batch(0)]), taken=datetime(2026, 11, 21, 12))
    view = View(curated=None, snapshot=held, zone=ZoneInfo("America/Sao_Paulo"), is_live=False)
    assert when(view, since) == shown
