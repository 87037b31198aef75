"""Frames between the dashboard and the process of a query: a kind, a length, the bytes.

Nothing here unpickles or evaluates: a payload is JSON, an object's bytes, or an Arrow stream.
"""

import socket
import struct
from typing import Final

LIST: Final = b"L"
READ: Final = b"R"
DATA: Final = b"D"
FAULT: Final = b"F"
READY: Final = b"Y"
QUERY: Final = b"Q"
ROWS: Final = b"A"
REFUSED: Final = b"X"
MEMORY: Final = b"M"

PLACE: Final = struct.Struct("<BIQQ")
"""What is read: the prefix's number, the object's in its listing, first byte and length."""

_HEAD: Final = struct.Struct("<cQ")
_PIECE: Final = 1 << 20


class Closed(Exception):
    """The other end is gone."""


class FrameTooLarge(Exception):
    """The other end announces more than may be taken."""


def send(connection: socket.socket, kind: bytes, payload: bytes) -> None:
    """Send a frame.

    Raises
    ------
    Closed
        If the other end is gone.
    """
    try:
        connection.sendall(_HEAD.pack(kind, len(payload)))
        connection.sendall(payload)
    except OSError as error:
        raise Closed from error


def receive(connection: socket.socket, at_most: int) -> tuple[bytes, bytes]:
    """Wait for a frame; gives its kind (one byte) and its payload.

    Raises
    ------
    Closed
        If the other end is gone.
    FrameTooLarge
        If the payload has more than `at_most` bytes; they are not read.
    """
    kind, length = _HEAD.unpack(_exactly(connection, _HEAD.size))
    if length > at_most:
        raise FrameTooLarge(f"{length:,} bytes, at most {at_most:,} are taken")
    return kind, _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    taken = bytearray()
    while len(taken) < length:
        try:
            piece = connection.recv(min(length - len(taken), _PIECE))
        except OSError as error:
            raise Closed from error
        if not piece:
            raise Closed
        taken += piece
    return bytes(taken)
