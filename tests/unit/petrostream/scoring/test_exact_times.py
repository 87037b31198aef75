"""Time stamps as SQL on AWS can read them, and none of them lost: to the last microsecond."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.curated.bucket import with_exact_times
from petrostream.detection import profiles
from petrostream.ingest.batches import Batch, cut
from petrostream.ingest.readings import microseconds_of
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model
from petrostream.schema.columns import TIMESTAMP, TIMESTAMP_TYPE
from petrostream.scoring import summaries
from petrostream.scoring.score_batch import ScoredBatch, encode_scored, read_scored, score_batch

WITHIN_A_SECOND = (0, 1, 999, 1000, 1001, 999_999)
"""Microseconds after the second; all but two of them share a millisecond with another."""


@pytest.fixture(scope="module")
def dense(recordings: list[Recording]) -> Recording:
    """A recording with several readings a millisecond."""
    table = recordings[0].table
    second, place = np.divmod(np.arange(table.num_rows), len(WITHIN_A_SECOND))
    times = recordings[0].microseconds[0] + second * 1_000_000 + np.array(WITHIN_A_SECOND)[place]
    column = pa.array(times).cast(TIMESTAMP_TYPE)
    return replace(recordings[0], table=table.set_column(0, table.schema.field(0), column))


@pytest.fixture(scope="module")
def scored(dense: Recording, model: Model) -> list[tuple[Batch, ScoredBatch]]:
    batches = list(cut(dense))
    profile = profiles.learn(batches[0])
    return [(batch, score_batch(batch, profile, model)) for batch in batches]


def bodies(scored: list[tuple[Batch, ScoredBatch]], model: Model) -> Iterator[tuple[Batch, bytes]]:
    for batch, found in scored:
        yield batch, encode_scored(found, batch, model, "etag")


def test_no_column_holds_a_time_finer_than_a_millisecond(
    scored: list[tuple[Batch, ScoredBatch]], model: Model
) -> None:
    for _, body in bodies(scored, model):
        columns = pq.ParquetFile(pa.BufferReader(body)).schema
        kinds = [str(columns.column(place).logical_type) for place in range(len(columns))]
        times = [kind for kind in kinds if kind.startswith("Time")]
        assert len(times) == 1 and "timeUnit=milliseconds" in times[0]


def test_every_reading_keeps_its_microsecond(
    scored: list[tuple[Batch, ScoredBatch]], model: Model
) -> None:
    lost_by_itself = 0
    for batch, body in bodies(scored, model):
        expected = batch.microseconds[batch.lookback_rows :]
        table = pq.ParquetFile(pa.BufferReader(body)).read()
        assert microseconds_of(table).tolist() == expected.tolist()
        assert len(set(expected.tolist())) == table.num_rows
        lost_by_itself += table.num_rows - len(set(table.column(TIMESTAMP).to_pylist()))

        read = read_scored(body, ["status", TIMESTAMP])
        assert read.schema.names == ["status", TIMESTAMP]
        assert read.schema.field(TIMESTAMP).type == TIMESTAMP_TYPE
        assert microseconds_of(read).tolist() == expected.tolist()

        frame = with_exact_times(table.to_pandas())
        assert frame[TIMESTAMP].to_numpy().astype(np.int64).tolist() == expected.tolist()
        assert "microseconds" not in frame
    assert lost_by_itself, "nothing to lose"


def test_summaries_count_from_the_exact_times(
    scored: list[tuple[Batch, ScoredBatch]], model: Model
) -> None:
    for batch, found in scored:
        as_before = found.table.set_column(
            0, TIMESTAMP, pa.array(microseconds_of(found.table)).cast(TIMESTAMP_TYPE)
        ).drop_columns("microseconds")
        now, then = (
            summaries.summarise(batch.id, each, found.counts, model.version)
            for each in (found.table, as_before)
        )
        assert now == then


def test_rows_of_both_formats_stand_side_by_side() -> None:
    """As awswrangler gives them, which reads objects of both at once."""
    old = pd.DataFrame({TIMESTAMP: pd.Series([1_000_001], dtype="datetime64[us]")})
    new = pd.DataFrame(
        {
            TIMESTAMP: pd.Series([1000], dtype="datetime64[ms]"),
            "microseconds": pd.Series([2], dtype="Int16"),
        }
    )
    together = with_exact_times(pd.concat([old, new], ignore_index=True))
    assert together[TIMESTAMP].to_numpy().astype(np.int64).tolist() == [1_000_001, 1_000_002]
    assert with_exact_times(old)[TIMESTAMP].tolist() == old[TIMESTAMP].tolist()
