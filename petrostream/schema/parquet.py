"""How PetroStream writes and opens Parquet.

The same table always gives the same bytes. What was stored by others is opened with bounds: what
it says of itself is held against them, and against itself, before anything is unpacked.
"""

import io
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from petrostream.errors import InvalidBatch
from petrostream.schema.columns import TIMESTAMP
from petrostream.schema.parquet_footer import Chunk, Footer, read_footer, read_page
from petrostream.schema.thrift import LONGEST_LIST, LONGEST_TEXT

MOST_ROWS: Final = 200_000
MOST_UNPACKED_BYTES: Final = 512 * 1024 * 1024
MOST_PAGES: Final = 10_000

_MOST_BYTES_A_VALUE: Final = 16
"""Of columns of fixed width: 8 in a dictionary, 4 that point into it, and whether it is there."""
_MOST_BYTES_BESIDE: Final = 64 * 1024
_FIXED_WIDTH: Final = frozenset({0, 1, 2, 4, 5})
"""Parquet's numbers for truths, whole numbers of 32 and 64 bits, and fractions of both."""


def write_parquet(table: pa.Table) -> bytes:
    """Write a small table in one row group: zstd, no dictionary for readings, deterministic."""
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=[
            field.name for field in table.schema if not pa.types.is_floating(field.type)
        ],
        write_statistics=[TIMESTAMP],
        row_group_size=max(table.num_rows, 1),
    )
    return sink.getvalue()


def open_bounded(
    data: bytes,
    *,
    most_rows: int = MOST_ROWS,
    most_bytes: int = MOST_UNPACKED_BYTES,
    most_pages: int = MOST_PAGES,
) -> pq.ParquetFile:
    """Open an object that others stored; nothing of it is unpacked yet.

    What may be read of it afterwards is bounded: its rows, and the bytes that each page, each
    column of fixed width and the whole unpack to. A column of text may repeat a long one of its
    dictionary in every row: who reads such a column from an uploader bounds that too.

    Raises
    ------
    InvalidBatch
        If it is over a bound, or says of itself what can't be.
    ValueError, OSError, pyarrow.ArrowException
        If it can't be read as Parquet, or is nested.
    """
    footer = read_footer(data)
    _check_size(footer, most_rows, most_bytes)
    if footer.rows != sum(group.rows for group in footer.groups):
        raise InvalidBatch(
            f"it says that it holds {footer.rows} rows, its row groups say otherwise"
        )
    budget = _Budget(most_bytes, most_pages)
    for group in footer.groups:
        if tuple((chunk.column, chunk.physical_type) for chunk in group.chunks) != footer.columns:
            raise InvalidBatch("it has a row group whose columns are not those of its schema")
        for chunk in group.chunks:
            _check_pages(data, chunk, group.rows, budget)
    return _opened(data)


def read_schema_bounded(
    tail: bytes, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_UNPACKED_BYTES
) -> pa.Schema:
    """Read the schema from the last bytes of an object, the footer among them.

    Raises
    ------
    InvalidBatch
        If the object says of itself that it is over a bound.
    ValueError, OSError, pyarrow.ArrowException
        If it is no end of a Parquet file, over a bound, or nested.
    """
    _check_size(read_footer(tail), most_rows, most_bytes)
    return _opened(tail).schema_arrow


def _check_size(footer: Footer, most_rows: int, most_bytes: int) -> None:
    rows = max(footer.rows, sum(group.rows for group in footer.groups))
    unpacked = sum(group.unpacked_bytes for group in footer.groups)
    if rows > most_rows or unpacked > most_bytes:
        raise InvalidBatch(
            f"it holds {rows} rows, {unpacked} bytes unpacked; at most {most_rows} rows and "
            f"{most_bytes} bytes are read"
        )


def _opened(data: bytes) -> pq.ParquetFile:
    return pq.ParquetFile(
        pa.BufferReader(data),
        thrift_string_size_limit=LONGEST_TEXT,
        thrift_container_size_limit=LONGEST_LIST,
    )


class _Budget:
    """How many pages and unpacked bytes the rest of an object may have."""

    def __init__(self, most_bytes: int, most_pages: int) -> None:
        self._bytes_left = self._most_bytes = most_bytes
        self._pages_left = self._most_pages = most_pages

    def take(self, unpacked_bytes: int) -> None:
        """Take a page from it."""
        self._bytes_left -= unpacked_bytes
        self._pages_left -= 1
        if self._bytes_left < 0:
            raise InvalidBatch(
                f"its pages hold more than {self._most_bytes} bytes unpacked; no more are read"
            )
        if self._pages_left < 0:
            raise InvalidBatch(f"it has more than {self._most_pages} pages; no more are read")


def _check_pages(data: bytes, chunk: Chunk, rows: int, budget: _Budget) -> None:
    """Hold a column's pages against its row group: as many values as rows, bytes to match.

    Pages are walked as pyarrow reads them: from the dictionary on, until all values are there.
    """
    name = chunk.column
    if chunk.values != rows:
        raise InvalidBatch(f"its column {name!r} says that {rows} rows hold {chunk.values} values")
    if chunk.end > len(data):
        raise InvalidBatch(f"its column {name!r} lies outside of the object")
    position, seen = chunk.start, 0
    left = rows * _MOST_BYTES_A_VALUE + _MOST_BYTES_BESIDE
    while seen < rows:
        page = read_page(data, position)
        position = page.end
        if position > chunk.end:
            raise InvalidBatch(f"its column {name!r} ends before its values do")
        budget.take(page.unpacked_bytes)
        seen += page.values
        left -= page.unpacked_bytes
        if seen > rows:
            raise InvalidBatch(f"its column {name!r} has pages of more than {rows} values")
        if chunk.physical_type in _FIXED_WIDTH and left < 0:
            raise InvalidBatch(f"its column {name!r} unpacks to more than {rows} values take")
