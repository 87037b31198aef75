"""Found, missed, false, and how late: held against recordings made up for it."""

import numpy as np

from petrostream.evaluation.judging import (
    LEAST_NORMAL_ROWS,
    UNLABELLED,
    AlarmSpan,
    DetectionOutcome,
    Judged,
    LabelRun,
    RowCounts,
    judge,
    label_runs,
)
from petrostream.evaluation.metrics import figures, rows_by_label

S = 1_000_000
COMMISSIONING = 900


def runs(*lengths: tuple[int, int]) -> list[LabelRun]:
    """Label runs of a row a second, from 0 on: (label, seconds)."""
    found, at = [], 0
    for label, seconds in lengths:
        for rows, watched in _parts(at, seconds):
            found.append(LabelRun(label, at * S, (at + rows - 1) * S, rows, watched, 0))
            at += rows
    return found


def _parts(at: int, seconds: int) -> list[tuple[int, int]]:
    before = min(max(COMMISSIONING - at, 0), seconds)
    parts = [(before, 0), (seconds - before, seconds - before)]
    return [part for part in parts if part[0]]


def judged(labels: list[LabelRun], *alarms: tuple[int, int]) -> Judged:
    found = judge("W", "r", labels, [AlarmSpan(start * S, end * S) for start, end in alarms])
    assert found is not None
    return found


FAULT = runs((0, 3600), (102, 600), (2, 600))


def test_an_alarm_in_the_abnormal_time_finds_the_event() -> None:
    found = judged(FAULT, (3690, 4000), (4100, 4200))
    assert found.truth.is_event and found.found and not found.was_on
    assert (found.truth.fault, found.delay_seconds, found.false_alarms) == (2, 90.0, ())
    assert found.truth.watched_normal_rows == 3600 - COMMISSIONING


def test_the_first_and_the_last_abnormal_row_count_as_abnormal_time() -> None:
    assert judged(FAULT, (3600, 3601)).delay_seconds == 0
    assert judged(FAULT, (4799, 4799)).found
    assert not judged(FAULT, (4800, 4801)).found


def test_an_alarm_that_is_on_already_does_not_find_it_and_is_false() -> None:
    found = judged(FAULT, (3500, 4000))
    assert not found.found and found.was_on and len(found.false_alarms) == 1


def test_alarms_in_commissioning_or_unlabelled_time_are_not_false() -> None:
    labels = runs((0, 1800), (UNLABELLED, 600), (0, 600))
    assert judged(labels, (100, 110), (1900, 2000)).false_alarms == ()
    assert len(judged(labels, (1000, 1001), (2500, 2501)).false_alarms) == 2


def test_too_little_normal_time_is_no_event() -> None:
    short = judged(runs((0, LEAST_NORMAL_ROWS - 1), (105, 600)), (1500, 1600))
    assert short.truth.is_short and not short.truth.is_event and short.found
    assert judged(runs((0, LEAST_NORMAL_ROWS), (105, 600))).truth.is_event


def test_a_recording_without_a_fault_gives_normal_time_only() -> None:
    quiet = judged(runs((0, 86_400 + COMMISSIONING))).truth
    assert (quiet.fault, quiet.is_event, quiet.is_short, quiet.normal_days) == (0, False, False, 1)


def test_nothing_labelled_is_not_judged() -> None:
    assert judge("W", "r", runs((UNLABELLED, 600)), []) is None
    assert judge("W", "r", [], []) is None


def test_the_order_of_batches_does_not_matter() -> None:
    assert judged(FAULT[::-1], (4100, 4200), (3690, 4000)) == judged(
        FAULT, (3690, 4000), (4100, 4200)
    )


def test_figures_add_up() -> None:
    quiet = judged(runs((0, 86_400 + COMMISSIONING)), (5000, 5001))
    found = figures([judged(FAULT, (3690, 4000)), judged(FAULT), quiet])
    assert (found.events, found.found, found.missed, found.recall) == (2, 1, 1, 0.5)
    assert found.median_delay == 90
    days = 1 + 2 * (3600 - COMMISSIONING) / 86_400
    assert found.false_alarms_a_day == 1 / days


def test_figures_of_nothing_are_none() -> None:
    nothing = figures([])
    assert nothing.recall is nothing.median_delay is nothing.false_alarms_a_day is None


def test_rows_are_counted_by_label() -> None:
    counted = rows_by_label([*runs((0, 1000)), LabelRun(102, 0, 1, 10, 10, 7)])
    assert [(each.label, each.rows, each.flagged) for each in counted] == [
        (0, 1000 - COMMISSIONING, 0),
        (102, 10, 7),
    ]


def test_rows_are_cut_where_the_label_changes_and_where_commissioning_ends() -> None:
    labels = np.array([0, 0, 0, UNLABELLED, 102, 102])
    watched = np.array([False, True, True, True, True, True])
    flagged = np.array([True, True, False, True, True, False])
    assert list(label_runs(np.arange(6) * S, labels, watched, flagged)) == [
        LabelRun(0, 0, 0, 1, 0, 1),
        LabelRun(0, S, 2 * S, 2, 2, 1),
        LabelRun(UNLABELLED, 3 * S, 3 * S, 1, 1, 1),
        LabelRun(102, 4 * S, 5 * S, 2, 2, 1),
    ]
    assert not list(label_runs(*[np.array([], dtype=int)] * 4))


def test_rows_before_the_watch_and_without_label_count_for_nothing() -> None:
    runs_of_all = [
        LabelRun(0, 0, 0, 5, 0, 5),
        LabelRun(0, S, S, 10, 10, 2),
        LabelRun(UNLABELLED, 2 * S, 2 * S, 7, 7, 7),
        LabelRun(102, 3 * S, 3 * S, 8, 8, 6),
    ]
    counts = RowCounts.of(runs_of_all)
    assert counts == RowCounts(hits=6, misses=2, false=2)
    assert (counts.precision, counts.recall, counts.f1) == (6 / 8, 6 / 8, 12 / 16)
    nothing = RowCounts()
    assert nothing.precision is nothing.recall is nothing.f1 is None


def test_the_class_is_that_of_most_abnormal_rows() -> None:
    assert judged(runs((0, 3600), (107, 500), (8, 400), (7, 10))).truth.fault == 7


def test_what_became_of_a_fault_is_one_of_four() -> None:
    quiet = runs((0, 3600))
    assert judged(FAULT, (3690, 4000)).outcome is DetectionOutcome.FOUND
    assert judged(FAULT).outcome is DetectionOutcome.MISSED
    assert judged(FAULT, (3500, 3600)).outcome is DetectionOutcome.WAS_ON
    assert judged(runs((0, 600), (2, 600)), (700, 710)).outcome is DetectionOutcome.NOT_JUDGED
    assert judged(quiet, (2000, 2001)).outcome is None


def test_rows_of_a_recording_that_is_not_judged_do_not_count() -> None:
    short = judged([*runs((0, 600)), LabelRun(2, 600 * S, 1199 * S, 600, 300, 300)])
    assert figures([short]).rows == RowCounts()
    assert figures([short]).short == 1
