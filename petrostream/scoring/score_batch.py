"""Score a batch: from a raw batch, its profile and a model to the curated object."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from petrostream.alarms.events import Event, find_runs
from petrostream.detection.detector import Status
from petrostream.detection.profiles import Profile
from petrostream.documents import SMALL, Part
from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import Batch
from petrostream.ingest.readings import microseconds_of
from petrostream.registry.model_files import Model
from petrostream.schema.columns import (
    ALARM,
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    DEGRADED_SENSORS,
    DRIVERS,
    LIMITS,
    MICROSECONDS,
    RECORDING,
    SCORED_SCHEMA,
    SCORED_TIME_TYPE,
    STATUS,
    TIMESTAMP,
    TIMESTAMP_TYPE,
    TOP_SENSOR,
)
from petrostream.schema.parquet import open_bounded, write_parquet
from petrostream.schema.stored_forms import SCORED_BATCH

METADATA_KEY: Final = b"petrostream"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a batch's added rows."""

    commissioning: int
    scored: int
    unscorable: int
    anomalies: int

    @property
    def rows(self) -> int:
        """All rows that the batch adds."""
        return self.commissioning + self.scored + self.unscorable


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """A scored batch: the curated table (`SCORED_SCHEMA`), its counts and its runs."""

    table: pa.Table
    counts: Counts
    runs: list[Event]


def score_batch(batch: Batch, profile: Profile, model: Model) -> ScoredBatch:
    """Score the rows that a batch adds, row for row."""
    scores = model.detector.score(batch, profile)
    first = batch.lookback_rows
    runs = find_runs(
        batch.id.well,
        batch.id.recording,
        microseconds=batch.microseconds,
        score=scores.score,
        alarm=scores.alarm,
        sensors=batch.sensors,
        shares=scores.shares,
        limits=scores.limits,
        first_row=first,
        gap_seconds=model.detector.settings.merge_gap_seconds,
    )
    added = batch.table.slice(first)
    rows = added.num_rows
    columns: dict[str, Any] = {name: added.column(name) for name in added.schema.names}
    milliseconds, microseconds = np.divmod(batch.microseconds[first:], 1000)
    columns[TIMESTAMP] = pa.array(milliseconds).cast(SCORED_TIME_TYPE)
    columns[MICROSECONDS] = pa.array(microseconds)
    columns[RECORDING] = pa.array([batch.id.recording] * rows)
    columns[STATUS] = pa.array(scores.status[first:].tolist())
    columns[ANOMALY_SCORE] = pa.array(scores.score[first:], from_pandas=True)
    columns[ANOMALY_FLAG] = pa.array(scores.flag[first:].astype(np.int8))
    columns[ALARM] = pa.array(scores.alarm[first:].astype(np.int8))
    columns[DRIVERS] = pa.array(scores.drivers[first:].tolist())
    columns[LIMITS] = pa.array(scores.limits[first:].tolist())
    columns[TOP_SENSOR] = pa.array([name or None for name in scores.top_sensor[first:]])
    columns[DEGRADED_SENSORS] = pa.array(scores.degraded[first:].tolist())
    return ScoredBatch(
        table=_in_schema(columns, rows),
        counts=_count(scores.status[first:], scores.flag[first:]),
        runs=runs,
    )


def encode_scored(scored: ScoredBatch, batch: Batch, model: Model, raw_etag: str) -> bytes:
    """Write the curated object; the same inputs always give the same bytes."""
    facts = {
        "format": SCORED_BATCH.newest,
        "well": batch.id.well,
        "recording": batch.id.recording,
        "model_version": model.version,
        "raw_etag": raw_etag,
        "commissioning": scored.counts.commissioning,
        "scored": scored.counts.scored,
        "unscorable": scored.counts.unscorable,
        "anomalies": scored.counts.anomalies,
    }
    metadata = {METADATA_KEY: json.dumps(facts, sort_keys=True)}
    return write_parquet(scored.table.replace_schema_metadata(metadata))


def facts_of(schema: pa.Schema) -> Part:
    """Read what `encode_scored` left in an object's metadata.

    Raises
    ------
    InvalidBatch
        If its format is not one that this version reads.
        Or it is no scored batch.
    """
    found = (schema.metadata or {}).get(METADATA_KEY)
    if found is None:
        raise InvalidBatch("it is no scored batch: it has no 'petrostream' metadata")
    return SCORED_BATCH.read(found, bounds=SMALL)


def check_scored(schema: pa.Schema) -> None:
    """Check an object's format and its columns' types before any row is read.

    Text is in dictionaries, so that a long one that is repeated in every row is held once. Time
    stamps of format 1 are to the microsecond.

    Raises
    ------
    InvalidBatch
        If its format is not one that this version reads, or a column is of another type, or there
        twice.
    """
    if METADATA_KEY in (schema.metadata or {}):
        facts_of(schema)
    if len(set(schema.names)) != len(schema.names):
        raise InvalidBatch("it has two columns of the same name")
    known = {field.name: [field.type] for field in SCORED_SCHEMA}
    known[TIMESTAMP].append(TIMESTAMP_TYPE)
    for field in schema:
        if field.type not in known.get(field.name, [field.type]):
            raise InvalidBatch(
                f"its column {field.name!r} holds {field.type}, not {known[field.name][0]}"
            )


def read_scored(body: bytes, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a scored object, those that it has; time stamps are exact.

    Raises
    ------
    InvalidBatch
        If its format is not one that this version reads, a column of another type, or it is over
        a bound.
    ValueError, OSError, pyarrow.ArrowException
        If it can't be read as Parquet.
    """
    file = open_bounded(body)
    check_scored(file.schema_arrow)
    wanted = {*columns, MICROSECONDS} if TIMESTAMP in columns else {*columns}
    there = [name for name in file.schema_arrow.names if name in wanted]
    return _with_exact_times(file.read(there, use_threads=False)).select(
        [name for name in columns if name in there]
    )


def counts_of(schema: pa.Schema) -> Counts:
    """Read the counts that `encode_scored` left in an object's metadata."""
    facts = facts_of(schema)
    return Counts(
        **{
            name: facts[name].whole(least=0)
            for name in ("commissioning", "scored", "unscorable", "anomalies")
        }
    )


def model_version_of(schema: pa.Schema) -> str:
    """Read which model scored an object from its metadata."""
    return facts_of(schema)["model_version"].text()


def _with_exact_times(table: pa.Table) -> pa.Table:
    """Time stamps to the microsecond, as a batch has them."""
    if TIMESTAMP not in table.schema.names:
        return table
    exact = pa.array(microseconds_of(table)).cast(TIMESTAMP_TYPE)
    return table.set_column(table.schema.get_field_index(TIMESTAMP), TIMESTAMP, exact)


def _in_schema(columns: dict[str, Any], rows: int) -> pa.Table:
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.nulls(rows, field.type)
        for field in SCORED_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCORED_SCHEMA)


def _count(status: np.ndarray, flag: np.ndarray) -> Counts:
    return Counts(
        commissioning=int(np.count_nonzero(status == Status.COMMISSIONING.value)),
        scored=int(np.count_nonzero(status == Status.SCORED.value)),
        unscorable=int(np.count_nonzero(status == Status.UNSCORABLE.value)),
        anomalies=int(np.count_nonzero(flag)),
    )
