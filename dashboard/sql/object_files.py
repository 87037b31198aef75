"""The objects of the dashboard's `ObjectService` as files, for the process of a query."""

import fnmatch
import io
import json
import queue
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import fsspec

from dashboard.sql import frames

PROTOCOL: Final = "curated"
_SCHEME: Final = f"{PROTOCOL}://"
_MOST_LISTING_BYTES: Final = 256 * 1024 * 1024
_READ_WHOLE_BYTES: Final = 512 * 1024
"""An object of this size or less is read at once; of a larger one, what is asked for."""


class _Place(NamedTuple):
    prefix: int
    number: int
    size: int


class _Connections:
    """Connections to the service, each used by one thread at a time."""

    def __init__(self, connections: Sequence[socket.socket]) -> None:
        self._free: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
        for each in connections:
            self._free.put(each)

    def ask(self, kind: bytes, request: bytes, at_most: int) -> bytes:
        connection = self._free.get()
        try:
            frames.send(connection, kind, request)
            answer, payload = frames.receive(connection, at_most)
        finally:
            self._free.put(connection)
        if answer == frames.FAULT:
            raise OSError(payload.decode())
        return payload


class ObjectFiles(fsspec.AbstractFileSystem):  # type: ignore[misc] # it has no types
    """Files `curated://scored/…` and the like: as they are listed, to read only.

    Parameters
    ----------
    connections
        To the service.
    prefixes
        What it serves, in the order of its numbers.
    """

    protocol = PROTOCOL

    def __init__(self, connections: Sequence[socket.socket], prefixes: Sequence[str]) -> None:
        super().__init__(skip_instance_cache=True)
        self._connections = _Connections(connections)
        self._prefixes = prefixes
        self._lock = threading.Lock()
        self._places: dict[str, dict[str, _Place]] = {}
        self._found: dict[str, list[str]] = {}

    def below(self, prefix: str) -> dict[str, _Place]:
        """What a prefix holds, by name with the prefix; asked for once."""
        with self._lock:
            if prefix not in self._places:
                self._places[prefix] = self._listed(prefix)
            return self._places[prefix]

    def _listed(self, prefix: str) -> dict[str, _Place]:
        which = self._prefixes.index(prefix)
        answer = self._connections.ask(
            frames.LIST, which.to_bytes(1, "little"), _MOST_LISTING_BYTES
        )
        return {
            prefix + name: _Place(which, number, size)
            for number, (name, size) in enumerate(json.loads(answer))
        }

    def _place(self, path: str) -> _Place:
        path = path.removeprefix(_SCHEME)
        for prefix in self._prefixes:
            if path.startswith(prefix) and path in self.below(prefix):
                return self.below(prefix)[path]
        raise FileNotFoundError(f"{path} is not there")

    def glob(self, path: str, **_: Any) -> list[str]:
        """The files whose names fit a pattern, folder by folder."""
        if path not in self._found:
            self._found[path] = self._fitting(path.removeprefix(_SCHEME).split("/"))
        return self._found[path]

    def _fitting(self, pattern: Sequence[str]) -> list[str]:
        found = []
        for prefix in self._prefixes:
            if fnmatch.fnmatchcase(prefix.rstrip("/"), pattern[0]):
                found += [name for name in self.below(prefix) if _fits(name, pattern)]
        return sorted(found)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name and size of a file."""
        return {"name": path, "size": self._place(path).size, "type": "file"}

    def modified(self, path: str) -> datetime:  # noqa: ARG002 - fsspec's own signature
        """When a file was written: always the same, for a query sees one state of it."""
        return datetime(1970, 1, 1, tzinfo=UTC)

    def open(self, path: str, mode: str = "rb", **_: Any) -> io.RawIOBase | io.BytesIO:
        """Open a file to read."""
        if mode != "rb":
            raise PermissionError("objects are read here, not written")
        place = self._place(path)
        if place.size <= _READ_WHOLE_BYTES:
            return io.BytesIO(self._read(place, 0, place.size))
        return _Parts(self, place)

    def _read(self, place: _Place, first: int, length: int) -> bytes:
        request = frames.PLACE.pack(place.prefix, place.number, first, length)
        return self._connections.ask(frames.READ, request, length)


class _Parts(io.RawIOBase):
    """A file of which only what is asked for is read."""

    def __init__(self, files: ObjectFiles, place: _Place) -> None:
        super().__init__()
        self._files = files
        self._place = place
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._place.size}
        self._position = max(base[whence] + offset, 0)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._place.size - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._files._read(self._place, self._position, wanted) if wanted else b""  # noqa: SLF001
        self._position += len(data)
        return data


def _fits(name: str, pattern: Sequence[str]) -> bool:
    folders = name.split("/")
    return len(folders) == len(pattern) and all(map(fnmatch.fnmatchcase, folders, pattern))
