"""The worker treats messages as an event source mapping does."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from petrostream.local.worker import (
    Environment,
    InvocationFailed,
    Worker,
    failed_message_ids,
    sqs_event,
)

WAIT_SECONDS = 30.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds; fail if it does not in good time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def scripted(connection: Connection, _timeout: float) -> None:
    """A handler that does what each message's body says, and notes each in a file."""
    connection.send("ready")
    while True:
        try:
            event = connection.recv()
        except EOFError:
            return
        orders = [(json.loads(record["body"]), record) for record in event["Records"]]
        orders = [(order, record) for order, record in orders if "do" in order]  # no s3:TestEvent
        for order, record in orders:
            with Path(order["log"]).open("a") as log:
                log.write(f"{order['do']} {record['attributes']['ApproximateReceiveCount']}\n")
        doing = {order["do"] for order, _ in orders}
        if "die" in doing:
            os._exit(9)
        if "hang" in doing:
            threading.Event().wait()
        while "wait" in doing and "go" not in Path(orders[0][0]["log"]).read_text():
            time.sleep(0.02)
        failed = [
            {"itemIdentifier": record["messageId"]}
            for order, record in orders
            if order["do"] == "fail"
        ]
        answer = (True, {"batchItemFailures": failed})
        connection.send((False, "ValueError()") if "raise" in doing else answer)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "handled"
    path.touch()
    return path


@pytest.fixture
def queues(provisioned) -> Iterator[Callable[[str], int]]:
    """Queues with a visibility time-out of a second and three tries; counts their messages."""
    sqs, settings = provisioned.clients.sqs, provisioned.settings
    redrive = json.loads(
        sqs.get_queue_attributes(QueueUrl=settings.queue_url, AttributeNames=["RedrivePolicy"])[
            "Attributes"
        ]["RedrivePolicy"]
    )
    sqs.set_queue_attributes(
        QueueUrl=settings.queue_url,
        Attributes={
            "VisibilityTimeout": "1",
            "RedrivePolicy": json.dumps({**redrive, "maxReceiveCount": 3}),
        },
    )

    def count(url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    return count


@contextmanager
def working(provisioned, slots: int = 1, timeout: float = 20.0) -> Iterator[Worker]:
    settings = provisioned.settings
    worker = Worker(provisioned.clients.sqs, settings.queue_url, slots, timeout, serve=scripted)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def send(provisioned, log: Path, *orders: str) -> None:
    provisioned.clients.sqs.send_message_batch(
        QueueUrl=provisioned.settings.queue_url,
        Entries=[
            {"Id": str(number), "MessageBody": json.dumps({"do": order, "log": str(log)})}
            for number, order in enumerate(orders)
        ],
    )


def test_handled_messages_are_deleted_and_failed_ones_end_in_the_dead_letter_queue(
    provisioned, queues, log: Path
) -> None:
    settings = provisioned.settings
    send(provisioned, log, "work", "fail", "work")
    with working(provisioned):
        wait_for(lambda: queues(settings.dead_letter_queue_url) == 1)
    assert queues(settings.queue_url) == 0
    assert sorted(log.read_text().splitlines()) == [
        "fail 1",
        "fail 2",
        "fail 3",
        "work 1",
        "work 1",
    ]


@pytest.mark.parametrize("fault", ["raise", "die", "hang"])
def test_a_handler_that_breaks_fails_its_whole_batch_and_the_worker_goes_on(
    provisioned, queues, log: Path, fault: str
) -> None:
    settings = provisioned.settings
    send(provisioned, log, fault)
    with working(provisioned, timeout=1.0):
        wait_for(lambda: queues(settings.dead_letter_queue_url) > 0)
        send(provisioned, log, "work")
        wait_for(lambda: "work 1" in log.read_text())
        wait_for(lambda: queues(settings.queue_url) == 0)


def test_slots_work_side_by_side(provisioned, queues, log: Path) -> None:
    settings = provisioned.settings
    provisioned.clients.sqs.set_queue_attributes(
        QueueUrl=settings.queue_url, Attributes={"VisibilityTimeout": "60"}
    )
    with working(provisioned, slots=2):
        send(provisioned, log, "wait")
        wait_for(lambda: "wait 1" in log.read_text())
        send(provisioned, log, "work")
        wait_for(lambda: "work 1" in log.read_text())
        send(provisioned, log, "go")
        wait_for(lambda: queues(settings.queue_url) == 0)


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"id": "a"}]}, {"a", "b"}),
        ({"something": "else"}, {"a", "b"}),
        ("ok", {"a", "b"}),
    ],
)
def test_answers_are_read_as_lambda_reads_them(answer: object, failed: set[str]) -> None:
    assert failed_message_ids(answer, ["a", "b"]) == failed


def test_the_event_looks_like_lambdas() -> None:
    received = {
        "MessageId": "m",
        "ReceiptHandle": "r",
        "Body": "b",
        "Attributes": {"ApproximateReceiveCount": "2"},
    }
    record = sqs_event([received], "arn:aws:sqs:eu-west-1:1:q")["Records"][0]
    assert record["messageId"] == "m" and record["body"] == "b"
    assert record["attributes"] == {"ApproximateReceiveCount": "2"}
    assert record["eventSource"] == "aws:sqs" and record["awsRegion"] == "eu-west-1"


def broken(connection: Connection, _timeout: float) -> None:
    """A handler that can't be imported."""
    connection.close()


def test_a_handler_that_cannot_be_imported_is_said_so() -> None:
    with pytest.raises(InvocationFailed, match="can't be imported"):
        Environment(1.0, broken).invoke({})
