"""What happens to one raw object: read, check, profile, score, write; the Lambda's logic.

Everything that is written follows from the inputs alone, so doing it again, or twice at once, or
in another order, leaves the same bytes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import pyarrow as pa

from petrostream.alarms import events
from petrostream.alarms.notify import Alerts
from petrostream.aws.buckets import Bucket, StoredObject
from petrostream.aws.partitions import Partitions
from petrostream.detection.profiles import Profile
from petrostream.errors import (
    InvalidBatch,
    ObjectArchived,
    ObjectMissing,
    ObjectReplaced,
    ObjectTooLarge,
    ProfileNotReady,
)
from petrostream.ingest.batches import MAX_OBJECT_BYTES, Batch, decode, read_table
from petrostream.ingest.notifications import RawObject
from petrostream.registry.model_files import Model
from petrostream.registry.models import CurrentModel
from petrostream.registry.profile_store import ProfileStore
from petrostream.schema.keys import (
    QUARANTINE,
    REASON_SUFFIX,
    BatchId,
    parse_batch_key,
    quarantine_key,
)
from petrostream.schema.stored_forms import QUARANTINE_REASON, read_from
from petrostream.scoring import summaries
from petrostream.scoring.score_batch import Counts, ScoredBatch, encode_scored, score_batch

_PARQUET: Final = "application/vnd.apache.parquet"
_JSON: Final = "application/json"
_LONGEST_REASON: Final = 2_000
_LARGEST_COPY_BYTES: Final = 5 * 1024**3
"""S3 copies no more in one call."""
_MOST_ATTEMPTS: Final = 3
"""So often is scored what is there, where it was replaced meanwhile, before the queue waits."""


class Disposition(StrEnum):
    """What became of a raw object."""

    SCORED = "scored"
    ALREADY_SCORED = "already scored"
    QUARANTINED = "quarantined"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a raw object, with the figures that are worth a metric.

    `last_reading` is the batch's newest time stamp, µs since 1970 (UTC).
    """

    disposition: Disposition
    reason: str = ""
    counts: Counts | None = None
    last_reading: int | None = None
    model_version: str = ""
    alerts: int = 0


