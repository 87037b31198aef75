"""The worker treats messages as an event source mapping does."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar

import pytest

from petrostream.aws import clients as aws
from petrostream.aws.queues import queue_depth
from petrostream.errors import ServiceUnavailable
from petrostream.local import execution
from petrostream.local.execution import Environment, InvocationFailed
from petrostream.local.function import EventSource, Function
from petrostream.local.resources import Clients
from petrostream.local.worker import (
    Worker,
    failed_message_ids,
    run_all,
    sqs_event,
    stop_all,
    tell_retries,
)
from petrostream.settings import PROJECT_ROOT
from tests.support.wire import Wire

WAIT_SECONDS = 30.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds; fail if it does not in good time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def scripted(connection: Connection, _function: Function) -> None:
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
            if order["do"] == "count":
                Path(order["log"]).with_name("counted").write_text(str(len(orders)))
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
        return queue_depth(url, sqs).total

    return count


@contextmanager
def working(
    provisioned, slots: int = 1, timeout: float | None = None, **source: object
) -> Iterator[Worker]:
    """A worker on the queue of what came, with a time-out or parts of the mapping changed."""
    clients = provisioned.clients
    function = Function.read(clients.lambda_, provisioned.settings.function_name)
    first, _retries = EventSource.read_all(clients.lambda_, function)
    mapping = replace(first, **source)
    if timeout is not None:
        function = replace(function, timeout_seconds=timeout)
    worker = Worker(clients.sqs, clients.lambda_, function, mapping, slots, serve=scripted)
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


def broken(connection: Connection, _function: Function) -> None:
    """A handler that can't be imported."""
    connection.close()


def test_a_handler_that_cannot_be_imported_is_said_so() -> None:
    with pytest.raises(InvocationFailed, match="can't be imported"):
        Environment(Function(timeout_seconds=1.0), broken).invoke({})


def test_without_reports_of_failed_items_an_answer_is_success(
    provisioned, queues, log: Path
) -> None:
    settings = provisioned.settings
    send(provisioned, log, "fail", "work")
    with working(provisioned, reports_failed_items=False):
        wait_for(lambda: queues(settings.queue_url) == 0)
    assert sorted(log.read_text().splitlines()) == ["fail 1", "work 1"]
    assert queues(settings.dead_letter_queue_url) == 0


def test_a_batch_has_no_more_messages_than_the_mapping_says(provisioned, queues, log: Path) -> None:
    send(provisioned, log, *["count"] * 5)
    with working(provisioned, batch_size=1):
        wait_for(lambda: queues(provisioned.settings.queue_url) == 0)
    assert (log.parent / "counted").read_text() == "1"


def test_a_batching_window_gathers_more_than_sqs_gives_at_once(
    provisioned, queues, log: Path
) -> None:
    settings = provisioned.settings
    provisioned.clients.sqs.purge_queue(QueueUrl=settings.queue_url)  # S3's test event
    for count in (10, 2):
        send(provisioned, log, *["count"] * count)
    with working(provisioned, batch_size=12, batching_window_seconds=20):
        wait_for(lambda: queues(settings.queue_url) == 0)
    assert (log.parent / "counted").read_text() == "12"


def test_a_disabled_mapping_polls_nothing_until_it_is_enabled(
    provisioned, queues, log: Path
) -> None:
    settings, lambda_ = provisioned.settings, provisioned.clients.lambda_
    function = Function.read(lambda_, settings.function_name)
    mapping, _retries = EventSource.read_all(lambda_, function)
    lambda_.update_event_source_mapping(UUID=mapping.uuid, Enabled=False)
    send(provisioned, log, "work")
    looks: list[str] = []
    lambda_.meta.events.register(
        "after-call.lambda.GetEventSourceMapping", lambda **_: looks.append("looked")
    )
    with working(provisioned):
        wait_for(lambda: len(looks) > 1)
        assert log.read_text() == ""
        lambda_.update_event_source_mapping(UUID=mapping.uuid, Enabled=True)
        wait_for(lambda: queues(settings.queue_url) == 0)
    assert log.read_text() == "work 1\n"


