"""Upload batches into the raw bucket, side by side and each one once."""

from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Final

from petrostream.aws.buckets import Bucket
from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import Batch, encode
from petrostream.schema.keys import READINGS, BatchId, parse_batch_key
from producer.claims import CUT, Claims
from producer.schedule import DueBatch

_PARQUET: Final = "application/vnd.apache.parquet"


class Uploader:
    """Uploads batches side by side; what is in the bucket already is not uploaded again."""

    def __init__(self, bucket: Bucket, parallel: int) -> None:
        self._bucket = bucket
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="upload")
        self._most = 2 * parallel
        self._pending: dict[Future[bool], Batch] = {}
        self._present: dict[str, dict[str, dict[BatchId, str]]] = {}
        self._claims = Claims(bucket)

    def present(self, batch: Batch) -> Mapping[BatchId, str]:
        """Batches of the recording in the bucket as the well was first met, and their ETags."""
        well = batch.id.well
        if well not in self._present:
            found: dict[str, dict[BatchId, str]] = {}
            for listed in self._bucket.list(f"{READINGS}well={well}/"):
                with suppress(InvalidBatch):  # somebody else's object
                    batch_id = parse_batch_key(listed.key)
                    found.setdefault(batch_id.recording, {})[batch_id] = listed.etag
            self._present[well] = found
        return self._present[well].get(batch.id.recording, {})

    def claim(self, due_batch: DueBatch) -> None:
        """Claim the name of a batch's recording; before its first batch is uploaded.

        Raises
        ------
        RecordingClaimed
            If it stands for something else.
        """
        self._claims.take(due_batch.cut, self.present(due_batch.batch))

    def submit(self, due_batch: DueBatch) -> Iterator[tuple[Batch, bool]]:
        """Upload a batch in the background; give those that have finished meanwhile.

        A recording's first batch is waited for: the others need its profile.
        """
        future = self._pool.submit(self._upload, due_batch)
        self._pending[future] = due_batch.batch
        if due_batch.batch.is_first:
            wait([future])
        while len(self._pending) > self._most:
            wait(self._pending, return_when=FIRST_COMPLETED)
            yield from self._finished()
        yield from self._finished()

    def drain(self) -> Iterator[tuple[Batch, bool]]:
        """Wait for everything that is on its way."""
        wait(self._pending)
        yield from self._finished()

    def close(self) -> None:
        """Drop what has not begun, wait for the rest."""
        self._pool.shutdown(cancel_futures=True)

    def _upload(self, due_batch: DueBatch) -> bool:
        batch = due_batch.batch
        return self._bucket.put_if_absent(
            batch.id.raw, encode(batch), _PARQUET, {CUT: due_batch.cut.how}
        )

    def _finished(self) -> Iterator[tuple[Batch, bool]]:
        for future in [future for future in self._pending if future.done()]:
            batch = self._pending.pop(future)
            yield batch, future.result()
