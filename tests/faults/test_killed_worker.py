"""`kill -9` of the worker in mid-batch: nothing is lost, nothing comes twice."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from petrostream.alarms.notify import Alerts
from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.aws.queues import queue_depth
from petrostream.ingest.notifications import RawObject
from petrostream.local import stack
from petrostream.registry.models import CurrentModel, ModelRegistry
from petrostream.schema.keys import ALERTS, EVENTS, PROFILES, READINGS, SCORED
from petrostream.scoring.pipeline import Pipeline
from petrostream.settings import PROJECT_ROOT, Settings, read_stack

FUNCTION_TIMEOUT = 4  # messages are seen again after six of these


def run(*arguments: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def contents(bucket: Bucket, *prefixes: str) -> dict[str, bytes]:
    keys = [key for prefix in prefixes for key in bucket.keys(prefix)]
    return {key: bucket.get(key, at_most=2**30).body for key in keys}


def scored_in_this_process(settings: Settings, raw: Bucket) -> dict[str, bytes]:
    """What the curated bucket must hold, made without worker and queue."""
    reference = Bucket("reference")
    clients.s3().create_bucket(Bucket="reference")
    registry = ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)
    pipeline = Pipeline(
        raw, reference, CurrentModel(registry), Alerts(reference, settings.topic_arn)
    )
    for key in raw.keys(READINGS):
        pipeline.process(RawObject(key))
    return contents(reference, SCORED, EVENTS, PROFILES)


def test_nothing_is_lost_and_nothing_comes_twice(wells: Path) -> None:
    run("petrostream.local", "up", f"--timeout={FUNCTION_TIMEOUT}")
    try:
        found = read_stack()
        assert found is not None
        os.environ.update(found["environment"])
        settings = Settings.load()
        raw, curated = Bucket(settings.raw_bucket), Bucket(settings.curated_bucket)
        run("ml", "train", str(wells), "--trees=10", "--no-evaluation")
        run("producer", "replay", str(wells), "--speed=max", "--batch-minutes=2")
        uploaded = list(raw.keys(READINGS))

        worker = psutil.Process(int(found["processes"][stack.WORKER]["pid"]))
        family = [worker, *worker.children(recursive=True)]
        wait_for(lambda: any(curated.keys(SCORED)))
        worker.kill()
        psutil.wait_procs(family, timeout=30)
        assert not any(member.is_running() for member in family), "its children outlive it"
        done = sum(1 for _ in curated.keys(SCORED))
        assert done < len(uploaded), "it was not killed in the middle"
        assert queue_depth(settings.queue_url).in_flight > 0

        run("petrostream.local", "up", f"--timeout={FUNCTION_TIMEOUT}")
        stack.wait_until_idle(settings, read_stack() or {})
        assert queue_depth(settings.dead_letter_queue_url).total == 0
        scored = contents(curated, SCORED, EVENTS, PROFILES)
        assert scored == scored_in_this_process(settings, raw)
        claims = contents(curated, ALERTS)
        assert claims and set(claims.values()) == {b'{"state":"sent"}'}
    finally:
        stack.down()


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test takes the stack's environment; put the caller's back afterwards."""
    monkeypatch.setattr(os, "environ", os.environ)
    for name in Settings.__dataclass_fields__:
        monkeypatch.setenv(f"PETROSTREAM_{name.upper()}", "")
        monkeypatch.delenv(f"PETROSTREAM_{name.upper()}")
