"""Events: runs of rows in alarm, found a batch at a time and joined across batches.

A batch's rows give *runs*: rows in alarm that follow each other within the merge gap. A run that
reaches a batch's border goes on in the next one, so each batch writes its own runs and whoever
reads them joins them. Joining gives the same events in whatever order the batches were scored.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from petrostream.errors import PermanentError
from petrostream.schema.columns import SECOND
from petrostream.schema.keys import second_of
from petrostream.schema.stored_forms import EVENTS

_DRIVERS: Final = 3
_NO_DOCUMENT: Final = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    OSError,
    RecursionError,
)
_KINDS: Final = {
    "well": str,
    "recording": str,
    "start": int,
    "end": int,
    "peak": int,
    "peak_score": float,
    "rows": int,
    "sensors": dict,
    "limits": dict,
    "opens": bool,
}


@dataclass(frozen=True, slots=True)
class Event:
    """Rows in alarm of one recording that belong together; times are µs since 1970 (UTC).

    `sensors` has, for each sensor, the percent it made up of those rows' levels, summed over the
    rows; `limits` counts the rows in which an engineering limit was passed, by limit. `opens` is
    false for a run that continues one of the batch before.
    """

    well: str
    recording: str
    start: int
    end: int
    peak: int
    peak_score: float
    rows: int
    sensors: dict[str, int]
    opens: bool = True
    limits: dict[str, int] = field(default_factory=dict)

    @property
    def drivers(self) -> tuple[str, ...]:
        """The sensors that drive the event, the strongest first, three at most."""
        return tuple(self.shares)[:_DRIVERS]

    @property
    def shares(self) -> dict[str, float]:
        """How much each sensor drives the event, the strongest first; they add up to 1."""
        total = sum(self.sensors.values())
        ranked = sorted(self.sensors.items(), key=lambda item: (-item[1], item[0]))
        return {name: percent / total for name, percent in ranked if percent}

    @property
    def seconds(self) -> float:
        """How long it lasted, from its first row in alarm to its last."""
        return (self.end - self.start) / SECOND


def find_runs(  # noqa: PLR0913 - one array for each fact of a row
    well: str,
    recording: str,
    *,
    microseconds: np.ndarray,
    score: np.ndarray,
    alarm: np.ndarray,
    sensors: tuple[str, ...],
    shares: np.ndarray,
    limits: np.ndarray,
    first_row: int,
    gap_seconds: int,
) -> list[Event]:
    """Find a batch's runs among its added rows, those from `first_row` on.

    Rows before `first_row` (lookback) only tell whether the first run opens an event or goes on
    with one. All arrays have one entry a row; `shares` has a column for each of the sensors.
    """
    on = np.flatnonzero(alarm)
    before, added = on[on < first_row], on[on >= first_row]
    if not len(added):
        return []
    gap = gap_seconds * SECOND
    starts = np.flatnonzero(np.diff(microseconds[added]) > gap) + 1
    runs = []
    for rows in np.split(added, starts):
        peak = int(rows[np.argmax(score[rows])])
        percents = shares[rows].sum(axis=0)
        passed = Counter(name for text in limits[rows] for name in text.split())
        goes_on = len(before) and microseconds[rows[0]] - microseconds[before[-1]] <= gap
        runs.append(
            Event(
                well=well,
                recording=recording,
                start=int(microseconds[rows[0]]),
                end=int(microseconds[rows[-1]]),
                peak=int(microseconds[peak]),
                peak_score=float(score[peak]),
                rows=len(rows),
                sensors={
                    name: int(percent)
                    for name, percent in zip(sensors, percents, strict=True)
                    if percent
                },
                limits=dict(sorted(passed.items())),
                opens=not goes_on,
            )
        )
    return runs


def join(runs: Iterable[Event], gap_seconds: int) -> list[Event]:
    """Join the runs of all batches into events, by well, recording and time."""
    ordered = sorted(runs, key=lambda run: (run.well, run.recording, run.start))
    events: list[Event] = []
    for run in ordered:
        last = events[-1] if events else None
        if (
            last is not None
            and (last.well, last.recording) == (run.well, run.recording)
            and run.start - last.end <= gap_seconds * SECOND
        ):
            events[-1] = _joined(last, run)
        else:
            events.append(run)
    return events


def _joined(first: Event, second: Event) -> Event:
    higher = second if second.peak_score > first.peak_score else first
    return Event(
        well=first.well,
        recording=first.recording,
        start=first.start,
        end=max(first.end, second.end),
        peak=higher.peak,
        peak_score=higher.peak_score,
        rows=first.rows + second.rows,
        sensors=_added(first.sensors, second.sensors),
        limits=_added(first.limits, second.limits),
        opens=first.opens,
    )


def _added(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    return {name: first.get(name, 0) + second.get(name, 0) for name in sorted({*first, *second})}


def to_json(runs: list[Event], *, model_version: str, gap_seconds: int) -> bytes:
    """Write a batch's runs; the same runs always give the same bytes."""
    document = {
        "format": EVENTS.newest,
        "model_version": model_version,
        "merge_gap_seconds": gap_seconds,
        "runs": [
            {
                "well": run.well,
                "recording": run.recording,
                "start": run.start,
                "end": run.end,
                "peak": run.peak,
                "peak_score": run.peak_score,
                "rows": run.rows,
                "sensors": run.sensors,
                "limits": run.limits,
                "opens": run.opens,
            }
            for run in runs
        ],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def from_json(data: bytes) -> tuple[list[Event], int]:
    """Read a batch's runs and the merge gap (seconds) they were found with.

    Raises
    ------
    PermanentError
        If it was written by something else than PetroStream, or in another format.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        EVENTS.check(document)
        gap = document["merge_gap_seconds"]
        _check(type(gap) is int and gap >= 0, "the merge gap is no number of seconds")
        return [_read(run) for run in document["runs"]], gap
    except _NO_DOCUMENT as error:
        raise PermanentError(f"the events can't be read: {error}") from error


def _read(run: dict[str, Any]) -> Event:
    """Read one run.

    Raises
    ------
    ValueError, TypeError, OverflowError, OSError
        If it is none: a page must be able to show whatever is read.
    """
    event = Event(**run)
    for name, kind in _KINDS.items():
        _check(type(getattr(event, name)) is kind, f"{name} is no {kind.__name__}")
    for counts in (event.sensors, event.limits):
        _check(all(type(each) is int and each >= 0 for each in counts.values()), "a count is none")
    _check(math.isfinite(event.peak_score), "the peak score is no number")
    _check(event.start <= event.peak <= event.end, "its times are in no order")
    _check(second_of(event.start) <= second_of(event.end), "its times are none")
    return event


def _check(is_so: bool, fault: str) -> None:  # noqa: FBT001 - what is checked
    if not is_so:
        raise ValueError(fault)
