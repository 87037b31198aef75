"""The handler as Lambda runs it: AWS's runtime client under AWS's emulator, the image's packages
and its task folder; nothing else of the project is in reach."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from petrostream.alarms.notify import Alerts
from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.ingest.batches import Batch, cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.local.worker import sqs_event
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import EVENTS, PROFILES, SCORED
from petrostream.scoring.pipeline import Disposition, Pipeline
from tests.support.emulator import (
    ENVIRONMENT,
    HEAVY,
    Emulator,
    Runtime,
    Unavailable,
    lay_out,
    modules_of_handler,
    runtime,
)
from tests.support.sqs_events import as_in_event, load_event, message_ids

if TYPE_CHECKING:
    from tests.conftest import Provisioned

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:petrostream-ingest"
PARQUET = "application/vnd.apache.parquet"
IN_PROCESS = "petrostream-curated-in-process"

Start = Callable[[dict[str, str]], Emulator]


@pytest.fixture(scope="module")
def lambda_runtime() -> Runtime:
    try:
        return runtime()
    except Unavailable as error:
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail(f"CI must be able to run AWS's emulator: {error}")
        pytest.skip(str(error))


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    lay_out(folder)
    return folder


@pytest.fixture
def start(lambda_runtime: Runtime, task: Path, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as running:
        yield lambda environment: running.enter_context(
            Emulator(lambda_runtime, task, environment, tmp_path / "emulator.log")
        )


@pytest.fixture
def function(start: Start, provisioned: "Provisioned", packed: PackedModel) -> Emulator:
    """The function on the embedded AWS, with a model published."""
    provisioned.registry.publish(packed)
    return start(provisioned.environment)


@pytest.fixture
def batches(recordings: list[Recording]) -> list[Batch]:
    return list(cut(recordings[1]))


def upload(provisioned: "Provisioned", batch: Batch) -> None:
    provisioned.raw.put(batch.id.raw, encode(batch), PARQUET)


def received_event(provisioned: "Provisioned") -> dict[str, Any]:
    """The event that Lambda makes of what S3 has put into the queue."""
    sqs, queue = provisioned.clients.sqs, provisioned.settings.queue_url
    messages = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )["Messages"]
    return sqs_event(messages, QUEUE_ARN)


def announcing(provisioned: "Provisioned", name: str, batch: Batch) -> dict[str, Any]:
    raw_bucket = provisioned.settings.raw_bucket
    return load_event(name, raw_bucket=raw_bucket, key=as_in_event(batch.id.raw))


def process_here(provisioned: "Provisioned", batches: list[Batch]) -> dict[str, bytes]:
    """What the pipeline, in this process, makes of the same raw objects."""
    provisioned.clients.s3.create_bucket(Bucket=IN_PROCESS)
    curated = Bucket(IN_PROCESS, provisioned.clients.s3)
    pipeline = Pipeline(
        provisioned.raw,
        curated,
        CurrentModel(provisioned.registry),
        Alerts(curated, provisioned.settings.topic_arn, clients.sns()),
    )
    dispositions = {pipeline.process(RawObject(batch.id.raw)).disposition for batch in batches}
    assert dispositions == {Disposition.SCORED}
    return provisioned.objects(IN_PROCESS)


def test_scored_objects_are_those_of_the_pipeline_byte_for_byte(
    function: Emulator, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    for batch in batches[:5]:
        upload(provisioned, batch)
    event = received_event(provisioned)
    assert len(event["Records"]) == len(batches[:5]) + 1, "S3 sends a test event first"

    assert function.invoke(event) == {"batchItemFailures": []}

    written = provisioned.objects(provisioned.settings.curated_bucket)
    assert written == process_here(provisioned, batches[:5])
    assert {batch.id.scored for batch in batches[:5]} <= set(written)
    assert {key.split("/")[0] + "/" for key in written} >= {SCORED, PROFILES, EVENTS}


def test_only_the_message_that_is_no_s3_event_comes_back(
    function: Emulator, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    upload(provisioned, batches[0])
    event = announcing(provisioned, "one_not_s3", batches[0])
    _, bad = message_ids(event)

    assert function.invoke(event) == {"batchItemFailures": [{"itemIdentifier": bad}]}
    assert provisioned.curated.metadata(batches[0].id.scored) is not None


def test_a_warm_environment_scores_what_failed_before(
    function: Emulator, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    """The second batch's profile can't be learned until the first batch is there."""
    upload(provisioned, batches[1])
    event = announcing(provisioned, "one_object", batches[1])
    (message,) = message_ids(event)
    assert function.invoke(event) == {"batchItemFailures": [{"itemIdentifier": message}]}

    upload(provisioned, batches[0])
    assert function.invoke(event) == {"batchItemFailures": []}
    assert provisioned.curated.metadata(batches[1].id.scored) is not None


def test_what_the_function_prints_is_for_machines(
    function: Emulator, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    upload(provisioned, batches[0])
    function.invoke(received_event(provisioned))
    ours = [json.loads(line) for line in function.printed().splitlines() if line.startswith("{")]
    scored = [line for line in ours if line.get("message") == "scored"]
    figures = [line for line in ours if "_aws" in line]
    assert [line["key"] for line in scored] == [batches[0].id.raw]
    assert [line["Rows"] for line in figures] == [[batches[0].added_rows]]
    assert "Warning" not in function.printed()


def test_a_function_without_its_settings_says_which(start: Start) -> None:
    environment = {**ENVIRONMENT}
    del environment["PETROSTREAM_TOPIC_ARN"]
    answer = start(environment).invoke({"Records": []})
    assert answer["errorType"] == "SettingsError"
    assert "PETROSTREAM_TOPIC_ARN" in answer["errorMessage"]


def test_importing_the_handler_needs_the_image_s_packages_only(
    lambda_runtime: Runtime, task: Path
) -> None:
    modules = modules_of_handler(lambda_runtime.python, task=task)
    expected = task / "petrostream" / "scoring" / "pipeline.py"
    assert modules["petrostream.scoring.pipeline"] == expected
    assert not HEAVY & {name.partition(".")[0] for name in modules}
