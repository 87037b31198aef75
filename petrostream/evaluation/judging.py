"""What 3W's labels say of a recording, and what became of it: the one place of these definitions.

The dashboard judges what was replayed by them, `ml.evaluation` what leave-one-well-out gives, and
`petrostream.evaluation.metrics` adds both up. A row is *watched* if it comes after commissioning.

An *event* is a recording with at least 20 minutes of rows labelled normal and then rows labelled
with a fault or the transient to it; its *abnormal time* is from the first such row to the last.
It is *found* if an alarm starts in its abnormal time, and the delay counts from the first abnormal
row. A *false alarm* starts on a watched row that is labelled normal.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np

from petrostream.ingest.recordings import is_real
from petrostream.schema.columns import SECOND
from petrostream.schema.labels import NORMAL, TRANSIENT_OFFSET

UNLABELLED: Final = -1
LEAST_NORMAL_ROWS: Final = 20 * 60
"""Normal rows before the first abnormal one that make an event; 3W has one row per second."""

DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class LabelRun:
    """Rows that follow each other with one label; times are µs since 1970 (UTC).

    `watched` of the `rows` come after commissioning, `flagged` of them have the anomaly flag.
    """

    label: int
    first: int
    last: int
    rows: int
    watched: int
    flagged: int

    @property
    def is_abnormal(self) -> bool:
        """Whether the label is a fault or the transient to one."""
        return self.label > NORMAL


def label_runs(
    microseconds: np.ndarray, labels: np.ndarray, watched: np.ndarray, flagged: np.ndarray
) -> Iterator[LabelRun]:
    """Cut rows where the label changes, and where commissioning ends.

    All arrays have shape (rows,); a row without a label has `UNLABELLED`.
    """
    if not len(labels):
        return
    changes = (np.diff(labels) != 0) | (np.diff(watched.astype(np.int8)) != 0)
    borders = [0, *(np.flatnonzero(changes) + 1).tolist(), len(labels)]
    for start, end in pairwise(borders):
        yield LabelRun(
            label=int(labels[start]),
            first=int(microseconds[start]),
            last=int(microseconds[end - 1]),
            rows=end - start,
            watched=int(np.count_nonzero(watched[start:end])),
            flagged=int(np.count_nonzero(flagged[start:end])),
        )


@dataclass(frozen=True, slots=True)
class AlarmSpan:
    """From when to when an alarm was on, µs since 1970 (UTC)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What the labels say of a recording, before any alarm is looked at.

    `fault` is the class that most abnormal rows have, 1 to 9, or 0 where no row is abnormal;
    `first_abnormal` and `last_abnormal` are µs since 1970 (UTC).
    """

    well: str
    recording: str
    fault: int
    first_abnormal: int | None
    last_abnormal: int | None
    normal_rows_before: int
    watched_normal_rows: int

    @classmethod
    def of(cls, well: str, recording: str, runs: Iterable[LabelRun]) -> "Truth":
        """Take it from label runs, in any order."""
        ordered = sorted(runs, key=lambda run: run.first)
        normal = [run for run in ordered if run.label == NORMAL]
        abnormal = [run for run in ordered if run.is_abnormal]
        first = abnormal[0].first if abnormal else None
        before = [run for run in normal if first is None or run.first < first]
        return cls(
            well=well,
            recording=recording,
            fault=_fault(abnormal),
            first_abnormal=first,
            last_abnormal=max((run.last for run in abnormal), default=None),
            normal_rows_before=sum(run.rows for run in before),
            watched_normal_rows=sum(run.watched for run in normal),
        )

    @property
    def is_real(self) -> bool:
        """Whether a well gave the recording, not a simulator or a drawing hand."""
        return is_real(self.well)

    @property
    def has_fault(self) -> bool:
        """Whether any row is abnormal."""
        return self.first_abnormal is not None

    @property
    def is_event(self) -> bool:
        """Whether it counts as an event."""
        return self.has_fault and self.normal_rows_before >= LEAST_NORMAL_ROWS

    @property
    def is_short(self) -> bool:
        """Whether it has a fault, but too little normal time before it to count."""
        return self.has_fault and not self.is_event

    @property
    def normal_days(self) -> float:
        """Watched normal time in days; a row is a second."""
        return self.watched_normal_rows / DAY_SECONDS


def _fault(abnormal: Sequence[LabelRun]) -> int:
    rows: dict[int, int] = {}
    for run in abnormal:
        fault = run.label % TRANSIENT_OFFSET
        rows[fault] = rows.get(fault, 0) + run.rows
    return max(rows, key=lambda fault: (rows[fault], -fault), default=NORMAL)


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Watched rows: abnormal ones flagged and not flagged, normal ones flagged."""

    hits: int = 0
    misses: int = 0
    false: int = 0

    def __add__(self, other: "RowCounts") -> "RowCounts":
        return RowCounts(
            self.hits + other.hits, self.misses + other.misses, self.false + other.false
        )

    @classmethod
    def of(cls, runs: Iterable[LabelRun]) -> "RowCounts":
        """Count them; rows in the commissioning time and rows without a label count for nothing."""
        watched = [run for run in runs if run.watched]
        abnormal = [run for run in watched if run.is_abnormal]
        hits = sum(run.flagged for run in abnormal)
        return cls(
            hits=hits,
            misses=sum(run.watched for run in abnormal) - hits,
            false=sum(run.flagged for run in watched if run.label == NORMAL),
        )

    @property
    def precision(self) -> float | None:
        """Share of the flagged rows that are abnormal."""
        flagged = self.hits + self.false
        return self.hits / flagged if flagged else None

    @property
    def recall(self) -> float | None:
        """Share of the abnormal rows that are flagged."""
        abnormal = self.hits + self.misses
        return self.hits / abnormal if abnormal else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        total = self.hits + self.misses + self.false
        return 2 * self.hits / (self.hits + total) if total else None


