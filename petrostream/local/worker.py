"""The worker: does what Lambda's event source mapping does, with what was provisioned.

It asks the Lambda API for the function and its mappings. Each slot long-polls a queue, hands the
messages to the handler in a process of its own, and deletes those that the handler did not name as
failed. A handler that raises, runs out of time or dies fails its whole batch: those messages are
seen again after the queue's visibility time-out, and end in the dead-letter queue after
`maxReceiveCount` tries. Both are the queue's own doing, as on AWS. While a mapping is disabled, its
queue is not polled.

Run as ``python -m petrostream.local.worker``; ends at SIGTERM, after the batches in hand.
"""

import argparse
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from petrostream.aws import clients
from petrostream.aws.clients import explained
from petrostream.aws.queues import queue_name
from petrostream.errors import PetroStreamError, without_passwords
from petrostream.local.execution import Environment, InvocationFailed, serve_environment
from petrostream.local.function import EventSource, Function, lambda_client
from petrostream.settings import Settings, use_stack

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

_MOST_AT_ONCE: Final = 10
"""What SQS gives or deletes in one call."""
_POLL_SECONDS: Final = 1
"""Short: the worker ends after the polls that are open, so that none takes what nobody handles."""
_PAUSE_AFTER_FAULT_SECONDS: Final = 1.0
_LOOK_AT_MAPPING_SECONDS: Final = 2.0
_SLOTS: Final = 2
_SERVER_ERROR: Final = 500
_DELETE_TRIES: Final = 3
_UNANSWERED: Final = (ClientError, BotoCoreError, ResponseParserError)

log = logging.getLogger("petrostream.worker")


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


class _WithoutPasswords(logging.Formatter):
    """The worker's lines; those of an endpoint that can't be reached name its address."""

    def format(self, record: logging.LogRecord) -> str:
        return without_passwords(super().format(record))


@dataclass
class _Slot:
    """A thread that polls, and whether it has messages in hand."""

    busy: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread = field(default_factory=threading.Thread)


@dataclass
class Worker:
    """Polls the queue of an event source mapping with several slots side by side."""

    sqs: "SQSClient"
    lambda_: Any
    function: Function
    source: EventSource
    slots: int | None = None
    serve: Callable[[Connection, Function], None] = serve_environment
    _stopping: threading.Event = field(default_factory=threading.Event)
    _enabled: threading.Event = field(default_factory=threading.Event)

    @property
    def concurrency(self) -> int:
        """How many invocations run side by side: the mapping's maximum, but the slots at most."""
        limits = (self.slots, self.source.maximum_concurrency)
        return min((limit for limit in limits if limit is not None), default=_SLOTS)

    def run(self) -> None:
        """Poll until `stop` is called; then end open polls, finish the batches in hand, return."""
        queue_url = self._queue_url()
        self._obey(self.source)
        slots = [_Slot() for _ in range(self.concurrency)]
        for slot in slots:
            slot.thread = threading.Thread(target=self._poll, args=(queue_url, slot), daemon=True)
            slot.thread.start()
        while not self._stopping.wait(_LOOK_AT_MAPPING_SECONDS):
            self._look_at_mapping()
        polls_end = time.monotonic() + 2 * _POLL_SECONDS
        for slot in slots:
            slot.thread.join(timeout=max(0.0, polls_end - time.monotonic()))
        for slot in slots:
            slot.busy.acquire(timeout=self.function.timeout_seconds + 1)

    def stop(self) -> None:
        """Let `run` return."""
        self._stopping.set()
        self._enabled.set()

    def _queue_url(self) -> str:
        name = queue_name(self.source.queue_arn)
        with explained(f"asking for the queue {name}"):
            return self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def _look_at_mapping(self) -> None:
        try:
            found = self.lambda_.get_event_source_mapping(UUID=self.source.uuid)
            source = EventSource.parse(found)
        except (*_UNANSWERED, PetroStreamError) as error:
            log.warning("the event source mapping can't be asked for: %s", error)
        else:
            self._obey(source)

    def _obey(self, source: EventSource) -> None:
        """Poll, or pause, as the mapping's state says."""
        if source.enabled and not self._enabled.is_set():
            log.info(
                "the event source mapping of %s is enabled: polling with %d slots",
                queue_name(self.source.queue_arn),
                self.concurrency,
            )
            self._enabled.set()
        elif not source.enabled and (self._enabled.is_set() or source is self.source):
            log.info(
                "the event source mapping of %s is disabled: nothing is polled",
                queue_name(self.source.queue_arn),
            )
            if not self._stopping.is_set():
                self._enabled.clear()

    def _poll(self, queue_url: str, slot: "_Slot") -> None:
        environment = Environment(self.function, self.serve)
        while self._enabled.wait() and not self._stopping.is_set():
            try:
                messages = self._gather(queue_url)
                with slot.busy:
                    if self._stopping.is_set():
                        self._give_back(messages, queue_url)
                    elif messages:
                        self._deliver(environment, messages, queue_url)
            except _UNANSWERED as error:
                log.warning("the queue can't be reached: %s", error)
                self._stopping.wait(_PAUSE_AFTER_FAULT_SECONDS)
            except InvocationFailed as error:
                log.warning("a batch of messages failed and comes back later: %s", error)
            except Exception:
                log.exception("a batch of messages failed and comes back later")
                self._stopping.wait(_PAUSE_AFTER_FAULT_SECONDS)
        environment.stop()

    def _gather(self, queue_url: str) -> "list[MessageTypeDef]":
        """Wait for messages; with a batching window, for as many as come within it."""
        messages = self._receive(queue_url, self.source.batch_size, _POLL_SECONDS)
        closes = time.monotonic() + self.source.batching_window_seconds
        while messages and (room := self.source.batch_size - len(messages)) > 0:
            left = closes - time.monotonic()
            if left <= 0 or self._stopping.is_set():
                break
            try:
                messages += self._receive(queue_url, room, min(_POLL_SECONDS, math.ceil(left)))
            except _UNANSWERED as error:
                log.warning("the queue can't be reached, what has come is handled: %s", error)
                break
        return messages

    def _receive(self, queue_url: str, count: int, seconds: int) -> "list[MessageTypeDef]":
        response = self.sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(count, _MOST_AT_ONCE),
            WaitTimeSeconds=seconds,
            MessageSystemAttributeNames=["All"],
        )
        return response.get("Messages", [])

    def _deliver(
        self, environment: Environment, messages: "list[MessageTypeDef]", queue_url: str
    ) -> None:
        answer = environment.invoke(sqs_event(messages, self.source.queue_arn))
        failed = self._failed(answer, messages)
        if failed:
            log.warning("%d of %d messages failed and come back", len(failed), len(messages))
        done = [message for message in messages if message["MessageId"] not in failed]
        for some in _in_parts(done):
            self._delete(some, queue_url)

    def _delete(self, messages: "list[MessageTypeDef]", queue_url: str) -> None:
        """Delete up to ten messages: again where SQS is at fault; what stays is said."""
        for attempt in range(1, _DELETE_TRIES + 1):
            answer = self.sqs.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
                    for position, message in enumerate(messages)
                ],
            )
            again = []
            for failure in answer.get("Failed", []):
                message = messages[int(failure["Id"])]
                if failure["SenderFault"] or attempt == _DELETE_TRIES:
                    log.warning(
                        "the message %s was handled but can't be deleted, so it comes back: %s",
                        message["MessageId"],
                        failure["Code"],
                    )
                else:
                    again.append(message)
            if not again:
                return
            messages = again
            self._stopping.wait(_PAUSE_AFTER_FAULT_SECONDS)

    def _give_back(self, messages: "list[MessageTypeDef]", queue_url: str) -> None:
        """Let others see messages at once that came when the worker was to end."""
        for some in _in_parts(messages):
            self.sqs.change_message_visibility_batch(
                QueueUrl=queue_url,
                Entries=[
                    {
                        "Id": str(position),
                        "ReceiptHandle": message["ReceiptHandle"],
                        "VisibilityTimeout": 0,
                    }
                    for position, message in enumerate(some)
                ],
            )

    def _failed(self, answer: Any, messages: "list[MessageTypeDef]") -> set[str]:
        """Which messages come back; where failed items are not reported, an answer is success."""
        if not self.source.reports_failed_items:
            return set()
        return failed_message_ids(answer, [message["MessageId"] for message in messages])


