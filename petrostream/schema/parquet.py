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
from petrostream.schema.parquet_pages import read_page

MOST_ROWS: Final = 200_000
MOST_UNPACKED_BYTES: Final = 512 * 1024 * 1024

_LONGEST_TEXT: Final = 64 * 1024
_LONGEST_LIST: Final = 128
"""Of columns, row groups and whatever else a footer lists."""
_MAGIC: Final = b"PAR1"
_TRAILER_BYTES: Final = 8
_MOST_FOOTER_BYTES: Final = 256 * 1024
_MOST_PAGES: Final = 10_000
_MOST_BYTES_A_VALUE: Final = 16
"""Of columns of fixed width: 8 in a dictionary, 4 that point into it, and whether it is there."""
_MOST_BYTES_BESIDE: Final = 64 * 1024
_FIXED_WIDTH: Final = frozenset({"BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE"})


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
    data: bytes, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_UNPACKED_BYTES
) -> pq.ParquetFile:
    """Open an object that others stored; nothing of it is unpacked yet.

    What may be read of it afterwards is bounded: its rows, and the bytes that each page, each
    column of fixed width and the whole unpack to. A column of text may repeat a long one of its
    dictionary in every row: who reads such a column from an uploader bounds that too.

    Raises
    ------
    InvalidBatch
        If it is over a bound, nested, or says of itself what can't be.
    ValueError, OSError, pyarrow.ArrowException
        If it can't be read as Parquet.
    """
    file = _open_footer(data)
    metadata = file.metadata
    _check_flat(file.schema)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = [group.num_rows for group in groups]
    unpacked = [group.total_byte_size for group in groups]
    if min([metadata.num_rows, *rows, *unpacked]) < 0:
        raise InvalidBatch("it holds a negative number of rows or bytes")
    if max(metadata.num_rows, sum(rows)) > most_rows or sum(unpacked) > most_bytes:
        raise InvalidBatch(
            f"it holds {max(metadata.num_rows, sum(rows))} rows, {sum(unpacked)} bytes unpacked; "
            f"at most {most_rows} rows and {most_bytes} bytes are read"
        )
    if metadata.num_rows != sum(rows):
        raise InvalidBatch(f"it says that it holds {metadata.num_rows} rows, and holds {sum(rows)}")
    budget = _Budget(most_bytes)
    for group in groups:
        if group.num_columns != metadata.num_columns:
            raise InvalidBatch("it has a row group that lacks columns")
        for number in range(metadata.num_columns):
            _check_chunk(data, group, number, file.schema.column(number), budget)
    return file


def read_schema_bounded(tail: bytes) -> pa.Schema:
    """Read the schema from the last bytes of an object, the footer among them.

    Raises
    ------
    InvalidBatch
        If it is over a bound, or nested.
    ValueError, OSError, pyarrow.ArrowException
        If it is no end of a Parquet file.
    """
    file = _open_footer(tail)
    _check_flat(file.schema)
    return file.schema_arrow


def _open_footer(data: bytes) -> pq.ParquetFile:
    footer_bytes = int.from_bytes(data[-_TRAILER_BYTES : -len(_MAGIC)], "little")
    if data.endswith(_MAGIC) and footer_bytes > _MOST_FOOTER_BYTES:
        raise InvalidBatch(
            f"its footer has {footer_bytes} bytes; at most {_MOST_FOOTER_BYTES} are read"
        )
    try:
        return pq.ParquetFile(
            pa.BufferReader(data),
            thrift_string_size_limit=_LONGEST_TEXT,
            thrift_container_size_limit=_LONGEST_LIST,
        )
    except OSError as error:
        if "Exceeded size limit" not in str(error):
            raise
        raise InvalidBatch(
            f"its footer lists more than {_LONGEST_LIST} columns or row groups, or has a text of "
            f"more than {_LONGEST_TEXT} bytes"
        ) from error


def _check_flat(schema: pq.ParquetSchema) -> None:
    for number in range(len(schema)):
        column = schema.column(number)
        is_nested = column.path != column.name
        if is_nested or column.max_repetition_level > 0 or column.max_definition_level > 1:
            raise InvalidBatch(f"its column {column.path!r} is nested")


class _Budget:
    """How many pages and unpacked bytes the rest of an object may have."""

    def __init__(self, most_bytes: int) -> None:
        self._bytes_left = most_bytes
        self._pages_left = _MOST_PAGES
        self._most_bytes = most_bytes

    def take(self, unpacked_bytes: int) -> None:
        """Take a page from it."""
        self._bytes_left -= unpacked_bytes
        self._pages_left -= 1
        if self._bytes_left < 0:
            raise InvalidBatch(
                f"its pages hold more than {self._most_bytes} bytes unpacked; no more are read"
            )
        if self._pages_left < 0:
            raise InvalidBatch(f"it has more than {_MOST_PAGES} pages; no more are read")


def _check_chunk(
    data: bytes,
    group: pq.RowGroupMetaData,
    number: int,
    column: pq.ColumnSchema,
    budget: _Budget,
) -> None:
    """Hold a column's pages against its row group: as many values as rows, bytes to match.

    Pages are walked as pyarrow reads them: from the dictionary on, until all values are there.
    """
    chunk = group.column(number)
    if (chunk.path_in_schema, chunk.physical_type) != (column.path, column.physical_type):
        raise InvalidBatch(f"its footer says two things of its column {column.path!r}")
    rows = group.num_rows
    if chunk.num_values != rows:
        raise InvalidBatch(
            f"its column {column.path!r} says that {rows} rows hold {chunk.num_values} values"
        )
    position, end = _span(chunk, len(data), column.path)
    seen, left = 0, rows * _MOST_BYTES_A_VALUE + _MOST_BYTES_BESIDE
    while seen < rows:
        page = read_page(data, position) if position < end else None
        if page is None or page.end > end:
            raise InvalidBatch(f"its column {column.path!r} ends before its values do")
        budget.take(page.unpacked_bytes)
        seen += page.values
        left -= page.unpacked_bytes
        position = page.end
        if seen > rows:
            raise InvalidBatch(f"its column {column.path!r} has pages of more than {rows} values")
        if column.physical_type in _FIXED_WIDTH and left < 0:
            raise InvalidBatch(
                f"its column {column.path!r} has pages that unpack to more than {rows} values take"
            )


def _span(chunk: pq.ColumnChunkMetaData, size: int, path: str) -> tuple[int, int]:
    """Where in the object a column's pages begin and end."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < start:
        start = chunk.dictionary_page_offset
    end = start + chunk.total_compressed_size
    if not 0 <= start <= end <= size:
        raise InvalidBatch(f"its column {path!r} lies outside of the object")
    return start, end
