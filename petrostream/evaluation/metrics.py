"""Metrics over judged recordings: events found, delays, false alarms, rows, by class."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from petrostream.evaluation.judging import Judged, LabelRun, RowCounts

_SLOW: Final = 0.9


@dataclass(frozen=True, slots=True)
class DetectionMetrics:
    """Metrics over judged recordings; `None` where one has nothing to rest on.

    `short` recordings have a fault but too little normal time before it: they count among no other
    metric of events and rows. `delays` are seconds, of the events found. `rows` are those of
    events and of recordings without a fault. `mean_auc` is over the events whose scores were
    ranked.
    """

    recordings: int
    events: int
    found: int
    short: int
    short_found: int
    false_alarms: int
    normal_days: float
    delays: tuple[float, ...]
    rows: RowCounts
    mean_auc: float | None = None

    @property
    def missed(self) -> int:
        """Events in which no alarm started."""
        return self.events - self.found

    @property
    def recall(self) -> float | None:
        """Share of the events that were found."""
        return self.found / self.events if self.events else None

    @property
    def false_alarms_a_day(self) -> float | None:
        """False alarms per well-day of watched normal time."""
        return self.false_alarms / self.normal_days if self.normal_days else None

    @property
    def median_delay(self) -> float | None:
        """Median seconds from the first abnormal row to the alarm, over the events found."""
        return float(np.median(self.delays)) if self.delays else None

    @property
    def slow_delay(self) -> float | None:
        """The 0.9 quantile (linear) of the same, s."""
        return float(np.quantile(self.delays, _SLOW)) if self.delays else None


def metrics_of(judged: Iterable[Judged]) -> DetectionMetrics:
    """Add up what became of recordings."""
    known = list(judged)
    events = [each for each in known if each.truth.is_event]
    short = [each for each in known if each.truth.is_short]
    areas = [each.auc for each in events if each.auc is not None]
    return DetectionMetrics(
        recordings=len(known),
        events=len(events),
        found=sum(each.found for each in events),
        short=len(short),
        short_found=sum(each.found for each in short),
        false_alarms=sum(len(each.false_alarms) for each in known),
        normal_days=sum(each.truth.normal_days for each in known),
        delays=tuple(each.delay_seconds for each in events if each.delay_seconds is not None),
        rows=sum((each.rows for each in known if not each.truth.is_short), RowCounts()),
        mean_auc=float(np.mean(areas)) if areas else None,
    )


def by_class(judged: Iterable[Judged]) -> dict[int, list[Judged]]:
    """Recordings by their class, 0 (no fault) to 9, in order."""
    classes: dict[int, list[Judged]] = {}
    for each in judged:
        classes.setdefault(each.truth.fault, []).append(each)
    return {fault: classes[fault] for fault in sorted(classes)}


def metrics_by_class(judged: Iterable[Judged]) -> dict[int, DetectionMetrics]:
    """The metrics of each class."""
    return {fault: metrics_of(of_class) for fault, of_class in by_class(judged).items()}


@dataclass(frozen=True, slots=True)
class LabelRows:
    """Rows of one label after commissioning: how many, and how many of them are flagged."""

    label: int
    rows: int
    flagged: int


def rows_by_label(runs: Iterable[LabelRun]) -> list[LabelRows]:
    """Count watched and flagged rows of each label, in the order of labels."""
    counts: dict[int, tuple[int, int]] = {}
    for run in runs:
        rows, flagged = counts.get(run.label, (0, 0))
        counts[run.label] = (rows + run.watched, flagged + run.flagged)
    return [LabelRows(label, *counts[label]) for label in sorted(counts) if counts[label][0]]
