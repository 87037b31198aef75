"""A recording's claim: what it is of, what differs from it, and what is no claim."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from petrostream.errors import PermanentError
from petrostream.ingest.claims import MAX_BYTES, Claim, content_of, from_json, to_json
from petrostream.ingest.recordings import (
    Recording,
    RecordingFile,
    read_recording,
)

CLAIM = Claim(
    well="WELL-00001",
    recording="WELL-00001_20170201020207",
    kind="replayed",
    content="ab" * 32,
    rows=7200,
    first=1_485_914_527_000_000,
    last=1_485_921_726_000_000,
    batch_seconds=600,
    commissioning_seconds=900,
    lookback_seconds=2700,
    by="ana on rig-7",
    at="2026-11-25 16:40:00 UTC",
)


def changed(recording: Recording, name: str, row: int, value: float | None) -> Recording:
    table = recording.table
    values = table.column(name).to_pylist()
    values[row] = value
    column = pa.array(values, table.schema.field(name).type)
    position = table.schema.get_field_index(name)
    return replace(recording, table=table.set_column(position, name, column))


def test_content_is_of_the_readings_whatever_the_file(
    recordings: list[Recording], tmp_path: Path
) -> None:
    recording = recordings[0]
    parquet, brotli, csv = (tmp_path / name for name in ("a.parquet", "b.parquet", "c.csv"))
    pq.write_table(recording.table, parquet)
    backwards = recording.table.select(recording.table.column_names[::-1])
    pq.write_table(backwards, brotli, compression="brotli", row_group_size=100)
    pa_csv.write_csv(recording.table, csv)
    contents = {
        content_of(read_recording(RecordingFile(path, recording.well, recording.recording, 0)))
        for path in (parquet, brotli, csv)
    }
    assert contents == {content_of(recording)}


def test_any_other_reading_is_another_content(recordings: list[Recording]) -> None:
    recording = recordings[0]
    name = recording.table.column_names[1]
    column = recording.table.column(name)
    row = pc.index(pc.is_valid(column), pa.scalar(value=True)).as_py()
    value = column[row].as_py()
    later = replace(
        recording,
        table=recording.table.slice(1),
    )
    others = [
        changed(recording, name, row, value + 1e-9 * abs(value)),
        changed(recording, name, row, None),
        changed(recording, name, row, 0.0),
        changed(recording, "class", 0, 9),
        replace(recording, table=recording.table.drop_columns([name])),
        later,
    ]
    contents = [content_of(each) for each in (recording, *others)]
    assert len(set(contents)) == len(contents)


def test_a_missing_reading_is_not_a_zero() -> None:
    def content(values: list[float | None]) -> str:
        table = pa.table({"P-PDG": pa.array(values, pa.float64())})
        return content_of(Recording("w", "r", table))

    assert content([1.0, None]) != content([1.0, 0.0])


def test_a_claim_is_read_as_it_was_written() -> None:
    assert from_json(to_json(CLAIM)) == CLAIM
    assert len(to_json(CLAIM)) < MAX_BYTES


def test_who_claims_and_when_makes_no_difference() -> None:
    assert not CLAIM.differences(replace(CLAIM, by="bo on rig-8", at="2026-11-26 00:00:00 UTC"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_seconds": 450}, ["batches of 10 min, not 7.5 min"]),
        ({"lookback_seconds": 0}, ["lookback of 2700 s, not 0 s"]),
        ({"commissioning_seconds": 60}, ["commissioning of 900 s, not 60 s"]),
        ({"kind": "live"}, ["replayed as WELL-00001_20170201020207 of WELL-00001, not live"]),
        (
            {"content": "cd" * 32},
            ["7200 readings from 2017-02-01 02:02:07 to 2017-02-01 04:02:06 with other values"],
        ),
        (
            {"content": "cd" * 32, "rows": 7199, "last": 10**30},
            [
                (
                    "7200 readings from 2017-02-01 02:02:07 to 2017-02-01 04:02:06, "
                    "not 7199 readings from 2017-02-01 02:02:07 to 1e+24 s since 1970"
                )
            ],
        ),
    ],
)
def test_differences_are_said(change: dict[str, object], words: list[str]) -> None:
    assert CLAIM.differences(replace(CLAIM, **change)) == words


GOOD = json.loads(to_json(CLAIM))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff", "not written in UTF-8"),
        (b"[" * 10_000, "more than 2000 values"),
        (b"[]", "no document"),
        (json.dumps(GOOD | {"format": 2}).encode(), "format 2"),
        (json.dumps(GOOD | {"rows": "7200"}).encode(), "rows is '7200', not a whole number"),
        (json.dumps(GOOD | {"rows": True}).encode(), "rows is true"),
        (json.dumps(GOOD | {"by": None}).encode(), "by is nothing"),
        (json.dumps(GOOD | {"by": "\x1b[2J"}).encode(), "by is "),
        (json.dumps(GOOD | {"by": "x" * 1000}).encode(), "by is "),
        (
            json.dumps({key: GOOD[key] for key in GOOD if key != "content"}).encode(),
            "content is missing",
        ),
    ],
)
def test_what_is_no_claim_is_a_sentence(body: bytes, reason: str) -> None:
    with pytest.raises(PermanentError, match=reason):
        from_json(body)


def test_a_later_field_is_read_over() -> None:
    assert from_json(json.dumps(GOOD | {"source": "historian"}).encode()) == CLAIM
