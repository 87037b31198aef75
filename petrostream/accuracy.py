"""How good the alarms of labelled recordings are; `ml.evaluation` has the same definitions.

An *event* is a recording with at least 20 minutes of rows labelled normal and then rows labelled
with a fault or the transient to it. It is *found* if an alarm starts in its abnormal time, and the
delay counts from the first abnormal row. A *false alarm* starts on a row that is labelled normal,
after commissioning; they are given per well-day of such rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from petrostream.columns import SECOND
from petrostream.labels import NORMAL, TRANSIENT_OFFSET

UNLABELLED: Final = -1
LEAST_NORMAL_ROWS: Final = 20 * 60
"""3W has one row a second."""

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


@dataclass(frozen=True, slots=True)
class AlarmSpan:
    """From when to when an alarm was on, µs since 1970 (UTC)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a labelled recording.

    `fault` is its class, 1 to 9, or 0 where no row is abnormal. `delay_seconds` is `None` where no
    alarm started in the abnormal time; `was_on` says that one had started before and was on.
    """

    well: str
    recording: str
    fault: int
    normal_rows_before: int
    first_abnormal: int | None
    last_abnormal: int | None
    delay_seconds: float | None
    was_on: bool
    false_alarms: int
    watched_normal_rows: int

    @property
    def is_event(self) -> bool:
        """Whether it counts as an event."""
        return self.first_abnormal is not None and self.normal_rows_before >= LEAST_NORMAL_ROWS

    @property
    def is_short(self) -> bool:
        """Whether it has a fault, but too little normal time before it to count."""
        return self.first_abnormal is not None and not self.is_event

    @property
    def found(self) -> bool:
        """Whether an alarm started in its abnormal time."""
        return self.delay_seconds is not None

    @property
    def normal_days(self) -> float:
        """Watched normal time in days; a row is a second."""
        return self.watched_normal_rows / DAY_SECONDS


def judge(
    well: str, recording: str, runs: Iterable[LabelRun], alarms: Iterable[AlarmSpan]
) -> Judged | None:
    """Hold a recording's alarms against its labels; `None` where nothing is labelled."""
    ordered = sorted(runs, key=lambda run: run.first)
    if all(run.label == UNLABELLED for run in ordered):
        return None
    spans = sorted(alarms, key=lambda span: span.start)
    abnormal = [run for run in ordered if run.is_abnormal]
    first = abnormal[0].first if abnormal else None
    last = max(run.last for run in abnormal) if abnormal else None
    before = [run for run in ordered if first is None or run.first < first]
    delay, was_on = _detection(first, last, spans)
    return Judged(
        well=well,
        recording=recording,
        fault=_fault(abnormal),
        normal_rows_before=sum(run.rows for run in before if run.label == NORMAL),
        first_abnormal=first,
        last_abnormal=last,
        delay_seconds=delay,
        was_on=was_on,
        false_alarms=sum(_is_false(span, ordered) for span in spans),
        watched_normal_rows=sum(run.watched for run in ordered if run.label == NORMAL),
    )


def _detection(
    first: int | None, last: int | None, spans: Sequence[AlarmSpan]
) -> tuple[float | None, bool]:
    if first is None or last is None:
        return None, False
    found = next((span.start for span in spans if first <= span.start <= last), None)
    was_on = any(span.start < first <= span.end for span in spans)
    return None if found is None else (found - first) / SECOND, was_on


def _fault(abnormal: Sequence[LabelRun]) -> int:
    """The class with most abnormal rows."""
    rows: dict[int, int] = {}
    for run in abnormal:
        fault = run.label % TRANSIENT_OFFSET
        rows[fault] = rows.get(fault, 0) + run.rows
    return max(rows, key=lambda fault: (rows[fault], -fault), default=NORMAL)


def _is_false(span: AlarmSpan, runs: Sequence[LabelRun]) -> bool:
    return any(
        run.label == NORMAL and run.watched and run.first <= span.start <= run.last for run in runs
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over judged recordings; `None` where a figure has nothing to rest on."""

    events: int
    found: int
    false_alarms: int
    normal_days: float
    delays: tuple[float, ...]

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
        """False alarms a well-day of watched normal time."""
        return self.false_alarms / self.normal_days if self.normal_days else None

    @property
    def median_delay(self) -> float | None:
        """Median seconds from the first abnormal row to the alarm, over the events found."""
        return median(self.delays) if self.delays else None


def figures(judged: Iterable[Judged]) -> Figures:
    """Add up what became of recordings."""
    known = list(judged)
    events = [each for each in known if each.is_event]
    return Figures(
        events=len(events),
        found=sum(each.found for each in events),
        false_alarms=sum(each.false_alarms for each in known),
        normal_days=sum(each.normal_days for each in known),
        delays=tuple(each.delay_seconds for each in events if each.delay_seconds is not None),
    )


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
