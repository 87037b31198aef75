"""An object that ends the function every time, among good ones in one event: the good ones are
scored, and it alone is given up."""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import pytest

from petrostream.aws.buckets import Bucket, StoredObject
from petrostream.aws.queues import backlog, queue_depth
from petrostream.ingest.batches import cut, encode
from petrostream.ingest.notifications import announced_objects
from petrostream.ingest.recordings import Recording
from petrostream.local.execution import serve_environment
from petrostream.local.function import EventSource, Function
from petrostream.local.worker import Worker, run_all, stop_all
from petrostream.registry.model_files import PackedModel
from petrostream.schema.keys import SCORED, parse_batch_key

if TYPE_CHECKING:
    from tests.conftest import Provisioned

KILLER = "KILLER"
TRIES = 3
VISIBILITY_SECONDS = 2
IN_COMPANY = 10
LONGEST_SECONDS = 240.0


def serve_and_die(connection: Connection, function: Function) -> None:
    """The real handler, in a process that ends where it reads a killer."""
    read = Bucket.get

    def get(bucket: Bucket, key: str, *, at_most: int) -> StoredObject:
        if f"well={KILLER}" in key:
            os._exit(9)
        return read(bucket, key, at_most=at_most)

    Bucket.get = get  # type: ignore[method-assign]
    serve_environment(connection, function)


@contextmanager
def working(provisioned: "Provisioned") -> Iterator[None]:
    """Workers on every mapping, an invocation at a time on each."""
    clients = provisioned.clients
    function = Function.read(clients.lambda_, provisioned.settings.function_name)
    workers = [
        Worker(clients.sqs, clients.lambda_, function, source, 1, serve=serve_and_die)
        for source in EventSource.read_all(clients.lambda_, function)
    ]
    thread = threading.Thread(target=run_all, args=(workers,))
    thread.start()
    try:
        yield
    finally:
        stop_all(workers)
        thread.join()


@pytest.fixture
def impatient(provisioned: "Provisioned") -> "Provisioned":
    """Messages come again soon, and are given up after fewer tries."""
    sqs, settings = provisioned.clients.sqs, provisioned.settings
    for url in settings.work_queue_urls:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        redrive = json.loads(found["Attributes"]["RedrivePolicy"])
        sqs.set_queue_attributes(
            QueueUrl=url,
            Attributes={
                "VisibilityTimeout": str(VISIBILITY_SECONDS),
                "RedrivePolicy": json.dumps({**redrive, "maxReceiveCount": TRIES}),
            },
        )
    sqs.purge_queue(QueueUrl=settings.queue_url)  # S3's test event
    return provisioned


def dead_keys(provisioned: "Provisioned") -> list[str]:
    """What the dead letters announced."""
    settings = provisioned.settings
    found = provisioned.clients.sqs.receive_message(
        QueueUrl=settings.dead_letter_queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    ).get("Messages", [])
    bodies = [message["Body"] for message in found]
    return sorted(
        raw.key for body in bodies for raw in announced_objects(body, settings.raw_bucket)
    )


def wait_until_worked_off(provisioned: "Provisioned", killers: int) -> None:
    settings, sqs = provisioned.settings, provisioned.clients.sqs
    deadline = time.monotonic() + LONGEST_SECONDS
    while (
        backlog(settings.work_queue_urls, sqs).total
        or queue_depth(settings.dead_letter_queue_url, sqs).total < killers
    ):
        assert time.monotonic() < deadline, "the queues are not worked off"
        time.sleep(0.1)


@pytest.mark.parametrize(
    "places",
    [pytest.param([4], id="one"), pytest.param([0, 2, 3, 6, 9], id="five")],
)
def test_good_objects_are_scored_and_killers_alone_are_given_up(
    impatient: "Provisioned",
    packed: PackedModel,
    recordings: list[Recording],
    places: Sequence[int],
) -> None:
    impatient.registry.publish(packed)
    batches = iter(cut(recordings[0]))
    good, killers = [], []
    for place in range(IN_COMPANY):
        if place in places:
            key = f"readings/well={KILLER}/date=2017-02-01/r{place}-20170201T000000.parquet"
            killers.append(key)
            impatient.raw.put(key, b"deadly", "application/octet-stream")
        else:
            batch = next(batches)
            good.append(batch.id.raw)
            impatient.raw.put(batch.id.raw, encode(batch), "application/octet-stream")

    with working(impatient):
        wait_until_worked_off(impatient, len(killers))

    assert sorted(impatient.curated.keys(SCORED)) == sorted(
        parse_batch_key(key).scored for key in good
    )
    assert dead_keys(impatient) == killers
