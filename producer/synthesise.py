"""Make 3W-shaped recordings of wells that never were, with faults whose times are known.

What `demo` replays, and what tests and benches train and score on. A recording depends on
the seed, its well's number and its own number alone: three wells are the first three of thirty.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from console.answers import Answer
from console.speech import progress, say
from petrostream.errors import UsageError
from petrostream.schema.columns import CLASS, LABEL_TYPE, STATE, TIMESTAMP
from petrostream.schema.labels import NORMAL, describe
from petrostream.schema.parquet import write_parquet
from petrostream.schema.sensors import SENSOR_NAMES
from producer.synthesis.defects import Gap, damage, draw_condition, draw_gaps
from producer.synthesis.faults import (
    EARLIEST_SECOND,
    SIGNATURES,
    FaultCourse,
    KnownFault,
    draw_course,
)
from producer.synthesis.wells import draw_well, readings

__all__ = [
    "Gap",
    "KnownFault",
    "SynthesiseOptions",
    "SyntheticRecording",
    "Written",
    "run",
    "synthesise",
    "write",
]

DEFAULT_FOLDER: Final = Path("data/synthetic")
DEFAULT_SEED: Final = 7
DEFAULT_WELLS: Final = 6
DEFAULT_RECORDINGS: Final = 1
DEFAULT_HOURS: Final = 4.5
DEFAULT_FAULTS: Final = (2, 3, 6, 8, 1, 5)
DEFAULT_START: Final = datetime(2024, 1, 1)
TRUTH_FILE: Final = "faults.json"

_LARGEST_SEED: Final = 2**64 - 1
_MOST_WELLS: Final = 9999
_MOST_RECORDINGS: Final = 10_000
_LONGEST_HOURS: Final = 31 * 24
_YEARS: Final = range(1970, 2200)
_FIRST_WELL: Final = 90_001
_OWN_FILE: Final = re.compile(r"\d/WELL-9\d{4}_\d{14}\.parquet")
_RELEASE_1_ONLY: Final = "T-JUS-CKGL"
_IS_FAULTY: Final = (False, True, True, False, True, True, False, False, True, False, False, True)
"""Whether a recording has a fault, in turn: half of them do, and four of a first six wells."""

_RECORDING_STRIDE: Final = 5
_UNLABELLED_START_CHANCE: Final = 0.3
_UNLABELLED_START: Final = (600, 1800)
_ENOUGH_FOR_UNLABELLED_START: Final = 3 * 3600
_UNLABELLED_TURN: Final = (10, 120)


@dataclass(frozen=True, slots=True)
class SyntheticRecording:
    """A recording in memory and the truth about it.

    `event_class` is 0 or its fault's class, as 3W's folders are called. `table` has the columns
    of 3W's release 2: `timestamp` (ns, no zone), 27 sensors (Pa, °C, m³/s, %, valves 0 or 1),
    `class` and `state`. Rows are a second apart but for `gaps`.
    """

    well: str
    recording: str
    event_class: int
    table: pa.Table
    known_faults: tuple[KnownFault, ...]
    gaps: tuple[Gap, ...]
    start: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """A recording that was written, without its rows."""

    path: Path
    well: str
    recording: str
    start: datetime
    rows: int
    known_faults: tuple[KnownFault, ...]


def synthesise(  # noqa: PLR0913 - each is a fact of the set that is made
    seed: int = DEFAULT_SEED,
    wells: int = DEFAULT_WELLS,
    hours: float = DEFAULT_HOURS,
    *,
    recordings: int = DEFAULT_RECORDINGS,
    faults: Sequence[int] = DEFAULT_FAULTS,
    start: datetime = DEFAULT_START,
) -> Iterator[SyntheticRecording]:
    """Make recordings one by one, well by well.

    Parameters
    ----------
    seed, wells
        Wells are called WELL-90001, WELL-90002, …: numbers that 3W doesn't use.
    hours, recordings
        Length of each recording and their number a well; one follows on the other.
    faults
        Classes to choose from, in this turn; empty makes every recording normal. Otherwise
        about half of the recordings have a fault, after half an hour of normal rows or more.
    start
        First time stamp of every well's first recording, without a zone.

    Raises
    ------
    UsageError
        If an argument is out of its range; the message names the range.
    """
    _check_number("the seed", seed, 0, _LARGEST_SEED)
    _check_number("the number of wells", wells, 1, _MOST_WELLS)
    _check_number("the number of recordings a well", recordings, 1, _MOST_RECORDINGS)
    _check_number("a recording's length in hours", hours, 1, _LONGEST_HOURS)
    _check_faults(faults)
    order = _Order(seed, round(hours * 3600), tuple(faults), start.replace(microsecond=0))
    _check_times(start, recordings * order.seconds)
    return (_make(order, well, number) for well in range(wells) for number in range(recordings))


@dataclass(frozen=True, slots=True)
class _Order:
    """What all recordings of a run have in common."""

    seed: int
    seconds: int
    faults: tuple[int, ...]
    start: datetime

    def random(self, *purpose: int) -> np.random.Generator:
        """A stream of random numbers of its own for each purpose."""
        key = np.random.SeedSequence(self.seed, spawn_key=purpose)
        return np.random.Generator(np.random.PCG64(key))


def _check_number(what: str, value: float, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{what} is {value:g}; choose {low} to {high}")


def _check_faults(faults: Sequence[int]) -> None:
    unknown = sorted(set(faults) - set(SIGNATURES))
    if unknown:
        raise UsageError(
            f"faults of class {_listed(unknown)} can't be made: choose from "
            f"{_listed(sorted(SIGNATURES))}, or none"
        )


def _check_times(start: datetime, seconds: int) -> None:
    last_year = start.year + seconds / (365 * 86_400)
    if start.tzinfo is not None or start.year not in _YEARS or last_year >= _YEARS.stop:
        raise UsageError(
            f"recordings can't start at {start.isoformat()}: choose a time without a zone, so "
            f"that all of them are between {_YEARS.start} and {_YEARS.stop}"
        )


def _make(order: _Order, well: int, number: int) -> SyntheticRecording:
    plan = order.random(well, number, 0)
    unlabelled_start = _draw_unlabelled_start(plan, order.seconds)
    event_class = _event_class(well, number, order.faults)
    earliest = unlabelled_start + EARLIEST_SECOND
    course = (
        None if event_class == NORMAL else draw_course(plan, event_class, order.seconds, earliest)
    )
    labels, unlabelled = _label(plan, order.seconds, unlabelled_start, course)
    columns, gaps = _readings(order, well, number, course)
    present = np.ones(order.seconds, dtype=bool)
    for gap in gaps:
        present[gap.first_second : gap.end_second] = False
    name = f"WELL-{_FIRST_WELL + well}"
    start = order.start + timedelta(seconds=number * order.seconds)
    return SyntheticRecording(
        well=name,
        recording=f"{name}_{start:%Y%m%d%H%M%S}",
        event_class=event_class,
        table=_table(start, columns, labels, unlabelled).filter(pa.array(present)),
        known_faults=() if course is None else (course.known,),
        gaps=gaps,
        start=start,
    )


def _event_class(well: int, number: int, faults: Sequence[int]) -> int:
    """Deal out normal recordings and faults in turn, so that every choice of wells has both."""
    rounds, turn = divmod(well + _RECORDING_STRIDE * number, len(_IS_FAULTY))
    if not faults or not _IS_FAULTY[turn]:
        return NORMAL
    return faults[(rounds * sum(_IS_FAULTY) + sum(_IS_FAULTY[:turn])) % len(faults)]


def _draw_unlabelled_start(random: np.random.Generator, seconds: int) -> int:
    has_one = random.random() < _UNLABELLED_START_CHANCE and seconds >= _ENOUGH_FOR_UNLABELLED_START
    return int(random.integers(*_UNLABELLED_START)) if has_one else 0


def _label(
    random: np.random.Generator, seconds: int, unlabelled_start: int, course: FaultCourse | None
) -> tuple[np.ndarray, np.ndarray]:
    """Label each second, and say which seconds nobody labelled: 3W's experts left turns open."""
    unlabelled = np.zeros(seconds, dtype=bool)
    unlabelled[:unlabelled_start] = True
    if course is None:
        return np.full(seconds, NORMAL, dtype=np.int16), unlabelled
    for turn in {course.known.transient_second, course.known.steady_second}:
        unlabelled[turn - int(random.integers(*_UNLABELLED_TURN)) : turn] = True
    return course.known.labels(), unlabelled


