"""Invariant 1: any order and any duplication of deliveries leaves the same bytes."""

import itertools
from collections import deque
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petrostream.alarms.notify import Alerts
from petrostream.aws.buckets import Bucket
from petrostream.errors import ProfileNotReady
from petrostream.ingest.batches import cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording, RecordingFile, read_recording
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.scoring.pipeline import Disposition, Pipeline

PARQUET = "application/vnd.apache.parquet"
fresh = itertools.count()


class Place:
    """A raw and a curated bucket of their own on the embedded AWS, with several Lambdas."""

    def __init__(self, provisioned, environments: int = 2) -> None:
        number = next(fresh)
        self.s3 = provisioned.clients.s3
        self.raw, self.curated = (Bucket(f"{kind}-{number}", self.s3) for kind in ("raw", "scored"))
        for bucket in (self.raw, self.curated):
            self.s3.create_bucket(Bucket=bucket.name)
        self.pipelines = itertools.cycle(
            [
                Pipeline(
                    self.raw,
                    self.curated,
                    CurrentModel(provisioned.registry),
                    Alerts(self.curated, provisioned.settings.topic_arn, provisioned.clients.sns),
                )
                for _ in range(environments)
            ]
        )

    def deliver(self, key: str) -> bool:
        """Deliver one message; tell whether it is done with."""
        try:
            outcome = next(self.pipelines).process(RawObject(key))
        except ProfileNotReady:
            return False
        assert outcome.disposition is Disposition.SCORED
        return True

    def contents(self) -> dict[str, bytes]:
        keys = list(self.curated.keys(""))
        return {key: self.curated.get(key, at_most=2**30).body for key in keys}


def batches_of(recordings: list[Recording], batch_seconds: int) -> dict[str, bytes]:
    return {
        batch.id.raw: encode(batch)
        for recording in recordings
        for batch in cut(recording, batch_seconds=batch_seconds)
    }


def in_order(provisioned, batches: dict[str, bytes]) -> dict[str, bytes]:
    place = Place(provisioned, environments=1)
    for key, body in batches.items():
        place.raw.put(key, body, PARQUET)
        assert place.deliver(key)
    return place.contents()


def test_the_same_bytes_however_deliveries_are_shuffled_and_repeated(
    provisioned, packed: PackedModel, recordings: list[Recording]
) -> None:
    provisioned.registry.publish(packed)
    batches = batches_of(recordings[1:3], 1200)
    expected = in_order(provisioned, batches)
    assert any(key.startswith("events/") for key in expected), "nothing to get wrong in events"

    @given(
        uploads=st.permutations(sorted(batches)),
        repeats=st.lists(st.sampled_from(sorted(batches)), max_size=8),
    )
    @settings(max_examples=12)
    def check(uploads: list[str], repeats: list[str]) -> None:
        place = Place(provisioned)
        waiting: deque[str] = deque()
        for key in uploads:
            place.raw.put(key, batches[key], PARQUET)
            waiting.append(key)
            if not place.deliver(waiting[0]):
                waiting.append(waiting[0])  # seen again after the visibility time-out
            waiting.popleft()
        waiting.extend(repeats)
        while waiting:
            key = waiting.popleft()
            if not place.deliver(key):
                waiting.append(key)
        assert place.contents() == expected

    check()


@pytest.mark.parametrize("path", ["3w-v1/2/WELL-00012_20170320143144.parquet"])
def test_a_real_event_backwards_and_twice(
    provisioned, packed: PackedModel, real_data: Path, path: str
) -> None:
    provisioned.registry.publish(packed)
    file = RecordingFile(real_data / path, "WELL-00012", "WELL-00012_20170320143144", 2)
    batches = batches_of([read_recording(file)], 600)
    expected = in_order(provisioned, batches)
    place = Place(provisioned)
    for key, body in batches.items():
        place.raw.put(key, body, PARQUET)
    for key in 2 * sorted(batches, reverse=True):
        assert place.deliver(key)
    assert place.contents() == expected
