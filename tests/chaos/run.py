"""A chaos run: replay made-up recordings while everything fails, calm down, draw up the account."""

import io
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import pyarrow.parquet as pq

from petrostream.aws.buckets import Bucket
from petrostream.ingest.batches import decode
from petrostream.registry.models import ModelRegistry
from petrostream.schema.keys import READINGS, SCORED, parse_batch_key
from producer.synthesise import synthesise, write
from tests.chaos.account import Account, drawn_up
from tests.chaos.plan import Disturbance, Step, faulty_answers, steps
from tests.chaos.platform import VISIBILITY_SECONDS, Platform
from tests.chaos.proxy import SpoilingProxy
from tests.support.sqs_events import load_event

WELLS = 4
SPEED = 80.0
LEAST_HOURS = 2.0
SPOILT_SHARE = 0.1
PARQUET = "application/vnd.apache.parquet"
_LOOK_SECONDS = 0.2
_WITHOUT_PROGRESS_SECONDS = 6 * VISIBILITY_SECONDS
_PRODUCER_TRIES = 20


class Stuck(Exception):
    """Nothing gets on any more."""


@dataclass
class ChaosRun:
    """One run: `seconds` of disturbances by the plan of a seed."""

    folder: Path
    seconds: float
    seed: int
    say: Callable[[str], None]
    platform: Platform = field(init=False)
    proxy: SpoilingProxy = field(init=False)
    happened: Counter[Disturbance] = field(default_factory=Counter)
    bad: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = self.folder / "wells"
        hours = max(LEAST_HOURS, self.seconds * SPEED / 3600)
        self.speed = max(SPEED, hours * 3600 / self.seconds)
        write(synthesise(seed=self.seed, wells=WELLS, hours=hours), self.data)
        self.platform = Platform(self.folder)
        self.proxy = SpoilingProxy(self.platform.direct, faulty_answers(self.seed, SPOILT_SHARE))
        self.platform.use(self.proxy.endpoint)
        settings, s3 = self.platform.settings, self.platform.clients.s3
        self.raw = Bucket(settings.raw_bucket, s3)
        self.curated = Bucket(settings.curated_bucket, s3)
        self.registry = ModelRegistry(
            Bucket(settings.models_bucket, s3), settings.model_parameter, self.platform.clients.ssm
        )

    def run(self) -> Account:
        """Disturb, calm down, draw up the account."""
        self.platform.run("ml", "train", str(self.data), "--trees=20", "--no-evaluation")
        self._wait_for_uploads()
        self._disturb()
        self._calm_down()
        return drawn_up(
            self.raw,
            self.curated,
            self.registry,
            data=self.data,
            bad=self.bad,
            alerts=self.platform.alerts(),
            dead_letters=self.platform.dead_letters(),
        )

    def close(self) -> None:
        """End everything."""
        self.platform.close()
        self.proxy.close()

    def _disturb(self) -> None:
        ends = time.monotonic() + self.seconds
        plan = steps(self.seed)
        while time.monotonic() < ends:
            step = next(plan)
            due = time.monotonic() + step.after_seconds
            while time.monotonic() < min(due, ends):
                self._keep_up()
                time.sleep(_LOOK_SECONDS)
            with suppress(psutil.Error):  # what it was to meet has ended by itself
                self._take(step)

    def _wait_for_uploads(self) -> None:
        """Until there is something to disturb."""
        ends = time.monotonic() + _WITHOUT_PROGRESS_SECONDS
        while not any(self.raw.keys(READINGS)):
            self._keep_up()
            if time.monotonic() > ends:
                raise Stuck("nothing is uploaded: see producer.log")
            time.sleep(_LOOK_SECONDS)

    def _keep_up(self) -> None:
        """Start what has ended: somebody always would."""
        if not self.platform.living_workers():
            self.platform.start_worker()
        producer = self.platform.producer
        if producer is not None and producer.poll() == 0:
            self.platform.producer_is_done = True
        if not self.platform.producer_is_done and (producer is None or producer.poll() is not None):
            self.platform.start_producer(self.data, self.speed)

    def _take(self, step: Step) -> None:
        self.say(step.kind.value)
        self.happened[step.kind] += 1
        platform = self.platform
        workers = [psutil.Process(each.pid) for each in platform.living_workers()]
        deeds: dict[Disturbance, Callable[[], object]] = {
            Disturbance.KILL_WORKER: lambda: _chosen(workers, step).kill(),
            Disturbance.END_WORKER: lambda: _chosen(workers, step).terminate(),
            Disturbance.KILL_HANDLER: lambda: _chosen(platform.handlers(), step).kill(),
            Disturbance.PAUSE_HANDLER: lambda: _pause(_chosen(platform.handlers(), step), step),
            Disturbance.PAUSE_WORKER: lambda: _pause(_chosen(workers, step), step),
            Disturbance.PAUSE_SERVER: lambda: _pause(psutil.Process(platform.server.pid), step),
            Disturbance.SECOND_WORKER: lambda: len(workers) > 1 or platform.start_worker(),
            Disturbance.KILL_PRODUCER: lambda: platform.producer and platform.producer.kill(),
            Disturbance.DELIVER_AGAIN: lambda: self._deliver_again(step),
            Disturbance.BAD_OBJECT: lambda: self._upload_bad(step),
        }
        deeds[step.kind]()

    def _deliver_again(self, step: Step) -> None:
        listed = list(self.raw.list(READINGS))
        if listed:
            raw = listed[int(step.which * len(listed))]
            event = load_event(
                "one_object",
                raw_bucket=self.raw.name,
                key=quote(raw.key),
                etag=raw.etag,
                size=raw.size,
            )
            [record] = event["Records"]
            url = self.platform.settings.queue_url
            self.platform.clients.sqs.send_message(QueueUrl=url, MessageBody=record["body"])

    def _upload_bad(self, step: Step) -> None:
        """Upload a good batch that does not say what it is, as that of a well that never was."""
        keys = [key for key in self.raw.keys(READINGS) if key not in self.bad]
        if keys:
            key = keys[int(step.which * len(keys))]
            body = self.raw.get(key, at_most=2**30).body
            readings = decode(body, parse_batch_key(key)).added_rows
            table = pq.ParquetFile(io.BytesIO(body)).read(use_threads=False)
            sink = io.BytesIO()
            pq.write_table(table.replace_schema_metadata(None), sink)
            name = f"BAD-{len(self.bad):05d}"
            bad = f"{READINGS}well={name}/date=2024-01-01/{name}-20240101T000000.parquet"
            self.bad[bad] = readings
            self.raw.put(bad, sink.getvalue(), PARQUET)

    def _calm_down(self) -> None:
        """Spoil nothing any more; wait for the producer and the queues, while they get on."""
        self.say("it calms down")
        self.proxy.spoils = False
        if not self.platform.producer_is_done:
            self._finish_producer()
        self._wait_for_queues()

    def _finish_producer(self) -> None:
        for _ in range(_PRODUCER_TRIES):
            producer = self.platform.producer
            if producer is not None:
                with suppress(subprocess.TimeoutExpired):
                    # what it waits for by its pace is uploaded at once by another
                    producer.wait(timeout=_LOOK_SECONDS)
                if producer.poll() == 0:
                    return
                producer.kill()
                producer.wait()
            self.platform.start_producer(self.data, 1e6)
            assert self.platform.producer is not None
            if self.platform.producer.wait() == 0:
                return
        raise Stuck("the producer does not come to its end: see producer.log")

    def _wait_for_queues(self) -> None:
        seen: object = None
        since = time.monotonic()
        while (depth := self.platform.depth()) != (0, 0):
            if not self.platform.living_workers():
                self.platform.start_worker()
            now = (depth, sum(1 for _ in self.curated.keys(SCORED)))
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > _WITHOUT_PROGRESS_SECONDS:
                raise Stuck(f"{depth[0]} messages wait, {depth[1]} are in hand: see worker.log")
            time.sleep(_LOOK_SECONDS)


def _chosen(processes: list[psutil.Process], step: Step) -> psutil.Process:
    if not processes:
        raise psutil.NoSuchProcess(0)
    return processes[int(step.which * len(processes))]


def _pause(process: psutil.Process, step: Step) -> None:
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(step.pause_seconds)
    finally:
        process.send_signal(signal.SIGCONT)
