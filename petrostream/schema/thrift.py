"""Read Thrift's compact protocol, in which Parquet describes itself, with bounds.

Only what Parquet's descriptions use is read; anything else, and whatever two readers could take
for different things, is refused.
"""

from typing import Any, Final

LONGEST_TEXT: Final = 64 * 1024
LONGEST_LIST: Final = 512
_DEEPEST: Final = 8
_MOST_BITS: Final = 70
_MORE_FOLLOWS: Final = 0x80
_LONG_LIST: Final = 15

_HIGHEST_NUMBER: Final = 2**15 - 1
_TRUE, _FALSE, _BYTE, _INT16, _DOUBLE = 1, 2, 3, 4, 7
INT32: Final = 5
INT64: Final = 6
BINARY: Final = 8
LIST: Final = 9
STRUCT: Final = 12

Fields = dict[tuple[int, int], Any]
"""A struct's fields by number and kind: int, bytes, list or again fields; `None` for the rest.

A field of another kind than expected is none: so does every reader take it.
"""


def read_struct(data: bytes, start: int) -> tuple[Fields, int]:
    """Read the struct that begins at a byte; gives its fields and where the next byte is.

    Raises
    ------
    ValueError
        If there is none, or it is over a bound.
    """
    reader = _Reader(data, start)
    return reader.struct(0), reader.position


class _Reader:
    """From a position on; every step forward is bounded."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position

    def struct(self, depth: int) -> Fields:
        """Read fields whose numbers increase, so that no reader takes another one of two."""
        if depth > _DEEPEST:
            raise ValueError(f"its description is nested more than {_DEEPEST} deep")
        fields: Fields = {}
        number = 0
        while (head := self._byte()) != 0:
            step = head >> 4
            following = number + step if step else self._zigzag()
            if not number < following <= _HIGHEST_NUMBER:
                raise _damaged()
            number = following
            kind = head & 0xF
            fields[number, kind] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind == LIST:
            return self._list(depth + 1)
        if kind in {INT32, INT64, BINARY, STRUCT}:
            return self._entry(kind, depth)
        if kind == _INT16:
            self._varint()
        elif kind in {_BYTE, _DOUBLE}:
            self._skip(1 if kind == _BYTE else 8)
        elif kind not in {_TRUE, _FALSE}:
            raise _damaged()
        return None

    def _entry(self, kind: int, depth: int) -> Any:
        if kind in {INT32, INT64}:
            return self._zigzag()
        if kind == BINARY:
            return self._text()
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise _damaged()

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        many = head >> 4
        if many == _LONG_LIST:
            many = self._varint()
        if many > LONGEST_LIST:
            raise ValueError(
                f"its description lists {many} things; at most {LONGEST_LIST} are read"
            )
        return [self._entry(head & 0xF, depth) for _ in range(many)]

    def _text(self) -> bytes:
        length = self._varint()
        if length > LONGEST_TEXT:
            raise ValueError(f"its description has a text of {length} bytes")
        start = self.position
        self._skip(length)
        return self.data[start : self.position]

    def _skip(self, length: int) -> None:
        self.position += length
        if self.position > len(self.data):
            raise _damaged()

    def _zigzag(self) -> int:
        value = self._varint()
        if value >> 64:
            raise _damaged()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = 0
        for shift in range(0, _MOST_BITS, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < _MORE_FOLLOWS:
                return value
        raise _damaged()

    def _byte(self) -> int:
        if not 0 <= self.position < len(self.data):
            raise _damaged()
        self.position += 1
        return self.data[self.position - 1]


def _damaged() -> ValueError:
    return ValueError("its description of itself is damaged")
