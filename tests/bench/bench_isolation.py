"""What reading in a process of its own costs: a batch read there, beside one read here.

Run as ``python -m tests.bench.bench_isolation [READS]``; prints JSON. The batch is a usual one: ten
minutes of ten sensors, a reading a second, and its lookback. Both ways take turns, so that what
else the machine does hits both.
"""

import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from petrostream.ingest.batches import (
    BATCH_SECONDS,
    COMMISSIONING_SECONDS,
    LOOKBACK_SECONDS,
    Batch,
    decode,
    encode,
)
from petrostream.ingest.isolation import IsolatedReader
from petrostream.schema.columns import IS_LOOKBACK, READING_SCHEMA, SECOND, TIMESTAMP
from petrostream.schema.keys import BatchId
from petrostream.schema.sensors import SENSOR_NAMES

READS = 400
SENSORS = 10
FIRST = datetime(2026, 1, 1, 12)


def usual() -> Batch:
    """A usual batch, made up."""
    rows = LOOKBACK_SECONDS + BATCH_SECONDS
    noise = np.random.default_rng(1)
    begin = int(FIRST.replace(tzinfo=UTC).timestamp()) * SECOND
    columns: dict[str, Any] = {
        TIMESTAMP: pa.array(begin + SECOND * (np.arange(rows) - LOOKBACK_SECONDS)).cast(
            READING_SCHEMA.field(TIMESTAMP).type
        ),
        **{name: pa.array(50 + noise.normal(size=rows)) for name in SENSOR_NAMES[:SENSORS]},
        IS_LOOKBACK: pa.array(np.arange(rows) < LOOKBACK_SECONDS),
    }
    return Batch(
        id=BatchId("WELL-00001", "WELL-00001_20260101000000", FIRST),
        recording_start=begin - 43_200 * SECOND,
        commissioning_seconds=COMMISSIONING_SECONDS,
        lookback_seconds=LOOKBACK_SECONDS,
        table=pa.table(columns),
    )


def measure(reads: int = READS) -> dict[str, Any]:
    """Read a batch many times, both ways.

    Returns
    -------
    dict
        Milliseconds a batch: `added`, the median of the differences (on a machine with other work
        it is that work's turns, mostly); `added_at_best`, the fastest of each; `added_cpu`, the
        CPU time of all processes; `first`, what the first one takes, for which a process is
        forked. `bytes`, `rows`, `sensors` of the batch; `python`.
    """
    batch = usual()
    data = encode(batch)
    reader = IsolatedReader()
    first = _milliseconds(lambda: decode(data, batch.id, reader))
    decode(data, batch.id)
    pairs = [
        (
            _milliseconds(lambda: decode(data, batch.id)),
            _milliseconds(lambda: decode(data, batch.id, reader)),
        )
        for _ in range(reads)
    ]
    reader.close()
    cpu = [_cpu_milliseconds(data, batch, read, reads) for read in (None, IsolatedReader())]
    return {
        "added": round(statistics.median(there - here for here, there in pairs), 3),
        "added_at_best": round(
            min(there for _, there in pairs) - min(here for here, _ in pairs), 3
        ),
        "added_cpu": round(cpu[1] - cpu[0], 3),
        "first": round(first, 1),
        "rows": batch.table.num_rows,
        "sensors": SENSORS,
        "bytes": len(data),
        "python": platform.python_version(),
    }


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _cpu_milliseconds(data: bytes, batch: Batch, read: IsolatedReader | None, reads: int) -> float:
    before = _cpu_seconds()
    for _ in range(reads):
        decode(data, batch.id, read)
    if read is not None:
        read.close()
    return 1000 * (_cpu_seconds() - before) / reads


def _cpu_seconds() -> float:
    """CPU time of this process and of those below it that have ended."""
    return sum(
        sum(resource.getrusage(which)[:2])
        for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def main(arguments: list[str]) -> int:
    """Print the measurement as JSON."""
    measured = measure(int(arguments[0]) if arguments else READS)
    sys.stdout.write(f"{json.dumps(measured, indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
