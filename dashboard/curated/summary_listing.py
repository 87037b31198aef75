"""List the summaries of a bucket: a page of a thousand keys becomes an array at once."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from dashboard.curated.snapshot import EMPTY, ListedKey, Names, parse
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import explained
from petrostream.errors import PermanentError
from petrostream.schema.keys import SUMMARIES

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_DATE: Final = re.compile(rf"{SUMMARIES}date=(\d{{4}}-\d\d-\d\d)/", re.ASCII)


class Listing:
    """The summaries of one bucket as S3 lists them. Safe to share between threads.

    Arrays have numbers in the place of names, those of `wells` and `recordings`.
    """

    def __init__(self, bucket: str, client: "S3Client") -> None:
        self._name = bucket
        self._s3 = client
        self._bucket = Bucket(bucket, client)
        self.wells, self.recordings = Names(), Names()
        self._refused: dict[str, str] = {}

    def dates(self) -> list[str]:
        """The dates of which there are summaries, the oldest first."""
        with explained(f"listing s3://{self._name}/{SUMMARIES}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=SUMMARIES, Delimiter="/"
            )
            found = [
                _DATE.fullmatch(item["Prefix"])
                for page in pages
                for item in page.get("CommonPrefixes", [])
            ]
            return [match[1] for match in found if match]

    def batches(self, prefix: str, after: str) -> np.ndarray:
        """The batches whose summaries are under a prefix, behind a key; a `BATCH` array."""
        pages = [
            parse(keys, self.wells, self.recordings, self._refuse)
            for keys in self._pages(prefix, after)
            if keys
        ]
        return np.concatenate([EMPTY, *pages])

    @property
    def refused(self) -> dict[str, str]:
        """Why summaries could not be read so far: the key of one for each reason."""
        return {key: reason for reason, key in self._refused.copy().items()}

    def _refuse(self, key: str, reason: str) -> None:
        self._refused.setdefault(reason, key)

    def is_there(self, key: str, modified: datetime) -> bool:
        """Whether a summary is there as it was written then, to the second.

        Raises
        ------
        ServiceUnavailable
            If the bucket does not say.
        """
        try:
            found = self._bucket.look_up(key)
        except PermanentError:
            return False
        return found is not None and found.modified.replace(microsecond=0) == modified.replace(
            microsecond=0
        )

    def _pages(self, prefix: str, after: str) -> Iterator[list[ListedKey]]:
        with explained(f"listing s3://{self._name}/{prefix}"):
            for page in self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=prefix, StartAfter=after
            ):
                yield [
                    ListedKey(
                        item["Key"], item["LastModified"].astimezone(UTC).replace(tzinfo=None)
                    )
                    for item in page.get("Contents", [])
                ]
