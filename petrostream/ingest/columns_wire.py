"""A batch's columns on their way from one process to another, as plain buffers of fixed width.

Who receives them trusts nothing: how long everything is follows from the number of rows and from
which columns come, both bounded, so that no byte is interpreted but as a reading.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from petrostream.schema.columns import IS_LOOKBACK, READING_SCHEMA
from petrostream.schema.parquet import MOST_ROWS
from petrostream.schema.thrift import LONGEST_TEXT

_KNOWN: Final = (
    *(pa.field(field.name, field.type) for field in READING_SCHEMA),
    pa.field(IS_LOOKBACK, pa.bool_()),
)
_HEAD: Final = struct.Struct("<IIi")
_COLUMN: Final = struct.Struct("<BB")
_NO_METADATA: Final = -1
_ALIGNED: Final = 8

HEAD_BYTES: Final = _HEAD.size


def to_wire(table: pa.Table, metadata_key: bytes) -> Iterator[bytes | pa.Buffer]:
    """Give the bytes of a table whose columns are those of a batch, any of them, in any order.

    Of the table's metadata, only what stands under `metadata_key` comes along.
    """
    metadata = (table.schema.metadata or {}).get(metadata_key)
    positions = {field.name: position for position, field in enumerate(_KNOWN)}
    columns = [(positions[name], _in_one(table.column(name))) for name in table.schema.names]
    yield _HEAD.pack(
        table.num_rows, len(columns), _NO_METADATA if metadata is None else len(metadata)
    )
    yield b"".join(_COLUMN.pack(each, array.null_count > 0) for each, array in columns)
    yield metadata or b""
    for _, array in columns:
        validity, values = array.buffers()
        if array.null_count:
            yield from _padded(validity, _bytes_of(1, len(array)))
        yield from _padded(values, _bytes_of(array.type.bit_width, len(array)))


@dataclass(frozen=True, slots=True)
class Announced:
    """What comes behind the head: `description_bytes`, which say how many bytes of values do.

    Its methods raise `ValueError` for what `to_wire` does not send.
    """

    rows: int
    columns: int
    metadata_bytes: int

    @classmethod
    def parse(cls, head: bytes) -> "Announced":
        """Understand the first `HEAD_BYTES`."""
        found = cls(*_HEAD.unpack(head))
        if (
            found.rows > MOST_ROWS
            or found.columns > len(_KNOWN)
            or not _NO_METADATA <= found.metadata_bytes <= LONGEST_TEXT
        ):
            raise ValueError(f"{found} is over a bound")
        return found

    @property
    def description_bytes(self) -> int:
        """Length of the columns' list and the metadata."""
        return self.columns * _COLUMN.size + max(self.metadata_bytes, 0)

    def value_bytes(self, description: bytes) -> int:
        """How many bytes of values come behind the description."""
        return sum(part.total_bytes for part in self._parts(description))

    def _parts(self, description: bytes) -> "list[_Part]":
        listed = list(_COLUMN.iter_unpack(description[: self.columns * _COLUMN.size]))
        if len({position for position, _ in listed}) != len(listed):
            raise ValueError("a column comes twice")
        if any(each >= len(_KNOWN) or has_gaps > 1 for each, has_gaps in listed):
            raise ValueError("a column is none of a batch's")
        return [_Part(_KNOWN[each], self.rows, bool(has_gaps)) for each, has_gaps in listed]

    def table(self, description: bytes, values: pa.Buffer, metadata_key: bytes) -> pa.Table:
        """Put the table together from all that came; its columns stay within `values`."""
        parts, begin, arrays = self._parts(description), 0, []
        for part in parts:
            arrays.append(part.array(values.slice(begin, part.total_bytes)))
            begin += part.total_bytes
        metadata = None
        if self.metadata_bytes != _NO_METADATA:
            metadata = {metadata_key: description[self.columns * _COLUMN.size :]}
        return pa.Table.from_arrays(
            arrays, schema=pa.schema([part.field for part in parts], metadata)
        )


@dataclass(frozen=True, slots=True)
class _Part:
    field: pa.Field
    rows: int
    has_gaps: bool

    @property
    def _validity_bytes(self) -> int:
        return _bytes_of(1, self.rows) if self.has_gaps else 0

    @property
    def total_bytes(self) -> int:
        return self._validity_bytes + _bytes_of(self.field.type.bit_width, self.rows)

    def array(self, values: pa.Buffer) -> pa.Array:
        validity = values.slice(0, self._validity_bytes) if self.has_gaps else None
        rest = values.slice(self._validity_bytes)
        return pa.Array.from_buffers(self.field.type, self.rows, [validity, rest])


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if array.offset:
        raise ValueError("a column does not begin with its buffer")
    return array


def _bytes_of(bits: int, rows: int) -> int:
    whole = (bits * rows + 7) // 8
    return -(-whole // _ALIGNED) * _ALIGNED


def _padded(buffer: pa.Buffer, size: int) -> Iterator[bytes | pa.Buffer]:
    there = min(buffer.size, size)
    yield buffer.slice(0, there)
    yield bytes(size - there)
