"""What the tests of faults share: an AWS in this process, and what stands in its raw bucket."""

import logging
from collections.abc import Iterator

import pytest

from petrostream.alarms import notify
from petrostream.detection import profiles
from petrostream.ingest.batches import Batch, cut, encode
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model, PackedModel
from petrostream.scoring.score_batch import score_batch
from producer import claims as producer_claims
from tests.support.aws_here import BAD, BUCKETS, HUGE, PARAMETER, QUEUES, Here
from tests.support.calls import Calls, forget_everything, moto_here
from tests.support.function import load_handler
from tests.support.remembered import remember


@pytest.fixture(scope="session")
def raw_objects(recordings: list[Recording], model: Model) -> dict[str, bytes]:
    """A first batch, one in which an event opens, and two that are no batches."""
    for recording in recordings:
        first, *others = cut(recording)
        profile = profiles.learn(first)
        for batch in others:
            if any(run.opens for run in score_batch(batch, profile, model).runs):
                return {**encoded(first, batch), BAD: b"no Parquet", HUGE: b"huge"}
    raise AssertionError("no recording has an event")


def encoded(*batches: Batch) -> dict[str, bytes]:
    return {batch.id.raw: encode(batch) for batch in batches}


@pytest.fixture
def here(
    packed: PackedModel, raw_objects: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    """An AWS in this process, below botocore's retries; messages come back after minutes."""
    calls = Calls(moto_here)
    calls.attach(monkeypatch)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for name in BUCKETS:
        monkeypatch.setenv(f"PETROSTREAM_{name.upper()}_BUCKET", name)
    for setting, queue in QUEUES.items():
        url = f"https://sqs.us-east-1.amazonaws.com/123456789012/{queue}"
        monkeypatch.setenv(f"PETROSTREAM_{setting.upper()}", url)
    monkeypatch.setenv("PETROSTREAM_MODEL_PARAMETER", PARAMETER)
    monkeypatch.setenv("PETROSTREAM_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:alarms")
    monkeypatch.setenv("POWERTOOLS_LOG_DEDUPLICATION_DISABLED", "true")
    monkeypatch.setitem(
        logging.root.manager.loggerDict, "petrostream", logging.Logger("petrostream")
    )
    monkeypatch.setattr(notify, "_CLAIM_SECONDS", -1.0)
    monkeypatch.setattr(producer_claims, "now", lambda: "2024-01-01 00:00:00 UTC")
    yield Here(calls, load_handler(), packed, raw_objects)
    forget_everything()


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows from the same input is computed once."""
    remember(monkeypatch)
