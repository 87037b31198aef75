"""What became of every reading, and whether a calm run would have done the same."""

import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from petrostream.alarms.notify import Alerts
from petrostream.aws.buckets import Bucket
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import find_recordings, read_recordings
from petrostream.registry.models import CurrentModel, ModelRegistry
from petrostream.schema.columns import STATUS, TIMESTAMP
from petrostream.schema.keys import (
    ALERTS,
    EVENTS,
    PROFILES,
    QUARANTINE,
    READINGS,
    REASON_SUFFIX,
    SCORED,
    SUMMARIES,
    parse_batch_key,
    quarantine_key,
)
from petrostream.scoring.pipeline import Pipeline
from tests.support.memory import MemoryBucket

COMPARED = (SCORED, EVENTS, SUMMARIES, PROFILES, ALERTS, QUARANTINE)
_AT_MOST = 2**30

Reading = tuple[str, str, int]
"""Well, recording, microseconds since 1970."""


@dataclass
class Account:
    """The sum of a run. `problems` is empty where everything is as it should be."""

    uploaded: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    lost: int = 0
    twice: int = 0
    equal: int = 0
    objects: int = 0
    alerts_due: int = 0
    alerts_sent: int = 0
    alerts_missing: int = 0
    dead_letters: int = 0

    @property
    def balances(self) -> bool:
        """Whether every reading is there once, and everything is as in a calm run."""
        accounted = self.by_status.total() + self.quarantined
        return (
            self.uploaded == accounted > 0
            and self.equal == self.objects > 0
            and not (self.lost or self.twice or self.alerts_missing or self.dead_letters)
        )

    def __str__(self) -> str:
        parts = [f"{self.by_status[name]} {name}" for name in ("scored", "commissioning")]
        parts += [f"{self.by_status['unscorable']} unscorable", f"{self.quarantined} quarantined"]
        return (
            f"{self.uploaded} readings uploaded = {' + '.join(parts)}; lost {self.lost}, "
            f"twice {self.twice}; objects equal to those of a calm run: {self.equal} of "
            f"{self.objects}; alerts {self.alerts_due - self.alerts_missing} of {self.alerts_due} "
            f"events ({self.alerts_sent} messages); dead letters {self.dead_letters}"
        )


def drawn_up(
    raw: Bucket,
    curated: Bucket,
    registry: ModelRegistry,
    *,
    data: Path,
    bad: dict[str, int],
    alerts: Iterable[str],
    dead_letters: int,
) -> Account:
    """Compare what is curated with what was recorded, and with a calm run over the raw objects.

    `bad` has the keys of objects that are no batches, and how many readings each has.
    """
    account = Account(dead_letters=dead_letters)
    found = _contents(curated, COMPARED)
    _count_readings(account, found, data)
    account.uploaded += sum(bad.values())
    for key, readings in bad.items():
        aside = quarantine_key(key)
        if {aside, f"{aside}{REASON_SUFFIX}"} <= found.keys():
            account.quarantined += readings
        else:
            account.lost += readings
    calm, due = _calm(raw, curated.name, registry)
    account.objects = len(calm.keys() | found.keys())
    account.equal = sum(found.get(key) == body for key, body in calm.items())
    sent = Counter(_event_of(message) for message in alerts)
    account.alerts_due, account.alerts_sent = len(due), sent.total()
    account.alerts_missing = len(due - sent.keys())
    return account


def _count_readings(account: Account, found: dict[str, bytes], data: Path) -> None:
    expected = Counter[Reading]()
    for recording in read_recordings(find_recordings(data)[0], []):
        times = _microseconds(recording.table)
        expected.update((recording.well, recording.recording, int(time)) for time in times)
    there = Counter[Reading]()
    for key, body in found.items():
        if key.startswith(SCORED):
            batch = parse_batch_key(key)
            table = pq.ParquetFile(io.BytesIO(body)).read([TIMESTAMP, STATUS], use_threads=False)
            account.by_status.update(str(each) for each in table.column(STATUS).to_pylist())
            times = _microseconds(table)
            there.update((batch.well, batch.recording, int(time)) for time in times)
    account.uploaded = expected.total()
    account.lost = (expected - there).total()
    account.twice = (there - expected).total()


def _microseconds(table: pa.Table) -> np.ndarray:
    column = table.column(TIMESTAMP).cast(pa.timestamp("us")).cast(pa.int64())
    return np.asarray(column.to_numpy())


def _contents(bucket: Bucket, prefixes: Iterable[str]) -> dict[str, bytes]:
    keys = [key for prefix in prefixes for key in bucket.keys(prefix)]
    return {key: bucket.get(key, at_most=_AT_MOST).body for key in keys}


def _calm(
    raw: Bucket, curated: str, registry: ModelRegistry
) -> tuple[dict[str, bytes], set[tuple[str, ...]]]:
    """What one pipeline in this process makes of the raw objects, and the events it tells."""
    source, made = MemoryBucket(raw.name), MemoryBucket(curated)
    source.bodies = _contents(raw, [READINGS])
    made.others[raw.name] = source
    told: set[tuple[str, ...]] = set()
    sns: Any = SimpleNamespace(publish=lambda **said: told.add(_event_of(said["Message"])))
    buckets: Any = (source, made)
    pipeline = Pipeline(*buckets, CurrentModel(registry), Alerts(buckets[1], "topic", sns))
    for key in sorted(source.bodies):
        pipeline.process(RawObject(key))
    return {key: body for key, body in made.bodies.items() if key.startswith(COMPARED)}, told


def _event_of(message: str) -> tuple[str, ...]:
    said = json.loads(message)
    return said["well"], said["recording"], said["start"]
