"""Craft Parquet that lies, and see that decoding it neither dies, starves nor wonders.

    python -m tests.fuzz.fuzz_parquet --seconds 60 --seed 1 --keep out/

Good batches, written in many ways, are taken apart: footer, page headers, page bodies. A case
changes one to four things in them (a number, a field, a list, some bytes) and puts the object
together again with offsets that fit, so that most of the lie gets past the first check. It is
decoded in a process of its own with limits of memory and time: a case number is one object, the
same one in every run. A finding is a death, more than 256 MiB or a second of CPU time, or
any exception but `InvalidBatch`.
"""

import argparse
import contextlib
import io
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import decode
from petrostream.schema.columns import IS_LOOKBACK, LABEL_TYPE, TIMESTAMP, TIMESTAMP_TYPE
from petrostream.schema.keys import BatchId
from petrostream.settings import PROJECT_ROOT
from tests.support.thrift_compact import (
    BINARY,
    INT32,
    INT64,
    LIST,
    STRUCT,
    WHOLE,
    read_struct,
    write_struct,
)

MORE_MEMORY = 256 * 1024 * 1024
MOST_SECONDS = 1.0
CASES_A_CHILD = 5_000
ROWS = 900
FIRST_SECOND = datetime(2024, 1, 1)
BATCH = BatchId("BAD", "BAD", FIRST_SECOND)
MAGIC = b"PAR1"
ROW_GROUPS, COLUMNS, CHUNK = 4, 1, 3
DATA_OFFSET, DICTIONARY_OFFSET, PACKED_BYTES = 9, 11, 7
PAGE_PACKED_BYTES = 3
NUMBERS = (
    *(0, 1, 2, 3, 4, 7, 8, 9, 127, 128, 255, 256, 899, 900, 901, 65_535, 65_536, 200_000, 200_001),
    *(-1, -2, -900, 2**24, 2**29, 2**31 - 1, 2**31, -(2**31), 2**32, 2**32 + 900, 2**40, 2**62),
    *(2**63 - 1, -(2**63)),
)


@dataclass
class Page:
    """A page taken apart."""

    header: list[list[Any]]
    body: bytes


@dataclass
class Parts:
    """An object taken apart: its footer, and the pages of each column of each row group."""

    footer: list[list[Any]]
    pages: list[list[Page]]

    @property
    def chunks(self) -> list[list[list[Any]]]:
        """The footer's word on each column of each row group, in the order of `pages`."""
        groups = field(self.footer, ROW_GROUPS)[1]
        return [field(chunk, CHUNK) for group in groups for chunk in field(group, COLUMNS)[1]]


def field(fields: list[list[Any]], number: int) -> Any:
    return next(value for each, _, value in fields if each == number)


def put(fields: list[list[Any]], number: int, value: Any) -> None:
    for each in fields:
        if each[0] == number:
            each[2] = value


def good_objects() -> list[bytes]:
    """Batches that decode, written in every way that pyarrow offers for their types."""
    start = int(np.datetime64(FIRST_SECOND, "us").astype(np.int64))
    facts = (
        b'{"format": 1, "well": "BAD", "recording": "BAD", "recording_start": %d, '
        b'"commissioning_seconds": 900, "lookback_seconds": 2700}' % start
    )
    gaps = np.arange(ROWS) % 7 == 0
    table = pa.table(
        {
            TIMESTAMP: pa.array(start + np.arange(ROWS) * 1_000_000).cast(TIMESTAMP_TYPE),
            "P-PDG": pa.array(np.arange(ROWS) % 13 * 1.0e5, mask=gaps),
            "P-TPT": pa.nulls(ROWS, pa.float64()),
            "class": pa.array(np.zeros(ROWS), mask=gaps).cast(LABEL_TYPE),
            IS_LOOKBACK: pa.array(np.zeros(ROWS, bool)),
        }
    ).replace_schema_metadata({b"petrostream": facts})
    plain: dict[str, Any] = {"compression": "none", "use_dictionary": False}
    delta = {TIMESTAMP: "DELTA_BINARY_PACKED", "class": "DELTA_BINARY_PACKED"}
    ways: list[dict[str, Any]] = [
        {"compression": "zstd", "use_dictionary": [TIMESTAMP, "class"]},
        {"compression": "none", "use_dictionary": True},
        {"compression": "none", "use_dictionary": True, "data_page_version": "2.0"},
        {"compression": "snappy", "row_group_size": 300},
        {"compression": "gzip", "use_dictionary": False, "data_page_size": 512},
        {"compression": "brotli", "data_page_version": "2.0", "data_page_size": 512},
        {"compression": "lz4"},
        plain | {"column_encoding": delta},
        plain | {"column_encoding": delta | {"P-PDG": "BYTE_STREAM_SPLIT", IS_LOOKBACK: "RLE"}},
        plain | {"data_page_version": "2.0", "write_page_checksum": True},
    ]
    written = []
    for way in ways:
        sink = io.BytesIO()
        pq.write_table(table, sink, write_batch_size=64, **way)
        written.append(sink.getvalue())
    return written


