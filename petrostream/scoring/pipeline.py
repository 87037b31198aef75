"""What happens to one raw object: read, check, profile, score, write; the Lambda's logic.

Everything that is written follows from the inputs alone, so doing it again, or twice at once, or
in another order, leaves the same bytes.
"""

import json
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from petrostream.alarms import events
from petrostream.alarms.notify import Alerts
from petrostream.aws.buckets import Bucket
from petrostream.detection import profiles
from petrostream.detection.profiles import Profile
from petrostream.errors import InvalidBatch, ObjectMissing, ObjectTooLarge, ProfileNotReady
from petrostream.ingest.batches import MAX_OBJECT_BYTES, Batch, decode
from petrostream.registry.model_files import Model
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import (
    QUARANTINE,
    REASON_SUFFIX,
    BatchId,
    parse_batch_key,
    profile_key,
    quarantine_key,
    recommissioned_key,
)
from petrostream.schema.stored_forms import QUARANTINE_REASON, read_from
from petrostream.scoring import summaries
from petrostream.scoring.score_batch import Counts, ScoredBatch, encode_scored, score_batch

_PARQUET: Final = "application/vnd.apache.parquet"
_JSON: Final = "application/json"
_MAX_PROFILE_BYTES: Final = 1024 * 1024
_MAX_EVENTS_BYTES: Final = 8 * 1024 * 1024
_PROFILES_KEPT: Final = 512
_REPLACED_CHECK_SECONDS: Final = 30.0
"""How soon a recommissioned well's new profile is found; it is put there before it is needed."""


class Fate(StrEnum):
    """What became of a raw object."""

    SCORED = "scored"
    ALREADY_SCORED = "already scored"
    QUARANTINED = "quarantined"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class RawObject:
    """A raw object that S3 announced; `size` is in bytes, 0 where unknown."""

    key: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a raw object, with the figures that are worth a metric.

    `last_reading` is the batch's newest time stamp, µs since 1970 (UTC).
    """

    fate: Fate
    reason: str = ""
    counts: Counts | None = None
    last_reading: int | None = None
    model_version: str = ""
    alerts: int = 0


class Pipeline:
    """Scores raw objects into the curated bucket; keeps model and profiles between calls."""

    def __init__(self, raw: Bucket, curated: Bucket, model: CurrentModel, alerts: Alerts) -> None:
        self._raw = raw
        self._curated = curated
        self._model = model
        self._alerts = alerts
        self._profiles: OrderedDict[tuple[str, str], Profile] = OrderedDict()
        self._replaced: OrderedDict[tuple[str, str], tuple[float, list[Profile]]] = OrderedDict()

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
            return Outcome(Fate.GONE, reason=str(error))
        model = self._model.get()
        if redelivered and self._is_scored(batch_id, model, etag):
            alerts = self._send_alerts(self._stored_runs(batch_id), model)
            return Outcome(Fate.ALREADY_SCORED, model_version=model.version, alerts=alerts)
        profile = self._profile(batch)
        try:
            _check_fits(batch, profile)
            scored = score_batch(batch, self._recommissioned(batch) or profile, model)
        except InvalidBatch as error:
            return self._quarantine(raw, str(error))
        self._write(batch, scored, model, etag)
        alerts = self._send_alerts(scored.runs, model)
        return Outcome(
            Fate.SCORED,
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

    def _profile(self, batch: Batch) -> Profile:
        """Find the recording's profile, or learn it where this is the first to need it."""
        name = (batch.id.well, batch.id.recording)
        if name not in self._profiles:
            self._profiles[name] = self._stored_profile(batch) or self._learn_profile(batch)
            while len(self._profiles) > _PROFILES_KEPT:
                self._profiles.popitem(last=False)
        self._profiles.move_to_end(name)
        return self._profiles[name]

    def _stored_profile(self, batch: Batch) -> Profile | None:
        key = profile_key(batch.id.well, batch.id.recording)
        try:
            stored = self._curated.get(key, at_most=_MAX_PROFILE_BYTES)
        except ObjectMissing:
            return None
        with read_from(key):
            return profiles.from_json(stored.body)

    def _recommissioned(self, batch: Batch) -> Profile | None:
        """Find the profile that was put in the first one's place before the batch, if any."""
        name = (batch.id.well, batch.id.recording)
        checked, known = self._replaced.get(name, (-math.inf, []))
        if time.monotonic() - checked > _REPLACED_CHECK_SECONDS:
            key = recommissioned_key(*name)
            try:
                stored = self._curated.get(key, at_most=_MAX_PROFILE_BYTES)
                with read_from(key):
                    known = profiles.list_from_json(stored.body)
            except ObjectMissing:
                known = []
            self._replaced[name] = (time.monotonic(), known)
            while len(self._replaced) > _PROFILES_KEPT:
                self._replaced.popitem(last=False)
            self._replaced.move_to_end(name)
        return profiles.in_force(known, int(batch.microseconds[batch.lookback_rows]))

    def _learn_profile(self, batch: Batch) -> Profile:
        """Learn the profile from the recording's first batch; the first writer wins."""
        profile = profiles.learn(batch if batch.is_first else self._first_batch(batch))
        key = profile_key(batch.id.well, batch.id.recording)
        if self._curated.put_if_absent(key, profiles.to_json(profile), _JSON):
            return profile
        return self._stored_profile(batch) or profile

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
        """Send the alerts of the events that open; last, so that they never hold up readings."""
        return sum(self._alerts.send(run, model.version) for run in runs if run.opens)

    def _quarantine(self, raw: RawObject, reason: str) -> Outcome:
        """Set an object aside with its reason; where it is gone by now, only the reason."""
        key = quarantine_key(raw.key)
        try:
            self._curated.copy_from(self._raw.name, raw.key, key)
        except ObjectMissing as error:
            return Outcome(Fate.GONE, reason=str(error))
        document = {
            "format": QUARANTINE_REASON.newest,
            "key": raw.key,
            "bucket": self._raw.name,
            "reason": reason,
        }
        self._curated.put(
            f"{key}{REASON_SUFFIX}", json.dumps(document, sort_keys=True).encode(), _JSON
        )
        return Outcome(Fate.QUARANTINED, reason=f"set aside under {QUARANTINE}: {reason}")


def _check_fits(batch: Batch, profile: Profile) -> None:
    if profile.start != batch.recording_start or profile.end != batch.commissioning_end:
        raise InvalidBatch(
            "its recording begins, or is commissioned, at another time than the profile of that "
            "name says: give the other recording a name of its own"
        )


def _scored_metadata(model: Model, etag: str) -> dict[str, str]:
    return {"model-version": model.version, "raw-etag": etag}
