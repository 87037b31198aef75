"""The batch contract."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petrostream.errors import InvalidBatch
from petrostream.ingest import batches
from petrostream.ingest.batches import cut, decode, encode
from petrostream.ingest.readings import LATEST
from petrostream.ingest.recordings import Recording
from petrostream.schema.columns import IS_LOOKBACK, SECOND, TIMESTAMP, TIMESTAMP_TYPE
from petrostream.schema.keys import parse_batch_key
from petrostream.schema.parquet import write_parquet

START = 1_485_914_527_000_000


def recording_of(seconds: np.ndarray) -> Recording:
    table = pa.table(
        {
            TIMESTAMP: pa.array((START + seconds * 1_000_000).astype(int)).cast(TIMESTAMP_TYPE),
            "P-PDG": pa.array(seconds * 1.0),
            "class": pa.array(np.zeros(len(seconds)), pa.int16()),
        }
    )
    return Recording("WELL-00001", "WELL-00001_20170201020207", table)


@pytest.fixture
def recording() -> Recording:
    return recording_of(np.arange(4000))


def test_every_row_is_added_once_and_the_first_batch_spans_commissioning(
    recording: Recording,
) -> None:
    found = list(cut(recording, batch_seconds=600, commissioning_seconds=900))
    assert [batch.added_rows for batch in found] == [900, 600, 600, 600, 600, 600, 100]
    assert found[0].is_first and not any(batch.is_first for batch in found[1:])
    added = np.concatenate([batch.microseconds[batch.lookback_rows :] for batch in found])
    assert (added == recording.microseconds).all()


def test_lookback_is_the_time_before_not_a_number_of_rows() -> None:
    seconds = np.concatenate([np.arange(1000), np.arange(1790, 2400), np.arange(9000, 9100)])
    found = list(cut(recording_of(seconds), batch_seconds=600, lookback_seconds=100))
    assert [batch.added_rows for batch in found] == [900, 100, 310, 300, 100]
    assert [batch.lookback_rows for batch in found] == [0, 100, 0, 100, 0]


def test_keys_follow_the_layout_and_read_back(recording: Recording) -> None:
    second = list(cut(recording))[1]
    assert second.id.raw == (
        "readings/well=WELL-00001/date=2017-02-01/WELL-00001_20170201020207-20170201T021707.parquet"
    )
    for key in (second.id.raw, second.id.scored, second.id.events):
        assert parse_batch_key(key) == second.id


@pytest.mark.parametrize(
    "key",
    [
        "readings/loose.parquet",
        "readings/well=A/date=2017-02-30/A_1-20170230T000000.parquet",
        "readings/well=A/date=2017-02-01/A_1-20170202T000000.parquet",
        "readings/well=../date=2017-02-01/A_1-20170201T000000.parquet",
        "readings/well=A/date=2017-02-01/a b-20170201T000000.parquet",
        "readings/well=A/date=2017-02-01/A_1-20170201T000000.csv",
    ],
)
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(InvalidBatch, match="key"):
        parse_batch_key(key)


def test_bytes_come_back_as_the_same_batch_and_are_always_the_same(recording: Recording) -> None:
    for batch in cut(recording):
        data = encode(batch)
        assert decode(data, batch.id) == batch
        assert encode(decode(data, batch.id)) == data


def test_infinities_of_other_producers_become_missing(recording: Recording) -> None:
    batch = next(cut(recording))
    values = np.arange(900.0)
    values[[3, 5, 7]] = [np.inf, -np.inf, np.nan]
    table = batch.table.set_column(1, "P-PDG", pa.array(values))
    found = decode(encode(replace(batch, table=table)), batch.id).table.column("P-PDG")
    assert [found[row].as_py() for row in (2, 3, 5, 7)] == [2.0, None, None, None]


def damaged(batch: batches.Batch, change: str) -> bytes:  # noqa: C901 - a list, not a path
    """Encode a batch that breaks the contract in one way."""
    table, facts = batch.table, json.loads(_metadata(encode(batch)))
    rows = table.num_rows
    match change:
        case "columns":
            table = table.append_column("surprise", pa.array(np.zeros(rows)))
        case "type":
            table = table.set_column(1, "P-PDG", pa.array(["x"] * rows))
        case "no sensor":
            table = table.drop_columns(["P-PDG"])
        case "no lookback column":
            table = table.drop_columns([IS_LOOKBACK])
        case "order":
            table = table.take(pa.array(np.arange(rows)[::-1]))
        case "lookback not first":
            table = table.set_column(3, IS_LOOKBACK, pa.array(np.arange(rows) == rows - 1))
        case "adds nothing":
            table = table.set_column(3, IS_LOOKBACK, pa.array(np.ones(rows, dtype=bool)))
        case "other recording":
            facts["recording"] = "WELL-00009_1"
        case "format":
            facts["format"] = 99
        case "start":
            facts["recording_start"] += 10_000_000_000
        case "times":
            facts["commissioning_seconds"] = -5
        case "facts":
            facts = []
    return write_parquet(table.replace_schema_metadata({b"petrostream": json.dumps(facts)}))


def _metadata(data: bytes) -> bytes:
    return pq.read_schema(pa.BufferReader(data)).metadata[b"petrostream"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("columns", "'surprise' is not one of 3W's"),
        ("type", "'P-PDG' holds string"),
        ("no sensor", "none of 3W's sensors"),
        ("no lookback column", "'is_lookback' is missing"),
        ("order", "do not increase"),
        ("lookback not first", "do not all come first"),
        ("adds nothing", "adds no row"),
        ("other recording", "its key says"),
        ("format", "it has format 99, .* update PetroStream"),
        ("start", "before the start"),
        ("times", "commissioning_seconds"),
        ("facts", "it is no document"),
    ],
)
def test_a_batch_that_breaks_the_contract_is_refused(
    recording: Recording, change: str, reason: str
) -> None:
    batch = list(cut(recording))[1]
    with pytest.raises(InvalidBatch, match=reason):
        decode(damaged(batch, change), batch.id)


def test_size_is_bounded_before_anything_is_unpacked(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = next(cut(recording))
    data = encode(batch)
    for limit, reason in (
        ("MAX_ROWS", "it holds 900 rows"),
        ("MAX_UNPACKED_BYTES", "bytes unpacked"),
        ("MAX_OBJECT_BYTES", "more than 10"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(batches, limit, 10)
            with pytest.raises(InvalidBatch, match=reason):
                decode(data, batch.id)


@given(position=st.integers(0, 2**20), value=st.integers(0, 255), keep=st.floats(0.1, 1.0))
@settings(max_examples=150)
def test_damaged_bytes_are_refused_or_still_a_batch(position: int, value: int, keep: float) -> None:
    batch = next(cut(recording_of(np.arange(1200))))
    data = bytearray(encode(batch))
    data[position % len(data)] = value
    try:
        found = decode(bytes(data[: int(keep * len(data)) if keep < 0.9 else len(data)]), batch.id)
    except InvalidBatch:
        return
    assert found.added_rows > 0


def test_sub_second_stamps_around_a_border_give_different_batches() -> None:
    seconds = np.array([0.5, 899.6, 900.4, 1499.9, 1500.1])
    recording = recording_of(seconds)
    found = list(cut(recording))
    assert [batch.added_rows for batch in found] == [2, 2, 1]
    assert len({batch.id for batch in found}) == 3
    assert found[0].recording_start == START
    for batch in found:
        assert decode(encode(batch), batch.id) == batch


@pytest.mark.parametrize(("days", "is_read"), [(48.9, True), (49.1, False), (60.0, False)])
def test_a_batch_whose_time_a_summary_can_t_count_is_refused(days: float, is_read: bool) -> None:
    seconds = np.array([0.0, 1.0, days * 86_400])
    [batch] = cut(recording_of(seconds), batch_seconds=100 * 86_400)
    if is_read:
        assert decode(encode(batch), batch.id) == batch
        return
    with pytest.raises(InvalidBatch, match="span more than 49 days"):
        decode(encode(batch), batch.id)


def test_a_far_away_time_stamp_costs_nothing() -> None:
    found = list(cut(recording_of(np.array([0, 1, 5_000_000_000])), batch_seconds=60))
    assert [batch.added_rows for batch in found] == [2, 1]


def test_columns_are_checked_before_they_are_unpacked(recording: Recording) -> None:
    batch = next(cut(recording))
    text = pa.array(["x" * 20_000] * 900).dictionary_encode()
    bomb = batch.table.append_column("bomb", text)
    data = write_parquet(bomb.replace_schema_metadata({b"petrostream": b"{}"}))
    before = pa.total_allocated_bytes()
    with pytest.raises(InvalidBatch, match="'bomb' is not one of 3W's"):
        decode(data, batch.id)
    assert pa.total_allocated_bytes() - before < 1_000_000


@pytest.mark.parametrize("facts", [b"[" * 100_000, b"\xff", b"7"])
def test_metadata_that_is_no_json_is_refused(recording: Recording, facts: bytes) -> None:
    batch = next(cut(recording))
    data = write_parquet(batch.table.replace_schema_metadata({b"petrostream": facts}))
    with pytest.raises(InvalidBatch):
        decode(data, batch.id)


def test_times_that_cannot_be_are_refused(recording: Recording) -> None:
    batch = next(cut(recording))
    far = pa.array(np.arange(900) + 2**61).cast(TIMESTAMP_TYPE)
    with pytest.raises(InvalidBatch, match="after 2199"):
        decode(encode(replace(batch, table=batch.table.set_column(0, TIMESTAMP, far))), batch.id)


def test_a_reason_is_short_whatever_the_metadata_holds(recording: Recording) -> None:
    batch = next(iter(cut(recording)))
    facts = json.loads(_metadata(encode(batch))) | {"well": "w" * 16_000, "recording": "r" * 16_000}
    metadata = {b"petrostream": json.dumps(facts)}
    with pytest.raises(InvalidBatch) as caught:
        decode(write_parquet(batch.table.replace_schema_metadata(metadata)), batch.id)
    assert len(str(caught.value)) < 500


def test_a_commissioning_time_that_no_profile_could_be_read_back_from_is_refused(
    recording: Recording,
) -> None:
    position = recording.table.schema.get_field_index(TIMESTAMP)
    times = recording.table.column(position).cast(pa.int64()).to_numpy()
    late = pa.array(times - times[0] + LATEST - 86_400 * SECOND).cast(TIMESTAMP_TYPE)
    field = recording.table.schema.field(position)
    first = next(
        iter(cut(replace(recording, table=recording.table.set_column(position, field, late))))
    )
    assert decode(encode(first), first.id).is_first
    longer = replace(first, commissioning_seconds=2 * 86_400)
    with pytest.raises(InvalidBatch, match="commissioning time ends after 2199"):
        decode(encode(longer), first.id)
