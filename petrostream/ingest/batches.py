"""The batch contract: what the producer uploads and the Lambda scores.

A batch carries the rows it adds and, before them, its own *lookback*: the rows of the time just
before it, long enough for every window. So a batch can be scored alone, in any order and any
number of times, and the borders between batches leave no trace in the result.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from petrostream.documents import SMALL, read_json, shown
from petrostream.errors import InvalidBatch
from petrostream.ingest.readings import EARLIEST, LATEST, is_possible, microseconds_of
from petrostream.ingest.recordings import Recording
from petrostream.schema.columns import IS_LOOKBACK, READING_SCHEMA, SECOND, TIMESTAMP
from petrostream.schema.keys import BatchId, second_of
from petrostream.schema.parquet import (
    MOST_ROWS,
    open_bounded,
    write_parquet,
)
from petrostream.schema.sensors import BY_NAME, SENSOR_NAMES
from petrostream.schema.stored_forms import RAW_BATCH

BATCH_SECONDS: Final = 600
COMMISSIONING_SECONDS: Final = 900
LOOKBACK_SECONDS: Final = 2700

MAX_OBJECT_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = MOST_ROWS
MAX_UNPACKED_BYTES: Final = 128 * 1024 * 1024
"""An object over any of these is set aside unread; a day of 28 sensors is 86,400 rows, 20 MB."""

LONGEST_DAYS: Final = 49
"""A summary counts a batch's milliseconds from its first second in 32 bits: 49.7 days."""