def _readings(
    order: _Order, well: int, number: int, course: FaultCourse | None
) -> tuple[dict[str, np.ndarray], tuple[Gap, ...]]:
    of_well, spoiling = order.random(well), order.random(well, number, 2)
    drawn = draw_well(of_well)
    condition = draw_condition(of_well, well, drawn.valves)
    columns = readings(order.random(well, number, 1), drawn, order.seconds, course)
    damage(spoiling, condition, columns)
    turns = () if course is None else (course.known.transient_second, course.known.steady_second)
    return columns, draw_gaps(spoiling, order.seconds, turns)


def _table(
    start: datetime, columns: dict[str, np.ndarray], labels: np.ndarray, unlabelled: np.ndarray
) -> pa.Table:
    seconds = len(labels)
    times = np.datetime64(start, "ns") + np.arange(seconds) * np.timedelta64(1, "s")
    return pa.table(
        {TIMESTAMP: pa.array(times, pa.timestamp("ns"))}
        | {
            name: pa.array(columns[name], pa.float64(), from_pandas=True)
            if name in columns
            else pa.nulls(seconds, pa.float64())
            for name in SENSOR_NAMES
            if name != _RELEASE_1_ONLY
        }
        | {
            CLASS: pa.array(labels, LABEL_TYPE, mask=unlabelled),
            STATE: pa.array(np.zeros(seconds, dtype=np.int16), LABEL_TYPE, mask=unlabelled),
        }
    )