class DetectionOutcome(StrEnum):
    """What became of a recording's fault."""

    FOUND = "found"
    MISSED = "missed"
    WAS_ON = "was on already"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a labelled recording.

    `delay_seconds` is `None` where no alarm started in the abnormal time; `was_on` says that one
    had started before and was on at the first abnormal row. `auc` is the area under the ROC curve
    of its watched rows' scores, where somebody computed it.
    """

    truth: Truth
    delay_seconds: float | None
    was_on: bool
    false_alarms: tuple[AlarmSpan, ...]
    rows: RowCounts
    auc: float | None = None

    @property
    def found(self) -> bool:
        """Whether an alarm started in its abnormal time."""
        return self.delay_seconds is not None

    @property
    def outcome(self) -> DetectionOutcome | None:
        """What became of its fault; `None` where it has none."""
        if not self.truth.has_fault:
            return None
        if self.truth.is_short:
            return DetectionOutcome.NOT_JUDGED
        if self.found:
            return DetectionOutcome.FOUND
        return DetectionOutcome.WAS_ON if self.was_on else DetectionOutcome.MISSED


def judge(
    well: str, recording: str, runs: Iterable[LabelRun], alarms: Iterable[AlarmSpan]
) -> Judged | None:
    """Hold a recording's alarms against its labels; `None` where nothing is labelled."""
    known = list(runs)
    if all(run.label == UNLABELLED for run in known):
        return None
    return judge_by(Truth.of(well, recording, known), known, alarms)


def judge_by(truth: Truth, runs: Sequence[LabelRun], alarms: Iterable[AlarmSpan]) -> Judged:
    """Hold a recording's alarms against what its labels say."""
    spans = sorted(alarms, key=lambda span: span.start)
    delay, was_on = _detection(truth, spans)
    return Judged(
        truth=truth,
        delay_seconds=delay,
        was_on=was_on,
        false_alarms=tuple(span for span in spans if _is_false(span, runs)),
        rows=RowCounts.of(runs),
    )


def _detection(truth: Truth, spans: Sequence[AlarmSpan]) -> tuple[float | None, bool]:
    first, last = truth.first_abnormal, truth.last_abnormal
    if first is None or last is None:
        return None, False
    found = next((span.start for span in spans if first <= span.start <= last), None)
    was_on = any(span.start < first <= span.end for span in spans)
    return None if found is None else (found - first) / SECOND, was_on


def _is_false(span: AlarmSpan, runs: Sequence[LabelRun]) -> bool:
    return any(
        run.label == NORMAL and run.watched and run.first <= span.start <= run.last for run in runs
    )
