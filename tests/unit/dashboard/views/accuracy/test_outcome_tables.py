"""The Accuracy page's tables and its chart of delays, of recordings made up for it."""

import pandas as pd

from dashboard.views.accuracy.delay_chart import EVALUATED, REPLAYED, delay_chart
from dashboard.views.accuracy.outcome_tables import ALL, CLASS, class_metrics, confusion, in_columns
from petrostream.evaluation.judging import AlarmSpan, Judged, LabelRun, RowCounts, judge
from petrostream.evaluation.metrics import DetectionMetrics, metrics_by_class, metrics_of

S = 1_000_000


def judged(fault: int, normal: int, *alarms: tuple[int, int]) -> Judged:
    """A recording with so many normal rows, the first 900 unwatched; then a fault."""
    runs = [LabelRun(0, 0, 899 * S, 900, 0, 0)]
    runs.append(LabelRun(0, 900 * S, (normal - 1) * S, normal - 900, normal - 900, 0))
    if fault:
        runs.append(LabelRun(fault, normal * S, (normal + 599) * S, 600, 600, 60))
    found = judge("WELL-00001", "r", runs, [AlarmSpan(a * S, b * S) for a, b in alarms])
    assert found is not None
    return found


RECORDINGS = [
    judged(0, 4000),
    judged(0, 4000, (2000, 2010)),
    judged(7, 4000, (4060, 4100)),
    judged(7, 4000),
    judged(107, 4000, (3000, 4001)),
    judged(5, 1000, (1010, 1020)),
]


def row(table: pd.DataFrame, name: str) -> dict:
    [found] = table[table[CLASS] == name].drop(columns=CLASS).to_dict("records")
    return found


def test_each_fault_and_each_normal_time_counts_once() -> None:
    table = confusion(RECORDINGS)
    assert row(table, "7: scaling in PCK") == {
        "Recordings": 3,
        "✓ found": 1,
        "✕ missed": 1,
        "◐ was on already": 1,
        "– not judged": 0,
        "! false alarm": 1,
        "○ kept quiet": 2,
    }
    assert row(table, "5: rapid productivity loss")["– not judged"] == 1
    assert row(table, "0: normal operation")["! false alarm"] == 1
    total = row(table, ALL)
    faults = ("✓ found", "✕ missed", "◐ was on already", "– not judged")
    assert sum(total[name] for name in faults) == 4
    assert total["! false alarm"] + total["○ kept quiet"] == total["Recordings"] == 6


def test_a_recording_that_is_not_beyond_commissioning_is_neither_quiet_nor_disturbed() -> None:
    early = judge("WELL-00001", "r", [LabelRun(0, 0, 599 * S, 600, 0, 0)], [])
    assert early is not None
    [only] = confusion([early]).to_dict("records")
    assert only["! false alarm"] == only["○ kept quiet"] == 0


def test_figures_stand_beside_each_other_and_none_is_a_dash() -> None:
    table = in_columns({"here": metrics_of(RECORDINGS), "there": metrics_of([])}).set_index(
        "Figure"
    )
    assert table.loc["Events found", "here"] == "1 of 3"
    assert table.loc["Median delay", "here"] == "60 s"
    assert set(table["there"]) == {"0 of 0", "–", "0", "0.0"}
    classes = class_metrics(metrics_by_class(RECORDINGS))
    assert row(classes, "7: scaling in PCK")["✕ missed"] == 2


def events(*delays: float, missed: int = 0) -> DetectionMetrics:
    number = len(delays) + missed
    return DetectionMetrics(number, number, len(delays), 0, 0, 0, 1.0, delays, RowCounts())


def test_the_chart_has_a_mark_for_each_event_and_says_how_many_were_missed() -> None:
    chart = delay_chart(
        {
            REPLAYED: {7: events(0.0, 60.0, missed=1)},
            EVALUATED: {2: events(missed=2), 7: events(9.0)},
        }
    ).to_dict()
    tables = chart["datasets"].values()
    marks = [each for table in tables for each in table if "delay" in each]
    assert sorted((each["seconds"], each["delay"]) for each in marks) == [
        (1.0, "0 s"),
        (9.0, "9 s"),
        (60.0, "60 s"),
    ]
    words = {each["missed"] for table in tables for each in table if "missed" in each}
    assert words == {"✕ 1", "✕ 2", ""}
    assert {each["name"] for table in tables for each in table if "name" in each} == {
        "2: spurious closure of DHSV",
        "7: scaling in PCK",
    }
