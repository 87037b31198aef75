"""Found, missed, false, and how late: held against recordings made up for it."""

from petrostream.accuracy import (
    LEAST_NORMAL_ROWS,
    UNLABELLED,
    AlarmSpan,
    Judged,
    LabelRun,
    figures,
    judge,
    rows_by_label,
)

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
    assert found.is_event and found.found and not found.was_on
    assert (found.fault, found.delay_seconds, found.false_alarms) == (2, 90.0, 0)
    assert found.watched_normal_rows == 3600 - COMMISSIONING


def test_the_first_and_the_last_abnormal_row_count_as_abnormal_time() -> None:
    assert judged(FAULT, (3600, 3601)).delay_seconds == 0
    assert judged(FAULT, (4799, 4799)).found
    assert not judged(FAULT, (4800, 4801)).found


def test_an_alarm_that_is_on_already_does_not_find_it_and_is_false() -> None:
    found = judged(FAULT, (3500, 4000))
    assert not found.found and found.was_on and found.false_alarms == 1


def test_alarms_in_commissioning_or_unlabelled_time_are_not_false() -> None:
    labels = runs((0, 1800), (UNLABELLED, 600), (0, 600))
    assert judged(labels, (100, 110), (1900, 2000)).false_alarms == 0
    assert judged(labels, (1000, 1001), (2500, 2501)).false_alarms == 2


def test_too_little_normal_time_is_no_event() -> None:
    short = judged(runs((0, LEAST_NORMAL_ROWS - 1), (105, 600)), (1500, 1600))
    assert short.is_short and not short.is_event and short.found
    assert judged(runs((0, LEAST_NORMAL_ROWS), (105, 600))).is_event


def test_a_recording_without_a_fault_gives_normal_time_only() -> None:
    quiet = judged(runs((0, 86_400 + COMMISSIONING)))
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
