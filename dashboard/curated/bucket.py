"""Read the curated bucket: the summaries of all batches, and the rows of a few.

Summaries say how many rows became what, so the figures over all wells need no row at all. Rows
are read with awswrangler, of one well at a time. What was read is remembered, so that reading
again costs what is new.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import awswrangler as wr
import numpy as np
import pandas as pd
import pyarrow as pa
from botocore.config import Config

from dashboard.curated.event_reader import EventReader
from dashboard.curated.listing_cache import ListingCache
from dashboard.curated.listing_follower import ListingFollower
from dashboard.curated.row_cache import WellRows, joined
from dashboard.curated.snapshot import ScoredObject, Snapshot
from dashboard.curated.summary_listing import MOST_REFUSED, SummaryListing
from dashboard.curated.unreadable import Unreadable, unreadable_reason
from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import explained
from petrostream.errors import InvalidBatch, ObjectMissing, PermanentError, SettingsError
from petrostream.parallel import in_parallel
from petrostream.schema.columns import (
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    CLASS,
    DEGRADED_SENSORS,
    DRIVERS,
    MICROSECONDS,
    RECORDING,
    STATUS,
    TIMESTAMP,
    TOP_SENSOR,
)
from petrostream.schema.keys import SCORED
from petrostream.schema.parquet import read_schema_bounded
from petrostream.schema.sensors import BY_NAME, FIRST_SENSORS, SENSOR_NAMES
from petrostream.schema.stored_forms import SUMMARY
from petrostream.scoring.score_batch import check_scored

VERDICT_COLUMNS: Final = (
    STATUS, ANOMALY_SCORE, ANOMALY_FLAG, TOP_SENSOR, DRIVERS, DEGRADED_SENSORS,
)  # fmt: skip
"""What the pipeline says of a reading."""

_COLUMNS: Final = (TIMESTAMP, RECORDING, CLASS, *SENSOR_NAMES, *VERDICT_COLUMNS)
_JOINED_LATER: Final = frozenset(SENSOR_NAMES[FIRST_SENSORS:])
"""Sensors that objects of before they joined do not have."""

_WORDS: Final = (RECORDING, STATUS, TOP_SENSOR, DRIVERS, DEGRADED_SENSORS)
_PARALLEL: Final = 8
_FIGURES_KEPT: Final = 10_000
_FOOTER_BYTES: Final = 64 * 1024
_MAX_SUMMARY_BYTES: Final = 1024 * 1024
_UNREADABLE: Final = (
    pa.ArrowException,
    wr.exceptions.InvalidFile,
    wr.exceptions.NoFilesFound,
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
class Rows:
    """Rows of one well, in the order of time.

    `table` has `timestamp` (UTC without a zone), the recording, 3W's label (`class`), the sensors
    that have any reading, `VERDICT_COLUMNS`, and what else the pipeline wrote.
    """

    table: pd.DataFrame

    @property
    def sensors(self) -> tuple[str, ...]:
        """The sensors that have readings, in the order of the one list of sensors."""
        return tuple(name for name in SENSOR_NAMES if name in self.table.columns)

    def between(self, start: datetime, end: datetime) -> "Rows":
        """The rows from one time to another, both included."""
        return Rows(_with_readings(self.table[self.table[TIMESTAMP].between(start, end)]))


class Curated:
    """The curated bucket; remembers what it has read. Safe to share between threads.

    Every method raises `ServiceUnavailable` where AWS does not do its part, and `SettingsError`
    where it can't be asked at all.
    """

    def __init__(self, bucket: str) -> None:
        try:
            self._s3 = clients.s3()
        except ValueError as error:  # boto3's answer to an endpoint that is no address
            raise SettingsError(f"AWS can't be used: {error}") from error
        self._bucket = Bucket(bucket, self._s3)
        cache = ListingCache.of(self._s3.meta.endpoint_url, bucket)
        self._events = EventReader(self._bucket)
        self._follower = ListingFollower(SummaryListing(bucket, self._s3), cache)
        self._unreadable: dict[str, Unreadable] = {}
        self._wells = WellRows(_empty(_COLUMNS), self._read_rows)
        self._figures: dict[str, dict[str, dict[str, float]]] = {}

    @property
    def address(self) -> str:
        """Where the scored objects are."""
        return f"s3://{self._bucket.name}/{SCORED}"

    @property
    def bucket(self) -> Bucket:
        """The bucket itself."""
        return self._bucket

    @property
    def events(self) -> EventReader:
        """The reader of events."""
        return self._events

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The scored objects, event documents and summaries that could not be read so far."""
        refused = (Unreadable(*each) for each in self._follower.refused.items())
        return (*dict(self._unreadable).values(), *self._events.unreadable, *refused)

    @property
    def may_have_more_unreadable(self) -> bool:
        """Whether `unreadable` names as many summaries as it can: there may be others."""
        return len(self._follower.refused) >= MOST_REFUSED

    def snapshot(self, wait_seconds: float | None = None) -> Snapshot | None:
        """What is known of the scored batches after `wait_seconds` of listing what is new."""
        return self._follower.update(wait_seconds)

    @property
    def known(self) -> Snapshot | None:
        """What is known of the scored batches already, without listing."""
        return self._follower.known

    def rows(self, objects: Sequence[ScoredObject]) -> Rows:
        """Read the rows of some scored objects of one well, those that are new.

        Where an object that was read before is another one now, the well is read anew.
        """
        if not objects:
            return Rows(_empty(_COLUMNS))
        wanted = {each.key: each.modified for each in objects}
        table = self._wells.of(objects[0].batch.well, wanted)
        first, last = min(each.first for each in objects), max(each.last for each in objects)
        recordings = {each.batch.recording for each in objects}
        chosen = table[TIMESTAMP].between(first, last)
        return Rows(_with_readings(table[chosen & table[RECORDING].isin(recordings)]))

    def figures(
        self, keys: Sequence[str], *, at_once: int
    ) -> tuple[list[dict[str, dict[str, float]]], int]:
        """Figures of each sensor from summaries' bodies, reading at most `at_once` new ones.

        Returns
        -------
        A mapping by sensor for each key, empty where it was not read (or the key is empty); and
        how many are left to read.
        """
        fresh = [key for key in keys if key and key not in self._figures]
        now = fresh[:at_once]
        for key, found in zip(now, in_parallel(self._read_figures, now), strict=True):
            self._figures[key] = found
        while len(self._figures) > _FIGURES_KEPT:
            self._figures.pop(next(iter(self._figures)))
        return [self._figures.get(key, {}) for key in keys], len(fresh) - len(now)

    def _read_figures(self, key: str) -> dict[str, dict[str, float]]:
        try:
            document = SUMMARY.read(self._bucket.get(key, at_most=_MAX_SUMMARY_BYTES).body)
            return {
                sensor: {name: figure.number() for name, figure in figures.fields()}
                for sensor, figures in document["sensors"].fields()
            }
        except PermanentError:
            return {}

    def _read_rows(self, keys: Sequence[str]) -> pd.DataFrame:
        """Read some objects; where that fails, halve until the culprit is left."""
        try:
            table = self._read_parquet(keys)
        except _UNREADABLE as error:
            if len(keys) == 1:
                self._unreadable[keys[0]] = Unreadable(keys[0], unreadable_reason(error))
                return _empty(_COLUMNS)
        else:
            for key in keys:
                self._unreadable.pop(key, None)
            return table
        middle = len(keys) // 2
        return joined([self._read_rows(keys[:middle]), self._read_rows(keys[middle:])])

    def _read_parquet(self, keys: Sequence[str]) -> pd.DataFrame:
        in_parallel(self._check, keys)
        with explained(f"reading {self.address}"):
            table = wr.s3.read_parquet(
                path=[f"s3://{self._bucket.name}/{key}" for key in keys],
                use_threads=_PARALLEL,
            )
        missing = [name for name in _COLUMNS if name not in table]
        if not _JOINED_LATER.issuperset(missing):
            raise InvalidBatch(f"its columns lack {', '.join(missing)}")
        table = with_exact_times(table).assign(**dict.fromkeys(missing, np.nan))
        kinds: dict[str, Any] = dict.fromkeys(_WORDS, object) | {ANOMALY_FLAG: np.int8}
        if table[TIMESTAMP].isna().any():
            raise InvalidBatch(f"its column {TIMESTAMP!r} has gaps")
        return joined([table.astype(kinds)])

    def _check(self, key: str) -> None:
        """Hold what an object says of itself against bounds and types, before it is read."""
        check_scored(read_schema_bounded(self._bucket.get_tail(key, _FOOTER_BYTES)))


def _empty(columns: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})


def with_exact_times(table: pd.DataFrame) -> pd.DataFrame:
    """Scored rows with time stamps to the microsecond, of whatever format their objects are."""
    times = table[TIMESTAMP].astype("datetime64[us]")
    if MICROSECONDS not in table:
        return table.assign(**{TIMESTAMP: times})
    beyond = table[MICROSECONDS].fillna(0).astype("int64").astype("timedelta64[us]")
    return table.assign(**{TIMESTAMP: times + beyond}).drop(columns=MICROSECONDS)


def _with_readings(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the sensors that have no reading at all."""
    return table[[name for name in table if name not in BY_NAME or table[name].notna().any()]]
