"""Buckets in memory, which let a test decide what happens before each call."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from petrostream.aws.buckets import ListedObject, StoredObject
from petrostream.errors import ObjectMissing, ObjectReplaced, ObjectTooLarge


def etag_of(body: bytes) -> str:
    """The ETag that S3 gives an object that is put in one piece."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


@dataclass
class MemoryBucket:
    """What the scoring needs of `Bucket`, on dictionaries; `before` is called first of all."""

    name: str
    before: Callable[[], None] = lambda: None
    others: dict[str, "MemoryBucket"] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    said: dict[str, dict[str, str]] = field(default_factory=dict)

    def seen_by(self, before: Callable[[], None]) -> "MemoryBucket":
        """The same objects, as somebody reaches them who is interrupted before each call."""
        return MemoryBucket(self.name, before, self.others, self.bodies, self.said)

    def get(self, key: str, *, at_most: int) -> StoredObject:
        self.before()
        body = self._body(key)
        if len(body) > at_most:
            raise ObjectTooLarge(f"it has {len(body)} bytes", etag=etag_of(body))
        return StoredObject(body, etag_of(body), datetime.now(UTC))

    def metadata(self, key: str) -> dict[str, str] | None:
        self.before()
        return self.said.get(key)

    def look_up(self, key: str) -> ListedObject | None:
        self.before()
        if key not in self.bodies:
            return None
        body = self.bodies[key]
        return ListedObject(key, etag_of(body), len(body), datetime(2024, 1, 1))

    def put(
        self, key: str, body: bytes, content_type: str, metadata: dict[str, str] | None = None
    ) -> None:
        self.before()
        self.bodies.pop(key, None)  # so that what was written last stands last
        self.bodies[key], self.said[key] = body, metadata or {}

    def put_if_absent(
        self, key: str, body: bytes, content_type: str, metadata: dict[str, str] | None = None
    ) -> bool:
        self.before()
        if key in self.bodies:
            return False
        self.bodies[key], self.said[key] = body, metadata or {}
        return True

    def delete(self, key: str) -> None:
        self.before()
        self.bodies.pop(key, None)
        self.said.pop(key, None)

    def copy_from(self, bucket: str, source: str, key: str, *, etag: str = "") -> None:
        self.before()
        body = self.others[bucket]._body(source)
        if etag and etag_of(body) != etag:
            raise ObjectReplaced(source)
        self.bodies[key], self.said[key] = body, {}

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        self.before()
        return iter(sorted(key for key in self.bodies if key.startswith(prefix) and key > after))

    def list(self, prefix: str) -> list[ListedObject]:
        self.before()
        keys = sorted(key for key in self.bodies if key.startswith(prefix))
        return [
            ListedObject(
                key, etag_of(self.bodies[key]), len(self.bodies[key]), datetime(2024, 1, 1)
            )
            for key in keys
        ]

    def _body(self, key: str) -> bytes:
        if key not in self.bodies:
            raise ObjectMissing(f"{key} does not exist")
        return self.bodies[key]
