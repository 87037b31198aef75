"""Read 3W instances ("recordings"): one continuous recording of one well, one file each.

Both releases are read: release 2 as Parquet, release 1 as CSV or Parquet; real (`WELL-*`),
simulated (`SIMULATED_*`) and hand-drawn (`DRAWN_*`) instances. The name of the folder that holds
a file is its event class (Vargas et al. 2019, section 3).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from petrostream.documents import read_json
from petrostream.errors import (
    InvalidBatch,
    PermanentError,
    UnreadableRecording,
    UsageError,
    printable,
)
from petrostream.ingest.readings import (
    EARLIEST,
    LARGEST_READING,
    LATEST,
    is_possible,
    microseconds_of,
)
from petrostream.schema.columns import (
    LABEL_COLUMNS,
    LABEL_TYPE,
    READING_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_TYPE,
)
from petrostream.schema.parquet import open_bounded
from petrostream.schema.sensors import BY_NAME

_FILE_NAME: Final = re.compile(
    r"(?P<well>WELL-\d+)_\d{14}|(?P<kind>SIMULATED|DRAWN)_(?P<number>\d+)", re.ASCII
)
_REAL: Final = "WELL-"
_SUFFIXES: Final = frozenset({".parquet", ".csv"})
_NOT_RECORDINGS: Final = frozenset({"folds"})

_MOST_BYTES: Final = 1024 * 1024 * 1024
_MOST_ROWS: Final = 10_000_000
_MOST_UNPACKED_BYTES: Final = 4 * 1024 * 1024 * 1024
_MOST_PAGES: Final = 200_000
"""Of a Parquet file: a reading a second for 115 days; 3W's longest are of a few days."""

_HOUR: Final = 3_600_000_000
_SET_BACK_TOLERANCE: Final = 60_000_000
_FEWEST_REPEATED: Final = 60
_NULL_SPELLINGS: Final = ["", "NaN", "nan", "NA", "null", "None", "<NA>"]


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """Where a recording is and what its name says.

    `well` of a simulated or drawn instance is made of its class and number: 3W numbers them anew
    in every class, and no two of them are the same well.
    """

    path: Path
    well: str
    recording: str
    event_class: int | None


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that was passed over, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in memory.

    `table` has `timestamp` (µs, UTC without a zone, strictly increasing), then the sensors and
    labels that the file had, in the order of `READING_SCHEMA`; missing readings are null and
    there are no infinities. `notes` says what was mended on the way.
    """

    well: str
    recording: str
    table: pa.Table
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of readings."""
        return int(self.table.num_rows)

    @property
    def microseconds(self) -> np.ndarray:
        """Time stamps as int64 microseconds since 1970, shape (rows,)."""
        return microseconds_of(self.table)


def is_real(well: str) -> bool:
    """Whether a well gave a recording, not a simulator or a drawing hand.

    >>> is_real("WELL-00001"), is_real("SIMULATED-1-7")
    (True, False)
    """
    return well.startswith(_REAL)


def find_recordings(
    folder: Path,
    *,
    wells: Iterable[str] = (),
    classes: Iterable[int] = (),
) -> tuple[list[RecordingFile], list[Problem]]:
    """List the recordings below a folder (or the one file), by name.

    Parameters
    ----------
    folder
        A 3W folder (`0/`, `1/`, …), any folder above it, or one file.
    wells, classes
        Keep only these; empty keeps all.

    Raises
    ------
    UsageError
        If the folder is missing, or nothing in it looks like a recording.
    """
    if not folder.exists():
        raise UsageError(f"there is no folder {folder}: name one that holds 3W recordings")
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    candidates = [path for path in paths if _may_be_recording(path)]
    found, problems = _identify(candidates)
    if not candidates:
        raise UsageError(
            f"{folder} holds no recording: 3W files end in .parquet or .csv and stand in one "
            "folder for each event class"
        )
    wanted_wells, wanted_classes = frozenset(wells), frozenset(classes)
    kept = [
        file
        for file in found
        if (not wanted_wells or file.well in wanted_wells)
        and (not wanted_classes or file.event_class in wanted_classes)
    ]
    if not kept and not problems:
        raise UsageError(
            f"{folder} holds no recording of the chosen wells and classes; it has the wells "
            f"{_some(file.well for file in found)} and the classes "
            f"{_some(str(file.event_class) for file in found)}"
        )
    return sorted(kept, key=lambda file: (file.recording, file.path)), problems


def _may_be_recording(path: Path) -> bool:
    return (
        path.suffix.lower() in _SUFFIXES
        and path.is_file()
        and path.parent.name not in _NOT_RECORDINGS
    )


