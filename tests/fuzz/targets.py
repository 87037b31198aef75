"""What is fuzzed: readers of bytes from outside, who may refuse them in a sentence, or read."""

import csv
import io
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from petrostream.ingest.batches import cut, encode
from petrostream.ingest.recordings import RecordingFile, read_recording
from petrostream.settings import PROJECT_ROOT
from tests.fuzz import changed_documents
from tests.fuzz.fuzz_parquet import with_bytes
from tests.fuzz.readers import READERS

FINDINGS = PROJECT_ROOT / "tests" / "fixtures" / "fuzz"
"""A finding is kept here, in a folder for each target, and read again by every run of the tests."""
START = datetime(2024, 1, 1)
ROWS = 40


@dataclass(frozen=True)
class Target:
    """A reader: `read` takes any bytes, and raises `PetroStreamError` or nothing.

    `seeds` are good ones; `change` makes others of them.
    """

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes], object]
    change: Callable[[bytes, random.Random], bytes] = with_bytes

    def case(self, number: int, seed: int) -> bytes:
        """The bytes of a case: always the same ones for a number and a seed."""
        draw = random.Random(f"{seed} {number} {self.name}")
        return self.change(draw.choice(self.seeds), draw)


def recording(suffix: str) -> Callable[[bytes], object]:
    """The producer's reader of a file, and the batches it would make of it."""

    def read(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"WELL-00001_20240101000000{suffix}"
            path.write_bytes(data)
            found = read_recording(RecordingFile(path, "WELL-00001", path.stem, 0))
        return [encode(batch) for _, batch in zip(range(3), cut(found), strict=False)]

    return read


def as_csv() -> bytes:
    """A recording as 3W's release 1 writes it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["timestamp", "P-PDG", "P-TPT", "T-TPT", "class"])
    for second in range(ROWS):
        time_stamp = START + timedelta(seconds=second)
        pressure = "" if second % 7 == 0 else 1e7 + second
        writer.writerow([str(time_stamp), pressure, 2e7 + second, 80.5, 0])
    return text.getvalue().encode()


def as_parquet(**way: object) -> bytes:
    """A recording as 3W's release 2 writes it."""
    times = [START + timedelta(seconds=second) for second in range(ROWS)]
    table = pa.table(
        {
            "P-PDG": pa.array([1e7 + second for second in range(ROWS)]),
            "P-TPT": pa.nulls(ROWS, pa.float64()),
            "class": pa.array([0] * ROWS, pa.int16()),
            "timestamp": pa.array(times, pa.timestamp("ns")),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, **way)
    return sink.getvalue()


def changed_text(good: bytes, draw: random.Random) -> bytes:
    """Bytes changed, or a cell put in place of another one."""
    if draw.random() < 0.5:
        return with_bytes(good, draw)
    lines = good.split(b"\n")
    place = draw.randrange(len(lines))
    cells = lines[place].split(b",")
    cells[draw.randrange(len(cells))] = draw.choice(CELLS)
    lines[place] = b",".join(cells)
    if draw.random() < 0.2:
        lines[place:place] = [draw.choice(lines)] * draw.choice((1, 3))
    return b"\n".join(lines)


CELLS = (
    *(b"", b'"', b"NaN", b"inf", b"-1e999", b"9" * 400, b"\xff\xfe", b"\0", b"1,5", b"nan" * 9),
    *(b"0001-01-01", b"9999-12-31 23:59:59", b"2024-02-30", b"2024-01-01T00:00:00+14:00"),
    *(b"1704067200000", b"timestamp", b"P-PDG", b"class", b" ", b"x" * 70_000),
)

FILES = (
    Target(
        "recording-csv",
        (as_csv(),),
        recording(".csv"),
        changed_text,
    ),
    Target(
        "recording-parquet",
        (as_parquet(), as_parquet(compression="none", use_dictionary=False)),
        recording(".parquet"),
    ),
)
DOCUMENTS = tuple(
    Target(name.replace(" ", "-"), (reader.good,), reader.read, changed_documents.changed)
    for name, reader in READERS.items()
)

TARGETS = (*FILES, *DOCUMENTS)
"""What `make fuzz` goes through, besides crafted batches."""
