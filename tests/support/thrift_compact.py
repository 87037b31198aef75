"""Thrift's compact protocol as a tree that can be changed: for crafted Parquet.

A struct is a list of `[number, kind, value]`, a list `(kind, values)`; whole numbers, texts and
truths are what they are. No bounds: it reads what pyarrow has written.
"""

from typing import Any

TRUE, FALSE, BYTE, INT16, INT32, INT64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
WHOLE = (INT16, INT32, INT64)


def read_struct(data: bytes, position: int = 0) -> tuple[list[list[Any]], int]:
    """Read a struct; gives its fields and where the next byte is."""
    fields, number = [], 0
    while head := data[position]:
        position += 1
        if head >> 4:
            number += head >> 4
        else:
            number, position = _zigzag(data, position)
        kind = head & 0xF
        value, position = _value(data, position, kind)
        fields.append([number, kind, value])
    return fields, position + 1


def _value(data: bytes, position: int, kind: int, *, listed: bool = False) -> tuple[Any, int]:  # noqa: PLR0911 - one per kind
    if kind in (TRUE, FALSE):
        return (data[position], position + 1) if listed else (kind == TRUE, position)
    if kind == BYTE:
        return data[position], position + 1
    if kind in WHOLE:
        return _zigzag(data, position)
    if kind == DOUBLE:
        return data[position : position + 8], position + 8
    if kind == BINARY:
        length, position = _varint(data, position)
        return data[position : position + length], position + length
    if kind == STRUCT:
        return read_struct(data, position)
    assert kind in (LIST, SET), kind
    head = data[position]
    many, position = (head >> 4, position + 1) if head >> 4 < 15 else _varint(data, position + 1)
    values = []
    for _ in range(many):
        value, position = _value(data, position, head & 0xF, listed=True)
        values.append(value)
    return (head & 0xF, values), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _zigzag(data: bytes, position: int) -> tuple[int, int]:
    value, position = _varint(data, position)
    return (value >> 1) ^ -(value & 1), position


def write_struct(fields: list[list[Any]]) -> bytes:
    """Write a struct; field numbers in any order, or twice, are written as they are."""
    written, before = bytearray(), 0
    for number, kind, value in fields:
        step = number - before
        before = number
        if 0 < step < 16:
            written.append(step << 4 | kind)
        else:
            written += bytes([kind]) + _written_zigzag(number)
        written += _written(kind, value)
    return bytes(written) + b"\0"


def _written(kind: int, value: Any, *, listed: bool = False) -> bytes:  # noqa: PLR0911 - one per kind
    if kind in (TRUE, FALSE):
        return bytes([value]) if listed else b""
    if kind == BYTE:
        return bytes([value & 0xFF])
    if kind in WHOLE:
        return _written_zigzag(value)
    if kind == DOUBLE:
        return value
    if kind == BINARY:
        return _written_varint(len(value)) + value
    if kind == STRUCT:
        return write_struct(value)
    of, values = value
    many = len(values)
    head = bytes([many << 4 | of]) if many < 15 else bytes([0xF0 | of]) + _written_varint(many)
    return head + b"".join(_written(of, each, listed=True) for each in values)


def _written_zigzag(value: int) -> bytes:
    return _written_varint(((value << 1) ^ (value >> 63)) & (1 << 64) - 1)


def _written_varint(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
