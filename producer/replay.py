"""Replay recordings: cut them into batches and upload them into the raw bucket, at a pace."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from console.answers import Answer
from console.exits import EXIT_PARTIAL
from console.speech import naming_unread, note, say
from petrostream.aws.buckets import Bucket
from petrostream.documents import SMALL, read_json
from petrostream.errors import (
    ModelNotReady,
    PermanentError,
    PetroStreamError,
    RecordingClaimed,
    ServiceUnavailable,
    UsageError,
)
from petrostream.files import write_whole
from petrostream.ingest.batches import (
    BATCH_SECONDS,
    COMMISSIONING_SECONDS,
    LOOKBACK_SECONDS,
    Batch,
)
from petrostream.ingest.readings import LATEST
from petrostream.ingest.recordings import Problem, RecordingFile, find_recordings, read_recordings
from petrostream.registry.models import ModelRegistry
from petrostream.schema.columns import SECOND
from petrostream.schema.parquet_footer import MOST_FOOTER_BYTES, TRAILER_BYTES, read_footer
from petrostream.settings import Settings, state_folder, use_stack
from producer.progress import Progress
from producer.schedule import (
    WELLS_SIDE_BY_SIDE,
    DueBatch,
    Schedule,
    by_well,
    due_batches,
    duration_seconds,
)
from producer.speed import Speed
from producer.upload import Uploader

_CSV_BYTES_A_ROW: Final = 90
_TAIL_BYTES: Final = MOST_FOOTER_BYTES + TRAILER_BYTES
_LONGEST_BATCH_MINUTES: Final = 24 * 60


@dataclass
class ReplaySummary:
    """What a replay did."""

    recordings: int = 0
    batches: int = 0
    batches_already_there: int = 0
    rows: int = 0
    problems: int = 0
    refused: int = 0
    seconds: float = 0.0
    _seen: set[str] = field(default_factory=set, repr=False)

    def add(self, batch: Batch, *, uploaded: bool) -> None:
        """Count a batch, uploaded now or found in the bucket."""
        if batch.id.recording not in self._seen:
            self._seen.add(batch.id.recording)
            self.recordings += 1
        self.batches += 1
        self.batches_already_there += not uploaded
        self.rows += batch.added_rows

    def facts(self) -> dict[str, float]:
        """What it did, JSON-ready."""
        facts = {name: value for name, value in asdict(self).items() if not name.startswith("_")}
        return {**facts, "seconds": round(self.seconds, 2)}


@dataclass
class Replay:
    """One replay of recordings into a bucket."""

    files: list[RecordingFile]
    schedule: Schedule
    speed: Speed
    started: float | None = None
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    problems: list[Problem] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    summary: ReplaySummary = field(default_factory=ReplaySummary)

    def run(self, uploader: Uploader, progress: Progress) -> ReplaySummary:
        """Upload every batch when it is due; `started` (clock) is when the replay began."""
        began = time.perf_counter()
        try:
            for due_batch in due_batches(
                self.files, self.schedule, self.problems.append, progress.note
            ):
                batch = due_batch.batch
                if batch.is_first:
                    self._claim(due_batch, uploader)
                if batch.id.recording in self.refused:
                    continue
                if batch.id in uploader.present(batch):
                    self._count(batch, progress, uploaded=False)
                    continue
                self._wait_for(due_batch)
                for finished, uploaded in uploader.submit(due_batch):
                    self._count(finished, progress, uploaded=uploaded)
            for finished, uploaded in uploader.drain():
                self._count(finished, progress, uploaded=uploaded)
        finally:
            uploader.close()
            self.summary.problems = len(self.problems)
            self.summary.refused = len(self.refused)
            self.summary.seconds = time.perf_counter() - began
        return self.summary

    def _claim(self, due_batch: DueBatch, uploader: Uploader) -> None:
        try:
            uploader.claim(due_batch)
        except RecordingClaimed as error:
            self.refused[due_batch.batch.id.recording] = str(error)

    def _wait_for(self, due_batch: DueBatch) -> None:
        if self.speed.factor == float("inf"):
            return
        due = due_batch.due / self.speed.factor
        if self.started is None:
            self.started = self.clock() - due
        delay = self.started + due - self.clock()
        if delay > 0:
            self.sleep(delay)

    def _count(self, batch: Batch, progress: Progress, *, uploaded: bool) -> None:
        self.summary.add(batch, uploaded=uploaded)
        progress.add(batch.added_rows)


def _began(content: bytes) -> float:
    return read_json(content, "the replay's file", bounds=SMALL)["began"].number(0, LATEST / SECOND)


@dataclass(frozen=True)
class LiveReplay:
    """When a replay with `--now` began, kept in a file so that it can be resumed."""

    path: Path
    began: float

    @classmethod
    def resume_or_begin(cls, identity: str, *, restart: bool) -> "LiveReplay":
        """Find when this replay began, or begin it now."""
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        path = state_folder() / "replays" / f"{digest}.json"
        if not restart:
            try:
                return cls(path, _began(path.read_bytes()))
            except (OSError, PermanentError):
                pass
        live = cls(path, float(int(time.time())))
        write_whole(path, json.dumps({"began": live.began}).encode())
        return live

    def anchor(self, longest_seconds: float, speed: Speed) -> int:
        """Time stamp (µs) of the replay's start.

        At speed 1 it is the clock's; faster replays start in the past, so that the longest well
        ends just when its last reading would be taken.
        """
        ahead = longest_seconds * max(0.0, 1.0 - 1.0 / speed.factor)
        return int(self.began - ahead) * SECOND

    def forget(self) -> None:
        """The replay is complete: the next one begins anew."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to replay, and how.

    `wells` and `classes` choose among the recordings, empty ones all; `now` shifts time stamps so
    that the replay looks live, and `restart` begins such a one anew instead of resuming it.
    """

    data: Path
    speed: Speed
    batch_minutes: int = BATCH_SECONDS // 60
    now: bool = False
    wells: tuple[str, ...] = ()
    classes: tuple[int, ...] = ()
    limit: int | None = None
    loop: bool = False
    parallel: int = 8
    restart: bool = False


def run(options: ReplayOptions) -> Answer:
    """Replay; 0 if every recording was uploaded, 3 if some were not read, or refused.

    Raises
    ------
    UsageError, ServiceUnavailable
        If that can't be replayed, or AWS can't be reached; the same command goes on then.
    """
    if options.batch_minutes > _LONGEST_BATCH_MINUTES:
        raise UsageError(f"--batch-minutes takes at most {_LONGEST_BATCH_MINUTES}")
    if options.loop and options.now and options.speed.factor > 1:
        raise UsageError(
            "--now with --loop needs --speed 1 or less: a faster endless replay would run ahead "
            "of the clock"
        )
    use_stack()
    settings = Settings.load("raw_bucket")
    files, problems = find_recordings(options.data, wells=options.wells, classes=options.classes)
    files = files[: options.limit]
    live = _live_replay(options, settings) if options.now else None
    replay = Replay(
        files=files,
        schedule=Schedule(
            batch_seconds=60 * options.batch_minutes,
            commissioning_seconds=COMMISSIONING_SECONDS,
            lookback_seconds=LOOKBACK_SECONDS,
            anchor=live.anchor(_longest_seconds(files), options.speed) if live else None,
            loop=options.loop,
            lanes=len(by_well(files)) if live else WELLS_SIDE_BY_SIDE,
        ),
        speed=options.speed,
        started=live.began if live else None,
        problems=problems,
    )
    _warn_without_model(settings)
    total = None if options.loop else sum(estimated_rows(file) for file in files)
    uploader = Uploader(Bucket(settings.raw_bucket), options.parallel)
    try:
        with naming_unread(replay.problems), Progress("replaying", total) as progress:
            summary = replay.run(uploader, progress)
    except ServiceUnavailable as error:
        raise ServiceUnavailable(f"{error}; run the same command again to go on") from error
    if live:
        live.forget()
    _report(replay)
    return Answer(summary.facts(), EXIT_PARTIAL if summary.problems or summary.refused else 0)


def _live_replay(options: ReplayOptions, settings: Settings) -> LiveReplay:
    identity = json.dumps(
        [
            settings.raw_bucket,
            str(options.data.resolve()),
            options.speed.factor,
            options.wells,
            options.classes,
            options.limit,
            options.batch_minutes,
        ]
    )
    return LiveReplay.resume_or_begin(identity, restart=options.restart)


def _longest_seconds(files: list[RecordingFile]) -> float:
    """Data seconds that the well with the most to replay takes."""
    return max(
        (
            sum(duration_seconds(recording) for recording in read_recordings(well, []))
            for well in by_well(files)
        ),
        default=0.0,
    )


def estimated_rows(file: RecordingFile) -> int:
    """Rows of a recording, by its footer or its size; for the progress bar only."""
    try:
        if file.path.suffix == ".parquet":
            with file.path.open("rb") as content:
                content.seek(max(file.path.stat().st_size - _TAIL_BYTES, 0))
                return read_footer(content.read()).rows
        return file.path.stat().st_size // _CSV_BYTES_A_ROW
    except (ValueError, OSError):
        return 0


def _warn_without_model(settings: Settings) -> None:
    if not (settings.models_bucket and settings.model_parameter):
        return
    registry = ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)
    try:
        registry.pointer()
    except ModelNotReady as error:
        note(
            f"warning: {error}; batches are tried for half an hour, then end in the dead-letter "
            "queue"
        )
    except PetroStreamError:
        return  # whoever may only upload need not see the pointer


def _report(replay: Replay) -> None:
    summary = replay.summary
    for problem in replay.problems:
        note(f"not read: {problem}")
    for recording, reason in sorted(replay.refused.items()):
        note(f"refused: {recording}: {reason}")
    there = summary.batches_already_there
    say(
        f"replayed {summary.recordings} recordings: {summary.batches} batches"
        + (f" ({there} were there already)" if there else "")
        + f", {summary.rows} rows in {summary.seconds:.1f} s"
        + (f"; {summary.problems} files could not be read" if summary.problems else "")
        + (f"; {summary.refused} recordings were refused" if summary.refused else "")
    )