def write(recordings: Iterable[SyntheticRecording], folder: Path) -> list[Written]:
    """Write recordings as `<folder>/<class>/<recording>.parquet`, and the truth about all of them
    as `<folder>/faults.json`.

    Synthetic recordings that an earlier run left in the folder are replaced: those that are not
    written again are deleted.

    Raises
    ------
    UsageError
        If the folder is a file, holds anything else, or can't be written.
    """
    earlier = _earlier_files(folder)
    try:
        written = [_write_one(recording, folder) for recording in recordings]
        for path in earlier - {one.path for one in written}:
            path.unlink()
        _write_truth(written, folder / TRUTH_FILE)
    except OSError as error:
        raise UsageError(f"{folder} can't be written: {error.strerror or error}") from error
    return written


def _earlier_files(folder: Path) -> set[Path]:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    files = {path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."}
    own = {path for path in files if _OWN_FILE.fullmatch(path.relative_to(folder).as_posix())}
    strangers = sorted(files - own - {folder / TRUTH_FILE})
    if strangers:
        raise UsageError(
            f"{folder} holds {strangers[0].relative_to(folder)}, which is no synthetic "
            "recording: name an empty folder"
        )
    return own


def _write_one(recording: SyntheticRecording, folder: Path) -> Written:
    path = folder / str(recording.event_class) / f"{recording.recording}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_parquet(recording.table))
    return Written(
        path=path,
        well=recording.well,
        recording=recording.recording,
        start=recording.start,
        rows=recording.table.num_rows,
        known_faults=recording.known_faults,
    )


def _write_truth(written: Iterable[Written], path: Path) -> None:
    truth = {one.recording: [asdict(fault) for fault in one.known_faults] for one in written}
    path.write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class SynthesiseOptions:
    """What to make and where; `faults` and `start` as they are written on the command line."""

    into: Path = DEFAULT_FOLDER
    wells: int = DEFAULT_WELLS
    recordings: int = DEFAULT_RECORDINGS
    hours: float = DEFAULT_HOURS
    seed: int = DEFAULT_SEED
    faults: str = ",".join(map(str, DEFAULT_FAULTS))
    start: str = DEFAULT_START.isoformat()


def run(options: SynthesiseOptions) -> Answer:
    """Make and write what the options ask for, and say what it was.

    Raises
    ------
    UsageError
        If an option has no meaning, or the folder can't take the files.
    """
    recordings = synthesise(
        options.seed,
        options.wells,
        options.hours,
        recordings=options.recordings,
        faults=_parse_faults(options.faults),
        start=_parse_start(options.start),
    )
    written = write(recordings, options.into)
    rows = sum(one.rows for one in written)
    say(f"{len(written)} recordings, {rows:,} rows in {options.into}")
    for one in written:
        progress(f"{one.recording}  {_fault_text(one)}")
    return Answer(
        {
            "folder": str(options.into),
            "rows": rows,
            "recordings": [
                {
                    "recording": one.recording,
                    "file": str(one.path),
                    "rows": one.rows,
                    "faults": [asdict(fault) for fault in one.known_faults],
                }
                for one in written
            ],
        }
    )


def _parse_faults(text: str) -> tuple[int, ...]:
    if text.strip().lower() == "none":
        return ()
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise UsageError(
            f"--faults is {text!r}; write classes with commas between, such as "
            f"{_listed(sorted(SIGNATURES))}, or none"
        ) from None


def _parse_start(text: str) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--start is {text!r}; write a time such as {DEFAULT_START.isoformat()}"
        ) from None
    return start if start.tzinfo is None else start.astimezone(UTC).replace(tzinfo=None)


def _fault_text(written: Written) -> str:
    texts = []
    for fault in written.known_faults:
        begin = written.start + timedelta(seconds=fault.transient_second)
        steady = written.start + timedelta(seconds=fault.steady_second)
        text = f"{describe(fault.event_class)} from {begin}"
        texts.append(text if steady == begin else f"{text}, steady from {steady}")
    return "; ".join(texts) or describe(NORMAL)


def _listed(classes: Iterable[int]) -> str:
    return ",".join(map(str, classes))
