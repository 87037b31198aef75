"""Events: runs of rows in alarm, found a batch at a time and joined across batches.

A batch's rows give *runs*: rows in alarm that follow each other within the merge gap. A run that
reaches a batch's border goes on in the next one, so each batch writes its own runs and whoever
reads them joins them. Joining gives the same events in whatever order the batches were scored.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from petrostream.documents import Bounds, Part, shown
from petrostream.errors import InvalidBatch
from petrostream.schema.columns import SECOND
from petrostream.schema.keys import NAME_PATTERN
from petrostream.schema.stored_forms import EVENTS

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of one document; DuckDB takes no longer line."""

_BOUNDS: Final = Bounds(size=MOST_BYTES, depth=8, values=800_000, text=1024)
"""They hold 49 days with a run every 10 minutes, each with all sensors and limits."""

_DRIVERS: Final = 3
_LONGEST_GAP: Final = 86_400
_LIMIT_PATTERN: Final = re.compile(rf"{NAME_PATTERN.pattern}[<>](?:low|high)")


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
    """Write a batch's runs; the same runs always give the same bytes.

    Raises
    ------
    InvalidBatch
        If they are more than one document may hold, as of a model whose merge gap is short.
    """
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
    body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    if len(body) > _BOUNDS.size or _values(runs) > _BOUNDS.values:
        raise InvalidBatch(
            f"its {len(runs)} stretches in alarm are more than one document holds: cut the "
            "recording into shorter batches"
        )
    return body


def _values(runs: list[Event]) -> int:
    """How many values a document of these runs has, at most."""
    return 10 + sum(20 + len(run.sensors) + len(run.limits) for run in runs)


def from_json(data: bytes) -> tuple[list[Event], int]:
    """Read a batch's runs and the merge gap (seconds) they were found with.

    Raises
    ------
    PermanentError
        If it was written by something else than PetroStream, or in another format.
    """
    document = EVENTS.read(data, bounds=_BOUNDS)
    gap = document["merge_gap_seconds"].whole(0, _LONGEST_GAP)
    return [_read(run) for run in document["runs"].entries()], gap


def _read(run: Part) -> Event:
    """Read one run: a page must be able to show whatever is read."""
    event = Event(
        well=run["well"].text(NAME_PATTERN),
        recording=run["recording"].text(NAME_PATTERN),
        start=run["start"].microseconds(),
        end=run["end"].microseconds(),
        peak=run["peak"].microseconds(),
        peak_score=run["peak_score"].number(),
        rows=run["rows"].whole(least=0),
        sensors=_counts(run["sensors"], NAME_PATTERN),
        limits=_counts(run["limits"], _LIMIT_PATTERN),
        opens=run["opens"].truth(),
    )
    if not event.start <= event.peak <= event.end:
        run.refuse("has times that are in no order")
    return event


def _counts(part: Part, names: "re.Pattern[str]") -> dict[str, int]:
    counts = {name: count.whole(least=0) for name, count in part.fields()}
    for name in counts:
        if names.fullmatch(name) is None:
            part.refuse(f"has a field {shown(name)}, which names nothing that is counted")
    return counts
