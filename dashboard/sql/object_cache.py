"""Bytes of objects that queries read before: a person asks about the same days again and again."""

import threading
from collections import OrderedDict
from typing import Final

MOST_BYTES: Final = 64 * 1024 * 1024


class ObjectCache:
    """Objects by what tells them apart (bucket, key, ETag), those used last.

    Parameters
    ----------
    most_bytes
        How much is kept. Safe to share between threads.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._bytes = 0

    def get(self, place: tuple[str, str, str]) -> bytes | None:
        """What was kept of an object."""
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
            return self._kept.get(place)

    def keep(self, place: tuple[str, str, str], body: bytes) -> None:
        """Keep an object; what was not used for longest goes where there is no room."""
        with self._lock:
            self._bytes += len(body) - len(self._kept.pop(place, b""))
            self._kept[place] = body
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
