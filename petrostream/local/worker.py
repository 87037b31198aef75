"""The worker: does what Lambda's event source mapping and execution environments do.

Each slot long-polls the queue for up to ten messages, hands them to the handler in a process of
its own, and deletes the messages that the handler did not name as failed. A handler that raises,
runs out of time or dies fails its whole batch: those messages are seen again after the queue's
visibility time-out, and end in the dead-letter queue after `maxReceiveCount` tries. Both are the
queue's own doing, as on AWS.

Run as ``python -m petrostream.local.worker``; ends at SIGTERM, after the batches in hand.
"""

import argparse
import importlib
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from petrostream import aws
from petrostream.errors import PetroStreamError
from petrostream.local.resources import BATCH_SIZE, FUNCTION_TIMEOUT_SECONDS
from petrostream.settings import PROJECT_ROOT, Settings, use_stack

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

_FUNCTION_NAME: Final = "petrostream-scoring"
_MEMORY_MB: Final = 1024
_COLD_START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 5
_PAUSE_AFTER_FAULT_SECONDS: Final = 1.0
_SPAWN: Final = multiprocessing.get_context("spawn")

log = logging.getLogger("petrostream.worker")


@dataclass(frozen=True, slots=True)
class InvocationContext:
    """What Lambda hands to a handler besides the event."""

    aws_request_id: str
    deadline: float
    function_name: str = _FUNCTION_NAME
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = _MEMORY_MB
    invoked_function_arn: str = f"arn:aws:lambda:us-east-1:123456789012:function:{_FUNCTION_NAME}"
    log_group_name: str = f"/aws/lambda/{_FUNCTION_NAME}"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is ended."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def serve_environment(connection: Connection, timeout_seconds: float) -> None:
    """Run one execution environment: import the handler, answer events until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("AWS_LAMBDA_FUNCTION_NAME", _FUNCTION_NAME)
    os.environ.setdefault("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", str(_MEMORY_MB))
    sys.path.insert(0, str(PROJECT_ROOT / "lambda"))
    handler = importlib.import_module("app").handler
    connection.send("ready")
    while True:
        try:
            event = connection.recv()
        except EOFError:
            return
        context = InvocationContext(str(uuid.uuid4()), time.monotonic() + timeout_seconds)
        try:
            connection.send((True, json.loads(json.dumps(handler(event, context)))))
        except Exception as error:
            log.exception("the handler raised")
            connection.send((False, repr(error)))


class InvocationFailed(PetroStreamError):
    """The handler raised, ran out of time or died: its whole batch counts as failed."""


class Environment:
    """One execution environment in a process of its own, started when needed."""

    def __init__(
        self,
        timeout_seconds: float,
        serve: Callable[[Connection, float], None] = serve_environment,
    ) -> None:
        self._timeout = timeout_seconds
        self._serve = serve
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def invoke(self, event: dict[str, Any]) -> Any:
        """Hand an event to the handler and return its answer.

        Raises
        ------
        InvocationFailed
            If there is no answer; the process is replaced where it is to blame.
        """
        try:
            connection = self._started()
            connection.send(event)
            if not connection.poll(self._timeout):
                raise InvocationFailed(f"the handler took longer than {self._timeout:g} s")
            succeeded, answer = connection.recv()
        except (EOFError, OSError) as error:
            self.stop()
            raise InvocationFailed(f"the handler's process died ({error!r})") from error
        except InvocationFailed:
            self.stop()
            raise
        if not succeeded:
            raise InvocationFailed(f"the handler raised {answer}")
        return answer

    def _started(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self.stop()
        ours, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=self._serve, args=(theirs, self._timeout), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            if not ours.poll(_COLD_START_SECONDS) or ours.recv() != "ready":
                raise InvocationFailed("the handler's process did not get ready")
        except EOFError as error:
            raise InvocationFailed("the handler can't be imported; see the log") from error
        self._connection = ours
        return ours

    def stop(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._connection = self._process = None


def failed_message_ids(answer: Any, sent: Sequence[str]) -> set[str]:
    """Which of the messages sent a handler's answer names as failed.

    As on AWS: no answer or no list means that all succeeded; an answer that can't be understood,
    or names a message that was not sent, fails them all.
    """
    if answer in (None, {}, ""):
        return set()
    try:
        failures = answer["batchItemFailures"] or []
        named = {failure["itemIdentifier"] for failure in failures}
    except (KeyError, TypeError):
        return set(sent)
    is_known = named <= set(sent)
    return named if is_known else set(sent)


def sqs_event(messages: "Sequence[MessageTypeDef]", queue_arn: str) -> dict[str, Any]:
    """The event that Lambda makes of received messages."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": queue_arn.split(":")[3],
            }
            for message in messages
        ]
    }