def test_every_mapping_is_served_and_one_that_cannot_be_ends_them_all(
    provisioned, queues, log: Path
) -> None:
    clients, settings = provisioned.clients, provisioned.settings
    function = Function.read(clients.lambda_, settings.function_name)
    workers = [
        Worker(clients.sqs, clients.lambda_, function, source, 1, serve=scripted)
        for source in EventSource.read_all(clients.lambda_, function)
    ]
    for url in settings.work_queue_urls:
        order = json.dumps({"do": "work", "log": str(log)})
        clients.sqs.send_message(QueueUrl=url, MessageBody=order)
    thread = threading.Thread(target=run_all, args=(workers,))
    thread.start()
    wait_for(lambda: not sum(map(queues, settings.work_queue_urls)))
    stop_all(workers)
    thread.join()
    assert log.read_text() == "work 1\n" * 2
    clients.sqs.delete_queue(QueueUrl=settings.retries_queue_url)
    again = [replace(worker, _stopping=threading.Event()) for worker in workers]
    with pytest.raises(ServiceUnavailable, match="petrostream-ingest-retries"):
        run_all(again)


@pytest.mark.parametrize(
    ("slots", "maximum", "concurrency"), [(None, 10, 10), (2, 10, 2), (8, 3, 3), (None, None, 2)]
)
def test_slots_side_by_side_are_the_mappings_but_ours_at_most(
    slots: int | None, maximum: int | None, concurrency: int
) -> None:
    source = EventSource("u", "arn:aws:sqs:r:1:q", 10, 0, True, maximum, True)
    assert Worker(None, None, Function(), source, slots).concurrency == concurrency


def test_function_and_mappings_are_read_as_they_were_provisioned(provisioned) -> None:
    settings, lambda_ = provisioned.settings, provisioned.clients.lambda_
    function = Function.read(lambda_, settings.function_name)
    assert (function.timeout_seconds, function.memory_mb) == (60, 1024)
    assert function.variables["PETROSTREAM_TOPIC_ARN"] == settings.topic_arn
    source, alone = EventSource.read_all(lambda_, function)
    assert source.queue_arn.endswith(":petrostream-ingest")
    assert (source.batch_size, source.batching_window_seconds) == (10, 0)
    assert (source.reports_failed_items, source.maximum_concurrency) == (True, 8)
    assert alone.queue_arn.endswith(":petrostream-ingest-retries")
    assert (alone.batch_size, alone.maximum_concurrency) == (1, 2)
    for each in (source, alone):
        lambda_.delete_event_source_mapping(UUID=each.uuid)
    with pytest.raises(ServiceUnavailable, match="no event source mapping"):
        EventSource.read_all(lambda_, function)
    with pytest.raises(ServiceUnavailable, match="the function nobody"):
        Function.read(lambda_, "nobody")


SHOWING = """
import os

def handler(event, context):
    return {**os.environ, "name": context.function_name}
"""


def showing_environment(connection: Connection, function: Function) -> None:
    """Serve as an execution environment does, with a handler that answers its environment."""
    folder = Path(function.variables["FOLDER"])
    (folder / "app.py").write_text(SHOWING)
    whole = execution.handler_environment(function)
    execution.handler_environment = lambda _: {**whole, "LAMBDA_TASK_ROOT": str(folder)}
    execution.serve_environment(connection, function)


