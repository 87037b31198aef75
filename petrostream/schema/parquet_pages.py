"""Read the headers of Parquet's pages: how many values each holds and what it unpacks to.

A reader of Parquet takes memory for what a page's header says, before it unpacks the page. pyarrow
compares that with nothing, so it is read here first (Thrift's compact protocol, the parts of it
that a page header uses; anything else is refused).
"""

from dataclasses import dataclass
from typing import Any, Final

from petrostream.errors import InvalidBatch

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_DETAILS: Final = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
"""The field of a page header that tells more, by the page's type."""
_TYPE, _UNPACKED_BYTES, _PACKED_BYTES = 1, 2, 3
_VALUES: Final = 1
"""The field of those details that counts values, for every type of page."""

_LEAST_BYTES_AN_ENTRY: Final = 4

_TRUE, _FALSE, _BYTE, _INT16, _INT32, _INT64, _DOUBLE, _BINARY = range(1, 9)
_STRUCT: Final = 12
_LONGEST_BINARY: Final = 64 * 1024
_DEEPEST: Final = 4
_MOST_VARINT_BITS: Final = 63


@dataclass(frozen=True, slots=True)
class Page:
    """What a page's header says of it.

    Parameters
    ----------
    values
        How many values it holds, gaps included; 0 for a dictionary.
    unpacked_bytes
        What it unpacks to.
    end
        Where in the object the next page begins.
    """

    values: int
    unpacked_bytes: int
    end: int


def read_page(data: bytes, start: int) -> Page:
    """Read the header of the page that begins at a byte of an object.

    Raises
    ------
    InvalidBatch
        If there is no page header, or it says what can't be.
    """
    reader = _Reader(data, start)
    header = reader.struct(0)
    kind = _count(header, _TYPE)
    if kind not in _DETAILS:
        raise InvalidBatch(f"it has a page of an unknown type, {kind}")
    details = header.get(_DETAILS[kind])
    if not isinstance(details, dict):
        raise _not_a_header()
    values = _count(details, _VALUES)
    end = reader.position + _count(header, _PACKED_BYTES)
    unpacked_bytes = _count(header, _UNPACKED_BYTES)
    if kind == _DICTIONARY and values * _LEAST_BYTES_AN_ENTRY > unpacked_bytes:
        raise InvalidBatch(f"it has a dictionary of {values} entries in {unpacked_bytes} bytes")
    return Page(0 if kind == _DICTIONARY else values, unpacked_bytes, end)


def _count(fields: dict[int, Any], number: int) -> int:
    value = fields.get(number)
    if not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise _not_a_header()
    return value


def _not_a_header() -> InvalidBatch:
    return InvalidBatch("it has a page whose header is damaged")


class _Reader:
    """Thrift's compact protocol, from a position on; every step forward is bounded."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position

    def struct(self, depth: int) -> dict[int, Any]:
        """Read a struct's fields by number: whole numbers and structs; `None` for the rest.

        Numbers of fields must increase, so that no reader takes another one of two.
        """
        if depth > _DEEPEST:
            raise _not_a_header()
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            step = head >> 4
            following = number + step if step else self._zigzag()
            if following <= number:
                raise _not_a_header()
            number = following
            fields[number] = self._value(head & 0xF, depth)
        return fields

    def _value(self, kind: int, depth: int) -> int | dict[int, Any] | None:
        if kind in {_INT16, _INT32, _INT64}:
            return self._zigzag()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind == _BINARY:
            length = self._varint()
            if length > _LONGEST_BINARY:
                raise _not_a_header()
            self.position += length
        elif kind in {_BYTE, _DOUBLE}:
            self.position += 1 if kind == _BYTE else 8
        elif kind not in {_TRUE, _FALSE}:
            raise _not_a_header()
        return None

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = 0
        for shift in range(0, _MOST_VARINT_BITS, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follows
                return value
        raise _not_a_header()

    def _byte(self) -> int:
        if not 0 <= self.position < len(self.data):
            raise _not_a_header()
        self.position += 1
        return self.data[self.position - 1]