@dataclass
class Worker:
    """Polls one queue with several slots side by side."""

    sqs: "SQSClient"
    queue_url: str
    slots: int
    timeout_seconds: float
    batch_size: int = BATCH_SIZE
    serve: Callable[[Connection, float], None] = serve_environment
    _stopping: threading.Event = field(default_factory=threading.Event)
    _busy: list[threading.Lock] = field(default_factory=list)

    def run(self) -> None:
        """Poll until `stop` is called; then finish the batches in hand and return."""
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.queue_url, AttributeNames=["QueueArn"]
        )["Attributes"]
        self._busy = [threading.Lock() for _ in range(self.slots)]
        for busy in self._busy:
            threading.Thread(
                target=self._poll, args=(attributes["QueueArn"], busy), daemon=True
            ).start()
        self._stopping.wait()
        for busy in self._busy:
            busy.acquire(timeout=self.timeout_seconds + 1)

    def stop(self) -> None:
        """Let `run` return."""
        self._stopping.set()

    def _poll(self, queue_arn: str, busy: threading.Lock) -> None:
        environment = Environment(self.timeout_seconds, self.serve)
        while not self._stopping.is_set():
            try:
                messages = self._receive()
                with busy:
                    if messages and not self._stopping.is_set():
                        self._deliver(environment, messages, queue_arn)
            except (ClientError, BotoCoreError) as error:
                log.warning("the queue can't be reached: %s", error)
                self._stopping.wait(_PAUSE_AFTER_FAULT_SECONDS)
            except InvocationFailed as error:
                log.warning("a batch of messages failed and comes back later: %s", error)
            except Exception:
                log.exception("a batch of messages failed and comes back later")
                self._stopping.wait(_PAUSE_AFTER_FAULT_SECONDS)
        environment.stop()

    def _receive(self) -> "list[MessageTypeDef]":
        response = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=self.batch_size,
            WaitTimeSeconds=_POLL_SECONDS,
            MessageSystemAttributeNames=["All"],
        )
        return response.get("Messages", [])

    def _deliver(
        self, environment: Environment, messages: "list[MessageTypeDef]", queue_arn: str
    ) -> None:
        answer = environment.invoke(sqs_event(messages, queue_arn))
        failed = failed_message_ids(answer, [message["MessageId"] for message in messages])
        if failed:
            log.warning("%d of %d messages failed and come back", len(failed), len(messages))
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            self.sqs.delete_message_batch(
                QueueUrl=self.queue_url,
                Entries=[
                    {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
                    for position, message in enumerate(done)
                ],
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m petrostream.local.worker")
    parser.add_argument("--slots", type=int, default=2, help="invocations side by side")
    parser.add_argument("--timeout", type=float, default=FUNCTION_TIMEOUT_SECONDS)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        use_stack()
        settings = Settings.load("queue_url")
    except PetroStreamError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback
        return 2
    worker = Worker(aws.sqs(), settings.queue_url, options.slots, options.timeout)
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: worker.stop())
    worker.run()
    log.info("the worker has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
