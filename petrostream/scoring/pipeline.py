"""What happens to one raw object: read, check, profile, score, write; the Lambda's logic.

Everything that is written follows from the inputs alone, so doing it again, or twice at once, or
in another order, leaves the same bytes.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from petrostream.alarms import events
from petrostream.alarms.notify import Alerts
from petrostream.aws.buckets import Bucket
from petrostream.aws.partitions import Partitions
from petrostream.detection.profiles import Profile
from petrostream.errors import InvalidBatch, ObjectMissing, ObjectTooLarge, ProfileNotReady
from petrostream.ingest.batches import MAX_OBJECT_BYTES, Batch, decode
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
_MAX_EVENTS_BYTES: Final = 8 * 1024 * 1024


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
    """Scores raw objects into the curated bucket; keeps model and profiles between calls."""

    def __init__(
        self,
        raw: Bucket,
        curated: Bucket,
        model: CurrentModel,
        alerts: Alerts,
        partitions: Partitions | None = None,
    ) -> None:
        self._raw = raw
        self._curated = curated
        self._model = model
        self._alerts = alerts
        self._partitions = partitions or Partitions("")
        self._profiles = ProfileStore(curated)

    def process(self, raw: RawObject, *, redelivered: bool = False) -> Outcome:
        """Process one raw object.

        `redelivered` says that the message came before: what was scored then is not done again.

        Raises
        ------
        TransientError
            If trying again may help; nothing is set aside then.
        """
        try:
            batch_id = parse_batch_key(raw.key)
            if batch_id.raw != raw.key:
                raise InvalidBatch(f"its key is not {batch_id.raw}")
            batch, etag = self._read(raw, batch_id)
        except (InvalidBatch, ObjectTooLarge) as error:
            return self._quarantine(raw, str(error))
        except ObjectMissing as error:
            return Outcome(Disposition.GONE, reason=str(error))
        model = self._model.get()
        if redelivered and self._is_scored(batch_id, model, etag):
            alerts = self._send_alerts(self._stored_runs(batch_id), model)
            self._tell_sql(batch_id)
            return Outcome(Disposition.ALREADY_SCORED, model_version=model.version, alerts=alerts)
        first = self._first_profile(batch)
        try:
            _check_fits(batch, first)
            scored = score_batch(batch, self._profile_in_force(batch) or first, model)
        except InvalidBatch as error:
            return self._quarantine(raw, str(error))
        self._write(batch, scored, model, etag)
        alerts = self._send_alerts(scored.runs, model)
        self._tell_sql(batch_id)
        return Outcome(
            Disposition.SCORED,
            counts=scored.counts,
            last_reading=int(batch.microseconds[-1]),
            model_version=model.version,
            alerts=alerts,
        )

    def _read(self, raw: RawObject, batch_id: BatchId) -> tuple[Batch, str]:
        if raw.size > MAX_OBJECT_BYTES:
            raise ObjectTooLarge(f"it has {raw.size} bytes, at most {MAX_OBJECT_BYTES} are read")
        stored = self._raw.get(raw.key, at_most=MAX_OBJECT_BYTES)
        return decode(stored.body, batch_id), stored.etag

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
            return self._read(RawObject(first.raw), first)[0]
        except (ObjectMissing, ObjectTooLarge, InvalidBatch) as error:
            raise ProfileNotReady(
                f"{batch.id.recording} has no profile yet: its first batch {first.raw} can't be "
                f"read ({error})"
            ) from error

    def _write(self, batch: Batch, scored: ScoredBatch, model: Model, etag: str) -> None:
        """Write events and summary, then the scored rows: where those are, the others are too."""
        gap = model.detector.settings.merge_gap_seconds
        if scored.runs:
            document = events.to_json(scored.runs, model_version=model.version, gap_seconds=gap)
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

    def _stored_runs(self, batch_id: BatchId) -> list[events.Event]:
        try:
            stored = self._curated.get(batch_id.events, at_most=_MAX_EVENTS_BYTES)
        except ObjectMissing:
            return []
        with read_from(batch_id.events):
            return events.from_json(stored.body)[0]

    def _send_alerts(self, runs: list[events.Event], model: Model) -> int:
        """Send the alerts of the events that open; behind the rows, so that they hold up none."""
        return sum(self._alerts.send(run, model.version) for run in runs if run.opens)

    def _tell_sql(self, batch_id: BatchId) -> None:
        """Have SQL find what was scored; behind alerts, and the batch comes back where it fails."""
        self._partitions.announce(batch_id.well, f"{batch_id.first_second:%Y-%m-%d}")

    def _quarantine(self, raw: RawObject, reason: str) -> Outcome:
        """Set an object aside with its reason; where it is gone by now, only the reason."""
        key = quarantine_key(raw.key)
        try:
            self._curated.copy_from(self._raw.name, raw.key, key)
        except ObjectMissing as error:
            return Outcome(Disposition.GONE, reason=str(error))
        document = {
            "format": QUARANTINE_REASON.newest,
            "key": raw.key,
            "bucket": self._raw.name,
            "reason": reason,
        }
        self._curated.put(
            f"{key}{REASON_SUFFIX}", json.dumps(document, sort_keys=True).encode(), _JSON
        )
        return Outcome(Disposition.QUARANTINED, reason=f"set aside under {QUARANTINE}: {reason}")


def _check_fits(batch: Batch, profile: Profile) -> None:
    if profile.start != batch.recording_start or profile.end != batch.commissioning_end:
        raise InvalidBatch(
            "its recording begins, or is commissioned, at another time than the profile of that "
            "name says: give the other recording a name of its own"
        )


def _scored_metadata(model: Model, etag: str) -> dict[str, str]:
    return {"model-version": model.version, "raw-etag": etag}