def _in_parts(messages: "list[MessageTypeDef]") -> "Iterator[list[MessageTypeDef]]":
    for first in range(0, len(messages), _MOST_AT_ONCE):
        yield messages[first : first + _MOST_AT_ONCE]


def run_all(workers: Sequence[Worker]) -> None:
    """Serve every mapping until all are told to stop; if one can't, stop the others and raise."""
    with ThreadPoolExecutor(len(workers)) as pool:
        endings = [pool.submit(worker.run) for worker in workers]
        try:
            for ending in as_completed(endings):
                ending.result()
        finally:
            stop_all(workers)


def stop_all(workers: Sequence[Worker]) -> None:
    """Let every worker end."""
    for worker in workers:
        worker.stop()


def tell_retries(sqs: "SQSClient") -> None:
    """Log what boto3 tries again by itself: a lost answer may have had messages, which then come
    back only after the queue's visibility time-out.
    """

    def tell(
        operation: Any = None, response: Any = None, caught_exception: Any = None, **_: Any
    ) -> None:
        status = response[0].status_code if response else 0
        was_cut = response is not None and clients.is_cut(response[0])
        if caught_exception is not None or status >= _SERVER_ERROR or was_cut:
            log.warning(
                "%s got no answer and is tried again: %s",
                getattr(operation, "name", "a call"),
                caught_exception or ("it was cut short" if was_cut else f"status {status}"),
            )

    sqs.meta.events.register_first("needs-retry.sqs", tell)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m petrostream.local.worker")
    parser.add_argument(
        "--slots",
        type=int,
        help="invocations side by side for each queue at most (default: what its event source "
        "mapping allows)",
    )
    options = parser.parse_args(arguments)
    shown = logging.StreamHandler()
    shown.setFormatter(_WithoutPasswords("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[shown])
    try:
        use_stack()
        settings = Settings.load("function_name")
        lambda_ = lambda_client()
        function = Function.read(lambda_, settings.function_name)
        sources = EventSource.read_all(lambda_, function)
        sqs = clients.sqs()
        tell_retries(sqs)
        workers = [Worker(sqs, lambda_, function, source, options.slots) for source in sources]
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: stop_all(workers))
        run_all(workers)
    except PetroStreamError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback
        return 2
    log.info("the worker has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
