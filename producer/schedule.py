"""In which order and when batches leave: wells side by side, each at the replay's speed.

Time within a replay is counted in *data seconds* from its start: a batch is due when its last
reading would have been taken. All wells begin together; a well's recordings follow one another.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from petrostream.errors import UnreadableRecording
from petrostream.ingest.batches import Batch, cut
from petrostream.ingest.recordings import Problem, Recording, RecordingFile, read_recording
from petrostream.schema.columns import SECOND, TIMESTAMP, TIMESTAMP_TYPE
from petrostream.schema.keys import SECOND_FORMAT, second_of

_DAY: Final = 86_400 * SECOND
WELLS_SIDE_BY_SIDE: Final = 40


@dataclass(frozen=True, slots=True)
class DueBatch:
    """A batch and when it is due, in data seconds since the replay's start.

    `cut` is its whole recording, the same for all of its batches.
    """

    due: float
    batch: Batch
    cut: "CutRecording"


@dataclass(frozen=True, slots=True, eq=False)
class CutRecording:
    """A recording and its batches, in order; `how` says how it was cut."""

    recording: Recording
    batch_seconds: int
    batches: tuple[Batch, ...]
    how: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to lay recordings out in time.

    `anchor` is the time stamp (µs since 1970, UTC) that the replay's start gets, or `None` to
    leave time stamps as they are; `loop` repeats each well's recordings for ever, `lanes` is how
    many wells play at a time.
    """

    batch_seconds: int
    commissioning_seconds: int
    lookback_seconds: int
    anchor: int | None = None
    loop: bool = False
    lanes: int = WELLS_SIDE_BY_SIDE


def by_well(files: list[RecordingFile]) -> list[list[RecordingFile]]:
    """Group recordings by well, wells and recordings in the order of their names."""
    ordered = sorted(files, key=lambda file: (file.well, file.recording))
    return [list(group) for _, group in itertools.groupby(ordered, key=lambda file: file.well)]


def due_batches(
    files: list[RecordingFile],
    schedule: Schedule,
    on_problem: Callable[[Problem], None],
    on_note: Callable[[str], None] = lambda _: None,
) -> Iterator[DueBatch]:
    """Give all batches in the order in which they are due."""
    waiting = iter(by_well(files))
    lanes: list[tuple[float, int, DueBatch, Iterator[DueBatch]]] = []
    number = itertools.count()

    def open_lane(start: float) -> None:
        for well in waiting:
            lane = _lane(well, start, schedule, on_problem, on_note)
            first = next(lane, None)
            if first is not None:
                heapq.heappush(lanes, (first.due, next(number), first, lane))
                return

    for _ in range(schedule.lanes):
        open_lane(0.0)
    while lanes:
        due, _, due_batch, lane = lanes[0]
        following = next(lane, None)
        if following is None:
            heapq.heappop(lanes)
            open_lane(due)
        else:
            heapq.heapreplace(lanes, (following.due, next(number), following, lane))
        yield due_batch


def _lane(
    files: list[RecordingFile],
    start: float,
    schedule: Schedule,
    on_problem: Callable[[Problem], None],
    on_note: Callable[[str], None],
) -> Iterator[DueBatch]:
    """One well's batches, recording after recording, from `start` data seconds on."""
    rounds = itertools.count() if schedule.loop else range(1)
    earliest, latest = None, 0
    for number in rounds:
        span = 0 if earliest is None else latest - earliest
        shift_of_round = number * (-(-span // _DAY)) * _DAY
        played = False
        for file in files:
            try:
                recording = read_recording(file)
            except UnreadableRecording as error:
                on_problem(Problem(file.path, str(error)))
                continue
            played = True
            if number == 0:
                for note in recording.notes:
                    on_note(f"{file.path}: {note}")
                first, last = int(recording.microseconds[0]), int(recording.microseconds[-1])
                earliest = first if earliest is None else min(earliest, first)
                latest = max(latest, last + SECOND)
            recording = _placed(recording, start, shift_of_round, schedule)
            began = int(recording.microseconds[0])
            whole = _cut(recording, schedule)
            for batch in whole.batches:
                due = start + (int(batch.microseconds[-1]) - began) / SECOND
                yield DueBatch(due, batch, whole)
            start += duration_seconds(recording)
        if not played:
            return


def _cut(recording: Recording, schedule: Schedule) -> CutRecording:
    batches = cut(
        recording,
        batch_seconds=schedule.batch_seconds,
        commissioning_seconds=schedule.commissioning_seconds,
        lookback_seconds=schedule.lookback_seconds,
    )
    how = _describe_cut(recording, schedule)
    return CutRecording(recording, schedule.batch_seconds, tuple(batches), how)


def _describe_cut(recording: Recording, schedule: Schedule) -> str:
    """What must be equal for a replay to go on with what another one has uploaded."""
    times = recording.microseconds
    return (
        f"every {schedule.batch_seconds} s, lookback {schedule.lookback_seconds} s, commissioning "
        f"{schedule.commissioning_seconds} s, {recording.rows} rows from {times[0]} to {times[-1]}"
    )


def _placed(
    recording: Recording, start: float, shift_of_round: int, schedule: Schedule
) -> Recording:
    if schedule.anchor is not None:
        begins = schedule.anchor + round(start) * SECOND
        return shifted(recording, begins - int(recording.microseconds[0]))
    return shifted(recording, shift_of_round)


def duration_seconds(recording: Recording) -> float:
    """How long a recording lasts, its last reading's second included."""
    times = recording.microseconds
    return float(int(times[-1]) - int(times[0])) / SECOND + 1


def shifted(recording: Recording, microseconds: int) -> Recording:
    """Move a recording in time; a moved one is named after its new start, too."""
    if microseconds == 0:
        return recording
    moved = recording.microseconds + microseconds
    table = recording.table.set_column(0, TIMESTAMP, pa.array(moved).cast(TIMESTAMP_TYPE))
    name = f"{recording.recording}~{second_of(int(moved[0])):{SECOND_FORMAT}}"
    return replace(recording, recording=name, table=table)
