"""Read S3 event notifications as they come through SQS."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from petrostream.documents import Bounds, Part, read_json
from petrostream.errors import PermanentError
from petrostream.schema.keys import READINGS, SUFFIX

_CREATED: Final = "ObjectCreated:"
_BOUNDS: Final = Bounds(size=1024 * 1024, depth=12, values=100_000, text=16 * 1024)
"""SQS carries messages of up to 1 MiB."""


@dataclass(frozen=True, slots=True)
class RawObject:
    """A raw object that S3 announced; `size` is in bytes, 0 where unknown, `etag` "" where so."""

    key: str
    size: int = 0
    etag: str = ""


def announced_objects(
    body: str, raw_bucket: str, on_ignored: Callable[[str], None] = lambda _: None
) -> Iterator[RawObject]:
    """Give the raw objects that a message announces.

    S3's test event, events of other buckets, removals, and keys that are no readings are told to
    `on_ignored` and passed over.

    Raises
    ------
    PermanentError
        If the message is not an S3 event.
    """
    try:
        event = read_json(body, "the message", bounds=_BOUNDS)
        kind = event.get("Event")
        if kind is not None and kind.plain == "s3:TestEvent":
            return
        records = [_Announcement.of(record) for record in event["Records"].entries()]
    except PermanentError as error:
        raise PermanentError(f"a message is not an S3 event: {error}") from error
    for record in records:
        reason = record.reason_to_ignore(raw_bucket)
        if reason:
            on_ignored(f"{record.key}: {reason}")
        else:
            yield RawObject(record.key, record.size, record.etag)


def announcement(raw: RawObject, raw_bucket: str) -> str:
    """A message that announces one object: `announced_objects` gives just that one back."""
    record = {
        "eventSource": "aws:s3",
        "eventName": f"{_CREATED}Put",
        "s3": {
            "bucket": {"name": raw_bucket},
            "object": {"key": quote_plus(raw.key, safe="/"), "size": raw.size, "eTag": raw.etag},
        },
    }
    return json.dumps({"Records": [record]}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Announcement:
    name: str
    bucket: str
    key: str
    size: int
    etag: str

    @classmethod
    def of(cls, record: Part) -> "_Announcement":
        s3 = record["s3"]
        size, etag = s3["object"].get("size"), s3["object"].get("eTag")
        return cls(
            name=record["eventName"].text(),
            bucket=s3["bucket"]["name"].text(),
            key=unquote_plus(s3["object"]["key"].text()),
            size=0 if size is None or size.plain is None else size.whole(least=0),
            etag="" if etag is None or etag.plain is None else etag.text().strip('"'),
        )

    def reason_to_ignore(self, raw_bucket: str) -> str:
        if not self.name.removeprefix("s3:").startswith(_CREATED):
            return f"{self.name} is not the creation of an object"
        if self.bucket != raw_bucket:
            return f"it is in the bucket {self.bucket}, not in {raw_bucket}"
        if not (self.key.startswith(READINGS) and self.key.endswith(SUFFIX)):
            return f"it does not stand under {READINGS} or does not end in {SUFFIX}"
        return ""
