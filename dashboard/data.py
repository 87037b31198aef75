"""Read the curated bucket: every scored object's footer, and the rows of a few.

A footer says how many rows became what and from when to when they are, so the figures over
all wells need no row at all. Rows are read with awswrangler, for one recording at a time and
for the newest minutes of each well. What was read is remembered by key and ETag: reading again
costs a listing and what is new.
"""

import json
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import awswrangler as wr
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config

from petrostream import aws
from petrostream.aws import explained
from petrostream.columns import (
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    DEGRADED_SENSORS,
    STATUS,
    TIMESTAMP,
    TOP_SENSOR,
    WELL,
)
from petrostream.errors import InvalidBatch, ObjectMissing, SettingsError
from petrostream.keys import SCORED, BatchId, parse_batch_key
from petrostream.scoring import Counts, counts_of
from petrostream.sensors import BY_NAME, SENSOR_NAMES
from petrostream.storage import Bucket

VERDICT_COLUMNS: Final = (STATUS, ANOMALY_SCORE, ANOMALY_FLAG, TOP_SENSOR, DEGRADED_SENSORS)
"""What the pipeline says of a reading."""

_FOOTER_BYTES: Final = 32 * 1024
_PARALLEL: Final = 8
_FOOTERS_A_STEP: Final = 64
_RECORDINGS_KEPT: Final = 8
_UNREADABLE: Final = (
    pa.ArrowException,
    wr.exceptions.InvalidFile,
    InvalidBatch,
    ObjectMissing,
    OSError,
    KeyError,
    TypeError,
    ValueError,
)

wr.config.botocore_config = Config(
    retries={"mode": "standard", "max_attempts": 3},
    connect_timeout=3,
    read_timeout=25,
    max_pool_connections=_PARALLEL,
)


@dataclass(frozen=True, slots=True)
class ScoredObject:
    """One scored batch as its footer describes it; times are UTC without a zone.

    `first` and `last` are its rows' first and last time stamps, `modified` is when it was scored.
    """

    batch: BatchId
    etag: str
    modified: datetime
    counts: Counts
    first: datetime
    last: datetime

    @property
    def key(self) -> str:
        """Key in the curated bucket."""
        return self.batch.scored


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object under `scored/` that is left out, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was in the curated bucket at one moment (`taken`, UTC without a zone).

    `objects` are in the order of wells, then time.
    """

    taken: datetime
    objects: tuple[ScoredObject, ...]

    def by_well(self) -> dict[str, list[ScoredObject]]:
        """The scored batches of each well, oldest first."""
        wells: dict[str, list[ScoredObject]] = defaultdict(list)
        for each in self.objects:
            wells[each.batch.well].append(each)
        return dict(wells)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one recording, in the order of time.

    `table` has `timestamp` (UTC without a zone), the sensors that have any reading, and
    `VERDICT_COLUMNS`.
    """

    table: pd.DataFrame

    @property
    def sensors(self) -> tuple[str, ...]:
        """The sensors that have readings, in the order of the one list of sensors."""
        return tuple(name for name in SENSOR_NAMES if name in self.table.columns)

    def between(self, start: datetime, end: datetime) -> "Rows":
        """The rows from one time to another, both included."""
        return Rows(self.table[self.table[TIMESTAMP].between(start, end)])


@dataclass(frozen=True, slots=True)
class _Listed:
    key: str
    etag: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class _Read:
    """A table, and the ETag of each object that it was read from."""

    table: pd.DataFrame
    etags: dict[str, str]


