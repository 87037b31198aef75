"""What the process of a query may ask of the dashboard: the objects of some prefixes, by number.

That process never sees a bucket, an endpoint or a credential, and it names no key: it asks for a
prefix's listing, and then for objects by their place in it.
"""

import json
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Final

from dashboard.sql import frames
from dashboard.sql.object_cache import ObjectCache
from petrostream.aws.buckets import Bucket, ListedObject
from petrostream.errors import PetroStreamError

_MOST_REQUEST_BYTES: Final = 64


class ObjectService:
    """Answers one process, over any number of connections at once.

    Parameters
    ----------
    bucket
        Where the objects are; it is only listed and read.
    prefixes
        What may be read, by number.
    cache
        What was read before.
    """

    def __init__(self, bucket: Bucket, prefixes: Sequence[str], cache: ObjectCache) -> None:
        self._bucket = bucket
        self._cache = cache
        self._prefixes = prefixes
        self._lock = threading.Lock()
        self._listed: dict[int, list[ListedObject]] = {}
        self.fault: PetroStreamError | None = None
        self.ended = threading.Event()
        """Set once nobody waits for answers: what has begun stops at its next step."""

    def serve(self, connection: socket.socket) -> None:
        """Answer until the other end closes, or asks for what there is not."""
        with connection:
            try:
                while True:
                    kind, request = frames.receive(connection, _MOST_REQUEST_BYTES)
                    self._reply(connection, kind, request)
            except (frames.Closed, frames.FrameTooLarge, struct.error, LookupError):
                return

    def _reply(self, connection: socket.socket, kind: bytes, request: bytes) -> None:
        try:
            answer = self._answer(kind, request)
        except PetroStreamError as error:
            self.fault = error
            frames.send(connection, frames.FAULT, str(error).encode())
        else:
            frames.send(connection, frames.DATA, answer)

    def _go_on(self) -> None:
        if self.ended.is_set():
            raise frames.Closed

    def _answer(self, kind: bytes, request: bytes) -> bytes:
        self._go_on()
        if kind == frames.LIST:
            return self._list(int.from_bytes(request, "little"))
        prefix, number, first, length = frames.PLACE.unpack(request)
        found = self._listed[prefix][number]
        length = min(length, found.size - first)
        if length <= 0:
            return b""
        if length == found.size:
            return self._whole(found)
        return self._bucket.get_part(found.key, first, length, etag=found.etag)

    def _whole(self, found: ListedObject) -> bytes:
        place = (self._bucket.name, found.key, found.etag)
        body = self._cache.get(place)
        if body is None:
            body = self._bucket.get_part(found.key, 0, found.size, etag=found.etag)
            self._cache.keep(place, body)
        return body

    def _list(self, number: int) -> bytes:
        """Names below a prefix and their sizes in bytes, as JSON."""
        with self._lock:
            self._go_on()
            prefix = self._prefixes[number]
            found = []
            for each in self._bucket.list(prefix):
                self._go_on()
                found.append(each)
            self._listed[number] = found
        return json.dumps([(each.key.removeprefix(prefix), each.size) for each in found]).encode()