def taken_apart(data: bytes) -> Parts:
    """Footer and pages of an object that pyarrow has written."""
    length = int.from_bytes(data[-8:-4], "little")
    parts = Parts(read_struct(data[-8 - length : -8])[0], [])
    for chunk in parts.chunks:
        offsets = [value for number, _, value in chunk if number in {9, 11}]
        position, end = min(offsets), min(offsets) + field(chunk, PACKED_BYTES)
        pages = []
        while position < end:
            header, body = read_struct(data, position)
            position = body + field(header, PAGE_PACKED_BYTES)
            pages.append(Page(header, data[body:position]))
        parts.pages.append(pages)
    return parts


def put_together(parts: Parts, draw: random.Random) -> bytes:
    """An object of its parts; page lies stay, and mostly the footer's offsets fit."""
    data = bytearray(MAGIC)
    fits = draw.random() < 0.95
    with contextlib.suppress(StopIteration, TypeError):
        for chunk, pages in zip(parts.chunks, parts.pages, strict=False):
            start = len(data)
            places = []
            for page in pages:
                places.append(len(data))
                data += write_struct(page.header) + page.body
            has_dictionary = any(number == DICTIONARY_OFFSET for number, _, _ in chunk)
            if fits:
                put(chunk, DICTIONARY_OFFSET, start)
                put(chunk, DATA_OFFSET, places[min(int(has_dictionary), len(places) - 1)])
                put(chunk, PACKED_BYTES, len(data) - start)
    return bytes(data)


def case(number: int, seed: int, goods: list[bytes]) -> bytes:
    """The object of a case: always the same one for a number and a seed."""
    draw = random.Random(seed * 1_000_003 + number)
    parts = taken_apart(draw.choice(goods))
    for _ in range(draw.choice((0, 0, 1, 1, 2))):
        change_page(draw.choice(draw.choice(parts.pages)), draw)
    data = put_together(parts, draw)
    for _ in range(draw.choice((0, 1, 1, 2))):
        change_struct(draw.choice(list(structs(parts.footer))), draw)
    footer = write_struct(parts.footer)
    if draw.random() < 0.1:
        footer = with_bytes(footer, draw)
    length = draw.choice(NUMBERS) % 2**32 if draw.random() < 0.02 else len(footer)
    return data + footer + length.to_bytes(4, "little") + MAGIC


def change_page(page: Page, draw: random.Random) -> None:
    """Change a page's header, or its body without a word in the header."""
    if draw.random() < 0.6:
        change_struct(draw.choice(list(structs(page.header))), draw)
        return
    page.body = with_bytes(page.body, draw)
    if draw.random() < 0.7:
        put(page.header, PAGE_PACKED_BYTES, len(page.body))


def structs(fields: list[list[Any]]) -> Iterator[list[list[Any]]]:
    """A struct and all those within it."""
    yield fields
    for _, kind, value in fields:
        if kind == STRUCT:
            yield from structs(value)
        elif kind == LIST and value[0] == STRUCT:
            for each in value[1]:
                yield from structs(each)


def change_struct(fields: list[list[Any]], draw: random.Random) -> None:
    """Change one field of a struct, or which fields it has."""
    if not fields:
        return
    place = draw.randrange(len(fields))
    number, kind, value = fields[place]
    what = draw.random()
    if what < 0.06:
        del fields[place]
    elif what < 0.12:
        fields.insert(place, [number, kind, draw.choice(NUMBERS) if kind in WHOLE else value])
    elif what < 0.18:
        fields.append([draw.randrange(1, 20), *draw.choice(EXTRAS)])
    elif what < 0.22:
        fields[place][0] = draw.randrange(-1, 20)
    elif kind in WHOLE:
        near = value + draw.choice((-8, -2, -1, 1, 2, 8, 100))
        fields[place][2] = draw.choice((draw.choice(NUMBERS), near, value * 1000 % 2**62))
        if draw.random() < 0.05:
            fields[place][1] = draw.choice(WHOLE)
    elif kind == BINARY:
        fields[place][2] = with_bytes(value, draw)
    elif kind == LIST:
        change_list(value, draw)