class Curated:
    """The curated bucket; remembers what it has read. Safe to share between threads.

    Every method raises `ServiceUnavailable` where AWS does not do its part, and `SettingsError`
    where it can't be asked at all.
    """

    def __init__(self, bucket: str) -> None:
        try:
            self._s3 = aws.s3()
        except ValueError as error:  # boto3's answer to an endpoint that is no address
            raise SettingsError(f"AWS can't be used: {error}") from error
        self._bucket = Bucket(bucket, self._s3)
        self._footers: dict[str, tuple[str, ScoredObject | Unreadable]] = {}
        self._recordings: OrderedDict[tuple[str, str], _Read] = OrderedDict()
        self._newest: dict[str, _Read] = {}
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Where the scored objects are."""
        return f"s3://{self._bucket.name}/{SCORED}"

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """What was found unreadable so far, by its footer or by its rows."""
        with self._lock:
            found = [each for _, each in self._footers.values()]
        return tuple(each for each in found if isinstance(each, Unreadable))

    def snapshot(self, on_progress: Callable[[int, int], None] | None = None) -> Snapshot:
        """List the scored objects and read the footers that are new.

        `on_progress` is told how many footers of how many have been read.
        """
        with self._lock:
            taken = datetime.now(UTC).replace(tzinfo=None)
            listed = {each.key: each for each in self._list()}
            self._footers = {
                key: known
                for key, known in self._footers.items()
                if key in listed and listed[key].etag == known[0]
            }
            fresh = [each for key, each in listed.items() if key not in self._footers]
            self._read_footers(fresh, on_progress)
            objects = [each for _, each in self._footers.values() if isinstance(each, ScoredObject)]
            return Snapshot(
                taken, tuple(sorted(objects, key=lambda each: (each.batch.well, each.first)))
            )

    def newest(self, snapshot: Snapshot) -> dict[str, pd.DataFrame]:
        """Read the verdicts of each well's newest batch, and of its newest with anomalies."""
        with self._lock:
            wanted = {
                well: {each.key: each.etag for each in _telling(objects)}
                for well, objects in snapshot.by_well().items()
            }
            known = self._newest
            changed = [
                well for well in wanted if well not in known or known[well].etags != wanted[well]
            ]
            keys = [key for well in changed for key in wanted[well]]
            table = self._read_rows(keys, (TIMESTAMP, *VERDICT_COLUMNS))
            for well in changed:
                self._newest[well] = _Read(table[table[WELL] == well], wanted[well])
            return {well: self._newest[well].table for well in wanted}

    def rows(self, objects: Sequence[ScoredObject]) -> Rows:
        """Read the rows of some scored objects of one recording, those that are new.

        Where an object that was read before is another one now, its recording is read anew.
        """
        columns = (TIMESTAMP, *SENSOR_NAMES, *VERDICT_COLUMNS)
        if not objects:
            return Rows(_empty(columns))
        name = (objects[0].batch.well, objects[0].batch.recording)
        with self._lock:
            known = self._recordings.pop(name, None)
            if known is None or not self._are_current(known.etags):
                known = _Read(_empty(columns), {})
            fresh = {each.key: each.etag for each in objects if each.key not in known.etags}
            if fresh:
                table = _joined([known.table, self._read_rows(list(fresh), columns)])
                known = _Read(table, known.etags | fresh)
            self._recordings[name] = known
            while len(self._recordings) > _RECORDINGS_KEPT:
                self._recordings.popitem(last=False)
        first, last = min(each.first for each in objects), max(each.last for each in objects)
        wanted = known.table[TIMESTAMP].between(first, last)
        return Rows(_with_readings(known.table[wanted]))

    def _are_current(self, etags: dict[str, str]) -> bool:
        return all(self._footers.get(key, ("", None))[0] == etag for key, etag in etags.items())

    def _list(self) -> Iterator[_Listed]:
        with explained(f"listing {self.address}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=SCORED
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield _Listed(
                        key=item["Key"],
                        etag=item["ETag"].strip('"'),
                        size=item["Size"],
                        modified=item["LastModified"].astimezone(UTC).replace(tzinfo=None),
                    )

    def _read_footers(
        self, listed: Sequence[_Listed], on_progress: Callable[[int, int], None] | None
    ) -> None:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for start in range(0, len(listed), _FOOTERS_A_STEP):
                if on_progress:
                    on_progress(start, len(listed))
                step = listed[start : start + _FOOTERS_A_STEP]
                for each, footer in zip(step, pool.map(self._read_footer, step), strict=True):
                    self._footers[each.key] = (each.etag, footer)

    def _read_footer(self, listed: _Listed) -> ScoredObject | Unreadable:
        try:
            batch = parse_batch_key(listed.key)
            if batch.scored != listed.key:
                raise InvalidBatch(f"its key should be {batch.scored}")
            if not listed.size:
                raise InvalidBatch("it is empty")
            tail = self._bucket.get_tail(listed.key, _FOOTER_BYTES)
            return _described(batch, listed, pq.read_metadata(pa.BufferReader(tail)))
        except _UNREADABLE as error:
            return Unreadable(listed.key, _reason(error))

    def _read_rows(self, keys: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        """Read some columns of some objects; where that fails, halve until the culprit is left."""
        if not keys:
            return _empty((*columns, WELL))
        try:
            return self._read_parquet(keys, columns)
        except _UNREADABLE as error:
            if len(keys) == 1:
                self._leave_out(Unreadable(keys[0], _reason(error)))
                return _empty((*columns, WELL))
        middle = len(keys) // 2
        return _joined(
            [self._read_rows(keys[:middle], columns), self._read_rows(keys[middle:], columns)]
        )

    def _leave_out(self, unreadable: Unreadable) -> None:
        if unreadable.key in self._footers:
            etag, _ = self._footers[unreadable.key]
            self._footers[unreadable.key] = (etag, unreadable)

    def _read_parquet(self, keys: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        with explained(f"reading {self.address}"):
            table = wr.s3.read_parquet(
                path=[f"s3://{self._bucket.name}/{key}" for key in keys],
                path_root=self.address,
                dataset=True,
                columns=list(columns),
                use_threads=_PARALLEL,
            )
        words = [name for name in (*VERDICT_COLUMNS, WELL) if name != ANOMALY_SCORE]
        kinds: dict[str, Any] = dict.fromkeys(words, object) | {ANOMALY_FLAG: np.int8}
        return _joined([table[[*columns, WELL]].astype(kinds)])


def _empty(columns: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})


def _joined(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put tables of the same columns together, in the order of time."""
    tables = list(tables)
    filled = [table for table in tables if len(table)]
    if not filled:
        return tables[0]
    return pd.concat(filled).sort_values(TIMESTAMP, kind="stable", ignore_index=True)


def _with_readings(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the sensors that have no reading at all."""
    return table[[name for name in table if name not in BY_NAME or table[name].notna().any()]]


def _telling(objects: Sequence[ScoredObject]) -> list[ScoredObject]:
    """Of one well's batches, the newest, and the newest that has anomalies."""
    newest = max(objects, key=lambda each: each.last)
    flagged = [each for each in objects if each.counts.anomalies]
    alarming = max(flagged, key=lambda each: each.last, default=newest)
    return [newest] if alarming is newest else [newest, alarming]


def _described(batch: BatchId, listed: _Listed, footer: Any) -> ScoredObject:
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    column = footer.schema.names.index(TIMESTAMP)
    times = [group.column(column).statistics for group in groups if group.num_rows]
    if not times or not all(each is not None and each.has_min_max for each in times):
        raise InvalidBatch("it has no rows, or does not say of when they are")
    return ScoredObject(
        batch=batch,
        etag=listed.etag,
        modified=listed.modified,
        counts=counts_of(pa.schema([], metadata=footer.metadata)),
        first=min(each.min for each in times),
        last=max(each.max for each in times),
    )


def _reason(error: Exception) -> str:
    """An error in one line; a missing piece of metadata is all that raises the first three."""
    if isinstance(error, KeyError | TypeError | json.JSONDecodeError):
        return "it is not a scored batch: PetroStream's metadata is missing or damaged"
    return str(error).strip().split("\n", maxsplit=1)[0][:200] or type(error).__name__
