"""Objects in buckets: the few calls that PetroStream makes to S3."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from petrostream.aws import clients
from petrostream.aws.clients import error_code, explained
from petrostream.errors import (
    ObjectMissing,
    ObjectReplaced,
    ObjectTooLarge,
    ServiceUnavailable,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ALREADY_THERE: Final = frozenset({"PreconditionFailed", "412"})
_RACING: Final = frozenset({"ConditionalRequestConflict", "409"})
_RACES: Final = 5
_AFTER_RACE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object's bytes, its ETag (without quotation marks) and when it was written (with zone)."""

    body: bytes
    etag: str
    written: datetime


@dataclass(frozen=True, slots=True)
class ListedObject:
    """What a listing says of an object; `modified` is UTC without a zone."""

    key: str
    etag: str
    size: int
    modified: datetime


class Bucket:
    """One bucket.

    Every method raises `ServiceUnavailable` where AWS does not do its part, and `SettingsError`
    where there are no credentials.
    """

    def __init__(self, name: str, client: "S3Client | None" = None) -> None:
        self.name = name
        self._s3 = client or clients.s3()

    def get(self, key: str, *, at_most: int) -> StoredObject:
        """Read an object.

        Raises
        ------
        ObjectMissing
            If there is none.
        ObjectTooLarge
            If it has more than `at_most` bytes; they are not read then.
        """
        with explained(f"reading s3://{self.name}/{key}"):
            response = self._s3.get_object(Bucket=self.name, Key=key)
            if response["ContentLength"] > at_most:
                response["Body"].close()
                raise ObjectTooLarge(
                    f"it has {response['ContentLength']} bytes, at most {at_most} are read",
                    etag=response["ETag"].strip('"'),
                )
            return StoredObject(
                body=response["Body"].read(),
                etag=response["ETag"].strip('"'),
                written=response["LastModified"],
            )

    def get_tail(self, key: str, size: int) -> bytes:
        """Read an object's last bytes, `size` at most (a Parquet footer, say)."""
        with explained(f"reading s3://{self.name}/{key}"):
            response = self._s3.get_object(Bucket=self.name, Key=key, Range=f"bytes=-{size}")
            return response["Body"].read()

    def get_part(self, key: str, first: int, length: int, *, etag: str) -> bytes:
        """Read `length` bytes of an object from byte `first` on; fewer where it ends before.

        Raises
        ------
        ObjectMissing
            If there is none.
        ObjectReplaced
            If it has another ETag than `etag`.
        """
        with explained(f"reading s3://{self.name}/{key}"):
            try:
                response = self._s3.get_object(
                    Bucket=self.name,
                    Key=key,
                    Range=f"bytes={first}-{first + length - 1}",
                    IfMatch=etag,
                )
                return response["Body"].read()
            except ClientError as error:
                if error_code(error) in _ALREADY_THERE:
                    raise ObjectReplaced(
                        f"s3://{self.name}/{key} was replaced meanwhile"
                    ) from error
                raise

    def metadata(self, key: str) -> dict[str, str] | None:
        """Read an object's user metadata; `None` where there is no object."""
        try:
            with explained(f"looking up s3://{self.name}/{key}"):
                return self._s3.head_object(Bucket=self.name, Key=key)["Metadata"]
        except ObjectMissing:
            return None

    def look_up(self, key: str) -> ListedObject | None:
        """Ask for an object as a listing describes it; `None` where there is none."""
        try:
            with explained(f"looking up s3://{self.name}/{key}"):
                found = self._s3.head_object(Bucket=self.name, Key=key)
        except ObjectMissing:
            return None
        return ListedObject(
            key=key,
            etag=found["ETag"].strip('"'),
            size=found["ContentLength"],
            modified=found["LastModified"].astimezone(UTC).replace(tzinfo=None),
        )

    def put(
        self, key: str, body: bytes, content_type: str, metadata: dict[str, str] | None = None
    ) -> None:
        """Write an object, replacing what was there."""
        with explained(f"writing s3://{self.name}/{key}"):
            self._s3.put_object(
                Bucket=self.name,
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata=metadata or {},
            )

    def put_if_absent(
        self, key: str, body: bytes, content_type: str, metadata: dict[str, str] | None = None
    ) -> bool:
        """Write an object unless there is one; tell whether this call wrote it."""
        with explained(f"writing s3://{self.name}/{key}"):
            for race in range(1, _RACES + 1):
                try:
                    self._s3.put_object(
                        Bucket=self.name,
                        Key=key,
                        Body=body,
                        ContentType=content_type,
                        Metadata=metadata or {},
                        IfNoneMatch="*",
                    )
                except ClientError as error:
                    if error_code(error) in _ALREADY_THERE:
                        return False
                    if error_code(error) not in _RACING:
                        raise
                    time.sleep(race * _AFTER_RACE_SECONDS)
                else:
                    return True
            raise ServiceUnavailable(
                f"writing s3://{self.name}/{key}: others write it all the time"
            )

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        with explained(f"deleting s3://{self.name}/{key}"):
            self._s3.delete_object(Bucket=self.name, Key=key)

    def copy_from(self, bucket: str, source: str, key: str, *, etag: str = "") -> None:
        """Copy an object of another bucket, without reading it here.

        Raises
        ------
        ObjectMissing
            If there is none.
        ObjectReplaced
            If it has another ETag than `etag`, where that is given; nothing is copied then.
        """
        only: dict[str, Any] = {"CopySourceIfMatch": etag} if etag else {}
        with explained(f"copying s3://{bucket}/{source} to s3://{self.name}/{key}"):
            try:
                self._s3.copy_object(
                    Bucket=self.name,
                    Key=key,
                    CopySource={"Bucket": bucket, "Key": source},
                    TaggingDirective="REPLACE",  # to read the other's tags is a right of its own
                    **only,
                )
            except ClientError as error:
                if error_code(error) in _ALREADY_THERE:
                    raise ObjectReplaced(
                        f"s3://{bucket}/{source} was replaced meanwhile"
                    ) from error
                raise

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """List the keys under a prefix, in order, those behind `after` only."""
        return (listed.key for listed in self.list(prefix, after=after))

    def folders(self, prefix: str) -> Iterator[str]:
        """List what stands directly under a prefix as if it were a folder: prefixes up to a `/`."""
        with explained(f"listing s3://{self.name}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                for item in page.get("CommonPrefixes", []):
                    yield item["Prefix"]

    def list(self, prefix: str, *, after: str = "") -> Iterator[ListedObject]:
        """List the objects under a prefix, in the order of keys, those behind `after` only."""
        with explained(f"listing s3://{self.name}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, StartAfter=after
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield ListedObject(
                        key=item["Key"],
                        etag=item["ETag"].strip('"'),
                        size=item["Size"],
                        modified=item["LastModified"].astimezone(UTC).replace(tzinfo=None),
                    )
