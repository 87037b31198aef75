"""Recommission a well: learn its profile anew from what it reads now."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from console.answers import Answer
from console.speech import say
from petrostream.aws.buckets import Bucket
from petrostream.detection import profiles
from petrostream.detection.profiles import Profile
from petrostream.errors import UsageError
from petrostream.ingest.batches import COMMISSIONING_SECONDS, MAX_OBJECT_BYTES
from petrostream.ingest.readings import microseconds_of, readings_of
from petrostream.registry.profile_store import ProfileStore
from petrostream.schema.columns import SECOND, TIMESTAMP
from petrostream.schema.keys import (
    READINGS,
    SCORED,
    BatchId,
    parse_batch_key,
    second_of,
)
from petrostream.schema.sensors import BY_NAME
from petrostream.schema.stored_forms import read_from
from petrostream.scoring.score_batch import read_scored
from petrostream.settings import Settings, use_stack

_MINUTE: Final = 60
USUAL_MINUTES: Final = COMMISSIONING_SECONDS // _MINUTE


@dataclass(frozen=True, slots=True)
class Recommissioned:
    """A well's new profile: of which recording, the sensors alive, and from when it is in force."""

    well: str
    recording: str
    sensors: tuple[str, ...]
    in_force_from: datetime

    def __str__(self) -> str:
        return (
            f"{self.recording} has a new profile of {len(self.sensors)} sensors, in force for "
            f"batches from {self.in_force_from.isoformat(sep=' ')} on"
        )


def run(well: str, minutes: int) -> Answer:
    """Recommission a well of the stack that is up, and say from when on that holds."""
    use_stack()
    settings = Settings.load("raw_bucket", "curated_bucket")
    raw, curated = Bucket(settings.raw_bucket), Bucket(settings.curated_bucket)
    found = recommission(raw, curated, well, minutes)
    say(str(found))
    return Answer({**asdict(found), "in_force_from": found.in_force_from.isoformat()})


def recommission(raw: Bucket, curated: Bucket, well: str, minutes: int) -> Recommissioned:
    """Learn a new profile of a well's newest recording.

    It is in force for batches that begin after everything scored so far, so no result changes.

    Parameters
    ----------
    minutes
        How much of the newest time to learn from.

    Raises
    ------
    UsageError
        If nothing of the well was scored yet, some of it still waits, or no sensor of it is alive.
    """
    batches = [parse_batch_key(key) for key in curated.keys(f"{SCORED}well={well}/")]
    if not batches:
        raise UsageError(f"nothing of {well} has been scored yet: name a well that has readings")
    last = max(batches, key=lambda one: one.first_second)
    if any(raw.keys(f"{READINGS}well={well}/", after=last.raw)):
        raise UsageError(
            f"batches of {well} still wait to be scored, and would be by either profile: try again "
            "once they are (`petrostream status`)"
        )
    profile = _learn(curated, [one for one in batches if one.recording == last.recording], minutes)
    if not profile.live_sensors:
        raise UsageError(f"no sensor of {well} was alive in its newest {minutes} minutes")
    ProfileStore(curated).recommission(profile)
    return Recommissioned(well, last.recording, tuple(profile.live_sensors), second_of(profile.end))


def read_rows(curated: Bucket, batch: BatchId, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a batch's scored rows, those that it has.

    Raises
    ------
    InvalidBatch
        If a later version of PetroStream has scored it in another form.
    """
    body = curated.get(batch.scored, at_most=MAX_OBJECT_BYTES).body
    with read_from(batch.scored):
        return read_scored(body, columns)


def _learn(curated: Bucket, batches: list[BatchId], minutes: int) -> Profile:
    """Learn from the newest minutes of a recording's scored batches."""
    rows: pa.Table | None = None
    start = end = 0
    for batch in sorted(batches, key=lambda one: one.first_second, reverse=True):
        table = read_rows(curated, batch, [TIMESTAMP, *BY_NAME])
        rows = table if rows is None else pa.concat_tables([table, rows], promote_options="default")
        times = microseconds_of(rows)
        end = (int(times[-1]) // SECOND + 1) * SECOND
        start = end - minutes * _MINUTE * SECOND
        if times[0] <= start:
            break
    times = microseconds_of(rows)
    sensors = tuple(BY_NAME)
    values = readings_of(rows, sensors)[times >= start]
    seen = np.isfinite(values).any(axis=0)
    names = tuple(name for name, is_seen in zip(sensors, seen, strict=True) if is_seen)
    return Profile(
        well=batches[0].well,
        recording=batches[0].recording,
        start=start,
        end=end,
        sensors=profiles.learn_sensors(values[:, seen], names),
    )
