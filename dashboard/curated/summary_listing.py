"""List the summaries of a bucket: a page of a thousand keys becomes an array at once."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from dashboard.curated.batches import EMPTY, ListedKey, Names, parse
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import explained
from petrostream.errors import PermanentError
from petrostream.schema.keys import SUMMARIES

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_DATE: Final = re.compile(rf"{SUMMARIES}date=(\d{{4}}-\d\d-\d\d)/", re.ASCII)

MOST_REFUSED: Final = 100
"""So many summaries are named at most that can't be read."""


class SummaryListing:
    """The summaries of one bucket as S3 lists them. Safe to share between threads.

    Arrays have numbers in the place of names, those of `wells` and `recordings`.
    """

    def __init__(self, bucket: str, client: "S3Client") -> None:
        self._name = bucket
        self._s3 = client
        self._bucket = Bucket(bucket, client)
        self.wells, self.recordings = Names(), Names()
        self._refused: dict[str, str] = {}
        self._lock = threading.Lock()

    def dates(self) -> list[str]:
        """The dates of which there are summaries, the oldest first."""
        with explained(f"listing s3://{self._name}/{SUMMARIES}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=SUMMARIES, Delimiter="/"
            )
            there: list[str] = []
            for page in pages:
                there += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
                there += [item["Key"] for item in page.get("Contents", [])]
        self._keep_refused_of(frozenset(there))
        return [match[1] for match in map(_DATE.fullmatch, there) if match]

    def batches(self, prefix: str, after: str) -> np.ndarray:
        """The batches whose summaries are under a prefix, behind a key; a `BATCH` array."""
        refused: dict[str, str] = {}
        pages = [
            parse(keys, self.wells, self.recordings, refused.__setitem__)
            for keys in self._pages(prefix, after)
            if keys
        ]
        with self._lock:
            self._refused = {
                key: reason
                for key, reason in self._refused.items()
                if not key.startswith(prefix) or key <= after
            }
            for key in list(refused)[: MOST_REFUSED - len(self._refused)]:
                self._refused[key] = refused[key]
        return np.concatenate([EMPTY, *pages])

    @property
    def refused(self) -> dict[str, str]:
        """Why summaries can't be read that were listed last, by key; a hundred of them at most."""
        with self._lock:
            return dict(self._refused)

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

    def _keep_refused_of(self, there: frozenset[str]) -> None:
        """Forget what was refused of folders that have gone: nothing lists those again."""
        with self._lock:
            self._refused = {
                key: reason for key, reason in self._refused.items() if _folder(key) in there
            }

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


def _folder(key: str) -> str:
    """What stands for a key in the list of dates: its folder, or itself where it has none."""
    name, slash, _ = key.removeprefix(SUMMARIES).partition("/")
    return SUMMARIES + name + slash
