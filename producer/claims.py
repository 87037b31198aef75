"""Claim a recording's name before its first batch is uploaded; see `petrostream.ingest.claims`."""

import getpass
import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from petrostream.aws.buckets import Bucket
from petrostream.errors import (
    InvalidBatch,
    ObjectMissing,
    PermanentError,
    RecordingClaimed,
    ServiceUnavailable,
    UsageError,
    printable,
)
from petrostream.ingest.batches import MAX_OBJECT_BYTES, Batch, decode, encode
from petrostream.ingest.claims import (
    MAX_BYTES,
    REPLAYED,
    Claim,
    content_of,
    from_json,
    now,
    to_json,
)
from petrostream.schema.keys import BatchId, claim_key
from petrostream.schema.stored_forms import read_from
from producer.schedule import CutRecording

CUT: Final = "cut"
"""User metadata of every batch: how its recording was cut. Releases without claims compare it."""

_LONGEST_NAME: Final = 200
_JSON: Final = "application/json"
_OTHERWISE: Final = (
    "give the file another name, or remove what is stored of the recording first: "
    "docs/commands.md, replay, says what that is"
)


@dataclass(slots=True)
class Claims:
    """The claims in a raw bucket.

    Every method raises `ServiceUnavailable` where AWS does not do its part.
    """

    bucket: Bucket
    _heeds_conditions: bool = False

    def take(self, cut: CutRecording, there: Mapping[BatchId, str]) -> None:
        """Claim a recording's name, or find that the claim there is agrees.

        Parameters
        ----------
        cut
            What is to be uploaded.
        there
            The recording's batches that the bucket holds already, and their ETags.

        Raises
        ------
        RecordingClaimed
            If the name stands for other readings, or for other batches.
        UsageError
            If the bucket's store does not heed conditional writes.
        """
        wanted = _wanted(cut)
        key = claim_key(wanted.well, wanted.recording)
        try:
            found = self._read(key) if there else None
            if found is None:
                self._compare(cut, there)
                found = self._write(key, wanted)
        except PermanentError as error:
            if isinstance(error, (RecordingClaimed, UsageError)):
                raise
            raise RecordingClaimed(f"{error}; {_OTHERWISE}") from error
        differences = found.differences(wanted)
        if differences:
            raise RecordingClaimed(
                f"{found.made} claimed the name for {' and '.join(differences)}: "
                f"{_advice(found, wanted)} (s3://{self.bucket.name}/{key})"
            )

    def _write(self, key: str, wanted: Claim) -> Claim:
        body = to_json(wanted)
        if self.bucket.put_if_absent(key, body, _JSON):
            self._insist_on_conditions(key, body)
            return wanted
        found = self._read(key)
        if found is None:
            raise ServiceUnavailable(f"s3://{self.bucket.name}/{key} was removed just now")
        return found

    def _insist_on_conditions(self, key: str, body: bytes) -> None:
        """Make sure, once, that the store keeps what is there when it is asked to."""
        if not self._heeds_conditions and self.bucket.put_if_absent(key, body, _JSON):
            raise UsageError(
                f"s3://{self.bucket.name} overwrites what is there although it is asked not to "
                "(If-None-Match: *): two producers could upload a recording twice. Use a store "
                "that heeds conditional writes"
            )
        self._heeds_conditions = True

    def _read(self, key: str) -> Claim | None:
        with read_from(key):
            try:
                return from_json(self.bucket.get(key, at_most=MAX_BYTES).body)
            except ObjectMissing:
                return None

    def _compare(self, cut: CutRecording, there: Mapping[BatchId, str]) -> None:
        """Hold batches that were uploaded without a claim to those that are to be uploaded."""
        if not there:
            return
        first = min(there, key=lambda batch_id: batch_id.first_second)
        how = (self.bucket.metadata(first.raw) or {}).get(CUT, cut.how)
        if how != cut.how:
            raise _unclaimed(f"cut into other batches ({how}), not {cut.how}")
        own = {batch.id: batch for batch in cut.batches}
        for batch_id, etag in there.items():
            if batch_id not in own:
                raise _unclaimed(f"cut into other batches: {batch_id.raw} is none of these")
            if not self._holds(own[batch_id], etag):
                raise _unclaimed(f"of other readings: {batch_id.raw} differs")

    def _holds(self, batch: Batch, etag: str) -> bool:
        """Whether the batch in the bucket is this one; as bytes, or as rows if those differ."""
        if hashlib.md5(encode(batch), usedforsecurity=False).hexdigest() == etag:
            return True
        try:
            stored = decode(self.bucket.get(batch.id.raw, at_most=MAX_OBJECT_BYTES).body, batch.id)
        except InvalidBatch:
            return False
        same_rows = stored.table.equals(batch.table)
        return same_rows and replace(stored, table=batch.table) == batch


def _wanted(cut: CutRecording) -> Claim:
    recording, times = cut.recording, cut.recording.microseconds
    first = cut.batches[0]
    return Claim(
        well=recording.well,
        recording=recording.recording,
        kind=REPLAYED,
        content=content_of(recording),
        rows=recording.rows,
        first=int(times[0]),
        last=int(times[-1]),
        batch_seconds=cut.batch_seconds,
        commissioning_seconds=first.commissioning_seconds,
        lookback_seconds=first.lookback_seconds,
        by=_who(),
        at=now(),
    )


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        user = f"user {os.getuid()}"
    return printable(f"{user} on {socket.gethostname()}")[:_LONGEST_NAME]


def _advice(found: Claim, wanted: Claim) -> str:
    same_length = replace(wanted, batch_seconds=found.batch_seconds)
    if not found.differences(same_length) and found.batch_seconds % 60 == 0:
        return f"take --batch-minutes {found.batch_seconds // 60}, or {_OTHERWISE}"
    return _OTHERWISE


def _unclaimed(how: str) -> RecordingClaimed:
    return RecordingClaimed(
        f"an earlier release has uploaded a recording of that name, {how}: {_OTHERWISE}"
    )
