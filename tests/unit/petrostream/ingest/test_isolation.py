"""Objects are read where their death or hunger takes nothing along."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from petrostream.errors import InvalidBatch, TransientError
from petrostream.ingest import decoder, isolation
from petrostream.ingest.batches import METADATA_KEY, Batch, decode, encode, read_table
from petrostream.ingest.columns_wire import HEAD_BYTES, Announced, to_wire
from petrostream.ingest.isolation import IsolatedReader
from petrostream.settings import PROJECT_ROOT
from tests.fuzz.fuzz_parquet import BATCH, good_objects
from tests.support.killers import KILLERS, read_or_die

GONE_SECONDS = 30.0


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[IsolatedReader]:
    monkeypatch.setattr(decoder, "CPU_SECONDS", 1)
    reader = IsolatedReader(read_or_die)
    yield reader
    reader.close()


@pytest.fixture
def good(first_batch: Batch) -> bytes:
    return encode(first_batch)


@pytest.fixture(scope="module")
def first_batch() -> Batch:
    return decode(good_objects()[0], BATCH)


def told(reader: IsolatedReader) -> dict[str, Any]:
    """What the process that reads says of itself."""
    with pytest.raises(InvalidBatch) as caught:
        reader(b"tell ")
    return json.loads(str(caught.value))


def is_gone(process: int) -> bool:
    """Whether a process ends; one that nobody reaps counts as ended."""
    until = time.monotonic() + GONE_SECONDS
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_a_batch_is_the_one_that_this_process_would_read(
    reader: IsolatedReader, first_batch: Batch, good: bytes
) -> None:
    assert decode(good, first_batch.id, reader) == decode(good, first_batch.id)


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize("rows", [1, 7, 8, 1000])
@pytest.mark.parametrize("metadata", [None, {METADATA_KEY: b""}, {METADATA_KEY: b"{}"}])
def test_columns_come_as_they_are(
    reader: IsolatedReader, rows: int, metadata: dict[bytes, bytes] | None
) -> None:
    odd = np.arange(rows) % 3 == 0
    times = pa.array(np.arange(rows), mask=odd).cast(pa.timestamp("us"))
    readings = pa.array(np.linspace(-1, 1, rows), mask=~odd)
    strange = pa.array([np.nan, np.inf, -0.0, 5e-324, 1.0, None, 2.0, 3.0] * (rows // 8 + 1))
    table = pa.table(
        {
            "is_lookback": pa.array(odd, mask=~odd),
            "T-TPT": strange.slice(0, rows).cast(pa.float64()),
            "P-PDG": readings,
            "class": pa.nulls(rows, pa.int16()),
            "timestamp": times,
        }
    ).replace_schema_metadata(metadata)
    data = written(table, row_group_size=300)
    here, there = read_table(data), reader(data)
    assert there.schema.equals(here.schema, check_metadata=True)
    for one, other in zip(here.columns, there.columns, strict=True):
        assert one.is_null().to_pylist() == other.is_null().to_pylist()
        dropped = (
            each.drop_null().combine_chunks().to_pandas().to_numpy() for each in (one, other)
        )
        assert next(dropped).tobytes() == next(dropped).tobytes()


def test_a_refusal_comes_in_the_words_of_this_process(reader: IsolatedReader) -> None:
    with pytest.raises(InvalidBatch) as here:
        read_table(b"timestamp,P-PDG")
    with pytest.raises(InvalidBatch) as there:
        reader(b"timestamp,P-PDG")
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize("killer", KILLERS, ids=lambda killer: killer.decode().partition(" ")[0])
def test_what_kills_or_starves_is_refused_with_the_reason_and_the_next_object_is_read(
    monkeypatch: pytest.MonkeyPatch, first_batch: Batch, good: bytes, killer: bytes
) -> None:
    monkeypatch.setattr(decoder, "CPU_SECONDS", 1)
    reader = IsolatedReader(read_or_die, wall_seconds=2.0 if b"sleep" in killer else 60.0)
    with pytest.raises(InvalidBatch) as caught:
        reader(killer)
    assert KILLERS[killer] in str(caught.value)
    assert decode(good, first_batch.id, reader) == first_batch
    reader.close()


@pytest.mark.parametrize("folders", [("/nowhere",), ("/nowhere", "/proc/self/fd")])
def test_it_is_made_whatever_lists_descriptors(
    monkeypatch: pytest.MonkeyPatch, good: bytes, folders: tuple[str, ...]
) -> None:
    """AWS Lambda has no /dev/fd, others no /proc."""
    monkeypatch.setattr(decoder, "DESCRIPTOR_FOLDERS", folders)
    reader = IsolatedReader()
    reader.start()
    assert reader(good).num_rows
    reader.close()


def test_a_platform_that_can_not_have_it_is_found_out_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoder, "_forget_everything", None)
    reader = IsolatedReader()
    with pytest.raises(TransientError, match="can't be started"):
        reader.start()
    reader.close()


def test_the_process_stays_warm(reader: IsolatedReader, good: bytes) -> None:
    before = told(reader)["process"]
    for _ in range(3):
        reader(good)
    assert told(reader)["process"] == before


def test_memory_that_is_out_in_this_process_is_the_objects_fault(first_batch: Batch) -> None:
    def hungry(_: bytes) -> pa.Table:
        raise MemoryError

    with pytest.raises(InvalidBatch, match="more memory to read than there is"):
        decode(b"", first_batch.id, hungry)


def test_a_death_between_objects_is_not_the_next_ones_fault(
    reader: IsolatedReader, good: bytes
) -> None:
    process = told(reader)["process"]
    os.kill(process, signal.SIGKILL)
    assert is_gone(process)
    assert reader(good).num_rows
    assert told(reader)["process"] != process


def test_an_object_whose_reader_is_killed_once_is_read(
    reader: IsolatedReader, tmp_path: Path
) -> None:
    with pytest.raises(InvalidBatch, match=r"^it lives$"):
        reader(b"once " + os.fsencode(tmp_path / "killed"))


def test_the_processes_come_again_when_all_are_killed(reader: IsolatedReader, good: bytes) -> None:
    process, nursery = (told(reader)[each] for each in ("process", "nursery"))
    os.kill(nursery, signal.SIGKILL)
    assert is_gone(process)
    assert reader(good).num_rows
    assert told(reader)["nursery"] != nursery


def test_what_reads_has_no_credentials_and_nothing_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with (tmp_path / "open").open("w"):
        reader = IsolatedReader(read_or_die)
        found = told(reader)
        reader.close()
    assert found["environment"] == {}
    opened = {number: place for number, place in found["descriptors"].items() if int(number) > 2}
    assert [place.partition(":")[0] for place in opened.values()] == ["socket"]
    assert {found["descriptors"][standard] for standard in "012"} == {"/dev/null"}


@pytest.mark.parametrize("act", ["idle", "sleep 600", "loop"])
def test_nothing_is_left_behind_when_the_function_is_killed(act: str) -> None:
    code = f"""
