"""Events: runs of flagged rows, found a batch at a time and joined across batches.

A batch's rows give *runs*: flagged rows that follow each other within the merge gap. A run that
reaches a batch's border goes on in the next one, so each batch writes its own runs and whoever
reads them joins them. Joining gives the same events in whatever order the batches were scored.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from petrostream.columns import SECOND
from petrostream.errors import PermanentError

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Event:
    """Flagged rows of one recording that belong together; times are µs since 1970 (UTC).

    `sensors` counts, for each sensor, the flagged rows in which it was furthest off. `opens` is
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

    @property
    def drivers(self) -> tuple[str, ...]:
        """The sensors that drive the event, the strongest first, three at most."""
        ranked = sorted(self.sensors, key=lambda name: (-self.sensors[name], name))
        return tuple(ranked[:3])

    @property
    def seconds(self) -> float:
        """How long it lasted, from its first flagged row to its last."""
        return (self.end - self.start) / SECOND


def find_runs(  # noqa: PLR0913 - one array for each fact of a row
    well: str,
    recording: str,
    *,
    microseconds: np.ndarray,
    score: np.ndarray,
    flag: np.ndarray,
    top_sensor: np.ndarray,
    first_row: int,
    gap_seconds: int,
) -> list[Event]:
    """Find a batch's runs among its added rows, those from `first_row` on.

    Rows before `first_row` (lookback) only tell whether the first run opens an event or goes on
    with one. All arrays have one entry a row.
    """
    flagged = np.flatnonzero(flag)
    before, added = flagged[flagged < first_row], flagged[flagged >= first_row]
    if not len(added):
        return []
    gap = gap_seconds * SECOND
    starts = np.flatnonzero(np.diff(microseconds[added]) > gap) + 1
    runs = []
    for rows in np.split(added, starts):
        peak = int(rows[np.argmax(score[rows])])
        names, counts = np.unique(top_sensor[rows].astype(str), return_counts=True)
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
                sensors={str(name): int(n) for name, n in zip(names, counts, strict=True)},
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
    names = sorted({*first.sensors, *second.sensors})
    return Event(
        well=first.well,
        recording=first.recording,
        start=first.start,
        end=max(first.end, second.end),
        peak=higher.peak,
        peak_score=higher.peak_score,
        rows=first.rows + second.rows,
        sensors={name: first.sensors.get(name, 0) + second.sensors.get(name, 0) for name in names},
        opens=first.opens,
    )


def to_json(runs: list[Event], *, model_version: str, gap_seconds: int) -> bytes:
    """Write a batch's runs; the same runs always give the same bytes."""
    document = {
        "format": _FORMAT,
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
        If it was written by something else than this version of PetroStream.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        if document["format"] != _FORMAT:
            raise ValueError(f"its format is {document['format']}, not {_FORMAT}")
        return [Event(**run) for run in document["runs"]], int(document["merge_gap_seconds"])
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"the events can't be read: {error}") from error
