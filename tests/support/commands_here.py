"""Commands that change something on AWS, as a person runs them: again until they succeed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from petrostream.alarms.annotations import Annotation, AnnotationKind, Annotations
from petrostream.aws.partitions import Partitions, stored_days
from petrostream.ingest.batches import COMMISSIONING_SECONDS, LOOKBACK_SECONDS
from petrostream.ingest.recordings import find_recordings
from petrostream.registry.models import ModelRegistry
from petrostream.schema.keys import SCORED
from petrostream.scoring.backfill import write_missing_summaries
from producer.progress import Progress
from producer.replay import Replay
from producer.schedule import Schedule
from producer.speed import Speed
from producer.upload import Uploader
from tests.support.aws_here import PARAMETER, Here
from tests.support.catalog import DATABASE

SCORED_KEY = f"{SCORED}well=WELL-00001/date=2024-01-0%d/recording-20240101T000000.parquet"
AN_HOUR = Schedule(
    batch_seconds=3600,
    commissioning_seconds=COMMISSIONING_SECONDS,
    lookback_seconds=LOOKBACK_SECONDS,
)


@dataclass(frozen=True)
class CommandHere:
    """A command: what is there before, and what it does."""

    name: str
    prepare: Callable[[Here], None]
    run: Callable[[Here, Path], None]

    def __str__(self) -> str:
        return self.name


def replay(here: Here, wells: Path) -> None:
    """Upload one recording, one batch at a time."""
    files = find_recordings(wells)[0][:1]
    replaying = Replay(files, AN_HOUR, Speed.parse("max"))
    with Progress("replaying", None) as progress:
        summary = replaying.run(Uploader(here.bucket("raw"), 1), progress)
    assert (summary.problems, summary.recordings) == (0, 1)
    assert summary.rows > 7000, "it counts what is there, uploaded now or before"


def publish(here: Here, _wells: Path) -> None:
    """Publish a model with a file beside it."""
    registry = ModelRegistry(here.bucket("models"), PARAMETER, here.clients["ssm"])
    registry.publish(here.packed, {"model.joblib": b"for the analyst"})


def announce_days(here: Here, _wells: Path) -> None:
    """Have SQL find every day that was scored."""
    days = stored_days(here.bucket("curated"), SCORED)
    Partitions(DATABASE).announce_all(days)


def annotate(here: Here, _wells: Path) -> None:
    """Acknowledge an alarm."""
    noon = datetime(2026, 11, 21, 12)
    kind = AnnotationKind.ACKNOWLEDGED
    Annotations(here.bucket("curated")).add(Annotation("W", "R", 0, 10, kind, "Ana", noon, ""))


def repair(here: Here, _wells: Path) -> None:
    """Write the summaries that scored batches lack."""
    write_missing_summaries(here.bucket("curated"), lambda *_: None)


def empty(here: Here) -> None:
    """Buckets with nothing in them, and no model."""
    here.begin(with_model=False, with_raw=False)


def with_scored_days(here: Here) -> None:
    """Two days of a well."""
    empty(here)
    for day in (1, 2):
        here.bucket("curated").put(SCORED_KEY % day, b"", "")


def without_summaries(here: Here) -> None:
    """Everything scored, and then the summaries lost."""
    here.calls.plan = None
    if not here.clients:
        here.begin()
        assert not here.environment().invoke(here.messages().event())
    for key in list(here.bucket("curated").keys("summaries/")):
        here.bucket("curated").delete(key)


COMMANDS = (
    CommandHere("replay", empty, replay),
    CommandHere("publish", empty, publish),
    CommandHere("announce days", with_scored_days, announce_days),
    CommandHere("annotate", empty, annotate),
    CommandHere("repair", without_summaries, repair),
)