import time
from petrostream.errors import InvalidBatch
from petrostream.ingest.isolation import IsolatedReader
from tests.support.killers import read_or_die
reader = IsolatedReader(read_or_die)
try:
    reader(b"tell ")
except InvalidBatch as error:
    print(error, flush=True)
if {act!r} == "idle":
    time.sleep(600)  # until it is killed
reader({act.encode()!r})
"""
    function = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, stdout=subprocess.PIPE
    )
    with function:
        assert function.stdout is not None
        found = json.loads(function.stdout.readline())
        function.kill()
    assert is_gone(found["nursery"])
    assert is_gone(found["process"])


def test_it_can_be_made_where_arrow_has_read_csv(good: bytes) -> None:
    """Arrow then has a pipe of its own, which it replaces in each process that is forked."""
    pa_csv.read_csv(io.BytesIO(b"a,b\n1,2\n"))
    reader = IsolatedReader()
    assert reader(good).num_rows
    reader.close()


def test_threads_wait_for_each_other(reader: IsolatedReader, good: bytes) -> None:
    def read(number: int) -> int:
        if number % 3:
            return reader(good).num_rows
        with pytest.raises(InvalidBatch, match="exit code 3"):
            reader(b"exit ")
        return 0

    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(read, range(12)))
    assert rows == [0 if number % 3 == 0 else reader(good).num_rows for number in range(12)]


def test_time_that_passes_while_the_machine_sleeps_hardly_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hours = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(isolation.time, "monotonic", lambda: float(next(hours)))
    reader = IsolatedReader(read_or_die, wall_seconds=60.0)
    with pytest.raises(InvalidBatch, match="not readable Parquet"):
        reader(b"sleep 0.3")
    reader.close()


HEAD = struct.Struct("<IIi")


@pytest.mark.parametrize(
    "head",
    [HEAD.pack(200_001, 3, 2), HEAD.pack(1, 1000, 2), HEAD.pack(1, 3, 2**30), HEAD.pack(1, 3, -2)],
)
def test_an_answer_over_a_bound_is_not_believed(head: bytes) -> None:
    with pytest.raises(ValueError, match="bound"):
        Announced.parse(head)


@pytest.mark.parametrize("columns", [b"\1\0\1\0", b"\xff\0\1\0", b"\1\2\2\0"])
def test_columns_that_no_batch_has_are_not_believed(columns: bytes) -> None:
    with pytest.raises(ValueError, match="column"):
        Announced.parse(HEAD.pack(1, 2, -1)).value_bytes(columns)


def test_values_that_are_too_few_are_no_table(good: bytes) -> None:
    head, columns, metadata, *values = to_wire(read_table(good), METADATA_KEY)
    assert len(head) == HEAD_BYTES
    short = pa.py_buffer(b"".join(values)[:-8])
    with pytest.raises((ValueError, IndexError)):
        Announced.parse(head).table(columns + metadata, short, METADATA_KEY)