def test_the_handler_sees_the_functions_variables_and_what_lambda_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PETROSTREAM_QUEUE_URL", "the worker's own")
    monkeypatch.setenv("SOMETHING", "else")
    monkeypatch.setenv("AWS_CA_BUNDLE", "whom AWS's clients trust")
    function = Function(name="f", memory_mb=512, variables={"FOLDER": str(tmp_path)})
    environment = Environment(function, showing_environment)
    seen = environment.invoke({})
    environment.stop()
    assert seen["name"] == seen["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert seen["FOLDER"] == str(tmp_path)
    assert seen["AWS_ENDPOINT_URL"] == os.environ["AWS_ENDPOINT_URL"]
    assert seen["AWS_CA_BUNDLE"] == "whom AWS's clients trust"
    assert not {name for name in seen if name.startswith("PETROSTREAM_")}
    assert "SOMETHING" not in seen and "HOME" not in seen


def test_a_worker_without_a_function_says_so(provisioned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PETROSTREAM_FUNCTION_NAME", "nobody")
    result = subprocess.run(
        [sys.executable, "-m", "petrostream.local.worker"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "asking for the function nobody" in result.stderr and "Traceback" not in result.stderr


def test_the_worker_ends_when_told_to(provisioned) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.worker", "--slots=1"],
        cwd=PROJECT_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stderr is not None
        for line in worker.stderr:
            if "polling with 1 slots" in line:
                break
        worker.send_signal(signal.SIGTERM)
        rest = worker.stderr.read()
        assert worker.wait(timeout=30) == 0
    assert "the worker has ended" in rest


class Forgetful(BaseHTTPRequestHandler):
    """Drops the first request's connection; answers the others with nothing."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        if len(self.asked) > 1:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_that_was_lost_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        sqs = aws.sqs()
        tell_retries(sqs)
        assert "Messages" not in sqs.receive_message(QueueUrl=f"{endpoint}/123456789012/queue")
        server.shutdown()
    assert "ReceiveMessage got no answer and is tried again" in caplog.text


def test_messages_that_come_when_the_worker_is_to_end_are_given_back(
    provisioned, queues, log: Path
) -> None:
    url, sqs = provisioned.settings.queue_url, provisioned.clients.sqs
    sqs.purge_queue(QueueUrl=url)  # S3's test event
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "360"})
    with working(provisioned) as worker:

        def stop(parsed: dict[str, object], **_: object) -> None:
            if "Messages" in parsed:
                worker.stop()

        sqs.meta.events.register("after-call.sqs.ReceiveMessage", stop)
        send(provisioned, log, "work", "work")
        wait_for(worker._stopping.is_set)
    assert log.read_text() == ""
    assert queue_depth(url, sqs).waiting == 2


def test_an_answer_that_was_cut_short_is_not_taken_for_no_messages(
    provisioned, queues, log: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    send(provisioned, log, "work")
    with Wire(provisioned.environment["AWS_ENDPOINT_URL"]) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.endpoint)
        over = replace(provisioned, clients=Clients.connect())
        tell_retries(over.clients.sqs)
        wire.shorten("AmazonSQS.ReceiveMessage", answers=1)
        with working(over):
            wait_for(lambda: queues(provisioned.settings.queue_url) == 0)
    assert "ReceiveMessage got no answer and is tried again: it was cut short" in caplog.text
    assert log.read_text() == "work 2\n"


@pytest.mark.parametrize("length", [0, 20, 60, 400])
def test_a_worker_outlives_answers_about_its_mapping_that_are_cut_short(
    provisioned, queues, log: Path, monkeypatch: pytest.MonkeyPatch, caplog, length: int
) -> None:
    with Wire(provisioned.environment["AWS_ENDPOINT_URL"]) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.endpoint)
        over = replace(provisioned, clients=Clients.connect())
        with working(over):
            wire.shorten("/event-source-mappings/", answers=5, to=length)
            wait_for(lambda: "the event source mapping can't be asked for" in caplog.text)
            wire.shorten("", answers=0)
            send(provisioned, log, "work")
            wait_for(lambda: queues(provisioned.settings.queue_url) == 0)


def test_a_mapping_without_its_parts_is_said_so() -> None:
    with pytest.raises(ServiceUnavailable, match="lacks UUID, EventSourceArn"):
        EventSource.parse({"BatchSize": 1, "State": "Enabled"})


def fail_deletes(client, times: int, *, sender_fault: bool) -> list[int]:
    """Let the next batch deletes fail for their first message; notes how many each asked for."""
    asked: list[int] = []

    def fail(params: dict[str, str], **_: object) -> None:
        entries = json.loads(params["body"])["Entries"]
        asked.append(len(entries))

    def first_failed(parsed: dict[str, object], **_: object) -> None:
        if len(asked) <= times:
            failure = {"Id": "0", "SenderFault": sender_fault, "Code": "InternalError"}
            parsed["Failed"] = [failure]

    client.meta.events.register("before-call.sqs.DeleteMessageBatch", fail)
    client.meta.events.register("after-call.sqs.DeleteMessageBatch", first_failed)
    return asked


@pytest.mark.parametrize(
    ("times", "sender_fault", "asked", "is_said"),
    [(1, False, [2, 1], False), (9, False, [2, 1, 1], True), (1, True, [2], True)],
)
def test_messages_that_sqs_fails_to_delete_are_deleted_again_or_named(
    provisioned, queues, log: Path, caplog, times, sender_fault, asked, is_said
) -> None:
    url = provisioned.settings.queue_url
    provisioned.clients.sqs.purge_queue(QueueUrl=url)  # S3's test event
    found = fail_deletes(provisioned.clients.sqs, times, sender_fault=sender_fault)
    send(provisioned, log, "work", "work")
    with working(provisioned):
        wait_for(lambda: len(found) == len(asked))
    assert found == asked
    assert ("was handled but can't be deleted" in caplog.text) is is_said
