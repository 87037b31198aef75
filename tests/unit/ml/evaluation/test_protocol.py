"""The evaluation's definitions, on small cases made by hand."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from ml.evaluation import leave_one_well_out, protocol
from ml.evaluation.comparators import Comparator, RawForest
from ml.evaluation.instances import Instance, check
from ml.evaluation.metrics_document import figures, unscored_of
from ml.evaluation.thresholds import limit_within_budget
from ml.evaluation.tradeoff import tradeoff
from ml.evaluation.verdicts import (
    DetectedAlarm,
    Verdict,
    alarms_of_rows,
    area_under_curve,
    outcome_of,
    verdict_at,
)
from petrostream.errors import UsageError
from petrostream.evaluation.judging import UNLABELLED
from petrostream.ingest.recordings import Recording
from petrostream.schema.columns import CLASS, SECOND, TIMESTAMP, TIMESTAMP_TYPE

START = 1_700_000_000 * SECOND
COMMISSIONING = 900
NORMAL_ROWS = 1500
FAULT = 102
Segments = Sequence[tuple[int, int]]
EVENT: Segments = ((0, NORMAL_ROWS), (UNLABELLED, 100), (FAULT, 400), (2, 200))


def instance(
    segments: Segments = EVENT,
    *,
    well: str = "WELL-00001",
    name: str = "",
    readings: np.ndarray | None = None,
) -> Instance:
    """An instance of one row a second, labelled segment by segment."""
    labels = np.concatenate([np.full(rows, label) for label, rows in segments])
    times = pa.array(START + np.arange(len(labels)) * SECOND).cast(TIMESTAMP_TYPE)
    if readings is None:
        readings = np.random.default_rng(1).normal(1e7, 1e4, len(labels))
    table = pa.table(
        {
            TIMESTAMP: times,
            "P-TPT": pa.array(readings, from_pandas=True),
            CLASS: pa.array(labels, pa.int16(), mask=labels == UNLABELLED),
        }
    )
    return Instance.of(Recording(well, name or f"{well}_1", table))


def alarm(start: int, end: int) -> DetectedAlarm:
    """An alarm by the rows at which it starts and ends."""
    return DetectedAlarm(START + start * SECOND, START + end * SECOND)


def verdict(one: Instance, *alarms: DetectedAlarm, score: np.ndarray | None = None) -> Verdict:
    rows = len(one.labels)
    return Verdict(np.zeros(rows) if score is None else score, np.zeros(rows, bool), alarms)


@pytest.mark.parametrize(("normal", "is_event"), [(1199, False), (1200, True)])
def test_an_event_has_twenty_minutes_of_normal_rows_before_it(normal: int, is_event: bool) -> None:
    one = instance(((0, normal), (FAULT, 300)))
    assert one.truth.is_event is is_event
    assert one.truth.is_short is not is_event


def test_normal_rows_after_the_fault_do_not_make_it_an_event() -> None:
    assert instance(((0, 1000), (FAULT, 300), (0, 1000))).truth.is_short


def test_an_instance_without_a_fault_is_neither_event_nor_short() -> None:
    one = instance(((0, 3000),))
    assert not one.truth.is_event
    assert not one.truth.is_short
    assert one.truth.fault == 0


FIRST, LAST = 1600, 2199


@pytest.mark.parametrize(
    ("span", "delay", "was_on"),
    [
        ((FIRST - 1, LAST), None, True),
        ((FIRST, FIRST), 0.0, False),
        ((FIRST + 60, LAST), 60.0, False),
        ((LAST, LAST), LAST - FIRST, False),
        ((FIRST - 300, FIRST - 1), None, False),
    ],
)
def test_found_is_an_alarm_that_starts_in_the_abnormal_time(
    span: tuple[int, int], delay: float | None, was_on: bool
) -> None:
    one = instance()
    outcome = outcome_of(one, verdict(one, alarm(*span)))
    assert outcome.delay_seconds == delay
    assert outcome.was_on is was_on


def test_an_alarm_that_starts_after_the_last_abnormal_row_finds_nothing() -> None:
    one = instance((*EVENT, (0, 300)))
    assert not outcome_of(one, verdict(one, alarm(LAST + 1, LAST + 50))).found


def test_the_first_alarm_in_the_abnormal_time_gives_the_delay() -> None:
    one = instance()
    alarms = (alarm(1000, 1010), alarm(FIRST + 20, FIRST + 30), alarm(FIRST + 90, LAST))
    outcome = outcome_of(one, verdict(one, *alarms))
    assert outcome.delay_seconds == 20
    assert not outcome.was_on


@pytest.mark.parametrize(
    ("row", "counted"),
    [
        (COMMISSIONING - 1, 0),
        (COMMISSIONING, 1),
        (NORMAL_ROWS - 1, 1),
        (NORMAL_ROWS, 0),
        (FIRST, 0),
        (LAST, 0),
    ],
)
def test_a_false_alarm_starts_in_labelled_normal_time_after_commissioning(
    row: int, counted: int
) -> None:
    one = instance()
    assert len(outcome_of(one, verdict(one, alarm(row, LAST))).false_alarms) == counted


def test_normal_time_is_labelled_and_after_commissioning() -> None:
    assert instance().truth.normal_days == (NORMAL_ROWS - COMMISSIONING) / 86_400
    assert instance(((0, 800), (FAULT, 1000))).truth.normal_days == 0


def test_readings_without_a_score_count_where_a_sensor_is_alive() -> None:
    readings = np.random.default_rng(1).normal(1e7, 1e4, 2200)
    readings[1000:] = np.nan
    one = instance(readings=readings)
    score = np.full(2200, np.nan)
    assert unscored_of(one, verdict(one, score=np.zeros(2200))) == 0
    # Alive until ten minutes after its last reading; commissioning does not count.
    assert unscored_of(one, verdict(one, score=score)) == 999 + 600 - COMMISSIONING
    frozen = instance(readings=np.full(2200, 5.0))
    assert unscored_of(frozen, verdict(frozen, score=score)) == 0


def test_area_under_the_curve() -> None:
    one = instance()
    perfect = one.abnormal.astype(float)
    assert area_under_curve(one, perfect) == 1
    assert area_under_curve(one, -perfect) == 0
    assert area_under_curve(one, np.full(len(perfect), np.nan)) == 0.5
    missing = np.where(one.abnormal, np.nan, 1.0)
    assert area_under_curve(one, missing) == 0
    assert area_under_curve(instance(((0, 2000),)), np.zeros(2000)) is None


def test_flagged_rows_within_the_gap_are_one_alarm() -> None:
    times = START + np.array([0, 60, 121, 122, 400]) * SECOND
    flag = np.array([True, True, True, False, True])
    spans = [(one.start, one.end) for one in alarms_of_rows(times, flag, 60)]
    assert spans == [(times[0], times[1]), (times[2], times[2]), (times[4], times[4])]
    assert alarms_of_rows(times, np.zeros(5, bool), 60) == ()


def test_rows_are_counted_as_they_are_without_point_adjustment() -> None:
    one = instance()
    score = np.zeros(len(one.labels))
    score[FIRST + 100 : FIRST + 250] = 2.0
    score[1000:1050] = 2.0
    found = figures([one], {one.name: verdict_at(one.microseconds, score, 1.0)})
    assert found["row_precision"] == 150 / 200
    assert found["row_recall"] == 150 / 600
    assert found["events_found"] == 1
    assert found["false_alarms"] == 1
    assert found["median_detection_delay_s"] == 100


def test_short_events_are_listed_apart() -> None:
    short = instance(((0, 1000), (FAULT, 600)), name="short")
    judged = instance(name="judged")
    verdicts = {
        "short": verdict(short, alarm(1100, 1200)),
        "judged": verdict(judged, alarm(FIRST, LAST)),
    }
    found = figures([short, judged], verdicts)
    assert (found["events"], found["events_found"]) == (1, 1)
    assert found["by_class"]["2"]["short_events"] == 1
    assert found["by_class"]["2"]["short_events_found"] == 1


def test_figures_without_events_are_none_not_zero() -> None:
    one = instance(((0, 2000),))
    found = figures([one], {one.name: verdict(one)})
    assert found["event_recall"] is None
    assert found["median_detection_delay_s"] is None
    assert found["mean_auc"] is None


def test_a_limit_keeps_the_budget_on_the_training_wells_and_is_no_higher_than_it_must() -> None:
    day = 86_400
    one = instance(((0, 4 * day),), readings=np.arange(4 * day, dtype=float))
    score = np.random.default_rng(5).random(4 * day) * 0.5
    peaks = np.arange(1, 9) * 40_000
    score[peaks] = np.arange(1, 9)
    limit = limit_within_budget([(one, score)], budget=1.1)
    assert len(verdict_at(one.microseconds, score, limit).alarms) == 4
    assert len(verdict_at(one.microseconds, score, limit * 0.99).alarms) == 5


def test_the_tradeoff_begins_with_the_strictest_limit() -> None:
    one = instance(((0, NORMAL_ROWS), (UNLABELLED, 700), (FAULT, 300)))
    score = np.where(one.abnormal, 5.0, np.linspace(0, 1, len(one.labels)))
    score[~one.watched] = np.nan
    score[one.labels == UNLABELLED] = 0
    points = tradeoff([one], {one.name: verdict_at(one.microseconds, score, 1.0)})
    assert points[0].event_recall == 1
    assert points == sorted(points, key=lambda point: -point.limit)


def wells() -> list[Instance]:
    return [
        instance(well="WELL-00001", name="a"),
        instance(well="WELL-00001", name="b"),
        instance(well="WELL-00002", name="c"),
        instance(((0, 3000),), well="WELL-00003", name="d"),
        instance(well="SIMULATED-2-1", name="SIMULATED-2-1"),
    ]


class Recorder(Comparator):
    """A comparator that remembers what it was trained on and what it judged."""

    name = "recorder"
    own_limit = 1.0
    takes_budget = False

    def __init__(self) -> None:
        self.trained: set[str] = set()

    def fit(self, training: Sequence[Instance]) -> None:
        self.trained = {one.well for one in training}

    def score(self, instance: Instance) -> np.ndarray:
        assert instance.well not in self.trained
        return np.zeros(len(instance.labels))


def test_a_judged_well_and_a_simulated_one_are_never_trained_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged = []

    def judge(one: Instance, model: set[str]) -> Verdict:
        assert one.well not in model
        assert not any(well.startswith("SIMULATED") for well in model)
        judged.append(one.name)
        return verdict(one)

    monkeypatch.setattr(
        leave_one_well_out,
        "fit",
        lambda lessons, _procedure: {one.recording.well for one in lessons},
    )
    monkeypatch.setattr(leave_one_well_out, "judge", judge)
    monkeypatch.setattr(protocol, "_benchmark2", lambda _well, chosen, _model: dict.fromkeys(
        (one.name for one in chosen), 1.0))  # fmt: skip
    monkeypatch.setattr(protocol, "COMPARATORS", (Recorder,))
    evaluation = protocol.evaluate(wells(), lambda _: None)
    assert sorted(judged) == ["SIMULATED-2-1", "a", "b", "c", "d"]
    assert [one.name for one in evaluation.instances] == ["a", "b", "c", "d"]
    assert [one.name for one, _ in evaluation.simulated] == ["SIMULATED-2-1"]


def test_rows_with_a_missing_sensor_have_no_score_from_raw_sensors() -> None:
    comparator = RawForest()
    comparator.fit(wells())
    assert np.isnan(comparator.score(instance())).all()


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ([], "0 real wells"),
        ([instance()], "1 real well "),
        ([instance(), instance(well="DRAWN-1-1")], "1 real well "),
        ([instance(((0, 3000),), well=f"WELL-0000{n}") for n in (1, 2)], "is an event"),
    ],
)
def test_what_can_not_be_evaluated_is_refused(instances: list[Instance], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        check(instances)
