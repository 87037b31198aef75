"""Alarms: events with their label and what people said of them.

Alarms are the joined runs of `petrostream.alarms.events`; this is the one place of the dashboard
that knows what an event holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from petrostream.alarms import annotations
from petrostream.alarms.annotations import Annotation, Standing
from petrostream.alarms.events import Event
from petrostream.evaluation.judging import UNLABELLED, AlarmSpan, LabelRun
from petrostream.schema.keys import second_of
from petrostream.schema.labels import NORMAL, TRANSIENT_OFFSET

_UNTOUCHED: Final = Standing()


class Severity(StrEnum):
    """How far the worst reading of an alarm was over the threshold of 1."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_LEAST_SCORE: Final = {Severity.HIGH: 3.0, Severity.MEDIUM: 1.5}


def severity_of(peak_score: float) -> Severity:
    """The severity that a peak score stands for.

    >>> [severity_of(score).value for score in (1.0, 1.5, 3.0)]
    ['low', 'medium', 'high']
    """
    known = (name for name, least in _LEAST_SCORE.items() if peak_score >= least)
    return next(known, Severity.LOW)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `label` is the 3W class of most of its labelled rows, `None` without labels."""

    event: Event
    label: int | None = None
    standing: Standing = _UNTOUCHED

    @property
    def start(self) -> datetime:
        """Its first row, to the second (UTC without a zone)."""
        return second_of(self.event.start)

    @property
    def end(self) -> datetime:
        """Its last row, to the second (UTC without a zone)."""
        return second_of(self.event.end)

    @property
    def severity(self) -> Severity:
        """How far it went."""
        return severity_of(self.event.peak_score)

    @property
    def limits(self) -> tuple[str, ...]:
        """Engineering limits that were passed, where the model knows any."""
        return tuple(self.event.limits)


def with_context(
    found: Iterable[Event],
    runs: Mapping[tuple[str, str], Sequence[LabelRun]],
    said: Iterable[Annotation],
) -> list[Alarm]:
    """Add to each event its label and what was said of it; the newest first.

    `runs` are label runs by well and recording, `said` the annotations, oldest first.
    """
    by_recording: dict[tuple[str, str], list[Annotation]] = {}
    for each in said:
        by_recording.setdefault((each.well, each.recording), []).append(each)
    alarms = []
    for event in found:
        name = (event.well, event.recording)
        standing = annotations.standing(
            by_recording.get(name, ()), *name, start=event.start, end=event.end
        )
        alarms.append(Alarm(event, label_of(event, runs.get(name, ())), standing))
    return sorted(alarms, key=lambda alarm: alarm.event.start, reverse=True)


def label_of(event: Event, runs: Iterable[LabelRun]) -> int | None:
    """The fault that most of an event's labelled time has; normal where it has none."""
    seconds: dict[int, int] = {}
    for run in runs:
        shared = min(run.last, event.end) - max(run.first, event.start)
        if shared >= 0 and run.label != UNLABELLED:
            label = run.label % TRANSIENT_OFFSET
            seconds[label] = seconds.get(label, 0) + shared + 1
    faults = {label: shared for label, shared in seconds.items() if label != NORMAL}
    return max(faults or seconds, key=seconds.__getitem__, default=None)


def spans_by_recording(found: Iterable[Event]) -> dict[tuple[str, str], list[AlarmSpan]]:
    """When alarms were on, by well and recording."""
    spans: dict[tuple[str, str], list[AlarmSpan]] = {}
    for event in found:
        spans.setdefault((event.well, event.recording), []).append(
            AlarmSpan(event.start, event.end)
        )
    return spans