EXTRAS: tuple[tuple[int, Any], ...] = (
    (INT32, 2**31 - 1),
    (INT64, -1),
    (BINARY, b"x" * 100),
    (STRUCT, []),
    (STRUCT, [[1, STRUCT, [[1, STRUCT, [[1, STRUCT, [[1, STRUCT, [[1, STRUCT, []]]]]]]]]]]),
    (LIST, (STRUCT, [])),
    (LIST, (INT64, [0] * 1000)),
)


def change_list(value: tuple[int, list[Any]], draw: random.Random) -> None:
    """Take an entry of a list away, or give it twice, or many times."""
    entries = value[1]
    if not entries:
        return
    place = draw.randrange(len(entries))
    if draw.random() < 0.4:
        del entries[place]
    elif draw.random() < 0.3:
        draw.shuffle(entries)
    else:
        entries[place:place] = [entries[place]] * draw.choice((1, 2, 30, 126, 127, 1000))


def with_bytes(data: bytes, draw: random.Random) -> bytes:
    """Bytes with some of them changed, cut off, or more of them."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        if changed:
            changed[draw.randrange(len(changed))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, 0x20))
    what = draw.random()
    if what < 0.15:
        del changed[draw.randrange(len(changed) + 1) :]
    elif what < 0.3:
        changed += draw.randbytes(draw.choice((1, 8, 100)))
    return bytes(changed)


def fault_of(data: bytes) -> str:
    """What is wrong with how an object is decoded; empty if nothing is."""
    began = time.process_time()
    try:
        decode(data, BATCH)
        outcome = "accepted"
    except InvalidBatch:
        outcome = "refused"
    except Exception as error:  # noqa: BLE001 - whatever else comes out is the finding
        return f"{type(error).__name__}: {str(error)[:200]}"
    seconds = time.process_time() - began
    OUTCOMES[outcome] += 1
    return f"{seconds:.1f} s of CPU time" if seconds > MOST_SECONDS else ""


OUTCOMES: Counter[str] = Counter()


def child(seed: int, first: int, last: int) -> None:
    """Decode cases; the last line that begins with a number tells which one killed it."""
    goods = good_objects()
    for good in goods:
        decode(good, BATCH)
    limit_memory()
    for number in range(first, last):
        data = case(number, seed, goods)
        print(number, flush=True)
        signal.setitimer(signal.ITIMER_REAL, 20 * MOST_SECONDS)
        if fault := fault_of(data):
            print(f"fault {number} {fault}", flush=True)
    for outcome, many in OUTCOMES.items():
        print(f"outcome {outcome} {many}")


def limit_memory() -> None:
    """Let this process have `MORE_MEMORY` more than it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    now = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MORE_MEMORY, now + MORE_MEMORY))


def run(seed: int, first: int, last: int) -> tuple[int, dict[int, str], Counter[str]]:
    """Run a child over some cases; gives where to go on, its faults and outcomes by kind."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.fuzz_parquet",
        "--child",
        str(seed),
        str(first),
        str(last),
    ]
    found = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    faults, outcomes, at = {}, Counter[str](), None
    for line in found.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word.isdecimal():
            at = int(word)
        elif word == "fault":
            number, _, fault = rest.partition(" ")
            faults[int(number)] = fault
        elif word == "outcome":
            outcomes[rest.split()[0]] += int(rest.split()[1])
    if found.returncode == 0:
        return last, faults, outcomes
    if at is None:
        raise RuntimeError(found.stderr)
    if found.returncode > 0:
        raise RuntimeError(f"case {at}: {found.stderr}")
    faults[at] = f"died of {signal.Signals(-found.returncode).name}"
    return at + 1, faults, outcomes


def main() -> int:
    """Run until the time is over; exit code 1 if there were findings."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cases", type=int, default=10**9, help="end earlier, after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the objects of findings")
    parser.add_argument("--child", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return 0
    began, at = time.monotonic(), 0
    faults: dict[int, str] = {}
    outcomes: Counter[str] = Counter()
    while at < options.cases and time.monotonic() - began < options.seconds:
        at, more, some = run(options.seed, at, min(at + CASES_A_CHILD, options.cases))
        faults |= more
        outcomes += some
        for number, fault in more.items():
            print(f"case {number}: {fault}", flush=True)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                data = case(number, options.seed, good_objects())
                (options.keep / f"{options.seed}_{number}.parquet").write_bytes(data)
    print(f"{at} cases, {dict(outcomes)}, {len(faults)} findings")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