def _some(names: Iterable[str], at_most: int = 12) -> str:
    distinct = sorted(set(names))
    rest = len(distinct) - at_most
    return ", ".join(distinct[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def _identify(paths: Iterable[Path]) -> tuple[list[RecordingFile], list[Problem]]:
    found: dict[str, RecordingFile] = {}
    problems: list[Problem] = []
    for path in paths:
        file = _recording_file(path)
        if file is None:
            problems.append(
                Problem(
                    path,
                    "its name is none of 3W's (WELL-<n>_<yyyymmddhhmmss>, SIMULATED_<n>, "
                    "DRAWN_<n>)",
                )
            )
        elif file.recording in found:
            problems.append(Problem(path, f"the same recording as {found[file.recording].path}"))
        else:
            found[file.recording] = file
    return list(found.values()), problems


def _recording_file(path: Path) -> RecordingFile | None:
    match = _FILE_NAME.fullmatch(path.stem)
    if match is None:
        return None
    event_class = int(path.parent.name) if re.fullmatch(r"\d", path.parent.name) else None
    if match["well"]:
        return RecordingFile(path, match["well"], path.stem, event_class)
    middle = "" if event_class is None else f"-{event_class}"
    name = f"{match['kind']}{middle}-{match['number']}"
    return RecordingFile(path, name, name, event_class)


def read_recordings(files: Iterable[RecordingFile], problems: list[Problem]) -> Iterator[Recording]:
    """Read recordings one by one; what can't be read is added to `problems` and passed over."""
    for file in files:
        try:
            yield read_recording(file)
        except UnreadableRecording as error:
            problems.append(Problem(file.path, str(error)))


def read_recording(file: RecordingFile) -> Recording:
    """Read one recording and bring it into the project's shape.

    Rows are sorted by time; of rows with the same time stamp the first is kept; rows without a
    time stamp are dropped; infinities become missing readings; unknown columns are left out.
    What was done is said in `Recording.notes`.

    Raises
    ------
    UnreadableRecording
        If the file is not Parquet or CSV, has no usable time stamps, no known sensor or no rows.
    """
    raw = _read_file(file.path)
    notes: list[str] = []
    raw = _with_timestamp_column(raw)
    repeated = sorted({name for name in raw.schema.names if raw.schema.names.count(name) > 1})
    if repeated:
        raise UnreadableRecording(f"it has more than one column {', '.join(repeated)}")
    sensors = [
        name for name in READING_SCHEMA.names if name in BY_NAME and name in raw.schema.names
    ]
    if not sensors:
        raise UnreadableRecording(
            f"it has none of 3W's sensors; its columns are {', '.join(raw.schema.names[:12])}"
        )
    labels = [name for name in LABEL_COLUMNS if name in raw.schema.names]
    unknown = sorted(set(raw.schema.names) - {TIMESTAMP, *sensors, *labels})
    if unknown:
        notes.append(f"unknown columns left out: {', '.join(unknown)}")
    columns = [_timestamps(raw.column(TIMESTAMP))]
    columns += [_readings(name, raw.column(name), notes) for name in sensors]
    columns += [_labels(name, raw.column(name)) for name in labels]
    table = pa.table(columns, names=[TIMESTAMP, *sensors, *labels])
    table = _in_time_order(table, notes)
    if table.num_rows == 0:
        raise UnreadableRecording("it has no rows")
    return Recording(file.well, file.recording, table, tuple(notes))


def _read_file(path: Path) -> pa.Table:
    try:
        if path.suffix.lower() == ".csv":
            table = pa_csv.read_csv(
                path,
                convert_options=pa_csv.ConvertOptions(
                    null_values=_NULL_SPELLINGS, strings_can_be_null=True
                ),
            )
        else:
            table = open_bounded(
                _bytes_of(path),
                most_rows=_MOST_ROWS,
                most_bytes=_MOST_UNPACKED_BYTES,
                most_pages=_MOST_PAGES,
            ).read()
        table.schema.names  # noqa: B018 - decodes them: they may be no text
    except (pa.ArrowException, OSError, ValueError, InvalidBatch) as error:
        kind = "CSV" if path.suffix.lower() == ".csv" else "Parquet"
        raise UnreadableRecording(f"it can't be read as {kind}: {_one_line(error)}") from error
    return table


def _bytes_of(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"it has {size} bytes, at most {_MOST_BYTES} are read")
    return path.read_bytes()


def _one_line(error: Exception) -> str:
    return printable(str(error).strip().split("\n", maxsplit=1)[0][:200])


def _with_timestamp_column(raw: pa.Table) -> pa.Table:
    if raw.schema.names.count(TIMESTAMP) == 1:
        return raw
    if TIMESTAMP in raw.schema.names:
        raise UnreadableRecording(f"it has more than one column {TIMESTAMP!r}")
    index = _pandas_index(raw.schema)
    if index is None:
        raise UnreadableRecording(f"it has no column and no index {TIMESTAMP!r}")
    return raw.rename_columns([TIMESTAMP if name == index else name for name in raw.schema.names])


def _pandas_index(schema: pa.Schema) -> str | None:
    """Name of the one stored column that pandas wrote as a (nameless) time index."""
    try:
        found = read_json((schema.metadata or {}).get(b"pandas", b"{}"), "what pandas wrote")
        columns = [each.plain for each in found["index_columns"].entries()]
    except PermanentError:
        return None
    if len(columns) != 1 or not isinstance(columns[0], str) or columns[0] not in schema.names:
        return None
    is_time = pa.types.is_timestamp(schema.field(columns[0]).type)
    return columns[0] if is_time else None


def _timestamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    try:
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            column = _parse_times(column)
        elif pa.types.is_date(kind):
            column = column.cast(TIMESTAMP_TYPE)
        elif not pa.types.is_timestamp(kind):
            raise UnreadableRecording(f"its {TIMESTAMP!r} holds {kind}, not time stamps")
        if column.type.tz is not None:
            column = column.cast(pa.timestamp(column.type.unit, tz="UTC"))
        naive = column.cast(pa.timestamp(column.type.unit))
        times = naive.cast(TIMESTAMP_TYPE, safe=column.type.unit != "ns")
    except pa.ArrowException as error:
        raise UnreadableRecording(f"its {TIMESTAMP!r} can't be read: {_one_line(error)}") from error
    beyond = pc.sum(_is_beyond(times.cast(pa.int64()))).as_py()
    if beyond:
        raise UnreadableRecording(f"{beyond} of its time stamps lie before 1970 or after 2199")
    return times


def _is_beyond(microseconds: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.or_(pc.less(microseconds, EARLIEST), pc.greater_equal(microseconds, LATEST))


def _parse_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Parse ISO 8601 text; a zone, where there is one, is honoured."""
    try:
        return column.cast(TIMESTAMP_TYPE)
    except pa.ArrowInvalid:
        return column.cast(pa.timestamp("us", tz="UTC"))


def _readings(name: str, column: pa.ChunkedArray, notes: list[str]) -> pa.ChunkedArray:
    try:
        values = column.cast(pa.float64())
    except pa.ArrowException as error:
        raise UnreadableRecording(
            f"the readings of {name} are not numbers: {_one_line(error)}"
        ) from error
    possible = is_possible(values)
    impossible = pc.sum(pc.greater_equal(pc.abs(values), LARGEST_READING)).as_py()
    if impossible:
        notes.append(f"{impossible} infinite readings of {name} taken as missing")
    return pc.if_else(possible, values, pa.scalar(None, pa.float64()))


def _labels(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
        return column.cast(LABEL_TYPE)
    except pa.ArrowException as error:
        raise UnreadableRecording(
            f"its {name!r} holds something else than whole numbers: {_one_line(error)}"
        ) from error


def _without_set_back(times: np.ndarray, notes: list[str]) -> np.ndarray:
    """Undo a clock that was set back an hour in mid-recording (the end of daylight saving time).

    3W's stamps are local time: where a recording spans that night, an hour of stamps stands
    twice with different readings. Rows after the step get the hour back, so none is lost.
    """
    steps = np.flatnonzero(np.diff(times) < 0)
    if len(steps) != 1:
        return times
    step = int(steps[0])
    if abs(int(times[step + 1] - times[step]) + _HOUR) > _SET_BACK_TOLERANCE:
        return times
    if len(np.intersect1d(times[: step + 1], times[step + 1 :])) < _FEWEST_REPEATED:
        return times
    notes.append(f"clock set back an hour after row {step + 1}: later rows moved on by it")
    return np.where(np.arange(len(times)) > step, times + _HOUR, times)


def _in_time_order(table: pa.Table, notes: list[str]) -> pa.Table:
    unstamped = table.column(TIMESTAMP).null_count
    if unstamped:
        notes.append(f"{unstamped} rows without a time stamp dropped")
        table = table.filter(pc.is_valid(table.column(TIMESTAMP)))
    times = _without_set_back(microseconds_of(table), notes)
    table = table.set_column(0, TIMESTAMP, pa.array(times).cast(TIMESTAMP_TYPE))
    if np.all(np.diff(times) > 0):
        return table.combine_chunks()
    order = np.argsort(times, kind="stable")
    keep = np.ones(len(times), dtype=bool)
    keep[1:] = np.diff(times[order]) > 0
    repeated = int(len(keep) - keep.sum())
    if repeated:
        notes.append(f"{repeated} rows with a repeated time stamp dropped, the first one kept")
    if np.any(np.diff(times) < 0):
        notes.append("rows sorted by time")
    return table.take(pa.array(order[keep])).combine_chunks()
