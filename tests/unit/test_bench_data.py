"""What `make bench-dashboard` puts into the bucket is what the pipeline would."""

from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from petrostream.schema.columns import SCORED_SCHEMA
from petrostream.schema.keys import BatchId
from petrostream.schema.parquet import write_parquet
from tests.bench._many_batches import objects, scored

BATCH = BatchId("WELL-00001", "WELL-00001_20260101000000", datetime(2026, 1, 1))


def test_made_up_rows_can_be_written_and_read() -> None:
    body = write_parquet(scored(BATCH, anomalies=3))
    read = pq.read_table(pa.BufferReader(body))
    assert read.schema.names == SCORED_SCHEMA.names
    assert sum(read.column("alarm").to_pylist()) == 3


def test_a_day_of_a_well_has_rows_and_summaries() -> None:
    keys = [key for _, key, _ in objects(1, 1)]
    assert sum(key.startswith("scored/") for key in keys) == 144
    assert sum(key.startswith("summaries/") for key in keys) == 144
