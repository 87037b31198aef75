"""An embedded AWS with many wells' summaries, and one well's rows of its last day.

Run as ``python -m tests.bench._many_batches WELLS DAYS``; prints its port. The objects are put
into moto's memory directly: by its API a month of thirty wells takes five minutes.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from moto.s3.models import s3_backends

from petrostream.local import server
from petrostream.local.endpoint import REGION
from petrostream.schema.columns import SCORED_SCHEMA
from petrostream.schema.keys import BatchId
from petrostream.schema.parquet import write_parquet
from petrostream.schema.sensors import SENSORS, Kind
from petrostream.scoring.score_batch import Counts
from petrostream.scoring.summaries import Summary, summarise

BUCKET = "curated"
ACCOUNT = "123456789012"
ROWS = 600
ONE_IN = 40
"""So many batches have anomalies."""


def scored(batch: BatchId, *, anomalies: int) -> pa.Table:
    """Rows as the pipeline writes them, made up."""
    noise = np.random.default_rng(int(batch.first_second.timestamp()))
    times = np.datetime64(batch.first_second, "us") + np.arange(ROWS).astype("m8[s]")
    flag = np.arange(ROWS) >= ROWS - anomalies
    columns: dict[str, Any] = {
        "timestamp": times,
        "recording": [batch.recording] * ROWS,
        "status": ["scored"] * ROWS,
        "anomaly_score": np.where(flag, 1.5, 0.4) + noise.uniform(0, 0.2, ROWS),
        "anomaly_flag": flag.astype(np.int8),
        "alarm": flag.astype(np.int8),
        "top_sensor": ["P-TPT" if each else None for each in flag],
        "drivers": ["P-TPT=80% P-PDG=20%" if each else "" for each in flag],
        "limits": [""] * ROWS,
        "degraded_sensors": [""] * ROWS,
        "class": np.zeros(ROWS, dtype=np.int16),
        "microseconds": np.zeros(ROWS, dtype=np.int16),
    }
    level = {Kind.PRESSURE: 2e7, Kind.TEMPERATURE: 80.0, Kind.FLOW: 0.1, Kind.OPENING: 50.0}
    for sensor in SENSORS:
        base = level.get(sensor.kind)
        columns[sensor.name] = (
            np.ones(ROWS) if base is None else base * (1 + 0.001 * noise.normal(size=ROWS))
        )
    return pa.Table.from_arrays(
        [
            pa.array(columns[field.name]).cast(field.type)
            if field.name in columns
            else pa.nulls(ROWS, field.type)
            for field in SCORED_SCHEMA
        ],
        schema=SCORED_SCHEMA,
    )


def objects(wells: int, days: int) -> Iterator[tuple[datetime, str, bytes]]:
    """All wells' summaries, and the rows of the first well's last day: when written, key, body."""
    now = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
    for number in range(days * 144, 0, -1):
        begin = now - number * timedelta(minutes=10)
        written = begin + timedelta(minutes=10)
        for well in range(1, wells + 1):
            name = f"WELL-{well:05d}"
            batch = BatchId(name, f"{name}_20260101000000", begin)
            anomalies = 120 if (number * 7 + well * 11) % ONE_IN == 0 else 0
            if well == 1 and number <= 144:
                yield written, batch.scored, write_parquet(scored(batch, anomalies=anomalies))
            yield written, *_summary(batch, anomalies)


_known: dict[int, Summary] = {}


def _summary(batch: BatchId, anomalies: int) -> tuple[str, bytes]:
    """The figures of one batch stand for all: its times are relative to its first second."""
    if anomalies not in _known:
        rows = scored(batch, anomalies=anomalies)
        _known[anomalies] = summarise(batch, rows, counts(anomalies), "0123456789ab")
    known = _known[anomalies]
    figures = known.key.rsplit("/", maxsplit=1)[1].removesuffix(".json")
    return batch.summary(figures), known.body


def counts(anomalies: int) -> Counts:
    """What became of a made-up batch's rows."""
    return Counts(commissioning=0, scored=ROWS, unscorable=0, anomalies=anomalies)


def main(arguments: list[str]) -> int:
    """Fill the bucket, then serve."""
    wells, days = map(int, arguments)
    backend = s3_backends[ACCOUNT]["aws"]
    backend.create_bucket(BUCKET, REGION)
    for written, key, body in objects(wells, days):
        stored = backend.put_object(BUCKET, key, body, disable_notification=True)
        stored.last_modified = written
    return server.main([])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
