"""What a Parquet object says of itself: its rows, its columns, and the pages that hold them.

A reader of Parquet takes memory for what is said there before it unpacks anything. pyarrow
compares little of it, and ends the process over some of it, so it is read here first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from petrostream.schema.thrift import BINARY, INT32, INT64, LIST, STRUCT, Fields, read_struct

MAGIC: Final = b"PAR1"
TRAILER_BYTES: Final = 8
MOST_FOOTER_BYTES: Final = 256 * 1024

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_DETAILS: Final = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
"""The field of a page header that tells more, by the page's type; its first counts values."""
_LEAST_BYTES_AN_ENTRY: Final = 4
_REPEATED: Final = 2
_MOST_TYPES: Final = 8

_FOOTER_LISTS: Final = {2: dict, 4: dict, 5: dict, 7: dict}
_GROUP_LISTS: Final = {1: dict, 4: dict}
_CHUNK_LISTS: Final = {2: int, 3: bytes, 8: dict, 13: dict}
_SIZES_LISTS: Final = {2: int, 3: int}
"""What a list holds, by its field: a reader goes by this, whatever the list says of itself."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A column's part of a row group; offsets in bytes of the object."""

    column: str
    physical_type: int
    values: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows, what they are said to unpack to, and where their columns are."""

    rows: int
    unpacked_bytes: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Footer:
    """Rows in all, physical types by column in order, and the row groups."""

    rows: int
    columns: tuple[tuple[str, int], ...]
    groups: tuple[RowGroup, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Values (none in a dictionary), bytes unpacked, and where in the object the next one is."""

    values: int
    unpacked_bytes: int
    end: int


def read_footer(data: bytes) -> Footer:
    """Read the footer of an object, or of its last bytes.

    Raises
    ------
    ValueError
        If it is over a bound, nested, or no footer.
    """
    footer_bytes = int.from_bytes(data[-TRAILER_BYTES : -len(MAGIC)], "little")
    if not data.endswith(MAGIC) or footer_bytes > len(data) - TRAILER_BYTES:
        raise ValueError("it does not end as Parquet does")
    if footer_bytes > MOST_FOOTER_BYTES:
        raise ValueError(f"its footer has {footer_bytes} bytes, more than {MOST_FOOTER_BYTES}")
    fields, _ = read_struct(data, len(data) - TRAILER_BYTES - footer_bytes)
    _check_lists(fields, _FOOTER_LISTS)
    return Footer(
        rows=_whole(fields, 3, INT64),
        columns=tuple(_column(each) for each in _structs(fields, 2)[1:]),
        groups=tuple(_group(each) for each in _structs(fields, 4)),
    )


def _column(element: Fields) -> tuple[str, int]:
    _check_lists(element, {})
    name = _text(element.get((4, BINARY)))
    is_leaf = (1, INT32) in element and not element.get((5, INT32))
    if not is_leaf or element.get((3, INT32)) == _REPEATED:
        raise ValueError(f"its column {name!r} is nested")
    return name, _type(element)


def _group(fields: Fields) -> RowGroup:
    _check_lists(fields, _GROUP_LISTS)
    return RowGroup(
        rows=_whole(fields, 3, INT64),
        unpacked_bytes=_whole(fields, 2, INT64),
        chunks=tuple(_chunk(each) for each in _structs(fields, 1)),
    )


def _chunk(fields: Fields) -> Chunk:
    said = fields.get((3, STRUCT))
    if said is None:
        raise _damaged()
    _check_lists(fields, {})
    _check_lists(said, _CHUNK_LISTS)
    _check_lists(said.get((16, STRUCT), {}), _SIZES_LISTS)
    path = said.get((3, LIST), [])
    if len(path) != 1 or (17, STRUCT) in said:
        raise _damaged()
    start = _whole(said, 9, INT64)
    if (11, INT64) in said and 0 < _whole(said, 11, INT64) < start:
        start = _whole(said, 11, INT64)
    return Chunk(
        column=_text(path[0]),
        physical_type=_type(said),
        values=_whole(said, 5, INT64),
        start=start,
        end=start + _whole(said, 7, INT64),
    )


def _check_lists(fields: Fields, holds: Mapping[int, type]) -> None:
    for (number, kind), values in fields.items():
        if kind == LIST and not all(isinstance(each, holds.get(number, int)) for each in values):
            raise _damaged()


def read_page(data: bytes, start: int) -> Page:
    """Read the header of the page that begins at a byte of an object.

    Raises
    ------
    ValueError
        If there is no page header, or it says what can't be.
    """
    header, body = read_struct(data, start)
    kind = _whole(header, 1, INT32)
    unpacked_bytes, packed_bytes = _whole(header, 2, INT32), _whole(header, 3, INT32)
    details = header.get((_DETAILS.get(kind, 0), STRUCT))
    if details is None:
        raise _damaged()
    values = _whole(details, 1, INT32)
    if max(unpacked_bytes, packed_bytes, values) >> 31:
        raise _damaged()
    if kind != _DICTIONARY:
        return Page(values, unpacked_bytes, body + packed_bytes)
    if values * _LEAST_BYTES_AN_ENTRY > unpacked_bytes:
        raise ValueError(f"it has a dictionary of {values} entries in {unpacked_bytes} bytes")
    return Page(0, unpacked_bytes, body + packed_bytes)


def _whole(fields: Fields, number: int, kind: int) -> int:
    value = fields.get((number, kind))
    if value is None:
        raise _damaged()
    if value < 0:
        raise ValueError("it says that it has a negative number of rows, values or bytes")
    return int(value)


def _type(fields: Fields) -> int:
    found = _whole(fields, 1, INT32)
    if found >= _MOST_TYPES:
        raise _damaged()
    return found


def _structs(fields: Fields, number: int) -> list[Fields]:
    value = fields.get((number, LIST))
    if value is None:
        raise _damaged()
    return list(value)


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        raise _damaged()
    return value.decode()


def _damaged() -> ValueError:
    return ValueError("its description of itself is damaged")