class Pipeline:
    """Scores raw objects into the curated bucket; keeps model and profiles between calls.

    `read` reads a raw object's Parquet: in this process, or where it can do no harm.
    """

    def __init__(  # noqa: PLR0913 - each of them is something else that it works with
        self,
        raw: Bucket,
        curated: Bucket,
        model: CurrentModel,
        alerts: Alerts,
        partitions: Partitions | None = None,
        *,
        read: Callable[[bytes], pa.Table] = read_table,
    ) -> None:
        self._raw = raw
        self._curated = curated
        self._model = model
        self._alerts = alerts
        self._partitions = partitions or Partitions("")
        self._read = read
        self._profiles = ProfileStore(curated)

    def process(
        self,
        raw: RawObject,
        *,
        redelivered: bool = False,
        has_time: Callable[[], bool] = lambda: True,
    ) -> Outcome:
        """Process one raw object: the one that is there last, however often it is replaced.

        Parameters
        ----------
        redelivered
            Whether the message came before: what was scored then is not done again, if the
            object that was announced is there still.
        has_time
            Whether there is time for another object; asked before one that was replaced is
            scored again.

        Raises
        ------
        TransientError
            If trying again may help; nothing is set aside then.
        """
        stale: set[str] = set()
        came_before = redelivered
        for number in range(_MOST_ATTEMPTS):
            if number and not has_time():
                raise ObjectReplaced(f"{raw.key} was replaced, and there is no time to score it")
            try:
                attempt = self._attempt(raw, redelivered=redelivered)
            except ObjectReplaced:
                attempt = None
            if attempt is not None:
                self._withdraw(stale, attempt.summary)
                if attempt.scored:
                    self._release(raw.key, may_be_half=came_before)
                if not attempt.etag or self._is_still_there(raw, attempt.etag):
                    if came_before and not attempt.scored:
                        attempt = self._with_what_stands(raw, attempt)
                    return self._announce(attempt)
                stale |= {attempt.summary} - {""}
            raw, redelivered, came_before = RawObject(raw.key), False, True
        raise ObjectReplaced(f"{raw.key} is replaced faster than it can be scored")

    def _attempt(self, raw: RawObject, *, redelivered: bool) -> "_Attempt":
        """Process the object that is there now; another one may take its place meanwhile."""
        stored: StoredObject | None = None
        try:
            batch_id = _id_of(raw)
            stored = self._get(raw)
            batch = decode(stored.body, batch_id, self._read)
        except ObjectTooLarge as error:
            return self._quarantine_unread(raw, str(error), error.etag)
        except ObjectArchived as error:
            return self._give_reason(raw, str(error), raw.etag)
        except InvalidBatch as error:
            if stored is None:
                return self._quarantine_unread(raw, str(error))
            return self._quarantine(raw, str(error), stored)
        except ObjectMissing as error:
            return _Attempt(Outcome(Disposition.GONE, reason=str(error)))
        return self._score(raw, stored, batch, may_be_done=redelivered and raw.etag == stored.etag)

    def _score(
        self, raw: RawObject, stored: StoredObject, batch: Batch, *, may_be_done: bool
    ) -> "_Attempt":
        model = self._model.get()
        if may_be_done and self._is_scored(batch.id, model, stored.etag):
            done = Outcome(Disposition.ALREADY_SCORED, model_version=model.version)
            runs = self._stored_runs(batch.id)
            return _Attempt(done, stored.etag, runs, scored=batch.id)
        first = self._first_profile(batch)
        try:
            _check_fits(batch, first)
            scored = score_batch(batch, self._profile_in_force(batch) or first, model)
            document = _event_document(scored, model)
        except InvalidBatch as error:
            return self._quarantine(raw, str(error), stored)
        summary = self._write(batch, scored, document, model, stored.etag)
        outcome = Outcome(
            Disposition.SCORED,
            counts=scored.counts,
            last_reading=int(batch.microseconds[-1]),
            model_version=model.version,
        )
        return _Attempt(outcome, stored.etag, scored.runs, summary, scored=batch.id)

    def _get(self, raw: RawObject) -> StoredObject:
        if raw.size > MAX_OBJECT_BYTES:
            raise ObjectTooLarge(
                f"it has {raw.size} bytes, at most {MAX_OBJECT_BYTES} are read", etag=raw.etag
            )
        return self._raw.get(raw.key, at_most=MAX_OBJECT_BYTES)

    def _is_still_there(self, raw: RawObject, etag: str) -> bool:
        """Whether no other object was written under the key; one that was removed is no other."""
        found = self._raw.look_up(raw.key)
        return found is None or found.etag == etag

    def _withdraw(self, stale: set[str], summary: str) -> None:
        """Remove summaries of replaced objects, once there is one of the object in their place."""
        if summary:
            for key in stale - {summary}:
                self._curated.delete(key)

    def _release(self, key: str, *, may_be_half: bool) -> None:
        """Withdraw what was set aside under a key that is scored now.

        Whoever sets aside writes the copy first, and looks last whether the object is there
        still; so the copy alone is looked for, but where somebody may have died between the two.
        """
        aside = quarantine_key(key)
        reason = f"{aside}{REASON_SUFFIX}"
        is_aside = self._curated.metadata(aside) is not None
        if (is_aside or may_be_half) and self._curated.metadata(reason) is not None:
            self._curated.delete(reason)
        if is_aside:
            self._curated.delete(aside)

    def _announce(self, attempt: "_Attempt") -> Outcome:
        """Send the alerts of the events that open, behind the rows, so that they hold up none.

        Then have SQL find what was scored; where that fails, the batch comes back.
        """
        outcome = attempt.outcome
        opening = [run for run in attempt.runs if run.opens]
        alerts = self._alerts.send_all(opening, outcome.model_version)
        if attempt.scored:
            day = f"{attempt.scored.first_second:%Y-%m-%d}"
            self._partitions.announce(attempt.scored.well, day)
        return replace(outcome, alerts=alerts)

    def _with_what_stands(self, raw: RawObject, attempt: "_Attempt") -> "_Attempt":
        """Have announced what another object under the key left, where this one gives nothing.

        Its rows and events stand, and whoever wrote them may have found this one before telling
        anybody of them, or died. What was told is not told again.
        """
        try:
            batch_id = _id_of(raw)
        except InvalidBatch:
            return attempt
        metadata = self._curated.metadata(batch_id.scored)
        if metadata is None:
            return attempt
        outcome = replace(attempt.outcome, model_version=metadata.get("model-version", ""))
        runs = self._stored_runs(batch_id)
        return replace(attempt, outcome=outcome, runs=runs, scored=batch_id)

    def _is_scored(self, batch_id: BatchId, model: Model, etag: str) -> bool:
        metadata = self._curated.metadata(batch_id.scored)
        return metadata == _scored_metadata(model, etag)

    def _first_profile(self, batch: Batch) -> Profile:
        """Find the recording's first profile, or learn it where this is the first to need it."""
        found = self._profiles.first(batch.id.well, batch.id.recording)
        return found or self._profiles.commission(
            batch if batch.is_first else self._first_batch(batch)
        )

    def _profile_in_force(self, batch: Batch) -> Profile | None:
        known = self._profiles.of(batch.id.well, batch.id.recording)
        return known.in_force(int(batch.microseconds[batch.lookback_rows]))

    def _first_batch(self, batch: Batch) -> Batch:
        first = batch.first_id
        try:
            return decode(self._get(RawObject(first.raw)).body, first, self._read)
        except (ObjectMissing, ObjectArchived, ObjectTooLarge, InvalidBatch) as error:
            raise ProfileNotReady(
                f"{batch.id.recording} has no profile yet: its first batch {first.raw} can't be "
                f"read ({error})"
            ) from error

    def _write(
        self, batch: Batch, scored: ScoredBatch, document: bytes, model: Model, etag: str
    ) -> str:
        """Write events and summary, then the scored rows: where those are, the others are too.

        Gives the summary's key.
        """
        if scored.runs:
            self._curated.put(batch.id.events, document, _JSON)
        elif self._curated.metadata(batch.id.events) is not None:
            self._curated.delete(batch.id.events)  # only then: each delete leaves a marker
        summary = summaries.summarise(batch.id, scored.table, scored.counts, model.version)
        self._curated.put(summary.key, summary.body, _JSON)
        self._curated.put(
            batch.id.scored,
            encode_scored(scored, batch, model, etag),
            _PARQUET,
            _scored_metadata(model, etag),
        )
        return summary.key

    def _stored_runs(self, batch_id: BatchId) -> list[events.Event]:
        try:
            stored = self._curated.get(batch_id.events, at_most=events.MOST_BYTES)
        except ObjectMissing:
            return []
        with read_from(batch_id.events):
            return events.from_json(stored.body)[0]

    def _quarantine(self, raw: RawObject, reason: str, judged: StoredObject) -> "_Attempt":
        """Set aside the very bytes that were judged, with the reason."""
        self._curated.put(quarantine_key(raw.key), judged.body, _PARQUET)
        return self._give_reason(raw, reason, judged.etag)

    def _quarantine_unread(self, raw: RawObject, reason: str, etag: str = "") -> "_Attempt":
        """Set aside what was not read, if it is that still, with the reason."""
        if raw.size > _LARGEST_COPY_BYTES:
            return self._give_reason(raw, f"{reason}; too large to be copied, it stays there", etag)
        try:
            self._curated.copy_from(self._raw.name, raw.key, quarantine_key(raw.key), etag=etag)
        except ObjectMissing as error:
            return _Attempt(Outcome(Disposition.GONE, reason=str(error)))
        return self._give_reason(raw, reason, etag)

    def _give_reason(self, raw: RawObject, reason: str, etag: str) -> "_Attempt":
        document = {
            "format": QUARANTINE_REASON.newest,
            "key": raw.key,
            "bucket": self._raw.name,
            "reason": reason[:_LONGEST_REASON],
        }
        self._curated.put(
            f"{quarantine_key(raw.key)}{REASON_SUFFIX}",
            json.dumps(document, sort_keys=True).encode(),
            _JSON,
        )
        told = f"set aside under {QUARANTINE}: {reason[:_LONGEST_REASON]}"
        return _Attempt(Outcome(Disposition.QUARANTINED, reason=told), etag=etag)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What became of the object that was there: `etag` is its own, "" if nothing rests on it.

    `runs` are those that alerts are due for, `summary` is the key that was written, `scored` the
    batch that has rows now.
    """

    outcome: Outcome
    etag: str = ""
    runs: list[events.Event] = field(default_factory=list)
    summary: str = ""
    scored: BatchId | None = None


def _id_of(raw: RawObject) -> BatchId:
    batch_id = parse_batch_key(raw.key)
    if batch_id.raw != raw.key:
        raise InvalidBatch(f"its key is not {batch_id.raw}")
    return batch_id


def _check_fits(batch: Batch, profile: Profile) -> None:
    if profile.start != batch.recording_start or profile.end != batch.commissioning_end:
        raise InvalidBatch(
            "its recording begins, or is commissioned, at another time than the profile of that "
            "name says: give the other recording a name of its own"
        )


def _event_document(scored: ScoredBatch, model: Model) -> bytes:
    gap = model.detector.settings.merge_gap_seconds
    return events.to_json(scored.runs, model_version=model.version, gap_seconds=gap)


def _scored_metadata(model: Model, etag: str) -> dict[str, str]:
    return {"model-version": model.version, "raw-etag": etag}
