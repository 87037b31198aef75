"""No message is lost to a receiver that is gone, nor to an answer that was cut short."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from petrostream.settings import PROJECT_ROOT

SENT = 20


@pytest.fixture
def queue(provisioned) -> str:
    """A queue that nothing but the test sends to; what is received is not seen again for long."""
    return provisioned.clients.sqs.create_queue(
        QueueName="lost", Attributes={"VisibilityTimeout": "360"}
    )["QueueUrl"]


def received(provisioned, url: str) -> list[str]:
    """The bodies of what can be received, until nothing comes for two seconds."""
    bodies: list[str] = []
    while len(bodies) < SENT:
        got = provisioned.clients.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2
        ).get("Messages", [])
        if not got:
            break
        bodies += [message["Body"] for message in got]
    return sorted(bodies)


def send(provisioned, url: str, count: int = SENT) -> list[str]:
    bodies = [f"{number:03d}" for number in range(count)]
    for body in bodies:
        provisioned.clients.sqs.send_message(QueueUrl=url, MessageBody=body)
    return bodies


@contextlib.contextmanager
def asking(url: str, seconds: int) -> Iterator[socket.socket]:
    """A receive as it goes over the wire, for a client that does what a test wants with it."""
    place = urlsplit(url)
    body = json.dumps(
        {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": seconds}
    ).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/sqs/aws4_request,"
        " SignedHeaders=host, Signature=0\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=30) as client:
        client.sendall(head.encode() + body)
        yield client


def test_a_poll_whose_client_is_gone_takes_no_message(provisioned, queue: str) -> None:
    for _ in range(3):
        with asking(queue, seconds=20):
            assert received(provisioned, queue) == []  # the server polls by now
    assert send(provisioned, queue) == received(provisioned, queue)


def test_an_answer_that_nobody_read_gives_its_messages_back(provisioned, queue: str) -> None:
    bodies = send(provisioned, queue, 3)
    with asking(queue, seconds=0) as client:
        client.recv(1)
    got = provisioned.clients.sqs.receive_message(
        QueueUrl=queue,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=10,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )["Messages"]
    assert sorted(message["Body"] for message in got) == bodies
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in got} == {"1"}


def test_an_answer_that_was_read_keeps_its_messages(provisioned, queue: str) -> None:
    send(provisioned, queue, 3)
    with asking(queue, seconds=0) as client:
        answer = b""
        while part := client.recv(65_536):
            answer += part
    assert answer.count(b'"Body"') == 3
    assert received(provisioned, queue) == []


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_ended_takes_no_message(provisioned, ending: signal.Signals) -> None:
    url = provisioned.settings.queue_url
    provisioned.clients.sqs.purge_queue(QueueUrl=url)  # S3's test event
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.worker", "--slots=2"],
        cwd=PROJECT_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stderr is not None
        for line in worker.stderr:
            if "polling with 2 slots" in line:
                break
        assert received(provisioned, url) == []  # long enough for both slots to poll
        worker.send_signal(ending)
        worker.wait(timeout=30)
    assert send(provisioned, url) == received(provisioned, url)
