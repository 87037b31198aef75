"""The largest legal object, and what a function of its own takes for it.

Run as ``python -m tests.support.largest MODEL_FOLDER FIRST_OBJECT OBJECT``; prints JSON.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from petrostream.alarms.notify import Alerts
from petrostream.ingest.batches import (
    COMMISSIONING_SECONDS,
    LOOKBACK_SECONDS,
    MAX_ROWS,
    Batch,
)
from petrostream.ingest.isolation import IsolatedReader
from petrostream.ingest.notifications import RawObject
from petrostream.registry.model_files import FOREST_NAME, MANIFEST_NAME, Pointer, unpack
from petrostream.schema.columns import IS_LOOKBACK, READING_SCHEMA, SECOND, TIMESTAMP
from petrostream.schema.keys import BatchId, second_of
from petrostream.schema.sensors import BY_NAME, SENSOR_NAMES
from petrostream.scoring.pipeline import Pipeline
from tests.support.memory import MemoryBucket

START = 1_700_000_000 * SECOND
STEP = 5 * SECOND
"""Between two rows: scores are evaluated every five seconds, so each row has one of its own."""


def made_up(rows: int, *, first: bool) -> Batch:
    """A batch of one recording: all sensors, each of them restless, in as many rows.

    They wander off, so that each row has other drivers, and there is an alarm most of the time.
    """
    noise = np.random.default_rng(7)
    times = START + STEP * np.arange(rows)
    lookback = 0 if first else LOOKBACK_SECONDS * SECOND // STEP
    columns: dict[str, Any] = {}
    for field in READING_SCHEMA:
        values = np.zeros(rows)
        if field.name in BY_NAME:
            low, high = BY_NAME[field.name].plausible
            middle, room = (low + high) / 2, (high - low) / 4
            far = np.sin(np.arange(rows) * noise.uniform(1e-4, 1e-3)) * (0 if first else 1)
            values = middle + room * (0.9 * far + 0.001 * noise.normal(size=rows))
        columns[field.name] = (
            pa.array(values).cast(field.type)
            if field.name != TIMESTAMP
            else (pa.array(times).cast(field.type))
        )
    columns[IS_LOOKBACK] = pa.array(np.arange(rows) < lookback)
    well = "WELL-00001"
    recording = f"{well}_{second_of(START):%Y%m%d%H%M%S}"
    return Batch(
        id=BatchId(well, recording, second_of(int(times[lookback]))),
        recording_start=START,
        commissioning_seconds=COMMISSIONING_SECONDS,
        lookback_seconds=LOOKBACK_SECONDS,
        table=pa.table(columns),
    )


def largest() -> Batch:
    """As many rows of as many sensors as an object may have, with a score for each."""
    return made_up(MAX_ROWS, first=False)


def first_of_it() -> Batch:
    """The first batch of its recording: the commissioning time, and one row."""
    return made_up(COMMISSIONING_SECONDS * SECOND // STEP + 1, first=True)


def main(arguments: list[str]) -> int:
    """Process both objects as the function does; print what that took."""
    folder, *objects = map(Path, arguments)
    pointer = Pointer.from_json((folder / "pointer.json").read_text())
    model = unpack(
        pointer, (folder / MANIFEST_NAME).read_bytes(), (folder / FOREST_NAME).read_bytes()
    )
    reader = IsolatedReader()
    raw, curated = MemoryBucket("raw"), MemoryBucket("curated")
    curated.others["raw"] = raw
    current: Any = SimpleNamespace(get=lambda: model)
    topic: Any = SimpleNamespace(publish=lambda **_: None)
    buckets: Any = (raw, curated)
    pipeline = Pipeline(*buckets, current, Alerts(buckets[1], "topic", topic), read=reader)
    began = time.process_time()
    for path in objects:
        key = path.read_text()
        raw.bodies[key] = path.with_suffix(".parquet").read_bytes()
        outcome = pipeline.process(RawObject(key))
    spent = time.process_time() - began
    processes = [told_of(process) for process in processes_below(os.getpid())]
    reader.close()
    spent += sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    found = {
        "outcome": outcome.disposition.value,
        "rows": outcome.counts.scored if outcome.counts else 0,
        "sensors": len(SENSOR_NAMES),
        "cpu_seconds": spent,
        "peak_bytes": 1024
        * (told_of(os.getpid())["VmHWM"] + sum(told["RssAnon"] for told in processes)),
    }
    sys.stdout.write(json.dumps(found))
    return 0


def processes_below(process: int) -> list[int]:
    """A process's children, theirs, and so on."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [below for child in map(int, children) for below in (child, *processes_below(child))]


def told_of(process: int) -> dict[str, int]:
    """What Linux says of a process's memory, in KiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) for name in ("RssAnon", "VmHWM")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