METADATA_KEY: Final = b"petrostream"
_LONGEST_SECONDS: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one recording, with what is needed to score them alone.

    Parameters
    ----------
    id
        Well, recording and first second that the batch adds.
    recording_start
        The whole second of the recording's first reading, µs since 1970 (UTC).
    commissioning_seconds
        How long the recording's profile is learned from its start; those rows are not scored.
    lookback_seconds
        How much time before its first row the batch carries (less only at the recording's start).
    table
        `READING_SCHEMA`'s columns, as many as the recording has, and `is_lookback`.
    """

    id: BatchId
    recording_start: int
    commissioning_seconds: int
    lookback_seconds: int
    table: pa.Table

    @property
    def microseconds(self) -> np.ndarray:
        """Time stamps, lookback included, as int64 µs since 1970, shape (rows,)."""
        return microseconds_of(self.table)

    @property
    def lookback_rows(self) -> int:
        """How many rows, from the first on, are lookback."""
        return int(np.count_nonzero(self.table.column(IS_LOOKBACK).to_numpy()))

    @property
    def added_rows(self) -> int:
        """How many rows the batch adds."""
        return int(self.table.num_rows) - self.lookback_rows

    @property
    def commissioning_end(self) -> int:
        """First µs since 1970 that is scored."""
        return self.recording_start + self.commissioning_seconds * SECOND

    @property
    def first_id(self) -> BatchId:
        """Identity of the recording's first batch, which spans the commissioning time."""
        return BatchId(self.id.well, self.id.recording, second_of(self.recording_start))

    @property
    def is_first(self) -> bool:
        """Whether this is the recording's first batch."""
        return self.id == self.first_id

    @property
    def sensors(self) -> tuple[str, ...]:
        """Names of the sensors that the recording has, in `SENSORS`' order, not the columns'."""
        there = set(self.table.schema.names)
        return tuple(name for name in SENSOR_NAMES if name in there)


def recording_start(microseconds: np.ndarray) -> int:
    """The whole second of a recording's first reading, µs since 1970 (UTC)."""
    return int(microseconds[0]) // SECOND * SECOND


def cut(
    recording: Recording,
    *,
    batch_seconds: int = BATCH_SECONDS,
    commissioning_seconds: int = COMMISSIONING_SECONDS,
    lookback_seconds: int = LOOKBACK_SECONDS,
) -> Iterator[Batch]:
    """Cut a recording into batches; every row is added by exactly one of them.

    The first batch spans the commissioning time, however short `batch_seconds` is. Stretches
    without readings give no batch.
    """
    times = recording.microseconds
    start = recording_start(times)
    borders = _borders(times, start, batch_seconds, commissioning_seconds)
    for first, last in borders:
        since = int(np.searchsorted(times, times[first] - lookback_seconds * SECOND))
        rows = recording.table.slice(since, last - since)
        is_lookback = np.arange(since, last) < first
        yield Batch(
            id=BatchId(recording.well, recording.recording, second_of(int(times[first]))),
            recording_start=start,
            commissioning_seconds=commissioning_seconds,
            lookback_seconds=lookback_seconds,
            table=rows.append_column(IS_LOOKBACK, pa.array(is_lookback)),
        )


def _borders(
    times: np.ndarray, start: int, batch_seconds: int, commissioning_seconds: int
) -> Iterator[tuple[int, int]]:
    """Row ranges [first, last) of each batch that has rows.

    Borders lie on whole seconds, so no two batches begin in the same one.
    """
    first_end = start + max(batch_seconds, commissioning_seconds) * SECOND
    number = np.maximum((times - first_end) // (batch_seconds * SECOND) + 1, 0)
    firsts = np.flatnonzero(np.diff(number, prepend=-1))
    yield from zip(firsts.tolist(), [*firsts[1:].tolist(), len(times)], strict=True)


def encode(batch: Batch) -> bytes:
    """Write a batch as Parquet (zstd); the same batch always gives the same bytes."""
    facts = {
        "format": RAW_BATCH.newest,
        "well": batch.id.well,
        "recording": batch.id.recording,
        "recording_start": batch.recording_start,
        "commissioning_seconds": batch.commissioning_seconds,
        "lookback_seconds": batch.lookback_seconds,
    }
    metadata = {METADATA_KEY: json.dumps(facts, sort_keys=True)}
    return write_parquet(batch.table.replace_schema_metadata(metadata))


def decode(
    data: bytes, batch_id: BatchId, read: Callable[[bytes], pa.Table] | None = None
) -> Batch:
    """Read and check a raw object; nothing in it is trusted.

    Parameters
    ----------
    data
        The object's bytes.
    batch_id
        What its key says of it.
    read
        What reads the Parquet; `read_table`, in this process, by default.

    Raises
    ------
    InvalidBatch
        If the bytes break the contract in any way; the message says which.
    """
    try:
        return _checked((read or read_table)(data), batch_id)
    except MemoryError as error:
        raise InvalidBatch("it takes more memory to read than there is") from error


def read_table(data: bytes) -> pa.Table:
    """Read a raw object's columns and metadata; what they say is not checked yet.

    Raises
    ------
    InvalidBatch
        If it is no Parquet that can be read, over a bound, or has other columns than batches do.
    MemoryError
        If there is not enough.
    """
    try:
        return _read_bounded(data)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InvalidBatch(f"it is not readable Parquet: {reason}") from error


def _checked(table: pa.Table, batch_id: BatchId) -> Batch:
    facts = _facts(table.schema)
    table = _complete(table.replace_schema_metadata(None))
    batch = Batch(
        id=batch_id,
        recording_start=_whole_number(facts, "recording_start", EARLIEST, LATEST),
        commissioning_seconds=_whole_number(facts, "commissioning_seconds", 1, _LONGEST_SECONDS),
        lookback_seconds=_whole_number(facts, "lookback_seconds", 0, _LONGEST_SECONDS),
        table=table,
    )
    if (facts.get("well"), facts.get("recording")) != (batch_id.well, batch_id.recording):
        raise InvalidBatch(
            f"it is of {shown(facts.get('well'))}, recording {shown(facts.get('recording'))}, but "
            f"its key says {batch_id.well!r}, {batch_id.recording!r}"
        )
    _check_times(batch)
    return batch


def _read_bounded(data: bytes) -> pa.Table:
    if len(data) > MAX_OBJECT_BYTES:
        raise InvalidBatch(f"it has {len(data)} bytes, more than {MAX_OBJECT_BYTES}")
    file = open_bounded(data, most_rows=MAX_ROWS, most_bytes=MAX_UNPACKED_BYTES)
    _check_columns(file.schema_arrow)
    table = file.read(use_threads=False)
    table.validate(full=True)
    return table


def _facts(schema: pa.Schema) -> dict[str, Any]:
    found = (schema.metadata or {}).get(METADATA_KEY)
    if found is None:
        raise InvalidBatch(
            "it has no 'petrostream' metadata: the producer writes it into every batch"
        )
    facts = read_json(found, "its 'petrostream' metadata", error=InvalidBatch, bounds=SMALL)
    RAW_BATCH.check(facts.plain)
    return facts.table()


def _whole_number(facts: dict[str, Any], name: str, low: int, high: int) -> int:
    value = facts.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidBatch(f"its {name} is {shown(value)}, not a whole number from {low} to {high}")
    return value


def _check_columns(schema: pa.Schema) -> None:
    """Check the columns before they are read: known ones of fixed width, so rows bound them."""
    names = schema.names
    if len(set(names)) != len(names):
        raise InvalidBatch("it has two columns of the same name")
    known = {field.name: field.type for field in READING_SCHEMA} | {IS_LOOKBACK: pa.bool_()}
    for field in schema:
        if field.name not in known:
            raise InvalidBatch(
                f"its column {field.name!r} is not one of 3W's: if it is a sensor that a later "
                "version of PetroStream knows, update the Lambda, then copy the object back from "
                "quarantine/"
            )
        if field.type != known[field.name]:
            raise InvalidBatch(
                f"its column {field.name!r} holds {field.type}, not {known[field.name]}"
            )
    for name in (TIMESTAMP, IS_LOOKBACK):
        if name not in names:
            raise InvalidBatch(f"its column {name!r} is missing")
    if not any(name in BY_NAME for name in names):
        raise InvalidBatch("it has none of 3W's sensors")


def _complete(table: pa.Table) -> pa.Table:
    for name in (TIMESTAMP, IS_LOOKBACK):
        if table.column(name).null_count:
            raise InvalidBatch(f"its column {name!r} has gaps")
    return _without_impossible(table)


def _without_impossible(table: pa.Table) -> pa.Table:
    """Take readings that no sensor can give as missing."""
    for position, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            possible = is_possible(table.column(position))
            if not pc.all(possible, skip_nulls=True).as_py():
                mended = pc.if_else(possible, table.column(position), pa.scalar(None, field.type))
                table = table.set_column(position, field, mended)
    return table


def _check_times(batch: Batch) -> None:
    times, lookback = batch.microseconds, batch.lookback_rows
    if batch.added_rows < 1:
        raise InvalidBatch("it adds no row")
    if not EARLIEST <= int(times.min()) <= int(times.max()) < LATEST:
        raise InvalidBatch("it has time stamps before 1970 or after 2199")
    if not np.all(np.diff(times) > 0):
        raise InvalidBatch("its time stamps do not increase from row to row")
    if not batch.table.column(IS_LOOKBACK).to_numpy()[:lookback].all():
        raise InvalidBatch("its lookback rows do not all come first")
    if batch.commissioning_end >= LATEST:
        raise InvalidBatch("its commissioning time ends after 2199")
    if int(times[0]) < batch.recording_start:
        raise InvalidBatch("it has rows before the start of its recording")
    if int(times[-1]) - int(times[lookback]) > LONGEST_DAYS * 86_400 * SECOND:
        raise InvalidBatch(
            f"the rows that it adds span more than {LONGEST_DAYS} days: cut the recording into "
            "shorter batches"
        )
    first = second_of(int(times[lookback]))
    if first != batch.id.first_second:
        raise InvalidBatch(f"its first row is of {_text(first)}, but its key says otherwise")
    if batch.is_first and lookback:
        raise InvalidBatch("it is the first of its recording and yet has lookback rows")


def _text(second: datetime) -> str:
    return second.isoformat(sep=" ")
